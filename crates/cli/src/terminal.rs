//! The terminal: results to stdout, everything else to stderr, and how each may look.

use std::io::{IsTerminal as _, Write as _};

use publish::Style;

use crate::exit::{Exit, Failure};

/// Prints a result. A reader that went away is no error of ours.
pub(crate) fn out(text: &str) -> Result<Exit, Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") });
    match written.and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = anyhow::Error::from(e).context("the result cannot be printed");
            Err(Failure::new(Exit::Unusable, error)
                .help("send it somewhere else; what was written to folders is there"))
        }
        _ => Ok(Exit::Ran),
    }
}

/// Says something beside the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an error with its causes, what was met, and what to do. Each part stays on its line: it may quote
/// names that an attacker chose, and no name may forge a line of ours.
pub(crate) fn error(failure: &Failure) {
    let mut lines = vec![format!("error: {:#}", failure.error)];
    lines.extend(failure.details.iter().map(|detail| format!("  {detail}")));
    lines.extend(failure.help.iter().map(|help| format!("  help: {help}")));
    for line in lines {
        note(&publish::inert_text(&line));
    }
}

/// Says what is wrong with a command line. It quotes what was typed, and a shell types names of files.
pub(crate) fn usage(error: &clap::Error) {
    let text = error.render().to_string();
    for line in text.trim_end().lines() {
        note(&publish::inert_text(line));
    }
}

/// How stdout may look.
pub(crate) fn style() -> Style {
    let terminal = std::io::stdout().is_terminal();
    Style { color: terminal && !set("NO_COLOR") && !dumb(), width: width(), unicode: unicode() }
}

/// Colours the answers that lines begin with: `yes`, `no`, `ok`, `failed`.
pub(crate) fn answers(text: &str) -> String {
    const COLOURS: [(&str, &str); 4] =
        [("yes ", "32"), ("no ", "31"), ("ok ", "32"), ("failed ", "1;31")];
    if !style().color {
        return text.to_owned();
    }
    let colour = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at_checked(start).unwrap_or(("", line));
        let known =
            COLOURS.iter().find_map(|(word, code)| Some((word, code, rest.strip_prefix(word)?)));
        match known {
            Some((word, code, rest)) => format!("{indent}\u{1b}[{code}m{word}\u{1b}[0m{rest}\n"),
            None => format!("{line}\n"),
        }
    };
    text.lines().map(colour).collect()
}

/// A line of a table: a terminal gets it cut to its width, a pipe whole.
pub(crate) fn cut_to_width(line: &str) -> String {
    let width = width();
    if !std::io::stdout().is_terminal() || line.chars().count() <= width {
        return line.to_owned();
    }
    let end = if unicode() { '…' } else { '~' };
    line.chars().take(width - 1).chain([end]).collect()
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|v| !v.is_empty())
}

/// Whether the terminal says that it knows no control sequences.
pub(crate) fn dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|v| v == "dumb")
}

/// Old consoles and plain locales get ASCII.
fn unicode() -> bool {
    if cfg!(windows) {
        return set("WT_SESSION");
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find(|n| set(n));
    locale.and_then(std::env::var_os).is_none_or(|v| {
        let v = v.to_string_lossy().to_lowercase();
        v.contains("utf-8") || v.contains("utf8")
    })
}

fn width() -> usize {
    let columns = std::env::var_os("COLUMNS").and_then(|v| v.to_str()?.parse().ok());
    let (_, terminal) = console::Term::stdout().size();
    columns.unwrap_or_else(|| usize::from(terminal)).clamp(60, 140)
}
