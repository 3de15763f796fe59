//! What a record states about its own host: builds, addresses, starts of processes. Content says what.

use std::net::IpAddr;
use std::sync::Arc;

use model::{Event, Value};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::select::{Select, value_of};
use crate::{ContentError, Observation, SourceFile, content};

/// Values that one thread remembers for each entry; beyond it the memory is emptied.
const MEMO_MAX: usize = 256;
/// Longest value that is stated; a longer one is no build, address or process.
const VALUE_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    observations: Vec<RawEntry>,
}

#[derive(Deserialize)]
struct RawEntry {
    kind: String,
    #[serde(default)]
    when: When,
    value: Vec<RawPart>,
    #[serde(default)]
    join: Option<String>,
    #[serde(default, rename = "as")]
    form: Form,
    #[serde(default)]
    except: Vec<String>,
    #[serde(flatten)]
    select: Select,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default, rename = "as")]
    form: Form,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    #[default]
    Always,
    Hit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Text,
    Build,
    Pid,
    Basename,
    Address,
}

/// The compiled entries.
pub(crate) struct Observer {
    entries: Vec<Entry>,
}

struct Entry {
    kind: Arc<str>,
    when: When,
    parts: Vec<Part>,
    join: String,
    form: Form,
    except: Vec<String>,
    select: Select,
}

struct Part {
    names: Vec<String>,
    form: Form,
}

/// Memory of one thread.
#[derive(Default)]
pub(crate) struct Memo {
    raw: String,
    /// Records come in runs of one kind: the entries for the kind of the last one.
    last: Kind,
    /// For each entry: the raw value, and what it states.
    known: Vec<FxHashMap<String, Option<Arc<str>>>>,
}

#[derive(Default)]
struct Kind {
    family: &'static str,
    channel: String,
    entries: Vec<usize>,
}

impl Observer {
    /// Reads `packs/*/observe.yaml`.
    pub(crate) fn parse(files: &[SourceFile]) -> Result<Self, ContentError> {
        let mut entries = Vec::new();
        for file in content::in_packs(files, "observe.yaml") {
            let raw: RawFile = content::yaml(file)?;
            for entry in raw.observations {
                entries.push(compile(entry).map_err(|reason| file.error(reason))?);
            }
        }
        Ok(Self { entries })
    }

    /// Adds what the event states; `hit` says whether a rule or check found it.
    pub(crate) fn observe(
        &self,
        event: &Event<'_>,
        hit: bool,
        memo: &mut Memo,
        out: &mut Vec<Observation>,
    ) {
        if memo.known.len() != self.entries.len() {
            memo.known.resize_with(self.entries.len(), FxHashMap::default);
        }
        if memo.last.family != event.family || memo.last.channel != event.channel {
            memo.last = self.kind(event.family, &event.channel);
        }
        for &at in &memo.last.entries {
            let (Some(entry), Some(known)) = (self.entries.get(at), memo.known.get_mut(at)) else {
                continue;
            };
            if (entry.when == When::Hit && !hit) || !entry.select.holds(event) {
                continue;
            }
            if !entry.gather(event, &mut memo.raw) {
                continue;
            }
            let Some(value) = entry.state(&memo.raw, known) else { continue };
            let stated = Observation { kind: entry.kind.clone(), value };
            if !out.contains(&stated) {
                out.push(stated);
            }
        }
    }

    fn kind(&self, family: &'static str, channel: &str) -> Kind {
        let mut entries = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            if entry.select.opens(family, channel) {
                entries.push(at);
            }
        }
        Kind { family, channel: channel.to_owned(), entries }
    }
}

impl Entry {
    /// Writes the raw parts one behind the other; false if one is missing or too long.
    fn gather(&self, event: &Event<'_>, raw: &mut String) -> bool {
        raw.clear();
        for (n, part) in self.parts.iter().enumerate() {
            let Some(value) = part.names.iter().find_map(|name| value_of(event, name)) else {
                return false;
            };
            if n > 0 {
                raw.push('\u{1f}');
            }
            match value {
                Value::Str(text) => raw.push_str(text.trim()),
                other => raw.push_str(&other.text()),
            }
            if raw.len() > VALUE_MAX * 4 {
                return false;
            }
        }
        true
    }

    fn state(
        &self,
        raw: &str,
        known: &mut FxHashMap<String, Option<Arc<str>>>,
    ) -> Option<Arc<str>> {
        if let Some(value) = known.get(raw) {
            return value.clone();
        }
        let value = self.write(raw).map(Arc::from);
        if known.len() >= MEMO_MAX {
            known.clear();
        }
        known.insert(raw.to_owned(), value.clone());
        value
    }

    fn write(&self, raw: &str) -> Option<String> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for (text, part) in raw.split('\u{1f}').zip(&self.parts) {
            parts.push(part.form.write(text)?);
        }
        if parts.len() != self.parts.len() {
            return None;
        }
        let value = self.form.write(&parts.join(&self.join))?;
        (!value.is_empty() && value.len() <= VALUE_MAX && !self.except.contains(&value))
            .then_some(value)
    }
}

impl Form {
    fn write(self, text: &str) -> Option<String> {
        match self {
            Self::Text => Some(text.to_owned()),
            Self::Build => build(text),
            Self::Pid => pid(text).map(|n| n.to_string()),
            Self::Basename => basename(text),
            Self::Address => address(text).map(|a| a.to_string()),
        }
    }
}

