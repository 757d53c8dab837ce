//! Tables that come in parts give what the whole ones give.

use std::collections::BTreeSet;

use super::*;
use crate::joint::{
    Found, at_the_scenes, called_then_paid, ideal,
    ideal::{Call, Fact, Premises, Transfer},
    sim_box, totals,
};

/// The part of a row's key, of so many.
fn part_of(key: Subject, parts: usize) -> usize {
    usize::try_from(key[0] % parts as u64).unwrap()
}

fn cut<const N: usize>(rows: &[[u64; N]], parts: usize, key: usize) -> Vec<Vec<[u64; N]>> {
    let mut cut = vec![Vec::new(); parts];
    for row in rows {
        cut[part_of([row[key], row[key + 1]], parts)].push(*row);
    }
    cut
}

fn append(all: Option<Found>, found: Found) -> Result<Option<Found>, Error> {
    Ok(Some(match all {
        None => found,
        Some(all) => all.append(found)?,
    }))
}

fn draw(rng: &mut StdRng, kind: &str, of: u64) -> Subject {
    subject(kind, rng.random_range(0..of))
}

#[test]
fn scenes_in_parts_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(61);
    let mut opened_some = 0;
    for seed in 0..24 {
        let (count, parts) = (size(&mut rng), rng.random_range(2..6));
        let (scenes, persons) = (rng.random_range(1..4usize), rng.random_range(1..30));
        let least = rng.random_range(1..=scenes);
        let rows: Vec<(Subject, u64)> = (0..count)
            .map(|_| {
                let scene = rng.random_range(0..scenes as u64);
                (draw(&mut rng, "phone", persons), scene)
            })
            .collect();
        let table: Vec<[u64; 5]> = rows
            .iter()
            .map(|(key, scene)| [1, key[0], key[1], *scene, key[0] ^ 5])
            .collect();
        let terms = at_the_scenes::Terms {
            scenes,
            least,
            name_words: 1,
        };
        let due = ideal::at_the_scenes(&rows, scenes as u64, least);
        let cap = rng.random_range(0..20);
        let answer = (due.len() <= cap).then(|| {
            let row = |key: &Subject| vec![key[0], key[1], key[0] ^ 5];
            due.iter().map(row).collect::<Vec<_>>()
        });
        opened_some += usize::from(answer.as_ref().is_some_and(|rows| !rows.is_empty()));
        let tables = cut(&table, parts, 1);
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let schema = at_the_scenes::sightings(scenes, 1)?;
                let mut all = None;
                for part in &tables {
                    let table = give_two(party, &schema, part)?;
                    let found = at_the_scenes::found(party, &terms, &table)?;
                    let found = found.narrowed(party, cap)?;
                    assert!(found.rows() <= cap, "no more than the cap is kept");
                    all = append(all, found)?;
                }
                let gate = all.unwrap().count(party)?;
                let count = gate.count();
                match gate.open(party, cap) {
                    Ok(columns) => Ok((count, Some(rows_of(party, &columns)?))),
                    Err(error) if error.refusal() == Some(Refusal::CapExceeded) => {
                        Ok((count, None))
                    }
                    Err(error) => Err(error),
                }
            });
            assert_eq!(got, (due.len(), answer.clone()), "seed {seed}");
        }
    }
    assert!(opened_some >= 4, "only {opened_some} instances opened rows");
}

/// Random calls and transfers with the ideal's answer: phones, calls, transfers.
type Paid = (Vec<[u64; 3]>, Vec<[u64; 7]>, Vec<[u64; 6]>);

