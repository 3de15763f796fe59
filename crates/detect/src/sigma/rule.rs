//! A rule document: what it says of itself, which log source it is for, and its condition, compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check::{Check, FieldId, Item, KEYWORDS, Number, UNLABELLED};
use super::condition;
use super::kind;
use super::label::Labels;
use super::modifiers::{Key, LACKS_PLACEHOLDER, nearest};
use super::yaml::{Content, Fault, Node};

/// Conditions of a rule whose `condition` is a list.
const MAX_CONDITIONS: usize = 100;

/// What the values of one rule may weigh: one for each spelling of a text, more for an expression.
const MAX_WEIGHT: usize = 200_000;
const REGEX_WEIGHT: usize = 400;

/// A condition over the values of one event.
#[derive(Debug)]
pub(crate) enum Expr {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Item(Item),
    /// A selection of the rule by its place.
    Selection(usize),
}

impl Expr {
    /// All of them; one alone stands for itself.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::one_or(parts, Self::All)
    }

    /// Any of them; one alone stands for itself.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::one_or(parts, Self::Any)
    }

    fn one_or(mut parts: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                parts.extend(last);
                join(parts)
            }
        }
    }
}

/// The part of a rule that is run.
#[derive(Debug)]
pub(super) struct Body {
    selections: Vec<Expr>,
    pub(super) condition: Expr,
    /// What must hold besides, each with selections of its own.
    pub(super) filters: Vec<Arc<Self>>,
}

impl Body {
    /// A rule that cannot fire.
    pub(super) fn never() -> Self {
        Self { selections: Vec::new(), condition: Expr::Any(Vec::new()), filters: Vec::new() }
    }

    /// The selection that [`Expr::Selection`] names.
    pub(super) fn selection(&self, index: usize) -> Option<&Expr> {
        self.selections.get(index)
    }

    /// Whether a field is named anywhere in the rule.
    pub(super) fn names(&self, field: FieldId) -> bool {
        self.selections.iter().any(|s| names(s, field))
            || self.filters.iter().any(|filter| filter.names(field))
    }

    /// The values that `field` must have one of, as numbers; `None` if the rule does not say.
    pub(super) fn necessary_numbers(&self, field: FieldId) -> Option<BTreeSet<u32>> {
        self.numbers(&self.condition, field)
    }

    fn numbers(&self, expr: &Expr, field: FieldId) -> Option<BTreeSet<u32>> {
        match expr {
            Expr::All(parts) => parts
                .iter()
                .filter_map(|part| self.numbers(part, field))
                .reduce(|a, b| a.intersection(&b).copied().collect()),
            Expr::Any(parts) => parts
                .iter()
                .map(|part| self.numbers(part, field))
                .try_fold(BTreeSet::new(), |all, part| {
                    Some(all.into_iter().chain(part?).collect())
                }),
            Expr::Not(_) => None,
            Expr::Item(item) if item.field == field => item_numbers(item),
            Expr::Item(_) => None,
            Expr::Selection(index) => self.numbers(self.selections.get(*index)?, field),
        }
    }
}

fn names(expr: &Expr, field: FieldId) -> bool {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().any(|part| names(part, field)),
        Expr::Not(inner) => names(inner, field),
        Expr::Item(item) => {
            item.field == field
                || item
                    .checks
                    .iter()
                    .any(|c| matches!(c, Check::Field(other, _) if *other == field))
        }
        Expr::Selection(_) => false,
    }
}

fn item_numbers(item: &Item) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for check in &item.checks {
        match check {
            Check::Number(Number::Whole(n)) => all.extend(u32::try_from(*n).ok()),
            Check::Text(texts) => {
                for text in texts.whole()? {
                    all.insert(text.parse().ok()?);
                }
            }
            _ => return None,
        }
    }
    Some(all)
}

/// The log source that a rule names, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogSource {
    /// `windows`, `exchange` ...
    pub product: Option<String>,
    /// `process_creation`, `webserver` ...
    pub category: Option<String>,
    /// `security`, `sysmon` ...
    pub service: Option<String>,
}

impl LogSource {
    /// Whether all that this one states is stated so by the other.
    pub(super) fn includes(&self, other: &Self) -> bool {
        let agrees = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        agrees(&self.product, &other.product)
            && agrees(&self.category, &other.category)
            && agrees(&self.service, &other.service)
    }

    /// The log source as a reader would write it.
    pub fn shown(&self) -> String {
        let part = |name, value: &Option<String>| value.as_ref().map(|v| format!("{name}: {v}"));
        [
            part("product", &self.product),
            part("category", &self.category),
            part("service", &self.service),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }
}

/// A rule document whose detection is compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) logsource: LogSource,
    /// `None` if the rule needs a placeholder list that nobody supplied.
    pub(super) body: Option<Body>,
}

