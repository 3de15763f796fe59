//! Events and rules to hits: says which log source a record is of, runs the rules on it, and reports
//! what it was told about the host.
//!
//! Knows no format and no product: log sources, rules, checks and observations are content, handed in.
#![forbid(unsafe_code)]

use model::Event;
use model::case::{MatchedField, RefusedRule, RuleRef, Severity};

/// A file of content or of a user's rules: its name and its bytes.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Name, with `/`, as it is shown in messages.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Index of a rule in [`Rules::meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// What a rule is, for findings.
#[derive(Clone, Debug)]
pub struct RuleMeta {
    /// Identity, authors, licence.
    pub rule: RuleRef,
    /// Severity.
    pub level: Severity,
    /// ATT&CK technique ids (`T1505.003`).
    pub attack: Vec<String>,
    /// Whether the rule belongs to our own content (else it came with `--rules`).
    pub own: bool,
}

/// A rule that fired.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Which.
    pub rule: RuleIndex,
    /// Fields and values that matched.
    pub matched: Vec<MatchedField>,
}

/// What loading made of a set of rules.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Rules loaded.
    pub loaded: u64,
    /// Files or documents that were refused, with place and reason.
    pub refused: Vec<RefusedRule>,
}

/// Something a record states about its host (`build`, `source_address` ...), content decides what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observation {
    /// What is stated: `build`, `build_installed` ...
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// The compiled content: built once, then shared by all threads.
///
/// The face that the rest of the program uses; what is behind it may be replaced.
pub struct Detector {
    _todo: (),
}

/// Memory of one thread, reused from event to event.
#[derive(Default)]
pub struct Scratch {
    _todo: (),
}

/// What one event gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its log sources, the primary one first, then facets.
    pub logsources: Vec<std::sync::Arc<str>>,
    /// Rules and checks that fired.
    pub hits: Vec<Hit>,
    /// What it states.
    pub observations: Vec<Observation>,
}

impl Detector {
    /// Runs everything on one event.
    pub fn examine(&self, _event: &Event<'_>, _scratch: &mut Scratch, _out: &mut Outcome) {}
}
