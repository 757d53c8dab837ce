//! How a subject becomes a key that can be shared and compared.
//!
//! Why it exists: owners know a person or an account by a canonical string;
//! shares have words. A key is 128 bits of a hash under the run's salt, in two
//! words. That two of `n` subjects of one run have the same key has probability
//! below `n²/2^129`: 2^−81 for 2^24 subjects; nobody need care. Sixty-four bits
//! would not do: 2^−17 there, and a phone number can be chosen so that it
//! collides with a given one under a known hash. The salt is not known when a
//! snapshot is committed, and 128 bits stand whoever looks for a collision after.
//!
//! Comparing 128 bits costs a circuit twice as large, so rows are *sorted* by a
//! short universal hash of the key (`joint/order.rs`) and *compared* by the
//! whole of it.
//!
//! *Invariants*: a key is compared in shares only. It is no secret by itself:
//! who has the salt can try all phone numbers.
//!
//! *Not here*: normal forms of subjects; the caller's selectors have them.

use primitives::Digest;

use super::Words;
use crate::{Error, Refusal, domains, limits, shares::same_rows};

/// The two words of a subject's key.
///
/// `salt` digests something that nobody knew when the snapshots were committed
/// (the question's session); `kind` says what the subject is, so that a phone and an
/// account of the same digits differ.
#[must_use]
pub fn subject_key(salt: &Digest, kind: &str, subject: &[u8]) -> [u64; 2] {
    let digest = Digest::of(
        domains::JOINT_KEY,
        &[salt.as_bytes(), kind.as_bytes(), subject],
    );
    let mut words = [0; 2];
    for (word, bytes) in words.iter_mut().zip(digest.as_bytes().chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    words
}

/// A subject as the words that ride along with its row and are opened with it:
/// its length, then its bytes, then zeros.
///
/// # Errors
/// [`Refusal::NameSize`] where it does not fit.
pub fn name_to_words(subject: &[u8], words: usize) -> Result<Vec<u64>, Error> {
    let length = u8::try_from(subject.len()).map_err(|_| Refusal::NameSize)?;
    if words > limits::JOINT_NAME_WORDS_MAX || 8 * words < 1 + subject.len() {
        return Err(Refusal::NameSize.into());
    }
    let mut bytes = vec![length];
    bytes.extend_from_slice(subject);
    bytes.resize(8 * words, 0);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    Ok(bytes.chunks_exact(8).map(word).collect())
}

/// The subject that words hold. The receiver of an answer then checks that
/// [`subject_key`] gives the key beside it.
///
/// # Errors
/// [`Refusal::NameSize`] where the words are none of [`name_to_words`].
pub fn words_to_name(words: &[u64]) -> Result<Vec<u8>, Error> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let Some((length, rest)) = bytes.split_first() else {
        return Err(Refusal::NameSize.into());
    };
    let length = usize::from(*length);
    if length > rest.len() || rest[length..].iter().any(|byte| *byte != 0) {
        return Err(Refusal::NameSize.into());
    }
    Ok(rest[..length].to_vec())
}

/// A shared column of keys.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) high: Words,
    pub(super) low: Words,
}

impl Key {
    pub(super) fn rows(&self) -> usize {
        self.high.rows()
    }

    /// This column's rows and then the other's.
    pub(super) fn append(&self, other: &Self) -> Self {
        Self {
            high: self.high.append(&other.high),
            low: self.low.append(&other.low),
        }
    }

    /// Both words as columns.
    pub(super) fn words(&self) -> [Words; 2] {
        [self.high.clone(), self.low.clone()]
    }

    /// Takes the two columns of [`Key::words`] off the front.
    pub(super) fn take(columns: &mut impl Iterator<Item = Words>) -> Result<Self, Error> {
        match (columns.next(), columns.next()) {
            (Some(high), Some(low)) => {
                same_rows(high.rows(), low.rows())?;
                Ok(Self { high, low })
            }
            _ => Err(Refusal::ShapeMismatch.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_salt_kind_and_subject() {
        let (salt, other) = (Digest::plain(b"run 1"), Digest::plain(b"run 2"));
        let key = subject_key(&salt, "phone", b"+8613800000000");
        assert_eq!(key, subject_key(&salt, "phone", b"+8613800000000"));
        assert_ne!(key, subject_key(&other, "phone", b"+8613800000000"));
        assert_ne!(key, subject_key(&salt, "account", b"+8613800000000"));
        assert_ne!(key, subject_key(&salt, "phone", b"+8613800000001"));
    }

    #[test]
    fn names_come_back_and_nothing_else_is_one() {
        for subject in [&b""[..], b"1", b"6228010193350530961", &[7; 31]] {
            let words = name_to_words(subject, 4).unwrap();
            assert_eq!(words_to_name(&words).unwrap(), subject);
        }
        assert_eq!(name_to_words(&[7; 15], 2).unwrap().len(), 2);
        for (subject, words) in [(&[7u8; 32][..], 4), (&[7; 16], 2), (&[7; 300], 4), (&[], 0)] {
            let refusal = name_to_words(subject, words).unwrap_err().refusal();
            assert_eq!(refusal, Some(Refusal::NameSize));
        }
        for words in [&[32u64, 0, 0, 0][..], &[1 << 16], &[]] {
            let refusal = words_to_name(words).unwrap_err().refusal();
            assert_eq!(refusal, Some(Refusal::NameSize));
        }
    }
}
