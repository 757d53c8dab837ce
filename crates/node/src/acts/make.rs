//! What each act makes: statement, predecessors, bodies and plain words.
//!
//! *Not here*: signatures, and whether the record is legal; `acts` rehearses
//! and submits it.

use std::{collections::BTreeSet, sync::Arc};

use docket::{
    Opened, Plan, State, Statement,
    body::{Blinded, Order, Reason, Subject, Subjects, Window},
    plan::Parameters,
    state::{Question, QuestionPhase, Warrant, WarrantPhase},
    statement::{QuestionAsked, Terms},
};
use mpc::{Blind, Element};
use primitives::{Digest, InstitutionId, TemplateId, WarrantId, semantic::Selector};

use super::{afterwards, officers, rules, scenes::scenes_of};
use crate::{
    acts::summary::Summary,
    api::types::{Act, Ask, DraftWarrant, IssueWarrant},
    core::Core,
    custodian,
    error::{Error, Result},
    requester::RunResult,
    store::Shelf,
};

/// What an act makes: statement, predecessors, bodies, docket, plain words.
pub(super) struct Made {
    pub(super) warrant: Option<WarrantId>,
    pub(super) follows: Vec<Digest>,
    pub(super) bodies: Vec<(Opened, Vec<InstitutionId>)>,
    pub(super) statement: Statement,
    pub(super) summary: Summary,
}

pub(super) fn ids<T: std::str::FromStr<Err = primitives::IdError> + Ord>(
    names: &[String],
) -> Result<BTreeSet<T>> {
    names
        .iter()
        .map(|name| name.parse::<T>().map_err(Error::from))
        .collect()
}

pub(super) fn warrant_id(text: &str) -> Result<WarrantId> {
    text.parse()
        .map_err(|_| Error::refused("format", "a warrant's id is 32 hex digits"))
}

pub(super) fn digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|_| Error::refused("format", "a record's digest is 64 hex digits"))
}

/// Makes what an act asks for, from the ledger's state and this node's bodies.
///
/// # Errors
/// The rule that says no, or trouble.
pub(super) async fn make(core: &Arc<Core>, act: &Act) -> Result<Made> {
    let state = core.state();
    match act {
        Act::DraftWarrant(draft) => draft_warrant(core, draft),
        Act::IssueWarrant(issue) => issue_warrant(core, &state, issue).await,
        Act::RefuseWarrant { warrant, reason } => {
            let (id, known) = warrant_of(&state, warrant)?;
            let statement = Statement::WarrantRefused { draft: known.draft };
            let readers = core.readers(&state, [&known.requester, &known.authority]);
            with_reason(core, id, vec![known.draft], reason, readers, statement)
        }
        Act::RevokeWarrant { warrant, reason } => {
            let (id, known) = warrant_of(&state, warrant)?;
            let parties = [&known.requester, &known.authority];
            let readers = core.readers(&state, parties.into_iter().chain(&known.terms.custodians));
            let follows = known.issued.into_iter().collect();
            with_reason(
                core,
                id,
                follows,
                reason,
                readers,
                Statement::WarrantRevoked {},
            )
        }
        Act::Ask(ask) => ask_question(core, &state, ask),
        Act::Approve { question } => approve(core, &state, question).await,
        Act::Narrow {
            question,
            hops,
            answer_cap,
            reason,
        } => {
            let (id, record, known, warrant) = question_of(core, &state, question)?;
            let readers = core.readers(&state, [&warrant.requester, &warrant.authority, &core.me]);
            let statement = Statement::Narrowed {
                question: record,
                plan: known.plan,
                hops: *hops,
                answer_cap: *answer_cap,
            };
            with_reason(core, id, vec![record], reason, readers, statement)
        }
        Act::Refuse { question, reason } => {
            let (id, record, known, warrant) = question_of(core, &state, question)?;
            let readers = core.readers(&state, [&warrant.requester, &warrant.authority, &core.me]);
            let statement = Statement::Refused {
                question: record,
                plan: known.plan,
            };
            with_reason(core, id, vec![record], reason, readers, statement)
        }
        Act::OpenAnswer { question } => open_answer(core, &state, question),
        Act::ExportBundle { question } => afterwards::export(core, &state, question),
        Act::PassOn {
            question,
            form,
            reason,
        } => afterwards::pass_on(core, &state, question, form, reason),
        Act::GiveNotice {
            warrant,
            told,
            withheld,
            reason,
        } => afterwards::give_notice(core, &state, warrant, (*told, *withheld), reason),
        Act::ChangeRules(change) => rules::change(core, &state, change),
        Act::EnrolOfficer {
            officer,
            key,
            duties,
        } => officers::enrol(officer, key, duties),
        Act::ProposeOfficer {
            registration,
            officer,
            key,
            duties,
        } => {
            let (registration, officer) = (registration.as_deref(), officer.as_deref());
            officers::propose(core, registration, officer, key.as_deref(), duties)
        }
        Act::ConfirmOfficer { proposal } => officers::confirm(core, &state, proposal),
        Act::RetireOfficer { key } => officers::retire(key),
    }
}

