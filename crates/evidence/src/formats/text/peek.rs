//! The beginning of a text, looked at once for all text formats.

use super::decode::Encoding;
use super::header::directive;
use super::lines::LineSource;
use crate::formats::Probe;

/// What the beginning of a file says of it.
pub(crate) struct Peek<'a> {
    encoding: Encoding,
    /// Path below the collection root.
    pub logical: &'a str,
    max_record: usize,
    text: String,
}

impl<'a> Peek<'a> {
    /// `None` for what is no text.
    pub(crate) fn of(probe: &Probe<'a>) -> Option<Self> {
        let encoding = Encoding::of(probe.prefix);
        let text = encoding.peek(probe.prefix);
        is_text(&text).then_some(Self {
            encoding,
            logical: probe.logical,
            max_record: probe.max_record,
            text,
        })
    }

    /// A reader of the whole text.
    pub(crate) fn source(&self) -> LineSource {
        LineSource::new(self.encoding, self.max_record)
    }

    /// Longest record.
    pub(crate) fn max_record(&self) -> usize {
        self.max_record
    }

    /// The lines of the beginning that say something; the last may be cut.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let blank = |c: char| c.is_whitespace() || c == '\0' || c == '\u{FEFF}';
        self.text
            .split('\n')
            .map(move |line| line.trim_matches(blank))
            .filter(|line| !line.is_empty())
    }

    /// The first value of a header line.
    pub(crate) fn directive(&self, name: &str) -> Option<&str> {
        self.lines().filter_map(directive).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The first line that is no header line.
    pub(crate) fn first_row(&self) -> Option<&str> {
        self.lines().find(|line| !line.starts_with('#'))
    }

    /// The name of the file in lower case.
    pub(crate) fn name(&self) -> String {
        self.logical.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
    }
}

/// Whether it reads as text: NUL bytes may stand in it (a crash leaves them), other control characters not.
fn is_text(text: &str) -> bool {
    let odd = |c: char| matches!(c, '\u{1}'..='\u{8}' | '\u{E}'..='\u{1F}' | '\u{7F}' | char::REPLACEMENT_CHARACTER);
    let (mut all, mut bad) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| *c != '\0') {
        all += 1;
        bad += usize::from(odd(c));
    }
    all > 0 && bad * 20 <= all
}
