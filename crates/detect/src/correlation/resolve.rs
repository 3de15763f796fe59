//! Binds correlations to the rules that they refer to by id or name, members before those that need them.

use std::collections::{BTreeMap, HashMap};

use model::case::Severity;

use super::parse::{Alias, Parsed};
use super::{Correlation, Kind, Member};
use crate::RuleMeta;
use crate::sigma::modifiers::nearest;
use crate::sigma::yaml::{Fault, Node};

/// Correlations of correlations of ...
pub(crate) const MAX_CHAIN: usize = 8;
/// Rules that one correlation may rest on, each counted as often as there are ways to it.
const MAX_WAYS: u32 = 1_000;

/// What a correlation refers to, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Rule(u32),
    Correlation(u32),
}

/// What is known of a rule or correlation that others may refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Referent {
    pub(crate) target: Target,
    pub(crate) level: Severity,
    /// No record can ever be for it.
    pub(crate) idle: bool,
    /// How many correlations stand upon each other in it.
    chain: usize,
    /// How many ways lead from it to a rule.
    ways: u32,
}

impl Referent {
    pub(crate) fn rule(index: u32, level: Severity, idle: bool) -> Self {
        Self { target: Target::Rule(index), level, idle, chain: 0, ways: 1 }
    }
}

/// Rules and correlations by id (lower case) and by name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_name: BTreeMap<String, Vec<Referent>>,
}

impl Names {
    pub(crate) fn add(&mut self, meta: &RuleMeta, referent: Referent) {
        self.by_name.entry(meta.rule.id.to_lowercase()).or_default().push(referent);
        if let Some(name) = &meta.name {
            self.by_name.entry(name.clone()).or_default().push(referent);
        }
    }

    /// Takes in the names of another set.
    pub(crate) fn join(&mut self, other: Self) {
        for (name, referents) in other.by_name {
            self.by_name.entry(name).or_default().extend(referents);
        }
    }

    fn get(&self, reference: &str) -> &[Referent] {
        let found =
            self.by_name.get(reference).or_else(|| self.by_name.get(&reference.to_lowercase()));
        found.map_or(&[], Vec::as_slice)
    }
}

/// A correlation document before its rules are looked up.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) meta: RuleMeta,
    /// Whether the document states a level of its own.
    pub(crate) has_level: bool,
    pub(crate) parsed: Parsed,
}

/// A correlation that is bound.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) meta: RuleMeta,
    pub(crate) correlation: Correlation,
    pub(crate) referent: Referent,
    pub(crate) generate: bool,
}

/// Looks up the rules of a set of correlations.
pub(crate) struct Resolver<'n> {
    /// The set's own rules come first, then those that were loaded before it.
    pub(crate) own: &'n mut Names,
    pub(crate) earlier: &'n Names,
    /// Index of the first correlation that is bound here.
    pub(crate) next: u32,
}

enum State {
    Waiting(Box<Pending>),
    Active,
    Done,
}

/// What came of a set: those that were bound, in the order of their indexes, and the faults by file.
#[derive(Default)]
pub(crate) struct Resolution {
    pub(crate) bound: Vec<Bound>,
    pub(crate) refused: Vec<(String, Fault)>,
}

