//! Evidence that is none, is broken, or attacks its reader: an exit code, clear words, and nothing half-written.

use crate::support::{
    CASE, IIS_SCAN, Session, finished, gz, iis_log, issues, not_run, tool, varied_log, zip,
};

/// One bad thing, alone and beside a good log.
struct Bad {
    /// Name of the file or folder in which it is made.
    path: &'static str,
    /// False where it cannot be made on this machine.
    make: fn(&Session, &str) -> bool,
    /// More of the command line.
    args: &'static [&'static str],
    /// The exit code where there is nothing else, and words that stderr must then have.
    alone: (i32, &'static [&'static str]),
    /// The issue that the case names it by; `None` for what is only listed.
    issue: Option<&'static str>,
}

const fn bad(path: &'static str, make: fn(&Session, &str) -> bool) -> Bad {
    Bad { path, make, args: &[], alone: (2, &["no evidence found in "]), issue: None }
}

const LIMIT: &[&str] = &["--max-expand", "1M"];

const TABLE: &[Bad] = &[
    bad("empty", |s, p| fs_err::create_dir(s.path(p)).is_ok()),
    bad("others", others),
    // A picture, a letter and plain rubbish under the names of logs.
    bad("HttpProxy_2021030100-1.LOG", |s, p| put(s, p, &[0x9c, 0, 7, 0xff].repeat(9_000))),
    bad("u_ex210301.log", |s, p| put(s, p, b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0")),
    bad("Security.evtx", |s, p| put(s, p, b"ElfFile\0")),
    bad("empty.evtx", |s, p| put(s, p, b"")),
    bad("case.json", |s, p| put(s, p, b"{\"schema\": \"assay.case/1\"}")),
    Bad {
        alone: (2, &["bomb.gz", "limit_expand", "--max-expand"]),
        args: LIMIT,
        issue: Some("limit_expand"),
        ..bad("bomb.gz", |s, p| put(s, p, &gz(&vec![0; 30 << 20])))
    },
    Bad {
        alone: (2, &["nested.zip!/", "limit_expand", "--max-expand"]),
        args: LIMIT,
        issue: Some("limit_expand"),
        ..bad("nested.zip", |s, p| {
            let zeros = vec![0; 30 << 20];
            put(s, p, &zip(&[("b.zip", &zip(&[("a.zip", &zip(&[("zeros", &zeros)]))]))]))
        })
    },
    Bad {
        alone: (2, &["deep.zip!/", "limit_depth"]),
        issue: Some("limit_depth"),
        ..bad("deep.zip", |s, p| {
            let deep = (0..40).fold(iis_log().into_bytes(), |inner, _| zip(&[("in.zip", &inner)]));
            put(s, p, &deep)
        })
    },
    Bad {
        alone: (2, &["encrypted.zip", "encrypted", "--password-file"]),
        issue: Some("encrypted"),
        ..bad("encrypted.zip", |s, p| {
            put(s, "u_ex.log", iis_log().as_bytes())
                && tool(s, "zip", &["-q", "-m", "-P", "geheim", p, "u_ex.log"])
        })
    },
    Bad {
        alone: (2, &["encrypted.7z", "encrypted", "--password-file"]),
        issue: Some("encrypted"),
        ..bad("encrypted.7z", |s, p| {
            put(s, "u_ex.log", iis_log().as_bytes())
                && tool(s, "7z", &["a", "-sdel", "-mhe=on", "-pgeheim", p, "u_ex.log"])
        })
    },
    Bad {
        alone: (2, &["stub.zip", "archive_damaged"]),
        issue: Some("archive_damaged"),
        ..bad("stub.zip", |s, p| put(s, p, &zip(&[("a.log", iis_log().as_bytes())])[..20]))
    },
    Bad {
        alone: (2, &["stub.gz", "archive_damaged"]),
        issue: Some("archive_damaged"),
        ..bad("stub.gz", |s, p| put(s, p, &gz(iis_log().as_bytes())[..9]))
    },
    Bad {
        alone: (0, &[]),
        issue: Some("archive_damaged"),
        ..bad("cut.zip", |s, p| {
            let whole = zip(&[("u_ex210301.log", varied_log(9_000).as_bytes()), ("b", b"b")]);
            put(s, p, &whole[..whole.len() / 2])
        })
    },
    Bad {
        alone: (0, &[]),
        issue: Some("stream_damaged"),
        ..bad("u_ex210302.log.gz", |s, p| {
            let whole = gz(varied_log(9_000).as_bytes());
            put(s, p, &whole[..whole.len() / 2])
        })
    },
    Bad {
        alone: (0, &[]),
        issue: Some("row_cut_short"),
        ..bad("u_ex210303.log", |s, p| {
            let log = iis_log();
            put(s, p, &log.as_bytes()[..log.len() - 150])
        })
    },
    Bad {
        alone: (2, &["image.vmdk", "mount it"]),
        issue: Some("disk_image"),
        ..bad("image.vmdk", |s, p| {
            let mut image = b"KDMV\x01\0\0\0".to_vec();
            image.resize(4_096, 0);
            put(s, p, &image)
        })
    },
];

fn put(session: &Session, path: &str, bytes: &[u8]) -> bool {
    session.write(path, bytes);
    true
}

fn others(session: &Session, folder: &str) -> bool {
    let letter =
        zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w:document/>")]);
    let files: [(&str, &[u8]); 5] = [
        ("letter.docx", &letter),
        ("letter.txt", b"Dear all,\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("page.html", b"<html></html>"),
        ("table.csv", b"a,b\n1,2\n"),
    ];
    files.iter().all(|(name, bytes)| put(session, &format!("{folder}/{name}"), bytes))
}

#[test]
fn alone_it_ends_with_its_code_and_words() {
    for bad in TABLE {
        let session = Session::new();
        if !(bad.make)(&session, bad.path) {
            continue;
        }
        let ran = session.assess(&[&[bad.path], bad.args].concat());
        println!("{}: {}", bad.path, ran.err);
        ran.ended(bad.alone.0, bad.alone.1);
        if bad.alone.0 != 0 {
            ran.ended(2, &[bad.path]);
            assert!(session.names("out").is_empty(), "{:?}", session.names("out"));
        }
    }
}

#[test]
fn beside_a_good_log_it_is_counted_and_the_log_is_read() {
    for bad in TABLE {
        let session = Session::new();
        session.write("good/W3SVC1/u_ex210301.log", iis_log());
        if !(bad.make)(&session, bad.path) {
            continue;
        }
        let args = [&["good", bad.path, "--fail-on", "scanned"], bad.args].concat();
        let ran = session.assess(&args);
        println!("{}: {}", bad.path, ran.err);
        ran.ended(1, &[]);
        let cases: Vec<_> =
            session.names("out").iter().map(|c| session.case(&format!("out/{c}"))).collect();
        let scan = |c: &model::case::Case| c.events.iter().any(|e| e.raw_time.contains("01:00:00"));
        assert!(cases.iter().any(scan), "{}: the good log was read", bad.path);
        if let Some(code) = bad.issue {
            assert!(cases.iter().any(|c| issues(c).contains(&code)), "{}: {code}", bad.path);
        }
    }
}

#[test]
fn a_path_that_leads_nowhere_is_named_before_anything_is_read() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log", "nowhere"]).ended(2, &["cannot read nowhere"]);
    assert!(session.names("out").is_empty());
}

#[test]
fn a_log_that_ends_in_the_middle_of_a_row_is_read_up_to_there() {
    let session = Session::new();
    let log = iis_log();
    session.write("u_ex210301.log", &log[..log.len() - 150]);
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    let case = session.case(CASE);
    assert_eq!(issues(&case), ["row_cut_short"]);
    let lost: u64 = case.coverage.iter().map(|c| c.lost).sum();
    let records: u64 = case.coverage.iter().map(|c| c.records).sum();
    assert_eq!((records, lost), (49, 1));
}

#[test]
fn an_encrypted_archive_opens_with_one_of_the_passwords() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.write("passwords.txt", "wrong\r\ngeheim\r\n");
    session.write("wrong.txt", "wrong\n");
    let tools: [(&str, &[&str]); 2] = [
        ("zip", &["-q", "-P", "geheim", "e.zip", "u_ex210301.log"]),
        ("7z", &["a", "-mhe=on", "-pgeheim", "e.7z", "u_ex210301.log"]),
    ];
    for (program, args) in tools {
        if !tool(&session, program, args) {
            continue;
        }
        let archive = if program == "zip" { "e.zip" } else { "e.7z" };
        session.assess(&[archive, "--password-file", "wrong.txt"]).ended(2, &["does not fit"]);
        session.assess(&[archive, "--password-file", "passwords.txt", "--force"]).ended(0, &[]);
        assert_eq!(session.case(CASE).events.len(), 1);
        let ran = session.run(&["show", CASE, "E1", "--password-file", "passwords.txt"]);
        ran.ended(0, &[]);
        assert!(ran.out.contains("its hash is the same"), "{}", ran.out);
    }
}

const HOSTILE: &str = r"
import io, tarfile, zipfile
log = open('u_ex210301.log', 'rb').read()
names = ['../../escaped.log', '/tmp/assay-escaped.log', 'C:\\assay-escaped.log', '..\\..\\escaped.log',
         '\x1b[31mred.log', 'a\nerror: forged.log', 'nul\x01.log', 'CON', 'W3SVC1/u_ex210301.log']
with tarfile.open('hostile.tar', 'w') as t:
    def add(name, kind=tarfile.REGTYPE, link='', data=b''):
        i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data)
        t.addfile(i, io.BytesIO(data))
    for name in names: add(name, data=log)
    add('link.log', tarfile.SYMTYPE, '/etc/passwd')
    add('up.log', tarfile.SYMTYPE, '../../u_ex210301.log')
    add('hard.log', tarfile.LNKTYPE, '/etc/passwd')
    add('device', tarfile.CHRTYPE); add('block', tarfile.BLKTYPE); add('pipe', tarfile.FIFOTYPE)
