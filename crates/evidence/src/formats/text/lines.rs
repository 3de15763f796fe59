//! Cuts a stream of text into chunks of whole lines.
//!
//! Runs of NUL bytes and lines beyond the limit are passed over as they stream by; what is left of them is
//! a [`Gap`] at their place. Where a chunk ends depends on the text alone, never on how it was read, so the
//! same file gives the same chunks from a folder and from any archive.

use std::io::{self, BufRead};

use memchr::{memchr, memrchr};

use super::decode::{Decoder, Encoding};

/// Bytes after which a chunk is cut at the next chance.
pub(crate) const CHUNK: usize = 256 << 10;

/// What was passed over between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Offset in the stream where it began.
    pub offset: u64,
    /// NUL bytes.
    pub nul_bytes: u64,
    /// Lines beyond the limit.
    pub long_lines: u64,
    /// One of those lines began as a header line: the columns of what follows are not known.
    pub header: bool,
}

/// Lines that stand together in the stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// First byte in the chunk.
    pub start: usize,
    /// Behind the last byte in the chunk.
    pub end: usize,
    /// Offset of `start` in the stream.
    pub offset: u64,
    /// What lay before it.
    pub gap: Option<Gap>,
}

/// A piece of the stream. All lines of a span end with a newline, except for the last one before a gap or
/// at the end of the stream.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Text, as far as it is text.
    pub bytes: Vec<u8>,
    /// What of it stands together; in order.
    pub spans: Vec<Span>,
    /// Nothing follows.
    pub at_end: bool,
}

/// A line or a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    Line(Line<'a>),
    Gap(Gap),
}

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub bytes: &'a [u8],
    /// Offset in the stream.
    pub offset: u64,
    /// Index behind the line and its end, in the chunk.
    pub next: usize,
    /// Whether a newline ended it.
    pub ended: bool,
}

impl Chunk {
    /// The lines and gaps of some of its spans.
    pub(crate) fn pieces<'a>(&'a self, spans: &'a [Span]) -> impl Iterator<Item = Piece<'a>> {
        spans.iter().flat_map(|span| {
            span.gap.map(Piece::Gap).into_iter().chain(self.lines(*span).map(Piece::Line))
        })
    }

    /// The lines of a span; empty ones too.
    pub(crate) fn lines(&self, span: Span) -> impl Iterator<Item = Line<'_>> {
        let mut at = span.start;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(at..span.end).filter(|rest| !rest.is_empty())?;
            let newline = memchr(b'\n', rest);
            let body = newline.and_then(|end| rest.get(..end)).unwrap_or(rest);
            let offset = span.offset + (at - span.start) as u64;
            at += newline.map_or(rest.len(), |end| end + 1);
            let bytes = body.strip_suffix(b"\r").unwrap_or(body);
            Some(Line { bytes, offset, next: at, ended: newline.is_some() })
        })
    }
}

/// Reads a stream as chunks.
pub(crate) struct LineSource {
    decoder: Decoder,
    assembly: Assembly,
    done: bool,
    error: Option<io::Error>,
}

impl LineSource {
    /// Lines longer than `max_line` bytes are passed over.
    pub(crate) fn new(encoding: Encoding, max_line: usize) -> Self {
        Self::with_chunk(encoding, max_line, CHUNK)
    }

    /// The same with chunks of another size.
    pub(crate) fn with_chunk(encoding: Encoding, max_line: usize, chunk: usize) -> Self {
        let decoder = Decoder::new(encoding);
        let max_line = max_line.max(1);
        let assembly = Assembly::new(decoder.first_offset(), max_line, chunk.clamp(1, max_line));
        Self { decoder, assembly, done: false, error: None }
    }

    /// The next chunk, `None` at the end; an error of the stream comes after what could be read before it.
    pub(crate) fn next_chunk(&mut self, input: &mut dyn BufRead) -> io::Result<Option<Chunk>> {
        while !self.done && !self.assembly.is_full() {
            let room = self.assembly.room();
            self.step(input, room);
        }
        if !self.done {
            let chunk = self.assembly.cut();
            // One look ahead tells the last chunk that it is the last.
            self.done = self.assembly.is_empty() && self.at_end(input);
            return Ok(Some(Chunk { at_end: self.done, ..chunk }));
        }
        match self.assembly.finish() {
            Some(chunk) => Ok(Some(chunk)),
            None => self.error.take().map_or(Ok(None), Err),
        }
    }

    fn step(&mut self, input: &mut dyn BufRead, room: usize) {
        let used = match self.decoder.fill(input) {
            Ok(text) => {
                let text = text.get(..room).unwrap_or(text);
                self.assembly.push(text);
                text.len()
            }
            Err(error) => {
                self.error = Some(error);
                0
            }
        };
        self.decoder.consume(input, used);
        self.done = used == 0;
    }

    fn at_end(&mut self, input: &mut dyn BufRead) -> bool {
        match self.decoder.fill(input) {
            Ok(text) => text.is_empty(),
            Err(error) => {
                self.error = Some(error);
                true
            }
        }
    }
}

