//! RFC 8032 vectors, and that single and batched checks agree.

use curve25519_dalek::constants::EIGHT_TORSION;

use super::*;

fn vectors() -> Vec<(SigningKey, PublicKey, Vec<u8>, Signature)> {
    include_str!("../../tests/vectors/ed25519_sign.input")
        .lines()
        .map(|line| {
            let fields: Vec<Vec<u8>> = line
                .split(':')
                .take(4)
                .map(|field| hex::decode(field).unwrap())
                .collect();
            (
                SigningKey::from_seed(fields[0][..32].try_into().unwrap()),
                PublicKey(fields[1].clone().try_into().unwrap()),
                fields[2].clone(),
                Signature(fields[3][..64].try_into().unwrap()),
            )
        })
        .collect()
}

#[test]
fn rfc_8032_vectors_sign_and_verify() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 44);
    for (key, public, message, signature) in &vectors {
        assert_eq!(key.public(), *public);
        assert_eq!(key.sign_raw(message), *signature);
        public.verify_raw(message, signature).unwrap();
    }
    let claims: Vec<Claim<'_>> = vectors
        .iter()
        .map(|(_, key, message, signature)| Claim {
            key,
            message,
            signature,
        })
        .collect();
    assert!(verify_batch(&claims));
    assert!(verify_batch(&[]));
}

#[test]
fn one_altered_signature_fails_the_batch() {
    let vectors = vectors();
    for altered in 0..vectors.len() {
        let mut signature = vectors[altered].3;
        signature.0[altered % 64] ^= 1;
        let claims: Vec<Claim<'_>> = vectors
            .iter()
            .enumerate()
            .map(|(i, (_, key, message, good))| Claim {
                key,
                message,
                signature: if i == altered { &signature } else { good },
            })
            .collect();
        assert!(!verify_batch(&claims), "{altered}");
        assert!(
            vectors[altered]
                .1
                .verify_raw(&vectors[altered].2, &signature)
                .is_err()
        );
    }
}

/// What [`canonical_point`] stands for, without its shortcut.
fn compresses_to_itself(bytes: &[u8; 32]) -> bool {
    let compressed = CompressedEdwardsY(*bytes);
    compressed
        .decompress()
        .is_some_and(|point| point.compress() == compressed)
}

#[test]
fn canonical_encodings_are_those_that_compress_to_themselves() {
    let mut edges = Vec::new();
    // Around zero, around the order and above it, with and without the sign.
    for low in 0..=u8::MAX {
        for (middle, high) in [(0, 0), (0xff, 0x7f)] {
            for sign in [0, 0x80] {
                let mut bytes = [middle; 32];
                (bytes[0], bytes[31]) = (low, high | sign);
                edges.push(bytes);
            }
        }
    }
    edges.extend(EIGHT_TORSION.iter().map(|point| point.compress().0));
    edges.extend((0..2_000).map(|_| crate::random()));
    let mut canonical = 0;
    for bytes in &edges {
        let expected = compresses_to_itself(bytes);
        assert_eq!(canonical_point(bytes).is_some(), expected, "{bytes:02x?}");
        canonical += usize::from(expected);
    }
    assert!(canonical > 900, "{canonical}");
}

#[test]
fn one_key_may_sign_many_of_a_batch_and_one_bad_one_fails_it() {
    let keys = [SigningKey::generate(), SigningKey::generate()];
    let publics = keys.each_ref().map(SigningKey::public);
    let signed: Vec<(usize, Vec<u8>, Signature)> = (0..200u8)
        .map(|n| {
            let message = frame("test", &[n]);
            let signature = keys[usize::from(n % 2)].sign_raw(&message);
            (usize::from(n % 2), message, signature)
        })
        .collect();
    let claims = |swap: Option<usize>| -> Vec<Claim<'_>> {
        let of = |(at, (who, message, signature))| Claim {
            key: &publics[if swap == Some(at) { 1 - who } else { *who }],
            message,
            signature,
        };
        signed.iter().enumerate().map(of).collect()
    };
    assert!(verify_batch(&claims(None)));
    for at in [0, 1, 63, 64, 199] {
        assert!(!verify_batch(&claims(Some(at))));
    }
}

#[test]
fn domains_do_not_mix() {
    let key = SigningKey::generate();
    let signature = key.sign("a", b"message");
    key.public().verify("a", b"message", &signature).unwrap();
    assert!(key.public().verify("b", b"message", &signature).is_err());
}

#[test]
fn small_order_keys_are_refused() {
    for point in EIGHT_TORSION {
        let key = PublicKey(point.compress().0);
        // R = identity, s = 0 satisfies the cofactored equation for any small-order A.
        let mut bytes = [0u8; 64];
        bytes[0] = 1;
        assert!(key.verify_raw(b"anything", &Signature(bytes)).is_err());
    }
}

#[test]
fn a_torsion_component_is_judged_alike_alone_and_in_a_batch() {
    let key = SigningKey::from_seed(&[7; 32]);
    let public = key.public();
    // A signer that adds a torsion point to R and signs over that R.
    let seed = Sha512::digest([7u8; 32]);
    let secret = Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(
        seed[..32].try_into().unwrap(),
    ));
    let nonce = Scalar::from(12345u64);
    let commitment = ED25519_BASEPOINT_POINT * nonce + EIGHT_TORSION[1];
    let r = commitment.compress().0;
    let mut hasher = Sha512::new();
    hasher.update(r);
    hasher.update(public.0);
    hasher.update(b"message");
    let challenge = Scalar::from_bytes_mod_order_wide(&hasher.finalize().into());
    let s = nonce + challenge * secret;
    let mut bytes = [0u8; 64];
    bytes[..32].copy_from_slice(&r);
    bytes[32..].copy_from_slice(s.as_bytes());
    let signature = Signature(bytes);
    let alone = public.verify_raw(b"message", &signature).is_ok();
    for _ in 0..32 {
        assert_eq!(
            verify_batch(&[Claim {
                key: &public,
                message: b"message",
                signature: &signature
            }]),
            alone
        );
    }
    assert!(alone);
}
