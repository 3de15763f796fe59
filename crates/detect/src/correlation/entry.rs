//! A base match as it is put in order: fixed in size, so that ten million of them are sorted on disk.

use super::resolve::MAX_CHAIN;
use super::sort::Row;

/// From the member of a correlation down to the rule that matched: the number of the member in each.
pub(super) type Path = [u8; MAX_CHAIN];

/// A match of a member of a correlation, in the order in which it is judged: group by group, in event time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) correlation: u32,
    /// Hash of the values by which events are grouped.
    pub(super) group: u128,
    /// Nanoseconds since 1970 UTC.
    pub(super) time: i64,
    /// The number of the member where the order of rules counts: a clock cannot tell which of two events of
    /// one moment came first, so they pass for being in order.
    pub(super) step: u8,
    /// File and offset: which event it is.
    pub(super) event: (u32, u64),
    pub(super) path: Path,
    /// What is counted or measured: a hash, or a number in millionths.
    pub(super) value: u128,
    pub(super) owner: u32,
    /// Fractional digits of the time.
    pub(super) digits: u8,
    /// Where the caller keeps the event.
    pub(super) payload: u64,
}

impl Entry {
    /// The number of the correlation's member that matched.
    pub(super) fn member(&self) -> usize {
        usize::from(self.path[0])
    }

    /// What is measured, as a number in millionths.
    pub(super) fn number(&self) -> i128 {
        self.value.cast_signed()
    }
}

/// An event that is part of a match, in the order in which matches are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) correlation: u32,
    pub(super) owner: u32,
    pub(super) time: i64,
    pub(super) event: (u32, u64),
    pub(super) path: Path,
    /// What the windows that it is in measured at most, in millionths.
    pub(super) value: i128,
    pub(super) digits: u8,
    pub(super) payload: u64,
}

impl Row for Entry {
    const SIZE: usize = 4 + 16 + 8 + 1 + 12 + MAX_CHAIN + 16 + 4 + 1 + 8;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.correlation.to_le_bytes());
        out.extend(self.group.to_le_bytes());
        out.extend(self.time.to_le_bytes());
        out.push(self.step);
        out.extend(self.event.0.to_le_bytes());
        out.extend(self.event.1.to_le_bytes());
        out.extend(self.path);
        out.extend(self.value.to_le_bytes());
        out.extend(self.owner.to_le_bytes());
        out.push(self.digits);
        out.extend(self.payload.to_le_bytes());
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        Some(Self {
            correlation: u32::from_le_bytes(take(from)?),
            group: u128::from_le_bytes(take(from)?),
            time: i64::from_le_bytes(take(from)?),
            step: u8::from_le_bytes(take(from)?),
            event: (u32::from_le_bytes(take(from)?), u64::from_le_bytes(take(from)?)),
            path: take(from)?,
            value: u128::from_le_bytes(take(from)?),
            owner: u32::from_le_bytes(take(from)?),
            digits: u8::from_le_bytes(take(from)?),
            payload: u64::from_le_bytes(take(from)?),
        })
    }
}

impl Row for Part {
    const SIZE: usize = 4 + 4 + 8 + 12 + MAX_CHAIN + 16 + 1 + 8;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.correlation.to_le_bytes());
        out.extend(self.owner.to_le_bytes());
        out.extend(self.time.to_le_bytes());
        out.extend(self.event.0.to_le_bytes());
        out.extend(self.event.1.to_le_bytes());
        out.extend(self.path);
        out.extend(self.value.to_le_bytes());
        out.push(self.digits);
        out.extend(self.payload.to_le_bytes());
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        Some(Self {
            correlation: u32::from_le_bytes(take(from)?),
            owner: u32::from_le_bytes(take(from)?),
            time: i64::from_le_bytes(take(from)?),
            event: (u32::from_le_bytes(take(from)?), u64::from_le_bytes(take(from)?)),
            path: take(from)?,
            value: i128::from_le_bytes(take(from)?),
            digits: u8::from_le_bytes(take(from)?),
            payload: u64::from_le_bytes(take(from)?),
        })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (part, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*part)
}
