//! Evidence that is none, is broken, or attacks its reader: an exit code, clear words, and nothing half-written.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Ran, Session, iis_log, tool};

fn assess(session: &Session, args: &[&str]) -> Ran {
    let mut all = vec!["assess"];
    all.extend(args);
    all.extend(["--out", "out"]);
    session.run(&all)
}

fn refused(session: &Session, args: &[&str], code: i32, word: &str) {
    let ran = assess(session, args);
    assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
    assert!(ran.err.contains(word), "{args:?}: {}", ran.err);
    assert!(ran.out.is_empty(), "{args:?}: {}", ran.out);
    assert!(session.names("out").is_empty(), "{args:?}: {:?}", session.names("out"));
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn nothing_there_and_nothing_known() {
    let session = Session::new();
    fs_err::create_dir(session.path("empty")).unwrap();
    session.write("others/letter.txt", "Dear all,\n");
    session.write("others/picture.png", b"\x89PNG\r\n\x1a\n");
    session.write("others/paper.docx", b"PK\x03\x04 no zip");
    refused(&session, &["empty"], 2, "no evidence found");
    refused(&session, &["others"], 2, "no evidence found");
    refused(&session, &["nowhere"], 2, "cannot read nowhere");
    session.write("HttpProxy_2021030100-1.LOG", [0x9c_u8, 0, 7, 0xff].repeat(9_000));
    refused(&session, &["HttpProxy_2021030100-1.LOG"], 2, "no evidence found");
}

#[test]
fn a_log_that_ends_in_the_middle_of_a_row_is_read_up_to_there() {
    let session = Session::new();
    let log = iis_log();
    session.write("u_ex210301.log", &log[..log.len() - 150]);
    assert_eq!(assess(&session, &["u_ex210301.log"]).code, 0);
    let case = session.case("out/_unattributed-1");
    assert_eq!(case.custody[0].issues[0].code, "row_cut_short");
    assert!(case.coverage.iter().any(|c| c.lost > 0));
}

#[test]
fn an_encrypted_archive_wants_its_password() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.write("passwords.txt", "wrong\ngeheim\n");
    if !tool(&session, "zip", &["-q", "-P", "geheim", "e.zip", "u_ex210301.log"]) {
        return;
    }
    refused(&session, &["e.zip"], 2, "--password-file");
    assert_eq!(assess(&session, &["e.zip", "--password-file", "passwords.txt"]).code, 0);
}

