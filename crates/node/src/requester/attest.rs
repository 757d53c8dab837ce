//! The end of a run: every custodian signs what it saw of it.

use std::collections::BTreeSet;

use docket::{statement::Attestation, transcript::run_transcript};
use futures::future::try_join_all;
use primitives::{InstitutionId, cbor};

use super::{CALL_TIMEOUT, Running, peer_error};
use crate::{
    error::{Error, Result},
    exchange::{Attested, Call},
    progress::PartyState,
};

impl Running {
    /// Asks every custodian of the plan to sign what it saw.
    pub(super) async fn attest(&mut self) -> Result<Vec<Attestation>> {
        for step in 0..self.plan.steps.len() {
            let step = u8::try_from(step).unwrap_or(u8::MAX);
            self.evaluated[usize::from(step)] =
                u32::try_from(self.targets(step).len()).unwrap_or(u32::MAX);
        }
        let institutions: BTreeSet<InstitutionId> = self
            .plan
            .custodians
            .iter()
            .map(|c| c.institution.clone())
            .collect();
        try_join_all(institutions.into_iter().map(|id| self.attest_one(id))).await
    }

    async fn attest_one(&self, institution: InstitutionId) -> Result<Attestation> {
        let seen = self.seen.get(&institution).cloned().unwrap_or_default();
        let transcript = run_transcript(&self.question, seen)?;
        let member = self
            .state
            .member(&institution)
            .ok_or_else(|| Error::refused("not-a-member", format!("{institution} is no member")))?;
        let call = Call::Attest {
            question: self.question,
            transcript,
        };
        let said = |error| peer_error(&institution, error);
        let reply = self
            .core
            .net()?
            .call(member.node_key, call.encode()?.into(), CALL_TIMEOUT)
            .await
            .map_err(said)?
            .read_to_end(4096)
            .await
            .map_err(said)?;
        let malformed = |what: String| Error::fault(&institution, what, reply.to_vec());
        let attested: Attested =
            cbor::decode(&reply, 4096).map_err(|error| malformed(error.to_string()))?;
        let message = Attestation::message(&self.question, &transcript);
        member
            .node_key
            .verify(Attestation::DOMAIN, &message, &attested.signature)
            .map_err(|_| malformed("an attestation that does not verify".into()))?;
        self.core
            .progress
            .party(self.question, &institution, |party| {
                party.state = PartyState::Signed;
            });
        Ok(Attestation {
            institution,
            transcript,
            signature: attested.signature,
        })
    }
}
