//! Names the log source of an event: a primary id and facets, as `content/logsources/sources.yaml` says.

use std::sync::Arc;

use model::Event;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::select::{Select, value_of};
use crate::{ContentError, SourceFile, content};

/// Longest slug made of a channel's name: the name is the attacker's to choose.
const SLUG_MAX: usize = 64;
/// Channels whose plan one thread remembers; beyond it the memory is emptied and filled anew.
const PLANS_MAX: usize = 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSources {
    sources: Vec<RawEntry>,
    #[serde(default)]
    facets: Vec<RawEntry>,
}

#[derive(Deserialize)]
struct RawEntry {
    id: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(flatten)]
    select: Select,
}

/// The compiled list of log sources.
pub(crate) struct Sources {
    primary: Vec<Entry>,
    facets: Vec<Entry>,
    fixed: Vec<Arc<str>>,
}

struct Entry {
    id: Id,
    select: Select,
}

enum Id {
    Fixed(Arc<str>),
    Channel { prefix: String },
    Field { name: String, ids: FxHashMap<String, Arc<str>> },
}

impl Sources {
    /// Reads `logsources/sources.yaml`.
    pub(crate) fn parse(files: &[SourceFile]) -> Result<Self, ContentError> {
        let file = content::find(files, "logsources/sources.yaml")?;
        let raw: RawSources = content::yaml(file)?;
        let compile = |entries: Vec<RawEntry>| -> Result<Vec<Entry>, ContentError> {
            entries.into_iter().map(|e| compile(e).map_err(|r| file.error(r))).collect()
        };
        let (primary, facets) = (compile(raw.sources)?, compile(raw.facets)?);
        let mut fixed: Vec<Arc<str>> =
            primary.iter().chain(&facets).flat_map(|entry| entry.id.fixed()).collect();
        fixed.sort_unstable();
        fixed.dedup();
        Ok(Self { primary, facets, fixed })
    }

    /// Every id that the content names in full, in order.
    pub(crate) fn fixed(&self) -> &[Arc<str>] {
        &self.fixed
    }

    /// Adds the log sources of an event, the primary one first.
    pub(crate) fn classify(&self, event: &Event<'_>, plans: &mut Plans, out: &mut Vec<Arc<str>>) {
        let plan = plans.get(self, event.family, &event.channel);
        let primary = plan.primary.iter().find_map(|&at| {
            self.primary
                .get(at)
                .filter(|e| e.select.holds(event))
                .and_then(|e| e.id.of(event, plan))
        });
        out.push(primary.unwrap_or_else(|| format!("other/{}", slug(event.family)).into()));
        for entry in plan.facets.iter().filter_map(|&at| self.facets.get(at)) {
            if entry.select.holds(event)
                && let Some(id) = entry.id.of(event, plan)
                && !out.contains(&id)
            {
                out.push(id);
            }
        }
    }

    fn plan(&self, family: &str, channel: &str) -> Plan {
        let opening = |entries: &[Entry]| -> Vec<usize> {
            let mut open = Vec::new();
            for (at, entry) in entries.iter().enumerate() {
                if entry.select.opens(family, channel) {
                    open.push(at);
                }
            }
            open
        };
        let mut primary = opening(&self.primary);
        // What stands behind an entry that always names the record is never asked.
        let always = |at: &usize| {
            self.primary.get(*at).is_some_and(|entry| {
                entry.select.asks_nothing() && !matches!(entry.id, Id::Field { .. })
            })
        };
        if let Some(last) = primary.iter().position(always) {
            primary.truncate(last + 1);
        }
        let channel_id = primary.iter().filter_map(|&at| self.primary.get(at)).find_map(|entry| {
            match &entry.id {
                Id::Channel { prefix } if !channel.is_empty() => {
                    Some(Arc::from(format!("{prefix}{}", slug(channel))))
                }
                _ => None,
            }
        });
        Plan { primary, facets: opening(&self.facets), channel_id }
    }
}

