//! A party's set: selectors hashed for one joint set, cut into parts, distinct.
//!
//! Why it exists: protocols work on 32 uniform bytes an item, the same on both
//! sides and worthless elsewhere; a set that repeats an item would break them.
//!
//! *Invariants*
//! - An item is a digest of a selector under a joint set's digest: 16 bytes name
//!   it, 16 more are the random oracle's value for it.
//! - A [`Set`] holds an item once, in an order that says nothing of the caller's.
//! - Items have no `Debug`.
//!
//! *Not here*: constant time in the items. They are sorted, put into bins and name a
//! store's rows ([`crate::okvs`]) on the machine of who holds them anyway; what times
//! that machine's caches may learn the order of their digests.
//!
//! *Not here*: normal forms; a caller gives selectors as
//! `primitives::semantic` writes them. Keeping parts on disk: [`super::Spill`].

use primitives::Digest;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use super::{
    order::{self, Buckets},
    setup::Setup,
};
use crate::{Error, domains, oprf::check_input, oracle::Blocks, secrecy, simd};

/// A hashed selector.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item([u8; 32]);

impl Item {
    /// The part of the set, of `parts`, that it falls into.
    #[must_use]
    pub fn part(&self, parts: u16) -> u16 {
        // The last word, since the others order the set and fill the store.
        let word = u32::from_be_bytes([self.0[12], self.0[13], self.0[14], self.0[15]]);
        let scaled = (u64::from(word) * u64::from(parts)) >> 32;
        u16::try_from(scaled).unwrap_or(0)
    }

    /// The item of a digest's words.
    fn of(words: [u32; 8]) -> Self {
        let mut item = [0; 32];
        let bytes = item.as_chunks_mut().0.iter_mut();
        bytes
            .zip(words)
            .for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        Self(item)
    }

    /// Reads an item that was kept on disk.
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What names it.
    pub(super) fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0[..16]);
        key
    }

    /// The oracle's value for it.
    pub(super) fn value(&self) -> [u8; 16] {
        let mut value = [0; 16];
        value.copy_from_slice(&self.0[16..]);
        value
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn first(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first)
    }

    /// A random item that no selector hashes to, to pad with.
    pub(super) fn dummy<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        secrecy::conceded(&mut bytes, "items that pad a set, as any item");
        Self(bytes)
    }
}

/// Hashes the selectors of one joint set, the same on both sides.
///
/// `SHA-256(key ‖ 32 zero bytes ‖ selector's length, 16 bits ‖ selector)`, the key
/// being the digest of domain and joint set: the first block is hashed once, and a
/// selector of up to 53 bytes costs one more.
#[derive(Clone)]
pub struct Items {
    key: [u8; 64],
    keyed: Blocks,
}

impl Items {
    /// The hash of the joint set that `setup` describes.
    #[must_use]
    pub fn of(setup: &Setup) -> Self {
        Self::under(&setup.digest())
    }

    /// The hash of the joint set that a setup's digest describes.
    pub(super) fn under(setup: &Digest) -> Self {
        let digest = Digest::of(domains::PSI_ITEMS, &[setup.as_bytes()]);
        let mut key = [0; 64];
        key[..32].copy_from_slice(digest.as_bytes());
        Self {
            key,
            keyed: Blocks::NONE.and(key),
        }
    }

    /// Hashes one selector.
    ///
    /// # Errors
    /// [`Refusal::InputSize`](crate::Refusal::InputSize).
    pub fn item(&self, selector: &[u8]) -> Result<Item, Error> {
        Ok(match self.last(selector)? {
            Some(last) => Item::of(self.keyed.end(&last)),
            None => self.long(selector),
        })
    }

    /// Hashes many, in their order: less than half the time of one after the other.
    ///
    /// # Errors
    /// [`Refusal::InputSize`](crate::Refusal::InputSize).
    pub fn all<'a>(
        &self,
        selectors: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Item>, Error> {
        let selectors = selectors.into_iter();
        let mut items = Vec::with_capacity(selectors.size_hint().0);
        let mut hashing = Hashing::new(self.clone());
        for selector in selectors {
            hashing.add(selector, &mut items)?;
        }
        hashing.rest(&mut items);
        Ok(items)
    }

    /// What a selector's hash ends with; `None` for one that needs more blocks.
    ///
    /// # Errors
    /// [`Refusal::InputSize`](crate::Refusal::InputSize).
    fn last(&self, selector: &[u8]) -> Result<Option<[u8; 64]>, Error> {
        check_input(selector)?;
        let bytes = 2 + selector.len();
        if bytes > Blocks::ROOM {
            return Ok(None);
        }
        let mut last = [0; 64];
        last[..2].copy_from_slice(&length(selector));
        last[2..bytes].copy_from_slice(selector);
        self.keyed.pad(&mut last, u8::try_from(bytes).unwrap_or(0));
        Ok(Some(last))
    }

    fn long(&self, selector: &[u8]) -> Item {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(length(selector))
            .chain_update(selector);
        Item(digest.finalize().into())
    }
}

/// Selectors whose hashes wait for one another.
const SIDE_BY_SIDE: usize = 64;

/// Hashes selectors in the order in which they come, many side by side.
pub(super) struct Hashing {
    items: Items,
    lasts: Vec<[u8; 64]>,
}

impl Hashing {
    pub(super) fn new(items: Items) -> Self {
        Self {
            items,
            lasts: Vec::with_capacity(SIDE_BY_SIDE),
        }
    }

