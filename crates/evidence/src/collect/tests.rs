//! Folders and archives made by other people's tools, good and bad.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use model::case::ReadState;
use proptest::prelude::*;

use crate::pipeline::testkit::*;
use crate::{Limits, Options};

const TREE: &[(&str, &[u8])] = &[
    ("C/Windows/System32/winevt/Logs/System.evtx", b"line evtx\n"),
    ("C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", b"line iis\nline more\n"),
    ("C/odd folder/100% odd.txt", b"line odd\n"),
    ("D/Exchange/Logging/HttpProxy/Owa/x.LOG", b"line proxy\n"),
    ("notes.txt", b"line notes\n"),
    ("C/Users/empty.txt", b""),
];

fn limited(change: impl Fn(&mut Limits)) -> Options {
    let mut options = options();
    change(&mut options.limits);
    options
}

/// Path below the root and path on the host of each file that a format read.
fn placed(seen: &Seen) -> BTreeSet<(String, Option<String>)> {
    let read = seen.inventory.items.iter().filter(|i| matches!(i.head.kind, "lines" | "empty"));
    read.map(|i| (i.head.logical.clone(), i.head.windows_path.clone())).collect()
}

/// The roots of the files that a format read.
fn roots(seen: &Seen) -> BTreeSet<&str> {
    let used: BTreeSet<_> = seen.inventory.items.iter().map(|item| item.head.root).collect();
    let roots = seen.inventory.roots.iter().filter(|root| used.contains(&root.id));
    roots.map(|root| root.path.as_str()).collect()
}

#[test]
fn one_tree_is_the_same_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(&top.join("tree"), TREE);
    let made = tool(&top.join("tree"), "tar", &["czf", "../t.tar.gz", "."])
        && tool(&top.join("tree"), "tar", &["cf", "../t.tar", "."])
        && seven_zip(&top.join("tree"), &["a", "../t.7z", "."])
        && tool(&top.join("tree"), "zip", &["-qr", "../t.zip", "."])
        && python(
            top,
            r"
import os, zipfile, urllib.parse
files = [os.path.relpath(os.path.join(d, f), 'tree') for d, _, fs in os.walk('tree') for f in fs]
with zipfile.ZipFile('backslash.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for f in files: z.write('tree/' + f, 'x'); z.filelist[-1].filename = f.replace('/', '\\')
def quoted(f):
    parts = f.split('/')
    if len(parts) == 1: return f
    return '/'.join(['uploads', 'auto', parts[0] + '%3A'] + [urllib.parse.quote(p, safe=' ') for p in parts[1:]])
with zipfile.ZipFile('velociraptor.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for f in files: z.write('tree/' + f, quoted(f))
with zipfile.ZipFile('kape.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for f in files: z.write('tree/' + f, 'EX01/' + f)
",
        );
    if !made {
        return;
    }
    let tree = see(&[&top.join("tree")]);
    let expected = placed(&tree);
    assert_eq!(expected.len(), TREE.len());
    let odd = "C:\\odd folder\\100% odd.txt".to_owned();
    assert!(expected.contains(&("C/odd folder/100% odd.txt".to_owned(), Some(odd))));
    assert_eq!(roots(&tree), BTreeSet::from(["tree"]));
    let names =
        ["t.tar.gz", "t.tar", "t.7z", "t.zip", "backslash.zip", "velociraptor.zip", "kape.zip"];
    for name in names {
        let seen = see(&[&top.join(name)]);
        assert_eq!(placed(&seen), expected, "{name}");
        let archive = seen.item(name);
        assert_eq!((archive.read, archive.issues.len()), (ReadState::Full, 0), "{name}");
        assert!(archive.sha256.is_some(), "{name}");
        let collections = roots(&seen).into_iter().filter(|root| *root != name).count();
        assert_eq!(collections, usize::from(name == "kape.zip"), "{name}");
    }
}

#[test]
fn paths_are_relative_to_the_argument() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(
        top,
        &[("a/tree/x.log", b"line a\n"), ("b/tree/x.log", b"line b\n"), ("c/y.log", b"line c\n")],
    );
    let (a, b, c) = (top.join("a/tree"), top.join("b/tree"), top.join("c/y.log"));
    let seen = see(&[&a, &b, &c, &top.join("b/tree/x.log"), &top.join("b/../b/tree")]);
    let paths: Vec<_> = seen.inventory.items.iter().map(|i| i.head.path.as_str()).collect();
    assert_eq!(paths, ["a/tree/x.log", "b/tree/x.log", "y.log"]);
    assert_eq!(roots(&seen), BTreeSet::from(["a/tree", "b/tree", "c"]));
    // Two files of one folder share its root.
    plant(top, &[("c/z.log", b"line z\n")]);
    let seen = see(&[&c, &top.join("c/z.log")]);
    assert_eq!(seen.inventory.roots.len(), 1);
}

#[test]
fn an_output_folder_is_not_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(&top, &[("a.log", b"line a\n"), ("out/case.json", b"line out\n")]);
    let options = Options { exclude: vec![top.join("out")], ..options() };
    assert_eq!(look(&[&top], &options).unwrap().inventory.items.len(), 1);
}

