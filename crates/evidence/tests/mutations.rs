//! A thousand damaged copies of a small file of each format: nothing ends a run, and what a format promises
//! to account for is accounted for.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "a test fails by panicking, says loudly what it did not run, and may be plain rather than fast"
)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use assay_evidence::fuzzing::{Tally, read_bytes};

/// Small numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(1 + length / 4);
        start..start + self.below(most + 1)
    }
}

/// One to four wounds: a bit flipped, bytes cut out, zeroed, repeated in their place, or the end cut off.
fn mutate(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let range = dice.range(bytes.len());
        match dice.below(6) {
            0 | 1 => {
                let at = dice.below(bytes.len());
                let bit = 1_u8 << dice.below(8);
                bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= bit);
            }
            2 => drop(bytes.drain(range)),
            3 => bytes[range].fill(0),
            4 => {
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
            _ => bytes.truncate(range.end),
        }
    }
    bytes
}

/// A format, a small file of it, and what must hold for any damaged copy of that file.
struct Seed {
    kind: &'static str,
    logical: &'static str,
    bytes: Vec<u8>,
    promise: fn(&Self, &[u8], &Tally) -> bool,
}

fn nothing(_: &Seed, _: &[u8], _: &Tally) -> bool {
    true
}

/// Each row that says something is an event or counted as lost.
fn every_row(_: &Seed, bytes: &[u8], tally: &Tally) -> bool {
    if looks_like_utf16(bytes) {
        return true;
    }
    let unmarked = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let rows = unmarked.split(|b| matches!(b, b'\n' | 0)).filter(|line| is_row(line)).count();
    tally.events + tally.lost == rows as u64
}

const MARK: &[u8] = b"\xEF\xBB\xBF";

fn is_row(line: &[u8]) -> bool {
    let blank = line.iter().all(u8::is_ascii_whitespace);
    let names =
        ["DateTime,", "TimeStamp,", "date-time,", "DateTime\"", "TimeStamp\"", "date-time\""];
    let bare = line.strip_prefix(MARK).unwrap_or(line);
    let unquoted = String::from_utf8_lossy(bare.strip_prefix(b"\"").unwrap_or(bare)).to_lowercase();
    let header =
        bare.starts_with(b"#") || names.iter().any(|n| unquoted.starts_with(&n.to_lowercase()));
    !blank && !header
}

/// Zeroed bytes can make a text look like UTF-16, in which rows cannot be counted byte by byte.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().take(4 << 10).filter(|b| **b == 0).count();
    zeros * 4 > bytes.len().min(4 << 10) || matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// Each line that was left whole is an event, whatever stands around it.
fn every_whole_line(seed: &Seed, bytes: &[u8], tally: &Tally) -> bool {
    let whole: Vec<&[u8]> = seed.bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    let left = bytes.split(|b| *b == b'\n').filter(|line| whole.contains(line)).count();
    looks_like_utf16(bytes) || tally.events >= left as u64
}

/// A script is one record, whatever it holds.
fn exactly_one(_: &Seed, _: &[u8], tally: &Tally) -> bool {
    (tally.events, tally.lost) == (1, 0)
}

/// Something that is there is told of.
fn something(_: &Seed, bytes: &[u8], tally: &Tally) -> bool {
    let rows = bytes.split(|b| *b == b'\n').skip(1).any(is_row);
    !rows || tally.events + tally.lost + tally.holes + tally.issues > 0
}

fn iis() -> String {
    let row = |n: usize| {
        format!(
            "2021-03-07 04:02:{n:02} 192.0.2.10 GET /owa/{n} q={n} 443 - 192.0.2.{n} Agent/1.0 - 200 0 0 15\r\n"
        )
    };
    let head = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n\
                #Date: 2021-03-07 04:02:00\r\n";
    let names = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                 cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";
    let rows: String = (10..20).map(row).collect();
    format!("{head}{names}{rows}{head}{names}{rows}")
}

fn http_proxy() -> String {
    let rows: String = (10..30)
        .map(|n| format!("2021-03-04T11:22:{n}.123Z,r{n},15,Owa,mail.example,/owa/{n},,\"Agent, {n}\",SRV1,200\r\n"))
        .collect();
    format!(
        "#Software: Microsoft Exchange Server\r\n#Version: 15.01.2106.002\r\n#Log-type: HttpProxy Logs\r\n\
         #Date: 2021-03-04T11:00:00.130Z\r\n#Fields: DateTime,RequestId,MajorVersion,Protocol,UrlHost,UrlStem,\
         AnchorMailbox,UserAgent,ServerHostName,HttpStatus\r\n{rows}"
    )
}

fn ecp_server() -> String {
    let rows: String = (10..30)
        .map(|n| format!("2021-03-04T11:22:{n}.123Z,SRV1,ECP.Request,S:TIME={n};S:SID=1;'S:CMD=Get-Thing.Name=''x, y''';S:BLD=15.1.1\r\n"))
        .collect();
    format!(
        "#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n#Log-type: ECP Server Log\r\n\
         #Date: 2021-03-04T11:00:00.130Z\r\n#Fields: TimeStamp,ServerName,EventId,EventData\r\n{rows}"
    )
}

fn test_proxylogon() -> String {
    let rows: String = (10..30)
        .map(|n| format!("\"2021-03-04T11:22:{n}.123Z\",\"r{n}\",\"192.0.2.7\",\"mail.example\",\"/owa/{n}\",\"A~b\nc\",\"200\"\r\n"))
        .collect();
    format!(
        "\"DateTime\",\"RequestId\",\"ClientIpAddress\",\"UrlHost\",\"UrlStem\",\"AnchorMailbox\",\"HttpStatus\"\r\n{rows}"
    )
}

