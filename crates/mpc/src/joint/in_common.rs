//! Who stands in two institutions' sets, for a receiver that holds none: the count
//! first.
//!
//! Why it exists: [`psi::many`](crate::psi::many) has the roles; here they run as
//! straight code over a [`Channel`], part after part with their correlations
//! ([`crate::vole`]), up to the count. What follows it is the caller's: the gate, the
//! lists' way to the opener, and [`shown`] and [`open`], which it asks there.
//!
//! ```text
//! ring     seat 0 ──▶ seat 1 ──▶ seat 2 ──▶ seat 0
//!          pivot      closer     counter
//!
//! for each part     pivot, closer: the correlation of each function of the part,
//!                   vole's eight messages; then the part's roles
//!                   both ── agreed ──▶ counter
//! then              closer ── end ──▶ pivot ── end ──▶ closer    over all frames so far
//!                   pivot, closer ── tags, end ──▶ counter       one after the other
//! ```
//! A frame is two of the channel's: its length, 4 bytes, big-endian, then itself.
//!
//! *Adversary*: that of [`psi::many`](crate::psi::many): malicious with abort.
//!
//! *Leaks*: to the counter the count; to all three the sets' padded sizes and that a
//! run was aborted.
//!
//! *Invariants*
//! - Between any two one side sends while the other receives, so that a channel that
//!   holds two frames each way, hence four of its own, is enough.
//! - A peer's length is bounded before its frame is asked for.
//! - A part's set is asked for when its correlations are there, and given up with the
//!   part; entries of all parts are kept.
//!
//! *Not here*: givers, who have no seat on a ring of three; threads and time.

mod wire;

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use crate::psi::many::lists::Opened;
use crate::{
    Error, Refusal,
    psi::{
        Progress, Set, generator,
        many::{
            Addressed, Closer, Counter, Function, Names, Pivot, Place, Session, Setup, Showing,
            lists::{self, room},
        },
    },
    shares::{Channel, Neighbour},
    vole::{self, Code, Params, ReceiverOutput, SenderOutput},
};
use wire::Wire;

/// What a set in common is computed under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Two holders, a receiver that holds no set, and a counter.
    pub setup: Setup,
    /// The code of the correlations.
    pub code: Code,
}

/// What a pivot or a closer ends with.
pub struct Held {
    /// The entries of all parts, part after part: what the opener is given after the
    /// gate, and nobody before.
    pub list: Zeroizing<Vec<u8>>,
    /// The digest of the tags that the counter was shown, of all parts.
    pub shown: Digest,
    /// The digests of all that was exchanged with the previous seat and the next, to
    /// be signed.
    pub frames: [Digest; 2],
}

/// What a counter ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many items both holders have.
    pub rows: u64,
    /// The digests of the tags that the pivot and the closer showed.
    pub shown: [Digest; 2],
    /// The digests of all that was exchanged with the previous seat and the next, to
    /// be signed.
    pub frames: [Digest; 2],
}

impl Terms {
    fn check(&self) -> Result<(), Error> {
        lists::entry_bytes(&self.setup)?;
        if self.setup.holders.len() == 2 {
            Ok(())
        } else {
            Err(Refusal::ParameterRange.into())
        }
    }

    fn counter(&self) -> Result<Place, Error> {
        let counter = self.setup.counter.as_ref();
        let place = counter.and_then(|counter| self.setup.place(counter));
        place.ok_or_else(|| Refusal::ParameterRange.into())
    }
}

/// Bytes of one entry of the pivot's list and of the closer's.
///
/// # Errors
/// [`Refusal::ParameterRange`] for terms that do not fit.
pub fn entry_bytes(terms: &Terms) -> Result<[usize; 2], Error> {
    terms.check()?;
    lists::entry_bytes(&terms.setup)
}

/// Bytes of the pivot's whole list and of the closer's: there is no other size.
///
/// # Errors
/// As [`entry_bytes`].
pub fn list_bytes(terms: &Terms) -> Result<[usize; 2], Error> {
    terms.check()?;
    lists::list_bytes(&terms.setup)
}

/// What the counter must have been shown for this list of the pivot (seat 0) or the
/// closer (seat 1).
///
/// # Errors
/// Those of [`lists::shown`].
pub fn shown(terms: &Terms, seat: usize, list: &[u8]) -> Result<Digest, Error> {
    terms.check()?;
    lists::shown(&terms.setup, place(seat)?, list)
}

