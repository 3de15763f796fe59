//! House rules as a test, not as remarks in a review.

use std::path::{Path, PathBuf};

use regex::Regex;

/// Files of the checkout that may be large: tables of facts, and what tests compare with.
const LARGE: [&str; 4] = [
    "content/packs/exchange/known-files.csv",
    "content/packs/exchange/benign-probes.csv",
    "Cargo.lock",
    "crates/publish/tests/golden",
];
const LARGE_BYTES: u64 = 256 << 10;
const LONGEST_FUNCTION: usize = 100;

/// The four that know `model` and nothing of each other, and what each may depend on of ours.
const WALLS: [(&str, &[&str]); 6] = [
    ("model", &[]),
    ("evidence", &["model"]),
    ("detect", &["model"]),
    ("assess", &["model"]),
    ("publish", &["model"]),
    ("forge", &[]),
];
const OURS: [&str; 8] =
    ["model", "evidence", "detect", "assess", "publish", "investigate", "cli", "forge"];

/// Checks all rules and says each breach with its place and what to do.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let files = files(root).map_err(|e| e.to_string())?;
    let mut breaches = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        size(file, &name, &mut breaches);
        if has_extension(file, "rs") {
            let text = fs_err::read_to_string(file).map_err(|e| e.to_string())?;
            source(&name, &text, &mut breaches);
        }
    }
    walls(root, &mut breaches);
    formats(root, &mut breaches);
    rules(&files, &mut breaches);
    notices(root, &mut breaches);
    for breach in &breaches {
        println!("tidy: {breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        n => Err(format!("tidy: {n} breaches of the house rules")),
    }
}

/// Files that git tracks, or would.
fn files(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let output = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()?;
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.lines().map(|name| root.join(name)).filter(|p| p.is_file()).collect())
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|e| e == extension)
}

fn size(file: &Path, name: &str, breaches: &mut Vec<String>) {
    let bytes = file.metadata().map_or(0, |m| m.len());
    if bytes > LARGE_BYTES
        && !LARGE.iter().any(|l| name.starts_with(l))
        && !has_extension(file, "png")
    {
        breaches.push(format!("{name}: {bytes} bytes; large files belong in no checkout"));
    }
}

fn source(name: &str, text: &str, breaches: &mut Vec<String>) {
    if !text.starts_with("//!") {
        breaches.push(format!("{name}:1: say in a //! line what the file is for"));
    }
    let test = name.contains("/tests") || name.contains("test") || name.contains("fuzz");
    let forge = name.starts_with("crates/forge") || name.starts_with("xtask");
    if !test && !forge {
        knowledge(name, text, breaches);
    }
    if !test {
        lengths(name, text, breaches);
    }
}

/// Builds, holes and addresses are content: none stands in code outside of tests and comments.
fn knowledge(name: &str, text: &str, breaches: &mut Vec<String>) {
    let Ok(literal) = Regex::new(r"CVE-\d{4}-\d|\b15\.[0-2]\.\d{3,4}\.\d|https?://[a-z0-9]") else {
        return;
    };
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in code.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if literal.is_match(code) {
            breaches.push(format!(
                "{name}:{}: a build, hole or address belongs in content/",
                number + 1
            ));
        }
    }
}

fn lengths(name: &str, text: &str, breaches: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(head) = line.trim_start().split("fn ").nth(1).filter(|_| line.contains("fn "))
        else {
            continue;
        };
        if line.trim_start().starts_with("//") || !head.contains('(') {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines.iter().skip(at).position(|l| *l == close).unwrap_or(0);
        if end > LONGEST_FUNCTION {
            breaches.push(format!(
                "{name}:{}: a function of {end} lines; at most {LONGEST_FUNCTION}",
                at + 1
            ));
        }
    }
}

fn walls(root: &Path, breaches: &mut Vec<String>) {
    for (part, allowed) in WALLS {
        let path = root.join("crates").join(part).join("Cargo.toml");
        let text = fs_err::read_to_string(&path).unwrap_or_default();
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for ours in OURS.iter().filter(|o| !allowed.contains(o)) {
            if dependencies.lines().any(|l| l.starts_with(&format!("{ours}."))) {
                breaches.push(format!("crates/{part}/Cargo.toml: {part} must not know {ours}"));
            }
        }
    }
}

/// Each format has tests beside it.
fn formats(root: &Path, breaches: &mut Vec<String>) {
    let folder = root.join("crates/evidence/src/formats");
    let Ok(entries) = fs_err::read_dir(&folder) else { return };
    for entry in entries.filter_map(Result::ok).filter(|e| e.path().is_dir()) {
        let path = entry.path();
        let tested = ["tests.rs", "tests"].iter().any(|t| path.join(t).exists());
        if !tested {
            breaches.push(format!("{}: a format without tests beside it", path.display()));
        }
    }
}

/// Each rule of ours has what it must hit and what it must miss beside it.
fn rules(files: &[PathBuf], breaches: &mut Vec<String>) {
    let rules = files
        .iter()
        .filter(|f| f.to_string_lossy().contains("content/rules/") && has_extension(f, "yml"));
    for rule in rules {
        for beside in ["hit.jsonl", "miss.jsonl"] {
            if !rule.with_extension(beside).is_file() {
                breaches.push(format!("{}: no {beside} beside it", rule.display()));
            }
        }
    }
}

/// NOTICE names each file of facts that was carried in.
fn notices(root: &Path, breaches: &mut Vec<String>) {
    let notice = fs_err::read_to_string(root.join("NOTICE")).unwrap_or_default();
    let folder = root.join("content/packs/exchange");
    let Ok(entries) = fs_err::read_dir(&folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let facts = [".csv", ".json", ".txt"].iter().any(|end| name.ends_with(end));
        if facts && !notice.contains(&name) {
            breaches.push(format!("NOTICE: say where {name} comes from and under which licence"));
        }
    }
}
