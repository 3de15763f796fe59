//! What holds for every text log, whatever its bytes and however they are read.

use std::io::{self, Read};

use proptest::prelude::*;

use super::testing::{Kept, Reading, read};
use super::{Dialect, Encoding, LineSource, TextBlock, TextFramer};
use crate::formats::{Block, Context, Emit, Framer};

const HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\n\
                    #Fields: date time cs-method cs-uri-stem sc-status\n";

/// A row of the log above.
fn row(n: usize) -> String {
    format!("2021-03-07 {:02}:{:02}:{:02} GET /{n} 200\n", n / 3600 % 24, n / 60 % 60, n % 60)
}

#[test]
fn reads_every_encoding_alike() {
    let text = format!("{HEAD}{}{}", row(1), row(2)).replace("/1", "/größe");
    let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let marked = format!("\u{FEFF}{text}");
    let plain = read("a.log", text.as_bytes());
    assert_eq!(plain.events.len(), 2);
    for (bytes, shift) in [
        (marked.clone().into_bytes(), 3),
        (le(&text), 0),
        (be(&text), 0),
        (le(&marked), 0),
        (be(&marked), 0),
        (text.replace('\n', "\r\n").into_bytes(), 2),
    ] {
        let kept = read("a.log", &bytes);
        assert!(kept.losses.is_empty() && kept.issues.is_empty(), "{kept:?}");
        for (seen, expected) in kept.events.iter().zip(&plain.events) {
            assert_eq!((&seen.fields, &seen.raw), (&expected.fields, &expected.raw));
        }
        assert_eq!(kept.events[0].offset.unwrap(), plain.events[0].offset.unwrap() + shift);
    }
}

/// `head`, then `middle` a number of times, then `tail`, without holding it.
struct Endless {
    head: io::Cursor<Vec<u8>>,
    middle: u64,
    tail: io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.head.read(out)?;
        if n > 0 {
            return Ok(n);
        }
        if self.middle == 0 {
            return self.tail.read(out);
        }
        let n = out.len().min(usize::try_from(self.middle).unwrap_or(usize::MAX));
        out[..n].fill(b'a');
        self.middle -= n as u64;
        Ok(n)
    }
}

#[test]
fn passes_over_a_line_of_a_gigabyte_in_little_memory() {
    let stream = Endless {
        head: io::Cursor::new(format!("{HEAD}{}", row(1)).into_bytes()),
        middle: 1 << 30,
        tail: io::Cursor::new(format!("\n{}", row(9)).into_bytes()),
    };
    let source = LineSource::new(Encoding::Utf8 { bom: 0 }, 4 << 20);
    let mut probe = Watched { inner: TextFramer::new(source, BLOCKS), largest: 0 };
    let mut input = io::BufReader::with_capacity(64 << 10, stream);
    let mut kept = Kept::default();
    let mut lines = 0;
    while let Some(block) = probe.next(&mut input, &mut kept) {
        lines += block;
    }
    assert_eq!(lines, 2);
    assert!(probe.largest < 8 << 20, "{}", probe.largest);
}

const BLOCKS: Dialect = Dialect {
    names_columns: |_| false,
    needs_date: |_| false,
    block: |block| Box::new(Lines(block)),
};

struct Lines(TextBlock);

impl Block for Lines {
    fn decode(&self, _context: &Context<'_>, emit: &mut dyn Emit) {
        let spans = &self.0.spans;
        let lines = spans.iter().flat_map(|span| self.0.chunk.lines(*span)).count() as u64;
        emit.issue("lines", lines, "");
        emit.issue("capacity", self.0.chunk.bytes.capacity() as u64, "");
    }
}

struct Watched {
    inner: TextFramer,
    largest: u64,
}

impl Watched {
    fn next(&mut self, input: &mut dyn io::BufRead, kept: &mut Kept) -> Option<u64> {
        let block = self.inner.next_block(input, kept).unwrap()?;
        let reading = Reading::default();
        let mut seen = reading.decode(&*block);
        self.largest = self.largest.max(seen.count("capacity"));
        seen.issues.retain(|(code, _)| *code == "lines");
        Some(seen.count("lines"))
    }
}

#[test]
fn counts_a_long_line_between_its_neighbours() {
    let text = format!("{HEAD}{}{}\n{}", row(1), "x".repeat(5000), row(3));
    let reading = Reading { logical: "a.log", max_record: 1000, ..Reading::default() };
    let kept = reading.read(text.as_bytes(), super::identify).unwrap();
    let [loss] = &kept.losses[..] else { panic!("{kept:?}") };
    assert_eq!((loss.code, loss.records, loss.at_end), ("line_too_long", 1, false));
    assert_eq!(loss.after.unwrap().to_string(), "2021-03-07T00:00:01Z");
    assert_eq!(loss.before.unwrap().to_string(), "2021-03-07T00:00:03Z");
}

