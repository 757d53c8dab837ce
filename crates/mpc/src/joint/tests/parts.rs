//! Tables that come in parts give what the whole ones give.

use super::{instances::Paid, *};
use crate::joint::{Found, at_the_scenes, called_then_paid, sim_box, sim_box::Suspects, totals};

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

#[test]
fn scenes_in_parts_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(61);
    let mut opened_some = 0;
    for seed in 0..24 {
        let asked = instances::scenes(&mut rng, false);
        let (parts, cap) = (rng.random_range(2..6), rng.random_range(0..20));
        let due = &asked.due;
        let answer = (due.len() <= cap).then(|| due.clone());
        opened_some += usize::from(answer.as_ref().is_some_and(|rows| !rows.is_empty()));
        let tables = cut(&asked.table, parts, 1);
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let schema = at_the_scenes::sightings(asked.terms.scenes, 1)?;
                let mut all = None;
                for part in &tables {
                    let table = give_two(party, &schema, part)?;
                    let found = at_the_scenes::found(party, &asked.terms, &table)?;
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

/// Runs `called-then-paid` in parts, narrowed to `most` payments each.
fn run_paid(
    party: &mut Party<'_>,
    asked: &Paid,
    (parts, most): (usize, usize),
) -> Result<(usize, Vec<Vec<u64>>), Error> {
    let terms = &asked.terms;
    let phones = give_two(party, &called_then_paid::phones()?, &asked.phones)?;
    let calls = cut(&asked.calls, parts, 3);
    let transfers = cut(&asked.transfers, parts, 1);
    let mut all = None;
    for (calls, transfers) in calls.iter().zip(&transfers) {
        let calls = give_two(party, &called_then_paid::calls(6)?, calls)?;
        let paid = give_two(party, &called_then_paid::transfers(6, 0)?, transfers)?;
        let found = called_then_paid::payments(party, terms, (&phones, &calls, &paid))?;
        all = append(all, found.narrowed_whole(party, most)?)?;
    }
    let gate = called_then_paid::accounts(party, terms, all.unwrap())?;
    opened(party, gate, 100)
}

#[test]
fn called_then_paid_in_parts_equals_the_ideal() {
    let mut rng = StdRng::seed_from_u64(62);
    let mut found = 0;
    for seed in 0..20 {
        let asked = instances::paid(&mut rng);
        let (parts, due) = (rng.random_range(2..5), &asked.due);
        found += due.len();
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                run_paid(party, &asked, (parts, 200))
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
        let asked = instances::paid(&mut rng);
        let got = agreed(Security::Malicious, seed, |party| {
            match run_paid(party, &asked, (2, 2)) {
                Ok(got) => Ok(Some(got)),
                Err(error) if error.refusal() == Some(Refusal::TooManyRows) => Ok(None),
                Err(error) => Err(error),
            }
        });
        match got {
            None => refused += 1,
            Some(got) => {
                answered += 1;
                assert_eq!(got, (asked.due.len(), asked.due), "seed {seed}");
            }
        }
    }
    assert!(refused > 2 && answered > 2, "{refused} and {answered}");
}

#[test]
fn totals_in_parts_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(64);
    for seed in 0..16 {
        let asked = instances::sums(&mut rng);
        let parts = rng.random_range(2..5);
        let subjects = cut(&asked.subjects, parts, 1);
        let facts = cut(&asked.facts, parts, 1);
        // What the parts have with their padding.
        let in_all: usize = facts.iter().map(|part| part.len() + 4).sum();
        let due = (asked.due.len(), asked.due.clone());
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let mut all = None;
                for (subjects, facts) in subjects.iter().zip(&facts) {
                    let subjects = give_two(party, &totals::subjects()?, subjects)?;
                    let facts = give_two(party, &totals::facts(3, 40)?, facts)?;
                    let tables = (&subjects, &facts);
                    let groups = totals::groups(party, &asked.terms, tables, in_all)?;
                    assert!(groups.rows() <= 8, "no more than there are codes");
                    all = append(all, groups)?;
                }
                let totals = totals::of_parts(party, &asked.terms, all.unwrap(), in_all)?;
                Ok((totals.withheld, opened(party, totals.groups, 100)?))
            });
            assert_eq!(got, (asked.withheld, due.clone()), "seed {seed}");
        }
    }
}

#[test]
fn lists_of_sim_boxes_may_be_cut_anyhow() {
    let mut rng = StdRng::seed_from_u64(65);
    for seed in 0..16 {
        let asked = instances::boxes(&mut rng);
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let sims = give_two(party, &sim_box::sims(3)?, &asked.sims)?;
                let premises = give_two(party, &sim_box::premises(3, 1)?, &asked.premises)?;
                let tables = (&sims, &premises);
                let mut left = Suspects::under_busy_cells(party, &asked.terms, tables)?;
                for part in asked.wet.chunks(7).chain([&[][..]]) {
                    let list = give_two(party, &sim_box::wet()?, part)?;
                    left = left.that_are_dry(party, &list)?;
                }
                for part in asked.residents.chunks(5).chain([&[][..]]) {
                    let list = give_two(party, &sim_box::residents()?, part)?;
                    left = left.of_no_resident(party, &list)?;
                }
                let gate = left.count(party)?;
                opened(party, gate, 1000)
            });
            assert_eq!(got, (asked.due.len(), asked.due.clone()), "seed {seed}");
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
