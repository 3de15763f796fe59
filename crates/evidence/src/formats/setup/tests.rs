//! Runs of Setup.

use model::TimeBasis;

use crate::formats::text::testing::{Reading, corpus, read};

fn run(day: &str, zone: &str, version: &str, end: &str) -> String {
    let texts = [
        "**********************************************",
        "Starting Microsoft Exchange Server 2016 Setup",
        zone,
        &format!("Setup version: {version}."),
        "Command Line Parameter Name='mode', Value='Upgrade'.",
        "Nothing of note.",
        end,
        "End of Setup",
    ];
    let said = texts.iter().filter(|text| !text.is_empty());
    said.map(|text| [&format!("[{day} 23:17:50.0856] [0] "), *text, "\r\n"].concat()).collect()
}

const SUCCESS: &str = "The Exchange Server setup operation completed successfully.";
const WEST: &str = "Local time zone: (UTC-06:00) Central Time (US & Canada).";

#[test]
fn gives_each_run_its_zone() {
    let east = "Local time zone: (UTC+09:00) Osaka, Sapporo, Tokyo.";
    let text = [
        run("01/08/2021", WEST, "15.1.2176.2", SUCCESS),
        run("03/09/2021", east, "15.1.2242.4", ""),
        run("03/10/2021", "", "15.1.2308.8", ""),
    ]
    .concat();
    let kept = read("ExchangeSetup.log", text.as_bytes());
    assert_eq!(kept.kind, "exchange-setup");
    let starts: Vec<_> = kept
        .events
        .iter()
        .filter(|e| e.get("Message").unwrap().starts_with("Starting"))
        .map(|e| (e.at(), e.basis, e.get("ZoneBasis").unwrap()))
        .collect();
    assert_eq!(
        starts,
        [
            ("2021-01-09T05:17:50.856Z".to_owned(), TimeBasis::Declared, "stated_standard_offset"),
            ("2021-03-09T14:17:50.856Z".to_owned(), TimeBasis::Declared, "stated_standard_offset"),
            ("2021-03-10T23:17:50.856Z".to_owned(), TimeBasis::Assumed, "none"),
        ]
    );
    let ends: Vec<_> = kept
        .events
        .iter()
        .filter_map(|e| Some((e.get("Outcome")?, e.get("Version"), e.get("Mode"))))
        .collect();
    assert_eq!(
        ends,
        [
            ("success", Some("15.1.2176.2"), Some("Upgrade")),
            ("end", None, None),
            ("end", None, None),
            ("end", None, None),
        ]
    );
}

#[test]
fn takes_the_zone_option_where_none_is_stated() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    let reading = Reading { zone: Some(&zone), ..Reading::default() };
    let text = run("07/01/2021", "", "15.1.2308.8", "");
    let kept = reading.read(text.as_bytes(), crate::formats::text::identify).unwrap();
    assert_eq!(kept.events[0].at(), "2021-07-01T22:17:50.856Z");
    assert_eq!(kept.events[0].get("ZoneBasis"), Some("option"));
}

#[test]
fn shows_a_bounded_number_of_errors() {
    let mut text = run("01/08/2021", WEST, "15.1.2176.2", "");
    for _ in 0..250 {
        text.push_str("[01/08/2021 23:18:00.0001] [1] [ERROR] Something failed.\r\n   a trace\r\n");
    }
    let kept = read("ExchangeSetup.log", text.as_bytes());
    let errors = kept.events.iter().filter(|e| e.get("Message").unwrap().contains("ERROR")).count();
    assert_eq!((errors, kept.count("setup_errors_omitted")), (100, 150));
}

#[test]
fn is_not_taken_in_by_other_logs() {
    for text in
        ["[01/08/2021 23:18:00.0001] [1] A line\n", "[x] [0] Starting Microsoft Exchange Server\n"]
    {
        assert!(Reading::default().read(text.as_bytes(), crate::formats::text::identify).is_none());
    }
}

#[test]
fn finds_the_version_in_every_log_of_the_corpus() {
    for (name, version, at) in [
        ("-PrepareSchema-8245", "15.1.2176.2", "2021-01-09T05:17:50.881Z"),
        ("_ADServiceNotStarted", "15.2.1544.4", "2024-03-21T21:23:15.281Z"),
        ("_FIPS_AccessDenied", "15.1.2106.2", "2021-03-11T17:42:38.237Z"),
        ("_Firewall_Endpoint", "15.0.1497.2", "2021-03-05T08:02:38.412Z"),
        ("_InvalidWKObjectException", "15.1.2176.2", "2021-03-07T23:57:50.355Z"),
        ("_MSI_1", "15.0.1497.2", "2021-03-13T11:01:29.427Z"),
        ("_MSI_3", "15.0.1497.2", "2021-03-06T03:14:18.736Z"),
        ("_MSI_5", "15.1.2308.8", "2021-08-06T06:45:58.284Z"),
        ("_MissingDirectory", "15.0.1497.2", "2021-03-06T23:37:29.350Z"),
        ("_Missing_PF_Object", "15.0.1497.2", "2021-03-04T21:06:33.501Z"),
        ("_NoSuitableDC", "15.2.1544.4", "2024-03-21T01:42:29.184Z"),
        ("_Search_Foundation_Failure_Install", "15.2.922.7", "2022-03-09T07:33:20.515Z"),
        ("_Service_Disabled", "15.1.2106.2", "2021-03-11T21:43:05.721Z"),
        ("_Vdir_2", "15.1.2176.2", "2021-03-10T00:02:08.106Z"),
    ] {
        let Some(bytes) = corpus(&format!("exchange/setup-logs/ExchangeSetup{name}.log")) else {
            return;
        };
        let kept = read(name, &bytes);
        assert_eq!((kept.kind, kept.lost()), ("exchange-setup", 0), "{name}");
        let found = kept.events.iter().find(|event| event.get("Version").is_some()).unwrap();
        assert_eq!((found.get("Version"), found.at().as_str()), (Some(version), at), "{name}");
        assert_eq!(found.basis, TimeBasis::Declared);
    }
}
