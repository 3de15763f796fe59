//! What strangers did, turned into the lines that each step leaves.
//!
//! The requests hold routing cookies and markers in the shape in which the logs show them, never code.

mod detour;

use std::fmt::Write as _;

use crate::Moment;
use crate::random::Random;
use crate::scenario::{Act, Operation, Scenario};
use crate::source::Protocol;
use crate::truth::{self, ActTruth, PlacedFile};
use crate::world::{
    Back, Caller, Hit, INSTALL, Process, Share, WORKER, World, worker_line, worker_pid,
};

/// The page whose routing cookie the front end followed; it need not exist.
const PAGE: &str = "/ecp/y.js";
/// Marker of a server-side script, in parts so that no scanner takes this source for one. No code follows it.
const MARKER: &str = concat!(
    "http://f/<scr",
    "ipt language=\"JScr",
    "ipt\" runat=\"ser",
    "ver\">SYNTHETIC</scr",
    "ipt>"
);

/// What the attacks left for the truth file.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) acts: Vec<ActTruth>,
    pub(crate) placed: Vec<PlacedFile>,
}

/// Plays every operation of the scenario.
pub(crate) fn play(world: &mut World<'_>) -> Deeds {
    let mut deeds = Deeds::default();
    let scenario = world.scenario;
    for operation in &scenario.operations {
        let mut random = Random::stream(scenario.seed, &format!("operation/{}", operation.name));
        for step in &operation.steps {
            // Nobody acts on the full second.
            let at = operation.at.after(step.after).plus(i64::from(random.between(20, 700)));
            world.act = Some(deeds.acts.len());
            let mut player = Player { world: &mut *world, operation, random: &mut random, at };
            let (last, did) = player.act(&step.act, &mut deeds.placed);
            deeds.acts.push(ActTruth::new(deeds.acts.len(), operation, &step.act, (at, last), did));
        }
    }
    world.act = None;
    deeds
}

struct Player<'p, 's> {
    world: &'p mut World<'s>,
    operation: &'s Operation,
    random: &'p mut Random,
    at: Moment,
}

/// A request whose routing cookie sends it to the back end.
struct Detour<'a> {
    method: &'a str,
    target: &'a str,
    status: u16,
    received: u32,
    /// Whether the front end followed the cookie.
    through: bool,
}

impl Player<'_, '_> {
    /// Plays one act; returns its last moment and what was done, in words.
    fn act(&mut self, act: &Act, placed: &mut Vec<PlacedFile>) -> (Moment, String) {
        match act {
            Act::Scan { anchors, anchor_status, shells, shell_status, local_probe } => {
                self.anchors(*anchors, *anchor_status);
                if *local_probe {
                    self.local_probe();
                }
                self.others_shells(shells, *shell_status)
            }
            Act::Ssrf { target, status } => self.one_detour(target, *status),
            Act::SsrfMailboxRead { mailbox, reads, bytes, status } => {
                self.read_mail(mailbox, *reads, *bytes, *status)
            }
            Act::BackendSession { status } => self.session(*status),
            Act::SetOabUrl { status } => self.set_url(*status),
            Act::ResetOab { shell, status } => self.reset(shell, *status, placed),
            Act::ShellUse { shell, count, every, method, status } => {
                self.use_shell(shell, *count, every.millis(), (method, *status))
            }
            Act::Command { lines } => self.commands(lines),
            Act::AttemptBlocked { status } => self.blocked(*status),
            Act::Detour { target, user, count, status } => {
                self.autodiscover_detour(target, user, *count, *status)
            }
            Act::ExportRole { user } => self.export_role(user),
            Act::ExportMailbox { mailbox, shell, refused } => {
                self.export_mailbox(mailbox, shell, *refused, placed)
            }
            Act::ShellRemoved { shell } => self.removed(shell, placed),
        }
    }

    fn hit(&self, protocol: Option<Protocol>, method: &str, stem: &str, status: u16) -> Hit {
        Hit {
            at: self.at,
            protocol,
            method: method.to_owned(),
            host: self.world.own_address(),
            stem: stem.to_owned(),
            auth: "FBA",
            agent: self.operation.agent.clone(),
            client: self.operation.from.clone(),
            status,
            sent: 311,
            ..Hit::default()
        }
    }

    /// The server's own name as the cookie carries it, with the back end's port.
    fn authority(&self) -> String {
        format!("a]@{}:444", self.world.scenario.host.fqdn())
    }

