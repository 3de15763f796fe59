//! A point in time to the millisecond, and the ways in which the sources write it.

use std::fmt;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A point in time in UTC, to the millisecond.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

/// A length of time, in milliseconds; negative for a shift backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Length(i64);

impl Moment {
    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The moment so many milliseconds after 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment `millis` later (earlier if negative).
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The moment `length` later.
    #[must_use]
    pub const fn after(self, length: Length) -> Self {
        self.plus(length.0)
    }

    /// The time to the millisecond as Exchange and the event logs write it: `2021-03-03T04:10:22.123Z`.
    pub fn iso(self) -> String {
        self.format("T", "Z", true)
    }

    /// Date and time with a space and no fraction, as IIS writes it.
    pub(crate) fn w3c(self) -> String {
        self.format(" ", "", false)
    }

    /// Date and time with a space and milliseconds, as Sysmon's `UtcTime` is written.
    pub(crate) fn sysmon(self) -> String {
        self.format(" ", "", true)
    }

    /// Month first and four digits of a fraction, as Exchange Setup writes it.
    pub(crate) fn setup(self) -> String {
        let t = self.civil();
        let (date, ms) = (t.date(), t.millisecond());
        let (h, m, s) = (t.hour(), t.minute(), t.second());
        format!(
            "{:02}/{:02}/{:04} {h:02}:{m:02}:{s:02}.{ms:04}",
            date.month(),
            date.day(),
            date.year()
        )
    }

    /// `20210303`.
    pub(crate) fn day_stamp(self) -> String {
        let date = self.civil().date();
        format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
    }

    /// `2021030304`.
    pub(crate) fn hour_stamp(self) -> String {
        format!("{}{:02}", self.day_stamp(), self.hour())
    }

    /// Hour of the day.
    pub(crate) fn hour(self) -> u8 {
        u8::try_from(self.civil().hour()).unwrap_or(0)
    }

    fn civil(self) -> jiff::civil::DateTime {
        let stamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        TimeZone::UTC.to_datetime(stamp)
    }

    fn format(self, between: &str, end: &str, millis: bool) -> String {
        let t = self.civil();
        let d = t.date();
        let fraction = if millis { format!(".{:03}", t.millisecond()) } else { String::new() };
        format!(
            "{:04}-{:02}-{:02}{between}{:02}:{:02}:{:02}{fraction}{end}",
            d.year(),
            d.month(),
            d.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }
}

impl Length {
    /// A length of so many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A length of so many seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl TryFrom<String> for Moment {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<Timestamp>()?.as_millisecond()))
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.iso()
    }
}

impl TryFrom<String> for Length {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        let millis = text.parse::<SignedDuration>()?.as_millis();
        Ok(Self(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

impl From<Length> for String {
    fn from(length: Length) -> Self {
        format!("{:#}", SignedDuration::from_millis(length.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_way_of_writing() {
        let at = Moment::try_from("2021-03-13T05:01:28.038Z".to_owned()).unwrap();
        assert_eq!(at.iso(), "2021-03-13T05:01:28.038Z");
        assert_eq!(at.w3c(), "2021-03-13 05:01:28");
        assert_eq!(at.sysmon(), "2021-03-13 05:01:28.038");
        assert_eq!(at.setup(), "03/13/2021 05:01:28.0038");
        assert_eq!(at.hour_stamp(), "2021031305");
    }

    #[test]
    fn lengths_read_as_people_write_them() {
        for (text, millis) in
            [("0s", 0), ("2m10s", 130_000), ("1d2h", 93_600_000), ("-5h", -18_000_000)]
        {
            let text = text.replace("1d2h", "26h");
            assert_eq!(Length::try_from(text).unwrap().millis(), millis);
        }
        assert!(Length::try_from("soon".to_owned()).is_err());
    }
}
