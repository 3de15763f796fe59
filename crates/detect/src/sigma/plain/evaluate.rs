//! Whether the searches and the condition of a rule hold for the record of a view.

use super::condition::{Condition, means};
use super::letters::{is_like, plain_signs};
use super::read::{Body, Item, Search, Wanted};
use super::records::{Found, View};
use super::values::{Number, time_part};

/// Whether one of the conditions holds.
pub(super) fn holds(body: &Body, view: &View<'_, '_>) -> bool {
    body.conditions.iter().any(|condition| condition_holds(condition, body, view))
}

fn condition_holds(condition: &Condition, body: &Body, view: &View<'_, '_>) -> bool {
    match condition {
        Condition::Or(parts) => parts.iter().any(|part| condition_holds(part, body, view)),
        Condition::And(parts) => parts.iter().all(|part| condition_holds(part, body, view)),
        Condition::Not(inner) => !condition_holds(inner, body, view),
        Condition::Of { all, pattern } => {
            let mut meant = body.searches.iter().filter(|(name, _)| means(pattern, name));
            let found = |(_, search): &(String, Search)| search_holds(search, view);
            if *all { meant.all(found) } else { meant.any(found) }
        }
        Condition::Name(wanted) => {
            let named = body.searches.iter().find(|(name, _)| name == wanted);
            named.is_some_and(|(_, search)| search_holds(search, view))
        }
    }
}

fn search_holds(search: &Search, view: &View<'_, '_>) -> bool {
    match search {
        Search::All(parts) => parts.iter().all(|part| search_holds(part, view)),
        Search::Any(parts) => parts.iter().any(|part| search_holds(part, view)),
        Search::Item(item) => item_holds(item, view),
    }
}

fn item_holds(item: &Item, view: &View<'_, '_>) -> bool {
    let values = match &item.field {
        Some(name) => view.field(name),
        None => view.texts(),
    };
    let is_there = |alternatives: &Vec<Wanted>| {
        alternatives.iter().any(|wanted| any_is(&values, wanted, view))
    };
    let holds =
        if item.all { item.values.iter().all(is_there) } else { item.values.iter().any(is_there) };
    holds != item.negated
}

/// Whether one of a field's values is what is wanted; a field that the record lacks has no value.
fn any_is(values: &[Found<'_>], wanted: &Wanted, view: &View<'_, '_>) -> bool {
    match wanted {
        Wanted::Exists(there) => *there != values.is_empty(),
        Wanted::Null => values.is_empty() || values.iter().any(Found::is_empty),
        _ => values.iter().any(|value| is(value, wanted, view)),
    }
}

fn is(found: &Found<'_>, wanted: &Wanted, view: &View<'_, '_>) -> bool {
    let Some(text) = &found.text else {
        // Null is no text, and the empty string is its equal.
        return matches!(wanted, Wanted::Text { pattern, .. } if pattern.is_empty());
    };
    match wanted {
        Wanted::Text { pattern, cased: false } => is_like(pattern, &found.lowered),
        Wanted::Text { pattern, cased: true } => {
            is_like(pattern, &text.chars().collect::<Vec<_>>())
        }
        Wanted::Number(number) => {
            let given = found.value.and_then(Number::given);
            given.and_then(|given| given.compare(*number)).is_some_and(std::cmp::Ordering::is_eq)
        }
        Wanted::Ordered(orderings, bound) => {
            let number = found.value.and_then(Number::given).or_else(|| found.stated_number());
            number.and_then(|n| n.compare(*bound)).is_some_and(|order| orderings.contains(&order))
        }
        Wanted::TimePart { part, orderings, number } => {
            let stated = time_part(part, text).map(Number::Whole);
            stated.and_then(|n| n.compare(*number)).is_some_and(|order| orderings.contains(&order))
        }
        Wanted::In(network) => network.holds(text),
        Wanted::Regex(regex) => regex.is_match(text),
        Wanted::Field { name, before, behind, cased } => {
            let affix = (*before, *behind);
            view.field(name).iter().any(|other| is_like_field(found, other, affix, *cased))
        }
        Wanted::Null | Wanted::Exists(_) => false,
    }
}

/// Whether a value is another field's value, with more `before` or `behind` it where that is allowed.
fn is_like_field(
    found: &Found<'_>,
    other: &Found<'_>,
    (before, behind): (bool, bool),
    cased: bool,
) -> bool {
    let (Some(text), Some(other_text)) = (&found.text, &other.text) else { return false };
    if other_text.is_empty() && (before || behind) {
        return false;
    }
    let other: String = if cased { other_text.to_string() } else { other.lowered.iter().collect() };
    let any = |open: bool| if open { vec![super::letters::Sign::Any] } else { Vec::new() };
    let pattern = [any(before), plain_signs(&other), any(behind)].concat();
    let text: Vec<char> = if cased { text.chars().collect() } else { found.lowered.clone() };
    is_like(&pattern, &text)
}
