//! Rules for content: nothing dead, and nothing that names what is not there.

use std::collections::BTreeSet;

use regex::Regex;

use super::{Breaches, Tree};

/// Every file of content and who reads it; a file that nobody reads is dead.
const READERS: [(&str, &str); 8] = [
    (r"^content/VERSION$", "investigate"),
    (r"^content/logsources/(sources|sigma)\.yaml$", "detect"),
    (r"^content/rules/sigma/.*\.yml$", "detect"),
    (r"^content/rules/sigma/.*\.(hit|miss)\.jsonl$", "the tests of detect"),
    (r"^content/packs/[a-z]+/(pack|sources|actions|exposure|chains/[a-z0-9_]+)\.yaml$", "assess"),
    (
        r"^content/packs/[a-z]+/((builds|su-cves)\.json|(builds-more|su-cves-more|dates)\.csv|known-files-builds\.txt)$",
        "assess",
    ),
    (
        r"^content/packs/[a-z]+/(observe\.yaml|checks\.yaml|webroots\.yaml|known-files\.csv)$",
        "detect",
    ),
    // Not read by the program: what tests and this check compare other content with.
    (r"^content/packs/[a-z]+/benign-probes\.csv$", "the tests of detect"),
];

const RULES: &str = "content/rules/";

pub(crate) fn check(tree: &Tree, breaches: &mut Breaches) {
    readers(tree, breaches);
    samples(tree, breaches);
    let words = Words::read(tree);
    for name in tree.below("content/packs/").filter(|name| name.contains("/chains/")) {
        let chain = tree.text(name);
        references(name, &chain, &words, breaches);
        let folder = name.split("/chains/").next().unwrap_or_default();
        let table = tree.text(&format!("{folder}/su-cves.json"));
        let more = tree.text(&format!("{folder}/su-cves-more.csv"));
        holes(name, &chain, &[&table, &more], breaches);
    }
}

/// The names that content gives to its rules and log sources.
#[derive(Default)]
pub(crate) struct Words {
    rules: BTreeSet<String>,
    sources: BTreeSet<String>,
}

impl Words {
    #[cfg(test)]
    pub(super) fn new<const R: usize, const S: usize>(
        rules: [&str; R],
        sources: [&str; S],
    ) -> Self {
        Self { rules: rules.map(str::to_owned).into(), sources: sources.map(str::to_owned).into() }
    }

    pub(crate) fn read(tree: &Tree) -> Self {
        let mut words = Self::default();
        for name in tree.ending(".yml").filter(|name| name.starts_with(RULES)) {
            words.rules.extend(captures(r"(?m)^name: (\S+)$", &tree.text(name)));
        }
        for name in tree.below("content/packs/") {
            if name.ends_with("/checks.yaml") {
                words.rules.extend(captures(r"(?m)^  - name: (\S+)$", &tree.text(name)));
            } else if name.ends_with("/sources.yaml") {
                words.sources.extend(captures(r"(?m)^  - id: (\S+)$", &tree.text(name)));
            }
        }
        words
    }

    /// Those of these words that stand in quotes in a line of code.
    pub(crate) fn quoted_in<'s>(&'s self, line: &'s str) -> impl Iterator<Item = &'s str> {
        let known = |text: &&str| self.rules.contains(*text) || self.sources.contains(*text);
        line.split('"').skip(1).step_by(2).filter(known)
    }
}

fn readers(tree: &Tree, breaches: &mut Breaches) {
    let patterns: Vec<Regex> = READERS.iter().filter_map(|(p, _)| Regex::new(p).ok()).collect();
    for name in tree.below("content/") {
        if !patterns.iter().any(|pattern| pattern.is_match(name)) {
            breaches.push(format!(
                "{name}: nothing reads this file; remove it, or name its reader in xtask/src/tidy/content.rs"
            ));
        }
    }
}

/// Each rule of ours has what it must hit and what it must miss beside it, and no sample is left alone.
fn samples(tree: &Tree, breaches: &mut Breaches) {
    for rule in tree.below(RULES).filter_map(|name| name.strip_suffix(".yml")) {
        for end in ["hit.jsonl", "miss.jsonl"] {
            if !tree.has(&format!("{rule}.{end}")) {
                breaches.push(format!("{rule}.yml: write {rule}.{end}, what it must hit or miss"));
            }
        }
    }
    for sample in tree.ending(".jsonl").filter(|name| name.starts_with(RULES)) {
        let stem =
            sample.trim_end_matches(".jsonl").trim_end_matches(".hit").trim_end_matches(".miss");
        if !tree.has(&format!("{stem}.yml")) {
            breaches.push(format!("{sample}: its rule {stem}.yml is not there; remove it"));
        }
    }
}

