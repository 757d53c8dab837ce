use super::*;

#[test]
fn shuffled_rows_are_the_same_rows_in_another_order() {
    for security in BOTH {
        for rows in [0, 1, 2, 100, 3000] {
            let a: Vec<u64> = (0..rows).collect();
            let b: Vec<u64> = a.iter().map(|x| x * 7 + 3).collect();
            let (x, y) = agreed(security, rows, |party| {
                let columns = [give(party, "a", &a, 64)?, give(party, "b", &b, 40)?];
                let moved = party.shuffle(&columns)?;
                Ok((party.open_words(&moved[0])?, party.open_words(&moved[1])?))
            });
            assert!(x.iter().zip(&y).all(|(x, y)| x * 7 + 3 == *y));
            assert!(rows < 100 || x != a, "an order that nobody changed");
            let mut sorted = x;
            sorted.sort_unstable();
            assert_eq!(sorted, a);
        }
    }
}

#[test]
fn orders_of_a_shuffle_are_uniform() {
    // All 24 orders of four rows, over 2,400 shuffles: chi-squared with 23
    // degrees of freedom stays below 64 but for one seed in 10^5.
    let orders = agreed(Security::SemiHonest, 11, |party| {
        let mut seen = [0u32; 256];
        for _ in 0..2400 {
            let rows = party.public_words(&[0, 1, 2, 3], 2);
            let moved = party.shuffle(&[rows])?;
            let opened = party.open_words(&moved[0])?;
            let place = opened.iter().fold(0, |sum, row| sum * 4 + row);
            seen[usize::try_from(place).unwrap_or(0)] += 1;
        }
        Ok(seen.to_vec())
    });
    let seen: Vec<f64> = orders
        .into_iter()
        .filter(|n| *n > 0)
        .map(f64::from)
        .collect();
    assert_eq!(seen.len(), 24);
    let chi: f64 = seen.iter().map(|n| (n - 100.0).powi(2) / 100.0).sum();
    assert!(chi < 64.0, "{chi}");
}

#[test]
fn sorting_is_stable_and_right() {
    let mut rng = StdRng::seed_from_u64(21);
    for security in BOTH {
        for (rows, width) in [(0, 8), (1, 8), (2, 1), (9, 64), (300, 2), (1500, 64)] {
            let keys = [values(&mut rng, rows, width), values(&mut rng, rows, 3)];
            let payload = [(0..rows as u64).collect::<Vec<_>>()];
            let got = agreed(security, rows as u64, |party| {
                let shared = [
                    give(party, "k", &keys[0], width)?,
                    give(party, "l", &keys[1], 3)?,
                ];
                let carried = [give(party, "p", &payload[0], 20)?];
                let (sorted, carried) = party.sort(&shared, &carried)?;
                Ok((
                    vec![party.open_words(&sorted[0])?, party.open_words(&sorted[1])?],
                    vec![party.open_words(&carried[0])?],
                ))
            });
            assert_eq!(got, ideal::sort(&keys, &payload), "{rows} rows");
        }
    }
}

#[test]
fn sorting_many_small_tables() {
    let mut rng = StdRng::seed_from_u64(22);
    for security in BOTH {
        let tables: Vec<Vec<u64>> = (0..150)
            .map(|_| {
                let rows = rng.random_range(0..24);
                (0..rows).map(|_| rng.random_range(0..8)).collect()
            })
            .collect();
        let got = agreed(security, 1, |party| {
            let mut sorted = Vec::new();
            for table in &tables {
                let keys = [give(party, "k", table, 3)?];
                let (keys, _) = party.sort(&keys, &[])?;
                sorted.push(party.open_words(&keys[0])?);
            }
            Ok(sorted)
        });
        for (mut due, got) in tables.into_iter().zip(got) {
            due.sort_unstable();
            assert_eq!(got, due);
        }
    }
}

