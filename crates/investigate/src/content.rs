//! The content that judges: embedded in the program, or a folder that the caller names.

use std::io::Read as _;
use std::path::Path;

use detect::SourceFile;
use sha2::{Digest as _, Sha256};

use crate::rule_archive;

/// All files of the content, in the order of their names.
#[derive(Clone, Debug)]
pub struct Content {
    files: Vec<SourceFile>,
    samples: Vec<SourceFile>,
}

/// Content or rules that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Embedded content is broken: a fault of the build.
    #[error("embedded content is damaged; build again")]
    Embedded,
    /// A folder cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// An archive of rules cannot be read.
    #[error("{path}: this archive of rules cannot be read: {reason}")]
    Archive {
        /// The archive.
        path: String,
        /// Why.
        reason: String,
    },
    /// A folder of rules holds none.
    #[error(
        "no .yml or .yaml file in {0}: --rules wants a rule file, or a folder or zip of Sigma rules"
    )]
    NoRules(String),
}

impl Content {
    /// The content that the program was built with.
    pub fn embedded() -> Result<Self, ContentError> {
        Ok(Self {
            files: unpack(include_bytes!(concat!(env!("OUT_DIR"), "/content.bin")))?,
            samples: unpack(include_bytes!(concat!(env!("OUT_DIR"), "/samples.bin")))?,
        })
    }

    /// The content of a folder.
    pub fn from_folder(folder: &Path) -> Result<Self, ContentError> {
        let mut files = Vec::new();
        walk(folder, folder, &mut files, &|_| true)?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let is_sample = |file: &SourceFile| extension(Path::new(&file.name)) == "jsonl";
        let (samples, files) = files.into_iter().partition(is_sample);
        Ok(Self { files, samples })
    }

    /// The files.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The samples that lie beside the rules. They judge nothing and are no part of the content's hash.
    pub fn samples(&self) -> &[SourceFile] {
        &self.samples
    }

    /// What the content calls its version.
    pub fn version(&self) -> String {
        let file = self.files.iter().find(|f| f.name == "VERSION");
        file.map_or_else(
            || "unversioned".to_owned(),
            |f| String::from_utf8_lossy(&f.bytes).trim().to_owned(),
        )
    }

    /// SHA-256 over the names and bytes of these files and `more`.
    pub fn sha256<'m>(&'m self, more: impl IntoIterator<Item = &'m SourceFile>) -> String {
        let mut hasher = Sha256::new();
        for file in self.files.iter().chain(more) {
            hasher.update((file.name.len() as u64).to_le_bytes());
            hasher.update(&file.name);
            hasher.update((file.bytes.len() as u64).to_le_bytes());
            hasher.update(&file.bytes);
        }
        hex(&hasher.finalize())
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unpack(packed: &[u8]) -> Result<Vec<SourceFile>, ContentError> {
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(packed)
        .read_to_end(&mut bytes)
        .map_err(|_| ContentError::Embedded)?;
    let mut rest = bytes.as_slice();
    let mut files = Vec::new();
    while !rest.is_empty() {
        let name = take(&mut rest).ok_or(ContentError::Embedded)?;
        let bytes = take(&mut rest).ok_or(ContentError::Embedded)?;
        let name = String::from_utf8_lossy(name).into_owned();
        files.push(SourceFile { name, bytes: bytes.to_vec() });
    }
    Ok(files)
}

fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, tail) = rest.split_first_chunk::<8>()?;
    let (part, tail) = tail.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *rest = tail;
    Some(part)
}

/// The rule files that a user names: a file, or all `.yml` and `.yaml` of a folder or a zip archive.
pub fn user_rules(paths: &[std::path::PathBuf]) -> Result<Vec<SourceFile>, ContentError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        let is_rule = |path: &Path| matches!(extension(path).as_str(), "yml" | "yaml");
        if path.is_dir() {
            walk(path, path, &mut files, &is_rule)?;
        } else {
            let bytes = fs_err::read(path)?;
            if rule_archive::is_archive(&bytes) {
                let broken =
                    |reason| ContentError::Archive { path: path.display().to_string(), reason };
                files.extend(rule_archive::members(&bytes, &is_rule).map_err(broken)?);
            } else {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.push(SourceFile { name, bytes });
            }
        }
        if files.len() == before {
            return Err(ContentError::NoRules(path.display().to_string()));
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The tuning files that a user names, each under the name that he typed.
pub fn tuning_files(paths: &[std::path::PathBuf]) -> std::io::Result<Vec<SourceFile>> {
    let read = |path: &std::path::PathBuf| {
        let name = path.to_string_lossy().replace('\\', "/");
        fs_err::read(path).map(|bytes| SourceFile { name, bytes })
    };
    paths.iter().map(read).collect()
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn walk(
    root: &Path,
    dir: &Path,
    files: &mut Vec<SourceFile>,
    wanted: &dyn Fn(&Path) -> bool,
) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if kind.is_dir() {
            walk(root, &path, files, wanted)?;
        } else if kind.is_file() && wanted(&path) {
            files.push(SourceFile { name, bytes: fs_err::read(&path)? });
        }
    }
    Ok(())
}
