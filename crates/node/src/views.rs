//! What an institution's officers may see, as the API gives it.

pub(crate) mod alarms;
pub(crate) mod bundles;
pub(crate) mod cases;
pub(crate) mod custody;
pub(crate) mod engine;
pub(crate) mod oversight;
pub(crate) mod plans;
pub(crate) mod provenance;
pub(crate) mod subjects;

use std::collections::BTreeMap;

use docket::{
    Body as _, Plan, Role, State, Statement,
    body::{Order, Reason, Subjects},
    state::{Decision, Question, QuestionPhase, Warrant, WarrantPhase},
};
use primitives::{Digest, WarrantId};

use crate::{
    api::types::{
        AnswerTableView, AnswerView, CountView, DocketView, Inbox, MemberView, NodeStatus,
        OfficerView, QuestionView, RecordView, SceneView, SubjectsView, TableView, WarrantView,
    },
    core::{Core, Indexed},
    error::{Error, Result},
    requester::RunResult,
    store::Shelf,
    timeline,
};

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Requester => "requester",
        Role::Custodian => "custodian",
        Role::Authority => "authority",
        Role::Overseer => "overseer",
    }
}

pub(crate) fn role_names(roles: &std::collections::BTreeSet<Role>) -> Vec<String> {
    roles.iter().map(|role| role_name(*role).into()).collect()
}

/// The node's and the network's state.
#[must_use]
pub(crate) fn status(core: &Core) -> NodeStatus {
    let ledger = core.ledger.status();
    let healthy = ledger.heard >= ledger.needed && ledger.stopped.is_none();
    let advice = match &ledger.stopped {
        Some(why) => Some(format!("the ledger stopped: {why}; start the node again")),
        None if !healthy => Some(format!(
            "only {} of {} members are heard and {} must agree: start the missing nodes",
            ledger.heard,
            ledger.members.len(),
            ledger.needed
        )),
        None => None,
    };
    NodeStatus {
        institution: core.me.to_string(),
        network: core.network.to_string(),
        version: env!("CARGO_PKG_VERSION").into(),
        height: ledger.height,
        records: ledger.size,
        root: ledger.root.to_string(),
        epoch: ledger.epoch,
        members: ledger.members.len(),
        quorum: ledger.needed,
        heard: ledger.heard,
        syncing: ledger.syncing,
        healthy,
        advice,
    }
}

/// The members with their officers.
#[must_use]
pub(crate) fn network(state: &State) -> Vec<MemberView> {
    state
        .members()
        .map(|member| MemberView {
            institution: member.id.to_string(),
            name: member.name.clone(),
            roles: role_names(&member.roles),
            node_key: member.node_key.to_string(),
            officers: state
                .officers()
                .filter(|(_, officer)| officer.institution == member.id)
                .map(|(key, officer)| OfficerView {
                    officer: officer.id.to_string(),
                    key: key.to_string(),
                    kind: key.kind().into(),
                    duties: officer
                        .duties
                        .iter()
                        .map(|duty| duty.name().into())
                        .collect(),
                })
                .collect(),
        })
        .collect()
}

/// The catalogue.
#[must_use]
pub(crate) fn catalogue(state: &State) -> Vec<TableView> {
    state
        .datasets()
        .map(|(_, dataset)| {
            let snapshot = dataset.latest.and_then(|record| {
                state
                    .snapshot(&record)
                    .map(|snapshot| (record, &snapshot.statement))
            });
            TableView {
                institution: dataset.institution.to_string(),
                dataset: dataset.entry.dataset.clone(),
                table: dataset.entry.table.clone(),
                columns: dataset
                    .entry
                    .columns
                    .iter()
                    .map(|c| [c.name.clone(), c.semantic.clone(), c.disclosure.clone()])
                    .collect(),
                keys: dataset.entry.keys.clone(),
                snapshot: snapshot.map(|(record, _)| record.to_string()),
                rows: snapshot.map(|(_, statement)| statement.rows),
                rejected: snapshot.map(|(_, statement)| statement.rejected),
                extracted_ms: snapshot.map(|(_, statement)| statement.extracted_ms),
            }
        })
        .collect()
}

