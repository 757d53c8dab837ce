use super::*;

#[test]
fn owners_columns_open_to_what_they_were() {
    let mut rng = StdRng::seed_from_u64(1);
    for (seed, rows) in [0, 1, 2, 63, 64, 65, 1000].into_iter().enumerate() {
        for width in [1, 7, 62, 64] {
            let column = values(&mut rng, rows, width);
            for security in BOTH {
                let opened = agreed(security, seed as u64, |party| {
                    let words = give(party, "x", &column, width)?;
                    let bits = words.to_bits();
                    assert_eq!(bits.width(), width);
                    let back = bits.to_words();
                    Ok((party.open_words(&words)?, party.open_words(&back)?))
                });
                assert_eq!(opened, (column.clone(), column.clone()));
            }
        }
    }
}

#[test]
fn sums_and_products_are_those_of_numbers() {
    let mut rng = StdRng::seed_from_u64(2);
    for security in BOTH {
        for rows in [0, 1, 5, 300, 5000] {
            let (a, b) = (values(&mut rng, rows, 30), values(&mut rng, rows, 20));
            let got = agreed(security, rows as u64, |party| {
                let (x, y) = (numbers(party, "a", &a, 30)?, numbers(party, "b", &b, 20)?);
                let product = party.mul(&x, &y)?;
                let product = party.open(&product)?;
                let difference = party.open(&y.sub(&x)?.scale(-3)?)?;
                let total = party.open(&x.add(&y)?.sum()?)?;
                Ok((product, difference, total))
            });
            for at in 0..rows {
                let (x, y) = (a[at].cast_signed(), b[at].cast_signed());
                assert_eq!(got.0[at], x * y);
                assert_eq!(got.1[at], (y - x) * -3);
            }
            let total = a.iter().chain(&b).sum::<u64>();
            assert_eq!(got.2, [total.cast_signed()]);
        }
    }
}

#[test]
fn comparisons_of_bits_are_those_of_words() {
    let mut rng = StdRng::seed_from_u64(3);
    for security in BOTH {
        for (rows, width) in [
            (0, 5),
            (1, 1),
            (70, 1),
            (700, 2),
            (3000, 7),
            (3000, 64),
            (65, 63),
        ] {
            let mut a = values(&mut rng, rows, width);
            let mut b = values(&mut rng, rows, width);
            b.reverse();
            for at in (0..rows).step_by(3) {
                a[at] = b[at];
            }
            let got = agreed(security, rows as u64, |party| {
                let x = give(party, "a", &a, width)?.to_bits();
                let y = give(party, "b", &b, width)?.to_bits();
                let (less, same) = (party.less_than(&x, &y)?, party.equal(&x, &y)?);
                let least = party.select(&less, &x, &y)?.to_words();
                let either = party.or(&less, &same)?;
                Ok((
                    party.open_bits(&less)?,
                    party.open_bits(&same)?,
                    party.open_words(&least)?,
                    party.open_bits(&either)?,
                ))
            });
            for at in 0..rows {
                assert_eq!(bit(&got.0, at) == 1, a[at] < b[at], "{} {}", a[at], b[at]);
                assert_eq!(bit(&got.1, at) == 1, a[at] == b[at]);
                assert_eq!(got.2[at], a[at].min(b[at]));
                assert_eq!(bit(&got.3, at) == 1, a[at] <= b[at]);
            }
        }
    }
}

#[test]
fn comparisons_and_conversions_of_numbers() {
    let mut rng = StdRng::seed_from_u64(4);
    for security in BOTH {
        for rows in [0, 1, 64, 4000] {
            let (mut a, b) = (values(&mut rng, rows, 61), values(&mut rng, rows, 61));
            for at in (0..rows).step_by(5) {
                a[at] = b[at];
            }
            let got = agreed(security, rows as u64, |party| {
                let (x, y) = (numbers(party, "a", &a, 61)?, numbers(party, "b", &b, 61)?);
                let less = party.less_than_arith(&x, &y)?;
                let flag = party.bit_to_arith(&less)?;
                let gap = x.sub(&y)?;
                let bits = party.to_bits(&gap, 64)?.to_words();
                let narrow = party.to_bits(&x, 9)?.to_words();
                let least = party.select_arith(&flag, &x, &y)?;
                Ok((
                    party.open_bits(&less)?,
                    party.open(&flag)?,
                    party.open_words(&bits)?,
                    party.open_words(&narrow)?,
                    party.open(&least)?,
                ))
            });
            for at in 0..rows {
                assert_eq!(bit(&got.0, at) == 1, a[at] < b[at]);
                assert_eq!(got.1[at], i64::from(a[at] < b[at]));
                assert_eq!(got.2[at], a[at].wrapping_sub(b[at]));
                assert_eq!(got.3[at], a[at] & 511);
                assert_eq!(got.4[at], a[at].min(b[at]).cast_signed());
            }
        }
    }
}

#[test]
fn signs_at_the_edges() {
    let edges: Vec<i64> = vec![
        0,
        1,
        -1,
        2,
        -2,
        (1 << 61) - 1,
        -(1 << 61) + 1,
        1 << 32,
        -(1 << 32),
    ];
    let got = agreed(Security::Malicious, 5, |party| {
        let mut signs = Vec::new();
        for edge in &edges {
            let number = party.constant(*edge, 1)?;
            let negative = party.negative(&number)?;
            signs.push(party.open_bits(&negative)?[0]);
        }
        Ok(signs)
    });
    let due: Vec<u64> = edges.iter().map(|edge| u64::from(*edge < 0)).collect();
    assert_eq!(got, due);
}

