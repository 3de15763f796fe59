//! `assay exposure`: a build alone, and a list of builds as an outside scan gives it.

use std::fmt::Write as _;

use model::exposure::{BuildExposure, HoleState};

use crate::support::{Session, finished, not_run};

#[test]
fn a_build_is_answered_in_every_form_that_people_have() {
    let session = Session::new();
    // Wide enough that no line that is looked for is broken.
    let wide = |build: &str| finished(session.command(&["exposure", build]).env("COLUMNS", "140"));
    let whole = wide("15.1.2106.2");
    whole.ended(0, &[]);
    assert!(
        whole.out.starts_with("EXPOSURE   OPEN TO 9 CHAINS   build 15.1.2106.2\n"),
        "{}",
        whole.out
    );
    for words in [
        "BUILD      Exchange Server 2016 CU18.",
        "OPEN       ProxyLogon  in use since 2021-01-03, published 2021-03-02",
        "closed by Mar21SU",
        "FIXED      CVE-2020-0688",
        "INSTALL    Exchange Server 2016 CU18 Mar21SU (15.1.2106.13)",
        "NOT TOLD   -  mitigations",
    ] {
        assert!(whole.out.contains(words), "{words:?} is not in\n{}", whole.out);
    }
    for form in ["15.01.2106.002", "Version 15.1 (Build 2106.2)"] {
        assert_eq!(wide(form).out, whole.out, "{form}");
    }
    let outside = wide("15.1.2106").out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(outside.contains("DEPENDS ProxyLogon in use since 2021-01-03"), "{outside}");
    assert!(outside.contains("open unless Mar21SU or a later update is installed"), "{outside}");
    let unknown = session.run(&["exposure", "16.0.1.1"]);
    unknown.ended(0, &[]);
    assert!(unknown.out.starts_with("EXPOSURE   NOT KNOWN"), "{}", unknown.out);
    let newest = session.run(&["exposure", "15.2.2562.46"]).out;
    assert!(newest.starts_with("EXPOSURE   NOT TOLD BY THE BUILD ALONE"), "{newest}");
    for word in ["clean", "safe", "not compromised"] {
        assert!(!newest.to_lowercase().contains(word), "{word}: {newest}");
    }
}

#[test]
fn json_carries_every_date_with_its_source() {
    let session = Session::new();
    let ran = session.run(&["exposure", "15.1.1847.12", "--json"]);
    ran.ended(0, &[]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["schema"], "assay.exposure/1");
    assert_eq!(value["content"]["sha256"].as_str().map(str::len), Some(64));
    let exposure: BuildExposure = serde_json::from_value(value).unwrap();
    let chain = |id: &str| exposure.chains.iter().find(|c| c.id == id).unwrap();
    assert_eq!(chain("proxylogon").state, HoleState::Fixed);
    assert_eq!(chain("proxyshell").state, HoleState::Open);
    assert_eq!(chain("cve_2020_0688").state, HoleState::Unknown);
    assert!(exposure.holes.iter().flat_map(|h| &h.dates).all(|d| !d.source.is_empty()));
}

#[test]
fn what_is_no_build_and_no_list_is_refused() {
    let session = Session::new();
    for text in ["", "15.1", "exchange", "15.1.2106.2.9", "15.1.x.2", "\u{1b}[2J"] {
        session.run(&["exposure", text]).ended(3, &["is no build number", "four numbers"]);
    }
    session.run(&["exposure"]).ended(3, &[]);
    session.run(&["exposure", "15.1.2106.2", "--list", "x.csv"]).ended(3, &[]);
    session.run(&["exposure", "--list", "missing.csv"]).ended(2, &["missing.csv"]);
    session.write("no-builds.csv", "host,port\nex,443\n");
    session
        .run(&["exposure", "--list", "no-builds.csv"])
        .ended(2, &["no column is called build", "host, port"]);
    session.write("empty.csv", "");
    session.run(&["exposure", "--list", "empty.csv"]).ended(2, &["no column is called build"]);
    session.write("list.csv", "host,build\nex,15.1.2106.2\n");
    session.write("there.csv", "mine");
    let onto = ["exposure", "--list", "list.csv", "--out", "there.csv"];
    session.run(&onto).ended(3, &["there.csv exists", "--force"]);
    assert_eq!(session.read("there.csv"), b"mine");
    session.run(&[&onto[..], &["--force"]].concat()).ended(0, &[]);
    assert!(session.read("there.csv").starts_with(b"host,build,assay_build"));
    session
        .run(&["exposure", "--list", "list.csv", "--out", "no/such/folder.csv"])
        .ended(2, &["folder.csv"]);
    assert_eq!(session.names("."), ["empty.csv", "list.csv", "no-builds.csv", "there.csv"]);
}

