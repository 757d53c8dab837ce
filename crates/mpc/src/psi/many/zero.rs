//! Shares of zero: every two givers hold a key, and what they add for it cancels.
//!
//! Why it exists: what one giver puts into its store means nothing without all
//! the others' stores.
//!
//! *Invariants*
//! - A key is hashed from both halves, the session and both places; it is used
//!   when both have said that they hold the same halves.
//! - Keys and halves have no `Debug` and are wiped when dropped.

use primitives::Digest;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Addressed, Place, Session, faulty, unexpected};
use crate::{
    Error, Fault, domains,
    field::F128,
    psi::{
        frames::{body_of, fixed, kind},
        set::Item,
    },
    secrecy,
};

/// A half of a key, in its frame.
type Half = Zeroizing<Vec<u8>>;

/// The agreement of two on their key.
struct Pairing {
    peer: Place,
    /// What binds everything to the session and both places.
    link: Digest,
    lower: bool,
    mine: Half,
    theirs: Option<Half>,
    said: Said,
    /// Whether the peer's end was right.
    heard: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Half,
    All,
}

impl Pairing {
    fn pull(&mut self) -> Option<Addressed> {
        match self.said {
            Said::Nothing => {
                self.said = Said::Half;
                Some((self.peer, self.mine.to_vec()))
            }
            Said::Half if self.theirs.is_some() => {
                self.said = Said::All;
                let digest = self.statement(self.lower);
                Some((self.peer, fixed(kind::END, &[&digest.0])))
            }
            _ => None,
        }
    }

    fn on_frame(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.theirs.is_none() {
            let _: [u8; 32] = body_of(bytes, kind::HALF)?;
            self.theirs = Some(Zeroizing::new(bytes.to_vec()));
            return Ok(());
        }
        if self.heard {
            return Err(unexpected(bytes));
        }
        let theirs: [u8; 32] = body_of(bytes, kind::END)?;
        if theirs != self.statement(!self.lower).0 {
            // The evidence holds no half: the keys of other links stay secret.
            return Err(faulty(Fault::TranscriptMismatch, bytes));
        }
        self.heard = true;
        Ok(())
    }

    /// Both halves, the lower place's first.
    fn halves(&self) -> [&[u8]; 2] {
        let theirs: &[u8] = self.theirs.as_ref().map_or(&[], |half| half);
        if self.lower {
            [&self.mine, theirs]
        } else {
            [theirs, &self.mine]
        }
    }

    /// What one of the two says about both halves.
    fn statement(&self, of_lower: bool) -> Digest {
        let [low, high] = self.halves();
        let by = [u8::from(of_lower)];
        let link = self.link.as_bytes();
        let digest = Digest::of(domains::PSI_MANY_HALVES, &[link, &by, low, high]);
        secrecy::public(digest, "digests of halves, stated to who holds both")
    }

    fn done(&self) -> bool {
        self.said == Said::All && self.heard
    }

    fn key(&self) -> [u8; 16] {
        let [low, high] = self.halves();
        let link = self.link.as_bytes();
        let digest = Digest::of(domains::PSI_MANY_KEY, &[link, low, high]);
        let mut key = [0; 16];
        key.copy_from_slice(&digest.as_bytes()[..16]);
        key
    }
}

/// All of one giver's keys.
pub(super) struct Zeros {
    pairings: Vec<Pairing>,
    label: [u8; 16],
    keys: Zeroizing<Vec<[u8; 16]>>,
}

impl Zeros {
    pub(super) fn new<R: CryptoRng>(session: &Session, me: Place, rng: &mut R) -> Self {
        let pairings = session.sharers().filter(|place| *place != me);
        let pairings = pairings.map(|peer| {
            let mut half = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *half);
            Pairing {
                peer,
                link: session.link(me.min(peer), me.max(peer)),
                lower: me < peer,
                mine: Zeroizing::new(fixed(kind::HALF, &[&*half])),
                theirs: None,
                said: Said::Nothing,
                heard: false,
            }
        });
        let digest = Digest::of(domains::PSI_MANY_SHARE, &[session.digest.as_bytes()]);
        let mut label = [0; 16];
        label.copy_from_slice(&digest.as_bytes()[..16]);
        Self {
            pairings: pairings.collect(),
            label,
            keys: Zeroizing::new(Vec::new()),
        }
    }

    pub(super) fn pull(&mut self) -> Option<Addressed> {
        let addressed = self.pairings.iter_mut().find_map(Pairing::pull);
        self.agree();
        addressed
    }

    /// Takes a frame of another giver.
    pub(super) fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<(), Error> {
        let pairing = self.pairings.iter_mut().find(|one| one.peer == from);
        pairing.ok_or_else(|| unexpected(bytes))?.on_frame(bytes)?;
        self.agree();
        Ok(())
    }

    /// Takes the keys into use, once both sides of each have spoken.
    fn agree(&mut self) {
        if self.done() && self.keys.len() < self.pairings.len() {
            self.keys = Zeroizing::new(self.pairings.iter().map(Pairing::key).collect());
        }
    }

    /// Whether every key is agreed on.
    pub(super) fn done(&self) -> bool {
        self.pairings.iter().all(Pairing::done)
    }

    /// This giver's share of zero for an item.
    pub(super) fn share(&self, item: &Item) -> F128 {
        let mut sum = F128::ZERO;
        let mut block = Zeroizing::new([0u8; 48]);
        block[..16].copy_from_slice(&self.label);
        block[32..].copy_from_slice(&item.key());
        for key in self.keys.iter() {
            block[16..32].copy_from_slice(key);
            let digest: [u8; 32] = Sha256::digest(*block).into();
            let mut first = [0; 16];
            first.copy_from_slice(&digest[..16]);
            sum += F128::from_bytes(first);
        }
        sum
    }

    /// The digests of what was exchanged with each other giver.
    pub(super) fn finish(&self) -> Result<Vec<(Place, Digest)>, Error> {
        if !self.done() {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let pairings = self.pairings.iter();
        Ok(pairings
            .map(|one| (one.peer, one.statement(true)))
            .collect())
    }
}

impl Drop for Zeros {
    fn drop(&mut self) {
        self.keys.zeroize();
    }
}
