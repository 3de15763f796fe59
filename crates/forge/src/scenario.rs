//! The scenario file: what was installed, who came, what they did, and what became of the evidence.

use serde::{Deserialize, Serialize};

use crate::check;
use crate::source::{Selection, Source};
use crate::{Error, Length, Moment};

/// What is to be forged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Short name.
    pub name: String,
    /// Mark of all that is made from it; must hold the word `SYNTHETIC`.
    pub label: String,
    /// What it is about, in a sentence.
    pub about: String,
    /// Start of all random choices: another seed gives other users, addresses and times.
    pub seed: u64,
    /// The server.
    #[serde(default)]
    pub host: Host,
    /// Name of the product as Setup prints it.
    #[serde(default = "default_product")]
    pub product: String,
    /// Builds over time, the oldest first.
    pub builds: Vec<BuildStep>,
    /// First and last moment of the logs that the server keeps.
    pub span: Span,
    /// Harmless traffic.
    #[serde(default)]
    pub background: Background,
    /// Sources to write.
    #[serde(default)]
    pub sources: Selection,
    /// Form of the event exports.
    #[serde(default)]
    pub event_form: EventForm,
    /// Whether proxy logs begin with a plain row of column names before `#Software`, as some builds write.
    #[serde(default)]
    pub proxy_header_row: bool,
    /// Time zone of the server, in which Setup writes.
    #[serde(default)]
    pub zone: Zone,
    /// What strangers did.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// What became of the evidence afterwards, in this order.
    #[serde(default)]
    pub damage: Vec<Damage>,
}

fn default_product() -> String {
    "Microsoft Exchange Server 2016".to_owned()
}

/// The server. All names and addresses are of the kind reserved for documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// Short name.
    pub name: String,
    /// DNS domain; ends in `.example`.
    pub domain: String,
    /// Short name of the domain.
    pub netbios: String,
    /// Security identifier of the domain, to which account numbers are added.
    pub sid: String,
    /// Address of the server.
    pub address: String,
    /// Name under which clients reach it.
    pub public_name: String,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            name: "EX01".to_owned(),
            domain: "contoso.example".to_owned(),
            netbios: "CONTOSO".to_owned(),
            sid: "S-1-5-21-1004336348-1177238915-682003330".to_owned(),
            address: "192.0.2.10".to_owned(),
            public_name: "mail.contoso.example".to_owned(),
        }
    }
}

impl Host {
    /// Full name.
    pub fn fqdn(&self) -> String {
        format!("{}.{}", self.name, self.domain)
    }
}

/// From when which build ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildStep {
    /// Start of the installation.
    pub at: Moment,
    /// Four numbers, `15.1.2106.2`.
    pub build: String,
    /// How it came.
    #[serde(default)]
    pub how: How,
}

/// How a build came onto the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Setup of a new server; leaves lines in the Setup log.
    #[default]
    Setup,
    /// Setup of a newer cumulative update over an older one; leaves lines in the Setup log.
    Upgrade,
    /// A security update, which does not go through Setup.
    Patch,
}

/// From one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first moment.
    pub from: Moment,
    /// The last moment.
    pub to: Moment,
}

/// Harmless traffic around the attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Background {
    /// Minutes between two probes of Exchange's own monitoring in each protocol; at most 50, so that
    /// no hour is silent.
    pub probe_minutes: u32,
    /// Mean number of requests by users in an hour.
    pub requests_per_hour: u32,
    /// Mean number of strangers' requests in a day (robots that look for other software).
    pub noise_per_day: u32,
}

impl Default for Background {
    fn default() -> Self {
        Self { probe_minutes: 40, requests_per_hour: 4, noise_per_day: 12 }
    }
}

/// Form of the event exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventForm {
    /// One flat object a line, as NXLog writes.
    #[default]
    Flattened,
    /// `Event.System` and `Event.EventData`, as converters of EVTX write.
    Nested,
}

/// A time zone as Setup prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Minutes ahead of UTC.
    pub minutes: i32,
    /// Name in Windows' words.
    pub name: String,
}

impl Default for Zone {
    fn default() -> Self {
        Self { minutes: 0, name: "Dublin, Edinburgh, Lisbon, London".to_owned() }
    }
}

/// Steps of one stranger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Name, unique in the scenario.
    pub name: String,
    /// Start.
    pub at: Moment,
    /// Address of the stranger, of a documentation range.
    pub from: String,
    /// User agent.
    #[serde(default = "default_agent")]
    pub agent: String,
    /// The steps.
    pub steps: Vec<Step>,
}

fn default_agent() -> String {
    "python-requests/2.25.1".to_owned()
}

/// One step and when it happened, counted from the start of its operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `25s`, `2m10s`, `26h`.
    #[serde(default)]
    pub after: Length,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
}

