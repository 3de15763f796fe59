//! Where evidence goes: a folder, or memory.

use std::io;
use std::path::{Path, PathBuf};

/// Takes finished files.
pub trait Output {
    /// Takes one file with its path from the root of the evidence, parts separated by `/`.
    fn put(&mut self, path: &str, bytes: Vec<u8>) -> io::Result<()>;
}

impl Output for Vec<(String, Vec<u8>)> {
    fn put(&mut self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.push((path.to_owned(), bytes));
        Ok(())
    }
}

/// A folder on disk; sub-folders are made as needed.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder `root`, which need not exist yet.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self(root.as_ref().to_owned())
    }
}

impl Output for Folder {
    fn put(&mut self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        let full = self.0.join(path);
        if let Some(parent) = full.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(full, bytes)
    }
}
