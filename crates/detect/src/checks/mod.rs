//! Checks that no rule language can state: what was asked for, and what lies on disk, against the list of
//! what was shipped. Each pack brings its own list, web folders and names (`checks.yaml`).

mod known;
mod path;
#[cfg(test)]
mod tests;
mod webroots;

use std::net::IpAddr;

use model::case::{Engine, MatchedField, RuleRef, Severity};
use model::{Event, Value};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use self::known::{KnownFiles, sha256};
use self::path::{compiled_page, cut, file_path, may_name_script};
use self::webroots::WebRoots;
use crate::select::{Select, value_of};
use crate::{About, ContentError, Hit, RuleIndex, RuleMeta, SourceFile, content};

/// Verdicts on URL paths that one thread remembers for each pack.
const MEMO_MAX: usize = 4_096;
/// Longest URL path that is remembered.
const MEMO_KEY_MAX: usize = 256;
/// Longest value quoted in a hit.
const QUOTE_MAX: usize = 512;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChecks {
    requests: Vec<Request>,
    files: Vec<File>,
    compiled: Vec<File>,
    compiled_below: String,
    unproven_methods: Vec<String>,
    monitoring: Monitoring,
    checks: Vec<RawCheck>,
}

/// Where records of a kind keep what matters of a request.
#[derive(Deserialize)]
struct Request {
    path: String,
    status: String,
    method: String,
    user: String,
    client: String,
    #[serde(flatten)]
    select: Select,
}

