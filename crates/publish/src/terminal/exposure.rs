//! What a build number says, on a terminal: what is open first, then what it depends on, then what is closed.

use model::exposure::{BuildExposure, ChainExposure, DatedFact, HoleState, UpdateAdvice};

use super::Style;
use super::page::{Page, Paint};
use crate::words::{count, counted};

/// Holes outside of chains that are named; `--json` has all.
const MAX_HOLES: usize = 12;

/// The page of one build. `content` names the version of the knowledge behind it.
pub fn exposure_page(exposure: &BuildExposure, content: &str, style: Style) -> String {
    let mut page = Page::new(style);
    let (head, paint) = headline(exposure);
    page.headline("EXPOSURE", &head, &format!("build {}", exposure.build), paint);
    page.row("BUILD", &sentence(&exposure.name));
    support(&mut page, exposure);
    for (label, state) in [
        ("OPEN", HoleState::Open),
        ("UNKNOWN", HoleState::Unknown),
        ("DEPENDS", HoleState::Depends),
        ("FIXED", HoleState::Fixed),
    ] {
        for chain in exposure.chains.iter().filter(|c| c.state == state) {
            page.hanging(label, &chain.title, &chain_line(chain));
        }
    }
    let untouched: Vec<&str> = exposure
        .chains
        .iter()
        .filter(|c| c.state == HoleState::NotAffected)
        .map(|c| c.title.as_str())
        .collect();
    if !untouched.is_empty() {
        page.row(
            "NOT NAMED",
            &format!("No affected build of this product: {}.", untouched.join(", ")),
        );
    }
    holes(&mut page, exposure);
    for update in &exposure.updates {
        page.row("INSTALL", &format!("{} ({}) {}", update.name, update.build, worth(update)));
    }
    for what in exposure.not_covered.iter().filter(|_| !exposure.chains.is_empty()) {
        page.hanging("NOT TOLD", "-", &format!("{what}."));
    }
    page.row("FROM", &format!("content {content}; every date with its source: --json. A date marked unverified was read by nobody."));
    page.finish()
}

fn support(page: &mut Page, exposure: &BuildExposure) {
    let of = |eol: bool| -> Vec<String> {
        exposure.support.iter().filter(|f| (f.kind == "eol") == eol).map(when).collect()
    };
    let (end, paid) = (of(true), of(false));
    if !end.is_empty() {
        let paid = match paid.last() {
            Some(last) => format!("; of updates that were paid for: {last}"),
            None => String::new(),
        };
        page.row("", &format!("End of support: {}{paid}.", end.join(", ")));
    }
}

fn headline(exposure: &BuildExposure) -> (String, Paint) {
    let with = |state| exposure.chains.iter().filter(|c| c.state == state).count();
    let (open, unknown) = (with(HoleState::Open), with(HoleState::Unknown));
    if exposure.chains.is_empty() {
        ("NOT KNOWN".to_owned(), Paint::Amber)
    } else if open > 0 {
        (format!("OPEN TO {}", counted(open, "CHAIN", "CHAINS")), Paint::Red)
    } else if unknown > 0 {
        (format!("NOT KNOWN FOR {}", counted(unknown, "CHAIN", "CHAINS")), Paint::Amber)
    } else if with(HoleState::Depends) > 0 {
        ("NOT TOLD BY THE BUILD ALONE".to_owned(), Paint::Amber)
    } else {
        ("NO KNOWN CHAIN IS OPEN IN IT".to_owned(), Paint::Bold)
    }
}

fn sentence(text: &str) -> String {
    format!("{text}.")
}

fn chain_line(chain: &ChainExposure) -> String {
    let used = chain.exploited.as_ref().map_or_else(
        || "no day of first use known".to_owned(),
        |fact| format!("in use since {}", when(fact)),
    );
    let known = chain.disclosed.as_ref().map(|fact| format!(", published {}", when(fact)));
    let fixed = chain.fixed.as_ref().map(|fact| format!(", update of {}", when(fact)));
    format!("{used}{}{}; {}.", known.unwrap_or_default(), fixed.unwrap_or_default(), chain.why)
}

fn when(fact: &DatedFact) -> String {
    let about = if fact.precision == "approx" { "about " } else { "" };
    let unverified = if fact.verified { "" } else { " (unverified)" };
    format!("{about}{}{unverified}", fact.date)
}

fn holes(page: &mut Page, exposure: &BuildExposure) {
    let all = exposure.holes.len();
    if all == 0 {
        return;
    }
    let with = |state| exposure.holes.iter().filter(|h| h.state == state).count();
    let counts = [
        (with(HoleState::Open), "open"),
        (with(HoleState::Unknown), "unknown"),
        (with(HoleState::Depends), "not told by the build"),
        (with(HoleState::Fixed), "fixed"),
        (with(HoleState::NotAffected), "with no affected build of this product"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}", count(*n)))
        .collect();
    page.row("HOLES", &format!("Of {} known holes: {}.", count(all), counts.join(", ")));
    let chained = |id: &String| exposure.chains.iter().any(|c| c.cves.contains(id));
    // The newest are the ones that nobody has dealt with yet.
    let open: Vec<&str> = exposure
        .holes
        .iter()
        .rev()
        .filter(|h| h.state == HoleState::Open && !chained(&h.id))
        .map(|h| h.id.as_str())
        .collect();
    if !open.is_empty() {
        let more = open.len().saturating_sub(MAX_HOLES);
        let rest = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        let named: Vec<&str> = open.into_iter().take(MAX_HOLES).collect();
        page.row("", &format!("Open beside the chains: {}{rest}.", named.join(", ")));
    }
}

fn worth(update: &UpdateAdvice) -> String {
    let holes = counted(update.closes_holes, "hole", "holes");
    let chains = match update.closes_chains.as_slice() {
        [] => String::new(),
        chains => format!(", and with them {}", chains.join(", ")),
    };
    let rest = match update.leaves_open {
        0 => "no known hole stays open in the build".to_owned(),
        n => format!("{} open", counted(n, "known hole stays", "known holes stay")),
    };
    format!("closes {holes}{chains}; {rest}.")
}
