//! Gathers, while the evidence is read once, what judging needs of each host: hits with their first records,
//! statements, the hours that each source covers, and samples that show wrong clocks.
//!
//! Batches come from several threads in any order, so everything here merges the same way in every order:
//! counts add up, first and last are minima and maxima, and what is bounded keeps the smallest by content.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use assess::Record;
use detect::{Detector, Group, Outcome, RuleIndex, Scratch};
use evidence::{ItemHead, Sink};
use model::case::MatchedField;
use model::{Event, Integrity, ItemId, Locator, Loss, Time, TimeBasis, Value};
use rustc_hash::{FxHashMap, FxHasher};
use sha2::{Digest as _, Sha256};

use crate::content::hex;

/// Records kept of one rule on one host.
const KEPT_OWN: usize = 1_000;
/// The same for a rule of a user: a full Sigma set over noisy logs would otherwise fill the memory.
const KEPT_USER: usize = 200;
/// Records kept in all before those that no case will hold are dropped.
const PRUNE_AT: usize = 20_000;
/// Process starts sampled of one source: enough to find an offset, few enough to hold.
const START_SAMPLE: usize = 2_048;
/// Starts remembered for one process id and name.
const STARTS_PER_KEY: usize = 8;
/// Distinct values kept of one statement kind of one host and file.
const STATEMENT_VALUES: usize = 1_000;
const OWN_ADDRESSES: usize = 64;
/// Longest text kept of one field.
const FIELD_CHARS: usize = 400;
/// A second time that differs by less is delay, not a wrong clock, in seconds.
const CLOCK_TOLERANCE_S: i64 = 60;
/// Hours from 1980 to 2200 are plausible; others belong to no source's course.
const PLAUSIBLE_HOURS: std::ops::Range<i64> = 87_600..2_016_000;

/// The sink of a run.
pub(crate) struct Gather<'d> {
    detector: &'d Detector,
    kept_fields: &'d [String],
    as_of: Option<Time>,
    items: Mutex<Items>,
    spare: Mutex<Vec<(Scratch, Outcome)>>,
}

/// All files so far, with a bound on the records that they keep together.
struct Items {
    by_id: FxHashMap<ItemId, ItemGather>,
    kept: usize,
    prune_at: usize,
}

impl Default for Items {
    fn default() -> Self {
        Self { by_id: FxHashMap::default(), kept: 0, prune_at: PRUNE_AT }
    }
}

/// A host as records name it, and a rule.
type HostRule = (Option<Arc<str>>, RuleIndex);

/// One block's share.
pub(crate) struct Batch {
    scratch: Scratch,
    outcome: Outcome,
    item: ItemGather,
    /// Place of the last event's host in `item.hosts`.
    host_at: usize,
}

/// What one file gave.
#[derive(Default)]
pub(crate) struct ItemGather {
    /// By the host that records name; `None` for records that name none.
    pub(crate) hosts: Vec<(Option<Arc<str>>, HostGather)>,
    pub(crate) losses: Vec<Loss>,
    /// Records later than `--as-of`, set aside.
    pub(crate) later: u64,
}

/// What one file gave of one host.
#[derive(Default)]
pub(crate) struct HostGather {
    pub(crate) sources: Vec<(SourceKey, SourceGather)>,
    pub(crate) hits: BTreeMap<RuleIndex, HitGather>,
    pub(crate) statements: FxHashMap<StatementKey, StatementGather>,
    pub(crate) starts: BTreeMap<Arc<str>, Starts>,
    pub(crate) offsets: BTreeMap<(Arc<str>, i64), OffsetVotes>,
    pub(crate) own_addresses: BTreeSet<Arc<str>>,
    pub(crate) groups: BTreeSet<(Arc<str>, Group)>,
}

/// The course of one source.
#[derive(Clone, Default)]
pub(crate) struct SourceGather {
    pub(crate) hours: BTreeMap<i64, u64>,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    pub(crate) records: u64,
    /// The hour being counted, not yet in `hours`.
    current: Option<(i64, u64)>,
}

/// What one rule found.
#[derive(Default)]
pub(crate) struct HitGather {
    pub(crate) count: u64,
    pub(crate) records: BTreeSet<Record>,
    pub(crate) first_matched: Option<(Record, Vec<MatchedField>)>,
    pub(crate) last: Option<Time>,
}

