//! Cuts a CSV stream into records, whose quoted cells may hold line breaks.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use memchr::memchr_iter;

use crate::formats::text::{CUT_SHORT, Chunk, Fault, Gap, LineSource, Piece};

/// A record spans fewer lines; one that seems to span more has a quote that nothing closes.
const MAX_LINES: usize = 64;

/// A record, or what was lost between two.
#[derive(Debug)]
pub(super) enum Record {
    Whole { bytes: Vec<u8>, offset: u64 },
    Lost { fault: Fault, offset: u64 },
    Gap(Gap),
}

/// Reads records.
pub(super) struct RecordSource {
    source: LineSource,
    max_record: usize,
    /// Lines of the record in the making, with their offsets.
    open: VecDeque<(Vec<u8>, u64)>,
    open_bytes: usize,
}

impl RecordSource {
    pub(super) fn new(source: LineSource, max_record: usize) -> Self {
        Self { source, max_record, open: VecDeque::new(), open_bytes: 0 }
    }

    /// The records of the next chunk, and whether it was the last.
    pub(super) fn next(
        &mut self,
        input: &mut dyn BufRead,
    ) -> io::Result<Option<(Vec<Record>, bool)>> {
        let Some(chunk) = self.source.next_chunk(input)? else { return Ok(None) };
        let mut records = Vec::new();
        self.take(&chunk, &mut records);
        if chunk.at_end {
            self.give_up(&mut records);
        }
        Ok(Some((records, chunk.at_end)))
    }

    fn take(&mut self, chunk: &Chunk, records: &mut Vec<Record>) {
        for piece in chunk.pieces(&chunk.spans) {
            match piece {
                Piece::Line(line) => self.line(line.bytes.to_vec(), line.offset, records),
                Piece::Gap(gap) => {
                    self.give_up(records);
                    records.push(Record::Gap(gap));
                }
            }
        }
    }

    fn line(&mut self, bytes: Vec<u8>, offset: u64, records: &mut Vec<Record>) {
        let odd = memchr_iter(b'"', &bytes).count() % 2 == 1;
        if self.open.is_empty() && !odd {
            records.push(Record::Whole { bytes, offset });
            return;
        }
        let closes = odd && !self.open.is_empty();
        self.open_bytes += bytes.len() + 1;
        self.open.push_back((bytes, offset));
        if closes {
            records.push(self.join());
        } else if self.open.len() >= MAX_LINES || self.open_bytes > self.max_record {
            self.drop_first(records);
        }
    }

    fn join(&mut self) -> Record {
        let offset = self.open.front().map_or(0, |(_, offset)| *offset);
        self.open_bytes = 0;
        let mut joined: Vec<u8> = Vec::new();
        for (bytes, at) in self.open.drain(..) {
            // The ends of lines are not kept with them: what lies between two offsets tells which it was.
            match at.saturating_sub(offset + joined.len() as u64) {
                0 => {}
                1 => joined.push(b'\n'),
                _ => joined.extend_from_slice(b"\r\n"),
            }
            joined.extend_from_slice(&bytes);
        }
        Record::Whole { bytes: joined, offset }
    }

    /// The quote of the first open line is closed nowhere: that line is lost, the others start anew.
    fn drop_first(&mut self, records: &mut Vec<Record>) {
        let mut lines = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        if let Some((_, offset)) = lines.pop_front() {
            records.push(Record::Lost { fault: CUT_SHORT, offset });
        }
        for (bytes, offset) in lines {
            self.line(bytes, offset, records);
        }
    }

    fn give_up(&mut self, records: &mut Vec<Record>) {
        while !self.open.is_empty() {
            self.drop_first(records);
        }
    }
}
