//! From base matches in any order to the events of each correlation that fired.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path as FolderPath, PathBuf};
use std::sync::Arc;

use model::Time;
use rustc_hash::{FxHashMap, FxHashSet};

use super::entry::{Entry, Part, Path};
use super::group::Group;
use super::resolve::Target;
use super::sort::{Sorted, Sorter};
use super::window::{self, Told};
use super::{Correlation, GroupValue, Kind, MICRO, hash};
use crate::RuleIndex;
use crate::sigma::check::Number;

/// All correlations, each after those that it refers to.
#[derive(Debug, Default)]
pub(crate) struct Correlations {
    rules: Vec<Correlation>,
    /// Index of the first of them among all rules.
    first: u32,
    /// For each rule that one refers to, the fields whose values it needs.
    wanted: BTreeMap<u32, Vec<String>>,
    /// Rules that others refer to and that tell nothing of their own.
    silent: FxHashSet<RuleIndex>,
}

impl Correlations {
    /// `generates` says of each whether the rules that it refers to tell their own matches too, or nothing where
    /// it is excluded; `is_own` whether a rule is of our content, which a user's correlation cannot silence.
    pub(crate) fn new(
        rules: Vec<Correlation>,
        first: u32,
        generates: &[Option<bool>],
        is_own: impl Fn(Target) -> bool,
    ) -> Self {
        let mut all = Self { rules, first, ..Self::default() };
        let mut speaking = FxHashSet::default();
        for (number, (rule, generates)) in (0..).zip(all.rules.iter().zip(generates)) {
            let own = is_own(Target::Correlation(number));
            let Some(generates) = generates else { continue };
            for member in &rule.members {
                let index = all.index(member.target);
                if *generates || (is_own(member.target) && !own) {
                    speaking.insert(index);
                } else {
                    all.silent.insert(index);
                }
            }
        }
        all.silent.retain(|index| !speaking.contains(index));
        for rule in &all.rules {
            let names: Vec<&str> =
                rule.group_by.iter().chain(&rule.fields).map(String::as_str).collect();
            want(&all.rules, rule, &names, &mut all.wanted);
        }
        all
    }

    fn index(&self, target: Target) -> RuleIndex {
        match target {
            Target::Rule(rule) => RuleIndex(rule),
            Target::Correlation(number) => RuleIndex(self.first.saturating_add(number)),
        }
    }

    /// For each rule that a correlation refers to, the fields whose values a match of it must bring along.
    pub(crate) fn wanted(&self) -> &BTreeMap<u32, Vec<String>> {
        &self.wanted
    }

    /// Whether a correlation refers to a rule.
    pub(crate) fn needs(&self, rule: RuleIndex) -> bool {
        self.wanted.contains_key(&rule.0)
    }