#[test]
fn what_could_wrap_is_refused_before_it_is_computed() {
    let got = agreed(Security::SemiHonest, 6, |party| {
        let wide = numbers(party, "wide", &[1, 2, 3], 62)?;
        let half = numbers(party, "half", &[1, 2, 3], 32)?;
        let words = give(party, "full", &[u64::MAX], 64)?;
        Ok([
            wide.add(&wide).err().and_then(|error| error.refusal()),
            wide.sum().err().and_then(|error| error.refusal()),
            wide.scale(2).err().and_then(|error| error.refusal()),
            half.scale(i64::MIN).err().and_then(|error| error.refusal()),
            party
                .mul(&half, &half)
                .err()
                .and_then(|error| error.refusal()),
            party
                .less_than_arith(&wide, &wide)
                .err()
                .and_then(|error| error.refusal()),
            party
                .words_to_arith(&words)
                .err()
                .and_then(|error| error.refusal()),
            party
                .constant(i64::MIN, 1)
                .err()
                .and_then(|error| error.refusal()),
        ])
    });
    assert_eq!(got, [Some(Refusal::Overflow); 8]);
    let mut rng = StdRng::seed_from_u64(1);
    let error = share(&binding("x", 1, 8), &[256], &mut rng).unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Overflow));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let got = agreed(Security::SemiHonest, 7, |party| {
        let (two, three) = (
            give(party, "a", &[1, 2], 8)?,
            give(party, "b", &[1, 2, 3], 8)?,
        );
        let (x, y) = (party.words_to_arith(&two)?, party.words_to_arith(&three)?);
        Ok([
            x.add(&y).err().and_then(|error| error.refusal()),
            party.mul(&x, &y).err().and_then(|error| error.refusal()),
            party
                .shuffle(&[two.clone(), three.clone()])
                .err()
                .and_then(|error| error.refusal()),
            party
                .sort(std::slice::from_ref(&two), std::slice::from_ref(&three))
                .err()
                .and_then(|error| error.refusal()),
            party
                .less_than(&two.to_bits(), &three.to_bits())
                .err()
                .and_then(|error| error.refusal()),
            two.gather(&[2]).err().and_then(|error| error.refusal()),
        ])
    });
    assert_eq!(got, [Some(Refusal::ShapeMismatch); 6]);
}

/// Each party's components look alike whatever the values are: the marginal of
/// every bit, over many sessions, is that of a fair coin.
#[test]
fn one_party_sees_coins() {
    const RUNS: u64 = 256;
    for column in [vec![0; 4], vec![u64::MAX >> 2; 4]] {
        let mut ones = [[0u32; 64]; 6];
        for seed in 0..RUNS {
            let views = memory::run(Security::SemiHonest, seed, |party| {
                let binding = binding("x", column.len(), 62);
                let mut rng = StdRng::seed_from_u64(seed);
                let messages = share(&binding, &column, &mut rng)?;
                let words = party.receive_input(&binding, &messages[party.index()])?;
                let x = party.words_to_arith(&words)?;
                let bits = x.to_bits_for_test(party)?;
                Ok([bits.pair.mine[0], bits.pair.next[0]])
            });
            for (at, view) in views.into_iter().flat_map(|view| view.unwrap()).enumerate() {
                for (bit, ones) in ones[at].iter_mut().enumerate() {
                    *ones += u32::try_from(view >> bit & 1).unwrap();
                }
            }
        }
        // Six standard deviations of 256 fair coins are 48.
        for ones in ones.iter().flatten() {
            assert!((80..=176).contains(ones), "{ones} of {RUNS}");
        }
    }
}

impl Arith {
    fn to_bits_for_test(&self, party: &mut Party<'_>) -> Result<Words, Error> {
        let product = party.mul_pairs(&self.pair, &self.pair)?;
        Ok(Words {
            pair: product,
            width: 64,
        })
    }
}

#[test]
fn planes_can_be_taken_one_by_one() {
    let got = agreed(Security::Malicious, 9, |party| {
        let bits = give(party, "x", &[5, 2, 7], 3)?.to_bits();
        let planes: Vec<Bits> = (0..3).map(|j| bits.bit(j)).collect();
        let both = party.and(&planes[0], &planes[2])?;
        party.open_bits(&both)
    });
    assert_eq!(got, [0b101]);
}

#[test]
fn bits_of_every_width_become_numbers() {
    let mut rng = StdRng::seed_from_u64(10);
    for security in BOTH {
        for width in [1, 2, 3, 17, 39, 40, 41, 62] {
            let column = values(&mut rng, 200, width);
            let got = agreed(security, u64::from(width), |party| {
                let numbers = numbers(party, "x", &column, width)?;
                assert_eq!(numbers.magnitude_bits(), width);
                // Another sum than the parts: carries must not be lost.
                let twice = numbers.sub(&party.constant(1, 200)?);
                Ok((party.open(&numbers)?, twice.is_ok()))
            });
            let due: Vec<i64> = column.iter().map(|value| value.cast_signed()).collect();
            assert_eq!(got, (due, width < 62), "{width} bits");
        }
    }
}
