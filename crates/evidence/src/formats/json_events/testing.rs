//! Reads bytes through a format in memory and keeps what came out, for tests.

use std::io::BufReader;

use model::{Event, Integrity, ItemId, Loss, RootId, TimeBasis, Value};

use super::super::{Context, Emit, Identified, Probe, evtx};

/// An event, without its borrows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub channel: String,
    pub provider: String,
    pub event_id: Option<u32>,
    pub host: Option<String>,
    pub time: Option<String>,
    pub basis: TimeBasis,
    pub second_time: Option<String>,
    pub doubtful: bool,
    pub offset: u64,
    pub length: u64,
    pub record: Option<u64>,
    pub raw: Vec<u8>,
    pub fields: Vec<(String, Value<'static>)>,
}

impl Seen {
    /// All values of a name, as text.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let hits = self.fields.iter().filter(|(n, _)| n == name);
        hits.map(|(_, value)| value.text().into_owned()).collect()
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'static>> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// Everything that a file gave.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub kind: &'static str,
    pub events: Vec<Seen>,
    pub losses: Vec<Loss>,
    pub issues: Vec<(String, u64)>,
    pub blocks: usize,
}

impl Gathered {
    /// How often a word was counted, as issue or as loss.
    pub(crate) fn count(&self, code: &str) -> u64 {
        self.issues.iter().filter(|(c, _)| c == code).map(|(_, n)| n).sum()
    }
}

impl Emit for Gathered {
    fn event(&mut self, event: &Event<'_>) {
        let owned = |value: &Value<'_>| match value {
            Value::Null => Value::Null,
            Value::Str(text) => Value::from(text.clone().into_owned()),
            Value::Int(n) => Value::Int(*n),
            Value::UInt(n) => Value::UInt(*n),
            Value::Float(n) => Value::Float(*n),
            Value::Bool(b) => Value::Bool(*b),
        };
        self.events.push(Seen {
            channel: event.channel.clone().into_owned(),
            provider: event.provider.clone().into_owned(),
            event_id: event.event_id,
            host: event.host.clone().map(std::borrow::Cow::into_owned),
            time: event.time.map(|t| t.to_string()),
            basis: event.time_basis,
            second_time: event.second_time.map(|t| t.to_string()),
            doubtful: event.integrity == Integrity::Doubtful,
            offset: event.locator.offset.unwrap(),
            length: event.locator.length.unwrap(),
            record: event.locator.record,
            raw: event.raw.to_vec(),
            fields: event
                .fields
                .0
                .iter()
                .map(|(n, v)| (n.clone().into_owned(), owned(v)))
                .collect(),
        });
    }

    fn lost(&mut self, loss: &Loss, _effect: &str) {
        self.losses.push(loss.clone());
        self.issues.push((loss.code.to_owned(), loss.records.max(1)));
    }

    fn issue(&mut self, code: &'static str, count: u64, _effect: &str) {
        self.issues.push((code.to_owned(), count));
    }
}

/// What a test may change.
pub(crate) struct Setting<'z> {
    pub max_record: usize,
    /// Bytes that the stream gives at a time.
    pub step: usize,
    pub zone: Option<&'z jiff::tz::TimeZone>,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self { max_record: 4 << 20, step: 64 << 10, zone: None }
    }
}

fn identify(bytes: &[u8], max_record: usize) -> Option<Identified> {
    let prefix = bytes.get(..super::super::PREFIX).unwrap_or(bytes);
    let probe = Probe { prefix, logical: "a/file", max_record };
    evtx::identify(&probe).or_else(|| super::identify(&probe))
}

/// Reads a file; `None` if no format of these two knows it.
pub(crate) fn read_with(bytes: &[u8], setting: &Setting<'_>) -> Option<Gathered> {
    let Identified { kind, mut framer } = identify(bytes, setting.max_record)?;
    let context = Context {
        root: RootId(1),
        item: ItemId(2),
        logical: "a/file",
        windows_path: None,
        zone: setting.zone,
    };
    let mut gathered = Gathered { kind, ..Gathered::default() };
    let mut input = BufReader::with_capacity(setting.step, bytes);
    while let Some(block) = framer.next_block(&mut input, &mut gathered).unwrap() {
        gathered.blocks += 1;
        block.decode(&context, &mut gathered);
    }
    Some(gathered)
}

/// Reads a file that one of these formats knows.
pub(crate) fn read(bytes: &[u8]) -> Gathered {
    read_with(bytes, &Setting::default()).unwrap()
}

/// A folder of the corpus; `None`, said loudly, where the corpus is absent.
pub(crate) fn corpus(folder: &str) -> Option<std::path::PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests find the corpus by the environment")]
    let base = std::env::var("ASSAY_CORPUS").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus").to_owned()
    });
    let path = std::path::Path::new(&base).join(folder);
    if !path.is_dir() {
        eprintln!("NOT RUN: no corpus at {}; set ASSAY_CORPUS", path.display());
        return None;
    }
    Some(path)
}

/// All files below a folder that end so, sorted.
pub(crate) fn files(folder: &std::path::Path, end: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
