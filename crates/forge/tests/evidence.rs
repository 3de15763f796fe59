//! What is forged keeps what it promises: the same bytes twice, lines of the real form, no silent hour, and a
//! truth file that points at lines which exist.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use assay_forge::{
    Damage, EventForm, Length, Moment, Pick, Protocol, Scenario, Selection, Source, Truth, builtin,
    builtin_names, forge, write_to_folder,
};

type Files = BTreeMap<String, Vec<u8>>;

fn scenario(name: &str) -> Scenario {
    Scenario::parse(builtin(name).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn made(scenario: &Scenario) -> (Files, Truth) {
    let mut files = Vec::new();
    let truth = forge(scenario, &mut files).unwrap();
    let count = files.len();
    let files: Files = files.into_iter().collect();
    assert_eq!(files.len(), count, "a path was written twice");
    (files, truth)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All lines of the files whose path holds `part`, head lines left out.
fn rows(files: &Files, part: &str) -> Vec<String> {
    let chosen = files.iter().filter(|(path, _)| path.contains(part));
    let lines =
        chosen.flat_map(|(_, bytes)| text(bytes).lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|l| !l.trim_start_matches('\u{feff}').starts_with('#')).collect()
}

#[test]
fn every_builtin_scenario_parses_builds_and_is_named_as_its_file() {
    for name in builtin_names() {
        let scenario = scenario(name);
        assert_eq!(scenario.name, name);
        let (files, truth) = made(&scenario);
        assert!(!files.is_empty(), "{name}");
        assert!(truth.label.contains("SYNTHETIC"));
        let bytes: usize = files.values().map(Vec::len).sum();
        let most = if name == "demo" { 18_000_000 } else { 8_000_000 };
        assert!(bytes < most, "{name}: {bytes} bytes");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let first = scenario("compromised");
    let mut other = first.clone();
    other.seed += 1;
    let (a, truth_a) = made(&first);
    let (b, truth_b) = made(&first);
    assert!(a == b);
    assert_eq!(truth_a.to_json(), truth_b.to_json());
    let (c, _) = made(&other);
    assert!(a != c);
}

#[test]
fn an_attack_does_not_move_the_harmless_lines() {
    let with = scenario("compromised");
    let mut without = with.clone();
    without.operations.clear();
    let (a, truth) = made(&with);
    let (b, _) = made(&without);
    let carried: BTreeSet<String> =
        truth.acts.iter().flat_map(|act| &act.carried_by).map(|r| line_of(&a, r)).collect();
    for source in ["W3SVC1", "W3SVC2", "HttpProxy/Ecp", "HttpProxy/Owa", "ECP/Server"] {
        let harmless: Vec<String> =
            rows(&a, source).into_iter().filter(|l| !carried.contains(l)).collect();
        assert_eq!(harmless, rows(&b, source), "{source}");
    }
}

#[test]
fn a_scenario_made_in_memory_is_held_to_the_same_rules() {
    let mut escaping = scenario("quiet");
    escaping.host.name = "../EX01".to_owned();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    assert!(forge(&escaping, &mut files).is_err());
    assert!(files.is_empty());
}

fn line_of(files: &Files, reference: &assay_forge::LineRef) -> String {
    let bytes = &files[&reference.file];
    text(&bytes[reference.offset..reference.offset + reference.length])
}

#[test]
fn the_truth_points_at_lines_that_exist() {
    for name in builtin_names() {
        let (files, truth) = made(&scenario(name));
        let mut by_file: BTreeMap<&str, Vec<&assay_forge::LineRef>> = BTreeMap::new();
        for reference in truth.acts.iter().flat_map(|act| &act.carried_by) {
            by_file.entry(&reference.file).or_default().push(reference);
        }
        for (file, references) in by_file {
            let all = text(&files[file]);
            let lines: Vec<&str> = all.lines().collect();
            for reference in references {
                let by_number = lines.get(reference.line - 1).copied().unwrap_or_default();
                assert_eq!(by_number, line_of(&files, reference), "{name} {reference:?}");
            }
        }
        for act in &truth.acts {
            let seen = !act.carried_by.is_empty() || !act.lost.is_empty();
            assert!(seen, "{name}: {} left no trace at all", act.did);
        }
    }
}

#[test]
fn lines_of_the_attack_hold_its_address_or_its_file() {
    let (files, truth) = made(&scenario("demo"));
    for act in &truth.acts {
        for reference in &act.carried_by {
            let line = line_of(&files, reference);
            if reference.source == Source::IisFront || matches!(reference.source, Source::Proxy(_))
            {
                assert!(line.contains(&act.from), "{line}");
            }
        }
    }
    let answered = rows(&files, "W3SVC1")
        .into_iter()
        .filter(|l| l.contains("SignOutNotice") && l.contains(" 200 0 0 "));
    let days: Vec<String> = answered.map(|l| l[..10].to_owned()).collect();
    assert_eq!(days.len(), 9);
    assert_eq!(days.last().unwrap(), "2021-03-12");
}

/// Times of a source's rows, as shown.
fn times(files: &Files, part: &str, of: impl Fn(&str) -> Option<Moment>) -> Vec<Moment> {
    rows(files, part).iter().filter_map(|line| of(line)).collect()
}

fn iis_time(line: &str) -> Option<Moment> {
    Moment::try_from(format!("{}Z", line.get(..19)?.replace(' ', "T"))).ok()
}

fn first_cell(line: &str) -> Option<Moment> {
    Moment::try_from(line.split(',').next()?.to_owned()).ok()
}

fn event_time(line: &str) -> Option<Moment> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let system = "/Event/System/TimeCreated/#attributes/SystemTime";
    let time = value.get("TimeCreated").or_else(|| value.pointer(system))?;
    Moment::try_from(time.as_str()?.to_owned()).ok()
}

#[test]
fn no_kept_source_is_silent_for_an_hour() {
    for name in ["demo", "quiet", "compromised", "other_forms", "quiet_rolled"] {
        let scenario = scenario(name);
        let (files, _) = made(&scenario);
        let mut series = vec![
            ("W3SVC1", times(&files, "W3SVC1", iis_time)),
            ("W3SVC2", times(&files, "W3SVC2", iis_time)),
            ("ECP/Server", times(&files, "ECP/Server", first_cell)),
        ];
        for protocol in Protocol::ALL {
            let part = format!("/HttpProxy/{}/", protocol.folder());
            series.push((protocol.folder(), times(&files, &part, first_cell)));
        }
        for events in ["Sysmon", "Security", "Application", "MSExchange Management"] {
            series.push((events, times(&files, events, event_time)));
        }
        for (source, times) in series {
            assert!(times.is_sorted(), "{name} {source}");
            let mut edges = vec![scenario.span.from];
            edges.extend(times);
            edges.push(scenario.span.to);
            let longest = edges.windows(2).map(|w| w[1].millis() - w[0].millis()).max().unwrap();
            assert!(longest <= 3_600_000, "{name} {source}: silent for {longest} ms");
        }
    }
}

#[test]
fn every_facet_of_the_event_logs_speaks_each_hour() {
    let scenario = scenario("quiet");
    let (files, _) = made(&scenario);
    for (file, id) in [("Sysmon", 1), ("Sysmon", 11), ("Security", 4688), ("Security", 5145)] {
        let wanted = format!("\"EventID\":{id},");
        let mut times =
            times(&files, file, |line| line.contains(&wanted).then(|| event_time(line))?);
        times.push(scenario.span.to);
        let longest = times.windows(2).map(|w| w[1].millis() - w[0].millis()).max().unwrap();
        assert!(longest <= 3_600_000, "{file} {id}: {longest}");
    }
}

#[test]
fn proxy_rows_have_the_columns_of_their_head_and_hourly_files() {
    let (files, _) = made(&scenario("demo"));
    for (path, bytes) in files.iter().filter(|(path, _)| path.contains("/HttpProxy_")) {
        let all = text(bytes);
        let head = all.lines().find_map(|l| l.strip_prefix("#Fields: ")).unwrap();
        let columns: Vec<&str> = head.split(',').collect();
        let hour = &path[path.len() - 16..path.len() - 6];
        for row in rows(&Files::from([(path.clone(), bytes.clone())]), "") {
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells.len(), columns.len(), "{path}: {row}");
            assert_eq!(cells[0][..13].replace(['-', 'T'], ""), hour, "{path}");
        }
    }
}

#[test]
fn builds_change_in_heads_and_rows_at_the_same_moment() {
    let scenario = scenario("demo");
    let (files, _) = made(&scenario);
    let patched = scenario.builds[1].at;
    for row in rows(&files, "/HttpProxy/Owa/") {
        let cells: Vec<&str> = row.split(',').collect();
        let revision = if first_cell(&row).unwrap() >= patched { "13" } else { "2" };
        assert_eq!(cells[2..6], ["15", "1", "2106", revision]);
    }
    let after = &files["EX01/C/Program Files/Microsoft/Exchange Server/V15/Logging/HttpProxy/Owa/HttpProxy_2021031121-2.LOG"];
    assert!(text(after).contains("#Version: 15.01.2106.013"));
    let iis = &files["EX01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210311.log"];
    assert_eq!(text(iis).matches("#Fields:").count(), 2, "a restart writes the head again");
}

#[test]
fn events_are_json_and_hold_the_host_and_what_the_form_promises() {
    let (flat, _) = made(&scenario("compromised"));
    let (nested, _) = made(&scenario("other_forms"));
    for line in rows(&flat, ".jsonl") {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["Hostname"], "EX01.contoso.example");
    }
    for line in rows(&nested, ".jsonl") {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["Event"]["System"]["Computer"], "EX01.contoso.example");
        assert!(value["Event"]["EventData"].is_object());
    }
    for (path, bytes) in nested.iter().filter(|(path, _)| path.contains("/HttpProxy_")) {
        assert!(text(bytes).starts_with("\u{feff}DateTime,RequestId,"), "{path}");
    }
    let setup = text(&nested["EX01/C/ExchangeSetupLogs/ExchangeSetup.log"]);
    assert!(setup.starts_with("[02/28/2021 02:30:00.0000]") && setup.contains("(UTC-06:00)"));
    let management = rows(&nested, "MSExchange Management");
    let set = management.iter().find(|l| l.contains("SYNTHETIC")).unwrap();
    let value: serde_json::Value = serde_json::from_str(set).unwrap();
    let data = &value["Event"]["EventData"]["Data"]["#text"];
    assert_eq!(data[0], "Set-OabVirtualDirectory");
    assert!(data[1].as_str().unwrap().starts_with("-ExternalUrl "));
    assert!(data[6].as_str().unwrap().ends_with("w3wp#MSExchangeECPAppPool"));
    assert_eq!(scenario("other_forms").event_form, EventForm::Nested);
}

