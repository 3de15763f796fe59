//! The plain evaluator: whether a rule fires on an event, worked out as slowly and as openly as the Sigma
//! specification says it.
//!
//! Tests and fuzzing hold the engine against it. Both share data (the YAML tree, the mapping, what a rule says of
//! itself) and no code that reads or compares a value. Whether a rule is refused is for the engine's loader to say;
//! the plain evaluator is asked only about rules that load.
//!
//! Case: two letters are alike if they are the same or their lower-case forms are, where each of these is one
//! character; a character whose lower-case form is longer is like itself alone.

mod condition;
mod evaluate;
mod letters;
mod read;
mod records;
mod values;

use std::collections::BTreeSet;

use model::Event;

use self::evaluate::holds;
use self::read::{Body, Rule};
use self::records::{View, sources};
use super::mapping::{Mapping, SourceId};
use super::yaml::{self, Node};
use super::{EngineBuilder, SigmaScratch, filter, meta, rule};
use crate::{ContentError, SourceFile, is_own_rule};

/// Rules for the plain evaluator.
pub struct Plain {
    mapping: Mapping,
    rules: Vec<Rule>,
    /// Ids of rules and filters: the first of an id is the one that counts.
    ids: BTreeSet<String>,
    unread: Vec<String>,
}

/// Both evaluators over one mapping, for one set of rules after the other.
pub struct Both(Mapping);

/// The ids of the rules that fired.
type Fired = BTreeSet<String>;

impl Both {
    /// With the mapping of the content.
    pub fn new(content: &[SourceFile]) -> Result<Self, ContentError> {
        Mapping::parse(content).map(Self)
    }

    /// Loads rules in both, and gives what fires on an event in the engine and in the plain evaluator.
    pub fn fired(&self, files: &[SourceFile], event: &Event<'_>) -> (Fired, Fired) {
        let mut builder = EngineBuilder::new(self.0.clone());
        builder.add(files, false);
        let (engine, metas) = builder.build();
        let mut fired = Fired::new();
        engine.run(event, &mut SigmaScratch::default(), &mut |hit| {
            let meta = metas.get(hit.rule.0 as usize);
            fired.extend(meta.map(|meta| meta.rule.id.clone()));
        });
        let mut plain = Plain::new(self.0.clone());
        plain.add(files);
        let mut plainly: Fired = plain.fired(event).into_iter().map(str::to_owned).collect();
        // What it could not read shows as a difference.
        plainly.extend(plain.unread);
        (fired, plainly)
    }
}

/// A filter, and the rules that it names; `None` for any.
struct Filter {
    logsource: read::LogSource,
    rules: Option<Vec<String>>,
    body: Option<Body>,
}

impl Plain {
    /// Takes the rules that [`crate::Detector::build`] takes.
    pub fn build(content: &[SourceFile], user_rules: &[SourceFile]) -> Result<Self, ContentError> {
        let mut plain = Self::new(Mapping::parse(content)?);
        let own: Vec<SourceFile> =
            content.iter().filter(|file| is_own_rule(file)).cloned().collect();
        plain.add(&own);
        plain.add(user_rules);
        Ok(plain)
    }

    pub(crate) fn new(mapping: Mapping) -> Self {
        Self { mapping, rules: Vec::new(), ids: BTreeSet::new(), unread: Vec::new() }
    }

    /// Adds a set of rules and filters; the filters are for rules of the same set.
    pub(crate) fn add(&mut self, files: &[SourceFile]) {
        let first = self.rules.len();
        let mut filters = Vec::new();
        for file in files {
            let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
            for document in &yaml::documents(text).0 {
                filters.extend(self.add_document(document, file, text));
            }
        }
        for filter in filters {
            for rule in self.rules.iter_mut().skip(first).filter(|rule| filter.is_for(rule)) {
                rule.filters.extend(filter.body.clone());
            }
        }
    }

    fn add_document(&mut self, document: &Node, file: &SourceFile, text: &str) -> Option<Filter> {
        let mut field = |_: &str| super::check::FieldId(1);
        let part = filter::part(document);
        let has_body = match part {
            Some(part) => {
                let filter = filter::Filter::compile(document, part, &mut field);
                filter.ok()?.body.is_some()
            }
            None => rule::compile(document, &mut field).ok()?.body.is_some(),
        };
        let meta = meta::read(document, &file.name, text, false).ok()?;
        if !self.ids.insert(meta.rule.id.clone()) {
            return None;
        }
        let logsource = read::logsource(document.get("logsource")?);
        let read = read::body(part.or_else(|| document.get("detection"))?, part.is_some());
        let body = read.unwrap_or_else(|reason| {
            // The loader looks no further than to a placeholder; what is behind it may be no rule.
            self.unread.extend(has_body.then(|| format!("{}: {reason}", file.name)));
            None
        });
        if let Some(part) = part {
            return Some(Filter { logsource, rules: read::named_rules(part), body });
        }
        self.rules.push(Rule {
            id: meta.rule.id,
            name: meta.name,
            sources: sources(&self.mapping, &logsource),
            logsource,
            body,
            filters: Vec::new(),
        });
        None
    }

    /// The ids of all rules, in the order in which they were added.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Rules and filters that load and that this evaluator could not read: a fault of one of the two.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// The ids of the rules that fire on an event, in order.
    pub fn fired(&self, event: &Event<'_>) -> BTreeSet<&str> {
        let sources = self.sources_of(event);
        let fires = |rule: &&Rule| self.fires(rule, event, &sources);
        self.rules.iter().filter(fires).map(|rule| rule.id.as_str()).collect()
    }

    /// How many rules are for an event.
    pub fn count(&self, event: &Event<'_>) -> usize {
        let sources = self.sources_of(event);
        self.rules.iter().filter(|rule| rule.sources.iter().any(|id| sources.contains(id))).count()
    }

    /// The sources that mean an event, going by its head.
    fn sources_of(&self, event: &Event<'_>) -> BTreeSet<SourceId> {
        let is_of =
            |id: &SourceId| self.mapping.source(*id).is_some_and(|s| records::is_of(s, event));
        let ids = self.mapping.named().iter().flat_map(|(_, ids)| ids);
        ids.copied().filter(is_of).collect()
    }

    fn fires(&self, rule: &Rule, event: &Event<'_>, sources: &BTreeSet<SourceId>) -> bool {
        let Some(body) = &rule.body else { return false };
        let all_hold = |view: &View<'_, '_>| {
            holds(body, view) && rule.filters.iter().all(|filter| holds(filter, view))
        };
        let ids = rule.sources.iter().filter(|id| sources.contains(id));
        ids.filter_map(|id| self.mapping.source(*id)).any(|source| {
            let view = View { mapping: &self.mapping, source, event, second: false };
            let second = View { second: true, ..view };
            let has_second = !source.second_view.is_empty();
            view.is_guarded() && (all_hold(&view) || has_second && all_hold(&second))
        })
    }
}

impl Filter {
    fn is_for(&self, rule: &Rule) -> bool {
        let names = |reference: &String| {
            reference.eq_ignore_ascii_case(&rule.id) || rule.name.as_ref() == Some(reference)
        };
        self.logsource.is_met_by(&rule.logsource)
            && self.rules.as_ref().is_none_or(|rules| rules.iter().any(names))
    }
}
