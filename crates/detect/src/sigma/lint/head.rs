//! Lints on what a rule says of itself.

use super::super::meta::{STATUSES, is_uuid};
use super::super::modifiers::nearest;
use super::super::yaml::{Content, Node};
use super::{Notes, Subject};

/// Namespaces of tags that Sigma knows.
const NAMESPACES: [&str; 7] = ["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];
/// Kinds of relation that Sigma knows.
const RELATIONS: [&str; 5] = ["derived", "obsolete", "merged", "renamed", "similar"];

/// `: x is meant?`, if a known word is near.
fn meant(word: &str, known: &[&'static str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("`{near}` is meant?"),
        None => format!("there are {}", known.join(", ")),
    }
}

pub(super) fn id(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    match subject.document.get("id").filter(|node| !node.is_null()) {
        None => notes
            .add(subject.document.place, "no `id`: findings name the rule by a hash of its text"),
        Some(node) if !node.text().is_some_and(|text| is_uuid(text.trim())) => {
            notes.add(node.place, "the id is no UUID: two collections may use the same one");
        }
        Some(_) => {}
    }
}

pub(super) fn status(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some(node) = subject.document.get("status") else { return };
    let word = node.text().unwrap_or_default();
    if !STATUSES.contains(&word) {
        notes.add(node.place, format!("unknown status `{word}`: {}", meant(word, &STATUSES)));
    }
}

pub(super) fn retired(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some(node) = subject.document.get("status") else { return };
    if let Some(word @ ("deprecated" | "unsupported")) = node.text() {
        notes.add(
            node.place,
            format!("its author calls it {word}: `related` may name its successor"),
        );
    }
}

pub(super) fn level(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let is_filter = subject.searches.is_some_and(|(_, what)| what == "filter");
    if !is_filter && subject.document.get("level").is_none_or(Node::is_null) {
        notes.add(subject.document.place, "no `level`: it counts as medium");
    }
}

pub(super) fn tags(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some(Content::List(tags)) = subject.document.get("tags").map(|node| &node.content) else {
        return;
    };
    for node in tags {
        let tag = node.text().unwrap_or_default();
        let namespace = tag.split('.').next().unwrap_or_default();
        if !NAMESPACES.contains(&namespace) {
            let hint = meant(namespace, &NAMESPACES);
            notes.add(node.place, format!("`{tag}`: unknown namespace `{namespace}`: {hint}"));
        }
    }
}

pub(super) fn dates(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    for key in ["date", "modified"] {
        let Some(node) = subject.document.get(key) else { continue };
        let text = node.text().unwrap_or_default();
        let is_iso = model::Time::parse(&format!("{text}T00:00:00Z")).is_some() && text.len() == 10;
        if !is_iso {
            let iso = text.replace('/', "-");
            notes.add(
                node.place,
                format!("`{key}: {text}`: Sigma writes dates as 2021-03-14 ({iso}?)"),
            );
        }
    }
}

pub(super) fn related(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some(Content::List(related)) = subject.document.get("related").map(|node| &node.content)
    else {
        return;
    };
    for node in related.iter().filter_map(|entry| entry.get("type")) {
        let word = node.text().unwrap_or_default();
        if !RELATIONS.contains(&word) {
            notes
                .add(node.place, format!("unknown relation `{word}`: {}", meant(word, &RELATIONS)));
        }
    }
}
