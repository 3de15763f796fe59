//! One rule, compiled a second time with the words of its author, and run by the same code as in the engine:
//! an explanation cannot say anything else than the engine does.

use std::borrow::Cow;
use std::sync::OnceLock;

use model::Event;

use super::check::{Check, FieldId, Item, KEYWORDS, UNLABELLED};
use super::dispatch::{Bound, Dispatch, GroupKey, Interner};
use super::engine;
use super::filter::{self, Filter};
use super::label::Labels;
use super::mapping::{Mapping, Source, SourceId};
use super::plan::{Local, Parts, Plan, Table};
use super::rule::{self, Body, Expr, LogSource};
use super::run::{Run, SigmaScratch};
use super::tuning::{Hiding, Tuning};
use super::yaml::{self, Content, Node};
use crate::explain::{Entry, Explanation, Origin, Part, Seen, Step, StepKind, View, WHOLE, Wanted};
use crate::{RuleMeta, SourceFile};

/// What the rule itself weighs beside a filter, and a part of an `and` beside a `not`.
const RULE_WEIGHT: u64 = 4;
/// Values of one field that are told.
const MAX_SEEN: usize = 8;
/// Characters of a value that are told.
const MAX_TEXT: usize = 512;

/// A condition with its words.
struct Labelled {
    body: Body,
    labels: Labels,
}

/// A condition that was added to the rule.
struct Added {
    origin: AddedBy,
    condition: Labelled,
}

enum AddedBy {
    Filter { title: String, file: String },
    Tuning(Hiding),
}

/// A rule that can be explained.
pub(crate) struct Explainer {
    mapping: Mapping,
    fields: Vec<String>,
    rule: Labelled,
    condition: String,
    added: Vec<Added>,
    bounds: Vec<Bound>,
    dispatch: Dispatch,
    /// For each group what its records have in common, and its plan.
    groups: Vec<(GroupKey, OnceLock<Plan>)>,
}

impl Explainer {
    /// The rule of that data, which is in one of the files; they are all files of its set, for their filters.
    /// `None` if it is not there, is no rule on events, or lacks a placeholder list.
    pub(crate) fn new(
        mapping: Mapping,
        files: &[SourceFile],
        meta: &RuleMeta,
        tuning: &Tuning,
    ) -> Option<Self> {
        let mut fields = Interner::default();
        fields.number(String::new());
        let mut field = |name: &str| FieldId(engine::number(&mut fields, name));
        let mut document = find(files, meta)?;
        tuning.placeholders().fill(&mut document);
        let logsource = rule::logsource(document.get("logsource")?).ok()?;
        let detection = document.get("detection")?;
        let (body, labels) = rule::labelled(detection, "detection", &mut field).ok()?;
        let mut added = filters(files, meta, &logsource, (tuning, &mut field));
        for hiding in tuning.hidings(meta) {
            let (body, labels) =
                rule::labelled(hiding.node(), super::tuning::WHEN, &mut field).ok()?;
            let condition = Labelled { body, labels };
            added.push(Added { origin: AddedBy::Tuning(hiding), condition });
        }
        for name in mapping.guard_fields() {
            fields.number(name);
        }
        let whole = |source| Bound { source, ids: None };
        let bounds: Vec<Bound> = mapping.lookup(&logsource).into_iter().map(whole).collect();
        let (dispatch, keys) = Dispatch::new(&bounds, &mapping);
        Some(Self {
            fields: fields.items().to_vec(),
            rule: Labelled { body, labels },
            condition: detection.get("condition").map(written).unwrap_or_default(),
            added,
            bounds,
            dispatch,
            groups: keys.into_iter().map(|key| (key, OnceLock::new())).collect(),
            mapping,
        })
    }

