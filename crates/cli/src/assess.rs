//! `assay assess`: plan, investigate, write, print.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use investigate::{Investigation, Item, Request, investigate};
use model::case::{Case, Level};

use crate::args::{AssessArgs, FailOn};
use crate::case_folder::Output;
use crate::exit::{Exit, Failure};
use crate::plan::{self, Plan};
use crate::progress::Shown;
use crate::run_record::{RunRecord, command_line, now, peak_memory, took};
use crate::terminal;

pub(crate) fn run(args: &AssessArgs) -> Result<Exit, Failure> {
    let started = now();
    let clock = Instant::now();
    let mut plan = plan::plan(args)?;
    let output = Output::open(&args.out)?;
    plan.read.exclude = output.cases();
    let found = investigated(args, &plan)?;
    if found.cases.is_empty() {
        return Err(nothing_found(args, &found));
    }
    output.refuse_existing(&found.cases, args.force)?;
    let run_json = |_: &Case| {
        let record = RunRecord {
            assay: env!("CARGO_PKG_VERSION").to_owned(),
            started: started.clone(),
            command_line: command_line(),
            evidence: args.paths.iter().map(|p| absolute(p)).collect(),
            seconds: clock.elapsed().as_secs_f64(),
            peak_memory_bytes: peak_memory(),
            threads: plan.read.threads,
        };
        serde_json::to_vec_pretty(&record).unwrap_or_default()
    };
    output.write(&found.cases, &plan.read.cancel, &run_json)?.ok_or_else(interrupted)?;
    warn_of_rules(&found);
    plan::warn_of_tuning(&found.unused_tuning);
    print(&found.cases, &output, &took(clock.elapsed(), peak_memory()))?;
    Ok(verdict_exit(args.fail_on, &found.cases))
}

fn investigated(args: &AssessArgs, plan: &Plan) -> Result<Investigation, Failure> {
    let _shown = Shown::start(plan.read.progress.clone());
    let request = Request {
        inputs: &args.paths,
        read: plan.read.clone(),
        content: &plan.content,
        rules: &plan.rules,
        tuning: &plan.tuning,
        as_of: plan.as_of,
        host: args.host.clone(),
    };
    investigate(&request).map_err(plan::failure)
}

pub(crate) fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted; no case was written or changed"))
}

fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

/// Why there is no case: nothing there, nothing known, or nothing readable.
fn nothing_found(args: &AssessArgs, found: &Investigation) -> Failure {
    let inputs: Vec<String> = args.paths.iter().map(|p| p.display().to_string()).collect();
    let items = &found.inventory.items;
    let message =
        format!("no evidence found in {} ({} looked at)", inputs.join(", "), files(items.len()));
    let troubled = items.iter().filter(|i| !i.issues.is_empty());
    Failure::unusable(message).details(troubled.take(10).flat_map(issue_lines).collect()).help(
        "point at the folder that holds \"uploads\", \"C\" or the logs, or at the archive of it; \
         assay formats lists what is read",
    )
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

fn issue_lines(item: &Item) -> Vec<String> {
    let line =
        |issue: &model::Issue| format!("{}: {}: {}", item.head.path, issue.code, issue.effect);
    item.issues.iter().map(line).collect()
}

fn warn_of_rules(found: &Investigation) {
    let refused = found.rules.refused.len();
    if refused > 0 {
        terminal::note(&format!(
            "warn: {} refused; the report lists each with file, line and reason",
            if refused == 1 { "1 rule was".to_owned() } else { format!("{refused} rules were") }
        ));
    }
}

fn print(cases: &[Case], output: &Output, took: &str) -> Result<(), Failure> {
    let style = terminal::style();
    let mut text = String::new();
    for case in cases {
        if cases.len() <= FULL_PAGES {
            text.push_str(&publish::terminal(case, style));
            text.push('\n');
        }
    }
    if cases.len() > 1 {
        let all: Vec<&Case> = cases.iter().collect();
        text.push_str(&publish::overview(&all, style));
    }
    let _ = writeln!(text, "TOOK       {took}");
    match cases {
        [case] => {
            let report = output.report(case).display().to_string();
            let _ = writeln!(text, "REPORT     {}", publish::inert_text(&report));
        }
        _ => text.push_str("REPORT     report.html in the folder of each host\n"),
    }
    terminal::out(&text)?;
    Ok(())
}

/// Above so many hosts the table alone is printed; the pages are in the folders.
const FULL_PAGES: usize = 3;

fn verdict_exit(fail_on: Option<FailOn>, cases: &[Case]) -> Exit {
    let worst = cases.iter().map(|c| c.verdict.compromise.shown).max().unwrap_or(Level::None);
    let open = |c: &Case| c.verdict.compromise.not_excluded > c.verdict.compromise.shown;
    let holds = match fail_on {
        None => false,
        Some(FailOn::Compromised) => worst >= Level::Compromised,
        Some(FailOn::Attempted) => worst >= Level::Attempted,
        Some(FailOn::Scanned) => worst >= Level::Scanned,
        Some(FailOn::Insufficient) => cases.iter().any(open),
    };
    if holds { Exit::FailOn } else { Exit::Ran }
}

/// What is read, as `assay formats` prints it.
pub(crate) fn formats() -> String {
    let width = investigate::FORMATS.iter().map(|f| f.kind.len()).max().unwrap_or_default();
    let mut text = String::from("Evidence that is read, recognised by content:\n");
    for format in investigate::FORMATS {
        let _ = writeln!(text, "  {:width$}  {}", format.kind, format.what);
    }
    text
}
