//! Every check of an assertion by its name, and that nothing panics.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    authenticator::{Authenticator, FLAGS, Touch},
    *,
};

const ORIGIN: &str = "https://console.police.example";

fn officer() -> Authenticator {
    Authenticator::es256("officer", ORIGIN)
}

fn nonce() -> Digest {
    challenge(b"a record")
}

/// The verdict on an authenticator's answer after a change to it.
fn bent(change: impl FnOnce(&mut Authenticator)) -> Result<(), AssertionError> {
    let passkey = officer().passkey();
    let mut authenticator = officer();
    change(&mut authenticator);
    passkey.verify(&nonce(), &authenticator.assert(&nonce()))
}

/// The verdict on a right signature over client data of this text.
fn said(client_data: &str) -> Result<(), AssertionError> {
    let officer = officer();
    let touch = officer.sign(officer.authenticator_data(), client_data.into());
    officer.passkey().verify(&nonce(), &officer.bring(touch))
}

fn client(rest: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(nonce().0);
    format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{ORIGIN}"{rest}}}"#)
}

#[test]
fn both_kinds_of_keys_verify() {
    for authenticator in [officer(), Authenticator::eddsa("officer", ORIGIN)] {
        let passkey = authenticator.passkey();
        passkey.check().unwrap();
        let assertion = authenticator.assert(&nonce());
        assert_eq!(passkey.verify(&nonce(), &assertion), Ok(()));
        let other = passkey.verify(&challenge(b"another record"), &assertion);
        assert_eq!(other, Err(AssertionError::Challenge));
    }
}

