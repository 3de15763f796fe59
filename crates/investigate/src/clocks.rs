//! Wrong clocks, found by records that come in pairs: a record's own second time, or one process start that
//! two logs tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assess::{ClockFinding, Record};
use evidence::Inventory;
use model::{ItemId, Time, TimeBasis};

use crate::gather::{HostGather, OffsetVotes, Starts};

/// Pairs that must agree before an offset is believed.
const MIN_PAIRS: usize = 2;
/// Pairs whose difference rounds to the same minute agree.
const MINUTE: i64 = 60;

/// What is known of the clock of one source.
#[derive(Clone, Debug)]
pub(crate) enum Correction {
    /// Each record was moved by its own second time while reading; only to be reported.
    Own(Vec<Span>),
    /// Pairs with another source prove this offset.
    Paired { seconds: i64, from: Time, to: Time, basis: Vec<Record> },
    /// A neighbour in the same kind of file is off, and nothing shows whether this source is too.
    Unproven { precision_s: i64 },
}

/// A span of one source over which its stated times were off by as much.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    seconds: i64,
    from: Time,
    to: Time,
    basis: Record,
}

impl Correction {
    /// Seconds to add to the times of the source's course.
    pub(crate) fn offset(&self) -> Option<i64> {
        match self {
            Self::Paired { seconds, .. } => Some(*seconds),
            _ => None,
        }
    }

    /// Corrects one record.
    pub(crate) fn apply(&self, record: &mut Record) {
        match self {
            Self::Own(_) => {}
            Self::Paired { seconds, .. } => {
                record.time = record.time.and_then(|t| t.plus_seconds(*seconds));
                record.time_basis = TimeBasis::Corrected;
            }
            Self::Unproven { precision_s } => {
                record.time_basis = TimeBasis::Assumed;
                record.precision_s = Some(*precision_s);
            }
        }
    }

    /// What the case reports of it.
    pub(crate) fn findings(&self, source: &str) -> Vec<ClockFinding> {
        let finding = |offset_s, from, to, basis| ClockFinding {
            logsource: source.to_owned(),
            offset_s,
            from,
            to,
            basis,
        };
        match self {
            Self::Own(spans) => spans
                .iter()
                .map(|s| finding(Some(s.seconds), Some(s.from), Some(s.to), vec![s.basis.clone()]))
                .collect(),
            Self::Paired { seconds, from, to, basis } => {
                vec![finding(Some(*seconds), Some(*from), Some(*to), basis.clone())]
            }
            Self::Unproven { .. } => vec![finding(None, None, None, Vec::new())],
        }
    }
}

/// The corrections of one host's sources, by primary source.
pub(crate) fn corrections<'s>(
    inventory: &Inventory,
    shares: impl Iterator<Item = (ItemId, &'s HostGather)>,
) -> BTreeMap<Arc<str>, Correction> {
    let kinds: BTreeMap<ItemId, &str> =
        inventory.items.iter().map(|i| (i.head.id, i.head.kind)).collect();
    let mut votes: BTreeMap<&Arc<str>, BTreeMap<i64, Vec<&OffsetVotes>>> = BTreeMap::new();
    let mut starts: BTreeMap<&Arc<str>, Vec<&Starts>> = BTreeMap::new();
    let mut sources_of_kind: BTreeMap<&str, BTreeSet<&Arc<str>>> = BTreeMap::new();
    let mut kinds_off: BTreeSet<&str> = BTreeSet::new();
    for (item, host) in shares {
        let kind = kinds.get(&item).copied().unwrap_or_default();
        if !host.offsets.is_empty() {
            kinds_off.insert(kind);
        }
        for ((source, minutes), vote) in host.offsets.iter() {
            votes.entry(source).or_default().entry(*minutes).or_default().push(vote);
        }
        for (source, sample) in host.starts.iter() {
            starts.entry(source).or_default().push(sample);
        }
        let sources = sources_of_kind.entry(kind).or_default();
        sources.extend(host.sources.iter().map(|(key, _)| &key.primary));
    }
    let mut corrections: BTreeMap<Arc<str>, Correction> = BTreeMap::new();
    for (source, by_minute) in &votes {
        corrections.insert((*source).clone(), Correction::Own(spans(by_minute)));
    }
    if corrections.is_empty() {
        return corrections;
    }
    let worst = corrections.values().map(largest).max().unwrap_or_default();
    let true_starts: Vec<&Starts> = starts
        .iter()
        .filter(|(s, _)| votes.contains_key(*s))
        .flat_map(|(_, s)| s)
        .copied()
        .collect();
    let neighbours = kinds_off.iter().filter_map(|kind| sources_of_kind.get(kind)).flatten();
    for source in neighbours {
        if corrections.contains_key(*source) {
            continue;
        }
        let own = starts.get(*source).map(Vec::as_slice).unwrap_or_default();
        match paired(own, &true_starts) {
            Pairing::Agrees => {}
            Pairing::Off(correction) => {
                corrections.insert((*source).clone(), correction);
            }
            Pairing::None => {
                let correction = Correction::Unproven { precision_s: worst };
                corrections.insert((*source).clone(), correction);
            }
        }
    }
    corrections
}

fn largest(correction: &Correction) -> i64 {
    match correction {
        Correction::Own(spans) => spans.iter().map(|s| s.seconds.abs()).max().unwrap_or_default(),
        _ => 0,
    }
}

fn spans(by_minute: &BTreeMap<i64, Vec<&OffsetVotes>>) -> Vec<Span> {
    by_minute
        .iter()
        .filter_map(|(minutes, votes)| {
            let first =
                votes.iter().min_by(|a, b| (a.from, &a.example).cmp(&(b.from, &b.example)))?;
            Some(Span {
                seconds: minutes * MINUTE,
                from: first.from,
                to: votes.iter().map(|v| v.to).max()?,
                basis: first.example.clone(),
            })
        })
        .collect()
}

enum Pairing {
    None,
    Agrees,
    Off(Correction),
}

/// The offset between the starts that a source states and the same starts by a source whose times are right.
fn paired(own: &[&Starts], right: &[&Starts]) -> Pairing {
    let mut by_minute: BTreeMap<i64, Vec<(Time, &Record, &Record)>> = BTreeMap::new();
    for (key, times) in own.iter().flat_map(|s| s.by_key.iter()) {
        let others = right.iter().filter_map(|s| s.by_key.get(key)).flatten();
        for (right_time, right_record) in others {
            for (own_time, own_record) in times {
                let seconds = right_time.unix_seconds() - own_time.unix_seconds();
                let minute = (seconds + MINUTE / 2).div_euclid(MINUTE);
                by_minute.entry(minute).or_default().push((*own_time, own_record, right_record));
            }
        }
    }
    let Some((minute, pairs)) =
        by_minute.into_iter().max_by_key(|(minute, pairs)| (pairs.len(), -minute.abs()))
    else {
        return Pairing::None;
    };
    if pairs.len() < MIN_PAIRS {
        return Pairing::None;
    }
    if minute == 0 {
        return Pairing::Agrees;
    }
    let (Some(from), Some(to)) = (pairs.iter().map(|p| p.0).min(), pairs.iter().map(|p| p.0).max())
    else {
        return Pairing::None;
    };
    let basis = pairs.iter().min().map(|(_, a, b)| vec![(*a).clone(), (*b).clone()]);
    let basis = basis.unwrap_or_default();
    Pairing::Off(Correction::Paired { seconds: minute * MINUTE, from, to, basis })
}
