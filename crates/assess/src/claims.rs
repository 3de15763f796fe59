//! The sentences of the case, each with the evidence behind it.

use std::collections::{BTreeMap, BTreeSet};

use model::Time;
use model::case::{Claim, Confidence, Level, Presence, Question, WindowState};

use crate::coverage::Excluder;
use crate::exposure::ChainWindow;
use crate::incident::{Outcome, StepResult};
use crate::input::{HostEvidence, Record, RuleHits};
use crate::presence::Artefact;
use crate::register::Register;
use crate::words::{grouped, spoken};

/// At most that many events stand behind one claim; its findings name them all.
const MAX_EVENTS: usize = 10;
/// At most that many events are named as what the headline rests on.
const MAX_RESTS_ON: usize = 50;
const MAX_SUBJECTS: usize = 3;
const MAX_SUBJECT_CHARS: usize = 100;
const MAX_ADDRESSES: usize = 10;

/// All that claims are made of.
pub(crate) struct Facts<'a> {
    pub(crate) evidence: &'a HostEvidence,
    pub(crate) steps: &'a [StepResult<'a>],
    pub(crate) windows: &'a [ChainWindow<'a>],
    pub(crate) artefacts: &'a [Artefact<'a>],
    pub(crate) register: &'a Register<'a>,
    pub(crate) excluder: &'a Excluder<'a>,
    /// Fields that name what a record is about, the best first.
    pub(crate) subject_fields: Vec<&'a str>,
    pub(crate) shown: Level,
    pub(crate) not_excluded: Level,
}

/// All claims, numbered.
pub(crate) fn claims(facts: &Facts<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    claims.extend(facts.windows.iter().filter_map(|w| window_claim(facts, w)));
    claims.extend(step_claims(facts));
    claims.extend(source_claim(facts));
    claims.extend(contradiction_claims(facts));
    claims.extend(limit_claim(facts));
    claims.extend(facts.artefacts.iter().map(|a| artefact_claim(facts, a)));
    claims.sort_by(|a, b| {
        let key = |c: &Claim| (c.question, c.first.is_none(), c.first, c.statement.clone());
        key(a).cmp(&key(b)).then_with(|| a.args.cmp(&b.args))
    });
    for (i, claim) in claims.iter_mut().enumerate() {
        claim.id = format!("C{}", i + 1);
    }
    claims
}

fn claim(question: Question, statement: String, text: String) -> Claim {
    Claim {
        id: String::new(),
        question,
        statement,
        args: BTreeMap::new(),
        text,
        first: None,
        last: None,
        precision_s: None,
        supporting: Vec::new(),
        contradicting: Vec::new(),
        confidence: Confidence::Moderate,
        waiver: None,
    }
}

fn window_claim(facts: &Facts<'_>, window: &ChainWindow<'_>) -> Option<Claim> {
    if window.chain.applies_to_every_host || !window.is_told() {
        return None;
    }
    let holes = format!("{} ({})", window.chain.title, window.chain.cves.join(", "));
    let at = |t: Option<Time>| t.map_or_else(|| "an unknown moment".to_owned(), spoken);
    let (word, text) = match (&window.set_aside, window.state, &window.closed) {
        (Some(reason), ..) => ("set_aside", format!("{holes} does not count here: {reason}.")),
        (None, WindowState::Open, _) => (
            "open",
            format!(
                "{holes} was open at {} at the latest, and nothing shows it closed. It opened not before {} ({}).",
                at(window.latest),
                at(window.earliest),
                window.earliest_basis
            ),
        ),
        (None, WindowState::Closed, Some(closed)) => (
            "closed",
            format!(
                "{holes} was open at {} at the latest, not before {}, and was closed by a build with the fix between {} and {}.",
                at(window.latest),
                at(window.earliest),
                at(closed.earliest),
                at(closed.latest)
            ),
        ),
        (None, _, Some(closed)) => (
            "unknown_before_fix",
            format!(
                "A build with the fix for {holes} is proven from {} on; what ran before is not known.",
                at(closed.latest)
            ),
        ),
        _ => (
            "unknown",
            format!(
                "Whether {holes} was open here is not known: {}.",
                window.not_told.as_deref().unwrap_or("no record states a build that tells")
            ),
        ),
    };
    let mut claim = claim(Question::Exposed, format!("window.{}.{word}", window.chain.id), text);
    let closed_basis = window.closed.iter().flat_map(|c| c.basis.iter().copied());
    let basis = window.opened_basis.iter().copied().chain(closed_basis);
    claim.supporting = facts.register.event_ids(basis, MAX_EVENTS);
    claim.first = window.latest;
    claim.last = window.closed.as_ref().and_then(|c| c.latest);
    Some(claim)
}

