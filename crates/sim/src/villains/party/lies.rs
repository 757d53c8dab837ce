//! What one of the three sends in place of what its node would have sent.

use bytes::Bytes;
use docket::{
    joint::sets::{ENTRY_BYTES, Listed},
    statement::{Attestation, Count},
};
use node::exchange::Call;
use primitives::{Digest, Signature, SigningKey, cbor};
use proof::{Frontier, leaf_hash};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::other;

/// One lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    Flipped,
    Short,
    Long,
    Garbage,
    /// Sends no more, and does not hang up.
    Silent,
    /// The frames of an earlier attempt.
    Replayed,
    OtherCount,
    /// A count that it has not signed.
    UnsignedCount,
    /// The true one, and another when it is asked again.
    TwoCounts,
    /// A part that it has not signed.
    AlteredPart,
    /// An altered part under its signature.
    SignedPart,
    /// A part of the wrong length.
    BentPart,
    /// A part that it says is of another attempt.
    OtherAttempt,
    /// A holder's list that is not the one that it signed.
    OtherList,
    /// The same, with a root to it.
    SignedList,
    /// Shares that it did not commit to.
    OtherShares,
    /// Shares of another length.
    BentShares,
    /// Shares that are none, and a commitment to them.
    NoShares,
    /// Another part of its table than it was asked for.
    OtherPart,
}

impl Lie {
    /// The lies that a question gives room for.
    pub(super) fn fitting(sets: bool, is_authority: bool) -> Vec<Self> {
        let mut lies = vec![
            Self::Flipped,
            Self::Flipped,
            Self::Short,
            Self::Long,
            Self::Garbage,
            Self::Silent,
            Self::Replayed,
            Self::OtherCount,
            Self::UnsignedCount,
            Self::TwoCounts,
            Self::AlteredPart,
            Self::SignedPart,
            Self::BentPart,
            Self::OtherAttempt,
        ];
        match (sets, is_authority) {
            (true, false) => lies.extend([Self::OtherList, Self::SignedList, Self::SignedList]),
            (false, false) => lies.extend([
                Self::OtherShares,
                Self::BentShares,
                Self::NoShares,
                Self::NoShares,
            ]),
            _ => {}
        }
        lies
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Flipped => "flips a bit of a frame",
            Self::Short => "sends a frame too short",
            Self::Long => "sends a frame too long",
            Self::Garbage => "sends garbage in a frame's place",
            Self::Silent => "falls silent",
            Self::Replayed => "plays back frames of another attempt",
            Self::OtherCount => "signs another count",
            Self::UnsignedCount => "tells a count that it has not signed",
            Self::TwoCounts => "signs two counts",
            Self::AlteredPart => "gives a part that it has not signed",
            Self::SignedPart => "signs an altered part",
            Self::BentPart => "gives a part of another length",
            Self::OtherAttempt => "gives a part as of another attempt",
            Self::OtherList => "gives another list than it signed",
            Self::SignedList => "signs another list than it compared",
            Self::OtherShares => "gives other shares than it committed to",
            Self::BentShares => "gives shares of another length",
            Self::NoShares => "commits to shares that are none",
            Self::OtherPart => "gives another part of its table",
        }
    }

    pub(super) fn is_of_frames(self) -> bool {
        matches!(
            self,
            Self::Flipped
                | Self::Short
                | Self::Long
                | Self::Garbage
                | Self::Silent
                | Self::Replayed
        )
    }

    pub(super) fn is_of_counts(self) -> bool {
        matches!(
            self,
            Self::OtherCount | Self::UnsignedCount | Self::TwoCounts
        )
    }

    pub(super) fn is_of_shares(self) -> bool {
        matches!(
            self,
            Self::OtherShares | Self::BentShares | Self::NoShares | Self::OtherPart
        )
    }

    pub(super) fn is_of_parts(self) -> bool {
        !(self.is_of_frames() || self.is_of_counts() || self.is_of_shares())
    }
}

/// A count as one of the three tells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    count: Count,
    signature: Signature,
}

