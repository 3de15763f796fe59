//! Reads a correlation document: everything that can be said of it without knowing other rules.

use std::sync::Arc;

use super::{Bound, Compare, Kind, MICRO, RuleCondition};
use crate::sigma::check::Number;
use crate::sigma::condition;
use crate::sigma::modifiers::nearest;
use crate::sigma::yaml::{Content, Fault, Node};

/// Rules that one correlation may refer to.
const MAX_RULES: usize = 100;
/// Fields by which it may group, or that it may measure.
const MAX_FIELDS: usize = 32;
/// The longest window, in seconds: a hundred years.
const MAX_TIMESPAN: i64 = 36_525 * 86_400;

const TYPES: [&str; 8] = [
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
];
const KEYS: [&str; 7] =
    ["type", "rules", "group-by", "timespan", "aliases", "condition", "generate"];
const COMPARISONS: [(&str, Compare); 6] = [
    ("gt", Compare::Greater),
    ("gte", Compare::GreaterOrEqual),
    ("lt", Compare::Less),
    ("lte", Compare::LessOrEqual),
    ("eq", Compare::Equal),
    ("neq", Compare::NotEqual),
];

/// A correlation whose rules are still names.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// Ids or names of rules, each with its node for messages.
    pub(crate) rules: Vec<(String, Node)>,
    pub(crate) kind: Kind,
    pub(crate) condition: Vec<Bound>,
    pub(crate) group_by: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) timespan: i64,
    pub(crate) aliases: Vec<Alias>,
    /// The rules that it refers to report their own matches too.
    pub(crate) generate: bool,
}

/// A name that stands for another field in each rule.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: String,
    /// By id or name of the rule.
    pub(crate) fields: Vec<(String, Node, String)>,
}

/// Reads the document that has this `correlation`.
pub(crate) fn parse(document: &Node, correlation: &Node) -> Result<Parsed, Fault> {
    if document.get("detection").is_some() {
        let reason = "a document is either a rule with `detection` or a `correlation`";
        return Err(Fault::new(correlation.place, reason));
    }
    let entries = entries(correlation, "correlation")?;
    for (key, _) in entries {
        let name = key.text().unwrap_or_default();
        if !KEYS.contains(&name) {
            return Err(unknown(key, "correlation: unknown key", name, KEYS.iter().copied()));
        }
    }
    let need = |key: &str| {
        let reason = || format!("correlation: `{key}` is missing");
        correlation.get(key).ok_or_else(|| Fault::new(correlation.place, reason()))
    };
    let rules = texts(need("rules")?, "correlation: `rules`", MAX_RULES)?;
    for (number, (name, node)) in rules.iter().enumerate() {
        if rules.iter().take(number).any(|(other, _)| other == name) {
            let reason = format!("correlation: `{name}` stands twice among its `rules`");
            return Err(Fault::new(node.place, reason));
        }
    }
    let kind = need("type")?;
    let condition = Condition::read(kind, correlation.get("condition"), &rules)?;
    let aliases = correlation.get("aliases").map(aliases).transpose()?.unwrap_or_default();
    let group_by = match correlation.get("group-by").filter(|node| !node.is_null()) {
        None => Vec::new(),
        Some(node) => plain(texts(node, "correlation: `group-by`", MAX_FIELDS)?),
    };
    let generate = correlation.get("generate").or_else(|| document.get("generate"));
    Ok(Parsed {
        rules,
        kind: condition.kind,
        condition: condition.bounds,
        group_by,
        fields: condition.fields,
        timespan: timespan(need("timespan")?)?,
        aliases,
        generate: generate.map(boolean).transpose()?.unwrap_or(false),
    })
}

/// What a correlation measures, of which fields, and how that must compare.
struct Condition {
    kind: Kind,
    fields: Vec<String>,
    bounds: Vec<Bound>,
}