    /// Why the rule fires on an event or does not; `None` if the event is not of its log source, or if less of
    /// the rule holds than `least`, in millionths.
    pub(crate) fn explain(
        &self,
        event: &Event<'_>,
        least: u32,
        scratch: &mut SigmaScratch,
    ) -> Option<Judged> {
        let number = self.dispatch.group(event, &mut scratch.heads);
        let (key, plan) = self.groups.get(number as usize)?;
        let sources = self.sources(key);
        if sources.is_empty() {
            return None;
        }
        let plan = plan.get_or_init(|| self.plan(key, &sources));
        let layout = scratch.layouts.of(number, plan, event);
        let mut run =
            Run { plan, fields: &self.fields, event, layout, memory: &mut scratch.memory };
        run.prepare();
        let views = self.views(&mut run, plan, &sources);
        // The first view under which the rule fires is the one that counts; tuning looks at that one.
        let deciding = views.iter().find(|view| self.fires(&mut run, view.2));
        let share = match deciding {
            Some(view) => self.share(&mut run, event, view.2),
            None => views.iter().map(|view| self.share(&mut run, event, view.2)).max()?,
        };
        if share < least {
            return Some(Judged { share, explanation: None });
        }
        let views = views.iter().map(|(source, second, table)| {
            let parts = self.parts(&mut run, event, table);
            let holds = parts.iter().all(|part| part.holds);
            View { source: source.clone(), second: *second, holds, parts }
        });
        let views = views.collect();
        let explanation = Explanation { fired: share == WHOLE, share, views };
        Some(Judged { share, explanation: Some(explanation) })
    }

    /// Whether the rule fires under a view, before tuning hides its hit.
    fn fires(&self, run: &mut Run<'_, '_>, table: &Table) -> bool {
        let body = &self.rule.body;
        let filters = self.added.iter().filter(|a| matches!(a.origin, AddedBy::Filter { .. }));
        run.holds(&body.condition, body, table)
            && filters
                .map(|added| &added.condition.body)
                .all(|body| run.holds(&body.condition, body, table))
    }

    /// The condition as its author wrote it; of a list, each on its line.
    pub(crate) fn condition(&self) -> &str {
        &self.condition
    }

    fn sources(&self, key: &GroupKey) -> Vec<SourceId> {
        let bounds = key.bounds.iter().filter_map(|at| self.bounds.get(*at));
        bounds.map(|bound| bound.source).collect()
    }

    fn plan(&self, key: &GroupKey, sources: &[SourceId]) -> Plan {
        let rules: Vec<(u32, SourceId)> = sources.iter().map(|source| (0, *source)).collect();
        Plan::new(&Parts {
            mapping: &self.mapping,
            fields: &self.fields,
            bodies: std::slice::from_ref(&self.rule.body),
            rules: &rules,
            message: key.message,
            family: &key.family,
        })
    }

    /// The readings of an event under which the rule is judged: those of the sources whose records it is one of.
    fn views<'p>(
        &self,
        run: &mut Run<'p, '_>,
        plan: &'p Plan,
        sources: &[SourceId],
    ) -> Vec<(String, bool, &'p Table)> {
        let mut views = Vec::new();
        for (entry, source) in plan.entries.iter().zip(sources) {
            let Some(local) = plan.locals.get(entry.local) else { continue };
            let body = &self.rule.body;
            if local.guard.as_ref().is_some_and(|guard| !run.holds(guard, body, &local.first)) {
                continue;
            }
            let words = self.mapping.source(*source).map(Source::shown).unwrap_or_default();
            if let Some(second) = self.second(local) {
                views.push((words.clone(), false, &local.first));
                views.push((words, true, second));
            } else {
                views.push((words, false, &local.first));
            }
        }
        views
    }

    fn second<'p>(&self, local: &'p Local) -> Option<&'p Table> {
        let (second, differing) = local.second.as_ref()?;
        let names = |field: &FieldId| {
            let filters = self.added.iter().filter(|a| matches!(a.origin, AddedBy::Filter { .. }));
            self.rule.body.names(*field)
                || filters.into_iter().any(|a| a.condition.body.names(*field))
        };
        differing.iter().any(names).then_some(second)
    }

    fn share(&self, run: &mut Run<'_, '_>, event: &Event<'_>, table: &Table) -> u32 {
        let body = &self.rule.body;
        let mut shares = vec![(RULE_WEIGHT, share(run, &body.condition, body, table))];
        for added in &self.added {
            let body = &added.condition.body;
            let as_it_must = match &added.origin {
                AddedBy::Filter { .. } => share(run, &body.condition, body, table),
                AddedBy::Tuning(hiding) => {
                    let hides =
                        hiding.not_for(event).is_none() && run.holds(&body.condition, body, table);
                    if hides { 0 } else { WHOLE }
                }
            };
            shares.push((1, as_it_must));
        }
        average(shares.into_iter())
    }

    fn parts(&self, run: &mut Run<'_, '_>, event: &Event<'_>, table: &Table) -> Vec<Part> {
        let mut teller = Teller { run, table };
        let step = teller.condition(&self.rule);
        let mut parts = vec![Part { origin: Origin::Rule, holds: step.holds, step }];
        for added in &self.added {
            let step = teller.condition(&added.condition);
            parts.push(match &added.origin {
                AddedBy::Filter { title, file } => Part {
                    origin: Origin::Filter { title: title.clone(), file: file.clone() },
                    holds: step.holds,
                    step,
                },
                AddedBy::Tuning(hiding) => {
                    let not_for = hiding.not_for(event);
                    Part {
                        holds: !step.holds || not_for.is_some(),
                        origin: hiding.origin(not_for),
                        step,
                    }
                }
            });
        }
        parts
    }
}

