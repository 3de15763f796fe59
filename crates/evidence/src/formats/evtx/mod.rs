//! Windows event logs: a head of 4,096 bytes, then chunks of 64 KiB, each whole in itself.
//!
//! The stream is cut by its length alone: what the file's head says of its chunks is out of date in a log
//! that was in use. Damage costs the records that it touches and no others, and each is counted.

mod arena;
mod binxml;
mod chunk;
#[cfg(test)]
mod crafted;
mod layout;
#[cfg(test)]
mod oracle;
mod record;
mod show;
mod templates;
#[cfg(test)]
mod tests;
mod values;
#[cfg(test)]
mod writing;

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::mem;
use std::sync::Arc;

use model::{Integrity, Locator, Time, TimeBasis};

use super::json_events::holes::Holes;
use super::json_events::record::{Part, Place, Record};
use super::{Block, Context, Emit, Framer, Identified, Probe};
use chunk::{CHUNK, CHUNK_MAGIC, Entry, Step, Survey, survey};
use record::{Decoded, Machine};
pub(crate) use show::render_at;
use templates::{OfChunk, Templates};

const HEADER: usize = 4096;
const FILE_MAGIC: &[u8] = b"ElfFile\0";
/// Chunks of a block: enough work for one thread, little memory.
const BATCH: usize = 16;

const CHECKSUM: &str = "chunks whose checksum does not hold: their records are read and shown, but support \
    nothing alone; a log copied while in use has some";
const DAMAGED: &str =
    "chunks that do not begin like one; what was found in them supports nothing alone";
const CUT: &str = "the file ends inside a chunk; its whole records were read";
const RECORD: &str = "records that are broken or cannot be decoded; reading went on behind them";
const CARVED: &str =
    "records found behind the live ones of their chunk; they support nothing alone";
const FILE_HEAD: &str = "the file's head is missing or broken; the chunks were read without it";
const FILE_CUT: &str = "the file's head counts more chunks than there are: its end is missing";

/// A file that begins like an event log, or whose first chunk stands where it should.
pub(crate) fn identify(probe: &Probe<'_>) -> Option<Identified> {
    let prefix = probe.prefix;
    let first = prefix.get(HEADER..).is_some_and(|rest| rest.starts_with(CHUNK_MAGIC));
    let known = prefix.starts_with(FILE_MAGIC) || starts_headless(prefix) || first;
    known.then(|| Identified { kind: "evtx", framer: Box::new(EvtxFramer::default()) })
}

fn starts_headless(bytes: &[u8]) -> bool {
    bytes.starts_with(CHUNK_MAGIC)
}

#[derive(Default)]
struct EvtxFramer {
    /// Offset of the next chunk; `None` before the head was read.
    at: Option<u64>,
    /// Chunks that the file's head counts, and those read.
    stated: u64,
    read: u64,
    /// The last chunk of the block before.
    before: Vec<u8>,
    failure: Option<io::Error>,
    ended: bool,
    templates: Arc<Templates>,
}

impl EvtxFramer {
    /// Reads up to `room` bytes; remembers a failure for after the blocks before it.
    fn take(&mut self, input: &mut dyn BufRead, room: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(room);
        while bytes.len() < room && !self.ended {
            match input.fill_buf() {
                Ok([]) => self.ended = true,
                Ok(more) => {
                    let step = more.get(..room - bytes.len()).unwrap_or(more);
                    bytes.extend_from_slice(step);
                    let taken = step.len();
                    input.consume(taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
        bytes
    }

    /// Reads the file's head, if there is one; gives what belongs to the chunks already.
    fn open(&mut self, input: &mut dyn BufRead, emit: &mut dyn Emit) -> Vec<u8> {
        let head = self.take(input, HEADER);
        self.at = Some(0);
        if starts_headless(&head) {
            emit.issue("file_head_missing", 1, FILE_HEAD);
            return head;
        }
        if !head.starts_with(FILE_MAGIC) {
            emit.issue("file_head_missing", 1, FILE_HEAD);
        } else if let Some(&[low, high]) = head.get(42..44) {
            self.stated = u64::from(u16::from_le_bytes([low, high]));
        }
        if head.len() < HEADER {
            emit.issue("chunk_cut", 1, CUT);
        }
        self.at = Some(HEADER as u64);
        Vec::new()
    }

    fn missing_chunks(&self, emit: &mut dyn Emit) {
        if self.stated > self.read && self.failure.is_none() {
            let mut holes = Holes::default();
            holes.lost("file_cut", 0, FILE_CUT);
            holes.end(true, emit);
        }
    }
}

impl Framer for EvtxFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        let mut bytes = if self.at.is_none() { self.open(input, emit) } else { Vec::new() };
        let room = BATCH * CHUNK - bytes.len();
        bytes.extend(self.take(input, room));
        if bytes.is_empty() {
            self.missing_chunks(emit);
            return self.failure.take().map_or(Ok(None), Err);
        }
        let base = self.at.unwrap_or(0);
        self.at = Some(base + bytes.len() as u64);
        self.read += bytes.len().div_ceil(CHUNK) as u64;
        let at_end = self.ended || input.fill_buf().is_ok_and(<[u8]>::is_empty);
        let last = bytes.chunks_exact(CHUNK).next_back().unwrap_or_default().to_vec();
        let before = mem::replace(&mut self.before, last);
        let templates = Arc::clone(&self.templates);
        Ok(Some(Box::new(EvtxBlock { bytes, before, base, at_end, templates })))
    }
}

/// Some chunks, the last perhaps cut.
struct EvtxBlock {
    bytes: Vec<u8>,
    /// The chunk before them, empty at the beginning.
    before: Vec<u8>,
    /// Offset in the file.
    base: u64,
    at_end: bool,
    templates: Arc<Templates>,
}

impl Block for EvtxBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let mut told = Told::default();
        let mut machine = Machine::default();
        let mut before = self.before.as_slice();
        for (n, bytes) in self.bytes.chunks(CHUNK).enumerate() {
            let base = self.base + (n * CHUNK) as u64;
            let mut padded = Vec::new();
            let chunk = if bytes.len() == CHUNK {
                bytes
            } else {
                padded.extend_from_slice(bytes);
                padded.resize(CHUNK, 0);
                &padded
            };
            let survey = survey(chunk, bytes.len(), before);
            machine.begin_chunk();
            let templates = self.templates.of_chunk();
            ChunkReader { chunk, base, context, machine: &mut machine, templates }
                .read(&survey, &mut told, emit);
            before = bytes;
        }
        told.holes.end(self.at_end, emit);
    }
}

