//! Which steps of which chain the hits show, and how surely.

use std::collections::{BTreeMap, BTreeSet};

use model::Time;
use model::case::Level;

use crate::input::{Record, RuleHits};
use crate::knowledge::{Chain, Proof, Step};

/// How a step is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Requested,
    Proven,
}

/// A step of a chain with what the evidence has of it.
pub(crate) struct StepResult<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) step: &'a Step,
    pub(crate) outcome: Option<Outcome>,
    /// The hits behind the outcome.
    pub(crate) hits: Vec<(&'a RuleHits, &'a Proof)>,
    /// Log sources of every whole record that speaks of the step, asked for or proven.
    pub(crate) speaking: BTreeSet<&'a str>,
    /// Hits that speak for the step and prove nothing, from damaged records alone: they keep the step
    /// from being excluded.
    pub(crate) doubtful: Vec<&'a RuleHits>,
}

impl<'a> StepResult<'a> {
    /// The level that this step shows.
    pub(crate) fn level(&self) -> Level {
        match self.outcome {
            None => Level::None,
            Some(Outcome::Requested) => self.step.requested,
            Some(Outcome::Proven) => self.step.proven,
        }
    }

    /// The stage that this step shows.
    pub(crate) fn stage(&self) -> Option<&'a str> {
        Some(match self.outcome? {
            Outcome::Requested => &self.step.requested_stage,
            Outcome::Proven => &self.step.stage,
        })
    }

    /// `chain.step`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.chain.id, self.step.id)
    }

    /// Whole records behind the outcome, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &'a Record> + '_ {
        self.hits.iter().flat_map(|(hits, _)| hits.records.iter()).filter(|r| r.whole)
    }

    pub(crate) fn first(&self) -> Option<Time> {
        self.records().filter_map(|r| r.time).min()
    }

    pub(crate) fn last(&self) -> Option<Time> {
        self.hits.iter().filter_map(|(hits, _)| hits.last).max()
    }

    pub(crate) fn count(&self) -> u64 {
        self.hits.iter().map(|(hits, _)| hits.count).sum()
    }
}

/// Says whether the build of the host is proven at a moment (`None`: at the moment of the case) and is one
/// that the list of shipped files covers.
pub(crate) type BuildListed<'f> = dyn Fn(Option<Time>) -> bool + 'f;

/// The hits of a host, by the rule names that chains use.
struct Hits<'a, 'f> {
    by_name: BTreeMap<&'a str, &'a RuleHits>,
    build_listed: &'f BuildListed<'f>,
}

impl<'a> Hits<'a, '_> {
    /// The hits of a proof whose conditions hold.
    fn of(&self, proof: &Proof, proven: &BTreeSet<&str>) -> Option<&'a RuleHits> {
        let hits = *self.by_name.get(proof.rule.as_str())?;
        let alone = proof.with_step.is_empty();
        let joined = alone || proof.with_step.iter().any(|s| proven.contains(s.as_str()));
        let listed = !proof.needs_listed_build
            || hits.records.iter().any(|r| r.whole && (self.build_listed)(r.time));
        (joined && listed).then_some(hits)
    }
}

/// Evaluates every step of the chains.
pub(crate) fn steps<'a>(
    chains: &[&'a Chain],
    hits: &'a [RuleHits],
    build_listed: &BuildListed<'_>,
) -> Vec<StepResult<'a>> {
    let by_name = hits.iter().map(|h| (h.name.as_str(), h)).collect();
    let hits = Hits { by_name, build_listed };
    chains.iter().flat_map(|chain| chain_steps(chain, &hits)).collect()
}

fn is_whole(hits: &RuleHits) -> bool {
    hits.records.iter().any(|r| r.whole)
}

fn chain_steps<'a>(chain: &'a Chain, hits: &Hits<'a, '_>) -> Vec<StepResult<'a>> {
    let mut proven: BTreeSet<&str> = BTreeSet::new();
    // A proof may wait for another step of the chain, so proving goes on until nothing new is proven.
    loop {
        let before = proven.len();
        for step in &chain.steps {
            if step.proven_by.iter().any(|p| hits.of(p, &proven).is_some_and(is_whole)) {
                proven.insert(&step.id);
            }
        }
        if proven.len() == before {
            break;
        }
    }
    chain.steps.iter().map(|step| step_result(chain, step, hits, &proven)).collect()
}

fn step_result<'a>(
    chain: &'a Chain,
    step: &'a Step,
    hits: &Hits<'a, '_>,
    proven: &BTreeSet<&str>,
) -> StepResult<'a> {
    let split = |proofs: &'a [Proof]| -> (Vec<_>, Vec<_>) {
        let found = proofs.iter().filter_map(|p| Some((hits.of(p, proven)?, p)));
        found.partition(|(hits, _)| is_whole(hits))
    };
    let (proofs, weak) = split(&step.proven_by);
    let (requests, weak_requests) = split(&step.requested_by);
    let speaking = proofs
        .iter()
        .chain(&requests)
        .flat_map(|(hits, _)| hits.records.iter().filter(|r| r.whole))
        .map(|r| r.logsource.as_str())
        .collect();
    let (outcome, found) = if !proofs.is_empty() {
        (Some(Outcome::Proven), proofs)
    } else if !requests.is_empty() {
        (Some(Outcome::Requested), requests)
    } else {
        (None, Vec::new())
    };
    let doubtful = weak.into_iter().chain(weak_requests).map(|(h, _)| h).collect();
    StepResult { chain, step, outcome, hits: found, speaking, doubtful }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::tests_support::{hits, record};

    fn chain() -> Chain {
        serde_saphyr::from_str(
            "{id: c, title: t, cves: [], steps: [
              {id: a, title: a, stage: ssrf, requested: attempted, proven: attempted,
               proven_by: [{rule: r1}], shown_by: [], text: {}},
              {id: b, title: b, stage: web_shell_written, requested: attempted, proven: compromised,
               requested_by: [{rule: r2}], proven_by: [{rule: r2, with_step: [a]}],
               shown_by: [], text: {}}]}",
        )
        .unwrap()
    }

    #[test]
    fn a_proof_that_needs_another_step_is_only_a_request_without_it() {
        let chain = chain();
        let alone = [hits("r2", vec![record(1, true)])];
        let result = steps(&[&chain], &alone, &|_| false);
        assert_eq!(result[1].outcome, Some(Outcome::Requested));
        let both = [hits("r1", vec![record(1, true)]), hits("r2", vec![record(2, true)])];
        let result = steps(&[&chain], &both, &|_| false);
        assert_eq!(result[1].outcome, Some(Outcome::Proven));
        assert_eq!(result[1].level(), Level::Compromised);
    }

    #[test]
    fn a_damaged_record_alone_shows_nothing_and_is_remembered() {
        let chain = chain();
        let damaged = [hits("r1", vec![record(1, false)])];
        let result = steps(&[&chain], &damaged, &|_| false);
        assert_eq!(result[0].outcome, None);
        assert_eq!(result[0].doubtful.len(), 1);
    }
}
