//! `timeline.csv`: one row for each event, in the columns that Timesketch asks for and a few more.

use std::collections::BTreeMap;

use model::case::{Case, CaseEvent};

use crate::inert_cell;
use crate::words::locator;

const HEAD: [&str; 12] = [
    "datetime",
    "timestamp_desc",
    "message",
    "data_type",
    "host",
    "logsource",
    "event_id",
    "finding_ids",
    "claim_ids",
    "file",
    "locator",
    "sha256",
];

/// Event id to the ids of what rests on it.
type Uses<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// The events of a case as CSV: sorted by time (events without one last), `\n` line ends, control
/// characters spelled out, and no cell that a spreadsheet would run as a formula.
pub fn timeline_csv(case: &Case) -> Vec<u8> {
    let mut findings = Uses::new();
    for finding in &case.findings {
        for event in &finding.events {
            findings.entry(event).or_default().push(&finding.id);
        }
    }
    let mut claims = Uses::new();
    for claim in &case.claims {
        for id in claim.supporting.iter().chain(&claim.contradicting) {
            claims.entry(id).or_default().push(&claim.id);
        }
    }
    let paths: BTreeMap<&str, &str> =
        case.custody.iter().map(|item| (item.id.as_str(), item.path.as_str())).collect();
    let mut events: Vec<&CaseEvent> = case.events.iter().collect();
    // A stable sort: events of one moment keep the order of the case.
    events.sort_by_key(|event| (event.time.is_none(), event.time));

    let mut csv =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(vec![]);
    // Writing rows of one length to memory cannot fail.
    let mut done = csv.write_record(HEAD);
    for event in events {
        let row = row(event, &findings, &claims, paths.get(event.item.as_str()).copied());
        done = done.and_then(|()| csv.write_record(row.map(|cell| inert_cell(&cell))));
    }
    debug_assert!(done.is_ok(), "rows of one length");
    csv.into_inner().unwrap_or_default()
}

fn row(
    event: &CaseEvent,
    findings: &Uses<'_>,
    claims: &Uses<'_>,
    path: Option<&str>,
) -> [String; 12] {
    let ids =
        |uses: &Uses<'_>| uses.get(event.id.as_str()).map(|ids| ids.join(" ")).unwrap_or_default();
    [
        event.time.map(|time| time.to_string()).unwrap_or_default(),
        crate::words::Word::word(&event.time_basis).to_owned(),
        message(event),
        format!("assay:{}", event.logsource.replace('/', ":")),
        event.host.clone().unwrap_or_default(),
        event.logsource.clone(),
        event.id.clone(),
        ids(findings),
        ids(claims),
        path.unwrap_or(&event.item).to_owned(),
        locator(&event.locator),
        event.sha256.clone(),
    ]
}

fn message(event: &CaseEvent) -> String {
    match (&event.summary, &event.summary_b64) {
        (Some(text), _) => text.clone(),
        (None, Some(encoded)) => format!("base64: {encoded}"),
        (None, None) => String::new(),
    }
}
