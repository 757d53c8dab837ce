//! A question's journey through the rooms of one node: what happens when a
//! record becomes final.
//!
//! | step | who | function |
//! |---|---|---|
//! | bodies arrive | every reader | [`fetch_bodies`] |
//! | approve by rule | custodian | [`crate::custodian::decide_by_rule`] |
//! | bind inputs | custodian, once all approved | [`crate::custodian::commit_inputs`] |
//! | run | requester, once all are bound | [`crate::requester::run`] |
//! | compute jointly | the three, once all are bound | [`joint::compute`] |
//! | bear witness | who holds evidence against a validator | [`witness`] |
//! | forget keys | custodian, once it has ended | [`Core::destroy_plan_keys`] |
//!
//! What officers do themselves (draft, issue, ask, approve, open, export) is in
//! `acts`. Nothing here decides whether a step is allowed: it submits the
//! record, and the legal order says yes or no.
//!
//! *Invariants*: every step is a function of the ledger's state and may be tried
//! again at any time; a node that was killed takes up where the ledger is.

use std::{sync::Arc, time::Duration};

use docket::{Record, Statement, body::FaultEvidence, state::QuestionPhase};
use primitives::{Digest, InstitutionId, WarrantId};

use crate::{
    config::{files, write_private},
    core::{Core, Indexed, lock},
    custodian,
    error::{Error, Result},
    exchange::Call,
    joint,
    requester::{self, CALL_TIMEOUT, peer_error},
    rotation,
    store::Shelf,
    watch,
};

/// How often everything unfinished is looked at again.
const TICK: Duration = Duration::from_secs(2);
/// Records outside any docket whose bodies are looked for, the newest first.
const OUTSIDE_MAX: usize = 256;
/// Largest sealed body.
const SEALED_BYTES_MAX: usize =
    primitives::limits::BODY_BYTES_MAX + docket::seal::SEAL_OVERHEAD_MAX;

/// Follows the ledger: indexes every final record, then moves every case on.
pub async fn follow(core: Arc<Core>) {
    // What was final before is read again and told nobody.
    let told_from = core.ledger.status().size;
    let mut finals = core.ledger.follow(0);
    let mut tick = core.host.sleep(Duration::ZERO);
    loop {
        // The tick comes first, so that records can't keep it away.
        tokio::select! {
            biased;
            () = &mut tick => {
                tick = core.host.sleep(TICK);
                look_again(&core);
            }
            next = finals.recv() => {
                let Some(next) = next else {
                    keep(&core);
                    return;
                };
                let mut touched = Vec::new();
                touched.extend(take(&core, next, told_from));
                // What waits behind it is taken in one go.
                while let Ok(next) = finals.try_recv() {
                    touched.extend(take(&core, next, told_from));
                }
                core.touch();
                touched.sort_unstable();
                touched.dedup();
                for warrant in touched {
                    advance(&core, warrant);
                }
            }
        }
    }
}

/// Looks at everything unfinished.
fn look_again(core: &Arc<Core>) {
    let state = core.state();
    if rotation::due(&core.config, &core.ledger.status().members) {
        core.renewed.notify_one();
    }
    for (warrant, _) in state.warrants() {
        advance(core, *warrant);
    }
    fetch_outside(core);
    keep(core);
    witness(core);
}

/// Writes down the evidence that this node's ledger holds. A ledger that met another
/// history stops and states nothing any more; the file stays.
fn keep(core: &Core) {
    let folder = core.config.file(files::EVIDENCE);
    for found in core.ledger.evidence() {
        let file = folder.join(format!("{}-{}", found.member, found.kind));
        if file.exists() {
            continue;
        }
        let made = std::fs::create_dir_all(&folder).map_err(Error::from);
        match made.and_then(|()| write_private(&file, &found.bytes)) {
            Ok(()) => tracing::error!(
                member = %found.member, kind = %found.kind, file = %file.display(),
                "evidence against a member was kept"
            ),
            Err(error) => tracing::error!(%error, "evidence could not be kept"),
        }
    }
}

