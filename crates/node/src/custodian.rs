//! The custodian's side of a case: decide on plans, bind inputs, answer
//! lookups, and refuse whatever the ledger does not allow.
//!
//! Nothing that a peer says is believed: a lookup is answered only if this
//! node's own copy of the ledger shows a warrant in force, a running question,
//! this institution's approval and every other one's, and if this node's own
//! copy of the plan says what the step may open.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use docket::{
    Plan, State, Statement,
    body::Order,
    plan::{PlanTable, Source, Step},
    state::{Decision, Question, QuestionPhase, Warrant},
    statement::{Attestation, QuestionAsked},
    transcript::{Seen, run_transcript},
};
use mpc::lookup::{
    Context, Permit, Scope, TableParams,
    custodian::{Answer, Pull, Session},
};
use net::{Replies, ServeError, Service};
use primitives::{Digest, PublicKey, WarrantId, cbor};

use crate::{
    core::Core,
    error::{Error, Kind, Result},
    exchange::{Attested, BODY_FRAME_BYTES, Call, Lookup},
    host::Patience,
    progress::PartyState,
    store::Shelf,
};

mod decide;
mod labels;

use labels::Labels;

pub(crate) use decide::{commit_inputs, decide_by_rule, key_commitments};

/// Answers the calls of other nodes, for as long as this one lives.
pub(crate) struct Desk(pub Weak<Core>);

impl Service for Desk {
    fn serve(
        &self,
        peer: PublicKey,
        request: bytes::Bytes,
        mut replies: Replies,
    ) -> net::ServeFuture<'_> {
        let core = self.0.upgrade();
        Box::pin(async move {
            let core = core.ok_or_else(|| ServeError::trouble("stopping", None))?;
            let call = Call::decode(&request).map_err(as_serve)?;
            let served = match call {
                Call::Body { record, label } => {
                    serve_body(&core, &peer, &record, &label, &mut replies).await
                }
                Call::Lookup(lookup) => serve_lookup(&core, &peer, lookup, &mut replies).await,
                Call::Attest {
                    question,
                    transcript,
                } => serve_attest(&core, &peer, &question, &transcript, &mut replies).await,
                joint => crate::joint::serve(&core, &peer, joint, &mut replies).await,
            };
            served.map_err(|error| {
                tracing::warn!(%error, "a peer's call was not answered");
                as_serve(error)
            })
        })
    }
}

fn as_serve(error: Error) -> ServeError {
    match &error.kind {
        Kind::Refused { rule, detail } => ServeError::refusal(format!("{rule}: {detail}")),
        Kind::Fault { detail, .. } => ServeError::fault(detail),
        Kind::Trouble {
            name,
            detail,
            retry,
        } => {
            let retry = retry.then_some(std::time::Duration::from_millis(500));
            ServeError::trouble(format!("{name}: {detail}"), retry)
        }
    }
}

pub(crate) async fn reply(replies: &mut Replies, frame: Vec<u8>) -> Result<()> {
    replies
        .send(frame)
        .await
        .map_err(|error| Error::trouble("peer-gone", error))
}

/// Sends bytes in as many replies as they need.
pub(crate) async fn reply_all(replies: &mut Replies, bytes: &[u8]) -> Result<()> {
    for chunk in bytes.chunks(BODY_FRAME_BYTES) {
        reply(replies, chunk.to_vec()).await?;
    }
    Ok(())
}

/// Whether a refusal may be of a ledger, this node's or a peer's, that is a moment
/// behind.
pub(crate) fn may_come(error: &Error) -> bool {
    matches!(
        error.rule(),
        "approval-missing" | "not-running" | "not-found" | "question-unknown" | "body-missing"
    )
}

async fn serve_body(
    core: &Core,
    peer: &PublicKey,
    record: &Digest,
    label: &str,
    replies: &mut Replies,
) -> Result<()> {
    let record = core.record(record)?.record;
    let state = core.state();
    let reader = state
        .member_of_node(peer)
        .ok_or_else(|| Error::refused("not-a-member", "the caller is no member"))?;
    let part = record
        .header
        .part(label)
        .filter(|part| record.header.institution == core.me && part.readers.contains(&reader.id))
        .ok_or_else(|| Error::refused("parts", "no such body for this reader here"))?;
    let opened = core
        .opened(part)?
        .ok_or_else(|| Error::refused("erased", "the body is no longer kept"))?;
    let sealed = docket::seal::seal_with(
        &opened,
        &record.digest,
        &reader.seal_key,
        &mut core.host.rng(),
    )?;
    reply_all(replies, &sealed).await
}

