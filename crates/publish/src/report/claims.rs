//! The sentences of a case: the chain of the attack, the six questions, impact and hypotheses.

use model::Time;
use model::case::{Case, Claim, HypothesisKind, ImpactState, Question};

use super::limits;
use super::text::{Anchors, Refs, Text, left_out};
use crate::story;
use crate::words::{Word, bytes, counted, duration, spaced};

/// A sentence with what is for it and against it.
pub(super) struct ClaimView {
    pub(super) anchor: Text,
    pub(super) id: Text,
    /// Its number among the steps of the chain.
    pub(super) number: Text,
    pub(super) text: Text,
    pub(super) first: Text,
    pub(super) last: Text,
    pub(super) precision: Text,
    pub(super) confidence: &'static str,
    pub(super) still_in: bool,
    pub(super) requested: bool,
    pub(super) supporting: Refs,
    pub(super) contradicting: Refs,
    pub(super) waiver: Text,
}

/// Sentences in order.
pub(super) struct ClaimList {
    pub(super) rows: Vec<ClaimView>,
    pub(super) left_out: Option<Text>,
}

/// One of the six questions.
pub(super) struct QuestionView {
    pub(super) word: &'static str,
    pub(super) asks: &'static str,
    /// What stands for the answer in one line.
    pub(super) answer: Text,
    pub(super) assessed: bool,
    pub(super) claims: ClaimList,
}

/// The chain of the attack.
pub(super) fn chain(case: &Case, anchors: &Anchors) -> ClaimList {
    let mut chain = list(&story::steps(case), anchors);
    for (row, claim) in chain.rows.iter_mut().zip(story::steps(case)) {
        row.text = Text::long(story::timeless(claim));
    }
    chain
}

fn list(claims: &[&Claim], anchors: &Anchors) -> ClaimList {
    let rows = claims.iter().take(limits::CLAIMS).enumerate();
    ClaimList {
        rows: rows.map(|(at, claim)| view(at + 1, claim, anchors)).collect(),
        left_out: left_out(claims.len(), limits::CLAIMS, "case.json"),
    }
}

fn view(number: usize, claim: &Claim, anchors: &Anchors) -> ClaimView {
    let last = claim.last.filter(|last| Some(*last) != story::moment(claim));
    ClaimView {
        anchor: anchors.name(&claim.id),
        id: Text::short(&claim.id),
        number: Text::count(number),
        text: Text::long(&claim.text),
        first: Text::time(story::moment(claim)),
        last: last.map_or_else(|| Text::short(""), |last: Time| Text::time(Some(last))),
        precision: Text::short(
            &claim.precision_s.map(|s| format!("± {}", duration(s))).unwrap_or_default(),
        ),
        confidence: claim.confidence.word(),
        still_in: claim.question == Question::StillIn,
        requested: story::only_requested(claim),
        supporting: anchors.refs(&claim.supporting),
        contradicting: anchors.refs(&claim.contradicting),
        waiver: Text::long(claim.waiver.as_deref().unwrap_or_default()),
    }
}

/// The six questions, each with what the case says to it.
pub(super) fn questions(case: &Case, anchors: &Anchors) -> Vec<QuestionView> {
    let all = [
        Question::Exposed,
        Question::Hit,
        Question::StillIn,
        Question::Taken,
        Question::Who,
        Question::WhatNow,
    ];
    all.map(|question| view_question(case, question, anchors)).into()
}

fn view_question(case: &Case, question: Question, anchors: &Anchors) -> QuestionView {
    let claims: Vec<&Claim> = case.claims.iter().filter(|c| c.question == question).collect();
    let assessed = assessed(case, question, claims.len());
    // The chain shows its steps with their anchors: here stands what is said beside them.
    let beside: Vec<&Claim> = claims.iter().copied().filter(|c| !story::is_step(c)).collect();
    QuestionView {
        word: question.word(),
        asks: asks(question),
        answer: Text::long(&answer(case, question, assessed, claims.len())),
        assessed,
        claims: list(&beside, anchors),
    }
}

fn assessed(case: &Case, question: Question, claims: usize) -> bool {
    match question {
        Question::Taken => claims > 0 || !case.impact.is_empty(),
        Question::Who => claims > 0 || case.hypotheses.is_some(),
        Question::Exposed | Question::Hit | Question::StillIn | Question::WhatNow => true,
    }
}

