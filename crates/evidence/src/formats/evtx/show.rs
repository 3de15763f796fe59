//! One record for a reader: all that its templates and values say, as a tree.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::ops::Range;

use model::Value;

use super::super::json_events::dom::{self, Members, Node};
use super::arena::{self, Arena};
use super::binxml::{self, Item, Name, Reader, Slot, Visit};
use super::chunk::{CHUNK, Step, survey};
use super::{HEADER, starts_headless, values};

/// Deepest nesting of streams, and most streams, elements and texts that are shown.
const MAX_NESTING: usize = 8;
const MAX_NODES: usize = 1 << 16;

/// One record as indented JSON, control characters escaped; `at` is its place in the chunk.
pub(super) fn render(chunk: &[u8], at: usize) -> Option<String> {
    let survey = survey(chunk, chunk.len(), &[]);
    let live = survey.steps.iter().filter_map(Step::record);
    let entry = live.chain(&survey.slack).find(|entry| entry.at == at)?;
    let mut memory = vec![0; arena::MOST];
    let mut tree = Tree {
        chunk,
        arena: Arena::new(&mut memory),
        slots: Vec::new(),
        open: vec![Element::default()],
        attribute: None,
        nesting: 0,
        nodes: 0,
    };
    tree.stream(entry.body())?;
    Some(dom::pretty(&Node::Object(tree.open.pop()?.children)))
}

/// The record at an offset of a file, which is read up to there.
pub(crate) fn render_at(input: &mut impl BufRead, offset: u64) -> io::Result<Option<String>> {
    let head = if starts_headless(input.fill_buf()?) { 0 } else { HEADER as u64 };
    let Some(behind) = offset.checked_sub(head) else { return Ok(None) };
    let start = head + behind / CHUNK as u64 * CHUNK as u64;
    io::copy(&mut input.by_ref().take(start), &mut io::sink())?;
    let mut chunk = Vec::new();
    input.take(CHUNK as u64).read_to_end(&mut chunk)?;
    chunk.resize(CHUNK, 0);
    Ok(usize::try_from(offset - start).ok().and_then(|at| render(&chunk, at)))
}

/// Grows the tree of a record while its streams are read.
struct Tree<'c, 'a> {
    chunk: &'c [u8],
    arena: Arena<'a>,
    /// Values of the template at hand.
    slots: Vec<Slot>,
    /// Elements around the place that is read, the outermost a mere holder.
    open: Vec<Element<'a>>,
    /// The attribute that is read, in the start of the innermost element.
    attribute: Option<Attribute<'a>>,
    nesting: usize,
    nodes: usize,
}

#[derive(Default)]
struct Element<'a> {
    name: &'a str,
    attributes: Members<'a>,
    /// Its texts, or the items of an array.
    texts: Vec<Node<'a>>,
    is_array: bool,
    children: Members<'a>,
    left_out: bool,
}

/// The start of an element, where its attributes stand.
#[derive(Default)]
struct Attribute<'a> {
    name: Option<&'a str>,
    texts: Vec<Node<'a>>,
}

impl<'a> Tree<'_, 'a> {
    fn stream(&mut self, range: Range<usize>) -> Option<()> {
        self.nesting = Some(self.nesting + 1).filter(|nesting| *nesting <= MAX_NESTING + 1)?;
        let mut reader = Reader::new(self.chunk, range);
        self.count()?;
        loop {
            match reader.next_item()? {
                Item::End => break,
                Item::Element => reader.element(false, self)?,
                Item::Instance(instance) => {
                    let outer = std::mem::replace(&mut self.slots, instance.slots().collect());
                    let definition = binxml::definition(self.chunk, instance.definition)?;
                    let body = definition.body_at..definition.body_at + definition.body.len();
                    let mut reader = Reader::new(self.chunk, body);
                    let Item::Element = reader.next_item()? else { return None };
                    reader.element(true, self)?;
                    self.slots = outer;
                }
            }
        }
        self.nesting -= 1;
        Some(())
    }

    fn count(&mut self) -> Option<()> {
        self.nodes = Some(self.nodes + 1).filter(|nodes| *nodes <= MAX_NODES)?;
        Some(())
    }

    fn node(&mut self, kind: u8, bytes: &[u8]) -> Option<Node<'a>> {
        self.count()?;
        Some(match values::value(kind, bytes, &mut self.arena)? {
            Value::Null => Node::Null,
            Value::Str(text) => Node::Str(text),
            Value::Int(n) => Node::Int(n),
            Value::UInt(n) => Node::UInt(n),
            Value::Float(n) => Node::Float(n),
            Value::Bool(b) => Node::Bool(b),
        })
    }

    fn text_of(&mut self, units: &[u8]) -> Option<&'a str> {
        self.arena.push_utf16(units)?;
        self.arena.finish()
    }

    fn add(&mut self, node: Node<'a>) -> Option<()> {
        let texts = match &mut self.attribute {
            Some(attribute) => &mut attribute.texts,
            None => &mut self.open.last_mut()?.texts,
        };
        if node != Node::Null {
            texts.push(node);
        }
        Some(())
    }

    fn end_attribute(&mut self) -> Option<()> {
        let Attribute { name, texts } = self.attribute.replace(Attribute::default())?;
        let value = joined(texts);
        if let Some(name) = name
            && value != Node::Null
        {
            self.open.last_mut()?.attributes.push((Cow::Borrowed(name), value));
        }
        Some(())
    }
}

