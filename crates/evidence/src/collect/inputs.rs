//! What was handed in: arguments made canonical, folders listed, each file with its place.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use model::Time;
use model::case::ReadState;

use super::archive::Note;
use super::layout::Layout;
use super::name::{Name, Unique, printable};
use super::{Facts, Found, Place, RootName};
use crate::{Options, ReadError};

/// Everything that was handed in, as a list of files.
pub(crate) struct Survey {
    arguments: Vec<Argument>,
    files: Vec<Listed>,
}

/// One argument.
struct Argument {
    /// Its canonical path.
    path: PathBuf,
    folder: bool,
    /// The end of `path` that tells it from the other arguments.
    label: String,
    layout: Layout,
}

/// One file of an argument.
struct Listed {
    argument: usize,
    /// Below the argument; empty for the argument itself.
    below: PathBuf,
    /// A custody path other than the one that follows from `below`.
    renamed: Option<String>,
    size: u64,
    mtime: Option<Time>,
    nature: Nature,
}

enum Nature {
    File,
    Pipe,
    /// Not to be opened.
    Unread {
        kind: &'static str,
        note: Note,
    },
}

/// One piece of work: a file that was handed in, alone or in a folder.
pub(crate) struct Work {
    pub(crate) file: PathBuf,
    pub(crate) found: Found,
    /// Not to be opened at all.
    pub(crate) unread: Option<Facts>,
    pub(crate) seekable: bool,
}

/// Lists what was handed in.
pub(crate) fn survey(inputs: &[PathBuf], options: &Options) -> Result<Survey, ReadError> {
    let exclude: Vec<_> =
        options.exclude.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let mut survey = Survey { arguments: arguments(inputs, &exclude)?, files: Vec::new() };
    for index in 0..survey.arguments.len() {
        let Some(argument) = survey.arguments.get(index) else { break };
        let mut lister = Lister { argument: index, exclude: &exclude, options, files: Vec::new() };
        lister.list(argument)?;
        let files = lister.files;
        survey.settle(index, files);
    }
    let total = survey.files.iter().map(|file| file.size).sum();
    options.progress.total.fetch_add(total, Ordering::Relaxed);
    // The largest first: a big archive that is begun last would run alone at the end.
    survey.files.sort_by_key(|file| std::cmp::Reverse(file.size));
    Ok(survey)
}

impl Survey {
    /// How many pieces of work there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// One piece of work.
    pub(crate) fn work(&self, index: usize) -> Option<Work> {
        let listed = self.files.get(index)?;
        let argument = self.arguments.get(listed.argument)?;
        let name = argument.name(&listed.below);
        let mut notes = Vec::new();
        let mut unread = None;
        if let Nature::Unread { kind, note } = &listed.nature {
            notes.push(note.clone());
            unread = Some(Facts::unread(kind));
        }
        let file = if listed.below.as_os_str().is_empty() {
            argument.path.clone()
        } else {
            argument.path.join(&listed.below)
        };
        let found = Found {
            path: listed.renamed.clone().unwrap_or_else(|| argument.custody(&name)),
            place: argument.place(&name),
            mtime: listed.mtime,
            mtime_basis: if listed.mtime.is_some() { "file_system" } else { "unknown" },
            size: matches!(listed.nature, Nature::File).then_some(listed.size),
            depth: 0,
            notes,
        };
        Some(Work { file, found, unread, seekable: matches!(listed.nature, Nature::File) })
    }

    /// Learns the drives of an argument and makes its custody paths unique.
    fn settle(&mut self, index: usize, mut files: Vec<Listed>) {
        let Some(argument) = self.arguments.get_mut(index) else { return };
        let mut unique = Unique::default();
        for file in &mut files {
            let name = argument.name(&file.below);
            argument.layout.learn(&name);
            let path = argument.custody(&name);
            file.renamed = Some(unique.name(path.clone())).filter(|renamed| *renamed != path);
        }
        self.files.append(&mut files);
    }
}

impl Argument {
    /// The name of a file below, with the argument's own last component in front: it may be a drive.
    fn name(&self, below: &Path) -> Name {
        let mut raw = last(&self.path).as_encoded_bytes().to_vec();
        if raw.is_empty() {
            raw = b"root".to_vec();
        }
        for part in below.components() {
            raw.push(b'/');
            raw.extend_from_slice(part.as_os_str().as_encoded_bytes());
        }
        Name::new(&raw)
    }

