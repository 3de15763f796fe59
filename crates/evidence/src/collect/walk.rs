//! Opens one file that was handed in, and everything nested in it.

use std::cell::Cell;
use std::io::Read;
use std::sync::atomic::Ordering;

use fs_err as fs;
use model::case::ReadState;

use super::archive::gzip::Gunzip;
use super::archive::seven::Seven;
use super::archive::zip::Zip;
use super::archive::{Entry, Members, Note, salvage, tar};
use super::inputs::{Work, unopened, windows_path};
use super::layout::Layout;
use super::name::{Name, Unique};
use super::sniff::{self, Shape};
use super::source::{Budget, Metered, Source, Stop, Tally};
use super::spool::{ReadSeek, Shared, Spooling, Spools};
use super::{Facts, Found, Place, RootName, Visitor};
use crate::Options;

/// The walk through one piece of work, on one thread.
pub(crate) struct Walk<'r> {
    options: &'r Options,
    visitor: &'r dyn Visitor,
    shared: &'r Shared,
    budget: Budget<'r>,
    spools: Spools<'r>,
}

/// Size and hash of a container.
#[derive(Clone, Copy, Default)]
struct Measure {
    size: Option<u64>,
    sha256: Option<[u8; 32]>,
}

impl Measure {
    /// Reads what is left of a container, so that its hash is that of the whole file.
    fn rest(source: &mut Source<'_>) -> Self {
        let whole = source.drain().is_ok();
        Self { size: whole.then(|| source.size()), sha256: source.sha256() }
    }
}

impl<'r> Walk<'r> {
    pub(crate) fn new(options: &'r Options, visitor: &'r dyn Visitor, shared: &'r Shared) -> Self {
        Self {
            options,
            visitor,
            shared,
            budget: Budget::new(options, &shared.halt),
            spools: Spools::new(&options.temp_dir, options.limits.max_spool, shared),
        }
    }

    /// Reads one piece of work to its end.
    pub(crate) fn run(&self, work: &Work) -> Result<(), Stop> {
        self.budget.check()?;
        if let Some(facts) = work.unread {
            self.visitor.other(work.found.clone(), facts);
            return Ok(());
        }
        match self.top(work) {
            // A bound concerns this piece of work alone, and was told already.
            Err(Stop::Limit) => Ok(()),
            outcome => outcome,
        }
    }

    fn top(&self, work: &Work) -> Result<(), Stop> {
        let bytes = &self.options.progress.bytes;
        let found = work.found.clone();
        let file = match fs::File::open(&work.file) {
            Ok(inner) => Tally { inner, bytes },
            Err(error) => {
                self.unread(found, "unknown", unopened(&error), Measure::default());
                return Ok(());
            }
        };
        let mut source = Source::new(file, &self.budget);
        // Archives are read a second time: by their directory, or for the drives that their names show.
        let again = || fs::File::open(&work.file).ok().filter(|_| work.seekable);
        match (sniff::shape(source.prefix()), again) {
            (shape @ (Shape::Zip | Shape::SevenZip), again) => match again() {
                Some(inner) => {
                    let size = work.found.size.unwrap_or(0);
                    self.options.progress.total.fetch_add(size, Ordering::Relaxed);
                    self.seekable(found, shape, &mut source, &mut Tally { inner, bytes })
                }
                None => self.open(found, &mut source, None),
            },
            (Shape::Tar | Shape::Gzip, again) => {
                let layout = again().and_then(|file| self.tar_layout(file));
                self.open(found, &mut source, layout)
            }
            _ => self.open(found, &mut source, None),
        }
    }

    /// Opens a stream, whatever it is. `layout` is what is known of the drives in a tar.
    fn open(
        &self,
        found: Found,
        source: &mut Source<'_>,
        layout: Option<Layout>,
    ) -> Result<(), Stop> {
        if !self.visitor.wants(&found) {
            return self.budget.check();
        }
        let shape = sniff::shape(source.prefix());
        let container = matches!(shape, Shape::Zip | Shape::SevenZip | Shape::Tar | Shape::Gzip);
        if container && found.depth >= self.options.limits.max_depth {
            let most = self.options.limits.max_depth;
            let note =
                Note::new("limit_depth", format!("an archive inside {most} others; not opened"));
            self.unread(found, kind(shape), note, Measure::rest(source));
            return self.budget.check();
        }
        match shape {
            Shape::Zip | Shape::SevenZip => self.spooled(found, shape, source),
            Shape::Gzip => self.gzip(found, source, layout),
            Shape::Tar => {
                let (found, outcome) = self.tar(found, source, layout);
                self.close(found, kind(shape), Measure::rest(source), outcome)
            }
            Shape::Plain | Shape::Empty => {
                self.visitor.file(found, source)?;
                self.budget.check()
            }
            Shape::Disk(_) | Shape::Memory(_) => {
                let (kind, note) = image(shape);
                self.unread(found, kind, note, Measure::default());
                Ok(())
            }
            Shape::Packed(format) => {
                let effect = format!(
                    "packed as {format}, which is not read: unpack it first and hand in the folder"
                );
                let note = Note::new("unsupported_archive", effect);
                self.unread(found, format, note, Measure::rest(source));
                self.budget.check()
            }
        }
    }

