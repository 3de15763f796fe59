//! The matches of one group in event time: in memory while they are few, in a temporary file beyond.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::sort::{Row, read_rows, write_rows};

/// Entries that are held in memory.
const IN_MEMORY: usize = 1 << 18;
/// Entries that are written and read at a time.
const BLOCK: usize = 1 << 10;

/// All matches of one group.
pub(super) struct Group {
    folder: PathBuf,
    first: Vec<Entry>,
    rest: Option<File>,
    /// The end of the rest, not yet written.
    tail: Vec<Entry>,
    written: u64,
    in_memory: usize,
}

impl Group {
    /// Empty; the folder is for its temporary file, which is made when it is needed.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            first: Vec::new(),
            rest: None,
            tail: Vec::new(),
            written: 0,
            in_memory: IN_MEMORY,
        }
    }

    #[cfg(test)]
    pub(super) fn with_memory_for(folder: &Path, in_memory: usize) -> Self {
        Self { in_memory, ..Self::new(folder) }
    }

    /// Empties it for the next group.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.first.clear();
        self.tail.clear();
        self.written = 0;
        self.rest.as_mut().map_or(Ok(()), |file| {
            file.set_len(0)?;
            io::Seek::rewind(file)
        })
    }

    pub(super) fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.first.len() < self.in_memory {
            self.first.push(entry);
            return Ok(());
        }
        self.tail.push(entry);
        if self.tail.len() < BLOCK {
            return Ok(());
        }
        let file = match &mut self.rest {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        write_rows(file, &self.tail)?;
        self.written += self.tail.len() as u64;
        self.tail.clear();
        Ok(())
    }

    /// A reader from the first entry on. Several may be at work at once.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { group: self, at: 0, block: Vec::new(), block_start: 0 }
    }
}

/// Reads a group from front to back.
pub(super) struct Cursor<'g> {
    group: &'g Group,
    at: u64,
    block: Vec<Entry>,
    block_start: u64,
}

impl Cursor<'_> {
    /// The entry at which it stands; it stays there.
    pub(super) fn peek(&mut self) -> io::Result<Option<Entry>> {
        self.get(self.at)
    }

    /// The number of that entry in the group.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Goes on by one.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Goes on to an entry.
    pub(super) fn skip_to(&mut self, at: u64) {
        self.at = self.at.max(at);
    }

    fn get(&mut self, at: u64) -> io::Result<Option<Entry>> {
        let group = self.group;
        let place = |start: u64| at.checked_sub(start).and_then(|n| usize::try_from(n).ok());
        if let Some(entry) = place(0).and_then(|n| group.first.get(n)) {
            return Ok(Some(*entry));
        }
        let on_disk = group.first.len() as u64;
        if let Some(entry) = place(on_disk + group.written).and_then(|n| group.tail.get(n)) {
            return Ok(Some(*entry));
        }
        if let Some(entry) = place(self.block_start).and_then(|n| self.block.get(n)) {
            return Ok(Some(*entry));
        }
        let Some(file) = group.rest.as_ref().filter(|_| at < on_disk + group.written) else {
            return Ok(None);
        };
        let left = on_disk + group.written - at;
        let rows = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        self.block = read_rows(file, (at - on_disk) * Entry::SIZE as u64, rows)?;
        self.block_start = at;
        Ok(self.block.first().copied())
    }
}
