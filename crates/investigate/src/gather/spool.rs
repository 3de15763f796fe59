//! Matches of rules that correlations refer to, kept in a temporary file until all is read.
//!
//! They come from several threads in any order; the correlator puts them in order.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use assess::Record;
use detect::GroupValue;
use model::Time;
use serde::{Deserialize, Serialize};

/// Bytes that a block gathers before it writes them.
const BUFFER: usize = 1 << 20;

/// What correlating needs of a match.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Match {
    pub(crate) rule: u32,
    pub(crate) item: u32,
    pub(crate) root: u32,
    /// Bytes into the file.
    pub(crate) offset: u64,
    /// As the record states it, or as its own second time does.
    pub(crate) time: Option<Time>,
    pub(crate) host: Option<String>,
    pub(crate) logsource: String,
    pub(crate) values: Vec<Option<GroupValue>>,
}

/// The file, shared by all threads.
pub(crate) struct Spool {
    folder: PathBuf,
    most: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    written: u64,
    /// The first error; nothing is written after it.
    error: Option<io::Error>,
}

/// Matches of one block, not yet written.
#[derive(Default)]
pub(crate) struct Pending(Vec<u8>);

impl Pending {
    /// Adds a match and its record; both have a length before them.
    fn push(&mut self, one: &Match, record: &Record) -> io::Result<()> {
        self.frame(one)?;
        self.frame(record)
    }

    fn frame(&mut self, content: &impl Serialize) -> io::Result<()> {
        let start = self.0.len();
        self.0.extend([0; 4]);
        serde_json::to_writer(&mut self.0, content)?;
        let length = u32::try_from(self.0.len() - start - 4).map_err(io::Error::other)?;
        if let Some(place) = self.0.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }
}

impl Spool {
    /// Empty; the file is made in the folder when it is needed, and holds at most so many bytes.
    pub(crate) fn new(folder: &Path, most: u64) -> Self {
        Self { folder: folder.to_owned(), most, state: Mutex::default() }
    }

    /// Adds a match to those of a block.
    pub(crate) fn add(&self, pending: &mut Pending, one: &Match, record: &Record) {
        if let Err(error) = pending.push(one, record) {
            self.fail(error);
        }
        if pending.0.len() > BUFFER {
            self.flush(pending);
        }
    }

    /// Writes what a block has gathered.
    pub(crate) fn flush(&self, pending: &mut Pending) {
        if pending.0.is_empty() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.error.is_none()
            && let Err(error) = state.write(&pending.0, &self.folder, self.most)
        {
            state.error = Some(error);
        }
        drop(state);
        pending.0.clear();
    }

    fn fail(&self, error: io::Error) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.error.get_or_insert(error);
    }

    /// What was kept, or why not all of it could be.
    pub(crate) fn finish(self) -> io::Result<Kept> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.error {
            Some(error) => Err(error),
            None => Ok(Kept { file: state.file, length: state.written }),
        }
    }
}

impl State {
    fn write(&mut self, bytes: &[u8], folder: &Path, most: u64) -> io::Result<()> {
        self.written += bytes.len() as u64;
        if self.written > most {
            let reason = format!(
                "the matches that correlation rules ask for come to more than {most} bytes; \
                 leave out the correlations whose rules match most"
            );
            return Err(io::Error::other(reason));
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(folder)?),
        };
        file.write_all(bytes)
    }
}

/// All matches of a run.
pub(crate) struct Kept {
    file: Option<File>,
    length: u64,
}

impl Kept {
    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    /// Goes through all matches with their places, in the order in which they were written.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(u64, Match) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        file.seek(SeekFrom::Start(0))?;
        let mut reader = io::BufReader::with_capacity(BUFFER, file);
        let (mut at, mut bytes) = (0, Vec::new());
        while at < self.length {
            let one = read_frame(&mut reader, &mut bytes)?;
            let first = bytes.len();
            let length = read_length(&mut reader)?;
            reader.seek_relative(i64::from(length))?;
            let here = at;
            at += 8 + first as u64 + u64::from(length);
            take(here, one)?;
        }
        Ok(())
    }

    /// The match at a place.
    pub(crate) fn at(&self, place: u64) -> io::Result<Match> {
        read_frame(&mut self.reader(place)?, &mut Vec::new())
    }

    /// The match at a place and its record.
    pub(crate) fn record(&self, place: u64) -> io::Result<(Match, Record)> {
        let (mut reader, mut bytes) = (self.reader(place)?, Vec::new());
        Ok((read_frame(&mut reader, &mut bytes)?, read_frame(&mut reader, &mut bytes)?))
    }

    fn reader(&self, place: u64) -> io::Result<io::BufReader<&File>> {
        let Some(mut file) = self.file.as_ref() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        file.seek(SeekFrom::Start(place))?;
        Ok(io::BufReader::with_capacity(2 << 10, file))
    }
}

fn read_length(reader: &mut impl io::Read) -> io::Result<u32> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length))
}

fn read_frame<T: for<'d> Deserialize<'d>>(
    reader: &mut impl io::Read,
    bytes: &mut Vec<u8>,
) -> io::Result<T> {
    let length = read_length(reader)?;
    bytes.clear();
    reader.take(u64::from(length)).read_to_end(bytes)?;
    Ok(serde_json::from_slice(bytes)?)
}
