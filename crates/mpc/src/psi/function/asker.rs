//! The side that has items and learns the function of them.
//!
//! Why it exists: it turns its items into a vector that shows nothing of them.
//!
//! *Invariants*: those of [`super`]. The items are the caller's, the same ones in
//! the same order at every call.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::Rng as _;
use zeroize::Zeroize;

use super::{
    AT_ONCE, Shape,
    oracle::{Oracle, Read, commitment, narrow, plus, widen},
};
use crate::{
    Error, Fault, Refusal, Trouble,
    field::F128,
    limits::FRAME_VALUES,
    okvs::{self, Decoder, Grouped, Row, Rows, encode_bin},
    psi::{
        frames::{body_of, faulty, fixed, kind, list, put},
        set::Item,
    },
    secrecy, simd,
    vole::ReceiverOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Commitment,
    Begin,
    Vector,
    Opening,
    Done,
}

/// One evaluation of the asker.
pub(in crate::psi) struct Asker {
    digest: Digest,
    shape: Shape,
    oracle: Oracle,
    phase: Phase,
    rows: Rows,
    seed: [u8; 16],
    grouped: Grouped,
    correlation: ReceiverOutput,
    commitment: [u8; 32],
    /// This side's half of the offset, then the whole.
    offset: F128,
    /// Columns of the vector that were made, and that were sent.
    made: usize,
    sent: usize,
    vector: Vec<F128>,
    /// In the order of the bins, still without the offset.
    read: Vec<Read>,
}

impl Asker {
    /// Begins under `digest` with its items and a correlation for it alone.
    ///
    /// # Errors
    /// [`Refusal::CorrelationMismatch`].
    pub(in crate::psi) fn new(
        digest: Digest,
        shape: Shape,
        items: &[Item],
        correlation: ReceiverOutput,
        rng: &mut ChaCha20Rng,
    ) -> Result<Self, Error> {
        let columns = shape.columns();
        let fits = correlation.a.len() == columns
            && correlation.c.len() == columns
            && (shape.malicious() || correlation.a.iter().all(|a| narrow(*a).is_some()));
        if !fits {
            return Err(Refusal::CorrelationMismatch.into());
        }
        let mut seed = [0; 16];
        rng.fill_bytes(&mut seed);
        let seed = secrecy::public(seed, okvs::SEED);
        let rows = Rows::new(shape.params, &seed);
        let grouped = rows.group(items.iter().map(Item::key));
        let (phase, offset) = if shape.malicious() {
            (Phase::Commitment, F128::random(rng))
        } else {
            (Phase::Begin, F128::ZERO)
        };
        Ok(Self {
            oracle: Oracle::new(&digest, &shape),
            digest,
            shape,
            phase,
            rows,
            seed,
            grouped,
            correlation,
            commitment: [0; 32],
            offset,
            made: 0,
            sent: 0,
            vector: Vec::new(),
            read: simd::large(items.len()),
        })
    }

    /// Whether the values are there.
    pub(in crate::psi) fn done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Columns of the vector that were sent.
    pub(in crate::psi) fn sent(&self) -> usize {
        self.sent
    }

    /// Gives `take` the numbers of all items and what was read for them, once all are
    /// there, some hundreds at once.
    pub(in crate::psi) fn take(&mut self, mut take: impl FnMut(&Oracle, &[u32], &[Read])) {
        if !self.done() {
            return;
        }
        let mut read = std::mem::take(&mut self.read);
        let chunks = read.chunks_mut(AT_ONCE);
        for (read, indexes) in chunks.zip(self.grouped.all().chunks(AT_ONCE)) {
            read.iter_mut()
                .for_each(|read| read.z = plus(read.z, self.offset));
            take(&self.oracle, indexes, read);
        }
    }

