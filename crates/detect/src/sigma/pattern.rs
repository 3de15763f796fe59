//! Sigma's strings: wildcards, escapes, and how a pattern is compared with a text.

use memchr::memmem;

use super::fold::fold_char;

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    /// This character.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any text, also none.
    Many,
}

/// Reads a rule's string. A backslash is itself unless `*`, `?` or another backslash follows it.
pub(super) fn parse(raw: &str) -> Vec<Tok> {
    let mut toks = Vec::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        toks.push(match c {
            '*' => Tok::Many,
            '?' => Tok::One,
            '\\' => match chars.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => Tok::Char(escaped),
                None => Tok::Char('\\'),
            },
            other => Tok::Char(other),
        });
    }
    toks
}

/// The text of a pattern without wildcards.
pub(super) fn literal(toks: &[Tok]) -> Option<String> {
    toks.iter()
        .map(|t| match t {
            Tok::Char(c) => Some(*c),
            Tok::One | Tok::Many => None,
        })
        .collect()
}

/// The pattern with letters folded.
pub(super) fn folded(toks: &[Tok]) -> Vec<Tok> {
    toks.iter()
        .map(|t| match t {
            Tok::Char(c) => Tok::Char(fold_char(*c)),
            other => *other,
        })
        .collect()
}

/// The simplest comparison that says the same as a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any text.
    Any,
    /// Exactly this.
    Equals(String),
    /// Begins so.
    Starts(String),
    /// Ends so.
    Ends(String),
    /// Holds this.
    Contains(String),
    /// Wildcards elsewhere.
    Glob(Glob),
}

impl Shape {
    pub(super) fn of(toks: &[Tok]) -> Self {
        let front = toks.iter().take_while(|t| **t == Tok::Many).count();
        if front == toks.len() {
            return if toks.is_empty() { Self::Equals(String::new()) } else { Self::Any };
        }
        let back = toks.iter().rev().take_while(|t| **t == Tok::Many).count();
        let middle = toks.get(front..toks.len() - back).unwrap_or_default();
        match (literal(middle), front > 0, back > 0) {
            (Some(text), false, false) => Self::Equals(text),
            (Some(text), false, true) => Self::Starts(text),
            (Some(text), true, false) => Self::Ends(text),
            (Some(text), true, true) => Self::Contains(text),
            (None, open_start, open_end) => Self::Glob(Glob::new(middle, open_start, open_end)),
        }
    }

    /// The same pattern with anything allowed before and behind it.
    pub(super) fn anywhere(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Equals(t) | Self::Starts(t) | Self::Ends(t) | Self::Contains(t) => {
                Self::Contains(t)
            }
            Self::Glob(glob) => Self::Glob(Glob { open_start: true, open_end: true, ..glob }),
        }
    }

    /// The longest text that anything matching must hold; empty if there is none.
    pub(super) fn necessary(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Equals(t) | Self::Starts(t) | Self::Ends(t) | Self::Contains(t) => t,
            Self::Glob(glob) => glob.necessary(),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Equals(t) => text == t,
            Self::Starts(t) => text.starts_with(t.as_str()),
            Self::Ends(t) => text.ends_with(t.as_str()),
            Self::Contains(t) => memmem::find(text.as_bytes(), t.as_bytes()).is_some(),
            Self::Glob(glob) => glob.matches(text),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    One,
}

/// A pattern with wildcards inside: segments that occur in order, without going back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    segments: Vec<Vec<Piece>>,
    open_start: bool,
    open_end: bool,
}

impl Glob {
    fn new(middle: &[Tok], open_start: bool, open_end: bool) -> Self {
        let segments =
            middle.split(|t| *t == Tok::Many).filter(|part| !part.is_empty()).map(pieces).collect();
        Self { segments, open_start, open_end }
    }

    fn necessary(&self) -> &str {
        let texts = self.segments.iter().flatten().filter_map(|p| match p {
            Piece::Text(text) => Some(text.as_str()),
            Piece::One => None,
        });
        texts.max_by_key(|t| t.len()).unwrap_or_default()
    }

    /// Takes the earliest place for each segment: if any arrangement fits, this one does.
    fn matches(&self, text: &str) -> bool {
        let mut segments = self.segments.as_slice();
        let mut at = 0;
        if !self.open_start
            && let Some((first, rest)) = segments.split_first()
        {
            let Some(end) = fits(first, text, 0) else { return false };
            (segments, at) = (rest, end);
            if rest.is_empty() {
                return self.open_end || end == text.len();
            }
        }
        let last = if self.open_end { None } else { segments.split_last() };
        let between = last.map_or(segments, |(_, between)| between);
        for segment in between {
            let Some(end) = earliest(segment, text, at) else { return false };
            at = end;
        }
        last.is_none_or(|(segment, _)| fits_the_end(segment, text, at))
    }
}

