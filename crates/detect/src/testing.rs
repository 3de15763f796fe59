//! Events and content for the tests of this crate.

use std::path::{Path, PathBuf};

use model::Event;
use serde_json::Value as Json;

use crate::SourceFile;

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder with the corpus, if it is there; says loudly if it is not.
pub(crate) fn corpus() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test is told by the environment where it is")]
    let folder = std::env::var("ASSAY_CORPUS")
        .map_or_else(|_| workspace().join("../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        println!("NOT RUN: no corpus at {} (set ASSAY_CORPUS)", folder.display());
        return None;
    }
    Some(folder)
}

/// Whether a file's name ends in that extension.
pub(crate) fn has_extension(file: &SourceFile, extension: &str) -> bool {
    Path::new(&file.name).extension().is_some_and(|e| e == extension)
}

/// All files of `content/`, named as the product names them.
pub(crate) fn content_files() -> Vec<SourceFile> {
    let root = workspace().join("content");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

#[expect(clippy::disallowed_methods, reason = "fs_err is no dependency of this crate")]
fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.push(SourceFile { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
}

/// An event as samples write it, of any family.
pub(crate) fn event(json: &Json) -> Event<'static> {
    let family = json["family"].as_str().unwrap_or_default();
    crate::sample::event(json, family.to_owned().leak())
}
