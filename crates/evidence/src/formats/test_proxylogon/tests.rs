//! The script's CSV as it was written, and as spreadsheets left it.

use model::TimeBasis;
use proptest::prelude::*;

use super::TableFramer;
use super::records::RecordSource;
use crate::formats::text::testing::{Kept, Reading, read};
use crate::formats::text::{Encoding, LineSource};

const NAMES: &str = r#""DateTime","RequestId","ClientIpAddress","UrlHost","UrlStem","RoutingHint","UserAgent","AnchorMailbox","HttpStatus""#;
const TYPE: &str = "#TYPE Selected.System.Management.Automation.PSCustomObject\r\n";

/// Assembled here, so that no request of the attack stands in a file.
fn anchor() -> String {
    ["ServerInfo~a]@srv.example:444", "/ecp/x/Set", "Object?schema=S#"].concat()
}

fn row(time: &str) -> String {
    format!(
        r#""{time}","r1","192.0.2.7","mail.example","/ecp/y.js","X-BEResource-Cookie","agent/1","{}","200""#,
        anchor()
    )
}

fn check(bytes: &[u8]) -> Kept {
    let kept = read("SRV-Cve-2021-26855.csv", bytes);
    assert_eq!((kept.kind, kept.lost()), ("test-proxylogon", 0), "{kept:?}");
    kept
}

#[test]
fn a_damaged_quote_among_the_names_hides_no_row() {
    let names = NAMES.replace("\"UrlHost\"", "\"UrlHost?");
    let cut = "\"2021-03-04T11:22:33.123Z\",\"r1";
    let kept = read("SRV-Cve-2021-26855.csv", format!("{names}\r\n{cut}").as_bytes());
    assert_eq!(kept.loss_codes(), ["row_cut_short:1"]);
}

#[test]
fn reads_what_the_script_wrote() {
    let text = format!("{TYPE}{NAMES}\r\n{}\r\n", row("2021-03-04T11:22:33.123Z"));
    let utf16: Vec<u8> =
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let semicolons = text.replace("\",\"", "\";\"");
    let bom = format!("\u{FEFF}{}", text.replace(TYPE, ""));
    for bytes in [text.as_bytes(), &utf16, semicolons.as_bytes(), bom.as_bytes()] {
        let kept = check(bytes);
        let [event] = &kept.events[..] else { panic!("{kept:?}") };
        assert_eq!(event.at(), "2021-03-04T11:22:33.123Z");
        assert_eq!((event.family, event.basis), ("test-proxylogon", TimeBasis::RecordUtc));
        assert_eq!(event.get("AnchorMailbox"), Some(anchor().as_str()));
        assert_eq!((event.get("HttpStatus"), event.host.as_deref()), (Some("200"), None));
    }
}

#[test]
fn takes_columns_in_any_order_and_names_the_host() {
    let kept =
        check(b"AnchorMailbox,PSComputerName,DateTime\nServerInfo~x,SRV1,2021-03-04T11:22:33Z\n");
    assert_eq!(kept.events[0].host.as_deref(), Some("SRV1"));
    assert_eq!(kept.events[0].at(), "2021-03-04T11:22:33Z");
}

#[test]
fn reads_local_times_as_far_as_they_tell() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-5));
    for (times, zone, expected, basis) in [
        (vec!["3/4/2021 11:22:33 AM"], None, "2021-03-04T11:22:33Z", TimeBasis::Assumed),
        (vec!["3/4/2021 11:22:33 AM"], Some(&zone), "2021-03-04T16:22:33Z", TimeBasis::Declared),
        (vec!["03/04/2021 11:22:33"], None, "", TimeBasis::Assumed),
        (
            vec!["03/04/2021 11:22:33", "03/14/2021 01:00:00"],
            None,
            "2021-03-04T11:22:33Z",
            TimeBasis::Assumed,
        ),
        (
            vec!["03/04/2021 11:22:33", "14/03/2021 01:00:00"],
            None,
            "2021-04-03T11:22:33Z",
            TimeBasis::Assumed,
        ),
    ] {
        let rows: Vec<String> = times.iter().map(|time| row(time)).collect();
        let text = format!("{NAMES}\n{}\n", rows.join("\n"));
        let reading = Reading { zone, ..Reading::default() };
        let kept = reading.read(text.as_bytes(), crate::formats::text::identify).unwrap();
        assert_eq!(
            (kept.events[0].at(), kept.events[0].basis),
            (expected.to_owned(), basis),
            "{times:?}"
        );
        assert_eq!(kept.events[0].raw_time, times[0]);
    }
}