    pub(crate) fn is_silent(&self, rule: RuleIndex) -> bool {
        self.silent.contains(&rule)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The correlations that rest on any of these rules.
    pub(crate) fn resting_on(&self, rules: &dyn Fn(RuleIndex) -> bool) -> Vec<RuleIndex> {
        let mut found: Vec<RuleIndex> = Vec::new();
        for (number, rule) in (0..).zip(&self.rules) {
            let rests = |index: RuleIndex| rules(index) || found.contains(&index);
            if rule.members.iter().any(|member| rests(self.index(member.target))) {
                found.push(self.index(Target::Correlation(number)));
            }
        }
        found
    }

    /// All rules that a correlation refers to, directly or through others.
    pub(crate) fn members(&self, rule: RuleIndex) -> Vec<RuleIndex> {
        let mut found = Vec::new();
        let mut open = vec![rule];
        while let Some(RuleIndex(index)) = open.pop() {
            let number = index.checked_sub(self.first);
            let rule = number.and_then(|number| self.rules.get(number as usize));
            for member in rule.iter().flat_map(|rule| &rule.members) {
                let index = self.index(member.target);
                if !found.contains(&index) {
                    found.push(index);
                    open.push(index);
                }
            }
        }
        found
    }

    /// Where the values for a correlation are among those that a match brings along.
    fn plan(&self, rule: &Correlation, path: &[u8]) -> Option<Plan> {
        let places = |names: &[String]| {
            names.iter().map(|name| self.place(rule, path, name)).collect::<Option<Vec<_>>>()
        };
        let group = places(&rule.group_by)?;
        let shown = rule.group_by.iter().cloned().zip(group.iter().copied()).collect();
        Some(Plan { fields: places(&rule.fields)?, group, shown })
    }

    fn place(&self, rule: &Correlation, path: &[u8], name: &str) -> Option<usize> {
        let (number, path) = path.split_first()?;
        let member = rule.members.get(usize::from(*number))?;
        let name = member.field(name);
        match member.target {
            Target::Rule(rule) => self.wanted.get(&rule)?.iter().position(|wanted| wanted == name),
            Target::Correlation(inner) => self.place(self.rules.get(inner as usize)?, path, name),
        }
    }

    /// Each correlation that refers to a rule, with the number of the member.
    fn referring(&self, target: Target) -> Vec<(u32, u8)> {
        let mut found = Vec::new();
        for (correlation, rule) in (0..).zip(&self.rules) {
            for (number, member) in (0..).zip(&rule.members) {
                if member.target == target {
                    found.push((correlation, number));
                }
            }
        }
        found
    }
}

/// Notes the fields that the rules below a correlation must bring along for these names.
fn want(
    all: &[Correlation],
    rule: &Correlation,
    names: &[&str],
    wanted: &mut BTreeMap<u32, Vec<String>>,
) {
    for member in &rule.members {
        let names: Vec<&str> = names.iter().map(|name| member.field(name)).collect();
        match member.target {
            Target::Rule(rule) => {
                let fields = wanted.entry(rule).or_default();
                for name in names {
                    if !fields.iter().any(|field| field == name) {
                        fields.push(name.to_owned());
                    }
                }
            }
            Target::Correlation(inner) => {
                if let Some(inner) = all.get(inner as usize) {
                    want(all, inner, &names, wanted);
                }
            }
        }
    }
}

/// A match of a rule that correlations refer to.
#[derive(Clone, Copy, Debug)]
pub struct BaseMatch<'v> {
    /// The rule.
    pub rule: RuleIndex,
    /// When, with clocks corrected.
    pub time: Time,
    /// Which event it is: the place of its file among all, and where it stands in it.
    pub event: (u32, u64),
    /// Number of the host that it is of.
    pub owner: u32,
    /// Where the caller keeps the event.
    pub payload: u64,
    /// What [`crate::Hit::values`] had.
    pub values: &'v [Option<GroupValue>],
}

/// Gives the values of the event that the caller keeps at that place.
pub type Values<'f> = dyn FnMut(u64) -> io::Result<Vec<Option<GroupValue>>> + 'f;

/// An event that is part of what made a correlation fire.
#[derive(Clone, Debug)]
pub struct Correlated {
    /// The correlation.
    pub rule: RuleIndex,
    /// The host of the event.
    pub owner: u32,
    /// When, with clocks corrected.
    pub time: Time,
    /// Where the caller keeps the event.
    pub payload: u64,
    /// What is measured: `event_count`, `value_sum` ...
    pub measure: &'static str,
    /// What the windows that it is in measured at most: `12`, `0.5`.
    pub measured: String,
    /// Names by which events were grouped, and where their values are among those of the event.
    pub group: Arc<[(String, usize)]>,
}

/// Where values stand in what a match brings along.
struct Plan {
    group: Vec<usize>,
    fields: Vec<usize>,
    shown: Arc<[(String, usize)]>,
}

