//! The server as it runs: turns what happens (a request, a new process, a cmdlet) into the lines that each
//! source would write about it.

use crate::Moment;
use crate::random::Random;
use crate::record::{EventRow, IisRow, ProxyRow, Record, Row};
use crate::scenario::{How, Scenario};
use crate::source::{Protocol, Source};

/// Folder of the installation.
pub(crate) const INSTALL: &str = r"C:\Program Files\Microsoft\Exchange Server\V15";
/// The worker process of IIS.
pub(crate) const WORKER: &str = r"C:\Windows\System32\inetsrv\w3wp.exe";

const SYSMON_GUID: &str = "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}";
const SECURITY_GUID: &str = "{54849625-5478-4994-A5BA-3E3B0328C30D}";

/// Collects the lines of a scenario.
pub(crate) struct World<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) records: Vec<Record>,
    /// The act to which lines belong from now on.
    pub(crate) act: Option<usize>,
}

/// A request of the web, from the front door to the back end.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) at: Moment,
    /// Log of the front-end proxy that takes note of it; none for paths outside Exchange.
    pub(crate) protocol: Option<Protocol>,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) stem: String,
    pub(crate) query: String,
    pub(crate) auth: &'static str,
    pub(crate) user: String,
    pub(crate) anchor: String,
    pub(crate) hint: &'static str,
    pub(crate) action: String,
    pub(crate) agent: String,
    pub(crate) client: String,
    pub(crate) status: u16,
    /// What reached the back end.
    pub(crate) back: Option<Back>,
    pub(crate) sent: u32,
    pub(crate) received: u32,
    pub(crate) took: u32,
}

/// The request that the front end passed on.
#[derive(Clone, Debug)]
pub(crate) struct Back {
    pub(crate) target: String,
    pub(crate) stem: String,
    pub(crate) query: String,
    pub(crate) user: String,
    pub(crate) status: u16,
}

impl Default for Hit {
    fn default() -> Self {
        Self {
            at: Moment::default(),
            protocol: None,
            method: "GET".to_owned(),
            host: String::new(),
            stem: "/".to_owned(),
            query: String::new(),
            auth: "",
            user: String::new(),
            anchor: String::new(),
            hint: "",
            action: String::new(),
            agent: String::new(),
            client: String::new(),
            status: 200,
            back: None,
            sent: 0,
            received: 0,
            took: 15,
        }
    }
}

