//! A key of a selection with its modifiers, and the checks that its values become.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use super::check::{Affix, Check, FieldId, Number, Order, Texts, TimePart};
use super::pattern::{Shape, Tok, folded, literal, parse};
use super::yaml::{Fault, Node, Place};

/// Bytes that one compiled expression may take.
const REGEX_SIZE: usize = 4 << 20;
/// Spellings that one value may get through `windash`: four dashes, each in five spellings.
const MAX_SPELLINGS: usize = 625;
/// What Windows programs take for a dash, and rules write in place of each other.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

const KNOWN: &[(&str, Modifier)] = &[
    ("contains", Modifier::Contains),
    ("startswith", Modifier::StartsWith),
    ("endswith", Modifier::EndsWith),
    ("all", Modifier::All),
    ("re", Modifier::Regex),
    ("i", Modifier::Flag('i')),
    ("m", Modifier::Flag('m')),
    ("s", Modifier::Flag('s')),
    ("cidr", Modifier::Cidr),
    ("base64", Modifier::Base64),
    ("base64offset", Modifier::Base64Offset),
    ("wide", Modifier::Utf16 { big: false, mark: false }),
    ("utf16le", Modifier::Utf16 { big: false, mark: false }),
    ("utf16be", Modifier::Utf16 { big: true, mark: false }),
    ("utf16", Modifier::Utf16 { big: false, mark: true }),
    ("windash", Modifier::WinDash),
    ("exists", Modifier::Exists),
    ("cased", Modifier::Cased),
    ("neq", Modifier::NotEqual),
    ("lt", Modifier::Order(Order::Less)),
    ("lte", Modifier::Order(Order::LessOrEqual)),
    ("gt", Modifier::Order(Order::Greater)),
    ("gte", Modifier::Order(Order::GreaterOrEqual)),
    ("fieldref", Modifier::FieldRef),
    ("expand", Modifier::Expand),
    ("minute", Modifier::Part(TimePart::Minute)),
    ("hour", Modifier::Part(TimePart::Hour)),
    ("day", Modifier::Part(TimePart::Day)),
    ("week", Modifier::Part(TimePart::Week)),
    ("month", Modifier::Part(TimePart::Month)),
    ("year", Modifier::Part(TimePart::Year)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Modifier {
    Contains,
    StartsWith,
    EndsWith,
    All,
    Regex,
    Flag(char),
    Cidr,
    Base64,
    Base64Offset,
    Utf16 { big: bool, mark: bool },
    WinDash,
    Exists,
    Cased,
    NotEqual,
    Order(Order),
    FieldRef,
    Expand,
    Part(TimePart),
}

/// What kind of comparison a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Regex,
    Cidr,
    Exists,
    Order(Order),
    Part(TimePart, Order),
    FieldRef,
}

/// A key of a selection: the field and what its modifiers ask for.
#[derive(Debug)]
pub(super) struct Key {
    /// Name of the field; `None` for keywords.
    pub(super) field: Option<String>,
    /// All values must be found, not any.
    pub(super) all: bool,
    /// The field must be none of the values.
    pub(super) negated: bool,
    modifiers: Vec<Modifier>,
    kind: Kind,
    cased: bool,
}

impl Key {
    /// The key that keywords without a map have.
    pub(super) fn keywords() -> Self {
        Self {
            field: None,
            all: false,
            negated: false,
            modifiers: Vec::new(),
            kind: Kind::Text,
            cased: false,
        }
    }

    /// Reads `field|modifier|...`.
    pub(super) fn parse(text: &str, place: Place) -> Result<Self, Fault> {
        let mut parts = text.split('|');
        let name = parts.next().unwrap_or_default();
        let modifiers = parts.map(|word| modifier(word, place)).collect::<Result<Vec<_>, _>>()?;
        let kind = kind(&modifiers).map_err(|reason| Fault::new(place, reason))?;
        let has = |wanted| modifiers.contains(&wanted);
        let (all, negated) = (has(Modifier::All), has(Modifier::NotEqual));
        let cased = has(Modifier::Cased);
        let field = (!name.is_empty()).then(|| name.to_owned());
        if field.is_none() && !matches!(kind, Kind::Text | Kind::Regex) {
            return Err(Fault::new(place, "this modifier needs a field name before it"));
        }
        Ok(Self { field, all, negated, modifiers, kind, cased })
    }

    /// The checks of one value; any of them is enough.
    pub(super) fn checks(
        &self,
        value: &Node,
        field: &mut dyn FnMut(&str) -> FieldId,
    ) -> Result<Vec<Check>, Fault> {
        self.value(value, field).map_err(|refusal| refusal.into_fault(value.place))
    }

    fn value(
        &self,
        value: &Node,
        field: &mut dyn FnMut(&str) -> FieldId,
    ) -> Result<Vec<Check>, Refusal> {
        if value.is_null() {
            return match self.kind {
                Kind::Text if !self.changes_text() => Ok(vec![Check::Null]),
                _ => refuse("null takes no modifier that changes or reads text"),
            };
        }
        let Some(text) = value.text() else {
            return refuse("a list or a mapping where a single value is meant");
        };
        match self.kind {
            Kind::Text => self.texts(text, is_plain(value)),
            Kind::Regex => self.regex(text).map(|re| vec![Check::Regex(re)]),
            Kind::Cidr => network(text).map(|net| vec![Check::Network(net)]),
            Kind::Exists => exists(text).map(|there| vec![Check::Exists(there)]),
            Kind::Order(order) => match Number::parse(text) {
                Some(bound) => Ok(vec![Check::Order(order, bound)]),
                None => refuse("`lt`, `lte`, `gt` and `gte` compare with a number"),
            },
            Kind::Part(part, order) => match Number::parse(text) {
                Some(bound @ Number::Whole(_)) => Ok(vec![Check::Part(part, order, bound)]),
                _ => refuse("a part of a time is compared with a whole number"),
            },
            Kind::FieldRef if text.is_empty() => refuse("`fieldref` needs the name of a field"),
            Kind::FieldRef => Ok(vec![Check::Field(field(text), self.affix())]),
        }
    }

    fn has(&self, wanted: Modifier) -> bool {
        self.modifiers.contains(&wanted)
    }

    fn affix(&self) -> Affix {
        let around = self.has(Modifier::Contains);
        Affix {
            open_start: around || self.has(Modifier::EndsWith),
            open_end: around || self.has(Modifier::StartsWith),
            cased: self.cased,
        }
    }

    fn changes_text(&self) -> bool {
        self.modifiers
            .iter()
            .any(|m| !matches!(m, Modifier::All | Modifier::NotEqual | Modifier::Cased))
    }

    fn regex(&self, text: &str) -> Result<Regex, Refusal> {
        RegexBuilder::new(text)
            .case_insensitive(self.has(Modifier::Flag('i')))
            .multi_line(self.has(Modifier::Flag('m')))
            .dot_matches_new_line(self.has(Modifier::Flag('s')))
            .size_limit(REGEX_SIZE)
            .dfa_size_limit(REGEX_SIZE)
            .nest_limit(100)
            .build()
            .map_err(|error| Refusal::Reason(regex_reason(&error)))
    }

    fn texts(&self, raw: &str, plain: bool) -> Result<Vec<Check>, Refusal> {
        let expanded =
            if self.has(Modifier::Expand) { Some(without_placeholder(raw)?) } else { None };
        let mut texts = Texts::new(self.cased);
        for toks in self.spellings(expanded.as_deref().unwrap_or(raw))? {
            texts.push(Shape::of(&if self.cased { toks } else { folded(&toks) }));
        }
        let number = if plain && !self.changes_text() {
            Number::parse(raw).map(Check::Number)
        } else {
            None
        };
        Ok(std::iter::once(Check::Text(texts)).chain(number).collect())
    }

    /// Applies the modifiers that change a value, in their order.
    fn spellings(&self, raw: &str) -> Result<Vec<Vec<Tok>>, Refusal> {
        let mut values = vec![Encoded::Text(parse(raw))];
        for modifier in &self.modifiers {
            let mut next = Vec::with_capacity(values.len());
            for value in values {
                value.apply(*modifier, &mut next)?;
                if next.len() > MAX_SPELLINGS {
                    return refuse("more than four dashes in a value with `windash`");
                }
            }
            values = next;
        }
        values.into_iter().map(Encoded::into_text).collect()
    }
}

/// Why a value cannot be compiled.
enum Refusal {
    Reason(String),
    /// Not a fault of the rule: it needs a list that the site supplies.
    Placeholder,
}

/// Marks a fault that is none: the rule lacks a list of the site.
pub(super) const LACKS_PLACEHOLDER: &str = "lacks a placeholder list";

impl Refusal {
    fn into_fault(self, place: Place) -> Fault {
        match self {
            Self::Reason(reason) => Fault::new(place, reason),
            Self::Placeholder => Fault::new(place, LACKS_PLACEHOLDER),
        }
    }
}

fn refuse<T>(reason: &str) -> Result<T, Refusal> {
    Err(Refusal::Reason(reason.to_owned()))
}

/// A value between two modifiers.
enum Encoded {
    Text(Vec<Tok>),
    Bytes(Vec<u8>),
}

impl Encoded {
    fn apply(self, modifier: Modifier, out: &mut Vec<Self>) -> Result<(), Refusal> {
        match modifier {
            Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith => {
                out.push(Self::Text(open(self.into_text()?, modifier)));
            }
            Modifier::WinDash => out.extend(dashes(self.into_text()?)?.into_iter().map(Self::Text)),
            Modifier::Utf16 { big, mark } => {
                out.push(Self::Bytes(utf16(&self.into_plain()?, big, mark)));
            }
            Modifier::Base64 => out.push(Self::from_text(&STANDARD.encode(self.into_bytes()?))),
            Modifier::Base64Offset => {
                let bytes = self.into_bytes()?;
                out.extend((0..3).map(|shift| Self::from_text(&base64_at(&bytes, shift))));
            }
            _ => out.push(self),
        }
        Ok(())
    }

    fn from_text(text: &str) -> Self {
        Self::Text(text.chars().map(Tok::Char).collect())
    }

    fn into_text(self) -> Result<Vec<Tok>, Refusal> {
        match self {
            Self::Text(toks) => Ok(toks),
            Self::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(text.chars().map(Tok::Char).collect()),
                Err(_) => refuse("the encoded value is not text: a base64 modifier is missing"),
            },
        }
    }

    fn into_plain(self) -> Result<String, Refusal> {
        match literal(&self.into_text()?) {
            Some(text) => Ok(text),
            None => refuse("a value with wildcards cannot be encoded"),
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            text @ Self::Text(_) => text.into_plain().map(String::into_bytes),
        }
    }
}

