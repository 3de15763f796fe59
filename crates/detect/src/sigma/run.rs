//! Running the rules of a group on one event.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash as _, Hasher as _};
use std::ops::Range;

use model::case::MatchedField;
use model::{Event, Value};
use rustc_hash::{FxHashMap, FxHasher};

use super::check::{Check, FieldId, Item, KEYWORDS, Number, Texts, is_in};
use super::dispatch::HeadCache;
use super::engine::EVENT_ID;
use super::fold::fold_into;
use super::mapping::{Part, Template};
use super::plan::{MESSAGE, Plan, Scanner, Slot, Table};
use super::rule::{Body, Expr};
use super::tuning::Hides;
use crate::GroupValue;
use crate::tuned::Hidden;

/// Name of the unnamed values of an event.
const UNNAMED: &str = "Data";
/// Fields that a hit tells of.
const MAX_MATCHED: usize = 16;
/// Characters of a value that a hit tells.
const MAX_VALUE: usize = 512;
/// Layouts that a thread remembers.
const MAX_LAYOUTS: usize = 1_024;
/// Bytes that the buffers of a thread keep from one event to the next.
const MAX_KEPT: usize = 1 << 20;

/// Memory of one thread, reused from event to event.
#[derive(Debug, Default)]
pub(crate) struct SigmaScratch {
    pub(super) heads: HeadCache,
    pub(super) layouts: Layouts,
    /// Run every rule of a group, whatever the triggers say: the reference for them.
    #[cfg(test)]
    pub(super) every_rule: bool,
    pub(super) memory: Memory,
    /// Hits of the last event that tuning hides.
    pub(crate) hidden: Vec<Hidden>,
}

/// The layouts that a thread has met, by group and by a hash of the names. A log holds few, in any succession.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    known: FxHashMap<(u32, u64), Layout>,
}

impl Layouts {
    /// The layout of an event of a group.
    pub(super) fn of(&mut self, group: u32, plan: &Plan, event: &Event<'_>) -> &Layout {
        let mut hasher = FxHasher::default();
        for (name, _) in &event.fields.0 {
            name.hash(&mut hasher);
        }
        if self.known.len() >= MAX_LAYOUTS {
            self.known.clear();
        }
        let layout = self.known.entry((group, hasher.finish())).or_default();
        layout.fit(plan, event);
        layout
    }
}

/// Where the fields of a plan stand in events with these names in this order. The records of a log
/// mostly have the same names, so this is worked out once.
#[derive(Debug, Default)]
pub(super) struct Layout {
    names: Vec<Box<str>>,
    positions: Vec<u32>,
    /// For each slot its range in `positions`.
    slots: Vec<Range<usize>>,
    /// For each extra and each of its parts the position of the part's value.
    extras: Vec<Vec<Option<usize>>>,
    /// Positions of the record's own message.
    messages: Vec<usize>,
}

impl Layout {
    /// Makes the layout fit an event, should its hash have been that of other names.
    fn fit(&mut self, plan: &Plan, event: &Event<'_>) {
        let fields = &event.fields.0;
        let same = self.slots.len() == plan.slots.len()
            && self.names.len() == fields.len()
            && self.names.iter().zip(fields).all(|(known, (name, _))| **known == **name);
        if !same {
            *self = Self::new(plan, event);
        }
    }

    fn new(plan: &Plan, event: &Event<'_>) -> Self {
        let fields = &event.fields.0;
        let mut layout = Self {
            names: fields.iter().map(|(name, _)| Box::from(name.as_ref())).collect(),
            ..Self::default()
        };
        for slot in &plan.slots {
            let start = layout.positions.len();
            let found = layout.find(slot, &plan.heads);
            layout.positions.extend(found);
            layout.slots.push(start..layout.positions.len());
        }
        layout.extras = plan.extras.iter().map(|template| layout.parts(template)).collect();
        layout.messages = layout.named(MESSAGE);
        layout
    }

