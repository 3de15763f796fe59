//! `iis-w3c`: the access logs of Internet Information Services in the W3C extended format.
//!
//! Columns go by the names of the `#Fields` line above the row; times are UTC by the format's definition.
//! Where the `date` column was not chosen, the day is that of the `#Date` line (then `assumed`: a day that
//! passed midnight since is not seen) or of the file's name (`file_name`). IIS writes `+` for the blanks of
//! a user agent, but raw blanks occur: such a row is put right by the columns on both sides of the agent.
//! The native and the NCSA format, and the logs of the FTP, SMTP and NNTP services, are not read.

use std::borrow::Cow;

use jiff::civil;
use memchr::memchr;
use model::{Event, Field, Fields, Integrity, Locator, Time, TimeBasis, Value};

use super::text::{
    CUT_SHORT, Counter, Dialect, Fault, LineSource, Peek, Row, Rows, TextBlock, TextFramer, date,
    decode_rows, number,
};
use super::{Block, Context, Emit, Identified};

#[cfg(test)]
mod tests;

const KIND: &str = "iis-w3c";
const AGENT: &str = "cs(User-Agent)";
/// More columns than any IIS can write: damage.
const MAX_COLUMNS: usize = 512;
const MISALIGNED: Fault = Fault {
    code: "row_misaligned",
    what: "rows with more columns than their header that could not be put right, lost",
};
const REALIGNED: &str = "rows with blanks in the user agent, put right by the columns around it";
const NO_TIME: &str = "rows whose date and time cannot be read, used without a time";

/// Recognises a log by its header lines, or one without any by its name and the shape of its rows.
pub(crate) fn identify(peek: &Peek<'_>) -> Option<Identified> {
    let fields = peek.directive("fields");
    let by_content = match fields {
        Some(fields) => is_web_log(fields),
        None => {
            let software = peek.directive("software").unwrap_or_default();
            software.starts_with("Microsoft Internet Information Services") || is_headless(peek)
        }
    };
    let other_service = ["FTPSVC", "SMTPSVC", "NNTPSVC"].into_iter().any(|service| {
        peek.logical.split('/').any(|part| part.to_ascii_uppercase().starts_with(service))
    });
    (by_content && !other_service)
        .then(|| Identified { kind: KIND, framer: Box::new(framer(peek.source())) })
}

pub(crate) fn framer(source: LineSource) -> TextFramer {
    TextFramer::new(
        source,
        Dialect {
            names_columns: |_| false,
            needs_date: |fields| !names(fields).any(|name| name == "date"),
            block: |block| Box::new(IisBlock(block)),
        },
    )
}

fn names(fields: &str) -> impl Iterator<Item = &str> {
    fields.split([' ', '\t']).filter(|name| !name.is_empty())
}

fn is_web_log(fields: &str) -> bool {
    let has = |wanted: &str| names(fields).any(|name| name == wanted);
    has("cs-method") && has("cs-uri-stem") && has("sc-status") && !has("x-session")
}

/// A log that lost its head still counts as one, so that its rows are counted as lost.
fn is_headless(peek: &Peek<'_>) -> bool {
    let name = peek.name();
    let named = name.starts_with("u_ex") || name.starts_with("u_in") || name.starts_with("ex");
    let row = peek.lines().nth(1).or(peek.first_row()).unwrap_or_default();
    named
        && name.rsplit('.').next() == Some("log")
        && row.get(..19).is_some_and(|at| Time::parse(at).is_some())
}

struct IisBlock(TextBlock);

impl Block for IisBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let header = &self.0.header;
        let mut rows = IisRows::new(header.fields.as_deref().unwrap_or_default(), context);
        rows.day = rows.day_of(&header.date);
        decode_rows(&self.0, &mut rows, emit);
        rows.realigned.tell("row_realigned", REALIGNED, emit);
        rows.timeless.tell("time_unreadable", NO_TIME, emit);
    }
}

/// Decodes rows under one set of columns.
struct IisRows<'a> {
    context: &'a Context<'a>,
    names: Vec<&'a str>,
    date: Option<usize>,
    time: Option<usize>,
    host: Option<usize>,
    /// Column of `s-sitename`, else the site that the folder names.
    site_column: Option<usize>,
    site: Option<&'a str>,
    /// The day of rows that state none, and what it rests on.
    day: Option<(civil::Date, TimeBasis)>,
    realigned: Counter,
    timeless: Counter,
}

impl<'a> IisRows<'a> {
    fn new(fields: &'a str, context: &'a Context<'a>) -> Self {
        let names: Vec<&str> = names(fields).take(MAX_COLUMNS).collect();
        let column = |wanted: &str| names.iter().position(|name| *name == wanted);
        Self {
            date: column("date"),
            time: column("time"),
            host: column("s-computername"),
            site_column: column("s-sitename"),
            site: site_of(context.logical),
            day: None,
            realigned: Counter::default(),
            timeless: Counter::default(),
            context,
            names,
        }
    }

    fn day_of(&self, header_date: &str) -> Option<(civil::Date, TimeBasis)> {
        if self.date.is_some() {
            return None;
        }
        let in_header = header_date.get(..10).and_then(day_in_text);
        in_header
            .map(|day| (day, TimeBasis::Assumed))
            .or_else(|| day_in_name(self.context.logical).map(|day| (day, TimeBasis::FileName)))
    }

