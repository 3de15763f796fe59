//! The encoding of a text, found by its beginning, and its way to UTF-8.

use std::io::{self, BufRead, ErrorKind};

use encoding_rs::{UTF_16BE, UTF_16LE};

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";
/// Bytes in which the pattern of UTF-16 without a mark is looked for.
const SAMPLE: usize = 4 << 10;
/// Bytes of UTF-8 that one step of decoding may give.
const STEP: usize = 32 << 10;
/// How often an interrupted read is tried again before it counts as an error.
const RETRIES: u32 = 16;

/// How a text is encoded. Bytes of `Utf8` need not be valid: that is found row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8, or any encoding that keeps ASCII; `bom` is the length of its mark.
    Utf8 { bom: usize },
    /// UTF-16, least significant byte first.
    Utf16Le { bom: usize },
    /// UTF-16, most significant byte first.
    Utf16Be { bom: usize },
}

impl Encoding {
    /// By the byte order mark, else by where the zero bytes of Latin letters stand.
    pub(crate) fn of(prefix: &[u8]) -> Self {
        if prefix.starts_with(UTF8_BOM) {
            return Self::Utf8 { bom: 3 };
        }
        if prefix.starts_with(b"\xFF\xFE") {
            return Self::Utf16Le { bom: 2 };
        }
        if prefix.starts_with(b"\xFE\xFF") {
            return Self::Utf16Be { bom: 2 };
        }
        let (mut pairs, mut first, mut second) = (0_usize, 0_usize, 0_usize);
        for pair in prefix.get(..prefix.len().min(SAMPLE)).unwrap_or_default().chunks_exact(2) {
            pairs += 1;
            first += usize::from(matches!(pair, [0, b] if *b != 0));
            second += usize::from(matches!(pair, [b, 0] if *b != 0));
        }
        let most = |n: usize| pairs >= 4 && n * 10 >= pairs * 7;
        match (most(first), most(second)) {
            (false, true) => Self::Utf16Le { bom: 0 },
            (true, false) => Self::Utf16Be { bom: 0 },
            _ => Self::Utf8 { bom: 0 },
        }
    }

    fn bom(self) -> usize {
        match self {
            Self::Utf8 { bom } | Self::Utf16Le { bom } | Self::Utf16Be { bom } => bom,
        }
    }

    /// The beginning of a text as far as it can be read; for a look, not for evidence.
    pub(crate) fn peek(self, prefix: &[u8]) -> String {
        let body = prefix.get(self.bom()..).unwrap_or_default();
        match self {
            Self::Utf8 { .. } => String::from_utf8_lossy(body).into_owned(),
            Self::Utf16Le { .. } => UTF_16LE.decode_without_bom_handling(body).0.into_owned(),
            Self::Utf16Be { .. } => UTF_16BE.decode_without_bom_handling(body).0.into_owned(),
        }
    }
}

/// Gives the text of a stream as UTF-8, piece by piece; invalid UTF-8 passes through unchanged.
pub(crate) struct Decoder {
    /// Bytes of the mark still to be passed over.
    mark: usize,
    utf16: Option<Utf16>,
}

struct Utf16 {
    decoder: encoding_rs::Decoder,
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding) -> Self {
        let utf16 = match encoding {
            Encoding::Utf8 { .. } => None,
            Encoding::Utf16Le { .. } => Some(UTF_16LE),
            Encoding::Utf16Be { .. } => Some(UTF_16BE),
        };
        Self {
            mark: encoding.bom(),
            utf16: utf16.map(|encoding| Utf16 {
                decoder: encoding.new_decoder_without_bom_handling(),
                ready: Vec::new(),
                at: 0,
                ended: false,
            }),
        }
    }

    /// Offset of the first byte of text: offsets of UTF-8 count its mark, those of UTF-16 count decoded text.
    pub(crate) fn first_offset(&self) -> u64 {
        if self.utf16.is_some() { 0 } else { self.mark as u64 }
    }

    /// The next piece of text; empty at the end.
    pub(crate) fn fill<'a>(&'a mut self, input: &'a mut dyn BufRead) -> io::Result<&'a [u8]> {
        while self.mark > 0 {
            let here = fill_some(input)?.len();
            if here == 0 {
                break;
            }
            let step = here.min(self.mark);
            input.consume(step);
            self.mark -= step;
        }
        match &mut self.utf16 {
            None => fill_some(input),
            Some(utf16) => utf16.fill(input),
        }
    }

    /// Marks `bytes` of the piece that `fill` gave as used.
    pub(crate) fn consume(&mut self, input: &mut dyn BufRead, bytes: usize) {
        match &mut self.utf16 {
            None => input.consume(bytes),
            Some(utf16) => utf16.at += bytes,
        }
    }
}

impl Utf16 {
    fn fill(&mut self, input: &mut dyn BufRead) -> io::Result<&[u8]> {
        while self.at >= self.ready.len() && !self.ended {
            let raw = fill_some(input)?;
            let last = raw.is_empty();
            self.ready.resize(STEP, 0);
            self.at = 0;
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(raw, &mut self.ready, last);
            self.ready.truncate(written);
            self.ended = last && result == encoding_rs::CoderResult::InputEmpty;
            input.consume(read);
        }
        Ok(self.ready.get(self.at..).unwrap_or_default())
    }
}

fn fill_some(input: &mut dyn BufRead) -> io::Result<&[u8]> {
    for _ in 0..RETRIES {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    input.fill_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_encodings_apart() {
        let text = "#Software: Microsoft Exchange Server\r\n#Größe: 1\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (text.as_bytes().to_vec(), Encoding::Utf8 { bom: 0 }),
            ([UTF8_BOM, text.as_bytes()].concat(), Encoding::Utf8 { bom: 3 }),
            (le.clone(), Encoding::Utf16Le { bom: 0 }),
            (be.clone(), Encoding::Utf16Be { bom: 0 }),
            ([b"\xFF\xFE".as_slice(), &le].concat(), Encoding::Utf16Le { bom: 2 }),
            ([b"\xFE\xFF".as_slice(), &be].concat(), Encoding::Utf16Be { bom: 2 }),
        ] {
            let found = Encoding::of(&bytes);
            assert_eq!(found, expected);
            assert_eq!(found.peek(&bytes), text, "{found:?}");
        }
        assert_eq!(Encoding::of(&[0; 4096]), Encoding::Utf8 { bom: 0 });
        assert_eq!(Encoding::of(b""), Encoding::Utf8 { bom: 0 });
    }
}
