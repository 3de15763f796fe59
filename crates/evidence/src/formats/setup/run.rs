//! Follows the runs of Setup and holds their lines until the zone is known.

use std::collections::VecDeque;

use super::facts::{facts_of, is_error, is_told, offset_of};
use super::{SetupBlock, split_line};
use crate::formats::text::Gap;

/// Lines of a run after which it will state no zone any more.
const HEAD_LINES: u32 = 64;
const MAX_ERRORS: u64 = 100;
const MAX_HELD: usize = 512;
const MAX_HELD_BYTES: usize = 1 << 20;

/// A line that makes an event, or a gap.
#[derive(Debug)]
pub(super) enum Held {
    Line(HeldLine),
    Gap(Gap),
}

/// A line that makes an event.
#[derive(Debug)]
pub(super) struct HeldLine {
    pub bytes: Vec<u8>,
    pub offset: u64,
    /// What the run said before, on the line that says it succeeded.
    pub run_facts: Vec<(&'static str, String)>,
}

/// The run that is being read.
#[derive(Default)]
pub(super) struct Run {
    held: Vec<Held>,
    held_bytes: usize,
    offset: Option<i64>,
    lines: u32,
    errors: u64,
    omitted: u64,
    version: Option<String>,
    mode: Option<String>,
    ready: VecDeque<SetupBlock>,
}

impl Run {
    pub(super) fn take_block(&mut self) -> Option<SetupBlock> {
        self.ready.pop_front()
    }

    /// Errors that were passed over since the last call.
    pub(super) fn take_omitted(&mut self) -> u64 {
        std::mem::take(&mut self.omitted)
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        self.held.push(Held::Gap(gap));
        self.flush_if_full();
    }

    pub(super) fn line(&mut self, bytes: &[u8], offset: u64) {
        let text = String::from_utf8_lossy(bytes);
        let Some((_, message)) = split_line(&text) else { return };
        self.lines = self.lines.saturating_add(1);
        if message.starts_with("Starting Microsoft Exchange Server") {
            self.begin();
        }
        if !is_told(message) || self.is_one_error_too_many(message) {
            return;
        }
        self.offset = self.offset.or(offset_of(message));
        let run_facts = self.follow(message);
        self.held_bytes += bytes.len();
        self.held.push(Held::Line(HeldLine { bytes: bytes.to_vec(), offset, run_facts }));
        self.flush_if_full();
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) {
        self.flush(true);
    }

    /// A new run: what the last one said no longer holds.
    fn begin(&mut self) {
        self.flush(false);
        let omitted = self.omitted;
        let ready = std::mem::take(&mut self.ready);
        *self = Self { omitted, ready, ..Self::default() };
    }

    fn is_one_error_too_many(&mut self, message: &str) -> bool {
        if !is_error(message) {
            return false;
        }
        self.errors += 1;
        let too_many = self.errors > MAX_ERRORS;
        self.omitted += u64::from(too_many);
        too_many
    }

    fn follow(&mut self, message: &str) -> Vec<(&'static str, String)> {
        let mut run_facts = Vec::new();
        for (name, value) in facts_of(message) {
            match (name, value) {
                ("Version", version) => self.version = Some(version.to_owned()),
                ("Mode", mode) if self.mode.is_none() => self.mode = Some(mode.to_owned()),
                ("Outcome", "success") => {
                    run_facts.extend(self.version.clone().map(|version| ("Version", version)));
                    run_facts.extend(self.mode.clone().map(|mode| ("Mode", mode)));
                }
                _ => {}
            }
        }
        run_facts
    }

    fn flush_if_full(&mut self) {
        let settled = self.offset.is_some() || self.lines > HEAD_LINES;
        let full = self.held.len() >= MAX_HELD || self.held_bytes >= MAX_HELD_BYTES;
        if full
            && (settled || self.held.len() >= 2 * MAX_HELD || self.held_bytes >= 8 * MAX_HELD_BYTES)
        {
            self.flush(false);
        }
    }

    fn flush(&mut self, at_end: bool) {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.held_bytes = 0;
            self.ready.push_back(SetupBlock { held, offset: self.offset, at_end });
        }
    }
}
