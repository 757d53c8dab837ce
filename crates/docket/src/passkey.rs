//! Passkeys: how an officer's browser signs a record, and how anybody checks it.
//!
//! Source: W3C Web Authentication Level 3, §7.2 (verifying an assertion), §6.1
//! (authenticator data), §5.8.1 (client data); the keys are COSE's ES256 and
//! EdDSA (RFC 9053), each reduced to its one canonical form.
//!
//! ```text
//! Sig_structure of the record (RFC 9052) ── SHA-256, domain cordon/assertion/v1 ──▶ challenge
//! browser:        client data  = {"type":"webauthn.get","challenge":…,"origin":…,"crossOrigin":false}
//! authenticator:  authenticator data = SHA-256(rp id) ‖ flags ‖ counter
//!                 signature over authenticator data ‖ SHA-256(client data)
//! ```
//!
//! Adversary: whoever holds everything but the authenticator: other signatures of
//! the officer, a page of another origin, another officer's passkey, the network.
//! *Not withstood*: the page itself. A browser shows no record; the officer signs
//! what the console, and so the institution's own node, puts before it
//! (`docs/threat-model.md`).
//!
//! *Invariants*
//! - What is checked depends on the record and its passkey alone: no clock, no
//!   list of origins beside it. Validators and a court's verifier run this code.
//! - A passkey's key, relying party and origin are one value, named by its digest
//!   ([`Passkey::id`]); an enrolment that the ledger accepted fixes all three.
//!
//! Deviations from §7.2: attested data and extensions are refused (nobody asks
//! for them); a client that leaves `crossOrigin` out is taken at `false`, as some
//! browsers do; the counter is not compared (a record is checked without its
//! neighbours; the node does so at sign-in).
//!
//! *Not here*: registration. The node parses what an authenticator says at birth.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::{
    Digest, PublicKey, Signature, cbor,
    es256::{Es256Key, Es256Signature},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    body::bytes,
    credential::CredentialId,
    rule::{Refusal, Rule, ensure},
};

/// Bytes of authenticator data without attested data and extensions.
pub const AUTHENTICATOR_DATA_BYTES: usize = 37;
/// Most bytes of client data.
pub const CLIENT_DATA_BYTES_MAX: usize = 2048;
/// Most bytes of an authenticator's name for a passkey (WebAuthn's own limit).
pub const RAW_ID_BYTES_MAX: usize = 1023;
/// Most bytes of a host name (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
/// The flag of authenticator data that holds a new passkey.
pub const ATTESTED_DATA: u8 = 1 << 6;
/// The flag of authenticator data that ends with extensions.
pub const EXTENSIONS: u8 = 1 << 7;

/// A passkey's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasskeyKey {
    /// ECDSA over P-256 with SHA-256.
    Es256(Es256Key),
    /// Ed25519.
    EdDsa(PublicKey),
}

/// A passkey: its key, and where it may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// The public key.
    pub key: PasskeyKey,
    /// WebAuthn's relying party id: the origin's host, or a domain above it.
    pub rp_id: String,
    /// The console's origin, as browsers write it: `https://console.example`.
    pub origin: String,
}

/// What an authenticator signed, in its one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// The authenticator's data, 37 bytes.
    #[serde(with = "bytes")]
    pub authenticator_data: Vec<u8>,
    /// The client's data: the JSON's bytes as the browser made them.
    #[serde(with = "bytes")]
    pub client_data: Vec<u8>,
    /// The signature: `r ‖ s` with the lower `s`, or Ed25519's 64 bytes.
    pub signature: Signature,
}

/// Which of an assertion's checks failed. Names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AssertionError {
    /// A part of another length or shape, or with data that nobody asked for.
    Form,
    /// The client data is of another ceremony.
    Type,
    /// The client data is about other bytes.
    Challenge,
    /// The assertion was made at another origin.
    Origin,
    /// The page stood in a frame of another origin.
    CrossOrigin,
    /// The authenticator answered another relying party.
    RpId,
    /// Nobody touched the authenticator.
    UserPresence,
    /// The authenticator did not check who touched it.
    UserVerification,
    /// The passkey is not the one that the record names.
    Credential,
    /// The signature does not verify.
    Signature,
}

