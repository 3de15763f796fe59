//! Tests of the engine as a whole: the language, the log sources, and the corpora.

mod agreement;
mod corpus;
mod dispatch;
mod explain;
mod language;
mod loading;
mod supported;
mod tuning;

use model::Event;
use model::case::MatchedField;

use super::{Engine, EngineBuilder, Mapping, SigmaScratch};
use crate::{Hit, LoadReport, RuleMeta, SourceFile, testing};

/// The mapping of our content.
fn mapping() -> Mapping {
    Mapping::parse(&testing::content_files()).unwrap()
}

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn load(files: &[SourceFile]) -> (Engine, Vec<RuleMeta>, LoadReport) {
    let mut builder = EngineBuilder::new(mapping());
    let report = builder.add(files, false);
    let (engine, metas) = builder.build();
    (engine, metas, report)
}

/// A rule with a log source in flow style and a detection of any style, indented by two.
fn rule(logsource: &str, detection: &str) -> String {
    let indented: Vec<String> = detection.lines().map(|line| format!("  {line}")).collect();
    format!("title: Test\nlogsource: {logsource}\ndetection:\n{}\n", indented.join("\n"))
}

/// The engine over one rule that must load.
fn engine(text: &str) -> Engine {
    let (engine, _, report) = load(&[file("test.yml", text)]);
    assert_eq!(report.refused, [], "{text}");
    assert_eq!(report.loaded, 1, "{text}");
    engine
}

fn hits(engine: &Engine, event: &Event<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    engine.run(event, &mut SigmaScratch::default(), &mut |hit| hits.push(hit));
    hits
}

fn event(json: &str) -> Event<'static> {
    testing::event(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")))
}

/// What a single hit matched, as `field=value`.
fn matched(hits: &[Hit]) -> Vec<String> {
    let show = |m: &MatchedField| format!("{}={}", m.field, m.value.as_deref().unwrap_or("-"));
    hits.iter().flat_map(|hit| hit.matched.iter().map(show)).collect()
}
