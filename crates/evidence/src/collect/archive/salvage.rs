//! A zip without its directory (a copy that broke off): read from the front, by the headers of its members.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{Entry, Members, Note, encrypted};
use crate::collect::source::{Exact, Stop};

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What a local header states.
struct Local {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
}

impl Local {
    /// Sizes and checksum follow the data instead.
    fn described_behind(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// Yields the members up to the place where the archive breaks off.
pub(crate) fn walk(
    input: &mut dyn BufRead,
    passwords: usize,
    members: &mut dyn Members,
) -> Result<(), Stop> {
    members.damage(Note::new(
        "archive_damaged",
        "the directory at its end is missing or damaged: read from the front, member by member; what stood behind the break is missing",
    ));
    while let Some(local) = next_local(input) {
        if !member(&local, input, passwords, members)? {
            break;
        }
    }
    Ok(())
}

/// One member; false where the next one cannot be found behind it.
fn member(
    local: &Local,
    input: &mut dyn BufRead,
    passwords: usize,
    members: &mut dyn Members,
) -> Result<bool, Stop> {
    let entry = Entry {
        raw: local.name.clone(),
        mtime: None,
        size: (!local.described_behind()).then_some(local.size),
    };
    let folder = local.name.last().is_some_and(|b| matches!(b, b'/' | b'\\'));
    let readable = match local.method {
        DEFLATED => true,
        STORED => !local.described_behind(),
        _ => false,
    };
    if local.flags & 1 != 0 || !readable {
        let note = if local.flags & 1 != 0 { encrypted(passwords) } else { unreadable() };
        members.unread(entry, note)?;
        return Ok(!local.described_behind() && skip(input, local.packed));
    }
    let expected = (!local.described_behind()).then_some(local.crc);
    if local.method == DEFLATED {
        let mut body = Checked::new(Inflate(DeflateDecoder::new(&mut *input)), expected);
        if !folder {
            members.file(entry, &mut body)?;
        }
        // What the reader left must be inflated too: only the decoder knows where the member ends.
        return Ok(io::copy(&mut body, &mut io::sink()).is_ok() || body.ended);
    }
    let mut body = Checked::new(Exact { inner: &mut *input, left: local.packed }, expected);
    if !folder {
        members.file(entry, &mut body)?;
    }
    Ok(io::copy(&mut body, &mut io::sink()).is_ok() || body.ended)
}

fn unreadable() -> Note {
    Note::new("archive_damaged", "cannot be read without the archive's directory")
}

/// The header that follows, past a data descriptor if there is one.
fn next_local(input: &mut dyn BufRead) -> Option<Local> {
    let mut window = [0_u8; 4];
    input.read_exact(&mut window).ok()?;
    // A descriptor has 12 to 24 bytes, and the archive may begin with a mark of its own.
    for _ in 0..=24 {
        if &window == LOCAL {
            return local(input);
        }
        window.rotate_left(1);
        let [.., last] = &mut window;
        input.read_exact(std::slice::from_mut(last)).ok()?;
    }
    None
}

fn local(input: &mut dyn BufRead) -> Option<Local> {
    let mut fixed = [0_u8; 26];
    input.read_exact(&mut fixed).ok()?;
    let short = |at: usize| Some(u16::from_le_bytes(fixed.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(fixed.get(at..at + 4)?.try_into().ok()?));
    let mut name = vec![0; usize::from(short(22)?)];
    input.read_exact(&mut name).ok()?;
    let mut extra = vec![0; usize::from(short(24)?)];
    input.read_exact(&mut extra).ok()?;
    let mut local = Local {
        name,
        flags: short(2)?,
        method: short(4)?,
        crc: long(10)?,
        packed: u64::from(long(14)?),
        size: u64::from(long(18)?),
    };
    zip64(&extra, &mut local);
    Some(local)
}

/// Sizes of 4 GiB and more stand in an extra field: first the whole, then the packed.
fn zip64(extra: &[u8], local: &mut Local) {
    let mut rest = extra;
    while let Some((head, tail)) = rest.split_at_checked(4) {
        let [id_low, id_high, length_low, length_high] = *head else { return };
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let Some((field, next)) = tail.split_at_checked(length) else { return };
        if u16::from_le_bytes([id_low, id_high]) == 1 {
            let mut numbers = field
                .chunks_exact(8)
                .map(|chunk| chunk.iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b)));
            for size in [&mut local.size, &mut local.packed] {
                if *size == u64::from(u32::MAX) {
                    *size = numbers.next().unwrap_or(*size);
                }
            }
        }
        rest = next;
    }
}

fn skip(input: &mut dyn BufRead, count: u64) -> bool {
    io::copy(&mut input.take(count), &mut io::sink()).is_ok_and(|skipped| skipped == count)
}

/// A deflate stream in which the end of the archive is not taken for the end of the member.
struct Inflate<'i>(DeflateDecoder<&'i mut dyn BufRead>);

impl Read for Inflate<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        // Behind every member of a zip stands something: at least the directory.
        if count == 0 && !buffer.is_empty() && self.0.get_mut().fill_buf()?.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within it"));
        }
        Ok(count)
    }
}

/// Compares the checksum at the end.
struct Checked<R> {
    inner: R,
    crc: Crc,
    expected: Option<u32>,
    ended: bool,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, expected: Option<u32>) -> Self {
        Self { inner, crc: Crc::new(), expected, ended: false }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.crc.update(buffer.get(..count).unwrap_or_default());
        self.ended = count == 0;
        if self.ended && self.expected.is_some_and(|expected| expected != self.crc.sum()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "wrong checksum"));
        }
        Ok(count)
    }
}
