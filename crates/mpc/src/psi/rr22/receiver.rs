//! The role that learns the intersection.
//!
//! Why it exists: it turns its set into a vector that shows nothing of it, and
//! finds its own tags among the sender's.
//!
//! *Invariants*
//! - Nothing is given out before the sender's transcript was compared.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;

use super::shape_of;
use crate::{
    Error, Fault, Refusal,
    psi::{
        Progress, Session, Set, begin,
        frames::{body_of, faulty, kind},
        function::{Asker, Shape},
        matching::{self, Matching, Own},
        order,
        transcript::{From, Transcript},
    },
    secrecy, simd,
    vole::ReceiverOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Asking,
    Tags,
    End,
    Done,
}

/// One session of the receiver.
///
/// The caller sends what [`pull`](Self::pull) gives until it gives nothing, hands
/// in what the sender sends through [`on_frame`](Self::on_frame), and ends with
/// [`finish`](Self::finish). It may stop between any two calls.
pub struct Receiver {
    session: Session,
    shape: Shape,
    asker: Asker,
    phase: Phase,
    transcript: Transcript,
    rng: ChaCha20Rng,
    set: Set,
    matching: Matching,
}

impl Receiver {
    /// Begins with a set and a correlation of
    /// [`correlations`](super::correlations) values that was made for this session
    /// alone. The generator seeds a generator of the role's own.
    ///
    /// # Errors
    /// [`Refusal::SetTooLarge`], [`Refusal::CorrelationMismatch`],
    /// [`Refusal::ParameterRange`] for a session of another protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        set: Set,
        correlation: ReceiverOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let shape = shape_of(&session)?;
        let (set, mut rng) = begin(&session.digest, set, session.receiver_items, rng)?;
        let asker = Asker::new(session.digest, shape, set.items(), correlation, &mut rng)?;
        Ok(Self {
            asker,
            phase: Phase::Asking,
            transcript: Transcript::new(&session.digest),
            rng,
            matching: Matching::default(),
            set,
            session,
            shape,
        })
    }

    /// The most items that the peer in this role can test, whatever it does, but
    /// for a chance of 2^-40, where it asks the oracles 2^80 times. A sender
    /// compares it with what its approval allows. See [`crate::okvs`].
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for a session that is not of this protocol and
    /// malicious strength.
    pub fn points_bound(session: &Session) -> Result<usize, Error> {
        let shape = shape_of(session)?;
        shape
            .malicious()
            .then(|| shape.params.points_bound(128, 80))
            .flatten()
            .ok_or_else(|| Refusal::ParameterRange.into())
    }

    /// The next frame to send; `None` where the sender's turn has come.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.phase != Phase::Asking {
            return Ok(None);
        }
        let frame = self.asker.pull(self.set.items(), &mut self.rng)?;
        if let Some(frame) = &frame {
            self.transcript.absorb(From::Receiver, frame);
        }
        self.begin_matching();
        Ok(frame)
    }

    /// Makes the own tags, once the function's values are there.
    fn begin_matching(&mut self) {
        if self.phase != Phase::Asking || !self.asker.done() {
            return;
        }
        let genuine = u32::try_from(self.set.genuine()).unwrap_or(u32::MAX);
        let mut tags = simd::large(self.set.genuine());
        self.asker.take(|oracle, indexes, read| {
            let all = indexes.iter().zip(oracle.tags(read));
            let own = all.filter(|(index, _)| **index < genuine);
            tags.extend(own.map(|(index, tag)| Own::new(tag, *index)));
        });
        secrecy::conceded(&mut tags, matching::OWN);
        let cut = 8 * (16 - self.shape.tag_bytes);
        order::by_uniform(&mut tags, |own| own.order(cut));
        self.matching = Matching::new(tags);
        self.phase = Phase::Tags;
        self.skip_empty();
    }

    /// Takes one frame of the sender. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        match self.phase {
            Phase::Asking => {
                self.asker.on_frame(bytes)?;
                self.begin_matching();
            }
            Phase::Tags => {
                let total = self.session.sender_items;
                let size = self.shape.tag_bytes;
                self.matching.take(bytes, total, size, &self.set)?;
                self.skip_empty();
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

    /// A list without entries has no frames.
    fn skip_empty(&mut self) {
        if self.phase == Phase::Tags && self.matching.received() == self.session.sender_items {
            self.phase = Phase::End;
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let columns = self.shape.columns();
        let total = columns + self.session.sender_items;
        (self.asker.sent() + self.matching.received()) * 1000 / total
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
