//! Whether a document is meant to be a rule: folders of rules hold other YAML too, and a rule whose decisive
//! key is misspelt must not pass for it.

use super::modifiers::distance;
use super::yaml::{Content, Fault, Node};

/// The keys of which every rule, filter and correlation has one.
const DECISIVE: [&str; 4] = ["logsource", "detection", "filter", "correlation"];
/// Edits by which a key may be off and still be taken for the decisive one.
const NEAR: usize = 2;

/// Whether a document is a rule, or would be one but for a mistake. What is no mapping is not told from a
/// broken rule, so it counts as one and is refused.
pub(super) fn is_rule(document: &Node) -> bool {
    if !matches!(document.content, Content::Map(_)) {
        return true;
    }
    let has = |key: &str| document.get(key).is_some();
    let describes_itself = has("title") && (has("level") || has("condition"));
    let found = |key: &&str| has(key) || misspelt(document, key).is_some();
    DECISIVE.iter().any(found) || has("action") || describes_itself
}

/// The key of a document that is nearly, but not quite, the one that is looked for.
fn misspelt<'n>(document: &'n Node, wanted: &str) -> Option<&'n Node> {
    let Content::Map(entries) = &document.content else { return None };
    let is_near = |key: &&Node| {
        key.text().is_some_and(|text| {
            text.len() <= wanted.len() + NEAR
                && text != wanted
                && !DECISIVE.contains(&text)
                && distance(&text.to_lowercase(), wanted) <= NEAR
        })
    };
    entries.iter().map(|(key, _)| key).find(is_near)
}

/// The refusal of a rule that lacks a key, at the key that was meant for it if there is one.
pub(super) fn lacks(document: &Node, wanted: &str) -> Fault {
    let reason = format!("not a Sigma rule: `{wanted}` is missing");
    match misspelt(document, wanted) {
        Some(key) => {
            let word = key.text().unwrap_or_default();
            Fault::new(key.place, format!("{reason}: `{word}` is meant for it?"))
        }
        None => Fault::new(document.place, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::documents;
    use super::*;

    #[test]
    fn tells_rules_from_other_documents() {
        let cases = [
            ("logsource: {}", true),
            ("filter: {}", true),
            ("correlation: {}", true),
            ("detections: {}", true),
            ("title: x\nlogsorce: {}", true),
            ("Detection: {}", true),
            ("filters: {}", true),
            ("title: x\nlevel: high", true),
            ("title: x\ncondition: a", true),
            ("action: global", true),
            ("- a", true),
            ("title: x", false),
            ("id: x\nrule_metadata: []\nregression_tests_info: []", false),
            ("name: CI\njobs: {}", false),
            ("{}", false),
        ];
        for (text, expected) in cases {
            let (documents, _) = documents(text);
            assert_eq!(is_rule(&documents[0]), expected, "{text}");
        }
    }

    #[test]
    fn a_refusal_points_at_the_misspelt_key() {
        let (documents, _) = documents("title: x\ndetections: {}");
        let fault = lacks(&documents[0], "detection");
        assert_eq!((fault.place.line, fault.place.column), (2, 1));
        assert!(fault.reason.contains("`detections` is meant for it?"), "{}", fault.reason);
    }
}
