//! Sigma correlation rules: from single matches of rules to findings that several events make together.
//!
//! [`parse`] reads a document, [`resolve`] binds it to the rules that it refers to, [`correlator`] puts base
//! matches in event time and hands them, group by group, to [`window`], which judges them with a [`measure`].
//!
//! A correlation judges *windows*: sets of events of one group that lie within one `timespan`, both ends
//! included, never cut at hours or days. Where more events can only help (`gt` and `gte` of a count or a sum,
//! `temporal`) it fires with the event that makes the condition true and with each one for which it stays true.
//! Every other condition is judged on windows that no further event extends: else "fewer than five" would be
//! true of the first event of any burst.

mod correlator;
mod entry;
mod group;
mod measure;
mod parse;
mod resolve;
mod sort;
#[cfg(test)]
pub(crate) mod tests;
mod window;

use sha2::{Digest as _, Sha256};

pub(crate) use correlator::Correlations;
pub use correlator::{BaseMatch, Correlated, Correlator, Values};
pub(crate) use parse::parse;
pub(crate) use resolve::{Names, Pending, Referent, Resolver, Target};

use crate::sigma::fold::fold;
use crate::sigma::rule::Expr;

/// Characters of a value that are kept to be shown.
const SHOWN: usize = 200;
/// Fractions are counted in millionths, so that sums are exact and the same in every order.
const MICRO: i128 = 1_000_000;

/// A value by which events are grouped, counted or measured.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GroupValue {
    /// Hash of the whole value without case: values are compared by it.
    key: u128,
    /// The value as the event has it, shortened.
    text: String,
}

impl GroupValue {
    /// From the text of a field.
    pub(crate) fn new(text: &str) -> Self {
        Self { key: hash(fold(text).as_bytes()), text: text.chars().take(SHOWN).collect() }
    }

    /// The value as the event has it, shortened.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn hash(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// A correlation rule bound to the rules that it refers to.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) members: Vec<Member>,
    pub(crate) kind: Kind,
    pub(crate) condition: Vec<Bound>,
    /// Names of fields or aliases.
    pub(crate) group_by: Vec<String>,
    /// Names of fields or aliases whose values are counted or measured.
    pub(crate) fields: Vec<String>,
    /// Length of a window in nanoseconds.
    pub(crate) timespan: i64,
}

/// A rule that a correlation refers to, with the field that each alias means in it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) target: Target,
    pub(crate) aliases: Vec<(String, String)>,
}

impl Member {
    /// The name that a field or alias has in this rule.
    fn field<'n>(&'n self, name: &'n str) -> &'n str {
        self.aliases.iter().find(|(alias, _)| alias == name).map_or(name, |(_, field)| field)
    }
}

/// What a correlation measures.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// `event_count`
    Events,
    /// `value_count`
    Distinct,
    /// `value_sum`
    Sum,
    /// `value_avg`
    Average,
    /// `value_percentile` with a rank in millionths of a percent, and `value_median`.
    Percentile(i128),
    /// `value_percentile` without a rank: which part of the values, in percent, are like the event's.
    Share,
    /// `temporal`: how many of the rules, or a condition over them.
    Rules(Option<RuleCondition>),
    /// `temporal_ordered`
    Ordered,
}

impl Kind {
    /// The word of the specification.
    fn name(&self) -> &'static str {
        match self {
            Self::Events => "event_count",
            Self::Distinct => "value_count",
            Self::Sum => "value_sum",
            Self::Average => "value_avg",
            Self::Percentile(_) | Self::Share => "value_percentile",
            Self::Rules(_) => "temporal",
            Self::Ordered => "temporal_ordered",
        }
    }
}

/// A condition over the rules of a `temporal` correlation.
#[derive(Clone, Debug)]
pub(crate) struct RuleCondition(std::sync::Arc<Expr>);

impl RuleCondition {
    fn holds(&self, is_there: &dyn Fn(usize) -> bool) -> bool {
        holds(&self.0, is_there)
    }

    /// Whether an event more can make it false.
    fn has_negation(&self) -> bool {
        has_negation(&self.0)
    }
}

fn holds(expr: &Expr, is_there: &dyn Fn(usize) -> bool) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(part, is_there)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, is_there)),
        Expr::Not(inner) => !holds(inner, is_there),
        Expr::Selection(member) => is_there(*member),
        Expr::Item(_) => false,
    }
}

fn has_negation(expr: &Expr) -> bool {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().any(has_negation),
        Expr::Not(_) => true,
        Expr::Selection(_) | Expr::Item(_) => false,
    }
}

/// One part of a condition: how what was measured must compare with a number, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) compare: Compare,
    pub(crate) number: i128,
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Bound {
    fn holds(self, value: i128) -> bool {
        match self.compare {
            Compare::Greater => value > self.number,
            Compare::GreaterOrEqual => value >= self.number,
            Compare::Less => value < self.number,
            Compare::LessOrEqual => value <= self.number,
            Compare::Equal => value == self.number,
            Compare::NotEqual => value != self.number,
        }
    }
}

impl Correlation {
    fn holds(&self, value: i128) -> bool {
        self.condition.iter().all(|bound| bound.holds(value))
    }

    /// Whether an event more can only help, so that windows need not be complete to be judged.
    fn is_monotone(&self) -> bool {
        let grows = match &self.kind {
            Kind::Events | Kind::Distinct | Kind::Sum => true,
            Kind::Rules(condition) => !condition.as_ref().is_some_and(RuleCondition::has_negation),
            Kind::Ordered => true,
            Kind::Average | Kind::Percentile(_) | Kind::Share => false,
        };
        let from_below =
            |b: &Bound| matches!(b.compare, Compare::Greater | Compare::GreaterOrEqual);
        grows && self.condition.iter().all(from_below)
    }
}
