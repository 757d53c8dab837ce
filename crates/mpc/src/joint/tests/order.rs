//! Sorting by short hashes, on the edge of where they collide.

use super::*;
use crate::joint::{
    key::Key,
    order::{Part, any, open_flags, sort_by, sort_with_width},
};

fn keys(party: &mut Party<'_>, numbers: &[u64]) -> Result<Part, Error> {
    let keys: Vec<Subject> = numbers.iter().map(|n| subject("phone", *n)).collect();
    let column = |at: usize| keys.iter().map(|key| key[at]).collect::<Vec<u64>>();
    Ok(Part::Key(Key {
        high: party.public_words(&column(0), 64),
        low: party.public_words(&column(1), 64),
    }))
}

/// Whether every key is in one piece.
fn in_one_piece(keys: &[Vec<u64>], begins: &[u64]) -> bool {
    let starts: Vec<&Vec<u64>> = keys
        .iter()
        .enumerate()
        .filter(|(at, _)| begins[at / 64] >> (at % 64) & 1 == 1)
        .map(|(_, key)| key)
        .collect();
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    starts.len() == different.len() && starts.iter().all(|key| different.contains(*key))
}

/// With hashes of so few bits that different keys collide all the time, either
/// the collision is seen or every group is in one piece.
#[test]
fn short_hashes_that_collide_are_seen() {
    let mut rng = StdRng::seed_from_u64(61);
    let (mut seen, mut whole) = (0, 0);
    for seed in 0..60 {
        let rows = rng.random_range(2..40);
        let numbers: Vec<u64> = (0..rows).map(|_| rng.random_range(0..8)).collect();
        let security = BOTH[usize::from(seed % 8 == 0)];
        let got = agreed(security, seed, |party| {
            let part = keys(party, &numbers)?;
            let sorted = match sort_with_width(party, &[part], &[], 4)? {
                Some(sorted) => sorted,
                None => return Ok(None),
            };
            let mut columns = Vec::new();
            for words in sorted.parts[0].words() {
                columns.push(party.open_words(&words)?);
            }
            let rows = (0..rows).map(|at| vec![columns[0][at], columns[1][at]]);
            let rows: Vec<Vec<u64>> = rows.collect();
            Ok(Some((rows, party.open_bits(&sorted.begins[0])?)))
        });
        match got {
            Some((keys, begins)) => {
                assert!(in_one_piece(&keys, &begins), "seed {seed}");
                whole += 1;
            }
            None => seen += 1,
        }
    }
    assert!(seen > 10 && whole > 10, "{seen} seen, {whole} whole");
}

#[test]
fn groups_of_two_parts_begin_where_either_changes() {
    let got = agreed(Security::Malicious, 3, |party| {
        let part = keys(party, &[5, 5, 5, 6])?;
        let second = Part::Plain(party.public_words(&[1, 0, 1, 1], 1));
        let sorted = sort_by(party, &[part, second], &[])?;
        let mut counts = Vec::new();
        for begins in &sorted.begins {
            counts.push(party.count_flagged(begins)?);
        }
        Ok(counts)
    });
    assert_eq!(got, [2, 3]);
}

#[test]
fn any_row_of_a_plane() {
    for rows in [0usize, 1, 63, 64, 65, 130, 1000] {
        for set in [None, Some(0), Some(rows / 2), rows.checked_sub(1)] {
            let mut values = vec![0; rows];
            let due = match set {
                Some(at) if at < rows => {
                    values[at] = 1;
                    true
                }
                _ => false,
            };
            let got = agreed(Security::SemiHonest, 4, |party| {
                let bits = party.public_words(&values, 1).to_bits();
                // Bits past the last row must not count.
                let bits = party.not(&party.not(&bits));
                let found = any(party, &bits)?;
                let inverted = party.not(&bits);
                let rest = any(party, &inverted)?;
                open_flags(party, &[found, rest])
            });
            assert_eq!(got, [due, rows > usize::from(due)], "{rows} {set:?}");
        }
    }
}