impl Resolver<'_> {
    /// Binds all of them.
    pub(crate) fn resolve(&mut self, pending: Vec<Pending>) -> Resolution {
        let mut waiting: HashMap<String, usize> = HashMap::new();
        for (number, one) in pending.iter().enumerate() {
            waiting.insert(one.meta.rule.id.to_lowercase(), number);
            waiting.extend(one.meta.name.clone().map(|name| (name, number)));
        }
        let mut states: Vec<State> =
            pending.into_iter().map(|one| State::Waiting(Box::new(one))).collect();
        let mut out = Resolution::default();
        for number in 0..states.len() {
            self.visit(number, &waiting, &mut states, &mut out);
        }
        out
    }

    /// Binds one, after those that it refers to.
    fn visit(
        &mut self,
        number: usize,
        waiting: &HashMap<String, usize>,
        states: &mut [State],
        out: &mut Resolution,
    ) {
        let Some(state) = states.get_mut(number) else { return };
        let State::Waiting(pending) = std::mem::replace(state, State::Active) else {
            // Bound before, or being bound: then the lookup finds nothing and says so.
            if let Some(state) = states.get_mut(number) {
                *state = State::Done;
            }
            return;
        };
        for (reference, _) in &pending.parsed.rules {
            let inner = waiting.get(reference).or_else(|| waiting.get(&reference.to_lowercase()));
            if let Some(inner) = inner {
                self.visit(*inner, waiting, states, out);
            }
        }
        if let Some(state) = states.get_mut(number) {
            *state = State::Done;
        }
        let file = pending.meta.rule.source.clone();
        match self.bind(*pending, out.bound.len()) {
            Ok(bound) => {
                self.own.add(&bound.meta, bound.referent);
                out.bound.push(bound);
            }
            Err(fault) => out.refused.push((file, fault)),
        }
    }

    fn bind(&self, pending: Pending, before: usize) -> Result<Bound, Fault> {
        let Pending { mut meta, has_level, parsed } = pending;
        let referents = parsed
            .rules
            .iter()
            .map(|(reference, node)| self.referent(reference, node))
            .collect::<Result<Vec<_>, _>>()?;
        let chain = 1 + referents.iter().map(|r| r.chain).max().unwrap_or(0);
        let ways = referents.iter().map(|r| r.ways).sum();
        if let Some((_, node)) = parsed.rules.first() {
            let fault = |reason| Err(Fault::new(node.place, reason));
            if chain > MAX_CHAIN {
                return fault(format!("correlation: more than {MAX_CHAIN} upon each other"));
            }
            if ways > MAX_WAYS {
                return fault(format!("correlation: it rests on more than {MAX_WAYS} rules"));
            }
        }
        let mut members: Vec<Member> =
            referents.iter().map(|r| Member { target: r.target, aliases: Vec::new() }).collect();
        for alias in &parsed.aliases {
            apply_alias(alias, &parsed.rules, &mut members)?;
        }
        if !has_level {
            meta.level = referents.iter().map(|r| r.level).max().unwrap_or(meta.level);
        }
        let needs_all = matches!(parsed.kind, Kind::Rules(None) | Kind::Ordered);
        let mut idle = referents.iter().map(|r| r.idle);
        let idle = if needs_all { idle.any(|idle| idle) } else { idle.all(|idle| idle) };
        let index = self.next.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
        let target = Target::Correlation(index);
        Ok(Bound {
            referent: Referent { target, level: meta.level, idle, chain, ways },
            meta,
            generate: parsed.generate,
            correlation: Correlation {
                members,
                kind: parsed.kind,
                condition: parsed.condition,
                group_by: parsed.group_by,
                fields: parsed.fields,
                timespan: parsed.timespan,
            },
        })
    }

    fn referent(&self, reference: &str, node: &Node) -> Result<Referent, Fault> {
        let own = self.own.get(reference);
        let found = if own.is_empty() { self.earlier.get(reference) } else { own };
        match found {
            [only] => Ok(*only),
            [] => {
                let known = self.own.by_name.keys().map(String::as_str);
                let hint = nearest(reference, known)
                    .map_or_else(String::new, |name| format!("; `{name}` is meant?"));
                let reason = format!(
                    "correlation: it refers to `{reference}`, and no rule that was loaded has that id or name{hint}"
                );
                Err(Fault::new(node.place, reason))
            }
            several => {
                let reason = format!(
                    "correlation: it refers to `{reference}`, and {} rules have that name; use the id",
                    several.len()
                );
                Err(Fault::new(node.place, reason))
            }
        }
    }
}

/// Hands an alias to the members that it names, which the correlation must refer to.
fn apply_alias(
    alias: &Alias,
    rules: &[(String, Node)],
    members: &mut [Member],
) -> Result<(), Fault> {
    for (rule, node, field) in &alias.fields {
        let mut known = false;
        for ((reference, _), member) in rules.iter().zip(members.iter_mut()) {
            if reference == rule {
                known = true;
                member.aliases.push((alias.name.clone(), field.clone()));
            }
        }
        if !known {
            let hint = nearest(rule, rules.iter().map(|(name, _)| name.as_str()))
                .map_or_else(String::new, |name| format!(": `{name}` is meant?"));
            let reason =
                format!("correlation: an alias for `{rule}`, to which it does not refer{hint}");
            return Err(Fault::new(node.place, reason));
        }
    }
    Ok(())
}