#[test]
fn hosts_side_by_side_are_collections_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(
        &top,
        &[
            ("EX01/C/Windows/a.log", b"line a\n"),
            ("EX01/console.txt", b"line b\n"),
            ("EX02/C/Windows/a.log", b"line c\n"),
            ("x/single.log", b"line d\n"),
        ],
    );
    let seen = see(&[&top]);
    assert_eq!(roots(&seen), BTreeSet::from(["t", "t/EX01", "t/EX02"]));
    assert_eq!(seen.item("t/EX01/console.txt").head.logical, "console.txt");
    assert_eq!(seen.item("t/x/single.log").head.logical, "x/single.log");
    // The drive itself as the argument.
    let seen = see(&[&top.join("EX01/C")]);
    let path = seen.item("C/Windows/a.log").head.windows_path.clone();
    assert_eq!(path.as_deref(), Some("C:\\Windows\\a.log"));
    assert_eq!(roots(&seen), BTreeSet::from(["EX01"]));
}

#[test]
fn an_archive_on_a_drive_belongs_to_that_host() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(&top.join("t"), &[("C/inetpub/logs/u.log", b"line a\n"), ("C/Windows/x", b"x")]);
    let made = python(
        top,
        "import zipfile, gzip\nwith zipfile.ZipFile('t/C/inetpub/logs/old.zip','w') as z: z.write('t/C/inetpub/logs/u.log','u_old.log')\ngzip.open('t/C/inetpub/logs/u2.log.gz','wb').write(b'line z\\n')\nwith zipfile.ZipFile('t/loose.zip','w') as z: z.write('t/C/inetpub/logs/u.log','EX02/C/Windows/a.log')",
    );
    if !made {
        return;
    }
    let seen = see(&[&top.join("t")]);
    let head = &seen.item("t/C/inetpub/logs/old.zip!/u_old.log").head;
    assert_eq!(head.windows_path.as_deref(), Some("C:\\inetpub\\logs\\old.zip\\u_old.log"));
    let head = &seen.item("t/C/inetpub/logs/u2.log.gz!/u2.log").head;
    assert_eq!(head.logical, "C/inetpub/logs/u2.log");
    assert_eq!(roots(&seen), BTreeSet::from(["t", "t/loose.zip", "t/loose.zip!/EX02"]));
    assert_eq!(seen.told["t/loose.zip!/EX02/C/Windows/a.log"].events.len(), 1);
}

