//! The corpus counted by another walk, tricky records, and a thousand damaged files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::{Event, ItemId, Loss, RootId, TimeBasis, Value};

use super::super::json_events::{
    self,
    testing::{Gathered, Seen, Setting, corpus, files, read, read_with},
};
use super::super::{Context, Emit, Probe};
use super::HEADER;
use super::chunk::{CHUNK, Entry, Step, survey};
use super::record::Machine;
use super::show::{render, render_at};
use super::templates::Templates;

pub(super) fn logs() -> Vec<(PathBuf, Vec<u8>)> {
    logs_in("evtx")
}

/// The logs in a folder of the corpus.
pub(super) fn logs_in(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Some(folder) = corpus(folder) else { return Vec::new() };
    files(&folder, ".evtx").into_iter().map(|p| (p.clone(), fs_err::read(p).unwrap())).collect()
}

fn log(name: &str) -> Option<Vec<u8>> {
    let found = logs().into_iter().find(|(path, _)| path.to_string_lossy().contains(name));
    found.map(|(_, bytes)| bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
}

/// The records of a sound file, by a walk of this test alone: their places.
fn count(bytes: &[u8]) -> Vec<u64> {
    let mut found = Vec::new();
    for (n, chunk) in bytes[HEADER..].chunks_exact(CHUNK).enumerate() {
        if &chunk[..7] != b"ElfChnk" {
            continue;
        }
        let mut at = 512;
        while at + 28 <= u32_at(chunk, 48) && chunk[at..at + 2] == *b"**" {
            found.push((HEADER + n * CHUNK + at) as u64);
            at += u32_at(chunk, at + 4);
        }
    }
    found
}

/// Makes the checksums of a chunk good again.
fn seal(chunk: &mut [u8]) {
    let data = evtx::checksum_ieee(&chunk[512..u32_at(chunk, 48)]);
    put(chunk, 52, data as usize);
    let head = evtx::checksum_ieee(&[&chunk[..120], &chunk[128..512]].concat());
    put(chunk, 124, head as usize);
}

#[test]
fn every_record_of_the_corpus_is_read() {
    let (mut total, mut carved_total) = (0, 0);
    for (path, bytes) in logs() {
        let gathered = read(&bytes);
        assert_eq!(gathered.kind, "evtx");
        let expected = count(&bytes);
        let carved = usize::try_from(gathered.count("carved")).unwrap();
        assert_eq!(gathered.events.len(), expected.len() + carved, "{}", path.display());
        assert!(gathered.losses.is_empty(), "{}: {:?}", path.display(), gathered.losses);
        let live: BTreeSet<u64> = expected.iter().copied().collect();
        let found = gathered.events.iter().map(|e| e.offset).filter(|at| live.contains(at));
        assert!(found.eq(expected.iter().copied()), "{}", path.display());
        gathered.events.iter().for_each(|event| plausible(event, &bytes));
        total += gathered.events.len();
        carved_total += carved;
    }
    assert!(total == 0 || total > 15_000, "{total}");
    println!("{total} records, {carved_total} of them carved");
}

fn plausible(event: &Seen, bytes: &[u8]) {
    let at = usize::try_from(event.offset).unwrap();
    assert_eq!(bytes[at..at + usize::try_from(event.length).unwrap()], event.raw);
    assert!(event.time.is_some() && event.event_id.is_some() && event.host.is_some());
    assert_eq!(event.basis, TimeBasis::RecordUtc);
    // The bookmark of a subscription says neither.
    let named = !(event.channel.is_empty() && event.provider.is_empty());
    assert!(named || event.event_id == Some(111), "{event:?}");
    assert_eq!(event.get("EventID"), Some(&Value::UInt(u64::from(event.event_id.unwrap()))));
}

/// The fields of one record, as `name=value` with the kind of value that matters.
fn written(event: &Seen) -> Vec<String> {
    let show = |(name, value): &(String, Value<'static>)| match value {
        Value::Null => format!("{name} is null"),
        Value::Str(text) => format!("{name}={text}"),
        Value::UInt(n) => format!("{name}: {n}"),
        other => format!("{name}?{other:?}"),
    };
    event.fields.iter().map(show).collect()
}

fn found(name: &str, id: u32) -> Option<Seen> {
    let bytes = log(name)?;
    let event = read(&bytes).events.into_iter().find(|e| e.event_id == Some(id));
    Some(event.unwrap_or_else(|| panic!("{name} has no {id}")))
}

#[test]
fn tricky_records() {
    // Unnamed data that is an array, and an event id with qualifiers.
    if let Some(event) = found("MSSQL_multiple_failed_logon", 18_456) {
        let fields = written(&event);
        assert_eq!(fields[0], "Data=sa");
        assert_eq!(fields[1], "Data= Reason: Password did not match that for the login provided.");
        assert_eq!(fields[2], "Data= [CLIENT: 10.0.2.17]");
        assert!(fields[3].starts_with("Binary=184800000E000000"));
        assert_eq!(
            fields[4..8],
            [
                "Channel=Application",
                "EventID: 18456",
                "Provider_Name=MSSQLSERVER",
                "Computer=MSEDGEWIN10"
            ]
        );
        assert_eq!(event.time.as_deref(), Some("2019-11-04T13:46:01.1713393Z"));
    }
    // User data with an element named like one of the head.
    if let Some(event) = found("ID104-", 104) {
        assert_eq!(event.channel, "System");
        assert_eq!(event.all("Channel").len(), 2);
        assert_eq!(event.get("BackupPath"), Some(&Value::Null));
    }
    // Elements of one name, which the crate numbers.
    let restart = logs().into_iter().flat_map(|(_, bytes)| read(&bytes).events);
    if let Some(event) = restart.into_iter().find(|e| e.all("Application").len() > 1) {
        assert_eq!(event.all("Application").len(), 3);
        assert!(event.get("Application_1").is_none());
    }
    // An empty string is null, a hex number is text, an id a number.
    let named = logs()
        .into_iter()
        .flat_map(|(_, bytes)| read(&bytes).events)
        .find(|e| e.event_id == Some(4624) && e.get("SubjectLogonId").is_some());
    if let Some(event) = named {
        assert!(event.get("SubjectLogonId").unwrap().as_str().unwrap().starts_with("0x"));
        assert!(matches!(event.get("LogonType"), Some(Value::UInt(_))));
        assert!(event.get("TargetUserSid").unwrap().as_str().unwrap().starts_with("S-1-"));
        assert!(event.get("LogonGuid").unwrap().as_str().unwrap().starts_with('{'));
    }
}

#[test]
fn a_log_and_its_export_give_the_same_fields() {
    let Some(folder) = corpus("sigma/regression_data") else { return };
    let mut compared = 0;
    for path in files(&folder, ".evtx") {
        let Ok(export) = fs_err::read(path.with_extension("json")) else { continue };
        let log = read(&fs_err::read(&path).unwrap());
        let export = read(&export);
        assert_eq!(export.kind, "json-events");
        for twin in &export.events {
            let event = log.events.iter().find(|e| e.record == twin.record).unwrap();
            compare(event, twin, &path);
            compared += 1;
        }
    }
    assert_eq!(compared, 118);
}

/// Explained differences: the exports were made by a version of the crate that wrote GUIDs in upper case
/// without braces, six digits of a second, and no blanks at the end of a text.
fn compare(event: &Seen, twin: &Seen, path: &Path) {
    let plain = |value: &Value<'_>| {
        let text = value.text().trim_end().to_owned();
        let bare = text.trim_start_matches('{').trim_end_matches('}');
        if bare.len() == 36 && bare.as_bytes()[8] == b'-' { bare.to_uppercase() } else { text }
    };
    let fields = |e: &Seen| -> Vec<(String, String)> {
        e.fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
    };
    assert_eq!(fields(event), fields(twin), "{}", path.display());
    let head = |e: &Seen| (e.event_id, e.host.clone(), e.channel.clone(), e.provider.clone());
    assert_eq!(head(event), head(twin));
    let second = |e: &Seen| e.time.as_ref().unwrap().get(..19).unwrap().to_owned();
    assert_eq!((second(event), &event.second_time), (second(twin), &twin.second_time));
}