impl Plan {
    /// The group of an event and what is measured of it. An event that lacks a value is in no group.
    fn key(&self, kind: &Kind, values: &[Option<GroupValue>]) -> Option<(u128, u128)> {
        let joined = |places: &[usize]| {
            let mut bytes = Vec::with_capacity(places.len() * 16);
            for place in places {
                bytes.extend(values.get(*place)?.as_ref()?.key.to_le_bytes());
            }
            Some(if bytes.is_empty() { 0 } else { hash(&bytes) })
        };
        let number = || {
            let value = values.get(*self.fields.first()?)?.as_ref()?;
            Number::of_text(&value.text)?.micro().map(i128::cast_unsigned)
        };
        let value = match kind {
            Kind::Events | Kind::Rules(_) | Kind::Ordered => 0,
            Kind::Distinct | Kind::Share => joined(&self.fields)?,
            Kind::Sum | Kind::Average | Kind::Percentile(_) => number()?,
        };
        Some((joined(&self.group)?, value))
    }
}

/// Takes base matches in any order, and tells what they make together.
pub struct Correlator<'d> {
    all: &'d Correlations,
    folder: PathBuf,
    entries: Sorter<Entry>,
    plans: FxHashMap<(u32, Path), Option<Plan>>,
    referring: FxHashMap<Target, Vec<(u32, u8)>>,
}

/// Rows that the matches of an inner correlation take in memory.
const INNER_RUN: usize = 1 << 14;

impl<'d> Correlator<'d> {
    pub(crate) fn new(all: &'d Correlations, folder: &FolderPath) -> Self {
        Self {
            all,
            folder: folder.to_owned(),
            entries: Sorter::new(folder),
            plans: FxHashMap::default(),
            referring: FxHashMap::default(),
        }
    }

    /// Takes a match; the only error is that no temporary file could be made or grown.
    pub fn add(&mut self, base: &BaseMatch<'_>) -> io::Result<()> {
        let entry = Entry {
            time: base.time.unix_nanos(),
            event: base.event,
            owner: base.owner,
            digits: base.time.digits(),
            payload: base.payload,
            ..Entry::default()
        };
        for entry in self.entries_of(Target::Rule(base.rule.0), &entry, base.values) {
            self.entries.push(entry)?;
        }
        Ok(())
    }

    /// What a match of a rule or correlation is to each correlation that refers to it.
    fn entries_of(
        &mut self,
        target: Target,
        from: &Entry,
        values: &[Option<GroupValue>],
    ) -> Vec<Entry> {
        let all = self.all;
        let referring = self.referring.entry(target).or_insert_with(|| all.referring(target));
        let mut entries = Vec::with_capacity(referring.len());
        for (correlation, member) in referring.iter().copied() {
            let Some(rule) = all.rules.get(correlation as usize) else { continue };
            let mut path = from.path;
            if matches!(target, Target::Correlation(_)) {
                path.rotate_right(1);
            }
            path[0] = member;
            let plan = self.plans.entry((correlation, path));
            let plan = plan.or_insert_with(|| all.plan(rule, &path));
            let key = plan.as_ref().and_then(|plan| plan.key(&rule.kind, values));
            let Some((group, value)) = key else { continue };
            let step = if matches!(rule.kind, Kind::Ordered) { member } else { 0 };
            entries.push(Entry { correlation, group, step, path, value, ..*from });
        }
        entries
    }

    /// Judges everything. Events are told by correlation and host, in event time, each once.
    pub fn finish(
        mut self,
        values: &mut Values<'_>,
        tell: &mut dyn FnMut(Correlated) -> io::Result<()>,
    ) -> io::Result<()> {
        let entries = std::mem::replace(&mut self.entries, Sorter::new(&self.folder)).sorted()?;
        let mut entries = Peekable::new(entries)?;
        let mut inner: BTreeMap<u32, Sorter<Entry>> = BTreeMap::new();
        let mut group = Group::new(&self.folder);
        let all = self.all;
        for (number, rule) in (0..).zip(&all.rules) {
            let mut parts = Sorter::new(&self.folder);
            let silent = all.is_silent(all.index(Target::Correlation(number)));
            let fired = inner.remove(&number).unwrap_or_else(|| Sorter::new(&self.folder));
            let mut fired = Peekable::new(fired.sorted()?)?;
            while fill(&mut group, number, rule, [&mut entries, &mut fired])? {
                window::judge(rule, &group, &mut |told| match told {
                    Told::Fired(entry) => self.fire(number, &entry, values, &mut inner),
                    Told::Part(..) if silent => Ok(()),
                    Told::Part(entry, value) => parts.push(part(&entry, value)),
                })?;
            }
            self.tell(number, parts.sorted()?, tell)?;
        }
        Ok(())
    }

