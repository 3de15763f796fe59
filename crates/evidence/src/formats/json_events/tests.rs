//! Shapes, cuts and hostile input of JSON events.

use jiff::tz::TimeZone;
use model::{TimeBasis, Value};

use super::super::Framer;
use super::testing::{Gathered, Seen, Setting, read, read_with};
use super::{dom, render};

/// A flat event with an id of our choice.
fn flat(id: u32) -> String {
    format!(
        r#"{{"SourceName":"P","Channel":"Security","Hostname":"H","TimeCreated":"2021-03-14T01:40:{:02}.5Z","EventID":{id},"Message":"m","X":"{id}"}}"#,
        id % 60
    )
}

fn one(text: &str) -> Seen {
    let gathered = read(text.as_bytes());
    assert_eq!(gathered.kind, "json-events");
    assert_eq!(gathered.events.len(), 1, "{gathered:?}");
    gathered.events.into_iter().next().unwrap()
}

fn ids(gathered: &Gathered) -> Vec<u32> {
    gathered.events.iter().map(|e| e.event_id.unwrap()).collect()
}

fn names(event: &Seen) -> Vec<&str> {
    event.fields.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_shape_maps_onto_the_same_names() {
    let shapes = [
        r#"{"SourceName":"Prov","Channel":"Chan","Hostname":"host.lan","TimeCreated":"2021-03-14T01:40:13.659Z",
            "EventID":11,"Message":"text","Task":11,"Level":4,"Keywords":"0x80","RecordNumber":98,"Opcode":0,
            "Version":2,"ExecutionProcessID":1680,"UserID":"S-1-5-18","Image":"C:\\a.exe","ProcessId":19108}"#,
        r#"{"@timestamp":"2021-03-14T01:40:13.659Z","message":"text","winlog":{"provider_name":"Prov",
            "channel":"Chan","computer_name":"host.lan","event_id":11,"task":11,"keywords":"0x80","record_id":98,
            "opcode":0,"version":2,"level":4,"process":{"pid":1680},"user":{"identifier":"S-1-5-18"},
            "event_data":{"Image":"C:\\a.exe","ProcessId":19108}}}"#,
        r#"{"@timestamp":"2021-03-14T01:40:13.659Z","message":"text","winlog.provider_name":"Prov",
            "winlog.channel":"Chan","winlog.computer_name":"host.lan","event.code":"11","winlog.task":11,
            "winlog.keywords":"0x80","winlog.record_id":98,"winlog.opcode":0,"winlog.version":2,"winlog.level":4,
            "winlog.process.pid":1680,"winlog.user.identifier":"S-1-5-18",
            "winlog.event_data.Image":"C:\\a.exe","winlog.event_data.ProcessId":19108}"#,
        r#"{"@timestamp":"2021-03-14T01:40:13.659Z","message":"text","source_name":"Prov","log_name":"Chan",
            "computer_name":"host.lan","event_id":11,"task":11,"keywords":"0x80","record_number":98,"opcode":0,
            "version":2,"level":4,"process":{"pid":1680},"user":{"identifier":"S-1-5-18"},
            "event_data":{"Image":"C:\\a.exe","ProcessId":19108}}"#,
        r##"{"Event":{"#attributes":{"xmlns":"u"},"System":{"Provider":{"#attributes":{"Name":"Prov","Guid":"G"}},
            "EventID":{"#attributes":{"Qualifiers":16384},"#text":11},"Version":2,"Level":4,"Task":11,"Opcode":0,
            "Keywords":"0x80","TimeCreated":{"#attributes":{"SystemTime":"2021-03-14T01:40:13.659Z"}},
            "EventRecordID":98,"Correlation":null,"Execution":{"#attributes":{"ProcessID":1680,"ThreadID":1}},
            "Channel":"Chan","Computer":"host.lan","Security":{"#attributes":{"UserID":"S-1-5-18"}}},
            "EventData":{"Image":"C:\\a.exe","ProcessId":19108},"RenderingInfo":{"Message":"text"}}}"##,
        r##"{"Event":{"System":{"Provider_attributes":{"Name":"Prov"},"EventID":"11","EventID_attributes":{"Qualifiers":0},
            "Version":2,"Level":4,"Task":11,"Opcode":0,"Keywords":"0x80",
            "TimeCreated_attributes":{"SystemTime":"2021-03-14T01:40:13.659Z"},"EventRecordID":98,
            "Execution_attributes":{"ProcessID":1680},"Channel":"Chan","Computer":"host.lan",
            "Security_attributes":{"UserID":"S-1-5-18"}},"EventData":{"Data":[
            {"@Name":"Image","#text":"C:\\a.exe"},{"#attributes":{"Name":"ProcessId"},"#text":19108}]},
            "RenderingInfo":{"Message":"text"}}}"##,
        r##"{"_index":"w","_source":{"Event":{"System":{"Provider":{"@Name":"Prov"},"EventID":{"@Qualifiers":"0","#text":11},
            "Version":2,"Level":4,"Task":11,"Opcode":0,"Keywords":"0x80",
            "TimeCreated":{"@SystemTime":"2021-03-14T01:40:13.659Z"},"EventRecordID":98,
            "Execution":{"@ProcessID":1680},"Channel":"Chan","Computer":"host.lan","Security":{"@UserID":"S-1-5-18"}},
            "UserData":{"Root":{"@xmlns":"u","Image":"C:\\a.exe","ProcessId":19108}},
            "RenderingInfo":{"Message":"text"}}}}"##,
    ];
    for shape in shapes {
        let event = one(shape);
        assert_eq!(
            names(&event),
            [
                "Image",
                "ProcessId",
                "Message",
                "Channel",
                "EventID",
                "Provider_Name",
                "Computer",
                "EventRecordID",
                "Level",
                "Task",
                "Opcode",
                "Keywords",
                "Version",
                "Execution_ProcessID",
                "UserID"
            ],
            "{shape}"
        );
        assert_eq!((event.channel.as_str(), event.provider.as_str()), ("Chan", "Prov"));
        assert_eq!((event.event_id, event.record), (Some(11), Some(98)));
        assert_eq!(event.host.as_deref(), Some("host.lan"));
        assert_eq!(event.time.as_deref(), Some("2021-03-14T01:40:13.659Z"));
        assert_eq!(event.basis, TimeBasis::RecordUtc);
        assert_eq!(event.get("EventID"), Some(&Value::UInt(11)));
        assert_eq!(event.get("ProcessId"), Some(&Value::UInt(19108)));
        assert_eq!(event.get("Image"), Some(&Value::from("C:\\a.exe")));
        assert_eq!(event.raw, shape.as_bytes());
    }
}

