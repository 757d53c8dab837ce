//! What pivot and closer send an opener, and how it is put together.
//!
//! Why it exists: an item's key opens its name only where both have the key.
//!
//! ```text
//! pivot's entry    tag 16 ‖ voucher 16 ‖ length 1 ‖ name, zeros to the session's
//!                  length; all but the tag under the key
//! closer's entry   key 16 ‖ check 16, a hash of voucher and name
//! ```
//! Key and voucher are two hashes of one secret that both have. The opener gets
//! every key of the closer's, so a check of key and name would let it try names one
//! after the other; the voucher it gets where a pivot's entry opens, and only there.
//!
//! *Invariants*
//! - Both lists strictly ascend, so that their order says nothing.
//! - A pivot's tag is the key's hash, so that a closer can't open an honest pivot's
//!   entry with another key; a closer's check is of the name too, so that a pivot
//!   can't put another name under an honest closer's key.
//! - What the opener holds of an item that only one of the two has is
//!   indistinguishable from random, whatever names it tries.

use primitives::Digest;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Names, Session};
use crate::{
    Error, Fault, Refusal, domains,
    field::F128,
    limits::{FRAME_VALUES, MANY_FRAME_ENTRIES},
    psi::{
        Set,
        frames::{Due, entries, faulty, kind, list},
        order,
    },
    secrecy,
};

/// Bytes of a key, a tag and a check.
pub(super) const WORD: usize = 16;
/// Bytes of a closer's entry.
pub(super) const CLOSER_ENTRY: usize = 2 * WORD;

/// Bytes of a pivot's entry.
pub(super) fn pivot_entry(session: &Session) -> usize {
    2 * WORD + 1 + session.name_bytes
}

/// What pivot and closer both have for an item that all holders have.
pub(super) struct Secret {
    key: [u8; WORD],
    voucher: [u8; WORD],
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.key.zeroize();
        self.voucher.zeroize();
    }
}

/// The hashes of one session's keys.
pub(super) struct Keys {
    labels: [[u8; WORD]; 5],
    name_bytes: usize,
}

impl Keys {
    pub(super) fn new(session: &Session) -> Self {
        let label = |use_of: u8| {
            let digest = Digest::of(
                domains::PSI_MANY_OPEN,
                &[session.digest.as_bytes(), &[use_of]],
            );
            let mut label = [0; WORD];
            label.copy_from_slice(&digest.as_bytes()[..WORD]);
            label
        };
        Self {
            labels: [1, 2, 3, 4, 5].map(label),
            name_bytes: session.name_bytes,
        }
    }

    /// The secret of an item, from the sum of the holders' values and the value of
    /// the pivot's own function.
    pub(super) fn secret(&self, sum: F128, own: F128) -> Secret {
        let (sum, own) = (sum.to_bytes(), own.to_bytes());
        Secret {
            key: self.hash(0, &[&sum, &own]),
            voucher: self.hash(4, &[&sum, &own]),
        }
    }

    /// What a key's counterpart is found by, and all that a counter is shown.
    pub(super) fn tag(&self, key: &[u8; WORD]) -> [u8; WORD] {
        self.hash(1, &[key])
    }

    /// The name under the key, or back.
    fn mask(&self, key: &[u8; WORD], name: &mut [u8]) {
        for (counter, chunk) in (0u64..).zip(name.chunks_mut(WORD)) {
            let stream = self.hash(2, &[key, &counter.to_be_bytes()]);
            for (byte, mask) in chunk.iter_mut().zip(stream) {
                *byte ^= mask;
            }
        }
    }

    fn check(&self, voucher: &[u8], name: &[u8]) -> [u8; WORD] {
        self.hash(3, &[voucher, name])
    }

    /// All but the last part have a length that the use fixes.
    fn hash(&self, use_of: usize, parts: &[&[u8]]) -> [u8; WORD] {
        let mut hasher = Sha256::new_with_prefix(self.labels[use_of]);
        parts.iter().for_each(|part| hasher.update(part));
        let digest: [u8; 32] = hasher.finalize().into();
        let mut first = [0; WORD];
        first.copy_from_slice(&digest[..WORD]);
        first
    }

    /// The pivot's entry for an item.
    pub(super) fn pivot_entry(&self, secret: &Secret, name: &[u8]) -> Vec<u8> {
        let mut entry = self.tag(&secret.key).to_vec();
        entry.extend_from_slice(&secret.voucher);
        entry.extend_from_slice(&self.padded(name));
        self.mask(&secret.key, &mut entry[WORD..]);
        entry
    }

