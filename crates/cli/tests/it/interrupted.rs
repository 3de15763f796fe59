//! Runs that end before their end: Ctrl-C, kill -9, a reader that went away, two runs in one place.
#![cfg(unix)]

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{CASE, IIS_HEAD, Session, finished, iis_log, iis_row, tool};

/// A program that reads from a pipe which stays open, and the one that writes to it.
struct Hanging {
    child: Child,
    feeder: Child,
}

impl Hanging {
    /// Starts it and waits until it has read something: only then is it in the middle of its work.
    fn start(session: &Session) -> Option<Self> {
        if !tool(session, "mkfifo", &["pipe"]) {
            return None;
        }
        fs_err::create_dir_all(session.path("temp")).unwrap();
        let child = session
            .command(&["assess", "pipe", "--out", "out", "--force", "--temp-dir", "temp"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut feeder = Command::new("sh")
            .args(["-c", "exec 3> pipe; cat >&3; exec sleep 60"])
            .current_dir(session.path("."))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let log = IIS_HEAD.to_owned() + &(0..2_000).map(iis_row).collect::<String>();
        // More than a pipe holds, so that writing it all means that most of it was read.
        feeder.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        Some(Self { child, feeder })
    }

    /// Sends a signal; the exit code, `None` where the signal itself ended it.
    fn signal(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut err = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut err).unwrap();
        (status.code(), err)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        for child in [&mut self.child, &mut self.feeder] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn interrupted_it_leaves_the_old_case_and_nothing_else() {
    for signal in ["-INT", "-TERM"] {
        let session = Session::new();
        session.write("u_ex210301.log", iis_log());
        session.assess(&["u_ex210301.log"]).ended(0, &[]);
        let before = session.cases("out");
        let Some(hanging) = Hanging::start(&session) else { return };
        let (code, err) = hanging.signal(signal);
        assert_eq!(code, Some(130), "{err}");
        assert!(err.starts_with("error: interrupted"), "{err}");
        assert_eq!(session.names("out"), ["_unattributed-1"]);
        assert_eq!(session.names("temp"), [""; 0]);
        assert!(session.cases("out") == before);
    }
}

#[test]
fn killed_while_reading_it_leaves_the_old_case() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    let before = session.cases("out");
    let Some(hanging) = Hanging::start(&session) else { return };
    assert_eq!(hanging.signal("-KILL").0, None);
    assert_eq!(session.names("out"), ["_unattributed-1"]);
    assert_eq!(session.names("temp"), [""; 0]);
    assert!(session.cases("out") == before);
    // The next run may write: a lock dies with its holder.
    session.assess(&["u_ex210301.log", "--force"]).ended(0, &[]);
    assert!(session.cases("out") == before);
}

#[test]
fn killed_at_any_moment_it_leaves_a_whole_case() {
    let session = Session::new();
    session.write("old.log", iis_log());
    session.write("new.log", IIS_HEAD.to_owned() + &iis_row(1));
    session.run(&["assess", "new.log", "--out", "made"]).ended(0, &[]);
    session.assess(&["old.log"]).ended(0, &[]);
    let (old, new) = (session.cases("out"), session.cases("made"));
    let started = Instant::now();
    session.assess(&["old.log", "--force"]).ended(0, &[]);
    let whole = started.elapsed();
    for step in 0..24 {
        let mut command = session.command(&["assess", "new.log", "--out", "out", "--force"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * step / 20);
        let _ = child.kill();
        child.wait().unwrap();
        session.assess(&["new.log"]).ended(3, &["exists"]);
        assert_eq!(session.names("out"), ["_unattributed-1"], "{step}");
        let found = session.cases("out");
        assert!(found == old || found == new, "{step}");
    }
}

#[test]
fn two_runs_do_not_write_to_one_place() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    fs_err::create_dir(session.path("other-temp")).unwrap();
    let Some(hanging) = Hanging::start(&session) else { return };
    for out in ["out", "./out/../out"] {
        let mut command = session.command(&["assess", "u_ex210301.log", "--out", out]);
        let ran = finished(command.env("TMPDIR", session.path("other-temp")));
        ran.ended(2, &["another run is writing to", out, "--out"]);
    }
    session.run(&["assess", "u_ex210301.log", "--out", "beside"]).ended(0, &[]);
    assert_eq!(hanging.signal("-INT").0, Some(130));
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    assert_eq!(session.names("other-temp"), [""; 0]);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    for words in [
        &["schema"][..],
        &["formats"],
        &["--help"],
        &["assess", "--help"],
        &["assess", "u_ex210301.log", "--out", "out"],
        &["show", CASE, "E1"],
    ] {
        let mut command = session.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
    }
    assert_eq!(session.case(CASE).events.len(), 1);
}

#[test]
fn a_result_that_cannot_be_printed_is_said() {
    let session = Session::new();
    let Ok(full) = fs_err::OpenOptions::new().write(true).open("/dev/full") else {
        crate::support::not_run("no /dev/full");
        return;
    };
    let mut command = session.command(&["schema"]);
    command.stdout(full.into_parts().0).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be printed"));
}

#[test]
fn a_folder_without_words_for_names_is_no_matter() {
    // Spaces, and names that look like options behind `--`.
    let session = Session::new();
    session.write("C of EX 01/W3SVC1/u ex.log", iis_log());
    session.write("--force/u_ex210302.log", iis_log());
    session.run(&["assess", "--out", "my cases", "--", "C of EX 01", "--force"]).ended(0, &[]);
    assert_eq!(session.names("my cases").len(), 2);
}
