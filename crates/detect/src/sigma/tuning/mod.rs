//! Tuning files: which of a user's rules run, at which level, and which of their hits are known to be false.
//!
//! Tuning is for the rules of a user. Our own carry the steps of the verdict, so an entry that would take one
//! of them away, or hide its hits, is refused; their level is display and may be changed.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::case::{Engine, RefusedRule, Severity};
use model::{Event, Time};

use self::read::Reader;
use super::check::FieldId;
use super::expand::Placeholders;
use super::fold::fold;
use super::modifiers::nearest;
use super::pattern::Shape;
use super::rule::{self, Body};
use super::yaml::{Node, Place};
use crate::explain::Origin;
use crate::tuned::{Change, Entry, Tuned};
use crate::{RuleIndex, RuleMeta, SourceFile};

/// The key of a false positive's conditions.
pub(super) const WHEN: &str = "when";
const OWN: &str = "is one of assay's own rules, which carry the verdict's steps: it cannot be \
                   tuned away. Its level may be changed under `levels`";

const CORRELATION: &str = "is a correlation, which has no fields of its own: hide hits of the \
                           rules that it refers to";

/// What tuning files ask for.
#[derive(Debug, Default)]
pub(crate) struct Tuning {
    include: Vec<Pick>,
    exclude: Vec<Pick>,
    levels: Vec<Override>,
    hidings: Vec<Hiding>,
    placeholders: Placeholders,
}

/// Rules that are meant: those for which all of it holds.
#[derive(Debug)]
struct Pick {
    at: At,
    wants: Vec<Want>,
    reason: Option<String>,
}

#[derive(Debug)]
enum Want {
    /// Id, name or title.
    Rule(String),
    Id(String),
    Name(String),
    Title(String),
    File(Shape),
    Tag(Shape),
    Level(Severity),
    Status(String),
}

/// Another level for a rule.
#[derive(Debug)]
struct Override {
    at: At,
    rule: String,
    level: Severity,
    reason: Option<String>,
}

/// Hits of some rules that are known to be false, and how they are told.
#[derive(Clone, Debug)]
pub(super) struct Hiding(Arc<FalsePositive>);

#[derive(Debug)]
struct FalsePositive {
    at: At,
    rules: Vec<String>,
    host: Option<(String, Shape)>,
    when: Node,
    reason: String,
    /// Records up to the end of that day.
    until: Option<(String, Time)>,
}

/// Where an entry stands.
#[derive(Clone, Debug)]
struct At {
    file: String,
    place: Place,
}

impl At {
    fn refuse(&self, reason: impl Into<String>) -> RefusedRule {
        RefusedRule {
            file: self.file.clone(),
            line: self.place.line,
            column: self.place.column,
            reason: reason.into(),
        }
    }

    fn shown(&self) -> String {
        format!("{}:{}:{}", self.file, self.place.line, self.place.column)
    }

    fn entry(&self, reason: Option<&str>) -> Entry {
        Entry { at: self.shown(), reason: reason.map(str::to_owned) }
    }
}

/// A false positive's conditions, compiled for the engine that runs them.
#[derive(Debug)]
pub(super) struct Hides {
    hiding: Hiding,
    /// Number of the entry in [`Tuned::entries`].
    pub(super) entry: usize,
    pub(super) body: Body,
}

impl Hides {
    /// Whether it can be for an event, whatever its fields.
    pub(super) fn is_for(&self, event: &Event<'_>) -> bool {
        self.hiding.not_for(event).is_none()
    }
}

impl Tuning {
    /// Reads tuning files; gives all that is wrong with them.
    pub(crate) fn parse(files: &[SourceFile]) -> Result<Self, Vec<RefusedRule>> {
        let (mut tuning, mut wrong) = (Self::default(), Vec::new());
        for file in files {
            let mut reader = Reader { file: &file.name, tuning: &mut tuning, wrong: &mut wrong };
            reader.file(&file.bytes);
        }
        if wrong.is_empty() { Ok(tuning) } else { Err(wrong) }
    }

    /// Lists of the site for `expand`.
    pub(super) fn placeholders(&self) -> &Placeholders {
        &self.placeholders
    }

    /// The false positives of a rule.
    pub(super) fn hidings(&self, meta: &RuleMeta) -> Vec<Hiding> {
        self.hidings.iter().filter(|hiding| hiding.names(meta)).cloned().collect()
    }

