//! The packs: what is known of products, holes, steps, sources and advice. Parsed from content.

use std::collections::BTreeMap;

use model::Time;
use model::case::{Exposure, Level, Presence};
use model::exposure::DatedFact;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::builds::Build;
use crate::dates::{self, Dates};
use crate::holes::{ExposureFacts, HoleFiles, Holes};

/// Content that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("content {file}: {reason}")]
pub struct KnowledgeError {
    /// File.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// All packs.
#[derive(Debug)]
pub struct Knowledge {
    pub(crate) packs: Vec<Pack>,
}

/// One pack, with what lies beside it.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) head: PackHead,
    pub(crate) sources: Vec<SourceFacts>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) holes: Holes,
    pub(crate) listed_builds: Vec<Build>,
    pub(crate) actions: Vec<ActionFacts>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PackHead {
    #[expect(dead_code, reason = "named in the file, used in messages of later packs")]
    pub(crate) id: String,
    #[expect(dead_code, reason = "named in the file, used in messages of later packs")]
    pub(crate) title: String,
    pub(crate) product: Option<String>,
    pub(crate) recognised_by: Vec<String>,
    #[serde(default)]
    pub(crate) products: BTreeMap<String, ProductLine>,
    #[serde(default)]
    pub(crate) stages: Vec<String>,
    #[serde(default)]
    pub(crate) web_trees: Vec<String>,
    #[serde(default)]
    pub(crate) not_assessed: Vec<String>,
    #[serde(default)]
    pub(crate) traces: Traces,
    /// Fields that name what a record is about, the best first.
    #[serde(default)]
    pub(crate) subject_fields: Vec<String>,
    /// Fields that are kept of a record beside those that matched.
    #[serde(default)]
    pub(crate) kept_fields: Vec<String>,
}

/// Which rules tell what became of a script that was placed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Traces {
    /// It is among the files collected.
    pub(crate) on_disk: Vec<String>,
    /// Its address answered.
    pub(crate) answered: Vec<String>,
    /// Its address was asked for and did not answer.
    pub(crate) sought: Vec<String>,
    /// Answers that say that it was not served any more.
    pub(crate) gone_status: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProductLine {
    pub(crate) title: String,
}

#[derive(Debug, Deserialize)]
struct SourcesFile {
    sources: Vec<SourceFacts>,
}

/// What is known of a log source.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SourceFacts {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) path: String,
    pub(crate) how: String,
    #[serde(default)]
    pub(crate) max_quiet_hours: i64,
    /// A state at collection time: has no course over time.
    #[serde(default)]
    pub(crate) snapshot: bool,
    /// A selection that somebody else's program made: shows, and never covers.
    #[serde(default)]
    pub(crate) selection: bool,
    /// Sources whose records it gathers; a record itself is of one of those.
    #[serde(default)]
    pub(crate) facet_of: Vec<String>,
}

/// A chain of holes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Chain {
    pub(crate) id: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) applies_to_every_host: bool,
    #[serde(default)]
    pub(crate) default_window_days: i64,
    pub(crate) cves: Vec<String>,
    /// Holes without which it does not work; all of them where none is named.
    #[serde(default)]
    needs: Vec<String>,
    /// Earliest day read in a source; filled from the dates.
    #[serde(skip)]
    pub(crate) earliest: Option<Earliest>,
    /// Empty in the file where nobody has written them yet: see [`Chain::stand_in`].
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

impl Chain {
    /// The holes without which it does not work: closing one breaks the chain.
    pub(crate) fn needs(&self) -> &[String] {
        if self.needs.is_empty() { &self.cves } else { &self.needs }
    }

    /// Whether somebody wrote its steps, so that its use can be shown or excluded.
    pub(crate) fn is_assessed(&self) -> bool {
        !self.steps.iter().any(|s| s.stand_in)
    }

