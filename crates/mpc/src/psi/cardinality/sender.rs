//! The role that masks both lists and shuffles the receiver's.
//!
//! Why it exists: its permutation is what stands between a count and identities.
//!
//! *Invariants*
//! - No element of the receiver's list is masked before the whole list is here
//!   and none repeats.
//! - Key and permutation are drawn for the session and die with its [`Gate`].

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;

use super::{check, opening::Gate, permutation};
use crate::{
    Element, Error, Fault,
    group::SecretScalar,
    limits::PROOF_CHUNK,
    oprf,
    psi::{
        Progress, Session, Set, begin, elements,
        frames::{Due, ELEMENT, entries, faulty, fixed, kind, list},
        matching,
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

/// One session of the sender, driven as [`super::super::rr22::Sender`] is.
pub struct Sender {
    session: Session,
    phase: Phase,
    transcript: Transcript,
    rng: ChaCha20Rng,
    key: SecretScalar,
    set: Set,
    masked: Vec<[u8; ELEMENT]>,
    /// Which of the receiver's entries stands at each place of the answer.
    places: Vec<u32>,
    twice: Vec<[u8; ELEMENT]>,
    own: Vec<[u8; ELEMENT]>,
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
            places: permutation(session.receiver_items, &mut rng),
            rng,
            masked: Vec::new(),
            twice: Vec::new(),
            own: Vec::new(),
            sent: 0,
            set,
            session,
        })
    }

    /// Masks up to 4,096 more of its items; false once all are masked.
    /// [`pull`](Self::pull) does what is left.
    pub fn prepare(&mut self) -> bool {
        let first = self.own.len();
        let due = PROOF_CHUNK.min(self.set.len() - first);
        let items = &self.set.items()[first..first + due];
        self.own.extend(elements::hash_times(items, &self.key));
        self.own.len() < self.set.len()
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// session is over.
    ///
    /// # Errors
    /// None that an honest session meets: what is parsed was checked on arrival.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let frame = match self.phase {
            Phase::Key => {
                self.phase = Phase::Masked;
                fixed(kind::KEY, &[oprf::public_of(&self.key).bytes()])
            }
            Phase::Twice => self.next_of_twice()?,
            Phase::Own => {
                if self.sent == 0 {
                    while self.prepare() {}
                    secrecy::all_public(&mut self.own, matching::SENT);
                    self.own.sort_unstable();
                }
                let due = PROOF_CHUNK.min(self.own.len() - self.sent);
                let frame =
                    of_elements(kind::OWN, self.sent, &self.own[self.sent..self.sent + due]);
                self.sent += due;
                frame
            }
            Phase::End => {
                self.phase = Phase::Done;
                // The end states the digest of what came before it.
                return Ok(Some(fixed(kind::END, &[&self.transcript.digest().0])));
            }
            Phase::Masked | Phase::Done => return Ok(None),
        };
        self.transcript.absorb(From::Sender, &frame);
        self.advance();
        Ok(Some(frame))
    }

    fn next_of_twice(&mut self) -> Result<Vec<u8>, Error> {
        let first = self.twice.len();
        let due = PROOF_CHUNK.min(self.places.len() - first);
        let chunk: Result<Vec<Element>, Error> = self.places[first..first + due]
            .iter()
            .map(|place| Element::from_bytes(&self.masked[*place as usize]))
            .collect();
        let mut twice = elements::times(&chunk?, &self.key);
        secrecy::all_public(&mut twice, oprf::EVALUATED);
        let frame = of_elements(kind::TWICE, first, &twice);
        self.twice.extend(twice);
        Ok(frame)
    }

    /// Takes one frame of the receiver. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        let total = self.session.receiver_items;
        if self.phase != Phase::Masked {
            return Err(faulty(Fault::OutOfOrder, bytes));
        }
        let due = Due {
            first: self.masked.len(),
            total,
            chunk: PROOF_CHUNK,
            entry: ELEMENT,
        };
        let (entries, _) = entries(bytes, kind::MASKED, &due, 0)?;
        let elements = elements::parse(entries)?;
        self.masked.extend(elements.iter().map(Element::to_bytes));
        if self.masked.len() == total {
            let mut sorted = self.masked.clone();
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(faulty(Fault::ElementRepeated, &pair[0]));
            }
            self.phase = Phase::Twice;
        }
        self.transcript.absorb(From::Receiver, bytes);
        Ok(Progress::More)
    }

    /// Goes on where a list is complete; a list without entries has no frames.
    fn advance(&mut self) {
        if self.phase == Phase::Masked && self.masked.len() == self.session.receiver_items {
            self.phase = Phase::Twice;
        }
        if self.phase == Phase::Twice && self.twice.len() == self.places.len() {
            self.phase = Phase::Own;
        }
        if self.phase == Phase::Own && self.sent == self.set.len() {
            self.phase = Phase::End;
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = 2 * self.places.len() + self.set.len();
        (self.masked.len() + self.twice.len() + self.sent) * 1000 / total.max(1)
    }

    /// The transcript's digest, to be signed, and what the second step needs.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<(Digest, Gate), Error> {
        if self.phase != Phase::Done {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let digest = self.transcript.digest();
        let gate = Gate {
            key: self.key,
            masked: self.masked,
            places: self.places,
            twice: self.twice,
            transcript: self.transcript,
            rng: self.rng,
        };
        Ok((digest, gate))
    }
}

/// A frame of encoded elements.
fn of_elements(kind: u8, first: usize, elements: &[[u8; ELEMENT]]) -> Vec<u8> {
    let mut frame = list(kind, first, elements.len() * ELEMENT);
    elements
        .iter()
        .for_each(|element| frame.extend_from_slice(element));
    frame
}
