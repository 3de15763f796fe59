//! The parts of what is gathered: the course of a source, the hits of a rule, statements, starts, offsets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assess::Record;
use model::case::MatchedField;
use model::{Event, Integrity, Locator, Time, TimeBasis};
use sha2::{Digest as _, Sha256};

use super::bounded::Bounded;
use super::{Corrected, cut};
use crate::content::hex;

/// Process starts sampled of one source: enough to find an offset, few enough to hold.
const START_SAMPLE: usize = 2_048;
/// Starts remembered for one process id and name.
const STARTS_PER_KEY: usize = 8;
/// Hours from 1980 to 2200 are plausible; others belong to no source's course.
const PLAUSIBLE_HOURS: std::ops::Range<i64> = 87_600..2_016_000;

/// The course of one source.
#[derive(Clone, Default)]
pub(crate) struct SourceGather {
    pub(crate) hours: BTreeMap<i64, u64>,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    pub(crate) records: u64,
    /// The hour being counted, not yet in `hours`.
    current: Option<(i64, u64)>,
}

/// What one rule found.
#[derive(Default)]
pub(crate) struct HitGather {
    pub(crate) count: u64,
    pub(crate) records: BTreeSet<Record>,
    pub(crate) first_matched: Option<(Record, Vec<MatchedField>)>,
    pub(crate) last: Option<Time>,
}

/// What records state, with the first and the last of them.
pub(crate) struct StatementGather {
    pub(crate) count: u64,
    pub(crate) first: Pending,
    pub(crate) last: Pending,
}

/// A record whose bytes are hashed when its block is done: a statement's last record changes with each row.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    time: Option<Time>,
    raw_time: String,
    time_basis: Option<TimeBasis>,
    locator: Locator,
    item: usize,
    host: String,
    whole: bool,
    raw: Vec<u8>,
    sha256: String,
}

/// Times at which one process id and name started, with the records.
pub(crate) type StartTimes = BTreeSet<(Time, Record)>;

/// Starts of processes, a sample by the hash of process id and name: every source keeps the same ones.
#[derive(Default)]
pub(crate) struct Starts {
    pub(crate) by_key: Bounded<Arc<str>, StartTimes, START_SAMPLE>,
}

/// How often a source's stated time was off by the same number of minutes.
pub(crate) struct OffsetVotes {
    pub(crate) count: u64,
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) seconds: i64,
    pub(crate) example: Record,
}

