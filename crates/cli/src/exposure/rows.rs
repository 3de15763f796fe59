//! A list as an outside scan gives it, row by row: any encoding, any separator, and no row that ends the run.
//!
//! A row is bounded in bytes and lines. A quote that is never closed costs its own line and no other.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// Bytes of one line and of one row.
const MAX_BYTES: usize = 64 << 10;
/// Lines over which the cells of one row may run.
const MAX_LINES: usize = 16;
/// Separators, the most usual first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much is looked at to tell an encoding without mark.
const SNIFFED: usize = 512;

/// A row, or what is left of one.
pub(super) struct Row {
    /// Line of the file on which it begins, from 1.
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
    /// Why it is not whole.
    pub(super) damage: Option<&'static str>,
}

pub(super) struct Rows<'r> {
    input: Box<dyn BufRead + 'r>,
    separator: u8,
    line: u64,
    /// Lines that were read ahead for a quote that was not closed.
    ahead: VecDeque<Line>,
}

#[derive(Clone)]
struct Line {
    bytes: Vec<u8>,
    cut: bool,
}

impl<'r> Rows<'r> {
    /// Reads the heading.
    pub(super) fn open(input: impl Read + 'r) -> io::Result<(Self, Vec<String>)> {
        let input: Box<dyn BufRead + 'r> = Box::new(BufReader::new(decoded(input)?));
        let mut rows = Self { input, separator: b',', line: 0, ahead: VecDeque::new() };
        while let Some(line) = rows.next_line()? {
            match line.bytes.as_slice() {
                [] => {}
                // What a spreadsheet writes to say which separator follows.
                [b's', b'e', b'p', b'=', separator] => rows.separator = *separator,
                heading => {
                    rows.separator = separator(heading).unwrap_or(rows.separator);
                    rows.line -= 1;
                    rows.ahead.push_front(line);
                    break;
                }
            }
        }
        let heading = rows.next_row()?.map(|row| row.cells).unwrap_or_default();
        Ok((rows, heading))
    }

    /// The next row that is not empty.
    pub(super) fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            let Some(first) = self.next_line()? else { return Ok(None) };
            if first.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = self.line;
            let cut = first.cut;
            let (bytes, closed) = if cut { (first.bytes, true) } else { self.until_closed(first)? };
            let damage = match (cut, closed) {
                (true, _) => Some("the line is too long and was cut"),
                (false, false) => Some("a quote is never closed"),
                (false, true) => None,
            };
            return Ok(Some(Row { line, cells: self.cells(&bytes), damage }));
        }
    }

    /// Adds lines until each quote has its second; without success only the first line is taken.
    fn until_closed(&mut self, first: Line) -> io::Result<(Vec<u8>, bool)> {
        let mut bytes = first.bytes.clone();
        let mut taken = Vec::new();
        while !balanced(&bytes) {
            let more = if taken.len() + 1 < MAX_LINES { self.next_line()? } else { None };
            let Some(more) = more else { break };
            bytes.push(b'\n');
            bytes.extend(&more.bytes);
            let too_long = more.cut || bytes.len() > MAX_BYTES;
            taken.push(more);
            if too_long {
                break;
            }
        }
        if balanced(&bytes) && bytes.len() <= MAX_BYTES {
            return Ok((bytes, true));
        }
        self.line -= taken.len() as u64;
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        Ok((first.bytes, false))
    }

    fn cells(&self, bytes: &[u8]) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        // Reading from memory fails only where there is no row.
        let _ = reader.read_byte_record(&mut record);
        record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let line = match self.ahead.pop_front() {
            Some(line) => Some(line),
            None => read_line(&mut *self.input)?,
        };
        self.line += u64::from(line.is_some());
        Ok(line)
    }
}

/// One line without its end; what is beyond the limit is read and dropped.
fn read_line(input: &mut dyn BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64;
    if (&mut *input).take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let whole = bytes.ends_with(b"\n");
    let cut = !whole && bytes.len() >= MAX_BYTES && skip_line(input)?;
    while bytes.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(Line { bytes, cut }))
}

/// Drops the rest of a line; says whether there was any.
fn skip_line(input: &mut dyn BufRead) -> io::Result<bool> {
    let mut dropped = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(dropped);
        }
        dropped = true;
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

fn balanced(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |open, byte| open ^ (*byte == b'"'))
}

/// The separator that a heading has most of, outside of quotes.
fn separator(heading: &[u8]) -> Option<u8> {
    let mut quoted = false;
    let mut counts = [0_usize; SEPARATORS.len()];
    for byte in heading {
        quoted ^= *byte == b'"';
        let known = SEPARATORS.iter().zip(&mut counts).find(|(separator, _)| *separator == byte);
        if let (false, Some((_, count))) = (quoted, known) {
            *count += 1;
        }
    }
    let most = SEPARATORS.iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| *count > 0).map(|(separator, _)| *separator)
}

