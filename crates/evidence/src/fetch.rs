//! Finds a record again: the bytes behind an event of a case.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use model::Locator;

use crate::collect::name::printable_text;
use crate::collect::spool::Shared;
use crate::collect::{self, Facts, Found, Source, Stop, Survey, Visitor, Walk};
use crate::formats::text::{Decoder, Encoding};
use crate::formats::{self, Probe, evtx};
use crate::pipeline::hex;
use crate::{Options, ReadError};

/// A record, found again.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Custody path of the file in which it was found now.
    pub path: String,
    /// SHA-256 of that file, in lower-case hex.
    pub sha256: String,
    /// Name of the file's format.
    pub kind: &'static str,
    /// The record's bytes, at most `options.limits.max_record` of them.
    pub bytes: Vec<u8>,
    /// The record for a terminal, with everything unprintable escaped.
    pub text: String,
}

/// Why a record was not found.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The evidence cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No file has that hash, or, where none is given, that path.
    #[error("the evidence holds no file {path}{}", .sha256.as_ref().map_or(String::new(), |hash| format!(" with SHA-256 {hash}")))]
    NotFound {
        /// The custody path.
        path: String,
        /// The hash that was looked for.
        sha256: Option<String>,
    },
    /// The file is there, and ends before the record.
    #[error("{path} ends before the record: it is not the one that was judged, or was cut since")]
    OutOfBounds {
        /// The custody path.
        path: String,
    },
}

/// Finds the record at `locator` in the file that has this hash, or this custody path where no hash is given.
///
/// The path is tried first; where it leads nowhere or to another file, every file is hashed until one fits,
/// whatever container it lies in now. If none fits, the file at the path is taken as it is now: its
/// [`Fetched::sha256`] then differs, and the caller has to say so.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch(
    inputs: &[PathBuf],
    options: &Options,
    path: &str,
    sha256: Option<&str>,
    locator: Locator,
) -> Result<Fetched, FetchError> {
    let survey = collect::survey(inputs, options)?;
    let sha256 = sha256.map(str::to_ascii_lowercase);
    let mut finder =
        Finder { options, path, sha256, locator, everywhere: false, hits: Mutex::default() };
    finder.search(&survey)?;
    if finder.missed() && finder.sha256.is_some() {
        finder.everywhere = true;
        finder.search(&survey)?;
    }
    let Finder { sha256, hits, .. } = finder;
    let hits = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some(hit) = hits.same.or(hits.changed) else {
        return Err(FetchError::NotFound { path: path.to_owned(), sha256 });
    };
    let Some(bytes) = hit.bytes else { return Err(FetchError::OutOfBounds { path: hit.path }) };
    let text = hit.shown.unwrap_or_else(|| printable_text(&bytes));
    Ok(Fetched { path: hit.path, sha256: hit.sha256, kind: hit.kind, bytes, text })
}

/// The file, found.
struct Hit {
    path: String,
    sha256: String,
    kind: &'static str,
    /// `None` where the file ends before the record.
    bytes: Option<Vec<u8>>,
    /// As its format shows it, if that is not text.
    shown: Option<String>,
}

/// What was found.
#[derive(Default)]
struct Hits {
    /// The file that was looked for.
    same: Option<Hit>,
    /// A file at its path, with another hash.
    changed: Option<Hit>,
}

/// Reads the files that come into question, one after the other.
struct Finder<'f> {
    options: &'f Options,
    path: &'f str,
    sha256: Option<String>,
    locator: Locator,
    /// Every file comes into question, not only that of the path.
    everywhere: bool,
    hits: Mutex<Hits>,
}

impl Finder<'_> {
    fn search(&self, survey: &Survey) -> Result<(), ReadError> {
        let shared = Shared::default();
        for index in 0..survey.len() {
            let Some(work) = survey.work(index).filter(|work| self.wants(&work.found)) else {
                continue;
            };
            match Walk::new(self.options, self, &shared).run(&work) {
                Ok(()) | Err(Stop::Limit) => {}
                Err(Stop::Found) => return Ok(()),
                Err(Stop::Interrupted) => return Err(ReadError::Interrupted),
                Err(Stop::Spool(source)) => {
                    return Err(ReadError::Spool { path: self.options.temp_dir.clone(), source });
                }
            }
        }
        Ok(())
    }

    fn missed(&self) -> bool {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).same.is_none()
    }
}