#[test]
fn the_body_goes_before_the_head() {
    let event = one(
        r##"{"Event":{"System":{"EventID":104,"Channel":"System","Level":4,"Provider":{"#attributes":{"Name":"P"}}},
        "UserData":{"LogFileCleared":{"#attributes":{"xmlns":"x"},"Channel":"Security","BackupPath":null,"Level":""}}}}"##,
    );
    assert_eq!(event.channel, "System");
    assert_eq!(event.all("Channel"), ["Security", "System"]);
    assert_eq!(event.get("BackupPath"), Some(&Value::Null));
    assert_eq!(event.get("Level"), Some(&Value::Null));
}

#[test]
fn lists_repeats_and_attributes_of_the_body() {
    let event = one(
        r##"{"Event":{"System":{"EventID":1,"Channel":"C"},"EventData":{"#attributes":{"Name":"skipped"},
        "Data":{"#text":["a","",7]},"Named":["x","y"],"Named_1":"z","Other_1":"own","Twice":1,"Twice":2},
        "UserData":{"R":{"Cert":{"#attributes":{"subject":"s","xmlns:x":"no"}},"Apps":{"App":"1","App_1":"2","App_2":"3"},
        "Mixed":{"#text":"t","Leaf":true}}}}}"##,
    );
    assert_eq!(event.all("Data"), ["a", "", "7"]);
    assert_eq!(event.all("Named"), ["x", "y", "z"]);
    assert_eq!(event.all("Other_1"), ["own"]);
    assert_eq!(event.all("Twice"), ["1", "2"]);
    assert_eq!(event.all("Cert_subject"), ["s"]);
    assert_eq!(event.all("App"), ["1", "2", "3"]);
    assert_eq!(
        (event.all("Mixed"), event.all("Leaf")),
        (vec!["t".to_owned()], vec!["true".to_owned()])
    );
    assert!(event.get("Name").is_none() && event.get("Cert_xmlns:x").is_none());
}

