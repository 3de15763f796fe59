//! From records to files: sorts, damages, renders and hands over one file after the other, and notes for
//! the truth file which line carries which act.

use std::collections::BTreeMap;
use std::io;

use crate::attack::{self, windows_path};
use crate::record::Record;
use crate::render;
use crate::scenario::Scenario;
use crate::source::Source;
use crate::truth::{LineRef, PlacedFile, SourceTruth, Truth};
use crate::world::World;
use crate::{Output, background, damage};

/// Forges a scenario into `out`.
pub(crate) fn forge(scenario: &Scenario, out: &mut dyn Output) -> io::Result<Truth> {
    let mut world = World::new(scenario);
    background::fill(&mut world);
    let deeds = attack::play(&mut world);
    let mut records = world.records;
    only_suspicious_in_table(&mut records);
    number(&mut records);

    let mut truth = Truth::new(scenario);
    (truth.acts, truth.placed) = (deeds.acts, deeds.placed);
    truth.damage = damage::to_records(scenario, &mut records, &mut truth.acts);
    records.sort_by_key(|r| (r.source, r.shown(), r.number));

    let mut writer = Writer { scenario, out, truth: &mut truth, totals: BTreeMap::new() };
    for file in records.chunk_by(|a, b| same_file(scenario, a, b)) {
        writer.file(file)?;
    }
    writer.web_root()?;
    writer.finish();
    Ok(truth)
}

/// Test-ProxyLogon copies only rows whose anchor names a server and a path, and of these neither
/// autodiscover nor `localhost`.
fn only_suspicious_in_table(records: &mut Vec<Record>) {
    records.retain(|record| {
        if record.source != Source::TestProxyLogon {
            return true;
        }
        let crate::record::Row::Proxy(row) = &record.row else { return true };
        let anchor = row.anchor.to_ascii_lowercase();
        let Some((_, named)) = anchor.split_once("serverinfo~") else { return false };
        named.contains('/') && !named.starts_with("localhost") && !named.contains("/autodiscover")
    });
}

/// Numbers the records of each source in the order of time, before any damage.
fn number(records: &mut [Record]) {
    records.sort_by_key(|r| (r.source, r.at));
    for source in records.chunk_by_mut(|a, b| a.source == b.source) {
        for (number, record) in (1..).zip(source) {
            record.number = number;
        }
    }
}

fn same_file(scenario: &Scenario, a: &Record, b: &Record) -> bool {
    a.source == b.source && render::file_of(scenario, a) == render::file_of(scenario, b)
}

struct Writer<'a> {
    scenario: &'a Scenario,
    out: &'a mut dyn Output,
    truth: &'a mut Truth,
    totals: BTreeMap<Source, SourceTruth>,
}

