//! Each check by its name, and that no bytes panic.

use docket::passkey::authenticator::{Authenticator, FLAGS};
use proptest::prelude::*;

use super::*;

const ORIGIN: &str = "http://localhost:7003";

fn console() -> Console {
    Console {
        origin: ORIGIN.into(),
        rp_id: "localhost".into(),
        cookie: "cordon_police".into(),
    }
}

fn nonce() -> Digest {
    Digest::plain(b"nonce")
}

fn made(authenticator: &Authenticator) -> Result<Credential, AssertionError> {
    let client = authenticator.client_data(CREATE, &nonce().0);
    register(&console(), &nonce(), &client, &authenticator.attestation())
}

fn bent(change: impl FnOnce(&mut Authenticator)) -> Option<AssertionError> {
    let mut authenticator = Authenticator::es256("new", ORIGIN);
    change(&mut authenticator);
    made(&authenticator).err()
}

#[test]
fn both_kinds_of_keys_register_and_then_sign() {
    for authenticator in [
        Authenticator::es256("new", ORIGIN),
        Authenticator::eddsa("new", ORIGIN),
    ] {
        let credential = made(&authenticator).unwrap();
        assert_eq!(credential, authenticator.credential());
        let (passkey, raw_id) = credential.passkey().unwrap();
        assert_eq!(raw_id, authenticator.raw_id);
        let assertion = authenticator.assert(&nonce());
        assert_eq!(passkey.verify(&nonce(), &assertion), Ok(()));
    }
}

#[test]
fn every_check_refuses_by_its_name() {
    use AssertionError as E;
    let authenticator = Authenticator::es256("new", ORIGIN);
    let attestation = authenticator.attestation();
    let said = |client: Vec<u8>| register(&console(), &nonce(), &client, &attestation).err();
    let get = authenticator.client_data("webauthn.get", &nonce().0);
    assert_eq!(said(get), Some(E::Type));
    let stale = authenticator.client_data(CREATE, &[1; 32]);
    assert_eq!(said(stale), Some(E::Challenge));
    assert_eq!(said(b"{}".to_vec()), Some(E::Form));
    let elsewhere = |a: &mut Authenticator| a.origin = "http://localhost:7004".into();
    assert_eq!(bent(elsewhere), Some(E::Origin));
    assert_eq!(bent(|a| a.rp_id = "example".into()), Some(E::RpId));
    assert_eq!(bent(|a| a.flags = FLAGS & !1), Some(E::UserPresence));
    assert_eq!(bent(|a| a.flags = FLAGS & !4), Some(E::UserVerification));
    assert_eq!(bent(|a| a.raw_id.clear()), Some(E::Form));
    assert_eq!(bent(|a| a.raw_id = vec![1; 1024]), Some(E::Form));
}

#[test]
fn an_attestation_that_is_cut_or_altered_is_none() {
    let authenticator = Authenticator::es256("new", ORIGIN);
    let client = authenticator.client_data(CREATE, &nonce().0);
    let good = authenticator.attestation();
    let try_it = |bytes: &[u8]| register(&console(), &nonce(), &client, bytes);
    for length in 0..good.len() {
        assert!(try_it(&good[..length]).is_err(), "{length} bytes");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(try_it(&longer).is_err());
    assert!(try_it(&[0xa3; 17 * 1024]).is_err());
    // A key off its curve, or of a kind that no record is signed with.
    let at = good.len() - 1;
    let mut off = good.clone();
    off[at] ^= 1;
    assert_eq!(try_it(&off).err(), Some(AssertionError::Form));
    let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1];
    let place = good.windows(7).position(|window| window == head).unwrap();
    for (offset, other) in [(2, 1), (4, 0x27), (4, 0x38), (6, 2)] {
        let mut bytes = good.clone();
        bytes[place + offset] = other;
        assert_eq!(try_it(&bytes).err(), Some(AssertionError::Form));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let authenticator = Authenticator::es256("new", ORIGIN);
        let client = authenticator.client_data(CREATE, &nonce().0);
        prop_assert!(register(&console(), &nonce(), &client, &bytes).is_err());
        prop_assert!(attested(&bytes).is_err() || !bytes.is_empty());
    }

    /// Bytes of the right form but one, so that the parsers behind are reached.
    #[test]
    fn no_altered_byte_panics_or_changes_where_it_belongs(at in 0_usize..220, to in any::<u8>()) {
        let authenticator = Authenticator::es256("new", ORIGIN);
        let client = authenticator.client_data(CREATE, &nonce().0);
        let mut bytes = authenticator.attestation();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(credential) = register(&console(), &nonce(), &client, &bytes) {
            let (passkey, _) = credential.passkey().unwrap();
            prop_assert_eq!(&passkey.origin, ORIGIN);
            prop_assert_eq!(&passkey.rp_id, "localhost");
            prop_assert!(passkey.check().is_ok());
        }
    }
}
