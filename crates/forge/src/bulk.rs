//! Long logs, streamed: as many bytes of valid rows as wanted, with one act of a stranger in the last row.
//!
//! One block of rows is rendered and then written again and again with new times, so that making a log costs
//! little more than copying it.

use std::io::{self, Write};

use crate::Moment;
use crate::random::Random;
use crate::record::{IisRow, ProxyRow};
use crate::render::{httpproxy, iis};
use crate::source::Protocol;

/// Rows of one block.
const BLOCK_ROWS: usize = 8_192;
/// Rows within a second: 20 GB of IIS rows last about a week.
const ROWS_PER_SECOND: i64 = 100;
/// 2021-03-03T00:00:00Z.
const START: Moment = Moment::from_millis(1_614_729_600_000);
/// Name of the server in the rows.
const SERVER: &str = "EX01";
/// Address of the server in the rows.
const ADDRESS: &str = "192.0.2.10";
/// The build in the rows.
const BUILD: &str = "15.1.2106.2";

/// Which log to stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkLog {
    /// Front-end IIS log; its last row is a call of a page that no build has.
    Iis,
    /// Front-end proxy log of the control panel; its last row is a request sent on to the back end.
    HttpProxy,
}

/// What was streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkTruth {
    /// Bytes, head lines included.
    pub bytes: u64,
    /// Rows, the last one included.
    pub rows: u64,
    /// First byte of the last row, which carries the act.
    pub attack_offset: u64,
    /// Time of the last row.
    pub attack_at: Moment,
}

/// Streams at least `bytes` bytes of a log into `out`; what exceeds them is less than two rows.
pub fn bulk(log: BulkLog, bytes: u64, seed: u64, out: &mut dyn Write) -> io::Result<BulkTruth> {
    let head = match log {
        BulkLog::Iis => iis::head(START),
        BulkLog::HttpProxy => httpproxy::head(BUILD, START, false),
    };
    out.write_all(head.as_bytes())?;
    let mut written = head.len() as u64;
    let mut rows: u64 = 0;
    let last = row(log, START, None, &mut Random::stream(seed, "last"));
    let wanted = bytes.saturating_sub(last.len() as u64);
    let mut block = Block::new(log, seed);
    while written < wanted {
        block.set_times(log, rows);
        let part = block.until(wanted - written);
        out.write_all(part.bytes)?;
        written += part.bytes.len() as u64;
        rows += part.rows;
    }
    let at = time_of(rows);
    let attack = row(log, at, None, &mut Random::stream(seed, "last"));
    out.write_all(attack.as_bytes())?;
    let end = written + attack.len() as u64;
    Ok(BulkTruth { bytes: end, rows: rows + 1, attack_offset: written, attack_at: at })
}

fn time_of(row: u64) -> Moment {
    START.plus(i64::try_from(row).unwrap_or(i64::MAX).saturating_mul(1_000 / ROWS_PER_SECOND))
}

/// Rendered rows, and where each begins.
struct Block {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

/// The first rows of a block.
struct Part<'a> {
    bytes: &'a [u8],
    rows: u64,
}

impl Block {
    fn new(log: BulkLog, seed: u64) -> Self {
        let mut random = Random::stream(seed, "bulk");
        let (mut bytes, mut starts) = (Vec::new(), Vec::with_capacity(BLOCK_ROWS));
        for number in 0..BLOCK_ROWS {
            starts.push(bytes.len());
            bytes.extend_from_slice(row(log, START, Some(number), &mut random).as_bytes());
        }
        Self { bytes, starts }
    }

    /// Writes new times over those at the head of the rows, the first of which is row `first` of the log.
    fn set_times(&mut self, log: BulkLog, first: u64) {
        let mut second = (i64::MIN, String::new());
        for (number, start) in (first..).zip(&self.starts) {
            let at = time_of(number);
            let whole = at.millis().div_euclid(1_000);
            if second.0 != whole {
                second = (whole, shown(log, at));
            }
            put(&mut self.bytes, *start, second.1.as_bytes());
            if log == BulkLog::HttpProxy {
                put(&mut self.bytes, start + 20, &thousandths(at));
            }
        }
    }

    /// As many rows as reach `wanted` bytes, or all.
    fn until(&self, wanted: u64) -> Part<'_> {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let rows = self.starts.partition_point(|start| *start < wanted);
        let end = self.starts.get(rows).copied().unwrap_or(self.bytes.len());
        Part { bytes: self.bytes.get(..end).unwrap_or_default(), rows: rows as u64 }
    }
}

/// The time at the head of a row, as far as it stays the same within a second.
fn shown(log: BulkLog, at: Moment) -> String {
    match log {
        BulkLog::Iis => at.w3c(),
        BulkLog::HttpProxy => at.iso().get(..20).unwrap_or_default().to_owned(),
    }
}

fn thousandths(at: Moment) -> [u8; 3] {
    let ms = u8::try_from(at.millis().rem_euclid(1_000) / 10).unwrap_or(0);
    [b'0' + ms / 10, b'0' + ms % 10, b'0']
}

fn put(bytes: &mut [u8], at: usize, text: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + text.len()) {
        place.copy_from_slice(text);
    }
}

