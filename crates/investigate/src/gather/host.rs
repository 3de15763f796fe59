//! What one file gives of each host that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use assess::Record;
use detect::tuned::Hidden;
use detect::{Group, RuleIndex};
use model::{Event, Issue, Time};

use super::Corrected;
use super::bounded::Bounded;
use super::losses::Losses;
use super::parts::{
    HitGather, OffsetVotes, Pending, SourceGather, Starts, StatementGather, offset_minutes,
};

/// Hosts that one file may name, and sources and statements that it may hold of one host: names are the
/// attacker's to choose, and a collector's log of a large network must still fit.
const HOSTS: usize = 20_000;
const SOURCES: usize = 1_000;
const STATEMENTS: usize = 1_000;
const OFFSETS: usize = 200;
const ADDRESSES: usize = 64;

/// A host as records name it; `None` for records that name none.
pub(crate) type HostName = Option<Arc<str>>;

/// What one file gave.
#[derive(Default)]
pub(crate) struct ItemGather {
    pub(crate) hosts: Bounded<HostName, HostGather, HOSTS>,
    pub(crate) losses: Losses,
    /// Records later than `--as-of`, set aside.
    pub(crate) later: u64,
}

/// What one file gave of one host.
#[derive(Default)]
pub(crate) struct HostGather {
    pub(crate) sources: Bounded<SourceKey, SourceGather, SOURCES>,
    pub(crate) hits: BTreeMap<RuleIndex, HitGather>,
    /// Hits that tuning hides, counted.
    pub(crate) hidden: BTreeMap<Hidden, u64>,
    pub(crate) statements: Bounded<StatementKey, StatementGather, STATEMENTS>,
    pub(crate) starts: Bounded<Arc<str>, Starts, SOURCES>,
    /// By source and minutes.
    pub(crate) offsets: Bounded<(Arc<str>, i64), OffsetVotes, OFFSETS>,
    pub(crate) own_addresses: Bounded<Arc<str>, (), ADDRESSES>,
    pub(crate) groups: Bounded<(Arc<str>, Group), (), SOURCES>,
}

/// A source, and the primary source that its records are of: a facet has several.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceKey {
    pub(crate) id: Arc<str>,
    pub(crate) primary: Arc<str>,
}

/// What is stated, and by which source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StatementKey {
    pub(crate) kind: Arc<str>,
    pub(crate) value: Arc<str>,
    pub(crate) logsource: Arc<str>,
}

impl ItemGather {
    pub(crate) fn hits(&self) -> impl Iterator<Item = (&HostName, RuleIndex, &HitGather)> {
        self.hosts
            .iter()
            .flat_map(|(name, host)| host.hits.iter().map(move |(rule, hit)| (name, *rule, hit)))
    }

    pub(crate) fn kept(&self) -> usize {
        self.hits().map(|(_, _, hit)| hit.records.len()).sum()
    }

    /// Finishes what was left open while events came in.
    pub(crate) fn settle(&mut self) {
        for (_, host) in self.hosts.iter_mut() {
            for (_, source) in host.sources.iter_mut() {
                source.flush();
            }
            for (_, statement) in host.statements.iter_mut() {
                statement.first.hash();
                statement.last.hash();
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self, limit: &dyn Fn(RuleIndex) -> usize) {
        self.losses.merge(other.losses);
        self.later += other.later;
        self.hosts.merge(other.hosts, |mine, theirs| mine.merge(theirs, limit));
    }

    /// What was set aside, as issues of the file.
    pub(crate) fn issues(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.hosts.overflowed() || self.hosts.iter().any(|(_, host)| host.sources.overflowed()) {
            issues.push(Issue {
                code: "limit_names".to_owned(),
                count: 1,
                effect: format!(
                    "the file names more than {HOSTS} hosts, or more than {SOURCES} log sources of one; \
                     some were left out and have no case. Split the evidence by host"
                ),
            });
        }
        if self.later > 0 {
            issues.push(Issue {
                code: "after_as_of".to_owned(),
                count: self.later,
                effect: "records later than --as-of were set aside".to_owned(),
            });
        }
        issues
    }
}

impl HostGather {
    pub(crate) fn count(&mut self, source: &Arc<str>, primary: &Arc<str>, time: Option<Time>) {
        let key = SourceKey { id: source.clone(), primary: primary.clone() };
        if let Some(source) = self.sources.entry(&key, SourceGather::default) {
            source.count(time);
        }
    }

    pub(crate) fn vote(
        &mut self,
        source: &Arc<str>,
        stated: Time,
        own: Option<Time>,
        example: impl Fn() -> Record,
    ) {
        let Some(own) = own else { return };
        let seconds = own.unix_seconds() - stated.unix_seconds();
        let minutes = offset_minutes(seconds);
        if minutes == 0 {
            return;
        }
        let new =
            || OffsetVotes { count: 0, from: stated, to: stated, seconds, example: example() };
        let Some(votes) = self.offsets.entry(&(source.clone(), minutes), new) else { return };
        votes.count += 1;
        if stated < votes.from {
            (votes.from, votes.seconds, votes.example) = (stated, seconds, example());
        }
        votes.to = votes.to.max(stated);
    }

    pub(crate) fn state(
        &mut self,
        observation: &detect::Observation,
        event: &Event<'_>,
        clock: &Corrected,
        primary: &Arc<str>,
    ) {
        let key = StatementKey {
            kind: observation.kind.clone(),
            value: observation.value.clone(),
            logsource: primary.clone(),
        };
        let new = || {
            let pending = Pending::of(event, clock);
            StatementGather { count: 0, first: pending.clone(), last: pending }
        };
        if let Some(statement) = self.statements.entry(&key, new) {
            statement.add(event, clock);
        }
    }

    pub(crate) fn start(
        &mut self,
        source: &Arc<str>,
        key: &Arc<str>,
        time: Time,
        record: impl FnOnce() -> Record,
    ) {
        if let Some(starts) = self.starts.entry(source, Starts::default) {
            starts.add(key, time, record);
        }
    }

    fn merge(&mut self, other: Self, limit: &dyn Fn(RuleIndex) -> usize) {
        self.sources.merge(other.sources, SourceGather::merge);
        for (rule, hit) in other.hits {
            self.hits.entry(rule).or_default().merge(hit, limit(rule));
        }
        for (hidden, count) in other.hidden {
            *self.hidden.entry(hidden).or_default() += count;
        }
        self.statements.merge(other.statements, StatementGather::merge);
        self.starts.merge(other.starts, Starts::merge);
        self.offsets.merge(other.offsets, OffsetVotes::merge);
        self.own_addresses.merge(other.own_addresses, |(), ()| {});
        self.groups.merge(other.groups, |(), ()| {});
    }
}
