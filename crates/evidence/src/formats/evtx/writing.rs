//! Writes event logs by hand.

use Token::{
    Attribute, Character, Data, Empty, End, Entity, In, Literal, Open, Section, Slot, Text,
};

use super::HEADER;
use super::chunk::CHUNK;

/// A token of a stream.
#[derive(Clone)]
pub(super) enum Token {
    Open(&'static str),
    /// An element that depends on a value.
    Depends(&'static str, u16),
    Attribute(&'static str),
    In,
    Empty,
    End,
    Text(&'static str),
    /// A CDATA section.
    Section(&'static str),
    Character(u16),
    Entity(&'static str),
    Slot(u16),
    Literal(u8, Vec<u8>),
    /// `<Data Name="...">`, up to its content.
    Data(&'static str),
}

/// A value of a template.
#[derive(Clone)]
pub(super) enum Val {
    Typed(u8, Vec<u8>),
    /// Another template and its values.
    Nested(Vec<Token>, Vec<Self>),
}

/// Writes chunks.
pub(super) struct Chunk(Vec<u8>);

impl Chunk {
    pub(super) fn new() -> Self {
        let mut head = vec![0; 512];
        head[..8].copy_from_slice(b"ElfChnk\0");
        // Its writer made no checksums.
        head[120] = 4;
        Self(head)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn word(&mut self, number: usize) {
        self.put(&u32::try_from(number).unwrap().to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        self.put(&u16::try_from(units.len()).unwrap().to_le_bytes());
        self.put(&units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>());
    }

    fn name(&mut self, name: &str) {
        self.word(self.0.len() + 4);
        self.put(&[0; 6]);
        self.text(name);
        self.put(&[0; 2]);
    }

    fn open(&mut self, name: &str, dependency: Option<u16>, attributes: bool) {
        self.put(&[if attributes { 0x41 } else { 0x01 }]);
        if let Some(dependency) = dependency {
            self.put(&dependency.to_le_bytes());
        }
        self.word(0);
        self.name(name);
        if attributes {
            self.word(0);
        }
    }

    fn tokens(&mut self, tokens: &[Token], in_definition: bool) {
        let none = in_definition.then_some(u16::MAX);
        for (n, token) in tokens.iter().enumerate() {
            let attributes = matches!(tokens.get(n + 1), Some(Attribute(_)));
            match token {
                Open(name) => self.open(name, none, attributes),
                Token::Depends(name, on) => self.open(name, Some(*on), attributes),
                Attribute(name) => {
                    self.put(&[6]);
                    self.name(name);
                }
                In => self.put(&[2]),
                Empty => self.put(&[3]),
                End => self.put(&[4]),
                Text(text) => {
                    self.put(&[5, 1]);
                    self.text(text);
                }
                Section(text) => {
                    self.put(&[7]);
                    self.text(text);
                }
                Character(code) => self.put(&[&[8][..], &code.to_le_bytes()].concat()),
                Entity(name) => {
                    self.put(&[9]);
                    self.name(name);
                }
                Slot(number) => self.put(&[&[0x0e][..], &number.to_le_bytes(), &[0]].concat()),
                Literal(kind, bytes) => self.put(&[&[5, *kind][..], bytes].concat()),
                Data(name) => {
                    self.open("Data", none, true);
                    self.put(&[6]);
                    self.name("Name");
                    self.put(&[5, 1]);
                    self.text(name);
                    self.put(&[2]);
                }
            }
        }
    }

    /// The use of a template that is defined here.
    pub(super) fn instance(&mut self, definition: &[Token], values: &[Val]) {
        let guid = [7; 16];
        self.put(&[0x0f, 1, 1, 0, 0x0c, 1]);
        self.put(&guid[..4]);
        self.word(self.0.len() + 4);
        self.word(0);
        self.put(&guid);
        let size_at = self.0.len();
        self.word(0);
        self.put(&[0x0f, 1, 1, 0]);
        self.tokens(definition, true);
        self.put(&[0]);
        let size = u32::try_from(self.0.len() - size_at - 4).unwrap();
        self.0[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        self.word(values.len());
        let descriptors = self.0.len();
        for value in values {
            let kind = if let Val::Typed(kind, _) = value { *kind } else { 0x21 };
            self.put(&[0, 0, kind, 0]);
        }
        for (n, value) in values.iter().enumerate() {
            let start = self.0.len();
            match value {
                Val::Typed(_, bytes) => self.put(bytes),
                Val::Nested(definition, values) => self.instance(definition, values),
            }
            let size = u16::try_from(self.0.len() - start).unwrap().to_le_bytes();
            self.0[descriptors + 4 * n..descriptors + 4 * n + 2].copy_from_slice(&size);
        }
    }

    pub(super) fn record(&mut self, body: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.put(b"**\0\0");
        self.put(&[0; 4]);
        self.put(&7_u64.to_le_bytes());
        self.put(&132_602_928_136_590_000_u64.to_le_bytes());
        body(self);
        let size = u32::try_from(self.0.len() - start + 4).unwrap().to_le_bytes();
        self.0[start + 4..start + 8].copy_from_slice(&size);
        self.put(&size);
    }

    /// A record without a template.
    pub(super) fn plain(&mut self, tokens: &[Token]) {
        self.record(|chunk| {
            chunk.put(&[0x0f, 1, 1, 0]);
            chunk.tokens(tokens, false);
            chunk.put(&[0]);
        });
    }

    /// The chunk.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let free = u32::try_from(self.0.len()).unwrap().to_le_bytes();
        self.0[48..52].copy_from_slice(&free);
        self.0.resize(CHUNK, 0);
        self.0
    }
}

pub(super) fn file(chunks: Vec<Chunk>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..8].copy_from_slice(b"ElfFile\0");
    for chunk in chunks {
        bytes.extend(chunk.finish());
    }
    bytes
}