#[test]
fn nothing_written_is_a_script() {
    for name in builtin_names() {
        let (files, truth) = made(&scenario(name));
        for (path, bytes) in &files {
            let all = text(bytes).to_ascii_lowercase();
            for code in ["eval(", "request[", "request.item", "page_load", "<%"] {
                assert!(!all.contains(code), "{name}: {path} holds {code}");
            }
        }
        for path in truth.placed.iter().filter_map(|file| file.evidence.as_ref()) {
            let all = text(&files[path]);
            assert!(all.contains("SYNTHETIC placeholder, not a script") && !all.contains('<'));
        }
    }
}

#[test]
fn each_damage_takes_what_it_says_and_the_truth_says_so() {
    let whole = scenario("compromised");
    let (all, _) = made(&whole);
    let ecp = Selection::one(Source::EcpServer);
    let time = whole.operations[0].at.plus(-3_600_000);
    let at = whole.operations[0].at;
    let cases = [
        (Damage::DropSource { sources: ecp.clone() }, "ECP/Server", "drop_source"),
        (Damage::CutAfter { sources: ecp.clone(), time }, "ECP/Server", "cut_after"),
        (
            Damage::CutBefore { sources: ecp.clone(), time: at.plus(3_600_000) },
            "ECP/Server",
            "cut_before",
        ),
        (
            Damage::DropLines { sources: ecp.clone(), operations: Vec::new() },
            "ECP/Server",
            "drop_lines",
        ),
        (
            Damage::DropHours { sources: ecp, from: time, to: at.plus(3_600_000) },
            "ECP/Server",
            "drop_hours",
        ),
        (
            Damage::TruncateFile { file: "ECPServer20210302".to_owned(), keep_percent: 3 },
            "ECP/Server",
            "truncate_file",
        ),
        (
            Damage::Corrupt { file: "ECPServer20210302".to_owned(), bytes: 9_000 },
            "ECP/Server",
            "corrupt",
        ),
    ];
    for (damage, part, word) in cases {
        let (files, truth) = made(&whole.with(damage));
        let lost: usize = truth
            .acts
            .iter()
            .flat_map(|a| &a.lost)
            .filter(|l| l.cause == word)
            .map(|l| l.lines)
            .sum();
        assert_eq!(lost, 3, "{word}: all three lines of the attack in this log");
        assert!(rows(&files, part) != rows(&all, part), "{word}");
        for (path, bytes) in all.iter().filter(|(path, _)| !path.contains(part)) {
            assert!(files[path] == *bytes, "{word} changed {path}");
        }
        assert!(
            truth.acts.iter().flat_map(|a| &a.carried_by).all(|r| r.source != Source::EcpServer)
        );
    }
}

