//! A validator's word for a checkpoint (`c2sp.org/tlog-cosignature`, Ed25519, v1).
//!
//! It says: at this time, this was the largest log that I had seen, and it
//! extends every one before it.
//!
//! *Invariants*: the key's id covers the cosigner's name, though the signature
//! itself does not; so a member's key is its own (see [`crate::Membership`]).

use primitives::{Digest, InstitutionId, PublicKey, Signature, SigningKey};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::error::{ProofError, Refusal};
use crate::note::NoteSignature;

/// The largest time that the standard allows, in seconds since 1970.
pub const TIME_S_MAX: u64 = i64::MAX as u64;
/// The signature type of timestamped Ed25519 cosignatures.
const KEY_TYPE: u8 = 0x04;
const TIME_BYTES: usize = 8;

/// One validator's cosignature of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosignature {
    cosigner: InstitutionId,
    key_id: u32,
    time_s: u64,
    signature: Signature,
}

impl Cosignature {
    /// Cosigns a checkpoint as `cosigner` at `time_s`, seconds since 1970.
    ///
    /// # Errors
    /// Refused if the time is beyond [`TIME_S_MAX`].
    pub fn sign(
        checkpoint: &Checkpoint,
        cosigner: &InstitutionId,
        key: &SigningKey,
        time_s: u64,
    ) -> Result<Self, ProofError> {
        check_time(time_s)?;
        Ok(Self {
            cosigner: cosigner.clone(),
            key_id: key_id(cosigner, &key.public()),
            time_s,
            signature: key.sign_raw(message(checkpoint, time_s).as_bytes()),
        })
    }

    /// Checks that the holder of `key` cosigned this checkpoint under this name.
    ///
    /// # Errors
    /// Refused if the key's id is not the key's, or the signature does not verify.
    pub fn verify(&self, checkpoint: &Checkpoint, key: &PublicKey) -> Result<(), ProofError> {
        let message = self.claim(checkpoint, key)?;
        key.verify_raw(message.as_bytes(), &self.signature)
            .map_err(|_| Refusal::Signature(self.cosigner.clone()).into())
    }

    /// What must have been signed, if the key's id fits the key.
    pub(crate) fn claim(
        &self,
        checkpoint: &Checkpoint,
        key: &PublicKey,
    ) -> Result<String, ProofError> {
        check_time(self.time_s)?;
        if self.key_id != key_id(&self.cosigner, key) {
            return Err(Refusal::UnknownCosigner(self.cosigner.clone()).into());
        }
        Ok(message(checkpoint, self.time_s))
    }

    /// The validator's name.
    pub fn cosigner(&self) -> &InstitutionId {
        &self.cosigner
    }

    /// When it cosigned, in seconds since 1970.
    pub fn time_s(&self) -> u64 {
        self.time_s
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    pub(crate) fn to_line(&self) -> NoteSignature {
        let mut bytes = self.time_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature.0);
        NoteSignature {
            name: self.cosigner.to_string(),
            key_id: self.key_id,
            signature: bytes,
        }
    }

    pub(crate) fn from_line(
        line: &NoteSignature,
        cosigner: &InstitutionId,
    ) -> Result<Self, ProofError> {
        let malformed = || ProofError::from(Refusal::Malformed("a cosignature's bytes"));
        let (time, signature) = line
            .signature
            .split_first_chunk::<TIME_BYTES>()
            .ok_or_else(malformed)?;
        Ok(Self {
            cosigner: cosigner.clone(),
            key_id: line.key_id,
            time_s: u64::from_be_bytes(*time),
            signature: Signature(signature.try_into().map_err(|_| malformed())?),
        })
    }
}

/// The short id by which a note's line names a cosigner's key.
pub fn key_id(cosigner: &InstitutionId, key: &PublicKey) -> u32 {
    named_key_id(cosigner.as_str(), key)
}

fn named_key_id(name: &str, key: &PublicKey) -> u32 {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(b'\n');
    bytes.push(KEY_TYPE);
    bytes.extend_from_slice(&key.0);
    let [a, b, c, d, ..] = Digest::plain(&bytes).0;
    u32::from_be_bytes([a, b, c, d])
}

fn message(checkpoint: &Checkpoint, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{checkpoint}")
}

fn check_time(time_s: u64) -> Result<(), ProofError> {
    if time_s > TIME_S_MAX {
        return Err(Refusal::Malformed("a cosignature's time").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// A witness's public `vkey`, from the tests of transparency-dev/formats.
    #[test]
    fn a_foreign_witness_has_the_key_id_that_it_says() {
        let encoded = "BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
        let bytes = STANDARD.decode(encoded).unwrap();
        let (kind, key) = bytes.split_first().unwrap();
        assert_eq!(*kind, KEY_TYPE);
        let key = PublicKey(key.try_into().unwrap());
        assert_eq!(named_key_id("remora.n621.de", &key), 0xda77_ade7);
    }
}
