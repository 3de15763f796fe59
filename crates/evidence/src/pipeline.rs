//! Readers and decoders: files are read and cut into blocks on a few threads, blocks are decoded on all.

#[cfg(test)]
pub(crate) mod testkit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use model::case::ReadState;
use model::{Event, Issue, ItemId, Loss, RootId, Time};

use crate::collect::spool::Shared;
use crate::collect::{self, Facts, Found, Note, RootName, Source, Stop, Survey, Visitor, Walk};
use crate::formats::{self, Block, Context, Emit, Framer, Identified, Probe};
use crate::{Inventory, Item, ItemHead, Options, ReadError, Root, Sink};

/// More readers than this only make a disk seek.
const MOST_READERS: usize = 4;

/// How a format is found.
pub(crate) type Identify = fn(&Probe<'_>) -> Option<Identified>;

/// Reads everything that was handed in, once, and tells `sink` every record.
///
/// # Errors
/// An argument that cannot be read at all, no space for temporary files, or `options.cancel`. What is
/// wrong inside the evidence is an issue of its file.
pub fn read<S: Sink>(
    inputs: &[PathBuf],
    options: &Options,
    sink: &S,
) -> Result<Inventory, ReadError> {
    read_as(inputs, options, sink, formats::identify)
}

/// [`read`] with other formats.
pub(crate) fn read_as<S: Sink>(
    inputs: &[PathBuf],
    options: &Options,
    sink: &S,
    identify: Identify,
) -> Result<Inventory, ReadError> {
    let survey = collect::survey(inputs, options)?;
    let threads = options.threads.max(1);
    let readers = threads.min(MOST_READERS).min(survey.len()).max(1);
    let (sender, receiver) = bounded(threads + 1);
    let run = Run {
        options,
        sink,
        identify,
        shared: Shared::default(),
        next_work: AtomicUsize::new(0),
        next_item: AtomicU32::new(0),
        roots: Mutex::default(),
        finished: Mutex::default(),
        failure: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..readers {
            let reader = Reader { run: &run, jobs: sender.clone() };
            let survey = &survey;
            scope.spawn(move || reader.run(survey));
        }
        drop(sender);
        for _ in 0..threads {
            let jobs = receiver.clone();
            let run = &run;
            scope.spawn(move || run.decode(&jobs));
        }
    });
    run.inventory()
}

/// The state that all threads share.
struct Run<'r, S> {
    options: &'r Options,
    sink: &'r S,
    identify: Identify,
    shared: Shared,
    next_work: AtomicUsize,
    next_item: AtomicU32,
    roots: Mutex<BTreeMap<String, (RootId, String)>>,
    finished: Mutex<Vec<Finished>>,
    failure: Mutex<Option<ReadError>>,
}

/// A block on its way to a decoder.
struct Job {
    track: Arc<Track>,
    index: u64,
    block: Box<dyn Block>,
}

/// What is gathered about a file while its blocks are still on their way.
struct Track {
    head: ItemHead,
    issues: Mutex<BTreeMap<&'static str, Counted>>,
    lost: AtomicBool,
}

/// Where an issue was found: block, framing before decoding, and the number within.
type Position = (u64, Stage, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Found,
    Framing,
    Decoding,
    Stream,
}

struct Counted {
    count: u64,
    first: Position,
    effect: String,
}

/// A file that was read to its end.
struct Finished {
    track: Arc<Track>,
    facts: Facts,
    mtime: Option<Time>,
    mtime_basis: &'static str,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Track {
    fn issue(&self, code: &'static str, count: u64, at: Position, effect: &str) {
        let mut issues = locked(&self.issues);
        let counted = issues.entry(code).or_insert_with(|| Counted {
            count: 0,
            first: at,
            effect: effect.to_owned(),
        });
        counted.count = counted.count.saturating_add(count);
        // The text of the first place in the file, whichever thread comes first.
        if at < counted.first {
            counted.first = at;
            effect.clone_into(&mut counted.effect);
        }
    }
}