    /// The closer's entry for an item.
    pub(super) fn closer_entry(&self, secret: &Secret, name: &[u8]) -> Vec<u8> {
        let check = self.check(&secret.voucher, &self.padded(name));
        [secret.key, check].concat()
    }

    /// A name fits: the roles refuse others when they begin.
    fn padded(&self, name: &[u8]) -> Vec<u8> {
        let mut padded = vec![0; 1 + self.name_bytes];
        // A length of 256 is written as 0, which no name has.
        padded[0] = u8::try_from(name.len() % 256).unwrap_or(0);
        padded[1..=name.len()].copy_from_slice(name);
        padded
    }

    /// The names that both lists open; an entry that does not fit its counterpart
    /// is left out.
    pub(super) fn open(&self, pivot: &[u8], closer: &[u8]) -> Names {
        let opened = self.open_numbered(pivot, closer).into_iter();
        let mut names: Names = opened.map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// The same in the closer's order, each with the numbers of both entries.
    pub(super) fn open_numbered(&self, pivot: &[u8], closer: &[u8]) -> Vec<(Vec<u8>, [usize; 2])> {
        let size = 2 * WORD + 1 + self.name_bytes;
        let count = pivot.len() / size;
        let entry = |index: usize| &pivot[index * size..(index + 1) * size];
        let mut names = Vec::new();
        for (number, line) in closer.chunks_exact(CLOSER_ENTRY).enumerate() {
            let Some((key, check)) = line.split_first_chunk::<WORD>() else {
                continue;
            };
            let tag = self.tag(key);
            let (mut low, mut high) = (0, count);
            while low < high {
                let middle = low + (high - low) / 2;
                if entry(middle)[..WORD] < tag[..] {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if low == count || entry(low)[..WORD] != tag {
                continue;
            }
            let mut opened = entry(low)[WORD..].to_vec();
            self.mask(key, &mut opened);
            let (voucher, name) = opened.split_at(WORD);
            if self.check(voucher, name)[..] == *check {
                names.extend(self.unpadded(name).map(|name| (name, [low, number])));
            }
        }
        names
    }

    fn unpadded(&self, padded: &[u8]) -> Option<Vec<u8>> {
        let (length, rest) = padded.split_first()?;
        let length = match *length {
            0 => 256,
            length => usize::from(length),
        };
        let name = rest.get(..length)?.to_vec();
        (self.padded(&name) == padded).then_some(name)
    }
}

/// The names of a set's items, checked; dummies have an empty one.
pub(super) fn check_names(session: &Session, set: &Set, names: &Names) -> Result<(), Error> {
    let fits = |name: &Vec<u8>| (1..=session.name_bytes).contains(&name.len());
    let named = (0..set.genuine()).all(|index| {
        let origin = set.origin(index) as usize;
        names.get(origin).is_some_and(fits)
    });
    if named {
        Ok(())
    } else {
        Err(Refusal::NameSize.into())
    }
}

/// The name of an item by its number in the set.
pub(super) fn name<'a>(set: &Set, names: &'a Names, index: usize) -> &'a [u8] {
    if index < set.genuine() {
        &names[set.origin(index) as usize]
    } else {
        &[]
    }
}

/// Entries of one size in their order.
pub(super) fn sorted(size: usize, unsorted: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut keyed: Vec<(u64, u64, u32)> = (0u32..)
        .zip(unsorted.chunks_exact(size))
        .map(|(index, entry)| {
            let word = |at: usize| {
                let mut word = [0; 8];
                word.copy_from_slice(&entry[at..at + 8]);
                u64::from_be_bytes(word)
            };
            (word(0), word(8), index)
        })
        .collect();
    secrecy::conceded(
        &mut keyed,
        "keys and tags of entries, while they are sorted",
    );
    order::by_uniform(&mut keyed, |(first, _, _)| *first);
    let mut bytes = Zeroizing::new(Vec::with_capacity(unsorted.len()));
    for (_, _, index) in keyed {
        let start = index as usize * size;
        bytes.extend_from_slice(&unsorted[start..start + size]);
    }
    bytes
}

/// Entries that are being sent, ascending.
pub(super) struct Outgoing {
    kind: u8,
    size: usize,
    /// Entries of every frame but the last.
    chunk: usize,
    bytes: Zeroizing<Vec<u8>>,
    sent: usize,
}

impl Outgoing {
    /// Entries of one size, sorted, for an opener.
    pub(super) fn new(kind: u8, size: usize, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            kind,
            size,
            chunk: MANY_FRAME_ENTRIES,
            bytes,
            sent: 0,
        }
    }

