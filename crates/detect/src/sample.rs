//! Events as the samples beside rules write them, one JSON object a line:
//! `{"family", "channel", "provider", "event_id", "host", "fields": {name: value or [values]}}`.

use std::borrow::Cow;

use model::{Event, Fields, Integrity, ItemId, Locator, RootId, TimeBasis, Value};
use serde_json::Value as Json;

/// The families that samples may be of.
const FAMILIES: [&str; 6] =
    ["windows-event", "iis-w3c", "exchange-log", "exchange-setup", "test-proxylogon", "web-file"];
const KEYS: [&str; 6] = ["family", "channel", "provider", "event_id", "host", "fields"];

/// Reads one line of samples; gives the reason if it is none.
pub fn parse(line: &str) -> Result<Event<'static>, String> {
    let json: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let Some(object) = json.as_object() else { return Err("it is no JSON object".to_owned()) };
    if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("unknown key `{key}`: there are {}", KEYS.join(", ")));
    }
    let family = json.get("family").and_then(Json::as_str).unwrap_or_default();
    let Some(family) = FAMILIES.iter().find(|known| **known == family) else {
        return Err(format!("unknown family `{family}`: there are {}", FAMILIES.join(", ")));
    };
    if !json.get("fields").is_some_and(Json::is_object) {
        return Err("`fields` is no JSON object".to_owned());
    }
    Ok(event(&json, family))
}

/// The event that a JSON object describes.
pub(crate) fn event(json: &Json, family: &'static str) -> Event<'static> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut fields = Fields::default();
    for (name, value) in json.get("fields").and_then(Json::as_object).into_iter().flatten() {
        match value {
            Json::Array(values) => {
                for value in values {
                    fields.push(name.clone(), to_value(value));
                }
            }
            other => fields.push(name.clone(), to_value(other)),
        }
    }
    let event_id = json.get("event_id").and_then(Json::as_u64);
    Event {
        family,
        root: RootId(0),
        item: ItemId(0),
        locator: Locator::default(),
        integrity: Integrity::Whole,
        time: None,
        time_basis: TimeBasis::Assumed,
        raw_time: Cow::Borrowed(""),
        second_time: None,
        host: json.get("host").and_then(Json::as_str).map(|h| Cow::Owned(h.to_owned())),
        channel: text("channel").into(),
        provider: text("provider").into(),
        event_id: event_id.and_then(|id| u32::try_from(id).ok()),
        fields,
        raw: &[],
    }
}

fn to_value(json: &Json) -> Value<'static> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map(Value::Int).unwrap_or_else(|| {
            n.as_u64().map_or_else(|| Value::Float(n.as_f64().unwrap_or_default()), Value::UInt)
        }),
        Json::String(s) => Value::from(s.clone()),
        // A sample that no scanner should take for the real thing lies in parts.
        Json::Object(o) if o.contains_key("parts") => {
            let parts = o.get("parts").and_then(Json::as_array).into_iter().flatten();
            Value::from(parts.filter_map(Json::as_str).collect::<String>())
        }
        other => Value::from(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_samples_and_says_what_is_wrong() {
        let line =
            r#"{"family": "iis-w3c", "fields": {"a": ["x", 1], "b": {"parts": ["y", "z"]}}}"#;
        let event = parse(line).unwrap();
        assert_eq!(event.fields.0.len(), 3);
        assert_eq!(event.fields.text("b"), Some("yz"));
        for (line, reason) in [
            ("{", "EOF"),
            ("[]", "no JSON object"),
            (r#"{"family": "x", "fields": {}}"#, "unknown family `x`"),
            (r#"{"family": "iis-w3c", "field": {}}"#, "unknown key `field`"),
            (r#"{"family": "iis-w3c"}"#, "`fields`"),
        ] {
            let said = parse(line).unwrap_err();
            assert!(said.contains(reason), "{line}: {said}");
        }
    }
}
