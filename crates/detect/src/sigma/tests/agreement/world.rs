//! Random rules and events out of few words, so that about a third of the pairs match.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Value;

use super::document::Document;
use super::pools::{
    ADDRESSES, EXPRESSIONS, LETTERS, NETWORKS, NUMBERS, PROFILES, Profile, SEARCHES, TIMES,
};
use super::*;

/// A small generator of numbers (SplitMix64): the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.below(list.len())]
    }
}

/// The words of one set of rules and events.
pub(super) struct World {
    random: Random,
    profiles: Vec<&'static Profile>,
    words: Vec<String>,
    /// Values that are likely to match something, by the name that the record gives the field.
    hints: Vec<(String, String)>,
}

impl World {
    pub(super) fn new(mut random: Random) -> Self {
        let count = if random.percent(15) { 3 } else { 1 };
        let mut profiles = Vec::new();
        for _ in 0..count {
            let nth = if random.percent(50) { 0 } else { random.below(PROFILES.len()) };
            profiles.push(&PROFILES[nth]);
        }
        let mut world = Self { random, profiles, words: Vec::new(), hints: Vec::new() };
        world.words = (0..4).map(|_| world.letters(1, 5)).collect();
        world
    }

    fn letters(&mut self, from: usize, to: usize) -> String {
        let count = from + self.random.below(to - from + 1);
        (0..count).map(|_| LETTERS[self.random.below(LETTERS.len())]).collect()
    }

    fn word(&mut self) -> String {
        self.words[self.random.below(self.words.len())].clone()
    }

    /// A rule; its number is its id.
    pub(super) fn rule(&mut self, nth: u64) -> Document {
        let profile = self.profiles[self.random.below(self.profiles.len())];
        let mut detection = self.searches(profile);
        detection.push(("condition".to_owned(), self.conditions()));
        Document::Map(vec![
            ("title".to_owned(), Document::Text("T".to_owned())),
            ("id".to_owned(), Document::Text(id(nth))),
            ("name".to_owned(), Document::Text(format!("name-{nth}"))),
            ("logsource".to_owned(), Document::Plain(format!("{{{}}}", profile.logsource))),
            ("detection".to_owned(), Document::Map(detection)),
        ])
    }

    /// Filters for some of the rules.
    pub(super) fn filters(&mut self, rules: u64) -> Vec<Document> {
        let count = if self.random.percent(30) { 2 } else { 0 };
        (0..count).map(|nth| self.filter(nth, rules)).collect()
    }

    fn filter(&mut self, nth: u64, rules: u64) -> Document {
        let profile = self.profiles[0];
        let target = self.random.next() % rules;
        let names = match self.random.below(4) {
            0 => Document::Text("any".to_owned()),
            1 => Document::List(vec![Document::Text(id(target).to_uppercase())]),
            2 => Document::List(vec![Document::Text(format!("name-{target}"))]),
            _ => Document::Text(id(target)),
        };
        let mut filter = vec![("rules".to_owned(), names)];
        filter.extend(self.searches(profile));
        filter.push(("condition".to_owned(), Document::Text("not 1 of *".to_owned())));
        let logsource = Document::Plain(format!("{{{}}}", profile.logsource));
        Document::Map(vec![
            ("title".to_owned(), Document::Text("F".to_owned())),
            ("id".to_owned(), Document::Text(id(1_000 + nth))),
            ("logsource".to_owned(), logsource),
            ("filter".to_owned(), Document::Map(filter)),
        ])
    }

    fn searches(&mut self, profile: &Profile) -> Vec<(String, Document)> {
        SEARCHES.iter().map(|name| ((*name).to_owned(), self.search(profile))).collect()
    }

    fn search(&mut self, profile: &Profile) -> Document {
        match self.random.below(20) {
            0 => Document::List(vec![self.keyword(), self.keyword()]),
            1 => self.keyword(),
            2 => {
                let key = self.random.pick(&[
                    "|all",
                    "|contains",
                    "|cased",
                    "|neq",
                    "|re",
                    "|windash|all",
                ]);
                Document::Map(vec![(
                    key.to_owned(),
                    Document::List(vec![self.keyword(), self.keyword()]),
                )])
            }
            3..=5 => Document::List(vec![self.map(profile), self.map(profile)]),
            6 => Document::List(vec![self.keyword(), Document::List(vec![self.map(profile)])]),
            _ => self.map(profile),
        }
    }

