//! Sealed bodies open for their reader, under their record, unaltered.

use primitives::InstitutionId;

use super::*;
use crate::body::Reason;

fn body() -> (Opened, Part, Digest) {
    let text = "no need".to_owned();
    let opened = Opened::new(&Reason { text }).unwrap();
    let part = opened.part(vec![InstitutionId::new("court").unwrap()]);
    (opened, part, Digest([1; 32]))
}

fn rule(result: Result<Opened, Refusal>) -> Rule {
    result.err().expect("it does not open").rule
}

#[test]
fn what_is_sealed_to_a_reader_opens_for_it_alone() {
    let (opened, part, record) = body();
    let [court, police] = [(); 2].map(|()| SealSecret::generate());
    let sealed = seal(&opened, &record, &court.public()).unwrap();
    assert!(open(&sealed, &record, &part, &court).unwrap() == opened);
    let stored = SealSecret::from_bytes(&court.to_bytes());
    assert!(open(&sealed, &record, &part, &stored).unwrap() == opened);
    assert_eq!(rule(open(&sealed, &record, &part, &police)), Rule::Parts);
    assert!(sealed.len() <= opened.body.len() + SEAL_OVERHEAD_MAX);
    // Sealing draws its own randomness each time.
    assert_ne!(sealed, seal(&opened, &record, &court.public()).unwrap());
}

#[test]
fn it_opens_under_its_own_record_and_part_only() {
    let (opened, part, record) = body();
    let court = SealSecret::generate();
    let sealed = seal(&opened, &record, &court.public()).unwrap();
    let elsewhere = open(&sealed, &Digest([2; 32]), &part, &court);
    assert_eq!(rule(elsewhere), Rule::Parts);
    let mut other = part.clone();
    other.commitment.0[0] ^= 1;
    assert_eq!(rule(open(&sealed, &record, &other, &court)), Rule::Parts);
    let mut relabelled = part;
    relabelled.label = "order".into();
    assert_eq!(
        rule(open(&sealed, &record, &relabelled, &court)),
        Rule::Parts
    );
}

#[test]
fn no_altered_byte_opens() {
    let (opened, part, record) = body();
    let court = SealSecret::generate();
    let sealed = seal(&opened, &record, &court.public()).unwrap();
    for at in 0..sealed.len() {
        // RFC 7748 has X25519 ignore the top bit of a point; HPKE binds the
        // encapsulated key's bytes all the same.
        for mask in [0x01, 0x80] {
            let mut altered = sealed.clone();
            altered[at] ^= mask;
            assert_eq!(
                rule(open(&altered, &record, &part, &court)),
                Rule::Parts,
                "byte {at}"
            );
        }
    }
    for length in [0, 31, 32, sealed.len() - 1] {
        assert!(open(&sealed[..length], &record, &part, &court).is_err());
    }
    let large = vec![0; BODY_BYTES_MAX + SEAL_OVERHEAD_MAX + 1];
    assert_eq!(rule(open(&large, &record, &part, &court)), Rule::Limit);
}

#[test]
fn a_low_order_key_is_refused() {
    let (opened, _, record) = body();
    for bytes in [[0_u8; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let refusal = seal(&opened, &record, &PublicKey(bytes)).expect_err("no shared secret");
        assert_eq!(refusal.rule, Rule::Parts);
    }
}
