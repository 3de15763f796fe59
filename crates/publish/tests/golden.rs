//! Every document of every case of the tests, byte for byte. `UPDATE=1 cargo test` rewrites them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::{Path, PathBuf};

use assay_publish::{Style, case_json, overview, report_html, schema_json, terminal, timeline_csv};
use model::case::Case;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn check(path: &str, got: &[u8]) {
    let path = here(path);
    if std::env::var_os("UPDATE").is_some() {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, got).unwrap();
        return;
    }
    let want = fs_err::read(&path).unwrap_or_else(|error| panic!("{error}: run with UPDATE=1"));
    assert!(got == want, "{} differs: look at the change, then UPDATE=1", path.display());
}

fn style(width: usize) -> Style {
    Style { color: false, width, unicode: true }
}

fn check_case(name: &str, case: &Case) {
    check(&format!("tests/golden/{name}.json"), &case_json(case));
    check(&format!("tests/golden/{name}.html"), report_html(case).as_bytes());
    check(&format!("tests/golden/{name}.csv"), &timeline_csv(case));
    check(&format!("tests/golden/{name}.80.txt"), terminal(case, style(80)).as_bytes());
    check(&format!("tests/golden/{name}.120.txt"), terminal(case, style(120)).as_bytes());
}

#[test]
fn compromised_over_weeks() {
    check_case("compromised", &support::compromised());
}

#[test]
fn compromised_within_seconds() {
    check_case("seconds", &support::seconds());
}

#[test]
fn insufficient() {
    check_case("insufficient", &support::insufficient());
}

#[test]
fn quiet() {
    check_case("quiet", &support::quiet());
}

#[test]
fn several_hosts() {
    let cases = [support::compromised(), support::insufficient(), support::quiet()];
    let cases: Vec<&Case> = cases.iter().collect();
    check("tests/golden/overview.txt", overview(&cases, style(100)).as_bytes());
}

#[test]
fn schema() {
    check("schema/case-1.schema.json", schema_json().as_bytes());
}
