//! Questions asked of three parties equal the ideal ones; villains are caught.

use primitives::Digest;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    Gate, Words,
    ideal::Subject,
    key::subject_key,
    table::{Schema, Table},
};
use crate::{
    Error, Refusal,
    shares::{Party, Security, memory},
};

mod answers;
mod in_common;
mod instances;
mod order;
mod parts;
mod questions;
mod risk;
mod villains;

const BOTH: [Security; 2] = [Security::SemiHonest, Security::Malicious];

fn session() -> Digest {
    Digest::plain(b"joint session")
}

/// The subject of a small number.
fn subject(kind: &str, number: u64) -> Subject {
    subject_key(&session(), kind, &number.to_be_bytes())
}

/// Rows into columns.
fn columns<const N: usize>(rows: &[[u64; N]]) -> Vec<Vec<u64>> {
    (0..N)
        .map(|at| rows.iter().map(|row| row[at]).collect())
        .collect()
}

/// One owner's table, padded to `rows` where it can be, as this party receives it.
fn give(
    party: &mut Party<'_>,
    schema: &Schema,
    owner: &str,
    mut columns: Vec<Vec<u64>>,
    rows: usize,
) -> Result<Table, Error> {
    let seed = owner
        .bytes()
        .fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let mut rng = StdRng::seed_from_u64(seed);
    if rows > columns[0].len() {
        schema.pad(&mut columns, rows, &mut rng)?;
    }
    let rows = columns[0].len();
    let messages = schema.share(&session(), owner, &columns, &mut rng)?;
    Table::receive(
        party,
        schema,
        &session(),
        owner,
        rows,
        &messages[party.index()],
    )
}

/// A table of two owners, who have every other row, one of them padded.
fn give_two<const N: usize>(
    party: &mut Party<'_>,
    schema: &Schema,
    rows: &[[u64; N]],
) -> Result<Table, Error> {
    let half = |odd: usize| {
        let own = rows.iter().skip(odd).step_by(2);
        columns(&own.copied().collect::<Vec<_>>())
    };
    let first = give(party, schema, "owner-a", half(0), 0)?;
    let padded = rows.len() / 2 + 3;
    first.append(&give(party, schema, "owner-b", half(1), padded)?)
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

/// The count, and the rows that open under a cap, as sorted rows.
fn opened(party: &mut Party<'_>, gate: Gate, cap: usize) -> Result<(usize, Vec<Vec<u64>>), Error> {
    let count = gate.count();
    let columns = gate.open(party, cap)?;
    Ok((count, rows_of(party, &columns)?))
}

fn rows_of(party: &mut Party<'_>, columns: &[Words]) -> Result<Vec<Vec<u64>>, Error> {
    let mut plain = Vec::new();
    for column in columns {
        plain.push(party.open_words(column)?);
    }
    let count = plain.first().map_or(0, Vec::len);
    let mut rows: Vec<Vec<u64>> = (0..count)
        .map(|at| plain.iter().map(|column| column[at]).collect())
        .collect();
    rows.sort_unstable();
    Ok(rows)
}

/// Sizes of random instances: mostly small, some far apart.
fn size(rng: &mut StdRng) -> usize {
    match rng.random_range(0..6) {
        0 => 0,
        1 => 1,
        2..=4 => rng.random_range(2..20),
        _ => rng.random_range(20..150),
    }
}
