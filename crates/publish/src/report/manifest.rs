//! Method and custody: what was checked, by whose rules, in which files.

use model::case::{Case, CustodyItem, TunedOut};

use super::limits;
use super::text::{Anchors, Text, left_out, texts};
use crate::story;
use crate::words::{Word, number, several};

/// A rule that was refused.
pub(super) struct RefusedRow {
    pub(super) place: Text,
    pub(super) reason: Text,
}

/// How the case was judged.
pub(super) struct MethodView {
    pub(super) schema: Text,
    pub(super) content_sha256: Text,
    pub(super) applied: Text,
    pub(super) not_applicable: Text,
    pub(super) unsupported: Text,
    pub(super) refused: Vec<RefusedRow>,
    pub(super) refused_left_out: Option<Text>,
    pub(super) credits: Vec<Text>,
    pub(super) credits_left_out: Option<Text>,
    pub(super) tuned: Option<TunedView>,
}

/// What tuning took away or changed.
pub(super) struct TunedView {
    pub(super) line: Text,
    pub(super) rows: Vec<TunedRow>,
    pub(super) left_out: Option<Text>,
}

/// What one entry of a tuning file did.
pub(super) struct TunedRow {
    pub(super) place: Text,
    pub(super) what: Text,
    pub(super) reason: Text,
}

pub(super) fn method(case: &Case) -> MethodView {
    let method = &case.method;
    let refused = method.refused.iter().take(limits::REFUSED).map(|rule| RefusedRow {
        place: Text::short(&format!("{}:{}:{}", rule.file, rule.line, rule.column)),
        reason: Text::long(&rule.reason),
    });
    MethodView {
        schema: Text::short(&case.schema),
        content_sha256: Text::short(&case.content.sha256),
        applied: Text::number(method.applied),
        not_applicable: Text::number(method.not_applicable),
        unsupported: Text::number(method.unsupported),
        refused: refused.collect(),
        refused_left_out: left_out(method.refused.len(), limits::REFUSED, "case.json"),
        credits: texts(&method.credits, limits::LIST),
        credits_left_out: left_out(method.credits.len(), limits::LIST, "case.json"),
        tuned: method.tuned_out.as_ref().map(tuned),
    }
}

fn tuned(tuned: &TunedOut) -> TunedView {
    let row = |at: &str, what: String, reason: &str| TunedRow {
        place: Text::short(at),
        what: Text::short(&what),
        reason: Text::long(reason),
    };
    let excluded = tuned.exclusions.iter().map(|entry| {
        let what = format!("{} excluded", several(entry.rules, "rule", "rules"));
        row(&entry.at, what, entry.reason.as_deref().unwrap_or("no reason given"))
    });
    let hidden = tuned.hidden.iter().map(|entry| {
        let hits = several(entry.hits, "hit", "hits");
        row(&entry.at, format!("{hits} of {} hidden", entry.rule.title), &entry.reason)
    });
    let levels = tuned.levels.iter().map(|entry| {
        let what =
            format!("{}: {} is shown as {}", entry.rule.title, entry.from.word(), entry.to.word());
        row(&entry.at, what, "display only")
    });
    let all = tuned.exclusions.len() + tuned.hidden.len() + tuned.levels.len();
    TunedView {
        line: Text::long(&story::tuned_out(tuned)),
        rows: excluded.chain(hidden).chain(levels).take(limits::REFUSED).collect(),
        left_out: left_out(all, limits::REFUSED, "case.json"),
    }
}

/// Something wrong with a file.
pub(super) struct IssueRow {
    pub(super) path: Text,
    pub(super) item: Text,
    pub(super) code: Text,
    pub(super) count: Text,
    pub(super) effect: Text,
}

/// A file.
pub(super) struct ItemRow {
    pub(super) anchor: Text,
    pub(super) id: Text,
    pub(super) path: Text,
    pub(super) kind: Text,
    pub(super) size: Text,
    pub(super) mtime: Text,
    pub(super) read: &'static str,
    pub(super) partly: bool,
    pub(super) issues: Text,
    pub(super) sha256: Text,
}

/// The manifest.
pub(super) struct CustodyView {
    pub(super) line: Text,
    pub(super) all: Text,
    pub(super) rows: Vec<ItemRow>,
    pub(super) left_out: Option<Text>,
    pub(super) issues: Vec<IssueRow>,
    pub(super) issues_left_out: Option<Text>,
}

pub(super) fn custody(case: &Case, anchors: &Anchors) -> CustodyView {
    let issues: usize = case.custody.iter().map(|item| item.issues.len()).sum();
    let all = u64::try_from(case.custody.len()).unwrap_or(u64::MAX);
    CustodyView {
        line: Text::long(&story::reading_line(case)),
        all: Text::short(&several(all, "item", "items")),
        rows: case.custody.iter().take(limits::CUSTODY).map(|item| row(item, anchors)).collect(),
        left_out: left_out(case.custody.len(), limits::CUSTODY, "case.json"),
        issues: case.custody.iter().flat_map(issue_rows).take(limits::ISSUES).collect(),
        issues_left_out: left_out(issues, limits::ISSUES, "case.json"),
    }
}

fn issue_rows(item: &CustodyItem) -> impl Iterator<Item = IssueRow> {
    item.issues.iter().map(|issue| IssueRow {
        path: Text::short(&item.path),
        item: Text::short(&item.id),
        code: Text::short(&issue.code),
        count: Text::number(issue.count),
        effect: Text::long(&issue.effect),
    })
}

fn row(item: &CustodyItem, anchors: &Anchors) -> ItemRow {
    ItemRow {
        anchor: anchors.name(&item.id),
        id: Text::short(&item.id),
        path: Text::short(&item.path),
        kind: Text::short(&item.kind),
        size: Text::short(&item.size.map_or_else(|| "unknown".to_owned(), number)),
        mtime: Text::time(item.mtime),
        read: item.read.word(),
        partly: item.read != model::case::ReadState::Full,
        issues: Text::count(item.issues.len()),
        sha256: Text::short(item.sha256.as_deref().unwrap_or("not read to its end")),
    }
}
