//! Cuts a stream of JSON values into blocks at value boundaries, in memory bounded by the longest record.
//!
//! Values may stand one on a line, one behind the other, or in one big array, indented or not. Between
//! values only white space, commas and the array's brackets are expected. A value that is broken ends where
//! the next one visibly begins: at a raw line feed inside a string (valid JSON escapes it), and at a line
//! that opens an object no deeper than the line on which the broken one began.

use std::io::{self, BufRead};
use std::mem;
use std::ops::Range;

use encoding_rs::{Decoder, Encoding};
use memchr::{memchr, memchr3};

use super::super::{Block, Emit, Framer};
use super::JsonBlock;

/// Text of a block, unless one record is longer.
const BLOCK: usize = 256 << 10;
/// Bytes taken from the stream at a time.
const STEP: usize = 64 << 10;

/// What a block consists of.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// A value, by its place in the text of the block.
    Value(Range<usize>),
    /// Values that could not be cut out.
    Lost { code: &'static str, records: u64 },
}

/// Where the scan stands.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Between values.
    Between,
    /// In something that is no value, up to the end of its line.
    Junk,
    /// In a value.
    Value(Open),
}

/// A value that is not yet closed.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Where it began, in the buffer; meaningless once `too_long`.
    start: usize,
    /// Leading blanks of the line on which it began.
    indent: usize,
    depth: u64,
    in_string: bool,
    /// Longer than allowed: no longer kept.
    too_long: bool,
    /// Bytes so far.
    length: usize,
    /// Blanks so far on a line of which nothing else was seen.
    line: Option<usize>,
}

pub(super) struct JsonFramer {
    max_record: usize,
    text: Text,
    buffer: Vec<u8>,
    /// Offset of the buffer in the text.
    base: u64,
    /// What is scanned of the buffer.
    scanned: usize,
    state: State,
    /// A string's backslash was the last byte scanned.
    escaped: bool,
    /// Blanks at the beginning of the current line, `None` once something else was seen.
    blanks: Option<usize>,
    line_indent: usize,
    pieces: Vec<Piece>,
    failure: Option<io::Error>,
    ended: bool,
}

impl JsonFramer {
    pub(super) fn new(max_record: usize) -> Self {
        Self {
            max_record,
            text: Text::Undecided(Vec::new()),
            buffer: Vec::new(),
            base: 0,
            scanned: 0,
            state: State::Between,
            escaped: false,
            blanks: Some(0),
            line_indent: 0,
            pieces: Vec::new(),
            failure: None,
            ended: false,
        }
    }

