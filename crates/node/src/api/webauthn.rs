//! WebAuthn's JSON: what browsers take and give.
//!
//! Source: WebAuthn Level 3, §5.1.8 to §5.1.10 (`PublicKeyCredential`'s
//! `parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`, `toJSON`). Bytes
//! are base64url without padding. Members that are not read are passed over: what
//! a browser adds is its own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use docket::{Assertion, AssertionError, Passkey};
use primitives::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    console::Console,
    error::{Error, Result},
};

/// How long a browser waits for its user.
const TIMEOUT_MS: u32 = 120_000;
/// How long where a passkey is to be made.
const CREATION_TIMEOUT_MS: u32 = 300_000;
const REQUIRED: &str = "required";
const PUBLIC_KEY: &str = "public-key";

/// Options for `navigator.credentials.get`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// The challenge, base64url.
    pub challenge: String,
    /// The relying party.
    pub rp_id: String,
    /// How long the browser waits, in milliseconds.
    pub timeout: u32,
    /// `required`.
    pub user_verification: String,
    /// The passkeys that may answer; none named: any of this relying party's.
    pub allow_credentials: Vec<Descriptor>,
}

/// A passkey, as its authenticator knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Descriptor {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credential's id, base64url.
    pub id: String,
}

/// Options for `navigator.credentials.create`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// The relying party.
    pub rp: RelyingParty,
    /// For whom.
    pub user: User,
    /// The challenge, base64url.
    pub challenge: String,
    /// The kinds of keys, best first.
    pub pub_key_cred_params: Vec<Algorithm>,
    /// How long the browser waits, in milliseconds.
    pub timeout: u32,
    /// Passkeys that the authenticator must not hold yet.
    pub exclude_credentials: Vec<Descriptor>,
    /// What the authenticator must be able to do.
    pub authenticator_selection: Selection,
    /// `none`: nobody asks who made the authenticator.
    pub attestation: String,
}

/// The relying party of a new passkey.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RelyingParty {
    /// Its id: the origin's host.
    pub id: String,
    /// The institution's name.
    pub name: String,
}

/// For whom a passkey is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// A digest of network, institution and handle, base64url.
    pub id: String,
    /// The handle at the institution.
    pub name: String,
    /// The same.
    pub display_name: String,
}

/// A kind of key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Algorithm {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// COSE's number: −7 for ES256, −8 for EdDSA.
    pub alg: i32,
}

/// What an authenticator must be able to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// `required`: officers sign in without typing a handle.
    pub resident_key: String,
    /// The same, in the words of Level 1.
    pub require_resident_key: bool,
    /// `required`.
    pub user_verification: String,
}

/// What `credential.toJSON()` gives after `navigator.credentials.get`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertedCredential {
    /// The credential's id, base64url.
    pub raw_id: String,
    /// The authenticator's answer.
    pub response: AssertionResponse,
}

/// An authenticator's signature and what it covers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// The client's data, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// The authenticator's data, base64url.
    pub authenticator_data: String,
    /// The signature, base64url.
    pub signature: String,
}

/// What `credential.toJSON()` gives after `navigator.credentials.create`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedCredential {
    /// The credential's id, base64url.
    pub raw_id: String,
    /// The authenticator's answer.
    pub response: AttestationResponse,
}

/// A new passkey, and what its authenticator says of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// The client's data, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// The attestation object, base64url.
    pub attestation_object: String,
}

/// Bytes as WebAuthn's JSON writes them.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads bytes of WebAuthn's JSON.
///
/// # Errors
/// A refusal where the text is not base64url without padding.
pub fn decode(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| refused(AssertionError::Form))
}

/// An assertion's failed check as this API says it.
#[must_use]
pub fn refused(error: AssertionError) -> Error {
    Error::refused("assertion", error.to_string())
}

impl RequestOptions {
    /// Options over a challenge, for one passkey or any.
    #[must_use]
    pub fn new(rp_id: &str, challenge: &Digest, raw_id: Option<&[u8]>) -> Self {
        Self {
            challenge: encode(&challenge.0),
            rp_id: rp_id.to_owned(),
            timeout: TIMEOUT_MS,
            user_verification: REQUIRED.into(),
            allow_credentials: raw_id.map(Descriptor::new).into_iter().collect(),
        }
    }
}

impl Descriptor {
    fn new(raw_id: &[u8]) -> Self {
        Self {
            kind: PUBLIC_KEY.into(),
            id: encode(raw_id),
        }
    }
}

impl CreationOptions {
    /// Options to make a passkey of this console for an officer.
    #[must_use]
    pub fn new(console: &Console, institution: &str, user: User, challenge: &Digest) -> Self {
        let algorithm = |alg| Algorithm {
            kind: PUBLIC_KEY.into(),
            alg,
        };
        Self {
            rp: RelyingParty {
                id: console.rp_id.clone(),
                name: institution.to_owned(),
            },
            user,
            challenge: encode(&challenge.0),
            pub_key_cred_params: vec![algorithm(-7), algorithm(-8)],
            timeout: CREATION_TIMEOUT_MS,
            exclude_credentials: Vec::new(),
            authenticator_selection: Selection {
                resident_key: REQUIRED.into(),
                require_resident_key: true,
                user_verification: REQUIRED.into(),
            },
            attestation: "none".into(),
        }
    }
}

impl AssertedCredential {
    /// The assertion in the form in which it is checked.
    ///
    /// # Errors
    /// A refusal where a part has another form.
    pub fn bring(&self, passkey: &Passkey) -> Result<Assertion> {
        let response = &self.response;
        Assertion::from_browser(
            passkey,
            decode(&response.authenticator_data)?,
            decode(&response.client_data_json)?,
            &decode(&response.signature)?,
        )
        .map_err(refused)
    }
}
