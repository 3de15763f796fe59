//! Which files stand behind a URL, and which URL a file is served under.

use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::known::KnownFiles;
use super::path::{is_version, script_url};
use crate::{ContentError, SourceFile, content};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    script_extensions: Vec<String>,
    compiled_extensions: Vec<String>,
    version_folders: Vec<String>,
    roots: Vec<Root>,
    trees: Vec<String>,
    served: Vec<Served>,
    files: Vec<KeptFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    url: String,
    folders: Vec<String>,
    #[serde(default)]
    explicit_logon: bool,
    #[serde(default)]
    families: Vec<String>,
}

/// `why`, `source` and `read` are for who reviews the content; they must be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Served {
    url: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "read")]
    _read: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFile {
    path: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "source")]
    _source: String,
}

/// The web folders of a product.
pub(super) struct WebRoots {
    script_extensions: FxHashSet<String>,
    compiled_extensions: FxHashSet<String>,
    version_folders: Vec<String>,
    /// Longest URL first.
    roots: Vec<Root>,
    trees: Vec<String>,
    served: Vec<String>,
    kept_files: FxHashSet<String>,
}

/// A file in one of the trees.
pub(super) struct TreeFile<'p> {
    /// Its path from the tree on.
    pub(super) path: &'p str,
    /// The paths under which the list may hold it.
    pub(super) listed_as: Vec<String>,
}

impl WebRoots {
    /// Reads a `webroots.yaml`.
    pub(super) fn parse(file: &SourceFile) -> Result<Self, ContentError> {
        let mut raw: Raw = content::yaml(file)?;
        if let Some(bad) = raw.roots.iter().find(|r| {
            !(r.url.starts_with('/') && r.url.ends_with('/') && r.url == r.url.to_lowercase())
        }) {
            return Err(file.error(format!("{} is no lower-case URL between slashes", bad.url)));
        }
        raw.roots.sort_by_key(|root| std::cmp::Reverse(root.url.len()));
        Ok(Self {
            script_extensions: raw.script_extensions.into_iter().collect(),
            compiled_extensions: raw.compiled_extensions.into_iter().collect(),
            version_folders: raw.version_folders,
            roots: raw.roots,
            trees: raw.trees,
            served: raw.served.into_iter().map(|served| served.url).collect(),
            kept_files: raw.files.into_iter().map(|kept| kept.path).collect(),
        })
    }

    /// Whether the name ends in an extension that the server may run.
    pub(super) fn is_script(&self, name: &str) -> bool {
        has_extension(&self.script_extensions, name)
    }

    /// Whether the name is that of a page that ASP.NET compiles by itself.
    pub(super) fn is_compiled(&self, name: &str) -> bool {
        has_extension(&self.compiled_extensions, name)
    }

    /// The script that a URL names, if it lies below a URL of the product and is neither listed nor served
    /// without a file.
    pub(super) fn unlisted(&self, url: &str, family: &str, known: &KnownFiles) -> Option<String> {
        let script = script_url(url, |name| self.is_script(name))?;
        let applies = |root: &&Root| {
            script.starts_with(&root.url)
                && (root.families.is_empty() || root.families.iter().any(|f| f == family))
        };
        let root = self.roots.iter().find(applies)?;
        let below = script.strip_prefix(&root.url)?;
        let mut variants = vec![below];
        if root.explicit_logon
            && let Some((first, rest)) = below.split_once('/')
            && first.contains('@')
        {
            variants.push(rest);
        }
        let listed = variants.iter().any(|below| self.is_listed(root, below, known));
        let served = variants.iter().any(|below| self.is_served(&format!("{}{below}", root.url)));
        (!listed && !served).then_some(script)
    }

    fn is_listed(&self, root: &Root, below: &str, known: &KnownFiles) -> bool {
        let below = below.replace('/', "\\");
        let variants = self.versioned(&below);
        root.folders.iter().any(|folder| {
            variants.iter().any(|variant| {
                let path = format!("{folder}{variant}");
                known.has_path(&path) || self.kept_files.contains(&path)
            })
        })
    }

    fn is_served(&self, url: &str) -> bool {
        self.served.iter().any(|pattern| {
            let mut asked = url.split('/');
            pattern
                .split('/')
                .all(|want| asked.next().is_some_and(|have| want == "*" || want == have))
                && asked.next().is_none()
        })
    }

    /// The path as it is, and with each folder named after a build replaced by what the list calls it.
    fn versioned(&self, path: &str) -> Vec<String> {
        let mut all = vec![path.to_owned()];
        if path.split('\\').any(is_version) {
            for name in &self.version_folders {
                let parts: Vec<&str> = path
                    .split('\\')
                    .map(|p| if is_version(p) { name.as_str() } else { p })
                    .collect();
                all.push(parts.join("\\"));
            }
        }
        all
    }

    /// The part of a plain file path from the leftmost tree on, if it lies in one.
    pub(super) fn in_tree<'p>(&self, path: &'p str) -> Option<TreeFile<'p>> {
        let at = self.trees.iter().filter_map(|tree| path.find(tree.as_str())).min()?;
        let path = path.get(at..)?;
        Some(TreeFile { path, listed_as: self.versioned(path) })
    }

    /// Whether the file is one that belongs there though no list has it.
    pub(super) fn is_kept(&self, file: &TreeFile<'_>) -> bool {
        file.listed_as.iter().any(|path| self.kept_files.contains(path))
    }

    /// The URL under which a file of a tree is served; its own path where no URL leads to it.
    pub(super) fn url_of(&self, path: &str) -> String {
        // The shortest URL of a folder is the one that people know (/owa/ before /owa/calendar/).
        let mut best: Option<(usize, String)> = None;
        for root in &self.roots {
            for below in root.folders.iter().filter_map(|folder| path.strip_prefix(folder.as_str()))
            {
                if best.as_ref().is_none_or(|(length, _)| root.url.len() < *length) {
                    let url = format!("{}{}", root.url, below.replace('\\', "/"));
                    best = Some((root.url.len(), url));
                }
            }
        }
        best.map_or_else(|| path.to_owned(), |(_, url)| url)
    }

    /// The URL of an application by the name of its folder of compiled pages (`owa_calendar` is `/owa/calendar/`).
    pub(super) fn application(&self, folder: &str) -> Option<&str> {
        self.roots
            .iter()
            .map(|root| root.url.as_str())
            .find(|url| url.trim_matches('/').replace('/', "_") == folder)
    }

    /// Whether any listed file below an application has that name, or a page of that name is served without a file.
    pub(super) fn names_page(&self, application: &str, page: &str, known: &KnownFiles) -> bool {
        let listed = self
            .roots
            .iter()
            .filter(|root| root.url.starts_with(application))
            .flat_map(|root| &root.folders)
            .any(|folder| known.names_below(folder).any(|name| name == page));
        let served = self
            .served
            .iter()
            .any(|url| url.starts_with(application) && url.rsplit('/').next() == Some(page));
        listed || served
    }
}

fn has_extension(extensions: &FxHashSet<String>, name: &str) -> bool {
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    let has_upper = || extension.bytes().any(|b| b.is_ascii_uppercase());
    extensions.contains(extension)
        || (has_upper() && extensions.contains(&extension.to_ascii_lowercase()))
}
