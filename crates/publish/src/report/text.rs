//! Text and links of the report: inert, bounded, and never pointing out of the page.

use std::collections::BTreeSet;
use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use model::Time;
use model::case::Case;

use super::limits;
use crate::inert_text;
use crate::words::{count, number, stamp_bare};

/// Text that may be shown: invisible characters are spelled out, and length is bounded. It is no
/// markup; the templates escape it like all else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    /// For cells and names.
    pub(super) fn short(raw: &str) -> Self {
        Self::cut(raw, 240)
    }

    /// For sentences and values.
    pub(super) fn long(raw: &str) -> Self {
        Self::cut(raw, 1_200)
    }

    /// At most `max` characters of the text; the full length is stated where something was left out.
    pub(super) fn cut(raw: &str, max: usize) -> Self {
        match raw.char_indices().nth(max) {
            None => Self(inert_text(raw).into_owned()),
            Some((at, _)) => {
                let head = raw.get(..at).unwrap_or_default();
                let all = count(raw.chars().count());
                Self(format!(
                    "{}… [cut: {all} characters in all, whole in case.json]",
                    inert_text(head)
                ))
            }
        }
    }

    /// A time, or that it is not known.
    pub(super) fn time(time: Option<Time>) -> Self {
        Self(time.map_or_else(|| "unknown".to_owned(), stamp_bare))
    }

    /// A number for readers.
    pub(super) fn number(n: u64) -> Self {
        Self(number(n))
    }

    /// A count for readers.
    pub(super) fn count(n: usize) -> Self {
        Self(count(n))
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first `max` items as short texts.
pub(super) fn texts(items: &[String], max: usize) -> Vec<Text> {
    items.iter().take(max).map(|item| Text::short(item)).collect()
}

/// What a part shows of what there is, stated only where something is left out.
pub(super) fn left_out(all: usize, shown: usize, rest_in: &str) -> Option<Text> {
    (all > shown).then(|| {
        Text(format!("Shown: {} of {}. The rest is in {rest_in}.", count(shown), count(all)))
    })
}

/// The ids that stand somewhere on the page: only these become links.
pub(super) struct Anchors {
    shown: BTreeSet<String>,
    events: BTreeSet<String>,
}

impl Anchors {
    /// Decides what the page shows of a case.
    pub(super) fn of(case: &Case) -> Self {
        let events = shown_events(case);
        let claims = case.claims.iter().map(|claim| &claim.id);
        let findings = super::findings::order(case).into_iter().map(|finding| &finding.id);
        let custody = case.custody.iter().map(|item| &item.id);
        let shown = claims
            .chain(findings.take(limits::FINDINGS))
            .chain(custody.take(limits::CUSTODY))
            .chain(&events)
            .filter(|id| is_id(id))
            .cloned()
            .collect();
        Self { shown, events }
    }

    /// Whether the table of events shows this one.
    pub(super) fn shows_event(&self, id: &str) -> bool {
        self.events.contains(id)
    }

    /// The id as the name of an anchor, or nothing where it cannot be one.
    pub(super) fn name(&self, id: &str) -> Text {
        Text(if self.shown.contains(id) { id.to_owned() } else { String::new() })
    }

    /// Links to the first of these ids.
    pub(super) fn refs<'a>(&self, ids: impl IntoIterator<Item = &'a String>) -> Refs {
        let mut ids = ids.into_iter();
        let list = ids
            .by_ref()
            .take(limits::REFS)
            .map(|id| Ref { id: Text::cut(id, 40), linked: self.shown.contains(id) })
            .collect();
        Refs { list, more: ids.count() }
    }
}

/// An id of ours: one letter and digits. Anything else never reaches an attribute.
fn is_id(id: &str) -> bool {
    let mut chars = id.chars();
    chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && id.len() <= 12
        && id.len() > 1
        && chars.all(|c| c.is_ascii_digit())
}

/// What sentences rest on is shown before what was only seen.
fn shown_events(case: &Case) -> BTreeSet<String> {
    let claims = case.claims.iter().flat_map(|c| c.supporting.iter().chain(&c.contradicting));
    let windows = case.windows.iter().flat_map(|w| {
        w.opened.basis.iter().chain(w.closed.iter().flat_map(|closed| &closed.basis))
    });
    let known: BTreeSet<&String> = case.events.iter().map(|event| &event.id).collect();
    let wanted =
        case.verdict.rests_on.iter().chain(&case.host.build_basis).chain(windows).chain(claims);
    let all = case.events.iter().map(|event| &event.id);
    let mut shown = BTreeSet::new();
    for id in wanted.filter(|id| known.contains(id)).chain(all) {
        if shown.len() >= limits::EVENTS {
            break;
        }
        shown.insert(id.clone());
    }
    shown
}

/// One id, with or without a place on the page.
pub(super) struct Ref {
    id: Text,
    linked: bool,
}

/// Ids in a row.
#[derive(Template)]
#[template(path = "refs.html")]
pub(super) struct Refs {
    list: Vec<Ref>,
    more: usize,
}

impl Refs {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

// Its own template has escaped it.
impl HtmlSafe for Refs {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_ours_become_anchors() {
        for id in ["E5", "C12", "M1000000"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "E", "e5", "E5\"", "E5 onload=x", "javascript:x", "E12345678901234"] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn a_cut_states_the_length() {
        let text = Text::cut(&"x".repeat(5_000), 10).to_string();
        assert_eq!(text, "xxxxxxxxxx… [cut: 5,000 characters in all, whole in case.json]");
        assert_eq!(Text::cut("a\u{202E}b", 10).to_string(), "a\\u{202E}b");
    }
}