    fn custody(&self, name: &Name) -> String {
        let below = name.parts().get(1..).unwrap_or_default();
        std::iter::once(self.label.as_str())
            .chain(below.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("/")
    }

    fn place(&self, name: &Name) -> Place {
        let spot = self.layout.place(name);
        // Without a drive, a folder is its own collection, and a file belongs to the folder around it.
        let top = usize::from(self.folder);
        let depth = spot.root.unwrap_or(top);
        let below = match spot.root {
            Some(_) => spot.below,
            None => name.parts().get(top..).unwrap_or_default().to_vec(),
        };
        let windows_path = spot.drive.map(|letter| windows_path(letter, &below));
        Place { root: self.root(name, depth), logical: below.join("/"), windows_path }
    }

    /// The folder that has `depth` components of `name` above it, counted from the argument's parent.
    fn root(&self, name: &Name, depth: usize) -> RootName {
        let parent = self.path.parent().unwrap_or(Path::new(""));
        let mut key = format!("folder:{}", printable(parent.as_os_str().as_encoded_bytes()));
        let above = name.parts().get(..depth).unwrap_or_default();
        for part in above {
            key.push('/');
            key.push_str(part);
        }
        let path = match above.get(1..) {
            Some(rest) => {
                let label = std::iter::once(self.label.as_str());
                label.chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join("/")
            }
            None => printable(last(parent).as_encoded_bytes()),
        };
        RootName { key, path }
    }
}

/// The path on the host of something whose first component is its drive.
pub(crate) fn windows_path(letter: char, below: &[String]) -> String {
    format!("{letter}:\\{}", below.get(1..).unwrap_or_default().join("\\"))
}

fn last(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The arguments in canonical form, each once, without those that lie in another one.
fn arguments(inputs: &[PathBuf], exclude: &[PathBuf]) -> Result<Vec<Argument>, ReadError> {
    let mut paths = inputs
        .iter()
        .map(|path| {
            canonical(path).map_err(|source| ReadError::Input { path: path.clone(), source })
        })
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    paths.dedup();
    let mut kept: Vec<(PathBuf, bool)> = Vec::new();
    for (path, folder) in paths {
        // In sorted order, the folder around a path is the last one kept, or one around that.
        let covered = kept.iter().rev().any(|(outer, is_folder)| {
            *is_folder
                && path.starts_with(outer)
                && !exclude.iter().any(|e| path.starts_with(e) && e.starts_with(outer))
        });
        if !covered {
            kept.push((path, folder));
        }
    }
    let labels = labels(&kept.iter().map(|(path, _)| path.as_path()).collect::<Vec<_>>());
    Ok(kept
        .into_iter()
        .zip(labels)
        .map(|((path, folder), label)| Argument { path, folder, label, layout: Layout::default() })
        .collect())
}

/// A path without links, and whether it is a folder. A pipe may have no such path.
fn canonical(path: &Path) -> io::Result<(PathBuf, bool)> {
    let metadata = fs::metadata(path)?;
    let canonical = match fs::canonicalize(path) {
        Ok(canonical) => canonical,
        Err(_) if is_pipe(&metadata) => std::path::absolute(path)?,
        Err(error) => return Err(error),
    };
    Ok((canonical, metadata.is_dir()))
}

/// For each path its shortest end that is no beginning of, and does not begin with, the end of another.
fn labels(paths: &[&Path]) -> Vec<String> {
    let components: Vec<Vec<String>> = paths.iter().map(|path| normal_components(path)).collect();
    let mut counts = vec![1_usize; paths.len()];
    let label = |index: usize, count: usize| -> &[String] {
        let all = components.get(index).map(Vec::as_slice).unwrap_or_default();
        all.get(all.len().saturating_sub(count)..).unwrap_or_default()
    };
    loop {
        let mut order: Vec<(&[String], usize)> =
            counts.iter().enumerate().map(|(index, count)| (label(index, *count), index)).collect();
        order.sort();
        let mut clashing: Vec<usize> = Vec::new();
        for pair in order.windows(2) {
            if let [(first, a), (second, b)] = pair
                && second.starts_with(first)
            {
                clashing.extend([*a, *b]);
            }
        }
        let mut grew = false;
        for index in clashing {
            let longest = components.get(index).map_or(0, Vec::len);
            if let Some(count) = counts.get_mut(index).filter(|count| **count < longest) {
                *count += 1;
                grew = true;
            }
        }
        if !grew {
            break;
        }
    }
    let mut unique = Unique::default();
    counts
        .iter()
        .enumerate()
        .map(|(index, count)| match label(index, *count).join("/") {
            empty if empty.is_empty() => unique.name("root".to_owned()),
            path => unique.name(path),
        })
        .collect()
}

fn normal_components(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(printable(part.as_encoded_bytes())),
            _ => None,
        })
        .collect()
}

/// Lists the files of one argument.
struct Lister<'l> {
    argument: usize,
    exclude: &'l [PathBuf],
    options: &'l Options,
    files: Vec<Listed>,
}