const LIST: &str = "\u{feff}Host;Exchange Version;Note\r\n\
    ex1;15.1.2106.2;plain\r\n\
    ex2;15.01.2106.013;\"a; b\"\r\n\
    ex3;15.1.2106;three numbers\r\n\
    =HYPERLINK(1);15.2.2562.46;+1\r\n\
    ex5;;nothing\r\n\
    ex6;unknown;\"never closed\r\n\
    ex7;9.9.9.9;other\r\n\
    ex8\r\n\
    ex9;14.3.513.0;more;cells;here\r\n";

#[test]
fn a_list_keeps_its_rows_and_says_what_each_build_means() {
    let session = Session::new();
    session.write("scan.csv", LIST);
    let ran = session.run(&["exposure", "--list", "scan.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut reader = csv::Reader::from_reader(ran.out.as_bytes());
    let heading = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        rows[row].get(heading.iter().position(|h| h == name).unwrap()).unwrap().to_owned()
    };
    let states: Vec<String> = (0..rows.len()).map(|n| cell(n, "assay_state")).collect();
    let expected =
        ["open", "open", "open", "depends", "unknown", "unknown", "unknown", "unknown", "unknown"];
    assert_eq!(states, expected);
    assert!(
        cell(0, "assay_open").starts_with("proxylogon proxyshell"),
        "{}",
        cell(0, "assay_open")
    );
    assert_eq!(cell(0, "assay_in_use_since"), "2021-01-03");
    assert_eq!(cell(0, "assay_install"), "Exchange Server 2016 CU23 Aug26SU");
    assert!(!cell(1, "assay_open").contains("proxylogon"));
    assert_eq!(
        (cell(1, "Note"), cell(1, "assay_build")),
        ("a; b".to_owned(), "15.1.2106.13".to_owned())
    );
    assert_eq!(cell(2, "assay_depends"), "proxylogon");
    assert_eq!((cell(3, "Host"), cell(3, "Note")), ("'=HYPERLINK(1)".to_owned(), "'+1".to_owned()));
    assert_eq!(cell(4, "assay_note"), "the row has no build");
    assert_eq!(cell(5, "assay_note"), "a quote is never closed");
    assert_eq!(cell(6, "assay_note"), "no product with such builds is known");
    assert_eq!(cell(8, "Note"), "more cells here");
    for words in [
        "ROWS       9\n",
        "BAD ROWS   3 (kept, as unknown)",
        "  line 6: the row has no build",
        "  line 7: a quote is never closed: unknown",
        "  line 9: the row has no build",
    ] {
        assert!(ran.err.contains(words), "{words:?} is not in\n{}", ran.err);
    }
    let utf16: Vec<u8> = LIST.encode_utf16().flat_map(u16::to_le_bytes).collect();
    session.write("utf16.csv", utf16);
    assert_eq!(session.run(&["exposure", "--list", "utf16.csv"]).out, ran.out);
    session
        .run(&["exposure", "--list", "scan.csv", "--out", "out.csv"])
        .ended(0, &["ROWS       9"]);
    assert_eq!(session.read("out.csv"), ran.out.as_bytes());
}

/// A nation on the first day.
const NATION: u32 = 250_000;
/// What the address space of the run may hold, in kB.
const MEMORY_KB: u32 = 400_000;

#[test]
fn a_quarter_of_a_million_rows_pass_in_little_memory() {
    let session = Session::new();
    let mut list = "ip,port,build\n".to_owned();
    for n in 0..NATION {
        // Builds of CU18, of CU23, odd ones of which there are as many as rows, and none.
        let build = match n % 10 {
            0..=3 => format!("15.1.2106.{}", n % 15),
            4..=6 => "15.1.2507.72".to_owned(),
            7 => format!("15.1.2106.{n}"),
            8 => "15.1.2106".to_owned(),
            _ => "?".to_owned(),
        };
        writeln!(list, "10.{}.{}.{},443,{build}", n >> 16, n >> 8 & 255, n & 255).unwrap();
    }
    session.write("nation.csv", list);
    if cfg!(not(target_os = "linux")) {
        not_run("the limit of memory: it is set by a shell of Linux");
        return;
    }
    let run =
        format!("ulimit -v {MEMORY_KB}; exec \"$0\" exposure --list nation.csv --out answers.csv");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &run, env!("CARGO_BIN_EXE_assay")]).current_dir(session.path("."));
    let ran = finished(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains(&format!("ROWS       {NATION}\n")), "{}", ran.err);
    assert!(ran.err.contains("BAD ROWS   25000 "), "{}", ran.err);
    assert!(ran.err.contains("  and 24980 more"), "{}", ran.err);
    let answers = String::from_utf8(session.read("answers.csv")).unwrap();
    assert_eq!(answers.lines().count(), NATION as usize + 1);
    let open = answers.lines().filter(|line| line.contains(",open,proxylogon")).count();
    // Of each thirty rows with n % 10 in 0..=3, those whose n % 15 is below 13 lack Mar21SU.
    let lacking =
        (0..NATION).filter(|n| n % 10 <= 3 && n % 15 < 13 || n % 10 == 7 && *n < 13).count();
    assert_eq!(open, lacking);
}
