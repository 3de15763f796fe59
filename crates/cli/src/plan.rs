//! From what was typed to what it means: built objects, defaults settled, mistakes named.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use investigate::{Content, Limits, Progress, ReadOptions, SourceFile, user_rules};
use model::Time;

use crate::args::{AssessArgs, LimitArgs};
use crate::exit::{Exit, Failure};

/// An assessment ready to run.
pub(crate) struct Plan {
    pub(crate) read: ReadOptions,
    pub(crate) content: Content,
    pub(crate) rules: Vec<SourceFile>,
    pub(crate) as_of: Option<Time>,
}

pub(crate) fn plan(args: &AssessArgs) -> Result<Plan, Failure> {
    let as_of = args.as_of.as_deref().map(moment).transpose()?;
    let zone = args.zone.as_deref().map(zone).transpose()?;
    let mut read = read_options(&args.limits, args.password_file.as_deref())?;
    read.zone = zone;
    read.exclude = case_folders(&args.out);
    let content = content(args.limits.content.as_deref())?;
    let rules = user_rules(&args.rules).map_err(|e| Failure::new(Exit::Unusable, e))?;
    Ok(Plan { read, content, rules, as_of })
}

pub(crate) fn read_options(
    limits: &LimitArgs,
    password_file: Option<&Path>,
) -> Result<ReadOptions, Failure> {
    let mut bounds = Limits::default();
    if let Some(max_expand) = limits.max_expand {
        bounds.max_expand = max_expand;
        bounds.max_spool = bounds.max_spool.min(max_expand);
    }
    let threads = limits.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        usize::from,
    );
    let temp_dir = limits.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    if !temp_dir.is_dir() {
        return Err(Failure::usage(format!("--temp-dir {}: no such folder", temp_dir.display())));
    }
    Ok(ReadOptions {
        limits: bounds,
        threads,
        passwords: passwords(password_file)?,
        zone: None,
        temp_dir,
        exclude: Vec::new(),
        cancel: cancel_on_interrupt()?,
        progress: Arc::new(Progress::default()),
    })
}

/// How long a run may take to stop by itself before it is ended: reading may hang in a pipe or on a share.
const GRACE: Duration = Duration::from_secs(2);

/// A flag that Ctrl-C and a polite kill set.
fn cancel_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = cancel.clone();
    let stop = move || {
        flag.store(true, Ordering::Relaxed);
        std::thread::sleep(GRACE);
        end_now();
    };
    ctrlc::set_handler(stop).map_err(|e| Failure::new(Exit::Unusable, e))?;
    Ok(cancel)
}

/// Ends the program wherever it is. Case folders bear that: they are swapped in whole.
#[expect(clippy::exit, clippy::disallowed_methods, reason = "the main thread may hang in a read")]
fn end_now() {
    crate::terminal::note("error: interrupted");
    std::process::exit(130);
}

fn passwords(file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = fs_err::read_to_string(file).map_err(|e| Failure::new(Exit::Usage, e))?;
    Ok(text.lines().filter(|l| !l.is_empty()).map(str::to_owned).collect())
}

pub(crate) fn content(folder: Option<&Path>) -> Result<Content, Failure> {
    let content = match folder {
        Some(folder) => Content::from_folder(folder),
        None => Content::embedded(),
    };
    content.map_err(|e| Failure::new(Exit::Unusable, e))
}

fn moment(text: &str) -> Result<Time, Failure> {
    let day = || Time::parse(&format!("{text}T23:59:59Z"));
    Time::parse(text).or_else(day).ok_or_else(|| {
        Failure::usage(format!("--as-of {text}: no time; write for example 2021-03-12T06:00:00Z"))
    })
}

fn zone(text: &str) -> Result<jiff::tz::TimeZone, Failure> {
    let offset = || -> Option<jiff::tz::TimeZone> {
        let (sign, digits) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let seconds = sign * (hours * 3_600 + minutes * 60);
        jiff::tz::Offset::from_seconds(seconds).ok().map(jiff::tz::TimeZone::fixed)
    };
    offset().or_else(|| jiff::tz::TimeZone::get(text).ok()).ok_or_else(|| {
        Failure::usage(format!(
            "--zone {text}: no such zone; write for example Europe/Berlin or +02:00"
        ))
    })
}

/// Case folders that lie in the output folder: results are no evidence.
fn case_folders(out: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(out) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| {
            let ours = p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(".assay"));
            ours || (p.join("case.json").is_file() && p.join("report.html").is_file())
        })
        .collect();
    folders.sort();
    folders
}
