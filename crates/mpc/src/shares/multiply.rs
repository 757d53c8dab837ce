//! Products and openings: the only operations that speak.
//!
//! Why it exists: every circuit of this folder is made of these and of local
//! sums.
//!
//! The product is that of Araki, Furukawa, Lindell, Nof and Ohara (CCS 2016):
//! with `α_0 + α_1 + α_2 = 0` from the pairs' generators,
//!
//! ```text
//! z_i = x_i·y_i + x_i·y_{i+1} + x_{i+1}·y_i + α_i        P_i ── z_i ──▶ P_{i−1}
//! ```
//!
//! one word a party and product. A party that sends another word adds an error
//! of its own choice to the product and can do nothing else; in malicious mode
//! every product waits in [`Pending`](super::check::Pending) until
//! [`Party::verify`] has shown the error to be zero.
//!
//! An opening sends component `i` to `P_{i+1}` and, in malicious mode, a digest
//! of component `i + 1` to `P_{i−1}`: each party gets the one that it lacks and
//! its digest from another.
//!
//! *Invariants*: an opening to anybody verifies all pending products first.

use primitives::Digest;

use super::{
    Arith, Bits, Words,
    check::{Made, Over},
    column::{Pair, bounded, low_mask, same_rows},
    frame::Kind,
    party::{Expected, Outgoing, Party, bytes_of, words_of},
};
use crate::{Error, Fault, domains, secrecy};

