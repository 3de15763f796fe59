//! The laws of a case, over forged evidence: taking sources away, cutting time, damaging files.
//!
//! All cases of one law are compared at one `as_of`, that of the whole evidence.

use std::collections::BTreeMap;
use std::sync::Mutex;

use forge::{Damage, Moment, Scenario, Selection, Source};
use model::Time;
use model::case::{Case, Level, Presence};
use proptest::prelude::*;

use crate::support::{forged_case, scenario};

const SCENARIOS: [&str; 7] =
    ["quiet", "scanned", "attempted", "compromised", "mailbox_read", "shell_removed", "wiped"];

/// A scenario, its case from all of the evidence, and the moment of that case.
fn whole(name: &str) -> (Scenario, Case, Option<Time>) {
    static CASES: Mutex<BTreeMap<String, Case>> = Mutex::new(BTreeMap::new());
    let scenario = scenario(name);
    let mut cases = CASES.lock().unwrap();
    let case = cases.entry(name.to_owned()).or_insert_with(|| forged_case(&scenario, None)).clone();
    let as_of = case.as_of.time;
    (scenario, case, as_of)
}

fn interval(case: &Case) -> (Level, Level) {
    (case.verdict.compromise.shown, case.verdict.compromise.not_excluded)
}

fn check_less(name: &str, what: &str, all: &Case, less: &Case) {
    let ((shown, ceiling), (less_shown, less_ceiling)) = (interval(all), interval(less));
    assert!(less_shown <= shown, "{name} without {what}: shown {shown:?} -> {less_shown:?}");
    assert!(less_ceiling >= less_shown, "{name} without {what}: ceiling below floor");
    let found_in_it = less_shown < shown;
    assert!(
        less_ceiling >= ceiling || found_in_it,
        "{name} without {what}: not excluded {ceiling:?} -> {less_ceiling:?}"
    );
    let definite = |p: Presence| matches!(p, Presence::Removed | Presence::NotApplicable);
    if !definite(all.verdict.presence) {
        assert!(
            !definite(less.verdict.presence),
            "{name} without {what}: presence {:?} -> {:?}",
            all.verdict.presence,
            less.verdict.presence
        );
    }
    assert!(!less.verdict.green || all.verdict.green, "{name} without {what}: turned green");
}

#[test]
fn taking_a_source_away_never_says_more() {
    for name in SCENARIOS {
        let (scenario, all, as_of) = whole(name);
        for source in scenario.kept_sources() {
            let dropped = scenario.with(Damage::DropSource { sources: Selection::one(source) });
            check_less(name, &format!("{source:?}"), &all, &forged_case(&dropped, as_of));
        }
    }
}

#[test]
fn the_fewest_sources_leave_the_most_open() {
    for name in SCENARIOS {
        let (scenario, all, as_of) = whole(name);
        let kept = Source::IisBack;
        let others = scenario.kept_sources().into_iter().filter(|s| *s != kept);
        let alone = others.fold(scenario.clone(), |scenario, source| {
            scenario.with(Damage::DropSource { sources: Selection::one(source) })
        });
        let case = forged_case(&alone, as_of);
        check_less(name, "all but the back end", &all, &case);
        assert_eq!(interval(&case), (Level::None, Level::Compromised), "{name}");
    }
}

/// A hole in time, or files cut short, anywhere in the evidence.
fn damage() -> impl Strategy<Value = Damage> {
    let sources = prop::sample::select(Source::all()).prop_map(Selection::one);
    let hours = (0_i64..17 * 24, 1_i64..100);
    let moment = |hour: i64| Moment::from_millis((FORGED_FROM_S + hour * 3_600) * 1_000);
    let hole = (sources.clone(), hours).prop_map(move |(sources, (from, length))| {
        Damage::DropHours { sources, from: moment(from), to: moment(from + length) }
    });
    let start = (sources.clone(), 0_i64..17 * 24)
        .prop_map(move |(sources, at)| Damage::CutBefore { sources, time: moment(at) });
    let end = (sources, 0_i64..17 * 24)
        .prop_map(move |(sources, at)| Damage::CutAfter { sources, time: moment(at) });
    let files = ["W3SVC1", "HttpProxy/Ecp", "HttpProxy/Owa", "ECPServer", "Sysmon", "Security"];
    let short =
        (prop::sample::select(files.to_vec()), 1_u8..100).prop_map(|(file, keep_percent)| {
            Damage::TruncateFile { file: file.to_owned(), keep_percent }
        });
    prop_oneof![hole, start, end, short]
}

/// 2021-02-24, when the forged servers were installed, in seconds since 1970.
const FORGED_FROM_S: i64 = 1_614_124_800;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holes_and_damage_never_say_more(at in 0..SCENARIOS.len(), damages in prop::collection::vec(damage(), 1..3)) {
        let name = SCENARIOS[at];
        let (scenario, all, as_of) = whole(name);
        let less = damages.iter().fold(scenario, |scenario, damage| scenario.with(damage.clone()));
        check_less(name, &format!("{damages:?}"), &all, &forged_case(&less, as_of));
    }
}
