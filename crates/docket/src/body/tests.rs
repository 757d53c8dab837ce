//! Commitments hide and bind; bodies read as what they are.

use super::*;
use crate::rule::Rule;

fn reason(text: &str) -> Reason {
    Reason { text: text.into() }
}

fn part(opened: &Opened) -> Part {
    opened.part(vec![InstitutionId::new("police").unwrap()])
}

#[test]
fn what_was_committed_opens() {
    let opened = Opened::new(&reason("no need")).unwrap();
    let part = part(&opened);
    assert_eq!(part.label, "reason");
    assert_eq!(part.bytes as usize, opened.body.len());
    assert_eq!(opened.read::<Reason>(&part).unwrap(), reason("no need"));
    let json = serde_json::to_string(&opened).unwrap();
    assert!(serde_json::from_str::<Opened>(&json).unwrap() == opened);
    let encoded = cbor::encode(&opened).unwrap();
    assert!(cbor::decode::<Opened>(&encoded, encoded.len()).unwrap() == opened);
}

#[test]
fn the_same_body_is_committed_to_differently_each_time() {
    let [one, two] = [(); 2].map(|()| Opened::new(&reason("same")).unwrap());
    assert_eq!(one.body, two.body);
    assert_ne!(one.salt, two.salt);
    assert_ne!(one.commitment(), two.commitment());
}

#[test]
fn every_byte_of_salt_body_and_label_is_bound() {
    let opened = Opened::new(&reason("no need")).unwrap();
    let part = part(&opened);
    let refused = |changed: Opened| {
        let refusal = changed.read::<Reason>(&part).expect_err("another body");
        assert_eq!(refusal.rule, Rule::Parts);
        assert_ne!(changed.commitment(), part.commitment);
    };
    for at in 0..32 {
        let mut changed = opened.clone();
        changed.salt.0[at] ^= 1;
        refused(changed);
    }
    for at in 0..opened.body.len() {
        let mut changed = opened.clone();
        changed.body[at] ^= 1;
        refused(changed);
    }
    let mut relabelled = opened.clone();
    relabelled.label = "order".into();
    refused(relabelled);
    let mut longer = opened.clone();
    longer.body.push(0);
    refused(longer);
}

#[test]
fn hex_in_json_is_hex_and_nothing_else() {
    for bad in ["0", "0g", "+1", "é", " 1"] {
        let json = format!(
            r#"{{"label":"reason","salt":"{}","body":"{bad}"}}"#,
            "00".repeat(32)
        );
        assert!(serde_json::from_str::<Opened>(&json).is_err(), "{bad:?}");
    }
}
