//! What of Sigma is supported: a table whose rows are tests and the lines of `docs/sigma.md`.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::*;
use crate::correlation::tests::{Bench, correlation};
use crate::sigma::modifiers;
use crate::sigma::plain::Plain;

const TABLE: &str = include_str!("supported.yaml");
const PAGE: &str = "docs/sigma.md";
const SECURITY: &str = "{product: windows, service: security}";
const INTRODUCTION: &str = "\
# What of Sigma is supported

Rules, filters and modifiers are read as the [Sigma specification 2.1](https://github.com/SigmaHQ/sigma-specification)
says. Each line below is a test: the rule is run on both events, by the engine and by a second, plain evaluator that was
written on its own (correlations: by the engine alone), and this page is written from the same table
(`crates/detect/src/sigma/tests/supported.yaml`).

A rule that cannot be used is refused with its place and the reason; `assay rules check` says so beforehand. One rule that
is refused stops no other.
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    rows: Vec<Row>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Row {
    feature: String,
    rule: String,
    document: String,
    /// In flow style; the rules that it may refer to are those of the tests of correlations.
    correlation: String,
    hit_events: Vec<String>,
    miss_events: Vec<String>,
    filter: Option<String>,
    logsource: Option<String>,
    head: Option<Json>,
    miss_head: Option<Json>,
    hit: Option<Json>,
    miss: Option<Json>,
    refused: Option<String>,
    idle: Option<String>,
    says: String,
}

fn table() -> Vec<Group> {
    serde_saphyr::from_str(TABLE).unwrap()
}

impl Row {
    fn logsource(&self) -> &str {
        self.logsource.as_deref().unwrap_or(SECURITY)
    }

    /// The rule, and the filter if there is one.
    fn text(&self) -> String {
        if !self.document.is_empty() {
            return self.document.clone();
        }
        let condition = if self.rule.contains("condition:") { "" } else { "\ncondition: s" };
        let named = rule(self.logsource(), &format!("{}{condition}", self.rule)).replace(
            "title: Test\n",
            "title: Test\nid: 9db37458-4df2-46a5-95ab-307e7f29e675\nname: short_name\n",
        );
        let filter = self.filter.as_ref().map(|filter| {
            rule(self.logsource(), filter)
                .replace("detection:", "filter:")
                .replace("Test", "Filter")
        });
        [Some(named), filter].into_iter().flatten().collect::<Vec<_>>().join("---\n")
    }

    /// An event with these fields, under the row's head or another.
    fn event(&self, fields: &Json, head: Option<&Json>) -> Event<'static> {
        let security = serde_json::json!({"family": "windows-event", "channel": "Security"});
        let mut json = head.or(self.head.as_ref()).unwrap_or(&security).clone();
        json["fields"] = fields.clone();
        testing::event(&json)
    }

    /// The correlation, named `c`, and the outer one that the document of the row is, if it has one.
    fn check_correlation(&self) {
        let outer = match self.document.as_str() {
            "" => String::new(),
            outer => correlation("outer", &format!("{{{outer}}}")),
        };
        let inner = correlation("c", &format!("{{{}}}", self.correlation));
        let bench = Bench::new(&(outer + &inner));
        for (events, fires) in [(&self.hit_events, true), (&self.miss_events, false)] {
            let samples: Vec<_> = events.iter().map(|event| sample(event)).collect();
            let told = bench.told(&samples);
            assert_eq!(!told.is_empty(), fires, "{}: {events:?}: {told:?}", self.feature);
        }
    }

    fn check(&self) {
        if !self.correlation.is_empty() {
            return self.check_correlation();
        }
        let files = [file("row.yml", &self.text())];
        let (engine, _, report) = load(&files);
        let reasons = |reasons: Vec<&String>, wanted: &String| {
            let found = reasons.iter().any(|reason| reason.contains(wanted.as_str()));
            assert!(found, "{}: {report:?}", self.feature);
        };
        if let Some(wanted) = &self.refused {
            return reasons(report.refused.iter().map(|r| &r.reason).collect(), wanted);
        }
        assert_eq!(report.refused, [], "{}", self.feature);
        if let Some(wanted) = &self.idle {
            return reasons(report.idle.iter().map(|r| &r.reason).collect(), wanted);
        }
        assert_eq!(report.idle, [], "{}", self.feature);
        let mut plain = Plain::new(mapping());
        plain.add(&files);
        let (hit, miss) = (self.hit.as_ref().unwrap(), self.miss.as_ref().unwrap());
        for (event, fires) in
            [(self.event(hit, None), true), (self.event(miss, self.miss_head.as_ref()), false)]
        {
            let shown = format!("{}: {}\n{:?}", self.feature, self.text(), event.fields.0);
            assert_eq!(!hits(&engine, &event).is_empty(), fires, "the engine: {shown}");
            assert_eq!(!plain.fired(&event).is_empty(), fires, "the plain evaluator: {shown}");
        }
    }

    /// What stands in the file, in short.
    fn source(&self) -> String {
        let parts = [&self.rule, &self.document, &self.correlation];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    fn render(&self, out: &mut String) {
        let mut shown = self.source();
        if let Some(filter) = &self.filter {
            let _ = write!(shown, "\nfilter:\n{filter}");
        }
        if let Some(logsource) = &self.logsource {
            shown = format!("logsource: {logsource}\n{shown}");
        }
        let lines: Vec<String> = shown.lines().map(code).collect();
        let events = match (&self.hit, &self.miss) {
            (Some(hit), Some(miss)) => {
                let show = |fields, head: Option<&Json>| match head {
                    Some(head) => format!("{} {}", code(&flow(head)), code(&flow(fields))),
                    None => code(&flow(fields)),
                };
                let miss_head = self.miss_head.as_ref().or(self.head.as_ref());
                format!("{} | {}", show(hit, self.head.as_ref()), show(miss, miss_head))
            }
            _ if !self.hit_events.is_empty() => {
                let show = |events: &[String]| {
                    events.iter().map(|event| code(event)).collect::<Vec<_>>().join(", ")
                };
                format!("{} | {}", show(&self.hit_events), show(&self.miss_events))
            }
            _ if self.refused.is_some() => "refused |".to_owned(),
            _ => "loaded, never fires |".to_owned(),
        };
        let says = escaped(&self.says);
        let _ = writeln!(
            out,
            "| {} | {} | {events} | {says} |",
            escaped(&self.feature),
            lines.join("<br>")
        );
    }
}

/// `5 one User=a`: an event at that second that the rule matches.
fn sample(event: &str) -> (f64, u32, &str) {
    let (seconds, rest) = event.split_once(' ').unwrap();
    let (rule, fields) = rest.split_once(' ').unwrap();
    let id = ["one", "two", "three"].iter().zip(1..).find(|(name, _)| **name == rule).unwrap().1;
    (seconds.parse().unwrap(), id, fields)
}

/// Fields of an event, or of its head, as a rule would write them.
fn flow(json: &Json) -> String {
    let empty = Map::new();
    let entries = json.as_object().unwrap_or(&empty).iter();
    let mut shown: Vec<String> =
        entries.map(|(name, value)| format!("{name}: {}", scalar(value))).collect();
    // Whether a map keeps its order depends on what else is built.
    shown.sort();
    shown.join(", ")
}

/// A value as a rule would write it: in single quotes nothing but a line's end needs an escape.
fn scalar(json: &Json) -> String {
    match json {
        Json::String(text) if !text.contains('\n') => format!("'{text}'"),
        Json::Array(values) => {
            format!("[{}]", values.iter().map(scalar).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A code span in a table. One with a backtick inside needs two around it.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "`` " } else { "`" };
    let end: String = fence.chars().rev().collect();
    format!("{fence}{}{end}", escaped(text))
}

/// A bar would end the cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    for group in table() {
        let _ = writeln!(out, "\n## {}\n", group.group);
        out.push_str(
            "| feature | in a rule | fires on | not on | meaning |\n|---|---|---|---|---|\n",
        );
        for row in &group.rows {
            row.render(&mut out);
        }
    }
    out
}

#[test]
fn every_row_of_the_page_is_true() {
    let rows = table().into_iter().flat_map(|group| group.rows);
    assert!(rows.map(|row| row.check()).count() > 80);
}

#[test]
fn every_modifier_has_a_row() {
    let rules: String = table().iter().flat_map(|g| &g.rows).map(|row| row.rule.clone()).collect();
    for name in modifiers::names_known() {
        let used = [":", "|", "'"].iter().any(|end| rules.contains(&format!("|{name}{end}")));
        assert!(used, "no row of supported.yaml uses the modifier {name}");
    }
}

#[test]
fn the_page_is_up_to_date() {
    let path = testing::workspace().join(PAGE);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let page = page();
    let differing =
        page.lines().zip(kept.lines().chain(std::iter::repeat(""))).find(|(a, b)| a != b);
    assert!(
        page == kept,
        "{PAGE} does not say what supported.yaml says: {differing:?}\n\
         write it again with `cargo test -p assay-detect write_the_page -- --ignored`, and look at the difference"
    );
}

#[test]
#[ignore = "writes docs/sigma.md"]
#[expect(clippy::disallowed_methods, reason = "fs_err is no dependency of this crate")]
fn write_the_page() {
    std::fs::write(testing::workspace().join(PAGE), page()).unwrap();
}
