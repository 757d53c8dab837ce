//! The count first, identities behind a gate.

use rand::rngs::StdRng;

use super::world::*;
use crate::{
    Error, Fault, Refusal,
    psi::{
        cardinality::{Counted, Gate, Receiver, Sender},
        *,
    },
};

pub(super) struct Pair {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
}

impl Roles for Pair {
    fn pull_receiver(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.receiver.pull())
    }

    fn pull_sender(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.sender.pull()
    }

    fn give_receiver(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.receiver.on_frame(frame)
    }

    fn give_sender(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.sender.on_frame(frame)
    }
}

pub(super) fn pair(setup: &Setup, instance: &Instance, rng: &mut StdRng) -> Pair {
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let mine = hash(setup, &instance.receiver);
    let theirs = hash(setup, &instance.sender);
    Pair {
        receiver: Receiver::new(session.clone(), mine, rng).unwrap(),
        sender: Sender::new(session, theirs, rng).unwrap(),
    }
}

fn first_step(
    instance: &Instance,
    seed: u64,
    wire: &mut dyn Wire,
) -> Result<(Counted, Gate), Error> {
    let [mine, theirs] = instance.padded;
    let setup = setup(Protocol::Cardinality, mine, theirs, seed);
    let mut pair = pair(&setup, instance, &mut rng(seed));
    drive(&mut pair, wire)?;
    let counted = pair.receiver.finish()?;
    let (digest, gate) = pair.sender.finish()?;
    assert_eq!(counted.transcript(), digest);
    Ok((counted, gate))
}

/// The second step's roles take one frame each and are gone: another one, or none,
/// is an abort.
fn one(frames: Vec<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let [frame] =
        <[Vec<u8>; 1]>::try_from(frames).map_err(|_| Error::faulty(Fault::Truncated, &[]))?;
    Ok(frame)
}

/// Both steps; the count and the identities.
pub(super) fn both_steps(
    instance: &Instance,
    seed: u64,
    wire: &mut dyn Wire,
) -> Result<(usize, Vec<u32>), Error> {
    let (counted, gate) = first_step(instance, seed, wire)?;
    let count = counted.count();
    let (ask, asked) = counted.ask()?;
    let ask = one(wire.carry(1000, ask))?;
    let (identities, theirs) = gate.open(&ask, 4096)?;
    let identities = one(wire.carry(1001, identities))?;
    let (found, mine) = asked.on_frame(&identities)?;
    assert_eq!(mine, theirs);
    Ok((count, found))
}

#[test]
fn real_equals_ideal_over_many_small_instances() {
    let mut shapes = rng(21);
    for seed in 0..1000 {
        let instance = instance(&mut shapes, 10);
        let (count, found) = both_steps(&instance, seed, &mut Honest).unwrap();
        assert_eq!(count, ideal::count(&instance.receiver, &instance.sender));
        let expected = ideal::intersection(&instance.receiver, &instance.sender);
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn real_equals_ideal_over_several_frames() {
    let selectors = |range: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        range.map(|n| n.to_be_bytes().to_vec()).collect()
    };
    let instance = Instance {
        receiver: selectors(0..5000),
        sender: selectors(4500..9000),
        padded: [5001, 4600],
    };
    let (count, found) = both_steps(&instance, 1, &mut Honest).unwrap();
    assert_eq!((count, found.len()), (500, 500));
    assert_eq!(
        found,
        ideal::intersection(&instance.receiver, &instance.sender)
    );
}

fn small() -> Instance {
    let selectors = |range: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        range.map(|n| n.to_be_bytes().to_vec()).collect()
    };
    Instance {
        receiver: selectors(0..10),
        sender: selectors(6..16),
        padded: [12, 12],
    }
}

#[test]
fn an_answer_over_the_cap_opens_nothing() {
    let (counted, gate) = first_step(&small(), 1, &mut Honest).unwrap();
    assert_eq!(counted.count(), 4);
    let (ask, _) = counted.ask().unwrap();
    assert_eq!(gate.asked(&ask).unwrap(), 4);
    let refused = gate.open(&ask, 3).unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::CountOverCap));
}

#[test]
fn places_that_do_not_exist_or_repeat_open_nothing() {
    for places in [&[12u32][..], &[3, 3], &[5, 2], &[u32::MAX]] {
        let (_, gate) = first_step(&small(), 1, &mut Honest).unwrap();
        let mut ask = vec![1, 13];
        places
            .iter()
            .for_each(|place| ask.extend_from_slice(&place.to_be_bytes()));
        assert_eq!(
            gate.open(&ask, 10).unwrap_err().fault(),
            Some(Fault::PlaceInvalid)
        );
    }
    let (_, gate) = first_step(&small(), 1, &mut Honest).unwrap();
    assert_eq!(
        gate.open(&[1, 13, 0], 10).unwrap_err().fault(),
        Some(Fault::Malformed)
    );
}

#[test]
fn a_wrong_identity_is_caught_by_the_proof() {
    // A sender that opens another place than the one asked for, and whose
    // transcript agrees: it answers an altered request.
    let (counted, gate) = first_step(&small(), 1, &mut Honest).unwrap();
    let (ask, asked) = counted.ask().unwrap();
    let mut other = ask.clone();
    let last = other.len() - 1;
    other[last] = 11;
    if other == ask {
        other[last - 4] ^= 1;
    }
    let (identities, _) = gate.open(&other, 10).unwrap();
    let error = asked.on_frame(&identities).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::TranscriptMismatch));
}

#[test]
fn the_order_of_the_sent_items_says_nothing_of_the_set() {
    // Over many sessions the one shared item stands at every place about as often.
    let instance = Instance {
        receiver: (0u32..4).map(|n| n.to_be_bytes().to_vec()).collect(),
        sender: vec![2u32.to_be_bytes().to_vec()],
        padded: [5, 1],
    };
    let mut asked = [0; 5];
    let mut opened = [0; 5];
    for seed in 0..1000 {
        let (counted, gate) = first_step(&instance, seed, &mut Honest).unwrap();
        let (ask, waiting) = counted.ask().unwrap();
        asked[usize::from(ask[5])] += 1;
        let (identities, _) = gate.open(&ask, 1).unwrap();
        opened[usize::from(identities[5])] += 1;
        assert_eq!(waiting.on_frame(&identities).unwrap().0, [2]);
    }
    for counts in [asked, opened] {
        assert!(
            counts.iter().all(|count| (140..260).contains(count)),
            "{counts:?}"
        );
    }
}

#[test]
fn repeated_elements_are_refused() {
    struct Copy;
    impl Wire for Copy {
        fn carry(&mut self, _: usize, mut frame: Vec<u8>) -> Vec<Vec<u8>> {
            if frame[1] == 10 {
                frame.copy_within(6..38, 38);
            }
            vec![frame]
        }
    }
    let error = first_step(&small(), 1, &mut Copy).err().unwrap();
    assert_eq!(error.fault(), Some(Fault::ElementRepeated));
}

#[test]
fn a_network_that_asks_for_malicious_security_refuses_it() {
    let setup = setup(Protocol::Cardinality, 1, 1, 1);
    let refused = setup.open(0, Security::Malicious).unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::SecurityTooWeak));
    let selectors = vec![b"a".to_vec(), b"b".to_vec()];
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let mut rng = rng(1);
    let error = Receiver::new(session.clone(), hash(&setup, &selectors), &mut rng)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::SetTooLarge));
    let error = Sender::new(session, hash(&setup, &selectors), &mut rng)
        .err()
        .unwrap();
    assert_eq!(error.refusal(), Some(Refusal::SetTooLarge));
}
