//! From what was handed in to single files: folders are walked, archives are opened, and each file is
//! placed in its collection and given to a [`Visitor`] as a stream.
//!
//! Nothing here knows an evidence format. A name that evidence chose is only ever text: no file is made,
//! opened or followed by such a name.

pub(crate) mod archive;
pub(crate) mod inputs;
pub(crate) mod layout;
pub(crate) mod name;
pub(crate) mod sniff;
pub(crate) mod source;
pub(crate) mod spool;
#[cfg(test)]
mod tests;
mod walk;

use model::Time;
use model::case::ReadState;

pub(crate) use archive::Note;
pub(crate) use inputs::{Survey, survey};
pub(crate) use source::{Source, Stop};
pub(crate) use walk::Walk;

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootName {
    /// What tells it from all others.
    pub(crate) key: String,
    /// What it is called.
    pub(crate) path: String,
}

/// Where a file belongs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) root: RootName,
    /// Path below the root.
    pub(crate) logical: String,
    pub(crate) windows_path: Option<String>,
}

/// A file that was found, before it is read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its custody path.
    pub(crate) path: String,
    pub(crate) place: Place,
    pub(crate) mtime: Option<Time>,
    pub(crate) mtime_basis: &'static str,
    /// Size that the container states.
    pub(crate) size: Option<u64>,
    /// Archives around it.
    pub(crate) depth: u32,
    /// What is wrong with it already.
    pub(crate) notes: Vec<Note>,
}

/// What became of a file that no format read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: &'static str,
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) read: ReadState,
}

/// Receives every file once, from several threads.
pub(crate) trait Visitor: Sync {
    /// Whether to read this file or open this container.
    fn wants(&self, found: &Found) -> bool;
    /// A file that is no container; `source` stands at its first byte.
    fn file(&self, found: Found, source: &mut Source<'_>) -> Result<(), Stop>;
    /// A container whose members were all told, or something that is not read.
    fn other(&self, found: Found, facts: Facts);
    /// Whether containers need a hash of their own.
    fn hashes_containers(&self) -> bool;
}
