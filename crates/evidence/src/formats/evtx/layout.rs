//! What an element and all that it holds give to an event: worked out once for a template, then carried out
//! for each of its records with no name looked at again.

use std::ops::Range;

use super::super::json_events::record::Part;
use super::super::json_events::shapes::system_part;
use super::binxml::{Name, Slot, Visit};

/// Bytes of names and literal texts that one layout may hold; real ones have two thousand.
const MAX_TEXT: usize = 256 << 10;

/// What the elements at some place of an event are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Before the event itself.
    Outside,
    /// Children of `Event`.
    Event,
    System,
    /// What a forwarded event shows of itself.
    Rendering,
    /// `Data` elements, which carry their names as an attribute, and others.
    EventData,
    /// As `EventData`, but a text of its own says nothing.
    UserData,
    /// Elements under their own names.
    Fields,
    /// What no event has a place for.
    Nowhere,
}

/// A range of one of the lists of a layout.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// One part of a text that is put together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    Text(Span),
    /// The value of that number.
    Slot(u16),
}

/// The name of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum FieldName {
    Fixed(Span),
    /// Put together of pieces, as an attribute is.
    Made(Span),
}

/// What an element is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It only holds others, for this place.
    Group(Place),
    /// Its content is a part of the head.
    Head(Part),
    /// Its content is the time of the event.
    Time,
    /// Its content is the rendered message.
    Message,
    /// Its content is a field, and so is each of these attributes.
    Field { name: FieldName, attributes: Span },
}

/// An element that matters.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub kind: Kind,
    /// The value without which the element is left out.
    pub dependency: Option<u16>,
    /// Pieces of its content.
    pub content: Span,
    /// Behind the last element that it holds.
    pub end: usize,
}

/// The elements of a stream, each before those that it holds.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    pieces: Vec<Piece>,
    attributes: Vec<(Span, Span)>,
    pub ops: Vec<Op>,
    /// Values that may hold elements, and the place that these are for.
    pub splices: Vec<(u16, Place)>,
}

impl Layout {
    /// A name or a literal text.
    pub(super) fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    pub(super) fn pieces(&self, span: Span) -> &[Piece] {
        self.pieces.get(span.range()).unwrap_or_default()
    }

    /// Names and pieces of attributes.
    pub(super) fn attributes(&self, span: Span) -> &[(Span, Span)] {
        self.attributes.get(span.range()).unwrap_or_default()
    }

    /// About how many bytes it holds.
    pub(super) fn size(&self) -> usize {
        self.text.len()
            + size_of_val(self.pieces.as_slice())
            + size_of_val(self.attributes.as_slice())
            + size_of_val(self.ops.as_slice())
            + size_of_val(self.splices.as_slice())
    }
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        // Both lie within a stream of at most 64 KiB, or within MAX_TEXT.
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Builds a layout from what it is told of an element.
pub(super) struct Builder {
    layout: Layout,
    place: Place,
    open: Vec<Open>,
    /// Pieces of what is open, those of the innermost element last.
    pending: Vec<Piece>,
    /// Whether the start of the innermost element has not ended, and where its attribute at hand goes.
    attribute: Option<Target>,
    /// Whether this is the definition of a template, which has values to put in and none of its own.
    in_definition: bool,
    literals: Vec<Slot>,
    names: Vec<NameUse>,
}

/// What a builder made.
pub(super) struct Built {
    pub layout: Layout,
    /// The values that stood in the stream itself.
    pub literals: Vec<Slot>,
    /// The names that a definition uses.
    pub names: Vec<NameUse>,
}

/// A name that is used.
#[derive(Debug)]
pub(super) struct NameUse {
    /// Where its offset stands.
    pub at: usize,
    /// Whether the name follows it.
    pub inline: bool,
    /// UTF-16.
    pub units: Box<[u8]>,
}

struct Open {
    /// Its op, if it matters.
    op: Option<usize>,
    inside: Place,
    /// The attribute that is its content.
    wanted: Option<&'static str>,
    /// Where its pieces begin among those pending.
    pieces: usize,
}

/// Where an attribute goes.
#[derive(Clone, Copy)]
enum Target {
    Nothing,
    /// It is what the element is for.
    Content,
    /// It names the field.
    FieldName,
    /// It is a field of that name.
    Field(Span),
}

impl Builder {
    /// For an element at a place.
    pub(super) fn new(place: Place, in_definition: bool) -> Self {
        Self {
            layout: Layout::default(),
            place,
            open: Vec::new(),
            pending: Vec::new(),
            attribute: None,
            in_definition,
            literals: Vec::new(),
            names: Vec::new(),
        }
    }

