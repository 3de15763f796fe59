//! `assay rules`, and rules handed to `assess` as an archive.

use std::io::Write as _;

use crate::support::{IIS_SCAN, Session, iis_log};

/// A rule that fires on the row that looks for somebody else's script.
const GOOD: &str = "title: Other script\nid: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2d01\nstatus: test\n\
    level: low\nlogsource:\n  category: webserver\ndetection:\n  s:\n    cs-uri-stem|endswith: other.aspx\n  condition: s\n";

fn misspelt() -> String {
    GOOD.replace("endswith", "endswiht")
}

fn foreign() -> String {
    GOOD.replace("category: webserver", "product: no-such-product")
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn check_says_what_became_of_each_rule() {
    let cases = [
        (GOOD.to_owned(), 0, ["LOADED     1\n", "REFUSED    0\n", "IDLE       0 "]),
        (misspelt(), 1, ["LOADED     0\n", "REFUSED    1\n  rule.yml:9:", "endswiht"]),
        ("id: x\nnote: y\n".to_owned(), 0, ["LOADED     0\n", "REFUSED    0\n", "NOT RULES  1 "]),
        (
            GOOD.replace("detection:", "detections:"),
            1,
            ["REFUSED    1\n", ":7:1: ", "is meant for it?"],
        ),
        (
            GOOD.replace("status: test", "status: tset"),
            0,
            ["NOTES      1 ", "rule.yml:3:9: unknown status", "`test` is meant?"],
        ),
        (foreign(), 0, ["LOADED     1\n", "REFUSED    0\n", "IDLE       1 "]),
        ("\u{1}: [".to_owned(), 1, ["LOADED     0\n", "REFUSED    1\n", "  rule.yml:2:1: YAML"]),
    ];
    for (rule, code, words) in cases {
        let session = Session::new();
        session.write("rule.yml", &rule);
        let ran = session.run(&["rules", "check", "rule.yml"]);
        assert_eq!(ran.code, code, "{rule}\n{}{}", ran.out, ran.err);
        for word in words {
            assert!(ran.out.contains(word), "{word:?} is not in\n{}", ran.out);
        }
    }
}

#[test]
fn idle_rules_are_counted_and_listed_when_asked() {
    let session = Session::new();
    session.write("rules/a.yml", foreign());
    session.write("rules/b.yaml", foreign().replace("2d01", "2d02"));
    session.write("rules/c.txt", misspelt());
    let counted = session.run(&["rules", "check", "rules"]);
    assert!(counted.out.starts_with("FILES      2\n"), "{}", counted.out);
    assert!(counted.out.contains("\n       2  "), "{}", counted.out);
    let listed = session.run(&["rules", "check", "rules", "--verbose"]).out;
    assert!(listed.contains("\n  a.yml: ") && listed.contains("\n  b.yaml: "), "{listed}");
}

#[test]
fn a_zip_is_a_folder_of_rules() {
    let session = Session::new();
    let bad = misspelt();
    let members = [("rules/good.yml", GOOD), ("../../bad.YAML", &bad), ("README.md", "no rule")];
    session.write("release.zip", zip(&members));
    let ran = session.run(&["rules", "check", "release.zip"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.starts_with("FILES      2\nLOADED     1\nREFUSED    1\n  ../../bad.YAML:"));
    assert_eq!(session.names("."), ["release.zip"], "nothing is unpacked");
}

#[test]
fn a_member_that_expands_beyond_a_rule_is_refused_and_the_others_load() {
    let session = Session::new();
    let huge = "#".repeat(64 << 20);
    session.write("bomb.zip", zip(&[("a-huge.yml", &huge), ("good.yml", GOOD)]));
    let ran = session.run(&["rules", "check", "bomb.zip"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("LOADED     1\nREFUSED    1\n  a-huge.yml:"), "{}", ran.out);
}

#[test]
fn assess_takes_a_zip_of_rules() {
    let session = Session::new();
    assert!(iis_log().ends_with(IIS_SCAN));
    session.write("u_ex210301.log", iis_log());
    session.write("release.zip", zip(&[("rules/good.yml", GOOD)]));
    let ran = session.run(&["assess", "u_ex210301.log", "--rules", "release.zip", "--out", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let host = session.names("out").remove(0);
    let case = session.case(&format!("out/{host}"));
    assert!(case.findings.iter().any(|f| f.rule.title == "Other script"), "{}", ran.out);
}

#[test]
fn what_holds_no_rules_is_unusable() {
    let session = Session::new();
    let whole = zip(&[("good.yml", GOOD)]);
    session.write("none.zip", zip(&[("README.md", "no rule")]));
    session.write("cut.zip", &whole[..whole.len() / 2]);
    fs_err::create_dir(session.path("empty")).unwrap();
    for (path, word) in [
        ("none.zip", "no .yml or .yaml file"),
        ("empty", "no .yml or .yaml file"),
        ("cut.zip", "cut.zip: this archive of rules cannot be read"),
        ("missing", "missing"),
    ] {
        let ran = session.run(&["rules", "check", path]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{path}: {}", ran.err);
        assert!(ran.err.contains(word), "{path}: {}", ran.err);
    }
    assert_eq!(session.run(&["rules", "check"]).code, 3);
    assert!(session.run(&["rules", "check", "--help"]).out.contains("Examples:"));
}
