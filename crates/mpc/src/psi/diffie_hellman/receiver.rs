//! The role that learns the intersection.
//!
//! Why it exists: it has its blinded items evaluated and finds its tags among the
//! sender's.
//!
//! *Invariants*
//! - A blind is drawn for each item and used once.
//! - No evaluation is used before its proof held under the session's one key.

use std::collections::VecDeque;

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;

use super::{WINDOW, check, tag};
use crate::{
    Element, Error, Fault,
    group::SecretScalar,
    limits::PROOF_CHUNK,
    oprf::{self, PROOF_BYTES},
    psi::{
        Progress, Session, Set, begin, elements,
        frames::{Due, ELEMENT, body_of, entries, faulty, kind, list},
        matching::{self, Matching, Own},
        order,
        transcript::{From, Transcript},
    },
    secrecy,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Key,
    Items,
    Tags,
    End,
    Done,
}

/// Blinded items that are on their way.
struct Pending {
    first: usize,
    blinds: Vec<SecretScalar>,
    blinded: Vec<Element>,
}

/// One session of the receiver, driven as [`super::super::rr22::Receiver`] is.
pub struct Receiver {
    session: Session,
    phase: Phase,
    transcript: Transcript,
    rng: ChaCha20Rng,
    set: Set,
    key: Option<Element>,
    sent: usize,
    evaluated: usize,
    pending: VecDeque<Pending>,
    tags: Vec<Own>,
    matching: Matching,
}

impl Receiver {
    /// Begins with a set. The generator seeds a generator of the role's own.
    ///
    /// # Errors
    /// [`crate::Refusal::SetTooLarge`], [`crate::Refusal::ParameterRange`] for a session of
    /// another protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        set: Set,
        rng: &mut R,
    ) -> Result<Self, Error> {
        check(&session)?;
        let (set, rng) = begin(&session.digest, set, session.receiver_items, rng)?;
        Ok(Self {
            phase: Phase::Key,
            transcript: Transcript::new(&session.digest),
            rng,
            key: None,
            sent: 0,
            evaluated: 0,
            pending: VecDeque::new(),
            tags: Vec::with_capacity(set.len()),
            matching: Matching::default(),
            set,
            session,
        })
    }

    /// The next frame to send; `None` where the sender's turn has come.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        let due = PROOF_CHUNK.min(self.set.len() - self.sent);
        if self.phase != Phase::Items || due == 0 || self.pending.len() == WINDOW {
            return None;
        }
        let items = &self.set.items()[self.sent..self.sent + due];
        let blinds: Vec<SecretScalar> = items
            .iter()
            .map(|_| SecretScalar::draw(&mut self.rng))
            .collect();
        let blinded = elements::blind(items, &blinds);
        let mut frame = list(kind::BLINDED, self.sent, due * ELEMENT);
        blinded
            .iter()
            .for_each(|element| frame.extend_from_slice(element.bytes()));
        self.pending.push_back(Pending {
            first: self.sent,
            blinds,
            blinded,
        });
        self.sent += due;
        self.transcript.absorb(From::Receiver, &frame);
        Some(frame)
    }

    /// Takes one frame of the sender. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        match self.phase {
            Phase::Key => {
                self.key = Some(Element::from_bytes(&body_of(bytes, kind::KEY)?)?);
                self.phase = Phase::Items;
                self.advance();
            }
            Phase::Items => self.on_evaluated(bytes)?,
            Phase::Tags => {
                let total = self.session.sender_items;
                self.matching.take(bytes, total, 16, &self.set)?;
                self.advance();
            }
            Phase::End => {
                let theirs: [u8; 32] = body_of(bytes, kind::END)?;
                if theirs != self.transcript.digest().0 {
                    return Err(faulty(Fault::TranscriptMismatch, bytes));
                }
                self.phase = Phase::Done;
                return Ok(Progress::Complete);
            }
            Phase::Done => return Err(faulty(Fault::OutOfOrder, bytes)),
        }
        self.transcript.absorb(From::Sender, bytes);
        Ok(Progress::More)
    }

    fn on_evaluated(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let out_of_order = || faulty(Fault::OutOfOrder, bytes);
        let pending = self.pending.pop_front().ok_or_else(out_of_order)?;
        let key = self.key.as_ref().ok_or_else(out_of_order)?;
        let due = Due {
            first: pending.first,
            total: self.set.len(),
            chunk: PROOF_CHUNK,
            entry: ELEMENT,
        };
        let (list, proof) = entries(bytes, kind::EVALUATED, &due, PROOF_BYTES)?;
        let evaluated = elements::parse(list)?;
        let proof: &[u8; PROOF_BYTES] = proof
            .try_into()
            .map_err(|_| faulty(Fault::Malformed, bytes))?;
        if !oprf::verify(key, &pending.blinded, &evaluated, proof) {
            return Err(faulty(Fault::ProofInvalid, bytes));
        }
        let encodings = elements::unblind(&evaluated, &pending.blinds);
        for (index, encoding) in (pending.first..).zip(&encodings) {
            if index < self.set.genuine() {
                let tag = tag(&self.set.items()[index], encoding);
                self.tags
                    .push(Own::new(tag, u32::try_from(index).unwrap_or(0)));
            }
        }
        self.evaluated += evaluated.len();
        self.advance();
        Ok(())
    }

    /// Goes on where a list is complete; a list without entries has no frames.
    fn advance(&mut self) {
        if self.phase == Phase::Items && self.evaluated == self.set.len() {
            secrecy::conceded(&mut self.tags, matching::OWN);
            order::by_uniform(&mut self.tags, |own| own.order(0));
            self.matching = Matching::new(std::mem::take(&mut self.tags));
            self.phase = Phase::Tags;
        }
        if self.phase == Phase::Tags && self.matching.received() == self.session.sender_items {
            self.phase = Phase::End;
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = self.set.len() + self.session.sender_items;
        (self.evaluated + self.matching.received()) * 1000 / total.max(1)
    }

    /// The places, ascending, of the items that both have, and the transcript's
    /// digest.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the sender's last frame.
    pub fn finish(self) -> Result<(Vec<u32>, Digest), Error> {
        if self.phase != Phase::Done {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        Ok((self.matching.into_found(), self.transcript.digest()))
    }
}
