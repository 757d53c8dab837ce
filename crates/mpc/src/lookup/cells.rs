//! Labels in cells: fixed-size, encrypted under the OPRF's output, padded.
//!
//! Why it exists: a bucket goes out whole, so its bytes must say as little as
//! possible about the labels that the requester can't open: not which cell is
//! whose, not how long a label is, and little of how long they are together.
//!
//! A label (rows and derived selectors, encoded) follows its own length and is
//! cut into payloads of [`CELL_PAYLOAD_BYTES`], the last one padded with zeros.
//! Cell `j` is `tag_j ‖ ciphertext ‖ authenticator`, where, with `F` the OPRF's
//! output on the key and `answer` a digest of the context and the answer's salt,
//! ```text
//! key ‖ tag_key = SHA-512(domain ‖ answer ‖ F)
//! tag_j         = first 16 bytes of SHA-256(tag_key ‖ j)
//! ciphertext    = ChaCha20-Poly1305(key, nonce j, payload_j, answer ‖ bucket ‖ j)
//! ```
//! `F` is uniform to one who lacks the plan's key, so hashing it derives keys; a
//! key encrypts one label of one answer, so the counter is a nonce. The salt is
//! drawn for each answer: answers to one request, repeated, share no key and no
//! tag, whatever the tables said in between.
//!
//! *Invariants*
//! - The cells of a bucket are sorted by tag, no tag repeats, and their number is
//!   a size class: [`size_class`] keeps it within an eighth of the true one.
//! - Dummies are uniform bytes, as cells are to one who lacks the key.

use chacha20::{ChaCha20Rng, rand_core::Rng as _};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use primitives::Digest;
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error, Refusal, domains,
    limits::{BUCKET_CELLS_MAX, BUCKET_CELLS_MIN, CELL_PAYLOAD_BYTES, LABEL_BYTES_MAX},
    secrecy,
};

/// Why tags may steer a bucket's sorting.
const SORTED: &str = "tags of a bucket's cells, sent in order";

/// Bytes of a cell's tag.
pub(crate) const TAG_BYTES: usize = 16;
const AUTHENTICATOR_BYTES: usize = 16;
/// Bytes of a cell.
pub(crate) const CELL_BYTES: usize = TAG_BYTES + CELL_PAYLOAD_BYTES + AUTHENTICATOR_BYTES;
/// Bytes of the length before a label.
pub(crate) const LENGTH_BYTES: usize = 4;

/// The keys of one label in one answer.
pub(crate) struct CellKeys {
    cipher: ChaCha20Poly1305,
    tag_key: [u8; 32],
    answer: Digest,
}

/// The digest that the keys of one answer absorb.
pub(crate) fn answer_digest(context: &Digest, salt: &[u8; 32]) -> Digest {
    Digest::of(domains::ANSWER, &[context.as_bytes(), salt])
}

impl Drop for CellKeys {
    fn drop(&mut self) {
        self.tag_key.zeroize();
    }
}

impl CellKeys {
    pub(crate) fn new(answer: &Digest, output: &[u8; 64]) -> Self {
        let mut hasher = Sha512::new();
        hasher.update(domains::CELL_KEYS);
        hasher.update(answer.as_bytes());
        hasher.update(output);
        let both = Zeroizing::new(<[u8; 64]>::from(hasher.finalize()));
        let mut key = Zeroizing::new([0u8; 32]);
        let mut tag_key = [0u8; 32];
        key.copy_from_slice(&both[..32]);
        tag_key.copy_from_slice(&both[32..]);
        Self {
            cipher: ChaCha20Poly1305::new((&*key).into()),
            tag_key,
            answer: *answer,
        }
    }

