//! Private temporary files for archives that must be read from their end.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::source::{Source, Stop};

/// Up to here an archive is kept in memory.
const IN_MEMORY: usize = 1 << 20;

/// Something that can be read from any place.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// What the pieces of work share.
#[derive(Default)]
pub(crate) struct Shared {
    /// The right to use the quota. One piece of work has it at a time, so that whether an archive fits
    /// does not depend on what other threads are doing.
    quota: Mutex<()>,
    /// Set when one piece of work cannot go on, to stop all.
    pub(crate) halt: AtomicBool,
}

/// The temporary files of one piece of work.
pub(crate) struct Spools<'r> {
    folder: &'r Path,
    most: u64,
    shared: &'r Shared,
    held: RefCell<Option<MutexGuard<'r, ()>>>,
    used: Cell<u64>,
}

/// A spooled archive; its file has no name and ends with it.
pub(crate) struct Spooled<'s, 'r> {
    pub(crate) body: Box<dyn ReadSeek>,
    /// Bytes charged to the quota.
    charged: u64,
    spools: &'s Spools<'r>,
}

/// How spooling ended.
pub(crate) enum Spooling<'s, 'r> {
    /// All there is; the source may have failed on the way.
    Done(Spooled<'s, 'r>),
    /// More than the quota.
    TooLarge,
}

impl<'r> Spools<'r> {
    pub(crate) fn new(folder: &'r Path, most: u64, shared: &'r Shared) -> Self {
        Self { folder, most, shared, held: RefCell::new(None), used: Cell::new(0) }
    }

    /// Takes in what is left of `source`.
    pub(crate) fn spool<'s>(&'s self, source: &mut Source<'_>) -> Result<Spooling<'s, 'r>, Stop> {
        let mut memory = Vec::new();
        let whole = copy(source, &mut memory, IN_MEMORY as u64).map_err(Stop::Spool)?;
        if whole {
            return Ok(Spooling::Done(self.spooled(Box::new(Cursor::new(memory)), 0)));
        }
        self.hold();
        let mut file = tempfile::tempfile_in(self.folder).map_err(Stop::Spool)?;
        file.write_all(&memory).map_err(Stop::Spool)?;
        let free = self.most.saturating_sub(self.used.get());
        let left = free.saturating_sub(memory.len() as u64);
        drop(memory);
        if !copy(source, &mut file, left).map_err(Stop::Spool)? {
            self.release(0);
            return Ok(Spooling::TooLarge);
        }
        let size = file.seek(SeekFrom::End(0)).map_err(Stop::Spool)?;
        file.rewind().map_err(Stop::Spool)?;
        self.used.set(self.used.get() + size);
        Ok(Spooling::Done(self.spooled(Box::new(file), size)))
    }

    fn spooled(&self, body: Box<dyn ReadSeek>, charged: u64) -> Spooled<'_, 'r> {
        Spooled { body, charged, spools: self }
    }

    fn hold(&self) {
        let mut held = self.held.borrow_mut();
        if held.is_none() {
            *held = Some(self.shared.quota.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn release(&self, size: u64) {
        self.used.set(self.used.get().saturating_sub(size));
        if self.used.get() == 0 {
            self.held.borrow_mut().take();
        }
    }
}

impl Drop for Spooled<'_, '_> {
    fn drop(&mut self) {
        if self.charged > 0 {
            // The file goes first: the space must be free before anybody else may use it.
            self.body = Box::new(io::empty());
            self.spools.release(self.charged);
        }
    }
}

/// Copies at most `most` bytes; true if that was all. Errors of the source end it like its end, errors of
/// the target are returned.
fn copy(source: &mut Source<'_>, target: &mut dyn Write, most: u64) -> io::Result<bool> {
    let mut left = most;
    loop {
        let Ok(bytes) = source.fill_buf() else { return Ok(true) };
        if bytes.is_empty() {
            return Ok(true);
        }
        if left == 0 {
            return Ok(false);
        }
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        target.write_all(bytes.get(..count).unwrap_or(bytes))?;
        source.consume(count);
        left -= count as u64;
    }
}
