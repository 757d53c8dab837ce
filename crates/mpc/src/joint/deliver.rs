//! An answer goes to who asked, who may be none of the three.
//!
//! Why it exists: those who compute need not learn whom a question found. Each
//! party gives the receiver both components that it holds of the answer's rows;
//! the receiver sees each component twice and adds them up.
//!
//! ```text
//! P_i ── binding, components i and i+1 ──▶ receiver        for each i, over its own channel
//! ```
//!
//! *Adversary*: one malicious party. It can't bend the answer: each component
//! comes from two parties, one of them honest, and the receiver takes none that
//! differ. It can withhold its part, and there is no answer. Parties deliver only
//! what a shuffle has just shared anew, so components say nothing but the answer.
//!
//! *Leaks*: to the receiver the answer; to the parties nothing more.

use primitives::Digest;

use super::Words;
use crate::{
    Error, Fault, Refusal, domains, limits,
    shares::{Party, bytes_of, low_mask, same_rows},
};

/// Bytes before the words of a part.
const HEADER_BYTES: usize = 32 + 1;

/// What an answer is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The run's session, as [`Party::new`] got it.
    pub session: Digest,
    /// Who receives the answer, as the plan names it.
    pub receiver: String,
    /// Which answer of the plan.
    pub answer: String,
    /// Rows.
    pub rows: usize,
    /// Bits of a row of each column.
    pub widths: Vec<u32>,
}

impl Binding {
    fn digest(&self) -> Result<Digest, Error> {
        if self.rows > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        if self.widths.len() > limits::SHARES_COLUMNS_MAX
            || self.widths.iter().any(|width| *width > u64::BITS)
        {
            return Err(Refusal::ParameterRange.into());
        }
        let widths: Vec<u8> = self.widths.iter().flat_map(|w| w.to_be_bytes()).collect();
        Ok(Digest::of(
            domains::JOINT_ANSWER,
            &[
                self.session.as_bytes(),
                self.receiver.as_bytes(),
                self.answer.as_bytes(),
                &(self.rows as u64).to_be_bytes(),
                &widths,
            ],
        ))
    }

    /// Bytes of one party's part.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + 16 * self.rows * self.widths.len()
    }
}

/// This party's part of an answer; every product made until then is verified
/// first, and the parties agree on all that they sent one another.
///
/// # Errors
/// [`Refusal::ShapeMismatch`] where the columns are not the binding's, or wider; a peer's
/// fault, and then nothing may be delivered.
pub fn part(party: &mut Party<'_>, binding: &Binding, columns: &[Words]) -> Result<Vec<u8>, Error> {
    let digest = binding.digest()?;
    same_rows(columns.len(), binding.widths.len())?;
    for (column, width) in columns.iter().zip(&binding.widths) {
        same_rows(column.rows(), binding.rows)?;
        // Bits above a column's own width cancel out in the sum.
        if column.width() > *width {
            return Err(Refusal::ShapeMismatch.into());
        }
    }
    party.verify()?;
    party.sync()?;
    let mut message = Vec::with_capacity(binding.bytes());
    message.extend_from_slice(digest.as_bytes());
    message.push(u8::try_from(party.index()).unwrap_or(u8::MAX));
    for column in columns {
        message.extend_from_slice(&bytes_of(&column.pair.mine));
    }
    for column in columns {
        message.extend_from_slice(&bytes_of(&column.pair.next));
    }
    Ok(message)
}

/// The answer, column by column, from the parts of parties 0, 1 and 2.
///
/// # Errors
/// [`Fault::Malformed`] where a part is not exactly what is due;
/// [`Fault::ShareMismatch`] where two parties deliver different components.
pub fn collect(binding: &Binding, parts: &[Vec<u8>; 3]) -> Result<Vec<Vec<u64>>, Error> {
    let digest = binding.digest()?;
    let words = binding.rows * binding.widths.len();
    let mut halves = Vec::with_capacity(3);
    for (index, part) in (0u8..).zip(parts) {
        let head = &part[..part.len().min(HEADER_BYTES)];
        if part.len() != binding.bytes() || part[..32] != digest.as_bytes()[..] || part[32] != index
        {
            return Err(Error::faulty(Fault::Malformed, head));
        }
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let body = part[HEADER_BYTES..].chunks_exact(8).map(word);
        halves.push(body.collect::<Vec<u64>>());
    }
    let mut sum = vec![0; words];
    for (index, half) in halves.iter().enumerate() {
        let (mine, next) = half.split_at(words);
        let other = &halves[(index + 1) % 3][..words];
        if next != other {
            let at = next
                .iter()
                .zip(other)
                .position(|(a, b)| a != b)
                .unwrap_or(0);
            let evidence = bytes_of(&[index as u64, at as u64]);
            return Err(Error::faulty(Fault::ShareMismatch, &evidence));
        }
        for (to, word) in sum.iter_mut().zip(mine) {
            *to ^= word;
        }
    }
    let mut columns = Vec::with_capacity(binding.widths.len());
    for (nth, width) in binding.widths.iter().enumerate() {
        let column = sum[nth * binding.rows..(nth + 1) * binding.rows].to_vec();
        if column.iter().any(|word| word & !low_mask(*width) != 0) {
            return Err(Error::faulty(Fault::Malformed, &[]));
        }
        columns.push(column);
    }
    Ok(columns)
}
