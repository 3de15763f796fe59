//! `run.json`: what is not the same from run to run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The run that wrote a case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// Version of the program.
    pub(crate) assay: String,
    /// Clock of the machine that ran it.
    pub(crate) started: String,
    /// As typed; what is not UTF-8 in it is replaced.
    pub(crate) command_line: Vec<String>,
    /// Where the evidence lay, for `assay show`; what is not UTF-8 in it is replaced.
    pub(crate) evidence: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) threads: usize,
}

/// The clock, read here and in no other place.
#[expect(clippy::disallowed_methods, reason = "cli is where the clock is read")]
pub(crate) fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// The command line. An argument need not be UTF-8: a shell may have put a file's name there.
pub(crate) fn command_line() -> Vec<String> {
    std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect()
}

/// The most memory that this process held, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// `48 s, peak 612 MB`
pub(crate) fn took(duration: Duration, peak: Option<u64>) -> String {
    let seconds = duration.as_secs_f64();
    let time = if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") };
    match peak {
        Some(bytes) => format!("{time}, peak {} MB", bytes / 1_000_000),
        None => time,
    }
}
