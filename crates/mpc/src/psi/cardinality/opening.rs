//! The second step: identities of matches, within a cap, under a proof.
//!
//! Why it exists: between the count and this step the caller asks its rules, the
//! warrant's cap first of all.
//!
//! *Invariants*
//! - A gate opens once, and never more places than the cap it is given.
//! - What the receiver accepts is proven to be its own masked items under the
//!   sender's key, and bound to the whole transcript.

use std::collections::BTreeSet;

use chacha20::ChaCha20Rng;
use primitives::Digest;

use crate::{
    Element, Error, Fault, Refusal,
    group::SecretScalar,
    limits::PROOF_CHUNK,
    oprf::{self, PROOF_BYTES},
    psi::{
        frames::{ELEMENT, body, faulty, fixed, kind},
        transcript::{From, Transcript},
    },
};

/// What the receiver holds after the first step.
pub struct Counted {
    pub(super) key: Element,
    /// For every place of what was sent, the caller's place; `None` for a dummy.
    pub(super) origins: Vec<Option<u32>>,
    pub(super) masked: Vec<[u8; ELEMENT]>,
    /// Places of the sender's shuffled list that match, ascending.
    pub(super) matched: Vec<(u32, [u8; ELEMENT])>,
    pub(super) transcript: Transcript,
}

impl Counted {
    /// How many items both have.
    #[must_use]
    pub fn count(&self) -> usize {
        self.matched.len()
    }

    /// The digest of the first step's transcript.
    #[must_use]
    pub fn transcript(&self) -> Digest {
        self.transcript.digest()
    }

    /// Asks for the identities of all matches.
    ///
    /// # Errors
    /// [`Refusal::CountOverCap`] for more than
    /// [`PROOF_CHUNK`](crate::limits::PROOF_CHUNK).
    pub fn ask(mut self) -> Result<(Vec<u8>, Asked), Error> {
        if self.matched.len() > PROOF_CHUNK {
            return Err(Refusal::CountOverCap.into());
        }
        let places: Vec<u8> = self
            .matched
            .iter()
            .flat_map(|(place, _)| place.to_be_bytes())
            .collect();
        let frame = fixed(kind::ASK, &[&places]);
        self.transcript.absorb(From::Receiver, &frame);
        Ok((frame, Asked(self)))
    }
}

/// A receiver that waits for identities.
pub struct Asked(Counted);

impl Asked {
    /// Checks what the sender opened and gives the caller's places, ascending, and
    /// the digest of the whole transcript.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes.
    pub fn on_frame(self, bytes: &[u8]) -> Result<(Vec<u32>, Digest), Error> {
        let Self(mut counted) = self;
        let malformed = || faulty(Fault::Malformed, bytes);
        let count = counted.matched.len();
        let (body, digest) = body(bytes, kind::IDENTITIES)?
            .split_last_chunk::<32>()
            .ok_or_else(malformed)?;
        let (places, proof) = body
            .split_last_chunk::<PROOF_BYTES>()
            .filter(|(places, _)| places.len() == 4 * count)
            .ok_or_else(malformed)?;
        counted.transcript.absorb(From::Sender, body);
        if counted.transcript.digest().0 != *digest {
            return Err(faulty(Fault::TranscriptMismatch, bytes));
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::with_capacity(count);
        let mut masked = Vec::with_capacity(count);
        for place in places.chunks_exact(4) {
            let place = u32_of(place) as usize;
            // A dummy matches nothing, so an honest sender never opens one.
            let origin = counted.origins.get(place).copied().flatten();
            let (Some(origin), true) = (origin, seen.insert(place)) else {
                return Err(faulty(Fault::PlaceInvalid, bytes));
            };
            found.push(origin);
            masked.push(Element::from_bytes(&counted.masked[place])?);
        }
        let twice: Result<Vec<Element>, Error> = counted
            .matched
            .iter()
            .map(|(_, element)| Element::from_bytes(element))
            .collect();
        if count > 0 && !oprf::verify(&counted.key, &masked, &twice?, proof) {
            return Err(faulty(Fault::ProofInvalid, bytes));
        }
        found.sort_unstable();
        Ok((found, counted.transcript.digest()))
    }
}

/// What the sender holds after the first step; opens once.
pub struct Gate {
    pub(super) key: SecretScalar,
    pub(super) masked: Vec<[u8; ELEMENT]>,
    pub(super) places: Vec<u32>,
    pub(super) twice: Vec<[u8; ELEMENT]>,
    pub(super) transcript: Transcript,
    pub(super) rng: ChaCha20Rng,
}

impl Gate {
    /// How many identities a request asks for, to be told to the rules before it
    /// is answered.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn asked(&self, bytes: &[u8]) -> Result<usize, Error> {
        self.parse(bytes).map(|places| places.len())
    }

    /// Opens the identities that a request asks for, if they are at most `cap`.
    /// Gives the frame and the digest of the whole transcript.
    ///
    /// # Errors
    /// [`Refusal::CountOverCap`]; [`Fault`], with the receiver's bytes.
    pub fn open(mut self, bytes: &[u8], cap: usize) -> Result<(Vec<u8>, Digest), Error> {
        let asked = self.parse(bytes)?;
        if asked.len() > cap {
            return Err(Refusal::CountOverCap.into());
        }
        let mut places = Vec::with_capacity(4 * asked.len());
        let mut masked = Vec::with_capacity(asked.len());
        let mut twice = Vec::with_capacity(asked.len());
        for place in asked {
            let from = self.places[place];
            places.extend_from_slice(&from.to_be_bytes());
            masked.push(Element::from_bytes(&self.masked[from as usize])?);
            twice.push(self.twice[place]);
        }
        let public = oprf::public_of(&self.key);
        let proof = if twice.is_empty() {
            [0; PROOF_BYTES]
        } else {
            oprf::prove(&self.key, &public, &masked, &twice, &mut self.rng)
        };
        self.transcript.absorb(From::Receiver, bytes);
        let mut opened = places;
        opened.extend_from_slice(&proof);
        self.transcript.absorb(From::Sender, &opened);
        let digest = self.transcript.digest();
        Ok((fixed(kind::IDENTITIES, &[&opened, &digest.0]), digest))
    }

    /// Places of the shuffled list, ascending and within it.
    fn parse(&self, bytes: &[u8]) -> Result<Vec<usize>, Error> {
        let body = body(bytes, kind::ASK)?;
        if !body.len().is_multiple_of(4) || body.len() > 4 * PROOF_CHUNK {
            return Err(faulty(Fault::Malformed, bytes));
        }
        let places: Vec<usize> = body
            .chunks_exact(4)
            .map(|place| u32_of(place) as usize)
            .collect();
        let within = places.last().is_none_or(|last| *last < self.places.len());
        if !within || !places.is_sorted_by(|a, b| a < b) {
            return Err(faulty(Fault::PlaceInvalid, bytes));
        }
        Ok(places)
    }
}

fn u32_of(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(u32::MAX, u32::from_be_bytes)
}