#[test]
fn joins_cells_over_lines_and_gives_up_on_open_quotes() {
    let broken = r#""2021-03-04T11:00:00Z","open,"#;
    let text = format!(
        "{NAMES}\n{}\n{broken}\n{}\n{}",
        row("2021-03-04T11:22:33Z").replace("agent/1", "agent\r\n\"\"one\"\""),
        row("2021-03-04T11:22:34Z"),
        r#""2021-03-04T11:22:35Z","r2""#,
    );
    let kept = read("a.csv", text.as_bytes());
    let seen: Vec<_> = kept.events.iter().map(|e| (e.at(), e.get("UserAgent").unwrap())).collect();
    assert_eq!(
        seen,
        [
            ("2021-03-04T11:22:33Z".to_owned(), "agent\r\n\"one\""),
            ("2021-03-04T11:22:34Z".to_owned(), "agent/1"),
        ]
    );
    assert_eq!(kept.lost(), 2, "the open row and the cut row: {kept:?}");
    assert!(kept.losses.iter().any(|loss| loss.at_end));
}

#[test]
fn reads_the_ages_of_logs() {
    let text = "#TYPE System.Management.Automation.PSCustomObject\r\n\"Oabgen\",\"Ecp\",\"AutodProxy\",\"EcpProxy\"\r\n\"30.1\",\"29.9\",\"\",\"12.0\"\r\n";
    let kept = read("SRV-LogAgeDays.csv", text.as_bytes());
    assert_eq!((kept.kind, kept.events.len()), ("test-proxylogon-logage", 1));
    assert_eq!((kept.events[0].get("Ecp"), kept.events[0].get("AutodProxy")), (Some("29.9"), None));
    assert!(kept.issues.is_empty());
}

#[test]
fn leaves_other_tables() {
    for text in ["a,b\n1,2\n", "DateTime,Message\n2021,x\n", "\"Name\",\"AnchorMailbox\"\n"] {
        let found = Reading::default().read(text.as_bytes(), crate::formats::text::identify);
        assert!(found.is_none(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What an exporter wrote comes back, wherever the stream is cut into chunks.
    #[test]
    fn reads_back_what_was_written(
        cells in prop::collection::vec(prop::collection::vec("[a\", \n\r;é]{0,9}", 2), 0..20),
        chunk in 1_usize..99,
    ) {
        let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let mut text = "\"DateTime\",\"AnchorMailbox\"\r\n".to_owned();
        for row in &cells {
            text += &row.iter().map(quote).collect::<Vec<_>>().join(",");
            text += "\r\n";
        }
        let source = LineSource::with_chunk(Encoding::Utf8 { bom: 0 }, 1 << 20, chunk);
        let source = RecordSource::new(source, 1 << 20);
        let framer = Box::new(TableFramer { source, table: None });
        let kept = Reading::default().drive(framer, text.as_bytes());
        let value = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
        let seen: Vec<Vec<String>> = kept
            .events
            .iter()
            .map(|e| vec![value(e.get("DateTime")), value(e.get("AnchorMailbox"))])
            .collect();
        prop_assert_eq!(seen, cells);
        for event in &kept.events {
            let from = usize::try_from(event.offset.unwrap()).unwrap();
            prop_assert_eq!(&text.as_bytes()[from..][..event.raw.len()], &event.raw[..]);
        }
    }
}
