//! What the events of a window amount to, kept up as events come in at one end and fall out at the other.

use std::io;

use super::entry::Entry;
use super::group::Group;
use super::{Kind, MICRO};

/// The events of one window, as much of them as the kind needs.
pub(super) enum Measure {
    Events(u64),
    Sum { sum: i128, count: i128 },
    Average { sum: i128, count: i128 },
    Distinct(Counts),
    Percentile { rank: i128, values: Ranked },
    Rules(Vec<u64>),
}

impl Measure {
    /// Of no event yet; some kinds look through the whole group first.
    pub(super) fn new(kind: &Kind, members: usize, group: &Group) -> io::Result<Self> {
        Ok(match kind {
            Kind::Events => Self::Events(0),
            Kind::Sum => Self::Sum { sum: 0, count: 0 },
            Kind::Average => Self::Average { sum: 0, count: 0 },
            Kind::Distinct | Kind::Share => Self::Distinct(Counts::of(group)?),
            Kind::Percentile(rank) => Self::Percentile { rank: *rank, values: Ranked::of(group)? },
            Kind::Rules(_) | Kind::Ordered => Self::Rules(vec![0; members]),
        })
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        match self {
            Self::Events(count) => *count += 1,
            Self::Sum { sum, count } | Self::Average { sum, count } => {
                *sum = sum.saturating_add(entry.number());
                *count += 1;
            }
            Self::Distinct(counts) => counts.add(entry),
            Self::Percentile { values, .. } => values.add(entry),
            Self::Rules(counts) => {
                if let Some(count) = counts.get_mut(entry.member()) {
                    *count += 1;
                }
            }
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        match self {
            Self::Events(count) => *count -= 1,
            Self::Sum { sum, count } | Self::Average { sum, count } => {
                *sum = sum.saturating_sub(entry.number());
                *count -= 1;
            }
            Self::Distinct(counts) => counts.remove(entry),
            Self::Percentile { values, .. } => values.remove(entry),
            Self::Rules(counts) => {
                if let Some(count) = counts.get_mut(entry.member()) {
                    *count -= 1;
                }
            }
        }
    }

    /// In millionths; nothing has no average and no percentile.
    pub(super) fn value(&self) -> Option<i128> {
        match self {
            Self::Events(count) => Some(i128::from(*count) * MICRO),
            Self::Sum { sum, .. } => Some(*sum),
            Self::Average { sum, count } => (*count > 0).then(|| sum / count),
            Self::Distinct(counts) => Some(i128::from(counts.distinct) * MICRO),
            Self::Percentile { rank, values } => values.at(*rank),
            Self::Rules(counts) => {
                let present = counts.iter().filter(|count| **count > 0).count();
                Some(i128::try_from(present).unwrap_or(i128::MAX) * MICRO)
            }
        }
    }

    /// Whether an event of this member of the correlation is in the window.
    pub(super) fn has(&self, member: usize) -> bool {
        matches!(self, Self::Rules(counts) if counts.get(member).is_some_and(|count| *count > 0))
    }

    /// Which part of the window's events has the value of this one, in millionths of a percent.
    pub(super) fn share(&self, entry: &Entry) -> Option<i128> {
        let Self::Distinct(counts) = self else { return None };
        let like = i128::from(*counts.times.get(counts.place(entry)?)?);
        (counts.all > 0).then(|| like * 100 * MICRO / i128::from(counts.all))
    }
}

/// How often each value of a group is in the window.
pub(super) struct Counts {
    /// 64 bits of each value's hash, in order.
    keys: Vec<u64>,
    times: Vec<u32>,
    distinct: u64,
    all: u64,
}

impl Counts {
    fn of(group: &Group) -> io::Result<Self> {
        let mut keys = Vec::new();
        let mut cursor = group.cursor();
        while let Some(entry) = cursor.peek()? {
            if keys.last() != Some(&key(&entry)) {
                keys.push(key(&entry));
            }
            cursor.advance();
        }
        keys.sort_unstable();
        keys.dedup();
        let times = vec![0; keys.len()];
        Ok(Self { keys, times, distinct: 0, all: 0 })
    }

    fn place(&self, entry: &Entry) -> Option<usize> {
        self.keys.binary_search(&key(entry)).ok()
    }

    fn add(&mut self, entry: &Entry) {
        let place = self.place(entry);
        if let Some(count) = place.and_then(|place| self.times.get_mut(place)) {
            self.distinct += u64::from(*count == 0);
            *count += 1;
            self.all += 1;
        }
    }

    fn remove(&mut self, entry: &Entry) {
        let place = self.place(entry);
        if let Some(count) = place.and_then(|place| self.times.get_mut(place)) {
            *count -= 1;
            self.distinct -= u64::from(*count == 0);
            self.all -= 1;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
fn key(entry: &Entry) -> u64 {
    entry.value as u64
}

/// The numbers of a group in order, and how many of each are in the window: a Fenwick tree.
pub(super) struct Ranked {
    numbers: Vec<f64>,
    tree: Vec<u32>,
    count: usize,
}

impl Ranked {
    fn of(group: &Group) -> io::Result<Self> {
        let mut numbers = Vec::new();
        let mut cursor = group.cursor();
        while let Some(entry) = cursor.peek()? {
            numbers.push(float(&entry));
            cursor.advance();
        }
        numbers.sort_unstable_by(f64::total_cmp);
        numbers.dedup();
        let tree = vec![0; numbers.len() + 1];
        Ok(Self { numbers, tree, count: 0 })
    }

    fn add(&mut self, entry: &Entry) {
        self.count += 1;
        self.update(entry, |count| count + 1);
    }

    fn remove(&mut self, entry: &Entry) {
        self.count -= 1;
        self.update(entry, |count| count - 1);
    }

    fn update(&mut self, entry: &Entry, change: impl Fn(u32) -> u32) {
        let number = float(entry);
        let Ok(place) = self.numbers.binary_search_by(|n| n.total_cmp(&number)) else { return };
        let mut node = place + 1;
        while let Some(count) = self.tree.get_mut(node) {
            *count = change(*count);
            node += node & node.wrapping_neg();
        }
    }

    /// The nth smallest number in the window, from 0.
    fn nth(&self, nth: usize) -> Option<f64> {
        let mut left = nth;
        let mut node = 0;
        let mut step = self.tree.len().checked_ilog2().map_or(0, |bits| 1_usize << bits);
        while step > 0 {
            let next = node + step;
            if let Some(count) = self.tree.get(next)
                && *count as usize <= left
            {
                node = next;
                left -= *count as usize;
            }
            step /= 2;
        }
        self.numbers.get(node).copied()
    }

    /// The percentile of a rank, between two numbers by the straight line.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a percentile is a fraction; what is too large ends at the largest number"
    )]
    fn at(&self, rank: i128) -> Option<i128> {
        let last = i128::try_from(self.count.checked_sub(1)?).ok()?;
        let place = rank * last;
        let whole = 100 * MICRO;
        let lower = usize::try_from(place / whole).ok()?;
        let low = self.nth(lower)?;
        let high = self.nth(lower + 1).filter(|_| lower + 1 < self.count).unwrap_or(low);
        let fraction = (place % whole) as f64 / whole as f64;
        Some(((low + (high - low) * fraction) * MICRO as f64).round() as i128)
    }
}

#[expect(clippy::cast_precision_loss, reason = "see Ranked::at")]
fn float(entry: &Entry) -> f64 {
    entry.number() as f64 / MICRO as f64
}
