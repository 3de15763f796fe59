//! The public Sigma rules for Exchange, on the two forms in which its management log is collected and on the web logs of
//! the published attacks (shapes as in the project's notes; every value is made up and inert).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assay_investigate::{Content, SourceFile, user_rules};
use detect::Detector;
use serde_json::{Value as Json, json};

use crate::hits::hits;
use crate::support::{corpus, judged, scratch};

/// The public rules that have a line which begins so.
fn public_rules(line: &str) -> Option<Vec<SourceFile>> {
    let root = corpus("sigma")?;
    let mut rules = user_rules(&[root.join("rules"), root.join("rules-emerging-threats")]).unwrap();
    rules.retain(|file| {
        String::from_utf8_lossy(&file.bytes).lines().any(|l| l.trim().starts_with(line))
    });
    Some(rules)
}

/// Titles of rules.
type Titles = BTreeSet<String>;

fn titles(list: &[&str]) -> Titles {
    list.iter().map(|title| (*title).to_owned()).collect()
}

/// For each record of a file, by offset, the rules that fire; each fires once.
fn fired(rules: &[SourceFile], file: &Path) -> BTreeMap<u64, Titles> {
    let content = Content::embedded().unwrap();
    let (detector, report) = Detector::build(content.files(), rules).unwrap();
    assert_eq!(report.refused, []);
    let names: BTreeMap<&str, &str> =
        detector.rules().iter().map(|r| (r.rule.id.as_str(), r.rule.title.as_str())).collect();
    let mut fired: BTreeMap<u64, Titles> = BTreeMap::new();
    for hit in hits(&detector, &[file.to_owned()]).unwrap() {
        let of_record = fired.entry(hit.offset.unwrap()).or_default();
        let title = names[hit.rule.as_str()].to_owned();
        assert!(of_record.insert(title.clone()), "{title} fires twice at {:?}", hit.offset);
    }
    fired
}

/// How often each rule fires in the cases of a whole run.
fn counted(rules: &[SourceFile], input: PathBuf) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for case in judged(&[input], 2, (None, Some("ex01")), [rules, &[]]) {
        for finding in case.findings {
            *counts.entry(finding.rule.title).or_default() += finding.event_count;
        }
    }
    counts
}

/// Writes lines; gives the offset of each.
fn write(file: &Path, head: &str, lines: &[String]) -> Vec<u64> {
    let mut text = head.to_owned();
    let mut offsets = Vec::new();
    for line in lines {
        offsets.push(text.len() as u64);
        let _ = write!(text, "{line}\r\n");
    }
    fs_err::write(file, text).unwrap();
    offsets
}

