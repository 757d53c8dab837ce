use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::joint::{
    ideal,
    risk_propagation::{self, Account, Terms, ledger_columns},
};

fn terms(deltas: &[u32], threshold: u64) -> Terms {
    Terms {
        score_bits: 10,
        weight_bits: 12,
        deltas: deltas.to_vec(),
        threshold,
        name_words: 1,
    }
}

/// Accounts of some banks: the accounts of each.
fn world(rng: &mut StdRng, banks: usize, accounts: usize, transfers: usize) -> Vec<Vec<Account>> {
    let mut all: Vec<Account> = (0..accounts as u64)
        .map(|number| Account {
            key: subject("account", number),
            score: match rng.random_range(0..3) {
                0 => 0,
                1 => 1023,
                _ => rng.random_range(0..1024),
            },
            name: vec![number + 1000],
            received: Vec::new(),
        })
        .collect();
    for _ in 0..transfers * usize::from(accounts > 0) {
        // Some senders are of no bank of the run; some transfers go to oneself.
        let sender = subject("account", rng.random_range(0..accounts as u64 + 3));
        let to = rng.random_range(0..accounts);
        let amount = match rng.random_range(0..4) {
            0 => 0,
            1 => 1 << 50,
            _ => rng.random_range(0..1000),
        };
        all[to].received.push((sender, amount));
    }
    let mut split = vec![Vec::new(); banks];
    for account in all {
        split[rng.random_range(0..banks)].push(account);
    }
    split
}

fn due(banks: &[Vec<Account>], terms: &Terms) -> Vec<Vec<u64>> {
    let accounts = banks.iter().flatten().map(|account| {
        let ideal = ideal::Account {
            score: account.score,
            received: account.received.clone(),
        };
        (account.key, ideal)
    });
    let accounts: BTreeMap<Subject, ideal::Account> = accounts.collect();
    let scores = ideal::risk_propagation(&accounts, &terms.deltas, terms.weight_bits);
    let bar = u128::from(terms.threshold) << terms.fraction_bits();
    let dropped = terms.fraction_bits() - terms.opened_fraction_bits();
    let mut due: Vec<Vec<u64>> = banks
        .iter()
        .flatten()
        .filter(|account| scores[&account.key] >= bar)
        .map(|account| {
            let score = u64::try_from(scores[&account.key] >> dropped).unwrap();
            vec![account.key[0], account.key[1], account.name[0], score]
        })
        .collect();
    due.sort_unstable();
    due
}

fn ledgers(
    party: &mut Party<'_>,
    terms: &Terms,
    banks: &[Vec<Account>],
    padding: usize,
) -> Result<Table, Error> {
    let mut whole: Option<Table> = None;
    for (nth, accounts) in banks.iter().enumerate() {
        let rows: usize = accounts
            .iter()
            .map(|account| account.received.len() + 1)
            .sum();
        let mut rng = StdRng::seed_from_u64(nth as u64);
        let columns = ledger_columns(terms, accounts, rows + padding * nth, &mut rng)?;
        let table = give(party, &terms.ledger()?, &format!("bank-{nth}"), columns, 0)?;
        whole = Some(match whole {
            Some(whole) => whole.append(&table)?,
            None => table,
        });
    }
    Ok(whole.unwrap())
}

#[test]
fn risks_equal_the_ideal() {
    let mut rng = StdRng::seed_from_u64(41);
    for seed in 0..40 {
        let shape = (rng.random_range(1..4), size(&mut rng) / 2, size(&mut rng));
        let banks = world(&mut rng, shape.0, shape.1, shape.2);
        let deltas: Vec<u32> = (0..rng.random_range(0..3))
            .map(|_| rng.random_range(0..=256))
            .collect();
        let terms = terms(&deltas, rng.random_range(1..1024));
        let due = due(&banks, &terms);
        for security in BOTH {
            let got = agreed(security, seed, |party| {
                let table = ledgers(party, &terms, &banks, 2)?;
                let risks = risk_propagation::count(party, &terms, &table)?;
                let count = risks.count();
                let columns = risks.open(party, 1000)?;
                Ok((count, rows_of(party, &columns)?))
            });
            assert_eq!(got, (due.len(), due.clone()), "seed {seed}");
        }
    }
}

/// A chain over three banks: with δ = 1/2, half of the score moves on each time.
#[test]
fn a_chain_halves() {
    let key = |n| subject("account", n);
    let account = |n: u64, score, received: &[(u64, u64)]| Account {
        key: key(n),
        score,
        name: vec![n],
        received: received
            .iter()
            .map(|(from, amount)| (key(*from), *amount))
            .collect(),
    };
    let banks = vec![
        vec![account(1, 1000, &[])],
        vec![account(2, 0, &[(1, 500)])],
        vec![account(3, 0, &[(2, 7), (9, 7)])],
    ];
    let terms = terms(&[128, 128], 1);
    let got = agreed(Security::Malicious, 3, |party| {
        let table = ledgers(party, &terms, &banks, 0)?;
        let risks = risk_propagation::count(party, &terms, &table)?;
        let columns = risks.open(party, 3)?;
        rows_of(party, &columns)
    });
    let scores: BTreeMap<u64, u64> = got.iter().map(|row| (row[2], row[3] >> 16)).collect();
    // After one: 500, 500, 0. After two: 250, 500, 1/2 · 1/2 · 500.
    assert_eq!(scores, BTreeMap::from([(1, 250), (2, 500), (3, 125)]));
}

