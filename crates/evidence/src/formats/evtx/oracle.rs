//! Every record of the corpus as the `evtx` crate reads it, field by field.
//!
//! The crate is asked for JSON, which goes the way that exports in JSON go.

use std::collections::BTreeMap;
use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};
use memchr::memmem;
use model::{Integrity, ItemId, Locator, RootId, Time, TimeBasis};

use super::super::json_events::record::Place;
use super::super::json_events::testing::{Gathered, Seen, read};
use super::super::json_events::{dom, shapes};
use super::super::{Context, Emit as _};
use super::HEADER;
use super::chunk::{CHUNK, Entry, Step, survey};
use super::tests::logs_in;

/// A kind of difference between the crate and this reader, and how many records of the corpus show it: all were
/// carved, and something had been written over the names that their templates use.
struct Explained {
    what: &'static str,
    records: usize,
    is_it: fn(ours: &Seen, theirs: Option<&Seen>) -> bool,
}

const EXPLAINED: &[Explained] = &[
    Explained {
        what: "the crate refuses a template with a name that is no UTF-16 or does not end; it shows here as it is",
        records: 71,
        is_it: |_, theirs| theirs.is_none(),
    },
    Explained {
        what: "a name is shown up to 256 units; all else is equal",
        records: 79,
        is_it: |ours, theirs| {
            let cut = |(name, _): &(String, _)| name.chars().take(200).collect::<String>();
            theirs.is_some_and(|theirs| {
                ours.fields.iter().map(cut).eq(theirs.fields.iter().map(cut))
                    && ours.fields.iter().map(|f| &f.1).eq(theirs.fields.iter().map(|f| &f.1))
            })
        },
    },
];

#[test]
fn every_field_is_as_the_crate_reads_it() {
    let mut differing = vec![0; EXPLAINED.len()];
    let (mut records, mut fields) = (0, 0);
    for (path, bytes) in ["evtx", "exchange/evtx", "sigma"].into_iter().flat_map(logs_in) {
        let theirs = as_the_crate_reads(&bytes);
        for ours in read(&bytes).events {
            let theirs = theirs.get(&ours.offset).cloned();
            // What a checksum says is no matter of decoding.
            let theirs = theirs.map(|theirs| Seen { doubtful: ours.doubtful, ..theirs });
            records += 1;
            fields += ours.fields.len();
            if theirs.as_ref() != Some(&ours) {
                let why = EXPLAINED.iter().position(|why| (why.is_it)(&ours, theirs.as_ref()));
                let why = why.filter(|_| ours.doubtful);
                differing[why.unwrap_or_else(|| panic!("{} {ours:?}", path.display()))] += 1;
            }
        }
    }
    println!("{records} records, {fields} fields");
    for (why, found) in EXPLAINED.iter().zip(differing) {
        println!("{found}: {}", why.what);
        assert!(records == 0 || why.records == found, "{found}: {}", why.what);
    }
    assert!(records == 0 || records > 16_000, "{records}");
}

/// The records of a file by their offsets.
pub(super) fn as_the_crate_reads(bytes: &[u8]) -> BTreeMap<u64, Seen> {
    let mut gathered = Gathered::default();
    let mut before: &[u8] = &[];
    for (n, chunk) in bytes[HEADER..].chunks_exact(CHUNK).enumerate() {
        let survey = survey(chunk, CHUNK, before);
        before = chunk;
        let live = survey.steps.iter().filter_map(Step::record);
        let texts = texts(chunk);
        for entry in live.chain(&survey.slack) {
            if let Some(text) = texts.get(&entry.at) {
                event(chunk, (HEADER + n * CHUNK) as u64, entry, text, &mut gathered);
            }
        }
    }
    gathered.events.into_iter().map(|event| (event.offset, event)).collect()
}

fn event(chunk: &[u8], base: u64, entry: &Entry, text: &[u8], gathered: &mut Gathered) {
    let (node, _) = dom::parse(text).unwrap();
    let Some(record) = shapes::record(node, &|name| holds_name(chunk, name)) else { return };
    let stated = record.raw_time.as_deref().and_then(Time::parse);
    let time = stated.or_else(|| Time::from_filetime(entry.written));
    let context =
        Context { root: RootId(1), item: ItemId(2), logical: "", windows_path: None, zone: None };
    let locator = Locator {
        offset: Some(base + entry.at as u64),
        length: Some(entry.size as u64),
        record: record.record_id().or(Some(entry.id)),
    };
    let place = Place { locator, integrity: Integrity::Whole, raw: &chunk[entry.range()] };
    gathered.event(&record.into_event(&context, place, (time, TimeBasis::RecordUtc)));
}

/// Whether a name stands in the chunk: the crate numbers elements of one name.
fn holds_name(chunk: &[u8], name: &str) -> bool {
    let units: Vec<u16> = name.encode_utf16().collect();
    let counted = std::iter::once(u16::try_from(units.len()).unwrap()).chain(units);
    let needle: Vec<u8> = counted.flat_map(u16::to_le_bytes).collect();
    memmem::find(chunk, &needle).is_some()
}

/// JSON texts by the place of their record in the chunk.
fn texts(chunk: &[u8]) -> BTreeMap<usize, Vec<u8>> {
    let settings = Arc::new(ParserSettings::new().indent(false));
    let Ok(mut data) = EvtxChunkData::new(chunk.to_vec(), false) else { return BTreeMap::new() };
    // Records behind the live ones too.
    data.header.free_space_offset = 64 << 10;
    data.header.last_event_record_data_offset = 64 << 10;
    data.header.first_event_record_id = 0;
    data.header.last_event_record_id = u64::MAX;
    let mut chunk = data.parse(settings).unwrap();
    let records = chunk.iter().flatten();
    records
        .filter_map(|record| {
            let at = usize::try_from(record.binxml_offset).ok()? - 24;
            Some((at, record.into_json_bytes().ok()?.data))
        })
        .collect()
}
