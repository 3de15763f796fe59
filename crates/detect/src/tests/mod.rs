//! The detector as a whole, with the real content: each rule on its samples, all of it on the corpus.

mod corpus;
mod face;
mod samples;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::testing::{content_files, event};
use crate::{Detector, Outcome, Scratch};

/// A detector and the memory that one thread has.
struct Bench {
    detector: Detector,
    scratch: Scratch,
    outcome: Outcome,
}

impl Bench {
    fn new() -> Self {
        let (detector, _) = Detector::build(&content_files(), &[]).unwrap();
        Self { detector, scratch: Scratch::default(), outcome: Outcome::default() }
    }

    /// The names of the rules and checks that fire, in order.
    fn fired(&mut self, value: &Json) -> Vec<String> {
        self.detector.examine(&event(value), &mut self.scratch, &mut self.outcome);
        let applicable: Vec<_> = self.detector.group_rules(self.outcome.group).collect();
        let mut names = Vec::new();
        for hit in &self.outcome.hits {
            assert!(applicable.contains(&hit.rule), "a hit is of the event's group");
            assert!(!hit.matched.is_empty(), "a hit says what matched");
            names.push(self.detector.rules()[hit.rule.0 as usize].name.clone().unwrap());
        }
        names.sort();
        names
    }

    /// How often each rule and check fires on many events.
    fn count<'j>(&mut self, values: impl IntoIterator<Item = &'j Json>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for value in values {
            for name in self.fired(value) {
                *counts.entry(name).or_default() += 1;
            }
        }
        counts
    }
}
