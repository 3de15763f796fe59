//! Each lint with a rule that it notes and one that it lets pass.

use super::*;
use crate::testing::content_files;

const WEB: &str = "{category: webserver}";
const PROCESS: &str = "{product: windows, category: process_creation}";

fn rule(logsource: &str, head: &str, detection: &str) -> String {
    let indented: Vec<String> = detection.lines().map(|line| format!("  {line}")).collect();
    let mut all =
        format!("title: T\nlogsource: {logsource}\ndetection:\n{}\n", indented.join("\n"));
    for (key, line) in [
        ("id", "id: 9db37458-4df2-46a5-95ab-307e7f29e675"),
        ("level", "level: low"),
        ("status", "status: test"),
    ] {
        if !head.contains(key) {
            all = format!("{all}{line}\n");
        }
    }
    format!("{all}{head}\n").replace("no_id: ~\n", "").replace("no_level: ~\n", "")
}

fn notes(texts: &[String]) -> Vec<Note> {
    let files: Vec<SourceFile> = texts
        .iter()
        .zip('a'..)
        .map(|(text, name)| SourceFile {
            name: format!("{name}.yml"),
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    lint(&content_files(), &files).unwrap()
}

const FINE: &str = "s: {A: x}\ncondition: s";

/// Head and detection of a rule.
type Rule = (&'static str, &'static str);

/// Lint, log source, a rule that it notes with these words, and one that it lets pass.
const TABLE: &[(&str, &str, Rule, &str, Rule)] = &[
    ("id", WEB, ("no_id: ~", FINE), "no `id`", ("", FINE)),
    ("id", WEB, ("id: abc", FINE), "no UUID", ("", FINE)),
    ("status", WEB, ("status: tset", FINE), "`test` is meant?", ("status: stable", FINE)),
    ("retired", WEB, ("status: deprecated", FINE), "calls it deprecated", ("status: test", FINE)),
    ("level", WEB, ("no_level: ~", FINE), "counts as medium", ("level: low", FINE)),
    (
        "tag",
        WEB,
        ("tags: [atack.t1190]", FINE),
        "`attack` is meant?",
        ("tags: [attack.t1190, cve.2021-1]", FINE),
    ),
    ("date", WEB, ("date: 2021/03/14", FINE), "(2021-03-14?)", ("date: 2021-03-14", FINE)),
    (
        "related",
        WEB,
        ("related: [{type: obsoletes}]", FINE),
        "`obsolete` is meant?",
        ("related: [{type: similar}]", FINE),
    ),
    ("timeframe", WEB, ("", "s: {A: x}\ntimeframe: 5m\ncondition: s"), "does nothing", ("", FINE)),
    (
        "unused",
        WEB,
        ("", "s: {A: x}\nt: {B: y}\ncondition: s"),
        "selection `t`",
        ("", "s: {A: x}\nt: {B: y}\ncondition: 1 of *"),
    ),
    (
        "of-one",
        WEB,
        ("", "s: {A: x}\ncondition: 1 of  them"),
        "write `s`",
        ("", "s: {A: x}\nt: {B: y}\ncondition: 1 of them"),
    ),
    (
        "all-of-one",
        WEB,
        ("", "s: {A|contains|all: x}\ncondition: s"),
        "leave it out",
        ("", "s: {A|contains|all: [x, y]}\ncondition: s"),
    ),
    (
        "twice",
        WEB,
        ("", "s: {A: [x, y, X]}\ncondition: s"),
        "`X` stands twice",
        ("", "s: {A|re: [x.y, X.y]}\ncondition: s"),
    ),
    (
        "wildcard",
        WEB,
        ("", "s: {A|contains: '*x'}\ncondition: s"),
        "`contains` adds",
        ("", "s: {A|contains: 'x*y'}\ncondition: s"),
    ),
    (
        "wildcard",
        WEB,
        ("", "s: {A|startswith: 'x\\\\*'}\ncondition: s"),
        "`startswith` adds",
        ("", "s: {A|startswith: 'x\\*'}\ncondition: s"),
    ),
    (
        "wildcard",
        WEB,
        ("", "s: {A|endswith: '*x'}\ncondition: s"),
        "`endswith` adds",
        ("", "s: {A|endswith: 'x*'}\ncondition: s"),
    ),
    (
        "plain-regex",
        WEB,
        ("", "s: {A|re: '.*a\\.exe'}\ncondition: s"),
        "`A|contains|cased: 'a.exe'`",
        ("", "s: {A|re: 'a.exe'}\ncondition: s"),
    ),
    (
        "field",
        PROCESS,
        ("", "s: {Parent_Image: x}\ncondition: s"),
        "is `ParentImage`",
        ("", "s: {ParentImage: x, Hashes: y}\ncondition: s"),
    ),
    (
        "field",
        PROCESS,
        ("", "s: {ParentImages: x}\ncondition: s"),
        "is `ParentImage`",
        ("", "s: {ParentCommandLine: x}\ncondition: s"),
    ),
];

#[test]
fn each_lint_hits_and_misses() {
    for (lint, source, hit, words, miss) in TABLE {
        let found = notes(&[rule(source, hit.0, hit.1)]);
        assert_eq!(found.len(), 1, "{lint} {hit:?}: {found:?}");
        assert_eq!(found[0].lint, *lint);
        assert!(found[0].text.contains(words), "{lint}: {found:?}");
        assert!(found[0].line > 0 && found[0].column > 0);
        assert_eq!(notes(&[rule(source, miss.0, miss.1)]), [], "{lint} {miss:?}");
    }
    for Lint { name, .. } in LINTS {
        assert!(TABLE.iter().any(|row| row.0 == *name), "{name} has no test");
    }
}

#[test]
fn the_same_title_is_noted_at_the_second_rule() {
    let second = rule(WEB, "", "s: {A: x}\ncondition: s").replace("title: T", "title: t");
    let found = notes(&[rule(WEB, "", "s: {A: x}\ncondition: s"), second]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].file.as_str(), found[0].lint), ("b.yml", "title"));
    assert!(found[0].text.contains("a.yml:1"));
}

#[test]
fn what_is_no_rule_has_no_notes() {
    assert_eq!(notes(&["id: x\nrule_metadata: []\n".to_owned(), "a: [".to_owned()]), []);
}
