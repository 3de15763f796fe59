//! The corpus: what must fire on the labelled case, and silence on everything else.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::Bench;
use crate::testing::{content_files, corpus, workspace};

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

#[test]
fn the_labelled_case_fires_what_its_label_says_and_nothing_else() {
    let Some(corpus) = corpus() else { return };
    let events = flattened(&corpus.join("exchange/proxylogon_ssrf_rce_poc.zip"));
    assert_eq!(events.len(), 10_487);
    let found = Bench::new().count(&events);
    let expected = counts(&[
        ("exchange_cmdlet_oab_reset", 1),
        ("exchange_cmdlet_vdir_script", 1),
        ("exchange_ecp_forged_url", 1),
        ("exchange_script_written", 1),
        ("exchange_script_written_share", 2),
        ("exchange_worker_command", 2),
        ("unlisted_compiled_page", 1),
        ("worker_command", 4),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn both_logs_of_the_labelled_case_tell_the_same_starts() {
    let Some(corpus) = corpus() else { return };
    let events = flattened(&corpus.join("exchange/proxylogon_ssrf_rce_poc.zip"));
    let mut bench = Bench::new();
    let mut starts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for value in &events {
        bench.fired(value);
        for stated in bench.outcome.observations.iter().filter(|o| &*o.kind == "process_start") {
            let logsource = bench.outcome.logsources[0].to_string();
            starts.entry(stated.value.to_string()).or_default().push(logsource);
        }
    }
    let both = starts.values().filter(|s| s.len() == 2 && s[0] != s[1]).count();
    assert!(both >= 10, "{both} of {} starts are in both logs", starts.len());
}

#[test]
fn the_real_text_logs_hold_one_shell_request() {
    let Some(corpus) = corpus() else { return };
    let rows = text_log_rows(&corpus.join("exchange/benign-log-samples.md"));
    assert!(rows.len() >= 15, "{} rows", rows.len());
    assert_eq!(Bench::new().count(&rows), counts(&[("unlisted_script_answered", 1)]));
}

#[test]
fn no_exchange_rule_fires_on_the_records_of_other_attacks() {
    let Some(corpus) = corpus() else { return };
    let mut files = Vec::new();
    json_files(&corpus.join("sigma/regression_data"), &mut files);
    assert!(files.len() >= 99, "{} files", files.len());
    let events: Vec<Json> = files.iter().flat_map(|f| nested(f)).collect();
    let found = Bench::new().count(&events);
    println!("{} events of {} files: {found:?}", events.len(), files.len());
    let exchange: Vec<_> = found.keys().filter(|name| name.contains("exchange")).collect();
    assert!(exchange.is_empty(), "{found:?}");
}

#[test]
fn known_harmless_requests_fire_nothing() {
    let mut bench = Bench::new();
    let files = content_files();
    let probes = files.iter().find(|f| f.name.ends_with("benign-probes.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(probes.bytes.as_slice());
    let mut tried = 0;
    for row in reader.records().map(Result::unwrap) {
        let Some((stem, query)) = harmless_url(&row[0]) else { continue };
        // A friendly test of a hole is a scan all the same.
        let is_test = row[2].contains("check by");
        tried += 1;
        for status in ["200", "302", "404", "500"] {
            let iis = json!({"family": "iis-w3c", "fields": {"cs-method": "GET", "cs-uri-stem": stem,
                "cs-uri-query": query, "s-port": "443", "sc-status": status, "c-ip": "::1"}});
            let proxy = json!({"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {
                "Method": "GET", "UrlStem": stem, "UrlQuery": query, "HttpStatus": status,
                "AnchorMailbox": "Sid~S-1-5-21-1-2-3-1142", "Protocol": "Owa"}});
            for value in [iis, proxy] {
                let mut fired = bench.fired(&value);
                fired.retain(|name| !(is_test && name.starts_with("exchange_detour_")));
                assert!(fired.is_empty(), "{} {status}: {fired:?}", &row[0]);
            }
        }
    }
    assert!(tried >= 15, "{tried} patterns");
}

/// Stem and query of a pattern that is a URL path (some begin with a method or a host).
fn harmless_url(pattern: &str) -> Option<(String, String)> {
    let url = pattern.strip_prefix("GET ").unwrap_or(pattern);
    let url = url.strip_prefix("https://localhost:444").unwrap_or(url);
    let url = url.split(' ').next()?.replace('*', "name@example.com");
    if !url.starts_with('/') {
        return None;
    }
    let (stem, query) = url.split_once('?').unwrap_or((&url, ""));
    Some((stem.to_owned(), query.to_owned()))
}

/// The events of a zip with one file of flattened JSON lines.
fn flattened(path: &Path) -> Vec<Json> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(read(path))).unwrap();
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(|line| windows_event(serde_json::from_str(line).unwrap())).collect()
}

/// A flattened event as a reader makes it: the body first, then the names of the head.
fn windows_event(mut body: Map<String, Json>) -> Json {
    let mut take = |name: &str| body.remove(name).unwrap_or(Json::Null);
    let (channel, provider, id) = (take("Channel"), take("SourceName"), take("EventID"));
    let host = take("Hostname");
    for (name, value) in
        [("Channel", &channel), ("Provider_Name", &provider), ("EventID", &id), ("Computer", &host)]
    {
        body.entry(name).or_insert(value.clone());
    }
    json!({"family": "windows-event", "channel": channel, "provider": provider, "event_id": id,
        "host": host, "fields": body})
}

/// The events of a file in the form of the event log's own XML.
fn nested(path: &Path) -> Vec<Json> {
    let text = String::from_utf8(read(path)).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match value.unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            Json::Array(several) => values.extend(several),
            one => values.push(one),
        }
    }
    values.iter().map(|value| windows_event(flatten(&value["Event"]))).collect()
}