/// A log of several full chunks.
fn sample() -> Option<Vec<u8>> {
    let full = |bytes: &[u8]| {
        places(bytes).iter().map(|at| at / CHUNK).collect::<BTreeSet<_>>().len() >= 3
    };
    let fit = |bytes: &Vec<u8>| full(bytes) && read(bytes).issues.is_empty();
    logs().into_iter().map(|(_, bytes)| bytes).filter(fit).min_by_key(Vec::len)
}

fn places(bytes: &[u8]) -> Vec<usize> {
    count(bytes).into_iter().map(|at| usize::try_from(at).unwrap()).collect()
}

fn at(gathered: &Gathered) -> Vec<usize> {
    gathered.events.iter().map(|e| usize::try_from(e.offset).unwrap()).collect()
}

#[test]
fn a_cut_file_gives_its_whole_records() {
    let Some(bytes) = sample() else { return };
    let all = places(&bytes);
    for keep in [
        HEADER,
        HEADER + 1,
        HEADER + 300,
        HEADER + 600,
        HEADER + 30_000,
        HEADER + CHUNK - 1,
        HEADER + CHUNK,
        HEADER + CHUNK + 20_000,
        bytes.len() - CHUNK / 2 - 40_000,
        100,
        4_000,
    ] {
        let gathered = read(&bytes[..keep]);
        let end = |&at: &usize| at + u32_at(&bytes, at + 4);
        let whole: Vec<usize> = all.iter().copied().filter(|at| end(at) <= keep).collect();
        assert_eq!(at(&gathered), whole, "{keep}");
        let last = gathered.losses.last();
        let missing = whole.len() < all.len() && keep >= HEADER;
        assert!(!missing || last.is_some_and(|l| l.at_end), "{keep} {:?}", gathered.issues);
        let in_chunk = keep.saturating_sub(HEADER) % CHUNK;
        let free = || u32_at(&bytes, keep - in_chunk + 48);
        let cut = keep < HEADER || in_chunk > 0 && in_chunk < free();
        assert_eq!(gathered.count("chunk_cut") > 0, cut, "{keep}");
    }
    let in_first = all.iter().filter(|at| **at < HEADER + CHUNK).count();
    let gathered = read(&bytes[..HEADER + 30_000]);
    assert_eq!(gathered.count("chunk_cut"), (in_first - gathered.events.len()) as u64);
    assert!(gathered.events.iter().all(|e| e.doubtful));
}