    /// The tag under which cell `index` lies.
    pub(crate) fn tag(&self, index: u32) -> [u8; TAG_BYTES] {
        let mut hasher = Sha256::new();
        hasher.update(self.tag_key);
        hasher.update(index.to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut tag = [0u8; TAG_BYTES];
        tag.copy_from_slice(&digest[..TAG_BYTES]);
        tag
    }

    fn nonce(index: u32) -> [u8; 12] {
        let mut nonce = [0u8; 12];
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        nonce
    }

    fn associated(&self, bucket: u32, index: u32) -> [u8; 40] {
        let mut bytes = [0u8; 40];
        bytes[..32].copy_from_slice(self.answer.as_bytes());
        bytes[32..36].copy_from_slice(&bucket.to_be_bytes());
        bytes[36..].copy_from_slice(&index.to_be_bytes());
        bytes
    }

    /// Seals a label, which begins with its length, into cells.
    ///
    /// # Errors
    /// [`Refusal::LabelTooLarge`].
    pub(crate) fn seal(&self, bucket: u32, label: &[u8]) -> Result<Vec<u8>, Error> {
        if label.len() > LABEL_BYTES_MAX {
            return Err(Refusal::LabelTooLarge.into());
        }
        let pieces = label.chunks(CELL_PAYLOAD_BYTES);
        let mut cells = vec![0u8; pieces.len() * CELL_BYTES];
        for (index, (piece, cell)) in (0u32..).zip(pieces.zip(cells.chunks_exact_mut(CELL_BYTES))) {
            let (tag, body) = cell.split_at_mut(TAG_BYTES);
            let (payload, authenticator) = body.split_at_mut(CELL_PAYLOAD_BYTES);
            tag.copy_from_slice(&secrecy::public(self.tag(index), SORTED));
            payload[..piece.len()].copy_from_slice(piece);
            let sealed = self
                .cipher
                .encrypt_inout_detached(
                    &Self::nonce(index).into(),
                    &self.associated(bucket, index),
                    InOutBuf::from(payload),
                )
                .map_err(|_| Refusal::LabelTooLarge)?;
            authenticator.copy_from_slice(&sealed);
        }
        Ok(cells)
    }

    /// Opens one cell, or `None` where it was altered.
    pub(crate) fn open(
        &self,
        bucket: u32,
        index: u32,
        cell: &[u8],
    ) -> Option<Zeroizing<[u8; CELL_PAYLOAD_BYTES]>> {
        let body = cell.get(TAG_BYTES..CELL_BYTES)?;
        let (ciphertext, authenticator) = body.split_at(CELL_PAYLOAD_BYTES);
        let mut payload = Zeroizing::new([0u8; CELL_PAYLOAD_BYTES]);
        payload.copy_from_slice(ciphertext);
        let authenticator: [u8; AUTHENTICATOR_BYTES] = authenticator.try_into().ok()?;
        self.cipher
            .decrypt_inout_detached(
                &Self::nonce(index).into(),
                &self.associated(bucket, index),
                InOutBuf::from(&mut payload[..]),
                &authenticator.into(),
            )
            .ok()?;
        secrecy::conceded(&mut *payload, "labels that were opened, and are parsed");
        Some(payload)
    }
}

/// The number of cells that a bucket of `cells` is padded to: Padmé (Nikitin et
/// al., PETS 2019), at least [`BUCKET_CELLS_MIN`], at most an eighth more.
pub(crate) fn size_class(cells: usize) -> usize {
    let cells = cells.max(BUCKET_CELLS_MIN);
    let exponent = cells.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1usize << (exponent - kept)) - 1;
    (cells + mask) & !mask
}

