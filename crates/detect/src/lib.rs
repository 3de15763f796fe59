//! Events and rules to hits: says which log source a record is of, runs the rules on it, and reports
//! what it was told about the host.
//!
//! Knows no format and no product: log sources, rules, checks and observations are content, handed in.
#![forbid(unsafe_code)]

mod checks;
mod content;
mod correlation;
pub mod explain;
mod logsource;
mod observe;
pub mod sample;
mod select;
mod sigma;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tuned;

use std::fmt::Display;
use std::sync::Arc;

use model::Event;
use model::case::{MatchedField, RefusedRule, RuleRef, Severity};

pub use correlation::{BaseMatch, Correlated, Correlator, GroupValue, Values};
pub use sigma::{
    Kinds, LogSource, Missing, Note, Place, Regression, RuleCoverage, coverage, lint, nearest,
    places, regressions,
};

use explain::Explanation;
/// A second, plain evaluator for tests and fuzzing: the engine must agree with it.
#[cfg(any(test, feature = "reference"))]
pub use sigma::{Both, Plain};
use tuned::{Hidden, Tuned, TuningError};

/// A file of content or of a user's rules: its name and its bytes.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Name, with `/`, as it is shown in messages.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl SourceFile {
    fn error(&self, reason: impl Display) -> ContentError {
        ContentError { file: self.name.clone(), reason: reason.to_string() }
    }
}

