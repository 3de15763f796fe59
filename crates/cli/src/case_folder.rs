//! Writing case folders so that a run that is killed leaves the old case or the new one, never a half.
//!
//! A case is written whole to `.assay-new-<host>` beside its place and renamed in. Where a case exists and
//! may be replaced, it is first renamed to `.assay-old-<host>`; [`mend`] finishes or undoes a swap that was
//! cut off between the two renames.
//!
//! The output folder may be evidence too, and the names of hosts and of files in evidence are the attacker's
//! to choose. So no folder is replaced, deleted or left out of the evidence because of its name: it must
//! hold what this program writes, and nothing else.

use std::fs::TryLockError;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use model::case::Case;

use crate::exit::{Exit, Failure};

const NEW: &str = ".assay-new-";
const OLD: &str = ".assay-old-";
const CASE_JSON: &str = "case.json";
const REPORT: &str = "report.html";
const TIMELINE: &str = "timeline.csv";
const RUN: &str = "run.json";
/// All that lies in a case folder.
const FILES: [&str; 4] = [CASE_JSON, REPORT, TIMELINE, RUN];

/// The output folder, held by this run alone.
pub(crate) struct Output {
    dir: PathBuf,
    /// Held while this lives; `None` on a file system that knows no locks.
    _lock: Option<fs_err::File>,
}

/// Why cases were not written.
enum NotWritten {
    Io(io::Error),
    Interrupted,
}

impl From<io::Error> for NotWritten {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Output {
    /// Makes the folder if need be, takes it, mends what an earlier run left half done, and tries whether it
    /// can be written to, before hours are spent on reading.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let not_writable = |e: io::Error| {
            Failure::new(Exit::Unusable, e)
                .help("no case can be written there; choose another folder with --out")
        };
        fs_err::create_dir_all(dir).map_err(not_writable)?;
        let lock = lock(dir).map_err(not_writable)?;
        let Ok(lock) = lock else {
            return Err(Failure::unusable(format!("another run is writing to {}", dir.display()))
                .help("wait for it, or choose another folder with --out"));
        };
        mend(dir).map_err(not_writable)?;
        let probe = dir.join(NEW);
        fs_err::create_dir(&probe)
            .and_then(|()| fs_err::remove_dir(&probe))
            .map_err(not_writable)?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// Folder of a case.
    pub(crate) fn folder(&self, case: &Case) -> PathBuf {
        self.dir.join(&case.case_id)
    }

    /// Where the report of a case lies.
    pub(crate) fn report(&self, case: &Case) -> PathBuf {
        self.folder(case).join(REPORT)
    }

