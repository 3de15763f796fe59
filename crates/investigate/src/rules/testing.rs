//! Whether rules do what the samples beside them say: lines of JSON, evidence, or SigmaHQ's regression data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use detect::explain::Explanation;
use detect::{
    Detector, Explainer, ExplainerMemory, LoadReport, Outcome as Examined, Regression, RuleIndex,
    Scratch,
};
use detect::{SourceFile, regressions, sample};
use evidence::{ItemHead, Options, Sink};
use model::case::{Engine, MatchedField};
use model::{Event, Loss};

use super::RuleSet;
use super::explain::{Watch, explainer};
use crate::{Content, Error};

/// What samples are called behind the name of their rule.
const LINES: &str = "jsonl";
const EVIDENCE: [&str; 3] = ["evtx", "json", "log"];

/// What came of all tests.
pub struct Tests {
    /// The rules with their samples, in the order of loading.
    pub rules: Vec<Tested>,
    /// What loading made of the rules.
    pub report: LoadReport,
    /// Samples of rules that are not among those that were loaded.
    pub without_rule: Vec<String>,
}

/// A rule that was tested.
pub struct Tested {
    /// Its title.
    pub title: String,
    /// Its id.
    pub id: String,
    /// Its file.
    pub file: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of the tests of a rule.
pub enum Outcome {
    /// Every sample says what it should; how many must hit, and must not.
    Passed(u64, u64),
    /// Some do not.
    Failed(Vec<Failure>),
    /// There are none.
    WithoutSamples,
}

/// A sample on which a rule does not do what it should.
pub struct Failure {
    /// File of the sample, with the line where it has several.
    pub sample: String,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a sample.
pub enum Why {
    /// The rule should fire and does not; why, if the event is of its log source.
    Silent(Option<Explanation>),
    /// It should not fire and does.
    Fires(Vec<MatchedField>),
    /// It fires on another number of records than is stated.
    Count {
        /// Records on which it fires.
        found: u64,
        /// What is stated.
        stated: u64,
    },
    /// The sample cannot be read.
    Unreadable(String),
}

/// A sample: the rule that it is for, and what it must show.
struct Sample {
    rule: Named,
    name: String,
    content: SampleContent,
    wanted: Wanted,
}

/// How a sample names its rule.
enum Named {
    /// The rules of a file.
    File(String),
    /// The rule of an id.
    Id(String),
}

enum SampleContent {
    Lines(Vec<u8>),
    Evidence(PathBuf),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Hit,
    Miss,
    Count(u64),
}

/// Runs the samples beside the rules of some folders and files; those of the content if none is named.
pub fn test(content: &Content, paths: &[PathBuf], read: &Options) -> Result<Tests, Error> {
    let (rules, samples) = if paths.is_empty() {
        (Vec::new(), of_content(content))
    } else {
        let mut collected = Collected::default();
        for path in paths {
            collected.collect(path)?;
        }
        collected.finish()
    };
    let set = RuleSet { content, rules: &rules, tuning: &[] };
    let (detector, report) = set.detector()?;
    let bench = Bench { set, detector: &detector, read, own: paths.is_empty() };
    let mut by_rule: BTreeMap<RuleIndex, Vec<&Sample>> = BTreeMap::new();
    let mut without_rule = Vec::new();
    for sample in &samples {
        let of: Vec<RuleIndex> = bench.rules().filter(|rule| bench.is_of(sample, *rule)).collect();
        if of.is_empty() {
            without_rule.push(sample.name.clone());
        }
        for rule in of {
            by_rule.entry(rule).or_default().push(sample);
        }
    }
    let mut tested = Vec::new();
    for rule in bench.rules() {
        let samples = by_rule.remove(&rule).unwrap_or_default();
        tested.extend(bench.tested(rule, &samples)?);
    }
    Ok(Tests { rules: tested, report, without_rule })
}

/// The samples that lie beside the rules of the content.
fn of_content(content: &Content) -> Vec<Sample> {
    content
        .samples()
        .iter()
        .filter_map(|file| {
            beside(&file.name, &file.name, || SampleContent::Lines(file.bytes.clone()))
        })
        .collect()
}

/// The sample that a file is, by its name: `<rule>.hit.jsonl` and the like.
fn beside(name: &str, shown: &str, content: impl FnOnce() -> SampleContent) -> Option<Sample> {
    let (rest, ending) = name.rsplit_once('.')?;
    let (stem, kind) = rest.rsplit_once('.')?;
    let wanted = match kind {
        "hit" => Wanted::Hit,
        "miss" => Wanted::Miss,
        _ => return None,
    };
    let known = ending == LINES || EVIDENCE.contains(&ending);
    known.then(|| Sample {
        rule: Named::File(stem.to_owned()),
        name: shown.to_owned(),
        content: content(),
        wanted,
    })
}

/// Rules and samples of folders.
#[derive(Default)]
struct Collected {
    rules: Vec<SourceFile>,
    samples: Vec<Sample>,
    /// What `info.yml` files state, with their paths.
    regressions: Vec<(PathBuf, Regression)>,
}

impl Collected {
    fn collect(&mut self, path: &Path) -> Result<(), Error> {
        if fs_err::metadata(path)?.is_dir() {
            return self.folder(path, path);
        }
        let root = path.parent().unwrap_or(Path::new(""));
        self.file(root, path)?;
        // The samples of a rule that is named alone lie beside it.
        let folder = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for entry in sorted(folder)? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_sample = name
                .strip_prefix(&stem)
                .is_some_and(|rest| rest.starts_with(".hit.") || rest.starts_with(".miss."));
            if is_sample && entry.is_file() {
                self.file(folder, &entry)?;
            }
        }
        Ok(())
    }

