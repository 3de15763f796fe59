//! How times and lists are written in sentences.

use std::collections::{BTreeMap, BTreeSet};

use model::Time;

/// `2021-03-14 06:40:13 UTC`
pub(crate) fn spoken(time: Time) -> String {
    let text = Time::from_unix_nanos(time.unix_nanos(), 0).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// `ProxyLogon: session taken, script file written; another chain: ...`
pub(crate) fn grouped<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (head, part) in parts {
        groups.entry(head).or_default().insert(part);
    }
    let group = |(head, parts): (&str, BTreeSet<&str>)| {
        let parts: Vec<&str> = parts.into_iter().collect();
        format!("{head}: {}", parts.join(", "))
    };
    groups.into_iter().map(group).collect::<Vec<_>>().join("; ")
}