    fn find(&self, slot: &Slot, heads: &[String]) -> Vec<u32> {
        let mut found = slot
            .names
            .iter()
            .map(|name| self.named(name))
            .find(|places| !places.is_empty())
            .unwrap_or_default();
        let name = found.first().and_then(|at| self.names.get(*at)).map(AsRef::as_ref);
        if let Some(name) = name.filter(|name: &&str| heads.iter().any(|head| head == name)) {
            // Records are dispatched by the id of their head, which stands behind the body.
            let before = if name == EVENT_ID { found.len() - 1 } else { 0 };
            found.drain(..before);
            found.truncate(1);
        }
        found.into_iter().filter_map(|at| u32::try_from(at).ok()).collect()
    }

    /// Places of a name: exact, else without case, else without case and blanks, which Sigma strips.
    fn named(&self, name: &str) -> Vec<usize> {
        let places = |like: &dyn Fn(&str) -> bool| -> Option<Vec<usize>> {
            let named = self.names.iter().enumerate();
            let found: Vec<usize> = named.filter(|(_, n)| like(n)).map(|(at, _)| at).collect();
            (!found.is_empty()).then_some(found)
        };
        let without_blanks =
            |known: &str| known.contains(' ') && known.replace(' ', "").eq_ignore_ascii_case(name);
        places(&|known| known == name)
            .or_else(|| places(&|known| known.eq_ignore_ascii_case(name)))
            .or_else(|| places(&without_blanks))
            .unwrap_or_default()
    }

    fn parts(&self, template: &Template) -> Vec<Option<usize>> {
        let place = |part: &Part| match part {
            Part::Text(_) => None,
            Part::Field(name) => self.named(name).first().copied(),
            Part::Unnamed(nth) => self.named(UNNAMED).get(*nth).copied(),
        };
        template.parts.iter().map(place).collect()
    }
}

/// What is worked out about the event at hand.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// For each field, then each extra, where its folded text stands.
    folded: Vec<Option<Range<usize>>>,
    folded_text: String,
    extras: Vec<Option<Range<usize>>>,
    extra_text: String,
    /// Bits of the entries to be run.
    candidates: Vec<u64>,
}

impl Memory {
    fn reset(&mut self, plan: &Plan, fields: usize) {
        for text in [&mut self.folded_text, &mut self.extra_text] {
            text.clear();
            text.shrink_to(MAX_KEPT);
        }
        self.folded.clear();
        self.folded.resize(fields + plan.extras.len(), None);
        self.extras.clear();
        self.candidates.clear();
        self.candidates.resize(plan.entries.len().div_ceil(64), 0);
    }

    fn mark(&mut self, entry: u32) {
        mark(&mut self.candidates, entry);
    }

    /// Marks the entries whose triggers are in a folded text.
    fn scan(&mut self, scanner: &Scanner, range: Range<usize>) {
        let text = self.folded_text.get(range).unwrap_or_default();
        for found in scanner.automaton.find_overlapping_iter(text) {
            let targets = scanner.targets.get(found.pattern().as_usize());
            for entry in targets.into_iter().flatten() {
                mark(&mut self.candidates, *entry);
            }
        }
    }
}

fn mark(candidates: &mut [u64], entry: u32) {
    if let Some(word) = candidates.get_mut(entry as usize / 64) {
        *word |= 1 << (entry % 64);
    }
}

/// A value at a place: a field of the event, or a text put together from fields.
#[derive(Clone, Copy)]
pub(super) enum Seen<'v, 'e> {
    Field(&'v Value<'e>),
    Extra(&'v str),
}

impl Seen<'_, '_> {
    /// The text as it stands; `None` for null.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Field(Value::Null) => None,
            Self::Field(value) => Some(value.text()),
            Self::Extra(text) => Some(Cow::Borrowed(text)),
        }
    }

    fn is_empty(&self) -> bool {
        self.text().is_none_or(|text| text.is_empty())
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Extra(_) | Self::Field(Value::Str(_)))
    }
}

/// The group's plan at work on one event.
pub(super) struct Run<'r, 'e> {
    pub(super) plan: &'r Plan,
    pub(super) fields: &'r [String],
    pub(super) event: &'r Event<'e>,
    pub(super) layout: &'r Layout,
    pub(super) memory: &'r mut Memory,
}

