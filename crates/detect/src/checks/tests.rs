//! The checks against real content: what must be found, and the near misses that must not.

use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{content_files, event};

struct Bench {
    checks: Checks,
    rules: Vec<RuleMeta>,
}

impl Bench {
    fn new() -> Self {
        let mut rules = Vec::new();
        let checks = Checks::parse(&content_files(), 0, &mut rules).unwrap();
        Self { checks, rules }
    }

    /// `name script` of each hit.
    fn found(&self, value: &Json) -> String {
        let (mut memo, mut hits) = (Memo::default(), Vec::new());
        let group = self.checks.run(&event(value), &mut memo, &mut hits);
        let first: Vec<String> = hits.drain(..).map(|hit| self.line(&hit, group)).collect();
        self.checks.run(&event(value), &mut memo, &mut hits);
        let again: Vec<String> = hits.drain(..).map(|hit| self.line(&hit, group)).collect();
        assert_eq!(first, again, "the memory gives the same");
        first.join(", ")
    }

    fn line(&self, hit: &Hit, group: u32) -> String {
        assert!(self.checks.group_rules(group).contains(&hit.rule), "a hit is of its group");
        let name = self.rules[hit.rule.0 as usize].name.clone().unwrap();
        let subject =
            hit.matched.iter().find(|m| m.field == "script" || m.field == "page").unwrap();
        format!("{name} {}", subject.value.as_deref().unwrap())
    }
}

fn iis(path: &str, status: u16) -> Json {
    json!({"family": "iis-w3c", "fields": {"cs-method": "GET", "cs-uri-stem": path,
        "cs-username": null, "c-ip": "203.0.113.5", "sc-status": status.to_string()}})
}

#[test]
fn requests_are_compared_with_the_list() {
    let bench = Bench::new();
    let answered = |url: &str| format!("unlisted_script_answered {url}");
    let requested = |url: &str| format!("unlisted_script_requested {url}");
    let cases = [
        ("/owa/auth/ohyeah.aspx", 200, answered("/owa/auth/ohyeah.aspx")),
        ("/owa/auth/OhYeah.ASPX/x/y", 200, answered("/owa/auth/ohyeah.aspx")),
        ("/owa/auth/ohyeah.aspx", 302, requested("/owa/auth/ohyeah.aspx")),
        ("/owa/auth/ohyeah.aspx", 404, requested("/owa/auth/ohyeah.aspx")),
        ("/owa/auth/ohyeah.aspx", 500, requested("/owa/auth/ohyeah.aspx")),
        // A stock name in another folder, and a name one letter off.
        ("/owa/auth/timeoutlogout.aspx", 200, answered("/owa/auth/timeoutlogout.aspx")),
        ("/ecp/auth/TimeoutLogout.aspx", 200, String::new()),
        (
            "/owa/auth/RedirSuiteServerProxy.aspx",
            200,
            answered("/owa/auth/redirsuiteserverproxy.aspx"),
        ),
        ("/owa/auth/RedirSuiteServiceProxy.aspx", 200, String::new()),
        (
            "/owa/auth/Current/themes/errorFS.aspx",
            200,
            answered("/owa/auth/current/themes/errorfs.aspx"),
        ),
        ("/owa/auth/15.1.2106/logon.aspx", 200, answered("/owa/auth/15.1.2106/logon.aspx")),
        ("/aspnet_client/system_web/x.aspx", 200, answered("/aspnet_client/system_web/x.aspx")),
        ("/aspnet_client/x.php", 404, requested("/aspnet_client/x.php")),
        ("/oab/x.aspx", 200, answered("/oab/x.aspx")),
        ("/owa/auth/web.config", 404, String::new()),
        // What Exchange answers, from either tree, also where no file exists.
        ("/owa/auth/logon.aspx", 200, String::new()),
        ("/owa/auth/errorFE.aspx", 200, String::new()),
        ("/owa/integrated/default.aspx", 200, String::new()),
        ("/owa/service.svc/s/GetFileAttachment", 200, String::new()),
        ("/owa/name@example.com/service.svc", 200, String::new()),
        ("/owa/sessiondata.ashx", 200, String::new()),
        ("/owa/auth.owa", 302, String::new()),
        ("/owa/15.1.2106.2/scripts/boot.js", 200, String::new()),
        ("/owa/calendar/name@example.com/Calendar/service.svc", 200, String::new()),
        ("/ecp/default.aspx", 200, String::new()),
        ("/ecp/logoff.aspx", 200, String::new()),
        ("/ecp/RulesEditor/InboxRules.svc/GetList", 200, String::new()),
        ("/ecp/DDI/DDIService.svc/SetObject", 200, String::new()),
        ("/ecp/15.1.2375.7/scripts/js.axd", 200, String::new()),
        (
            "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
            200,
            String::new(),
        ),
        ("/EWS/Exchange.asmx", 200, String::new()),
        ("/ews/mrsproxy.svc", 200, String::new()),
        ("/autodiscover/autodiscover.svc/wssecurity", 200, String::new()),
        ("/autodiscover/autodiscover.json/v1.0/a@example.com", 200, String::new()),
        ("/Microsoft-Server-ActiveSync/default.eas", 200, String::new()),
        ("/mapi/emsmdb/", 200, String::new()),
        ("/rpc/rpcproxy.dll", 200, String::new()),
        // Another product's pages.
        ("/_layouts/15/start.aspx", 200, String::new()),
        ("/api/orders.svc", 200, String::new()),
        ("/default.aspx", 200, String::new()),
    ];
    for (path, status, expected) in cases {
        assert_eq!(bench.found(&iis(path, status)), expected, "{path} {status}");
    }
}

