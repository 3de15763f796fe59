//! The face of the library: evidence in, cases out. It alone composes reading, detecting, judging and writing.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod clocks;
mod content;
mod correlate;
mod gather;
mod hosts;
mod name;
mod rule_archive;
pub mod rules;
mod tuned_out;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use assess::Context;
use model::Time;
use model::case::{Case, ContentVersion, Method, RefusedRule};

use sha2::{Digest as _, Sha256};

pub use assess::{Knowledge, KnowledgeError, StatedBuild, exposure_of_build, representative};
pub use content::{Content, ContentError, tuning_files, user_rules};
pub use detect::{
    BuildError, Detector, IdleRule, LoadReport, LogSource, Missing, Note, Place, RuleCoverage,
    RuleIndex, RuleMeta, SourceFile, explain as explanation, tuned,
};
pub use evidence::{
    FORMATS, FetchError, Fetched, Inventory, Item, Limits, Options as ReadOptions, Progress,
    ReadError, fetch,
};

/// What to investigate, and how.
pub struct Request<'a> {
    /// Files, folders and archives.
    pub inputs: &'a [PathBuf],
    /// How to read them.
    pub read: ReadOptions,
    /// The content that judges.
    pub content: &'a Content,
    /// Rules of the user.
    pub rules: &'a [SourceFile],
    /// Tuning of these rules.
    pub tuning: &'a [SourceFile],
    /// The moment of the case, if not the latest record.
    pub as_of: Option<Time>,
    /// Name for the host of records that name none.
    pub host: Option<String>,
}

/// Why an investigation gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The evidence could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The content could not be used.
    #[error(transparent)]
    Content(#[from] detect::ContentError),
    /// The tuning of the user's rules could not be used.
    #[error(transparent)]
    Tuning(#[from] tuned::TuningError),
    /// A file of rules or samples could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The packs could not be used.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Content(error) => error.into(),
            BuildError::Tuning(error) => error.into(),
        }
    }
}

/// What came of it.
pub struct Investigation {
    /// One case for each host, in the order of their folder names.
    pub cases: Vec<Case>,
    /// All that was handed in, also where no host was found.
    pub inventory: Inventory,
    /// What became of the user's rules and ours.
    pub rules: LoadReport,
    /// Entries of the tuning that fit no rule.
    pub unused_tuning: Vec<RefusedRule>,
}

/// Reads the evidence once and judges every host in it.
pub fn investigate(request: &Request<'_>) -> Result<Investigation, Error> {
    let files = request.content.files();
    let (detector, rules) = Detector::tuned(files, request.rules, request.tuning)?;
    let knowledge = knowledge(request.content)?;
    let kept_fields = knowledge.kept_fields();
    let temp_dir = request.read.temp_dir.as_path();
    let no_space = |source: io::Error| match source.kind() {
        io::ErrorKind::Interrupted => ReadError::Interrupted,
        _ => ReadError::Spool { path: temp_dir.to_owned(), source },
    };
    let spool = gather::Spool::new(temp_dir, request.read.limits.max_spool);
    let gather = gather::Gather::new(&detector, &kept_fields, request.as_of, spool);
    let mut inventory = evidence::read(request.inputs, &request.read, &gather)?;
    let (items, matches) = gather.finish().map_err(no_space)?;
    for item in &mut inventory.items {
        item.issues
            .extend(items.get(&item.head.id).into_iter().flat_map(gather::ItemGather::issues));
    }
    let keep = gather::keep_limit(&detector);
    let hosts = hosts::hosts(hosts::Run {
        inventory: &inventory,
        items,
        detector: &detector,
        host: request.host.as_deref(),
        keep: &keep,
        matches: &matches,
        temp_dir,
        cancel: &request.read.cancel,
    })
    .map_err(no_space)?;
    let content = ContentVersion {
        version: request.content.version(),
        sha256: request.content.sha256(request.rules.iter().chain(request.tuning)),
    };
    let cases = hosts
        .iter()
        .map(|host| {
            let method = method(&detector, &rules, host);
            let method = Method { tuned_out: tuned_out::of(&detector, host), ..method };
            let context = Context { content: content.clone(), as_of: request.as_of, method };
            let mut case = assess::assess(host, &knowledge, &context);
            make_inert(&mut case);
            case
        })
        .collect();
    let unused_tuning = detector.tuning().unused.clone();
    Ok(Investigation { cases, inventory, rules, unused_tuning })
}

/// The packs of a content.
pub fn knowledge(content: &Content) -> Result<Knowledge, KnowledgeError> {
    Knowledge::parse(content.files().iter().map(|f| (f.name.as_str(), f.bytes.as_slice())))
}

/// What loading makes of a user's rules beside the content, whose own rules are not counted, and what tuning
/// makes of them.
pub fn load_user_rules(set: &rules::RuleSet<'_>) -> Result<(LoadReport, tuned::Tuned), Error> {
    let (_, own) = Detector::build(set.content.files(), &[])?;
    let (detector, mut all) = set.detector()?;
    all.loaded = all.loaded.saturating_sub(own.loaded);
    // Own rules are loaded first; none of them is refused, for that is an error.
    all.idle.drain(..own.idle.len().min(all.idle.len()));
    Ok((all, detector.tuning().clone()))
}

/// What could be written better in a user's rules.
pub fn lint(content: &Content, rules: &[SourceFile]) -> Result<Vec<Note>, detect::ContentError> {
    detect::lint(content.files(), rules)
}

/// SHA-256 of a record, as events of a case state it.
pub fn sha256(bytes: &[u8]) -> String {
    content::hex(&Sha256::digest(bytes))
}

/// Counts what became of the rules on one host, and credits those that found something.
fn method(detector: &Detector, report: &LoadReport, host: &assess::HostEvidence) -> Method {
    let total = (detector.rules().len() - detector.tuning().excluded.len()) as u64;
    let applied = host.rules_applied;
    let rules = detector.rules();
    let found: BTreeSet<&str> = host.hits.iter().map(|hit| hit.rule.id.as_str()).collect();
    // What a correlation found, the rules that it rests on found.
    let credited: BTreeSet<RuleIndex> = (0..)
        .map(RuleIndex)
        .zip(rules)
        .filter(|(_, meta)| found.contains(meta.rule.id.as_str()))
        .flat_map(|(index, _)| detector.members(index).into_iter().chain([index]))
        .collect();
    let mut credits: Vec<String> = credited
        .iter()
        .filter_map(|index| rules.get(index.0 as usize))
        .filter(|meta| !meta.rule.author.is_empty())
        .map(|RuleMeta { rule, .. }| {
            format!("{}: {} ({})", rule.title, rule.author.join(", "), rule.license)
        })
        .collect();
    credits.sort();
    credits.dedup();
    Method {
        applied,
        not_applicable: total.saturating_sub(applied),
        unsupported: report.refused.len() as u64,
        refused: report.refused.clone(),
        credits,
        tuned_out: None,
    }
}

/// Moves what a virus scanner might take for an attack from text to base64.
fn make_inert(case: &mut Case) {
    for event in &mut case.events {
        if let Some(summary) = event.summary.take() {
            let quote = publish::quote(&summary);
            event.summary = quote.value;
            event.summary_b64 = quote.value_b64;
        }
    }
}