impl<'r> Run<'r, '_> {
    /// Puts the extras together and marks the entries that have a chance.
    pub(super) fn prepare(&mut self) {
        self.memory.reset(self.plan, self.event.fields.0.len());
        let plan = self.plan;
        for (number, template) in plan.extras.iter().enumerate() {
            let is_message = plan.message == Some(number);
            let start = self.memory.extra_text.len();
            let there =
                if is_message { self.message(template) } else { self.join(template, number) };
            let range = there.then_some(start..self.memory.extra_text.len());
            self.memory.extras.push(range);
        }
        for entry in &plan.always {
            self.memory.mark(*entry);
        }
        for scanner in &plan.scanners {
            let mut nth = 0;
            while let Some(place) = self.place(scanner.slot, nth) {
                nth += 1;
                if let Some(range) = self.fold(place) {
                    self.memory.scan(scanner, range);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn mark_all(&mut self) {
        for entry in 0..self.plan.entries.len() {
            self.memory.mark(u32::try_from(entry).unwrap());
        }
    }

    /// The next entry from `from` on that has a chance.
    pub(super) fn candidate(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word = *self.memory.candidates.get(at)? & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.memory.candidates.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }

    /// Whether the rule of an entry fires; gives the view under which it does.
    pub(super) fn fires(&mut self, entry: usize, body: &'r Body) -> Option<&'r Table> {
        let plan = self.plan;
        let local = plan.locals.get(plan.entries.get(entry)?.local)?;
        if let Some(guard) = &local.guard
            && !self.holds(guard, body, &local.first)
        {
            return None;
        }
        if self.all_hold(body, &local.first) {
            return Some(&local.first);
        }
        let (second, differing) = local.second.as_ref()?;
        let differs = differing.iter().any(|field| body.names(*field));
        (differs && self.all_hold(body, second)).then_some(second)
    }

    /// Whether the condition of a rule and those of its filters hold under a view.
    fn all_hold(&mut self, body: &Body, table: &Table) -> bool {
        self.holds(&body.condition, body, table)
            && body.filters.iter().all(|filter| self.holds(&filter.condition, filter, table))
    }

    /// Whether tuning hides a hit under the view under which its rule fired.
    pub(super) fn hides(&mut self, hides: &Hides, view: &Table) -> bool {
        hides.is_for(self.event) && self.holds(&hides.body.condition, &hides.body, view)
    }

    /// The message of a record that has none.
    fn message(&mut self, template: &Template) -> bool {
        let fields = &self.event.fields.0;
        let has_own = self
            .layout
            .messages
            .iter()
            .any(|at| fields.get(*at).is_some_and(|(_, value)| !Seen::Field(value).is_empty()));
        let number = self.plan.message.unwrap_or_default();
        let Some(places) = self.layout.extras.get(number) else { return false };
        if has_own || places.iter().all(Option::is_none) {
            return false;
        }
        for (part, place) in template.parts.iter().zip(places) {
            match part {
                Part::Text(text) => self.memory.extra_text.push_str(text),
                _ => {
                    let value = place.and_then(|at| fields.get(at));
                    let text = value.map(|(_, value)| value.text()).unwrap_or_default();
                    self.memory.extra_text.push_str(&text);
                }
            }
        }
        true
    }

    /// Fields put together; a text between two of them stands only where both are there, and only once.
    fn join(&mut self, template: &Template, number: usize) -> bool {
        let Some(places) = self.layout.extras.get(number) else { return false };
        let out = &mut self.memory.extra_text;
        let start = out.len();
        let mut between = "";
        for (part, place) in template.parts.iter().zip(places) {
            if let Part::Text(text) = part {
                between = text;
                continue;
            }
            let value = place.and_then(|at| self.event.fields.0.get(at)).map(|(_, v)| v.text());
            let Some(text) = value.filter(|text| !text.is_empty()) else { continue };
            if out.len() > start && !text.starts_with(between) {
                out.push_str(between);
            }
            out.push_str(&text);
        }
        out.len() > start
    }

    /// The place of the nth value of a slot.
    pub(super) fn place(&self, slot: usize, nth: usize) -> Option<usize> {
        let fields = self.event.fields.0.len();
        let known = self.plan.slots.get(slot)?;
        let there = |extra: usize| self.memory.extras.get(extra).is_some_and(Option::is_some);
        if known.everything {
            let message = || self.plan.message.filter(|extra| there(*extra));
            return match nth {
                n if n < fields => Some(n),
                n if n == fields => message().map(|extra| fields + extra),
                _ => None,
            };
        }
        if let Some(extra) = known.extra.filter(|extra| there(*extra)) {
            return (nth == 0).then_some(fields + extra);
        }
        let range = self.layout.slots.get(slot)?;
        let at = range.start.checked_add(nth).filter(|at| *at < range.end)?;
        self.layout.positions.get(at).map(|at| *at as usize)
    }

    pub(super) fn seen(&self, place: usize) -> Option<Seen<'_, '_>> {
        let fields = &self.event.fields.0;
        match place.checked_sub(fields.len()) {
            None => fields.get(place).map(|(_, value)| Seen::Field(value)),
            Some(extra) => {
                let range = self.memory.extras.get(extra)?.clone()?;
                self.memory.extra_text.get(range).map(Seen::Extra)
            }
        }
    }

    /// Where the folded text of a value stands; `None` for null.
    fn fold(&mut self, place: usize) -> Option<Range<usize>> {
        if let Some(known) = self.memory.folded.get(place)? {
            return Some(known.clone());
        }
        let start = self.memory.folded_text.len();
        let mut out = std::mem::take(&mut self.memory.folded_text);
        let there = match self.seen(place) {
            Some(seen) => seen.text().map(|text| fold_into(&text, &mut out)).is_some(),
            None => false,
        };
        let range = start..out.len();
        self.memory.folded_text = out;
        if !there {
            return None;
        }
        if let Some(folded) = self.memory.folded.get_mut(place) {
            *folded = Some(range.clone());
        }
        Some(range)
    }

    pub(super) fn holds(&mut self, expr: &Expr, body: &Body, table: &Table) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|part| self.holds(part, body, table)),
            Expr::Any(parts) => parts.iter().any(|part| self.holds(part, body, table)),
            Expr::Not(inner) => !self.holds(inner, body, table),
            Expr::Item(item) => self.item(item, table),
            Expr::Selection(index) => {
                body.selection(*index).is_some_and(|inner| self.holds(inner, body, table))
            }
        }
    }

    pub(super) fn item(&mut self, item: &Item, table: &Table) -> bool {
        let slot = table.slot(item.field);
        let mut nth = 0;
        while let Some(place) = slot.and_then(|slot| self.place(slot, nth)) {
            if self.passes(item, place, table) {
                return true;
            }
            nth += 1;
        }
        nth == 0 && item.checks.iter().any(|c| matches!(c, Check::Null | Check::Exists(false)))
    }

    pub(super) fn passes(&mut self, item: &Item, place: usize, table: &Table) -> bool {
        if item.field == KEYWORDS && !self.seen(place).is_some_and(|seen| seen.is_text()) {
            return false;
        }
        item.checks.iter().any(|check| self.check(check, place, table))
    }

    fn check(&mut self, check: &Check, place: usize, table: &Table) -> bool {
        if let Check::Text(texts) = check {
            return self.text(texts, place);
        }
        let Some(seen) = self.seen(place) else { return false };
        match check {
            Check::Null => seen.is_empty(),
            Check::Exists(there) => *there,
            Check::Number(number) => match seen {
                Seen::Field(value @ (Value::Int(_) | Value::UInt(_) | Value::Float(_))) => {
                    Number::of(value).and_then(|n| n.compare(*number)).is_some_and(Ordering::is_eq)
                }
                _ => false,
            },
            Check::Order(order, bound) => {
                let number = match seen {
                    Seen::Field(value) => Number::of(value),
                    Seen::Extra(text) => Number::of_text(text),
                };
                number.is_some_and(|number| order.holds(number, *bound))
            }
            Check::Part(part, order, bound) => {
                let number = seen.text().and_then(|text| part.of(&text));
                number.is_some_and(|number| order.holds(number, *bound))
            }
            Check::Network(net) => seen.text().is_some_and(|text| is_in(*net, &text)),
            Check::Regex(regex) => seen.text().is_some_and(|text| regex.is_match(&text)),
            Check::Field(..) => self.like_field(check, place, table),
            Check::Text(_) => false,
        }
    }

    fn text(&mut self, texts: &Texts, place: usize) -> bool {
        if texts.cased {
            return self.seen(place).is_some_and(|seen| match seen.text() {
                Some(text) => texts.matches(&text),
                None => texts.has_empty(),
            });
        }
        match self.fold(place) {
            Some(range) => texts.matches(self.memory.folded_text.get(range).unwrap_or_default()),
            None => texts.has_empty(),
        }
    }

    fn like_field(&mut self, check: &Check, place: usize, table: &Table) -> bool {
        let Check::Field(other, affix) = check else { return false };
        let open = affix.open_start || affix.open_end;
        let mut nth = 0;
        while let Some(at) = table.slot(*other).and_then(|slot| self.place(slot, nth)) {
            nth += 1;
            let pair = if affix.cased {
                let text = |at| self.seen(at).and_then(|s| s.text().map(Cow::into_owned));
                text(place).zip(text(at))
            } else {
                let ranges = self.fold(place).zip(self.fold(at));
                let text = |range: Range<usize>| {
                    self.memory.folded_text.get(range).unwrap_or_default().to_owned()
                };
                ranges.map(|(a, b)| (text(a), text(b)))
            };
            let alike = |(a, b): (String, String)| !(open && b.is_empty()) && affix.matches(&a, &b);
            if pair.is_some_and(alike) {
                return true;
            }
        }
        false
    }

    /// The first value of each field under a view, as correlations compare it; `None` where there is none.
    pub(super) fn values(&self, fields: &[FieldId], table: &Table) -> Vec<Option<GroupValue>> {
        let first = |field: &FieldId| {
            let slot = table.slot(*field)?;
            let mut texts = (0..).map_while(|nth| self.place(slot, nth)).map(|place| {
                let text = self.seen(place).and_then(|seen| seen.text().map(Cow::into_owned));
                text.filter(|text| !text.is_empty())
            });
            texts.find_map(|text| text).map(|text| GroupValue::new(&text))
        };
        fields.iter().map(first).collect()
    }

    /// The fields and values that made a rule fire under a view.
    pub(super) fn matched(&mut self, body: &Body, table: &Table) -> Vec<MatchedField> {
        let mut out = Vec::new();
        self.collect(&body.condition, body, table, &mut out);
        out
    }

    fn collect(&mut self, expr: &Expr, body: &Body, table: &Table, out: &mut Vec<MatchedField>) {
        match expr {
            Expr::All(parts) => {
                for part in parts {
                    self.collect(part, body, table, out);
                }
            }
            Expr::Any(parts) => {
                for part in parts {
                    if self.holds(part, body, table) {
                        self.collect(part, body, table, out);
                    }
                }
            }
            Expr::Not(_) => {}
            Expr::Item(item) => self.collect_item(item, table, out),
            Expr::Selection(index) => {
                if let Some(inner) = body.selection(*index) {
                    self.collect(inner, body, table, out);
                }
            }
        }
    }

    fn collect_item(&mut self, item: &Item, table: &Table, out: &mut Vec<MatchedField>) {
        let slot = table.slot(item.field);
        let mut nth = 0;
        while let Some(place) = slot.and_then(|slot| self.place(slot, nth)) {
            nth += 1;
            if !self.passes(item, place, table) {
                continue;
            }
            let field = self.name(item.field, place);
            let value = self.seen(place).and_then(|seen| seen.text().map(|t| shortened(&t)));
            push(out, MatchedField { field, value, value_b64: None });
        }
        if nth == 0
            && let Some(name) = self.fields.get(item.field.0 as usize)
        {
            push(out, MatchedField { field: name.clone(), value: None, value_b64: None });
        }
    }

    /// The name that the record gives to the value at a place.
    pub(super) fn name(&self, field: FieldId, place: usize) -> String {
        if let Some((name, _)) = self.event.fields.0.get(place) {
            return name.clone().into_owned();
        }
        match self.fields.get(field.0 as usize) {
            Some(name) if field != KEYWORDS => name.clone(),
            _ => MESSAGE.to_owned(),
        }
    }
}

fn push(out: &mut Vec<MatchedField>, field: MatchedField) {
    if out.len() < MAX_MATCHED && !out.contains(&field) {
        out.push(field);
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}