impl Writer<'_> {
    /// Renders the records of one file and hands it over.
    fn file(&mut self, records: &[Record]) -> io::Result<()> {
        let Some(first) = records.first() else { return Ok(()) };
        let path = self.full(&render::file_of(self.scenario, first));
        let mut text = Text::default();
        text.push(&render::head(self.scenario, first));
        let mut carried = Vec::new();
        let mut before: Option<&Record> = None;
        for record in records {
            if let Some(head) = before.and_then(|b| render::head_again(self.scenario, b, record)) {
                text.push(&head);
            }
            let line = render::line(self.scenario, record);
            if let Some(act) = record.act {
                carried.push((act, text.reference(record, &path, line.len())));
            }
            text.push(&line);
            text.push("\r\n");
            before = Some(record);
        }
        self.count(first.source, records, text.bytes.len());
        self.hand_over(&path, text.bytes.into_bytes(), carried)
    }

    fn full(&self, path: &str) -> String {
        format!("{}/C/{path}", self.scenario.host.name)
    }

    fn hand_over(
        &mut self,
        path: &str,
        mut bytes: Vec<u8>,
        carried: Vec<(usize, LineRef)>,
    ) -> io::Result<()> {
        let wounds = damage::to_bytes(self.scenario, path, &mut bytes);
        for index in &wounds.by {
            if let Some(done) = self.truth.damage.get_mut(*index) {
                done.files_changed += 1;
            }
        }
        for (act, line) in carried {
            let Some(act) = self.truth.acts.get_mut(act) else { continue };
            match wounds.cause(line.offset, line.length) {
                Some(cause) => act.lose(line.source, cause),
                None => act.carried_by.push(line),
            }
        }
        self.out.put(path, bytes)
    }

    fn count(&mut self, source: Source, records: &[Record], bytes: usize) {
        let total = self.total(source);
        total.files += 1;
        total.records += records.len();
        total.bytes += bytes;
        let (first, last) = (records.first().map(Record::shown), records.last().map(Record::shown));
        total.first = total.first.or(first);
        total.last = last.or(total.last);
    }

    fn total(&mut self, source: Source) -> &mut SourceTruth {
        let empty = SourceTruth { source, files: 0, records: 0, bytes: 0, first: None, last: None };
        self.totals.entry(source).or_insert(empty)
    }

    /// The web folders: harmless placeholders, and files of strangers that still lie there.
    fn web_root(&mut self) -> io::Result<()> {
        if self.scenario.kept_sources().contains(&Source::WebRoot) {
            for (path, text) in PLACEHOLDERS {
                self.web_file(path, format!("{text}\r\n"))?;
            }
        }
        if self.scenario.sources.contains(Source::WebRoot) {
            let mut placed = std::mem::take(&mut self.truth.placed);
            let there = placed.iter_mut().filter(|f| f.removed_at.is_none());
            for file in there.filter(|f| f.at <= self.scenario.span.to) {
                self.placed_file(file)?;
            }
            self.truth.placed = placed;
        }
        Ok(())
    }

    /// A file of a stranger, unless damage keeps it out of the evidence.
    fn placed_file(&mut self, file: &mut PlacedFile) -> io::Result<()> {
        if let Some(act) = self.truth.acts.iter_mut().find(|act| act.id == file.act)
            && let Some(cause) = damage::withholds(self.scenario, act)
        {
            act.lose(Source::WebRoot, cause);
            return Ok(());
        }
        let text = attack::placed_text(self.scenario, file.at, self.scenario.build_at(file.at));
        let path = windows_path(&file.file).replace('\\', "/");
        file.evidence = Some(self.web_file(path.trim_start_matches("C:/"), text)?);
        Ok(())
    }

    fn web_file(&mut self, path: &str, text: String) -> io::Result<String> {
        let total = self.total(Source::WebRoot);
        total.files += 1;
        total.bytes += text.len();
        let path = self.full(path);
        self.hand_over(&path, text.into_bytes(), Vec::new())?;
        Ok(path)
    }

    fn finish(self) {
        self.truth.sources = self.totals.into_values().collect();
    }
}

/// Files of the web folders that are no scripts; their content is not that of the real ones.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("inetpub/wwwroot/iisstart.htm", "<p>SYNTHETIC placeholder</p>"),
    (
        "Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa/auth/robots.txt",
        "SYNTHETIC placeholder",
    ),
    (
        "Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/ecp/auth/placeholder.css",
        "/* SYNTHETIC placeholder */",
    ),
];

/// A file's text while it grows, with the place that has been reached.
#[derive(Default)]
struct Text {
    bytes: String,
    lines: usize,
}

impl Text {
    fn push(&mut self, text: &str) {
        self.lines += text.matches('\n').count();
        self.bytes.push_str(text);
    }

    fn reference(&self, record: &Record, file: &str, length: usize) -> LineRef {
        LineRef {
            source: record.source,
            file: file.to_owned(),
            line: self.lines + 1,
            offset: self.bytes.len(),
            length,
            time: record.at,
        }
    }
}