#[test]
fn names_that_try_to_escape_are_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let made = python(
        top,
        r"
import zipfile, tarfile, io
with zipfile.ZipFile('bad.zip', 'w') as z:
    for n in ['../../up.log', '/abs.log', 'a\x1b[2J.log', 'same.log', 'same.log']:
        z.writestr(zipfile.ZipInfo(n), b'line 1\n')
t = tarfile.open('bad.tar', 'w')
def add(name, kind=tarfile.REGTYPE, link=''):
    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link
    if kind == tarfile.REGTYPE: i.size = 7
    t.addfile(i, io.BytesIO(b'line 1\n'))
add('../up.log'); add('/abs.log'); add('soft', tarfile.SYMTYPE, '/etc/passwd'); add('hard', tarfile.LNKTYPE, 'up.log')
add('null', tarfile.CHRTYPE); add('pipe', tarfile.FIFOTYPE); add('x' * 300 + '/long.log')
t.close()
",
    );
    if !made {
        return;
    }
    let seen = see(&[&top.join("bad.zip")]);
    assert_eq!(seen.codes("bad.zip!/../../up.log"), ["name_escapes"]);
    assert_eq!(seen.item("bad.zip!/../../up.log").head.logical, "up.log");
    assert_eq!(seen.codes("bad.zip!//abs.log"), ["name_escapes"]);
    assert_eq!(seen.item("bad.zip!/a\\x1b[2J.log").head.kind, "lines");
    assert_eq!(seen.item("bad.zip!/same.log#2").head.logical, "same.log");
    let seen = see(&[&top.join("bad.tar")]);
    assert_eq!(seen.codes("bad.tar!/soft"), ["link_in_archive"]);
    assert_eq!(seen.codes("bad.tar!/hard"), ["link_in_archive"]);
    assert_eq!(seen.codes("bad.tar!/null"), ["special_file"]);
    assert_eq!(seen.codes("bad.tar!/pipe"), ["special_file"]);
    let long = format!("bad.tar!/{}/long.log", "x".repeat(300));
    assert_eq!(seen.item(&long).head.kind, "lines");
    assert_eq!(seen.item("bad.tar").read, ReadState::Full);
    // Nothing was written beside the archives.
    assert_eq!(fs_err::read_dir(top).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn links_pipes_and_odd_names_in_a_folder() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(&top, &[("a.log", b"line a\n")]);
    std::os::unix::fs::symlink("/etc/passwd", top.join("link")).unwrap();
    let odd = top.join(std::ffi::OsStr::from_bytes(b"odd\xff\n.log"));
    fs_err::write(odd, b"line odd\n").unwrap();
    if !tool(&top, "mkfifo", &["pipe"]) {
        return;
    }
    let seen = see(&[&top]);
    assert_eq!(seen.codes("t/link"), ["link_skipped"]);
    assert_eq!(seen.codes("t/pipe"), ["special_file"]);
    assert_eq!(seen.item("t/odd\\xff\\x0a.log").head.kind, "lines");
    // A pipe that is handed in itself is read.
    let pipe = top.join("pipe");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs_err::write(pipe, b"line 1\n").unwrap()
    });
    let seen = see(&[&pipe]);
    writer.join().unwrap();
    assert_eq!(seen.told["pipe"].events.len(), 1);
}

