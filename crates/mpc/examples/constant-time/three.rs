//! Three parties: the pairs' keys and every component of a share are secret, on the
//! wires too.

use mpc::{
    Error,
    joint::{
        key::subject_key,
        table::{Schema, Table},
        totals::{self, Terms},
    },
    shares::{Arith, Extreme, Party, Security, Words, input, memory},
};
use primitives::Digest;

use crate::mark::{Secrets, secret};

/// Runs a program at three parties with secret keys.
fn run(security: Security, program: impl Fn(&mut Party<'_>) -> Result<(), Error> + Sync) {
    let (session, program) = (Digest::plain(b"constant time"), &program);
    let mut keys = memory::keys(12);
    for keys in &mut keys {
        secret(&mut keys.previous);
        secret(&mut keys.next);
    }
    std::thread::scope(|scope| {
        for ((index, channel), keys) in memory::channels().into_iter().enumerate().zip(&keys) {
            scope.spawn(move || {
                let mut party = Party::new(index, &session, keys, security, channel).unwrap();
                program(&mut party).unwrap();
            });
        }
    });
}

/// A secret column, shared by an owner who is there at each party.
fn give(party: &mut Party<'_>, name: &str, values: &[u64], width: u32) -> Result<Words, Error> {
    let binding = input::Binding {
        session: Digest::plain(b"constant time"),
        owner: "owner".to_owned(),
        column: name.to_owned(),
        rows: values.len(),
        width,
    };
    let mut values = values.to_vec();
    secret(&mut values);
    let messages = input::share(&binding, &values, &mut Secrets::new(13))?;
    party.receive_input(&binding, &messages[party.index()])
}

fn number(party: &mut Party<'_>, name: &str, values: &[u64]) -> Result<Arith, Error> {
    let words = give(party, name, values, 20)?;
    party.words_to_arith(&words)
}

pub(crate) fn owner() {
    run(Security::SemiHonest, |party| {
        let words = give(party, "a", &[1, 2, 3], 12)?;
        assert_eq!(party.open_words(&words)?, [1, 2, 3]);
        Ok(())
    });
}

pub(crate) fn numbers() {
    for security in [Security::SemiHonest, Security::Malicious] {
        run(security, |party| {
            let values: Vec<u64> = (0..70).collect();
            let (a, b) = (number(party, "a", &values)?, number(party, "b", &values)?);
            let product = party.mul(&a, &b)?;
            let less = party.less_than_arith(&a, &product)?;
            let count = party.bit_to_arith(&less)?.sum()?;
            assert_eq!(party.open(&product.sum()?)?, [(0..70).map(|n| n * n).sum()]);
            assert_eq!(party.open(&count)?, [68]);
            Ok(())
        });
    }
}

pub(crate) fn bits() {
    for security in [Security::SemiHonest, Security::Malicious] {
        run(security, |party| {
            let values: Vec<u64> = (0..70).map(|n| n % 7).collect();
            let a = give(party, "a", &values, 8)?.to_bits();
            let b = give(party, "b", &[3; 70], 8)?.to_bits();
            let equal = party.equal(&a, &b)?;
            let less = party.less_than(&a, &b)?;
            assert_eq!(party.count_flagged(&equal)?, 10);
            assert_eq!(party.count_flagged(&less)?, 30);
            Ok(())
        });
    }
}

pub(crate) fn tables() {
    for security in [Security::SemiHonest, Security::Malicious] {
        run(security, |party| {
            let keys = give(party, "key", &[5, 2, 5, 9, 2, 5, 1, 0, 2, 9], 8)?;
            let amounts = give(party, "amount", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 8)?;
            let extremes = [(amounts.clone(), Extreme::Greatest)];
            let groups = party.group_by(&[keys], &[amounts], &extremes)?;
            assert_eq!(party.count_flagged(&groups.last)?, 5);
            Ok(())
        });
    }
}

/// One table, shared by one owner.
fn table(
    party: &mut Party<'_>,
    schema: &Schema,
    mut columns: Vec<Vec<u64>>,
) -> Result<Table, Error> {
    let session = Digest::plain(b"constant time");
    let rows = columns[0].len();
    for column in &mut columns {
        secret(column);
    }
    let messages = schema.share(&session, "owner", &columns, &mut Secrets::new(14))?;
    let mine = &messages[party.index()];
    Table::receive(party, schema, &session, "owner", rows, mine)
}

pub(crate) fn totals() {
    run(Security::Malicious, |party| {
        let terms = Terms {
            group_bits: 4,
            amount_bits: 16,
            least: 2,
        };
        let salt = Digest::plain(b"salt");
        let person = |n: u64| subject_key(&salt, "person", &n.to_be_bytes());
        let subjects = [1, 2, 3].map(person);
        let subjects = vec![
            vec![1; 3],
            subjects.iter().map(|key| key[0]).collect(),
            subjects.iter().map(|key| key[1]).collect(),
        ];
        let facts: Vec<[u64; 2]> = (0..8).map(|n| person(n % 4)).collect();
        let facts = vec![
            vec![1; 8],
            facts.iter().map(|key| key[0]).collect(),
            facts.iter().map(|key| key[1]).collect(),
            (0..8).map(|n| n % 2).collect(),
            (0..8).map(|n| 10 * n).collect(),
        ];
        let subjects = table(party, &totals::subjects()?, subjects)?;
        let facts = table(party, &totals::facts(4, 16)?, facts)?;
        let totals = totals::count(party, &terms, &subjects, &facts)?;
        assert_eq!((totals.withheld, totals.groups.count()), (1, 1));
        let opened = totals.groups.open(party, 2)?;
        assert_eq!(party.open_words(&opened[1])?, [2]);
        Ok(())
    });
}