/// A process that starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Process {
    pub(crate) image: String,
    pub(crate) line: String,
    pub(crate) pid: u32,
    pub(crate) parent_image: String,
    pub(crate) parent_line: String,
    pub(crate) parent_pid: u32,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        Self { scenario, records: Vec::new(), act: None }
    }

    /// Adds a line if the scenario has its source and the logs reach back so far.
    pub(crate) fn push(&mut self, source: Source, at: Moment, row: Row) {
        let span = self.scenario.span;
        let kept = source == Source::SetupLog || (span.from <= at && at <= span.to);
        if kept && self.scenario.sources.contains(source) {
            let act = self.act;
            self.records.push(Record { source, at, shift: 0, act, number: 0, row });
        }
    }

    /// Address under which the front end calls the back end.
    pub(crate) fn own_address(&self) -> String {
        self.scenario.host.address.clone()
    }

    /// Name of an account with the short name of the domain.
    pub(crate) fn account(&self, name: &str) -> String {
        format!("{}\\{name}", self.scenario.host.netbios)
    }

    /// Account of the machine, in whose name the front end calls the back end.
    pub(crate) fn machine_account(&self) -> String {
        self.account(&format!("{}$", self.scenario.host.name))
    }

    /// A request: a row in IIS's front-end log, one in the proxy's, and one in the back end's if it got there.
    pub(crate) fn hit(&mut self, hit: &Hit, random: &mut Random) {
        let id = random.guid();
        let tail = format!("&CorrelationID=<empty>;&cafeReqId={id};");
        self.front_row(hit, &tail);
        if let Some(protocol) = hit.protocol {
            self.proxy_row(hit, protocol, id);
        }
        if let Some(back) = &hit.back {
            self.back_row(hit, back, &tail);
        }
    }

    fn front_row(&mut self, hit: &Hit, tail: &str) {
        let query =
            if hit.protocol.is_some() { format!("{}{tail}", hit.query) } else { hit.query.clone() };
        let row = IisRow {
            method: hit.method.clone(),
            stem: hit.stem.clone(),
            query,
            port: 443,
            user: hit.user.clone(),
            client: hit.client.clone(),
            agent: hit.agent.clone(),
            status: hit.status,
            took: hit.took,
        };
        self.push(Source::IisFront, hit.at, Row::Iis(Box::new(row)));
    }

    fn proxy_row(&mut self, hit: &Hit, protocol: Protocol, request_id: String) {
        let row = ProxyRow {
            protocol,
            request_id,
            url_host: hit.host.clone(),
            stem: hit.stem.clone(),
            query: hit.query.clone(),
            action: hit.action.clone(),
            auth: hit.auth,
            user: hit.user.clone(),
            anchor: hit.anchor.clone(),
            agent: hit.agent.clone(),
            client: hit.client.clone(),
            status: hit.status,
            back_status: hit.back.as_ref().map(|b| b.status),
            method: hit.method.clone(),
            target: hit.back.as_ref().map(|b| b.target.clone()).unwrap_or_default(),
            hint: hit.hint,
            sent: hit.sent,
            received: hit.received,
            took: hit.took,
        };
        let at = hit.at.plus(i64::from(hit.took));
        let row = Row::Proxy(Box::new(row));
        self.push(Source::TestProxyLogon, at, row.clone());
        self.push(Source::Proxy(protocol), at, row);
    }

    fn back_row(&mut self, hit: &Hit, back: &Back, tail: &str) {
        let row = IisRow {
            method: hit.method.clone(),
            stem: back.stem.clone(),
            query: format!("{}{tail}", back.query),
            port: 444,
            user: back.user.clone(),
            client: self.own_address(),
            agent: hit.agent.clone(),
            status: back.status,
            took: hit.took.saturating_sub(4),
        };
        self.push(Source::IisBack, hit.at.plus(2), Row::Iis(Box::new(row)));
    }

    /// A request that the control panel's server log takes note of.
    pub(crate) fn ecp(&mut self, at: Moment, command: &str, url: &str, random: &mut Random) {
        let build = self.scenario.build_at(at);
        // A value with a semicolon, comma or quotation mark is wrapped whole.
        let command = if command.contains([';', ',', '"', '\'']) {
            let doubled = command.replace('\'', "''").replace('"', "\"\"");
            format!("'S:CMD={doubled}'")
        } else {
            format!("S:CMD={command}")
        };
        let data = format!(
            "S:TIME={};S:SID={};{command};S:REQID=;S:URL={url};S:REFERRER=;S:EX=;S:ACTID={};S:RS=0;\
             S:BLD={build};S:TNAME=<null>;S:TID=;S:USID={};S:EDOID=;S:ACID=",
            random.between(8, 180),
            random.guid(),
            random.guid(),
            random.guid()
        );
        self.push(Source::EcpServer, at, Row::Ecp(data));
    }

    /// A process that starts: one event each in Sysmon and Security.
    pub(crate) fn process(&mut self, at: Moment, process: &Process, random: &mut Random) {
        self.sysmon_process(at, process, random);
        self.security_process(at.plus(1), process);
    }

    fn sysmon_process(&mut self, at: Moment, p: &Process, random: &mut Random) {
        let name = p.image.rsplit('\\').next().unwrap_or_default();
        // Programs start in the folder of the worker process if that one started them.
        let start = if p.parent_image == WORKER { WORKER } else { p.image.as_str() };
        let folder = start.rfind('\\').and_then(|end| start.get(..=end)).unwrap_or_default();
        let hash = random.hex(64).to_ascii_uppercase();
        let data = vec![
            ("RuleName", "-".to_owned()),
            ("UtcTime", at.sysmon()),
            ("ProcessGuid", process_guid(self.scenario.seed, p.pid)),
            ("ProcessId", p.pid.to_string()),
            ("Image", p.image.clone()),
            ("FileVersion", "10.0.14393.0 (rs1_release.160715-1616)".to_owned()),
            ("OriginalFileName", name.to_owned()),
            ("CommandLine", p.line.clone()),
            ("CurrentDirectory", folder.to_owned()),
            ("User", "NT AUTHORITY\\SYSTEM".to_owned()),
            ("LogonId", "0x3e7".to_owned()),
            ("TerminalSessionId", "0".to_owned()),
            ("IntegrityLevel", "System".to_owned()),
            ("Hashes", format!("SHA256={hash}")),
            ("ParentProcessGuid", process_guid(self.scenario.seed, p.parent_pid)),
            ("ParentProcessId", p.parent_pid.to_string()),
            ("ParentImage", p.parent_image.clone()),
            ("ParentCommandLine", p.parent_line.clone()),
        ];
        self.sysmon(1, at.plus(2), data);
    }

    fn security_process(&mut self, at: Moment, p: &Process) {
        let data = vec![
            ("SubjectUserSid", "S-1-5-18".to_owned()),
            ("SubjectUserName", format!("{}$", self.scenario.host.name)),
            ("SubjectDomainName", self.scenario.host.netbios.clone()),
            ("SubjectLogonId", "0x3e7".to_owned()),
            ("NewProcessId", format!("0x{:x}", p.pid)),
            ("NewProcessName", p.image.clone()),
            ("TokenElevationType", "%%1936".to_owned()),
            ("ProcessId", format!("0x{:x}", p.parent_pid)),
            ("CommandLine", p.line.clone()),
            ("TargetUserSid", "S-1-0-0".to_owned()),
            ("TargetUserName", "-".to_owned()),
            ("TargetDomainName", "-".to_owned()),
            ("TargetLogonId", "0x0".to_owned()),
            ("ParentProcessName", p.parent_image.clone()),
            ("MandatoryLabel", "S-1-16-16384".to_owned()),
        ];
        self.security(4688, 13312, at, "A new process has been created.", data);
    }

    /// A file that a process created, by Sysmon.
    pub(crate) fn file_created(&mut self, at: Moment, image: &str, pid: u32, path: &str) {
        let data = vec![
            ("RuleName", "-".to_owned()),
            ("UtcTime", at.sysmon()),
            ("ProcessGuid", process_guid(self.scenario.seed, pid)),
            ("ProcessId", pid.to_string()),
            ("Image", image.to_owned()),
            ("TargetFilename", path.to_owned()),
            ("CreationUtcTime", at.sysmon()),
        ];
        self.sysmon(11, at.plus(2), data);
    }

    /// An event of Sysmon with its values.
    pub(crate) fn sysmon(&mut self, id: u32, at: Moment, data: Vec<(&'static str, String)>) {
        let row = EventRow {
            id,
            provider: "Microsoft-Windows-Sysmon",
            guid: SYSMON_GUID,
            level: 4,
            task: id,
            keywords: "0x8000000000000000",
            data,
            ..EventRow::default()
        };
        self.push(Source::Sysmon, at, Row::Event(Box::new(row)));
    }

    /// An event of the Security log.
    pub(crate) fn security(
        &mut self,
        id: u32,
        task: u32,
        at: Moment,
        message: &str,
        data: Vec<(&'static str, String)>,
    ) {
        let row = EventRow {
            id,
            provider: "Microsoft-Windows-Security-Auditing",
            guid: SECURITY_GUID,
            level: 0,
            task,
            keywords: "0x8020000000000000",
            message: message.to_owned(),
            data,
            unnamed: Vec::new(),
        };
        self.push(Source::Security, at, Row::Event(Box::new(row)));
    }

    /// An access to a share, by the Security log.
    pub(crate) fn share_access(&mut self, at: Moment, access: &Share, random: &mut Random) {
        let data = vec![
            ("SubjectUserSid", access.sid.clone()),
            ("SubjectUserName", access.user.clone()),
            ("SubjectDomainName", self.scenario.host.netbios.clone()),
            ("SubjectLogonId", format!("0x{}", random.hex(6))),
            ("ObjectType", "File".to_owned()),
            ("IpAddress", access.address.clone()),
            ("IpPort", random.between(30_000, 60_000).to_string()),
            ("ShareName", access.name.to_owned()),
            ("ShareLocalPath", access.local.to_owned()),
            ("RelativeTargetName", access.file.clone()),
            ("AccessMask", access.mask.to_owned()),
            ("AccessList", "%%4417".to_owned()),
            ("AccessReason", "-".to_owned()),
        ];
        let message = "A network share object was checked to see whether client can be granted desired access.";
        self.security(5145, 12811, at, message, data);
    }

    /// A cmdlet that succeeded, by the Management log.
    pub(crate) fn cmdlet(&mut self, at: Moment, cmdlet: &str, parameters: &str, by: &Caller) {
        self.cmdlet_event(1, at, cmdlet, parameters, by);
    }

    /// A command that was refused.
    pub(crate) fn cmdlet_refused(
        &mut self,
        at: Moment,
        cmdlet: &str,
        parameters: &str,
        by: &Caller,
    ) {
        self.cmdlet_event(6, at, cmdlet, parameters, by);
    }

    fn cmdlet_event(&mut self, id: u32, at: Moment, cmdlet: &str, parameters: &str, by: &Caller) {
        let sid = format!("{}-{}", self.scenario.host.sid, by.rid);
        let user = format!("{}/Users/{}", self.scenario.host.domain, by.user);
        let unnamed = vec![
            cmdlet.to_owned(),
            parameters.to_owned(),
            user,
            sid.clone(),
            sid,
            format!("Remote-ManagementShell-{}", by.session),
            format!("{} {}", by.pid, by.pool),
            String::new(),
            "1".to_owned(),
            "00:00:00.2812500".to_owned(),
            "View Entire Forest: 'False'".to_owned(),
            String::new(),
        ];
        // The misspelling is the product's own.
        let (verb, level) = if id == 1 { ("suceeded", 4) } else { ("failed", 2) };
        let row = EventRow {
            id,
            provider: "MSExchange CmdletLogs",
            guid: "",
            level,
            task: 1,
            keywords: "0x80000000000000",
            message: format!("Cmdlet {verb}. Cmdlet {cmdlet}, parameters {parameters}."),
            data: Vec::new(),
            unnamed,
        };
        self.push(Source::Management, at, Row::Event(Box::new(row)));
    }

    /// An event of the Application log.
    pub(crate) fn application(
        &mut self,
        at: Moment,
        id: u32,
        provider: &'static str,
        message: String,
    ) {
        let row = EventRow {
            id,
            provider,
            level: 4,
            keywords: "0x80000000000000",
            unnamed: vec![message.clone()],
            message,
            ..EventRow::default()
        };
        self.push(Source::Application, at, Row::Event(Box::new(row)));
    }

    /// The builds that came by Setup.
    pub(crate) fn setups(&self) -> impl Iterator<Item = &'a crate::scenario::BuildStep> + use<'a> {
        self.scenario.builds.iter().filter(|b| b.how != How::Patch)
    }
}

/// An access to a share.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) sid: String,
    pub(crate) user: String,
    pub(crate) address: String,
    pub(crate) name: &'static str,
    pub(crate) local: &'static str,
    pub(crate) file: String,
    pub(crate) mask: &'static str,
}

