//! Local times and the zones that others declared for them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use model::{Time, TimeBasis};

/// A local time in UTC: by the zone if one was given, else as if it were UTC, and then `Assumed`.
pub(crate) fn in_zone(
    at: civil::DateTime,
    digits: u8,
    zone: Option<&TimeZone>,
) -> (Option<Time>, TimeBasis) {
    match zone {
        Some(zone) => {
            let nanos = zone.to_timestamp(at).ok().map(Timestamp::as_nanosecond);
            let nanos = nanos.and_then(|nanos| i64::try_from(nanos).ok());
            (nanos.map(|nanos| Time::from_unix_nanos(nanos, digits)), TimeBasis::Declared)
        }
        None => (Time::from_civil_utc(at, digits), TimeBasis::Assumed),
    }
}

/// A number of decimal digits only, at most nine of them.
pub(crate) fn number(text: &str) -> Option<i32> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A date, if there is such a day.
pub(crate) fn date(year: i32, month: i32, day: i32) -> Option<civil::Date> {
    civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}
