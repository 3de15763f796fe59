//! Why a rule fired on an event, or did not: the condition as its author wrote it, each part with yes or no.

/// Share of a condition that holds as a whole.
pub const WHOLE: u32 = 1_000_000;

/// Why a rule fired on one event, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it fired.
    pub fired: bool,
    /// How much of it holds, in millionths. Of an `and` the parts count together, a `not` (whole or not at all)
    /// and a filter a quarter of another part; of an `or` the best part counts. [`WHOLE`] if and only if the
    /// rule fires.
    pub share: u32,
    /// The ways in which the event was judged.
    pub views: Vec<View>,
}

/// The rule under one reading of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Which records of the rule's log source the event is one of.
    pub source: String,
    /// The second reading, in which some fields have another value.
    pub second: bool,
    /// Whether all parts are as they must be.
    pub holds: bool,
    /// The rule's condition, then what was added to it.
    pub parts: Vec<Part>,
}

/// A condition that must hold for the rule to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose it is.
    pub origin: Origin,
    /// Whether it is as it must be.
    pub holds: bool,
    /// The condition.
    pub step: Step,
}

/// Whose condition a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The rule's own.
    Rule,
    /// A Sigma filter's: it must hold too.
    Filter {
        /// Its title.
        title: String,
        /// Its file.
        file: String,
    },
    /// An entry of a tuning file: where it holds, hits are hidden.
    FalsePositive {
        /// File, line and column.
        at: String,
        /// The reason that it gives.
        reason: String,
        /// Why it is not for this event, whatever its fields.
        not_for: Option<String>,
    },
}

/// A part of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whether it holds.
    pub holds: bool,
    /// What it is.
    pub kind: StepKind,
    /// What it is made of.
    pub parts: Vec<Self>,
}

/// What a part of a condition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// All of its parts must hold.
    All,
    /// Any of its parts must hold.
    Any,
    /// Its part must not hold.
    Not,
    /// A selection.
    Selection {
        /// Its name.
        name: String,
        /// Line of its content.
        line: u64,
    },
    /// A field, and what it must be.
    Entry(Entry),
}

/// A key of a selection with its values, against the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key as written (`Image|endswith`); `None` for keywords, which look at all text of the event.
    pub key: Option<String>,
    /// Where it stands in its file.
    pub line: u64,
    /// Where it stands in its line.
    pub column: u64,
    /// All values must be found, not any.
    pub all: bool,
    /// None of the values must be found.
    pub negated: bool,
    /// The values as written.
    pub wanted: Vec<Wanted>,
    /// What the event has; for keywords only where one was found.
    pub seen: Vec<Seen>,
    /// Names under which the field was looked for, if the event has none of them.
    pub absent: Vec<String>,
}

/// A value of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As written.
    pub text: String,
    /// Whether a value of the event is like it.
    pub found: bool,
}

/// A value of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The name that the record gives it.
    pub name: String,
    /// `None` for null.
    pub text: Option<String>,
    /// Characters that `text` does not show.
    pub cut: usize,
}
