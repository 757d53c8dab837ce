//! Joint questions of random small tables, whole or in two or three parts, against the
//! same questions in the clear.

use std::collections::{BTreeMap, BTreeSet};

use mpc::{
    Error,
    joint::{
        Found, at_the_scenes, called_then_paid,
        ideal::{self, Subject},
        risk_propagation, sim_box,
        table::{Schema, Table},
        totals,
    },
    shares::Party,
};
use primitives::Digest;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{open_all, size, sorted_rows};

/// One of the five questions.
pub(crate) fn questions(party: &mut Party<'_>, seed: u64) -> Result<(), Error> {
    let mut rng = StdRng::seed_from_u64(seed);
    match seed % 5 {
        0 => scenes(party, &mut rng, seed),
        1 => sums(party, &mut rng, seed),
        2 => paid(party, &mut rng, seed),
        3 => boxes(party, &mut rng, seed),
        _ => risks(party, &mut rng, seed),
    }
}

/// A table of one owner, padded.
fn table(
    party: &mut Party<'_>,
    schema: &Schema,
    rows: &[Vec<u64>],
    padding: usize,
) -> Result<Table, Error> {
    let mut columns = vec![Vec::new(); schema.columns().len()];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(*value);
        }
    }
    let (session, mut rng) = (Digest::plain(b"instances"), StdRng::seed_from_u64(5));
    if padding > 0 {
        schema.pad(&mut columns, rows.len() + padding, &mut rng)?;
    }
    let messages = schema.share(&session, "owner", &columns, &mut rng)?;
    let messages = &messages[party.index()];
    Table::receive(
        party,
        schema,
        &session,
        "owner",
        rows.len() + padding,
        messages,
    )
}

/// In how many parts the tables of an instance come.
fn parts(rng: &mut StdRng) -> usize {
    rng.random_range(1..4)
}

/// The rows of each part: all of a key, whose first word stands at `key`, in one.
fn cut(rows: &[Vec<u64>], key: usize, parts: usize) -> Vec<Vec<Vec<u64>>> {
    let mut all = vec![Vec::new(); parts];
    for row in rows {
        all[usize::try_from(row[key] % parts as u64).unwrap()].push(row.clone());
    }
    all
}

/// What the parts found before, and what another one did.
fn append(all: Option<Found>, found: Found) -> Result<Option<Found>, Error> {
    Ok(Some(match all {
        None => found,
        Some(all) => all.append(found)?,
    }))
}

fn scenes(party: &mut Party<'_>, rng: &mut StdRng, seed: u64) -> Result<(), Error> {
    let (count, scenes) = (size(rng, 24), rng.random_range(1..6));
    let least = rng.random_range(1..=scenes);
    let draw = |_| {
        (
            [rng.random_range(0..7), 9],
            rng.random_range(0..scenes as u64),
        )
    };
    let plain: Vec<(Subject, u64)> = (0..count).map(draw).collect();
    let rows = plain
        .iter()
        .map(|(key, scene)| vec![1, key[0], key[1], *scene]);
    let schema = at_the_scenes::sightings(scenes, 0)?;
    let terms = at_the_scenes::Terms {
        scenes,
        least,
        name_words: 0,
    };
    let due = ideal::at_the_scenes(&plain, scenes as u64, least);
    let mut all = None;
    for rows in cut(&rows.collect::<Vec<_>>(), 1, parts(rng)) {
        let table = table(party, &schema, &rows, size(rng, 4))?;
        let found = at_the_scenes::found(party, &terms, &table)?;
        all = append(all, found.narrowed(party, due.len())?)?;
    }
    let columns = all.unwrap().count(party)?.open(party, due.len())?;
    let got = sorted_rows(&open_all(party, &columns)?);
    assert_eq!(
        got,
        due.iter().map(|key| key.to_vec()).collect::<Vec<_>>(),
        "seed {seed}"
    );
    Ok(())
}

