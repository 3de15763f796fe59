//! What could not be read, and what that means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// Something wrong with a file, counted: damage is data and ends no run.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Issue {
    /// Stable word: `row_cut_short`, `chunk_checksum`, `encrypted`, `limit_expand` ...
    pub code: String,
    /// How often.
    pub count: u64,
    /// What it was, where first, what it means for the verdict, and what to do.
    pub effect: String,
}

/// Records that were there and could not be read: acts on coverage like their removal.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The code of the [`Issue`] it is counted under.
    pub code: &'static str,
    /// Records known to be lost; 0 if their number is unknown.
    pub records: u64,
    /// Time of the last whole record before the loss; `None` if that is not known (it may stand in
    /// another block of the file).
    pub after: Option<Time>,
    /// Time of the first whole record behind the loss; `None` if that is not known.
    pub before: Option<Time>,
    /// What is lost lay behind the file's last whole record: a file that was cut, or still written to.
    pub at_end: bool,
}
