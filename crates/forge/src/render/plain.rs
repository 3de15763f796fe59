//! Smaller text sources: the head of the control panel's log, Setup's lines, the table of Test-ProxyLogon.

use crate::Moment;
use crate::record::ProxyRow;
use crate::scenario::Scenario;

/// Head lines of the control panel's server log.
pub(super) fn ecp_head(at: Moment) -> String {
    format!(
        "#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n#Log-type: ECP Server Log\r\n#Date: {}\r\n\
         #Fields: TimeStamp,ServerName,EventId,EventData\r\n",
        at.iso()
    )
}

/// A line of Setup, in the server's local time.
pub(super) fn setup_line(scenario: &Scenario, at: Moment, message: &str) -> String {
    let local = at.plus(i64::from(scenario.zone.minutes) * 60_000);
    format!("[{}] [0] {message}", local.setup())
}

/// Where an owner had the script write its table.
pub(super) fn table_path(scenario: &Scenario) -> String {
    format!(
        "Users/Administrator/Desktop/Test-ProxyLogonLogs/{}-Cve-2021-26855.csv",
        scenario.host.name
    )
}

/// Column names of the table.
pub(super) fn table_head() -> String {
    let columns = [
        "DateTime",
        "RequestId",
        "ClientIpAddress",
        "UrlHost",
        "UrlStem",
        "RoutingHint",
        "UserAgent",
        "AnchorMailbox",
        "HttpStatus",
    ];
    format!("{}\r\n", quoted(&columns))
}

/// A row of the table.
pub(super) fn table_line(at: Moment, row: &ProxyRow) -> String {
    quoted(&[
        &at.iso(),
        &row.request_id,
        &row.client,
        &row.url_host,
        &row.stem,
        row.hint,
        &row.agent,
        &row.anchor,
        &row.status.to_string(),
    ])
}

fn quoted(cells: &[&str]) -> String {
    let quoted: Vec<String> =
        cells.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
    quoted.join(",")
}