impl Party<'_> {
    /// Turns terms that add up to the result into a replicated column; `terms`
    /// must already hold this party's share of zero.
    pub(crate) fn reshare(&mut self, terms: Vec<u64>) -> Result<Pair, Error> {
        let outgoing = Outgoing {
            previous: Some(&terms),
            next: None,
        };
        let expected = Expected {
            previous: None,
            next: Some(terms.len()),
        };
        let incoming = self.exchange(Kind::Reshare, &outgoing, expected)?;
        Ok(Pair {
            mine: terms,
            next: incoming.next,
        })
    }

    /// Products over Z_2^64.
    pub(crate) fn mul_pairs(&mut self, x: &Pair, y: &Pair) -> Result<Pair, Error> {
        let count = x.len();
        let mut terms = self.with_previous.words(count);
        let next = self.with_next.words(count);
        for (at, term) in terms.iter_mut().enumerate() {
            let sum = x.mine[at]
                .wrapping_mul(y.mine[at].wrapping_add(y.next[at]))
                .wrapping_add(x.next[at].wrapping_mul(y.mine[at]));
            *term = term.wrapping_sub(next[at]).wrapping_add(sum);
        }
        let z = self.reshare(terms)?;
        if self.malicious() {
            self.claim(Over::Numbers, Made { x, y, z: &z })?;
        }
        Ok(z)
    }

    /// Products of bits, 64 a word.
    pub(crate) fn and_pairs(&mut self, x: &Pair, y: &Pair) -> Result<Pair, Error> {
        let count = x.len();
        let mut terms = self.with_previous.words(count);
        let next = self.with_next.words(count);
        for (at, term) in terms.iter_mut().enumerate() {
            *term ^=
                next[at] ^ (x.mine[at] & (y.mine[at] ^ y.next[at])) ^ (x.next[at] & y.mine[at]);
        }
        let z = self.reshare(terms)?;
        if self.malicious() {
            self.claim(Over::Bits, Made { x, y, z: &z })?;
        }
        Ok(z)
    }

    /// The product of two columns, row by row.
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`] where the bounds' sum exceeds
    /// [`super::MAGNITUDE_BITS_MAX`]; [`crate::Refusal::ShapeMismatch`]; a
    /// peer's fault.
    pub fn mul(&mut self, x: &Arith, y: &Arith) -> Result<Arith, Error> {
        same_rows(x.rows(), y.rows())?;
        let bits = bounded(x.bits + y.bits)?;
        let pair = self.mul_pairs(&x.pair, &y.pair)?;
        Ok(Arith { pair, bits })
    }

    /// The conjunction of two columns, bit by bit.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn and(&mut self, x: &Bits, y: &Bits) -> Result<Bits, Error> {
        same_rows(x.rows, y.rows)?;
        same_rows(x.width as usize, y.width as usize)?;
        let pair = self.and_pairs(&x.pair, &y.pair)?;
        Ok(x.with(pair))
    }

    /// The negation of every bit.
    #[must_use]
    pub fn not(&self, x: &Bits) -> Bits {
        let mut pair = x.pair.clone();
        for at in 0..pair.len() {
            pair.xor_public(self.index, at, u64::MAX);
        }
        x.with(pair)
    }

    /// The disjunction of two columns, bit by bit.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn or(&mut self, x: &Bits, y: &Bits) -> Result<Bits, Error> {
        let both = self.and(x, y)?;
        x.xor(y)?.xor(&both)
    }

    /// A column of one public number.
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`] for a number of more than
    /// [`super::MAGNITUDE_BITS_MAX`] bits.
    pub fn constant(&self, value: i64, rows: usize) -> Result<Arith, Error> {
        let bits = bounded(u64::BITS - value.unsigned_abs().leading_zeros())?;
        let mut pair = Pair::zeros(rows);
        for at in 0..rows {
            pair.add_public(self.index, at, value.cast_unsigned());
        }
        Ok(Arith { pair, bits })
    }

    /// A column of public words; bits above `width` are dropped.
    #[must_use]
    pub fn public_words(&self, values: &[u64], width: u32) -> Words {
        let mut pair = Pair::zeros(values.len());
        for (at, value) in values.iter().enumerate() {
            pair.xor_public(self.index, at, value & low_mask(width));
        }
        Words { pair, width }
    }

    /// Opens a column to all three parties.
    ///
    /// # Errors
    /// A peer's fault; nothing is opened where a check fails.
    pub fn open(&mut self, x: &Arith) -> Result<Vec<i64>, Error> {
        let missing = self.missing(&x.pair)?;
        let sum = |((a, b), c): ((&u64, &u64), u64)| a.wrapping_add(*b).wrapping_add(c);
        let halves = x.pair.mine.iter().zip(&x.pair.next);
        Ok(opened(
            halves
                .zip(missing)
                .map(|row| sum(row).cast_signed())
                .collect(),
        ))
    }

    /// Opens a column of words to all three parties.
    ///
    /// # Errors
    /// A peer's fault; nothing is opened where a check fails.
    pub fn open_words(&mut self, x: &Words) -> Result<Vec<u64>, Error> {
        let missing = self.missing(&x.pair)?;
        let halves = x.pair.mine.iter().zip(&x.pair.next);
        Ok(opened(
            halves.zip(missing).map(|((a, b), c)| a ^ b ^ c).collect(),
        ))
    }

    /// Opens planes to all three parties, packed as they are; the bits past the
    /// last row are zero.
    ///
    /// # Errors
    /// A peer's fault; nothing is opened where a check fails.
    pub fn open_bits(&mut self, x: &Bits) -> Result<Vec<u64>, Error> {
        let mut pair = x.pair.clone();
        if !x.rows.is_multiple_of(64) {
            let tail = (1u64 << (x.rows % 64)) - 1;
            for j in 0..x.width {
                let last = x.plane(j).end - 1;
                pair.mine[last] &= tail;
                pair.next[last] &= tail;
            }
        }
        let missing = self.missing(&pair)?;
        let halves = pair.mine.iter().zip(&pair.next);
        Ok(opened(
            halves.zip(missing).map(|((a, b), c)| a ^ b ^ c).collect(),
        ))
    }

    /// The component that this party lacks, after every pending check.
    fn missing(&mut self, pair: &Pair) -> Result<Vec<u64>, Error> {
        self.verify()?;
        self.missing_unverified(pair)
    }

    /// The same, for values that a check itself opens: they are masked or zero.
    pub(crate) fn missing_unverified(&mut self, pair: &Pair) -> Result<Vec<u64>, Error> {
        if self.malicious() {
            // Nobody may choose an earlier frame in the light of an opening.
            self.sync()?;
        }
        let outgoing = Outgoing {
            previous: None,
            next: Some(&pair.mine),
        };
        let expected = Expected {
            previous: Some(pair.len()),
            next: None,
        };
        let got = self
            .exchange(Kind::Component, &outgoing, expected)?
            .previous;
        if self.malicious() {
            self.compare(true, &pair.next, true, &got)?;
        }
        Ok(got)
    }

    /// Opens words to parties 0 and 2 alone, after every pending check; party 1
    /// gets nothing.
    pub(crate) fn open_to_holders_of_zero(&mut self, x: &Words) -> Result<Vec<u64>, Error> {
        self.verify()?;
        if self.malicious() {
            self.sync()?;
        }
        let (count, receives) = (x.rows(), self.index != 1);
        let outgoing = Outgoing {
            previous: None,
            next: (self.index != 0).then_some(&x.pair.mine[..]),
        };
        let expected = Expected {
            previous: receives.then_some(count),
            next: None,
        };
        let got = self
            .exchange(Kind::Component, &outgoing, expected)?
            .previous;
        if self.malicious() {
            self.compare(self.index != 2, &x.pair.next, receives, &got)?;
        }
        if !receives {
            return Ok(Vec::new());
        }
        let halves = x.pair.mine.iter().zip(&x.pair.next);
        Ok(halves.zip(got).map(|((a, b), c)| a ^ b ^ c).collect())
    }

    /// Tells the previous party the digest of what it lacks, and compares what
    /// this one got with what the next says.
    fn compare(
        &mut self,
        tells: bool,
        next: &[u64],
        hears: bool,
        got: &[u64],
    ) -> Result<(), Error> {
        let digest = |words: &[u64]| {
            let digest = Digest::of(domains::SHARES_COMPONENT, &[&bytes_of(words)]);
            let digest = words_of(digest.as_bytes());
            secrecy::public(digest, "digests of components, sent to who else holds them")
        };
        let told = tells.then(|| digest(next));
        let outgoing = Outgoing {
            previous: told.as_ref().map(|words| &words[..]),
            next: None,
        };
        let expected = Expected {
            previous: None,
            next: hears.then_some(4),
        };
        let incoming = self.exchange(Kind::ComponentDigest, &outgoing, expected)?;
        let due = digest(got);
        if hears && incoming.next != due {
            let mut both = bytes_of(&incoming.next);
            both.extend_from_slice(&bytes_of(&due));
            return self.fail(Error::faulty(Fault::ShareMismatch, &both));
        }
        Ok(())
    }
}

/// What everybody may know now.
fn opened<T: Copy>(mut values: Vec<T>) -> Vec<T> {
    secrecy::all_public(&mut values, "openings");
    values
}
