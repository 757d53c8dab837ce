//! The role that learns nothing but the receiver's size.
//!
//! Why it exists: it evaluates the oblivious function on its own items, and sends
//! what comes of it.
//!
//! *Invariants*: tags leave in ascending order, with dummies up to the agreed size.

use primitives::Digest;
use rand_core::CryptoRng;

use super::shape_of;
use crate::{
    Error, Fault,
    psi::{
        Progress, Session, Set, begin,
        frames::{faulty, fixed, kind},
        function::{Evaluator, Shape},
        matching::{self, next_of_tags},
        order,
        transcript::{From, Transcript},
    },
    secrecy, simd,
    vole::SenderOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Evaluating,
    Tags,
    End,
    Done,
}

/// One session of the sender, driven as the receiver is.
pub struct Sender {
    session: Session,
    shape: Shape,
    evaluator: Evaluator,
    phase: Phase,
    transcript: Transcript,
    set: Set,
    tags: Vec<u128>,
    sent: usize,
}

impl Sender {
    /// Begins with a set and a correlation of
    /// [`correlations`](super::correlations) values that was made for this session
    /// alone. The generator seeds a generator of the role's own.
    ///
    /// # Errors
    /// [`Refusal::SetTooLarge`](crate::Refusal),
    /// [`Refusal::CorrelationMismatch`](crate::Refusal),
    /// [`Refusal::ParameterRange`](crate::Refusal) for a session of another protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        set: Set,
        correlation: SenderOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let shape = shape_of(&session)?;
        let (set, mut rng) = begin(&session.digest, set, session.sender_items, rng)?;
        Ok(Self {
            evaluator: Evaluator::new(session.digest, shape, correlation, &mut rng)?,
            phase: Phase::Evaluating,
            transcript: Transcript::new(&session.digest),
            tags: simd::large(set.len()),
            set,
            sent: 0,
            session,
            shape,
        })
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// session is over.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        let frame = match self.phase {
            Phase::Evaluating => self.evaluator.pull()?,
            Phase::Tags => {
                let frame = next_of_tags(&self.tags, &mut self.sent, self.shape.tag_bytes);
                if self.sent == self.tags.len() {
                    self.phase = Phase::End;
                }
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
        self.begin_tags();
        Some(frame)
    }

    /// Sorts the tags, once all are there.
    fn begin_tags(&mut self) {
        if self.phase != Phase::Evaluating || !self.evaluator.done() {
            return;
        }
        secrecy::all_public(&mut self.tags, matching::SENT);
        let oracle = self.evaluator.oracle();
        order::by_uniform(&mut self.tags, |tag| oracle.order(*tag));
        self.phase = if self.tags.is_empty() {
            Phase::End
        } else {
            Phase::Tags
        };
    }

    /// Takes one frame of the receiver. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        if self.phase != Phase::Evaluating {
            return Err(faulty(Fault::OutOfOrder, bytes));
        }
        let (items, tags) = (self.set.items(), &mut self.tags);
        // Items with equal tags, which come of chance once in 2^40 sessions, make
        // the receiver abort.
        self.evaluator.on_frame(items, bytes, |oracle, _, read| {
            tags.append(&mut oracle.tags(read));
        })?;
        self.transcript.absorb(From::Receiver, bytes);
        self.begin_tags();
        Ok(Progress::More)
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = self.shape.columns() + self.session.sender_items;
        (self.evaluator.received() + self.sent) * 1000 / total
    }

    /// Whether the last frame was given out.
    pub(super) fn done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The transcript's digest, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<Digest, Error> {
        if self.done() {
            Ok(self.transcript.digest())
        } else {
            Err(Error::faulty(Fault::Truncated, &[]))
        }
    }
}
