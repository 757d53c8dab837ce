//! Gates, delivered answers, tables and terms that are refused.

use super::*;
use crate::{
    Fault,
    joint::{at_the_scenes, called_then_paid, deliver, sim_box, totals},
};

/// Phones 0 to 4, phone `n` at `n` of four scenes.
fn stairs() -> Vec<[u64; 4]> {
    let mut rows = Vec::new();
    for phone in 0..5 {
        let key = subject("phone", phone);
        rows.extend((0..phone).map(|scene| [1, key[0], key[1], scene]));
    }
    rows
}

fn ask(party: &mut Party<'_>, least: usize) -> Result<Gate, Error> {
    let table = give_two(party, &at_the_scenes::sightings(4, 0)?, &stairs())?;
    let terms = at_the_scenes::Terms {
        scenes: 4,
        least,
        name_words: 0,
    };
    at_the_scenes::count(party, &terms, &table)
}

#[test]
fn over_the_cap_nothing_is_sent() {
    for (least, cap, due) in [
        (2, 3, Some(3)),
        (2, 2, None),
        (4, 0, None),
        (1, 100, Some(4)),
    ] {
        let got = agreed(Security::Malicious, 5, |party| {
            let gate = ask(party, least)?;
            let (count, before) = (gate.count(), party.cost());
            match gate.open(party, cap) {
                Ok(columns) => Ok((count, Some(columns[0].rows()))),
                Err(error) => {
                    assert_eq!(error.refusal(), Some(Refusal::CapExceeded));
                    assert_eq!(party.cost(), before, "bytes went out");
                    Ok((count, None))
                }
            }
        });
        assert_eq!(got, (5 - least, due));
    }
}

/// An answer's parts, and what it is bound to.
fn parts() -> (deliver::Binding, [Vec<u8>; 3]) {
    let binding = |rows: usize| deliver::Binding {
        session: session(),
        receiver: "police".to_owned(),
        answer: "phones".to_owned(),
        rows,
        widths: vec![64, 64],
    };
    let parts = memory::run(Security::Malicious, 6, |party| {
        let gate = ask(party, 3)?;
        let binding = binding(gate.count());
        let rows = gate.open(party, 10)?;
        deliver::part(party, &binding, &rows)
    });
    (binding(2), parts.map(Result::unwrap))
}

#[test]
fn the_receiver_gets_the_answer_and_only_that() {
    let (binding, parts) = parts();
    let columns = deliver::collect(&binding, &parts).unwrap();
    let mut got: Vec<[u64; 2]> = (0..2).map(|at| [columns[0][at], columns[1][at]]).collect();
    got.sort_unstable();
    let mut due = [3, 4].map(|phone| subject("phone", phone));
    due.sort_unstable();
    assert_eq!(got, due);
}

#[test]
fn a_part_that_was_changed_is_not_taken() {
    let (binding, good) = parts();
    for liar in 0..3 {
        for at in 0..good[liar].len() {
            let mut parts = good.clone();
            parts[liar][at] ^= 1 << (at % 8);
            let fault = deliver::collect(&binding, &parts).unwrap_err().fault();
            let due = if at < 33 {
                Fault::Malformed
            } else {
                Fault::ShareMismatch
            };
            assert_eq!(fault, Some(due), "byte {at}");
        }
        for (part, other) in [(good[liar].clone(), 1), (vec![], 2), (vec![0; 33], 3)] {
            let mut parts = good.clone();
            parts[liar] = part;
            if other == 1 {
                parts[liar].push(0);
            }
            let fault = deliver::collect(&binding, &parts).unwrap_err().fault();
            assert_eq!(fault, Some(Fault::Malformed));
        }
    }
    for other in [
        deliver::Binding {
            receiver: "court".to_owned(),
            ..binding.clone()
        },
        deliver::Binding {
            answer: "others".to_owned(),
            ..binding.clone()
        },
        deliver::Binding {
            session: Digest::plain(b"another"),
            ..binding.clone()
        },
        deliver::Binding {
            rows: 1,
            ..binding.clone()
        },
    ] {
        let fault = deliver::collect(&other, &good).unwrap_err().fault();
        assert_eq!(fault, Some(Fault::Malformed));
    }
}

#[test]
fn terms_and_tables_that_do_not_fit_are_refused() {
    let refusals = agreed(Security::SemiHonest, 7, |party| {
        let schema = at_the_scenes::sightings(4, 0)?;
        let table = give_two(party, &schema, &stairs())?;
        let mut refusals = Vec::new();
        for (scenes, least, name_words) in [(4, 0, 0), (4, 5, 0), (0, 1, 0), (4, 1, 1), (9, 1, 0)] {
            let terms = at_the_scenes::Terms {
                scenes,
                least,
                name_words,
            };
            refusals.push(at_the_scenes::count(party, &terms, &table).err());
        }
        let other = give(party, &totals::subjects()?, "c", vec![vec![]; 3], 0)?;
        refusals.push(table.append(&other).err());
        refusals.push(give(party, &schema, "d", vec![vec![]; 3], 0).err());
        refusals.push(give(party, &schema, "e", columns(&[[1, 0, 0, 4]]), 0).err());
        Ok(refusals
            .into_iter()
            .map(|error| error?.refusal())
            .collect::<Vec<_>>())
    });
    let (range, shape) = (Some(Refusal::ParameterRange), Some(Refusal::ShapeMismatch));
    let due = [
        range,
        range,
        range,
        shape,
        shape,
        shape,
        shape,
        Some(Refusal::Overflow),
    ];
    assert_eq!(refusals, due);
    let mut rng = StdRng::seed_from_u64(1);
    let schema = totals::subjects().unwrap();
    let mut rows = columns(&[[1, 2, 3], [1, 4, 5]]);
    let error = schema.pad(&mut rows, 1, &mut rng).unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::SetTooLarge));
    assert!(called_then_paid::calls(64).is_err() && called_then_paid::calls(0).is_err());
    assert!(sim_box::sims(0).is_err() && sim_box::premises(3, 5).is_err());
    assert_eq!(called_then_paid::until(u64::MAX - 3, 3), None);
}
