//! Letters without case: both sides of a comparison are folded, one character to one.
//!
//! Full lower-casing may make two characters out of one, and then lengths and positions no longer agree;
//! such a character stays as it is.

/// The lower-case form of a character if that is one character, else the character itself.
pub(super) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Appends the folded text.
pub(super) fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        out.extend(text.chars().map(fold_char));
    }
}

/// The folded text.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_one_to_one() {
        for (text, folded) in
            [("CmD.ExE", "cmd.exe"), ("ÄÖÉ", "äöé"), ("İ", "İ"), ("\u{212a}", "k"), ("ẞ", "ß")]
        {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(text).chars().count(), text.chars().count());
        }
    }
}
