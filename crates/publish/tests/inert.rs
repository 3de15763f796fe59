//! What an attacker wrote stays text in every document, whatever he wrote.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

mod support;

use std::collections::BTreeSet;

use assay_publish::{Style, case_json, overview, report_html, terminal, timeline_csv};
use model::case::Case;

/// A start tag with its attributes, or an end tag with none.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// Reads the tags of a page the way a browser would; text and comments are passed over.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with('/') || rest.starts_with("!DOCTYPE") {
            continue;
        }
        let end = rest.find('>').expect("every tag ends");
        let (inner, tail) = (&rest[..end], &rest[end + 1..]);
        let name = inner.split([' ', '/']).next().unwrap().to_owned();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "<{inner}>");
        let attributes = attributes(inner[name.len()..].trim_end_matches('/'));
        rest = if name == "style" { &tail[tail.find("</style>").unwrap()..] } else { tail };
        tags.push(Tag { name, attributes });
    }
    tags
}

fn attributes(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((name, tail)) = rest.trim_start().split_once("=\"") {
        let (value, after) = tail.split_once('"').expect("every value ends");
        found.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    assert_eq!(rest.trim(), "", "an attribute without a quoted value");
    found
}

const TAGS: &str = "html head meta title style body a header div p span h1 h2 h3 dl dt dd nav ol ul li main \
    section article figure figcaption svg desc line circle text g path rect defs pattern strong code \
    bdi table caption thead tbody tr th td footer";

const ATTRIBUTES: &str = "lang charset http-equiv content name class href id aria-label aria-labelledby \
    aria-hidden role tabindex scope viewBox x y x1 y1 x2 y2 cx cy r rx d width height dx fill \
    transform text-anchor patternUnits patternTransform";

fn check_tags(html: &str) {
    let known_tags: BTreeSet<&str> = TAGS.split_whitespace().collect();
    let known: BTreeSet<&str> = ATTRIBUTES.split_whitespace().collect();
    let tags = tags(html);
    let mut ids = BTreeSet::new();
    for tag in &tags {
        assert!(known_tags.contains(tag.name.as_str()), "<{}>", tag.name);
        for (name, value) in &tag.attributes {
            assert!(known.contains(name.as_str()), "{name}={value}");
            if name == "id" {
                assert!(ids.insert(value.clone()), "id {value} stands twice");
            }
            let free = ["content", "aria-label"].contains(&name.as_str());
            let plain = |c: char| c.is_ascii_alphanumeric() || " #-_.,()/:".contains(c);
            assert!(free || value.chars().all(plain), "{name}={value}");
        }
    }
    for tag in &tags {
        for (name, value) in &tag.attributes {
            let targets: Vec<&str> = match name.as_str() {
                "href" => vec![value.strip_prefix('#').expect("a link stays on the page")],
                "aria-labelledby" => value.split(' ').collect(),
                _ => vec![],
            };
            for target in targets {
                assert!(ids.contains(target), "{name} to {target}, which is not there");
            }
        }
    }
}

fn all() -> Vec<(&'static str, Case)> {
    vec![
        ("compromised", support::compromised()),
        ("seconds", support::seconds()),
        ("insufficient", support::insufficient()),
        ("quiet", support::quiet()),
    ]
}

fn invisible(c: char) -> bool {
    c.is_control() || "\u{200B}\u{202E}\u{2066}\u{FEFF}\u{E0041}\u{AD}\u{2028}".contains(c)
}

#[test]
fn only_our_tags_attributes_and_links() {
    for (_, case) in all() {
        check_tags(&report_html(&case));
    }
    check_tags(&report_html(&support::hostile()));
}

#[test]
fn headings_are_in_order() {
    for (name, case) in all() {
        let levels: Vec<u32> = tags(&report_html(&case))
            .iter()
            .filter_map(|tag| tag.name.strip_prefix('h')?.parse().ok())
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
    }
}

#[test]
fn tables_have_captions_and_scopes() {
    let tags = tags(&report_html(&support::compromised()));
    for (at, tag) in tags.iter().enumerate() {
        if tag.name == "table" {
            assert_eq!(tags[at + 1].name, "caption");
        }
        if tag.name == "th" {
            assert!(tag.attributes.iter().any(|(name, _)| name == "scope"));
        }
    }
}

#[test]
fn nothing_invisible_in_any_document() {
    let case = support::hostile();
    let style = Style { color: false, width: 80, unicode: true };
    let json = String::from_utf8(case_json(&case)).unwrap();
    let csv = String::from_utf8(timeline_csv(&case)).unwrap();
    let documents = [
        ("html", report_html(&case)),
        ("json", json),
        ("csv", csv),
        ("terminal", terminal(&case, style)),
        ("overview", overview(&[&case], style)),
    ];
    for (name, text) in documents {
        let bad = text.chars().find(|c| *c != '\n' && invisible(*c));
        assert_eq!(bad, None, "{name}");
    }
}

#[test]
fn json_gives_the_exact_text_back() {
    let case = support::compromised();
    assert_eq!(serde_json::from_slice::<Case>(&case_json(&case)).unwrap(), case);
    let mut case = case;
    case.claims[0].text = support::hostile_text();
    assert_eq!(serde_json::from_slice::<Case>(&case_json(&case)).unwrap(), case);
}

#[test]
fn csv_keeps_its_columns_and_starts_no_formula() {
    let mut reader = csv::Reader::from_reader(&*timeline_csv(&support::hostile()).leak());
    assert_eq!(reader.headers().unwrap().len(), 12);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), support::hostile().events.len());
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
}

