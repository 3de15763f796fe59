//! Finds and reads files of the content tree.

use serde::de::DeserializeOwned;

use crate::{ContentError, SourceFile};

/// The file of that name; content without it is unusable.
pub(crate) fn find<'f>(
    files: &'f [SourceFile],
    name: &str,
) -> Result<&'f SourceFile, ContentError> {
    files.iter().find(|file| file.name == name).ok_or_else(|| ContentError {
        file: name.to_owned(),
        reason: "the file is not in the content".to_owned(),
    })
}

/// The files of that name in every pack (`packs/<pack>/<name>`), in the order of their names.
pub(crate) fn in_packs<'f>(files: &'f [SourceFile], name: &str) -> Vec<&'f SourceFile> {
    let mut found: Vec<_> = files
        .iter()
        .filter(|file| {
            let mut parts = file.name.split('/');
            parts.next() == Some("packs")
                && parts.next().is_some()
                && parts.next() == Some(name)
                && parts.next().is_none()
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// A file as text.
pub(crate) fn text(file: &SourceFile) -> Result<&str, ContentError> {
    std::str::from_utf8(&file.bytes).map_err(|e| file.error(format!("not UTF-8: {e}")))
}

/// A file as YAML of a known shape.
pub(crate) fn yaml<T: DeserializeOwned>(file: &SourceFile) -> Result<T, ContentError> {
    serde_saphyr::from_str(text(file)?).map_err(|e| file.error(e))
}
