//! `test-proxylogon`: what Microsoft's Test-ProxyLogon script wrote about a server.
//!
//! The CSV of its requests (`...-Cve-2021-26855.csv`, columns `DateTime`, `AnchorMailbox` and others in any
//! order) and that of the ages of a server's logs (`...-LogAgeDays.csv`, kind `test-proxylogon-logage`).
//! Delimiters are those of the country that exported it; quoted cells may hold line breaks. `DateTime` is
//! UTC as HttpProxy wrote it, unless a spreadsheet made a local time of it: then `--zone` gives the zone,
//! and a time whose day and month no row of the block tells apart is left out. The script's other files
//! (lists of paths, `-other.csv`, events) are not read.

mod records;
#[cfg(test)]
mod tests;
mod when;

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::sync::Arc;

use memchr::memchr_iter;
use model::{Event, Field, Fields, Integrity, Locator, Time, TimeBasis, Value};

use self::records::{Record, RecordSource};
use self::when::{Local, Order};
use super::text::{CUT_SHORT, Counter, Fault, Losses, Peek, cells, in_zone, is_blank};
use super::{Block, Context, Emit, Framer, Identified};

const FAMILY: &str = "test-proxylogon";
const LOG_AGE: &str = "test-proxylogon-logage";
const HOST_COLUMNS: [&str; 3] = ["ServerHostName", "Server", "PSComputerName"];
const MAX_COLUMNS: usize = 256;
/// A longer first row is no row of names.
const MAX_HEADER: usize = 16 << 10;
const NOT_UTF8: &str = "rows with bytes that are not UTF-8, used with replacement characters";
const EXTRA: &str = "rows with more cells than columns, used as doubtful";
const NO_TIME: &str = "rows whose time cannot be read, or whose day and month cannot be told apart, used \
                       without a time";
const NO_HEADER: Fault = Fault { code: "no_header", what: "rows under no names of columns, lost" };

/// Recognises the files by their row of names.
pub(crate) fn identify(peek: &Peek<'_>) -> Option<Identified> {
    let table = Table::of(peek.first_row()?)?;
    let source = RecordSource::new(peek.source(), peek.max_record());
    let kind = table.kind;
    Some(Identified { kind, framer: Box::new(TableFramer { source, table: None }) })
}

/// The columns of a file.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    kind: &'static str,
    delimiter: u8,
    names: Vec<String>,
}

impl Table {
    /// From a row of names; `None` for any other row.
    fn of(row: &str) -> Option<Self> {
        let row = row.trim_start_matches('\u{FEFF}').trim_end();
        if row.len() > MAX_HEADER {
            return None;
        }
        b",;\t".iter().find_map(|delimiter| {
            let names: Vec<String> =
                cells(row, *delimiter).take(MAX_COLUMNS).map(Cow::into_owned).collect();
            let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
            let kind = match () {
                () if has("DateTime") && has("AnchorMailbox") => FAMILY,
                () if has("Oabgen") && has("Ecp") && has("EcpProxy") => LOG_AGE,
                () => return None,
            };
            Some(Self { kind, delimiter: *delimiter, names })
        })
    }

    fn column(&self, wanted: &str) -> Option<usize> {
        self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted))
    }
}

struct TableFramer {
    source: RecordSource,
    table: Option<Arc<Table>>,
}

impl Framer for TableFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        _emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        let Some((mut records, at_end)) = self.source.next(input)? else { return Ok(None) };
        if self.table.is_none() {
            self.take_header(&mut records);
        }
        let table = self.table.clone();
        Ok(Some(Box::new(TableBlock { table, records, at_end })))
    }
}

impl TableFramer {
    /// Takes the `#TYPE` line and the row of names out.
    fn take_header(&mut self, records: &mut Vec<Record>) {
        let names = |record: &Record| match record {
            Record::Whole { bytes, .. } => Table::of(&String::from_utf8_lossy(bytes)),
            _ => None,
        };
        let Some(at) = records.iter().position(|record| names(record).is_some()) else { return };
        let header = records.remove(at);
        self.table = names(&header).map(Arc::new);
        // Names hold no line breaks: a damaged quote among them took the rows below with it.
        if let Record::Whole { bytes, offset } = header {
            let swallowed =
                memchr_iter(b'\n', &bytes).map(|_| Record::Lost { fault: CUT_SHORT, offset });
            records.splice(at..at, swallowed);
        }
    }
}

struct TableBlock {
    table: Option<Arc<Table>>,
    records: Vec<Record>,
    at_end: bool,
}

