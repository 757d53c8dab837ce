//! One of the three parties: its keys, generators, channel and bookkeeping.
//!
//! Why it exists: every protocol of this folder is a method here, and every
//! frame goes through [`Party::exchange`], the one place that numbers, checks
//! and absorbs what crosses a wire.
//!
//! *Invariants*
//! - All three parties call the same protocols in the same order; a generator
//!   that two parties share is drawn from equally by both.
//! - After an error the party is dead: every later call is refused, generators
//!   and waiting products are wiped.
//! - Nothing is opened, and no challenge is drawn, before both neighbours have
//!   said that they received all that was sent to them ([`Party::sync`]).

use chacha20::ChaCha20Rng;
use primitives::Digest;
use rand_core::{Rng, SeedableRng};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    channel::{Channel, Neighbour},
    check::Pending,
    extension::Room,
    frame::{self, Header, Kind, Transcript},
};
use crate::{Error, Fault, Refusal, domains, secrecy};

/// What the three parties withstand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// One party that follows the protocol and looks at what it sees.
    SemiHonest,
    /// One party that does what it likes; the others abort.
    Malicious,
}

/// The secrets that a party shares with each neighbour, 32 uniform bytes each,
/// agreed over their authenticated channel.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    /// With party `i - 1`.
    pub previous: [u8; 32],
    /// With party `i + 1`.
    pub next: [u8; 32],
}

/// What a party has spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Bytes sent, headers included.
    pub bytes: u64,
    /// Rounds.
    pub rounds: u64,
}

/// A generator that two parties hold alike.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    fn new(session: &Digest, key: &[u8; 32], pair: usize) -> Self {
        let pair = [u8::try_from(pair).unwrap_or(u8::MAX)];
        let seed = Digest::of(domains::SHARES_PAIR, &[session.as_bytes(), key, &pair]);
        Self(ChaCha20Rng::from_seed(*seed.as_bytes()))
    }

    /// A stream of public randomness from a coin.
    pub(crate) fn from_coin(coin: &[u64; 4]) -> Self {
        let mut bytes = [0; 32];
        for (to, word) in bytes.chunks_exact_mut(8).zip(coin) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let seed = Digest::of(domains::SHARES_WEIGHTS, &[&bytes]);
        Self(ChaCha20Rng::from_seed(*seed.as_bytes()))
    }

    /// The next bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    pub(crate) fn words(&mut self, count: usize) -> Vec<u64> {
        let mut words = Vec::with_capacity(count);
        let mut bytes = [0u8; 2048];
        while words.len() < count {
            let bytes = &mut bytes[..8 * (count - words.len()).min(256)];
            self.0.fill_bytes(bytes);
            let some = bytes.as_chunks::<8>().0.iter();
            words.extend(some.map(|word| u64::from_le_bytes(*word)));
        }
        bytes.zeroize();
        words
    }

    /// A uniform permutation of `0..count` (Fisher–Yates, Lemire's rejection).
    pub(crate) fn permutation(&mut self, count: usize) -> Vec<u32> {
        let last = u32::try_from(count).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..last).collect();
        for i in (1..last).rev() {
            let j = self.below(i + 1);
            order.swap(i as usize, j as usize);
        }
        order
    }

    /// Uniform below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let mut word = [self.0.next_u32()];
            secrecy::conceded(&mut word, "orders that two parties know, and rows follow");
            let product = u64::from(word[0]) * u64::from(bound);
            if product & 0xffff_ffff >= u64::from(threshold) {
                return u32::try_from(product >> 32).unwrap_or(0);
            }
        }
    }
}

/// Words to each neighbour in one round.
#[derive(Default)]
pub(crate) struct Outgoing<'a> {
    pub(crate) previous: Option<&'a [u64]>,
    pub(crate) next: Option<&'a [u64]>,
}

/// How many words each neighbour will send in one round.
#[derive(Clone, Copy, Default)]
pub(crate) struct Expected {
    pub(crate) previous: Option<usize>,
    pub(crate) next: Option<usize>,
}

