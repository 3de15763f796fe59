//! One item of a selection, compiled: a field and the checks that one of its values must pass.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use ipnet::IpNet;
use model::{Time, Value};
use regex::Regex;
use rustc_hash::FxHashSet;

use super::pattern::Shape;

/// A Sigma field name of an engine; 0 stands for keywords, that is, for all text of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldId(pub(crate) u32);

/// Keywords look at every text of the event.
pub(super) const KEYWORDS: FieldId = FieldId(0);

/// From this many `contains` in one list on, one automaton is faster than one search for each.
const AUTOMATON_FROM: usize = 8;

/// The label of an item that was compiled to be run, not to be explained.
pub(super) const UNLABELLED: u32 = u32::MAX;

/// A field and what one of its values must be.
#[derive(Debug)]
pub(crate) struct Item {
    pub(super) field: FieldId,
    /// The entry of the rule that it was made of, where that is to be told.
    pub(super) label: u32,
    /// Any of them is enough.
    pub(super) checks: Vec<Check>,
}

/// What a value must be.
#[derive(Debug)]
pub(super) enum Check {
    /// Without a value: absent, null or of no length.
    Null,
    /// There (or not there), whatever its value.
    Exists(bool),
    /// One of these texts.
    Text(Texts),
    /// This number, where the value is one.
    Number(Number),
    /// Ordered so against this number.
    Order(Order, Number),
    /// A date or time of which this part is ordered so against this number.
    Part(TimePart, Order, Number),
    /// An address of this network.
    Network(IpNet),
    /// Found by this expression.
    Regex(Regex),
    /// Like the value of another field.
    Field(FieldId, Affix),
}

/// Which part of a value must be like the other field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Affix {
    /// More may stand before it.
    pub(super) open_start: bool,
    /// More may stand behind it.
    pub(super) open_end: bool,
    /// With case.
    pub(super) cased: bool,
}

impl Affix {
    /// Whether `text` is, begins with, ends with or holds `other`.
    pub(super) fn matches(self, text: &str, other: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => text == other,
            (false, true) => text.starts_with(other),
            (true, false) => text.ends_with(other),
            (true, true) => text.contains(other),
        }
    }
}

/// How a value must be ordered against a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Order {
    /// Whether the value is ordered so.
    pub(super) fn holds(self, value: Number, bound: Number) -> bool {
        let Some(is) = value.compare(bound) else { return false };
        match self {
            Self::Less => is == Ordering::Less,
            Self::LessOrEqual => is != Ordering::Greater,
            Self::Greater => is == Ordering::Greater,
            Self::GreaterOrEqual => is != Ordering::Less,
            Self::Equal => is == Ordering::Equal,
        }
    }
}

/// A part of a date or time, as the record writes it: nothing is moved to another zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimePart {
    Minute,
    Hour,
    Day,
    /// Of the ISO calendar.
    Week,
    Month,
    Year,
}

impl TimePart {
    /// The part of the date or time that a text states; dates may lack the time and times the date.
    pub(super) fn of(self, text: &str) -> Option<Number> {
        let text = text.trim();
        let of_day = matches!(self, Self::Minute | Self::Hour);
        let (at, _, rest) = Time::parse_civil(text).or_else(|| {
            // The rest of a text that was put together says nothing about the text.
            let whole =
                if of_day { format!("1970-01-01T{text}") } else { format!("{text}T00:00:00") };
            let (at, digits, rest) = Time::parse_civil(&whole)?;
            rest.is_empty().then_some((at, digits, ""))
        })?;
        let is_zone = rest.trim_start().starts_with(['Z', 'z', '+', '-']);
        let part = match self {
            Self::Minute => i128::from(at.minute()),
            Self::Hour => i128::from(at.hour()),
            Self::Day => i128::from(at.day()),
            Self::Week => i128::from(at.date().iso_week_date().week()),
            Self::Month => i128::from(at.month()),
            Self::Year => i128::from(at.year()),
        };
        (rest.is_empty() || is_zone).then_some(Number::Whole(part))
    }
}

/// A number of a rule or of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    Fraction(f64),
}

impl Number {
    /// Reads decimal digits with an optional sign and fraction; nothing else is a number in a rule.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !fraction.is_none_or(all_digits) {
            return None;
        }
        match fraction {
            None => text.parse().ok().map(Self::Whole),
            Some(_) => text.parse().ok().map(Self::Fraction),
        }
    }

    /// The number that a value is; of text only if it reads as one (decimal, or `0x` and hex digits).
    pub(super) fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Int(n) => Some(Self::Whole(i128::from(*n))),
            Value::UInt(n) => Some(Self::Whole(i128::from(*n))),
            Value::Float(n) => Some(Self::Fraction(*n)),
            Value::Str(text) => Self::of_text(text),
            Value::Null | Value::Bool(_) => None,
        }
    }

    /// The number that a text states.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) if !hex.starts_with(['+', '-']) => {
                i128::from_str_radix(hex, 16).ok().map(Self::Whole)
            }
            _ => Self::parse(text),
        }
    }

    /// The number in millionths; `None` where that is too large to add up, or no number.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    pub(crate) fn micro(self) -> Option<i128> {
        const LARGEST: i128 = 1 << 80;
        let micro = match self {
            Self::Whole(n) => n.checked_mul(1_000_000)?,
            Self::Fraction(n) => {
                let micro = (n * 1e6).round();
                (micro.abs() < 1e24).then_some(micro as i128)?
            }
        };
        (micro.abs() < LARGEST * 1_000_000).then_some(micro)
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.float().partial_cmp(&b.float()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only a comparison with a fraction needs it")]
    fn float(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Fraction(n) => n,
        }
    }
}

