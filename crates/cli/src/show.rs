//! `assay show`: the evidence behind an id of a case.

use std::path::{Path, PathBuf};

use investigate::{FetchError, Fetched, ReadError, fetch};
use model::case::{Case, CaseEvent, Claim, CustodyItem, Finding, SCHEMA};

use crate::args::{LimitArgs, ShowArgs};
use crate::exit::{Exit, Failure};
use crate::plan::read_options;
use crate::run_record::RunRecord;
use crate::terminal;

pub(crate) fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let (case, folder) = open(&args.case)?;
    let id = args.id.to_uppercase();
    if let Some(event) = case.events.iter().find(|e| e.id == id) {
        return event_page(&case, event, args, &folder);
    }
    let text = if let Some(finding) = case.findings.iter().find(|f| f.id == id) {
        finding_page(&case, finding)
    } else if let Some(claim) = case.claims.iter().find(|c| c.id == id) {
        claim_page(&case, claim)
    } else if let Some(item) = case.custody.iter().find(|m| m.id == id) {
        item_page(&case, item)
    } else {
        return Err(Failure::usage(format!("the case has no id {id}")).help(ids(&case)));
    };
    terminal::out(&text)
}

/// The ids that there are.
fn ids(case: &Case) -> String {
    let counts = [
        ('E', case.events.len()),
        ('F', case.findings.len()),
        ('C', case.claims.len()),
        ('M', case.custody.len()),
    ];
    let there = counts.iter().filter(|(_, count)| *count > 0);
    let ranges: Vec<String> =
        there.map(|(kind, count)| format!("{kind}1 to {kind}{count}")).collect();
    format!("it has {}", ranges.join(", "))
}

fn open(path: &Path) -> Result<(Case, PathBuf), Failure> {
    let file = if path.is_dir() { path.join("case.json") } else { path.to_owned() };
    let bytes = fs_err::read(&file).map_err(|e| {
        Failure::new(Exit::Unusable, e).help("name a case folder that assay assess wrote")
    })?;
    let case: Case = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::unusable(format!("{} is no case of this program: {e}", file.display()))
            .help("name a case folder that assay assess wrote")
    })?;
    if case.schema != SCHEMA {
        return Err(Failure::unusable(format!(
            "{} is a case of schema {}; this program reads {SCHEMA}",
            file.display(),
            case.schema
        ))
        .help("read it with the version of assay that wrote it"));
    }
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    Ok((case, folder))
}

/// Lines `name  value`, everything inert.
struct Page(String);

impl Page {
    fn new(title: &str) -> Self {
        let mut page = Self(String::new());
        page.text(title);
        page
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&publish::inert_text(text));
        self.0.push('\n');
    }

    fn line(&mut self, name: &str, value: &str) {
        self.text(&format!("{name:<12}{value}"));
    }
}

fn event_page(
    case: &Case,
    event: &CaseEvent,
    args: &ShowArgs,
    folder: &Path,
) -> Result<Exit, Failure> {
    let item = case.custody.iter().find(|m| m.id == event.item);
    let mut page = Page::new(&format!("{}  {}", event.id, event.logsource));
    page.line("time", &event.time.map_or_else(|| "none".to_owned(), |t| t.to_string()));
    page.line("as recorded", &event.raw_time);
    page.line("time basis", &word(event.time_basis));
    page.line("host", event.host.as_deref().unwrap_or("not named"));
    if let Some(item) = item {
        page.line("file", &format!("{}  {}", item.id, item.path));
        page.line("file sha256", item.sha256.as_deref().unwrap_or("not known"));
    }
    page.line("place", &place(event));
    page.line("sha256", &event.sha256);
    for line in resting_on(case, &event.id) {
        page.line("carries", &line);
    }
    page.text("");
    let Some(item) = item else { return terminal::out(&page.0) };
    let record = found_again(event, item, args, folder)?;
    let same = investigate::sha256(&record.bytes) == event.sha256;
    if item.sha256.as_ref().is_some_and(|sha256| *sha256 != record.sha256) {
        page.line("check", "THE FILE HAS CHANGED since it was judged: its hash differs");
    }
    page.line("check", if same { SAME } else { CHANGED });
    page.text("");
    // The rendering is inert already, line by line; a second pass would escape its line ends.
    page.0.push_str(&record.text);
    terminal::out(&page.0)?;
    Ok(if same { Exit::Ran } else { Exit::Unusable })
}

const SAME: &str = "the record is the one that was judged: its hash is the same";
const CHANGED: &str = "THE RECORD HAS CHANGED since it was judged: its hash differs";

/// The record of an event, where its evidence lies now.
fn found_again(
    event: &CaseEvent,
    item: &CustodyItem,
    args: &ShowArgs,
    folder: &Path,
) -> Result<Fetched, Failure> {
    let inputs = if args.evidence.is_empty() { recorded(folder)? } else { args.evidence.clone() };
    let limits = LimitArgs { temp_dir: None, max_expand: None, threads: None, content: None };
    let options = read_options(&limits, args.password_file.as_deref())?;
    fetch(&inputs, &options, &item.path, item.sha256.as_deref(), event.locator).map_err(|error| {
        match error {
            FetchError::Read(ReadError::Interrupted) => {
                Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted"))
            }
            other => Failure::new(Exit::Unusable, other)
                .help("say where the evidence lies now with --evidence PATH"),
        }
    })
}

