//! The role that learns the intersection.
//!
//! Why it exists: it turns its set into a vector that shows nothing of it, and
//! finds its own tags among the sender's.
//!
//! *Invariants*
//! - The seed of the rows is drawn when the session is made, after the set.
//! - Nothing is given out before the sender's transcript was compared.
//! - One bin of the store is made at a time, between two frames.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::{CryptoRng, Rng as _};
use zeroize::Zeroize;

use super::{
    Shape,
    oracle::{Oracle, commitment, narrow, plus, widen},
};
use crate::{
    Error, Fault, Refusal, Trouble,
    field::F128,
    limits::FRAME_VALUES,
    okvs::{Decoder, Grouped, Row, Rows, encode_bin},
    psi::{
        Progress, Session, Set, begin,
        frames::{body_of, faulty, fixed, kind, list},
        matching::Matching,
        order,
        set::Item,
        transcript::{From, Transcript},
    },
    vole::ReceiverOutput,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Commitment,
    Begin,
    Vector,
    Opening,
    Tags,
    End,
    Done,
}

/// One session of the receiver.
///
/// The caller sends what [`pull`](Self::pull) gives until it gives nothing, hands
/// in what the sender sends through [`on_frame`](Self::on_frame), and ends with
/// [`finish`](Self::finish). It may stop between any two calls.
pub struct Receiver {
    session: Session,
    shape: Shape,
    oracle: Oracle,
    phase: Phase,
    transcript: Transcript,
    rng: ChaCha20Rng,
    set: Set,
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
    /// `C(y)` and the item's number.
    read: Vec<(F128, u32)>,
    matching: Matching,
}