#[test]
fn a_bomb_stops_at_the_limit_and_the_rest_goes_on() {
    let session = Session::new();
    session.write("bomb.gz", gz(&vec![0; 30 << 20]));
    refused(&session, &["bomb.gz", "--max-expand", "1M"], 2, "--max-expand");
    session.write("u_ex210301.log", iis_log());
    let ran = assess(&session, &["bomb.gz", "u_ex210301.log", "--max-expand", "1M"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let case = session.case("out/_unattributed-1");
    let issues = case.custody.iter().flat_map(|m| &m.issues);
    assert!(issues.into_iter().any(|i| i.code == "limit_expand"));
}

const HOSTILE_TAR: &str = "
import io, sys, tarfile
log = open('u_ex210301.log', 'rb').read()
with tarfile.open('hostile.tar', 'w') as t:
    def add(name, kind=tarfile.REGTYPE, link='', data=b''):
        i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data)
        t.addfile(i, io.BytesIO(data))
    add('../../escaped.log', data=log)
    add('/tmp/assay-escaped.log', data=log)
    add('link.log', tarfile.SYMTYPE, '/etc/passwd')
    add('hard.log', tarfile.LNKTYPE, '/etc/passwd')
    add('device', tarfile.CHRTYPE)
    add('\\x1b[31mred.log', data=log)
    add('W3SVC1/u_ex210301.log', data=log)
";

#[test]
fn names_that_escape_and_links_in_an_archive_reach_nothing() {
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    session.write("u_ex210301.log", iis_log());
    if !tool(&session, "python3", &["-c", HOSTILE_TAR]) {
        return;
    }
    let before = session.names(".");
    let ran = assess(&session, &["hostile.tar"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'));
    let mut after = session.names(".");
    after.retain(|n| n != "out");
    assert_eq!(before, after, "nothing was unpacked");
    assert!(!std::path::Path::new("/tmp/assay-escaped.log").exists());
    let case = session.case("out/_unattributed-1");
    let codes: Vec<&str> =
        case.custody.iter().flat_map(|m| &m.issues).map(|i| i.code.as_str()).collect();
    for code in ["name_escapes", "link_in_archive", "special_file"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

#[test]
fn a_file_that_is_not_utf8_by_name_is_read_and_shown() {
    use std::os::unix::ffi::OsStringExt as _;
    let session = Session::new();
    fs_err::create_dir(session.path("in")).unwrap();
    let name = std::ffi::OsString::from_vec(b"u_ex\xff\x1b[2J.log".to_vec());
    fs_err::write(session.path("in").join(name), iis_log()).unwrap();
    let ran = assess(&session, &["in"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains('\u{1b}'));
    let case = session.case("out/_unattributed-1");
    assert!(case.custody[0].path.contains(r"\xff") || case.custody[0].path.contains(r"\xFF"));
}

#[test]
fn what_may_not_be_opened_is_counted() {
    use std::os::unix::fs::PermissionsExt as _;
    let session = Session::new();
    session.write("in/u_ex210301.log", iis_log());
    let secret = session.write("in/secret.log", iis_log());
    fs_err::set_permissions(&secret, std::fs::Permissions::from_mode(0o0)).unwrap();
    if fs_err::read(&secret).is_ok() {
        println!("\n*** NOT RUN: this user may open everything ***\n");
        return;
    }
    assert_eq!(assess(&session, &["in"]).code, 0);
    let case = session.case("out/_unattributed-1");
    let issues = case.custody.iter().flat_map(|m| &m.issues);
    assert!(issues.into_iter().any(|i| i.code == "no_permission"));
}

#[test]
fn a_broken_rule_is_named_and_the_others_run() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    session.write("rules/good.yml", "title: t\nid: 6f1b2c3d-0000-4000-8000-000000000001\nlogsource: {category: webserver}\ndetection:\n  s: {cs-uri-stem|contains: other}\n  condition: s\n");
    session.write("rules/bad.yml", "title: t\nlogsource: {category: webserver}\ndetection:\n  s: {cs-uri-stem|contians: x}\n  condition: s\n");
    let ran = assess(&session, &["u_ex210301.log", "--rules", "rules"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let case = session.case("out/_unattributed-1");
    assert_eq!(case.method.refused.len(), 1);
    let refused = &case.method.refused[0];
    assert!(refused.file.ends_with("bad.yml") && refused.line > 0, "{refused:?}");
    assert!(refused.reason.contains("contains"), "{refused:?}");
    assert!(case.findings.iter().any(|f| f.rule.source.ends_with("good.yml")));
    refused_rules(&session);
}

fn refused_rules(session: &Session) {
    fs_err::create_dir(session.path("none")).unwrap();
    for rules in ["none", "missing"] {
        let ran = session.run(&["assess", "u_ex210301.log", "--rules", rules, "--out", "other"]);
        assert_eq!(ran.code, 2, "{rules}: {}", ran.err);
    }
}

#[test]
fn words_that_make_no_sense_are_usage_errors() {
    let session = Session::new();
    session.write("u_ex210301.log", iis_log());
    for args in [
        &["assess"][..],
        &["nonsense"],
        &["assess", "u_ex210301.log", "--zone", "Nowhere/Town"],
        &["assess", "u_ex210301.log", "--as-of", "yesterday"],
        &["assess", "u_ex210301.log", "--max-expand", "much"],
        &["assess", "u_ex210301.log", "--fail-on", "always"],
        &["assess", "u_ex210301.log", "--temp-dir", "missing"],
        &["assess", "u_ex210301.log", "--password-file", "missing"],
    ] {
        let ran = session.run(args);
        assert_eq!(ran.code, 3, "{args:?}: {}", ran.err);
        assert!(ran.err.starts_with("error"), "{args:?}: {}", ran.err);
    }
    for args in [&["--help"][..], &["--version"], &["assess", "--help"]] {
        assert_eq!(session.run(args).code, 0, "{args:?}");
    }
}
