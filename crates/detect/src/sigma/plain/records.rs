//! Which records a log source means, and where they hold a field.

use std::borrow::Cow;

use model::{Event, Value};

use super::letters::lowered;
use super::read::LogSource;
use super::values::Number;
use crate::sigma::mapping::{Mapping, Part, Place, Source, SourceId, Template};

/// The sources that a rule's log source means: those that the mapping gives under that name; else those of every
/// name that states all that the rule states; else, of its category, those that lie in its service's channels.
pub(super) fn sources(mapping: &Mapping, wanted: &LogSource) -> Vec<SourceId> {
    let known = || {
        mapping.named().iter().map(|(known, ids)| {
            let (product, category) = (known.product.clone(), known.category.clone());
            (LogSource { product, category, service: known.service.clone() }, ids)
        })
    };
    if let Some((_, ids)) = known().find(|(known, _)| known == wanted) {
        return ids.clone();
    }
    let open: Vec<SourceId> = known()
        .filter(|(known, _)| wanted.is_met_by(known))
        .flat_map(|(_, ids)| ids.clone())
        .collect();
    let (Some(category), Some(service)) = (&wanted.category, &wanted.service) else { return open };
    if !open.is_empty() {
        return open;
    }
    let part = |category: Option<&String>, service: Option<&String>| {
        let product = wanted.product.clone();
        sources(
            mapping,
            &LogSource { product, category: category.cloned(), service: service.cloned() },
        )
    };
    let channels =
        |id: &SourceId| mapping.source(*id).map(|s| s.channel.clone()).unwrap_or_default();
    let of_service: Vec<String> = part(None, Some(service)).iter().flat_map(channels).collect();
    let mut of_category = part(Some(category), None);
    of_category.retain(|id| channels(id).iter().any(|channel| of_service.contains(channel)));
    of_category
}

/// A record, seen as one source's.
#[derive(Clone, Copy)]
pub(super) struct View<'v, 'e> {
    pub(super) mapping: &'v Mapping,
    pub(super) source: &'v Source,
    pub(super) event: &'v Event<'e>,
    /// Some fields have another value.
    pub(super) second: bool,
}

/// A value that a field has.
pub(super) struct Found<'v> {
    /// As the record holds it; `None` if it was put together.
    pub(super) value: Option<&'v Value<'v>>,
    /// Its text; `None` for null.
    pub(super) text: Option<Cow<'v, str>>,
    /// The same without case.
    pub(super) lowered: Vec<char>,
}

impl<'v> Found<'v> {
    fn new(value: Option<&'v Value<'v>>, text: Option<Cow<'v, str>>) -> Self {
        let lowered = text.as_deref().map(lowered).unwrap_or_default();
        Self { value, text, lowered }
    }

    fn of(value: &'v Value<'v>) -> Self {
        Self::new(Some(value), (*value != Value::Null).then(|| value.text()))
    }

    fn made(text: String) -> Self {
        Self::new(None, Some(Cow::Owned(text)))
    }

    /// Null, or a text without a character.
    pub(super) fn is_empty(&self) -> bool {
        self.text.as_ref().is_none_or(|text| text.is_empty())
    }

    /// The number that a text states.
    pub(super) fn stated_number(&self) -> Option<Number> {
        match self.value {
            None | Some(Value::Str(_)) => Number::stated(self.text.as_ref()?),
            Some(_) => None,
        }
    }
}

/// Whether a record's head is as the source asks.
pub(super) fn is_of(source: &Source, event: &Event<'_>) -> bool {
    let is_in =
        |list: &[String], text: &str| list.is_empty() || list.contains(&text.to_lowercase());
    let channel = if event.channel.is_empty() && !source.channel.is_empty() {
        source.without_channel.contains(&event.provider.to_lowercase())
    } else {
        is_in(&source.channel, &event.channel)
    };
    let id = source.event_id.is_empty()
        || event.event_id.is_some_and(|id| source.event_id.contains(&id));
    event.family == source.family && channel && is_in(&source.provider, &event.provider) && id
}

