//! What becomes of evidence: sources that are missing, logs that rolled over, wiped lines, cut and broken files.

use crate::random::Random;
use crate::record::Record;
use crate::scenario::{Damage, Scenario};
use crate::source::Source;
use crate::truth::{ActTruth, DamageTruth};

/// Word of a damage, as in the scenario file.
fn word(damage: &Damage) -> &'static str {
    match damage {
        Damage::DropSource { .. } => "drop_source",
        Damage::CutBefore { .. } => "cut_before",
        Damage::CutAfter { .. } => "cut_after",
        Damage::DropLines { .. } => "drop_lines",
        Damage::DropHours { .. } => "drop_hours",
        Damage::TruncateFile { .. } => "truncate_file",
        Damage::Corrupt { .. } => "corrupt",
        Damage::ClockShift { .. } => "clock_shift",
    }
}

/// Does all damage that concerns whole records, and notes what it took.
pub(crate) fn to_records(
    scenario: &Scenario,
    records: &mut Vec<Record>,
    acts: &mut [ActTruth],
) -> Vec<DamageTruth> {
    let mut done = Vec::new();
    for damage in &scenario.damage {
        if let Damage::ClockShift { sources, by } = damage {
            for record in records.iter_mut().filter(|r| sources.contains(r.source)) {
                record.shift = record.shift.saturating_add(by.millis());
            }
        }
        let before = records.len();
        records.retain(|record| {
            let lost = takes(damage, record, acts);
            if lost && let Some(act) = record.act.and_then(|index| acts.get_mut(index)) {
                act.lose(record.source, word(damage));
            }
            !lost
        });
        let records_lost = before - records.len();
        done.push(DamageTruth { what: damage.clone(), records_lost, files_changed: 0 });
    }
    done
}

/// Whether a damage takes a record away.
fn takes(damage: &Damage, record: &Record, acts: &[ActTruth]) -> bool {
    let at = record.at;
    match damage {
        Damage::DropSource { sources } => sources.contains(record.source),
        Damage::CutBefore { sources, time } => sources.contains(record.source) && at < *time,
        Damage::CutAfter { sources, time } => sources.contains(record.source) && at >= *time,
        Damage::DropHours { sources, from, to } => {
            sources.contains(record.source) && *from <= at && at <= *to
        }
        Damage::DropLines { sources, operations } => {
            let act = record.act.and_then(|index| acts.get(index));
            let meant =
                act.is_some_and(|a| operations.is_empty() || operations.contains(&a.operation));
            meant && sources.contains(record.source)
        }
        Damage::TruncateFile { .. } | Damage::Corrupt { .. } | Damage::ClockShift { .. } => false,
    }
}

/// The damage that keeps a file which an act placed out of the web folders, if any.
pub(crate) fn withholds(scenario: &Scenario, act: &ActTruth) -> Option<&'static str> {
    let takes = |damage: &&Damage| match damage {
        Damage::DropSource { sources } => sources.contains(Source::WebRoot),
        Damage::DropLines { sources, operations } => {
            let meant = operations.is_empty() || operations.contains(&act.operation);
            meant && sources.contains(Source::WebRoot)
        }
        _ => false,
    };
    scenario.damage.iter().find(takes).map(word)
}

/// A change of a file's bytes: what is gone from where, and the single bytes overwritten.
#[derive(Debug, Default)]
pub(crate) struct Wounds {
    /// Word of each damage and what it hit.
    pub(crate) hits: Vec<(&'static str, Wound)>,
    /// Positions, in the scenario's list of damage, of those that changed this file.
    pub(crate) by: Vec<usize>,
}

/// Bytes that a damage hit.
#[derive(Debug)]
pub(crate) enum Wound {
    /// All from here on are gone.
    Cut(usize),
    /// These are overwritten, in ascending order.
    Bytes(Vec<usize>),
}

impl Wounds {
    /// The damage that hit a stretch of the file, if any.
    pub(crate) fn cause(&self, offset: usize, length: usize) -> Option<&'static str> {
        let end = offset + length;
        let hit = |wound: &Wound| match wound {
            Wound::Cut(at) => end > *at,
            Wound::Bytes(places) => {
                let first = places.partition_point(|p| *p < offset);
                places.get(first).is_some_and(|p| *p < end)
            }
        };
        self.hits.iter().find(|(_, wound)| hit(wound)).map(|(word, _)| *word)
    }
}

/// Does all damage that concerns the bytes of a file.
pub(crate) fn to_bytes(scenario: &Scenario, path: &str, bytes: &mut Vec<u8>) -> Wounds {
    let mut wounds = Wounds::default();
    for (index, damage) in scenario.damage.iter().enumerate() {
        let wound = match damage {
            Damage::TruncateFile { file, keep_percent } if path.contains(file.as_str()) => {
                let keep = bytes.len() * usize::from(*keep_percent) / 100;
                bytes.truncate(keep);
                Wound::Cut(keep)
            }
            Damage::Corrupt { file, bytes: count } if path.contains(file.as_str()) => {
                let mut random = Random::stream(scenario.seed, &format!("corrupt/{index}/{path}"));
                Wound::Bytes(overwrite(bytes, *count, &mut random))
            }
            _ => continue,
        };
        wounds.hits.push((word(damage), wound));
        wounds.by.push(index);
    }
    wounds
}

/// Overwrites single bytes. Line ends stay and none are made, so that line numbers keep their meaning.
fn overwrite(bytes: &mut [u8], count: u32, random: &mut Random) -> Vec<usize> {
    let mut places = Vec::new();
    for _ in 0..count {
        let place = usize::try_from(random.next() % (bytes.len().max(1) as u64)).unwrap_or(0);
        let with = u8::try_from(random.between(128, 255)).unwrap_or(0xff);
        if let Some(byte) = bytes.get_mut(place)
            && !matches!(*byte, b'\n' | b'\r')
        {
            *byte = with;
            places.push(place);
        }
    }
    places.sort_unstable();
    places
}