impl Condition {
    fn read(
        kind: &Node,
        condition: Option<&Node>,
        rules: &[(String, Node)],
    ) -> Result<Self, Fault> {
        let word = kind.text().unwrap_or_default();
        if !TYPES.contains(&word) {
            return Err(unknown(kind, "correlation: unknown type", word, TYPES.iter().copied()));
        }
        match word {
            "temporal" => return Self::temporal(condition, rules),
            "temporal_ordered" => return Self::ordered(condition, rules.len()),
            _ => {}
        }
        let Some(node) = condition else {
            let reason = format!("correlation: `{word}` needs a `condition`");
            return Err(Fault::new(kind.place, reason));
        };
        let mut read = Self::comparisons(node, word == "value_percentile")?;
        if (word == "event_count") != read.fields.is_empty() {
            let reason = match word {
                "event_count" => "correlation: `event_count` counts events and takes no `field`",
                _ => "correlation: this type needs a `field` in its `condition`",
            };
            return Err(Fault::new(node.place, reason));
        }
        if read.fields.len() > 1 && word != "value_count" {
            return Err(Fault::new(node.place, format!("correlation: `{word}` takes one `field`")));
        }
        read.kind = match (word, read.kind) {
            ("event_count", _) => Kind::Events,
            ("value_count", _) => Kind::Distinct,
            ("value_sum", _) => Kind::Sum,
            ("value_avg", _) => Kind::Average,
            ("value_median", _) => Kind::Percentile(50 * MICRO),
            (_, kind) => kind,
        };
        Ok(read)
    }

    /// The map of a condition; its kind is that of `value_percentile`.
    fn comparisons(node: &Node, takes_rank: bool) -> Result<Self, Fault> {
        let mut read = Self { kind: Kind::Share, fields: Vec::new(), bounds: Vec::new() };
        for (key, value) in entries(node, "correlation: `condition`")? {
            let name = key.text().unwrap_or_default();
            if name == "field" {
                read.fields = plain(texts(value, "correlation: `field`", MAX_FIELDS)?);
            } else if name == "percentile" && takes_rank {
                let rank = number(value)?;
                if !(0..=100 * MICRO).contains(&rank) {
                    return Err(Fault::new(value.place, "correlation: a percentile is 0 to 100"));
                }
                read.kind = Kind::Percentile(rank);
            } else if let Some((_, compare)) = COMPARISONS.iter().find(|(word, _)| *word == name) {
                read.bounds.push(Bound { compare: *compare, number: number(value)? });
            } else {
                let known = COMPARISONS.iter().map(|(word, _)| *word).chain(["field"]);
                return Err(unknown(key, "correlation: unknown comparison", name, known));
            }
        }
        if read.bounds.is_empty() {
            let reason =
                "correlation: `condition` compares with nothing (gt, gte, lt, lte, eq, neq)";
            return Err(Fault::new(node.place, reason));
        }
        Ok(read)
    }

    /// All rules, a number of them, or a condition over their names.
    fn temporal(condition: Option<&Node>, rules: &[(String, Node)]) -> Result<Self, Fault> {
        let all = |kind| Self { kind, fields: Vec::new(), bounds: all_of(rules.len()) };
        match condition {
            None => Ok(all(Kind::Rules(None))),
            Some(node) if node.text().is_some() => {
                let names: Vec<String> = rules.iter().map(|(name, _)| name.clone()).collect();
                let expr = condition::parse(node.text().unwrap_or_default(), &names)
                    .map_err(|reason| Fault::new(node.place, reason))?;
                let kind = Kind::Rules(Some(RuleCondition(Arc::new(expr))));
                Ok(Self { kind, fields: Vec::new(), bounds: Vec::new() })
            }
            Some(node) => {
                let read = Self::comparisons(node, false)?;
                if !read.fields.is_empty() {
                    let reason = "correlation: `temporal` counts rules and takes no `field`";
                    return Err(Fault::new(node.place, reason));
                }
                Ok(Self { kind: Kind::Rules(None), ..read })
            }
        }
    }