fn step_claims(facts: &Facts<'_>) -> Vec<Claim> {
    // A finding that shows a step of a known chain is not told a second time as an unknown way in.
    let told: BTreeSet<&str> = facts
        .steps
        .iter()
        .filter(|s| !s.chain.applies_to_every_host && s.outcome.is_some())
        .flat_map(|s| s.hits.iter().map(|(h, _)| h.rule.id.as_str()))
        .collect();
    let repeats = |s: &StepResult<'_>| {
        s.chain.applies_to_every_host
            && s.hits.iter().all(|(h, _)| told.contains(h.rule.id.as_str()))
    };
    facts.steps.iter().filter(|s| !repeats(s)).filter_map(|step| step_claim(facts, step)).collect()
}

fn step_claim(facts: &Facts<'_>, step: &StepResult<'_>) -> Option<Claim> {
    let (word, template) = match step.outcome? {
        Outcome::Requested => ("requested", &step.step.text.requested),
        Outcome::Proven => ("proven", &step.step.text.proven),
    };
    let subjects = subjects(&about(step), &facts.subject_fields);
    let subject =
        if subjects.is_empty() { "see the records".to_owned() } else { subjects.join(", ") };
    let count = times(step.count());
    let text = template.replace("{count}", &count).replace("{subject}", &subject);
    let text = match step.first() {
        Some(first) => format!("{} {text}", span(first, step.last())),
        None => text,
    };
    let precision = step.records().filter_map(|r| r.precision_s).max();
    let text = match precision {
        Some(seconds) => format!("{text} {}", unproven_clock(step, seconds)),
        None => text,
    };
    let mut claim = claim(Question::Hit, format!("{}.{word}", step.name()), text);
    claim.args = step_args(step, &subjects);
    claim.first = step.first();
    claim.last = step.last();
    claim.precision_s = precision;
    claim.supporting = supporting(facts, step);
    claim.confidence = confidence(step);
    Some(claim)
}

/// What to make of times of sources whose clock no pair of records proves.
fn unproven_clock(step: &StepResult<'_>, seconds: i64) -> String {
    let sources: BTreeSet<&str> =
        step.records().filter(|r| r.precision_s.is_some()).map(|r| r.logsource.as_str()).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let minutes = seconds / 60;
    format!(
        "The clock of {} is not proven; its times may be off by {} h {:02} min.",
        sources.join(", "),
        minutes / 60,
        minutes % 60
    )
}

fn step_args(step: &StepResult<'_>, subjects: &[String]) -> BTreeMap<String, String> {
    let mut args = BTreeMap::from([
        ("chain".to_owned(), step.chain.id.clone()),
        ("step".to_owned(), step.step.id.clone()),
        ("count".to_owned(), step.count().to_string()),
    ]);
    if !subjects.is_empty() {
        args.insert("subject".to_owned(), subjects.join(", "));
    }
    args
}

fn supporting(facts: &Facts<'_>, step: &StepResult<'_>) -> Vec<String> {
    let findings = step.hits.iter().filter_map(|(h, _)| facts.register.finding(h));
    let mut ids: Vec<String> = findings.map(str::to_owned).collect();
    ids.extend(facts.register.event_ids(step.records(), MAX_EVENTS));
    ids
}

/// Two sources that agree are better than one; a record whose time is only assumed adds none.
fn confidence(step: &StepResult<'_>) -> Confidence {
    let sources: BTreeSet<&str> = step.records().map(|r| r.logsource.as_str()).collect();
    match (sources.len(), step.outcome) {
        (2.., _) => Confidence::High,
        (1, Some(Outcome::Proven)) => Confidence::Moderate,
        _ => Confidence::Low,
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        n => format!("{n} records"),
    }
}