fn open(mut toks: Vec<Tok>, modifier: Modifier) -> Vec<Tok> {
    if matches!(modifier, Modifier::Contains | Modifier::EndsWith) {
        toks.insert(0, Tok::Many);
    }
    if matches!(modifier, Modifier::Contains | Modifier::StartsWith) {
        toks.push(Tok::Many);
    }
    toks
}

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xFEFF_u16);
    let units = mark.into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// The part of the encoding that does not depend on what stands before and behind, `shift` bytes into a
/// group of three.
fn base64_at(bytes: &[u8], shift: usize) -> String {
    let mut padded = vec![b' '; shift];
    padded.extend_from_slice(bytes);
    let start = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or(0);
    let text = STANDARD.encode(&padded);
    let end = text.len().saturating_sub(cut);
    text.get(start..end).unwrap_or_default().to_owned()
}

/// All spellings of the dashes that begin a word.
fn dashes(toks: Vec<Tok>) -> Result<Vec<Vec<Tok>>, Refusal> {
    let places: Vec<usize> = (0..toks.len()).filter(|at| begins_option(&toks, *at)).collect();
    let mut out = vec![toks];
    for place in places {
        if out.len() * DASHES.len() > MAX_SPELLINGS {
            return refuse("more than four dashes in a value with `windash`");
        }
        out = out.iter().flat_map(|toks| DASHES.map(|dash| with_dash(toks, place, dash))).collect();
    }
    Ok(out)
}

