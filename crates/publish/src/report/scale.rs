//! The four levels as a scale with two marks: what is shown, and what is not excluded.

use model::case::{Compromise, Level};

use crate::words::Word;

/// A stop of the scale.
pub(super) struct Stop {
    pub(super) x: i32,
    pub(super) word: &'static str,
    pub(super) inside: bool,
}

/// The scale, in the units of its drawing.
pub(super) struct Scale {
    pub(super) stops: Vec<Stop>,
    pub(super) shown: i32,
    pub(super) not_excluded: i32,
    pub(super) shown_word: &'static str,
    pub(super) not_excluded_word: &'static str,
}

/// Where a level stands.
fn x(level: Level) -> i32 {
    match level {
        Level::None => 70,
        Level::Scanned => 230,
        Level::Attempted => 390,
        Level::Compromised => 550,
    }
}

pub(super) fn scale(pair: &Compromise) -> Scale {
    let levels = [Level::None, Level::Scanned, Level::Attempted, Level::Compromised];
    let stop = |level: Level| Stop {
        x: x(level),
        word: level.word(),
        inside: (pair.shown..=pair.not_excluded).contains(&level),
    };
    Scale {
        stops: levels.map(stop).into(),
        shown: x(pair.shown),
        not_excluded: x(pair.not_excluded),
        shown_word: pair.shown.word(),
        not_excluded_word: pair.not_excluded.word(),
    }
}