#[test]
fn an_answer_must_show_that_the_script_exists() {
    let bench = Bench::new();
    let with = |name: &str, value: Json| {
        let mut row = iis("/owa/auth/x.aspx", 200);
        row["fields"][name] = value;
        bench.found(&row)
    };
    assert_eq!(with("cs-method", json!("POST")), "unlisted_script_answered /owa/auth/x.aspx");
    assert_eq!(with("cs-method", json!("options")), "unlisted_script_requested /owa/auth/x.aspx");
    assert_eq!(with("sc-status", json!(204)), "unlisted_script_answered /owa/auth/x.aspx");
    for unknown in [Json::Null, json!("2OO"), json!("-200"), json!("65736")] {
        assert_eq!(with("sc-status", unknown), "unlisted_script_requested /owa/auth/x.aspx");
    }
}

#[test]
fn monitoring_is_a_user_and_an_address() {
    let bench = Bench::new();
    let row = |user: &str, client: &str| {
        bench.found(&json!({"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {
            "UrlStem": "/ecp/probe.aspx", "HttpStatus": "200", "Method": "GET",
            "AuthenticatedUser": user, "ClientIpAddress": client}}))
    };
    assert_eq!(row("DOM\\HealthMailboxab", "::1"), "");
    assert_eq!(row("HealthMailboxab@dom", "::ffff:127.0.0.1"), "");
    let found = "unlisted_script_answered /ecp/probe.aspx";
    assert_eq!(row("DOM\\HealthMailboxab", "203.0.113.5"), found);
    assert_eq!(row("DOM\\somebody", "127.0.0.1"), found);
}

#[test]
fn urls_that_other_products_use_count_in_the_product_s_own_log() {
    let bench = Bench::new();
    let row = json!({"family": "exchange-log", "channel": "HttpProxy Logs",
        "fields": {"UrlStem": "/api/x.aspx", "HttpStatus": 200}});
    assert_eq!(bench.found(&row), "unlisted_script_answered /api/x.aspx");
}

