//! The case on a terminal: the headline first, then what stands under it.

mod overview;
mod page;

use model::case::{Case, Claim, Coverage, CoverageState, NextEvidence};

use crate::story::{self, Tone};
use crate::words::{Word, cause, count, day, number, several};

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
const MAX_UNKNOWNS: usize = 6;
const MAX_ACTIONS: usize = 4;
const MAX_REQUESTS: usize = 2;
const MAX_REASONS: usize = 3;

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
    let mut parts = vec![story::host_name(case).to_owned()];
    parts.extend(case.host.product.clone());
    parts.push(match &case.host.build {
        Some(build) => format!("build {build}"),
        None => "build unknown".to_owned(),
    });
    parts.push(format!("TLP:{}", case.tlp.trim_start_matches("TLP:")));
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
    let mut ids = vec![claim.id.as_str()];
    ids.extend(claim.supporting.iter().take(6).map(String::as_str));
    let more = claim.supporting.len().saturating_sub(6);
    let rest = if more > 0 { format!(" +{more}") } else { String::new() };
    let waived = if claim.waiver.is_some() { " (waived)" } else { "" };
    format!("{}{waived} [{}{rest}]", page::cut(&claim.text, 400), ids.join(" "))
}

fn windows(page: &mut Page, case: &Case) {
    if case.windows.is_empty() {
        page.row("WINDOW", "no chain that this content knows counts here");
    }
    for window in case.windows.iter().take(MAX_WINDOWS) {
        page.row("WINDOW", &story::window(window));
    }
    page.more(case.windows.len(), MAX_WINDOWS, "windows");
}

fn seen(page: &mut Page, case: &Case) {
    let ledger = story::ledger(case);
    let (read, unread): (Vec<&Coverage>, Vec<&Coverage>) =
        ledger.into_iter().partition(|row| row.state == CoverageState::Present);
    if read.is_empty() {
        page.row("SEEN", "no source that would show a step was read");
    }
    let width = read.iter().take(MAX_SOURCES).map(|row| row.logsource.chars().count()).max();
    for row in read.iter().take(MAX_SOURCES) {
        page.row("SEEN", &source_line(row, width.unwrap_or(0).min(34)));
    }
    page.more(read.len(), MAX_SOURCES, "sources read");
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

fn source_line(row: &Coverage, width: usize) -> String {
    let span = match (row.from, row.to) {
        (Some(from), Some(to)) if day(from) == day(to) => day(to),
        (Some(from), Some(to)) => format!("{} → {}", day(from), day(to)),
        _ => "no times".to_owned(),
    };
    let state = match row.gaps.first() {
        None if row.lost == 0 => "whole".to_owned(),
        None => format!("PARTIAL: {} lost", several(row.lost, "record", "records")),
        Some(gap) => {
            let n = u64::try_from(row.gaps.len()).unwrap_or(u64::MAX);
            format!("PARTIAL: {} ({})", several(n, "gap", "gaps"), cause(&gap.cause))
        }
    };
    let against = if row.contradicted_by.is_empty() { "" } else { " · contradicted" };
    format!("{:width$}  {span}  {state}{against}", page::cut(&row.logsource, 60))
}

fn chain(page: &mut Page, case: &Case) {
    let steps = story::steps(case);
    if steps.is_empty() {
        page.row("CHAIN", "no step of an attack is shown");
    }
    for claim in steps.iter().take(MAX_STEPS) {
        let time = claim.first.map_or_else(|| "time unknown".to_owned(), page::to_the_millisecond);
        page.hanging("CHAIN", &time, &sentence(claim));
    }
    page.more(steps.len(), MAX_STEPS, "steps");
}

fn clocks(page: &mut Page, case: &Case) {
    for clock in case.clocks.iter().take(MAX_WINDOWS) {
        page.row("CLOCK", &story::clock(clock));
    }
    page.more(case.clocks.len(), MAX_WINDOWS, "clocks");
}

fn not_known(page: &mut Page, case: &Case) {
    let open = story::not_known(case);
    for sentence in open.iter().take(MAX_UNKNOWNS) {
        page.row("NOT KNOWN", &page::cut(sentence, 400));
    }
    page.more(open.len(), MAX_UNKNOWNS, "open points");
}

fn do_now(page: &mut Page, case: &Case) {
    let actions = story::actions(case);
    for action in actions.iter().take(MAX_ACTIONS) {
        page.hanging("DO NOW", &action.order.to_string(), &page::cut(&action.text, 240));
    }
    page.more(actions.len(), MAX_ACTIONS, "actions");
}

fn ask_for(page: &mut Page, case: &Case) {
    for next in case.next_evidence.iter().take(MAX_REQUESTS) {
        page.row("ASK FOR", &request(next));
    }
    page.more(case.next_evidence.len(), MAX_REQUESTS, "sources");
}

fn request(next: &NextEvidence) -> String {
    format!("{} at {}: {}", next.logsource, page::cut(&next.path, 160), page::cut(&next.could_change, 240))
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
    page.row("READ", &story::reading_line(case));
    page.row("", &format!("{} findings · {} events kept", count(case.findings.len()), count(case.events.len())));
}
