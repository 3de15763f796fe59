//! Tar: one header of 512 bytes before each member, and extensions that give the next member a longer name.
//!
//! Read here and not with a library because a member cut short, a damaged header and a name without end
//! must each cost only what they touch.

use std::io::{self, BufRead, Read};

use model::Time;

use super::{Entry, Members, Note, link, special};
use crate::collect::sniff::{TAR_BLOCK, is_tar, octal};
use crate::collect::source::{Exact, Stop};

/// Bytes of an extension (long name, pax records) that are looked at.
const EXTENSION: u64 = 64 << 10;

/// What extensions said of the next member.
#[derive(Default)]
struct Pending {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<Time>,
    sparse: bool,
}

type Block = [u8; TAR_BLOCK];

enum Header {
    Member(Box<Block>),
    /// The mark at the end.
    End,
    /// The stream ends without a mark, or fails.
    Cut(String),
}

/// Yields the members of a tar stream.
pub(crate) fn walk(input: &mut dyn BufRead, members: &mut dyn Members) -> Result<(), Stop> {
    let mut pending = Pending::default();
    loop {
        match next_header(input, members) {
            Header::End => return Ok(()),
            Header::Cut(why) => {
                members.damage(Note::new(
                    "archive_damaged",
                    format!("the archive {why}; members that stood behind are missing"),
                ));
                return Ok(());
            }
            Header::Member(block) => member(&block, &mut pending, input, members)?,
        }
    }
}

/// The next valid header; blocks that are none are skipped and counted once.
fn next_header(input: &mut dyn BufRead, members: &mut dyn Members) -> Header {
    let mut skipped = 0_u64;
    loop {
        let mut block: Box<Block> = Box::new([0; TAR_BLOCK]);
        let header = match fill(input, block.as_mut()) {
            Err(error) => Header::Cut(format!("cannot be read further ({error})")),
            Ok(0) => Header::Cut("ends without its end mark".to_owned()),
            Ok(TAR_BLOCK) if block.iter().all(|b| *b == 0) => Header::End,
            Ok(TAR_BLOCK) if is_tar(block.as_ref()) => Header::Member(block),
            Ok(TAR_BLOCK) => {
                skipped += 1;
                continue;
            }
            Ok(_) => Header::Cut("ends within a header".to_owned()),
        };
        if skipped > 0 {
            members.damage(Note::new(
                "archive_damaged",
                format!("{skipped} blocks of 512 bytes are no header where one should stand; members may be missing"),
            ));
        }
        return header;
    }
}

fn member(
    block: &Block,
    pending: &mut Pending,
    input: &mut dyn BufRead,
    members: &mut dyn Members,
) -> Result<(), Stop> {
    let kind = block.get(156).copied().unwrap_or_default();
    let size = number(block.get(124..136).unwrap_or_default()).unwrap_or(0);
    match kind {
        b'L' => {
            let name = extension(size, input);
            pending.name = Some(name.split(|b| *b == 0).next().unwrap_or_default().to_vec());
            return Ok(());
        }
        b'x' | b'X' => {
            pax(&extension(size, input), pending);
            return Ok(());
        }
        // Long link targets, global records, volume labels and multi-volume marks name no member of ours.
        b'K' | b'g' | b'V' | b'N' => {
            skip(input, padded(size));
            return Ok(());
        }
        _ => {}
    }
    let told = std::mem::take(pending);
    let size = told.size.unwrap_or(size);
    let entry = Entry {
        raw: told.name.unwrap_or_else(|| header_name(block)),
        mtime: told.mtime.or_else(|| header_time(block)),
        size: Some(size),
    };
    let folder = entry.raw.last().is_some_and(|b| matches!(b, b'/' | b'\\'));
    match kind {
        b'1' | b'2' => members.unread(Entry { size: None, ..entry }, link())?,
        b'3' | b'4' | b'6' => members.unread(Entry { size: None, ..entry }, special())?,
        b'5' | b'D' => {}
        b'S' => {
            skip_sparse_map(block, input);
            members.unread(entry, sparse())?;
        }
        _ if told.sparse => members.unread(entry, sparse())?,
        b'0' | 0 if folder => {}
        _ => return body(entry, size, input, members),
    }
    // A link may state the size of what it points to, without its bytes.
    let has_body = !matches!(kind, b'1' | b'2' | b'3' | b'4' | b'5' | b'6');
    skip(input, if has_body { padded(size) } else { 0 });
    Ok(())
}

