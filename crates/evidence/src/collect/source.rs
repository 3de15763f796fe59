//! A stream of evidence: buffered, hashed while it is read, within a budget, and stoppable.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::Options;
use crate::formats::PREFIX;

/// Bytes asked of the stream below at a time; the prefix fits.
const CHUNK: usize = 128 << 10;

/// Why a walk ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// From outside.
    Interrupted,
    /// No temporary file could be made or grown.
    Spool(io::Error),
    /// A bound of the work at hand was hit; other work goes on.
    Limit,
    /// The visitor has what it came for.
    Found,
}

/// A bound that was hit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) code: &'static str,
    pub(crate) effect: String,
}

/// What the work at hand (one file that was handed in, with all that is nested in it) may still cost.
///
/// The bounds hold for each such file by itself, so that what is read of one never depends on how far
/// another thread has come.
pub(crate) struct Budget<'r> {
    options: &'r Options,
    halt: &'r AtomicBool,
    expanded: Cell<u64>,
    items: Cell<u32>,
    limit: RefCell<Option<Limit>>,
}

impl<'r> Budget<'r> {
    /// `halt` stops the work when another piece of it cannot go on.
    pub(crate) fn new(options: &'r Options, halt: &'r AtomicBool) -> Self {
        let (expanded, items) = (Cell::new(0), Cell::new(0));
        Self { options, halt, expanded, items, limit: RefCell::new(None) }
    }

    /// Whether to go on.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.cancelled() {
            return Err(Stop::Interrupted);
        }
        if self.limit.borrow().is_some() { Err(Stop::Limit) } else { Ok(()) }
    }

    /// The bound that was hit, if one was.
    pub(crate) fn limit(&self) -> Option<Limit> {
        self.limit.borrow().clone()
    }

    fn cancelled(&self) -> bool {
        self.options.cancel.load(Ordering::Relaxed) || self.halt.load(Ordering::Relaxed)
    }

    /// Counts one more member.
    pub(crate) fn count_item(&self, path: &str) -> Result<(), Stop> {
        let most = self.options.limits.max_items;
        self.items.set(self.items.get().saturating_add(1));
        if self.items.get() > most {
            self.trip("limit_items", || {
                format!("more than {most} members, stopped at {path}; the rest was not read")
            });
        }
        self.check()
    }

    fn expand(&self, bytes: u64, path: &str) -> io::Result<()> {
        let most = self.options.limits.max_expand;
        self.expanded.set(self.expanded.get().saturating_add(bytes));
        if self.expanded.get() <= most {
            return Ok(());
        }
        self.trip("limit_expand", || {
            format!("expands to more than {most} bytes, stopped in {path}; the rest was not read. If that is no bomb, raise --max-expand")
        });
        Err(io::Error::other("expansion limit"))
    }

    fn trip(&self, code: &'static str, effect: impl FnOnce() -> String) {
        self.limit.borrow_mut().get_or_insert_with(|| Limit { code, effect: effect() });
    }
}

/// Charges what a decompressor yields to the budget.
pub(crate) struct Metered<'b, 'r, R> {
    pub(crate) inner: R,
    pub(crate) budget: &'b Budget<'r>,
    /// The member, for the issue.
    pub(crate) path: &'b str,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.budget.expand(count as u64, self.path)?;
        Ok(count)
    }
}

/// Exactly `left` bytes of a stream; if it ends before, that is an error and not an end.
pub(crate) struct Exact<R> {
    pub(crate) inner: R,
    pub(crate) left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(part) = buffer.get_mut(..most).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let count = self.inner.read(part)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within it"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Adds what is read to a counter of progress.
pub(crate) struct Tally<'p, R> {
    pub(crate) inner: R,
    pub(crate) bytes: &'p AtomicU64,
}

impl<R: Read> Read for Tally<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Tally<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// One file or member, from its first byte to its last.
pub(crate) struct Source<'a> {
    inner: Box<dyn Read + 'a>,
    budget: &'a Budget<'a>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    hash: Sha256,
    size: u64,
    ended: bool,
    failed: Option<(io::ErrorKind, String)>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(inner: impl Read + 'a, budget: &'a Budget<'a>) -> Self {
        Self {
            inner: Box::new(inner),
            budget,
            buffer: vec![0; CHUNK].into_boxed_slice(),
            start: 0,
            end: 0,
            hash: Sha256::new(),
            size: 0,
            ended: false,
            failed: None,
        }
    }

    /// The first bytes, at most [`PREFIX`], without taking them. An error stays for whoever reads on.
    pub(crate) fn prefix(&mut self) -> &[u8] {
        while self.end < PREFIX && self.pull().is_ok_and(|count| count > 0) {}
        self.buffered()
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads what is left, for its hash alone.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        loop {
            (self.start, self.end) = (0, 0);
            if self.pull()? == 0 {
                return Ok(());
            }
        }
    }

    /// Bytes read so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The hash, if the end was reached without an error.
    pub(crate) fn sha256(&self) -> Option<[u8; 32]> {
        (self.ended && self.failed.is_none()).then(|| self.hash.clone().finalize().into())
    }

    /// Why the stream ended early, if it did.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.as_ref().map(|(_, why)| why.as_str())
    }

    /// Whether the work as a whole should go on.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        self.budget.check()
    }

    /// The bound that was hit, if one was.
    pub(crate) fn limit(&self) -> Option<Limit> {
        self.budget.limit()
    }

    /// Reads behind what is buffered; 0 at the end.
    fn pull(&mut self) -> io::Result<usize> {
        if let Some((kind, why)) = &self.failed {
            return Err(io::Error::new(*kind, why.clone()));
        }
        if self.ended {
            return Ok(0);
        }
        match self.pull_raw() {
            Ok(count) => Ok(count),
            Err(error) => {
                // Some decoders go on after an error as if nothing had been: the error is kept.
                self.failed = Some((error.kind(), error.to_string()));
                Err(error)
            }
        }
    }

    fn pull_raw(&mut self) -> io::Result<usize> {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            if self.budget.cancelled() {
                return Err(io::Error::other("interrupted"));
            }
            // A panic of a decompressor must cost no more than this file.
            let inner = AssertUnwindSafe(|| self.inner.read(room));
            match catch_unwind(inner)
                .unwrap_or_else(|_| Err(io::Error::other("the unpacker panicked")))
            {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.hash.update(room.get(..count).unwrap_or_default());
                    self.end += count;
                    self.size += count as u64;
                    self.ended = count == 0;
                    return Ok(count);
                }
            }
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start >= self.end {
            (self.start, self.end) = (0, 0);
            self.pull()?;
        }
        Ok(self.buffered())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }
}
