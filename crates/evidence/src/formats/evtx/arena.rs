//! Memory for the texts of one record: they are decoded straight into it, and the event borrows them.

use std::fmt;
use std::mem;

/// Bytes of the texts of one record; more is refused. A record of 64 KiB that is all one binary value, twice
/// used, has as many.
pub(super) const MOST: usize = 256 << 10;

/// Gives out texts that live as long as the memory does. What is written grows one text, which
/// [`Arena::finish`] gives out.
pub(super) struct Arena<'a> {
    rest: &'a mut [u8],
    written: usize,
}

impl<'a> Arena<'a> {
    pub(super) fn new(memory: &'a mut [u8]) -> Self {
        Self { rest: memory, written: 0 }
    }

    /// Bytes left.
    pub(super) fn room(&self) -> usize {
        self.rest.len()
    }

    /// The text that was written since the last one.
    pub(super) fn finish(&mut self) -> Option<&'a str> {
        let (text, rest) =
            mem::take(&mut self.rest).split_at_mut_checked(mem::take(&mut self.written))?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    /// Bytes of the text that is being written.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Forgets what was written since the last text.
    pub(super) fn discard(&mut self) {
        self.written = 0;
    }

    fn space(&mut self, most: usize) -> Option<&mut [u8]> {
        self.rest.get_mut(self.written..)?.get_mut(..most)
    }

    /// Adds text.
    pub(super) fn push(&mut self, text: &str) -> Option<()> {
        self.space(text.len())?.copy_from_slice(text.as_bytes());
        self.written += text.len();
        Some(())
    }

    /// Adds bytes as pairs of digits.
    pub(super) fn push_hex(&mut self, bytes: &[u8], digits: &[u8; 16]) -> Option<()> {
        let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or(b'?');
        let space = self.space(bytes.len() * 2)?;
        for (pair, byte) in space.as_chunks_mut().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        self.written += bytes.len() * 2;
        Some(())
    }

    /// Adds UTF-16 text up to its first NUL; half of a pair of surrogates becomes U+FFFD.
    pub(super) fn push_utf16(&mut self, bytes: &[u8]) -> Option<()> {
        let mut units = bytes.as_chunks::<2>().0;
        let (mut bits, mut has_nul) = (0_u16, false);
        for unit in units {
            bits |= u16::from_le_bytes(*unit);
            has_nul |= *unit == [0, 0];
        }
        if has_nul {
            let end = units.iter().position(|unit| *unit == [0, 0])?;
            units = units.get(..end)?;
        }
        if bits < 0x80 {
            let space = self.space(units.len())?;
            for (byte, [low, _]) in space.iter_mut().zip(units) {
                *byte = *low;
            }
            self.written += units.len();
            return Some(());
        }
        for character in char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.push(character.encode_utf8(&mut [0; 4]))?;
        }
        Some(())
    }
}

impl fmt::Write for Arena<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text).ok_or(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn texts_stand_side_by_side_and_what_has_no_room_is_refused() {
        let mut memory = [0; 16];
        let mut arena = Arena::new(&mut memory);
        arena.push_utf16(&units("plain")).unwrap();
        let plain = arena.finish().unwrap();
        arena.push("dropped").unwrap();
        arena.discard();
        arena.push_utf16(&units("é\u{1f600}")).unwrap();
        arena.push_utf16(&units("x\0behind")).unwrap();
        arena.push_hex(&[0xa, 0xff], b"0123456789ABCDEF").unwrap();
        let odd = arena.finish().unwrap();
        assert_eq!((plain, odd), ("plain", "é\u{1f600}x0AFF"));
        assert_eq!((arena.room(), arena.push("x")), (0, None));
        assert_eq!(arena.finish(), Some(""));
    }

    #[test]
    fn a_broken_pair_is_replaced() {
        let mut memory = [0; 16];
        let mut arena = Arena::new(&mut memory);
        arena.push_utf16(&[0x3d, 0xd8, b'a', 0, 7]).unwrap();
        assert_eq!(arena.finish(), Some("\u{fffd}a"));
    }
}
