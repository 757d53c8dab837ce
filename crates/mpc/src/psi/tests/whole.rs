//! Joint sets of many parts as one role, from tables that went to disk.

use rand::{RngExt, rngs::StdRng};

use super::world::*;
use crate::{
    Error, Refusal,
    psi::{
        rr22::whole::{Receiver, Sender},
        *,
    },
    vole::Code,
};

type Source = Box<dyn FnMut(u16) -> Result<Set, Error>>;

pub(super) struct Pair {
    pub(super) receiver: Receiver<Source>,
    sender: Sender<Source>,
}

impl Roles for Pair {
    fn pull_receiver(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.receiver.pull()
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

/// A table's parts, by way of a spill that keeps next to nothing in memory.
fn source(setup: &Setup, selectors: &[Vec<u8>], size: u32) -> Source {
    let dir = tempfile::tempdir().unwrap();
    let mut spill = Spill::within(setup, dir.path(), 500).unwrap();
    selectors
        .iter()
        .for_each(|selector| spill.add(selector).unwrap());
    Box::new(move |part| {
        // The last rows may go to its file now.
        let _ = &dir;
        spill.part(part, size as usize)
    })
}

pub(super) fn setup_of(protocol: Protocol, parts: u16, instance: &Instance, run: u64) -> Setup {
    let [mine, theirs] = instance
        .padded
        .map(|size| part_size(size, usize::from(parts)));
    Setup {
        parts,
        ..setup(protocol, mine, theirs, run)
    }
}

pub(super) fn pair(setup: &Setup, instance: &Instance, rng: &mut StdRng) -> Pair {
    let mine = source(setup, &instance.receiver, setup.receiver_items);
    let theirs = source(setup, &instance.sender, setup.sender_items);
    let least = Security::SemiHonest;
    Pair {
        receiver: Receiver::new(setup.clone(), least, Code::Fast, mine, rng).unwrap(),
        sender: Sender::new(setup.clone(), least, Code::Fast, theirs, rng).unwrap(),
    }
}

#[test]
fn real_equals_ideal_whatever_the_parts() {
    let mut shapes = rng(1);
    // Each part begins with a correlation of its own, which is what this costs.
    for seed in 0..12 {
        let instance = instance(&mut shapes, 400);
        let parts = shapes.random_range(1..5);
        for protocol in ALL {
            let setup = setup_of(protocol, parts, &instance, seed);
            let mut pair = pair(&setup, &instance, &mut rng(seed));
            drive(&mut pair, &mut Honest).unwrap();
            assert_eq!(pair.receiver.permille(), 1000);
            assert_eq!(pair.sender.permille(), 1000);
            let (found, transcript) = pair.receiver.finish().unwrap();
            let expected = ideal::intersection(&instance.receiver, &instance.sender);
            assert_eq!(found, expected, "{protocol:?}, {parts} parts, seed {seed}");
            assert_eq!(transcript, pair.sender.finish().unwrap());
        }
    }
}

#[test]
fn a_table_that_cannot_be_read_ends_the_role() {
    let instance = Instance {
        receiver: vec![vec![1], vec![2]],
        sender: vec![vec![2]],
        padded: [2, 1],
    };
    let setup = setup_of(ALL[0], 2, &instance, 1);
    let mut pair = pair(&setup, &instance, &mut rng(1));
    let broken: Source = Box::new(|_| Err(Refusal::SetTooLarge.into()));
    let least = Security::Malicious;
    pair.receiver = Receiver::new(setup.clone(), least, Code::Fast, broken, &mut rng(1)).unwrap();
    let failed = drive(&mut pair, &mut Honest).err().unwrap();
    assert_eq!(failed.refusal(), Some(Refusal::SetTooLarge));
    assert!(pair.receiver.pull().unwrap().is_none());
    assert!(pair.receiver.on_frame(&[1, 6]).is_err());
    let over = pair.receiver.finish().err().unwrap();
    assert_eq!(over.refusal(), Some(Refusal::Aborted));
}
