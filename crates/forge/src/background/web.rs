//! Requests: the server's own monitoring, the users' programs, and robots that look for other software.

use super::{Person, beats};
use crate::Moment;
use crate::random::Random;
use crate::source::Protocol;
use crate::world::{Back, Hit, World};

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/88.0.4324.190 Safari/537.36";
const OUTLOOK: &str = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5134; Pro)";

/// Exchange's own monitoring: in each protocol, at the front door and through it at the back end.
pub(super) fn probes(world: &mut World<'_>) {
    let minutes = world.scenario.background.probe_minutes;
    let mailbox = Random::stream(world.scenario.seed, "healthmailbox").hex(7);
    for protocol in Protocol::ALL {
        let mut random = Random::stream(world.scenario.seed, protocol.folder());
        for at in beats(world, minutes, &mut random) {
            probe(world, protocol, at, &mailbox, &mut random);
        }
    }
}

/// Path, agent and authentication of the probe of a protocol.
fn probe_shape(protocol: Protocol) -> (&'static str, &'static str, &'static str) {
    match protocol {
        Protocol::Autodiscover => ("/Autodiscover/", "AMProbe/Local/ClientAccess", "Negotiate"),
        Protocol::Eas => ("/Microsoft-Server-ActiveSync/", "AMProbe/Local/ClientAccess", "Basic"),
        Protocol::Ecp => ("/ecp/", "AMProbe/Local/ClientAccess", "FBA"),
        Protocol::Ews => ("/EWS/", "AMProbe/Local/ClientAccess", "Negotiate"),
        Protocol::Mapi => ("/mapi/emsmdb/", "MapiHttpClient", "Negotiate"),
        Protocol::Oab => ("/OAB/", "AMProbe/Local/ClientAccess", "Negotiate"),
        Protocol::Owa => ("/owa/", "AMProbe/Local/ClientAccess", "FBA"),
        Protocol::PowerShell => ("/powershell/", "Microsoft WinRM Client", "Kerberos"),
        Protocol::RpcHttp => ("/rpc/rpcproxy.dll", "MSRPC", "Negotiate"),
    }
}

fn probe(
    world: &mut World<'_>,
    protocol: Protocol,
    at: Moment,
    mailbox: &str,
    random: &mut Random,
) {
    let (stem, agent, auth) = probe_shape(protocol);
    let user = world.account(&format!("HealthMailbox{mailbox}"));
    let fqdn = world.scenario.host.fqdn();
    let anchor = match protocol {
        Protocol::PowerShell => "ServerVersion~Version 15.1 (Build 2106.0)".to_owned(),
        Protocol::Mapi => {
            format!("MailboxGuid~{}", Person(99).guid(world.scenario.seed, "mailbox"))
        }
        _ => format!("Sid~{}-1142", world.scenario.host.sid),
    };
    let back = back(&fqdn, stem, "", &user, 200);
    let hit = Hit {
        at,
        protocol: Some(protocol),
        method: if protocol == Protocol::Mapi { "POST" } else { "GET" }.to_owned(),
        host: "localhost".to_owned(),
        stem: stem.to_owned(),
        auth,
        user,
        anchor,
        hint: "WindowsIdentity",
        agent: agent.to_owned(),
        client: random.pick(&["127.0.0.1", "::1"]).to_owned(),
        back: Some(back),
        sent: random.between(0, 400),
        received: random.between(200, 900),
        took: random.between(6, 40),
        ..Hit::default()
    };
    world.hit(&hit, random);
    if protocol == Protocol::Ecp {
        let url = "/ecp/RulesEditor/InboxRules.svc/GetList?msExchEcpCanary=monitoring";
        world.ecp(at.plus(9), "Get-InboxRule", url, random);
    }
}

/// A request passed on to the server that holds the mailbox.
fn back(fqdn: &str, stem: &str, query: &str, user: &str, status: u16) -> Back {
    Back {
        target: fqdn.to_owned(),
        stem: stem.to_owned(),
        query: query.to_owned(),
        user: user.to_owned(),
        status,
    }
}

/// The users' programs, more by day than by night.
pub(super) fn users(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "users");
    let span = world.scenario.span;
    let rate = world.scenario.background.requests_per_hour;
    let mut hour = span.from;
    while hour < span.to {
        let busy = (7..18).contains(&hour.hour());
        // Mean 1.0 over the day: eleven busy hours at 1.7, thirteen quiet ones at 0.4.
        let tenths = rate * if busy { 17 } else { 4 };
        let count = tenths / 10 + u32::from(random.between(0, 9) < tenths % 10);
        for _ in 0..count {
            let at = hour.plus(i64::from(random.between(0, 3_599_000)));
            user_request(world, at, &mut random);
        }
        hour = hour.plus(3_600_000);
    }
}

/// One kind of request in daily use.
#[derive(Clone, Copy)]
struct Habit {
    protocol: Protocol,
    method: &'static str,
    stem: &'static str,
    /// `{user}`, `{mailbox}` and `{device}` are filled in.
    query: &'static str,
    auth: &'static str,
    agent: &'static str,
    status: u16,
    /// Whether the front end answers by itself.
    front_only: bool,
    size: u32,
}

const PLAIN: Habit = Habit {
    protocol: Protocol::Owa,
    method: "GET",
    stem: "/owa/",
    query: "",
    auth: "FBA",
    agent: BROWSER,
    status: 200,
    front_only: false,
    size: 9_000,
};

