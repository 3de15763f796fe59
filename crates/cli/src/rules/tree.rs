//! An explanation as lines: the condition as a tree, each part with yes or no and what the event has.

use investigate::explanation::{Entry, Explanation, Origin, Part, Seen, Step, StepKind, View};

/// Values of a rule that are shown of one list.
const MAX_WANTED: usize = 6;
const INDENT: &str = "  ";

/// The whole explanation: each reading of the event with all that must hold.
pub(super) fn tree(explanation: &Explanation) -> Vec<String> {
    let mut lines = Vec::new();
    for view in &explanation.views {
        lines.push(format!("READ AS    {}{}", view.source, if view.second { SECOND } else { "" }));
        lines.extend(parts(view));
    }
    lines
}

const SECOND: &str = ", the second time (fields that rules disagree on, with their other meaning)";

fn parts(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    for part in &view.parts {
        lines.extend(heading(part));
        step(&part.step, 0, &mut lines);
    }
    lines
}

fn heading(part: &Part) -> Option<String> {
    match &part.origin {
        Origin::Rule => None,
        Origin::Filter { title, file } => {
            let effect = if part.holds { "lets it pass" } else { "takes it away" };
            Some(format!("FILTER     {title} ({file}) {effect}: this must hold too"))
        }
        Origin::FalsePositive { at, reason, not_for } => Some(match (part.holds, not_for) {
            (_, Some(why)) => format!("TUNING     {at} is not for this event: {why}"),
            (true, None) => format!("TUNING     {at} does not hide it, for this does not hold"),
            (false, None) => format!("TUNING     {at} hides it ({reason}), for this holds"),
        }),
    }
}

/// Only what does not hold and must, for a sample that should have fired.
pub(super) fn failing(explanation: &Explanation) -> Vec<String> {
    let nearest = explanation.views.iter().find(|view| view.second).or(explanation.views.first());
    let mut lines = Vec::new();
    for part in nearest.into_iter().flat_map(|view| &view.parts).filter(|part| !part.holds) {
        lines.extend(heading(part));
        let must_hold = !matches!(part.origin, Origin::FalsePositive { .. });
        blame(&part.step, must_hold, &mut lines);
    }
    lines
}

/// The smallest parts that are to blame for a step not being as it must.
fn blame(at: &Step, must_hold: bool, lines: &mut Vec<String>) {
    if at.holds == must_hold {
        return;
    }
    match &at.kind {
        StepKind::Not => {
            for part in &at.parts {
                blame(part, !must_hold, lines);
            }
        }
        StepKind::Entry(_) => step(at, 0, lines),
        StepKind::Any if must_hold => step(at, 0, lines),
        _ => {
            let before = lines.len();
            for part in &at.parts {
                blame(part, must_hold, lines);
            }
            if lines.len() == before {
                step(at, 0, lines);
            }
        }
    }
}

fn step(at: &Step, depth: usize, lines: &mut Vec<String>) {
    let indent = INDENT.repeat(depth);
    let answer = if at.holds { "yes" } else { "no " };
    let mut line = |text: &str| lines.push(format!("{answer}  {indent}{text}"));
    match &at.kind {
        StepKind::All => line("all of:"),
        StepKind::Any => line("any of:"),
        StepKind::Not => line("not:"),
        StepKind::Selection { name, line: number } => line(&format!("{name}  (line {number})")),
        StepKind::Entry(entry) => {
            line(&words(entry));
            lines.extend(values(entry).into_iter().map(|text| format!("     {indent}  {text}")));
        }
    }
    for part in &at.parts {
        step(part, depth + 1, lines);
    }
}

/// `Image|endswith: '\w3wp.exe'`; of a list how many of it were found.
fn words(entry: &Entry) -> String {
    let key = entry.key.as_deref().unwrap_or("keywords");
    if let [only] = entry.wanted.as_slice() {
        let not = if entry.negated { "not " } else { "" };
        return format!("{key}: {not}{}", quoted(&only.text));
    }
    let found = entry.wanted.iter().filter(|wanted| wanted.found).count();
    let which = match (entry.negated, entry.all) {
        (true, _) => "none of",
        (false, true) => "all of",
        (false, false) => "any of",
    };
    format!("{key}: {which} {} values, {found} found", entry.wanted.len())
}

fn values(entry: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    if entry.wanted.len() > 1 {
        let found = entry.wanted.iter().any(|wanted| wanted.found);
        if found {
            lines.push(format!("found: {}", some(entry, true)));
        }
        if entry.all || !found {
            lines.push(format!("not found: {}", some(entry, false)));
        }
    }
    let name = entry.key.as_deref().and_then(|key| key.split('|').next()).unwrap_or_default();
    lines.extend(entry.seen.iter().map(|seen| value(name, seen)));
    if !entry.absent.is_empty() {
        let others: Vec<&str> =
            entry.absent.iter().map(String::as_str).filter(|other| *other != name).collect();
        let looked = if others.is_empty() {
            String::new()
        } else {
            format!(" (nor as {})", others.join(", "))
        };
        lines.push(format!("{name} is absent{looked}"));
    } else if entry.seen.is_empty() {
        lines.push("found in no text of the event".to_owned());
    }
    lines
}

/// Some of the values, those that were found or those that were not.
fn some(entry: &Entry, found: bool) -> String {
    let all: Vec<&str> =
        entry.wanted.iter().filter(|w| w.found == found).map(|w| w.text.as_str()).collect();
    let shown: Vec<String> = all.iter().take(MAX_WANTED).map(|text| quoted(text)).collect();
    let more = all.len().saturating_sub(MAX_WANTED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

/// A value of the event: under which name the record has it, and what it is.
fn value(name: &str, seen: &Seen) -> String {
    let source = if name == seen.name || name.is_empty() {
        seen.name.clone()
    } else {
        format!("{name} <- {}", seen.name)
    };
    match &seen.text {
        None => format!("{source} is null"),
        Some(text) if text.is_empty() => format!("{source} is empty"),
        Some(text) if seen.cut > 0 => {
            format!("{source} = {} and {} more characters", quoted(text), seen.cut)
        }
        Some(text) => format!("{source} = {}", quoted(text)),
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}
