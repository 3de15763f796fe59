//! Build numbers, the updates that they belong to, and which build carries which update.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;

/// A build number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Build(pub(crate) [u32; 4]);

/// The numbers that name a cumulative update.
pub(crate) type Place = [u32; 3];

impl Build {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(number);
        let build = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self(build))
    }

    /// The numbers that name the cumulative update.
    pub(crate) fn place(self) -> Place {
        let [major, minor, update, _] = self.0;
        [major, minor, update]
    }

    pub(crate) fn line(self) -> [u32; 2] {
        [self.0[0], self.0[1]]
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, update, revision] = self.0;
        write!(f, "{major}.{minor}.{update}.{revision}")
    }
}

/// A part of a build number: digits alone, not too many.
fn number(text: &str) -> Option<u32> {
    let digits = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A build as somebody states it: whole, or without its last number, as a web server tells it to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatedBuild {
    /// All four numbers.
    Whole(Build),
    /// The numbers of a cumulative update; which security update is on it is not told.
    Cumulative([u32; 3]),
}

impl StatedBuild {
    /// Reads `15.1.2106.2`, `15.01.2106.002`, `Version 15.1 (Build 2106.2)` and `15.1.2106`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text =
            without_word(text, "version").or_else(|| without_word(text, "v")).unwrap_or(text);
        let joined = match text.split_once('(') {
            Some((line, build)) => {
                let build = without_word(build.strip_suffix(')')?, "build")?;
                format!("{}.{build}", line.trim())
            }
            None => text.to_owned(),
        };
        let parts =
            joined.split('.').take(5).map(|p| number(p.trim())).collect::<Option<Vec<_>>>()?;
        match *parts.as_slice() {
            [a, b, c, d] => Some(Self::Whole(Build([a, b, c, d]))),
            [a, b, c] => Some(Self::Cumulative([a, b, c])),
            _ => None,
        }
    }

    pub(crate) fn lowest(self) -> Build {
        match self {
            Self::Whole(build) => build,
            Self::Cumulative([a, b, c]) => Build([a, b, c, 0]),
        }
    }
}

impl std::fmt::Display for StatedBuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(build) => build.fmt(f),
            Self::Cumulative([major, minor, update]) => write!(f, "{major}.{minor}.{update}"),
        }
    }
}

/// The rest of a text that begins with a word, whatever its case.
fn without_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then(|| rest.trim())
}

/// Cumulative updates and their security updates, in the order of their builds.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    cumulative: Vec<Cumulative>,
    /// For the first two numbers of a build, where its family stands in that order.
    families: BTreeMap<[u32; 2], Range<usize>>,
}

/// A cumulative update, or a service pack with or without rollup.
#[derive(Debug)]
pub(crate) struct Cumulative {
    pub(crate) product: String,
    pub(crate) name: String,
    pub(crate) build: Build,
    /// Where lists disagree, an update has several builds.
    pub(crate) security: BTreeMap<String, BTreeSet<Build>>,
}

impl Cumulative {
    /// All builds with the update that each is, in order.
    pub(crate) fn builds(&self) -> BTreeMap<Build, Option<&str>> {
        let mut all = BTreeMap::from([(self.build, None)]);
        for (name, builds) in &self.security {
            all.extend(
                builds.iter().filter(|b| **b != self.build).map(|b| (*b, Some(name.as_str()))),
            );
        }
        all
    }
}

#[derive(Debug, Deserialize)]
struct CumulativeEntry {
    #[serde(rename = "CU")]
    build: String,
    #[serde(rename = "SU", default)]
    security: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct MoreRow {
    product: String,
    cumulative: String,
    security: String,
    build: String,
}

/// Whether a build carries an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    Yes,
    No,
    /// The build lies where the lists disagree, or among builds that none of them has.
    Unknown,
}

impl Builds {
    /// Reads `builds.json`, and `builds-more.csv` with what that table omits.
    pub(crate) fn parse(table: &[u8], more: &[u8]) -> Result<Self, String> {
        type Table = BTreeMap<String, BTreeMap<String, CumulativeEntry>>;
        let table: Table = serde_json::from_slice(table).map_err(|e| e.to_string())?;
        let mut builds = Self::default();
        for (product, updates) in table {
            for (name, update) in updates {
                builds.add(&product, &name, "", &update.build)?;
                for (security, build) in &update.security {
                    builds.add(&product, &name, security, build)?;
                }
            }
        }
        for row in csv::Reader::from_reader(more).deserialize::<MoreRow>() {
            let row = row.map_err(|e| e.to_string())?;
            builds.add(&row.product, &row.cumulative, &row.security, &row.build)?;
        }
        builds.cumulative.sort_by_key(|c| c.build);
        builds.families = families(&builds.cumulative);
        Ok(builds)
    }

