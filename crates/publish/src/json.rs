//! The case as JSON, and the JSON Schema of it.

use std::collections::BTreeMap;
use std::io;

use model::case::Case;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::inert::is_invisible;

/// The case as it is kept: two spaces of indent, `\n`, a newline at the end, the same bytes for the
/// same case. Invisible characters are written as `\u` escapes, so that the file may be printed on a
/// terminal; a JSON reader gets the exact text back.
pub fn case_json(case: &Case) -> Vec<u8> {
    pretty(case)
}

/// The JSON Schema of [`Case`], in the form in which the repository keeps it.
pub fn schema_json() -> String {
    let schema = sorted(schemars::schema_for!(Case).to_value());
    String::from_utf8(pretty(&schema)).unwrap_or_default()
}

/// A value as JSON on one line, with invisible characters as `\u` escapes.
pub fn json_line<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    let done = value.serialize(&mut Serializer::with_formatter(&mut out, VisibleLine));
    debug_assert!(done.is_ok(), "keys are text, and memory is no file");
    String::from_utf8(out).unwrap_or_default()
}

/// Keys in the order of their names, whichever order other crates of a build ask of the JSON library.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entries: BTreeMap<String, Value> = map.into_iter().collect();
            entries.into_iter().map(|(key, value)| (key, sorted(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Visible(PrettyFormatter::new()));
    // Neither the case nor the schema holds a map with keys that are no text, and memory is no file:
    // this cannot fail.
    let done = value.serialize(&mut serializer);
    debug_assert!(done.is_ok(), "a case is always JSON");
    out.push(b'\n');
    out
}

/// Pretty JSON in which every character can be seen.
struct Visible(PrettyFormatter<'static>);

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_visible(writer, fragment)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// JSON on one line in which every character can be seen.
struct VisibleLine;

impl Formatter for VisibleLine {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_visible(writer, fragment)
    }
}

fn write_visible<W: ?Sized + io::Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_invisible(*c)) {
        let (seen, tail) = rest.split_at(at);
        writer.write_all(seen.as_bytes())?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(writer, "\\u{unit:04x}")?;
        }
        rest = tail.get(c.len_utf8()..).unwrap_or_default();
    }
    writer.write_all(rest.as_bytes())
}
