//! The case on a terminal: the headline first, then what stands under it.

mod exposure;
mod overview;
mod page;

use std::collections::BTreeSet;

use model::case::{Case, Claim, Coverage, CoverageState, Finding, NextEvidence, Question};

use crate::story::{self, Tone};
use crate::words::{Word, count, day, number, several, short_cause};

pub use exposure::exposure_page;
pub use overview::overview;
use page::{Page, Paint};

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours may be used.
    pub color: bool,
    /// Columns; less than 40 is taken as 40.
    pub width: usize,
    /// Characters beyond ASCII may be used.
    pub unicode: bool,
}

/// Rows shown of each list; the report has the rest.
const MAX_WINDOWS: usize = 4;
const MAX_SOURCES: usize = 10;
const MAX_STEPS: usize = 12;
const MAX_BESIDE: usize = 4;
const MAX_UNKNOWNS: usize = 6;
const MAX_ACTIONS: usize = 4;
const MAX_REQUESTS: usize = 2;
const MAX_REASONS: usize = 3;
const MAX_CAPPED: usize = 3;

/// The summary of one case. The caller adds time and memory of its run.
pub fn terminal(case: &Case, style: Style) -> String {
    let mut page = Page::new(style);
    verdict(&mut page, case);
    windows(&mut page, case);
    seen(&mut page, case);
    chain(&mut page, case);
    clocks(&mut page, case);
    not_known(&mut page, case);
    do_now(&mut page, case);
    ask_for(&mut page, case);
    method(&mut page, case);
    page.finish()
}

fn paint(case: &Case) -> Paint {
    match story::tone(case) {
        Tone::Red => Paint::Red,
        Tone::Amber => Paint::Amber,
        Tone::Green => Paint::Green,
    }
}

fn verdict(page: &mut Page, case: &Case) {
    let verdict = &case.verdict;
    page.headline(
        "VERDICT",
        verdict.compromise.headline(),
        &format!("confidence {}", verdict.confidence.word()),
        paint(case),
    );
    page.row("HOST", &host(case));
    page.row("", &story::bounds(case));
    page.row("", &axes(case));
    for claim in story::reasons(case).into_iter().take(MAX_REASONS) {
        page.row("WHY", &sentence(claim));
    }
}

fn host(case: &Case) -> String {
    let build = case.host.build.as_deref();
    let build = build.map_or_else(|| "build unknown".to_owned(), |build| format!("build {build}"));
    let marking = format!("TLP:{}", case.tlp.trim_start_matches("TLP:"));
    let parts =
        [Some(story::host_name(case)), case.host.product.as_deref(), Some(&build), Some(&marking)];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| page::cut(part, 100)).collect();
    parts.join(" · ")
}

fn axes(case: &Case) -> String {
    let verdict = &case.verdict;
    format!(
        "shown {} · not excluded {} · stage {} · presence {} · exposure {} · coverage {}",
        verdict.compromise.shown.word(),
        verdict.compromise.not_excluded.word(),
        crate::words::spaced(&verdict.compromise.stage),
        verdict.presence.word(),
        verdict.exposure.word(),
        verdict.coverage.word()
    )
}

fn sentence(claim: &Claim) -> String {
    cited(claim, &claim.text)
}

/// A sentence with the ids of what is for it.
fn cited(claim: &Claim, text: &str) -> String {
    let mut ids = vec![claim.id.as_str()];
    ids.extend(claim.supporting.iter().take(6).map(String::as_str));
    let more = claim.supporting.len().saturating_sub(6);
    let rest = if more > 0 { format!(" +{more}") } else { String::new() };
    let waived = if claim.waiver.is_some() { " (waived)" } else { "" };
    format!("{}{waived} [{}{rest}]", page::cut(text, 400), ids.join(" "))
}

fn windows(page: &mut Page, case: &Case) {
    if case.windows.is_empty() {
        page.row("WINDOW", "no chain that this content knows counts here");
    }
    for window in case.windows.iter().take(MAX_WINDOWS) {
        page.row("WINDOW", &story::window(window));
    }
    page.more(case.windows.len(), MAX_WINDOWS);
}

fn seen(page: &mut Page, case: &Case) {
    let ledger = story::ledger(case);
    let (read, unread): (Vec<&Coverage>, Vec<&Coverage>) =
        ledger.into_iter().partition(|row| row.state == CoverageState::Present);
    if read.is_empty() {
        page.row("SEEN", "no source that would show a step was read");
    }
    let width = read.iter().take(MAX_SOURCES).map(|row| row.logsource.chars().count()).max();
    let width = width.unwrap_or(0).min(34);
    for row in read.iter().take(MAX_SOURCES) {
        let name = format!("{:width$}", page::cut(&row.logsource, 60));
        page.hanging("SEEN", &name, &source_line(row));
    }
    page.more(read.len(), MAX_SOURCES);
    for state in [CoverageState::Absent, CoverageState::Unreadable, CoverageState::NotAssessed] {
        let names: Vec<&str> = unread
            .iter()
            .filter(|row| row.state == state && !row.steps_it_would_show.is_empty())
            .map(|row| row.logsource.as_str())
            .collect();
        if !names.is_empty() {
            page.row("", &format!("{}: {}", state.word(), page::some(&names, 8)));
        }
    }
}

