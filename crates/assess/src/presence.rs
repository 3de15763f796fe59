//! What the attacker placed, and whether it is still there at the moment of the case.

use std::collections::{BTreeMap, BTreeSet};

use model::Time;
use model::case::{CustodyItem, Level, Presence};

use crate::incident::{Outcome, StepResult};
use crate::input::{HostEvidence, Record, RuleHits};
use crate::knowledge::{Pack, Traces};
use crate::words::spoken;

/// Something placed on the host.
pub(crate) struct Artefact<'a> {
    /// Path below the web root, with `/`, lower case.
    pub(crate) path: String,
    pub(crate) state: Presence,
    /// Records that show it there.
    pub(crate) seen: BTreeSet<&'a Record>,
    /// Records that show it gone.
    pub(crate) gone: BTreeSet<&'a Record>,
    /// Why the state is what it is.
    pub(crate) reason: String,
}

/// How close to the moment of the case a last sign of life must be to speak for it, in seconds.
const END_OF_EVIDENCE_S: i64 = 3_600;

/// Everything that proven steps place, by path.
pub(crate) fn artefacts<'a>(
    evidence: &'a HostEvidence,
    steps: &[StepResult<'a>],
    packs: &[&Pack],
    as_of: Option<Time>,
) -> Vec<Artefact<'a>> {
    let trees: Vec<&str> =
        packs.iter().flat_map(|p| &p.head.web_trees).map(String::as_str).collect();
    let mut placed: BTreeMap<String, BTreeSet<&'a Record>> = BTreeMap::new();
    for (hits, _) in steps
        .iter()
        .filter(|s| s.outcome == Some(Outcome::Proven))
        .flat_map(|s| &s.hits)
        .filter(|(_, proof)| proof.places.is_some())
    {
        for record in hits.records.iter().filter(|r| r.whole) {
            if let Some(path) = web_path(record, &trees) {
                placed.entry(path).or_default().insert(record);
            }
        }
    }
    merge_bare_names(&mut placed);
    let telling = Telling { evidence, trees: &trees, packs };
    placed.into_iter().map(|(path, seen)| judge_artefact(path, seen, &telling, as_of)).collect()
}

/// A compiled page tells only its name: it joins a path that ends in that name.
fn merge_bare_names(placed: &mut BTreeMap<String, BTreeSet<&Record>>) {
    let bare: Vec<String> = placed.keys().filter(|p| !p.contains('/')).cloned().collect();
    for name in bare {
        let full = placed.keys().find(|p| p.ends_with(&format!("/{name}"))).cloned();
        if let Some(full) = full
            && let Some(records) = placed.remove(&name)
        {
            placed.entry(full).or_default().extend(records);
        }
    }
}

/// What the evidence tells of a path, by the rules that the packs name for it.
struct Telling<'a, 'p> {
    evidence: &'a HostEvidence,
    trees: &'p [&'p str],
    packs: &'p [&'p Pack],
}

impl<'a> Telling<'a, '_> {
    /// Records of the named rules that speak of the path.
    fn about(&self, path: &str, rules: impl Fn(&Traces) -> &Vec<String>) -> Vec<&'a Record> {
        let named =
            |h: &&RuleHits| self.packs.iter().any(|p| rules(&p.head.traces).contains(&h.name));
        self.evidence
            .hits
            .iter()
            .filter(named)
            .flat_map(|h| &h.records)
            .filter(|r| web_path(r, self.trees).as_deref() == Some(path))
            .collect()
    }

    /// Whether an answer says that the script was not served any more.
    fn says_gone(&self, record: &Record) -> bool {
        let gone = |status: &str| {
            self.packs.iter().any(|p| p.head.traces.gone_status.iter().any(|s| s == status))
        };
        status_of(record).is_some_and(gone)
    }
}

