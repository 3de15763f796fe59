//! Which rules evidence can serve: those of whose log source it holds records, and what the others lack.

use std::collections::{BTreeMap, BTreeSet};

use model::Event;
use model::case::Engine;

use super::dispatch::{Head, matches};
use super::mapping::{Mapping, Source};
use super::rule::LogSource;
use crate::{ContentError, IdleRule, RuleIndex, RuleMeta, SourceFile};

/// Kinds of records that are told apart: channels and providers are the attacker's to choose.
const MAX_KINDS: usize = 20_000;

/// The kinds of records that evidence holds, counted.
#[derive(Clone, Debug, Default)]
pub struct Kinds(BTreeMap<Kind, u64>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    family: &'static str,
    channel: String,
    provider: String,
    event_id: Option<u32>,
}

impl Kind {
    fn head(&self) -> Head<'_> {
        Head {
            family: self.family,
            channel: &self.channel,
            provider: &self.provider,
            event_id: self.event_id,
        }
    }
}

impl Kinds {
    /// Counts a record.
    pub fn add(&mut self, event: &Event<'_>) {
        let kind = Kind {
            family: event.family,
            channel: event.channel.to_lowercase(),
            provider: event.provider.to_lowercase(),
            event_id: event.event_id,
        };
        self.count(kind, 1);
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.0 {
            self.count(kind, count);
        }
    }

    /// Of too many kinds the smallest are kept, whatever the order in which they come.
    fn count(&mut self, kind: Kind, count: u64) {
        *self.0.entry(kind).or_default() += count;
        if self.0.len() > MAX_KINDS {
            self.0.pop_last();
        }
    }

    /// Records in all.
    pub fn records(&self) -> u64 {
        self.0.values().sum()
    }

    fn has(&self, source: &Source, ids: &[u32]) -> bool {
        self.0.keys().any(|kind| matches(source, ids, kind.head()))
    }
}

/// A log that rules are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Where it lies on a host, if content knows.
    pub path: Option<String>,
    /// The log is there, but no record with one of these event ids.
    pub lacks_events: Vec<u32>,
}

/// Rules that would be served by a log that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The log.
    pub place: Place,
    /// The rules, in order.
    pub rules: Vec<RuleIndex>,
}

/// What evidence can and cannot serve.
#[derive(Clone, Debug, Default)]
pub struct RuleCoverage {
    /// Rules whose log source occurs.
    pub served: Vec<RuleIndex>,
    /// Rules whose log source does not occur.
    pub unserved: Vec<RuleIndex>,
    /// The missing logs, the one that would serve most first. A rule may be served by any of several.
    pub missing: Vec<Missing>,
    /// Rules that no evidence can ever serve here, by reason.
    pub never: BTreeMap<String, Vec<RuleIndex>>,
}

/// Compares rules with the kinds of records that evidence holds; `idle` are those that can never fire.
pub fn coverage(
    content: &[SourceFile],
    rules: &[RuleMeta],
    idle: &[IdleRule],
    kinds: &Kinds,
) -> Result<RuleCoverage, ContentError> {
    let mapping = Mapping::parse(content)?;
    let idle: BTreeMap<&str, &str> =
        idle.iter().map(|rule| (rule.id.as_str(), rule.reason.as_str())).collect();
    let mut found = RuleCoverage::default();
    let mut missing: BTreeMap<Place, BTreeSet<RuleIndex>> = BTreeMap::new();
    let mut known: BTreeMap<LogSource, Option<Vec<Place>>> = BTreeMap::new();
    for (meta, rule) in rules.iter().zip((0..).map(RuleIndex)) {
        if meta.rule.engine != Engine::Sigma {
            continue;
        }
        if let Some(reason) = idle.get(meta.rule.id.as_str()) {
            found.never.entry((*reason).to_owned()).or_default().push(rule);
            continue;
        }
        let lacking = known
            .entry(meta.about.logsource.clone())
            .or_insert_with(|| lacking(&mapping, &meta.about.logsource, kinds));
        match lacking {
            None => found.served.push(rule),
            Some(places) => {
                found.unserved.push(rule);
                for place in places {
                    missing.entry(place.clone()).or_default().insert(rule);
                }
            }
        }
    }
    found.missing = missing
        .into_iter()
        .map(|(place, rules)| Missing { place, rules: rules.into_iter().collect() })
        .collect();
    found.missing.sort_by_key(|missing| std::cmp::Reverse(missing.rules.len()));
    Ok(found)
}

/// The logs that hold the records of a log source, and what of them the evidence lacks.
pub fn places(
    content: &[SourceFile],
    logsource: &LogSource,
    kinds: &Kinds,
) -> Result<Vec<Place>, ContentError> {
    let mapping = Mapping::parse(content)?;
    Ok(lacking(&mapping, logsource, kinds).unwrap_or_default())
}

/// What is missing for a log source; `None` if evidence holds records of it.
fn lacking(mapping: &Mapping, logsource: &LogSource, kinds: &Kinds) -> Option<Vec<Place>> {
    let ids = mapping.lookup(logsource);
    let sources: Vec<&Source> = ids.iter().filter_map(|id| mapping.source(*id)).collect();
    if sources.iter().any(|source| kinds.has(source, &source.event_id)) {
        return None;
    }
    let mut places: Vec<Place> = sources
        .into_iter()
        .map(|source| {
            let (name, path) = mapping.place(source);
            let there = !source.event_id.is_empty() && kinds.has(source, &[]);
            let lacks_events = if there { source.event_id.clone() } else { Vec::new() };
            Place { name, path, lacks_events }
        })
        .collect();
    places.sort();
    places.dedup();
    Some(places)
}
