//! `assay exposure --list`: adds to each row of a list what its build means.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::rc::Rc;

use investigate::{Knowledge, StatedBuild};
use model::exposure::HoleState;

use super::answers::{Answer, Answers, COLUMNS, RowState};
use super::rows::{Row, Rows};
use crate::args::ExposureArgs;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// What the column of builds is called, without case and punctuation, the best name first.
const BUILD_COLUMNS: [&str; 9] = [
    "build",
    "buildnumber",
    "exchangebuild",
    "exchangeversion",
    "owaversion",
    "xowaversion",
    "admindisplayversion",
    "productversion",
    "version",
];
/// The columns that are added before and behind the answer: the build as it was read, and why a row has no answer.
const READ: &str = "assay_build";
const NOTE: &str = "assay_note";
/// Bad rows that are named one by one.
const MAX_NAMED: usize = 20;
/// Characters of a cell that a message quotes.
const MAX_QUOTED: usize = 60;

pub(super) fn run(
    list: &Path,
    args: &ExposureArgs,
    knowledge: &Knowledge,
) -> Result<Exit, Failure> {
    let unreadable = |e: io::Error| {
        Failure::new(Exit::Unusable, e)
            .help("name a CSV file, or - for what comes in through a pipe")
    };
    let input: Box<dyn Read> = if list.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(fs_err::File::open(list).map_err(unreadable)?)
    };
    let (rows, heading) = Rows::open(input).map_err(unreadable)?;
    let column = build_column(list, &heading)?;
    let mut run =
        Run { column, width: heading.len(), answers: Answers::new(knowledge), bad: Bad::default() };
    match args.out.as_deref() {
        Some(out) => to_file(out, args.force, |file| run.all(rows, &heading, file))?,
        None => {
            let stdout = io::BufWriter::new(io::stdout().lock());
            match run.all(rows, &heading, stdout) {
                // A reader that went away is no error of ours.
                Err(Broken::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => {
                    return Ok(Exit::Ran);
                }
                other => other?,
            }
        }
    }
    for line in run.summary() {
        terminal::note(&publish::inert_text(&line));
    }
    Ok(Exit::Ran)
}

fn build_column(list: &Path, heading: &[String]) -> Result<usize, Failure> {
    let plain = |name: &String| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let names: Vec<String> = heading.iter().map(plain).collect();
    let found = BUILD_COLUMNS.iter().find_map(|name| names.iter().position(|n| n == name));
    found.ok_or_else(|| {
        let there: Vec<String> = heading.iter().take(MAX_NAMED).map(|name| quoted(name)).collect();
        Failure::unusable(format!("{}: no column is called build", list.display()))
            .details(vec![format!("its columns: {}", there.join(", "))])
            .help("name the columns in the first line, such as host,build")
    })
}

/// What went wrong on which side.
enum Broken {
    Input(io::Error),
    Output(io::Error),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Input(e) => Self::new(
                Exit::Unusable,
                anyhow::Error::from(e).context("the list cannot be read to its end"),
            )
            .help("what was written so far holds the rows before it"),
            Broken::Output(e) => Self::new(
                Exit::Unusable,
                anyhow::Error::from(e).context("the answers cannot be written"),
            )
            .help("send them somewhere else with --out"),
        }
    }
}

/// Writes beside the file and renames in, so that no half file stays.
fn to_file(
    out: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Broken>,
) -> Result<(), Failure> {
    let help = "choose another file with --out, or replace it with --force";
    if !replace && out.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("{} exists", out.display())).help(help));
    }
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let not_writable = |e: io::Error| {
        let error = anyhow::Error::from(e).context(format!("{} cannot be written", out.display()));
        Failure::new(Exit::Unusable, error).help("choose another file with --out")
    };
    let file =
        tempfile::Builder::new().prefix(".assay-").tempfile_in(folder).map_err(not_writable)?;
    let mut buffered = io::BufWriter::new(file);
    write(&mut buffered)?;
    let file = buffered.into_inner().map_err(|e| not_writable(e.into_error()))?;
    let kept = if replace { file.persist(out) } else { file.persist_noclobber(out) };
    kept.map(drop).map_err(|e| not_writable(e.error))
}

struct Run<'k> {
    column: usize,
    width: usize,
    answers: Answers<'k>,
    bad: Bad,
}

