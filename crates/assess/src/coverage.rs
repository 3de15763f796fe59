//! What was read of what would show an attack: gaps, exclusion of steps, the ledger and what to ask for.

use std::collections::{BTreeMap, BTreeSet};

use model::Time;
use model::case::{Adequacy, Coverage, CoverageState, Gap, Level, NextEvidence};

use crate::exposure::ChainWindow;
use crate::incident::{Outcome, StepResult};
use crate::input::{HostEvidence, Source};
use crate::knowledge::{Pack, SourceFacts};
use crate::words::grouped;

const HOUR: i64 = 3_600;

/// What is known of every source, from all packs that judge the host; the product's own words win.
pub(crate) fn facts_by_id<'k>(packs: &[&'k Pack]) -> BTreeMap<&'k str, &'k SourceFacts> {
    let mut facts = BTreeMap::new();
    let (generic, product): (Vec<&Pack>, Vec<&Pack>) =
        packs.iter().partition(|p| p.head.product.is_none());
    for pack in generic.into_iter().chain(product) {
        facts.extend(pack.sources.iter().map(|s| (s.id.as_str(), s)));
    }
    facts
}

/// Steps, windows and sources of one host, with what excludes what.
pub(crate) struct Excluder<'a> {
    evidence: &'a HostEvidence,
    facts: &'a BTreeMap<&'a str, &'a SourceFacts>,
    as_of: Option<Time>,
    /// Sources that speak of some step of an attack.
    speaking: BTreeSet<&'a str>,
    /// `(chain.step, index of the set)` of sets that are silent where another shows the step.
    contradicted: BTreeSet<(String, usize)>,
}

impl<'a> Excluder<'a> {
    pub(crate) fn new(
        evidence: &'a HostEvidence,
        facts: &'a BTreeMap<&'a str, &'a SourceFacts>,
        as_of: Option<Time>,
        steps: &[StepResult<'a>],
    ) -> Self {
        let attack = steps.iter().filter(|s| s.level() >= Level::Attempted);
        let speaking = attack.flat_map(|s| s.speaking.iter().copied()).collect();
        let contradicted = BTreeSet::new();
        let mut excluder = Self { evidence, facts, as_of, speaking, contradicted };
        for step in steps.iter().filter(|s| s.outcome == Some(Outcome::Proven)) {
            let silent = excluder.silent_sets(step);
            excluder.contradicted.extend(silent.into_iter().map(|set| (step.name(), set)));
        }
        excluder
    }

    /// Sets of sources that were read over the moments at which another set shows the step, and show nothing.
    fn silent_sets(&self, step: &StepResult<'_>) -> Vec<usize> {
        // A log that tells of the shell need not tell of the commands run through it: silent is what tells of
        // no step at all.
        let speaks = |set: &[String]| set.iter().any(|s| self.speaks(s));
        let sets = &step.step.shown_by;
        let covers = |set: &[String]| {
            set.iter().all(|id| step.records().filter_map(|r| r.time).any(|t| self.has_hour(id, t)))
        };
        (0..sets.len()).filter(|i| !speaks(&sets[*i]) && covers(&sets[*i])).collect()
    }

    /// What a source is called in sentences.
    pub(crate) fn title<'s>(&'s self, id: &'s str) -> &'s str {
        self.facts.get(id).map_or(id, |f| f.title.as_str())
    }

    /// Whether a source, or a source of which it is a facet, speaks of an attack.
    fn speaks(&self, id: &str) -> bool {
        let facet_of = self.facts.get(id).map(|f| f.facet_of.as_slice()).unwrap_or_default();
        self.speaking.contains(id) || facet_of.iter().any(|s| self.speaking.contains(s.as_str()))
    }

    fn has_hour(&self, id: &str, time: Time) -> bool {
        let Some(source) = self.evidence.sources.get(id) else { return false };
        self.is_snapshot(id) || source.hours.contains_key(&time.unix_hours())
    }

    fn is_snapshot(&self, id: &str) -> bool {
        self.facts.get(id).is_some_and(|f| f.snapshot)
    }

    /// Whether coverage rules the step out over the chain's window.
    pub(crate) fn excluded(&self, step: &StepResult<'_>, window: &ChainWindow<'_>) -> bool {
        step.outcome != Some(Outcome::Proven)
            && step.doubtful.is_empty()
            && step.step.shown_by.iter().enumerate().any(|(i, set)| {
                !self.contradicted.contains(&(step.name(), i))
                    && !set.is_empty()
                    && set.iter().all(|id| self.covers(id, window.earliest))
            })
    }

    /// Whether a source was read without gaps from `from` to the moment of the case.
    fn covers(&self, id: &str, from: Option<Time>) -> bool {
        let (Some(source), Some(facts)) = (self.evidence.sources.get(id), self.facts.get(id))
        else {
            return false;
        };
        if source.records == 0 || facts.selection {
            return false;
        }
        if facts.snapshot {
            return source.losses.is_empty();
        }
        match (from, self.as_of) {
            (Some(from), Some(to)) => {
                gaps(source, facts, from, to).is_empty() && covers_some_moment(source, from, to)
            }
            _ => false,
        }
    }

    /// Sets of sources that are silent where another shows the step.
    pub(crate) fn contradictions<'s, 'c>(
        &self,
        steps: &'s [StepResult<'c>],
    ) -> Vec<(&'s StepResult<'c>, Vec<&'c str>)> {
        let mut found = Vec::new();
        for step in steps {
            for (i, set) in step.step.shown_by.iter().enumerate() {
                if self.contradicted.contains(&(step.name(), i)) {
                    found.push((step, set.iter().map(String::as_str).collect()));
                }
            }
        }
        found
    }