fn paid(rng: &mut StdRng, least: usize) -> (Paid, Vec<Vec<u64>>) {
    let sizes = [rng.random_range(0..6), size(rng), size(rng)];
    let within = rng.random_range(0..40);
    let phones: BTreeSet<Subject> = (0..sizes[0]).map(|_| draw(rng, "phone", 9)).collect();
    let calls: Vec<Call> = (0..sizes[1])
        .map(|_| Call {
            caller: draw(rng, "phone", 9),
            person: draw(rng, "person", 12),
            time: rng.random_range(0..60),
        })
        .collect();
    let transfers: Vec<Transfer> = (0..sizes[2])
        .map(|_| Transfer {
            person: draw(rng, "person", 12),
            account: draw(rng, "account", 4),
            time: rng.random_range(0..64),
        })
        .collect();
    let due = ideal::called_then_paid(&phones, &calls, &transfers, within, least);
    let call_row = |call: &Call| {
        let until = called_then_paid::until(call.time, within).unwrap();
        let (who, whom) = (call.caller, call.person);
        [1, who[0], who[1], whom[0], whom[1], call.time, until]
    };
    let paid_row = |paid: &Transfer| {
        let (who, to) = (paid.person, paid.account);
        [1, who[0], who[1], to[0], to[1], paid.time]
    };
    let rows = (
        phones.iter().map(|key| [1, key[0], key[1]]).collect(),
        calls.iter().map(call_row).collect(),
        transfers.iter().map(paid_row).collect(),
    );
    (rows, due.iter().map(|key| key.to_vec()).collect())
}

/// Runs `called-then-paid` in parts, narrowed to `most` payments each.
fn run_paid(
    party: &mut Party<'_>,
    least: usize,
    (phones, calls, transfers): &Paid,
    (parts, most): (usize, usize),
) -> Result<(usize, Vec<Vec<u64>>), Error> {
    let terms = called_then_paid::Terms {
        time_bits: 6,
        least,
        name_words: 0,
    };
    let phones = give_two(party, &called_then_paid::phones()?, phones)?;
    let (calls, transfers) = (cut(calls, parts, 3), cut(transfers, parts, 1));
    let mut all = None;
    for (calls, transfers) in calls.iter().zip(&transfers) {
        let calls = give_two(party, &called_then_paid::calls(6)?, calls)?;
        let paid = give_two(party, &called_then_paid::transfers(6, 0)?, transfers)?;
        let found = called_then_paid::payments(party, &terms, (&phones, &calls, &paid))?;
        all = append(all, found.narrowed_whole(party, most)?)?;
    }
    let gate = called_then_paid::accounts(party, &terms, all.unwrap())?;
    opened(party, gate, 100)
}

#[test]
fn called_then_paid_in_parts_equals_the_ideal() {
    let mut rng = StdRng::seed_from_u64(62);
    let mut found = 0;
    for seed in 0..20 {
        let (least, parts) = (rng.random_range(1..4), rng.random_range(2..5));
        let (rows, due) = paid(&mut rng, least);
        found += due.len();
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                run_paid(party, least, &rows, (parts, 200))
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
    assert!(found > 0, "no instance found anything");
}

#[test]
fn payments_that_a_part_has_no_room_for_end_the_question() {
    let mut rng = StdRng::seed_from_u64(63);
    let (mut refused, mut answered) = (0, 0);
    for seed in 0..20 {
        let (rows, due) = paid(&mut rng, 1);
        let got = agreed(Security::Malicious, seed, |party| {
            match run_paid(party, 1, &rows, (2, 2)) {
                Ok(got) => Ok(Some(got)),
                Err(error) if error.refusal() == Some(Refusal::TooManyRows) => Ok(None),
                Err(error) => Err(error),
            }
        });
        match got {
            None => refused += 1,
            Some(got) => {
                answered += 1;
                assert_eq!(got, (due.len(), due), "seed {seed}");
            }
        }
    }
    assert!(refused > 2 && answered > 2, "{refused} and {answered}");
}

#[test]
fn totals_in_parts_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(64);
    for seed in 0..16 {
        let sizes = [size(&mut rng), size(&mut rng)];
        let set: BTreeSet<Subject> = (0..sizes[0])
            .map(|_| draw(&mut rng, "person", 30))
            .collect();
        let facts: Vec<Fact> = (0..sizes[1])
            .map(|_| Fact {
                person: draw(&mut rng, "person", 30),
                group: rng.random_range(0..6),
                amount: match rng.random_range(0..4) {
                    0 => 0,
                    1 => (1 << 40) - 1,
                    _ => rng.next_u64() >> 24,
                },
            })
            .collect();
        let (least, parts) = (rng.random_range(1..4), rng.random_range(2..5));
        let (due, withheld) = ideal::totals(&set, &facts, least);
        let due: Vec<Vec<u64>> = due
            .iter()
            .map(|(code, total)| vec![*code, total.persons, total.rows, total.sum])
            .collect();
        let list: Vec<[u64; 3]> = set.iter().map(|key| [1, key[0], key[1]]).collect();
        let rows: Vec<[u64; 5]> = facts
            .iter()
            .map(|fact| [1, fact.person[0], fact.person[1], fact.group, fact.amount])
            .collect();
        let terms = totals::Terms {
            group_bits: 3,
            amount_bits: 40,
            least: usize::try_from(least).unwrap(),
        };
        let (list, rows) = (cut(&list, parts, 1), cut(&rows, parts, 1));
        // What the parts have with their padding.
        let in_all: usize = rows.iter().map(|part| part.len() + 4).sum();
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let mut all = None;
                for (list, rows) in list.iter().zip(&rows) {
                    let subjects = give_two(party, &totals::subjects()?, list)?;
                    let facts = give_two(party, &totals::facts(3, 40)?, rows)?;
                    let groups = totals::groups(party, &terms, (&subjects, &facts), in_all)?;
                    assert!(groups.rows() <= 8, "no more than there are codes");
                    all = append(all, groups)?;
                }
                let totals = totals::of_parts(party, &terms, all.unwrap(), in_all)?;
                Ok((totals.withheld, opened(party, totals.groups, 100)?))
            });
            assert_eq!(got, (withheld, (due.len(), due.clone())), "seed {seed}");
        }
    }
}

