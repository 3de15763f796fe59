//! What is handed in for one host.

use std::collections::{BTreeMap, BTreeSet};

use model::case::{CheckCounts, ContentVersion, CustodyItem, Method, RuleRef, Severity};
use model::{Locator, Time, TimeBasis};
use serde::{Deserialize, Serialize};

/// All that the evidence says of one host.
#[derive(Clone, Debug, Default)]
pub struct HostEvidence {
    /// Names found, the fullest first; empty for records that no collection gives to a host.
    pub names: Vec<String>,
    /// Folder name and case name of the host.
    pub folder: String,
    /// Log sources by id.
    pub sources: BTreeMap<String, Source>,
    /// Rules that fired, in the order of their ids.
    pub hits: Vec<RuleHits>,
    /// What records state of the host.
    pub statements: Vec<Statement>,
    /// Addresses that are the host's own.
    pub own_addresses: BTreeSet<String>,
    /// Offsets found between clocks.
    pub clocks: Vec<ClockFinding>,
    /// Rules and checks that met a record which they could apply to.
    pub rules_applied: u64,
    /// Hits that tuning hides, by rule and entry: told in the case, and nothing else.
    pub hidden: BTreeMap<(u32, usize), u64>,
    /// Files, in the order of their paths, still without ids; [`Record::item`] points here.
    pub items: Vec<CustodyItem>,
}

/// One log source of the host, with corrected times.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Clock hours (since 1970) that hold at least one record, with their number.
    pub hours: BTreeMap<i64, u64>,
    /// First record.
    pub first: Option<Time>,
    /// Last record.
    pub last: Option<Time>,
    /// Records read, with and without time.
    pub records: u64,
    /// Records known to be lost.
    pub lost: u64,
    /// Spans in which something was lost.
    pub losses: Vec<Interval>,
    /// Rules and checks that this source served.
    pub checks: CheckCounts,
}

/// A span; an open end is unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// From.
    pub from: Option<Time>,
    /// To.
    pub to: Option<Time>,
    /// Word for what happened.
    pub cause: String,
}

/// A record that something rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// UTC, corrected.
    pub time: Option<Time>,
    /// Log source.
    pub logsource: String,
    /// Place in [`HostEvidence::items`].
    pub item: usize,
    /// Where in the file.
    pub locator: Locator,
    /// As the record has it.
    pub raw_time: String,
    /// Which rule gave the time.
    pub time_basis: TimeBasis,
    /// How far off the time may be, in seconds, where its own digits do not say.
    pub precision_s: Option<i64>,
    /// Host that the record names.
    pub host: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// One line; not yet made inert.
    pub summary: String,
    /// Fields that matter, by name.
    pub fields: Vec<(String, String)>,
    /// Where the request came from.
    pub addresses: Vec<String>,
    /// Read whole: carries a proof. Records from damaged chunks do not, alone.
    pub whole: bool,
}

/// What a rule found on this host.
#[derive(Clone, Debug)]
pub struct RuleHits {
    /// Name that chains use.
    pub name: String,
    /// Identity.
    pub rule: RuleRef,
    /// Severity.
    pub level: Severity,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Exact number of records.
    pub count: u64,
    /// The first of them in order of [`Record`].
    pub records: Vec<Record>,
    /// Last moment, over all records.
    pub last: Option<Time>,
    /// What matched in the first, made inert by the caller.
    pub matched: Vec<model::case::MatchedField>,
}

/// Something that records state of the host, over time.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `build`, `setup` ...
    pub kind: String,
    /// The value.
    pub value: String,
    /// Log source.
    pub logsource: String,
    /// First record that says so.
    pub first: Record,
    /// Last record that says so.
    pub last: Record,
    /// How many do.
    pub count: u64,
}

/// An offset found in a source.
#[derive(Clone, Debug)]
pub struct ClockFinding {
    /// The source.
    pub logsource: String,
    /// Seconds to add; `None` where only neighbours are known to be off.
    pub offset_s: Option<i64>,
    /// First stated time.
    pub from: Option<Time>,
    /// Last stated time.
    pub to: Option<Time>,
    /// Records that show it.
    pub basis: Vec<Record>,
}

/// What is the same for every host of a run.
#[derive(Clone, Debug)]
pub struct Context {
    /// The content.
    pub content: ContentVersion,
    /// `--as-of`.
    pub as_of: Option<Time>,
    /// What became of the rules.
    pub method: Method,
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;
    use model::case::Engine;

    pub(crate) fn at(hour: i64) -> Time {
        Time::from_unix_seconds(1_614_556_800 + hour * 3_600).unwrap()
    }

    pub(crate) fn record(hour: i64, whole: bool) -> Record {
        Record {
            time: Some(at(hour)),
            logsource: "test/source".to_owned(),
            item: 0,
            locator: Locator::default(),
            raw_time: at(hour).to_string(),
            time_basis: TimeBasis::RecordUtc,
            precision_s: None,
            host: None,
            sha256: String::new(),
            summary: String::new(),
            fields: Vec::new(),
            addresses: Vec::new(),
            whole,
        }
    }

    pub(crate) fn hits(name: &str, records: Vec<Record>) -> RuleHits {
        RuleHits {
            name: name.to_owned(),
            rule: RuleRef {
                id: name.to_owned(),
                title: name.to_owned(),
                version: "1".to_owned(),
                engine: Engine::Sigma,
                author: Vec::new(),
                license: String::new(),
                source: String::new(),
            },
            level: Severity::High,
            attack: Vec::new(),
            count: records.len() as u64,
            last: records.iter().filter_map(|r| r.time).max(),
            records,
            matched: Vec::new(),
        }
    }

    /// A source with a record in each hour of `hours`.
    pub(crate) fn source(hours: impl IntoIterator<Item = i64>) -> Source {
        let mut source = Source::default();
        for hour in hours {
            let time = at(hour);
            source.hours.insert(time.unix_hours(), 1);
            source.first = Some(source.first.map_or(time, |t| t.min(time)));
            source.last = Some(source.last.map_or(time, |t| t.max(time)));
            source.records += 1;
        }
        source
    }
}