    fn unread(&self, mut found: Found, kind: &'static str, note: Note, measure: Measure) {
        found.notes.push(note);
        let Measure { size, sha256 } = measure;
        let size = size.or(found.size);
        self.visitor.other(found, Facts { kind, size, sha256, read: ReadState::None });
    }

    /// Tells a container after its members.
    fn close(
        &self,
        mut found: Found,
        kind: &'static str,
        measure: Measure,
        outcome: Result<ReadState, Stop>,
    ) -> Result<(), Stop> {
        let (read, outcome) = match outcome {
            Ok(read) => (read, Ok(())),
            Err(Stop::Limit) => (ReadState::Partial, Err(Stop::Limit)),
            Err(stop) => return Err(stop),
        };
        if let Some(limit) = outcome.as_ref().err().and_then(|_| self.budget.limit()) {
            found.notes.push(Note::new(limit.code, limit.effect));
        }
        let Measure { size, sha256 } = measure;
        let size = size.or(found.size);
        self.visitor.other(found, Facts { kind, size, sha256, read });
        outcome
    }

    // ---- archives that are read from their end

    fn seekable(
        &self,
        found: Found,
        shape: Shape,
        source: &mut Source<'_>,
        body: &mut dyn ReadSeek,
    ) -> Result<(), Stop> {
        let measure = if self.visitor.hashes_containers() {
            Measure::rest(source)
        } else {
            Measure::default()
        };
        self.budget.check()?;
        self.indexed(found, shape, body, measure)
    }

    fn spooled(&self, found: Found, shape: Shape, source: &mut Source<'_>) -> Result<(), Stop> {
        let spooling = self.spools.spool(source)?;
        let measure = Measure::rest(source);
        self.budget.check()?;
        match spooling {
            Spooling::Done(mut spooled) => {
                self.indexed(found, shape, spooled.body.as_mut(), measure)
            }
            Spooling::TooLarge => {
                let most = self.options.limits.max_spool;
                let effect = format!(
                    "an archive inside another that needs more than {most} bytes of temporary space; not opened. Unpack the outer one and hand in the folder"
                );
                self.unread(found, kind(shape), Note::new("limit_spool", effect), measure);
                Ok(())
            }
        }
    }

    fn indexed(
        &self,
        found: Found,
        shape: Shape,
        body: &mut dyn ReadSeek,
        measure: Measure,
    ) -> Result<(), Stop> {
        if shape == Shape::Zip {
            return self.zip(found, body, measure);
        }
        let passwords = &self.options.passwords;
        let seven = match Seven::open(body, passwords) {
            Ok(seven) => seven,
            Err(note) => {
                self.unread(found, kind(shape), note, measure);
                return Ok(());
            }
        };
        let mut inside =
            Inside::new(self, found, seven.layout(self.options.limits.max_items), true);
        let outcome = seven.walk(body, passwords, &mut inside);
        let (found, outcome) = inside.done(outcome);
        self.close(found, kind(shape), measure, outcome)
    }

    fn zip(&self, found: Found, body: &mut dyn ReadSeek, measure: Measure) -> Result<(), Stop> {
        let passwords = &self.options.passwords;
        let opened = Zip::open(&mut *body)
            .and_then(|mut zip| Some((zip.survey(self.options.limits.max_items)?, zip)));
        let (found, outcome) = match opened {
            Some((survey, _)) if survey.image => {
                let effect = "a disk image (AFF4): mount it first, read-only, and hand in the mounted folder";
                self.unread(found, "disk-image", Note::new("disk_image", effect), measure);
                return Ok(());
            }
            Some((survey, mut zip)) => {
                let mut inside = Inside::new(self, found, survey.layout, true);
                let outcome = zip.walk(passwords, &mut inside);
                inside.done(outcome)
            }
            None => {
                let mut inside = Inside::new(self, found, Layout::default(), true);
                let outcome = salvage_zip(body, &self.budget, passwords.len(), &mut inside);
                inside.done(outcome)
            }
        };
        self.close(found, "zip", measure, outcome)
    }

    // ---- archives that are read as a stream

