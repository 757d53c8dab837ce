//! A joint set: what its three parties sign, and how two entries open a name.
//!
//! Why it exists: the node that receives an answer and whoever checks it offline must
//! read the same names out of the same entries. Bytes: `docs/formats/mpc-psi.md`,
//! "The count first"; written apart from the protocol's own code.
//!
//! ```text
//! seat 0, 1   hold a set; sign the root over the list of entries that they gave     Listed
//! seat 2      the authority; signs how many entries the lists have in common        Tallied
//! ```
//! Each list alone reads as noise. An entry of the first opens with the one of the
//! second that belongs to it, and only where both hold the name.
//!
//! *Invariants*: entries of two parts never open one another; a name that opens is of
//! 1 to [`NAME_BYTES`] bytes, and written in one way.
//!
//! *Not here*: inclusion paths (`evidence`, `node`), the protocol (`mpc`).

use primitives::Digest;

use super::NAME_WORDS;
use crate::plan::Opening;

/// Parties that hold a set.
pub const HOLDERS: usize = 2;
/// Longest name.
pub const NAME_BYTES: usize = NAME_WORDS * 8 - 1;
/// Most bytes of an [`Opening`] in an answer's body: an entry, 27 digests, their heads.
pub const OPENING_BYTES_MAX: usize = 1_152;
/// Bytes of a key, a tag, a voucher and a check.
const WORD: usize = 16;
/// Bytes of an entry of each holder's list.
pub const ENTRY_BYTES: [usize; HOLDERS] = [2 * WORD + 1 + NAME_BYTES, 2 * WORD];
const PART_DOMAIN: &str = "cordon/mpc/psi-many-context/v1";
const OPEN_DOMAIN: &str = "cordon/mpc/psi-many-open/v1";
/// What a session's hashes are for.
const TAG: u8 = 2;
const MASK: u8 = 3;
const CHECK: u8 = 4;

/// What a holder signs of its list, as its part of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The digest of the joint set's setup, this attempt's.
    pub setup: Digest,
    /// The digest of what the counter was shown of the list.
    pub shown: Digest,
    /// The root (RFC 9162) over the list's entries.
    pub root: Digest,
    /// Its entries, padding included.
    pub entries: u32,
    /// In how many parts of one size they stand.
    pub parts: u16,
}

/// What the counter signs, as its part of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// The digest of the joint set's setup, this attempt's.
    pub setup: Digest,
    /// The digests of what each holder showed it.
    pub shown: [Digest; HOLDERS],
    /// How many of the one's entries are the other's too.
    pub rows: u64,
}

/// The first bytes of a text as an array, and what follows.
fn taken<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// The three digests that both kinds of parts begin with.
fn three(bytes: &mut &[u8]) -> Option<[Digest; 3]> {
    Some([taken(bytes)?, taken(bytes)?, taken(bytes)?].map(Digest))
}

impl Listed {
    /// Bytes of what is signed.
    pub const BYTES: usize = 3 * 32 + 4 + 2;

    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.setup.0, self.shown.0, self.root.0].concat();
        bytes.extend(self.entries.to_be_bytes());
        bytes.extend(self.parts.to_be_bytes());
        bytes
    }

    /// Reads them; `None` for other bytes, or parts that are not of one size.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let [setup, shown, root] = three(&mut bytes)?;
        let listed = Self {
            setup,
            shown,
            root,
            entries: u32::from_be_bytes(taken(&mut bytes)?),
            parts: u16::from_be_bytes(taken(&mut bytes)?),
        };
        let even = listed.parts > 0 && listed.entries.is_multiple_of(u32::from(listed.parts));
        (bytes.is_empty() && even).then_some(listed)
    }

    /// The part that an entry stands in.
    fn part_of(&self, number: u32) -> Option<u16> {
        let each = self.entries / u32::from(self.parts.max(1));
        let part = number.checked_div(each)?;
        u16::try_from(part).ok().filter(|part| *part < self.parts)
    }
}

impl Tallied {
    /// Bytes of what is signed.
    pub const BYTES: usize = 3 * 32 + 8;

    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let [first, second] = &self.shown;
        let mut bytes = [self.setup.0, first.0, second.0].concat();
        bytes.extend(self.rows.to_be_bytes());
        bytes
    }

    /// Reads them; `None` for other bytes.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let [setup, first, second] = three(&mut bytes)?;
        let rows = u64::from_be_bytes(taken(&mut bytes)?);
        bytes.is_empty().then_some(Self {
            setup,
            shown: [first, second],
            rows,
        })
    }
}

