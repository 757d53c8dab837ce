//! The vectors of RFC 6979, and every other form of a right signature.

use p256::ecdsa::{SigningKey, signature::Signer as _};

use super::*;

/// RFC 6979, A.2.5: the private key, and the signature of "sample" with SHA-256.
const PRIVATE: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const X: &str = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
const Y: &str = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
const R: &str = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716";
const S: &str = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

fn bytes(hex: &str) -> [u8; 32] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn key() -> Es256Key {
    Es256Key::from_coordinates(&bytes(X), &bytes(Y)).unwrap()
}

fn standard() -> Signature {
    Signature::from_scalars(bytes(R), bytes(S)).unwrap()
}

#[test]
fn the_standards_vector_verifies_in_its_one_form() {
    let signer = SigningKey::from_slice(&bytes(PRIVATE)).unwrap();
    let signed: Signature = signer.sign(b"sample");
    assert_eq!(signed, standard(), "the vector is the RFC's");
    let der = standard().to_der();
    let low = Es256Signature::from_der(der.as_bytes()).unwrap();
    assert_eq!(key().verify(b"sample", &low), Ok(()));
    assert_eq!(key().verify(b"sampl", &low), Err(SignatureError));
    // The RFC's own `s` is in the upper half.
    let high = Es256Signature([bytes(R), bytes(S)].concat().try_into().unwrap());
    assert_ne!(high, low);
    assert_eq!(key().verify(b"sample", &high), Err(SignatureError));
}

#[test]
fn every_flipped_bit_fails() {
    let low = Es256Signature::from_der(standard().to_der().as_bytes()).unwrap();
    for place in 0..64 {
        let mut other = low;
        other.0[place] ^= 1;
        assert_eq!(key().verify(b"sample", &other), Err(SignatureError));
    }
    for place in 0..33 {
        let mut other = key();
        other.0[place] ^= 1;
        assert_eq!(other.verify(b"sample", &low), Err(SignatureError));
    }
}

#[test]
fn a_key_is_a_compressed_point_of_the_curve() {
    let mut compact = key();
    compact.0[0] = 5;
    let identity = Es256Key([0; 33]);
    let mut beyond = Es256Key([0xff; 33]);
    beyond.0[0] = 2;
    for bad in [compact, identity, beyond] {
        assert_eq!(bad.check(), Err(SignatureError), "{bad:?}");
        let json = format!("\"{}\"", hex::encode(bad.0));
        assert!(serde_json::from_str::<Es256Key>(&json).is_err());
    }
    let mut off = bytes(Y);
    off[31] ^= 1;
    assert!(Es256Key::from_coordinates(&bytes(X), &off).is_err());
    assert!(Es256Key::from_coordinates(&bytes(X)[1..], &bytes(Y)).is_err());
    let json = serde_json::to_string(&key()).unwrap();
    assert_eq!(serde_json::from_str::<Es256Key>(&json).unwrap(), key());
}

#[test]
fn numbers_out_of_range_are_no_signature() {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    for (r, s) in [
        ([0; 32], bytes(R)),
        (bytes(R), [0; 32]),
        (bytes(order), bytes(R)),
    ] {
        let signature = Es256Signature([r, s].concat().try_into().unwrap());
        assert_eq!(key().verify(b"sample", &signature), Err(SignatureError));
    }
    let der = standard().to_der();
    let mut longer = der.as_bytes().to_vec();
    longer.push(0);
    assert!(Es256Signature::from_der(&longer).is_err());
    assert!(Es256Signature::from_der(&der.as_bytes()[1..]).is_err());
    assert!(Es256Signature::from_der(&[]).is_err());
    assert!(Es256Signature::from_der(&[0x30; 200]).is_err());
}
