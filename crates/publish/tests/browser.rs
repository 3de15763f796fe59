//! The hostile report in a real browser: nothing runs, nothing is asked for.
//!
//! Needs Chromium on the PATH and says loudly when there is none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::process::Command;

use assay_publish::report_html;

/// Where the hostile text points; nobody listens there.
const ELSEWHERE: &str = "127.0.0.1:49151";

/// What a browser made of a page.
struct Visit {
    dom: String,
    net_log: String,
}

fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success())
    })
}

fn visit(browser: &str, html: &str) -> Visit {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let log = folder.path().join("net.json");
    fs_err::write(&page, html).unwrap();
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--no-first-run", "--timeout=20000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Visit { dom: String::from_utf8_lossy(&out.stdout).into_owned(), net_log: read(&log) }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs_err::read(path).unwrap()).into_owned()
}

fn title(dom: &str) -> &str {
    dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap()
}

#[test]
fn a_hostile_report_runs_nothing_and_asks_for_nothing() {
    let Some(browser) = browser() else {
        println!("SKIPPED: no Chromium on the PATH, so the report was NOT opened in a browser");
        return;
    };
    // First a page that does both, so that this test is known to see it.
    let loud = format!(
        "<title>quiet</title><{}>document.title='RAN'</{}><img src=\"http://{ELSEWHERE}/x\">",
        "script", "script"
    );
    let seen = visit(browser, &loud);
    assert_eq!(title(&seen.dom), "RAN");
    assert!(seen.net_log.contains(ELSEWHERE), "the log of the network shows requests");

    let html = report_html(&support::hostile());
    let seen = visit(browser, &html);
    assert!(title(&seen.dom).starts_with("COMPROMISED: EX01"), "{}", title(&seen.dom));
    assert!(!seen.net_log.contains(ELSEWHERE), "the report asked for something");
    for tag in ["script", "img", "iframe", "form", "base", "link", "object", "embed", "input"] {
        assert!(!seen.dom.contains(&format!("<{tag}")), "<{tag}> came to life");
    }
    // The browser's own reading ends where ours ends: no text broke out of its place.
    let end: String = seen.dom.split_whitespace().collect();
    assert!(end.ends_with("</footer></body></html>"), "the end of the page is lost");
    let ours = html.matches("<table").count();
    assert_eq!(seen.dom.matches("<table").count(), ours);
}
