//! Correlations over the matches of all hosts: in event time, with clocks corrected, each file counted once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detect::{BaseMatch, Correlated, Correlator, Detector, GroupValue, RuleIndex};
use evidence::Inventory;
use model::case::MatchedField;
use model::{ItemId, RootId, Time};
use rustc_hash::FxHashMap;

use crate::clocks::Correction;
use crate::gather::{HitGather, Kept, Match};

/// What the correlations need to know of the run.
pub(crate) struct Ground<'a, Owner> {
    pub(crate) detector: &'a Detector,
    pub(crate) inventory: &'a Inventory,
    pub(crate) matches: &'a Kept,
    pub(crate) temp_dir: &'a Path,
    /// Set from outside to stop early.
    pub(crate) cancel: &'a AtomicBool,
    /// The hosts in order, each with the files that speak of it and the corrections of its clocks.
    pub(crate) hosts: &'a BTreeMap<Owner, Clocked>,
    /// How many records are kept of a rule.
    pub(crate) keep: &'a dyn Fn(RuleIndex) -> usize,
}

/// A host's files, and what is known of its clocks.
pub(crate) struct Clocked {
    pub(crate) items: BTreeSet<ItemId>,
    pub(crate) corrections: BTreeMap<Arc<str>, Correction>,
}

/// What correlations found on each host, in the order of the hosts.
pub(crate) type Found = Vec<BTreeMap<RuleIndex, HitGather>>;

/// Runs all correlations. The only errors are those of temporary files, and `Interrupted`.
pub(crate) fn correlate<Owner: Ord>(
    ground: &Ground<'_, Owner>,
    owner: impl Fn(RootId, Option<&str>) -> Option<Owner>,
) -> io::Result<Found> {
    let mut found: Found = ground.hosts.iter().map(|_| BTreeMap::new()).collect();
    let Some(mut correlator) = ground.detector.correlator(ground.temp_dir) else {
        return Ok(found);
    };
    let matches = ground.matches;
    if matches.is_empty() {
        return Ok(found);
    }
    ground.hand_over(&mut correlator, owner)?;
    let mut values = |payload| ground.go_on().and_then(|()| Ok(matches.at(payload)?.values));
    correlator.finish(&mut values, &mut |one| ground.keep_part(&one, &mut found))?;
    Ok(found)
}

impl<Owner: Ord> Ground<'_, Owner> {
    fn go_on(&self) -> io::Result<()> {
        let stopped = self.cancel.load(Ordering::Relaxed);
        if stopped { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    /// Gives each match to its host, at its corrected time; copies and what is no host's are left out.
    fn hand_over(
        &self,
        correlator: &mut Correlator<'_>,
        owner: impl Fn(RootId, Option<&str>) -> Option<Owner>,
    ) -> io::Result<()> {
        let hosts: Vec<(&Owner, &Clocked)> = self.hosts.iter().collect();
        let ranks: FxHashMap<ItemId, u32> =
            self.inventory.items.iter().map(|item| item.head.id).zip(0..).collect();
        self.matches.each(|payload, one| {
            self.go_on()?;
            let item = ItemId(one.item);
            let owner = owner(RootId(one.root), one.host.as_deref());
            let number =
                owner.and_then(|o| hosts.binary_search_by(|(host, _)| (*host).cmp(&o)).ok());
            let Some((number, (_, clocked))) = number.and_then(|n| Some((n, hosts.get(n)?))) else {
                return Ok(());
            };
            let time = corrected(&one, clocked);
            let (Some(time), Some(rank)) = (time, ranks.get(&item)) else { return Ok(()) };
            if !clocked.items.contains(&item) {
                return Ok(());
            }
            correlator.add(&BaseMatch {
                rule: RuleIndex(one.rule),
                time,
                event: (*rank, one.offset),
                owner: u32::try_from(number).unwrap_or(u32::MAX),
                payload,
                values: &one.values,
            })
        })
    }

    /// Counts an event of a correlation on its host, and keeps the first records.
    fn keep_part(&self, one: &Correlated, found: &mut Found) -> io::Result<()> {
        self.go_on()?;
        if self.detector.tuning().excluded.contains_key(&one.rule) {
            return Ok(());
        }
        let Some(of_host) = found.get_mut(one.owner as usize) else { return Ok(()) };
        let hit = of_host.entry(one.rule).or_default();
        hit.count += 1;
        if hit.records.len() < (self.keep)(one.rule) {
            let (of, record) = self.matches.record(one.payload)?;
            if hit.first_matched.is_none() {
                hit.first_matched = Some((record.clone(), matched(one, &of.values)));
            }
            hit.records.insert(record);
        }
        hit.last = Some(one.time);
        Ok(())
    }
}

fn corrected(one: &Match, host: &Clocked) -> Option<Time> {
    let correction = host.corrections.get(one.logsource.as_str());
    match correction.and_then(Correction::offset) {
        Some(seconds) => one.time?.plus_seconds(seconds),
        None => one.time,
    }
}

/// By what events were grouped, and what their windows measured.
fn matched(one: &Correlated, values: &[Option<GroupValue>]) -> Vec<MatchedField> {
    let value = |place: usize| values.get(place)?.as_ref().map(|value| value.text().to_owned());
    let field = |name: &str, value| MatchedField { field: name.to_owned(), value, value_b64: None };
    let groups = one.group.iter().map(|(name, place)| field(name, value(*place)));
    groups.chain([field(one.measure, Some(one.measured.clone()))]).collect()
}
