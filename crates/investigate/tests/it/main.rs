//! Whole runs: evidence in, cases out.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say loudly what they did not run"
)]

mod containers;
mod corpus;
mod correlation;
mod exchange_rules;
mod headlines;
mod hits;
mod hosts;
mod laws;
mod regression;
mod same_bytes;
mod sigma;
mod support;
mod tuning;