fn compile(raw: RawEntry) -> Result<Entry, String> {
    let mut parts = Vec::new();
    for part in raw.value {
        let names: Vec<String> = part.field.into_iter().chain(part.any_of).collect();
        if names.is_empty() {
            return Err(format!("a part of {} names no field", raw.kind));
        }
        parts.push(Part { names, form: part.form });
    }
    if parts.is_empty() {
        return Err(format!("{} has no value", raw.kind));
    }
    Ok(Entry {
        kind: raw.kind.into(),
        when: raw.when,
        parts,
        join: raw.join.unwrap_or_else(|| ".".to_owned()),
        form: raw.form,
        except: raw.except,
        select: raw.select,
    })
}

/// Four numbers of at most 16 bits, without leading zeros.
fn build(text: &str) -> Option<String> {
    let mut numbers = [0_u16; 4];
    let mut parts = text.split('.');
    for number in &mut numbers {
        let part = parts.next()?;
        // `parse` alone would take a sign.
        *number = part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then(|| numbers.map(|n| n.to_string()).join("."))
}

/// A process id, decimal or `0x` hexadecimal.
fn pid(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn basename(text: &str) -> Option<String> {
    let name = text.rsplit(['\\', '/']).next()?.to_lowercase();
    (!name.is_empty()).then_some(name)
}

/// An address without brackets, port or zone; a mapped IPv4 address as IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    let bare = bare.split('%').next()?;
    bare.parse::<IpAddr>().ok().map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{content_files, event};

    fn observed(value: &serde_json::Value, hit: bool) -> Vec<String> {
        let observer = Observer::parse(&content_files()).unwrap();
        let (mut memo, mut out) = (Memo::default(), Vec::new());
        observer.observe(&event(value), hit, &mut memo, &mut out);
        let first = out.clone();
        out.clear();
        observer.observe(&event(value), hit, &mut memo, &mut out);
        assert_eq!(out, first, "the memory gives the same");
        out.iter().map(|o| format!("{}={}", o.kind, o.value)).collect()
    }

    #[test]
    fn states_what_the_content_says() {
        let proxy = |major: &str, version: &str| {
            json!({"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {
                "MajorVersion": major, "MinorVersion": "1", "BuildVersion": "2375",
                "RevisionVersion": "7", "ClientIpAddress": "fe80::1%3", "LogVersion": version}})
        };
        let sysmon = json!({"family": "windows-event", "event_id": 1,
            "channel": "Microsoft-Windows-Sysmon/Operational",
            "fields": {"ProcessId": "14420", "Image": "C:\\Windows\\System32\\Cmd.exe"}});
        let created = json!({"family": "windows-event", "channel": "Security", "event_id": 4688,
            "fields": {"NewProcessId": "0x3854", "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
                "IpAddress": "-"}});
        let ecp = |name: &str, channel: &str, version: &str| {
            json!({"family": "exchange-log", "channel": channel,
                "fields": {name: version, "LogVersion": "15.0.0.0"}})
        };
        let cases = [
            (proxy("15", "15.01.2375.007"), false, "build=15.1.2375.7"),
            (
                proxy("15", "15.01.2375.008"),
                true,
                "build=15.1.2375.7 build=15.1.2375.8 source_address=fe80::1",
            ),
            (proxy("99999", "15.0.0.0"), false, ""),
            (proxy("+15", "x"), false, ""),
            (ecp("BLD", "ECP Server Log", "15.1.2375.7"), false, "build=15.1.2375.7"),
            (ecp("Bld", "ECP Activity Context Log", "15.1.2375.7"), false, "build=15.1.2375.7"),
            (ecp("Other", "SMTP Receive Protocol Log", "15.1.2375.7"), false, ""),
            (sysmon, false, "process_start=14420|cmd.exe"),
            (created, true, "process_start=14420|cmd.exe"),
            (
                json!({"family": "iis-w3c", "fields": {"s-ip": "10.0.0.1", "c-ip": "::ffff:1.2.3.4"}}),
                true,
                "own_address=10.0.0.1 source_address=1.2.3.4",
            ),
            (json!({"family": "iis-w3c", "fields": {"c-ip": "1.2.3.4"}}), false, ""),
            (
                json!({"family": "exchange-setup", "fields": {"Version": "15.1.2106.2"}}),
                false,
                "build_setup=15.1.2106.2",
            ),
            (
                json!({"family": "exchange-setup", "fields": {"Message": "done", "Outcome": "success",
                    "Version": "15.1.2106.2", "Mode": "Install"}}),
                false,
                "build_setup=15.1.2106.2 build_installed=15.1.2106.2 installed=15.1.2106.2",
            ),
            (
                json!({"family": "exchange-setup", "fields": {"Outcome": "failure", "Mode": "Install"}}),
                false,
                "",
            ),
        ];
        for (value, hit, expected) in cases {
            assert_eq!(observed(&value, hit).join(" "), expected, "{value}");
        }
    }

    #[test]
    fn reads_addresses() {
        for (text, expected) in [
            ("1.2.3.4:443", Some("1.2.3.4")),
            ("[fe80::1%3]:443", Some("fe80::1")),
            ("::1", Some("::1")),
            ("-", None),
            ("", None),
            ("host.example", None),
        ] {
            assert_eq!(address(text).map(|a| a.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_flood_of_values_stays_bounded() {
        let observer = Observer::parse(&content_files()).unwrap();
        let (mut memo, mut out) = (Memo::default(), Vec::new());
        for n in 0..MEMO_MAX * 3 {
            let ip = format!("10.{}.{}.1", n / 250, n % 250);
            let value = json!({"family": "iis-w3c", "fields": {"s-ip": ip}});
            out.clear();
            observer.observe(&event(&value), false, &mut memo, &mut out);
            assert_eq!(out.len(), 1);
        }
        assert!(memo.known.iter().all(|known| known.len() <= MEMO_MAX));
    }
}