    fn add(
        &mut self,
        product: &str,
        name: &str,
        security: &str,
        build: &str,
    ) -> Result<(), String> {
        let number =
            Build::parse(build).ok_or_else(|| format!("{product} {name}: {build} is no build"))?;
        let own = |c: &&mut Cumulative| c.product == product && c.build.place() == number.place();
        match (security, self.cumulative.iter_mut().find(own)) {
            ("", _) => self.cumulative.push(Cumulative {
                product: product.to_owned(),
                name: name.to_owned(),
                build: number,
                security: BTreeMap::new(),
            }),
            (_, Some(cumulative)) => {
                cumulative.security.entry(security.to_owned()).or_default().insert(number);
            }
            (_, None) => {
                return Err(format!("{product} {name} {security}: no such cumulative update"));
            }
        }
        Ok(())
    }

    /// The cumulative update that a build belongs to.
    pub(crate) fn own(&self, build: Build) -> Option<&Cumulative> {
        let same = || self.family(build).iter().filter(move |c| c.build.place() == build.place());
        same().rev().find(|c| c.build <= build).or_else(|| same().next())
    }

    /// The cumulative updates next below and above a build that belongs to none.
    pub(crate) fn neighbours(&self, build: Build) -> (Option<&Cumulative>, Option<&Cumulative>) {
        let family = self.family(build);
        let below = family.iter().rev().find(|c| c.build.place() < build.place());
        let above = family.iter().find(|c| c.build.place() > build.place());
        (below, above)
    }

    /// The cumulative updates of all products whose builds begin like this one, in order: one can be
    /// installed over another.
    pub(crate) fn family(&self, build: Build) -> &[Cumulative] {
        let range = self.families.get(&build.line());
        range.and_then(|r| self.cumulative.get(r.clone())).unwrap_or_default()
    }

    /// The product of a build.
    pub(crate) fn product(&self, build: Build) -> Option<&str> {
        let neighbour = || {
            let (below, above) = self.neighbours(build);
            below.or(above)
        };
        self.own(build).or_else(neighbour).map(|c| c.product.as_str())
    }

    /// A build that stands for this one: between two that are listed next to each other all are alike.
    pub(crate) fn representative(&self, build: Build) -> Build {
        let [major, minor, update, revision] = build.0;
        match self.own(build) {
            Some(own) => {
                let below = own.builds().into_keys().rfind(|b| *b <= build);
                let next = below.map_or(0, |b| if b == build { revision } else { b.0[3] + 1 });
                Build([major, minor, update, next])
            }
            None => match self.neighbours(build).0 {
                Some(below) if below.build.line() == build.line() => {
                    Build([major, minor, below.build.0[2] + 1, 0])
                }
                _ => Build([major, minor, 0, 0]),
            },
        }
    }

    /// Whether a build carries the update of that name, which these products have. Within its own
    /// cumulative update its number tells; an older cumulative update without the update never got it; one
    /// that is newer than all that got it has it built in.
    pub(crate) fn carries(&self, build: Build, update: &str, products: &[String]) -> Carries {
        let family = self.family(build);
        let got: Vec<(Place, Build, Build)> = family
            .iter()
            .filter(|c| products.contains(&c.product))
            .filter_map(|c| {
                let own = (c.name == update).then_some(c.build);
                let security = c.security.get(update);
                let first = own.or_else(|| security?.first().copied())?;
                let last = own.or_else(|| security?.last().copied())?;
                Some((c.build.place(), first, last))
            })
            .collect();
        let Some(newest) = got.iter().map(|(place, ..)| *place).max() else {
            return Carries::Unknown;
        };
        let own = || got.iter().filter(|(place, ..)| *place == build.place());
        if let (Some(first), Some(last)) = (own().map(|o| o.1).min(), own().map(|o| o.2).max()) {
            return match () {
                () if build >= last => Carries::Yes,
                () if build < first => Carries::No,
                () => Carries::Unknown,
            };
        }
        if build.place() < newest {
            return Carries::No;
        }
        let known = family.iter().any(|c| c.build.place() == build.place());
        let below = family.iter().map(|c| c.build.place()).filter(|p| *p < build.place()).max();
        let from_its_start = || {
            family.iter().any(|c| {
                c.build.place() == newest
                    && (c.name == update
                        || c.security.get(update).is_some_and(|b| b.contains(&c.build)))
            })
        };
        if known || below.is_some_and(|below| below > newest) || from_its_start() {
            Carries::Yes
        } else {
            Carries::Unknown
        }
    }
}

