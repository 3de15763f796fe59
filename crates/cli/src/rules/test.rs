//! `assay rules test`: whether rules do what their samples say.

use investigate::rules::{Failure as Fault, Outcome, Tested, Tests, Why, test};
use model::case::MatchedField;

use super::args::TestArgs;
use super::{counted, page, tree};
use crate::exit::{Exit, Failure};
use crate::plan;
use crate::terminal;

pub(crate) fn run(args: &TestArgs) -> Result<Exit, Failure> {
    let read = plan::read_options(&args.limits, None)?;
    let content = plan::content(args.limits.content.as_deref())?;
    let tests = test(&content, &args.paths, &read).map_err(plan::failure)?;
    terminal::out(&terminal::answers(&page(&lines(&tests, args.verbose))))?;
    let failed = tests.rules.iter().any(|rule| matches!(rule.outcome, Outcome::Failed(_)));
    let wrong = failed || !tests.report.refused.is_empty();
    Ok(if wrong { Exit::TestFailed } else { Exit::Ran })
}

fn lines(tests: &Tests, verbose: bool) -> Vec<String> {
    let mut lines: Vec<String> =
        tests.rules.iter().flat_map(|rule| of_rule(rule, verbose)).collect();
    let count = |fits: &dyn Fn(&Outcome) -> bool| {
        tests.rules.iter().filter(|rule| fits(&rule.outcome)).count()
    };
    let ok = count(&|o| matches!(o, Outcome::Passed(..)));
    let failed = count(&|o| matches!(o, Outcome::Failed(_)));
    let without = count(&|o| matches!(o, Outcome::WithoutSamples));
    lines.push(format!(
        "TESTED     {}: {} ok, {} failed, {} without samples",
        counted(tests.rules.len(), "rule", "rules"),
        publish::number(ok as u64),
        publish::number(failed as u64),
        publish::number(without as u64)
    ));
    let refused = &tests.report.refused;
    if !refused.is_empty() {
        lines.push(format!("REFUSED    {}", refused.len()));
        lines.extend(
            refused.iter().map(|r| format!("  {}:{}:{}: {}", r.file, r.line, r.column, r.reason)),
        );
    }
    if !tests.without_rule.is_empty() {
        lines.push(format!(
            "NO RULE    {} (their rule is not among those named)",
            counted(tests.without_rule.len(), "sample", "samples")
        ));
        lines.extend(tests.without_rule.iter().filter(|_| verbose).map(|name| format!("  {name}")));
    }
    lines
}

fn of_rule(rule: &Tested, verbose: bool) -> Vec<String> {
    match &rule.outcome {
        Outcome::WithoutSamples if !verbose => Vec::new(),
        Outcome::WithoutSamples => vec![format!("without  {} (no samples)", rule.file)],
        Outcome::Passed(hits, misses) => {
            vec![format!("ok       {} ({hits} to hit, {misses} to miss)", rule.file)]
        }
        Outcome::Failed(faults) => {
            let head = format!("failed   {} ({}, {})", rule.file, rule.title, rule.id);
            std::iter::once(head).chain(faults.iter().flat_map(of_fault)).collect()
        }
    }
}

fn of_fault(fault: &Fault) -> Vec<String> {
    let (what, why) = match &fault.why {
        Why::Silent(Some(explanation)) => {
            let lines = tree::failing(explanation);
            ("the rule does not fire on it, for".to_owned(), lines)
        }
        Why::Silent(None) => ("no event in it is of the rule's log source".to_owned(), Vec::new()),
        Why::Fires(matched) => {
            ("the rule fires on it, for".to_owned(), matched.iter().map(matched_line).collect())
        }
        Why::Count { found, stated } => {
            (format!("the rule fires on {found} of its events; {stated} is stated"), Vec::new())
        }
        Why::Unreadable(reason) => (format!("it cannot be used: {reason}"), Vec::new()),
    };
    let head = format!("  {}: {what}", fault.sample);
    std::iter::once(head).chain(why.into_iter().map(|line| format!("    {line}"))).collect()
}

fn matched_line(matched: &MatchedField) -> String {
    match &matched.value {
        Some(value) => format!("{} = '{value}'", matched.field),
        None => format!("{} is absent or null", matched.field),
    }
}
