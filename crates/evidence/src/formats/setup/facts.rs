//! Which lines of Setup say something, and what.

/// A field of an event.
pub(super) type Fact<'a> = (&'static str, &'a str);

/// Beginnings of lines that make events without a fact of their own.
const TOLD: [&str; 11] = [
    "Starting Microsoft Exchange Server",
    "Local time zone:",
    "Operating system version:",
    "Logged on user:",
    "RuntimeAssembly was started with the following command:",
    "The following roles are installed:",
    "MSI was not present",
    "Installing MSI package",
    "Removing MSI package",
    "Installing patch",
    "[ERROR]",
];

/// Beginnings of lines whose rest is a value, and the field that takes it.
const VALUES: [(&str, &str); 6] = [
    ("Setup version:", "Version"),
    ("The locally installed version is", "InstalledVersion"),
    ("The backup copy of the previously installed version is", "PreviousVersion"),
    ("Command Line Parameter Name='mode', Value=", "Mode"),
    ("The installation mode is set to:", "Mode"),
    ("Server Name=", "ServerName"),
];

/// Sentences that say how a run ended.
const OUTCOMES: [(&str, &str); 5] = [
    ("setup operation completed successfully", "success"),
    ("setup completed successfully", "success"),
    ("setup operation didn't complete", "failure"),
    ("setup operation did not complete", "failure"),
    ("end of setup", "end"),
];

/// Whether a line makes an event.
pub(super) fn is_told(message: &str) -> bool {
    TOLD.iter().any(|head| message.starts_with(head))
        || is_patch(message)
        || facts_of(message).next().is_some()
}

/// Whether a line reports an error.
pub(super) fn is_error(message: &str) -> bool {
    message.starts_with("[ERROR]")
}

/// The facts of a line.
pub(super) fn facts_of(message: &str) -> impl Iterator<Item = Fact<'_>> {
    let value = VALUES.iter().find_map(|(head, name)| {
        let value = message.strip_prefix(head)?.trim();
        Some((*name, value.trim_end_matches('.').trim_matches('\'')))
    });
    let outcome = outcome_of(message).map(|outcome| ("Outcome", outcome));
    value.into_iter().chain(outcome)
}

fn outcome_of(message: &str) -> Option<&'static str> {
    // The sentences are short; error texts that quote them are not.
    let message = message.get(..200).unwrap_or(message).to_ascii_lowercase();
    let plain = !message.starts_with('[');
    OUTCOMES
        .iter()
        .find(|(sentence, word)| match *word {
            "end" => message == *sentence,
            _ => plain && message.contains(sentence),
        })
        .map(|(_, word)| *word)
}

fn is_patch(message: &str) -> bool {
    let lower = message.get(..300).unwrap_or(message).to_ascii_lowercase();
    lower.contains(".msp") && (lower.starts_with("install") || lower.starts_with("apply"))
}

/// Seconds east of UTC in `Local time zone: (UTC-06:00) ...`.
pub(super) fn offset_of(message: &str) -> Option<i64> {
    let zone = message.strip_prefix("Local time zone:")?.trim_start();
    let zone = zone.strip_prefix("(UTC").or_else(|| zone.strip_prefix("(GMT"))?;
    let (offset, _) = zone.split_once(')')?;
    if offset.is_empty() {
        return Some(0);
    }
    let sign = match offset.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=18).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets() {
        for (text, expected) in [
            ("Local time zone: (UTC-06:00) Central Time (US & Canada).", Some(-21_600)),
            ("Local time zone: (UTC+05:30) Chennai.", Some(19_800)),
            ("Local time zone: (UTC) Coordinated Universal Time.", Some(0)),
            ("Local time zone: (GMT+01:00) Berlin", Some(3600)),
            ("Local time zone: (UTC+99:00) Nowhere", None),
            ("Local time zone: Central", None),
        ] {
            assert_eq!(offset_of(text), expected, "{text}");
        }
    }

    #[test]
    fn tells_facts() {
        let facts = |text| facts_of(text).map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>();
        for (text, expected) in [
            ("Setup version: 15.1.2308.8.", vec!["Version=15.1.2308.8"]),
            ("The locally installed version is 15.1.2242.4.", vec!["InstalledVersion=15.1.2242.4"]),
            ("Command Line Parameter Name='mode', Value='Upgrade'.", vec!["Mode=Upgrade"]),
            (
                "The Exchange Server setup operation completed successfully.",
                vec!["Outcome=success"],
            ),
            (
                "The Exchange Server setup operation didn't complete. More ...",
                vec!["Outcome=failure"],
            ),
            ("End of Setup", vec!["Outcome=end"]),
            ("[WARNING] The command completed successfully but ...", vec![]),
        ] {
            assert_eq!(facts(text), expected);
        }
    }
}
