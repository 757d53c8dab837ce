//! The requester's side of a case: run a plan's steps with its custodians, open
//! what the warrant allows, and have every party sign what it saw.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use docket::{
    Plan, State, Statement,
    body::{FaultEvidence, Order, Subjects},
    plan::{Answer, Cell, Origin, PlanTable},
    state::QuestionPhase,
    statement::QuestionAsked,
    transcript::Seen,
};
use futures::future::try_join_all;
use mpc::{
    Blind,
    lookup::requester::{Found, Session, Target, parts},
};
use primitives::{
    Digest, InstitutionId, WarrantId, cbor,
    semantic::{Selector, Semantic},
};
use query::Selectors;
use serde::{Deserialize, Serialize};

use crate::{
    core::{Core, lock},
    custodian::context,
    error::{Error, Kind, Result},
    exchange::{Call, Lookup},
    host::Patience,
    progress::PartyState,
    store::Shelf,
};

mod attest;
mod faults;

use faults::blame;
pub(crate) use faults::{overtaken, peer_error};

/// Longest that one lookup may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(600);
/// Longest that an attestation or a body may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest that a run waits for a custodian that can't be reached.
const PATIENCE: Duration = Duration::from_secs(600);
/// Largest row that a custodian may send.
const ROW_BYTES_MAX: usize = 64 * 1024;

/// What a run gave, until its answer is disclosed.
#[derive(Clone, Serialize, Deserialize)]
pub struct RunResult {
    /// The answer.
    pub answer: Answer,
    /// Selectors evaluated in each step.
    pub evaluated: Vec<u32>,
    /// Bytes of all protocol messages.
    pub bytes: u64,
    /// Rounds: steps that asked anybody anything.
    pub rounds: u32,
}

/// One run of a question.
struct Running {
    core: Arc<Core>,
    state: State,
    question: Digest,
    asked: QuestionAsked,
    plan: Plan,
    subjects: Vec<(Semantic, Target)>,
    derived: Vec<(u16, Target)>,
    seeds: Vec<Selector>,
    opened: Vec<query::OpenedRow>,
    seen: BTreeMap<InstitutionId, Vec<Seen>>,
    evaluated: Vec<u32>,
    bytes: u64,
    rounds: u32,
}

/// What one custodian gave for one part of a step.
struct Given {
    institution: InstitutionId,
    seen: Seen,
    found: Vec<Found>,
    bytes: u64,
}

/// Runs a question whose custodians have all committed their inputs, and
/// records how it ended.
///
/// # Errors
/// Trouble that a later try may cure; everything else is recorded as an abort.
pub(crate) async fn run(core: &Arc<Core>, question: Digest) -> Result<()> {
    let record = core.record(&question)?.record;
    let Statement::QuestionAsked(asked) = &record.header.statement else {
        return Err(Error::refused(
            "question-unknown",
            "the record is no question",
        ));
    };
    let began = core.state();
    let outcome = match asked.joint.is_some() {
        true => crate::joint::run(core, &question).await,
        false => match Running::begin(core, question) {
            Ok(running) => running.finish().await,
            Err(error) => Err(error),
        },
    };
    core.progress.end(&question);
    match outcome {
        Ok(()) => Ok(()),
        Err(error) if error.retry() => Err(error),
        Err(error) => {
            let joint = asked.joint.iter();
            let computing = joint.clone().flat_map(|joint| &joint.computing);
            let owners = joint.flat_map(|joint| &joint.owners);
            let custodians = asked.custodians.iter().chain(owners);
            let parties = custodians.map(|asked| &asked.institution).chain(computing);
            match overtaken(core, &began, parties, &error).await {
                Some(trouble) => Err(trouble),
                None => abort(core, &question, &error).await,
            }
        }
    }
}

