//! `exchange-log`: the text logs of Exchange, `exchange-httpproxy` and `exchange-ecp-server` among them.
//!
//! Header lines with `#`, or a plain first row, name the columns; rows are comma-separated. Most logs put
//! cells with commas in quotes; HttpProxy puts a blank for each comma and may leave a quote alone, so a row
//! that does not come out under one reading is tried under the other. Times end in `Z`; HttpProxy and ECP
//! are UTC where they do not, every other log is then `assumed`.

mod columns;
mod event_data;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::memchr;
use model::{Event, Field, Fields, Integrity, Locator, Time, TimeBasis, Value};

use self::columns::Columns;
use super::text::{
    CUT_SHORT, Counter, Dialect, Fault, LineSource, Peek, Row, Rows, TextBlock, TextFramer, cells,
    decode_rows, in_zone,
};
use super::{Block, Context, Emit, Identified};

const FAMILY: &str = "exchange-log";
const HTTP_PROXY: &str = "HttpProxy Logs";
const ECP_SERVER: &str = "ECP Server Log";
/// Names of the column that holds a row's time; a row that begins with one of them names the columns.
const TIME_COLUMNS: [&str; 3] = ["DateTime", "TimeStamp", "date-time"];
const HOST_COLUMNS: [&str; 4] = ["ServerHostName", "ServerName", "server-hostname", "Server"];
const EVENT_DATA: &str = "EventData";
const EXTRA: &str = "rows with more cells than columns, used as doubtful: a comma outside of quotes may \
                     have moved values to the wrong column";
const DAMAGED: &str =
    "rows under a damaged line of column names, used with the columns that are sound";
const NO_TIME: &str = "rows whose time cannot be read, used without a time";

/// Recognises a log by its header lines, by the plain row of column names, or, if its head is lost, by its
/// name and the shape of its rows.
pub(crate) fn identify(peek: &Peek<'_>) -> Option<Identified> {
    let channel = channel_of(peek)?;
    let kind = match channel {
        HTTP_PROXY => "exchange-httpproxy",
        ECP_SERVER => "exchange-ecp-server",
        _ => FAMILY,
    };
    Some(Identified { kind, framer: Box::new(framer(peek.source())) })
}

pub(crate) fn framer(source: LineSource) -> TextFramer {
    TextFramer::new(
        source,
        Dialect { names_columns, needs_date: |_| false, block: |block| Box::new(LogBlock(block)) },
    )
}

/// The type of the log: as its header says, else by its columns, else by the name of a log without head.
fn channel_of(peek: &Peek<'_>) -> Option<&'static str> {
    let software = peek.directive("software").unwrap_or_default();
    let plain = peek.first_row().filter(|row| names_columns(row.as_bytes()));
    if !software.starts_with("Microsoft Exchange") && !plain.is_some_and(is_exchange_row) {
        return headless(peek);
    }
    let stated = peek.directive("log-type").map(known_type);
    let names = peek.directive("fields").or(plain).unwrap_or_default();
    Some(stated.unwrap_or_else(|| type_by_columns(names, peek.logical)))
}

fn known_type(log_type: &str) -> &'static str {
    match log_type {
        _ if log_type.starts_with("HttpProxy") => HTTP_PROXY,
        _ if log_type.starts_with("ECP Server") => ECP_SERVER,
        _ => "",
    }
}

fn type_by_columns(names: &str, logical: &str) -> &'static str {
    let has = |wanted: &str| names.split(',').any(|name| name.trim() == wanted);
    if has("UrlStem") && has("AnchorMailbox") && has("ServerHostName") {
        return HTTP_PROXY;
    }
    // The activity log of ECP has the same columns.
    let ecp = has(EVENT_DATA) && has("EventId") && has("ServerName");
    let path = logical.to_ascii_lowercase();
    if ecp && (path.contains("ecpserver") || path.contains("/ecp/server/")) {
        ECP_SERVER
    } else {
        ""
    }
}

