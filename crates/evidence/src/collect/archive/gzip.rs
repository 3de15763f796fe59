//! A gzip stream: one member or several, one behind the other.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Inflates all members of a stream.
pub(crate) struct Gunzip<'f, R> {
    member: Option<GzDecoder<R>>,
    trailing: &'f Cell<bool>,
}

impl<'f, R: BufRead> Gunzip<'f, R> {
    /// `trailing` is set where something that is no gzip member follows the last one.
    pub(crate) fn new(input: R, trailing: &'f Cell<bool>) -> Self {
        Self { member: Some(GzDecoder::new(input)), trailing }
    }

    /// Goes to the next member, or ends.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(done) = self.member.take() else { return Ok(()) };
        let mut input = done.into_inner();
        let rest = input.fill_buf()?;
        if rest.starts_with(&[0x1f, 0x8b]) || rest == [0x1f] {
            self.member = Some(GzDecoder::new(input));
        } else {
            self.trailing.set(!rest.is_empty());
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}