    /// Steps of chains that count which are neither shown nor excluded.
    pub(crate) fn open_steps<'s, 'c>(
        &'s self,
        steps: &'s [StepResult<'c>],
        windows: &'s [ChainWindow<'c>],
    ) -> impl Iterator<Item = &'s StepResult<'c>> {
        open_steps(steps, windows, self).map(|(step, _)| step)
    }

    /// The ledger: every source that is there, and every one that the steps ask for.
    pub(crate) fn ledger(
        &self,
        steps: &[StepResult<'_>],
        windows: &[ChainWindow<'_>],
    ) -> Vec<Coverage> {
        let wanted = steps.iter().flat_map(|s| s.step.shown_by.iter().flatten());
        let mut ids: BTreeSet<&str> = wanted.map(String::as_str).collect();
        ids.extend(self.evidence.sources.keys().map(String::as_str));
        let from = windows.iter().filter(|w| w.counts()).filter_map(|w| w.earliest).min();
        ids.into_iter().map(|id| self.ledger_line(id, steps, from)).collect()
    }

    fn ledger_line(&self, id: &str, steps: &[StepResult<'_>], from: Option<Time>) -> Coverage {
        let helps = |s: &&StepResult<'_>| s.step.shown_by.iter().flatten().any(|x| x == id);
        let contradicted = |s: &&StepResult<'_>| {
            s.step.shown_by.iter().enumerate().any(|(i, set)| {
                set.iter().any(|x| x == id) && self.contradicted.contains(&(s.name(), i))
            })
        };
        let names = |keep: &dyn Fn(&&StepResult<'_>) -> bool| -> Vec<String> {
            steps.iter().filter(|s| keep(s)).map(StepResult::name).collect()
        };
        let empty = Source::default();
        let source = self.evidence.sources.get(id);
        let facts = self.facts.get(id);
        let read = source.unwrap_or(&empty);
        let state = match source {
            Some(s) if s.records > 0 => CoverageState::Present,
            Some(_) => CoverageState::Unreadable,
            None => CoverageState::Absent,
        };
        let gaps = match (from, self.as_of, facts) {
            (Some(from), Some(to), Some(facts)) if read.records > 0 && !facts.snapshot => {
                gaps(read, facts, from, to)
            }
            _ => Vec::new(),
        };
        Coverage {
            logsource: id.to_owned(),
            state,
            from: read.first,
            to: read.last,
            gaps,
            records: read.records,
            lost: read.lost,
            steps_it_would_show: names(&|s| helps(s)),
            contradicted_by: names(&|s| contradicted(s)),
            checks: read.checks,
        }
    }

    /// What to ask for: sources that are missing or have holes, the one first that would settle most.
    pub(crate) fn next_evidence(
        &self,
        steps: &[StepResult<'_>],
        windows: &[ChainWindow<'_>],
        shown: Level,
    ) -> Vec<NextEvidence> {
        let mut wishes: BTreeMap<&str, Wish<'_>> = BTreeMap::new();
        for (step, window) in open_steps(steps, windows, self) {
            for set in &step.step.shown_by {
                let missing: Vec<&String> =
                    set.iter().filter(|id| !self.covers(id, window.earliest)).collect();
                for id in &missing {
                    let wish = wishes.entry(id.as_str()).or_default();
                    wish.steps.insert((&step.chain.title, &step.step.title));
                    // Each step counts once: a source that settles it alone is worth most.
                    let worth = if missing.len() == 1 { 4 } else { 1 };
                    let worth = worth * if step.step.proven > shown { 2 } else { 1 };
                    wish.worth.insert(step.name(), worth);
                }
            }
        }
        let mut order: Vec<_> = wishes.into_iter().collect();
        order.sort_by_key(|(id, wish)| (std::cmp::Reverse(wish.worth.values().sum::<u32>()), *id));
        order.into_iter().map(|(id, wish)| self.wish_line(id, &wish, shown)).collect()
    }

    fn wish_line(&self, id: &str, wish: &Wish<'_>, shown: Level) -> NextEvidence {
        let facts = self.facts.get(id);
        let there = self.evidence.sources.contains_key(id);
        let could = if shown == Level::Compromised {
            "could show earlier or further steps"
        } else {
            "could show or exclude"
        };
        NextEvidence {
            logsource: id.to_owned(),
            path: facts.map_or_else(String::new, |f| f.path.clone()),
            how: match (facts, there) {
                (Some(f), false) => f.how.clone(),
                (Some(f), true) => format!("{} The copy handed in has holes.", f.how),
                (None, _) => String::new(),
            },
            could_change: format!("{could}: {}", grouped(wish.steps.iter().copied())),
        }
    }
}

#[derive(Default)]
struct Wish<'s> {
    steps: BTreeSet<(&'s str, &'s str)>,
    worth: BTreeMap<String, u32>,
}

/// Steps of chains that count which are neither shown nor excluded, with their windows.
fn open_steps<'s, 'a, 'w>(
    steps: &'s [StepResult<'a>],
    windows: &'w [ChainWindow<'a>],
    excluder: &'s Excluder<'_>,
) -> impl Iterator<Item = (&'s StepResult<'a>, &'w ChainWindow<'a>)> {
    steps.iter().filter_map(move |step| {
        let window = windows.iter().find(|w| w.chain.id == step.chain.id)?;
        let open = step.outcome != Some(Outcome::Proven) && !excluder.excluded(step, window);
        (window.counts() && open).then_some((step, window))
    })
}