    /// Takes a selector; `items` gets those that are ready.
    ///
    /// # Errors
    /// [`Refusal::InputSize`](crate::Refusal::InputSize).
    pub(super) fn add(&mut self, selector: &[u8], items: &mut Vec<Item>) -> Result<(), Error> {
        if let Some(last) = self.items.last(selector)? {
            self.lasts.push(last);
            if self.lasts.len() == SIDE_BY_SIDE {
                self.rest(items);
            }
        } else {
            self.rest(items);
            items.push(self.items.long(selector));
        }
        Ok(())
    }

    /// Gives the items of all selectors that still wait.
    pub(super) fn rest(&mut self, items: &mut Vec<Item>) {
        let keyed = self.items.keyed;
        keyed.ends(&self.lasts, |words| items.push(Item::of(words)));
        self.lasts.clear();
    }
}

fn length(selector: &[u8]) -> [u8; 2] {
    u16::try_from(selector.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
}

/// A party's distinct items of one part.
pub struct Set {
    items: Vec<Item>,
    /// For each item, the place at which the caller gave it first.
    origins: Vec<u32>,
}

impl Set {
    /// Takes items in the caller's order; repeated ones count once. Places are
    /// 32-bit: no set is larger than
    /// [`SET_ITEMS_MAX`](crate::limits::SET_ITEMS_MAX), and items that a caller
    /// gives beyond 2^32 are dropped, which the size's check then refuses.
    #[must_use]
    pub fn new(items: &[Item]) -> Self {
        let places = 0..u32::try_from(items.len()).unwrap_or(u32::MAX);
        Self::placed(items.iter().copied().zip(places))
    }

    /// Takes items with their places.
    pub(super) fn placed(placed: impl ExactSizeIterator<Item = (Item, u32)> + Clone) -> Self {
        let mut set = Self {
            items: simd::filled(placed.len(), Item([0; 32])),
            origins: simd::filled(placed.len(), 0),
        };
        let mut buckets = Buckets::count(placed.clone().map(|(item, _)| item.first()));
        for (item, origin) in placed {
            let place = buckets.place(item.first());
            set.items[place] = item;
            set.origins[place] = origin;
        }
        let mut kept = 0;
        let mut bucket: Vec<(Item, u32)> = Vec::new();
        for range in buckets.ranges() {
            bucket.clear();
            let (items, origins) = (&set.items[range.clone()], &set.origins[range]);
            bucket.extend(items.iter().copied().zip(origins.iter().copied()));
            // Two that begin alike are the same, but for a chance of 2^-24.
            bucket.sort_unstable_by(|a, b| a.0.first().cmp(&b.0.first()).then_with(|| a.cmp(b)));
            bucket.dedup_by_key(|(item, _)| *item);
            for (item, origin) in &bucket {
                set.items[kept] = *item;
                set.origins[kept] = *origin;
                kept += 1;
            }
        }
        set.items.truncate(kept);
        set.origins.truncate(kept);
        set
    }

    /// How many distinct items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The caller's place of an item.
    pub(super) fn origin(&self, index: usize) -> u32 {
        self.origins[index]
    }

    /// Adds dummies until there are `size` items; they have no origin.
    pub(super) fn pad<R: CryptoRng + ?Sized>(&mut self, size: usize, rng: &mut R) {
        while self.items.len() < size {
            self.items.push(Item::dummy(rng));
        }
    }

    /// Items that the caller gave, without dummies.
    pub(super) fn genuine(&self) -> usize {
        self.origins.len()
    }
}

/// Leaves one of each item, at its first place, in the order of the items.
pub(super) fn distinct(placed: &mut Vec<(Item, u32)>) {
    order::by_uniform(placed, |(item, _)| item.first());
    placed.dedup_by_key(|(item, _)| *item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_an_item_once_with_its_first_place() {
        let item = |byte: u8| Item([byte; 32]);
        let mut twin = item(3);
        twin.0[31] = 9;
        let given = [item(3), item(1), twin, item(3), item(1), twin];
        let set = Set::new(&given);
        let mut found: Vec<_> = (0..set.len())
            .map(|index| (set.origin(index), set.items()[index].0))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [(0, [3; 32]), (1, [1; 32]), (2, twin.0)]);
        assert!(Set::new(&[]).is_empty());
    }

    #[test]
    fn an_item_is_plain_sha_256_whatever_its_length() {
        let items = Items::under(&Digest::plain(b"setup"));
        for len in [1, 16, 53, 54, 200] {
            let selector = vec![7u8; len];
            let length = u16::try_from(len).unwrap().to_be_bytes();
            let plain = Sha256::digest([&items.key[..], &length, &selector].concat());
            assert_eq!(items.item(&selector).unwrap().0[..], plain[..], "{len}");
        }
    }

    #[test]
    fn many_are_hashed_in_their_order_whatever_their_lengths() {
        let setup = Digest::plain(b"setup");
        let selectors: Vec<Vec<u8>> = (0u8..=255)
            .map(|n| vec![n; 1 + usize::from(n) * 7 % 60])
            .collect();
        let one = Items::under(&setup);
        let expected: Vec<Item> = selectors.iter().map(|s| one.item(s).unwrap()).collect();
        for count in [0, 1, 63, 64, 65, 256] {
            let some = selectors[..count].iter().map(Vec::as_slice);
            let items = Items::under(&setup).all(some).unwrap();
            assert!(items == expected[..count], "{count}");
        }
        let empty = [&b"a"[..], b""];
        assert!(Items::under(&setup).all(empty).is_err());
    }

    #[test]
    fn parts_are_even_and_cover() {
        let mut counts = [0; 7];
        for index in 0u32..70_000 {
            let digest = primitives::Digest::of("test", &[&index.to_be_bytes()]);
            counts[usize::from(Item(digest.0).part(7))] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)));
    }
}
