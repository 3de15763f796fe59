//! `assay show`: every id of a case leads back to its bytes.

use model::case::Case;

use crate::support::{CASE, Session, iis_log};

const FOLDER: &str = "demo/ex01.contoso.example";

#[test]
fn every_id_of_the_demo_is_shown() {
    let session = Session::new();
    let demo = session.run(&["demo", "--out", "demo"]);
    assert_eq!(demo.code, 0, "{}", demo.err);
    assert!(demo.err.contains("SYNTHETIC"), "{}", demo.err);
    assert!(demo.out.starts_with("VERDICT    COMPROMISED"), "{}", demo.out);
    let case = session.case(FOLDER);
    assert!(case.events.len() > 20);
    for event in &case.events {
        let ran = session.run(&["show", FOLDER, &event.id]);
        ran.ended(0, &[]);
        assert!(ran.out.contains("its hash is the same"), "{}: {}", event.id, ran.out);
        assert!(!ran.out.contains("CHANGED"), "{}: {}", event.id, ran.out);
        let record = ran.out.rsplit("\n\n").next().unwrap();
        assert!(record.len() > 10, "{}: {}", event.id, ran.out);
    }
    let others = case.findings.iter().map(|f| &f.id).chain(case.claims.iter().map(|c| &c.id));
    // The demo has thousands of files: those that carry an event, and some that carry none.
    let carries = |id: &str| case.events.iter().any(|e| e.item == id);
    let files = case.custody.iter().enumerate();
    let files = files.filter(|(n, m)| n % 200 == 0 || carries(&m.id)).map(|(_, m)| &m.id);
    for id in others.chain(files) {
        let ran = session.run(&["show", FOLDER, id]);
        assert!(ran.code == 0 && ran.out.starts_with(&format!("{id}  ")), "{id}: {}", ran.err);
    }
    let json = format!("{FOLDER}/case.json");
    assert_eq!(session.run(&["show", &json, "e1"]).code, 0, "its file, and a small letter");
    moved(&session, &case);
    a_second_demo(&session, &case);
}

/// Elsewhere, and in an archive.
fn moved(session: &Session, case: &Case) {
    fs_err::rename(session.path("demo/evidence"), session.path("elsewhere")).unwrap();
    let event = case.events.iter().find(|e| e.logsource == "iis/front-end").unwrap();
    session.run(&["show", FOLDER, &event.id]).ended(2, &["--evidence"]);
    let found = session.run(&["show", FOLDER, &event.id, "--evidence", "elsewhere"]);
    found.ended(0, &[]);
    assert!(found.out.contains("its hash is the same"), "{}{}", found.out, found.err);
    if crate::support::tool(session, "zip", &["-qr", "moved.zip", "elsewhere"]) {
        let found = session.run(&["show", FOLDER, &event.id, "--evidence", "moved.zip"]);
        assert!(found.out.contains("its hash is the same"), "{}{}", found.out, found.err);
    }
}

fn a_second_demo(session: &Session, case: &Case) {
    let ran = session.run(&["demo", "--out", "demo"]);
    assert_eq!(ran.code, 3, "the evidence was moved, the case is there: {}", ran.err);
    session.run(&["demo", "--out", "demo"]).ended(3, &["evidence exists", "--force"]);
    assert_eq!(session.run(&["demo", "--out", "demo", "--force"]).code, 0);
    // Its files are new, and so are the times of them that custody has.
    let second = session.case(FOLDER);
    assert!(second.verdict == case.verdict && second.claims == case.claims);
    assert!(second.findings == case.findings && second.events == case.events);
}

#[test]
fn what_has_changed_since_is_said() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    session.assess(&["in"]).ended(0, &[]);
    let appended = iis_log() + "2021-03-01 02:00:00 192.0.2.1 GET / - 443 - 198.51.100.7 m 200\n";
    let altered = iis_log().replace("other.aspx", "0ther.aspx");
    let cut = &iis_log()[..400];
    for (now, code, there, absent) in [
        (iis_log().as_str(), 0, "its hash is the same", "THE FILE HAS CHANGED"),
        (&appended, 0, "THE FILE HAS CHANGED", "THE RECORD HAS CHANGED"),
        (&altered, 2, "THE RECORD HAS CHANGED", "its hash is the same"),
        (cut, 2, "", "its hash is the same"),
    ] {
        session.write("in/u_ex210301.log", now);
        let ran = session.run(&["show", CASE, "E1"]);
        assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(there) && !ran.out.contains(absent), "{}{}", ran.out, ran.err);
    }
    session.run(&["show", CASE, "E1"]).ended(2, &["ends before the record", "not the one"]);
    fs_err::remove_dir_all(session.path("in")).unwrap();
    session.run(&["show", CASE, "E1"]).ended(2, &["cannot read", "--evidence"]);
}

#[test]
fn what_is_no_case_and_no_id_is_refused() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    for id in ["E2", "E0", "X1", "E", "", "E1; ls", "\u{1b}[2J"] {
        session.run(&["show", CASE, id]).ended(3, &["has no id", "E1 to E1"]);
    }
    session.write("broken/case.json", "{\"schema\": \"assay.case/1\"");
    session.write("later/case.json", "{\"schema\": \"assay.case/9\"}");
    fs_err::create_dir(session.path("empty")).unwrap();
    for case in ["empty", "missing", "broken", "later", "u_ex210301.log"] {
        session.run(&["show", case, "E1"]).ended(2, &[case]);
    }
    fs_err::remove_file(session.path(CASE).join("run.json")).unwrap();
    session.run(&["show", CASE, "E1"]).ended(3, &["--evidence"]);
    assert_eq!(session.run(&["show", CASE, "E1", "--evidence", "u_ex210301.log"]).code, 0);
}
