//! Rules for the house: walls between crates, sizes, tests and doors for fuzzing, notices, links.

use regex::Regex;

use super::{Breaches, Tree};

/// Files that may be large, and why.
const LARGE: [(&str, &str); 1] =
    [("content/packs/exchange/known-files.csv", "the hashes of all files that Microsoft shipped")];
const LARGE_BYTES: u64 = 256 << 10;
const PICTURE_BYTES: u64 = 400 << 10;

/// The crates with walls, and what each may depend on of ours.
const WALLS: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("evidence", &["model"]),
    ("detect", &["model"]),
    ("assess", &["model"]),
    ("publish", &["model"]),
    ("investigate", &["model", "evidence", "detect", "assess", "publish"]),
    ("forge", &[]),
];
const OURS: [&str; 8] =
    ["model", "evidence", "detect", "assess", "publish", "investigate", "cli", "forge"];

/// Folders of formats that are no door: evidence reaches them through the formats that use them.
const NO_DOOR: [&str; 1] = ["text"];

pub(crate) fn check(tree: &Tree, breaches: &mut Breaches) {
    sizes(tree, breaches);
    for (part, allowed) in WALLS {
        let manifest = format!("crates/{part}/Cargo.toml");
        wall(&manifest, &tree.text(&manifest), allowed, breaches);
    }
    formats(tree, breaches);
    notices(tree, breaches);
    release(tree, breaches);
    for name in tree.ending(".md") {
        links(tree, name, &tree.text(name), breaches);
    }
}

fn sizes(tree: &Tree, breaches: &mut Breaches) {
    for name in tree.names.iter().filter(|name| !LARGE.iter().any(|(large, _)| large == name)) {
        let most = if name.starts_with("docs/") { PICTURE_BYTES } else { LARGE_BYTES };
        let bytes = tree.bytes(name);
        if bytes > most {
            breaches.push(format!(
                "{name}: {bytes} bytes, at most {most}; make it in the test, or smaller"
            ));
        }
    }
}

fn wall(manifest: &str, text: &str, allowed: &[&str], breaches: &mut Breaches) {
    if text.is_empty() {
        breaches.push(format!("{manifest}: not there; mend WALLS in xtask/src/tidy/house.rs"));
    }
    let mut in_dependencies = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]") && !line.contains("dev-");
        }
        let named = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if in_dependencies && OURS.contains(&named) && !allowed.contains(&named) {
            let at = number + 1;
            breaches.push(format!(
                "{manifest}:{at}: this crate must not know {named}; see ARCHITECTURE.md"
            ));
        }
    }
}

/// Each format has tests beside it and a door for fuzzing.
fn formats(tree: &Tree, breaches: &mut Breaches) {
    const FOLDER: &str = "crates/evidence/src/formats/";
    let fuzz = tree.text("fuzz/Cargo.toml");
    for format in
        tree.below(FOLDER).filter_map(|name| name.strip_prefix(FOLDER)?.strip_suffix("/mod.rs"))
    {
        if tree.below(&format!("{FOLDER}{format}/tests")).next().is_none() {
            breaches.push(format!("{FOLDER}{format}: write tests.rs beside mod.rs"));
        }
        let target = format!("fuzz_targets/{format}.rs");
        if !NO_DOOR.contains(&format) && !fuzz.contains(&target) {
            breaches.push(format!(
                "{FOLDER}{format}: write fuzz/{target} and name it in fuzz/Cargo.toml"
            ));
        }
    }
    for target in tree.below("fuzz/fuzz_targets/").filter_map(|name| name.strip_prefix("fuzz/")) {
        if !fuzz.contains(target) {
            breaches.push(format!("fuzz/{target}: name it in fuzz/Cargo.toml"));
        }
    }
}

/// NOTICE names each file of facts that was carried in, and LICENSE is the whole licence.
fn notices(tree: &Tree, breaches: &mut Breaches) {
    let notice = tree.text("NOTICE");
    for name in tree.below("content/packs/") {
        let file = name.rsplit('/').next().unwrap_or_default();
        let facts = [".csv", ".json", ".txt"].iter().any(|end| file.ends_with(end));
        if facts && !notice.contains(file) {
            breaches.push(format!("NOTICE: say where {file} comes from and under which licence"));
        }
    }
    let licence = tree.text("LICENSE");
    if !(licence.contains("Apache License") && licence.contains("END OF TERMS AND CONDITIONS")) {
        breaches.push("LICENSE: must be the whole text of the Apache License 2.0".to_owned());
    }
}

/// What a release needs: its dependencies nailed down, and words about it.
fn release(tree: &Tree, breaches: &mut Breaches) {
    if !tree.has("Cargo.lock") {
        breaches.push("Cargo.lock: not there; builds must be the same everywhere".to_owned());
    }
    let manifest = tree.text("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    let version = version.unwrap_or_default().trim_matches('"');
    if !tree.text("CHANGELOG.md").lines().any(|line| line == format!("## {version}")) {
        breaches.push(format!("CHANGELOG.md: say under \"## {version}\" what is new"));
    }
}

/// A link into the checkout leads somewhere.
fn links(tree: &Tree, name: &str, text: &str, breaches: &mut Breaches) {
    let Ok(link) = Regex::new(r"\]\(([^)#:\s]+)\)") else { return };
    let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    for (number, line) in text.lines().enumerate() {
        for target in link.captures_iter(line).filter_map(|c| c.get(1)) {
            let target = format!("{folder}{}", target.as_str());
            if !tree.root.join(&target).exists() {
                breaches.push(format!("{name}:{}: {target} is not there", number + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_holds_against_every_way_to_name_a_crate() {
        let breaches = |text: &str| {
            let mut found = Breaches::new();
            wall("m", text, &["model"], &mut found);
            found
        };
        let fine = "[dependencies]\nmodel.workspace = true\nregex.workspace = true\n\n[dev-dependencies]\nforge.workspace = true\n";
        assert_eq!(breaches(fine), Breaches::new());
        for (line, section) in [
            ("evidence.workspace = true", "[dependencies]"),
            ("evidence = { workspace = true }", "[dependencies]"),
            ("detect = { path = \"../detect\" }", "[build-dependencies]"),
            ("cli.workspace=true", "[target.'cfg(unix)'.dependencies]"),
        ] {
            let found = breaches(&format!("{section}\n{line}\n"));
            assert!(found.len() == 1 && found[0].starts_with("m:2:"), "{line} {found:?}");
        }
    }
}
