//! Header lines of text logs, and the framer that gives each block one header.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::Arc;

use memchr::memrchr;

use super::block::TextBlock;
use super::lines::{Chunk, LineSource, Span};
use crate::formats::{Block, Emit, Framer};

/// A last line of a block longer than this is not kept for the next one.
const MAX_PREVIOUS: usize = 16 << 10;
/// Longer names of columns are damage, and other values are cut here: each block carries its header.
const MAX_FIELDS: usize = 64 << 10;
const MAX_VALUE: usize = 256;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What the header lines above a row say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// `#Software`.
    pub software: String,
    /// `#Version`.
    pub version: String,
    /// `#Log-type`.
    pub log_type: String,
    /// The text of `#Fields`, or a row that names the columns; `None` where no columns are known.
    pub fields: Option<Arc<str>>,
    /// `#Date`; kept only where rows need it.
    pub date: String,
}

/// What differs from one kind of log to the next while it is framed.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// Whether a line without `#` names the columns.
    pub names_columns: fn(&[u8]) -> bool,
    /// Whether rows under these columns need the `#Date`.
    pub needs_date: fn(&str) -> bool,
    /// Makes a block of this kind.
    pub block: fn(TextBlock) -> Box<dyn Block>,
}

/// Cuts a log with header lines into blocks.
pub(crate) struct TextFramer {
    source: LineSource,
    dialect: Dialect,
    header: Arc<Header>,
    date: String,
    /// Whether rows need `date`.
    dated: bool,
    previous: Option<Box<[u8]>>,
    queue: VecDeque<TextBlock>,
}

impl TextFramer {
    pub(crate) fn new(source: LineSource, dialect: Dialect) -> Self {
        Self {
            source,
            dialect,
            header: Arc::default(),
            date: String::new(),
            dated: false,
            previous: None,
            queue: VecDeque::new(),
        }
    }

    /// Queues the blocks of a chunk: header lines taken out, cut where the header changes.
    fn split(&mut self, chunk: Chunk) {
        let chunk = Arc::new(chunk);
        let mut spans = Vec::with_capacity(chunk.spans.len());
        for span in &chunk.spans {
            if span.gap.is_some_and(|gap| gap.header) {
                self.enter(Header { fields: None, ..(*self.header).clone() }, &chunk, &mut spans);
            }
            let mut run = *span;
            for line in chunk.lines(*span) {
                if self.is_header(line.bytes) {
                    let start =
                        span.start + usize::try_from(line.offset - span.offset).unwrap_or(0);
                    push_run(&mut spans, Span { end: start, ..run });
                    let next = self.header_after(line.bytes, line.ended);
                    self.enter(next, &chunk, &mut spans);
                    let offset = span.offset + (line.next - span.start) as u64;
                    run = Span { start: line.next, end: span.end, offset, gap: None };
                }
            }
            push_run(&mut spans, run);
        }
        self.flush(&chunk, &mut spans, chunk.at_end);
    }

    fn is_header(&self, line: &[u8]) -> bool {
        // Rows of these logs begin with a digit: one look settles nearly all lines.
        match line.first() {
            Some(b'0'..=b'9') | None => false,
            Some(b'#') => true,
            Some(_) => {
                let line = line.strip_prefix(BOM).unwrap_or(line);
                line.first() == Some(&b'#') || (self.dialect.names_columns)(line)
            }
        }
    }

    /// The header below a header line; `whole` is false where the line may have been cut.
    fn header_after(&mut self, line: &[u8], whole: bool) -> Header {
        let mut next = (*self.header).clone();
        let text = String::from_utf8_lossy(line.strip_prefix(BOM).unwrap_or(line));
        match directive(&text) {
            // What was cut off may have been the names of columns.
            _ if !whole => next.fields = None,
            None if !text.starts_with('#') => set_fields(&mut next, &text),
            Some(("fields", value)) => set_fields(&mut next, value),
            Some(("software", value)) => set(&mut next.software, value),
            Some(("version", value)) => set(&mut next.version, value),
            Some(("log-type", value)) => set(&mut next.log_type, value),
            Some(("date", value)) => set(&mut self.date, value),
            _ => {}
        }
        if next.fields != self.header.fields {
            self.dated = next.fields.as_deref().is_some_and(self.dialect.needs_date);
        }
        next.date = if self.dated { self.date.clone() } else { String::new() };
        next
    }

    /// Goes over to another header; the rows gathered so far end a block if it differs.
    fn enter(&mut self, next: Header, chunk: &Arc<Chunk>, spans: &mut Vec<Span>) {
        if next == *self.header {
            return;
        }
        self.flush(chunk, spans, false);
        if next.fields != self.header.fields {
            self.previous = None;
        }
        self.header = Arc::new(next);
    }

    fn flush(&mut self, chunk: &Arc<Chunk>, spans: &mut Vec<Span>, at_end: bool) {
        if spans.is_empty() {
            return;
        }
        let spans = std::mem::take(spans);
        let last = spans.last().and_then(|span| last_line(chunk, *span));
        let (chunk, header) = (Arc::clone(chunk), Arc::clone(&self.header));
        let previous = self.previous.clone();
        if last.is_some() {
            self.previous = last;
        }
        self.queue.push_back(TextBlock { chunk, spans, header, previous, at_end });
    }
}

impl Framer for TextFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        _emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        loop {
            if let Some(block) = self.queue.pop_front() {
                return Ok(Some((self.dialect.block)(block)));
            }
            match self.source.next_chunk(input)? {
                Some(chunk) => self.split(chunk),
                None => return Ok(None),
            }
        }
    }
}

/// The name (in lower case, without blanks) and value of a header line that this program knows.
pub(crate) fn directive(line: &str) -> Option<(&'static str, &str)> {
    const KNOWN: [&str; 5] = ["software", "version", "log-type", "date", "fields"];
    let (name, value) = line.strip_prefix('#')?.split_once(':')?;
    let name = name.trim();
    let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
    Some((known, value.trim()))
}

fn set(field: &mut String, value: &str) {
    value.chars().take(MAX_VALUE).collect::<String>().clone_into(field);
}

fn set_fields(header: &mut Header, names: &str) {
    let names = names.trim();
    let sound = !names.is_empty() && names.len() <= MAX_FIELDS;
    header.fields = sound.then(|| Arc::from(names));
}

fn push_run(spans: &mut Vec<Span>, run: Span) {
    if run.end > run.start || run.gap.is_some() {
        spans.push(run);
    }
}

fn last_line(chunk: &Chunk, span: Span) -> Option<Box<[u8]>> {
    let bytes = chunk.bytes.get(span.start..span.end)?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = bytes.get(memrchr(b'\n', bytes).map_or(0, |at| at + 1)..)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    (!line.is_empty() && line.len() <= MAX_PREVIOUS).then(|| line.into())
}
