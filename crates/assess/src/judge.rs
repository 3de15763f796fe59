//! The whole way from one host's evidence to its case.

use std::collections::BTreeMap;

use model::Time;
use model::case::{
    Adequacy, AsOf, Case, Claim, Clock, Closed, Compromise, CustodyItem, Exposure, Host, Impact,
    ImpactState, Level, Opened, SCHEMA, Verdict, Window,
};

use crate::advice::{self, Situation};
use crate::build_exposure;
use crate::builds::StatedBuild;
use crate::claims::{self, Facts};
use crate::coverage::{self, Excluder};
use crate::exposure::{self, BuildHistory, ChainWindow};
use crate::incident::{self, Outcome, StepResult};
use crate::input::{Context, HostEvidence, Record};
use crate::knowledge::{Chain, Knowledge, Pack};
use crate::presence;
use crate::register::{self, Register, item_id};

/// Judges one host.
pub fn assess(evidence: &HostEvidence, knowledge: &Knowledge, context: &Context) -> Case {
    let packs = knowledge.of_host(&evidence.sources);
    let chains: Vec<&Chain> = packs.iter().flat_map(|p| &p.chains).collect();
    let as_of = as_of(evidence, context);
    let builds = BuildHistory::of(evidence);
    let listed = |time: Option<Time>| builds.listed_at(time, as_of.time, &packs);
    let steps = incident::steps(&chains, &evidence.hits, &listed);
    let windows = exposure::windows(&packs, &builds, &steps, as_of.time);
    let source_facts = coverage::facts_by_id(&packs);
    let excluder = Excluder::new(evidence, &source_facts, as_of.time, &steps);

    let counted: Vec<&str> = windows
        .iter()
        .filter(|w| w.counts() && w.chain.is_assessed())
        .map(|w| w.chain.title.as_str())
        .collect();
    let shown = steps.iter().map(StepResult::level).max().unwrap_or(Level::None);
    let not_excluded = shown.max(coverage::ceiling(&steps, &windows, &excluder));
    let artefacts = presence::artefacts(evidence, &steps, &packs, as_of.time);
    let register = Register::new(evidence, other_records(evidence, &builds, &windows));
    let facts = Facts {
        evidence,
        steps: &steps,
        windows: &windows,
        artefacts: &artefacts,
        register: &register,
        excluder: &excluder,
        subject_fields: packs
            .iter()
            .flat_map(|p| &p.head.subject_fields)
            .map(String::as_str)
            .collect(),
        shown,
        not_excluded,
    };
    let claims = claims::claims(&facts);
    let verdict = verdict(&facts, &packs, &claims);
    let impact = impact(&steps, &claims);
    let situation = Situation { verdict: &verdict, impact: &impact, claims: &claims };
    Case {
        schema: SCHEMA.to_owned(),
        case_id: evidence.folder.clone(),
        content: context.content.clone(),
        tlp: "TLP:AMBER".to_owned(),
        host: host(evidence, &packs, &builds, &register),
        clocks: clocks(evidence, &register),
        windows: windows.iter().filter(|w| w.is_told()).map(|w| window(w, &register)).collect(),
        findings: register::findings(evidence, &steps, &register),
        events: register.case_events(evidence.names.first().map(String::as_str)),
        coverage: excluder.ledger(&steps, &windows),
        next_evidence: excluder.next_evidence(&steps, &windows, shown),
        hypotheses: None,
        actions: advice::actions(&packs, &situation),
        impact,
        custody: custody(evidence),
        not_assessed: not_assessed(&packs, &counted, &facts),
        method: context.method.clone(),
        as_of,
        verdict,
        claims,
    }
}

fn verdict(facts: &Facts<'_>, packs: &[&Pack], claims: &[Claim]) -> Verdict {
    let (shown, not_excluded) = (facts.shown, facts.not_excluded);
    let compromise = Compromise { shown, not_excluded, stage: stage(facts.steps, packs, shown) };
    let adequacy = coverage::adequacy(facts.steps, facts.windows, facts.excluder, shown);
    let exposure = exposure::exposure(facts.windows);
    Verdict {
        headline: compromise.headline().to_owned(),
        exposure,
        presence: presence::presence(facts.artefacts, not_excluded),
        coverage: adequacy,
        confidence: claims::headline_confidence(facts, not_excluded == shown),
        rests_on: claims::rests_on(facts),
        claims: claims::carrying(claims, facts),
        green: is_green(&compromise, adequacy, exposure),
        compromise,
    }
}