#[test]
fn values_keep_their_type() {
    let event = one(
        r#"{"EventID":1,"Channel":"C","n":-5,"u":18446744073709551615,"big":18446744073709551616,"f":1.5e3,"b":false,
        "t":"007","z":null,"esc":"\u0041\ud83d\ude00\ud800x\u0000\/","nul":"a\u0000b"}"#,
    );
    assert_eq!(event.get("n"), Some(&Value::Int(-5)));
    assert_eq!(event.get("u"), Some(&Value::UInt(u64::MAX)));
    assert_eq!(event.get("big"), Some(&Value::from("18446744073709551616")));
    assert_eq!(event.get("f"), Some(&Value::Float(1500.0)));
    assert_eq!(event.get("b"), Some(&Value::Bool(false)));
    assert_eq!(event.get("t"), Some(&Value::from("007")));
    assert_eq!(event.get("z"), Some(&Value::Null));
    assert_eq!(event.get("esc"), Some(&Value::from("A\u{1f600}\u{fffd}x\0/")));
    assert_eq!(event.get("nul"), Some(&Value::from("a\0b")));
}

#[test]
fn the_zone_decides_the_basis() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let cases = [
        ("2021-07-14T01:40:13Z", None, Some("2021-07-14T01:40:13Z"), TimeBasis::RecordUtc),
        ("2021-07-14T01:40:13+02:00", None, Some("2021-07-13T23:40:13Z"), TimeBasis::Declared),
        ("2021-07-14 01:40:13", None, Some("2021-07-14T01:40:13Z"), TimeBasis::Assumed),
        (
            "2021-07-14 01:40:13.25",
            Some(&berlin),
            Some("2021-07-13T23:40:13.25Z"),
            TimeBasis::Declared,
        ),
        ("2021-07-14T01:40:13Z", Some(&berlin), Some("2021-07-14T01:40:13Z"), TimeBasis::RecordUtc),
        ("yesterday", None, None, TimeBasis::Assumed),
    ];
    for (text, zone, time, basis) in cases {
        let json = format!(r#"{{"EventID":1,"Channel":"C","EventTime":"{text}"}}"#);
        let setting = Setting { zone, ..Setting::default() };
        let event = &read_with(json.as_bytes(), &setting).unwrap().events[0];
        assert_eq!((event.time.as_deref(), event.basis), (time, basis), "{text}");
    }
}

