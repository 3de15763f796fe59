//! The README's picture: the demo's report in a headless browser.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::demo;

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const SIZE: &str = "1100,2240";
/// Shows the verdict and the time axis alone, so that both fit into one picture.
const STYLE: &str = "<style>section:not(#verdict, #picture) { display: none }</style></head>";

/// Makes `docs/report.png`.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    demo::in_temporary_folder(|folder| {
        let page = demo::page(root, folder)?;
        let report = page.lines().find_map(|line| line.strip_prefix("REPORT"));
        let report = report.ok_or("the demo named no report")?.trim();
        let text = fs_err::read_to_string(folder.join(report)).map_err(|e| e.to_string())?;
        let shown = folder.join("shown.html");
        fs_err::write(&shown, cut(&text)).map_err(|e| e.to_string())?;
        shoot(&shown, &root.join("docs/report.png"))
    })
}

/// A copy of the report with a style of ours, which the report's own policy would refuse.
fn cut(report: &str) -> String {
    let policy = |line: &&str| !line.contains("Content-Security-Policy");
    let lines: Vec<&str> = report.lines().filter(policy).collect();
    lines.join("\n").replacen("</head>", STYLE, 1)
}

fn shoot(page: &Path, picture: &Path) -> Result<(), String> {
    for browser in BROWSERS {
        let mut command = Command::new(browser);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--window-size={SIZE}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {
                println!("{}: look at it before you commit it", picture.display());
                return Ok(());
            }
            Ok(status) => return Err(format!("{browser}: {status}")),
            Err(_) => {}
        }
    }
    Err(format!("none of {} is installed", BROWSERS.join(", ")))
}
