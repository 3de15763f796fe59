//! Which rules fire on which records, nothing cut and nothing kept back. The example `rule_hits` has it from here.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use assay_investigate::{Limits, Progress, ReadError, ReadOptions};
use detect::{Detector, Outcome, Scratch};
use evidence::{ItemHead, Sink};
use model::{Event, Integrity, Loss};

/// A rule that fired on a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordHit {
    /// Path of the file below what was handed in.
    pub(crate) path: String,
    /// Number that the log gave the record.
    pub(crate) record: Option<u64>,
    /// Its place in the file.
    pub(crate) offset: Option<u64>,
    /// Not carved, and not from a damaged chunk.
    pub(crate) whole: bool,
    /// Id of the rule.
    pub(crate) rule: String,
}

struct Hits<'d> {
    detector: &'d Detector,
    all: Mutex<Vec<RecordHit>>,
}

struct Batch {
    path: String,
    scratch: Scratch,
    outcome: Outcome,
    hits: Vec<RecordHit>,
}

impl Sink for Hits<'_> {
    type Batch = Batch;

    fn start(&self, item: &ItemHead) -> Batch {
        let (scratch, outcome) = Default::default();
        Batch { path: item.path.clone(), scratch, outcome, hits: Vec::new() }
    }

    fn event(&self, batch: &mut Batch, event: &Event<'_>) {
        self.detector.examine(event, &mut batch.scratch, &mut batch.outcome);
        for hit in &batch.outcome.hits {
            let Some(meta) = self.detector.rules().get(hit.rule.0 as usize) else { continue };
            batch.hits.push(RecordHit {
                path: batch.path.clone(),
                record: event.locator.record,
                offset: event.locator.offset,
                whole: event.integrity == Integrity::Whole,
                rule: meta.rule.id.clone(),
            });
        }
    }

    fn lost(&self, _batch: &mut Batch, _loss: &Loss) {}

    fn end(&self, _item: &ItemHead, batch: Batch) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).extend(batch.hits);
    }
}

/// How evidence is read: with two threads, and as the program does by default.
pub(crate) fn read_options() -> ReadOptions {
    ReadOptions {
        limits: Limits::default(),
        threads: 2,
        passwords: Vec::new(),
        zone: None,
        temp_dir: std::env::temp_dir(),
        exclude: Vec::new(),
        cancel: Arc::default(),
        progress: Arc::new(Progress::default()),
    }
}

/// All hits, sorted.
pub(crate) fn hits(detector: &Detector, inputs: &[PathBuf]) -> Result<Vec<RecordHit>, ReadError> {
    let sink = Hits { detector, all: Mutex::default() };
    evidence::read(inputs, &read_options(), &sink)?;
    let mut all = sink.all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort();
    Ok(all)
}
