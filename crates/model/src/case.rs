//! The contract `assay.case/1`: what one case says, in the types that other programs read.
//!
//! Fields are only ever added; a change of meaning is a new [`SCHEMA`]. `null` is unknown; an absent
//! field was not assessed. Ids are local to the case and given in an order that content alone decides.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Issue, Locator, Time, TimeBasis};

/// The name of this contract.
pub const SCHEMA: &str = "assay.case/1";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }
    };
}

words! {
    /// How far an attack got.
    Level {
        /// Nothing.
        None,
        /// Requests that look for a hole or for other people's shells, answered or not.
        Scanned,
        /// A step meant to gain access, not proven to have worked.
        Attempted,
        /// A step proven to have worked.
        Compromised,
    }
}

words! {
    /// The state of exposure at `as_of`.
    Exposure {
        /// A window is open at `as_of`.
        Exposed,
        /// A window was open and is closed.
        WasExposed,
        /// Builds are known over the whole window and were never vulnerable.
        NotExposed,
        /// The evidence does not tell.
        Unknown,
    }
}

words! {
    /// Whether something of the attacker is there at `as_of`.
    Presence {
        /// Seen at the end of the evidence.
        Present,
        /// There once, with evidence that it is gone.
        Removed,
        /// Not proven either way.
        Unknown,
        /// Nothing was ever shown to be placed, and compromise is excluded.
        NotApplicable,
    }
}

words! {
    /// How much of what would show an attack was read.
    Adequacy {
        /// Every step above the headline is excluded.
        Adequate,
        /// Some are.
        Partial,
        /// None is.
        Inadequate,
    }
}

words! {
    /// Analytic confidence; never a likelihood.
    Confidence {
        /// One doubtful or indirect source.
        Low,
        /// One source.
        Moderate,
        /// Independent sources agree.
        High,
    }
}

words! {
    /// The six questions.
    Question {
        /// Which holes were open, from when to when?
        Exposed,
        /// Scanned, attacked or broken into?
        Hit,
        /// What of the attacker is still there?
        StillIn,
        /// What was reached?
        Taken,
        /// Which actors fit?
        Who,
        /// What to do next?
        WhatNow,
    }
}

words! {
    /// The state of a window of exposure at `as_of`.
    WindowState {
        /// Open at `as_of`.
        Open,
        /// Closed before `as_of`.
        Closed,
        /// Never shown open, never proven shut.
        Unknown,
    }
}

words! {
    /// What closed a window.
    ClosedBy {
        /// A build that carries the fix.
        Patch,
        /// A measure short of the fix.
        Mitigation,
        /// The host was cut off.
        Isolation,
        /// Not known.
        Unknown,
    }
}

words! {
    /// What became of a log source.
    CoverageState {
        /// Read, in whole or in part.
        Present,
        /// Expected on such a host and not in the evidence.
        Absent,
        /// There, and not one record of it could be read.
        Unreadable,
        /// This version cannot read it.
        NotAssessed,
    }
}

words! {
    /// The engine that made a finding.
    Engine {
        /// A Sigma rule.
        Sigma,
        /// A Sigma correlation.
        Correlation,
        /// A YARA rule.
        Yara,
        /// An indicator.
        Ioc,
        /// A check of our own.
        Check,
    }
}

words! {
    /// Severity of a rule, after Sigma.
    Severity {
        /// Of note only beside others.
        Informational,
        /// Rarely malicious.
        Low,
        /// To be looked at.
        Medium,
        /// Likely malicious.
        High,
        /// Malicious.
        Critical,
    }
}

words! {
    /// How surely an asset was reached.
    ImpactState {
        /// Shown by a record.
        Proven,
        /// Within reach of what was shown.
        Possible,
        /// Not shown by the sources read.
        NotShown,
    }
}

words! {
    /// The state of an action.
    ActionStatus {
        /// To be done.
        Open,
        /// Its closing condition is met.
        Closed,
        /// Set aside, with a reason.
        Waived,
    }
}

words! {
    /// How much of a file was read.
    ReadState {
        /// All of it.
        Full,
        /// Some of it; the issues say what is missing.
        Partial,
        /// None of it.
        None,
    }
}

words! {
    /// Kind of a hypothesis of who.
    HypothesisKind {
        /// A group.
        IntrusionSet,
        /// Malicious software.
        Family,
        /// Somebody whom the knowledge base does not hold.
        NotInKb,
        /// More than one.
        Several,
    }
}