/// The head of a part, as one of the three gives it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    attempt: Digest,
    frames: Digest,
    signature: Signature,
    bytes: u64,
}

/// Bytes of a count or a head, at most.
const HEAD_BYTES_MAX: usize = 4_096;
/// Bytes that are kept of what was sent, at most.
const SENT_BYTES_MAX: usize = 64 << 20;

/// Frames of an attempt before the protocol's own: a hello, and that all mean it.
const GREETING: usize = 2;

/// What becomes of a frame where frames are played back.
pub(super) enum Played {
    AsItIs,
    /// The attempt is over.
    Cut,
    /// Of an earlier attempt.
    Of(Bytes),
}

/// What the villain has said so far.
#[derive(Debug)]
pub(super) struct Told {
    rng: StdRng,
    told: bool,
    /// The frames of an earlier attempt, where they are to be played back.
    recorded: Vec<Bytes>,
    recorded_whole: bool,
    counts: usize,
    /// The first part of its table, as its victim was given it.
    first_part: Vec<Bytes>,
    /// Frames of the longest attempt.
    pub(super) frames: usize,
    sent: Vec<u8>,
}

impl Told {
    pub(super) fn new(seed: Digest) -> Self {
        Self {
            rng: StdRng::from_seed(seed.0),
            told: false,
            recorded: Vec::new(),
            recorded_whole: false,
            counts: 0,
            first_part: Vec::new(),
            frames: 0,
            sent: Vec::new(),
        }
    }

    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    pub(super) fn tell(&mut self) {
        self.told = true;
    }

    pub(super) fn sent(&mut self, bytes: &[u8]) {
        if self.sent.len() < SENT_BYTES_MAX {
            self.sent.extend_from_slice(bytes);
        }
    }

    /// Whether these bytes were sent, one after another.
    pub(super) fn has_sent(&self, bytes: &[u8]) -> bool {
        self.sent.len() >= SENT_BYTES_MAX || crate::wires::contains(&self.sent, bytes)
    }

    /// What becomes of a frame where frames are played back: one attempt is recorded up to
    /// the frame `at` and cut; in the next that frame is the recorded one, or every one
    /// from the agreement on keys to it.
    pub(super) fn played(
        &mut self,
        number: usize,
        frame: &Bytes,
        (at, all): (usize, bool),
    ) -> Played {
        if !self.recorded_whole {
            if number == 0 {
                self.recorded.clear();
            }
            self.recorded.push(frame.clone());
            self.recorded_whole = number > at;
            return match self.recorded_whole {
                true => Played::Cut,
                false => Played::AsItIs,
            };
        }
        let due = number == at || (all && (GREETING..=at).contains(&number));
        match self.recorded.get(number).filter(|_| due) {
            Some(before) => Played::Of(before.clone()),
            None => Played::AsItIs,
        }
    }

