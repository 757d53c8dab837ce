//! Setups, sets and a wire for the tests of all protocols.

use primitives::{Digest, InstitutionId, NetworkId};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{Error, lookup::Scope, psi::*};

pub(super) const ALL: [Protocol; 2] = [
    Protocol::Rr22(Security::Malicious),
    Protocol::Rr22(Security::SemiHonest),
];

pub(in crate::psi) fn setup(protocol: Protocol, receiver: usize, sender: usize, run: u64) -> Setup {
    let digest = |name: &str| Digest::of("psi test", &[name.as_bytes()]);
    Setup {
        scope: Scope {
            network: NetworkId(digest("network")),
            warrant: digest("warrant"),
            plan: digest("plan"),
            run: Digest::of("psi test run", &[&run.to_be_bytes()]),
        },
        step: 0,
        parts: 1,
        receiver: InstitutionId::new("police").unwrap(),
        sender: InstitutionId::new("telecom_a").unwrap(),
        receiver_snapshot: digest("receiver"),
        sender_snapshot: digest("sender"),
        receiver_items: u32::try_from(receiver).unwrap(),
        sender_items: u32::try_from(sender).unwrap(),
        protocol,
    }
}

pub(super) fn hash(setup: &Setup, selectors: &[Vec<u8>]) -> Set {
    let selectors = selectors.iter().map(Vec::as_slice);
    Set::new(&Items::of(setup).all(selectors).unwrap())
}

/// Two sets of the shapes that break protocols, and sizes to pad them to.
pub(super) fn instance(rng: &mut StdRng, largest: usize) -> Instance {
    let mut sizes = [0, 0].map(|_| match rng.random_range(0..8) {
        0 => 0,
        1 => 1,
        _ => rng.random_range(0..=largest),
    });
    let universe = match rng.random_range(0..5) {
        0 => 1,
        1 => sizes[0].max(1) as u64,
        2 => u64::MAX,
        _ => (2 * largest) as u64,
    };
    if rng.random_range(0..6) == 0 {
        sizes[1] = sizes[0];
    }
    let draw = |count: usize, rng: &mut StdRng| -> Vec<Vec<u8>> {
        (0..count)
            .map(|_| format!("phone:{}", rng.random_range(0..universe)).into_bytes())
            .collect()
    };
    let receiver = draw(sizes[0], rng);
    let mut sender = draw(sizes[1], rng);
    if rng.random_range(0..6) == 0 {
        sender = receiver.iter().rev().cloned().collect();
    }
    let padding = [0, 0].map(|_| match rng.random_range(0..3) {
        0 => 0,
        1 => 1,
        _ => rng.random_range(0..20),
    });
    Instance {
        padded: [receiver.len() + padding[0], sender.len() + padding[1]],
        receiver,
        sender,
    }
}

pub(super) struct Instance {
    pub(super) receiver: Vec<Vec<u8>>,
    pub(super) sender: Vec<Vec<u8>>,
    pub(super) padded: [usize; 2],
}

/// What a wire does to the frames that cross it, counted from 0 in order.
pub(super) trait Wire {
    /// The frames that arrive for the one sent.
    fn carry(&mut self, index: usize, frame: Vec<u8>) -> Vec<Vec<u8>>;
}

/// A wire that changes nothing.
pub(super) struct Honest;

impl Wire for Honest {
    fn carry(&mut self, _: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
        vec![frame]
    }
}

/// The two roles of a protocol, as the wire sees them.
pub(super) trait Roles {
    fn pull_receiver(&mut self) -> Result<Option<Vec<u8>>, Error>;
    fn pull_sender(&mut self) -> Result<Option<Vec<u8>>, Error>;
    fn give_receiver(&mut self, frame: &[u8]) -> Result<Progress, Error>;
    fn give_sender(&mut self, frame: &[u8]) -> Result<Progress, Error>;
}

/// Runs until neither side has anything to say.
pub(super) fn drive(roles: &mut dyn Roles, wire: &mut dyn Wire) -> Result<(), Error> {
    let mut index = 0;
    loop {
        let mut quiet = true;
        while let Some(frame) = roles.pull_sender()? {
            for frame in wire.carry(index, frame) {
                roles.give_receiver(&frame)?;
            }
            index += 1;
            quiet = false;
        }
        while let Some(frame) = roles.pull_receiver()? {
            for frame in wire.carry(index, frame) {
                roles.give_sender(&frame)?;
            }
            index += 1;
            quiet = false;
        }
        if quiet {
            return Ok(());
        }
    }
}

pub(super) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
