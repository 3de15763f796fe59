//! Windows events as exports write them: one JSON object a line, flat or nested.

use std::fmt::Write as _;

use crate::record::{EventRow, Record};
use crate::scenario::{EventForm, Scenario};
use crate::source::Source;

/// File of a channel.
pub(super) fn path(source: Source) -> String {
    let name = channel(source).replace('/', "%4");
    format!("Windows/System32/winevt/Logs/{name}.jsonl")
}

fn channel(source: Source) -> &'static str {
    match source {
        Source::Sysmon => "Microsoft-Windows-Sysmon/Operational",
        Source::Security => "Security",
        Source::Management => "MSExchange Management",
        _ => "Application",
    }
}

/// An event as a line.
pub(super) fn line(scenario: &Scenario, record: &Record, row: &EventRow) -> String {
    match scenario.event_form {
        EventForm::Flattened => flattened(scenario, record, row),
        EventForm::Nested => nested(scenario, record, row),
    }
}

/// Writes JSON objects in the order of their pairs.
struct Json(String);

impl Json {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn key(&mut self, key: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push_str(&quoted(key));
        self.0.push(':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.push_str(&quoted(value));
    }

    fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        let _ = write!(self.0, "{value}");
    }

    fn nest(&mut self, key: &str, inner: Self) {
        self.key(key);
        self.0.push_str(&inner.done());
    }

    fn done(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The flat form of NXLog: head names, the rendered message, then the named values.
fn flattened(scenario: &Scenario, record: &Record, row: &EventRow) -> String {
    let time = record.shown().iso();
    let mut json = Json::new();
    json.text("SourceName", row.provider);
    if !row.guid.is_empty() {
        json.text("ProviderGuid", row.guid);
    }
    json.text("Level", &row.level.to_string());
    json.text("Keywords", row.keywords);
    json.text("Channel", channel(record.source));
    json.text("Hostname", &scenario.host.fqdn());
    json.text("TimeCreated", &time);
    json.text("@timestamp", &time);
    json.number("EventID", u64::from(row.id));
    json.number("RecordNumber", record.number);
    if !row.message.is_empty() {
        json.text("Message", &row.message);
    }
    json.text("Task", &row.task.to_string());
    for (name, value) in &row.data {
        json.text(name, value);
    }
    json.done()
}

/// The nested form of converters of EVTX: `Event.System` and `Event.EventData`.
fn nested(scenario: &Scenario, record: &Record, row: &EventRow) -> String {
    let mut event = Json::new();
    let mut attributes = Json::new();
    attributes.text("xmlns", "http://schemas.microsoft.com/win/2004/08/events/event");
    event.nest("#attributes", attributes);
    event.nest("System", system(scenario, record, row));
    event.nest("EventData", event_data(row));
    let mut whole = Json::new();
    whole.nest("Event", event);
    whole.done()
}

fn system(scenario: &Scenario, record: &Record, row: &EventRow) -> Json {
    let mut system = Json::new();
    let mut name = Json::new();
    name.text("Name", row.provider);
    if !row.guid.is_empty() {
        name.text("Guid", row.guid.trim_matches(['{', '}']));
    }
    let mut provider = Json::new();
    provider.nest("#attributes", name);
    system.nest("Provider", provider);
    system.number("EventID", u64::from(row.id));
    system.number("Version", 0);
    system.number("Level", u64::from(row.level));
    system.number("Task", u64::from(row.task));
    system.number("Opcode", 0);
    system.text("Keywords", row.keywords);
    let mut stamp = Json::new();
    stamp.text("SystemTime", &record.shown().iso());
    let mut created = Json::new();
    created.nest("#attributes", stamp);
    system.nest("TimeCreated", created);
    system.number("EventRecordID", record.number);
    system.text("Channel", channel(record.source));
    system.text("Computer", &scenario.host.fqdn());
    system
}

fn event_data(row: &EventRow) -> Json {
    let mut data = Json::new();
    for (name, value) in &row.data {
        data.text(name, value);
    }
    if !row.unnamed.is_empty() {
        let values: Vec<String> = row.unnamed.iter().map(|v| quoted(v)).collect();
        let mut list = Json::new();
        list.key("#text");
        let _ = write!(list.0, "[{}]", values.join(","));
        data.nest("Data", list);
    }
    data
}
