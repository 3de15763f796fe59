//! Names that evidence chose: taken apart, made printable, never used as a name on disk.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Longest name that is kept; Windows itself allows 32,767 characters, real paths stay far below this.
const LONGEST: usize = 4096;

/// A name inside a folder or archive, as components that can be printed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    /// As the container states them, `..` included.
    shown: Vec<String>,
    /// Without `.` and with `..` resolved; never above the container.
    parts: Vec<String>,
    absolute: bool,
    escapes: bool,
}

impl Name {
    /// From the bytes of a container; `/` and `\` both part components.
    pub(crate) fn new(raw: &[u8]) -> Self {
        let raw = raw.get(..LONGEST).unwrap_or(raw);
        let is_separator = |b: &u8| matches!(b, b'/' | b'\\');
        let mut name = Self { absolute: raw.first().is_some_and(is_separator), ..Self::default() };
        for part in raw.split(is_separator).filter(|part| !matches!(*part, b"" | b".")) {
            let part = printable(part);
            name.step(&part);
            name.shown.push(part);
        }
        name.escapes |= name.absolute;
        name
    }

    fn step(&mut self, part: &str) {
        if part != ".." {
            self.parts.push(part.to_owned());
        } else if self.parts.pop().is_none() {
            self.escapes = true;
        }
    }

    /// The components that count; empty for a name that names nothing.
    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether it tries to leave its container.
    pub(crate) fn escapes(&self) -> bool {
        self.escapes
    }

    /// For custody: as stated, with `/` between components.
    pub(crate) fn shown(&self) -> String {
        let path = self.shown.join("/");
        match (self.absolute, path.is_empty()) {
            (true, _) => format!("/{path}"),
            (false, true) => "(no name)".to_owned(),
            (false, false) => path,
        }
    }
}

/// Makes custody paths unique within one container.
#[derive(Default)]
pub(crate) struct Unique(HashSet<u64>);

impl Unique {
    /// `path`, or `path#2` and so on where it was given out before.
    pub(crate) fn name(&mut self, path: String) -> String {
        if self.take(&path) {
            return path;
        }
        let mut number = 2_u64;
        loop {
            let candidate = format!("{path}#{number}");
            if self.take(&candidate) {
                return candidate;
            }
            number += 1;
        }
    }

    fn take(&mut self, path: &str) -> bool {
        // A hash is kept, not the path: a million members fit into a few megabytes. A collision only
        // adds a suffix.
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        self.0.insert(hasher.finish())
    }
}

/// One line of text in which nothing can steer a terminal: what is not printable becomes `\xNN`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    escape(bytes, |_| false)
}

/// Like [`printable`], with line ends and tabs left as they are.
pub(crate) fn printable_text(bytes: &[u8]) -> String {
    escape(bytes, |c| matches!(c, '\n' | '\r' | '\t')).replace('\r', "")
}

fn escape(bytes: &[u8], keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if steers(c) && !keep(c) {
                push_escaped(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(c);
            }
        }
        push_escaped(&mut out, chunk.invalid());
    }
    out
}

fn push_escaped(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// Control characters, and those that reorder or hide text around them.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Undoes one layer of percent escapes; a `%` that begins none stays.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(hex_pair) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    printable(&out)
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        // raw, shown, parts that count, tries to escape
        for (raw, shown, parts, escapes) in [
            (&b"C/Windows/x.evtx"[..], "C/Windows/x.evtx", "C|Windows|x.evtx", false),
            (b"C\\Windows\\x.evtx", "C/Windows/x.evtx", "C|Windows|x.evtx", false),
            (b"./a//b/.", "a/b", "a|b", false),
            (b"a/../b", "a/../b", "b", false),
            (b"../../etc/passwd", "../../etc/passwd", "etc|passwd", true),
            (b"/etc/passwd", "/etc/passwd", "etc|passwd", true),
            (b"\\\\server\\share\\x", "/server/share/x", "server|share|x", true),
            (b"..", "..", "", true),
            (b"", "(no name)", "", false),
            (b"a\xff\x1b[0m", "a\\xff\\x1b[0m", "a\\xff\\x1b[0m", false),
            ("a\u{202e}b".as_bytes(), "a\\xe2\\x80\\xaeb", "a\\xe2\\x80\\xaeb", false),
        ] {
            let name = Name::new(raw);
            assert_eq!(name.shown(), shown);
            assert_eq!(name.parts().join("|"), parts, "{shown}");
            assert_eq!(name.escapes(), escapes, "{shown}");
        }
    }

    #[test]
    fn percent_escapes_are_undone_once() {
        for (text, decoded) in [
            ("C%3A", "C:"),
            ("100%", "100%"),
            ("%2541", "%41"),
            ("%zz%+1", "%zz%+1"),
            ("%5C%5C.%5CC%3A", "\\\\.\\C:"),
            ("%ff%00", "\\xff\\x00"),
        ] {
            assert_eq!(percent_decode(text), decoded);
        }
    }

    #[test]
    fn paths_become_unique() {
        let mut unique = Unique::default();
        let names: Vec<_> =
            ["a", "a", "a#2", "a"].iter().map(|n| unique.name((*n).to_owned())).collect();
        assert_eq!(names, ["a", "a#2", "a#2#2", "a#3"]);
    }

    #[test]
    fn an_endless_name_is_cut() {
        assert!(Name::new(&vec![b'a'; 1 << 20]).shown().len() <= LONGEST);
    }
}
