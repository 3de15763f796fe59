//! What every document tells, taken from the case: the tone, the bounds, the steps, the windows.
//!
//! The text made here still holds what evidence said; whoever prints it makes it inert first.

use std::collections::BTreeSet;

use model::Time;
use model::case::{
    Action, Case, Claim, Clock, Closed, Coverage, CoverageState, Level, Opened, Question, Window,
};

use crate::words::{Word, day, duration, several, stamp};

/// How a verdict may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Compromise is shown.
    Red,
    /// Something is open: an attack, or ignorance.
    Amber,
    /// The case allows it, and nothing in the pair speaks against it.
    Green,
}

/// The tone of a verdict. Green needs the word of the case and a pair that can carry it.
pub(crate) fn tone(case: &Case) -> Tone {
    let pair = &case.verdict.compromise;
    if pair.shown == Level::Compromised {
        Tone::Red
    } else if case.verdict.green
        && pair.shown == pair.not_excluded
        && pair.not_excluded < Level::Compromised
    {
        Tone::Green
    } else {
        Tone::Amber
    }
}

/// The name under which the host is known.
pub(crate) fn host_name(case: &Case) -> &str {
    case.host.names.first().map_or("unattributed host", String::as_str)
}

/// Until when and for what the headline holds.
pub(crate) fn bounds(case: &Case) -> String {
    let until = match case.as_of.time {
        Some(time) => format!("As of {} ({})", stamp(time), clip(&case.as_of.basis, 160)),
        None => "As of a moment that the evidence does not state".to_owned(),
    };
    format!(
        "{until}, and for the chains that this content knows: {}. What came later, or came in \
         another way, is outside of this headline.",
        chains(case)
    )
}

