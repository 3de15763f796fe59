//! The language: each line of a table is a selection, the fields of an event, and whether it fires.

use super::*;

const SECURITY: &str = "{product: windows, service: security}";

/// Whether a detection fires on an event of the Security log with these fields (JSON).
fn fires(detection: &str, fields: &str) -> bool {
    let engine = engine(&rule(SECURITY, detection));
    !hits(&engine, &security(fields)).is_empty()
}

fn security(fields: &str) -> Event<'static> {
    event(&format!(
        r#"{{"family": "windows-event", "channel": "Security", "event_id": 1, "fields": {fields}}}"#
    ))
}

/// Runs a table of (item of a selection, fields, fires).
fn check(table: &[(&str, &str, bool)]) {
    for (item, fields, expected) in table {
        let detection = format!("sel:\n  {item}\ncondition: sel");
        assert_eq!(fires(&detection, fields), *expected, "{item} on {fields}");
    }
}

#[test]
fn compares_text_without_case() {
    check(&[
        ("A: cmd.exe", r#"{"A": "CMD.EXE"}"#, true),
        ("A: cmd.exe", r#"{"A": "xcmd.exe"}"#, false),
        ("A: ÄÖ", r#"{"A": "äö"}"#, true),
        ("A|contains: Md", r#"{"A": "CMD.EXE"}"#, true),
        ("A|startswith: cm", r#"{"A": "CMD.EXE"}"#, true),
        ("A|startswith: md", r#"{"A": "CMD.EXE"}"#, false),
        ("A|endswith: .exe", r#"{"A": "CMD.EXE"}"#, true),
        ("A|endswith: .ex", r#"{"A": "CMD.EXE"}"#, false),
        ("A|cased: CMD", r#"{"A": "CMD"}"#, true),
        ("A|cased: cmd", r#"{"A": "CMD"}"#, false),
        ("A|contains|cased: Md", r#"{"A": "xMdx"}"#, true),
        ("A|contains|cased: Md", r#"{"A": "xmdx"}"#, false),
        ("A: [x, y]", r#"{"A": "Y"}"#, true),
        ("A: [x, y]", r#"{"A": "z"}"#, false),
        ("A|contains|all: [x, y]", r#"{"A": "axby"}"#, true),
        ("A|contains|all: [x, y]", r#"{"A": "axb"}"#, false),
        ("A|all|contains: [x, y]", r#"{"A": "axby"}"#, true),
        ("A: x", r#"{"A": ["z", "x"]}"#, true),
        ("A|contains|all: [x, y]", r#"{"A": ["x", "y"]}"#, true),
        ("A: x", r#"{"B": "x"}"#, false),
        ("A: x", r#"{"a": "x"}"#, true),
        ("A: x", r#"{"a": "x", "A": "y"}"#, false),
    ]);
}

#[test]
fn reads_wildcards_and_escapes() {
    check(&[
        ("A: 'a*c'", r#"{"A": "abbc"}"#, true),
        ("A: 'a?c'", r#"{"A": "abbc"}"#, false),
        (r"A: 'a\*c'", r#"{"A": "a*c"}"#, true),
        (r"A: 'a\*c'", r#"{"A": "abc"}"#, false),
        (r"A: 'a\\*c'", r#"{"A": "a\\bc"}"#, true),
        (r"A: 'a\\*c'", r#"{"A": "a*c"}"#, false),
        (r"A: 'a\\\*c'", r#"{"A": "a\\*c"}"#, true),
        (r"A: 'a\\\*c'", r#"{"A": "a\\bc"}"#, false),
        (r"A: '\\srv\x'", r#"{"A": "\\srv\\x"}"#, true),
        (r"A: '\\\\srv\x'", r#"{"A": "\\\\srv\\x"}"#, true),
        (r"A|startswith: '\\\\'", r#"{"A": "\\x"}"#, false),
        (r"A|contains: '\\\'", r#"{"A": "a\\\\b"}"#, true),
        ("A|endswith: '1?'", r#"{"A": "0x10"}"#, true),
        ("A|endswith: '1?'", r#"{"A": "0x1"}"#, false),
        ("A|startswith: 'a*c'", r#"{"A": "abcd"}"#, true),
        ("A|contains: 'b*d'", r#"{"A": "abcde"}"#, true),
        ("A|contains: '*'", r#"{"A": "x"}"#, true),
        ("A: '*'", r#"{"A": null}"#, false),
        ("A: '*'", r#"{"B": "x"}"#, false),
    ]);
}

#[test]
fn keeps_scalars_as_text() {
    check(&[
        ("A|contains: 00000429", r#"{"A": "x00000429x"}"#, true),
        ("A|contains: 00000429", r#"{"A": "x429x"}"#, false),
        ("A: on", r#"{"A": "on"}"#, true),
        ("A: on", r#"{"A": true}"#, false),
        ("A: 0x10", r#"{"A": "0x10"}"#, true),
        ("A: 0x10", r#"{"A": 16}"#, false),
        ("A: 1e3", r#"{"A": "1E3"}"#, true),
        ("A: 1e3", r#"{"A": 1000}"#, false),
        ("A: 4688", r#"{"A": 4688}"#, true),
        ("A: 4688", r#"{"A": "4688"}"#, true),
        ("A: '4688'", r#"{"A": 4688}"#, true),
        ("A: 4.0", r#"{"A": 4}"#, true),
        ("A: 4", r#"{"A": 40}"#, false),
        ("A: true", r#"{"A": true}"#, true),
        ("A: 'true'", r#"{"A": true}"#, true),
        ("A: true", r#"{"A": "True"}"#, true),
        ("A: false", r#"{"A": true}"#, false),
    ]);
}

#[test]
fn tells_null_from_empty_and_absent() {
    check(&[
        ("A: null", r#"{"A": null}"#, true),
        ("A: ~", r#"{"B": "x"}"#, true),
        ("A:", r#"{"A": ""}"#, true),
        ("A: null", r#"{"A": "x"}"#, false),
        ("A: null", r#"{"A": ["x", ""]}"#, true),
        ("A: ''", r#"{"A": ""}"#, true),
        ("A: ''", r#"{"A": null}"#, true),
        ("A: ''", r#"{"B": "x"}"#, false),
        ("A: [x, null]", r#"{"B": "x"}"#, true),
        ("A: 'null'", r#"{"A": null}"#, false),
        ("A|exists: true", r#"{"A": null}"#, true),
        ("A|exists: true", r#"{"B": "x"}"#, false),
        ("A|exists: false", r#"{"B": "x"}"#, true),
        ("A|exists: false", r#"{"A": ""}"#, false),
    ]);
}

#[test]
fn negates_and_orders() {
    check(&[
        ("A|neq: x", r#"{"A": "y"}"#, true),
        ("A|neq: x", r#"{"A": "X"}"#, false),
        ("A|neq: [x, y]", r#"{"A": "y"}"#, false),
        ("A|neq: x", r#"{"B": "y"}"#, true),
        ("A|neq: 5", r#"{"A": 5}"#, false),
        ("A|gt: 5", r#"{"A": 6}"#, true),
        ("A|gt: 5", r#"{"A": 5}"#, false),
        ("A|gte: 5", r#"{"A": "5"}"#, true),
        ("A|lt: 5.5", r#"{"A": 5}"#, true),
        ("A|lte: 16", r#"{"A": "0x10"}"#, true),
        ("A|lt: 5", r#"{"A": "x"}"#, false),
        ("A|lt: 5", r#"{"B": 1}"#, false),
    ]);
}

#[test]
fn reads_parts_of_times() {
    check(&[
        ("A|hour: 6", r#"{"A": "2021-03-14 06:40:13.659"}"#, true),
        ("A|hour: 6", r#"{"A": "2021-03-14 07:40:13.659"}"#, false),
        ("A|hour: [6, 7]", r#"{"A": "2021-03-14 07:40:13.659"}"#, true),
        ("A|hour|gte: 20", r#"{"A": "21:00:00"}"#, true),
        ("A|lt|hour: 20", r#"{"A": "21:00:00"}"#, false),
        ("A|minute|neq: 40", r#"{"A": "2021-03-14T06:40:13Z"}"#, false),
        ("A|day: 14", r#"{"A": "2021-03-14"}"#, true),
        ("A|week: 10", r#"{"A": "2021-03-14"}"#, true),
        ("A|month: 3", r#"{"A": "2021-03-14"}"#, true),
        ("A|year: 2021", r#"{"A": "2021-03-14"}"#, true),
        ("A|year: 2021", r#"{"A": "2021"}"#, false),
        ("A|year: 2021", r#"{"B": "2021-03-14"}"#, false),
    ]);
}

#[test]
fn runs_expressions_on_the_value_as_it_is() {
    check(&[
        ("A|re: 'b+c'", r#"{"A": "abbcd"}"#, true),
        ("A|re: '^b'", r#"{"A": "ab"}"#, false),
        ("A|re: 'B'", r#"{"A": "b"}"#, false),
        ("A|re|i: 'B'", r#"{"A": "b"}"#, true),
        ("A|re: '^b'", r#"{"A": "a\nb"}"#, false),
        ("A|re|m: '^b'", r#"{"A": "a\nb"}"#, true),
        ("A|re: 'a.b'", r#"{"A": "a\nb"}"#, false),
        ("A|re|s: 'a.b'", r#"{"A": "a\nb"}"#, true),
        ("A|re: '^16$'", r#"{"A": 16}"#, true),
        ("A|re|all: [a, b]", r#"{"A": "xaxb"}"#, true),
        ("A|re|all: [a, b]", r#"{"A": "xa"}"#, false),
    ]);
}

#[test]
fn knows_networks() {
    check(&[
        ("A|cidr: 10.0.0.0/8", r#"{"A": "10.1.2.3"}"#, true),
        ("A|cidr: 10.0.0.0/8", r#"{"A": "11.1.2.3"}"#, false),
        ("A|cidr: 10.0.0.0/8", r#"{"A": "::ffff:10.0.0.1"}"#, true),
        ("A|cidr: '::ffff:10.0.0.0/104'", r#"{"A": "::ffff:10.0.0.1"}"#, true),
        ("A|cidr: '::ffff:10.0.0.0/104'", r#"{"A": "::ffff:11.0.0.1"}"#, false),
        ("A|cidr: '::/0'", r#"{"A": "::ffff:10.0.0.1"}"#, true),
        ("A|cidr: '::/0'", r#"{"A": "10.0.0.1"}"#, false),
        ("A|cidr: 10.1.2.3/8", r#"{"A": "10.9.9.9"}"#, true),
        ("A|cidr: 10.1.2.3", r#"{"A": "10.1.2.3"}"#, true),
        ("A|cidr: 'fe80::/10'", r#"{"A": "fe80::1%12"}"#, true),
        ("A|cidr: '::1/128'", r#"{"A": "::1"}"#, true),
        ("A|cidr: [10.0.0.0/8, 127.0.0.0/8]", r#"{"A": "127.0.0.1"}"#, true),
        ("A|cidr: 10.0.0.0/8", r#"{"A": "-"}"#, false),
    ]);
}

#[test]
fn encodes_values() {
    check(&[
        ("A|base64|contains: 'hello'", r#"{"A": "xaGVsbG8=x"}"#, true),
        ("A|base64offset|contains: 'foobar'", r#"{"A": "x: Zm9vYmFy"}"#, true),
        ("A|base64offset|contains: 'foobar'", r#"{"A": "eGZvb2Jhcg=="}"#, true),
        ("A|base64offset|contains: 'foobar'", r#"{"A": "eHhmb29iYXI="}"#, true),
        ("A|base64offset|contains: 'foobar'", r#"{"A": "Zm9vYm9v"}"#, false),
        ("A|wide|base64offset|contains: 'cmd'", r#"{"A": "YwBtAGQA"}"#, true),
        ("A|utf16le|base64: 'cmd'", r#"{"A": "YwBtAGQA"}"#, true),
        ("A|utf16be|base64: 'cmd'", r#"{"A": "AGMAbQBk"}"#, true),
        ("A|utf16|base64: 'cmd'", r#"{"A": "//5jAG0AZAA="}"#, true),
        ("A|wide: 'cmd'", r#"{"A": "c\u0000m\u0000d\u0000"}"#, true),
        ("A|windash|contains: ' -e '", r#"{"A": "x /e y"}"#, true),
        ("A|windash|contains: ' /e '", r#"{"A": "x -e y"}"#, true),
        ("A|windash|contains: ' /e '", r#"{"A": "x –e y"}"#, true),
        ("A|windash|contains: ' -e '", r#"{"A": "x ―e y"}"#, true),
        ("A|contains|windash: ' -s -i '", r#"{"A": "x /s –i y"}"#, true),
        ("A|windash|contains|all: [' -a', ' -b']", r#"{"A": "x /a -b"}"#, true),
        ("A|windash|contains|all: [' -a', ' -b']", r#"{"A": "x /a"}"#, false),
        ("A|windash|contains: 'a-b'", r#"{"A": "a/b"}"#, false),
    ]);
}

#[test]
fn knows_a_percent_sign_from_a_placeholder() {
    check(&[
        (r"A|expand: '\%plain\%'", r#"{"A": "%plain%"}"#, true),
        (r"A|expand: '\%plain\%'", r#"{"A": "\\%plain\\%"}"#, false),
        (r"A|expand|contains: '50% of'", r#"{"A": "x 50% of y"}"#, true),
        (r"A|expand: 'a\\*%'", r#"{"A": "a\\b%"}"#, true),
        (r"A: '\%a\%'", r#"{"A": "\\%a\\%"}"#, true),
        (r"A: '%a%'", r#"{"A": "%A%"}"#, true),
    ]);
    for value in ["%name%", r"\%plain%name%", "50% of %name%", r"\\%name%"] {
        let text = rule(SECURITY, &format!("s: {{A|expand: '{value}'}}\ncondition: s"));
        let (_, _, report) = load(&[file("test.yml", &text)]);
        assert!(report.idle.len() == 1, "{value}");
    }
}

#[test]
fn compares_fields() {
    check(&[
        ("A|fieldref: B", r#"{"A": "x", "B": "X"}"#, true),
        ("A|fieldref: B", r#"{"A": "x", "B": "y"}"#, false),
        ("A|fieldref: B", r#"{"C": "x"}"#, false),
        ("A|fieldref: B", r#"{"A": "x"}"#, false),
        ("A|fieldref|startswith: B", r#"{"A": "xy", "B": "X"}"#, true),
        ("A|fieldref|endswith: B", r#"{"A": "xy", "B": "Y"}"#, true),
        ("A|fieldref|contains: B", r#"{"A": "xyz", "B": "Y"}"#, true),
        ("A|fieldref|startswith: B", r#"{"A": "xy", "B": "y"}"#, false),
        ("A|fieldref|startswith: B", r#"{"A": "xy", "B": ""}"#, false),
        ("A|fieldref|neq: B", r#"{"A": "x", "B": "y"}"#, true),
        ("A|fieldref|neq: B", r#"{"A": "x", "B": "X"}"#, false),
        ("A|fieldref|cased: B", r#"{"A": "x", "B": "X"}"#, false),
    ]);
}

#[test]
fn joins_selections_and_looks_for_keywords() {
    let event = r#"{"A": "one two", "B": "three", "N": 7}"#;
    let table = [
        ("s: {A|contains: one, B: three}\ncondition: s", true),
        ("s: {A|contains: one, B: four}\ncondition: s", false),
        ("s: [{A|contains: x}, {B: three}]\ncondition: s", true),
        ("s: [{A|contains: x}, {B: x}]\ncondition: s", false),
        ("s: [TWO, nine]\ncondition: s", true),
        ("s: [nine]\ncondition: s", false),
        ("s: two\ncondition: s", true),
        ("s: ['o*tw']\ncondition: s", true),
        ("s: [7]\ncondition: s", false),
        ("s: {'|all': [two, three]}\ncondition: s", true),
        ("s: {'|all': [two, nine]}\ncondition: s", false),
        ("s: {'|contains': hre}\ncondition: s", true),
        ("s: {'|re': 'th.ee'}\ncondition: s", true),
        ("s: [nine, {B: three}]\ncondition: s", true),
        ("a: {A|contains: one}\nb: {B: x}\ncondition: a and not b", true),
        ("a: {A|contains: one}\nb: {C: x}\ncondition: a and not b", true),
        ("a: {A|contains: one}\nb: {B: three}\ncondition: a and not b", false),
        ("a: {A: x}\nb: {B: three}\ncondition: [a, b]", true),
        ("a: {A: x}\nb: {B: x}\ncondition: [a, b]", false),
        ("s1: {A: x}\ns2: {B: three}\ncondition: 1 of s*", true),
        ("s1: {A: x}\ns2: {B: three}\ncondition: all of s*", false),
        ("s1: {A: x}\n_s2: {B: three}\ncondition: 1 of them", false),
        ("s1: {A: x}\ns2: {B: three}\ncondition: not 1 of s*", false),
        ("s1: {A: x}\ns2: {B: three}\ncondition: not all of s*", true),
    ];
    for (detection, expected) in table {
        assert_eq!(fires(detection, event), expected, "{detection}");
    }
}

#[test]
fn a_long_list_fires_like_a_short_one() {
    let words: Vec<String> = (0..40).map(|n| format!("word{n:02}")).collect();
    let list = words.join(", ");
    check(&[
        (&format!("A|contains: [{list}]"), r#"{"A": "a WORD39 b"}"#, true),
        (&format!("A|contains: [{list}]"), r#"{"A": "a word40 b"}"#, false),
        (&format!("A: [{list}]"), r#"{"A": "Word00"}"#, true),
        (&format!("A|endswith: [{list}]"), r#"{"A": "a Word00"}"#, true),
    ]);
}

#[test]
fn tells_which_values_made_it_fire() {
    let detection = "a: {A|contains: [one, nine], B: [three, null]}\n\
                     b: {C: x}\nf: {D: y}\ncondition: (a or b) and not f";
    let engine = engine(&rule(SECURITY, detection));
    let found = hits(&engine, &security(r#"{"A": "One two", "C": "z"}"#));
    assert_eq!(matched(&found), ["A=One two", "B=-"]);

    let many: Vec<String> = (0..40).map(|n| format!("\"v{n}\"")).collect();
    let found = hits(
        &engine,
        &security(&format!(r#"{{"A": "one", "B": null, "C": "{}"}}"#, "x".repeat(3))),
    );
    assert_eq!(matched(&found), ["A=one", "B=-"]);

    let all = super::engine(&rule(SECURITY, "a: {A|startswith: v}\ncondition: a"));
    let found = hits(&all, &security(&format!(r#"{{"A": [{}]}}"#, many.join(","))));
    assert_eq!(matched(&found).len(), 16);

    let long = format!(r#"{{"A": "v{}"}}"#, "ä".repeat(1000));
    let found = hits(&all, &security(&long));
    assert_eq!(found[0].matched[0].value.as_ref().unwrap().chars().count(), 512);
}
