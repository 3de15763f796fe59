//! 7z, block by block.

use std::io::{self, Read};

use model::Time;
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};

use super::{Entry, Members, Note, by_unix_mode, encrypted, link};
use crate::collect::layout::Layout;
use crate::collect::name::Name;
use crate::collect::source::Stop;
use crate::collect::spool::ReadSeek;

/// KiB that a header or a dictionary may take; the largest preset of 7-Zip needs 256 MiB.
const MEMORY_KIB: usize = 288 << 10;
/// Bytes of a member that are read to try a password.
const TRIAL: u64 = 64 << 20;

/// A 7z whose header was read.
pub(crate) struct Seven {
    archive: Archive,
    /// The password that the header needed.
    header_key: Option<Password>,
}

impl Seven {
    /// Reads the header, with a password if it needs one.
    pub(crate) fn open(body: &mut dyn ReadSeek, passwords: &[String]) -> Result<Self, Note> {
        match read_header(body, &Password::empty()) {
            Ok(archive) => Ok(Self { archive, header_key: None }),
            Err(Error::PasswordRequired) => passwords
                .iter()
                .map(|password| Password::new(password))
                .find_map(|key| Some((read_header(body, &key).ok()?, key)))
                .map(|(archive, key)| Self { archive, header_key: Some(key) })
                .ok_or_else(|| encrypted(passwords.len())),
            Err(error) => Err(unopened(&error)),
        }
    }

    /// Where the drives lie.
    pub(crate) fn layout(&self, most: u32) -> Layout {
        let mut layout = Layout::default();
        let files = self.archive.files.iter().filter(|file| !file.is_directory());
        for file in files.take(most as usize) {
            layout.learn(&Name::new(file.name().as_bytes()));
        }
        layout
    }

    /// Yields the members.
    pub(crate) fn walk(
        &self,
        body: &mut dyn ReadSeek,
        passwords: &[String],
        members: &mut dyn Members,
    ) -> Result<(), Stop> {
        for file in self.archive.files.iter().filter(|file| !file.has_stream()) {
            empty(file, members)?;
        }
        let key = self.content_key(body, passwords);
        for index in 0..self.archive.blocks.len() {
            match &key {
                None if self.is_encrypted(index) => {
                    self.unread_block(index, 0, &encrypted(passwords.len()), members)?;
                }
                _ => {
                    let key = key.clone().unwrap_or_default();
                    self.block(index, &key, body, members)?;
                }
            }
        }
        Ok(())
    }

    fn is_encrypted(&self, block: usize) -> bool {
        let first = self.archive.stream_map.block_first_file_index.get(block);
        first.is_some_and(|file| self.archive.is_file_encrypted(*file))
    }

    /// The password that reads the smallest member that can be read without others; `None` if none does.
    fn content_key(&self, body: &mut dyn ReadSeek, passwords: &[String]) -> Option<Password> {
        let firsts = (0..self.archive.blocks.len())
            .filter(|block| self.is_encrypted(*block))
            .filter_map(|block| Some((self.files_of(block).next()?.size(), block)));
        let (_, block) = firsts.min()?;
        let candidates = self.header_key.iter().cloned();
        candidates.chain(passwords.iter().map(|password| Password::new(password))).find(|key| {
            let mut fits = false;
            let mut source = &mut *body;
            let decoder = BlockDecoder::new_with_memory_limit(
                1,
                MEMORY_KIB,
                block,
                &self.archive,
                key,
                &mut source,
            );
            // The end of the block is not waited for: the member's own checksum has spoken.
            let _ = decoder.for_each_entries(&mut |file: &ArchiveEntry, reader: &mut dyn Read| {
                fits =
                    file.has_stream() && io::copy(&mut reader.take(TRIAL), &mut io::sink()).is_ok();
                Ok(!file.has_stream())
            });
            fits
        })
    }

    /// Members of a block that have bytes.
    fn files_of(&self, block: usize) -> impl Iterator<Item = &ArchiveEntry> {
        let blocks = &self.archive.stream_map.file_block_index;
        self.archive
            .files
            .iter()
            .zip(blocks)
            .filter(move |(file, at)| **at == Some(block) && file.has_stream())
            .map(|(file, _)| file)
    }

    fn block(
        &self,
        index: usize,
        key: &Password,
        body: &mut dyn ReadSeek,
        members: &mut dyn Members,
    ) -> Result<(), Stop> {
        let mut stop = None;
        let mut done = 0;
        let mut source = body;
        let decoder = BlockDecoder::new_with_memory_limit(
            1,
            MEMORY_KIB,
            index,
            &self.archive,
            key,
            &mut source,
        );
        let outcome =
            decoder.for_each_entries(&mut |file: &ArchiveEntry, reader: &mut dyn Read| {
                if !file.has_stream() {
                    return Ok(true);
                }
                done += 1;
                let told = match unfit(file) {
                    Some(note) => members.unread(entry(file), note),
                    None => members.file(entry(file), reader),
                };
                stop = told.err();
                Ok(stop.is_none())
            });
        match (stop, outcome) {
            (Some(stop), _) => Err(stop),
            (None, Ok(_)) => Ok(()),
            (None, Err(error)) => {
                let note = unopened(&error);
                members.damage(note.clone());
                self.unread_block(index, done, &note, members)
            }
        }
    }

    fn unread_block(
        &self,
        block: usize,
        done: usize,
        note: &Note,
        members: &mut dyn Members,
    ) -> Result<(), Stop> {
        for file in self.files_of(block).skip(done) {
            members.unread(entry(file), note.clone())?;
        }
        Ok(())
    }
}

fn read_header(body: &mut dyn ReadSeek, key: &Password) -> Result<Archive, Error> {
    let mut source = body;
    Archive::read_with_memory_limit(&mut source, key, MEMORY_KIB)
}

/// A member without bytes: a folder, or an empty file.
fn empty(file: &ArchiveEntry, members: &mut dyn Members) -> Result<(), Stop> {
    if file.is_directory() || file.is_anti_item() {
        return Ok(());
    }
    members.file(entry(file), &mut io::empty())
}

fn entry(file: &ArchiveEntry) -> Entry {
    let mtime = file.has_last_modified_date.then(|| u64::from(file.last_modified_date()));
    Entry {
        raw: file.name().as_bytes().to_vec(),
        mtime: mtime.and_then(Time::from_filetime),
        size: Some(file.size()),
    }
}

/// Links, and whatever else a Unix system packed.
fn unfit(file: &ArchiveEntry) -> Option<Note> {
    const UNIX: u32 = 0x8000;
    const REPARSE_POINT: u32 = 0x400;
    let attributes = if file.has_windows_attributes { file.windows_attributes() } else { 0 };
    if attributes & UNIX != 0 {
        return by_unix_mode(attributes >> 16);
    }
    (attributes & REPARSE_POINT != 0).then(link)
}

fn unopened(error: &Error) -> Note {
    match error {
        Error::MaxMemLimited { .. } => Note::new(
            "limit_memory",
            format!(
                "needs more than {} MiB of memory to unpack; not read. Pack it again with a smaller dictionary",
                MEMORY_KIB >> 10
            ),
        ),
        Error::UnsupportedCompressionMethod(_)
        | Error::Unsupported(_)
        | Error::ExternalUnsupported => Note::new(
            "unsupported_compression",
            format!(
                "{error}; not read. Unpack it with the tool that made it and hand in the folder"
            ),
        ),
        _ => Note::new(
            "archive_damaged",
            format!(
                "cannot be read further ({error}); what stands behind is missing. The index of a 7z is at its end: one that was cut cannot be read at all, ask for it again"
            ),
        ),
    }
}
