//! Which rules evidence can serve, and which missing log would serve most of the others.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use detect::{IdleRule, Kinds, LoadReport, RuleCoverage, RuleMeta};
use evidence::{Inventory, ItemHead, Options, Sink};
use model::{Event, Loss};

use super::RuleSet;
use crate::Error;

/// What evidence can serve.
pub struct Covered {
    /// All rules, by index.
    pub rules: Vec<RuleMeta>,
    /// What loading made of them.
    pub report: LoadReport,
    /// Which of them are served.
    pub coverage: RuleCoverage,
    /// Records read.
    pub records: u64,
    /// All that was read.
    pub inventory: Inventory,
}

/// Reads evidence and compares the rules with it.
pub fn coverage(set: &RuleSet<'_>, inputs: &[PathBuf], read: &Options) -> Result<Covered, Error> {
    let (detector, report) = set.detector()?;
    let mut idle = report.idle.clone();
    for rule in detector.tuning().excluded.keys() {
        if let Some(meta) = detector.rules().get(rule.0 as usize) {
            idle.push(IdleRule {
                file: meta.rule.source.clone(),
                id: meta.rule.id.clone(),
                title: meta.rule.title.clone(),
                reason: "it is excluded by tuning".to_owned(),
            });
        }
    }
    let counter = Counter::default();
    let inventory = evidence::read(inputs, read, &counter)?;
    let kinds = counter.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rules = detector.rules().to_vec();
    let coverage = detect::coverage(set.content.files(), &rules, &idle, &kinds)?;
    Ok(Covered { rules, report, coverage, records: kinds.records(), inventory })
}

/// Counts the kinds of records.
#[derive(Default)]
struct Counter(Mutex<Kinds>);

impl Sink for Counter {
    type Batch = Kinds;

    fn start(&self, _: &ItemHead) -> Kinds {
        Kinds::default()
    }

    fn event(&self, kinds: &mut Kinds, event: &Event<'_>) {
        kinds.add(event);
    }

    fn lost(&self, _: &mut Kinds, _: &Loss) {}

    fn end(&self, _: &ItemHead, kinds: Kinds) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).merge(kinds);
    }
}
