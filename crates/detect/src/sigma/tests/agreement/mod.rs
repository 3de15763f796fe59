//! The engine agrees with the plain evaluator on random rules and events that were made for each other.

mod document;
mod pools;
mod world;

use std::collections::BTreeSet;

use self::document::Document;
use self::world::{Random, World};
use super::*;
use crate::sigma::plain::Plain;

const PAIRS: u64 = 1_000_000;
/// Rules, and events, of one engine.
const RULES: u64 = 20;
const EVENTS: u64 = 20;

/// What has been compared.
#[derive(Debug, Default)]
struct Tally {
    rules: u64,
    refused: u64,
    pairs: u64,
    matched: u64,
}

#[test]
fn the_engine_agrees_with_the_plain_evaluator_on_a_million_pairs() {
    let mapping = mapping();
    let mut tally = Tally::default();
    for seed in 0.. {
        let world = World::new(Random::new(seed));
        compare_world(&mapping, world, &mut tally);
        if tally.pairs >= PAIRS {
            break;
        }
    }
    let percent = tally.matched * 100 / tally.pairs;
    println!("{tally:?}: {percent} % of the pairs match");
    assert!((20..=50).contains(&percent), "{percent} % of the pairs match; a third should");
    assert!(tally.refused * 10 < tally.rules, "the generator makes too many rules that are none");
}

fn compare_world(mapping: &Mapping, mut world: World, tally: &mut Tally) {
    let mut documents: Vec<Document> = (0..RULES).map(|nth| world.rule(nth)).collect();
    documents.extend(world.filters(RULES));
    let events: Vec<Event<'static>> = (0..EVENTS).map(|_| world.event()).collect();
    let both = Both::load(mapping, &documents);
    tally.rules += RULES;
    let known = both.plain.rules().count() as u64;
    tally.refused += RULES - known;
    let mut scratch = SigmaScratch::default();
    for event in &events {
        let engine = both.engine_fired(event, &mut scratch);
        let plain = both.plain.fired(event);
        tally.pairs += known;
        tally.matched += plain.len() as u64;
        assert!(engine == plain, "{}", smallest(mapping, documents, event.clone()));
    }
}

/// The same rules in both evaluators.
struct Both {
    engine: Engine,
    metas: Vec<RuleMeta>,
    plain: Plain,
}

impl Both {
    fn load(mapping: &Mapping, documents: &[Document]) -> Self {
        let text: String = documents.iter().map(Document::to_yaml).collect();
        let files = [file("random.yml", &text)];
        let mut builder = EngineBuilder::new(mapping.clone());
        let report = builder.add(&files, false);
        let (engine, metas) = builder.build();
        let mut plain = Plain::new(mapping.clone());
        plain.add(&files);
        assert_eq!(plain.unread(), [""; 0], "{text}");
        let yaml = report.refused.iter().find(|refused| refused.reason.starts_with("YAML"));
        assert!(yaml.is_none(), "{yaml:?}\n{text}");
        assert!(metas.iter().map(|meta| meta.rule.id.as_str()).eq(plain.rules()), "{text}");
        Self { engine, metas, plain }
    }

    fn engine_fired(&self, event: &Event<'_>, scratch: &mut SigmaScratch) -> BTreeSet<&str> {
        let mut fired = BTreeSet::new();
        self.engine.run(event, scratch, &mut |hit| {
            fired.insert(self.metas[hit.rule.0 as usize].rule.id.as_str());
        });
        fired
    }
}

/// The rule alone, or the rules together, and the event, with everything taken away that can be without the two
/// evaluators coming to agree.
fn smallest(mapping: &Mapping, documents: Vec<Document>, event: Event<'static>) -> String {
    let differ = |documents: &[Document], event: &Event<'_>| {
        let both = Both::load(mapping, documents);
        both.engine_fired(event, &mut SigmaScratch::default()) != both.plain.fired(event)
    };
    if !differ(&documents, &event) {
        return "the engine gives something else after other events".to_owned();
    }
    let (mut documents, mut event) = (documents, event);
    loop {
        let fewer = document::smaller(&documents).find(|fewer| differ(fewer, &event));
        let less = (0..event.fields.0.len())
            .map(|at| {
                let mut less = event.clone();
                less.fields.0.remove(at);
                less
            })
            .find(|less| differ(&documents, less));
        match (fewer, less) {
            (None, None) => break,
            (Some(fewer), _) => documents = fewer,
            (None, Some(less)) => event = less,
        }
    }
    let both = Both::load(mapping, &documents);
    let text: String = documents.iter().map(Document::to_yaml).collect();
    format!(
        "the evaluators disagree\n{text}\nevent: {} {:?} id {:?}\nfields: {:?}\nengine: {:?}\nplain: {:?}",
        event.family,
        event.channel,
        event.event_id,
        event.fields.0,
        both.engine_fired(&event, &mut SigmaScratch::default()),
        both.plain.fired(&event)
    )
}
