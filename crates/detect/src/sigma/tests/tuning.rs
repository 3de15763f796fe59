//! Tuning: what it takes away, what it may not, and what it says when it is wrong.

use model::Time;
use model::case::{RefusedRule, Severity};

use super::*;
use crate::RuleIndex;
use crate::sigma::{Explainer, Tuning};
use crate::tuned::Tuned;

const WEB: &str = "{category: webserver}";
const OWN_ID: &str = "9db37458-4df2-46a5-95ab-307e7f29e675";

fn named(title: &str, level: &str, more: &str) -> String {
    rule(WEB, "s: {A: x}\ncondition: s").replace("Test", title)
        + &format!("level: {level}\nstatus: test\ntags: [attack.t1190]\n{more}")
}

/// An engine of one own rule and three of a user, tuned.
fn tuned(text: &str) -> Result<(Engine, Vec<RuleMeta>, Tuned), Vec<RefusedRule>> {
    let tuning = Tuning::parse(&[file("t.yml", text)])?;
    let mut builder = EngineBuilder::new(mapping());
    let own = named("Own", "low", &format!("id: {OWN_ID}\nname: own_rule\n"));
    builder.add(&[file("own.yml", &own)], true);
    let users = [
        file("web/a.yml", &named("First", "high", "name: first\n")),
        file("web/b.yml", &named("Second", "low", "")),
        file("other/c.yml", &named("Third", "low", "").replace("status: test", "status: stable")),
    ];
    builder.add(&users, false);
    let tuned = builder.tune(&tuning)?;
    let (engine, metas) = builder.build();
    Ok((engine, metas, tuned))
}

fn fired(engine: &Engine, metas: &[RuleMeta], event: &Event<'_>) -> Vec<String> {
    let title = |hit: &Hit| metas[hit.rule.0 as usize].rule.title.clone();
    hits(engine, event).iter().map(title).collect()
}

fn row() -> Event<'static> {
    event(r#"{"family": "iis-w3c", "fields": {"A": "x", "B": "y"}}"#)
}

#[test]
fn excludes_rules_of_the_user_alone() {
    let cases = [
        ("exclude: [First]", "Own Second Third"),
        ("exclude: [{name: first, reason: noisy}]", "Own Second Third"),
        ("exclude: [{file: web/*}]", "Own Third"),
        ("exclude: [{level: low}]", "Own First"),
        ("exclude: [{level: low, status: stable}]", "Own First Second"),
        ("exclude: [{tag: 'ATTACK.t*'}]", "Own"),
        ("include: [{level: high}]", "Own First"),
        ("include: [{status: test}]\nexclude: [{title: Second}]", "Own First"),
        ("include:\nexclude: []", "Own First Second Third"),
    ];
    for (text, expected) in cases {
        let (engine, metas, tuned) = tuned(text).unwrap();
        assert_eq!(fired(&engine, &metas, &row()).join(" "), expected, "{text}");
        assert_eq!(tuned.excluded.len(), 4 - expected.split(' ').count(), "{text}");
        assert_eq!(tuned.unused, [], "{text}");
    }
}

