//! The words and numbers of every document: one place, so that all of them speak alike.

use model::Time;
use model::case::{
    ActionStatus, Adequacy, ClosedBy, Confidence, CoverageState, Engine, Exposure, Level, Presence,
    Question, ReadState, Severity, WindowState,
};
use model::{Locator, TimeBasis};

/// A closed list of values, each with the word that stands for it in print.
pub(crate) trait Word {
    /// The word.
    fn word(&self) -> &'static str;
}

macro_rules! word {
    ($type:ty { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl Word for $type {
            fn word(&self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

word!(Level {
    None => "none", Scanned => "scanned", Attempted => "attempted", Compromised => "compromised",
});
word!(Exposure {
    Exposed => "exposed", WasExposed => "was exposed", NotExposed => "not exposed",
    Unknown => "unknown",
});
word!(Presence {
    Present => "present", Removed => "removed", Unknown => "unknown",
    NotApplicable => "not applicable",
});
word!(Adequacy { Adequate => "adequate", Partial => "partial", Inadequate => "inadequate" });
word!(Confidence { Low => "low", Moderate => "moderate", High => "high" });
word!(Question {
    Exposed => "Exposed?", Hit => "Hit?", StillIn => "Still in?", Taken => "Taken?",
    Who => "Who?", WhatNow => "What now?",
});
word!(WindowState { Open => "open", Closed => "closed", Unknown => "unknown" });
word!(ClosedBy {
    Patch => "patch", Mitigation => "mitigation", Isolation => "isolation", Unknown => "unknown",
});
word!(CoverageState {
    Present => "read", Absent => "absent", Unreadable => "unreadable",
    NotAssessed => "not assessed",
});
word!(Engine {
    Sigma => "Sigma", Correlation => "correlation", Yara => "YARA", Ioc => "indicator",
    Check => "check",
});
word!(Severity {
    Informational => "informational", Low => "low", Medium => "medium", High => "high",
    Critical => "critical",
});
word!(ActionStatus { Open => "open", Closed => "done", Waived => "waived" });
word!(ReadState { Full => "full", Partial => "partial", None => "not read" });
word!(TimeBasis {
    RecordUtc => "record, UTC", Declared => "declared zone", Corrected => "corrected",
    Assumed => "assumed", FileName => "file name",
});

/// The word for a severity.
pub fn severity(level: Severity) -> &'static str {
    level.word()
}

/// `1234567` as `1,234,567`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things that are in memory.
pub(crate) fn count(n: usize) -> String {
    number(u64::try_from(n).unwrap_or(u64::MAX))
}

/// `1 file`, `2 files`.
pub(crate) fn several(n: u64, one: &str, more: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { more })
}

/// A number of things that are in memory, with their noun: `1 file`, `1,200 files`.
pub fn counted(n: usize, one: &str, more: &str) -> String {
    several(u64::try_from(n).unwrap_or(u64::MAX), one, more)
}

/// Bytes in the unit that fits, with one digit after the point, without floating point.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut scaled = u128::from(n) * 10 / 1000;
    let mut unit = "B";
    for next in UNITS {
        if scaled < 10 {
            break;
        }
        if unit != "B" {
            scaled /= 1000;
        }
        unit = next;
        if scaled < 10_000 {
            break;
        }
    }
    if unit == "B" { format!("{n} B") } else { format!("{}.{} {unit}", scaled / 10, scaled % 10) }
}

/// `2021-03-03 04:12:07.5 UTC`, with the digits of the record.
pub(crate) fn stamp(time: Time) -> String {
    format!("{} UTC", stamp_bare(time))
}

/// The same without the zone, for columns whose head names it.
pub(crate) fn stamp_bare(time: Time) -> String {
    time.to_string().trim_end_matches('Z').replacen('T', " ", 1)
}

/// `2021-03-03`.
pub(crate) fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

/// A time that may not be known.
pub(crate) fn stamp_or_unknown(time: Option<Time>) -> String {
    time.map_or_else(|| "unknown".to_owned(), stamp_bare)
}

/// A span in the unit that a person would choose.
pub(crate) fn duration(seconds: i64) -> String {
    let n = seconds.unsigned_abs();
    let (n, unit) = match n {
        0..120 => (n, "second"),
        120..7_200 => (n / 60, "minute"),
        7_200..172_800 => (n / 3_600, "hour"),
        _ => (n / 86_400, "day"),
    };
    format!("{} {unit}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Where in its file a record stands.
pub(crate) fn locator(at: &Locator) -> String {
    let record = at.record.map(|n| format!("record {n}"));
    let place = at.offset.map(|offset| match at.length {
        Some(length) => format!("byte {offset}, {length} bytes"),
        None => format!("byte {offset}"),
    });
    let parts: Vec<String> = record.into_iter().chain(place).collect();
    if parts.is_empty() { "whole file".to_owned() } else { parts.join("; ") }
}

/// What a gap in a source is, in words; a cause that is not listed is shown with spaces.
pub(crate) fn cause(cause: &str) -> String {
    match cause {
        "before_first_record" => "nothing before the first record".to_owned(),
        "after_last_record" => "nothing after the last record".to_owned(),
        "silence" => "silent".to_owned(),
        "damaged" => "damaged".to_owned(),
        "cleared" => "log cleared".to_owned(),
        other => spaced(other),
    }
}

/// The same in a word or two, for narrow places.
pub(crate) fn short_cause(cause: &str) -> String {
    match cause {
        "before_first_record" => "starts late".to_owned(),
        "after_last_record" => "ends early".to_owned(),
        "silence" => "silent".to_owned(),
        other => self::cause(other),
    }
}

/// A `snake_case` word for readers.
pub(crate) fn spaced(word: &str) -> String {
    crate::inert_text(word).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let numbers = [(0, "0"), (999, "999"), (1_000, "1,000"), (6_120_334, "6,120,334")];
        for (n, want) in numbers {
            assert_eq!(number(n), want);
        }
        let sizes = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_949, "1.9 kB"),
            (999_999, "999.9 kB"),
            (1_900_000_000, "1.9 GB"),
            (u64::MAX, "18446.7 PB"),
        ];
        for (n, want) in sizes {
            assert_eq!(bytes(n), want);
        }
        let spans =
            [(1, "1 second"), (-18_000, "5 hours"), (600, "10 minutes"), (172_800, "2 days")];
        for (n, want) in spans {
            assert_eq!(duration(n), want);
        }
    }
}