    /// When all was told.
    pub(super) fn finish(mut self) -> Built {
        self.layout.splices.sort_unstable();
        self.layout.splices.dedup();
        Built { layout: self.layout, literals: self.literals, names: self.names }
    }

    /// Adds a text; gives its place.
    fn add(&mut self, units: &[u8]) -> Option<Span> {
        let start = self.layout.text.len();
        let units = units.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let text = char::decode_utf16(units.take_while(|unit| *unit != 0));
        self.layout.text.extend(text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        (self.layout.text.len() <= MAX_TEXT).then(|| Span::new(start, self.layout.text.len()))
    }

    /// What an element is for, by its place and name.
    fn role(&self, place: Place, name: &str, span: Span) -> Option<Role> {
        let group = |place| Role::new(Kind::Group(place), place);
        let field = || {
            let kind =
                Kind::Field { name: FieldName::Fixed(span), attributes: self.no_attributes() };
            Role::new(kind, Place::Fields)
        };
        let of_head = |part, wanted| Role { wanted, ..Role::new(Kind::Head(part), Place::Nowhere) };
        Some(match (place, name) {
            (Place::Outside, "Event") => group(Place::Event),
            // No Windows event.
            (Place::Outside, _) => return None,
            (Place::Event, "System") => group(Place::System),
            (Place::Event, "EventData") => group(Place::EventData),
            (Place::Event, "RenderingInfo") => group(Place::Rendering),
            (Place::Event, _) => group(Place::UserData),
            (Place::System, "TimeCreated") => {
                Role { wanted: Some("SystemTime"), ..Role::new(Kind::Time, Place::Nowhere) }
            }
            (Place::System, _) => match system_part(name) {
                Some((part, wanted)) => of_head(part, wanted),
                None => Role::NOTHING,
            },
            (Place::Rendering, "Message") => Role::new(Kind::Message, Place::Nowhere),
            (Place::EventData | Place::UserData, "Data") => {
                Role { wanted: Some("Name"), ..field() }
            }
            (Place::EventData | Place::UserData | Place::Fields, _) => field(),
            (Place::Rendering | Place::Nowhere, _) => Role::NOTHING,
        })
    }

    fn no_attributes(&self) -> Span {
        let here = self.layout.attributes.len();
        Span::new(here, here)
    }

    fn op(&mut self) -> Option<&mut Op> {
        let at = self.open.last()?.op?;
        self.layout.ops.get_mut(at)
    }

    /// Takes the pieces of what ends.
    fn take(&mut self, from: usize) -> Span {
        let start = self.layout.pieces.len();
        self.layout.pieces.extend(self.pending.drain(from.min(self.pending.len())..));
        Span::new(start, self.layout.pieces.len())
    }

    /// Ends the attribute at hand.
    fn end_attribute(&mut self) -> Option<()> {
        let pieces = self.take(self.open.last()?.pieces);
        let target = self.attribute.replace(Target::Nothing)?;
        if pieces.is_empty() {
            return Some(());
        }
        let literal = match self.layout.pieces(pieces) {
            [Piece::Text(text)] => Some(*text),
            _ => None,
        };
        match target {
            Target::Nothing => {}
            Target::Content => self.op()?.content = pieces,
            Target::FieldName => {
                if let Some(Op { kind: Kind::Field { name, .. }, .. }) = self.op()
                    && literal.is_none_or(|text| !text.is_empty())
                {
                    *name = literal.map_or(FieldName::Made(pieces), FieldName::Fixed);
                }
            }
            Target::Field(name) => {
                self.layout.attributes.push((name, pieces));
                let behind = self.layout.attributes.len();
                if let Some(Op { kind: Kind::Field { attributes, .. }, .. }) = self.op() {
                    attributes.end = u32::try_from(behind).ok()?;
                }
            }
        }
        Some(())
    }

    /// Whether texts are wanted where the stream is now; values that hold elements are always.
    fn wants_text(&self) -> bool {
        if let Some(target) = self.attribute {
            return !matches!(target, Target::Nothing);
        }
        let Some(open) = self.open.last() else { return false };
        let kind = open.op.and_then(|at| self.layout.ops.get(at)).map(|op| op.kind);
        match kind {
            None => false,
            Some(Kind::Group(place)) => place == Place::EventData,
            Some(Kind::Head(_)) => open.wanted.is_none(),
            Some(Kind::Time) => false,
            Some(Kind::Message | Kind::Field { .. }) => true,
        }
    }

    /// Adds to the text at the end of the pieces, or begins one.
    fn add_text(&mut self, text: Span) {
        let from = self.open.last().map_or(0, |open| open.pieces);
        match self.pending.get_mut(from..).and_then(<[Piece]>::last_mut) {
            Some(Piece::Text(last)) if last.end == text.start => last.end = text.end,
            _ => self.pending.push(Piece::Text(text)),
        }
    }
}

/// What an element is for, and what is inside of it.
struct Role {
    kind: Option<Kind>,
    inside: Place,
    wanted: Option<&'static str>,
}

impl Role {
    const NOTHING: Self = Self { kind: None, inside: Place::Nowhere, wanted: None };

