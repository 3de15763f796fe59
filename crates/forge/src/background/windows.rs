//! Events of a server on which nothing happens: services, scheduled tasks, compilers, logons.

use super::{Person, beats};
use crate::Moment;
use crate::random::Random;
use crate::world::{INSTALL, Process, Share, WORKER, World, worker_line, worker_pid};

const SERVICES: &str = r"C:\Windows\System32\services.exe";
const SVCHOST: &str = r"C:\Windows\System32\svchost.exe";
const CSC: &str = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe";
const CVTRES: &str = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\cvtres.exe";
const TEMP_ASPNET: &str =
    r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files";

/// Processes that start: a few kinds in turn, often enough that no hour is silent.
pub(super) fn processes(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "processes");
    for at in beats(world, 30, &mut random) {
        if random.between(0, 19) == 0 {
            compile(world, at, &mut random);
        } else {
            ordinary(world, at, &mut random);
        }
    }
}

fn ordinary(world: &mut World<'_>, at: Moment, random: &mut Random) {
    let (image, line, parent, parent_line) = random.pick(&[
        (SVCHOST, r"C:\Windows\system32\svchost.exe -k netsvcs -p -s wuauserv", SERVICES, SERVICES),
        (
            r"C:\Windows\System32\taskhostw.exe",
            "taskhostw.exe Install $(Arg0)",
            SVCHOST,
            r"C:\Windows\system32\svchost.exe -k netsvcs -s Schedule",
        ),
        (
            r"C:\Windows\System32\wbem\WmiPrvSE.exe",
            r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
            SVCHOST,
            r"C:\Windows\system32\svchost.exe -k DcomLaunch",
        ),
        (
            WORKER,
            r#"c:\windows\system32\inetsrv\w3wp.exe -ap "MSExchangeSyncAppPool" -v "v4.0""#,
            SVCHOST,
            r"C:\Windows\system32\svchost.exe -k iissvcs",
        ),
        (
            r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
            r"powershell.exe -NoProfile -File C:\Admin\Rotate-IisLogs.ps1",
            SVCHOST,
            r"C:\Windows\system32\svchost.exe -k netsvcs -s Schedule",
        ),
    ]);
    let process = Process {
        image: image.to_owned(),
        line: line.to_owned(),
        pid: random.between(300, 7_000) * 4,
        parent_image: parent.to_owned(),
        parent_line: parent_line.to_owned(),
        parent_pid: worker_pid(world.scenario.seed, parent),
    };
    world.process(at, &process, random);
}

/// ASP.NET compiles a page of its own: the worker process starts the compiler, and that one its helper.
fn compile(world: &mut World<'_>, at: Moment, random: &mut Random) {
    let pool = "MSExchangeOWAAppPool";
    let worker = worker_pid(world.scenario.seed, pool);
    let name = random.hex(8);
    let csc = Process {
        image: CSC.to_owned(),
        line: format!(
            "\"{CSC}\" /noconfig /fullpaths @\"{TEMP_ASPNET}\\owa\\8e05b027\\e164d61b\\{name}.cmdline\""
        ),
        pid: random.between(300, 7_000) * 4,
        parent_image: WORKER.to_owned(),
        parent_line: worker_line(pool),
        parent_pid: worker,
    };
    let cvtres = Process {
        image: CVTRES.to_owned(),
        line: format!(
            "{CVTRES} /NOLOGO /READONLY /MACHINE:IX86 \"/OUT:C:\\Windows\\TEMP\\RES{name}.tmp\""
        ),
        pid: random.between(300, 7_000) * 4,
        parent_image: CSC.to_owned(),
        parent_line: csc.line.clone(),
        parent_pid: csc.pid,
    };
    world.process(at, &csc, random);
    world.process(at.plus(180), &cvtres, random);
    let compiled = format!("{TEMP_ASPNET}\\owa\\8e05b027\\e164d61b\\logon.aspx.cdcab7d2.compiled");
    world.file_created(at.plus(420), WORKER, worker, &compiled);
}

/// Files that services create: their own logs.
pub(super) fn files(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "files");
    for at in beats(world, 40, &mut random) {
        let (image, folder) = random.pick(&[
            (r"c:\windows\system32\inetsrv\w3wp.exe", r"Logging\HttpProxy\Owa\HttpProxy_"),
            (r"c:\windows\system32\inetsrv\w3wp.exe", r"Logging\Ews\Ews_"),
            (
                r"C:\Program Files\Microsoft\Exchange Server\V15\Bin\MSExchangeHMWorker.exe",
                r"Logging\Monitoring\Monitoring\MSExchangeHMWorker\Probe\Probe_",
            ),
        ]);
        let path = format!("{INSTALL}\\{folder}{}-1.LOG", at.hour_stamp());
        let pid = worker_pid(world.scenario.seed, image);
        world.file_created(at, image, pid, &path);
    }
}

/// Logons over the network, of the monitoring mailbox and of users.
pub(super) fn logons(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "logons");
    for at in beats(world, 40, &mut random) {
        let person = Person::any(&mut random);
        let data = vec![
            ("SubjectUserSid", "S-1-0-0".to_owned()),
            ("SubjectUserName", "-".to_owned()),
            ("SubjectDomainName", "-".to_owned()),
            ("SubjectLogonId", "0x0".to_owned()),
            ("TargetUserSid", format!("{}-{}", world.scenario.host.sid, person.rid())),
            ("TargetUserName", person.name().to_owned()),
            ("TargetDomainName", world.scenario.host.netbios.clone()),
            ("TargetLogonId", format!("0x{}", random.hex(7))),
            ("LogonType", "3".to_owned()),
            ("LogonProcessName", "NtLmSsp ".to_owned()),
            ("AuthenticationPackageName", "NTLM".to_owned()),
            ("WorkstationName", world.scenario.host.name.clone()),
            ("ProcessName", "-".to_owned()),
            ("IpAddress", person.address()),
            ("IpPort", random.between(30_000, 60_000).to_string()),
        ];
        world.security(4624, 12544, at, "An account was successfully logged on.", data);
    }
}

/// Accesses to shares: a domain controller that reads the server's name service pipe.
pub(super) fn shares(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "shares");
    for at in beats(world, 40, &mut random) {
        let share = Share {
            sid: format!("{}-1001", world.scenario.host.sid),
            user: "DC01$".to_owned(),
            address: "192.0.2.5".to_owned(),
            name: r"\\*\IPC$",
            local: "",
            file: "srvsvc".to_owned(),
            mask: "0x12019f",
        };
        world.share_access(at, &share, &mut random);
    }
}

/// The Application log: the list of domain controllers that Exchange prints again and again.
pub(super) fn application(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "application");
    for at in beats(world, 30, &mut random) {
        let message = format!(
            "Process Microsoft.Exchange.Directory.TopologyService.exe (PID={}) Forest {}. Exchange Active \
             Directory Provider has discovered the following servers with the following characteristics: \
             In-site: DC01.{} CDG 1 7 7 1 0 1 1 7 1",
            worker_pid(world.scenario.seed, "topology"),
            world.scenario.host.domain,
            world.scenario.host.domain
        );
        world.application(at, 2080, "MSExchange ADAccess", message);
    }
}
