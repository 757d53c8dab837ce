//! The owner whose items are programmed, each for all of its bins.
//!
//! Why it exists: what it knows of an item goes along with the match.
//!
//! *Invariants*: `r` and `s` are drawn for the session; the store leaves when the
//! receiver's whole vector is here.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::{CryptoRng, Rng as _};

use super::{
    Half, Sizes,
    bins::{Bins, CHOICES},
    by_width, shape,
};
use crate::{
    Error, Fault, Refusal,
    okvs::Value,
    psi::{
        Item, Progress, Session, Set, begin,
        frames::{faulty, fixed, kind},
        function::{Evaluator, Oracle, Read},
        store::{Lanes, Writer},
        transcript::{From, Transcript},
    },
    vole::SenderOutput,
};

/// One session of the sender, driven as that of RR22.
pub struct Sender {
    sizes: Sizes,
    rng: ChaCha20Rng,
    transcript: Transcript,
    evaluator: Evaluator,
    /// A point for each item and bin.
    points: Vec<Item>,
    store: Box<dyn Store>,
    /// `r` and `s`, a column a word.
    masks: Vec<Vec<u64>>,
    complete: bool,
}

impl Sender {
    /// Begins with a set, its payload, and a correlation of [`super::correlations`]
    /// values that was made for this session alone. The payload has a column for
    /// each of the session's words, in each a word for every item, by the place at
    /// which the caller gave it; of an item that was given twice, the first counts.
    ///
    /// # Errors
    /// [`Refusal`]: `SetTooLarge`, `CorrelationMismatch`, `ShapeMismatch` for a payload
    /// of another shape, `ParameterRange` for a session of another protocol.
    pub fn new<R: CryptoRng + ?Sized>(
        session: &Session,
        set: Set,
        payload: &[Vec<u64>],
        correlation: SenderOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let sizes = shape(session)?;
        let (set, mut rng) = begin(&session.digest, set, session.sender_items, rng)?;
        let origins = (0..set.genuine()).map(|index| set.origin(index) as usize);
        let rows = origins.max().map_or(0, |last| last + 1);
        if payload.len() != sizes.words || payload.iter().any(|column| column.len() < rows) {
            return Err(Refusal::ShapeMismatch.into());
        }
        let masks: Vec<Vec<u64>> = (0..=sizes.words)
            .map(|_| (0..sizes.bins).map(|_| rng.next_u64()).collect())
            .collect();
        let bins = Bins::new(session, sizes.bins);
        let mut points = Vec::with_capacity(sizes.points);
        let mut places = Vec::with_capacity(sizes.points);
        for item in set.items() {
            for bin in bins.of(item) {
                points.push(bins.point(item, bin));
                places.push(bin);
            }
        }
        let programmed = Programmed {
            set: &set,
            payload,
            masks: &masks,
            places: &places,
        };
        let store = by_width!(sizes.words, store(&programmed));
        Ok(Self {
            transcript: Transcript::new(&session.digest),
            evaluator: Evaluator::new(session.digest, sizes.function, correlation, &mut rng)?,
            points,
            store,
            masks,
            complete: false,
            sizes,
            rng,
        })
    }

    /// The next frame to send; `None` where the receiver's turn has come, or the
    /// session is over.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if let Some(frame) = self.evaluator.pull() {
            self.transcript.absorb(From::Sender, &frame);
            return Ok(Some(frame));
        }
        if self.complete || !self.evaluator.done() {
            return Ok(None);
        }
        if let Some(frame) = self.store.pull(&self.points, &mut self.rng)? {
            self.transcript.absorb(From::Sender, &frame);
            return Ok(Some(frame));
        }
        self.complete = true;
        Ok(Some(fixed(kind::END, &[&self.transcript.digest().0])))
    }

    /// Takes one frame of the receiver. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the receiver's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        if self.evaluator.done() {
            return Err(faulty(Fault::OutOfOrder, bytes));
        }
        let (points, store) = (&self.points[..], &mut self.store);
        self.evaluator
            .on_frame(points, bytes, |oracle, indexes, read| {
                for (index, read) in indexes.iter().zip(read) {
                    store.add(oracle, *index as usize, read);
                }
            })?;
        self.transcript.absorb(From::Receiver, bytes);
        Ok(Progress::More)
    }

    /// What the sender shares with the three parties, and the transcript's digest,
    /// to be signed.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the last frame was given out.
    pub fn finish(self) -> Result<(Half, Digest), Error> {
        if !self.complete || self.masks.len() != self.sizes.words + 1 {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        Ok((Half::new(self.masks), self.transcript.digest()))
    }
}

/// A store of values of some width that is made.
trait Store: Send {
    /// Adds the function's value at a point.
    fn add(&mut self, oracle: &Oracle, index: usize, read: &Read);
    /// The next frame, once all were added.
    fn pull(&mut self, points: &[Item], rng: &mut ChaCha20Rng) -> Result<Option<Vec<u8>>, Error>;
}

struct Values<const N: usize> {
    values: Vec<Lanes<N>>,
    writer: Option<Writer<Lanes<N>>>,
}

impl<const N: usize> Store for Values<N> {
    fn add(&mut self, oracle: &Oracle, index: usize, read: &Read) {
        self.values[index].add(Lanes(oracle.words(read)));
    }

    fn pull(&mut self, points: &[Item], rng: &mut ChaCha20Rng) -> Result<Option<Vec<u8>>, Error> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(Writer::new(points, rng)?),
        };
        writer.pull(points, &self.values, rng)
    }
}

/// What is programmed for every point.
struct Programmed<'a> {
    set: &'a Set,
    payload: &'a [Vec<u64>],
    masks: &'a [Vec<u64>],
    /// The bin of every point.
    places: &'a [u32],
}

fn store<const N: usize>(programmed: &Programmed<'_>) -> Box<dyn Store> {
    let value = |(index, bin): (usize, &u32)| {
        let item = index / CHOICES;
        let origin = (item < programmed.set.genuine()).then(|| programmed.set.origin(item));
        Lanes::<N>(std::array::from_fn(|word| {
            let mask = programmed.masks[word][*bin as usize];
            let column = word.checked_sub(1).map(|word| &programmed.payload[word]);
            // What the padding says is not found.
            let data = column.zip(origin).map(|(column, row)| column[row as usize]);
            mask ^ data.unwrap_or(0)
        }))
    };
    Box::new(Values {
        values: programmed.places.iter().enumerate().map(value).collect(),
        writer: None,
    })
}
