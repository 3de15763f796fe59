//! A Windows event by its parts, whatever form it came in, and how it becomes a [`model::Event`].

use std::borrow::Cow;

use jiff::tz::TimeZone;
use model::{Event, Field, Fields, Integrity, Locator, Time, TimeBasis, Value};

use super::super::Context;

/// The parts of a Windows event. The first value given to a part of the head stays.
#[derive(Default)]
pub(crate) struct Record<'a> {
    /// Leaves of the body, in order.
    pub body: Fields<'a>,
    /// The rendered message, where an export has one.
    pub message: Option<Value<'a>>,
    /// The time as the record has it.
    pub raw_time: Option<Cow<'a, str>>,
    head: [Option<Value<'a>>; HEAD.len()],
}

/// A part of the head, numbered like its name in [`HEAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Channel,
    EventId,
    Provider,
    Computer,
    RecordId,
    Level,
    Task,
    Opcode,
    Keywords,
    Version,
    ProcessId,
    UserId,
}

/// Names of the head among the fields, in the order in which they are added.
const HEAD: [&str; 12] = [
    "Channel",
    "EventID",
    "Provider_Name",
    "Computer",
    "EventRecordID",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "Version",
    "Execution_ProcessID",
    "UserID",
];

/// What the reader of a file knows of a record beside its content.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub locator: Locator,
    pub integrity: Integrity,
    pub raw: &'a [u8],
}

impl<'a> Record<'a> {
    /// An empty record whose body grows into memory that is there.
    pub(crate) fn with_memory(spare: Vec<Field<'a>>) -> Self {
        Self { body: Fields(spare), ..Self::default() }
    }

    /// Gives a value to a part of the head; gives it back if the part has one already.
    pub(crate) fn set(&mut self, part: Part, value: Value<'a>) -> Option<Value<'a>> {
        match self.head.get_mut(part as usize) {
            Some(slot) if slot.is_none() => {
                if value != Value::Null {
                    *slot = Some(value);
                }
                None
            }
            _ => Some(value),
        }
    }

    /// The value of a part of the head.
    pub(crate) fn get(&self, part: Part) -> Option<&Value<'a>> {
        self.head.get(part as usize).and_then(Option::as_ref)
    }

    /// The number that the log gave the record.
    pub(crate) fn record_id(&self) -> Option<u64> {
        number(self.get(Part::RecordId)?)
    }

    /// Whether this says enough of itself to be a Windows event.
    pub(crate) fn is_event(&self) -> bool {
        let has = |part| self.get(part).is_some();
        has(Part::EventId)
            && (has(Part::Channel)
                || has(Part::Provider)
                || has(Part::Computer) && self.raw_time.is_some())
    }

    /// The event, for a record with this time.
    pub(crate) fn into_event(
        mut self,
        context: &Context<'_>,
        place: Place<'a>,
        (time, time_basis): (Option<Time>, TimeBasis),
    ) -> Event<'a> {
        let event_id = self.normal_event_id();
        let text = |part| self.get(part).map(text_of);
        let (channel, provider) = (text(Part::Channel), text(Part::Provider));
        let (host, locator) = (text(Part::Computer), place.locator);
        let second_time = self.second_time(channel.as_deref(), provider.as_deref());
        Event {
            family: "windows-event",
            root: context.root,
            item: context.item,
            locator: Locator { record: locator.record.or_else(|| self.record_id()), ..locator },
            integrity: place.integrity,
            time,
            time_basis,
            raw_time: self.raw_time.take().unwrap_or_default(),
            second_time,
            host,
            channel: channel.unwrap_or_default(),
            provider: provider.unwrap_or_default(),
            event_id,
            fields: self.into_fields(),
            raw: place.raw,
        }
    }

    /// The event id; a text that is a number becomes that number among the fields too.
    fn normal_event_id(&mut self) -> Option<u32> {
        let slot = self.head.get_mut(Part::EventId as usize)?;
        let id = u32::try_from(number(slot.as_ref()?)?).ok()?;
        *slot = Some(Value::UInt(u64::from(id)));
        Some(id)
    }

    /// Sysmon states the time of what it saw, in UTC, beside the time at which it wrote the record.
    fn second_time(&self, channel: Option<&str>, provider: Option<&str>) -> Option<Time> {
        let sysmon = |name: &str| name.starts_with("Microsoft-Windows-Sysmon");
        if !(channel.is_some_and(sysmon) || provider.is_some_and(sysmon)) {
            return None;
        }
        Time::parse(self.body.text("UtcTime")?)
    }

    fn into_fields(self) -> Fields<'a> {
        let mut fields = self.body;
        if let Some(message) = self.message {
            fields.push("Message", message);
        }
        for (name, value) in HEAD.iter().zip(self.head) {
            if let Some(value) = value {
                fields.push(*name, value);
            }
        }
        fields
    }
}

fn number(value: &Value<'_>) -> Option<u64> {
    match value {
        Value::UInt(n) => Some(*n),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text_of<'a>(value: &Value<'a>) -> Cow<'a, str> {
    match value {
        Value::Str(text) => text.clone(),
        other => Cow::Owned(other.text().into_owned()),
    }
}

/// The moment that a text names, and the rule that gave it: its own zone, else the declared one, else UTC
/// is assumed.
pub(crate) fn time_of(text: &str, zone: Option<&TimeZone>) -> (Option<Time>, TimeBasis) {
    let text = text.trim();
    let Some((civil, digits, rest)) = Time::parse_civil(text) else {
        return (None, TimeBasis::Assumed);
    };
    match (rest.trim(), zone) {
        ("Z" | "z", _) => (Time::from_civil_utc(civil, digits), TimeBasis::RecordUtc),
        ("", None) => (Time::from_civil_utc(civil, digits), TimeBasis::Assumed),
        ("", Some(zone)) => {
            let moment = zone.to_ambiguous_timestamp(civil).compatible().ok();
            let nanos = moment.and_then(|m| i64::try_from(m.as_nanosecond()).ok());
            (nanos.map(|n| Time::from_unix_nanos(n, digits)), TimeBasis::Declared)
        }
        _ => (Time::parse(text), TimeBasis::Declared),
    }
}