impl<S: Sink> Run<'_, S> {
    /// Decodes blocks until there are no more.
    fn decode(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            if !self.stopped() {
                self.decode_one(&job);
            }
        }
    }

    fn decode_one(&self, job: &Job) {
        let Job { track, index, block } = job;
        let head = &track.head;
        let context = Context {
            root: head.root,
            item: head.id,
            logical: &head.logical,
            windows_path: head.windows_path.as_deref(),
            zone: self.options.zone.as_ref(),
        };
        let mut emit = Told::new(self.sink, track, *index, Stage::Decoding);
        if catch_unwind(AssertUnwindSafe(|| block.decode(&context, &mut emit))).is_err() {
            emit.panicked();
        }
        self.options.progress.events.fetch_add(emit.events, Ordering::Relaxed);
        emit.end();
    }

    fn stopped(&self) -> bool {
        self.options.cancel.load(Ordering::Relaxed) || self.shared.halt.load(Ordering::Relaxed)
    }

    fn fail(&self, error: ReadError) {
        self.shared.halt.store(true, Ordering::Relaxed);
        locked(&self.failure).get_or_insert(error);
    }

    /// Gives a found file its numbers.
    fn track(&self, found: &Found, kind: &'static str) -> Arc<Track> {
        let head = ItemHead {
            id: ItemId(self.next_item.fetch_add(1, Ordering::Relaxed)),
            root: self.root(&found.place.root),
            path: found.path.clone(),
            logical: found.place.logical.clone(),
            windows_path: found.place.windows_path.clone(),
            kind,
        };
        let track = Track { head, issues: Mutex::default(), lost: AtomicBool::new(false) };
        for (number, note) in (0..).zip(&found.notes) {
            track.issue(note.code, 1, (0, Stage::Found, number), &note.effect);
        }
        Arc::new(track)
    }

    fn root(&self, name: &RootName) -> RootId {
        let mut roots = locked(&self.roots);
        if let Some((id, _)) = roots.get(&name.key) {
            return *id;
        }
        let id = RootId(u32::try_from(roots.len()).unwrap_or(u32::MAX));
        roots.insert(name.key.clone(), (id, name.path.clone()));
        id
    }

    fn finish(&self, track: Arc<Track>, found: &Found, facts: Facts) {
        self.options.progress.items.fetch_add(1, Ordering::Relaxed);
        let (mtime, mtime_basis) = (found.mtime, found.mtime_basis);
        locked(&self.finished).push(Finished { track, facts, mtime, mtime_basis });
    }

    fn inventory(self) -> Result<Inventory, ReadError> {
        if let Some(error) = locked(&self.failure).take() {
            return Err(error);
        }
        if self.stopped() {
            return Err(ReadError::Interrupted);
        }
        let finished = self.finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut items: Vec<Item> = finished.into_iter().map(Finished::item).collect();
        items.sort_by(|a, b| a.head.path.cmp(&b.head.path));
        let roots = self.roots.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Inventory { roots: named_apart(roots), items })
    }
}

/// The roots by path; of several with the same path, all but the first get a number.
fn named_apart(roots: BTreeMap<String, (RootId, String)>) -> Vec<Root> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut named: Vec<Root> = roots
        .into_values()
        .map(|(id, path)| {
            let count = seen.entry(path.clone()).or_default();
            *count += 1;
            let path = if *count > 1 { format!("{path} ({count})") } else { path };
            Root { id, path }
        })
        .collect();
    named.sort_by(|a, b| a.path.cmp(&b.path));
    named
}

impl Finished {
    fn item(self) -> Item {
        let lost = self.track.lost.load(Ordering::Relaxed);
        let read = match self.facts.read {
            ReadState::Full if lost => ReadState::Partial,
            read => read,
        };
        let issues = std::mem::take(&mut *locked(&self.track.issues));
        Item {
            head: self.track.head.clone(),
            size: self.facts.size,
            sha256: self.facts.sha256.map(hex),
            mtime: self.mtime,
            mtime_basis: self.mtime_basis,
            read,
            issues: issues
                .into_iter()
                .map(|(code, Counted { count, effect, .. })| Issue {
                    code: code.to_owned(),
                    count,
                    effect,
                })
                .collect(),
        }
    }
}

pub(crate) fn hex(bytes: [u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hands on what a block or a framer tells.
struct Told<'t, S: Sink> {
    sink: &'t S,
    batch: S::Batch,
    track: &'t Track,
    block: u64,
    stage: Stage,
    said: u64,
    events: u64,
}

impl<'t, S: Sink> Told<'t, S> {
    fn new(sink: &'t S, track: &'t Track, block: u64, stage: Stage) -> Self {
        let batch = sink.start(&track.head);
        Self { sink, batch, track, block, stage, said: 0, events: 0 }
    }

    fn panicked(&mut self) {
        let loss = loss("reader_panicked", false);
        self.lost(&loss, "the reader of this format failed on a part of the file: a bug, please report it; records of that part are lost");
    }

    /// The stream broke off.
    fn broke(&mut self, code: &'static str, effect: &str) {
        self.stage = Stage::Stream;
        self.lost(&loss(code, true), effect);
    }

    fn end(self) {
        self.sink.end(&self.track.head, self.batch);
    }

    fn position(&mut self) -> Position {
        self.said += 1;
        (self.block, self.stage, self.said)
    }
}

fn loss(code: &'static str, at_end: bool) -> Loss {
    Loss { code, records: 0, after: None, before: None, at_end }
}

impl<S: Sink> Emit for Told<'_, S> {
    fn event(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.sink.event(&mut self.batch, event);
    }

    fn lost(&mut self, loss: &Loss, effect: &str) {
        self.track.lost.store(true, Ordering::Relaxed);
        self.sink.lost(&mut self.batch, loss);
        self.issue(loss.code, loss.records.max(1), effect);
    }

    fn issue(&mut self, code: &'static str, count: u64, effect: &str) {
        let at = self.position();
        self.track.issue(code, count, at, effect);
    }
}

/// One reading thread.
struct Reader<'r, S> {
    run: &'r Run<'r, S>,
    jobs: Sender<Job>,
}