/// What has become of a warrant at a time.
#[must_use]
pub(crate) fn phase(warrant: &Warrant, now: u64) -> &'static str {
    match warrant.phase {
        WarrantPhase::Drafted => "drafted",
        WarrantPhase::Refused => "refused",
        WarrantPhase::Revoked => "revoked",
        WarrantPhase::Issued if now >= warrant.terms.expires_ms => "expired",
        WarrantPhase::Issued if now < warrant.terms.not_before_ms => "not-yet-valid",
        WarrantPhase::Issued => "issued",
    }
}

/// What has become of a question.
#[must_use]
pub(crate) fn question_phase(phase: QuestionPhase) -> &'static str {
    match phase {
        QuestionPhase::Open => "open",
        QuestionPhase::Running => "running",
        QuestionPhase::Declined => "declined",
        QuestionPhase::Completed => "completed",
        QuestionPhase::Aborted => "aborted",
        QuestionPhase::Counted => "counted",
    }
}

/// What the custodians of a question said.
#[must_use]
pub(crate) fn decisions(question: &Question) -> BTreeMap<String, String> {
    question
        .custodians
        .iter()
        .map(|asked| {
            let word = match question.decisions.get(&asked.institution) {
                None => "pending",
                Some(Decision::Approved(_)) => "approved",
                Some(Decision::Narrowed { .. }) => "narrowed",
                Some(Decision::Refused) => "refused",
            };
            (asked.institution.to_string(), word.to_string())
        })
        .collect()
}

/// Whether this institution has any part in a docket.
#[must_use]
pub(crate) fn concerns(core: &Core, state: &State, warrant: &Warrant) -> bool {
    let overseer = state
        .member(&core.me)
        .is_some_and(|member| member.roles.contains(&Role::Overseer));
    overseer
        || warrant.requester == core.me
        || warrant.authority == core.me
        || warrant.terms.custodians.contains(&core.me)
}

/// A warrant. Its subjects are left out: see [`subjects`].
#[must_use]
pub(crate) fn warrant(core: &Core, id: &WarrantId, warrant: &Warrant) -> WarrantView {
    let terms = &warrant.terms;
    let order: Option<Order> = warrant
        .issued
        .and_then(|issued| core.body_of::<Order>(&issued).ok());
    WarrantView {
        warrant: id.to_string(),
        phase: phase(warrant, core.now_ms()).into(),
        requester: warrant.requester.to_string(),
        authority: warrant.authority.to_string(),
        templates: terms.templates.iter().map(ToString::to_string).collect(),
        custodians: terms.custodians.iter().map(ToString::to_string).collect(),
        subjects: terms.subjects,
        scenes: terms.scenes,
        hops: terms.hops,
        answer_cap: terms.answer_cap,
        runs: terms.runs,
        spent: warrant.spent,
        not_before_ms: terms.not_before_ms,
        expires_ms: terms.expires_ms,
        basis: order.as_ref().map(|order| order.basis.clone()),
        window_ms: order.map(|order| [order.window.from_ms, order.window.to_ms]),
        subject_list: None,
        subjects_coming: subjects_coming(core, warrant),
        questions: warrant
            .questions
            .iter()
            .map(|(question, known)| self::question(core, id, question, known))
            .collect(),
    }
}

/// The record whose sealed body lists a warrant's subjects as they now stand.
fn subjects_record(warrant: &Warrant) -> Digest {
    warrant.issued.unwrap_or(warrant.draft)
}