/// One host at one moment, as far as the evidence goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Name of the case: made of the host and the content of the evidence.
    pub case_id: String,
    /// The content that judged.
    pub content: ContentVersion,
    /// Traffic light protocol marking of this case.
    pub tlp: String,
    /// The host.
    pub host: Host,
    /// The moment as of which everything is said.
    pub as_of: AsOf,
    /// Wrong clocks found.
    pub clocks: Vec<Clock>,
    /// The verdict.
    pub verdict: Verdict,
    /// Windows of exposure, one for each chain that counts.
    pub windows: Vec<Window>,
    /// Every sentence of ours.
    pub claims: Vec<Claim>,
    /// What rules and checks found.
    pub findings: Vec<Finding>,
    /// The records that findings and claims rest on.
    pub events: Vec<CaseEvent>,
    /// The ledger: every source that matters, read or not.
    pub coverage: Vec<Coverage>,
    /// The missing evidence, that most likely to change the verdict first.
    pub next_evidence: Vec<NextEvidence>,
    /// What was reached.
    pub impact: Vec<Impact>,
    /// Who fits; absent where attribution was not assessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypotheses: Option<Vec<Hypothesis>>,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// Every file that was handed in.
    pub custody: Vec<CustodyItem>,
    /// Questions and parts that this version does not assess, in words.
    pub not_assessed: Vec<String>,
    /// What became of the rules and checks.
    pub method: Method,
}

/// Version and hash of the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentVersion {
    /// Version of the content.
    pub version: String,
    /// SHA-256 over all files of the content, rules handed in with `--rules` included.
    pub sha256: String,
}

/// The host of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// All names found, the fullest first; empty for a case that no record gives to a host.
    pub names: Vec<String>,
    /// Security identifier of the machine, if known.
    pub sid: Option<String>,
    /// Product name of the pack that knows this host, or `null`.
    pub product: Option<String>,
    /// The newest build proven.
    pub build: Option<String>,
    /// Events that prove it.
    pub build_basis: Vec<String>,
}

/// The moment of the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsOf {
    /// `null` where the evidence holds no time at all.
    pub time: Option<Time>,
    /// What gave it.
    pub basis: String,
}

/// An offset found in the times of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// The source whose stated times are off.
    pub logsource: String,
    /// Seconds to add to its stated times; `null` where only the neighbours are known to be off.
    pub offset_s: Option<i64>,
    /// First stated time of the span.
    pub from: Option<Time>,
    /// Last stated time of the span.
    pub to: Option<Time>,
    /// Events of the pairs.
    pub basis: Vec<String>,
}

/// Compromise as an interval, with the stage reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compromise {
    /// The worst that the evidence proves.
    pub shown: Level,
    /// The worst that it cannot rule out.
    pub not_excluded: Level,
    /// The furthest step shown, a word of the pack, `none` if none.
    pub stage: String,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Follows from the compromise pair and from nothing else.
    pub headline: String,
    /// State of exposure.
    pub exposure: Exposure,
    /// The interval.
    pub compromise: Compromise,
    /// What is still there.
    pub presence: Presence,
    /// How much was read of what would show more.
    pub coverage: Adequacy,
    /// Analytic confidence in the headline.
    pub confidence: Confidence,
    /// Evidence without which the headline would change.
    pub rests_on: Vec<String>,
    /// Claims that carry the verdict.
    pub claims: Vec<String>,
    /// True only where a reader may be shown green.
    pub green: bool,
}

/// One end of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// Not before.
    pub earliest: Option<Time>,
    /// Not after: the first proof.
    pub latest: Option<Time>,
    /// Events that prove it.
    pub basis: Vec<String>,
    /// What gave `earliest`, in words.
    pub earliest_basis: String,
}

/// The other end of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// Not before.
    pub earliest: Option<Time>,
    /// Not after: the first proof.
    pub latest: Option<Time>,
    /// What closed it.
    pub by: ClosedBy,
    /// Events that prove it.
    pub basis: Vec<String>,
}

