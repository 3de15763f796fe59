//! When each chain's holes were open on this host: from the builds that records state, from the steps that
//! succeeded, and from the days on which the holes became known.

use model::Time;
use model::case::{ClosedBy, Exposure, WindowState};
use model::exposure::HoleState;

use crate::builds::{Build, StatedBuild};
use crate::incident::{Outcome, StepResult};
use crate::input::{HostEvidence, Record, Statement};
use crate::knowledge::{Chain, Pack};

/// What is known of the builds of the host.
pub(crate) struct BuildHistory<'a> {
    /// Builds with the first and last record that states each, in order of first record.
    pub(crate) spans: Vec<BuildSpan<'a>>,
    /// The first installation that a Setup log shows.
    pub(crate) installed: Option<&'a Record>,
}

pub(crate) struct BuildSpan<'a> {
    pub(crate) build: Build,
    pub(crate) first: &'a Record,
    pub(crate) last: &'a Record,
}

impl<'a> BuildHistory<'a> {
    pub(crate) fn of(evidence: &'a HostEvidence) -> Self {
        let mut spans: Vec<BuildSpan<'a>> = Vec::new();
        let tells = |s: &&Statement| matches!(s.kind.as_str(), "build" | "build_installed");
        let stated = evidence.statements.iter().filter(tells);
        for (statement, build) in stated.filter_map(|s| Some((s, Build::parse(&s.value)?))) {
            add_span(&mut spans, build, statement);
        }
        spans.sort_by_key(|s| (s.first.time, s.build));
        let installed = evidence
            .statements
            .iter()
            .filter(|s| s.kind == "installed")
            .map(|s| &s.first)
            .min_by_key(|r| r.time);
        Self { spans, installed }
    }

    /// The newest build: the one stated last.
    pub(crate) fn newest(&self) -> Option<&BuildSpan<'a>> {
        self.spans.iter().max_by_key(|s| (s.last.time, s.build))
    }

    /// Whether records state one build before and after a moment, and the list of shipped files covers it.
    /// A record of another build elsewhere in the evidence cannot explain away what such a span shows, so
    /// taking a source away never makes a finding worse.
    pub(crate) fn listed_at(
        &self,
        time: Option<Time>,
        as_of: Option<Time>,
        packs: &[&Pack],
    ) -> bool {
        let Some(time) = time.or(as_of) else { return false };
        let listed = |build: &Build| packs.iter().any(|p| p.listed_builds.contains(build));
        self.spans.iter().any(|span| {
            let from = span.first.time.and_then(|t| t.plus_seconds(-EDGE_S));
            let to = span.last.time.and_then(|t| t.plus_seconds(EDGE_S));
            from.is_some_and(|t| t <= time) && to.is_some_and(|t| t >= time) && listed(&span.build)
        })
    }
}

/// How far beyond its first and last record a build is taken to hold, in seconds: logs are not all written
/// to the same second.
const EDGE_S: i64 = 3_600;

fn add_span<'a>(spans: &mut Vec<BuildSpan<'a>>, build: Build, statement: &'a Statement) {
    match spans.iter_mut().find(|s| s.build == build) {
        Some(span) => {
            if statement.first.time < span.first.time {
                span.first = &statement.first;
            }
            if statement.last.time > span.last.time {
                span.last = &statement.last;
            }
        }
        None => spans.push(BuildSpan { build, first: &statement.first, last: &statement.last }),
    }
}

/// A chain's window on this host.
pub(crate) struct ChainWindow<'a> {
    pub(crate) chain: &'a Chain,
    /// Why the chain does not count for the ceiling, if it does not.
    pub(crate) set_aside: Option<String>,
    /// Its holes were known at the moment of the case, or used.
    pub(crate) known: bool,
    /// Builds prove that the host was never open to it.
    pub(crate) never_open: bool,
    pub(crate) earliest: Option<Time>,
    pub(crate) earliest_basis: String,
    pub(crate) latest: Option<Time>,
    pub(crate) opened_basis: Vec<&'a Record>,
    pub(crate) closed: Option<Closing<'a>>,
    /// Why the newest build does not tell, where there is one that does not.
    pub(crate) not_told: Option<String>,
    pub(crate) state: WindowState,
}

pub(crate) struct Closing<'a> {
    pub(crate) earliest: Option<Time>,
    pub(crate) latest: Option<Time>,
    pub(crate) by: ClosedBy,
    pub(crate) basis: Vec<&'a Record>,
}

impl ChainWindow<'_> {
    pub(crate) fn counts(&self) -> bool {
        self.set_aside.is_none()
    }

    /// Whether there is anything to say: a chain that does not count is left out where nobody looks for it, or
    /// nobody knew of it at the moment of the case.
    pub(crate) fn is_told(&self) -> bool {
        self.counts() || (self.chain.is_assessed() && self.known)
    }
}

