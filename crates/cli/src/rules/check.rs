//! `assay rules check`: what loading makes of a user's rules.

use std::collections::BTreeMap;

use investigate::{LoadReport, Note, lint, load_user_rules, tuned::Tuned};

use super::args::CheckArgs;
use super::{Files, page};
use crate::exit::{Exit, Failure};
use crate::plan;
use crate::terminal;

/// Up to so many notes are listed without being asked.
const FEW: usize = 20;

pub(crate) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let files = Files::read(args.set.content.as_deref(), &args.paths, &args.set.tuning)?;
    let (report, tuned) = load_user_rules(&files.set()).map_err(plan::failure)?;
    let notes = lint(&files.content, &files.rules).map_err(|e| plan::failure(e.into()))?;
    plan::warn_of_tuning(&tuned.unused);
    let mut lines = loading(files.rules.len(), &report, args.verbose);
    lines.extend(said(&notes, args.verbose));
    if !files.tuning.is_empty() {
        lines.push(format!("TUNED      {} of these rules excluded", tuned.excluded.len()));
        lines.extend(exclusions(&tuned));
    }
    terminal::out(&page(&lines))?;
    Ok(if report.refused.is_empty() { Exit::Ran } else { Exit::RulesRefused })
}

fn loading(files: usize, report: &LoadReport, verbose: bool) -> Vec<String> {
    let mut lines = vec![
        format!("FILES      {files}"),
        format!("LOADED     {}", report.loaded),
        format!("REFUSED    {}", report.refused.len()),
    ];
    lines.extend(
        report
            .refused
            .iter()
            .map(|r| format!("  {}:{}:{}: {}", r.file, r.line, r.column, r.reason)),
    );
    let others = report.not_rules.len();
    if others > 0 {
        lines.push(format!("NOT RULES  {others} (YAML with nothing of a rule in it)"));
        let each = report.not_rules.iter().filter(|_| verbose);
        lines.extend(each.map(|file| format!("  {file}")));
    }
    lines.push(format!("IDLE       {} (loaded, but no record can be for them)", report.idle.len()));
    lines.extend(if verbose { each_idle(report) } else { idle_by_reason(report) });
    lines
}

fn each_idle(report: &LoadReport) -> Vec<String> {
    report.idle.iter().map(|i| format!("  {}: {} ({})", i.file, i.reason, i.title)).collect()
}

fn idle_by_reason(report: &LoadReport) -> Vec<String> {
    by_count(report.idle.iter().map(|idle| idle.reason.as_str()))
}

fn said(notes: &[Note], verbose: bool) -> Vec<String> {
    let mut lines = vec![format!("NOTES      {} (they refuse nothing)", notes.len())];
    if verbose || notes.len() <= FEW {
        let each = notes.iter();
        lines.extend(
            each.map(|n| format!("  {}:{}:{}: {} [{}]", n.file, n.line, n.column, n.text, n.lint)),
        );
    } else {
        lines.extend(by_count(notes.iter().map(|note| note.about)));
        lines.push("  each with its place: --verbose".to_owned());
    }
    lines
}

fn exclusions(tuned: &Tuned) -> Vec<String> {
    let entries = tuned.excluded.values().filter_map(|entry| tuned.entries.get(*entry));
    let words: Vec<String> = entries
        .map(|entry| {
            format!("{}: {}", entry.at, entry.reason.as_deref().unwrap_or("no reason given"))
        })
        .collect();
    by_count(words.iter().map(String::as_str))
}

/// The commonest first; equal ones in the order of their words.
fn by_count<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(word, count)| format!("  {count:>6}  {word}")).collect()
}