    /// All rules in their order; a condition may say no less.
    fn ordered(condition: Option<&Node>, rules: usize) -> Result<Self, Fault> {
        if let Some(node) = condition {
            let read = Self::comparisons(node, false)?;
            let count = i128::try_from(rules).unwrap_or(i128::MAX) * MICRO;
            let is_all = read.fields.is_empty()
                && read.bounds.iter().all(|bound| bound.holds(count))
                && !read.bounds.iter().all(|bound| bound.holds(count - MICRO));
            if !is_all {
                let reason =
                    "correlation: `temporal_ordered` wants all of its rules, in their order";
                return Err(Fault::new(node.place, reason));
            }
        }
        Ok(Self { kind: Kind::Ordered, fields: Vec::new(), bounds: all_of(rules) })
    }
}

fn all_of(rules: usize) -> Vec<Bound> {
    let number = i128::try_from(rules).unwrap_or(i128::MAX) * MICRO;
    vec![Bound { compare: Compare::GreaterOrEqual, number }]
}

fn entries<'n>(node: &'n Node, what: &str) -> Result<&'n [(Node, Node)], Fault> {
    match &node.content {
        Content::Map(entries) => Ok(entries),
        _ => Err(Fault::new(node.place, format!("{what} is not a mapping"))),
    }
}

/// One text or a list of them.
fn texts(node: &Node, what: &str, most: usize) -> Result<Vec<(String, Node)>, Fault> {
    let members = match &node.content {
        Content::List(members) => members.as_slice(),
        Content::Scalar { .. } => std::slice::from_ref(node),
        Content::Map(_) => &[],
    };
    if members.is_empty() || members.len() > most {
        return Err(Fault::new(node.place, format!("{what} wants 1 to {most} names")));
    }
    let text = |member: &Node| match member.text().map(str::trim) {
        Some(text) if !text.is_empty() => Ok((text.to_owned(), member.clone())),
        _ => Err(Fault::new(member.place, format!("{what} has a member that is no name"))),
    };
    members.iter().map(text).collect()
}

fn plain(texts: Vec<(String, Node)>) -> Vec<String> {
    texts.into_iter().map(|(text, _)| text).collect()
}

fn aliases(node: &Node) -> Result<Vec<Alias>, Fault> {
    let mut read = Vec::new();
    for (name, fields) in entries(node, "correlation: `aliases`")? {
        let mut alias =
            Alias { name: name.text().unwrap_or_default().to_owned(), fields: Vec::new() };
        for (rule, field) in entries(fields, "correlation: an alias")? {
            let Some((rule_name, field)) = rule.text().zip(field.text()) else {
                let reason = "correlation: an alias names a field for each rule";
                return Err(Fault::new(rule.place, reason));
            };
            alias.fields.push((rule_name.to_owned(), rule.clone(), field.to_owned()));
        }
        read.push(alias);
    }
    Ok(read)
}

/// `90s`, `15m`, `1h`, `7d`, in nanoseconds.
fn timespan(node: &Node) -> Result<i64, Fault> {
    let fault = |reason: &str| Err(Fault::new(node.place, reason));
    let text = node.text().unwrap_or_default();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "M" | "y" => {
            return fault("correlation: months and years are not equally long; write days");
        }
        _ => return fault("correlation: `timespan` is a number and s, m, h or d, such as 15m"),
    };
    let seconds = digits.parse::<i64>().ok().and_then(|n| n.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=MAX_TIMESPAN) => Ok(seconds * 1_000_000_000),
        _ => fault("correlation: `timespan` is a number from 1 s to a hundred years"),
    }
}

fn boolean(node: &Node) -> Result<bool, Fault> {
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "yes") => Ok(true),
        Some("false" | "no") => Ok(false),
        _ => Err(Fault::new(node.place, "correlation: `generate` takes true or false")),
    }
}

fn number(node: &Node) -> Result<i128, Fault> {
    let number = node.text().and_then(Number::parse).and_then(Number::micro);
    number.ok_or_else(|| Fault::new(node.place, "correlation: a comparison wants a number"))
}

fn unknown<'w>(node: &Node, what: &str, word: &str, known: impl Iterator<Item = &'w str>) -> Fault {
    let hint =
        nearest(word, known).map_or_else(String::new, |near| format!(": `{near}` is meant?"));
    Fault::new(node.place, format!("{what} `{word}`{hint}"))
}
