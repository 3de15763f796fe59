//! Correlations over files and hosts.

use std::path::{Path, PathBuf};

use assay_investigate::SourceFile;
use model::case::{Case, Engine, Finding};

use crate::support::{run_with_rules, scratch};

const RULES: &str = "\
title: Failed logon
id: 11111111-0000-4000-8000-000000000001
name: failed
author: Somebody
license: DRL 1.1
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Guesses on several hosts
id: 11111111-0000-4000-8000-000000000002
name: guesses
level: high
correlation:
  type: value_count
  rules: [failed]
  group-by: [IpAddress]
  timespan: 10m
  condition: {field: Computer, gte: 2}
";

/// Failed logons from an address, at these minutes of an hour.
fn log(host: &str, address: &str, minutes: &[u32]) -> String {
    let event = |minute: &u32| {
        format!(
            r#"{{"Channel":"Security","EventID":4625,"Hostname":"{host}","SourceName":"Microsoft-Windows-Security-Auditing","TimeCreated":"2021-03-01T01:{minute:02}:00.000Z","IpAddress":"{address}"}}"#
        )
    };
    minutes.iter().map(event).collect::<Vec<_>>().join("\n")
}

fn write(folder: &Path, host: &str, name: &str, text: &str) -> PathBuf {
    let path = folder.join(format!("{host}/C/Windows/System32/winevt/Logs/{name}"));
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(&path, text).unwrap();
    path
}

fn judged(inputs: &[PathBuf], threads: usize) -> Vec<Case> {
    let rules = [SourceFile { name: "rules.yml".to_owned(), bytes: RULES.as_bytes().to_vec() }];
    run_with_rules(inputs, threads, &rules)
}

fn guesses(case: &Case) -> Option<&Finding> {
    case.findings.iter().find(|f| f.rule.engine == Engine::Correlation)
}

fn times(case: &Case) -> Vec<String> {
    let events = guesses(case).map(|f| f.events.clone()).unwrap_or_default();
    let of = |id: &String| case.events.iter().find(|e| e.id == *id).unwrap().time.unwrap();
    events.iter().map(|id| of(id).to_string()).map(|t| t[11..16].to_owned()).collect()
}

#[test]
fn events_of_several_hosts_and_files_make_one_finding_on_each_host() {
    let dir = scratch();
    write(dir.path(), "EX01", "Security.json", &log("EX01", "192.0.2.7", &[0, 30, 50]));
    write(dir.path(), "EX01", "Archive-Security.json", &log("EX01", "192.0.2.8", &[31]));
    write(dir.path(), "EX02", "Security.json", &log("EX02", "192.0.2.7", &[40, 51]));
    let cases = judged(&[dir.path().to_owned()], 2);
    assert_eq!(times(&cases[0]), ["01:30", "01:50"]);
    assert_eq!(times(&cases[1]), ["01:40", "01:51"]);
    let finding = guesses(&cases[0]).unwrap();
    assert_eq!(finding.event_count, 2);
    let shown: Vec<_> =
        finding.matched.iter().map(|m| (m.field.as_str(), m.value.as_deref())).collect();
    assert_eq!(shown, [("IpAddress", Some("192.0.2.7")), ("value_count", Some("2"))]);
    assert!(
        cases.iter().flat_map(|c| &c.findings).all(|f| f.rule.title != "Failed logon"),
        "a rule that a correlation refers to tells nothing of its own"
    );
    let credits = &cases[0].method.credits;
    assert!(credits.iter().any(|c| c.contains("Somebody (DRL 1.1)")), "{credits:?}");
}

#[test]
fn ten_minutes_and_a_copy_of_the_evidence_change_nothing() {
    let dir = scratch();
    write(dir.path(), "EX01", "Security.json", &log("EX01", "192.0.2.7", &[0]));
    write(dir.path(), "EX02", "Security.json", &log("EX02", "192.0.2.7", &[11]));
    assert!(judged(&[dir.path().to_owned()], 2).iter().all(|case| guesses(case).is_none()));
    write(dir.path(), "EX02", "Security.json", &log("EX02", "192.0.2.7", &[10]));
    let once = judged(&[dir.path().to_owned()], 2);
    let twice = judged(&[dir.path().to_owned(), dir.path().join("EX01")], 2);
    for (once, twice) in once.iter().zip(&twice) {
        assert_eq!(guesses(once).unwrap().event_count, 1);
        assert_eq!(guesses(twice).unwrap().event_count, 1);
    }
}

#[test]
fn the_same_bytes_at_any_number_of_threads() {
    let dir = scratch();
    for file in 0..12 {
        let minutes: Vec<u32> = (0..60).filter(|m| (m * 7 + file) % 5 == 0).collect();
        let name = format!("Security-{file}.json");
        let host = if file % 2 == 0 { "EX01" } else { "EX02" };
        let log = log(host, &format!("192.0.2.{}", file / 4), &minutes);
        write(dir.path(), host, &name, &log);
    }
    let bytes = |threads| -> Vec<Vec<u8>> {
        judged(&[dir.path().to_owned()], threads).iter().map(publish::case_json).collect()
    };
    let one = bytes(1);
    assert!(one.iter().all(|case| String::from_utf8_lossy(case).contains("Guesses on several")));
    assert!([2, 4, 7].into_iter().all(|threads| bytes(threads) == one));
}
