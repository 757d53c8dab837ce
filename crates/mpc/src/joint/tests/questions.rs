use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::joint::{
    at_the_scenes, called_then_paid, ideal,
    ideal::{Call, Fact, Premises, Total, Transfer},
    sim_box, totals,
};

#[test]
fn scenes_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(31);
    for seed in 0..30 {
        let (count, persons) = (size(&mut rng), rng.random_range(1..20));
        let scenes = rng.random_range(1..6usize);
        let least = rng.random_range(1..=scenes);
        // Now and then a scene that the plan does not have.
        let rows: Vec<(Subject, u64)> = (0..count)
            .map(|_| {
                let person = subject("phone", rng.random_range(0..persons));
                (
                    person,
                    rng.random_range(0..scenes.next_power_of_two() as u64),
                )
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
        let due: Vec<Vec<u64>> = due
            .iter()
            .map(|key| vec![key[0], key[1], key[0] ^ 5])
            .collect();
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let schema = at_the_scenes::sightings(scenes, 1)?;
                let table = give_two(party, &schema, &table)?;
                let gate = at_the_scenes::count(party, &terms, &table)?;
                opened(party, gate, count)
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn a_scene_seen_often_is_one_scene() {
    // All rows equal; then the same phone padded into absent rows.
    let key = subject("phone", 1);
    let rows = [[1, key[0], key[1], 0]; 9];
    let absent = [[0, key[0], key[1], 1]; 3];
    let got = agreed(Security::Malicious, 1, |party| {
        let schema = at_the_scenes::sightings(2, 0)?;
        let table = give(party, &schema, "a", columns(&absent), 0)?.append(&give(
            party,
            &schema,
            "b",
            columns(&rows),
            0,
        )?)?;
        let mut counts = Vec::new();
        for least in 1..=2 {
            let terms = at_the_scenes::Terms {
                scenes: 2,
                least,
                name_words: 0,
            };
            counts.push(at_the_scenes::count(party, &terms, &table)?.count());
        }
        Ok(counts)
    });
    assert_eq!(got, [1, 0]);
}

fn draw(rng: &mut StdRng, kind: &str, of: u64) -> Subject {
    subject(kind, rng.random_range(0..of))
}

#[test]
fn called_then_paid_equals_the_ideal() {
    let mut rng = StdRng::seed_from_u64(32);
    for seed in 0..30 {
        let sizes = [size(&mut rng) / 8, size(&mut rng), size(&mut rng)];
        let phones: BTreeSet<Subject> = (0..sizes[0]).map(|_| draw(&mut rng, "phone", 9)).collect();
        let calls: Vec<Call> = (0..sizes[1])
            .map(|_| Call {
                caller: draw(&mut rng, "phone", 9),
                person: draw(&mut rng, "person", 12),
                time: rng.random_range(0..60),
            })
            .collect();
        let paid: Vec<Transfer> = (0..sizes[2])
            .map(|_| Transfer {
                person: draw(&mut rng, "person", 12),
                account: draw(&mut rng, "account", 4),
                time: rng.random_range(0..64),
            })
            .collect();
        let (within, least) = (rng.random_range(0..15), rng.random_range(1..4));
        let due = ideal::called_then_paid(&phones, &calls, &paid, within, least);
        let due: Vec<Vec<u64>> = due.iter().map(|key| key.to_vec()).collect();
        let list: Vec<[u64; 3]> = phones.iter().map(|key| [1, key[0], key[1]]).collect();
        let call_rows: Vec<[u64; 7]> = calls
            .iter()
            .map(|call| {
                let until = called_then_paid::until(call.time, within).unwrap();
                let (who, whom) = (call.caller, call.person);
                [1, who[0], who[1], whom[0], whom[1], call.time, until]
            })
            .collect();
        let paid_rows: Vec<[u64; 6]> = paid
            .iter()
            .map(|paid| {
                let (who, to) = (paid.person, paid.account);
                [1, who[0], who[1], to[0], to[1], paid.time]
            })
            .collect();
        let terms = called_then_paid::Terms {
            time_bits: 6,
            least,
            name_words: 0,
        };
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let phones = give_two(party, &called_then_paid::phones()?, &list)?;
                let calls = give_two(party, &called_then_paid::calls(6)?, &call_rows)?;
                let paid = give_two(party, &called_then_paid::transfers(6, 0)?, &paid_rows)?;
                let gate = called_then_paid::count(party, &terms, &phones, &calls, &paid)?;
                opened(party, gate, 100)
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn sim_boxes_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(33);
    for seed in 0..30 {
        let sizes = [
            size(&mut rng),
            size(&mut rng),
            size(&mut rng),
            size(&mut rng),
        ];
        let sims: Vec<u64> = (0..sizes[0]).map(|_| rng.random_range(0..8)).collect();
        let places: Vec<Premises> = (0..sizes[1])
            .map(|_| Premises {
                cell: rng.random_range(0..8),
                key: draw(&mut rng, "premises", 40),
                holder: draw(&mut rng, "person", 40),
            })
            .collect();
        let list = |rng: &mut StdRng, kind: &str, count: usize| {
            (0..count / 4)
                .map(|_| draw(rng, kind, 40))
                .collect::<BTreeSet<_>>()
        };
        let (wet, residents) = (
            list(&mut rng, "premises", sizes[2]),
            list(&mut rng, "person", sizes[3]),
        );
        let least = rng.random_range(1..4);
        let due = ideal::sim_box(&sims, &places, &wet, &residents, least);
        let due: Vec<Vec<u64>> = due
            .iter()
            .map(|(key, cell)| vec![key[0], key[1], key[1] ^ 9, *cell])
            .collect();
        let sim_rows: Vec<[u64; 2]> = sims.iter().map(|cell| [1, *cell]).collect();
        let place_rows: Vec<[u64; 7]> = places
            .iter()
            .map(|place| {
                let (key, holder) = (place.key, place.holder);
                [
                    1,
                    place.cell,
                    key[0],
                    key[1],
                    holder[0],
                    holder[1],
                    key[1] ^ 9,
                ]
            })
            .collect();
        let rows = |set: &BTreeSet<Subject>| -> Vec<[u64; 3]> {
            set.iter().map(|key| [1, key[0], key[1]]).collect()
        };
        let (wet, residents) = (rows(&wet), rows(&residents));
        let terms = sim_box::Terms {
            cell_bits: 3,
            least,
            name_words: 1,
        };
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let tables = sim_box::Tables {
                    sims: give_two(party, &sim_box::sims(3)?, &sim_rows)?,
                    premises: give_two(party, &sim_box::premises(3, 1)?, &place_rows)?,
                    wet: give_two(party, &sim_box::wet()?, &wet)?,
                    residents: give_two(party, &sim_box::residents()?, &residents)?,
                };
                let gate = sim_box::count(party, &terms, &tables)?;
                opened(party, gate, 1000)
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn totals_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(34);
    for seed in 0..30 {
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
        let least = rng.random_range(1..4);
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
            group_bits: 5,
            amount_bits: 40,
            least: usize::try_from(least).unwrap(),
        };
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let subjects = give_two(party, &totals::subjects()?, &list)?;
                let facts = give_two(party, &totals::facts(5, 40)?, &rows)?;
                let totals = totals::count(party, &terms, &subjects, &facts)?;
                Ok((totals.withheld, opened(party, totals.groups, 100)?))
            });
            assert_eq!(got, (withheld, (due.len(), due.clone())), "seed {seed}");
        }
    }
}

#[test]
fn ideal_totals_of_a_small_example() {
    let person = |n| subject("person", n);
    let fact = |n, group, amount| Fact {
        person: person(n),
        group,
        amount,
    };
    let set = BTreeSet::from([person(1), person(2)]);
    let facts = [
        fact(1, 7, 10),
        fact(1, 7, 5),
        fact(2, 7, 1),
        fact(3, 7, 100),
        fact(2, 8, 4),
    ];
    let (totals, withheld) = ideal::totals(&set, &facts, 2);
    let seven = Total {
        persons: 2,
        rows: 3,
        sum: 16,
    };
    assert_eq!((totals, withheld), (BTreeMap::from([(7, seven)]), 1));
}

#[test]
fn sums_that_could_wrap_are_refused() {
    let rows = [[1, 2, 3, 0, 1u64 << 59]; 9];
    let got = agreed(Security::SemiHonest, 1, |party| {
        let subjects = give(party, &totals::subjects()?, "a", vec![vec![]; 3], 0)?;
        let facts = give(party, &totals::facts(5, 60)?, "b", columns(&rows), 0)?;
        let terms = totals::Terms {
            group_bits: 5,
            amount_bits: 60,
            least: 1,
        };
        let result = totals::count(party, &terms, &subjects, &facts);
        Ok(result.err().and_then(|error| error.refusal()))
    });
    assert_eq!(got, Some(Refusal::Overflow));
}
