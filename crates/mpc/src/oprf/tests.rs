//! The RFCs' vectors, and what they leave out.

use curve25519_dalek::{
    RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_POINT, ristretto::CompressedRistretto,
    traits::Identity,
};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;

use super::{
    dleq::{prove_with, verify_with},
    suite::{BASE_SUITE, SUITE, expand},
    *,
};
use crate::{Fault, group::encode_doubled};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn unhex_32(text: &str) -> [u8; 32] {
    unhex(text).try_into().unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    text(value, key).split(',').collect()
}

#[test]
fn rfc_9497_vectors_of_both_modes() {
    let all: Value = serde_json::from_str(include_str!(
        "../../tests/vectors/rfc9497_ristretto255.json"
    ))
    .unwrap();
    let mut batches = Vec::new();
    for mode in all.as_array().unwrap() {
        let verifiable = mode["mode"] == 1;
        let suite = if verifiable { &SUITE } else { &BASE_SUITE };
        let key = suite
            .derive_key(&unhex_32(text(mode, "seed")), &unhex(text(mode, "keyInfo")))
            .unwrap();
        assert_eq!(*key.to_bytes(), unhex_32(text(mode, "skSm")));
        let public = public_of(&key);
        if verifiable {
            assert_eq!(public.to_bytes(), unhex_32(text(mode, "pkSm")));
        }
        for vector in mode["vectors"].as_array().unwrap() {
            let (mut blinded, mut evaluated) = (Vec::new(), Vec::new());
            let inputs = list(vector, "Input");
            batches.push(inputs.len());
            for (i, input) in inputs.iter().enumerate() {
                let input = unhex(input);
                let secret = SecretScalar::from_bytes(&unhex_32(list(vector, "Blind")[i])).unwrap();
                let element = Element::from_point(suite.hash_to_group(&input) * secret.expose());
                assert_eq!(
                    element.to_bytes(),
                    unhex_32(list(vector, "BlindedElement")[i])
                );
                let result = Element::from_point(element.point() * key.expose());
                assert_eq!(
                    result.to_bytes(),
                    unhex_32(list(vector, "EvaluationElement")[i])
                );
                let unblinded = (result.point() * secret.expose().invert()).compress();
                let output = finalize(&input, unblinded.as_bytes());
                assert_eq!(output.to_vec(), unhex(list(vector, "Output")[i]));
                blinded.push(element);
                evaluated.push(result);
            }
            if verifiable {
                let nonce =
                    SecretScalar::from_bytes(&unhex_32(text(&vector["Proof"], "r"))).unwrap();
                let results: Vec<_> = evaluated.iter().map(Element::to_bytes).collect();
                let proof = prove_with(suite, &key, &public, &blinded, &results, nonce.expose());
                assert_eq!(proof.to_vec(), unhex(text(&vector["Proof"], "proof")));
                assert!(verify_with(suite, &public, &blinded, &evaluated, &proof));
            }
        }
    }
    assert_eq!(batches, [1, 1, 1, 1, 2]);
}

#[test]
fn rfc_9496_vectors() {
    let all: Value = serde_json::from_str(include_str!(
        "../../tests/vectors/rfc9496_ristretto255.json"
    ))
    .unwrap();
    let mut point = RistrettoPoint::identity();
    for (i, encoding) in all["small_multiples"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let bytes = unhex_32(encoding.as_str().unwrap());
        assert_eq!(point.compress().to_bytes(), bytes);
        match Element::from_bytes(&bytes) {
            Ok(element) => assert_eq!(element.point(), &point),
            Err(error) => {
                assert_eq!(i, 0);
                assert_eq!(error.fault(), Some(Fault::Identity));
            }
        }
        point += RISTRETTO_BASEPOINT_POINT;
    }
    let bad = all["bad_encodings"].as_array().unwrap();
    assert!(bad.len() >= 29);
    for encoding in bad {
        let bytes = unhex_32(encoding.as_str().unwrap());
        let error = Element::from_bytes(&bytes).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::NotCanonical));
    }
    for vector in all["from_uniform_bytes"].as_array().unwrap() {
        let uniform: [u8; 64] = unhex(text(vector, "input_hex")).try_into().unwrap();
        assert_eq!(
            RistrettoPoint::from_uniform_bytes(&uniform)
                .compress()
                .to_bytes(),
            unhex_32(text(vector, "encoding"))
        );
    }
}

