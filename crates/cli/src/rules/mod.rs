//! `assay rules`: work with Sigma rules.

mod check;

use crate::args::RulesCommand;
use crate::exit::{Exit, Failure};

pub(crate) fn run(command: &RulesCommand) -> Result<Exit, Failure> {
    match command {
        RulesCommand::Check(args) => check::run(args),
    }
}
