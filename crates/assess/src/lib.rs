//! What one host's evidence means: hits, coverage and knowledge to a case.
//!
//! Knows no format, opens no file, has no clock, and holds no knowledge: chains, sources, builds, dates
//! and actions are content ([`Knowledge`]). The reading order is [`assess`]: windows of exposure, then
//! the steps of each chain, then what coverage excludes, then the verdict that follows from the two.
#![forbid(unsafe_code)]

mod advice;
mod build_exposure;
mod builds;
mod claims;
mod coverage;
mod dates;
mod exposure;
mod holes;
mod incident;
mod input;
mod judge;
mod knowledge;
mod presence;
mod register;
mod words;

pub use build_exposure::{exposure_of_build, representative};
pub use builds::{Build, StatedBuild};
pub use input::{
    ClockFinding, Context, HostEvidence, Interval, Record, RuleHits, Source, Statement,
};
pub use judge::assess;
pub use knowledge::{Knowledge, KnowledgeError};
