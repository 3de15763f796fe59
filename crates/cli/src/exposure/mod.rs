//! `assay exposure`: what a build number says, of one server or of a list of them.

mod answers;
mod list;
mod rows;

use investigate::{Content, StatedBuild, exposure_of_build, knowledge};
use model::case::ContentVersion;
use model::exposure::BuildExposure;
use serde::Serialize;

use crate::args::ExposureArgs;
use crate::exit::{Exit, Failure};
use crate::plan::content;
use crate::terminal;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    exposure: BuildExposure,
    content: ContentVersion,
}

pub(crate) fn run(args: &ExposureArgs) -> Result<Exit, Failure> {
    let stated = args.build.as_deref().map(stated).transpose()?;
    let content = content(args.content.as_deref())?;
    let knowledge = knowledge(&content).map_err(|e| Failure::new(Exit::Unusable, e))?;
    match (stated, &args.list) {
        (Some(build), _) => one(exposure_of_build(&knowledge, build), &content, args.json),
        (None, Some(list)) => list::run(list, args, &knowledge),
        (None, None) => {
            Err(Failure::usage("no build and no list").help("see assay exposure --help"))
        }
    }
}

fn stated(text: &str) -> Result<StatedBuild, Failure> {
    StatedBuild::parse(text).ok_or_else(|| {
        Failure::usage(format!("{text} is no build number")).help(
            "write four numbers, or three where the last is not known; see assay exposure --help",
        )
    })
}

fn one(exposure: BuildExposure, content: &Content, json: bool) -> Result<Exit, Failure> {
    let content = ContentVersion { version: content.version(), sha256: content.sha256(&[]) };
    if !json {
        return terminal::out(&publish::exposure_page(
            &exposure,
            &content.version,
            terminal::style(),
        ));
    }
    let text = serde_json::to_string_pretty(&Answer { exposure, content })
        .map_err(|e| Failure::new(Exit::Unusable, e))?;
    terminal::out(&text)
}
