//! Which host a record belongs to.

use std::path::{Path, PathBuf};

use model::case::{Case, CoverageState};

use crate::support::{cases, run, scratch};

const IIS: &str = "#Software: Microsoft Internet Information Services 10.0\n\
    #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n\
    2021-03-01 00:00:01 192.0.2.1 GET /owa/ - 443 - 198.51.100.7 Mozilla/5.0 200\n";

fn event(host: &str, hour: u32) -> String {
    format!(
        r#"{{"Channel":"Security","EventID":4624,"Hostname":"{host}","SourceName":"Microsoft-Windows-Security-Auditing","TimeCreated":"2021-03-01T{hour:02}:00:00.000Z"}}"#
    )
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(&path, text).unwrap();
    path
}

fn names(cases: &[Case]) -> Vec<&str> {
    cases.iter().map(|c| c.case_id.as_str()).collect()
}

fn reads(case: &Case, source: &str) -> bool {
    case.coverage.iter().any(|c| c.logsource == source && c.state == CoverageState::Present)
}

#[test]
fn a_nameless_log_belongs_to_the_one_host_of_its_collection() {
    let dir = scratch();
    write(dir.path(), "EX01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210301.log", IIS);
    write(dir.path(), "EX01/C/Windows/System32/winevt/Logs/Security.json", &event("EX01", 1));
    let found = cases(&[dir.path().to_owned()]);
    assert_eq!(names(&found), ["ex01"]);
    assert!(reads(&found[0], "iis/front-end") && reads(&found[0], "windows/security"));
}

#[test]
fn short_and_full_name_are_one_host_within_a_collection() {
    let dir = scratch();
    let text = [event("EX01", 1), event("EX01.contoso.example", 2)].join("\n");
    write(dir.path(), "events.json", &text);
    let found = cases(&[dir.path().to_owned()]);
    assert_eq!(names(&found), ["ex01.contoso.example"]);
    assert_eq!(found[0].host.names, ["EX01.contoso.example", "EX01"]);
}

#[test]
fn a_nameless_log_among_two_hosts_lends_coverage_to_neither() {
    let dir = scratch();
    write(dir.path(), "events.json", &[event("EX01", 1), event("EX02", 2)].join("\n"));
    write(dir.path(), "u_ex210301.log", IIS);
    let found = cases(&[dir.path().to_owned()]);
    assert_eq!(names(&found), ["_unattributed-1", "ex01", "ex02"]);
    assert!(reads(&found[0], "iis/front-end"));
    assert!(!reads(&found[1], "iis/front-end") && !reads(&found[2], "iis/front-end"));
}

#[test]
fn two_drives_of_two_hosts_stay_apart() {
    let dir = scratch();
    for (host, hour) in [("EX01", 1), ("EX02", 2)] {
        write(dir.path(), &format!("{host}/C/inetpub/logs/LogFiles/W3SVC1/u_ex210301.log"), IIS);
        let log = format!("{host}/C/Windows/System32/winevt/Logs/Security.json");
        write(dir.path(), &log, &event(host, hour));
    }
    let found = cases(&[dir.path().to_owned()]);
    assert_eq!(names(&found), ["ex01", "ex02"]);
    assert!(found.iter().all(|c| reads(c, "iis/front-end")), "equal logs count for both");
}

#[test]
fn the_name_that_the_user_gives_is_taken() {
    let dir = scratch();
    let log = write(dir.path(), "u_ex210301.log", IIS);
    assert_eq!(names(&cases(std::slice::from_ref(&log))), ["_unattributed-1"]);
    assert_eq!(names(&run(&[log], 2, None, Some("MAIL7"))), ["mail7"]);
}

#[test]
fn a_host_of_no_pack_is_judged_by_what_holds_for_every_host() {
    let dir = scratch();
    write(dir.path(), "events.json", &event("WS07", 1));
    let found = cases(&[dir.path().to_owned()]);
    assert_eq!(found[0].host.product, None);
    assert_eq!(found[0].verdict.headline, "INSUFFICIENT EVIDENCE");
    assert_eq!(found[0].windows.len(), 1, "the unknown way in alone");
}
