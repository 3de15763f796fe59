//! House-keeping: `cargo xtask ci` runs all checks, `cargo xtask tidy` the house rules alone, `cargo xtask demo`
//! compares the README with what the demo prints, `cargo xtask picture` makes the README's picture again.
#![expect(clippy::print_stdout, reason = "a command for people")]

mod ci;
mod demo;
mod picture;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = root();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ci"] => ci::run(&root),
        ["tidy"] => tidy::run(&root),
        ["demo"] => demo::run(&root, demo::Readme::Compare),
        ["demo", "--update"] => demo::run(&root, demo::Readme::Update),
        ["picture"] => picture::run(&root),
        _ => {
            println!("usage: cargo xtask ci | tidy | demo [--update] | picture");
            return ExitCode::from(3);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("\nFAILED: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
