//! An explanation says what the engine does, and why.

use std::collections::BTreeMap;

use super::*;
use crate::explain::{Explanation, Origin, Step, StepKind, WHOLE};
use crate::sigma::{Explainer, Tuning};

fn explainer(files: &[SourceFile], meta: &RuleMeta, tuning: &[SourceFile]) -> Explainer {
    let tuning = Tuning::parse(tuning).unwrap();
    Explainer::new(mapping(), files, meta, &tuning).unwrap()
}

/// Explains the first rule of some files on an event.
fn explain(files: &[SourceFile], json: &str) -> Explanation {
    let (engine, metas, report) = load(files);
    assert_eq!(report.refused, []);
    let event = event(json);
    let judged = explainer(files, &metas[0], &[]).explain(&event, 0, &mut SigmaScratch::default());
    let explanation = judged.unwrap().explanation.unwrap();
    let fired = hits(&engine, &event).iter().any(|hit| hit.rule.0 == 0);
    assert_eq!(explanation.fired, fired, "{explanation:#?}");
    explanation
}

/// The tree as `+name(...)` and `-name(...)`.
fn shown(step: &Step) -> String {
    let parts: Vec<String> = step.parts.iter().map(shown).collect();
    let name = match &step.kind {
        StepKind::All => "all".to_owned(),
        StepKind::Any => "any".to_owned(),
        StepKind::Not => "not".to_owned(),
        StepKind::Selection { name, .. } => name.clone(),
        StepKind::Entry(entry) => {
            let wanted = entry.wanted.iter().map(|w| if w.found { '+' } else { '-' });
            let seen: Vec<String> = entry
                .seen
                .iter()
                .map(|s| format!("{}={}", s.name, s.text.as_deref().unwrap_or("null")))
                .collect();
            let absent = if entry.absent.is_empty() { "" } else { " absent" };
            let key = entry.key.as_deref().unwrap_or("keywords");
            format!("{key}[{}|{}{absent}]", wanted.collect::<String>(), seen.join(" "))
        }
    };
    let sign = if step.holds { '+' } else { '-' };
    if parts.is_empty() {
        format!("{sign}{name}")
    } else {
        format!("{sign}{name}({})", parts.join(" "))
    }
}

fn tree(detection: &str, json: &str) -> String {
    let text = rule("{product: windows, category: process_creation}", detection);
    let explanation = explain(&[file("a.yml", &text)], json);
    shown(&explanation.views[0].parts[0].step)
}

#[test]
fn tells_each_part_of_a_condition() {
    const EVENT: &str = r#"{"family": "windows-event", "channel": "Security", "event_id": 4688,
        "fields": {"NewProcessName": "C:\\a\\w3wp.exe", "CommandLine": "", "Empty": null, "Data": ["x", "y"], "B": "x"}}"#;
    let cases = [
        (
            "s: {Image|endswith: ['\\cmd.exe', '\\w3wp.exe']}\ncondition: s",
            r"+s(+Image|endswith[-+|NewProcessName=C:\a\w3wp.exe])",
        ),
        ("s: {CommandLine: [x, '']}\ncondition: s", "+s(+CommandLine[-+|CommandLine=])"),
        ("s: {Empty: null}\ncondition: s", "+s(+Empty[+|Empty=null])"),
        ("s: {ParentImage: x}\ncondition: s", "-s(-ParentImage[-| absent])"),
        (
            "s: {Data|contains|all: [x, y]}\ncondition: s",
            "+s(+Data|contains|all[++|Data=x Data=y])",
        ),
        ("s: {B|neq: [q, x]}\ncondition: s", "-s(-B|neq[-+|B=x])"),
        ("s: {B|fieldref: Data}\ncondition: s", "+s(+B|fieldref[+|B=x Data=x Data=y])"),
        ("s: [w3wp, nothing]\ncondition: s", r"+s(+keywords[+-|NewProcessName=C:\a\w3wp.exe])"),
        (
            "a: {B: x}\nb: {B: y}\nc:\n  - B: q\n    Data: x\n  - Data: y\ncondition: a and not 1 of b* and (b or c)",
            "+all(+a(+B[+|B=x]) +not(-b(-B[-|B=x])) +any(-b(-B[-|B=x]) +c(+any(-all(-B[-|B=x] +Data[+|Data=x Data=y]) +Data[+|Data=x Data=y]))))",
        ),
    ];
    for (detection, expected) in cases {
        assert_eq!(tree(detection, EVENT), expected, "{detection}");
    }
}

