//! Keys at rest: an encrypted file, opened by a passphrase.
//!
//! Argon2id (RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes)
//! turns the passphrase into a key for XChaCha20-Poly1305; parameters and salt
//! stand in the file and are bound as associated data. A copied data folder
//! shows neither keys nor bodies: the store's values are encrypted under a key
//! that is kept here.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use docket::{body::bytes as byte_string, seal::SealSecret};
use primitives::{Digest, SigningKey, cbor};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    config::write_private,
    error::{Error, Result},
};

const FILE_BYTES_MAX: usize = 64 * 1024;
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    format: String,
    purpose: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Digest,
    #[serde(with = "byte_string")]
    nonce: Vec<u8>,
    #[serde(with = "byte_string")]
    cipher: Vec<u8>,
}

const FORMAT: &str = "cordon/keys/v1";

/// A passphrase; wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase, without the newline that an editor leaves.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(Zeroizing::new(text.trim_end_matches(['\r', '\n']).into()))
    }

    /// The passphrase of `CORDON_PASSPHRASE`, or of the file that
    /// `CORDON_PASSPHRASE_FILE` names.
    ///
    /// # Errors
    /// Trouble where neither is set, or the file can't be read.
    pub fn from_environment() -> Result<Self> {
        if let Ok(text) = std::env::var("CORDON_PASSPHRASE") {
            return Ok(Self::new(text));
        }
        let path = std::env::var("CORDON_PASSPHRASE_FILE").map_err(|_| {
            Error::broken("passphrase", "no passphrase given")
                .advise("set CORDON_PASSPHRASE_FILE or CORDON_PASSPHRASE")
        })?;
        Ok(Self::new(std::fs::read_to_string(path)?))
    }
}

fn derive(passphrase: &Passphrase, sealed: &Sealed) -> Result<Zeroizing<[u8; 32]>> {
    if sealed.memory_kib > MEMORY_KIB_MAX || sealed.passes > PASSES_MAX || sealed.lanes > 64 {
        return Err(Error::refused("keystore", "absurd Argon2 parameters"));
    }
    let params = Params::new(sealed.memory_kib, sealed.passes, sealed.lanes, Some(32))
        .map_err(|error| Error::refused("keystore", error.to_string()))?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.0.as_bytes(), &sealed.salt.0, key.as_mut_slice())
        .map_err(|error| Error::refused("keystore", error.to_string()))?;
    Ok(key)
}

fn associated(sealed: &Sealed) -> Vec<u8> {
    Digest::of(
        FORMAT,
        &[
            sealed.purpose.as_bytes(),
            &sealed.memory_kib.to_le_bytes(),
            &sealed.passes.to_le_bytes(),
            &sealed.lanes.to_le_bytes(),
            &sealed.salt.0,
        ],
    )
    .0
    .to_vec()
}

fn write_sealed<T: Serialize>(
    path: &Path,
    purpose: &str,
    secret: &T,
    passphrase: &Passphrase,
) -> Result<()> {
    let mut sealed = Sealed {
        format: FORMAT.into(),
        purpose: purpose.into(),
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
        salt: Digest(primitives::random()),
        nonce: primitives::random::<24>().to_vec(),
        cipher: Vec::new(),
    };
    let key = derive(passphrase, &sealed)?;
    let plain = Zeroizing::new(cbor::encode(secret)?);
    let nonce: [u8; 24] = primitives::random();
    sealed.nonce = nonce.to_vec();
    sealed.cipher = XChaCha20Poly1305::new((&*key).into())
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &plain,
                aad: &associated(&sealed),
            },
        )
        .map_err(|_| Error::broken("keystore", "encryption failed"))?;
    let text =
        serde_json::to_vec_pretty(&sealed).map_err(|error| Error::broken("keystore", error))?;
    write_private(path, &text)
}

fn read_sealed<T: DeserializeOwned>(
    path: &Path,
    purpose: &str,
    passphrase: &Passphrase,
) -> Result<T> {
    let text = std::fs::read(path)
        .map_err(|error| Error::broken("keystore", format!("{}: {error}", path.display())))?;
    if text.len() > FILE_BYTES_MAX {
        return Err(Error::refused("keystore", "the key file is too large"));
    }
    let sealed: Sealed = serde_json::from_slice(&text)
        .map_err(|error| Error::refused("keystore", format!("{}: {error}", path.display())))?;
    if sealed.format != FORMAT || sealed.purpose != purpose {
        return Err(Error::refused(
            "keystore",
            format!("{} holds no {purpose}", path.display()),
        ));
    }
    let nonce: [u8; 24] = sealed
        .nonce
        .as_slice()
        .try_into()
        .map_err(|_| Error::refused("keystore", "a nonce of another length"))?;
    let key = derive(passphrase, &sealed)?;
    let plain = XChaCha20Poly1305::new((&*key).into())
        .decrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &sealed.cipher,
                aad: &associated(&sealed),
            },
        )
        .map_err(|_| {
            Error::refused(
                "passphrase",
                format!(
                    "wrong passphrase for {}, or the file was altered",
                    path.display()
                ),
            )
        })?;
    let plain = Zeroizing::new(plain);
    Ok(cbor::decode(&plain, FILE_BYTES_MAX)?)
}

