//! What each type makes of events at, within and beyond the edges of its windows.

use super::{Bench, Sample, correlation};

/// Correlation, events, and what is told: names are left out.
type Case = (&'static str, &'static [Sample<'static>], &'static [&'static str]);

const ANY: &str = "rules: [any_of_them], group-by: [User], timespan: 10s";

const CASES: &[Case] = &[
    // event_count: both ends of the window are in it.
    (
        "type: event_count, condition: {gte: 3}",
        &[(0.0, 1, "User=a"), (5.0, 1, "User=a"), (10.0, 1, "User=a")],
        &["0 3 User=a", "5 3 User=a", "10 3 User=a"],
    ),
    (
        "type: event_count, condition: {gte: 3}",
        &[(0.0, 1, "User=a"), (5.0, 1, "User=a"), (10.001, 1, "User=a")],
        &[],
    ),
    (
        "type: event_count, condition: {gt: 3}",
        &[(0.0, 1, "User=a"), (5.0, 1, "User=a"), (10.0, 1, "User=a")],
        &[],
    ),
    // Not cut at hours; groups apart; values without case.
    (
        "type: event_count, condition: {gte: 2}",
        &[(3599.0, 1, "User=a"), (3601.0, 1, "User=A"), (3600.0, 1, "User=b")],
        &["3599 2 User=a", "3601 2 User=A"],
    ),
    // An event without the field is in no group.
    ("type: event_count, condition: {gte: 2}", &[(0.0, 1, "Other=a"), (1.0, 1, "Other=a")], &[]),
    // Overlapping windows are told with the largest count.
    (
        "type: event_count, condition: {gte: 2}",
        &[
            (0.0, 1, "User=a"),
            (9.0, 1, "User=a"),
            (12.0, 1, "User=a"),
            (15.0, 1, "User=a"),
            (40.0, 1, "User=a"),
        ],
        &["0 3 User=a", "9 3 User=a", "12 3 User=a", "15 3 User=a"],
    ),
    // Fewer than: only windows that no event extends.
    (
        "type: event_count, condition: {lt: 3}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=a"), (2.0, 1, "User=a"), (20.0, 1, "User=a")],
        &["20 1 User=a"],
    ),
    (
        "type: event_count, condition: {eq: 2}",
        &[
            (0.0, 1, "User=a"),
            (1.0, 1, "User=a"),
            (2.0, 1, "User=a"),
            (20.0, 1, "User=a"),
            (30.0, 1, "User=a"),
        ],
        &["20 2 User=a", "30 2 User=a"],
    ),
    (
        "type: event_count, condition: {neq: 3}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=a"), (2.0, 1, "User=a"), (20.0, 1, "User=a")],
        &["20 1 User=a"],
    ),
    (
        "type: event_count, condition: {gt: 1, lte: 2}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=a"), (2.0, 1, "User=a")],
        &[],
    ),
    (
        "type: event_count, condition: {gt: 1, lte: 3}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=a"), (2.0, 1, "User=a")],
        &["0 3 User=a", "1 3 User=a", "2 3 User=a"],
    ),
    // value_count: distinct values, events without one do not count.
    (
        "type: value_count, condition: {field: Host, gte: 2}",
        &[(0.0, 1, "User=a Host=x"), (10.0, 1, "User=a Host=y")],
        &["0 2 User=a", "10 2 User=a"],
    ),
    (
        "type: value_count, condition: {field: Host, gte: 2}",
        &[
            (0.0, 1, "User=a Host=x"),
            (5.0, 1, "User=a Host=X"),
            (10.1, 1, "User=a Host=y"),
            (10.2, 1, "User=a"),
        ],
        &["5 2 User=a", "10.1 2 User=a"],
    ),
    (
        "type: value_count, condition: {field: Host, gte: 2}",
        &[(0.0, 1, "User=a Host=x"), (10.001, 1, "User=a Host=y")],
        &[],
    ),
    (
        "type: value_count, condition: {field: [Host, Port], gte: 3}",
        &[
            (0.0, 1, "User=a Host=x Port=1"),
            (1.0, 1, "User=a Host=x Port=2"),
            (2.0, 1, "User=a Host=y Port=1"),
            (2.5, 1, "User=a Host=y"),
        ],
        &["0 3 User=a", "1 3 User=a", "2 3 User=a"],
    ),
    // value_sum, value_avg
    (
        "type: value_sum, condition: {field: Bytes, gt: 100}",
        &[(0.0, 1, "User=a Bytes=60"), (10.0, 1, "User=a Bytes=40.5")],
        &["0 100.5 User=a", "10 100.5 User=a"],
    ),
    (
        "type: value_sum, condition: {field: Bytes, gt: 100}",
        &[(0.0, 1, "User=a Bytes=60"), (10.0, 1, "User=a Bytes=40")],
        &[],
    ),
    (
        "type: value_sum, condition: {field: Bytes, gt: 100}",
        &[
            (0.0, 1, "User=a Bytes=60"),
            (10.001, 1, "User=a Bytes=60"),
            (5.0, 1, "User=a Bytes=many"),
        ],
        &[],
    ),
    (
        "type: value_avg, condition: {field: Bytes, gt: 50}",
        &[(0.0, 1, "User=a Bytes=100"), (1.0, 1, "User=a Bytes=0")],
        &[],
    ),
    (
        "type: value_avg, condition: {field: Bytes, gte: 50}",
        &[(0.0, 1, "User=a Bytes=100"), (10.0, 1, "User=a Bytes=0")],
        &["0 50 User=a", "10 50 User=a"],
    ),
    (
        "type: value_avg, condition: {field: Bytes, gt: 50}",
        &[(0.0, 1, "User=a Bytes=100"), (11.0, 1, "User=a Bytes=0")],
        &["0 100 User=a"],
    ),
    // value_median, value_percentile
    (
        "type: value_median, condition: {field: Bytes, gte: 15}",
        &[(0.0, 1, "User=a Bytes=10"), (1.0, 1, "User=a Bytes=20"), (2.0, 2, "User=b Bytes=14")],
        &["0 15 User=a", "1 15 User=a"],
    ),
    (
        "type: value_percentile, condition: {field: Bytes, percentile: 90, gte: 91}",
        &[(0.0, 1, "User=a Bytes=1"), (1.0, 1, "User=a Bytes=101")],
        &["0 91 User=a", "1 91 User=a"],
    ),
    (
        "type: value_percentile, condition: {field: Bytes, percentile: 90, gt: 91}",
        &[(0.0, 1, "User=a Bytes=1"), (1.0, 1, "User=a Bytes=101")],
        &[],
    ),
    (
        "type: value_percentile, condition: {field: Image, lte: 25}",
        &[
            (0.0, 1, "User=a Image=x"),
            (1.0, 1, "User=a Image=y"),
            (2.0, 1, "User=a Image=x"),
            (3.0, 1, "User=a Image=x"),
        ],
        &["1 25 User=a"],
    ),
    (
        "type: value_percentile, condition: {field: Image, lt: 25}",
        &[
            (0.0, 1, "User=a Image=x"),
            (1.0, 1, "User=a Image=y"),
            (2.0, 1, "User=a Image=x"),
            (3.0, 1, "User=a Image=x"),
        ],
        &[],
    ),
];

