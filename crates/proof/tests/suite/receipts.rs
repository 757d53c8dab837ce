//! A receipt holds under its quorum, log, epoch and record, and under no other.

use primitives::{Digest, SigningKey};
use proof::{Checkpoint, Cosignature, Membership, ProofError, Receipt, Refusal, SignedCheckpoint};

use crate::{Network, ORIGIN, TIME_S, name, record};

const INDEX: usize = 11;

fn receipt(network: &Network, cosigners: usize) -> Receipt {
    let signed = network.cosign(&network.checkpoint(), cosigners);
    let path = network.tree.inclusion(INDEX as u64, network.tree.size());
    Receipt::new(INDEX as u64, path.unwrap(), signed).unwrap()
}

fn rule(result: Result<(), ProofError>) -> &'static str {
    match result {
        Ok(()) => "accepted",
        Err(ProofError::Refusal(refusal)) => refusal.rule(),
        Err(other) => panic!("no refusal: {other}"),
    }
}

#[test]
fn quorums_are_all_but_the_tolerated_faults() {
    for (validators, quorum) in [(1, 1), (2, 2), (3, 3), (4, 3), (7, 5), (10, 7), (13, 9)] {
        let network = Network::new(validators, 20);
        let membership = network.membership();
        assert_eq!(membership.quorum(), quorum);
        let check =
            |count| rule(receipt(&network, count).verify(&record(INDEX), ORIGIN, &membership));
        assert_eq!(check(quorum), "accepted");
        assert_eq!(check(usize::from(validators)), "accepted");
        assert_eq!(check(quorum - 1), "quorum");
    }
}

#[test]
fn every_other_circumstance_is_refused_by_its_rule() {
    let network = Network::new(4, 20);
    let (membership, bytes) = (network.membership(), record(INDEX));
    let good = receipt(&network, 4);
    let check = |receipt: &Receipt| rule(receipt.verify(&bytes, ORIGIN, &membership));
    assert_eq!(check(&good), "accepted");

    assert_eq!(
        rule(good.verify(b"other", ORIGIN, &membership)),
        "path-leads-to-root"
    );
    assert_eq!(
        rule(good.verify(&bytes, "cordon/other", &membership)),
        "same-log"
    );

    let next_epoch = Membership::new(1, membership.members().to_vec()).unwrap();
    assert_eq!(rule(good.verify(&bytes, ORIGIN, &next_epoch)), "same-epoch");

    let strangers = Network {
        keys: (0..4)
            .map(|i| {
                (
                    name(&format!("v{i}")),
                    SigningKey::from_seed(&[i + 100; 32]),
                )
            })
            .collect(),
        tree: network.tree.clone(),
    };
    // The same names with other keys, and a name that is no member.
    assert_eq!(check(&receipt(&strangers, 4)), "cosigner-is-member");
    assert_eq!(
        check(&receipt(&Network::new(5, 20), 5)),
        "cosigner-is-member"
    );

    let moved = Receipt::new(12, good.path().to_vec(), good.signed().clone()).unwrap();
    assert_eq!(check(&moved), "path-leads-to-root");
    let short = Receipt::new(11, good.path()[1..].to_vec(), good.signed().clone()).unwrap();
    assert_eq!(check(&short), "path-length");
    let beyond = Receipt::new(20, good.path().to_vec(), good.signed().clone()).unwrap();
    assert_eq!(check(&beyond), "index-in-range");
}

#[test]
fn a_cosignature_of_another_checkpoint_is_refused_and_named() {
    let network = Network::new(4, 20);
    let (membership, checkpoint) = (network.membership(), network.checkpoint());
    let other = Checkpoint::new(ORIGIN, 20, Digest([9; 32])).unwrap();
    let mut cosignatures = network.cosign(&checkpoint, 4).cosignatures().to_vec();
    let (v2, key) = &network.keys[2];
    cosignatures[2] = Cosignature::sign(&other, v2, key, TIME_S).unwrap();
    let signed = SignedCheckpoint::new(0, checkpoint, cosignatures).unwrap();
    assert_eq!(
        signed.verify(ORIGIN, &membership),
        Err(Refusal::Signature(v2.clone()).into())
    );
}

