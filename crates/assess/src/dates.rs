//! When updates came, holes were published and attacks began: rows of `dates.csv`, each with its source.

use std::collections::BTreeMap;

use model::Time;
use model::exposure::DatedFact;
use serde::Deserialize;

/// All rows with a date, by what they tell and of what, in the order of their dates.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    rows: BTreeMap<(String, String), Vec<DatedFact>>,
}

#[derive(Debug, Deserialize)]
struct DateRow {
    kind: String,
    id: String,
    date: String,
    precision: String,
    source: String,
    read: String,
}

impl Dates {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut dates = Self::default();
        for row in csv::Reader::from_reader(bytes).deserialize::<DateRow>() {
            let row = row.map_err(|e| e.to_string())?;
            if row.date.is_empty() {
                continue;
            }
            if start(&row.date).is_none() {
                return Err(format!("{} {}: {} is no date", row.kind, row.id, row.date));
            }
            let fact = DatedFact {
                kind: row.kind.clone(),
                id: row.id.clone(),
                date: row.date,
                precision: row.precision,
                verified: row.read == "yes",
                source: row.source,
            };
            dates.rows.entry((row.kind, row.id)).or_default().push(fact);
        }
        for facts in dates.rows.values_mut() {
            facts.sort_by(|a, b| a.date.cmp(&b.date).then_with(|| a.source.cmp(&b.source)));
        }
        Ok(dates)
    }

    /// All rows of one kind about one thing.
    pub(crate) fn all(&self, kind: &str, id: &str) -> &[DatedFact] {
        self.rows.get(&(kind.to_owned(), id.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The earliest date that somebody read; else the earliest that is only remembered.
    pub(crate) fn first(&self, kind: &str, id: &str) -> Option<&DatedFact> {
        let rows = self.all(kind, id);
        rows.iter().find(|r| r.verified).or(rows.first())
    }

    /// The earliest read day on which a hole was used or published. What nobody read moves no window.
    pub(crate) fn known_since(&self, hole: &str) -> Option<&DatedFact> {
        ["first-exploited", "disclosed"]
            .into_iter()
            .flat_map(|kind| self.all(kind, hole))
            .filter(|row| row.verified)
            .min_by(|a, b| a.date.cmp(&b.date).then_with(|| b.kind.cmp(&a.kind)))
    }
}

/// The first moment of a day or month.
pub(crate) fn start(date: &str) -> Option<Time> {
    let day = if date.len() == "2021-03".len() { format!("{date}-01") } else { date.to_owned() };
    Time::parse(&format!("{day}T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "kind,id,date,precision,basis,source,read\n\
        first-exploited,H,2021-03-05,day,stated,a,yes\n\
        first-exploited,H,2021-02,month,stated,b,yes\n\
        first-exploited,H,2021-01-01,day,remembered,c,no\n\
        first-exploited,H,,,unknown,d,yes\n\
        disclosed,H,2021-03-02,day,stated,e,yes\n\
        disclosed,I,2021-03-02,day,remembered,f,no\n";

    #[test]
    fn what_nobody_read_moves_nothing_and_a_month_begins_with_its_first_day() {
        let dates = Dates::parse(ROWS.as_bytes()).unwrap();
        let since = dates.known_since("H").unwrap();
        assert_eq!((since.date.as_str(), since.source.as_str()), ("2021-02", "b"));
        assert_eq!(start(&since.date), Time::parse("2021-02-01T00:00:00Z"));
        assert_eq!(dates.known_since("I"), None);
        assert!(!dates.first("disclosed", "I").unwrap().verified);
        assert_eq!(dates.all("first-exploited", "H").len(), 3);
        assert!(Dates::parse(ROWS.replace("2021-03-05", "March").as_bytes()).is_err());
    }
}
