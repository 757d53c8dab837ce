//! An authenticator in software, for tests: real keys, real signatures, and every
//! field open to be bent.
//!
//! Why it exists: the tests of each room need assertions that a browser with a
//! security key would make, and ones that no honest one would.
//!
//! *Not here*: a way into a product. The feature `authenticator` is a tests' own;
//! no room enables it but as a development dependency.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature as DerSource, SigningKey as P256Key, signature::Signer as _};
use primitives::{Digest, SigningKey, es256::Es256Key};

use super::{
    ATTESTED_DATA, Assertion, Passkey, PasskeyKey, USER_PRESENT, USER_VERIFIED, origin_host,
};
use crate::credential::Credential;

/// Who touched it, and was checked.
pub const FLAGS: u8 = USER_PRESENT | USER_VERIFIED;

enum Key {
    Es256(P256Key),
    EdDsa(SigningKey),
}

/// One passkey in an authenticator, with the browser around it.
pub struct Authenticator {
    key: Key,
    /// The name by which the authenticator knows the passkey.
    pub raw_id: Vec<u8>,
    /// The relying party that it answers.
    pub rp_id: String,
    /// The origin of the page.
    pub origin: String,
    /// The flags that it sets.
    pub flags: u8,
    /// The counter that it shows.
    pub counter: u32,
}

/// What a browser gets from an authenticator, signature in the key's own form.
pub struct Touch {
    /// The authenticator's data.
    pub authenticator_data: Vec<u8>,
    /// The client's data.
    pub client_data: Vec<u8>,
    /// The signature: ASN.1 for ES256, 64 bytes for EdDSA.
    pub signature: Vec<u8>,
}

impl Authenticator {
    fn new(key: Key, name: &str, origin: &str) -> Self {
        Self {
            key,
            raw_id: Digest::of("test/raw-id", &[name.as_bytes()]).0[..20].to_vec(),
            rp_id: origin_host(origin).unwrap_or(origin).to_owned(),
            origin: origin.to_owned(),
            flags: FLAGS,
            counter: 0,
        }
    }

    /// A passkey with a P-256 key, for a page of `origin`.
    ///
    /// # Panics
    /// Where the name's digest is no private key: less likely than a guess of one.
    #[must_use]
    pub fn es256(name: &str, origin: &str) -> Self {
        let seed = Digest::of("test/es256", &[name.as_bytes()]).0;
        let key = P256Key::from_slice(&seed).expect("a digest below the curve's order");
        Self::new(Key::Es256(key), name, origin)
    }

    /// A passkey with an Ed25519 key, for a page of `origin`.
    #[must_use]
    pub fn eddsa(name: &str, origin: &str) -> Self {
        let seed = Digest::of("test/eddsa", &[name.as_bytes()]).0;
        Self::new(Key::EdDsa(SigningKey::from_seed(&seed)), name, origin)
    }

    /// The passkey, as an enrolment states it.
    ///
    /// # Panics
    /// Never: a private key's point is of the curve.
    #[must_use]
    pub fn passkey(&self) -> Passkey {
        let key = match &self.key {
            Key::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(true);
                let bytes = point.as_bytes().try_into().expect("33 bytes");
                PasskeyKey::Es256(Es256Key(bytes))
            }
            Key::EdDsa(key) => PasskeyKey::EdDsa(key.public()),
        };
        Passkey {
            key,
            rp_id: self.rp_id.clone(),
            origin: self.origin.clone(),
        }
    }

    /// The credential, as an enrolment states it.
    #[must_use]
    pub fn credential(&self) -> Credential {
        Credential::Passkey {
            passkey: self.passkey(),
            raw_id: self.raw_id.clone(),
        }
    }

    /// The client data of a ceremony, as browsers write it.
    #[must_use]
    pub fn client_data(&self, kind: &str, challenge: &[u8]) -> Vec<u8> {
        format!(
            r#"{{"type":"{kind}","challenge":"{}","origin":"{}","crossOrigin":false}}"#,
            URL_SAFE_NO_PAD.encode(challenge),
            self.origin
        )
        .into_bytes()
    }

    /// Authenticator data with this relying party, these flags and this counter.
    #[must_use]
    pub fn authenticator_data(&self) -> Vec<u8> {
        let mut data = Digest::plain(self.rp_id.as_bytes()).0.to_vec();
        data.push(self.flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    /// The key as an authenticator writes it: a COSE key (RFC 9053 §7).
    fn cose_key(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32];
                [&head, x, &[0x22, 0x58, 32], y].concat()
            }
            Key::EdDsa(key) => {
                let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32];
                [&head[..], &key.public().0].concat()
            }
        }
    }

    /// The attestation object with which it answers `navigator.credentials.create`:
    /// format `none`.
    #[must_use]
    pub fn attestation(&self) -> Vec<u8> {
        let mut data = self.authenticator_data();
        data[32] |= ATTESTED_DATA;
        data.extend_from_slice(&[0; 16]);
        let length = u16::try_from(self.raw_id.len()).unwrap_or(u16::MAX);
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(&self.raw_id);
        data.extend_from_slice(&self.cose_key());
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend_from_slice(&length.to_be_bytes());
        object.extend_from_slice(&data);
        object
    }

    /// Signs whatever data it is given.
    #[must_use]
    pub fn sign(&self, authenticator_data: Vec<u8>, client_data: Vec<u8>) -> Touch {
        let mut message = authenticator_data.clone();
        message.extend_from_slice(&Digest::plain(&client_data).0);
        let signature = match &self.key {
            Key::Es256(key) => {
                let signature: DerSource = key.sign(&message);
                signature.to_der().as_bytes().to_vec()
            }
            Key::EdDsa(key) => key.sign_raw(&message).0.to_vec(),
        };
        Touch {
            authenticator_data,
            client_data,
            signature,
        }
    }

    /// The answer to `navigator.credentials.get` over a challenge.
    #[must_use]
    pub fn touch(&self, challenge: &[u8]) -> Touch {
        let client_data = self.client_data("webauthn.get", challenge);
        self.sign(self.authenticator_data(), client_data)
    }

    /// The same, in the form in which a record holds it.
    ///
    /// # Panics
    /// Never: what it signed itself has the right form.
    #[must_use]
    pub fn assert(&self, challenge: &Digest) -> Assertion {
        self.bring(self.touch(&challenge.0))
    }

    /// Brings an answer to the form in which a record holds it.
    ///
    /// # Panics
    /// Where the answer's parts have not the right form.
    #[must_use]
    pub fn bring(&self, touch: Touch) -> Assertion {
        Assertion::from_browser(
            &self.passkey(),
            touch.authenticator_data,
            touch.client_data,
            &touch.signature,
        )
        .expect("parts of the right form")
    }
}
