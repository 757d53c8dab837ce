//! Validators that cosign two logs are named, and the evidence stands alone.

use primitives::{Digest, PublicKey};
use proof::{Checkpoint, Conflict, Cosignature, Equivocation, ProofError, Tree, leaf_hash};

use crate::{Network, ORIGIN, TIME_S, record};

fn word(network: &Network, checkpoint: &Checkpoint) -> (Checkpoint, Cosignature) {
    let (name, key) = &network.keys[0];
    let cosignature = Cosignature::sign(checkpoint, name, key, TIME_S).unwrap();
    (checkpoint.clone(), cosignature)
}

fn key(network: &Network) -> PublicKey {
    network.keys[0].1.public()
}

#[test]
fn one_size_two_roots_is_a_fault_of_those_who_cosigned_both() {
    let network = Network::new(4, 20);
    let membership = network.membership();
    let ours = network.cosign(&network.checkpoint(), 4);
    let forged = Checkpoint::new(ORIGIN, 20, Digest([9; 32])).unwrap();
    let theirs = network.cosign(&forged, 2);
    let Err(ProofError::Fault(evidence)) = theirs.extends(&ours, &[], &membership) else {
        panic!("the contradiction went unnoticed");
    };
    let named: Vec<_> = evidence.iter().map(|e| e.cosigner().as_str()).collect();
    assert_eq!(named, ["v0", "v1"]);
    for equivocation in &evidence {
        let key = membership.key(equivocation.cosigner()).unwrap();
        let read = Equivocation::decode(&equivocation.encode().unwrap()).unwrap();
        assert_eq!(&read, equivocation);
        read.verify(key).unwrap();
        assert!(
            read.verify(membership.key(&network.keys[3].0).unwrap())
                .is_err()
        );
    }
    assert_eq!(
        ProofError::Fault(evidence).to_string(),
        "cosigned two logs that contradict: v0, v1"
    );
}

#[test]
fn different_records_at_one_index_convict_whatever_the_sizes() {
    let network = Network::new(4, 20);
    let mut forged: Tree = (0..9).map(|i| leaf_hash(&record(i))).collect();
    forged.append(leaf_hash(b"forged"));
    let first = word(&network, &network.checkpoint());
    let second = word(
        &network,
        &Checkpoint::new(ORIGIN, 10, forged.root()).unwrap(),
    );
    let side = |tree: &Tree, index, size| {
        (
            tree.leaf(index).unwrap(),
            tree.inclusion(index, size).unwrap(),
        )
    };
    let at = |index| Conflict {
        index,
        first: side(&network.tree, index, 20),
        second: side(&forged, index, 10),
    };
    Equivocation::new(first.clone(), second.clone(), Some(at(9)), &key(&network)).unwrap();

    let refused = |conflict| {
        Equivocation::new(first.clone(), second.clone(), conflict, &key(&network)).is_err()
    };
    assert!(refused(Some(at(8))), "both logs agree on index 8");
    assert!(
        refused(None),
        "two sizes are no contradiction by themselves"
    );
    let invented = Conflict {
        second: (leaf_hash(b"invented"), at(9).second.1),
        ..at(9)
    };
    assert!(refused(Some(invented)), "a leaf that is in neither log");
}

#[test]
fn an_honest_validator_can_not_be_accused() {
    let network = Network::new(4, 20);
    let honest = word(&network, &network.checkpoint());
    let again = word(&network, &network.checkpoint());
    assert!(Equivocation::new(honest.clone(), again, None, &key(&network)).is_err());

    let elsewhere = Checkpoint::new("cordon/other", 20, Digest([9; 32])).unwrap();
    let other_log = word(&network, &elsewhere);
    assert!(Equivocation::new(honest.clone(), other_log, None, &key(&network)).is_err());

    // Somebody else's signature under the honest validator's name.
    let forged = Checkpoint::new(ORIGIN, 20, Digest([9; 32])).unwrap();
    let (_, villain) = &network.keys[1];
    let framed = Cosignature::sign(&forged, &network.keys[0].0, villain, TIME_S).unwrap();
    assert!(Equivocation::new(honest, (forged, framed), None, &key(&network)).is_err());
}
