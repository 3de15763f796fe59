//! The face of the crate: what loads, what is refused, and that nothing a record holds ends a run.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::Bench;
use crate::testing::{content_files, event, has_extension};
use crate::{Detector, Outcome, Scratch, SourceFile};

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn user_rule(level: &str) -> SourceFile {
    let text = format!(
        "title: A rule of the user\nid: 11111111-2222-3333-4444-555555555555\nstatus: test\nlevel: {level}\n\
         logsource:\n  category: webserver\ndetection:\n  selection:\n    cs-uri-stem: /x\n  condition: selection\n"
    );
    file("mine/rule.yml", &text)
}

#[test]
fn threads_share_it() {
    fn shared<T: Send + Sync>() {}
    shared::<Detector>();
}

#[test]
fn every_rule_of_our_own_can_meet_a_record() {
    let (detector, report) = Detector::build(&content_files(), &[]).unwrap();
    assert!(report.refused.is_empty() && report.idle.is_empty(), "{report:?}");
    assert!(detector.rules().iter().all(|rule| rule.own));
    for id in
        ["iis/back-end", "exchange/httpproxy-ecp", "exchange/httpproxy-other", "files/web-root"]
    {
        assert!(detector.static_logsources().iter().any(|s| &**s == id), "{id}");
    }
}

#[test]
fn a_user_s_rules_stand_between_our_own_and_the_checks() {
    let bad = file("mine/bad.yml", "title: [");
    let (detector, report) = Detector::build(&content_files(), &[user_rule("high"), bad]).unwrap();
    let engines: Vec<_> = detector.rules().iter().map(|r| (r.rule.engine, r.own)).collect();
    assert_eq!(report.loaded, engines.len() as u64);
    assert_eq!(report.refused.len(), 1);
    assert_eq!(report.refused[0].file, "mine/bad.yml");
    let user = engines.iter().position(|(_, own)| !own).unwrap();
    let check = engines.iter().position(|(e, _)| *e == model::case::Engine::Check).unwrap();
    assert_eq!(check, user + 1);

    let row = json!({"family": "iis-w3c", "fields": {"cs-uri-stem": "/x"}});
    let (mut scratch, mut outcome) = (Scratch::default(), Outcome::default());
    detector.examine(&event(&row), &mut scratch, &mut outcome);
    assert_eq!(outcome.hits.iter().map(|h| h.rule.0 as usize).collect::<Vec<_>>(), [user]);
}

#[test]
fn content_that_cannot_be_used_is_an_error_that_names_the_file() {
    for (name, text) in [
        ("rules/sigma/exchange/bad.yml", "title: [".to_owned()),
        ("packs/exchange/observe.yaml", "observations: [{kind: x}]".to_owned()),
        ("packs/exchange/known-files.csv", "relative_path,sha256,builds\n\\a.aspx,12,1".to_owned()),
        ("packs/exchange/checks.yaml", "checks: []".to_owned()),
        ("packs/exchange/webroots.yaml", "trees: []".to_owned()),
        ("logsources/sources.yaml", "sources: [{id: a, famly: b}]".to_owned()),
    ] {
        let mut files = content_files();
        files.retain(|f| f.name != name);
        files.push(file(name, &text));
        let error = Detector::build(&files, &[]).err().unwrap_or_else(|| panic!("{name} loads"));
        assert_eq!(error.file, name, "{error}");
    }
    let error = Detector::build(&[], &[]).err().unwrap();
    assert!(error.to_string().contains("content file logsources/"), "{error}");
}

#[test]
fn an_outcome_says_nothing_of_the_event_before() {
    let mut bench = Bench::new();
    let shell = json!({"family": "iis-w3c", "fields": {"cs-uri-stem": "/owa/auth/x.aspx",
        "sc-status": "200", "s-ip": "10.0.0.1", "c-ip": "203.0.113.5"}});
    assert_eq!(bench.fired(&shell), ["unlisted_script_answered"]);
    assert_eq!(bench.outcome.observations.len(), 2);
    assert!(bench.fired(&json!({"family": "web-file", "fields": {}})).is_empty());
    assert!(bench.outcome.observations.is_empty());
    assert_eq!(bench.outcome.logsources.len(), 1);
}

#[test]
fn what_came_before_changes_nothing() {
    let files = content_files();
    let samples = files.iter().filter(|f| has_extension(f, "jsonl"));
    let events: Vec<Json> = samples
        .flat_map(|f| std::str::from_utf8(&f.bytes).unwrap().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut bench = Bench::new();
    let warm: Vec<_> = events.iter().map(|e| said(&mut bench, e)).collect();
    for (value, warm) in events.iter().zip(warm).rev() {
        assert_eq!(said(&mut bench, value), warm, "{value}");
        bench.scratch = Scratch::default();
        assert_eq!(said(&mut bench, value), warm, "{value}");
    }
}

/// Everything that an event gives, as text.
fn said(bench: &mut Bench, value: &Json) -> String {
    bench.fired(value);
    format!("{:?}", bench.outcome)
}

/// Names that rules, checks and observations ask for.
const NAMES: [&str; 18] = [
    "cs-uri-stem",
    "UrlStem",
    "AnchorMailbox",
    "HttpStatus",
    "CMD",
    "EventData",
    "Message",
    "Data",
    "TargetFilename",
    "Image",
    "ParentImage",
    "RelativeTargetName",
    "ShareName",
    "path",
    "content",
    "virtualPath",
    "ProcessId",
    "LogVersion",
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,80}",
        "(/owa/|/ecp/|/aspnet_client/|ServerInfo~|C:\\\\|%|\\.\\./|\\.aspx|;|:|\u{130}|\\\\){0,30}",
        "(\\\\frontend\\\\httpproxy\\\\|\\\\temporary asp.net files\\\\owa\\\\|15\\.1\\.2\\.3|\\.compiled|é){0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn nothing_that_a_record_holds_ends_a_run(
        family in prop::sample::select(vec![
            "windows-event", "iis-w3c", "exchange-log", "exchange-setup", "test-proxylogon", "web-file",
        ]),
        channel in prop::sample::select(vec![
            "HttpProxy Logs", "ECP Server Log", "Microsoft-Windows-Sysmon/Operational", "Security",
            "MSExchange Management", "Application", "", "\u{0}/..\\é",
        ]),
        id in prop::option::of(0_u32..6_000),
        fields in prop::collection::vec((prop::sample::select(NAMES.to_vec()), hostile()), 0..20),
    ) {
        thread_local! {
            static BENCH: std::cell::RefCell<Bench> = std::cell::RefCell::new(Bench::new());
        }
        let mut value = json!({"family": family, "channel": channel, "event_id": id, "fields": {}});
        for (name, text) in fields {
            value["fields"][name] = Json::String(text);
        }
        BENCH.with_borrow_mut(|bench| bench.fired(&value));
    }
}