    fn map(&mut self, profile: &Profile) -> Document {
        let count = if self.random.percent(25) { 2 } else { 1 };
        let mut entries: Vec<(String, Document)> = Vec::new();
        for _ in 0..count {
            let entry = self.item(profile);
            if entries.iter().all(|(key, _)| *key != entry.0) {
                entries.push(entry);
            }
        }
        Document::Map(entries)
    }

    fn keyword(&mut self) -> Document {
        let word = self.pattern();
        Document::Text(if word.is_empty() { "a".to_owned() } else { word })
    }

    /// A condition over the searches, or a list of them.
    fn conditions(&mut self) -> Document {
        if self.random.percent(10) {
            let members = (0..2).map(|_| Document::Text(self.condition(2)));
            return Document::List(members.collect());
        }
        Document::Text(self.condition(2))
    }

    fn condition(&mut self, depth: usize) -> String {
        let name = self.random.pick(&SEARCHES);
        if depth == 0 {
            return name.to_owned();
        }
        match self.random.below(14) {
            0..=3 => name.to_owned(),
            4 => format!("not {}", self.condition(depth - 1)),
            5 => format!("{} and {}", self.condition(depth - 1), self.condition(depth - 1)),
            6 => format!("{} or {}", self.condition(depth - 1), self.condition(depth - 1)),
            7 => format!("({}) AND not({})", self.condition(depth - 1), self.condition(depth - 1)),
            8 => format!("{name} or {} and {}", self.condition(depth - 1), self.condition(0)),
            9 => format!("1 of {}", self.random.pick(&["sel_*", "*_*", "_*", "s*a", "them"])),
            10 => format!("all of {}", self.random.pick(&["sel_*", "*", "*_hidden", "oth*r"])),
            11 => format!("not 1 of {}", self.random.pick(&["sel_*", "them"])),
            12 => format!("{name} and not all of {}", self.random.pick(&["sel*", "any*", "*"]))
                .replace("any*", "*a"),
            _ => format!("any of sel_* or not not {name}"),
        }
    }

    /// One item of a map; notes what is likely to match it.
    fn item(&mut self, profile: &Profile) -> (String, Document) {
        if let Some(joined) = profile.joined.filter(|_| self.random.percent(20)) {
            return self.joined(joined);
        }
        let (name, stored) = profile.fields[self.random.below(profile.fields.len())];
        let stored = stored.to_owned();
        match self.random.below(24) {
            0 => (
                format!("{name}|exists"),
                Document::Plain(self.random.pick(&["true", "no", "True"]).to_owned()),
            ),
            1 => (
                name.to_owned(),
                Document::Plain(self.random.pick(&["null", "~", "''"]).to_owned()),
            ),
            2 | 3 => self.expression(name, stored),
            4 => self.network(name, stored),
            5 | 6 => self.number(name, stored),
            7 => self.ordered(name, stored),
            8 => self.time(name, stored),
            9 => self.other_field(name, profile),
            10 | 11 => self.encoded(name, stored),
            _ => self.text(name, &stored),
        }
    }

    fn joined(
        &mut self,
        (name, first, between, second): (&str, &str, char, &str),
    ) -> (String, Document) {
        let (before, behind) = (self.word(), self.word());
        let text = format!("{before}{between}{behind}");
        self.hints.push((first.to_owned(), before));
        let doubled = self.random.percent(50);
        let behind = if doubled { format!("{between}{behind}") } else { behind };
        self.hints.push((second.to_owned(), behind));
        let escape = |c: char| ['\\', c].into_iter().skip(usize::from(!"*?\\".contains(c)));
        (format!("{name}|contains"), Document::Text(text.chars().flat_map(escape).collect()))
    }

    fn expression(&mut self, name: &str, stored: String) -> (String, Document) {
        let (text, flags, hits) = EXPRESSIONS[self.random.below(EXPRESSIONS.len())];
        self.hints.push((stored, self.random.pick(hits).to_owned()));
        let mut key = format!("{name}|re");
        for flag in flags.chars() {
            key = format!("{key}|{flag}");
        }
        (key, Document::Text(text.to_owned()))
    }

