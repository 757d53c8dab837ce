//! Records that are not lawful, proposed by a validator that takes them for it.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;
use docket::{Header, Record, Statement};
use primitives::{Digest, NetworkId, SigningKey};

use crate::{
    villain::Villain,
    villains::digest,
    world::{World, id},
};

/// No honest validator agrees to an unlawful record, and the network goes on.
pub(crate) async fn are_never_final(world: &World, villain: &Villain, question: &str) {
    let records = villain.records().await;
    let unlawful = unlawful(villain, &records, &digest(question));
    let before = villain.ledger.status().size;
    for record in &unlawful {
        let submitted = villain.ledger.submit(Bytes::from(record.clone()));
        let waited = tokio::time::timeout(Duration::from_millis(200), submitted).await;
        assert!(
            !matches!(waited, Ok(Ok(_))),
            "an unlawful record became final"
        );
    }
    assert!(
        villain.ledger.status().waiting >= unlawful.len(),
        "it proposes them"
    );
    // Honest members' records become final beside it, whoever leads.
    for n in 0..8 {
        let handle = format!("clerk-{n}").parse().unwrap();
        world
            .network
            .enrol(&id("bank_b"), &handle, &[docket::Duty::Approver])
            .unwrap();
    }
    let after = villain.until("the honest records", |_| {
        let size = villain.ledger.status().size;
        (size >= before + 8).then_some(size)
    });
    after.await;
    let finals: BTreeSet<Digest> = villain.records().await.into_keys().collect();
    for record in &unlawful {
        assert!(!finals.contains(&Record::digest_of(record)));
    }
}

/// What a captured requester would like to stand on the ledger.
fn unlawful(
    villain: &Villain,
    records: &HashMap<Digest, Record>,
    question: &Digest,
) -> Vec<Vec<u8>> {
    let asked = &records[question];
    let Statement::QuestionAsked(of) = &asked.header.statement else {
        panic!("no question")
    };
    let issued = &records[&of.warrant];
    let state_as = |header: Header| Record::sign(&header, &villain.keys.node).unwrap().bytes;
    let mut unlawful: Vec<Vec<u8>> = Vec::new();
    // The issued warrant, with a byte of it changed.
    for place in [20, issued.bytes.len() / 2, issued.bytes.len() - 1] {
        let mut altered = issued.bytes.clone();
        altered[place] ^= 1;
        unlawful.push(altered);
    }
    let base = Header {
        institution: villain.me().clone(),
        officer: None,
        time_ms: cordon::client::now_ms(),
        parts: Vec::new(),
        ..asked.header.clone()
    };
    // A warrant of the requester's own making, in its own name and in the court's.
    let own = Header {
        statement: issued.header.statement.clone(),
        ..base.clone()
    };
    unlawful.push(state_as(own.clone()));
    unlawful.push(state_as(Header {
        institution: id("procuratorate"),
        ..own
    }));
    // Lawful in everything but its signature.
    let mut unsigned = state_as(Header {
        warrant: None,
        follows: Vec::new(),
        statement: Statement::OfficerEnrolled {
            officer: "forged".parse().unwrap(),
            key: SigningKey::generate().public(),
            duties: [docket::Duty::Investigator].into(),
        },
        ..base.clone()
    });
    let signature = unsigned.len() - 64;
    unsigned[signature] ^= 1;
    unlawful.push(unsigned);
    // An end of the run that nobody attested.
    let completed = Statement::RunCompleted {
        question: *question,
        attestations: Vec::new(),
        evaluated: vec![1],
    };
    let follows = vec![*question];
    let completed = Header {
        follows: follows.clone(),
        statement: completed,
        ..base.clone()
    };
    unlawful.push(state_as(completed.clone()));
    // A record of another network.
    unlawful.push(state_as(Header {
        network: NetworkId(Digest([3; 32])),
        ..completed
    }));
    unlawful
}