impl Lister<'_> {
    fn list(&mut self, argument: &Argument) -> Result<(), ReadError> {
        let input = |source| ReadError::Input { path: argument.path.clone(), source };
        let metadata = fs::metadata(&argument.path).map_err(input)?;
        if !metadata.is_dir() {
            if metadata.is_file() {
                fs::File::open(&argument.path).map_err(input)?;
            }
            self.add(PathBuf::new(), &metadata, true);
            return Ok(());
        }
        fs::read_dir(&argument.path).map_err(input)?;
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            if self.options.cancel.load(Ordering::Relaxed) {
                return Err(ReadError::Interrupted);
            }
            if !self.folder(&argument.path, folder, &mut folders) {
                break;
            }
        }
        Ok(())
    }

    /// Lists one folder and puts the folders in it on the stack; false where the limit was hit.
    fn folder(&mut self, top: &Path, below: PathBuf, folders: &mut Vec<PathBuf>) -> bool {
        let most = self.options.limits.max_items as usize;
        let path = if below.as_os_str().is_empty() { top.to_path_buf() } else { top.join(&below) };
        let names = match names(&path, most) {
            Ok(names) => names,
            Err(error) => {
                self.unread(below, "folder", unlisted(&error));
                return true;
            }
        };
        let mut inner = Vec::new();
        for name in names {
            let below = below.join(&name);
            let path = path.join(&name);
            if self.files.len() >= most {
                let effect = format!("more than {most} files; the rest was not read");
                self.unread(below, "folder", Note::new("limit_items", effect));
                return false;
            }
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    if !self.exclude.contains(&path) {
                        inner.push(below);
                    }
                }
                Ok(metadata) => self.add(below, &metadata, false),
                Err(error) => self.unread(below, "unknown", unlisted(&error)),
            }
        }
        folders.extend(inner.into_iter().rev());
        true
    }

    fn add(&mut self, below: PathBuf, metadata: &std::fs::Metadata, is_argument: bool) {
        let nature = if metadata.is_file() {
            Nature::File
        } else if metadata.is_symlink() {
            Nature::Unread { kind: "link", note: Note::new("link_skipped", "a link; not followed") }
        } else if is_argument && is_pipe(metadata) {
            Nature::Pipe
        } else {
            let effect = "a device, pipe or socket; not read";
            Nature::Unread { kind: "special", note: Note::new("special_file", effect) }
        };
        let size = if metadata.is_file() { metadata.len() } else { 0 };
        let mtime = metadata.modified().ok().and_then(time);
        self.files.push(Listed {
            argument: self.argument,
            below,
            renamed: None,
            size,
            mtime,
            nature,
        });
    }

    fn unread(&mut self, below: PathBuf, kind: &'static str, note: Note) {
        let nature = Nature::Unread { kind, note };
        self.files.push(Listed {
            argument: self.argument,
            below,
            renamed: None,
            size: 0,
            mtime: None,
            nature,
        });
    }
}

/// The names in a folder, sorted; of a folder far above the limit, only so many.
fn names(path: &Path, most: usize) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)?.take(most.saturating_add(1)) {
        names.push(entry?.file_name());
    }
    names.sort();
    Ok(names)
}

fn unlisted(error: &io::Error) -> Note {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => "no_permission",
        _ => "unreadable",
    };
    Note::new(code, format!("not read: {}", error.kind()))
}

fn time(at: SystemTime) -> Option<Time> {
    let nanos = match at.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok()?,
        Err(before) => i64::try_from(before.duration().as_nanos()).ok()?.checked_neg()?,
    };
    Some(Time::from_unix_nanos(nanos, 9))
}

#[cfg(unix)]
fn is_pipe(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

impl Facts {
    /// For something that is not opened.
    pub(crate) fn unread(kind: &'static str) -> Self {
        Self { kind, size: None, sha256: None, read: ReadState::None }
    }
}

/// Why a file that is there could not be opened.
pub(crate) fn unopened(error: &io::Error) -> Note {
    unlisted(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_they_can_be() {
        for (paths, expected) in [
            (&["/x/tree"][..], &["tree"][..]),
            (&["/a/tree", "/b/tree"], &["a/tree", "b/tree"]),
            (&["/p/a", "/q/a/tree", "/r/tree"], &["p/a", "q/a/tree", "r/tree"]),
            (&["/tree", "/x/tree"], &["tree", "x/tree"]),
            (&["/"], &["root"]),
        ] {
            let paths: Vec<_> = paths.iter().map(Path::new).collect();
            assert_eq!(labels(&paths), expected);
        }
    }
}
