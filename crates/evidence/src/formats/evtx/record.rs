//! The body of a record, carried out: the layouts of its templates put values in the places of an event.
//!
//! First all streams of a record are found, those in values of others too, each with its layout; then the
//! layouts are carried out and the event borrows its names from them, its texts from the arena.

use std::ops::Range;
use std::sync::Arc;

use model::{Field, Time, Value};

use super::super::json_events::record::Record;
use super::arena::{self, Arena};
use super::binxml::{Instance, Item, Reader, Slot};
use super::layout::{Builder, Built, FieldName, Kind, Layout, Op, Piece, Place, Span};
use super::templates::{OfChunk, Template};
use super::values;

/// Deepest nesting of streams; Windows writes two.
const MAX_NESTING: usize = 8;
/// Streams of one record.
const MAX_FRAMES: usize = 64;
/// Elements, fields and pieces of text that the records of a chunk may give, and a record alone. A chunk that
/// is full of real ones gives a tenth of the latter.
const MAX_WORK_OF_CHUNK: usize = 1 << 18;
const MAX_WORK: usize = 1 << 16;
/// Bytes of text that count as one more.
const TEXT_OF_WORK: usize = 64;

/// Memory of one thread, used for record after record.
pub(super) struct Machine {
    text: Vec<u8>,
    plan: Plan,
    spare: Vec<Field<'static>>,
    work_left: usize,
}

/// A record, decoded.
pub(super) struct Decoded<'m> {
    pub record: Record<'m>,
    /// The time that it states.
    pub time: Option<Time>,
}

/// The streams of a record.
#[derive(Default)]
struct Plan {
    frames: Vec<Frame>,
    slots: Vec<Slot>,
    nested: Vec<Nested>,
}

/// A stream: elements to be carried out, and the values for them.
struct Frame {
    elements: Elements,
    slots: Range<usize>,
    depth: usize,
}

enum Elements {
    Of(Arc<Template>),
    /// Of a stream without a template.
    Own(Box<Layout>),
}

/// The frames that a value of another frame holds.
struct Nested {
    outer: usize,
    slot: u16,
    place: Place,
    frames: Range<usize>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            text: vec![0; arena::MOST],
            plan: Plan::default(),
            spare: Vec::new(),
            work_left: MAX_WORK_OF_CHUNK,
        }
    }
}

impl Machine {
    /// Before the records of a chunk.
    pub(super) fn begin_chunk(&mut self) {
        self.work_left = MAX_WORK_OF_CHUNK;
    }

    /// Decodes the body of a record; `None` where it is broken or no event.
    pub(super) fn decode(
        &mut self,
        chunk: &[u8],
        body: Range<usize>,
        templates: &mut OfChunk<'_>,
    ) -> Option<Decoded<'_>> {
        self.plan.make(chunk, body, templates)?;
        let spare = reused(std::mem::take(&mut self.spare));
        let work = self.work_left.min(MAX_WORK);
        let mut run = Run {
            chunk,
            plan: &self.plan,
            arena: Arena::new(&mut self.text),
            decoded: Decoded { record: Record::with_memory(spare), time: None },
            work,
        };
        let done = run.frame(0);
        self.work_left -= work - run.work;
        done?;
        run.decoded.record.is_event().then_some(run.decoded)
    }

    /// Takes the memory of an event's fields back.
    pub(super) fn give_back(&mut self, fields: Vec<Field<'static>>) {
        self.spare = fields;
    }
}

/// The memory of fields, for others.
pub(super) fn reused<'b>(mut fields: Vec<Field<'_>>) -> Vec<Field<'b>> {
    fields.clear();
    fields.into_iter().map_while(|_| None).collect()
}

impl Plan {
    /// Finds the streams of a record. The body's first item is the event; what stands behind it is none of it.
    fn make(
        &mut self,
        chunk: &[u8],
        body: Range<usize>,
        templates: &mut OfChunk<'_>,
    ) -> Option<()> {
        self.frames.clear();
        self.slots.clear();
        self.nested.clear();
        let mut reader = Reader::new(chunk, body);
        if !self.item(chunk, &mut reader, Place::Outside, 0, templates)? {
            return None;
        }
        let mut outer = 0;
        while let Some(frame) = self.frames.get(outer) {
            let depth = frame.depth + 1;
            let mut nth = 0;
            while let Some((number, place)) =
                self.frames.get(outer).and_then(|f| f.layout().splices.get(nth)).copied()
            {
                nth += 1;
                self.nest(chunk, outer, (number, place), depth, templates)?;
            }
            outer += 1;
        }
        Some(())
    }

    /// The streams of a value that may hold some.
    fn nest(
        &mut self,
        chunk: &[u8],
        outer: usize,
        (number, place): (u16, Place),
        depth: usize,
        templates: &mut OfChunk<'_>,
    ) -> Option<()> {
        let Some(slot) = self.slot(outer, number).filter(|slot| slot.is_nested()) else {
            return Some(());
        };
        let first = self.frames.len();
        let mut reader = Reader::new(chunk, slot.range());
        while self.item(chunk, &mut reader, place, depth, templates)? {}
        let frames = first..self.frames.len();
        self.nested.push(Nested { outer, slot: number, place, frames });
        Some(())
    }