/// Compiles a document.
pub(super) fn compile(
    document: &Node,
    field: &mut dyn FnMut(&str) -> FieldId,
) -> Result<Rule, Fault> {
    refuse_other_kinds(document)?;
    let Some(source) = document.get("logsource") else {
        return Err(kind::lacks(document, "logsource"));
    };
    let Some(detection) = document.get("detection") else {
        return Err(kind::lacks(document, "detection"));
    };
    let logsource = logsource(source)?;
    let body = body(detection, "detection", field)?;
    Ok(Rule { logsource, body })
}

/// Compiles searches and the condition over them, those of a rule or of a filter; `None` if they need a
/// placeholder list that nobody supplied.
pub(super) fn body(
    node: &Node,
    what: &str,
    field: &mut dyn FnMut(&str) -> FieldId,
) -> Result<Option<Body>, Fault> {
    let mut compiler = Compiler { field, weight: 0, labels: None };
    match compiler.body(node, what) {
        Ok(body) => Ok(Some(body)),
        Err(fault) if fault.reason == LACKS_PLACEHOLDER => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Compiles searches and the condition over them so that each part can be told: every value is an item of its
/// own, and every item has a label. Says on every event what [`body`] says.
pub(super) fn labelled(
    node: &Node,
    what: &str,
    field: &mut dyn FnMut(&str) -> FieldId,
) -> Result<(Body, Labels), Fault> {
    let mut compiler = Compiler { field, weight: 0, labels: Some(Labels::default()) };
    let body = compiler.body(node, what)?;
    let mut labels = compiler.labels.unwrap_or_default();
    labels.name_selections(searches(node, what));
    Ok((body, labels))
}

fn refuse_other_kinds(document: &Node) -> Result<(), Fault> {
    let refuse = |node: &Node, reason| Err(Fault::new(node.place, reason));
    if !matches!(document.content, Content::Map(_)) {
        return refuse(document, "not a Sigma rule: the document is not a mapping");
    }
    if let Some(node) = document.get("correlation") {
        return refuse(node, "a document is either a rule with `detection` or a `correlation`");
    }
    match document.get("action") {
        Some(node) => refuse(node, "rule collections with `action` are deprecated in Sigma"),
        None => Ok(()),
    }
}

/// Reads a log source, which must name something.
pub(super) fn logsource(node: &Node) -> Result<LogSource, Fault> {
    let part = |key: &str| match node.get(key) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => match value.text() {
            Some(text) => Ok(Some(text.trim().to_lowercase())),
            None => Err(Fault::new(value.place, format!("logsource: `{key}` is not a text"))),
        },
    };
    let source = LogSource {
        product: part("product")?,
        category: part("category")?,
        service: part("service")?,
    };
    if source == LogSource::default() {
        let reason = "logsource: none of `product`, `category` and `service` is named";
        return Err(Fault::new(node.place, reason));
    }
    Ok(source)
}

struct Compiler<'f> {
    field: &'f mut dyn FnMut(&str) -> FieldId,
    weight: usize,
    /// What the items are made of, where that is to be told.
    labels: Option<Labels>,
}

