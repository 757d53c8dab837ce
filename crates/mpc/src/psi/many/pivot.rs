//! The holder that asks all others' functions: the receiver, or, where the
//! receiver holds no set, the one whose items are sealed for the opener.
//!
//! Why it exists: somebody's items have to be looked up in all others' stores.
//!
//! *Invariants*
//! - Nothing is given out, to the caller or to the opener, before the transcripts
//!   of all other holders were compared.
//! - With an opener, the pivot can't tell which sums are right.

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{
    Addressed, Link, Names, Place, Seat, Session,
    list::{Keys, Outgoing, check_names, name, pivot_entry, sorted},
    seated, unexpected,
};
use crate::{
    Error, Fault, Refusal,
    field::F128,
    psi::{
        Progress, Set, begin,
        frames::kind,
        function::{Asker, Evaluator, Shape},
        store::Reader,
    },
    secrecy,
    vole::{ReceiverOutput, SenderOutput},
};

/// What comes after a function was asked.
enum Then {
    /// A giver's store.
    Store(Box<Reader<F128>>),
    /// The closer asks in its turn.
    Own(Box<Evaluator>),
}

/// One other holder.
struct Peer {
    link: Link,
    asker: Asker,
    /// Whether the function's values were added.
    added: bool,
    then: Then,
}

/// Where the answer goes.
struct Sealing {
    keys: Keys,
    names: Names,
    entry: usize,
    /// `None` with a counter: the list is the caller's.
    opener: Option<Link>,
    /// The pivot's own function of each item.
    own: Zeroizing<Vec<F128>>,
    list: Option<Outgoing>,
}

impl Sealing {
    /// The entries for the opener, sorted.
    fn entries(&self, set: &Set, sums: &[F128]) -> Zeroizing<Vec<u8>> {
        let mut entries = Zeroizing::new(Vec::with_capacity(set.len() * self.entry));
        for (index, (sum, own)) in sums.iter().zip(self.own.iter()).enumerate() {
            let secret = self.keys.secret(*sum, *own);
            let name = name(set, &self.names, index);
            entries.extend_from_slice(&self.keys.pivot_entry(&secret, name));
        }
        sorted(self.entry, &entries)
    }
}

/// One session of the pivot.
pub struct Pivot {
    set: Set,
    rng: ChaCha20Rng,
    peers: Vec<Peer>,
    /// For each item, the sum of all holders' values.
    sums: Zeroizing<Vec<F128>>,
    sealing: Option<Sealing>,
}

/// What a pivot ends with.
pub struct Found {
    /// The places, ascending, of the items that all holders have; `None` where the
    /// receiver holds no set.
    pub places: Option<Vec<u32>>,
    /// With a counter, the entries of this part; what they are for: [`super::lists`].
    pub list: Option<Zeroizing<Vec<u8>>>,
    /// The digests of what was exchanged with each other party, to be signed.
    pub transcripts: Vec<(Place, Digest)>,
}

impl Pivot {
    /// Begins as the receiver, with a set and the correlations of the others'
    /// functions, in the order of [`Session::functions`].
    ///
    /// # Errors
    /// [`Refusal`]: `ParameterRange` at another seat, `SetTooLarge`,
    /// `CorrelationMismatch`.
    pub fn new<R: CryptoRng + ?Sized>(
        session: &Session,
        place: Place,
        set: Set,
        asks: Vec<ReceiverOutput>,
        rng: &mut R,
    ) -> Result<Self, Error> {
        if session.closer().is_some() {
            return Err(Refusal::ParameterRange.into());
        }
        Self::begin(session, place, set, asks, None, rng)
    }

