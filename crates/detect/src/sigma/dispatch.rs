//! From the head of a record to the group of rules that are for it.
//!
//! Rules are bound to sources, narrowed to the event ids that the rule itself needs. What a head can
//! match is enumerated once; at run time a head costs one look into a cache.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};

use model::Event;
use rustc_hash::{FxHashMap, FxHasher};

use super::mapping::{Mapping, Source, SourceId};

/// Stands for every text that no source names: no channel or provider is written so.
const OTHER: &str = "\u{0}";
/// Heads that one thread remembers.
const MAX_HEADS: usize = 4_096;
/// Bytes of channel and provider of a head that is remembered.
const MAX_HEAD_LENGTH: usize = 512;

/// A source, narrowed to some event ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    pub(super) source: SourceId,
    /// `None` for those of the source itself.
    pub(super) ids: Option<Vec<u32>>,
}

/// The part of a record that decides which rules are for it; texts in lower case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'h> {
    pub(super) family: &'h str,
    pub(super) channel: &'h str,
    pub(super) provider: &'h str,
    pub(super) event_id: Option<u32>,
}

fn allows<T: PartialEq + ?Sized, L: std::borrow::Borrow<T>>(list: &[L], value: &T) -> bool {
    list.is_empty() || list.iter().any(|item| item.borrow() == value)
}

/// Whether records with that head are of a source, narrowed to those event ids (none: any).
pub(super) fn matches(source: &Source, ids: &[u32], head: Head<'_>) -> bool {
    let channel = if head.channel.is_empty() && !source.channel.is_empty() {
        source.without_channel.iter().any(|p| p == head.provider)
    } else {
        allows(&source.channel, head.channel)
    };
    let id = ids.is_empty() || head.event_id.is_some_and(|id| ids.contains(&id));
    source.family == head.family && channel && id && allows(&source.provider, head.provider)
}

/// What all records of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupKey {
    /// Indexes of the bounds that match.
    pub(super) bounds: Vec<usize>,
    /// Index of the message template, if records of the group have one.
    pub(super) message: Option<usize>,
    /// The family.
    pub(super) family: String,
}

/// Finds the group of a head.
#[derive(Debug, Default)]
pub(super) struct Dispatch {
    bounds: Vec<(Source, Vec<u32>)>,
    messages: Vec<Source>,
    groups: BTreeMap<GroupKey, u32>,
}

impl Dispatch {
    /// Lays out all groups; gives their keys in the order of their numbers.
    pub(super) fn new(bounds: &[Bound], mapping: &Mapping) -> (Self, Vec<GroupKey>) {
        let resolve = |bound: &Bound| {
            let source = mapping.source(bound.source).cloned().unwrap_or_default();
            let ids = bound.ids.clone().unwrap_or_else(|| source.event_id.clone());
            (source, ids)
        };
        let mut dispatch = Self {
            bounds: bounds.iter().map(resolve).collect(),
            messages: mapping.messages().iter().map(|m| m.source.clone()).collect(),
            groups: BTreeMap::new(),
        };
        let keys = dispatch.enumerate();
        dispatch.groups = (0..).zip(&keys).map(|(number, key)| (key.clone(), number)).collect();
        (dispatch, keys)
    }

    /// Every key that some head has. Heads that no source tells apart have the same key, so one of each
    /// class is enough.
    fn enumerate(&self) -> Vec<GroupKey> {
        let bounds = self.bounds.iter().map(|(source, _)| source);
        let families: BTreeSet<&str> =
            bounds.chain(&self.messages).map(|source| source.family.as_str()).collect();
        let mut keys = BTreeSet::new();
        keys.insert(self.key(Head { family: OTHER, channel: "", provider: "", event_id: None }));
        for family in families {
            let mut channels: BTreeSet<&str> = self.sources(family).flat_map(channels).collect();
            channels.extend(["", OTHER]);
            for channel in channels {
                self.enumerate_channel(family, channel, &mut keys);
            }
        }
        keys.into_iter().collect()
    }

