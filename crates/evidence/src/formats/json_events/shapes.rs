//! The shapes in which tools export Windows events as JSON, and how each maps onto the parts of a record.
//!
//! - nested: `{"Event": {"System": {...}, "EventData": {...}}}`, attributes as `#attributes`, as
//!   `NAME_attributes` or as `@NAME`;
//! - flat: NXLog's members on one level, the body's leaves beside them;
//! - Winlogbeat: `winlog.*`, nested or dotted, or its older members, with `event_data` as an object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{Fields, Value};

use super::dom::{Members, Node};
use super::record::{Part, Record};

/// Tells whether a name such as `File_1` is the record's own, or was made by an exporter that numbers the
/// elements of one name.
pub(crate) type IsGenuine<'f> = &'f dyn Fn(&str) -> bool;

/// The record that a JSON value holds, if it holds a Windows event.
pub(crate) fn record<'a>(node: Node<'a>, genuine: IsGenuine<'_>) -> Option<Record<'a>> {
    let Node::Object(mut members) = node else { return None };
    // Exports of Elasticsearch wrap each document.
    if let Some(Node::Object(source)) = take(&mut members, "_source") {
        members = source;
    }
    let mut mapper = Mapper { record: Record::default(), genuine, host: None, code: None };
    match take(&mut members, "Event") {
        Some(Node::Object(event)) => mapper.nested(event),
        Some(other) => {
            members.push((Cow::Borrowed("Event"), other));
            mapper.flat(members);
        }
        None => mapper.flat(members),
    }
    let record = mapper.finish();
    record.is_event().then_some(record)
}

/// Whether a value, of which the end may be missing, looks like a Windows event.
pub(crate) fn is_event(node: &Node<'_>) -> bool {
    let Node::Object(members) = node else { return false };
    if let Some(Node::Object(_)) = find(members, "_source") {
        return find(members, "_source").is_some_and(is_event);
    }
    if let Some(Node::Object(event)) = find(members, "Event") {
        return find(event, "System").is_some();
    }
    let any = |names: &[&str]| members.iter().any(|(name, _)| names.contains(&name.as_ref()));
    members.iter().any(|(name, _)| name == "winlog" || name.starts_with("winlog."))
        || any(&["EventID", "EventId", "event_id"])
            && any(&[
                "Channel",
                "LogName",
                "log_name",
                "SourceName",
                "source_name",
                "ProviderName",
                "Provider_Name",
            ])
}

struct Mapper<'a, 'f> {
    record: Record<'a>,
    genuine: IsGenuine<'f>,
    /// `host.name` and `event.code`: used where the members meant for it are missing.
    host: Option<Value<'a>>,
    code: Option<Value<'a>>,
}

