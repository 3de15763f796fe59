//! All rules that we have on all events that we have: the engine fires where the plain evaluator does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use assay_investigate::{Content, Limits, Progress, ReadOptions, SourceFile, user_rules};
use detect::{Detector, Outcome, Plain, Scratch};
use evidence::{ItemHead, Sink};
use model::case::Engine;
use model::{Event, Loss};

use crate::support::corpus;

const RULES: [&str; 3] =
    ["sigma/rules", "sigma/rules-emerging-threats", "sigma/rules-threat-hunting"];
const EVENTS: [&str; 3] = ["evtx", "exchange", "sigma/regression_data"];

#[test]
fn the_engine_agrees_with_the_plain_evaluator_on_the_whole_corpus() {
    let paths = |names: &[&str]| names.iter().map(|name| corpus(name)).collect::<Option<Vec<_>>>();
    let (Some(rules), Some(events)) = (paths(&RULES), paths(&EVENTS)) else { return };
    let content = Content::embedded().unwrap();
    let rules: Vec<SourceFile> = user_rules(&rules).unwrap();
    let (detector, report) = Detector::build(content.files(), &rules).unwrap();
    let plain = Plain::build(content.files(), &rules).unwrap();
    assert_eq!((report.refused, plain.unread()), (Vec::new(), [].as_slice()));
    let both = Both { detector: &detector, plain: &plain, all: Mutex::default() };
    evidence::read(&events, &options(), &both).unwrap();
    let all = both.all.into_inner().unwrap();
    println!(
        "{} rules, {} events, {} pairs of a rule and an event that it is for, {} matches",
        plain.rules().count(),
        all.events,
        all.pairs,
        all.matches
    );
    let shown: Vec<&str> = all.differences.iter().take(5).map(String::as_str).collect();
    let count = all.differences.len();
    assert!(count == 0, "{count} events on which the two disagree\n{}", shown.join("\n"));
    assert!(all.matches > 0);
}

fn options() -> ReadOptions {
    ReadOptions {
        limits: Limits::default(),
        threads: 2,
        passwords: Vec::new(),
        zone: None,
        temp_dir: std::env::temp_dir(),
        exclude: Vec::<PathBuf>::new(),
        cancel: Arc::default(),
        progress: Arc::new(Progress::default()),
    }
}

struct Both<'d> {
    detector: &'d Detector,
    plain: &'d Plain,
    all: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    events: u64,
    pairs: u64,
    matches: u64,
    differences: BTreeSet<String>,
}

/// What a block gathers, with the memory that its events share.
#[derive(Default)]
struct Batch {
    path: String,
    scratch: Scratch,
    outcome: Outcome,
    found: Found,
}

impl Sink for Both<'_> {
    type Batch = Batch;

    fn start(&self, item: &ItemHead) -> Batch {
        Batch { path: item.path.clone(), ..Batch::default() }
    }

    fn event(&self, batch: &mut Batch, event: &Event<'_>) {
        let found = &mut batch.found;
        found.events += 1;
        self.detector.examine(event, &mut batch.scratch, &mut batch.outcome);
        let metas =
            batch.outcome.hits.iter().map(|hit| &self.detector.rules()[hit.rule.0 as usize]);
        let sigma = metas.filter(|meta| matches!(meta.rule.engine, Engine::Sigma));
        let engine: BTreeSet<&str> = sigma.map(|meta| meta.rule.id.as_str()).collect();
        let plain = self.plain.fired(event);
        found.pairs += self.plain.count(event) as u64;
        found.matches += plain.len() as u64;
        if engine != plain {
            let only = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| format!("{:?}", a - b);
            found.differences.insert(format!(
                "{} {:?}: engine only {}, plain only {}\n{:.3000}",
                batch.path,
                event.locator,
                only(&engine, &plain),
                only(&plain, &engine),
                format!("{:?}", event.fields.0)
            ));
        }
    }

    fn lost(&self, _batch: &mut Batch, _loss: &Loss) {}

    fn end(&self, _item: &ItemHead, batch: Batch) {
        let mut all = self.all.lock().unwrap();
        all.events += batch.found.events;
        all.pairs += batch.found.pairs;
        all.matches += batch.found.matches;
        all.differences.extend(batch.found.differences);
    }
}
