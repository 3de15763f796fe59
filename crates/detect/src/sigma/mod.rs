//! Sigma rules on events.
//!
//! [`Mapping`] says which records a Sigma log source means and under which names they hold Sigma's
//! fields. [`EngineBuilder`] compiles rule files against it, set by set, and [`Engine`] runs them.
//! What is behind this face may be replaced.

pub(crate) mod check;
pub(crate) mod condition;
mod dispatch;
mod engine;
mod filter;
pub(crate) mod fold;
mod mapping;
pub(crate) mod meta;
pub(crate) mod modifiers;
mod pattern;
mod plan;
pub(crate) mod rule;
mod run;
#[cfg(test)]
mod tests;
mod trigger;
pub(crate) mod yaml;

pub(crate) use engine::{Engine, EngineBuilder, GroupId};
pub(crate) use mapping::Mapping;
pub(crate) use run::SigmaScratch;
