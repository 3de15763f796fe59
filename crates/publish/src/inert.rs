//! Text that an attacker wrote, made harmless: visible for readers, and quiet for virus scanners.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Marks above or below one letter that are still shown; more of them spill over other lines.
const MAX_MARKS: usize = 3;

/// Ranges of characters that cannot be seen, that move others, or that fonts draw as nothing.
const INVISIBLE: &[(u32, u32)] = &[
    (0x0000, 0x001F), // C0 controls, escape among them
    (0x007F, 0x009F), // delete and the C1 controls: terminals obey them
    (0x00A0, 0x00A0), // spaces that look like the plain one and are not
    (0x00AD, 0x00AD), // soft hyphen
    (0x034F, 0x034F), // joiner
    (0x061C, 0x061C), // direction mark
    (0x115F, 0x1160), // Hangul fillers
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F), // spaces, zero width, direction marks
    (0x2028, 0x202F), // line ends, embeddings, overrides
    (0x205F, 0x206F), // isolates, invisible operators
    (0x2800, 0x2800), // empty braille
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF), // private use: looks like whatever a font says
    (0xFE00, 0xFE0F), // variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFF),
    (0x1_BCA0, 0x1_BCA3),
    (0x1_D173, 0x1_D17A),
    (0xE_0000, 0x10_FFFF), // tags, more selectors, private planes
];

/// Marks that are drawn over the letter before them.
const COMBINING: &[(u32, u32)] = &[
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
];

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let code = u32::from(c);
    ranges.iter().any(|(from, to)| (*from..=*to).contains(&code))
}

/// Whether a reader would not see this character for what it is.
pub(crate) fn is_invisible(c: char) -> bool {
    // Nearly all evidence is printable ASCII: answer that without the table.
    !(' '..='~').contains(&c) && within(INVISIBLE, c)
}

/// The text with every invisible character spelled out, such as `\n`, `\u{1B}` or `\u{202E}`.
///
/// Meant for human eyes in terminals and pages; it is not an escape of HTML, and it cannot be turned
/// back: a record that holds the six letters `\u{1B}` looks the same. The exact value is in the case.
pub fn inert_text(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_invisible(c) || within(COMBINING, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    for c in text.chars() {
        marks = if within(COMBINING, c) { marks + 1 } else { 0 };
        if is_invisible(c) || marks > MAX_MARKS {
            spell(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Writes one character as its name or code point.
pub(crate) fn spell(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a string cannot fail.
        _ => drop(write!(out, "\\u{{{:X}}}", u32::from(c))),
    }
}

/// A cell that no spreadsheet takes for a formula, on one line, with nothing invisible in it.
pub fn inert_cell(text: &str) -> String {
    let shown = inert_text(text);
    // Spreadsheets trim before they look, and some take the wide forms of the signs as well.
    let first = text.trim_start().chars().next();
    let formula =
        matches!(first, Some('=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    if formula || text.starts_with(['\t', '\r', '\n']) {
        format!("'{shown}")
    } else {
        shown.into_owned()
    }
}

/// A value for a case: as text where harmless, as base64 where a virus scanner might take the case
/// for the attack that it describes. Exactly one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// The text itself.
    pub value: Option<String>,
    /// Its bytes in base64 (standard alphabet, padded).
    pub value_b64: Option<String>,
}

/// Marks of script, of commands and of tools that scanners look for, in lower case and in the form
/// that [`fold`] gives. Split so that this file itself stays quiet. Too many rather than too few.
const MARKS: &[&str] = &[
    concat!("<", "%"),
    concat!("%3c", "%25"),
    concat!("<", "script"),
    concat!("%3c", "script"),
    concat!("<", "?php"),
    concat!("run", "at="),
    concat!("ev", "al("),
    concat!("exe", "cute("),
    concat!("execute", "global"),
    concat!("javascript", ":"),
    concat!("js", "cript"),
    concat!("request", "["),
    concat!("request", ".item"),
    concat!("request", ".form"),
    concat!("process", ".start"),
    concat!("frombase64", "string"),
    concat!("download", "string"),
    concat!("download", "file("),
    concat!("invoke", "-expression"),
    concat!("i", "ex("),
    concat!("i", "ex ("),
    concat!("powershell", " -"),
    concat!("powershell", ".exe -"),
    concat!("cmd", " /c"),
    concat!("cmd", ".exe /c"),
    concat!("comsvcs", ".dll"),
    concat!("seku", "rlsa"),
    concat!("mimi", "katz"),
    concat!("certutil", " -"),
    concat!("vssadmin", " "),
    concat!("ei", "car"),
    concat!("tvqqa", "a"),
];

/// Lower case, without the characters that shells ignore, with single spaces.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() || c == '+' { ' ' } else { c.to_ascii_lowercase() };
        let ignored = matches!(c, '^' | '"' | '`' | '\0') || (c == ' ' && out.ends_with(' '));
        if !ignored {
            out.push(c);
        }
    }
    out
}

/// Decides in which of its two forms a value that came from evidence goes into a case.
pub fn quote(text: &str) -> Quoted {
    let folded = fold(text);
    if MARKS.iter().any(|mark| folded.contains(mark)) {
        Quoted { value: None, value_b64: Some(STANDARD.encode(text)) }
    } else {
        Quoted { value: Some(text.to_owned()), value_b64: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spells_out_what_cannot_be_seen() {
        let cases = [
            ("plain /owa/auth/x.aspx", "plain /owa/auth/x.aspx"),
            ("a\r\n\tb", "a\\r\\n\\tb"),
            ("\u{1B}[31mred", "\\u{1B}[31mred"),
            ("\u{9B}31m", "\\u{9B}31m"),
            ("gnp\u{202E}exe.", "gnp\\u{202E}exe."),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("ze\u{200B}ro\u{FEFF}", "ze\\u{200B}ro\\u{FEFF}"),
            ("tag\u{E0041}", "tag\\u{E0041}"),
            ("no\u{A0}break", "no\\u{A0}break"),
            ("grün 日本 é", "grün 日本 é"),
            ("e\u{301}\u{301}\u{301}\u{301}", "e\u{301}\u{301}\u{301}\\u{301}"),
        ];
        for (given, want) in cases {
            assert_eq!(inert_text(given), want);
        }
    }

    #[test]
    fn quotes_attacks_in_base64_and_nothing_else() {
        for harmless in ["/owa/auth/logon.aspx", "C:\\inetpub\\wwwroot", "a<b", "powershell", ""] {
            assert_eq!(quote(harmless).value.as_deref(), Some(harmless));
        }
        for attack in [
            concat!("x<", "% y"),
            concat!("POWER", "SHELL   -e^nc AAAA"),
            concat!("c^m^d", ".exe\t/c whoami"),
            concat!("cmd", "+/c+whoami"),
            concat!("EV", "AL(", "Request)"),
        ] {
            let quoted = quote(attack);
            assert_eq!(quoted.value, None, "{attack}");
            let back = STANDARD.decode(quoted.value_b64.unwrap()).unwrap();
            assert_eq!(back, attack.as_bytes());
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        let cases = [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("\t=1", "'\\t=1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1", "'-1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
        ];
        for (given, want) in cases {
            assert_eq!(inert_cell(given), want);
        }
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left(text in any::<String>()) {
            prop_assert!(!inert_text(&text).chars().any(is_invisible));
        }
    }
}