fn take(core: &Core, next: ledger::Final, told_from: u64) -> Option<WarrantId> {
    let record = match Record::decode(&next.record) {
        Ok(record) => record,
        Err(error) => {
            tracing::error!(index = next.index, %error, "a final record does not decode");
            return None;
        }
    };
    let statement = &record.header.statement;
    if matches!(statement, Statement::ChangeVoted { .. })
        && let Some(net) = core.net.get()
    {
        net.membership_changed();
    }
    let warrant = record.header.warrant;
    let indexed = Indexed {
        index: next.index,
        time_ms: next.time_ms,
        record: Arc::new(record),
    };
    core.index
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .push(indexed.clone());
    if indexed.index >= told_from {
        watch::record(core, &core.state(), &indexed);
    }
    warrant
}

/// Moves a case on by whatever this institution can do in it now.
pub(crate) fn advance(core: &Arc<Core>, warrant: WarrantId) {
    let state = core.state();
    let Some(known) = state.warrant(&warrant) else {
        return;
    };
    fetch_bodies(core, &warrant);
    for (question, asked) in &known.questions {
        let custodian = asked.custodians.iter().any(|c| c.institution == core.me);
        let owner = asked.owners().any(|owner| *owner == core.me);
        match asked.phase {
            QuestionPhase::Open if custodian && !asked.decisions.contains_key(&core.me) => {
                spawn(core, "decide", *question, |core, question| async move {
                    custodian::decide_by_rule(&core, &question)
                        .await
                        .map(|_| ())
                });
            }
            QuestionPhase::Open | QuestionPhase::Running => {
                if owner && asked.approved_by_all() && !asked.inputs.contains(&core.me) {
                    spawn(core, "inputs", *question, |core, question| async move {
                        custodian::commit_inputs(&core, &question).await
                    });
                }
                if !asked.bound() {
                    continue;
                }
                if asked.seat(&core.me).is_some() {
                    spawn(core, "compute", *question, |core, question| async move {
                        joint::compute(&core, question).await
                    });
                }
                if known.requester == core.me {
                    spawn(core, "run", *question, |core, question| async move {
                        requester::run(&core, question).await
                    });
                }
            }
            QuestionPhase::Completed
            | QuestionPhase::Aborted
            | QuestionPhase::Declined
            | QuestionPhase::Counted => {
                lock(&core.cancelled).remove(question);
                core.progress.end(question);
                core.seats.end(question);
                if asked.joint.is_some()
                    && owner
                    && let Err(error) = joint::forget(core, question)
                {
                    tracing::error!(%error, "what shares were made from could not be destroyed");
                }
                if custodian && let Err(error) = core.destroy_plan_keys(question) {
                    tracing::error!(%error, "a plan's keys could not be destroyed");
                }
            }
        }
    }
}

/// Starts a step unless it is under way.
fn spawn<F, Fut>(core: &Arc<Core>, step: &'static str, question: Digest, work: F)
where
    F: FnOnce(Arc<Core>, Digest) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let Some(busy) = core.begin(format!("{step} {question}")) else {
        return;
    };
    let work = work(core.clone(), question);
    let task = async move {
        let _busy = busy;
        if let Err(error) = work.await {
            log_step(step, &question, &error);
        }
    };
    core.host.spawn(step, Box::pin(task));
}

fn log_step(step: &str, question: &Digest, error: &Error) {
    if error.rule() == "body-missing" {
        tracing::debug!(step, question = %question.short(), %error, "not yet");
    } else {
        tracing::warn!(step, question = %question.short(), %error, "a step did not succeed");
    }
}

/// Fetches, from those who wrote them, the bodies of a docket that this
/// institution may read and does not hold.
fn fetch_bodies(core: &Arc<Core>, warrant: &WarrantId) {
    let records: Vec<Arc<Record>> = {
        let index = core.read_index();
        let docket = index.docket(warrant);
        docket.map(|indexed| indexed.record.clone()).collect()
    };
    fetch(core, records, Some(*warrant));
}