#[cfg(unix)]
#[test]
fn no_permission_is_an_issue() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(&top, &[("a.log", b"line a\n"), ("shut/b.log", b"line b\n")]);
    for path in ["a.log", "shut"] {
        let none = std::fs::Permissions::from_mode(0o0);
        fs_err::set_permissions(top.join(path), none).unwrap();
    }
    if fs_err::File::open(top.join("a.log")).is_ok() {
        eprintln!("SKIPPED: runs as root, to whom nothing is forbidden; this test shows nothing");
    } else {
        let seen = see(&[&top]);
        assert_eq!(seen.codes("t/a.log"), ["no_permission"]);
        assert_eq!(seen.codes("t/shut"), ["no_permission"]);
    }
    fs_err::set_permissions(top.join("shut"), std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn encrypted_archives_need_their_password() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(top, &[("a.log", b"line a\n"), ("b.log", b"line b\n")]);
    let made = tool(top, "zip", &["-q", "-P", "infected", "crypto.zip", "a.log", "b.log"])
        && seven_zip(
            top,
            &["a", "-pinfected", "aes.zip", "-tzip", "-mem=AES256", "a.log", "b.log"],
        )
        && seven_zip(top, &["a", "-pinfected", "content.7z", "a.log", "b.log"])
        && seven_zip(top, &["a", "-pinfected", "-mhe=on", "header.7z", "a.log", "b.log"]);
    if !made {
        return;
    }
    let with = |passwords: &[&str]| Options {
        passwords: passwords.iter().map(|p| (*p).to_owned()).collect(),
        ..options()
    };
    for name in ["crypto.zip", "aes.zip", "content.7z", "header.7z"] {
        let path = top.join(name);
        let inside = if name == "header.7z" { name.to_owned() } else { format!("{name}!/a.log") };
        for passwords in [&[][..], &["wrong"], &["wrong", "wrong too"]] {
            let seen = look(&[&path], &with(passwords)).unwrap();
            assert_eq!(seen.codes(&inside), ["encrypted"], "{name} {passwords:?}");
            assert_eq!(seen.item(&inside).read, ReadState::None);
            assert!(seen.told.is_empty(), "{name} {passwords:?}");
        }
        let seen = look(&[&path], &with(&["wrong", "infected"])).unwrap();
        for member in ["a.log", "b.log"] {
            let item = seen.item(&format!("{name}!/{member}"));
            assert_eq!((item.head.kind, item.issues.len()), ("lines", 0), "{name}");
        }
    }
}

#[test]
fn what_stands_before_a_break_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let made = python(
        top,
        r"
import zipfile, tarfile, io, random
r = random.Random(1)
text = lambda n: b''.join(b'line %d %s\n' % (i, bytes(r.choices(b'abcdefghij', k=40))) for i in range(n))
files = [('first.log', text(100)), ('second.log', text(4000)), ('third.log', text(100))]
for kind in ('zip', 'streamed.zip', 'stored.zip'):
    out = open(kind, 'wb')
    if kind == 'streamed.zip': out.seekable = lambda: False
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_STORED if kind == 'stored.zip' else zipfile.ZIP_DEFLATED) as z:
        for n, b in files: z.writestr(n, b)
for kind, mode in (('tar', 'w'), ('tar.gz', 'w:gz')):
    with tarfile.open(kind, mode) as t:
        for n, b in files:
            i = tarfile.TarInfo(n); i.size = len(b); t.addfile(i, io.BytesIO(b))
import gzip; gzip.open('log.gz', 'wb').write(text(4000))
for n in ('zip', 'streamed.zip', 'stored.zip', 'tar', 'tar.gz', 'log.gz'):
    b = open(n, 'rb').read(); open('cut.' + n, 'wb').write(b[:len(b) * 2 // 3])
",
    );
    if !made {
        return;
    }
    for name in ["zip", "streamed.zip", "stored.zip", "tar", "tar.gz"] {
        let whole = see(&[&top.join(name)]);
        assert!(whole.inventory.items.iter().all(|item| item.issues.is_empty()), "{name}");
        let cut = format!("cut.{name}");
        let seen = see(&[&top.join(&cut)]);
        assert_eq!(seen.codes(&cut), ["archive_damaged"], "{name}");
        assert_eq!(seen.item(&cut).read, ReadState::Partial, "{name}");
        let first = format!("{cut}!/first.log");
        assert_eq!(
            (seen.item(&first).read, seen.told[&first].events.len()),
            (ReadState::Full, 100)
        );
        let second = format!("{cut}!/second.log");
        assert_eq!(seen.item(&second).read, ReadState::Partial, "{name}");
        assert_eq!(seen.told[&second].losses, [("stream_damaged", true)], "{name}");
        let events = seen.told[&second].events.len();
        assert!((1000..4000).contains(&events), "{name} {events}");
    }
    let seen = see(&[&top.join("cut.log.gz")]);
    assert_eq!(seen.codes("cut.log.gz"), ["archive_damaged"]);
    assert_eq!(seen.told["cut.log.gz!/cut.log"].losses, [("stream_damaged", true)]);
}