/// What a stranger did. Nothing here holds code: requests carry addresses and markers only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Looked for the hole and for other people's shells.
    Scan {
        /// Requests whose routing cookie points at autodiscover.
        #[serde(default = "two")]
        anchors: u32,
        /// Answer to them.
        #[serde(default = "unauthorized")]
        anchor_status: u16,
        /// URLs of other people's shells.
        #[serde(default)]
        shells: Vec<String>,
        /// Answer to those.
        #[serde(default = "not_found")]
        shell_status: u16,
        /// Whether a probe whose cookie points at `localhost` is among them, as a public scanner script sends.
        #[serde(default)]
        local_probe: bool,
    },
    /// Had the front end pass a request on to the back end in its own name.
    Ssrf {
        /// Path and query at the back end.
        target: String,
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Read mail through the same way.
    SsrfMailboxRead {
        /// Mailbox.
        mailbox: String,
        /// Number of requests.
        #[serde(default = "two")]
        reads: u32,
        /// Size of each answer.
        #[serde(default = "read_size")]
        bytes: u32,
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Opened a session of the control panel in somebody's name.
    BackendSession {
        /// Answer; 241 is success.
        #[serde(default = "session")]
        status: u16,
    },
    /// Wrote a script marker into the external URL of the address book.
    SetOabUrl {
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Had the address book's settings written to a file of the web folders.
    ResetOab {
        /// File, from the web root: `owa/auth/Name.aspx` or `aspnet_client/Name.aspx`.
        shell: String,
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Called the file.
    ShellUse {
        /// The file, as above.
        shell: String,
        /// How often.
        #[serde(default = "one")]
        count: u32,
        /// Time between two calls.
        #[serde(default)]
        every: Length,
        /// Method.
        #[serde(default = "post")]
        method: String,
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Had the web server's worker process run commands.
    Command {
        /// Command lines, each run through `cmd /c`.
        lines: Vec<String>,
    },
    /// Tried the steps of the chain and was refused.
    AttemptBlocked {
        /// Answer to each of them.
        #[serde(default = "failed")]
        status: u16,
    },
    /// Sent requests for autodiscover whose query the front end of old builds takes for the path.
    Detour {
        /// Path at the back end.
        target: String,
        /// Whose logon it came with; nobody's if empty.
        #[serde(default)]
        user: String,
        /// How many.
        #[serde(default = "one")]
        count: u32,
        /// Answer.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Had the back end's PowerShell give the role that may export mailboxes.
    ExportRole {
        /// To whom.
        user: String,
    },
    /// Had the back end's PowerShell export a mailbox into a file of the web folders.
    ExportMailbox {
        /// Mailbox.
        mailbox: String,
        /// File, from the web root.
        shell: String,
        /// Whether the command was refused.
        #[serde(default)]
        refused: bool,
    },
    /// Somebody deleted the file.
    ShellRemoved {
        /// The file, as above.
        shell: String,
    },
}

fn one() -> u32 {
    1
}
fn two() -> u32 {
    2
}
fn read_size() -> u32 {
    48_213
}
fn ok() -> u16 {
    200
}
fn session() -> u16 {
    241
}
fn unauthorized() -> u16 {
    401
}
fn not_found() -> u16 {
    404
}
fn failed() -> u16 {
    500
}
fn post() -> String {
    "POST".to_owned()
}

/// What became of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Damage {
    /// Sources are missing altogether.
    DropSource {
        /// Which.
        sources: Selection,
    },
    /// Everything before a moment is gone.
    CutBefore {
        /// Of which sources.
        sources: Selection,
        /// The moment.
        time: Moment,
    },
    /// Everything from a moment on is gone.
    CutAfter {
        /// Of which sources.
        sources: Selection,
        /// The moment.
        time: Moment,
    },
    /// Somebody removed the lines of the attack.
    DropLines {
        /// From which sources.
        sources: Selection,
        /// Names of the operations whose lines went; all if empty.
        #[serde(default)]
        operations: Vec<String>,
    },
    /// Some hours are gone: rows, and so the hourly files.
    DropHours {
        /// Of which sources.
        sources: Selection,
        /// First moment.
        from: Moment,
        /// Last moment.
        to: Moment,
    },
    /// Files are cut short.
    TruncateFile {
        /// Part of the path of the files meant.
        file: String,
        /// Percent of the bytes that remain.
        keep_percent: u8,
    },
    /// Single bytes of files are overwritten; line ends stay.
    Corrupt {
        /// Part of the path of the files meant.
        file: String,
        /// Number of bytes in each file.
        bytes: u32,
    },
    /// The clock of sources is wrong. Of an event only the head's time moves, not the times in its body.
    ClockShift {
        /// Which sources.
        sources: Selection,
        /// By how much; negative for a clock that is behind.
        by: Length,
    },
}

impl Scenario {
    /// Reads a scenario file and checks it.
    pub fn parse(yaml: &str) -> Result<Self, Error> {
        let scenario: Self =
            serde_saphyr::from_str(yaml).map_err(|e| Error::Scenario(e.to_string()))?;
        check::scenario(&scenario)?;
        Ok(scenario)
    }

    /// The sources that it writes and that no `drop_source` takes away again.
    pub fn kept_sources(&self) -> Vec<Source> {
        let dropped = |source: Source| {
            self.damage
                .iter()
                .any(|d| matches!(d, Damage::DropSource { sources } if sources.contains(source)))
        };
        Source::all().into_iter().filter(|s| self.sources.contains(*s) && !dropped(*s)).collect()
    }

    /// The build that runs at `at`; before the first installation, the build that it brings.
    pub fn build_at(&self, at: Moment) -> &str {
        let running = self.builds.iter().rev().find(|b| b.at <= at).or(self.builds.first());
        running.map_or("", |b| b.build.as_str())
    }

    /// The same scenario with one more damage.
    #[must_use]
    pub fn with(&self, damage: Damage) -> Self {
        let mut more = self.clone();
        more.damage.push(damage);
        more
    }
}
