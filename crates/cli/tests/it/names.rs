//! What an attacker may name: files, hosts, addresses. None of it reaches a terminal raw.
#![cfg(unix)]

use std::os::unix::ffi::OsStringExt as _;

use crate::support::{CASE, IIS_HEAD, Session, finished, iis_log, tool};

/// Clears the screen, hides, turns the text around, forges a line, rings, and asks for the title.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[8m\u{202e}\u{7}\u{9b}31m\u{1b}]0;x\u{7}";

fn name(bytes: &[u8]) -> std::ffi::OsString {
    std::ffi::OsString::from_vec(bytes.to_vec())
}

#[test]
fn hostile_names_of_files_are_read_and_shown_inert() {
    let session = Session::new();
    let names: [&[u8]; 4] =
        [b"u_ex\xff\x1b[2J.log", b"a\nerror: forged.log", HOSTILE.as_bytes(), b"-\\n.log"];
    fs_err::create_dir(session.path("in")).unwrap();
    for (day, bytes) in names.iter().enumerate() {
        let log = iis_log().replace("2021-03-01", &format!("2021-03-0{}", day + 1));
        fs_err::write(session.path("in").join(name(bytes)), log).unwrap();
    }
    session.assess(&["in"]).ended(0, &[]);
    let case = session.case(CASE);
    assert_eq!((case.custody.len(), case.events.len()), (4, 4));
    assert!(case.custody.iter().any(|m| m.path.to_lowercase().contains(r"\xff")));
    for event in &case.events {
        let ran = session.run(&["show", CASE, &event.id]);
        ran.ended(0, &[]);
        assert!(ran.out.contains("its hash is the same"), "{}", ran.out);
    }
    for item in &case.custody {
        session.run(&["show", CASE, &item.id]).ended(0, &[]);
    }
}

#[test]
fn an_argument_need_not_be_utf8() {
    let session = Session::new();
    for (bytes, log, code) in [
        (&b"u_ex\xff.log"[..], iis_log(), 0),
        (b"empty\xff.log", String::new(), 2),
        (b"a\nerror: forged", String::new(), 2),
    ] {
        fs_err::write(session.path(".").join(name(bytes)), log).unwrap();
        let mut command = session.command(&["assess", "--out", "out"]);
        let ran = finished(command.arg(name(bytes)));
        ran.ended(code, &[]);
        assert!(ran.err.lines().filter(|l| l.starts_with("error: ")).count() <= 1, "{}", ran.err);
    }
    let run: serde_json::Value =
        serde_json::from_slice(&session.read(&format!("{CASE}/run.json"))).unwrap();
    assert!(run["evidence"][0].as_str().unwrap().contains("u_ex\u{fffd}.log"));
    // Where it lay cannot be told in JSON: it has to be said.
    session.run(&["show", CASE, "E1"]).ended(2, &["--evidence"]);
    let mut command = session.command(&["show", CASE, "E1", "--evidence"]);
    let ran = finished(command.arg(name(b"u_ex\xff.log")));
    assert!(ran.out.contains("its hash is the same"), "{}{}", ran.out, ran.err);
    let mut command = session.command(&["assess"]);
    finished(command.arg(name(b"--\xff\x1b[2J"))).ended(3, &["unexpected argument"]);
}

#[test]
fn hostile_words_in_records_come_out_inert() {
    let session = Session::new();
    let row = |address: &str, agent: &str| {
        format!("2021-03-01 00:00:00 192.0.2.1 GET {address} - 443 - 198.51.100.7 {agent} 404\n")
    };
    let hostile = HOSTILE.replace(' ', "");
    let log = IIS_HEAD.to_owned() + &row(&format!("/owa/auth/{hostile}.aspx"), &hostile);
    session.write("in/u_ex210301.log", log);
    let host = serde_json::to_string(&format!("EX\n{HOSTILE}/../../x")).unwrap();
    let event = format!(
        "{{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Hostname\":{host},\
         \"EventTime\":\"2021-03-01T00:00:00Z\",\"Image\":\"C:\\\\a.exe\"}}\n"
    );
    session.write("in/events.json", event);
    let ran = session.assess(&["in"]);
    ran.ended(0, &[]);
    for folder in session.names("out") {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!(folder.chars().all(plain) && folder.len() <= 64 && !folder.starts_with('.'));
        assert!(!folder.starts_with('-'), "{folder} would be taken for an option");
        let case = session.case(&format!("out/{folder}"));
        let ids = case.events.iter().map(|e| &e.id).chain(case.findings.iter().map(|f| &f.id));
        for id in ids.chain(case.claims.iter().map(|c| &c.id)) {
            session.run(&["show", &format!("out/{folder}"), id]).ended(0, &[]);
        }
    }
    assert_eq!(session.names("out").len(), 1);
}

#[test]
fn a_host_is_named_by_an_option_too() {
    for host in ["../../x", "CON", "nul.txt", "--help", "ex\u{1b}[2J01", ".hidden", "ÉX01", "a/b"]
    {
        let session = Session::new();
        session.write("u_ex210301.log", iis_log());
        session.assess(&["u_ex210301.log", &format!("--host={host}")]).ended(0, &[]);
        let names = session.names("out");
        assert_eq!(names.len(), 1, "{host}");
        assert!(names[0].starts_with(|c: char| c.is_ascii_alphanumeric()), "{host}: {names:?}");
        assert_eq!(session.names("."), ["out", "u_ex210301.log"], "{host}");
    }
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    let program = env!("CARGO_BIN_EXE_assay");
    let line = format!("{program} assess u_ex210301.log --out out --force 2>/dev/null");
    if !tool(&session, "script", &["-qec", "true", "/dev/null"]) {
        return;
    }
    for (variables, colour) in [
        (&[("TERM", "xterm")][..], true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(session.path("."));
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        let ran = finished(command.stdin(std::process::Stdio::null()));
        assert!(ran.out.contains("VERDICT"), "{}", ran.out);
        assert_eq!(ran.out.contains('\u{1b}'), colour, "{variables:?}: {:?}", ran.out);
    }
}