    /// Decides what becomes of each rule; levels are changed at once.
    pub(crate) fn decide(&self, metas: &mut [RuleMeta]) -> Result<Tuned, Vec<RefusedRule>> {
        let wrong = self.refused(metas);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut tuned = Tuned { entries: self.entries(), ..Tuned::default() };
        for (meta, rule) in metas.iter().zip((0..).map(RuleIndex)).filter(|(meta, _)| !meta.own) {
            if let Some(entry) = self.exclusion(meta) {
                tuned.excluded.insert(rule, entry);
            }
        }
        self.change_levels(metas, &mut tuned);
        tuned.unused = self.unused(metas);
        Ok(tuned)
    }

    /// The entry that excludes a rule: the first under `include`, if none of those fits.
    fn exclusion(&self, meta: &RuleMeta) -> Option<usize> {
        if !self.include.is_empty() && !self.include.iter().any(|pick| pick.fits(meta)) {
            return Some(0);
        }
        let at = self.exclude.iter().position(|pick| pick.fits(meta))?;
        Some(self.include.len() + at)
    }

    fn entries(&self) -> Vec<Entry> {
        let picks = self.include.iter().chain(&self.exclude);
        let picks = picks.map(|pick| pick.at.entry(pick.reason.as_deref()));
        let levels = self.levels.iter().map(|level| level.at.entry(level.reason.as_deref()));
        let hidings = self.hidings.iter().map(|h| h.0.at.entry(Some(&h.0.reason)));
        let mut entries: Vec<Entry> = picks.chain(levels).chain(hidings).collect();
        if let Some(first) = entries.first_mut().filter(|_| !self.include.is_empty()) {
            first.reason = Some("no entry of `include` fits".to_owned());
        }
        entries
    }

    fn change_levels(&self, metas: &mut [RuleMeta], tuned: &mut Tuned) {
        let first = self.include.len() + self.exclude.len();
        for (change, entry) in self.levels.iter().zip(first..) {
            for (meta, rule) in metas.iter_mut().zip((0..).map(RuleIndex)) {
                if is_named(meta, &change.rule) && meta.level != change.level {
                    let was = std::mem::replace(&mut meta.level, change.level);
                    tuned.levels.push(Change { rule, was, entry });
                }
            }
        }
    }

    /// The entries that would take a rule of ours away or hide its hits, or that mean a rule without fields.
    fn refused(&self, metas: &[RuleMeta]) -> Vec<RefusedRule> {
        let own = || metas.iter().filter(|meta| meta.own);
        let excluded = self.exclude.iter().filter_map(|pick| {
            let hit = own().find(|meta| pick.names_a_rule() && pick.fits(meta))?;
            Some(pick.at.refuse(format!("`{}` {OWN}", hit.rule.title)))
        });
        let hidden = self.hidings.iter().filter_map(|hiding| {
            let hit = own().find(|meta| hiding.names(meta))?;
            Some(hiding.0.at.refuse(format!("`{}` {OWN}", hit.rule.title)))
        });
        let theirs = || metas.iter().filter(|meta| !meta.own);
        let of_many = self.hidings.iter().filter_map(|hiding| {
            let is_one = |meta: &&RuleMeta| meta.rule.engine == Engine::Correlation;
            let hit = theirs().filter(is_one).find(|meta| hiding.names(meta))?;
            Some(hiding.0.at.refuse(format!("`{}` {CORRELATION}", hit.rule.title)))
        });
        excluded.chain(hidden).chain(of_many).collect()
    }

    /// The entries that fit no rule, with the rule that may be meant.
    fn unused(&self, metas: &[RuleMeta]) -> Vec<RefusedRule> {
        let mut unused = Vec::new();
        for pick in self.include.iter().chain(&self.exclude) {
            if !metas.iter().any(|meta| !meta.own && pick.fits(meta)) {
                let named = pick.wants.iter().find_map(Want::reference);
                unused.push(pick.at.refuse(no_rule(named, metas)));
            }
        }
        for change in &self.levels {
            if !metas.iter().any(|meta| is_named(meta, &change.rule)) {
                unused.push(change.at.refuse(no_rule(Some(&change.rule), metas)));
            }
        }
        for hiding in &self.hidings {
            for rule in &hiding.0.rules {
                if !metas.iter().any(|meta| is_named(meta, rule)) {
                    unused.push(hiding.0.at.refuse(no_rule(Some(rule), metas)));
                }
            }
        }
        unused
    }

