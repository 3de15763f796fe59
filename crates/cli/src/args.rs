//! What can be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0    ran, also where some evidence could not be read (it is counted)
  1    --fail-on holds, rules check refused a rule, or a sample of rules test is not as it should
  2    evidence or rules unusable, no host found, or output not writable
  3    usage, or a case folder that exists
  130  interrupted

NO_COLOR turns colours off. Results go to stdout, everything else to stderr.";

/// Reads the evidence of a server and says what happened to it, and how surely.
#[derive(Debug, Parser)]
#[command(name = "assay", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge the hosts in folders, files and archives
    Assess(AssessArgs),
    /// Make a synthetic case and judge it: the whole value in a minute
    Demo(DemoArgs),
    /// Print the evidence behind any id of a case
    Show(ShowArgs),
    /// Say what holes a build of Exchange has, or the builds of a list
    ///
    /// Examples:
    ///   assay exposure 15.1.2106.2
    ///   assay exposure "Version 15.1 (Build 2106.2)" --json
    ///   assay exposure 15.1.2106
    ///   assay exposure --list scan.csv --out answers.csv
    ///
    /// Three numbers are what a web server tells to the outside: the answer says what is open, and what is
    /// open unless an update is installed. A list needs a heading with a column called build (or version);
    /// all other columns are kept, and columns that begin with assay_ are added. Separators are told by
    /// content. What no row can do is end the run: a bad one is kept as unknown and counted.
    ///
    /// Exit codes: 0 answered, also where the answer is unknown; 2 the list cannot be read, has no column of
    /// builds, or the answers cannot be written; 3 usage, not a build number, or a file that exists.
    #[command(verbatim_doc_comment)]
    Exposure(ExposureArgs),
    /// Work with Sigma rules
    Rules(crate::rules::args::RulesArgs),
    /// List the evidence that is read
    Formats,
    /// Print the JSON Schema of case.json
    Schema,
}

const ASSESS_EXAMPLES: &str = "\
Examples:
  assay assess EX01-triage.zip
  assay assess /mnt/ex01/C --out cases
  assay assess collection.7z --password-file passwords.txt --rules sigma/rules
  assay assess logs/ --zone Europe/Berlin --as-of 2021-03-12T00:00:00Z
  assay assess logs/ --rules sigma_core.zip --tuning tuning.yml
  assay assess *.zip --out cases --fail-on compromised

Each host gets a folder with case.json (for programs), report.html (for people), timeline.csv and
run.json. Exit codes: see assay --help.";

#[derive(Debug, ClapArgs)]
#[command(after_help = ASSESS_EXAMPLES)]
pub(crate) struct AssessArgs {
    /// Folders, files and archives (zip, tar, tar.gz, 7z)
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder in which each host gets its case folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Sigma rules of your own: a file, a folder or a zip, beside the ones built in
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// A tuning file for these rules: include, exclude, levels, known false positives
    #[arg(long, value_name = "FILE")]
    pub(crate) tuning: Vec<PathBuf>,
    /// Judge as of this moment (RFC 3339) instead of the latest record
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Zone of times that state none: a name such as Europe/Berlin, or +02:00
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Name of the host of records that name none
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Passwords for encrypted archives, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// End with exit code 1 where the worst host is shown at this level or above, or where anything is left open
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) fail_on: Option<FailOn>,
    /// Replace case folders that exist
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LimitArgs {
    /// Folder for private temporary files
    #[arg(long, value_name = "DIR")]
    pub(crate) temp_dir: Option<PathBuf>,
    /// What one file may expand to, with all archives nested in it (64G; suffixes K, M, G, T)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_expand: Option<u64>,
    /// Threads; all cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Use the content of this folder instead of the one built in
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Compromised,
    Attempted,
    Scanned,
    /// Any headline with INSUFFICIENT or NOT EXCLUDED
    Insufficient,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  assay demo
  assay demo --out /tmp/demo --force";

#[derive(Debug, ClapArgs)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Folder for the made evidence and its case
    #[arg(long, value_name = "DIR", default_value = "assay-demo")]
    pub(crate) out: PathBuf,
    /// Replace what an earlier demo left there
    #[arg(long)]
    pub(crate) force: bool,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  assay show cases/ex01 E5
  assay show cases/ex01/case.json F3
  assay show cases/ex01 C2 --evidence /mnt/elsewhere/EX01-triage.zip";

#[derive(Debug, ClapArgs)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    /// Case folder, or its case.json
    pub(crate) case: PathBuf,
    /// An id of the case: E (event), F (finding), C (claim) or M (file)
    pub(crate) id: String,
    /// Where the evidence lies now; if not given, where it lay at the run
    #[arg(long, value_name = "PATH")]
    pub(crate) evidence: Vec<PathBuf>,
    /// Passwords for encrypted archives, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExposureArgs {
    /// A build: four numbers, three where the last is not known, or as Get-ExchangeServer prints it
    #[arg(value_name = "BUILD", required_unless_present = "list", conflicts_with = "list")]
    pub(crate) build: Option<String>,
    /// Print the answer as JSON, with every date and its source
    #[arg(long, conflicts_with = "list")]
    pub(crate) json: bool,
    /// A CSV file with a column of builds; - for what comes in through a pipe
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Write the answers to this file instead of printing them
    #[arg(long, value_name = "FILE", requires = "list")]
    pub(crate) out: Option<PathBuf>,
    /// Replace that file if it exists
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Use the content of this folder instead of the one built in
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
}

/// `64G`, `500M`, `1048576`
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default().to_ascii_uppercase();
    let shift = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("{text} is no size; write for example 500M or 64G")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text} is no size"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("64G"), Ok(64 << 30));
        assert_eq!(size("10MiB"), Ok(10 << 20));
        assert_eq!(size("7"), Ok(7));
        for bad in ["", "G", "1.5G", "-1", "1X", "99999999T"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
