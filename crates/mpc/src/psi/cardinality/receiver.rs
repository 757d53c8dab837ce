//! The role that learns the count.
//!
//! Why it exists: it masks its items, and compares the lists that come back.
//!
//! *Invariants*
//! - Items leave in an order of a permutation drawn for the session.
//! - The count is given out after the transcripts were compared.

use std::collections::HashMap;

use rand_core::CryptoRng;

use super::{check, opening::Counted, permutation};
use crate::{
    Element, Error, Fault,
    group::SecretScalar,
    limits::PROOF_CHUNK,
    psi::{
        Progress, Session, Set, begin, elements,
        frames::{Due, ELEMENT, body_of, entries, faulty, kind, list},
        matching,
        set::Item,
        transcript::{From, Transcript},
    },
    secrecy,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Key,
    Masked,
    Twice,
    Own,
    End,
    Done,
}

/// One session of the receiver, driven as [`super::super::rr22::Receiver`] is.
pub struct Receiver {
    session: Session,
    phase: Phase,
    transcript: Transcript,
    secret: SecretScalar,
    key: Option<Element>,
    set: Set,
    /// The item's number at each place of what was sent.
    places: Vec<u32>,
    masked: Vec<[u8; ELEMENT]>,
    /// Where each entry of the sender's shuffled list stands.
    twice: HashMap<[u8; ELEMENT], u32>,
    own: usize,
    last: [u8; ELEMENT],
    matched: Vec<(u32, [u8; ELEMENT])>,
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
        let (set, mut rng) = begin(&session.digest, set, session.receiver_items, rng)?;
        Ok(Self {
            phase: Phase::Key,
            transcript: Transcript::new(&session.digest),
            secret: SecretScalar::draw(&mut rng),
            key: None,
            places: permutation(set.len(), &mut rng),
            masked: Vec::with_capacity(set.len()),
            twice: HashMap::new(),
            own: 0,
            last: [0; ELEMENT],
            matched: Vec::new(),
            set,
            session,
        })
    }

    /// The next frame to send; `None` where the sender's turn has come.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        if self.phase != Phase::Masked {
            return None;
        }
        let first = self.masked.len();
        let due = PROOF_CHUNK.min(self.places.len() - first);
        let items: Vec<Item> = self.places[first..first + due]
            .iter()
            .map(|index| self.set.items()[*index as usize])
            .collect();
        let mut masked = elements::hash_times(&items, &self.secret);
        secrecy::all_public(&mut masked, matching::SENT);
        let mut frame = list(kind::MASKED, first, due * ELEMENT);
        masked
            .iter()
            .for_each(|element| frame.extend_from_slice(element));
        self.masked.extend(masked);
        self.transcript.absorb(From::Receiver, &frame);
        self.advance();
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
                self.phase = Phase::Masked;
            }
            Phase::Twice => self.on_twice(bytes)?,
            Phase::Own => self.on_own(bytes)?,
            Phase::End => {
                let theirs: [u8; 32] = body_of(bytes, kind::END)?;
                if theirs != self.transcript.digest().0 {
                    return Err(faulty(Fault::TranscriptMismatch, bytes));
                }
                self.phase = Phase::Done;
                return Ok(Progress::Complete);
            }
            Phase::Masked | Phase::Done => return Err(faulty(Fault::OutOfOrder, bytes)),
        }
        self.transcript.absorb(From::Sender, bytes);
        self.advance();
        Ok(Progress::More)
    }

    fn on_twice(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let due = Due {
            first: self.twice.len(),
            total: self.set.len(),
            chunk: PROOF_CHUNK,
            entry: ELEMENT,
        };
        let (list, _) = entries(bytes, kind::TWICE, &due, 0)?;
        for element in elements::parse(list)? {
            let place = u32::try_from(self.twice.len()).unwrap_or(u32::MAX);
            if self.twice.insert(element.to_bytes(), place).is_some() {
                return Err(faulty(Fault::ElementRepeated, element.bytes()));
            }
        }
        Ok(())
    }

    fn on_own(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let due = Due {
            first: self.own,
            total: self.session.sender_items,
            chunk: PROOF_CHUNK,
            entry: ELEMENT,
        };
        let (list, _) = entries(bytes, kind::OWN, &due, 0)?;
        let own = elements::parse(list)?;
        for element in &own {
            if self.own > 0 && *element.bytes() <= self.last {
                return Err(faulty(Fault::TagsUnordered, bytes));
            }
            self.last = element.to_bytes();
            self.own += 1;
        }
        let mut both = elements::times(&own, &self.secret);
        secrecy::conceded(&mut both, "elements that a counting receiver looks up");
        for both in both {
            if let Some(place) = self.twice.get(&both) {
                self.matched.push((*place, both));
            }
        }
        Ok(())
    }

    /// Goes on where a list is complete; a list without entries has no frames.
    fn advance(&mut self) {
        if self.phase == Phase::Masked && self.masked.len() == self.set.len() {
            self.phase = Phase::Twice;
        }
        if self.phase == Phase::Twice && self.twice.len() == self.set.len() {
            self.phase = Phase::Own;
        }
        if self.phase == Phase::Own && self.own == self.session.sender_items {
            self.phase = Phase::End;
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = 2 * self.set.len() + self.session.sender_items;
        (self.masked.len() + self.twice.len() + self.own) * 1000 / total.max(1)
    }

    /// The count, and what the second step needs.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the sender's last frame.
    pub fn finish(mut self) -> Result<Counted, Error> {
        let Some(key) = self.key.filter(|_| self.phase == Phase::Done) else {
            return Err(Error::faulty(Fault::Truncated, &[]));
        };
        self.matched.sort_unstable();
        let genuine = self.set.genuine();
        let origins = self.places.iter().map(|index| {
            let index = *index as usize;
            (index < genuine).then(|| self.set.origin(index))
        });
        Ok(Counted {
            key,
            origins: origins.collect(),
            masked: self.masked,
            matched: self.matched,
            transcript: self.transcript,
        })
    }
}