fn asks(question: Question) -> &'static str {
    match question {
        Question::Exposed => "Which holes were open here, from when to when?",
        Question::Hit => "Scanned, attacked, or broken into? By which steps?",
        Question::StillIn => "Patching closes the door; it puts nobody out. What is still there?",
        Question::Taken => "Which mail, personal data, secrets and further machines were reached?",
        Question::Who => "Which actors fit, how surely, and which others fit as well?",
        Question::WhatNow => "What does the owner do next, in which order, and why?",
    }
}

fn answer(case: &Case, question: Question, assessed: bool, claims: usize) -> String {
    if !assessed {
        return "Not assessed by this version: nothing here speaks for or against it.".to_owned();
    }
    let verdict = &case.verdict;
    match question {
        Question::Exposed => format!(
            "Exposure: {}; {} (section 3).",
            verdict.exposure.word(),
            counted(case.windows.len(), "window", "windows")
        ),
        Question::Hit => {
            format!(
                "{}; {} in all, the steps in section 4.",
                verdict.compromise.headline(),
                statements(claims)
            )
        }
        Question::StillIn => {
            format!("Presence: {}; {}, in section 4.", verdict.presence.word(), statements(claims))
        }
        Question::Taken => format!("{} below.", counted(case.impact.len(), "asset", "assets")),
        Question::Who => format!(
            "{} below; none is a finding of fact.",
            counted(case.hypotheses.as_ref().map_or(0, Vec::len), "hypothesis", "hypotheses")
        ),
        Question::WhatNow => {
            format!("{} (section 2).", counted(case.actions.len(), "action", "actions"))
        }
    }
}

fn statements(n: usize) -> String {
    counted(n, "statement", "statements")
}

/// An asset.
pub(super) struct ImpactRow {
    pub(super) asset_type: Text,
    pub(super) asset: Text,
    pub(super) state: &'static str,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) bytes: Text,
    pub(super) claims: Refs,
}

/// What was reached.
pub(super) struct ImpactView {
    pub(super) rows: Vec<ImpactRow>,
    pub(super) left_out: Option<Text>,
}

pub(super) fn impact(case: &Case, anchors: &Anchors) -> ImpactView {
    let rows = case.impact.iter().take(limits::LIST).map(|impact| ImpactRow {
        asset_type: Text::short(&spaced(&impact.asset_type)),
        asset: Text::short(&impact.asset),
        state: match impact.state {
            ImpactState::Proven => "proven",
            ImpactState::Possible => "possible",
            ImpactState::NotShown => "not shown",
        },
        from: Text::time(impact.from),
        to: Text::time(impact.to),
        bytes: Text::short(&impact.bytes_max.map_or_else(|| "unknown".to_owned(), bytes)),
        claims: anchors.refs(&impact.claims),
    });
    ImpactView {
        rows: rows.collect(),
        left_out: left_out(case.impact.len(), limits::LIST, "case.json"),
    }
}

/// Somebody who fits.
pub(super) struct HypothesisRow {
    pub(super) id: Text,
    pub(super) thread: Text,
    pub(super) kind: &'static str,
    pub(super) name: Text,
    pub(super) range: Text,
    pub(super) term: Text,
    pub(super) confidence: &'static str,
    pub(super) supporting: Refs,
    pub(super) contradicting: Refs,
}

/// Who fits.
pub(super) struct HypothesesView {
    pub(super) rows: Vec<HypothesisRow>,
    pub(super) left_out: Option<Text>,
}

pub(super) fn hypotheses(case: &Case, anchors: &Anchors) -> HypothesesView {
    let all = case.hypotheses.as_deref().unwrap_or_default();
    let rows = all.iter().take(limits::LIST).map(|hypothesis| {
        let [low, high] = hypothesis.probability;
        HypothesisRow {
            id: Text::short(&hypothesis.id),
            thread: Text::short(&hypothesis.thread),
            kind: match hypothesis.kind {
                HypothesisKind::IntrusionSet => "group",
                HypothesisKind::Family => "malicious software",
                HypothesisKind::NotInKb => "not in the knowledge base",
                HypothesisKind::Several => "several",
            },
            name: Text::short(&hypothesis.name),
            range: Text::short(&format!("{:.0}–{:.0} %", low * 100.0, high * 100.0)),
            term: Text::short(&hypothesis.term),
            confidence: hypothesis.confidence.word(),
            supporting: anchors.refs(&hypothesis.supporting),
            contradicting: anchors.refs(&hypothesis.contradicting),
        }
    });
    HypothesesView {
        rows: rows.collect(),
        left_out: left_out(all.len(), limits::LIST, "case.json"),
    }
}
