//! The roles together: the relation, and peers who alter what they send.

use rand::{RngExt, SeedableRng, rngs::StdRng};

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

/// The messages of an honest run.
fn honest(params: Params, seed: u64) -> Vec<(Kind, Vec<u8>)> {
    let mut messages = Vec::new();
    run(params, seed, |kind, message| {
        messages.push((kind, message.clone()));
        message
    })
    .unwrap();
    messages
}

/// Runs with one message altered: either somebody refuses with a fault, or both
/// end with a correlation. Says whether somebody refused.
fn alter(
    params: Params,
    seed: u64,
    which: Kind,
    change: impl Fn(&mut Vec<u8>),
) -> Option<crate::Fault> {
    let mut sent = Vec::new();
    let outcome = run(params, seed, |kind, mut message| {
        if kind == which {
            change(&mut message);
            sent.clone_from(&message);
        }
        message
    });
    match outcome {
        Ok((sender, receiver)) => {
            assert!(
                is_correlated(&sender, &receiver),
                "{which:?} accepted and wrong"
            );
            None
        }
        Err(error) => {
            let crate::ErrorKind::Fault { fault, evidence } = error.kind() else {
                panic!("{which:?} gives no fault: {error}");
            };
            assert!(!evidence.is_empty() || sent.is_empty(), "{which:?}");
            Some(*fault)
        }
    }
}

#[test]
fn a_message_of_another_size_is_malformed() {
    let params = fast(1);
    for (kind, message) in honest(params, 10) {
        let len = message.len();
        for size in [0, 1, len - 1, len + 1] {
            let fault = alter(params, 10, kind, |message| message.resize(size, 0));
            assert_eq!(fault, Some(crate::Fault::Malformed), "{kind:?} {size}");
        }
    }
}

#[test]
fn a_message_in_the_place_of_another_is_out_of_order() {
    let params = fast(1);
    let messages = honest(params, 11);
    for (place, (kind, _)) in messages.iter().enumerate() {
        for (other_place, (other, message)) in messages.iter().enumerate() {
            if other_place == 0 && place > 0 || place.abs_diff(other_place) == 1 {
                let fault = alter(params, 11, *kind, |sent| sent.clone_from(message));
                assert_eq!(fault, Some(crate::Fault::OutOfOrder), "{kind:?} {other:?}");
            }
        }
        for (place, value) in [(0, 2), (1, 9)] {
            let fault = alter(params, 11, *kind, |message| message[place] = value);
            assert_eq!(fault, Some(crate::Fault::Malformed), "{kind:?}");
        }
    }
}

#[test]
fn a_message_of_another_run_is_refused() {
    // The same parties, session and parameters; only the randomness differs. The
    // offer is the one message that says nothing before it was answered.
    let params = fast(1);
    for (kind, message) in honest(params, 12) {
        let fault = alter(params, 13, kind, |sent| sent.clone_from(&message));
        assert!(fault.is_some(), "{kind:?}");
    }
}

#[test]
fn parties_of_different_sessions_or_parameters_never_agree() {
    let params = fast(1);
    let cases = [
        ([2; 32], params),
        (SESSION, fast(2)),
        (SESSION, conservative(1)),
    ];
    for (session, other) in cases {
        let mut rng = StdRng::seed_from_u64(14);
        let sender = Sender::new(session, other).unwrap();
        let (receiver, message) = Receiver::start(SESSION, params, &mut rng).unwrap();
        let (sender, message) = sender.on_offer(&message, &mut rng).unwrap();
        let (_, message) = receiver.on_choices(&message, &mut rng).unwrap();
        let refused = sender.on_corrections(&message, &mut rng).map(|_| ());
        assert!(refused.unwrap_err().fault().is_some());
    }
}

