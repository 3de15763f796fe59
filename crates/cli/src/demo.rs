//! `assay demo`: makes a synthetic case and judges it.

use std::path::Path;

use clap::Parser as _;

use crate::args::{Args, Command, DemoArgs};
use crate::assess;
use crate::exit::{Exit, Failure};
use crate::terminal;

const LABEL: &str = "SYNTHETIC: this evidence was made by assay itself; no such server exists.";

pub(crate) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let evidence = args.out.join("evidence");
    if evidence.symlink_metadata().is_ok() {
        clear(&evidence, &args.out, args.force)?;
    }
    terminal::note("making synthetic evidence ...");
    make(&args.out)?;
    terminal::note(LABEL);
    let words = ["assay", "assess"].map(std::ffi::OsString::from);
    let line = words
        .into_iter()
        .chain([evidence.into_os_string(), "--out".into(), args.out.clone().into_os_string()])
        .chain(args.force.then(|| "--force".into()));
    match Args::try_parse_from(line).map(|a| a.command) {
        Ok(Command::Assess(assess)) => assess::run(&assess),
        _ => Err(Failure::usage("the demo's own command line is broken")),
    }
}

/// Files that the maker puts beside the evidence: where they lie, it is a demo's and no real one.
const MARKS: [&str; 2] = ["SYNTHETIC.txt", "truth.json"];

/// Removes what an earlier demo made, and nothing else.
fn clear(evidence: &Path, folder: &Path, force: bool) -> Result<(), Failure> {
    let exists = |why| Failure::usage(format!("{} exists{why}", evidence.display()));
    if !MARKS.iter().all(|mark| folder.join(mark).is_file()) {
        return Err(exists(" and was made by no demo; nothing was changed")
            .help("choose another folder with --out"));
    }
    if !force {
        return Err(exists("").help("replace it with --force, or choose another folder with --out"));
    }
    fs_err::remove_dir_all(evidence)?;
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    let scenario = forge::builtin("demo")
        .ok_or_else(|| Failure::unusable("the demo scenario is missing from this build"))?;
    let scenario = forge::Scenario::parse(scenario).map_err(Failure::unusable)?;
    forge::write_to_folder(&scenario, folder).map_err(Failure::unusable)?;
    Ok(())
}
