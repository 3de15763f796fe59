//! Rules of several sets, compiled into one engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use model::Event;
use model::case::RefusedRule;
use rustc_hash::FxHashMap;

use super::check::FieldId;
use super::dispatch::{Bound, Dispatch, GroupKey, Interner};
use super::expand::Placeholders;
use super::filter::{self, Filter};
use super::kind;
use super::mapping::{Mapping, SourceId};
use super::meta;
use super::plan::{Parts, Plan};
use super::rule::{self, Body, LogSource, Rule};
use super::run::{Run, SigmaScratch};
use super::tuning::{Hides, Tuning};
use super::yaml::{self, Fault, Node, Place};
use crate::correlation::{
    self, Correlation, Correlations, Names, Pending, Referent, Resolver, Target,
};
use crate::tuned::{Hidden, Tuned};
use crate::{Hit, IdleRule, LoadReport, RuleIndex, RuleMeta, SourceFile};

/// Bytes of a rule file.
const MAX_FILE: usize = 8 << 20;
const START: Place = Place { line: 1, column: 1 };
/// The field that holds a record's event id.
pub(super) const EVENT_ID: &str = "EventID";

/// A group of rules: those that records with a like head are run against. The default one has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) u32);

/// Takes rules, set by set, and makes an engine of them.
pub(crate) struct EngineBuilder {
    mapping: Mapping,
    fields: Interner<String>,
    metas: Vec<RuleMeta>,
    bodies: Vec<Body>,
    /// For each rule its bounds.
    bound: Vec<Vec<usize>>,
    bounds: Interner<Bound>,
    /// For each rule the log source that it names.
    logsources: Vec<LogSource>,
    /// File of each rule id.
    ids: HashMap<String, String>,
    filters: Vec<LoadedFilter>,
    correlations: Vec<LoadedCorrelation>,
    /// Correlations of the set being loaded, whose rules are not yet looked up.
    pending: Vec<Pending>,
    /// The rules of the sets before.
    names: Names,
    placeholders: Placeholders,
    hides: BTreeMap<u32, Vec<Hides>>,
}

/// A correlation as it was loaded.
struct LoadedCorrelation {
    meta: RuleMeta,
    correlation: Correlation,
    /// Whether the rules that it refers to tell their own hits too; an excluded one does not say.
    generate: Option<bool>,
}

/// A filter as it was loaded.
struct LoadedFilter {
    file: String,
    id: String,
    title: String,
    filter: Filter,
}

impl EngineBuilder {
    /// Nothing loaded yet.
    pub(crate) fn new(mapping: Mapping) -> Self {
        let mut fields = Interner::default();
        fields.number(String::new());
        Self {
            mapping,
            fields,
            metas: Vec::new(),
            bodies: Vec::new(),
            bound: Vec::new(),
            bounds: Interner::default(),
            logsources: Vec::new(),
            ids: HashMap::new(),
            filters: Vec::new(),
            correlations: Vec::new(),
            pending: Vec::new(),
            names: Names::default(),
            placeholders: Placeholders::default(),
            hides: BTreeMap::new(),
        }
    }

    /// The same with the lists of a site for placeholders in the rules that are added from now on.
    pub(crate) fn with_placeholders_of(self, tuning: &Tuning) -> Self {
        Self { placeholders: tuning.placeholders().clone(), ..self }
    }

    /// Loads a set of rule files; `own` marks those of our own content. One bad rule stops no other.
    pub(crate) fn add(&mut self, files: &[SourceFile], own: bool) -> LoadReport {
        let mut report = LoadReport::default();
        let (rules, filters) = (self.metas.len(), self.filters.len());
        for file in files {
            if let Err(fault) = self.add_file(file, own, &mut report) {
                report.refused.push(refused(file, fault));
            }
        }
        self.apply_filters(rules, filters, &mut report);
        self.bind_correlations(rules, &mut report);
        report
    }