#[test]
fn every_check_refuses_by_its_name() {
    use AssertionError as E;
    let frame = r#","crossOrigin":false,"topOrigin":"https://elsewhere.example""#;
    let create = client("").replace("webauthn.get", "webauthn.create");
    let refused = [
        (
            E::Form,
            said(&client(r#","origin":"https://elsewhere.example""#)),
        ),
        (E::Form, said(&format!("[{}]", client("")))),
        (E::Form, said(&client("").replace('{', " {"))),
        (E::Form, bent(|a| a.flags |= ATTESTED_DATA)),
        (E::Form, bent(|a| a.flags |= EXTENSIONS)),
        (E::Form, bent(|a| a.flags |= BACKED_UP)),
        (E::Type, said(&create)),
        (E::Challenge, {
            let touch = officer().touch(b"short");
            officer()
                .passkey()
                .verify(&nonce(), &officer().bring(touch))
        }),
        (
            E::Origin,
            bent(|a| a.origin = "https://console.police.example:8443".into()),
        ),
        (
            E::Origin,
            bent(|a| a.origin = "http://console.police.example".into()),
        ),
        (E::CrossOrigin, said(&client(r#","crossOrigin":true"#))),
        (E::CrossOrigin, said(&client(frame))),
        (E::RpId, bent(|a| a.rp_id = "police.example".into())),
        (E::UserPresence, bent(|a| a.flags = FLAGS & !USER_PRESENT)),
        (
            E::UserVerification,
            bent(|a| a.flags = FLAGS & !USER_VERIFIED),
        ),
        (E::Signature, {
            let other = Authenticator::es256("other", ORIGIN);
            officer()
                .passkey()
                .verify(&nonce(), &other.assert(&nonce()))
        }),
        (E::Signature, {
            // The right bytes, checked under a key of the other kind.
            let other = Authenticator::eddsa("officer", ORIGIN);
            other
                .passkey()
                .verify(&nonce(), &officer().assert(&nonce()))
        }),
        // That the record's `kid` is the passkey's digest, `crate::record` checks.
        (E::Credential, Err(E::Credential)),
    ];
    let mut named = BTreeSet::new();
    for (place, (expected, verdict)) in refused.into_iter().enumerate() {
        assert_eq!(verdict, Err(expected), "case {place}");
        named.insert(expected);
    }
    assert_eq!(named, E::ALL.iter().copied().collect());
    let names: BTreeSet<_> = E::ALL.iter().map(|check| check.name()).collect();
    assert_eq!(names.len(), E::ALL.len());
}

#[test]
fn what_browsers_really_write_is_accepted() {
    let more = r#","crossOrigin":false,"other_keys_can_be_added_here":"do not compare""#;
    for rest in ["", r#","crossOrigin":false"#, more] {
        assert_eq!(said(&client(rest)), Ok(()), "{rest}");
    }
    // Members in another order.
    let challenge = URL_SAFE_NO_PAD.encode(nonce().0);
    let sorted =
        format!(r#"{{"challenge":"{challenge}","origin":"{ORIGIN}","type":"webauthn.get"}}"#);
    assert_eq!(said(&sorted), Ok(()));
    // A passkey that is synchronised says so.
    assert_eq!(bent(|a| a.flags |= BACKUP_ELIGIBLE | BACKED_UP), Ok(()));
    let mut counting = officer();
    counting.counter = 0x0102_0304;
    assert_eq!(counting.assert(&nonce()).counter(), 0x0102_0304);
}

#[test]
fn every_flipped_bit_of_an_assertion_is_refused() {
    for authenticator in [officer(), Authenticator::eddsa("officer", ORIGIN)] {
        let passkey = authenticator.passkey();
        let good = authenticator.assert(&nonce());
        let check = |assertion: &Assertion, what: &str| {
            let verdict = passkey.verify(&nonce(), assertion);
            assert!(verdict.is_err(), "{what}");
        };
        for place in 0..good.authenticator_data.len() {
            let mut bad = good.clone();
            bad.authenticator_data[place] ^= 0x20;
            check(&bad, "authenticator data");
        }
        for place in 0..good.client_data.len() {
            let mut bad = good.clone();
            bad.client_data[place] ^= 1;
            check(&bad, "client data");
        }
        for place in 0..64 {
            let mut bad = good.clone();
            bad.signature.0[place] ^= 1;
            check(&bad, "signature");
        }
    }
}

#[test]
fn sizes_are_bounded() {
    let long = format!(r#","note":"{}""#, "x".repeat(CLIENT_DATA_BYTES_MAX));
    let officer = officer();
    let touch = officer.sign(officer.authenticator_data(), client(&long).into());
    let passkey = officer.passkey();
    let from = |data: Vec<u8>, client: Vec<u8>, signature: &[u8]| {
        Assertion::from_browser(&passkey, data, client, signature).err()
    };
    let Touch {
        authenticator_data,
        client_data,
        signature,
    } = touch;
    assert_eq!(
        from(authenticator_data.clone(), client_data, &signature),
        Some(AssertionError::Form)
    );
    let mut longer = authenticator_data.clone();
    longer.push(0);
    assert_eq!(
        from(longer, Vec::new(), &signature),
        Some(AssertionError::Form)
    );
    let none = from(authenticator_data.clone(), Vec::new(), &[]);
    assert_eq!(none, Some(AssertionError::Signature));
    assert_eq!(ClientData::parse(&[]).err(), Some(AssertionError::Form));
}

#[test]
fn a_passkey_is_named_by_all_that_it_is() {
    let passkey = officer().passkey();
    let mut others = BTreeSet::from([passkey.id()]);
    others.insert(
        Passkey {
            rp_id: "example".into(),
            ..passkey.clone()
        }
        .id(),
    );
    others.insert(
        Passkey {
            origin: "https://example".into(),
            ..passkey.clone()
        }
        .id(),
    );
    others.insert(Authenticator::es256("other", ORIGIN).passkey().id());
    others.insert(Authenticator::eddsa("officer", ORIGIN).passkey().id());
    assert_eq!(others.len(), 5);
    let encoded = cbor::encode(&passkey).unwrap();
    assert_eq!(cbor::decode::<Passkey>(&encoded, 512).unwrap(), passkey);
}

#[test]
fn only_origins_that_browsers_write_are_a_consoles() {
    for (origin, host) in [
        ("https://console.police.example", "console.police.example"),
        ("https://police.example:8443", "police.example"),
        ("http://localhost:7003", "localhost"),
        ("http://localhost", "localhost"),
    ] {
        assert_eq!(origin_host(origin), Some(host));
    }
    for bad in [
        "",
        "console.police.example",
        "http://console.police.example",
        "https://console.police.example/",
        "https://console.police.example:443",
        "http://localhost:80",
        "https://console.police.example:0",
        "https://console.police.example:08443",
        "https://console.police.example:+8443",
        "https://Console.police.example",
        "https://127.0.0.1",
        "https://user@police.example",
        "https://-police.example",
        "https://police..example",
        "https://警察.example",
        "ftp://localhost",
    ] {
        assert_eq!(origin_host(bad), None, "{bad}");
    }
    let check = |rp_id: &str, origin: &str| {
        let passkey = Passkey {
            rp_id: rp_id.into(),
            origin: origin.into(),
            ..officer().passkey()
        };
        passkey.check().is_ok()
    };
    assert!(check("police.example", "https://console.police.example"));
    assert!(check("localhost", "http://localhost:7003"));
    assert!(!check("lice.example", "https://console.police.example"));
    assert!(!check("", "https://console.police.example"));
    assert!(!check("other.example", "https://console.police.example"));
    assert!(!check("localhost", "http://127.0.0.1:7003"));
}

proptest! {
    #[test]
    fn no_bytes_panic(
        data in proptest::collection::vec(any::<u8>(), 0..80),
        client_data in proptest::collection::vec(any::<u8>(), 0..200),
        signature in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        for authenticator in [officer(), Authenticator::eddsa("officer", ORIGIN)] {
            let passkey = authenticator.passkey();
            let made = Assertion::from_browser(&passkey, data.clone(), client_data.clone(), &signature);
            if let Ok(assertion) = made {
                prop_assert!(passkey.verify(&nonce(), &assertion).is_err());
            }
            let mut signature = signature.clone();
            signature.resize(64, 0);
            let assertion = Assertion {
                authenticator_data: data.clone(),
                client_data: client_data.clone(),
                signature: Signature(signature.try_into().unwrap()),
            };
            prop_assert!(passkey.verify(&nonce(), &assertion).is_err());
        }
    }

    /// Structured client data: whatever JSON a client writes around the four
    /// members, the verdict follows from those.
    #[test]
    fn client_data_is_judged_by_its_members(text in "[ -~]{0,40}", key in "[a-zA-Z]{1,12}") {
        let name = serde_json::to_string(&key).unwrap();
        let value = serde_json::to_string(&text).unwrap();
        let known = ["type", "challenge", "origin", "crossOrigin", "topOrigin"];
        let verdict = said(&client(&format!(",{name}:{value}")));
        prop_assert_eq!(verdict.is_ok(), !known.contains(&key.as_str()));
    }

    #[test]
    fn no_text_is_an_origin_by_accident(text in "\\PC{0,40}") {
        if let Some(host) = origin_host(&text) {
            prop_assert!(text.starts_with("https://") || host == "localhost");
        }
    }
}
