//! What builds are called and which chains are open in them: the whole of the facts, and a table worked out by hand.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_assess::{Knowledge, StatedBuild, exposure_of_build, representative};
use model::exposure::{BuildExposure, HoleState};

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/packs")
}

fn knowledge() -> Knowledge {
    let mut files = Vec::new();
    let mut folders = vec![content()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name =
                    path.strip_prefix(content()).unwrap().to_string_lossy().replace('\\', "/");
                files.push((format!("packs/{name}"), fs_err::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    Knowledge::parse(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))).unwrap()
}

fn of(knowledge: &Knowledge, build: &str) -> BuildExposure {
    exposure_of_build(knowledge, StatedBuild::parse(build).unwrap())
}

fn letter(state: HoleState) -> &'static str {
    match state {
        HoleState::Open => "O",
        HoleState::Fixed => "F",
        HoleState::Depends => "D",
        HoleState::Unknown => "U",
        HoleState::NotAffected => "N",
    }
}

/// The columns of the table, and the chains that they stand for.
const CHAINS: [(&str, &str); 10] = [
    ("0688", "cve_2020_0688"),
    ("proxylogon", "proxylogon"),
    ("proxyshell", "proxyshell"),
    ("proxytoken", "proxytoken"),
    ("42321", "cve_2021_42321"),
    ("proxynotshell", "proxynotshell"),
    ("owassrf", "owassrf"),
    ("21529", "cve_2023_21529"),
    ("21410", "cve_2024_21410"),
    ("42897", "cve_2026_42897"),
];

