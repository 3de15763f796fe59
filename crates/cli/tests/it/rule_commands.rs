//! `assay rules list`, `test`, `explain` and `coverage`, and what tuning does to a case.

use crate::support::{Session, iis_log};

/// A rule that fires on the row that looks for somebody else's script.
const SCAN: &str = "title: Other script\nid: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2d01\nname: other_script\n\
    status: test\nlevel: low\nauthor: Somebody\nlicense: MIT\ntags: [attack.t1505.003]\n\
    logsource:\n  category: webserver\n\
    detection:\n  s:\n    cs-uri-stem|endswith: [other.aspx, more.aspx]\n  f:\n    c-ip: 203.0.113.9\n  condition: s and not f\n";

fn windows_rule() -> String {
    SCAN.replace("Other script", "A process")
        .replace("2d01", "2d02")
        .replace("other_script", "a_process")
        .replace("category: webserver", "product: windows\n  category: process_creation")
        .replace("level: low", "level: high")
}

fn session() -> Session {
    let session = Session::new();
    session.write("rules/scan.yml", SCAN);
    session.write("rules/deep/process.yml", windows_rule());
    session.write("u_ex210301.log", iis_log());
    session
}

#[track_caller]
fn shows(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

#[test]
fn list_filters_and_says_where_each_rule_is() {
    let session = session();
    let all = ["Other script", "A process"];
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &all),
        (&["--level", "high"], &all[1..]),
        (&["--level", "high", "--level", "low"], &all),
        (&["--status", "test"], &all),
        (&["--status", "stable"], &[]),
        (&["--tag", "attack.T1505"], &all),
        (&["--tag", "attack.t15"], &[]),
        (&["--product", "windows"], &all[1..]),
        (&["--source", "webserver"], &all[..1]),
        (&["--source", "process_creation", "--level", "low"], &[]),
    ];
    for (filters, expected) in cases {
        let args: Vec<&str> = ["rules", "list", "rules"].iter().chain(*filters).copied().collect();
        let ran = session.run(&args);
        ran.ended(0, &[]);
        assert_eq!(ran.out.lines().count(), expected.len(), "{filters:?}: {}", ran.out);
        shows(&ran.out, expected);
    }
    let ran = session.run(&["rules", "list", "rules"]);
    let row = "low   test  webserver                 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2d01  Other script  scan.yml\n";
    shows(&ran.out, &[row, "deep/process.yml"]);
    shows(&ran.err, &["2 rules"]);
    let json = session.run(&["rules", "list", "rules", "--json", "--level", "low"]).out;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&value["file"], &value["author"][0]), (&"scan.yml".into(), &"Somebody".into()));
    let own = session.run(&["rules", "list"]);
    assert!(own.out.lines().count() >= 20 && !own.out.contains("Other script"), "{}", own.out);
    session.run(&["rules", "list", "rules", "--level", "hihg"]).ended(3, &["high"]);
}

