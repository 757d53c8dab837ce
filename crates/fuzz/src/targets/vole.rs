//! The oblivious evaluation under the joint sets: each role in each state, against a
//! peer that sends anything.

use std::sync::LazyLock;

use mpc::{
    Error,
    vole::{Code, Params, Receiver, Sender},
};
use rand::{SeedableRng as _, rngs::StdRng};

use super::Target;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "vole",
            "a message of the silent VOLE, in each state of each role",
            seeds,
            check,
        )
        .smoke(8)
        .memory(64 << 20),
    ]
}

const SESSION: [u8; 32] = [5; 32];

fn params() -> Params {
    Params {
        len: 64,
        code: Code::Fast,
    }
}

/// Runs both roles, each message through `wire`, which knows its number.
fn run(wire: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>) -> Result<(), Error> {
    let mut mine = StdRng::seed_from_u64(1);
    let mut theirs = StdRng::seed_from_u64(2);
    let (receiver, offer) = Receiver::start(SESSION, params(), &mut mine)?;
    let sender = Sender::new(SESSION, params())?;
    let (sender, choices) = sender.on_offer(&wire(0, offer), &mut theirs)?;
    let (receiver, corrections) = receiver.on_choices(&wire(1, choices), &mut mine)?;
    let (sender, challenge) = sender.on_corrections(&wire(2, corrections), &mut theirs)?;
    let (receiver, response) = receiver.on_challenge(&wire(3, challenge))?;
    let (sender, trees) = sender.on_response(&wire(4, response), &mut theirs)?;
    let (receiver, inquiry) = receiver.on_trees(&wire(5, trees), &mut mine)?;
    let (key, proof) = sender.on_inquiry(&wire(6, inquiry))?;
    let vector = receiver.on_proof(&wire(7, proof))?;
    for ((a, c), b) in vector.a.iter().zip(&vector.c).zip(&key.b) {
        assert!(*c == *a * key.delta + *b, "a relation that does not hold");
    }
    Ok(())
}

fn honest() -> &'static [Vec<u8>] {
    static HONEST: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let mut messages = Vec::new();
        run(&mut |_, message| {
            messages.push(message.clone());
            message
        })
        .expect("an honest run");
        messages
    });
    &HONEST
}

/// The number of a message, a place in it, and the bytes that stand there instead;
/// the last byte says whether the message ends with them.
fn seeds() -> Vec<Vec<u8>> {
    (0u8..)
        .zip(honest())
        .flat_map(|(number, message)| {
            let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
            [2, length / 2].map(|place| {
                let at = usize::from(place).min(message.len());
                let piece = &message[at..message.len().min(at + 32)];
                [&[number][..], &place.to_be_bytes(), piece, &[0]].concat()
            })
        })
        .collect()
}

fn check(bytes: &[u8]) {
    let [number, high, low, bytes @ .., ends] = bytes else {
        return;
    };
    let messages = honest();
    let at = usize::from(*number) % messages.len();
    let mut altered = messages[at].clone();
    let place = usize::from(u16::from_be_bytes([*high, *low])).min(altered.len());
    let end = if ends & 1 == 1 {
        altered.len()
    } else {
        (place + bytes.len()).min(altered.len())
    };
    altered.splice(place..end, bytes.iter().copied());
    let outcome = run(&mut |number, message| {
        if number == at {
            altered.clone()
        } else {
            message
        }
    });
    // An altered message may be taken: of each pair of a tree's sums a receiver reads one.
    // What it ends with then is right nevertheless, which `run` has checked.
    if let Err(error) = outcome {
        drop(error.to_string());
    }
}