/// The highest proven level of any step that is not excluded.
pub(crate) fn ceiling(
    steps: &[StepResult<'_>],
    windows: &[ChainWindow<'_>],
    excluder: &Excluder<'_>,
) -> Level {
    open_steps(steps, windows, excluder).map(|(s, _)| s.step.proven).max().unwrap_or(Level::None)
}

/// How much was read of what would show more than the headline says.
pub(crate) fn adequacy(
    steps: &[StepResult<'_>],
    windows: &[ChainWindow<'_>],
    excluder: &Excluder<'_>,
    shown: Level,
) -> Adequacy {
    let counting = |s: &&StepResult<'_>| {
        windows.iter().any(|w| w.chain.id == s.chain.id && w.counts())
            && s.step.proven > shown.min(Level::Attempted)
            && s.outcome != Some(Outcome::Proven)
    };
    let above = steps.iter().filter(counting).count();
    let open = open_steps(steps, windows, excluder)
        .filter(|(s, _)| s.step.proven > shown.min(Level::Attempted))
        .count();
    match open {
        0 => Adequacy::Adequate,
        n if n == above => Adequacy::Inadequate,
        _ => Adequacy::Partial,
    }
}

/// Holes of a source between two moments: silence at either end or between, and damage.
pub(crate) fn gaps(source: &Source, facts: &SourceFacts, from: Time, to: Time) -> Vec<Gap> {
    let mut gaps = silences(source, facts.max_quiet_hours, from, to);
    let within = |gap: &Gap| gap.from.is_none_or(|t| t <= to) && gap.to.is_none_or(|t| t >= from);
    let damage = source.losses.iter().map(|loss| Gap {
        from: loss.from,
        to: loss.to,
        cause: loss.cause.clone(),
    });
    gaps.extend(damage.filter(within));
    gaps.sort();
    gaps.dedup();
    gaps
}

fn silences(source: &Source, quiet: i64, from: Time, to: Time) -> Vec<Gap> {
    let mut gaps = Vec::new();
    // A hole that became known after the moment of the case asks for nothing.
    if from > to {
        return gaps;
    }
    // Only full clock hours between two moments count, so that a window opening at 10:58 asks nothing of 10.
    let mut last_hour = from.unix_hours();
    let mut last_time = from;
    let mut cause = "before_first_record";
    let end = to.unix_hours();
    for hour in source.hours.range(from.unix_hours()..=end).map(|(h, _)| *h) {
        if hour - last_hour - 1 > quiet {
            gaps.push(silence(last_time, hour_time(hour), cause));
        }
        last_hour = hour;
        last_time = hour_time(hour + 1);
        cause = "silence";
    }
    if end - last_hour - 1 > quiet {
        let cause = if cause == "silence" { "after_last_record" } else { "no_record_in_window" };
        gaps.push(silence(last_time, to, cause));
    }
    gaps
}

fn silence(from: Time, to: Time, cause: &str) -> Gap {
    Gap { from: Some(from), to: Some(to), cause: cause.to_owned() }
}

fn hour_time(hour: i64) -> Time {
    Time::from_unix_seconds(hour * HOUR).unwrap_or(Time::from_unix_nanos(i64::MAX, 0))
}

fn covers_some_moment(source: &Source, from: Time, to: Time) -> bool {
    from <= to && source.hours.range(from.unix_hours()..=to.unix_hours()).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::tests_support::{at, source};

    fn facts(quiet: i64) -> SourceFacts {
        SourceFacts {
            id: "s".to_owned(),
            title: String::new(),
            path: String::new(),
            how: String::new(),
            max_quiet_hours: quiet,
            snapshot: false,
            selection: false,
            facet_of: Vec::new(),
        }
    }

    fn causes(gaps: &[Gap]) -> Vec<&str> {
        gaps.iter().map(|g| g.cause.as_str()).collect()
    }

    #[test]
    fn an_hourly_series_without_holes_has_no_gap() {
        assert!(gaps(&source(0..48), &facts(0), at(0), at(47)).is_empty());
    }

    #[test]
    fn a_missing_hour_is_a_gap_where_none_may_be_silent() {
        let holed = source((0..48).filter(|h| *h != 20));
        let found = gaps(&holed, &facts(0), at(0), at(47));
        assert_eq!(causes(&found), ["silence"]);
        assert_eq!((found[0].from, found[0].to), (Some(at(20)), Some(at(21))));
        assert!(gaps(&holed, &facts(1), at(0), at(47)).is_empty());
    }

    #[test]
    fn rolled_over_and_unfinished_logs_have_gaps_at_their_ends() {
        let rolled = source(24..40);
        let found = gaps(&rolled, &facts(0), at(0), at(47));
        assert_eq!(causes(&found), ["before_first_record", "after_last_record"]);
        assert_eq!(causes(&gaps(&source([]), &facts(0), at(0), at(9))), ["no_record_in_window"]);
    }

    #[test]
    fn damage_is_a_gap() {
        let mut damaged = source(0..48);
        damaged.losses.push(crate::Interval {
            from: Some(at(3)),
            to: Some(at(3)),
            cause: "damaged".to_owned(),
        });
        assert_eq!(causes(&gaps(&damaged, &facts(0), at(0), at(47))), ["damaged"]);
        assert!(gaps(&damaged, &facts(0), at(10), at(47)).is_empty(), "before the window");
    }
}
