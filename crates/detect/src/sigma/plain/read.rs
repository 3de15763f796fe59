//! From the YAML of a rule to searches, values and conditions, with every modifier applied.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::condition::{self, Condition};
use super::letters::{
    Sign, base64, base64_inside, dash_spellings, lowered_signs, plain_signs, plain_text, signs,
    utf16,
};
use super::values::{Network, Number, TIME_PARTS, orderings};
use crate::sigma::mapping::SourceId;
use crate::sigma::yaml::{Content, Node};

/// A rule that loads.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) logsource: LogSource,
    pub(super) sources: Vec<SourceId>,
    /// `None` if it needs a placeholder list that nobody supplied.
    pub(super) body: Option<Body>,
    pub(super) filters: Vec<Body>,
}

/// The log source of a rule, in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LogSource {
    pub(super) product: Option<String>,
    pub(super) category: Option<String>,
    pub(super) service: Option<String>,
}

impl LogSource {
    /// Whether the other states everything that this one states.
    pub(super) fn is_met_by(&self, other: &Self) -> bool {
        let met = |own: &Option<String>, other| own.is_none() || own == other;
        met(&self.product, &other.product)
            && met(&self.category, &other.category)
            && met(&self.service, &other.service)
    }
}

/// Searches with their names, and conditions of which any is enough.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) searches: Vec<(String, Search)>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
pub(super) enum Search {
    All(Vec<Self>),
    Any(Vec<Self>),
    Item(Item),
}

/// A field and the values that are looked for in it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// `None` for keywords.
    pub(super) field: Option<String>,
    pub(super) negated: bool,
    pub(super) all: bool,
    /// For each value what it may become: any of these is enough for it.
    pub(super) values: Vec<Vec<Wanted>>,
}

/// What a value of an event is to be.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Null,
    Exists(bool),
    Text { pattern: Vec<Sign>, cased: bool },
    Number(Number),
    Ordered(&'static [Ordering], Number),
    TimePart { part: &'static str, orderings: &'static [Ordering], number: Number },
    In(Network),
    Regex(Regex),
    Field { name: String, before: bool, behind: bool, cased: bool },
}

/// Reads a log source.
pub(super) fn logsource(node: &Node) -> LogSource {
    let part = |key: &str| node.get(key)?.text().map(|text| text.trim().to_lowercase());
    LogSource { product: part("product"), category: part("category"), service: part("service") }
}

/// The rules that a filter names; `None` if it names any.
pub(super) fn named_rules(filter: &Node) -> Option<Vec<String>> {
    let node = filter.get("rules")?;
    let names: Vec<String> = match &node.content {
        Content::List(members) => members.iter().filter_map(trimmed).collect(),
        _ => trimmed(node).into_iter().collect(),
    };
    (!names.iter().any(|name| name.eq_ignore_ascii_case("any"))).then_some(names)
}

fn trimmed(node: &Node) -> Option<String> {
    node.text().map(|text| text.trim().to_owned())
}

/// Why something could not be read.
enum Unread {
    /// It needs a placeholder list.
    Placeholder,
    Fault(String),
}

fn fault<T>(what: &str) -> Result<T, Unread> {
    Err(Unread::Fault(what.to_owned()))
}

/// Reads the `detection` of a rule, or the `filter` of a filter; `None` if it needs a placeholder list.
pub(super) fn body(node: &Node, is_filter: bool) -> Result<Option<Body>, String> {
    match searches_and_conditions(node, is_filter) {
        Ok(body) => Ok(Some(body)),
        Err(Unread::Placeholder) => Ok(None),
        Err(Unread::Fault(reason)) => Err(reason),
    }
}

fn searches_and_conditions(node: &Node, is_filter: bool) -> Result<Body, Unread> {
    let Content::Map(entries) = &node.content else { return fault("no mapping") };
    let not_a_search = ["condition", if is_filter { "rules" } else { "timeframe" }];
    let mut searches = Vec::new();
    for (key, value) in entries {
        let name = key.text().unwrap_or_default();
        if !not_a_search.contains(&name) {
            searches.push((name.to_owned(), search(value)?));
        }
    }
    let Some(condition) = node.get("condition") else { return fault("no condition") };
    let texts: Vec<Option<&str>> = match &condition.content {
        Content::List(members) => members.iter().map(Node::text).collect(),
        _ => vec![condition.text()],
    };
    let read = texts.into_iter().map(|text| condition::read(text?)).collect::<Option<_>>();
    let Some(conditions) = read else { return fault("a condition") };
    Ok(Body { searches, conditions })
}

