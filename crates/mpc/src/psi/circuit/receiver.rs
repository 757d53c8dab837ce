//! The owner whose items stand in bins, one each.
//!
//! Why it exists: the joined rows are its rows.
//!
//! *Invariants*: nothing is given out before the sender's transcript was compared;
//! every bin asks for one point, an empty one for a random point.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;

use super::{Half, Sizes, bins::Bins, by_width, shape};
use crate::{
    Error, Fault,
    okvs::Value,
    psi::{
        Item, Progress, Session, Set, begin,
        frames::{body_of, faulty, kind},
        function::Asker,
        store::{Lanes, Reader},
        transcript::{From, Transcript},
    },
    vole::ReceiverOutput,
};

/// One session of the receiver, driven as that of RR22.
pub struct Receiver {
    sizes: Sizes,
    rng: ChaCha20Rng,
    transcript: Transcript,
    asker: Asker,
    /// The point of every bin.
    items: Vec<Item>,
    /// For every bin the caller's place of its item.
    places: Vec<Option<u32>>,
    store: Option<Box<dyn Store>>,
    complete: bool,
}

/// What the receiver ends with: a row a bin.
pub struct Rows {
    /// The place at which the caller gave the item of the row; `None` where there is
    /// none, and nothing will be found.
    pub places: Vec<Option<u32>>,
    /// What the receiver shares with the three parties.
    pub half: Half,
    /// The transcript's digest, to be signed.
    pub transcript: Digest,
}

impl Receiver {
    /// Begins with a set and a correlation of [`super::correlations`] values that
    /// was made for this session alone.
    ///
    /// # Errors
    /// [`Refusal`](crate::Refusal): `SetTooLarge`, `CorrelationMismatch`,
    /// `ParameterRange` for a session of another protocol.
    /// [`Trouble::Unlucky`](crate::Trouble) where the items can't be placed.
    pub fn new<R: CryptoRng + ?Sized>(
        session: &Session,
        set: Set,
        correlation: ReceiverOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let sizes = shape(session)?;
        let (set, mut rng) = begin(&session.digest, set, session.receiver_items, rng)?;
        let bins = Bins::new(session, sizes.bins);
        let placed = bins.place(&set.items()[..set.genuine()])?;
        let items: Vec<Item> = (0u32..)
            .zip(&placed)
            .map(|(bin, item)| match item {
                Some(item) => bins.point(&set.items()[*item as usize], bin),
                None => Item::dummy(&mut rng),
            })
            .collect();
        let asker = Asker::new(
            session.digest,
            sizes.function,
            &items,
            correlation,
            &mut rng,
        )?;
        let origin = |item: Option<u32>| item.map(|item| set.origin(item as usize));
        Ok(Self {
            transcript: Transcript::new(&session.digest),
            asker,
            items,
            places: placed.into_iter().map(origin).collect(),
            store: None,
            complete: false,
            sizes,
            rng,
        })
    }

    /// The next frame to send; `None` where the sender's turn has come.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let frame = self.asker.pull(&self.items, &mut self.rng)?;
        if let Some(frame) = &frame {
            self.transcript.absorb(From::Receiver, frame);
        }
        Ok(frame)
    }

    /// Takes one frame of the sender. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the sender's bytes.
    pub fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        if self.complete {
            return Err(faulty(Fault::OutOfOrder, bytes));
        }
        match &mut self.store {
            None => {
                self.asker.on_frame(bytes)?;
                if self.asker.done() {
                    let sizes = &self.sizes;
                    let asker = &mut self.asker;
                    self.store = Some(by_width!(sizes.words, store(sizes, asker))?);
                }
            }
            Some(store) if !store.done() => store.on_frame(&self.items, bytes)?,
            Some(_) => {
                let theirs: [u8; 32] = body_of(bytes, kind::END)?;
                if theirs != self.transcript.digest().0 {
                    return Err(faulty(Fault::TranscriptMismatch, bytes));
                }
                self.complete = true;
                return Ok(Progress::Complete);
            }
        }
        self.transcript.absorb(From::Sender, bytes);
        Ok(Progress::More)
    }

    /// The rows of the result.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before the sender's last frame.
    pub fn finish(self) -> Result<Rows, Error> {
        match self.store {
            Some(store) if self.complete => Ok(Rows {
                places: self.places,
                half: Half::new(store.columns()),
                transcript: self.transcript.digest(),
            }),
            _ => Err(Error::faulty(Fault::Truncated, &[])),
        }
    }
}

/// A store of values of some width that arrives.
trait Store: Send {
    fn on_frame(&mut self, items: &[Item], bytes: &[u8]) -> Result<(), Error>;
    fn done(&self) -> bool;
    /// What was read, a column a word.
    fn columns(&self) -> Vec<Vec<u64>>;
}

struct Sums<const N: usize> {
    reader: Reader<Lanes<N>>,
    sums: Vec<Lanes<N>>,
}

impl<const N: usize> Store for Sums<N> {
    fn on_frame(&mut self, items: &[Item], bytes: &[u8]) -> Result<(), Error> {
        self.reader.on_frame(items, &mut self.sums, bytes)
    }

    fn done(&self) -> bool {
        self.reader.done()
    }

    fn columns(&self) -> Vec<Vec<u64>> {
        let column = |word: usize| self.sums.iter().map(|sum| sum.0[word]).collect();
        (0..N).map(column).collect()
    }
}

/// Begins with the function's values at every bin's point.
fn store<const N: usize>(sizes: &Sizes, asker: &mut Asker) -> Result<Box<dyn Store>, Error> {
    let mut sums = vec![Lanes::<N>::default(); sizes.bins];
    asker.take(|oracle, indexes, read| {
        for (index, read) in indexes.iter().zip(read) {
            sums[*index as usize].add(Lanes(oracle.words(read)));
        }
    });
    Ok(Box::new(Sums {
        reader: Reader::new(sizes.points)?,
        sums,
    }))
}
