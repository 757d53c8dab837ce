//! Programs over shares equal the ideal ones; villains are caught.

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Arith, Bits, Extreme, Party, Security, Words, ideal,
    input::{Binding, share},
    memory,
};
use crate::{Error, Fault, Refusal};

mod operations;
mod tables;
pub(crate) mod villains;

const BOTH: [Security; 2] = [Security::SemiHonest, Security::Malicious];

fn binding(column: &str, rows: usize, width: u32) -> Binding {
    Binding {
        session: primitives::Digest::plain(b"session"),
        owner: "bank-a".to_owned(),
        column: column.to_owned(),
        rows,
        width,
    }
}

/// A column of some owner, as this party receives it.
fn give(party: &mut Party<'_>, column: &str, values: &[u64], width: u32) -> Result<Words, Error> {
    let binding = binding(column, values.len(), width);
    let seed = column
        .bytes()
        .fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let messages = share(&binding, values, &mut StdRng::seed_from_u64(seed))?;
    party.receive_input(&binding, &messages[party.index()])
}

/// A column of numbers.
fn numbers(
    party: &mut Party<'_>,
    column: &str,
    values: &[u64],
    width: u32,
) -> Result<Arith, Error> {
    let words = give(party, column, values, width)?;
    party.words_to_arith(&words)
}

/// What all three came to, which must be the same.
#[track_caller]
fn agreed<T: PartialEq + std::fmt::Debug + Send>(
    security: Security,
    seed: u64,
    program: impl Fn(&mut Party<'_>) -> Result<T, Error> + Sync,
) -> T {
    let [a, b, c] = memory::run(security, seed, program).map(|result| result.unwrap());
    assert_eq!(a, b);
    assert_eq!(b, c);
    a
}

fn bit(planes: &[u64], at: usize) -> u64 {
    planes[at / 64] >> (at % 64) & 1
}

/// Values of a width with the boundaries in front.
fn values(rng: &mut StdRng, rows: usize, width: u32) -> Vec<u64> {
    let mask = super::column::low_mask(width);
    let edges = [0, 1, mask, mask >> 1, (mask >> 1) + 1, 0, mask];
    (0..rows)
        .map(|at| match edges.get(at) {
            Some(edge) => edge & mask,
            None if rng.random_bool(0.2) => rng.random_range(0..4) & mask,
            None => rng.next_u64() & mask,
        })
        .collect()
}