/// The input in UTF-8: by its mark, else by where its zero bytes stand.
fn decoded<'r>(mut input: impl Read + 'r) -> io::Result<impl Read + 'r> {
    let mut head = Vec::new();
    (&mut input).take(SNIFFED as u64).read_to_end(&mut head)?;
    let zeros = |at: usize| head.iter().skip(at).step_by(2).filter(|b| **b == 0).count();
    // Latin text has one in each pair; a stray one in a byte encoding means nothing.
    let many = head.len() / 4;
    let encoding = match (zeros(0), zeros(1)) {
        (_, odd) if odd > many => Some(UTF_16LE),
        (even, _) if even > many => Some(UTF_16BE),
        _ => None,
    };
    let mut builder = DecodeReaderBytesBuilder::new();
    Ok(builder.encoding(encoding).strip_bom(true).build(io::Cursor::new(head).chain(input)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its line, its cells, and whether it is whole.
    type Read = (u64, Vec<String>, bool);

    fn read(bytes: &[u8]) -> (Vec<String>, Vec<Read>) {
        let (mut rows, heading) = Rows::open(bytes).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            all.push((row.line, row.cells, row.damage.is_none()));
        }
        (heading, all)
    }

    fn row(line: u64, cells: &[&str], whole: bool) -> Read {
        (line, cells.iter().map(|c| (*c).to_owned()).collect(), whole)
    }

    #[test]
    fn separators_and_encodings_are_told_by_content() {
        let expected =
            (vec!["host".to_owned(), "build".to_owned()], vec![row(2, &["ä", "1.2.3.4"], true)]);
        for separator in [",", ";", "\t", "|"] {
            let text = format!("host{separator}build\r\nä{separator}1.2.3.4\r\n");
            assert_eq!(read(text.as_bytes()), expected);
            assert_eq!(read(format!("\u{feff}{text}").as_bytes()), expected);
            for mark in ["", "\u{feff}"] {
                let units = || format!("{mark}{text}").encode_utf16().collect::<Vec<_>>();
                let little: Vec<u8> = units().iter().flat_map(|u| u.to_le_bytes()).collect();
                let big: Vec<u8> = units().iter().flat_map(|u| u.to_be_bytes()).collect();
                assert_eq!(read(&little), expected, "little {mark:?}");
                assert_eq!(read(&big), expected, "big {mark:?}");
            }
        }
        let (heading, rows) = read(b"sep=;\nhost;a,b,c,d\nx;y\n");
        assert_eq!((heading.len(), rows), (4, vec![row(3, &["x;y"], true)]), "the heading decides");
        assert_eq!(read(b"build\n1.2.3.4\n").1, [row(2, &["1.2.3.4"], true)]);
        assert_eq!(read(b""), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_damaged_row_costs_no_other() {
        let (_, rows) = read(b"host,build\n\"a\nb\",1\n\n\"open,2\nnext,3\n");
        assert_eq!(rows[0], row(2, &["a\nb", "1"], true));
        assert_eq!((rows[1].0, rows[1].2), (5, false));
        assert_eq!(rows[2], row(6, &["next", "3"], true));
        let long = format!("host,build\n{},1\nnext,2\n", "a".repeat(200_000));
        let (_, rows) = read(long.as_bytes());
        assert_eq!((rows[0].2, rows[0].1[0].len()), (false, MAX_BYTES));
        assert_eq!(rows[1], row(3, &["next", "2"], true));
    }

    #[test]
    fn a_stray_zero_changes_no_encoding() {
        let (heading, rows) = read(b"host,build\na\0b,1.2.3.4\n");
        assert_eq!((heading.len(), rows.len()), (2, 1));
    }

    #[test]
    fn every_damaged_copy_is_read_to_its_end() {
        let whole = b"host;build;note\n\"a\";1.2.3.4;\"x\ny\"\n;;\nb;5.6.7.8;\"\"\n";
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..2_000 {
            let mut bytes = whole.to_vec();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                bytes[at] = [b'"', b'\n', b';', 0, 0xff, b'\r'][next(6)];
            }
            bytes.truncate(1 + next(bytes.len()));
            let lines = bytes.split(|b| *b == b'\n').count() as u64;
            let (_, rows) = read(&bytes);
            assert!(rows.iter().all(|row| row.0 <= lines), "{bytes:?}");
            assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "{bytes:?}");
        }
    }
}