    /// Begins for a receiver that holds no set: with the names of the set's items,
    /// and the correlation of the function that the closer asks.
    ///
    /// # Errors
    /// As [`Pivot::new`]; [`Refusal::NameSize`].
    pub fn for_opener<R: CryptoRng + ?Sized>(
        session: &Session,
        place: Place,
        (set, names): (Set, Names),
        asks: Vec<ReceiverOutput>,
        evaluates: SenderOutput,
        rng: &mut R,
    ) -> Result<Self, Error> {
        if session.closer().is_none() {
            return Err(Refusal::ParameterRange.into());
        }
        check_names(session, &set, &names)?;
        let sealing = Sealing {
            keys: Keys::new(session),
            names,
            entry: pivot_entry(session),
            opener: match session.counter() {
                None => Some(Link::new(session, place, session.opener())),
                Some(_) => None,
            },
            own: Zeroizing::new(Vec::new()),
            list: None,
        };
        Self::begin(session, place, set, asks, Some((sealing, evaluates)), rng)
    }

    fn begin<R: CryptoRng + ?Sized>(
        session: &Session,
        place: Place,
        set: Set,
        asks: Vec<ReceiverOutput>,
        sealing: Option<(Sealing, SenderOutput)>,
        rng: &mut R,
    ) -> Result<Self, Error> {
        seated(session, place, Seat::Pivot)?;
        let (set, mut rng) = begin(&session.digest, set, session.size(place), rng)?;
        if asks.len() != session.sharers().count() {
            return Err(Refusal::CorrelationMismatch.into());
        }
        let shape = Shape::full(set.len())?;
        let (mut sealing, mut evaluates) = match sealing {
            Some((sealing, evaluates)) => (Some(sealing), Some(evaluates)),
            None => (None, None),
        };
        let mut peers = Vec::new();
        for (peer, correlation) in session.sharers().zip(asks) {
            let digest = session.function(place, peer)?.digest;
            let then = match evaluates.take_if(|_| session.closer() == Some(peer)) {
                Some(evaluates) => {
                    let own = session.function(peer, place)?.digest;
                    let theirs = Shape::full(session.size(peer))?;
                    Then::Own(Box::new(Evaluator::new(own, theirs, evaluates, &mut rng)?))
                }
                None => Then::Store(Box::new(Reader::new(session.size(peer))?)),
            };
            peers.push(Peer {
                link: Link::new(session, place, peer),
                asker: Asker::new(digest, shape, set.items(), correlation, &mut rng)?,
                added: false,
                then,
            });
        }
        if let Some(sealing) = &mut sealing {
            sealing.own = Zeroizing::new(vec![F128::ZERO; set.len()]);
        }
        Ok(Self {
            sums: Zeroizing::new(vec![F128::ZERO; set.len()]),
            peers,
            sealing,
            set,
            rng,
        })
    }

    /// The next frame to send and whom to; `None` where it is others' turn.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`](crate::Trouble), after which the session is over.
    pub fn pull(&mut self) -> Result<Option<Addressed>, Error> {
        for peer in &mut self.peers {
            if let Some(frame) = peer.asker.pull(self.set.items(), &mut self.rng)? {
                return Ok(Some(peer.link.send(frame)));
            }
            let Then::Own(evaluator) = &mut peer.then else {
                continue;
            };
            if !peer.added {
                continue;
            }
            if let Some(frame) = evaluator.pull() {
                return Ok(Some(peer.link.send(frame)));
            }
            if peer.link.heard && !peer.link.said {
                return Ok(Some(peer.link.end()));
            }
        }
        self.pull_sealed()
    }

    fn pull_sealed(&mut self) -> Result<Option<Addressed>, Error> {
        if !self.agreed() {
            return Ok(None);
        }
        let Some(sealing) = &mut self.sealing else {
            return Ok(None);
        };
        if sealing.opener.as_ref().is_none_or(|opener| opener.said) {
            return Ok(None);
        }
        if sealing.list.is_none() {
            let entries = sealing.entries(&self.set, &self.sums);
            sealing.list = Some(Outgoing::new(kind::SEALED, sealing.entry, entries));
        }
        let frame = sealing.list.as_mut().and_then(Outgoing::pull);
        Ok(sealing.opener.as_mut().map(|opener| match frame {
            Some(frame) => opener.send(frame),
            None => opener.end(),
        }))
    }