    /// The values of a row, in the order of the names.
    fn values<'r>(&mut self, row: Row<'r>) -> Result<Vec<&'r str>, Fault> {
        let text = row.text.trim_end_matches(' ');
        let mut values = Vec::with_capacity(self.names.len());
        let mut rest = Some(text);
        while let Some(text) = rest {
            if values.len() == self.names.len() {
                let values = self.realign(row.text).ok_or(MISALIGNED)?;
                self.realigned.add(row.offset);
                return Ok(values);
            }
            let end = memchr(b' ', text.as_bytes());
            values.push(end.and_then(|end| text.get(..end)).unwrap_or(text));
            rest = end.and_then(|end| text.get(end + 1..));
        }
        if values.len() < self.names.len() { Err(CUT_SHORT) } else { Ok(values) }
    }

    /// Takes the columns left of the agent from the left and those right of it from the right.
    fn realign<'r>(&self, text: &'r str) -> Option<Vec<&'r str>> {
        let agent = self.names.iter().position(|name| *name == AGENT)?;
        let mut left: Vec<&str> = text.splitn(agent + 1, ' ').collect();
        let rest = left.pop()?;
        let right_count = self.names.len() - agent - 1;
        let mut right: Vec<&str> = rest.trim_end().rsplitn(right_count + 1, ' ').collect();
        right.reverse();
        left.append(&mut right);
        (left.len() == self.names.len() && self.is_plausible(&left)).then_some(left)
    }

    /// Whether numbers stand where numbers belong.
    fn is_plausible(&self, values: &[&str]) -> bool {
        let numeric = ["sc-status", "sc-substatus", "s-port", "time-taken", "sc-bytes", "cs-bytes"];
        self.names.iter().zip(values).all(|(name, value)| {
            !numeric.contains(name) || *value == "-" || value.bytes().all(|b| b.is_ascii_digit())
        })
    }

    fn stamp<'r>(&self, values: &[&'r str], text: &'r str) -> Stamp<'r> {
        let value = |column: Option<usize>| column.and_then(|at| values.get(at)).copied();
        let clock = value(self.time).unwrap_or_default();
        if let Some(day) = value(self.date) {
            let raw = adjacent(text, day, clock);
            return Stamp { time: Time::parse(&raw), basis: TimeBasis::RecordUtc, raw };
        }
        let raw = Cow::Borrowed(clock);
        let Some((day, basis)) = self.day else {
            return Stamp { time: None, basis: TimeBasis::Assumed, raw };
        };
        Stamp { time: Time::parse(&format!("{day}T{clock}")), basis, raw }
    }

    fn fields<'r>(&'r self, values: &[&'r str]) -> Vec<Field<'r>> {
        let mut fields: Vec<Field<'r>> = Vec::with_capacity(values.len() + 1);
        fields.extend(self.names.iter().zip(values).map(|(name, value)| {
            let value = if *value == "-" { Value::Null } else { Value::from(*value) };
            (Cow::Borrowed(*name), value)
        }));
        let site = self.site_column.and_then(|at| values.get(at)).filter(|site| **site != "-");
        if let Some(site) = site.copied().or(self.site) {
            fields.push((Cow::Borrowed("site"), Value::from(site)));
        }
        fields
    }
}

struct Stamp<'r> {
    time: Option<Time>,
    basis: TimeBasis,
    raw: Cow<'r, str>,
}

impl Rows for IisRows<'_> {
    fn row(&mut self, row: Row<'_>, emit: &mut dyn Emit) -> Result<Option<Time>, Fault> {
        let values = self.values(row)?;
        let stamp = self.stamp(&values, row.text);
        if stamp.time.is_none() {
            self.timeless.add(row.offset);
        }
        let host = self.host.and_then(|at| values.get(at)).filter(|host| **host != "-");
        emit.event(&Event {
            family: KIND,
            root: self.context.root,
            item: self.context.item,
            locator: Locator {
                offset: Some(row.offset),
                length: Some(row.raw.len() as u64),
                record: None,
            },
            integrity: Integrity::Whole,
            time: stamp.time,
            time_basis: stamp.basis,
            raw_time: stamp.raw,
            second_time: None,
            host: host.map(|host| Cow::Borrowed(*host)),
            channel: Cow::Borrowed(""),
            provider: Cow::Borrowed(""),
            event_id: None,
            fields: Fields(self.fields(&values)),
            raw: row.raw,
        });
        Ok(stamp.time)
    }

    fn time_of(&self, text: &str) -> Option<Time> {
        let values: Vec<&str> = text.split(' ').take(self.names.len()).collect();
        self.stamp(&values, text).time
    }
}

/// Date and time as one text; borrowed where they stand side by side at the beginning of the row.
fn adjacent<'r>(text: &'r str, day: &'r str, clock: &'r str) -> Cow<'r, str> {
    let both = text.get(..day.len() + 1 + clock.len());
    match both.filter(|both| both.starts_with(day) && both.ends_with(clock)) {
        Some(both) => Cow::Borrowed(both),
        None => Cow::Owned(format!("{day} {clock}")),
    }
}

/// The site that a folder `W3SVC<n>` of the path names.
fn site_of(logical: &str) -> Option<&str> {
    logical.split('/').rev().find(|part| {
        let head = part.get(..5).filter(|head| head.eq_ignore_ascii_case("w3svc"));
        head.and(part.get(5..)).and_then(number).is_some()
    })
}

fn day_in_text(text: &str) -> Option<civil::Date> {
    let mut parts = text.splitn(3, '-').map(number);
    date(parts.next()??, parts.next()??, parts.next()??)
}

/// The day in names such as `u_ex210307.log` and `u_ex21030713.log`.
fn day_in_name(logical: &str) -> Option<civil::Date> {
    let name = logical.rsplit('/').next()?;
    let from = name.find(|c: char| c.is_ascii_digit())?;
    let part = |at: usize| name.get(from + at..from + at + 2).and_then(number);
    date(2000 + part(0)?, part(2)?, part(4)?)
}