/// An institution's keys.
#[derive(Clone)]
pub struct NodeKeys {
    /// Signs statements, votes and channels.
    pub node: SigningKey,
    /// Opens bodies.
    pub seal: SealSecret,
    /// Encrypts the private store's values.
    pub store: Zeroizing<[u8; 32]>,
}

#[derive(Serialize, Deserialize, zeroize::ZeroizeOnDrop)]
struct NodeKeysFile {
    #[zeroize(skip)]
    version: u8,
    node: [u8; 32],
    seal: [u8; 32],
    store: [u8; 32],
}

impl NodeKeys {
    /// Draws fresh keys.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            node: SigningKey::generate(),
            seal: SealSecret::generate(),
            store: Zeroizing::new(primitives::random()),
        }
    }

    /// Draws the keys that follow these: another identity, the same private store.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self {
            store: self.store.clone(),
            ..Self::generate()
        }
    }

    /// Writes the keys, encrypted.
    ///
    /// # Errors
    /// Trouble where the file can't be written.
    pub fn write(&self, path: &Path, passphrase: &Passphrase) -> Result<()> {
        let file = NodeKeysFile {
            version: 1,
            node: *self.node.to_seed(),
            seal: *self.seal.to_bytes(),
            store: *self.store,
        };
        write_sealed(path, "node keys", &file, passphrase)
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// A refusal where the passphrase is wrong or the file was altered.
    pub fn read(path: &Path, passphrase: &Passphrase) -> Result<Self> {
        let file: NodeKeysFile = read_sealed(path, "node keys", passphrase)?;
        Ok(Self {
            node: SigningKey::from_seed(&file.node),
            seal: SealSecret::from_bytes(&file.seal),
            store: Zeroizing::new(file.store),
        })
    }
}

/// An officer's key file.
pub struct OfficerKeyFile;

#[derive(Serialize, Deserialize, zeroize::ZeroizeOnDrop)]
struct OfficerKey {
    seed: [u8; 32],
}

impl OfficerKeyFile {
    /// Writes an officer's key, encrypted.
    ///
    /// # Errors
    /// Trouble where the file can't be written.
    pub fn write(path: &Path, key: &SigningKey, passphrase: &Passphrase) -> Result<()> {
        let file = OfficerKey {
            seed: *key.to_seed(),
        };
        write_sealed(path, "officer key", &file, passphrase)
    }

    /// Reads an officer's key.
    ///
    /// # Errors
    /// A refusal where the passphrase is wrong or the file was altered.
    pub fn read(path: &Path, passphrase: &Passphrase) -> Result<SigningKey> {
        let file: OfficerKey = read_sealed(path, "officer key", passphrase)?;
        Ok(SigningKey::from_seed(&file.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_nothing_shows_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sealed");
        let keys = NodeKeys::generate();
        keys.write(&path, &Passphrase::new("open sesame\n".into()))
            .unwrap();
        let again = NodeKeys::read(&path, &Passphrase::new("open sesame".into())).unwrap();
        assert_eq!(again.node.public(), keys.node.public());
        assert_eq!(again.seal.public(), keys.seal.public());
        assert_eq!(again.store, keys.store);
        let file = std::fs::read_to_string(&path).unwrap();
        assert!(!file.contains(&hex::encode(*keys.node.to_seed())));
        let wrong = NodeKeys::read(&path, &Passphrase::new("sesame".into()));
        assert_eq!(wrong.err().unwrap().rule(), "passphrase");
        let altered = file.replacen("\"passes\": 3", "\"passes\": 2", 1);
        std::fs::write(&path, altered).unwrap();
        assert!(NodeKeys::read(&path, &Passphrase::new("open sesame".into())).is_err());
    }

    #[test]
    fn a_key_file_of_one_purpose_does_not_serve_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("officer.key");
        let passphrase = Passphrase::new("p".into());
        OfficerKeyFile::write(&path, &SigningKey::generate(), &passphrase).unwrap();
        assert_eq!(
            NodeKeys::read(&path, &passphrase).err().unwrap().rule(),
            "keystore"
        );
    }
}
