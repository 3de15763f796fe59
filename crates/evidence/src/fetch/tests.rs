//! Records found again, in the same container and in another.

use model::Locator;

use super::*;
use crate::pipeline::testkit::{options, plant, python};

fn at(offset: u64, length: Option<u64>) -> Locator {
    Locator { offset: Some(offset), length, record: None }
}

const LOG: &[u8] = b"#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time cs-method cs-uri-stem sc-status\r\n2021-03-03 04:05:06 GE\x1bT /owa 200\r\n";

#[test]
fn a_record_is_found_wherever_its_file_lies_now() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    plant(top, &[("t/u_ex.log", LOG), ("t/other.log", b"other")]);
    let made = python(
        top,
        "import zipfile\nwith zipfile.ZipFile('in.zip','w') as z: z.write('t/u_ex.log','C/x/moved.log')\nwith zipfile.ZipFile('out.zip','w') as z: z.write('in.zip')",
    );
    if !made {
        return;
    }
    let start = LOG.windows(4).position(|w| w == b"2021").unwrap() as u64;
    let locator = at(start, Some(24));
    let by_path = fetch(&[top.join("t")], &options(), "t/u_ex.log", None, locator).unwrap();
    assert_eq!(by_path.bytes, b"2021-03-03 04:05:06 GE\x1bT");
    assert_eq!(by_path.text, "2021-03-03 04:05:06 GE\\x1bT");
    let hash = Some(by_path.sha256.as_str());
    let moved = fetch(&[top.join("out.zip")], &options(), "t/u_ex.log", hash, locator).unwrap();
    assert_eq!(moved.path, "out.zip!/in.zip!/C/x/moved.log");
    assert_eq!(moved.bytes, by_path.bytes);
    let named = fetch(&[top.join("out.zip")], &options(), &moved.path, hash, locator).unwrap();
    assert_eq!(named.bytes, by_path.bytes);
}

#[test]
fn a_file_that_changed_is_given_with_its_new_hash() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    plant(&top, &[("u_ex.log", LOG)]);
    let wrong = "0".repeat(64);
    let outcome =
        fetch(std::slice::from_ref(&top), &options(), "t/u_ex.log", Some(&wrong), at(0, Some(1)));
    let changed = outcome.unwrap();
    assert!(changed.sha256 != wrong && changed.bytes == b"#");
    let outcome =
        fetch(std::slice::from_ref(&top), &options(), "t/gone.log", Some(&wrong), at(0, Some(1)));
    assert!(matches!(outcome, Err(FetchError::NotFound { .. })));
    let outcome =
        fetch(std::slice::from_ref(&top), &options(), "t/u_ex.log", None, at(1 << 40, Some(1)));
    assert!(matches!(outcome, Err(FetchError::OutOfBounds { .. })));
    let whole = Locator { offset: None, length: None, record: None };
    assert_eq!(fetch(&[top], &options(), "t/u_ex.log", None, whole).unwrap().bytes, LOG);
}

#[test]
fn text_in_another_encoding_is_located_after_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("t");
    let text = std::str::from_utf8(LOG).unwrap().replace('\x1b', "");
    let utf16: Vec<u8> = text.encode_utf16().fold(vec![0xff, 0xfe], |mut bytes, unit| {
        bytes.extend(unit.to_le_bytes());
        bytes
    });
    plant(&top, &[("u_ex.log", &utf16)]);
    let fetched = fetch(&[top], &options(), "t/u_ex.log", None, at(0, Some(9))).unwrap();
    assert_eq!(fetched.text, "#Software");
}

/// The first record of each file, with where it stands.
#[derive(Default)]
struct Firsts(Mutex<std::collections::BTreeMap<String, (Locator, Vec<u8>)>>);

impl crate::Sink for Firsts {
    type Batch = Option<(Locator, Vec<u8>)>;

    fn start(&self, _: &crate::ItemHead) -> Self::Batch {
        None
    }

    fn event(&self, batch: &mut Self::Batch, event: &model::Event<'_>) {
        batch.get_or_insert_with(|| (event.locator, event.raw.to_vec()));
    }

    fn lost(&self, _: &mut Self::Batch, _: &model::Loss) {}

    fn end(&self, item: &crate::ItemHead, batch: Self::Batch) {
        if let Some(first) = batch {
            self.0.lock().unwrap().entry(item.path.clone()).or_insert(first);
        }
    }
}

#[test]
fn every_format_of_the_corpus_gives_its_records_again() {
    let corpus = std::env::var_os("ASSAY_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let inputs = [corpus.join("exchange")];
    if !corpus.is_dir() {
        eprintln!("SKIPPED: no corpus at {}; this test shows nothing", corpus.display());
        return;
    }
    let firsts = Firsts::default();
    let inventory = crate::read(&inputs, &options(), &firsts).unwrap();
    assert!(inventory.items.iter().all(|i| i.issues.iter().all(|i| i.code != "reader_panicked")));
    let firsts = firsts.0.into_inner().unwrap();
    assert!(!firsts.is_empty());
    for (path, (locator, raw)) in firsts.iter().take(20) {
        let fetched = fetch(&inputs, &options(), path, None, *locator).unwrap();
        assert!(fetched.bytes == *raw, "{path} {locator:?}");
        assert!(!fetched.text.is_empty());
    }
}