/// Who ran a cmdlet, and in which process.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) rid: u32,
    pub(crate) session: String,
    pub(crate) pid: u32,
    pub(crate) pool: &'static str,
}

/// Process ids of the worker processes: the same over the whole scenario.
pub(crate) fn worker_pid(seed: u64, pool: &str) -> u32 {
    Random::stream(seed, pool).between(1_000, 7_000) * 4
}

/// Command line of the worker process of an application pool.
pub(crate) fn worker_line(pool: &str) -> String {
    format!(
        "c:\\windows\\system32\\inetsrv\\w3wp.exe -ap \"{pool}\" -v \"v4.0\" -c \"{INSTALL}\\bin\\\
         GenericAppPoolConfigWithGCServerEnabledFalse.config\" -a \\\\.\\pipe\\iisipm -h \
         \"C:\\inetpub\\temp\\apppools\\{pool}\\{pool}.config\" -w \"\" -m 0"
    )
}

/// The same process has the same GUID wherever it is named.
fn process_guid(seed: u64, pid: u32) -> String {
    let mut random = Random::stream(seed, &format!("process/{pid}"));
    let tail = random.hex(8).to_ascii_uppercase();
    format!("{{6004D249-AFCF-604D-{:04X}-0000{tail}}}", pid & 0xffff)
}
