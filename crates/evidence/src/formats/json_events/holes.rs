//! Losses between records, told with the times of their whole neighbours.

use model::{Loss, Time};

use super::super::Emit;

/// Gathers losses until the next whole record, or the end of the block, gives them their other side.
#[derive(Default)]
pub(crate) struct Holes {
    last: Option<Time>,
    pending: Vec<Hole>,
}

struct Hole {
    code: &'static str,
    effect: &'static str,
    records: u64,
}

impl Holes {
    /// Records lost here; `records` is 0 if their number is unknown.
    pub(crate) fn lost(&mut self, code: &'static str, records: u64, effect: &'static str) {
        match self.pending.iter_mut().find(|hole| hole.code == code) {
            Some(hole) => hole.records += records,
            None => self.pending.push(Hole { code, effect, records }),
        }
    }

    /// A whole record follows.
    pub(crate) fn whole(&mut self, time: Option<Time>, emit: &mut dyn Emit) {
        if time.is_some() {
            self.flush(time, false, emit);
            self.last = time;
        }
    }

    /// The block ends; `at_end` if the file ends with it.
    pub(crate) fn end(mut self, at_end: bool, emit: &mut dyn Emit) {
        self.flush(None, at_end, emit);
    }

    fn flush(&mut self, before: Option<Time>, at_end: bool, emit: &mut dyn Emit) {
        for Hole { code, effect, records } in self.pending.drain(..) {
            emit.lost(&Loss { code, records, after: self.last, before, at_end }, effect);
        }
    }
}
