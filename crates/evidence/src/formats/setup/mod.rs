//! `exchange-setup`: `ExchangeSetup.log`, the story of each run of Exchange's Setup program.
//!
//! Lines are `[MM/DD/YYYY HH:MM:SS.0mmm] [level] text` in local time: the last three digits are
//! milliseconds. Events are made of the lines that tell when which version was set up and how that ended;
//! all other lines, and the traces under them, are read and make none.
//!
//! **Zone.** A run states its zone (`Local time zone: (UTC-06:00) ...`) a few lines below its beginning. The
//! framer holds the lines of a run back until then, so that the offset counts for all of the run, the lines
//! above the statement included; it ends with the run. Setup prints the offset without summer time, so times
//! under it (`declared`) may be an hour late in summer; the field `ZoneBasis` says `stated_standard_offset`.
//! Without a statement `--zone` gives the zone (`option`), else times are taken as UTC (`assumed`, `none`).

mod facts;
mod run;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, BufRead};

use jiff::civil;
use model::{Event, Fields, Integrity, Locator, Time, TimeBasis};

use self::facts::facts_of;
use self::run::{Held, Run};
use super::text::{LineSource, Losses, Peek, Piece, date, in_zone, number};
use super::{Block, Context, Emit, Framer, Identified};

const KIND: &str = "exchange-setup";
const OMITTED: &str = "error lines beyond the first 100 of a run of Setup, read and not shown";

/// Recognises the log by the shape of its lines and what they speak of.
pub(crate) fn identify(peek: &Peek<'_>) -> Option<Identified> {
    let shaped = peek.lines().take(8).any(|line| split_line(line).is_some());
    let setup = peek.lines().any(|line| {
        split_line(line)
            .is_some_and(|(_, text)| text.starts_with("Starting Microsoft Exchange Server"))
    });
    (shaped && (setup || peek.name().starts_with("exchangesetup"))).then(|| {
        let source = peek.source();
        Identified { kind: KIND, framer: Box::new(SetupFramer { source, run: Run::default() }) }
    })
}

/// The time and the text of a line.
fn split_line(line: &str) -> Option<(&str, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] [")?;
    let (level, text) = rest.split_once(']')?;
    (time.len() == 24 && number(level).is_some() && civil_of(time).is_some())
        .then(|| (time, text.trim()))
}

/// The local time of a line. The four digits of the fraction are milliseconds with a zero before them.
fn civil_of(time: &str) -> Option<civil::DateTime> {
    let part = |from: usize, to: usize| time.get(from..to).and_then(number);
    let day = date(part(6, 10)?, part(0, 2)?, part(3, 5)?)?;
    let small = |n: i32| i8::try_from(n).ok();
    let nanos = part(20, 24)?.checked_mul(1_000_000)?;
    let (hour, minute) = (small(part(11, 13)?)?, small(part(14, 16)?)?);
    Some(day.to_datetime(civil::Time::new(hour, minute, small(part(17, 19)?)?, nanos).ok()?))
}

struct SetupFramer {
    source: LineSource,
    run: Run,
}

impl Framer for SetupFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        loop {
            if let Some(block) = self.run.take_block() {
                return Ok(Some(Box::new(block)));
            }
            let Some(chunk) = self.source.next_chunk(input)? else {
                return Ok(None);
            };
            for piece in chunk.pieces(&chunk.spans) {
                match piece {
                    Piece::Gap(gap) => self.run.gap(gap),
                    Piece::Line(line) => self.run.line(line.bytes, line.offset),
                }
            }
            if chunk.at_end {
                self.run.end();
            }
            let omitted = self.run.take_omitted();
            if omitted > 0 {
                emit.issue("setup_errors_omitted", omitted, OMITTED);
            }
        }
    }
}

/// Lines of one run, under one zone.
#[derive(Debug)]
struct SetupBlock {
    held: Vec<Held>,
    /// Seconds east of UTC, if stated.
    offset: Option<i64>,
    at_end: bool,
}

impl Block for SetupBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let mut losses = Losses::new(None);
        for held in &self.held {
            match held {
                Held::Gap(gap) => losses.gap(*gap),
                Held::Line(line) => {
                    let text = String::from_utf8_lossy(&line.bytes);
                    if let Some((time, message)) = split_line(&text) {
                        let stamp = self.stamp(time, context);
                        emit.event(&self.event(line, time, message, stamp, context));
                        losses.settle(stamp.0, emit);
                    }
                }
            }
        }
        losses.finish(self.at_end, emit);
    }
}

type Stamp = (Option<Time>, TimeBasis);

impl SetupBlock {
    fn stamp(&self, time: &str, context: &Context<'_>) -> Stamp {
        let Some(at) = civil_of(time) else { return (None, TimeBasis::Assumed) };
        match self.offset {
            Some(offset) => {
                let time = Time::from_civil_utc(at, 3).and_then(|time| time.plus_seconds(-offset));
                (time, TimeBasis::Declared)
            }
            None => in_zone(at, 3, context.zone),
        }
    }

    fn event<'r>(
        &self,
        line: &'r run::HeldLine,
        raw_time: &'r str,
        message: &'r str,
        (time, time_basis): Stamp,
        context: &Context<'_>,
    ) -> Event<'r> {
        let mut fields = Fields::default();
        fields.push("Message", message);
        for (name, value) in facts_of(message) {
            fields.push(name, value);
        }
        // The line that says so does not name what succeeded.
        for (name, value) in &line.run_facts {
            fields.push(*name, value.as_str());
        }
        fields.push(
            "ZoneBasis",
            match (self.offset, time_basis) {
                (Some(_), _) => "stated_standard_offset",
                (None, TimeBasis::Declared) => "option",
                _ => "none",
            },
        );
        let length = Some(line.bytes.len() as u64);
        Event {
            family: KIND,
            root: context.root,
            item: context.item,
            locator: Locator { offset: Some(line.offset), length, record: None },
            integrity: Integrity::Whole,
            time,
            time_basis,
            raw_time: Cow::Borrowed(raw_time),
            second_time: None,
            host: None,
            channel: Cow::Borrowed(""),
            provider: Cow::Borrowed(""),
            event_id: None,
            fields,
            raw: &line.bytes,
        }
    }
}
