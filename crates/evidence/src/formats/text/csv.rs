//! The cells of one row of comma-separated values.

use std::borrow::Cow;

use memchr::memchr;

/// The cells of a row that may hold quoted cells. A quote that nothing closes takes the rest of the row.
pub(crate) struct Cells<'a> {
    rest: Option<&'a str>,
    delimiter: u8,
}

/// Splits a row; `delimiter` must be ASCII.
pub(crate) fn cells(row: &str, delimiter: u8) -> Cells<'_> {
    Cells { rest: Some(row), delimiter }
}

impl<'a> Cells<'a> {
    /// What has not been split yet, without the delimiter before it.
    pub(crate) fn rest(&self) -> Option<&'a str> {
        self.rest
    }

    fn plain(&mut self, text: &'a str) -> &'a str {
        let (cell, rest) = match memchr(self.delimiter, text.as_bytes()) {
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
            None => (text, None),
        };
        self.rest = rest;
        cell
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest?;
        let Some(quoted) = text.strip_prefix('"') else {
            return Some(Cow::Borrowed(self.plain(text)));
        };
        let (cell, behind) = unquote(quoted);
        let tail = self.plain(behind);
        // Text behind the closing quote belongs to the cell.
        Some(if tail.is_empty() { cell } else { Cow::Owned(cell.into_owned() + tail) })
    }
}

/// The text up to the quote that closes it, with doubled quotes made single, and what follows that quote.
fn unquote(text: &str) -> (Cow<'_, str>, &str) {
    let (mut from, mut doubled) = (0, false);
    loop {
        let at = text.get(from..).and_then(|rest| memchr(b'"', rest.as_bytes()));
        let end = at.map_or(text.len(), |at| from + at);
        let behind = text.get(end + 1..).unwrap_or_default();
        if at.is_some() && behind.starts_with('"') {
            doubled = true;
            from = end + 2;
            continue;
        }
        let cell = text.get(..end).unwrap_or_default();
        let cell = if doubled { Cow::Owned(cell.replace("\"\"", "\"")) } else { cell.into() };
        return (cell, behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use csv_core::{ReadRecordResult, Reader};
    use proptest::prelude::*;

    #[test]
    fn splits_rows() {
        for (row, expected) in [
            ("", vec![""]),
            ("a,b,", vec!["a", "b", ""]),
            (r#""a,b",c"#, vec!["a,b", "c"]),
            (r#""say ""hi""",c"#, vec![r#"say "hi""#, "c"]),
            (r#""a"b,c"#, vec!["ab", "c"]),
            (r#"a"b,c"#, vec![r#"a"b"#, "c"]),
            (r#""open,c"#, vec!["open,c"]),
            (r#""","#, vec!["", ""]),
        ] {
            assert_eq!(cells(row, b',').collect::<Vec<_>>(), expected, "{row}");
        }
    }

    /// What another parser makes of the row.
    fn oracle(row: &str) -> Vec<String> {
        let mut reader = Reader::new();
        let (mut out, mut ends) = (vec![0; row.len() + 2], vec![0; row.len() + 2]);
        let line = format!("{row}\n");
        let (result, _, _, count) = reader.read_record(line.as_bytes(), &mut out, &mut ends);
        let (mut start, mut cells) = (0, Vec::new());
        if result == ReadRecordResult::Record {
            for end in &ends[..count] {
                cells.push(String::from_utf8(out[start..*end].to_vec()).unwrap());
                start = *end;
            }
        }
        cells
    }

    proptest! {
        #[test]
        fn agrees_with_csv_core(row in r#"[a", ;é]{1,24}"#) {
            // Without a closing quote the other parser waits for the next line.
            prop_assume!(row.matches('"').count() % 2 == 0);
            let expected = oracle(&row);
            prop_assume!(!expected.is_empty());
            prop_assert_eq!(cells(&row, b',').map(Cow::into_owned).collect::<Vec<_>>(), expected);
        }
    }
}