    /// Bytes in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity()
    }

    /// Takes a step of the stream into the buffer.
    fn fill(&mut self, input: &mut dyn BufRead) {
        match input.fill_buf() {
            Ok([]) => self.ended = true,
            Ok(bytes) => {
                let step = bytes.get(..STEP).unwrap_or(bytes);
                let taken = step.len();
                self.text.push(step, &mut self.buffer);
                input.consume(taken);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.failure = Some(error);
                self.ended = true;
            }
        }
        if self.ended {
            self.text.finish(&mut self.buffer);
        }
    }

    /// Scans what is in the buffer.
    fn scan(&mut self) {
        while self.scanned < self.buffer.len() && self.cut() < BLOCK {
            match self.state {
                State::Between => self.scan_between(),
                State::Junk => self.scan_junk(),
                State::Value(open) if open.in_string => self.scan_string(open),
                State::Value(open) => self.scan_structure(open),
            }
        }
    }

    fn scan_between(&mut self) {
        let Some(&byte) = self.buffer.get(self.scanned) else { return };
        match byte {
            b'\n' => self.blanks = Some(0),
            b' ' | b'\t' => self.blanks = self.blanks.map(|n| n + 1),
            b'{' => return self.open(self.line_indent()),
            // Separators, the bytes of a UTF-8 mark, and the mark of RFC 7464.
            b'\r' | b',' | b'[' | b']' | 0x1e | 0xef | 0xbb | 0xbf => {
                self.line_indent = self.line_indent();
                self.blanks = None;
            }
            _ => {
                self.lost("json_damaged");
                self.state = State::Junk;
                return;
            }
        }
        self.scanned += 1;
    }

    fn line_indent(&self) -> usize {
        self.blanks.unwrap_or(self.line_indent)
    }

    fn open(&mut self, indent: usize) {
        self.line_indent = indent;
        self.blanks = None;
        self.state = State::Value(Open {
            start: self.scanned,
            indent,
            depth: 0,
            in_string: false,
            too_long: false,
            length: 0,
            line: None,
        });
    }

    fn scan_junk(&mut self) {
        let rest = self.buffer.get(self.scanned..).unwrap_or_default();
        match memchr(b'\n', rest) {
            Some(at) => {
                self.scanned += at;
                self.state = State::Between;
            }
            None => self.scanned = self.buffer.len(),
        }
    }

    fn scan_string(&mut self, mut open: Open) {
        let rest = self.buffer.get(self.scanned..).unwrap_or_default();
        // A raw line feed ends the string also behind a backslash: the line was cut there.
        if mem::take(&mut self.escaped) && rest.first() != Some(&b'\n') {
            return self.step(open, 1);
        }
        let Some(at) = memchr3(b'"', b'\\', b'\n', rest) else {
            let all = rest.len();
            return self.step(open, all);
        };
        match rest.get(at) {
            Some(b'"') => open.in_string = false,
            Some(b'\\') => self.escaped = true,
            _ => {
                self.scanned += at;
                return self.give_up(open, at);
            }
        }
        self.step(open, at + 1);
    }

    fn scan_structure(&mut self, mut open: Open) {
        let rest = self.buffer.get(self.scanned..).unwrap_or_default();
        let mut seen = 0;
        for &byte in rest {
            if let Some(blanks) = open.line.take() {
                match byte {
                    b' ' | b'\t' => open.line = Some(blanks + 1),
                    b'{' if blanks <= open.indent => {
                        self.scanned += seen;
                        self.give_up(open, seen);
                        return self.open(blanks);
                    }
                    _ => {}
                }
            }
            seen += 1;
            match byte {
                b'"' => {
                    open.in_string = true;
                    return self.step(open, seen);
                }
                b'{' | b'[' => open.depth += 1,
                b'}' | b']' => {
                    open.depth -= 1;
                    if open.depth == 0 {
                        return self.close(open, seen);
                    }
                }
                b'\n' => open.line = Some(0),
                _ => {}
            }
        }
        self.step(open, seen);
    }

    /// Goes on inside a value.
    fn step(&mut self, mut open: Open, bytes: usize) {
        self.scanned += bytes;
        open.length = open.length.saturating_add(bytes);
        open.too_long |= open.length > self.max_record;
        self.state = State::Value(open);
    }

    fn close(&mut self, open: Open, bytes: usize) {
        self.scanned += bytes;
        self.state = State::Between;
        if open.too_long || open.length + bytes > self.max_record {
            self.lost("record_too_long");
        } else {
            self.pieces.push(Piece::Value(open.start..self.scanned));
        }
    }

    /// The value is broken after some more bytes; the next is looked for from here.
    fn give_up(&mut self, open: Open, bytes: usize) {
        self.escaped = false;
        self.state = State::Between;
        self.lost(if open.too_long || open.length + bytes > self.max_record {
            "record_too_long"
        } else {
            "json_damaged"
        });
    }

    fn lost(&mut self, lost: &'static str) {
        if let Some(Piece::Lost { code, records }) = self.pieces.last_mut()
            && *code == lost
        {
            *records += 1;
            return;
        }
        self.pieces.push(Piece::Lost { code: lost, records: 1 });
    }

    /// Up to where the buffer is not needed any more.
    fn cut(&self) -> usize {
        match self.state {
            State::Value(open) if !open.too_long => open.start,
            _ => self.scanned,
        }
    }

    /// Hands over what is cut.
    fn take_block(&mut self) -> Option<Box<dyn Block>> {
        let cut = self.cut();
        let rest = self.buffer.split_off(cut);
        let text = mem::replace(&mut self.buffer, rest);
        let base = self.base;
        self.base += cut as u64;
        self.scanned -= cut;
        if let State::Value(open) = &mut self.state {
            open.start = open.start.saturating_sub(cut);
        }
        let pieces = mem::take(&mut self.pieces);
        let at_end = self.ended && self.buffer.is_empty();
        (!pieces.is_empty())
            .then(|| Box::new(JsonBlock { text, base, pieces, at_end }) as Box<dyn Block>)
    }

    /// The stream ended inside a value.
    fn cut_off(&mut self) {
        if let State::Value(open) = self.state {
            self.scanned = self.buffer.len();
            self.give_up(open, 0);
        }
    }
}

impl Framer for JsonFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        _emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        loop {
            self.scan();
            let all_scanned = self.scanned >= self.buffer.len();
            if all_scanned && self.ended {
                self.cut_off();
            }
            if (self.cut() >= BLOCK || all_scanned && self.ended)
                && let Some(block) = self.take_block()
            {
                return Ok(Some(block));
            }
            if self.ended && self.scanned >= self.buffer.len() {
                return self.failure.take().map_or(Ok(None), Err);
            }
            if self.scanned >= self.buffer.len() {
                self.fill(input);
            }
        }
    }
}

/// The encoding of the stream.
enum Text {
    /// Its first bytes, too few to tell.
    Undecided(Vec<u8>),
    Utf8,
    Utf16(Box<Decoder>),
}

impl Text {
    fn push(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Undecided(head) => {
                head.extend_from_slice(raw);
                if head.len() >= 4 {
                    self.decide(out);
                }
            }
            Self::Utf8 => out.extend_from_slice(raw),
            Self::Utf16(decoder) => decode(decoder, raw, false, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.decide(out);
        if let Self::Utf16(decoder) = self {
            decode(decoder, &[], true, out);
            *self = Self::Utf8;
        }
    }

    fn decide(&mut self, out: &mut Vec<u8>) {
        if let Self::Undecided(head) = self {
            let head = mem::take(head);
            *self = match utf16(&head) {
                Some(encoding) => Self::Utf16(Box::new(encoding.new_decoder_with_bom_removal())),
                None => Self::Utf8,
            };
            self.push(&head, out);
        }
    }
}

/// UTF-16 by its mark, or by the NUL beside the first ASCII character.
pub(super) fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] | [1..=0x7f, 0, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

fn decode(decoder: &mut Decoder, raw: &[u8], last: bool, out: &mut Vec<u8>) {
    let room = decoder.max_utf8_buffer_length(raw.len()).unwrap_or(0);
    let start = out.len();
    out.resize(start + room, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let (_, _, written, _) = decoder.decode_to_utf8(raw, target, last);
    out.truncate(start + written);
}