    /// Binds the correlations of a set to its rules, else to those of the sets before.
    fn bind_correlations(&mut self, first_rule: usize, report: &mut LoadReport) {
        let mut names = Names::default();
        let rules = self.metas.iter().zip(&self.bound).zip(0..).skip(first_rule);
        for ((meta, bound), index) in rules {
            names.add(meta, Referent::rule(index, meta.level, bound.is_empty()));
        }
        let next = u32::try_from(self.correlations.len()).unwrap_or(u32::MAX);
        let mut resolver = Resolver { own: &mut names, earlier: &self.names, next };
        let resolution = resolver.resolve(std::mem::take(&mut self.pending));
        for (file, fault) in resolution.refused {
            report.refused.push(refusal(file, fault));
        }
        for bound in resolution.bound {
            report.loaded += 1;
            if bound.referent.idle {
                report.idle.push(IdleRule {
                    file: bound.meta.rule.source.clone(),
                    id: bound.meta.rule.id.clone(),
                    title: bound.meta.rule.title.clone(),
                    reason: "no record can be for a rule that it needs".to_owned(),
                });
            }
            self.correlations.push(LoadedCorrelation {
                meta: bound.meta,
                correlation: bound.correlation,
                generate: Some(bound.generate),
            });
        }
        self.names.join(names);
    }

    /// Applies tuning to all rules added so far.
    pub(crate) fn tune(&mut self, tuning: &Tuning) -> Result<Tuned, Vec<RefusedRule>> {
        let rules = self.metas.len();
        // Correlations stand behind the rules, as they will in the engine.
        let mut metas = std::mem::take(&mut self.metas);
        metas.extend(self.correlations.iter().map(|one| one.meta.clone()));
        let tuned = tuning.decide(&mut metas);
        for (one, meta) in self.correlations.iter_mut().zip(metas.drain(rules..)) {
            one.meta = meta;
        }
        self.metas = metas;
        let tuned = tuned?;
        for rule in tuned.excluded.keys() {
            let index = rule.0 as usize;
            if let Some(bound) = self.bound.get_mut(index) {
                bound.clear();
            } else if let Some(one) = self.correlations.get_mut(index - rules) {
                one.generate = None;
            }
        }
        let fields = &mut self.fields;
        self.hides = tuning.compile(&self.metas, &mut |name| FieldId(number(fields, name)));
        Ok(tuned)
    }

    /// Adds the filters of a set to its rules; a filter may stand before the rules that it names.
    fn apply_filters(&mut self, first_rule: usize, first: usize, report: &mut LoadReport) {
        let rules = || self.metas.iter().zip(&self.logsources).zip(first_rule..).skip(first_rule);
        for loaded in self.filters.iter().skip(first) {
            let mut used = false;
            for ((meta, logsource), number) in rules() {
                if let Some(body) = self.bodies.get_mut(number)
                    && loaded.filter.is_for(meta, logsource)
                {
                    used = true;
                    body.filters.extend(loaded.filter.body.clone());
                }
            }
            let reason = match (&loaded.filter.body, used) {
                (None, _) => "it needs a placeholder list (`expand`) that nobody supplied",
                (_, false) => {
                    "no rule that was loaded with it has its id or name and its log source"
                }
                _ => continue,
            };
            report.idle.push(IdleRule {
                file: loaded.file.clone(),
                id: loaded.id.clone(),
                title: loaded.title.clone(),
                reason: reason.to_owned(),
            });
        }
    }

