//! Whole runs: evidence in, cases out.

mod containers;
mod corpus;
mod headlines;
mod laws;
mod same_bytes;
mod support;