fn with_reason(
    core: &Core,
    warrant: WarrantId,
    follows: Vec<Digest>,
    reason: &str,
    readers: Vec<InstitutionId>,
    statement: Statement,
) -> Result<Made> {
    let body = afterwards::reason_of(core, reason)?;
    Ok(Made {
        warrant: Some(warrant),
        follows,
        bodies: vec![(body, readers)],
        summary: Summary::of(
            format!("Warrant {warrant}: {}", statement.kind()),
            format!("令状 {warrant}：{}", statement.kind()),
        )
        .and(format!("Reason: {reason}"), format!("理由：{reason}")),
        statement,
    })
}

pub(super) fn warrant_of<'a>(state: &'a State, text: &str) -> Result<(WarrantId, &'a Warrant)> {
    let id = warrant_id(text)?;
    let known = state
        .warrant(&id)
        .ok_or_else(|| Error::refused("warrant-unknown", format!("no warrant {id}")))?;
    Ok((id, known))
}

pub(super) fn question_of<'a>(
    core: &Core,
    state: &'a State,
    text: &str,
) -> Result<(WarrantId, Digest, &'a Question, &'a Warrant)> {
    let record = digest(text)?;
    let unknown = || Error::refused("question-unknown", format!("no question {record}"));
    let id = core
        .record(&record)
        .map_err(|error| if error.retry() { error } else { unknown() })?
        .record
        .header
        .warrant
        .ok_or_else(unknown)?;
    let warrant = state.warrant(&id).ok_or_else(unknown)?;
    let question = warrant.questions.get(&record).ok_or_else(unknown)?;
    Ok((id, record, question, warrant))
}

fn draft_warrant(core: &Core, draft: &DraftWarrant) -> Result<Made> {
    let authority: InstitutionId = draft.authority.parse()?;
    let mut seen = BTreeSet::new();
    let mut subjects = Vec::new();
    for (line, text) in draft.subjects.iter().enumerate() {
        let selector: Selector = text.parse().map_err(|reject| {
            Error::refused("subject", format!("subject {}: {reject}", line + 1))
                .advise("write phone:…, id:… or account:…")
        })?;
        if selector.period().is_some() {
            return Err(Error::refused("subject", "a subject has no day of its own"));
        }
        let input = selector.to_input();
        if !seen.insert(input.clone()) {
            continue;
        }
        let (blind, _) = mpc::oprf::blind(&input, &mut core.host.rng())?;
        subjects.push(Subject {
            selector,
            blind: Digest(*blind.to_bytes()),
        });
    }
    let scenes = scenes_of(draft)?;
    let not_before_ms = draft.not_before_ms.unwrap_or_else(|| core.now_ms());
    // The same case has the same commitment, and nobody without the store's key
    // can guess the case from it.
    let salt = Digest::of(
        "cordon/case-salt/v1",
        &[core.keys.store.as_slice(), draft.case.as_bytes()],
    );
    let terms = Terms {
        case: Digest::of("cordon/case/v1", &[&salt.0, draft.case.as_bytes()]),
        templates: ids(&draft.templates)?,
        custodians: ids(&draft.custodians)?,
        not_before_ms,
        expires_ms: not_before_ms.saturating_add(draft.life_ms),
        subjects: u32::try_from(subjects.len()).unwrap_or(u32::MAX),
        scenes: u32::try_from(scenes.len()).unwrap_or(u32::MAX),
        hops: draft.hops,
        answer_cap: draft.answer_cap,
        runs: draft.runs,
    };
    check_window(draft.window_from_ms, draft.window_to_ms)?;
    let known: Vec<String> = query::templates()
        .iter()
        .map(|t| t.id.to_string())
        .collect();
    if let Some(unknown) = terms
        .templates
        .iter()
        .find(|t| !known.contains(&t.to_string()))
    {
        return Err(
            Error::refused("template-unknown", format!("no template {unknown}"))
                .advise(format!("templates: {}", known.join(", "))),
        );
    }
    let summary = Summary::of_draft(draft, &authority, &terms);
    let body = core.host.open(&Subjects {
        case: draft.case.clone(),
        reason: draft.reason.clone(),
        basis: draft.basis.clone(),
        window: Window {
            from_ms: draft.window_from_ms,
            to_ms: draft.window_to_ms,
        },
        subjects,
        scenes,
    })?;
    Ok(Made {
        warrant: Some(draw_id(core)),
        follows: Vec::new(),
        bodies: vec![(body, vec![authority.clone(), core.me.clone()])],
        statement: Statement::WarrantDrafted { authority, terms },
        summary,
    })
}

