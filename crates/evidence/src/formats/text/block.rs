//! A block of rows under one header, and the loop that decodes it whatever its format.

use std::borrow::Cow;
use std::sync::Arc;

use model::{Loss, Time};

use super::header::Header;
use super::lines::{Chunk, Gap, Line, Piece, Span};
use crate::formats::Emit;

/// Rows of a text log that stand under one header.
#[derive(Debug)]
pub(crate) struct TextBlock {
    /// The chunk that holds them.
    pub chunk: Arc<Chunk>,
    /// The rows; header lines are not among them.
    pub spans: Vec<Span>,
    /// The header above them.
    pub header: Arc<Header>,
    /// The row before the first, if it stood under the same columns.
    pub previous: Option<Box<[u8]>>,
    /// No row follows.
    pub at_end: bool,
}

/// A row as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Its text without the line's end.
    pub text: &'a str,
    /// Its bytes, for the hash.
    pub raw: &'a [u8],
    /// Its offset in the stream.
    pub offset: u64,
}

/// Why a row was not used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// Code of the issue.
    pub code: &'static str,
    /// What it was, in words.
    pub what: &'static str,
}

/// A row has fewer columns than its header.
pub(crate) const CUT_SHORT: Fault = Fault {
    code: "row_cut_short",
    what: "rows with fewer columns than their header, lost: the file was cut or damaged there",
};
const NO_HEADER: Fault = Fault {
    code: "no_header",
    what: "rows above any line that names the columns, lost: columns are never guessed by position",
};
const LONG_LINE: Fault =
    Fault { code: "line_too_long", what: "lines beyond the limit of length, passed over and lost" };
const NUL_BYTES: Fault = Fault {
    code: "nul_bytes",
    what: "runs of NUL bytes where rows may have stood: a crash, a full disk or an open file",
};
const NOT_UTF8: &str =
    "rows with bytes that are not UTF-8, used with replacement characters in their place";

/// Decodes the rows of one format.
pub(crate) trait Rows {
    /// Emits the event of a row and gives its time, or says why the row is lost.
    fn row(&mut self, row: Row<'_>, emit: &mut dyn Emit) -> Result<Option<Time>, Fault>;
    /// The time of a row without its event.
    fn time_of(&self, text: &str) -> Option<Time>;
}

/// Decodes all rows of a block; losses get the times of the rows around them.
pub(crate) fn decode_rows(block: &TextBlock, rows: &mut dyn Rows, emit: &mut dyn Emit) {
    let before = block.previous.as_deref().map(String::from_utf8_lossy);
    let mut losses = Losses::new(before.and_then(|text| rows.time_of(&text)));
    let mut not_utf8 = Counter::default();
    let known = block.header.fields.is_some();
    for piece in block.chunk.pieces(&block.spans) {
        match piece {
            Piece::Gap(gap) => losses.gap(gap),
            Piece::Line(line) if is_blank(line.bytes) => {}
            Piece::Line(line) if !known => losses.add(NO_HEADER, 1, line.offset),
            Piece::Line(line) => {
                let text = to_text(&line, &mut not_utf8);
                let row = Row { text: &text, raw: line.bytes, offset: line.offset };
                match rows.row(row, emit) {
                    Ok(time) => losses.settle(time, emit),
                    Err(fault) => losses.add(fault, 1, line.offset),
                }
            }
        }
    }
    losses.finish(block.at_end, emit);
    not_utf8.tell("not_utf8", NOT_UTF8, emit);
}

/// Whether a line says nothing.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn to_text<'a>(line: &Line<'a>, not_utf8: &mut Counter) -> Cow<'a, str> {
    let text = String::from_utf8_lossy(line.bytes);
    if matches!(text, Cow::Owned(_)) {
        not_utf8.add(line.offset);
    }
    text
}

/// Counts what is no loss, and where it was first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counter {
    count: u64,
    first: u64,
}

impl Counter {
    pub(crate) fn add(&mut self, offset: u64) {
        if self.count == 0 {
            self.first = offset;
        }
        self.count += 1;
    }

    pub(crate) fn tell(self, code: &'static str, what: &str, emit: &mut dyn Emit) {
        if self.count > 0 {
            emit.issue(code, self.count, &at(what, self.first));
        }
    }
}

/// Losses that wait for the time of the next whole row.
#[derive(Debug)]
pub(crate) struct Losses {
    last: Option<Time>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    fault: Fault,
    records: u64,
    first: u64,
}

impl Losses {
    /// `last` is the time of the row before the first.
    pub(crate) fn new(last: Option<Time>) -> Self {
        Self { last, waiting: Vec::new() }
    }

    pub(crate) fn add(&mut self, fault: Fault, records: u64, offset: u64) {
        match self.waiting.iter_mut().find(|waiting| waiting.fault.code == fault.code) {
            Some(waiting) => waiting.records += records,
            None => self.waiting.push(Waiting { fault, records, first: offset }),
        }
    }

    pub(crate) fn gap(&mut self, gap: Gap) {
        if gap.nul_bytes > 0 {
            self.add(NUL_BYTES, 0, gap.offset);
        }
        if gap.long_lines > 0 {
            self.add(LONG_LINE, gap.long_lines, gap.offset);
        }
    }

    /// A whole row follows what was lost.
    pub(crate) fn settle(&mut self, time: Option<Time>, emit: &mut dyn Emit) {
        if !self.waiting.is_empty() {
            self.tell(time, false, emit);
        }
        self.last = time.or(self.last);
    }

    /// No further row is known.
    pub(crate) fn finish(mut self, at_end: bool, emit: &mut dyn Emit) {
        self.tell(None, at_end, emit);
    }

    fn tell(&mut self, before: Option<Time>, at_end: bool, emit: &mut dyn Emit) {
        for Waiting { fault, records, first } in self.waiting.drain(..) {
            let loss = Loss { code: fault.code, records, after: self.last, before, at_end };
            emit.lost(&loss, &at(fault.what, first));
        }
    }
}

fn at(what: &str, offset: u64) -> String {
    format!("{what}; first at byte {offset}")
}
