//! What the whole runs share.

use std::path::{Path, PathBuf};

use assay_investigate::{Content, ReadOptions, Request, SourceFile, investigate};
use model::Time;
use model::case::{Case, Claim};

use crate::hits::read_options;

/// Runs on paths, as `assay assess` would.
pub(crate) fn cases(inputs: &[PathBuf]) -> Vec<Case> {
    run(inputs, 2, None, None)
}

pub(crate) fn run(
    inputs: &[PathBuf],
    threads: usize,
    as_of: Option<Time>,
    host: Option<&str>,
) -> Vec<Case> {
    judged(inputs, threads, (as_of, host), [&[], &[]])
}

/// Runs with rules of a user.
pub(crate) fn run_with_rules(
    inputs: &[PathBuf],
    threads: usize,
    rules: &[SourceFile],
) -> Vec<Case> {
    judged(inputs, threads, (None, None), [rules, &[]])
}

/// Runs with a user's rules, and with tuning of them.
pub(crate) fn judged(
    inputs: &[PathBuf],
    threads: usize,
    (as_of, host): (Option<Time>, Option<&str>),
    [rules, tuning]: [&[SourceFile]; 2],
) -> Vec<Case> {
    let request = &Request {
        inputs,
        read: ReadOptions { threads, ..read_options() },
        content: &Content::embedded().unwrap(),
        rules,
        tuning,
        as_of,
        host: host.map(str::to_owned),
    };
    investigate(request).unwrap().cases
}

/// A folder for evidence, in memory where the system has such a place: thousands of small files come and go.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Forges a scenario into a folder and gives the folder of the evidence.
pub(crate) fn forged(scenario: &forge::Scenario, folder: &Path) -> PathBuf {
    forge::write_to_folder(scenario, folder).unwrap();
    folder.join("evidence")
}

pub(crate) fn scenario(name: &str) -> forge::Scenario {
    forge::Scenario::parse(forge::builtin(name).unwrap()).unwrap()
}

/// The one case of a forged scenario.
pub(crate) fn forged_case(scenario: &forge::Scenario, as_of: Option<Time>) -> Case {
    let folder = scratch();
    let evidence = forged(scenario, folder.path());
    let mut cases = run(&[evidence], 2, as_of, None);
    assert_eq!(cases.len(), 1, "one host");
    cases.remove(0)
}

pub(crate) fn claim<'c>(case: &'c Case, statement: &str) -> Option<&'c Claim> {
    case.claims.iter().find(|c| c.statement == statement)
}

/// A path of the corpus; says loudly when it is not there.
pub(crate) fn corpus(path: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests take the corpus from the environment")]
    let root = std::env::var("ASSAY_CORPUS").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let found = root.join(path);
    if !found.exists() {
        println!("\n*** NOT RUN: no corpus at {} (set ASSAY_CORPUS) ***\n", found.display());
        return None;
    }
    Some(found)
}
