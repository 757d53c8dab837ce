//! The side that has the key.
//!
//! Why it exists: it evaluates the function on items of its own, under a key that
//! the asker's vector has shaped.
//!
//! *Invariants*: those of [`super`]. `Δ` is wiped when the last item was read, the
//! key when the value is dropped.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use zeroize::Zeroize;

use super::{
    AT_ONCE, Shape,
    oracle::{Oracle, Read, commitment, plus},
};
use crate::{
    Error, Fault, Refusal,
    field::{F128, mul_add_scalar},
    limits::FRAME_VALUES,
    okvs::{Decoder, Grouped, Rows},
    psi::{
        frames::{Due, body_of, entries, faulty, fixed, kind, widened},
        set::Item,
    },
    vole::SenderOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Commit,
    Begin,
    Vector,
    Open,
    Done,
}

/// One evaluation of the evaluator.
pub(in crate::psi) struct Evaluator {
    digest: Digest,
    shape: Shape,
    oracle: Oracle,
    phase: Phase,
    correlation: SenderOutput,
    opening: F128,
    offset: F128,
    rows: Option<(Rows, Grouped)>,
    /// Columns of the vector received, and read.
    received: usize,
    read: usize,
}

impl Evaluator {
    /// Begins under `digest` with a correlation for it alone.
    ///
    /// # Errors
    /// [`Refusal::CorrelationMismatch`].
    pub(in crate::psi) fn new(
        digest: Digest,
        shape: Shape,
        correlation: SenderOutput,
        rng: &mut ChaCha20Rng,
    ) -> Result<Self, Error> {
        if correlation.b.len() != shape.columns() {
            return Err(Refusal::CorrelationMismatch.into());
        }
        let (phase, opening) = if shape.malicious() {
            (Phase::Commit, F128::random(rng))
        } else {
            (Phase::Begin, F128::ZERO)
        };
        Ok(Self {
            oracle: Oracle::new(&digest, &shape),
            digest,
            shape,
            phase,
            correlation,
            opening,
            offset: opening,
            rows: None,
            received: 0,
            read: 0,
        })
    }

    pub(in crate::psi) fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// Whether all items were read and all frames sent.
    pub(in crate::psi) fn done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Columns of the vector that have arrived.
    pub(in crate::psi) fn received(&self) -> usize {
        self.received
    }

    /// The next frame to send; `None` where the asker's turn has come.
    pub(in crate::psi) fn pull(&mut self) -> Option<Vec<u8>> {
        match self.phase {
            Phase::Commit => {
                self.phase = Phase::Begin;
                let committed = commitment(&self.digest, &self.opening.to_bytes());
                Some(fixed(kind::COMMIT, &[&committed]))
            }
            Phase::Open => {
                self.phase = Phase::Done;
                Some(fixed(kind::OPEN, &[&self.opening.to_bytes()]))
            }
            Phase::Begin | Phase::Vector | Phase::Done => None,
        }
    }

    /// Takes one frame of the asker; gives `take` the numbers of the items that can be
    /// read now, each once, and what was read for them.
    ///
    /// # Errors
    /// [`Fault`], with the asker's bytes.
    pub(in crate::psi) fn on_frame(
        &mut self,
        items: &[Item],
        bytes: &[u8],
        take: impl FnMut(&Oracle, &[u32], &[Read]),
    ) -> Result<(), Error> {
        match self.phase {
            Phase::Begin => self.on_begin(items, bytes),
            Phase::Vector => self.on_vector(items, bytes, take),
            _ => Err(faulty(Fault::OutOfOrder, bytes)),
        }
    }

    fn on_begin(&mut self, items: &[Item], bytes: &[u8]) -> Result<(), Error> {
        let mut seed = [0; 16];
        if self.shape.malicious() {
            let begin: [u8; 32] = body_of(bytes, kind::BEGIN)?;
            let mut half = [0; 16];
            seed.copy_from_slice(&begin[..16]);
            half.copy_from_slice(&begin[16..]);
            self.offset = plus(self.opening, F128::from_bytes(half));
        } else {
            seed = body_of(bytes, kind::BEGIN)?;
        }
        let rows = Rows::new(self.shape.params, &seed);
        let grouped = rows.group(items.iter().map(Item::key));
        self.rows = Some((rows, grouped));
        self.phase = Phase::Vector;
        Ok(())
    }

    fn on_vector(
        &mut self,
        items: &[Item],
        bytes: &[u8],
        mut take: impl FnMut(&Oracle, &[u32], &[Read]),
    ) -> Result<(), Error> {
        let size = self.shape.value_bytes;
        let total = self.shape.columns();
        let due = Due {
            first: self.received,
            total,
            chunk: FRAME_VALUES,
            entry: size,
        };
        let (entries, _) = entries(bytes, kind::VECTOR, &due, 0)?;
        let values: Vec<F128> = entries
            .chunks_exact(size)
            .map(|entry| F128::from_bytes(widened(entry, 0)))
            .collect();
        let range = self.received..self.received + values.len();
        mul_add_scalar(
            &mut self.correlation.b[range],
            &values,
            self.correlation.delta,
        );
        self.received += values.len();
        let width = self.shape.params.bin_columns();
        while self.read + width <= self.received {
            self.read_bin(items, width, &mut take);
        }
        if self.received == total {
            self.correlation.delta.zeroize();
            self.phase = if self.shape.malicious() {
                Phase::Open
            } else {
                Phase::Done
            };
        }
        Ok(())
    }

    /// Reads the items of a bin whose key is complete.
    fn read_bin(
        &mut self,
        items: &[Item],
        width: usize,
        take: &mut impl FnMut(&Oracle, &[u32], &[Read]),
    ) {
        let Some((rows, grouped)) = &self.rows else {
            return;
        };
        let columns = &self.correlation.b[self.read..self.read + width];
        let members = grouped.bin(self.read / width);
        let decoder = Decoder::new(&self.shape.params, columns);
        let mut within = Vec::with_capacity(AT_ONCE);
        for members in members.chunks(AT_ONCE) {
            // Copied, since a bin's items lie all over the set.
            let items: Vec<Item> = members.iter().map(|index| items[*index as usize]).collect();
            let keys: Vec<[u8; 16]> = items.iter().map(Item::key).collect();
            rows.rows(&keys, &mut within);
            let values = items.iter().map(|item| self.oracle.value(item));
            let read: Vec<Read> = values
                .zip(keys)
                .zip(&within)
                .map(|((value, key), row)| {
                    let masked = value * self.correlation.delta;
                    let z = plus(plus(decoder.value(row), masked), self.offset);
                    Read { z, key }
                })
                .collect();
            take(&self.oracle, members, &read);
        }
        self.read += width;
    }
}