impl<'c> Visit<'c> for Tree<'c, '_> {
    fn named(&mut self, _: Name<'c>) {}

    fn open(&mut self, name: Name<'c>, dependency: Option<u16>) -> Option<()> {
        self.count()?;
        let name = self.text_of(name.units)?;
        let slot = dependency.and_then(|number| self.slots.get(usize::from(number)));
        let left_out = slot.is_some_and(|slot| slot.is_null());
        self.open.push(Element { name, left_out, ..Element::default() });
        self.attribute = Some(Attribute::default());
        Some(())
    }

    fn attribute(&mut self, name: Name<'c>) -> Option<()> {
        self.end_attribute()?;
        let name = self.text_of(name.units)?;
        self.attribute.as_mut()?.name = Some(name);
        Some(())
    }

    fn inside(&mut self) -> Option<()> {
        self.end_attribute()?;
        self.attribute = None;
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let element = self.open.pop()?;
        let parent = self.open.last_mut()?;
        if !element.left_out {
            element.add_to(&mut parent.children);
        }
        Some(())
    }

    fn text(&mut self, units: &'c [u8]) -> Option<()> {
        let node = self.node(binxml::STRING, units)?;
        self.add(node)
    }

    fn character(&mut self, character: char) -> Option<()> {
        self.arena.push(character.encode_utf8(&mut [0; 4]))?;
        let text = self.arena.finish()?;
        self.add(Node::Str(Cow::Borrowed(text)))
    }

    fn substitution(&mut self, number: u16) -> Option<()> {
        match self.slots.get(usize::from(number)).copied() {
            Some(slot) => self.value(slot),
            None => Some(()),
        }
    }

    fn value(&mut self, slot: Slot) -> Option<()> {
        if slot.is_nested() && self.attribute.is_none() {
            return self.stream(slot.range());
        }
        let bytes = slot.bytes(self.chunk);
        let Some(items) = values::several(slot.kind, bytes).filter(|_| self.attribute.is_none())
        else {
            let node = self.node(slot.kind, bytes)?;
            return self.add(node);
        };
        let kind = items.kind;
        for item in items {
            let node = self.node(kind, item)?;
            self.open.last_mut()?.texts.push(node);
        }
        self.open.last_mut()?.is_array = true;
        Some(())
    }
}

impl<'a> Element<'a> {
    /// Under its name, or under the one that it carries as `Data` elements do; once for each item of an array.
    fn add_to(mut self, members: &mut Members<'a>) {
        let mut name = Cow::Borrowed(self.name);
        if self.name == "Data"
            && let Some(at) = self.attributes.iter().position(|(name, _)| name == "Name")
            && let (_, Node::Str(own)) = self.attributes.remove(at)
        {
            name = own;
        }
        if self.is_array && self.attributes.is_empty() && self.children.is_empty() {
            members.extend(self.texts.into_iter().map(|item| (name.clone(), item)));
            return;
        }
        let text = joined(self.texts);
        if self.attributes.is_empty() && self.children.is_empty() {
            members.push((name, text));
            return;
        }
        let mut inside = Members::new();
        if !self.attributes.is_empty() {
            inside.push((Cow::Borrowed("#attributes"), Node::Object(self.attributes)));
        }
        if text != Node::Null {
            inside.push((Cow::Borrowed("#text"), text));
        }
        inside.append(&mut self.children);
        members.push((name, Node::Object(inside)));
    }
}

/// Texts as one; a value that stands alone stays what it is.
fn joined(mut texts: Vec<Node<'_>>) -> Node<'_> {
    if texts.len() <= 1 {
        return texts.pop().unwrap_or(Node::Null);
    }
    let text = texts.iter().map(|node| match node {
        Node::Str(text) => text.clone().into_owned(),
        other => dom::pretty(other),
    });
    Node::Str(Cow::Owned(text.collect()))
}