    /// A frame that is none.
    pub(super) fn bent(&mut self, lie: Lie, frame: &Bytes) -> Bytes {
        let mut bent = frame.to_vec();
        match lie {
            Lie::Short => {
                let most = bent.len();
                bent.truncate(most - self.rng.random_range(1..=most.max(1)).min(most));
            }
            Lie::Long => {
                let mut more = vec![0; self.rng.random_range(1..100)];
                self.rng.fill_bytes(&mut more);
                bent.extend(more);
            }
            Lie::Garbage => self.rng.fill_bytes(&mut bent),
            _ => self.flip(&mut bent),
        }
        bent.into()
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << self.rng.random_range(0..8u32);
        }
    }

    /// What is sent in place of a whole answer, and whether the caller is made to ask
    /// again; nothing where it is sent as it is.
    pub(super) fn altered(
        &mut self,
        lie: Lie,
        call: &Call,
        whole: &[Bytes],
        (key, (seat, sets)): (&SigningKey, (usize, bool)),
    ) -> Option<(Vec<Bytes>, bool)> {
        match call {
            Call::Count { question } => self.count(lie, question, whole, key),
            Call::Shares { part, .. } if lie == Lie::OtherPart => {
                if *part == 0 {
                    self.first_part = whole.to_vec();
                    return None;
                }
                Some((self.first_part.clone(), false))
            }
            Call::Shares { .. } => {
                let mut bytes = whole.concat();
                match lie {
                    Lie::OtherShares => self.flip(&mut bytes),
                    _ => self.bend(&mut bytes),
                }
                Some((vec![bytes.into()], false))
            }
            Call::Part { question } => {
                let (head, part) = whole.split_first()?;
                let mut head: Given = cbor::decode(head, HEAD_BYTES_MAX).ok()?;
                let mut part = part.concat();
                let whole_part = part.len();
                // What is signed, and the list behind it.
                let signed = match (sets, seat) {
                    (true, 0 | 1) => Listed::BYTES.min(part.len()),
                    _ => part.len(),
                };
                match lie {
                    Lie::AlteredPart | Lie::SignedPart => self.flip(&mut part[..signed]),
                    Lie::OtherAttempt => head.attempt = other(&head.attempt),
                    Lie::BentPart => self.bend(&mut part),
                    // What each entry opens, and not what the counter was shown of it.
                    Lie::SignedList if self.rng.random() => {
                        let entries = part[signed..].chunks_exact_mut(ENTRY_BYTES[seat.min(1)]);
                        entries
                            .filter_map(<[u8]>::last_mut)
                            .for_each(|byte| *byte ^= 1);
                    }
                    _ => {
                        let list = signed..part.len();
                        self.flip(&mut part[list]);
                    }
                }
                if lie == Lie::SignedList {
                    let entries = part[signed..].chunks_exact(ENTRY_BYTES[seat.min(1)]);
                    let mut frontier = Frontier::new();
                    for entry in entries {
                        frontier.append(leaf_hash(entry));
                    }
                    let mut listed = Listed::from_bytes(&part[..signed])?;
                    listed.root = frontier.root();
                    part[..signed].copy_from_slice(&listed.to_bytes());
                }
                if matches!(lie, Lie::SignedPart | Lie::SignedList) {
                    let place = u8::try_from(seat).unwrap_or(u8::MAX);
                    let signed = &part[..signed];
                    let transcript =
                        docket::joint::transcript(question, place, &head.frames, signed);
                    head.signature = sign(key, question, &transcript);
                }
                if part.len() != whole_part && self.rng.random() {
                    head.bytes = part.len() as u64;
                }
                let head: Bytes = cbor::encode(&head).ok()?.into();
                Some((vec![head, part.into()], false))
            }
            _ => None,
        }
    }

    /// A few bytes less, or more.
    fn bend(&mut self, bytes: &mut Vec<u8>) {
        let by = self.rng.random_range(1..100);
        if self.rng.random() {
            bytes.truncate(bytes.len().saturating_sub(by));
        } else {
            bytes.resize(bytes.len() + by, 0);
        }
    }

    fn count(
        &mut self,
        lie: Lie,
        question: &Digest,
        whole: &[Bytes],
        key: &SigningKey,
    ) -> Option<(Vec<Bytes>, bool)> {
        let mut counted: Counted = cbor::decode(&whole.concat(), HEAD_BYTES_MAX).ok()?;
        self.counts += 1;
        if lie == Lie::TwoCounts && self.counts == 1 {
            return Some((whole.to_vec(), true));
        }
        match self.rng.random_range(0..3u8) {
            0 => counted.count.withheld += 1,
            1 if counted.count.rows > 0 => counted.count.rows -= 1,
            _ => counted.count.rows += 1,
        }
        if lie != Lie::UnsignedCount {
            let transcript = counted.count.transcript(question);
            counted.signature = sign(key, question, &transcript);
        }
        Some((vec![cbor::encode(&counted).ok()?.into()], false))
    }
}

fn sign(key: &SigningKey, question: &Digest, transcript: &Digest) -> Signature {
    key.sign(
        Attestation::DOMAIN,
        &Attestation::message(question, transcript),
    )
}