    /// Hands the event with which a correlation fires to those that refer to it.
    fn fire(
        &mut self,
        number: u32,
        entry: &Entry,
        values: &mut Values<'_>,
        inner: &mut BTreeMap<u32, Sorter<Entry>>,
    ) -> io::Result<()> {
        let target = Target::Correlation(number);
        let all = self.all;
        if self.referring.entry(target).or_insert_with(|| all.referring(target)).is_empty() {
            return Ok(());
        }
        for entry in self.entries_of(target, entry, &values(entry.payload)?) {
            let folder = &self.folder;
            let sorter = inner.entry(entry.correlation);
            sorter.or_insert_with(|| Sorter::with_runs_of(folder, INNER_RUN)).push(entry)?;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        number: u32,
        mut parts: Sorted<Part>,
        tell: &mut dyn FnMut(Correlated) -> io::Result<()>,
    ) -> io::Result<()> {
        let rule = self.all.index(Target::Correlation(number));
        let measure = self.all.rules.get(number as usize).map_or("", |rule| rule.kind.name());
        let mut last = None;
        while let Some(part) = parts.next()? {
            let event = (part.owner, part.time, part.event);
            if last.replace(event) == Some(event) {
                continue;
            }
            let plan = self.plans.get(&(number, part.path)).and_then(Option::as_ref);
            tell(Correlated {
                rule,
                owner: part.owner,
                time: Time::from_unix_nanos(part.time, part.digits),
                payload: part.payload,
                measure,
                measured: shown(part.value),
                group: plan.map(|plan| plan.shown.clone()).unwrap_or_default(),
            })?;
        }
        Ok(())
    }
}

fn part(entry: &Entry, value: i128) -> Part {
    Part {
        correlation: entry.correlation,
        owner: entry.owner,
        time: entry.time,
        event: entry.event,
        path: entry.path,
        value,
        digits: entry.digits,
        payload: entry.payload,
    }
}

/// A number in millionths as people write it.
fn shown(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / MICRO, value.abs() % MICRO);
    let digits = format!("{rest:06}");
    match digits.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{digits}"),
    }
}

/// Sorted entries of which the next can be seen.
struct Peekable {
    sorted: Sorted<Entry>,
    next: Option<Entry>,
}

impl Peekable {
    fn new(mut sorted: Sorted<Entry>) -> io::Result<Self> {
        let next = sorted.next()?;
        Ok(Self { sorted, next })
    }

    fn take(&mut self) -> io::Result<Option<Entry>> {
        let next = self.sorted.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Fills the group with the next one of a correlation; false if there is none.
fn fill(
    group: &mut Group,
    number: u32,
    rule: &Correlation,
    [one, other]: [&mut Peekable; 2],
) -> io::Result<bool> {
    group.clear()?;
    // An event that several of the rules match is still one event, except where the rules are what is counted.
    let by_rule = matches!(rule.kind, Kind::Rules(_) | Kind::Ordered);
    let mut last: Option<Entry> = None;
    loop {
        let is_here = |entry: &&Entry| {
            entry.correlation == number && last.is_none_or(|last| last.group == entry.group)
        };
        let nexts = [one.next.as_ref().filter(is_here), other.next.as_ref().filter(is_here)];
        let from = match nexts {
            [None, None] => return Ok(last.is_some()),
            [Some(a), Some(b)] if b < a => &mut *other,
            [Some(_), _] => &mut *one,
            [None, Some(_)] => &mut *other,
        };
        let Some(entry) = from.take()? else { return Ok(last.is_some()) };
        let seen = |last: Entry| (last.time, last.event) == (entry.time, entry.event);
        if by_rule || !last.is_some_and(seen) {
            group.push(entry)?;
        }
        last = Some(entry);
    }
}
