//! A requester whose validator judges nothing: whatever it is given it takes for
//! lawful and proposes, and it signs approvals, inputs and ends of runs that nobody
//! made.
//!
//! No honest validator may vote for such a block, and the network must go on.

use std::{any::Any, time::Duration};

use bytes::Bytes;
use docket::{Header, Record, Statement};
use ledger::{BlockInfo, Members, Refused};
use node::rules::LegalOrder;
use primitives::{Digest, NetworkId};

use super::{Attempt, judge};
use crate::people::{Docket, Office};

const ME: &str = "coordinator";
/// What became of a record that no honest validator agrees to.
const NEVER: &str = "never final";

/// Judges nothing.
pub(crate) struct Lawless(pub(crate) LegalOrder);

impl ledger::Rules for Lawless {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        records.iter().map(|_| Ok(())).collect()
    }

    fn genesis(&self) -> Box<dyn ledger::State> {
        Box::new(Anything(ledger::Rules::genesis(&self.0)))
    }
}

struct Anything(Box<dyn ledger::State>);

impl ledger::State for Anything {
    fn boxed_clone(&self) -> Box<dyn ledger::State> {
        Box::new(Self(self.0.boxed_clone()))
    }

    fn apply(&mut self, record: &[u8], at: BlockInfo) -> Result<(), Refused> {
        // What the law refuses changes nothing, and is proposed all the same.
        let _ = self.0.apply(record, at);
        Ok(())
    }

    fn members(&self) -> Members {
        self.0.members()
    }

    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }
}

/// Proposes what it would like to stand on the ledger; gives what must never be final.
pub(crate) async fn propose(office: &Office, docket: Docket) -> Vec<Digest> {
    let world = &office.world;
    let police = world.place("police");
    let Some(core) = world.core(police) else {
        return Vec::new();
    };
    let Ok(asked) = core.record(&docket.question) else {
        return Vec::new();
    };
    let records = unlawful(office, &core, &asked.record);
    drop(core);
    for (what, bytes) in &records {
        let bytes = Bytes::from(bytes.clone());
        let submitted = world.at(police, move |core| async move {
            let submitted = core.ledger.submit(bytes);
            tokio::select! {
                biased;
                done = submitted => Some(done),
                () = core.host.sleep(Duration::from_secs(3)) => None,
            }
        });
        let tried = match submitted.await.flatten() {
            Some(Ok(_)) => Some(Attempt::Done(())),
            Some(Err(ledger::SubmitError::Refused(refused))) => {
                Some(Attempt::Refused(refused.rule.to_string()))
            }
            // Its own node takes it, and nobody else ever does.
            _ => Some(Attempt::Refused(NEVER.into())),
        };
        judge(world, (ME, what), tried, &[NEVER]);
    }
    let digest = |(_, bytes): &(_, Vec<u8>)| Record::digest_of(bytes);
    records.iter().map(digest).collect()
}

fn unlawful(
    office: &Office,
    core: &node::core::Core,
    asked: &Record,
) -> Vec<(&'static str, Vec<u8>)> {
    let world = &office.world;
    let police = &world.members[world.place("police")];
    let state_as = |header: &Header| {
        let record = Record::sign(header, &police.keys().node);
        record.map(|record| record.bytes).unwrap_or_default()
    };
    let base = Header {
        officer: None,
        time_ms: core.now_ms(),
        parts: Vec::new(),
        follows: vec![asked.digest],
        ..asked.header.clone()
    };
    let Statement::QuestionAsked(of) = &asked.header.statement else {
        return Vec::new();
    };
    let mut records = Vec::new();
    let telecom = world.members[world.place("telecom_a")].id.clone();
    let approved = Statement::Approved {
        question: asked.digest,
        plan: of.plan,
        keys: Vec::new(),
        by_rule: None,
    };
    let inputs = Statement::InputsCommitted {
        question: asked.digest,
        keys: Vec::new(),
        tables: Vec::new(),
    };
    for (what, statement) in [
        ("approves in a custodian's name", approved),
        ("binds inputs in a custodian's name", inputs),
    ] {
        let header = Header {
            institution: telecom.clone(),
            statement,
            ..base.clone()
        };
        records.push((what, state_as(&header)));
    }
    let completed = Header {
        statement: Statement::RunCompleted {
            question: asked.digest,
            attestations: Vec::new(),
            evaluated: vec![1],
        },
        ..base
    };
    records.push(("completes a run that nobody attested", state_as(&completed)));
    let elsewhere = Header {
        network: NetworkId(Digest([3; 32])),
        ..completed
    };
    records.push(("brings another network's record", state_as(&elsewhere)));
    let mut altered = asked.bytes.clone();
    if let Some(last) = altered.last_mut() {
        *last ^= 1;
    }
    records.push(("alters a signature", altered));
    records.retain(|(_, bytes)| !bytes.is_empty());
    records
}

/// None of it stands on an honest ledger.
pub(crate) fn check(office: &Office, unlawful: &[Digest]) {
    let world = &office.world;
    let police = world.place("police");
    for n in (0..world.members.len()).filter(|n| *n != police) {
        let Some(core) = world.core(n) else { continue };
        let index = core.read_index();
        for digest in unlawful {
            if index.get(digest).is_some() {
                let detail = format!("{n} holds the unlawful record {}", digest.short());
                world.report.broken("lawless", detail);
            }
        }
    }
}