#[test]
fn a_7z_that_was_cut_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(top, &[("a.log", b"line a\n")]);
    if !seven_zip(top, &["a", "x.7z", "a.log"]) {
        return;
    }
    let bytes = fs_err::read(top.join("x.7z")).unwrap();
    fs_err::write(top.join("cut.7z"), &bytes[..bytes.len() - 10]).unwrap();
    let seen = see(&[&top.join("cut.7z")]);
    assert_eq!(seen.codes("cut.7z"), ["archive_damaged"]);
    assert_eq!(seen.item("cut.7z").read, ReadState::None);
}

#[test]
fn a_wrong_checksum_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    if !python(
        top,
        "import zipfile\nwith zipfile.ZipFile('x.zip','w') as z: z.writestr('a.log', b'line 1\\nline 2\\n'); z.writestr('b.log', b'line 3\\n')",
    ) {
        return;
    }
    let mut bytes = fs_err::read(top.join("x.zip")).unwrap();
    let at = bytes.windows(6).position(|w| w == b"line 2").unwrap();
    bytes[at] = b'X';
    fs_err::write(top.join("x.zip"), &bytes).unwrap();
    let seen = see(&[&top.join("x.zip")]);
    assert_eq!(seen.codes("x.zip!/a.log"), ["stream_damaged"]);
    assert_eq!(seen.item("x.zip!/a.log").sha256, None);
    assert_eq!(seen.item("x.zip!/b.log").read, ReadState::Full);
}

#[test]
fn bombs_cost_what_the_limit_says() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(&top, &[("fine.log", b"line a\n")]);
    let file = fs_err::File::create(top.join("zeros.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gz.write_all(b"line 1\n").unwrap();
    let mut line = vec![0; 1 << 20];
    line.push(b'\n');
    for _ in 0..1024 {
        gz.write_all(&line).unwrap();
    }
    gz.finish().unwrap();
    let made = python(
        &top,
        r"
import zipfile, io
body = b'\0' * (1 << 22)
for level in range(4):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for n in range(10): z.writestr('%d.%s' % (n, 'zip' if level else 'bin'), body)
    body = out.getvalue()
open('nested.zip', 'wb').write(body)
",
    );
    if !made {
        return;
    }
    let seen = look(&[&top], &limited(|limits| limits.max_expand = 20 << 20)).unwrap();
    assert_eq!(seen.codes("t/zeros.gz"), ["limit_expand"]);
    assert_eq!(seen.codes("t/zeros.gz!/zeros"), ["limit_expand"]);
    assert!(seen.item("t/zeros.gz").issues[0].effect.contains("--max-expand"));
    assert_eq!(seen.told["t/zeros.gz!/zeros"].losses, [("limit_expand", true)]);
    assert_eq!(seen.codes("t/nested.zip"), ["limit_expand"]);
    assert_eq!(seen.item("t/fine.log").read, ReadState::Full);
    let seen = look(&[&top], &limited(|limits| limits.max_depth = 2)).unwrap();
    assert_eq!(seen.codes("t/nested.zip!/0.zip!/0.zip"), ["limit_depth"]);
    let seen = look(&[&top], &limited(|limits| limits.max_items = 15)).unwrap();
    assert_eq!(seen.codes("t/nested.zip"), ["limit_items"]);
    let seen = look(&[&top], &limited(|limits| limits.max_items = 2)).unwrap();
    assert_eq!(seen.codes("t/zeros.gz"), ["limit_items"]);
}

#[test]
fn images_are_named_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(
        &top,
        &[
            ("disk.E01", b"EVF\x09\x0d\x0a\xff\x00...."),
            ("memory.dmp", b"PAGEDU64...."),
            ("old.rar", b"Rar!\x1a\x07\x00...."),
            ("empty.evtx", b""),
            ("other.bin", b"\x00\x01\x02"),
        ],
    );
    let seen = see(&[&top]);
    for (path, kind, code) in [
        ("t/disk.E01", "disk-image", "disk_image"),
        ("t/memory.dmp", "memory-image", "memory_image"),
        ("t/old.rar", "rar", "unsupported_archive"),
    ] {
        assert_eq!((seen.item(path).head.kind, seen.codes(path)), (kind, vec![code]));
    }
    assert!(seen.item("t/disk.E01").issues[0].effect.contains("mount it first"));
    assert_eq!(seen.item("t/empty.evtx").head.kind, "empty");
    let other = seen.item("t/other.bin");
    assert_eq!((other.head.kind, other.read, other.issues.len()), ("unknown", ReadState::None, 0));
    assert!(other.sha256.is_some());
}