impl Id {
    fn fixed(&self) -> Vec<Arc<str>> {
        match self {
            Self::Fixed(id) => vec![id.clone()],
            Self::Channel { .. } => Vec::new(),
            Self::Field { ids, .. } => {
                let mut all: Vec<_> = ids.values().cloned().collect();
                all.sort_unstable();
                all
            }
        }
    }

    fn of(&self, event: &Event<'_>, plan: &Plan) -> Option<Arc<str>> {
        match self {
            Self::Fixed(id) => Some(id.clone()),
            Self::Channel { prefix } => Some(
                plan.channel_id
                    .clone()
                    .unwrap_or_else(|| format!("{prefix}{}", slug(&event.provider)).into()),
            ),
            Self::Field { name, ids } => {
                let value = value_of(event, name)?;
                ids.get(value.text().as_ref())
                    .or_else(|| ids.get(&value.text().to_ascii_lowercase()))
                    .cloned()
            }
        }
    }
}

fn compile(raw: RawEntry) -> Result<Entry, String> {
    let id = match raw.id.split_once('{') {
        None => Id::Fixed(raw.id.as_str().into()),
        Some((prefix, "channel}")) => Id::Channel { prefix: prefix.to_owned() },
        Some((prefix, name)) => {
            let name = name.strip_suffix('}').filter(|n| !n.is_empty()).ok_or_else(|| {
                format!("the id {} has a brace that is not closed at its end", raw.id)
            })?;
            if raw.values.is_empty() {
                return Err(format!("the id {} needs `values`: the field is not bounded", raw.id));
            }
            let ids = raw.values.iter().map(|v| {
                let v = v.to_ascii_lowercase();
                let id = Arc::from(format!("{prefix}{v}"));
                (v, id)
            });
            Id::Field { name: name.to_owned(), ids: ids.collect() }
        }
    };
    Ok(Entry { id, select: raw.select })
}

/// A name as `[a-z0-9-]`, at most 64 long; `unknown` where nothing of it remains.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= SLUG_MAX {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "unknown".to_owned() } else { out.to_owned() }
}

/// The entries that can fit a family and channel, worked out once for each thread.
struct Plan {
    primary: Vec<usize>,
    facets: Vec<usize>,
    channel_id: Option<Arc<str>>,
}

static NO_PLAN: Plan = Plan { primary: Vec::new(), facets: Vec::new(), channel_id: None };

/// Plans of one thread. Emptied when full: content decides what they say, not their order.
#[derive(Default)]
pub(crate) struct Plans {
    by_family: FxHashMap<&'static str, FxHashMap<String, Plan>>,
    count: usize,
}

impl Plans {
    fn get(&mut self, sources: &Sources, family: &'static str, channel: &str) -> &Plan {
        if !self.by_family.get(family).is_some_and(|plans| plans.contains_key(channel)) {
            self.add(sources, family, channel);
        }
        self.by_family.get(family).and_then(|plans| plans.get(channel)).unwrap_or(&NO_PLAN)
    }

