//! The tokens of binary XML ([MS-EVEN6] 2.2.12, with the offsets of names that event logs have instead of names).
//!
//! Every place and count is taken from the file and believed only inside the chunk. `None` is a stream that
//! breaks these rules.

use std::ops::Range;

/// Deepest nesting of elements in one stream.
const MAX_DEPTH: usize = 64;
/// Units of a name that are shown; Windows has none of half that length.
const MAX_NAME: usize = 256;
/// Bytes of a template's definition before its body: the next one's place, GUID, size.
const DEFINITION_HEAD: usize = 24;
/// The kind of a string, in a value and in a substitution.
pub(super) const STRING: u8 = 0x01;
/// The kind of a value that is binary XML itself.
pub(super) const BINXML: u8 = 0x21;

/// A place in a chunk, from which tokens are read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'c> {
    chunk: &'c [u8],
    at: usize,
    end: usize,
}

/// A name, and where the stream says it stands.
#[derive(Clone, Copy)]
pub(super) struct Name<'c> {
    /// UTF-16, little endian.
    pub units: &'c [u8],
    /// Where the offset of the name stands in the chunk.
    pub stated_at: usize,
    /// Whether the name follows its offset.
    pub inline: bool,
}

/// A typed value inside the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    at: u32,
    size: u16,
    pub kind: u8,
}

/// The use of a template.
pub(super) struct Instance<'c> {
    /// Where the template is defined in the chunk.
    pub definition: usize,
    /// For each value its size and kind.
    descriptors: &'c [[u8; 4]],
    values_at: usize,
}

/// The definition of a template.
pub(super) struct Definition<'c> {
    pub guid: [u8; 16],
    pub body: &'c [u8],
    pub body_at: usize,
}

