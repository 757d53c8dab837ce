//! Parties in memory, seeded: what every test of the lookup begins with.

use std::sync::Arc;

use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    Error, PlanKey, TableKey,
    lookup::{
        Context, Derivation, Label, Permit, Prepared, Scope,
        custodian::{Pull, Run, Session as Answering},
        ideal::Table,
        requester::{Opened, Outcome, Session as Asking, Target},
    },
    oprf,
};

pub(crate) struct World {
    pub(crate) rng: StdRng,
    pub(crate) scope: Scope,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let scope = Scope {
            network: NetworkId(Digest::of("test", &[b"network"])),
            warrant: Digest::of("test", &[b"warrant"]),
            plan: Digest::of("test", &[b"plan"]),
            run: Digest::of("test", &[b"run"]),
        };
        Self {
            rng: StdRng::seed_from_u64(seed),
            scope,
        }
    }

    /// The authority's work: blinds subjects for a warrant's list.
    pub(crate) fn blind_all(&mut self, inputs: &[Vec<u8>]) -> Vec<Target> {
        inputs
            .iter()
            .map(|input| {
                let (blind, element) = oprf::blind(input, &mut self.rng).unwrap();
                Target::seed(input.clone(), blind, &element).unwrap()
            })
            .collect()
    }

    pub(crate) fn permit(&self, warrant: &[Target]) -> Permit {
        Permit {
            seeds: warrant.iter().map(Target::element).collect(),
            selectors_max: 1000,
            buckets_max: 1000,
            ..Permit::default()
        }
    }

    pub(crate) fn permit_vouched(&self, issuers: &[&Custodian], from_steps: &[u16]) -> Permit {
        Permit {
            issuers: issuers
                .iter()
                .map(|c| (c.name.clone(), c.signer.public()))
                .collect(),
            from_steps: from_steps.iter().copied().collect(),
            ..self.permit(&[])
        }
    }

    pub(crate) fn session(&self, custodian: &Custodian, context: &Context) -> Asking {
        Asking::new(context.clone(), custodian.signer.public())
    }
}

pub(crate) struct Custodian {
    pub(crate) name: InstitutionId,
    pub(crate) scope: Scope,
    pub(crate) table: Table,
    pub(crate) table_key: TableKey,
    pub(crate) plan_key: PlanKey,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) run: Arc<Run>,
    pub(crate) signer: SigningKey,
}

impl Custodian {
    pub(crate) fn new(world: &mut World, name: &str, table: &Table, anonymity: u32) -> Self {
        let name = InstitutionId::new(name).unwrap();
        let table_key = TableKey::draw(&mut world.rng);
        let inputs = table.keys().cloned();
        let prepared = Prepared::prepare(&table_key, [7; 32], anonymity, inputs, None).unwrap();
        let signer =
            SigningKey::from_seed(Digest::of("test", &[name.as_str().as_bytes()]).as_bytes());
        let plan_key = PlanKey::draw(&mut world.rng);
        let run = Run::open(
            world.scope,
            name.clone(),
            &table_key,
            &plan_key,
            signer.clone(),
        );
        Self {
            name,
            scope: world.scope,
            table: table.clone(),
            table_key,
            plan_key,
            prepared: Arc::new(prepared),
            run: Arc::new(run),
            signer,
        }
    }

    /// The same custodian under another run and plan key.
    pub(crate) fn reopened(&self, world: &mut World, run: &str) -> Self {
        let scope = Scope {
            run: Digest::of("test", &[run.as_bytes()]),
            ..self.scope
        };
        self.rescoped(world, scope)
    }

    pub(crate) fn rescoped(&self, world: &mut World, scope: Scope) -> Self {
        let plan_key = PlanKey::draw(&mut world.rng);
        let signer = self.signer.clone();
        let run = Run::open(
            scope,
            self.name.clone(),
            &self.table_key,
            &plan_key,
            signer.clone(),
        );
        Self {
            name: self.name.clone(),
            scope,
            table: self.table.clone(),
            table_key: self.table_key.clone(),
            plan_key,
            prepared: Arc::clone(&self.prepared),
            run: Arc::new(run),
            signer,
        }
    }

    pub(crate) fn context(&self, _: &World, step: u16, part: u16) -> Context {
        Context {
            scope: self.scope,
            step,
            part,
            requester: InstitutionId::new("police").unwrap(),
            custodian: self.name.clone(),
            snapshot: Digest::of("test", &[b"snapshot"]),
            table: self.prepared.params(),
            plan_key: self.plan_key.commitment(&self.table_key),
            rooted: true,
        }
    }

    /// Answers a request whole: its frames and the custodian's transcript.
    pub(crate) fn answer(
        &self,
        world: &mut World,
        context: &Context,
        request: &[u8],
        permit: &Permit,
    ) -> Result<(Vec<Vec<u8>>, Digest), Error> {
        let session = Answering::new(
            context.clone(),
            Arc::clone(&self.run),
            Arc::clone(&self.prepared),
        )?;
        let mut answer = session.admit(request, permit, &mut world.rng)?;
        let mut frames = Vec::new();
        loop {
            match answer.pull()? {
                Pull::Labels(inputs) => {
                    let labels: Vec<Label> = inputs
                        .iter()
                        .map(|input| self.table[input].clone())
                        .collect();
                    answer.supply(&labels)?;
                }
                Pull::Frame(frame) => frames.push(frame),
                Pull::Done(transcript) => return Ok((frames, transcript)),
            }
        }
    }

    /// Plays both roles to the end.
    pub(crate) fn lookup(
        &self,
        world: &mut World,
        context: &Context,
        targets: Vec<Target>,
        permit: &Permit,
    ) -> Result<Opened, Error> {
        let (request, mut receiver) = world.session(self, context).ask(targets)?;
        let (frames, _) = self.answer(world, context, &request, permit)?;
        for frame in frames {
            receiver.on_frame(frame)?;
        }
        receiver.finish()
    }
}

/// An outcome in the ideal functionality's terms.
pub(crate) fn as_label(outcome: &Outcome) -> Option<Label> {
    outcome.found.as_ref().map(|found| Label {
        rows: found.rows.clone(),
        derived: found
            .derived
            .iter()
            .map(|derived| Derivation {
                to_step: derived.to_step(),
                input: derived.input().to_vec(),
            })
            .collect(),
    })
}
