//! Which records a rule is for, and under which names they hold its fields.

use super::*;

/// Runs a table of (log source, detection, event, what it matched; nothing if it must not fire).
fn check(table: &[(&str, &str, &str, &[&str])]) {
    for (logsource, detection, json, expected) in table {
        let engine = engine(&rule(logsource, &format!("s: {detection}\ncondition: s")));
        let found = matched(&hits(&engine, &event(json)));
        assert_eq!(found, *expected, "{logsource} {detection} on {json}");
    }
}

const PROCESS: &str = "{product: windows, category: process_creation}";
const SYSMON: &str =
    r#""family": "windows-event", "channel": "microsoft-windows-sysmon/operational""#;
const SECURITY: &str = r#""family": "windows-event", "channel": "Security""#;

#[test]
fn takes_generic_categories_from_all_their_sources() {
    let sysmon = format!(r#"{{{SYSMON}, "event_id": 1, "fields": {{"Image": "C:\\a.exe"}}}}"#);
    let other_id = format!(r#"{{{SYSMON}, "event_id": 5, "fields": {{"Image": "C:\\a.exe"}}}}"#);
    let audit =
        format!(r#"{{{SECURITY}, "event_id": 4688, "fields": {{"NewProcessName": "C:\\a.exe"}}}}"#);
    let no_channel = r#"{"family": "windows-event", "provider": "Microsoft-Windows-Sysmon",
        "event_id": 1, "fields": {"Image": "C:\\a.exe"}}"#;
    let elsewhere = r#"{"family": "windows-event", "channel": "Application", "event_id": 1,
        "provider": "Microsoft-Windows-Sysmon", "fields": {"Image": "C:\\a.exe"}}"#;
    let image = r"{Image|endswith: '\a.exe'}";
    check(&[
        (PROCESS, image, &sysmon, &[r"Image=C:\a.exe"]),
        (PROCESS, image, &other_id, &[]),
        (PROCESS, image, &audit, &[r"NewProcessName=C:\a.exe"]),
        (PROCESS, image, no_channel, &[r"Image=C:\a.exe"]),
        (PROCESS, image, elsewhere, &[]),
        ("{category: process_creation}", image, &sysmon, &[r"Image=C:\a.exe"]),
        ("{product: windows}", image, elsewhere, &[r"Image=C:\a.exe"]),
        (
            "{product: windows, category: process_creation, service: sysmon}",
            image,
            &sysmon,
            &[r"Image=C:\a.exe"],
        ),
        ("{product: windows, category: process_creation, service: sysmon}", image, &audit, &[]),
    ]);
}

#[test]
fn reads_registry_and_network_from_the_security_log() {
    let written = format!(
        r#"{{{SECURITY}, "event_id": 4657, "fields": {{"ObjectName": "\\REGISTRY\\MACHINE\\Run",
        "ObjectValueName": "x", "NewValue": "a.exe", "OperationType": "%%1904"}}}}"#
    );
    let deleted = written.replace("%%1904", "%%1906");
    let key = format!(
        r#"{{{SYSMON}, "event_id": 12, "fields": {{"TargetObject": "HKLM\\Run\\x", "EventType": "CreateKey"}}}}"#
    );
    let connected = format!(
        r#"{{{SECURITY}, "event_id": 5156, "fields": {{"DestAddress": "10.0.0.1", "DestPort": "443"}}}}"#
    );
    let value = r"{TargetObject|endswith: '\Run\x'}";
    let whole: &[&str] = &[r"TargetObject=\REGISTRY\MACHINE\Run\x"];
    check(&[
        ("{product: windows, category: registry_set}", value, &written, whole),
        ("{product: windows, category: registry_set}", value, &deleted, &[]),
        ("{product: windows, category: registry_delete}", value, &deleted, whole),
        ("{product: windows, category: registry_event}", value, &deleted, whole),
        ("{product: windows, category: registry_add}", value, &key, &[r"TargetObject=HKLM\Run\x"]),
        ("{product: windows, category: registry_delete}", value, &key, &[]),
        (
            "{product: windows, category: network_connection}",
            "{DestinationIp|cidr: 10.0.0.0/8, DestinationPort: 443}",
            &connected,
            &["DestAddress=10.0.0.1", "DestPort=443"],
        ),
    ]);
}

