//! Judges the windows of one group.

use std::io;

use super::entry::Entry;
use super::group::{Cursor, Group};
use super::measure::Measure;
use super::{Correlation, Kind};

/// What is told of a group.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// The correlation fires with this event.
    Fired(Entry),
    /// This event is in a window for which the condition holds; of windows that overlap the largest value.
    Part(Entry, i128),
}

pub(super) type Tell<'t> = dyn FnMut(Told) -> io::Result<()> + 't;

/// Judges all windows of a group.
pub(super) fn judge(rule: &Correlation, group: &Group, tell: &mut Tell<'_>) -> io::Result<()> {
    match rule.kind {
        Kind::Ordered => ordered(rule, group, tell),
        Kind::Share => shares(rule, group, tell),
        _ => slide(rule, group, tell),
    }
}

fn slide(rule: &Correlation, group: &Group, tell: &mut Tell<'_>) -> io::Result<()> {
    let mut window = Window::new(rule, group)?;
    let mut marks = Marks::new(group);
    let monotone = rule.is_monotone();
    let mut last = None;
    while let Some(entry) = window.head.peek()? {
        if !monotone
            && window.is_complete_before(&entry)?
            && let Some(last) = last
        {
            window.judge(&last, &mut marks, tell)?;
        }
        window.leave(&entry)?;
        window.measure.add(&entry);
        window.head.advance();
        if monotone {
            window.judge(&entry, &mut marks, tell)?;
        }
        last = Some(entry);
    }
    if let (false, Some(last)) = (monotone, last) {
        window.judge(&last, &mut marks, tell)?;
    }
    marks.finish(tell)
}

/// The events from `tail` up to, and without, `head`.
struct Window<'r> {
    rule: &'r Correlation,
    head: Cursor<'r>,
    tail: Cursor<'r>,
    measure: Measure,
}

impl<'r> Window<'r> {
    fn new(rule: &'r Correlation, group: &'r Group) -> io::Result<Self> {
        let measure = Measure::new(&rule.kind, rule.members.len(), group)?;
        Ok(Self { rule, head: group.cursor(), tail: group.cursor(), measure })
    }

    /// The first event, if it cannot be in one window with this later one.
    fn leaving(&mut self, next: &Entry) -> io::Result<Option<Entry>> {
        if self.tail.position() >= self.head.position() {
            return Ok(None);
        }
        let first = self.tail.peek()?;
        Ok(first.filter(|first| !within(self.rule, first.time, next.time)))
    }

    /// Whether the next event makes the window lose one: no event can be added to it as it is.
    fn is_complete_before(&mut self, next: &Entry) -> io::Result<bool> {
        self.leaving(next).map(|first| first.is_some())
    }

    /// Lets go of what cannot be in one window with the next event.
    fn leave(&mut self, next: &Entry) -> io::Result<()> {
        while let Some(first) = self.leaving(next)? {
            self.measure.remove(&first);
            self.tail.advance();
        }
        Ok(())
    }

    fn judge(&self, last: &Entry, marks: &mut Marks<'_>, tell: &mut Tell<'_>) -> io::Result<()> {
        let Some(value) = self.measure.value() else { return Ok(()) };
        let holds = match &self.rule.kind {
            Kind::Rules(Some(condition)) => condition.holds(&|member| self.measure.has(member)),
            _ => self.rule.holds(value),
        };
        if holds {
            tell(Told::Fired(*last))?;
            marks.add(self.tail.position(), self.head.position(), value, tell)?;
        }
        Ok(())
    }
}

fn within(rule: &Correlation, first: i64, last: i64) -> bool {
    last.saturating_sub(first) <= rule.timespan
}

/// Each event by the part of its window that has its value: in the complete window that begins with it, or in
/// the last one.
fn shares(rule: &Correlation, group: &Group, tell: &mut Tell<'_>) -> io::Result<()> {
    let mut window = Window::new(rule, group)?;
    let mut probe = group.cursor();
    while let Some(entry) = window.head.peek()? {
        probe.skip_to(window.tail.position());
        while let Some(first) = probe.peek()?
            && probe.position() < window.head.position()
            && !within(rule, first.time, entry.time)
        {
            judge_share(&window, &first, tell)?;
            probe.advance();
        }
        window.leave(&entry)?;
        window.measure.add(&entry);
        window.head.advance();
    }
    while let Some(entry) = window.tail.peek()? {
        judge_share(&window, &entry, tell)?;
        window.tail.advance();
    }
    Ok(())
}

fn judge_share(window: &Window<'_>, entry: &Entry, tell: &mut Tell<'_>) -> io::Result<()> {
    match window.measure.share(entry) {
        Some(share) if window.rule.holds(share) => {
            tell(Told::Fired(*entry))?;
            tell(Told::Part(*entry, share))
        }
        _ => Ok(()),
    }
}

/// One event of each rule, in the order of the rules.
fn ordered(rule: &Correlation, group: &Group, tell: &mut Tell<'_>) -> io::Result<()> {
    let mut marks = Marks::new(group);
    let mut head = group.cursor();
    let last = rule.members.len().saturating_sub(1);
    let value = rule.condition.first().map_or(0, |bound| bound.number);
    // For each rule the latest start of a chain that has come as far as it: time and number of the event.
    let mut chains: Vec<Option<(i64, u64)>> = vec![None; rule.members.len()];
    while let Some(entry) = head.peek()? {
        let position = head.position();
        head.advance();
        let start = match entry.member().checked_sub(1) {
            None => Some((entry.time, position)),
            Some(before) => chains.get(before).copied().flatten(),
        };
        let Some(start) = start.filter(|start| within(rule, start.0, entry.time)) else { continue };
        if let Some(chain) = chains.get_mut(entry.member()) {
            *chain = (*chain).max(Some(start));
        }
        if entry.member() == last {
            tell(Told::Fired(entry))?;
            marks.add(start.1, head.position(), value, tell)?;
        }
    }
    marks.finish(tell)
}

/// Windows for which the condition holds, joined where they overlap; each comes after those before it.
struct Marks<'g> {
    cursor: Cursor<'g>,
    open: Option<(u64, u64, i128)>,
}

impl<'g> Marks<'g> {
    fn new(group: &'g Group) -> Self {
        Self { cursor: group.cursor(), open: None }
    }

    fn add(&mut self, from: u64, to: u64, value: i128, tell: &mut Tell<'_>) -> io::Result<()> {
        match &mut self.open {
            Some((_, end, largest)) if from < *end => {
                *end = to.max(*end);
                *largest = value.max(*largest);
                Ok(())
            }
            _ => {
                self.flush(tell)?;
                self.open = Some((from, to, value));
                Ok(())
            }
        }
    }

    fn flush(&mut self, tell: &mut Tell<'_>) -> io::Result<()> {
        let Some((from, to, value)) = self.open.take() else { return Ok(()) };
        self.cursor.skip_to(from);
        while self.cursor.position() < to
            && let Some(entry) = self.cursor.peek()?
        {
            tell(Told::Part(entry, value))?;
            self.cursor.advance();
        }
        Ok(())
    }

    fn finish(mut self, tell: &mut Tell<'_>) -> io::Result<()> {
        self.flush(tell)
    }
}