    /// Adds the next item of a stream; false at its end.
    fn item(
        &mut self,
        chunk: &[u8],
        reader: &mut Reader<'_>,
        place: Place,
        depth: usize,
        templates: &mut OfChunk<'_>,
    ) -> Option<bool> {
        if depth > MAX_NESTING || self.frames.len() >= MAX_FRAMES {
            return None;
        }
        let start = self.slots.len();
        let elements = match reader.next_item()? {
            Item::End => return Some(false),
            Item::Instance(instance) => self.template(chunk, &instance, place, templates)?,
            Item::Element => {
                let mut builder = Builder::new(place, false);
                reader.element(false, &mut builder)?;
                let Built { layout, literals, .. } = builder.finish();
                self.slots.extend(literals);
                Elements::Own(Box::new(layout))
            }
        };
        self.frames.push(Frame { elements, slots: start..self.slots.len(), depth });
        Some(true)
    }

    fn template(
        &mut self,
        chunk: &[u8],
        instance: &Instance<'_>,
        place: Place,
        templates: &mut OfChunk<'_>,
    ) -> Option<Elements> {
        let template = templates.get(chunk, instance.definition, place)?;
        self.slots.extend(instance.slots());
        Some(Elements::Of(template))
    }

    fn slot(&self, frame: usize, number: u16) -> Option<Slot> {
        let slots = self.slots.get(self.frames.get(frame)?.slots.clone())?;
        slots.get(usize::from(number)).copied()
    }
}

impl Frame {
    fn layout(&self) -> &Layout {
        match &self.elements {
            Elements::Of(template) => &template.layout,
            Elements::Own(layout) => layout,
        }
    }
}

/// Carries a plan out.
struct Run<'c, 'm> {
    chunk: &'c [u8],
    plan: &'m Plan,
    arena: Arena<'m>,
    decoded: Decoded<'m>,
    /// What the record may still give.
    work: usize,
}

/// A frame at work.
#[derive(Clone, Copy)]
struct At<'m> {
    number: usize,
    layout: &'m Layout,
    slots: &'m [Slot],
}

impl<'m> At<'m> {
    fn slot(self, number: u16) -> Option<Slot> {
        self.slots.get(usize::from(number)).copied()
    }

    /// Values among pieces.
    fn slots(self, pieces: Span) -> impl Iterator<Item = (u16, Slot)> + 'm {
        self.layout.pieces(pieces).iter().filter_map(move |piece| match piece {
            Piece::Slot(number) => Some((*number, self.slot(*number)?)),
            Piece::Text(_) => None,
        })
    }
}