    fn detour(&mut self, detour: &Detour<'_>) {
        let authority = self.authority();
        let (stem, query) = detour.target.split_once('?').unwrap_or((detour.target, ""));
        let mut hit = self.hit(Some(Protocol::Ecp), detour.method, PAGE, detour.status);
        hit.anchor = format!("ServerInfo~{authority}{}#", detour.target);
        hit.hint = "X-BEResource-Cookie";
        hit.received = detour.received;
        hit.took = self.random.between(30, 400);
        hit.back = detour.through.then(|| Back {
            target: format!("{authority}{stem}"),
            stem: stem.to_owned(),
            query: query.trim_end_matches('#').to_owned(),
            user: self.world.machine_account(),
            status: detour.status,
        });
        self.world.hit(&hit, self.random);
        self.at = self.at.plus(i64::from(self.random.between(600, 1_900)));
    }

    fn through(&mut self, method: &str, target: &str, status: u16) {
        let received = self.random.between(300, 4_000);
        self.detour(&Detour { method, target, status, received, through: true });
    }

    fn anchors(&mut self, count: u32, status: u16) {
        // A front end that does not follow the cookie answers with an error of its own.
        let through = status < 500;
        let target = "/autodiscover/autodiscover.xml?";
        for _ in 0..count {
            self.detour(&Detour { method: "POST", target, status, received: 257, through });
        }
    }

    /// The probe of a public scanner script: the cookie names `localhost`, and the answer is an error page.
    fn local_probe(&mut self) {
        let mut hit = self.hit(Some(Protocol::Owa), "GET", "/owa/auth/x.js", 500);
        hit.anchor.push_str("ServerInfo~localhost/ecp/default.flt");
        hit.hint = "X-AnonResource-Backend-Cookie";
        self.world.hit(&hit, self.random);
        self.at = self.at.plus(700);
    }

    fn others_shells(&mut self, shells: &[String], status: u16) -> (Moment, String) {
        for shell in shells {
            let hit = self.hit(proxy_of(shell), "GET", shell, status);
            self.world.hit(&hit, self.random);
            self.at = self.at.plus(i64::from(self.random.between(200, 900)));
        }
        (
            self.at,
            "looked for the hole and for other people's shells; nothing was entered".to_owned(),
        )
    }

    fn one_detour(&mut self, target: &str, status: u16) -> (Moment, String) {
        let start = self.at;
        self.through("POST", target, status);
        (start, format!("had the front end pass a request on to {target}; answered {status}"))
    }

    fn read_mail(
        &mut self,
        mailbox: &str,
        reads: u32,
        bytes: u32,
        status: u16,
    ) -> (Moment, String) {
        let mut last = self.at;
        for _ in 0..reads {
            last = self.at;
            let target = "/EWS/Exchange.asmx?";
            self.detour(&Detour { method: "POST", target, status, received: bytes, through: true });
        }
        (
            last,
            format!(
                "sent {reads} requests for mail of {mailbox}; answered {status}, {bytes} bytes each"
            ),
        )
    }

    fn session(&mut self, status: u16) -> (Moment, String) {
        let start = self.at;
        self.through("POST", "/ecp/proxyLogon.ecp?", status);
        (
            start,
            format!("asked the control panel for a session of another account; answered {status}"),
        )
    }

    fn canary(&self) -> String {
        Random::stream(self.world.scenario.seed, &self.operation.name).hex(24)
    }

    fn service(&self, method: &str, schema: &str) -> String {
        format!(
            "/ecp/DDI/DDIService.svc/{method}?msExchEcpCanary={}&schema={schema}",
            self.canary()
        )
    }

    /// What the control panel and the cmdlet log say of a change.
    fn changed(&mut self, cmdlet: &str, ecp: &str, parameters: &str) {
        let at = self.at.plus(-300);
        let url = self.service("SetObject", "OABVirtualDirectory");
        self.world.ecp(at, &format!("{cmdlet}{ecp}"), &url, self.random);
        let pool = "MSExchangeECPAppPool";
        let caller = Caller {
            user: "Administrator".to_owned(),
            rid: 500,
            session: self.random.guid(),
            pid: worker_pid(self.world.scenario.seed, pool),
            pool: "w3wp#MSExchangeECPAppPool",
        };
        self.world.cmdlet(at.plus(20), cmdlet, parameters, &caller);
    }

