//! The head of the report: the verdict with its bounds, and what to do now.

use model::case::{Adequacy, Case, Exposure, Presence};

use super::limits;
use super::scale::{Scale, scale};
use super::text::{Anchors, Refs, Text, left_out, texts};
use crate::story::{self, Tone};
use crate::words::{Word, spaced};

/// One word of the verdict with what it means.
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) word: Text,
    pub(super) meaning: &'static str,
}

/// A sentence that carries the verdict.
pub(super) struct Reason {
    pub(super) text: Text,
    pub(super) refs: Refs,
    pub(super) waived: bool,
}

/// The verdict.
pub(super) struct VerdictView {
    pub(super) tone: &'static str,
    pub(super) symbol: &'static str,
    pub(super) headline: &'static str,
    pub(super) interval: Text,
    pub(super) bounds: Text,
    pub(super) scale: Scale,
    pub(super) reasons: Vec<Reason>,
    pub(super) rests_on: Refs,
    pub(super) axes: Vec<Axis>,
    pub(super) names: Vec<Text>,
    pub(super) product: Text,
    pub(super) build: Text,
    pub(super) build_basis: Refs,
    pub(super) sid: Text,
}

pub(super) fn verdict(case: &Case, anchors: &Anchors) -> VerdictView {
    let (tone, symbol) = match story::tone(case) {
        Tone::Red => ("red", "✖"),
        Tone::Amber => ("amber", "?"),
        Tone::Green => ("green", "✓"),
    };
    let known = |value: &Option<String>| Text::short(value.as_deref().unwrap_or("unknown"));
    VerdictView {
        tone,
        symbol,
        headline: case.verdict.compromise.headline(),
        interval: Text::long(&story::interval(case)),
        bounds: Text::long(&story::bounds(case)),
        scale: scale(&case.verdict.compromise),
        reasons: reasons(case, anchors),
        rests_on: anchors.refs(&case.verdict.rests_on),
        axes: axes(case),
        names: texts(&case.host.names, 20),
        product: Text::short(
            case.host.product.as_deref().unwrap_or("no product that this content knows"),
        ),
        build: known(&case.host.build),
        build_basis: anchors.refs(&case.host.build_basis),
        sid: known(&case.host.sid),
    }
}

fn reasons(case: &Case, anchors: &Anchors) -> Vec<Reason> {
    let reasons = story::reasons(case).into_iter().take(limits::LIST);
    reasons
        .map(|claim| Reason {
            text: Text::long(&claim.text),
            refs: anchors.refs(std::iter::once(&claim.id).chain(&claim.supporting)),
            waived: claim.waiver.is_some(),
        })
        .collect()
}

fn axes(case: &Case) -> Vec<Axis> {
    let verdict = &case.verdict;
    let axis = |name, word: &str, meaning| Axis { name, word: Text::short(word), meaning };
    vec![
        axis(
            "Furthest step shown",
            &spaced(&verdict.compromise.stage),
            "How far along its chain the attack is proven.",
        ),
        axis("Presence", verdict.presence.word(), presence(verdict.presence)),
        axis("Exposure", verdict.exposure.word(), exposure(verdict.exposure)),
        axis("Coverage", verdict.coverage.word(), coverage(verdict.coverage)),
        axis(
            "Confidence in the headline",
            verdict.confidence.word(),
            "Of the analysis. It is no likelihood.",
        ),
    ]
}

fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Present => "Something of the attacker was there at the end of the evidence.",
        Presence::Removed => "It was there, and evidence shows it gone by a stated time.",
        Presence::Unknown => "Whether something of the attacker is still there is not proven.",
        Presence::NotApplicable => {
            "Nothing was ever shown to be placed, and compromise is excluded."
        }
    }
}

fn exposure(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Exposed => "A window is open at the end of the evidence.",
        Exposure::WasExposed => "A window was open and is closed.",
        Exposure::NotExposed => "Builds are known over the whole window and were never vulnerable.",
        Exposure::Unknown => "The evidence does not tell which holes were open.",
    }
}

fn coverage(coverage: Adequacy) -> &'static str {
    match coverage {
        Adequacy::Adequate => {
            "Sources that would show each step above the headline were read without gaps."
        }
        Adequacy::Partial => "Some steps above the headline are excluded, others are not.",
        Adequacy::Inadequate => "No step above the headline is excluded by what was read.",
    }
}

/// One thing to do.
pub(super) struct ActionView {
    pub(super) order: Text,
    pub(super) text: Text,
    pub(super) status: &'static str,
    pub(super) source: Text,
    pub(super) preserve: Vec<Text>,
    pub(super) closes_when: Text,
    pub(super) triggered_by: Refs,
}

/// What to do, in order.
pub(super) struct ActionsView {
    pub(super) rows: Vec<ActionView>,
    pub(super) left_out: Option<Text>,
}

pub(super) fn actions(case: &Case, anchors: &Anchors) -> ActionsView {
    let actions = story::actions(case);
    let rows = actions.iter().take(limits::LIST).map(|action| ActionView {
        order: Text::number(action.order.into()),
        text: Text::long(&action.text),
        status: action.status.word(),
        source: Text::short(&action.source),
        preserve: texts(&action.preserve_first, limits::LIST),
        closes_when: Text::long(&action.closes_when),
        triggered_by: anchors.refs(&action.triggered_by),
    });
    ActionsView {
        rows: rows.collect(),
        left_out: left_out(actions.len(), limits::LIST, "case.json"),
    }
}