#[test]
fn damage_is_marked_and_counted() {
    let Some(bytes) = sample() else { return };
    let all = places(&bytes);
    let places = &all;
    let in_first = places.iter().filter(|&&at| at < HEADER + CHUNK).count();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut copy = bytes.clone();
        change(&mut copy);
        read(&copy)
    };

    let checksum = damaged(&|b| b[HEADER + 52] ^= 1);
    assert_eq!((at(&checksum), checksum.count("chunk_checksum")), (all.clone(), 1));
    assert_eq!(checksum.events.iter().filter(|e| e.doubtful).count(), in_first);

    // Names are found without the chunk's table of them.
    let names = damaged(&|b| b[HEADER + 128..HEADER + 384].fill(0xfe));
    assert_eq!((at(&names), names.count("chunk_checksum")), (all.clone(), 1));
    let fields = |g: &Gathered| g.events.iter().map(|e| e.fields.clone()).collect::<Vec<_>>();
    assert_eq!(fields(&names), fields(&read(&bytes)));

    let magic = damaged(&|b| b[places[3]] = b'X');
    let mut without = all.clone();
    without.remove(3);
    assert_eq!((at(&magic), magic.count("record_damaged")), (without.clone(), 1));
    let loss = &magic.losses[0];
    let time = |n: usize| magic.events[n].time.clone();
    assert_eq!(
        (loss.after.map(|t| t.to_string()), loss.before.map(|t| t.to_string())),
        (time(2), time(3))
    );

    let size = damaged(&|b| put(b, places[3] + 4, 0xffff_fff0));
    assert_eq!((at(&size), size.count("record_damaged")), (without, 1));

    let time = damaged(&|b| b[places[3] + 16..places[3] + 24].fill(0xff));
    assert_eq!(at(&time), all);

    // A chunk without its magic: what is in it is found, and supports nothing alone.
    let chunk = damaged(&|b| b[HEADER + CHUNK] = 0);
    assert_eq!(chunk.events.len(), all.len());
    assert_eq!(chunk.count("chunk_damaged"), 1);
    assert!(chunk.losses[0].after.is_some() && chunk.losses[0].before.is_some());

    let gone = damaged(&|b| b[HEADER + CHUNK..HEADER + 2 * CHUNK].fill(7));
    assert_eq!((gone.count("chunk_damaged"), gone.losses.len()), (1, 1));
    let unused = damaged(&|b| b[HEADER + CHUNK..HEADER + 2 * CHUNK].fill(0));
    // (What the buffer left of the second chunk in the third is found then.)
    assert!(unused.losses.is_empty() && unused.issues.iter().all(|(word, _)| word == "carved"));

    let headless = read(&bytes[HEADER..]);
    let shifted: Vec<usize> = all.iter().map(|at| at - HEADER).collect();
    assert_eq!((at(&headless), headless.count("file_head_missing")), (shifted, 1));
    let zeroed = damaged(&|b| b[..HEADER].fill(0));
    assert_eq!((at(&zeroed), zeroed.count("file_head_missing")), (all.clone(), 1));
    let claims = damaged(&|b| b[42] = 0xff);
    assert_eq!((at(&claims), claims.count("file_cut")), (all, 1));
}