impl<S: Sink> Reader<'_, S> {
    /// Takes work until there is no more.
    fn run(&self, survey: &Survey) {
        while !self.run.stopped() {
            let index = self.run.next_work.fetch_add(1, Ordering::Relaxed);
            let Some(work) = survey.work(index) else { return };
            let walk = Walk::new(self.run.options, self, &self.run.shared);
            match catch_unwind(AssertUnwindSafe(|| walk.run(&work))) {
                Ok(Ok(())) => {}
                Ok(Err(Stop::Spool(source))) => {
                    let path = self.run.options.temp_dir.clone();
                    self.run.fail(ReadError::Spool { path, source });
                }
                Ok(Err(Stop::Interrupted | Stop::Limit | Stop::Found)) => return,
                Err(_) => self.unpacker_panicked(work.found),
            }
        }
    }

    fn unpacker_panicked(&self, mut found: Found) {
        let effect = "its unpacker failed on it: a bug, please report it; what was not yet read of it is missing";
        found.notes.push(Note::new("reader_panicked", effect));
        self.other(found, Facts { read: ReadState::Partial, ..Facts::unread("unknown") });
    }

    /// A file that no format knows: read for its hash.
    fn unknown(&self, mut found: Found, source: &mut Source<'_>) -> Result<(), Stop> {
        let outcome = source.drain();
        if let Some((code, effect)) = broken(source, outcome.err().as_ref())? {
            found.notes.push(Note { code, effect });
        }
        let empty = source.size() == 0 && source.failure().is_none();
        let (kind, read) =
            if empty { ("empty", ReadState::Full) } else { ("unknown", ReadState::None) };
        let (size, sha256) = (Some(source.size()), source.sha256());
        self.other(found, Facts { kind, size, sha256, read });
        Ok(())
    }

    /// A file that a format knows: cut into blocks, which are handed over.
    fn known(
        &self,
        found: &Found,
        source: &mut Source<'_>,
        Identified { kind, mut framer }: Identified,
    ) -> Result<(), Stop> {
        let track = self.run.track(found, kind);
        let mut emit = Told::new(self.run.sink, &track, 0, Stage::Framing);
        let framed = self.frame(&track, source, framer.as_mut(), &mut emit);
        let outcome = framed.and_then(|()| source.drain());
        // A framer that gave up leaves the rest; its hash is wanted all the same.
        let _ = source.drain();
        let broken = broken(source, outcome.as_ref().err());
        if let Ok(Some((code, effect))) = &broken {
            emit.broke(code, effect);
        }
        self.run.options.progress.events.fetch_add(emit.events, Ordering::Relaxed);
        emit.end();
        broken?;
        let (size, sha256) = (Some(source.size()), source.sha256());
        self.run.finish(track, found, Facts { kind, size, sha256, read: ReadState::Full });
        Ok(())
    }

    fn frame(
        &self,
        track: &Arc<Track>,
        source: &mut Source<'_>,
        framer: &mut dyn Framer,
        emit: &mut Told<'_, S>,
    ) -> io::Result<()> {
        loop {
            let next = catch_unwind(AssertUnwindSafe(|| framer.next_block(source, emit)));
            let Ok(next) = next else {
                emit.panicked();
                return Ok(());
            };
            let Some(block) = next? else { return Ok(()) };
            if source.check().is_err() {
                return Err(io::Error::other("stopped"));
            }
            let job = Job { track: Arc::clone(track), index: emit.block, block };
            // Decoders only go away when all readers are gone.
            if self.jobs.send(job).is_err() {
                return Err(io::Error::other("stopped"));
            }
            emit.block += 1;
        }
    }
}

/// Why a file was not read to its end, as an issue; an error where the whole run stops.
fn broken(
    source: &Source<'_>,
    error: Option<&io::Error>,
) -> Result<Option<(&'static str, String)>, Stop> {
    match source.check() {
        Ok(()) => {}
        Err(Stop::Limit) => {
            return Ok(source.limit().map(|limit| (limit.code, limit.effect)));
        }
        Err(stop) => return Err(stop),
    }
    let why = source.failure().map(str::to_owned).or_else(|| error.map(ToString::to_string));
    Ok(why.map(|why| {
        let effect =
            format!("breaks off after {} bytes ({why}); what stood behind is lost", source.size());
        ("stream_damaged", effect)
    }))
}

impl<S: Sink> Visitor for Reader<'_, S> {
    fn wants(&self, _: &Found) -> bool {
        true
    }

    fn hashes_containers(&self) -> bool {
        true
    }

    fn file(&self, found: Found, source: &mut Source<'_>) -> Result<(), Stop> {
        let max_record = self.run.options.limits.max_record;
        let prefix = source.prefix();
        let probe = Probe { prefix, logical: &found.place.logical, max_record };
        let identified = catch_unwind(AssertUnwindSafe(|| (self.run.identify)(&probe)));
        match identified.ok().flatten().filter(|_| !probe.prefix.is_empty()) {
            Some(identified) => self.known(&found, source, identified),
            None => self.unknown(found, source),
        }
    }

    fn other(&self, found: Found, facts: Facts) {
        let track = self.run.track(&found, facts.kind);
        self.run.finish(track, &found, facts);
    }
}