impl AssertionError {
    /// Every check.
    pub const ALL: &'static [Self] = &[
        Self::Form,
        Self::Type,
        Self::Challenge,
        Self::Origin,
        Self::CrossOrigin,
        Self::RpId,
        Self::UserPresence,
        Self::UserVerification,
        Self::Credential,
        Self::Signature,
    ];

    /// The check's stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Type => "type",
            Self::Challenge => "challenge",
            Self::Origin => "origin",
            Self::CrossOrigin => "cross-origin",
            Self::RpId => "rp-id",
            Self::UserPresence => "user-presence",
            Self::UserVerification => "user-verification",
            Self::Credential => "credential",
            Self::Signature => "signature",
        }
    }
}

impl fmt::Display for AssertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the passkey's assertion fails the check `{}`",
            self.name()
        )
    }
}

impl std::error::Error for AssertionError {}

/// The challenge over which an officer's authenticator signs a record whose
/// `Sig_structure` is `to_be_signed`.
#[must_use]
pub fn challenge(to_be_signed: &[u8]) -> Digest {
    Digest::of("cordon/assertion/v1", &[to_be_signed])
}

/// The ceremony in which a passkey signs, as client data names it.
pub const GET: &str = "webauthn.get";
/// The ceremony in which a passkey is made.
pub const CREATE: &str = "webauthn.create";

/// Checks what a browser says of a ceremony.
///
/// # Errors
/// The first check that failed.
pub fn check_client_data(
    given: &[u8],
    ceremony: &str,
    challenge: &Digest,
    origin: &str,
) -> Result<(), AssertionError> {
    let client = ClientData::parse(given)?;
    if client.kind != ceremony {
        return Err(AssertionError::Type);
    }
    if client.challenge != URL_SAFE_NO_PAD.encode(challenge.0) {
        return Err(AssertionError::Challenge);
    }
    if client.origin != origin {
        return Err(AssertionError::Origin);
    }
    if client.cross_origin || client.top_origin.is_some() {
        return Err(AssertionError::CrossOrigin);
    }
    Ok(())
}

/// Checks that an authenticator answered this relying party, and that whoever
/// touched it was there and was checked. The flags are given back.
///
/// # Errors
/// The first check that failed.
pub fn check_authenticator_data(data: &[u8], rp_id: &str) -> Result<u8, AssertionError> {
    if data.len() < AUTHENTICATOR_DATA_BYTES {
        return Err(AssertionError::Form);
    }
    if data[..32] != Digest::plain(rp_id.as_bytes()).0 {
        return Err(AssertionError::RpId);
    }
    let flags = data[32];
    let is = |flag: u8| flags & flag != 0;
    if is(BACKED_UP) && !is(BACKUP_ELIGIBLE) {
        return Err(AssertionError::Form);
    }
    if !is(USER_PRESENT) {
        return Err(AssertionError::UserPresence);
    }
    if !is(USER_VERIFIED) {
        return Err(AssertionError::UserVerification);
    }
    Ok(flags)
}

impl Passkey {
    /// The passkey's id: the digest of key, relying party and origin together.
    #[must_use]
    pub fn id(&self) -> CredentialId {
        // A struct of two texts and bytes always has an encoding.
        let encoded = cbor::encode(self).unwrap_or_default();
        CredentialId::Passkey(Digest::of("cordon/passkey/v1", &[&encoded]))
    }

