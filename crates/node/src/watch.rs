//! What becomes an event, and how often: the node's side of the live stream.
//!
//! Records and bodies are told as they come ([`record`], [`body`]); progress,
//! jobs, inbox and ledger are looked at a few times a second, so that a busy run
//! costs no more than a quiet one.

use std::{sync::Arc, time::Duration};

use docket::{
    Duty, State, Statement,
    state::{QuestionPhase, Warrant, WarrantPhase},
};
use primitives::{Digest, WarrantId};

use crate::{
    api::types::{
        BodyEvent, InboxEvent, LedgerEvent, MembersEvent, QuestionEvent, RulesEvent, RunEvent,
        WarrantEvent,
    },
    core::{Core, Indexed},
    views,
};

/// How often runs and jobs are looked at.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Looks at the ledger and the inbox, in those.
const LEDGER_EVERY: u32 = 4;

/// Who watches runs.
const RUN_DUTIES: &[Duty] = &[Duty::Investigator, Duty::Approver, Duty::Auditor];
/// Who watches the standing rules.
const RULES_DUTIES: &[Duty] = &[Duty::Approver, Duty::Steward];
/// Who watches jobs.
const JOB_DUTIES: &[Duty] = &[Duty::Steward];

/// Tells of a final record.
pub(crate) fn record(core: &Core, state: &State, indexed: &Indexed) {
    let header = &indexed.record.header;
    if matches!(header.statement, Statement::RulesChanged(_)) && header.institution == core.me {
        let event = RulesEvent {
            record: indexed.record.digest.to_string(),
        };
        core.events.publish("rules", RULES_DUTIES, &event);
    }
    let members = matches!(
        header.statement,
        Statement::ChangeProposed { .. } | Statement::ChangeVoted { .. }
    );
    let officers = matches!(
        header.statement,
        Statement::OfficerEnrolled { .. }
            | Statement::OfficerRetired { .. }
            | Statement::OfficerProposed { .. }
            | Statement::OfficerConfirmed { .. }
    );
    if members || (officers && header.institution == core.me) {
        let event = MembersEvent {
            record: indexed.record.digest.to_string(),
            kind: indexed.record.kind().into(),
        };
        core.events.publish("members", &[], &event);
    }
    let Some(id) = header.warrant else {
        return;
    };
    let Some(warrant) = state
        .warrant(&id)
        .filter(|warrant| views::concerns(core, state, warrant))
    else {
        return;
    };
    let question = match &header.statement {
        Statement::QuestionAsked(_) => Some(indexed.record.digest),
        statement => statement.question().copied(),
    };
    let event = WarrantEvent {
        warrant: id.to_string(),
        phase: views::phase(warrant, core.now_ms()).into(),
        kind: indexed.record.kind().into(),
        record: indexed.record.digest.to_string(),
        index: indexed.index,
        time_ms: indexed.time_ms,
        institution: header.institution.to_string(),
        question: question.map(|question| question.to_string()),
    };
    core.events.publish("warrant", &[], &event);
    count_run(core, warrant, &header.statement);
    if let Some((digest, known)) =
        question.and_then(|digest| Some((digest, warrant.questions.get(&digest)?)))
    {
        // What a run did is told before its end, however short it was.
        runs(core);
        let event = QuestionEvent {
            warrant: id.to_string(),
            question: digest.to_string(),
            phase: views::question_phase(known.phase).into(),
            decisions: views::decisions(known),
            inputs: known.inputs.iter().map(ToString::to_string).collect(),
            disclosed: !known.disclosed.is_empty(),
        };
        core.events.publish("question", &[], &event);
    }
}

/// Counts the end of a run that this node took part in.
fn count_run(core: &Core, warrant: &Warrant, statement: &Statement) {
    let known = statement
        .question()
        .and_then(|id| warrant.questions.get(id));
    let outcome = match statement {
        Statement::RunCompleted { .. } => "completed",
        Statement::CountOpened { .. }
            if known.is_some_and(|known| known.phase == QuestionPhase::Counted) =>
        {
            "completed"
        }
        Statement::RunAborted { .. } => "aborted",
        Statement::Refused { .. } | Statement::Narrowed { .. } => "declined",
        _ => return,
    };
    let answers = known.is_some_and(|known| {
        let mut asked = known.custodians.iter();
        asked.any(|asked| asked.institution == core.me)
    });
    if answers || warrant.requester == core.me {
        core.metrics.run_ended(outcome);
    }
}

/// Tells of a body that has arrived.
pub(crate) fn body(core: &Core, warrant: &WarrantId, record: &Digest, label: &str) {
    let event = BodyEvent {
        warrant: warrant.to_string(),
        record: record.to_string(),
        label: label.into(),
    };
    core.events.publish("body", &[], &event);
}

/// Looks at what changes by itself, until the node stops.
pub(crate) async fn changes(core: Arc<Core>) {
    let mut ledger: Option<LedgerEvent> = None;
    let mut inbox = InboxEvent::default();
    for count in 0u32.. {
        core.host.sleep(PROGRESS_EVERY).await;
        runs(&core);
        for event in core.jobs.take_changed() {
            core.events.publish("job", JOB_DUTIES, &event);
        }
        if count % LEDGER_EVERY != 0 {
            continue;
        }
        let now = ledger_event(&core);
        if ledger.as_ref() != Some(&now) {
            core.events.publish("ledger", &[], &now);
            ledger = Some(now);
        }
        let now = waiting(&core);
        if inbox != now {
            core.events.publish("inbox", &[], &now);
            inbox = now;
        }
    }
}

fn runs(core: &Core) {
    for (question, run) in core.progress.take_changed() {
        let Ok(indexed) = core.record(&question) else {
            continue;
        };
        let Some(warrant) = indexed.record.header.warrant else {
            continue;
        };
        let event = RunEvent {
            warrant: warrant.to_string(),
            question: question.to_string(),
            done: run.done,
            doing: run.doing.clone(),
            step: run.step,
            steps: run.steps,
            parties: run.parties(),
        };
        core.events.publish("run", RUN_DUTIES, &event);
    }
}

fn ledger_event(core: &Core) -> LedgerEvent {
    let status = core.ledger.status();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    LedgerEvent {
        height: status.height,
        records: status.size,
        heard: count(status.heard),
        members: count(status.members.len()),
        quorum: count(status.needed),
        syncing: status.syncing,
        healthy: status.heard >= status.needed && status.stopped.is_none(),
        finality_ms: status.finality_ms,
    }
}

/// How much waits for this institution's officers.
#[must_use]
pub(crate) fn waiting(core: &Core) -> InboxEvent {
    let state = core.state();
    let mut counts = InboxEvent::default();
    for (_, warrant) in state.warrants() {
        if warrant.phase == WarrantPhase::Drafted && warrant.authority == core.me {
            counts.drafts += 1;
        }
        for asked in warrant.questions.values() {
            let mine = asked.custodians.iter().any(|c| c.institution == core.me);
            let undecided = mine && !asked.decisions.contains_key(&core.me);
            if asked.phase == QuestionPhase::Open && undecided {
                counts.questions += 1;
            }
            let unopened = asked.phase == QuestionPhase::Completed && asked.disclosed.is_empty();
            if unopened && warrant.requester == core.me {
                counts.answers += 1;
            }
        }
    }
    counts
}
