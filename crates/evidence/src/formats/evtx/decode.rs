//! The inside of records, through the `evtx` crate: each record as the JSON text that the crate makes of it.
//!
//! The crate walks a chunk by itself and stops where its own budget for the chunk is spent. So it is given a
//! repaired copy, and asked again from the next record on where it left some out. Nothing of the crate's
//! shows outside of this file.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};

use super::chunk::{CHUNK, CHUNK_MAGIC, Entry, FIRST, RECORD_HEAD, RECORD_MAGIC};

/// Times that a chunk is read from a later record on, before what is missing counts as lost.
const ROUNDS: usize = 8;
/// The end of a chunk, as its head would state it.
const WHOLE_CHUNK: u32 = 64 << 10;
/// The table of names in a chunk's head.
const NAMES: std::ops::Range<usize> = 128..384;
/// A time that every reader can hold: the crate refuses a record whose head has another, and the head is
/// read by ourselves.
const SOME_TIME: u64 = 0x01d0_0000_0000_0000;

/// JSON texts by the place of their record in the chunk.
pub(super) type Texts = BTreeMap<usize, Vec<u8>>;

/// Reads the given records of a chunk; those that cannot be read are missing in the answer.
pub(super) fn texts(chunk: &[u8], entries: &[Entry]) -> Texts {
    let settings = Arc::new(ParserSettings::new().indent(false));
    let mut texts = Texts::new();
    let repaired = repair(chunk, entries);
    let mut from = 0;
    for _ in 0..ROUNDS {
        let next = entries.iter().find(|e| e.at >= from && !texts.contains_key(&e.at));
        let Some(next) = next.copied() else { break };
        let last_seen = Cell::new(0);
        let pass = || pass(&repaired, next.at, &settings, &mut texts, &last_seen);
        // The crate is tested not to panic; if it does, what it read before stays.
        let panicked = catch_unwind(AssertUnwindSafe(pass)).is_err();
        from = 1 + if panicked { next.at.max(last_seen.get()) } else { next.at };
    }
    texts.retain(|at, _| entries.iter().any(|e| e.at == *at));
    texts
}

/// A copy with heads that the crate takes: magic, and numbers and times within its bounds.
fn repair(chunk: &[u8], entries: &[Entry]) -> Vec<u8> {
    let mut copy = chunk.to_vec();
    copy.resize(CHUNK, 0);
    write(&mut copy, 0, CHUNK_MAGIC);
    for entry in entries {
        write(&mut copy, entry.at + 8, &1_u64.to_le_bytes());
        write(&mut copy, entry.at + 16, &SOME_TIME.to_le_bytes());
    }
    copy
}

/// Reads from one record on to the end of the chunk.
fn pass(
    repaired: &[u8],
    from: usize,
    settings: &Arc<ParserSettings>,
    texts: &mut Texts,
    last_seen: &Cell<usize>,
) {
    let copy = |with_names: bool| {
        let mut copy = repaired.to_vec();
        skip_to(&mut copy, from);
        if !with_names {
            copy.get_mut(NAMES).unwrap_or_default().fill(0);
        }
        copy
    };
    // A broken table of names must not cost the records; the names are found without it, only slower.
    if !read(copy(true), settings, texts, last_seen) {
        read(copy(false), settings, texts, last_seen);
    }
}

/// Puts one bodiless record before `from`, so that the crate's walk starts there.
fn skip_to(copy: &mut [u8], from: usize) {
    let size = from.saturating_sub(FIRST);
    if size <= RECORD_HEAD {
        return;
    }
    let size = u32::try_from(size).unwrap_or(0);
    write(copy, FIRST, RECORD_MAGIC);
    write(copy, FIRST + 4, &size.to_le_bytes());
    write(copy, FIRST + 8, &1_u64.to_le_bytes());
    write(copy, FIRST + 16, &SOME_TIME.to_le_bytes());
    write(copy, FIRST + RECORD_HEAD, &[0]);
}

fn write(copy: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(target) = copy.get_mut(at..at + bytes.len()) {
        target.copy_from_slice(bytes);
    }
}

/// False if the crate refuses the chunk as a whole.
fn read(
    copy: Vec<u8>,
    settings: &Arc<ParserSettings>,
    texts: &mut Texts,
    last_seen: &Cell<usize>,
) -> bool {
    let Ok(mut data) = EvtxChunkData::new(copy, false) else { return false };
    // The crate shall look everywhere; which records are live is our own judgement.
    data.header.free_space_offset = WHOLE_CHUNK;
    data.header.last_event_record_data_offset = WHOLE_CHUNK;
    data.header.first_event_record_id = 0;
    data.header.last_event_record_id = u64::MAX;
    let Ok(mut chunk) = data.parse(Arc::clone(settings)) else { return false };
    for record in chunk.iter().flatten() {
        let Some(at) = usize::try_from(record.binxml_offset).ok() else { continue };
        let at = at.saturating_sub(RECORD_HEAD);
        last_seen.set(at);
        if !texts.contains_key(&at)
            && let Ok(text) = record.into_json_bytes()
        {
            texts.insert(at, text.data);
        }
    }
    true
}