/// Rules, steps and log sources that a chain names are there: one that is not would never fire, in silence.
fn references(name: &str, chain: &str, words: &Words, breaches: &mut Breaches) {
    let steps: BTreeSet<String> = captures(r"(?m)^  - id: (\S+)$", chain).collect();
    let lists = |pattern| {
        captures(pattern, chain).flat_map(|l| l.split(", ").map(str::to_owned).collect::<Vec<_>>())
    };
    let named = [
        ("rule", captures(r"\brule: ([A-Za-z0-9_-]+)", chain).collect::<Vec<_>>(), &words.rules),
        ("step", lists(r"with_step: \[([^\]]*)\]").collect(), &steps),
        ("log source", lists(r"(?m)^      - \[([^\]]*)\]").collect(), &words.sources),
    ];
    for (what, used, known) in named {
        for word in used.iter().filter(|word| !known.contains(*word)) {
            let line = chain.lines().position(|l| l.contains(word.as_str())).map_or(1, |at| at + 1);
            breaches.push(format!("{name}:{line}: there is no {what} {word}; mend the name"));
        }
    }
}

/// Each hole of a chain has something that closes it; the holes that it needs are among its own.
fn holes(name: &str, chain: &str, closings: &[&str], breaches: &mut Breaches) {
    let list = |key: &str| -> Vec<String> {
        let found =
            captures(&format!(r"(?m)^{key}: \[([^\]]*)\]"), chain).next().unwrap_or_default();
        found.split(", ").filter(|hole| !hole.is_empty()).map(str::to_owned).collect()
    };
    let holes = list("cves");
    for hole in &holes {
        let named = [format!("\"{hole}\""), format!(",{hole},")];
        if !closings.iter().any(|text| named.iter().any(|n| text.contains(n))) {
            breaches
                .push(format!("{name}: no line of su-cves.json or su-cves-more.csv closes {hole}"));
        }
    }
    for hole in list("needs").iter().filter(|hole| !holes.contains(hole)) {
        breaches.push(format!("{name}: it needs {hole}, which is none of its holes"));
    }
}

/// What the first group of a pattern takes, each time.
fn captures<'t>(pattern: &str, text: &'t str) -> impl Iterator<Item = String> + use<'t> {
    let found: Vec<String> = Regex::new(pattern)
        .map(|p| {
            p.captures_iter(text).filter_map(|c| Some(c.get(1)?.as_str().to_owned())).collect()
        })
        .unwrap_or_default();
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: &str = "cves: [CVE-A, CVE-B]\nneeds: [CVE-A]\nsteps:\n  - id: one\n    proven_by:\n      \
        - {rule: our_rule, with_step: [one]}\n    shown_by:\n      - [iis/front-end]\n";

    #[test]
    fn a_chain_may_name_only_what_is_there() {
        let words = Words::new(["our_rule"], ["iis/front-end"]);
        let found = |chain: &str| {
            let mut breaches = Breaches::new();
            references("chain.yaml", chain, &words, &mut breaches);
            breaches
        };
        assert_eq!(found(CHAIN), Breaches::new());
        for (from, to, place) in [
            ("rule: our_rule", "rule: their_rule", "chain.yaml:6: there is no rule their_rule"),
            ("[one]", "[one, two]", "chain.yaml:6: there is no step two"),
            ("- [iis/", "- [iss/", "chain.yaml:8: there is no log source iss/front-end"),
        ] {
            let breaches = found(&CHAIN.replace(from, to));
            assert!(breaches.len() == 1 && breaches[0].starts_with(place), "{breaches:?}");
        }
    }

    #[test]
    fn something_closes_each_hole_of_a_chain() {
        let table = "{\n \"May1SU\": [\n  {\n   \"cve\": \"CVE-A\"\n  }\n ]\n}";
        let found = |chain: &str, more: &str| {
            let mut breaches = Breaches::new();
            holes("chain.yaml", chain, &[table, more], &mut breaches);
            breaches
        };
        assert_eq!(found(CHAIN, "Jun1SU,CVE-B,Product"), Breaches::new());
        let open = found(CHAIN, "Jun1SU,CVE-BC,Product");
        assert!(open.len() == 1 && open[0].ends_with("closes CVE-B"), "{open:?}");
        let foreign =
            found(&CHAIN.replace("needs: [CVE-A]", "needs: [CVE-C]"), "Jun1SU,CVE-B,Product");
        assert!(foreign.len() == 1 && foreign[0].contains("needs CVE-C"), "{foreign:?}");
    }

    #[test]
    fn each_pattern_of_the_readers_is_one() {
        for (pattern, _) in READERS {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
    }
}
