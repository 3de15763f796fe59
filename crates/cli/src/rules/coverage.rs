//! `assay rules coverage`: which rules evidence can serve.

use investigate::rules::{Covered, coverage};
use investigate::{Missing, RuleIndex};
use serde_json::{Value, json};

use super::args::CoverageArgs;
use super::explain::lacking;
use super::{Files, counted, page, warn_of_refused};
use crate::exit::{Exit, Failure};
use crate::plan;
use crate::progress::Shown;
use crate::terminal;

/// Missing logs that the page shows; all are in the JSON.
const MAX_MISSING: usize = 20;

pub(crate) fn run(args: &CoverageArgs) -> Result<Exit, Failure> {
    let read = plan::read_options(&args.read.limits, args.read.password_file.as_deref())?;
    let content = args.read.limits.content.as_deref();
    let files = Files::read(content, &args.read.rules, &args.read.tuning)?;
    let shown = Shown::start(read.progress.clone());
    let covered = coverage(&files.set(), &args.evidence, &read);
    drop(shown);
    let covered = covered.map_err(plan::failure)?;
    warn_of_refused(&covered.report);
    if args.json {
        return terminal::out(&publish::json_line(&object(&covered)));
    }
    terminal::out(&page(&lines(&covered)))
}

fn lines(covered: &Covered) -> Vec<String> {
    let found = &covered.coverage;
    let never: usize = found.never.values().map(Vec::len).sum();
    let all = found.served.len() + found.unserved.len() + never;
    let records = usize::try_from(covered.records).unwrap_or(usize::MAX);
    let mut lines = vec![
        format!(
            "EVIDENCE   {}, {}",
            counted(covered.inventory.items.len(), "file", "files"),
            counted(records, "event", "events")
        ),
        format!("RULES      {}", number(all)),
        format!("SERVED     {} (their log source is there)", number(found.served.len())),
        format!("UNSERVED   {} (it is not)", number(found.unserved.len())),
    ];
    if !found.missing.is_empty() {
        lines.push(
            "MISSING    rules that a log would serve; some would be served by any of several"
                .to_owned(),
        );
    }
    let shown = found.missing.iter().take(MAX_MISSING);
    lines.extend(shown.map(|m| format!("  {:>6}  {}", number(m.rules.len()), lacking(&m.place))));
    let more = found.missing.len().saturating_sub(MAX_MISSING);
    if more > 0 {
        lines.push(format!("          {} (all: --json)", counted(more, "more log", "more logs")));
    }
    lines.push(format!("NEVER      {} (no evidence that is read can serve them)", number(never)));
    let mut never: Vec<_> = found.never.iter().collect();
    never.sort_by_key(|(_, rules)| std::cmp::Reverse(rules.len()));
    let shown = never.iter().take(MAX_MISSING);
    lines.extend(shown.map(|(reason, rules)| format!("  {:>6}  {reason}", number(rules.len()))));
    let more = never.len().saturating_sub(MAX_MISSING);
    if more > 0 {
        lines.push(format!(
            "          {} (all: --json)",
            counted(more, "more reason", "more reasons")
        ));
    }
    lines
}

fn number(count: usize) -> String {
    publish::number(count as u64)
}

fn object(covered: &Covered) -> Value {
    let rules = |rules: &[RuleIndex]| -> Vec<Value> {
        let metas = rules.iter().filter_map(|rule| covered.rules.get(rule.0 as usize));
        metas.map(|meta| json!({"id": meta.rule.id, "title": meta.rule.title})).collect()
    };
    let missing = |missing: &Missing| {
        json!({
            "log": missing.place.name,
            "path": missing.place.path,
            "lacks_events": missing.place.lacks_events,
            "count": missing.rules.len(),
            "rules": rules(&missing.rules),
        })
    };
    let found = &covered.coverage;
    let never: Vec<Value> = found
        .never
        .iter()
        .map(|(reason, of)| json!({"reason": reason, "count": of.len(), "rules": rules(of)}))
        .collect();
    json!({
        "files": covered.inventory.items.len(),
        "events": covered.records,
        "served": rules(&found.served),
        "unserved": rules(&found.unserved),
        "missing": found.missing.iter().map(missing).collect::<Vec<_>>(),
        "never": never,
        "refused": covered.report.refused,
    })
}
