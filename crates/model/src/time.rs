//! Points in time as evidence states them.

use std::fmt;

use jiff::civil;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, in nanoseconds since 1970, with the number of fractional digits that its record had.
///
/// Ordered by moment; of equal moments the one with fewer digits comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    nanos: i64,
    digits: u8,
}

/// Which rule gave an event its time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TimeBasis {
    /// The record itself states UTC, or its format is defined to be UTC.
    RecordUtc,
    /// Local time with a zone that the record, its file or the user (`--zone`) declared.
    Declared,
    /// Moved by an offset that paired records prove, or taken from the record's own second time.
    Corrected,
    /// Zone or clock unproven; see the precision of what rests on it.
    Assumed,
    /// Taken from the name of the file.
    FileName,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Time {
    /// From nanoseconds since 1970 UTC; `digits` (0..=9) fractional digits are shown.
    pub fn from_unix_nanos(nanos: i64, digits: u8) -> Self {
        Self { nanos, digits: digits.min(9) }
    }

    /// From whole seconds since 1970 UTC; `None` outside of the years 1678 to 2261.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Some(Self { nanos: seconds.checked_mul(NANOS_PER_SECOND)?, digits: 0 })
    }

    /// From a Windows FILETIME (100 ns steps since 1601); `None` after the year 2261.
    pub fn from_filetime(ticks: u64) -> Option<Self> {
        const UNIX_EPOCH_TICKS: i128 = 116_444_736_000_000_000;
        let nanos = (i128::from(ticks) - UNIX_EPOCH_TICKS) * 100;
        Some(Self { nanos: i64::try_from(nanos).ok()?, digits: 7 })
    }

    /// From a civil date and time that is in UTC, with the digits that the text had.
    pub fn from_civil_utc(at: civil::DateTime, digits: u8) -> Option<Self> {
        let days = days_since_1970(at.date());
        let seconds = days * 86_400
            + i64::from(at.hour()) * 3_600
            + i64::from(at.minute()) * 60
            + i64::from(at.second());
        let nanos = seconds
            .checked_mul(NANOS_PER_SECOND)?
            .checked_add(i64::from(at.subsec_nanosecond()))?;
        Some(Self { nanos, digits: digits.min(9) })
    }

    /// Reads `YYYY-MM-DD[T ]HH:MM:SS[.fraction][Z|+hh:mm|-hh:mm]`; no zone means UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, digits, rest) = parse_civil(text.trim())?;
        let utc = Self::from_civil_utc(at, digits)?;
        match rest {
            "" | "Z" | "z" => Some(utc),
            _ => utc.plus_seconds(-parse_offset(rest)?),
        }
    }

    /// Reads a civil time without zone; gives it with its fractional digits and what follows it.
    pub fn parse_civil(text: &str) -> Option<(civil::DateTime, u8, &str)> {
        parse_civil(text)
    }

    /// Nanoseconds since 1970 UTC.
    pub fn unix_nanos(self) -> i64 {
        self.nanos
    }

    /// Fractional digits that its record had.
    pub fn digits(self) -> u8 {
        self.digits
    }

    /// Whole seconds since 1970 UTC, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.nanos.div_euclid(NANOS_PER_SECOND)
    }

    /// Whole hours since 1970 UTC, rounded down: the buckets in which coverage is counted.
    pub fn unix_hours(self) -> i64 {
        self.unix_seconds().div_euclid(3_600)
    }

    /// This moment moved by whole seconds; `None` on overflow.
    pub fn plus_seconds(self, seconds: i64) -> Option<Self> {
        let nanos = self.nanos.checked_add(seconds.checked_mul(NANOS_PER_SECOND)?)?;
        Some(Self { nanos, ..self })
    }

    /// Seconds from `earlier` to this moment, as a fraction.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds are enough for a difference")]
        let nanos = (self.nanos.saturating_sub(earlier.nanos)) as f64;
        nanos / 1e9
    }
}

fn days_since_1970(date: civil::Date) -> i64 {
    // Days from civil, after the proleptic Gregorian calendar.
    let (y, m, d) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn parse_civil(text: &str) -> Option<(civil::DateTime, u8, &str)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i32> {
        bytes
            .get(from..to)?
            .iter()
            .try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i32::from(b - b'0')))
    };
    let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|b| any.contains(b));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"T ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let date = civil::Date::new(
        i16::try_from(number(0, 4)?).ok()?,
        i8::try_from(number(5, 7)?).ok()?,
        i8::try_from(number(8, 10)?).ok()?,
    )
    .ok()?;
    let mut end = 19;
    let (mut nanos, mut digits) = (0_i32, 0_u8);
    if is(19, b".,") {
        end = 20;
        while let Some(b) = bytes.get(end).filter(|b| b.is_ascii_digit()) {
            if digits < 9 {
                nanos = nanos * 10 + i32::from(b - b'0');
                digits += 1;
            }
            end += 1;
        }
        for _ in digits..9 {
            nanos *= 10;
        }
    }
    // A leap second is a valid stamp that no calendar library holds: it counts as the second before.
    let second = number(17, 19)?;
    let second = if second == 60 { 59 } else { second };
    let time = civil::Time::new(
        i8::try_from(number(11, 13)?).ok()?,
        i8::try_from(number(14, 16)?).ok()?,
        i8::try_from(second).ok()?,
        nanos,
    )
    .ok()?;
    Some((date.to_datetime(time), digits, text.get(end..)?))
}

fn parse_offset(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = digits.parse().ok()?;
    Some(sign * ((n / 100) * 3_600 + (n % 100) * 60))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(at) = jiff::Timestamp::from_nanosecond(i128::from(self.nanos)) else {
            return f.write_str("out of range");
        };
        write!(f, "{at:.precision$}", precision = usize::from(self.digits))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("not an RFC 3339 time: {text}")))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "format": "date-time",
            "description": "RFC 3339, UTC, with as many fractional digits as the record had"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_digits_of_the_record() {
        for text in [
            "2021-03-14T06:40:13Z",
            "2021-03-14T06:40:13.659Z",
            "2021-03-14T06:40:13.6590000Z",
            "1969-12-31T23:59:59.5Z",
            "2000-02-29T00:00:00Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn applies_a_stated_offset() {
        let t = Time::parse("2021-03-14T01:40:13.659-05:00").unwrap();
        assert_eq!(t.to_string(), "2021-03-14T06:40:13.659Z");
        assert_eq!(Time::parse("2021-03-14 06:40:13").unwrap().to_string(), "2021-03-14T06:40:13Z");
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in
            ["", "2021-13-01T00:00:00Z", "2021-02-30T00:00:00Z", "2021-01-01T00:00:00+1", "é"]
        {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_filetime() {
        let t = Time::from_filetime(132_602_928_136_590_000).unwrap();
        assert_eq!(t.to_string(), "2021-03-15T14:40:13.6590000Z");
        assert_eq!(Time::from_filetime(u64::MAX), None);
    }
}