with zipfile.ZipFile('hostile.zip', 'w') as z:
    for name in names: z.writestr(zipfile.ZipInfo(name), log)
    for name, mode, data in [('link.log', 0o120777, '/etc/passwd'), ('pipe', 0o010777, '')]:
        i = zipfile.ZipInfo(name); i.external_attr = mode << 16; z.writestr(i, data)
";

#[test]
fn names_that_escape_and_links_in_an_archive_reach_nothing() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    session.write("u_ex210301.log", iis_log());
    if !tool(&session, "python3", &["-c", HOSTILE]) {
        return;
    }
    fs_err::create_dir(session.path("temp")).unwrap();
    let before = session.names(".");
    for archive in ["hostile.tar", "hostile.zip"] {
        let ran = session.assess(&[archive, "--temp-dir", "temp", "--force"]);
        ran.ended(0, &[]);
        assert_eq!(session.names("temp"), [""; 0], "{archive}");
        let mut after = session.names(".");
        after.retain(|n| n != "out");
        assert_eq!(before, after, "nothing was unpacked");
        assert!(!std::path::Path::new("/tmp/assay-escaped.log").exists());
        let mut codes = Vec::new();
        for host in session.names("out") {
            let case = session.case(&format!("out/{host}"));
            codes.extend(issues(&case).into_iter().map(str::to_owned));
        }
        for code in ["name_escapes", "link_in_archive", "special_file"] {
            assert!(codes.iter().any(|c| c == code), "{archive}: {code} in {codes:?}");
        }
        for host in session.names("out") {
            fs_err::remove_dir_all(session.path("out").join(host)).unwrap();
        }
    }
    assert!(
        !session.path("../escaped.log").exists() && !session.path("../../escaped.log").exists()
    );
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_a_folder_are_not_followed() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    session.write("outside/u_ex210305.log", iis_log());
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, session.path(at)).unwrap();
    link("../outside/u_ex210305.log", "in/out.log");
    link("../outside", "in/out");
    link(".", "in/loop");
    link("nowhere", "in/broken.log");
    if !tool(&session, "mkfifo", &["in/pipe.log"]) {
        return;
    }
    session.assess(&["in"]).ended(0, &[]);
    let case = session.case(CASE);
    let links = issues(&case).iter().filter(|i| **i == "link_skipped").count();
    assert_eq!((links, case.custody.len()), (4, 6), "{:?}", issues(&case));
    assert!(issues(&case).contains(&"special_file"));
}

