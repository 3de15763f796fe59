//! Much evidence in little memory: a line without end, and rows without number with the attack in the last one.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{IIS_HEAD, IIS_SCAN, Session, iis_row, tool};

const MEMORY: u64 = 300_000_000;

/// Feeds the program through a pipe; gives its peak memory.
fn fed(session: &Session, feed: impl FnOnce(&mut dyn std::io::Write)) -> Option<u64> {
    if !tool(session, "mkfifo", &["pipe"]) {
        return None;
    }
    let mut child =
        session.command(&["assess", "pipe", "--out", "out"]).stdout(Stdio::null()).spawn().unwrap();
    let mut feeder = Command::new("sh")
        .args(["-c", "cat > pipe"])
        .current_dir(session.path("."))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = std::io::BufWriter::with_capacity(1 << 20, feeder.stdin.take().unwrap());
    feed(&mut pipe);
    pipe.flush().unwrap();
    drop(pipe);
    feeder.wait().unwrap();
    assert!(child.wait().unwrap().success());
    let run = fs_err::read(session.path("out/_unattributed-1/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    run["peak_memory_bytes"].as_u64()
}

fn finds_the_scan(session: &Session) {
    let case = session.case("out/_unattributed-1");
    assert!(case.events.iter().any(|e| e.raw_time.contains("01:00:00")), "the last row is found");
}

#[test]
fn a_line_of_a_gigabyte_is_passed_over() {
    let session = Session::new();
    let peak = fed(&session, |pipe| {
        pipe.write_all(IIS_HEAD.as_bytes()).unwrap();
        pipe.write_all(iis_row(1).as_bytes()).unwrap();
        let block = vec![b'a'; 1 << 20];
        for _ in 0..1_000 {
            pipe.write_all(&block).unwrap();
        }
        pipe.write_all(b"\n").unwrap();
        pipe.write_all(IIS_SCAN.as_bytes()).unwrap();
    });
    let Some(peak) = peak else { return };
    assert!(peak < MEMORY, "{peak} bytes");
    finds_the_scan(&session);
    let case = session.case("out/_unattributed-1");
    assert!(case.custody[0].issues.iter().any(|i| i.code == "line_too_long"));
}

/// `benchmarks/big.sh` does the same with 20 GB.
#[test]
fn the_attack_in_the_last_of_many_rows_is_found_in_little_memory() {
    let session = Session::new();
    let peak = fed(&session, |pipe| {
        pipe.write_all(IIS_HEAD.as_bytes()).unwrap();
        let rows: String = (0..3_600).map(iis_row).collect();
        for _ in 0..1_000 {
            pipe.write_all(rows.as_bytes()).unwrap();
        }
        pipe.write_all(IIS_SCAN.as_bytes()).unwrap();
    });
    let Some(peak) = peak else { return };
    assert!(peak < MEMORY, "{peak} bytes");
    finds_the_scan(&session);
}