/// Runs lines through the readers: which of the `looked_at` rules must fire on each, and that a whole run counts the same.
fn check(
    rules: &[SourceFile],
    looked_at: &dyn Fn(&str) -> bool,
    (name, head): (&str, &str),
    lines: &[(String, Titles)],
) {
    let folder = scratch();
    let file = folder.path().join(name);
    let texts: Vec<String> = lines.iter().map(|(line, _)| line.clone()).collect();
    let offsets = write(&file, head, &texts);
    let found = fired(rules, &file);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (offset, (line, expected)) in offsets.iter().zip(lines) {
        let mut found = found.get(offset).cloned().unwrap_or_default();
        found.retain(|title| looked_at(title));
        for title in &found {
            *sums.entry(title.clone()).or_default() += 1;
        }
        if found != *expected {
            wrong.push(format!("{name}: {line}\n  fired    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut counted = counted(rules, file);
    counted.retain(|title, _| looked_at(title));
    assert_eq!(counted, sums, "{name}");
}

/// Titles of the rules that the program brings along.
fn own_titles() -> Titles {
    let content = Content::embedded().unwrap();
    let (detector, _) = Detector::build(content.files(), &[]).unwrap();
    detector.rules().iter().map(|meta| meta.rule.title.clone()).collect()
}

// --- the management log ---

const OAB_SCRIPT: &str = "ProxyLogon MSExchange OabVirtualDirectory";
const OAB_URL: &str = "Exchange Set OabVirtualDirectory ExternalUrl Property";
const EXPORT: &str = "Mailbox Export to Exchange Webserver";
const EXPORT_REMOVED: &str = "Remove Exported Mailbox from Exchange Webserver";
const CERTIFICATE: &str = "Certificate Request Export to Exchange Webserver";
const AGENT: &str = "MSExchange Transport Agent Installation - Builtin";
const AGENT_FAILED: &str = "Failed MSExchange Transport Agent Installation";
const GET_APP: &str = "Possible Exploitation of Exchange RCE CVE-2021-42321";
const OWN_SCRIPT: &str = "Virtual directory set to script text";
const OWN_SCRIPT_FAILED: &str = "Virtual directory to be set to script text, without success";
const OWN_EXPORT: &str = "Mailbox or certificate request exported to a script file";
const OWN_ROLE: &str = "Role that may export mailboxes given to somebody";
const OWN_REMOVED: &str = "Virtual directory of the address book removed";

/// An event id, the cmdlet, its parameters (for 8: the exception), and the rules that must fire.
fn cmdlets() -> Vec<(u64, &'static str, String, Titles)> {
    let script = ["-ExternalUrl \"http://f/<", "script runat=server>function Page_", "Load()\""];
    let page = |folder: &str| format!("\"\\\\localhost\\C$\\{folder}\\sample.as{}\"", "px");
    let cast = "System.InvalidCastException: Unable to cast object of type 'A' to type 'B'.";
    vec![
        (1, "Set-OabVirtualDirectory", script.concat(), titles(&[OAB_SCRIPT, OAB_URL, OWN_SCRIPT])),
        (
            6,
            "Set-OabVirtualDirectory",
            script.concat(),
            titles(&[OAB_SCRIPT, OAB_URL, OWN_SCRIPT_FAILED]),
        ),
        (1, "Set-OabVirtualDirectory", "-ExternalUrl \"https://a/OAB\"".to_owned(), titles(&[])),
        (1, "Remove-OabVirtualDirectory", "-Force \"True\"".to_owned(), titles(&[OWN_REMOVED])),
        (
            1,
            "New-MailboxExportRequest",
            format!("-Mailbox \"a\" -FilePath {}", page("inetpub")),
            titles(&[EXPORT, OWN_EXPORT]),
        ),
        (
            1,
            "New-MailboxExportRequest",
            "-Mailbox \"a\" -FilePath \"C:\\export\\a.pst\"".to_owned(),
            titles(&[]),
        ),
        (
            1,
            "New-ManagementRoleAssignment",
            "-Role \"Mailbox Import Export\" -User \"a\"".to_owned(),
            titles(&[EXPORT, OWN_ROLE]),
        ),
        (
            1,
            "Remove-MailboxExportRequest",
            "-Identity \"a\" -Confirm \"False\"".to_owned(),
            titles(&[EXPORT_REMOVED]),
        ),
        (
            1,
            "New-ExchangeCertificate",
            format!(
                "-GenerateRequest \"True\" -BinaryEncoded \"True\" -RequestFile {}",
                page("inetpub")
            ),
            titles(&[CERTIFICATE, OWN_EXPORT]),
        ),
        (1, "Install-TransportAgent", "-Name \"a\"".to_owned(), titles(&[AGENT])),
        (6, "Install-TransportAgent", "-Name \"a\"".to_owned(), titles(&[AGENT, AGENT_FAILED])),
        (6, "Get-App", "-Mailbox \"a\"".to_owned(), titles(&[GET_APP])),
        (1, "Get-App", "-Mailbox \"a\"".to_owned(), titles(&[])),
        (8, "Get-App", cast.to_owned(), titles(&[GET_APP])),
        (8, "Get-App", cast.replace("InvalidCast", "NullReference"), titles(&[])),
        (8, "Get-Mailbox", cast.to_owned(), titles(&[])),
    ]
}

/// The unnamed values of an event, in the order in which Exchange writes them.
fn values(id: u64, cmdlet: &str, text: &str) -> Vec<String> {
    let all: &[&str] = match id {
        8 => &["12460", "9", cmdlet, cmdlet, text],
        _ => &[
            cmdlet,
            text,
            "example.com/Users/a",
            "S-1-5-21-1-2-3-500",
            "S-1-5-21-1-2-3-500",
            "Remote-ManagementShell-Unknown",
            "2084 w3wp#MSExchangePowerShellAppPool",
            "",
            "38",
            "00:00:02.2964781",
            "View Entire Forest: 'True'",
            if id == 6 { "Microsoft.Exchange.Data.DataValidationException" } else { "" },
        ],
    };
    all.iter().map(|value| (*value).to_owned()).collect()
}

/// The text that Windows renders from them.
fn message(id: u64, cmdlet: &str, text: &str) -> String {
    match id {
        1 => format!("Cmdlet suceeded. Cmdlet {cmdlet}, parameters {text}."),
        6 => format!("Cmdlet failed. Cmdlet {cmdlet}, parameters {text}."),
        _ => format!("(PID 12460, Thread 9) Task {cmdlet} throwing unhandled exception: {text}"),
    }
}

/// The event as a reader of event logs gives it, with its unnamed values.
fn raw(number: usize, id: u64, body: &Json) -> Json {
    let qualifiers = if id == 1 { 0x4000 } else { 0xC000 };
    json!({"Event": {
        "System": {
            "Provider": {"#attributes": {"Name": "MSExchange CmdletLogs"}},
            "EventID": {"#attributes": {"Qualifiers": qualifiers}, "#text": id},
            "Level": if id == 1 { 4 } else { 2 },
            "Task": 1,
            "Keywords": "0x80000000000000",
            "TimeCreated": {"#attributes": {"SystemTime": format!("2021-03-03T05:00:{number:02}Z")}},
            "EventRecordID": number + 1,
            "Channel": "MSExchange Management",
            "Computer": "ex01.example.com",
            "Security": null,
        },
        "EventData": body,
    }})
}

/// The event as collectors render it: without its values.
fn rendered(number: usize, id: u64, message: &str) -> Json {
    json!({"Channel": "MSExchange Management", "SourceName": "MSExchange CmdletLogs", "EventID": id,
        "Hostname": "ex01.example.com", "TimeCreated": format!("2021-03-03T05:00:{number:02}Z"),
        "RecordNumber": number + 1, "Message": message})
}

#[test]
fn management_events_raw_and_rendered_fire_the_same_rules_once_each() {
    let Some(rules) = public_rules("service: msexchange-management") else { return };
    assert_eq!(rules.len(), 8);
    let cmdlets = cmdlets();
    let covered: Titles = cmdlets.iter().flat_map(|c| c.3.iter().cloned()).collect();
    assert_eq!(covered.len(), 8 + 5, "every public rule and our five: {covered:?}");
    let forms = ["element", "list", "forwarded", "rendered"];
    for form in forms {
        let lines: Vec<(String, Titles)> = (0..)
            .zip(&cmdlets)
            .map(|(n, (id, cmdlet, text, expected))| {
                let values = values(*id, cmdlet, text);
                let message = message(*id, cmdlet, text);
                let event = match form {
                    "element" => raw(n, *id, &json!({"Data": {"#text": values}, "Binary": null})),
                    "list" => raw(n, *id, &json!({"Data": values})),
                    "forwarded" => {
                        let mut event = raw(n, *id, &json!({"Data": {"#text": values}}));
                        event["Event"]["RenderingInfo"] = json!({"Message": message});
                        event
                    }
                    _ => rendered(n, *id, &message),
                };
                (event.to_string(), expected.clone())
            })
            .collect();
        check(&rules, &|_| true, (&format!("{form}.jsonl"), ""), &lines);
    }
}

// --- the web logs ---

const HAFNIUM: &str = "Exchange Exploitation Used by HAFNIUM";
const OAB_RESET: &str = "ProxyLogon Reset Virtual Directories Based On IIS Log";
const SHELL: &str = "Windows Webshell Strings";
const PROXYSHELL: &str = "Exchange ProxyShell Pattern";
const PROXYSHELL_DONE: &str = "Successful Exchange ProxyShell Attack";
const OWASSRF: &str = "Potential OWASSRF Exploitation Attempt - Webserver";
const PROXYTOKEN: &str = "CVE-2021-33766 Exchange ProxyToken Exploitation";
const VIEWSTATE: &str = "CVE-2020-0688 Exchange Exploitation via Web Log";
const VIEWSTATE_EXPLOIT: &str = "CVE-2020-0688 Exploitation Attempt";
const TOOLSHELL: &str = "SharePoint ToolShell CVE-2025-53770 Exploitation - Web IIS";

/// A request of a published attack, and the public rules that are for it. Where there is none, no public rule sees the
/// shape, and only rules of our own can.
struct Shape {
    what: &'static str,
    request: &'static str,
    agent: &'static str,
    user: &'static str,
    referer: &'static str,
    status: u16,
    /// Below the back end: what the front end proxied the request to.
    anchor: &'static str,
    public: &'static [&'static str],
}

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";
const SHAPE: Shape = Shape {
    what: "",
    request: "",
    agent: BROWSER,
    user: "",
    referer: "",
    status: 200,
    anchor: "",
    public: &[],
};

const HARMLESS: &str = "a mailbox opened";
/// `METHOD STEM QUERY`, the query without its question mark.
const SHAPES: &[Shape] = &[
    Shape {
        what: "ProxyLogon, looking for a mailbox",
        request: "POST /ecp/y.js ",
        anchor: "ServerInfo~a]@ex01.example.com:444/autodiscover/autodiscover.xml?#",
        public: &[HAFNIUM],
        ..SHAPE
    },
    Shape {
        what: "ProxyLogon, a session of the control panel",
        request: "POST /ecp/y.js ",
        anchor: "ServerInfo~a]@ex01.example.com:444/ecp/proxyLogon.ecp?#",
        status: 241,
        public: &[HAFNIUM],
        ..SHAPE
    },
    Shape {
        what: "ProxyLogon, writing the page",
        request: "POST /ecp/y.js ",
        agent: "python-requests/2.25.1",
        anchor: "ServerInfo~a]@ex01.example.com:444/ecp/DDI/DDIService.svc/SetObject?schema=ResetOABVirtualDirectory#",
        public: &[HAFNIUM],
        ..SHAPE
    },
    Shape {
        what: "ProxyLogon, reading mail",
        request: "POST /owa/auth/Current/themes/resources/logon.css ",
        anchor: "ServerInfo~a]@ex01.example.com:444/ews/exchange.asmx?#",
        public: &[HAFNIUM],
        ..SHAPE
    },
    Shape {
        what: "ProxyLogon under another name: no public rule looks at what a request was proxied to",
        request: "GET /ecp/main.css ",
        anchor: "ServerInfo~a]@ex01.example.com:444/ews/exchange.asmx?#",
        ..SHAPE
    },
    Shape {
        what: "ProxyLogon, the write as the back end saw it",
        request: "POST /ecp/DDI/DDIService.svc/SetObject msExchEcpCanary=a&schema=ResetOABVirtualDirectory",
        user: "EXAMPLE\\EX01$",
        public: &[OAB_RESET],
        ..SHAPE
    },
    Shape {
        what: "a shell asked for: no public rule knows which pages are stock",
        request: "GET /owa/auth/sample.aspx ",
        ..SHAPE
    },
    Shape {
        what: "a shell told to run a command",
        request: "GET /owa/auth/sample.aspx cmd=whoami",
        public: &[SHELL],
        ..SHAPE
    },
    Shape {
        what: "a shell that is posted to: the command is in no log",
        request: "POST /owa/auth/sample.aspx ",
        ..SHAPE
    },
    Shape {
        what: "ProxyShell, refused",
        request: "GET /autodiscover/autodiscover.json @example.com/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@example.com",
        status: 401,
        public: &[PROXYSHELL],
        ..SHAPE
    },
    Shape {
        what: "ProxyShell, answered",
        request: "GET /autodiscover/autodiscover.json @example.com/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@example.com",
        public: &[PROXYSHELL_DONE],
        ..SHAPE
    },
    Shape {
        what: "ProxyShell, commands",
        request: "POST /autodiscover/autodiscover.json @example.com/powershell/?X-Rps-CAT=AAAA&Email=autodiscover/autodiscover.json%3f@example.com",
        public: &[PROXYSHELL_DONE],
        ..SHAPE
    },
    Shape {
        what: "ProxyNotShell",
        request: "POST /autodiscover/autodiscover.json a@example.com/PowerShell/&Email=autodiscover/autodiscover.json?a@example.com",
        user: "EXAMPLE\\a",
        public: &[PROXYSHELL_DONE],
        ..SHAPE
    },
    Shape {
        what: "OWASSRF",
        request: "POST /owa/a@example.com/powershell ",
        user: "EXAMPLE\\a",
        public: &[OWASSRF],
        ..SHAPE
    },
    Shape {
        what: "ProxyToken, a rule set",
        request: "POST /ecp/a@example.com/RulesEditor/InboxRules.svc/NewObject msExchEcpCanary=a",
        status: 500,
        public: &[PROXYTOKEN],
        ..SHAPE
    },
    Shape {
        what: "ProxyToken, the token in the query",
        request: "GET /ecp/a@example.com/PersonalSettings/HomePage.aspx SecurityToken=x",
        status: 500,
        public: &[PROXYTOKEN],
        ..SHAPE
    },
    Shape {
        what: "CVE-2020-0688",
        request: "GET /ecp/default.aspx __VIEWSTATEGENERATOR=B97B4E27&__VIEWSTATE=AAAA",
        user: "EXAMPLE\\a",
        status: 500,
        public: &[VIEWSTATE, VIEWSTATE_EXPLOIT],
        ..SHAPE
    },
    Shape {
        what: "ToolShell",
        request: "POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx",
        referer: "/_layouts/SignOut.aspx",
        public: &[TOOLSHELL],
        ..SHAPE
    },
    Shape {
        what: "ToolShell without its referer: the public rule asks for it",
        request: "POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx",
        ..SHAPE
    },
    Shape {
        what: "an archive fetched from the web root",
        request: "GET /owa/auth/sample.zip ",
        ..SHAPE
    },
    Shape { what: HARMLESS, request: "GET /owa/auth/logon.aspx replaceCurrent=1", ..SHAPE },
];

impl Shape {
    fn parts(&self) -> [&'static str; 3] {
        let parts: Vec<&str> = self.request.splitn(3, ' ').collect();
        parts.try_into().unwrap()
    }

    fn iis(&self, number: usize) -> String {
        let [method, stem, query] = self.parts();
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        format!(
            "2021-03-03 05:00:{number:02} 192.0.2.10 {method} {stem} {} 443 {} 198.51.100.7 {} {} {} 0 0 133",
            or_dash(query),
            or_dash(self.user),
            self.agent.replace(' ', "+"),
            or_dash(self.referer),
            self.status
        )
    }

    fn proxy(&self, number: usize) -> String {
        let [method, stem, query] = self.parts();
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!(
            "2021-03-03T05:00:{number:02}.123Z,r{number},15,Owa,mail.example.com,{stem},{},{},{},198.51.100.7,EX01,{},{method},{query}",
            self.user, self.anchor, self.agent, self.status
        )
    }
}

const IIS_HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n\
    #Date: 2021-03-03 05:00:00\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
    cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";
const PROXY_HEAD: &str = "#Software: Microsoft Exchange Server\r\n#Version: 15.01.2375.007\r\n\
    #Log-type: HttpProxy Logs\r\n#Date: 2021-03-03T05:00:00.000Z\r\n#Fields: DateTime,RequestId,MajorVersion,Protocol,\
    UrlHost,UrlStem,AuthenticatedUser,AnchorMailbox,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,Method,UrlQuery\r\n";

#[test]
fn web_rules_fire_on_the_published_attacks_in_both_logs() {
    let Some(rules) = public_rules("category: webserver") else { return };
    assert!(rules.len() >= 80, "{} rules", rules.len());
    let covered: Titles = SHAPES.iter().flat_map(|shape| titles(shape.public)).collect();
    assert_eq!(covered.len(), 10, "{covered:?}");
    let own = own_titles();
    let public = |title: &str| !own.contains(title);
    for shape in SHAPES.iter().filter(|s| s.public.is_empty() && s.what != HARMLESS) {
        println!("no public rule: {}", shape.what);
    }
    // The front end of Exchange serves no SharePoint.
    let in_proxy = |shape: &&Shape| !shape.request.contains("/_layouts/");
    let iis: Vec<_> = SHAPES.iter().zip(0..).map(|(s, n)| (s.iis(n), titles(s.public))).collect();
    let proxied = SHAPES.iter().filter(in_proxy).zip(0..);
    let proxy: Vec<_> = proxied.map(|(s, n)| (s.proxy(n), titles(s.public))).collect();
    check(&rules, &public, ("u_ex210303.log", IIS_HEAD), &iis);
    check(&rules, &public, ("HttpProxy_2021030305-1.LOG", PROXY_HEAD), &proxy);
}
