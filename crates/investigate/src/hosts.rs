//! From files to hosts: which names are one host, which host the records that name none belong to, and
//! what all of it says together, with clocks corrected.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assess::{ClockFinding, HostEvidence, Interval, Record, RuleHits, Source, Statement};
use detect::{Detector, RuleIndex};
use evidence::{Inventory, Item};
use model::case::{CheckCounts, CustodyItem};
use model::{ItemId, RootId, Time};
use rustc_hash::FxHashMap;

use crate::clocks::{self, Correction};
use crate::correlate::{Clocked, Ground, correlate};
use crate::gather::{
    HitGather, HostGather, ItemGather, Kept, Losses, SourceGather, SourceKey, Span,
    StatementGather, StatementKey,
};
use crate::name::folder_name;

/// Above so many files a case lists those that speak of its host, and those that speak of none.
const FULL_CUSTODY: usize = 10_000;

/// What is the same for all hosts of the run.
pub(crate) struct Run<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) items: FxHashMap<ItemId, ItemGather>,
    pub(crate) detector: &'a Detector,
    /// `--host`
    pub(crate) host: Option<&'a str>,
    pub(crate) keep: &'a dyn Fn(RuleIndex) -> usize,
    /// Matches of rules that correlations refer to.
    pub(crate) matches: &'a Kept,
    /// Folder for temporary files.
    pub(crate) temp_dir: &'a Path,
    /// Set from outside to stop early.
    pub(crate) cancel: &'a AtomicBool,
}

/// One host, or one collection whose records name none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Named(String),
    Unattributed(u32),
}

/// A file's share in one host.
struct Share {
    item: ItemId,
    gathered: HostGather,
    losses: Losses,
}

/// The hosts of the run with their evidence, in the order of their folders. The only errors are those of
/// temporary files, and `Interrupted`.
pub(crate) fn hosts(mut run: Run<'_>) -> io::Result<Vec<HostEvidence>> {
    let names = Names::of(&run);
    let mut shares: BTreeMap<Owner, Vec<Share>> = BTreeMap::new();
    let mut spoken: BTreeMap<Owner, BTreeSet<String>> = BTreeMap::new();
    let mut copies: BTreeMap<(Owner, &str, &str), ItemId> = BTreeMap::new();
    for item in &run.inventory.items {
        let Some(gathered) = run.items.remove(&item.head.id) else { continue };
        for (name, host) in gathered.hosts.into_iter() {
            let Some(owner) = names.owner(item.head.root, name.as_deref()) else { continue };
            // The same file of the same host handed in twice, say as folder and as archive, counts once.
            if let Some(sha256) = &item.sha256 {
                let key = (owner.clone(), sha256.as_str(), item.head.logical.as_str());
                if *copies.entry(key).or_insert(item.head.id) != item.head.id {
                    continue;
                }
            }
            if let (Owner::Named(_), Some(name)) = (&owner, &name) {
                spoken.entry(owner.clone()).or_default().insert(name.to_string());
            }
            let losses = gathered.losses.clone();
            shares.entry(owner).or_default().push(Share {
                item: item.head.id,
                gathered: host,
                losses,
            });
        }
    }
    let clocked: BTreeMap<Owner, Clocked> = shares
        .iter()
        .map(|(owner, shares)| (owner.clone(), clocked(run.inventory, shares)))
        .collect();
    let ground = Ground {
        detector: run.detector,
        inventory: run.inventory,
        matches: run.matches,
        temp_dir: run.temp_dir,
        cancel: run.cancel,
        hosts: &clocked,
        keep: run.keep,
    };
    let found = correlate(&ground, |root, name| names.owner(root, name))?;
    let mut hosts: Vec<HostEvidence> = shares
        .into_iter()
        .zip(clocked.into_values().zip(found))
        .map(|((owner, shares), (clocked, found))| {
            let said = spoken.remove(&owner).unwrap_or_default();
            let custody = Custody::of(&run, &shares, &names.silent);
            let merged = Merged::of(shares, &clocked.corrections, found, run.keep);
            host_evidence(&run, &owner, said, merged, (custody, &clocked.corrections))
        })
        .collect();
    hosts.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(hosts)
}

fn clocked(inventory: &Inventory, shares: &[Share]) -> Clocked {
    Clocked {
        items: shares.iter().map(|share| share.item).collect(),
        corrections: clocks::corrections(inventory, shares.iter().map(|s| (s.item, &s.gathered))),
    }
}

