//! `assay rules check`: what loading makes of a user's rules.

use std::collections::BTreeMap;

use investigate::{LoadReport, load_user_rules, user_rules};

use crate::args::RulesCheckArgs;
use crate::exit::{Exit, Failure};
use crate::plan::content;
use crate::terminal;

pub(crate) fn run(args: &RulesCheckArgs) -> Result<Exit, Failure> {
    let content = content(args.content.as_deref())?;
    let rules = user_rules(&args.paths).map_err(|e| Failure::new(Exit::Unusable, e))?;
    let report = load_user_rules(&content, &rules).map_err(|e| Failure::new(Exit::Unusable, e))?;
    terminal::out(&page(rules.len(), &report, args.verbose))?;
    Ok(if report.refused.is_empty() { Exit::Ran } else { Exit::RulesRefused })
}

fn page(files: usize, report: &LoadReport, verbose: bool) -> String {
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
    lines.push(format!("IDLE       {} (loaded, but no record can be for them)", report.idle.len()));
    lines.extend(if verbose { each_idle(report) } else { idle_by_reason(report) });
    // Names and reasons quote what others wrote.
    lines.iter().map(|line| publish::inert_text(line).to_string() + "\n").collect()
}

fn each_idle(report: &LoadReport) -> Vec<String> {
    report.idle.iter().map(|i| format!("  {}: {} ({})", i.file, i.reason, i.title)).collect()
}

/// The commonest reason first; equal ones in the order of their words.
fn idle_by_reason(report: &LoadReport) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for idle in &report.idle {
        *counts.entry(&idle.reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(reason, count)| format!("  {count:>6}  {reason}")).collect()
}
