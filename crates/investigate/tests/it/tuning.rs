//! Tuning touches no verdict, whatever it takes away of a user's rules, and is the same at any thread count.

use assay_investigate::{Content, SourceFile, rules::RuleSet};

use crate::support::{forged, judged, scenario, scratch};

/// A rule of a user that fires on every request to a front end.
const RULE: &str = "title: Any request\nid: 6f0c1f0a-6f5e-4a53-9d0d-0a4f3b1c2d01\nlevel: low\nstatus: test\n\
    logsource:\n  category: webserver\ndetection:\n  s:\n    cs-uri-stem|startswith: /\n  condition: s\n";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

/// Every level of our own rules lowered.
fn lowered() -> String {
    let content = Content::embedded().unwrap();
    let set = RuleSet { content: &content, rules: &[], tuning: &[] };
    let (detector, _) = set.detector().unwrap();
    let entry = |id: &str| format!("  - {{rule: {id}, level: informational}}\n");
    let entries: String = detector.rules().iter().map(|meta| entry(&meta.rule.id)).collect();
    format!("levels:\n{entries}")
}

#[test]
fn no_tuning_changes_a_verdict() {
    let rules = [file("any.yml", RULE)];
    let tunings = [
        "include: [{level: critical}]".to_owned(),
        "exclude: [{file: '*'}, {level: high}, {tag: '*'}, {status: test}]".to_owned(),
        "false_positives: [{rule: Any request, when: {cs-uri-stem|contains: /}, reason: r}]"
            .to_owned(),
        lowered(),
    ];
    for name in ["compromised", "scanned"] {
        let folder = scratch();
        let evidence = [forged(&scenario(name), folder.path())];
        let plain = judged(&evidence, 2, (None, None), [&rules, &[]]).remove(0);
        assert!(plain.method.tuned_out.is_none());
        assert!(plain.findings.iter().any(|f| f.rule.title == "Any request"));
        for tuning in &tunings {
            let tuning = [file("t.yml", tuning)];
            let mut tuned = judged(&evidence, 2, (None, None), [&rules, &tuning]);
            let again = judged(&evidence, 1, (None, None), [&rules, &tuning]);
            assert!(tuned == again, "the same at any thread count");
            let tuned = tuned.remove(0);
            assert!(tuned.method.tuned_out.is_some());
            let verdict = |case: &model::case::Case| {
                let mut verdict = case.verdict.clone();
                // Ids count findings and events, of which there may be fewer.
                verdict.rests_on.clear();
                verdict.claims.clear();
                verdict
            };
            assert_eq!(verdict(&tuned), verdict(&plain), "{name} {tuning:?}");
            let said = |case: &model::case::Case| -> Vec<String> {
                case.claims.iter().map(|claim| claim.text.clone()).collect()
            };
            assert_eq!(said(&tuned), said(&plain), "{name}");
        }
    }
}
