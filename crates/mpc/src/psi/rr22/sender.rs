//! The role that learns nothing but the receiver's size.
//!
//! Why it exists: it evaluates the oblivious function on its own items, under a
//! key that the receiver's vector has shaped.
//!
//! *Invariants*
//! - Its half of the offset is committed to before the receiver's is seen, and
//!   opened after the whole vector is here.
//! - Tags leave in ascending order, with dummies up to the agreed size.
//! - `Δ` is wiped with the last tag, the key when the role is dropped.

use primitives::Digest;
use rand_core::CryptoRng;
use zeroize::Zeroize;

use super::{
    Shape,
    oracle::{Oracle, commitment, plus},
};
use crate::{
    Error, Fault, Refusal,
    field::{F128, mul_add_scalar},
    limits::FRAME_VALUES,
    okvs::{Decoder, Grouped, Rows},
    psi::{
        Progress, Session, Set, begin,
        frames::{Due, body_of, entries, faulty, fixed, kind},
        matching::next_of_tags,
        order,
        set::Item,
        transcript::{From, Transcript},
    },
    vole::SenderOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Commit,
    Begin,
    Vector,
    Open,
    Tags,
    End,
    Done,
}

/// One session of the sender, driven as the receiver is.
pub struct Sender {
    session: Session,
    shape: Shape,
    oracle: Oracle,
    phase: Phase,
    transcript: Transcript,
    set: Set,
    correlation: SenderOutput,
    opening: F128,
    offset: F128,
    rows: Option<(Rows, Grouped)>,
    /// Columns of the vector received, and read.
    received: usize,
    read: usize,
    tags: Vec<u128>,
    sent: usize,
}

impl Sender {
    /// Begins with a set and a correlation of
    /// [`correlations`](super::correlations) values that was made for this session
    /// alone. The generator seeds a generator of the role's own.
    ///
    /// # Errors
    /// [`Refusal::SetTooLarge`], [`Refusal::CorrelationMismatch`],
    /// [`Refusal::ParameterRange`] for a session of another protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        set: Set,
        correlation: SenderOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let shape = Shape::of(&session)?;
        let (set, mut rng) = begin(&session, set, session.sender_items, rng)?;
        if correlation.b.len() != shape.params.columns() {
            return Err(Refusal::CorrelationMismatch.into());
        }
        let (phase, opening) = if shape.malicious() {
            (Phase::Commit, F128::random(&mut rng))
        } else {
            (Phase::Begin, F128::ZERO)
        };
        Ok(Self {
            oracle: Oracle::new(&session, &shape),
            phase,
            transcript: Transcript::new(&session),
            tags: Vec::with_capacity(set.len()),
            set,
            correlation,
            opening,
            offset: opening,
            rows: None,
            received: 0,
            read: 0,
            sent: 0,
            session,
            shape,
        })
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// session is over.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        let frame = match self.phase {
            Phase::Commit => {
                self.phase = Phase::Begin;
                let committed = commitment(&self.session, &self.opening.to_bytes());
                fixed(kind::COMMIT, &[&committed])
            }
            Phase::Open => {
                self.begin_tags();
                fixed(kind::OPEN, &[&self.opening.to_bytes()])
            }
            Phase::Tags => {
                let frame = next_of_tags(&self.tags, &mut self.sent, self.shape.tag_bytes);
                if self.sent == self.tags.len() {
                    self.phase = Phase::End;
                }
                frame
            }
            Phase::End => {
                self.phase = Phase::Done;
                // The end states the digest of what came before it.
                return Some(fixed(kind::END, &[&self.transcript.digest().0]));
            }
            Phase::Begin | Phase::Vector | Phase::Done => return None,
        };
        self.transcript.absorb(From::Sender, &frame);
        Some(frame)
    }

    fn begin_tags(&mut self) {
        order::by_uniform(&mut self.tags, |tag| self.oracle.order(*tag));
        self.phase = Phase::Tags;
        if self.tags.is_empty() {
            self.phase = Phase::End;
        }
    }

    /// Takes one frame of the receiver. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        match self.phase {
            Phase::Begin => self.on_begin(bytes)?,
            Phase::Vector => self.on_vector(bytes)?,
            _ => return Err(faulty(Fault::OutOfOrder, bytes)),
        }
        self.transcript.absorb(From::Receiver, bytes);
        Ok(Progress::More)
    }

    fn on_begin(&mut self, bytes: &[u8]) -> Result<(), Error> {
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
        let grouped = rows.group(self.set.items().iter().map(Item::key));
        self.rows = Some((rows, grouped));
        self.phase = Phase::Vector;
        Ok(())
    }

    fn on_vector(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let size = self.shape.value_bytes;
        let total = self.shape.params.columns();
        let due = Due {
            first: self.received,
            total,
            chunk: FRAME_VALUES,
            entry: size,
        };
        let (entries, _) = entries(bytes, kind::VECTOR, &due, 0)?;
        let values: Vec<F128> = entries
            .chunks_exact(size)
            .map(|entry| {
                let mut wide = [0; 16];
                wide[..size].copy_from_slice(entry);
                F128::from_bytes(wide)
            })
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
            self.read_bin(width);
        }
        if self.received == total {
            if self.shape.malicious() {
                self.phase = Phase::Open;
            } else {
                self.begin_tags();
            }
        }
        Ok(())
    }

    /// Tags of the items of a bin whose key is complete.
    fn read_bin(&mut self, width: usize) {
        let Some((rows, grouped)) = &self.rows else {
            return;
        };
        let key = &self.correlation.b[self.read..self.read + width];
        let items: Vec<Item> = grouped
            .bin(self.read / width)
            .iter()
            .map(|index| self.set.items()[*index as usize])
            .collect();
        let keys: Vec<[u8; 16]> = items.iter().map(Item::key).collect();
        let mut within = Vec::new();
        rows.rows(&keys, &mut within);
        let decoder = Decoder::new(&self.shape.params, key);
        for (item, row) in items.iter().zip(&within) {
            // Items with equal tags, which come of chance once in 2^40 sessions,
            // make the receiver abort.
            let masked = self.oracle.value(item) * self.correlation.delta;
            let z = plus(plus(decoder.value(row), masked), self.offset);
            self.tags.push(self.oracle.tag(z, item));
        }
        self.read += width;
        if self.read == self.shape.params.columns() {
            self.correlation.delta.zeroize();
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let total = self.shape.params.columns() + self.session.sender_items;
        (self.received + self.sent) * 1000 / total
    }

    /// The transcript's digest, to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<Digest, Error> {
        if self.phase == Phase::Done {
            Ok(self.transcript.digest())
        } else {
            Err(Error::faulty(Fault::Truncated, &[]))
        }
    }
}
