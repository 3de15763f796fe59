//! One JSON value in memory, borrowed from its text: order and repeated keys kept, bounded, forgiving.
//!
//! Evidence is not refused for what does no harm: bytes that are no UTF-8 and lone surrogates become
//! U+FFFD, raw control characters inside strings are taken as they are. What breaks the structure fails.

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::memchr2;

/// Deepest nesting; real events need five levels.
const MAX_DEPTH: usize = 64;
/// Most values in one record; real events need a few hundred.
const MAX_NODES: usize = 1 << 16;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Members<'a>),
}

/// The members of an object, in the order of the text.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// Why a text is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// The text ends inside the value.
    End,
    /// Not JSON.
    Syntax,
    /// Deeper or larger than the bounds.
    Limit,
}

/// Reads the value at the beginning of `text`; gives it with the number of bytes it took.
pub(crate) fn parse(text: &[u8]) -> Result<(Node<'_>, usize), Bad> {
    let mut parser = Parser { text, at: 0, nodes: 0, to_the_end: false };
    let node = parser.value(0)?;
    Ok((node, parser.at))
}

/// Reads as much of the value at the beginning of `text` as there is: for the first bytes of a file.
pub(crate) fn parse_prefix(text: &[u8]) -> Option<(Node<'_>, usize)> {
    let mut parser = Parser { text, at: 0, nodes: 0, to_the_end: true };
    let node = parser.value(0).ok()?;
    Some((node, parser.at))
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    nodes: usize,
    /// The end of the text closes what is open.
    to_the_end: bool,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Result<u8, Bad> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Bad::End)
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, Bad> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(Bad::Limit);
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Node::Str),
            b't' => self.word(b"true", Node::Bool(true)),
            b'f' => self.word(b"false", Node::Bool(false)),
            b'n' => self.word(b"null", Node::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(Bad::Syntax),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, Bad> {
        let mut members = Vec::new();
        self.at += 1;
        match self.members(depth, &mut members) {
            Err(Bad::End) if self.to_the_end => Ok(Node::Object(members)),
            outcome => outcome.map(|()| Node::Object(members)),
        }
    }

    fn members(&mut self, depth: usize, members: &mut Members<'a>) -> Result<(), Bad> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek()? != b'"' {
                return Err(Bad::Syntax);
            }
            let name = self.string()?;
            if self.peek()? != b':' {
                return Err(Bad::Syntax);
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push((name, value));
            if self.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, Bad> {
        let mut items = Vec::new();
        self.at += 1;
        match self.items(depth, &mut items) {
            Err(Bad::End) if self.to_the_end => Ok(Node::Array(items)),
            outcome => outcome.map(|()| Node::Array(items)),
        }
    }

    fn items(&mut self, depth: usize, items: &mut Vec<Node<'a>>) -> Result<(), Bad> {
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let item = self.value(depth + 1)?;
            items.push(item);
            if self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// After a member or item: true if `close` follows, false if a comma does.
    fn more(&mut self, close: u8) -> Result<bool, Bad> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Ok(false),
            _ if byte == close => Ok(true),
            _ => Err(Bad::Syntax),
        }
    }

    fn word(&mut self, word: &[u8], node: Node<'a>) -> Result<Node<'a>, Bad> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(node);
        }
        Err(if word.starts_with(rest) { Bad::End } else { Bad::Syntax })
    }

    fn number(&mut self) -> Result<Node<'a>, Bad> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let digits = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let end = rest.iter().position(|b| !digits(b)).unwrap_or(rest.len());
        let token = rest.get(..end).and_then(|t| std::str::from_utf8(t).ok()).ok_or(Bad::Syntax)?;
        self.at += end;
        if let Ok(n) = token.parse::<u64>() {
            return Ok(Node::UInt(n));
        }
        if let Ok(n) = token.parse::<i64>() {
            return Ok(Node::Int(n));
        }
        let float = token.parse::<f64>().map_err(|_| Bad::Syntax)?;
        let whole = token.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        // A whole number that no integer holds stays exact as text.
        Ok(if whole { Node::Str(Cow::Borrowed(token)) } else { Node::Float(float) })
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Bad> {
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let stop = memchr2(b'"', b'\\', rest).ok_or(Bad::End)?;
        let plain = rest.get(..stop).unwrap_or_default();
        if rest.get(stop) == Some(&b'"') {
            self.at += stop + 1;
            return Ok(String::from_utf8_lossy(plain));
        }
        self.escaped_string().map(Cow::Owned)
    }

    /// A string with escapes; `at` stands behind its opening quote.
    fn escaped_string(&mut self) -> Result<String, Bad> {
        let mut out = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let stop = memchr2(b'"', b'\\', rest).ok_or(Bad::End)?;
            out.extend_from_slice(rest.get(..stop).unwrap_or_default());
            self.at += stop + 1;
            if rest.get(stop) == Some(&b'"') {
                return Ok(String::from_utf8(out)
                    .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()));
            }
            let decoded = self.escape()?;
            out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn escape(&mut self) -> Result<char, Bad> {
        let byte = *self.text.get(self.at).ok_or(Bad::End)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return Err(Bad::Syntax),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, Bad> {
        let unit = self.hex4()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let behind = self.at;
        if self.text.get(self.at..self.at + 2) == Some(b"\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        self.at = behind;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, Bad> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Bad::End)?;
        self.at += 4;
        digits
            .iter()
            .try_fold(0, |n, &b| char::from(b).to_digit(16).map(|d| n * 16 + d).ok_or(Bad::Syntax))
    }
}

/// The value as indented JSON for a reader: every character that could steer a terminal or hide text is
/// escaped.
pub(crate) fn pretty(node: &Node<'_>) -> String {
    let mut out = String::new();
    write_node(&mut out, node, 0);
    out
}

fn write_node(out: &mut String, node: &Node<'_>, depth: usize) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Node::Int(n) => out.push_str(&n.to_string()),
        Node::UInt(n) => out.push_str(&n.to_string()),
        Node::Float(n) => out.push_str(&n.to_string()),
        Node::Str(text) => write_text(out, text),
        Node::Array(items) => {
            let write = |out: &mut String, item: &Node<'_>| write_node(out, item, depth + 1);
            write_list(out, ['[', ']'], items, depth, write);
        }
        Node::Object(members) => {
            write_list(out, ['{', '}'], members, depth, |out, (name, value)| {
                write_text(out, name);
                out.push_str(": ");
                write_node(out, value, depth + 1);
            });
        }
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    depth: usize,
    write: impl Fn(&mut String, &T),
) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    out.push(open);
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        line(out, depth + 1);
        write(out, item);
    }
    if !items.is_empty() {
        line(out, depth);
    }
    out.push(close);
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() || is_invisible(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Characters that reorder or hide what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