fn body(
    entry: Entry,
    size: u64,
    input: &mut dyn BufRead,
    members: &mut dyn Members,
) -> Result<(), Stop> {
    let mut body = Exact { inner: input, left: size };
    members.file(entry, &mut body)?;
    let Exact { inner, left } = body;
    skip(inner, left.saturating_add(padded(size) - size));
    Ok(())
}

fn sparse() -> Note {
    Note::new(
        "sparse_member",
        "stored with holes, which this version does not read; pack it again without --sparse",
    )
}

/// Old sparse members have their map in blocks of its own behind the header.
fn skip_sparse_map(block: &Block, input: &mut dyn BufRead) {
    let mut more = block.get(482).is_some_and(|b| *b != 0);
    while more {
        let mut map: Block = [0; TAR_BLOCK];
        more = matches!(fill(input, &mut map), Ok(TAR_BLOCK)) && map.get(504) != Some(&0);
    }
}

fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(TAR_BLOCK as u64).unwrap_or(size)
}

/// Reads until the block is full or the stream ends.
fn fill(input: &mut dyn BufRead, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
        match input.read(room)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Errors show up again at the next header.
fn skip(input: &mut dyn BufRead, mut count: u64) {
    while count > 0 {
        let Ok(bytes) = input.fill_buf() else { return };
        let step = bytes.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        if step == 0 {
            return;
        }
        input.consume(step);
        count -= step as u64;
    }
}

fn extension(size: u64, input: &mut dyn BufRead) -> Vec<u8> {
    let mut bytes = Vec::new();
    let taken = input.take(size.min(EXTENSION)).read_to_end(&mut bytes).unwrap_or(0) as u64;
    skip(input, padded(size).saturating_sub(taken));
    bytes
}

/// Records of the form `LENGTH KEY=VALUE\n`.
fn pax(mut records: &[u8], pending: &mut Pending) {
    while let Some((record, rest)) = pax_record(records) {
        records = rest;
        let mut halves = record.splitn(2, |b| *b == b'=');
        let (Some(key), Some(value)) = (halves.next(), halves.next()) else { continue };
        let text = || std::str::from_utf8(value).ok();
        match key {
            b"path" => pending.name = Some(value.to_vec()),
            b"size" => pending.size = text().and_then(|t| t.parse().ok()),
            b"mtime" => pending.mtime = text().and_then(decimal_time),
            key if key.starts_with(b"GNU.sparse.") => {
                pending.sparse = true;
                if key == b"GNU.sparse.name" {
                    pending.name = Some(value.to_vec());
                }
            }
            _ => {}
        }
    }
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().take(12).position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
    let record = records.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), records.get(length..)?))
}

/// Seconds since 1970 with a fraction.
fn decimal_time(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = Time::from_unix_seconds(whole.parse().ok()?)?;
    let digits: String = fraction.chars().take(9).collect();
    if digits.is_empty() || whole.starts_with('-') {
        return Some(seconds);
    }
    let nanos: i64 = format!("{digits:0<9}").parse().ok()?;
    let count = u8::try_from(digits.len()).ok()?;
    Some(Time::from_unix_nanos(seconds.unix_nanos().checked_add(nanos)?, count))
}

fn header_time(block: &Block) -> Option<Time> {
    Time::from_unix_seconds(i64::try_from(number(block.get(136..148)?)?).ok()?)
}

/// Octal, or binary where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first()? {
        (0x80, rest) => {
            rest.iter().try_fold(0_u64, |n, b| n.checked_mul(256)?.checked_add(u64::from(*b)))
        }
        (0xff, _) => None,
        _ => octal(field),
    }
}

fn header_name(block: &Block) -> Vec<u8> {
    let text = |from: usize, to: usize| {
        let field = block.get(from..to).unwrap_or_default();
        field.split(|b| *b == 0).next().unwrap_or_default()
    };
    // GNU's own magic ends in two blanks and puts times where POSIX has the prefix.
    let prefix = if block.get(257..263) == Some(b"ustar\0") { text(345, 500) } else { b"" };
    let mut name = prefix.to_vec();
    if !name.is_empty() {
        name.push(b'/');
    }
    name.extend_from_slice(text(0, 100));
    name
}
