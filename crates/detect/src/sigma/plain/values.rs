//! Numbers, parts of times, and networks.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv6Addr};

use model::Value;

/// A number, whole where it is written so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Fraction(f64),
}

impl Number {
    /// The number that a text is: a sign, digits, and perhaps a point and more digits.
    pub(super) fn read(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_digits = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
        match unsigned.split_once('.') {
            None if is_digits(unsigned) => text.parse().ok().map(Self::Whole),
            Some((whole, part)) if is_digits(whole) && is_digits(part) => {
                text.parse().ok().map(Self::Fraction)
            }
            _ => None,
        }
    }

    /// The number that a text of a record states: also in hexadecimal digits behind `0x`.
    pub(super) fn stated(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match hex {
            Some(digits) if digits.chars().all(|c| c.is_ascii_hexdigit()) => {
                i128::from_str_radix(digits, 16).ok().map(Self::Whole)
            }
            Some(_) => None,
            None => Self::read(text),
        }
    }

    /// The number that a value is, if the record gives it as one.
    pub(super) fn given(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Int(n) => Some(Self::Whole(i128::from(*n))),
            Value::UInt(n) => Some(Self::Whole(i128::from(*n))),
            Value::Float(n) => Some(Self::Fraction(*n)),
            Value::Null | Value::Str(_) | Value::Bool(_) => None,
        }
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.as_fraction().partial_cmp(&b.as_fraction()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "fractions are compared as such")]
    fn as_fraction(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Fraction(n) => n,
        }
    }
}

/// The modifiers that compare, and the orderings that they allow.
pub(super) fn orderings(modifier: &str) -> Option<&'static [Ordering]> {
    Some(match modifier {
        "lt" => &[Ordering::Less],
        "lte" => &[Ordering::Less, Ordering::Equal],
        "gt" => &[Ordering::Greater],
        "gte" => &[Ordering::Greater, Ordering::Equal],
        _ => return None,
    })
}

pub(super) const TIME_PARTS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];

/// The part of the date or time that a text states, in the text's own zone.
pub(super) fn time_part(part: &str, text: &str) -> Option<i128> {
    let text = text.trim();
    let (date, time) = match text.split_at_checked(10) {
        Some((date, "")) if date.contains('-') => (Some(date), None),
        Some((date, time)) if time.starts_with(['T', ' ']) => (Some(date), time.get(1..)),
        _ => (None, Some(text)),
    };
    let date = match date {
        Some(date) => Some(Date::read(date)?),
        None => None,
    };
    let clock = match time {
        Some(time) => Some(clock(time, date.is_some())?),
        None => None,
    };
    match part {
        "minute" => clock.map(|(_, minute)| minute),
        "hour" => clock.map(|(hour, _)| hour),
        "day" => date.map(|date| date.day),
        "week" => date.map(Date::iso_week),
        "month" => date.map(|date| date.month),
        "year" => date.map(|date| date.year),
        _ => None,
    }
}

/// Exactly that many digits.
fn digits(text: &str, count: usize) -> Option<i128> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Hour and minute of `HH:MM:SS`, perhaps with a fraction; behind a date also with a zone.
fn clock(text: &str, zone_allowed: bool) -> Option<(i128, i128)> {
    let (time, rest) = text.split_at_checked(8)?;
    let mut parts = time.split(':');
    let mut next = || digits(parts.next()?, 2);
    let (hour, minute, second) = (next()?, next()?, next()?);
    let zone = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let is_zone = zone_allowed && zone.trim_start().starts_with(['Z', 'z', '+', '-']);
    let fits = hour < 24 && minute < 60 && second <= 60 && (zone.is_empty() || is_zone);
    fits.then_some((hour, minute))
}

#[derive(Clone, Copy)]
struct Date {
    year: i128,
    month: i128,
    day: i128,
}

impl Date {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?);
        let day = digits(parts.next()?, 2)?;
        let length = month_length(year, month)?;
        ((1..=length).contains(&day) && parts.next().is_none()).then_some(Self { year, month, day })
    }

    /// Days since the first of January, from 1.
    fn day_of_year(self) -> i128 {
        let before = (1..self.month).filter_map(|month| month_length(self.year, month));
        before.sum::<i128>() + self.day
    }

    /// The week of the ISO calendar: that of the Thursday which lies in the same week.
    fn iso_week(self) -> i128 {
        let thursday = self.day_of_year() + 4 - weekday(self.year, self.day_of_year());
        let days = |year| if is_leap(year) { 366 } else { 365 };
        let day = match thursday {
            ..=0 => thursday + days(self.year - 1),
            _ if thursday > days(self.year) => thursday - days(self.year),
            _ => thursday,
        };
        (day - 1) / 7 + 1
    }
}

/// Monday is 1, Sunday 7: 1 January of the year 1 was a Monday.
fn weekday(year: i128, day_of_year: i128) -> i128 {
    let past = year - 1;
    let leap_days = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    (past * 365 + leap_days + day_of_year - 1).rem_euclid(7) + 1
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_length(year: i128, month: i128) -> Option<i128> {
    Some(match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    })
}

/// A network: the first bits that its addresses have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// `address/bits`; an address alone is a network of one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(length);
        (bits <= length).then_some(Self { address, bits })
    }

    /// Whether the address that a text states is in it; IPv4 written as IPv6 counts as both.
    pub(super) fn holds(self, text: &str) -> bool {
        let text = text.trim();
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        let without_zone = inner.split('%').next().unwrap_or(inner);
        let Ok(address) = without_zone.parse::<IpAddr>() else { return false };
        let as_v4 = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        self.has(address) || as_v4.is_some_and(|v4| self.has(v4))
    }

    fn has(self, address: IpAddr) -> bool {
        let (own, other, length) = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (Ipv6Addr::to_bits(a), Ipv6Addr::to_bits(b), 128),
            _ => return false,
        };
        let behind = length - self.bits;
        own.checked_shr(behind).unwrap_or(0) == other.checked_shr(behind).unwrap_or(0)
    }
}
