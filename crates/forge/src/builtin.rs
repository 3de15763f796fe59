//! The scenarios that come with the program.

/// Name and text of each.
const BUILTIN: [(&str, &str); 19] = [
    ("demo", include_str!("../scenarios/demo.yaml")),
    ("attempted", include_str!("../scenarios/attempted.yaml")),
    ("clock_shift", include_str!("../scenarios/clock_shift.yaml")),
    ("compromised", include_str!("../scenarios/compromised.yaml")),
    ("mailbox_read", include_str!("../scenarios/mailbox_read.yaml")),
    ("no_sysmon", include_str!("../scenarios/no_sysmon.yaml")),
    ("other_forms", include_str!("../scenarios/other_forms.yaml")),
    ("proxyshell", include_str!("../scenarios/proxyshell.yaml")),
    ("proxyshell_scanned", include_str!("../scenarios/proxyshell_scanned.yaml")),
    ("quiet", include_str!("../scenarios/quiet.yaml")),
    ("quiet_first_days_missing", include_str!("../scenarios/quiet_first_days_missing.yaml")),
    ("quiet_patched", include_str!("../scenarios/quiet_patched.yaml")),
    ("quiet_rolled", include_str!("../scenarios/quiet_rolled.yaml")),
    ("scanned", include_str!("../scenarios/scanned.yaml")),
    ("scanned_localhost", include_str!("../scenarios/scanned_localhost.yaml")),
    ("scanned_patched", include_str!("../scenarios/scanned_patched.yaml")),
    ("shell_removed", include_str!("../scenarios/shell_removed.yaml")),
    ("table_only", include_str!("../scenarios/table_only.yaml")),
    ("wiped", include_str!("../scenarios/wiped.yaml")),
];

/// Text of a scenario that comes with the program.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Names of all of them.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}
