//! What an authenticator says when it makes a passkey.
//!
//! Source: WebAuthn Level 3, §7.1 (registering a credential), §6.5.1 (attested
//! credential data), RFC 9053 §7 (keys). Pure: bytes in, a credential out.
//!
//! *Deviations*: the attestation statement is passed over, as §7.1 lets a relying
//! party that asks for none do. Who made an authenticator is the institution's own
//! affair; what the ledger needs to know is whose word enrolled it.
//!
//! *Invariants*: only keys that records can be signed with are taken (ES256, EdDSA),
//! in one form each; a user was present and was verified; nothing here panics.

use ciborium::Value;
use docket::{
    AssertionError, Credential, Passkey,
    passkey::{
        ATTESTED_DATA, AUTHENTICATOR_DATA_BYTES, CREATE, EXTENSIONS, PasskeyKey, RAW_ID_BYTES_MAX,
        check_authenticator_data, check_client_data,
    },
};
use primitives::{Digest, PublicKey, es256::Es256Key};

use crate::console::Console;

/// Most bytes of an attestation object; an honest one has a few hundred.
const ATTESTATION_BYTES_MAX: usize = 16 * 1024;
/// Depth of its CBOR: object, statement, list of certificates.
const DEPTH_MAX: usize = 8;

/// Reads a new passkey.
///
/// # Errors
/// The first check that failed.
pub(crate) fn register(
    console: &Console,
    challenge: &Digest,
    client_data: &[u8],
    attestation: &[u8],
) -> Result<Credential, AssertionError> {
    check_client_data(client_data, CREATE, challenge, &console.origin)?;
    let data = authenticator_data(attestation)?;
    let flags = check_authenticator_data(&data, &console.rp_id)?;
    if flags & ATTESTED_DATA == 0 {
        return Err(AssertionError::Form);
    }
    let (raw_id, key, rest) = attested(&data[AUTHENTICATOR_DATA_BYTES..])?;
    // Extensions that nobody asked for are passed over.
    if rest != 0 && flags & EXTENSIONS == 0 {
        return Err(AssertionError::Form);
    }
    let passkey = Passkey {
        key,
        rp_id: console.rp_id.clone(),
        origin: console.origin.clone(),
    };
    Ok(Credential::Passkey { passkey, raw_id })
}

fn authenticator_data(attestation: &[u8]) -> Result<Vec<u8>, AssertionError> {
    if attestation.len() > ATTESTATION_BYTES_MAX {
        return Err(AssertionError::Form);
    }
    let mut rest = attestation;
    let entries = match item(&mut rest) {
        Some(Value::Map(entries)) if rest.is_empty() => entries,
        _ => return Err(AssertionError::Form),
    };
    let mut found = entries
        .into_iter()
        .filter(|(name, _)| name.as_text() == Some("authData"));
    match (found.next(), found.next()) {
        (Some((_, Value::Bytes(data))), None) => Ok(data),
        _ => Err(AssertionError::Form),
    }
}

fn item(bytes: &mut &[u8]) -> Option<Value> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH_MAX).ok()
}

/// The passkey's name and key, and the number of bytes after them.
fn attested(data: &[u8]) -> Result<(Vec<u8>, PasskeyKey, usize), AssertionError> {
    let form = AssertionError::Form;
    // The authenticator's model, 16 bytes, says nothing that is asked for.
    let (_, data) = data.split_at_checked(16).ok_or(form)?;
    let (length, data) = data.split_at_checked(2).ok_or(form)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if !(1..=RAW_ID_BYTES_MAX).contains(&length) {
        return Err(form);
    }
    let (raw_id, mut rest) = data.split_at_checked(length).ok_or(form)?;
    let key = item(&mut rest).ok_or(form)?;
    Ok((raw_id.to_vec(), cose_key(&key).ok_or(form)?, rest.len()))
}

/// A COSE key of a kind that records can be signed with.
fn cose_key(value: &Value) -> Option<PasskeyKey> {
    let entries = value.as_map()?;
    let field = |label: i128| {
        let mut found = entries
            .iter()
            .filter(|(name, _)| name.as_integer().map(i128::from) == Some(label));
        // A label that stands twice could be read in two ways.
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    };
    let number = |label| field(label)?.as_integer().map(i128::from);
    let bytes = |label| field(label)?.as_bytes();
    let [kty, alg, crv, x, y] = [1, 3, -1, -2, -3];
    match (number(kty)?, number(alg)?, number(crv)?) {
        (2, -7, 1) => {
            let key = Es256Key::from_coordinates(bytes(x)?, bytes(y)?).ok()?;
            Some(PasskeyKey::Es256(key))
        }
        (1, -8, 6) => {
            let key = bytes(x)?.as_slice().try_into().ok()?;
            Some(PasskeyKey::EdDsa(PublicKey(key)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
