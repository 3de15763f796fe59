//! Reading a tuning file: strictly, with a place and a suggestion for all that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Time;
use model::case::{RefusedRule, Severity};

use super::super::check::FieldId;
use super::super::meta::{LEVELS, STATUSES};
use super::super::modifiers::{names_placeholder, nearest};
use super::super::pattern::{Shape, folded, parse};
use super::super::rule;
use super::super::yaml::{self, Content, Fault, Node, Place};
use super::{At, FalsePositive, Hiding, Override, Pick, Tuning, WHEN, Want};

/// Entries of all tuning files together.
const MAX_ENTRIES: usize = 10_000;
const LISTS: [&str; 5] = ["include", "exclude", "levels", "false_positives", PLACEHOLDERS];
const PLACEHOLDERS: &str = "placeholders";
/// Values of one placeholder.
const MAX_VALUES: usize = 10_000;
const PICK_KEYS: [&str; 9] =
    ["rule", "id", "name", "title", "file", "tag", "level", "status", "reason"];

/// Reads one file; what is wrong is noted, and the rest is read on.
pub(super) struct Reader<'r> {
    pub(super) file: &'r str,
    pub(super) tuning: &'r mut Tuning,
    pub(super) wrong: &'r mut Vec<RefusedRule>,
}

type Read<T> = Result<T, Fault>;

impl Reader<'_> {
    pub(super) fn file(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.wrong(Fault::new(Place { line: 1, column: 1 }, "the file is not UTF-8"));
        };
        let (documents, fault) = yaml::documents(text);
        if let Some(fault) = fault {
            self.wrong(fault);
        }
        for document in documents.iter().filter(|document| !document.is_null()) {
            self.document(document);
        }
    }

    fn wrong(&mut self, fault: Fault) {
        let at = At { file: self.file.to_owned(), place: fault.place };
        self.wrong.push(at.refuse(fault.reason));
    }

    fn at(&self, node: &Node) -> At {
        At { file: self.file.to_owned(), place: node.place }
    }

    fn document(&mut self, document: &Node) {
        let Content::Map(entries) = &document.content else {
            return self.wrong(Fault::new(document.place, "a tuning file is a mapping"));
        };
        for (key, value) in entries {
            if key.text() == Some(PLACEHOLDERS) {
                if let Err(fault) = self.placeholders(value) {
                    self.wrong(fault);
                }
                continue;
            }
            match (known(key, &LISTS), members(value)) {
                (Err(fault), _) | (_, Err(fault)) => self.wrong(fault),
                (Ok(list), Ok(members)) => {
                    for member in members {
                        if let Err(fault) = self.entry(list, member) {
                            self.wrong(fault);
                        }
                    }
                }
            }
        }
    }

    /// Names with lists of values.
    fn placeholders(&mut self, node: &Node) -> Read<()> {
        let Content::Map(lists) = &node.content else {
            return Err(Fault::new(node.place, "placeholders are names with lists of values"));
        };
        for (name, values) in lists {
            let given = text(name)?;
            let name_is_plain = names_placeholder(&format!("%{given}%")) == Some(given.as_str());
            if !name_is_plain {
                return Err(Fault::new(name.place, "a placeholder's name has no blank, % or \\"));
            }
            let values = members(values)?;
            if values.is_empty() || values.len() > MAX_VALUES {
                let reason = format!("a placeholder has 1 to {MAX_VALUES} values");
                return Err(Fault::new(name.place, reason));
            }
            let values = values.iter().map(text).collect::<Read<Vec<_>>>()?;
            self.tuning.placeholders.add(&given, values);
        }
        Ok(())
    }

    fn entry(&mut self, list: &str, node: &Node) -> Read<()> {
        let at = self.at(node);
        let tuning = &mut *self.tuning;
        let count = tuning.include.len()
            + tuning.exclude.len()
            + tuning.levels.len()
            + tuning.hidings.len();
        if count >= MAX_ENTRIES {
            return Err(Fault::new(node.place, format!("more than {MAX_ENTRIES} entries")));
        }
        match list {
            "include" => tuning.include.push(pick(node, at)?),
            "exclude" => tuning.exclude.push(pick(node, at)?),
            "levels" => tuning.levels.push(level_change(node, at)?),
            _ => tuning.hidings.push(false_positive(node, at)?),
        }
        Ok(())
    }
}

fn members(node: &Node) -> Read<&[Node]> {
    match &node.content {
        Content::List(members) => Ok(members),
        _ if node.is_null() => Ok(&[]),
        _ => Err(Fault::new(node.place, "a list of entries is meant here")),
    }
}

/// A key that is one of those that have a meaning here.
fn known<'k>(key: &Node, keys: &[&'k str]) -> Read<&'k str> {
    let word = key.text().unwrap_or_default();
    if let Some(known) = keys.iter().find(|known| **known == word) {
        return Ok(known);
    }
    let hint = match nearest(word, keys.iter().copied()) {
        Some(near) => format!("`{near}` is meant?"),
        None => format!("there are {}", keys.join(", ")),
    };
    Err(Fault::new(key.place, format!("unknown key `{word}`: {hint}")))
}

