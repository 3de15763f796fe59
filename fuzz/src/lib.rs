//! What the targets share: heads that let a mutation reach the rows, and the doors themselves.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use assay_detect::{Detector, SourceFile};
use assay_evidence::fuzzing::read_bytes;
use assay_evidence::{ItemHead, Limits, Options, Progress, Sink};
use assay_model::{Event, Loss};

pub const IIS_HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status\n";
pub const HTTPPROXY_HEAD: &str = "#Software: Microsoft Exchange Server\n#Version: 15.01.2106.002\n#Log-type: HttpProxy Logs\n#Date: 2021-03-01T00:00:00.000Z\n#Fields: DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,Protocol,UrlHost,UrlStem,AnchorMailbox,UserAgent,ClientIpAddress,ServerHostName,HttpStatus\n";
pub const ECP_HEAD: &str = "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: ECP Server Log\n#Date: 2021-03-01T00:00:00.000Z\n#Fields: TimeStamp,ServerName,EventId,EventData\n";
pub const TEST_PROXYLOGON_HEAD: &str =
    "\"DateTime\",\"RequestId\",\"ClientIpAddress\",\"UrlHost\",\"UrlStem\",\"AnchorMailbox\",\"HttpStatus\"\n";
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

/// A rule file, beside our own content.
pub fn sigma_rule(data: &[u8]) {
    static CONTENT: std::sync::LazyLock<Vec<SourceFile>> = std::sync::LazyLock::new(content);
    let rule = SourceFile { name: "rule.yml".to_owned(), bytes: data.to_vec() };
    let _ = Detector::build(&CONTENT, &[rule]);
}

fn content() -> Vec<SourceFile> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../content"));
    ["logsources/sources.yaml", "logsources/sigma.yaml"]
        .iter()
        .filter_map(|name| {
            Some(SourceFile { name: (*name).to_owned(), bytes: std::fs::read(root.join(name)).ok()? })
        })
        .collect()
}