fn with_dash(toks: &[Tok], place: usize, dash: char) -> Vec<Tok> {
    let mut toks = toks.to_vec();
    if let Some(tok) = toks.get_mut(place) {
        *tok = Tok::Char(dash);
    }
    toks
}

/// A dash with no word character before it and one behind it.
fn begins_option(toks: &[Tok], at: usize) -> bool {
    let is_word =
        |tok: Option<&Tok>| matches!(tok, Some(Tok::Char(c)) if c.is_alphanumeric() || *c == '_');
    matches!(toks.get(at), Some(Tok::Char(c)) if DASHES.contains(c))
        && is_word(toks.get(at + 1))
        && !at.checked_sub(1).is_some_and(|before| is_word(toks.get(before)))
}

fn is_plain(value: &Node) -> bool {
    matches!(value.content, super::yaml::Content::Scalar { plain: true, .. })
}

/// The text of a value with `expand`, in which `\%` is a percent sign, unless it names a placeholder.
fn without_placeholder(raw: &str) -> Result<String, Refusal> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['\\', '%']) {
        let (before, found) = rest.split_at(at);
        if names_placeholder(found).is_some() {
            return Err(Refusal::Placeholder);
        }
        let (taken, text) = match found {
            _ if found.starts_with("\\%") => (2, "%"),
            _ if found.starts_with("\\\\") => (2, "\\\\"),
            _ => (1, found.split_at(1).0),
        };
        out.extend([before, text]);
        rest = found.split_at(taken).1;
    }
    out.push_str(rest);
    Ok(out)
}