/// When a chain of holes was open on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Id of the chain.
    pub chain: String,
    /// What the chain is called in sentences.
    pub title: String,
    /// Its holes.
    pub cves: Vec<String>,
    /// State at `as_of`.
    pub state: WindowState,
    /// The opening.
    pub opened: Opened,
    /// The closing; `null` where nothing closed it.
    pub closed: Option<Closed>,
}

/// A sentence with the evidence for it and against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// `C1` ...
    pub id: String,
    /// The question it answers.
    pub question: Question,
    /// Stable word for what is claimed.
    pub statement: String,
    /// What the sentence is about.
    pub args: BTreeMap<String, String>,
    /// The sentence.
    pub text: String,
    /// First moment it speaks of.
    pub first: Option<Time>,
    /// Last moment it speaks of.
    pub last: Option<Time>,
    /// How far off those times may be, in seconds; absent where the record's own precision holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_s: Option<i64>,
    /// Findings and events for it.
    pub supporting: Vec<String>,
    /// Findings and events against it.
    pub contradicting: Vec<String>,
    /// Analytic confidence.
    pub confidence: Confidence,
    /// The waiver that sets it aside, if any.
    pub waiver: Option<String>,
}

/// The rule behind a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleRef {
    /// Id of the rule.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its version: a date, or a short hash of its text.
    pub version: String,
    /// The engine.
    pub engine: Engine,
    /// Its authors.
    pub author: Vec<String>,
    /// Its licence.
    pub license: String,
    /// Where it came from.
    pub source: String,
}

/// A value that came from evidence: text where harmless, base64 where a scanner might mistake it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MatchedField {
    /// Name of the field.
    pub field: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its value in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_b64: Option<String>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `F1` ...
    pub id: String,
    /// The rule.
    pub rule: RuleRef,
    /// Severity.
    pub level: Severity,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// Stage of the chain that the pack gives it, or `none`.
    pub stage: String,
    /// Exact number of events.
    pub event_count: u64,
    /// The first of them, at most 1,000.
    pub events: Vec<String>,
    /// What matched in the first event.
    pub matched: Vec<MatchedField>,
}

/// A record that a finding or claim rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseEvent {
    /// `E1` ...
    pub id: String,
    /// UTC.
    pub time: Option<Time>,
    /// As the record has it; base64 is never needed for it.
    pub raw_time: String,
    /// Which rule gave the time.
    pub time_basis: TimeBasis,
    /// The host that the record names, or the one it was given to.
    pub host: Option<String>,
    /// Log source.
    pub logsource: String,
    /// Custody id of the file.
    pub item: String,
    /// Where in it.
    pub locator: Locator,
    /// SHA-256 of the record's bytes.
    pub sha256: String,
    /// One harmless line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The line in base64 where a scanner might mistake it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_b64: Option<String>,
}

/// A hole in what a source tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// From.
    pub from: Option<Time>,
    /// To.
    pub to: Option<Time>,
    /// `before_first_record`, `silence`, `after_last_record`, `damaged`, `cleared` ...
    pub cause: String,
}

/// Counts of the checks that a source serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckCounts {
    /// Ran on this source.
    pub applied: u64,
    /// Loaded, and this evidence holds nothing that they read.
    pub not_applicable: u64,
    /// Refused by this version.
    pub unsupported: u64,
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Log source.
    pub logsource: String,
    /// What became of it.
    pub state: CoverageState,
    /// First record.
    pub from: Option<Time>,
    /// Last record.
    pub to: Option<Time>,
    /// Holes between the window's opening and `as_of`.
    pub gaps: Vec<Gap>,
    /// Records read.
    pub records: u64,
    /// Records known to be lost.
    pub lost: u64,
    /// Steps (`chain.step`) that it helps to show.
    pub steps_it_would_show: Vec<String>,
    /// Steps that another source shows and this one does not: there it excludes nothing.
    pub contradicted_by: Vec<String>,
    /// Rules and checks.
    pub checks: CheckCounts,
}

/// Evidence to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextEvidence {
    /// Log source.
    pub logsource: String,
    /// Where it lies on the host.
    pub path: String,
    /// How to get it.
    pub how: String,
    /// What it could change.
    pub could_change: String,
}

/// What was, or may have been, reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// `mailbox`, `address_book`, `archive`, `credentials` ...
    pub asset_type: String,
    /// Which.
    pub asset: String,
    /// How surely.
    pub state: ImpactState,
    /// From.
    pub from: Option<Time>,
    /// To.
    pub to: Option<Time>,
    /// Upper bound in bytes.
    pub bytes_max: Option<u64>,
    /// Claims behind it.
    pub claims: Vec<String>,
}