    fn set_url(&mut self, status: u16) -> (Moment, String) {
        let get = self.service("GetObject", "OABVirtualDirectory");
        self.through("POST", &get, status);
        let set = self.service("SetObject", "OABVirtualDirectory");
        self.through("POST", &set, status);
        let guid = self.random.guid();
        if status == 200 {
            let name = &self.world.scenario.host.name;
            let parameters =
                format!("-ExternalUrl \"{MARKER}\" -Identity \"{name}\\OAB (Default Web Site)\"");
            let ecp = format!(".ExternalUrl='{MARKER}'.Identity='{guid}'");
            self.changed("Set-OabVirtualDirectory", &ecp, &parameters);
        }
        (
            self.at,
            format!(
                "wrote a script marker into the address book's external URL; answered {status}"
            ),
        )
    }

    fn reset(
        &mut self,
        shell: &str,
        status: u16,
        placed: &mut Vec<PlacedFile>,
    ) -> (Moment, String) {
        let target = self.service("SetObject", "ResetOABVirtualDirectory");
        self.through("POST", &target, status);
        if status == 200 {
            self.reset_succeeded(shell, placed);
        }
        let path = windows_path(shell);
        (self.at, format!("had the address book's settings written to {path}; answered {status}"))
    }

    fn reset_succeeded(&mut self, shell: &str, placed: &mut Vec<PlacedFile>) {
        let name = self.world.scenario.host.name.clone();
        let identity = format!("{name}\\OAB (Default Web Site)");
        let guid = self.random.guid();
        self.changed(
            "Remove-OabVirtualDirectory",
            &format!(".Force='True'.Identity='{guid}'"),
            &format!("-Force \"True\" -Identity \"{identity}\""),
        );
        let path = windows_path(shell);
        let at = self.file_written(&path);
        self.at = self.at.plus(900);
        let folder = format!("{INSTALL}\\FrontEnd\\HttpProxy\\OAB");
        self.changed(
            "New-OabVirtualDirectory",
            &format!(".WebSiteName='Default Web Site'.Server='{name}'.Role='ClientAccess'.Path='{folder}'"),
            &format!(
                "-WebSiteName \"Default Web Site\" -Server \"{name}\" -Role \"ClientAccess\" -Path \"{folder}\""
            ),
        );
        self.place(shell, path, at, placed);
    }

    /// Notes a file that now lies in the web folders.
    fn place(&self, shell: &str, path: String, at: Moment, placed: &mut Vec<PlacedFile>) {
        placed.push(PlacedFile {
            act: self.world.act.map(truth::id).unwrap_or_default(),
            file: shell.to_owned(),
            path,
            at,
            removed_at: None,
            evidence: None,
        });
    }

    /// The control panel writes through the server's own administrative share, so the kernel is the writer.
    fn file_written(&mut self, path: &str) -> Moment {
        let at = self.at.plus(120);
        self.world.file_created(at, "System", 4, path);
        let share = Share {
            sid: "S-1-5-18".to_owned(),
            user: format!("{}$", self.world.scenario.host.name),
            address: "127.0.0.1".to_owned(),
            name: r"\\*\C$",
            local: r"\??\C:\",
            file: path.strip_prefix("C:\\").unwrap_or(path).to_owned(),
            mask: "0x12019f",
        };
        self.world.share_access(at.plus(1), &share, self.random);
        at
    }

    fn use_shell(
        &mut self,
        shell: &str,
        count: u32,
        every: i64,
        how: (&str, u16),
    ) -> (Moment, String) {
        let (method, status) = how;
        let url = format!("/{shell}");
        let start = self.at;
        if status == 200 {
            self.first_compiled(shell);
        }
        let mut last = start;
        for turn in 0..i64::from(count) {
            last = start.plus(turn.saturating_mul(every));
            self.at = last;
            let mut hit = self.hit(proxy_of(&url), method, &url, status);
            hit.took = self.random.between(40, 700);
            hit.received = self.random.between(150, 2_400);
            self.world.hit(&hit, self.random);
        }
        (last, format!("called {url} {count} times with {method}; answered {status}"))
    }

    /// At its first use ASP.NET compiles a page and keeps the result under a name that tells the page.
    fn first_compiled(&mut self, shell: &str) {
        let page = shell.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let root = shell.split('/').next().unwrap_or("root");
        let path = format!(
            "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Temporary ASP.NET Files\\{root}\\8e05b027\\\
             e164d61b\\{page}.f5dba9b9.compiled"
        );
        let pid = worker_pid(self.world.scenario.seed, "MSExchangeOWAAppPool");
        self.world.file_created(self.at.plus(15), WORKER, pid, &path);
    }