/// What the users' programs send, about as often as each is listed.
const HABITS: [Habit; 14] = [
    Habit {
        protocol: Protocol::Eas,
        method: "POST",
        stem: "/Microsoft-Server-ActiveSync/default.eas",
        query: "?Cmd=Ping&User={user}&DeviceId={device}&DeviceType=iPhone",
        auth: "Basic",
        agent: "Apple-iPhone12C1/1803.148",
        size: 300,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Eas,
        method: "POST",
        stem: "/Microsoft-Server-ActiveSync/default.eas",
        query: "?Cmd=Sync&User={user}&DeviceId={device}&DeviceType=Android",
        auth: "Basic",
        agent: "Android-Mail/2021.02.14.3",
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Mapi,
        method: "POST",
        stem: "/mapi/emsmdb/",
        query: "?MailboxId={mailbox}",
        auth: "Negotiate",
        agent: OUTLOOK,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Mapi,
        method: "POST",
        stem: "/mapi/nspi/",
        query: "?MailboxId={mailbox}",
        auth: "Negotiate",
        agent: OUTLOOK,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Ews,
        method: "POST",
        stem: "/EWS/Exchange.asmx",
        auth: "Negotiate",
        agent: OUTLOOK,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Ews,
        method: "POST",
        stem: "/EWS/Exchange.asmx",
        auth: "Basic",
        agent: "MacOutlook/16.46.21021202 (Intel Mac OS X Version 10.15.7 (Build 19H2))",
        ..PLAIN
    },
    Habit { stem: "/owa/auth/logon.aspx", query: "?replaceCurrent=1", front_only: true, ..PLAIN },
    Habit {
        method: "POST",
        stem: "/owa/auth.owa",
        status: 302,
        front_only: true,
        size: 0,
        ..PLAIN
    },
    Habit {
        method: "POST",
        stem: "/owa/service.svc",
        query: "?action=FindConversation&EP=1",
        ..PLAIN
    },
    Habit {
        method: "POST",
        stem: "/owa/service.svc",
        query: "?action=GetItem&EP=1",
        size: 31_000,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Autodiscover,
        method: "POST",
        stem: "/autodiscover/autodiscover.xml",
        auth: "Negotiate",
        agent: OUTLOOK,
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Oab,
        stem: "/OAB/0c5b1f0e-6a1d-4b8e-9c37-1f6f4d2b7a55/oab.xml",
        auth: "Negotiate",
        agent: "Microsoft BITS/7.8",
        ..PLAIN
    },
    Habit {
        protocol: Protocol::RpcHttp,
        method: "RPC_IN_DATA",
        stem: "/rpc/rpcproxy.dll",
        query: "?{mailbox}:6001",
        auth: "NTLM",
        agent: "MSRPC",
        ..PLAIN
    },
    Habit {
        protocol: Protocol::Ecp,
        stem: "/ecp/PersonalSettings/EditAccount.aspx",
        query: "?chgPhoto=1",
        ..PLAIN
    },
];

fn user_request(world: &mut World<'_>, at: Moment, random: &mut Random) {
    let person = Person::any(random);
    let which = random.between(0, u32::try_from(HABITS.len()).unwrap_or(1) - 1);
    let Some(habit) = HABITS.get(which as usize) else { return };
    let (seed, domain) = (world.scenario.seed, &world.scenario.host.domain);
    let mailbox = format!("{}@{domain}", person.guid(seed, "mailbox"));
    let device = person.guid(seed, "device").replace('-', "").to_ascii_uppercase();
    let query = habit
        .query
        .replace("{user}", &format!("{}%5C{}", world.scenario.host.netbios, person.name()))
        .replace("{mailbox}", &mailbox)
        .replace("{device}", &device);
    let user = world.account(person.name());
    let fqdn = world.scenario.host.fqdn();
    let through = !habit.front_only;
    let hit = Hit {
        at,
        protocol: Some(habit.protocol),
        method: habit.method.to_owned(),
        host: world.scenario.host.public_name.clone(),
        stem: habit.stem.to_owned(),
        auth: habit.auth,
        anchor: if through {
            format!("Sid~{}-{}", world.scenario.host.sid, person.rid())
        } else {
            String::new()
        },
        hint: if through { "WindowsIdentity" } else { "" },
        agent: habit.agent.to_owned(),
        client: person.address(),
        status: habit.status,
        back: through.then(|| back(&fqdn, habit.stem, &query, &user, habit.status)),
        user: if through { user } else { String::new() },
        query,
        sent: random.between(100, 2_000),
        received: habit.size + random.between(0, 500),
        took: random.between(8, 900),
        ..Hit::default()
    };
    world.hit(&hit, random);
}

/// Robots of the internet that look for other software: none of it concerns Exchange.
pub(super) fn noise(world: &mut World<'_>) {
    let mut random = Random::stream(world.scenario.seed, "noise");
    let span = world.scenario.span;
    let each = 2 * 86_400_000 / world.scenario.background.noise_per_day.max(1);
    let mut at = span.from.plus(i64::from(random.between(0, each)));
    while at < span.to && world.scenario.background.noise_per_day > 0 {
        let (stem, status, agent) = random.pick(&[
            ("/wp-login.php", 404, "Mozilla/5.0 (compatible; robot/1.0)"),
            ("/.env", 404, "curl/7.58.0"),
            ("/robots.txt", 404, "Mozilla/5.0 (compatible; indexer/2.1)"),
            ("/favicon.ico", 404, "Mozilla/5.0 zgrab/0.x"),
            ("/", 302, "Mozilla/5.0 zgrab/0.x"),
            ("/boaform/admin/formLogin", 404, "-"),
            ("/phpmyadmin/index.php", 404, "Go-http-client/1.1"),
        ]);
        let hit = Hit {
            at,
            stem: stem.to_owned(),
            agent: agent.to_owned(),
            client: format!("203.0.113.{}", random.between(100, 250)),
            status,
            took: random.between(0, 40),
            ..Hit::default()
        };
        world.hit(&hit, &mut random);
        at = at.plus(i64::from(random.between(1_000, each)));
    }
}
