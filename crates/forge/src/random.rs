//! Numbers that look random and are the same every time: one stream for each purpose, so that a change
//! in one part of a scenario does not move the rest.

use std::fmt::Write as _;

/// A stream of numbers (the splitmix64 sequence).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream called `name` of the scenario's `seed`.
    pub(crate) fn stream(seed: u64, name: &str) -> Self {
        // FNV-1a spreads the name, so that two names give unrelated streams.
        let mixed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mixed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` up to and including `high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.next() % width).unwrap_or(0)
    }

    /// One of `choices`; the default value if there is none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let at = usize::try_from(self.next() % (choices.len().max(1) as u64)).unwrap_or(0);
        choices.get(at).copied().unwrap_or_default()
    }

    /// `digits` hexadecimal digits, lower case.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(digits);
        text
    }

    /// A GUID in the usual form without braces.
    pub(crate) fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let version = 0x4000 | (a & 0x0fff);
        let variant = 0x8000 | ((b >> 48) & 0x3fff);
        format!(
            "{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first: Vec<u64> = (0..8).map(|_| Random::stream(7, "web").next()).collect();
        assert!(first.windows(2).all(|pair| pair[0] == pair[1]));
        assert_ne!(Random::stream(7, "web").next(), Random::stream(7, "windows").next());
        assert_ne!(Random::stream(7, "web").next(), Random::stream(8, "web").next());
    }

    #[test]
    fn ranges_and_shapes_hold() {
        let mut random = Random::stream(1, "test");
        for _ in 0..1000 {
            assert!((3..=9).contains(&random.between(3, 9)));
        }
        assert_eq!(random.hex(5).len(), 5);
        let guid = random.guid();
        assert_eq!(guid.len(), 36);
        assert_eq!(guid.as_bytes()[14], b'4');
        assert_eq!(random.pick::<u8>(&[]), 0);
    }
}
