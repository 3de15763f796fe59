//! Which records a Sigma log source means, and under which names they hold Sigma's fields: content,
//! read from `logsources/sigma.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rule::LogSource;
use crate::{ContentError, SourceFile};

/// Name of the file within the content.
const FILE: &str = "logsources/sigma.yaml";

/// Index of a [`Source`] in its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(pub(super) usize);

/// Which records a log source means. Texts are in lower case; an empty list allows everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) family: String,
    pub(super) channel: Vec<String>,
    /// The channels as Windows writes them.
    pub(super) names: Vec<String>,
    /// Providers that stand for the channel where a record names none.
    pub(super) without_channel: Vec<String>,
    pub(super) provider: Vec<String>,
    pub(super) event_id: Vec<u32>,
    /// Values that fields must have besides.
    pub(super) only: BTreeMap<String, Vec<String>>,
    /// Where Sigma's fields are found.
    pub(super) fields: BTreeMap<String, Vec<Place>>,
    /// Fields that are judged a second time with another value.
    pub(super) second_view: BTreeMap<String, Place>,
}

impl Source {
    /// The records as a reader would say: family, channels, event ids.
    pub(super) fn shown(&self) -> String {
        let mut shown = match self.names.as_slice() {
            [] => self.family.clone(),
            names => names.join(" or "),
        };
        if !self.event_id.is_empty() {
            let ids: Vec<String> = self.event_id.iter().map(u32::to_string).collect();
            shown.push_str(if ids.len() == 1 { ", event " } else { ", events " });
            shown.push_str(&ids.join(", "));
        }
        shown
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The field of that name.
    Field(String),
    /// Fields put together.
    Template(Template),
}

/// A text with fields in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Template {
    pub(super) parts: Vec<Part>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// This text.
    Text(String),
    /// The value of a field.
    Field(String),
    /// The value of the unnamed field of that number.
    Unnamed(usize),
}

impl Template {
    fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else { break };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let field = || Part::Field(name.to_owned());
            parts.push(name.parse().map_or_else(|_| field(), Part::Unnamed));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self { parts }
    }
}

/// The message that a record without one would have been rendered with.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) source: Source,
    pub(super) template: Template,
}

/// The mapping from Sigma's log sources and fields to records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    sources: Vec<Source>,
    named: Vec<(LogSource, Vec<SourceId>)>,
    messages: Vec<Message>,
    heads: BTreeMap<String, Vec<String>>,
    places: Vec<RawPlace>,
}

impl Mapping {
    /// Reads the mapping out of the content.
    pub(crate) fn parse(files: &[SourceFile]) -> Result<Self, ContentError> {
        let is_mapping = |file: &&SourceFile| file.name.ends_with(FILE);
        let Some(file) = files.iter().find(is_mapping) else {
            let reason = "it is missing".to_owned();
            return Err(ContentError { file: FILE.to_owned(), reason });
        };
        let text = std::str::from_utf8(&file.bytes).map_err(|error| file.error(error))?;
        let raw: RawMapping = serde_saphyr::from_str(text).map_err(|error| file.error(error))?;
        raw.resolve().map_err(|reason| file.error(reason))
    }

    /// The sources that a log source of a rule means; none if the mapping does not know it.
    pub(super) fn lookup(&self, wanted: &LogSource) -> Vec<SourceId> {
        if let Some((_, ids)) = self.named.iter().find(|(known, _)| known == wanted) {
            return ids.clone();
        }
        let open = self.lookup_open(wanted);
        if !open.is_empty() || wanted.category.is_none() || wanted.service.is_none() {
            return open;
        }
        // Category and service both: the records of the category that lie in the service's channels.
        let category = LogSource { service: None, ..wanted.clone() };
        let service = LogSource { category: None, ..wanted.clone() };
        let channels = self.channels(&self.lookup(&service));
        let mut ids = self.lookup(&category);
        ids.retain(|id| self.channels(&[*id]).iter().any(|c| channels.contains(c)));
        ids
    }