#[test]
fn sysmon_states_a_second_time() {
    let json = |provider| {
        format!(r#"{{"EventID":1,"SourceName":"{provider}","UtcTime":"2021-03-14 06:40:13.659"}}"#)
    };
    let event = one(&json("Microsoft-Windows-Sysmon"));
    assert_eq!(event.second_time.as_deref(), Some("2021-03-14T06:40:13.659Z"));
    assert_eq!(one(&json("Other")).second_time, None);
}

/// Ways to write three events, each to be read at every size of the stream's steps.
#[test]
fn layouts_and_encodings() {
    let events = [flat(1), flat(2), flat(3)];
    let pretty = |text: &String| render(text.as_bytes()).unwrap();
    let shifted = |text: &String| pretty(text).replace('\n', "\n    ");
    let [a, b, c] = &events;
    let layouts = [
        events.join("\n"),
        events.join("\r\n") + "\r\n\r\n",
        events.concat(),
        format!("[{}]", events.join(",")),
        format!("[\n{}\n]\n", events.join(",\n")),
        format!("[ {a}\n, {b}\n, {c} ]"),
        format!("\u{feff}{}", events.join("\n")),
        format!("\u{1e}{a}\n\u{1e}{b}\n\u{1e}{c}\n"),
        events.iter().map(pretty).collect::<Vec<_>>().join("\n"),
        format!("[\n    {}\n]", events.iter().map(shifted).collect::<Vec<_>>().join(",\n    ")),
        format!("{a}\n{}\n{c}", pretty(b)),
    ];
    for layout in &layouts {
        let utf16 = |big: bool, mark: bool| -> Vec<u8> {
            let bare = layout.trim_start_matches('\u{feff}');
            let units = mark.then_some(0xfeff).into_iter().chain(bare.encode_utf16());
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        let marked = [layout.clone().into_bytes(), utf16(false, true), utf16(true, true)];
        for bytes in marked.into_iter().chain([utf16(false, false), utf16(true, false)]) {
            if layout.starts_with('\u{1e}') && bytes.starts_with(&[0]) {
                continue;
            }
            for step in [1, 2, 3, 7, 64, 1 << 16] {
                let setting = Setting { step, ..Setting::default() };
                let gathered = read_with(&bytes, &setting).unwrap();
                assert_eq!(ids(&gathered), [1, 2, 3], "{layout}");
                assert_eq!(gathered.issues, [], "{layout}");
            }
        }
    }
}

#[test]
fn locators_lead_back_to_the_bytes() {
    let text = format!("\u{feff}[{},\r\n {}]", flat(1), flat(2));
    for event in read(text.as_bytes()).events {
        let at = usize::try_from(event.offset).unwrap();
        let length = usize::try_from(event.length).unwrap();
        assert_eq!(&text.as_bytes()[at..at + length], event.raw);
        assert!(event.raw.starts_with(b"{") && event.raw.ends_with(b"}"));
    }
}

/// Damage between three events: what is read, under which word it is counted, and how much.
#[test]
fn damage_costs_only_itself() {
    let [a, b, c] = [flat(1), flat(2), flat(3)];
    let first = |text: &str, n: usize| text.get(..n).unwrap().to_owned();
    let half = first(&b, b.len() / 2);
    let pretty = |text: &str| render(text.as_bytes()).unwrap();
    let half_pretty = first(&pretty(&b), 90);
    let open_string = first(&b, b.len() - 3);
    let cases: Vec<(String, &[u32], &str, u64)> = vec![
        (format!("{a}\n{half}\n{c}"), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{open_string}\n{c}"), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{open_string}\\\n{c}"), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{}\n{c}", b.trim_start_matches('{')), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{b}}}\n{c}"), &[1, 2, 3], "json_damaged", 1),
        (format!("{a}\nnot json at all\nnor this\n{c}"), &[1, 3], "json_damaged", 2),
        (
            format!("{a}\n{}\n{c}", b.replace("\"EventID\":2", "\"EventID\":two")),
            &[1, 3],
            "json_damaged",
            1,
        ),
        (format!("{}\n{half_pretty}\n{}", pretty(&a), pretty(&c)), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{half}"), &[1], "json_damaged", 1),
        (format!("{a}\n{{\"other\":1}}\n{c}"), &[1, 3], "not_an_event", 1),
        (
            format!("{a}\n{}{}\n{c}", "{\"d\":".repeat(100), "1".to_owned() + &"}".repeat(100)),
            &[1, 3],
            "json_damaged",
            1,
        ),
        (format!("{a}\n{{\"d\":{}}}\n{c}", "[".repeat(9000)), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{{\"d\":{}\n{c}", "{\"d\":".repeat(9000)), &[1, 3], "json_damaged", 1),
        (format!("{a}\n{{\"n\":[{}0]}}\n{c}", "0,".repeat(70_000)), &[1, 3], "json_damaged", 1),
    ];
    for (text, expected, code, count) in cases {
        for step in [1 << 16, 5] {
            let setting = Setting { step, ..Setting::default() };
            let gathered = read_with(text.as_bytes(), &setting).unwrap();
            let short = first(&text, text.len().min(300));
            assert_eq!(ids(&gathered), expected, "{short}");
            assert_eq!(gathered.count(code), count, "{short} {:?}", gathered.issues);
        }
    }
}

#[test]
fn a_loss_names_its_neighbours() {
    let text = format!("{}\n{{\"broken\n{}\n{{\"cut", flat(1), flat(3));
    let losses = read(text.as_bytes()).losses;
    let times = |n: usize| {
        (losses[n].after.map(|t| t.to_string()), losses[n].before.map(|t| t.to_string()))
    };
    assert_eq!(losses.len(), 2);
    assert_eq!(
        times(0),
        (Some("2021-03-14T01:40:01.5Z".into()), Some("2021-03-14T01:40:03.5Z".into()))
    );
    assert_eq!(times(1), (Some("2021-03-14T01:40:03.5Z".into()), None));
    assert_eq!((losses[0].at_end, losses[1].at_end), (false, true));
}

#[test]
fn too_long_records_are_passed_over() {
    let long =
        |open: &str| format!(r#"{{"EventID":9,"Channel":"C","X":"{}{open}"#, "x".repeat(9_000));
    let cases = [
        format!("{}\n{}\"}}\n{}", flat(1), long(""), flat(2)),
        // Its end is missing too: the next line is found all the same.
        format!("{}\n{}\n{}", flat(1), long(""), flat(2)),
        // Braces and escapes inside the string mean nothing.
        format!("{}\n{}\"}}\n{}", flat(1), long("}}{{\\\"}\\\\"), flat(2)),
    ];
    for text in cases {
        for step in [3, 1 << 16] {
            let setting = Setting { step, max_record: 8_192, ..Setting::default() };
            let gathered = read_with(text.as_bytes(), &setting).unwrap();
            assert_eq!(ids(&gathered), [1, 2]);
            assert_eq!(gathered.issues, [("record_too_long".to_owned(), 1)]);
        }
    }
}

/// A stream that is never in memory as a whole.
#[test]
fn a_string_of_100_mb_costs_no_memory() {
    use std::io::{BufReader, Read};
    let head = flat(1) + "\n{\"X\":\"";
    let tail = format!("\"}}\n{}\n", flat(2));
    let filler = std::io::repeat(b'x').take(100 << 20);
    let mut input = BufReader::new(head.as_bytes().chain(filler).chain(tail.as_bytes()));
    let mut framer = super::framer::JsonFramer::new(4 << 20);
    let mut gathered = Gathered::default();
    let context = super::super::Context {
        root: model::RootId(0),
        item: model::ItemId(0),
        logical: "",
        windows_path: None,
        zone: None,
    };
    while let Some(block) = framer.next_block(&mut input, &mut gathered).unwrap() {
        assert!(framer.held() < 5 << 20, "{}", framer.held());
        block.decode(&context, &mut gathered);
    }
    assert_eq!(ids(&gathered), [1, 2]);
    assert_eq!(gathered.count("record_too_long"), 1);
}

#[test]
fn other_json_is_not_ours() {
    let deep = "[".repeat(100_000);
    let cases: Vec<&[u8]> = vec![
        b"",
        b"{}",
        b"[]",
        b"{\"a\":1}",
        b"[1,2]",
        b"\"EventID\"",
        b"{\"EventID\":4}",
        b"text",
        b"{\"Event\":{\"x\":1}}",
        b"{\"winlogs\":1}",
        b"\xff\xfe",
        b"{",
        b"\0\0\0\0",
        deep.as_bytes(),
    ];
    for case in cases {
        assert!(
            read_with(case, &Setting::default()).is_none(),
            "{:?}",
            String::from_utf8_lossy(case)
        );
    }
}

#[test]
fn a_first_value_longer_than_the_prefix_is_recognised() {
    let long = "x".repeat(200_000);
    let text = format!(r#"{{"Channel":"C","EventID":5,"Message":"{long}"}}"#);
    assert_eq!(ids(&read(text.as_bytes())), [5]);
}

#[test]
fn the_reader_agrees_with_serde_json() {
    let values = [
        r#"{"a":[1,-2,3.5,true,false,null,"x\n\"\\\u00e9"],"b":{"c":{}},"d":[]," ":"é😀"}"#,
        "[[],[[]],{\"a\":{\"b\":[1]}}]",
        "\"\\ud83d\\ude00\"",
    ];
    for text in values {
        let (node, taken) = dom::parse(text.as_bytes()).unwrap();
        assert_eq!(taken, text.len());
        let again: serde_json::Value = serde_json::from_str(&dom::pretty(&node)).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }
    for broken in [
        "{\"a\" 1}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "tru",
        "-",
        "\"\\x\"",
        "\"\\u12\"",
        "[1 2]",
        "nul1",
    ] {
        assert!(dom::parse(broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn what_is_shown_steers_nothing() {
    let shown = render("{\"a\":\"\u{1b}[31m\u{202e}\u{7f}\u{9b}\\u001b\\n\"}".as_bytes()).unwrap();
    assert_eq!(shown, "{\n  \"a\": \"\\u001b[31m\\u202e\\u007f\\u009b\\u001b\\n\"\n}");
}

#[test]
fn the_corpus_case_is_read_whole() {
    let Some(folder) = super::testing::corpus("exchange") else { return };
    let file = fs_err::File::open(folder.join("proxylogon_ssrf_rce_poc.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_index(0).unwrap(), &mut bytes).unwrap();
    let gathered = read(&bytes);
    assert_eq!((gathered.events.len(), gathered.issues.len()), (10_487, 0));
    let shells = gathered.events.iter().filter(|e| {
        e.event_id == Some(11) && e.all("TargetFilename").concat().ends_with("ohyeah.aspx")
    });
    let shell = shells.min_by_key(|e| e.time.clone()).unwrap();
    assert_eq!(shell.time.as_deref(), Some("2021-03-14T01:40:13.660Z"));
    assert_eq!(shell.second_time.as_ref().unwrap().get(..19), Some("2021-03-14T06:40:13"));
    assert_eq!(shell.host.as_deref(), Some("MXS01.azsentinel.local"));
    let management = gathered.events.iter().filter(|e| e.channel == "MSExchange Management");
    assert_eq!(management.count(), 3);
}