#[test]
fn hands_an_error_of_the_stream_on_after_the_rows_before_it() {
    struct Broken(io::Cursor<Vec<u8>>);
    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(io::Error::other("cut archive")),
                n => Ok(n),
            }
        }
    }
    let text = format!("{HEAD}{}{}2021-03-07 00:", row(1), row(2));
    let found = super::identify(&crate::formats::Probe {
        prefix: text.as_bytes(),
        logical: "a.log",
        max_record: 1 << 20,
    });
    let stream = Broken(io::Cursor::new(text.into_bytes()));
    let kept = Reading::default().drive(found.unwrap().framer, stream);
    assert_eq!((kept.events.len(), kept.error.as_deref()), (2, Some("cut archive")));
    assert_eq!(kept.loss_codes(), ["row_cut_short:1"]);
    assert!(kept.losses[0].at_end);
}

/// Pieces of which hostile logs are made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (1_usize..90_000).prop_map(|n| row(n).into_bytes()),
        2 => Just(b"2021-03-07 00:00".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        2 => (1_usize..300).prop_map(|n| vec![0; n]),
        1 => (300_usize..900).prop_map(|n| vec![b'z'; n]),
        1 => Just(HEAD.as_bytes().to_vec()),
        1 => Just(b"#Fields: time sc-status cs-method cs-uri-stem date\n".to_vec()),
        1 => Just(b"\n#Fields: date ti".to_vec()),
        1 => Just(b"\nDateTime,RequestId,MajorVersion\n".to_vec()),
        3 => (10_usize..60).prop_map(|n| format!("2021-03-07T00:00:{n}.1Z,r,15\n").into_bytes()),
        1 => Just(b"\"x\n,\"\"\n".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 1..40),
    ]
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..60)
        .prop_map(|pieces| [HEAD.as_bytes(), &pieces.concat()].concat())
}

/// Rows that are there: pieces between newlines and NUL bytes that say something and are no header line.
fn rows_of(bytes: &[u8], plain_names: bool) -> u64 {
    let header = |line: &[u8]| {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        line.starts_with(b"#") || (plain_names && line.starts_with(b"DateTime,"))
    };
    let lines = bytes
        .split(|b| matches!(b, b'\n' | 0))
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !super::is_blank(line) && !header(line)).count() as u64
}

fn read_with(bytes: &[u8], chunk: usize, buffer: usize) -> Kept {
    read_as(false, bytes, chunk, buffer)
}

fn read_as(exchange: bool, bytes: &[u8], chunk: usize, buffer: usize) -> Kept {
    let source = LineSource::with_chunk(Encoding::Utf8 { bom: 0 }, 256, chunk);
    let framer = if exchange {
        crate::formats::exchange::framer(source)
    } else {
        crate::formats::iis::framer(source)
    };
    Reading { buffer, ..Reading::default() }.drive(Box::new(framer), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every row is emitted or counted as lost, and cuts change no event.
    #[test]
    fn accounts_for_every_row_at_any_block_size(
        bytes in log(),
        exchange: bool,
        chunk in 1_usize..300,
    ) {
        let whole = read_as(exchange, &bytes, 256, 8192);
        let mut expected = rows_of(&bytes, exchange);
        // A header line beyond the limit is lost as a line, though it is no row.
        expected += bytes
            .split(|b| matches!(b, b'\n' | 0))
            .filter(|line| line.len() > 256 && line.starts_with(b"#"))
            .count() as u64;
        prop_assert_eq!(whole.events.len() as u64 + whole.lost(), expected);
        let cut = read_as(exchange, &bytes, chunk, 8192);
        prop_assert_eq!(&cut.events, &whole.events);
        prop_assert_eq!(cut.lost(), whole.lost());
    }

    /// Chunks depend on the text, not on how it arrives.
    #[test]
    fn does_not_depend_on_the_buffer(bytes in log(), chunk in 1_usize..300, buffer in 1_usize..500) {
        let one = read_with(&bytes, chunk, 8192);
        let other = read_with(&bytes, chunk, buffer);
        prop_assert_eq!(&other.events, &one.events);
        let told = |kept: &Kept| format!("{:?} {:?}", kept.losses, kept.issues);
        prop_assert_eq!(told(&other), told(&one));
    }

    /// No bytes end a run, in any format.
    #[test]
    fn survives_any_bytes(bytes in log(), format in 0_usize..5, cut in 0_usize..200) {
        let head = [
            HEAD,
            "#Software: Microsoft Exchange Server\n#Log-type: ECP Server Log\n#Fields: TimeStamp,ServerName,EventId,EventData\n",
            "\"DateTime\",\"AnchorMailbox\"\n",
            "[01/08/2021 23:17:50.0872] [0] Starting Microsoft Exchange Server 2016 Setup\n",
            "DateTime,RequestId,MajorVersion\n",
        ][format];
        let text = [head.as_bytes(), &bytes[bytes.len().min(cut)..]].concat();
        let reading = Reading { max_record: 500, ..Reading::default() };
        let _ = reading.read(&text, super::identify);
        let utf16: Vec<u8> = String::from_utf8_lossy(&text).encode_utf16().flat_map(u16::to_be_bytes).collect();
        let _ = reading.read(&utf16, super::identify);
    }
}
