//! Rules for each source file: a head that says what it is for, short functions, and no knowledge in code.

use std::sync::LazyLock;

use regex::Regex;

use super::Breaches;
use super::content::Words;

const LONGEST_FUNCTION: usize = 100;

static LITERAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"CVE-\d{4}-\d|\b1[45]\.\d\.\d{3,4}\.\d|https?://[a-z0-9]").ok());

pub(crate) fn check(name: &str, text: &str, words: &Words, breaches: &mut Breaches) {
    if !text.starts_with("//!") {
        breaches.push(format!("{name}:1: say in a //! line what the file is for"));
    }
    if is_test(name) {
        return;
    }
    let code = without_tests(text);
    lengths(name, code, breaches);
    // The forge never sees content: it writes what formats and attacks look like, with builds and addresses.
    let judges = !["crates/forge/", "xtask/", "fuzz/"].iter().any(|free| name.starts_with(free));
    if judges {
        knowledge(name, code, words, breaches);
    }
}

/// Files that are compiled for tests alone, by the names that such files have here.
fn is_test(name: &str) -> bool {
    let parts = ["tests", "tests.rs", "testing.rs", "testkit.rs"];
    name.split('/').any(|part| parts.contains(&part))
}

/// The file up to the tests that it holds itself.
fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text[from..].find("#[cfg(test)]\n") {
        let rest = &text[from + at..];
        let item = rest.lines().nth(1).unwrap_or_default();
        if item.contains("mod ") && item.ends_with('{') {
            return &text[..from + at];
        }
        from += at + 1;
    }
    text
}

/// Builds, holes, addresses, and the names that content gives to rules and log sources.
fn knowledge(name: &str, code: &str, words: &Words, breaches: &mut Breaches) {
    for (number, line) in code.lines().enumerate() {
        let line = without_comment(line);
        let literal = LITERAL.as_ref().and_then(|l| l.find(line)).map(|found| found.as_str());
        let found = literal.into_iter().chain(words.quoted_in(line));
        for what in found {
            let at = number + 1;
            breaches.push(format!("{name}:{at}: {what} is knowledge; it belongs in content/"));
        }
    }
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or_default()
}

fn lengths(name: &str, code: &str, breaches: &mut Breaches) {
    let lines: Vec<&str> = code.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
        let indent = line.len() - line.trim_start().len();
        let close = format!("{}}}", " ".repeat(indent));
        let rest = lines.get(at..).unwrap_or_default();
        let has_body =
            rest.iter().find(|l| l.ends_with(['{', ';', '}'])).is_some_and(|l| l.ends_with('{'));
        let length = rest.iter().position(|l| *l == close).map_or(0, |last| last + 1);
        if has_body && length > LONGEST_FUNCTION {
            let at = at + 1;
            breaches.push(format!(
                "{name}:{at}: a function of {length} lines; at most {LONGEST_FUNCTION}, take a part out"
            ));
        }
    }
}

fn begins_function(line: &str) -> bool {
    let line = line.trim_start();
    let before = line.split("fn ").next().unwrap_or_default();
    line.contains("fn ")
        && before.split_whitespace().all(|word| {
            word.starts_with("pub") || ["const", "async", "unsafe", "extern"].contains(&word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(name: &str, text: &str) -> Breaches {
        let mut found = Breaches::new();
        check(name, text, &Words::new(["our_rule"], ["iis/front-end"]), &mut found);
        found
    }

    #[test]
    fn knowledge_in_code_is_named_with_its_line() {
        let cases = [
            (concat!("const A: &str = \"CVE-", "2021-1\";"), true),
            (concat!("const A: &str = \"15.1.", "2106.2\";"), true),
            (concat!("const A: &str = \"https:", "//example.com\";"), true),
            ("if rule == \"our_rule\" {", true),
            ("match source { \"iis/front-end\" => 1 }", true),
            ("let our_rule = 1; // iis/front-end", false),
            (concat!("// CVE-", "2021-1 in a comment"), false),
            ("let version = \"1.2.3\";", false),
        ];
        for (line, wrong) in cases {
            let found = breaches("crates/assess/src/a.rs", &format!("//! A.\n{line}\n"));
            assert_eq!(found.iter().any(|b| b.contains("a.rs:2:")), wrong, "{line}");
            let forge = breaches("crates/forge/src/a.rs", &format!("//! A.\n{line}\n"));
            assert_eq!(forge, Breaches::new(), "{line}");
        }
    }

    #[test]
    fn only_tests_may_hold_knowledge() {
        let inline =
            "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    const R: &str = \"our_rule\";\n}\n";
        assert_eq!(breaches("crates/assess/src/a.rs", inline), Breaches::new());
        let beside = "//! A.\n#[cfg(test)]\nmod tests;\nconst R: &str = \"our_rule\";\n";
        assert_eq!(breaches("crates/assess/src/a.rs", beside).len(), 1);
        assert_eq!(breaches("crates/assess/src/a/tests.rs", beside), Breaches::new());
        assert_eq!(breaches("crates/evidence/src/formats/test_proxylogon/mod.rs", beside).len(), 1);
    }

    #[test]
    fn a_file_says_what_it_is_for_and_a_function_is_short() {
        assert!(breaches("a.rs", "fn a() {}\n")[0].starts_with("a.rs:1:"));
        let long = |lines| {
            format!(
                "//! A.\n\npub(crate) fn a(\n    b: u8,\n) {{\n{}}}\n",
                "    b();\n".repeat(lines)
            )
        };
        assert_eq!(breaches("a.rs", &long(96)), Breaches::new());
        assert!(breaches("a.rs", &long(97))[0].starts_with("a.rs:3: a function of 101"));
        let trait_of_short =
            format!("//! A.\ntrait T {{\n    fn a();\n{}}}\n", "    fn b() {}\n".repeat(200));
        assert_eq!(breaches("a.rs", &trait_of_short), Breaches::new());
    }
}
