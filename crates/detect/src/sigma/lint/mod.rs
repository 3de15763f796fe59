//! What could be written better in rules that load: notes with a place and a suggestion, never a refusal.

mod detection;
mod head;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::mapping::Mapping;
use super::rule::{self, LogSource};
use super::yaml::{self, Node, Place};
use super::{filter, kind};
use crate::{ContentError, SourceFile};

/// Something in a rule that could be written better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// Name of the lint.
    pub lint: &'static str,
    /// What the lint is about, in general.
    pub about: &'static str,
    /// What it is here, and what is meant instead.
    pub text: String,
}

/// One thing that is looked for.
struct Lint {
    name: &'static str,
    about: &'static str,
    find: fn(&Subject<'_>, &mut Notes<'_>),
}

/// All lints on single documents.
const LINTS: &[Lint] = &[
    Lint { name: "id", about: "rules without an id, or with one that is no UUID", find: head::id },
    Lint { name: "status", about: "an unknown status", find: head::status },
    Lint { name: "retired", about: "rules that their authors retired", find: head::retired },
    Lint { name: "level", about: "rules without a level", find: head::level },
    Lint { name: "tag", about: "tags of an unknown namespace", find: head::tags },
    Lint { name: "date", about: "dates that are not written as 2021-03-14", find: head::dates },
    Lint {
        name: "related",
        about: "an unknown kind of relation to another rule",
        find: head::related,
    },
    Lint {
        name: "timeframe",
        about: "`timeframe` beside a condition, which is deprecated",
        find: detection::timeframe,
    },
    Lint { name: "unused", about: "selections that no condition uses", find: detection::unused },
    Lint {
        name: "of-one",
        about: "`of them` where there is one selection",
        find: detection::of_one,
    },
    Lint { name: "all-of-one", about: "`all` on a single value", find: detection::all_of_one },
    Lint { name: "twice", about: "values that stand twice in a list", find: detection::twice },
    Lint {
        name: "wildcard",
        about: "wildcards that a modifier already adds",
        find: detection::wildcards,
    },
    Lint {
        name: "plain-regex",
        about: "expressions that are plain text",
        find: detection::plain_regex,
    },
    Lint {
        name: "field",
        about: "fields that are nearly those of the log source",
        find: detection::fields,
    },
];
const TITLE: (&str, &str) = ("title", "titles that several rules have");

/// A document under a lint.
struct Subject<'s> {
    document: &'s Node,
    /// Its searches, and what they are called.
    searches: Option<(&'s Node, &'static str)>,
    logsource: Option<LogSource>,
    mapping: &'s Mapping,
}

/// Where a lint puts what it finds.
struct Notes<'n> {
    lint: &'static str,
    about: &'static str,
    file: &'n str,
    found: &'n mut Vec<Note>,
}

impl Notes<'_> {
    fn add(&mut self, place: Place, text: impl Into<String>) {
        self.found.push(Note {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            lint: self.lint,
            about: self.about,
            text: text.into(),
        });
    }
}

/// Notes on rule files, in the order of their places. What is no rule, or is refused, has none.
pub fn lint(content: &[SourceFile], files: &[SourceFile]) -> Result<Vec<Note>, ContentError> {
    let mapping = Mapping::parse(content)?;
    let mut found = Vec::new();
    let mut titles: BTreeMap<String, (String, u64)> = BTreeMap::new();
    for file in files {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        for document in &yaml::documents(text).0 {
            if !kind::is_rule(document) || document.get("title").is_none() {
                continue;
            }
            of_document(document, &file.name, &mapping, &mut found);
            title(document, &file.name, &mut titles, &mut found);
        }
    }
    found.sort();
    Ok(found)
}

fn of_document(document: &Node, file: &str, mapping: &Mapping, found: &mut Vec<Note>) {
    let filter = filter::part(document).map(|part| (part, "filter"));
    let subject = Subject {
        document,
        searches: filter.or_else(|| document.get("detection").map(|part| (part, "detection"))),
        logsource: document.get("logsource").and_then(|node| rule::logsource(node).ok()),
        mapping,
    };
    for Lint { name, about, find } in LINTS {
        find(&subject, &mut Notes { lint: name, about, file, found });
    }
}

fn title(
    document: &Node,
    file: &str,
    titles: &mut BTreeMap<String, (String, u64)>,
    found: &mut Vec<Note>,
) {
    let Some(node) = document.get("title") else { return };
    let title = node.text().unwrap_or_default().trim().to_lowercase();
    if let Some((first, line)) = titles.get(&title) {
        let (lint, about) = TITLE;
        let mut notes = Notes { lint, about, file, found };
        notes.add(node.place, format!("the title is that of {first}:{line}: findings look alike"));
    } else {
        titles.insert(title, (file.to_owned(), node.place.line));
    }
}
