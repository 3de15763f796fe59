//! `assay rules explain`: why a rule fired on evidence, or did not.

use std::path::Path;

use investigate::rules::{EventAt, Explained, ExplainedEvent, explain, find};
use investigate::{Detector, LoadReport, Place, RuleMeta, user_rules};

use model::case::Engine;

use super::args::ExplainArgs;
use super::{Files, counted, page, tree, warn_of_refused};
use crate::exit::{Exit, Failure};
use crate::plan;
use crate::progress::Shown;
use crate::terminal;

/// Rules that are named where a word means several.
const MAX_NAMED: usize = 10;

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let read = plan::read_options(&args.read.limits, args.read.password_file.as_deref())?;
    let content = args.read.limits.content.as_deref();
    let mut files = Files::read(content, &args.read.rules, &args.read.tuning)?;
    add_rule_file(&mut files, &args.rule)?;
    let (detector, report) = files.detector()?;
    let rule = the_rule(&detector, &report, &args.rule)?;
    warn_of_refused(&report);
    let shown = Shown::start(read.progress.clone());
    let explained = explain(&files.set(), rule, &args.evidence, &read, args.event);
    drop(shown);
    let explained = explained.map_err(plan::failure)?.ok_or_else(|| {
        Failure::unusable(format!("`{}` cannot be explained", rule.rule.title)).help(
            "it needs a placeholder list that nobody supplied, or is no rule on single events",
        )
    })?;
    if args.event.is_some() && explained.meant == 0 {
        let message =
            format!("no event of the evidence is the one of --event ({} read)", explained.events);
        return Err(Failure::usage(message).help(
            "assay show prints record and byte of an event; text logs have no record numbers",
        ));
    }
    terminal::out(&terminal::answers(&page(&lines(rule, &explained, args.event))))
}

/// A rule may be named by its file, which is then loaded beside the others unless it is one of them.
fn add_rule_file(files: &mut Files, rule: &str) -> Result<(), Failure> {
    let path = Path::new(rule);
    if !path.is_file() {
        return Ok(());
    }
    let more = user_rules(&[path.to_owned()]).map_err(|e| Failure::new(Exit::Unusable, e))?;
    for file in more {
        if !files.rules.iter().any(|known| known.bytes == file.bytes) {
            files.rules.push(file);
        }
    }
    Ok(())
}

fn the_rule<'d>(
    detector: &'d Detector,
    report: &LoadReport,
    word: &str,
) -> Result<&'d RuleMeta, Failure> {
    let found = find(detector, word);
    let meta = |rule: &investigate::RuleIndex| detector.rules().get(rule.0 as usize);
    let rules: Vec<&RuleMeta> = found.rules.iter().filter_map(meta).collect();
    match rules.as_slice() {
        [only] => Ok(only),
        [] if is_correlation(detector, word) => Err(Failure::unusable(format!(
            "{word} is a correlation, which counts matches of rules"
        ))
        .help("explain one of the rules that it refers to")),
        [] => Err(no_rule(report, word, found.near.as_deref())),
        several => {
            let named = several.iter().take(MAX_NAMED);
            let named = named.map(|meta| format!("{}  {}", meta.rule.id, meta.rule.title));
            Err(Failure::usage(format!("{word} means {}", counted(several.len(), "rule", "rules")))
                .details(named.collect())
                .help("name one by its id"))
        }
    }
}

fn is_correlation(detector: &Detector, word: &str) -> bool {
    let is_named = |meta: &&RuleMeta| {
        meta.rule.id.eq_ignore_ascii_case(word)
            || meta.rule.title == word
            || meta.name.as_deref() == Some(word)
    };
    let mut named = detector.rules().iter().filter(is_named);
    named.any(|meta| meta.rule.engine == Engine::Correlation)
}

fn no_rule(report: &LoadReport, word: &str, near: Option<&str>) -> Failure {
    let name = Path::new(word).file_name().unwrap_or_default().to_string_lossy();
    let refused = report.refused.iter().filter(|refused| {
        Path::new(&refused.file).file_name().is_some_and(|file| *file.to_string_lossy() == *name)
    });
    let refused: Vec<String> =
        refused.map(|r| format!("{}:{}:{}: {}", r.file, r.line, r.column, r.reason)).collect();
    let failure = Failure::unusable(format!("no rule has the id, name, title or file {word}"));
    match near {
        _ if !refused.is_empty() => failure.details(refused).help("the file was refused: mend it"),
        Some(near) => failure.help(format!("`{near}` is meant?")),
        None => {
            failure.help("assay rules list names the rules built in; rules of your own: --rules")
        }
    }
}

