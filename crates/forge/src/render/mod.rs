//! Rows to text: for each source the name of its file, the lines at the head of it, and its rows.

mod events;
pub(crate) mod httpproxy;
pub(crate) mod iis;
mod plain;

use crate::record::{Record, Row};
use crate::scenario::Scenario;
use crate::source::Source;

/// Where the installation's logs lie on the drive.
const LOGGING: &str = "Program Files/Microsoft/Exchange Server/V15/Logging";

/// The file into which a record goes.
pub(crate) fn file_of(scenario: &Scenario, record: &Record) -> String {
    let shown = record.shown();
    match record.source {
        Source::IisFront => iis::path(1, shown),
        Source::IisBack => iis::path(2, shown),
        Source::Proxy(protocol) => {
            let part = part_of_hour(scenario, record);
            format!(
                "{LOGGING}/HttpProxy/{}/HttpProxy_{}-{part}.LOG",
                protocol.folder(),
                shown.hour_stamp()
            )
        }
        Source::EcpServer => format!("{LOGGING}/ECP/Server/ECPServer{}-1.LOG", shown.day_stamp()),
        Source::SetupLog => "ExchangeSetupLogs/ExchangeSetup.log".to_owned(),
        Source::TestProxyLogon => plain::table_path(scenario),
        source => events::path(source),
    }
}

/// A service that restarts with another build begins a new file: the second of its hour.
fn part_of_hour(scenario: &Scenario, record: &Record) -> usize {
    let hour = record.at.millis().div_euclid(3_600_000);
    let earlier = scenario
        .builds
        .iter()
        .filter(|b| b.at <= record.at && b.at.millis().div_euclid(3_600_000) == hour)
        .count();
    1 + earlier
}

/// Lines at the head of a file whose first record is `record`.
pub(crate) fn head(scenario: &Scenario, record: &Record) -> String {
    let shown = record.shown();
    match record.source {
        Source::IisFront | Source::IisBack => iis::head(shown),
        Source::Proxy(_) => {
            httpproxy::head(scenario.build_at(record.at), shown, scenario.proxy_header_row)
        }
        Source::EcpServer => plain::ecp_head(shown),
        Source::TestProxyLogon => plain::table_head(),
        _ => String::new(),
    }
}

/// Head lines that come again before a row because the service restarted since the row before.
pub(crate) fn head_again(scenario: &Scenario, before: &Record, record: &Record) -> Option<String> {
    let iis = matches!(record.source, Source::IisFront | Source::IisBack);
    let restarted = scenario.build_at(before.at) != scenario.build_at(record.at);
    (iis && restarted).then(|| iis::head(record.shown()))
}

/// A record as a line, without the line end.
pub(crate) fn line(scenario: &Scenario, record: &Record) -> String {
    match &record.row {
        Row::Iis(row) => iis::line(&scenario.host.address, record.shown(), row),
        Row::Proxy(row) if record.source == Source::TestProxyLogon => {
            plain::table_line(record.shown(), row)
        }
        Row::Proxy(row) => {
            let build = scenario.build_at(record.at);
            httpproxy::line(&scenario.host.name, build, record.shown(), row)
        }
        Row::Ecp(data) => {
            format!("{},{},ECP.Request,{data}", record.shown().iso(), scenario.host.name)
        }
        Row::Setup(message) => plain::setup_line(scenario, record.shown(), message),
        Row::Event(row) => events::line(scenario, record, row),
    }
}