fn judge_artefact<'a>(
    path: String,
    mut seen: BTreeSet<&'a Record>,
    telling: &Telling<'a, '_>,
    as_of: Option<Time>,
) -> Artefact<'a> {
    let on_disk = telling.about(&path, |t| &t.on_disk);
    let answered = telling.about(&path, |t| &t.answered);
    let mut refused = telling.about(&path, |t| &t.sought);
    refused.retain(|r| telling.says_gone(r));
    seen.extend(on_disk.iter().chain(&answered));
    let last_seen = seen.iter().filter_map(|r| r.time).max();
    let gone: BTreeSet<&Record> =
        refused.into_iter().filter(|r| r.time > last_seen && r.time.is_some()).collect();

    let at_end = last_seen.zip(as_of).is_some_and(|(last, as_of)| {
        last.plus_seconds(END_OF_EVIDENCE_S).is_some_and(|t| t >= as_of)
    });
    let (state, reason) = if !on_disk.is_empty() {
        (Presence::Present, "is still there: the file is among those collected".to_owned())
    } else if let Some(first_gone) = gone.iter().filter_map(|r| r.time).min() {
        let statuses: BTreeSet<&str> = gone.iter().filter_map(|r| status_of(r)).collect();
        let statuses: Vec<&str> = statuses.into_iter().collect();
        let reason = format!(
            "its address answered {} from {} on, which says that it was not served any more",
            statuses.join(" and "),
            spoken(first_gone)
        );
        (Presence::Removed, reason)
    } else if folder_collected(&path, telling.evidence, telling.trees) {
        (Presence::Removed, "its folder is among those collected and does not hold it".to_owned())
    } else if at_end {
        let last = last_seen.map(spoken).unwrap_or_default();
        let reason = format!(
            "was there when the evidence ends: last seen at {last}, within an hour of its end"
        );
        (Presence::Present, reason)
    } else {
        (Presence::Unknown, "nothing shows it later, and nothing shows it gone".to_owned())
    };
    Artefact { path, state, seen, gone, reason }
}

/// Whether files of the artefact's own folder were collected: then its absence among them speaks.
fn folder_collected(path: &str, evidence: &HostEvidence, trees: &[&str]) -> bool {
    let Some((folder, _)) = path.rsplit_once('/') else { return false };
    let beside = |file: &CustodyItem| {
        let name = file.path.to_lowercase().replace('\\', "/");
        let below = trees.iter().filter_map(|tree| name.find(tree).map(|at| at + tree.len())).max();
        let below = below.and_then(|at| name.get(at..)).and_then(|n| n.rsplit_once('/'));
        below.is_some_and(|(of, _)| of == folder)
    };
    evidence.items.iter().filter(|f| f.kind == "web-file").any(beside)
}

fn status_of(record: &Record) -> Option<&str> {
    field(record, &["sc-status", "HttpStatus"])
}

fn field<'r>(record: &'r Record, names: &[&str]) -> Option<&'r str> {
    names
        .iter()
        .find_map(|name| record.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()))
}

/// Path below the web root of the script that a record speaks of, from a URL or a file path.
fn web_path(record: &Record, trees: &[&str]) -> Option<String> {
    // What ASP.NET compiled tells the page's name alone.
    if let Some(page) = field(record, &["page"]) {
        return Some(page.to_lowercase());
    }
    let raw = field(
        record,
        &["script", "TargetFilename", "RelativeTargetName", "path", "cs-uri-stem", "UrlStem"],
    )?;
    let path = raw.to_lowercase().replace('\\', "/");
    let below = trees.iter().filter_map(|tree| path.find(tree).map(|at| at + tree.len())).max();
    let path = below.and_then(|at| path.get(at..)).unwrap_or(&path);
    Some(path.trim_start_matches('/').to_owned())
}

/// Presence of all that was placed: present, then unknown, then removed.
pub(crate) fn presence(artefacts: &[Artefact<'_>], not_excluded: Level) -> Presence {
    let any = |state: Presence| artefacts.iter().any(|a| a.state == state);
    if any(Presence::Present) {
        Presence::Present
    } else if any(Presence::Unknown) || (artefacts.is_empty() && not_excluded == Level::Compromised)
    {
        Presence::Unknown
    } else if any(Presence::Removed) {
        Presence::Removed
    } else {
        Presence::NotApplicable
    }
}
