//! The names of the columns, as far as the header line is sound.

/// More columns than any Exchange log has: damage.
const MAX_COLUMNS: usize = 1024;

/// The columns of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns<'a> {
    /// Their names, from the left.
    pub names: Vec<&'a str>,
    /// The line was damaged: only rows with as many cells as there are names fit all of them.
    pub damaged: bool,
    /// How many names from the left hold for every row.
    pub sound: usize,
}

impl<'a> Columns<'a> {
    /// From the text of a header line. In a line that begins anew in the middle of a name, the second list
    /// is the one that ran to the end of the line.
    pub(super) fn of(fields: &'a str) -> Self {
        let strip = |name: &'a str| name.trim().trim_matches('"');
        let names: Vec<&str> = fields.split(',').map(strip).take(MAX_COLUMNS).collect();
        let Some(again) = restart(&names) else {
            return Self { sound: names.len(), damaged: false, names };
        };
        let mut second: Vec<&str> = names.first().copied().into_iter().collect();
        second.extend(names.iter().skip(again + 1));
        Self { sound: again.min(second.len()), damaged: true, names: second }
    }

    /// The first column with one of these names, whatever their case.
    pub(super) fn first_of(&self, wanted: &[&str]) -> Option<usize> {
        wanted
            .iter()
            .find_map(|wanted| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted)))
    }
}

/// Where the list of names starts again: the first name ends another, and the second follows it.
fn restart(names: &[&str]) -> Option<usize> {
    let (first, second) = (names.first()?, names.get(1)?);
    let mut pairs = names.iter().zip(names.iter().skip(1)).enumerate().skip(1);
    pairs.find(|(_, (name, next))| name.ends_with(first) && next == &second).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_list_that_starts_again() {
        for (fields, names, sound) in [
            ("DateTime,A,B", "DateTime,A,B", 3),
            ("DateTime,A,A", "DateTime,A,A", 3),
            (
                "date-time,client-ip,cliedate-time,client-ip,server,x",
                "date-time,client-ip,server,x",
                2,
            ),
            ("DateTime,A,DateTime,A,B", "DateTime,A,B", 2),
            ("DateTime,StartDateTime,A", "DateTime,StartDateTime,A", 3),
        ] {
            let columns = Columns::of(fields);
            assert_eq!(columns.names.join(","), names);
            assert_eq!(columns.sound, sound, "{fields}");
        }
    }
}
