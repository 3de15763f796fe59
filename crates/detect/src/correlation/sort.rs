//! Rows of fixed size, put in order in bounded memory: sorted runs in one unnamed temporary file, merged.
//!
//! Sorting crates (`extsort` 0.5 and its like) write files with names, which a killed run leaves behind.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Rows that are sorted in memory at a time.
const RUN: usize = 1 << 18;
/// Rows that are read from a run at a time.
const BLOCK: usize = 512;

/// Something of fixed size that can be written and read back.
pub(super) trait Row: Copy + Ord {
    /// Bytes of one.
    const SIZE: usize;

    /// Appends [`Row::SIZE`] bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// From as many bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Takes rows in any order.
pub(super) struct Sorter<R> {
    folder: PathBuf,
    rows: Vec<R>,
    file: Option<File>,
    /// How many rows each run in the file has.
    runs: Vec<u64>,
    run_length: usize,
}

impl<R: Row> Sorter<R> {
    /// None yet; the folder is for its temporary file, which is made when it is needed.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            rows: Vec::new(),
            file: None,
            runs: Vec::new(),
            run_length: RUN,
        }
    }

    /// The same with shorter runs.
    pub(super) fn with_runs_of(folder: &Path, run_length: usize) -> Self {
        Self { run_length, ..Self::new(folder) }
    }

    pub(super) fn push(&mut self, row: R) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() < self.run_length { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.rows.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        write_rows(file, &self.rows)?;
        self.runs.push(self.rows.len() as u64);
        self.rows.clear();
        Ok(())
    }

    /// All rows in order.
    pub(super) fn sorted(mut self) -> io::Result<Sorted<R>> {
        if self.file.is_some() && !self.rows.is_empty() {
            self.spill()?;
        }
        self.rows.sort_unstable();
        let mut sorted = Sorted {
            rows: self.rows.into_iter(),
            file: self.file,
            runs: Vec::new(),
            heap: BinaryHeap::new(),
        };
        let mut start = 0;
        for (number, rows) in self.runs.iter().enumerate() {
            let mut run = Run { at: start, left: *rows, block: Vec::new().into_iter() };
            start += rows * R::SIZE as u64;
            if let Some(file) = &mut sorted.file
                && let Some(first) = run.next(file)?
            {
                sorted.heap.push(Reverse((first, number)));
            }
            sorted.runs.push(run);
        }
        Ok(sorted)
    }
}

/// Appends rows to a file.
pub(super) fn write_rows<R: Row>(file: &mut File, rows: &[R]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BLOCK * R::SIZE);
    for block in rows.chunks(BLOCK) {
        bytes.clear();
        for row in block {
            row.write(&mut bytes);
        }
        file.write_all(&bytes)?;
    }
    Ok(())
}

/// Rows of a file from a byte on.
pub(super) fn read_rows<R: Row>(mut file: &File, at: u64, rows: usize) -> io::Result<Vec<R>> {
    let mut bytes = vec![0; rows * R::SIZE];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes.chunks_exact(R::SIZE).filter_map(R::read).collect())
}

/// Rows in order.
pub(super) struct Sorted<R> {
    /// All of them, where they fit into memory.
    rows: std::vec::IntoIter<R>,
    file: Option<File>,
    runs: Vec<Run<R>>,
    /// The next row of each run.
    heap: BinaryHeap<Reverse<(R, usize)>>,
}

struct Run<R> {
    at: u64,
    left: u64,
    block: std::vec::IntoIter<R>,
}

impl<R: Row> Run<R> {
    fn next(&mut self, file: &File) -> io::Result<Option<R>> {
        if let Some(row) = self.block.next() {
            return Ok(Some(row));
        }
        let rows = usize::try_from(self.left).map_or(BLOCK, |left| left.min(BLOCK));
        if rows == 0 {
            return Ok(None);
        }
        self.block = read_rows(file, self.at, rows)?.into_iter();
        self.at += (rows * R::SIZE) as u64;
        self.left -= rows as u64;
        Ok(self.block.next())
    }
}

impl<R: Row> Sorted<R> {
    pub(super) fn next(&mut self) -> io::Result<Option<R>> {
        let Some(file) = &self.file else { return Ok(self.rows.next()) };
        let Some(Reverse((row, number))) = self.heap.pop() else { return Ok(None) };
        if let Some(run) = self.runs.get_mut(number)
            && let Some(next) = run.next(file)?
        {
            self.heap.push(Reverse((next, number)));
        }
        Ok(Some(row))
    }
}