/// A harmless row, or that of the act if `number` is none.
fn row(log: BulkLog, at: Moment, number: Option<usize>, random: &mut Random) -> String {
    let mut line = match (log, number) {
        (BulkLog::Iis, Some(_)) => iis::line(ADDRESS, at, &harmless_iis(random)),
        (BulkLog::Iis, None) => iis::line(ADDRESS, at, &shell_call(random)),
        (BulkLog::HttpProxy, Some(_)) => {
            httpproxy::line(SERVER, BUILD, at, &harmless_proxy(random))
        }
        (BulkLog::HttpProxy, None) => httpproxy::line(SERVER, BUILD, at, &detour(random)),
    };
    line.push_str("\r\n");
    line
}

fn tail(random: &mut Random) -> String {
    format!("&CorrelationID=<empty>;&cafeReqId={};", random.guid())
}

fn harmless_iis(random: &mut Random) -> IisRow {
    let (method, stem, query) = random.pick(&[
        (
            "POST",
            "/Microsoft-Server-ActiveSync/default.eas",
            "Cmd=Ping&DeviceType=iPhone&DeviceId=",
        ),
        ("POST", "/mapi/emsmdb/", "MailboxId="),
        ("POST", "/EWS/Exchange.asmx", ""),
        ("POST", "/owa/service.svc", "action=GetItem&EP=1&UA=0&ID="),
        ("POST", "/autodiscover/autodiscover.xml", ""),
    ]);
    let id = if query.is_empty() { String::new() } else { random.hex(32) };
    IisRow {
        method: method.to_owned(),
        stem: stem.to_owned(),
        query: format!("{query}{id}{}", tail(random)),
        port: 443,
        user: format!("CONTOSO\\user{:04}", random.between(0, 2_999)),
        client: format!("198.51.100.{}", random.between(1, 254)),
        agent: random
            .pick(&[
                "Apple-iPhone12C1/1803.148",
                "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5134; Pro)",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0 Safari/537.36",
            ])
            .to_owned(),
        status: 200,
        took: random.between(4, 900),
    }
}

fn shell_call(random: &mut Random) -> IisRow {
    IisRow {
        method: "POST".to_owned(),
        stem: "/owa/auth/SignOutNotice.aspx".to_owned(),
        query: tail(random),
        port: 443,
        client: "203.0.113.87".to_owned(),
        agent: "python-requests/2.25.1".to_owned(),
        status: 200,
        took: 133,
        ..IisRow::default()
    }
}

fn harmless_proxy(random: &mut Random) -> ProxyRow {
    let user = random.between(0, 2_999);
    ProxyRow {
        protocol: Protocol::Ecp,
        request_id: random.guid(),
        url_host: "mail.contoso.example".to_owned(),
        stem: "/ecp/PersonalSettings/EditAccount.aspx".to_owned(),
        query: "?chgPhoto=1".to_owned(),
        action: String::new(),
        auth: "FBA",
        user: format!("CONTOSO\\user{user:04}"),
        anchor: format!("Sid~S-1-5-21-1004336348-1177238915-682003330-{}", 2_000 + user),
        agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            .to_owned(),
        client: format!("198.51.100.{}", random.between(1, 254)),
        status: 200,
        back_status: Some(200),
        method: "GET".to_owned(),
        target: "EX01.contoso.example".to_owned(),
        hint: "WindowsIdentity",
        sent: random.between(100, 2_000),
        received: random.between(300, 9_000),
        took: random.between(6, 300),
    }
}

fn detour(random: &mut Random) -> ProxyRow {
    let target = "a]@EX01.contoso.example:444/ecp/proxyLogon.ecp";
    ProxyRow {
        url_host: ADDRESS.to_owned(),
        stem: "/ecp/y.js".to_owned(),
        query: String::new(),
        user: String::new(),
        anchor: format!("ServerInfo~{target}?#"),
        agent: "python-requests/2.25.1".to_owned(),
        client: "203.0.113.87".to_owned(),
        status: 241,
        back_status: Some(241),
        method: "POST".to_owned(),
        target: target.to_owned(),
        hint: "X-BEResource-Cookie",
        ..harmless_proxy(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_carries_the_act_and_times_rise() {
        for log in [BulkLog::Iis, BulkLog::HttpProxy] {
            let mut bytes = Vec::new();
            let truth = bulk(log, 9_000_000, 3, &mut bytes).unwrap();
            assert_eq!(truth.bytes, bytes.len() as u64);
            assert!((9_000_000..9_003_000).contains(&truth.bytes));
            let text = String::from_utf8(bytes).unwrap();
            let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("2021-")).collect();
            assert_eq!(rows.len() as u64, truth.rows);
            assert!(rows.is_sorted_by(|a, b| a[..19] <= b[..19]));
            assert!(rows[0][..19] < rows[rows.len() - 1][..19]);
            let last = &text[usize::try_from(truth.attack_offset).unwrap()..];
            assert_eq!(last.trim_end(), *rows.last().unwrap());
            assert!(last.contains("SignOutNotice") || last.contains("ServerInfo~"));
            assert_eq!(text.matches("203.0.113.87").count(), 1);
        }
    }

    #[test]
    fn rows_of_the_proxy_log_keep_their_columns() {
        let mut bytes = Vec::new();
        bulk(BulkLog::HttpProxy, 300_000, 3, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for line in text.lines().filter(|l| l.starts_with("2021-")) {
            assert_eq!(line.split(',').count(), 74);
            assert_eq!(&line[19..24], format!(".{}Z", &line[20..23]));
        }
    }
}