fn sums(party: &mut Party<'_>, rng: &mut StdRng, seed: u64) -> Result<(), Error> {
    let (count, least) = (size(rng, 24), rng.random_range(1..4));
    let set: BTreeSet<Subject> = (0..size(rng, 8))
        .map(|_| [rng.random_range(0..9), 3])
        .collect();
    let draw = |_| ideal::Fact {
        person: [rng.random_range(0..9), 3],
        group: rng.random_range(0..4),
        amount: rng.next_u64() >> 30,
    };
    let facts: Vec<ideal::Fact> = (0..count).map(draw).collect();
    let row = |fact: &ideal::Fact| vec![1, fact.person[0], fact.person[1], fact.group, fact.amount];
    let rows: Vec<Vec<u64>> = facts.iter().map(row).collect();
    let list: Vec<Vec<u64>> = set.iter().map(|key| vec![1, key[0], key[1]]).collect();
    let terms = totals::Terms {
        group_bits: 2,
        amount_bits: 34,
        least,
    };
    let (list, rows) = match parts(rng) {
        1 => (vec![list], vec![rows]),
        many => (cut(&list, 1, many), cut(&rows, 1, many)),
    };
    let (mut all, in_all) = (None, count + 4 * rows.len());
    let mut whole = None;
    for (list, facts) in list.iter().zip(&rows) {
        let subjects = table(party, &totals::subjects()?, list, size(rng, 4))?;
        let facts = table(party, &totals::facts(2, 34)?, facts, size(rng, 4))?;
        if rows.len() == 1 {
            whole = Some(totals::count(party, &terms, &subjects, &facts)?);
        } else {
            let groups = totals::groups(party, &terms, (&subjects, &facts), in_all)?;
            all = append(all, groups)?;
        }
    }
    let got = match whole {
        Some(whole) => whole,
        None => totals::of_parts(party, &terms, all.unwrap(), in_all)?,
    };
    let columns = got.groups.open(party, 4)?;
    let (due, withheld) = ideal::totals(&set, &facts, least as u64);
    let due = due
        .iter()
        .map(|(code, t)| vec![*code, t.persons, t.rows, t.sum]);
    assert_eq!(got.withheld, withheld, "seed {seed}");
    let got = sorted_rows(&open_all(party, &columns)?);
    assert_eq!(got, due.collect::<Vec<_>>(), "seed {seed}");
    Ok(())
}

fn paid(party: &mut Party<'_>, rng: &mut StdRng, seed: u64) -> Result<(), Error> {
    let draw = |rng: &mut StdRng, kind: u64, of: u64| [rng.random_range(0..of), kind];
    let phones: BTreeSet<Subject> = (0..size(rng, 4)).map(|_| draw(rng, 1, 6)).collect();
    let calls: Vec<ideal::Call> = (0..size(rng, 14))
        .map(|_| ideal::Call {
            caller: draw(rng, 1, 6),
            person: draw(rng, 2, 6),
            time: rng.random_range(0..60),
        })
        .collect();
    let transfers: Vec<ideal::Transfer> = (0..size(rng, 14))
        .map(|_| ideal::Transfer {
            person: draw(rng, 2, 6),
            account: draw(rng, 3, 3),
            time: rng.random_range(0..64),
        })
        .collect();
    let (within, least) = (rng.random_range(0..20), rng.random_range(1..4));
    let due = ideal::called_then_paid(&phones, &calls, &transfers, within, least);
    let due: Vec<Vec<u64>> = due.iter().map(|key| key.to_vec()).collect();
    let list: Vec<Vec<u64>> = phones.iter().map(|key| vec![1, key[0], key[1]]).collect();
    let call_rows: Vec<Vec<u64>> = calls
        .iter()
        .map(|call| {
            let until = called_then_paid::until(call.time, within).unwrap();
            let (who, whom) = (call.caller, call.person);
            vec![1, who[0], who[1], whom[0], whom[1], call.time, until]
        })
        .collect();
    let paid_rows: Vec<Vec<u64>> = transfers
        .iter()
        .map(|paid| {
            let (who, to) = (paid.person, paid.account);
            vec![1, who[0], who[1], to[0], to[1], paid.time]
        })
        .collect();
    let terms = called_then_paid::Terms {
        time_bits: 6,
        least,
        name_words: 0,
    };
    let phones = table(party, &called_then_paid::phones()?, &list, size(rng, 3))?;
    let schemas = (
        called_then_paid::calls(6)?,
        called_then_paid::transfers(6, 0)?,
    );
    let parts = parts(rng);
    let call_parts = cut(&call_rows, 3, parts);
    let mut all = None;
    for (calls, paid) in call_parts.iter().zip(cut(&paid_rows, 1, parts)) {
        let calls = table(party, &schemas.0, calls, size(rng, 3))?;
        let transfers = table(party, &schemas.1, &paid, size(rng, 3))?;
        let tables = (&phones, &calls, &transfers);
        all = append(
            all,
            called_then_paid::part_of_payments(party, &terms, tables)?,
        )?;
    }
    let gate = called_then_paid::accounts(party, &terms, all.unwrap())?;
    assert_eq!(gate.count(), due.len(), "seed {seed}");
    let columns = gate.open(party, 3)?;
    assert_eq!(sorted_rows(&open_all(party, &columns)?), due, "seed {seed}");
    Ok(())
}