/// The values of a mapping, whose keys are all known.
fn entries<'n>(node: &'n Node, keys: &[&'static str]) -> Read<BTreeMap<&'static str, &'n Node>> {
    let Content::Map(entries) = &node.content else {
        return Err(Fault::new(node.place, "a mapping is meant here"));
    };
    entries.iter().map(|(key, value)| Ok((known(key, keys)?, value))).collect()
}

fn text(node: &Node) -> Read<String> {
    match node.text().map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Fault::new(node.place, "a text is meant here")),
    }
}

fn glob(node: &Node) -> Read<Shape> {
    text(node).map(|text| Shape::of(&folded(&parse(&text))))
}

/// A word of a list of known ones.
fn word<'w>(
    node: &Node,
    what: &str,
    words: impl Iterator<Item = &'w str> + Clone,
) -> Read<&'w str> {
    let given = text(node)?;
    if let Some(word) = words.clone().find(|word| given.eq_ignore_ascii_case(word)) {
        return Ok(word);
    }
    let hint = match nearest(&given, words.clone()) {
        Some(near) => format!("`{near}` is meant?"),
        None => format!("there are {}", words.collect::<Vec<_>>().join(", ")),
    };
    Err(Fault::new(node.place, format!("unknown {what} `{given}`: {hint}")))
}

fn level(node: &Node) -> Read<Severity> {
    let name = word(node, "level", LEVELS.iter().map(|(name, _)| *name))?;
    let known = LEVELS.iter().find(|(known, _)| *known == name);
    Ok(known.map_or(Severity::Medium, |(_, level)| *level))
}

fn pick(node: &Node, at: At) -> Read<Pick> {
    if matches!(node.content, Content::Scalar { .. }) {
        return Ok(Pick { at, wants: vec![Want::Rule(text(node)?)], reason: None });
    }
    let mut pick = Pick { at, wants: Vec::new(), reason: None };
    for (key, value) in entries(node, &PICK_KEYS)? {
        pick.wants.push(match key {
            "rule" => Want::Rule(text(value)?),
            "id" => Want::Id(text(value)?),
            "name" => Want::Name(text(value)?),
            "title" => Want::Title(text(value)?),
            "file" => Want::File(glob(value)?),
            "tag" => Want::Tag(glob(value)?),
            "level" => Want::Level(level(value)?),
            "status" => Want::Status(word(value, "status", STATUSES.into_iter())?.to_owned()),
            _ => {
                pick.reason = Some(text(value)?);
                continue;
            }
        });
    }
    if pick.wants.is_empty() {
        return Err(Fault::new(
            node.place,
            "it names no rules: give rule, file, tag, level or status",
        ));
    }
    Ok(pick)
}

fn level_change(node: &Node, at: At) -> Read<Override> {
    let mut found = entries(node, &["rule", "level", "reason"])?;
    let mut take = |key: &str| {
        let missing = || Fault::new(node.place, format!("`{key}` is missing"));
        found.remove(key).ok_or_else(missing)
    };
    Ok(Override {
        rule: text(take("rule")?)?,
        level: level(take("level")?)?,
        reason: take("reason").ok().map(text).transpose()?,
        at,
    })
}

fn false_positive(node: &Node, at: At) -> Read<Hiding> {
    let mut found = entries(node, &["rule", "rules", "host", WHEN, "reason", "until"])?;
    let mut take = |key: &str| found.remove(key);
    let missing = |key: &str| Fault::new(node.place, format!("`{key}` is missing"));
    let rules = take("rules").or_else(|| take("rule")).ok_or_else(|| missing("rule"))?;
    let rules = match &rules.content {
        Content::List(members) if !members.is_empty() => members.iter().map(text).collect(),
        _ => text(rules).map(|rule| vec![rule]),
    };
    let reason = take("reason").ok_or_else(|| {
        Fault::new(node.place, "`reason` is missing: say why these hits are false")
    })?;
    let host = take("host").map(|host| Ok((text(host)?, glob(host)?))).transpose()?;
    Ok(Hiding(Arc::new(FalsePositive {
        at,
        rules: rules?,
        host,
        when: conditions(take(WHEN).ok_or_else(|| missing(WHEN))?)?,
        reason: text(reason)?,
        until: take("until").map(day).transpose()?,
    })))
}

/// The conditions of a false positive, checked: selections and a condition, or the fields of one selection.
fn conditions(node: &Node) -> Read<Node> {
    let place = node.place;
    let whole = if node.get("condition").is_some() {
        node.clone()
    } else {
        let scalar = |text: &str| Node {
            place,
            content: Content::Scalar { text: text.to_owned(), plain: true },
        };
        let selection = (scalar("fields"), node.clone());
        let condition = (scalar("condition"), scalar("fields"));
        Node { place, content: Content::Map(vec![selection, condition]) }
    };
    match rule::body(&whole, WHEN, &mut |_| FieldId(1))? {
        Some(_) => Ok(whole),
        None => {
            Err(Fault::new(place, "it needs a placeholder list (`expand`) that nobody supplied"))
        }
    }
}

/// The end of a day.
fn day(node: &Node) -> Read<(String, Time)> {
    let text = text(node)?;
    let end = Time::parse(&format!("{text}T23:59:59.9999999Z"));
    match end {
        Some(end) => Ok((text, end)),
        None => {
            Err(Fault::new(node.place, format!("`{text}` is no day: write for example 2026-12-31")))
        }
    }
}
