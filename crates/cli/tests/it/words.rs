//! What the program prints beside verdicts.

use crate::support::{Session, iis_log};

#[test]
fn the_schema_is_the_committed_one() {
    let session = Session::new();
    let ran = session.run(&["schema"]);
    let committed = include_str!("../../../publish/schema/case-1.schema.json");
    assert_eq!((ran.code, ran.out.trim()), (0, committed.trim()));
}

#[test]
fn formats_names_what_is_read() {
    let ran = Session::new().run(&["formats"]);
    for kind in ["evtx", "json-events", "iis-w3c", "exchange-httpproxy", "test-proxylogon", "7z"] {
        assert!(ran.out.contains(kind), "{kind}");
    }
}

#[test]
fn without_a_terminal_there_is_no_colour_and_no_progress() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    let ran = session.run(&["assess", "u_ex210301.log", "--out", "out"]);
    assert!(!ran.out.contains('\u{1b}'));
    assert_eq!(ran.err, "");
    assert!(ran.out.starts_with("VERDICT"), "{}", ran.out);
    assert!(ran.out.contains("TOOK"), "{}", ran.out);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let session = Session::new();
    assert!(session.run(&["--help"]).out.contains("Exit codes:"));
    assert!(session.run(&["assess", "--help"]).out.contains("Examples:"));
    assert!(session.run(&["show", "--help"]).out.contains("Examples:"));
}
