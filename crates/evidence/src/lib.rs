//! Bytes to events: finds what is in the evidence, reads it once, and counts what could not be read.
//!
//! [`read`] walks folders, files and archives (`collect`), tells by content what each member is, cuts it
//! into blocks (`formats`) and decodes the blocks on several threads into [`model::Event`]s for a [`Sink`].
//! Nothing that evidence contains can end a run: damage becomes an [`model::Issue`] of its file and a
//! [`model::Loss`] for the sink. No rule, no product and no judgement is known here.
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod catalogue;
mod collect;
mod fetch;
mod formats;
#[doc(hidden)]
pub mod fuzzing;
mod pipeline;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use model::case::ReadState;
use model::{Event, Issue, ItemId, Loss, RootId, Time};

pub use catalogue::{FORMATS, Format};
pub use fetch::{FetchError, Fetched, fetch};
pub use pipeline::read;

/// Bounds on what evidence may cost. A bound that was hit is an issue of the file.
///
/// The bounds hold for each file that was handed in (alone or in a folder) with all that is nested in it,
/// so that what is read of one file never depends on the others or on the number of threads.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes that an archive or compressed file may expand to, all levels of it together.
    pub max_expand: u64,
    /// Bytes that may lie in temporary files at one time.
    pub max_spool: u64,
    /// Archives inside archives; 1 is an archive that was handed in.
    pub max_depth: u32,
    /// Files of a folder, and members of an archive.
    pub max_items: u32,
    /// Bytes of one line or record; a longer one is counted as lost and skipped.
    pub max_record: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_expand: 64 << 30,
            max_spool: 16 << 30,
            max_depth: 5,
            max_items: 1_000_000,
            max_record: 4 << 20,
        }
    }
}

/// How to read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// Decoding threads, at least 1.
    pub threads: usize,
    /// Passwords to try on encrypted archives, in order.
    pub passwords: Vec<String>,
    /// The zone of times that state none (`--zone`).
    pub zone: Option<jiff::tz::TimeZone>,
    /// Folder for private temporary files.
    pub temp_dir: PathBuf,
    /// Folders that are output, not evidence; not walked.
    pub exclude: Vec<PathBuf>,
    /// Set from outside to stop early; `read` then returns [`ReadError::Interrupted`].
    pub cancel: Arc<AtomicBool>,
    /// Progress, for whoever shows it.
    pub progress: Arc<Progress>,
}

/// Counters that grow while reading.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the inputs consumed (compressed size for archives).
    pub bytes: AtomicU64,
    /// Bytes of the inputs in all, as far as known.
    pub total: AtomicU64,
    /// Files and members finished.
    pub items: AtomicU64,
    /// Events decoded.
    pub events: AtomicU64,
}

/// What a file is known to be before it is read; handed to the sink with each block.
#[derive(Clone, Debug)]
pub struct ItemHead {
    /// Number of this file in this run.
    pub id: ItemId,
    /// Its collection.
    pub root: RootId,
    /// Path relative to the argument it came under, `!/` between an archive and its member; printable.
    pub path: String,
    /// Path below the collection root, with `/`, percent escapes of Velociraptor undone.
    pub logical: String,
    /// Path on the host it was taken from (`C:\inetpub\...`), where a drive root shows it.
    pub windows_path: Option<String>,
    /// Name of the format (`evtx`, `json-events`, `iis-w3c`, `exchange-httpproxy` ...; `unknown`).
    pub kind: &'static str,
}

/// A file after reading.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub head: ItemHead,
    /// Bytes, if known.
    pub size: Option<u64>,
    /// SHA-256 in lower-case hex, if all of it was read.
    pub sha256: Option<String>,
    /// Modification time as the container states it; never carries a claim.
    pub mtime: Option<Time>,
    /// `archive`, `file_system` or `unknown`.
    pub mtime_basis: &'static str,
    /// How much was read by a format; [`ReadState::None`] for a file that no format knows.
    pub read: ReadState,
    /// What was wrong.
    pub issues: Vec<Issue>,
}

/// A collection: what host-less records belong to together.
#[derive(Clone, Debug)]
pub struct Root {
    /// Number in this run.
    pub id: RootId,
    /// Its path, relative to the argument it came under; a name to sort by and to show.
    pub path: String,
}

/// Everything that was handed in.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The collections.
    pub roots: Vec<Root>,
    /// The files, sorted by path.
    pub items: Vec<Item>,
}

/// Why reading ended without an inventory.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An argument does not exist or cannot be opened at all.
    #[error("cannot read {}", path.display())]
    Input {
        /// The argument.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No temporary file could be made or grown.
    #[error("cannot spool to {}", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Stopped from outside.
    #[error("interrupted")]
    Interrupted,
}

/// Receives events from several threads at once.
///
/// A batch belongs to one block of one file; batches of a file are handed over in any order, so whatever
/// a sink gathers must come out the same in every order.
pub trait Sink: Sync {
    /// What one block gathers.
    type Batch: Send;
    /// A block of a file begins.
    fn start(&self, item: &ItemHead) -> Self::Batch;
    /// A record.
    fn event(&self, batch: &mut Self::Batch, event: &Event<'_>);
    /// Records that were there and could not be read.
    fn lost(&self, batch: &mut Self::Batch, loss: &Loss);
    /// The block is done.
    fn end(&self, item: &ItemHead, batch: Self::Batch);
}