fn setup() -> String {
    let texts = [
        "**********************************************",
        "Starting Microsoft Exchange Server 2016 Setup",
        "Local time zone: (UTC-06:00) Central Time (US & Canada).",
        "Setup version: 15.1.2176.2.",
        "Command Line Parameter Name='mode', Value='Upgrade'.",
        "[ERROR] Something failed",
        "The Exchange Server setup operation completed successfully.",
        "End of Setup",
    ];
    let run: String =
        texts.iter().map(|text| format!("[01/08/2021 23:17:50.0856] [0] {text}\r\n")).collect();
    run.repeat(3)
}

fn json_lines() -> String {
    let flat = |n: usize| {
        format!(
            "{{\"SourceName\":\"P\",\"Channel\":\"Security\",\"Hostname\":\"H\",\"TimeCreated\":\
             \"2021-03-14T01:40:{n}.5Z\",\"EventID\":{n},\"Message\":\"a \\\"quoted\\\" m\",\"X\":[1,{{\"y\":null}}]}}\n"
        )
    };
    (10..30).map(flat).collect()
}

fn json_array() -> String {
    let nested = |n: usize| {
        format!(
            "  {{\n    \"Event\": {{\n      \"System\": {{\"Provider\": {{\"#attributes\": {{\"Name\": \"P\"}}}}, \"EventID\": {n},\n        \
             \"TimeCreated\": {{\"#attributes\": {{\"SystemTime\": \"2021-03-14T01:40:{n}.5Z\"}}}},\n        \
             \"Channel\": \"Security\", \"Computer\": \"H\"}},\n      \"EventData\": {{\"Image\": \"C:\\\\a.exe\"}}\n    }}\n  }}"
        )
    };
    let events: Vec<String> = (10..20).map(nested).collect();
    format!("[\n{}\n]\n", events.join(",\n"))
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn page() -> String {
    "<%@ Page Language=\"C#\" %>\r\n<html><body><%= DateTime.Now %></body></html>\r\n".repeat(20)
}

fn seeds() -> Vec<Seed> {
    let mut seeds = vec![
        seed("iis-w3c", "u_ex210307.log", iis(), every_row),
        seed("exchange-httpproxy", "HttpProxy_2021030411-1.LOG", http_proxy(), every_row),
        seed("exchange-ecp-server", "ECPServer20210304-1.LOG", ecp_server(), every_row),
        seed("test-proxylogon", "SRV1-Cve-2021-26855.csv", test_proxylogon(), something),
        seed("exchange-setup", "ExchangeSetup.log", setup(), nothing),
        seed("json-events", "lines.json", json_lines(), every_whole_line),
        seed("json-events", "array.json", json_array(), something),
        seed("web-file", "C/inetpub/wwwroot/page.aspx", page(), exactly_one),
        seed("iis-w3c", "u_ex210308.log", utf16(&iis()), nothing),
        seed("json-events", "wide.json", utf16(&json_lines()), nothing),
    ];
    if let Some(bytes) = event_log() {
        seeds.push(seed("evtx", "Security.evtx", bytes, nothing));
    }
    seeds
}

fn seed(
    kind: &'static str,
    logical: &'static str,
    bytes: impl Into<Vec<u8>>,
    promise: fn(&Seed, &[u8], &Tally) -> bool,
) -> Seed {
    Seed { kind, logical, bytes: bytes.into(), promise }
}

/// The smallest event log of the corpus: nothing in the checkout can make one.
fn event_log() -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "a test is told by the environment where it is")]
    let corpus = std::env::var("ASSAY_CORPUS").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus")),
        PathBuf::from,
    );
    let Ok(files) = fs_err::read_dir(corpus.join("evtx")) else {
        println!("NOT RUN: no event logs in {} (set ASSAY_CORPUS)", corpus.display());
        return None;
    };
    let mut logs: Vec<PathBuf> = files.filter_map(|f| Some(f.ok()?.path())).collect();
    logs.retain(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("evtx")));
    logs.sort();
    let smallest =
        logs.into_iter().min_by_key(|p| fs_err::metadata(p).map_or(u64::MAX, |m| m.len()));
    smallest.and_then(|path| fs_err::read(path).ok())
}

/// `ASSAY_MUTANTS` sets how many of each format.
#[test]
fn a_thousand_mutants_of_each_format_end_no_run_and_lose_nothing_silently() {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    let wanted = std::env::var("ASSAY_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let mut dice = Dice(0x2021_0302_ca11_ab1e);
    for seed in seeds() {
        let whole = read_bytes(seed.logical, &seed.bytes).unwrap();
        assert_eq!((whole.kind, whole.lost), (seed.kind, 0), "{}", seed.logical);
        assert!(whole.events > 0 && (seed.promise)(&seed, &seed.bytes, &whole), "{whole:?}");
        let mut kinds = BTreeMap::<&str, usize>::new();
        for n in 0..wanted {
            let bytes = mutate(&seed.bytes, &mut dice);
            let tally = read_bytes(seed.logical, &bytes);
            *kinds.entry(tally.as_ref().map_or("unknown", |tally| tally.kind)).or_default() += 1;
            let Some(tally) = tally.filter(|tally| tally.kind == seed.kind) else { continue };
            assert!(
                (seed.promise)(&seed, &bytes, &tally),
                "{} {n}: {tally:?}\n{}",
                seed.logical,
                String::from_utf8_lossy(&bytes)
            );
        }
        println!("{}: {kinds:?}", seed.logical);
        assert!(kinds.get(seed.kind).is_some_and(|known| *known > wanted / 2), "{kinds:?}");
    }
}
