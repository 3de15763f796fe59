//! A [`model::case::Case`] on its way out: JSON, the HTML report, the timeline, the terminal.
//!
//! Nothing here judges: every sentence comes from the case, every number is counted from it. Nothing
//! here has a clock, a file or a network. All text that came from evidence passes [`inert_text`]
//! before it meets a reader, because an attacker wrote it.
#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::indexing_slicing, clippy::string_slice)]

mod inert;
mod json;
mod report;
mod story;
mod terminal;
mod timeline;
mod words;

pub use inert::{Quoted, inert_cell, inert_text, quote};
pub use json::{case_json, json_line, schema_json};
pub use report::report_html;
pub use terminal::{Style, exposure_page, overview, terminal};
pub use timeline::timeline_csv;
pub use words::{counted, number, severity};