    /// Checks key, relying party and origin by themselves.
    ///
    /// # Errors
    /// A refusal by [`Rule::Terms`] that says what is wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        if let PasskeyKey::Es256(key) = &self.key {
            ensure(key.check().is_ok(), Rule::Terms, || {
                "the passkey's key is no point of its curve".into()
            })?;
        }
        let host = origin_host(&self.origin).ok_or_else(|| {
            let detail = "a console's origin is https://HOST[:PORT], or http://localhost[:PORT]";
            Refusal::new(Rule::Terms, detail)
        })?;
        let within = host == self.rp_id
            || host
                .strip_suffix(&self.rp_id)
                .is_some_and(|above| above.ends_with('.'));
        ensure(within && is_host(&self.rp_id), Rule::Terms, || {
            "the passkey's relying party is not its origin's host or a domain above it".into()
        })
    }

    /// Checks an assertion over a challenge.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify(&self, challenge: &Digest, assertion: &Assertion) -> Result<(), AssertionError> {
        check_client_data(&assertion.client_data, GET, challenge, &self.origin)?;
        let data = &assertion.authenticator_data;
        let flags = check_authenticator_data(data, &self.rp_id)?;
        if data.len() != AUTHENTICATOR_DATA_BYTES || flags & (ATTESTED_DATA | EXTENSIONS) != 0 {
            return Err(AssertionError::Form);
        }
        let mut message = assertion.authenticator_data.clone();
        message.extend_from_slice(&Digest::plain(&assertion.client_data).0);
        let signature = &assertion.signature;
        match &self.key {
            PasskeyKey::Es256(key) => key.verify(&message, &Es256Signature(signature.0)),
            PasskeyKey::EdDsa(key) => key.verify_raw(&message, signature),
        }
        .map_err(|_| AssertionError::Signature)
    }
}

impl Assertion {
    /// Brings what a browser gives to its one form.
    ///
    /// # Errors
    /// [`AssertionError::Form`] where a part is too large, and
    /// [`AssertionError::Signature`] where the signature is none of this key's.
    pub fn from_browser(
        passkey: &Passkey,
        authenticator_data: Vec<u8>,
        client_data: Vec<u8>,
        signature: &[u8],
    ) -> Result<Self, AssertionError> {
        if authenticator_data.len() != AUTHENTICATOR_DATA_BYTES
            || client_data.len() > CLIENT_DATA_BYTES_MAX
        {
            return Err(AssertionError::Form);
        }
        let signature = match &passkey.key {
            PasskeyKey::Es256(_) => Es256Signature::from_der(signature)
                .map(|signature| Signature(signature.0))
                .map_err(|_| AssertionError::Signature)?,
            PasskeyKey::EdDsa(_) => Signature(
                signature
                    .try_into()
                    .map_err(|_| AssertionError::Signature)?,
            ),
        };
        Ok(Self {
            authenticator_data,
            client_data,
            signature,
        })
    }

    /// The authenticator's counter; some keep none and say zero for ever.
    #[must_use]
    pub fn counter(&self) -> u32 {
        let bytes = self.authenticator_data.get(33..37);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        u32::from_be_bytes(bytes.unwrap_or_default())
    }
}

/// What a browser says of a ceremony. Members that it adds are passed over, as
/// §5.8.1 asks; a member of these that stands twice is refused.
#[derive(Deserialize)]
struct ClientData<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<IgnoredAny>,
}

impl<'a> ClientData<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, AssertionError> {
        // A struct is read from a JSON list too; client data is an object.
        if bytes.len() > CLIENT_DATA_BYTES_MAX || bytes.first() != Some(&b'{') {
            return Err(AssertionError::Form);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| AssertionError::Form)?;
        serde_json::from_str(text).map_err(|_| AssertionError::Form)
    }
}

/// The host of a console's origin, where it is one: `https`, or `http` on
/// `localhost`; written as browsers write it, without path or default port.
#[must_use]
pub fn origin_host(origin: &str) -> Option<&str> {
    let (secure, rest) = match origin.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, origin.strip_prefix("http://")?),
    };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    if let Some(port) = port {
        let number: u16 = port.parse().ok()?;
        let default = if secure { 443 } else { 80 };
        if number == 0 || number == default || number.to_string() != port {
            return None;
        }
    }
    (is_host(host) && (secure || host == "localhost")).then_some(host)
}

/// A host name in lower case, which is no address: its last label has a letter.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_BYTES_MAX
        && host.split('.').all(label)
        && last.bytes().any(|b| b.is_ascii_lowercase())
}

#[cfg(any(test, feature = "authenticator"))]
pub mod authenticator;
#[cfg(test)]
mod tests;
