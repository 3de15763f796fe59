//! `assay show` on the demo: every event leads back to its bytes.

use crate::support::Session;

#[test]
fn every_event_of_the_demo_leads_back_to_its_bytes() {
    let session = Session::new();
    let demo = session.run(&["demo", "--out", "demo"]);
    assert_eq!(demo.code, 0, "{}", demo.err);
    assert!(demo.err.contains("SYNTHETIC"), "{}", demo.err);
    assert!(demo.out.starts_with("VERDICT    COMPROMISED"), "{}", demo.out);
    let folder = "demo/ex01.contoso.example";
    let case = session.case(folder);
    assert!(case.events.len() > 20);
    for event in &case.events {
        let ran = session.run(&["show", folder, &event.id]);
        assert_eq!(ran.code, 0, "{}: {}", event.id, ran.err);
        assert!(ran.out.contains("its hash is the same"), "{}: {}", event.id, ran.out);
    }
    let ids = [&case.findings[0].id, &case.claims[0].id, &case.custody[0].id];
    for id in ids {
        let ran = session.run(&["show", folder, id]);
        assert!(ran.code == 0 && ran.out.starts_with(id.as_str()), "{id}: {}", ran.err);
    }
    assert_eq!(session.run(&["show", folder, "E99999"]).code, 3);
    moved_and_changed(&session, folder, &case);
}

fn moved_and_changed(session: &Session, folder: &str, case: &model::case::Case) {
    fs_err::rename(session.path("demo/evidence"), session.path("elsewhere")).unwrap();
    let event = case.events.iter().find(|e| e.logsource == "iis/front-end").unwrap();
    assert_eq!(session.run(&["show", folder, &event.id]).code, 2, "it is not where it was");
    let found = session.run(&["show", folder, &event.id, "--evidence", "elsewhere"]);
    assert!(found.out.contains("its hash is the same"), "{}{}", found.out, found.err);
}
