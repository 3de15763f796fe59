//! What an event must hold for a rule to have a chance: literals of which at least one is necessary.

use std::cmp::Reverse;

use super::check::{Check, FieldId, Item};
use super::fold::fold;
use super::rule::{Body, Expr};

/// Longer literals do not make a better trigger.
const LONG_ENOUGH: usize = 12;

/// Folded literals and their fields: unless one of them is in its field, the rule cannot fire.
#[derive(Debug, Default)]
pub(super) struct Trigger {
    pub(super) literals: Vec<(FieldId, String)>,
}

impl Trigger {
    /// Better ones are found more rarely: their shortest literal is longer, or they have fewer.
    fn rank(&self) -> (usize, Reverse<usize>) {
        let shortest = self.literals.iter().map(|(_, text)| text.len()).min().unwrap_or(0);
        (shortest.min(LONG_ENOUGH), Reverse(self.literals.len()))
    }
}

/// The best trigger of a rule; `None` if the rule may fire on any event of its sources.
pub(super) fn of(body: &Body) -> Option<Trigger> {
    find(&body.condition, body)
}

fn find(expr: &Expr, body: &Body) -> Option<Trigger> {
    match expr {
        Expr::All(parts) => {
            parts.iter().filter_map(|part| find(part, body)).max_by_key(Trigger::rank)
        }
        Expr::Any(parts) => parts
            .iter()
            .map(|part| find(part, body))
            .try_fold(Trigger::default(), |mut all, part| {
                all.literals.extend(part?.literals);
                Some(all)
            })
            .filter(|all| !all.literals.is_empty()),
        Expr::Not(_) => None,
        Expr::Item(item) => of_item(item),
        Expr::Selection(index) => find(body.selection(*index)?, body),
    }
}

fn of_item(item: &Item) -> Option<Trigger> {
    let mut literals = Vec::new();
    for check in &item.checks {
        let Check::Text(texts) = check else { return None };
        literals.extend(texts.necessary()?.into_iter().map(|text| (item.field, fold(text))));
    }
    Some(Trigger { literals })
}
