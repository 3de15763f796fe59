//! Real evidence: the labelled ProxyLogon data of OTRF, and 310 event logs of attacks and quiet machines.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use model::case::{Case, Exposure, Level};

use crate::support::{cases, claim, corpus, scratch};

const ZIP: &str = "exchange/proxylogon_ssrf_rce_poc.zip";

#[test]
fn the_labelled_chain_is_told_as_it_was() {
    let Some(zip) = corpus(ZIP) else { return };
    let found = cases(&[zip]);
    let [case] = found.as_slice() else { panic!("one host, not {}", found.len()) };
    let verdict = &case.verdict;
    assert_eq!(verdict.compromise.shown, Level::Compromised);
    assert_eq!(verdict.compromise.stage, "command_execution");
    assert_eq!(verdict.exposure, Exposure::Exposed, "the chain's own success proves its hole");
    assert_eq!(case.host.build, None);
    assert!(case.impact.is_empty(), "no mail access is claimed");

    let written = claim(case, "proxylogon.web_shell_written.proven").unwrap();
    assert!(written.text.contains("ohyeah.aspx"), "{}", written.text);
    assert_eq!(written.first.unwrap().to_string(), "2021-03-14T06:40:13.659Z");
    let commands = claim(case, "proxylogon.command_execution.proven").unwrap();
    assert!(commands.text.starts_with("2021-03-14 06:40:15 UTC"), "{}", commands.text);
    assert!(commands.text.contains("whoami"), "{}", commands.text);

    let offset =
        |source: &str| case.clocks.iter().find(|c| c.logsource == source).and_then(|c| c.offset_s);
    assert_eq!(offset("windows/sysmon"), Some(18_000));
    assert_eq!(offset("windows/security"), Some(18_000), "pairs with Sysmon prove it");
    let itself = claim(case, "source_is_the_host").unwrap();
    assert!(itself.text.contains("127.0.0.1"), "{}", itself.text);
}

/// The events of the archive that pass, as an archive of their own.
fn filtered(
    name: &str,
    keep: impl Fn(&serde_json::Value) -> bool,
) -> Option<(tempfile::TempDir, PathBuf)> {
    let zip = corpus(ZIP)?;
    let mut archive = zip::ZipArchive::new(fs_err::File::open(zip).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    let folder = scratch();
    let path = folder.path().join(name);
    let mut out = std::io::BufWriter::new(fs_err::File::create(&path).unwrap());
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        if keep(&serde_json::from_str(line).unwrap()) {
            writeln!(out, "{line}").unwrap();
        }
    }
    out.flush().unwrap();
    drop(out);
    Some((folder, path))
}

#[test]
fn without_the_write_the_rest_still_shows_the_break_in() {
    let keep = |event: &serde_json::Value| {
        let (channel, id) =
            (event["Channel"].as_str().unwrap_or_default(), event["EventID"].as_u64());
        !(channel.contains("Sysmon") && id == Some(11) || channel == "Security" && id == Some(5145))
    };
    let Some((_folder, path)) = filtered("events.json", keep) else { return };
    let found = cases(&[path]);
    assert_eq!(found[0].verdict.headline, "COMPROMISED");
    assert_eq!(found[0].verdict.compromise.stage, "command_execution");
}

#[test]
fn without_the_seven_seconds_nothing_is_shown_and_nothing_is_excluded() {
    let keep = |event: &serde_json::Value| {
        let time = event["TimeCreated"].as_str().unwrap_or_default();
        !("2021-03-14T01:40:10.7".."2021-03-14T01:40:17.7").contains(&time)
    };
    let Some((_folder, path)) = filtered("events.json", keep) else { return };
    let found = cases(&[path]);
    let compromise = &found[0].verdict.compromise;
    assert_eq!((compromise.shown, compromise.not_excluded), (Level::None, Level::Compromised));
    assert_eq!(found[0].verdict.headline, "INSUFFICIENT EVIDENCE");
}

#[test]
fn the_event_logs_make_a_case_for_each_host_and_no_exchange_chain() {
    let Some(folder) = corpus("evtx") else { return };
    let files = fs_err::read_dir(&folder).unwrap().count();
    let found = cases(&[folder]);
    assert!(found.len() > 10, "{} hosts", found.len());
    let custody: BTreeSet<&str> =
        found.iter().flat_map(|c| &c.custody).map(|m| m.path.as_str()).collect();
    assert_eq!(custody.len(), files, "every file in custody");
    let folders: BTreeSet<&str> = found.iter().map(|c| c.case_id.as_str()).collect();
    assert_eq!(folders.len(), found.len(), "every host has a folder of its own");
    for case in &found {
        assert!(!case.verdict.green, "{}", case.case_id);
        let exchange: Vec<&str> = case
            .claims
            .iter()
            .filter(|c| c.statement.starts_with("proxylogon."))
            .map(|c| c.statement.as_str())
            .collect();
        assert!(exchange.is_empty(), "{}: {exchange:?}", case.case_id);
    }
    let shown: Vec<&Case> =
        found.iter().filter(|c| c.verdict.compromise.shown == Level::Compromised).collect();
    for case in &shown {
        println!("{}: {:?}", case.case_id, case.verdict.claims);
    }
    assert!(!shown.is_empty(), "web shell use in one of the files is shown by the generic checks");
}