    /// Whether nothing more is to be sent or taken.
    #[must_use]
    pub fn done(&self) -> bool {
        let opener = self.sealing.as_ref().and_then(|it| it.opener.as_ref());
        self.agreed() && opener.is_none_or(|opener| opener.said)
    }

    /// Whether the transcripts of all other holders were compared.
    fn agreed(&self) -> bool {
        self.peers
            .iter()
            .all(|peer| peer.link.heard && (peer.link.said || matches!(peer.then, Then::Store(_))))
    }

    /// Takes one frame of another holder. After an error the session is over.
    ///
    /// # Errors
    /// [`Fault`], with the holder's bytes.
    pub fn on_frame(&mut self, from: Place, bytes: &[u8]) -> Result<Progress, Error> {
        let peer = self.peers.iter_mut().find(|peer| peer.link.peer == from);
        let Some(peer) = peer.filter(|peer| !peer.link.heard) else {
            return Err(unexpected(bytes));
        };
        let items = self.set.items();
        let mut ended = false;
        if !peer.asker.done() {
            peer.asker.on_frame(bytes)?;
        } else {
            match &mut peer.then {
                Then::Store(reader) if !reader.done() => {
                    reader.on_frame(items, &mut self.sums, bytes)?;
                }
                Then::Own(evaluator) if !evaluator.done() => {
                    let own = self.sealing.as_mut().map(|sealing| &mut sealing.own);
                    let own = own.ok_or_else(|| unexpected(bytes))?;
                    evaluator.on_frame(items, bytes, |oracle, indexes, read| {
                        for (index, value) in oracle.elements(indexes, read) {
                            own[index] = value;
                        }
                    })?;
                }
                _ => {
                    peer.link.on_end(bytes)?;
                    ended = true;
                }
            }
        }
        if !ended {
            peer.link.took(bytes);
        }
        if peer.asker.done() && !peer.added {
            let sums = &mut self.sums;
            peer.asker.take(|oracle, indexes, read| {
                for (index, value) in oracle.elements(indexes, read) {
                    sums[index] += value;
                }
            });
            peer.added = true;
        }
        Ok(if self.sealing.is_none() && self.agreed() {
            Progress::Complete
        } else {
            Progress::More
        })
    }

    /// What came of the functions and stores so far, for an item of the set.
    #[cfg(test)]
    pub(in crate::psi) fn sum(&self, item: &crate::psi::Item) -> Option<F128> {
        let index = self.set.items().iter().position(|other| other == item)?;
        Some(self.sums[index])
    }

    /// What it ends with.
    ///
    /// # Errors
    /// [`Fault::Truncated`] before all others' last frames, or before its own.
    pub fn finish(self) -> Result<Found, Error> {
        if !self.agreed() {
            return Err(Error::faulty(Fault::Truncated, &[]));
        }
        let mut transcripts = Vec::new();
        for peer in &self.peers {
            transcripts.push(peer.link.finish()?);
        }
        if let Some(sealing) = &self.sealing {
            let list = match &sealing.opener {
                Some(opener) => {
                    transcripts.push(opener.finish()?);
                    None
                }
                None => Some(sealing.entries(&self.set, &self.sums)),
            };
            return Ok(Found {
                places: None,
                list,
                transcripts,
            });
        }
        let has = |index: &usize| {
            let zero = self.sums[*index].ct_eq(&F128::ZERO);
            secrecy::outcome(zero, "which of its items a receiver has in common")
        };
        let found = (0..self.set.genuine()).filter(has);
        let mut places: Vec<u32> = found.map(|index| self.set.origin(index)).collect();
        places.sort_unstable();
        Ok(Found {
            places: Some(places),
            list: None,
            transcripts,
        })
    }
}