    fn network(&mut self, name: &str, stored: String) -> (String, Document) {
        let network = self.random.pick(&NETWORKS);
        self.hints.push((stored, self.random.pick(&ADDRESSES).to_owned()));
        (format!("{name}|cidr"), Document::Text(network.to_owned()))
    }

    fn number(&mut self, name: &str, stored: String) -> (String, Document) {
        let number = self.random.pick(&NUMBERS).to_owned();
        self.hints.push((stored, number.clone()));
        let key = if self.random.percent(20) { format!("{name}|neq") } else { name.to_owned() };
        let number = Document::Plain(number);
        let both = Document::List(vec![number.clone(), Document::Text(self.word())]);
        (key, if self.random.percent(30) { both } else { number })
    }

    fn ordered(&mut self, name: &str, stored: String) -> (String, Document) {
        let order = self.random.pick(&["lt", "lte", "gt", "gte"]);
        self.hints
            .push((stored, self.random.pick(&["0", "2", "0x10", "-3", "1.25", "0x-5"]).to_owned()));
        (format!("{name}|{order}"), Document::Plain(self.random.pick(&NUMBERS).to_owned()))
    }

    fn time(&mut self, name: &str, stored: String) -> (String, Document) {
        let (part, values) = [
            ("minute", ["40", "59", "14"]),
            ("hour", ["6", "23", "13"]),
            ("day", ["14", "3", "29"]),
            ("week", ["53", "10", "1"]),
            ("month", ["3", "12", "2"]),
            ("year", ["2021", "2020", "0"]),
        ][self.random.below(6)];
        self.hints.push((stored, self.random.pick(&TIMES).to_owned()));
        let order = self.random.pick(&["", "", "|gte", "|lt", "|neq"]);
        (format!("{name}|{part}{order}"), Document::Plain(self.random.pick(&values).to_owned()))
    }

    fn other_field(&mut self, name: &str, profile: &Profile) -> (String, Document) {
        let (other, _) = profile.fields[self.random.below(profile.fields.len())];
        let how =
            self.random.pick(&["", "|contains", "|startswith", "|endswith", "|cased", "|neq"]);
        (format!("{name}|fieldref{how}"), Document::Text(other.to_owned()))
    }