    fn gzip(
        &self,
        found: Found,
        source: &mut Source<'_>,
        layout: Option<Layout>,
    ) -> Result<(), Stop> {
        let trailing = Cell::new(false);
        let path = found.path.clone();
        let inner = Gunzip::new(&mut *source, &trailing);
        let mut inner =
            Source::new(Metered { inner, budget: &self.budget, path: &path }, &self.budget);
        let is_tar = sniff::shape(inner.prefix()) == Shape::Tar;
        let (mut found, mut outcome) = if is_tar {
            self.tar(found, &mut inner, layout)
        } else {
            let outcome = self.gzip_member(&found, &mut inner);
            (found, outcome)
        };
        if is_tar && outcome.is_ok() && inner.drain().is_err() {
            outcome = self.budget.check().map(|()| ReadState::Partial);
        }
        if let Some(why) = inner.failure().filter(|_| self.budget.check().is_ok()) {
            let effect =
                format!("the compressed stream is damaged ({why}); what stood behind is missing");
            found.notes.push(Note::new("archive_damaged", effect));
        }
        drop(inner);
        if trailing.get() {
            let effect = "something that is no gzip data follows the compressed data; ignored";
            found.notes.push(Note::new("trailing_bytes", effect));
        }
        self.close(found, if is_tar { "tar.gz" } else { "gzip" }, Measure::rest(source), outcome)
    }

    /// The only member takes the place of the compressed file.
    fn gzip_member(&self, outer: &Found, inner: &mut Source<'_>) -> Result<ReadState, Stop> {
        let name = stem(outer.path.rsplit('/').next().unwrap_or_default());
        let place = Place {
            root: outer.place.root.clone(),
            logical: stem(&outer.place.logical).to_owned(),
            windows_path: outer.place.windows_path.as_deref().map(|path| stem(path).to_owned()),
        };
        let member = Found {
            path: format!("{}!/{name}", outer.path),
            place,
            mtime: None,
            mtime_basis: "unknown",
            size: None,
            depth: outer.depth + 1,
            notes: Vec::new(),
        };
        self.budget.count_item(&member.path)?;
        self.open(member, inner, None)?;
        Ok(if inner.failure().is_some() { ReadState::Partial } else { ReadState::Full })
    }

    fn tar(
        &self,
        found: Found,
        source: &mut Source<'_>,
        layout: Option<Layout>,
    ) -> (Found, Result<ReadState, Stop>) {
        let mut inside = Inside::new(self, found, layout.unwrap_or_default(), false);
        let outcome = tar::walk(source, &mut inside);
        inside.done(outcome)
    }

    /// Reads the names in a tar for the drives that they show.
    fn tar_layout(&self, file: fs::File) -> Option<Layout> {
        let budget = Budget::new(self.options, &self.shared.halt);
        let mut names = Names { layout: Layout::default(), budget: &budget };
        let mut source = Source::new(file, &budget);
        match sniff::shape(source.prefix()) {
            Shape::Tar => {
                // How far it came is enough.
                let _ = tar::walk(&mut source, &mut names);
            }
            Shape::Gzip => {
                let trailing = Cell::new(false);
                let inner = Gunzip::new(source, &trailing);
                let mut inner = Source::new(Metered { inner, budget: &budget, path: "" }, &budget);
                if sniff::shape(inner.prefix()) == Shape::Tar {
                    let _ = tar::walk(&mut inner, &mut names);
                }
            }
            _ => return None,
        }
        Some(names.layout)
    }
}

/// Kind and note of an image, which is not hashed either: it may have terabytes.
fn image(shape: Shape) -> (&'static str, Note) {
    if let Shape::Memory(format) = shape {
        let effect = format!(
            "a memory image ({format}), neither read nor hashed: use a memory analysis tool"
        );
        return ("memory-image", Note::new("memory_image", effect));
    }
    let format = if let Shape::Disk(format) = shape { format } else { "unknown" };
    let effect = format!(
        "a disk image ({format}), neither read nor hashed: mount it first, read-only (for example with ewfmount, guestmount or Arsenal Image Mounter), and hand in the mounted folder"
    );
    ("disk-image", Note::new("disk_image", effect))
}

fn salvage_zip(
    body: &mut dyn ReadSeek,
    budget: &Budget<'_>,
    passwords: usize,
    inside: &mut Inside<'_, '_>,
) -> Result<(), Stop> {
    if body.rewind().is_err() {
        inside.damage(Note::new("archive_damaged", "cannot be read again from its start"));
        return Ok(());
    }
    salvage::walk(&mut Source::new(body, budget), passwords, inside)
}

