//! Texts as characters: wildcards and escapes, case, dashes, and encodings.

/// One element of a rule's string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Char(char),
    /// `?`
    One,
    /// `*`
    Any,
}

/// Reads a string: `*` and `?` are wildcards, and a backslash before `*`, `?` or a backslash makes it plain.
pub(super) fn signs(raw: &str) -> Vec<Sign> {
    let chars: Vec<char> = raw.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(char) = chars.get(at) {
        let next = chars.get(at + 1).filter(|next| "*?\\".contains(**next));
        at += 1;
        out.push(match (char, next) {
            ('\\', Some(plain)) => {
                at += 1;
                Sign::Char(*plain)
            }
            ('*', _) => Sign::Any,
            ('?', _) => Sign::One,
            (plain, _) => Sign::Char(*plain),
        });
    }
    out
}

/// A text of which every character is meant.
pub(super) fn plain_signs(text: &str) -> Vec<Sign> {
    text.chars().map(Sign::Char).collect()
}

/// The text, if it has no wildcards.
pub(super) fn plain_text(signs: &[Sign]) -> Option<String> {
    let char = |sign: &Sign| match sign {
        Sign::Char(char) => Some(*char),
        Sign::One | Sign::Any => None,
    };
    signs.iter().map(char).collect()
}

/// Whether the whole text is as the pattern says.
///
/// Goes through both; where they differ it goes back to the last `*` and lets it stand for one character more.
pub(super) fn is_like(pattern: &[Sign], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while let Some(char) = text.get(t) {
        match pattern.get(p) {
            Some(Sign::Any) => {
                last_star = Some((p, t));
                p += 1;
                continue;
            }
            Some(Sign::One) => {}
            Some(Sign::Char(wanted)) if wanted == char => {}
            _ => {
                let Some((star, from)) = last_star else { return false };
                last_star = Some((star, from + 1));
                (p, t) = (star + 1, from + 1);
                continue;
            }
        }
        (p, t) = (p + 1, t + 1);
    }
    pattern.iter().skip(p).all(|sign| *sign == Sign::Any)
}

/// The lower-case form of a letter, if that is one character.
fn lower(char: char) -> char {
    let lower: Vec<char> = char.to_lowercase().collect();
    if let [one] = lower.as_slice() { *one } else { char }
}

/// The characters of a text without case.
pub(super) fn lowered(text: &str) -> Vec<char> {
    text.chars().map(|c| if c.is_ascii() { c.to_ascii_lowercase() } else { lower(c) }).collect()
}

/// The pattern without case.
pub(super) fn lowered_signs(signs: &[Sign]) -> Vec<Sign> {
    let without_case = |sign: &Sign| match sign {
        Sign::Char(char) => Sign::Char(lower(*char)),
        wildcard => *wildcard,
    };
    signs.iter().map(without_case).collect()
}

/// The dashes that `windash` exchanges.
const DASHES: &str = "-/–—―";

/// Every spelling of a string in which the dashes that begin a word are exchanged, each to each.
pub(super) fn dash_spellings(signs: &[Sign]) -> Vec<Vec<Sign>> {
    let is_word = |at: Option<usize>| match at.and_then(|at| signs.get(at)) {
        Some(Sign::Char(char)) => char.is_alphanumeric() || *char == '_',
        _ => false,
    };
    let mut spellings = vec![Vec::new()];
    for (at, sign) in signs.iter().enumerate() {
        let begins_word = is_word(Some(at + 1)) && !is_word(at.checked_sub(1));
        let written = match sign {
            Sign::Char(char) if DASHES.contains(*char) && begins_word => plain_signs(DASHES),
            other => vec![*other],
        };
        let with = |start: &Vec<Sign>, sign: &Sign| [start.as_slice(), &[*sign]].concat();
        spellings = spellings
            .iter()
            .flat_map(|start| written.iter().map(|sign| with(start, sign)).collect::<Vec<_>>())
            .collect();
    }
    spellings
}

/// The text in UTF-16, the low byte first or the high one.
pub(super) fn utf16(text: &str, low_first: bool) -> Vec<u8> {
    let bytes = |unit: u16| {
        let [high, low] = [(unit >> 8) as u8, (unit & 0xFF) as u8];
        if low_first { [low, high] } else { [high, low] }
    };
    text.encode_utf16().flat_map(bytes).collect()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Six bits to each character, zeros behind the last bit; no padding.
fn six_bits_each(bytes: &[u8]) -> Vec<char> {
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |six: &[u8]| {
        let value =
            (0..6).fold(0, |value, at| value * 2 + six.get(at).map_or(0, |b| usize::from(*b)));
        BASE64.get(value).map_or('=', |byte| char::from(*byte))
    };
    bits.chunks(6).map(digit).collect()
}

/// Base64 with its padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut digits = six_bits_each(bytes);
    while !digits.len().is_multiple_of(4) {
        digits.push('=');
    }
    digits.into_iter().collect()
}

/// The digits of which every bit is the value's own where `before` bytes of something stand before it.
pub(super) fn base64_inside(bytes: &[u8], before: usize) -> String {
    let all = six_bits_each(&[&vec![0; before], bytes].concat());
    let first = (before * 8).div_ceil(6);
    let end = (before + bytes.len()) * 8 / 6;
    all.into_iter().take(end).skip(first).collect()
}