/// A mapping is all of its items; a list is any of its members; a text is a keyword.
fn search(node: &Node) -> Result<Search, Unread> {
    match &node.content {
        Content::Map(entries) => {
            let items = entries.iter().map(|(key, value)| item(key, value));
            Ok(Search::All(items.collect::<Result<_, _>>()?))
        }
        Content::List(members) => {
            Ok(Search::Any(members.iter().map(search).collect::<Result<_, _>>()?))
        }
        Content::Scalar { .. } => Ok(Search::Item(read_item("", &[node])?)),
    }
}

fn item(key: &Node, value: &Node) -> Result<Search, Unread> {
    let Content::Scalar { text, .. } = &key.content else { return fault("a key") };
    let item = match &value.content {
        Content::List(members) => read_item(text, &members.iter().collect::<Vec<_>>()),
        _ => read_item(text, &[value]),
    };
    item.map(Search::Item)
}

fn read_item(key: &str, values: &[&Node]) -> Result<Item, Unread> {
    let mut parts = key.split('|');
    let field = parts.next().filter(|name| !name.is_empty()).map(str::to_owned);
    let modifiers = Modifiers(parts.collect());
    let is_keyword = field.is_none();
    Ok(Item {
        field,
        negated: modifiers.has("neq"),
        all: modifiers.has("all"),
        values: values
            .iter()
            .map(|value| modifiers.wanted(value, is_keyword))
            .collect::<Result<_, _>>()?,
    })
}

/// The modifiers of a key, in their order.
struct Modifiers<'m>(Vec<&'m str>);

impl Modifiers<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    fn cased(&self) -> bool {
        self.has("cased")
    }

    fn orderings(&self) -> Option<&'static [Ordering]> {
        self.0.iter().find_map(|name| orderings(name))
    }

    /// What a value of the rule asks for; any of it is enough.
    fn wanted(&self, value: &Node, is_keyword: bool) -> Result<Vec<Wanted>, Unread> {
        if value.is_null() {
            return Ok(vec![Wanted::Null]);
        }
        let Some(text) = value.text() else { return fault("a value that is no scalar") };
        if self.has("re") {
            return self.regex(text).map(|regex| vec![Wanted::Regex(regex)]);
        }
        if self.has("cidr") {
            return match Network::read(text) {
                Some(network) => Ok(vec![Wanted::In(network)]),
                None => fault("a network"),
            };
        }
        if self.has("exists") {
            let yes = ["true", "yes"].iter().any(|yes| text.eq_ignore_ascii_case(yes));
            return Ok(vec![Wanted::Exists(yes)]);
        }
        if self.has("fieldref") {
            return Ok(vec![self.other_field(text)]);
        }
        if let Some(wanted) = self.number(text) {
            return wanted.map(|wanted| vec![wanted]);
        }
        let is_plain = matches!(value.content, Content::Scalar { plain: true, .. });
        self.text(text, is_plain, is_keyword)
    }

    fn regex(&self, text: &str) -> Result<Regex, Unread> {
        let regex = RegexBuilder::new(text)
            .case_insensitive(self.has("i"))
            .multi_line(self.has("m"))
            .dot_matches_new_line(self.has("s"))
            .build();
        regex.or_else(|_| fault("a regular expression"))
    }

    fn other_field(&self, name: &str) -> Wanted {
        let around = self.has("contains");
        Wanted::Field {
            name: name.to_owned(),
            before: around || self.has("endswith"),
            behind: around || self.has("startswith"),
            cased: self.cased(),
        }
    }

    /// A comparison with a number, of the value or of a part of the time that it states.
    fn number(&self, text: &str) -> Option<Result<Wanted, Unread>> {
        let part = TIME_PARTS.iter().find(|part| self.has(part));
        let orderings = match (self.orderings(), part) {
            (Some(orderings), _) => orderings,
            (None, Some(_)) => &[Ordering::Equal],
            (None, None) => return None,
        };
        let Some(number) = Number::read(text) else { return Some(fault("a number")) };
        Some(Ok(match part {
            Some(part) => Wanted::TimePart { part, orderings, number },
            None => Wanted::Ordered(orderings, number),
        }))
    }

    /// A string and what the modifiers make of it. One that was not quoted and is not changed may be a number.
    fn text(&self, raw: &str, plain: bool, is_keyword: bool) -> Result<Vec<Wanted>, Unread> {
        let mut values = vec![Value::Text(if self.has("expand") {
            without_placeholders(raw)?
        } else {
            signs(raw)
        })];
        for modifier in &self.0 {
            let changed: Vec<Vec<Value>> =
                values.iter().map(|value| value.apply(modifier)).collect::<Result<_, _>>()?;
            values = changed.concat();
        }
        let mut wanted = Vec::new();
        for value in values {
            let mut pattern = value.signs()?;
            if is_keyword {
                pattern = [&[Sign::Any], pattern.as_slice(), &[Sign::Any]].concat();
            }
            let pattern = if self.cased() { pattern } else { lowered_signs(&pattern) };
            wanted.push(Wanted::Text { pattern, cased: self.cased() });
        }
        let unchanged = self.0.iter().all(|name| ["all", "neq", "cased"].contains(name));
        if plain && unchanged && !is_keyword {
            wanted.extend(Number::read(raw).map(Wanted::Number));
        }
        Ok(wanted)
    }
}