fn is_exchange_row(names: &str) -> bool {
    let has = |wanted: &str| names.split(',').any(|name| name.trim() == wanted);
    has("MajorVersion") || (has(EVENT_DATA) && has("ServerName")) || has("message-subject")
}

fn headless(peek: &Peek<'_>) -> Option<&'static str> {
    let name = peek.name();
    let channel = match () {
        () if name.starts_with("httpproxy_") => HTTP_PROXY,
        () if name.starts_with("ecpserver") => ECP_SERVER,
        () => return None,
    };
    // The first row may be cut.
    let row = peek.lines().nth(1).or(peek.first_row())?;
    let time = row.split(',').next()?;
    (row.contains(',') && Time::parse(time).is_some()).then_some(channel)
}

/// Whether the first cell is the name of the time column.
fn names_columns(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    TIME_COLUMNS.iter().any(|name| {
        let head = line.get(..name.len());
        let behind = line.get(name.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
            && matches!(behind, Some(b',' | b'"'))
    })
}

struct LogBlock(TextBlock);

impl Block for LogBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let mut rows = LogRows::new(&self.0, context);
        decode_rows(&self.0, &mut rows, emit);
        rows.extra.tell("row_extra_cells", EXTRA, emit);
        rows.damaged.tell("header_damaged", DAMAGED, emit);
        rows.timeless.tell("time_unreadable", NO_TIME, emit);
    }
}

/// Decodes rows under one set of columns.
struct LogRows<'a> {
    context: &'a Context<'a>,
    columns: Columns<'a>,
    channel: &'a str,
    version: &'a str,
    time: Option<usize>,
    host: Option<usize>,
    /// The last column takes the rest of the row, commas and all.
    event_data: bool,
    /// Times without zone are UTC by the format.
    utc: bool,
    extra: Counter,
    damaged: Counter,
    timeless: Counter,
}

/// The cells of a row, and whether they are known to stand under their names.
struct Cells<'r> {
    cells: Vec<Cow<'r, str>>,
    integrity: Integrity,
}

impl<'a> LogRows<'a> {
    fn new(block: &'a TextBlock, context: &'a Context<'a>) -> Self {
        let header = &block.header;
        let fields = header.fields.as_deref().unwrap_or_default();
        let columns = Columns::of(fields);
        let channel = match header.log_type.as_str() {
            "" => type_by_columns(fields, context.logical),
            stated => stated,
        };
        Self {
            context,
            time: columns.first_of(&TIME_COLUMNS),
            host: columns.first_of(&HOST_COLUMNS),
            event_data: columns.names.last() == Some(&EVENT_DATA),
            utc: matches!(known_type(channel), HTTP_PROXY | ECP_SERVER),
            columns,
            channel,
            version: &header.version,
            extra: Counter::default(),
            damaged: Counter::default(),
            timeless: Counter::default(),
        }
    }

    fn cells<'r>(&mut self, row: Row<'r>) -> Result<Cells<'r>, Fault> {
        let wanted = self.columns.names.len();
        let mut cells =
            if self.event_data { split_data(row.text, wanted) } else { split(row.text, wanted) };
        if self.columns.damaged {
            self.damaged.add(row.offset);
            if cells.len() != wanted {
                cells.truncate(self.columns.sound);
                return Ok(Cells { cells, integrity: Integrity::Whole });
            }
        }
        if cells.len() < wanted {
            return Err(CUT_SHORT);
        }
        let mut integrity = Integrity::Whole;
        if cells.drain(wanted..).any(|cell| !cell.is_empty()) {
            self.extra.add(row.offset);
            integrity = Integrity::Doubtful;
        }
        Ok(Cells { cells, integrity })
    }

    fn stamp(&self, text: &str) -> (Option<Time>, TimeBasis) {
        match Time::parse_civil(text) {
            Some((at, digits, "")) if !self.utc => in_zone(at, digits, self.context.zone),
            _ => (Time::parse(text), TimeBasis::RecordUtc),
        }
    }

    fn fields<'r>(&'r self, cells: &'r [Cow<'r, str>]) -> Vec<Field<'r>> {
        let mut fields: Vec<Field<'r>> = Vec::with_capacity(cells.len() + 1);
        fields.extend(self.columns.names.iter().zip(cells).map(|(name, cell)| {
            let value = if cell.is_empty() { Value::Null } else { Value::from(&**cell) };
            (Cow::Borrowed(*name), value)
        }));
        if let Some(data) = cells.last().filter(|_| self.event_data) {
            event_data::push_parts(data, &mut fields);
        }
        if !self.version.is_empty() {
            fields.push((Cow::Borrowed("LogVersion"), Value::from(self.version)));
        }
        fields
    }
}

