//! Makes synthetic, plainly labelled evidence of an Exchange server: a scenario file goes in, the logs that
//! such a server would have written come out, with a truth file beside them that says what was done.
//!
//! The same scenario and seed give the same bytes. Nothing here knows how evidence is judged: what is written
//! follows the formats' own descriptions, and the truth file says what was done, not what a tool should answer.
//! Nothing that is written is a working exploit or web shell.
//!
//! ```
//! let scenario = assay_forge::Scenario::parse(assay_forge::builtin("quiet").unwrap())?;
//! let mut files: Vec<(String, Vec<u8>)> = Vec::new();
//! let truth = assay_forge::forge(&scenario, &mut files)?;
//! assert!(truth.acts.is_empty() && !files.is_empty());
//! # Ok::<(), assay_forge::Error>(())
//! ```

mod assemble;
mod attack;
mod background;
mod builtin;
pub mod bulk;
mod check;
mod damage;
mod moment;
mod output;
mod random;
mod record;
mod render;
pub mod scenario;
mod source;
mod truth;
mod world;

use std::path::Path;

pub use builtin::{builtin, builtin_names};
pub use moment::{Length, Moment};
pub use output::{Folder, Output};
pub use scenario::{Act, Damage, EventForm, Scenario};
pub use source::{Pick, Protocol, Selection, Source};
pub use truth::{ActTruth, DamageTruth, LineRef, LostLines, PlacedFile, SourceTruth, Truth};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The scenario file is not one.
    #[error("scenario: {0}")]
    Scenario(String),
    /// The evidence could not be written.
    #[error("cannot write the evidence: {0}")]
    Write(#[from] std::io::Error),
}

/// Forges the evidence of a scenario into `out` and returns what was done.
pub fn forge(scenario: &Scenario, out: &mut dyn Output) -> Result<Truth, Error> {
    // A scenario need not come from a file: one made in memory is held to the same rules.
    check::scenario(scenario)?;
    Ok(assemble::forge(scenario, out)?)
}

/// Forges a scenario into a folder: the evidence under `evidence/`, and beside it `truth.json` and a file
/// that says that all of it is synthetic.
pub fn write_to_folder(scenario: &Scenario, folder: &Path) -> Result<Truth, Error> {
    let truth = forge(scenario, &mut Folder::new(folder.join("evidence")))?;
    let mut beside = Folder::new(folder);
    beside.put("truth.json", truth.to_json().into_bytes())?;
    let label = format!("{}: {}\n{}\n", scenario.label, scenario.name, scenario.about.trim());
    beside.put("SYNTHETIC.txt", label.into_bytes())?;
    Ok(truth)
}