/// Words from each neighbour in one round.
#[derive(Default)]
pub(crate) struct Incoming {
    pub(crate) previous: Vec<u64>,
    pub(crate) next: Vec<u64>,
}

/// One of the three parties.
pub struct Party<'c> {
    pub(crate) index: usize,
    pub(crate) security: Security,
    channel: Box<dyn Channel + Send + 'c>,
    /// Component `i`, with party `i - 1`.
    pub(crate) with_previous: Stream,
    /// Component `i + 1`, with party `i + 1`.
    pub(crate) with_next: Stream,
    tag: [u8; 8],
    step: u32,
    sent: [Transcript; 2],
    received: [Transcript; 2],
    pub(crate) pending: Pending,
    pub(crate) room: Room,
    cost: Cost,
    dead: bool,
    /// A villain's: the column whose first word it changes in each hop.
    #[cfg(test)]
    pub(crate) corrupt_hop: Option<usize>,
}

impl<'c> Party<'c> {
    /// A party of one session.
    ///
    /// `session` digests everything that the run is bound to (network, warrant,
    /// plan, run, parties in order, security); the same session never runs
    /// twice under the same keys.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] where `index` is not 0, 1 or 2.
    pub fn new(
        index: usize,
        session: &Digest,
        keys: &Keys,
        security: Security,
        channel: impl Channel + Send + 'c,
    ) -> Result<Self, Error> {
        if index > 2 {
            return Err(Refusal::ParameterRange.into());
        }
        let mode = [match security {
            Security::SemiHonest => 0u8,
            Security::Malicious => 1,
        }];
        let session = Digest::of(domains::SHARES_SESSION, &[session.as_bytes(), &mode]);
        let (previous, next) = ((index + 2) % 3, (index + 1) % 3);
        let mut tag = [0; 8];
        tag.copy_from_slice(&session.as_bytes()[..8]);
        Ok(Self {
            index,
            security,
            channel: Box::new(channel),
            with_previous: Stream::new(&session, &keys.previous, index),
            with_next: Stream::new(&session, &keys.next, next),
            tag,
            step: 0,
            sent: [previous, next].map(|to| Transcript::new(&session, index, to)),
            received: [previous, next].map(|from| Transcript::new(&session, from, index)),
            pending: Pending::default(),
            room: Room::default(),
            cost: Cost::default(),
            dead: false,
            #[cfg(test)]
            corrupt_hop: None,
        })
    }

    /// Which of the three this is.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// What was spent so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Digests of all frames to and from each neighbour: sent to the previous
    /// and the next, received from the previous and the next. What a node signs
    /// at the end.
    #[must_use]
    pub fn transcripts(&self) -> [Digest; 4] {
        [
            &self.sent[0],
            &self.sent[1],
            &self.received[0],
            &self.received[1],
        ]
        .map(|transcript| Digest(transcript.digest()))
    }

    pub(crate) fn malicious(&self) -> bool {
        self.security == Security::Malicious
    }