    /// One step that nothing shows and nothing excludes, for a chain of which no step is written: what the
    /// program cannot look for keeps the ceiling up.
    fn stand_in(&mut self) {
        if self.steps.is_empty() {
            self.steps.push(Step {
                id: "use".to_owned(),
                title: "use of its holes, which this version does not look for".to_owned(),
                stage: reconnaissance(),
                requested: Level::None,
                proven: Level::Compromised,
                requested_stage: reconnaissance(),
                proves_hole: false,
                impact: None,
                requested_by: Vec::new(),
                proven_by: Vec::new(),
                shown_by: Vec::new(),
                text: StepText::default(),
                stand_in: true,
            });
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Earliest {
    pub(crate) time: Time,
    pub(crate) source: String,
}

impl Earliest {
    fn of(fact: &DatedFact) -> Option<Self> {
        let source = format!("{} {}: {}", fact.kind, fact.id, fact.source);
        Some(Self { time: dates::start(&fact.date)?, source })
    }
}

/// A step of a chain.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) stage: String,
    pub(crate) requested: Level,
    pub(crate) proven: Level,
    #[serde(default = "reconnaissance")]
    pub(crate) requested_stage: String,
    #[serde(default)]
    pub(crate) proves_hole: bool,
    #[serde(default)]
    pub(crate) impact: Option<String>,
    #[serde(default)]
    pub(crate) requested_by: Vec<Proof>,
    #[serde(default)]
    pub(crate) proven_by: Vec<Proof>,
    /// Sets of sources; each set as a whole would show the step.
    pub(crate) shown_by: Vec<Vec<String>>,
    pub(crate) text: StepText,
    /// Stands for all steps of a chain of which none is written.
    #[serde(skip)]
    pub(crate) stand_in: bool,
}

fn reconnaissance() -> String {
    "reconnaissance".to_owned()
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct StepText {
    #[serde(default)]
    pub(crate) requested: String,
    #[serde(default)]
    pub(crate) proven: String,
}

/// A rule that shows a step, and under which conditions.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Proof {
    pub(crate) rule: String,
    /// Counts only where every known build is one that the list of shipped files covers.
    #[serde(default)]
    pub(crate) needs_listed_build: bool,
    /// Counts only where one of these steps of the chain is proven too.
    #[serde(default)]
    pub(crate) with_step: Vec<String>,
    /// What the attacker leaves by it.
    #[serde(default)]
    pub(crate) places: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ActionsFile {
    actions: Vec<ActionFacts>,
}

/// Something to advise.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ActionFacts {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) preserve_first: Vec<String>,
    pub(crate) closes_when: String,
    pub(crate) when: When,
}

/// When an action applies: every condition given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    #[serde(default)]
    pub(crate) shown: Vec<Level>,
    #[serde(default)]
    pub(crate) not_excluded: Vec<Level>,
    #[serde(default)]
    pub(crate) exposure: Vec<Exposure>,
    #[serde(default)]
    pub(crate) presence: Vec<Presence>,
    #[serde(default)]
    pub(crate) stage_from: Option<String>,
    #[serde(default)]
    pub(crate) product: Option<bool>,
    /// Some asset of one of these types is shown to be reached.
    #[serde(default)]
    pub(crate) impact: Vec<String>,
}

impl Knowledge {
    /// Reads `packs/*/` out of the content, given as names and bytes.
    pub fn parse<'a>(
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, KnowledgeError> {
        let mut by_pack: BTreeMap<&str, BTreeMap<&str, &[u8]>> = BTreeMap::new();
        for (name, bytes) in files {
            if let Some((pack, rest)) =
                name.strip_prefix("packs/").and_then(|rest| rest.split_once('/'))
            {
                by_pack.entry(pack).or_default().insert(rest, bytes);
            }
        }
        let packs = by_pack
            .iter()
            .map(|(name, files)| parse_pack(name, files))
            .collect::<Result<_, _>>()?;
        Ok(Self { packs })
    }

