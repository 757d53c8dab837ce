//! What both parties of a joint set agreed on before it begins.
//!
//! Why it exists: every hash, tag and transcript of a session absorbs one digest
//! of all of it, so that a message of one session is worth nothing in another,
//! and sizes are agreed rather than announced.
//!
//! *Invariants*
//! - Both roles build the [`Setup`] from records that they have checked; nothing
//!   of it comes from the peer.
//! - A session of a protocol weaker than asked for is never opened.

use primitives::{Digest, InstitutionId};

use crate::{
    Error, Refusal, domains,
    limits::{JOIN_WORDS_MAX, PART_ITEMS, PARTS_MAX, SET_ITEMS_MAX},
    lookup::Scope,
};

/// What a protocol withstands; the stronger one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Security {
    /// Parties that follow the protocol and look at what they receive.
    SemiHonest,
    /// Parties that deviate at will.
    Malicious,
}

/// How a joint set is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// [`rr22`](super::rr22): malicious at full width, or semi-honest with short
    /// values and tags for slow links.
    Rr22(Security),
    /// [`diffie_hellman`](super::diffie_hellman): a verifiable oblivious function
    /// on ristretto255, malicious.
    DiffieHellman,
    /// [`cardinality`](super::cardinality): the count first, identities on a
    /// second step, semi-honest.
    Cardinality,
    /// [`circuit`](super::circuit): both sets' rows joined into shares, each with
    /// so many words of the sender's, semi-honest.
    Circuit {
        /// At most [`JOIN_WORDS_MAX`].
        words: u8,
    },
}

impl Protocol {
    /// What it withstands.
    #[must_use]
    pub fn security(self) -> Security {
        match self {
            Self::Rr22(security) => security,
            Self::DiffieHellman => Security::Malicious,
            Self::Cardinality | Self::Circuit { .. } => Security::SemiHonest,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Rr22(Security::Malicious) => 1,
            Self::Rr22(Security::SemiHonest) => 2,
            Self::DiffieHellman => 3,
            Self::Cardinality => 4,
            Self::Circuit { words } => 16u8.saturating_add(words),
        }
    }
}

/// Everything that one joint set is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Network, warrant, plan and run.
    pub scope: Scope,
    /// The plan's step.
    pub step: u16,
    /// How many parts the sets are cut into.
    pub parts: u16,
    /// Who learns the answer.
    pub receiver: InstitutionId,
    /// Who does not.
    pub sender: InstitutionId,
    /// The commitment to the receiver's snapshot.
    pub receiver_snapshot: Digest,
    /// The commitment to the sender's snapshot.
    pub sender_snapshot: Digest,
    /// The size that the receiver's set is padded to in each part.
    pub receiver_items: u32,
    /// The size that the sender's set is padded to in each part.
    pub sender_items: u32,
    /// How it is computed.
    pub protocol: Protocol,
}

impl Setup {
    /// The digest that binds all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(
            domains::PSI_CONTEXT,
            &[
                self.scope.network.0.as_bytes(),
                self.scope.warrant.as_bytes(),
                self.scope.plan.as_bytes(),
                self.scope.run.as_bytes(),
                &self.step.to_be_bytes(),
                &self.parts.to_be_bytes(),
                self.receiver.as_str().as_bytes(),
                self.sender.as_str().as_bytes(),
                self.receiver_snapshot.as_bytes(),
                self.sender_snapshot.as_bytes(),
                &self.receiver_items.to_be_bytes(),
                &self.sender_items.to_be_bytes(),
                &[self.protocol.code()],
            ],
        )
    }

    /// Opens the session of one part, where the network asks for `least`.
    ///
    /// # Errors
    /// [`Refusal::SecurityTooWeak`]; [`Refusal::ParameterRange`] for a part that
    /// does not exist, parties that are one, or sizes beyond the limits.
    pub fn open(&self, part: u16, least: Security) -> Result<Session, Error> {
        if self.protocol.security() < least {
            return Err(Refusal::SecurityTooWeak.into());
        }
        let sizes = [self.receiver_items, self.sender_items].map(|size| size as usize);
        let words = match self.protocol {
            Protocol::Circuit { words } => usize::from(words),
            _ => 0,
        };
        let fits = part < self.parts
            && usize::from(self.parts) <= PARTS_MAX
            && words <= JOIN_WORDS_MAX
            && self.receiver != self.sender
            && sizes.iter().all(|size| *size <= SET_ITEMS_MAX);
        if !fits {
            return Err(Refusal::ParameterRange.into());
        }
        let whole = self.digest();
        Ok(Session {
            digest: Digest::of(
                domains::PSI_CONTEXT,
                &[whole.as_bytes(), &part.to_be_bytes()],
            ),
            receiver_items: sizes[0],
            sender_items: sizes[1],
            protocol: self.protocol,
        })
    }
}

/// One part of a joint set, ready to be computed once.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) digest: Digest,
    pub(super) receiver_items: usize,
    pub(super) sender_items: usize,
    pub(super) protocol: Protocol,
}

impl Session {
    /// The digest that binds the session, for a correlation made for it.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// How many parts a set of `items` is cut into where each should have
/// [`PART_ITEMS`] in the mean, and the size that each part is padded to: no part
/// outgrows it, but for a chance of 2^-40.
#[must_use]
pub fn parts(items: usize) -> (usize, usize) {
    let parts = items.div_ceil(PART_ITEMS).max(1);
    (parts, part_size(items, parts))
}

/// The size that each of `parts` parts of `items` items is padded to, at least 1.
///
/// Bernstein's bound, as in the store's bins: `L = 36.1 = 52·ln 2` leaves 2^-40
/// for 4,096 parts together.
#[must_use]
pub fn part_size(items: usize, parts: usize) -> usize {
    let mean = items.div_ceil(parts.max(1));
    let slack = if parts <= 1 {
        0
    } else {
        14 + (150 + 73 * mean).isqrt()
    };
    (mean + slack).min(items).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_bernsteins_bound() {
        assert_eq!(parts(0), (1, 1));
        assert_eq!(parts(PART_ITEMS), (1, PART_ITEMS));
        for items in [
            PART_ITEMS + 1,
            10_000_000,
            100_000_000,
            PARTS_MAX * PART_ITEMS,
        ] {
            let (parts, size) = parts(items);
            assert!(parts <= PARTS_MAX);
            let mean = items as f64 / parts as f64;
            let excess = size as f64 - mean;
            let exponent = excess * excess / (2.0 * (mean + excess / 3.0));
            let log2 = (parts as f64).log2() - exponent / std::f64::consts::LN_2;
            assert!(log2 <= -40.0, "{items}: 2^{log2}");
        }
    }
}
