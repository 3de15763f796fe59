//! Harmless life of the server: monitoring, users, robots, services and the administrator.

mod admin;
mod web;
mod windows;

use crate::Moment;
use crate::random::Random;
use crate::world::World;

/// Fills the whole span with harmless lines.
pub(crate) fn fill(world: &mut World<'_>) {
    web::probes(world);
    web::users(world);
    web::noise(world);
    windows::processes(world);
    windows::files(world);
    windows::logons(world);
    windows::shares(world);
    windows::application(world);
    admin::cmdlets(world);
    admin::setup(world);
}

/// Moments over the span of the logs, about `minutes` apart and never more than a quarter longer.
fn beats(world: &World<'_>, minutes: u32, random: &mut Random) -> Vec<Moment> {
    let span = world.scenario.span;
    let most = minutes.saturating_mul(60_000);
    let mut at = span.from.plus(i64::from(random.between(1_000, most / 4)));
    let mut beats = Vec::new();
    while at <= span.to {
        beats.push(at);
        at = at.plus(i64::from(random.between(most * 3 / 4, most * 5 / 4)));
    }
    // The last beat shows that the source was written to the end.
    beats.push(span.to.plus(-i64::from(random.between(500, 30_000))));
    beats
}

/// The users of the invented organisation.
const USERS: [&str; 14] = [
    "a.hartley",
    "b.nowak",
    "c.fischer",
    "d.okafor",
    "e.lind",
    "f.moreau",
    "g.rossi",
    "h.tanaka",
    "i.petrov",
    "j.silva",
    "k.haddad",
    "l.jensen",
    "m.kaya",
    "n.ozols",
];

/// One user as the logs know her: everything follows from her number.
#[derive(Clone, Copy, Debug)]
struct Person(u32);

impl Person {
    fn any(random: &mut Random) -> Self {
        Self(random.between(0, u32::try_from(USERS.len()).unwrap_or(1) - 1))
    }

    fn name(self) -> &'static str {
        USERS.get(self.0 as usize).copied().unwrap_or("a.hartley")
    }

    fn address(self) -> String {
        format!("198.51.100.{}", 20 + self.0 * 7)
    }

    fn rid(self) -> u32 {
        1_300 + self.0
    }

    /// A GUID that belongs to her, such as that of her mailbox.
    fn guid(self, seed: u64, what: &str) -> String {
        Random::stream(seed, &format!("{what}/{}", self.0)).guid()
    }
}
