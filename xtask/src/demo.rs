//! The main job, as a new user meets it: the demo must come to its verdict, and print what the README shows.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to do where the README shows something else than the demo prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readme {
    Compare,
    Update,
}

const HEADLINE: &str = "VERDICT    COMPROMISED";
const WIDTH: &str = "100";
const BLOCK: (&str, &str) = ("```text\n", "```\n");
/// Sections of the page that the README shows; the rest is left out with `...`.
const SHOWN: [&str; 7] = ["VERDICT", "HOST", "WHY", "WINDOW", "CHAIN", "TOOK", "REPORT"];
/// Differs from run to run.
const VARYING: &str = "TOOK";

/// Runs the demo and holds its headline and the README against it.
pub(crate) fn run(root: &Path, readme: Readme) -> Result<(), String> {
    let page = in_temporary_folder(|folder| page(root, folder))?;
    if !page.starts_with(HEADLINE) {
        return Err(format!("the demo must come to {HEADLINE:?}; it said:\n{page}"));
    }
    println!("demo: COMPROMISED, as it must be");
    let file = root.join("README.md");
    let text = fs_err::read_to_string(&file).map_err(|e| e.to_string())?;
    let (before, shown, after) =
        block(&text).ok_or("README.md: there is no ```text block for the demo's output")?;
    let excerpt = excerpt(&page);
    match (first_difference(shown, &excerpt), readme) {
        (None, _) => Ok(()),
        (Some(_), Readme::Update) => {
            fs_err::write(&file, [before, &excerpt, after].concat()).map_err(|e| e.to_string())
        }
        (Some(line), Readme::Compare) => Err(format!(
            "README.md: the demo now prints\n  {line}\nlook at it and run `cargo xtask demo --update`"
        )),
    }
}

/// Runs the demo in `folder` and returns what it prints.
pub(crate) fn page(root: &Path, folder: &Path) -> Result<String, String> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--locked", "--package", "assay-cli", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .args(["--", "demo"])
        .env("COLUMNS", WIDTH)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder)
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the demo ended with {}: {message}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}

/// Hands out a folder of its own and removes it afterwards.
pub(crate) fn in_temporary_folder<T>(
    work: impl FnOnce(&Path) -> Result<T, String>,
) -> Result<T, String> {
    let folder: PathBuf = std::env::temp_dir().join(format!("assay-xtask-{}", std::process::id()));
    fs_err::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let done = work(&folder);
    fs_err::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    done
}

/// The README before the block, in it, and after it.
fn block(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find(BLOCK.0)? + BLOCK.0.len();
    let (before, rest) = text.split_at(start);
    let (shown, after) = rest.split_at(rest.find(BLOCK.1)?);
    Some((before, shown, after))
}

/// The sections that the README shows.
fn excerpt(page: &str) -> String {
    let mut text = String::new();
    let mut keep = true;
    for line in page.lines() {
        if let Some(word) = line.split(' ').next().filter(|word| !word.is_empty()) {
            let kept = SHOWN.contains(&word);
            if keep && !kept {
                text.push_str("...\n");
            }
            keep = kept;
        }
        if keep && !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn first_difference<'t>(shown: &str, now: &'t str) -> Option<&'t str> {
    let lasting = |text: &'t str| text.lines().filter(|line| !line.starts_with(VARYING));
    let mut old = shown.lines().filter(|line| !line.starts_with(VARYING));
    let differing = lasting(now).find(|line| old.next() != Some(line));
    differing.or_else(|| old.next().map(|_| "less than the README shows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "VERDICT    X\nSEEN       a\n           b\nDO NOW     c\nCHAIN      d\n           e\n\nTOOK       1 s\n";

    #[test]
    fn sections_that_are_not_shown_leave_dots() {
        assert_eq!(
            excerpt(PAGE),
            "VERDICT    X\n...\nCHAIN      d\n           e\nTOOK       1 s\n"
        );
    }

    #[test]
    fn a_difference_is_named_and_the_time_taken_is_none() {
        let readme = "head\n```text\nVERDICT    X\n...\nTOOK       9 s\n```\ntail\n";
        let (before, shown, after) = block(readme).unwrap();
        assert_eq!((before, after), ("head\n```text\n", "```\ntail\n"));
        assert_eq!(first_difference(shown, "VERDICT    X\n...\nTOOK       1 s\n"), None);
        assert_eq!(first_difference(shown, "VERDICT    Y\n...\n"), Some("VERDICT    Y"));
        assert!(first_difference(shown, "VERDICT    X\n").is_some());
        assert!(first_difference(shown, "VERDICT    X\n...\nCHAIN\n").is_some());
    }
}