impl Compiler<'_> {
    fn body(&mut self, detection: &Node, what: &str) -> Result<Body, Fault> {
        let Content::Map(entries) = &detection.content else {
            return Err(Fault::new(detection.place, format!("{what}: it is not a mapping")));
        };
        let mut named = Vec::new();
        let mut selections = Vec::new();
        for (name, value) in searches(detection, what) {
            named.push(name.to_owned());
            selections.push(self.selection(value)?);
        }
        let Some(condition) = detection.get("condition") else {
            let hint = entries.iter().filter_map(|(k, _)| k.text());
            let near = nearest("condition", hint)
                .map_or_else(String::new, |word| format!(" (`{word}` is no such key)"));
            let reason = format!("{what}: `condition` is missing{near}");
            return Err(Fault::new(detection.place, reason));
        };
        Ok(Body { selections, condition: conditions(condition, &named)?, filters: Vec::new() })
    }

    /// A mapping (all of its items), or a list of mappings and keywords (any of them).
    fn selection(&mut self, node: &Node) -> Result<Expr, Fault> {
        match &node.content {
            Content::Map(entries) if !entries.is_empty() => {
                let items = entries.iter().map(|(key, value)| self.entry(key, value));
                items.collect::<Result<Vec<_>, _>>().map(Expr::all)
            }
            Content::List(members) if !members.is_empty() => self.any_of(members),
            Content::Scalar { .. } if node.text().is_some() => self.keyword(node),
            _ => Err(Fault::new(node.place, "detection: a selection without content")),
        }
    }

    fn any_of(&mut self, members: &[Node]) -> Result<Expr, Fault> {
        let is_word = |n: &&Node| matches!(n.content, Content::Scalar { .. });
        let words: Vec<&Node> = members.iter().filter(is_word).collect();
        let mut parts = Vec::new();
        if !words.is_empty() {
            parts.push(self.items(&Key::keywords(), KEYWORDS, &words, None)?);
        }
        for member in members.iter().filter(|n| !is_word(n)) {
            parts.push(self.selection(member)?);
        }
        Ok(Expr::any(parts))
    }

    fn keyword(&mut self, node: &Node) -> Result<Expr, Fault> {
        self.items(&Key::keywords(), KEYWORDS, &[node], None)
    }

    fn entry(&mut self, key: &Node, value: &Node) -> Result<Expr, Fault> {
        let Content::Scalar { text, .. } = &key.content else {
            return Err(Fault::new(key.place, "detection: a key that is not a text"));
        };
        let parsed = Key::parse(text, key.place)?;
        let field = parsed.field.as_deref().map_or(KEYWORDS, |name| (self.field)(name));
        let values: Vec<&Node> = match &value.content {
            Content::List(members) => members.iter().collect(),
            Content::Scalar { .. } => vec![value],
            Content::Map(_) => {
                return Err(Fault::new(value.place, "detection: a mapping where values are meant"));
            }
        };
        if values.is_empty() {
            return Err(Fault::new(value.place, "detection: an empty list of values"));
        }
        let expr = self.items(&parsed, field, &values, Some(key))?;
        Ok(if parsed.negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn items(
        &mut self,
        key: &Key,
        field: FieldId,
        values: &[&Node],
        written: Option<&Node>,
    ) -> Result<Expr, Fault> {
        let mut each = Vec::with_capacity(values.len());
        for value in values {
            let checks = key.checks(value, self.field)?;
            self.weight += checks.iter().map(weight).sum::<usize>();
            if self.weight > MAX_WEIGHT {
                return Err(Fault::new(value.place, "detection: too many values in one rule"));
            }
            if field == KEYWORDS && value.text().is_none_or(str::is_empty) {
                return Err(Fault::new(value.place, "detection: an empty keyword"));
            }
            each.push(if field == KEYWORDS { anywhere(checks) } else { checks });
        }
        let label =
            self.labels.as_mut().map_or(UNLABELLED, |labels| labels.add(key, written, values));
        let item = |checks| Expr::Item(Item { field, label, checks: merged(checks) });
        Ok(if key.all {
            Expr::all(each.into_iter().map(item).collect())
        } else if label != UNLABELLED {
            Expr::any(each.into_iter().map(item).collect())
        } else {
            item(each.into_iter().flatten().collect())
        })
    }
}

/// The searches of a `detection` or a `filter`: every key that has no meaning of its own there.
pub(super) fn searches<'n>(
    node: &'n Node,
    what: &str,
) -> impl Iterator<Item = (&'n str, &'n Node)> + use<'n> {
    let entries: &[(Node, Node)] = match &node.content {
        Content::Map(entries) => entries,
        _ => &[],
    };
    let own = if what == "filter" { "rules" } else { "timeframe" };
    let named = entries.iter().map(|(key, value)| (key.text().unwrap_or_default(), value));
    named.filter(move |(name, _)| *name != "condition" && *name != own)
}

fn weight(check: &Check) -> usize {
    match check {
        Check::Text(texts) => texts.len(),
        Check::Regex(_) => REGEX_WEIGHT,
        _ => 1,
    }
}

/// Keywords are looked for inside of the event's text.
fn anywhere(checks: Vec<Check>) -> Vec<Check> {
    checks
        .into_iter()
        .filter(|check| !matches!(check, Check::Number(_)))
        .map(|check| match check {
            Check::Text(texts) => Check::Text(texts.anywhere()),
            other => other,
        })
        .collect()
}

/// Puts the texts of one list together.
fn merged(checks: Vec<Check>) -> Vec<Check> {
    let mut texts: Option<super::check::Texts> = None;
    let mut out = Vec::with_capacity(checks.len());
    for check in checks {
        match (check, &mut texts) {
            (Check::Text(more), Some(all)) => all.extend(more),
            (Check::Text(first), none) => *none = Some(first),
            (other, _) => out.push(other),
        }
    }
    out.extend(texts.map(Check::Text));
    out
}

/// One condition, or a list of which any is enough.
fn conditions(node: &Node, names: &[String]) -> Result<Expr, Fault> {
    let one = |node: &Node| match node.text() {
        Some(text) => {
            condition::parse(text, names).map_err(|reason| Fault::new(node.place, reason))
        }
        None => Err(Fault::new(node.place, "condition: it is not a text")),
    };
    match &node.content {
        Content::List(all) if all.len() > MAX_CONDITIONS => {
            Err(Fault::new(node.place, format!("condition: more than {MAX_CONDITIONS}")))
        }
        Content::List(all) if !all.is_empty() => {
            all.iter().map(one).collect::<Result<Vec<_>, _>>().map(Expr::any)
        }
        _ => one(node),
    }
}
