//! The protocol's own parties, for what a bundle shows of them: a custodian's table by one
//! key, and a lookup in it.

use std::sync::Arc;

use docket::body::Subject;
use mpc::lookup::custodian::{Pull, Session as Answering};
use mpc::lookup::requester::{Opened, Session, Target};
use mpc::lookup::{Context, Label, Permit, Prepared, custodian};
use mpc::{Blind, PlanKey, TableKey};
use primitives::{Digest, InstitutionId};
use rand::rngs::StdRng;

use super::world::{TELECOMS, id, key};

/// A custodian's table by the key of one step.
pub(crate) struct Table {
    pub(crate) of: InstitutionId,
    pub(crate) step: u16,
    /// The input of each row, and the row's label.
    pub(crate) labels: Vec<(Vec<u8>, Label)>,
    table_key: TableKey,
    plan_key: PlanKey,
    prepared: Arc<Prepared>,
}

impl Table {
    pub(crate) fn new(
        of: &str,
        step: u16,
        labels: Vec<(Vec<u8>, Label)>,
        rng: &mut StdRng,
    ) -> Self {
        let table_key = TableKey::draw(rng);
        let inputs: Vec<Vec<u8>> = labels.iter().map(|(input, _)| input.clone()).collect();
        let prepared = Prepared::prepare(&table_key, [7; 32], 4, inputs, None).unwrap();
        Self {
            of: id(of),
            step,
            labels,
            plan_key: PlanKey::draw(rng),
            prepared: Arc::new(prepared),
            table_key,
        }
    }

    /// The lookup key of the snapshot's record.
    pub(crate) fn lookup_key(&self, name: &str) -> docket::statement::LookupKey {
        let params = self.prepared.params();
        docket::statement::LookupKey {
            name: name.into(),
            commitment: Digest(self.table_key.public().to_bytes()),
            salt: Digest(*params.salt()),
            bucket_bits: params.bucket_bits(),
            distinct: self.labels.len() as u64,
        }
    }

    /// The key's commitment in the approval.
    pub(crate) fn commitment(&self) -> Digest {
        Digest(self.plan_key.commitment(&self.table_key).to_bytes())
    }

    /// What a lookup in this table is bound to.
    pub(crate) fn context(&self, scope: mpc::lookup::Scope, snapshot: Digest) -> Context {
        Context {
            scope,
            step: self.step,
            part: 0,
            requester: id("police"),
            custodian: self.of.clone(),
            snapshot,
            table: self.prepared.params(),
            plan_key: self.plan_key.commitment(&self.table_key),
            rooted: true,
        }
    }

    /// The real roles, one against the other.
    pub(crate) fn lookup(
        &self,
        context: Context,
        targets: Vec<Target>,
        rng: &mut StdRng,
    ) -> Opened {
        let signer = key(self.of.as_str());
        let permit = Permit {
            seeds: targets.iter().map(Target::element).collect(),
            issuers: TELECOMS
                .iter()
                .map(|name| (id(name), key(name).public()))
                .collect(),
            from_steps: [0].into(),
            selectors_max: 10,
            buckets_max: 10,
        };
        let run = custodian::Run::open(
            context.scope,
            self.of.clone(),
            &self.table_key,
            &self.plan_key,
            signer.clone(),
        );
        let session = Session::new(context.clone(), signer.public());
        let (request, mut receiver) = session.ask(targets).unwrap();
        let session = Answering::new(context, Arc::new(run), Arc::clone(&self.prepared)).unwrap();
        let mut answer = session.admit(&request, &permit, rng).unwrap();
        loop {
            match answer.pull().unwrap() {
                Pull::Labels(inputs) => {
                    let label = |input: &Vec<u8>| {
                        let known = self.labels.iter().find(|(known, _)| known == input);
                        known.unwrap().1.clone()
                    };
                    let labels: Vec<Label> = inputs.iter().map(label).collect();
                    answer.supply(&labels).unwrap();
                }
                Pull::Frame(frame) => {
                    receiver.on_frame(frame).unwrap();
                }
                Pull::Done(_) => return receiver.finish().unwrap(),
            }
        }
    }
}

/// A subject, as the requester asks for it.
pub(crate) fn target(subject: &Subject) -> Target {
    let input = subject.selector.to_input();
    let blind = Blind::from_bytes(&subject.blind.0).unwrap();
    let element = mpc::oprf::blind_with(&input, &blind).unwrap();
    Target::seed(input, blind, &element).unwrap()
}
