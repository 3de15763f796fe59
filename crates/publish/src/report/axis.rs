//! A time axis: from moments to places, and where to write which label.
//!
//! All of it is integer arithmetic, in tenths of a unit of the drawing, so that the same case gives
//! the same picture on every machine.

use std::fmt;

use model::Time;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length or a place of a drawing, in tenths of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Px(pub(super) i64);

impl Px {
    /// Whole units.
    pub(super) const fn units(n: i64) -> Self {
        Self(n * 10)
    }
}

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", self.0.abs() / 10, self.0.abs() % 10)
    }
}

/// A span of time laid over a span of the drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: i64,
    to: i64,
    left: Px,
    width: Px,
}

/// A mark of the axis.
pub(super) struct Tick {
    pub(super) x: Px,
    pub(super) label: String,
    /// The larger unit, where it changes.
    pub(super) under: String,
}

impl Axis {
    /// From and to in nanoseconds; an empty span is widened to a second.
    pub(super) fn new(from: i64, to: i64, left: Px, width: Px) -> Self {
        let to = if to > from { to } else { from.saturating_add(SECOND) };
        Self { from, to, left, width }
    }

    /// First moment.
    pub(super) fn from(&self) -> i64 {
        self.from
    }

    /// Last moment.
    pub(super) fn to(&self) -> i64 {
        self.to
    }

    /// The place of a moment; what lies outside is put on the edge.
    pub(super) fn x(&self, nanos: i64) -> Px {
        let nanos = nanos.clamp(self.from, self.to);
        let part = i128::from(nanos) - i128::from(self.from);
        let whole = i128::from(self.to) - i128::from(self.from);
        let offset = i128::from(self.width.0) * part / whole;
        Px(self.left.0 + i64::try_from(offset).unwrap_or(0))
    }

    /// Marks at round moments, at most about eight.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let span = self.to.saturating_sub(self.from);
        let (moments, unit) = if span > 120 * DAY {
            self.months(span)
        } else {
            let step = step(span);
            (self.steps(step), if step >= DAY { Unit::Day } else { Unit::of_time(step) })
        };
        let mut last = String::new();
        moments
            .into_iter()
            .map(|nanos| {
                let (label, larger) = unit.label(nanos);
                let under = if larger == last { String::new() } else { larger.clone() };
                last = larger;
                Tick { x: self.x(nanos), label, under }
            })
            .collect()
    }

    fn steps(&self, step: i64) -> Vec<i64> {
        let first = self.from.div_euclid(step).saturating_add(1).saturating_mul(step);
        let on_start = (self.from.rem_euclid(step) == 0).then_some(self.from);
        let rest = (0..16).map(|n| first.saturating_add(step.saturating_mul(n)));
        on_start.into_iter().chain(rest.take_while(|at| *at <= self.to)).collect()
    }

    fn months(&self, span: i64) -> (Vec<i64>, Unit) {
        let months = span / (30 * DAY);
        let step = [1, 2, 3, 6, 12, 24, 60, 120, 240, 480]
            .into_iter()
            .find(|step| months / step <= 8)
            .unwrap_or(960);
        let (year, month) = year_and_month(self.from);
        let first = (year * 12 + month - 1).div_euclid(step) * step;
        let moments = (0..16)
            .filter_map(|n| first_of_month(first + n * step))
            .filter(|at| (self.from..=self.to).contains(at))
            .collect();
        (moments, if step >= 12 { Unit::Year } else { Unit::Month })
    }
}

/// The step that leaves at most eight marks.
fn step(span: i64) -> i64 {
    const STEPS: [i64; 29] = [
        1_000,
        10_000,
        100_000,
        1_000_000,
        10_000_000,
        50_000_000,
        100_000_000,
        200_000_000,
        500_000_000,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        15 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        5 * DAY,
        7 * DAY,
    ];
    STEPS.into_iter().find(|step| span / step <= 8).unwrap_or(14 * DAY)
}

