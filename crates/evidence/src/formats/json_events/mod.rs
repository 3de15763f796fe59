//! Windows events that a tool exported as JSON: values on lines, one behind the other or in one array.

pub(crate) mod dom;
mod framer;
pub(crate) mod holes;
pub(crate) mod record;
pub(crate) mod shapes;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use model::{Integrity, Locator, Time};

use super::{Block, Context, Emit, Identified, Probe};
use framer::{JsonFramer, Piece};
use holes::Holes;
use record::{Place, time_of};

const DAMAGED: &str = "JSON that is broken, cut short or beyond the limits was passed over; \
    reading went on with the next value";
const TOO_LONG: &str = "values longer than the limit of one record were passed over";
const FOREIGN: &str = "JSON values that are no Windows events were passed over";
/// Values at the beginning of a file among which one must be an event.
const PROBED: usize = 3;

/// A file whose first values are Windows events.
pub(crate) fn identify(probe: &Probe<'_>) -> Option<Identified> {
    let text = match framer::utf16(probe.prefix) {
        Some(encoding) => {
            let text = encoding.decode_with_bom_removal(probe.prefix).0;
            Cow::Owned(text.into_owned().into_bytes())
        }
        None => Cow::Borrowed(probe.prefix),
    };
    starts_with_events(&text).then(|| Identified {
        kind: "json-events",
        framer: Box::new(JsonFramer::new(probe.max_record)),
    })
}

fn starts_with_events(text: &[u8]) -> bool {
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for _ in 0..PROBED {
        let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'[' | b',' | 0x1e);
        let start = rest.iter().position(|b| !blank(b)).unwrap_or(rest.len());
        rest = rest.get(start..).unwrap_or_default();
        if rest.first() != Some(&b'{') {
            return false;
        }
        let Some((node, taken)) = dom::parse_prefix(rest) else { return false };
        if shapes::is_event(&node) {
            return true;
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    false
}

/// One record as indented JSON for a reader; control characters are escaped.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "called once `assay show` is wired to the formats")
)]
pub(crate) fn render(record: &[u8]) -> Option<String> {
    Some(dom::pretty(&dom::parse(record).ok()?.0))
}

/// Whole values, and the places of those that are missing.
struct JsonBlock {
    text: Vec<u8>,
    /// Offset of `text` in the file's text.
    base: u64,
    pieces: Vec<Piece>,
    at_end: bool,
}

impl Block for JsonBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let mut holes = Holes::default();
        let mut foreign = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Lost { code: code @ "record_too_long", records } => {
                    holes.lost(code, *records, TOO_LONG);
                }
                Piece::Lost { code, records } => holes.lost(code, *records, DAMAGED),
                Piece::Value(range) => match self.value(range, context, emit, &mut holes) {
                    Outcome::Event => {}
                    Outcome::Damaged => holes.lost("json_damaged", 1, DAMAGED),
                    Outcome::Foreign => foreign += 1,
                },
            }
        }
        holes.end(self.at_end, emit);
        if foreign > 0 {
            emit.issue("not_an_event", foreign, FOREIGN);
        }
    }
}

enum Outcome {
    Event,
    Damaged,
    Foreign,
}

impl JsonBlock {
    fn value(
        &self,
        range: &Range<usize>,
        context: &Context<'_>,
        emit: &mut dyn Emit,
        holes: &mut Holes,
    ) -> Outcome {
        let raw = self.text.get(range.clone()).unwrap_or_default();
        let Ok((node, _)) = dom::parse(raw) else { return Outcome::Damaged };
        let Some(record) = shapes::record(node, &|_| false) else { return Outcome::Foreign };
        let locator = Locator {
            offset: Some(self.base + range.start as u64),
            length: Some(raw.len() as u64),
            record: None,
        };
        let time = time_of(record.raw_time.as_deref().unwrap_or_default(), context.zone);
        let place = Place { locator, integrity: Integrity::Whole, raw };
        let event = record.into_event(context, place, time);
        let moment: Option<Time> = event.time;
        holes.whole(moment, emit);
        emit.event(&event);
        Outcome::Event
    }
}
