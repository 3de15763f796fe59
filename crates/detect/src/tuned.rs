//! What tuning did to the rules: told in every case, so that nothing is taken away in silence.

use std::collections::BTreeMap;

use model::case::{RefusedRule, Severity};

use crate::RuleIndex;

/// What tuning did.
#[derive(Clone, Debug, Default)]
pub struct Tuned {
    /// All entries of the tuning files.
    pub entries: Vec<Entry>,
    /// Rules that do not run, with the number of the entry that says so.
    pub excluded: BTreeMap<RuleIndex, usize>,
    /// Rules that have another level than their author gave them.
    pub levels: Vec<Change>,
    /// Entries that fit no rule, with place and reason.
    pub unused: Vec<RefusedRule>,
}

/// An entry of a tuning file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// File, line and column.
    pub at: String,
    /// The reason that it gives.
    pub reason: Option<String>,
}

/// Another level for a rule.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The rule.
    pub rule: RuleIndex,
    /// The level that its author gave it.
    pub was: Severity,
    /// Number of the entry that says so.
    pub entry: usize,
}

/// A hit that a false positive of a tuning file hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    /// The rule that fired.
    pub rule: RuleIndex,
    /// Number of the entry.
    pub entry: usize,
}

/// Tuning files that cannot be used, with place and reason for each fault.
#[derive(Debug, thiserror::Error)]
#[error("the tuning cannot be used")]
pub struct TuningError(pub Vec<RefusedRule>);