/// A question that this custodian takes part in, checked against the ledger.
pub(crate) struct Case {
    pub(crate) warrant_id: WarrantId,
    pub(crate) warrant: Warrant,
    pub(crate) question: Question,
    pub(crate) plan: Plan,
}

pub(crate) fn load(core: &Core, state: &State, question: &Digest) -> Result<Case> {
    let record = core.record(question)?.record;
    let Statement::QuestionAsked(_) = &record.header.statement else {
        return Err(Error::refused(
            "question-unknown",
            "the record is no question",
        ));
    };
    let warrant_id = record
        .header
        .warrant
        .ok_or_else(|| Error::refused("warrant-unknown", "the question has no warrant"))?;
    let warrant = state
        .warrant(&warrant_id)
        .cloned()
        .ok_or_else(|| Error::refused("warrant-unknown", "no such warrant"))?;
    let known = warrant
        .questions
        .get(question)
        .cloned()
        .ok_or_else(|| Error::refused("question-unknown", "no such question"))?;
    let plan: Plan = core.body_of(question)?;
    if plan.digest()? != known.plan || plan.warrant != warrant_id {
        return Err(Error::refused(
            "plan-mismatch",
            "the plan is not the one asked",
        ));
    }
    Ok(Case {
        warrant_id,
        warrant,
        question: known,
        plan,
    })
}

/// The case of a running question, if `peer` is its requester.
fn running(core: &Core, peer: &PublicKey, question: &Digest) -> Result<(State, Case)> {
    let state = core.state();
    let case = load(core, &state, question)?;
    core.warrant_in_force(&state, &case.warrant_id)?;
    let requester = state.member(&case.warrant.requester);
    if requester.is_none_or(|member| member.node_key != *peer) {
        return Err(Error::refused(
            "separation-of-duties",
            "only the warrant's requester may run its questions",
        ));
    }
    if !case.question.approved_by_all() {
        return Err(Error::refused(
            "approval-missing",
            "the ledger does not show every custodian's approval of this plan",
        ));
    }
    if case.question.phase != QuestionPhase::Running || !case.question.inputs.contains(&core.me) {
        return Err(Error::refused(
            "not-running",
            "the question is not running here",
        ));
    }
    Ok((state, case))
}

/// Longest that this node may be behind another's copy of the ledger before it
/// refuses.
pub(crate) const LAG_PATIENCE: Duration = Duration::from_secs(5);

/// [`running`], once this node's own copy of the ledger shows it: the requester
/// may have seen the last record a moment earlier.
async fn running_soon(core: &Core, peer: &PublicKey, question: &Digest) -> Result<(State, Case)> {
    let patience = Patience::new(&core.host, LAG_PATIENCE);
    let mut changed = core.changed.subscribe();
    loop {
        let error = match running(core, peer, question) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        if !may_come(&error) || patience.wait(changed.changed()).await.is_none() {
            return Err(error);
        }
    }
}

/// The parameters of a table, as its snapshot's record states them.
///
/// # Errors
/// A refusal where the ledger has no such snapshot or key.
pub(crate) fn table_params(state: &State, snapshot: &Digest, key: &str) -> Result<TableParams> {
    let known = state
        .snapshot(snapshot)
        .and_then(|snapshot| {
            snapshot
                .statement
                .keys
                .iter()
                .find(|known| known.name == key)
        })
        .ok_or_else(|| Error::refused("snapshot-unknown", "no such snapshot or lookup key"))?;
    if known.salt.0 != crate::tables::bucket_salt(&state.network()) {
        return Err(Error::refused(
            "bucket-salt",
            "the snapshot's buckets are not the network's",
        ));
    }
    Ok(TableParams::new(known.salt.0, known.bucket_bits)?)
}

