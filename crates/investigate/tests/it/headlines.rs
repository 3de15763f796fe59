//! The headline that each forged scenario must get.

use model::Time;
use model::case::{Adequacy, Case, Exposure, Level, Presence, Window, WindowState};

use crate::support::{claim, forged_case, scenario};

#[test]
fn every_scenario_gets_its_headline() {
    let expected = [
        ("quiet", "NO EVIDENCE OF ATTACK", true),
        ("quiet_patched", "NO EVIDENCE OF ATTACK", true),
        ("quiet_rolled", "INSUFFICIENT EVIDENCE", false),
        ("quiet_first_days_missing", "INSUFFICIENT EVIDENCE", false),
        ("scanned", "SCANNED ONLY", true),
        ("scanned_patched", "SCANNED ONLY", true),
        ("attempted", "ATTACKED, NOT BROKEN INTO", true),
        ("compromised", "COMPROMISED", false),
        ("other_forms", "COMPROMISED", false),
        ("mailbox_read", "COMPROMISED", false),
        ("proxyshell", "COMPROMISED", false),
        ("proxyshell_scanned", "ATTACKED, NOT BROKEN INTO", true),
        ("shell_removed", "COMPROMISED", false),
        ("wiped", "COMPROMISED", false),
        ("clock_shift", "COMPROMISED", false),
        ("no_sysmon", "COMPROMISED", false),
        ("table_only", "COMPROMISED", false),
        ("demo", "COMPROMISED", false),
    ];
    for (name, headline, green) in expected {
        let case = forged_case(&scenario(name), None);
        assert_eq!(
            (case.verdict.headline.as_str(), case.verdict.green),
            (headline, green),
            "{name}"
        );
    }
}

#[test]
fn exposure_follows_the_builds() {
    let exposure = |name| forged_case(&scenario(name), None).verdict.exposure;
    assert_eq!(exposure("quiet"), Exposure::WasExposed);
    assert_eq!(exposure("quiet_patched"), Exposure::NotExposed);
}

/// The quiet scenario on an old cumulative update, which got the hotfix of March 2021.
fn old_cumulative_update(as_of: &str) -> Case {
    let text = forge::builtin("quiet").unwrap();
    let text = text.replace("15.1.2106.13", "15.1.2044.13").replace("15.1.2106.2", "15.1.2044.4");
    forged_case(&forge::Scenario::parse(&text).unwrap(), Time::parse(as_of))
}

fn window<'c>(case: &'c Case, chain: &str) -> Option<&'c Window> {
    case.windows.iter().find(|w| w.chain == chain)
}

#[test]
fn the_march_hotfix_on_an_old_cumulative_update_leaves_proxyshell_open() {
    let case = old_cumulative_update("2021-09-01T00:00:00Z");
    assert_eq!(window(&case, "proxylogon").unwrap().state, WindowState::Closed);
    let shell = window(&case, "proxyshell").unwrap();
    assert_eq!(shell.state, WindowState::Open);
    let token = window(&case, "proxytoken").unwrap();
    assert!(token.title.ends_with("(exposure only)"), "{}", token.title);
    assert!(shell.opened.earliest <= shell.opened.latest, "{:?}", shell.opened);
    assert_eq!(case.verdict.exposure, Exposure::Exposed);
    assert_eq!(window(&case, "proxynotshell"), None, "nobody knew of it then");
}

#[test]
fn what_nobody_looks_for_is_never_excluded() {
    let case = old_cumulative_update("2021-09-01T00:00:00Z");
    assert_eq!(case.verdict.compromise.not_excluded, Level::Compromised);
    assert!(!case.verdict.green && case.verdict.coverage != Adequacy::Adequate);
    let limit = claim(&case, "not_excluded").unwrap();
    assert!(limit.text.contains("ProxyToken"), "{}", limit.text);
    assert!(case.not_assessed.iter().any(|l| l.starts_with("hit?") && l.contains("ProxyToken")));
    // At its own end the same evidence is green: the later holes were not known, and are not mentioned.
    let then = old_cumulative_update("2021-03-05T05:59:59Z");
    assert!(then.verdict.green, "{:?}", then.verdict);
    let later = ["ProxyShell", "ProxyToken"];
    assert!(!then.claims.iter().any(|c| later.iter().any(|name| c.text.contains(name))));
}

#[test]
fn a_shell_that_is_gone_is_not_called_present() {
    let presence = |name| forged_case(&scenario(name), None).verdict.presence;
    assert_eq!(presence("compromised"), Presence::Present);
    assert_eq!(presence("shell_removed"), Presence::Removed);
    assert_eq!(presence("quiet"), Presence::NotApplicable);
}

#[test]
fn a_source_that_was_wiped_is_named_and_excludes_nothing() {
    let case = forged_case(&scenario("wiped"), None);
    let silent: Vec<&str> = case
        .coverage
        .iter()
        .filter(|c| !c.contradicted_by.is_empty())
        .map(|c| c.logsource.as_str())
        .collect();
    assert!(silent.contains(&"exchange/httpproxy-ecp"), "{silent:?}");
    assert!(claim(&case, "silent_source.exchange/httpproxy-ecp").is_some());
}

#[test]
fn nothing_is_called_silent_where_all_sources_speak() {
    let case = forged_case(&scenario("demo"), None);
    let silent: Vec<&str> = case
        .claims
        .iter()
        .filter(|c| c.statement.starts_with("silent_source."))
        .map(|c| c.text.as_str())
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn the_mailbox_read_is_an_impact_and_nothing_else_is() {
    let impact = |name| forged_case(&scenario(name), None).impact;
    assert_eq!(impact("mailbox_read").len(), 1);
    assert!(impact("compromised").is_empty());
}