/// A name without the ending that compression gave it.
fn stem(name: &str) -> &str {
    let cut = name.len().checked_sub(3).filter(|at| name.is_char_boundary(*at));
    match cut.and_then(|at| name.split_at_checked(at)) {
        Some((stem, end)) if end.eq_ignore_ascii_case(".gz") && !stem.is_empty() => stem,
        _ => name,
    }
}

fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Zip => "zip",
        Shape::SevenZip => "7z",
        Shape::Gzip => "gzip",
        Shape::Tar => "tar",
        _ => "unknown",
    }
}

/// An archive while its members are told.
struct Inside<'w, 'r> {
    walk: &'w Walk<'r>,
    found: Found,
    layout: Layout,
    unique: Unique,
    /// Its members are decompressed one by one, so that they count as expansion.
    expands: bool,
    damaged: bool,
}

impl<'w, 'r> Inside<'w, 'r> {
    fn new(walk: &'w Walk<'r>, mut found: Found, layout: Layout, expands: bool) -> Self {
        if found.place.windows_path.is_none() {
            found.place.root =
                RootName { key: format!("archive:{}", found.path), path: found.path.clone() };
        }
        Self { walk, found, layout, unique: Unique::default(), expands, damaged: false }
    }

    fn done(self, outcome: Result<(), Stop>) -> (Found, Result<ReadState, Stop>) {
        let read = if self.damaged { ReadState::Partial } else { ReadState::Full };
        (self.found, outcome.map(|()| read))
    }

    fn member(&mut self, entry: &Entry, note: Option<Note>) -> Found {
        let name = Name::new(&entry.raw);
        let mut notes: Vec<Note> = note.into_iter().collect();
        if name.escapes() {
            let effect = "its name tries to lead out of the archive; it was read, and nothing is written under that name";
            notes.push(Note::new("name_escapes", effect));
        }
        Found {
            path: self.unique.name(format!("{}!/{}", self.found.path, name.shown())),
            place: self.place(&name),
            mtime: entry.mtime,
            mtime_basis: if entry.mtime.is_some() { "archive" } else { "unknown" },
            size: entry.size,
            depth: self.found.depth + 1,
            notes,
        }
    }

    fn place(&self, name: &Name) -> Place {
        let spot = self.layout.place(name);
        let outer = &self.found.place;
        let below = spot.below.join("/");
        // An archive that lies on a drive is a file of that host, and so is what it holds.
        if let (None, Some(path)) = (spot.root, &outer.windows_path) {
            return Place {
                root: outer.root.clone(),
                logical: format!("{}/{below}", outer.logical),
                windows_path: Some(format!("{path}\\{}", spot.below.join("\\"))),
            };
        }
        let top = name.parts().get(..spot.root.unwrap_or(0)).unwrap_or_default();
        let mut path = self.found.path.clone();
        if !top.is_empty() {
            path = format!("{path}!/{}", top.join("/"));
        }
        Place {
            root: RootName { key: format!("archive:{path}"), path },
            windows_path: spot.drive.map(|letter| windows_path(letter, &spot.below)),
            logical: if below.is_empty() { name.shown() } else { below },
        }
    }
}

impl Members for Inside<'_, '_> {
    fn file(&mut self, entry: Entry, body: &mut dyn Read) -> Result<(), Stop> {
        let found = self.member(&entry, None);
        let budget = &self.walk.budget;
        budget.count_item(&found.path)?;
        let path = found.path.clone();
        let mut source = if self.expands {
            Source::new(Metered { inner: body, budget, path: &path }, budget)
        } else {
            Source::new(body, budget)
        };
        self.walk.open(found, &mut source, None)?;
        budget.check()
    }

    fn unread(&mut self, entry: Entry, note: Note) -> Result<(), Stop> {
        let kind = match note.code {
            "link_in_archive" => "link",
            "special_file" => "special",
            _ => "unknown",
        };
        let found = self.member(&entry, Some(note));
        self.walk.budget.count_item(&found.path)?;
        let size = found.size;
        self.walk.visitor.other(found, Facts { size, ..Facts::unread(kind) });
        self.walk.budget.check()
    }

    fn damage(&mut self, note: Note) {
        self.damaged = true;
        self.found.notes.push(note);
    }
}

/// Learns the names of an archive and reads nothing.
struct Names<'b, 'r> {
    layout: Layout,
    budget: &'b Budget<'r>,
}

impl Members for Names<'_, '_> {
    fn file(&mut self, entry: Entry, _: &mut dyn Read) -> Result<(), Stop> {
        self.layout.learn(&Name::new(&entry.raw));
        self.budget.count_item("")
    }

    fn unread(&mut self, entry: Entry, _: Note) -> Result<(), Stop> {
        self.layout.learn(&Name::new(&entry.raw));
        self.budget.count_item("")
    }

    fn damage(&mut self, _: Note) {}
}