fn source_line(row: &Coverage) -> String {
    let span = match (row.from, row.to) {
        (Some(from), Some(to)) if day(from) == day(to) => day(to),
        (Some(from), Some(to)) => format!("{} → {}", day(from), day(to)),
        _ => "no times".to_owned(),
    };
    let causes: BTreeSet<String> = row.gaps.iter().map(|gap| short_cause(&gap.cause)).collect();
    let mut faults: Vec<String> = causes.into_iter().take(4).collect();
    if row.lost > 0 {
        faults.push(format!("{} lost", several(row.lost, "record", "records")));
    }
    let state = if faults.is_empty() {
        "whole".to_owned()
    } else {
        format!("PARTIAL: {}", faults.join(", "))
    };
    let against = if row.contradicted_by.is_empty() { "" } else { " · contradicted" };
    format!("{span}  {state}{against}")
}

fn chain(page: &mut Page, case: &Case) {
    let steps = story::steps(case);
    if steps.is_empty() {
        page.row("CHAIN", "no step of an attack is shown");
    }
    for claim in steps.iter().take(MAX_STEPS) {
        let time = story::moment(claim);
        let time = time.map_or_else(|| "time unknown".to_owned(), page::to_the_millisecond);
        page.hanging("CHAIN", &time, &cited(claim, story::timeless(claim)));
    }
    page.more(steps.len(), MAX_STEPS);
    also(page, case);
}

/// What is said about the steps and is not told as a reason already.
fn also(page: &mut Page, case: &Case) {
    let beside = |claim: &&Claim| {
        claim.question == Question::Hit
            && !story::is_step(claim)
            && !case.verdict.claims.contains(&claim.id)
    };
    let beside: Vec<&Claim> = case.claims.iter().filter(beside).collect();
    for claim in beside.iter().take(MAX_BESIDE) {
        page.row("ALSO", &sentence(claim));
    }
    page.more(beside.len(), MAX_BESIDE);
}

fn clocks(page: &mut Page, case: &Case) {
    for clock in case.clocks.iter().take(MAX_WINDOWS) {
        page.row("CLOCK", &story::clock(clock));
    }
    page.more(case.clocks.len(), MAX_WINDOWS);
}

fn not_known(page: &mut Page, case: &Case) {
    let open = story::not_known(case);
    for sentence in open.iter().take(MAX_UNKNOWNS) {
        page.row("NOT KNOWN", &page::cut(sentence, 400));
    }
    page.more(open.len(), MAX_UNKNOWNS);
}

fn do_now(page: &mut Page, case: &Case) {
    let actions = story::actions(case);
    for action in actions.iter().take(MAX_ACTIONS) {
        page.hanging("DO NOW", &action.order.to_string(), &page::cut(&action.text, 240));
    }
    page.more(actions.len(), MAX_ACTIONS);
}

fn ask_for(page: &mut Page, case: &Case) {
    for next in case.next_evidence.iter().take(MAX_REQUESTS) {
        page.row("ASK FOR", &request(next));
    }
    page.more(case.next_evidence.len(), MAX_REQUESTS);
}

fn request(next: &NextEvidence) -> String {
    format!(
        "{} at {}: {}",
        next.logsource,
        page::cut(&next.path, 160),
        page::cut(&next.could_change, 240)
    )
}

fn method(page: &mut Page, case: &Case) {
    let method = &case.method;
    page.row(
        "CHECKED",
        &format!(
            "{} run · {} not applicable · {} unsupported",
            several(method.applied, "rule", "rules"),
            number(method.not_applicable),
            number(method.unsupported)
        ),
    );
    if let Some(tuned) = &method.tuned_out {
        page.row("TUNED", &story::tuned_out(tuned));
    }
    page.row("READ", &story::reading_line(case));
    page.row(
        "",
        &format!(
            "{} findings · {} events kept",
            count(case.findings.len()),
            count(case.events.len())
        ),
    );
    let capped = |finding: &&Finding| finding.event_count > finding.events.len() as u64;
    let capped: Vec<&Finding> = case.findings.iter().filter(capped).collect();
    for finding in capped.iter().take(MAX_CAPPED) {
        let (kept, all) = (count(finding.events.len()), number(finding.event_count));
        let title = page::cut(&finding.rule.title, 100);
        page.row("", &format!("{}: first {kept} of {all} events kept ({title})", finding.id));
    }
    page.more(capped.len(), MAX_CAPPED);
}
