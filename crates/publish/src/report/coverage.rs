//! What could not be seen: the ledger of sources, their gaps, what to ask for, and the clocks.

use model::case::{Case, Coverage, CoverageState};

use super::limits;
use super::text::{Anchors, Refs, Text, left_out, texts};
use crate::story;
use crate::words::{Word, cause};

/// A source of the ledger.
pub(super) struct SourceRow {
    pub(super) logsource: Text,
    pub(super) state: &'static str,
    pub(super) missing: bool,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) gaps: Text,
    pub(super) records: Text,
    pub(super) lost: Text,
    pub(super) steps: Vec<Text>,
    pub(super) contradicted: Vec<Text>,
    pub(super) checks: Text,
}

/// A gap.
pub(super) struct GapRow {
    pub(super) logsource: Text,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) cause: Text,
}

/// Evidence to ask for.
pub(super) struct AskRow {
    pub(super) number: Text,
    pub(super) logsource: Text,
    pub(super) path: Text,
    pub(super) how: Text,
    pub(super) could_change: Text,
}

/// A clock.
pub(super) struct ClockRow {
    pub(super) logsource: Text,
    pub(super) sentence: Text,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) basis: Refs,
}

/// What could not be seen.
pub(super) struct CoverageView {
    pub(super) rows: Vec<SourceRow>,
    pub(super) left_out: Option<Text>,
    pub(super) gaps: Vec<GapRow>,
    pub(super) gaps_left_out: Option<Text>,
    pub(super) ask: Vec<AskRow>,
    pub(super) clocks: Vec<ClockRow>,
}

pub(super) fn coverage(case: &Case, anchors: &Anchors) -> CoverageView {
    let ledger = story::ledger(case);
    let gaps: usize = ledger.iter().map(|row| row.gaps.len()).sum();
    CoverageView {
        rows: ledger.iter().take(limits::SOURCES).map(|row| source(row)).collect(),
        left_out: left_out(ledger.len(), limits::SOURCES, "case.json"),
        gaps: ledger.iter().flat_map(|row| gap_rows(row)).take(limits::GAPS).collect(),
        gaps_left_out: left_out(gaps, limits::GAPS, "case.json"),
        ask: ask(case),
        clocks: clocks(case, anchors),
    }
}

fn source(row: &Coverage) -> SourceRow {
    let read = row.state == CoverageState::Present;
    let checks = row.checks;
    SourceRow {
        logsource: Text::short(&row.logsource),
        state: row.state.word(),
        missing: !read,
        from: if read { Text::time(row.from) } else { Text::short("–") },
        to: if read { Text::time(row.to) } else { Text::short("–") },
        gaps: Text::count(row.gaps.len()),
        records: Text::number(row.records),
        lost: Text::number(row.lost),
        steps: texts(&row.steps_it_would_show, limits::LIST),
        contradicted: texts(&row.contradicted_by, limits::LIST),
        checks: Text::short(&format!(
            "{} / {} / {}",
            checks.applied, checks.not_applicable, checks.unsupported
        )),
    }
}

fn gap_rows(row: &Coverage) -> impl Iterator<Item = GapRow> {
    row.gaps.iter().map(|gap| GapRow {
        logsource: Text::short(&row.logsource),
        from: Text::time(gap.from),
        to: Text::time(gap.to),
        cause: Text::short(&cause(&gap.cause)),
    })
}

fn ask(case: &Case) -> Vec<AskRow> {
    let rows = case.next_evidence.iter().take(limits::LIST).enumerate();
    rows.map(|(at, next)| AskRow {
        number: Text::count(at + 1),
        logsource: Text::short(&next.logsource),
        path: Text::long(&next.path),
        how: Text::long(&next.how),
        could_change: Text::long(&next.could_change),
    })
    .collect()
}

fn clocks(case: &Case, anchors: &Anchors) -> Vec<ClockRow> {
    let rows = case.clocks.iter().take(limits::LIST);
    rows.map(|clock| ClockRow {
        logsource: Text::short(&clock.logsource),
        sentence: Text::long(&story::clock(clock)),
        from: Text::time(clock.from),
        to: Text::time(clock.to),
        basis: anchors.refs(&clock.basis),
    })
    .collect()
}
