//! Archives: each yields its members, in its own order, to a [`Members`].

pub(crate) mod gzip;
pub(crate) mod salvage;
pub(crate) mod seven;
pub(crate) mod tar;
pub(crate) mod zip;

use std::io::Read;

use model::Time;

use super::source::Stop;

/// What an archive states of a member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Its name, as it stands there.
    pub(crate) raw: Vec<u8>,
    pub(crate) mtime: Option<Time>,
    pub(crate) size: Option<u64>,
}

/// Something wrong with one file, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    pub(crate) code: &'static str,
    pub(crate) effect: String,
}

impl Note {
    pub(crate) fn new(code: &'static str, effect: impl Into<String>) -> Self {
        Self { code, effect: effect.into() }
    }
}

/// Receives the members of an archive, each once.
pub(crate) trait Members {
    /// A file, whose bytes `body` yields.
    fn file(&mut self, entry: Entry, body: &mut dyn Read) -> Result<(), Stop>;
    /// A file or something like one that cannot or must not be read.
    fn unread(&mut self, entry: Entry, note: Note) -> Result<(), Stop>;
    /// Something wrong with the archive itself.
    fn damage(&mut self, note: Note);
}

/// The note for an encrypted archive or member.
pub(crate) fn encrypted(tried: usize) -> Note {
    let effect = match tried {
        0 => "encrypted and not read; hand in its password with --password-file".to_owned(),
        1 => "encrypted and not read: the password of --password-file does not fit".to_owned(),
        n => format!("encrypted and not read: none of the {n} passwords of --password-file fits"),
    };
    Note::new("encrypted", effect)
}

/// A link: never followed.
pub(crate) fn link() -> Note {
    Note::new("link_in_archive", "a link inside an archive; not followed")
}

/// A device, pipe or socket.
pub(crate) fn special() -> Note {
    Note::new("special_file", "a device, pipe or socket; not read")
}

/// What stands for a member's kind by the mode of a Unix system, if it is no file or folder.
pub(crate) fn by_unix_mode(mode: u32) -> Option<Note> {
    match mode & 0o170_000 {
        0o120_000 => Some(link()),
        0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => Some(special()),
        _ => None,
    }
}