impl Receiver {
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
        correlation: ReceiverOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let shape = Shape::of(&session)?;
        let (set, mut rng) = begin(&session, set, session.receiver_items, rng)?;
        let columns = shape.params.columns();
        let fits = correlation.a.len() == columns
            && correlation.c.len() == columns
            && (shape.malicious() || correlation.a.iter().all(|a| narrow(*a).is_some()));
        if !fits {
            return Err(Refusal::CorrelationMismatch.into());
        }
        let mut seed = [0; 16];
        rng.fill_bytes(&mut seed);
        let rows = Rows::new(shape.params, &seed);
        let grouped = rows.group(set.items().iter().map(Item::key));
        Ok(Self {
            oracle: Oracle::new(&session, &shape),
            phase: if shape.malicious() {
                Phase::Commitment
            } else {
                Phase::Begin
            },
            transcript: Transcript::new(&session),
            offset: if shape.malicious() {
                F128::random(&mut rng)
            } else {
                F128::ZERO
            },
            rng,
            rows,
            seed,
            grouped,
            correlation,
            commitment: [0; 32],
            made: 0,
            sent: 0,
            vector: Vec::new(),
            read: Vec::with_capacity(set.len()),
            matching: Matching::default(),
            set,
            session,
            shape,
        })
    }

    /// The most items that the peer in this role can test, whatever it does, but
    /// for a chance of 2^-40, where it asks the oracles 2^80 times. A sender
    /// compares it with what its approval allows. See [`crate::okvs`].
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for a session that is not of this protocol and
    /// malicious strength.
    pub fn points_bound(session: &Session) -> Result<usize, Error> {
        let shape = Shape::of(session)?;
        shape
            .malicious()
            .then(|| shape.params.points_bound(128, 80))
            .flatten()
            .ok_or_else(|| Refusal::ParameterRange.into())
    }

    /// The next frame to send; `None` where the sender's turn has come.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`], after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let frame = match self.phase {
            Phase::Begin => {
                self.phase = Phase::Vector;
                let offset = self.offset.to_bytes();
                let offset: &[u8] = if self.shape.malicious() { &offset } else { &[] };
                fixed(kind::BEGIN, &[&self.seed, offset])
            }
            Phase::Vector => self.next_of_vector()?,
            _ => return Ok(None),
        };
        self.transcript.absorb(From::Receiver, &frame);
        Ok(Some(frame))
    }

    fn next_of_vector(&mut self) -> Result<Vec<u8>, Error> {
        let columns = self.shape.params.columns();
        let due = FRAME_VALUES.min(columns - self.sent);
        while self.vector.len() < due {
            self.make_bin()?;
        }
        let mut frame = list(kind::VECTOR, self.sent, due * self.shape.value_bytes);
        for value in self.vector.drain(..due) {
            frame.extend_from_slice(&value.to_bytes()[..self.shape.value_bytes]);
        }
        self.sent += due;
        if self.sent == columns {
            self.correlation.a.zeroize();
            self.correlation.c.zeroize();
            self.phase = if self.shape.malicious() {
                Phase::Opening
            } else {
                self.make_tags();
                Phase::Tags
            };
            self.skip_empty();
        }
        Ok(frame)
    }

    /// Makes the next bin of `A = P + a`, and reads `C` at its items.
    fn make_bin(&mut self) -> Result<(), Error> {
        let params = self.shape.params;
        let width = params.bin_columns();
        let members = self.grouped.bin(self.made / width).to_vec();
        let items: Vec<Item> = members
            .iter()
            .map(|index| self.set.items()[*index as usize])
            .collect();
        let keys: Vec<[u8; 16]> = items.iter().map(Item::key).collect();
        let mut rows = Vec::new();
        self.rows.rows(&keys, &mut rows);
        let columns = self.encode(&rows, &items)?;
        let range = self.made..self.made + width;
        let masks = &self.correlation.a[range.clone()];
        self.vector
            .extend(columns.iter().zip(masks).map(|(p, a)| plus(*p, *a)));
        let decoder = Decoder::new(&params, &self.correlation.c[range]);
        let read = members.iter().zip(&rows);
        self.read
            .extend(read.map(|(index, row)| (decoder.value(row), *index)));
        self.made += width;
        Ok(())
    }

    fn encode(&mut self, rows: &[Row], items: &[Item]) -> Result<Vec<F128>, Error> {
        let params = &self.shape.params;
        let values = items.iter().map(|item| self.oracle.value(item));
        let columns = if self.shape.malicious() {
            encode_bin(params, rows, &values.collect::<Vec<_>>(), &mut self.rng)
        } else {
            let values: Vec<u64> = values.filter_map(narrow).collect();
            encode_bin(params, rows, &values, &mut self.rng)
                .map(|columns| columns.into_iter().map(widen).collect())
        };
        columns.map_err(|_| Trouble::Unlucky.into())
    }

    fn make_tags(&mut self) {
        let genuine = u32::try_from(self.set.genuine()).unwrap_or(u32::MAX);
        let mut tags: Vec<(u128, u32)> = std::mem::take(&mut self.read)
            .into_iter()
            .filter(|(_, index)| *index < genuine)
            .map(|(value, index)| {
                let item = &self.set.items()[index as usize];
                (self.oracle.tag(plus(value, self.offset), item), index)
            })
            .collect();
        order::by_uniform(&mut tags, |(tag, _)| self.oracle.order(*tag));
        self.matching = Matching::new(tags);
    }

    /// Takes one frame of the sender. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        match self.phase {
            Phase::Commitment => {
                self.commitment = body_of(bytes, kind::COMMIT)?;
                self.phase = Phase::Begin;
            }
            Phase::Opening => {
                let opening = body_of(bytes, kind::OPEN)?;
                if commitment(&self.session, &opening) != self.commitment {
                    return Err(faulty(Fault::OpeningMismatch, bytes));
                }
                self.offset = plus(self.offset, F128::from_bytes(opening));
                self.make_tags();
                self.phase = Phase::Tags;
                self.skip_empty();
            }
            Phase::Tags => {
                let total = self.session.sender_items;
                let size = self.shape.tag_bytes;
                self.matching.take(bytes, total, size, &self.set)?;
                self.skip_empty();
            }
            Phase::End => {
                let theirs: [u8; 32] = body_of(bytes, kind::END)?;
                if theirs != self.transcript.digest().0 {
                    return Err(faulty(Fault::TranscriptMismatch, bytes));
                }
                self.phase = Phase::Done;
                return Ok(Progress::Complete);
            }
            Phase::Begin | Phase::Vector | Phase::Done => {
                return Err(faulty(Fault::OutOfOrder, bytes));
            }
        }
        self.transcript.absorb(From::Sender, bytes);
        Ok(Progress::More)
    }

    /// A list without entries has no frames.
    fn skip_empty(&mut self) {
        if self.phase == Phase::Tags && self.matching.received() == self.session.sender_items {
            self.phase = Phase::End;
        }
    }

    /// How much of the session is done, of 1,000.
    #[must_use]
    pub fn permille(&self) -> usize {
        let columns = self.shape.params.columns();
        let total = columns + self.session.sender_items;
        (self.sent + self.matching.received()) * 1000 / total
    }

    /// The places, ascending, of the items that both have, and the transcript's
    /// digest.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the sender's last frame.
    pub fn finish(self) -> Result<(Vec<u32>, Digest), Error> {
        if self.phase != Phase::Done {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        Ok((self.matching.into_found(), self.transcript.digest()))
    }
}