    fn encoded(&mut self, name: &str, stored: String) -> (String, Document) {
        let text = self.word().replace(['*', '?', '\\'], "");
        let wide = self.random.pick(&["", "|wide", "|utf16le", "|utf16be", "|utf16"]);
        let bytes: Vec<u8> = match wide {
            "" => text.clone().into_bytes(),
            "|utf16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "|utf16" => std::iter::once(0xFEFF)
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
            _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        let (how, before) = match self.random.below(3) {
            0 => ("base64", 0),
            1 => ("base64offset", self.random.below(4)),
            _ => ("base64offset|contains", self.random.below(4)),
        };
        let around = [b"xyz".get(..before).unwrap_or_default(), &bytes, b"!"].concat();
        self.hints.push((stored, STANDARD.encode(if how == "base64" { &bytes } else { &around })));
        (format!("{name}{wide}|{how}"), Document::Text(text))
    }

    fn text(&mut self, name: &str, stored: &str) -> (String, Document) {
        let mut modifiers = vec![self.random.pick(&["contains", "startswith", "endswith", "", ""])];
        for (modifier, percent) in
            [("cased", 12), ("windash", 12), ("neq", 8), ("all", 15), ("expand", 4)]
        {
            if self.random.percent(percent) {
                let at = self.random.below(modifiers.len() + 1);
                modifiers.insert(at, modifier);
            }
        }
        let mut key = name.to_owned();
        for modifier in modifiers.iter().filter(|modifier| !modifier.is_empty()) {
            key = format!("{key}|{modifier}");
        }
        let expand = modifiers.contains(&"expand");
        let count = if self.random.percent(40) { 2 + self.random.below(9) } else { 1 };
        let mut values = Vec::new();
        for _ in 0..count {
            let word = self.word();
            self.hints.push((stored.to_owned(), word));
            let pattern = self.pattern();
            values.push(Document::Text(if expand { self.with_percent(&pattern) } else { pattern }));
        }
        match (values.len(), values.pop()) {
            (1, Some(only)) if !modifiers.contains(&"all") => (key, only),
            (_, last) => {
                values.extend(last);
                (key, Document::List(values))
            }
        }
    }

    fn with_percent(&mut self, pattern: &str) -> String {
        let sign = self.random.pick(&["%", "\\%", "\\%a\\%", "%a b%", "%x%", "\\\\%x%"]);
        format!("{pattern}{sign}")
    }

    /// A rule's string that is often like a word: part of it, with characters replaced by wildcards, escaped or not.
    fn pattern(&mut self) -> String {
        if self.random.percent(6) {
            return self.letters(0, 4);
        }
        let chars: Vec<char> = self.word().chars().collect();
        let from = if self.random.percent(40) { self.random.below(chars.len()) } else { 0 };
        let end = if self.random.percent(40) {
            from + self.random.below(chars.len() - from) + 1
        } else {
            chars.len()
        };
        let escapes = self.random.percent(70);
        let mut out = String::new();
        for char in &chars[from..end] {
            match (char, self.random.below(20)) {
                (_, 0) => out.push('?'),
                (_, 1) => out.push('*'),
                ('*' | '?' | '\\', _) if escapes => out.extend(['\\', *char]),
                (_, 2) => out.extend(char.to_uppercase()),
                _ => out.push(*char),
            }
        }
        out
    }

    /// An event of one of the profiles, with values that rules of this world look for.
    pub(super) fn event(&mut self) -> Event<'static> {
        let profile = self.profiles[self.random.below(self.profiles.len())];
        let mut event = event(&format!("{{{}, \"fields\": {{}}}}", profile.head));
        if event.family == "windows-event" && event.event_id.is_none() {
            event.event_id = self.random.percent(90).then(|| self.random.below(3) as u32);
        }
        for (_, stored) in profile.fields {
            let count = [1, 1, 1, 1, 1, 1, 1, 2, 3, 0][self.random.below(10)];
            for _ in 0..count {
                if *stored != "EventID" || self.random.percent(10) {
                    let value = self.value(stored);
                    event.fields.push(*stored, value);
                }
            }
        }
        if self.random.percent(80) {
            let kind = self.random.pick(&["%%1904", "%%1905", "%%1906"]);
            event.fields.push("OperationType", kind.to_owned());
        }
        if event.family == "windows-event" {
            let text = Value::from("none");
            event
                .fields
                .push("EventID", event.event_id.map_or(text, |id| Value::UInt(u64::from(id))));
        }
        event
    }

    fn value(&mut self, stored: &str) -> Value<'static> {
        match self.random.below(30) {
            0 => Value::Null,
            1 => Value::Bool(self.random.percent(50)),
            2 => Value::Int([-1, 0, 1, 10, 16][self.random.below(5)]),
            3 => Value::UInt([0, 1, 16, u64::MAX][self.random.below(4)]),
            4 => Value::Float([1.0, 1.5, 16.0, f64::NAN][self.random.below(4)]),
            5 => Value::from(String::new()),
            6 => Value::from(self.letters(1, 5)),
            7..=14 => Value::from(self.word()),
            _ => {
                let hints: Vec<&String> = self
                    .hints
                    .iter()
                    .filter(|(name, _)| name == stored)
                    .map(|(_, hint)| hint)
                    .collect();
                let hint = match hints.len() {
                    0 => self.words[0].clone(),
                    count => hints[self.random.below(count)].clone(),
                };
                self.varied(hint)
            }
        }
    }

    fn varied(&mut self, hint: String) -> Value<'static> {
        match self.random.below(12) {
            0 => Value::from(hint.to_uppercase()),
            1 => Value::from(format!("{}{hint}", self.letters(1, 1))),
            2 => Value::from(format!("{hint}{}", self.letters(1, 1))),
            3 => Value::from(hint.replace('-', "/")),
            4 | 5 => match hint.parse::<i64>() {
                Ok(number) => Value::Int(number),
                Err(_) => Value::from(hint),
            },
            _ => Value::from(hint),
        }
    }
}

fn id(nth: u64) -> String {
    format!("00000000-0000-4000-8000-{nth:012x}")
}