impl<'a> Mapper<'a, '_> {
    fn finish(mut self) -> Record<'a> {
        if let Some(host) = self.host {
            self.record.set(Part::Computer, host);
        }
        if let Some(code) = self.code {
            self.record.set(Part::EventId, code);
        }
        self.record
    }

    // --- nested ---

    fn nested(&mut self, event: Members<'a>) {
        for (name, node) in event {
            match name.as_ref() {
                "System" => self.system(node),
                "EventData" => self.event_data(node),
                "RenderingInfo" => self.rendering(node),
                _ if is_attributes(&name) => {}
                _ => self.children(node),
            }
        }
    }

    fn system(&mut self, node: Node<'a>) {
        let Node::Object(members) = node else { return };
        for (name, node) in members {
            let element = name.strip_suffix("_attributes").unwrap_or(&name);
            if element == "TimeCreated" {
                self.time(attribute(node, "SystemTime"));
                continue;
            }
            let Some((part, of_attribute)) = system_part(element) else { continue };
            let value = match of_attribute {
                Some(of_attribute) => attribute(node, of_attribute),
                None if is_attributes(&name) => None,
                None => text(node),
            };
            if let Some(value) = value.and_then(scalar) {
                self.record.set(part, value);
            }
        }
    }

    /// A forwarded event carries its rendered message.
    fn rendering(&mut self, node: Node<'a>) {
        let Node::Object(mut members) = node else { return };
        let message = take(&mut members, "Message").and_then(text).and_then(scalar);
        self.record.message = self.record.message.take().or(message);
    }

    fn time(&mut self, node: Option<Node<'a>>) {
        if let (None, Some(Node::Str(text))) = (&self.record.raw_time, node) {
            self.record.raw_time = Some(text);
        }
    }

    // --- the body ---

    fn event_data(&mut self, node: Node<'a>) {
        let members = match node {
            Node::Object(members) => members,
            // `EventData` whose only content is text.
            other => return self.data(other),
        };
        let members = numbered_names(members, self.genuine);
        for (name, node) in members {
            match name.as_ref() {
                "Data" => self.data(node),
                "#text" => self.data(node),
                _ if is_attributes(&name) => {}
                _ => self.leaf(name, node),
            }
        }
    }

    /// Unnamed `Data`, or `Data` elements that carry their name as an attribute.
    fn data(&mut self, node: Node<'a>) {
        match node {
            Node::Array(items) => {
                for item in items {
                    self.data(item);
                }
            }
            Node::Object(mut members) => {
                let name = name_attribute(&mut members);
                let content = take(&mut members, "#text").unwrap_or(Node::Null);
                self.leaf(name.unwrap_or(Cow::Borrowed("Data")), content);
            }
            Node::Null => {}
            other => self.leaf(Cow::Borrowed("Data"), other),
        }
    }

    /// A named value: one field, or one for each item of an array.
    fn leaf(&mut self, name: Cow<'a, str>, node: Node<'a>) {
        match node {
            Node::Array(items) => {
                for item in items {
                    self.leaf(name.clone(), item);
                }
            }
            Node::Object(members) => self.element(&name, members),
            other => push(&mut self.record.body, name, other),
        }
    }

    /// An element with content of its own: its attributes as `ELEMENT_ATTRIBUTE`, its text under its
    /// name, its children under theirs.
    fn element(&mut self, name: &str, members: Members<'a>) {
        for (child, node) in numbered_names(members, self.genuine) {
            match (child.as_ref(), node) {
                ("#text", node) => self.leaf(Cow::Owned(name.to_owned()), node),
                ("#attributes", Node::Object(attributes)) => {
                    for (attribute, node) in attributes {
                        self.body_attribute(name, &attribute, node);
                    }
                }
                (child_name, node) => match child_name.strip_prefix('@') {
                    Some(attribute) => self.body_attribute(name, attribute, node),
                    None => self.leaf(child, node),
                },
            }
        }
    }

    fn body_attribute(&mut self, element: &str, attribute: &str, node: Node<'a>) {
        if !attribute.starts_with("xmlns") {
            self.leaf(Cow::Owned(format!("{element}_{attribute}")), node);
        }
    }

    /// `UserData` and its like: the leaves under their own names, the root element's name is none of them.
    fn children(&mut self, node: Node<'a>) {
        let Node::Object(members) = node else { return };
        for (name, node) in numbered_names(members, self.genuine) {
            if !is_attributes(&name) {
                self.leaf(name, node);
            }
        }
    }

    // --- flat, and Winlogbeat ---

    fn flat(&mut self, mut members: Members<'a>) {
        self.flat_time(&mut members);
        for (name, node) in members {
            self.flat_member(name, node);
        }
    }

    /// The time of the record itself goes before the time at which something passed it on.
    fn flat_time(&mut self, members: &mut Members<'a>) {
        for name in ["TimeCreated", "SystemTime", "EventTime", "@timestamp"] {
            if self.record.raw_time.is_none() {
                let at =
                    members.iter().position(|(n, node)| n == name && matches!(node, Node::Str(_)));
                self.time(at.map(|at| members.remove(at).1));
            }
        }
    }

    fn flat_member(&mut self, name: Cow<'a, str>, node: Node<'a>) {
        let short = name.strip_prefix("winlog.").unwrap_or(&name);
        if let Some(leaf) =
            short.strip_prefix("event_data.").or_else(|| short.strip_prefix("user_data."))
        {
            return self.leaf(Cow::Owned(leaf.to_owned()), node);
        }
        match short {
            "event_data" | "EventData" => return self.event_data(node),
            "user_data" | "UserData" => return self.children(node),
            _ => {}
        }
        if let Node::Object(members) = node {
            for (child, node) in members {
                self.flat_member(Cow::Owned(format!("{name}.{child}")), node);
            }
            return;
        }
        let part = part_of(short);
        self.flat_value(part, name, node);
    }

    fn flat_value(&mut self, part: Option<Flat>, name: Cow<'a, str>, node: Node<'a>) {
        let Some(part) = part else { return self.leaf(name, node) };
        let Some(value) = scalar_ref(&node) else { return self.leaf(name, node) };
        match part {
            Flat::Head(part) => {
                if self.record.set(part, value).is_some() {
                    self.leaf(name, node);
                }
            }
            Flat::Message if self.record.message.is_none() => self.record.message = Some(value),
            Flat::HostName => {
                self.host.get_or_insert(value);
                self.leaf(name, node);
            }
            Flat::EventCode => {
                self.code.get_or_insert(value);
            }
            Flat::Message => self.leaf(name, node),
        }
    }
}

/// The part that an element of `System` gives, and the attribute that holds it.
pub(crate) fn system_part(element: &str) -> Option<(Part, Option<&'static str>)> {
    Some(match element {
        "Provider" => (Part::Provider, Some("Name")),
        "Execution" => (Part::ProcessId, Some("ProcessID")),
        "Security" => (Part::UserId, Some("UserID")),
        "Channel" => (Part::Channel, None),
        "EventID" => (Part::EventId, None),
        "Computer" => (Part::Computer, None),
        "EventRecordID" => (Part::RecordId, None),
        "Level" => (Part::Level, None),
        "Task" => (Part::Task, None),
        "Opcode" => (Part::Opcode, None),
        "Keywords" => (Part::Keywords, None),
        "Version" => (Part::Version, None),
        _ => return None,
    })
}