#[test]
fn times_come_from_the_container() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(top, &[("a.log", b"line a\n")]);
    let made = tool(top, "touch", &["-d", "2021-03-03T04:05:06Z", "a.log"])
        && tool(top, "zip", &["-q", "x.zip", "a.log"])
        && tool(top, "tar", &["cf", "x.tar", "a.log"])
        && seven_zip(top, &["a", "x.7z", "a.log"]);
    if !made {
        return;
    }
    for name in ["x.zip", "x.tar", "x.7z"] {
        let seen = see(&[&top.join(name)]);
        let item = seen.item(&format!("{name}!/a.log"));
        let mtime = item.mtime.unwrap().to_string();
        assert!(mtime.starts_with("2021-03-03T04:05:06"), "{name} {mtime}");
        assert_eq!(item.mtime_basis, "archive");
    }
}

/// Magic bytes that lead into each unpacker.
const DOORS: &[&[u8]] = &[
    b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
    b"PK\x05\x06",
    b"7z\xbc\xaf\x27\x1c\x00\x04",
    b"\x1f\x8b\x08\x00",
    b"line ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_end_no_run(door in 0..DOORS.len(), bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs_err::write(&path, [DOORS[door], &bytes].concat()).unwrap();
        let seen = see(&[&path]);
        assert!(!seen.inventory.items.is_empty());
        assert!(seen.inventory.items.iter().all(|i| i.issues.iter().all(|i| i.code != "reader_panicked")));
    }
}

/// Real archives with a few bytes changed: damage deep inside, past every magic.
#[test]
fn changed_bytes_end_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(&top.join("tree"), TREE);
    let tree = top.join("tree");
    let made = tool(&tree, "tar", &["czf", "../t.tar.gz", "."])
        && tool(&tree, "tar", &["cf", "../t.tar", "."])
        && seven_zip(&tree, &["a", "../t.7z", "."])
        && tool(&tree, "zip", &["-qr", "../t.zip", "."]);
    if !made {
        return;
    }
    for name in ["t.tar.gz", "t.tar", "t.7z", "t.zip"] {
        let good = fs_err::read(top.join(name)).unwrap();
        change_and_read(&top.join("changed"), &good);
    }
}

fn change_and_read(path: &Path, good: &[u8]) {
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..150 {
        let mut bytes = good.to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] = random(256).to_le_bytes()[0];
        }
        fs_err::write(path, &bytes).unwrap();
        let seen = see(&[path]);
        let panicked = |item: &crate::Item| item.issues.iter().any(|i| i.code == "reader_panicked");
        assert!(!seen.inventory.items.iter().any(panicked), "{:?}", seen.summary());
    }
}