/// How much of a rule holds for an event, and why where that was wanted.
pub(crate) struct Judged {
    pub(crate) share: u32,
    pub(crate) explanation: Option<Explanation>,
}

/// The rule's document.
fn find(files: &[SourceFile], meta: &RuleMeta) -> Option<Node> {
    let is_it = |document: &Node, text: &str| {
        let read = super::meta::read(document, &meta.rule.source, text, meta.own);
        read.is_ok_and(|read| read.rule.id == meta.rule.id)
    };
    let named = files.iter().filter(|file| file.name == meta.rule.source);
    named
        .filter_map(|file| std::str::from_utf8(&file.bytes).ok())
        .find_map(|text| yaml::documents(text).0.into_iter().find(|node| is_it(node, text)))
}

fn written(condition: &Node) -> String {
    match &condition.content {
        Content::List(all) => all.iter().filter_map(Node::text).collect::<Vec<_>>().join("\n"),
        _ => condition.text().unwrap_or_default().trim().to_owned(),
    }
}

/// The filters that apply to the rule.
fn filters(
    files: &[SourceFile],
    meta: &RuleMeta,
    logsource: &LogSource,
    (tuning, field): (&Tuning, &mut dyn FnMut(&str) -> FieldId),
) -> Vec<Added> {
    let mut added = Vec::new();
    for file in files {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        if !text.contains("filter") {
            continue;
        }
        for mut document in yaml::documents(text).0 {
            tuning.placeholders().fill(&mut document);
            let Some(part) = filter::part(&document) else { continue };
            let compiled = Filter::compile(&document, part, &mut |_| KEYWORDS);
            if !compiled.is_ok_and(|filter| filter.is_for(meta, logsource)) {
                continue;
            }
            let Ok((body, labels)) = rule::labelled(part, "filter", field) else { continue };
            let title = document.get("title").and_then(Node::text).unwrap_or_default().to_owned();
            let origin = AddedBy::Filter { title, file: file.name.clone() };
            added.push(Added { origin, condition: Labelled { body, labels } });
        }
    }
    added
}

/// What a part of an `and` weighs: most events pass a `not`, so passing it says less.
fn weight(expr: &Expr) -> u64 {
    if matches!(expr, Expr::Not(_)) { 1 } else { RULE_WEIGHT }
}

/// The weighted mean of shares, rounded down: [`WHOLE`] only where all of them are.
fn average(shares: impl Iterator<Item = (u64, u32)>) -> u32 {
    let (weights, sum) = shares.fold((0, 0), |(weights, sum), (weight, share)| {
        (weights + weight, sum + weight * u64::from(share))
    });
    u32::try_from(sum / weights.max(1)).unwrap_or(WHOLE)
}

/// How much of an expression holds, in millionths.
fn share(run: &mut Run<'_, '_>, expr: &Expr, body: &Body, table: &Table) -> u32 {
    match expr {
        Expr::All(parts) => {
            let shares = parts.iter().map(|part| (weight(part), share(run, part, body, table)));
            average(shares)
        }
        Expr::Any(parts) => {
            parts.iter().map(|part| share(run, part, body, table)).max().unwrap_or(0)
        }
        Expr::Selection(index) => {
            body.selection(*index).map_or(0, |inner| share(run, inner, body, table))
        }
        Expr::Not(_) | Expr::Item(_) => {
            if run.holds(expr, body, table) {
                WHOLE
            } else {
                0
            }
        }
    }
}

