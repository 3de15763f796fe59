//! Each own rule fires on every line of its `.hit.jsonl` and on none of its `.miss.jsonl`.

use serde_json::Value as Json;

use super::Bench;
use crate::SourceFile;
use crate::testing::{content_files, has_extension};

#[test]
fn every_rule_hits_its_hits_and_misses_its_near_misses() {
    let files = content_files();
    let mut bench = Bench::new();
    let rules: Vec<&SourceFile> = files
        .iter()
        .filter(|f| f.name.starts_with("rules/sigma/") && has_extension(f, "yml"))
        .collect();
    assert!(rules.len() >= 20, "{} rules", rules.len());
    let mut wrong = Vec::new();
    for rule in rules {
        let stem = rule.name.strip_suffix(".yml").unwrap();
        let name = stem.rsplit('/').next().unwrap();
        for (kind, must_fire, least) in [("hit", true, 1), ("miss", false, 2)] {
            let events = lines(&files, &format!("{stem}.{kind}.jsonl"));
            assert!(events.len() >= least, "{stem}.{kind}.jsonl has {} lines", events.len());
            for (n, value) in events.iter().enumerate() {
                let fired = bench.fired(value);
                if fired.iter().any(|f| f == name) != must_fire {
                    wrong.push(format!("{name} {kind} {}: fired {fired:?}: {value}", n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sample_belongs_to_a_rule() {
    let files = content_files();
    for sample in files.iter().filter(|f| has_extension(f, "jsonl")) {
        let stem = sample.name.trim_end_matches(".jsonl");
        let rule = stem.trim_end_matches(".hit").trim_end_matches(".miss");
        assert!(files.iter().any(|f| f.name == format!("{rule}.yml")), "{}", sample.name);
    }
}

#[test]
fn rules_and_checks_state_who_wrote_them_and_are_told_apart() {
    let bench = Bench::new();
    let mut seen = std::collections::BTreeSet::new();
    for rule in bench.detector.rules() {
        let name = rule.name.clone().unwrap();
        assert_eq!(rule.rule.author, ["assay"], "{name}");
        assert_eq!(rule.rule.license, "Apache-2.0", "{name}");
        assert!(rule.own && !rule.attack.is_empty() && !rule.rule.version.is_empty(), "{name}");
        assert_eq!(rule.rule.id.len(), 36, "{name}");
        assert!(seen.insert(rule.rule.id.clone()) && seen.insert(name.clone()), "{name} twice");
    }
}

#[test]
fn the_rules_that_chains_name_exist() {
    let bench = Bench::new();
    let names: Vec<_> = bench.detector.rules().iter().filter_map(|r| r.name.clone()).collect();
    for file in content_files().iter().filter(|f| f.name.contains("/chains/")) {
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        for rule in text.split("rule: ").skip(1) {
            let name = rule.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next();
            assert!(names.iter().any(|n| Some(n.as_str()) == name), "{}: {name:?}", file.name);
        }
    }
}

fn lines(files: &[SourceFile], name: &str) -> Vec<Json> {
    let file = files.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name}"));
    let text = std::str::from_utf8(&file.bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
