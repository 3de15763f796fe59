//! YAML as a small tree that keeps what rules need: the source text of scalars, whether they were quoted,
//! and where everything stands.
//!
//! A typed YAML reader turns `00000429` into 429 and `0x10` into 16; a rule means the text.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

/// Deepest nesting of a document.
const MAX_DEPTH: usize = 64;
/// Bytes of text, plus a charge for each node, that one file may unfold to; aliases count each time.
const MAX_WEIGHT: usize = 32 << 20;
const NODE_WEIGHT: usize = 64;
/// Keys of one mapping: each new one is compared with all before it.
const MAX_KEYS: usize = 10_000;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A reason to refuse something, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }
}

/// One node with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Text as written; `plain` if it was neither quoted nor a block.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in order.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether this is YAML's null: nothing, `~` or `null` without quotes.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.content else { return None };
        entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    fn weight(&self) -> usize {
        NODE_WEIGHT
            + match &self.content {
                Content::Scalar { text, .. } => text.len(),
                Content::List(items) => items.iter().map(Self::weight).sum(),
                Content::Map(entries) => {
                    entries.iter().map(|(k, v)| k.weight().saturating_add(v.weight())).sum()
                }
            }
    }
}

/// Reads all documents of a file up to the first fault in its YAML, and that fault.
pub(crate) fn documents(text: &str) -> (Vec<Node>, Option<Fault>) {
    let mut tree = Tree::default();
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(next) = parser.next_event() {
        let step = match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => tree.take(event, place(&span.start)),
            Err(error) => Err(Fault::new(place(error.marker()), format!("YAML: {}", error.info()))),
        };
        if let Err(fault) = step {
            return (tree.documents, Some(fault));
        }
    }
    (tree.documents, None)
}

fn place(mark: &Marker) -> Place {
    Place { line: mark.line() as u64, column: mark.col() as u64 + 1 }
}

/// A collection that is not complete yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
    key: Option<Node>,
}

#[derive(Default)]
struct Tree {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    weight: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_text_tag(tag.as_deref());
                self.charge(NODE_WEIGHT + text.len(), place)?;
                let content = Content::Scalar { text: text.into_owned(), plain };
                self.close(Node { place, content }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(place, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.open(place, anchor, Content::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(done) => {
                    self.close(Node { place: done.place, content: done.content }, done.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                self.open.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn charge(&mut self, weight: usize, place: Place) -> Result<(), Fault> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > MAX_WEIGHT {
            return Err(Fault::new(place, "YAML: the file unfolds to more than 32 MiB"));
        }
        Ok(())
    }

    fn open(&mut self, place: Place, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::new(place, format!("YAML: nested deeper than {MAX_DEPTH}")));
        }
        self.charge(NODE_WEIGHT, place)?;
        self.open.push(Open { place, anchor, content, key: None });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Fault> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(Fault::new(place, "YAML: an alias to something that is not complete"));
        };
        let weight = target.weight();
        self.charge(weight, place)?;
        let copy = self.anchors.get(&anchor).map(|n| Node { place, content: n.content.clone() });
        copy.map_or(Ok(()), |node| self.close(node, 0))
    }

    /// Puts a complete node where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor > 0 {
            self.charge(node.weight(), node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut parent.content {
            Content::List(items) => items.push(node),
            Content::Map(entries) => match parent.key.take() {
                None => return parent_key(parent, node),
                Some(key) => entries.push((key, node)),
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }
}

/// Notes the key of the next entry; one that the mapping has already would silently replace a value.
fn parent_key(parent: &mut Open, key: Node) -> Result<(), Fault> {
    if let Content::Map(entries) = &parent.content {
        if entries.len() >= MAX_KEYS {
            return Err(Fault::new(key.place, format!("YAML: more than {MAX_KEYS} keys")));
        }
        if let Some(text) = key.text()
            && entries.iter().any(|(k, _)| k.text() == Some(text))
        {
            return Err(Fault::new(key.place, format!("YAML: the key `{text}` occurs twice")));
        }
    }
    parent.key = Some(key);
    Ok(())
}

fn is_text_tag(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|t| t.is_yaml_core_schema() && t.suffix == "str")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let (mut documents, fault) = documents(text);
        assert_eq!(fault, None, "{text}");
        documents.pop().unwrap()
    }

    #[test]
    fn keeps_the_text_of_scalars() {
        let node = one("a: [00000429, on, 0x10, 1e3, 1_000, '12', !!str 7, 2021-03-04]");
        let Content::List(items) = &node.get("a").unwrap().content else { panic!() };
        let got: Vec<_> = items
            .iter()
            .map(|n| match &n.content {
                Content::Scalar { text, plain } => (text.as_str(), *plain),
                _ => panic!(),
            })
            .collect();
        let plain = |t| (t, true);
        assert_eq!(
            got,
            [
                plain("00000429"),
                plain("on"),
                plain("0x10"),
                plain("1e3"),
                plain("1_000"),
                ("12", false),
                ("7", false),
                plain("2021-03-04")
            ]
        );
    }

    #[test]
    fn knows_null_from_empty_text() {
        let node = one("a:\nb: ~\nc: null\nd: ''\ne: 'null'");
        let nulls: Vec<_> =
            ["a", "b", "c", "d", "e"].map(|k| node.get(k).unwrap().is_null()).to_vec();
        assert_eq!(nulls, [true, true, true, false, false]);
    }

    #[test]
    fn says_where_and_why() {
        let cases = [
            ("a: 1\na: 2", (2, 1), "occurs twice"),
            ("a: [1,\n  2", (2, 4), "YAML"),
            ("a: &x [*x]", (1, 8), "not complete"),
        ];
        for (text, at, reason) in cases {
            let fault = documents(text).1.unwrap();
            assert!(fault.reason.contains(reason), "{text}: {}", fault.reason);
            if reason != "YAML" {
                assert_eq!((fault.place.line, fault.place.column), at, "{text}");
            }
        }
    }

    #[test]
    fn bounds_depth_and_aliases() {
        let deep = "[".repeat(100_000);
        assert!(documents(&deep).1.is_some());
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert!(documents(&deep).1.unwrap().reason.contains("nested deeper"));
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let list = vec![format!("*a{}", n - 1); 10].join(",");
            bomb = format!("{bomb}a{n}: &a{n} [{list}]\n");
        }
        assert!(documents(&bomb).1.unwrap().reason.contains("unfolds"));
    }

    #[test]
    fn keeps_the_documents_before_a_fault() {
        let (documents, fault) = documents("a: 1\n---\nb: 2\n---\nc: [");
        assert_eq!(documents.len(), 2);
        assert!(fault.unwrap().place.line >= 5);
    }
}