/// Rows without answer: how many for which reason, and the first of them.
#[derive(Default)]
struct Bad {
    reasons: BTreeMap<&'static str, u64>,
    named: Vec<String>,
}

impl Run<'_> {
    fn all(
        &mut self,
        mut rows: Rows<'_>,
        heading: &[String],
        out: impl Write,
    ) -> Result<(), Broken> {
        let broken = |e: csv::Error| Broken::Output(io::Error::from(e));
        let mut csv =
            csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out);
        let added = [READ].into_iter().chain(COLUMNS).chain([NOTE]).map(str::to_owned);
        let head = heading.iter().cloned().chain(added);
        csv.write_record(head.map(|cell| publish::inert_cell(&cell))).map_err(broken)?;
        while let Some(row) = rows.next_row().map_err(Broken::Input)? {
            let cells = self.row(row);
            csv.write_record(cells.iter().map(|cell| publish::inert_cell(cell))).map_err(broken)?;
        }
        csv.flush().map_err(Broken::Output)
    }

    /// The cells of a row, as many as the heading has, and what its build means.
    fn row(&mut self, row: Row) -> Vec<String> {
        let (answer, note) = self.answer(&row);
        let mut cells = row.cells;
        if cells.len() > self.width {
            let surplus = cells.split_off(self.width.saturating_sub(1));
            cells.push(surplus.join(" "));
        }
        cells.resize(self.width, String::new());
        match answer {
            Some((build, answer)) => {
                cells.push(build.to_string());
                cells.extend(answer.cells.iter().cloned());
            }
            None => {
                cells.push(String::new());
                let unknown = RowState::Unknown.word();
                let state = COLUMNS.map(|c| if c == "assay_state" { unknown } else { "" });
                cells.extend(state.map(str::to_owned));
            }
        }
        cells.push(note);
        cells
    }

    fn answer(&mut self, row: &Row) -> (Option<(StatedBuild, Rc<Answer>)>, String) {
        let text = row.cells.get(self.column).map(String::as_str).unwrap_or_default();
        let reason = match (row.damage, StatedBuild::parse(text)) {
            (Some(damage), _) => damage,
            (None, Some(build)) => {
                let answer = self.answers.of(build);
                let note = if answer.known { "" } else { "no product with such builds is known" };
                return (Some((build, answer)), note.to_owned());
            }
            (None, None) if text.is_empty() => "the row has no build",
            (None, None) => "not a build number",
        };
        self.answers.count(RowState::Unknown);
        *self.bad.reasons.entry(reason).or_default() += 1;
        if self.bad.named.len() < MAX_NAMED {
            let what = if text.is_empty() { String::new() } else { format!(": {}", quoted(text)) };
            self.bad.named.push(format!("  line {}: {reason}{what}", row.line));
        }
        (None, reason.to_owned())
    }

    fn summary(&self) -> Vec<String> {
        let states = &self.answers.states;
        let count = |state| states.get(&state).copied().unwrap_or_default();
        let mut lines = vec![
            format!("ROWS       {}", states.values().sum::<u64>()),
            format!("  {:>9}  open to a chain of holes", count(RowState::Open)),
            format!("  {:>9}  unknown", count(RowState::Unknown)),
            format!("  {:>9}  not told by the build alone", count(RowState::Depends)),
            format!("  {:>9}  no known chain is open in the build", count(RowState::NoneOpen)),
            format!(
                "CHAINS     {:>9}  {:>9}  {:>9}  {:>9}  {:>9}",
                "open", "unknown", "depends", "fixed", "not named"
            ),
        ];
        for (chain, counts) in &self.answers.chains {
            let count = |state| counts.get(&state).copied().unwrap_or_default();
            lines.push(format!(
                "           {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {chain}",
                count(HoleState::Open),
                count(HoleState::Unknown),
                count(HoleState::Depends),
                count(HoleState::Fixed),
                count(HoleState::NotAffected)
            ));
        }
        let bad: u64 = self.bad.reasons.values().sum();
        lines.push(format!("BAD ROWS   {bad} (kept, as unknown)"));
        lines.extend(self.bad.reasons.iter().map(|(reason, n)| format!("  {n:>9}  {reason}")));
        lines.extend(self.bad.named.iter().cloned());
        let more = bad.saturating_sub(self.bad.named.len() as u64);
        if more > 0 {
            lines.push(format!("  and {more} more; their reason stands in the column {NOTE}"));
        }
        lines
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
