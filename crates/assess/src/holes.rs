//! Which holes a build has: what closes each hole, and what the number of a build tells of that.

use std::collections::{BTreeMap, BTreeSet};

use model::exposure::{Closing, HoleState};
use serde::Deserialize;

use crate::builds::{Build, Builds, Carries, Cumulative, StatedBuild};
use crate::dates::Dates;

/// Builds, holes, and what closes them.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    pub(crate) builds: Builds,
    pub(crate) facts: ExposureFacts,
    pub(crate) dates: Dates,
    /// What closes each hole, in the order of the holes' numbers.
    closings: BTreeMap<HoleId, Vec<ClosingFact>>,
}

/// `exposure.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureFacts {
    pub(crate) products: BTreeMap<String, String>,
    /// Who says what the rows of `su-cves.json` say.
    table_source: String,
    partial_updates: Vec<PartialUpdate>,
    pub(crate) not_covered: Vec<String>,
}

/// An update that on old cumulative updates closes the named holes and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartialUpdate {
    update: String,
    cumulative: BTreeMap<String, BTreeSet<String>>,
    closes: BTreeSet<String>,
    #[expect(dead_code, reason = "for whoever reviews the content")]
    source: String,
}

/// A hole, in the order of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HoleId {
    numbers: Vec<u32>,
    text: String,
}

impl HoleId {
    fn new(text: &str) -> Self {
        let numbers = text.split('-').filter_map(|p| p.parse().ok()).collect();
        Self { numbers, text: text.to_owned() }
    }
}

#[derive(Debug)]
struct ClosingFact {
    products: Vec<String>,
    closing: Closing,
}

#[derive(Debug, Deserialize)]
struct TableEntry {
    cve: String,
    products: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct MoreRow {
    update: String,
    cve: String,
    products: String,
    needs: String,
    source: String,
}

/// What a build says of a hole or a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) state: HoleState,
    pub(crate) why: String,
}

impl Judged {
    fn new(state: HoleState, why: impl Into<String>) -> Self {
        Self { state, why: why.into() }
    }
}

/// The files that are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HoleFiles<'a> {
    pub(crate) builds: &'a [u8],
    pub(crate) builds_more: &'a [u8],
    pub(crate) table: &'a [u8],
    pub(crate) more: &'a [u8],
}

impl Holes {
    pub(crate) fn without_builds(dates: Dates) -> Self {
        Self { dates, ..Self::default() }
    }

    pub(crate) fn parse(
        facts: ExposureFacts,
        dates: Dates,
        files: HoleFiles<'_>,
    ) -> Result<Self, String> {
        let builds = Builds::parse(files.builds, files.builds_more)?;
        let mut holes = Self { builds, facts, dates, closings: BTreeMap::new() };
        let table: BTreeMap<String, Vec<TableEntry>> =
            serde_json::from_slice(files.table).map_err(|e| e.to_string())?;
        for (update, entries) in table {
            for entry in entries {
                let closing = Closing {
                    update: Some(update.clone()),
                    needs: None,
                    source: holes.facts.table_source.clone(),
                };
                holes.add(&entry.cve, entry.products, closing);
            }
        }
        for row in csv::Reader::from_reader(files.more).deserialize::<MoreRow>() {
            let row = row.map_err(|e| e.to_string())?;
            let some = |text: String| (!text.is_empty()).then_some(text);
            let closing =
                Closing { update: some(row.update), needs: some(row.needs), source: row.source };
            let products = row.products.split(' ').map(str::to_owned).collect();
            holes.add(&row.cve, products, closing);
        }
        Ok(holes)
    }

    fn add(&mut self, hole: &str, products: Vec<String>, closing: Closing) {
        let facts = self.closings.entry(HoleId::new(hole)).or_default();
        facts.push(ClosingFact { products, closing });
    }

