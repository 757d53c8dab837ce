//! Records signed by passkeys: golden bytes, and every way to bend one.

use ciborium::Value;

use super::*;
use crate::passkey::authenticator::Authenticator;

const ORIGIN: &str = "https://console.police.example";

pub(super) fn authenticator() -> Authenticator {
    Authenticator::es256("inv-1", ORIGIN)
}

fn both() -> [Authenticator; 2] {
    [authenticator(), Authenticator::eddsa("inv-1", ORIGIN)]
}

fn asked() -> Header {
    header(samples().into_iter().nth(10).unwrap())
}

fn signed_by(authenticator: &Authenticator, header: &Header) -> Record {
    let passkey = authenticator.passkey();
    let message = header.to_be_signed(&passkey.id()).unwrap();
    let assertion = authenticator.assert(&crate::passkey::challenge(&message));
    Record::assemble_asserted(header, &passkey, &assertion).unwrap()
}

/// The message with its signature field replaced.
fn with_field(record: &Record, field: &Value) -> Vec<u8> {
    let mut message = CoseSign1::from_slice(&record.bytes).unwrap();
    message.signature = cbor::encode(field).unwrap();
    message.to_vec().unwrap()
}

fn field(record: &Record) -> Value {
    let message = CoseSign1::from_slice(&record.bytes).unwrap();
    cbor::decode(&message.signature, ASSERTED_BYTES_MAX).unwrap()
}

fn refused(bytes: &[u8]) -> RecordError {
    Record::decode(bytes).expect_err("no record")
}

