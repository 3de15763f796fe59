//! What the targets share: heads that let a mutation reach the rows, and the doors themselves.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use assay_detect::{Both, SourceFile};
use assay_evidence::fuzzing::read_bytes;
use assay_evidence::{ItemHead, Limits, Options, Progress, Sink};
use assay_model::{Event, Fields, Integrity, ItemId, Locator, Loss, RootId, TimeBasis, Value};

pub const IIS_HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status\n";
pub const HTTPPROXY_HEAD: &str = "#Software: Microsoft Exchange Server\n#Version: 15.01.2106.002\n#Log-type: HttpProxy Logs\n#Date: 2021-03-01T00:00:00.000Z\n#Fields: DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,Protocol,UrlHost,UrlStem,AnchorMailbox,UserAgent,ClientIpAddress,ServerHostName,HttpStatus\n";
pub const ECP_HEAD: &str = "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: ECP Server Log\n#Date: 2021-03-01T00:00:00.000Z\n#Fields: TimeStamp,ServerName,EventId,EventData\n";
pub const TEST_PROXYLOGON_HEAD: &str = "\"DateTime\",\"RequestId\",\"ClientIpAddress\",\"UrlHost\",\"UrlStem\",\"AnchorMailbox\",\"HttpStatus\"\n";
pub const SETUP_HEAD: &str = "[03/13/2021 05:01:28.0382] [0] **********************************************\n[03/13/2021 05:01:29.0411] [0] Starting Microsoft Exchange Server 2016 Setup\n";

/// One file under its name.
pub fn file(logical: &str, data: &[u8]) {
    read_bytes(logical, data);
}

/// Rows behind a sound head.
pub fn headed(logical: &str, head: &str, data: &[u8]) {
    read_bytes(logical, &[head.as_bytes(), data].concat());
}

/// An event log: a head, then chunks; a short input is put into a chunk of zeros so that records are reached.
pub fn evtx(data: &[u8]) {
    read_bytes("Security.evtx", data);
    let mut log = vec![0; 4_096 + 65_536];
    log[..8].copy_from_slice(b"ElfFile\0");
    log[4_096..4_104].copy_from_slice(b"ElfChnk\0");
    let room = data.len().min(65_536 - 8);
    log[4_104..4_104 + room].copy_from_slice(&data[..room]);
    read_bytes("Security.evtx", &log);
}

/// The first byte chooses the name.
pub fn any(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let names = ["a.log", "b.csv", "c.json", "C/inetpub/wwwroot/d.config", "e.compiled", "f"];
    read_bytes(names[usize::from(*first) % names.len()], rest);
}

struct Nothing;

impl Sink for Nothing {
    type Batch = ();

    fn start(&self, _item: &ItemHead) {}
    fn event(&self, (): &mut (), _event: &Event<'_>) {}
    fn lost(&self, (): &mut (), _loss: &Loss) {}
    fn end(&self, _item: &ItemHead, (): ()) {}
}

/// A container as a file that was handed in.
pub fn archive(data: &[u8]) {
    let Ok(mut file) = tempfile::Builder::new().suffix(".bin").tempfile() else { return };
    if file.write_all(data).is_err() {
        return;
    }
    let limits = Limits { max_expand: 32 << 20, max_spool: 32 << 20, ..Limits::default() };
    let options = Options {
        limits,
        threads: 1,
        passwords: vec!["x".to_owned()],
        zone: None,
        temp_dir: std::env::temp_dir(),
        exclude: Vec::<PathBuf>::new(),
        cancel: Arc::default(),
        progress: Arc::new(Progress::default()),
    };
    let _ = assay_evidence::read(&[file.path().to_owned()], &options, &Nothing);
}

/// Both evaluators with the mapping of our content, which is read once.
static BOTH: LazyLock<Both> =
    LazyLock::new(|| Both::new(&content()).expect("the content that is checked in"));

/// A rule file, run on one event.
pub fn sigma_rule(data: &[u8]) {
    agree(data, &event("windows-event,Security,,4624\nA=sx\nA=i1\nB=n"));
}

/// A rule file, a line of `====`, and an event ([`event`]).
pub fn sigma_eval(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((rule, event_text)) = text.split_once("\n====\n") else { return };
    agree(rule.as_bytes(), &event(event_text));
}

/// Loads a rule file in both evaluators, which must say the same of an event.
fn agree(rule: &[u8], event: &Event<'_>) {
    let rule = SourceFile { name: "rule.yml".to_owned(), bytes: rule.to_vec() };
    let (engine, plain) = BOTH.fired(&[rule], event);
    assert_eq!(engine, plain, "the engine, and the plain evaluator, on\n{:?}", event.fields.0);
}

/// An event: a line `family,channel,provider,event id`, then a line `name=kvalue` for each field, where `k` is its kind.
fn event(text: &str) -> Event<'_> {
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let mut parts = head.splitn(4, ',');
    let mut part = || parts.next().unwrap_or_default();
    let named = part();
    let families = ["windows-event", "iis-w3c", "exchange-log", "web-file"];
    let family = families.into_iter().find(|family| *family == named).unwrap_or("windows-event");
    let (channel, provider) = (part().into(), part().into());
    let event_id = part().parse().ok();
    let mut fields = Fields::default();
    for (name, rest) in body.lines().filter_map(|line| line.split_once('=')) {
        fields.push(name, value(rest));
    }
    if family == "windows-event" {
        // As the readers give it: the head behind the body.
        fields.push("EventID", event_id.map_or(Value::Null, |id: u32| Value::UInt(id.into())));
    }
    Event {
        family,
        root: RootId(0),
        item: ItemId(0),
        locator: Locator::default(),
        integrity: Integrity::Whole,
        time: None,
        time_basis: TimeBasis::Assumed,
        raw_time: "".into(),
        second_time: None,
        host: None,
        channel,
        provider,
        event_id,
        fields,
        raw: &[],
    }
}

fn value(text: &str) -> Value<'_> {
    let text_value = Value::from(text.get(1..).unwrap_or_default());
    let rest = text.get(1..).unwrap_or_default();
    match text.chars().next() {
        Some('n') => Value::Null,
        Some('b') => Value::Bool(rest == "true"),
        Some('i') => rest.parse().map_or(text_value, Value::Int),
        Some('u') => rest.parse().map_or(text_value, Value::UInt),
        Some('f') => rest.parse().map_or(text_value, Value::Float),
        _ => text_value,
    }
}

fn content() -> Vec<SourceFile> {
    let name = "logsources/sigma.yaml";
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../content")).join(name);
    let bytes = std::fs::read(path).expect("the content that is checked in");
    vec![SourceFile { name: name.to_owned(), bytes }]
}
