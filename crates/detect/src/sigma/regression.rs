//! What SigmaHQ's regression data states: an `info.yml` names rules, and records on which they must fire.

use super::yaml::{self, Content, Node};

/// Records on which rules must fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// Ids of the rules.
    pub rules: Vec<String>,
    /// Path of the records, as stated.
    pub path: String,
    /// How many of them match, where that is stated.
    pub matches: Option<u64>,
}

/// Reads an `info.yml`; nothing if it is none.
pub fn regressions(bytes: &[u8]) -> Vec<Regression> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let (documents, _) = yaml::documents(text);
    documents.iter().flat_map(of_document).collect()
}

fn of_document(document: &Node) -> Vec<Regression> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let rules: Vec<String> =
        list(document, "rule_metadata").iter().filter_map(|rule| text(rule, "id")).collect();
    let test = |test: &Node| {
        Some(Regression {
            rules: rules.clone(),
            path: text(test, "path")?,
            matches: text(test, "match_count").and_then(|count| count.parse().ok()),
        })
    };
    list(document, "regression_tests_info").iter().filter_map(test).collect()
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match node.get(key).map(|list| &list.content) {
        Some(Content::List(members)) => members,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_stated() {
        let text = "rule_metadata: [{id: a}, {id: b}]\nregression_tests_info:\n  \
            - {type: evtx, path: x/y.evtx, match_count: 2}\n  - {path: z.json}\n  - {type: evtx}\n";
        let found = regressions(text.as_bytes());
        let stated: Vec<_> = found.iter().map(|r| (r.path.as_str(), r.matches)).collect();
        assert_eq!(stated, [("x/y.evtx", Some(2)), ("z.json", None)]);
        assert_eq!(found[0].rules, ["a", "b"]);
        assert_eq!(regressions(b"title: x"), []);
    }
}
