//! Lints on selections and conditions.

use std::collections::BTreeSet;

use super::super::condition;
use super::super::modifiers::distance;
use super::super::rule::{Expr, searches};
use super::super::yaml::{Content, Node};
use super::{Notes, Subject};

/// Letters from which on one edit makes a name that is surely meant.
const LONG_ENOUGH: usize = 6;

/// Modifiers with which letters of another case make another value.
const CASE_COUNTS: [&str; 8] =
    ["re", "cased", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be"];

/// A key of a selection, taken apart.
struct Entry<'e> {
    key: &'e Node,
    field: &'e str,
    modifiers: Vec<&'e str>,
    values: Vec<&'e Node>,
}

/// Every key in the selections of a rule.
fn entries<'s>(subject: &Subject<'s>) -> Vec<Entry<'s>> {
    let mut found = Vec::new();
    if let Some((node, what)) = subject.searches {
        for (_, selection) in searches(node, what) {
            collect(selection, &mut found);
        }
    }
    found
}

fn collect<'n>(selection: &'n Node, found: &mut Vec<Entry<'n>>) {
    match &selection.content {
        Content::List(members) => members.iter().for_each(|member| collect(member, found)),
        Content::Map(entries) => {
            for (key, value) in entries {
                let mut parts = key.text().unwrap_or_default().split('|');
                let field = parts.next().unwrap_or_default();
                let values = match &value.content {
                    Content::List(members) => members.iter().collect(),
                    _ => vec![value],
                };
                found.push(Entry { key, field, modifiers: parts.collect(), values });
            }
        }
        Content::Scalar { .. } => {}
    }
}

/// The texts of the condition, of which there may be several.
fn conditions<'s>(subject: &Subject<'s>) -> Vec<&'s Node> {
    let condition = subject.searches.and_then(|(node, _)| node.get("condition"));
    match condition.map(|node| (node, &node.content)) {
        Some((_, Content::List(members))) => members.iter().collect(),
        Some((node, _)) => vec![node],
        None => Vec::new(),
    }
}

pub(super) fn timeframe(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    if let Some(node) = subject.document.get("detection").and_then(|part| part.get("timeframe")) {
        notes.add(node.place, "`timeframe` does nothing here: correlation rules take its place");
    }
}

pub(super) fn unused(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some((node, what)) = subject.searches else { return };
    let searches: Vec<(&str, &Node)> = searches(node, what).collect();
    let names: Vec<String> = searches.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut used = BTreeSet::new();
    for text in conditions(subject).into_iter().filter_map(Node::text) {
        // A condition that cannot be read is refused, which says more.
        let Ok(expr) = condition::parse(text, &names) else { return };
        selections(&expr, &mut used);
    }
    for (index, (name, node)) in searches.iter().enumerate() {
        if !used.contains(&index) {
            notes.add(node.place, format!("no condition uses the selection `{name}`"));
        }
    }
}

fn selections(expr: &Expr, used: &mut BTreeSet<usize>) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => {
            for part in parts {
                selections(part, used);
            }
        }
        Expr::Not(inner) => selections(inner, used),
        Expr::Selection(index) => {
            used.insert(*index);
        }
        Expr::Item(_) => {}
    }
}

pub(super) fn of_one(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some((node, what)) = subject.searches else { return };
    let names: Vec<&str> =
        searches(node, what).map(|(name, _)| name).filter(|name| !name.starts_with('_')).collect();
    let [only] = names.as_slice() else { return };
    for node in conditions(subject) {
        let text = node.text().unwrap_or_default().to_lowercase();
        if text.split_whitespace().collect::<Vec<_>>().join(" ").contains("of them") {
            notes.add(node.place, format!("there is one selection: write `{only}`"));
        }
    }
}

pub(super) fn all_of_one(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    for entry in entries(subject) {
        if entry.modifiers.contains(&"all") && entry.values.len() == 1 && !entry.field.is_empty() {
            notes.add(entry.key.place, "`all` on one value says nothing: leave it out");
        }
    }
}

pub(super) fn twice(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    for entry in entries(subject) {
        let exact = entry.modifiers.iter().any(|modifier| CASE_COUNTS.contains(modifier));
        let mut seen = BTreeSet::new();
        for value in entry.values {
            let text = value.text().unwrap_or_default();
            let key = if exact { text.to_owned() } else { text.to_lowercase() };
            if !seen.insert(key) {
                notes.add(value.place, format!("`{text}` stands twice in its list"));
            }
        }
    }
}

pub(super) fn wildcards(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    for entry in entries(subject) {
        let has = |word| entry.modifiers.contains(&word);
        let (front, back) =
            (has("contains") || has("endswith"), has("contains") || has("startswith"));
        for value in &entry.values {
            let text = value.text().unwrap_or_default();
            let superfluous = (front && text.starts_with('*')) || (back && ends_in_star(text));
            if superfluous && !text.trim_matches('*').is_empty() {
                let word = if has("contains") {
                    "contains"
                } else if front {
                    "endswith"
                } else {
                    "startswith"
                };
                notes.add(value.place, format!("`{text}`: `{word}` adds this `*` already"));
            }
        }
    }
}

/// Whether a text ends in a star that is a wildcard: an odd number of backslashes before it makes it a letter.
fn ends_in_star(text: &str) -> bool {
    text.strip_suffix('*').is_some_and(|rest| {
        let backslashes = rest.len() - rest.trim_end_matches('\\').len();
        backslashes.is_multiple_of(2)
    })
}

pub(super) fn plain_regex(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    for entry in entries(subject).iter().filter(|entry| entry.modifiers.contains(&"re")) {
        let flags = entry.modifiers.contains(&"i");
        for value in &entry.values {
            let Some(text) = value.text().and_then(plain_text) else { continue };
            let case = if flags { "contains" } else { "contains|cased" };
            notes.add(
                value.place,
                format!("a plain text: `{}|{case}: '{text}'` says the same", entry.field),
            );
        }
    }
}

/// The text that an expression stands for, if it is one, with or without `.*` around it.
fn plain_text(regex: &str) -> Option<String> {
    let regex = regex.strip_prefix(".*").unwrap_or(regex);
    let mut out = String::new();
    let mut chars = regex.strip_suffix(".*").unwrap_or(regex).chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                // A backslash, star or question mark would need an escape of Sigma's in turn.
                escaped @ ('.' | '-' | '/' | '(' | ')' | '[' | ']' | '{' | '}' | '+' | '$'
                | '^' | '|' | '#' | '&' | '~') => out.push(escaped),
                _ => return None,
            },
            '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
                return None;
            }
            other => out.push(other),
        }
    }
    (!out.is_empty()).then_some(out)
}

pub(super) fn fields(subject: &Subject<'_>, notes: &mut Notes<'_>) {
    let Some(logsource) = &subject.logsource else { return };
    let known = subject.mapping.known_fields(logsource);
    for entry in entries(subject) {
        if entry.field.is_empty() || known.contains(&entry.field) {
            continue;
        }
        if let Some(near) = known.iter().find(|name| is_surely(entry.field, name)) {
            let source = logsource.shown();
            notes.add(
                entry.key.place,
                format!("`{}`: the field of {source} is `{near}`", entry.field),
            );
        }
    }
}

/// Whether one name is surely a misspelling of the other: but for case and signs the same, or one edit apart.
fn is_surely(field: &str, known: &str) -> bool {
    let bare = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (a, b) = (bare(field), bare(known));
    a == b || (a.len() >= LONG_ENOUGH && b.len() >= LONG_ENOUGH && distance(&a, &b) == 1)
}