/// Records that a run ended without an answer, if that is not on record yet.
///
/// # Errors
/// Trouble, or the rule that refuses the record.
pub(crate) async fn abort(core: &Arc<Core>, question: &Digest, error: &Error) -> Result<()> {
    tracing::warn!(question = %question.short(), %error, "the run is aborted");
    let warrant = core.record(question)?.record.header.warrant;
    let state = core.state();
    let (cause, blamed, bodies) = match &error.kind {
        Kind::Fault {
            peer,
            detail,
            evidence,
        } => {
            let mut bytes = evidence.clone();
            bytes.truncate(1024 * 1024);
            let body = core.host.open(&FaultEvidence {
                what: detail.clone(),
                bytes,
            })?;
            ("fault".to_string(), Some(peer.clone()), vec![body])
        }
        _ => (error.rule().to_string(), None, Vec::new()),
    };
    let known = warrant.and_then(|id| state.warrant(&id));
    let parties = known.map(|warrant| [&warrant.authority, &warrant.requester]);
    let readers = core.readers(&state, parties.into_iter().flatten().chain([&core.me]));
    let parts = bodies
        .iter()
        .map(|body| body.part(readers.clone()))
        .collect();
    let refused_by = match known {
        Some(known) => faults::refuser(core, &known.requester, warrant, error).await,
        None => None,
    };
    let statement = Statement::RunAborted {
        question: *question,
        cause,
        blamed,
        refused_by,
    };
    let header = core.header(warrant, vec![*question], parts, statement);
    match core.state_as_node(header, &bodies).await {
        // Another party, or this one for another reason, was faster.
        Err(error) if error.rule() == "already-decided" && is_aborted(core, warrant, question) => {
            Ok(())
        }
        stated => stated.map(|_| ()),
    }
}

fn is_aborted(core: &Core, warrant: Option<WarrantId>, question: &Digest) -> bool {
    let state = core.state();
    let known = warrant.and_then(|id| state.warrant(&id));
    let known = known.and_then(|warrant| warrant.questions.get(question));
    known.is_some_and(|question| question.phase == QuestionPhase::Aborted)
}

impl Running {
    fn begin(core: &Arc<Core>, question: Digest) -> Result<Self> {
        let state = core.state();
        let record = core.record(&question)?.record;
        let Statement::QuestionAsked(asked) = &record.header.statement else {
            return Err(Error::refused(
                "question-unknown",
                "the record is no question",
            ));
        };
        let plan: Plan = core.body_of(&question)?;
        let order: Order = core.body_of(&asked.warrant)?;
        let sealed: Subjects = core.body_of(&asked.warrant)?;
        let mut subjects = Vec::new();
        for subject in &sealed.subjects {
            let input = subject.selector.to_input();
            let blind = Blind::from_bytes(&subject.blind.0)?;
            let element = mpc::oprf::blind_with(&input, &blind)?;
            let semantic = subject.selector.semantic();
            let point = Digest(element.to_bytes());
            let listed = |b: &docket::body::Blinded| b.point == point && b.semantic == semantic;
            if order.blinded.iter().any(listed) {
                subjects.push((semantic, Target::seed(input, blind, &element)?));
            }
        }
        let plan_steps = plan.steps.len();
        Ok(Self {
            core: core.clone(),
            state,
            question,
            asked: asked.clone(),
            evaluated: vec![0; plan_steps],
            plan,
            subjects,
            derived: Vec::new(),
            opened: Vec::new(),
            seeds: sealed.subjects.iter().map(|s| s.selector.clone()).collect(),
            seen: BTreeMap::new(),
            bytes: 0,
            rounds: 0,
        })
    }

    async fn finish(mut self) -> Result<()> {
        let steps = self.plan.steps.len();
        for number in 0..steps {
            let step = u8::try_from(number)
                .map_err(|_| Error::refused("plan-mismatch", "too many steps"))?;
            self.step(step).await?;
        }
        self.tell(1.0, "collecting signatures");
        let attestations = self.attest().await?;
        let answer = query::assemble(&self.plan, &self.question, &self.seeds, &self.opened)?;
        let result = RunResult {
            answer,
            evaluated: self.evaluated.clone(),
            bytes: self.bytes,
            rounds: self.rounds,
        };
        self.core
            .store
            .put(Shelf::Results, &self.question.0, &result)?;
        let statement = Statement::RunCompleted {
            question: self.question,
            attestations,
            evaluated: self.evaluated,
        };
        let header = self.core.header(
            Some(self.plan.warrant),
            vec![self.question],
            Vec::new(),
            statement,
        );
        self.core.state_as_node(header, &[]).await?;
        Ok(())
    }