/// Somebody who fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    /// Id.
    pub id: String,
    /// Thread of activity.
    pub thread: String,
    /// Kind.
    pub kind: HypothesisKind,
    /// Name.
    pub name: String,
    /// Range of probability.
    pub probability: [f64; 2],
    /// The yardstick's word for it.
    pub term: String,
    /// Analytic confidence.
    pub confidence: Confidence,
    /// For.
    pub supporting: Vec<String>,
    /// Against.
    pub contradicting: Vec<String>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Id of the content.
    pub id: String,
    /// Place in the order, from 1.
    pub order: u32,
    /// What.
    pub text: String,
    /// Who advises it.
    pub source: String,
    /// Claims that call for it.
    pub triggered_by: Vec<String>,
    /// What to keep first.
    pub preserve_first: Vec<String>,
    /// When it is done.
    pub closes_when: String,
    /// State.
    pub status: ActionStatus,
}

/// One file that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyItem {
    /// `M1` ...
    pub id: String,
    /// Relative to the argument it came under; `!/` stands between an archive and its member.
    pub path: String,
    /// Bytes, if known.
    pub size: Option<u64>,
    /// Of its content, if all of it was read.
    pub sha256: Option<String>,
    /// Modification time; never carries a claim.
    pub mtime: Option<Time>,
    /// `archive`, `file_system` or `unknown`.
    pub mtime_basis: String,
    /// What it is, by content.
    pub kind: String,
    /// How much was read.
    pub read: ReadState,
    /// What was wrong with it.
    pub issues: Vec<Issue>,
}

/// What became of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Method {
    /// Rules and checks that met a record they could apply to.
    pub applied: u64,
    /// Loaded, without a record to apply to.
    pub not_applicable: u64,
    /// Refused.
    pub unsupported: u64,
    /// The refused ones, with file, line and reason.
    pub refused: Vec<RefusedRule>,
    /// Authors and licences of the rules that found something.
    pub credits: Vec<String>,
    /// What tuning files took away or changed; absent where they did nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned_out: Option<TunedOut>,
}

/// What tuning took away of the user's rules, or changed. It never touches the verdict: our own rules run as
/// they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunedOut {
    /// Rules that did not run.
    pub excluded: u64,
    /// They by the entry that says so.
    pub exclusions: Vec<ExcludedRules>,
    /// Hits on this host that are hidden as known to be false.
    pub hidden: Vec<HiddenHits>,
    /// Rules that are shown with another level than their author gave them.
    pub levels: Vec<LevelChange>,
}

/// Rules that one entry of a tuning file excludes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExcludedRules {
    /// File, line and column of the entry.
    pub at: String,
    /// The reason that it gives.
    pub reason: Option<String>,
    /// How many.
    pub rules: u64,
}

/// Hits of one rule that one entry of a tuning file hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenHits {
    /// The rule.
    pub rule: RuleRef,
    /// How many, exactly.
    pub hits: u64,
    /// File, line and column of the entry.
    pub at: String,
    /// The reason that it gives.
    pub reason: String,
}

/// Another level for a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LevelChange {
    /// The rule.
    pub rule: RuleRef,
    /// The level of its author.
    pub from: Severity,
    /// The level shown.
    pub to: Severity,
    /// File, line and column of the entry.
    pub at: String,
}

/// A rule that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct RefusedRule {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// Why.
    pub reason: String,
}

impl Compromise {
    /// The headline that follows from the pair.
    pub fn headline(&self) -> &'static str {
        match (self.shown, self.not_excluded) {
            (Level::Compromised, _) => "COMPROMISED",
            (Level::Attempted, Level::Compromised) => "ATTACKED; SUCCESS NOT EXCLUDED",
            (Level::Attempted, _) => "ATTACKED, NOT BROKEN INTO",
            (Level::Scanned, Level::Attempted | Level::Compromised) => "SCANNED; MORE NOT EXCLUDED",
            (Level::Scanned, _) => "SCANNED ONLY",
            (Level::None, Level::None) => "NO EVIDENCE OF ATTACK",
            (Level::None, _) => "INSUFFICIENT EVIDENCE",
        }
    }
}