/// What is told of an element and all that it holds.
pub(super) trait Visit<'c> {
    /// A name was read, for whatever.
    fn named(&mut self, name: Name<'c>);
    /// An element begins; `dependency` is the value without which it is left out.
    fn open(&mut self, name: Name<'c>, dependency: Option<u16>) -> Option<()>;
    /// An attribute begins: what is told up to the next one or to [`Visit::inside`] is its value.
    fn attribute(&mut self, name: Name<'c>) -> Option<()>;
    /// The start of the element ends.
    fn inside(&mut self) -> Option<()>;
    /// The element ends.
    fn close(&mut self) -> Option<()>;
    /// UTF-16 text.
    fn text(&mut self, units: &'c [u8]) -> Option<()>;
    /// A reference to a character or to an entity of XML.
    fn character(&mut self, character: char) -> Option<()>;
    /// The value of that number.
    fn substitution(&mut self, number: u16) -> Option<()>;
    /// A value that stands in the stream itself.
    fn value(&mut self, slot: Slot) -> Option<()>;
}

impl Slot {
    pub(super) fn bytes(self, chunk: &[u8]) -> &[u8] {
        chunk.get(self.range()).unwrap_or_default()
    }

    pub(super) fn range(self) -> Range<usize> {
        let at = self.at as usize;
        at..at + usize::from(self.size)
    }

    /// Whether this says nothing, so that what depends on it is left out.
    pub(super) fn is_null(self) -> bool {
        self.kind == 0 || self.kind == BINXML && self.size == 0
    }

    /// Whether this is binary XML.
    pub(super) fn is_nested(self) -> bool {
        self.kind == BINXML && self.size > 0
    }
}

impl<'c> Reader<'c> {
    /// Reads in a part of a chunk.
    pub(super) fn new(chunk: &'c [u8], range: Range<usize>) -> Self {
        Self { chunk, at: range.start, end: range.end.min(chunk.len()) }
    }

    fn peek(&self) -> Option<u8> {
        self.chunk.get(..self.end)?.get(self.at).copied()
    }

    fn take(&mut self, count: usize) -> Option<&'c [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.end)?;
        let taken = self.chunk.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn place(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// A count of UTF-16 units, then as many.
    fn counted(&mut self) -> Option<&'c [u8]> {
        let count = self.u16()?;
        self.take(usize::from(count) * 2)
    }

    /// A name: its offset, and behind that the name itself where it is used first.
    fn name(&mut self) -> Option<Name<'c>> {
        let stated_at = self.at;
        let offset = self.place()?;
        let inline = offset == self.at;
        // The names of a chunk are a list: each begins with the offset of the next and a hash.
        let mut there = Self { chunk: self.chunk, at: offset, end: self.chunk.len() };
        there.take(6)?;
        let units = usize::from(there.u16()?) * 2;
        if inline {
            self.at = there.at.checked_add(units + 2).filter(|at| *at <= self.end)?;
        }
        // What was written over a name shows as what it is, and costs no record.
        let room = there.end - there.at;
        let units = there.take(units.min(2 * MAX_NAME).min(room))?;
        Some(Name { units, stated_at, inline })
    }

    fn told_name(&mut self, visit: &mut impl Visit<'c>) -> Option<Name<'c>> {
        let name = self.name()?;
        visit.named(name);
        Some(name)
    }

    /// The next thing of a stream: the use of a template, or an element.
    pub(super) fn next_item(&mut self) -> Option<Item<'c>> {
        const HEADER: u8 = 0x0f;
        while self.peek() == Some(HEADER) {
            self.take(4)?;
        }
        match self.peek() {
            None | Some(0) => Some(Item::End),
            Some(0x0c) => self.instance().map(Item::Instance),
            Some(0x01 | 0x41) => Some(Item::Element),
            Some(_) => None,
        }
    }

    /// The use of a template: which, and its values.
    fn instance(&mut self) -> Option<Instance<'c>> {
        self.take(2)?;
        let id: [u8; 4] = self.array()?;
        let place = self.place()?;
        let definition = definition(self.chunk, place)?;
        // Values under the names of another event would be worse than none.
        if !definition.guid.starts_with(&id) {
            return None;
        }
        if place == self.at {
            self.take(DEFINITION_HEAD + definition.body.len())?;
        }
        let count = self.place()?;
        let room = self.end.checked_sub(self.at)?;
        let described = count.checked_mul(4).filter(|bytes| *bytes <= room)?;
        let (descriptors, _) = self.take(described)?.as_chunks();
        if !descriptors.iter().all(|[_, _, kind, _]| is_kind(*kind)) {
            return None;
        }
        let values_at = self.at;
        self.take(descriptors.iter().map(|d| usize::from(size_of_value(*d))).sum())?;
        Some(Instance { definition: place, descriptors, values_at })
    }

    /// Tells of one element and all that it holds; `in_definition` as elements state their dependency there.
    pub(super) fn element(
        &mut self,
        in_definition: bool,
        visit: &mut impl Visit<'c>,
    ) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let token = self.u8()?;
            match token {
                0x01 | 0x41 => {
                    depth = Some(depth + 1).filter(|depth| *depth <= MAX_DEPTH)?;
                    self.open(in_definition, token == 0x41, visit)?;
                }
                0x02 => visit.inside()?,
                0x03 => {
                    visit.inside()?;
                    visit.close()?;
                    depth = depth.checked_sub(1)?;
                }
                0x04 => {
                    visit.close()?;
                    depth = depth.checked_sub(1)?;
                }
                0x06 | 0x46 => {
                    let name = self.told_name(visit)?;
                    visit.attribute(name)?;
                }
                0x0c if !in_definition => {
                    self.at -= 1;
                    let start = self.at;
                    self.instance()?;
                    visit.value(slot(BINXML, start..self.at)?)?;
                }
                _ => self.content(token, visit)?,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn open(
        &mut self,
        in_definition: bool,
        has_attributes: bool,
        visit: &mut impl Visit<'c>,
    ) -> Option<()> {
        let dependency = if in_definition { Some(self.u16()?) } else { None };
        self.take(4)?;
        let name = self.told_name(visit)?;
        if has_attributes {
            self.take(4)?;
        }
        visit.open(name, dependency.filter(|number| *number != u16::MAX))
    }

    fn content(&mut self, token: u8, visit: &mut impl Visit<'c>) -> Option<()> {
        match token {
            0x05 | 0x45 => {
                let kind = self.u8()?;
                if kind == STRING { visit.text(self.counted()?) } else { self.literal(kind, visit) }
            }
            0x07 | 0x47 => visit.text(self.counted()?),
            0x08 | 0x48 => {
                let code = u32::from(self.u16()?);
                visit.character(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            0x09 | 0x49 => {
                let name = self.told_name(visit)?;
                entity(name.units, visit)
            }
            // A processing instruction, which says nothing of the event.
            0x0a => self.told_name(visit).map(|_| ()),
            0x0b => self.counted().map(|_| ()),
            0x0d | 0x0e => {
                let number = self.u16()?;
                // The kind that is declared; a value states its own.
                self.u8()?;
                visit.substitution(number)
            }
            _ => None,
        }
    }

    /// A value in the stream that is no string.
    fn literal(&mut self, kind: u8, visit: &mut impl Visit<'c>) -> Option<()> {
        let size = match kind {
            BINXML => usize::from(self.u16()?),
            0x03 | 0x04 => 1,
            0x05 | 0x06 => 2,
            0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
            0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
            0x0f | 0x12 => 16,
            _ => return None,
        };
        let start = self.at;
        self.take(size)?;
        visit.value(slot(kind, start..self.at)?)
    }
}

/// What a stream holds next.
pub(super) enum Item<'c> {
    /// The use of a template.
    Instance(Instance<'c>),
    /// An element, which is still to be read.
    Element,
    /// Nothing more.
    End,
}

fn slot(kind: u8, range: Range<usize>) -> Option<Slot> {
    let at = u32::try_from(range.start).ok()?;
    Some(Slot { at, size: u16::try_from(range.len()).ok()?, kind })
}

/// A reference to one of the entities that XML has; of others the name is kept.
fn entity<'c>(name: &'c [u8], visit: &mut impl Visit<'c>) -> Option<()> {
    let character = match name {
        b"q\0u\0o\0t\0" => '"',
        b"a\0p\0o\0s\0" => '\'',
        b"a\0m\0p\0" => '&',
        b"l\0t\0" => '<',
        b"g\0t\0" => '>',
        _ => {
            visit.character('&')?;
            visit.text(name)?;
            return visit.character(';');
        }
    };
    visit.character(character)
}

/// Whether values are of that kind anywhere: what is not is no list of values.
fn is_kind(kind: u8) -> bool {
    matches!(kind, 0x00..=0x15 | 0x20 | 0x21 | 0x23 | 0x81..=0x95)
}

fn size_of_value([low, high, _, _]: [u8; 4]) -> u16 {
    u16::from_le_bytes([low, high])
}

impl Instance<'_> {
    /// The values, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        let mut at = self.values_at;
        self.descriptors.iter().map(move |descriptor| {
            let [_, _, kind, _] = *descriptor;
            let size = size_of_value(*descriptor);
            // A chunk has 64 KiB.
            let slot = Slot { at: u32::try_from(at).unwrap_or(u32::MAX), size, kind };
            at += usize::from(size);
            slot
        })
    }
}

/// The name whose offset stands at a place.
pub(super) fn name_at(chunk: &[u8], place: usize) -> Option<Name<'_>> {
    Reader::new(chunk, place..chunk.len()).name()
}

/// The definition at a place, if all of it lies in the chunk.
pub(super) fn definition(chunk: &[u8], place: usize) -> Option<Definition<'_>> {
    let mut reader = Reader::new(chunk, place..chunk.len());
    reader.take(4)?;
    let guid = reader.array()?;
    let size = reader.place()?;
    let body_at = reader.at;
    Some(Definition { guid, body: reader.take(size)?, body_at })
}
