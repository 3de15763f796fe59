//! What the tests of collecting and reading share: a sink that remembers, a format of plain lines, other
//! people's archivers.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use model::{Event, Fields, Integrity, Locator, Loss, TimeBasis};

use super::read_as;
use crate::formats::{Block, Context, Emit, Framer, Identified, Probe};
use crate::{Inventory, Item, ItemHead, Limits, Options, Progress, ReadError, Sink};

/// What a sink was told of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) events: Vec<(u64, String)>,
    pub(crate) losses: Vec<(&'static str, bool)>,
}

/// Remembers everything, by path.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<BTreeMap<String, Told>>);

impl Sink for Memory {
    type Batch = Told;

    fn start(&self, _: &ItemHead) -> Told {
        Told::default()
    }

    fn event(&self, batch: &mut Told, event: &Event<'_>) {
        let text = String::from_utf8_lossy(event.raw).into_owned();
        batch.events.push((event.locator.offset.unwrap_or(0), text));
    }

    fn lost(&self, batch: &mut Told, loss: &Loss) {
        batch.losses.push((loss.code, loss.at_end));
    }

    fn end(&self, item: &ItemHead, batch: Told) {
        let mut all = self.0.lock().unwrap();
        let told = all.entry(item.path.clone()).or_default();
        told.events.extend(batch.events);
        told.losses.extend(batch.losses);
    }
}

/// A run and what it gave.
pub(crate) struct Seen {
    pub(crate) inventory: Inventory,
    pub(crate) told: BTreeMap<String, Told>,
}

impl Seen {
    pub(crate) fn item(&self, path: &str) -> &Item {
        let all = || self.inventory.items.iter().map(|i| &i.head.path).collect::<Vec<_>>();
        self.inventory
            .items
            .iter()
            .find(|item| item.head.path == path)
            .unwrap_or_else(|| panic!("no {path} in {:#?}", all()))
    }

    pub(crate) fn codes(&self, path: &str) -> Vec<&str> {
        self.item(path).issues.iter().map(|issue| issue.code.as_str()).collect()
    }

    /// Path, kind, root, logical path, path on the host and hash of every file: all that must not depend
    /// on threads or on the order of arguments.
    pub(crate) fn summary(&self) -> Vec<String> {
        let root = |item: &Item| {
            let root = self.inventory.roots.iter().find(|root| root.id == item.head.root);
            root.map(|root| root.path.clone()).unwrap_or_default()
        };
        self.inventory
            .items
            .iter()
            .map(|item| {
                let ItemHead { path, logical, windows_path, kind, .. } = &item.head;
                let Item { sha256, read, issues, mtime, .. } = item;
                format!("{path} {kind} {} {logical} {windows_path:?} {sha256:?} {read:?} {issues:?} {mtime:?}", root(item))
            })
            .collect()
    }
}

pub(crate) fn options() -> Options {
    Options {
        limits: Limits::default(),
        threads: 2,
        passwords: Vec::new(),
        zone: None,
        temp_dir: std::env::temp_dir(),
        exclude: Vec::new(),
        cancel: Arc::default(),
        progress: Arc::new(Progress::default()),
    }
}

pub(crate) fn look(inputs: &[&Path], options: &Options) -> Result<Seen, ReadError> {
    let inputs: Vec<PathBuf> = inputs.iter().map(|path| path.to_path_buf()).collect();
    let memory = Memory::default();
    let inventory = read_as(&inputs, options, &memory, identify)?;
    let mut told = memory.0.into_inner().unwrap();
    for told in told.values_mut() {
        told.events.sort();
        told.losses.sort_unstable();
    }
    Ok(Seen { inventory, told })
}

/// Looks with the usual options.
pub(crate) fn see(inputs: &[&Path]) -> Seen {
    look(inputs, &options()).unwrap()
}

/// A text whose first word is `line`: each of its lines is an event. `panic` makes the decoder panic,
/// `frame-panic` the framer.
pub(crate) fn identify(probe: &Probe<'_>) -> Option<Identified> {
    let framer = Box::new(Lines { offset: 0 });
    probe.prefix.starts_with(b"line").then_some(Identified { kind: "lines", framer })
}

struct Lines {
    offset: u64,
}

struct Line {
    offset: u64,
    text: Vec<u8>,
}

impl Framer for Lines {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        let mut text = Vec::new();
        if input.read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += text.len() as u64;
        assert!(!text.starts_with(b"frame-panic"), "a framer may panic");
        if text.starts_with(b"odd") {
            emit.issue("odd_line", 1, &format!("at {offset}"));
        }
        Ok(Some(Box::new(Line { offset, text })))
    }
}

impl Block for Line {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        assert!(!self.text.starts_with(b"panic"), "a decoder may panic");
        if self.text.starts_with(b"bad") {
            let loss =
                Loss { code: "bad_line", records: 2, after: None, before: None, at_end: false };
            emit.lost(&loss, &format!("at {}", self.offset));
            return;
        }
        emit.event(&Event {
            family: "test",
            root: context.root,
            item: context.item,
            locator: Locator { offset: Some(self.offset), length: None, record: None },
            integrity: Integrity::Whole,
            time: None,
            time_basis: TimeBasis::Assumed,
            raw_time: "".into(),
            second_time: None,
            host: None,
            channel: "".into(),
            provider: "".into(),
            event_id: None,
            fields: Fields::default(),
            raw: self.text.trim_ascii_end(),
        });
    }
}

/// Writes files below a folder, with the folders they need.
pub(crate) fn plant(top: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = top.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }
}

/// Runs somebody else's tool in a folder; false, loudly, where it is not installed.
pub(crate) fn tool(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: {program} is not installed ({error}); this test shows nothing");
            false
        }
    }
}

/// Runs a Python script in a folder.
pub(crate) fn python(folder: &Path, script: &str) -> bool {
    tool(folder, "python3", &["-c", script])
}

/// Runs 7-Zip under whichever of its names is installed.
pub(crate) fn seven_zip(folder: &Path, arguments: &[&str]) -> bool {
    let installed =
        ["7zz", "7z", "7za"].into_iter().find(|name| Command::new(name).arg("i").output().is_ok());
    tool(folder, installed.unwrap_or("7zz"), arguments)
}