impl Block for TableBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let mut losses = Losses::new(None);
        let mut rows = self.table.as_deref().map(|table| TableRows::new(table, context));
        if let Some(rows) = &mut rows {
            rows.order = self.order(rows);
        }
        for record in &self.records {
            match record {
                Record::Gap(gap) => losses.gap(*gap),
                Record::Lost { fault, offset } => losses.add(*fault, 1, *offset),
                Record::Whole { bytes, .. } if is_blank(bytes) || bytes.starts_with(b"#TYPE") => {}
                Record::Whole { bytes, offset } => {
                    let row = rows.as_mut().ok_or(NO_HEADER);
                    match row.and_then(|rows| rows.row(bytes, *offset, emit)) {
                        Ok(time) => losses.settle(time, emit),
                        Err(fault) => losses.add(fault, 1, *offset),
                    }
                }
            }
        }
        losses.finish(self.at_end, emit);
        if let Some(rows) = rows {
            rows.tell(emit);
        }
    }
}

impl TableBlock {
    /// The order of day and month that the rows show, if they agree.
    fn order(&self, rows: &TableRows<'_>) -> Order {
        let mut found = Order::Unknown;
        for record in &self.records {
            let Record::Whole { bytes, .. } = record else { continue };
            let text = String::from_utf8_lossy(bytes);
            let cell = rows.time.and_then(|at| cells(&text, rows.table.delimiter).nth(at));
            let Some(shown) = cell.and_then(|cell| Local::read(&cell)).map(|at| at.shown()) else {
                continue;
            };
            match (found, shown) {
                (_, Order::Unknown) => {}
                (Order::Unknown, shown) => found = shown,
                (found, shown) if found != shown => return Order::Unknown,
                _ => {}
            }
        }
        found
    }
}

struct TableRows<'a> {
    context: &'a Context<'a>,
    table: &'a Table,
    time: Option<usize>,
    host: Option<usize>,
    order: Order,
    not_utf8: Counter,
    extra: Counter,
    timeless: Counter,
}

impl<'a> TableRows<'a> {
    fn new(table: &'a Table, context: &'a Context<'a>) -> Self {
        Self {
            context,
            table,
            time: table.column("DateTime"),
            host: HOST_COLUMNS.iter().find_map(|name| table.column(name)),
            order: Order::Unknown,
            not_utf8: Counter::default(),
            extra: Counter::default(),
            timeless: Counter::default(),
        }
    }

    fn tell(self, emit: &mut dyn Emit) {
        self.not_utf8.tell("not_utf8", NOT_UTF8, emit);
        self.extra.tell("row_extra_cells", EXTRA, emit);
        self.timeless.tell("time_unreadable", NO_TIME, emit);
    }

    fn row(&mut self, raw: &[u8], offset: u64, emit: &mut dyn Emit) -> Result<Option<Time>, Fault> {
        let text = String::from_utf8_lossy(raw);
        let wanted = self.table.names.len();
        let mut row: Vec<Cow<'_, str>> =
            cells(&text, self.table.delimiter).take(wanted + 1).collect();
        if row.len() < wanted {
            return Err(CUT_SHORT);
        }
        if matches!(text, Cow::Owned(_)) {
            self.not_utf8.add(offset);
        }
        let mut integrity = Integrity::Whole;
        if row.len() > wanted {
            row.truncate(wanted);
            self.extra.add(offset);
            integrity = Integrity::Doubtful;
        }
        let cell = |column: Option<usize>| column.and_then(|at| row.get(at)).map(|cell| &**cell);
        let raw_time = cell(self.time).unwrap_or_default();
        let (time, time_basis) = self.stamp(raw_time);
        if time.is_none() && self.time.is_some() {
            self.timeless.add(offset);
        }
        let host = cell(self.host).filter(|host| !host.is_empty());
        let length = Some(raw.len() as u64);
        emit.event(&Event {
            family: FAMILY,
            root: self.context.root,
            item: self.context.item,
            locator: Locator { offset: Some(offset), length, record: None },
            integrity,
            time,
            time_basis,
            raw_time: Cow::Borrowed(raw_time),
            second_time: None,
            host: host.map(Cow::Borrowed),
            channel: Cow::Borrowed(self.table.kind),
            provider: Cow::Borrowed(""),
            event_id: None,
            fields: Fields(self.fields(&row)),
            raw,
        });
        Ok(time)
    }

    fn fields<'r>(&'r self, row: &'r [Cow<'r, str>]) -> Vec<Field<'r>> {
        let named = self.table.names.iter().zip(row);
        named
            .map(|(name, cell)| {
                let value = if cell.is_empty() { Value::Null } else { Value::from(&**cell) };
                (Cow::Borrowed(name.as_str()), value)
            })
            .collect()
    }

    fn stamp(&self, text: &str) -> (Option<Time>, TimeBasis) {
        if let Some((at, digits, rest)) = Time::parse_civil(text) {
            return match rest {
                "" => in_zone(at, digits, self.context.zone),
                _ => (Time::parse(text), TimeBasis::RecordUtc),
            };
        }
        match Local::read(text).and_then(|local| local.under(self.order)) {
            Some((at, digits)) => in_zone(at, digits, self.context.zone),
            None => (None, TimeBasis::Assumed),
        }
    }
}