#[test]
fn nobody_counts_twice() {
    let network = Network::new(4, 20);
    let checkpoint = network.checkpoint();
    let mut cosignatures = network.cosign(&checkpoint, 2).cosignatures().to_vec();
    cosignatures.push(cosignatures[0].clone());
    assert!(SignedCheckpoint::new(0, checkpoint, cosignatures).is_err());

    let key = SigningKey::from_seed(&[1; 32]).public();
    let shared = vec![(name("a"), key), (name("b"), key)];
    assert!(Membership::new(0, shared).is_err());
    let other = SigningKey::from_seed(&[2; 32]).public();
    assert!(Membership::new(0, vec![(name("a"), key), (name("a"), other)]).is_err());
    assert!(Membership::new(0, Vec::new()).is_err());
}

#[test]
fn any_changed_bit_is_refused() {
    let network = Network::new(4, 20);
    let (membership, bytes) = (network.membership(), record(INDEX));
    let encoded = receipt(&network, 3).encode().unwrap();
    assert_eq!(Receipt::decode(&encoded).unwrap(), receipt(&network, 3));
    for position in 0..encoded.len() {
        for bit in 0..8 {
            let mut changed = encoded.clone();
            changed[position] ^= 1 << bit;
            let accepted = Receipt::decode(&changed)
                .is_ok_and(|receipt| receipt.verify(&bytes, ORIGIN, &membership).is_ok());
            assert!(!accepted, "byte {position}, bit {bit}");
        }
    }
    for length in 0..encoded.len() {
        assert!(Receipt::decode(&encoded[..length]).is_err());
    }
    assert!(Receipt::decode(&[&encoded[..], &[0]].concat()).is_err());
}

#[test]
fn the_encoding_is_frozen() {
    // Ed25519 signing is deterministic, so the whole receipt is one golden value.
    let encoded = receipt(&Network::new(4, 20), 4).encode().unwrap();
    assert_eq!(encoded.len(), 744);
    assert_eq!(
        Digest::plain(&encoded).to_string(),
        "c8bf62c29486c9165ff58a5c6a125f5a5a1a513458a3cb18cfd7bca2feee3ad6"
    );
}

#[test]
fn a_receipt_reads_as_a_standard_proof() {
    let network = Network::new(4, 20);
    let receipt = receipt(&network, 3);
    let text = receipt.to_tlog_proof().unwrap();
    let (head, note) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some("index 11"));
    assert_eq!(lines.count(), receipt.path().len());
    let signed = SignedCheckpoint::from_note(note, &network.membership()).unwrap();
    assert_eq!(&signed, receipt.signed());
}

#[test]
fn a_checkpoint_extends_its_past_and_no_other() {
    let network = Network::new(4, 20);
    let membership = network.membership();
    let at = |size| {
        let root = network.tree.root_at(size).unwrap();
        network.cosign(&Checkpoint::new(ORIGIN, size, root).unwrap(), 3)
    };
    let later = at(20);
    for size in 1..=20 {
        let path = network.tree.consistency(size, 20).unwrap();
        later.extends(&at(size), &path, &membership).unwrap();
    }
    later.extends(&at(0), &[], &membership).unwrap();

    let path = network.tree.consistency(7, 20).unwrap();
    assert_eq!(
        rule(later.extends(&at(6), &path, &membership)),
        "path-length"
    );
    let forged = network.cosign(&Checkpoint::new(ORIGIN, 7, Digest([1; 32])).unwrap(), 3);
    assert_eq!(
        rule(later.extends(&forged, &path, &membership)),
        "path-leads-to-root"
    );
    let foreign = network.cosign(
        &Checkpoint::new("cordon/other", 7, network.tree.root_at(7).unwrap()).unwrap(),
        3,
    );
    assert_eq!(
        rule(later.extends(&foreign, &path, &membership)),
        "same-log"
    );
    assert_eq!(
        rule(at(7).extends(&later, &path, &membership)),
        "sizes-in-order"
    );
    let empty = network.cosign(&Checkpoint::new(ORIGIN, 0, Digest([1; 32])).unwrap(), 3);
    assert_eq!(
        rule(later.extends(&empty, &[], &membership)),
        "path-leads-to-root"
    );
}
