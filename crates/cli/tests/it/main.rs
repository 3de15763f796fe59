//! The program as its user meets it: command lines in, exit codes, words and folders out.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say loudly what they did not run"
)]

mod bad_input;
mod exposure;
mod folders;
mod interrupted;
mod large;
mod names;
mod rule_commands;
mod rules;
mod show;
mod support;
mod words;