#[test]
fn sorting_many_rows() {
    let mut rng = StdRng::seed_from_u64(23);
    let keys = values(&mut rng, 1 << 16, 64);
    let got = agreed(Security::SemiHonest, 2, |party| {
        let shared = [give(party, "k", &keys, 64)?];
        let (sorted, _) = party.sort(&shared, &[])?;
        party.open_words(&sorted[0])
    });
    let mut due = keys;
    due.sort_unstable();
    assert!(got == due, "65,536 rows out of order");
}

#[test]
fn groups_have_their_counts_sums_and_extremes() {
    let mut rng = StdRng::seed_from_u64(24);
    for security in BOTH {
        for rows in [0, 1, 2, 17, 400] {
            let keys: Vec<u64> = (0..rows).map(|_| rng.random_range(0..12)).collect();
            let amounts = values(&mut rng, rows, 40);
            let days = values(&mut rng, rows, 16);
            let got = agreed(security, rows as u64, |party| {
                let key = give(party, "k", &keys, 5)?;
                let amount = give(party, "a", &amounts, 40)?;
                let day = give(party, "d", &days, 16)?;
                let extremes = [(day.clone(), Extreme::Least), (day, Extreme::Greatest)];
                let groups = party.group_by(&[key], &[amount], &extremes)?;
                let columns = [
                    groups.keys[0].clone(),
                    party.to_words(&groups.count)?,
                    party.to_words(&groups.sums[0])?,
                    groups.extremes[0].clone(),
                    groups.extremes[1].clone(),
                ];
                party.open_flagged(&groups.last, &columns, rows)
            });
            let extremes = [(days.clone(), Extreme::Least), (days, Extreme::Greatest)];
            let due = ideal::group_by(&[keys], &[amounts], &extremes);
            assert_eq!(got[0].len(), due.len());
            for at in 0..due.len() {
                let group = &due[&vec![got[0][at]]];
                let row = [got[1][at], got[2][at], got[3][at], got[4][at]];
                let own = [
                    group.count,
                    group.sums[0],
                    group.extremes[0],
                    group.extremes[1],
                ];
                assert_eq!(row, own);
            }
        }
    }
}

#[test]
fn the_greatest_come_first() {
    let mut rng = StdRng::seed_from_u64(25);
    for (rows, count) in [(0, 3), (1, 1), (40, 5), (40, 100)] {
        let scores = values(&mut rng, rows, 6);
        let names: Vec<u64> = (100..100 + rows as u64).collect();
        let got = agreed(Security::Malicious, rows as u64, |party| {
            let score = give(party, "s", &scores, 6)?;
            let name = give(party, "n", &names, 10)?;
            let (score, name) = party.top(&score, &[name], count)?;
            Ok((party.open_words(&score)?, party.open_words(&name[0])?))
        });
        let due = ideal::top(&scores, count);
        assert_eq!(got.0, due.iter().map(|at| scores[*at]).collect::<Vec<_>>());
        assert_eq!(got.1, due.iter().map(|at| names[*at]).collect::<Vec<_>>());
    }
}

#[test]
fn over_the_cap_nothing_opens() {
    let scores: Vec<u64> = (0..100).collect();
    for (cap, due) in [(10, Some(10)), (9, None), (0, None), (200, Some(10))] {
        let got = agreed(Security::Malicious, 3, |party| {
            let score = give(party, "s", &scores, 7)?;
            let number = party.words_to_arith(&score)?;
            let flags = party.at_least(&number, 90)?;
            match party.open_flagged(&flags, &[score], cap) {
                Ok(mut rows) => Ok(Some(rows.swap_remove(0))),
                Err(error) if error.refusal() == Some(Refusal::CapExceeded) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let got = got.map(|mut rows| {
            rows.sort_unstable();
            assert_eq!(rows, (90..100).collect::<Vec<u64>>());
            rows.len()
        });
        assert_eq!(got, due);
    }
}

#[test]
fn the_columns_of_many_owners_become_one() {
    let got = agreed(Security::Malicious, 4, |party| {
        let (a, b) = (give(party, "a", &[1, 2], 8)?, give(party, "b", &[300], 9)?);
        party.open_words(&a.append(&b))
    });
    assert_eq!(got, [1, 2, 300]);
}