/// As root without the right to open what its mode bits forbid.
fn without_privileges(session: &Session, args: &[&str]) -> Option<crate::support::Ran> {
    if !tool(session, "setpriv", &["--bounding-set=-all", "--inh-caps=-all", "true"]) {
        return None;
    }
    let mut command = std::process::Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_assay")]);
    Some(finished(command.args(args).current_dir(session.path("."))))
}

#[cfg(unix)]
fn set_mode(path: std::path::PathBuf, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn what_may_not_be_opened_is_counted() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    set_mode(session.write("in/secret.log", iis_log()), 0);
    session.write("in/closed/u_ex210302.log", iis_log());
    session.write("rules/good.yml", "title: t\n");
    set_mode(session.path("in/closed"), 0);
    set_mode(session.path("rules"), 0);
    fs_err::create_dir(session.path("fixed")).unwrap();
    set_mode(session.path("fixed"), 0o500);
    let args = ["assess", "in", "--out", "out"];
    if let Some(ran) = without_privileges(&session, &args) {
        ran.ended(0, &[]);
        let case = session.case(CASE);
        assert_eq!(issues(&case), ["no_permission"; 2]);
        let alone = ["assess", "in/secret.log", "--out", "other"];
        let ran = without_privileges(&session, &alone).unwrap();
        ran.ended(2, &["in/secret.log", "ermission"]);
        let rules = ["assess", "in", "--out", "other", "--rules", "rules"];
        let ran = without_privileges(&session, &rules).unwrap();
        ran.ended(2, &["rules", "ermission"]);
        let fixed = ["assess", "in", "--out", "fixed"];
        let ran = without_privileges(&session, &fixed).unwrap();
        ran.ended(2, &["fixed", "ermission", "--out"]);
    } else {
        not_run("permissions");
    }
    for (path, mode) in [("in/closed", 0o700), ("rules", 0o700), ("fixed", 0o700)] {
        set_mode(session.path(path), mode);
    }
}

