//! The runs that are open on this custodian's tables: plans' keys, and what was spent.
//!
//! *Invariants*
//! - A plan's key is drawn once a question, stored before the approval that
//!   commits to it, and destroyed when the question has ended.
//! - What a lookup spends is in the private store before its first byte leaves, so
//!   that a restart gives nobody a second budget.

use std::{collections::BTreeSet, sync::Arc};

use docket::{statement::KeyCommitment, transcript::Seen};
use mpc::{
    PlanKey,
    lookup::{
        Scope,
        custodian::{Answer, Run},
    },
};
use primitives::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    core::{Core, lock},
    error::{Error, Result},
    store::Shelf,
};

/// The secrets of one question's plan: a factor `t` of its own for every table
/// and step. With one for all steps, a requester that may ask for somebody in one
/// step could open that person's label, and the selectors in it, in another.
#[derive(Serialize, Deserialize)]
struct PlanSecrets {
    factors: Vec<(KeyCommitment, Digest)>,
}

/// What one request of a run evaluated.
#[derive(Serialize, Deserialize)]
struct Spent {
    request: Digest,
    selectors: Vec<Digest>,
}

/// Where that is kept; without a request, where all of a step's begin.
fn spent_key(question: &Digest, snapshot: &Digest, step: u8, request: Option<&Digest>) -> Vec<u8> {
    let mut key = [&question.0[..], &snapshot.0, &[step]].concat();
    key.extend(request.iter().flat_map(|request| request.0));
    key
}

impl Core {
    /// Draws the plan's keys for a question, or gives those drawn before.
    ///
    /// # Errors
    /// Trouble where a snapshot's secrets are gone.
    pub(crate) fn plan_keys(
        &self,
        question: &Digest,
        wanted: &BTreeSet<(Digest, String, u8)>,
    ) -> Result<Vec<KeyCommitment>> {
        if let Some(known) = self
            .store
            .get::<PlanSecrets>(Shelf::PlanKeys, &question.0)?
        {
            return Ok(known.factors.into_iter().map(|(key, _)| key).collect());
        }
        let mut factors = Vec::new();
        for (snapshot, key, step) in wanted {
            let factor = PlanKey::draw(&mut self.host.rng());
            let commitment = factor.commitment(&self.table_key(snapshot, key)?);
            factors.push((
                KeyCommitment {
                    snapshot: *snapshot,
                    key: key.clone(),
                    step: *step,
                    commitment: Digest(commitment.to_bytes()),
                },
                Digest(*factor.to_bytes()),
            ));
        }
        factors.sort();
        let secrets = PlanSecrets { factors };
        self.store.put(Shelf::PlanKeys, &question.0, &secrets)?;
        Ok(secrets.factors.into_iter().map(|(key, _)| key).collect())
    }

    /// The open run of a question on one lookup key.
    ///
    /// # Errors
    /// A refusal where the plan's key was destroyed or never drawn.
    pub(crate) fn run(
        &self,
        scope: Scope,
        question: &Digest,
        snapshot: &Digest,
        (key, step): (&str, u8),
    ) -> Result<Arc<Run>> {
        let name = (*question, *snapshot, step);
        let mut runs = lock(&self.tables.runs);
        if let Some(known) = runs.get(&name) {
            return Ok(known.clone());
        }
        let secrets: PlanSecrets =
            self.store
                .get(Shelf::PlanKeys, &question.0)?
                .ok_or_else(|| {
                    Error::refused("approval-missing", "this custodian has no key for the plan")
                })?;
        let factor = secrets
            .factors
            .iter()
            .find(|(known, _)| {
                known.snapshot == *snapshot && known.key == key && known.step == step
            })
            .ok_or_else(|| Error::refused("key-mismatch", "the plan has no such lookup key"))?;
        let run = Arc::new(Run::open(
            scope,
            self.me.clone(),
            &self.table_key(snapshot, key)?,
            &PlanKey::from_bytes(&factor.1.0)?,
            self.keys.node.clone(),
        ));
        let place = spent_key(question, snapshot, step, None);
        for (_, spent) in self.store.beginning::<Spent>(Shelf::Spent, &place)? {
            let selectors: Vec<[u8; 32]> = spent.selectors.iter().map(|s| s.0).collect();
            run.resume(u16::from(step), spent.request, &selectors);
        }
        runs.insert(name, run.clone());
        Ok(run)
    }

    /// Keeps what an answer spends, before its first byte leaves: a custodian that was
    /// killed evaluates no selector for a second request either.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub(crate) fn keep_spent(
        &self,
        question: &Digest,
        snapshot: &Digest,
        step: u8,
        answer: &Answer,
    ) -> Result<()> {
        let spent = Spent {
            request: answer.request(),
            selectors: answer.selectors().into_iter().map(Digest).collect(),
        };
        let place = spent_key(question, snapshot, step, Some(&spent.request));
        self.store.put(Shelf::Spent, &place, &spent)
    }

    /// Destroys a question's keys: it has ended.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub(crate) fn destroy_plan_keys(&self, question: &Digest) -> Result<()> {
        lock(&self.tables.runs).retain(|(known, _, _), _| known != question);
        if self
            .store
            .get::<PlanSecrets>(Shelf::PlanKeys, &question.0)?
            .is_some()
        {
            self.store.remove(Shelf::PlanKeys, &question.0)?;
            for (key, _) in self.store.beginning::<Seen>(Shelf::Served, &question.0)? {
                self.store.remove(Shelf::Served, &key)?;
            }
            for (key, _) in self.store.beginning::<Spent>(Shelf::Spent, &question.0)? {
                self.store.remove(Shelf::Spent, &key)?;
            }
            tracing::info!(question = %question.short(), "the plan's keys are destroyed");
        }
        Ok(())
    }
}