    /// Kills the party: nothing that it holds will be opened by it.
    pub(crate) fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.dead = true;
        self.pending = Pending::default();
        self.room = Room::default();
        let nothing = Digest::of(domains::SHARES_PAIR, &[]);
        self.with_previous = Stream(ChaCha20Rng::from_seed(*nothing.as_bytes()));
        self.with_next = Stream(ChaCha20Rng::from_seed(*nothing.as_bytes()));
        Err(error)
    }

    /// One round: sends, then receives exactly what is due.
    pub(crate) fn exchange(
        &mut self,
        kind: Kind,
        outgoing: &Outgoing<'_>,
        expected: Expected,
    ) -> Result<Incoming, Error> {
        if self.dead {
            return Err(Refusal::Aborted.into());
        }
        let result = self.round(kind, outgoing, expected);
        match result {
            Ok(incoming) => Ok(incoming),
            Err(error) => self.fail(error),
        }
    }

    fn round(
        &mut self,
        kind: Kind,
        outgoing: &Outgoing<'_>,
        expected: Expected,
    ) -> Result<Incoming, Error> {
        let Some(step) = self.step.checked_add(1) else {
            return Err(Refusal::ParameterRange.into());
        };
        let header = |sender| Header {
            session: self.tag,
            step: self.step,
            sender,
            kind,
        };
        let (mine, before, after) = (
            header(self.index),
            header((self.index + 2) % 3),
            header((self.index + 1) % 3),
        );
        self.step = step;
        self.cost.rounds += 1;
        if let Some(words) = outgoing.previous {
            self.send(Neighbour::Previous, frame::encode(&mine, words))?;
        }
        if let Some(words) = outgoing.next {
            self.send(Neighbour::Next, frame::encode(&mine, words))?;
        }
        let mut incoming = Incoming::default();
        if let Some(words) = expected.previous {
            incoming.previous = self.receive(Neighbour::Previous, &before, words)?;
        }
        if let Some(words) = expected.next {
            incoming.next = self.receive(Neighbour::Next, &after, words)?;
        }
        Ok(incoming)
    }

    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Error> {
        self.cost.bytes += frame.len() as u64;
        self.sent[to as usize].absorb(&frame);
        Ok(self.channel.send(to, frame)?)
    }

    fn receive(
        &mut self,
        from: Neighbour,
        header: &Header,
        words: usize,
    ) -> Result<Vec<u64>, Error> {
        let bytes = frame::HEADER_BYTES + 8 * words;
        let frame = self.channel.receive(from, bytes)?;
        let decoded = frame::decode(header, words, &frame)?;
        self.received[from as usize].absorb(&frame);
        Ok(decoded)
    }

    /// Both neighbours say what they sent and received; a party goes on only if
    /// it agrees. After this, all frames of earlier steps are fixed: no party
    /// can choose one in the light of what comes next.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        let said = |sent: &Transcript, received: &Transcript| {
            let mut words = words_of(&sent.digest()).to_vec();
            words.extend_from_slice(&words_of(&received.digest()));
            secrecy::all_public(&mut words, "digests of transcripts");
            words
        };
        let ours = [0, 1].map(|to| said(&self.sent[to], &self.received[to]));
        let due = [0, 1].map(|from| said(&self.received[from], &self.sent[from]));
        let outgoing = Outgoing {
            previous: Some(&ours[0]),
            next: Some(&ours[1]),
        };
        let expected = Expected {
            previous: Some(8),
            next: Some(8),
        };
        let incoming = self.exchange(Kind::Sync, &outgoing, expected)?;
        for (got, due) in [(&incoming.previous, &due[0]), (&incoming.next, &due[1])] {
            if got != due {
                let error = Error::faulty(Fault::TranscriptMismatch, &bytes_of(got));
                return self.fail(error);
            }
        }
        Ok(())
    }

    /// A public coin that no party could foresee or bend, drawn after a
    /// [`Party::sync`]: each component comes from a generator that one party
    /// lacks until it is opened.
    pub(crate) fn coin(&mut self) -> Result<[u64; 4], Error> {
        self.sync()?;
        let (mine, next) = (self.with_previous.words(4), self.with_next.words(4));
        let outgoing = Outgoing {
            previous: Some(&next),
            next: Some(&mine),
        };
        let expected = Expected {
            previous: Some(4),
            next: Some(4),
        };
        let incoming = self.exchange(Kind::Component, &outgoing, expected)?;
        let mut incoming = incoming;
        for said in [&mut incoming.previous, &mut incoming.next] {
            secrecy::all_public(said, "coins");
        }
        if incoming.previous != incoming.next {
            let mut both = bytes_of(&incoming.previous);
            both.extend_from_slice(&bytes_of(&incoming.next));
            return self.fail(Error::faulty(Fault::ShareMismatch, &both));
        }
        let mut coin = [0; 4];
        for (at, word) in coin.iter_mut().enumerate() {
            *word = mine[at] ^ next[at] ^ incoming.next[at];
        }
        Ok(secrecy::public(coin, "coins"))
    }
}

/// 32 bytes as four words.
pub(crate) fn words_of(bytes: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    words
}

/// Words as they stand in a frame.
pub(crate) fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
