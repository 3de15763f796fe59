//! Collections: where in a folder or archive the drives of a host lie, and where that puts each file.

use std::collections::BTreeSet;

use super::name::{Name, percent_decode};

/// Drives that one container is searched for; more would be somebody playing with names.
const MOST_DRIVES: usize = 4096;

/// The drives that the names of one container show.
#[derive(Default)]
pub(crate) struct Layout {
    /// Paths up to and with the drive's folder.
    drives: BTreeSet<String>,
    /// The folders that hold those drives, without the container's own top.
    tops: BTreeSet<String>,
}

/// Where a name stands in its container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Components that lie above the collection's root; `None` where no drive shows a root.
    pub(crate) root: Option<usize>,
    /// Components below the root, escapes undone.
    pub(crate) below: Vec<String>,
    /// The letter that `below` begins with, if it is one.
    pub(crate) drive: Option<char>,
}

struct Drive {
    /// Where its folder stands.
    at: usize,
    /// How many components lie above the collection.
    root: usize,
    volume: Volume,
    /// The names below are percent-escaped.
    coded: bool,
}

enum Volume {
    Letter(char),
    /// A shadow copy or another device without a letter.
    Device(String),
}

impl Layout {
    /// Takes note of a name before any is placed.
    pub(crate) fn learn(&mut self, name: &Name) {
        let parts = name.parts();
        let Some(drive) = find_drive(parts, &BTreeSet::new()) else { return };
        if self.drives.len() >= MOST_DRIVES {
            return;
        }
        self.drives.insert(joined(parts, drive.at + 1));
        if drive.root > 0 {
            self.tops.insert(joined(parts, drive.root));
        }
    }

    /// Places a name.
    pub(crate) fn place(&self, name: &Name) -> Spot {
        let parts = name.parts();
        let Some(drive) = find_drive(parts, &self.drives) else {
            let root = (1..parts.len()).rev().find(|n| self.tops.contains(&joined(parts, *n)));
            let below = parts.get(root.unwrap_or(0)..).unwrap_or_default().to_vec();
            return Spot { root, below, drive: None };
        };
        let rest = parts.get(drive.at + 1..).unwrap_or_default();
        let (first, letter) = match drive.volume {
            Volume::Letter(letter) => (letter.to_string(), Some(letter)),
            Volume::Device(name) => (name, None),
        };
        let mut below = vec![first];
        below
            .extend(rest.iter().map(|part| if drive.coded { decoded(part) } else { part.clone() }));
        Spot { root: Some(drive.root), below, drive: letter }
    }
}

fn joined(parts: &[String], count: usize) -> String {
    parts.get(..count).unwrap_or_default().join("/")
}

/// A coded component that decodes to a step upwards stays as it was written.
fn decoded(part: &str) -> String {
    let text = percent_decode(part);
    if matches!(text.as_str(), "" | "." | "..") || text.contains(['/', '\\']) {
        return part.to_owned();
    }
    text
}

/// The outermost drive: one that lies deeper is a folder on it, and may have been put there by anybody.
/// A letter above something that only servers have is believed last: that may lie on a drive further down.
fn find_drive(parts: &[String], known: &BTreeSet<String>) -> Option<Drive> {
    let places = || 0..parts.len().saturating_sub(1);
    let sure = |at: usize| {
        known.contains(&joined(parts, at + 1))
            || parts.get(at + 1).is_some_and(|child| is_top_folder(child))
    };
    let likely = |at: usize| {
        parts.get(at + 1..).is_some_and(|below| below.iter().any(|part| is_server_folder(part)))
    };
    places()
        .find_map(|at| uploads(parts, at).or_else(|| lettered(parts, at, sure)))
        .or_else(|| places().find_map(|at| lettered(parts, at, likely)))
}

/// `uploads/<accessor>/<volume>/...`, the layout of Velociraptor's collections.
fn uploads(parts: &[String], at: usize) -> Option<Drive> {
    if !parts.get(at)?.eq_ignore_ascii_case("uploads") || parts.len() < at + 4 {
        return None;
    }
    let volume = percent_decode(parts.get(at + 2)?);
    let device = volume.rsplit('\\').next().unwrap_or_default();
    let volume = match (explicit_letter(device), volume.starts_with("\\\\")) {
        (Some(letter), _) => Volume::Letter(letter),
        (None, true) if !device.is_empty() => Volume::Device(device.to_owned()),
        _ => return None,
    };
    Some(Drive { at: at + 2, root: at, volume, coded: true })
}

