//! A session: a folder in memory, and the program run in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
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

/// A log that packers cannot make much smaller, so that a cut takes rows away.
pub(crate) fn varied_log(rows: u32) -> String {
    let row = |n: u32| {
        let noise = n.wrapping_mul(2_654_435_761);
        iis_row(n).replace("/owa/ -", &format!("/owa/{noise:08x}{:08x} -", noise.rotate_left(9)))
    };
    IIS_HEAD.to_owned() + &(0..rows).map(row).collect::<String>()
}

/// Where the case of the records that name no host comes to lie, if `--out out` is given.
pub(crate) const CASE: &str = "out/_unattributed-1";

pub(crate) struct Session {
    folder: tempfile::TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Fails unless the program ended so; every refusal names what to do, and no refusal prints a result.
    #[track_caller]
    pub(crate) fn ended(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in\n{}", self.err);
        }
        if matches!(code, 2 | 3) {
            assert!(self.err.starts_with("error: "), "{}", self.err);
            let advice = ["\n  help: ", "try '--help'"].iter().any(|a| self.err.contains(a));
            assert!(advice, "says what to do: {}", self.err);
            assert_eq!(self.out, "");
        }
        self.is_inert();
    }

    /// Fails if a byte came out that a terminal obeys.
    #[track_caller]
    pub(crate) fn is_inert(&self) {
        for text in [&self.out, &self.err] {
            let control = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(control, None, "{text:?}");
        }
    }
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

    /// Forges one of the scenarios into `folder/evidence`.
    pub(crate) fn forge(&self, scenario: &str, folder: &str) {
        let scenario = forge::Scenario::parse(forge::builtin(scenario).unwrap()).unwrap();
        forge::write_to_folder(&scenario, &self.path(folder)).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finished(&mut self.command(args))
    }

    /// `assay assess ... --out out`
    pub(crate) fn assess(&self, args: &[&str]) -> Ran {
        let mut all = vec!["assess", "--out", "out"];
        all.extend(args);
        self.run(&all)
    }

    /// The names below a folder, hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs_err::read(self.path(name)).unwrap()
    }

    pub(crate) fn case(&self, folder: &str) -> Case {
        serde_json::from_slice(&self.read(&format!("{folder}/case.json"))).unwrap()
    }

    /// The files of all case folders that do not change from run to run, with their bytes.
    pub(crate) fn cases(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for host in self.names(out) {
            for file in ["case.json", "report.html", "timeline.csv"] {
                let bytes = self.read(&format!("{out}/{host}/{file}"));
                all.push((format!("{host}/{file}"), bytes));
            }
        }
        all
    }
}

/// The codes of all that was wrong with any file.
pub(crate) fn issues(case: &Case) -> Vec<&str> {
    case.custody.iter().flat_map(|m| &m.issues).map(|i| i.code.as_str()).collect()
}

pub(crate) fn finished(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Says loudly that something was not tested.
pub(crate) fn not_run(why: &str) {
    println!("\n*** NOT RUN: {why} ***\n");
}

/// Runs another tool; false, and loudly so, where it is not on this machine.
pub(crate) fn tool(session: &Session, program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).current_dir(session.path("."));
    let why = match command.output() {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    not_run(&format!("{program}: {why}"));
    false
}