/// Content that cannot be used: a fault of ours or of whoever changed it, never of evidence.
#[derive(Debug, thiserror::Error)]
#[error("content file {file}: {reason}")]
pub struct ContentError {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Index of a rule in [`Detector::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// What a rule is, for findings.
#[derive(Clone, Debug)]
pub struct RuleMeta {
    /// Identity, authors, licence.
    pub rule: RuleRef,
    /// The short name by which content refers to the rule (Sigma's `name`).
    pub name: Option<String>,
    /// Severity.
    pub level: Severity,
    /// ATT&CK technique ids (`T1505.003`).
    pub attack: Vec<String>,
    /// Whether the rule belongs to our own content (else it came with `--rules`).
    pub own: bool,
    /// What lists and tuning ask for; checks say nothing of it.
    pub about: About,
}

/// What a rule says of itself beside what findings need.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// `stable`, `test`, `experimental` ..., as written.
    pub status: Option<String>,
    /// All tags.
    pub tags: Vec<String>,
    /// The log source that it is for.
    pub logsource: LogSource,
    /// Line of its document.
    pub line: u64,
}

/// Why a detector could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The tuning.
    #[error(transparent)]
    Tuning(#[from] TuningError),
}

/// A rule that fired.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Which.
    pub rule: RuleIndex,
    /// Fields and values that matched.
    pub matched: Vec<MatchedField>,
    /// Values that correlations need of the event; empty where none refers to the rule.
    pub values: Vec<Option<GroupValue>>,
}

/// What loading made of a set of rules.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Rules and filters loaded.
    pub loaded: u64,
    /// Files or documents that were refused, with place and reason.
    pub refused: Vec<RefusedRule>,
    /// Files of documents that are no rules at all, once for each document.
    pub not_rules: Vec<String>,
    /// Rules that were loaded but that no record can ever be for.
    pub idle: Vec<IdleRule>,
}

/// A rule that is loaded and cannot be applied: no evidence here has its log source, or it needs a list
/// that nobody supplied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdleRule {
    /// File.
    pub file: String,
    /// Id of the rule.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
}

/// Something a record states about its host (`build`, `source_address` ...), content decides what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observation {
    /// What is stated: `build`, `build_installed` ...
    pub kind: Arc<str>,
    /// Its value.
    pub value: Arc<str>,
}

/// The rules that an event could meet: the same for all events of a kind, so that a caller counts groups and
/// asks once for their rules ([`Detector::group_rules`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    sigma: sigma::GroupId,
    checks: u32,
}

/// The compiled content: built once, then shared by all threads.
///
/// The face that the rest of the program uses; what is behind it may be replaced.
pub struct Detector {
    sources: logsource::Sources,
    sigma: sigma::Engine,
    checks: checks::Checks,
    observer: observe::Observer,
    rules: Vec<RuleMeta>,
    tuned: Tuned,
}

/// Memory of one thread, reused from event to event. It never changes what comes out.
#[derive(Default)]
pub struct Scratch {
    plans: logsource::Plans,
    sigma: sigma::SigmaScratch,
    checks: checks::Memo,
    observed: observe::Memo,
}

/// What one event gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its log sources, the primary one first, then facets.
    pub logsources: Vec<Arc<str>>,
    /// Rules and checks that fired.
    pub hits: Vec<Hit>,
    /// Hits that tuning hides.
    pub hidden: Vec<Hidden>,
    /// What it states.
    pub observations: Vec<Observation>,
    /// The rules and checks that it could meet.
    pub group: Group,
}

impl Outcome {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.logsources.clear();
        self.hits.clear();
        self.hidden.clear();
        self.observations.clear();
        self.group = Group::default();
    }
}

impl Detector {
    /// Compiles the whole content tree (`logsources/sources.yaml`, `rules/sigma/...`, `packs/...`) and the rules of
    /// a user. Content that cannot be used is an error; a user's rule that cannot be used is in the report.
    pub fn build(
        content: &[SourceFile],
        user_rules: &[SourceFile],
    ) -> Result<(Self, LoadReport), ContentError> {
        Self::tuned(content, user_rules, &[]).map_err(|error| match error {
            BuildError::Content(error) => error,
            BuildError::Tuning(error) => {
                ContentError { file: "tuning".to_owned(), reason: error.to_string() }
            }
        })
    }

    /// The same with tuning files, which decide which rules of the user run and which of their hits are hidden.
    pub fn tuned(
        content: &[SourceFile],
        user_rules: &[SourceFile],
        tuning: &[SourceFile],
    ) -> Result<(Self, LoadReport), BuildError> {
        let tuning = sigma::Tuning::parse(tuning).map_err(TuningError)?;
        let mut builder = sigma::EngineBuilder::new(sigma::Mapping::parse(content)?);
        let own: Vec<SourceFile> =
            content.iter().filter(|file| is_own_rule(file)).cloned().collect();
        let mut report = builder.add(&own, true);
        if let Some(refused) = report.refused.first() {
            let reason = format!("line {}: {}", refused.line, refused.reason);
            return Err(ContentError { file: refused.file.clone(), reason }.into());
        }
        let mut builder = builder.with_placeholders_of(&tuning);
        report.join(builder.add(user_rules, false));
        let tuned = builder.tune(&tuning).map_err(TuningError)?;
        let (sigma, mut rules) = builder.build();
        let first = u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let detector = Self {
            sources: logsource::Sources::parse(content)?,
            sigma,
            checks: checks::Checks::parse(content, first, &mut rules)?,
            observer: observe::Observer::parse(content)?,
            rules,
            tuned,
        };
        report.loaded += u64::from(u32::try_from(detector.rules.len()).unwrap_or(u32::MAX) - first);
        Ok((detector, report))
    }

    /// Runs everything on one event; what `out` held before is gone.
    pub fn examine(&self, event: &Event<'_>, scratch: &mut Scratch, out: &mut Outcome) {
        out.clear();
        self.sources.classify(event, &mut scratch.plans, &mut out.logsources);
        let hits = &mut out.hits;
        out.group.sigma = self.sigma.run(event, &mut scratch.sigma, &mut |hit| hits.push(hit));
        out.hidden.extend_from_slice(&scratch.sigma.hidden);
        out.group.checks = self.checks.run(event, &mut scratch.checks, &mut out.hits);
        let hit = !out.hits.is_empty();
        self.observer.observe(event, hit, &mut scratch.observed, &mut out.observations);
    }

    /// What tuning did to the rules.
    pub fn tuning(&self) -> &Tuned {
        &self.tuned
    }

    /// All rules: Sigma rules first, then correlations, then checks. [`RuleIndex`] counts in it.
    pub fn rules(&self) -> &[RuleMeta] {
        &self.rules
    }

    /// The rules that the events of a group could meet.
    pub fn group_rules(&self, group: Group) -> impl Iterator<Item = RuleIndex> {
        let sigma = self.sigma.group_rules(group.sigma);
        sigma.iter().chain(self.checks.group_rules(group.checks)).copied()
    }

    /// Whether a correlation refers to a rule, so that its matches go to a [`Correlator`].
    pub fn is_correlated(&self, rule: RuleIndex) -> bool {
        self.sigma.correlations().needs(rule)
    }

    /// Whether a rule tells nothing of its own, because a correlation refers to it.
    pub fn is_silent(&self, rule: RuleIndex) -> bool {
        self.sigma.correlations().is_silent(rule)
    }

    /// The correlations that rest on any of the rules for which this is true.
    pub fn correlations_on(&self, rules: &dyn Fn(RuleIndex) -> bool) -> Vec<RuleIndex> {
        self.sigma.correlations().resting_on(rules)
    }

    /// All rules that a correlation rests on; none for any other rule.
    pub fn members(&self, correlation: RuleIndex) -> Vec<RuleIndex> {
        self.sigma.correlations().members(correlation)
    }

    /// What puts the matches of correlated rules together; `None` where no rule is a correlation. The folder is
    /// for temporary files.
    pub fn correlator(&self, folder: &std::path::Path) -> Option<Correlator<'_>> {
        let correlations = self.sigma.correlations();
        (!correlations.is_empty()).then(|| Correlator::new(correlations, folder))
    }

    /// Every log source that content names in full, in order; ids made of a channel's name are not among them.
    pub fn static_logsources(&self) -> &[Arc<str>] {
        self.sources.fixed()
    }
}

/// Memory of one thread for one [`Explainer`], reused from event to event.
#[derive(Default)]
pub struct ExplainerMemory(sigma::SigmaScratch);

/// One Sigma rule, ready to be explained on any event.
pub struct Explainer(sigma::Explainer);

impl Explainer {
    /// The rule of that data. `files` are all files of its set (our content's, or the user's), `tuning` the
    /// tuning files that are in force. `None` where no document is it, or it waits for a placeholder list.
    pub fn new(
        content: &[SourceFile],
        files: &[SourceFile],
        tuning: &[SourceFile],
        rule: &RuleMeta,
    ) -> Result<Option<Self>, BuildError> {
        let mapping = sigma::Mapping::parse(content)?;
        let tuning = sigma::Tuning::parse(tuning).map_err(TuningError)?;
        Ok(sigma::Explainer::new(mapping, files, rule, &tuning).map(Self))
    }

    /// How much of the rule holds for an event, and why, where that is at least `least` millionths; `None` if
    /// the event is not of the rule's log source.
    pub fn explain(
        &self,
        event: &Event<'_>,
        least: u32,
        memory: &mut ExplainerMemory,
    ) -> Option<(u32, Option<Explanation>)> {
        let judged = self.0.explain(event, least, &mut memory.0)?;
        Some((judged.share, judged.explanation))
    }

    /// The condition as its author wrote it.
    pub fn condition(&self) -> &str {
        self.0.condition()
    }
}

impl LoadReport {
    fn join(&mut self, other: Self) {
        self.loaded += other.loaded;
        self.refused.extend(other.refused);
        self.not_rules.extend(other.not_rules);
        self.idle.extend(other.idle);
    }
}

/// Whether a file of content is a Sigma rule: its samples and texts lie beside it.
fn is_own_rule(file: &SourceFile) -> bool {
    file.name.starts_with("rules/sigma/")
        && std::path::Path::new(&file.name)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}