/// What records state, with the first and the last of them.
pub(crate) struct StatementGather {
    pub(crate) count: u64,
    pub(crate) first: Pending,
    pub(crate) last: Pending,
}

/// A record whose bytes are hashed when its block is done: a statement's last record changes with each row.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    time: Option<Time>,
    raw_time: String,
    time_basis: Option<TimeBasis>,
    locator: Locator,
    item: usize,
    host: String,
    whole: bool,
    raw: Vec<u8>,
    sha256: String,
}

/// A source, and the primary source that its records are of: a facet has several.
#[derive(Clone, PartialEq, Eq)]
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

/// Times at which one process id and name started, with the records.
pub(crate) type StartTimes = BTreeSet<(Time, Record)>;

/// Starts of processes, a sample by the hash of process id and name: every source keeps the same ones.
#[derive(Default)]
pub(crate) struct Starts {
    pub(crate) by_key: BTreeMap<(u64, Arc<str>), StartTimes>,
}

/// How often a source's stated time was off by the same number of minutes.
pub(crate) struct OffsetVotes {
    pub(crate) count: u64,
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) seconds: i64,
    pub(crate) example: Record,
}

impl<'d> Gather<'d> {
    pub(crate) fn new(
        detector: &'d Detector,
        kept_fields: &'d [String],
        as_of: Option<Time>,
    ) -> Self {
        Self { detector, kept_fields, as_of, items: Mutex::default(), spare: Mutex::default() }
    }

    pub(crate) fn into_items(self) -> FxHashMap<ItemId, ItemGather> {
        self.items.into_inner().unwrap_or_else(PoisonError::into_inner).by_id
    }

    fn keep_limit(&self, rule: RuleIndex) -> usize {
        keep_limit(self.detector)(rule)
    }
}

/// How many records are kept of a rule.
pub(crate) fn keep_limit(detector: &Detector) -> impl Fn(RuleIndex) -> usize {
    |rule| {
        let own = detector.rules().get(rule.0 as usize).is_none_or(|meta| meta.own);
        if own { KEPT_OWN } else { KEPT_USER }
    }
}

impl Sink for Gather<'_> {
    type Batch = Batch;

    fn start(&self, _item: &ItemHead) -> Batch {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (scratch, outcome) = spare.unwrap_or_default();
        Batch { scratch, outcome, item: ItemGather::default(), host_at: 0 }
    }

    fn event(&self, batch: &mut Batch, event: &Event<'_>) {
        let clock = Corrected::of(event);
        if let (Some(limit), Some(time)) = (self.as_of, clock.time)
            && time > limit
        {
            batch.item.later += 1;
            return;
        }
        let Batch { scratch, outcome, item, host_at } = batch;
        self.detector.examine(event, scratch, outcome);
        let Some(primary) = outcome.logsources.first().cloned() else { return };
        let host = item.host(event.host.as_deref(), host_at);
        // What was carved or stands in a damaged chunk fills no hole in the course of a source.
        let counted = clock.time.filter(|_| event.integrity == Integrity::Whole);
        for source in &outcome.logsources {
            host.source(source, &primary).count(counted);
        }
        if !host.groups.contains(&(primary.clone(), outcome.group)) {
            host.groups.insert((primary.clone(), outcome.group));
        }
        if let Some(stated) = clock.stated {
            host.vote(&primary, stated, clock.time, || {
                self.record(event, &clock, &primary, outcome)
            });
        }
        for hit in &outcome.hits {
            let limit = self.keep_limit(hit.rule);
            let found = host.hits.entry(hit.rule).or_default();
            found.add(clock.time, limit, &hit.matched, || {
                self.record_of_hit(event, &clock, &primary, outcome, &hit.matched)
            });
        }
        self.observe(host, event, &clock, &primary, outcome);
    }

    fn lost(&self, batch: &mut Batch, loss: &Loss) {
        batch.item.losses.push(loss.clone());
    }

    fn end(&self, item: &ItemHead, batch: Batch) {
        let Batch { scratch, outcome, item: mut gathered, .. } = batch;
        gathered.settle();
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push((scratch, outcome));
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = |rule| self.keep_limit(rule);
        items.kept += gathered.kept();
        items.by_id.entry(item.id).or_default().merge(gathered, &limit);
        if items.kept > items.prune_at {
            items.prune(&limit);
        }
    }
}

