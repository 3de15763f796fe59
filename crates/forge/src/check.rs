//! What a scenario file must keep to: reserved names and addresses, paths that stay inside, bounded sizes.

use std::net::IpAddr;

use crate::scenario::{Act, Damage, Operation, Scenario, Step};
use crate::{Error, Moment};

/// Longest span of logs, in days.
const MOST_DAYS: i64 = 200;
/// Most requests of users in an hour, and most repetitions of one step.
const MOST: u32 = 20_000;

/// Checks a scenario that was read.
pub(crate) fn scenario(s: &Scenario) -> Result<(), Error> {
    require(s.label.contains("SYNTHETIC"), "the label must hold the word SYNTHETIC")?;
    host(s)?;
    builds(s)?;
    let days = (s.span.to.millis() - s.span.from.millis()) / 86_400_000;
    require(
        s.span.from < s.span.to && days <= MOST_DAYS,
        "span: from must be before to, at most 200 days",
    )?;
    let b = s.background;
    require((1..=50).contains(&b.probe_minutes), "probe_minutes: 1 to 50")?;
    require(
        b.requests_per_hour <= MOST && b.noise_per_day <= MOST,
        "background: at most 20000 requests",
    )?;
    require(s.zone.minutes.abs() <= 14 * 60, "zone: at most 14 hours")?;
    s.operations.iter().try_for_each(operation)?;
    s.damage.iter().try_for_each(damage)
}

fn require(holds: bool, otherwise: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Scenario(otherwise.to_owned())) }
}

fn plain(text: &str, also: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

fn host(s: &Scenario) -> Result<(), Error> {
    let h = &s.host;
    require(plain(&h.name, "-") && h.name.len() <= 15, "host.name: letters, digits and hyphens")?;
    require(plain(&h.netbios, "-"), "host.netbios: letters, digits and hyphens")?;
    require(plain(&h.sid, "-"), "host.sid: S-1-5-21-...")?;
    let names = [&h.domain, &h.public_name];
    let reserved = names.iter().all(|n| plain(n, ".-") && n.ends_with(".example"));
    require(reserved, "host: domain and public_name must end in .example")?;
    address(&h.address)
}

fn address(text: &str) -> Result<(), Error> {
    let reserved = match text.parse() {
        Ok(IpAddr::V4(v4)) => {
            matches!(v4.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _])
        }
        Ok(IpAddr::V6(v6)) => matches!(v6.segments(), [0x2001, 0x0db8, ..]),
        Err(_) => false,
    };
    require(reserved, &format!("{text}: not an address of a documentation range"))
}

fn builds(s: &Scenario) -> Result<(), Error> {
    require(!s.builds.is_empty(), "builds: at least one")?;
    let ordered = s.builds.is_sorted_by(|a, b| a.at < b.at);
    require(ordered, "builds: the oldest first")?;
    let four = |build: &str| {
        build.split('.').filter(|part| part.parse::<u16>().is_ok()).count() == 4
            && build.split('.').count() == 4
    };
    require(s.builds.iter().all(|b| four(&b.build)), "builds: four numbers such as 15.1.2106.2")?;
    let first = s.builds.first().map_or(Moment::default(), |b| b.at);
    require(first < s.span.to, "builds: the first must come before the end of the span")
}

fn operation(op: &Operation) -> Result<(), Error> {
    require(plain(&op.name, "-_ "), "operations: a plain name")?;
    address(&op.from)?;
    require(one_line(&op.agent), "agent: one line of text")?;
    op.steps.iter().try_for_each(step)
}

fn one_line(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.len() <= 1000
}

fn step(step: &Step) -> Result<(), Error> {
    match &step.act {
        Act::Scan { anchors, shells, .. } => {
            require(*anchors <= MOST, "scan: too many anchors")?;
            require(shells.iter().all(|s| plain(s, "/._-")), "scan: plain paths")
        }
        Act::Ssrf { target, .. } => require(
            target.starts_with('/') && one_line(target) && !target.contains([',', ' ']),
            "ssrf: a path of the back end without comma or space",
        ),
        Act::SsrfMailboxRead { mailbox, reads, .. } => {
            require(plain(mailbox, "@.-_") && *reads <= MOST, "ssrf_mailbox_read: an address")
        }
        Act::Detour { target, user, count, .. } => {
            require(*count <= MOST && target.starts_with('/'), "detour: a path and a count")?;
            require(
                plain(target, "/._-") && (user.is_empty() || plain(user, "\\@.-_")),
                "detour: plain names",
            )
        }
        Act::ExportRole { user } => require(plain(user, "@.-_ "), "export_role: a plain name"),
        Act::ExportMailbox { mailbox, shell, .. } => {
            require(plain(mailbox, "@.-_"), "export_mailbox: an address")?;
            shell_path(shell)
        }
        Act::ResetOab { shell, .. } | Act::ShellRemoved { shell } => shell_path(shell),
        Act::ShellUse { shell, count, method, .. } => {
            require(*count <= MOST && plain(method, ""), "shell_use: a method and a count")?;
            shell_path(shell)
        }
        Act::Command { lines } => {
            require(lines.iter().all(|line| one_line(line)), "command: one line each")
        }
        Act::BackendSession { .. } | Act::SetOabUrl { .. } | Act::AttemptBlocked { .. } => Ok(()),
    }
}

fn shell_path(path: &str) -> Result<(), Error> {
    let parts = path.split('/').all(|p| plain(p, "._-") && !p.starts_with('.'));
    let known = ["owa/", "ecp/", "aspnet_client/"].iter().any(|root| path.starts_with(root));
    let script = path.rsplit_once('.').is_some_and(|(_, ext)| ext.eq_ignore_ascii_case("aspx"));
    require(parts && known && script, "shell: such as owa/auth/Name.aspx")
}

fn damage(damage: &Damage) -> Result<(), Error> {
    match damage {
        Damage::TruncateFile { keep_percent, .. } => {
            require(*keep_percent <= 100, "truncate_file: at most 100 percent")
        }
        Damage::Corrupt { bytes, .. } => require(*bytes <= 1_000_000, "corrupt: at most a million"),
        _ => Ok(()),
    }
}
