//! From what was typed to what it means: built objects, defaults settled, mistakes named.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use investigate::{
    Content, Error, Limits, Progress, ReadError, ReadOptions, SourceFile, tuning_files, user_rules,
};
use model::Time;
use model::case::RefusedRule;

use crate::args::{AssessArgs, LimitArgs};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// An assessment ready to run.
pub(crate) struct Plan {
    pub(crate) read: ReadOptions,
    pub(crate) content: Content,
    pub(crate) rules: Vec<SourceFile>,
    pub(crate) tuning: Vec<SourceFile>,
    pub(crate) as_of: Option<Time>,
}

pub(crate) fn plan(args: &AssessArgs) -> Result<Plan, Failure> {
    let as_of = args.as_of.as_deref().map(moment).transpose()?;
    let zone = args.zone.as_deref().map(zone).transpose()?;
    if args.host.as_deref().is_some_and(|host| host.trim().is_empty()) {
        return Err(Failure::usage("--host: the name is empty").help("write for example EX01"));
    }
    let mut read = read_options(&args.limits, args.password_file.as_deref())?;
    read.zone = zone;
    let content = content(args.limits.content.as_deref())?;
    let rules = user_rules(&args.rules).map_err(|e| {
        Failure::new(Exit::Unusable, anyhow::Error::from(e).context("--rules cannot be used")).help(
            "point it at a rule file, or at a folder or zip of .yml files; see assay rules check",
        )
    })?;
    let tuning = tuning(&args.tuning)?;
    Ok(Plan { read, content, rules, tuning, as_of })
}

pub(crate) fn tuning(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    tuning_files(paths).map_err(|e| {
        let error = anyhow::Error::from(e).context("--tuning cannot be read");
        Failure::new(Exit::Unusable, error).help("name a YAML file; see docs/tuning.md")
    })
}

/// What an error of the library means for whoever ran the program.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::Read(ReadError::Interrupted) => crate::assess::interrupted(),
        input @ Error::Read(ReadError::Input { .. }) => Failure::new(Exit::Unusable, input)
            .help("nothing was read; check the path, and your right to read it"),
        spool @ Error::Read(ReadError::Spool { .. }) => {
            Failure::new(Exit::Unusable, spool).help("another folder: --temp-dir DIR")
        }
        Error::Tuning(error) => {
            let faults = error.0.iter().map(at_its_place).collect();
            Failure::new(Exit::Unusable, error)
                .details(faults)
                .help("mend these entries; nothing was judged")
        }
        Error::Io(error) => {
            Failure::new(Exit::Unusable, error).help("check the path, and your right to read it")
        }
        other => Failure::new(Exit::Unusable, other),
    }
}

/// Says which entries of tuning files fit no rule: they do nothing, which may not be what was meant.
pub(crate) fn warn_of_tuning(unused: &[RefusedRule]) {
    for entry in unused {
        terminal::note(&publish::inert_text(&format!("warn: tuning {}", at_its_place(entry))));
    }
}

fn at_its_place(fault: &RefusedRule) -> String {
    format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.reason)
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
        let message = format!("--temp-dir {}: no such folder", temp_dir.display());
        return Err(Failure::usage(message).help("make it, or name another one"));
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
    terminal::note("error: interrupted");
    std::process::exit(130);
}

fn passwords(file: Option<&Path>) -> Result<Vec<String>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = fs_err::read_to_string(file).map_err(|e| {
        Failure::new(Exit::Usage, anyhow::Error::from(e).context("--password-file cannot be read"))
            .help("it holds one password a line, in UTF-8")
    })?;
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
        Failure::usage(format!("--as-of {text}: no time"))
            .help("write for example 2021-03-12T06:00:00Z, or 2021-03-12 for the end of that day")
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
        let seconds = sign * (below(24, hours)? * 3_600 + below(60, minutes)? * 60);
        jiff::tz::Offset::from_seconds(seconds).ok().map(jiff::tz::TimeZone::fixed)
    };
    offset().or_else(|| jiff::tz::TimeZone::get(text).ok()).ok_or_else(|| {
        Failure::usage(format!("--zone {text}: no such zone"))
            .help("write for example Europe/Berlin or +02:00")
    })
}

/// A number of one or two digits, below a bound.
fn below(bound: i32, text: &str) -> Option<i32> {
    let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n < bound)
}