#[test]
fn lists_of_sim_boxes_may_be_cut_anyhow() {
    let mut rng = StdRng::seed_from_u64(65);
    for seed in 0..16 {
        let (sims, premises) = (size(&mut rng), size(&mut rng));
        let sims: Vec<u64> = (0..sims).map(|_| rng.random_range(0..8)).collect();
        let places: Vec<Premises> = (0..premises)
            .map(|_| Premises {
                cell: rng.random_range(0..8),
                key: draw(&mut rng, "premises", 40),
                holder: draw(&mut rng, "person", 40),
            })
            .collect();
        let [wet, residents] = ["premises", "person"].map(|kind| {
            let count = rng.random_range(0..24);
            let drawn = (0..count).map(|_| draw(&mut rng, kind, 40));
            drawn.collect::<BTreeSet<_>>()
        });
        let due = ideal::sim_box(&sims, &places, &wet, &residents, 1);
        let due: Vec<Vec<u64>> = due
            .iter()
            .map(|(key, cell)| vec![key[0], key[1], *cell])
            .collect();
        let sims: Vec<[u64; 2]> = sims.iter().map(|cell| [1, *cell]).collect();
        let premises: Vec<[u64; 6]> = places
            .iter()
            .map(|place| {
                let (key, holder) = (place.key, place.holder);
                [1, place.cell, key[0], key[1], holder[0], holder[1]]
            })
            .collect();
        let rows = |set: &BTreeSet<Subject>| -> Vec<[u64; 3]> {
            set.iter().map(|key| [1, key[0], key[1]]).collect()
        };
        let (wet, residents) = (rows(&wet), rows(&residents));
        let terms = sim_box::Terms {
            cell_bits: 3,
            least: 1,
            name_words: 0,
        };
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let sims = give_two(party, &sim_box::sims(3)?, &sims)?;
                let premises = give_two(party, &sim_box::premises(3, 0)?, &premises)?;
                let mut left =
                    sim_box::Suspects::under_busy_cells(party, &terms, (&sims, &premises))?;
                for part in wet.chunks(7).chain([&[][..]]) {
                    let list = give_two(party, &sim_box::wet()?, part)?;
                    left = left.that_are_dry(party, &list)?;
                }
                for part in residents.chunks(5).chain([&[][..]]) {
                    let list = give_two(party, &sim_box::residents()?, part)?;
                    left = left.of_no_resident(party, &list)?;
                }
                let gate = left.count(party)?;
                opened(party, gate, 1000)
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn what_is_of_other_columns_is_not_put_together() {
    let got = agreed(Security::SemiHonest, 1, |party| {
        let of = |party: &mut Party<'_>, columns: usize| {
            let flags = party.public_words(&[1, 0], 1);
            Found::of(party, &flags.to_bits(), vec![flags.clone(); columns])
        };
        let (one, two) = (of(party, 1)?, of(party, 2)?);
        Ok(one.append(two).err().and_then(|error| error.refusal()))
    });
    assert_eq!(got, Some(Refusal::ShapeMismatch));
}
