//! Conditions: `or` binds least, then `and`, `not`, `1 of` and `all of`, parentheses.

use super::letters::{Sign, is_like};

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    /// All or any of the searches with a name like this.
    Of {
        all: bool,
        pattern: String,
    },
    Name(String),
}

/// Reads a condition; `None` if it is none.
pub(super) fn read(text: &str) -> Option<Condition> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let condition = or(&mut rest)?;
    rest.is_empty().then_some(condition)
}

fn takes(rest: &mut &[&str], wanted: &str) -> bool {
    match rest.split_first() {
        Some((word, behind)) if word.eq_ignore_ascii_case(wanted) => {
            *rest = behind;
            true
        }
        _ => false,
    }
}

fn or(rest: &mut &[&str]) -> Option<Condition> {
    let mut parts = vec![and(rest)?];
    while takes(rest, "or") {
        parts.push(and(rest)?);
    }
    Some(Condition::Or(parts))
}

fn and(rest: &mut &[&str]) -> Option<Condition> {
    let mut parts = vec![not(rest)?];
    while takes(rest, "and") {
        parts.push(not(rest)?);
    }
    Some(Condition::And(parts))
}

fn not(rest: &mut &[&str]) -> Option<Condition> {
    let mut times = 0;
    while takes(rest, "not") {
        times += 1;
    }
    let inner = one(rest)?;
    Some(if times % 2 == 1 { Condition::Not(Box::new(inner)) } else { inner })
}

fn one(rest: &mut &[&str]) -> Option<Condition> {
    if takes(rest, "(") {
        let inner = or(rest)?;
        return takes(rest, ")").then_some(inner);
    }
    let (word, behind) = rest.split_first()?;
    *rest = behind;
    if !takes(rest, "of") {
        return Some(Condition::Name((*word).to_owned()));
    }
    let all = match word.to_ascii_lowercase().as_str() {
        "all" => true,
        "1" | "any" => false,
        _ => return None,
    };
    let (pattern, behind) = rest.split_first()?;
    *rest = behind;
    Some(Condition::Of { all, pattern: (*pattern).to_owned() })
}

/// Whether `1 of` a pattern means a search of this name: `*` stands for anything, and a name with `_` in front is
/// meant only where the pattern begins so.
pub(super) fn means(pattern: &str, name: &str) -> bool {
    let pattern = if pattern.eq_ignore_ascii_case("them") { "*" } else { pattern };
    let sign = |c| if c == '*' { Sign::Any } else { Sign::Char(c) };
    let signs: Vec<Sign> = pattern.chars().map(sign).collect();
    let chars: Vec<char> = name.chars().collect();
    is_like(&signs, &chars) && (!name.starts_with('_') || pattern.starts_with('_'))
}
