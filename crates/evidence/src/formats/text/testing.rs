//! An in-memory receiver for tests of the text formats.

use std::io::{BufReader, Read};

use model::{Event, ItemId, Loss, RootId, Time, TimeBasis, Value};

use crate::formats::{Block, Context, Emit, Framer, Identified, PREFIX, Probe};

/// An event with everything owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub family: &'static str,
    pub time: Option<Time>,
    pub basis: TimeBasis,
    pub raw_time: String,
    pub host: Option<String>,
    pub channel: String,
    pub offset: Option<u64>,
    pub doubtful: bool,
    pub fields: Vec<(String, String)>,
    pub raw: Vec<u8>,
}

impl Seen {
    /// The first field of a name; `None` also for `Null`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(n, _)| n == name)?;
        (field.1 != NULL).then_some(field.1.as_str())
    }

    pub(crate) fn at(&self) -> String {
        self.time.map(|time| time.to_string()).unwrap_or_default()
    }
}

const NULL: &str = "\u{0}null";

/// Keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub kind: &'static str,
    pub events: Vec<Seen>,
    pub losses: Vec<Loss>,
    pub issues: Vec<(&'static str, u64)>,
    pub error: Option<String>,
}

impl Kept {
    pub(crate) fn lost(&self) -> u64 {
        self.losses.iter().map(|loss| loss.records).sum()
    }

    /// `code:records` of each loss.
    pub(crate) fn loss_codes(&self) -> Vec<String> {
        self.losses.iter().map(|loss| format!("{}:{}", loss.code, loss.records)).collect()
    }

    pub(crate) fn count(&self, code: &str) -> u64 {
        self.issues.iter().filter(|(c, _)| *c == code).map(|(_, n)| n).sum()
    }
}

impl Emit for Kept {
    fn event(&mut self, event: &Event<'_>) {
        let text = |value: &Value<'_>| match value {
            Value::Null => NULL.to_owned(),
            other => other.text().into_owned(),
        };
        self.events.push(Seen {
            family: event.family,
            time: event.time,
            basis: event.time_basis,
            raw_time: event.raw_time.to_string(),
            host: event.host.as_ref().map(ToString::to_string),
            channel: event.channel.to_string(),
            offset: event.locator.offset,
            doubtful: event.integrity == model::Integrity::Doubtful,
            fields: event.fields.0.iter().map(|(n, v)| (n.to_string(), text(v))).collect(),
            raw: event.raw.to_vec(),
        });
    }

    fn lost(&mut self, loss: &Loss, _effect: &str) {
        self.losses.push(loss.clone());
    }

    fn issue(&mut self, code: &'static str, count: u64, _effect: &str) {
        self.issues.push((code, count));
    }
}

/// How a test reads.
pub(crate) struct Reading<'a> {
    pub logical: &'a str,
    pub windows_path: Option<&'a str>,
    pub zone: Option<&'a jiff::tz::TimeZone>,
    pub max_record: usize,
    /// Size of the reader's buffer.
    pub buffer: usize,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        let max_record = crate::Limits::default().max_record;
        Self { logical: "file", windows_path: None, zone: None, max_record, buffer: 8 << 10 }
    }
}

impl Reading<'_> {
    /// Finds the format of bytes and reads them; `None` if no format knows them.
    pub(crate) fn read(
        &self,
        bytes: &[u8],
        identify: impl FnOnce(&Probe<'_>) -> Option<Identified>,
    ) -> Option<Kept> {
        let prefix = &bytes[..bytes.len().min(PREFIX)];
        let probe = Probe { prefix, logical: self.logical, max_record: self.max_record };
        let found = identify(&probe)?;
        let mut kept = self.drive(found.framer, bytes);
        kept.kind = found.kind;
        Some(kept)
    }

    /// What one block holds.
    pub(crate) fn decode(&self, block: &dyn Block) -> Kept {
        let mut kept = Kept::default();
        block.decode(&self.context(), &mut kept);
        kept
    }

    fn context(&self) -> Context<'_> {
        Context {
            root: RootId(0),
            item: ItemId(0),
            logical: self.logical,
            windows_path: self.windows_path,
            zone: self.zone,
        }
    }

    /// Reads a stream through a framer.
    pub(crate) fn drive(&self, mut framer: Box<dyn Framer>, stream: impl Read) -> Kept {
        let mut input = BufReader::with_capacity(self.buffer, stream);
        let mut kept = Kept::default();
        let context = self.context();
        loop {
            match framer.next_block(&mut input, &mut kept) {
                Ok(Some(block)) => block.decode(&context, &mut kept),
                Ok(None) => return kept,
                Err(error) => {
                    kept.error = Some(error.to_string());
                    return kept;
                }
            }
        }
    }
}

/// Reads bytes as a text log.
pub(crate) fn read(logical: &str, bytes: &[u8]) -> Kept {
    let reading = Reading { logical, ..Reading::default() };
    reading.read(bytes, super::identify).unwrap_or_else(|| panic!("{logical}: no format"))
}

/// A file of the corpus, or `None`, loudly, where there is no corpus.
pub(crate) fn corpus(path: &str) -> Option<Vec<u8>> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    #[expect(clippy::disallowed_methods, reason = "tests are told where the corpus is")]
    let base = std::env::var("ASSAY_CORPUS").unwrap_or_else(|_| here.to_owned());
    match fs_err::read(std::path::Path::new(&base).join(path)) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            eprintln!("NOT TESTED: no corpus ({error}); set ASSAY_CORPUS");
            None
        }
    }
}
