//! Rules as trees that can be written as YAML and made smaller.

/// A node of a rule.
#[derive(Clone, Debug)]
pub(super) enum Document {
    /// As it stands: a number, `null`, a word.
    Plain(String),
    /// A text, quoted.
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Document {
    /// A document of its own, in flow style.
    pub(super) fn to_yaml(&self) -> String {
        format!("---\n{}\n", self.flow())
    }

    fn flow(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::List(members) => {
                format!("[{}]", members.iter().map(Self::flow).collect::<Vec<_>>().join(", "))
            }
            Self::Map(entries) => {
                let entry =
                    |(key, value): &(String, Self)| format!("{}: {}", quoted(key), value.flow());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Every document that lacks one member, entry or character of this one.
    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(text) => {
                let without = |at: usize| {
                    let chars = text.chars().enumerate().filter(|(nth, _)| *nth != at);
                    Self::Text(chars.map(|(_, c)| c).collect())
                };
                (0..text.chars().count()).map(without).collect()
            }
            Self::List(members) => {
                let mut out = Vec::new();
                for (at, member) in members.iter().enumerate() {
                    let with = |inner: Option<Self>| {
                        let mut members = members.clone();
                        members.splice(at..=at, inner);
                        Self::List(members)
                    };
                    out.push(with(None));
                    out.push(member.clone());
                    out.extend(member.smaller().into_iter().map(|inner| with(Some(inner))));
                }
                out
            }
            Self::Map(entries) => {
                let mut out = Vec::new();
                for (at, (key, value)) in entries.iter().enumerate() {
                    let with = |inner: Option<(String, Self)>| {
                        let mut entries = entries.clone();
                        entries.splice(at..=at, inner);
                        Self::Map(entries)
                    };
                    out.push(with(None));
                    for (bar, _) in key.match_indices('|') {
                        let end = key[bar + 1..].find('|').map_or(key.len(), |next| bar + 1 + next);
                        let fewer = format!("{}{}", &key[..bar], &key[end..]);
                        out.push(with(Some((fewer, value.clone()))));
                    }
                    let inner = value.smaller().into_iter();
                    out.extend(inner.map(|inner| with(Some((key.clone(), inner)))));
                }
                out
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Every set of documents that lacks something of these.
pub(super) fn smaller(documents: &[Document]) -> impl Iterator<Item = Vec<Document>> {
    let without = (0..documents.len()).map(|at| {
        let mut fewer = documents.to_vec();
        fewer.remove(at);
        fewer
    });
    let reduced = (0..documents.len()).flat_map(move |at| {
        documents[at].smaller().into_iter().map(move |smaller| {
            let mut reduced = documents.to_vec();
            reduced[at] = smaller;
            reduced
        })
    });
    without.chain(reduced)
}