    /// Fields that are kept of a record that something rests on, in order.
    pub fn kept_fields(&self) -> Vec<String> {
        self.packs.iter().flat_map(|p| p.head.kept_fields.iter().cloned()).collect()
    }

    /// The packs that a host is judged by: the general ones, and those that recognise a source of it.
    pub(crate) fn of_host<'k>(
        &'k self,
        sources: &'k BTreeMap<String, crate::Source>,
    ) -> Vec<&'k Pack> {
        self.packs
            .iter()
            .filter(|p| p.head.product.is_none() || sources.keys().any(|s| p.recognises(s)))
            .collect()
    }
}

impl Pack {
    fn recognises(&self, source: &str) -> bool {
        self.head.recognised_by.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => source.starts_with(prefix),
            None => source == pattern,
        })
    }

    /// Title of the product that a build belongs to.
    pub(crate) fn product_title(&self, build: Build) -> Option<&str> {
        if let Some(title) =
            self.holes.builds.product(build).and_then(|p| self.holes.facts.products.get(p))
        {
            return Some(title);
        }
        let [a, b] = build.line();
        self.head.products.get(&format!("{a}.{b}")).map(|line| line.title.as_str())
    }
}

fn parse_pack(name: &str, files: &BTreeMap<&str, &[u8]>) -> Result<Pack, KnowledgeError> {
    let error = |file: &str, reason: String| KnowledgeError {
        file: format!("packs/{name}/{file}"),
        reason,
    };
    let optional = |file: &str| files.get(file).copied();
    let head: PackHead = yaml(optional("pack.yaml").unwrap_or_default())
        .map_err(|reason| error("pack.yaml", reason))?;
    let sources = match optional("sources.yaml") {
        Some(bytes) => {
            yaml::<SourcesFile>(bytes).map_err(|reason| error("sources.yaml", reason))?.sources
        }
        None => Vec::new(),
    };
    let actions = match optional("actions.yaml") {
        Some(bytes) => {
            yaml::<ActionsFile>(bytes).map_err(|reason| error("actions.yaml", reason))?.actions
        }
        None => Vec::new(),
    };
    let dates = match optional("dates.csv") {
        Some(bytes) => Dates::parse(bytes).map_err(|reason| error("dates.csv", reason))?,
        None => Dates::default(),
    };
    let holes = match optional("builds.json") {
        Some(builds) => {
            parse_holes(builds, dates, &optional).map_err(|(f, reason)| error(f, reason))?
        }
        None => Holes::without_builds(dates),
    };
    let listed = optional("known-files-builds.txt").unwrap_or_default();
    let listed_builds = String::from_utf8_lossy(listed).lines().filter_map(Build::parse).collect();
    let mut chains = Vec::new();
    for (file, bytes) in files.iter().filter(|(f, _)| f.starts_with("chains/")) {
        let mut chain = yaml::<Chain>(bytes).map_err(|reason| error(file, reason))?;
        let days = chain.cves.iter().filter_map(|hole| holes.dates.known_since(hole));
        chain.earliest = days.min_by(|a, b| a.date.cmp(&b.date)).and_then(Earliest::of);
        chain.stand_in();
        chains.push(chain);
    }
    Ok(Pack { head, sources, chains, holes, listed_builds, actions })
}

fn parse_holes<'a>(
    builds: &'a [u8],
    dates: Dates,
    optional: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<Holes, (&'static str, String)> {
    let facts = yaml::<ExposureFacts>(optional("exposure.yaml").unwrap_or_default())
        .map_err(|reason| ("exposure.yaml", reason))?;
    let files = HoleFiles {
        builds,
        builds_more: optional("builds-more.csv").unwrap_or_default(),
        table: optional("su-cves.json").unwrap_or(b"{}"),
        more: optional("su-cves-more.csv").unwrap_or_default(),
    };
    Holes::parse(facts, dates, files).map_err(|reason| ("builds and holes", reason))
}

fn yaml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}