/// Whether a text is an address of the network. IPv4 inside of IPv6 is an address of both.
pub(super) fn is_in(network: IpNet, text: &str) -> bool {
    let has = |ip: IpAddr| network.contains(&ip) || network.contains(&ip.to_canonical());
    address(text).is_some_and(has)
}

/// Reads an address as logs write it: with brackets, or a zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse().ok()
}

/// Texts of one list, sorted by how they are compared.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// With case: compared with the value as it is, else with the folded value.
    pub(super) cased: bool,
    /// Any value that is not null.
    any: bool,
    equals: FxHashSet<String>,
    others: Vec<Shape>,
    contains: Vec<String>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl Texts {
    pub(super) fn new(cased: bool) -> Self {
        Self { cased, ..Self::default() }
    }

    pub(super) fn push(&mut self, shape: Shape) {
        match shape {
            Shape::Any => self.any = true,
            Shape::Equals(text) => {
                self.equals.insert(text);
            }
            Shape::Contains(text) => self.contains.push(text),
            other => self.others.push(other),
        }
    }

    /// Adds the texts of another list with the same case.
    pub(super) fn extend(&mut self, other: Self) {
        self.any |= other.any;
        self.equals.extend(other.equals);
        self.others.extend(other.others);
        self.contains.extend(other.contains);
    }

    /// The same texts, looked for anywhere in the value.
    pub(super) fn anywhere(self) -> Self {
        let mut out = Self { cased: self.cased, any: self.any, ..Self::default() };
        out.contains.extend(self.equals);
        out.contains.extend(self.contains);
        for shape in self.others {
            out.push(shape.anywhere());
        }
        out.contains.sort_unstable();
        out
    }

    /// Whether one of them matches; `text` is folded unless `cased`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.any
            || self.equals.contains(text)
            || self.others.iter().any(|shape| shape.matches(text))
            || self.contains_any(text)
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.equals.len() + self.others.len() + self.contains.len()
    }

    /// Whether the empty text is among them.
    pub(super) fn has_empty(&self) -> bool {
        self.equals.contains("")
    }

    fn contains_any(&self, text: &str) -> bool {
        let one_by_one = || {
            self.contains
                .iter()
                .any(|part| memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some())
        };
        if self.contains.len() < AUTOMATON_FROM {
            return one_by_one();
        }
        // Built when first needed: most lists of a large rule set meet no candidate at all.
        match self.automaton.get_or_init(|| AhoCorasick::new(&self.contains).ok()) {
            Some(automaton) => automaton.is_match(text),
            None => one_by_one(),
        }
    }

    /// For each text what a matching value must hold, sorted; `None` if one of them needs nothing.
    pub(super) fn necessary(&self) -> Option<Vec<&str>> {
        if self.any {
            return None;
        }
        let mut all: Vec<&str> = self
            .equals
            .iter()
            .map(String::as_str)
            .chain(self.contains.iter().map(String::as_str))
            .chain(self.others.iter().map(Shape::necessary))
            .collect();
        all.sort_unstable();
        all.dedup();
        (!all.is_empty() && all.iter().all(|t| !t.is_empty())).then_some(all)
    }

    /// The texts, if each of them is compared as a whole.
    pub(super) fn whole(&self) -> Option<impl Iterator<Item = &str>> {
        (!self.any && self.others.is_empty() && self.contains.is_empty())
            .then(|| self.equals.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_rules_write_them() {
        for text in ["0x10", "1e3", "1_000", "", "-", "1.", ".5", "NaN", "inf", "١"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert_eq!(Number::parse("00000429"), Some(Number::Whole(429)));
        assert_eq!(Number::parse("-1.5"), Some(Number::Fraction(-1.5)));
        assert_eq!(Number::of_text("0x1010"), Some(Number::Whole(0x1010)));
        for text in ["0x-5", "0x+5", "0x", "0x5.1"] {
            assert_eq!(Number::of_text(text), None, "{text}");
        }
    }

    #[test]
    fn reads_addresses_as_logs_write_them() {
        for (text, ip) in [
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("[fe80::1%12]", "fe80::1"),
            ("fe80::1%eth0", "fe80::1"),
            (" 10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(address(text), ip.parse().ok(), "{text}");
        }
        assert_eq!(address("10.0.0.1:443"), None);
        assert_eq!(address("localhost"), None);
    }

    #[test]
    fn reads_the_parts_of_a_time() {
        use TimePart::{Day, Hour, Minute, Month, Week, Year};
        for (text, part, number) in [
            ("2021-03-14T06:40:13.659Z", Minute, Some(40)),
            ("2021-03-14 06:40:13", Hour, Some(6)),
            ("2021-03-14T06:40:13-05:00", Hour, Some(6)),
            ("2021-03-14", Day, Some(14)),
            ("2021-01-03", Week, Some(53)),
            ("2021-03-14", Month, Some(3)),
            ("2021-03-14", Year, Some(2021)),
            ("2021-03-14", Hour, None),
            ("13:14:15", Hour, Some(13)),
            ("13:14:15", Year, None),
            ("2021-03-14T06:40:13 and more", Hour, None),
            ("14.03.2021", Day, None),
            ("", Minute, None),
        ] {
            assert_eq!(part.of(text), number.map(Number::Whole), "{text} {part:?}");
        }
    }

    #[test]
    fn a_long_list_says_what_a_short_one_says() {
        let mut long = Texts::new(false);
        for n in 0..50 {
            long.push(Shape::Contains(format!("word{n:02}")));
        }
        assert!(long.matches("a word49 b"));
        assert!(!long.matches("a word50 b"));
    }
}
