//! Correlations from rule text to the events that they tell of.

mod differential;
mod loading;
mod windows;

use std::fmt::Write as _;

use model::Time;
use serde_json::json;

use super::{BaseMatch, Correlated, GroupValue};
use crate::sigma::{Engine, EngineBuilder, Mapping, SigmaScratch};
use crate::{LoadReport, RuleMeta, SourceFile, testing};

/// Rules that every test may refer to: one for each event id from 1 to 3, and one for all of them.
const BASE: &str = "\
title: One
id: 00000000-0000-0000-0000-000000000001
name: one
level: low
logsource: {product: windows, service: system}
detection: {s: {EventID: 1}, condition: s}
---
title: Two
id: 00000000-0000-0000-0000-000000000002
name: two
level: high
logsource: {product: windows, service: system}
detection: {s: {EventID: 2}, condition: s}
---
title: Three
id: 00000000-0000-0000-0000-000000000003
name: three
logsource: {product: windows, service: system}
detection: {s: {EventID: 3}, condition: s}
---
title: Any
name: any_of_them
logsource: {product: windows, service: system}
detection: {s: {EventID: [1, 2, 3]}, condition: s}
";

/// An engine over the base rules and a correlation, indented by two below its `correlation:`.
pub(crate) struct Bench {
    engine: Engine,
    metas: Vec<RuleMeta>,
}

/// An event: its time in seconds, its id, and its fields as `name=value` words.
pub(crate) type Sample<'s> = (f64, u32, &'s str);

fn load(text: &str) -> (Engine, Vec<RuleMeta>, LoadReport) {
    let mut builder = EngineBuilder::new(Mapping::parse(&testing::content_files()).unwrap());
    let file = SourceFile { name: "test.yml".to_owned(), bytes: text.as_bytes().to_vec() };
    let report = builder.add(&[file], false);
    let (engine, metas) = builder.build();
    (engine, metas, report)
}

/// A document with a correlation in flow style.
pub(crate) fn correlation(name: &str, body: &str) -> String {
    format!("---\ntitle: {name}\nname: {name}\ncorrelation: {body}\n")
}

impl Bench {
    pub(crate) fn new(correlations: &str) -> Self {
        let (engine, metas, report) = load(&format!("{BASE}{correlations}"));
        assert_eq!(report.refused, [], "{correlations}");
        Self { engine, metas }
    }

    /// `name time measured group` of every event told of, in order.
    pub(crate) fn told(&self, samples: &[Sample<'_>]) -> Vec<String> {
        let order: Vec<usize> = (0..samples.len()).collect();
        self.told_in(samples, &order)
    }

    /// The same with the events coming in another order: their places in it.
    fn told_in(&self, samples: &[Sample<'_>], order: &[usize]) -> Vec<String> {
        let folder = std::env::temp_dir();
        let all = self.engine.correlations();
        let mut correlator = super::Correlator::new(all, &folder);
        let mut kept: Vec<Vec<Option<GroupValue>>> = Vec::new();
        let mut samples_of: Vec<usize> = Vec::new();
        for number in order {
            let (seconds, id, fields) = samples[*number];
            let event = event(id, fields);
            self.engine.run(&event, &mut SigmaScratch::default(), &mut |hit| {
                let base = BaseMatch {
                    rule: hit.rule,
                    time: time(seconds),
                    event: (0, *number as u64),
                    owner: 0,
                    payload: kept.len() as u64,
                    values: &hit.values,
                };
                if all.needs(hit.rule) {
                    correlator.add(&base).unwrap();
                    kept.push(hit.values.clone());
                    samples_of.push(*number);
                }
            });
        }
        let mut told = Vec::new();
        let mut values = |at: u64| Ok(kept[usize::try_from(at).unwrap()].clone());
        let mut tell = |one: Correlated| {
            let at = usize::try_from(one.payload).unwrap();
            let name = self.metas[one.rule.0 as usize].name.as_deref().unwrap();
            let mut line = format!("{name} {} {}", samples[samples_of[at]].0, one.measured);
            for (name, place) in one.group.iter() {
                let value = kept[at][*place].as_ref().unwrap();
                write!(line, " {name}={}", value.text()).unwrap();
            }
            told.push(line);
            Ok(())
        };
        correlator.finish(&mut values, &mut tell).unwrap();
        told
    }
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn time(seconds: f64) -> Time {
    Time::from_unix_nanos(1_614_556_800_000_000_000 + (seconds * 1e9) as i64, 3)
}

fn event(id: u32, fields: &str) -> model::Event<'static> {
    let mut body = serde_json::Map::new();
    for (name, value) in fields.split(' ').filter_map(|field| field.split_once('=')) {
        body.insert(name.to_owned(), json!(value));
    }
    body.insert("EventID".to_owned(), json!(id));
    testing::event(&json!({"family": "windows-event", "channel": "System", "provider": "P",
        "event_id": id, "fields": body}))
}
