//! What to do, in order: the actions of the packs whose conditions hold.

use model::case::{Action, ActionStatus, Claim, Impact, ImpactState, Question, Verdict};

use crate::knowledge::{ActionFacts, Pack, When};

/// What decides which actions apply.
pub(crate) struct Situation<'a> {
    pub(crate) verdict: &'a Verdict,
    pub(crate) impact: &'a [Impact],
    pub(crate) claims: &'a [Claim],
}

/// The actions that apply; those of the product's pack and the general ones, in the order of the packs' files.
pub(crate) fn actions(packs: &[&Pack], situation: &Situation<'_>) -> Vec<Action> {
    let stages: Vec<&str> = packs.iter().flat_map(|p| &p.head.stages).map(String::as_str).collect();
    let product = packs.iter().any(|p| p.head.product.is_some());
    let applies = |a: &&ActionFacts| applies(&a.when, situation, &stages, product);
    let applying = packs.iter().flat_map(|p| &p.actions).filter(applies);
    applying.zip(1..).map(|(facts, order)| action(facts, order, situation)).collect()
}

fn applies(when: &When, situation: &Situation<'_>, stages: &[&str], product: bool) -> bool {
    let verdict = situation.verdict;
    let place = |stage: &str| stages.iter().position(|s| *s == stage);
    let stage = when.stage_from.as_deref().is_none_or(|from| {
        matches!((place(from), place(&verdict.compromise.stage)), (Some(from), Some(is)) if is >= from)
    });
    one_of(&when.shown, &verdict.compromise.shown)
        && one_of(&when.not_excluded, &verdict.compromise.not_excluded)
        && one_of(&when.exposure, &verdict.exposure)
        && one_of(&when.presence, &verdict.presence)
        && stage
        && when.product.is_none_or(|wanted| wanted == product)
        && (when.impact.is_empty() || situation.impact.iter().any(|i| reached(i, &when.impact)))
}

/// A condition that names no values holds.
fn one_of<T: PartialEq>(wanted: &[T], is: &T) -> bool {
    wanted.is_empty() || wanted.contains(is)
}

fn reached(impact: &Impact, types: &[String]) -> bool {
    impact.state == ImpactState::Proven && types.contains(&impact.asset_type)
}

fn action(facts: &ActionFacts, order: u32, situation: &Situation<'_>) -> Action {
    Action {
        id: facts.id.clone(),
        order,
        text: facts.text.clone(),
        source: facts.source.clone(),
        triggered_by: triggers(&facts.when, situation),
        preserve_first: facts.preserve_first.clone(),
        closes_when: facts.closes_when.clone(),
        status: ActionStatus::Open,
    }
}

/// Claims that call for the action: those that speak to its conditions.
fn triggers(when: &When, situation: &Situation<'_>) -> Vec<String> {
    let of = |question: Question| {
        situation.claims.iter().filter(move |c| c.question == question).map(|c| c.id.clone())
    };
    let mut ids: Vec<String> = Vec::new();
    if !when.exposure.is_empty() {
        ids.extend(of(Question::Exposed));
    }
    if !when.presence.is_empty() {
        ids.extend(of(Question::StillIn));
    }
    if !when.shown.is_empty() || !when.not_excluded.is_empty() || when.stage_from.is_some() {
        ids.extend(situation.verdict.claims.iter().cloned());
    }
    ids
}
