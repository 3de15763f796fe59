//! A map that evidence cannot grow without bound, and that comes out the same in every order.
//!
//! Names in evidence are the attacker's to choose. Of more keys than the bound the ones with the smallest
//! hashes are kept: a key that is among them in the end was never thrown out on the way, so its value is whole
//! however the evidence was cut and whichever thread came first.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{Hash, Hasher as _};

use rustc_hash::FxHasher;

/// The map; `LIMIT` keys at most.
pub(crate) struct Bounded<K, V, const LIMIT: usize> {
    by_hash: BTreeMap<(u64, K), V>,
    /// Keys were thrown out or turned away.
    overflowed: bool,
}

impl<K, V, const LIMIT: usize> Default for Bounded<K, V, LIMIT> {
    fn default() -> Self {
        Self { by_hash: BTreeMap::new(), overflowed: false }
    }
}

impl<K: Hash + Ord + Clone, V, const LIMIT: usize> Bounded<K, V, LIMIT> {
    /// The value of a key, made if need be; `None` where the map is full and the key is not among its smallest.
    pub(crate) fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> Option<&mut V> {
        let hashed = (hash(key), key.clone());
        let full = self.by_hash.len() >= LIMIT;
        if full && !self.by_hash.contains_key(&hashed) {
            self.overflowed = true;
            if self.by_hash.last_key_value().is_some_and(|(last, _)| *last < hashed) {
                return None;
            }
            self.by_hash.pop_last();
        }
        Some(self.by_hash.entry(hashed).or_insert_with(make))
    }

    /// Takes in another map; `merge` joins two values of one key.
    pub(crate) fn merge(&mut self, other: Self, mut merge: impl FnMut(&mut V, V)) {
        self.overflowed |= other.overflowed;
        for (key, value) in other.by_hash {
            match self.by_hash.entry(key) {
                Entry::Occupied(mut mine) => merge(mine.get_mut(), value),
                Entry::Vacant(place) => {
                    place.insert(value);
                }
            }
        }
        while self.by_hash.len() > LIMIT {
            self.overflowed = true;
            self.by_hash.pop_last();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.by_hash.iter().map(|((_, key), value)| (key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.by_hash.iter_mut().map(|((_, key), value)| (key, value))
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (K, V)> {
        self.by_hash.into_iter().map(|((_, key), value)| (key, value))
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.by_hash.get(&(hash(key), key.clone()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Whether keys were thrown out or turned away.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }
}

fn hash(key: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = Bounded<u32, u32, 10>;

    fn counted(keys: impl Iterator<Item = u32>) -> Counts {
        let mut counts = Counts::default();
        for key in keys {
            if let Some(count) = counts.entry(&key, || 0) {
                *count += 1;
            }
        }
        counts
    }

    #[test]
    fn keeps_the_same_keys_whole_in_every_order_and_cut() {
        let keys = || (0..100).chain(0..50);
        let whole: Vec<(u32, u32)> = counted(keys()).into_iter().collect();
        assert_eq!(whole.len(), 10);
        let backward: Vec<(u32, u32)> =
            counted(keys().collect::<Vec<_>>().into_iter().rev()).into_iter().collect();
        assert_eq!(whole, backward);
        let mut joined = counted(keys().take(70));
        joined.merge(counted(keys().skip(70)), |mine, theirs| *mine += theirs);
        assert!(joined.overflowed());
        assert_eq!(whole, joined.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn keeps_all_where_they_fit() {
        let counts = counted([3, 1, 3].into_iter());
        assert!(!counts.overflowed());
        assert_eq!((counts.get(&3), counts.get(&1), counts.get(&2)), (Some(&2), Some(&1), None));
    }
}