impl<'v, 'e: 'v> View<'v, 'e> {
    /// Whether the record's fields are as the source asks besides.
    pub(super) fn is_guarded(&self) -> bool {
        let one_of = |values: &[String], found: &Found<'_>| {
            found.text.is_some() && values.iter().any(|value| lowered(value) == found.lowered)
        };
        self.source
            .only
            .iter()
            .all(|(field, values)| self.field(field).iter().any(|found| one_of(values, found)))
    }

    /// The values of a field under Sigma's name.
    pub(super) fn field(&self, name: &str) -> Vec<Found<'v>> {
        let second = if self.second { self.source.second_view.get(name) } else { None };
        let mapped = self.source.fields.get(name).into_iter().flatten();
        let own = Place::Field(name.to_owned());
        let places: Vec<&Place> = second.into_iter().chain(mapped).chain([&own]).collect();
        let made = places.iter().find_map(|place| match place {
            Place::Template(template) => Some(self.joined(template)),
            Place::Field(name) if name == "Message" => Some(self.message()),
            Place::Field(_) => None,
        });
        if let Some(text) = made.flatten() {
            return vec![Found::made(text)];
        }
        let names = places.iter().filter_map(|place| match place {
            Place::Field(name) => Some(name.as_str()),
            Place::Template(_) => None,
        });
        let found = names.map(|name| self.named(name)).find(|found| !found.is_empty());
        self.without_heads(found.unwrap_or_default()).into_iter().map(Found::of).collect()
    }

    /// All texts of the record, and the message that Windows would have shown.
    pub(super) fn texts(&self) -> Vec<Found<'v>> {
        let values = self.event.fields.0.iter().map(|(_, value)| value);
        let texts = values.filter(|value| matches!(value, Value::Str(_))).map(Found::of);
        texts.chain(self.message().map(Found::made)).collect()
    }

    /// The record's fields of that name; if none is written so, those that differ in case alone; if there is none of
    /// these, those that are the name when their blanks are stripped.
    fn named(&self, name: &str) -> Vec<(&'v str, &'v Value<'v>)> {
        let fields: Vec<(&str, &Value<'_>)> =
            self.event.fields.0.iter().map(|(name, value)| (name.as_ref(), value)).collect();
        let like = |is: &dyn Fn(&str) -> bool| -> Vec<(&'v str, &'v Value<'v>)> {
            fields.iter().filter(|(known, _)| is(known)).copied().collect()
        };
        let stripped = |known: &str| known.split(' ').collect::<String>();
        let ways = [
            like(&|known| known == name),
            like(&|known| known.eq_ignore_ascii_case(name)),
            like(&|known| stripped(known).eq_ignore_ascii_case(name)),
        ];
        ways.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Of a name that the head has too only the body's first counts; the event id is the head's, which stands last.
    fn without_heads(&self, found: Vec<(&'v str, &'v Value<'v>)>) -> Vec<&'v Value<'v>> {
        let heads = self.mapping.heads(self.event.family);
        let name = found.first().map_or("", |(name, _)| *name);
        let values: Vec<&Value<'_>> = found.into_iter().map(|(_, value)| value).collect();
        match heads.iter().any(|head| head == name) {
            true if name == "EventID" => values.into_iter().rev().take(1).collect(),
            true => values.into_iter().take(1).collect(),
            false => values,
        }
    }

    /// Two fields with a text between them, which stands only where both are there, and only once.
    fn joined(&self, template: &Template) -> Option<String> {
        let mut out = String::new();
        let mut between = "";
        for part in &template.parts {
            let value = match part {
                Part::Text(text) => {
                    between = text;
                    continue;
                }
                part => self.part(part).map(Value::text).unwrap_or_default(),
            };
            if !out.is_empty() && !value.is_empty() && !value.starts_with(between) {
                out.push_str(between);
            }
            out.push_str(&value);
        }
        (!out.is_empty()).then_some(out)
    }

    /// The message of a record that has none of its own.
    fn message(&self) -> Option<String> {
        let mut messages = self.mapping.messages().iter();
        let message = messages.find(|message| is_of(&message.source, self.event))?;
        if self.named("Message").iter().any(|(_, value)| !Found::of(value).is_empty()) {
            return None;
        }
        let mut out = String::new();
        let mut any = false;
        for part in &message.template.parts {
            match (part, self.part(part)) {
                (Part::Text(text), _) => out.push_str(text),
                (_, Some(value)) => {
                    any = true;
                    out.push_str(&value.text());
                }
                (_, None) => {}
            }
        }
        any.then_some(out)
    }

    fn part(&self, part: &Part) -> Option<&'v Value<'v>> {
        let found = match part {
            Part::Text(_) => None,
            Part::Field(name) => self.named(name).first().copied(),
            Part::Unnamed(nth) => self.named("Data").get(*nth).copied(),
        };
        found.map(|(_, value)| value)
    }
}
