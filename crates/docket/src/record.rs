//! A record: a COSE_Sign1 statement over a deterministic CBOR header.
//!
//! Source: RFC 9052 (COSE), algorithm EdDSA (RFC 9053); the protected header
//! holds `alg`, content type and `kid` (the signer's 32-byte public key), the
//! unprotected header is empty, and the external additional data is
//! `cordon/record/v1`. Byte by byte in `docs/formats/record.md`.

use std::fmt;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};
use primitives::{
    Digest, InstitutionId, NetworkId, PublicKey, Signature, SigningKey, TimeMs, WarrantId, cbor,
    limits::RECORD_BYTES_MAX, signature::Claim,
};
use serde::{Deserialize, Serialize};

use crate::{
    body::Part,
    charter::OfficerId,
    statement::{Kind, Statement},
};

const AAD: &[u8] = b"cordon/record/v1";
const CONTENT_TYPE: &str = "application/cordon-record+cbor";

/// What every member reads of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The network that the record belongs to.
    pub network: NetworkId,
    /// Whose statement it is.
    pub institution: InstitutionId,
    /// The officer who signs; none: the institution's node.
    pub officer: Option<OfficerId>,
    /// When it was signed.
    pub time_ms: TimeMs,
    /// The docket that it belongs to.
    pub warrant: Option<WarrantId>,
    /// Digests of the records that it follows from.
    pub follows: Vec<Digest>,
    /// The bodies that it commits to.
    pub parts: Vec<Part>,
    /// What it states.
    pub statement: Statement,
}

impl Header {
    /// The header's canonical bytes.
    ///
    /// # Errors
    /// [`RecordError::Shape`] where it can't be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        cbor::encode(self).map_err(|error| RecordError::Shape(error.to_string()))
    }

    /// The bytes that the signer of this header signs.
    ///
    /// # Errors
    /// [`RecordError::Shape`] where it can't be encoded.
    pub fn to_be_signed(&self, signer: &PublicKey) -> Result<Vec<u8>, RecordError> {
        Ok(unsigned(self.encode()?, signer).tbs_data(AAD))
    }

    /// The part with this label.
    #[must_use]
    pub fn part(&self, label: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.label == label)
    }
}

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// Larger than a record may be.
    TooLarge,
    /// Not COSE_Sign1 in its one deterministic form.
    Cose,
    /// Another algorithm, content type or key id than a record has.
    Envelope,
    /// The header is not canonical or not of this shape.
    Shape(String),
    /// The signature does not verify.
    Signature,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "a record of over {RECORD_BYTES_MAX} bytes"),
            Self::Cose => f.write_str("not a deterministic COSE_Sign1 message"),
            Self::Envelope => f.write_str("a COSE message that is not a Cordon record"),
            Self::Shape(what) => write!(f, "a record's header of another shape: {what}"),
            Self::Signature => f.write_str("the record's signature does not verify"),
        }
    }
}

impl std::error::Error for RecordError {}

/// A record's bytes, decoded; the signature may still be unchecked.
#[derive(Clone)]
pub struct Signed {
    signer: PublicKey,
    signature: Signature,
    message: Vec<u8>,
    record: Record,
}

/// A record whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's digest: its name everywhere.
    pub digest: Digest,
    /// Who signed.
    pub signer: PublicKey,
    /// What was signed.
    pub header: Header,
    /// The record as it stands on the ledger.
    pub bytes: Vec<u8>,
}

fn unsigned(payload: Vec<u8>, signer: &PublicKey) -> CoseSign1 {
    let protected = HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .content_type(CONTENT_TYPE.into())
        .key_id(signer.0.to_vec())
        .build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .build()
}

impl Record {
    /// Signs a header.
    ///
    /// # Errors
    /// [`RecordError`] where the header is too large or can't be encoded.
    pub fn sign(header: &Header, key: &SigningKey) -> Result<Self, RecordError> {
        let signer = key.public();
        let signature = key.sign_raw(&header.to_be_signed(&signer)?);
        Self::assemble(header, &signer, &signature)
    }

    /// Joins a header with a signature made elsewhere, and checks it.
    ///
    /// # Errors
    /// [`RecordError`] where the result is not a valid record.
    pub fn assemble(
        header: &Header,
        signer: &PublicKey,
        signature: &Signature,
    ) -> Result<Self, RecordError> {
        let mut message = unsigned(header.encode()?, signer);
        message.signature = signature.0.to_vec();
        let bytes = message.to_vec().map_err(|_| RecordError::Cose)?;
        Signed::decode(&bytes)?.verify()
    }

    /// The digest of a record's bytes.
    #[must_use]
    pub fn digest_of(bytes: &[u8]) -> Digest {
        Digest::of("cordon/record/v1", &[bytes])
    }

    /// Decodes and checks a record.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes are not a valid record.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        Signed::decode(bytes)?.verify()
    }

    /// The kind of statement.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.header.statement.kind()
    }
}

impl Signed {
    /// Decodes a record without checking its signature yet.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes have another form.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLarge);
        }
        let message = CoseSign1::from_slice(bytes).map_err(|_| RecordError::Cose)?;
        let signer: [u8; 32] = message
            .protected
            .header
            .key_id
            .as_slice()
            .try_into()
            .map_err(|_| RecordError::Envelope)?;
        let signer = PublicKey(signer);
        let signature: [u8; 64] = message
            .signature
            .as_slice()
            .try_into()
            .map_err(|_| RecordError::Envelope)?;
        let payload = message.payload.clone().ok_or(RecordError::Envelope)?;
        // Rebuilding the message from its parts and comparing bytes refuses
        // every other algorithm, header or encoding at once.
        let mut again = unsigned(payload, &signer);
        again.signature = signature.to_vec();
        if again.clone().to_vec().map_err(|_| RecordError::Cose)? != bytes {
            return Err(RecordError::Envelope);
        }
        let payload = again.payload.as_deref().unwrap_or_default();
        let header: Header = cbor::decode(payload, RECORD_BYTES_MAX)
            .map_err(|error| RecordError::Shape(error.to_string()))?;
        // Canonical CBOR of an absent optional field, or of bytes as hex text,
        // reads as the same header: only what `encode` writes is a record.
        if header.encode()? != payload {
            return Err(RecordError::Shape("not the one form of its header".into()));
        }
        Ok(Self {
            signer,
            signature: Signature(signature),
            message: again.tbs_data(AAD),
            record: Record {
                digest: Record::digest_of(bytes),
                signer,
                header,
                bytes: bytes.to_vec(),
            },
        })
    }

    /// The claim to check, for a batch.
    #[must_use]
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            key: &self.signer,
            message: &self.message,
            signature: &self.signature,
        }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`RecordError::Signature`].
    pub fn verify(self) -> Result<Record, RecordError> {
        self.signer
            .verify_raw(&self.message, &self.signature)
            .map_err(|_| RecordError::Signature)?;
        Ok(self.record)
    }

    /// The record, after its claim was checked in a batch by the caller.
    #[must_use]
    pub fn verified_in_batch(self) -> Record {
        self.record
    }

    /// The record's header, its signature still unchecked.
    #[must_use]
    pub fn unverified_header(&self) -> &Header {
        &self.record.header
    }
}

#[cfg(test)]
mod tests;
