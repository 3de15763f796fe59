//! A door for fuzz targets and mutation tests: one file, as bytes in memory, through its format.
//!
//! Nothing of the program uses it. What it returns is enough to hold a reader to account.

use std::io::BufReader;

use model::{Event, ItemId, Loss, RootId};

use crate::Limits;
use crate::formats::{self, Context, Emit, Probe};

/// What a file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Name of the format.
    pub kind: &'static str,
    /// Records.
    pub events: u64,
    /// Records known to be lost.
    pub lost: u64,
    /// Losses of which nobody can say how many records they were.
    pub holes: u64,
    /// Issues that lose no record.
    pub issues: u64,
}

impl Emit for Tally {
    fn event(&mut self, _event: &Event<'_>) {
        self.events += 1;
    }

    fn lost(&mut self, loss: &Loss, _effect: &str) {
        self.lost += loss.records;
        self.holes += u64::from(loss.records == 0);
    }

    fn issue(&mut self, _code: &'static str, count: u64, _effect: &str) {
        self.issues += count;
    }
}

/// Reads `bytes` as a file of that name; `None` where no format knows it.
pub fn read_bytes(logical: &str, bytes: &[u8]) -> Option<Tally> {
    let prefix = bytes.get(..formats::PREFIX).unwrap_or(bytes);
    let probe = Probe { prefix, logical, max_record: Limits::default().max_record };
    let mut found = formats::identify(&probe)?;
    let mut tally = Tally { kind: found.kind, ..Tally::default() };
    let context =
        Context { root: RootId(0), item: ItemId(0), logical, windows_path: None, zone: None };
    let mut input = BufReader::new(bytes);
    while let Ok(Some(block)) = found.framer.next_block(&mut input, &mut tally) {
        block.decode(&context, &mut tally);
    }
    Some(tally)
}
