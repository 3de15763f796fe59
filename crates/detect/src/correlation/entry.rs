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

/// Writes and reads the fields of a row one after the other.
macro_rules! row {
    ($row:ty, $size:expr; $($field:ident),*) => {
        impl Row for $row {
            const SIZE: usize = $size;

            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn read(mut bytes: &[u8]) -> Option<Self> {
                Some(Self { $($field: Bytes::take(&mut bytes)?),* })
            }
        }
    };
}

row!(Entry, 4 + 16 + 8 + 1 + 12 + MAX_CHAIN + 16 + 4 + 1 + 8;
    correlation, group, time, step, event, path, value, owner, digits, payload);
row!(Part, 4 + 4 + 8 + 12 + MAX_CHAIN + 16 + 1 + 8;
    correlation, owner, time, event, path, value, digits, payload);

/// A field of a row, in little-endian bytes.
trait Bytes: Sized {
    fn put(&self, out: &mut Vec<u8>);

    fn take(from: &mut &[u8]) -> Option<Self>;
}

macro_rules! bytes {
    ($($number:ty),*) => {
        $(impl Bytes for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                <[u8; size_of::<Self>()]>::take(from).map(Self::from_le_bytes)
            }
        })*
    };
}

bytes!(u8, u32, u64, i64, u128, i128);

impl<const N: usize> Bytes for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (part, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*part)
    }
}

impl<A: Bytes, B: Bytes> Bytes for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}
