//! The same evidence and content give the same bytes.

use model::case::Case;

use crate::support::{forged, run, scenario, scratch};

fn bytes(cases: &[Case]) -> Vec<(Vec<u8>, String, Vec<u8>)> {
    cases
        .iter()
        .map(|c| (publish::case_json(c), publish::report_html(c), publish::timeline_csv(c)))
        .collect()
}

#[test]
fn at_any_number_of_threads_and_in_any_order_of_inputs() {
    let folder = scratch();
    let one = forged(&scenario("compromised"), &folder.path().join("one"));
    let two = forged(&scenario("table_only"), &folder.path().join("two"));
    let first = bytes(&run(&[one.clone(), two.clone()], 1, None, None));
    assert_eq!(first.len(), 2);
    assert!(first == bytes(&run(&[one.clone(), two.clone()], 2, None, None)), "2 threads");
    assert!(first == bytes(&run(&[one.clone(), two.clone()], 7, None, None)), "7 threads");
    assert!(first == bytes(&run(&[two.clone(), one.clone()], 4, None, None)), "other order");
    assert!(
        first == bytes(&run(&[two.clone(), one.clone(), one.join("EX01"), two], 3, None, None)),
        "the same evidence twice"
    );
}
