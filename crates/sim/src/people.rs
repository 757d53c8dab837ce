//! Officers at work: one case from enrolment to a bundle, through the code that the
//! API calls, trying again after whatever goes wrong.
//!
//! *Invariants*: an officer looks at the ledger before each attempt, so that what was
//! done is not done twice; what was acknowledged is remembered, to be looked for later.

mod asking;
mod publish;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use docket::{
    CredentialId, Duty, OfficerId, State, Statement,
    state::{QuestionPhase, Warrant},
};
use node::{
    acts::{self, Actor},
    api::types::{Act, SubmitSignature},
    core::Indexed,
};
use primitives::{Digest, SigningKey, WarrantId};

pub(crate) use self::asking::identify;
use crate::{
    changes::{Change, Kind},
    standing::Standing,
    villains::Villain,
    world::{World, lock, sub},
};

/// Pause before an officer tries again.
const AGAIN: Duration = Duration::from_millis(700);
/// Attempts before something is held to be stuck: hours of virtual time.
const TRIES_MAX: usize = 2_000;
/// The same where a member may have lost what the case needs.
const TRIES_AFTER_LOSS: usize = 300;
const AFTER_LOSS: Duration = Duration::from_secs(900);

/// What was acknowledged to somebody: place in the log, and digest.
pub(crate) type Acknowledged = Mutex<Vec<(u64, Digest)>>;

impl Docket {
    /// The record that the question names as its warrant.
    pub(crate) fn warrant_record(&self, core: &node::core::Core) -> Option<Digest> {
        let record = core.record(&self.question).ok()?.record;
        match &record.header.statement {
            Statement::QuestionAsked(asked) => Some(asked.warrant),
            _ => None,
        }
    }
}

/// What officers have signed, by digest.
pub(crate) type Signed = Arc<Mutex<BTreeSet<Digest>>>;

/// A case and how far it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Docket {
    pub(crate) warrant: WarrantId,
    pub(crate) question: Digest,
}

/// The officers of a network.
pub(crate) struct Office {
    pub(crate) world: Arc<World>,
    pub(crate) acknowledged: Acknowledged,
    /// Digests of what officers have signed.
    pub(crate) signed: Signed,
    /// Whose tables can be asked: telecoms and banks, by number.
    pub(crate) published: Mutex<BTreeSet<(bool, usize)>>,
    /// A custodian's rule, in some seeds.
    pub(crate) standing: Option<Standing>,
}