/// Whether this institution is a reader of the subjects and does not hold them yet.
fn subjects_coming(core: &Core, warrant: &Warrant) -> bool {
    let Ok(found) = core.record(&subjects_record(warrant)) else {
        return false;
    };
    let part = found.record.header.part(Subjects::LABEL);
    part.is_some_and(|part| {
        part.readers.contains(&core.me) && matches!(core.opened(part), Ok(None))
    })
}

/// A warrant's subjects in the clear, for those who may read them.
#[must_use]
pub(crate) fn subjects(core: &Core, warrant: &Warrant) -> Option<SubjectsView> {
    let body: Subjects = core.body_of(&subjects_record(warrant)).ok()?;
    Some(SubjectsView {
        case: body.case,
        reason: body.reason,
        subjects: body
            .subjects
            .iter()
            .map(|s| s.selector.to_string())
            .collect(),
        scenes: body.scenes.iter().map(scene).collect(),
    })
}

/// A scene.
#[must_use]
pub(crate) fn scene(scene: &docket::body::Scene) -> SceneView {
    SceneView {
        cell: scene.cell,
        from_ms: scene.from_ms,
        to_ms: scene.to_ms,
    }
}

/// A question.
#[must_use]
pub(crate) fn question(
    core: &Core,
    warrant: &WarrantId,
    id: &Digest,
    question: &Question,
) -> QuestionView {
    let plan: Option<Plan> = core.body_of(id).ok();
    let explained = plan.as_ref().map(query::explain);
    let progress = core.progress.of(id);
    let cause = cause(core, warrant, id);
    let phase = match question.phase {
        // The records that this node has read are a moment behind its ledger's state: an
        // end is shown with its cause.
        QuestionPhase::Aborted if cause.is_none() => QuestionPhase::Running,
        phase => phase,
    };
    QuestionView {
        question: id.to_string(),
        warrant: warrant.to_string(),
        template: question.template.to_string(),
        phase: question_phase(phase).into(),
        decisions: decisions(question),
        inputs: question.inputs.iter().map(ToString::to_string).collect(),
        disclosed: !question.disclosed.is_empty(),
        plan_en: explained
            .as_ref()
            .map(|e| e.lines_en.clone())
            .unwrap_or_default(),
        plan_zh: explained.map(|e| e.lines_zh).unwrap_or_default(),
        progress: progress.as_ref().map(|progress| progress.done),
        parties: progress
            .as_ref()
            .map(crate::progress::RunProgress::parties)
            .unwrap_or_default(),
        doing: progress.map(|progress| progress.doing),
        cause,
        count: question.count.map(|count| CountView {
            rows: count.rows,
            withheld: count.withheld,
        }),
    }
}

/// Why a run was aborted, and by whose fault or refusal.
pub(crate) fn cause_of(statement: &docket::Statement) -> Option<String> {
    let docket::Statement::RunAborted {
        cause,
        blamed,
        refused_by,
        ..
    } = statement
    else {
        return None;
    };
    Some(match (blamed, refused_by) {
        (Some(blamed), _) => format!("{cause} of {blamed}"),
        (None, Some(refused)) => format!("{cause} (refused by {refused})"),
        (None, None) => cause.clone(),
    })
}

fn cause(core: &Core, warrant: &WarrantId, question: &Digest) -> Option<String> {
    let index = core
        .index
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    index
        .docket(warrant)
        .find_map(|indexed| match &indexed.record.header.statement {
            statement @ docket::Statement::RunAborted { question: of, .. } if of == question => {
                cause_of(statement)
            }
            _ => None,
        })
}

