//! What can be typed behind `assay rules`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::args::LimitArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Load rules: which are refused, which can never fire here, and what could be written better
    Check(CheckArgs),
    /// List rules by level, status, tag, product and log source
    List(ListArgs),
    /// Run the samples beside rules: what must hit, and what must not
    Test(TestArgs),
    /// Say why a rule fired on evidence or did not, condition by condition
    Explain(ExplainArgs),
    /// Say which rules evidence can serve, and which missing log would serve most
    Coverage(CoverageArgs),
}

/// Where rules come from.
#[derive(Debug, ClapArgs)]
pub(crate) struct SetArgs {
    /// A tuning file: rules to include and exclude, levels, known false positives
    #[arg(long, value_name = "FILE")]
    pub(crate) tuning: Vec<PathBuf>,
    /// Use the content of this folder instead of the one built in
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
}

/// Rules, and evidence to read.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReadArgs {
    /// Sigma rules of your own: a file, a folder or a zip, beside the ones built in
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// A tuning file: rules to include and exclude, levels, known false positives
    #[arg(long, value_name = "FILE")]
    pub(crate) tuning: Vec<PathBuf>,
    /// Passwords for encrypted archives, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  assay rules check my-rule.yml
  assay rules check sigma/rules --verbose
  assay rules check sigma_core.zip --tuning tuning.yml

Exit codes: 0 all rules loaded (notes change nothing), 1 a rule was refused, 2 nothing could be
loaded from a path, or the tuning cannot be used.";

#[derive(Debug, ClapArgs)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Rule files, folders of them, and zip archives of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// List each idle rule and each note instead of counting them by reason
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
}

const LIST_EXAMPLES: &str = "\
Examples:
  assay rules list
  assay rules list sigma/rules --level high --level critical --product windows
  assay rules list sigma/rules --source process_creation --tag attack.t1505.003
  assay rules list sigma_core.zip --status stable --json

Columns: level, status, log source, id, title, file. A terminal gets lines cut to its width, a pipe
whole ones. Exit codes: 0 listed, 2 rules or tuning unusable, 3 usage.";

#[derive(Debug, ClapArgs)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct ListArgs {
    /// Rule files, folders of them, and zip archives of them; the rules built in if none is given
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only rules of this level: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL", value_parser = LEVELS)]
    pub(crate) level: Vec<String>,
    /// Only rules of this status: stable, test, experimental, deprecated, unsupported
    #[arg(long, value_name = "STATUS", value_parser = STATUSES)]
    pub(crate) status: Vec<String>,
    /// Only rules with this tag (attack.t1505.003), or with one below it (attack.t1505)
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only rules for this product (windows, exchange ...)
    #[arg(long, value_name = "PRODUCT")]
    pub(crate) product: Vec<String>,
    /// Only rules for this category or service (antivirus, security ...)
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) set: SetArgs,
}

const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];

const TEST_EXAMPLES: &str = "\
Examples:
  assay rules test
  assay rules test my-rules/ --verbose
  assay rules test sigma/rules sigma/regression_data

Samples of rule.yml are rule.hit.jsonl and rule.miss.jsonl (events, one a line), rule.hit.evtx,
rule.miss.json and the like (evidence as it comes), and SigmaHQ's regression data (info.yml).
Exit codes: 0 every sample is as it should be, 1 one is not, or a rule was refused, 2 a path
cannot be read, 3 usage.";

#[derive(Debug, ClapArgs)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct TestArgs {
    /// Folders of rules and samples, and rule files; the rules built in if none is given
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// List the rules without samples too
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  assay rules explain my-rule.yml Security.evtx
  assay rules explain my-rule.yml EX01-triage.zip --tuning tuning.yml
  assay rules explain 'Suspicious Child Process' logs/ --rules sigma/rules
  assay rules explain my-rule.yml Security.evtx --event 4711
  assay rules explain my-rule.yml u_ex210301.log --event byte:8192

Without --event: the first event on which the rule fired; if there is none, the nearest miss, the
event for which most of the condition holds. Of an `and` the parts count together, a `not` (whole or
not at all) and a filter a quarter of another part; of an `or` the best part counts; of equals the
earliest event is taken.
Exit codes: 0 explained, whether it fired or not, 2 rule, tuning or evidence unusable, 3 usage, or
no such event.";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// A rule: its file, id, name or title
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    /// Folders, files and archives
    #[arg(required = true, value_name = "EVIDENCE")]
    pub(crate) evidence: Vec<PathBuf>,
    /// The event: the number that its log gives it (4711), or where it begins in its file (byte:8192)
    #[arg(long, value_name = "EVENT", value_parser = event_at)]
    pub(crate) event: Option<investigate::rules::EventAt>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

const COVERAGE_EXAMPLES: &str = "\
Examples:
  assay rules coverage EX01-triage.zip
  assay rules coverage logs/ --rules sigma/rules
  assay rules coverage logs/ --rules sigma_core.zip --json

Exit codes: 0 compared, 2 rules, tuning or evidence unusable, 3 usage.";

#[derive(Debug, ClapArgs)]
#[command(after_help = COVERAGE_EXAMPLES)]
pub(crate) struct CoverageArgs {
    /// Folders, files and archives
    #[arg(required = true, value_name = "EVIDENCE")]
    pub(crate) evidence: Vec<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// `4711`, `record:4711`, `byte:8192`, `byte:0x2000`
fn event_at(text: &str) -> Result<investigate::rules::EventAt, String> {
    use investigate::rules::EventAt;
    let number = |digits: &str| match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    };
    let found = match text.split_once(':') {
        Some(("byte", digits)) => number(digits).map(EventAt::Byte),
        Some(("record", digits)) => number(digits).map(EventAt::Record),
        Some(_) => None,
        None => number(text).map(EventAt::Record),
    };
    found.ok_or_else(|| format!("{text} is no event; write for example 4711 or byte:8192"))
}

#[cfg(test)]
mod tests {
    use investigate::rules::EventAt;

    use super::event_at;

    #[test]
    fn events_are_named_by_number_or_place() {
        assert_eq!(event_at("4711"), Ok(EventAt::Record(4711)));
        assert_eq!(event_at("record:7"), Ok(EventAt::Record(7)));
        assert_eq!(event_at("byte:0x2000"), Ok(EventAt::Byte(8192)));
        for bad in ["", "E5", "line:3", "byte:", "-1"] {
            assert!(event_at(bad).is_err(), "{bad}");
        }
    }
}
