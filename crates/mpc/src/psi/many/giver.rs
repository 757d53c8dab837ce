//! The role that gives the pivot a store, and learns nothing but sizes.
//!
//! Why it exists: its set counts without being seen.
//!
//! *Invariants*: the store leaves when every key of its shares of zero is agreed
//! on and the pivot's whole vector is here.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Addressed, Link, Place, Seat, Session, seated, unexpected, zero::Zeros};
use crate::{
    Error,
    field::F128,
    psi::{
        Progress, Set, begin,
        function::{Evaluator, Shape},
        store::Writer,
    },
    vole::SenderOutput,
};

enum Phase {
    Evaluating,
    Store(Box<Writer<F128>>),
    Done,
}

/// One session of a giver, driven like the roles of two parties, but that frames
/// are addressed.
pub struct Giver {
    set: Set,
    rng: ChaCha20Rng,
    zeros: Zeros,
    link: Link,
    evaluator: Evaluator,
    phase: Phase,
    /// The function of each item, then what the store gives for it.
    values: Zeroizing<Vec<F128>>,
}

impl Giver {
    /// Begins at a place of the session with a set and the correlation of the
    /// pivot's function.
    ///
    /// # Errors
    /// [`Refusal`](crate::Refusal): `ParameterRange` at another seat, `SetTooLarge`,
    /// `CorrelationMismatch`.
    pub fn new<R: CryptoRng + ?Sized>(
        session: &Session,
        place: Place,
        set: Set,
        correlation: SenderOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        seated(session, place, Seat::Giver)?;
        let (set, mut rng) = begin(&session.digest, set, session.size(place), rng)?;
        let pivot = session.pivot();
        let function = session.function(pivot, place)?;
        let shape = Shape::full(session.size(pivot))?;
        Ok(Self {
            zeros: Zeros::new(session, place, &mut rng),
            link: Link::new(session, place, pivot),
            evaluator: Evaluator::new(function.digest, shape, correlation, &mut rng)?,
            phase: Phase::Evaluating,
            values: Zeroizing::new(vec![F128::ZERO; set.len()]),
            set,
            rng,
        })
    }

    /// The next frame to send and whom to; `None` where it is others' turn.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Addressed>, Error> {
        if let Some(addressed) = self.zeros.pull() {
            return Ok(Some(addressed));
        }
        if matches!(self.phase, Phase::Evaluating) {
            if let Some(frame) = self.evaluator.pull() {
                return Ok(Some(self.link.send(frame)));
            }
            if !self.evaluator.done() || !self.zeros.done() {
                return Ok(None);
            }
            for (value, item) in self.values.iter_mut().zip(self.set.items()) {
                *value += self.zeros.share(item);
            }
            let writer = Writer::new(self.set.items(), &mut self.rng)?;
            self.phase = Phase::Store(Box::new(writer));
        }
        let Phase::Store(writer) = &mut self.phase else {
            return Ok(None);
        };
        let frame = writer.pull(self.set.items(), &self.values, &mut self.rng)?;
        Ok(Some(match frame {
            Some(frame) => self.link.send(frame),
            None => {
                self.phase = Phase::Done;
                self.link.end()
            }
        }))
    }

    /// Takes one frame of another party. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`](crate::Fault), with the party's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        if from != self.link.peer {
            self.zeros.on_frame(from, bytes)?;
        } else if matches!(self.phase, Phase::Evaluating) {
            let (items, values) = (self.set.items(), &mut self.values);
            self.evaluator
                .on_frame(items, bytes, |oracle, indexes, read| {
                    for (index, value) in oracle.elements(indexes, read) {
                        values[index] = value;
                    }
                })?;
            self.link.took(bytes);
        } else {
            return Err(unexpected(bytes));
        }
        Ok(Progress::More)
    }

    /// The digests of what was exchanged with each other party, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`](crate::Fault) before the last frame was given out.
    pub fn finish(self) -> Result<Vec<(Place, Digest)>, Error> {
        let mut digests = self.zeros.finish()?;
        digests.push(self.link.finish()?);
        Ok(digests)
    }
}