    /// The next frame to send; `None` where the evaluator's turn has come.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`], after which the session is over.
    pub(in crate::psi) fn pull(
        &mut self,
        items: &[Item],
        rng: &mut ChaCha20Rng,
    ) -> Result<Option<Vec<u8>>, Error> {
        match self.phase {
            Phase::Begin => {
                self.phase = Phase::Vector;
                let offset = self.offset.to_bytes();
                let offset: &[u8] = if self.shape.malicious() { &offset } else { &[] };
                Ok(Some(fixed(kind::BEGIN, &[&self.seed, offset])))
            }
            Phase::Vector => self.next_of_vector(items, rng).map(Some),
            _ => Ok(None),
        }
    }

    fn next_of_vector(&mut self, items: &[Item], rng: &mut ChaCha20Rng) -> Result<Vec<u8>, Error> {
        let columns = self.shape.columns();
        let due = FRAME_VALUES.min(columns - self.sent);
        while self.vector.len() < due {
            self.make_bin(items, rng)?;
        }
        let mut frame = list(kind::VECTOR, self.sent, due * self.shape.value_bytes);
        for value in self.vector.drain(..due) {
            put(&mut frame, &value.to_bytes(), 0..self.shape.value_bytes);
        }
        self.sent += due;
        if self.sent == columns {
            self.correlation.a.zeroize();
            self.correlation.c.zeroize();
            self.phase = if self.shape.malicious() {
                Phase::Opening
            } else {
                Phase::Done
            };
        }
        Ok(frame)
    }

    /// Makes the next bin of `A = P + a`, and reads `C` at its items.
    fn make_bin(&mut self, items: &[Item], rng: &mut ChaCha20Rng) -> Result<(), Error> {
        let params = self.shape.params;
        let width = params.bin_columns();
        let members = self.grouped.bin(self.made / width);
        let within: Vec<Item> = members.iter().map(|index| items[*index as usize]).collect();
        let keys: Vec<[u8; 16]> = within.iter().map(Item::key).collect();
        let mut rows = Vec::new();
        self.rows.rows(&keys, &mut rows);
        let columns = self.encode(&rows, &within, rng)?;
        let range = self.made..self.made + width;
        let masks = &self.correlation.a[range.clone()];
        self.vector
            .extend(columns.iter().zip(masks).map(|(p, a)| plus(*p, *a)));
        let decoder = Decoder::new(&params, &self.correlation.c[range]);
        self.read
            .extend(rows.iter().zip(&keys).map(|(row, key)| Read {
                z: decoder.value(row),
                key: *key,
            }));
        self.made += width;
        Ok(())
    }

    fn encode(
        &self,
        rows: &[Row],
        items: &[Item],
        rng: &mut ChaCha20Rng,
    ) -> Result<Vec<F128>, Error> {
        let params = &self.shape.params;
        let values = items.iter().map(|item| self.oracle.value(item));
        let columns = if self.shape.malicious() {
            encode_bin(params, rows, &values.collect::<Vec<_>>(), rng)
        } else {
            let values: Vec<u64> = values.filter_map(narrow).collect();
            encode_bin(params, rows, &values, rng)
                .map(|columns| columns.into_iter().map(widen).collect())
        };
        columns.map_err(|_| Trouble::Unlucky.into())
    }

    /// Takes one frame of the evaluator.
    ///
    /// # Errors
    /// [`Fault`], with the evaluator's bytes.
    pub(in crate::psi) fn on_frame(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self.phase {
            Phase::Commitment => {
                self.commitment = body_of(bytes, kind::COMMIT)?;
                self.phase = Phase::Begin;
            }
            Phase::Opening => {
                let opening = body_of(bytes, kind::OPEN)?;
                if commitment(&self.digest, &opening) != self.commitment {
                    return Err(faulty(Fault::OpeningMismatch, bytes));
                }
                self.offset = plus(self.offset, F128::from_bytes(opening));
                self.phase = Phase::Done;
            }
            Phase::Begin | Phase::Vector | Phase::Done => {
                return Err(faulty(Fault::OutOfOrder, bytes));
            }
        }
        Ok(())
    }
}
