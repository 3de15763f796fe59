//! Threads, panics, issues and the inventory.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use model::case::ReadState;

use super::testkit::*;
use crate::{Limits, ReadError};

#[test]
fn nothing_depends_on_threads_or_on_the_order_of_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    for number in 0..40 {
        let mut text = String::from("line\n");
        for line in 0..50 {
            let word = ["line", "odd", "bad", "panic"][(number * line) % 4];
            writeln!(text, "{word} {number} {line}").unwrap();
        }
        plant(top, &[(&format!("{}/f{number}.log", number % 3), text.as_bytes())]);
    }
    let (a, b, c) = (top.join("0"), top.join("1"), top.join("2"));
    let mut reference = None;
    for threads in [1, 2, 7] {
        for inputs in [[&*a, &*b, &*c], [&*c, &*a, &*b]] {
            let options = crate::Options { threads, ..options() };
            let seen = look(&inputs, &options).unwrap();
            let got = (seen.summary(), seen.told);
            assert_eq!(got.0.len(), 40);
            assert_eq!(&got, reference.get_or_insert_with(|| got.clone()));
        }
    }
}

#[test]
fn issues_are_counted_and_keep_the_text_of_the_first_place() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"line 1\nbad\nodd\nbad\npanic\nodd\nline 2\n";
    plant(folder.path(), &[("t/x.log", text)]);
    let seen = see(&[&folder.path().join("t")]);
    let item = seen.item("t/x.log");
    assert_eq!(item.read, ReadState::Partial);
    let issues: Vec<_> =
        item.issues.iter().map(|i| (i.code.as_str(), i.count, i.effect.as_str())).collect();
    assert_eq!(issues[..2], [("bad_line", 4, "at 7"), ("odd_line", 2, "at 11")]);
    assert_eq!((issues[2].0, issues[2].1), ("reader_panicked", 1));
    let told = &seen.told["t/x.log"];
    assert_eq!(told.events.len(), 4);
    assert_eq!(told.losses, [("bad_line", false), ("bad_line", false), ("reader_panicked", false)]);
}

#[test]
fn a_panicking_framer_costs_the_rest_of_its_file_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), &[("t/a", b"line 1\nframe-panic\nline 2\n"), ("t/b", b"line 1\n")]);
    let seen = see(&[&folder.path().join("t")]);
    assert_eq!(seen.codes("t/a"), ["reader_panicked"]);
    assert_eq!(seen.item("t/a").read, ReadState::Partial);
    assert!(seen.item("t/a").sha256.is_some(), "hashed all the same");
    assert_eq!(seen.item("t/b").read, ReadState::Full);
}

#[test]
fn it_stops_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), &[("t/a", b"line 1\n")]);
    let options = options();
    options.cancel.store(true, Ordering::Relaxed);
    let outcome = look(&[&folder.path().join("t")], &options);
    assert!(matches!(outcome, Err(ReadError::Interrupted)));
}

#[test]
fn an_argument_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = look(&[&folder.path().join("nothing")], &options());
    assert!(matches!(outcome, Err(ReadError::Input { path, .. }) if path.ends_with("nothing")));
}

#[test]
fn a_full_temporary_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    // An archive inside an archive, too large for memory.
    let made = python(
        top,
        "import zipfile,os\nwith zipfile.ZipFile('in.zip','w') as z: z.writestr('a.bin', os.urandom(2<<20))\nwith zipfile.ZipFile('out.zip','w') as z: z.write('in.zip')",
    );
    if !made {
        return;
    }
    let gone = crate::Options { temp_dir: top.join("gone"), ..options() };
    let outcome = look(&[&top.join("out.zip")], &gone);
    assert!(matches!(outcome, Err(ReadError::Spool { path, .. }) if path.ends_with("gone")));
    // A quota that is too small is no error, but an issue.
    let limits = Limits { max_spool: 1 << 20, ..Limits::default() };
    let seen = look(&[&top.join("out.zip")], &crate::Options { limits, ..options() }).unwrap();
    assert_eq!(seen.codes("out.zip!/in.zip"), ["limit_spool"]);
    assert!(seen.item("out.zip!/in.zip").sha256.is_some());
    let seen = see(&[&top.join("out.zip")]);
    assert!(seen.item("out.zip!/in.zip!/a.bin").sha256.is_some());
}

#[test]
fn progress_reaches_its_end() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), &[("t/a", b"line 1\nline 2\n"), ("t/b", b"x")]);
    let options = options();
    look(&[&folder.path().join("t")], &options).unwrap();
    let progress = &options.progress;
    let all = [&progress.bytes, &progress.total, &progress.items, &progress.events];
    assert_eq!(all.map(|n| n.load(Ordering::Relaxed)), [15, 15, 2, 2]);
}

/// A line without end in a pipe: the real formats, bounded memory, and what follows is read.
#[cfg(target_os = "linux")]
#[test]
fn a_line_of_a_gigabyte_takes_little_memory() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("u_ex210303.log");
    if !tool(folder.path(), "mkfifo", &["u_ex210303.log"]) {
        return;
    }
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut out = fs_err::OpenOptions::new().write(true).open(pipe).unwrap();
            let row = b"2021-03-03 04:05:06 GET /owa 200\r\n";
            out.write_all(b"#Fields: date time cs-method cs-uri-stem sc-status\r\n").unwrap();
            out.write_all(row).unwrap();
            let chunk = vec![b'a'; 1 << 20];
            for _ in 0..1024 {
                out.write_all(&chunk).unwrap();
            }
            out.write_all(b"\r\n").unwrap();
            out.write_all(row).unwrap();
        }
    });
    let before = resident();
    let memory = Memory::default();
    let inventory = crate::read(&[pipe], &options(), &memory).unwrap();
    writer.join().unwrap();
    let item = &inventory.items[0];
    assert_eq!(item.head.kind, "iis-w3c");
    assert_eq!(item.read, ReadState::Partial);
    assert_eq!(memory.0.into_inner().unwrap()["u_ex210303.log"].events.len(), 2);
    assert!(resident() < before + (200 << 10), "{before} KiB before, {} KiB after", resident());
}

/// Peak of resident memory in KiB.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