fn flatten(event: &Json) -> Map<String, Json> {
    let mut body = Map::new();
    for part in ["EventData", "UserData"] {
        leaves(&event[part], &mut body);
    }
    let system = &event["System"];
    body.insert("Channel".into(), system["Channel"].clone());
    body.insert("SourceName".into(), system["Provider"]["#attributes"]["Name"].clone());
    body.insert("Hostname".into(), system["Computer"].clone());
    let id = &system["EventID"];
    body.insert("EventID".into(), if id.is_object() { id["#text"].clone() } else { id.clone() });
    body
}

fn leaves(value: &Json, body: &mut Map<String, Json>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        if value.is_object() {
            leaves(value, body);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
}

/// The rows of the logs quoted in a page: those with a `#Fields` line, and the one of IIS.
fn text_log_rows(path: &Path) -> Vec<Json> {
    let text = String::from_utf8(read(path)).unwrap();
    let mut rows = Vec::new();
    let (mut fields, mut log_type, mut version) = (Vec::new(), String::new(), String::new());
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#Log-type: ") {
            log_type = value.to_owned();
        } else if let Some(value) = line.strip_prefix("#Version: ") {
            version = value.to_owned();
        } else if let Some(value) = line.strip_prefix("#Fields: ") {
            fields = value.split(',').map(str::to_owned).collect();
        } else if line.starts_with("```") {
            fields.clear();
        } else if !fields.is_empty() {
            rows.push(exchange_row(&log_type, &version, &fields, line));
        } else if line.starts_with("20") && line.contains("/owa/") {
            rows.push(iis_row(line));
        }
    }
    rows
}

fn exchange_row(log_type: &str, version: &str, names: &[String], line: &str) -> Json {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next().unwrap().unwrap();
    let mut fields = Map::new();
    for (name, cell) in names.iter().zip(&record) {
        let value = if cell.is_empty() { Json::Null } else { json!(cell) };
        fields.insert(name.clone(), value);
    }
    let data = fields.get("EventData").and_then(Json::as_str).unwrap_or_default().to_owned();
    for (name, value) in data.split(";S:").filter_map(|part| part.split_once('=')) {
        fields.insert(name.trim_start_matches("S:").to_owned(), json!(value));
    }
    fields.insert("LogVersion".into(), json!(version));
    json!({"family": "exchange-log", "channel": log_type, "fields": fields})
}

/// The page's IIS line has blanks in its user agent: what stands before it and behind it is sure.
fn iis_row(line: &str) -> Json {
    let cells: Vec<&str> = line.split(' ').collect();
    json!({"family": "iis-w3c", "fields": {"cs-method": cells[3], "cs-uri-stem": cells[4],
        "cs-uri-query": cells[5], "s-port": cells[6], "c-ip": cells[8], "s-ip": cells[2],
        "sc-status": cells[cells.len() - 4]}})
}

#[expect(clippy::disallowed_methods, reason = "fs_err is no dependency of this crate")]
fn json_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "fs_err is no dependency of this crate")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_facts_carried_in_are_the_facts() {
    let facts = workspace().join("../shared/facts");
    if !facts.is_dir() {
        println!("NOT RUN: no facts at {}", facts.display());
        return;
    }
    for (own, fact) in [
        ("known-files.csv", "exchange-known-files.csv"),
        ("known-files-builds.txt", "exchange-known-files-builds.txt"),
        ("benign-probes.csv", "benign-probes.csv"),
    ] {
        let own = read(&workspace().join("content/packs/exchange").join(own));
        assert_eq!(own, read(&facts.join(fact)), "{fact}");
    }
}
