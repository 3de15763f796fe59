//! The list of files that the product's maker shipped: paths, and the hashes each path had.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use crate::{ContentError, SourceFile};

/// Shipped files by path (lower case, below the install folder, with a backslash in front).
#[derive(Default)]
pub(super) struct KnownFiles {
    hashes: FxHashMap<String, FxHashSet<[u8; 32]>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    relative_path: &'a str,
    sha256: &'a str,
}

impl KnownFiles {
    /// Reads a table with the columns `relative_path` and `sha256`.
    pub(super) fn parse(file: &SourceFile) -> Result<Self, ContentError> {
        let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
        let headers = reader.headers().map_err(|e| file.error(e))?.clone();
        let (mut known, mut record) = (Self::default(), csv::StringRecord::new());
        while reader.read_record(&mut record).map_err(|e| file.error(e))? {
            let row: Row<'_> = record.deserialize(Some(&headers)).map_err(|e| file.error(e))?;
            let hash = sha256(row.sha256)
                .ok_or_else(|| file.error(format!("{} is no SHA-256", row.sha256)))?;
            known.hashes.entry(row.relative_path.to_lowercase()).or_default().insert(hash);
        }
        Ok(known)
    }

    /// Whether any build has a file at that path.
    pub(super) fn has_path(&self, path: &str) -> bool {
        self.hashes.contains_key(path)
    }

    /// Whether any build has that content at that path.
    pub(super) fn has_content(&self, path: &str, hash: &[u8; 32]) -> bool {
        self.hashes.get(path).is_some_and(|hashes| hashes.contains(hash))
    }

    /// The names of all files below a folder.
    pub(super) fn names_below(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.hashes
            .keys()
            .filter(move |path| path.starts_with(folder))
            .filter_map(|path| path.rsplit('\\').next())
    }
}

/// A SHA-256 in hexadecimal.
pub(super) fn sha256(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut hash = [0_u8; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}
