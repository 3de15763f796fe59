//! The administrator: cmdlets, the installation of the server and of its updates.

use super::beats;
use crate::Moment;
use crate::random::Random;
use crate::record::Row;
use crate::scenario::{BuildStep, How};
use crate::source::{Protocol, Source};
use crate::world::{Back, Caller, Hit, World, worker_pid};

/// How long an installation runs.
const SETUP_TAKES: i64 = 26 * 60_000;

/// Cmdlets: those that monitoring runs all the time, and at times those of an administrator.
pub(super) fn cmdlets(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "cmdlets");
    let name = world.scenario.host.name.clone();
    for at in beats(world, 30, &mut random) {
        if random.between(0, 11) == 0 {
            by_hand(world, at, &mut random);
        } else {
            let caller = caller(world, "MSExchangeHMHost", 1_142, &mut random);
            let parameters = format!("-Identity \"{name}\" -HealthSet \"OWA.Proxy\"");
            world.cmdlet(at, "Get-ServerHealth", &parameters, &caller);
        }
    }
    published_urls(world, &mut random);
}

fn caller(world: &World<'_>, user: &str, rid: u32, random: &mut Random) -> Caller {
    Caller {
        user: user.to_owned(),
        rid,
        session: random.guid(),
        pid: worker_pid(world.scenario.seed, "MSExchangePowerShellAppPool"),
        pool: "w3wp#MSExchangePowerShellAppPool",
    }
}

/// An administrator's cmdlet, with the request that carried it.
fn by_hand(world: &mut World<'_>, at: Moment, random: &mut Random) {
    let (cmdlet, parameters) = random.pick(&[
        ("Set-Mailbox", "-Identity \"a.hartley\" -IssueWarningQuota \"9 GB\""),
        (
            "Set-MailboxCalendarConfiguration",
            "-Identity \"c.fischer\" -WorkingHoursTimeZone \"UTC\"",
        ),
        ("Get-MailboxDatabaseCopyStatus", "-Identity \"DB01\""),
        ("Get-Mailbox", "-ResultSize \"Unlimited\""),
        ("Set-DistributionGroup", "-Identity \"Reception\" -MaxReceiveSize \"20 MB\""),
    ]);
    let caller = caller(world, "Administrator", 500, random);
    world.cmdlet(at, cmdlet, parameters, &caller);
    let fqdn = world.scenario.host.fqdn();
    let user = world.account("Administrator");
    let hit = Hit {
        at: at.plus(-400),
        protocol: Some(Protocol::PowerShell),
        method: "POST".to_owned(),
        host: fqdn.to_ascii_lowercase(),
        stem: "/powershell".to_owned(),
        query: "?clientApplication=ManagementShell;PSVersion=5.1.14393.3866".to_owned(),
        auth: "Kerberos",
        anchor: "ServerVersion~Version 15.1 (Build 2106.0)".to_owned(),
        hint: "ExchClientVer-ServerCookie",
        action: format!("{cmdlet}:Command"),
        agent: "Microsoft WinRM Client".to_owned(),
        client: "192.0.2.20".to_owned(),
        back: Some(Back {
            target: fqdn,
            stem: "/powershell".to_owned(),
            query: String::new(),
            user: user.clone(),
            status: 200,
        }),
        user,
        sent: 5_127,
        received: 847,
        took: 24,
        ..Hit::default()
    };
    world.hit(&hit, random);
}

/// After an installation the administrator publishes the server's addresses: the same cmdlet that
/// attackers use, with a harmless value.
fn published_urls(world: &mut World<'_>, random: &mut Random) {
    let host = world.scenario.host.clone();
    let starts: Vec<Moment> =
        world.setups().map(|b| b.at.plus(SETUP_TAKES + 15 * 60_000)).collect();
    for at in starts {
        let caller = caller(world, "Administrator", 500, random);
        let parameters = format!(
            "-ExternalUrl \"https://{}/OAB\" -Identity \"{}\\OAB (Default Web Site)\"",
            host.public_name, host.name
        );
        world.cmdlet(at, "Set-OabVirtualDirectory", &parameters, &caller);
    }
}

/// Installations: the Setup log, and what the Application log says of updates.
pub(super) fn setup(world: &mut World<'_>) {
    let steps = world.scenario.builds.clone();
    for step in &steps {
        match step.how {
            How::Patch => patch(world, step),
            How::Setup | How::Upgrade => install(world, step),
        }
    }
}

fn patch(world: &mut World<'_>, step: &BuildStep) {
    let message = format!(
        "Product: Microsoft Exchange Server - Update 'Security Update for Exchange Server {}' \
         installed successfully.",
        step.build
    );
    world.application(step.at.plus(-60_000), 1022, "MsiInstaller", message);
}

/// The lines of one run of Setup that say something, with the seconds after its start.
fn install(world: &mut World<'_>, step: &BuildStep) {
    let scenario = world.scenario;
    let mode = if step.how == How::Upgrade { "Upgrade" } else { "Install" };
    let stated = if step.how == How::Upgrade { "BuildToBuildUpgrade" } else { "Install" };
    let (sign, minutes) =
        (if scenario.zone.minutes < 0 { '-' } else { '+' }, scenario.zone.minutes.abs());
    let rule = "*".repeat(46);
    let end = SETUP_TAKES / 1000;
    let host = &scenario.host;
    let lines = [
        (0, rule.clone()),
        (0, format!("Starting {} Setup", scenario.product)),
        (0, rule.clone()),
        (0, format!("Local time zone: (UTC{sign}{:02}:{:02}) {}.", minutes / 60, minutes % 60, scenario.zone.name)),
        (0, "Operating system version: Microsoft Windows NT 6.2.9200.0.".to_owned()),
        (0, format!("Setup version: {}.", step.build)),
        (0, format!("Logged on user: {}\\Administrator.", host.netbios)),
        (0, format!("Command Line Parameter Name='mode', Value='{mode}'.")),
        (1, format!("RuntimeAssembly was started with the following command: '/mode:{mode} /sourcedir:D:'.")),
        (4, "Copying Files...".to_owned()),
        (40, "File copy complete.  Setup will now collect additional information needed for installation.".to_owned()),
        (52, format!("The installation mode is set to: '{stated}'.")),
        (53, format!("Setup will search for an Exchange Server object for the local machine with name '{}'.", host.name)),
        (60, format!("Server Name={}", host.name)),
        (end, "The Exchange Server setup operation completed successfully.".to_owned()),
        (end, "End of Setup".to_owned()),
        (end, rule),
    ];
    for (index, (seconds, line)) in (0_i64..).zip(lines) {
        world.push(Source::SetupLog, step.at.plus(seconds * 1000 + index * 3), Row::Setup(line));
    }
}
