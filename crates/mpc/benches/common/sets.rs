//! Sets, scopes and correlations for the benches of joint sets.
//!
//! Why it exists: they all compare the same ids, and all need real correlations.
#![allow(dead_code, reason = "each bench uses a part")]

use mpc::{
    lookup::Scope,
    psi::{Items, Set},
    vole::{self, Params, ReceiverOutput, SenderOutput},
};
use primitives::{Digest, NetworkId};
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha256};

use super::measure::Clock;

/// Distinct 128-bit ids.
pub(crate) fn ids(first: usize, count: usize) -> Vec<[u8; 16]> {
    (first..first + count)
        .map(|n| {
            let mut id = [0; 16];
            id.copy_from_slice(&Sha256::digest(n.to_be_bytes())[..16]);
            id
        })
        .collect()
}

/// Hashes sets once, which nobody can do without.
pub(crate) fn floor<'a>(ids: impl Iterator<Item = &'a [u8; 16]>) -> f64 {
    let mut clock = Clock::default();
    clock.time("floor", || {
        let mut sum = 0u8;
        for id in ids {
            sum ^= Sha256::digest(id)[0];
        }
        std::hint::black_box(sum);
    });
    clock.total()
}

/// A scope that stands for any.
pub(crate) fn scope() -> Scope {
    let digest = Digest::of("bench", &[]);
    Scope {
        network: NetworkId(digest),
        warrant: digest,
        plan: digest,
        run: digest,
    }
}

/// The set of ids under a joint set's hash.
pub(crate) fn hashed(items: &Items, ids: &[[u8; 16]]) -> Set {
    Set::new(&items.all(ids.iter().map(<[u8; 16]>::as_slice)).unwrap())
}

/// A real correlation; adds its bytes.
pub(crate) fn correlate(
    digest: &Digest,
    params: Params,
    narrow: bool,
    (clock, bytes): (&mut Clock, &mut usize),
    rng: &mut StdRng,
) -> (SenderOutput, ReceiverOutput) {
    let id = *digest.as_bytes();
    let mine = "asker: correlate";
    let theirs = "evaluator: correlate";
    let (receiver, offer) = clock
        .time(mine, || {
            if narrow {
                vole::Receiver::start_narrow(id, params, rng)
            } else {
                vole::Receiver::start(id, params, rng)
            }
        })
        .unwrap();
    let sender = if narrow {
        vole::Sender::new_narrow(id, params).unwrap()
    } else {
        vole::Sender::new(id, params).unwrap()
    };
    let (sender, choices) = clock.time(theirs, || sender.on_offer(&offer, rng)).unwrap();
    let (receiver, corrections) = clock
        .time(mine, || receiver.on_choices(&choices, rng))
        .unwrap();
    let (sender, challenge) = clock
        .time(theirs, || sender.on_corrections(&corrections, rng))
        .unwrap();
    let (receiver, response) = clock
        .time(mine, || receiver.on_challenge(&challenge))
        .unwrap();
    let (sender, trees) = clock
        .time(theirs, || sender.on_response(&response, rng))
        .unwrap();
    let (receiver, inquiry) = clock.time(mine, || receiver.on_trees(&trees, rng)).unwrap();
    let (key, proof) = clock.time(theirs, || sender.on_inquiry(&inquiry)).unwrap();
    let vector = clock.time(mine, || receiver.on_proof(&proof)).unwrap();
    let messages = [
        offer,
        choices,
        corrections,
        challenge,
        response,
        trees,
        inquiry,
        proof,
    ];
    *bytes += messages.iter().map(Vec::len).sum::<usize>();
    (key, vector)
}