    fn folder(&mut self, root: &Path, folder: &Path) -> Result<(), Error> {
        for entry in sorted(folder)? {
            let kind = fs_err::symlink_metadata(&entry)?;
            if kind.is_dir() {
                self.folder(root, &entry)?;
            } else if kind.is_file() {
                self.file(root, &entry)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, root: &Path, path: &Path) -> Result<(), Error> {
        let below = path.strip_prefix(root).unwrap_or(path);
        let name = below.to_string_lossy().replace('\\', "/");
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if matches!(ending.as_str(), "yml" | "yaml") {
            let bytes = fs_err::read(path)?;
            for regression in regressions(&bytes) {
                self.regressions.push((path.to_owned(), regression));
            }
            self.rules.push(SourceFile { name, bytes });
        } else if ending == LINES {
            let bytes = fs_err::read(path)?;
            self.samples.extend(beside(&name, &name, || SampleContent::Lines(bytes)));
        } else {
            let evidence = || SampleContent::Evidence(path.to_owned());
            self.samples.extend(beside(&name, &name, evidence));
        }
        Ok(())
    }

    fn finish(mut self) -> (Vec<SourceFile>, Vec<Sample>) {
        for (info, regression) in std::mem::take(&mut self.regressions) {
            // Only the file beside `info.yml`: a stated path may lead anywhere.
            let name = regression.path.rsplit(['/', '\\']).next().unwrap_or_default();
            let path = info.with_file_name(name);
            for id in regression.rules {
                self.samples.push(Sample {
                    rule: Named::Id(id),
                    name: path.display().to_string(),
                    content: SampleContent::Evidence(path.clone()),
                    wanted: regression.matches.map_or(Wanted::Hit, Wanted::Count),
                });
            }
        }
        (self.rules, self.samples)
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The rules under test.
struct Bench<'b> {
    set: RuleSet<'b>,
    detector: &'b Detector,
    read: &'b Options,
    own: bool,
}

impl Bench<'_> {
    fn rules(&self) -> impl Iterator<Item = RuleIndex> + '_ {
        let rules = self.detector.rules().iter().zip((0..).map(RuleIndex));
        rules
            .filter(|(meta, _)| meta.rule.engine == Engine::Sigma && meta.own == self.own)
            .map(|(_, rule)| rule)
    }

    fn is_of(&self, sample: &Sample, rule: RuleIndex) -> bool {
        self.detector.rules().get(rule.0 as usize).is_some_and(|meta| match &sample.rule {
            Named::Id(id) => id.eq_ignore_ascii_case(&meta.rule.id),
            Named::File(stem) => {
                let source = Path::new(&meta.rule.source).with_extension("");
                source.to_string_lossy().replace('\\', "/") == *stem
            }
        })
    }

    fn tested(&self, rule: RuleIndex, samples: &[&Sample]) -> Result<Option<Tested>, Error> {
        let Some(meta) = self.detector.rules().get(rule.0 as usize) else { return Ok(None) };
        let explainer = if samples.is_empty() { None } else { explainer(&self.set, meta)? };
        let (mut failures, mut hits, mut misses) = (Vec::new(), 0, 0);
        for sample in samples {
            let one = RuleTest { bench: self, rule, explainer: explainer.as_ref() };
            let count = match &sample.content {
                SampleContent::Lines(bytes) => one.lines(sample, bytes, &mut failures),
                SampleContent::Evidence(path) => one.evidence(sample, path, &mut failures)?,
            };
            if sample.wanted == Wanted::Miss { misses += count } else { hits += count }
        }
        let outcome = match (samples.is_empty(), failures.is_empty()) {
            (true, _) => Outcome::WithoutSamples,
            (_, true) => Outcome::Passed(hits, misses),
            _ => Outcome::Failed(failures),
        };
        Ok(Some(Tested {
            title: meta.rule.title.clone(),
            id: meta.rule.id.clone(),
            file: meta.rule.source.clone(),
            outcome,
        }))
    }
}

/// One rule on its samples.
struct RuleTest<'t> {
    bench: &'t Bench<'t>,
    rule: RuleIndex,
    explainer: Option<&'t Explainer>,
}

impl RuleTest<'_> {
    /// Every line must hit, or none; gives their number.
    fn lines(&self, sample: &Sample, bytes: &[u8], failures: &mut Vec<Failure>) -> u64 {
        let (mut scratch, mut examined) = (Scratch::default(), Examined::default());
        let mut memory = ExplainerMemory::default();
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let mut count = 0;
        for (number, line) in lines {
            count += 1;
            let mut fail = |why| {
                failures.push(Failure { sample: format!("{}:{}", sample.name, number + 1), why });
            };
            let event = match sample::parse(line) {
                Ok(event) => event,
                Err(reason) => {
                    fail(Why::Unreadable(reason));
                    continue;
                }
            };
            self.bench.detector.examine(&event, &mut scratch, &mut examined);
            let hit = examined.hits.iter().find(|hit| hit.rule == self.rule);
            match (hit, sample.wanted) {
                (Some(hit), Wanted::Miss) => fail(Why::Fires(hit.matched.clone())),
                (None, Wanted::Hit | Wanted::Count(_)) => {
                    let explain = |e: &Explainer| e.explain(&event, 0, &mut memory);
                    fail(Why::Silent(self.explainer.and_then(explain).and_then(|(_, why)| why)));
                }
                _ => {}
            }
        }
        count
    }