/// Green may be shown only where nothing above the headline is left open and the host is not exposed now.
fn is_green(compromise: &Compromise, adequacy: Adequacy, exposure: Exposure) -> bool {
    compromise.shown == compromise.not_excluded
        && compromise.shown < Level::Compromised
        && adequacy == Adequacy::Adequate
        && matches!(exposure, Exposure::NotExposed | Exposure::WasExposed)
}

/// A lone record that far behind all others is a wrong clock, not the end of the evidence, in hours.
const FAR_LATER_HOURS: i64 = 180 * 24;
/// So many records at most make such an outlier.
const LONE_RECORDS: u64 = 3;

fn as_of(evidence: &HostEvidence, context: &Context) -> AsOf {
    if let Some(time) = context.as_of {
        return AsOf { time: Some(time), basis: "given with --as-of".to_owned() };
    }
    let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
    for source in evidence.sources.values() {
        for (hour, count) in &source.hours {
            *hours.entry(*hour).or_default() += count;
        }
    }
    let (last_hour, set_aside) = last_plausible_hour(&hours);
    let latest = |(id, source): (&String, &crate::Source)| {
        let last = source.last?;
        // Facets repeat what their channel holds; the first id in order names the basis.
        (Some(last.unix_hours()) <= last_hour).then(|| (last, id.clone()))
    };
    let latest = evidence
        .sources
        .iter()
        .filter_map(latest)
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
    match (latest, last_hour) {
        (Some((time, source)), _) => {
            let outliers = match set_aside {
                0 => String::new(),
                n => format!("; {n} far later set aside as a wrong clock"),
            };
            let basis = format!("latest record, of {source}{outliers}");
            AsOf { time: Some(time), basis }
        }
        // Every source ends in an outlier: the hour itself is the best there is.
        (None, Some(hour)) => AsOf {
            time: Time::from_unix_seconds((hour + 1) * 3_600 - 1),
            basis: "end of the last hour with plausible records".to_owned(),
        },
        (None, None) => AsOf { time: None, basis: "no record has a time".to_owned() },
    }
}

/// The last hour with records that are not a few lone ones far behind all others, and the number of those.
fn last_plausible_hour(hours: &BTreeMap<i64, u64>) -> (Option<i64>, u64) {
    let mut tail = 0;
    let mut later: Option<i64> = None;
    for (hour, count) in hours.iter().rev() {
        if let Some(later) = later
            && later - hour > FAR_LATER_HOURS
            && tail <= LONE_RECORDS
        {
            return (Some(*hour), tail);
        }
        tail += count;
        if tail > LONE_RECORDS {
            break;
        }
        later = Some(*hour);
    }
    (hours.keys().next_back().copied(), 0)
}

/// The furthest stage among the steps shown at the best outcome.
fn stage(steps: &[StepResult<'_>], packs: &[&Pack], shown: Level) -> String {
    if shown == Level::None {
        return "none".to_owned();
    }
    let order: Vec<&str> = packs.iter().flat_map(|p| &p.head.stages).map(String::as_str).collect();
    let place = |stage: &str| order.iter().position(|s| *s == stage);
    // Looking for other people's shells is reconnaissance, however far down the chain the step stands.
    let reached = steps.iter().filter(|s| s.level() > Level::None).filter_map(StepResult::stage);
    reached.max_by_key(|s| place(s)).unwrap_or("none").to_owned()
}

fn other_records<'a>(
    evidence: &'a HostEvidence,
    builds: &BuildHistory<'a>,
    windows: &[ChainWindow<'a>],
) -> impl Iterator<Item = &'a Record> {
    let mut records: Vec<&Record> = evidence.clocks.iter().flat_map(|c| &c.basis).collect();
    records.extend(builds.spans.iter().flat_map(|s| [s.first, s.last]));
    records.extend(builds.installed);
    for window in windows {
        records.extend(&window.opened_basis);
        records.extend(window.closed.iter().flat_map(|c| c.basis.iter().copied()));
    }
    records.into_iter()
}

