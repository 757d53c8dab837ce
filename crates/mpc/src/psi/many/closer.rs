//! The holder that vouches beside the pivot, where the receiver holds no set.
//!
//! Why it exists: the pivot may not know what it finds, so somebody else must hold
//! the other half of it.
//!
//! ```text
//! with the pivot: evaluates F_c, asks G, ── end ──▶ ◀── end ──; then to the opener,
//! or, with a counter, to the caller
//! ```
//! *Invariants*: the list leaves when the pivot's transcript was compared and every
//! key of the shares of zero is agreed on.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    Addressed, Link, Names, Place, Seat, Session,
    list::{CLOSER_ENTRY, Keys, Outgoing, check_names, name, sorted},
    seated, unexpected,
    zero::Zeros,
};
use crate::{
    Error, Fault,
    field::F128,
    psi::{
        Progress, Set, begin,
        frames::kind,
        function::{Asker, Evaluator, Shape},
    },
    vole::{ReceiverOutput, SenderOutput},
};

enum Phase {
    Evaluating,
    Asking,
    /// The pivot's end is due.
    Agreeing,
    Listing(Outgoing),
    Done,
}

/// What a closer ends with.
pub struct Vouched {
    /// With a counter, the entries of this part; what they are for: [`super::lists`].
    pub list: Option<Zeroizing<Vec<u8>>>,
    /// The digests of what was exchanged with each other party, to be signed.
    pub transcripts: Vec<(Place, Digest)>,
}

/// One session of the closer.
pub struct Closer {
    set: Set,
    names: Names,
    rng: ChaCha20Rng,
    zeros: Zeros,
    keys: Keys,
    pivot: Link,
    /// `None` with a counter: the list is the caller's.
    opener: Option<Link>,
    list: Option<Zeroizing<Vec<u8>>>,
    evaluator: Evaluator,
    asker: Asker,
    phase: Phase,
    /// For each item the sum of the holders' values, and the pivot's function.
    values: Zeroizing<Vec<[F128; 2]>>,
}

impl Closer {
    /// Begins with a set, the names of its items, the correlation of the function
    /// that it evaluates and that of the one that it asks.
    ///
    /// # Errors
    /// [`Refusal`](crate::Refusal): `ParameterRange` at another seat, `SetTooLarge`,
    /// `CorrelationMismatch`, `NameSize`.
    pub fn new<R: CryptoRng + ?Sized>(
        session: &Session,
        place: Place,
        (set, names): (Set, Names),
        evaluates: SenderOutput,
        asks: ReceiverOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        seated(session, place, Seat::Closer)?;
        check_names(session, &set, &names)?;
        let (set, mut rng) = begin(&session.digest, set, session.size(place), rng)?;
        let pivot = session.pivot();
        let evaluated = session.function(pivot, place)?.digest;
        let asked = session.function(place, pivot)?.digest;
        let theirs = Shape::full(session.size(pivot))?;
        let mine = Shape::full(session.size(place))?;
        Ok(Self {
            zeros: Zeros::new(session, place, &mut rng),
            keys: Keys::new(session),
            pivot: Link::new(session, place, pivot),
            opener: match session.counter() {
                None => Some(Link::new(session, place, session.opener())),
                Some(_) => None,
            },
            list: None,
            evaluator: Evaluator::new(evaluated, theirs, evaluates, &mut rng)?,
            asker: Asker::new(asked, mine, set.items(), asks, &mut rng)?,
            phase: Phase::Evaluating,
            values: Zeroizing::new(vec![[F128::ZERO; 2]; set.len()]),
            set,
            names,
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
                return Ok(Some(self.pivot.send(frame)));
            }
            self.ask_once_done();
        }
        if matches!(self.phase, Phase::Asking) {
            let frame = self.asker.pull(self.set.items(), &mut self.rng)?;
            if let Some(frame) = frame {
                return Ok(Some(self.pivot.send(frame)));
            }
            if !self.asker.done() {
                return Ok(None);
            }
            self.phase = Phase::Agreeing;
            return Ok(Some(self.pivot.end()));
        }
        let (Phase::Listing(list), Some(opener)) = (&mut self.phase, &mut self.opener) else {
            return Ok(None);
        };
        Ok(Some(match list.pull() {
            Some(frame) => opener.send(frame),
            None => {
                self.phase = Phase::Done;
                opener.end()
            }
        }))
    }

    /// Takes one frame of another party. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`](crate::Fault), with the party's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        if from != self.pivot.peer {
            self.zeros.on_frame(from, bytes)?;
            self.begin_list();
            return Ok(Progress::More);
        }
        self.ask_once_done();
        match self.phase {
            Phase::Evaluating => {
                let (items, values) = (self.set.items(), &mut self.values);
                self.evaluator
                    .on_frame(items, bytes, |oracle, indexes, read| {
                        for (index, value) in oracle.elements(indexes, read) {
                            values[index][0] = value;
                        }
                    })?;
                self.pivot.took(bytes);
            }
            Phase::Asking => {
                self.asker.on_frame(bytes)?;
                self.pivot.took(bytes);
            }
            Phase::Agreeing if !self.pivot.heard => {
                self.pivot.on_end(bytes)?;
                self.begin_list();
            }
            _ => return Err(unexpected(bytes)),
        }
        Ok(Progress::More)
    }

    fn ask_once_done(&mut self) {
        if matches!(self.phase, Phase::Evaluating) && self.evaluator.done() {
            self.phase = Phase::Asking;
        }
    }

    fn begin_list(&mut self) {
        let agreed = matches!(self.phase, Phase::Agreeing) && self.pivot.heard;
        if !agreed || !self.zeros.done() {
            return;
        }
        let values = &mut self.values;
        self.asker.take(|oracle, indexes, read| {
            for (index, own) in oracle.elements(indexes, read) {
                values[index][1] = own;
            }
        });
        let mut entries = Zeroizing::new(Vec::with_capacity(self.set.len() * CLOSER_ENTRY));
        for (index, [value, own]) in self.values.iter().enumerate() {
            let sum = *value + self.zeros.share(&self.set.items()[index]);
            let secret = self.keys.secret(sum, *own);
            let entry = self
                .keys
                .closer_entry(&secret, name(&self.set, &self.names, index));
            entries.extend_from_slice(&entry);
        }
        let list = sorted(CLOSER_ENTRY, &entries);
        if self.opener.is_some() {
            self.phase = Phase::Listing(Outgoing::new(kind::KEYS, CLOSER_ENTRY, list));
        } else {
            self.list = Some(list);
            self.phase = Phase::Done;
        }
    }

    /// Whether nothing more is to be sent or taken.
    #[must_use]
    pub fn done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// What it ends with.
    ///
    /// # Errors
    /// [`Fault::Truncated`](crate::Fault) before the last frame was given out, or the
    /// pivot's end taken.
    pub fn finish(self) -> Result<Vouched, Error> {
        if !self.done() {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let mut transcripts = self.zeros.finish()?;
        transcripts.push(self.pivot.finish()?);
        if let Some(opener) = &self.opener {
            transcripts.push(opener.finish()?);
        }
        Ok(Vouched {
            list: self.list,
            transcripts,
        })
    }
}
