//! The nouns that every other crate speaks: events on the way in, the case on the way out.
//!
//! No I/O, no clock, no format and no product lives here. `evidence` makes [`Event`]s and [`Issue`]s,
//! `detect` turns events into hits, `assess` turns hits and coverage into a [`case::Case`], and
//! `publish` writes cases.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod case;
mod event;
pub mod exposure;
mod issue;
mod time;
mod value;

pub use event::{Event, Field, Fields, Integrity, ItemId, Locator, RootId};
pub use issue::{Issue, Loss};
pub use time::{Time, TimeBasis};
pub use value::Value;
