//! Which events an entry of content speaks of: family, channel, provider, event id and values of fields.

use std::collections::BTreeMap;

use model::{Event, Value};
use serde::Deserialize;

/// Conditions on an event, all of which must hold; what is left out holds for any event.
///
/// Stands last in the entries of content that hold it (`serde(flatten)`), so that a key which nobody knows
/// ends here and is refused: a condition that is misspelt would otherwise hold for every event.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawSelect")]
pub(crate) struct Select {
    family: String,
    channels: Vec<String>,
    providers: Vec<String>,
    event_ids: Vec<u32>,
    fields: BTreeMap<String, Vec<String>>,
    has: Vec<String>,
}

#[derive(Deserialize)]
struct RawSelect {
    family: String,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    event_ids: Vec<u32>,
    #[serde(default)]
    fields: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, serde_json::Value>,
}

impl TryFrom<RawSelect> for Select {
    type Error = String;

    fn try_from(raw: RawSelect) -> Result<Self, String> {
        if let Some(key) = raw.unknown.keys().next() {
            return Err(format!("unknown key `{key}`"));
        }
        Ok(Self {
            family: raw.family,
            channels: raw.channels,
            providers: raw.providers,
            event_ids: raw.event_ids,
            fields: raw.fields,
            has: raw.has,
        })
    }
}

impl Select {
    /// Whether events of this family and channel can fit at all; this part may be cached.
    pub(crate) fn opens(&self, family: &str, channel: &str) -> bool {
        self.family == family && any_of(&self.channels, channel)
    }

    /// Whether the rest holds for an event for which [`Select::opens`] said yes.
    pub(crate) fn holds(&self, event: &Event<'_>) -> bool {
        any_of(&self.providers, &event.provider)
            && (self.event_ids.is_empty()
                || event.event_id.is_some_and(|id| self.event_ids.contains(&id)))
            && self.has.iter().all(|name| has_value(event, name))
            && self.fields.iter().all(|(name, wanted)| has_one_of(event, name, wanted))
    }

    /// Whether every condition holds.
    pub(crate) fn fits(&self, event: &Event<'_>) -> bool {
        self.opens(event.family, &event.channel) && self.holds(event)
    }

    /// Whether [`Select::holds`] is true for any event, so that nothing of it needs to be asked.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.providers.is_empty()
            && self.event_ids.is_empty()
            && self.has.is_empty()
            && self.fields.is_empty()
    }
}

/// Whether a list is empty or holds the text, without case.
fn any_of(list: &[String], text: &str) -> bool {
    list.is_empty() || list.iter().any(|item| item.eq_ignore_ascii_case(text))
}

fn has_value(event: &Event<'_>, name: &str) -> bool {
    value_of(event, name).is_some()
}

fn has_one_of(event: &Event<'_>, name: &str, wanted: &[String]) -> bool {
    value_of(event, name)
        .is_some_and(|value| wanted.iter().any(|w| w.eq_ignore_ascii_case(&value.text())))
}

/// The first value of a field that says something.
pub(crate) fn value_of<'s, 'a>(event: &'s Event<'a>, name: &str) -> Option<&'s Value<'a>> {
    event.fields.get(name).filter(|value| !matches!(value, Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;

    fn select(yaml: &str) -> Select {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_misspelt_condition_is_refused() {
        for yaml in ["{family: f, chanels: [C]}", "{channels: [C]}", "{family: f, event_ids: [x]}"]
        {
            assert!(serde_saphyr::from_str::<Select>(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let select = select(
            "{family: f, channels: [C], providers: [P], event_ids: [1], fields: {a: ['444']}, has: [b]}",
        );
        let base = serde_json::json!({"family": "f", "channel": "c", "provider": "p", "event_id": 1,
            "fields": {"a": 444, "b": "x"}});
        assert!(select.fits(&event(&base)));
        for (pointer, other) in [
            ("/family", serde_json::json!("g")),
            ("/channel", serde_json::json!("d")),
            ("/provider", serde_json::json!("q")),
            ("/event_id", serde_json::json!(2)),
            ("/fields/a", serde_json::json!("443")),
            ("/fields/b", serde_json::Value::Null),
        ] {
            let mut changed = base.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            assert!(!select.fits(&event(&changed)), "{pointer}");
        }
    }
}