#[test]
fn what_a_bank_may_not_do_ends_the_question() {
    let terms = terms(&[128], 1);
    let key = subject("account", 1);
    let row = |account: u64, value: u64| [account, key[0], key[1], value, 0];
    let other = subject("account", 2);
    let second = [1, other[0], other[1], 1, 0];
    let cases: [(Vec<[u64; 5]>, Option<Refusal>); 5] = [
        (vec![row(1, 3), second], None),
        // The same account twice.
        (vec![row(1, 3), row(1, 3)], Some(Refusal::AccountRepeated)),
        // A transfer to nobody.
        (vec![row(1, 3), row(0, 3)], Some(Refusal::ShapeMismatch)),
        // Weights of 1 and 2^-12.
        (
            vec![row(1, 3), row(0, 1 << 12), row(0, 1), second],
            Some(Refusal::Overflow),
        ),
        (
            vec![row(1, 3), row(0, (1 << 12) - 1), row(0, 1), second],
            None,
        ),
    ];
    for (rows, due) in cases {
        for security in BOTH {
            let got = agreed(security, 4, |party| {
                let table = give(party, &terms.ledger()?, "bank", columns(&rows), 0)?;
                let result = risk_propagation::count(party, &terms, &table);
                Ok(result.err().and_then(|error| error.refusal()))
            });
            assert_eq!(got, due, "{rows:?}");
        }
    }
}

#[test]
fn over_the_cap_no_account_opens() {
    let mut rng = StdRng::seed_from_u64(42);
    let banks = world(&mut rng, 2, 20, 40);
    let terms = terms(&[90], 100);
    let due = due(&banks, &terms).len();
    assert!(due > 1);
    let got = agreed(Security::Malicious, 5, |party| {
        let table = ledgers(party, &terms, &banks, 0)?;
        let risks = risk_propagation::count(party, &terms, &table)?;
        let (count, before) = (risks.count(), party.cost());
        let refusal = risks
            .open(party, due - 1)
            .err()
            .and_then(|error| error.refusal());
        assert_eq!(party.cost(), before, "bytes went out");
        Ok((count, refusal))
    });
    assert_eq!(got, (due, Some(Refusal::CapExceeded)));
}

#[test]
fn terms_that_can_not_be_kept_are_refused() {
    let good = terms(&[128, 128], 5);
    assert!(good.ledger().is_ok());
    let refusal = |terms: Terms| terms.ledger().unwrap_err().refusal().unwrap();
    // 10 + 3 · 20 bits and more.
    assert_eq!(refusal(terms(&[128; 3], 5)), Refusal::Overflow);
    assert_eq!(refusal(terms(&[257], 5)), Refusal::ParameterRange);
    assert_eq!(refusal(terms(&[1], 0)), Refusal::ParameterRange);
    assert_eq!(refusal(terms(&[1], 1024)), Refusal::ParameterRange);
    assert_eq!(
        refusal(Terms {
            score_bits: 0,
            ..good.clone()
        }),
        Refusal::ParameterRange
    );
    assert_eq!(
        refusal(Terms {
            score_bits: 64,
            ..good.clone()
        }),
        Refusal::Overflow
    );
    assert_eq!(
        refusal(Terms {
            weight_bits: u32::MAX,
            ..good.clone()
        }),
        Refusal::Overflow
    );
    assert_eq!(
        refusal(Terms {
            deltas: vec![1; 17],
            ..good.clone()
        }),
        Refusal::ParameterRange
    );
    let mut rng = StdRng::seed_from_u64(1);
    let account = Account {
        key: [1, 2],
        score: 1024,
        name: vec![0],
        received: vec![([3, 4], u64::MAX), ([3, 4], 1)],
    };
    let mut refusal = |account: Account, rows: usize| {
        let error = ledger_columns(&good, &[account], rows, &mut rng).unwrap_err();
        error.refusal().unwrap()
    };
    assert_eq!(refusal(account.clone(), 3), Refusal::Overflow);
    let account = Account {
        score: 1,
        ..account
    };
    assert_eq!(refusal(account.clone(), 3), Refusal::Overflow);
    let account = Account {
        received: vec![([3, 4], 1)],
        ..account
    };
    assert_eq!(refusal(account.clone(), 1), Refusal::SetTooLarge);
    assert_eq!(
        refusal(
            Account {
                name: vec![],
                ..account
            },
            2
        ),
        Refusal::ShapeMismatch
    );
}

/// Every account's key is found whatever its owner, and no other.
#[test]
fn without_transfers_scores_only_fade() {
    let mut rng = StdRng::seed_from_u64(43);
    let banks = world(&mut rng, 3, 30, 0);
    let terms = terms(&[128], 512);
    let got = agreed(Security::SemiHonest, 6, |party| {
        let table = ledgers(party, &terms, &banks, 1)?;
        let risks = risk_propagation::count(party, &terms, &table)?;
        Ok(risks.count())
    });
    // Half of at most 1023 is below 512.
    assert_eq!(got, 0);
    let keys: BTreeSet<Subject> = banks.iter().flatten().map(|account| account.key).collect();
    assert_eq!(keys.len(), 30);
}
