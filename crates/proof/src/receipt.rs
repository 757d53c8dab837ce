//! A receipt: proof, checkable offline and for ever, that a record is on the ledger.
//!
//! *Invariants*: one encoding (deterministic CBOR, `docs/formats/receipt.md`); every
//! byte of it is checked by [`Receipt::verify`] or by its decoder, so a changed
//! receipt is a refused one.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use primitives::{Digest, cbor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{ProofError, Refusal};
use crate::hash::leaf_hash;
use crate::membership::Membership;
use crate::signed::SignedCheckpoint;
use crate::verify::verify_inclusion;

/// Bytes of one encoded receipt.
pub const RECEIPT_BYTES_MAX: usize = 32 * 1024;
/// Hashes of one inclusion path: a log has fewer than 2^64 records.
pub const PATH_HASHES_MAX: usize = 64;

/// Where a record stands in the log, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    index: u64,
    path: Vec<Digest>,
    signed: SignedCheckpoint,
}

impl Receipt {
    /// Puts a receipt together from what [`crate::Tree::inclusion`] and the
    /// validators gave; [`Self::verify`] says whether it holds.
    ///
    /// # Errors
    /// Refused if the path is longer than [`PATH_HASHES_MAX`].
    pub fn new(
        index: u64,
        path: Vec<Digest>,
        signed: SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        if path.len() > PATH_HASHES_MAX {
            return Err(Refusal::TooLarge {
                what: "hashes of a path",
                limit: PATH_HASHES_MAX,
            }
            .into());
        }
        Ok(Self {
            index,
            path,
            signed,
        })
    }

    /// Checks that `record` stands in the log `origin` at this receipt's index, by
    /// the word of a quorum of `membership`.
    ///
    /// # Errors
    /// Refused, naming the first rule that does not hold.
    pub fn verify(
        &self,
        record: &[u8],
        origin: &str,
        membership: &Membership,
    ) -> Result<(), ProofError> {
        self.signed.verify(origin, membership)?;
        let checkpoint = self.signed.checkpoint();
        verify_inclusion(
            &leaf_hash(record),
            self.index,
            checkpoint.size(),
            &self.path,
            checkpoint.root(),
        )
    }

    /// The record's place in the log, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion path, from the leaf's sibling up.
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// The checkpoint and its cosignatures.
    pub fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Deterministic CBOR.
    ///
    /// # Errors
    /// Refused if it is larger than [`RECEIPT_BYTES_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, ProofError> {
        encode(self, "a receipt", RECEIPT_BYTES_MAX)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Refused for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let receipt: Self =
            cbor::decode(bytes, RECEIPT_BYTES_MAX).map_err(|_| Refusal::Malformed("a receipt"))?;
        Self::new(receipt.index, receipt.path, receipt.signed)
    }

    /// The same proof as text (`c2sp.org/tlog-proof@v1`), for standard tools.
    ///
    /// # Errors
    /// Refused if nobody cosigned.
    pub fn to_tlog_proof(&self) -> Result<String, ProofError> {
        let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", self.index);
        for hash in &self.path {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{}", STANDARD.encode(hash.0));
        }
        text.push('\n');
        text.push_str(&self.signed.to_note()?);
        Ok(text)
    }
}

/// Decodes a value and refuses every encoding but [`encode`]'s: canonical CBOR of
/// an absent optional field, or of a digest as hex text, would read as the same.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    limit: usize,
) -> Result<T, ProofError> {
    let value = cbor::decode(bytes, limit).map_err(|_| Refusal::Malformed(what))?;
    if encode(&value, what, limit)? != bytes {
        return Err(Refusal::Malformed(what).into());
    }
    Ok(value)
}

pub(crate) fn encode<T: Serialize>(
    value: &T,
    what: &'static str,
    limit: usize,
) -> Result<Vec<u8>, ProofError> {
    let bytes = cbor::encode(value).map_err(|_| Refusal::Malformed(what))?;
    if bytes.len() > limit {
        return Err(Refusal::TooLarge {
            what: "bytes",
            limit,
        }
        .into());
    }
    Ok(bytes)
}
