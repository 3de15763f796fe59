//! Names of case folders: the host name is the attacker's to choose.

use sha2::{Digest as _, Sha256};

use crate::content::hex;

const MAX: usize = 64;
/// What no name begins with; the underscore is for hosts without a name.
const EDGE: [char; 3] = ['.', '_', '-'];

/// A folder name of `[a-z0-9._-]`, at most 64 long, without a leading dot or hyphen (a shell would hand it on as
/// an option), and none that Windows reserves; with a short hash of the name where it had to be changed.
pub(crate) fn folder_name(host: &str) -> String {
    let lower = host.to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let mut name: String = lower.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let unusable = name.is_empty() || name.starts_with(EDGE) || name.ends_with('.');
    if name == lower && !unusable && name.len() <= MAX && !is_reserved(&name) {
        return name;
    }
    let hash = hex(&Sha256::digest(lower.as_bytes()));
    name.truncate(MAX - 9);
    let stem = name.trim_start_matches(EDGE).trim_end_matches('.');
    let stem = if stem.is_empty() || is_reserved(stem) { "host" } else { stem };
    format!("{stem}-{}", hash.get(..8).unwrap_or_default())
}

/// Device names that Windows keeps for itself, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    matches!(stem, "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || ["com", "lpt"].iter().any(|device| {
            stem.strip_prefix(device)
                .is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
        })
}

#[cfg(test)]
mod tests {
    use super::{EDGE, folder_name};

    #[test]
    fn ordinary_names_stay() {
        assert_eq!(folder_name("EX01.contoso.example"), "ex01.contoso.example");
    }

    #[test]
    fn hostile_names_are_tamed_and_stay_distinct() {
        for host in [
            "..",
            "../../etc",
            "-x",
            "--",
            "con",
            "com1.x",
            "",
            "a/b",
            "_unattributed-1",
            ".x",
            "ＥＸ",
            "é",
        ] {
            let name = folder_name(host);
            assert!(name.len() <= 64 && !name.starts_with(EDGE), "{host} -> {name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name}");
            assert!(name.contains('-'), "{host} -> {name}");
        }
        assert_ne!(folder_name("a/b"), folder_name("a\\b"));
        assert!(folder_name(&"x".repeat(300)).len() <= 64);
    }
}
