//! What running the rules of one group takes, laid out once: where each field is found, and one automaton
//! for each field over the triggers of the rules.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::check::{Check, FieldId, Item, KEYWORDS, Texts, UNLABELLED};
use super::fold::fold;
use super::mapping::{Mapping, Place, Source, SourceId, Template};
use super::pattern::Shape;
use super::rule::Expr;
use super::trigger;

/// Name under which a synthesised message is found.
pub(super) const MESSAGE: &str = "Message";

/// Bytes of literals up to which the automaton may have the form that is fastest and largest.
const FASTEST_UP_TO: usize = 8 << 10;

/// A rule in a group, under one of its sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Index of the rule in the engine.
    pub(super) rule: u32,
    /// Index of the source in [`Plan::locals`].
    pub(super) local: usize,
}

/// Where the values of a field are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// A text put together for each event; where it is there, it is the value.
    pub(super) extra: Option<usize>,
    /// Names in the event: the first that it has counts.
    pub(super) names: Vec<String>,
    /// All fields.
    pub(super) everything: bool,
}

/// For each Sigma field the slot of its values.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Option<u32>>);

impl Table {
    pub(super) fn slot(&self, field: FieldId) -> Option<usize> {
        self.0.get(field.0 as usize).copied().flatten().map(|slot| slot as usize)
    }
}

/// One source as the rules of a group see it.
#[derive(Debug)]
pub(super) struct Local {
    /// What must hold besides the rule's own condition.
    pub(super) guard: Option<Expr>,
    pub(super) first: Table,
    /// The second view, and the fields that differ in it.
    pub(super) second: Option<(Table, Vec<FieldId>)>,
}

/// Finds the triggers of one slot.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) slot: usize,
    pub(super) automaton: AhoCorasick,
    /// For each literal the entries that it makes candidates.
    pub(super) targets: Vec<Vec<u32>>,
}

/// How the rules of one group are run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) slots: Vec<Slot>,
    /// Texts put together for each event.
    pub(super) extras: Vec<Template>,
    /// The extra that is the message of a record without one.
    pub(super) message: Option<usize>,
    /// Names of which only the first field counts.
    pub(super) heads: Vec<String>,
    pub(super) locals: Vec<Local>,
    pub(super) entries: Vec<Entry>,
    /// Entries without trigger.
    pub(super) always: Vec<u32>,
    pub(super) scanners: Vec<Scanner>,
}

/// What a plan is made from.
pub(super) struct Parts<'p> {
    pub(super) mapping: &'p Mapping,
    pub(super) fields: &'p [String],
    pub(super) bodies: &'p [super::rule::Body],
    /// Rules of the group with their sources.
    pub(super) rules: &'p [(u32, SourceId)],
    pub(super) message: Option<usize>,
    pub(super) family: &'p str,
}

impl Plan {
    pub(super) fn new(parts: &Parts<'_>) -> Self {
        let mut plan =
            Self { heads: parts.mapping.heads(parts.family).to_vec(), ..Self::default() };
        if let Some(message) = parts.message.and_then(|n| parts.mapping.messages().get(n)) {
            plan.message = Some(plan.extra(&message.template));
        }
        let mut locals: BTreeMap<SourceId, usize> = BTreeMap::new();
        for (rule, source) in parts.rules {
            let next = plan.locals.len();
            let local = *locals.entry(*source).or_insert(next);
            if local == next {
                let local = plan.local(parts, *source);
                plan.locals.push(local);
            }
            plan.entries.push(Entry { rule: *rule, local });
        }
        plan.lay_triggers(parts);
        plan
    }

    fn local(&mut self, parts: &Parts<'_>, id: SourceId) -> Local {
        let source = parts.mapping.source(id).cloned().unwrap_or_default();
        let first = self.table(parts, &source, false);
        let second = (!source.second_view.is_empty()).then(|| {
            let differing = |name: &String| source.second_view.contains_key(name);
            let fields = ids(parts.fields).filter(|(_, name)| differing(name)).map(|(id, _)| id);
            (self.table(parts, &source, true), fields.collect())
        });
        Local { guard: guard(&source, parts.fields), first, second }
    }

