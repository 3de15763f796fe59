//! Exit codes, after the contract of a case.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It ran, also where some evidence could not be read.
    Ran,
    /// `--fail-on` holds.
    FailOn,
    /// `rules check` refused a rule.
    RulesRefused,
    /// `rules test` found a rule that does not do what its samples say.
    TestFailed,
    /// Evidence or rules unusable, no host found, output not writable.
    Unusable,
    /// Usage, or a folder that exists.
    Usage,
    /// Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ran => 0,
            Exit::FailOn | Exit::RulesRefused | Exit::TestFailed => 1,
            Exit::Unusable => 2,
            Exit::Usage => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// An error with the exit code that it means and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
    /// What was met on the way, a line each.
    pub(crate) details: Vec<String>,
    pub(crate) help: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), details: Vec::new(), help: None }
    }

    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{message}"))
    }

    pub(crate) fn unusable(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Unusable, anyhow::anyhow!("{message}"))
    }

    pub(crate) fn details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Unusable, error)
    }
}
