//! Case folders: refused, replaced, mended, and never half-written; the same bytes however they are asked for.

use std::io::Write as _;

use crate::support::{CASE, IIS_HEAD, Session, finished, iis_log, iis_row, tool, varied_log, zip};

const FILES: [&str; 4] = ["case.json", "report.html", "run.json", "timeline.csv"];

#[test]
fn an_existing_case_is_refused_and_with_force_replaced() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    assert_eq!(session.names(CASE), FILES);
    session.write("u_ex210301.log", IIS_HEAD.to_owned() + &iis_row(1));
    let before = session.cases("out");
    session.assess(&["u_ex210301.log"]).ended(3, &["_unattributed-1 exists", "--force"]);
    assert!(session.cases("out") == before);
    session.assess(&["u_ex210301.log", "--force"]).ended(0, &[]);
    assert!(session.cases("out") != before);
    assert_eq!(session.names("out"), ["_unattributed-1"]);
}

#[test]
fn what_is_no_case_is_never_replaced() {
    for plant in ["ex01/u_ex210301.log", "ex01/notes/case.json", "ex01"] {
        let session = Session::new();
        session.write("in/u_ex210301.log", iis_log());
        session.write(&format!("out/{plant}"), iis_log());
        let before = session.names("out/ex01");
        let ran = session.assess(&["in", "--host", "EX01", "--force"]);
        ran.ended(3, &["out/ex01 exists", "nothing was written", "--out"]);
        assert_eq!(
            (session.names("out"), session.names("out/ex01")),
            (vec!["ex01".into()], before)
        );
        assert_eq!(session.read(&format!("out/{plant}")), iis_log().as_bytes());
    }
}

#[test]
fn a_case_folder_with_something_else_in_it_is_not_deleted() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    session.write(&format!("{CASE}/notes.txt"), "call back on Monday");
    session.assess(&["u_ex210301.log", "--force"]).ended(3, &["holds other things"]);
    assert_eq!(session.read(&format!("{CASE}/notes.txt")), b"call back on Monday");
}

#[test]
fn the_folder_of_evidence_may_have_the_name_of_its_host() {
    // With the default output folder, the case of ex01 would come to lie where its evidence lies.
    let session = Session::new();
    session.write("ex01/u_ex210301.log", iis_log());
    let ran = session.run(&["assess", "ex01", "--host", "ex01", "--force"]);
    ran.ended(3, &["ex01 exists", "--out"]);
    assert_eq!(session.names("ex01"), ["u_ex210301.log"]);
}

