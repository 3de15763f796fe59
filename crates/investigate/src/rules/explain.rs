//! Why a rule fired on evidence, or did not: on the first event where it did, or on the nearest miss.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use detect::explain::{Explanation, WHOLE};
use detect::{Explainer, ExplainerMemory, Kinds, Place, RuleMeta};
use evidence::{Inventory, ItemHead, Options, Sink};
use model::{Event, Locator, Loss, Time};

use super::RuleSet;
use crate::Error;

/// Which event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventAt {
    /// The number that its log gives it.
    Record(u64),
    /// Where it begins in its file.
    Byte(u64),
}

impl EventAt {
    fn is(self, locator: Locator) -> bool {
        match self {
            Self::Record(number) => locator.record == Some(number),
            Self::Byte(offset) => locator.offset == Some(offset),
        }
    }
}

/// An event, and what the rule makes of it.
#[derive(Clone, Debug)]
pub struct ExplainedEvent {
    /// Its file.
    pub path: String,
    /// Where it stands.
    pub locator: Locator,
    /// When.
    pub time: Option<Time>,
    /// The host that it names.
    pub host: Option<String>,
    /// What it is: channel or family, and event id.
    pub what: String,
    /// `None` if it is not of the rule's log source.
    pub explanation: Option<Explanation>,
}

/// A rule on all of the evidence.
pub struct Explained {
    /// The condition as its author wrote it.
    pub condition: String,
    /// Events read.
    pub events: u64,
    /// Those of the rule's log source.
    pub of_source: u64,
    /// Those on which it fired.
    pub fired: u64,
    /// Those that were meant, where some were.
    pub meant: u64,
    /// The first on which it fired, else the nearest miss; or the first of those that were meant.
    pub event: Option<ExplainedEvent>,
    /// Where the log source lies, if no event was of it.
    pub missing: Vec<Place>,
    /// All that was read.
    pub inventory: Inventory,
}

/// Reads evidence and explains one rule on it; `None` if the rule cannot be explained.
pub fn explain(
    set: &RuleSet<'_>,
    rule: &RuleMeta,
    inputs: &[PathBuf],
    read: &Options,
    meant: Option<EventAt>,
) -> Result<Option<Explained>, Error> {
    let Some(explainer) = explainer(set, rule)? else { return Ok(None) };
    let watch = Watch::new(&explainer, meant);
    let inventory = evidence::read(inputs, read, &watch)?;
    let seen = watch.into_seen();
    let missing = if seen.of_source == 0 {
        detect::places(set.content.files(), &rule.about.logsource, &seen.kinds)?
    } else {
        Vec::new()
    };
    Ok(Some(Explained {
        condition: explainer.condition().to_owned(),
        events: seen.events,
        of_source: seen.of_source,
        fired: seen.fired,
        meant: seen.meant,
        event: seen.best.map(|(_, event)| event),
        missing,
        inventory,
    }))
}

/// The rule, compiled with its words.
pub(super) fn explainer(set: &RuleSet<'_>, rule: &RuleMeta) -> Result<Option<Explainer>, Error> {
    let files = if rule.own { set.content.files() } else { set.rules };
    Ok(Explainer::new(set.content.files(), files, set.tuning, rule)?)
}

/// The nearest first: the largest share, then the earliest, then by place.
type Rank = (Reverse<u32>, bool, Option<Time>, String, Locator);

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen {
    events: u64,
    of_source: u64,
    pub(super) fired: u64,
    meant: u64,
    kinds: Kinds,
    best: Option<(Rank, ExplainedEvent)>,
}

impl Seen {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.of_source += other.of_source;
        self.fired += other.fired;
        self.meant += other.meant;
        self.kinds.merge(other.kinds);
        if let Some((rank, event)) = other.best
            && self.best.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            self.best = Some((rank, event));
        }
    }

    pub(super) fn into_explanation(self) -> Option<Explanation> {
        self.best.and_then(|(_, event)| event.explanation)
    }
}

/// Watches a rule while evidence is read.
pub(super) struct Watch<'e> {
    explainer: &'e Explainer,
    meant: Option<EventAt>,
    seen: Mutex<Seen>,
    spare: Mutex<Vec<ExplainerMemory>>,
}

pub(super) struct Batch {
    path: String,
    memory: ExplainerMemory,
    seen: Seen,
}

impl<'e> Watch<'e> {
    pub(super) fn new(explainer: &'e Explainer, meant: Option<EventAt>) -> Self {
        Self { explainer, meant, seen: Mutex::default(), spare: Mutex::default() }
    }

    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn explained(&self, event: &Event<'_>, batch: &mut Batch) -> ExplainedEvent {
        let explanation = self.explainer.explain(event, 0, &mut batch.memory);
        ExplainedEvent {
            path: batch.path.clone(),
            locator: event.locator,
            time: event.time,
            host: event.host.as_deref().map(str::to_owned),
            what: what(event),
            explanation: explanation.and_then(|(_, explanation)| explanation),
        }
    }
}

/// Channel or family, and event id.
fn what(event: &Event<'_>) -> String {
    let log = [&*event.channel, &*event.provider, event.family];
    let log = log.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    event.event_id.map_or_else(|| log.to_owned(), |id| format!("{log}, event {id}"))
}

impl Sink for Watch<'_> {
    type Batch = Batch;

    fn start(&self, item: &ItemHead) -> Batch {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let memory = spare.unwrap_or_default();
        Batch { path: item.path.clone(), memory, seen: Seen::default() }
    }

    fn event(&self, batch: &mut Batch, event: &Event<'_>) {
        batch.seen.events += 1;
        batch.seen.kinds.add(event);
        let judged = self.explainer.explain(event, u32::MAX, &mut batch.memory);
        let share = judged.map(|(share, _)| share);
        batch.seen.of_source += u64::from(share.is_some());
        batch.seen.fired += u64::from(share == Some(WHOLE));
        let wanted = match self.meant {
            Some(meant) => meant.is(event.locator),
            None => share.is_some(),
        };
        batch.seen.meant += u64::from(wanted && self.meant.is_some());
        let share = if self.meant.is_some() { 0 } else { share.unwrap_or_default() };
        let best = batch.seen.best.as_ref();
        if !wanted || best.is_some_and(|(best, _)| best.0.0 > share) {
            return;
        }
        let place = (batch.path.clone(), event.locator);
        let rank = (Reverse(share), event.time.is_none(), event.time, place.0, place.1);
        if best.is_none_or(|(best, _)| rank < *best) {
            batch.seen.best = Some((rank, self.explained(event, batch)));
        }
    }

    fn lost(&self, _: &mut Batch, _: &Loss) {}

    fn end(&self, _: &ItemHead, batch: Batch) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(batch.memory);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).merge(batch.seen);
    }
}
