//! The catalogue is what the ledger's state shows.

use std::collections::BTreeSet;

use docket::{
    Charter, Header, Institution, Record, Role, State, Statement,
    charter::CharterLimits,
    state::At,
    statement::{DatasetPublished, SnapshotCommitted},
};
use primitives::{Digest, PublicKey, SigningKey};

use super::fixture::{id, table};
use crate::Catalogue;

const NOW_MS: u64 = 1_700_000_000_000;

struct Bank {
    state: State,
    key: SigningKey,
}

impl Bank {
    fn new() -> Self {
        let key = SigningKey::from_seed(&[1; 32]);
        let member = |name: &str, node_key, roles: &[Role]| Institution {
            id: id(name),
            name: name.into(),
            roles: roles.iter().copied().collect::<BTreeSet<_>>(),
            node_key,
            seal_key: PublicKey([0; 32]),
            ledger_address: "127.0.0.1:1".into(),
            exchange_address: "127.0.0.1:2".into(),
        };
        let charter = Charter {
            name: "test".into(),
            founded_ms: NOW_MS,
            members: vec![
                member("bank_a", key.public(), &[Role::Custodian]),
                member(
                    "court",
                    PublicKey([2; 32]),
                    &[Role::Authority, Role::Requester],
                ),
            ],
            limits: CharterLimits::default(),
        };
        let state = State::genesis(charter).unwrap();
        Self { state, key }
    }

    fn say(&mut self, statement: Statement, follows: Vec<Digest>) -> Digest {
        let header = Header {
            network: self.state.network(),
            institution: id("bank_a"),
            officer: None,
            time_ms: NOW_MS,
            warrant: None,
            follows,
            parts: Vec::new(),
            statement,
        };
        let record = Record::sign(&header, &self.key).unwrap();
        let at = At {
            height: 1,
            time_ms: NOW_MS,
        };
        self.state.apply(&record, at).unwrap();
        record.digest
    }

    fn publish(&mut self, columns: usize) -> Digest {
        let mut known = table("bank_a", "accounts");
        known.columns.truncate(columns);
        let entry = DatasetPublished {
            dataset: known.dataset,
            table: known.table,
            columns: known.columns,
            keys: known.keys.iter().map(|key| key.name.clone()).collect(),
        };
        self.say(Statement::DatasetPublished(entry), Vec::new())
    }

    fn snapshot(&mut self, dataset: Digest, extracted_ms: u64) -> Digest {
        let statement = SnapshotCommitted {
            dataset,
            root: Digest([3; 32]),
            rows: 5_000,
            rejected: 0,
            extracted_ms,
            method: "csv".into(),
            keys: table("bank_a", "accounts").keys,
        };
        self.say(Statement::SnapshotCommitted(statement), vec![dataset])
    }
}

#[test]
fn each_table_stands_once_with_its_latest_snapshot() {
    let mut bank = Bank::new();
    let old = bank.publish(5);
    assert_eq!(Catalogue::of(&bank.state), Catalogue::default());
    bank.snapshot(old, 10);
    let second = bank.snapshot(old, 20);
    let mut wanted = table("bank_a", "accounts");
    wanted.snapshot = second;
    assert_eq!(Catalogue::of(&bank.state).tables, [wanted.clone()]);
    // Published anew under its name, with fewer columns; it counts once it has
    // the newer snapshot.
    let new = bank.publish(4);
    assert_eq!(Catalogue::of(&bank.state).tables, [wanted.clone()]);
    wanted.snapshot = bank.snapshot(new, 30);
    wanted.columns.truncate(4);
    assert_eq!(Catalogue::of(&bank.state).tables, [wanted]);
}