/// The names that both lists open, ascending, with the numbers of both entries.
///
/// # Errors
/// Those of [`lists::open`].
pub fn open(terms: &Terms, pivot: &[u8], closer: &[u8]) -> Result<Vec<Opened>, Error> {
    terms.check()?;
    lists::open(&terms.setup, pivot, closer)
}

fn place(seat: usize) -> Result<Place, Error> {
    let place = u8::try_from(seat).map(Place);
    place.map_err(|_| Refusal::ParameterRange.into())
}

/// The pivot (seat 0) or the closer (seat 1): everything up to the count.
///
/// `sets` gives a part's set and the names of its items by place, each part once and
/// in order; `progress` is told how much is done, of 1,000, and cancels by an error.
///
/// # Errors
/// [`Refusal`]: `ParameterRange` for terms or a seat that do not fit, `SetTooLarge`,
/// `NameSize`; a peer's [`Fault`](crate::Fault); [`Trouble`](crate::Trouble);
/// whatever `sets` and `progress` say.
pub fn hold<R: CryptoRng + ?Sized>(
    channel: &mut dyn Channel,
    seat: usize,
    terms: &Terms,
    sets: &mut dyn FnMut(u16) -> Result<(Set, Names), Error>,
    rng: &mut R,
    progress: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Held, Error> {
    terms.check()?;
    let bytes = *lists::list_bytes(&terms.setup)?
        .get(seat)
        .ok_or(Refusal::ParameterRange)?;
    let (other, counter) = if seat == 0 {
        (Neighbour::Next, Neighbour::Previous)
    } else {
        (Neighbour::Previous, Neighbour::Next)
    };
    let mut run = Run {
        terms,
        seat,
        other,
        wire: Wire::new(channel, &terms.setup.digest(), seat),
        rng: generator(&terms.setup.digest(), rng),
        at: 0,
        done: 0,
        progress,
    };
    let mut showing = Showing::new(&terms.setup, place(seat)?)?;
    let mut list = room(bytes)?;
    for part in 0..terms.setup.parts {
        run.at = part;
        let entries = run.part(&terms.setup.open(part)?, sets)?;
        showing.part(&entries)?;
        list.extend_from_slice(&entries);
        while let Some((_, frame)) = showing.pull() {
            run.wire.send(counter, frame)?;
        }
    }
    run.wire.agree(other, seat == 1)?;
    let ready = run.wire.receive(counter)?;
    showing.on_frame(terms.counter()?, &ready)?;
    while let Some((_, frame)) = showing.pull() {
        run.wire.send(counter, frame)?;
        run.tell(0)?;
    }
    let (shown, _) = showing.finish()?;
    run.finish()?;
    Ok(Held {
        list,
        shown,
        frames: run.wire.frames(),
    })
}

/// The counter, seat 2.
///
/// # Errors
/// [`Refusal::ParameterRange`] for terms that do not fit; a peer's
/// [`Fault`](crate::Fault); [`Trouble`](crate::Trouble); whatever `progress` says.
pub fn count(
    channel: &mut dyn Channel,
    terms: &Terms,
    progress: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Counted, Error> {
    terms.check()?;
    let mut wire = Wire::new(channel, &terms.setup.digest(), 2);
    let mut counter = Counter::new(&terms.setup)?;
    let neighbour = |at: Place| match at {
        Place(0) => Neighbour::Next,
        _ => Neighbour::Previous,
    };
    while let Some(due) = counter.due() {
        while let Some((to, frame)) = counter.pull() {
            wire.send(neighbour(to), frame)?;
        }
        let frame = wire.receive(neighbour(due))?;
        counter.on_frame(due, &frame)?;
        progress(counter.permille())?;
    }
    let counted = counter.finish()?;
    Ok(Counted {
        rows: counted.rows,
        shown: counted.shown,
        frames: wire.frames(),
    })
}

/// A role between the two holders.
enum Role {
    Pivot(Box<Pivot>),
    Closer(Box<Closer>),
}

impl Role {
    fn pull(&mut self) -> Result<Option<Addressed>, Error> {
        match self {
            Self::Pivot(role) => role.pull(),
            Self::Closer(role) => role.pull(),
        }
    }

    fn on_frame(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        match self {
            Self::Pivot(role) => role.on_frame(Place(1), bytes),
            Self::Closer(role) => role.on_frame(Place(0), bytes),
        }
    }

    fn done(&self) -> bool {
        match self {
            Self::Pivot(role) => role.done(),
            Self::Closer(role) => role.done(),
        }
    }

    fn finish(self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let list = match self {
            Self::Pivot(role) => role.finish()?.list,
            Self::Closer(role) => role.finish()?.list,
        };
        list.ok_or_else(|| Refusal::ParameterRange.into())
    }
}

/// One holder's side of a run.
struct Run<'a> {
    terms: &'a Terms,
    seat: usize,
    other: Neighbour,
    wire: Wire<'a>,
    rng: ChaCha20Rng,
    /// The part that is computed.
    at: u16,
    /// How much was told to be done, of 1,000.
    done: usize,
    progress: &'a mut dyn FnMut(usize) -> Result<(), Error>,
}

impl Run<'_> {
    /// Tells how much is done where this part is done to `within` of 1,000, and
    /// never less than before.
    fn tell(&mut self, within: usize) -> Result<(), Error> {
        let parts = usize::from(self.terms.setup.parts.max(1));
        let done = 950 * (usize::from(self.at) * 1000 + within) / (1000 * parts);
        self.done = self.done.max(done);
        (self.progress)(self.done)
    }

    fn finish(&mut self) -> Result<(), Error> {
        (self.progress)(1000)
    }

    /// One part: this side's entries.
    fn part(
        &mut self,
        session: &Session,
        sets: &mut dyn FnMut(u16) -> Result<(Set, Names), Error>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let me = place(self.seat)?;
        let (mut asks, mut evaluates) = (None, None);
        for (nth, function) in session.functions()?.into_iter().enumerate() {
            if function.asker == me {
                asks = Some(self.ask(&function)?);
            } else {
                evaluates = Some(self.evaluate(&function)?);
            }
            self.tell(200 * (nth + 1))?;
        }
        let (Some(asks), Some(evaluates)) = (asks, evaluates) else {
            return Err(Refusal::ParameterRange.into());
        };
        let named = sets(self.at)?;
        let rng = &mut self.rng;
        let mut role = if self.seat == 0 {
            let asks = vec![asks];
            let role = Pivot::for_opener(session, me, named, asks, evaluates, rng)?;
            Role::Pivot(Box::new(role))
        } else {
            let role = Closer::new(session, me, named, evaluates, asks, rng)?;
            Role::Closer(Box::new(role))
        };
        let mut frames = 0;
        loop {
            while let Some((_, frame)) = role.pull()? {
                self.wire.send(self.other, frame)?;
                frames += 1;
                self.tell(Self::within(session, frames))?;
            }
            if role.done() {
                break;
            }
            let frame = self.wire.receive(self.other)?;
            role.on_frame(&frame)?;
            frames += 1;
            self.tell(Self::within(session, frames))?;
        }
        role.finish()
    }

    /// How much of a part is done, after the correlations, at so many frames.
    fn within(session: &Session, frames: usize) -> usize {
        400 + 600 * frames / session.frames().max(frames).max(1)
    }

    /// The correlation of a function that this side asks.
    fn ask(&mut self, function: &Function) -> Result<ReceiverOutput, Error> {
        let (params, session) = self.correlation(function);
        let (other, wire, rng) = (self.other, &mut self.wire, &mut self.rng);
        let (role, offer) = vole::Receiver::start(session, params, rng)?;
        wire.send(other, offer)?;
        let (role, corrections) = role.on_choices(&wire.receive(other)?, rng)?;
        wire.send(other, corrections)?;
        let (role, response) = role.on_challenge(&wire.receive(other)?)?;
        wire.send(other, response)?;
        let (role, inquiry) = role.on_trees(&wire.receive(other)?, rng)?;
        wire.send(other, inquiry)?;
        role.on_proof(&wire.receive(other)?)
    }

    /// The correlation of a function that this side evaluates.
    fn evaluate(&mut self, function: &Function) -> Result<SenderOutput, Error> {
        let (params, session) = self.correlation(function);
        let (other, wire, rng) = (self.other, &mut self.wire, &mut self.rng);
        let role = vole::Sender::new(session, params)?;
        let (role, choices) = role.on_offer(&wire.receive(other)?, rng)?;
        wire.send(other, choices)?;
        let (role, challenge) = role.on_corrections(&wire.receive(other)?, rng)?;
        wire.send(other, challenge)?;
        let (role, trees) = role.on_response(&wire.receive(other)?, rng)?;
        wire.send(other, trees)?;
        let (key, proof) = role.on_inquiry(&wire.receive(other)?)?;
        wire.send(other, proof)?;
        Ok(key)
    }

    fn correlation(&self, function: &Function) -> (Params, [u8; 32]) {
        let params = Params {
            len: function.correlations,
            code: self.terms.code,
        };
        (params, *function.digest.as_bytes())
    }
}