fn lines(rule: &RuleMeta, explained: &Explained, meant: Option<EventAt>) -> Vec<String> {
    let about = &rule.about;
    let mut lines = vec![
        format!("RULE       {}", rule.rule.title),
        format!(
            "           {}, level {}, {}:{}",
            rule.rule.id,
            publish::severity(rule.level),
            rule.rule.source,
            about.line
        ),
        format!("           {}", about.logsource.shown()),
        format!("EVIDENCE   {}", read(explained)),
    ];
    lines.extend(event(explained, meant));
    lines.extend(missing(explained, rule));
    let conditions = explained
        .condition
        .lines()
        .zip(std::iter::once("CONDITION  ").chain(std::iter::repeat("           ")));
    lines.extend(conditions.map(|(line, label)| format!("{label}{line}")));
    let explanation = explained.event.as_ref().and_then(|event| event.explanation.as_ref());
    lines.extend(explanation.into_iter().flat_map(tree::tree));
    lines
}

fn read(explained: &Explained) -> String {
    let n = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    format!(
        "{}, {}; {} of the rule's log source; it fired on {}",
        counted(explained.inventory.items.len(), "file", "files"),
        counted(n(explained.events), "event", "events"),
        counted(n(explained.of_source), "is", "are"),
        counted(n(explained.fired), "of them", "of them"),
    )
}

fn event(explained: &Explained, meant: Option<EventAt>) -> Vec<String> {
    let Some(event) = &explained.event else {
        return vec!["EVENT      none: no event is of the rule's log source".to_owned()];
    };
    let explanation = event.explanation.as_ref();
    let fired = explanation.is_some_and(|e| e.fired);
    let which = match (meant, explanation) {
        (Some(_), None) => "it is not of the rule's log source, so the rule cannot fire".to_owned(),
        (Some(_), Some(_)) if fired => "the rule fired on it".to_owned(),
        (Some(_), Some(e)) => {
            format!("the rule did not fire on it; {} of it holds", percent(e.share))
        }
        (None, _) if fired => "the first on which it fired".to_owned(),
        (None, e) => {
            let share = e.map(|e| e.share).unwrap_or_default();
            format!("the nearest miss: {} of the condition holds", percent(share))
        }
    };
    let mut lines = vec![format!("EVENT      {which}"), format!("           {}", place(event))];
    let more = explained.meant.saturating_sub(1);
    if more > 0 {
        lines.push(format!("           the first of {} that --event may mean", more + 1));
    }
    lines
}

fn place(event: &ExplainedEvent) -> String {
    let time = event.time.map_or_else(|| "no time".to_owned(), |time| time.to_string());
    let host = event.host.as_deref().map_or_else(String::new, |host| format!(", host {host}"));
    let record = event.locator.record.map_or_else(String::new, |n| format!(", record {n}"));
    let byte = event.locator.offset.map_or_else(String::new, |n| format!(", byte {n}"));
    format!("{}, {time}{host}, {}{record}{byte}", event.what, event.path)
}

/// Rounded down, so that only what holds whole is 100 %.
fn percent(share: u32) -> String {
    format!("{} %", share / (investigate::explanation::WHOLE / 100))
}

fn missing(explained: &Explained, rule: &RuleMeta) -> Vec<String> {
    if explained.of_source > 0 {
        return Vec::new();
    }
    if explained.missing.is_empty() {
        let source = rule.about.logsource.shown();
        return vec![format!("MISSING    no evidence that is read has its log source ({source})")];
    }
    let place = |place: &Place| format!("MISSING    {}", lacking(place));
    explained.missing.iter().map(place).collect()
}

/// A missing log, and where it lies; or what a log that is there lacks.
pub(super) fn lacking(place: &Place) -> String {
    let path = place.path.as_deref().unwrap_or("(place not known)");
    if place.lacks_events.is_empty() {
        return format!("{}: {path}", place.name);
    }
    let ids: Vec<String> = place.lacks_events.iter().map(u32::to_string).collect();
    format!("{} is there, but without event {}: {path}", place.name, ids.join(", "))
}