fn boxes(party: &mut Party<'_>, rng: &mut StdRng, seed: u64) -> Result<(), Error> {
    let draw = |rng: &mut StdRng, kind: u64| [rng.random_range(0..10), kind];
    let sims: Vec<u64> = (0..size(rng, 16)).map(|_| rng.random_range(0..4)).collect();
    let places: Vec<ideal::Premises> = (0..size(rng, 12))
        .map(|_| ideal::Premises {
            cell: rng.random_range(0..4),
            key: draw(rng, 1),
            holder: draw(rng, 2),
        })
        .collect();
    let list = |rng: &mut StdRng, kind: u64| -> BTreeSet<Subject> {
        (0..size(rng, 6)).map(|_| draw(rng, kind)).collect()
    };
    let (wet, residents) = (list(rng, 1), list(rng, 2));
    let least = rng.random_range(1..4);
    let due = ideal::sim_box(&sims, &places, &wet, &residents, least);
    let due: Vec<Vec<u64>> = due
        .iter()
        .map(|(key, cell)| vec![key[0], key[1], key[0] ^ 9, *cell])
        .collect();
    let sim_rows: Vec<Vec<u64>> = sims.iter().map(|cell| vec![1, *cell]).collect();
    let place_rows: Vec<Vec<u64>> = places
        .iter()
        .map(|place| {
            let (key, holder) = (place.key, place.holder);
            let name = key[0] ^ 9;
            vec![1, place.cell, key[0], key[1], holder[0], holder[1], name]
        })
        .collect();
    let rows = |set: &BTreeSet<Subject>| -> Vec<Vec<u64>> {
        set.iter().map(|key| vec![1, key[0], key[1]]).collect()
    };
    let terms = sim_box::Terms {
        cell_bits: 2,
        least,
        name_words: 1,
    };
    let sims = table(party, &sim_box::sims(2)?, &sim_rows, size(rng, 3))?;
    let premises = table(party, &sim_box::premises(2, 1)?, &place_rows, size(rng, 3))?;
    let parts = parts(rng);
    let mut left = sim_box::Suspects::under_busy_cells(party, &terms, (&sims, &premises))?;
    for wet in cut(&rows(&wet), 1, parts) {
        let wet = table(party, &sim_box::wet()?, &wet, size(rng, 3))?;
        left = left.that_are_dry(party, &wet)?;
    }
    for residents in cut(&rows(&residents), 1, parts) {
        let residents = table(party, &sim_box::residents()?, &residents, size(rng, 3))?;
        left = left.of_no_resident(party, &residents)?;
    }
    let gate = left.count(party)?;
    assert_eq!(gate.count(), due.len(), "seed {seed}");
    let columns = gate.open(party, places.len())?;
    assert_eq!(sorted_rows(&open_all(party, &columns)?), due, "seed {seed}");
    Ok(())
}

fn risks(party: &mut Party<'_>, rng: &mut StdRng, seed: u64) -> Result<(), Error> {
    let count = size(rng, 8);
    let terms = risk_propagation::Terms {
        score_bits: 8,
        weight_bits: 10,
        deltas: (0..rng.random_range(0..3))
            .map(|_| rng.random_range(0..=256))
            .collect(),
        threshold: rng.random_range(1..256),
        name_words: 0,
    };
    let accounts: Vec<risk_propagation::Account> = (0..count as u64)
        .map(|number| risk_propagation::Account {
            key: [number, 4],
            score: rng.random_range(0..256),
            name: vec![],
            received: (0..size(rng, 6))
                .map(|_| {
                    (
                        [rng.random_range(0..count as u64 + 2), 4],
                        rng.random_range(0..99),
                    )
                })
                .collect(),
        })
        .collect();
    let rows: usize = accounts
        .iter()
        .map(|account| account.received.len() + 1)
        .sum();
    let columns = risk_propagation::ledger_columns(&terms, &accounts, rows + 2, rng)?;
    let rows: Vec<Vec<u64>> = (0..rows + 2)
        .map(|at| columns.iter().map(|column| column[at]).collect())
        .collect();
    let table = table(party, &terms.ledger()?, &rows, 0)?;
    let columns = risk_propagation::count(party, &terms, &table)?.open(party, count)?;
    let got = sorted_rows(&open_all(party, &columns)?);
    let plain: BTreeMap<Subject, ideal::Account> = accounts
        .iter()
        .map(|account| {
            let (score, received) = (account.score, account.received.clone());
            (account.key, ideal::Account { score, received })
        })
        .collect();
    let scores = ideal::risk_propagation(&plain, &terms.deltas, terms.weight_bits);
    let bar = u128::from(terms.threshold) << terms.fraction_bits();
    let dropped = terms.fraction_bits() - terms.opened_fraction_bits();
    let due = scores
        .iter()
        .filter(|(_, score)| **score >= bar)
        .map(|(key, score)| vec![key[0], key[1], u64::try_from(score >> dropped).unwrap()]);
    assert_eq!(got, due.collect::<Vec<_>>(), "seed {seed}");
    Ok(())
}