#[test]
fn a_placed_file_is_there_until_somebody_takes_it() {
    let web = || Selection::one(Source::WebRoot);
    let whole = scenario("compromised");
    let dropped = whole.with(Damage::DropSource { sources: web() });
    let wiped = whole.with(Damage::DropLines { sources: web(), operations: Vec::new() });
    let other =
        whole.with(Damage::DropLines { sources: web(), operations: vec!["scanner".to_owned()] });
    let removed = scenario("shell_removed");
    for (scenario, there, cause) in [
        (whole, true, None),
        (dropped, false, Some("drop_source")),
        (wiped, false, Some("drop_lines")),
        (other, true, None),
        (removed, false, None),
    ] {
        let (files, truth) = made(&scenario);
        let shell = files.keys().find(|path| path.contains("SignOutNotice"));
        assert_eq!(shell.is_some(), there, "{cause:?}");
        assert_eq!(truth.placed[0].evidence.as_ref(), shell);
        let lost = truth.acts.iter().flat_map(|a| &a.lost).find(|l| l.source == Source::WebRoot);
        assert_eq!(lost.map(|l| l.cause), cause);
    }
}

#[test]
fn a_shifted_clock_moves_the_head_and_not_the_body() {
    let (shifted, _) = made(&scenario("clock_shift"));
    for line in rows(&shifted, "Sysmon") {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let body = value["UtcTime"].as_str().unwrap().replace(' ', "T");
        let body = Moment::try_from(format!("{body}Z")).unwrap();
        let apart = body.millis() - event_time(&line).unwrap().millis();
        assert!((5 * 3_600_000 - 10..=5 * 3_600_000).contains(&apart), "{line}");
    }
    let back = Length::try_from("-5h".to_owned()).unwrap();
    assert_eq!(back.millis(), -18_000_000);
}

