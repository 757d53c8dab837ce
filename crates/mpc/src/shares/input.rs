//! How an owner of data shares a column among the three parties.
//!
//! Why it exists: any number of institutions give data to a run, and most of
//! them are not among the three that compute.
//!
//! ```text
//! owner ── binding, components i and i+1 ──▶ P_i            for each i
//! P_i   ── digest of component i+1 ──▶ P_{i+1},  digest of component i ──▶ P_{i−1}
//! ```
//!
//! *Adversary*: a malicious owner, or a malicious party. An owner that gives the
//! holders of one component different words is found out before the column is
//! used. A value out of its declared range can't be expressed: a column of
//! width `w` has `w` bits a row.
//!
//! *Leaks*: rows and width. An owner may pad with rows that a flag of its own
//! marks as empty.
//!
//! *Limits*: nobody can tell whether an owner or one of the two holders lied;
//! the run ends. What an owner shares is what it likes: that it is the data of
//! its snapshot is not proven here.

use primitives::Digest;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;

use super::{
    Words,
    column::{Pair, low_mask},
    frame::Kind,
    party::{Expected, Outgoing, Party, bytes_of, words_of},
};
use crate::{Error, Fault, Refusal, domains, limits, secrecy};

/// Why a check of widths may be known.
const FITS: &str = "whether values have the bits that were agreed";

/// Bytes before the words of an owner's message.
const HEADER_BYTES: usize = 32 + 1;

/// Bytes of one party's message of a column of so many rows.
#[must_use]
pub const fn message_bytes(rows: usize) -> usize {
    HEADER_BYTES + 16 * rows
}

/// What an owner's column is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The run's session, as [`Party::new`] got it.
    pub session: Digest,
    /// Who owns the data, as the plan names it.
    pub owner: String,
    /// Which column of the plan.
    pub column: String,
    /// Rows.
    pub rows: usize,
    /// Bits of a row.
    pub width: u32,
}

impl Binding {
    fn digest(&self) -> Result<Digest, Error> {
        if self.rows > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        if self.width == 0 || self.width > 64 {
            return Err(Refusal::ParameterRange.into());
        }
        Ok(Digest::of(
            domains::SHARES_INPUT,
            &[
                self.session.as_bytes(),
                self.owner.as_bytes(),
                self.column.as_bytes(),
                &(self.rows as u64).to_be_bytes(),
                &self.width.to_be_bytes(),
            ],
        ))
    }

    fn bytes(&self) -> usize {
        message_bytes(self.rows)
    }

    /// Whether a message is one that the owner may give party `to`: its length, what it
    /// is bound to, the width of its words. Then a message that is none is the owner's
    /// fault alone, whoever else spoke last.
    ///
    /// # Errors
    /// [`Refusal::TooManyRows`], [`Refusal::ParameterRange`] for a binding that is none.
    pub fn fits(&self, to: usize, message: &[u8]) -> Result<bool, Error> {
        let digest = self.digest()?;
        Ok(decode(self, &digest, to, message).is_ok())
    }
}

/// Splits a column into the messages for parties 0, 1 and 2.
///
/// # Errors
/// [`Refusal::ShapeMismatch`] where the rows are not as many as stated,
/// [`Refusal::Overflow`] where a value has more bits than stated.
pub fn share(
    binding: &Binding,
    values: &[u64],
    rng: &mut impl CryptoRng,
) -> Result<[Vec<u8>; 3], Error> {
    let digest = binding.digest()?;
    if values.len() != binding.rows {
        return Err(Refusal::ShapeMismatch.into());
    }
    let mask = low_mask(binding.width);
    let above = values.iter().fold(0, |above, value| above | value & !mask);
    if !secrecy::outcome(above.ct_eq(&0), FITS) {
        return Err(Refusal::Overflow.into());
    }
    let mut components = [0; 3].map(|_| Vec::with_capacity(values.len()));
    for value in values {
        let (first, second) = (rng.next_u64() & mask, rng.next_u64() & mask);
        components[0].push(first);
        components[1].push(second);
        components[2].push(value ^ first ^ second);
    }
    Ok([0u8, 1, 2].map(|party| {
        let mut message = Vec::with_capacity(binding.bytes());
        message.extend_from_slice(digest.as_bytes());
        message.push(party);
        let mine = usize::from(party);
        for component in [&components[mine], &components[(mine + 1) % 3]] {
            message.extend_from_slice(&bytes_of(component));
        }
        message
    }))
}

impl Party<'_> {
    /// Takes an owner's message for this party and compares it with the
    /// neighbours'.
    ///
    /// # Errors
    /// [`Fault::Malformed`] with the message's first bytes, where it is not
    /// exactly what is due; [`Fault::ShareMismatch`] where two holders of one
    /// component got different ones.
    pub fn receive_input(&mut self, binding: &Binding, message: &[u8]) -> Result<Words, Error> {
        let digest = binding.digest()?;
        let pair = match decode(binding, &digest, self.index, message) {
            Ok(pair) => pair,
            Err(error) => return self.fail(error),
        };
        let stands_for = |words: &[u64]| {
            let part = Digest::of(
                domains::SHARES_COMPONENT,
                &[digest.as_bytes(), &bytes_of(words)],
            );
            words_of(part.as_bytes())
        };
        let (mine, next) = (stands_for(&pair.mine), stands_for(&pair.next));
        let why = "digests of components, sent to who else holds them";
        let (mine, next) = (secrecy::public(mine, why), secrecy::public(next, why));
        let outgoing = Outgoing {
            previous: Some(&mine),
            next: Some(&next),
        };
        let expected = Expected {
            previous: Some(4),
            next: Some(4),
        };
        let incoming = self.exchange(Kind::Held, &outgoing, expected)?;
        for (got, due) in [(&incoming.previous, mine), (&incoming.next, next)] {
            if *got != due {
                let both = [bytes_of(got), bytes_of(&due)].concat();
                return self.fail(Error::faulty(Fault::ShareMismatch, &both));
            }
        }
        Ok(Words {
            pair,
            width: binding.width,
        })
    }
}

/// An owner's message for party `to`.
fn decode(binding: &Binding, digest: &Digest, to: usize, message: &[u8]) -> Result<Pair, Error> {
    let malformed = || {
        let head = &message[..message.len().min(HEADER_BYTES)];
        Error::faulty(Fault::Malformed, head)
    };
    if message.len() != binding.bytes()
        || message[..32] != digest.as_bytes()[..]
        || usize::from(message[32]) != to
    {
        return Err(malformed());
    }
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let (mine, next) = message[HEADER_BYTES..].split_at(8 * binding.rows);
    let read = |half: &[u8]| half.chunks_exact(8).map(word).collect();
    let pair = Pair {
        mine: read(mine),
        next: read(next),
    };
    let above = !low_mask(binding.width);
    let halves = pair.mine.iter().chain(&pair.next);
    let beyond = halves.fold(0, |beyond, x| beyond | x & above);
    if !secrecy::outcome(beyond.ct_eq(&0), FITS) {
        return Err(malformed());
    }
    Ok(pair)
}
