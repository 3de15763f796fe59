//! Work on rules beside judging: why one fires, what evidence serves them, whether they do what their samples say.

mod coverage;
mod explain;
mod find;
mod testing;

use detect::{BuildError, Detector, LoadReport, SourceFile};

use crate::Content;

pub use coverage::{Covered, coverage};
pub use explain::{EventAt, Explained, ExplainedEvent, explain};
pub use find::{Found, find};
pub use testing::{Failure, Outcome, Tested, Tests, Why, test};

/// The rules that a command works with: the content's, those of a user, and how these are tuned.
#[derive(Clone, Copy)]
pub struct RuleSet<'a> {
    /// The content.
    pub content: &'a Content,
    /// Rules of the user.
    pub rules: &'a [SourceFile],
    /// Tuning files.
    pub tuning: &'a [SourceFile],
}

impl RuleSet<'_> {
    /// Compiles them.
    pub fn detector(&self) -> Result<(Detector, LoadReport), BuildError> {
        Detector::tuned(self.content.files(), self.rules, self.tuning)
    }
}