fn draw_id(core: &Core) -> WarrantId {
    let mut id = WarrantId([0; 16]);
    core.host.fill(&mut id.0);
    id
}

fn check_window(from_ms: u64, to_ms: u64) -> Result<()> {
    if from_ms < to_ms {
        return Ok(());
    }
    Err(Error::refused("terms", "the data's window is empty"))
}

async fn issue_warrant(core: &Arc<Core>, state: &State, issue: &IssueWarrant) -> Result<Made> {
    let (id, known) = warrant_of(state, &issue.warrant)?;
    if known.phase != WarrantPhase::Drafted {
        return Err(Error::refused(
            "warrant-decided",
            "the draft is already decided",
        ));
    }
    let draft: Subjects = core.body_of(&known.draft)?;
    let mut terms = known.terms.clone();
    if let Some(hops) = issue.hops {
        terms.hops = hops;
    }
    if let Some(cap) = issue.answer_cap {
        terms.answer_cap = cap;
    }
    if let Some(runs) = issue.runs {
        terms.runs = runs;
    }
    if let Some(custodians) = &issue.custodians {
        terms.custodians = ids(custodians)?;
    }
    if let Some(templates) = &issue.templates {
        terms.templates = ids::<TemplateId>(templates)?;
    }
    if let Some(life) = issue.life_ms {
        terms.expires_ms = terms.not_before_ms.saturating_add(life);
    }
    if terms.subjects as usize != draft.subjects.len()
        || terms.scenes as usize != draft.scenes.len()
    {
        return Err(Error::refused(
            "terms",
            "the draft's subjects or scenes are not as many as its terms say",
        ));
    }
    let subjects = draft.clone();
    let blinded = core.host.blocking(move || blind_list(&subjects)).await?;
    check_window(draft.window.from_ms, draft.window.to_ms)?;
    let mut summary = Summary::of_order(&id, &known.requester, &draft);
    let order = core.host.open(&Order {
        basis: draft.basis.clone(),
        window: draft.window,
        blinded,
        scenes: draft.scenes.clone(),
    })?;
    let subjects = core.host.open(&draft)?;
    let parties = [&known.requester, &known.authority];
    let order_readers = core.readers(state, parties.into_iter().chain(&terms.custodians));
    let mut bodies = vec![
        (order, order_readers.clone()),
        (
            subjects,
            vec![known.authority.clone(), known.requester.clone()],
        ),
    ];
    let reason = issue.reason.as_deref().unwrap_or_default().trim();
    if !reason.is_empty() {
        summary = summary.and(format!("Reason: {reason}"), format!("理由：{reason}"));
        let body = core.host.open(&Reason {
            text: reason.into(),
        })?;
        bodies.push((body, order_readers));
    }
    Ok(Made {
        warrant: Some(id),
        follows: vec![known.draft],
        bodies,
        statement: Statement::WarrantIssued {
            draft: known.draft,
            terms,
        },
        summary,
    })
}

/// The blinded list that an order shows custodians: computed by the authority
/// itself from subjects and blinds, so that it can't hold anybody else.
fn blind_list(subjects: &Subjects) -> Result<Vec<Blinded>> {
    let mut list = Vec::with_capacity(subjects.subjects.len());
    for subject in &subjects.subjects {
        let blind = Blind::from_bytes(&subject.blind.0)?;
        let element: Element = mpc::oprf::blind_with(&subject.selector.to_input(), &blind)?;
        list.push(Blinded {
            semantic: subject.selector.semantic(),
            point: Digest(element.to_bytes()),
        });
    }
    list.sort_by_key(|blinded| blinded.point);
    if list.windows(2).any(|pair| pair[0].point == pair[1].point) {
        return Err(Error::refused(
            "terms",
            "a subject stands twice on the draft",
        ));
    }
    Ok(list)
}