    fn add_file(
        &mut self,
        file: &SourceFile,
        own: bool,
        report: &mut LoadReport,
    ) -> Result<(), Fault> {
        let text = text(file)?;
        let (mut documents, fault) = yaml::documents(text);
        for document in &mut documents {
            self.placeholders.fill(document);
        }
        let mut found = false;
        for document in documents.iter().filter(|document| !document.is_null()) {
            found = true;
            if !kind::is_rule(document) {
                report.not_rules.push(file.name.clone());
                continue;
            }
            // A correlation counts when its rules are found.
            let added = match document.get("correlation") {
                Some(part) => self.add_correlation(document, part, file, own).map(|()| 0),
                None => self.add_document(document, file, text, own).map(|idle| {
                    report.idle.extend(idle);
                    1
                }),
            };
            match added {
                Ok(loaded) => report.loaded += loaded,
                Err(fault) => report.refused.push(refused(file, fault)),
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None if !found => Err(Fault::new(START, "the file has no document")),
            None => Ok(()),
        }
    }

    fn add_document(
        &mut self,
        document: &Node,
        file: &SourceFile,
        text: &str,
        own: bool,
    ) -> Result<Option<IdleRule>, Fault> {
        if let Some(part) = filter::part(document) {
            return self.add_filter(document, part, file, own).map(|()| None);
        }
        let fields = &mut self.fields;
        let rule = rule::compile(document, &mut |name| FieldId(number(fields, name)))?;
        let meta = meta::read(document, &file.name, text, own)?;
        self.register(&meta, document, file)?;
        let idle = self.bind(rule).map(|reason| IdleRule {
            file: file.name.clone(),
            id: meta.rule.id.clone(),
            title: meta.rule.title.clone(),
            reason,
        });
        self.metas.push(meta);
        Ok(idle)
    }

    fn add_filter(
        &mut self,
        document: &Node,
        part: &Node,
        file: &SourceFile,
        own: bool,
    ) -> Result<(), Fault> {
        let fields = &mut self.fields;
        let filter = Filter::compile(document, part, &mut |name| FieldId(number(fields, name)))?;
        let meta = meta::read(document, &file.name, text(file)?, own)?;
        self.register(&meta, document, file)?;
        self.filters.push(LoadedFilter {
            file: file.name.clone(),
            id: meta.rule.id,
            title: meta.rule.title,
            filter,
        });
        Ok(())
    }

    fn add_correlation(
        &mut self,
        document: &Node,
        part: &Node,
        file: &SourceFile,
        own: bool,
    ) -> Result<(), Fault> {
        let parsed = correlation::parse(document, part)?;
        let mut meta = meta::read(document, &file.name, text(file)?, own)?;
        meta.rule.engine = model::case::Engine::Correlation;
        self.register(&meta, document, file)?;
        let has_level = document.get("level").is_some_and(|level| !level.is_null());
        self.pending.push(Pending { meta, has_level, parsed });
        Ok(())
    }

    /// Notes an id, which nothing else may have.
    fn register(
        &mut self,
        meta: &RuleMeta,
        document: &Node,
        file: &SourceFile,
    ) -> Result<(), Fault> {
        if let Some(first) = self.ids.get(&meta.rule.id) {
            let reason = format!("the id {} is that of a rule in {first}", meta.rule.id);
            return Err(Fault::new(document.place, reason));
        }
        self.ids.insert(meta.rule.id.clone(), file.name.clone());
        Ok(())
    }

    /// Binds a rule to its sources; gives the reason if no record can ever be for it.
    fn bind(&mut self, rule: Rule) -> Option<String> {
        self.logsources.push(rule.logsource.clone());
        let Some(body) = rule.body else {
            self.bodies.push(Body::never());
            self.bound.push(Vec::new());
            return Some("it needs a placeholder list (`expand`) that nobody supplied".to_owned());
        };
        let sources = self.mapping.lookup(&rule.logsource);
        let field = FieldId(number(&mut self.fields, EVENT_ID));
        let ids = body.necessary_numbers(field);
        let mut bound = Vec::new();
        for source in &sources {
            let narrowed = self.narrowed(*source, ids.as_ref());
            bound.extend(narrowed.map(|bound| self.bounds.number(bound)));
        }
        let reason = match (sources.is_empty(), bound.is_empty()) {
            (true, _) => {
                Some(format!("no evidence here has its log source ({})", rule.logsource.shown()))
            }
            (_, true) => Some("its event ids are not among those of its log source".to_owned()),
            _ => None,
        };
        self.bodies.push(body);
        self.bound.push(bound);
        reason
    }

    /// The part of a source that a rule can fire on, given the event ids that it needs.
    fn narrowed(
        &self,
        source: SourceId,
        ids: Option<&std::collections::BTreeSet<u32>>,
    ) -> Option<Bound> {
        let known = self.mapping.source(source)?;
        let Some(ids) = ids.filter(|_| known.family == "windows-event") else {
            return Some(Bound { source, ids: None });
        };
        let allowed = |id: &&u32| known.event_id.is_empty() || known.event_id.contains(id);
        let ids: Vec<u32> = ids.iter().filter(allowed).copied().collect();
        (!ids.is_empty()).then_some(Bound { source, ids: Some(ids) })
    }

    /// The engine over all rules added; their data in the order of their indexes, correlations last.
    pub(crate) fn build(mut self) -> (Engine, Vec<RuleMeta>) {
        let correlations = self.take_correlations();
        let mut wanted = FxHashMap::default();
        for (rule, names) in correlations.wanted() {
            let ids = names.iter().map(|name| FieldId(number(&mut self.fields, name))).collect();
            wanted.insert(*rule, ids);
        }
        for name in self.mapping.guard_fields() {
            self.fields.number(name);
        }
        let (dispatch, keys) = Dispatch::new(self.bounds.items(), &self.mapping);
        let mut by_bound: Vec<Vec<u32>> = vec![Vec::new(); self.bounds.items().len()];
        for (rule, bounds) in (0..).zip(&self.bound) {
            for bound in bounds {
                if let Some(rules) = by_bound.get_mut(*bound) {
                    rules.push(rule);
                }
            }
        }
        let bounds = self.bounds.items();
        let groups = keys.into_iter().map(|key| Group::new(key, bounds, &by_bound)).collect();
        let engine = Engine {
            mapping: self.mapping,
            fields: self.fields.items().to_vec(),
            bodies: self.bodies,
            dispatch,
            groups,
            wanted,
            correlations,
            hides: self.hides,
        };
        (engine, self.metas)
    }

    /// Puts the correlations behind the rules.
    fn take_correlations(&mut self) -> Correlations {
        let first = u32::try_from(self.metas.len()).unwrap_or(u32::MAX);
        let loaded = std::mem::take(&mut self.correlations);
        let generates: Vec<Option<bool>> = loaded.iter().map(|one| one.generate).collect();
        let mut rules = Vec::with_capacity(loaded.len());
        for one in loaded {
            self.metas.push(one.meta);
            rules.push(one.correlation);
        }
        let is_own = |target| {
            let index = match target {
                Target::Rule(rule) => rule,
                Target::Correlation(number) => first.saturating_add(number),
            };
            self.metas.get(index as usize).is_some_and(|meta| meta.own)
        };
        Correlations::new(rules, first, &generates, is_own)
    }
}

pub(super) fn number(fields: &mut Interner<String>, name: &str) -> u32 {
    u32::try_from(fields.number(name.to_owned())).unwrap_or(u32::MAX)
}

/// The text of a rule file.
fn text(file: &SourceFile) -> Result<&str, Fault> {
    if file.bytes.len() > MAX_FILE {
        return Err(Fault::new(START, "the file is larger than 8 MiB"));
    }
    std::str::from_utf8(&file.bytes).map_err(|error| {
        Fault::new(not_utf8(&file.bytes, error.valid_up_to()), "the file is not UTF-8")
    })
}

fn refused(file: &SourceFile, fault: Fault) -> RefusedRule {
    refusal(file.name.clone(), fault)
}

fn refusal(file: String, fault: Fault) -> RefusedRule {
    RefusedRule { file, line: fault.place.line, column: fault.place.column, reason: fault.reason }
}

fn not_utf8(bytes: &[u8], at: usize) -> Place {
    let valid = bytes.get(..at).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', valid).count() as u64 + 1;
    let last = valid.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(last).chars().count() as u64 + 1;
    Place { line, column }
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    /// Rules with their sources, by rule.
    entries: Vec<(u32, SourceId)>,
    rules: Vec<RuleIndex>,
    /// Laid out when the first record of the group comes.
    plan: OnceLock<Plan>,
}

impl Group {
    fn new(key: GroupKey, bounds: &[Bound], by_bound: &[Vec<u32>]) -> Self {
        let mut entries = Vec::new();
        for index in &key.bounds {
            if let (Some(bound), Some(rules)) = (bounds.get(*index), by_bound.get(*index)) {
                entries.extend(rules.iter().map(|rule| (*rule, bound.source)));
            }
        }
        entries.sort_unstable();
        entries.dedup();
        let mut rules: Vec<RuleIndex> = entries.iter().map(|(rule, _)| RuleIndex(*rule)).collect();
        rules.dedup();
        Self { key, entries, rules, plan: OnceLock::new() }
    }
}

/// All rules, ready to run; shared by all threads.
#[derive(Debug)]
pub(crate) struct Engine {
    mapping: Mapping,
    fields: Vec<String>,
    bodies: Vec<Body>,
    dispatch: Dispatch,
    groups: Vec<Group>,
    /// For each rule that a correlation refers to, the fields whose values a hit brings along.
    wanted: FxHashMap<u32, Vec<FieldId>>,
    correlations: Correlations,
    /// What hides hits of a rule.
    hides: BTreeMap<u32, Vec<Hides>>,
}

impl Engine {
    /// Runs the rules that are for an event; gives their group.
    pub(crate) fn run(
        &self,
        event: &Event<'_>,
        scratch: &mut SigmaScratch,
        hit: &mut dyn FnMut(Hit),
    ) -> GroupId {
        scratch.hidden.clear();
        let number = self.dispatch.group(event, &mut scratch.heads);
        let known = self.groups.get(number as usize).filter(|group| !group.rules.is_empty());
        let Some(group) = known else { return GroupId::default() };
        let plan = group.plan.get_or_init(|| self.plan(group));
        let layout = scratch.layouts.of(number, plan, event);
        let mut run =
            Run { plan, fields: &self.fields, event, layout, memory: &mut scratch.memory };
        run.prepare();
        #[cfg(test)]
        if scratch.every_rule {
            run.mark_all();
        }
        self.fire(&mut run, &mut scratch.hidden, hit);
        GroupId(number)
    }