#[test]
fn the_exit_code_follows_the_worst_host() {
    // Scenario, and the exit code at compromised, attempted, scanned, insufficient.
    for (scenario, codes) in [
        ("scanned_patched", [0, 0, 1, 0]),
        ("attempted", [0, 1, 1, 0]),
        ("compromised", [1, 1, 1, 0]),
        ("quiet_patched", [0, 0, 0, 0]),
        ("quiet_rolled", [0, 0, 0, 1]),
    ] {
        let session = Session::new();
        session.forge(scenario, "made");
        for (level, code) in
            ["compromised", "attempted", "scanned", "insufficient"].iter().zip(codes)
        {
            let ran = session.assess(&["made/evidence", "--force", "--fail-on", level]);
            assert_eq!(ran.code, code, "{scenario} {level}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
fn results_are_no_evidence() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    let run = |words: &[&str]| {
        session.run(&[&["assess"], words].concat()).ended(0, &[]);
        fs_err::read(session.path("in/_unattributed-1/case.json")).unwrap()
    };
    let first = run(&["in", "--out", "in"]);
    let absolute = session.path("in");
    for (path, out) in [
        ("in", "in"),
        ("./in/../in", "in"),
        ("in", "./in/../in"),
        (absolute.to_str().unwrap(), "in"),
        ("in", absolute.to_str().unwrap()),
    ] {
        assert!(run(&[path, "--out", out, "--force"]) == first, "{path} {out}");
    }
    // A swap that was cut off is mended before the folder is read.
    fs_err::rename(
        session.path("in/_unattributed-1"),
        session.path("in/.assay-old-_unattributed-1"),
    )
    .unwrap();
    session.write("in/.assay-new-_unattributed-1/case.json", "{");
    assert!(run(&["in", "--out", "in", "--force"]) == first);
    assert_eq!(session.names("in"), ["_unattributed-1", "u_ex210301.log"]);
}

#[test]
fn evidence_that_looks_like_results_is_read_and_kept() {
    let honest = Session::new();
    honest.write("u_ex210301.log", iis_log());
    honest.assess(&["u_ex210301.log"]).ended(0, &[]);
    let case = honest.read(&format!("{CASE}/case.json"));
    for folder in ["C", ".assay-new-x", ".assay-old-x", ".assay"] {
        let session = Session::new();
        session.write(&format!("in/{folder}/inetpub/logs/u_ex210301.log"), iis_log());
        session.write(&format!("in/{folder}/case.json"), &case);
        session.write(&format!("in/{folder}/report.html"), "<html>");
        session.run(&["assess", "in", "--out", "in", "--host", "h"]).ended(0, &[]);
        assert_eq!(session.case("in/h").events.len(), 1, "{folder}");
        assert_eq!(session.names("in"), [folder, "h"]);
        assert_eq!(session.names(&format!("in/{folder}")).len(), 3);
    }
}

#[test]
fn the_same_bytes_however_it_is_asked_for() {
    let session = Session::new();
    session.forge("compromised", "a");
    session.forge("table_only", "b");
    session.write("c d/u_ex210302.log", varied_log(500));
    fs_err::create_dir(session.path("elsewhere")).unwrap();
    session.run(&["assess", "a", "b", "c d", "--out", "o1", "--threads", "1"]).ended(0, &[]);
    let first = session.cases("o1");
    assert!(first.len() >= 9, "{:?}", session.names("o1"));
    let absolute = |name: &str| session.path(name).to_str().unwrap().to_owned();
    let whole = [absolute("c d"), absolute("b"), absolute("a")];
    for (at, words) in [
        (".", ["c d", "./b", "a/../a", "--threads=4"].map(str::to_owned)),
        ("elsewhere", ["../b", "../a/", "../c d", "--threads=2"].map(str::to_owned)),
        ("elsewhere", [&whole[0], &whole[1], &whole[2], "--threads=3"].map(ToOwned::to_owned)),
    ] {
        let out = absolute("o2");
        let mut command = session.command(&["assess", "--force", "--out", &out]);
        finished(command.args(&words).current_dir(session.path(at))).ended(0, &[]);
        assert!(session.cases("o2") == first, "{at} {words:?}");
    }
}

/// The folder after a run that was killed, and which case the next run finds.
#[test]
fn whenever_it_is_killed_the_old_case_or_the_new_one_is_whole() {
    let host = "_unattributed-1";
    for (state, found) in [
        (&[("", "old"), (".assay-new-", "half")][..], "old"),
        (&[("", "old"), (".assay-new-", "new")], "old"),
        (&[(".assay-old-", "old"), (".assay-new-", "new")], "old"),
        (&[(".assay-old-", "old"), ("", "new")], "new"),
        (&[(".assay-old-", "half"), ("", "new")], "new"),
        (&[("", "old"), (".assay-new-", "empty")], "old"),
    ] {
        let session = Session::new();
        session.write("old/u_ex210301.log", iis_log());
        session.write("new/u_ex210301.log", IIS_HEAD.to_owned() + &iis_row(1));
        for which in ["old", "new"] {
            let out = format!("made-{which}");
            session.run(&["assess", which, "--out", &out]).ended(0, &[]);
        }
        for (prefix, what) in state {
            let files: &[&str] = match *what {
                "empty" => &[],
                "half" => &["case.json", "report.html"],
                _ => &FILES,
            };
            fs_err::create_dir_all(session.path(&format!("out/{prefix}{host}"))).unwrap();
            for file in files {
                let from = if *what == "half" { "made-old" } else { &format!("made-{what}") };
                let bytes = session.read(&format!("{from}/{host}/{file}"));
                session.write(&format!("out/{prefix}{host}/{file}"), bytes);
            }
        }
        session.assess(&["new"]).ended(3, &["exists"]);
        assert_eq!(session.names("out"), [host], "{state:?}");
        assert!(session.cases("out") == session.cases(&format!("made-{found}")), "{state:?}");
        session.assess(&["new", "--force"]).ended(0, &[]);
        assert!(session.cases("out") == session.cases("made-new"), "{state:?}");
    }
}

/// A file system of so many bytes, as long as it lives.
struct Small<'s>(&'s Session);

impl<'s> Small<'s> {
    fn mount(session: &'s Session, size: &str) -> Option<Self> {
        fs_err::create_dir_all(session.path("small")).unwrap();
        let options = format!("size={size}");
        let mounted = tool(session, "mount", &["-t", "tmpfs", "-o", &options, "none", "small"]);
        mounted.then_some(Self(session))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        tool(self.0, "umount", &["small"]);
    }
}

/// Fills what is left of a file system but for so many bytes.
fn fill(session: &Session, spare: u64) {
    let path = session.path("small/fill");
    let mut file = fs_err::File::create(&path).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    file.set_len(path.metadata().unwrap().len() - spare).unwrap();
}

#[test]
fn a_full_disk_changes_nothing() {
    // No byte is left; not enough for a report; not even for the first case.
    for (spare, old) in [(0, true), (24 << 10, true), (24 << 10, false)] {
        let session = Session::new();
        session.write("u_ex210301.log", iis_log());
        let Some(_small) = Small::mount(&session, "256k") else { return };
        let args = ["assess", "u_ex210301.log", "--out", "small/out", "--force"];
        if old {
            session.run(&args).ended(0, &[]);
        }
        let before = session.cases("small/out");
        fill(&session, spare);
        session.run(&args).ended(2, &["small/out", "--out"]);
        assert!(session.cases("small/out") == before, "{:?}", session.names("small/out"));
        fs_err::remove_file(session.path("small/fill")).unwrap();
        session.run(&args).ended(0, &[]);
        assert_eq!(session.names("small/out"), ["_unattributed-1"]);
    }
}

#[test]
fn a_full_temporary_folder_is_named() {
    let session = Session::new();
    let noise: Vec<u8> = varied_log(200_000).into_bytes();
    let inner = zip(&[("u_ex210301.log", &noise)]);
    assert!(inner.len() > 2 << 20, "too small to be spooled");
    session.write("in.zip", zip(&[("inner.zip", &inner)]));
    let Some(small) = Small::mount(&session, "64k") else { return };
    session
        .assess(&["in.zip", "--temp-dir", "small"])
        .ended(2, &["cannot spool to small", "--temp-dir"]);
    assert_eq!((session.names("small"), session.names("out")), (vec![], vec![]));
    drop(small);
    session.assess(&["in.zip", "--temp-dir", "small"]).ended(0, &[]);
    assert_eq!(session.names("small"), [""; 0]);
}

#[test]
fn where_no_case_can_be_written_it_is_said_first() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.write("file", "");
    for out in ["file", "file/below", "u_ex210301.log"] {
        session.run(&["assess", "u_ex210301.log", "--out", out]).ended(2, &[out, "--out"]);
    }
}

#[test]
fn a_demo_replaces_a_demo_and_no_real_evidence() {
    let session = Session::new();
    session.write("evidence/u_ex210301.log", iis_log());
    for force in [&[][..], &["--force"]] {
        let ran = session.run(&[&["demo", "--out", "."], force].concat());
        ran.ended(3, &["evidence exists", "made by no demo"]);
    }
    assert_eq!(session.names("."), ["evidence"]);
    assert_eq!(session.names("evidence"), ["u_ex210301.log"]);
}
