//! `assay rules list`: rules as a table, or as JSON lines.

use investigate::{LogSource, RuleMeta};
use model::case::Engine;
use serde_json::json;

use super::args::ListArgs;
use super::{Files, counted, page, warn_of_refused};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Columns before the title, which may be as long as it likes.
const COLUMNS: usize = 4;

pub(crate) fn run(args: &ListArgs) -> Result<Exit, Failure> {
    let files = Files::read(args.set.content.as_deref(), &args.paths, &args.set.tuning)?;
    let (detector, report) = files.detector()?;
    warn_of_refused(&report);
    let excluded = &detector.tuning().excluded;
    let own = args.paths.is_empty();
    let rules = detector.rules().iter().zip((0..).map(investigate::RuleIndex));
    let rules: Vec<&RuleMeta> = rules
        .filter(|(meta, rule)| meta.own == own && !excluded.contains_key(rule))
        .filter(|(meta, _)| meta.rule.engine != Engine::Check && wanted(args, meta))
        .map(|(meta, _)| meta)
        .collect();
    if !rules.is_empty() {
        terminal::out(&if args.json { lines(&rules) } else { table(&rules) })?;
    }
    let tuned = if excluded.is_empty() {
        String::new()
    } else {
        format!(", {} excluded by tuning", counted(excluded.len(), "rule", "rules"))
    };
    terminal::note(&format!("{}{tuned}", counted(rules.len(), "rule", "rules")));
    Ok(Exit::Ran)
}

/// Whether a rule is one of those asked for: of each filter that was given, one of its values.
fn wanted(args: &ListArgs, meta: &RuleMeta) -> bool {
    let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
        wanted.is_empty() || wanted.iter().any(|word| fits(&word.to_lowercase()))
    };
    let about = &meta.about;
    let source = &about.logsource;
    let is = |part: &Option<String>, word: &str| part.as_deref() == Some(word);
    any(&args.level, &|word| level(meta) == word)
        && any(&args.status, &|word| about.status.as_deref() == Some(word))
        && any(&args.tag, &|word| about.tags.iter().any(|tag| is_tag(tag, word)))
        && any(&args.product, &|word| is(&source.product, word))
        && any(&args.source, &|word| is(&source.category, word) || is(&source.service, word))
}

/// Whether a tag is the one that is wanted, or below it.
fn is_tag(tag: &str, wanted: &str) -> bool {
    let tag = tag.to_lowercase();
    tag.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn level(meta: &RuleMeta) -> &'static str {
    publish::severity(meta.level)
}

/// `windows/process_creation`
fn source(meta: &RuleMeta) -> String {
    if meta.rule.engine == Engine::Correlation {
        return "correlation".to_owned();
    }
    let LogSource { product, category, service } = &meta.about.logsource;
    let parts: Vec<&str> =
        [product, category, service].into_iter().flatten().map(String::as_str).collect();
    parts.join("/")
}

fn table(rules: &[&RuleMeta]) -> String {
    let rows: Vec<[String; COLUMNS + 2]> = rules.iter().map(|meta| row(meta)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..=COLUMNS).map(width).collect();
    let line = |row: &[String; COLUMNS + 2]| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        let line: String = padded.chain(row.last().cloned()).collect();
        terminal::cut_to_width(line.trim_end())
    };
    page(&rows.iter().map(line).collect::<Vec<_>>())
}

fn row(meta: &RuleMeta) -> [String; COLUMNS + 2] {
    [
        level(meta).to_owned(),
        meta.about.status.clone().unwrap_or_else(|| "-".to_owned()),
        source(meta),
        meta.rule.id.clone(),
        meta.rule.title.clone(),
        meta.rule.source.clone(),
    ]
}

fn lines(rules: &[&RuleMeta]) -> String {
    let line = |meta: &&RuleMeta| {
        let LogSource { product, category, service } = &meta.about.logsource;
        json!({
            "level": level(meta),
            "status": meta.about.status,
            "logsource": {"product": product, "category": category, "service": service},
            "id": meta.rule.id,
            "name": meta.name,
            "title": meta.rule.title,
            "file": meta.rule.source,
            "line": meta.about.line,
            "tags": meta.about.tags,
            "version": meta.rule.version,
            "author": meta.rule.author,
            "license": meta.rule.license,
        })
    };
    rules.iter().map(|meta| publish::json_line(&line(meta)) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::is_tag;

    #[test]
    fn a_tag_holds_those_below_it() {
        for (tag, wanted, is_it) in [
            ("attack.t1505.003", "attack.t1505.003", true),
            ("attack.T1505.003", "attack.t1505", true),
            ("attack.t1505.003", "attack", true),
            ("attack.t15051", "attack.t1505", false),
        ] {
            assert_eq!(is_tag(tag, wanted), is_it, "{tag} {wanted}");
        }
    }
}