#[test]
fn the_terminal_keeps_its_width_and_colours() {
    for width in [40, 80, 120] {
        for (name, case) in all().into_iter().chain([("hostile", support::hostile())]) {
            let text = terminal(&case, Style { color: false, width, unicode: false });
            assert!(text.is_ascii(), "{name}");
            // The headline is never broken.
            for line in text.lines().skip(1) {
                assert!(line.len() <= width, "{name} at {width}: {line}");
            }
            assert!(text.starts_with("VERDICT"));
        }
    }
    let coloured = terminal(&support::hostile(), Style { color: true, width: 80, unicode: true });
    for part in coloured.split('\u{1B}').skip(1) {
        let code = part.split('m').next().unwrap();
        assert!(["[0", "[1", "[1;31", "[1;32", "[1;33"].contains(&code), "{code}");
    }
}

#[test]
fn green_only_where_the_case_allows_it_and_the_pair_can_carry_it() {
    let green = |case: &Case| report_html(case).contains("class=\"verdict green\"");
    for (name, mut case) in all() {
        assert_eq!(green(&case), name == "quiet", "{name}");
        case.verdict.green = true;
        assert_eq!(green(&case), name == "quiet", "{name} with the word alone");
        case.verdict.green = false;
        assert!(!green(&case), "{name} without the word");
    }
}

#[test]
fn no_sentence_of_ours_promises_anything() {
    for (name, case) in all() {
        let html = report_html(&case);
        let text = html.split("</style>").nth(1).unwrap().to_lowercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        assert!(!words.contains("clean") && !words.contains("safe"), "{name}");
        assert!(!text.contains("not compromised"), "{name}");
    }
}

/// A case with far more of everything than a report shows.
fn huge() -> Case {
    let mut case = support::compromised();
    let event = case.events[1].clone();
    case.events = (1..=60_000)
        .map(|n| model::case::CaseEvent { id: format!("E{n}"), ..event.clone() })
        .collect();
    let mut finding = case.findings[1].clone();
    finding.events = (1..=1_000).map(|n| format!("E{n}")).collect();
    finding.event_count = 1_000_000;
    case.findings = (1..=3_000)
        .map(|n| model::case::Finding { id: format!("F{n}"), ..finding.clone() })
        .collect();
    let item = case.custody[1].clone();
    case.custody = (1..=100_000)
        .map(|n| model::case::CustodyItem { id: format!("M{n}"), ..item.clone() })
        .collect();
    let claim = case.claims[2].clone();
    case.claims = (1..=5_000)
        .map(|n| model::case::Claim {
            id: format!("C{n}"),
            first: claim.first.and_then(|t| t.plus_seconds(n)),
            ..claim.clone()
        })
        .collect();
    case
}

#[test]
fn a_huge_case_gives_a_bounded_report_that_states_what_is_left_out() {
    let html = report_html(&huge());
    assert!(html.len() < 8_000_000, "{} bytes", html.len());
    for note in [
        "Shown: 1,500 of 60,000. The rest is in case.json and timeline.csv.",
        "Shown: 150 of 3,000. The rest is in case.json.",
        "First 20 of 1,000,000; case.json and timeline.csv have",
        "Shown: 2,000 of 100,000. The rest is in case.json.",
        "Shown: 300 of 5,000. The rest is in case.json.",
    ] {
        assert!(html.contains(note), "{note}");
    }
    check_tags(&html);
}

#[test]
fn the_policy_names_the_hash_of_the_style() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let html = report_html(&support::quiet());
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert!(html.contains(&format!("style-src 'sha256-{hash}'")));
    assert!(!style.contains("url(") && !style.contains("@import"), "a style that loads");
}