/// The name, if a text begins with `%name%`.
pub(super) fn names_placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix('%').and_then(|rest| rest.split_once('%')).map(|(name, _)| name);
    name.filter(|name| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '\\'))
}

fn network(text: &str) -> Result<IpNet, Refusal> {
    // Not `IpNet`'s own reader: it takes 010 for 10, where others read it in octal.
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let digits =
        |bits: &str| bits.bytes().all(|b| b.is_ascii_digit()).then(|| bits.parse().ok())?;
    let net = address.parse::<IpAddr>().ok().and_then(|ip| match bits {
        Some(bits) => IpNet::new(ip, digits(bits)?).ok(),
        None => Some(IpNet::from(ip)),
    });
    match net {
        Some(net) => Ok(net.trunc()),
        None => refuse("`cidr` needs a network such as 10.0.0.0/8 or fe80::/10"),
    }
}

fn exists(text: &str) -> Result<bool, Refusal> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => refuse("`exists` takes true or false"),
    }
}

fn regex_reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

fn modifier(word: &str, place: Place) -> Result<Modifier, Fault> {
    if let Some((_, modifier)) = KNOWN.iter().find(|(name, _)| *name == word) {
        return Ok(*modifier);
    }
    let hint = match nearest(word, KNOWN.iter().map(|(name, _)| *name)) {
        Some(name) => format!(": `{name}` is meant?"),
        None => String::new(),
    };
    Err(Fault::new(place, format!("unknown modifier `{word}`{hint}")))
}