fn host(
    evidence: &HostEvidence,
    packs: &[&Pack],
    builds: &BuildHistory<'_>,
    register: &Register<'_>,
) -> Host {
    let pack = packs.iter().find(|p| p.head.product.is_some());
    let newest = builds.newest();
    let product = pack.map(|pack| {
        let name = newest.and_then(|s| {
            let title = pack.product_title(s.build)?;
            let builds = &pack.holes.builds;
            builds.product(s.build)?;
            Some(format!(
                "{title} {}",
                build_exposure::place(builds, StatedBuild::Whole(s.build)).words
            ))
        });
        let title =
            || newest.and_then(|s| pack.product_title(s.build)).or(pack.head.product.as_deref());
        name.unwrap_or_else(|| title().unwrap_or_default().to_owned())
    });
    Host {
        names: evidence.names.clone(),
        sid: None,
        product,
        build: newest.map(|s| s.build.to_string()),
        build_basis: newest.map_or_else(Vec::new, |s| register.event_ids([s.first, s.last], 2)),
    }
}

fn clocks(evidence: &HostEvidence, register: &Register<'_>) -> Vec<Clock> {
    let clock = |c: &crate::ClockFinding| Clock {
        logsource: c.logsource.clone(),
        offset_s: c.offset_s,
        from: c.from,
        to: c.to,
        basis: register.event_ids(&c.basis, 10),
    };
    evidence.clocks.iter().map(clock).collect()
}

fn window(window: &ChainWindow<'_>, register: &Register<'_>) -> Window {
    Window {
        chain: window.chain.id.clone(),
        title: if window.chain.is_assessed() {
            window.chain.title.clone()
        } else {
            format!("{} (exposure only)", window.chain.title)
        },
        cves: window.chain.cves.clone(),
        state: window.state,
        opened: Opened {
            earliest: window.earliest,
            latest: window.latest,
            basis: register.event_ids(window.opened_basis.iter().copied(), 10),
            earliest_basis: match &window.set_aside {
                Some(reason) => format!("does not count: {reason}"),
                None => window.earliest_basis.clone(),
            },
        },
        closed: window.closed.as_ref().map(|c| Closed {
            earliest: c.earliest,
            latest: c.latest,
            by: c.by,
            basis: register.event_ids(c.basis.iter().copied(), 10),
        }),
    }
}

fn impact(steps: &[StepResult<'_>], claims: &[Claim]) -> Vec<Impact> {
    let reached = steps.iter().filter(|s| s.outcome == Some(Outcome::Proven));
    reached
        .filter_map(|step| {
            let statement = format!("{}.proven", step.name());
            Some(Impact {
                asset_type: step.step.impact.clone()?,
                asset: "not named by the records".to_owned(),
                state: ImpactState::Proven,
                from: step.first(),
                to: step.last(),
                bytes_max: None,
                claims: claims
                    .iter()
                    .filter(|c| c.statement == statement)
                    .map(|c| c.id.clone())
                    .collect(),
            })
        })
        .collect()
}

fn custody(evidence: &HostEvidence) -> Vec<CustodyItem> {
    let numbered =
        |(i, file): (usize, &CustodyItem)| CustodyItem { id: item_id(i), ..file.clone() };
    evidence.items.iter().enumerate().map(numbered).collect()
}

fn not_assessed(packs: &[&Pack], counted: &[&str], facts: &Facts<'_>) -> Vec<String> {
    let mut lines: Vec<String> =
        packs.iter().flat_map(|p| p.head.not_assessed.iter().cloned()).collect();
    let unwritten: Vec<&str> = facts
        .windows
        .iter()
        .filter(|w| w.counts() && !w.chain.is_assessed())
        .map(|w| w.chain.title.as_str())
        .collect();
    if !unwritten.is_empty() {
        lines.push(format!(
            "hit? For these chains only the exposure is judged, for no step of them is written yet: {}",
            unwritten.join(", ")
        ));
    }
    lines.push(format!("chains that this content does not know; it knows: {}", counted.join(", ")));
    for hits in claims::doubtful(facts.steps) {
        lines.push(format!(
            "{}: only records of damaged chunks speak for it; they carry no proof alone",
            hits.rule.title
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_record_of_a_far_day_is_not_the_end_of_the_evidence() {
        let year = 365 * 24;
        let ordinary: BTreeMap<i64, u64> = (450_000..450_100).map(|h| (h, 10)).collect();
        assert_eq!(last_plausible_hour(&ordinary), (Some(450_099), 0));
        let mut outlier = ordinary.clone();
        outlier.insert(450_099 + 78 * year, 1);
        assert_eq!(last_plausible_hour(&outlier), (Some(450_099), 1));
        let mut resumed = ordinary;
        resumed.insert(450_099 + year, 50);
        assert_eq!(last_plausible_hour(&resumed), (Some(450_099 + year), 0), "not a lone record");
        assert_eq!(last_plausible_hour(&BTreeMap::new()), (None, 0));
    }
}
