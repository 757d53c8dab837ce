//! Records that wait for agreement.
//!
//! *Invariants*
//! - Every record here passed the batch check of this node.
//! - A record is here once, whoever sent it; records leave in the order they came.
//! - Records and bytes are bounded, and so is each peer's part of them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use primitives::{Digest, PublicKey};

use crate::chain::Offer;
use crate::limits::{
    BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX, POOL_BYTES_MAX, POOL_PEER_SHARE, POOL_RECORDS_MAX,
};

/// Who brought a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Own,
    Peer(PublicKey),
}

struct Waiting {
    record: Bytes,
    leaf: Digest,
    origin: Origin,
    since: SystemTime,
    sent: SystemTime,
}

#[derive(Default, Clone, Copy)]
struct Share {
    records: usize,
    bytes: usize,
}

/// The records that wait.
#[derive(Default)]
pub(crate) struct Pool {
    waiting: BTreeMap<u64, Waiting>,
    by_leaf: HashMap<Digest, u64>,
    next: u64,
    total: Share,
    peers: HashMap<PublicKey, Share>,
}

impl Pool {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn holds(&self, leaf: &Digest) -> bool {
        self.by_leaf.contains_key(leaf)
    }

    /// Whether `bytes` more of this origin fit.
    pub(crate) fn fits(&self, origin: Origin, bytes: usize) -> bool {
        let within = |share: Share, part: usize| {
            share.records < POOL_RECORDS_MAX / part && share.bytes + bytes <= POOL_BYTES_MAX / part
        };
        within(self.total, 1)
            && match origin {
                Origin::Own => true,
                Origin::Peer(key) => within(
                    self.peers.get(&key).copied().unwrap_or_default(),
                    POOL_PEER_SHARE,
                ),
            }
    }

    /// Takes a checked record. Returns whether it is new here; a record that a peer
    /// brought becomes this node's own when it is submitted here too.
    pub(crate) fn insert(&mut self, offer: Offer, origin: Origin, now: SystemTime) -> bool {
        if let Some(place) = self.by_leaf.get(&offer.leaf) {
            if origin == Origin::Own
                && let Some(waiting) = self.waiting.get_mut(place)
            {
                let before = std::mem::replace(&mut waiting.origin, Origin::Own);
                let bytes = waiting.record.len();
                self.release(before, bytes, false);
            }
            return false;
        }
        let bytes = offer.record.len();
        self.total.records += 1;
        self.total.bytes += bytes;
        if let Origin::Peer(key) = origin {
            let share = self.peers.entry(key).or_default();
            share.records += 1;
            share.bytes += bytes;
        }
        let place = self.next;
        self.next += 1;
        self.by_leaf.insert(offer.leaf, place);
        let Offer { leaf, record } = offer;
        self.waiting.insert(
            place,
            Waiting {
                record,
                leaf,
                origin,
                since: now,
                sent: now,
            },
        );
        true
    }

    /// Forgets a record.
    pub(crate) fn remove(&mut self, leaf: &Digest) {
        if let Some(place) = self.by_leaf.remove(leaf)
            && let Some(waiting) = self.waiting.remove(&place)
        {
            self.release(waiting.origin, waiting.record.len(), true);
        }
    }

    fn release(&mut self, origin: Origin, bytes: usize, total: bool) {
        if total {
            self.total.records -= 1;
            self.total.bytes -= bytes;
        }
        if let Origin::Peer(key) = origin
            && let Some(share) = self.peers.get_mut(&key)
        {
            share.records -= 1;
            share.bytes -= bytes;
            if share.records == 0 {
                self.peers.remove(&key);
            }
        }
    }

    /// The records for a block, oldest first, leaving out what `taken` says is taken.
    pub(crate) fn offers(&self, taken: impl Fn(&Digest) -> bool) -> Vec<Offer> {
        let mut bytes = 0;
        let mut offers = Vec::new();
        for waiting in self.waiting.values() {
            if taken(&waiting.leaf) {
                continue;
            }
            bytes += waiting.record.len();
            if offers.len() == BLOCK_RECORDS_MAX || bytes > BLOCK_BYTES_MAX {
                break;
            }
            offers.push(Offer {
                leaf: waiting.leaf,
                record: waiting.record.clone(),
            });
        }
        offers
    }

    /// Records that have waited at least `age`, oldest first.
    pub(crate) fn older(&self, age: Duration, now: SystemTime) -> Vec<(Offer, Origin)> {
        self.waiting
            .values()
            .take_while(|waiting| now.duration_since(waiting.since).unwrap_or_default() >= age)
            .take(BLOCK_RECORDS_MAX)
            .map(|w| {
                (
                    Offer {
                        leaf: w.leaf,
                        record: w.record.clone(),
                    },
                    w.origin,
                )
            })
            .collect()
    }

    /// This node's own records that were last sent to the peers at least `age` ago; they
    /// count as sent now.
    pub(crate) fn resend(&mut self, age: Duration, now: SystemTime) -> Vec<Bytes> {
        self.waiting
            .values_mut()
            .filter(|w| {
                w.origin == Origin::Own && now.duration_since(w.sent).unwrap_or_default() >= age
            })
            .take(BLOCK_RECORDS_MAX)
            .map(|waiting| {
                waiting.sent = now;
                waiting.record.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::offer;

    const PEER: Origin = Origin::Peer(PublicKey([1; 32]));

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn records_leave_in_the_order_they_came_and_once() {
        let mut pool = Pool::default();
        assert!(pool.insert(offer("b"), Origin::Own, at(0)));
        assert!(pool.insert(offer("a"), PEER, at(1)));
        assert!(!pool.insert(offer("b"), PEER, at(2)));
        let offers = pool.offers(|_| false);
        assert_eq!(
            offers.iter().map(|o| &o.record[..]).collect::<Vec<_>>(),
            [b"b", b"a"]
        );
        assert_eq!(pool.offers(|leaf| *leaf == offer("b").leaf).len(), 1);
        pool.remove(&offer("b").leaf);
        pool.remove(&offer("a").leaf);
        assert!(pool.is_empty());
        assert!(pool.peers.is_empty());
    }

    #[test]
    fn a_peer_fills_its_share_and_no_more() {
        let mut pool = Pool::default();
        for n in 0..POOL_RECORDS_MAX / POOL_PEER_SHARE {
            assert!(pool.fits(PEER, 1));
            pool.insert(offer(&n.to_string()), PEER, at(0));
        }
        assert!(!pool.fits(PEER, 1));
        assert!(pool.fits(Origin::Peer(PublicKey([2; 32])), 1));
        assert!(pool.fits(Origin::Own, 1));
        assert!(!pool.fits(Origin::Own, POOL_BYTES_MAX));
        // What is submitted here too no longer counts as the peer's.
        assert!(!pool.insert(offer("0"), Origin::Own, at(0)));
        assert!(pool.fits(PEER, 1));
    }

    #[test]
    fn own_records_are_sent_again_after_a_while() {
        let mut pool = Pool::default();
        pool.insert(offer("mine"), Origin::Own, at(0));
        pool.insert(offer("theirs"), PEER, at(0));
        let second = Duration::from_secs(1);
        assert!(pool.resend(second, at(999)).is_empty());
        assert_eq!(pool.resend(second, at(1_000)), ["mine"]);
        assert!(pool.resend(second, at(1_500)).is_empty());
        assert_eq!(pool.older(second, at(1_000)).len(), 2);
        assert!(pool.older(second, at(999)).is_empty());
    }
}
