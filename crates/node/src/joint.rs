//! Joint questions at this node: what it shares, what it computes, what it asks for.
//!
//! Why it exists: a joint question is answered by three members over shares of
//! tables that many own. This is the node's part in each of these roles; the
//! programs are `mpc::joint`'s, the plan `query`'s.
//!
//! ```text
//! owner       inputs-committed: digests of its shares      owner.rs
//! the three   pull their shares from every owner,          compute.rs, seats.rs, channel.rs
//!             frames from one another; count; sign it
//! requester   pulls the three counts ─▶ count-opened       requester.rs
//! the three   once their own ledgers show the count within the cap: rows ─▶ parts
//! requester   pulls the three parts ─▶ answer, run-completed
//! ```
//!
//! Everything is pulled: who needs bytes calls who has them. Nothing that a caller
//! says is believed: [`admitted`] looks warrant, approvals, inputs and phase up in
//! this node's own ledger, and the plan in its own copy.
//!
//! *Invariants*
//! - Shares leave an owner only for a member that computes, and only those that the
//!   owner committed to on the ledger.
//! - No row is opened before the count is a record on this node's own ledger, is
//!   within the cap, and the warrant is still in force.
//! - A computation that was cut begins anew with fresh keys under a fresh session;
//!   what owners committed to stays.
//!
//! *Leaks*: those of the plan; to the three, of each other, who is reachable when.
//!
//! *Not here*: a proof that what an owner shares is what its snapshot holds.

use std::sync::Arc;

use docket::{
    Plan, State,
    plan::JointPlan,
    state::{Question, QuestionPhase, Warrant},
    statement::TableCommitment,
};
use net::Replies;
use primitives::{Digest, InstitutionId, PublicKey, WarrantId};

use crate::{
    core::Core,
    custodian,
    error::{Error, Result},
    exchange::Call,
};

mod channel;
mod compute;
mod owner;
mod program;
mod requester;
mod seats;
mod sets;
mod shares;

pub(crate) use compute::compute;
pub(crate) use owner::{commitments, forget};
pub(crate) use requester::run;
pub(crate) use seats::Seats;

/// Domain of the digest of all frames of one party.
const FRAMES_DOMAIN: &str = "cordon/joint-frames/v1";
/// Domain of a session's digest for one attempt.
const ATTEMPT_DOMAIN: &str = "cordon/joint-attempt/v1";
/// Domain of the key that two neighbours agree on.
const PAIR_DOMAIN: &str = "cordon/joint-pair/v1";

/// A running joint question, as this node's own ledger and plan have it.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) state: State,
    pub(crate) warrant: WarrantId,
    pub(crate) case: Warrant,
    pub(crate) question: Digest,
    pub(crate) known: Question,
    pub(crate) plan: Plan,
    pub(crate) joint: JointPlan,
    /// The session that keys and shares are bound to.
    pub(crate) session: Digest,
}

/// A joint question that runs: warrant in force, approved by all, inputs bound.
///
/// # Errors
/// The rule that says no; trouble where this node does not see it yet.
pub(crate) fn admitted(core: &Core, question: &Digest) -> Result<Running> {
    let state = core.state();
    let loaded = custodian::load(core, &state, question)?;
    core.warrant_in_force(&state, &loaded.warrant_id)?;
    let joint = loaded
        .plan
        .joint
        .clone()
        .filter(|joint| {
            let asked = loaded.question.joint.as_ref();
            asked.is_some_and(|asked| asked.computing == joint.computing)
        })
        .ok_or_else(|| Error::refused("joint", "the question is none that is computed jointly"))?;
    if !loaded.question.approved_by_all() {
        return Err(Error::refused(
            "approval-missing",
            "the ledger does not show every custodian's approval of this plan",
        ));
    }
    if loaded.question.phase != QuestionPhase::Running || !loaded.question.bound() {
        return Err(Error::refused(
            "not-running",
            "the question is not running here",
        ));
    }
    let session = docket::joint::session(&core.network, &loaded.question.plan, question);
    Ok(Running {
        state,
        warrant: loaded.warrant_id,
        case: loaded.warrant,
        question: *question,
        known: loaded.question,
        plan: loaded.plan,
        joint,
        session,
    })
}

/// Answers another node's call about a joint question.
pub(crate) async fn serve(
    core: &Arc<Core>,
    peer: &PublicKey,
    call: Call,
    replies: &mut Replies,
) -> Result<()> {
    match call {
        Call::Shares {
            question,
            table,
            part,
        } => owner::serve(core, peer, &question, (&table, part.into()), replies).await,
        Call::Frames { question } => seats::serve_frames(core, peer, &question, replies).await,
        Call::Count { question } => seats::serve_count(core, peer, &question, replies).await,
        Call::Part { question } => seats::serve_part(core, peer, &question, replies).await,
        Call::Progress { question } => seats::serve_progress(core, peer, &question, replies).await,
        _ => Err(Error::refused("format", "no call of a joint question")),
    }
}

impl Running {
    /// The seat of the member with this node key, if it computes.
    pub(crate) fn seat_of(&self, peer: &PublicKey) -> Option<usize> {
        let member = self.state.member_of_node(peer)?;
        self.seat(&member.id)
    }

    /// The seat of an institution, if it computes.
    pub(crate) fn seat(&self, institution: &InstitutionId) -> Option<usize> {
        self.joint.computing.iter().position(|id| id == institution)
    }

    /// Who asks, who computes, and whose tables are read.
    pub(crate) fn parties(&self) -> impl Iterator<Item = &InstitutionId> {
        let owners = self.joint.inputs.iter().map(|input| &input.owner);
        let computing = self.joint.computing.iter();
        [&self.case.requester]
            .into_iter()
            .chain(computing)
            .chain(owners)
    }

    /// The node key of a member.
    pub(crate) fn key_of(&self, institution: &InstitutionId) -> Result<PublicKey> {
        let member = self.state.member(institution);
        member
            .map(|member| member.node_key)
            .ok_or_else(|| Error::refused("not-a-member", format!("{institution} is no member")))
    }

    /// Refuses who is not the warrant's requester.
    pub(crate) fn require_requester(&self, peer: &PublicKey) -> Result<()> {
        if self.key_of(&self.case.requester)? == *peer {
            return Ok(());
        }
        Err(Error::refused(
            "separation-of-duties",
            "only the warrant's requester may have the answers to its questions",
        ))
    }

    /// What an owner committed to of a table.
    pub(crate) fn committed(&self, owner: &InstitutionId, table: &str) -> Result<&TableCommitment> {
        let tables = self.known.tables.get(owner);
        tables
            .and_then(|tables| tables.iter().find(|one| one.table == table))
            .ok_or_else(|| {
                // Its record says so to everybody: there is nothing to show beside it.
                let detail = format!("committed to no table {table}");
                Error::fault(owner, detail, Vec::new())
            })
    }

    /// Shows how far this node's part in the run is.
    fn tell(&self, core: &Core, done: f64, doing: &str) {
        core.progress.update(self.question, |run| {
            run.done = run.done.max(done);
            run.doing = doing.into();
            run.steps = 1;
        });
    }

    /// Most rows that may open.
    pub(crate) fn cap(&self) -> u64 {
        u64::from(self.plan.answer_cap)
    }
}