#[test]
fn wiped_lines_are_gone_from_the_web_logs_and_stay_elsewhere() {
    let (files, truth) = made(&scenario("wiped"));
    for part in ["W3SVC1", "/HttpProxy/"] {
        assert!(
            rows(&files, part)
                .iter()
                .all(|l| !l.contains("203.0.113.87") && !l.contains("SignOutNotice"))
        );
    }
    let left: BTreeSet<Source> =
        truth.acts.iter().flat_map(|a| &a.carried_by).map(|r| r.source).collect();
    assert_eq!(
        left,
        BTreeSet::from([Source::EcpServer, Source::Sysmon, Source::Security, Source::Management])
    );
}

#[test]
fn the_table_holds_only_what_the_script_copies() {
    let (files, truth) = made(&scenario("table_only"));
    assert_eq!(files.len(), 1);
    let lines = rows(&files, "Cve-2021-26855.csv");
    assert!(lines[0].starts_with("\"DateTime\",\"RequestId\""));
    assert_eq!(lines.len(), 1 + 5, "five requests name a path that is not autodiscover's");
    assert!(
        lines[1..].iter().all(|l| l.contains("ServerInfo~a]@EX01") && !l.contains("/autodiscover"))
    );
    assert!(
        truth.acts.iter().flat_map(|a| &a.carried_by).all(|r| r.source == Source::TestProxyLogon)
    );
}

