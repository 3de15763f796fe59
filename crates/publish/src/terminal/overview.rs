//! Several hosts in one table.

use model::case::Case;
use unicode_width::UnicodeWidthStr;

use super::page::{Paint, cut, face, painted};
use super::{Style, paint};
use crate::story;
use crate::words::{Word, spaced};

const HEAD: [&str; 5] = ["HOST", "VERDICT", "EXPOSURE", "PRESENCE", "STAGE"];

/// One row for each case, in the order given.
pub fn overview(cases: &[&Case], style: Style) -> String {
    let rows: Vec<[String; 5]> = cases.iter().map(|case| row(case, style)).collect();
    let mut widths = HEAD.map(UnicodeWidthStr::width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut out =
        line(&HEAD.map(str::to_owned), &widths, |_, cell| painted(cell, Paint::Bold, style));
    for (case, row) in cases.iter().zip(&rows) {
        out.push_str(&line(row, &widths, |column, cell| {
            if column == 1 { painted(cell, paint(case), style) } else { cell.to_owned() }
        }));
    }
    out
}

fn row(case: &Case, style: Style) -> [String; 5] {
    let verdict = &case.verdict;
    let host_room = style.width.saturating_sub(64).clamp(16, 48);
    [
        short(&face(story::host_name(case), style), host_room, style),
        verdict.compromise.headline().to_owned(),
        verdict.exposure.word().to_owned(),
        verdict.presence.word().to_owned(),
        face(&cut(&spaced(&verdict.compromise.stage), 24), style),
    ]
}

/// A name in a narrow column; the folder of the case has it in full.
fn short(name: &str, room: usize, style: Style) -> String {
    if name.chars().count() <= room {
        return name.to_owned();
    }
    let head: String = name.chars().take(room.saturating_sub(3)).collect();
    format!("{head}{}", face("…", style))
}

fn line(cells: &[String; 5], widths: &[usize; 5], dress: impl Fn(usize, &str) -> String) -> String {
    let mut out = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        out.push_str(&dress(column, cell));
        if column + 1 < cells.len() {
            out.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
    }
    out.push('\n');
    out
}
