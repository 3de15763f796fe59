//! Placeholders: lists that a site supplies, put where rules name them (`field|expand: '%name%'`) before a rule is
//! compiled.

use std::collections::BTreeMap;

use super::modifiers::names_placeholder;
use super::yaml::{Content, Node};

/// Values that one value of a rule may become.
const MAX_VALUES: usize = 10_000;

/// Lists by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Placeholders {
    lists: BTreeMap<String, Vec<String>>,
}

impl Placeholders {
    /// Adds to a list.
    pub(super) fn add(&mut self, name: &str, values: Vec<String>) {
        self.lists.entry(name.to_owned()).or_default().extend(values);
    }

    /// Puts the lists into the searches of a document. A value that names a list which is not there stays as it is.
    pub(super) fn fill(&self, document: &mut Node) {
        let Content::Map(entries) = &mut document.content else { return };
        for (key, value) in entries {
            let is_part = matches!(key.text(), Some("detection" | "filter"));
            if is_part && !self.lists.is_empty() {
                self.search(value);
            }
        }
    }

    fn search(&self, node: &mut Node) {
        match &mut node.content {
            Content::Scalar { .. } => {}
            Content::List(members) => members.iter_mut().for_each(|member| self.search(member)),
            Content::Map(entries) => {
                for (key, value) in entries {
                    let mut modifiers = key.text().unwrap_or_default().split('|').skip(1);
                    if modifiers.any(|modifier| modifier == "expand") {
                        self.values(value);
                    } else {
                        self.search(value);
                    }
                }
            }
        }
    }

    /// One value, or a list of them, with every value that its placeholders give.
    fn values(&self, node: &mut Node) {
        let members = match &node.content {
            Content::List(members) => members.clone(),
            Content::Scalar { .. } => vec![node.clone()],
            Content::Map(_) => return,
        };
        let mut filled = Vec::with_capacity(members.len());
        for member in members {
            match member.text().and_then(|text| self.texts(text)) {
                None => filled.push(member),
                Some(texts) => filled.extend(texts.into_iter().map(|text| Node {
                    place: member.place,
                    content: Content::Scalar { text, plain: false },
                })),
            }
        }
        node.content = Content::List(filled);
    }

    /// All texts that a text becomes; `None` if it names no list, or one that is not there.
    fn texts(&self, text: &str) -> Option<Vec<String>> {
        let mut texts = vec![String::new()];
        let (mut rest, mut found) = (text, false);
        while let Some(at) = rest.find(['\\', '%']) {
            let (before, here) = rest.split_at(at);
            let placeholder =
                names_placeholder(here).and_then(|name| Some((name, self.lists.get(name)?)));
            let taken = match placeholder {
                None if names_placeholder(here).is_some() => return None,
                None => {
                    // A backslash takes what it escapes along.
                    let taken = here.chars().take(1 + usize::from(here.starts_with('\\')));
                    let taken = taken.map(char::len_utf8).sum();
                    for text in &mut texts {
                        text.extend([before, here.split_at(taken).0]);
                    }
                    taken
                }
                Some((name, values)) => {
                    found = true;
                    if texts.len() * values.len() > MAX_VALUES {
                        return None;
                    }
                    let join = |text: &String| {
                        let text = format!("{text}{before}");
                        values.iter().map(move |value| text.clone() + &value.replace('%', "\\%"))
                    };
                    texts = texts.iter().flat_map(join).collect();
                    name.len() + 2
                }
            };
            rest = here.split_at(taken).1;
        }
        for text in &mut texts {
            text.push_str(rest);
        }
        found.then_some(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_the_lists_is_a_value() {
        let mut lists = Placeholders::default();
        lists.add("a", vec!["1".to_owned(), "50%".to_owned()]);
        lists.add("b", vec!["x*".to_owned(), "y".to_owned()]);
        let texts = |text: &str| lists.texts(text);
        assert_eq!(texts("%a%").unwrap(), ["1", "50\\%"]);
        assert_eq!(texts("-%a%/%b%-").unwrap(), ["-1/x*-", "-1/y-", "-50\\%/x*-", "-50\\%/y-"]);
        assert_eq!(texts("C:\\\\%a%").unwrap(), ["C:\\\\1", "C:\\\\50\\%"]);
        for text in ["plain", "\\%a%", "%c%", "%a% and %c%", "100 % of %", "\\"] {
            assert_eq!(texts(text), None, "{text}");
        }
        let many = (0..200).map(|n| n.to_string()).collect();
        lists.add("many", many);
        assert_eq!(lists.texts("%many%%many%"), None, "more than can be meant");
    }
}
