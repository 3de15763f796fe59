//! `web-file`: files that a web server would run or take its orders from, one event for each.
//!
//! `web-file` is a file with the extension of a server-side script (and text, or below a web root), or
//! one without such a name that begins like a script; `web-config` is a `.config` file below a web root;
//! `aspnet-compiled` is a `.compiled` file of ASP.NET, which names the page that was once compiled
//! (`virtualPath`), also when the page is gone. All three are of the family `web-file`.
//!
//! The hash is over the whole file. `content` is its first 64 KiB as text, and the event's raw bytes are
//! the same 64 KiB, as the locator says. A file's own times carry no claim, so the event has none.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufRead};

use memchr::memchr;
use model::{Event, Fields, Integrity, Locator, TimeBasis, Value};
use sha2::{Digest, Sha256};

use super::text::Encoding;
use super::{Block, Context, Emit, Framer, Identified, Probe};

const FAMILY: &str = "web-file";
const CONTENT: usize = 64 << 10;
const SCRIPTS: [&str; 17] = [
    ".aspx", ".ashx", ".asmx", ".ascx", ".asp", ".asa", ".asax", ".master", ".svc", ".cer",
    ".cshtml", ".vbhtml", ".php", ".jsp", ".jspx", ".soap", ".rem",
];
/// Files that speak of scripts more often than they are some.
const TALKS: [&str; 13] = [
    ".txt", ".html", ".htm", ".js", ".log", ".csv", ".json", ".xml", ".md", ".yml", ".yaml",
    ".yar", ".ps1",
];
/// Folders, or two in a row, below which a web server looks for files.
const WEB_ROOTS: [&str; 9] = [
    "/inetpub/",
    "/wwwroot/",
    "/frontend/httpproxy/",
    "/clientaccess/",
    "/aspnet_client/",
    "/temporary asp.net files/",
    "/owa/auth/",
    "/ecp/auth/",
    "/template/layouts/",
];

/// Recognises by the file's name; asked before the text formats, so that no content hides a script.
pub(crate) fn identify_by_name(probe: &Probe<'_>) -> Option<Identified> {
    let path = format!("/{}", probe.logical.to_ascii_lowercase());
    let extension = extension_of(&path);
    let in_web_root = WEB_ROOTS.iter().any(|root| path.contains(root));
    let kind = match extension {
        ".config" if in_web_root => "web-config",
        ".compiled" if is_compiled_page(probe.prefix) => "aspnet-compiled",
        _ if !SCRIPTS.contains(&extension) => return None,
        _ if in_web_root => FAMILY,
        _ if is_text(probe.prefix) && !is_certificate(probe.prefix) => FAMILY,
        _ => return None,
    };
    Some(Identified { kind, framer: Box::new(FileFramer { done: false }) })
}

/// Recognises a script under any other name; asked last.
pub(crate) fn identify_by_content(probe: &Probe<'_>) -> Option<Identified> {
    let path = probe.logical.to_ascii_lowercase();
    if TALKS.contains(&extension_of(&path)) || !is_text(probe.prefix) {
        return None;
    }
    let text = Encoding::of(probe.prefix).peek(probe.prefix).to_ascii_lowercase();
    let script = text.trim_start().starts_with("<%@") || has_server_script(&text);
    script.then(|| Identified { kind: FAMILY, framer: Box::new(FileFramer { done: false }) })
}

/// The extension with its dot; Windows passes over dots and blanks at the end of a name.
fn extension_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default()
}

fn is_text(prefix: &[u8]) -> bool {
    let encoding = Encoding::of(prefix);
    !matches!(encoding, Encoding::Utf8 { .. }) || memchr(0, prefix).is_none()
}

fn is_certificate(prefix: &[u8]) -> bool {
    prefix.starts_with(b"-----BEGIN")
}

fn is_compiled_page(prefix: &[u8]) -> bool {
    virtual_path(&Encoding::of(prefix).peek(prefix)).is_some()
}

/// A script element that says where it runs, in text of lower case.
fn has_server_script(text: &str) -> bool {
    text.match_indices("<script").any(|(at, _)| {
        let element = text.get(at..).and_then(|rest| rest.split('>').next()).unwrap_or_default();
        let plain: String =
            element.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
        plain.contains("runat=server")
    })
}

/// The page that a `.compiled` file was made of.
fn virtual_path(xml: &str) -> Option<&str> {
    let preserve = xml.get(xml.find("<preserve")?..)?;
    let element = preserve.split('>').next()?;
    let (_, value) = element.split_once("virtualPath=\"")?;
    value.split_once('"').map(|(path, _)| path)
}

struct FileFramer {
    done: bool,
}

impl Framer for FileFramer {
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        _emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut hash = Sha256::new();
        let (mut size, mut head) = (0_u64, Vec::new());
        loop {
            let piece = input.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            hash.update(piece);
            let wanted = piece.len().min(CONTENT - head.len());
            head.extend_from_slice(piece.get(..wanted).unwrap_or_default());
            let used = piece.len();
            size += used as u64;
            input.consume(used);
        }
        let sha256 = hex(&hash.finalize());
        Ok(Some(Box::new(FileBlock { sha256, size, head })))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct FileBlock {
    sha256: String,
    size: u64,
    head: Vec<u8>,
}

impl Block for FileBlock {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit) {
        let content = Encoding::of(&self.head).peek(&self.head);
        let path = match context.windows_path {
            Some(path) => path.to_owned(),
            None => context.logical.replace('/', "\\"),
        };
        let name = path.rsplit('\\').next().unwrap_or_default().to_owned();
        let extension = extension_of(&name.to_ascii_lowercase()).to_owned();
        let page = (extension == ".compiled").then(|| virtual_path(&content)).flatten();
        let mut fields = Fields::default();
        fields.push("path", path);
        fields.push("name", name);
        fields.push("extension", extension);
        fields.push("sha256", self.sha256.as_str());
        fields.push("size", Value::UInt(self.size));
        if let Some(page) = page {
            fields.push("virtualPath", page.to_owned());
        }
        fields.push("content", content.as_str());
        emit.event(&Event {
            family: FAMILY,
            root: context.root,
            item: context.item,
            locator: Locator {
                offset: Some(0),
                length: Some(self.head.len() as u64),
                record: None,
            },
            integrity: Integrity::Whole,
            time: None,
            time_basis: TimeBasis::Assumed,
            raw_time: Cow::Borrowed(""),
            second_time: None,
            host: None,
            channel: Cow::Borrowed(""),
            provider: Cow::Borrowed(""),
            event_id: None,
            fields,
            raw: &self.head,
        });
    }
}