/// The plan that a question would run, and the record of its warrant.
///
/// # Errors
/// The rule that says no.
pub(super) fn compile_question(core: &Core, state: &State, ask: &Ask) -> Result<(Plan, Digest)> {
    let (id, known) = warrant_of(state, &ask.warrant)?;
    if !crate::views::concerns(core, state, known) {
        return Err(Error::refused(
            "separation-of-duties",
            format!("the warrant was issued to {}", known.requester),
        ));
    }
    core.warrant_in_force(state, &id)?;
    let issued = known
        .issued
        .ok_or_else(|| Error::refused("warrant-unknown", "the warrant was not issued"))?;
    let order: Order = core.body_of(&issued)?;
    let custodians = match &ask.custodians {
        Some(names) => Some(ids::<InstitutionId>(names)?.into_iter().collect()),
        None => None,
    };
    let question = query::Question {
        template: ask.template.parse()?,
        parameters: Parameters {
            min_amount_minor: ask.min_amount_minor,
            within_ms: ask.within_ms,
            hops: ask.hops,
            joint: ask.terms.clone(),
            count_only: ask.count_only,
        },
        answer_cap: ask.answer_cap,
        custodians,
    };
    let grant = query::Grant {
        warrant: id,
        requester: &core.me,
        authority: &known.authority,
        terms: &known.terms,
        order: &order,
        limits: &state.charter().limits,
    };
    let plan = query::compile(&question, &grant, &query::Catalogue::of(state))?;
    Ok((plan, issued))
}

fn ask_question(core: &Core, state: &State, ask: &Ask) -> Result<Made> {
    let (id, known) = warrant_of(state, &ask.warrant)?;
    let (plan, issued) = compile_question(core, state, ask)?;
    let asked = query::asked(&plan);
    let mut follows = vec![issued];
    follows.extend(
        asked
            .iter()
            .flat_map(|asked| asked.snapshots.iter().copied()),
    );
    let joint = plan
        .joint
        .as_ref()
        .map(|joint| query::joint_of(joint, &asked));
    let beside = joint.iter().flat_map(|joint| &joint.owners);
    follows.extend(beside.flat_map(|owner| owner.snapshots.iter().copied()));
    let names: Vec<&InstitutionId> = asked.iter().map(|asked| &asked.institution).collect();
    let readers = core.readers(state, names.into_iter().chain([&core.me, &known.authority]));
    let summary = Summary::of_plan(&plan);
    Ok(Made {
        warrant: Some(id),
        follows,
        statement: Statement::QuestionAsked(QuestionAsked {
            warrant: issued,
            template: plan.template.clone(),
            plan: plan.digest()?,
            custodians: asked,
            hops: plan.hops,
            answer_cap: plan.answer_cap,
            joint,
        }),
        bodies: vec![(core.host.open(&plan)?, readers)],
        summary,
    })
}

async fn approve(core: &Arc<Core>, state: &State, question: &str) -> Result<Made> {
    let (id, record, known, _) = question_of(core, state, question)?;
    if known.phase != QuestionPhase::Open || known.decisions.contains_key(&core.me) {
        return Err(Error::refused(
            "already-decided",
            "this institution has decided, or the question has ended",
        ));
    }
    let plan: Plan = core.body_of(&record)?;
    let keys = if known
        .custodians
        .iter()
        .any(|asked| asked.institution == core.me)
    {
        let worker = core.clone();
        core.host
            .blocking(move || custodian::key_commitments(&worker, &record))
            .await?
    } else {
        // Whoever was not asked draws nothing; the rehearsal names the rule.
        Vec::new()
    };
    Ok(Made {
        warrant: Some(id),
        follows: vec![record],
        bodies: Vec::new(),
        statement: Statement::Approved {
            question: record,
            plan: known.plan,
            keys,
            by_rule: None,
        },
        summary: Summary::of_plan(&plan),
    })
}

fn open_answer(core: &Core, state: &State, question: &str) -> Result<Made> {
    let (id, record, known, _) = question_of(core, state, question)?;
    let completed = known.completed.ok_or_else(|| {
        Error::refused("answer-unknown", "the question has no completed run")
            .advise("see how far it is: cordon status, or the question's view")
    })?;
    let result: RunResult = core
        .store
        .get(Shelf::Results, &record.0)?
        .ok_or_else(|| Error::refused("answer-unknown", "this node holds no result of the run"))?;
    // Nobody else can see it: the record shows a commitment and a number.
    if result.answer.question != record {
        return Err(Error::refused(
            "answer-mismatch",
            "what this node holds as the answer is another question's",
        ));
    }
    let rows = u32::try_from(result.answer.rows()).unwrap_or(u32::MAX);
    Ok(Made {
        warrant: Some(id),
        follows: vec![record, completed],
        bodies: vec![(core.host.open(&result.answer)?, vec![core.me.clone()])],
        statement: Statement::AnswerDisclosed {
            question: record,
            rows,
        },
        summary: Summary::of(
            format!(
                "Open the answer of question {}: {rows} rows",
                record.short()
            ),
            format!("打开问题 {} 的答案：{rows} 行", record.short()),
        ),
    })
}
