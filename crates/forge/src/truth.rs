//! The truth file: what was done, and which lines of the evidence carry it. It says nothing of what a tool
//! should answer.

use serde::Serialize;

use crate::Moment;
use crate::scenario::{Act, BuildStep, Damage, Host, Operation, Scenario, Span};
use crate::source::Source;

/// What was done, by whom, when, and where it can be read.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// Name of this form.
    pub schema: &'static str,
    /// Name of the scenario.
    pub scenario: String,
    /// Mark of synthetic evidence.
    pub label: String,
    /// What the scenario is about.
    pub about: String,
    /// Its seed.
    pub seed: u64,
    /// The server.
    pub host: Host,
    /// Builds over time.
    pub builds: Vec<BuildStep>,
    /// First and last moment of the logs before any damage.
    pub span: Span,
    /// The sources as written, after all damage.
    pub sources: Vec<SourceTruth>,
    /// What strangers did.
    pub acts: Vec<ActTruth>,
    /// Files that they placed.
    pub placed: Vec<PlacedFile>,
    /// What became of the evidence.
    pub damage: Vec<DamageTruth>,
    /// In what the evidence differs from that of a real server.
    pub limitations: Vec<&'static str>,
}

/// A source as written.
#[derive(Clone, Debug, Serialize)]
pub struct SourceTruth {
    /// Which.
    pub source: Source,
    /// Number of files.
    pub files: usize,
    /// Number of records.
    pub records: usize,
    /// Number of bytes, before files were cut.
    pub bytes: usize,
    /// First time that it shows.
    pub first: Option<Moment>,
    /// Last time that it shows.
    pub last: Option<Moment>,
}

/// An act of a stranger.
#[derive(Clone, Debug, Serialize)]
pub struct ActTruth {
    /// `A1`, `A2` ...
    pub id: String,
    /// Operation of the scenario.
    pub operation: String,
    /// Kind and settings, as in the scenario.
    pub what: Act,
    /// First moment.
    pub first: Moment,
    /// Last moment.
    pub last: Moment,
    /// Address of the stranger.
    pub from: String,
    /// In words.
    pub did: String,
    /// Lines that carry it.
    pub carried_by: Vec<LineRef>,
    /// Lines that carried it and are lost.
    pub lost: Vec<LostLines>,
}

/// A line of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineRef {
    /// Source.
    pub source: Source,
    /// Path in the evidence.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// First byte.
    pub offset: usize,
    /// Number of bytes without the line end.
    pub length: usize,
    /// When it happened; what the line shows differs where a clock was shifted.
    pub time: Moment,
}

/// Lines that were lost, by cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostLines {
    /// Source.
    pub source: Source,
    /// Word of the damage.
    pub cause: &'static str,
    /// How many.
    pub lines: usize,
}

/// A file that a stranger placed.
#[derive(Clone, Debug, Serialize)]
pub struct PlacedFile {
    /// The act that placed it.
    pub act: String,
    /// From the web root.
    #[serde(skip)]
    pub(crate) file: String,
    /// Path on the server.
    pub path: String,
    /// When.
    pub at: Moment,
    /// When somebody deleted it.
    pub removed_at: Option<Moment>,
    /// Path in the evidence, if it is there.
    pub evidence: Option<String>,
}

/// Damage as it was done.
#[derive(Clone, Debug, Serialize)]
pub struct DamageTruth {
    /// As in the scenario.
    pub what: Damage,
    /// Records that it took.
    pub records_lost: usize,
    /// Files that it changed byte by byte.
    pub files_changed: usize,
}

/// In what forged evidence differs from that of a real server.
const LIMITATIONS: [&str; 5] = [
    "All of it is SYNTHETIC: invented names, addresses of documentation ranges, invented hashes.",
    "Files that Microsoft ships are not written: their content is not ours to have. The web folders hold a \
     placeholder each, and what strangers placed.",
    "A placed file holds no script: it is a printed list of settings with a plain sentence in it.",
    "Sysmon events come without the rendered message.",
    "Traffic is thin, so that the evidence stays small; monitoring probes come every half hour or so.",
];

impl Truth {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            schema: "assay.forge.truth/1",
            scenario: scenario.name.clone(),
            label: scenario.label.clone(),
            about: scenario.about.clone(),
            seed: scenario.seed,
            host: scenario.host.clone(),
            builds: scenario.builds.clone(),
            span: scenario.span,
            sources: Vec::new(),
            acts: Vec::new(),
            placed: Vec::new(),
            damage: Vec::new(),
            limitations: LIMITATIONS.to_vec(),
        }
    }

    /// The truth file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Id of an act by its position.
pub(crate) fn id(index: usize) -> String {
    format!("A{}", index + 1)
}

impl ActTruth {
    pub(crate) fn new(
        index: usize,
        operation: &Operation,
        what: &Act,
        when: (Moment, Moment),
        did: String,
    ) -> Self {
        Self {
            id: id(index),
            operation: operation.name.clone(),
            what: what.clone(),
            first: when.0,
            last: when.1,
            from: operation.from.clone(),
            did,
            carried_by: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Counts a line that was lost.
    pub(crate) fn lose(&mut self, source: Source, cause: &'static str) {
        match self.lost.iter_mut().find(|l| l.source == source && l.cause == cause) {
            Some(known) => known.lines += 1,
            None => self.lost.push(LostLines { source, cause, lines: 1 }),
        }
    }
}