    /// All holes, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.closings.keys().map(|id| id.text.as_str())
    }

    /// What closes a hole in the product of a build, or in one that it was installed over.
    pub(crate) fn closings(&self, hole: &str, build: Build) -> Vec<&Closing> {
        let family = self.builds.family(build);
        let related = |f: &&ClosingFact| family.iter().any(|c| f.products.contains(&c.product));
        let facts = self.closings.get(&HoleId::new(hole)).map_or(&[][..], Vec::as_slice);
        facts.iter().filter(related).map(|f| &f.closing).collect()
    }

    /// What a stated build says of a hole.
    pub(crate) fn hole(&self, hole: &str, stated: StatedBuild) -> Judged {
        self.over(stated, |build| self.hole_in(hole, build))
    }

    /// What a stated build says of holes that are used together: the chain is broken where one is closed.
    pub(crate) fn chain(&self, needs: &[String], stated: StatedBuild) -> Judged {
        self.over(stated, |build| self.chain_in(needs, build))
    }

    /// Judges every build that is meant; where they differ, the update decides that is not told.
    fn over(&self, stated: StatedBuild, judge: impl Fn(Build) -> Judged) -> Judged {
        let possible = self.possible(stated);
        let judged: Vec<(Build, Judged)> = possible.iter().map(|b| (*b, judge(*b))).collect();
        let states: BTreeSet<HoleState> = judged.iter().map(|(_, j)| j.state).collect();
        let Some((_, last)) = judged.last() else { return judge(stated.lowest()) };
        if states.len() <= 1 {
            return last.clone();
        }
        let fixed = judged.iter().find(|(_, j)| j.state == HoleState::Fixed);
        let ends_fixed = last.state == HoleState::Fixed;
        let why = match fixed.and_then(|(build, _)| self.update_of(*build)) {
            Some(update) if ends_fixed => {
                format!("open unless {update} or a later update is installed")
            }
            _ if states.contains(&HoleState::Open) => {
                "open or not, by the security updates that are installed".to_owned()
            }
            _ => last.why.clone(),
        };
        Judged::new(HoleState::Depends, why)
    }

    /// The builds that a stated build can be.
    fn possible(&self, stated: StatedBuild) -> Vec<Build> {
        match (stated, self.builds.own(stated.lowest())) {
            (StatedBuild::Cumulative(_), Some(own)) => own.builds().into_keys().collect(),
            _ => vec![stated.lowest()],
        }
    }

    fn update_of(&self, build: Build) -> Option<String> {
        self.builds.own(build)?.builds().get(&build).copied().flatten().map(str::to_owned)
    }

    fn chain_in(&self, needs: &[String], build: Build) -> Judged {
        let holes = needs.iter().map(|hole| (hole, self.hole_in(hole, build)));
        // The chain is as open as the least open of the holes that it needs.
        let Some((hole, judged)) = holes.min_by_key(|(_, j)| j.state) else {
            return Judged::new(HoleState::Unknown, "no hole of it is named");
        };
        match needs {
            [_] => judged,
            _ => Judged { why: format!("{hole}: {}", judged.why), ..judged },
        }
    }

    fn hole_in(&self, hole: &str, build: Build) -> Judged {
        let Some(product) = self.builds.product(build) else {
            return Judged::new(HoleState::Unknown, "no such build is known");
        };
        let facts = self.closings.get(&HoleId::new(hole)).map_or(&[][..], Vec::as_slice);
        let family = self.builds.family(build);
        let related =
            facts.iter().filter(|f| family.iter().any(|c| f.products.contains(&c.product)));
        let judged = related.filter_map(|fact| self.closed_in(hole, fact, build, product));
        // Where several updates close a hole, the last one counts.
        judged.max_by_key(|j| j.state).unwrap_or_else(|| self.not_named(hole, product))
    }

    /// A product that no list names for a hole. Of a version whose support had ended nobody speaks.
    fn not_named(&self, hole: &str, product: &str) -> Judged {
        let title = self.facts.products.get(product).map_or(product, String::as_str);
        let date = |kind, id| self.dates.first(kind, id).map(|fact| fact.date.as_str());
        match (date("disclosed", hole), date("eol", product)) {
            (Some(published), Some(ended)) if published > ended => Judged::new(
                HoleState::Unknown,
                format!(
                    "published after the support of {title} ended; only supported versions are named"
                ),
            ),
            _ => Judged::new(
                HoleState::NotAffected,
                format!("no affected build of {title} is named"),
            ),
        }
    }

    /// What one closing says; nothing where it is not for the product and an earlier one had it.
    fn closed_in(
        &self,
        hole: &str,
        fact: &ClosingFact,
        build: Build,
        product: &str,
    ) -> Option<Judged> {
        let own_product = fact.products.iter().any(|p| p == product);
        let needs = fact.closing.needs.as_deref();
        let Some(update) = fact.closing.update.as_deref() else {
            return own_product.then(|| match needs {
                Some(needs) => Judged::new(HoleState::Depends, format!("it needs {needs}")),
                None => Judged::new(HoleState::NotAffected, "stated not to be affected"),
            });
        };
        let own = self.builds.own(build);
        if let Some(judged) =
            own.and_then(|own| self.beside_partial(hole, fact, update, build, own))
        {
            return Some(judged);
        }
        match self.builds.carries(build, update, &fact.products) {
            Carries::Yes => Some(match needs {
                Some(needs) => {
                    Judged::new(HoleState::Depends, format!("it has {update}, and needs {needs}"))
                }
                None => Judged::new(HoleState::Fixed, closed_by(own, update)),
            }),
            Carries::No if !own_product => None,
            Carries::No => Some(Judged::new(HoleState::Open, open_until(own, update))),
            Carries::Unknown => Some(Judged::new(
                HoleState::Unknown,
                format!("whether this build carries {update} is not known"),
            )),
        }
    }

    /// What an update that closes only some holes leaves open or in doubt on an old cumulative update.
    fn beside_partial(
        &self,
        hole: &str,
        fact: &ClosingFact,
        update: &str,
        build: Build,
        own: &Cumulative,
    ) -> Option<Judged> {
        let on_this = |p: &&PartialUpdate| {
            p.cumulative.get(&own.product).is_some_and(|names| names.contains(&own.name))
                && self.builds.carries(build, &p.update, std::slice::from_ref(&own.product))
                    == Carries::Yes
        };
        let partial = self.facts.partial_updates.iter().find(on_this)?;
        if partial.update == update {
            return (!partial.closes.contains(hole)).then(|| {
                Judged::new(
                    HoleState::Open,
                    format!("the {update} of {} does not close it", own.name),
                )
            });
        }
        let on_own = own.security.contains_key(update) && fact.products.contains(&own.product);
        on_own.then(|| {
            Judged::new(
                HoleState::Unknown,
                format!(
                    "closed only if {update} was installed too: the {} of {} does not bring it",
                    partial.update, own.name
                ),
            )
        })
    }
}

fn closed_by(own: Option<&Cumulative>, update: &str) -> String {
    match own.and_then(|own| own.security.get(update)?.first().filter(|b| **b != own.build)) {
        Some(build) => format!("closed by {update} ({build})"),
        None => format!("came with the fix of {update}"),
    }
}

fn open_until(own: Option<&Cumulative>, update: &str) -> String {
    let Some(own) = own else { return format!("closed by {update}; this build is older") };
    match own.security.get(update).and_then(|builds| builds.first()) {
        Some(build) => format!("closed by {update} ({build})"),
        None => format!("closed by {update}, which was not made for {}", own.name),
    }
}