/// Offsets into a body at which a field begins, and the field's name.
fn fields(kind: Kind, params: Params) -> Vec<(&'static str, usize, usize)> {
    let shape = params::Shape::new(params).unwrap();
    let noise = subspace::TREES_BYTES + subspace::corrections_bytes(shape.noise_len());
    let tree = shape.depth * 32 + 16;
    match kind {
        Kind::Offer => vec![("nonce", 0, 32), ("element", 32, 32)],
        Kind::Choices => vec![("nonce", 0, 32), ("left", 32, 32), ("right", 64, 32)],
        Kind::Corrections => vec![
            ("levels of noise", 0, 256),
            ("sum of proofs", 256, 32),
            ("digest", 288, 32),
            ("noise corrections", subspace::TREES_BYTES, 16),
            ("last noise correction", noise - 16, 16),
            ("levels of transfers", noise, 256),
            ("transfer corrections", noise + subspace::TREES_BYTES, 16),
        ],
        Kind::Challenge => vec![("point", 0, 16)],
        Kind::Response => vec![
            ("noise's hash", 0, 16),
            ("first column", 16, 16),
            ("last column", 128 * 16, 16),
            ("transfers' hash", 129 * 16, 16),
            ("transfers' last column", 257 * 16, 16),
        ],
        Kind::Trees => vec![
            ("first tree's levels", 0, shape.depth * 32),
            ("first tree's total", shape.depth * 32, 16),
            (
                "last tree's levels",
                (shape.trees - 1) * tree,
                shape.depth * 32,
            ),
            ("last tree's total", shape.trees * tree - 16, 16),
        ],
        Kind::Inquiry => vec![("point", 0, 16), ("masked value", 16, 16)],
        Kind::Proof => vec![("proof", 0, 32)],
    }
}

const KINDS: [Kind; 8] = [
    Kind::Offer,
    Kind::Choices,
    Kind::Corrections,
    Kind::Challenge,
    Kind::Response,
    Kind::Trees,
    Kind::Inquiry,
    Kind::Proof,
];

#[test]
fn an_altered_field_is_refused_or_harmless() {
    let params = fast(1);
    for kind in KINDS {
        for (name, start, len) in fields(kind, params) {
            let mut refused = 0;
            for bit in [0, 8 * len - 1] {
                let at = 2 + start + bit / 8;
                let change = |message: &mut Vec<u8>| message[at] ^= 1 << (bit % 8);
                refused += usize::from(alter(params, 15, kind, change).is_some());
            }
            // Only a sum that the other side does not open may change unseen.
            let may_pass = name.contains("levels");
            assert!(refused == 2 || may_pass, "{kind:?} {name}: {refused} of 2");
        }
    }
}

#[test]
fn fields_that_are_zeroed_or_filled_are_refused_or_harmless() {
    let params = fast(1);
    for kind in KINDS {
        for (name, start, len) in fields(kind, params) {
            for value in [0x00, 0xff] {
                let field = 2 + start..2 + start + len;
                let fault = alter(params, 16, kind, |message| {
                    message[field.clone()].fill(value)
                });
                assert!(fault.is_some(), "{kind:?} {name} {value}");
            }
        }
    }
}

#[test]
fn random_alterations_are_refused_or_harmless() {
    let params = fast(1);
    let mut rng = StdRng::seed_from_u64(17);
    for round in 0..24 {
        let kind = KINDS[round % KINDS.len()];
        let size = 2 + kind.body_bytes(&params::Shape::new(params).unwrap());
        let (at, bit) = (rng.random_range(2..size), rng.random_range(0..8u32));
        alter(params, round as u64, kind, |message| {
            message[at] ^= 1 << bit
        });
    }
}

#[test]
fn blocks_that_change_places_are_refused_or_harmless() {
    let params = fast(1);
    for (kind, size, places) in [
        (Kind::Choices, 64, vec![(32, 96), (32, 32 + 128 * 64)]),
        (
            Kind::Corrections,
            16,
            vec![(5120, 5136), (5120, 5120 + 1026 * 16)],
        ),
        (Kind::Response, 16, vec![(0, 16), (16, 32), (16, 130 * 16)]),
        (Kind::Trees, 112, vec![(0, 112), (0, 112 * 1023)]),
        (Kind::Inquiry, 16, vec![(0, 16)]),
    ] {
        for (first, second) in places {
            let fault = alter(params, 18, kind, |message| {
                for i in 0..size {
                    message.swap(2 + first + i, 2 + second + i);
                }
            });
            assert!(fault.is_some(), "{kind:?} {first} {second}");
        }
    }
}