/// What a lookup is bound to: the same for both sides, from the ledger alone.
///
/// # Errors
/// A refusal where the ledger does not have what it needs.
pub fn context(
    network: primitives::NetworkId,
    state: &State,
    asked: &QuestionAsked,
    question: &Digest,
    plan: &Plan,
    custodian: &primitives::InstitutionId,
    (table, step, part): (&PlanTable, u8, u16),
) -> Result<Context> {
    let warrant = state
        .warrant(&plan.warrant)
        .and_then(|warrant| warrant.questions.get(question))
        .ok_or_else(|| Error::refused("question-unknown", "no such question"))?;
    let key = &plan
        .steps
        .get(usize::from(step))
        .ok_or_else(|| Error::refused("plan-mismatch", "the plan has no such step"))?
        .key;
    let commitment = match warrant.decisions.get(custodian) {
        Some(Decision::Approved(keys)) => keys.iter().find(|known| {
            known.snapshot == table.snapshot && known.key == *key && known.step == step
        }),
        _ => None,
    }
    .ok_or_else(|| Error::refused("approval-missing", "no approved key for this table"))?;
    Ok(Context {
        scope: scope(network, asked, question),
        step: u16::from(step),
        part,
        requester: plan.requester.clone(),
        custodian: custodian.clone(),
        snapshot: table.snapshot,
        table: table_params(state, &table.snapshot, key)?,
        plan_key: mpc::Element::from_bytes(&commitment.commitment.0)?,
        rooted: plan.rooted,
    })
}

fn scope(network: primitives::NetworkId, asked: &QuestionAsked, question: &Digest) -> Scope {
    Scope {
        network,
        warrant: asked.warrant,
        plan: asked.plan,
        run: *question,
    }
}

fn permit(state: &State, order: &Order, plan: &Plan, step: &Step) -> Permit {
    let mut permit = Permit {
        selectors_max: usize::try_from(plan.selectors_max).unwrap_or(usize::MAX),
        buckets_max: usize::MAX,
        ..Permit::default()
    };
    for source in &step.sources {
        match source {
            Source::Subjects(semantic) => permit.seeds.extend(
                order
                    .blinded
                    .iter()
                    .filter(|blinded| blinded.semantic == *semantic)
                    .map(|blinded| blinded.point.0),
            ),
            Source::Step(from) => {
                permit.from_steps.insert(u16::from(*from));
            }
        }
    }
    if !permit.from_steps.is_empty() {
        permit.issuers = plan
            .custodians
            .iter()
            .filter_map(|custodian| state.member(&custodian.institution))
            .map(|member| (member.id.clone(), member.node_key))
            .collect::<BTreeMap<_, _>>();
    }
    permit
}

async fn serve_lookup(
    core: &Arc<Core>,
    peer: &PublicKey,
    lookup: Lookup,
    replies: &mut Replies,
) -> Result<()> {
    let (state, case) = running_soon(core, peer, &lookup.question).await?;
    let plan = &case.plan;
    let step = plan
        .steps
        .get(usize::from(lookup.step))
        .cloned()
        .ok_or_else(|| Error::refused("plan-mismatch", "the plan has no such step"))?;
    let table = plan
        .custodian(&core.me)
        .and_then(|mine| {
            mine.tables
                .iter()
                .find(|table| table.snapshot == lookup.snapshot)
        })
        .filter(|table| table.table == step.table)
        .ok_or_else(|| Error::refused("plan-mismatch", "the step asks no such table here"))?;
    let record = core.record(&lookup.question)?.record;
    let Statement::QuestionAsked(asked) = &record.header.statement else {
        return Err(Error::refused(
            "question-unknown",
            "the record is no question",
        ));
    };
    let order: Order = core.body_of(&asked.warrant)?;
    let place = (table, lookup.step, lookup.part);
    let context = context(
        core.network,
        &state,
        asked,
        &lookup.question,
        plan,
        &core.me,
        place,
    )?;
    let params = context.table;
    let run = core.run(
        context.scope,
        &lookup.question,
        &lookup.snapshot,
        (&step.key, lookup.step),
    )?;
    let prepared = core.prepared(&lookup.snapshot, &step.key)?;
    let permit = permit(&state, &order, plan, &step);
    let request = lookup.request;
    let place = (lookup.question, lookup.step);
    show_begin(core, plan, place, &step, request.len());
    let host = core.host.clone();
    let answer = core
        .host
        .blocking(move || {
            let session = Session::new(context, run, prepared)?;
            Ok(session.admit(&request, &permit, &mut host.rng())?)
        })
        .await?;
    core.keep_spent(&lookup.question, &lookup.snapshot, lookup.step, &answer)?;
    let labels = Labels {
        core: core.clone(),
        plan: case.plan.clone(),
        step,
        number: lookup.step,
        snapshot: lookup.snapshot,
        params,
    };
    let transcript = send(answer, &labels, replies, lookup.question).await?;
    core.progress.party(lookup.question, &core.me, |party| {
        party.state = PartyState::Answered;
    });
    let seen = Seen {
        step: lookup.step,
        snapshot: lookup.snapshot,
        part: lookup.part,
        transcript,
    };
    core.store
        .put(Shelf::Served, &served_key(&lookup.question, &seen), &seen)
}