/// Who is who in the collections of this run.
struct Names {
    /// Canonical name by collection and spoken name (lower case).
    canonical: BTreeMap<(RootId, String), String>,
    /// The host that a collection's nameless records belong to.
    own: BTreeMap<RootId, Owner>,
    /// Collections without a record: nobody knows whose they are, so every case lists their files.
    silent: BTreeSet<RootId>,
}

impl Names {
    fn of(run: &Run<'_>) -> Self {
        let mut spoken: BTreeMap<RootId, BTreeMap<String, bool>> = BTreeMap::new();
        let mut silent: BTreeSet<RootId> = run.inventory.roots.iter().map(|r| r.id).collect();
        for item in &run.inventory.items {
            if run.items.get(&item.head.id).is_some_and(|g| g.hosts.iter().next().is_some()) {
                silent.remove(&item.head.root);
            }
            let by_product = item.head.kind.starts_with("exchange");
            let hosts = run.items.get(&item.head.id).into_iter().flat_map(|g| g.hosts.iter());
            for name in hosts.filter_map(|(name, _)| name.as_deref()) {
                let names = spoken.entry(item.head.root).or_default();
                *names.entry(normal(name)).or_default() |= by_product;
            }
        }
        let mut canonical = BTreeMap::new();
        let mut own = BTreeMap::new();
        let mut nameless = 0;
        let mut roots: Vec<_> = run.inventory.roots.iter().collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        for root in roots {
            let names = spoken.remove(&root.id).unwrap_or_default();
            let joined = join_short_names(&names);
            let product_hosts: BTreeSet<&String> =
                names.iter().filter(|(_, own)| **own).map(|(n, _)| &joined[n]).collect();
            let all: BTreeSet<&String> = joined.values().collect();
            let owner = match (run.host, only(&product_hosts).or_else(|| only(&all))) {
                (Some(given), _) => Owner::Named(normal(given)),
                (None, Some(host)) => Owner::Named(host.clone()),
                (None, None) => {
                    nameless += 1;
                    Owner::Unattributed(nameless)
                }
            };
            own.insert(root.id, owner);
            canonical.extend(joined.into_iter().map(|(name, host)| ((root.id, name), host)));
        }
        Self { canonical, own, silent }
    }

    fn owner(&self, root: RootId, name: Option<&str>) -> Option<Owner> {
        match name {
            Some(name) => {
                self.canonical.get(&(root, normal(name))).map(|n| Owner::Named(n.clone()))
            }
            None => self.own.get(&root).cloned(),
        }
    }
}

fn only<'n>(names: &BTreeSet<&'n String>) -> Option<&'n String> {
    if names.len() == 1 { names.first().copied() } else { None }
}

