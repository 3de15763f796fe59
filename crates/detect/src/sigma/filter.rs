//! Sigma filters: conditions that are added to rules which somebody else wrote.
//!
//! A filter narrows: a rule that it applies to fires only where the filter's own condition holds too, so a
//! filter that shall drop something says `condition: not selection`. It applies to the rules of its own set
//! (ours, or those of a user) that it names by id or name, or to `any`, if all that its log source states is
//! stated so by the rule's.

use std::sync::Arc;

use super::check::FieldId;
use super::rule::{self, Body, LogSource};
use super::yaml::{Content, Fault, Node};
use crate::RuleMeta;

/// Rules that one filter may name.
const MAX_RULES: usize = 100_000;

/// Which rules a filter is for.
#[derive(Debug)]
enum Target {
    Any,
    Named(Vec<String>),
}

/// A filter, compiled.
#[derive(Debug)]
pub(super) struct Filter {
    logsource: LogSource,
    target: Target,
    /// `None` if it needs a placeholder list that nobody supplied.
    pub(super) body: Option<Arc<Body>>,
}

/// The part of a document that makes it a filter; a rule may have a `filter` of its author's.
pub(super) fn part(document: &Node) -> Option<&Node> {
    document.get("filter").filter(|_| document.get("detection").is_none())
}

impl Filter {
    /// Compiles a document that has a `filter`.
    pub(super) fn compile(
        document: &Node,
        filter: &Node,
        field: &mut dyn FnMut(&str) -> FieldId,
    ) -> Result<Self, Fault> {
        let Some(source) = document.get("logsource") else {
            return Err(Fault::new(document.place, "filter: `logsource` is missing"));
        };
        let logsource = rule::logsource(source)?;
        let body = rule::body(filter, "filter", field)?.map(Arc::new);
        Ok(Self { logsource, target: target(filter)?, body })
    }

    /// Whether it is for a rule.
    pub(super) fn is_for(&self, meta: &RuleMeta, logsource: &LogSource) -> bool {
        let named = |reference: &String| {
            reference.eq_ignore_ascii_case(&meta.rule.id) || Some(reference) == meta.name.as_ref()
        };
        self.logsource.includes(logsource)
            && match &self.target {
                Target::Any => true,
                Target::Named(references) => references.iter().any(named),
            }
    }
}

fn target(filter: &Node) -> Result<Target, Fault> {
    let missing = "filter: `rules` needs a list of ids or names, or `any`";
    let Some(rules) = filter.get("rules") else {
        return Err(Fault::new(filter.place, missing));
    };
    let members = match &rules.content {
        Content::List(members) if members.len() <= MAX_RULES => members.as_slice(),
        Content::Scalar { .. } => std::slice::from_ref(rules),
        _ => return Err(Fault::new(rules.place, missing)),
    };
    let names: Option<Vec<String>> =
        members.iter().map(|member| member.text().map(|t| t.trim().to_owned())).collect();
    match names {
        Some(names) if names.iter().any(|name| name.eq_ignore_ascii_case("any")) => Ok(Target::Any),
        Some(names) if !names.is_empty() => Ok(Target::Named(names)),
        _ => Err(Fault::new(rules.place, missing)),
    }
}
