//! Times of a CSV that a spreadsheet may have rewritten.

use jiff::civil;

use crate::formats::text::{date, number};

/// Which of two numbers is the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// No row tells.
    #[default]
    Unknown,
    /// Month first.
    MonthFirst,
    /// Day first.
    DayFirst,
}

/// A local time in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    first: i32,
    second: i32,
    year: i32,
    time: civil::Time,
    digits: u8,
    /// The order that the text itself shows.
    shown: Order,
}

impl Local {
    /// Reads `3/4/2021 11:22:33 AM`, `04/03/2021 11:22`, `04.03.2021 11:22:33,5` and the like.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (day, clock) = text.trim().split_once(' ')?;
        let separator = day.chars().find(|c| !c.is_ascii_digit())?;
        let mut parts = day.split(separator).map(number);
        let (first, second, year) = (parts.next()??, parts.next()??, parts.next()??);
        let half = clock.trim_end().rsplit_once(' ').map(|(_, half)| half.to_ascii_uppercase());
        let (time, digits) = read_clock(clock.split(' ').next()?, half.as_deref())?;
        let shown = match () {
            () if first > 12 || separator == '.' => Order::DayFirst,
            () if second > 12 || half.is_some() => Order::MonthFirst,
            () => Order::Unknown,
        };
        (parts.next().is_none() && matches!(separator, '/' | '.' | '-')).then_some(Self {
            first,
            second,
            year,
            time,
            digits,
            shown,
        })
    }

    pub(super) fn shown(&self) -> Order {
        self.shown
    }

    /// The time under an order; `None` where neither it nor the file tells the day from the month.
    pub(super) fn under(&self, order: Order) -> Option<(civil::DateTime, u8)> {
        let order = if self.shown == Order::Unknown { order } else { self.shown };
        let day = match order {
            Order::MonthFirst => date(self.year, self.first, self.second)?,
            Order::DayFirst => date(self.year, self.second, self.first)?,
            Order::Unknown if self.first == self.second => {
                date(self.year, self.first, self.second)?
            }
            Order::Unknown => return None,
        };
        Some((day.to_datetime(self.time), self.digits))
    }
}

fn read_clock(clock: &str, half: Option<&str>) -> Option<(civil::Time, u8)> {
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = parts.next().unwrap_or("0");
    let (second, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let digits = fraction.len().min(9);
    let nanos = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<9}"))? };
    let hour = match half {
        Some("PM") if hour < 12 => hour + 12,
        Some("AM") if hour == 12 => 0,
        _ => hour,
    };
    let (hour, minute) = (hour.try_into().ok()?, minute.try_into().ok()?);
    let time = civil::Time::new(hour, minute, number(second)?.try_into().ok()?, nanos).ok()?;
    Some((time, digits.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_spreadsheets_make_of_a_time() {
        for (text, order, expected) in [
            ("3/4/2021 11:22:33 AM", Order::Unknown, "2021-03-04T11:22:33"),
            ("3/4/2021 12:22:33 AM", Order::Unknown, "2021-03-04T00:22:33"),
            ("3/4/2021 1:22:33 PM", Order::Unknown, "2021-03-04T13:22:33"),
            ("04.03.2021 11:22", Order::Unknown, "2021-03-04T11:22:00"),
            ("14/03/2021 11:22:33", Order::Unknown, "2021-03-14T11:22:33"),
            ("03/14/2021 11:22:33.125", Order::Unknown, "2021-03-14T11:22:33.125"),
            ("03/04/2021 11:22:33", Order::DayFirst, "2021-04-03T11:22:33"),
            ("03/03/2021 11:22:33", Order::Unknown, "2021-03-03T11:22:33"),
        ] {
            let (at, _) = Local::read(text).unwrap().under(order).unwrap();
            assert_eq!(at.to_string(), expected, "{text}");
        }
        assert!(Local::read("03/04/2021 11:22:33").unwrap().under(Order::Unknown).is_none());
        for text in ["", "soon", "2021-03-04T11:22:33.123Z", "1/2/3/4 5:6", "03/04/2021 99:00"] {
            assert!(Local::read(text).is_none(), "{text}");
        }
    }
}