/// The windows of the chains of holes; `unknown_way_in` follows from them, see [`default_opening`].
pub(crate) fn windows<'a>(
    packs: &[&'a Pack],
    builds: &BuildHistory<'a>,
    steps: &[StepResult<'a>],
    as_of: Option<Time>,
) -> Vec<ChainWindow<'a>> {
    let mut windows: Vec<ChainWindow<'a>> = packs
        .iter()
        .flat_map(|pack| pack.chains.iter().map(move |chain| (*pack, chain)))
        .filter(|(_, chain)| !chain.applies_to_every_host)
        .map(|(pack, chain)| window(pack, chain, builds, steps, as_of))
        .collect();
    windows.sort_by_key(|w| !w.chain.is_assessed());
    let earliest = windows.iter().filter(|w| w.counts()).filter_map(|w| w.earliest).min();
    for chain in packs.iter().flat_map(|p| &p.chains).filter(|c| c.applies_to_every_host) {
        windows.push(default_opening(chain, earliest, builds, as_of));
    }
    windows
}

fn default_opening<'a>(
    chain: &'a Chain,
    earliest_of_others: Option<Time>,
    builds: &BuildHistory<'a>,
    as_of: Option<Time>,
) -> ChainWindow<'a> {
    let days = chain.default_window_days;
    let (mut earliest, mut basis) = match earliest_of_others {
        Some(time) => (Some(time), "with the earliest window of a known chain".to_owned()),
        None => {
            let time = as_of.and_then(|t| t.plus_seconds(-days * 86_400));
            (time, format!("{days} days before the moment of the case"))
        }
    };
    // Before it was installed the product could not be entered.
    if let Some(installed) = builds.installed.and_then(|r| r.time)
        && earliest.is_some_and(|e| e < installed)
    {
        earliest = Some(installed);
        "installation, by the Setup log".clone_into(&mut basis);
    }
    ChainWindow {
        chain,
        set_aside: None,
        known: true,
        never_open: false,
        earliest,
        earliest_basis: basis,
        latest: None,
        opened_basis: Vec::new(),
        closed: None,
        not_told: None,
        state: WindowState::Unknown,
    }
}

fn window<'a>(
    pack: &'a Pack,
    chain: &'a Chain,
    builds: &BuildHistory<'a>,
    steps: &[StepResult<'a>],
    as_of: Option<Time>,
) -> ChainWindow<'a> {
    let state = |span: &BuildSpan<'_>| {
        pack.holes.chain(chain.needs(), StatedBuild::Whole(span.build)).state
    };
    let spans = |wanted: HoleState| builds.spans.iter().filter(move |s| state(s) == wanted);
    let first_vulnerable = spans(HoleState::Open).map(|s| s.first).min_by_key(|r| r.time);
    let last_vulnerable = spans(HoleState::Open).map(|s| s.last).max_by_key(|r| r.time);
    let success = first_success(chain, steps);
    let opened_by = [first_vulnerable, success].into_iter().flatten().min_by_key(|r| r.time);
    let open_until = [last_vulnerable, success].into_iter().flatten().max_by_key(|r| r.time);
    let fixed = spans(HoleState::Fixed)
        .map(|s| s.first)
        .filter(|r| open_until.is_none_or(|open| r.time > open.time))
        .min_by_key(|r| r.time);
    let last_fixed_before = spans(HoleState::Fixed)
        .map(|s| s.last)
        .filter(|r| opened_by.is_some_and(|open| r.time < open.time))
        .max_by_key(|r| r.time);

    let (mut earliest, mut earliest_basis) = opening(chain, builds, last_fixed_before);
    if let Some(first) = success.and_then(|r| r.time)
        && earliest.is_some_and(|e| first < e)
    {
        earliest = Some(first);
        "a step that succeeded".clone_into(&mut earliest_basis);
    }
    let other_product = || {
        let word = "no affected build of this product is named";
        spans(HoleState::NotAffected).next().map(|_| word.to_owned())
    };
    let closed_before = || closed_before_known(chain, success.is_some(), fixed);
    let never_open = match opened_by {
        None => never_open(chain, builds, fixed).or_else(other_product),
        Some(_) => closed_before(),
    };
    let not_known = if success.is_none() { not_known_yet(chain, as_of) } else { None };
    let state = match (opened_by, fixed) {
        _ if never_open.is_some() => WindowState::Unknown,
        (Some(_), Some(_)) => WindowState::Closed,
        (Some(_), None) => WindowState::Open,
        (None, _) => WindowState::Unknown,
    };
    ChainWindow {
        chain,
        known: not_known.is_none(),
        never_open: never_open.is_some(),
        set_aside: not_known.or(never_open),
        // A hole that was there before anybody knew of it opens with the day on which it became known.
        latest: opened_by.and_then(at_the_latest).max(earliest.filter(|_| opened_by.is_some())),
        earliest,
        earliest_basis,
        opened_basis: [first_vulnerable, success].into_iter().flatten().collect(),
        not_told: not_told(pack, chain, builds),
        closed: fixed.map(|record| Closing {
            earliest: open_until.and_then(|r| r.time).or(earliest),
            latest: record.time,
            by: ClosedBy::Patch,
            basis: vec![record],
        }),
        state,
    }
}