#[test]
fn our_own_rules_cannot_be_tuned_away() {
    for text in [
        "exclude: [own_rule]".to_owned(),
        "exclude: [{title: Own}]".to_owned(),
        format!("exclude: [{{id: {}}}]", OWN_ID.to_uppercase()),
        "false_positives: [{rule: Own, when: {A: x}, reason: r}]".to_owned(),
        "false_positives: [{rules: [First, own_rule], when: {A: x}, reason: r}]".to_owned(),
    ] {
        let wrong = tuned(&text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(wrong.len(), 1, "{text}");
        assert!(wrong[0].reason.contains("cannot be tuned away"), "{text}: {wrong:?}");
        assert!(wrong[0].line == 1 && wrong[0].column > 1, "{text}: {wrong:?}");
    }
}

#[test]
fn changes_levels_of_any_rule() {
    let (_, metas, tuned) =
        tuned("levels: [{rule: Own, level: critical}, {rule: First, level: high}]").unwrap();
    assert_eq!(metas[0].level, Severity::Critical);
    // A level that the rule has already is no change.
    assert_eq!(tuned.levels.len(), 1);
    assert_eq!((tuned.levels[0].was, tuned.levels[0].rule.0), (Severity::Low, 0));
}

#[test]
fn hides_known_false_hits() {
    let entry = |more: &str| {
        format!("false_positives:\n  - {{rule: First, when: {{B: y}}, reason: scanner{more}}}")
    };
    let at = |time: &str, host: &str| {
        let mut event = row();
        event.time = Time::parse(time);
        event.host = (!host.is_empty()).then(|| host.to_owned().into());
        event
    };
    let late = "2021-03-04T00:00:00Z";
    let early = "2021-03-03T23:59:59Z";
    let cases = [
        (entry(""), at(late, ""), true),
        (entry(", host: EX01"), at(late, "ex01.contoso.example"), true),
        (entry(", host: 'ex*'"), at(late, "EX02"), true),
        (entry(", host: EX01"), at(late, "EX02"), false),
        (entry(", host: EX01"), at(late, ""), false),
        (entry(", until: 2021-03-03"), at(early, ""), true),
        (entry(", until: 2021-03-03"), at(late, ""), false),
        (entry(", until: 2021-03-03"), row(), false),
        (entry("").replace("B: y", "B: z"), at(late, ""), false),
        (entry("").replace("{B: y}", "{s: {B: y}, condition: not s}"), at(late, ""), false),
        (entry("").replace("{B: y}", "{s: {B|endswith: z}, condition: not s}"), at(late, ""), true),
    ];
    for (text, event, hidden) in cases {
        let (engine, metas, tuned) = tuned(&text).unwrap();
        let mut scratch = SigmaScratch::default();
        let mut titles = Vec::new();
        engine.run(&event, &mut scratch, &mut |hit| {
            titles.push(metas[hit.rule.0 as usize].rule.title.clone());
        });
        assert_eq!(!titles.contains(&"First".to_owned()), hidden, "{text}");
        assert_eq!(scratch.hidden.len(), usize::from(hidden), "{text}");
        for found in &scratch.hidden {
            assert_eq!(tuned.entries[found.entry].reason.as_deref(), Some("scanner"));
            assert!(tuned.entries[found.entry].at.starts_with("t.yml:2:"));
        }
        let files = [file("web/a.yml", &named("First", "high", "name: first\n"))];
        let tuning = Tuning::parse(&[file("t.yml", &text)]).unwrap();
        let explainer = Explainer::new(mapping(), &files, &metas[1], &tuning).unwrap();
        let explained = explainer
            .explain(&event, 0, &mut SigmaScratch::default())
            .unwrap()
            .explanation
            .unwrap();
        assert_eq!(explained.fired, !hidden, "{text}: {explained:#?}");
        assert_eq!(explained.views[0].parts.len(), 2);
    }
}

#[test]
fn what_fits_no_rule_is_reported() {
    let text = "include: [{level: low}, {level: medium}]\nexclude: [Frist]\n\
        levels: [{rule: Nobody, level: low}]\n\
        false_positives: [{rules: [First, Nobody], when: {A: x}, reason: r}]";
    let (_, _, tuned) = tuned(text).unwrap();
    let said: Vec<String> =
        tuned.unused.iter().map(|u| format!("{}:{} {}", u.line, u.column, u.reason)).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].starts_with("1:25 it fits no rule"), "{said:?}");
    assert!(said[1].starts_with("2:11 ") && said[1].ends_with("`First` is meant?"), "{said:?}");
    assert!(said[2].starts_with("3:10 ") && said[3].starts_with("4:19 "), "{said:?}");
}

#[test]
fn refuses_with_place_and_suggestion() {
    let table = [
        ("exlude: [a]", (1, 1), "`exclude` is meant?"),
        ("xyz: [a]", (1, 1), "there are include, exclude"),
        ("exclude: a", (1, 10), "a list of entries"),
        ("exclude: [{}]", (1, 11), "names no rules"),
        ("exclude: [{reason: x}]", (1, 11), "names no rules"),
        ("exclude: [[a]]", (1, 11), "a mapping is meant"),
        ("exclude: [{titel: a}]", (1, 12), "`title` is meant?"),
        ("exclude: [{level: hihg}]", (1, 19), "`high` is meant?"),
        ("exclude: [{status: tset}]", (1, 20), "unknown status"),
        ("exclude: [{rule: ''}]", (1, 18), "a text is meant"),
        ("levels: [{rule: a}]", (1, 10), "`level` is missing"),
        ("levels: [{level: low}]", (1, 10), "`rule` is missing"),
        ("false_positives: [{rule: a, when: {A: x}}]", (1, 19), "`reason` is missing"),
        ("false_positives: [{rule: a, reason: r}]", (1, 19), "`when` is missing"),
        ("false_positives: [{when: {A: x}, reason: r}]", (1, 19), "`rule` is missing"),
        ("false_positives: [{rule: a, reason: r, when: {A|contian: x}}]", (1, 47), "`contains` is"),
        (
            "false_positives: [{rule: a, reason: r, when: {s: {A: x}, condition: t}}]",
            (1, 69),
            "no selection",
        ),
        (
            "false_positives: [{rule: a, reason: r, when: {A|expand: '%x%'}}]",
            (1, 46),
            "placeholder",
        ),
        (
            "false_positives: [{rule: a, reason: r, when: {A: x}, until: soon}]",
            (1, 61),
            "is no day",
        ),
        ("- a", (1, 1), "a tuning file is a mapping"),
        ("a: [", (2, 1), "YAML"),
    ];
    for (text, (line, column), reason) in table {
        let wrong = Tuning::parse(&[file("t.yml", text)]).unwrap_err();
        let said = format!("{text}: {wrong:?}");
        assert_eq!(wrong.len(), 1, "{said}");
        assert!(wrong[0].reason.contains(reason), "{said}");
        if reason != "YAML" {
            assert_eq!((wrong[0].line, wrong[0].column), (line, column), "{said}");
        }
    }
    let two = Tuning::parse(&[file("t.yml", "exclude: [{}]\nlevels: [{}]")]).unwrap_err();
    assert_eq!(two.len(), 2, "one fault hides no other");
    assert!(Tuning::parse(&[SourceFile { name: "t".into(), bytes: vec![0xff] }]).is_err());
}

