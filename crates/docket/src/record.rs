//! A record: a COSE_Sign1 statement over a deterministic CBOR header.
//!
//! Source: RFC 9052 (COSE). The protected header holds `alg`, content type and
//! `kid`, the unprotected header is empty, and the external additional data is
//! `cordon/record/v1`. There are two kinds of signers, told apart by `alg`:
//! - EdDSA (RFC 9053): `kid` is the signer's Ed25519 key, the signature its 64 bytes;
//! - a passkey ([`crate::passkey`]): `alg` is −70001, of COSE's private range; `kid`
//!   is the passkey's digest; the signature field is deterministic CBOR of the
//!   passkey and its assertion over the message. The passkey stands in the record,
//!   so that the check needs nothing beside it; whose it is, the state knows.
//!
//! Byte by byte in `docs/formats/record.md`.

use std::fmt;

use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, iana,
};
use primitives::{
    Digest, InstitutionId, NetworkId, PublicKey, Signature, SigningKey, TimeMs, WarrantId, cbor,
    limits::RECORD_BYTES_MAX,
    signature::{Claim, verify_batch},
};
use serde::{Deserialize, Serialize};

use crate::{
    body::Part,
    charter::OfficerId,
    credential::CredentialId,
    passkey::{self, Assertion, AssertionError, Passkey},
    statement::{Kind, Statement},
};

