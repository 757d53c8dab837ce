//! A party that lies in a joint question: abort, or the right answer.

use super::*;
use crate::{
    Fault,
    joint::{
        at_the_scenes, called_then_paid,
        risk_propagation::{self, Account, Terms, ledger_columns},
        sim_box, totals,
    },
    shares::tests::villains::{DEEDS, Deed, act},
};

type Answer = (usize, Vec<Vec<u64>>);
type Program = fn(&mut Party<'_>) -> Result<Answer, Error>;

fn person(number: u64) -> Subject {
    subject("person", number)
}

fn scenes(party: &mut Party<'_>) -> Result<Answer, Error> {
    let (a, b) = (person(1), person(2));
    let rows = [[1, a[0], a[1], 0], [1, b[0], b[1], 1], [1, a[0], a[1], 1]];
    let table = give_two(party, &at_the_scenes::sightings(2, 0)?, &rows)?;
    let terms = at_the_scenes::Terms {
        scenes: 2,
        least: 2,
        name_words: 0,
    };
    let gate = at_the_scenes::count(party, &terms, &table)?;
    opened(party, gate, 2)
}

fn paid(party: &mut Party<'_>) -> Result<Answer, Error> {
    let (a, b) = (person(1), person(2));
    let phones = give(
        party,
        &called_then_paid::phones()?,
        "court",
        columns(&[[1, 7, 8]]),
        0,
    )?;
    let calls = [[1, 7, 8, a[0], a[1], 3, 6], [1, 9, 9, b[0], b[1], 3, 6]];
    let calls = give(
        party,
        &called_then_paid::calls(4)?,
        "telecom",
        columns(&calls),
        3,
    )?;
    let rows = [[1, a[0], a[1], 5, 5, 4], [1, b[0], b[1], 6, 6, 4]];
    let rows = give(
        party,
        &called_then_paid::transfers(4, 0)?,
        "bank",
        columns(&rows),
        3,
    )?;
    let terms = called_then_paid::Terms {
        time_bits: 4,
        least: 1,
        name_words: 0,
    };
    let gate = called_then_paid::count(party, &terms, &phones, &calls, &rows)?;
    opened(party, gate, 2)
}

fn boxes(party: &mut Party<'_>) -> Result<Answer, Error> {
    let (a, b) = (person(1), person(2));
    let places = [
        [1, 2, 5, 5, a[0], a[1]],
        [1, 2, 6, 6, b[0], b[1]],
        [1, 1, 7, 7, b[0], b[1]],
    ];
    let tables = sim_box::Tables {
        sims: give(party, &sim_box::sims(2)?, "telecom", columns(&[[1, 2]]), 2)?,
        premises: give(
            party,
            &sim_box::premises(2, 0)?,
            "power",
            columns(&places),
            0,
        )?,
        wet: give(party, &sim_box::wet()?, "water", columns(&[[1, 7, 7]]), 0)?,
        residents: give(
            party,
            &sim_box::residents()?,
            "police",
            columns(&[[1, a[0], a[1]]]),
            2,
        )?,
    };
    let terms = sim_box::Terms {
        cell_bits: 2,
        least: 1,
        name_words: 0,
    };
    let gate = sim_box::count(party, &terms, &tables)?;
    opened(party, gate, 2)
}

fn sums(party: &mut Party<'_>) -> Result<Answer, Error> {
    let (a, b) = (person(1), person(2));
    let set = give(
        party,
        &totals::subjects()?,
        "police",
        columns(&[[1, a[0], a[1]]]),
        2,
    )?;
    let rows = [
        [1, a[0], a[1], 3, 10],
        [1, b[0], b[1], 3, 20],
        [1, a[0], a[1], 3, 5],
    ];
    let facts = give(party, &totals::facts(3, 10)?, "bank", columns(&rows), 4)?;
    let terms = totals::Terms {
        group_bits: 3,
        amount_bits: 10,
        least: 1,
    };
    let totals = totals::count(party, &terms, &set, &facts)?;
    opened(party, totals.groups, 2)
}

fn risks(party: &mut Party<'_>) -> Result<Answer, Error> {
    let terms = Terms {
        score_bits: 4,
        weight_bits: 4,
        deltas: vec![128],
        threshold: 3,
        name_words: 0,
    };
    let account = |key, score, received| Account {
        key,
        score,
        name: vec![],
        received,
    };
    let accounts = [
        account(person(1), 8, vec![]),
        account(person(2), 0, vec![(person(1), 3)]),
        account(person(3), 0, vec![(person(2), 1), (person(1), 1)]),
    ];
    let mut rng = StdRng::seed_from_u64(1);
    let ledger = ledger_columns(&terms, &accounts, 7, &mut rng)?;
    let table = give(party, &terms.ledger()?, "bank", ledger, 0)?;
    let risks = risk_propagation::count(party, &terms, &table)?;
    let count = risks.count();
    let columns = risks.open(party, 4)?;
    Ok((count, rows_of(party, &columns)?))
}

/// Frames spread over the whole run, one deed a frame in turn; whoever does not
/// abort has the right answer.
#[track_caller]
fn altered_frames(program: Program, runs: usize) {
    let (honest, _) = act(0, None, 5, program);
    let [right, second, third] = honest.map(|result| result.unwrap());
    assert!(right == second && right == third && right.0 > 0);
    for villain in 0..3 {
        let (_, frames) = act(villain, None, 5, program);
        let stride = (frames / runs).max(1) | 1;
        for (turn, number) in (villain..frames).step_by(stride).enumerate() {
            let deed = DEEDS[(turn + villain) % DEEDS.len()];
            let (results, _) = act(villain, Some((number, deed)), 5, program);
            let mut aborted = 0;
            for result in &results {
                match result {
                    Ok(answer) => assert_eq!(*answer, right, "{villain} frame {number} {deed:?}"),
                    Err(error) => {
                        assert_eq!(error.refusal(), None, "{villain} frame {number} {deed:?}");
                        aborted += 1;
                    }
                }
            }
            let harmless = deed == Deed::Repeat && number + 2 >= frames;
            assert!(aborted > 0 || harmless, "{villain} frame {number} {deed:?}");
        }
    }
}

#[test]
fn altered_frames_of_scenes() {
    altered_frames(scenes, 60);
}

#[test]
fn altered_frames_of_called_then_paid() {
    altered_frames(paid, 40);
}

#[test]
fn altered_frames_of_sim_boxes() {
    altered_frames(boxes, 40);
}

#[test]
fn altered_frames_of_totals() {
    altered_frames(sums, 40);
}

#[test]
fn altered_frames_of_risks() {
    altered_frames(risks, 60);
}

/// What a villain computes instead of its part, in frames that are all in order.
#[test]
fn a_way_that_changes_a_number_is_caught() {
    for villain in 0..3 {
        for back in [false, true] {
            let results = memory::run(Security::Malicious, 5, |party| {
                let rows: Vec<u64> = (0..100).collect();
                let words = party.public_words(&rows, 7);
                let (sorted, _, route) = party.sort_kept(&[words], &[])?;
                let numbers = party.words_to_arith(&sorted[0])?;
                party.corrupt_hop = (party.index() == villain).then_some(0);
                let moved = match back {
                    true => party.return_by(&route, &[numbers])?,
                    false => party.go(&route, &[numbers])?,
                };
                party.open(&moved[0])
            });
            for (_, result) in results.iter().enumerate().filter(|(at, _)| *at != villain) {
                let fault = result.as_ref().err().and_then(Error::fault);
                assert!(
                    matches!(fault, Some(Fault::ShuffleWrong)),
                    "{villain} {result:?}"
                );
            }
        }
    }
}

/// Numbers go the way that rows went, and come back; left rows come back as zero.
#[test]
fn numbers_follow_rows_there_and_back() {
    let mut rng = StdRng::seed_from_u64(51);
    for security in BOTH {
        for rows in [0usize, 1, 2, 65, 500] {
            let keys: Vec<u64> = (0..rows).map(|_| rng.random_range(0..50)).collect();
            let values: Vec<u64> = (0..rows).map(|_| rng.next_u64() >> 3).collect();
            let got = agreed(security, 9, |party| {
                let (words, carried) = (
                    party.public_words(&keys, 6),
                    party.public_words(&values, 61),
                );
                let numbers = party.words_to_arith(&carried)?;
                let (_, payload, route) = party.sort_kept(&[words], &[carried])?;
                let numbers = [numbers.clone(), numbers.scale(-1)?];
                let moved = party.go(&route, &numbers)?;
                let back = party.return_by(&route, &moved)?;
                Ok((
                    party.open_words(&payload[0])?,
                    [party.open(&moved[0])?, party.open(&moved[1])?],
                    [party.open(&back[0])?, party.open(&back[1])?],
                ))
            });
            let signed = |values: &[u64], sign: i64| -> Vec<i64> {
                values
                    .iter()
                    .map(|value| sign * value.cast_signed())
                    .collect()
            };
            assert_eq!(got.1, [signed(&got.0, 1), signed(&got.0, -1)]);
            assert_eq!(got.2, [signed(&values, 1), signed(&values, -1)]);
        }
    }
}
