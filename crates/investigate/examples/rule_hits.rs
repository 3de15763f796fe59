//! Prints which rules fire on which records: `cargo run -p assay-investigate --example rule_hits -- RULES... EVIDENCE`.
//!
//! A line for each hit (file, record number, offset, whether the record was whole, the rule's id), to be held against what other engines say of the
//! same records (`benchmarks/agreement.py`).

use std::error::Error;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use assay_investigate::{Content, user_rules};
use detect::Detector;

#[path = "../tests/it/hits.rs"]
mod hits;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let Some((evidence, rules)) = words.split_last().filter(|(_, rules)| !rules.is_empty()) else {
        return Err("usage: rule_hits RULES... EVIDENCE".into());
    };
    let (detector, report) = Detector::build(Content::embedded()?.files(), &user_rules(rules)?)?;
    let all = hits::hits(&detector, std::slice::from_ref(evidence))?;
    let shown = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = BufWriter::new(io::stdout().lock());
    for hit in &all {
        let (record, offset) = (shown(hit.record), shown(hit.offset));
        let whole = if hit.whole { "whole" } else { "doubtful" };
        writeln!(out, "{}\t{record}\t{offset}\t{whole}\t{}", hit.path, hit.rule)?;
    }
    let (loaded, refused) = (report.loaded, report.refused.len());
    writeln!(io::stderr(), "{loaded} rules loaded, {refused} refused, {} hits", all.len())?;
    Ok(())
}
