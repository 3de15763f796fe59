//! Rows of Exchange's logs as they occur, whole and damaged.

use model::TimeBasis;

use crate::formats::text::testing::{Reading, corpus, read};

const HEAD: &str = "#Software: Microsoft Exchange Server\r\n#Version: 15.01.2375.007\r\n\
    #Log-type: HttpProxy Logs\r\n#Date: 2021-03-04T11:00:00.130Z\r\n";
const NAMES: &str =
    "DateTime,RequestId,MajorVersion,UrlStem,AnchorMailbox,UserAgent,ServerHostName,HttpStatus";
const ROW: &str =
    "2021-03-04T11:22:33.123Z,r1,15,/ecp/y.js,Sid~S-1,Mozilla (KHTML  like),SRV1,200\r\n";

fn log(rows: &str) -> String {
    format!("{HEAD}#Fields: {NAMES}\r\n{rows}")
}

#[test]
fn reads_http_proxy() {
    let kept = read("HttpProxy_1.LOG", log(ROW).as_bytes());
    assert_eq!(kept.kind, "exchange-httpproxy");
    let event = &kept.events[0];
    assert_eq!(
        (event.at().as_str(), event.basis),
        ("2021-03-04T11:22:33.123Z", TimeBasis::RecordUtc)
    );
    assert_eq!((event.family, event.channel.as_str()), ("exchange-log", "HttpProxy Logs"));
    assert_eq!(event.host.as_deref(), Some("SRV1"));
    assert_eq!(event.get("UserAgent"), Some("Mozilla (KHTML  like)"));
    assert_eq!(
        event.fields.last().unwrap(),
        &("LogVersion".to_owned(), "15.01.2375.007".to_owned())
    );
}

#[test]
fn takes_a_plain_row_of_names() {
    let plain = format!("{NAMES}\r\n{ROW}");
    let both = format!("{NAMES}\r\n{HEAD}#Fields: {NAMES}\r\n{ROW}{NAMES}\r\n{ROW}");
    for (text, rows) in [(plain, 1), (both, 2)] {
        let kept = read("a.csv", text.as_bytes());
        assert_eq!((kept.kind, kept.events.len()), ("exchange-httpproxy", rows));
        assert_eq!(kept.lost(), 0, "{kept:?}");
        assert_eq!(kept.events[0].channel, "HttpProxy Logs");
        assert_eq!(kept.events[rows - 1].get("UrlStem"), Some("/ecp/y.js"));
    }
}

#[test]
fn minds_quotes_and_bare_commas() {
    let names = "#Fields: date-time,server-hostname,source-context,event-id,message-subject\n";
    let head = "#Software: Microsoft Exchange Server\n#Log-type: Message Tracking Log\n";
    let rows = "2022-09-19T15:02:29.339Z,SRV,\"MDB:1, Mailbox:2, \"\"x\"\"\",NOTIFY,subject\n\
                2022-09-19T15:02:30.339Z,SRV,\"open,NOTIFY,subject\n\
                2022-09-19T15:02:31.339Z,SRV,a,b,c,d\n\
                2022-09-19T15:02:32.339Z,SRV,a,b\n\
                2022-09-19T15:02:33.339Z,SRV,a,b,c,\n";
    let kept = read("a.LOG", format!("{head}{names}{rows}").as_bytes());
    assert_eq!(kept.kind, "exchange-log");
    let seen: Vec<_> = kept
        .events
        .iter()
        .map(|e| (e.get("source-context").unwrap(), e.get("message-subject").unwrap(), e.doubtful))
        .collect();
    assert_eq!(
        seen,
        [
            ("MDB:1, Mailbox:2, \"x\"", "subject", false),
            ("\"open", "subject", false),
            ("a", "c", true),
            ("a", "c", false),
        ]
    );
    assert_eq!(kept.loss_codes(), ["row_cut_short:1"]);
    assert_eq!(kept.count("row_extra_cells"), 1);
}

