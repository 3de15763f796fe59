//! Which files a web server would run, and what is kept of them.

use crate::formats::text::testing::{Kept, Reading};
use crate::formats::{Identified, Probe};

/// Inert: a page directive and an element that names its side, in pieces.
const DIRECTIVE: &str = concat!("<", "%@ Page %", ">\n");
const ELEMENT: &str = concat!("<scr", "ipt language='x' RunAt = \"ser", "ver\">", "</script>");

fn identify(probe: &Probe<'_>) -> Option<Identified> {
    super::identify_by_name(probe).or_else(|| super::identify_by_content(probe))
}

fn read(logical: &str, windows_path: Option<&str>, bytes: &[u8]) -> Option<Kept> {
    Reading { logical, windows_path, ..Reading::default() }.read(bytes, identify)
}

#[test]
fn tells_scripts_by_name_place_and_content() {
    let page = "C/inetpub/wwwroot/aspnet_client/x.aspx";
    for (logical, bytes, kind) in [
        (page, b"MZ\0\0".as_slice(), Some("web-file")),
        ("x.ASPX", b"hello", Some("web-file")),
        ("x.aspx.", b"hello", Some("web-file")),
        ("x.aspx", b"MZ\0\0", None),
        ("x.cer", b"-----BEGIN CERTIFICATE-----", None),
        ("C/inetpub/wwwroot/x.cer", b"-----BEGIN CERTIFICATE-----", Some("web-file")),
        ("x.jpg", DIRECTIVE.as_bytes(), Some("web-file")),
        ("x", ELEMENT.as_bytes(), Some("web-file")),
        ("x.txt", DIRECTIVE.as_bytes(), None),
        ("x.html", ELEMENT.as_bytes(), None),
        ("C/inetpub/wwwroot/web.config", b"<configuration/>", Some("web-config")),
        ("C/Windows/machine.config", b"<configuration/>", None),
        ("C/x/logo.png", b"\x89PNG\0", None),
        ("x", b"", None),
    ] {
        assert_eq!(read(logical, None, bytes).map(|kept| kept.kind), kind, "{logical}");
    }
}

#[test]
fn keeps_hash_size_and_the_first_of_the_content() {
    let bytes = [DIRECTIVE.as_bytes(), &vec![b'a'; 200_000]].concat();
    let path = r"C:\inetpub\wwwroot\x.aspx";
    let kept = read("C/inetpub/wwwroot/x.aspx", Some(path), &bytes).unwrap();
    let [event] = &kept.events[..] else { panic!("{kept:?}") };
    assert_eq!((event.time, event.offset, event.host.clone()), (None, Some(0), None));
    assert_eq!((event.get("path"), event.get("name")), (Some(path), Some("x.aspx")));
    assert_eq!((event.get("extension"), event.get("size")), (Some(".aspx"), Some("200012")));
    assert_eq!(event.get("content").unwrap().len(), 64 << 10);
    assert_eq!(event.raw, bytes[..64 << 10]);

    let kept = read("a/b.asp", None, b"abc").unwrap();
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        (kept.events[0].get("sha256"), kept.events[0].get("path")),
        (Some(hash), Some(r"a\b.asp"))
    );
}

#[test]
fn reads_utf16_as_text() {
    let bytes: Vec<u8> =
        [0xFEFF].into_iter().chain(DIRECTIVE.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let kept = read("x.bin", None, &bytes).unwrap();
    assert_eq!(kept.events[0].get("content"), Some(DIRECTIVE));
}

#[test]
fn names_the_page_of_a_compiled_file() {
    let xml = "<?xml version=\"1.0\"?>\n<preserve resultType=\"3\" virtualPath=\"/owa/auth/x.aspx\" hash=\"1\"/>";
    let kept = read("C/T/owa/x.aspx.f5dba9b9.compiled", None, xml.as_bytes()).unwrap();
    assert_eq!(
        (kept.kind, kept.events[0].get("virtualPath")),
        ("aspnet-compiled", Some("/owa/auth/x.aspx"))
    );
    assert!(read("x.compiled", None, b"<other/>").is_none());
}
