//! The parts of an `EventData` cell: `S:KEY=value;` one after the other.
//!
//! A value, or a whole part, that holds `;` or `,` is wrapped in `'...'`, with `'` doubled in it and `"`
//! doubled too.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use model::{Field, Value};

/// A cell holds fewer parts; the rest of one with more is not taken apart.
const MAX_PARTS: usize = 256;

/// Adds a field for each text part (`S:`), under its key.
pub(super) fn push_parts<'a>(data: &'a str, fields: &mut Vec<Field<'a>>) {
    let mut rest = data;
    for _ in 0..MAX_PARTS {
        rest = rest.trim_start_matches([';', ' ']);
        if rest.is_empty() {
            break;
        }
        let (part, behind) = next_part(rest);
        rest = behind;
        if let Some((key, value)) = part {
            let value = if value.is_empty() { Value::Null } else { Value::Str(value) };
            fields.push((key, value));
        }
    }
}

type Part<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The part at the beginning, if it is a text part, and what follows it.
fn next_part(text: &str) -> (Option<Part<'_>>, &str) {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (inner, behind) = unquote(quoted);
        return (split_owned(inner), to_next(behind));
    }
    let Some(at) = memchr2(b'=', b';', text.as_bytes()) else { return (None, "") };
    let (name, value) = text.split_at(at);
    let Some(value) = value.strip_prefix('=') else { return (None, value) };
    let (value, behind) = match value.strip_prefix('\'') {
        Some(quoted) => {
            let (value, behind) = unquote(quoted);
            (value, to_next(behind))
        }
        None => {
            let end = memchr(b';', value.as_bytes()).unwrap_or(value.len());
            let (value, behind) = value.split_at(end);
            (Cow::Borrowed(value), behind)
        }
    };
    (key_of(name).map(|key| (Cow::Borrowed(key), value)), behind)
}

fn key_of(name: &str) -> Option<&str> {
    name.strip_prefix("S:").filter(|key| !key.is_empty())
}

fn split_owned(part: Cow<'_, str>) -> Option<Part<'_>> {
    match part {
        Cow::Borrowed(part) => {
            let (name, value) = part.split_once('=')?;
            Some((key_of(name)?.into(), value.into()))
        }
        Cow::Owned(part) => {
            let (name, value) = part.split_once('=')?;
            Some((key_of(name)?.to_owned().into(), value.to_owned().into()))
        }
    }
}

/// The text up to the quote that closes it, and what follows; all of it if nothing closes it.
fn unquote(text: &str) -> (Cow<'_, str>, &str) {
    let (mut from, mut end) = (0, text.len());
    while let Some(at) = text.get(from..).and_then(|rest| memchr(b'\'', rest.as_bytes())) {
        let quote = from + at;
        if text.as_bytes().get(quote + 1) != Some(&b'\'') {
            end = quote;
            break;
        }
        from = quote + 2;
    }
    let inner = text.get(..end).unwrap_or_default();
    let behind = text.get(end + 1..).unwrap_or_default();
    let doubled = inner.contains("''") || inner.contains("\"\"");
    let inner = if doubled {
        Cow::Owned(inner.replace("''", "'").replace("\"\"", "\""))
    } else {
        Cow::Borrowed(inner)
    };
    (inner, behind)
}

fn to_next(text: &str) -> &str {
    memchr(b';', text.as_bytes()).and_then(|at| text.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_parts_apart() {
        for (data, expected) in [
            ("S:TIME=13;S:CMD=Get-InboxRule;S:REQID=;", "TIME=13|CMD=Get-InboxRule|REQID="),
            (
                "S:URL=/ecp/x.svc/GetList?a=b;Dbl:WLM.TS=0;S:BLD=15.1.2375.7",
                "URL=/ecp/x.svc/GetList?a=b|BLD=15.1.2375.7",
            ),
            ("S:EX='a;b,c ''d'' \"\"e\"\"';S:RS=0", "EX=a;b,c 'd' \"e\"|RS=0"),
            (
                "'S:CMD=Set-X.Url=''http://f/;''.Identity=''0''';S:RS=1",
                "CMD=Set-X.Url='http://f/;'.Identity='0'|RS=1",
            ),
            ("S:A='';S:B='open;S:C=1", "A=|B=open;S:C=1"),
            ("noise;S:A=1;=;S:=2;S:B", "A=1"),
            ("'S:A=1'trailing;S:B=2", "A=1|B=2"),
            ("", ""),
        ] {
            let mut fields = Vec::new();
            push_parts(data, &mut fields);
            let parts: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}={}", value.text())).collect();
            assert_eq!(parts.join("|"), expected, "{data}");
        }
    }
}