/// The name that an entry of the first list and one of the second open together;
/// `None` where they do not belong to one another.
#[must_use]
pub fn name(listed: [&Listed; HOLDERS], opened: [&Opening; HOLDERS]) -> Option<String> {
    let part = listed[0].part_of(opened[0].number)?;
    let sound = listed[0].setup == listed[1].setup
        && listed[1].part_of(opened[1].number) == Some(part)
        && [0, 1]
            .iter()
            .all(|seat: &usize| opened[*seat].entry.len() == ENTRY_BYTES[*seat]);
    if !sound {
        return None;
    }
    let session = Digest::of(PART_DOMAIN, &[&listed[0].setup.0, &part.to_be_bytes()]);
    let (key, check) = opened[1].entry.split_at(WORD);
    let (tag, sealed) = opened[0].entry.split_at(WORD);
    let mut clear = sealed.to_vec();
    for (counter, chunk) in (0u64..).zip(clear.chunks_mut(WORD)) {
        let stream = hash(&session, MASK, &[key, &counter.to_be_bytes()]);
        for (byte, mask) in chunk.iter_mut().zip(stream) {
            *byte ^= mask;
        }
    }
    let (voucher, padded) = clear.split_at(WORD);
    let belongs =
        hash(&session, TAG, &[key]) == *tag && hash(&session, CHECK, &[voucher, padded]) == *check;
    let (length, rest) = padded.split_first()?;
    let (text, zeros) = rest.split_at_checked(usize::from(*length))?;
    if !belongs || text.is_empty() || zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    String::from_utf8(text.to_vec()).ok()
}

fn hash(session: &Digest, use_of: u8, parts: &[&[u8]]) -> [u8; WORD] {
    let label = Digest::of(OPEN_DOMAIN, &[&session.0, &[use_of]]);
    let bytes = [&label.0[..WORD], &parts.concat()].concat();
    let digest = Digest::plain(&bytes);
    let mut first = [0; WORD];
    first.copy_from_slice(&digest.0[..WORD]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        Listed {
            setup: Digest::plain(b"setup"),
            shown: Digest::plain(b"shown"),
            root: Digest::plain(b"root"),
            entries: 12,
            parts: 3,
        }
    }

    /// Both entries of a name, made as `docs/formats/mpc-psi.md` says.
    fn pair(part: u16, text: &[u8], numbers: [u32; 2]) -> [Opening; 2] {
        let setup = listed().setup;
        let session = Digest::of(PART_DOMAIN, &[&setup.0, &part.to_be_bytes()]);
        let (key, voucher) = ([7; WORD], [9; WORD]);
        let mut padded = vec![0; 1 + NAME_BYTES];
        padded[0] = u8::try_from(text.len()).unwrap();
        padded[1..=text.len()].copy_from_slice(text);
        let mut sealed = [&voucher[..], &padded].concat();
        for (counter, chunk) in (0u64..).zip(sealed.chunks_mut(WORD)) {
            let stream = hash(&session, MASK, &[&key, &counter.to_be_bytes()]);
            for (byte, mask) in chunk.iter_mut().zip(stream) {
                *byte ^= mask;
            }
        }
        let check = hash(&session, CHECK, &[&voucher, &padded]);
        let tag = hash(&session, TAG, &[&key]);
        [
            Opening {
                number: numbers[0],
                entry: [&tag[..], &sealed].concat(),
                path: Vec::new(),
            },
            Opening {
                number: numbers[1],
                entry: [key, check].concat(),
                path: Vec::new(),
            },
        ]
    }

    fn opened(pair: &[Opening; 2]) -> Option<String> {
        let listed = listed();
        name([&listed, &listed], [&pair[0], &pair[1]])
    }

    #[test]
    fn what_is_signed_reads_as_it_was_written() {
        let listed = listed();
        let bytes = listed.to_bytes();
        assert_eq!(bytes.len(), Listed::BYTES);
        assert_eq!(Listed::from_bytes(&bytes), Some(listed.clone()));
        assert_eq!(Listed::from_bytes(&bytes[1..]), None);
        assert_eq!(Listed::from_bytes(&[&bytes[..], &[0]].concat()), None);
        let uneven = Listed {
            parts: 5,
            ..listed.clone()
        };
        assert_eq!(Listed::from_bytes(&uneven.to_bytes()), None);
        let tallied = Tallied {
            setup: listed.setup,
            shown: [listed.shown, listed.root],
            rows: 3,
        };
        let bytes = tallied.to_bytes();
        assert_eq!(bytes.len(), Tallied::BYTES);
        assert_eq!(Tallied::from_bytes(&bytes), Some(tallied));
        assert_eq!(Tallied::from_bytes(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn entries_open_with_their_own_counterparts_alone() {
        let good = pair(1, b"110101199003070011", [4, 7]);
        assert_eq!(opened(&good).as_deref(), Some("110101199003070011"));
        // Another part's, or beyond the list.
        for numbers in [[3, 7], [4, 8], [12, 7], [4, 12]] {
            let mut other = good.clone();
            other[0].number = numbers[0];
            other[1].number = numbers[1];
            assert_eq!(opened(&other), None, "{numbers:?}");
        }
        // A bit of either entry.
        for seat in 0..HOLDERS {
            for byte in 0..ENTRY_BYTES[seat] {
                let mut other = good.clone();
                other[seat].entry[byte] ^= 1;
                assert_eq!(opened(&other), None, "{seat} {byte}");
            }
        }
        // No name, one that is no text, other lengths.
        assert_eq!(opened(&pair(1, b"", [4, 7])), None);
        assert_eq!(opened(&pair(1, &[0xff], [4, 7])), None);
        let mut short = good.clone();
        short[1].entry.pop();
        assert_eq!(opened(&short), None);
        let [mut one, two] = [listed(), listed()];
        one.setup = Digest::plain(b"another");
        assert_eq!(name([&one, &two], [&good[0], &good[1]]), None);
    }
}