/// What a member on the flat level means.
#[derive(Clone, Copy)]
enum Flat {
    Head(Part),
    Message,
    HostName,
    EventCode,
}

fn part_of(name: &str) -> Option<Flat> {
    Some(Flat::Head(match name {
        "Channel" | "channel" | "LogName" | "log_name" => Part::Channel,
        "EventID" | "EventId" | "event_id" => Part::EventId,
        "SourceName" | "source_name" | "ProviderName" | "provider_name" | "Provider_Name" => {
            Part::Provider
        }
        "Hostname" | "Computer" | "ComputerName" | "computer_name" | "MachineName" => {
            Part::Computer
        }
        "RecordNumber" | "EventRecordID" | "record_id" | "record_number" | "RecordId" => {
            Part::RecordId
        }
        "Level" | "level" => Part::Level,
        "Task" | "task" => Part::Task,
        "OpcodeValue" | "Opcode" | "opcode" => Part::Opcode,
        "Keywords" | "keywords" => Part::Keywords,
        "Version" | "version" => Part::Version,
        "ExecutionProcessID" | "Execution_ProcessID" | "process.pid" => Part::ProcessId,
        "UserID" | "user.identifier" => Part::UserId,
        "Message" | "message" => return Some(Flat::Message),
        "host.name" => return Some(Flat::HostName),
        "event.code" => return Some(Flat::EventCode),
        _ => return None,
    }))
}

// --- pieces ---

fn find<'n, 'a>(members: &'n Members<'a>, name: &str) -> Option<&'n Node<'a>> {
    members.iter().find(|(n, _)| n == name).map(|(_, node)| node)
}

fn take<'a>(members: &mut Members<'a>, name: &str) -> Option<Node<'a>> {
    let at = members.iter().position(|(n, _)| n == name)?;
    Some(members.remove(at).1)
}

fn is_attributes(name: &str) -> bool {
    name == "#attributes"
        || name.starts_with('@')
        || name.ends_with("_attributes")
        || name.starts_with("xmlns")
}

/// The value of an attribute, wherever the exporter put it.
fn attribute<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    match node {
        Node::Object(mut members) => match take(&mut members, "#attributes") {
            Some(Node::Object(mut attributes)) => take(&mut attributes, name),
            _ => take(&mut members, name).or_else(|| take(&mut members, &format!("@{name}"))),
        },
        Node::Str(_) => Some(node),
        _ => None,
    }
}

/// The name of a `Data` element.
fn name_attribute<'a>(members: &mut Members<'a>) -> Option<Cow<'a, str>> {
    let name = match take(members, "#attributes") {
        Some(attributes) => attribute(attributes, "Name"),
        None => take(members, "@Name").or_else(|| take(members, "Name")),
    };
    match name {
        Some(Node::Str(name)) => Some(name),
        _ => None,
    }
}

/// The content of an element that may carry attributes.
fn text(node: Node<'_>) -> Option<Node<'_>> {
    match node {
        Node::Object(mut members) => take(&mut members, "#text"),
        other => Some(other),
    }
}

fn scalar(node: Node<'_>) -> Option<Value<'_>> {
    Some(match node {
        Node::Null => Value::Null,
        // A record cannot tell a missing string from an empty one, and exporters write either.
        Node::Str(text) if text.is_empty() => Value::Null,
        Node::Str(text) => Value::Str(text),
        Node::Bool(b) => Value::Bool(b),
        Node::Int(n) => Value::Int(n),
        Node::UInt(n) => Value::UInt(n),
        Node::Float(n) => Value::Float(n),
        Node::Array(_) | Node::Object(_) => return None,
    })
}

fn scalar_ref<'a>(node: &Node<'a>) -> Option<Value<'a>> {
    match node {
        Node::Array(_) | Node::Object(_) => None,
        other => scalar(other.clone()),
    }
}

fn push<'a>(fields: &mut Fields<'a>, name: Cow<'a, str>, node: Node<'a>) {
    if let Some(value) = scalar(node) {
        fields.push(name, value);
    }
}

/// Gives elements of one name their name back where the exporter numbered them `X`, `X_1`, `X_2`.
fn numbered_names<'a>(mut members: Members<'a>, genuine: IsGenuine<'_>) -> Members<'a> {
    if !members.iter().any(|(name, _)| split_number(name).is_some()) {
        return members;
    }
    let mut seen = BTreeMap::<String, u32>::new();
    for (name, _) in &mut members {
        let base = split_number(name).filter(|(base, number)| {
            seen.get(*base).is_some_and(|count| count == number) && !genuine(name)
        });
        if let Some((base, _)) = base {
            *name = Cow::Owned(base.to_owned());
        }
        *seen.entry(name.clone().into_owned()).or_default() += 1;
    }
    members
}

fn split_number(name: &str) -> Option<(&str, u32)> {
    let (base, digits) = name.rsplit_once('_')?;
    let number = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    number.then(|| digits.parse().ok()).flatten().map(|n| (base, n))
}