#[test]
fn slack_is_carved_if_it_is_not_live() {
    let Some(mut bytes) = sample() else { return };
    let places = places(&bytes);
    let last = places.iter().rposition(|&at| at < HEADER + CHUNK).unwrap();
    // The chunk's end is moved before its last three records, as if they were of former use.
    put(&mut bytes, HEADER + 48, places[last - 2] - HEADER);
    seal(&mut bytes[HEADER..HEADER + CHUNK]);
    let gathered = read(&bytes);
    assert_eq!(gathered.events.len(), places.len());
    assert_eq!((gathered.count("carved"), gathered.issues.len()), (3, 3));
    assert_eq!(gathered.events.iter().filter(|e| e.doubtful).count(), 3);
}

/// A chunk is read alike from every record on: what one asks for does not hang on what came before it.
#[test]
fn reading_may_begin_at_any_record() {
    let Some(bytes) = sample() else { return };
    let chunk = &bytes[HEADER..HEADER + CHUNK];
    let survey = survey(chunk, CHUNK, &[]);
    let entries: Vec<Entry> = survey.steps.iter().filter_map(Step::record).copied().collect();
    let fields = |machine: &mut Machine, templates: &Templates, entry: &Entry| {
        let decoded = machine.decode(chunk, entry.body(), &mut templates.of_chunk()).unwrap();
        format!("{:?} {:?}", decoded.record.body, decoded.time)
    };
    let (mut machine, templates) = (Machine::default(), Templates::default());
    for entry in &entries {
        let alone = fields(&mut Machine::default(), &Templates::default(), entry);
        assert_eq!(alone, fields(&mut machine, &templates, entry), "{}", entry.at);
    }
}

/// The writer's buffer leaves the end of one chunk in the next: what was live before is not carved again.
#[test]
fn nothing_is_read_twice() {
    let mut twice = 0;
    for (_, bytes) in logs() {
        let places: BTreeSet<u64> = count(&bytes).into_iter().collect();
        let (live, carved): (Vec<Seen>, Vec<Seen>) =
            read(&bytes).events.into_iter().partition(|e| places.contains(&e.offset));
        let live: BTreeSet<_> = live.into_iter().map(|e| (e.record, e.time)).collect();
        for event in carved {
            assert!(event.doubtful);
            twice += usize::from(live.contains(&(event.record, event.time.clone())));
        }
    }
    // Of one record of the corpus the live twin stands in a later chunk, where it is not looked for.
    assert!(twice <= 1, "{twice}");
}

/// A small generator of numbers, so that every run damages alike.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

impl Dice {
    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// Damages a file in one of several ways; some keep checksums good, so that nothing else stops the reader.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let length = bytes.len();
    let chunk = HEADER + dice.below((length - HEADER) / CHUNK) * CHUNK;
    match dice.below(6) {
        0 => (0..=dice.below(256)).for_each(|_| bytes[dice.below(length)] = dice.byte()),
        1 => {
            (0..=dice.below(64)).for_each(|_| bytes[chunk + 512 + dice.below(4_000)] = dice.byte());
        }
        2 => (0..=dice.below(32)).for_each(|_| {
            let at = chunk + dice.below(CHUNK - 4);
            let odd = [0, 1, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x1_0000, dice.below(CHUNK)];
            put(bytes, at, odd[dice.below(7)]);
        }),
        3 => bytes.truncate(dice.below(length)),
        4 => {
            let at = dice.below(length);
            let end = (at + dice.below(9_000)).min(length);
            bytes[at..end].fill(0);
        }
        // The 32 bytes behind a template's reference: definition, its size, count of values.
        _ => (0..=dice.below(8)).for_each(|_| {
            let records = count(bytes);
            if !records.is_empty() {
                let at = usize::try_from(records[dice.below(records.len())]).unwrap();
                let at = (at + 24 + dice.below(40)).min(length - 4);
                put(bytes, at, [0xffff_ffff, 0x0fff_ffff, 0x0001_0000, 0][dice.below(4)]);
            }
        }),
    }
    if bytes.len() == length && bytes[chunk..].starts_with(b"ElfChnk") && dice.below(2) == 0 {
        let free = u32_at(bytes, chunk + 48);
        if (512..=CHUNK).contains(&free) {
            seal(&mut bytes[chunk..chunk + CHUNK]);
        }
    }
}