    fn commands(&mut self, lines: &[String]) -> (Moment, String) {
        let pool = "MSExchangeOWAAppPool";
        let mut last = self.at;
        for line in lines {
            last = self.at;
            let shell = Process {
                image: r"C:\Windows\System32\cmd.exe".to_owned(),
                line: format!("cmd /c {line}"),
                pid: self.random.between(300, 7_000) * 4,
                parent_image: WORKER.to_owned(),
                parent_line: worker_line(pool),
                parent_pid: worker_pid(self.world.scenario.seed, pool),
            };
            let word = line.split_whitespace().next().unwrap_or_default();
            let program = Process {
                image: format!("C:\\Windows\\System32\\{}.exe", word.trim_end_matches(".exe")),
                line: line.clone(),
                pid: self.random.between(300, 7_000) * 4,
                parent_image: shell.image.clone(),
                parent_line: shell.line.clone(),
                parent_pid: shell.pid,
            };
            self.world.process(self.at, &shell, self.random);
            self.world.process(self.at.plus(24), &program, self.random);
            self.at = self.at.plus(i64::from(self.random.between(2_000, 9_000)));
        }
        (last, format!("had the worker process run: {}", lines.join("; ")))
    }

    /// The steps of the chain as a server answers them that does not follow the cookie.
    fn blocked(&mut self, status: u16) -> (Moment, String) {
        let steps = [
            "/autodiscover/autodiscover.xml?".to_owned(),
            "/mapi/emsmdb/?MailboxId=administrator".to_owned(),
            "/ecp/proxyLogon.ecp?".to_owned(),
            self.service("SetObject", "OABVirtualDirectory"),
        ];
        let mut last = self.at;
        for target in &steps {
            last = self.at;
            self.detour(&Detour { method: "POST", target, status, received: 0, through: false });
        }
        (
            last,
            format!(
                "tried the steps of the chain; each was answered {status} and none reached the back end"
            ),
        )
    }

    fn removed(&mut self, shell: &str, placed: &mut [PlacedFile]) -> (Moment, String) {
        let path = windows_path(shell);
        for file in placed.iter_mut().filter(|f| f.file == shell) {
            file.removed_at = Some(self.at);
        }
        let data = vec![
            ("RuleName", "-".to_owned()),
            ("UtcTime", self.at.sysmon()),
            ("ProcessId", (self.random.between(300, 7_000) * 4).to_string()),
            ("User", self.world.account("Administrator")),
            ("Image", r"C:\Windows\explorer.exe".to_owned()),
            ("TargetFilename", path.clone()),
            ("IsExecutable", "false".to_owned()),
            ("Archived", "false".to_owned()),
        ];
        self.world.sysmon(23, self.at.plus(2), data);
        (self.at, format!("deleted {path}"))
    }
}

/// The proxy log that takes note of a path of the front-end site.
fn proxy_of(url: &str) -> Option<Protocol> {
    let root = url.trim_start_matches('/').split('/').next().unwrap_or_default();
    let known = [("owa", Protocol::Owa), ("ecp", Protocol::Ecp)];
    known.iter().find(|(name, _)| root.eq_ignore_ascii_case(name)).map(|(_, protocol)| *protocol)
}

/// Where a file of the web folders lies.
pub(crate) fn windows_path(file: &str) -> String {
    let inner = file.replace('/', "\\");
    if file.starts_with("aspnet_client/") {
        format!("C:\\inetpub\\wwwroot\\{inner}")
    } else {
        format!("{INSTALL}\\FrontEnd\\HttpProxy\\{inner}")
    }
}

/// Text of a placed file: the printed settings of the address book, with a plain sentence where an
/// attacker's script would stand.
pub(crate) fn placed_text(scenario: &Scenario, at: Moment, build: &str) -> String {
    let host = &scenario.host;
    let version = build.splitn(3, '.').collect::<Vec<_>>();
    let display = match version.as_slice() {
        [major, minor, rest] => format!("Version {major}.{minor} (Build {rest})"),
        _ => build.to_owned(),
    };
    let (name, public) = (&host.name, &host.public_name);
    let guid = Random::stream(scenario.seed, "oab").guid();
    let mut text = String::new();
    for (key, value) in [
        ("Name", "OAB (Default Web Site)"),
        ("PollInterval", "480"),
        ("OfflineAddressBooks", r"\Default Offline Address Book"),
        ("RequireSSL", "True"),
        ("AdminDisplayVersion", &display),
        ("Server", name),
        ("InternalUrl", &format!("https://{public}/OAB")),
        ("ExternalUrl", "SYNTHETIC placeholder, not a script"),
        ("Guid", &guid),
        ("WhenChangedUTC", &at.w3c()),
    ] {
        let _ = write!(text, "{key:<32}: {value}\r\n");
    }
    text
}