impl Items {
    /// Drops records that have as many earlier ones of the same rule and host, over all files, as are kept in
    /// the end. What is dropped could not come back, so the order of files does not show.
    fn prune(&mut self, limit: &dyn Fn(RuleIndex) -> usize) {
        let mut times: BTreeMap<HostRule, Vec<Option<Time>>> = BTreeMap::new();
        #[expect(clippy::iter_over_hash_type, reason = "the times are sorted before use")]
        for item in self.by_id.values() {
            for (host, rule, hit) in item.hits() {
                let all = times.entry((host.clone(), rule)).or_default();
                all.extend(hit.records.iter().map(|r| r.time));
            }
        }
        for (key, all) in &mut times {
            all.sort_unstable();
            all.truncate(limit(key.1));
        }
        let full = |key: &HostRule| {
            times
                .get(key)
                .filter(|all| all.len() >= limit(key.1))
                .and_then(|all| all.last().copied())
        };
        self.kept = 0;
        #[expect(clippy::iter_over_hash_type, reason = "each file is cut by itself")]
        for item in self.by_id.values_mut() {
            for (host, gathered) in &mut item.hosts {
                for (rule, hit) in &mut gathered.hits {
                    if let Some(last) = full(&(host.clone(), *rule)) {
                        hit.records.retain(|r| r.time <= last);
                    }
                    self.kept += hit.records.len();
                }
            }
        }
        self.prune_at = (self.kept * 2).max(PRUNE_AT);
    }
}

impl Gather<'_> {
    fn observe(
        &self,
        host: &mut HostGather,
        event: &Event<'_>,
        clock: &Corrected,
        primary: &Arc<str>,
        outcome: &Outcome,
    ) {
        for observation in &outcome.observations {
            match &*observation.kind {
                "source_address" => {}
                "own_address" => {
                    if !host.own_addresses.contains(&observation.value) {
                        host.own_addresses.insert(observation.value.clone());
                        while host.own_addresses.len() > OWN_ADDRESSES {
                            host.own_addresses.pop_last();
                        }
                    }
                }
                "process_start" => {
                    let Some(time) = clock.time else { continue };
                    let starts = host.starts.entry(primary.clone()).or_default();
                    starts.add(&observation.value, time, || {
                        self.record(event, clock, primary, outcome)
                    });
                }
                _ => host.state(observation, event, clock, primary),
            }
        }
    }

    fn record_of_hit(
        &self,
        event: &Event<'_>,
        clock: &Corrected,
        primary: &Arc<str>,
        outcome: &Outcome,
        matched: &[MatchedField],
    ) -> Record {
        let mut record = self.record(event, clock, primary, outcome);
        for field in matched {
            if !record.fields.iter().any(|(name, _)| *name == field.field) {
                let value = field.value.clone().unwrap_or_default();
                record.fields.push((field.field.clone(), cut(&value)));
            }
        }
        record.summary = summary(&record.fields);
        record
    }

    /// The record that stands for an event in the case.
    fn record(
        &self,
        event: &Event<'_>,
        clock: &Corrected,
        primary: &Arc<str>,
        outcome: &Outcome,
    ) -> Record {
        let kept = |name: &String| {
            let value = event.fields.get(name).filter(|v| **v != Value::Null)?;
            Some((name.clone(), cut(&value.text())))
        };
        let fields: Vec<_> = self.kept_fields.iter().filter_map(kept).collect();
        let addresses = outcome
            .observations
            .iter()
            .filter(|o| &*o.kind == "source_address")
            .map(|o| o.value.to_string())
            .collect();
        Record {
            time: clock.time,
            logsource: primary.to_string(),
            item: event.item.0 as usize,
            locator: event.locator,
            raw_time: cut(&event.raw_time),
            time_basis: clock.basis,
            precision_s: None,
            host: event.host.as_deref().map(cut),
            sha256: hex(&Sha256::digest(event.raw)),
            summary: summary(&fields),
            fields,
            addresses,
            whole: event.integrity == Integrity::Whole,
        }
    }
}