/// A chunk in the making.
struct Assembly {
    bytes: Vec<u8>,
    closed: Vec<Span>,
    /// Where the span in the making starts, in `bytes` and in the stream, and what lay before it.
    start: usize,
    start_offset: u64,
    gap: Option<Gap>,
    /// Where the line in the making starts in `bytes`.
    line: usize,
    /// The line in the making is too long and passes by.
    skipping: bool,
    /// Offset of the next byte pushed.
    offset: u64,
    goal: usize,
    chunk: usize,
    max_line: usize,
}

impl Assembly {
    /// Needs `chunk <= max_line`, so that no line within one piece can be too long.
    fn new(offset: u64, max_line: usize, chunk: usize) -> Self {
        Self {
            bytes: Vec::new(),
            closed: Vec::new(),
            start: 0,
            start_offset: offset,
            gap: None,
            line: 0,
            skipping: false,
            offset,
            goal: chunk,
            chunk,
            max_line,
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.closed.is_empty() && self.gap.is_none() && !self.skipping
    }

    /// How many bytes the next piece may have.
    fn room(&self) -> usize {
        self.goal.saturating_sub(self.bytes.len()).clamp(1, self.chunk)
    }

    fn is_full(&mut self) -> bool {
        if self.bytes.len() < self.goal {
            return false;
        }
        let has_line = self.line > self.start || !self.closed.is_empty();
        if !has_line {
            self.goal = self.bytes.len() + self.chunk;
        }
        has_line
    }

    fn push(&mut self, mut piece: &[u8]) {
        while let Some(at) = memchr(0, piece) {
            let (text, rest) = piece.split_at(at);
            let nuls = rest.iter().take_while(|b| **b == 0).count();
            self.push_text(text);
            self.push_nuls(nuls);
            piece = rest.get(nuls..).unwrap_or_default();
        }
        self.push_text(piece);
    }

    fn push_text(&mut self, mut piece: &[u8]) {
        loop {
            let newline = memchr(b'\n', piece);
            let reach = newline.unwrap_or(piece.len());
            let too_long = self.bytes.len() - self.line + reach > self.max_line;
            if !self.skipping && !too_long {
                break self.append(piece);
            }
            self.drop_line(piece);
            let passed = newline.map_or(piece.len(), |at| at + 1);
            self.offset += passed as u64;
            self.start_offset = self.offset;
            self.skipping = newline.is_none();
            piece = piece.get(passed..).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
        }
    }

    fn append(&mut self, piece: &[u8]) {
        if let Some(last) = memrchr(b'\n', piece) {
            self.line = self.bytes.len() + last + 1;
        }
        self.bytes.extend_from_slice(piece);
        self.offset += piece.len() as u64;
    }

    /// Takes the line in the making out and counts it, unless that was done before.
    fn drop_line(&mut self, piece: &[u8]) {
        if self.skipping {
            return;
        }
        let first = self.bytes.get(self.line).or(piece.first()).copied();
        let line_offset = self.offset - (self.bytes.len() - self.line) as u64;
        self.bytes.truncate(self.line);
        self.close();
        let gap = self.gap.get_or_insert(Gap { offset: line_offset, ..Gap::default() });
        gap.long_lines += 1;
        gap.header |= first == Some(b'#');
    }

    fn push_nuls(&mut self, nuls: usize) {
        self.skipping = false;
        self.close();
        let gap = self.gap.get_or_insert(Gap { offset: self.offset, ..Gap::default() });
        gap.nul_bytes += nuls as u64;
        self.offset += nuls as u64;
        self.start_offset = self.offset;
    }

    /// Ends the span in the making where the bytes end; the next begins there.
    fn close(&mut self) {
        let end = self.bytes.len();
        if end > self.start {
            let (start, offset) = (self.start, self.start_offset);
            self.closed.push(Span { start, end, offset, gap: self.gap.take() });
        }
        self.start = end;
        self.line = end;
        self.start_offset = self.offset;
    }

    /// The lines that are complete; the line in the making, and a gap right before it, stay.
    fn cut(&mut self) -> Chunk {
        let tail = self.bytes.split_off(self.line);
        let bytes = std::mem::replace(&mut self.bytes, tail);
        let mut spans = std::mem::take(&mut self.closed);
        if self.line > self.start {
            let (start, offset) = (self.start, self.start_offset);
            spans.push(Span { start, end: self.line, offset, gap: self.gap.take() });
            self.start_offset += (self.line - self.start) as u64;
        }
        self.start = 0;
        self.line = 0;
        self.goal = self.chunk;
        Chunk { bytes, spans, at_end: false }
    }

    /// All that is left, once.
    fn finish(&mut self) -> Option<Chunk> {
        self.skipping = false;
        self.close();
        let end = self.bytes.len();
        if let Some(gap) = self.gap.take() {
            self.closed.push(Span { start: end, end, offset: self.offset, gap: Some(gap) });
        }
        let spans = std::mem::take(&mut self.closed);
        let bytes = std::mem::take(&mut self.bytes);
        self.start = 0;
        self.line = 0;
        (!spans.is_empty()).then_some(Chunk { bytes, spans, at_end: true })
    }
}
