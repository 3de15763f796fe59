//! URL and file paths in one plain form, so that a list can be asked for them.

/// Longest path that is looked at; a longer one is cut, as no listed path is near it.
const PATH_MAX: usize = 4_096;
/// Most folders of a path.
const SEGMENTS_MAX: usize = 128;

/// A URL path up to and with the segment that names a script: lower case, percent-decoded once, dots
/// resolved, without parameters, stream names and path info. `None` where no segment has such an extension.
pub(super) fn script_url(raw: &str, is_script: impl Fn(&str) -> bool) -> Option<String> {
    let decoded = decode(raw);
    let path = decoded.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split(['/', '\\']).take(SEGMENTS_MAX) {
        let name = plain_name(segment);
        match name.as_str() {
            "" => {}
            ".." => {
                segments.pop();
            }
            _ => {
                let script = is_script(&name);
                segments.push(name);
                if script {
                    return Some(format!("/{}", segments.join("/")));
                }
            }
        }
    }
    None
}

/// Whether a URL path may name a script at all: a cheap question before the dear one.
pub(super) fn may_name_script(raw: &str, is_script: impl Fn(&str) -> bool) -> bool {
    let bytes = raw.as_bytes();
    memchr::memchr(b'%', bytes).is_some()
        || memchr::memchr_iter(b'.', bytes).any(|dot| {
            let rest = bytes.get(dot..).unwrap_or_default();
            let end = rest.iter().skip(1).position(|b| !b.is_ascii_alphanumeric());
            let end = end.map_or(raw.len(), |n| dot + 1 + n);
            raw.get(dot..end).is_some_and(&is_script)
        })
}

/// A name as Windows opens it: no parameters, no stream, no trailing dots or blanks; lower case.
fn plain_name(segment: &str) -> String {
    let name = segment.split([';', ':']).next().unwrap_or_default();
    if name == ".." {
        return name.to_owned();
    }
    name.trim_end_matches(['.', ' ']).to_lowercase()
}

/// Percent-decodes once; what is no valid escape stays as it is.
fn decode(raw: &str) -> String {
    let raw = cut(raw, PATH_MAX);
    if !raw.contains('%') {
        return raw.to_owned();
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        match (first, escape(behind)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// The text cut to at most that many bytes, at a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A file path in lower case with backslashes, each of them once, and one in front.
pub(super) fn file_path(raw: &str) -> String {
    let mut out = String::from("\\");
    for part in cut(raw, PATH_MAX).split(['/', '\\']).filter(|part| !part.is_empty()) {
        if !out.ends_with('\\') {
            out.push('\\');
        }
        out.push_str(&part.to_lowercase());
    }
    out
}

/// Whether a folder is named after a build: three or four numbers with dots.
pub(super) fn is_version(folder: &str) -> bool {
    let mut count = 0;
    for part in folder.split('.') {
        if part.is_empty() || part.len() > 5 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        count += 1;
    }
    (3..=4).contains(&count)
}

/// The name of the page behind `<page>.<hash>.compiled`.
pub(super) fn compiled_page(name: &str) -> Option<&str> {
    let (page, hash) = name.strip_suffix(".compiled")?.rsplit_once('.')?;
    let hex = (1..=8).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aspx(name: &str) -> bool {
        name.rsplit_once('.').is_some_and(|(_, e)| e.eq_ignore_ascii_case("aspx"))
    }

    #[test]
    fn finds_the_script_of_a_url() {
        for (raw, expected) in [
            ("/owa/auth/Logon.ASPX", Some("/owa/auth/logon.aspx")),
            ("/owa/auth/x.aspx/info/y.aspx", Some("/owa/auth/x.aspx")),
            ("/owa/auth/x.aspx;.js", Some("/owa/auth/x.aspx")),
            ("/owa/auth/x.aspx::$DATA", Some("/owa/auth/x.aspx")),
            ("/owa/auth/x.aspx. ", Some("/owa/auth/x.aspx")),
            ("/owa//auth/./a/../x%2easpx", Some("/owa/auth/x.aspx")),
            ("/owa/auth/x%252easpx", None),
            ("/../../owa\\auth\\x.aspx?y=1", Some("/owa/auth/x.aspx")),
            ("/owa/auth/x.js", None),
            ("/owa/%zz%4", None),
            ("", None),
        ] {
            assert_eq!(script_url(raw, aspx).as_deref(), expected, "{raw}");
            if expected.is_some() {
                assert!(may_name_script(raw, aspx), "{raw}");
            }
        }
        assert!(!may_name_script("/owa/auth/x.aspxx", aspx));
        assert!(!may_name_script("/ews/exchange.asmx", aspx));
    }

    #[test]
    fn hostile_paths_end() {
        let long = "/%61.aspx".repeat(100_000);
        assert_eq!(script_url(&long, aspx).as_deref(), Some("/a.aspx"));
        assert_eq!(script_url(&"/é".repeat(50_000), aspx), None);
        assert!(file_path(&"é\\".repeat(50_000)).len() <= PATH_MAX + 1);
    }

    #[test]
    fn knows_versions_and_compiled_pages() {
        for (text, expected) in
            [("15.1.2106", true), ("15.1.2106.2", true), ("15.1", false), ("15.1.x.2", false)]
        {
            assert_eq!(is_version(text), expected, "{text}");
        }
        for (text, expected) in [
            ("ohyeah.aspx.f5dba9b9.compiled", Some("ohyeah.aspx")),
            ("app_global.asax.compiled", None),
            ("app_code.compiled", None),
            ("x.aspx.f5dba9b9z.compiled", None),
            ("x.aspx", None),
        ] {
            assert_eq!(compiled_page(text), expected, "{text}");
        }
    }

    #[test]
    fn plain_file_paths() {
        assert_eq!(file_path("C:/A\\\\b//C.aspx"), "\\c:\\a\\b\\c.aspx");
        assert_eq!(file_path("\\FrontEnd\\x"), "\\frontend\\x");
    }
}