impl<'m> Run<'_, 'm> {
    fn spend(&mut self, work: usize) -> Option<()> {
        self.work = self.work.checked_sub(work)?;
        Some(())
    }

    fn frame(&mut self, number: usize) -> Option<()> {
        let frame = self.plan.frames.get(number)?;
        let slots = self.plan.slots.get(frame.slots.clone())?;
        let layout = frame.layout();
        self.elements(At { number, layout, slots }, 0..layout.ops.len()).map(|_| ())
    }

    /// Carries out elements beside each other, with all that they hold; says whether there were any.
    fn elements(&mut self, at: At<'m>, range: Range<usize>) -> Option<bool> {
        let mut next = range.start;
        let mut any = false;
        while next < range.end {
            self.spend(1)?;
            let op = at.layout.ops.get(next)?;
            // MS-EVEN6 2.2.12: an element that depends on a null value is not there.
            let left_out =
                op.dependency.and_then(|number| at.slot(number)).is_some_and(Slot::is_null);
            if !left_out {
                any = true;
                self.element(at, op, next + 1..op.end)?;
            }
            next = op.end.max(next + 1);
        }
        Some(any)
    }

    fn element(&mut self, at: At<'m>, op: &'m Op, inside: Range<usize>) -> Option<()> {
        match op.kind {
            Kind::Group(place) => {
                if place == Place::EventData {
                    self.fields(at, "Data", op.content)?;
                }
                self.elements(at, inside)?;
                self.splice(at, op.content, place)?;
            }
            Kind::Head(part) => {
                let value = self.value(at, op.content)?;
                self.decoded.record.set(part, value);
            }
            Kind::Time => self.time(at, op.content)?,
            Kind::Message => {
                let value = self.value(at, op.content)?;
                let message = &mut self.decoded.record.message;
                *message = message.take().or(Some(value));
            }
            Kind::Field { name, attributes } => {
                self.field(at, (name, attributes), op.content, inside)?;
            }
        }
        Some(())
    }

    /// The streams in values of an element, as elements for that place; says whether there were any.
    fn splice(&mut self, at: At<'m>, content: Span, place: Place) -> Option<bool> {
        let mut any = false;
        for (number, slot) in at.slots(content) {
            if !slot.is_nested() {
                continue;
            }
            let nested = self.plan.nested.iter().find(|nested| {
                (nested.outer, nested.slot, nested.place) == (at.number, number, place)
            })?;
            for frame in nested.frames.clone() {
                any = true;
                self.frame(frame)?;
            }
        }
        Some(any)
    }

    /// An element of the body: its attributes, its text, and what it holds. One that has nothing is null.
    fn field(
        &mut self,
        at: At<'m>,
        (name, attributes): (FieldName, Span),
        content: Span,
        inside: Range<usize>,
    ) -> Option<()> {
        let name = match name {
            FieldName::Fixed(text) => at.layout.text(text),
            FieldName::Made(pieces) => match self.text(at, pieces)? {
                "" => "Data",
                name => name,
            },
        };
        let mut any = false;
        for (attribute, pieces) in at.layout.attributes(attributes) {
            let value = self.value(at, *pieces)?;
            if value != Value::Null {
                self.push(at.layout.text(*attribute), value)?;
                any = true;
            }
        }
        any |= self.fields(at, name, content)?;
        any |= self.elements(at, inside)?;
        any |= self.splice(at, content, Place::Fields)?;
        if !any {
            self.push(name, Value::Null)?;
        }
        Some(())
    }

    /// The text of an element as a field, or as one for each item of an array; says whether there was any.
    fn fields(&mut self, at: At<'m>, name: &'m str, content: Span) -> Option<bool> {
        if let [Piece::Slot(number)] = at.layout.pieces(content)
            && let Some(slot) = at.slot(*number)
            && let Some(items) = values::several(slot.kind, slot.bytes(self.chunk))
        {
            let kind = items.kind;
            for item in items {
                let value = self.typed(kind, item)?;
                self.push(name, value)?;
            }
            return Some(true);
        }
        let value = self.value(at, content)?;
        let any = value != Value::Null;
        if any {
            self.push(name, value)?;
        }
        Some(any)
    }

    fn push(&mut self, name: &'m str, value: Value<'m>) -> Option<()> {
        self.spend(1)?;
        self.decoded.record.body.push(name, value);
        Some(())
    }

    fn time(&mut self, at: At<'m>, content: Span) -> Option<()> {
        let stated = match at.layout.pieces(content) {
            [Piece::Slot(number)] => at
                .slot(*number)
                .and_then(|slot| values::filetime(slot.kind, slot.bytes(self.chunk))),
            _ => None,
        };
        let text = self.text(at, content)?;
        if !text.is_empty() && self.decoded.record.raw_time.is_none() {
            self.decoded.time = match stated {
                Some(ticks) => Time::from_filetime(ticks),
                None => Time::parse(text),
            };
            self.decoded.record.raw_time = Some(text.into());
        }
        Some(())
    }

    /// A value by itself.
    fn typed(&mut self, kind: u8, bytes: &[u8]) -> Option<Value<'m>> {
        let before = self.arena.room();
        let value = values::value(kind, bytes, &mut self.arena)?;
        self.spend((before - self.arena.room()) / TEXT_OF_WORK)?;
        Some(value)
    }

    /// What pieces make together: the value itself where only one says something.
    fn value(&mut self, at: At<'m>, pieces: Span) -> Option<Value<'m>> {
        match at.layout.pieces(pieces) {
            [] => Some(Value::Null),
            [Piece::Slot(number)] => match at.slot(*number) {
                Some(slot) => self.typed(slot.kind, slot.bytes(self.chunk)),
                None => Some(Value::Null),
            },
            [Piece::Text(text)] => Some(match at.layout.text(*text) {
                "" => Value::Null,
                text => Value::from(text),
            }),
            several => {
                let mut alone = None;
                for piece in several {
                    let before = self.arena.written();
                    self.write(at, *piece)?;
                    if self.arena.written() > before {
                        alone = if before == 0 { Some(*piece) } else { None };
                    }
                }
                match alone {
                    Some(Piece::Slot(number)) => {
                        self.arena.discard();
                        let slot = at.slot(number)?;
                        self.typed(slot.kind, slot.bytes(self.chunk))
                    }
                    _ => values::finish(&mut self.arena),
                }
            }
        }
    }

    /// The text that pieces make together.
    fn text(&mut self, at: At<'m>, pieces: Span) -> Option<&'m str> {
        if let [Piece::Text(text)] = at.layout.pieces(pieces) {
            return Some(at.layout.text(*text));
        }
        for piece in at.layout.pieces(pieces) {
            self.write(at, *piece)?;
        }
        self.arena.finish()
    }

    fn write(&mut self, at: At<'m>, piece: Piece) -> Option<()> {
        let before = self.arena.written();
        match piece {
            Piece::Text(text) => self.arena.push(at.layout.text(text))?,
            Piece::Slot(number) => {
                if let Some(slot) = at.slot(number) {
                    values::push(slot.kind, slot.bytes(self.chunk), &mut self.arena)?;
                }
            }
        }
        self.spend(1 + (self.arena.written() - before) / TEXT_OF_WORK)
    }
}