    fn fire<'r>(
        &'r self,
        run: &mut Run<'r, '_>,
        hidden: &mut Vec<Hidden>,
        hit: &mut dyn FnMut(Hit),
    ) {
        let mut from = 0;
        let mut fired = None;
        while let Some(number) = run.candidate(from) {
            from = number + 1;
            let Some(entry) = run.plan.entries.get(number) else { break };
            // A record that is of several of a rule's sources is one hit.
            if fired == Some(entry.rule) {
                continue;
            }
            let Some(body) = self.bodies.get(entry.rule as usize) else { continue };
            if let Some(view) = run.fires(number, body) {
                fired = Some(entry.rule);
                let rule = RuleIndex(entry.rule);
                let mut hides = self.hides.get(&entry.rule).into_iter().flatten();
                if let Some(hides) = hides.find(|hides| run.hides(hides, view)) {
                    hidden.push(Hidden { rule, entry: hides.entry });
                    continue;
                }
                let matched = run.matched(body, view);
                let wanted = self.wanted.get(&entry.rule);
                let values = wanted.map(|fields| run.values(fields, view)).unwrap_or_default();
                hit(Hit { rule, matched, values });
            }
        }
    }

    fn plan(&self, group: &Group) -> Plan {
        Plan::new(&Parts {
            mapping: &self.mapping,
            fields: &self.fields,
            bodies: &self.bodies,
            rules: &group.entries,
            message: group.key.message,
            family: &group.key.family,
        })
    }

    /// The correlations over its rules.
    pub(crate) fn correlations(&self) -> &Correlations {
        &self.correlations
    }

    /// How many groups there are.
    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The rules that are for the records of a group, in the order of their indexes.
    pub(crate) fn group_rules(&self, group: GroupId) -> &[RuleIndex] {
        self.groups.get(group.0 as usize).map_or(&[], |group| &group.rules)
    }
}
