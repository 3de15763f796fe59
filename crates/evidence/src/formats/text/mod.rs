//! What the text logs share: decoding, lines, header lines, blocks of rows, losses between them.
//!
//! A text goes through [`decode`] (to UTF-8), [`lines`] (chunks of whole lines, NUL bytes and overlong lines
//! taken out and counted), [`header`] (one header for each block) and [`block`] (the rows of a block, with
//! the times of the rows around each loss). A format adds how it is recognised and what a row means.

mod block;
mod csv;
mod decode;
mod header;
mod lines;
mod peek;
mod stamp;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use block::{
    CUT_SHORT, Counter, Fault, Losses, Row, Rows, TextBlock, decode_rows, is_blank,
};
pub(crate) use csv::cells;
pub(crate) use decode::{Decoder, Encoding};
pub(crate) use header::{Dialect, TextFramer};
pub(crate) use lines::{Chunk, Gap, LineSource, Piece};
pub(crate) use peek::Peek;
pub(crate) use stamp::{date, in_zone, number};

use super::{Identified, Probe, exchange, iis, setup, test_proxylogon};

/// Recognises the text formats by their content.
pub(crate) fn identify(probe: &Probe<'_>) -> Option<Identified> {
    let peek = Peek::of(probe)?;
    iis::identify(&peek)
        .or_else(|| exchange::identify(&peek))
        .or_else(|| test_proxylogon::identify(&peek))
        .or_else(|| setup::identify(&peek))
}