/// A folder that is named after a drive; of a bare letter, `believed` decides.
fn lettered(parts: &[String], at: usize, believed: impl Fn(usize) -> bool) -> Option<Drive> {
    let part = parts.get(at)?;
    let coded = part.contains('%');
    let plain = if coded { percent_decode(part) } else { part.clone() };
    let drive = |letter| Drive { at, root: at, volume: Volume::Letter(letter), coded };
    if let Some(letter) = explicit_letter(&plain) {
        return Some(drive(letter));
    }
    let letter = single_letter(plain.strip_suffix('_').unwrap_or(&plain))?;
    believed(at).then(|| drive(letter))
}

fn explicit_letter(text: &str) -> Option<char> {
    single_letter(text.strip_suffix(':')?)
}

fn single_letter(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let letter = chars.next().filter(char::is_ascii_alphabetic)?;
    chars.next().is_none().then_some(letter.to_ascii_uppercase())
}

/// Folders and files that stand at the top of a Windows volume.
fn is_top_folder(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "$boot",
        "$extend",
        "$logfile",
        "$mft",
        "$recycle.bin",
        "$secure",
        "boot",
        "bootmgr",
        "documents and settings",
        "exchangesetuplogs",
        "hiberfil.sys",
        "inetpub",
        "pagefile.sys",
        "perflogs",
        "program files",
        "program files (x86)",
        "programdata",
        "recovery",
        "swapfile.sys",
        "system volume information",
        "users",
        "windows",
        "winnt",
    ];
    NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// Folders that only web and mail servers have, on whichever volume an administrator put them.
fn is_server_folder(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "clientaccess",
        "exchange server",
        "exchsrvr",
        "exchangesetuplogs",
        "frontend",
        "httpproxy",
        "inetpub",
        "logfiles",
        "winevt",
        "wwwroot",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.strip_prefix("w3svc").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> Name {
        Name::new(path.as_bytes())
    }

    /// root components | path below | drive
    fn placed(layout: &Layout, path: &str) -> String {
        let spot = layout.place(&name(path));
        let root = spot.root.map_or_else(|| "-".to_owned(), |n| n.to_string());
        format!("{root} {} {}", spot.below.join("/"), spot.drive.unwrap_or('-'))
    }

    #[test]
    fn a_name_alone_shows_its_drive() {
        for (path, expected) in [
            ("C/Windows/x.evtx", "0 C/Windows/x.evtx C"),
            ("c/windows/x.evtx", "0 C/windows/x.evtx C"),
            ("EX01/C/inetpub/logs/u.log", "1 C/inetpub/logs/u.log C"),
            ("D:/anything/x", "0 D/anything/x D"),
            ("E%3A/a%20b/x", "0 E/a b/x E"),
            ("C_/Users/x", "0 C/Users/x C"),
            (
                "d/Apps/Mail/Logging/HttpProxy/Owa/x.LOG",
                "0 D/Apps/Mail/Logging/HttpProxy/Owa/x.LOG D",
            ),
            ("uploads/auto/C%3A/Windows/a%25b.evtx", "0 C/Windows/a%b.evtx C"),
            ("EX01/uploads/ntfs/%5C%5C.%5CC%3A/Windows/x", "1 C/Windows/x C"),
            (
                "uploads/ntfs/%5C%5C%3F%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy1/Windows/x",
                "0 HarddiskVolumeShadowCopy1/Windows/x -",
            ),
            ("uploads/auto/C%3A/x/%2e%2e/y", "0 C/x/%2e%2e/y C"),
            ("a/notes/x.txt", "- a/notes/x.txt -"),
            ("x/y/z", "- x/y/z -"),
            ("C", "- C -"),
            ("t/C/inetpub/logs/x", "1 C/inetpub/logs/x C"),
            // The outer drive wins: the inner one is a folder on it.
            ("C/inetpub/D/Windows/x", "0 C/inetpub/D/Windows/x C"),
        ] {
            assert_eq!(placed(&Layout::default(), path), expected, "{path}");
        }
    }

    #[test]
    fn neighbours_show_the_drive_of_an_odd_folder() {
        let mut layout = Layout::default();
        for path in ["EX01/C/Windows/x", "EX02/C/Users/y", "EX02/D/odd/z"] {
            layout.learn(&name(path));
        }
        for (path, expected) in [
            ("EX01/C/odd/tool.aspx", "1 C/odd/tool.aspx C"),
            ("EX01/console.log", "1 console.log -"),
            ("EX02/D/odd/z", "1 D/odd/z -"),
            ("EX03/x", "- EX03/x -"),
        ] {
            assert_eq!(placed(&layout, path), expected, "{path}");
        }
    }
}
