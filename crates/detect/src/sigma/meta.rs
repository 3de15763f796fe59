//! What a rule says of itself.

use model::case::{Engine, RuleRef, Severity};
use sha2::{Digest as _, Sha256};

use super::modifiers::nearest;
use super::rule::{self, LogSource};
use super::yaml::{Content, Fault, Node};
use crate::{About, RuleMeta};

pub(super) const LEVELS: [(&str, Severity); 5] = [
    ("informational", Severity::Informational),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];
/// What a rule may say of its own maturity.
pub(super) const STATUSES: [&str; 5] =
    ["stable", "test", "experimental", "deprecated", "unsupported"];
/// Characters of a title, name or author.
const MAX_TEXT: usize = 512;
/// Tags of one rule that are kept.
const MAX_TAGS: usize = 200;

/// Reads the data of a rule; `file` is where it came from and `text` the file's text.
pub(super) fn read(document: &Node, file: &str, text: &str, own: bool) -> Result<RuleMeta, Fault> {
    let field = |key: &str| document.get(key).and_then(Node::text).map(shortened);
    let Some(title) = field("title") else {
        return Err(Fault::new(document.place, "not a Sigma rule: `title` is missing"));
    };
    let hash = hash(text, document);
    Ok(RuleMeta {
        rule: RuleRef {
            id: field("id").filter(|id| is_plain(id)).unwrap_or_else(|| hash.clone()),
            title,
            version: field("modified").or_else(|| field("date")).unwrap_or(hash),
            engine: Engine::Sigma,
            author: document.get("author").map(authors).unwrap_or_default(),
            license: field("license").unwrap_or_else(|| "not stated".to_owned()),
            source: file.to_owned(),
        },
        level: level(document.get("level"))?,
        attack: document.get("tags").map(techniques).unwrap_or_default(),
        own,
        name: field("name"),
        about: About {
            status: field("status").map(|status| status.to_lowercase()),
            tags: document.get("tags").map(tags).unwrap_or_default(),
            logsource: logsource(document),
            line: document.place.line,
        },
    })
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_TEXT).collect()
}

/// A rule without a level is neither pressed nor buried.
fn level(node: Option<&Node>) -> Result<Severity, Fault> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(Severity::Medium) };
    let word = node.text().unwrap_or_default();
    let known = LEVELS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, level)| *level).ok_or_else(|| {
        let hint = nearest(word, LEVELS.iter().map(|(name, _)| *name))
            .map_or_else(String::new, |name| format!(": `{name}` is meant?"));
        Fault::new(node.place, format!("unknown level `{word}`{hint}"))
    })
}

/// The file is part of it so that two rules of the same text in one file stay apart by their line.
fn hash(text: &str, document: &Node) -> String {
    let mut sha = Sha256::new();
    sha.update(text.as_bytes());
    sha.update(document.place.line.to_le_bytes());
    sha.finalize().iter().take(8).fold(String::new(), |mut out, byte| {
        use std::fmt::Write as _;
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// An id that can be shown and referred to as it is: UUIDs are recommended, not mandatory.
fn is_plain(text: &str) -> bool {
    const MAX_ID: usize = 100;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= MAX_ID && text.chars().all(plain)
}

pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Authors, separated by commas that stand in no parentheses.
fn authors(node: &Node) -> Vec<String> {
    let texts: Vec<&str> = match &node.content {
        Content::List(items) => items.iter().filter_map(Node::text).collect(),
        _ => node.text().into_iter().collect(),
    };
    let mut out = Vec::new();
    for text in texts {
        let mut depth = 0_i32;
        let parts = text.split(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ',' && depth <= 0
        });
        out.extend(parts.map(shortened).filter(|author| !author.is_empty()));
    }
    out
}

fn tags(node: &Node) -> Vec<String> {
    let Content::List(tags) = &node.content else { return Vec::new() };
    tags.iter().filter_map(Node::text).take(MAX_TAGS).map(shortened).collect()
}

fn logsource(document: &Node) -> LogSource {
    document.get("logsource").and_then(|node| rule::logsource(node).ok()).unwrap_or_default()
}

/// ATT&CK techniques among the tags: `attack.t1505.003` is `T1505.003`.
fn techniques(node: &Node) -> Vec<String> {
    let Content::List(tags) = &node.content else { return Vec::new() };
    let mut out: Vec<String> = tags
        .iter()
        .filter_map(Node::text)
        .filter_map(|tag| tag.get(..7)?.eq_ignore_ascii_case("attack.").then(|| tag.get(7..))?)
        .filter(|id| is_technique(id))
        .map(str::to_uppercase)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

fn is_technique(id: &str) -> bool {
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let Some(id) = id.strip_prefix(['t', 'T']) else { return false };
    match id.split_once('.') {
        None => digits(id, 4),
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
    }
}