/// Where records of a kind keep what matters of a file.
#[derive(Deserialize)]
struct File {
    path: String,
    #[serde(default)]
    sha256: String,
    /// The URL of the page that a compiled file was made of, where the file says so.
    #[serde(default)]
    page: String,
    #[serde(flatten)]
    select: Select,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Monitoring {
    user_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCheck {
    name: String,
    kind: Kind,
    id: String,
    title: String,
    /// For who reviews the content; it must be there.
    #[serde(rename = "description")]
    _description: String,
    date: String,
    level: Severity,
    #[serde(default)]
    attack: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    RequestAnswered,
    RequestUnanswered,
    FileUnlisted,
    FileChanged,
    CompiledUnlisted,
}

/// The checks of all packs.
#[derive(Default)]
pub(crate) struct Checks {
    packs: Vec<Pack>,
    /// For each set of kinds of records: the checks that apply to them.
    groups: Vec<Vec<RuleIndex>>,
}

struct Pack {
    requests: Vec<Request>,
    files: Vec<File>,
    compiled: Vec<File>,
    compiled_below: String,
    unproven_methods: Vec<String>,
    monitoring: Monitoring,
    rules: FxHashMap<Kind, RuleIndex>,
    roots: WebRoots,
    known: KnownFiles,
}

/// Memory of one thread, for each pack: the same few URL paths come again and again.
#[derive(Default)]
pub(crate) struct Memo {
    urls: Vec<FxHashMap<&'static str, Urls>>,
}

/// The script that a URL path names, if it is unlisted, for one family of records.
type Urls = FxHashMap<String, Option<String>>;

/// Kinds of records, as bits of a group's number; three for each pack.
const REQUEST: usize = 1;
const FILE: usize = 2;
const COMPILED: usize = 4;
const BITS: usize = 3;
/// More packs than this would make the table of groups large.
const PACKS_MAX: usize = 4;

impl Checks {
    /// Reads the checks of all packs; their rules are numbered from `first` on and added to `rules`.
    pub(crate) fn parse(
        files: &[SourceFile],
        first: u32,
        rules: &mut Vec<RuleMeta>,
    ) -> Result<Self, ContentError> {
        let mut checks = Self::default();
        let mut next = first;
        for file in content::in_packs(files, "checks.yaml") {
            if checks.packs.len() == PACKS_MAX {
                return Err(file.error(format!("at most {PACKS_MAX} packs may have checks")));
            }
            checks.packs.push(Pack::parse(files, file, &mut next, rules)?);
        }
        let groups = 1_usize << (BITS * checks.packs.len());
        checks.groups = (0..groups).map(|group| checks.rules_of(group)).collect();
        Ok(checks)
    }

    fn rules_of(&self, group: usize) -> Vec<RuleIndex> {
        let mut rules = Vec::new();
        for (n, pack) in self.packs.iter().enumerate() {
            let bits = group >> (BITS * n);
            for (bit, kinds) in [
                (REQUEST, &[Kind::RequestAnswered, Kind::RequestUnanswered][..]),
                (FILE, &[Kind::FileUnlisted, Kind::FileChanged]),
                (COMPILED, &[Kind::CompiledUnlisted]),
            ] {
                if bits & bit != 0 {
                    rules.extend(kinds.iter().filter_map(|kind| pack.rules.get(kind)));
                }
            }
        }
        rules.sort_unstable();
        rules
    }

    /// The checks that apply to the records of a group.
    pub(crate) fn group_rules(&self, group: u32) -> &[RuleIndex] {
        self.groups.get(group as usize).map_or(&[], Vec::as_slice)
    }

    /// Runs all checks on an event; gives the group of the event.
    pub(crate) fn run(&self, event: &Event<'_>, memo: &mut Memo, hits: &mut Vec<Hit>) -> u32 {
        if memo.urls.len() != self.packs.len() {
            memo.urls.resize_with(self.packs.len(), FxHashMap::default);
        }
        let mut group = 0;
        for (n, (pack, urls)) in self.packs.iter().zip(&mut memo.urls).enumerate() {
            let mut bits = 0;
            if let Some(at) = pack.requests.iter().find(|r| r.select.fits(event)) {
                bits |= REQUEST;
                hits.extend(pack.request(at, event, urls.entry(event.family).or_default()));
            }
            if let Some(at) = pack.files.iter().find(|f| f.select.fits(event)) {
                bits |= FILE;
                hits.extend(pack.file(at, event));
            }
            if let Some(at) = pack.compiled.iter().find(|f| f.select.fits(event)) {
                bits |= COMPILED;
                hits.extend(pack.compiled(at, event));
            }
            group |= bits << (BITS * n);
        }
        u32::try_from(group).unwrap_or(0)
    }
}

impl Pack {
    fn parse(
        files: &[SourceFile],
        file: &SourceFile,
        next: &mut u32,
        rules: &mut Vec<RuleMeta>,
    ) -> Result<Self, ContentError> {
        let raw: RawChecks = content::yaml(file)?;
        let beside = |name: &str| content::find(files, &file.name.replace("checks.yaml", name));
        let mut numbers = FxHashMap::default();
        for check in raw.checks {
            if numbers.insert(check.kind, RuleIndex(*next)).is_some() {
                return Err(file.error(format!("two checks are of the kind of {}", check.name)));
            }
            *next += 1;
            rules.push(check.meta(&file.name));
        }
        Ok(Self {
            requests: raw.requests,
            files: raw.files,
            compiled: raw.compiled,
            compiled_below: raw.compiled_below,
            unproven_methods: raw.unproven_methods,
            monitoring: raw.monitoring,
            rules: numbers,
            roots: WebRoots::parse(beside("webroots.yaml")?)?,
            known: KnownFiles::parse(beside("known-files.csv")?)?,
        })
    }

    fn request(&self, at: &Request, event: &Event<'_>, memo: &mut Urls) -> Option<Hit> {
        let url = text(event, &at.path)?;
        if !may_name_script(url, |name| self.roots.is_script(name)) {
            return None;
        }
        let script = self.unlisted(url, event.family, memo)?;
        if self.is_monitoring(at, event) {
            return None;
        }
        let kind = if self.is_answered(at, event) {
            Kind::RequestAnswered
        } else {
            Kind::RequestUnanswered
        };
        let mut matched = vec![quote("script", &script)];
        for name in [&at.path, &at.status, &at.method] {
            matched.extend(value_of(event, name).map(|value| quote(name, &value.text())));
        }
        self.hit(kind, matched)
    }

    /// The unlisted script that a URL path names.
    fn unlisted(&self, url: &str, family: &str, memo: &mut Urls) -> Option<String> {
        if let Some(script) = memo.get(url) {
            return script.clone();
        }
        let script = self.roots.unlisted(url, family, &self.known);
        if url.len() <= MEMO_KEY_MAX {
            if memo.len() >= MEMO_MAX {
                memo.clear();
            }
            memo.insert(url.to_owned(), script.clone());
        }
        script
    }

    fn is_answered(&self, at: &Request, event: &Event<'_>) -> bool {
        let status = value_of(event, &at.status)
            .and_then(|value| value.text().trim().parse::<u16>().ok())
            .is_some_and(|status| (200..300).contains(&status));
        let unproven = text(event, &at.method).is_some_and(|method| {
            self.unproven_methods.iter().any(|m| m.eq_ignore_ascii_case(method))
        });
        status && !unproven
    }

    /// The product's own probes: one of its users, from the server itself. Either alone proves nothing.
    fn is_monitoring(&self, at: &Request, event: &Event<'_>) -> bool {
        let is_probe_user = text(event, &at.user).is_some_and(|user| {
            let name = user.rsplit('\\').next().unwrap_or_default();
            self.monitoring.user_prefixes.iter().any(|prefix| {
                name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            })
        });
        is_probe_user
            && text(event, &at.client)
                .and_then(|client| client.parse::<IpAddr>().ok())
                .is_some_and(|address| address.to_canonical().is_loopback())
    }

    fn file(&self, at: &File, event: &Event<'_>) -> Option<Hit> {
        let path = file_path(text(event, &at.path)?);
        if !self.roots.is_script(&path) {
            return None;
        }
        let file = self.roots.in_tree(&path)?;
        if self.roots.is_kept(&file) {
            return None;
        }
        let hash = text(event, &at.sha256).unwrap_or_default();
        let listed: Vec<&String> =
            file.listed_as.iter().filter(|path| self.known.has_path(path)).collect();
        let kind = if listed.is_empty() {
            Kind::FileUnlisted
        } else {
            // Without a hash nothing can be said of the content.
            let content = sha256(hash)?;
            if listed.iter().any(|path| self.known.has_content(path, &content)) {
                return None;
            }
            Kind::FileChanged
        };
        let mut matched = vec![quote("script", &self.roots.url_of(file.path))];
        matched.push(quote("file", file.path));
        if !hash.is_empty() {
            matched.push(quote("sha256", hash));
        }
        self.hit(kind, matched)
    }

    fn compiled(&self, at: &File, event: &Event<'_>) -> Option<Hit> {
        let path = text(event, &at.path)?;
        if !path.get(path.len().saturating_sub(9)..)?.eq_ignore_ascii_case(".compiled") {
            return None;
        }
        if let Some(url) = text(event, &at.page) {
            let script = self.roots.unlisted(url, event.family, &self.known)?;
            let matched = vec![quote("script", &script), quote(&at.path, path)];
            return self.hit(Kind::CompiledUnlisted, matched);
        }
        let page_file = file_path(path);
        let (_, below) = page_file.split_once(self.compiled_below.as_str())?;
        let application = self.roots.application(below.split('\\').next()?)?;
        let page = compiled_page(below.rsplit('\\').next()?)?;
        if !self.roots.is_compiled(page) || self.roots.names_page(application, page, &self.known) {
            return None;
        }
        let matched =
            vec![quote("page", page), quote("application", application), quote(&at.path, path)];
        self.hit(Kind::CompiledUnlisted, matched)
    }

    fn hit(&self, kind: Kind, matched: Vec<MatchedField>) -> Option<Hit> {
        self.rules.get(&kind).map(|&rule| Hit { rule, matched, values: Vec::new() })
    }
}

impl RawCheck {
    fn meta(self, source: &str) -> RuleMeta {
        RuleMeta {
            rule: RuleRef {
                id: self.id,
                title: self.title,
                version: self.date,
                engine: Engine::Check,
                author: vec!["assay".to_owned()],
                license: "Apache-2.0".to_owned(),
                source: source.to_owned(),
            },
            name: Some(self.name),
            level: self.level,
            attack: self.attack,
            own: true,
            about: About::default(),
        }
    }
}

fn text<'s>(event: &'s Event<'_>, name: &str) -> Option<&'s str> {
    value_of(event, name).and_then(Value::as_str)
}

fn quote(field: &str, value: &str) -> MatchedField {
    MatchedField {
        field: field.to_owned(),
        value: Some(cut(value, QUOTE_MAX).to_owned()),
        value_b64: None,
    }
}