#[test]
fn a_broken_rule_is_named_and_the_others_run() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.write("rules/good.yml", "title: t\nid: 6f1b2c3d-0000-4000-8000-000000000001\nlogsource: {category: webserver}\ndetection:\n  s: {cs-uri-stem|contains: other}\n  condition: s\n");
    session.write("rules/bad.yml", "title: t\nlogsource: {category: webserver}\ndetection:\n  s: {cs-uri-stem|contians: x}\n  condition: s\n");
    let ran = session.assess(&["u_ex210301.log", "--rules", "rules"]);
    ran.ended(0, &["warn: 1 rule was refused"]);
    let case = session.case(CASE);
    assert_eq!(case.method.refused.len(), 1);
    let refused = &case.method.refused[0];
    assert!(refused.file.ends_with("bad.yml") && refused.line > 0, "{refused:?}");
    assert!(refused.reason.contains("contains"), "{refused:?}");
    assert!(case.findings.iter().any(|f| f.rule.source.ends_with("good.yml")));
    fs_err::create_dir(session.path("none")).unwrap();
    for rules in ["none", "missing"] {
        let ran = session.run(&["assess", "u_ex210301.log", "--rules", rules, "--out", "other"]);
        ran.ended(2, &["--rules", rules]);
    }
}

#[test]
fn words_that_make_no_sense_are_usage_errors() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    let alone: [&[&str]; 5] = [
        &["assess"],
        &["nonsense"],
        &["show"],
        &["assess", "u_ex210301.log", "--nonsense"],
        &["formats", "more"],
    ];
    for args in alone {
        session.run(args).ended(3, &[]);
    }
    let nothing = session.run(&[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (3, ""));
    assert!(nothing.err.contains("Usage: assay"), "{}", nothing.err);
    for (option, values) in [
        ("--zone", &["Nowhere/Town", "+999999999", "+25:00", "+01:99", "+-1:00", "", "../x"][..]),
        ("--as-of", &["yesterday", "2021-02-30", "2021-03-01T00:00:00Zulu", ""]),
        ("--max-expand", &["much", "-1", "1e9", ""]),
        ("--fail-on", &["always", ""]),
        ("--threads", &["0", "many", "99999"]),
        ("--temp-dir", &["missing", "u_ex210301.log"]),
        ("--password-file", &["missing", "."]),
        ("--host", &["", "  "]),
    ] {
        for value in values {
            let value = format!("{option}={value}");
            println!("{value}");
            session.assess(&["u_ex210301.log", &value]).ended(3, &[option]);
        }
    }
    assert!(session.names("out").is_empty(), "{:?}", session.names("out"));
}

#[test]
fn a_good_log_shows_its_scan() {
    // What the tables above take for granted.
    let session = Session::new();
    assert!(iis_log().ends_with(IIS_SCAN));
    session.write("u_ex210301.log", iis_log());
    session.assess(&["u_ex210301.log"]).ended(0, &[]);
    assert_eq!(session.case(CASE).events.len(), 1);
}
