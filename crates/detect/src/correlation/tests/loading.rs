//! What is loaded, refused and silent.

use model::case::{Engine as EngineName, Severity};

use super::{BASE, correlation, event, load};
use crate::correlation::resolve::MAX_CHAIN;
use crate::sigma::{Mapping, Plain};
use crate::{RuleIndex, SourceFile, testing};

const GOOD: &str =
    "{type: event_count, rules: [one], group-by: [User], timespan: 1m, condition: {gte: 2}}";

#[test]
fn says_what_is_wrong_and_where() {
    let cases = [
        (GOOD.replace("event_count", "event_cuont"), "unknown type `event_cuont`: `event_count` is meant?"),
        (GOOD.replace("timespan", "timespam"), "unknown key `timespam`: `timespan` is meant?"),
        (GOOD.replace("timespan: 1m, ", ""), "`timespan` is missing"),
        (GOOD.replace("1m", "1 minute"), "a number and s, m, h or d"),
        (GOOD.replace("1m", "1M"), "months and years"),
        (GOOD.replace("1m", "0s"), "from 1 s"),
        (GOOD.replace("1m", "99999999999999999999d"), "from 1 s"),
        (GOOD.replace("gte: 2", "gte: many"), "wants a number"),
        (GOOD.replace("gte: 2", "gtee: 2"), "unknown comparison `gtee`"),
        (GOOD.replace("{gte: 2}", "{}"), "compares with nothing"),
        (GOOD.replace("{gte: 2}", "{field: User, gte: 2}"), "takes no `field`"),
        (GOOD.replace("event_count", "value_count"), "needs a `field`"),
        (GOOD.replace("[one]", "[onee]"), "refers to `onee`, and no rule that was loaded has that id or name; `one` is meant?"),
        (GOOD.replace("[one]", "[one, one]"), "stands twice"),
        (GOOD.replace("[one]", "[]"), "wants 1 to 100 names"),
        (GOOD.replace("[one]", "[c]"), "refers to `c`, and no rule"),
        (GOOD.replace("condition", "aliases: {a: {two: User}}, condition"), "an alias for `two`, to which it does not refer"),
        ("{type: value_sum, rules: [one], timespan: 1m, condition: {field: [A, B], gt: 1}}".to_owned(), "takes one `field`"),
        ("{type: value_percentile, rules: [one], timespan: 1m, condition: {field: A, percentile: 101, gt: 1}}".to_owned(), "0 to 100"),
        ("{type: temporal, rules: [one, two], timespan: 1m, condition: one and tow}".to_owned(), "there is no selection `tow`"),
        ("{type: temporal_ordered, rules: [one, two], timespan: 1m, condition: {gte: 1}}".to_owned(), "all of its rules"),
    ];
    for (body, reason) in cases {
        let (_, _, report) = load(&format!("{BASE}{}", correlation("c", &body)));
        assert_eq!(report.loaded, 4, "{body}");
        let [refused] = report.refused.as_slice() else { panic!("{body}: {:?}", report.refused) };
        assert!(refused.reason.contains(reason), "{body}: {}", refused.reason);
        assert_eq!(refused.line, 28, "{body}");
    }
}

#[test]
fn circles_and_towers_are_refused() {
    let refers =
        |name: &str, to: &str| correlation(name, &GOOD.replace("[one]", &format!("[{to}]")));
    let (_, _, report) = load(&format!("{BASE}{}{}", refers("a", "b"), refers("b", "a")));
    assert_eq!((report.loaded, report.refused.len()), (4, 2));
    let mut tower = refers("c0", "one");
    for floor in 1..=MAX_CHAIN {
        tower += &refers(&format!("c{floor}"), &format!("c{}", floor - 1));
    }
    let (_, _, report) = load(&format!("{BASE}{tower}"));
    assert_eq!((report.loaded, report.refused.len()), (4 + MAX_CHAIN as u64, 1));
    assert!(report.refused[0].reason.contains("upon each other"));
}

#[test]
fn ways_that_multiply_are_refused() {
    let floor = |number: usize| (0..20).map(move |room| format!("c{number}x{room}"));
    let mut tower = String::new();
    for number in 0..4 {
        let below: Vec<String> =
            if number == 0 { vec!["one".to_owned()] } else { floor(number - 1).collect() };
        let body = GOOD.replace("[one]", &format!("[{}]", below.join(", ")));
        tower.extend(floor(number).map(|name| correlation(&name, &body)));
    }
    let (_, _, report) = load(&format!("{BASE}{tower}"));
    assert_eq!((report.loaded, report.refused.len()), (4 + 60, 20), "20 * 20 ways, not 8,000");
    assert!(report.refused[0].reason.contains("rests on more than"));
}

