//! Rows of IIS as they occur, whole and damaged.

use model::TimeBasis;

use crate::formats::text::testing::{Kept, Reading, corpus, read};

const HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n\
    #Date: 2021-03-07 00:00:05\r\n";
const FIELDS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
    cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";
const PATH: &str = "C/inetpub/logs/LogFiles/W3SVC1/u_ex210307.log";

fn row(second: u32, stem: &str) -> String {
    format!(
        "2021-03-07 13:14:{second:02} 10.0.0.5 GET {stem} a=b 443 - 192.0.2.7 Mozilla/5.0+(X) - 200 0 0 133\r\n"
    )
}

fn log(rows: &[String]) -> Vec<u8> {
    [HEAD, FIELDS, &rows.concat()].concat().into_bytes()
}

#[test]
fn names_columns_and_reads_utc() {
    let kept = read(PATH, &log(&[row(15, "/owa/auth/x.aspx")]));
    assert_eq!(kept.kind, "iis-w3c");
    let [event] = &kept.events[..] else { panic!("{kept:?}") };
    assert_eq!(event.at(), "2021-03-07T13:14:15Z");
    assert_eq!(
        (event.basis, event.raw_time.as_str()),
        (TimeBasis::RecordUtc, "2021-03-07 13:14:15")
    );
    for (name, value) in [
        ("cs-uri-stem", Some("/owa/auth/x.aspx")),
        ("cs-username", None),
        ("cs(User-Agent)", Some("Mozilla/5.0+(X)")),
        ("time-taken", Some("133")),
        ("site", Some("W3SVC1")),
    ] {
        assert_eq!(event.get(name), value, "{name}");
    }
    assert_eq!(event.fields.len(), 16);
    assert_eq!(event.host, None);
    assert!(event.raw.ends_with(b" 133"));
    let offset = usize::try_from(event.offset.unwrap()).unwrap();
    assert_eq!(log(&[row(15, "/owa/auth/x.aspx")])[offset..][..event.raw.len()], event.raw[..]);
}

#[test]
fn follows_columns_that_change_in_the_middle() {
    let text = [
        "#Software: Microsoft Internet Information Services 10.0\n",
        "#Fields: date time cs-method cs-uri-stem sc-status\n",
        "2021-03-07 00:00:01 GET /a 200\n",
        "#Date: 2021-03-07 01:00:00\n#Fields: time date sc-status cs-uri-stem cs-method s-computername\n",
        "01:00:00 2021-03-07 404 /b POST SRV1\n",
    ];
    let kept = read("x.log", text.concat().as_bytes());
    let seen: Vec<_> = kept
        .events
        .iter()
        .map(|e| (e.at(), e.get("cs-uri-stem"), e.get("sc-status"), e.host.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            ("2021-03-07T00:00:01Z".to_owned(), Some("/a"), Some("200"), None),
            ("2021-03-07T01:00:00Z".to_owned(), Some("/b"), Some("404"), Some("SRV1")),
        ]
    );
}

#[test]
fn puts_blanks_in_the_agent_right() {
    let agent = "Mozilla/5.0+Mozilla/5.0 (Windows NT 10.0; Win64) (KHTML, like  Gecko) Chrome/1";
    let line =
        format!("2021-03-07 13:14:15 10.0.0.5 GET /x q 443 - 192.0.2.7 {agent} - 200 0 0 142\r\n");
    let broken =
        "2021-03-07 13:14:16 10.0.0.5 GET /x q 443 - 192.0.2.7 M - 200 0 0 142 2021-03-07\r\n";
    let kept = read(PATH, &log(&[line, broken.to_owned()]));
    assert_eq!(kept.events.len(), 1, "{kept:?}");
    assert_eq!(kept.events[0].get("cs(User-Agent)"), Some(agent));
    assert_eq!(kept.events[0].get("cs(Referer)"), None);
    assert_eq!(kept.events[0].get("sc-status"), Some("200"));
    assert_eq!(kept.count("row_realigned"), 1);
    assert_eq!(kept.loss_codes(), ["row_misaligned:1"]);
}

#[test]
fn takes_the_day_from_header_or_name() {
    let rows = "#Fields: time cs-method cs-uri-stem sc-status\n13:14:15 GET /a 200\n";
    let dated = format!("#Date: 2021-03-08 00:00:00\n{rows}");
    for (text, basis, at) in [
        (rows, TimeBasis::FileName, "2021-03-07T13:14:15Z"),
        (dated.as_str(), TimeBasis::Assumed, "2021-03-08T13:14:15Z"),
    ] {
        let kept = read(PATH, text.as_bytes());
        assert_eq!((kept.events[0].basis, kept.events[0].at()), (basis, at.to_owned()));
    }
    let kept = read("a.log", rows.as_bytes());
    assert_eq!(kept.events[0].time, None);
    assert_eq!(kept.count("time_unreadable"), 1);
}

/// Time of the rows around each loss, and whether it lies at the end.
fn around(kept: &Kept) -> Vec<(String, String, bool)> {
    let text = |time: Option<model::Time>| {
        time.map_or("?".to_owned(), |t| t.to_string().split_off(17).replace('Z', ""))
    };
    kept.losses.iter().map(|loss| (text(loss.after), text(loss.before), loss.at_end)).collect()
}

