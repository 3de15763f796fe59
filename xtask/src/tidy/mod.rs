//! House rules as a test, not as remarks in a review.

mod code;
mod content;
mod house;

use std::path::{Path, PathBuf};

/// What was found wrong, each with its place and what to do.
pub(crate) type Breaches = Vec<String>;

/// The files that git tracks, or would, under their names with `/`.
pub(crate) struct Tree {
    root: PathBuf,
    names: Vec<String>,
}

/// Checks all rules and says each breach.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::open(root)?;
    let mut breaches = Breaches::new();
    house::check(&tree, &mut breaches);
    content::check(&tree, &mut breaches);
    let words = content::Words::read(&tree);
    for name in tree.ending(".rs") {
        code::check(name, &tree.text(name), &words, &mut breaches);
    }
    for breach in &breaches {
        println!("tidy: {breach}");
    }
    match breaches.len() {
        0 => {
            println!("tidy: {} files keep the house rules", tree.names.len());
            Ok(())
        }
        n => Err(format!("{n} breaches of the house rules")),
    }
}

impl Tree {
    fn open(root: &Path) -> Result<Self, String> {
        let output = std::process::Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|e| format!("git: {e}"))?;
        let listed = String::from_utf8_lossy(&output.stdout);
        let names: Vec<String> = listed
            .split('\0')
            .filter(|name| !name.is_empty() && root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            return Err("git names no files here; run this in a checkout".to_owned());
        }
        Ok(Self { root: root.to_owned(), names })
    }

    fn ending<'t>(&'t self, end: &'t str) -> impl Iterator<Item = &'t str> {
        self.names.iter().map(String::as_str).filter(move |name| name.ends_with(end))
    }

    fn below<'t>(&'t self, folder: &'t str) -> impl Iterator<Item = &'t str> {
        self.names.iter().map(String::as_str).filter(move |name| name.starts_with(folder))
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Text of a file, empty where there is none.
    fn text(&self, name: &str) -> String {
        let bytes = fs_err::read(self.root.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn bytes(&self, name: &str) -> u64 {
        fs_err::metadata(self.root.join(name)).map_or(0, |m| m.len())
    }
}
