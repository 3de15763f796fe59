//! One record of evidence, in the form in which it is matched.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Time, TimeBasis, Value};

/// A file (or archive member) of this run, in the order of discovery; not stable between runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u32);

/// A collection: the nearest archive, drive root or folder that a file came from. Not stable between runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId(pub u32);

/// Where in its file a record stands.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct Locator {
    /// Byte offset of the record in the (decompressed) file; for text in another encoding than UTF-8,
    /// in the text after decoding. `None` for a file that is one record as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Length of the record in bytes, counted like `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The number that the format itself gives the record (the `EventRecordID` of an event log).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}

/// Whether a record was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Integrity {
    /// Read as written.
    Whole,
    /// From a chunk with a wrong checksum, or carved: supports a claim, but alone never raises `shown`.
    Doubtful,
}

/// A named value of an event.
pub type Field<'a> = (Cow<'a, str>, Value<'a>);

/// The fields of an event, in the order of the record; a name may occur several times.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a>(pub Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// The first field of that exact name.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// All values of a name: exact matches where there are any, else those that differ in case alone.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Value<'a>> {
        let exact = self.0.iter().any(|(n, _)| n == name);
        self.0
            .iter()
            .filter(move |(n, _)| if exact { n == name } else { n.eq_ignore_ascii_case(name) })
            .map(|(_, v)| v)
    }

    /// The text of the first field of that exact name, if it holds text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Adds a field.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        self.0.push((name.into(), value.into()));
    }
}

/// One record: a typed head, and its fields under the names of its own format.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The family of the record, which decides what its field names mean: `windows-event`, `iis-w3c`,
    /// `exchange-log`, `exchange-setup`, `test-proxylogon`, `web-file`.
    pub family: &'static str,
    /// The collection it came from.
    pub root: RootId,
    /// The file it came from.
    pub item: ItemId,
    /// Where it stands in that file.
    pub locator: Locator,
    /// Whether it was whole.
    pub integrity: Integrity,
    /// Its time in UTC, if it has one that can be read.
    pub time: Option<Time>,
    /// Which rule gave `time`.
    pub time_basis: TimeBasis,
    /// The time as the record has it.
    pub raw_time: Cow<'a, str>,
    /// A second time that the record states of itself, in UTC (Sysmon's `UtcTime`).
    pub second_time: Option<Time>,
    /// The host that the record names.
    pub host: Option<Cow<'a, str>>,
    /// Event log channel; for other families the log's own type (`HttpProxy Logs`), else empty.
    pub channel: Cow<'a, str>,
    /// Event log provider, else empty.
    pub provider: Cow<'a, str>,
    /// Event log event id.
    pub event_id: Option<u32>,
    /// The body's fields first, then those of the record's head (`Channel`, `EventID`, `Computer` ...).
    pub fields: Fields<'a>,
    /// The record's bytes, for its hash.
    pub raw: &'a [u8],
}
