//! IIS logs in W3C form, with the fifteen columns that IIS chooses by default.

use crate::Moment;
use crate::record::IisRow;

/// The columns.
pub(crate) const FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                                 cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

/// Daily file of a site.
pub(super) fn path(site: u8, at: Moment) -> String {
    let day = at.day_stamp();
    format!("inetpub/logs/LogFiles/W3SVC{site}/u_ex{}.log", day.get(2..).unwrap_or_default())
}

/// Head lines.
pub(crate) fn head(at: Moment) -> String {
    format!(
        "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: {}\r\n#Fields: {FIELDS}\r\n",
        at.w3c()
    )
}

/// A row. The second it shows is that of the request's end.
pub(crate) fn line(server: &str, at: Moment, row: &IisRow) -> String {
    format!(
        "{} {server} {} {} {} {} {} {} {} - {} 0 0 {}",
        at.w3c(),
        row.method,
        cell(&row.stem),
        cell(row.query.trim_start_matches('?')),
        row.port,
        cell(&row.user),
        row.client,
        cell(&row.agent),
        row.status,
        row.took
    )
}

/// A value as IIS writes it: a hyphen if empty, a plus sign for each space.
fn cell(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.replace(' ', "+") }
}
