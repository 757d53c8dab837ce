//! What an officer proves to be an officer with: a key of the command line, or a
//! passkey of a browser.
//!
//! *Invariants*: the two kinds never meet. An id of 32 bytes always comes with
//! its kind, so that a passkey's digest, enrolled as if it were an Ed25519 key,
//! opens nothing to the passkey, and the reverse.

use std::{fmt, str::FromStr};

use primitives::{Digest, PublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{body::bytes, passkey::Passkey};

/// Which credential signed: an Ed25519 key, or a passkey by its digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialId {
    /// An Ed25519 key: a node's, or an officer's on the command line.
    Key(PublicKey),
    /// A passkey, by [`Passkey::id`].
    Passkey(Digest),
}

/// The byte before a passkey's digest where an id is bytes.
const PASSKEY_TAG: u8 = 1;
/// The word before a passkey's digest where an id is text.
const PASSKEY_WORD: &str = "passkey:";

impl CredentialId {
    /// The 32 bytes that a record's `kid` holds; its algorithm says the kind.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        match self {
            Self::Key(key) => &key.0,
            Self::Passkey(digest) => &digest.0,
        }
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Passkey(_) => "passkey",
        }
    }

    /// Sixteen hex digits in four groups, for people to compare by voice.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text: Vec<String> = self.bytes()[..8]
            .chunks(2)
            .map(|pair| format!("{:02x}{:02x}", pair[0], pair[1]))
            .collect();
        text.join(" ")
    }
}

impl From<PublicKey> for CredentialId {
    fn from(key: PublicKey) -> Self {
        Self::Key(key)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Passkey(digest) => write!(f, "{PASSKEY_WORD}{digest}"),
        }
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{key:?}"),
            Self::Passkey(digest) => write!(f, "{PASSKEY_WORD}{digest:?}"),
        }
    }
}

/// Text that names no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCredential;

impl fmt::Display for NoCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 hex digits, or `passkey:` and 64 hex digits")
    }
}

impl std::error::Error for NoCredential {}

impl FromStr for CredentialId {
    type Err = NoCredential;

    fn from_str(text: &str) -> Result<Self, NoCredential> {
        match text.strip_prefix(PASSKEY_WORD) {
            Some(digest) => digest.parse().map(Self::Passkey).map_err(|_| NoCredential),
            None => text.parse().map(Self::Key).map_err(|_| NoCredential),
        }
    }
}

/// A key is its 32 bytes, as it always was; a passkey has its tag before them.
impl Serialize for CredentialId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        match self {
            Self::Key(key) => key.serialize(serializer),
            Self::Passkey(digest) => {
                let mut tagged = vec![PASSKEY_TAG];
                tagged.extend_from_slice(&digest.0);
                bytes::serialize(&tagged, serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for CredentialId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return text.parse().map_err(de::Error::custom);
        }
        let given = bytes::deserialize(deserializer)?;
        let key: Result<[u8; 32], _> = given.as_slice().try_into();
        match (key, given.split_first()) {
            (Ok(key), _) => Ok(Self::Key(PublicKey(key))),
            (_, Some((&PASSKEY_TAG, digest))) => digest
                .try_into()
                .map(|digest| Self::Passkey(Digest(digest)))
                .map_err(|_| de::Error::custom(NoCredential)),
            _ => Err(de::Error::custom(NoCredential)),
        }
    }
}

/// A credential as an enrolment states it: everything that its checks need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Credential {
    /// An Ed25519 key, for the command line.
    Key(PublicKey),
    /// A passkey.
    Passkey {
        /// The passkey.
        passkey: Passkey,
        /// The name by which its authenticator finds it (WebAuthn's credential
        /// id): no secret, and part of no check.
        #[serde(with = "bytes")]
        raw_id: Vec<u8>,
    },
}

impl Credential {
    /// The credential's id.
    #[must_use]
    pub fn id(&self) -> CredentialId {
        match self {
            Self::Key(key) => CredentialId::Key(*key),
            Self::Passkey { passkey, .. } => passkey.id(),
        }
    }

    /// The passkey with the name that its authenticator knows, if it is one.
    #[must_use]
    pub fn passkey(&self) -> Option<(&Passkey, &[u8])> {
        match self {
            Self::Key(_) => None,
            Self::Passkey { passkey, raw_id } => Some((passkey, raw_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use primitives::cbor;

    use super::*;

    #[test]
    fn a_key_is_written_as_ever_and_never_read_as_a_passkey() {
        let key = CredentialId::Key(PublicKey([7; 32]));
        let passkey = CredentialId::Passkey(Digest([7; 32]));
        assert_ne!(key, passkey);
        assert_eq!(
            cbor::encode(&key).unwrap(),
            cbor::encode(&PublicKey([7; 32])).unwrap()
        );
        for id in [key, passkey] {
            let encoded = cbor::encode(&id).unwrap();
            assert_eq!(cbor::decode::<CredentialId>(&encoded, 64).unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<CredentialId>(&json).unwrap(), id);
            assert_eq!(id.to_string().parse::<CredentialId>().unwrap(), id);
        }
        assert_eq!(key.fingerprint(), "0707 0707 0707 0707");
    }

    #[test]
    fn other_bytes_and_texts_name_no_credential() {
        for bad in ["", "passkey:", "passkey:00", "key:00", &"0".repeat(66)] {
            assert_eq!(bad.parse::<CredentialId>(), Err(NoCredential), "{bad}");
        }
        let mut tagged = vec![0x58, 33, 2];
        tagged.extend_from_slice(&[7; 32]);
        assert!(cbor::decode::<CredentialId>(&tagged, 64).is_err());
        let mut short = vec![0x58, 31];
        short.extend_from_slice(&[1; 31]);
        assert!(cbor::decode::<CredentialId>(&short, 64).is_err());
    }
}