impl Office {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let mut office = Self {
            world,
            acknowledged: Mutex::default(),
            signed: Signed::default(),
            published: Mutex::default(),
            standing: None,
        };
        office.standing = Standing::of(&office.world, &office.custodians());
        office
    }

    /// Whether a member takes no part in any case: its key is in two programs, or it is
    /// about to leave.
    fn is_absent(&self, n: usize) -> bool {
        self.leaves(n)
            || self.world.villain == Villain::Twin
                && self.world.villain.members(&self.world).contains(&n)
    }

    /// Whether a member leaves the network in this seed.
    pub(crate) fn leaves(&self, n: usize) -> bool {
        let mut changes = self.world.changes.iter();
        changes.any(|change: &Change| change.kind == Kind::Remove(n))
    }

    /// The custodians that take part.
    pub(crate) fn custodians(&self) -> Vec<usize> {
        let all = self.world.custodians().into_iter();
        all.filter(|n| !self.is_absent(*n)).collect()
    }

    /// Waits until a custodian holds a question's plan.
    pub(crate) async fn delivered(&self, docket: Docket, n: usize) -> Option<()> {
        let plan = |_: &State| {
            let core = self.world.core(n)?;
            core.body_of::<docket::Plan>(&docket.question).ok()?;
            Some(())
        };
        self.persist(n, "approve", plan, async || Ok(())).await
    }

    /// Waits until every custodian has bound its inputs, as one of them sees it.
    pub(crate) async fn bound(&self, docket: Docket, n: usize) -> Option<()> {
        let bound = |state: &State| {
            let question = question(state, docket)?;
            (question.inputs.len() == question.custodians.len()).then_some(())
        };
        self.persist(n, "inputs", bound, async || Ok(())).await
    }

    /// Has an officer do an act; the rule that refused it, or the trouble's name.
    pub(crate) async fn act(&self, n: usize, duty: Duty, act: Act) -> Result<Indexed, String> {
        self.act_as(n, self.world.officer(n, duty), act).await
    }

    /// [`Office::act`] of an officer by handle and key.
    pub(crate) async fn act_as(
        &self,
        n: usize,
        (id, key): (OfficerId, SigningKey),
        act: Act,
    ) -> Result<Indexed, String> {
        let actor = Actor {
            key: CredentialId::Key(key.public()),
            id,
        };
        let signed_before = self.signed.clone();
        let done = self.world.at(n, move |core| async move {
            let prepared = acts::prepare(&core, &actor, &act).await?;
            let to_sign = hex::decode(&prepared.to_sign)?;
            lock(&signed_before).insert(Digest::plain(&to_sign));
            let signed = SubmitSignature {
                id: prepared.id,
                signature: Some(key.sign_raw(&to_sign).to_string()),
                assertion: None,
            };
            acts::submit(&core, &actor, &signed).await
        });
        self.remember(done.await)
    }

    pub(crate) fn remember(&self, done: Option<node::Result<Indexed>>) -> Result<Indexed, String> {
        match done {
            Some(Ok(indexed)) => {
                let place = (indexed.index, indexed.record.digest);
                lock(&self.acknowledged).push(place);
                let (at, kind) = (self.world.now().as_millis(), indexed.record.kind());
                let text = format!("{kind} {} {}", indexed.index, indexed.record.digest);
                self.world.report.note(at, &text);
                Ok(indexed)
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "an act was refused");
                Err(error.rule().to_owned())
            }
            None => Err("no-answer".into()),
        }
    }

    /// Brings a question that was asked to its answer, which `asked` alone give: all of
    /// them approve, it runs, it is opened, and its bundle is read as a court would. None
    /// where `what` was aborted, which is said.
    pub(crate) async fn answered(
        &self,
        docket: Docket,
        asked: &[usize],
        what: &str,
    ) -> Option<Result<evidence::Case, evidence::Refused>> {
        let others = self.custodians().into_iter();
        let others: Vec<usize> = others.filter(|n| !asked.contains(n)).collect();
        self.approve(docket, &others).await?;
        if self.ended(docket).await? != QuestionPhase::Completed {
            self.world.stuck(format!("{what} was aborted"));
            return None;
        }
        self.verified(docket).await
    }

    /// Has an answer opened and its bundle exported, and reads that as a court would.
    pub(crate) async fn verified(
        &self,
        docket: Docket,
    ) -> Option<Result<evidence::Case, evidence::Refused>> {
        self.open(docket).await?;
        let bundle = self.bundle(docket).await?;
        let anchor = evidence::TrustAnchor {
            network: Some(self.world.network),
        };
        Some(evidence::verify(&bundle, &anchor))
    }

    /// The legal state as a member's node has it.
    pub(crate) fn state(&self, n: usize) -> Option<State> {
        Some(self.world.core(n)?.state())
    }

    /// Tries until a member's ledger shows what was wanted.
    pub(crate) async fn persist<T>(
        &self,
        n: usize,
        what: &'static str,
        done: impl Fn(&State) -> Option<T>,
        attempt: impl AsyncFn() -> Result<(), String>,
    ) -> Option<T> {
        self.world.report.step(what);
        self.insist(n, what, done, attempt).await
    }

    /// [`Office::persist`] beside the case, whose step stays as it is.
    pub(crate) async fn insist<T>(
        &self,
        n: usize,
        what: &'static str,
        done: impl Fn(&State) -> Option<T>,
        attempt: impl AsyncFn() -> Result<(), String>,
    ) -> Option<T> {
        let mut last = String::new();
        let began = self.world.now();
        for number in 0..TRIES_MAX {
            let waited = self.world.now() - began;
            let long = number > TRIES_AFTER_LOSS || waited > AFTER_LOSS;
            if long && self.world.is_restored() {
                break;
            }
            if let Some(found) = self.state(n).as_ref().and_then(&done) {
                return Some(found);
            }
            if self.world.has_left(n) {
                return None;
            }
            if let Err(rule) = attempt().await
                && rule != last
            {
                let text = format!("{what}: {rule}");
                self.world.report.note(self.world.now().as_millis(), &text);
                last = rule;
            }
            self.world.sleep(AGAIN).await;
        }
        self.world.stuck(format!("{what}: {last}"));
        None
    }

    /// Enrols every officer at its own institution.
    pub(crate) async fn enrol(&self) -> Option<()> {
        for n in (0..self.world.founders()).filter(|n| !self.is_absent(*n)) {
            for duty in self.world.duties(n) {
                self.world.report.step("enrol");
                self.enrol_one(n, duty, self.world.officer(n, duty)).await?;
            }
        }
        Some(())
    }

    /// Enrols one of them.
    pub(crate) async fn enrol_one(
        &self,
        n: usize,
        duty: Duty,
        (officer, key): (OfficerId, SigningKey),
    ) -> Option<()> {
        let key = key.public();
        let known = |state: &State| state.officer(&CredentialId::Key(key)).map(|_| ());
        let act = Act::EnrolOfficer {
            officer: officer.to_string(),
            key: key.to_string(),
            duties: vec![duty.name().into()],
        };
        let attempt = async || self.operate(n, act.clone()).await;
        self.insist(n, "enrol", known, attempt).await
    }

    /// Has a member's operator do an act.
    pub(crate) async fn operate(&self, n: usize, act: Act) -> Result<(), String> {
        let done = self.world.at(n, move |core| async move {
            acts::as_operator(&core, &act).await
        });
        self.remember(done.await).map(|_| ())
    }

    /// States something at a node that is lawful whatever came before; whether it
    /// became final.
    pub(crate) async fn probe(&self, n: usize) -> bool {
        let number = self.world.now().as_millis();
        let key = sub(
            self.world.seed,
            "probe",
            usize::try_from(number).unwrap_or(0),
        );
        let act = Act::EnrolOfficer {
            officer: format!("probe-{number}"),
            key: SigningKey::from_seed(&key.0).public().to_string(),
            duties: vec![self.world.duties(n)[0].name().into()],
        };
        self.operate(n, act).await.is_ok()
    }

    /// Has every custodian approve but those left out.
    pub(crate) async fn approve(&self, docket: Docket, but: &[usize]) -> Option<()> {
        for n in self.custodians() {
            if but.contains(&n) {
                continue;
            }
            let me = self.world.members[n].id.clone();
            let approved = |state: &State| {
                let question = question(state, docket)?;
                question.decisions.get(&me).map(|_| ())
            };
            let attempt = async || {
                if self.is_decided_by_rule(docket, n) {
                    return Ok(());
                }
                let act = Act::Approve {
                    question: docket.question.to_string(),
                };
                self.act(n, Duty::Approver, act).await.map(|_| ())
            };
            self.persist(n, "approve", approved, attempt).await?;
        }
        Some(())
    }

    /// Whether a custodian's node must approve a question alone.
    fn is_decided_by_rule(&self, docket: Docket, n: usize) -> bool {
        let rule = self.standing.as_ref().filter(|rule| rule.decides(n));
        let state = rule.and_then(|_| self.state(n));
        let question = state.as_ref().and_then(|state| question(state, docket));
        question.is_some_and(|question| question.template.as_str() == "identify")
    }

    /// Waits until the run has ended, as the police see it.
    pub(crate) async fn ended(&self, docket: Docket) -> Option<QuestionPhase> {
        let police = self.world.place("police");
        let over = |state: &State| {
            let phase = question(state, docket)?.phase;
            let goes_on = matches!(phase, QuestionPhase::Open | QuestionPhase::Running);
            (!goes_on).then_some(phase)
        };
        self.persist(police, "run", over, async || Ok(())).await
    }

    /// Opens the answer.
    pub(crate) async fn open(&self, docket: Docket) -> Option<Digest> {
        let police = self.world.place("police");
        let opened = |state: &State| question(state, docket)?.disclosed.iter().next().copied();
        let attempt = async || {
            let act = Act::OpenAnswer {
                question: docket.question.to_string(),
            };
            self.act(police, Duty::Investigator, act).await.map(|_| ())
        };
        self.persist(police, "open", opened, attempt).await
    }

    /// Exports the bundle and gives its bytes.
    pub(crate) async fn bundle(&self, docket: Docket) -> Option<Vec<u8>> {
        let police = self.world.place("police");
        let bundle: Mutex<Option<Vec<u8>>> = Mutex::default();
        let done = |_: &State| lock(&bundle).clone();
        let attempt = async || {
            let act = Act::ExportBundle {
                question: docket.question.to_string(),
            };
            self.act(police, Duty::Investigator, act).await?;
            let made = self.world.at(police, move |core| async move {
                node::bundle::finish(&core, docket.question)
            });
            match made.await {
                Some(Ok(bytes)) => {
                    *lock(&bundle) = Some(bytes);
                    Ok(())
                }
                Some(Err(error)) => Err(error.rule().to_owned()),
                None => Err("no-answer".into()),
            }
        };
        self.persist(police, "export", done, attempt).await
    }

    /// Revokes a warrant.
    pub(crate) async fn revoke(&self, warrant: WarrantId) -> Option<()> {
        let court = self.world.place("procuratorate");
        let revoked = |state: &State| {
            let phase = state.warrant(&warrant)?.phase;
            (phase == docket::state::WarrantPhase::Revoked).then_some(())
        };
        let attempt = async || {
            let act = Act::RevokeWarrant {
                warrant: warrant.to_string(),
                reason: "the case is closed".into(),
            };
            self.act(court, Duty::Judge, act).await.map(|_| ())
        };
        self.persist(court, "revoke", revoked, attempt).await
    }
}

/// A question as a state has it.
pub(crate) fn question(state: &State, docket: Docket) -> Option<&docket::state::Question> {
    let warrant: &Warrant = state.warrant(&docket.warrant)?;
    warrant.questions.get(&docket.question)
}

/// What a record says.
pub(crate) fn statement(indexed: &Indexed) -> &Statement {
    &indexed.record.header.statement
}
