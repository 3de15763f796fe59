//! Sigma rules on events.
//!
//! [`Mapping`] says which records a Sigma log source means and under which names they hold Sigma's
//! fields. [`EngineBuilder`] compiles rule files against it, set by set, and [`Engine`] runs them.
//! What is behind this face may be replaced.

mod check;
mod condition;
mod dispatch;
mod engine;
mod filter;
mod fold;
mod mapping;
mod meta;
mod modifiers;
mod pattern;
mod plan;
mod rule;
mod run;
#[cfg(test)]
mod tests;
mod trigger;
mod yaml;

pub(crate) use engine::{Engine, EngineBuilder, GroupId};
pub(crate) use mapping::Mapping;
pub(crate) use run::SigmaScratch;