#[test]
fn builds_are_open_to_what_the_table_says() {
    let knowledge = knowledge();
    let mut reader = csv::Reader::from_reader(&include_bytes!("expected.csv")[..]);
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        rows += 1;
        let exposure = of(&knowledge, &row["build"]);
        if exposure.name != row["name"] {
            wrong.push(format!("{}: {} instead of {}", row["build"], exposure.name, row["name"]));
        }
        for (column, id) in CHAINS {
            let chain = exposure.chains.iter().find(|c| c.id == id);
            let state = chain.map_or("", |c| letter(c.state));
            if state != row[column] {
                let why = chain.map_or("", |c| c.why.as_str());
                wrong.push(format!(
                    "{} {id}: {state} ({why}) instead of {}",
                    row["build"], row[column]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows > 40);
}

#[test]
fn every_listed_build_has_its_name() {
    type Table = BTreeMap<String, BTreeMap<String, serde_json::Value>>;
    let knowledge = knowledge();
    let title = |product: &str| match product {
        "ExchangeSE" => "Exchange Server Subscription Edition".to_owned(),
        other => other.replace("Exchange", "Exchange Server "),
    };
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    let table: Table =
        serde_json::from_slice(&fs_err::read(content().join("exchange/builds.json")).unwrap())
            .unwrap();
    for (product, updates) in &table {
        for (name, update) in updates {
            for (security, build) in update["SU"].as_object().unwrap() {
                let full = format!("{} {name} {security}", title(product));
                expected.insert(build.as_str().unwrap().to_owned(), full);
            }
            // Where an update is the cumulative update itself, that is its name.
            let build = update["CU"].as_str().unwrap().to_owned();
            expected.insert(build, format!("{} {name}", title(product)));
        }
    }
    assert_eq!(expected.len(), 277, "the distinct builds of Microsoft's table");
    let mut more = csv::Reader::from_path(content().join("exchange/builds-more.csv")).unwrap();
    for row in more.deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        let full = format!("{} {} {}", title(&row["product"]), row["cumulative"], row["security"]);
        let earlier = expected.insert(row["build"].clone(), full.trim().to_owned());
        assert_eq!(earlier, None, "{} is in Microsoft's table", row["build"]);
        assert!(row["date"].len() == 10 && row["source"].contains("version of"), "{row:?}");
    }
    for (build, name) in expected {
        let exposure = of(&knowledge, &build);
        assert_eq!((exposure.name.as_str(), exposure.listed), (name.as_str(), true), "{build}");
        assert_eq!(exposure.chains.len(), CHAINS.len(), "{build}");
    }
}

#[test]
fn the_march_hotfix_on_an_old_cumulative_update_closes_march_only() {
    let knowledge = knowledge();
    let state = |build: &str, hole: &str| {
        of(&knowledge, build).holes.into_iter().find(|h| h.id == hole).unwrap()
    };
    // The four holes of the chain, and not the others that the same update closes elsewhere.
    for (hole, old, supported) in [
        ("CVE-2021-26855", HoleState::Fixed, HoleState::Fixed),
        ("CVE-2021-27065", HoleState::Fixed, HoleState::Fixed),
        ("CVE-2021-26412", HoleState::Open, HoleState::Fixed),
        ("CVE-2020-17132", HoleState::Unknown, HoleState::Fixed),
        ("CVE-2021-34473", HoleState::Open, HoleState::Open),
    ] {
        assert_eq!(state("15.1.2044.13", hole).state, old, "{hole} on CU17");
        assert_eq!(state("15.1.2106.13", hole).state, supported, "{hole} on CU18");
    }
    let why = state("15.1.2044.13", "CVE-2020-17132").why;
    assert!(why.contains("only if Dec20SU was installed too"), "{why}");
}

#[test]
fn dates_have_sources_and_what_nobody_read_is_marked() {
    let knowledge = knowledge();
    let exposure = of(&knowledge, "15.1.2106.2");
    let chain = |id: &str| exposure.chains.iter().find(|c| c.id == id).unwrap();
    for (id, exploited, precision, disclosed, fixed) in [
        ("proxylogon", "2021-01-03", "day", "2021-03-02", "2021-03-02"),
        ("proxyshell", "2021-07-20", "approx", "2021-07-13", "2021-04-13"),
        ("proxynotshell", "2022-08", "month", "2022-09-28", "2022-11-08"),
        ("owassrf", "2022-11-17", "day", "2022-11-08", "2022-11-08"),
        ("cve_2026_42897", "2026-05-14", "approx", "2026-05-14", "2026-06-09"),
    ] {
        let chain = chain(id);
        let used = chain.exploited.as_ref().unwrap();
        assert_eq!((used.date.as_str(), used.precision.as_str()), (exploited, precision), "{id}");
        assert_eq!(chain.disclosed.as_ref().unwrap().date, disclosed, "{id}");
        assert_eq!(chain.fixed.as_ref().unwrap().date, fixed, "{id}");
        assert!(used.verified && !used.source.is_empty(), "{id}");
    }
    let hole = exposure.holes.iter().find(|h| h.id == "CVE-2021-26855").unwrap();
    assert!(hole.dates.iter().any(|d| !d.verified), "a remembered date is kept and marked");
    assert!(exposure.holes.iter().all(|h| h.closed_by.iter().all(|c| !c.source.is_empty())));
    for hole in &exposure.holes {
        let dated = hole.dates.iter().any(|d| d.kind == "disclosed");
        assert!(dated || hole.id.starts_with("ADV"), "{} was published some day", hole.id);
    }
}

#[test]
fn the_update_that_closes_most_is_named() {
    let knowledge = knowledge();
    let names = |build: &str| -> Vec<String> {
        of(&knowledge, build).updates.into_iter().map(|u| u.name).collect()
    };
    assert_eq!(
        names("15.1.2106.2"),
        ["Exchange Server 2016 CU18 Mar21SU", "Exchange Server 2016 CU23 Aug26SU"]
    );
    assert_eq!(
        names("15.2.1544.4"),
        [
            "Exchange Server 2019 CU14 Aug26SU",
            "Exchange Server 2019 CU15 Aug26SU",
            "Exchange Server Subscription Edition RTM Aug26SU"
        ]
    );
    assert_eq!(names("15.1.2507.72"), Vec::<String>::new());
    let old = of(&knowledge, "15.1.2106.2");
    assert_eq!(old.updates[0].closes_chains, ["ProxyLogon"]);
    assert_eq!(old.updates[1].leaves_open, 0);
}

#[test]
fn a_representative_says_the_same() {
    let knowledge = knowledge();
    let mut reader = csv::Reader::from_reader(&include_bytes!("expected.csv")[..]);
    let listed =
        reader.deserialize::<BTreeMap<String, String>>().map(|row| row.unwrap()["build"].clone());
    let more = [
        "15.1.2106.1",
        "15.1.2106.7",
        "15.1.2106.999",
        "15.1.9.9",
        "15.2.2562.99",
        "14.3.600.1",
        "14.2.9.9",
    ];
    for text in listed.chain(more.map(str::to_owned)) {
        let stated = StatedBuild::parse(&text).unwrap();
        let other = representative(&knowledge, stated);
        assert_eq!(representative(&knowledge, other), other, "{text}");
        let (one, mut two) =
            (exposure_of_build(&knowledge, stated), exposure_of_build(&knowledge, other));
        two.build.clone_from(&one.build);
        assert!(one == two, "{text} and {other}");
    }
    let stated = |text: &str| representative(&knowledge, StatedBuild::parse(text).unwrap());
    assert_eq!(stated("15.1.2106.500"), stated("15.1.2106.14"));
    assert_ne!(stated("15.1.2106.13"), stated("15.1.2106.14"));
}
