//! All checks in the order in which they fail fastest, with the minutes that each took.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{demo, tidy};

/// Runs everything. The minutes come before the tests, so that the test runner's own summary is the last word.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut ci = Ci { root, minutes: Vec::new() };
    ci.cargo("fmt", &["fmt", "--all", "--check"])?;
    ci.step("tidy", || tidy::run(root))?;
    ci.cargo("build of the program", &["build", "--locked", "-p", "assay-cli"])?;
    ci.step("demo", || demo::run(root, demo::Readme::Compare))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    ci.cargo("clippy", &lints)?;
    let docs = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    ci.step("docs", || call(cargo(root, &docs).env("RUSTDOCFLAGS", "-D warnings")))?;
    ci.cargo("doctests", &["test", "--workspace", "--doc", "--locked", "--quiet"])?;
    let fuzz = ["check", "--manifest-path", "fuzz/Cargo.toml", "--locked", "--quiet"];
    ci.cargo("fuzz targets", &fuzz)?;
    let runner: &[&str] =
        if has_nextest(root) { &["nextest", "run"] } else { &["test", "--all-targets"] };
    let tests = [runner, &["--workspace", "--locked"]].concat();
    ci.cargo("build of the tests", &[&tests[..], &["--no-run"]].concat())?;
    println!("\nminutes: {}; the tests say their own", ci.minutes.join(", "));
    ci.cargo("tests", &tests)
}

/// What has been done so far.
struct Ci<'r> {
    root: &'r Path,
    minutes: Vec<String>,
}

impl Ci<'_> {
    fn cargo(&mut self, name: &str, args: &[&str]) -> Result<(), String> {
        let mut command = cargo(self.root, args);
        self.step(name, || call(&mut command))
    }

    fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        println!("\n=== {name}");
        let started = Instant::now();
        work().map_err(|reason| format!("{name}: {reason}"))?;
        self.minutes.push(format!("{name} {:.1}", started.elapsed().as_secs_f64() / 60.0));
        Ok(())
    }
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(root);
    command
}

fn call(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| e.to_string())?;
    status.success().then_some(()).ok_or_else(|| status.to_string())
}

fn has_nextest(root: &Path) -> bool {
    let mut command = cargo(root, &["nextest", "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
