//! Gathers, while the evidence is read once, what judging needs of each host: hits with their first records,
//! statements, the hours that each source covers, and samples that show wrong clocks.
//!
//! Batches come from several threads in any order, so everything here merges the same way in every order:
//! counts add up, first and last are minima and maxima, and what is bounded keeps the smallest by content.

mod bounded;
mod host;
mod losses;
mod parts;
mod spool;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use assess::Record;
use detect::{Detector, Hit, Outcome, RuleIndex, Scratch};
use evidence::{ItemHead, Sink};
use model::case::MatchedField;
use model::{Event, Integrity, ItemId, Loss, Time, TimeBasis, Value};
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

pub(crate) use self::host::{HostGather, HostName, ItemGather, SourceKey, StatementKey};
pub(crate) use self::losses::{Losses, Span};
pub(crate) use self::parts::{
    HitGather, OffsetVotes, Pending, SourceGather, Starts, StatementGather,
};
pub(crate) use self::spool::{Kept, Match, Spool};
use crate::content::hex;

/// Records kept of one rule on one host.
const KEPT_OWN: usize = 1_000;
/// The same for a rule of a user: a full Sigma set over noisy logs would otherwise fill the memory.
const KEPT_USER: usize = 200;
/// Records kept in all before those that no case will hold are dropped.
const PRUNE_AT: usize = 20_000;
/// Longest text kept of one field.
const FIELD_CHARS: usize = 400;
/// A second time that differs by less is delay, not a wrong clock, in seconds.
const CLOCK_TOLERANCE_S: i64 = 60;

/// The sink of a run.
pub(crate) struct Gather<'d> {
    detector: &'d Detector,
    kept_fields: &'d [String],
    as_of: Option<Time>,
    items: Mutex<Items>,
    spare: Mutex<Vec<(Scratch, Outcome)>>,
    spool: Spool,
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
type HostRule = (HostName, RuleIndex);

/// One block's share.
pub(crate) struct Batch {
    scratch: Scratch,
    outcome: Outcome,
    item: ItemGather,
    /// Matches that correlations ask for.
    pending: spool::Pending,
    /// The last event's host, so that a run of events of one host makes its name once.
    host: HostName,
}

impl<'d> Gather<'d> {
    pub(crate) fn new(
        detector: &'d Detector,
        kept_fields: &'d [String],
        as_of: Option<Time>,
        spool: Spool,
    ) -> Self {
        let (items, spare) = (Mutex::default(), Mutex::default());
        Self { detector, kept_fields, as_of, items, spare, spool }
    }

    /// What each file gave, and the matches that correlations ask for.
    pub(crate) fn finish(self) -> std::io::Result<(FxHashMap<ItemId, ItemGather>, Kept)> {
        let items = self.items.into_inner().unwrap_or_else(PoisonError::into_inner).by_id;
        Ok((items, self.spool.finish()?))
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
        let (item, pending) = (ItemGather::default(), spool::Pending::default());
        Batch { scratch, outcome, item, pending, host: None }
    }

    fn event(&self, batch: &mut Batch, event: &Event<'_>) {
        let clock = Corrected::of(event);
        if let (Some(limit), Some(time)) = (self.as_of, clock.time)
            && time > limit
        {
            batch.item.later += 1;
            return;
        }
        let Batch { scratch, outcome, item, pending, host } = batch;
        self.detector.examine(event, scratch, outcome);
        let Some(primary) = outcome.logsources.first().cloned() else { return };
        if host.as_deref() != event.host.as_deref() {
            *host = event.host.as_deref().map(Arc::from);
        }
        let Some(host) = item.hosts.entry(host, HostGather::default) else { return };
        // What was carved or stands in a damaged chunk fills no hole in the course of a source.
        let counted = clock.time.filter(|_| event.integrity == Integrity::Whole);
        for source in &outcome.logsources {
            host.count(source, &primary, counted);
        }
        let _ = host.groups.entry(&(primary.clone(), outcome.group), || ());
        if let Some(stated) = clock.stated {
            host.vote(&primary, stated, clock.time, || {
                self.record(event, &clock, &primary, outcome)
            });
        }
        for hit in &outcome.hits {
            if self.detector.is_correlated(hit.rule) {
                let record = self.record_of_hit(event, &clock, &primary, outcome, &hit.matched);
                self.spool.add(pending, &a_match(event, &clock, hit, &primary), &record);
            }
            if self.detector.is_silent(hit.rule) {
                continue;
            }
            let limit = self.keep_limit(hit.rule);
            let found = host.hits.entry(hit.rule).or_default();
            found.add(clock.time, limit, &hit.matched, || {
                self.record_of_hit(event, &clock, &primary, outcome, &hit.matched)
            });
        }
        for hidden in &outcome.hidden {
            *host.hidden.entry(*hidden).or_default() += 1;
        }
        self.observe(host, event, &clock, &primary, outcome);
    }

    fn lost(&self, batch: &mut Batch, loss: &Loss) {
        batch.item.losses.add(loss);
    }

    fn end(&self, item: &ItemHead, batch: Batch) {
        let Batch { scratch, outcome, item: mut gathered, mut pending, .. } = batch;
        self.spool.flush(&mut pending);
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
            for (host, gathered) in item.hosts.iter_mut() {
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
                    let _ = host.own_addresses.entry(&observation.value, || ());
                }
                "process_start" => {
                    let Some(time) = clock.time else { continue };
                    host.start(primary, &observation.value, time, || {
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

fn a_match(event: &Event<'_>, clock: &Corrected, hit: &Hit, primary: &Arc<str>) -> Match {
    Match {
        rule: hit.rule.0,
        item: event.item.0,
        root: event.root.0,
        offset: event.locator.offset.unwrap_or_default(),
        time: clock.time,
        host: event.host.as_deref().map(str::to_owned),
        logsource: primary.to_string(),
        values: hit.values.clone(),
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
pub(crate) struct Corrected {
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
