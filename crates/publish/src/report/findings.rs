//! Findings with what matched, and the table of events.

use std::collections::BTreeMap;

use model::case::{Case, CaseEvent, Finding, MatchedField};

use super::limits;
use super::text::{Anchors, Refs, Text, left_out, texts};
use crate::words::{Word, count, counted, locator, number, spaced};

/// Custody id to path; event id to event.
type ById<'a, T> = BTreeMap<&'a str, &'a T>;

/// A field that matched.
pub(super) struct MatchedRow {
    pub(super) field: Text,
    pub(super) value: Text,
}

/// A finding.
pub(super) struct FindingView {
    pub(super) anchor: Text,
    pub(super) id: Text,
    pub(super) title: Text,
    pub(super) level: &'static str,
    pub(super) engine: &'static str,
    pub(super) stage: Text,
    pub(super) attack: Vec<Text>,
    pub(super) event_count: Text,
    pub(super) rule_id: Text,
    pub(super) version: Text,
    pub(super) authors: Text,
    pub(super) license: Text,
    pub(super) source: Text,
    pub(super) matched: Vec<MatchedRow>,
    pub(super) matched_left_out: Option<Text>,
    pub(super) events: Vec<EventRow>,
    pub(super) more_events: Option<Text>,
}

/// The findings.
pub(super) struct FindingsView {
    pub(super) rows: Vec<FindingView>,
    pub(super) all: Text,
    pub(super) left_out: Option<Text>,
}

/// The findings as the report shows them: the severest first, else in the order of the case.
pub(super) fn order(case: &Case) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = case.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

pub(super) fn findings(case: &Case, anchors: &Anchors) -> FindingsView {
    let events: ById<'_, CaseEvent> =
        case.events.iter().map(|event| (event.id.as_str(), event)).collect();
    let paths = paths(case);
    let order = order(case);
    let rows = order.iter().take(limits::FINDINGS);
    FindingsView {
        rows: rows.map(|finding| view(finding, &events, &paths, anchors)).collect(),
        all: Text::short(&counted(case.findings.len(), "rule or check", "rules and checks")),
        left_out: left_out(case.findings.len(), limits::FINDINGS, "case.json"),
    }
}

fn view(
    finding: &Finding,
    events: &ById<'_, CaseEvent>,
    paths: &ById<'_, String>,
    anchors: &Anchors,
) -> FindingView {
    let rule = &finding.rule;
    let rows: Vec<EventRow> = finding
        .events
        .iter()
        .take(limits::EVENTS_OF_FINDING)
        .filter_map(|id| Some(event_row(events.get(id.as_str())?, paths, anchors)))
        .collect();
    FindingView {
        anchor: anchors.name(&finding.id),
        id: Text::short(&finding.id),
        title: Text::short(&rule.title),
        level: finding.level.word(),
        engine: rule.engine.word(),
        stage: Text::short(&spaced(&finding.stage)),
        attack: texts(&finding.attack, limits::MATCHED),
        event_count: Text::number(finding.event_count),
        rule_id: Text::short(&rule.id),
        version: Text::short(&rule.version),
        authors: Text::long(&rule.author.join(", ")),
        license: Text::short(&rule.license),
        source: Text::short(&rule.source),
        matched: finding.matched.iter().take(limits::MATCHED).map(matched_row).collect(),
        matched_left_out: left_out(finding.matched.len(), limits::MATCHED, "case.json"),
        more_events: first_of(finding, rows.len()),
        events: rows,
    }
}

/// Says how many of a finding's events are shown, and how many of them the case keeps.
fn first_of(finding: &Finding, shown: usize) -> Option<Text> {
    let kept = finding.events.len();
    let all = finding.event_count;
    let rest = if kept as u64 == all { "all" } else { &format!("the first {}", count(kept)) };
    (all > shown as u64).then(|| {
        let shown = count(shown);
        Text::short(&format!(
            "First {shown} of {}; case.json and timeline.csv have {rest}.",
            number(all)
        ))
    })
}

fn matched_row(matched: &MatchedField) -> MatchedRow {
    MatchedRow {
        field: Text::short(&matched.field),
        value: either(matched.value.as_deref(), matched.value_b64.as_deref()),
    }
}

/// Text where it is harmless; base64 is shown as it is and not decoded.
fn either(text: Option<&str>, encoded: Option<&str>) -> Text {
    match (text, encoded) {
        (Some(text), _) => Text::long(text),
        (None, Some(encoded)) => Text::long(&format!("base64: {encoded}")),
        (None, None) => Text::short("–"),
    }
}

/// A record.
pub(super) struct EventRow {
    pub(super) anchor: Text,
    pub(super) link: Refs,
    pub(super) id: Text,
    pub(super) time: Text,
    pub(super) basis: &'static str,
    pub(super) raw_time: Text,
    pub(super) host: Text,
    pub(super) logsource: Text,
    pub(super) item: Refs,
    pub(super) path: Text,
    pub(super) locator: Text,
    pub(super) sha256: Text,
    pub(super) summary: Text,
}

/// The table of events.
pub(super) struct EventsView {
    pub(super) rows: Vec<EventRow>,
    pub(super) all: Text,
    pub(super) left_out: Option<Text>,
}

pub(super) fn events(case: &Case, anchors: &Anchors) -> EventsView {
    let paths = paths(case);
    let shown = case.events.iter().filter(|event| anchors.shows_event(&event.id));
    let rows: Vec<EventRow> =
        shown.take(limits::EVENTS).map(|event| event_row(event, &paths, anchors)).collect();
    EventsView {
        all: Text::short(&counted(case.events.len(), "record carries", "records carry")),
        left_out: left_out(case.events.len(), rows.len(), "case.json and timeline.csv"),
        rows,
    }
}

fn paths(case: &Case) -> ById<'_, String> {
    case.custody.iter().map(|item| (item.id.as_str(), &item.path)).collect()
}

fn event_row(event: &CaseEvent, paths: &ById<'_, String>, anchors: &Anchors) -> EventRow {
    EventRow {
        anchor: anchors.name(&event.id),
        link: anchors.refs([&event.id]),
        id: Text::short(&event.id),
        time: Text::time(event.time),
        basis: event.time_basis.word(),
        raw_time: Text::short(&event.raw_time),
        host: Text::short(event.host.as_deref().unwrap_or("–")),
        logsource: Text::short(&event.logsource),
        item: anchors.refs([&event.item]),
        path: Text::short(paths.get(event.item.as_str()).map_or("", |path| path.as_str())),
        locator: Text::short(&locator(&event.locator)),
        sha256: Text::short(&event.sha256),
        summary: either(event.summary.as_deref(), event.summary_b64.as_deref()),
    }
}