const AAD: &[u8] = b"cordon/record/v1";
const CONTENT_TYPE: &str = "application/cordon-record+cbor";
/// The algorithm "assertion of a passkey": none of IANA's.
const PASSKEY_ALGORITHM: i64 = -70_001;
/// Bytes of a signature field that holds a passkey and its assertion.
const ASSERTED_BYTES_MAX: usize = 4 * 1024;

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
    pub fn to_be_signed(&self, signer: &CredentialId) -> Result<Vec<u8>, RecordError> {
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
    /// A passkey's assertion fails a check.
    Assertion(AssertionError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "a record of over {RECORD_BYTES_MAX} bytes"),
            Self::Cose => f.write_str("not a deterministic COSE_Sign1 message"),
            Self::Envelope => f.write_str("a COSE message that is not a Cordon record"),
            Self::Shape(what) => write!(f, "a record's header of another shape: {what}"),
            Self::Signature => f.write_str("the record's signature does not verify"),
            Self::Assertion(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<AssertionError> for RecordError {
    fn from(error: AssertionError) -> Self {
        Self::Assertion(error)
    }
}

/// What stands in a passkey's signature field.
#[derive(Clone, Serialize, Deserialize)]
struct Asserted(Passkey, Assertion);

#[derive(Clone)]
enum Proof {
    Key(PublicKey, Signature),
    Passkey(Box<Asserted>),
}

/// A record's bytes, decoded; the signature is still unchecked.
#[derive(Clone)]
pub struct Signed {
    proof: Proof,
    message: Vec<u8>,
    record: Record,
}

/// A record whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's digest: its name everywhere.
    pub digest: Digest,
    /// Who signed.
    pub signer: CredentialId,
    /// What was signed.
    pub header: Header,
    /// The record as it stands on the ledger.
    pub bytes: Vec<u8>,
}

fn unsigned(payload: Vec<u8>, signer: &CredentialId) -> CoseSign1 {
    let mut protected = HeaderBuilder::new()
        .content_type(CONTENT_TYPE.into())
        .key_id(signer.bytes().to_vec())
        .build();
    protected.alg = Some(match signer {
        CredentialId::Key(_) => RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA),
        CredentialId::Passkey(_) => RegisteredLabelWithPrivate::PrivateUse(PASSKEY_ALGORITHM),
    });
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
        let signature = key.sign_raw(&header.to_be_signed(&signer.into())?);
        Self::assemble(header, &signer, &signature)
    }

    /// Joins a header with a key's signature made elsewhere, and checks it.
    ///
    /// # Errors
    /// [`RecordError`] where the result is not a valid record.
    pub fn assemble(
        header: &Header,
        signer: &PublicKey,
        signature: &Signature,
    ) -> Result<Self, RecordError> {
        Self::joined(header, &(*signer).into(), signature.0.to_vec())
    }

    /// Joins a header with a passkey's assertion over it, and checks it.
    ///
    /// # Errors
    /// [`RecordError`] where the result is not a valid record.
    pub fn assemble_asserted(
        header: &Header,
        passkey: &Passkey,
        assertion: &Assertion,
    ) -> Result<Self, RecordError> {
        let asserted = Asserted(passkey.clone(), assertion.clone());
        let field =
            cbor::encode(&asserted).map_err(|error| RecordError::Shape(error.to_string()))?;
        Self::joined(header, &passkey.id(), field)
    }

    fn joined(
        header: &Header,
        signer: &CredentialId,
        signature: Vec<u8>,
    ) -> Result<Self, RecordError> {
        let mut message = unsigned(header.encode()?, signer);
        message.signature = signature;
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

impl Proof {
    fn of(message: &CoseSign1) -> Result<Self, RecordError> {
        let given = message.signature.as_slice();
        match &message.protected.header.alg {
            Some(RegisteredLabelWithPrivate::PrivateUse(PASSKEY_ALGORITHM)) => {
                let asserted = cbor::decode(given, ASSERTED_BYTES_MAX);
                let asserted: Asserted = asserted.map_err(|_| AssertionError::Form)?;
                // A digest of it would be another's: this has one encoding too.
                if cbor::encode(&asserted).ok().as_deref() != Some(given) {
                    return Err(AssertionError::Form.into());
                }
                Ok(Self::Passkey(Box::new(asserted)))
            }
            _ => {
                let signature = given.try_into().map_err(|_| RecordError::Envelope)?;
                let key = kid(message)?;
                Ok(Self::Key(PublicKey(key), Signature(signature)))
            }
        }
    }

    /// The signer that the message names.
    fn signer(&self, message: &CoseSign1) -> Result<CredentialId, RecordError> {
        Ok(match self {
            Self::Key(key, _) => CredentialId::Key(*key),
            Self::Passkey(_) => CredentialId::Passkey(Digest(kid(message)?)),
        })
    }
}

fn kid(message: &CoseSign1) -> Result<[u8; 32], RecordError> {
    let given = message.protected.header.key_id.as_slice();
    given.try_into().map_err(|_| RecordError::Envelope)
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
        let proof = Proof::of(&message)?;
        let signer = proof.signer(&message)?;
        let payload = message.payload.clone().ok_or(RecordError::Envelope)?;
        // Rebuilding the message from its parts and comparing bytes refuses
        // every other algorithm, header or encoding at once.
        let mut again = unsigned(payload, &signer);
        again.signature = message.signature;
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
            proof,
            message: again.tbs_data(AAD),
            record: Record {
                digest: Record::digest_of(bytes),
                signer,
                header,
                bytes: bytes.to_vec(),
            },
        })
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`RecordError::Signature`] of a key, [`RecordError::Assertion`] of a passkey.
    pub fn verify(self) -> Result<Record, RecordError> {
        match &self.proof {
            Proof::Key(key, signature) => key
                .verify_raw(&self.message, signature)
                .map_err(|_| RecordError::Signature)?,
            Proof::Passkey(asserted) => self.verify_asserted(asserted)?,
        }
        Ok(self.record)
    }

    fn verify_asserted(&self, Asserted(passkey, assertion): &Asserted) -> Result<(), RecordError> {
        if passkey.id() != self.record.signer {
            return Err(AssertionError::Credential.into());
        }
        passkey.verify(&passkey::challenge(&self.message), assertion)?;
        Ok(())
    }

    /// Checks many records: keys' signatures in one batch, passkeys' each alone.
    /// What it accepts, [`Signed::verify`] accepts, and the reverse.
    #[must_use]
    pub fn verify_all(many: Vec<Self>) -> Vec<Result<Record, RecordError>> {
        let claims: Vec<_> = many.iter().filter_map(Self::claim).collect();
        let batch_verifies = verify_batch(&claims);
        many.into_iter()
            .map(|signed| match &signed.proof {
                Proof::Key(..) if batch_verifies => Ok(signed.record),
                _ => signed.verify(),
            })
            .collect()
    }

    /// The claim to check in a batch, where a key signed.
    fn claim(&self) -> Option<Claim<'_>> {
        match &self.proof {
            Proof::Key(key, signature) => Some(Claim {
                key,
                message: &self.message,
                signature,
            }),
            Proof::Passkey(_) => None,
        }
    }

    /// The record's header, its signature still unchecked.
    #[must_use]
    pub fn unverified_header(&self) -> &Header {
        &self.record.header
    }
}

#[cfg(test)]
mod tests;