#[test]
fn test_runs_our_own_samples() {
    let ran = Session::new().run(&["rules", "test"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    shows(&ran.out, &["\nTESTED     ", " 0 failed, 0 without samples"]);
}

#[test]
fn test_says_which_sample_is_wrong_and_why() {
    let session = session();
    let row = |stem: &str, ip: &str| {
        format!(
            r#"{{"family": "iis-w3c", "fields": {{"cs-uri-stem": "/x/{stem}", "c-ip": "{ip}"}}}}"#
        )
    };
    session.write("rules/scan.hit.jsonl", row("other.aspx", "192.0.2.1") + "\n");
    session.write("rules/scan.miss.jsonl", row("other.aspx", "203.0.113.9") + "\n");
    session.write("rules/scan.hit.log", iis_log());
    let ran = session.run(&["rules", "test", "rules"]);
    ran.ended(0, &[]);
    shows(
        &ran.out,
        &["ok       scan.yml (2 to hit, 1 to miss)", "2 rules: 1 ok, 0 failed, 1 without"],
    );
    let alone = session.run(&["rules", "test", "rules/scan.yml"]);
    shows(&alone.out, &["1 rule: 1 ok, 0 failed, 0 without"]);
    session.run(&["rules", "test", "missing"]).ended(2, &["missing"]);

    session.write("rules/scan.hit.jsonl", row("none.aspx", "192.0.2.1") + "\n{}\n");
    session.write("rules/scan.miss.jsonl", row("more.aspx", "192.0.2.1") + "\n");
    let ran = session.run(&["rules", "test", "rules", "--verbose"]);
    ran.ended(1, &[]);
    shows(
        &ran.out,
        &[
            "failed   scan.yml (Other script, 6f0c1f0a",
            "  scan.hit.jsonl:1: the rule does not fire on it, for\n    no   cs-uri-stem|endswith: any of 2 values, 0 found",
            "cs-uri-stem = '/x/none.aspx'",
            "  scan.hit.jsonl:2: it cannot be used: unknown family",
            "  scan.miss.jsonl:1: the rule fires on it, for\n    cs-uri-stem = '/x/more.aspx'",
            "without  deep/process.yml",
        ],
    );
}

#[test]
fn test_reads_regression_data_beside_its_info() {
    let session = session();
    let info = |id: &str, count: u32, path: &str| {
        format!(
            "id: x\nrule_metadata:\n  - id: {id}\nregression_tests_info:\n  - type: log\n    match_count: {count}\n    path: {path}\n"
        )
    };
    let id = "6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2d01";
    session.write("data/scan/one.log", iis_log());
    for (text, code, words) in [
        (info(id, 1, "regression_data/scan/one.log"), 0, "ok       scan.yml (1 to hit"),
        (info(id, 2, "one.log"), 1, "the rule fires on 1 of its events; 2 is stated"),
        (info(id, 1, "../../rules/gone.log"), 1, "the file is not there"),
        (info("other", 1, "one.log"), 0, "NO RULE    1 sample"),
    ] {
        session.write("data/scan/info.yml", &text);
        let ran = session.run(&["rules", "test", "rules", "data"]);
        assert_eq!(ran.code, code, "{text}\n{}{}", ran.out, ran.err);
        shows(&ran.out, &[words]);
    }
}

#[test]
fn explain_tells_a_hit_condition_by_condition() {
    let session = session();
    let args = ["rules", "explain", "other_script", "u_ex210301.log", "--rules", "rules"];
    let ran = session.run(&args);
    ran.ended(0, &[]);
    shows(
        &ran.out,
        &[
            "RULE       Other script\n",
            "51 are of the rule's log source; it fired on 1 of them\n",
            "EVENT      the first on which it fired\n           iis-w3c, 2021-03-01T01:00:00Z",
            "CONDITION  s and not f\n",
            "yes  all of:\n",
            "yes    s  (line 13)\n",
            "yes      cs-uri-stem|endswith: any of 2 values, 1 found\n",
            "found: 'other.aspx'\n",
            "cs-uri-stem = '/owa/auth/other.aspx'\n",
            "yes    not:\n",
            "no       f  (line 15)\n",
            "no         c-ip: '203.0.113.9'\n",
        ],
    );
    for name in ["6F0C1F0A-6f5e-4a53-9d0d-0a4f3b1c2d01", "Other script", "rules/scan.yml", "scan"] {
        let args = ["rules", "explain", name, "u_ex210301.log", "--rules", "rules"];
        assert_eq!(session.run(&args).out, ran.out, "{name}");
    }
    let alone = session.run(&["rules", "explain", "rules/scan.yml", "u_ex210301.log"]);
    shows(&alone.out, &["the first on which it fired"]);
}

#[test]
fn explain_tells_the_nearest_miss() {
    let session = session();
    session.write("near.yml", SCAN.replace("c-ip: 203.0.113.9", "c-ip: 198.51.100.66"));
    let ran = session.run(&["rules", "explain", "near.yml", "u_ex210301.log"]);
    ran.ended(0, &[]);
    shows(
        &ran.out,
        &[
            "EVENT      the nearest miss: 80 % of the condition holds",
            "no     not:",
            "yes      f  (line 15)",
        ],
    );
    // Most rows pass the filter; the one that it alone stops is nearer.
    shows(&ran.out, &["2021-03-01T01:00:00Z"]);
    // Of equals the earliest is taken.
    session.write("far.yml", SCAN.replace("aspx", "none"));
    let ran = session.run(&["rules", "explain", "far.yml", "u_ex210301.log"]);
    shows(&ran.out, &["the nearest miss: 20 %", "2021-03-01T00:00:00Z"]);
}

#[test]
fn explain_takes_the_event_that_is_meant() {
    let session = session();
    let offset = iis_log().find("2021-03-01 01:00:00").unwrap();
    for (event, code, word) in [
        (format!("byte:{offset}"), 0, "EVENT      the rule fired on it"),
        (format!("byte:{offset:#x}"), 0, "EVENT      the rule fired on it"),
        ("byte:1".to_owned(), 3, "no event of the evidence is the one"),
        ("4711".to_owned(), 3, "no event of the evidence is the one"),
        ("E5".to_owned(), 3, "E5 is no event"),
    ] {
        let ran = session.run(&[
            "rules",
            "explain",
            "rules/scan.yml",
            "u_ex210301.log",
            "--event",
            &event,
        ]);
        assert_eq!(ran.code, code, "{event}: {}{}", ran.out, ran.err);
        assert!(
            ran.out.contains(word) || ran.err.contains(word),
            "{event}: {}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn explain_names_the_log_that_is_missing() {
    let session = session();
    let ran = session.run(&["rules", "explain", "rules/deep/process.yml", "u_ex210301.log"]);
    ran.ended(0, &[]);
    shows(
        &ran.out,
        &[
            "EVENT      none: no event is of the rule's log source",
            r"MISSING    Microsoft-Windows-Sysmon/Operational: C:\Windows\System32\winevt\Logs\Microsoft-Windows-Sysmon%4Operational.evtx",
            r"MISSING    Security: C:\Windows\System32\winevt\Logs\Security.evtx",
        ],
    );
}

#[test]
fn explain_says_when_it_does_not_know_the_rule() {
    let session = session();
    session.write("bad.yml", SCAN.replace("endswith", "endswiht"));
    session.write("two.yml", format!("{SCAN}---\n{}", windows_rule()));
    for (rule, code, words) in [
        ("other_scrip", 2, ["no rule has", "`other_script` is meant?"]),
        ("bad.yml", 2, ["bad.yml:13:5: unknown modifier", "mend it"]),
        ("two.yml", 3, ["two.yml means 2 rules", "name one by its id"]),
    ] {
        let mut args = vec!["rules", "explain", rule, "u_ex210301.log"];
        args.extend(if rule == "two.yml" { vec![] } else { vec!["--rules", "rules"] });
        session.run(&args).ended(code, &words);
    }
}

#[test]
fn explain_prints_nothing_that_a_terminal_obeys() {
    let session = session();
    let hostile = iis_log().replace("/owa/auth/other.aspx", "/\u{1b}[2J\u{202e}/other.aspx");
    session.write("u_ex210301.log", hostile);
    let ran = session.run(&["rules", "explain", "rules/scan.yml", "u_ex210301.log"]);
    ran.ended(0, &[]);
    shows(&ran.out, &[r"\u{1B}[2J\u{202E}/other.aspx"]);
}

#[test]
fn coverage_names_what_is_served_and_what_would_serve_most() {
    let session = session();
    session.write(
        "rules/okta.yml",
        SCAN.replace("2d01", "2d03").replace("category: webserver", "product: okta"),
    );
    let ran = session.run(&["rules", "coverage", "u_ex210301.log", "--rules", "rules"]);
    ran.ended(0, &[]);
    shows(
        &ran.out,
        &[
            "EVIDENCE   1 file, 51 events\n",
            "Microsoft-Windows-Sysmon/Operational: C:\\Windows",
            "  1  no evidence here has its log source (product: okta)",
        ],
    );
    let json = session.run(&["rules", "coverage", "u_ex210301.log", "--rules", "rules", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let titles = |key: &str| -> Vec<String> {
        let list = value[key].as_array().unwrap().iter();
        list.map(|rule| rule["title"].as_str().unwrap().to_owned()).collect()
    };
    assert!(titles("served").contains(&"Other script".to_owned()), "{}", json.out);
    assert!(titles("unserved").contains(&"A process".to_owned()), "{}", json.out);
    let counts: Vec<u64> =
        value["missing"].as_array().unwrap().iter().map(|m| m["count"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b) && counts.len() > 2, "{counts:?}");
}

#[test]
fn tuning_hides_hits_of_the_users_rules_and_says_so() {
    let session = session();
    let assess = |tuning: &str| {
        session.write("tuning.yml", tuning);
        let args = ["u_ex210301.log", "--rules", "rules", "--tuning", "tuning.yml", "--force"];
        session.assess(&args)
    };
    let entry = "false_positives:\n  - rule: other_script\n    when: {c-ip: 198.51.100.66}\n    reason: our scanner\n";
    let ran = assess(entry);
    ran.ended(0, &[]);
    assert_eq!(ran.err, "");
    shows(&ran.out, &["TUNED      1 hit of 1 rule hidden as known to be false"]);
    let case = session.case(crate::support::CASE);
    assert!(!case.findings.iter().any(|f| f.rule.title == "Other script"));
    let tuned = case.method.tuned_out.clone().unwrap();
    assert_eq!((tuned.hidden.len(), tuned.hidden[0].hits), (1, 1));
    assert_eq!(
        (tuned.hidden[0].at.as_str(), tuned.hidden[0].reason.as_str()),
        ("tuning.yml:2:5", "our scanner")
    );
    let report =
        String::from_utf8(session.read(&format!("{}/report.html", crate::support::CASE))).unwrap();
    shows(&report, &["our scanner", "1 hit of Other script hidden"]);
    let hash = case.content.sha256;

    let ran = assess("exclude:\n  - {rule: other_script, reason: noisy}\n  - Nobody\n");
    shows(&ran.out, &["TUNED      1 rule excluded"]);
    shows(&ran.err, &["warn: tuning tuning.yml:3:5: no rule that was loaded has"]);
    let case = session.case(crate::support::CASE);
    assert_eq!(case.method.tuned_out.unwrap().exclusions[0].reason.as_deref(), Some("noisy"));
    assert_ne!(case.content.sha256, hash, "tuning is part of the content's hash");

    let ran = assess("levels:\n  - {rule: other_script, level: critical}\n");
    shows(&ran.out, &["TUNED      1 rule shown with another level"]);
    let case = session.case(crate::support::CASE);
    let finding = case.findings.iter().find(|f| f.rule.title == "Other script").unwrap();
    assert_eq!(finding.level, model::case::Severity::Critical);
    assert_eq!(
        (finding.rule.author[0].as_str(), finding.rule.license.as_str()),
        ("Somebody", "MIT")
    );
}

#[test]
fn tuning_that_would_touch_the_verdict_or_is_wrong_judges_nothing() {
    let session = session();
    for (tuning, words) in [
        ("exclude: [worker_command]\n", ["tuning.yml:1:11: ", "cannot be tuned away"]),
        (
            "false_positives: [{rule: worker_command, when: {A: x}, reason: r}]\n",
            ["tuning.yml:1:19: ", "cannot be tuned away"],
        ),
        ("exclude: [{titel: x}]\n", ["tuning.yml:1:12: ", "`title` is meant?"]),
    ] {
        session.write("tuning.yml", tuning);
        for args in [
            vec!["assess", "u_ex210301.log", "--out", "out", "--tuning", "tuning.yml"],
            vec!["rules", "check", "rules", "--tuning", "tuning.yml"],
            vec!["rules", "list", "--tuning", "tuning.yml"],
            vec!["rules", "coverage", "u_ex210301.log", "--tuning", "tuning.yml"],
            vec!["rules", "explain", "worker_command", "u_ex210301.log", "--tuning", "tuning.yml"],
        ] {
            session.run(&args).ended(2, &words);
        }
        assert_eq!(session.names("out"), [""; 0]);
    }
    session
        .run(&["assess", "u_ex210301.log", "--tuning", "gone.yml"])
        .ended(2, &["--tuning cannot be read"]);
}

#[test]
fn a_count_that_is_capped_says_so() {
    let session = session();
    session.write("u_ex210301.log", crate::support::varied_log(500));
    session.write(
        "rules/scan.yml",
        SCAN.replace("endswith: [other.aspx, more.aspx]", "contains: /owa/"),
    );
    let ran = session.assess(&["u_ex210301.log", "--rules", "rules/scan.yml"]);
    ran.ended(0, &[]);
    shows(&ran.out, &["first 200 of 500 events kept (Other script)"]);
    let case = session.case(crate::support::CASE);
    let finding = case.findings.iter().find(|f| f.rule.title == "Other script").unwrap();
    assert_eq!((finding.event_count, finding.events.len()), (500, 200));
    let report =
        String::from_utf8(session.read(&format!("{}/report.html", crate::support::CASE))).unwrap();
    shows(&report, &[" of 500; case.json and timeline.csv have the first 200."]);
    let shown = session.run(&["show", crate::support::CASE, &finding.id]);
    shows(&shown.out, &["first 200 of 500 are kept in the case"]);
}