fn normal(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

/// A short name is the full one of which it is the first part, where one collection has just one such.
fn join_short_names(names: &BTreeMap<String, bool>) -> BTreeMap<String, String> {
    names
        .keys()
        .map(|name| {
            let mut full =
                names.keys().filter(|n| n.split_once('.').is_some_and(|(short, _)| short == name));
            let joined = match (full.next(), full.next()) {
                (Some(full), None) => full,
                _ => name,
            };
            (name.clone(), joined.clone())
        })
        .collect()
}

fn host_evidence(
    run: &Run<'_>,
    owner: &Owner,
    said: BTreeSet<String>,
    mut merged: Merged,
    (custody, corrections): (Custody, &BTreeMap<Arc<str>, Correction>),
) -> HostEvidence {
    let names = match owner {
        Owner::Named(name) => all_names(name, said),
        Owner::Unattributed(_) => Vec::new(),
    };
    let folder = match owner {
        Owner::Named(name) => folder_name(name),
        Owner::Unattributed(n) => format!("_unattributed-{n}"),
    };
    let statements = merged.statements(&custody, corrections);
    let hidden = std::mem::take(&mut merged.hidden);
    HostEvidence {
        hidden,
        rules_applied: merged.rules_applied(run.detector),
        hits: merged.rule_hits(run.detector, &custody, corrections),
        clocks: clock_findings(corrections, &custody),
        statements,
        own_addresses: merged.own_addresses.iter().map(ToString::to_string).collect(),
        sources: merged.sources(run.detector),
        names,
        folder,
        items: custody.files,
    }
}

/// Names as they were spoken, the fullest first.
fn all_names(canonical: &str, said: BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<String> = said.into_iter().collect();
    if names.is_empty() {
        names.push(canonical.to_owned());
    }
    names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    names
}

/// The files of a case, and where each stands in its list.
struct Custody {
    files: Vec<CustodyItem>,
    place: FxHashMap<usize, usize>,
}

impl Custody {
    fn of(run: &Run<'_>, shares: &[Share], silent: &BTreeSet<RootId>) -> Self {
        let speaking: BTreeSet<ItemId> = shares.iter().map(|s| s.item).collect();
        let roots: BTreeSet<RootId> = run
            .inventory
            .items
            .iter()
            .filter(|i| speaking.contains(&i.head.id))
            .map(|i| i.head.root)
            .chain(silent.iter().copied())
            .collect();
        let of_roots = || run.inventory.items.iter().filter(|i| roots.contains(&i.head.root));
        let all = of_roots().count() <= FULL_CUSTODY;
        let mut custody = Self { files: Vec::new(), place: FxHashMap::default() };
        for item in of_roots() {
            let unread = item.head.kind == "unknown" || item.read == model::case::ReadState::None;
            if all || unread || speaking.contains(&item.head.id) {
                custody.place.insert(item.head.id.0 as usize, custody.files.len());
                custody.files.push(custody_file(item));
            }
        }
        custody
    }

    fn settle(&self, record: &mut Record, corrections: &BTreeMap<Arc<str>, Correction>) {
        record.item = self.place.get(&record.item).copied().unwrap_or(usize::MAX);
        if let Some(correction) = corrections.get(record.logsource.as_str()) {
            correction.apply(record);
        }
    }
}

fn custody_file(item: &Item) -> CustodyItem {
    CustodyItem {
        id: String::new(),
        path: item.head.path.clone(),
        size: item.size,
        sha256: item.sha256.clone(),
        mtime: item.mtime,
        mtime_basis: item.mtime_basis.to_owned(),
        kind: item.head.kind.to_owned(),
        read: item.read,
        issues: item.issues.clone(),
    }
}

/// A loss in a file, with the file's own first and last record of the source.
struct LossIn {
    span: Span,
    records: u64,
    first: Option<Time>,
    last: Option<Time>,
}

/// All shares of a host together, times already corrected where coverage is concerned.
#[derive(Default)]
struct Merged {
    sources: BTreeMap<Arc<str>, SourceGather>,
    losses: BTreeMap<Arc<str>, Vec<LossIn>>,
    hits: BTreeMap<RuleIndex, HitGather>,
    statements: BTreeMap<StatementKey, StatementGather>,
    own_addresses: BTreeSet<Arc<str>>,
    groups: BTreeMap<Arc<str>, BTreeSet<detect::Group>>,
    hidden: BTreeMap<(u32, usize), u64>,
}

impl Merged {
    /// All shares of a host, and what correlations found on it.
    fn of(
        shares: Vec<Share>,
        corrections: &BTreeMap<Arc<str>, Correction>,
        found: BTreeMap<RuleIndex, HitGather>,
        keep: &dyn Fn(RuleIndex) -> usize,
    ) -> Self {
        let mut merged = Self::default();
        for share in shares {
            merged.add(share, corrections, keep);
        }
        merged.hits.extend(found);
        merged
    }

    fn add(
        &mut self,
        share: Share,
        corrections: &BTreeMap<Arc<str>, Correction>,
        keep: &dyn Fn(RuleIndex) -> usize,
    ) {
        for (SourceKey { id, primary }, source) in share.gathered.sources.into_iter() {
            let source = match corrections.get(&primary).and_then(Correction::offset) {
                Some(offset) => source.moved(offset),
                None => source,
            };
            let losses = self.losses.entry(id.clone()).or_default();
            losses.extend(share.losses.iter().map(|(span, records)| LossIn {
                span: span.clone(),
                records,
                first: source.first,
                last: source.last,
            }));
            self.sources.entry(id).or_default().merge(source);
        }
        for (rule, hit) in share.gathered.hits {
            self.hits.entry(rule).or_default().merge(hit, keep(rule));
        }
        for (hidden, hits) in share.gathered.hidden {
            *self.hidden.entry((hidden.rule.0, hidden.entry)).or_default() += hits;
        }
        for (key, statement) in share.gathered.statements.into_iter() {
            match self.statements.get_mut(&key) {
                Some(mine) => mine.merge(statement),
                None => {
                    self.statements.insert(key, statement);
                }
            }
        }
        self.own_addresses.extend(share.gathered.own_addresses.into_iter().map(|(a, ())| a));
        for ((source, group), ()) in share.gathered.groups.into_iter() {
            self.groups.entry(source).or_default().insert(group);
        }
    }

    fn statements(
        &self,
        custody: &Custody,
        corrections: &BTreeMap<Arc<str>, Correction>,
    ) -> Vec<Statement> {
        let statement = |(key, gathered): (&StatementKey, &StatementGather)| {
            let StatementKey { kind, value, logsource } = key;
            let record = |pending: &crate::gather::Pending| {
                let mut record = pending.record(logsource, format!("{kind} {value}"));
                custody.settle(&mut record, corrections);
                record
            };
            Statement {
                kind: kind.to_string(),
                value: value.to_string(),
                logsource: logsource.to_string(),
                first: record(&gathered.first),
                last: record(&gathered.last),
                count: gathered.count,
            }
        };
        self.statements.iter().map(statement).collect()
    }

    fn rule_hits(
        &mut self,
        detector: &Detector,
        custody: &Custody,
        corrections: &BTreeMap<Arc<str>, Correction>,
    ) -> Vec<RuleHits> {
        let mut hits: Vec<RuleHits> = std::mem::take(&mut self.hits)
            .into_iter()
            .filter_map(|(rule, hit)| {
                let meta = detector.rules().get(rule.0 as usize)?;
                let mut records: Vec<Record> = hit.records.into_iter().collect();
                for record in &mut records {
                    custody.settle(record, corrections);
                }
                records.sort();
                let matched = hit.first_matched.map(|(_, matched)| matched).unwrap_or_default();
                Some(RuleHits {
                    // Only our own rules carry steps: a user's rule of the same name must not.
                    name: meta.name.clone().filter(|_| meta.own).unwrap_or_default(),
                    rule: meta.rule.clone(),
                    level: meta.level,
                    attack: meta.attack.clone(),
                    count: hit.count,
                    last: records.iter().filter_map(|r| r.time).max().max(hit.last),
                    records,
                    matched: matched.into_iter().map(quoted).collect(),
                })
            })
            .collect();
        hits.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
        hits
    }

    fn rules_applied(&self, detector: &Detector) -> u64 {
        let groups = self.groups.values().flatten();
        let rules: BTreeSet<RuleIndex> =
            groups.flat_map(|group| detector.group_rules(*group)).collect();
        let correlations = detector.correlations_on(&|rule| rules.contains(&rule));
        (rules.len() + correlations.len()) as u64
    }

    fn sources(self, detector: &Detector) -> BTreeMap<String, Source> {
        let Self { sources, losses, groups, .. } = self;
        sources
            .into_iter()
            .map(|(id, gathered)| {
                let losses = losses.get(&id).map(Vec::as_slice).unwrap_or_default();
                let applied: BTreeSet<RuleIndex> = groups
                    .get(&id)
                    .into_iter()
                    .flatten()
                    .flat_map(|group| detector.group_rules(*group))
                    .collect();
                let checks =
                    CheckCounts { applied: applied.len() as u64, ..CheckCounts::default() };
                (id.to_string(), source(gathered, losses, checks))
            })
            .collect()
    }
}

fn quoted(mut field: model::case::MatchedField) -> model::case::MatchedField {
    if let Some(value) = field.value.take() {
        let quote = publish::quote(&value);
        field.value = quote.value;
        field.value_b64 = quote.value_b64;
    }
    field
}

fn source(gathered: SourceGather, losses: &[LossIn], checks: CheckCounts) -> Source {
    let intervals: BTreeSet<Interval> =
        losses.iter().map(|loss| lost_span(loss, &gathered)).collect();
    Source {
        first: gathered.first,
        last: gathered.last,
        records: gathered.records,
        lost: losses.iter().map(|l| l.records).sum(),
        losses: intervals.into_iter().collect(),
        hours: gathered.hours,
        checks,
    }
}

/// The span in which records were lost. An end that the reader does not know is the file's own end; what was
/// lost behind a file's last record lies before the next record of the source.
fn lost_span(lost: &LossIn, source: &SourceGather) -> Interval {
    let LossIn { span: loss, first, last, .. } = lost;
    let (from, to) = if loss.at_end {
        let from = loss.after.or(*last);
        let next = from.and_then(|from| {
            let later = source.hours.range(from.unix_hours() + 1..).next();
            later.and_then(|(hour, _)| Time::from_unix_seconds(hour * 3_600))
        });
        (from, next.or(from))
    } else {
        (loss.after.or(*first), loss.before.or(*last))
    };
    Interval { from, to, cause: format!("damaged: {}", loss.code) }
}

fn clock_findings(
    corrections: &BTreeMap<Arc<str>, Correction>,
    custody: &Custody,
) -> Vec<ClockFinding> {
    let mut findings: Vec<ClockFinding> = Vec::new();
    for (source, correction) in corrections {
        for mut finding in correction.findings(source) {
            for record in &mut finding.basis {
                record.item = custody.place.get(&record.item).copied().unwrap_or(usize::MAX);
            }
            findings.push(finding);
        }
    }
    findings
}