fn year_and_month(nanos: i64) -> (i64, i64) {
    let text = Time::from_unix_nanos(nanos, 0).to_string();
    let part = |from, to| text.get(from..to).and_then(|t: &str| t.parse().ok());
    (part(0, 4).unwrap_or(1970), part(5, 7).unwrap_or(1))
}

fn first_of_month(months: i64) -> Option<i64> {
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    Time::parse(&format!("{year:04}-{month:02}-01T00:00:00Z")).map(Time::unix_nanos)
}

/// What a label says.
#[derive(Clone, Copy)]
enum Unit {
    Year,
    Month,
    Day,
    Minute,
    Second,
    /// With that many digits behind the second.
    Fraction(u8),
}

impl Unit {
    fn of_time(step: i64) -> Self {
        match step {
            MINUTE.. => Self::Minute,
            SECOND.. => Self::Second,
            100_000_000.. => Self::Fraction(1),
            10_000_000.. => Self::Fraction(2),
            1_000_000.. => Self::Fraction(3),
            _ => Self::Fraction(6),
        }
    }

    /// The label of a moment, and the larger unit that it stands in.
    fn label(self, nanos: i64) -> (String, String) {
        let digits = if let Self::Fraction(digits) = self { digits } else { 0 };
        let text = Time::from_unix_nanos(nanos, digits).to_string();
        let part = |from, to| text.get(from..to).unwrap_or_default().to_owned();
        let (year, time) = (part(0, 4), text.get(11..).unwrap_or_default().trim_end_matches('Z'));
        let day = format!("{} {}", part(8, 10).trim_start_matches('0'), month_name(&part(5, 7)));
        match self {
            Self::Year => (year, String::new()),
            Self::Month => (month_name(&part(5, 7)).to_owned(), year),
            Self::Day => (day, year),
            Self::Minute => (part(11, 16), format!("{day} {year}")),
            Self::Second | Self::Fraction(_) => (time.to_owned(), format!("{day} {year}")),
        }
    }
}

fn month_name(month: &str) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = month.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    at.and_then(|at| NAMES.get(at)).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str) -> Vec<String> {
        let nanos = |text| Time::parse(text).unwrap().unix_nanos();
        let axis = Axis::new(nanos(from), nanos(to), Px::units(200), Px::units(800));
        let ticks = axis.ticks();
        assert!((2..=9).contains(&ticks.len()), "{from} {to}: {} ticks", ticks.len());
        ticks
            .into_iter()
            .map(|t| format!("{} {}", t.label, t.under).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn labels_fit_the_span() {
        let cases = [
            (
                "2021-03-14T06:40:10.7Z",
                "2021-03-14T06:40:17.6Z",
                "06:40:11 14 Mar 2021",
                "06:40:17",
            ),
            ("2021-03-14T06:40:00Z", "2021-03-14T06:41:27Z", "06:40:00 14 Mar 2021", "06:41:20"),
            ("2021-01-03T00:00:00Z", "2021-03-14T06:42:00Z", "7 Jan 2021", "4 Mar"),
            ("2020-11-10T00:00:00Z", "2021-06-01T00:00:00Z", "Dec 2020", "Jun"),
            ("2010-11-10T00:00:00Z", "2021-06-01T00:00:00Z", "2012", "2020"),
            ("2021-03-14T22:00:00Z", "2021-03-15T03:00:00Z", "22:00 14 Mar 2021", "03:00"),
            ("2021-03-14T22:00:00Z", "2021-03-14T22:00:00.02Z", "22:00:00.00", "22:00:00.02"),
        ];
        for (from, to, first, last) in cases {
            let labels = labels(from, to);
            assert!(labels.first().unwrap().starts_with(first), "{labels:?}");
            assert_eq!(labels.last().unwrap(), last, "{labels:?}");
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        let axis = Axis::new(i64::MIN, i64::MAX, Px::units(0), Px::units(10));
        assert_eq!(axis.x(i64::MAX), Px::units(10));
        assert!(axis.ticks().len() < 17);
        let none = Axis::new(5, 5, Px::units(0), Px::units(10));
        assert_eq!(none.x(0).to_string(), "0.0");
    }
}