#[test]
fn points_that_are_the_identity_or_not_canonical_are_named() {
    let params = fast(1);
    for (value, fault) in [
        (0x00, crate::Fault::Identity),
        (0xff, crate::Fault::NotCanonical),
    ] {
        for (kind, start) in [
            (Kind::Offer, 34),
            (Kind::Choices, 34),
            (Kind::Choices, 34 + 64 * 255),
        ] {
            let seen = alter(params, 19, kind, |message| {
                message[start..start + 32].fill(value)
            });
            assert_eq!(seen, Some(fault), "{kind:?}");
        }
    }
}

/// A sender who lies about one level of one tree is caught when the receiver opens
/// that side, and has changed nothing when not: about half of the time each.
#[test]
fn a_lie_about_one_side_of_a_level_is_a_coin_toss_and_never_a_wrong_answer() {
    let params = fast(1);
    let caught = (0..10)
        .filter(|seed| alter(params, *seed, Kind::Trees, |message| message[2] ^= 1).is_some())
        .count();
    assert!((1..=9).contains(&caught), "{caught}");
}

#[test]
fn the_receivers_vector_looks_random() {
    let (sender, receiver) = run(fast(1 << 16), 20, |_, message| message).unwrap();
    for vector in [&receiver.a, &receiver.c, &sender.b] {
        // Each bit's ones: 2^15 with a standard deviation of 128.
        for bit in 0..128 {
            let ones: usize = vector
                .iter()
                .map(|a| usize::from(a.bit(bit).unwrap_u8()))
                .sum();
            assert!(ones.abs_diff(1 << 15) < 6 * 128, "{bit}: {ones}");
        }
        // Neighbours do not repeat, and neither do their differences.
        let mut seen: Vec<u128> = vector.iter().map(|a| a.0).collect();
        seen.extend(vector.windows(2).map(|pair| (pair[0] + pair[1]).0));
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}

#[test]
fn runs_under_one_session_share_nothing() {
    let (first, a) = run(fast(100), 21, |_, message| message).unwrap();
    let (second, b) = run(fast(100), 22, |_, message| message).unwrap();
    assert!(first.delta != second.delta);
    assert!(a.a.iter().all(|x| b.a.iter().all(|y| x != y)));
}

#[test]
fn a_length_that_is_not_permitted_is_refused_by_both_roles() {
    let mut rng = StdRng::seed_from_u64(23);
    for len in [0, crate::limits::VOLE_LEN_MAX + 1] {
        let sender = Sender::new(SESSION, fast(len)).map(|_| ());
        let receiver = Receiver::start(SESSION, fast(len), &mut rng).map(|_| ());
        for refused in [sender, receiver] {
            let refusal = refused.unwrap_err().refusal();
            assert_eq!(refusal, Some(crate::Refusal::ParameterRange));
        }
    }
}

#[test]
fn every_message_keeps_within_its_limit() {
    for code in [Code::Fast, Code::Conservative] {
        for len in (0..=25).map(|power| 1 << power) {
            let shape = params::Shape::new(Params { len, code }).unwrap();
            for kind in KINDS {
                let bytes = 2 + kind.body_bytes(&shape);
                assert!(
                    bytes <= crate::limits::VOLE_MESSAGE_BYTES_MAX,
                    "{kind:?} {len}"
                );
            }
        }
    }
}

/// The bytes of a run with known seeds; who changes them changes the wire format.
#[test]
fn the_wire_is_pinned() {
    use sha2::Digest as _;
    let digests: Vec<String> = honest(fast(5), 24)
        .iter()
        .map(|(_, message)| hex::encode(&sha2::Sha256::digest(message)[..4]))
        .collect();
    let pinned = [
        "e3bfcc5a", "c9b769fa", "5e896c10", "53d06358", "87e7aa98", "c9d8e698", "e5acd8eb",
        "9de13b6c",
    ];
    assert_eq!(digests, pinned);
}