#[test]
fn files_are_compared_with_the_list() {
    let bench = Bench::new();
    let listed = "\\frontend\\httpproxy\\owa\\auth\\logon.aspx";
    let table = content_files().into_iter().find(|f| f.name.ends_with("known-files.csv")).unwrap();
    let table = String::from_utf8(table.bytes).unwrap();
    let hash = table.lines().find(|l| l.starts_with(listed)).unwrap().split(',').nth(1).unwrap();
    let file = |path: &str, hash: &str| {
        bench.found(&json!({"family": "web-file", "fields": {"path": path, "sha256": hash}}))
    };
    let v15 = "C:\\Program Files\\Microsoft\\Exchange Server\\V15";
    let other = "0".repeat(64);
    for (path, hash, expected) in [
        (format!("{v15}{listed}"), hash, ""),
        (format!("E:/Exchange2016{}", listed.replace('\\', "/").to_uppercase()), hash, ""),
        (format!("{v15}{listed}"), &other, "changed_script_file /owa/auth/logon.aspx"),
        (format!("{v15}{listed}"), "", ""),
        (
            format!("{v15}\\FrontEnd\\HttpProxy\\owa\\auth\\ohyeah.aspx"),
            hash,
            "unlisted_script_file /owa/auth/ohyeah.aspx",
        ),
        // The right content in the wrong place, also below a folder that imitates the tree.
        (
            format!("{v15}\\FrontEnd\\HttpProxy\\oab{listed}"),
            hash,
            "unlisted_script_file /oab/frontend/httpproxy/owa/auth/logon.aspx",
        ),
        (
            "C:\\inetpub\\wwwroot\\aspnet_client\\system_web\\4_0_30319\\a.ashx".to_owned(),
            hash,
            "unlisted_script_file /aspnet_client/system_web/4_0_30319/a.ashx",
        ),
        (
            format!("{v15}\\ClientAccess\\exchweb\\ews\\x.asmx"),
            hash,
            "unlisted_script_file /ews/x.asmx",
        ),
        (
            format!("{v15}\\ClientAccess\\x.aspx"),
            hash,
            "unlisted_script_file \\clientaccess\\x.aspx",
        ),
        (format!("{v15}\\FrontEnd\\HttpProxy\\owa\\web.config"), &other, ""),
        ("C:\\inetpub\\wwwroot\\app\\x.aspx".to_owned(), hash, ""),
    ] {
        assert_eq!(file(&path, hash), expected, "{path}");
    }
}

#[test]
fn compiled_pages_are_compared_with_the_list() {
    let bench = Bench::new();
    let temp = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Temporary ASP.NET Files";
    for (below, expected) in [
        (
            "owa\\8e05b027\\e164d61b\\ohyeah.aspx.f5dba9b9.compiled",
            "unlisted_compiled_page ohyeah.aspx",
        ),
        (
            "OWA\\8e05b027\\e164d61b\\OhYeah.aspx.F5DBA9B9.Compiled",
            "unlisted_compiled_page ohyeah.aspx",
        ),
        ("owa\\8e05b027\\e164d61b\\logon.aspx.cdcab7d2.compiled", ""),
        ("owa\\8e05b027\\e164d61b\\service.svc.cdcab7d2.compiled", ""),
        ("owa\\8e05b027\\e164d61b\\global.asax.cdcab7d2.compiled", ""),
        ("ecp\\1\\2\\error.aspx.cdcab7d2.compiled", ""),
        ("ecp\\1\\2\\ohyeah.aspx.cdcab7d2.compiled", "unlisted_compiled_page ohyeah.aspx"),
        ("owa_calendar\\1\\2\\x.aspx.1.compiled", "unlisted_compiled_page x.aspx"),
        ("root\\1\\2\\x.aspx.1.compiled", ""),
        ("shop\\1\\2\\x.aspx.1.compiled", ""),
        ("owa\\1\\2\\App_Web_x.dll", ""),
    ] {
        let row = json!({"family": "windows-event", "channel": "Microsoft-Windows-Sysmon/Operational",
            "event_id": 11, "fields": {"TargetFilename": format!("{temp}\\{below}")}});
        assert_eq!(bench.found(&row), expected, "{below}");
    }
}

#[test]
fn a_compiled_file_that_names_its_page_is_judged_by_it() {
    let bench = Bench::new();
    for (page, expected) in [
        (
            "/aspnet_client/system_web/x.aspx",
            "unlisted_compiled_page /aspnet_client/system_web/x.aspx",
        ),
        ("/owa/auth/TimeoutLogout.aspx", "unlisted_compiled_page /owa/auth/timeoutlogout.aspx"),
        ("/owa/auth/logon.aspx", ""),
        ("/shop/x.aspx", ""),
    ] {
        let row = json!({"family": "web-file", "fields": {
            "path": "E:\\copy\\x.aspx.f5dba9b9.compiled", "virtualPath": page}});
        assert_eq!(bench.found(&row), expected, "{page}");
    }
}

#[test]
fn the_memory_is_bounded() {
    let bench = Bench::new();
    let (mut memo, mut hits) = (Memo::default(), Vec::new());
    for n in 0..MEMO_MAX * 2 {
        bench.checks.run(&event(&iis(&format!("/owa/{n}.aspx"), 404)), &mut memo, &mut hits);
    }
    assert_eq!(hits.len(), MEMO_MAX * 2);
    assert!(memo.urls[0].values().all(|urls| urls.len() <= MEMO_MAX));
}
