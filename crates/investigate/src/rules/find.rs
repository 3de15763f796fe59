//! Finds the rule that a user means.

use std::path::Path;

use detect::{Detector, RuleIndex, RuleMeta};
use model::case::Engine;

/// Rules that a word may mean.
pub struct Found {
    /// Those that it means.
    pub rules: Vec<RuleIndex>,
    /// If it means none: what is written nearly so.
    pub near: Option<String>,
}

/// The Sigma rules that a word means: by id, name or title, else by file.
pub fn find(detector: &Detector, word: &str) -> Found {
    let path = word.replace('\\', "/");
    let by: [&dyn Fn(&RuleMeta) -> bool; 4] = [
        &|meta| meta.rule.id.eq_ignore_ascii_case(word) || meta.name.as_deref() == Some(word),
        &|meta| meta.rule.title == word,
        &|meta| meta.rule.title.eq_ignore_ascii_case(word),
        &|meta| is_file(&meta.rule.source, &path),
    ];
    let rules = by.iter().map(|fits| all(detector, fits)).find(|rules| !rules.is_empty());
    let near = if rules.is_none() { near(detector, word) } else { None };
    Found { rules: rules.unwrap_or_default(), near }
}

fn all(detector: &Detector, fits: &dyn Fn(&RuleMeta) -> bool) -> Vec<RuleIndex> {
    let rules = detector.rules().iter().zip((0..).map(RuleIndex));
    rules
        .filter(|(meta, _)| meta.rule.engine == Engine::Sigma && fits(meta))
        .map(|(_, rule)| rule)
        .collect()
}

/// Whether one name of a file ends in the other, in whole parts, or it is the file's name without its ending.
fn is_file(source: &str, path: &str) -> bool {
    let path = path.trim_start_matches("./");
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    let stem = Path::new(source).file_stem().is_some_and(|stem| stem == path);
    stem || ends(source, path) || ends(path, source)
}

fn near(detector: &Detector, word: &str) -> Option<String> {
    let words = detector.rules().iter().flat_map(|meta| {
        [Some(meta.rule.title.as_str()), meta.name.as_deref()].into_iter().flatten()
    });
    detect::nearest(word, words).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::is_file;

    #[test]
    fn a_file_is_named_by_its_end() {
        for (source, path, is_it) in [
            ("web/a.yml", "web/a.yml", true),
            ("web/a.yml", "a.yml", true),
            ("web/a.yml", "a", true),
            ("a.yml", "sigma/rules/web/a.yml", true),
            ("web/a.yml", "./web/a.yml", true),
            ("web/aa.yml", "a.yml", false),
            ("web/a.yml", "", false),
            ("web/a.yml", "b/a.yml", false),
        ] {
            assert_eq!(is_file(source, path), is_it, "{source} {path}");
        }
    }
}