#[test]
fn each_type_at_its_edges() {
    for (body, samples, expected) in CASES {
        let bench = Bench::new(&correlation("c", &format!("{{{ANY}, {body}}}")));
        let expected: Vec<String> = expected.iter().map(|line| format!("c {line}")).collect();
        assert_eq!(bench.told(samples), expected, "{body}\n{samples:?}");
    }
}

/// Correlations of several rules.
const SEVERAL: &[Case] = &[
    // temporal: in any order.
    (
        "type: temporal, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 2, "User=a"), (10.0, 1, "User=a")],
        &["0 2 User=a", "10 2 User=a"],
    ),
    (
        "type: temporal, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 2, "User=a"), (10.001, 1, "User=a")],
        &[],
    ),
    (
        "type: temporal, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 2, "User=a"), (1.0, 1, "User=b"), (2.0, 2, "User=a")],
        &[],
    ),
    (
        "type: temporal, rules: [one, two, three], group-by: [User], timespan: 10s, condition: {gte: 2}",
        &[(0.0, 1, "User=a"), (1.0, 3, "User=a")],
        &["0 2 User=a", "1 2 User=a"],
    ),
    (
        "type: temporal, rules: [one, two, three], group-by: [User], timespan: 10s, condition: one and (two or three)",
        &[(0.0, 1, "User=a"), (1.0, 3, "User=a"), (20.0, 2, "User=a"), (21.0, 3, "User=a")],
        &["0 2 User=a", "1 2 User=a"],
    ),
    (
        "type: temporal, rules: [one, two], group-by: [User], timespan: 10s, condition: one and not two",
        &[(0.0, 1, "User=a"), (5.0, 2, "User=a"), (30.0, 1, "User=a")],
        &["30 1 User=a"],
    ),
    // temporal_ordered: one moment passes for being in order.
    (
        "type: temporal_ordered, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 1, "User=a"), (10.0, 2, "User=a")],
        &["0 2 User=a", "10 2 User=a"],
    ),
    (
        "type: temporal_ordered, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 2, "User=a"), (10.0, 1, "User=a")],
        &[],
    ),
    (
        "type: temporal_ordered, rules: [one, two], group-by: [User], timespan: 10s",
        &[(0.0, 1, "User=a"), (10.001, 2, "User=a")],
        &[],
    ),
    (
        "type: temporal_ordered, rules: [one, two], group-by: [User], timespan: 10s",
        &[(5.0, 2, "User=a"), (5.0, 1, "User=a")],
        &["5 2 User=a", "5 2 User=a"],
    ),
    // The latest start counts, and nothing before it is told of.
    (
        "type: temporal_ordered, rules: [one, two, three], group-by: [User], timespan: 10s",
        &[
            (0.0, 1, "User=a"),
            (4.0, 2, "User=a"),
            (6.0, 1, "User=a"),
            (8.0, 2, "User=a"),
            (15.0, 3, "User=a"),
        ],
        &["6 3 User=a", "8 3 User=a", "15 3 User=a"],
    ),
    // An event that two rules match is one event.
    (
        "type: event_count, rules: [one, any_of_them], group-by: [User], timespan: 10s, condition: {gte: 3}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=a")],
        &[],
    ),
    (
        "type: event_count, rules: [one, two], group-by: [User], timespan: 10s, condition: {gte: 2}",
        &[(0.0, 1, "User=a"), (1.0, 2, "User=a")],
        &["0 2 User=a", "1 2 User=a"],
    ),
    // Aliases: another field in each rule.
    (
        "type: temporal, rules: [one, two], group-by: [address], timespan: 10s, aliases: {address: {one: Source, two: Target}}",
        &[
            (0.0, 1, "Source=x Target=y"),
            (1.0, 2, "Source=y Target=x"),
            (2.0, 2, "Source=x Target=z"),
        ],
        &["0 2 address=x", "1 2 address=x"],
    ),
    (
        "type: value_count, rules: [one, two], group-by: [User], timespan: 10s, aliases: {address: {one: Source, two: Target}}, condition: {field: address, gte: 2}",
        &[(0.0, 1, "User=a Source=x"), (1.0, 2, "User=a Target=x"), (2.0, 2, "User=a Target=z")],
        &["0 2 User=a", "1 2 User=a", "2 2 User=a"],
    ),
    // No group: all events together.
    (
        "type: event_count, rules: [one], timespan: 10s, condition: {gte: 2}",
        &[(0.0, 1, "User=a"), (1.0, 1, "User=b")],
        &["0 2", "1 2"],
    ),
];

