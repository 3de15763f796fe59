//! The public rules, and the events that their authors give for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use model::Value;
use serde_json::Value as Json;

use super::*;

#[expect(clippy::disallowed_methods, reason = "fs_err is no dependency of this crate")]
fn collect(folder: &Path, extension: &str, out: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            let name = path.to_string_lossy().replace('\\', "/");
            out.push(SourceFile { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
}

/// All rule files of the corpus, sorted; `None` if there is no corpus.
pub(super) fn rules() -> Option<Vec<SourceFile>> {
    let root = testing::corpus()?.join("sigma");
    let mut files = Vec::new();
    for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        collect(&root.join(folder), "yml", &mut files);
    }
    files.retain(|file| !file.name.ends_with("/info.yml"));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Some(files)
}

#[test]
fn every_public_rule_loads() {
    let Some(files) = rules() else { return };
    let start = Instant::now();
    let (engine, metas, report) = load(&files);
    println!(
        "{} rules loaded of {} files in {:?}, {} refused, {} idle, {} groups",
        report.loaded,
        files.len(),
        start.elapsed(),
        report.refused.len(),
        report.idle.len(),
        engine.groups()
    );
    for refused in &report.refused {
        println!("{}:{}:{}: {}", refused.file, refused.line, refused.column, refused.reason);
    }
    let mut idle: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &report.idle {
        *idle.entry(&rule.reason).or_default() += 1;
    }
    println!("idle: {idle:#?}");
    assert_eq!(report.refused, []);
    assert_eq!(metas.len(), files.len());
    // Of what Windows logs only what comes from tracing (file_access, file_rename) has no event log.
    let no_windows =
        |reason: &&&str| reason.contains("product: windows") && !reason.contains("file_access");
    let left: Vec<_> =
        idle.keys().filter(no_windows).filter(|r| !r.contains("file_rename")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Events of a JSON export in the nested form (`Event.System`), as the reader of such exports gives them.
fn events(text: &str) -> Vec<Event<'static>> {
    let stream = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    stream.into_iter::<Json>().map(|json| nested(&json.unwrap()["Event"])).collect()
}

fn nested(json: &Json) -> Event<'static> {
    let system = &json["System"];
    let number = |value: &Json| value.as_u64().or_else(|| value["#text"].as_u64());
    let mut out = event(r#"{"family": "windows-event", "fields": {}}"#);
    out.channel = system["Channel"].as_str().unwrap_or_default().to_owned().into();
    let provider = &system["Provider"]["#attributes"]["Name"];
    out.provider = provider.as_str().unwrap_or_default().to_owned().into();
    out.event_id = number(&system["EventID"]).and_then(|id| u32::try_from(id).ok());
    for body in ["EventData", "UserData"] {
        leaves(&json[body], &mut out);
    }
    for (name, value) in [("Channel", &system["Channel"]), ("Provider_Name", provider)] {
        out.fields.push(name, value.as_str().unwrap_or_default().to_owned());
    }
    out.fields.push("EventID", Value::UInt(number(&system["EventID"]).unwrap_or_default()));
    out
}

fn leaves(json: &Json, out: &mut Event<'static>) {
    for (name, value) in json.as_object().into_iter().flatten() {
        match value {
            _ if name.starts_with('#') => {}
            Json::Object(_) => leaves(value, out),
            Json::Null => out.fields.push(name.clone(), Value::Null),
            Json::Number(n) => out.fields.push(name.clone(), Value::Int(n.as_i64().unwrap())),
            Json::Bool(b) => out.fields.push(name.clone(), Value::Bool(*b)),
            Json::String(s) => out.fields.push(name.clone(), s.clone()),
            Json::Array(_) => out.fields.push(name.clone(), value.to_string()),
        }
    }
}

/// Rule id and events of each pair.
pub(super) fn pairs() -> Vec<(String, Vec<Event<'static>>)> {
    let Some(corpus) = testing::corpus() else { return Vec::new() };
    let mut files = Vec::new();
    collect(&corpus.join("sigma/regression_data"), "json", &mut files);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let pair = |file: &SourceFile| {
        let id = file.name.rsplit('/').next().unwrap().trim_end_matches(".json").to_owned();
        (id, events(std::str::from_utf8(&file.bytes).unwrap()))
    };
    files.iter().map(pair).collect()
}

#[test]
fn every_regression_pair_is_found() {
    let Some(files) = rules() else { return };
    let (engine, metas, _) = load(&files);
    let pairs = pairs();
    let mut scratch = SigmaScratch::default();
    let mut every = SigmaScratch { every_rule: true, ..SigmaScratch::default() };
    let (mut missed, mut total) = (Vec::new(), 0);
    for (id, events) in &pairs {
        let mut found = 0;
        for event in events {
            let (mut fired, mut reference) = (Vec::new(), Vec::new());
            engine.run(event, &mut scratch, &mut |hit| fired.push(hit.rule));
            engine.run(event, &mut every, &mut |hit| reference.push(hit.rule));
            assert_eq!(fired, reference, "triggers change what fires: {id}");
            total += fired.len();
            found += fired.iter().filter(|rule| metas[rule.0 as usize].rule.id == *id).count();
        }
        if found == 0 {
            missed.push(id);
        }
    }
    println!("{} of {} pairs found, {total} hits in all", pairs.len() - missed.len(), pairs.len());
    assert_eq!(missed, Vec::<&String>::new());
    assert!(pairs.len() >= 99);
}

/// Prints what a row costs. Run with `--ignored --nocapture`, and `CARGO_PROFILE_DEV_OPT_LEVEL=3`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_row() {
    let mut own = Vec::new();
    collect(&testing::workspace().join("content/rules/sigma"), "yml", &mut own);
    let web = rules().unwrap_or_default();
    let web = web.into_iter().filter(|f| f.name.contains("web")).chain(own.clone()).collect();
    for (what, files) in [("own", own), ("own and public web", web)] {
        let (engine, _, report) = load(&files);
        for (family, row) in [("iis", iis_row()), ("HttpProxy", proxy_row())] {
            let mut scratch = SigmaScratch::default();
            let rounds = 200_000;
            let start = Instant::now();
            for _ in 0..rounds {
                engine.run(&row, &mut scratch, &mut |_| {});
            }
            let each = start.elapsed().as_nanos() / rounds;
            println!("{what} ({} rules), {family}: {each} ns a row", report.loaded);
        }
    }
}

fn iis_row() -> Event<'static> {
    event(
        r#"{"family": "iis-w3c", "fields": {"date": "2021-03-07", "time": "13:14:15", "s-ip": "10.0.0.5",
        "cs-method": "GET", "cs-uri-stem": "/owa/auth/logon.aspx",
        "cs-uri-query": "&CorrelationID=<empty>;&cafeReqId=12345678-1234-1234-1234-123456789012;&encoding=;",
        "s-port": 443, "cs-username": null, "c-ip": "192.0.2.7",
        "cs(User-Agent)": "Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36", "cs(Referer)": null,
        "sc-status": 200, "sc-substatus": 0, "sc-win32-status": 0, "time-taken": 133}}"#,
    )
}

fn proxy_row() -> Event<'static> {
    let mut row = event(
        r#"{"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {"DateTime": "2021-03-07T13:14:15.123Z",
        "UrlHost": "mail.example.org", "UrlStem": "/mapi/emsmdb/", "UrlQuery": "?useMailboxOfAuthenticatedUser=true",
        "Method": "POST", "HttpStatus": "200", "UserAgent": "Microsoft Office/16.0 (Windows NT 10.0; Outlook)",
        "AnchorMailbox": "Sid~S-1-5-21-1-2-3-1105", "ClientIpAddress": "192.0.2.7", "Protocol": "Mapi",
        "AuthenticatedUser": "EXAMPLE\\user", "TargetServer": "mxs01.example.org"}}"#,
    );
    for n in 0..62 {
        row.fields.push(format!("Column{n}"), Value::from("1234"));
    }
    row
}