/// A build with the fix is proven, after all that lack it, before anybody knew of the hole.
fn closed_before_known(chain: &Chain, used: bool, fixed: Option<&Record>) -> Option<String> {
    let known = chain.earliest.as_ref()?.time;
    (!used && fixed?.time? <= known)
        .then(|| "a build with the fix is proven before the holes became known".to_owned())
}

fn not_told(pack: &Pack, chain: &Chain, builds: &BuildHistory<'_>) -> Option<String> {
    let build = builds.newest()?.build;
    let judged = pack.holes.chain(chain.needs(), StatedBuild::Whole(build));
    matches!(judged.state, HoleState::Depends | HoleState::Unknown)
        .then(|| format!("build {build}: {}", judged.why))
}

/// The moment of a record, or where its clock is unproven the last that it can be.
fn at_the_latest(record: &Record) -> Option<Time> {
    record.time?.plus_seconds(record.precision_s.unwrap_or(0))
}

/// The first record of a step that cannot succeed on a host without the hole.
fn first_success<'a>(chain: &Chain, steps: &[StepResult<'a>]) -> Option<&'a Record> {
    steps
        .iter()
        .filter(|s| s.chain.id == chain.id && s.outcome == Some(Outcome::Proven))
        .filter(|s| s.step.proves_hole)
        .flat_map(StepResult::records)
        .filter(|r| r.time.is_some())
        // A time that is only assumed opens a window where nothing better does.
        .min_by_key(|r| (r.precision_s.unwrap_or(0), r.time))
}

fn opening(
    chain: &Chain,
    builds: &BuildHistory<'_>,
    last_fixed_before: Option<&Record>,
) -> (Option<Time>, String) {
    let known = chain.earliest.as_ref().map(|e| (e.time, e.source.clone()));
    let installed = builds
        .installed
        .and_then(|r| r.time)
        .map(|t| (t, "installation, by the Setup log".to_owned()));
    let fixed = last_fixed_before
        .and_then(|r| r.time)
        .map(|t| (t, "last record of a build with the fix".to_owned()));
    match [known, installed, fixed].into_iter().flatten().max_by_key(|(t, _)| *t) {
        Some((time, basis)) => (Some(time), basis),
        None => (None, "no day is known".to_owned()),
    }
}

fn not_known_yet(chain: &Chain, as_of: Option<Time>) -> Option<String> {
    (chain.earliest.as_ref()?.time > as_of?)
        .then(|| "its holes became known after the moment of the case".to_owned())
}

/// How builds prove that a host on which no vulnerable build was seen was never open.
fn never_open(chain: &Chain, builds: &BuildHistory<'_>, fixed: Option<&Record>) -> Option<String> {
    let fixed = fixed?.time?;
    if chain.earliest.as_ref().is_some_and(|e| fixed <= e.time) {
        return Some("a build with the fix is proven before the holes became known".to_owned());
    }
    // The first build seen within a day of the installation is the one that was installed.
    let installed = builds.installed?.time?;
    (fixed <= installed.plus_seconds(86_400)?)
        .then(|| "installed with a build that carries the fix".to_owned())
}

/// Exposure at the moment of the case, to the holes that were known then or were used.
pub(crate) fn exposure(windows: &[ChainWindow<'_>]) -> Exposure {
    let known = |w: &&ChainWindow<'_>| w.counts() || w.never_open;
    let holes: Vec<_> =
        windows.iter().filter(|w| !w.chain.applies_to_every_host).filter(known).collect();
    let any = |state: WindowState| holes.iter().any(|w| w.state == state);
    let undecided = || holes.iter().filter(|w| w.state == WindowState::Unknown && !w.never_open);
    if any(WindowState::Open) {
        Exposure::Exposed
    } else if holes.is_empty() || undecided().any(|w| w.closed.is_none()) {
        Exposure::Unknown
    } else if any(WindowState::Closed) {
        Exposure::WasExposed
    } else if undecided().next().is_some() {
        Exposure::Unknown
    } else {
        Exposure::NotExposed
    }
}