#[test]
fn tells_filters_and_second_views() {
    let base = rule("{category: webserver}", "s: {cs-uri-query|contains: '/owa/'}\ncondition: s");
    let filter = rule("{category: webserver}", "rules: any\nf: {c-ip: 10.0.0.1}\ncondition: not f")
        .replace("detection:", "filter:")
        .replace("Test", "Scanner");
    let files = [file("a.yml", &base), file("b.yml", &filter)];
    let row = |ip: &str| {
        format!(
            r#"{{"family": "iis-w3c", "fields": {{"cs-uri-stem": "/owa/x", "cs-uri-query": "q", "c-ip": "{ip}"}}}}"#
        )
    };
    let found = explain(&files, &row("10.0.0.2"));
    assert_eq!((found.fired, found.share, found.views.len()), (true, WHOLE, 2));
    assert!(!found.views[0].holds && found.views[1].holds && found.views[1].second);
    let filtered = explain(&files, &row("10.0.0.1"));
    assert!(!filtered.fired);
    let part = &filtered.views[1].parts[1];
    assert!(!part.holds);
    assert_eq!(part.origin, Origin::Filter { title: "Scanner".into(), file: "b.yml".into() });
}

#[test]
fn measures_how_near_a_miss_is() {
    let text = rule(
        "{category: webserver}",
        "a: {A: x, B: y}\nb: {C: z}\nf: {D: w}\ncondition: a and (a or b) and not f",
    );
    let files = [file("a.yml", &text)];
    let share = |fields: &str| {
        let row = format!(r#"{{"family": "iis-w3c", "fields": {{{fields}}}}}"#);
        explain(&files, &row).share
    };
    assert_eq!(share(r#""A": "x", "B": "y""#), WHOLE);
    assert_eq!(share(r#""A": "x", "B": "q""#), (4 * 500_000 + 4 * 500_000 + WHOLE) / 9);
    assert_eq!(share(r#""A": "x", "C": "z", "D": "w""#), (4 * 500_000 + 4 * WHOLE) / 9);
    assert_eq!(share(r#""D": "w""#), 0);
}

#[test]
fn an_event_of_another_log_source_is_not_explained() {
    let files = [file("a.yml", &rule("{category: webserver}", "s: {A: x}\ncondition: s"))];
    let (_, metas, _) = load(&files);
    let other =
        event(r#"{"family": "windows-event", "channel": "Security", "fields": {"A": "x"}}"#);
    let explainer = explainer(&files, &metas[0], &[]);
    assert!(explainer.explain(&other, 0, &mut SigmaScratch::default()).is_none());
}

#[test]
fn agrees_with_the_engine_on_the_corpus() {
    let Some(files) = corpus::rules() else { return };
    let (engine, metas, _) = load(&files);
    let by_id: BTreeMap<&str, usize> =
        metas.iter().enumerate().map(|(at, meta)| (meta.rule.id.as_str(), at)).collect();
    let (mut judged, mut fired) = (0, 0);
    for (id, events) in corpus::pairs() {
        let at = by_id[id.as_str()];
        // The files of one rule alone: the corpus has no filters.
        let own: Vec<SourceFile> =
            files.iter().filter(|f| f.name == metas[at].rule.source).cloned().collect();
        let explainer = explainer(&own, &metas[at], &[]);
        let mut scratch = SigmaScratch::default();
        for event in events {
            let hit = hits(&engine, &event).iter().any(|hit| hit.rule.0 as usize == at);
            let found = explainer.explain(&event, 0, &mut scratch);
            assert!(!hit || found.is_some(), "{id}");
            if let Some(found) = found {
                judged += 1;
                fired += usize::from(hit);
                let explanation = found.explanation.unwrap();
                assert_eq!(explanation.fired, hit, "{id}: {explanation:#?}");
                assert_eq!(explanation.share == WHOLE, hit, "{id}");
            }
        }
    }
    println!("{judged} events explained, {fired} of them hits");
    assert!(fired >= 99);
}
