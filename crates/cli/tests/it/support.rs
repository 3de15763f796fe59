//! A session: a folder in memory, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use model::case::Case;

pub(crate) const IIS_HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\n\
    #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n";

/// A benign row of an IIS log.
pub(crate) fn iis_row(second: u32) -> String {
    format!(
        "2021-03-01 00:{:02}:{:02} 192.0.2.1 GET /owa/ - 443 - 198.51.100.7 Mozilla/5.0 200\n",
        second / 60 % 60,
        second % 60
    )
}

/// A row that looks for somebody else's script.
pub(crate) const IIS_SCAN: &str =
    "2021-03-01 01:00:00 192.0.2.1 GET /owa/auth/other.aspx - 443 - 198.51.100.66 scanner 404\n";

pub(crate) fn iis_log() -> String {
    IIS_HEAD.to_owned() + &(0..50).map(iis_row).collect::<String>() + IIS_SCAN
}

pub(crate) struct Session {
    folder: tempfile::TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Session {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { folder: folder.unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finished(&mut self.command(args))
    }

    /// The names below a folder, hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn case(&self, folder: &str) -> Case {
        let bytes = fs_err::read(self.path(folder).join("case.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}

pub(crate) fn finished(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs another tool; false, and loudly so, where it is not on this machine.
pub(crate) fn tool(session: &Session, program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).current_dir(session.path("."));
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            println!("\n*** NOT RUN: {program}: {} ***\n", String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(error) => {
            println!("\n*** NOT RUN: {program}: {error} ***\n");
            false
        }
    }
}