#[test]
fn correlations_of_several_rules() {
    for (body, samples, expected) in SEVERAL {
        let bench = Bench::new(&correlation("c", &format!("{{{body}}}")));
        let expected: Vec<String> = expected.iter().map(|line| format!("c {line}")).collect();
        assert_eq!(bench.told(samples), expected, "{body}\n{samples:?}");
    }
}

#[test]
fn a_correlation_of_a_correlation_takes_the_event_with_which_it_fires() {
    let many =
        "{type: event_count, rules: [one], group-by: [Host], timespan: 10s, condition: {gte: 3}}";
    let then = "{type: temporal_ordered, rules: [many, two], group-by: [User], timespan: 60s}";
    let bench = Bench::new(&(correlation("then", then) + &correlation("many", many)));
    let failed = |at: f64| (at, 1, "User=a Host=h");
    let samples = [
        failed(0.0),
        failed(1.0),
        failed(2.0),
        failed(3.0),
        (40.0, 2, "User=a"),
        (90.0, 2, "User=a"),
    ];
    assert_eq!(bench.told(&samples), ["then 3 2 User=a", "then 40 2 User=a"]);
    // Before the third failure there is nothing that the success could follow.
    let samples = [failed(0.0), failed(1.0), (1.5, 2, "User=a"), failed(2.0)];
    assert!(bench.told(&samples).is_empty());
    // The outer one groups by its own field alone.
    let samples = [
        failed(0.0),
        failed(1.0),
        (2.0, 1, "User=b Host=h"),
        (3.0, 2, "User=a"),
        (4.0, 2, "User=b"),
    ];
    assert_eq!(bench.told(&samples), ["then 2 2 User=b", "then 4 2 User=b"]);
}

#[test]
fn an_alias_of_an_inner_correlation_is_a_field_of_it() {
    let inner = "{type: event_count, rules: [one, two], group-by: [who], timespan: 10s, \
        aliases: {who: {one: User, two: Account}}, condition: {gte: 2}}";
    let outer = "{type: value_count, rules: [inner], group-by: [], timespan: 1h, \
        condition: {field: who, gte: 2}}"
        .replace("group-by: [], ", "");
    let bench = Bench::new(&(correlation("inner", inner) + &correlation("outer", &outer)));
    let pair = |at: f64, one: &'static str, two: &'static str| [(at, 1, one), (at + 1.0, 2, two)];
    let samples = [pair(0.0, "User=a", "Account=a"), pair(100.0, "User=b", "Account=b")].concat();
    assert_eq!(bench.told(&samples), ["outer 1 2", "outer 101 2"]);
    let samples = [pair(0.0, "User=a", "Account=a"), pair(100.0, "User=a", "Account=a")].concat();
    assert!(bench.told(&samples).is_empty());
}