#[test]
fn rfc_9380_expansion_vectors() {
    let all: Value = serde_json::from_str(include_str!(
        "../../tests/vectors/rfc9380_expand_message_xmd_sha512.json"
    ))
    .unwrap();
    let tests = all["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 10);
    for vector in tests {
        let len = usize::from_str_radix(&text(vector, "len_in_bytes")[2..], 16).unwrap();
        let mut out = vec![0; len];
        expand(
            &[text(vector, "msg").as_bytes()],
            text(&all, "DST").as_bytes(),
            &mut out,
        );
        assert_eq!(out, unhex(text(vector, "uniform_bytes")));
    }
}

#[test]
fn batched_encoding_of_halves_is_the_encoding() {
    let mut rng = StdRng::seed_from_u64(1);
    let key = SecretScalar::draw(&mut rng);
    let points: Vec<_> = (0..7).map(|_| RistrettoPoint::random(&mut rng)).collect();
    let halves: Vec<_> = points
        .iter()
        .map(|point| point * key.half().expose())
        .collect();
    for (point, encoding) in points.iter().zip(encode_doubled(&halves)) {
        assert_eq!((point * key.expose()).compress().to_bytes(), encoding);
    }
}

#[test]
fn proof_fails_for_another_key_order_element_or_byte() {
    let mut rng = StdRng::seed_from_u64(2);
    let key = TableKey::draw(&mut rng);
    let other = TableKey::draw(&mut rng);
    let blinded: Vec<_> = (0u8..3).map(|i| blind(&[i], &mut rng).unwrap().1).collect();
    let evaluated: Vec<_> = blinded
        .iter()
        .map(|element| Element::from_point(element.point() * key.0.expose()))
        .collect();
    let results: Vec<_> = evaluated.iter().map(Element::to_bytes).collect();
    let proof = prove(&key.0, &key.public(), &blinded, &results, &mut rng);
    assert!(verify(&key.public(), &blinded, &evaluated, &proof));
    assert!(!verify(&other.public(), &blinded, &evaluated, &proof));
    let mut swapped = evaluated.clone();
    swapped.swap(0, 1);
    assert!(!verify(&key.public(), &blinded, &swapped, &proof));
    assert!(!verify(&key.public(), &blinded[..2], &evaluated, &proof));
    assert!(!verify(&key.public(), &[], &[], &proof));
    for byte in 0..PROOF_BYTES {
        let mut altered = proof;
        altered[byte] ^= 0x40;
        assert!(!verify(&key.public(), &blinded, &evaluated, &altered));
    }
    let lie = prove(&other.0, &key.public(), &blinded, &results, &mut rng);
    assert!(!verify(&key.public(), &blinded, &evaluated, &lie));
}

#[test]
fn blinds_are_checked_and_never_zero() {
    let mut rng = StdRng::seed_from_u64(3);
    let (secret, element) = blind(b"x", &mut rng).unwrap();
    check_blind(b"x", &secret, &element).unwrap();
    assert_eq!(blind_with(b"x", &secret).unwrap(), element);
    let again = Blind::from_bytes(&secret.to_bytes()).unwrap();
    let error = check_blind(b"y", &again, &element).unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::BlindMismatch));
    let (other, _) = blind(b"x", &mut rng).unwrap();
    assert!(check_blind(b"x", &other, &element).is_err());
    assert!(Blind::from_bytes(&[0; 32]).is_err());
    assert!(Blind::from_bytes(&[0xff; 32]).is_err());
    assert!(SecretScalar::new(Scalar::ZERO).is_none());
    for input in [&[][..], &[7; INPUT_BYTES_MAX + 1]] {
        let error = blind(input, &mut rng).err().unwrap();
        assert_eq!(error.refusal(), Some(Refusal::InputSize));
    }
    assert!(blind(&[7; INPUT_BYTES_MAX], &mut rng).is_ok());
    assert!(
        CompressedRistretto(element.to_bytes())
            .decompress()
            .is_some()
    );
}

#[test]
fn keys_survive_their_bytes_and_commit_to_their_product() {
    let mut rng = StdRng::seed_from_u64(4);
    let table = TableKey::draw(&mut rng);
    let plan = PlanKey::draw(&mut rng);
    let product = TableKey(table.0.times(&plan.0));
    assert_eq!(plan.commitment(&table), product.public());
    let again = PlanKey::from_bytes(&plan.to_bytes()).unwrap();
    assert_eq!(again.commitment(&table), product.public());
    assert_eq!(
        TableKey::from_bytes(&table.to_bytes()).unwrap().public(),
        table.public()
    );
    let steps = [plan.for_step(0), plan.for_step(1), again.for_step(1), plan];
    let commitments = steps.map(|step| step.commitment(&table));
    assert_eq!(commitments[1], commitments[2]);
    assert!(commitments[0] != commitments[1] && commitments[1] != commitments[3]);
    assert!(TableKey::from_bytes(&[0; 32]).is_err());
    assert!(PlanKey::from_bytes(&[0xff; 32]).is_err());
    assert_ne!(
        TableKey::derive(&[1; 32], b"a").unwrap().public(),
        TableKey::derive(&[1; 32], b"b").unwrap().public()
    );
}