    fn add(&mut self, sources: &Sources, family: &'static str, channel: &str) {
        if self.count >= PLANS_MAX {
            self.by_family.clear();
            self.count = 0;
        }
        self.count += 1;
        let plan = sources.plan(family, channel);
        self.by_family.entry(family).or_default().insert(channel.to_owned(), plan);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{content_files, event};

    fn ids(value: &serde_json::Value) -> Vec<String> {
        let sources = Sources::parse(&content_files()).unwrap();
        let (mut plans, mut out) = (Plans::default(), Vec::new());
        sources.classify(&event(value), &mut plans, &mut out);
        let again = out.clone();
        out.clear();
        sources.classify(&event(value), &mut plans, &mut out);
        assert_eq!(out, again, "the second time gives the same");
        out.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_records_as_the_contract_says() {
        let sysmon = "Microsoft-Windows-Sysmon/Operational";
        let iis = |fields: serde_json::Value| json!({"family": "iis-w3c", "fields": fields});
        let proxy = |protocol: &str| {
            json!({"family": "exchange-log", "channel": "HttpProxy Logs",
                "fields": {"Protocol": protocol}})
        };
        let windows = |channel: &str, id: u32| {
            json!({"family": "windows-event", "channel": channel, "event_id": id,
                "provider": "Some Provider", "fields": {}})
        };
        let cases = [
            (windows(sysmon, 1), "windows/sysmon windows/process-creation"),
            (windows(sysmon, 11), "windows/sysmon windows/file-creation"),
            (windows(sysmon, 3), "windows/sysmon"),
            (windows("security", 4688), "windows/security windows/process-creation"),
            (windows("Security", 5145), "windows/security windows/share-access"),
            (windows("Security", 1), "windows/security"),
            (windows("MSExchange Management", 1), "windows/msexchange-management"),
            (windows("Windows PowerShell", 400), "windows/powershell"),
            (
                windows("Microsoft-Exchange-ActiveMonitoring/ProbeResult", 2),
                "windows/microsoft-exchange-activemonitoring-proberesult",
            ),
            (windows("", 7), "windows/some-provider"),
            (windows("../../etc/passwd\u{0}", 7), "windows/etc-passwd"),
            (windows("\u{430}", 7), "windows/unknown"),
            (iis(json!({"s-port": "444"})), "iis/back-end"),
            (iis(json!({"s-port": 81, "site": "W3SVC1"})), "iis/back-end"),
            (iis(json!({"s-port": "443", "site": "W3SVC2"})), "iis/front-end"),
            (iis(json!({"s-port": null, "site": "W3SVC2"})), "iis/back-end"),
            (iis(json!({})), "iis/front-end"),
            (proxy("Ecp"), "exchange/httpproxy-ecp"),
            (proxy("OwaCalendar"), "exchange/httpproxy-owacalendar"),
            (proxy("Ecp2"), "exchange/httpproxy-other"),
            (
                json!({"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {}}),
                "exchange/httpproxy-other",
            ),
            (
                json!({"family": "exchange-log", "channel": "ECP Server Log", "fields": {}}),
                "exchange/ecp-server",
            ),
            (
                json!({"family": "exchange-log", "channel": "EWS Logs", "fields": {}}),
                "exchange/ews-logs",
            ),
            (json!({"family": "test-proxylogon", "fields": {}}), "exchange/test-proxylogon"),
            (json!({"family": "exchange-setup", "fields": {}}), "exchange/setup"),
            (json!({"family": "web-file", "fields": {}}), "files/web-root"),
            (json!({"family": "new family", "fields": {}}), "other/new-family"),
        ];
        for (value, expected) in cases {
            assert_eq!(ids(&value).join(" "), expected, "{value}");
        }
    }

    #[test]
    fn slugs_are_bounded() {
        let long = slug(&"a/".repeat(1_000));
        assert!(long.len() <= SLUG_MAX && long.starts_with("a-a") && !long.ends_with('-'));
    }

    #[test]
    fn plans_are_bounded() {
        let sources = Sources::parse(&content_files()).unwrap();
        let (mut plans, mut out) = (Plans::default(), Vec::new());
        for n in 0..PLANS_MAX * 2 + 5 {
            let value =
                json!({"family": "windows-event", "channel": format!("c{n}"), "fields": {}});
            out.clear();
            sources.classify(&event(&value), &mut plans, &mut out);
            assert_eq!(&*out[0], format!("windows/c{n}"));
            assert!(plans.count <= PLANS_MAX);
        }
    }

    #[test]
    fn a_field_in_an_id_must_be_bounded() {
        let file = SourceFile {
            name: "logsources/sources.yaml".into(),
            bytes: b"sources: [{id: 'x/{Any}', family: f}]".to_vec(),
        };
        assert!(Sources::parse(&[file]).is_err());
    }
}