#[test]
fn strips_the_blanks_of_defender() {
    let found = r#"{"family": "windows-event", "channel": "Microsoft-Windows-Windows Defender/Operational",
        "event_id": 1116, "fields": {"Threat Name": "Backdoor:X", "Path": "C:\\x"}}"#;
    check(&[
        ("{category: antivirus}", "{Signature|contains: back}", found, &["Threat Name=Backdoor:X"]),
        (
            "{product: windows, service: windefend}",
            "{EventID: 1116, ThreatName|startswith: back}",
            found,
            &[],
        ),
    ]);
    let with_id = found.replace("\"Path\"", "\"EventID\": 1116, \"Path\"");
    check(&[(
        "{product: windows, service: windefend}",
        "{EventID: 1116, ThreatName|startswith: back}",
        &with_id,
        &["EventID=1116", "Threat Name=Backdoor:X"],
    )]);
}

#[test]
fn strips_the_blanks_of_any_name() {
    let changed = |fields: &str| format!("{{{SECURITY}, \"event_id\": 1, \"fields\": {fields}}}");
    let security = "{product: windows, service: security}";
    let item = "{SAMUserAccount: x}";
    check(&[
        (security, item, &changed(r#"{"SAM User Account": "x"}"#), &["SAM User Account=x"]),
        (security, item, &changed(r#"{"Sam user account": "x"}"#), &["Sam user account=x"]),
        (security, item, &changed(r#"{"SAMUserAccount": "y", "SAM User Account": "x"}"#), &[]),
        (security, "{SAM User Account: x}", &changed(r#"{"SAMUserAccount": "x"}"#), &[]),
    ]);
}

#[test]
fn of_a_head_name_only_the_first_counts() {
    let cleared = r#"{"family": "windows-event", "channel": "System", "event_id": 104,
        "fields": {"Channel": ["Application", "System"], "Data": ["a", "b"]}}"#;
    let system = "{product: windows, service: system}";
    check(&[
        (system, "{Channel: Application}", cleared, &["Channel=Application"]),
        (system, "{Channel: System}", cleared, &[]),
        (system, "{Data: b}", cleared, &["Data=b"]),
    ]);
}

#[test]
fn the_event_id_is_that_of_the_head() {
    let own = r#"{"family": "windows-event", "channel": "System", "event_id": 104,
        "fields": {"EventID": [7, 104]}}"#;
    let system = "{product: windows, service: system}";
    check(&[(system, "{EventID: 104}", own, &["EventID=104"]), (system, "{EventID: 7}", own, &[])]);
}

#[test]
fn renders_the_message_of_exchange_management() {
    let raw = r#"{"family": "windows-event", "channel": "MSExchange Management", "event_id": 1,
        "fields": {"Data": ["Set-OabVirtualDirectory", "-ExternalUrl \"http://f\" -Identity \"x\"", "user"]}}"#;
    let failed = raw.replace("\"event_id\": 1", "\"event_id\": 6");
    let rendered = r#"{"family": "windows-event", "channel": "MSExchange Management", "event_id": 1,
        "fields": {"Message": "Cmdlet suceeded. Cmdlet Set-OabVirtualDirectory, parameters  -ExternalUrl \"http://f\"."}}"#;
    let own = r#"{"family": "windows-event", "channel": "MSExchange Management", "event_id": 1,
        "fields": {"Data": ["Set-OabVirtualDirectory", "-ExternalUrl x"], "Message": "other"}}"#;
    let source = "{product: windows, service: msexchange-management}";
    let text = "Cmdlet suceeded. Cmdlet Set-OabVirtualDirectory, parameters -ExternalUrl \"http://f\" -Identity \"x\".";
    let message: &str = &format!("Message={text}");
    let failure: &str = &message.replace("suceeded", "failed");
    let own_words = "Message=Cmdlet suceeded. Cmdlet Set-OabVirtualDirectory, parameters  -ExternalUrl \"http://f\".";
    check(&[
        (source, "{'|all': [' -ExternalUrl ', 'parameters -']}", raw, &[message]),
        (source, "{Message|contains: ' -ExternalUrl '}", raw, &[message]),
        (source, "[' -ExternalUrl ']", rendered, &[own_words]),
        (source, "[' -ExternalUrl ']", own, &[]),
        (source, "['Cmdlet failed']", &failed, &[failure]),
    ]);
}

#[test]
fn looks_in_the_message_of_exchange_management_for_what_its_values_shall_hold() {
    let of = |id: u32, fields: &str| {
        format!(
            r#"{{"family": "windows-event", "channel": "MSExchange Management", "event_id": {id}, "fields": {fields}}}"#
        )
    };
    let raw = of(6, r#"{"Data": ["Get-App", "-Mailbox x", "user"]}"#);
    let rendered = of(6, r#"{"Message": "Cmdlet failed. Cmdlet Get-App, parameters -Mailbox x."}"#);
    let thrown = of(8, r#"{"Data": ["12460", "9", "Get-App", "Get-App", "System.E: m"]}"#);
    let source = "{product: windows, service: msexchange-management}";
    let text = "Cmdlet failed. Cmdlet Get-App, parameters -Mailbox x.";
    let exception = "(PID 12460, Thread 9) Task Get-App throwing unhandled exception: System.E: m";
    check(&[
        (source, "{Data: Get-App}", &raw, &["Data=Get-App"]),
        (source, "{Data|contains: 'Cmdlet Get-App, '}", &raw, &[&format!("Data={text}")]),
        (source, "{Data|contains: 'Cmdlet Get-App, '}", &rendered, &[&format!("Message={text}")]),
        (
            source,
            "{Data|contains: 'exception: System.E'}",
            &thrown,
            &[&format!("Data={exception}")],
        ),
        (source, "['Cmdlet failed']", &thrown, &[]),
    ]);
}

#[test]
fn judges_web_rules_under_both_views_of_the_query() {
    let iis = r#"{"family": "iis-w3c", "fields": {"cs-uri-stem": "/ecp/y.js", "cs-uri-query": "a=1",
        "cs-method": "POST", "sc-status": 200, "cs(User-Agent)": "curl/7"}}"#;
    let bare =
        r#"{"family": "iis-w3c", "fields": {"cs-uri-stem": "/ecp/y.js", "cs-uri-query": null}}"#;
    let proxy = r#"{"family": "exchange-log", "channel": "HttpProxy Logs", "fields": {"UrlStem": "/ecp/y.js",
        "UrlQuery": "?a=1", "Method": "POST", "HttpStatus": "200", "UserAgent": "curl/7", "ClientIpAddress": "10.0.0.1"}}"#;
    let ecp = r#"{"family": "exchange-log", "channel": "ECP Server Log", "fields": {"cs-uri-stem": "/ecp/y.js"}}"#;
    let web = "{category: webserver}";
    check(&[
        (web, "{cs-uri-query|contains: '/ecp/y.js?a=1'}", iis, &["cs-uri-query=/ecp/y.js?a=1"]),
        (web, "{cs-uri-query: 'a=1'}", iis, &["cs-uri-query=a=1"]),
        (web, "{cs-uri-query|startswith: '/ecp'}", bare, &["cs-uri-query=/ecp/y.js"]),
        (web, "{cs-uri-query|contains: '/ecp/y.js?a=1'}", proxy, &["cs-uri-query=/ecp/y.js?a=1"]),
        (
            web,
            "{cs-uri-query: '?a=1', cs-uri-stem: '/ecp/y.js'}",
            proxy,
            &["UrlQuery=?a=1", "UrlStem=/ecp/y.js"],
        ),
        (web, "{cs-method: POST, sc-status: 200}", proxy, &["Method=POST", "HttpStatus=200"]),
        (web, "{cs-user-agent|startswith: curl}", iis, &["cs(User-Agent)=curl/7"]),
        (
            web,
            "{c-ip|cidr: 10.0.0.0/8, cs-user-agent|startswith: curl}",
            proxy,
            &["ClientIpAddress=10.0.0.1", "UserAgent=curl/7"],
        ),
        (web, "{cs-uri-stem: '/ecp/y.js'}", ecp, &[]),
        (
            "{product: exchange, service: ecp-server}",
            "{cs-uri-stem: '/ecp/y.js'}",
            ecp,
            &["cs-uri-stem=/ecp/y.js"],
        ),
        (
            "{product: exchange, service: httpproxy}",
            "{UrlStem: '/ecp/y.js'}",
            proxy,
            &["UrlStem=/ecp/y.js"],
        ),
    ]);
}

#[test]
fn groups_name_the_rules_that_a_record_could_meet() {
    let files = [
        file("a.yml", &rule(PROCESS, "s: {Image: x}\ncondition: s")),
        file(
            "b.yml",
            &rule(
                "{product: windows, service: security}",
                "s: {EventID: 4625, A: x}\ncondition: s",
            ),
        ),
        file("c.yml", &rule("{product: windows, service: security}", "s: {A: y}\ncondition: s")),
    ];
    let (engine, _, _) = load(&files);
    let group = |channel: &str, id: u32| {
        let json = format!(
            r#"{{"family": "windows-event", "channel": "{channel}", "event_id": {id}, "fields": {{}}}}"#
        );
        let group = engine.run(&event(&json), &mut SigmaScratch::default(), &mut |_| {});
        engine.group_rules(group).iter().map(|rule| rule.0).collect::<Vec<_>>()
    };
    assert_eq!(group("Security", 4688), [0, 2]);
    assert_eq!(group("Security", 4625), [1, 2]);
    assert_eq!(group("security", 9999), [2]);
    assert_eq!(group("Microsoft-Windows-Sysmon/Operational", 1), [0]);
    assert_eq!(group("Microsoft-Windows-Sysmon/Operational", 2), [0_u32; 0]);
    assert_eq!(group("Nobody's", 1), [0_u32; 0]);
    let other = event(r#"{"family": "nobodys", "fields": {"A": "y"}}"#);
    let group = engine.run(&other, &mut SigmaScratch::default(), &mut |_| {});
    assert_eq!(engine.group_rules(group), []);
}

#[test]
fn memory_of_one_event_does_not_leak_into_the_next() {
    let files = [
        file(
            "a.yml",
            &rule("{category: webserver}", "s: {cs-uri-query|contains: zzz}\ncondition: s"),
        ),
        file("b.yml", &rule("{category: webserver}", "s: {cs-uri-stem: /b}\ncondition: s")),
    ];
    let (engine, _, _) = load(&files);
    let mut scratch = SigmaScratch::default();
    let rows = [
        (r#"{"cs-uri-stem": "/a", "cs-uri-query": "zzz"}"#, vec![0]),
        (r#"{"cs-uri-stem": "/b", "cs-uri-query": null}"#, vec![1]),
        (r#"{"cs-uri-query": "x", "cs-uri-stem": "/B"}"#, vec![1]),
        (r#"{"cs-uri-stem": "/c"}"#, vec![]),
        ("{}", vec![]),
        (r#"{"cs-uri-stem": "/zzz"}"#, vec![0]),
    ];
    for (fields, expected) in rows {
        let row = event(&format!(r#"{{"family": "iis-w3c", "fields": {fields}}}"#));
        let mut fired = Vec::new();
        engine.run(&row, &mut scratch, &mut |hit| fired.push(hit.rule.0));
        assert_eq!(fired, expected, "{fields}");
    }
}