fn span(first: Time, last: Option<Time>) -> String {
    match last {
        Some(last) if last.unix_seconds() != first.unix_seconds() => {
            format!("{} to {}:", spoken(first), spoken(last))
        }
        _ => format!("{}:", spoken(first)),
    }
}

/// The records that name what a step is about: those of what it places, where it places something.
fn about<'a>(step: &StepResult<'a>) -> Vec<&'a Record> {
    let places = step.hits.iter().any(|(_, proof)| proof.places.is_some());
    step.hits
        .iter()
        .filter(|(_, proof)| proof.places.is_some() == places)
        .flat_map(|(hits, _)| hits.records.iter().filter(|r| r.whole))
        .collect()
}

/// What records are about: the first distinct values of the best field that each has. Paths that end in the
/// same name count as one: a share, a URL and a disk name the same file differently.
fn subjects(records: &[&Record], fields: &[&str]) -> Vec<String> {
    let name = |s: &str| s.rsplit(['\\', '/']).next().unwrap_or_default().to_lowercase();
    let mut subjects: Vec<String> = Vec::new();
    for record in records {
        let value = fields
            .iter()
            .find_map(|name| record.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value));
        let Some(value) = value else { continue };
        let short = shorten(value);
        if !subjects.iter().any(|s| name(s) == name(&short)) {
            subjects.push(short);
        }
        if subjects.len() == MAX_SUBJECTS {
            break;
        }
    }
    subjects
}

fn shorten(value: &str) -> String {
    if value.chars().count() <= MAX_SUBJECT_CHARS {
        return value.to_owned();
    }
    value.chars().take(MAX_SUBJECT_CHARS).chain(['…']).collect()
}

/// Where the requests of all steps from `attempted` on came from.
fn source_claim(facts: &Facts<'_>) -> Option<Claim> {
    let attack = |s: &&StepResult<'_>| s.level() >= Level::Attempted;
    let mut addresses: BTreeMap<String, BTreeSet<&Record>> = BTreeMap::new();
    for record in facts.steps.iter().filter(attack).flat_map(StepResult::records) {
        for address in &record.addresses {
            addresses.entry(shorten(address)).or_default().insert(record);
        }
    }
    if addresses.is_empty() {
        return None;
    }
    let own = |a: &String| is_loopback(a) || facts.evidence.own_addresses.contains(a);
    let listed: Vec<&str> = addresses.keys().map(String::as_str).take(MAX_ADDRESSES).collect();
    let listed = listed.join(", ");
    let (word, text) = if addresses.keys().all(own) {
        (
            "source_is_the_host",
            format!(
                "The source address of these steps is the server itself ({listed}): they were started on it or passed on by something on it. No outside address is in this evidence."
            ),
        )
    } else {
        ("source_addresses", format!("Source addresses of these steps: {listed}."))
    };
    let records = || addresses.values().flatten().copied();
    let mut claim = claim(Question::Hit, word.to_owned(), text);
    claim.args.insert("addresses".to_owned(), listed);
    claim.first = records().filter_map(|r| r.time).min();
    claim.last = records().filter_map(|r| r.time).max();
    claim.supporting = facts.register.event_ids(records(), MAX_EVENTS);
    Some(claim)
}

fn is_loopback(address: &str) -> bool {
    address.parse::<std::net::IpAddr>().is_ok_and(|ip| {
        ip.is_loopback()
            || matches!(ip, std::net::IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()))
    })
}

fn contradiction_claims(facts: &Facts<'_>) -> Vec<Claim> {
    let mut silent: BTreeMap<&str, Vec<&StepResult<'_>>> = BTreeMap::new();
    for (step, set) in facts.excluder.contradictions(facts.steps) {
        for source in set {
            silent.entry(source).or_default().push(step);
        }
    }
    silent
        .into_iter()
        .map(|(source, steps)| {
            let titles: BTreeSet<&str> = steps.iter().map(|s| s.step.title.as_str()).collect();
            let titles: Vec<&str> = titles.into_iter().collect();
            let name = facts.excluder.title(source);
            let text = format!(
                "The {name} holds records of that time and shows nothing of what another source proves ({}): lines were removed, or it does not log this. It excludes nothing in this case.",
                titles.join(", ")
            );
            let mut claim = claim(Question::Hit, format!("silent_source.{source}"), text);
            claim.args.insert("logsource".to_owned(), source.to_owned());
            let records = steps.iter().flat_map(|s| s.records());
            claim.contradicting = facts.register.event_ids(records, MAX_EVENTS);
            claim
        })
        .collect()
}

