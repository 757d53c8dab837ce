//! Sealing a body to one reader: HPKE base mode (RFC 9180).
//!
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. `info` binds
//! network, record and reader. Base mode authenticates nobody: what opens is
//! compared with the commitment in a signed record, which does.

use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use primitives::{Digest, PublicKey, cbor, limits::BODY_BYTES_MAX};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    body::{Opened, Part},
    rule::{Refusal, Rule},
};

type Kem = X25519HkdfSha256;

/// Bytes that sealing adds at most: encapsulated key, tag, salt, label and CBOR.
pub const SEAL_OVERHEAD_MAX: usize = 256;

/// The secret half of an institution's sealing key; wiped when dropped.
#[derive(Clone)]
pub struct SealSecret(Zeroizing<[u8; 32]>);

impl SealSecret {
    /// Draws a fresh key.
    #[must_use]
    pub fn generate() -> Self {
        let seed = Zeroizing::new(primitives::random::<32>());
        let (secret, _) = Kem::derive_keypair(seed.as_slice());
        Self(Zeroizing::new(secret.to_bytes().into()))
    }

    /// The key of stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, for a keystore.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The public half.
    ///
    /// # Panics
    /// Never: 32 bytes are always an X25519 secret.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(self.0.as_slice())
            .expect("32 bytes are an X25519 secret");
        PublicKey(Kem::sk_to_pk(&secret).to_bytes().into())
    }
}

fn info(record: &Digest, reader: &PublicKey) -> Vec<u8> {
    Digest::of("cordon/seal/v1", &[&record.0, &reader.0])
        .0
        .to_vec()
}

fn broken(what: &str) -> Refusal {
    Refusal::new(Rule::Parts, what)
}

/// Seals a body, committed to in `record`, to a reader's key.
///
/// # Errors
/// A refusal where the reader's key is no X25519 point or the body is too large.
pub fn seal(opened: &Opened, record: &Digest, reader: &PublicKey) -> Result<Vec<u8>, Refusal> {
    let (key, plain) = prepare(opened, reader)?;
    let info = info(record, reader);
    join(hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &key,
        &info,
        &plain,
        &[],
    ))
}

/// As [`seal`], under randomness that the caller gives.
///
/// # Errors
/// As [`seal`].
pub fn seal_with(
    opened: &Opened,
    record: &Digest,
    reader: &PublicKey,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Refusal> {
    let (key, plain) = prepare(opened, reader)?;
    let info = info(record, reader);
    join(hpke::single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        Kem,
    >(&OpModeS::Base, &key, &info, &plain, &[], rng))
}

fn prepare(
    opened: &Opened,
    reader: &PublicKey,
) -> Result<(<Kem as hpke::Kem>::PublicKey, Zeroizing<Vec<u8>>), Refusal> {
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&reader.0)
        .map_err(|_| broken("the reader's sealing key is no X25519 key"))?;
    let plain = Zeroizing::new(
        cbor::encode(opened).map_err(|error| Refusal::new(Rule::Format, error.to_string()))?,
    );
    Ok((key, plain))
}

type Sealed = (<Kem as hpke::Kem>::EncappedKey, Vec<u8>);

fn join(sealed: Result<Sealed, hpke::HpkeError>) -> Result<Vec<u8>, Refusal> {
    let (encapsulated, sealed) =
        sealed.map_err(|_| broken("the body can't be sealed to this key"))?;
    let mut bytes = encapsulated.to_bytes().to_vec();
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// Opens a sealed body and checks it against the record's part.
///
/// # Errors
/// A refusal where it was sealed to another key or record, or differs from the commitment.
pub fn open(
    sealed: &[u8],
    record: &Digest,
    part: &Part,
    secret: &SealSecret,
) -> Result<Opened, Refusal> {
    if sealed.len() > BODY_BYTES_MAX + SEAL_OVERHEAD_MAX || sealed.len() < 32 {
        return Err(Refusal::new(
            Rule::Limit,
            "a sealed body of impossible size",
        ));
    }
    let (encapsulated, cipher) = sealed.split_at(32);
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| broken("malformed sealed body"))?;
    let key = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret.0.as_slice())
        .map_err(|_| broken("malformed sealing key"))?;
    let plain = Zeroizing::new(
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &key,
            &encapsulated,
            &info(record, &secret.public()),
            cipher,
            &[],
        )
        .map_err(|_| broken("the body was sealed to another key or record, or altered"))?,
    );
    let opened: Opened = cbor::decode(&plain, BODY_BYTES_MAX + SEAL_OVERHEAD_MAX)
        .map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
    if opened.label != part.label || opened.commitment() != part.commitment {
        return Err(broken("the body differs from the record's commitment"));
    }
    Ok(opened)
}

#[cfg(test)]
mod tests;
