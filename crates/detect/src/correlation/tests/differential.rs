//! The sliding windows against the plainest reading of what a correlation judges, and the same bytes in any order.

#![expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "all numbers are small and exact"
)]

use proptest::prelude::*;

use super::{Bench, Sample, correlation};
use crate::correlation::entry::{Entry, Part};
use crate::correlation::group::Group;
use crate::correlation::sort::{Row, Sorter};

const TIMESPAN: i64 = 10;

/// Times, event ids and a number, all small, so that windows meet and part.
fn samples() -> impl Strategy<Value = Vec<(i64, u32, i64)>> {
    prop::collection::vec((0_i64..40, 1_u32..4, 0_i64..6), 0..14)
}

/// The measures of a set of events, each worked out from scratch.
fn measure(kind: &str, events: &[(i64, u32, i64)]) -> f64 {
    let mut numbers: Vec<i64> = events.iter().map(|e| e.2).collect();
    numbers.sort_unstable();
    let count = events.len() as f64;
    let distinct = |mut list: Vec<i64>| {
        list.sort_unstable();
        list.dedup();
        list.len() as f64
    };
    match kind {
        "event_count" => count,
        "value_count" => distinct(numbers),
        "value_sum" => numbers.iter().sum::<i64>() as f64,
        "value_avg" => (numbers.iter().sum::<i64>() as f64 / count * 1e6).floor() / 1e6,
        "value_median" => {
            (numbers[(numbers.len() - 1) / 2] + numbers[numbers.len() / 2]) as f64 / 2.0
        }
        "temporal" => distinct(events.iter().map(|e| i64::from(e.1)).collect()),
        other => panic!("{other}"),
    }
}

/// Times of the events in any window that satisfies: every run of events that fits into the timespan.
fn plain(kind: &str, op: &str, number: f64, events: &[(i64, u32, i64)]) -> Vec<i64> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|e| e.0);
    let fits = |from: usize, to: usize| sorted[to].0 - sorted[from].0 <= TIMESPAN;
    let mut told = vec![false; sorted.len()];
    for from in 0..sorted.len() {
        for to in from..sorted.len() {
            let grows =
                (from > 0 && fits(from - 1, to)) || (to + 1 < sorted.len() && fits(from, to + 1));
            if !fits(from, to) || grows {
                continue;
            }
            let value = measure(kind, &sorted[from..=to]);
            let holds = match op {
                "gt" => value > number,
                "gte" => value >= number,
                "lt" => value < number,
                "lte" => value <= number,
                "eq" => value == number,
                _ => value != number,
            };
            if holds {
                told[from..=to].fill(true);
            }
        }
    }
    sorted.iter().zip(told).filter(|(_, told)| *told).map(|(e, _)| e.0).collect()
}

fn text_of(samples: &[(i64, u32, i64)]) -> Vec<(f64, u32, String)> {
    samples.iter().map(|(t, id, n)| (*t as f64, *id, format!("User=a N={n}"))).collect()
}

fn times(told: &[String]) -> Vec<i64> {
    told.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn tells_what_the_plain_reading_tells(
        events in samples(),
        kind in prop::sample::select(vec!["event_count", "value_count", "value_sum", "value_avg", "value_median", "temporal"]),
        op in prop::sample::select(vec!["gt", "gte", "lt", "lte", "eq", "neq"]),
        number in 0_i64..8,
        order in any::<u64>(),
    ) {
        let field = if kind.starts_with("value") { "field: N, " } else { "" };
        let rules = if kind == "temporal" { "[one, two, three]" } else { "[any_of_them]" };
        let body = format!("{{type: {kind}, rules: {rules}, group-by: [User], timespan: {TIMESPAN}s, \
            condition: {{{field}{op}: {number}}}}}");
        let bench = Bench::new(&correlation("c", &body));
        let texts = text_of(&events);
        let samples: Vec<Sample<'_>> = texts.iter().map(|(t, id, text)| (*t, *id, text.as_str())).collect();
        let told = bench.told(&samples);
        prop_assert_eq!(times(&told), plain(kind, op, number as f64, &events));
        let mut shuffled: Vec<usize> = (0..samples.len()).collect();
        shuffled.sort_by_key(|n| (*n as u64 ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(bench.told_in(&samples, &shuffled), told);
    }

    #[test]
    fn an_order_is_there_if_any_choice_of_events_has_it(events in samples()) {
        let body = format!("{{type: temporal_ordered, rules: [one, two, three], group-by: [User], timespan: {TIMESPAN}s}}");
        let bench = Bench::new(&correlation("c", &body));
        let texts = text_of(&events);
        let samples: Vec<Sample<'_>> = texts.iter().map(|(t, id, text)| (*t, *id, text.as_str())).collect();
        let of = |id: u32| events.iter().filter(move |e| e.1 == id).map(|e| e.0);
        let any = of(1).any(|a| of(2).any(|b| of(3).any(|c| a <= b && b <= c && c - a <= TIMESPAN)));
        prop_assert_eq!(!bench.told(&samples).is_empty(), any);
    }

    #[test]
    fn runs_on_disk_come_back_in_order(rows in prop::collection::vec((any::<u128>(), any::<i64>(), any::<u64>()), 0..200)) {
        let folder = std::env::temp_dir();
        let mut sorter = Sorter::with_runs_of(&folder, 7);
        let mut group = Group::with_memory_for(&folder, 3);
        let mut expected = Vec::new();
        for (group_key, time, payload) in rows {
            let entry = Entry { group: group_key, time, payload, event: (7, payload), path: [3; 8], value: group_key, ..Entry::default() };
            sorter.push(entry).unwrap();
            expected.push(entry);
        }
        expected.sort_unstable();
        let mut sorted = sorter.sorted().unwrap();
        for entry in &expected {
            prop_assert_eq!(sorted.next().unwrap(), Some(*entry));
            group.push(*entry).unwrap();
        }
        prop_assert_eq!(sorted.next().unwrap(), None);
        let (mut one, mut two) = (group.cursor(), group.cursor());
        two.skip_to(expected.len() as u64 / 2);
        for (number, entry) in expected.iter().enumerate() {
            prop_assert_eq!(one.peek().unwrap(), Some(*entry));
            one.advance();
            prop_assert_eq!(two.peek().unwrap(), expected.get(expected.len() / 2 + number).copied());
            two.advance();
        }
    }
}

#[test]
fn rows_are_as_long_as_they_say() {
    let mut bytes = Vec::new();
    Entry::default().write(&mut bytes);
    assert_eq!(bytes.len(), Entry::SIZE);
    bytes.clear();
    Part::default().write(&mut bytes);
    assert_eq!(bytes.len(), Part::SIZE);
    assert_eq!(Part::read(&bytes), Some(Part::default()));
}