    /// Tags, sorted, for a counter.
    pub(super) fn of_tags(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            chunk: FRAME_VALUES,
            ..Self::new(kind::SHOWN, WORD, bytes)
        }
    }

    /// The next frame; `None` after the last.
    pub(super) fn pull(&mut self) -> Option<Vec<u8>> {
        let due = self.chunk.min(self.bytes.len() / self.size - self.sent);
        if due == 0 {
            return None;
        }
        let mut frame = list(self.kind, self.sent, due * self.size);
        let start = self.sent * self.size;
        frame.extend_from_slice(&self.bytes[start..start + due * self.size]);
        self.sent += due;
        Some(frame)
    }
}

/// Entries that arrive.
pub(super) struct Incoming {
    kind: u8,
    size: usize,
    chunk: usize,
    total: usize,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Incoming {
    pub(super) fn new(kind: u8, size: usize, total: usize) -> Self {
        Self {
            kind,
            size,
            chunk: MANY_FRAME_ENTRIES,
            total,
            bytes: Zeroizing::new(Vec::new()),
        }
    }

    /// Tags for a counter.
    pub(super) fn of_tags(total: usize) -> Self {
        Self {
            chunk: FRAME_VALUES,
            ..Self::new(kind::SHOWN, WORD, total)
        }
    }

    fn received(&self) -> usize {
        self.bytes.len() / self.size
    }

    pub(super) fn done(&self) -> bool {
        self.received() == self.total
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// [`Fault::TagsUnordered`] where entries do not strictly ascend.
    pub(super) fn on_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let due = Due {
            first: self.received(),
            total: self.total,
            chunk: self.chunk,
            entry: self.size,
        };
        let (arrived, _) = entries(frame, self.kind, &due, 0)?;
        for entry in arrived.chunks_exact(self.size) {
            let last = self.bytes.len().checked_sub(self.size);
            let ascends = last.is_none_or(|last| self.bytes[last..last + WORD] < entry[..WORD]);
            if !ascends {
                return Err(faulty(Fault::TagsUnordered, frame));
            }
            self.bytes.extend_from_slice(entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys {
            labels: [1, 2, 3, 4, 5].map(|label| [label; WORD]),
            name_bytes: 8,
        }
    }

    #[test]
    fn an_entry_opens_with_its_counterpart_alone() {
        let keys = keys();
        let secret = keys.secret(F128::from_bytes([1; 16]), F128::from_bytes([2; 16]));
        let other = keys.secret(F128::from_bytes([1; 16]), F128::from_bytes([3; 16]));
        let (sealed, line) = (
            keys.pivot_entry(&secret, b"phone:1"),
            keys.closer_entry(&secret, b"phone:1"),
        );
        assert_eq!(keys.open(&sealed, &line), [b"phone:1".to_vec()]);
        let nothing: [Vec<u8>; 0] = [];
        assert_eq!(
            keys.open(&sealed, &keys.closer_entry(&secret, b"phone:2")),
            nothing
        );
        assert_eq!(
            keys.open(&sealed, &keys.closer_entry(&other, b"phone:1")),
            nothing
        );
        assert_eq!(keys.open(&[], &line), nothing);
    }

    #[test]
    fn a_closers_entry_alone_lets_nobody_try_names() {
        // Everything that the opener could compute of the key and the right name.
        let keys = keys();
        let secret = keys.secret(F128::from_bytes([1; 16]), F128::from_bytes([2; 16]));
        let line = keys.closer_entry(&secret, b"phone:1");
        let (key, check) = line.split_first_chunk::<WORD>().unwrap();
        let padded = keys.padded(b"phone:1");
        for use_of in 0..5 {
            assert!(keys.hash(use_of, &[key, &padded])[..] != *check);
            assert!(keys.hash(use_of, &[&padded])[..] != *check);
            // Nor does the key give the voucher.
            assert!(keys.hash(use_of, &[key]) != secret.voucher);
        }
        let with_voucher = keys.check(&secret.voucher, &padded);
        assert!(with_voucher[..] == *check);
    }
}