/// The items of one entry, and its number.
fn entry_items(expr: &Expr) -> Option<(u32, Vec<&Item>)> {
    let parts = match expr {
        Expr::Item(item) if item.label != UNLABELLED => return Some((item.label, vec![item])),
        Expr::Any(parts) | Expr::All(parts) => parts,
        _ => return None,
    };
    let items: Option<Vec<&Item>> = parts
        .iter()
        .map(|part| match part {
            Expr::Item(item) => Some(item),
            _ => None,
        })
        .collect();
    let items = items?;
    let label = items.first().map(|item| item.label).filter(|label| *label != UNLABELLED)?;
    items.iter().all(|item| item.label == label).then_some((label, items))
}

/// Tells a condition on the event at hand.
struct Teller<'t, 'r, 'e> {
    run: &'t mut Run<'r, 'e>,
    table: &'t Table,
}

impl Teller<'_, '_, '_> {
    fn condition(&mut self, condition: &Labelled) -> Step {
        self.step(&condition.body.condition, condition)
    }

    fn step(&mut self, expr: &Expr, of: &Labelled) -> Step {
        let holds = self.run.holds(expr, &of.body, self.table);
        let inner = match expr {
            Expr::Not(inner) => inner,
            _ => expr,
        };
        if let Some((label, items)) = entry_items(inner)
            && let Some(entry) = of.labels.entry(label)
            && entry.negated == matches!(expr, Expr::Not(_))
        {
            let entry = self.entry(entry, &items);
            return Step { holds, kind: StepKind::Entry(entry), parts: Vec::new() };
        }
        let (kind, parts) = match expr {
            Expr::All(parts) => (StepKind::All, parts.iter().map(|p| self.step(p, of)).collect()),
            Expr::Any(parts) => (StepKind::Any, parts.iter().map(|p| self.step(p, of)).collect()),
            Expr::Not(inner) => (StepKind::Not, vec![self.step(inner, of)]),
            Expr::Selection(index) => self.selection(*index, of),
            Expr::Item(_) => (StepKind::All, Vec::new()),
        };
        Step { holds, kind, parts }
    }

    /// A selection with the entries that it is made of.
    fn selection(&mut self, index: usize, of: &Labelled) -> (StepKind, Vec<Step>) {
        let name = of.labels.selections.get(index);
        let (name, line) = name.map(|(name, at)| (name.clone(), at.line)).unwrap_or_default();
        let step = of.body.selection(index).map(|inner| self.step(inner, of));
        let parts = match step {
            Some(Step { kind: StepKind::All, parts, .. }) => parts,
            other => other.into_iter().collect(),
        };
        (StepKind::Selection { name, line }, parts)
    }

    fn entry(&mut self, entry: &super::label::Entry, items: &[&Item]) -> Entry {
        let wanted = entry.values.iter().zip(items).map(|((text, _), item)| Wanted {
            text: text.clone(),
            found: self.run.item(item, self.table),
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let mut seen = Vec::new();
        let mut absent = Vec::new();
        if let Some(first) = items.first() {
            absent = self.see(first.field, items, &mut seen);
            for other in items.iter().flat_map(|item| &item.checks) {
                if let Check::Field(other, _) = other {
                    self.see(*other, items, &mut seen);
                }
            }
        }
        Entry {
            key: entry.key.clone(),
            line: entry.place.line,
            column: entry.place.column,
            all: entry.all,
            negated: entry.negated,
            wanted,
            seen,
            absent,
        }
    }

    /// Adds the values of a field; gives the names under which it was looked for in vain.
    fn see(&mut self, field: FieldId, items: &[&Item], out: &mut Vec<Seen>) -> Vec<String> {
        let slot = self.table.slot(field);
        let mut nth = 0;
        while let Some(place) = slot.and_then(|slot| self.run.place(slot, nth)) {
            nth += 1;
            if out.len() >= MAX_SEEN {
                break;
            }
            let tells = field != KEYWORDS
                || items.iter().any(|item| self.run.passes(item, place, self.table));
            if tells {
                out.push(self.seen(field, place));
            }
        }
        let known = slot.filter(|_| nth == 0).and_then(|slot| self.run.plan.slots.get(slot));
        known.map(|slot| slot.names.clone()).unwrap_or_default()
    }

    fn seen(&self, field: FieldId, place: usize) -> Seen {
        let name = self.run.name(field, place);
        let text = self.run.seen(place).and_then(|seen| seen.text().map(Cow::into_owned));
        let Some(text) = text else { return Seen { name, text: None, cut: 0 } };
        let length = text.chars().count();
        Seen {
            name,
            text: Some(text.chars().take(MAX_TEXT).collect()),
            cut: length.saturating_sub(MAX_TEXT),
        }
    }
}
