//! Sigma rules on events.
//!
//! [`Mapping`] says which records a Sigma log source means and under which names they hold Sigma's
//! fields. [`EngineBuilder`] compiles rule files against it, set by set, and [`Engine`] runs them.
//! What is behind this face may be replaced.

pub(crate) mod check;
pub(crate) mod condition;
mod dispatch;
mod engine;
mod expand;
mod explain;
mod filter;
pub(crate) mod fold;
mod kind;
mod label;
mod lint;
mod mapping;
pub(crate) mod meta;
pub(crate) mod modifiers;
mod pattern;
#[cfg(any(test, feature = "reference"))]
mod plain;
mod plan;
mod regression;
pub(crate) mod rule;
mod run;
mod served;
#[cfg(test)]
mod tests;
mod trigger;
mod tuning;
pub(crate) mod yaml;

pub(crate) use engine::{Engine, EngineBuilder, GroupId};
pub(crate) use explain::Explainer;
pub use lint::{Note, lint};
pub(crate) use mapping::Mapping;
pub use modifiers::nearest;
#[cfg(any(test, feature = "reference"))]
pub use plain::{Both, Plain};
pub use regression::{Regression, regressions};
pub use rule::LogSource;
pub(crate) use run::SigmaScratch;
pub use served::{Kinds, Missing, Place, RuleCoverage, coverage, places};
pub(crate) use tuning::Tuning;