/// Joins the labels' cells of one bucket: pads with dummies and sorts by tag.
///
/// # Errors
/// [`Refusal::BucketTooLarge`].
pub(crate) fn fill_bucket(labels: &[Vec<u8>], rng: &mut ChaCha20Rng) -> Result<Vec<u8>, Error> {
    let real: usize = labels.iter().map(|cells| cells.len() / CELL_BYTES).sum();
    let total = size_class(real);
    if total > BUCKET_CELLS_MAX {
        return Err(Refusal::BucketTooLarge.into());
    }
    let mut dummies = vec![0u8; (total - real) * CELL_BYTES];
    rng.fill_bytes(&mut dummies);
    secrecy::all_public(&mut dummies, SORTED);
    let mut cells: Vec<&[u8]> = labels
        .iter()
        .map(Vec::as_slice)
        .chain([dummies.as_slice()])
        .flat_map(|cells| cells.chunks_exact(CELL_BYTES))
        .collect();
    cells.sort_unstable_by(|a, b| a[..TAG_BYTES].cmp(&b[..TAG_BYTES]));
    Ok(cells.concat())
}

#[cfg(test)]
mod tests {
    use chacha20::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn size_classes_are_fixed_points_and_at_most_an_eighth_more() {
        for cells in 0..20_000usize {
            let class = size_class(cells);
            assert!(class >= cells && class >= BUCKET_CELLS_MIN);
            assert_eq!(size_class(class), class);
            let least = cells.max(BUCKET_CELLS_MIN);
            assert!((class - least) * 8 <= least, "{cells} {class}");
        }
        let classes: std::collections::BTreeSet<_> = (0..20_000).map(size_class).collect();
        assert!(classes.len() < 200, "{}", classes.len());
    }

    #[test]
    fn cells_open_only_where_and_how_they_were_sealed() {
        let context = Digest::of("test", &[b"a"]);
        let keys = CellKeys::new(&context, &[7; 64]);
        let label: Vec<u8> = (0..=255u8)
            .cycle()
            .take(CELL_PAYLOAD_BYTES * 2 + 1)
            .collect();
        let cells = keys.seal(5, &label).unwrap();
        assert_eq!(cells.len(), 3 * CELL_BYTES);
        let cell = &cells[CELL_BYTES..2 * CELL_BYTES];
        assert_eq!(&cell[..TAG_BYTES], keys.tag(1));
        let opened = keys.open(5, 1, cell).unwrap();
        assert_eq!(
            opened[..],
            label[CELL_PAYLOAD_BYTES..2 * CELL_PAYLOAD_BYTES]
        );
        assert!(keys.open(4, 1, cell).is_none());
        assert!(keys.open(5, 2, cell).is_none());
        assert!(keys.open(5, 1, &cell[1..]).is_none());
        for other in [
            CellKeys::new(&Digest::of("test", &[b"b"]), &[7; 64]),
            CellKeys::new(&context, &[8; 64]),
        ] {
            assert_ne!(other.tag(1), keys.tag(1));
            assert!(other.open(5, 1, cell).is_none());
        }
        for byte in TAG_BYTES..CELL_BYTES {
            let mut altered = cell.to_vec();
            altered[byte] ^= 1;
            assert!(keys.open(5, 1, &altered).is_none());
        }
        let long = vec![0; LABEL_BYTES_MAX + 1];
        assert_eq!(
            keys.seal(5, &long).unwrap_err().refusal(),
            Some(Refusal::LabelTooLarge)
        );
    }

    #[test]
    fn buckets_are_sorted_padded_and_bounded() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys = CellKeys::new(&Digest::of("test", &[]), &[7; 64]);
        let labels = vec![keys.seal(0, &[1; 9000]).unwrap(); 1];
        let bucket = fill_bucket(&labels, &mut rng).unwrap();
        assert_eq!(bucket.len(), size_class(36) * CELL_BYTES);
        let tags: Vec<_> = bucket
            .chunks(CELL_BYTES)
            .map(|cell| &cell[..TAG_BYTES])
            .collect();
        assert!(tags.is_sorted());
        assert!(tags.contains(&&keys.tag(35)[..]));
        let huge = vec![vec![0; (BUCKET_CELLS_MAX + 1) * CELL_BYTES]];
        let error = fill_bucket(&huge, &mut rng).unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::BucketTooLarge));
    }
}
