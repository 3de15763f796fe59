//! Writing case folders so that a run that is killed leaves the old case or the new one, never a half.
//!
//! A case is written whole to `.assay-new-<host>` beside its place and renamed in. Where a case exists and
//! may be replaced, it is first renamed to `.assay-old-<host>`; [`mend`] finishes or undoes a swap that was
//! cut off between the two renames.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use model::case::Case;

use crate::exit::{Exit, Failure};

const NEW: &str = ".assay-new-";
const OLD: &str = ".assay-old-";

/// The output folder, held by this run alone.
pub(crate) struct Output {
    dir: PathBuf,
    /// Held while this lives. It lies among the temporary files: the output folder may be evidence too.
    _lock: fs_err::File,
}

impl Output {
    /// Makes the folder if need be, takes it, and mends what an earlier run left half done.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let not_writable = |e: std::io::Error| {
            Failure::new(Exit::Unusable, e).help("choose another folder with --out")
        };
        fs_err::create_dir_all(dir).map_err(not_writable)?;
        let place = fs_err::canonicalize(dir).map_err(not_writable)?;
        let lock = fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(std::env::temp_dir().join(lock_name(&place)))?;
        if lock.file().try_lock().is_err() {
            return Err(Failure::unusable(format!("another run is writing to {}", dir.display()))
                .help("wait for it, or choose another folder with --out"));
        }
        mend(dir)?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// Folder of a case.
    pub(crate) fn folder(&self, case: &Case) -> PathBuf {
        self.dir.join(&case.case_id)
    }

    /// Refuses before anything is written where a case exists and may not be replaced.
    pub(crate) fn refuse_existing(&self, cases: &[Case], force: bool) -> Result<(), Failure> {
        let exists = cases.iter().map(|c| self.folder(c)).find(|f| f.symlink_metadata().is_ok());
        match exists {
            Some(folder) if !force => Err(Failure::usage(format!("{} exists", folder.display()))
                .help("replace it with --force, or choose another folder with --out")),
            _ => Ok(()),
        }
    }

    /// Writes all cases, then swaps them in one by one.
    pub(crate) fn write(
        &self,
        cases: &[Case],
        run_json: &dyn Fn(&Case) -> Vec<u8>,
    ) -> Result<(), Failure> {
        let staged = cases.iter().try_for_each(|case| self.stage(case, run_json));
        if let Err(error) = staged {
            for case in cases {
                let _ = fs_err::remove_dir_all(self.beside(NEW, case));
            }
            return Err(Failure::new(Exit::Unusable, error)
                .help("nothing was changed; free space, or choose another folder with --out"));
        }
        for case in cases {
            self.swap(case)?;
        }
        Ok(())
    }

    fn beside(&self, prefix: &str, case: &Case) -> PathBuf {
        self.dir.join(format!("{prefix}{}", case.case_id))
    }

    fn stage(&self, case: &Case, run_json: &dyn Fn(&Case) -> Vec<u8>) -> std::io::Result<()> {
        let folder = self.beside(NEW, case);
        fs_err::create_dir(&folder)?;
        for (name, bytes) in [
            ("case.json", publish::case_json(case)),
            ("report.html", publish::report_html(case).into_bytes()),
            ("timeline.csv", publish::timeline_csv(case)),
            ("run.json", run_json(case)),
        ] {
            let mut file = fs_err::File::create(folder.join(name))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn swap(&self, case: &Case) -> std::io::Result<()> {
        let (place, old) = (self.folder(case), self.beside(OLD, case));
        if place.symlink_metadata().is_ok() {
            fs_err::rename(&place, &old)?;
        }
        fs_err::rename(self.beside(NEW, case), &place)?;
        if old.symlink_metadata().is_ok() {
            fs_err::remove_dir_all(&old)?;
        }
        Ok(())
    }
}

fn lock_name(dir: &Path) -> String {
    let hash = investigate::sha256(dir.as_os_str().as_encoded_bytes());
    format!("assay-{}.lock", hash.get(..16).unwrap_or_default())
}

/// Finishes or undoes swaps that were cut off: a case renamed aside comes back where the new one did not get
/// in, and goes where it did; what was only half written goes.
fn mend(dir: &Path) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        if name.starts_with(NEW) {
            fs_err::remove_dir_all(&path)?;
        } else if let Some(host) = name.strip_prefix(OLD) {
            let place = dir.join(host);
            if place.symlink_metadata().is_ok() {
                fs_err::remove_dir_all(&path)?;
            } else {
                fs_err::rename(&path, &place)?;
            }
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
}