/// The offset behind a difference of two times of one record, in minutes. Records arrive a little late, and
/// wrong zones are off by quarters of an hour, so what is close to one is taken for one.
pub(crate) fn offset_minutes(seconds: i64) -> i64 {
    const QUARTER: i64 = 15;
    const LATE: i64 = 2;
    let minutes = (seconds + 30).div_euclid(60);
    let quarters = (minutes + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    if (minutes - quarters).abs() <= LATE { quarters } else { minutes }
}

impl SourceGather {
    pub(crate) fn count(&mut self, time: Option<Time>) {
        self.records += 1;
        let Some(time) = time else { return };
        let hour = time.unix_hours();
        if !PLAUSIBLE_HOURS.contains(&hour) {
            return;
        }
        if self.first.is_none_or(|t| time < t) {
            self.first = Some(time);
        }
        if self.last.is_none_or(|t| time > t) {
            self.last = Some(time);
        }
        match &mut self.current {
            Some((current, count)) if *current == hour => *count += 1,
            _ => {
                self.flush();
                self.current = Some((hour, 1));
            }
        }
    }

    pub(crate) fn flush(&mut self) {
        if let Some((hour, count)) = self.current.take() {
            *self.hours.entry(hour).or_default() += count;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (hour, count) in other.hours {
            *self.hours.entry(hour).or_default() += count;
        }
        self.records += other.records;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }

    /// The same course moved by whole seconds.
    pub(crate) fn moved(&self, seconds: i64) -> Self {
        let shift = |t: Option<Time>| t.and_then(|t| t.plus_seconds(seconds));
        let hours = seconds.div_euclid(3_600);
        let mut moved = Self {
            first: shift(self.first),
            last: shift(self.last),
            records: self.records,
            ..Self::default()
        };
        // An offset that is no whole hour moves part of an hour's records into the next; which part is not
        // known, so only the hour that holds the most of them counts.
        let hours = hours + i64::from(seconds.rem_euclid(3_600) >= 1_800);
        moved.hours = self.hours.iter().map(|(h, n)| (h + hours, *n)).collect();
        for time in [moved.first, moved.last].into_iter().flatten() {
            moved.hours.entry(time.unix_hours()).or_insert(1);
        }
        moved
    }
}

impl HitGather {
    pub(crate) fn add(
        &mut self,
        time: Option<Time>,
        limit: usize,
        matched: &[MatchedField],
        record: impl FnOnce() -> Record,
    ) {
        self.count += 1;
        self.last = self.last.max(time);
        let full = self.records.len() >= limit;
        if full && self.records.last().is_some_and(|last| last.time < time) {
            return;
        }
        let record = record();
        if self.first_matched.as_ref().is_none_or(|(first, _)| record < *first) {
            self.first_matched = Some((record.clone(), matched.to_vec()));
        }
        self.records.insert(record);
        while self.records.len() > limit {
            self.records.pop_last();
        }
    }

    pub(crate) fn merge(&mut self, other: Self, limit: usize) {
        self.count += other.count;
        self.last = self.last.max(other.last);
        let earlier = |mine: &Option<(Record, _)>, theirs: &(Record, _)| {
            mine.as_ref().is_none_or(|(first, _)| theirs.0 < *first)
        };
        if let Some(theirs) = other.first_matched
            && earlier(&self.first_matched, &theirs)
        {
            self.first_matched = Some(theirs);
        }
        self.records.extend(other.records);
        while self.records.len() > limit {
            self.records.pop_last();
        }
    }
}

impl StatementGather {
    pub(crate) fn add(&mut self, event: &Event<'_>, clock: &Corrected) {
        self.count += 1;
        if clock.time < self.first.time {
            self.first.set(event, clock);
        }
        if clock.time >= self.last.time {
            self.last.set(event, clock);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if other.first.order() < self.first.order() {
            self.first = other.first;
        }
        if other.last.order() > self.last.order() {
            self.last = other.last;
        }
    }
}

impl Pending {
    pub(crate) fn of(event: &Event<'_>, clock: &Corrected) -> Self {
        let mut pending = Self::default();
        pending.set(event, clock);
        pending
    }

    fn set(&mut self, event: &Event<'_>, clock: &Corrected) {
        self.time = clock.time;
        self.time_basis = Some(clock.basis);
        self.raw_time.clear();
        self.raw_time.push_str(&event.raw_time);
        self.locator = event.locator;
        self.item = event.item.0 as usize;
        self.host.clear();
        self.host.push_str(event.host.as_deref().unwrap_or_default());
        self.whole = event.integrity == Integrity::Whole;
        self.raw.clear();
        self.raw.extend_from_slice(event.raw);
    }

    pub(crate) fn hash(&mut self) {
        if self.sha256.is_empty() || !self.raw.is_empty() {
            self.sha256 = hex(&Sha256::digest(&self.raw));
            self.raw = Vec::new();
        }
    }

    fn order(&self) -> (Option<Time>, Locator) {
        (self.time, self.locator)
    }

    /// The record, with a line that says what it states.
    pub(crate) fn record(&self, logsource: &str, statement: String) -> Record {
        Record {
            time: self.time,
            logsource: logsource.to_owned(),
            item: self.item,
            locator: self.locator,
            raw_time: cut(&self.raw_time),
            time_basis: self.time_basis.unwrap_or(TimeBasis::Assumed),
            precision_s: None,
            host: (!self.host.is_empty()).then(|| cut(&self.host)),
            sha256: self.sha256.clone(),
            summary: statement,
            fields: Vec::new(),
            addresses: Vec::new(),
            whole: self.whole,
        }
    }
}

impl Starts {
    pub(crate) fn add(&mut self, key: &Arc<str>, time: Time, record: impl FnOnce() -> Record) {
        if let Some(times) = self.by_key.entry(key, StartTimes::default) {
            times.insert((time, record()));
            bound(times);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.by_key.merge(other.by_key, |mine, theirs| {
            mine.extend(theirs);
            bound(mine);
        });
    }
}

fn bound(times: &mut StartTimes) {
    while times.len() > STARTS_PER_KEY {
        times.pop_last();
    }
}

impl OffsetVotes {
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if (other.from, &other.example) < (self.from, &self.example) {
            (self.from, self.seconds, self.example) = (other.from, other.seconds, other.example);
        }
        self.to = self.to.max(other.to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_records_do_not_make_offsets_of_their_own() {
        for (seconds, minutes) in
            [(18_000, 300), (17_995, 300), (18_075, 300), (-3_600, -60), (90, 0), (1_260, 21)]
        {
            assert_eq!(offset_minutes(seconds), minutes, "{seconds} s");
        }
    }

    #[test]
    fn a_course_moves_by_whole_hours_and_keeps_its_ends() {
        let mut source = SourceGather::default();
        for minute in [0, 59, 60, 200] {
            source.count(Time::from_unix_seconds(1_614_556_800 + minute * 60));
        }
        source.flush();
        let moved = source.moved(5 * 3_600);
        let hours: Vec<i64> = moved.hours.keys().map(|h| h - 448_504).collect();
        assert_eq!(moved.records, 4);
        assert_eq!(hours, source.hours.keys().map(|h| h + 5 - 448_504).collect::<Vec<_>>());
        assert_eq!(moved.first, source.first.unwrap().plus_seconds(18_000));
    }
}