/// The kind of comparison, if the modifiers go together.
fn kind(modifiers: &[Modifier]) -> Result<Kind, String> {
    let mut kind = Kind::Text;
    for modifier in modifiers {
        let asked = match modifier {
            Modifier::Regex => Kind::Regex,
            Modifier::Cidr => Kind::Cidr,
            Modifier::Exists => Kind::Exists,
            Modifier::Order(order) => Kind::Order(*order),
            Modifier::FieldRef => Kind::FieldRef,
            Modifier::Part(part) => Kind::Part(*part, Order::Equal),
            _ => continue,
        };
        kind = match (kind, asked) {
            (Kind::Text, asked) => asked,
            // `|hour|gte` and `|gte|hour` say the same.
            (Kind::Part(part, Order::Equal), Kind::Order(order))
            | (Kind::Order(order), Kind::Part(part, Order::Equal)) => Kind::Part(part, order),
            _ => return Err(format!("the modifiers {} do not go together", names(modifiers))),
        };
    }
    match modifiers.iter().find(|m| !goes_with(**m, kind)) {
        None => Ok(kind),
        Some(Modifier::Flag(flag)) => Err(format!("the modifier `{flag}` needs `re` before it")),
        Some(_) => Err(format!("the modifiers {} do not go together", names(modifiers))),
    }
}

fn goes_with(modifier: Modifier, kind: Kind) -> bool {
    match modifier {
        Modifier::Regex | Modifier::Cidr | Modifier::Exists | Modifier::Order(_) => true,
        Modifier::FieldRef | Modifier::Part(_) => true,
        Modifier::All | Modifier::NotEqual => kind != Kind::Exists,
        Modifier::Flag(_) => kind == Kind::Regex,
        Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith => {
            matches!(kind, Kind::Text | Kind::FieldRef)
        }
        Modifier::Cased => matches!(kind, Kind::Text | Kind::FieldRef | Kind::Regex),
        Modifier::Base64
        | Modifier::Base64Offset
        | Modifier::Utf16 { .. }
        | Modifier::WinDash
        | Modifier::Expand => kind == Kind::Text,
    }
}

fn names(modifiers: &[Modifier]) -> String {
    let name = |m: &Modifier| KNOWN.iter().find(|(_, known)| known == m).map_or("?", |(n, _)| n);
    modifiers.iter().map(|m| format!("`{}`", name(m))).collect::<Vec<_>>().join(", ")
}

/// The modifiers that there are.
#[cfg(test)]
pub(super) fn names_known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// The known word that a misspelt one is nearest to, if it is near.
pub fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits * 2 <= candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace) from one word to the other.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, pair) in b.iter().zip(row.windows(2)) {
            let [above_left, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_offsets_are_found_in_the_encoding_of_anything_around() {
        let word = b"iex(";
        for before in 0..7 {
            for behind in 0..4 {
                let mut bytes = vec![b'x'; before];
                bytes.extend_from_slice(word);
                bytes.extend(vec![b'y'; behind]);
                let text = STANDARD.encode(&bytes);
                assert!(text.contains(&base64_at(word, before % 3)), "{before} {behind}");
            }
        }
    }

    #[test]
    fn suggests_the_word_that_was_meant() {
        let known = || KNOWN.iter().map(|(name, _)| *name);
        for (word, meant) in [
            ("contain", Some("contains")),
            ("startwith", Some("startswith")),
            ("Endswith", Some("endswith")),
            ("base64offest", Some("base64offset")),
            ("xyz", None),
        ] {
            assert_eq!(nearest(word, known()), meant, "{word}");
        }
    }

    #[test]
    fn dashes_that_begin_a_word_are_exchanged() {
        for (raw, count) in [(" -e", 5), ("/a -b", 25), ("a-b", 1), ("-", 1), ("--x", 5)] {
            let spellings = dashes(parse(raw)).ok().unwrap();
            assert_eq!(spellings.len(), count, "{raw}");
        }
        assert!(dashes(parse(" -a -b -c -d -e")).is_err());
    }
}
