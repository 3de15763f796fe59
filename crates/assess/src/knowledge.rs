//! The packs: what is known of products, holes, steps, sources and advice. Parsed from content.

use std::collections::BTreeMap;

use model::Time;
use model::case::{Exposure, Level, Presence};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
    pub(crate) builds: Builds,
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
    #[serde(default)]
    pub(crate) fixed_by: Option<String>,
    /// Earliest day read in a source; filled from the dates.
    #[serde(skip)]
    pub(crate) earliest: Option<Earliest>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Earliest {
    pub(crate) time: Time,
    pub(crate) source: String,
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

/// A build number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Build(pub(crate) [u32; 4]);

impl Build {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|p| p.parse::<u32>().ok());
        let build = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self(build))
    }

    fn line(self) -> [u32; 2] {
        [self.0[0], self.0[1]]
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, update, revision] = self.0;
        write!(f, "{major}.{minor}.{update}.{revision}")
    }
}

#[derive(Debug, Deserialize)]
struct CumulativeUpdate {
    #[serde(rename = "CU")]
    build: String,
    #[serde(rename = "SU", default)]
    security: BTreeMap<String, String>,
}

/// Cumulative updates and their security updates.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    cumulative: Vec<Cumulative>,
}

#[derive(Debug)]
struct Cumulative {
    name: String,
    build: Build,
    security: BTreeMap<String, Build>,
}

/// Whether a build carries a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FixState {
    Vulnerable,
    Fixed,
    Unknown,
}

impl Builds {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        type Table = BTreeMap<String, BTreeMap<String, CumulativeUpdate>>;
        let table: Table = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let mut cumulative = Vec::new();
        for (product, updates) in table {
            for (name, update) in updates {
                let Some(build) = Build::parse(&update.build) else {
                    return Err(format!("{product} {name}: build {} is none", update.build));
                };
                let security = update
                    .security
                    .into_iter()
                    .filter_map(|(name, build)| Some((name, Build::parse(&build)?)))
                    .collect();
                cumulative.push(Cumulative { name, build, security });
            }
        }
        cumulative.sort_by_key(|c| c.build);
        Ok(Self { cumulative })
    }

    /// Whether `build` carries the update of that name: within its own cumulative update by number; an
    /// older one without the update never got it; a newer one than all that got it has it built in.
    pub(crate) fn fix_state(&self, build: Build, update: &str) -> FixState {
        let same_line = || self.cumulative.iter().filter(|c| c.build.line() == build.line());
        let own = same_line().find(|c| c.build.0[2] == build.0[2]);
        if let Some(fixed) = own.and_then(|c| c.security.get(update)) {
            return if build >= *fixed { FixState::Fixed } else { FixState::Vulnerable };
        }
        let newest =
            same_line().filter(|c| c.security.contains_key(update)).map(|c| c.build.0[2]).max();
        match newest {
            Some(newest) if build.0[2] > newest => FixState::Fixed,
            Some(_) if own.is_some() => FixState::Vulnerable,
            _ => FixState::Unknown,
        }
    }

    /// `CU18`, `CU18 Mar21SU` or nothing.
    pub(crate) fn name(&self, build: Build) -> Option<String> {
        let own = self.cumulative.iter().rev().find(|c| c.build.0[..3] == build.0[..3])?;
        let update = own.security.iter().filter(|(_, b)| **b <= build).max_by_key(|(_, b)| **b);
        Some(match update {
            Some((update, exact)) if *exact == build => format!("{} {update}", own.name),
            _ if own.build == build => own.name.clone(),
            _ => format!("{} with updates", own.name),
        })
    }
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
    let builds = match optional("builds.json") {
        Some(bytes) => Builds::parse(bytes).map_err(|reason| error("builds.json", reason))?,
        None => Builds::default(),
    };
    let listed = optional("known-files-builds.txt").unwrap_or_default();
    let listed_builds = String::from_utf8_lossy(listed).lines().filter_map(Build::parse).collect();
    let mut chains = Vec::new();
    for (file, bytes) in files.iter().filter(|(f, _)| f.starts_with("chains/")) {
        chains.push(yaml::<Chain>(bytes).map_err(|reason| error(file, reason))?);
    }
    if let Some(bytes) = optional("dates.csv") {
        date_chains(&mut chains, bytes).map_err(|reason| error("dates.csv", reason))?;
    }
    Ok(Pack { head, sources, chains, builds, listed_builds, actions })
}

fn yaml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}

#[derive(Debug, Deserialize)]
struct DateRow {
    kind: String,
    id: String,
    date: String,
    source: String,
    read: String,
}

/// Gives each chain the earliest day that somebody read of its use or disclosure; a day that nobody read
/// moves no window.
fn date_chains(chains: &mut [Chain], csv_bytes: &[u8]) -> Result<(), String> {
    let mut reader = csv::Reader::from_reader(csv_bytes);
    for row in reader.deserialize::<DateRow>() {
        let row = row.map_err(|e| e.to_string())?;
        if row.read != "yes" || !matches!(row.kind.as_str(), "first-exploited" | "disclosed") {
            continue;
        }
        let Some(time) = Time::parse(&format!("{}T00:00:00Z", row.date)) else { continue };
        for chain in chains.iter_mut().filter(|c| c.cves.contains(&row.id)) {
            if chain.earliest.as_ref().is_none_or(|e| time < e.time) {
                let source = format!("{} {}: {}", row.kind, row.id, row.source);
                chain.earliest = Some(Earliest { time, source });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builds() -> Builds {
        let bytes = include_bytes!("../../../content/packs/exchange/builds.json");
        Builds::parse(bytes).unwrap()
    }

    #[test]
    fn a_build_is_compared_within_its_cumulative_update() {
        let table = builds();
        let state = |b: &str| table.fix_state(Build::parse(b).unwrap(), "Mar21SU");
        assert_eq!(state("15.1.2106.2"), FixState::Vulnerable);
        assert_eq!(state("15.1.2106.13"), FixState::Fixed);
        assert_eq!(state("15.1.2242.4"), FixState::Fixed, "released with the fix built in");
        assert_eq!(state("15.2.792.3"), FixState::Vulnerable);
        assert_eq!(state("15.2.792.10"), FixState::Fixed);
        assert_eq!(state("15.1.9.9"), FixState::Unknown);
        assert_eq!(state("14.3.513.0"), FixState::Unknown);
        assert_eq!(state("15.2.2562.17"), FixState::Fixed);
    }

    #[test]
    fn a_build_has_a_name() {
        let name = |b: &str| builds().name(Build::parse(b).unwrap());
        assert_eq!(name("15.1.2106.2").as_deref(), Some("CU18"));
        assert_eq!(name("15.1.2106.13").as_deref(), Some("CU18 Mar21SU"));
        assert_eq!(name("15.9.1.1"), None);
    }
}