    /// The sources of all known log sources that agree with what the rule names.
    fn lookup_open(&self, wanted: &LogSource) -> Vec<SourceId> {
        let agrees =
            |wanted: &Option<String>, known: &Option<String>| wanted.is_none() || wanted == known;
        let matching = self.named.iter().filter(|(known, _)| {
            agrees(&wanted.product, &known.product)
                && agrees(&wanted.category, &known.category)
                && agrees(&wanted.service, &known.service)
        });
        let mut ids: Vec<SourceId> = matching.flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn channels(&self, ids: &[SourceId]) -> Vec<&str> {
        let sources = ids.iter().filter_map(|id| self.source(*id));
        sources.flat_map(|source| source.channel.iter().map(String::as_str)).collect()
    }

    pub(super) fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0)
    }

    /// The log sources that it knows by name, and their sources.
    #[cfg(any(test, feature = "reference"))]
    pub(super) fn named(&self) -> &[(LogSource, Vec<SourceId>)] {
        &self.named
    }

    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// What the log of a source is called, and where it lies on a host.
    pub(super) fn place(&self, source: &Source) -> (String, Option<String>) {
        let fits = |place: &&RawPlace| {
            place.family == source.family
                && place.channel.as_ref().is_none_or(|channel| source.names.contains(channel))
        };
        let channel = source.names.first().map(|name| name.replace('/', "%4"));
        let known = self.places.iter().find(fits);
        let path =
            known.map(|place| place.path.replace("{channel}", channel.as_deref().unwrap_or("*")));
        let named = known.and_then(|place| place.name.clone());
        let name = match source.names.as_slice() {
            [] => named.unwrap_or_else(|| source.family.clone()),
            names => named.unwrap_or_else(|| names.join(" or ")),
        };
        (name, path)
    }

    /// The names of fields that the mapping gives to a log source.
    pub(super) fn known_fields(&self, logsource: &LogSource) -> Vec<&str> {
        let ids = self.lookup(logsource);
        let sources = ids.iter().filter_map(|id| self.source(*id));
        sources.flat_map(|source| source.fields.keys().map(String::as_str)).collect()
    }

    /// The fields that conditions of the mapping itself look at.
    pub(super) fn guard_fields(&self) -> Vec<String> {
        self.sources.iter().flat_map(|source| source.only.keys().cloned()).collect()
    }

    /// The names of a family of which only the first field counts: the body's, not the head's.
    pub(super) fn heads(&self, family: &str) -> &[String] {
        self.heads.get(family).map_or(&[], Vec::as_slice)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    channels: BTreeMap<String, RawChannels>,
    heads: BTreeMap<String, Vec<String>>,
    messages: Vec<RawMessage>,
    places: Vec<RawPlace>,
    sources: Vec<RawEntry>,
}

/// Where the logs of a family lie, or of one of its channels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlace {
    family: String,
    #[serde(default)]
    channel: Option<String>,
    /// What such a log is called; else it has its channels' names.
    #[serde(default)]
    name: Option<String>,
    /// `{channel}` stands for the channel as Windows writes it in names of files.
    path: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannels {
    channel: Vec<String>,
    #[serde(default)]
    without_channel: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMessage {
    channels: String,
    #[serde(default)]
    event_id: Vec<u32>,
    template: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    logsource: RawLogSource,
    means: Vec<RawSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLogSource {
    #[serde(default)]
    product: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    service: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSource {
    family: Option<String>,
    channels: Option<String>,
    channel: Vec<String>,
    provider: Vec<String>,
    event_id: Vec<u32>,
    only: BTreeMap<String, Vec<String>>,
    fields: BTreeMap<String, Names>,
    second_view: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

fn place(name: &str) -> Place {
    if name.contains('{') {
        return Place::Template(Template::parse(name));
    }
    Place::Field(name.to_owned())
}

fn lower(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.to_lowercase()).collect()
}

impl RawMapping {
    fn resolve(&self) -> Result<Mapping, String> {
        let mut mapping = Mapping {
            heads: self.heads.clone(),
            places: self.places.clone(),
            ..Mapping::default()
        };
        for entry in &self.sources {
            let mut ids = Vec::with_capacity(entry.means.len());
            for raw in &entry.means {
                ids.push(SourceId(mapping.sources.len()));
                mapping.sources.push(self.source(raw)?);
            }
            mapping.named.push((entry.logsource.resolve(), ids));
        }
        for raw in &self.messages {
            let source = RawSource {
                channels: Some(raw.channels.clone()),
                event_id: raw.event_id.clone(),
                ..RawSource::default()
            };
            let template = Template::parse(&raw.template);
            mapping.messages.push(Message { source: self.source(&source)?, template });
        }
        Ok(mapping)
    }

    fn source(&self, raw: &RawSource) -> Result<Source, String> {
        let channels = self.channel_set(raw.channels.as_deref())?;
        let names_of_channels = [channels.channel.as_slice(), &raw.channel].concat();
        let names = |names: &Names| match names {
            Names::One(name) => vec![place(name)],
            Names::Several(names) => names.iter().map(|name| place(name)).collect(),
        };
        Ok(Source {
            family: raw.family.clone().unwrap_or_else(|| "windows-event".to_owned()),
            channel: lower(&names_of_channels),
            names: names_of_channels,
            without_channel: lower(&channels.without_channel),
            provider: lower(&raw.provider),
            event_id: raw.event_id.clone(),
            only: raw.only.clone(),
            fields: raw.fields.iter().map(|(name, to)| (name.clone(), names(to))).collect(),
            second_view: raw.second_view.iter().map(|(n, to)| (n.clone(), place(to))).collect(),
        })
    }

    fn channel_set(&self, name: Option<&str>) -> Result<RawChannels, String> {
        let Some(name) = name else { return Ok(RawChannels::default()) };
        let set = self.channels.get(name).cloned();
        set.ok_or_else(|| format!("`{name}` is not among its `channels`"))
    }
}

impl RawLogSource {
    fn resolve(&self) -> LogSource {
        let lower = |text: &Option<String>| text.as_ref().map(|t| t.to_lowercase());
        LogSource {
            product: lower(&self.product),
            category: lower(&self.category),
            service: lower(&self.service),
        }
    }
}
