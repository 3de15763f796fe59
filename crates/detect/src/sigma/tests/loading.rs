//! What becomes of rule files: loaded, loaded but idle, or refused with place and reason.

use model::case::Severity;
use proptest::prelude::*;

use super::*;

const WEB: &str = "{category: webserver}";

fn refusals(text: &str) -> Vec<(u64, u64, String)> {
    let (_, _, report) = load(&[file("bad.yml", text)]);
    report.refused.into_iter().map(|r| (r.line, r.column, r.reason)).collect()
}

/// A filter for web servers.
fn filter(part: &str) -> String {
    rule(WEB, part).replace("detection:", "filter:").replace("Test", "Filter")
}

#[test]
fn filters_narrow_the_rules_that_they_name() {
    const ID: &str = "id: 9db37458-4df2-46a5-95ab-307e7f29e675\nname: short\n";
    let base = format!("{ID}{}", rule(WEB, "s: {A: x}\ncondition: s"));
    let not = "s: {B: y}\ncondition: not s";
    let with = |rules: &str, rest: &str| filter(&format!("rules: {rules}\n{rest}"));
    let other_source = with("any", not).replace("webserver", "antivirus");
    let table = [
        (with("any", not), false, true),
        (with("[9DB37458-4df2-46a5-95ab-307e7f29e675]", not), false, true),
        (with("[short]", not), false, true),
        (with("short", not), false, true),
        (with("any", "s: {B: y}\ncondition: s"), true, false),
        (with("[other]", not), true, true),
        (other_source, true, true),
    ];
    for (filter, on_y, on_z) in table {
        // The filter stands before the rule in its set, and behind it.
        for names in [["a.yml", "b.yml"], ["b.yml", "a.yml"]] {
            let mut files = [file(names[0], &filter), file(names[1], &base)];
            files.sort_by(|a, b| a.name.cmp(&b.name));
            let (engine, metas, report) = load(&files);
            assert_eq!((report.refused.as_slice(), metas.len(), report.loaded), (&[][..], 1, 2));
            assert_eq!(report.idle.len(), usize::from(on_y && on_z), "{filter}");
            for (value, fires) in [("y", on_y), ("z", on_z)] {
                let row =
                    format!(r#"{{"family": "iis-w3c", "fields": {{"A": "x", "B": "{value}"}}}}"#);
                assert_eq!(!hits(&engine, &event(&row)).is_empty(), fires, "{filter} on {value}");
            }
        }
    }
}

#[test]
fn a_filter_is_for_its_own_set_alone() {
    let mut builder = EngineBuilder::new(mapping());
    builder.add(&[file("own.yml", &rule(WEB, "s: {A: x}\ncondition: s"))], true);
    let any = filter("rules: any\ns: {A: x}\ncondition: not s");
    let report = builder.add(&[file("theirs.yml", &any)], false);
    assert_eq!(report.idle.len(), 1);
    let (engine, _) = builder.build();
    let row = event(r#"{"family": "iis-w3c", "fields": {"A": "x"}}"#);
    assert_eq!(hits(&engine, &row).len(), 1);
}

#[test]
fn refuses_with_place_and_reason() {
    let table = [
        (rule(WEB, "s: {A|contians: x}\ncondition: s"), (4, 7), "`contains` is meant?"),
        (rule(WEB, "s: {A|xyz: x}\ncondition: s"), (4, 7), "unknown modifier `xyz`"),
        (rule(WEB, "s: {A|hour: x}\ncondition: s"), (4, 15), "with a whole number"),
        (rule(WEB, "s: {A|hour|day: 3}\ncondition: s"), (4, 7), "do not go together"),
        (rule(WEB, "s: [null]\ncondition: s"), (4, 7), "empty keyword"),
        (rule(WEB, "s: {A|re: '(?=x)'}\ncondition: s"), (4, 13), "regular expression:"),
        (rule(WEB, "s: {A|re: '(((x{100}){100}){100})'}\ncondition: s"), (4, 13), "too large"),
        (rule(WEB, "s: {A|cidr: x}\ncondition: s"), (4, 15), "`cidr` needs a network"),
        (rule(WEB, "s: {A|cidr: 010.0.0.0/8}\ncondition: s"), (4, 15), "`cidr` needs a network"),
        (rule(WEB, "s: {A|cidr: 10.0.0.0/+8}\ncondition: s"), (4, 15), "`cidr` needs a network"),
        (rule(WEB, "s: {A|cidr: 10.0.0.0/33}\ncondition: s"), (4, 15), "`cidr` needs a network"),
        (rule(WEB, "s: {A|gt: x}\ncondition: s"), (4, 13), "compare with a number"),
        (rule(WEB, "s: {A|fieldref: ''}\ncondition: s"), (4, 19), "name of a field"),
        (rule(WEB, "s: {A|exists: maybe}\ncondition: s"), (4, 17), "takes true or false"),
        (rule(WEB, "s: {A|contains: null}\ncondition: s"), (4, 19), "null takes no modifier"),
        (rule(WEB, "s: {A|base64: 'a*'}\ncondition: s"), (4, 17), "wildcards cannot be encoded"),
        (rule(WEB, "s: {A|wide: 'ä'}\ncondition: s"), (4, 15), "base64 modifier is missing"),
        (rule(WEB, "s: {A|i: x}\ncondition: s"), (4, 7), "`i` needs `re`"),
        (rule(WEB, "s: {A|re|cidr: x}\ncondition: s"), (4, 7), "do not go together"),
        (rule(WEB, "s: {A|re|contains: x}\ncondition: s"), (4, 7), "do not go together"),
        (rule(WEB, "s: {'|cidr': x}\ncondition: s"), (4, 7), "needs a field name"),
        (rule(WEB, "s: {A: []}\ncondition: s"), (4, 10), "empty list"),
        (rule(WEB, "s: {A: {B: c}}\ncondition: s"), (4, 10), "a mapping where values"),
        (rule(WEB, "s: {A: [[x]]}\ncondition: s"), (4, 11), "single value is meant"),
        (rule(WEB, "s: {}\ncondition: s"), (4, 6), "without content"),
        (rule(WEB, "s: ['']\ncondition: s"), (4, 7), "empty keyword"),
        (rule(WEB, "s: {A: x}\ncondition: t"), (5, 14), "no selection `t`"),
        (rule(WEB, "s: {A: x}\ncondition: s | count() > 1"), (5, 14), "deprecated"),
        (rule(WEB, "s: {A: x}"), (4, 3), "`condition` is missing"),
        (rule("{definition: x}", "s: {A: x}\ncondition: s"), (2, 12), "none of `product`"),
        (
            "title: T\nlogsource: {category: webserver}\n".to_owned(),
            (1, 1),
            "`detection` is missing",
        ),
        ("title: T\ndetection: {}\n".to_owned(), (1, 1), "`logsource` is missing"),
        (
            "title: T\ncorrelation:\n  type: event_count\n".to_owned(),
            (3, 3),
            "correlation: `rules` is missing",
        ),
        ("title: T\nfilter:\n  rules: []\n".to_owned(), (1, 1), "`logsource` is missing"),
        (filter("s: {A: x}\ncondition: s"), (4, 3), "`rules` needs a list"),
        (filter("rules: []\ns: {A: x}\ncondition: s"), (4, 10), "`rules` needs a list"),
        (filter("rules: any\ns: {A: x}"), (4, 3), "filter: `condition` is missing"),
        ("action: global\ntitle: T\n".to_owned(), (1, 9), "deprecated"),
        ("- a\n- b\n".to_owned(), (1, 1), "not a mapping"),
        ("a: [\n".to_owned(), (2, 1), "YAML"),
        (String::new(), (1, 1), "no document"),
        (
            rule(WEB, "s: {A: x}\ncondition: s").replace("title: Test\n", ""),
            (1, 1),
            "`title` is missing",
        ),
        (rule(WEB, "s: {A: x}\ncondition: s") + "level: hihg\n", (6, 8), "`high` is meant?"),
    ];
    for (text, (line, column), reason) in table {
        let found = refusals(&text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].2.contains(reason), "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1), (line, column), "{text}: {found:?}");
    }
    let (_, _, report) = load(&[SourceFile { name: "x.yml".into(), bytes: b"a\n\xff".to_vec() }]);
    assert_eq!((report.refused[0].line, report.refused[0].column), (2, 1));
}

#[test]
fn bounds_what_a_rule_may_take() {
    let dashes = vec!["' -a -b -c -d'"; 400].join(", ");
    let expressions = vec!["x"; 600].join(", ");
    let selections: Vec<String> = (0..300).map(|n| format!("s{n}: {{A: x}}")).collect();
    let of_them = vec!["1 of them"; 100].join(" or ");
    let table = [
        (format!("s: {{A|windash: [{dashes}]}}\ncondition: s"), "too many values"),
        (format!("s: {{A|re: [{expressions}]}}\ncondition: s"), "too many values"),
        (format!("{}\ncondition: {of_them}", selections.join("\n")), "name more than"),
    ];
    for (detection, reason) in table {
        let found = refusals(&rule(WEB, &detection));
        assert!(found.len() == 1 && found[0].2.contains(reason), "{found:?}");
    }
}

#[test]
fn one_bad_document_stops_no_other() {
    let good = rule(WEB, "s: {A: x}\ncondition: s");
    let text = format!(
        "{good}---\ntitle: bad\nlevel: high\n---\n{}---\na: [",
        good.replace("Test", "Second")
    );
    let (engine, metas, report) = load(&[file("many.yml", &text), file("good.yml", &good)]);
    assert_eq!((report.loaded, report.refused.len()), (3, 2));
    assert_eq!(metas.len(), 3);
    let row = event(r#"{"family": "iis-w3c", "fields": {"A": "x"}}"#);
    assert_eq!(hits(&engine, &row).len(), 3);
}

#[test]
fn what_is_no_rule_is_counted_apart() {
    let info = "id: x\nrule_metadata: []\n";
    let (_, metas, report) =
        load(&[file("info.yml", info), file("a.yml", "title: T\nlevel: low\n")]);
    assert_eq!((metas.len(), report.loaded), (0, 0));
    assert_eq!(report.not_rules, ["info.yml"]);
    assert_eq!(report.refused.len(), 1);
    let misspelt = rule(WEB, "s: {A: x}\ncondition: s").replace("detection:", "detections:");
    assert!(refusals(&misspelt)[0].2.contains("`detections` is meant for it?"));
}

#[test]
fn reads_what_a_rule_says_of_itself() {
    let text = "title: T\nid: 9db37458-4df2-46a5-95ab-307e7f29e675\nname: short_name\nauthor: A (X, Y), B\n\
        date: 2021-03-15\nmodified: 2023-01-23\nlicense: MIT\nlevel: High\n\
        tags: [attack.persistence, attack.t1505.003, attack.T1190, cve.2021-26855]\n"
        .to_owned()
        + &rule(WEB, "s: {A: x}\ncondition: s").replace("title: Test\n", "");
    let (_, metas, _) = load(&[file("dir/t.yml", &text)]);
    let meta = &metas[0];
    assert_eq!(meta.rule.id, "9db37458-4df2-46a5-95ab-307e7f29e675");
    assert_eq!(meta.rule.author, ["A (X, Y)", "B"]);
    assert_eq!((meta.rule.version.as_str(), meta.rule.license.as_str()), ("2023-01-23", "MIT"));
    assert_eq!(meta.rule.source, "dir/t.yml");
    assert_eq!(meta.attack, ["T1190", "T1505.003"]);
    assert_eq!((meta.level, meta.name.as_deref()), (Severity::High, Some("short_name")));

    let (_, metas, _) = load(&[file("t.yml", &rule(WEB, "s: {A: x}\ncondition: s"))]);
    assert_eq!(metas[0].rule.id.len(), 16);
    assert_eq!(metas[0].rule.version, metas[0].rule.id);
    assert_eq!((metas[0].level, metas[0].rule.license.as_str()), (Severity::Medium, "not stated"));
}

#[test]
fn names_rules_that_nothing_here_can_serve() {
    let table = [
        (
            rule("{product: okta, service: okta}", "s: {A: x}\ncondition: s"),
            "log source (product: okta, service: okta)",
        ),
        (rule(WEB, "s: {A|expand: '%admins%'}\ncondition: s"), "placeholder"),
        (
            rule("{product: windows, category: process_creation}", "s: {EventID: 7}\ncondition: s"),
            "event ids",
        ),
    ];
    for (text, reason) in table {
        let (_, metas, report) = load(&[file("idle.yml", &text)]);
        assert_eq!((report.loaded, metas.len(), report.refused.len()), (1, 1, 0), "{text}");
        assert!(report.idle[0].reason.contains(reason), "{:?}", report.idle);
    }
}

#[test]
fn an_id_is_used_once() {
    let text = "id: 9db37458-4df2-46a5-95ab-307e7f29e675\n".to_owned()
        + &rule(WEB, "s: {A: x}\ncondition: s");
    let (_, metas, report) = load(&[file("one.yml", &text), file("two.yml", &text)]);
    assert_eq!((metas.len(), report.loaded), (1, 1));
    assert!(report.refused[0].reason.contains("one.yml"));
}

/// Lines from which random rules are put together: nearly right, and so reaching deep into the loader.
const LINES: &[&str] = &[
    "title: T",
    "logsource: {category: webserver}",
    "logsource: {product: windows}",
    "detection:",
    "  sel: {A: x}",
    "  sel:",
    "    A|re: '(a|b)*'",
    "    A|contains|all: [x, 'y*', null, 1]",
    "    A|windash|wide|base64offset|contains: ' -a /b -c'",
    "    '|all': [x, y]",
    "    - word",
    "    - B|fieldref: A",
    "  _x: ['*', '?', '\\\\*', '']",
    "  condition: sel",
    "  condition: 1 of *",
    "  condition: (not sel or all of them) and _x",
    "  condition: [sel, not sel]",
    "&a [*a]",
    "---",
    "level: high",
    "tags: [attack.t1]",
    "  x: &b {A: *b}",
    "\t",
    "? x",
    "!!str",
    "|",
    "\u{feff}",
    "%YAML 1.2",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_stops_the_loader(text in ".{0,200}", lines in prop::collection::vec(prop::sample::select(LINES), 0..14), cut in 0_usize..400) {
        let nearly: String = lines.join("\n").chars().take(cut).collect();
        for text in [&text, &nearly] {
            let (engine, metas, report) = load_quickly(text);
            prop_assert_eq!(metas.len() as u64, report.loaded);
            prop_assert!(report.loaded as usize + report.refused.len() + report.not_rules.len() > 0);
            for json in [
                r#"{"family": "iis-w3c", "fields": {"A": ["x -a", null, 1], "B": "y"}}"#,
                r#"{"family": "windows-event", "channel": "Security", "event_id": 1, "fields": {"A": true}}"#,
            ] {
                hits(&engine, &event(json));
            }
        }
    }
}

fn load_quickly(text: &str) -> (Engine, Vec<RuleMeta>, LoadReport) {
    use std::sync::OnceLock;
    static MAPPING: OnceLock<Mapping> = OnceLock::new();
    let mut builder = EngineBuilder::new(MAPPING.get_or_init(mapping).clone());
    let report = builder.add(&[file("random.yml", text)], false);
    let (engine, metas) = builder.build();
    (engine, metas, report)
}