/// An opened answer.
///
/// # Errors
/// A refusal where it was not disclosed.
pub(crate) fn answer(core: &Core, question: &Digest, known: &Question) -> Result<AnswerView> {
    let disclosed = known.disclosed.iter().next().ok_or_else(|| {
        Error::refused("answer-unknown", "the answer was not opened")
            .advise("open it first: cordon answer --help")
    })?;
    let answer: docket::plan::Answer = core.body_of(disclosed)?;
    let result: Option<RunResult> = core.store.get(Shelf::Results, &question.0)?;
    let plan: Option<Plan> = core.body_of(question).ok();
    let state = core.state();
    Ok(AnswerView {
        question: question.to_string(),
        template: answer.template.to_string(),
        tables: answer
            .tables
            .iter()
            .map(|table| AnswerTableView {
                step: table.step,
                table: table.table.clone(),
                columns: table.columns.clone(),
                semantics: provenance::semantics(
                    &state,
                    plan.as_ref(),
                    &table.table,
                    &table.columns,
                ),
                rows: table
                    .rows
                    .iter()
                    .map(|row| row.cells.iter().map(provenance::json).collect())
                    .collect(),
                origins: table
                    .rows
                    .iter()
                    .map(|row| {
                        let name =
                            |o: &docket::plan::Origin| format!("{}/{}", o.institution, o.snapshot);
                        row.origins.iter().map(name).collect()
                    })
                    .collect(),
            })
            .collect(),
        evaluated: result
            .as_ref()
            .map(|r| r.evaluated.clone())
            .unwrap_or_default(),
        bytes: result.as_ref().map(|r| r.bytes).unwrap_or_default(),
        rounds: result.map(|r| r.rounds).unwrap_or_default(),
    })
}

/// A docket's timeline.
#[must_use]
pub(crate) fn docket(core: &Core, id: &WarrantId) -> DocketView {
    let index = core
        .index
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    DocketView {
        warrant: id.to_string(),
        records: index
            .docket(id)
            .map(|indexed| RecordView {
                reason: core
                    .body::<Reason>(&indexed.record.header)
                    .ok()
                    .flatten()
                    .map(|reason| reason.text),
                ..record_view(indexed)
            })
            .collect(),
    }
}

/// A record in plain words, from its header alone.
#[must_use]
pub(crate) fn record_view(indexed: &Indexed) -> RecordView {
    let header = &indexed.record.header;
    let (text_en, text_zh) = timeline::say(header);
    let question = match &header.statement {
        Statement::QuestionAsked(_) => Some(indexed.record.digest),
        statement => statement.question().copied(),
    };
    let rule = match &header.statement {
        Statement::Denied { rule, .. } => Some(rule.clone()),
        Statement::Approved { by_rule, .. } => by_rule.clone(),
        _ => None,
    };
    let readers: std::collections::BTreeSet<String> = header
        .parts
        .iter()
        .flat_map(|part| &part.readers)
        .map(ToString::to_string)
        .collect();
    RecordView {
        index: indexed.index,
        time_ms: indexed.time_ms,
        record: indexed.record.digest.to_string(),
        kind: indexed.record.kind().into(),
        institution: header.institution.to_string(),
        officer: header.officer.as_ref().map(ToString::to_string),
        signed_with: indexed.record.signer.kind().into(),
        text_en,
        text_zh,
        follows: header.follows.iter().map(ToString::to_string).collect(),
        question: question.map(|question| question.to_string()),
        rule,
        reason: None,
        readers: readers.into_iter().collect(),
    }
}

/// What waits for this institution's officers.
#[must_use]
pub(crate) fn inbox(core: &Core) -> Inbox {
    let state = core.state();
    let mut inbox = Inbox::default();
    for (id, known) in state.warrants() {
        if known.phase == WarrantPhase::Drafted && known.authority == core.me {
            inbox.drafts.push(warrant(core, id, known));
        }
        for (digest, asked) in &known.questions {
            let mine = asked.custodians.iter().any(|c| c.institution == core.me);
            if asked.phase == QuestionPhase::Open && mine && !asked.decisions.contains_key(&core.me)
            {
                inbox.questions.push(question(core, id, digest, asked));
            }
            let unopened = asked.phase == QuestionPhase::Completed && asked.disclosed.is_empty();
            if unopened && known.requester == core.me {
                inbox.answers.push(question(core, id, digest, asked));
            }
        }
    }
    inbox
}