    fn tell(&self, done: f64, doing: impl Into<String>) {
        let steps = u8::try_from(self.plan.steps.len()).unwrap_or(u8::MAX);
        self.core.progress.update(self.question, |run| {
            run.done = done;
            run.doing = doing.into();
            run.steps = steps;
        });
    }

    fn check_allowed(&self) -> Result<()> {
        if lock(&self.core.cancelled).contains(&self.question) {
            return Err(Error::refused("cancelled", "an officer cancelled the run"));
        }
        let core = &self.core;
        core.warrant_in_force(&core.state(), &self.plan.warrant)
    }

    /// The selectors of a step.
    fn targets(&self, step: u8) -> Vec<Target> {
        let selectors = Selectors {
            subjects: &self.subjects,
            derived: &self.derived,
            read: |target| (target.input(), target.element()),
        };
        let chosen = selectors.of(&self.plan, usize::from(step));
        chosen.into_iter().cloned().collect()
    }

    async fn step(&mut self, step: u8) -> Result<()> {
        self.check_allowed()?;
        let targets = self.targets(step);
        let steps = self.plan.steps.len() as f64;
        let this = &self.plan.steps[usize::from(step)];
        self.tell(
            f64::from(step) / steps,
            format!(
                "step {} of {steps}: {} by {}",
                step + 1,
                this.table,
                this.key
            ),
        );
        self.core.progress.update(self.question, |run| {
            run.step = step;
            for party in run.parties.values_mut() {
                party.step = step;
                party.selectors_done = 0;
                party.selectors_total = 0;
            }
        });
        if targets.is_empty() {
            return Ok(());
        }
        let limit = usize::try_from(self.plan.selectors_max).unwrap_or(usize::MAX);
        if targets.len() > limit {
            return Err(Error::refused(
                "budget",
                format!("{} selectors where the plan allows {limit}", targets.len()),
            )
            .advise("ask with fewer hops, a larger least amount or a shorter window"));
        }
        self.rounds += 1;
        let mut work = Vec::new();
        for custodian in &self.plan.custodians {
            for table in custodian
                .tables
                .iter()
                .filter(|table| table.table == this.table)
            {
                work.push(self.ask(step, &custodian.institution, table, targets.clone()));
            }
        }
        let given: Vec<Vec<Given>> = try_join_all(work).await?;
        for given in given.into_iter().flatten() {
            self.take(step, given)?;
        }
        let limit = self.state.charter().limits.derived_max as usize;
        let inputs: HashSet<&[u8]> = self.derived.iter().map(|(_, one)| one.input()).collect();
        if inputs.len() > limit {
            return Err(Error::refused(
                "budget",
                format!("over {limit} derived selectors in one run"),
            ));
        }
        Ok(())
    }

    fn take(&mut self, step: u8, given: Given) -> Result<()> {
        self.bytes += given.bytes;
        let origin = Origin {
            institution: given.institution.clone(),
            snapshot: given.seen.snapshot,
        };
        self.seen
            .entry(given.institution.clone())
            .or_default()
            .push(given.seen);
        for found in given.found {
            for row in found.rows {
                let cells: Vec<Cell> = cbor::decode(&row, ROW_BYTES_MAX).map_err(|error| {
                    Error::fault(&given.institution, format!("a row: {error}"), row.clone())
                })?;
                self.opened.push((step, origin.clone(), cells));
            }
            let derived = found.derived.into_iter();
            self.derived
                .extend(derived.map(|next| (next.to_step(), next.into_target())));
        }
        Ok(())
    }

