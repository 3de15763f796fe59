//! `assay rules`: work with Sigma rules.

pub(crate) mod args;
mod check;
mod coverage;
mod explain;
mod list;
mod test;
mod tree;

use std::path::{Path, PathBuf};

use investigate::rules::RuleSet;
use investigate::{Content, Detector, LoadReport, SourceFile, user_rules};

use self::args::RulesCommand;
use crate::exit::{Exit, Failure};
use crate::plan;
use crate::terminal;

pub(crate) fn run(command: &RulesCommand) -> Result<Exit, Failure> {
    match command {
        RulesCommand::Check(args) => check::run(args),
        RulesCommand::List(args) => list::run(args),
        RulesCommand::Test(args) => test::run(args),
        RulesCommand::Explain(args) => explain::run(args),
        RulesCommand::Coverage(args) => coverage::run(args),
    }
}

/// Content, rules and tuning as they were read.
struct Files {
    content: Content,
    rules: Vec<SourceFile>,
    tuning: Vec<SourceFile>,
}

impl Files {
    fn read(
        content: Option<&Path>,
        rules: &[PathBuf],
        tuning: &[PathBuf],
    ) -> Result<Self, Failure> {
        Ok(Self {
            content: plan::content(content)?,
            rules: user_rules(rules).map_err(|e| Failure::new(Exit::Unusable, e))?,
            tuning: plan::tuning(tuning)?,
        })
    }

    fn set(&self) -> RuleSet<'_> {
        RuleSet { content: &self.content, rules: &self.rules, tuning: &self.tuning }
    }

    fn detector(&self) -> Result<(Detector, LoadReport), Failure> {
        let built = self.set().detector().map_err(|e| plan::failure(e.into()))?;
        plan::warn_of_tuning(&built.0.tuning().unused);
        Ok(built)
    }
}

/// Says on stderr that rules were refused, for commands whose matter it is not.
fn warn_of_refused(report: &LoadReport) {
    let refused = report.refused.len();
    if refused > 0 {
        let rules =
            if refused == 1 { "1 rule was".to_owned() } else { format!("{refused} rules were") };
        terminal::note(&format!("warn: {rules} refused; assay rules check says why"));
    }
}

/// Lines of a result, each made harmless by itself: they quote what others wrote.
fn page(lines: &[String]) -> String {
    lines.iter().map(|line| publish::inert_text(line).into_owned() + "\n").collect()
}

/// `1 rule`, `3,754 rules`
fn counted(count: usize, one: &str, more: &str) -> String {
    publish::counted(count, one, more)
}
