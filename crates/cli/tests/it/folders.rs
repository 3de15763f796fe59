//! Case folders: refused, replaced, mended, and never half-written.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{IIS_HEAD, Session, finished, iis_log, iis_row, tool};

const CASE: &str = "out/_unattributed-1";

fn assess(session: &Session, more: &[&str]) -> i32 {
    let mut args = vec!["assess", "u_ex210301.log", "--out", "out"];
    args.extend(more);
    session.run(&args).code
}

#[test]
fn an_existing_case_is_refused_and_with_force_replaced() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    assert_eq!(assess(&session, &[]), 0);
    assert_eq!(session.names(CASE), ["case.json", "report.html", "run.json", "timeline.csv"]);
    session.write("u_ex210301.log", IIS_HEAD.to_owned() + &iis_row(1));
    let before = fs_err::read(session.path(CASE).join("case.json")).unwrap();
    assert_eq!(assess(&session, &[]), 3);
    assert_eq!(fs_err::read(session.path(CASE).join("case.json")).unwrap(), before);
    assert_eq!(assess(&session, &["--force"]), 0);
    assert_ne!(fs_err::read(session.path(CASE).join("case.json")).unwrap(), before);
    assert_eq!(session.names("out"), ["_unattributed-1"]);
}

#[test]
fn the_exit_code_follows_the_worst_host() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    for (level, code) in [("scanned", 1), ("attempted", 0), ("compromised", 0), ("insufficient", 1)]
    {
        assert_eq!(assess(&session, &["--force", "--fail-on", level]), code, "{level}");
    }
}

#[test]
fn results_are_no_evidence() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    let run = |force: &[&str]| {
        let mut args = vec!["assess", "in", "--out", "in"];
        args.extend(force);
        assert_eq!(session.run(&args).code, 0);
        fs_err::read(session.path("in/_unattributed-1/case.json")).unwrap()
    };
    assert_eq!(run(&[]), run(&["--force"]));
}

#[test]
fn the_same_bytes_from_another_folder_and_in_another_order() {
    let session = Session::new();
    let one = session.write("a/u_ex210301.log", iis_log());
    let two = session.write("b/u_ex210302.log", iis_log().replace("2021-03-01", "2021-03-02"));
    fs_err::create_dir(session.path("elsewhere")).unwrap();
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let files = ["case.json", "report.html", "timeline.csv"];
    let read = |out: &str| -> Vec<Vec<u8>> {
        let folders = ["_unattributed-1", "_unattributed-2"];
        let all =
            folders.iter().flat_map(|host| files.iter().map(move |f| format!("{out}/{host}/{f}")));
        all.map(|f| fs_err::read(session.path(&f)).unwrap()).collect()
    };
    assert_eq!(session.run(&["assess", "a", "b", "--out", "o1", "--threads", "1"]).code, 0);
    let absolute = [one.rsplit_once('/').unwrap().0, two.rsplit_once('/').unwrap().0];
    let mut command = session.command(&["assess", absolute[1], absolute[0], "--out", "../o2"]);
    assert_eq!(finished(command.current_dir(session.path("elsewhere"))).code, 0);
    assert!(read("o1") == read("o2"));
}

/// A program that reads from a pipe to which nobody writes any more, once it has begun to read.
fn reading(session: &Session, out: &str) -> Option<(std::process::Child, std::process::Child)> {
    if !tool(session, "mkfifo", &["pipe"]) {
        return None;
    }
    let child = session
        .command(&["assess", "pipe", "--out", out, "--force"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut feeder = Command::new("sh")
        .args(["-c", "exec 3> pipe; cat >&3; sleep 60"])
        .current_dir(session.path("."))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let log = IIS_HEAD.to_owned() + &(0..2_000).map(iis_row).collect::<String>();
    feeder.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    Some((child, feeder))
}

fn signalled(child: &mut std::process::Child, signal: &str) -> Option<i32> {
    let pid = child.id().to_string();
    Command::new("kill").args([signal, &pid]).status().unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    Some(-2)
}

#[test]
fn interrupted_it_leaves_the_old_case_and_nothing_else() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    assert_eq!(assess(&session, &[]), 0);
    let before = fs_err::read(session.path(CASE).join("case.json")).unwrap();
    let Some((mut child, mut feeder)) = reading(&session, "out") else { return };
    let code = signalled(&mut child, "-INT");
    feeder.kill().unwrap();
    feeder.wait().unwrap();
    assert_eq!(code, Some(130));
    assert_eq!(session.names("out"), ["_unattributed-1"]);
    assert_eq!(fs_err::read(session.path(CASE).join("case.json")).unwrap(), before);
}

#[test]
fn killed_it_leaves_the_old_case_and_the_next_run_goes_on() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    assert_eq!(assess(&session, &[]), 0);
    let Some((mut child, mut feeder)) = reading(&session, "out") else { return };
    assert_eq!(signalled(&mut child, "-KILL"), None);
    feeder.kill().unwrap();
    feeder.wait().unwrap();
    assert!(session.names(CASE).contains(&"case.json".to_owned()));
    fs_err::create_dir(session.path("out/.assay-new-_unattributed-1")).unwrap();
    assert_eq!(assess(&session, &["--force"]), 0);
    assert_eq!(session.names("out"), ["_unattributed-1"]);
}

#[test]
fn a_full_disk_changes_nothing() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    fs_err::create_dir(session.path("small")).unwrap();
    if !tool(&session, "mount", &["-t", "tmpfs", "-o", "size=16k", "none", "small"]) {
        return;
    }
    let ran = session.run(&["assess", "u_ex210301.log", "--out", "small"]);
    let left = session.names("small");
    tool(&session, "umount", &["small"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--out"), "{}", ran.err);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn two_runs_do_not_write_to_one_place() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    let Some((mut child, mut feeder)) = reading(&session, "out") else { return };
    let ran = session.run(&["assess", "u_ex210301.log", "--out", "out"]);
    let first = signalled(&mut child, "-TERM");
    feeder.kill().unwrap();
    feeder.wait().unwrap();
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("another run"), "{}", ran.err);
    assert_eq!(first, Some(130));
}
