//! The protocol on the oblivious function.

use rand::rngs::StdRng;

use super::world::*;
use crate::{
    Error, Fault, Refusal,
    psi::{
        diffie_hellman::{Receiver, Sender},
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
        Ok(self.sender.pull())
    }

    fn give_receiver(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.receiver.on_frame(frame)
    }

    fn give_sender(&mut self, frame: &[u8]) -> Result<Progress, Error> {
        self.sender.on_frame(frame)
    }
}

pub(super) fn pair(setup: &Setup, instance: &Instance, rng: &mut StdRng) -> Pair {
    let session = setup.open(0, Security::Malicious).unwrap();
    let mine = hash(setup, &instance.receiver);
    let theirs = hash(setup, &instance.sender);
    Pair {
        receiver: Receiver::new(session.clone(), mine, rng).unwrap(),
        sender: Sender::new(session, theirs, rng).unwrap(),
    }
}

fn agree(instance: &Instance, seed: u64) {
    let [mine, theirs] = instance.padded;
    let setup = setup(Protocol::DiffieHellman, mine, theirs, seed);
    let mut pair = pair(&setup, instance, &mut rng(seed));
    drive(&mut pair, &mut Honest).unwrap();
    let (found, transcript) = pair.receiver.finish().unwrap();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    assert_eq!(found, expected, "seed {seed}");
    assert_eq!(transcript, pair.sender.finish().unwrap());
}

#[test]
fn real_equals_ideal_over_many_small_instances() {
    let mut shapes = rng(11);
    for seed in 0..1000 {
        agree(&instance(&mut shapes, 10), seed);
    }
}

#[test]
fn real_equals_ideal_over_several_frames() {
    let selectors = |range: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        range.map(|n| n.to_be_bytes().to_vec()).collect()
    };
    let instance = Instance {
        receiver: selectors(0..9000),
        sender: selectors(8000..8100),
        padded: [9001, 100],
    };
    agree(&instance, 1);
}

#[test]
fn a_window_of_frames_is_not_exceeded() {
    let setup = setup(Protocol::DiffieHellman, 9_000, 1, 1);
    let instance = Instance {
        receiver: vec![b"a".to_vec()],
        sender: vec![b"a".to_vec()],
        padded: [9_000, 1],
    };
    let mut pair = pair(&setup, &instance, &mut rng(1));
    let key = pair.sender.pull().unwrap();
    pair.receiver.on_frame(&key).unwrap();
    let frames: Vec<Vec<u8>> = std::iter::from_fn(|| pair.receiver.pull()).collect();
    assert_eq!(frames.len(), 2);
    for frame in &frames {
        pair.sender.on_frame(frame).unwrap();
    }
    let error = pair.sender.on_frame(&frames[0]).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::OutOfOrder));
}

#[test]
fn evaluations_under_another_key_are_caught() {
    let setup = setup(Protocol::DiffieHellman, 2, 2, 1);
    let instance = Instance {
        receiver: vec![b"a".to_vec()],
        sender: vec![b"a".to_vec()],
        padded: [2, 2],
    };
    let mut honest = pair(&setup, &instance, &mut rng(1));
    let mut other = pair(&setup, &instance, &mut rng(2));
    honest
        .receiver
        .on_frame(&honest.sender.pull().unwrap())
        .unwrap();
    other.sender.pull().unwrap();
    other
        .sender
        .on_frame(&honest.receiver.pull().unwrap())
        .unwrap();
    let evaluated = other.sender.pull().unwrap();
    let error = honest.receiver.on_frame(&evaluated).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::ProofInvalid));
}

#[test]
fn elements_that_are_none_are_named() {
    let setup = setup(Protocol::DiffieHellman, 1, 1, 1);
    let instance = Instance {
        receiver: vec![b"a".to_vec()],
        sender: vec![b"a".to_vec()],
        padded: [1, 1],
    };
    for (byte, fault) in [(0, Fault::Identity), (0xff, Fault::NotCanonical)] {
        let mut pair = pair(&setup, &instance, &mut rng(1));
        let mut key = pair.sender.pull().unwrap();
        key[2..].fill(byte);
        assert_eq!(
            pair.receiver.on_frame(&key).unwrap_err().fault(),
            Some(fault)
        );
        let mut pair = self::pair(&setup, &instance, &mut rng(1));
        pair.receiver
            .on_frame(&pair.sender.pull().unwrap())
            .unwrap();
        let mut blinded = pair.receiver.pull().unwrap();
        blinded[6..].fill(byte);
        assert_eq!(
            pair.sender.on_frame(&blinded).unwrap_err().fault(),
            Some(fault)
        );
    }
}

#[test]
fn sets_and_sessions_that_do_not_fit_are_refused() {
    let selectors = vec![b"a".to_vec(), b"b".to_vec()];
    let mut rng = rng(1);
    for (protocol, size, refusal) in [
        (Protocol::DiffieHellman, 1, Refusal::SetTooLarge),
        (
            Protocol::Rr22(Security::Malicious),
            2,
            Refusal::ParameterRange,
        ),
    ] {
        let setup = setup(protocol, size, size, 1);
        let session = setup.open(0, Security::Malicious).unwrap();
        let set = || hash(&setup, &selectors);
        let error = Receiver::new(session.clone(), set(), &mut rng)
            .err()
            .unwrap();
        assert_eq!(error.refusal(), Some(refusal));
        let error = Sender::new(session, set(), &mut rng).err().unwrap();
        assert_eq!(error.refusal(), Some(refusal));
    }
}