/// The same for what stands outside any docket, as far back as is looked.
fn fetch_outside(core: &Arc<Core>) {
    let records: Vec<Arc<Record>> = {
        let index = core.read_index();
        let newest = index.outside().rev().take(OUTSIDE_MAX);
        newest.map(|indexed| indexed.record.clone()).collect()
    };
    fetch(core, records, None);
}

fn fetch(core: &Arc<Core>, records: Vec<Arc<Record>>, warrant: Option<WarrantId>) {
    for record in records {
        for part in &record.header.parts {
            let mine = record.header.institution == core.me;
            if mine || !part.readers.contains(&core.me) {
                continue;
            }
            if !matches!(core.opened(part), Ok(None)) {
                continue;
            }
            let (record, label) = (record.clone(), part.label.clone());
            let Some(busy) = core.begin(format!("body {} {label}", record.digest)) else {
                continue;
            };
            let (host, core) = (core.host.clone(), core.clone());
            let task = async move {
                let _busy = busy;
                match fetch_body(&core, &record, &label).await {
                    Ok(()) => {
                        drop(_busy);
                        core.touch();
                        if let Some(warrant) = warrant {
                            watch::body(&core, &warrant, &record.digest, &label);
                            advance(&core, warrant);
                        }
                    }
                    Err(error) => tracing::debug!(
                        record = %record.digest.short(), label, %error, "a body did not come"
                    ),
                }
            };
            host.spawn("body", Box::pin(task));
        }
    }
}

/// States on the ledger the evidence against members that this node's ledger holds.
fn witness(core: &Arc<Core>) {
    let state = core.state();
    for found in core.ledger.evidence() {
        let kind = found.kind.name();
        let known = state.has_witnessed(&core.me, &found.member, kind);
        if known || found.member == core.me || state.member(&found.member).is_none() {
            continue;
        }
        let Some(busy) = core.begin(format!("witness {} {kind}", found.member)) else {
            continue;
        };
        let (core, readers) = (
            core.clone(),
            state.members().map(|m| m.id.clone()).collect(),
        );
        let host = core.host.clone();
        let task = async move {
            let _busy = busy;
            if let Err(error) = state_evidence(&core, &found, readers).await {
                tracing::warn!(member = %found.member, kind, %error, "evidence could not be stated");
            }
        };
        host.spawn("witness", Box::pin(task));
    }
}

async fn state_evidence(
    core: &Core,
    found: &ledger::Evidence,
    readers: Vec<InstitutionId>,
) -> Result<()> {
    let body = core.host.open(&FaultEvidence {
        what: found.kind.name().into(),
        bytes: found.bytes.clone(),
    })?;
    let statement = Statement::EquivocationWitnessed {
        member: found.member.clone(),
        kind: found.kind.name().into(),
    };
    let header = core.header(None, Vec::new(), vec![body.part(readers)], statement);
    core.state_as_node(header, &[body]).await.map(|_| ())
}

async fn fetch_body(core: &Core, record: &Record, label: &str) -> Result<()> {
    let writer: &InstitutionId = &record.header.institution;
    let part = record
        .header
        .part(label)
        .ok_or_else(|| Error::refused("parts", "no such body"))?;
    let state = core.state();
    let peer = state
        .member(writer)
        .ok_or_else(|| Error::trouble("peer", format!("{writer} is no member now")))?
        .node_key;
    let call = Call::Body {
        record: record.digest,
        label: label.into(),
    };
    let said = |error| peer_error(writer, error);
    let sealed = core
        .net()?
        .call(peer, call.encode()?.into(), CALL_TIMEOUT)
        .await
        .map_err(said)?
        .read_to_end(SEALED_BYTES_MAX)
        .await
        .map_err(said)?;
    let opened = docket::seal::open(&sealed, &record.digest, part, &core.keys.seal)
        .map_err(|refusal| Error::fault(writer, refusal.to_string(), sealed.to_vec()))?;
    core.store.put(Shelf::Bodies, &part.commitment.0, &opened)
}