    fn enumerate_channel(&self, family: &str, channel: &str, keys: &mut BTreeSet<GroupKey>) {
        let mut providers: BTreeSet<&str> =
            self.sources(family).flat_map(|s| providers(s, channel.is_empty())).collect();
        providers.extend(["", OTHER]);
        for provider in providers {
            let any_id = Head { family, channel, provider, event_id: None };
            let near = self.bounds.iter().filter(|(source, _)| matches(source, &[], any_id));
            let mut ids: BTreeSet<Option<u32>> =
                near.flat_map(|(_, ids)| ids.iter().copied().map(Some)).collect();
            ids.extend(self.messages.iter().flat_map(|m| m.event_id.iter().copied().map(Some)));
            ids.insert(None);
            keys.extend(ids.into_iter().map(|event_id| self.key(Head { event_id, ..any_id })));
        }
    }

    fn sources<'s>(&'s self, family: &'s str) -> impl Iterator<Item = &'s Source> {
        let bounds = self.bounds.iter().map(|(source, _)| source);
        bounds.chain(&self.messages).filter(move |source| source.family == family)
    }

    fn key(&self, head: Head<'_>) -> GroupKey {
        let message = |m: &Source| matches(m, &m.event_id, head);
        GroupKey {
            bounds: (0..)
                .zip(&self.bounds)
                .filter(|(_, (source, ids))| matches(source, ids, head))
                .map(|(index, _)| index)
                .collect(),
            message: self.messages.iter().position(message),
            family: head.family.to_owned(),
        }
    }

    /// The group of an event, through the thread's cache.
    pub(super) fn group(&self, event: &Event<'_>, cache: &mut HeadCache) -> u32 {
        let hash = hash(event);
        if let Some((head, group)) = cache.known.get(&hash)
            && head.is_of(event)
        {
            return *group;
        }
        let group = self.find(event);
        if event.channel.len() + event.provider.len() <= MAX_HEAD_LENGTH {
            if cache.known.len() >= MAX_HEADS {
                cache.known.clear();
            }
            cache.known.insert(hash, (OwnedHead::of(event), group));
        }
        group
    }

    /// A family that no rule is for has no group of its own: it has that of heads that nothing matches, which
    /// sorts before all others.
    fn find(&self, event: &Event<'_>) -> u32 {
        let (channel, provider) = (event.channel.to_lowercase(), event.provider.to_lowercase());
        let head = Head {
            family: event.family,
            channel: &channel,
            provider: &provider,
            event_id: event.event_id,
        };
        let found = self.groups.get(&self.key(head)).copied();
        debug_assert!(found.is_some() || self.sources(event.family).next().is_none());
        found.unwrap_or(0)
    }
}

fn channels(source: &Source) -> impl Iterator<Item = &str> {
    source.channel.iter().map(String::as_str)
}

fn providers(source: &Source, no_channel: bool) -> impl Iterator<Item = &str> {
    let stand_in: &[String] = if no_channel { &source.without_channel } else { &[] };
    source.provider.iter().chain(stand_in).map(String::as_str)
}

fn hash(event: &Event<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    (event.family, &event.channel, &event.provider, event.event_id).hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug)]
struct OwnedHead {
    family: &'static str,
    channel: Box<str>,
    provider: Box<str>,
    event_id: Option<u32>,
}

impl OwnedHead {
    fn of(event: &Event<'_>) -> Self {
        Self {
            family: event.family,
            channel: event.channel.as_ref().into(),
            provider: event.provider.as_ref().into(),
            event_id: event.event_id,
        }
    }

    fn is_of(&self, event: &Event<'_>) -> bool {
        self.event_id == event.event_id
            && self.family == event.family
            && *self.channel == *event.channel
            && *self.provider == *event.provider
    }
}

/// The groups of heads that a thread has met.
#[derive(Debug, Default)]
pub(super) struct HeadCache {
    known: FxHashMap<u64, (OwnedHead, u32)>,
}

/// Numbers things in the order in which they first occur.
#[derive(Debug)]
pub(super) struct Interner<T> {
    numbers: HashMap<T, usize>,
    items: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), items: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    /// The number of a thing.
    pub(super) fn number(&mut self, item: T) -> usize {
        let next = self.items.len();
        *self.numbers.entry(item).or_insert_with_key(|item| {
            self.items.push(item.clone());
            next
        })
    }

    /// All things in the order of their numbers.
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }
}