/// One line of what a record says.
fn summary(fields: &[(String, String)]) -> String {
    let parts: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    cut(&parts.join(" "))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(FIELD_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The time of an event after its own second time was heard.
struct Corrected {
    time: Option<Time>,
    basis: TimeBasis,
    /// The stated time, where it was wrong.
    stated: Option<Time>,
}

impl Corrected {
    fn of(event: &Event<'_>) -> Self {
        if let (Some(stated), Some(own)) = (event.time, event.second_time)
            && (own.unix_seconds() - stated.unix_seconds()).abs() >= CLOCK_TOLERANCE_S
        {
            return Self { time: Some(own), basis: TimeBasis::Corrected, stated: Some(stated) };
        }
        Self { time: event.time, basis: event.time_basis, stated: None }
    }
}

impl ItemGather {
    fn host(&mut self, name: Option<&str>, at: &mut usize) -> &mut HostGather {
        let same = |host: &Option<Arc<str>>| host.as_deref() == name;
        if !self.hosts.get(*at).is_some_and(|(host, _)| same(host)) {
            *at = self.hosts.iter().position(|(host, _)| same(host)).unwrap_or_else(|| {
                self.hosts.push((name.map(Arc::from), HostGather::default()));
                self.hosts.len() - 1
            });
        }
        &mut self.hosts[*at].1
    }

    fn hits(&self) -> impl Iterator<Item = (&Option<Arc<str>>, RuleIndex, &HitGather)> {
        self.hosts
            .iter()
            .flat_map(|(name, host)| host.hits.iter().map(move |(rule, hit)| (name, *rule, hit)))
    }

    fn kept(&self) -> usize {
        self.hits().map(|(_, _, hit)| hit.records.len()).sum()
    }

    /// Finishes what was left open while events came in.
    fn settle(&mut self) {
        for (_, host) in &mut self.hosts {
            for (_, source) in &mut host.sources {
                source.flush();
            }
            #[expect(clippy::iter_over_hash_type, reason = "each is finished by itself")]
            for statement in host.statements.values_mut() {
                statement.first.hash();
                statement.last.hash();
            }
        }
    }

    fn merge(&mut self, other: Self, limit: &dyn Fn(RuleIndex) -> usize) {
        self.losses.extend(other.losses);
        self.later += other.later;
        let mut at = 0;
        for (name, host) in other.hosts {
            self.host(name.as_deref(), &mut at).merge(host, limit);
        }
    }
}

impl HostGather {
    fn source(&mut self, id: &Arc<str>, primary: &Arc<str>) -> &mut SourceGather {
        let same = |key: &SourceKey| key.id == *id && key.primary == *primary;
        let at = self.sources.iter().position(|(key, _)| same(key)).unwrap_or_else(|| {
            let key = SourceKey { id: id.clone(), primary: primary.clone() };
            self.sources.push((key, SourceGather::default()));
            self.sources.len() - 1
        });
        &mut self.sources[at].1
    }

    fn vote(
        &mut self,
        source: &Arc<str>,
        stated: Time,
        own: Option<Time>,
        example: impl FnOnce() -> Record,
    ) {
        let Some(own) = own else { return };
        let seconds = own.unix_seconds() - stated.unix_seconds();
        let minutes = offset_minutes(seconds);
        if minutes == 0 {
            return;
        }
        let key = (source.clone(), minutes);
        match self.offsets.get_mut(&key) {
            Some(votes) => {
                votes.count += 1;
                if stated < votes.from {
                    (votes.from, votes.seconds, votes.example) = (stated, seconds, example());
                }
                votes.to = votes.to.max(stated);
            }
            None => {
                let example = example();
                let votes = OffsetVotes { count: 1, from: stated, to: stated, seconds, example };
                self.offsets.insert(key, votes);
            }
        }
    }

    fn state(
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
        if let Some(statement) = self.statements.get_mut(&key) {
            statement.count += 1;
            if clock.time < statement.first.time {
                statement.first.set(event, clock);
            }
            if clock.time >= statement.last.time {
                statement.last.set(event, clock);
            }
            return;
        }
        if self.statements.len() >= STATEMENT_VALUES {
            return;
        }
        let mut pending = Pending::default();
        pending.set(event, clock);
        let statement = StatementGather { count: 1, first: pending.clone(), last: pending };
        self.statements.insert(key, statement);
    }

    fn merge(&mut self, other: Self, limit: &dyn Fn(RuleIndex) -> usize) {
        for (SourceKey { id, primary }, source) in other.sources {
            self.source(&id, &primary).merge(source);
        }
        for (rule, hit) in other.hits {
            self.hits.entry(rule).or_default().merge(hit, limit(rule));
        }
        #[expect(
            clippy::iter_over_hash_type,
            reason = "each entry merges by itself: no order shows"
        )]
        for (key, statement) in other.statements {
            match self.statements.get_mut(&key) {
                Some(mine) => mine.merge(statement),
                None => {
                    self.statements.insert(key, statement);
                }
            }
        }
        for (source, starts) in other.starts {
            self.starts.entry(source).or_default().merge(starts);
        }
        for (key, votes) in other.offsets {
            match self.offsets.get_mut(&key) {
                Some(mine) => mine.merge(votes),
                None => {
                    self.offsets.insert(key, votes);
                }
            }
        }
        self.own_addresses.extend(other.own_addresses);
        while self.own_addresses.len() > OWN_ADDRESSES {
            self.own_addresses.pop_last();
        }
        self.groups.extend(other.groups);
    }
}

