//! What tuning took away, as the case tells it.

use std::collections::BTreeMap;

use assess::HostEvidence;
use detect::{Detector, RuleIndex};
use model::case::{ExcludedRules, HiddenHits, LevelChange, TunedOut};

/// `None` where no tuning file was handed in, or none of its entries did anything.
pub(crate) fn of(detector: &Detector, host: &HostEvidence) -> Option<TunedOut> {
    let found = TunedOut {
        excluded: detector.tuning().excluded.len() as u64,
        exclusions: exclusions(detector),
        hidden: hidden(detector, host),
        levels: levels(detector),
    };
    (found != TunedOut::default()).then_some(found)
}

/// Rules that do not run, by the entry that says so.
fn exclusions(detector: &Detector) -> Vec<ExcludedRules> {
    let tuned = detector.tuning();
    let mut by_entry: BTreeMap<usize, u64> = BTreeMap::new();
    for entry in tuned.excluded.values() {
        *by_entry.entry(*entry).or_default() += 1;
    }
    let told = by_entry.into_iter().filter_map(|(entry, rules)| {
        let entry = tuned.entries.get(entry)?;
        Some(ExcludedRules { at: entry.at.clone(), reason: entry.reason.clone(), rules })
    });
    told.collect()
}

fn hidden(detector: &Detector, host: &HostEvidence) -> Vec<HiddenHits> {
    let told = host.hidden.iter().filter_map(|((rule, entry), hits)| {
        let entry = detector.tuning().entries.get(*entry)?;
        Some(HiddenHits {
            rule: detector.rules().get(*rule as usize)?.rule.clone(),
            hits: *hits,
            at: entry.at.clone(),
            reason: entry.reason.clone().unwrap_or_default(),
        })
    });
    let mut told: Vec<HiddenHits> = told.collect();
    told.sort_by(|a, b| (&a.rule.id, &a.at).cmp(&(&b.rule.id, &b.at)));
    told
}

fn levels(detector: &Detector) -> Vec<LevelChange> {
    let tuned = detector.tuning();
    let told = tuned.levels.iter().filter_map(|change| {
        let RuleIndex(rule) = change.rule;
        let meta = detector.rules().get(rule as usize)?;
        Some(LevelChange {
            rule: meta.rule.clone(),
            from: change.was,
            to: meta.level,
            at: tuned.entries.get(change.entry)?.at.clone(),
        })
    });
    told.collect()
}