    fn new(kind: Kind, inside: Place) -> Self {
        Self { kind: Some(kind), inside, wanted: None }
    }
}

impl<'c> Visit<'c> for Builder {
    fn named(&mut self, name: Name<'c>) {
        if self.in_definition {
            let Name { units, stated_at, inline } = name;
            self.names.push(NameUse { at: stated_at, inline, units: units.into() });
        }
    }

    fn open(&mut self, name: Name<'c>, dependency: Option<u16>) -> Option<()> {
        // No element in the start of another.
        if self.attribute.is_some() {
            return None;
        }
        let place = self.open.last().map_or(self.place, |open| open.inside);
        let span = self.add(name.units)?;
        let Role { kind, inside, wanted } = self.role(place, self.layout.text(span), span)?;
        let op = kind.map(|kind| {
            // There is nothing that the first element could be left out of.
            let dependency = dependency.filter(|_| !self.open.is_empty());
            self.layout.ops.push(Op { kind, dependency, content: Span::default(), end: 0 });
            self.layout.ops.len() - 1
        });
        self.open.push(Open { op, inside, wanted, pieces: self.pending.len() });
        self.attribute = Some(Target::Nothing);
        Some(())
    }

    fn attribute(&mut self, name: Name<'c>) -> Option<()> {
        self.end_attribute()?;
        let open = self.open.last()?;
        let (inside, wanted) = (open.inside, open.wanted);
        let span = self.add(name.units)?;
        let text = self.layout.text(span);
        let is_wanted = wanted == Some(text);
        let is_namespace = text.starts_with("xmlns");
        let kind = self.op().map(|op| op.kind);
        self.attribute = Some(match kind {
            Some(Kind::Field { .. }) if is_wanted => Target::FieldName,
            Some(Kind::Field { name: FieldName::Fixed(element), .. })
                if wanted.is_none() && inside == Place::Fields && !is_namespace =>
            {
                let name = format!("{}_{}", self.layout.text(element), self.layout.text(span));
                let start = self.layout.text.len();
                self.layout.text.push_str(&name);
                Target::Field(Span::new(start, self.layout.text.len()))
            }
            Some(_) if is_wanted => Target::Content,
            _ => Target::Nothing,
        });
        (self.layout.text.len() <= MAX_TEXT).then_some(())
    }

    fn inside(&mut self) -> Option<()> {
        self.end_attribute()?;
        self.attribute = None;
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        if self.attribute.is_some() {
            return None;
        }
        let Open { op, inside, wanted, pieces } = self.open.pop()?;
        let content = self.take(pieces);
        let Some(at) = op else { return Some(()) };
        let behind = self.layout.ops.len();
        let op = self.layout.ops.get_mut(at)?;
        op.end = behind;
        let is_attribute = wanted.is_some() && !matches!(op.kind, Kind::Field { .. });
        if !is_attribute {
            op.content = content;
        }
        if inside != Place::Nowhere {
            let slots = self.layout.pieces.get(content.range())?.iter();
            self.layout.splices.extend(slots.filter_map(|piece| match piece {
                Piece::Slot(number) => Some((*number, inside)),
                Piece::Text(_) => None,
            }));
        }
        Some(())
    }

    fn text(&mut self, units: &'c [u8]) -> Option<()> {
        if self.wants_text() {
            let text = self.add(units)?;
            self.add_text(text);
        }
        Some(())
    }

    fn character(&mut self, character: char) -> Option<()> {
        if self.wants_text() {
            let start = self.layout.text.len();
            self.layout.text.push(character);
            self.add_text(Span::new(start, self.layout.text.len()));
        }
        (self.layout.text.len() <= MAX_TEXT).then_some(())
    }

    fn substitution(&mut self, number: u16) -> Option<()> {
        self.in_definition.then(|| self.slot(number))
    }

    fn value(&mut self, slot: Slot) -> Option<()> {
        if self.in_definition {
            return None;
        }
        let number = u16::try_from(self.literals.len()).ok()?;
        self.literals.push(slot);
        self.slot(number);
        Some(())
    }
}

impl Builder {
    fn slot(&mut self, number: u16) {
        let holds_elements =
            self.attribute.is_none() && self.open.last().is_some_and(|o| o.op.is_some());
        if self.wants_text() || holds_elements {
            self.pending.push(Piece::Slot(number));
        }
    }
}