/// Shows that a lookup of a run is being answered.
fn show_begin(core: &Core, plan: &Plan, place: (Digest, u8), step: &Step, bytes: usize) {
    let (question, number) = place;
    let steps = u8::try_from(plan.steps.len()).unwrap_or(u8::MAX);
    core.progress.update(question, |run| {
        run.step = number;
        run.steps = steps;
        run.done = run.done.max(f64::from(number) / f64::from(steps.max(1)));
        let count = u16::from(number) + 1;
        run.doing = format!("step {count} of {steps}: {} by {}", step.table, step.key);
    });
    core.progress.party(question, &core.me, |party| {
        party.step = number;
        party.state = PartyState::Asking;
        party.bytes += bytes as u64;
    });
}

/// Pulls an admitted answer to its end, at the pace of its reader; gives the
/// transcript's digest.
async fn send(
    mut answer: Answer,
    labels: &Labels,
    replies: &mut Replies,
    question: Digest,
) -> Result<Digest> {
    let core = &labels.core;
    loop {
        let pulled: Pull;
        (answer, pulled) = core
            .host
            .blocking(move || {
                let mut answer: Answer = answer;
                let pulled = answer.pull()?;
                Ok((answer, pulled))
            })
            .await?;
        match pulled {
            Pull::Frame(frame) => {
                let size = frame.len() as u64;
                reply(replies, frame).await?;
                core.progress
                    .party(question, &core.me, |party| party.bytes += size);
            }
            Pull::Labels(inputs) => {
                let engine = labels.clone();
                let found = core.host.engine(async move { engine.of(inputs).await });
                let found = found.await?;
                answer = core
                    .host
                    .blocking(move || {
                        let mut answer = answer;
                        answer.supply(&found)?;
                        Ok(answer)
                    })
                    .await?;
            }
            Pull::Done(transcript) => return Ok(transcript),
        }
    }
}

fn served_key(question: &Digest, seen: &Seen) -> Vec<u8> {
    let mut key = question.0.to_vec();
    key.push(seen.step);
    key.extend_from_slice(&seen.part.to_be_bytes());
    key.extend_from_slice(&seen.snapshot.0);
    key
}

async fn serve_attest(
    core: &Core,
    peer: &PublicKey,
    question: &Digest,
    transcript: &Digest,
    replies: &mut Replies,
) -> Result<()> {
    running_soon(core, peer, question).await?;
    let seen: Vec<Seen> = core
        .store
        .beginning::<Seen>(Shelf::Served, &question.0)?
        .into_iter()
        .map(|(_, seen)| seen)
        .collect();
    if run_transcript(question, seen)? != *transcript {
        return Err(Error::refused(
            "transcript",
            "this custodian saw another run than the one to be signed",
        ));
    }
    let message = Attestation::message(question, transcript);
    let signature = core.keys.node.sign(Attestation::DOMAIN, &message);
    reply(replies, cbor::encode(&Attested { signature })?).await?;
    core.progress.party(*question, &core.me, |party| {
        party.state = PartyState::Signed;
    });
    Ok(())
}