#[test]
fn unsuitable_scenarios_are_refused_with_a_reason() {
    let good = builtin("compromised").unwrap();
    for (from, to, reason) in [
        ("label: SYNTHETIC", "label: real", "SYNTHETIC"),
        ("203.0.113.87", "8.8.8.8", "documentation range"),
        ("owa/auth/SignOutNotice.aspx", "owa/../../../x.aspx", "shell"),
        ("15.1.2106.2,", "15.1.2106,", "four numbers"),
        ("from: \"2021-02-28", "from: \"2021-04-28", "span"),
        ("act: ssrf,", "act: sing,", "sing"),
        ("act: ssrf, after: 0s,", "act: ssrf, after: 0s, colour: red,", "colour"),
        ("seed: 16", "seed: 16\nhost: {name: \"../EX\"}", "host.name"),
        ("seed: 16", "seed: 16\nhost: {domain: contoso.com}", ".example"),
        ("seed: 16", "seed: 16\ncolour: red", "colour"),
        ("seed: 16", "seed: 16\nsources: [attic]", "attic"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Scenario::parse(&good.replacen(from, to, 40)).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
    }
}

#[test]
fn a_folder_gets_evidence_truth_and_label_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    write_to_folder(&scenario("quiet_patched"), folder.path()).unwrap();
    let mut names: Vec<String> = fs_err::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["SYNTHETIC.txt", "evidence", "truth.json"]);
    let truth = fs_err::read_to_string(folder.path().join("truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    assert_eq!(truth["label"], "SYNTHETIC");
    assert!(folder.path().join("evidence/EX01/C/ExchangeSetupLogs/ExchangeSetup.log").is_file());
}

#[test]
fn kept_sources_are_those_chosen_and_not_dropped() {
    assert!(!scenario("no_sysmon").kept_sources().contains(&Source::Sysmon));
    assert_eq!(scenario("table_only").kept_sources(), [Source::TestProxyLogon]);
    let all = Selection(vec![Pick::All]);
    assert!(Source::all().into_iter().all(|s| all.contains(s)));
}

fn corpus() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test finds the corpus by the environment")]
    let root = std::env::var("ASSAY_CORPUS").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus")),
        PathBuf::from,
    );
    let file = root.join("exchange/benign-log-samples.md");
    if file.is_file() {
        return Some(file);
    }
    println!("SKIPPED: no corpus at {}; set ASSAY_CORPUS", root.display());
    None
}

#[test]
fn heads_are_those_of_real_logs() {
    let Some(file) = corpus() else { return };
    let sample = fs_err::read_to_string(file).unwrap();
    let real = |kind: &str| {
        let after = sample.split_once(&format!("#Log-type: {kind}")).unwrap().1;
        let line = after.lines().find(|l| l.starts_with("#Fields: ")).unwrap();
        line.trim_end().to_owned()
    };
    let (files, _) = made(&scenario("quiet"));
    let ours = |part: &str| {
        let bytes = files.iter().find(|(path, _)| path.contains(part)).unwrap().1;
        text(bytes).lines().find(|l| l.starts_with("#Fields: ")).unwrap().to_owned()
    };
    assert_eq!(ours("/HttpProxy/Owa/"), real("HttpProxy Logs"));
    assert_eq!(ours("/HttpProxy/Eas/"), real("HttpProxy Logs"));
    assert_eq!(ours("/ECP/Server/"), real("ECP Server Log"));
    let iis = sample.lines().find(|l| l.starts_with("# Fields: date time s-ip")).unwrap();
    assert_eq!(ours("W3SVC1"), iis.replacen("# ", "#", 1).trim_end());
    let row = sample.lines().find(|l| l.contains(",ECP.Request,")).unwrap();
    let keys = |line: &str| line.match_indices(";S:").count();
    assert_eq!(keys(&rows(&files, "/ECP/Server/")[0]), keys(row), "the same parts in a row");
}