impl Visitor for Finder<'_> {
    /// On the first way, only the file itself and the archives around it.
    fn wants(&self, found: &Found) -> bool {
        let rest = self.path.strip_prefix(found.path.as_str());
        self.everywhere || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("!/"))
    }

    fn hashes_containers(&self) -> bool {
        false
    }

    fn file(&self, found: Found, source: &mut Source<'_>) -> Result<(), Stop> {
        let max_record = self.options.limits.max_record;
        let prefix = source.prefix();
        let probe = Probe { prefix, logical: &found.place.logical, max_record };
        let kind = formats::identify(&probe).map_or("unknown", |identified| identified.kind);
        let encoding = match (kind, self.locator.offset) {
            ("unknown", _) | (_, None) => Encoding::Utf8 { bom: 0 },
            _ => Encoding::of(prefix),
        };
        let (bytes, shown) = match (kind, self.locator.offset) {
            ("evtx", Some(offset)) => event(source, offset, self.locator.length, max_record),
            _ => (slice(source, encoding, self.locator, max_record).ok().flatten(), None),
        };
        // Damage behind the record does not matter to it, only to the hash.
        let _ = source.drain();
        source.check()?;
        let sha256 = source.sha256().map(hex);
        let fits = match &self.sha256 {
            Some(wanted) => sha256.as_ref() == Some(wanted),
            None => true,
        };
        let there = found.path == self.path;
        let hit = Hit { path: found.path, sha256: sha256.unwrap_or_default(), kind, bytes, shown };
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        if fits {
            hits.same = Some(hit);
            return Err(Stop::Found);
        }
        if there {
            hits.changed = Some(hit);
        }
        Ok(())
    }

    fn other(&self, _: Found, _: Facts) {}
}

/// The bytes at `locator`, at most `most`; `None` where the stream ends before them.
fn slice(
    source: &mut Source<'_>,
    encoding: Encoding,
    locator: Locator,
    most: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut decoder = Decoder::new(encoding);
    let mut skip = locator.offset.unwrap_or(0).saturating_sub(decoder.first_offset());
    let wanted = locator
        .length
        .map_or(most, |length| usize::try_from(length).unwrap_or(usize::MAX).min(most));
    let mut bytes = Vec::new();
    while bytes.len() < wanted {
        let piece = decoder.fill(source)?;
        if piece.is_empty() {
            break;
        }
        let passed = piece.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
        let here = piece.get(passed..).unwrap_or_default();
        let taken = here.len().min(wanted - bytes.len());
        bytes.extend_from_slice(here.get(..taken).unwrap_or_default());
        skip -= passed as u64;
        decoder.consume(source, passed + taken);
    }
    let whole = locator.length.is_none_or(|length| bytes.len() as u64 == length.min(most as u64));
    Ok((skip == 0 && whole).then_some(bytes))
}

/// A record of an event log: its bytes, and what its templates make of them.
fn event(
    source: &mut Source<'_>,
    offset: u64,
    length: Option<u64>,
    most: usize,
) -> (Option<Vec<u8>>, Option<String>) {
    let wanted = length.map_or(most, |n| usize::try_from(n).unwrap_or(usize::MAX).min(most));
    let mut window = Window { source, skip: offset, wanted, bytes: Vec::new() };
    let shown = evtx::render_at(&mut window, offset).ok().flatten();
    let whole = window.bytes.len() == wanted || length.is_none() && !window.bytes.is_empty();
    (whole.then_some(window.bytes), shown)
}

/// Keeps a copy of a part of what is read through it.
struct Window<'w, 's> {
    source: &'w mut Source<'s>,
    /// Bytes to go before the part begins.
    skip: u64,
    wanted: usize,
    bytes: Vec<u8>,
}

impl Read for Window<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Window<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(piece) = self.source.fill_buf() {
            let piece = piece.get(..count).unwrap_or(piece);
            let passed = piece.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            let here = piece.get(passed..).unwrap_or_default();
            let taken = here.len().min(self.wanted - self.bytes.len());
            self.bytes.extend_from_slice(here.get(..taken).unwrap_or_default());
            self.skip -= passed as u64;
        }
        self.source.consume(count);
    }
}
