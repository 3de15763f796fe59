//! Lines with a label, wrapped under themselves, in colour or not, in ASCII or not.

use model::Time;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;
use crate::inert::{inert_text, spell};
use crate::words::{count, stamp_bare};

/// Columns of the label.
const LABEL: usize = 11;

/// Colours by meaning; each stands beside a word that says the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Bold,
    Red,
    Amber,
    Green,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Red => "1;31",
            Self::Amber => "1;33",
            Self::Green => "1;32",
        }
    }
}

/// A summary under construction.
pub(super) struct Page {
    out: String,
    style: Style,
    last_label: &'static str,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        let style = Style { width: style.width.max(40), ..style };
        Self { out: String::new(), style, last_label: "" }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// The first line: the headline in its colour.
    pub(super) fn headline(&mut self, label: &'static str, head: &str, rest: &str, paint: Paint) {
        self.label(label);
        let head = self.painted(head, paint);
        self.out.push_str(&head);
        self.out.push_str("   ");
        self.out.push_str(rest);
        self.out.push('\n');
    }

    /// A row of wrapped text; a label that stood before is not repeated.
    pub(super) fn row(&mut self, label: &'static str, text: &str) {
        self.hanging(label, "", text);
    }

    /// A row with a key of its own before the text, which hangs under itself.
    pub(super) fn hanging(&mut self, label: &'static str, key: &str, text: &str) {
        let key = self.face(key);
        let text = self.face(text);
        let indent = if key.is_empty() { 0 } else { key.width() + 2 };
        let indent = if LABEL + indent + 24 > self.style.width { 2 } else { indent };
        if indent == 2 && !key.is_empty() {
            return self.stacked(label, &key, &text);
        }
        let room = self.style.width.saturating_sub(LABEL + indent).max(16);
        let mut pad = format!("{key:indent$}");
        for line in wrap(&text, room) {
            self.label(label);
            let full = format!("{pad}{line}");
            self.out.push_str(full.trim_end());
            self.out.push('\n');
            pad = " ".repeat(indent);
        }
    }

    /// Key and text under each other, where there is no room beside.
    fn stacked(&mut self, label: &'static str, key: &str, text: &str) {
        let room = self.style.width.saturating_sub(LABEL + 2).max(16);
        let key = wrap(key, room + 2);
        let text = wrap(text, room).into_iter().map(|line| format!("  {line}"));
        for line in key.into_iter().chain(text) {
            self.label(label);
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    /// Says how much of a list is not shown.
    pub(super) fn more(&mut self, all: usize, shown: usize) {
        if all > shown {
            self.row("", &format!("… {} more in the report", count(all - shown)));
        }
    }

    fn label(&mut self, label: &'static str) {
        let shown = if label == self.last_label { "" } else { label };
        if !label.is_empty() {
            self.last_label = label;
        }
        let padded = format!("{shown:LABEL$}");
        let painted = if shown.is_empty() { padded } else { self.painted(&padded, Paint::Bold) };
        self.out.push_str(&painted);
    }

    fn painted(&self, text: &str, paint: Paint) -> String {
        painted(text, paint, self.style)
    }

    fn face(&self, text: &str) -> String {
        face(text, self.style)
    }
}

/// Text in a colour, if the terminal has colours. The text must be inert already.
pub(super) fn painted(text: &str, paint: Paint, style: Style) -> String {
    if style.color { format!("\u{1B}[{}m{text}\u{1B}[0m", paint.code()) } else { text.to_owned() }
}

/// Text as this terminal can show it: inert, and in ASCII where it knows nothing else.
pub(super) fn face(text: &str, style: Style) -> String {
    let text = inert_text(text);
    if style.unicode {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            '·' | '│' => out.push('|'),
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            '“' | '”' => out.push('"'),
            '’' => out.push('\''),
            other => spell(other, &mut out),
        }
    }
    out
}

/// At most `max` characters, with the full length where something was left out.
pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => {
            let head = text.get(..at).unwrap_or_default();
            format!("{head}… ({} characters in all)", count(text.chars().count()))
        }
    }
}

/// The first names of a list, and how many follow.
pub(super) fn some(names: &[&str], max: usize) -> String {
    let shown = names.iter().take(max).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(max);
    if more > 0 { format!("{shown} and {} more", count(more)) } else { shown }
}

/// A time without the digits behind the millisecond: the report has them.
pub(super) fn to_the_millisecond(time: Time) -> String {
    stamp_bare(time).chars().take(23).collect()
}

/// Breaks text at spaces into lines of at most `width` columns; a longer word is broken anywhere.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let wide = word.trim_end_matches(' ').width();
        if used > 0 && used + wide > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            let step = c.width().unwrap_or(0);
            if used + step > width && c != ' ' {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += step;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces_and_breaks_long_words() {
        let cases: [(&str, &[&str]); 4] = [
            ("", &[""]),
            ("one two three", &["one two ", "three"]),
            ("aaaaaaaaaaaaaaaaaaa", &["aaaaaaaaa", "aaaaaaaaa", "a"]),
            ("日本日本日本", &["日本日本", "日本"]),
        ];
        for (given, want) in cases {
            assert_eq!(wrap(given, 9), want, "{given}");
        }
    }

    #[test]
    fn an_old_console_gets_ascii() {
        let style = Style { color: false, width: 80, unicode: false };
        assert_eq!(face("a → b · “c”… é\u{1B}", style), "a -> b | \"c\"... \\u{E9}\\u{1B}");
    }
}