    /// The case folders that lie in the output folder: results are no evidence.
    pub(crate) fn cases(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs_err::read_dir(&self.dir) else { return Vec::new() };
        let mut folders: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|e| e.path()).filter(|p| is_case(p)).collect();
        folders.sort();
        folders
    }

    /// Refuses before anything is written where a case exists and may not be replaced, or where something
    /// else has its name.
    pub(crate) fn refuse_existing(&self, cases: &[Case], force: bool) -> Result<(), Failure> {
        for folder in cases.iter().map(|c| self.folder(c)) {
            if folder.symlink_metadata().is_err() {
                continue;
            }
            if !is_case(&folder) {
                let message = format!(
                    "{} exists, and holds other things than a case; nothing was written",
                    folder.display()
                );
                return Err(Failure::usage(message)
                    .help("choose another folder with --out, or move what lies there away"));
            }
            if !force {
                return Err(Failure::usage(format!(
                    "{} exists; nothing was written",
                    folder.display()
                ))
                .help("replace it with --force, or choose another folder with --out"));
            }
        }
        Ok(())
    }

    /// Writes all cases, then swaps them in one by one; `None` where it was interrupted before the first swap.
    pub(crate) fn write(
        &self,
        cases: &[Case],
        cancel: &AtomicBool,
        run_json: &dyn Fn(&Case) -> Vec<u8>,
    ) -> Result<Option<()>, Failure> {
        let staged = cases.iter().try_for_each(|case| self.stage(case, cancel, run_json));
        if staged.is_err() {
            for case in cases {
                let folder = self.beside(NEW, case);
                if only_ours(&folder) {
                    let _ = fs_err::remove_dir_all(folder);
                }
            }
        }
        match staged {
            Err(NotWritten::Interrupted) => return Ok(None),
            Err(NotWritten::Io(error)) => {
                return Err(Failure::new(Exit::Unusable, error)
                    .help("nothing was changed; free space, or choose another folder with --out"));
            }
            Ok(()) => {}
        }
        for case in cases {
            self.swap(case)?;
        }
        Ok(Some(()))
    }

    fn beside(&self, prefix: &str, case: &Case) -> PathBuf {
        self.dir.join(format!("{prefix}{}", case.case_id))
    }

    fn stage(
        &self,
        case: &Case,
        cancel: &AtomicBool,
        run_json: &dyn Fn(&Case) -> Vec<u8>,
    ) -> Result<(), NotWritten> {
        if cancel.load(Ordering::Relaxed) {
            return Err(NotWritten::Interrupted);
        }
        let folder = self.beside(NEW, case);
        fs_err::create_dir(&folder)?;
        for (name, bytes) in [
            (CASE_JSON, publish::case_json(case)),
            (REPORT, publish::report_html(case).into_bytes()),
            (TIMELINE, publish::timeline_csv(case)),
            (RUN, run_json(case)),
        ] {
            let mut file = fs_err::File::create(folder.join(name))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn swap(&self, case: &Case) -> io::Result<()> {
        let (place, old) = (self.folder(case), self.beside(OLD, case));
        let replaced = place.symlink_metadata().is_ok();
        if replaced {
            fs_err::rename(&place, &old)?;
        }
        if let Err(error) = fs_err::rename(self.beside(NEW, case), &place) {
            if replaced {
                let _ = fs_err::rename(&old, &place);
            }
            return Err(error);
        }
        if replaced {
            fs_err::remove_dir_all(&old)?;
        }
        Ok(())
    }
}

/// Takes the folder for this run: `Ok(Err(()))` where another run has it.
fn lock(dir: &Path) -> io::Result<Result<Option<fs_err::File>, ()>> {
    let file = lock_file(dir)?;
    match file.file().try_lock() {
        Ok(()) => Ok(Ok(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(Err(())),
        // Some network shares know no locks. A case is still swapped in whole.
        Err(TryLockError::Error(_)) => Ok(Ok(None)),
    }
}

/// The folder itself: nothing is left behind in it, and every run meets there whatever its temporary folder.
#[cfg(unix)]
fn lock_file(dir: &Path) -> io::Result<fs_err::File> {
    fs_err::File::open(dir)
}

/// Where a folder cannot be locked, a file among the temporary ones stands for it.
#[cfg(not(unix))]
fn lock_file(dir: &Path) -> io::Result<fs_err::File> {
    let place = fs_err::canonicalize(dir)?;
    let hash = investigate::sha256(place.as_os_str().as_encoded_bytes());
    let name = format!("assay-{}.lock", hash.get(..16).unwrap_or_default());
    let options = fs_err::OpenOptions::new().create(true).truncate(false).write(true).clone();
    options.open(std::env::temp_dir().join(name))
}

/// Whether this is a folder that holds nothing but files of a case, perhaps not all of them.
fn only_ours(folder: &Path) -> bool {
    let is_folder = folder.symlink_metadata().is_ok_and(|m| m.is_dir());
    let ours = |entry: io::Result<fs_err::DirEntry>| {
        entry.is_ok_and(|entry| {
            let named = entry.file_name().to_str().is_some_and(|name| FILES.contains(&name));
            named && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
    };
    is_folder && fs_err::read_dir(folder).is_ok_and(|mut entries| entries.all(ours))
}

/// Whether this is a case folder and holds nothing else.
fn is_case(folder: &Path) -> bool {
    let mut head = Vec::new();
    // What is opened must be a file: a pipe of that name would never end.
    let read = only_ours(folder)
        && fs_err::File::open(folder.join(CASE_JSON))
            .and_then(|file| file.take(64).read_to_end(&mut head))
            .is_ok();
    read && String::from_utf8_lossy(&head).contains("\"assay.case/")
}

/// Finishes or undoes swaps that were cut off: a case renamed aside comes back where the new one did not get
/// in, and goes where it did; what was only half written goes.
fn mend(dir: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        if !(name.starts_with(NEW) || name.starts_with(OLD)) || !only_ours(&path) {
            continue;
        }
        match name.strip_prefix(OLD).map(|host| dir.join(host)) {
            Some(place) if place.symlink_metadata().is_err() => fs_err::rename(&path, &place)?,
            _ => fs_err::remove_dir_all(&path)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(dir: &Path, name: &str, content: &str) {
        fs_err::create_dir_all(dir.join(name)).unwrap();
        fs_err::write(dir.join(name).join("case.json"), content).unwrap();
    }

    fn content(dir: &Path, name: &str) -> Option<String> {
        fs_err::read_to_string(dir.join(name).join("case.json")).ok()
    }

    #[test]
    fn a_swap_cut_off_before_the_new_case_was_in_brings_the_old_one_back() {
        let dir = tempfile::tempdir().unwrap();
        folder_with(dir.path(), ".assay-old-ex01", "old");
        folder_with(dir.path(), ".assay-new-ex01", "half");
        mend(dir.path()).unwrap();
        assert_eq!(content(dir.path(), "ex01").as_deref(), Some("old"));
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_swap_cut_off_after_the_new_case_was_in_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        folder_with(dir.path(), ".assay-old-ex01", "old");
        folder_with(dir.path(), "ex01", "new");
        mend(dir.path()).unwrap();
        assert_eq!(content(dir.path(), "ex01").as_deref(), Some("new"));
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_alone_makes_nothing_ours() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".assay-new-x", ".assay-old-x", ".assay-old-y"] {
            folder_with(dir.path(), name, "planted");
            fs_err::write(dir.path().join(name).join("u_ex210301.log"), "evidence").unwrap();
        }
        folder_with(dir.path(), "y", "{}");
        mend(dir.path()).unwrap();
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 4);
        assert!(!is_case(&dir.path().join("y")));
    }
}
