//! How times are written in sentences.

use model::Time;

/// `2021-03-14 06:40:13 UTC`
pub(crate) fn spoken(time: Time) -> String {
    let text = Time::from_unix_nanos(time.unix_nanos(), 0).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}
