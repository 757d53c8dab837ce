//! The role that learns nothing but the receiver's size.
//!
//! Why it exists: it evaluates the function for the receiver, under a key of the
//! session, and on its own items.
//!
//! *Invariants*
//! - The key is drawn for the session and dies with the role.
//! - It evaluates at most the agreed number of elements.
//! - Tags leave in ascending order, with dummies up to the agreed size.

use std::collections::VecDeque;

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;

use super::{WINDOW, check, order as tag_order, tag};
use crate::{
    Error, Fault,
    group::SecretScalar,
    limits::PROOF_CHUNK,
    oprf::{self, PROOF_BYTES},
    psi::{
        Progress, Session, Set, begin, elements,
        frames::{Due, ELEMENT, entries, faulty, fixed, kind, list},
        matching::{self, next_of_tags},
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

/// One session of the sender, driven as [`super::super::rr22::Sender`] is.
pub struct Sender {
    session: Session,
    phase: Phase,
    transcript: Transcript,
    rng: ChaCha20Rng,
    key: SecretScalar,
    set: Set,
    received: usize,
    ready: VecDeque<Vec<u8>>,
    tags: Vec<u128>,
    sent: usize,
}

impl Sender {
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
        let (set, mut rng) = begin(&session.digest, set, session.sender_items, rng)?;
        Ok(Self {
            phase: Phase::Key,
            transcript: Transcript::new(&session.digest),
            key: SecretScalar::draw(&mut rng),
            rng,
            received: 0,
            ready: VecDeque::new(),
            tags: Vec::with_capacity(set.len()),
            sent: 0,
            set,
            session,
        })
    }

    /// Makes the tags of up to 4,096 more of its items; false once all are made.
    /// [`pull`](Self::pull) does what is left, so that calling this is a matter of
    /// when, not of whether.
    pub fn prepare(&mut self) -> bool {
        let first = self.tags.len();
        let due = PROOF_CHUNK.min(self.set.len() - first);
        let items = &self.set.items()[first..first + due];
        let encodings = elements::hash_times(items, &self.key);
        let tags = items.iter().zip(&encodings);
        self.tags
            .extend(tags.map(|(item, encoding)| tag(item, encoding)));
        self.tags.len() < self.set.len()
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// session is over.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        let frame = match self.phase {
            Phase::Key => {
                self.phase = Phase::Items;
                self.advance();
                fixed(kind::KEY, &[oprf::public_of(&self.key).bytes()])
            }
            Phase::Items => {
                let frame = self.ready.pop_front()?;
                self.advance();
                frame
            }
            Phase::Tags => {
                if self.sent == 0 {
                    while self.prepare() {}
                    secrecy::all_public(&mut self.tags, matching::SENT);
                    order::by_uniform(&mut self.tags, |tag| tag_order(*tag));
                }
                let frame = next_of_tags(&self.tags, &mut self.sent, 16);
                self.advance();
                frame
            }
            Phase::End => {
                self.phase = Phase::Done;
                // The end states the digest of what came before it.
                return Some(fixed(kind::END, &[&self.transcript.digest().0]));
            }
            Phase::Done => return None,
        };
        self.transcript.absorb(From::Sender, &frame);
        Some(frame)
    }

    /// Goes on where a list is complete; a list without entries has no frames.
    fn advance(&mut self) {
        let items_done = self.received == self.session.receiver_items && self.ready.is_empty();
        if self.phase == Phase::Items && items_done {
            self.phase = Phase::Tags;
        }
        if self.phase == Phase::Tags && self.sent == self.set.len() {
            self.phase = Phase::End;
        }
    }

    /// Takes one frame of the receiver. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        let total = self.session.receiver_items;
        let due = self.phase == Phase::Items && self.received < total;
        if !due || self.ready.len() == WINDOW {
            return Err(faulty(Fault::OutOfOrder, bytes));
        }
        let due = Due {
            first: self.received,
            total,
            chunk: PROOF_CHUNK,
            entry: ELEMENT,
        };
        let (entries, _) = entries(bytes, kind::BLINDED, &due, 0)?;
        let blinded = elements::parse(entries)?;
        let mut evaluated = elements::times(&blinded, &self.key);
        secrecy::all_public(&mut evaluated, oprf::EVALUATED);
        let public = oprf::public_of(&self.key);
        let proof = oprf::prove(&self.key, &public, &blinded, &evaluated, &mut self.rng);
        let mut frame = list(
            kind::EVALUATED,
            self.received,
            evaluated.len() * ELEMENT + PROOF_BYTES,
        );
        evaluated
            .iter()
            .for_each(|element| frame.extend_from_slice(element));
        frame.extend_from_slice(&proof);
        self.received += evaluated.len();
        self.ready.push_back(frame);
        self.transcript.absorb(From::Receiver, bytes);
        Ok(Progress::More)
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = self.session.receiver_items + self.set.len();
        (self.received + self.sent) * 1000 / total.max(1)
    }

    /// The transcript's digest, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<Digest, Error> {
        if self.phase == Phase::Done {
            Ok(self.transcript.digest())
        } else {
            Err(Error::faulty(Fault::Truncated, &[]))
        }
    }
}