fn recorded(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unknown = || {
        Failure::usage("this case does not say where its evidence lies")
            .help("say so with --evidence PATH")
    };
    let bytes = fs_err::read(folder.join("run.json")).map_err(|_| unknown())?;
    let run: RunRecord = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
    Ok(run.evidence.into_iter().map(PathBuf::from).collect())
}

fn place(event: &CaseEvent) -> String {
    let mut parts = Vec::new();
    if let Some(record) = event.locator.record {
        parts.push(format!("record {record}"));
    }
    if let Some(offset) = event.locator.offset {
        parts.push(format!("byte {offset} (0x{offset:x})"));
    }
    if let Some(length) = event.locator.length {
        parts.push(format!("{length} bytes"));
    }
    if parts.is_empty() { "the whole file".to_owned() } else { parts.join(", ") }
}

/// Findings and claims that name an id.
fn resting_on(case: &Case, id: &str) -> Vec<String> {
    let has = |ids: &[String]| ids.iter().any(|i| i == id);
    let findings = case
        .findings
        .iter()
        .filter(|f| has(&f.events))
        .map(|f| (f.id.clone(), f.rule.title.clone()));
    let named: Vec<(String, String)> = findings.collect();
    let claims = case.claims.iter().filter(|c| {
        has(&c.supporting)
            || has(&c.contradicting)
            || c.supporting.iter().any(|s| named.iter().any(|(f, _)| f == s))
    });
    let claims = claims.map(|c| (c.id.clone(), c.text.clone()));
    let all: Vec<_> = named.iter().cloned().chain(claims).collect();
    all.into_iter().map(|(id, text)| format!("{id}  {text}")).collect()
}

fn finding_page(case: &Case, finding: &Finding) -> String {
    let mut page = Page::new(&format!("{}  {}", finding.id, finding.rule.title));
    page.line("level", &word(finding.level));
    page.line("rule", &format!("{} version {}", finding.rule.id, finding.rule.version));
    page.line("from", &finding.rule.source);
    page.line("author", &finding.rule.author.join(", "));
    page.line("licence", &finding.rule.license);
    page.line("ATT&CK", &finding.attack.join(", "));
    page.line("stage", &finding.stage);
    let kept = finding.events.len();
    let records = match finding.event_count {
        all if all > kept as u64 => format!("first {kept} of {all} are kept in the case"),
        all => all.to_string(),
    };
    page.line("records", &records);
    for field in &finding.matched {
        let value =
            field.value.clone().or_else(|| field.value_b64.as_ref().map(|b| format!("base64 {b}")));
        page.line("matched", &format!("{} = {}", field.field, value.unwrap_or_default()));
    }
    for line in resting_on(case, &finding.id) {
        page.line("carries", &line);
    }
    for id in &finding.events {
        event_line(case, id, &mut page);
    }
    page.0
}

fn claim_page(case: &Case, claim: &Claim) -> String {
    let mut page = Page::new(&format!("{}  {}", claim.id, claim.text));
    page.line("question", &word(claim.question));
    page.line("statement", &claim.statement);
    page.line("confidence", &word(claim.confidence));
    for (name, ids) in [("for", &claim.supporting), ("against", &claim.contradicting)] {
        for id in ids {
            match case.findings.iter().find(|f| f.id == *id) {
                Some(finding) => page.line(name, &format!("{id}  {}", finding.rule.title)),
                None => event_line(case, id, &mut page),
            }
        }
    }
    page.0
}

fn event_line(case: &Case, id: &str, page: &mut Page) {
    let Some(event) = case.events.iter().find(|e| e.id == id) else { return };
    let time = event.time.map(|t| t.to_string()).unwrap_or_default();
    let summary =
        event.summary.clone().or_else(|| event.summary_b64.as_ref().map(|b| format!("base64 {b}")));
    page.line(id, &format!("{time}  {}  {}", event.logsource, summary.unwrap_or_default()));
}

fn item_page(case: &Case, item: &CustodyItem) -> String {
    let mut page = Page::new(&format!("{}  {}", item.id, item.path));
    page.line("kind", &item.kind);
    page.line("read", &word(item.read));
    page.line("bytes", &item.size.map_or_else(|| "not known".to_owned(), |s| s.to_string()));
    page.line("sha256", item.sha256.as_deref().unwrap_or("not known"));
    for issue in &item.issues {
        page.line("issue", &format!("{} ({}): {}", issue.code, issue.count, issue.effect));
    }
    for event in case.events.iter().filter(|e| e.item == item.id) {
        event_line(case, &event.id, &mut page);
    }
    page.0
}

/// The word that the contract has for a value.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