#[test]
fn a_correlation_may_be_excluded_and_has_no_hits_of_its_own_to_hide() {
    let many = "title: Many\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [first]\n  \
        group-by: [A]\n  timespan: 1m\n  condition: {gte: 2}\n";
    let tune = |text: &str| {
        let mut builder = EngineBuilder::new(mapping());
        let first = file("a.yml", &named("First", "low", "name: first\n"));
        let report = builder.add(&[first, file("m.yml", many)], false);
        assert_eq!((report.loaded, report.refused.as_slice()), (2, &[][..]));
        let tuned = builder.tune(&Tuning::parse(&[file("t.yml", text)]).unwrap());
        tuned.map(|tuned| (tuned, builder.build()))
    };
    let (_, (engine, _)) = tune("levels: [{rule: Many, level: low}]").unwrap();
    assert!(engine.correlations().is_silent(RuleIndex(0)));
    let (tuned, (engine, metas)) =
        tune("exclude: [Many]\nlevels: [{rule: Many, level: low}]").unwrap();
    assert!(!engine.correlations().is_silent(RuleIndex(0)), "its rules speak for themselves again");
    let excluded: Vec<u32> = tuned.excluded.keys().map(|rule| rule.0).collect();
    assert_eq!((excluded, metas[1].rule.title.as_str()), (vec![1], "Many"));
    assert_eq!(metas[1].level, Severity::Low);
    let wrong = tune("false_positives: [{rule: Many, when: {A: x}, reason: r}]").unwrap_err();
    assert!(wrong[0].reason.contains("hide hits of the rules"), "{wrong:?}");
}

#[test]
fn a_placeholder_of_the_site_makes_an_idle_rule_fire() {
    let text = rule(
        "{product: windows, service: security}",
        "s: {A|expand|startswith: '%names%-'}\ncondition: s",
    );
    let load = |tuning: &str| {
        let tuning = Tuning::parse(&[file("t.yml", tuning)]).unwrap();
        let mut builder = EngineBuilder::new(mapping()).with_placeholders_of(&tuning);
        let report = builder.add(&[file("a.yml", &text)], false);
        (report, builder.build().0)
    };
    assert_eq!(load("placeholders: {other: [x]}").0.idle.len(), 1);
    let (report, engine) = load("placeholders: {names: [DC01, 'fs*']}");
    assert_eq!((report.loaded, report.idle.len()), (1, 0));
    let fires = |value: &str| {
        let event = format!(
            r#"{{"family": "windows-event", "channel": "Security", "fields": {{"A": "{value}"}}}}"#
        );
        !hits(&engine, &super::event(&event)).is_empty()
    };
    assert!(fires("dc01-a") && fires("FS7-a") && !fires("DC02-a") && !fires("%names%-a"));
    for (wrong, reason) in [
        ("placeholders: [a]", "names with lists"),
        ("placeholders: {a b: [x]}", "no blank"),
        ("placeholders: {a: []}", "1 to"),
        ("placeholder: {a: [x]}", "`placeholders` is meant?"),
    ] {
        let faults = Tuning::parse(&[file("t.yml", wrong)]).unwrap_err();
        assert!(faults[0].reason.contains(reason), "{wrong}: {faults:?}");
    }
}