fn pieces(part: &[Tok]) -> Vec<Piece> {
    let mut out = Vec::new();
    for tok in part {
        match (tok, out.last_mut()) {
            (Tok::Char(c), Some(Piece::Text(text))) => text.push(*c),
            (Tok::Char(c), _) => out.push(Piece::Text(c.to_string())),
            (Tok::One | Tok::Many, _) => out.push(Piece::One),
        }
    }
    out
}

/// Where the segment ends if it stands at `at`.
fn fits(segment: &[Piece], text: &str, at: usize) -> Option<usize> {
    segment.iter().try_fold(at, |at, piece| {
        let rest = text.get(at..)?;
        match piece {
            Piece::Text(t) => rest.starts_with(t.as_str()).then(|| at + t.len()),
            Piece::One => rest.chars().next().map(|c| at + c.len_utf8()),
        }
    })
}

/// Where the first place of the segment from `from` on ends.
fn earliest(segment: &[Piece], text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        if let Some(Piece::Text(first)) = segment.first() {
            at += memmem::find(rest.as_bytes(), first.as_bytes())?;
        }
        if let Some(end) = fits(segment, text, at) {
            return Some(end);
        }
        at += text.get(at..)?.chars().next()?.len_utf8();
    }
}

/// Whether the segment stands at the very end, not before `from`.
fn fits_the_end(segment: &[Piece], text: &str, from: usize) -> bool {
    let chars: usize = segment
        .iter()
        .map(|p| match p {
            Piece::Text(t) => t.chars().count(),
            Piece::One => 1,
        })
        .sum();
    let start = match chars.checked_sub(1) {
        None => return true,
        Some(back) => text.char_indices().rev().nth(back).map(|(at, _)| at),
    };
    start.is_some_and(|at| at >= from && fits(segment, text, at) == Some(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_escapes() {
        let cases: &[(&str, &str)] = &[
            (r"a\b", r"a\b"),
            (r"a\\b", r"a\b"),
            (r"a\\\b", r"a\\b"),
            (r"a\\\\b", r"a\\b"),
            (r"\\\\srv\share", r"\\srv\share"),
            (r"a\*b", "a*b"),
            (r"a\?b", "a?b"),
            (r"a\\\*b", r"a\*b"),
            ("a\\", "a\\"),
        ];
        for (raw, text) in cases {
            assert_eq!(literal(&parse(raw)).as_deref(), Some(*text), "{raw}");
        }
        assert_eq!(parse(r"\\*"), [Tok::Char('\\'), Tok::Many]);
        assert_eq!(parse(r"\\?"), [Tok::Char('\\'), Tok::One]);
        assert_eq!(parse(r"\\\\*"), [Tok::Char('\\'), Tok::Char('\\'), Tok::Many]);
    }

    #[test]
    fn matches_wildcards() {
        let cases = [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("*a?c*", "xxabcx", true),
            ("*a?c*", "xxacx", false),
            ("a?", "aä", true),
            ("a?", "a", false),
            ("?", "", false),
            ("*1?", "0x10", true),
            ("*1?", "0x1", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*bc*bc", "abc", false),
            ("a*a", "a", false),
            ("*ab*ab", "xabab", true),
            ("", "", true),
            ("", "x", false),
            ("**", "", true),
            ("*??*", "x", false),
            ("*??*", "xy", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Shape::of(&parse(pattern)).matches(text), expected, "{pattern} on {text}");
        }
    }

    /// The definition of a match, as slow as it is plain.
    fn plain(toks: &[Tok], text: &[char]) -> bool {
        match toks.split_first() {
            None => text.is_empty(),
            Some((Tok::Many, rest)) => (0..=text.len()).any(|n| plain(rest, &text[n..])),
            Some((Tok::One, rest)) => !text.is_empty() && plain(rest, &text[1..]),
            Some((Tok::Char(c), rest)) => text.first() == Some(c) && plain(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..Default::default() })]
        #[test]
        fn agrees_with_the_definition(pattern in "[abä*?]{0,8}", text in "[abä]{0,8}") {
            let toks = parse(&pattern);
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(Shape::of(&toks).matches(&text), plain(&toks, &chars));
            if plain(&toks, &chars) {
                prop_assert!(text.contains(Shape::of(&toks).necessary()));
            }
        }
    }
}