#[test]
fn counts_what_is_cut_with_the_times_around_it() {
    let cut = "2021-03-07 13:14:17 10.0.0.5 GET /cut\r\n".to_owned();
    let kept = read(PATH, &log(&[row(15, "/a"), cut.clone(), row(18, "/b")]));
    assert_eq!((kept.events.len(), kept.loss_codes()), (2, vec!["row_cut_short:1".to_owned()]));
    assert_eq!(around(&kept), [("15".to_owned(), "18".to_owned(), false)]);

    let mut open = log(&[row(15, "/a")]);
    open.extend_from_slice(cut.trim_end().as_bytes());
    let kept = read(PATH, &open);
    assert_eq!(kept.loss_codes(), ["row_cut_short:1"]);
    assert_eq!(around(&kept), [("15".to_owned(), "?".to_owned(), true)]);

    let whole = log(&[row(15, "/a"), row(16, "/b")]);
    let kept = read(PATH, whole.trim_ascii_end());
    assert_eq!((kept.events.len(), kept.losses.len()), (2, 0), "a last row without newline counts");
}

#[test]
fn passes_over_nul_bytes() {
    let crash = [log(&[row(15, "/a")]), vec![0; 70_000], log(&[row(20, "/b")])].concat();
    let kept = read(PATH, &crash);
    assert_eq!((kept.events.len(), kept.loss_codes()), (2, vec!["nul_bytes:0".to_owned()]));
    assert_eq!(around(&kept), [("15".to_owned(), "20".to_owned(), false)]);
    assert_eq!(kept.events[1].offset, Some((crash.len() - row(20, "/b").len()) as u64));

    let tail = [log(&[row(15, "/a")]), vec![0; 70_000]].concat();
    let kept = read(PATH, &tail);
    assert_eq!(around(&kept), [("15".to_owned(), "?".to_owned(), true)]);

    // A row cut by the crash, right before the bytes that were never written.
    let cut =
        [log(&[row(15, "/a"), "2021-03-07 13:1".to_owned()]), vec![0; 9], log(&[row(20, "/b")])]
            .concat();
    let kept = read(PATH, &cut);
    assert_eq!(kept.loss_codes(), ["row_cut_short:1", "nul_bytes:0"]);
}

#[test]
fn never_guesses_columns() {
    let rows = [row(15, "/a"), row(16, "/b")].concat();
    let kept = read(PATH, rows.as_bytes());
    assert_eq!((kept.events.len(), kept.loss_codes()), (0, vec!["no_header:2".to_owned()]));
    let late = [rows.as_bytes(), &log(&[row(17, "/c")])].concat();
    let kept = read(PATH, &late);
    assert_eq!((kept.events.len(), kept.loss_codes()), (1, vec!["no_header:2".to_owned()]));

    // A header line that is itself beyond the limit leaves the rows below it without names.
    let long = format!(
        "{HEAD}{FIELDS}{}#Fields: {}\r\n{}",
        row(15, "/a"),
        "x ".repeat(300),
        row(16, "/b")
    );
    let reading = Reading { logical: PATH, max_record: 400, ..Reading::default() };
    let kept = reading.read(long.as_bytes(), crate::formats::text::identify).unwrap();
    assert_eq!(kept.loss_codes(), ["line_too_long:1", "no_header:1"], "{kept:?}");
}

#[test]
fn uses_rows_that_are_not_utf8() {
    let mut bytes = log(&[row(15, "/a"), row(16, "/b")]);
    let at = bytes.windows(2).position(|w| w == b"/b").unwrap();
    bytes[at + 1] = 0xE9;
    let kept = read(PATH, &bytes);
    assert_eq!(kept.events[1].get("cs-uri-stem"), Some("/\u{FFFD}"));
    assert!(kept.events[1].raw.contains(&0xE9));
    assert_eq!(kept.count("not_utf8"), 1);
}

#[test]
fn knows_what_it_does_not_read() {
    let ftp = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip cs-username \
               s-ip s-port cs-method cs-uri-stem sc-status x-session x-fullpath\n";
    let http_error = "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port \
                      cs-version cs-method cs-uri sc-status s-siteid s-reason\n";
    let web = String::from_utf8(log(&[row(1, "/")])).unwrap();
    for (logical, text) in [
        ("a.log", ftp),
        ("a.log", http_error),
        ("LogFiles/FTPSVC2/u_ex210307.log", web.as_str()),
        ("W3SVC1/u_ex210307.log", "some words, no log"),
        ("W3SVC1/u_ex210307.log", ""),
    ] {
        let found = Reading { logical, ..Reading::default() }
            .read(text.as_bytes(), crate::formats::text::identify);
        assert!(found.is_none(), "{logical} {text}");
    }
}

#[test]
fn reads_the_sample_of_the_corpus() {
    let Some(bytes) = corpus("exchange/benign-log-samples.md") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let fields = text.lines().find(|line| line.starts_with("# Fields: date time")).unwrap();
    let row = text.lines().find(|line| line.starts_with("2023-12-25 11:54:21")).unwrap();
    let log = format!("{}\n{row}\n", fields.replacen("# ", "#", 1));
    let kept = read("u_ex231225.log", log.as_bytes());
    let event = &kept.events[0];
    assert_eq!(
        (event.at().as_str(), event.get("sc-status")),
        ("2023-12-25T11:54:21Z", Some("200"))
    );
    assert_eq!(event.get("cs-uri-stem"), Some("/owa/auth/aKdMadOeT.aspx"));
    assert!(event.get("cs(User-Agent)").unwrap().ends_with("Safari/512.34"));
    assert_eq!(kept.count("row_realigned"), 1);
}