/// `ASSAY_DAMAGED` sets the number of files; run it under `ulimit -v` to see that no damage makes the reader
/// ask for more.
#[test]
fn a_thousand_damaged_files() {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    let wanted = std::env::var("ASSAY_DAMAGED").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let logs: Vec<_> = logs().into_iter().filter(|(_, b)| b.len() <= HEADER + 4 * CHUNK).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut words = BTreeMap::<String, u64>::new();
    let (mut known, mut events) = (0, 0);
    for n in 0..if logs.is_empty() { 0 } else { wanted } {
        let mut bytes = logs[n % logs.len()].1.clone();
        damage(&mut bytes, &mut dice);
        let Some(gathered) = read_with(&bytes, &Setting::default()) else { continue };
        known += 1;
        events += gathered.events.len();
        for event in &gathered.events {
            let at = usize::try_from(event.offset).unwrap();
            assert_eq!(bytes[at..at + event.raw.len()], event.raw);
        }
        gathered
            .issues
            .iter()
            .for_each(|(word, count)| *words.entry(word.clone()).or_default() += count);
    }
    println!("{known} damaged files read, {events} events, {words:?}");
    assert!(logs.is_empty() || known > wanted * 9 / 10);
}

/// Numbers that ask for much: each must be refused without the memory being asked for.
#[test]
fn crafted_numbers_cost_nothing() {
    let Some(bytes) = sample() else { return };
    let places = places(&bytes);
    for offset in 24..160 {
        let mut copy = bytes.clone();
        put(&mut copy, places[0] + offset, 0xffff_ffff);
        seal(&mut copy[HEADER..HEADER + CHUNK]);
        let gathered = read(&copy);
        assert!(
            gathered.events.len() + usize::try_from(gathered.count("record_damaged")).unwrap()
                >= places.len()
        );
    }
}

#[test]
fn one_record_for_a_reader() {
    let Some(bytes) = sample() else { return };
    let event = read(&bytes).events.pop().unwrap();
    let mut input = bytes.as_slice();
    let shown = render_at(&mut input, event.offset).unwrap().unwrap();
    assert!(shown.contains(&format!("\"EventRecordID\": {}", event.record.unwrap())), "{shown}");
    assert!(shown.contains("\n  \"Event\": {\n"));
    assert_eq!(render(&bytes[HEADER..HEADER + CHUNK], 513), None);
    assert_eq!(render_at(&mut bytes.as_slice(), 7).unwrap(), None);
    assert_eq!(render_at(&mut bytes.as_slice(), u64::MAX).unwrap(), None);
}

/// Counts and keeps nothing.
struct Count(u64, usize);

impl Emit for Count {
    fn event(&mut self, event: &Event<'_>) {
        self.0 += 1;
        self.1 += event.fields.0.len();
    }
    fn lost(&mut self, _: &Loss, _: &str) {}
    fn issue(&mut self, _: &'static str, _: u64, _: &str) {}
}

/// `ASSAY_SPEED=FILE cargo test --release -p assay-evidence -- --ignored --nocapture speed_of_one_file`
#[test]
#[ignore = "a measurement"]
fn speed_of_one_file() {
    #[expect(clippy::disallowed_methods, reason = "the file is named by the environment")]
    let Ok(path) = std::env::var("ASSAY_SPEED") else { return };
    let bytes = fs_err::read(path).unwrap();
    let started = std::time::Instant::now();
    let probe = Probe { prefix: &bytes[..65_536], logical: "", max_record: 4 << 20 };
    let found = super::identify(&probe).or_else(|| json_events::identify(&probe));
    let mut framer = found.unwrap().framer;
    let context =
        Context { root: RootId(0), item: ItemId(0), logical: "", windows_path: None, zone: None };
    let mut counted = Count(0, 0);
    let mut input = bytes.as_slice();
    while let Some(block) = framer.next_block(&mut input, &mut counted).unwrap() {
        block.decode(&context, &mut counted);
    }
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = bytes.len() / 1_000_000;
    println!("{megabytes} MB, {} records, {} fields, {seconds:.2} s", counted.0, counted.1);
}
