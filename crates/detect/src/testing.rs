//! Events and content for the tests of this crate.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use model::{Event, Fields, Integrity, ItemId, Locator, RootId, TimeBasis, Value};
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

/// An event from `{"family", "channel", "provider", "event_id", "host", "fields": {name: value or [values]}}`.
pub(crate) fn event(json: &Json) -> Event<'static> {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let mut fields = Fields::default();
    for (name, value) in json["fields"].as_object().into_iter().flatten() {
        match value {
            Json::Array(values) => {
                for value in values {
                    fields.push(name.clone(), to_value(value));
                }
            }
            other => fields.push(name.clone(), to_value(other)),
        }
    }
    Event {
        family: family(&text("family")),
        root: RootId(0),
        item: ItemId(0),
        locator: Locator::default(),
        integrity: Integrity::Whole,
        time: None,
        time_basis: TimeBasis::Assumed,
        raw_time: Cow::Borrowed(""),
        second_time: None,
        host: json["host"].as_str().map(|h| Cow::Owned(h.to_owned())),
        channel: text("channel").into(),
        provider: text("provider").into(),
        event_id: json["event_id"].as_u64().and_then(|id| u32::try_from(id).ok()),
        fields,
        raw: &[],
    }
}

fn family(name: &str) -> &'static str {
    const FAMILIES: [&str; 6] = [
        "windows-event",
        "iis-w3c",
        "exchange-log",
        "exchange-setup",
        "test-proxylogon",
        "web-file",
    ];
    FAMILIES.iter().find(|f| **f == name).copied().unwrap_or_else(|| name.to_owned().leak())
}

fn to_value(json: &Json) -> Value<'static> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(
            || n.as_u64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::UInt),
            Value::Int,
        ),
        Json::String(s) => Value::from(s.clone()),
        // A sample that no scanner should take for the real thing lies in parts.
        Json::Object(o) if o.contains_key("parts") => {
            let parts = o["parts"].as_array().unwrap();
            Value::from(parts.iter().map(|part| part.as_str().unwrap()).collect::<String>())
        }
        other => Value::from(other.to_string()),
    }
}