/// A string with `expand`: `%name%` is a placeholder, `\%` a percent sign.
fn without_placeholders(raw: &str) -> Result<Vec<Sign>, Unread> {
    let mut text = String::new();
    let mut rest = raw;
    while let Some(char) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("\\%") {
            text.push('%');
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("\\\\") {
            text.push_str("\\\\");
            rest = behind;
        } else {
            if let Some((name, _)) = rest.strip_prefix('%').and_then(|name| name.split_once('%'))
                && !name.is_empty()
                && !name.contains(|c: char| c.is_whitespace() || c == '\\')
            {
                return Err(Unread::Placeholder);
            }
            text.push(char);
            rest = rest.get(char.len_utf8()..).unwrap_or_default();
        }
    }
    Ok(signs(&text))
}

/// A value on its way through the modifiers.
#[derive(Clone)]
enum Value {
    Text(Vec<Sign>),
    Bytes(Vec<u8>),
}

impl Value {
    fn apply(&self, modifier: &str) -> Result<Vec<Self>, Unread> {
        let any = &[Sign::Any];
        Ok(match modifier {
            "contains" => vec![Self::Text([any, self.signs()?.as_slice(), any].concat())],
            "startswith" => vec![Self::Text([self.signs()?.as_slice(), any].concat())],
            "endswith" => vec![Self::Text([any, self.signs()?.as_slice()].concat())],
            "windash" => dash_spellings(&self.signs()?).into_iter().map(Self::Text).collect(),
            "wide" | "utf16le" => vec![Self::Bytes(utf16(&self.plain()?, true))],
            "utf16be" => vec![Self::Bytes(utf16(&self.plain()?, false))],
            "utf16" => {
                let marked = [vec![0xFF, 0xFE], utf16(&self.plain()?, true)].concat();
                vec![Self::Bytes(marked)]
            }
            "base64" => vec![Self::Text(plain_signs(&base64(&self.bytes()?)))],
            "base64offset" => {
                let bytes = self.bytes()?;
                let inside = |before| Self::Text(plain_signs(&base64_inside(&bytes, before)));
                (0..3).map(inside).collect()
            }
            _ => vec![self.clone()],
        })
    }

    fn signs(&self) -> Result<Vec<Sign>, Unread> {
        match self {
            Self::Text(signs) => Ok(signs.clone()),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(plain_signs(text)),
                Err(_) => fault("bytes where a text is meant"),
            },
        }
    }

    fn plain(&self) -> Result<String, Unread> {
        plain_text(&self.signs()?).map_or_else(|| fault("a wildcard in what is encoded"), Ok)
    }

    fn bytes(&self) -> Result<Vec<u8>, Unread> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Text(_) => self.plain().map(String::into_bytes),
        }
    }
}