    /// The file as a whole must hold a hit, or none, or as many as stated.
    fn evidence(
        &self,
        sample: &Sample,
        path: &Path,
        failures: &mut Vec<Failure>,
    ) -> Result<u64, Error> {
        let counter = Counter::new(self.bench.detector, self.rule);
        let inputs = [path.to_owned()];
        let mut fail = |why| failures.push(Failure { sample: sample.name.clone(), why });
        if !path.is_file() {
            fail(Why::Unreadable("the file is not there".to_owned()));
            return Ok(1);
        }
        evidence::read(&inputs, self.bench.read, &counter)?;
        let events = counter.events.load(Ordering::Relaxed);
        let (found, matched) = counter.found();
        match sample.wanted {
            _ if events == 0 => {
                fail(Why::Unreadable("no event could be read in it".to_owned()));
            }
            Wanted::Miss if found > 0 => fail(Why::Fires(matched)),
            Wanted::Count(stated) if found > 0 && stated != found => {
                fail(Why::Count { found, stated });
            }
            Wanted::Hit | Wanted::Count(1..) if found == 0 => {
                fail(Why::Silent(self.nearest(&inputs)?));
            }
            _ => {}
        }
        Ok(1)
    }

    fn nearest(&self, inputs: &[PathBuf]) -> Result<Option<Explanation>, Error> {
        let Some(explainer) = self.explainer else { return Ok(None) };
        let watch = Watch::new(explainer, None);
        evidence::read(inputs, self.bench.read, &watch)?;
        Ok(watch.into_seen().into_explanation())
    }
}

/// Counts the hits of one rule.
struct Counter<'d> {
    detector: &'d Detector,
    rule: RuleIndex,
    events: AtomicU64,
    found: Mutex<(u64, Vec<MatchedField>)>,
}

impl<'d> Counter<'d> {
    fn new(detector: &'d Detector, rule: RuleIndex) -> Self {
        Self { detector, rule, events: AtomicU64::new(0), found: Mutex::default() }
    }

    fn found(self) -> (u64, Vec<MatchedField>) {
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Counter<'_> {
    type Batch = (Scratch, Examined);

    fn start(&self, _: &ItemHead) -> Self::Batch {
        Self::Batch::default()
    }

    fn event(&self, (scratch, examined): &mut Self::Batch, event: &Event<'_>) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.detector.examine(event, scratch, examined);
        if let Some(hit) = examined.hits.iter().find(|hit| hit.rule == self.rule) {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.0 += 1;
            if found.1.is_empty() || hit.matched < found.1 {
                found.1.clone_from(&hit.matched);
            }
        }
    }

    fn lost(&self, _: &mut Self::Batch, _: &Loss) {}

    fn end(&self, _: &ItemHead, _: Self::Batch) {}
}