/// What a block has told so far.
#[derive(Default)]
struct Told {
    holes: Holes,
    /// Its live records: those found since they were last looked through, and the others.
    fresh: Vec<Identity>,
    live: BTreeSet<Identity>,
}

impl Told {
    fn is_live(&mut self, identity: Identity) -> bool {
        self.live.extend(self.fresh.drain(..));
        self.live.contains(&identity)
    }
}

/// What tells one record from another: its number and its time.
type Identity = (Option<u64>, Option<Time>);

struct ChunkReader<'c> {
    chunk: &'c [u8],
    /// Offset of the chunk in the file.
    base: u64,
    context: &'c Context<'c>,
    machine: &'c mut Machine,
    templates: OfChunk<'c>,
}

impl ChunkReader<'_> {
    fn read(&mut self, survey: &Survey, told: &mut Told, emit: &mut dyn Emit) {
        if survey.blank {
            return;
        }
        if !survey.magic {
            told.holes.lost("chunk_damaged", 0, DAMAGED);
        } else if !survey.sound {
            emit.issue("chunk_checksum", 1, CHECKSUM);
        }
        let integrity = if survey.sound { Integrity::Whole } else { Integrity::Doubtful };
        for step in &survey.steps {
            match step {
                Step::Hole(records) => told.holes.lost("record_damaged", *records, RECORD),
                Step::Record(entry) => self.live(entry, integrity, told, emit),
            }
        }
        if let Some(missing) = survey.cut {
            told.holes.lost("chunk_cut", missing, CUT);
        }
        for entry in &survey.slack {
            self.slack(entry, told, emit);
        }
    }

    fn live(&mut self, entry: &Entry, integrity: Integrity, told: &mut Told, emit: &mut dyn Emit) {
        let decoded = self.machine.decode(self.chunk, entry.body(), &mut self.templates);
        let Some(Decoded { record, time }) = decoded else {
            return told.holes.lost("record_damaged", 1, RECORD);
        };
        let time = time.or_else(|| Time::from_filetime(entry.written));
        told.holes.whole(time, emit);
        told.fresh.push((record.record_id(), time));
        let place = place(self.chunk, self.base, entry, &record, integrity);
        let event = record.into_event(self.context, place, (time, TimeBasis::RecordUtc));
        emit.event(&event);
        let fields = record::reused(event.fields.0);
        self.machine.give_back(fields);
    }

    fn slack(&mut self, entry: &Entry, told: &mut Told, emit: &mut dyn Emit) {
        let decoded = self.machine.decode(self.chunk, entry.body(), &mut self.templates);
        let Some(Decoded { record, time }) = decoded else { return };
        let time = time.or_else(|| Time::from_filetime(entry.written));
        // What the template of another record made of it lacks most of its head.
        let named = record.get(Part::Channel).or(record.get(Part::Provider)).is_some();
        let whole = named && record.get(Part::Computer).is_some();
        if whole && !told.is_live((record.record_id(), time)) {
            emit.issue("carved", 1, CARVED);
            let place = place(self.chunk, self.base, entry, &record, Integrity::Doubtful);
            emit.event(&record.into_event(self.context, place, (time, TimeBasis::RecordUtc)));
        }
    }
}

/// Where a record stands.
fn place<'c>(
    chunk: &'c [u8],
    base: u64,
    entry: &Entry,
    record: &Record<'_>,
    integrity: Integrity,
) -> Place<'c> {
    let locator = Locator {
        offset: Some(base + entry.at as u64),
        length: Some(entry.size as u64),
        // An export numbers the heads anew; the body keeps the number that the log gave.
        record: record.record_id().or(Some(entry.id)),
    };
    Place { locator, integrity, raw: chunk.get(entry.range()).unwrap_or_default() }
}