/// Where the products whose builds share their first two numbers stand, for each such pair.
fn families(cumulative: &[Cumulative]) -> BTreeMap<[u32; 2], Range<usize>> {
    let lines: BTreeSet<[u32; 2]> = cumulative.iter().map(|c| c.build.line()).collect();
    let range = |line| {
        let products: BTreeSet<&str> = cumulative
            .iter()
            .filter(|c| c.build.line() == line)
            .map(|c| c.product.as_str())
            .collect();
        let related = |c: &Cumulative| products.contains(c.product.as_str());
        let first = cumulative.iter().position(related).unwrap_or_default();
        let last = cumulative.iter().rposition(related).unwrap_or_default();
        (line, first..last + 1)
    };
    lines.into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builds() -> Builds {
        Builds::parse(
            include_bytes!("../../../content/packs/exchange/builds.json"),
            include_bytes!("../../../content/packs/exchange/builds-more.csv"),
        )
        .unwrap()
    }

    fn carries(build: &str, update: &str, products: &[&str]) -> Carries {
        let products: Vec<String> = products.iter().map(|p| (*p).to_owned()).collect();
        builds().carries(Build::parse(build).unwrap(), update, &products)
    }

    const ALL: &[&str] =
        &["Exchange2010", "Exchange2013", "Exchange2016", "Exchange2019", "ExchangeSE"];

    #[test]
    fn a_build_is_compared_within_its_cumulative_update() {
        for (build, update, expected) in [
            ("15.1.2106.2", "Mar21SU", Carries::No),
            ("15.1.2106.12", "Mar21SU", Carries::No),
            ("15.1.2106.13", "Mar21SU", Carries::Yes),
            ("15.1.2242.4", "Mar21SU", Carries::Yes), // released with it
            ("15.2.792.3", "Mar21SU", Carries::No),
            ("15.2.792.10", "Mar21SU", Carries::Yes),
            ("15.2.2562.17", "Mar21SU", Carries::Yes), // a later product, installed over the earlier
            ("15.1.225.42", "Mar21SU", Carries::No),
            ("15.1.9.9", "Mar21SU", Carries::No), // older than all that got it
            ("15.1.2200.1", "Mar21SU", Carries::Unknown), // between CU19, which got it, and CU20
            ("15.1.2200.1", "Feb20SU", Carries::Yes),
            ("15.1.2200.1", "Apr21SU", Carries::No),
            ("15.1.1415.7", "Mar21SU", Carries::No),
            ("15.1.1415.8", "Mar21SU", Carries::Unknown), // two lists of Microsoft disagree
            ("15.1.1415.10", "Mar21SU", Carries::Yes),
            ("15.2.2562.99", "Aug26SU", Carries::Yes),
            ("15.2.2999.1", "Aug26SU", Carries::Unknown), // newer than the content
            ("15.2.2999.1", "Apr25HU", Carries::Yes),
            ("14.3.513.0", "Mar21SU", Carries::Unknown), // never made for it
            ("14.3.496.0", "SP3 RU30", Carries::Yes),
            ("14.3.468.0", "SP3 RU30", Carries::No),
            ("14.3.500.0", "SP3 RU30", Carries::Yes),
            ("14.2.390.3", "SP3 RU30", Carries::No),
            ("14.3.266.1", "SP3 RU11", Carries::Unknown),
            ("16.0.1.1", "Mar21SU", Carries::Unknown),
        ] {
            assert_eq!(carries(build, update, ALL), expected, "{build} {update}");
        }
        assert_eq!(carries("15.2.1544.4", "CU14", &["Exchange2019"]), Carries::Yes);
        assert_eq!(carries("15.2.1258.39", "CU14", &["Exchange2019"]), Carries::No);
    }

    #[test]
    fn builds_are_read_in_the_forms_that_people_have() {
        let same = [
            "15.1.2106.2",
            "15.01.2106.002",
            " Version 15.1 (Build 2106.2) ",
            "15.1 (build 2106.2)",
            "v15.1.2106.2",
        ];
        for text in same {
            assert_eq!(
                StatedBuild::parse(text).map(|b| b.to_string()).as_deref(),
                Some("15.1.2106.2"),
                "{text}"
            );
        }
        for text in ["15.1.2106", "Version 15.1 (Build 2106)"] {
            assert_eq!(
                StatedBuild::parse(text),
                Some(StatedBuild::Cumulative([15, 1, 2106])),
                "{text}"
            );
        }
        for text in [
            "",
            "15",
            "15.1",
            "15.1.2106.2.1",
            "15.1.+2106.2",
            "15.1.2106.x",
            "15.1 (2106.2",
            "Version",
            "15.1.99999999999.1",
            "ü.1.2.3",
            "15..1.2",
            "15.1 (Build 2106.2",
        ] {
            assert_eq!(StatedBuild::parse(text), None, "{text}");
        }
    }
}