    fn table(&mut self, parts: &Parts<'_>, source: &Source, second: bool) -> Table {
        let slots = ids(parts.fields).map(|(id, name)| {
            let slot = if id == KEYWORDS { everything() } else { self.slot(source, name, second) };
            u32::try_from(self.number(slot)).ok()
        });
        Table(slots.collect())
    }

    /// The slot of a field: what the mapping says, then the field's own name.
    fn slot(&mut self, source: &Source, name: &str, second: bool) -> Slot {
        let mut slot = Slot::default();
        let view = if second { source.second_view.get(name) } else { None };
        let own = Place::Field(name.to_owned());
        let mapped = source.fields.get(name).into_iter().flatten();
        for place in view.into_iter().chain(mapped).chain([&own]) {
            let extra = match place {
                Place::Template(template) => Some(self.extra(template)),
                Place::Field(name) => {
                    slot.names.push(name.clone());
                    self.message.filter(|_| name == MESSAGE)
                }
            };
            slot.extra = slot.extra.or(extra);
        }
        slot
    }

    fn number(&mut self, slot: Slot) -> usize {
        number(&mut self.slots, slot)
    }

    fn extra(&mut self, template: &Template) -> usize {
        number(&mut self.extras, template.clone())
    }

    fn lay_triggers(&mut self, parts: &Parts<'_>) {
        let mut by_slot: BTreeMap<usize, BTreeMap<String, Vec<u32>>> = BTreeMap::new();
        for (number, entry) in (0..).zip(&self.entries) {
            let body = parts.bodies.get(entry.rule as usize);
            let (Some(local), Some(trigger)) =
                (self.locals.get(entry.local), body.and_then(trigger::of))
            else {
                self.always.push(number);
                continue;
            };
            let views = [Some(&local.first), local.second.as_ref().map(|(table, _)| table)];
            for (field, text) in &trigger.literals {
                for slot in views.into_iter().flatten().filter_map(|table| table.slot(*field)) {
                    let targets = by_slot.entry(slot).or_default().entry(text.clone()).or_default();
                    if targets.last() != Some(&number) {
                        targets.push(number);
                    }
                }
            }
        }
        for (slot, literals) in by_slot {
            self.scanner(slot, literals);
        }
        self.always.sort_unstable();
    }

    fn scanner(&mut self, slot: usize, literals: BTreeMap<String, Vec<u32>>) {
        let size: usize = literals.keys().map(String::len).sum();
        let kind = (size <= FASTEST_UP_TO).then_some(AhoCorasickKind::DFA);
        match AhoCorasick::builder().kind(kind).build(literals.keys()) {
            Ok(automaton) => {
                let targets = literals.into_values().collect();
                self.scanners.push(Scanner { slot, automaton, targets });
            }
            // Too many literals for an automaton: then the rules are run on every event.
            Err(_) => self.always.extend(literals.into_values().flatten()),
        }
    }
}

fn everything() -> Slot {
    Slot { everything: true, ..Slot::default() }
}

fn ids(fields: &[String]) -> impl Iterator<Item = (FieldId, &String)> {
    (0..).map(FieldId).zip(fields)
}

fn number<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The condition that the mapping's `only` states.
fn guard(source: &Source, fields: &[String]) -> Option<Expr> {
    let mut items = Vec::new();
    for (name, values) in &source.only {
        let (field, _) = ids(fields).find(|(_, known)| *known == name)?;
        let mut texts = Texts::new(false);
        for value in values {
            texts.push(Shape::Equals(fold(value)));
        }
        let checks = vec![Check::Text(texts)];
        items.push(Expr::Item(Item { field, label: UNLABELLED, checks }));
    }
    (!items.is_empty()).then(|| Expr::all(items))
}
