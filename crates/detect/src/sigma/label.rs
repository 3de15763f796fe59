//! What the items of a rule were made of: the words of its author and where they stand.

use super::modifiers::Key;
use super::yaml::{Node, Place};

/// The words behind a compiled body.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// Names of the selections, in their order.
    pub(super) selections: Vec<(String, Place)>,
    entries: Vec<Entry>,
}

/// A key with its values, as the rule has them.
#[derive(Debug)]
pub(super) struct Entry {
    /// `Image|endswith`; `None` for keywords that stand without a key.
    pub(super) key: Option<String>,
    /// Where the key stands, or the first keyword.
    pub(super) place: Place,
    /// All values must be found, not any.
    pub(super) all: bool,
    /// None of them must be found.
    pub(super) negated: bool,
    /// The values, in order.
    pub(super) values: Vec<(String, Place)>,
}

impl Labels {
    /// Notes an entry; gives its number.
    pub(super) fn add(&mut self, key: &Key, written: Option<&Node>, values: &[&Node]) -> u32 {
        let text = |node: &Node| node.text().map_or_else(|| "null".to_owned(), str::to_owned);
        let first = values.first().map(|node| node.place).unwrap_or_default();
        self.entries.push(Entry {
            key: written.map(text),
            place: written.map_or(first, |node| node.place),
            all: key.all,
            negated: key.negated,
            values: values.iter().map(|node| (text(node), node.place)).collect(),
        });
        u32::try_from(self.entries.len() - 1).unwrap_or(super::check::UNLABELLED)
    }

    pub(super) fn entry(&self, label: u32) -> Option<&Entry> {
        self.entries.get(label as usize)
    }

    pub(super) fn name_selections<'n>(
        &mut self,
        searches: impl Iterator<Item = (&'n str, &'n Node)>,
    ) {
        self.selections = searches.map(|(name, node)| (name.to_owned(), node.place)).collect();
    }
}
