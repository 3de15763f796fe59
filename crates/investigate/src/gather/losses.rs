//! What of a file was lost, in bounded memory: exact spans while they are few, spans of whole hours where they
//! are many, the whole file where even those are.

use std::collections::BTreeMap;

use model::{Loss, Time};

const EXACT: usize = 1_000;
const HOURLY: usize = 5_000;
const HOUR: i64 = 3_600;

/// A span in which something was lost; open ends as in [`Loss`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) code: &'static str,
    pub(crate) after: Option<Time>,
    pub(crate) before: Option<Time>,
    pub(crate) at_end: bool,
}

/// The losses of one file, with the number of records known to be lost in each span (at least one).
#[derive(Clone, Default)]
pub(crate) struct Losses {
    spans: BTreeMap<Span, u64>,
    /// How coarse the spans have become; never finer again, so the order of merging does not show.
    grain: Grain,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Grain {
    #[default]
    Exact,
    Hours,
    WholeFile,
}

impl Losses {
    pub(crate) fn add(&mut self, loss: &Loss) {
        let span =
            Span { code: loss.code, after: loss.after, before: loss.before, at_end: loss.at_end };
        *self.spans.entry(self.grain.of(span)).or_default() += loss.records.max(1);
        self.coarsen();
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if other.grain > self.grain {
            self.regrain(other.grain);
        }
        for (span, records) in other.spans {
            *self.spans.entry(self.grain.of(span)).or_default() += records;
        }
        self.coarsen();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Span, u64)> {
        self.spans.iter().map(|(span, records)| (span, *records))
    }

    fn coarsen(&mut self) {
        if self.grain == Grain::Exact && self.spans.len() > EXACT {
            self.regrain(Grain::Hours);
        }
        if self.grain == Grain::Hours && self.spans.len() > HOURLY {
            self.regrain(Grain::WholeFile);
        }
    }

    fn regrain(&mut self, grain: Grain) {
        self.grain = grain;
        for (span, records) in std::mem::take(&mut self.spans) {
            *self.spans.entry(grain.of(span)).or_default() += records;
        }
    }
}

impl Grain {
    fn of(self, span: Span) -> Span {
        match self {
            Self::Exact => span,
            Self::Hours => Span {
                after: span.after.and_then(|t| hour(t, 0)),
                before: span.before.and_then(|t| hour(t, 1)),
                ..span
            },
            Self::WholeFile => Span { after: None, before: None, at_end: false, ..span },
        }
    }
}

fn hour(time: Time, later: i64) -> Option<Time> {
    Time::from_unix_seconds((time.unix_hours() + later) * HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(second: i64) -> Loss {
        let time = Time::from_unix_seconds(1_614_556_800 + second);
        Loss { code: "x", records: 1, after: time, before: time, at_end: false }
    }

    fn lost(seconds: impl Iterator<Item = i64>) -> Losses {
        let mut losses = Losses::default();
        for second in seconds {
            losses.add(&loss(second));
        }
        losses
    }

    fn spans(losses: &Losses) -> Vec<(Span, u64)> {
        losses.iter().map(|(span, records)| (span.clone(), records)).collect()
    }

    #[test]
    fn a_few_losses_stay_exact() {
        let losses = lost([5, 9, 5].into_iter());
        let seen: Vec<_> =
            losses.iter().map(|(s, n)| (s.after.unwrap().unix_seconds(), n)).collect();
        assert_eq!(seen, [(1_614_556_805, 2), (1_614_556_809, 1)]);
    }

    #[test]
    fn many_losses_take_little_memory_and_none_is_forgotten() {
        for many in [3_000_usize, 40_000] {
            let seconds = || (0..).step_by(1_801).take(many);
            let whole = lost(seconds());
            assert!(whole.spans.len() <= HOURLY);
            assert_eq!(whole.iter().map(|(_, n)| n).sum::<u64>(), many as u64);
            let mut joined = lost(seconds().skip(many / 3));
            joined.merge(lost(seconds().take(many / 3)));
            assert!(spans(&whole) == spans(&joined), "{many}");
        }
    }
}