/// The offset behind a difference of two times of one record, in minutes. Records arrive a little late, and
/// wrong zones are off by quarters of an hour, so what is close to one is taken for one.
fn offset_minutes(seconds: i64) -> i64 {
    const QUARTER: i64 = 15;
    const LATE: i64 = 2;
    let minutes = (seconds + 30).div_euclid(60);
    let quarters = (minutes + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    if (minutes - quarters).abs() <= LATE { quarters } else { minutes }
}

impl SourceGather {
    fn count(&mut self, time: Option<Time>) {
        self.records += 1;
        let Some(time) = time else { return };
        let hour = time.unix_hours();
        if !PLAUSIBLE_HOURS.contains(&hour) {
            return;
        }
        if self.first.is_none_or(|t| time < t) {
            self.first = Some(time);
        }
        if self.last.is_none_or(|t| time > t) {
            self.last = Some(time);
        }
        match &mut self.current {
            Some((current, count)) if *current == hour => *count += 1,
            _ => {
                self.flush();
                self.current = Some((hour, 1));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((hour, count)) = self.current.take() {
            *self.hours.entry(hour).or_default() += count;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (hour, count) in other.hours {
            *self.hours.entry(hour).or_default() += count;
        }
        self.records += other.records;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }

    /// The same course moved by whole seconds.
    pub(crate) fn moved(&self, seconds: i64) -> Self {
        let shift = |t: Option<Time>| t.and_then(|t| t.plus_seconds(seconds));
        let hours = seconds.div_euclid(3_600);
        let mut moved = Self {
            first: shift(self.first),
            last: shift(self.last),
            records: self.records,
            ..Self::default()
        };
        // An offset that is no whole hour moves part of an hour's records into the next; which part is not
        // known, so only the hour that holds the most of them counts.
        let hours = hours + i64::from(seconds.rem_euclid(3_600) >= 1_800);
        moved.hours = self.hours.iter().map(|(h, n)| (h + hours, *n)).collect();
        for time in [moved.first, moved.last].into_iter().flatten() {
            moved.hours.entry(time.unix_hours()).or_insert(1);
        }
        moved
    }
}

impl HitGather {
    fn add(
        &mut self,
        time: Option<Time>,
        limit: usize,
        matched: &[MatchedField],
        record: impl FnOnce() -> Record,
    ) {
        self.count += 1;
        self.last = self.last.max(time);
        let full = self.records.len() >= limit;
        if full && self.records.last().is_some_and(|last| last.time < time) {
            return;
        }
        let record = record();
        if self.first_matched.as_ref().is_none_or(|(first, _)| record < *first) {
            self.first_matched = Some((record.clone(), matched.to_vec()));
        }
        self.records.insert(record);
        while self.records.len() > limit {
            self.records.pop_last();
        }
    }

    pub(crate) fn merge(&mut self, other: Self, limit: usize) {
        self.count += other.count;
        self.last = self.last.max(other.last);
        let earlier = |mine: &Option<(Record, _)>, theirs: &(Record, _)| {
            mine.as_ref().is_none_or(|(first, _)| theirs.0 < *first)
        };
        if let Some(theirs) = other.first_matched
            && earlier(&self.first_matched, &theirs)
        {
            self.first_matched = Some(theirs);
        }
        self.records.extend(other.records);
        while self.records.len() > limit {
            self.records.pop_last();
        }
    }
}

impl StatementGather {
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if other.first.order() < self.first.order() {
            self.first = other.first;
        }
        if other.last.order() > self.last.order() {
            self.last = other.last;
        }
    }
}

impl Pending {
    fn set(&mut self, event: &Event<'_>, clock: &Corrected) {
        self.time = clock.time;
        self.time_basis = Some(clock.basis);
        self.raw_time.clear();
        self.raw_time.push_str(&event.raw_time);
        self.locator = event.locator;
        self.item = event.item.0 as usize;
        self.host.clear();
        self.host.push_str(event.host.as_deref().unwrap_or_default());
        self.whole = event.integrity == Integrity::Whole;
        self.raw.clear();
        self.raw.extend_from_slice(event.raw);
    }

    fn hash(&mut self) {
        if self.sha256.is_empty() || !self.raw.is_empty() {
            self.sha256 = hex(&Sha256::digest(&self.raw));
            self.raw = Vec::new();
        }
    }

    fn order(&self) -> (Option<Time>, Locator) {
        (self.time, self.locator)
    }

    /// The record, with a line that says what it states.
    pub(crate) fn record(&self, logsource: &str, statement: String) -> Record {
        Record {
            time: self.time,
            logsource: logsource.to_owned(),
            item: self.item,
            locator: self.locator,
            raw_time: cut(&self.raw_time),
            time_basis: self.time_basis.unwrap_or(TimeBasis::Assumed),
            precision_s: None,
            host: (!self.host.is_empty()).then(|| cut(&self.host)),
            sha256: self.sha256.clone(),
            summary: statement,
            fields: Vec::new(),
            addresses: Vec::new(),
            whole: self.whole,
        }
    }
}

impl Starts {
    fn add(&mut self, key: &Arc<str>, time: Time, record: impl FnOnce() -> Record) {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let key = (hasher.finish(), key.clone());
        let full = self.by_key.len() >= START_SAMPLE;
        if full && self.by_key.last_key_value().is_some_and(|(last, _)| *last < key) {
            return;
        }
        let times = self.by_key.entry(key).or_default();
        times.insert((time, record()));
        while times.len() > STARTS_PER_KEY {
            times.pop_last();
        }
        while self.by_key.len() > START_SAMPLE {
            self.by_key.pop_last();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, times) in other.by_key {
            let mine = self.by_key.entry(key).or_default();
            mine.extend(times);
            while mine.len() > STARTS_PER_KEY {
                mine.pop_last();
            }
        }
        while self.by_key.len() > START_SAMPLE {
            self.by_key.pop_last();
        }
    }
}

impl OffsetVotes {
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if (other.from, &other.example) < (self.from, &self.example) {
            (self.from, self.seconds, self.example) = (other.from, other.seconds, other.example);
        }
        self.to = self.to.max(other.to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_records_do_not_make_offsets_of_their_own() {
        for (seconds, minutes) in
            [(18_000, 300), (17_995, 300), (18_075, 300), (-3_600, -60), (90, 0), (1_260, 21)]
        {
            assert_eq!(offset_minutes(seconds), minutes, "{seconds} s");
        }
    }

    #[test]
    fn a_course_moves_by_whole_hours_and_keeps_its_ends() {
        let mut source = SourceGather::default();
        for minute in [0, 59, 60, 200] {
            source.count(Time::from_unix_seconds(1_614_556_800 + minute * 60));
        }
        source.flush();
        let moved = source.moved(5 * 3_600);
        let hours: Vec<i64> = moved.hours.keys().map(|h| h - 448_504).collect();
        assert_eq!(moved.records, 4);
        assert_eq!(hours, source.hours.keys().map(|h| h + 5 - 448_504).collect::<Vec<_>>());
        assert_eq!(moved.first, source.first.unwrap().plus_seconds(18_000));
    }
}