#[test]
fn a_name_that_two_rules_have_is_refused() {
    let twice = "---\ntitle: T\nname: one\nlogsource: {product: windows}\ndetection: {s: {A: b}, condition: s}\n";
    let (_, _, report) = load(&format!("{BASE}{twice}{}", correlation("c", GOOD)));
    assert!(report.refused[0].reason.contains("2 rules have that name"), "{:?}", report.refused);
}

#[test]
fn an_id_need_not_be_a_uuid_to_be_referred_to() {
    let rule = "---\ntitle: F\nid: FW-17.a\nlogsource: {product: windows}\ndetection: {s: {A: b}, condition: s}\n";
    let body = GOOD.replace("[one]", "[fw-17.A]");
    let (_, _, report) = load(&format!("{BASE}{rule}{}", correlation("c", &body)));
    assert_eq!(report.refused, []);
    let odd = rule.replace("FW-17.a", "a <b>");
    let body = GOOD.replace("[one]", "['a <b>']");
    let (_, _, report) = load(&format!("{BASE}{odd}{}", correlation("c", &body)));
    assert_eq!(report.refused.len(), 1, "such an id is not taken: it would have to be shown");
}

#[test]
fn a_document_of_two_kinds_is_neither() {
    let both = "title: T\ncorrelation: {type: event_count}\nlogsource: {product: windows}\n\
        detection: {s: {A: x}, condition: s}\n";
    let (_, _, report) = load(both);
    assert_eq!((report.loaded, report.refused.len()), (0, 1));
    assert!(report.refused[0].reason.contains("either"), "{:?}", report.refused);
    let mut plain = Plain::new(Mapping::parse(&testing::content_files()).unwrap());
    plain.add(&[SourceFile { name: "t.yml".to_owned(), bytes: both.as_bytes().to_vec() }]);
    assert!(plain.fired(&event(1, "A=x")).is_empty());
}

#[test]
fn what_it_says_of_itself() {
    let (_, metas, _) =
        load(&format!("{BASE}{}", correlation("c", &GOOD.replace("[one]", "[one, two]"))));
    let meta = &metas[4];
    assert_eq!(meta.rule.engine, EngineName::Correlation);
    assert_eq!(meta.level, Severity::High, "the highest of its rules where it states none");
    let stated = correlation("c", GOOD) + "level: critical\n";
    assert_eq!(load(&format!("{BASE}{stated}")).1[4].level, Severity::Critical);
}

#[test]
fn its_rules_are_silent_unless_it_says_generate() {
    let silent = |text: &str| -> Vec<bool> {
        let (engine, metas, report) = load(&format!("{BASE}{text}"));
        assert_eq!(report.refused, [], "{text}");
        let rules = 0..u32::try_from(metas.len()).unwrap();
        rules.map(|rule| engine.correlations().is_silent(RuleIndex(rule))).collect()
    };
    assert_eq!(silent(&correlation("c", GOOD)), [true, false, false, false, false]);
    let inside = GOOD.replace("condition", "generate: true, condition");
    assert_eq!(silent(&correlation("c", &inside)), [false; 5]);
    assert_eq!(silent(&(correlation("c", GOOD) + "generate: true\n")), [false; 5]);
    let outer = GOOD.replace("[one]", "[c]");
    let both = correlation("d", &outer) + &correlation("c", GOOD);
    assert_eq!(silent(&both), [true, false, false, false, true, false]);
    let refused = GOOD.replace("gte: 2", "gte: many");
    let (engine, ..) = load(&format!("{BASE}{}", correlation("c", &refused)));
    assert!(!engine.correlations().is_silent(RuleIndex(0)), "what is refused silences nothing");
}

#[test]
fn a_correlation_that_can_never_fire_is_idle() {
    let foreign = "---\ntitle: F\nname: foreign\nlogsource: {product: no-such}\ndetection: {s: {A: b}, condition: s}\n";
    let idle =
        |body: &str| load(&format!("{BASE}{foreign}{}", correlation("c", body))).2.idle.len();
    assert_eq!(idle("{type: temporal, rules: [one, foreign], timespan: 1m}"), 2);
    assert_eq!(idle("{type: temporal, rules: [one, two], timespan: 1m}"), 1);
    assert_eq!(idle(&GOOD.replace("[one]", "[one, foreign]")), 1);
    assert_eq!(idle(&GOOD.replace("[one]", "[foreign]")), 2);
}