    /// Asks one table of one custodian, part by part, waiting for it to be
    /// reachable as long as that may take.
    async fn ask(
        &self,
        step: u8,
        institution: &InstitutionId,
        table: &PlanTable,
        targets: Vec<Target>,
    ) -> Result<Vec<Given>> {
        let key = &self.plan.steps[usize::from(step)].key;
        let params = crate::custodian::table_params(&self.state, &table.snapshot, key)?;
        self.core
            .progress
            .party(self.question, institution, |party| {
                party.step = step;
                party.state = PartyState::Asking;
                party.selectors_total += targets.len() as u64;
            });
        let mut all = Vec::new();
        for (number, part) in parts(&params, targets).into_iter().enumerate() {
            let number = u16::try_from(number)
                .map_err(|_| Error::refused("budget", "too many parts in one step"))?;
            let patience = Patience::new(&self.core.host, PATIENCE);
            let mut pause = Duration::from_millis(200);
            let asked = part.len() as u64;
            let given = loop {
                match self
                    .ask_once(step, institution, table, number, part.clone())
                    .await
                {
                    Ok(given) => break given,
                    Err(error) if error.retry() && patience.is_left() => {
                        self.check_allowed()?;
                        self.core
                            .progress
                            .party(self.question, institution, |party| {
                                party.state = PartyState::Waiting;
                                party.detail = Some(error.rule().to_owned());
                            });
                        self.tell(
                            f64::from(step) / self.plan.steps.len() as f64,
                            format!("waiting for {institution}: {error}"),
                        );
                        self.core.host.sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(5));
                    }
                    Err(error) => return Err(error),
                }
            };
            self.core
                .progress
                .party(self.question, institution, |party| {
                    party.selectors_done += asked;
                    party.detail = None;
                    party.state = if party.selectors_done >= party.selectors_total {
                        PartyState::Answered
                    } else {
                        PartyState::Asking
                    };
                });
            all.push(given);
        }
        Ok(all)
    }

    async fn ask_once(
        &self,
        step: u8,
        institution: &InstitutionId,
        table: &PlanTable,
        part: u16,
        targets: Vec<Target>,
    ) -> Result<Given> {
        let place = (table, step, part);
        let context = context(
            self.core.network,
            &self.state,
            &self.asked,
            &self.question,
            &self.plan,
            institution,
            place,
        )?;
        let member = self
            .state
            .member(institution)
            .ok_or_else(|| Error::refused("not-a-member", format!("{institution} is no member")))?;
        let key = member.node_key;
        let (request, mut receiver) = Session::new(context, key).ask(targets)?;
        let mut bytes = request.len() as u64;
        let call = Call::Lookup(Lookup {
            question: self.question,
            step,
            snapshot: table.snapshot,
            part,
            request,
        });
        let fault = |error: mpc::Error| blame(institution, error);
        let said = |error| peer_error(institution, error);
        let net = self.core.net()?;
        let mut replies = net
            .call(key, call.encode()?.into(), LOOKUP_TIMEOUT)
            .await
            .map_err(said)?;
        while let Some(frame) = replies.next().await.map_err(said)? {
            let size = frame.len() as u64;
            bytes += size;
            self.core
                .progress
                .party(self.question, institution, |party| {
                    party.state = PartyState::Asking;
                    party.bytes += size;
                });
            let on_frame = move || Ok(receiver.on_frame(frame.to_vec()).map(|_| receiver));
            receiver = self.core.host.blocking(on_frame).await?.map_err(fault)?;
        }
        let finish = move || Ok(receiver.finish());
        let opened = self.core.host.blocking(finish).await?.map_err(fault)?;
        if let Some(shown) = opened.shown {
            self.keep(evidence::Lookup {
                step,
                institution: institution.clone(),
                snapshot: table.snapshot,
                part,
                shown,
            })?;
        }
        Ok(Given {
            institution: institution.clone(),
            seen: Seen {
                step,
                snapshot: table.snapshot,
                part,
                transcript: opened.transcript,
            },
            found: opened
                .outcomes
                .into_iter()
                .filter_map(|outcome| outcome.found)
                .collect(),
            bytes,
        })
    }

    /// Keeps what shows a lookup's rows until the bundle; of a lookup that is asked again
    /// the last.
    fn keep(&self, lookup: evidence::Lookup) -> Result<()> {
        let mut key = self.question.0.to_vec();
        key.push(lookup.step);
        key.extend_from_slice(&lookup.part.to_be_bytes());
        key.extend_from_slice(&lookup.snapshot.0);
        key.extend_from_slice(lookup.institution.as_str().as_bytes());
        self.core.store.put(Shelf::Lookups, &key, &lookup)
    }
}