    /// The false positives of each rule, compiled.
    pub(super) fn compile(
        &self,
        metas: &[RuleMeta],
        field: &mut dyn FnMut(&str) -> FieldId,
    ) -> BTreeMap<u32, Vec<Hides>> {
        let first = self.include.len() + self.exclude.len() + self.levels.len();
        let mut all: BTreeMap<u32, Vec<Hides>> = BTreeMap::new();
        for (hiding, entry) in self.hidings.iter().zip(first..) {
            for (meta, rule) in metas.iter().zip(0..) {
                if hiding.names(meta)
                    && let Ok(Some(body)) = rule::body(hiding.node(), WHEN, field)
                {
                    let hides = Hides { hiding: hiding.clone(), entry, body };
                    all.entry(rule).or_default().push(hides);
                }
            }
        }
        all
    }
}

fn no_rule(named: Option<&str>, metas: &[RuleMeta]) -> String {
    let Some(named) = named else { return "it fits no rule that was loaded".to_owned() };
    let words = metas.iter().flat_map(|meta| {
        [Some(meta.rule.title.as_str()), meta.name.as_deref()].into_iter().flatten()
    });
    let hint =
        nearest(named, words).map_or_else(String::new, |word| format!(": `{word}` is meant?"));
    format!("no rule that was loaded has the id, name or title `{named}`{hint}")
}

/// Whether a rule has that id, name or title.
fn is_named(meta: &RuleMeta, reference: &str) -> bool {
    reference.eq_ignore_ascii_case(&meta.rule.id)
        || Some(reference) == meta.name.as_deref()
        || reference == meta.rule.title
}

impl Pick {
    fn fits(&self, meta: &RuleMeta) -> bool {
        self.wants.iter().all(|want| want.fits(meta))
    }

    /// Whether it means rules by their identity; what all rules may share means those of the user alone.
    fn names_a_rule(&self) -> bool {
        self.wants.iter().any(|want| want.reference().is_some())
    }
}

impl Want {
    fn fits(&self, meta: &RuleMeta) -> bool {
        match self {
            Self::Rule(reference) => is_named(meta, reference),
            Self::Id(id) => id.eq_ignore_ascii_case(&meta.rule.id),
            Self::Name(name) => meta.name.as_ref() == Some(name),
            Self::Title(title) => *title == meta.rule.title,
            Self::File(glob) => glob.matches(&fold(&meta.rule.source)),
            Self::Tag(glob) => meta.about.tags.iter().any(|tag| glob.matches(&fold(tag))),
            Self::Level(level) => *level == meta.level,
            Self::Status(status) => meta.about.status.as_ref() == Some(status),
        }
    }

    fn reference(&self) -> Option<&str> {
        match self {
            Self::Rule(text) | Self::Id(text) | Self::Name(text) | Self::Title(text) => Some(text),
            _ => None,
        }
    }
}

impl Hiding {
    fn names(&self, meta: &RuleMeta) -> bool {
        self.0.rules.iter().any(|reference| is_named(meta, reference))
    }

    /// Its conditions: selections and `condition`.
    pub(super) fn node(&self) -> &Node {
        &self.0.when
    }

    /// Why it is not for an event, whatever its fields.
    pub(super) fn not_for(&self, event: &Event<'_>) -> Option<String> {
        if let Some((word, until)) = &self.0.until
            && event.time.is_none_or(|time| time > *until)
        {
            return Some(format!("it ends with {word}"));
        }
        let (word, glob) = self.0.host.as_ref()?;
        let Some(host) = event.host.as_deref() else {
            return Some(format!("it is for the host {word}, and the record names none"));
        };
        let host = fold(host);
        let short = host.split('.').next().unwrap_or_default();
        let fits = glob.matches(&host) || glob.matches(short);
        (!fits).then(|| format!("it is for the host {word}"))
    }

    pub(super) fn origin(&self, not_for: Option<String>) -> Origin {
        let reason = self.0.reason.clone();
        Origin::FalsePositive { at: self.0.at.shown(), reason, not_for }
    }
}