/// Why the ceiling is above the floor.
fn limit_claim(facts: &Facts<'_>) -> Option<Claim> {
    if facts.not_excluded <= facts.shown {
        return None;
    }
    let open: Vec<&StepResult<'_>> = facts
        .excluder
        .open_steps(facts.steps, facts.windows)
        .filter(|s| s.step.proven > facts.shown)
        .collect();
    let steps = open.iter().map(|s| (s.chain.title.as_str(), s.step.title.as_str()));
    let text = format!(
        "More than what is shown cannot be ruled out: the evidence does not cover {} of the steps that would prove it ({}).",
        open.len(),
        grouped(steps)
    );
    let mut claim = claim(Question::Hit, "not_excluded".to_owned(), text);
    claim.args.insert("steps".to_owned(), open.len().to_string());
    claim.confidence = Confidence::High;
    Some(claim)
}

fn artefact_claim(facts: &Facts<'_>, artefact: &Artefact<'_>) -> Claim {
    let path = shorten(&artefact.path);
    let (word, text) = match artefact.state {
        Presence::Present => ("present", format!("{path} {}.", artefact.reason)),
        Presence::Removed => (
            "removed",
            format!(
                "{path} is gone: {}. That it is gone does not show what was done through it, nor that nothing else was left.",
                artefact.reason
            ),
        ),
        _ => {
            ("unknown", format!("Whether {path} is still there is not known: {}.", artefact.reason))
        }
    };
    let mut claim = claim(Question::StillIn, format!("artefact.{word}"), text);
    claim.args.insert("path".to_owned(), path);
    claim.first = artefact.seen.iter().filter_map(|r| r.time).min();
    claim.last = artefact.seen.iter().filter_map(|r| r.time).max();
    claim.supporting = facts.register.event_ids(artefact.seen.iter().copied(), MAX_EVENTS);
    let gone = facts.register.event_ids(artefact.gone.iter().copied(), MAX_EVENTS);
    if artefact.state == Presence::Removed {
        claim.supporting.extend(gone);
    } else {
        claim.contradicting = gone;
    }
    claim
}

/// Claims that carry the verdict: those of the steps at the level shown, and what limits it.
pub(crate) fn carrying(claims: &[Claim], facts: &Facts<'_>) -> Vec<String> {
    let at_level: BTreeSet<String> = facts
        .steps
        .iter()
        .filter(|s| facts.shown > Level::None && s.level() == facts.shown)
        .map(StepResult::name)
        .collect();
    claims
        .iter()
        .filter(|c| {
            let step = c.statement.rsplit_once('.').map(|(name, _)| name);
            step.is_some_and(|s| at_level.contains(s)) || c.statement == "not_excluded"
        })
        .map(|c| c.id.clone())
        .collect()
}

/// Evidence without which the headline would change: the records that alone prove the level shown.
pub(crate) fn rests_on(facts: &Facts<'_>) -> Vec<String> {
    let at_level =
        facts.steps.iter().filter(|s| facts.shown > Level::None && s.level() == facts.shown);
    facts.register.event_ids(at_level.flat_map(StepResult::records), MAX_RESTS_ON)
}

/// Confidence in the headline: by how many sources agree on what is shown, or how much was read.
pub(crate) fn headline_confidence(facts: &Facts<'_>, all_excluded: bool) -> Confidence {
    let sources: BTreeSet<&str> = facts
        .steps
        .iter()
        .filter(|s| facts.shown > Level::None && s.level() == facts.shown)
        .flat_map(|s| s.records().map(|r| r.logsource.as_str()))
        .collect();
    match (sources.len(), facts.shown) {
        (2.., _) => Confidence::High,
        (1, _) => Confidence::Moderate,
        (_, Level::None) if all_excluded => Confidence::Moderate,
        _ => Confidence::Low,
    }
}

/// Hits that only damaged records carry.
pub(crate) fn doubtful<'a>(steps: &'a [StepResult<'a>]) -> impl Iterator<Item = &'a RuleHits> {
    steps.iter().flat_map(|s| s.doubtful.iter().copied())
}
