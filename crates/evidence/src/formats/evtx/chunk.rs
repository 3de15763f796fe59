//! The outside of a chunk: its checksums, and the walk over its records, which trusts no number in it.

use std::ops::Range;

use flate2::Crc;
use memchr::memmem;

/// Bytes of a chunk.
pub(super) const CHUNK: usize = 64 << 10;
/// Where the first record of a chunk begins.
const FIRST: usize = 512;
/// Bytes of a record before its body.
const RECORD_HEAD: usize = 24;
/// What a chunk begins with.
pub(super) const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";
/// What a record begins with.
const RECORD_MAGIC: &[u8] = b"**\0\0";

const SMALLEST: usize = RECORD_HEAD + 4;
/// A flag of the chunk: its writer made no checksums.
const NO_CHECKSUMS: u32 = 4;
/// A body begins with a fragment header of version 1.1.
const FRAGMENT: &[u8] = &[0x0f, 1, 1];

/// The outside of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it begins in the chunk.
    pub at: usize,
    /// Its bytes, with head and tail.
    pub size: usize,
    /// Its number in the log.
    pub id: u64,
    /// When it was written, as a FILETIME.
    pub written: u64,
}

impl Entry {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.size
    }

    /// Without head and tail, which repeats the size.
    pub(super) fn body(&self) -> Range<usize> {
        self.at + RECORD_HEAD..self.at + self.size - 4
    }
}

/// What stands where records should stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Record(Entry),
    /// Bytes that are no record; how many records they were, 0 if that is unknown.
    Hole(u64),
}

/// A chunk as found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Begins with the chunk's magic.
    pub magic: bool,
    /// Holds nothing but zeros.
    pub blank: bool,
    /// Its checksums hold, or it has none.
    pub sound: bool,
    /// The file ends inside its records; how many are missing, 0 if that is unknown.
    pub cut: Option<u64>,
    /// Records and holes in order.
    pub steps: Vec<Step>,
    /// Records of former use, behind the end of the live ones.
    pub slack: Vec<Entry>,
}

/// Looks over a chunk of which `present` bytes are from the file; the rest is padding. `before` is the chunk
/// before it, empty for the first.
pub(super) fn survey(chunk: &[u8], present: usize, before: &[u8]) -> Survey {
    // Of a chunk that is cut within its magic, what is there must fit.
    let stated = present.min(CHUNK_MAGIC.len());
    let magic = chunk.get(..stated) == CHUNK_MAGIC.get(..stated);
    if chunk.iter().all(|&b| b == 0) {
        return Survey { blank: true, ..Survey::default() };
    }
    let free = u32_at(chunk, 48).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let free_valid = (FIRST..=CHUNK).contains(&free);
    let end = match (magic, free_valid) {
        (false, _) => FIRST,
        (true, false) => present,
        (true, true) => free.min(present),
    };
    let mut steps = walk(chunk, end);
    let was_cut = magic && (present < FIRST || present < if free_valid { free } else { CHUNK });
    if was_cut && matches!(steps.last(), Some(Step::Hole(_))) {
        steps.pop();
    }
    let live = || steps.iter().filter_map(Step::record);
    let mut slack = slack(chunk, end, present);
    slack
        .retain(|entry| live().all(|other| (other.id, other.written) != (entry.id, entry.written)));
    // The writer fills one buffer again and again: the end of a chunk may still hold the one before it.
    slack.retain(|entry| before.get(entry.range()) != chunk.get(entry.range()));
    let cut = was_cut.then(|| if present < FIRST { 0 } else { missing(chunk, live().count()) });
    let sound = magic && free_valid && checksums_hold(chunk, free);
    Survey { magic, blank: false, sound, cut, slack, steps }
}

impl Step {
    pub(super) fn record(&self) -> Option<&Entry> {
        match self {
            Self::Record(entry) => Some(entry),
            Self::Hole(_) => None,
        }
    }
}

/// The records from the first to `end`, whatever stands between them.
fn walk(chunk: &[u8], end: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut last_id = None;
    let mut at = FIRST;
    while at < end {
        if let Some(entry) = entry_at(chunk, at, end) {
            last_id = Some(entry.id);
            at += entry.size;
            steps.push(Step::Record(entry));
            continue;
        }
        let next = next_entry(chunk, at + 1, end);
        let upto = next.map_or(end, |entry| entry.at);
        let zeros = chunk.get(at..upto).is_none_or(|bytes| bytes.iter().all(|&b| b == 0));
        // A free offset that says too much leaves zeros behind the last record.
        if next.is_some() || !zeros {
            steps.push(Step::Hole(between(last_id, next.map(|entry| entry.id))));
        }
        at = upto;
    }
    steps
}

/// How many numbers lie between two records of one chunk; 1 where they do not tell.
fn between(last: Option<u64>, next: Option<u64>) -> u64 {
    let gap = match (last, next) {
        (Some(last), Some(next)) => next.checked_sub(last).and_then(|n| n.checked_sub(1)),
        _ => None,
    };
    gap.filter(|n| (1..=(CHUNK / SMALLEST) as u64).contains(n)).unwrap_or(1)
}

/// The record at a place, if it is whole.
fn entry_at(chunk: &[u8], at: usize, end: usize) -> Option<Entry> {
    if chunk.get(at..at + RECORD_MAGIC.len())? != RECORD_MAGIC {
        return None;
    }
    let stated = u32_at(chunk, at + 4)?;
    let size = usize::try_from(stated).ok()?;
    if size < SMALLEST || size > end.checked_sub(at)? || u32_at(chunk, at + size - 4)? != stated {
        return None;
    }
    Some(Entry { at, size, id: u64_at(chunk, at + 8)?, written: u64_at(chunk, at + 16)? })
}

fn next_entry(chunk: &[u8], from: usize, end: usize) -> Option<Entry> {
    let area = chunk.get(from..end)?;
    memmem::find_iter(area, RECORD_MAGIC).find_map(|at| entry_at(chunk, from + at, end))
}

/// Whole and plausible records from `from` on.
fn slack(chunk: &[u8], from: usize, end: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = from.max(FIRST);
    while let Some(entry) = next_entry(chunk, at, end) {
        if !chunk.get(entry.body()).is_some_and(|body| body.starts_with(FRAGMENT)) {
            at = entry.at + 1;
            continue;
        }
        at = entry.at + entry.size;
        found.push(entry);
    }
    found
}

/// Records that the chunk's head counts and its rest does not hold.
fn missing(chunk: &[u8], found: usize) -> u64 {
    let stated = u64_at(chunk, 16)
        .zip(u64_at(chunk, 8))
        .and_then(|(last, first)| last.checked_sub(first)?.checked_add(1));
    stated.filter(|&n| n <= (CHUNK / SMALLEST) as u64).map_or(0, |n| n.saturating_sub(found as u64))
}

fn checksums_hold(chunk: &[u8], free: usize) -> bool {
    if u32_at(chunk, 120).is_some_and(|flags| flags & NO_CHECKSUMS != 0) {
        return true;
    }
    let (Some(early), Some(late)) = (chunk.get(..120), chunk.get(128..FIRST)) else { return false };
    let data = chunk.get(FIRST..free).unwrap_or_default();
    u32_at(chunk, 124) == Some(checksum(&[early, late]))
        && u32_at(chunk, 52) == Some(checksum(&[data]))
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut sum = Crc::new();
    for part in parts {
        sum.update(part);
    }
    sum.sum()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(word.try_into().ok()?))
}
