//! What random rules and events are made of.

pub(super) const LETTERS: [char; 18] =
    ['a', 'a', 'b', 'B', 'A', 'ä', 'Ä', 'İ', '-', '/', '–', ' ', '\\', '*', '?', '1', '0', '\n'];

/// A log source, the head of its records, and the names under which rules and records know the same fields.
pub(super) struct Profile {
    pub(super) logsource: &'static str,
    pub(super) head: &'static str,
    pub(super) fields: &'static [(&'static str, &'static str)],
    /// A name whose value is put together: of these two fields, with this between them.
    pub(super) joined: Option<(&'static str, &'static str, char, &'static str)>,
}

const AB: &[(&str, &str)] =
    &[("A", "A"), ("B", "B"), ("b", "b"), ("AB", "a b"), ("EventID", "EventID")];
const SECURITY: &str = r#""family": "windows-event", "channel": "Security""#;

pub(super) const PROFILES: [Profile; 9] = [
    Profile {
        logsource: "product: windows, service: security",
        head: SECURITY,
        fields: AB,
        joined: None,
    },
    Profile { logsource: "product: windows", head: SECURITY, fields: AB, joined: None },
    Profile {
        logsource: "product: windows, category: process_creation",
        head: r#""family": "windows-event", "channel": "security", "event_id": 4688"#,
        fields: &[("Image", "NewProcessName"), ("ProcessId", "ProcessId"), ("A", "a"), ("A", "A")],
        joined: None,
    },
    Profile {
        logsource: "category: process_creation, service: sysmon",
        head: r#""family": "windows-event", "provider": "Microsoft-Windows-Sysmon", "event_id": 1"#,
        fields: &[("Image", "Image"), ("A", "A"), ("Channel", "Channel")],
        joined: None,
    },
    Profile {
        logsource: "category: webserver",
        head: r#""family": "iis-w3c""#,
        fields: &[
            ("cs-uri-query", "cs-uri-stem"),
            ("cs-uri-query", "cs-uri-query"),
            ("c-uri", "cs-uri-stem"),
            ("A", "A"),
        ],
        joined: Some(("c-uri", "cs-uri-stem", '?', "cs-uri-query")),
    },
    Profile {
        logsource: "category: webserver",
        head: r#""family": "exchange-log", "channel": "HttpProxy Logs""#,
        fields: &[
            ("cs-uri-query", "UrlStem"),
            ("cs-uri-query", "UrlQuery"),
            ("c-ip", "ClientIpAddress"),
        ],
        joined: Some(("cs-uri-query", "UrlStem", '?', "UrlQuery")),
    },
    Profile {
        logsource: "product: windows, service: msexchange-management",
        head: r#""family": "windows-event", "channel": "MSExchange Management", "event_id": 1"#,
        fields: &[("Message", "Data"), ("Data", "Data"), ("A", "Message"), ("A", "A")],
        joined: None,
    },
    Profile {
        logsource: "product: windows, category: registry_set",
        head: r#""family": "windows-event", "channel": "Security", "event_id": 4657"#,
        fields: &[
            ("TargetObject", "ObjectName"),
            ("TargetObject", "ObjectValueName"),
            ("Details", "NewValue"),
        ],
        joined: Some(("TargetObject", "ObjectName", '\\', "ObjectValueName")),
    },
    Profile {
        logsource: "category: antivirus",
        head: r#""family": "windows-event", "channel": "Microsoft-Windows-Windows Defender/Operational", "event_id": 1116"#,
        fields: &[("Signature", "Threat Name"), ("Signature", "ThreatName"), ("A", "A")],
        joined: None,
    },
];

pub(super) const SEARCHES: [&str; 4] = ["sel_a", "sel_b", "_hidden", "other"];
pub(super) const EXPRESSIONS: [(&str, &str, &[&str]); 8] = [
    ("a+", "", &["a", "baab"]),
    ("^[ab]", "", &["a", "b1"]),
    ("A.?1", "i", &["a1", "xa\n1", "AB1"]),
    ("^b", "m", &["a\nb", "b"]),
    ("a.b", "s", &["a\nb", "a-b"]),
    ("(a|1)$", "", &["1", "ba"]),
    ("[^0-9]{2,3}", "", &["ab", "1ab1"]),
    ("^16$", "", &["16"]),
];
pub(super) const NETWORKS: [&str; 6] =
    ["10.0.0.0/8", "10.1.2.3", "::ffff:10.1.0.0/112", "fe80::/10", "::/0", "192.0.2.128/25"];
pub(super) const ADDRESSES: [&str; 9] = [
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "[fe80::1%12]",
    "fe80::1",
    "192.0.2.200",
    "192.0.2.1",
    "-",
    "10.1.2.3:80",
    "2001:db8::1",
];
pub(super) const TIMES: [&str; 12] = [
    "2021-03-14T06:40:13.659Z",
    "2021-03-14 06:40:13",
    "2021-01-03",
    "2020-12-31T23:59:60+01:00",
    "06:40:13.5",
    "13:14:15",
    "2024-02-29",
    "2023-02-29",
    "2018-12-31 10:00:00,5 -05:00",
    "0000-01-01",
    "2021-03-14T24:00:00",
    "6:40",
];
pub(super) const NUMBERS: [&str; 8] =
    ["0", "1", "10", "16", "-1", "1.5", "007", "18446744073709551615"];
