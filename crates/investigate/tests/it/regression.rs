//! SigmaHQ's own pairs of a rule and the events that it must match, read as event logs and as JSON.
//!
//! `ASSAY_CORPUS` may name a folder with another `sigma` in it, such as a whole checkout of the public rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_investigate::{Content, user_rules};
use detect::Detector;

use crate::hits::hits;
use crate::support::corpus;

/// Stated counts that the records contradict, and why. `is` was counted by eye.
const WRONG_COUNTS: &str = include_str!("wrong_counts.csv");

/// A pair: where it lies, which rule it is for, how many matches its author states.
struct Pair {
    folder: String,
    rule: String,
    stated: Option<usize>,
}

/// The pairs below a folder, whose name their paths begin with.
fn pairs(data: &Path) -> Vec<Pair> {
    let root = data.parent().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "evtx") {
                let info = fs_err::read_to_string(path.with_file_name("info.yml")).unwrap();
                let stated = info.lines().find_map(|l| l.trim().strip_prefix("match_count: "));
                found.push(Pair {
                    folder: folder.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
                    rule: path.file_stem().unwrap().to_string_lossy().into_owned(),
                    stated: stated.map(|n| n.parse().unwrap()),
                });
            }
        }
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    found
}

/// For each rule the count that is stated and the one that is right.
fn wrong_counts() -> BTreeMap<&'static str, (usize, usize)> {
    let rows = WRONG_COUNTS.lines().skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.splitn(5, ',').collect();
        let [rule, _, stated, is, why]: [&str; 5] = cells.try_into().unwrap();
        assert!(!why.is_empty(), "{row}");
        (rule, (stated.parse().unwrap(), is.parse().unwrap()))
    })
    .collect()
}

#[test]
fn every_pair_is_detected_as_often_as_it_should_be_in_both_forms() {
    let Some(root) = corpus("sigma") else { return };
    let rules: Vec<PathBuf> = ["rules", "rules-emerging-threats", "rules-threat-hunting"]
        .map(|folder| root.join(folder))
        .into();
    let content = Content::embedded().unwrap();
    let (detector, _) = Detector::build(content.files(), &user_rules(&rules).unwrap()).unwrap();
    let data = root.join("regression_data");
    let pairs = pairs(&data);
    assert!(pairs.len() >= 99, "{} pairs", pairs.len());
    // For each file how often each rule fires on it; the JSON has no records that were carved.
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for hit in hits(&detector, &[data]).unwrap().into_iter().filter(|hit| hit.whole) {
        *counts.entry(hit.path).or_default().entry(hit.rule).or_default() += 1;
    }
    let none = BTreeMap::new();
    let known = wrong_counts();
    let mut faults = Vec::new();
    for pair in &pairs {
        let file = |extension| format!("{}/{}.{extension}", pair.folder, pair.rule);
        let of = |extension| counts.get(&file(extension)).unwrap_or(&none);
        let (log, json) = (of("evtx"), of("json"));
        if log != json {
            faults.push(format!("{}: as a log {log:?}, as JSON {json:?}", file("evtx")));
        }
        let found = log.get(&pair.rule).copied().unwrap_or_default();
        let right = match (known.get(pair.rule.as_str()), pair.stated) {
            (Some((stated, is)), Some(now)) if *stated == now => *is,
            (Some(_), now) => panic!("{}: the list is out of date, {now:?} is stated", pair.rule),
            (None, stated) => stated.unwrap_or(found.max(1)),
        };
        if found != right {
            faults.push(format!("{}: {found} matches, not {right}", file("evtx")));
        }
    }
    let stated = pairs.iter().filter(|p| p.stated.is_some()).count();
    println!("{} pairs, {stated} with a count, {} faults", pairs.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