/// The first characters of a text that must not push out what stands behind it.
fn clip(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

fn chains(case: &Case) -> String {
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = case
        .windows
        .iter()
        .map(|window| window.title.as_str())
        .filter(|chain| seen.insert(*chain))
        .collect();
    if names.is_empty() {
        format!("those of content {}, of which none counts here", case.content.version)
    } else {
        names.join(", ")
    }
}

/// The interval in one sentence.
pub(crate) fn interval(case: &Case) -> String {
    let pair = &case.verdict.compromise;
    let (shown, open) = (pair.shown.word(), pair.not_excluded.word());
    if pair.shown == Level::Compromised {
        "The evidence shows “compromised”, the worst of the four levels.".to_owned()
    } else if pair.shown == pair.not_excluded {
        format!("The evidence shows “{shown}”, and what was read excludes more.")
    } else {
        format!("The evidence shows “{shown}”; what was read does not exclude “{open}”.")
    }
}

/// The claims that carry the verdict, in its order.
pub(crate) fn reasons(case: &Case) -> Vec<&Claim> {
    case.verdict
        .claims
        .iter()
        .filter_map(|id| case.claims.iter().find(|claim| claim.id == *id))
        .collect()
}

/// Whether a claim is a step of the attack, or a trace of it that is still there; all other claims
/// speak about the steps.
pub(crate) fn is_step(claim: &Claim) -> bool {
    match claim.question {
        Question::Hit => claim.args.contains_key("step"),
        Question::StillIn => true,
        Question::Exposed | Question::Taken | Question::Who | Question::WhatNow => false,
    }
}

/// When a step took place; for what is still in, when it was last seen.
pub(crate) fn moment(claim: &Claim) -> Option<Time> {
    match claim.question {
        Question::StillIn => claim.last.or(claim.first),
        _ => claim.first,
    }
}

/// The steps of the attack and what is still in, in order of time.
pub(crate) fn steps(case: &Case) -> Vec<&Claim> {
    let mut steps: Vec<&Claim> = case.claims.iter().filter(|claim| is_step(claim)).collect();
    steps.sort_by_key(|claim| (moment(claim).is_none(), moment(claim)));
    steps
}

/// The sentence without the time at its head, for places that show the time beside it.
pub(crate) fn timeless(claim: &Claim) -> &str {
    let text = claim.text.as_str();
    let starts = claim.first.is_some_and(|first| text.starts_with(&day(first)));
    match text.split_once(" UTC: ") {
        Some((time, rest)) if starts && time.len() < 60 => rest,
        _ => text,
    }
}

/// The name of a step, for readers.
pub(crate) fn step_name(claim: &Claim) -> String {
    let name = claim.args.get("step").map_or(claim.statement.as_str(), String::as_str);
    crate::words::spaced(name)
}

/// Whether a step was asked for, and is not proven to have worked.
pub(crate) fn only_requested(claim: &Claim) -> bool {
    claim.statement.ends_with(".requested")
}

/// The ledger with the sources first that would show a step.
pub(crate) fn ledger(case: &Case) -> Vec<&Coverage> {
    let mut rows: Vec<&Coverage> = case.coverage.iter().collect();
    rows.sort_by_key(|row| {
        (row.steps_it_would_show.is_empty(), row.state != CoverageState::Present)
    });
    rows
}

/// When a window opened, in words.
pub(crate) fn opened(opened: &Opened) -> String {
    match (opened.earliest, opened.latest) {
        (Some(from), Some(to)) if day(from) == day(to) => format!("opened {}", day(to)),
        (Some(from), Some(to)) => format!("opened between {} and {}", day(from), day(to)),
        (None, Some(to)) => format!("open by {}; since when is not known", day(to)),
        (Some(from), None) => format!("opened not before {}; never shown open", day(from)),
        (None, None) => "opening not known".to_owned(),
    }
}

/// When and by what a window closed, in words.
pub(crate) fn closed(closed: Option<&Closed>) -> String {
    let Some(closed) = closed else { return "not shown closed".to_owned() };
    let by = closed.by.word();
    match (closed.earliest, closed.latest) {
        (Some(from), Some(to)) if day(from) == day(to) => format!("closed {} by {by}", day(to)),
        (Some(from), Some(to)) => format!("closed between {} and {} by {by}", day(from), day(to)),
        (None, Some(to)) => format!("closed by {} ({by})", day(to)),
        (Some(from), None) => format!("closed after {} by {by}", day(from)),
        (None, None) => format!("closed by {by}, when is not known"),
    }
}

/// A window in one line.
pub(crate) fn window(window: &Window) -> String {
    format!(
        "{}: {} → {} ({})",
        window.title,
        opened(&window.opened),
        closed(window.closed.as_ref()),
        window.state.word()
    )
}

/// What the evidence leaves open, one sentence each.
pub(crate) fn not_known(case: &Case) -> Vec<String> {
    let mut out = Vec::new();
    let pair = &case.verdict.compromise;
    if pair.not_excluded > pair.shown {
        out.push(format!(
            "whether it went beyond “{}”: “{}” is not excluded",
            pair.shown.word(),
            pair.not_excluded.word()
        ));
    }
    let unseen = |state: CoverageState| -> Vec<&str> {
        let serves = |row: &&Coverage| row.state == state && !row.steps_it_would_show.is_empty();
        case.coverage.iter().filter(serves).map(|row| row.logsource.as_str()).collect()
    };
    for state in [CoverageState::Absent, CoverageState::Unreadable] {
        let names = unseen(state);
        if !names.is_empty() {
            out.push(format!("what {} would show ({})", names.join(", "), state.word()));
        }
    }
    out.extend(case.not_assessed.iter().map(|what| format!("not assessed: {what}")));
    out
}

/// Counts of what was handed in and read.
pub(crate) struct Reading {
    /// Bytes of the files; of an archive its members count, not itself.
    pub(crate) bytes: u64,
    /// Files, members of archives included.
    pub(crate) files: u64,
    /// Files read in part.
    pub(crate) partial: u64,
    /// Files not read.
    pub(crate) unread: u64,
    /// Files with an issue.
    pub(crate) damaged: u64,
    /// Records known to be lost.
    pub(crate) lost: u64,
}

/// Counts the manifest.
pub(crate) fn reading(case: &Case) -> Reading {
    use model::case::ReadState;
    let containers: BTreeSet<&str> = case
        .custody
        .iter()
        .flat_map(|item| item.path.match_indices("!/").filter_map(|(at, _)| item.path.get(..at)))
        .collect();
    let mut sum = Reading { bytes: 0, files: 0, partial: 0, unread: 0, damaged: 0, lost: 0 };
    for item in case.custody.iter().filter(|item| !containers.contains(item.path.as_str())) {
        sum.files += 1;
        sum.bytes = sum.bytes.saturating_add(item.size.unwrap_or(0));
        sum.partial += u64::from(item.read == ReadState::Partial);
        sum.unread += u64::from(item.read == ReadState::None);
        sum.damaged += u64::from(!item.issues.is_empty());
    }
    sum.lost = case.coverage.iter().map(|row| row.lost).max().unwrap_or(0);
    sum
}

/// The manifest in one line.
pub(crate) fn reading_line(case: &Case) -> String {
    let sum = reading(case);
    let mut line =
        format!("{}, {}", crate::words::bytes(sum.bytes), several(sum.files, "file", "files"));
    for (n, what) in
        [(sum.partial, "read in part"), (sum.unread, "not read"), (sum.damaged, "with an issue")]
    {
        if n > 0 {
            line = format!("{line} · {} {what}", crate::words::number(n));
        }
    }
    if sum.lost > 0 {
        line = format!("{line} · at least {} lost", several(sum.lost, "record", "records"));
    }
    line
}

/// What was found out about a clock, in one sentence.
pub(crate) fn clock(clock: &Clock) -> String {
    match clock.offset_s {
        Some(0) => format!("{}: its stated times agree with their pairs", clock.logsource),
        Some(offset) => {
            let side = if offset > 0 { "behind" } else { "ahead" };
            let sign = if offset > 0 { "+" } else { "" };
            format!(
                "{}: its stated times are {} {side} (corrected by {sign}{offset} s)",
                clock.logsource,
                duration(offset)
            )
        }
        None => format!("{}: no pair proves its clock; its times are assumed", clock.logsource),
    }
}

/// The actions in their order.
pub(crate) fn actions(case: &Case) -> Vec<&Action> {
    let mut actions: Vec<&Action> = case.actions.iter().collect();
    actions.sort_by_key(|action| action.order);
    actions
}

/// What tuning took away or changed, in one sentence.
pub(crate) fn tuned_out(tuned: &model::case::TunedOut) -> String {
    let mut parts = Vec::new();
    if tuned.excluded > 0 {
        parts.push(format!("{} excluded", several(tuned.excluded, "rule", "rules")));
    }
    let hits: u64 = tuned.hidden.iter().map(|hidden| hidden.hits).sum();
    if hits > 0 {
        let rules: BTreeSet<&str> =
            tuned.hidden.iter().map(|hidden| hidden.rule.id.as_str()).collect();
        let rules = several(rules.len() as u64, "rule", "rules");
        parts.push(format!(
            "{} of {rules} hidden as known to be false",
            several(hits, "hit", "hits")
        ));
    }
    let levels = tuned.levels.len() as u64;
    if levels > 0 {
        parts.push(format!("{} shown with another level", several(levels, "rule", "rules")));
    }
    format!("{} (the verdict rests on none of this)", parts.join(" · "))
}
