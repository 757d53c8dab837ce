use std::collections::{BTreeMap, BTreeSet};

use super::{instances::Scenes, *};
use crate::joint::{
    at_the_scenes, called_then_paid, ideal,
    ideal::{Fact, Total},
    sim_box, totals,
};

#[test]
fn scenes_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(31);
    for seed in 0..30 {
        let asked = instances::scenes(&mut rng, true);
        let Scenes { terms, table, due } = &asked;
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let schema = at_the_scenes::sightings(terms.scenes, 1)?;
                let table = give_two(party, &schema, table)?;
                let gate = at_the_scenes::count(party, terms, &table)?;
                opened(party, gate, due.len())
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

#[test]
fn called_then_paid_equals_the_ideal() {
    let mut rng = StdRng::seed_from_u64(32);
    let mut found = 0;
    for seed in 0..30 {
        let asked = instances::paid(&mut rng);
        found += asked.due.len();
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let phones = give_two(party, &called_then_paid::phones()?, &asked.phones)?;
                let calls = give_two(party, &called_then_paid::calls(6)?, &asked.calls)?;
                let transfers = called_then_paid::transfers(6, 0)?;
                let paid = give_two(party, &transfers, &asked.transfers)?;
                let gate = called_then_paid::count(party, &asked.terms, &phones, &calls, &paid)?;
                opened(party, gate, 100)
            });
            assert_eq!(got, (asked.due.len(), asked.due.clone()), "seed {seed}");
        }
    }
    assert!(found > 0, "no instance found anything");
}

#[test]
fn sim_boxes_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(33);
    for seed in 0..30 {
        let asked = instances::boxes(&mut rng);
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let tables = sim_box::Tables {
                    sims: give_two(party, &sim_box::sims(3)?, &asked.sims)?,
                    premises: give_two(party, &sim_box::premises(3, 1)?, &asked.premises)?,
                    wet: give_two(party, &sim_box::wet()?, &asked.wet)?,
                    residents: give_two(party, &sim_box::residents()?, &asked.residents)?,
                };
                let gate = sim_box::count(party, &asked.terms, &tables)?;
                opened(party, gate, 1000)
            });
            assert_eq!(got, (asked.due.len(), asked.due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn totals_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(34);
    for seed in 0..30 {
        let asked = instances::sums(&mut rng);
        let due = (asked.due.len(), asked.due.clone());
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let subjects = give_two(party, &totals::subjects()?, &asked.subjects)?;
                let facts = give_two(party, &totals::facts(3, 40)?, &asked.facts)?;
                let totals = totals::count(party, &asked.terms, &subjects, &facts)?;
                Ok((totals.withheld, opened(party, totals.groups, 100)?))
            });
            assert_eq!(got, (asked.withheld, due.clone()), "seed {seed}");
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
