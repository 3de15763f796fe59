//! Cases for the tests: broken into over weeks, within seconds, insufficient, quiet, and hostile.
//!
//! Nothing in them is an attack that works; names follow the reserved examples.

use std::collections::BTreeMap;

use model::case::*;
use model::{Issue, Locator, Time, TimeBasis};

pub(crate) fn t(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn hash(seed: u8) -> String {
    format!("{seed:02x}").repeat(32)
}

fn claim(id: &str, question: Question, statement: &str, at: Option<&str>, text: &str) -> Claim {
    Claim {
        id: id.to_owned(),
        question,
        statement: statement.to_owned(),
        args: args(question, statement),
        text: match at {
            Some(at) if question == Question::Hit => format!("{}: {text}", spoken(at)),
            _ => text.to_owned(),
        },
        first: at.map(t),
        last: at.map(t),
        precision_s: None,
        supporting: vec![],
        contradicting: vec![],
        confidence: Confidence::Moderate,
        waiver: None,
    }
}

/// `2021-03-14 06:40:13 UTC`, as the sentences of `assess` begin.
fn spoken(at: &str) -> String {
    format!("{} UTC", at.get(..19).unwrap().replace('T', " "))
}

/// Steps are named `chain.step.outcome`, and carry chain and step as arguments.
fn args(question: Question, statement: &str) -> BTreeMap<String, String> {
    let parts: Vec<&str> = statement.split('.').collect();
    match (question, parts.as_slice()) {
        (Question::Hit, [chain, step, _]) => BTreeMap::from([
            ("chain".to_owned(), (*chain).to_owned()),
            ("step".to_owned(), (*step).to_owned()),
        ]),
        _ => BTreeMap::new(),
    }
}

fn by(mut claim: Claim, supporting: &[&str]) -> Claim {
    claim.supporting = strings(supporting);
    claim
}

fn event(n: u8, at: &str, logsource: &str, item: &str, summary: &str) -> CaseEvent {
    CaseEvent {
        id: format!("E{n}"),
        time: Some(t(at)),
        raw_time: at.to_owned(),
        time_basis: TimeBasis::RecordUtc,
        host: Some("EX01.contoso.example".to_owned()),
        logsource: logsource.to_owned(),
        item: item.to_owned(),
        locator: Locator {
            offset: Some(u64::from(n) * 1_307),
            length: Some(212),
            record: Some(u64::from(n) + 4_000),
        },
        sha256: hash(n),
        summary: Some(summary.to_owned()),
        summary_b64: None,
    }
}

fn source(logsource: &str, span: Option<(&str, &str)>, steps: &[&str]) -> Coverage {
    Coverage {
        logsource: logsource.to_owned(),
        state: if span.is_some() { CoverageState::Present } else { CoverageState::Absent },
        from: span.map(|(from, _)| t(from)),
        to: span.map(|(_, to)| t(to)),
        gaps: vec![],
        records: if span.is_some() { 48_211 } else { 0 },
        lost: 0,
        steps_it_would_show: strings(steps),
        contradicted_by: vec![],
        checks: CheckCounts { applied: 14, not_applicable: 2, unsupported: 0 },
    }
}

fn gap(from: &str, to: &str, cause: &str) -> Gap {
    Gap { from: Some(t(from)), to: Some(t(to)), cause: cause.to_owned() }
}

fn item(n: u8, path: &str, kind: &str, size: u64) -> CustodyItem {
    CustodyItem {
        id: format!("M{n}"),
        path: path.to_owned(),
        size: Some(size),
        sha256: Some(hash(0xA0 + n)),
        mtime: Some(t("2021-03-12T09:14:00Z")),
        mtime_basis: "archive".to_owned(),
        kind: kind.to_owned(),
        read: ReadState::Full,
        issues: vec![],
    }
}

fn finding(n: u8, title: &str, level: Severity, stage: &str, events: &[&str]) -> Finding {
    Finding {
        id: format!("F{n}"),
        rule: RuleRef {
            id: format!("assay-exchange-{n:03}"),
            title: title.to_owned(),
            version: "2026-11-20".to_owned(),
            engine: Engine::Sigma,
            author: strings(&["assay authors"]),
            license: "Apache-2.0".to_owned(),
            source: "content/rules/sigma/exchange".to_owned(),
        },
        level,
        attack: strings(&["T1190", "T1505.003"]),
        stage: stage.to_owned(),
        event_count: events.len() as u64,
        events: strings(events),
        matched: vec![],
    }
}

fn action(order: u32, id: &str, text: &str, closes_when: &str) -> Action {
    Action {
        id: id.to_owned(),
        order,
        text: text.to_owned(),
        source: "CISA, Emergency Directive 21-02".to_owned(),
        triggered_by: strings(&["C4", "C5"]),
        preserve_first: vec![],
        closes_when: closes_when.to_owned(),
        status: ActionStatus::Open,
    }
}

/// The frame that all cases share.
fn frame(host: &str, as_of: &str) -> Case {
    Case {
        schema: SCHEMA.to_owned(),
        case_id: "ex01-5f2c9a".to_owned(),
        content: ContentVersion { version: "2026.11.24".to_owned(), sha256: hash(0xC0) },
        tlp: "TLP:AMBER".to_owned(),
        host: Host {
            names: strings(&[host, "EX01"]),
            sid: Some("S-1-5-21-1004336348-1177238915-682003330".to_owned()),
            product: Some("Microsoft Exchange Server 2016".to_owned()),
            build: Some("15.1.2106.2".to_owned()),
            build_basis: strings(&["E1"]),
        },
        as_of: AsOf {
            time: Some(t(as_of)),
            basis: "newest record, exchange/httpproxy-owa".to_owned(),
        },
        clocks: vec![],
        verdict: Verdict {
            headline: String::new(),
            exposure: Exposure::WasExposed,
            compromise: Compromise {
                shown: Level::None,
                not_excluded: Level::None,
                stage: "none".to_owned(),
            },
            presence: Presence::Unknown,
            coverage: Adequacy::Partial,
            confidence: Confidence::Moderate,
            rests_on: vec![],
            claims: vec![],
            green: false,
        },
        windows: vec![],
        claims: vec![],
        findings: vec![],
        events: vec![],
        coverage: vec![],
        next_evidence: vec![],
        impact: vec![],
        hypotheses: None,
        actions: vec![],
        custody: vec![],
        not_assessed: strings(&[
            "taken: mail, personal data and secrets that were reached",
            "who: actors that fit",
        ]),
        method: Method {
            applied: 187,
            not_applicable: 46,
            unsupported: 3,
            refused: vec![RefusedRule {
                file: "rules/extra/near.yml".to_owned(),
                line: 14,
                column: 7,
                reason: "modifier `near` is not supported by this version".to_owned(),
            }],
            credits: strings(&["assay authors, Apache-2.0: 9 rules"]),
            tuned_out: None,
        },
    }
}

fn settle(case: &mut Case) {
    case.verdict.headline = case.verdict.compromise.headline().to_owned();
}

fn proxylogon_window() -> Window {
    Window {
        chain: "proxylogon".to_owned(),
        title: "ProxyLogon".to_owned(),
        cves: strings(&["CVE-2021-26855", "CVE-2021-26857", "CVE-2021-26858", "CVE-2021-27065"]),
        state: WindowState::Closed,
        opened: Opened {
            earliest: Some(t("2021-01-03T00:00:00Z")),
            latest: Some(t("2021-02-10T00:00:00Z")),
            basis: strings(&["E1"]),
            earliest_basis: "first day on which the hole was used anywhere".to_owned(),
        },
        closed: Some(Closed {
            earliest: Some(t("2021-03-10T22:10:00Z")),
            latest: Some(t("2021-03-11T01:32:40Z")),
            by: ClosedBy::Patch,
            basis: strings(&["E9"]),
        }),
    }
}

/// An Exchange server that was broken into, patched, and whose web shell is still there.
pub(crate) fn compromised() -> Case {
    let mut case = frame("EX01.contoso.example", "2021-03-12T09:14:22.318Z");
    case.verdict.compromise = Compromise {
        shown: Level::Compromised,
        not_excluded: Level::Compromised,
        stage: "command_execution".to_owned(),
    };
    case.verdict.presence = Presence::Present;
    case.verdict.confidence = Confidence::High;
    case.verdict.rests_on = strings(&["E5"]);
    case.verdict.claims = strings(&["C4", "C5", "C7"]);
    case.windows = vec![proxylogon_window(), unknown_window()];
    case.claims = compromised_claims();
    case.events = compromised_events();
    case.findings = compromised_findings();
    case.method.tuned_out = Some(tuned_out());
    case.coverage = compromised_coverage();
    case.next_evidence = vec![
        NextEvidence {
            logsource: "exchange/ecp-server".to_owned(),
            path: "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\Logging\\ECP\\Server\\"
                .to_owned(),
            how: "copy the folder for 10 to 28 February 2021, or restore it from backup".to_owned(),
            could_change: "would show whether an earlier configuration write took place in the gap"
                .to_owned(),
        },
        NextEvidence {
            logsource: "exchange/httpproxy-ews".to_owned(),
            path: "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\Logging\\HttpProxy\\Ews\\"
                .to_owned(),
            how: "copy the folder".to_owned(),
            could_change: "would show or exclude that mail was read through the forged session"
                .to_owned(),
        },
    ];
    case.actions = compromised_actions();
    case.custody = compromised_custody();
    settle(&mut case);
    case
}

fn tuned_out() -> TunedOut {
    let rule = |title: &str| finding(9, title, Severity::Low, "none", &[]).rule;
    TunedOut {
        excluded: 12,
        exclusions: vec![ExcludedRules {
            at: "tuning.yml:4:5".to_owned(),
            reason: Some("run by the hunting team".to_owned()),
            rules: 12,
        }],
        hidden: vec![HiddenHits {
            rule: rule("Whoami"),
            hits: 1_204,
            at: "tuning.yml:11:5".to_owned(),
            reason: "health check of the monitoring".to_owned(),
        }],
        levels: vec![LevelChange {
            rule: rule("Command interpreter started by a web worker"),
            from: Severity::High,
            to: Severity::Critical,
            at: "tuning.yml:8:5".to_owned(),
        }],
    }
}

fn unknown_window() -> Window {
    Window {
        chain: "unknown_way_in".to_owned(),
        title: "a way in that this content does not know".to_owned(),
        cves: vec![],
        state: WindowState::Unknown,
        opened: Opened {
            earliest: Some(t("2021-01-03T00:00:00Z")),
            latest: None,
            basis: vec![],
            earliest_basis: "opens with the earliest chain that counts".to_owned(),
        },
        closed: None,
    }
}

fn compromised_claims() -> Vec<Claim> {
    use Question::{Exposed, Hit, StillIn, WhatNow};
    let mut shell = by(
        claim(
            "C7",
            StillIn,
            "artefact.present",
            Some("2021-03-12T08:55:03.120Z"),
            "The web shell /aspnet_client/supp0rt.aspx answered 200 nineteen minutes before the end of the evidence, a day after the patch.",
        ),
        &["F4", "E10"],
    );
    shell.confidence = Confidence::High;
    vec![
        by(
            claim(
                "C1",
                Exposed,
                "vulnerable_build",
                Some("2021-02-10T00:00:00Z"),
                "Build 15.1.2106.2 without the March 2021 update was running from 2021-02-10 at the latest.",
            ),
            &["E1"],
        ),
        by(
            claim(
                "C2",
                Hit,
                "proxylogon.ssrf.requested",
                Some("2021-02-27T03:11:09.402Z"),
                "203.0.113.44 asked for /ecp/y.js with a forged cookie; nothing shows that it was answered.",
            ),
            &["F1", "E2"],
        ),
        by(
            claim(
                "C3",
                Hit,
                "proxylogon.ssrf.proven",
                Some("2021-03-03T04:11:52.101Z"),
                "A forged X-BEResource cookie made the server send a request to its own back end (CVE-2021-26855), from 198.51.100.7.",
            ),
            &["F2", "E3"],
        ),
        by(
            claim(
                "C4",
                Hit,
                "proxylogon.configuration_write.proven",
                Some("2021-03-03T04:12:04.870Z"),
                "The external URL of the offline address book was set to script text through ECP (CVE-2021-27065).",
            ),
            &["F3", "E4"],
        ),
        by(
            claim(
                "C5",
                Hit,
                "proxylogon.web_shell_written.proven",
                Some("2021-03-03T04:12:07.233Z"),
                "C:\\inetpub\\wwwroot\\aspnet_client\\supp0rt.aspx was written by the reset of that address book.",
            ),
            &["F3", "E5", "E6"],
        ),
        by(
            claim(
                "C6",
                Hit,
                "proxylogon.command_execution.proven",
                Some("2021-03-03T04:20:31Z"),
                "The worker process of MSExchangeECPAppPool started a command interpreter.",
            ),
            &["F5", "E7", "E8"],
        ),
        shell,
        by(
            claim(
                "C9",
                Hit,
                "source_addresses",
                None,
                "Source addresses of these steps: 198.51.100.7, 203.0.113.44.",
            ),
            &["E3", "E10"],
        ),
        by(
            claim(
                "C8",
                WhatNow,
                "patched_after_compromise",
                Some("2021-03-11T01:32:40Z"),
                "The update of March 2021 was installed eight days after the break-in: it closes the hole and removes nothing.",
            ),
            &["E9"],
        ),
    ]
}

fn compromised_events() -> Vec<CaseEvent> {
    let mut command = event(7, "2021-03-03T04:20:31Z", "windows/process-creation", "M4", "");
    command.summary = None;
    command.summary_b64 = Some(
        "bm90IGEgY29tbWFuZDogYSBsaW5lIHRoYXQgYSBzY2FubmVyIG1pZ2h0IHRha2UgZm9yIG9uZQ==".to_owned(),
    );
    vec![
        event(
            1,
            "2021-02-10T00:00:04.117Z",
            "exchange/httpproxy-owa",
            "M2",
            "build 15.1.2106.2 stated by HttpProxy",
        ),
        event(
            2,
            "2021-02-27T03:11:09.402Z",
            "exchange/httpproxy-ecp",
            "M3",
            "GET /ecp/y.js from 203.0.113.44, status 500",
        ),
        event(
            3,
            "2021-03-03T04:11:52.101Z",
            "exchange/httpproxy-ecp",
            "M3",
            "POST /ecp/proxyLogon.ecp, AnchorMailbox ServerInfo~a]@EX01:444, status 241",
        ),
        event(
            4,
            "2021-03-03T04:12:04.870Z",
            "exchange/ecp-server",
            "M5",
            "Set-OabVirtualDirectory, ExternalUrl set",
        ),
        event(
            5,
            "2021-03-03T04:12:07.233Z",
            "windows/file-creation",
            "M4",
            "w3wp.exe created C:\\inetpub\\wwwroot\\aspnet_client\\supp0rt.aspx",
        ),
        event(
            6,
            "2021-03-03T04:12:07.244Z",
            "windows/share-access",
            "M6",
            "write to \\\\*\\C$ from 127.0.0.1",
        ),
        command,
        event(
            8,
            "2021-03-03T04:20:33Z",
            "windows/process-creation",
            "M4",
            "w3wp.exe started net.exe with arguments: group",
        ),
        event(
            9,
            "2021-03-11T01:32:40Z",
            "windows/application",
            "M7",
            "MsiInstaller: KB5000871 installed",
        ),
        event(
            10,
            "2021-03-12T08:55:03.120Z",
            "iis/front-end",
            "M8",
            "POST /aspnet_client/supp0rt.aspx 200 from 198.51.100.7",
        ),
    ]
}

fn compromised_findings() -> Vec<Finding> {
    let mut ssrf =
        finding(2, "Forged back end target in HttpProxy", Severity::Critical, "ssrf", &["E3"]);
    ssrf.matched = vec![
        MatchedField {
            field: "AnchorMailbox".into(),
            value: Some("ServerInfo~a]@EX01:444/ecp/proxyLogon.ecp".into()),
            value_b64: None,
        },
        MatchedField { field: "HttpStatus".into(), value: Some("241".into()), value_b64: None },
    ];
    let mut write = finding(
        3,
        "Script text in the URL of a virtual directory",
        Severity::Critical,
        "configuration_write",
        &["E4", "E5"],
    );
    write.matched = vec![MatchedField {
        field: "CMD".into(),
        value: None,
        value_b64: Some("U2V0LU9hYlZpcnR1YWxEaXJlY3RvcnkgKGluZXJ0IHNhbXBsZSk=".into()),
    }];
    let mut shell = finding(
        4,
        "Page that nobody shipped answers in aspnet_client",
        Severity::High,
        "web_shell_reached",
        &["E10"],
    );
    shell.event_count = 9;
    vec![
        finding(1, "Probe for the ECP hole", Severity::Medium, "reconnaissance", &["E2"]),
        ssrf,
        write,
        shell,
        finding(
            5,
            "Command interpreter started by a web worker",
            Severity::High,
            "command_execution",
            &["E7", "E8"],
        ),
    ]
}

fn compromised_coverage() -> Vec<Coverage> {
    let whole = Some(("2021-02-10T00:00:04Z", "2021-03-12T09:14:22Z"));
    let before = |to: &str| gap("2021-01-03T00:00:00Z", to, "before_first_record");
    let mut owa = source("exchange/httpproxy-owa", whole, &["proxylogon.ssrf"]);
    owa.gaps = vec![before("2021-02-10T00:00:04Z")];
    let mut ecp_proxy =
        source("exchange/httpproxy-ecp", whole, &["proxylogon.ssrf", "proxylogon.backend_session"]);
    ecp_proxy.gaps = vec![
        before("2021-02-10T00:00:04Z"),
        gap("2021-02-18T05:00:00Z", "2021-02-18T11:00:00Z", "silence"),
    ];
    let mut ecp = source(
        "exchange/ecp-server",
        Some(("2021-02-28T14:00:00Z", "2021-03-12T09:02:00Z")),
        &["proxylogon.configuration_write"],
    );
    ecp.gaps = vec![before("2021-02-28T14:00:00Z")];
    ecp.records = 1_204;
    let mut sysmon = source(
        "windows/file-creation",
        Some(("2021-03-01T00:00:00Z", "2021-03-12T09:14:00Z")),
        &["proxylogon.web_shell_written", "unknown_way_in.file"],
    );
    sysmon.gaps = vec![before("2021-03-01T00:00:00Z")];
    let mut security = source(
        "windows/security",
        Some(("2021-03-03T00:10:00Z", "2021-03-12T09:14:00Z")),
        &["proxylogon.web_shell_written"],
    );
    security.gaps = vec![
        before("2021-03-03T00:10:00Z"),
        gap("2021-03-05T02:00:00Z", "2021-03-08T19:00:00Z", "cleared"),
    ];
    security.lost = 41;
    let mut iis = source("iis/front-end", whole, &["proxylogon.web_shell_reached"]);
    iis.gaps = vec![before("2021-02-10T00:00:04Z")];
    iis.records = 6_120_334;
    let mut back_end = source("iis/back-end", whole, &["proxylogon.backend_session"]);
    back_end.gaps = vec![before("2021-02-10T00:00:04Z")];
    back_end.contradicted_by = strings(&["proxylogon.backend_session"]);
    vec![
        owa,
        ecp_proxy,
        ecp,
        sysmon,
        security,
        iis,
        back_end,
        source("windows/application", Some(("2019-06-01T00:00:00Z", "2021-03-12T09:00:00Z")), &[]),
        source("exchange/httpproxy-ews", None, &["proxylogon.mail_read"]),
        source("windows/msexchange-management", None, &["proxylogon.configuration_write"]),
        source("files/web-root", None, &["unknown_way_in.file"]),
    ]
}

fn compromised_actions() -> Vec<Action> {
    let mut isolate = action(
        1,
        "isolate",
        "Cut the server off from the internet and from the rest of the network, and keep it running.",
        "no connection of 198.51.100.7 or of any other outside address reaches it",
    );
    isolate.preserve_first =
        strings(&["memory image", "C:\\inetpub\\wwwroot\\aspnet_client", "Security.evtx"]);
    vec![
        isolate,
        action(
            2,
            "preserve",
            "Take a disk image before anything is removed.",
            "the image is hashed and stored away from the server",
        ),
        action(
            3,
            "remove-shell",
            "Remove supp0rt.aspx and look for other pages that nobody shipped.",
            "a listing after the removal shows none, and its URL answers 404",
        ),
        action(
            4,
            "reset-secrets",
            "Reset the secrets of the machine account, of service accounts and of administrators who logged on since 2021-03-03.",
            "each reset is dated after the removal",
        ),
        action(
            5,
            "rebuild",
            "Rebuild the server from known media instead of repairing it.",
            "the new server runs a supported build",
        ),
    ]
}

fn compromised_custody() -> Vec<CustodyItem> {
    let mut security =
        item(6, "EX01.zip!/C/Windows/System32/winevt/Logs/Security.evtx", "evtx", 134_217_728);
    security.read = ReadState::Partial;
    security.issues = vec![Issue {
        code: "chunk_checksum".to_owned(),
        count: 1,
        effect: "chunk 41 at byte 2686976 is damaged: 41 records lost; coverage of windows/security has a gap there; export the log again".to_owned(),
    }];
    vec![
        item(1, "EX01.zip", "zip", 412_334_108),
        item(
            2,
            "EX01.zip!/C/Program Files/Microsoft/Exchange Server/V15/Logging/HttpProxy/Owa/HttpProxy_2021021000-1.LOG",
            "exchange-log",
            8_312_441,
        ),
        item(
            3,
            "EX01.zip!/C/Program Files/Microsoft/Exchange Server/V15/Logging/HttpProxy/Ecp/HttpProxy_2021030304-1.LOG",
            "exchange-log",
            912_004,
        ),
        item(
            4,
            "EX01.zip!/C/Windows/System32/winevt/Logs/Microsoft-Windows-Sysmon%4Operational.evtx",
            "evtx",
            67_112_960,
        ),
        item(
            5,
            "EX01.zip!/C/Program Files/Microsoft/Exchange Server/V15/Logging/ECP/Server/ECPServer20210303-1.LOG",
            "exchange-log",
            402_113,
        ),
        security,
        item(7, "EX01.zip!/C/Windows/System32/winevt/Logs/Application.evtx", "evtx", 20_975_616),
        item(
            8,
            "EX01.zip!/C/inetpub/logs/LogFiles/W3SVC1/u_ex210312.log",
            "iis-w3c",
            1_618_220_431,
        ),
    ]
}

/// The shape of the published dataset: 87 seconds of logs, an attack of seven seconds, a wrong clock.
pub(crate) fn seconds() -> Case {
    let mut case = frame("mxs01.azsentinel.example", "2021-03-14T06:40:38.9Z");
    case.case_id = "mxs01-a1b2c3".into();
    case.host.build = None;
    case.host.build_basis = vec![];
    case.verdict.exposure = Exposure::Exposed;
    case.verdict.compromise = Compromise {
        shown: Level::Compromised,
        not_excluded: Level::Compromised,
        stage: "command_execution".to_owned(),
    };
    case.verdict.claims = strings(&["C3", "C5"]);
    case.clocks = vec![Clock {
        logsource: "windows/security".to_owned(),
        offset_s: Some(18_000),
        from: Some(t("2021-03-14T01:39:11.2Z")),
        to: Some(t("2021-03-14T01:40:38.9Z")),
        basis: strings(&["E1", "E2"]),
    }];
    let mut window = proxylogon_window();
    window.state = WindowState::Open;
    window.opened.latest = Some(t("2021-03-14T06:40:11.1Z"));
    window.closed = None;
    case.windows = vec![window];
    case.claims = seconds_claims();
    case.events = vec![
        event(
            1,
            "2021-03-14T06:40:13.6590000Z",
            "windows/file-creation",
            "M2",
            "System created C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy\\owa\\auth\\ohyeah.aspx",
        ),
        event(
            2,
            "2021-03-14T06:40:15.7310000Z",
            "windows/process-creation",
            "M2",
            "w3wp.exe started cmd.exe",
        ),
    ];
    let span = Some(("2021-03-14T06:39:11.2Z", "2021-03-14T06:40:38.9Z"));
    case.coverage = [
        "windows/sysmon",
        "windows/security",
        "windows/msexchange-management",
        "windows/application",
    ]
    .map(|name| {
        let mut row = source(name, span, &["proxylogon.web_shell_written"]);
        row.gaps =
            vec![gap("2021-01-03T00:00:00Z", "2021-03-14T06:39:11.2Z", "before_first_record")];
        row
    })
    .into();
    case.coverage.push(source("exchange/httpproxy-ecp", None, &["proxylogon.ssrf"]));
    case.coverage.push(source("iis/front-end", None, &["proxylogon.web_shell_reached"]));
    case.actions = vec![action(
        1,
        "isolate",
        "Cut the server off from the network and keep it running.",
        "nothing outside reaches it",
    )];
    case.custody = vec![
        item(1, "proxylogon_ssrf_rce_poc.zip", "zip", 1_041_227),
        item(
            2,
            "proxylogon_ssrf_rce_poc.zip!/proxylogon_ssrf_rce_poc_2021-03-14015000.json",
            "json-lines",
            30_442_119,
        ),
    ];
    settle(&mut case);
    case
}

fn seconds_claims() -> Vec<Claim> {
    use Question::Hit;
    vec![
        by(
            claim(
                "C1",
                Hit,
                "proxylogon.ssrf.proven",
                Some("2021-03-14T06:40:11.1Z"),
                "The Control Panel logged a request whose target was forged; its source is the server itself.",
            ),
            &["E1"],
        ),
        by(
            claim(
                "C2",
                Hit,
                "proxylogon.configuration_write.proven",
                Some("2021-03-14T06:40:12.9Z"),
                "Set-OabVirtualDirectory was run, followed by its removal.",
            ),
            &["E1"],
        ),
        by(
            claim(
                "C3",
                Hit,
                "proxylogon.web_shell_written.proven",
                Some("2021-03-14T06:40:13.6590000Z"),
                "ohyeah.aspx was written under owa\\auth.",
            ),
            &["E1"],
        ),
        by(
            claim(
                "C4",
                Hit,
                "proxylogon.web_shell_reached.proven",
                Some("2021-03-14T06:40:14.2Z"),
                "ohyeah.aspx was compiled by the web server, so it was requested.",
            ),
            &["E1"],
        ),
        by(
            claim(
                "C5",
                Hit,
                "proxylogon.command_execution.proven",
                Some("2021-03-14T06:40:15.7310000Z"),
                "A worker process started a command interpreter.",
            ),
            &["E2"],
        ),
        claim(
            "C6",
            Hit,
            "source_is_the_host",
            None,
            "The source address of these steps is the server itself (127.0.0.1): they were started on it or passed on by something on it. No outside address is in this evidence.",
        ),
    ]
}

/// Nothing found, in logs that had rolled over.
pub(crate) fn insufficient() -> Case {
    let mut case = frame("EX02.contoso.example", "2021-06-30T23:59:58Z");
    case.case_id = "ex02-77aa01".into();
    case.verdict.compromise.not_excluded = Level::Compromised;
    case.verdict.coverage = Adequacy::Inadequate;
    case.verdict.exposure = Exposure::Unknown;
    case.verdict.confidence = Confidence::Low;
    case.host.build = None;
    case.host.build_basis = vec![];
    case.verdict.claims = strings(&["C1"]);
    case.claims = vec![claim(
        "C1",
        Question::Hit,
        "not_excluded",
        None,
        "No source that would show a web shell was read between 2021-01-03 and 2021-06-16, so a break-in is not excluded.",
    )];
    case.windows =
        vec![Window { state: WindowState::Unknown, closed: None, ..proxylogon_window() }];
    let mut iis = source(
        "iis/front-end",
        Some(("2021-06-16T00:00:01Z", "2021-06-30T23:59:58Z")),
        &["proxylogon.web_shell_reached"],
    );
    iis.gaps = vec![gap("2021-01-03T00:00:00Z", "2021-06-16T00:00:01Z", "before_first_record")];
    case.coverage = vec![
        iis,
        source("exchange/httpproxy-ecp", None, &["proxylogon.ssrf"]),
        source("exchange/ecp-server", None, &["proxylogon.configuration_write"]),
        source("files/web-root", None, &["unknown_way_in.file"]),
    ];
    case.next_evidence = vec![NextEvidence {
        logsource: "files/web-root".to_owned(),
        path: "C:\\inetpub\\wwwroot and %ExchangeInstallPath%FrontEnd\\HttpProxy".to_owned(),
        how: "copy both folders with their dates".to_owned(),
        could_change: "would show a page that nobody shipped, whatever the logs have lost"
            .to_owned(),
    }];
    case.custody = vec![item(1, "logs/u_ex210616.log", "iis-w3c", 1_999)];
    settle(&mut case);
    case
}

/// Quiet and well logged: the one shape that may be green.
pub(crate) fn quiet() -> Case {
    let mut case = frame("EX03.contoso.example", "2021-03-12T09:14:22Z");
    case.case_id = "ex03-0042aa".into();
    case.verdict.coverage = Adequacy::Adequate;
    case.verdict.presence = Presence::NotApplicable;
    case.verdict.confidence = Confidence::High;
    case.verdict.green = true;
    case.windows = vec![proxylogon_window()];
    case.events = vec![event(
        1,
        "2021-01-03T00:00:04Z",
        "exchange/httpproxy-owa",
        "M1",
        "build 15.1.2106.2 stated by HttpProxy",
    )];
    let span = Some(("2020-12-01T00:00:00Z", "2021-03-12T09:14:22Z"));
    case.coverage = vec![
        source("exchange/httpproxy-ecp", span, &["proxylogon.ssrf"]),
        source("iis/front-end", span, &["proxylogon.web_shell_reached"]),
    ];
    case.custody = vec![item(1, "logs/HttpProxy_2021010300-1.LOG", "exchange-log", 912_004)];
    settle(&mut case);
    case
}

/// What an attacker would write where a report is to be made of it.
pub(crate) fn hostile_text() -> String {
    [
        concat!("<", "script>document.title='RAN'</", "script>"),
        concat!("\"><", "img src=http://127.0.0.1:49151/x onerror=\"document.title='RAN'\">"),
        concat!("'/><", "svg onload=\"document.title='RAN'\"><a href=java", "script:document.title='RAN'>x</a>"),
        concat!("</", "style><style>body{background:url(http://127.0.0.1:49151/y)}</", "style></title></desc></svg>"),
        "{{ 7*7 }}{% include \"x\" %}[x](http://127.0.0.1:49151/z) http://127.0.0.1:49151/w",
        concat!("<", "meta http-equiv=refresh content=0;url=http://127.0.0.1:49151/r><base href=http://127.0.0.1:49151/>"),
        "<iframe src=http://127.0.0.1:49151/f></iframe><form action=http://127.0.0.1:49151/g><link rel=stylesheet href=http://127.0.0.1:49151/c>",
        "\u{202E}gpj.exe\u{2066}\u{200B}\u{FEFF}\u{E0041}\u{85}\u{9B}31m\u{1B}]0;RAN\u{7}\u{1B}[2J\r\n\t\0 =cmd|x!A1",
        "--><!-- ]]> &#x3C; &lt;",
    ]
    .join(" ")
}

/// [`hostile_text`] in every text of the case, ids included, and a value of a megabyte.
pub(crate) fn hostile() -> Case {
    let evil = hostile_text();
    let mut json = serde_json::to_value(compromised()).unwrap();
    poison(&mut json, &evil, "");
    let mut case: Case = serde_json::from_value(json).unwrap();
    case.impact = vec![Impact {
        asset_type: evil.clone(),
        asset: evil.clone(),
        state: ImpactState::Possible,
        from: None,
        to: None,
        bytes_max: Some(u64::MAX),
        claims: vec![evil.clone(), "C1".to_owned()],
    }];
    case.hypotheses = Some(vec![Hypothesis {
        id: evil.clone(),
        thread: evil.clone(),
        kind: HypothesisKind::Several,
        name: evil.clone(),
        probability: [f64::NAN, f64::INFINITY],
        term: evil.clone(),
        confidence: Confidence::Low,
        supporting: vec![evil.clone()],
        contradicting: vec![],
    }]);
    case.events[0].summary = Some("A".repeat(1_000_000) + &evil);
    case.events[1].time = None;
    case.coverage[0].gaps.push(Gap { from: None, to: None, cause: evil });
    case.claims[1].first = Some(Time::from_unix_nanos(i64::MIN, 9));
    case.claims[2].first = Some(Time::from_unix_nanos(i64::MAX, 9));
    case
}

/// Puts the text in the place of every string but words of closed lists, times and half of the ids.
fn poison(value: &mut serde_json::Value, evil: &str, key: &str) {
    use serde_json::Value;
    const KEPT: [&str; 22] = [
        "shown",
        "not_excluded",
        "exposure",
        "presence",
        "coverage",
        "confidence",
        "question",
        "state",
        "by",
        "engine",
        "level",
        "time",
        "from",
        "to",
        "first",
        "last",
        "earliest",
        "latest",
        "time_basis",
        "status",
        "read",
        "mtime",
    ];
    match value {
        Value::String(text) if !KEPT.contains(&key) => {
            let keep_id = ["id", "supporting", "events", "item", "claims"].contains(&key)
                && text.as_bytes().last().is_some_and(|b| b % 2 == 0);
            if !keep_id {
                *text = format!("{text}{evil}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, evil, key)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(key, value)| poison(value, evil, key));
        }
        _ => {}
    }
}