#[test]
fn takes_event_data_apart() {
    let head = "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: ECP Server Log\n\
                #Fields: TimeStamp,ServerName,EventId,EventData\n";
    // Inert: the shape of a command with a markup value, in which nothing runs.
    let value = concat!("''http://f/<", "b title=\"\"x,y;z\"\"", ">''");
    let rows = format!(
        "2021-03-04T11:22:30.456Z,SRV,ECP.Request,S:TIME=13;'S:CMD=Set-X.ExternalUrl={value}.Identity=''9''';S:BLD=15.1.2375.7\n\
         2021-03-04T11:22:31.456Z,'S:CMD=Set-X.ExternalUrl={value}'\n\
         2021-03-04T11:22:32.456Z,SRV,ECP.Request,\"S:CMD=a, b;S:EX=\"\"q\"\"\"\n\
         2021-03-04T11:22:33.456Z,SRV,ECP.Request,S:URL=/ecp/a,b;S:EX=;\n"
    );
    let kept = read("ECPServer1.LOG", format!("{head}{rows}").as_bytes());
    assert_eq!((kept.kind, kept.events.len(), kept.lost()), ("exchange-ecp-server", 4, 0));
    let set = "Set-X.ExternalUrl='http://f/<b title=\"x,y;z\">'";
    let seen: Vec<_> =
        kept.events.iter().map(|e| (e.host.as_deref(), e.get("CMD"), e.get("EX"))).collect();
    let first = format!("{set}.Identity='9'");
    assert_eq!(
        seen,
        [
            (Some("SRV"), Some(first.as_str()), None),
            (None, Some(set), None),
            (Some("SRV"), Some("a, b"), Some("\"q\"")),
            (Some("SRV"), None, None),
        ]
    );
    assert_eq!(kept.events[0].get("BLD"), Some("15.1.2375.7"));
    assert_eq!(kept.events[3].get("URL"), Some("/ecp/a,b"));
    assert!(kept.events[0].get("EventData").unwrap().starts_with("S:TIME=13;'S:CMD"));
}

#[test]
fn keeps_what_is_sound_under_a_damaged_header() {
    let names =
        "#Fields: DateTime,RequestId,UrlStDateTime,RequestId,UrlStem,ServerHostName,HttpStatus\n";
    let rows = "2021-03-04T11:22:33.1Z,r1,/x,SRV,200\n2021-03-04T11:22:34.1Z,r2,/x,SRV,200,more\n";
    let kept = read("a.LOG", format!("{HEAD}{names}{rows}").as_bytes());
    assert_eq!((kept.events.len(), kept.lost(), kept.count("header_damaged")), (2, 0, 2));
    assert_eq!(
        (kept.events[0].get("UrlStem"), kept.events[0].get("HttpStatus")),
        (Some("/x"), Some("200"))
    );
    assert_eq!(
        (kept.events[1].get("RequestId"), kept.events[1].get("UrlStem")),
        (Some("r2"), None)
    );
}

#[test]
fn reads_times_without_zone() {
    let names = "#Fields: Timestamp,SessionId\n2021-03-04T11:22:33.1,s\n";
    let head = "#Software: Microsoft Exchange Server\n";
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    for (log_type, zone, at, basis) in [
        ("Agent Log", None, "11:22:33.1Z", TimeBasis::Assumed),
        ("Agent Log", Some(&zone), "09:22:33.1Z", TimeBasis::Declared),
        ("HttpProxy Logs", Some(&zone), "11:22:33.1Z", TimeBasis::RecordUtc),
    ] {
        let text = format!("{head}#Log-type: {log_type}\n{names}");
        let reading = Reading { zone, ..Reading::default() };
        let kept = reading.read(text.as_bytes(), crate::formats::text::identify).unwrap();
        assert_eq!(
            (kept.events[0].at(), kept.events[0].basis),
            (format!("2021-03-04T{at}"), basis)
        );
    }
}

#[test]
fn counts_rows_of_a_log_without_head() {
    let kept =
        read("Logging/HttpProxy/Ecp/HttpProxy_2021030411-1.LOG", [ROW, ROW].concat().as_bytes());
    assert_eq!((kept.kind, kept.events.len(), kept.lost()), ("exchange-httpproxy", 0, 2));
    let other = Reading::default().read(ROW.as_bytes(), crate::formats::text::identify);
    assert!(other.is_none(), "a name is needed where content does not tell");
}

#[test]
fn reads_every_log_of_the_corpus() {
    let Some(bytes) = corpus("exchange/benign-log-samples.md") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let (mut logs, mut rows) = (0, 0);
    for log in text.split("```").filter(|part| part.contains("\n#Software: Microsoft Exchange")) {
        let kept = read("sample.LOG", log.trim_start().as_bytes());
        let expected = log.lines().filter(|line| line.starts_with("20")).count();
        assert_eq!((kept.events.len(), kept.lost()), (expected, 0), "{log}");
        assert!(kept.issues.is_empty(), "{:?}", kept.issues);
        for event in &kept.events {
            assert!(event.time.is_some() && event.basis == TimeBasis::RecordUtc, "{event:?}");
            assert!(!event.channel.is_empty() && event.get("LogVersion").is_some());
        }
        if kept.kind == "exchange-ecp-server" {
            assert_eq!(kept.events[0].get("CMD"), Some("Get-InboxRule"));
            assert_eq!(kept.events[0].get("BLD"), Some("15.1.2375.7"));
        }
        logs += 1;
        rows += expected;
    }
    assert!(logs >= 15 && rows >= 30, "{logs} logs, {rows} rows");
}
