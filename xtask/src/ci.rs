//! All checks in the order in which they fail fastest, with the minutes that each took.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs everything; the test runner's own summary comes last.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut minutes = Vec::new();
    let mut step = |name: &str, command: &mut Command| -> Result<(), String> {
        println!("\n=== {name}");
        let started = Instant::now();
        let status = command.current_dir(root).status().map_err(|e| format!("{name}: {e}"))?;
        minutes.push(format!("{name} {:.1}", started.elapsed().as_secs_f64() / 60.0));
        status.success().then_some(()).ok_or_else(|| format!("{name}: {status}"))
    };
    step("fmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    crate::tidy::run(root)?;
    step("build of the program", &mut cargo(&["build", "--locked", "-p", "assay-cli"]))?;
    step("demo", &mut demo())?;
    let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("clippy", &mut cargo(&lints))?;
    step(
        "docs",
        cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    step("doctests", &mut cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"]))?;
    if root.join("fuzz/Cargo.toml").is_file() {
        let fuzz = ["check", "--manifest-path", "fuzz/Cargo.toml", "--quiet"];
        step("fuzz targets compile", &mut cargo(&fuzz))?;
    }
    let tests: &[&str] = if has_nextest() {
        &["nextest", "run", "--workspace", "--locked"]
    } else {
        &["test", "--workspace", "--all-targets", "--locked"]
    };
    let tested = step("tests", &mut cargo(tests));
    println!("\nminutes: {}", minutes.join(", "));
    tested
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}

/// The main job, as a new user meets it: the demo must come to its verdict.
fn demo() -> Command {
    let out = std::env::temp_dir().join(format!("assay-demo-{}", std::process::id()));
    let script = r#"set -eu
        cargo run --quiet --locked -p assay-cli -- demo --out "$1" > "$1.txt"
        grep -q '^VERDICT *COMPROMISED' "$1.txt" && echo "demo: COMPROMISED, as it must be"
        rm -rf "$1" "$1.txt""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(out);
    command
}

fn has_nextest() -> bool {
    let mut command = cargo(&["nextest", "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|s| s.success())
}