/// Written anew as `golden_bytes_of_every_kind` is.
#[test]
fn golden_bytes_of_both_kinds_of_passkeys() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden-passkey");
    for (authenticator, name) in both().iter().zip(["es256", "eddsa"]) {
        let record = signed_by(authenticator, &asked());
        let path = folder.join(format!("{name}.hex"));
        if std::env::var("CORDON_GOLDEN").as_deref() == Ok("write") {
            fs::write(&path, format!("{}\n", to_hex(&record.bytes))).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(to_hex(&record.bytes), golden.trim(), "{}", path.display());
        let decoded = Record::decode(&from_hex(golden.trim())).unwrap();
        assert_eq!(decoded, record);
        assert_eq!(decoded.signer, authenticator.passkey().id());
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn no_flipped_byte_of_a_passkeys_record_verifies() {
    for authenticator in both() {
        let record = signed_by(&authenticator, &asked());
        for at in 0..record.bytes.len() {
            for mask in [0x01, 0x20] {
                let mut bytes = record.bytes.clone();
                bytes[at] ^= mask;
                assert!(Record::decode(&bytes).is_err(), "byte {at} ^ {mask:#x}");
            }
        }
        for length in 0..record.bytes.len() {
            assert!(Record::decode(&record.bytes[..length]).is_err());
        }
    }
}

#[test]
fn an_assertion_is_worth_nothing_for_another_record() {
    let officer = authenticator();
    let passkey = officer.passkey();
    let message = asked().to_be_signed(&passkey.id()).unwrap();
    let assertion = officer.assert(&crate::passkey::challenge(&message));
    let mut other = asked();
    other.time_ms += 1;
    let error = Record::assemble_asserted(&other, &passkey, &assertion).err();
    assert_eq!(
        error,
        Some(RecordError::Assertion(AssertionError::Challenge))
    );
    // Nor is the bare message a challenge: it has a domain.
    let bare = officer.assert(&Digest::plain(&message));
    let error = Record::assemble_asserted(&asked(), &passkey, &bare).err();
    assert_eq!(
        error,
        Some(RecordError::Assertion(AssertionError::Challenge))
    );
}

#[test]
fn the_passkey_in_the_record_is_the_one_that_it_names() {
    let mallory = Authenticator::es256("mallory", ORIGIN);
    let record = signed_by(&authenticator(), &asked());
    // Mallory's passkey and a right assertion of hers, under another's name.
    let message = asked()
        .to_be_signed(&authenticator().passkey().id())
        .unwrap();
    let hers = mallory.assert(&crate::passkey::challenge(&message));
    let field = Asserted(mallory.passkey(), hers);
    let forged = with_field(&record, &Value::serialized(&field).unwrap());
    assert_eq!(
        refused(&forged),
        RecordError::Assertion(AssertionError::Credential)
    );
}

#[test]
fn the_twin_of_a_signature_is_no_signature() {
    // Whoever sees (r, s) can write (r, n − s), which verifies alike: the record
    // would have a second digest, and count as a second record.
    let record = signed_by(&authenticator(), &asked());
    let Value::Array(mut parts) = field(&record) else {
        panic!("an array")
    };
    let Value::Map(assertion) = &mut parts[1] else {
        panic!("a map")
    };
    for (name, value) in assertion.iter_mut() {
        if name.as_text() == Some("signature") {
            let low = p256::ecdsa::Signature::from_slice(value.as_bytes().unwrap()).unwrap();
            let (r, s) = low.split_scalars();
            let high = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
            *value = Value::Bytes(high.to_bytes().to_vec());
        }
    }
    assert_eq!(
        refused(&with_field(&record, &Value::Array(parts))),
        RecordError::Assertion(AssertionError::Signature)
    );
}

#[test]
fn a_field_of_another_shape_is_no_assertion() {
    let record = signed_by(&authenticator(), &asked());
    let Value::Array(parts) = field(&record) else {
        panic!("an array")
    };
    let form = RecordError::Assertion(AssertionError::Form);
    let mut longer = parts.clone();
    longer.push(Value::Null);
    let mut extra = parts.clone();
    if let Value::Map(passkey) = &mut extra[0] {
        passkey.push((Value::Text("z".into()), Value::Null));
    }
    let big = Value::Bytes(vec![0; ASSERTED_BYTES_MAX]);
    for bad in [
        Value::Array(longer),
        Value::Array(parts[..1].to_vec()),
        Value::Array(extra),
        Value::Null,
        big,
    ] {
        assert_eq!(refused(&with_field(&record, &bad)), form, "{bad:?}");
    }
}

#[test]
fn one_kind_of_signer_never_passes_for_the_other() {
    let record = signed_by(&authenticator(), &asked());
    let relabel = |bytes: &[u8], alg| {
        let mut message = CoseSign1::from_slice(bytes).unwrap();
        message.protected.header.alg = Some(alg);
        message.protected.original_data = None;
        message.to_vec().unwrap()
    };
    let eddsa = RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA);
    let private = RegisteredLabelWithPrivate::PrivateUse(PASSKEY_ALGORITHM);
    assert_eq!(
        refused(&relabel(&record.bytes, eddsa)),
        RecordError::Envelope
    );
    let by_key = Record::sign(&asked(), &key()).unwrap();
    assert_eq!(
        refused(&relabel(&by_key.bytes, private)),
        RecordError::Assertion(AssertionError::Form)
    );
}

#[test]
fn a_batch_judges_both_kinds_as_each_alone_is_judged() {
    let honest = || {
        let mut many = vec![Record::sign(&asked(), &key()).unwrap()];
        many.extend(both().iter().map(|one| signed_by(one, &asked())));
        many
    };
    let decode = |records: &[Record]| -> Vec<Signed> {
        let decoded = records.iter().map(|record| Signed::decode(&record.bytes));
        decoded.map(Result::unwrap).collect()
    };
    let verdicts = Signed::verify_all(decode(&honest()));
    assert_eq!(verdicts, honest().into_iter().map(Ok).collect::<Vec<_>>());
    for bad in 0..3 {
        let mut many = honest();
        let last = many[bad].bytes.len() - 1;
        many[bad].bytes[last] ^= 1;
        let alone: Vec<_> = decode(&many).into_iter().map(Signed::verify).collect();
        let together = Signed::verify_all(decode(&many));
        assert_eq!(together, alone);
        for (place, verdict) in together.iter().enumerate() {
            assert_eq!(verdict.is_err(), place == bad, "{place} of {bad}");
        }
    }
}
