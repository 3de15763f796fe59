//! `assay`: reads the evidence of a server and says what happened to it, and how surely.
//!
//! Arguments become built objects here and nowhere else: the clock, the environment and the terminal are
//! known to this crate alone.
#![forbid(unsafe_code)]

mod args;
mod assess;
mod case_folder;
mod demo;
mod exit;
mod exposure;
mod plan;
mod progress;
mod rules;
mod run_record;
mod show;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    // A reader that fails on hostile input is caught and counted; its message may quote evidence, so only the
    // place is named.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        terminal::note(&format!("warn: internal fault at {place}; the file is counted as damaged"));
    }));
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers; everything else is a usage error, which is 3 here and not clap's 2.
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Ran.into();
            }
            terminal::usage(&error);
            return Exit::Usage.into();
        }
    };
    let result = match args.command {
        Command::Assess(assess) => assess::run(&assess),
        Command::Demo(demo) => demo::run(&demo),
        Command::Show(show) => show::run(&show),
        Command::Exposure(exposure) => exposure::run(&exposure),
        Command::Rules(rules) => rules::run(&rules.command),
        Command::Formats => terminal::out(&assess::formats()),
        Command::Schema => terminal::out(&publish::schema_json()),
    };
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            terminal::error(&failure);
            failure.exit.into()
        }
    }
}
