//! The roles together: the relation, and peers who alter what they send.

use rand::{SeedableRng, rngs::StdRng};

use super::{messages::Kind, *};
use crate::Error;

const SESSION: [u8; 32] = [1; 32];

/// Runs both roles, with each message passed through `wire`.
fn run(
    params: Params,
    seed: u64,
    mut wire: impl FnMut(Kind, Vec<u8>) -> Vec<u8>,
) -> Result<(SenderOutput, ReceiverOutput), Error> {
    let mut ours = StdRng::seed_from_u64(seed);
    let mut theirs = StdRng::seed_from_u64(seed + 1_000_000);
    let sender = Sender::new(SESSION, params)?;
    let (receiver, message) = Receiver::start(SESSION, params, &mut theirs)?;
    let (sender, message) = sender.on_offer(&wire(Kind::Offer, message), &mut ours)?;
    let (receiver, message) = receiver.on_choices(&wire(Kind::Choices, message), &mut theirs)?;
    let (sender, message) = sender.on_corrections(&wire(Kind::Corrections, message), &mut ours)?;
    let (receiver, message) = receiver.on_challenge(&wire(Kind::Challenge, message))?;
    let (sender, message) = sender.on_response(&wire(Kind::Response, message), &mut ours)?;
    let (receiver, message) = receiver.on_trees(&wire(Kind::Trees, message), &mut theirs)?;
    let (sender, message) = sender.on_inquiry(&wire(Kind::Inquiry, message))?;
    let receiver = receiver.on_proof(&wire(Kind::Proof, message))?;
    Ok((sender, receiver))
}

fn is_correlated(sender: &SenderOutput, receiver: &ReceiverOutput) -> bool {
    let mut c = sender.b.clone();
    crate::field::mul_add_scalar(&mut c, &receiver.a, sender.delta);
    sender.b.len() == receiver.a.len() && c == receiver.c
}

fn fast(len: usize) -> Params {
    Params {
        len,
        code: Code::Fast,
    }
}

fn conservative(len: usize) -> Params {
    Params {
        len,
        code: Code::Conservative,
    }
}

#[test]
fn the_relation_holds_for_many_lengths() {
    for len in [1, 2, 3, 63, 1 << 10, 4095, 4097, 10_007, 1 << 16] {
        for params in [fast(len), conservative(len)] {
            let (sender, receiver) = run(params, len as u64, |_, message| message).unwrap();
            assert_eq!(receiver.a.len(), len);
            assert!(is_correlated(&sender, &receiver), "{params:?}");
        }
    }
}

#[test]
fn a_million_correlations_take_less_than_a_mebibyte() {
    let mut bytes = 0;
    let (sender, receiver) = run(fast(1 << 20), 1, |_, message| {
        bytes += message.len();
        message
    })
    .unwrap();
    assert!(is_correlated(&sender, &receiver));
    assert!(bytes < 1 << 20, "{bytes}");
}
