//! The report: one HTML file that needs nothing else, runs nothing and asks for nothing.
//!
//! The shape of the page is in `templates/`, its look in `report.css`; here the case becomes the few
//! view types that the templates print. Every text in them is a [`text::Text`], which is inert by
//! construction, and askama escapes all of it.

mod axis;
mod claims;
mod coverage;
mod findings;
mod manifest;
mod picture;
mod scale;
mod text;
mod verdict;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::case::Case;
use sha2::{Digest as _, Sha256};

use text::{Anchors, Text};

/// Rows shown of each part, so that a report stays a file that a browser opens at once. The numbers
/// are stated with the part; the rest is in `case.json`.
mod limits {
    pub(super) const CLAIMS: usize = 300;
    pub(super) const WINDOWS: usize = 60;
    pub(super) const FINDINGS: usize = 150;
    pub(super) const EVENTS_OF_FINDING: usize = 20;
    pub(super) const MATCHED: usize = 40;
    pub(super) const EVENTS: usize = 1_500;
    pub(super) const SOURCES: usize = 300;
    pub(super) const GAPS: usize = 400;
    pub(super) const CUSTODY: usize = 2_000;
    pub(super) const ISSUES: usize = 500;
    pub(super) const REFUSED: usize = 200;
    pub(super) const LIST: usize = 200;
    pub(super) const REFS: usize = 24;
}

const CSS: &str = include_str!("../../templates/report.css");

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    css: String,
    css_hash: String,
    title: Text,
    tlp: Text,
    case_id: Text,
    content: Text,
    verdict: verdict::VerdictView,
    actions: verdict::ActionsView,
    picture: picture::Picture,
    chain: claims::ClaimList,
    questions: Vec<claims::QuestionView>,
    impact: claims::ImpactView,
    hypotheses: claims::HypothesesView,
    not_assessed: Vec<Text>,
    findings: findings::FindingsView,
    coverage: coverage::CoverageView,
    events: findings::EventsView,
    method: manifest::MethodView,
    custody: manifest::CustodyView,
}

/// The report as one self-contained HTML5 file; the same bytes for the same case.
pub fn report_html(case: &Case) -> String {
    let anchors = Anchors::of(case);
    // A checkout with other line ends must not change the hash: browsers hash `\n`.
    let css = CSS.replace('\r', "");
    let page = Page {
        css_hash: STANDARD.encode(Sha256::digest(css.as_bytes())),
        css,
        title: Text::cut(crate::story::host_name(case), 120),
        tlp: Text::short(&case.tlp),
        case_id: Text::short(&case.case_id),
        content: Text::short(&case.content.version),
        verdict: verdict::verdict(case, &anchors),
        actions: verdict::actions(case, &anchors),
        picture: picture::picture(case, &anchors),
        chain: claims::chain(case, &anchors),
        questions: claims::questions(case, &anchors),
        impact: claims::impact(case, &anchors),
        hypotheses: claims::hypotheses(case, &anchors),
        not_assessed: case.not_assessed.iter().take(limits::LIST).map(|t| Text::long(t)).collect(),
        findings: findings::findings(case, &anchors),
        coverage: coverage::coverage(case, &anchors),
        events: findings::events(case, &anchors),
        method: manifest::method(case),
        custody: manifest::custody(case, &anchors),
    };
    // The templates hold nothing that can fail while it is printed.
    let html = page.render();
    debug_assert!(html.is_ok(), "the report renders");
    html.unwrap_or_default()
}
