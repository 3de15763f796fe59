//! Zip, by its central directory.

use std::io::{self, Read, Seek};

use model::Time;
use zip::read::{OwnedZipFileEntry, ZipFile};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{ExtraField, ZipReadOptions};

use super::{Entry, Members, Note, by_unix_mode, encrypted};
use crate::collect::layout::Layout;
use crate::collect::name::Name;
use crate::collect::source::Stop;
use crate::collect::spool::ReadSeek;

/// Bytes of a member that are read to try a password.
const TRIAL: u64 = 64 << 20;

/// A zip whose directory could be found.
pub(crate) struct Zip<'b> {
    index: ZipIterable<&'b mut dyn ReadSeek>,
    /// The password that last opened a member for certain.
    proven: Option<usize>,
}

/// What the names of a zip show.
pub(crate) struct Survey {
    pub(crate) layout: Layout,
    /// It is an AFF4 container: a disk image.
    pub(crate) image: bool,
}

impl<'b> Zip<'b> {
    /// `None` where no directory is found at the end: a zip that was cut.
    pub(crate) fn open(body: &'b mut dyn ReadSeek) -> Option<Self> {
        let index = ZipIterable::try_new(body, zip::read::Config::default()).ok()?;
        Some(Self { index, proven: None })
    }

    /// Reads the names. `None` where not even the first can be read.
    pub(crate) fn survey(&mut self, most: u32) -> Option<Survey> {
        let mut survey = Survey { layout: Layout::default(), image: false };
        let mut aff4 = 0;
        let declared = self.index.len();
        let names = self.index.files().ok()?;
        let mut read = 0_usize;
        for entry in names.take(most as usize).map_while(Result::ok) {
            read += 1;
            aff4 += u32::from(matches!(
                entry.name_raw(),
                b"container.description" | b"information.turtle"
            ));
            // Folders are not learned: a tree on a disk and a stream of files do not tell of them.
            if !is_folder(entry.name_raw()) {
                survey.layout.learn(&Name::new(entry.name_raw()));
            }
        }
        survey.image = aff4 == 2;
        (read > 0 || declared == 0).then_some(survey)
    }

    /// Yields the members.
    pub(crate) fn walk(
        &mut self,
        passwords: &[String],
        members: &mut dyn Members,
    ) -> Result<(), Stop> {
        let Ok(files) = self.index.files() else { return Ok(()) };
        loop {
            let left = files.len();
            let entry = match files.next() {
                None => return Ok(()),
                Some(Ok(entry)) => OwnedZipFileEntry::from(entry),
                Some(Err(error)) => {
                    members.damage(Note::new(
                        "archive_damaged",
                        format!("its directory breaks off ({error}); {left} members are missing"),
                    ));
                    return Ok(());
                }
            };
            member(&entry, files.reader_mut(), (passwords, &mut self.proven), members)?;
        }
    }
}

type Keys<'k> = (&'k [String], &'k mut Option<usize>);

fn member<R: Read + Seek>(
    file: &OwnedZipFileEntry,
    body: &mut R,
    keys: Keys<'_>,
    members: &mut dyn Members,
) -> Result<(), Stop> {
    let entry = Entry {
        raw: file.name_raw().to_vec(),
        mtime: file.last_modified().and_then(dos_time),
        size: Some(file.size()),
    };
    if is_folder(&entry.raw) {
        return Ok(());
    }
    if let Some(note) = file.unix_mode().and_then(by_unix_mode) {
        return members.unread(Entry { size: None, ..entry }, note);
    }
    match open(file, body, keys) {
        Ok(mut opened) => {
            let mtime = opened.extra_data_fields().find_map(exact_time).or(entry.mtime);
            members.file(Entry { mtime, ..entry }, &mut opened)
        }
        Err(note) => members.unread(entry, note),
    }
}

fn open<'o, R: Read + Seek>(
    file: &'o OwnedZipFileEntry,
    body: &'o mut R,
    (passwords, proven): Keys<'_>,
) -> Result<ZipFile<'o, R>, Note> {
    let password = if file.encrypted() {
        let index = key(file, body, passwords, *proven)?;
        *proven = Some(index);
        passwords.get(index).map(String::as_bytes)
    } else {
        None
    };
    let options = ZipReadOptions::new().password(password);
    file.as_ref().with_reader(body, options).map_err(|error| unopened(&error))
}

/// Finds the password of a member. The check that the format itself offers lets one wrong password in 256
/// pass, so the member is read on trial unless its password opened another one before.
fn key<R: Read + Seek>(
    file: &OwnedZipFileEntry,
    body: &mut R,
    passwords: &[String],
    proven: Option<usize>,
) -> Result<usize, Note> {
    for index in proven.into_iter().chain(0..passwords.len()) {
        let Some(password) = passwords.get(index) else { continue };
        let options = ZipReadOptions::new().password(Some(password.as_bytes()));
        match file.as_ref().with_reader(body, options) {
            Ok(_) if proven == Some(index) => return Ok(index),
            Ok(opened) => {
                if io::copy(&mut opened.take(TRIAL), &mut io::sink()).is_ok() {
                    return Ok(index);
                }
            }
            Err(ZipError::InvalidPassword) => {}
            Err(error) => return Err(unopened(&error)),
        }
    }
    Err(encrypted(passwords.len()))
}

fn unopened(error: &ZipError) -> Note {
    match error {
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => Note::new(
            "unsupported_compression",
            format!(
                "{error}; not read. Unpack it with the tool that made it and hand in the folder"
            ),
        ),
        _ => Note::new("archive_damaged", format!("cannot be opened ({error}); not read")),
    }
}

fn is_folder(name: &[u8]) -> bool {
    name.last().is_some_and(|b| matches!(b, b'/' | b'\\'))
}

/// A time that the format states in UTC.
fn exact_time(field: &ExtraField) -> Option<Time> {
    match field {
        ExtraField::Ntfs(times) => Time::from_filetime(times.mtime()),
        ExtraField::ExtendedTimestamp(times) => {
            Time::from_unix_seconds(i64::from(times.mod_time()?.cast_signed()))
        }
        _ => None,
    }
}

/// The old field has no zone; it is shown as if it were UTC and carries no claim.
fn dos_time(at: zip::DateTime) -> Option<Time> {
    Time::parse(&format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}