impl Rows for LogRows<'_> {
    fn row(&mut self, row: Row<'_>, emit: &mut dyn Emit) -> Result<Option<Time>, Fault> {
        let Cells { cells, integrity } = self.cells(row)?;
        let cell = |column: Option<usize>| column.and_then(|at| cells.get(at)).map(|cell| &**cell);
        let raw_time = cell(self.time).unwrap_or_default();
        let (time, time_basis) = self.stamp(raw_time);
        if time.is_none() {
            self.timeless.add(row.offset);
        }
        let host = cell(self.host).filter(|host| !host.is_empty());
        emit.event(&Event {
            family: FAMILY,
            root: self.context.root,
            item: self.context.item,
            locator: Locator {
                offset: Some(row.offset),
                length: Some(row.raw.len() as u64),
                record: None,
            },
            integrity,
            time,
            time_basis,
            raw_time: Cow::Borrowed(raw_time),
            second_time: None,
            host: host.map(Cow::Borrowed),
            channel: Cow::Borrowed(self.channel),
            provider: Cow::Borrowed(""),
            event_id: None,
            fields: Fields(self.fields(&cells)),
            raw: row.raw,
        });
        Ok(time)
    }

    fn time_of(&self, text: &str) -> Option<Time> {
        let cell = text.split(',').nth(self.time?)?;
        self.stamp(cell).0
    }
}

/// Splits at commas, minding quotes; at bare commas if only that gives the number wanted.
fn split(row: &str, wanted: usize) -> Vec<Cow<'_, str>> {
    if memchr(b'"', row.as_bytes()).is_none() {
        return split_bare(row, wanted);
    }
    let mut quoted: Vec<Cow<'_, str>> = Vec::with_capacity(wanted + 1);
    quoted.extend(cells(row, b',').take(wanted + 1));
    if quoted.len() == wanted {
        return quoted;
    }
    let bare = split_bare(row, wanted);
    if bare.len() == wanted { bare } else { quoted }
}

/// One cell beyond the number wanted is enough to tell that there are too many.
fn split_bare(row: &str, wanted: usize) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::with_capacity(wanted + 1);
    let mut rest = Some(row);
    while let Some(text) = rest.filter(|_| cells.len() <= wanted) {
        let end = memchr(b',', text.as_bytes());
        cells.push(Cow::Borrowed(end.and_then(|end| text.get(..end)).unwrap_or(text)));
        rest = end.and_then(|end| text.get(end + 1..));
    }
    cells
}

/// Splits off all columns but the last, which is the rest of the row.
fn split_data(row: &str, wanted: usize) -> Vec<Cow<'_, str>> {
    let mut split = cells(row, b',');
    let mut found = Vec::with_capacity(wanted);
    while found.len() + 1 < wanted {
        // Rows were seen whose data follows the time at once.
        let early = split.rest().is_some_and(|rest| {
            rest.get(..3).is_some_and(|head| head == "'S:") || rest.starts_with("S:")
        });
        let next = if early { Some(Cow::Borrowed("")) } else { split.next() };
        match next {
            Some(cell) => found.push(cell),
            None => return found,
        }
    }
    let Some(rest) = split.rest() else { return found };
    let whole = cells(rest, b',').next().filter(|_| rest.starts_with('"') && rest.ends_with('"'));
    found.push(whole.unwrap_or(Cow::Borrowed(rest)));
    found
}
