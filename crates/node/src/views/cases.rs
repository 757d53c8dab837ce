//! Cases at a glance: what has become of each, and what waits for whom.
//!
//! *Invariants*: a card holds nothing but what every member's ledger shows, and
//! the case's file name for those officers whose work it is. Subjects, reasons and
//! rows are never in it.

use docket::{
    Duty, State, Statement,
    body::{Order, Subjects},
    state::{Question, QuestionPhase, Warrant, WarrantPhase},
    statement::Terms,
};
use primitives::{Digest, WarrantId};
use serde_json::{Value, json};

use super::{concerns, decisions, phase, question_phase};
use crate::{
    api::types::{
        CaseCard, CaseQuestion, CaseView, ChangesView, FieldChange, PreviousDraft, TermsView, Wait,
    },
    core::{Core, Index, Indexed, lock},
    error::{Error, Result},
};

/// Who looks: what decides which waits are theirs and whether they see file names.
#[derive(Clone, Copy)]
pub(crate) struct Viewer<'a> {
    /// The officer's duties.
    pub(crate) duties: &'a std::collections::BTreeSet<Duty>,
}

impl Viewer<'_> {
    fn has(self, duty: Duty) -> bool {
        self.duties.contains(&duty)
    }
}

/// What a docket's records say beside the state.
#[derive(Default)]
struct Facts {
    records: u32,
    drafted: Option<(u64, Option<String>)>,
    decided: Option<(u64, Option<String>)>,
    asked: Vec<(Digest, u64)>,
    causes: Vec<(Digest, String)>,
    exported: Vec<Digest>,
    completed: Vec<(Digest, u64)>,
    approved: Vec<(Digest, u64)>,
    last: Option<(u64, u64, &'static str)>,
}

impl Facts {
    fn of(index: &Index, warrant: &WarrantId) -> Self {
        let mut facts = Self::default();
        for indexed in index.docket(warrant) {
            facts.take(indexed);
        }
        facts
    }

    fn take(&mut self, indexed: &Indexed) {
        let header = &indexed.record.header;
        let by = (
            indexed.time_ms,
            header.officer.as_ref().map(ToString::to_string),
        );
        self.records += 1;
        self.last = Some((indexed.index, indexed.time_ms, indexed.record.kind()));
        match &header.statement {
            Statement::WarrantDrafted { .. } => self.drafted = Some(by),
            Statement::WarrantIssued { .. } | Statement::WarrantRefused { .. } => {
                self.decided = Some(by);
            }
            Statement::QuestionAsked(_) => {
                self.asked.push((indexed.record.digest, indexed.time_ms));
            }
            Statement::Approved { question, .. } => {
                self.approved.push((*question, indexed.time_ms));
            }
            Statement::RunCompleted { question, .. } => {
                self.completed.push((*question, indexed.time_ms));
            }
            Statement::RunAborted { question, .. } => {
                let cause = super::cause_of(&indexed.record.header.statement);
                self.causes.extend(cause.map(|cause| (*question, cause)));
            }
            Statement::BundleExported { question, .. } => self.exported.push(*question),
            _ => {}
        }
    }

    fn last_of(list: &[(Digest, u64)], question: &Digest) -> Option<u64> {
        let of = |(known, at): &(Digest, u64)| (known == question).then_some(*at);
        list.iter().filter_map(of).next_back()
    }
}

/// The names of an institution's own officers' work: the file name is shown to
/// investigators of the requester and judges of the authority.
fn case_name(core: &Core, viewer: Viewer<'_>, id: &WarrantId, warrant: &Warrant) -> Option<String> {
    let entitled = (warrant.requester == core.me && viewer.has(Duty::Investigator))
        || (warrant.authority == core.me && viewer.has(Duty::Judge));
    if !entitled {
        return None;
    }
    if let Some(known) = lock(&core.case_names).get(id) {
        return Some(known.clone());
    }
    let body: Subjects = core.body_of(&warrant.draft).ok()?;
    lock(&core.case_names).insert(*id, body.case.clone());
    Some(body.case)
}

/// A warrant and its docket at a glance.
#[must_use]
pub(crate) fn card(
    core: &Core,
    index: &Index,
    viewer: Viewer<'_>,
    (id, warrant): (&WarrantId, &Warrant),
) -> CaseCard {
    let facts = Facts::of(index, id);
    let now = core.now_ms();
    let terms = &warrant.terms;
    let (last_index, last_ms, last_kind) = facts.last.unwrap_or_default();
    let (drafted_ms, drafted_by) = facts.drafted.clone().unwrap_or_default();
    let mut questions: Vec<CaseQuestion> = warrant
        .questions
        .iter()
        .map(|(digest, known)| question(core, &facts, digest, known))
        .collect();
    questions.sort_by_key(|question| question.asked_ms);
    CaseCard {
        warrant: id.to_string(),
        phase: phase(warrant, now).into(),
        case: case_name(core, viewer, id, warrant),
        case_commitment: terms.case.to_string(),
        requester: warrant.requester.to_string(),
        authority: warrant.authority.to_string(),
        templates: strings(&terms.templates),
        custodians: strings(&terms.custodians),
        subjects: terms.subjects,
        scenes: terms.scenes,
        hops: terms.hops,
        answer_cap: terms.answer_cap,
        runs: terms.runs,
        noticed: warrant.noticed,
        spent: warrant.spent,
        runs_left: terms.runs.saturating_sub(warrant.spent),
        not_before_ms: terms.not_before_ms,
        expires_ms: terms.expires_ms,
        drafted_ms,
        drafted_by,
        decided_ms: facts.decided.as_ref().map(|(at, _)| *at),
        decided_by: facts.decided.as_ref().and_then(|(_, by)| by.clone()),
        last_ms,
        last_kind: last_kind.into(),
        last_index,
        records: facts.records,
        questions,
        waits: waits(core, viewer, &facts, warrant, now),
    }
}

fn strings<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

fn question(core: &Core, facts: &Facts, digest: &Digest, known: &Question) -> CaseQuestion {
    let progress = core.progress.of(digest);
    CaseQuestion {
        question: digest.to_string(),
        template: known.template.to_string(),
        phase: question_phase(known.phase).into(),
        hops: known.hops,
        answer_cap: known.answer_cap,
        asked_ms: Facts::last_of(&facts.asked, digest).unwrap_or_default(),
        asked_by: known.asker.to_string(),
        decisions: decisions(known),
        inputs: strings(&known.inputs),
        disclosed: !known.disclosed.is_empty(),
        exported: facts.exported.contains(digest),
        cause: facts
            .causes
            .iter()
            .find(|(of, _)| of == digest)
            .map(|(_, cause)| cause.clone()),
        progress: progress.as_ref().map(|progress| progress.done),
        doing: progress.map(|progress| progress.doing),
    }
}

fn waits(core: &Core, viewer: Viewer<'_>, facts: &Facts, warrant: &Warrant, now: u64) -> Vec<Wait> {
    let wait = |what: &str, institution: &primitives::InstitutionId, duty: Option<Duty>| Wait {
        what: what.into(),
        institution: institution.to_string(),
        duty: duty.map(|duty| duty.name().into()),
        question: None,
        since_ms: 0,
        mine: *institution == core.me && duty.is_none_or(|duty| viewer.has(duty)),
    };
    let mut waits = Vec::new();
    if warrant.phase == WarrantPhase::Drafted {
        waits.push(Wait {
            since_ms: facts.drafted.as_ref().map_or(0, |(at, _)| *at),
            ..wait("decide-draft", &warrant.authority, Some(Duty::Judge))
        });
    }
    // Nothing goes on under a warrant that is not in force.
    if phase(warrant, now) != "issued" {
        return waits;
    }
    let decided = facts.decided.as_ref().map_or(0, |(at, _)| *at);
    if warrant.questions.is_empty() && warrant.spent < warrant.terms.runs {
        waits.push(Wait {
            since_ms: decided,
            ..wait("ask", &warrant.requester, Some(Duty::Investigator))
        });
    }
    for (digest, known) in &warrant.questions {
        let asked = Facts::last_of(&facts.asked, digest).unwrap_or_default();
        let approved = Facts::last_of(&facts.approved, digest).unwrap_or(asked);
        let completed = Facts::last_of(&facts.completed, digest).unwrap_or_default();
        let about = |wait: Wait, since_ms| Wait {
            question: Some(digest.to_string()),
            since_ms,
            ..wait
        };
        let institutions = known.custodians.iter().map(|asked| &asked.institution);
        match known.phase {
            QuestionPhase::Open | QuestionPhase::Running if known.approved_by_all() => {
                for id in known.owners().filter(|id| !known.inputs.contains(*id)) {
                    waits.push(about(wait("run", id, None), approved));
                }
                if known.bound() {
                    waits.push(about(wait("run", &warrant.requester, None), approved));
                }
            }
            QuestionPhase::Open => {
                for id in institutions.filter(|id| !known.decisions.contains_key(*id)) {
                    waits.push(about(
                        wait("decide-question", id, Some(Duty::Approver)),
                        asked,
                    ));
                }
            }
            QuestionPhase::Completed if known.disclosed.is_empty() => {
                waits.push(about(
                    wait("open-answer", &warrant.requester, Some(Duty::Investigator)),
                    completed,
                ));
            }
            _ => {}
        }
    }
    waits
}

/// The cards of the dockets that concern this institution, those with the newest
/// activity first.
#[must_use]
pub(crate) fn cards(core: &Core, viewer: Viewer<'_>, limit: usize) -> Vec<CaseCard> {
    let state = core.state();
    let index = core.read_index();
    let mut newest: Vec<(u64, &WarrantId, &Warrant)> = state
        .warrants()
        .filter(|(_, warrant)| concerns(core, &state, warrant))
        .map(|(id, warrant)| {
            let last = index.docket(id).last().map_or(0, |indexed| indexed.index);
            (last, id, warrant)
        })
        .collect();
    newest.sort_unstable_by_key(|(last, ..)| std::cmp::Reverse(*last));
    newest
        .into_iter()
        .take(limit)
        .map(|(_, id, warrant)| card(core, &index, viewer, (id, warrant)))
        .collect()
}

/// The terms that a draft asked for.
fn asked_terms(index: &Index, warrant: &Warrant) -> Option<Terms> {
    match &index.get(&warrant.draft)?.record.header.statement {
        Statement::WarrantDrafted { terms, .. } => Some(terms.clone()),
        _ => None,
    }
}

fn terms_view(terms: &Terms) -> TermsView {
    TermsView {
        templates: strings(&terms.templates),
        custodians: strings(&terms.custodians),
        subjects: terms.subjects,
        scenes: terms.scenes,
        hops: terms.hops,
        answer_cap: terms.answer_cap,
        runs: terms.runs,
        not_before_ms: terms.not_before_ms,
        expires_ms: terms.expires_ms,
    }
}

fn differing(pairs: Vec<(&str, Value, Value)>) -> Vec<FieldChange> {
    pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| FieldChange {
            field: field.into(),
            before,
            after,
        })
        .collect()
}

/// Where two sets of terms differ; times count by how long they last.
#[must_use]
fn term_changes(before: &Terms, after: &Terms) -> Vec<FieldChange> {
    let life = |terms: &Terms| terms.expires_ms.saturating_sub(terms.not_before_ms);
    differing(vec![
        (
            "templates",
            json!(strings(&before.templates)),
            json!(strings(&after.templates)),
        ),
        (
            "custodians",
            json!(strings(&before.custodians)),
            json!(strings(&after.custodians)),
        ),
        ("subjects", json!(before.subjects), json!(after.subjects)),
        ("scenes", json!(before.scenes), json!(after.scenes)),
        ("hops", json!(before.hops), json!(after.hops)),
        (
            "answer_cap",
            json!(before.answer_cap),
            json!(after.answer_cap),
        ),
        ("runs", json!(before.runs), json!(after.runs)),
        ("life_ms", json!(life(before)), json!(life(after))),
    ])
}

/// The previous draft of the same case by the same requester, among those that
/// concern this institution.
fn predecessor<'a>(
    core: &Core,
    index: &Index,
    state: &'a State,
    warrant: &Warrant,
) -> Option<(&'a WarrantId, &'a Warrant)> {
    let place = |warrant: &Warrant| index.get(&warrant.draft).map(|indexed| indexed.index);
    let mine = place(warrant)?;
    state
        .warrants()
        .filter(|(_, known)| {
            known.terms.case == warrant.terms.case
                && known.requester == warrant.requester
                && concerns(core, state, known)
        })
        .filter_map(|(id, known)| Some((place(known).filter(|at| *at < mine)?, id, known)))
        .max_by_key(|(at, ..)| *at)
        .map(|(_, id, known)| (id, known))
}

/// One case in full, without its subjects.
///
/// # Errors
/// A refusal where its draft is not on this node's ledger.
pub(crate) fn case(
    core: &Core,
    viewer: Viewer<'_>,
    id: &WarrantId,
    warrant: &Warrant,
) -> Result<CaseView> {
    let state = core.state();
    let index = core.read_index();
    let asked = asked_terms(&index, warrant)
        .ok_or_else(|| Error::refused("warrant-unknown", format!("no draft of warrant {id}")))?;
    let granted = warrant.issued.map(|_| warrant.terms.clone());
    let order: Option<Order> = warrant.issued.and_then(|issued| core.body_of(&issued).ok());
    let mut readable = Vec::new();
    let holds = |record: &Digest, label: &str| {
        let part = index
            .get(record)
            .and_then(|indexed| indexed.record.header.part(label));
        part.is_some_and(|part| matches!(core.opened(part), Ok(Some(_))))
    };
    if holds(&warrant.issued.unwrap_or(warrant.draft), "subjects") {
        readable.push("subjects".to_owned());
    }
    if order.is_some() {
        readable.push("order".to_owned());
    }
    Ok(CaseView {
        card: card(core, &index, viewer, (id, warrant)),
        basis: order.as_ref().map(|order| order.basis.clone()),
        window_ms: order.map(|order| [order.window.from_ms, order.window.to_ms]),
        narrowed: granted
            .as_ref()
            .map(|granted| term_changes(&asked, granted))
            .unwrap_or_default(),
        asked: terms_view(&asked),
        granted: granted.as_ref().map(terms_view),
        readable,
        predecessor: predecessor(core, &index, &state, warrant).map(|(id, _)| id.to_string()),
    })
}

/// A draft beside the previous one of the same case.
///
/// # Errors
/// Trouble where this draft's subjects are not here yet.
pub(crate) fn changes(core: &Core, id: &WarrantId, warrant: &Warrant) -> Result<ChangesView> {
    let state = core.state();
    let body: Subjects = core.body_of(&warrant.draft)?;
    let index = core.read_index();
    let mut view = ChangesView {
        warrant: id.to_string(),
        previous: None,
        fields: Vec::new(),
        subjects_comparable: false,
        subjects_added: Vec::new(),
        subjects_removed: Vec::new(),
        subjects_kept: 0,
        scenes_added: Vec::new(),
        scenes_removed: Vec::new(),
    };
    let Some((before_id, before)) = predecessor(core, &index, &state, warrant) else {
        return Ok(view);
    };
    let facts = Facts::of(&index, before_id);
    let (drafted_ms, drafted_by) = facts.drafted.unwrap_or_default();
    view.previous = Some(PreviousDraft {
        warrant: before_id.to_string(),
        phase: phase(before, core.now_ms()).into(),
        drafted_ms,
        drafted_by,
    });
    if let (Some(old), Some(new)) = (asked_terms(&index, before), asked_terms(&index, warrant)) {
        view.fields = term_changes(&old, &new);
    }
    drop(index);
    if let Ok(old) = core.body_of::<Subjects>(&before.draft) {
        view.fields.extend(differing(vec![
            ("basis", json!(old.basis), json!(body.basis)),
            (
                "window_ms",
                json!([old.window.from_ms, old.window.to_ms]),
                json!([body.window.from_ms, body.window.to_ms]),
            ),
            ("reason", json!(old.reason), json!(body.reason)),
        ]));
        view.subjects_comparable = true;
        compare_subjects(&mut view, &old, &body);
        compare_scenes(&mut view, &old, &body);
    }
    Ok(view)
}

fn compare_subjects(view: &mut ChangesView, old: &Subjects, new: &Subjects) {
    let names = |body: &Subjects| -> std::collections::BTreeSet<String> {
        strings(body.subjects.iter().map(|subject| &subject.selector))
            .into_iter()
            .collect()
    };
    let (old, new) = (names(old), names(new));
    view.subjects_added = new.difference(&old).cloned().collect();
    view.subjects_removed = old.difference(&new).cloned().collect();
    view.subjects_kept = u32::try_from(old.intersection(&new).count()).unwrap_or(u32::MAX);
}

fn compare_scenes(view: &mut ChangesView, old: &Subjects, new: &Subjects) {
    let only = |these: &Subjects, others: &Subjects| {
        let scenes = these.scenes.iter();
        scenes
            .filter(|scene| !others.scenes.contains(scene))
            .map(super::scene)
            .collect()
    };
    view.scenes_added = only(new, old);
    view.scenes_removed = only(old, new);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn terms() -> Terms {
        Terms {
            case: Digest([1; 32]),
            templates: ["identify", "call-contacts"]
                .map(|t| t.parse().unwrap())
                .into(),
            custodians: BTreeSet::from(["bank_a".parse().unwrap()]),
            not_before_ms: 1_000,
            expires_ms: 5_000,
            scenes: 0,
            subjects: 3,
            hops: 2,
            answer_cap: 100,
            runs: 4,
        }
    }

    #[test]
    fn terms_that_only_move_in_time_do_not_differ() {
        let later = Terms {
            not_before_ms: 11_000,
            expires_ms: 15_000,
            ..terms()
        };
        assert_eq!(term_changes(&terms(), &later), Vec::new());
    }

    #[test]
    fn each_narrowed_term_is_named_with_both_values() {
        let narrower = Terms {
            templates: BTreeSet::from(["identify".parse().unwrap()]),
            hops: 1,
            expires_ms: 4_000,
            ..terms()
        };
        let changes = term_changes(&terms(), &narrower);
        let fields: Vec<&str> = changes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(fields, ["templates", "hops", "life_ms"]);
        assert_eq!(changes[0].before, json!(["call-contacts", "identify"]));
        assert_eq!(changes[0].after, json!(["identify"]));
        assert_eq!(
            (&changes[2].before, &changes[2].after),
            (&json!(4_000), &json!(3_000))
        );
    }

    #[test]
    fn subjects_are_compared_as_sets() {
        let subjects = |values: &[&str]| Subjects {
            case: String::new(),
            reason: String::new(),
            basis: String::new(),
            window: docket::body::Window {
                from_ms: 0,
                to_ms: 1,
            },
            subjects: values
                .iter()
                .map(|value| docket::body::Subject {
                    selector: value.parse().unwrap(),
                    blind: Digest([0; 32]),
                })
                .collect(),
            scenes: Vec::new(),
        };
        let mut view = ChangesView {
            warrant: String::new(),
            previous: None,
            fields: Vec::new(),
            subjects_comparable: true,
            subjects_added: Vec::new(),
            subjects_removed: Vec::new(),
            subjects_kept: 0,
            scenes_added: Vec::new(),
            scenes_removed: Vec::new(),
        };
        let mut old = subjects(&["phone:13800000001", "phone:13800000002"]);
        let mut new = subjects(&["phone:13800000003", "phone:+86 138 0000 0002"]);
        let scene = |cell| docket::body::Scene {
            cell: Some(cell),
            from_ms: 1,
            to_ms: 2,
        };
        old.scenes = vec![scene(1), scene(2)];
        new.scenes = vec![scene(2), scene(3)];
        compare_subjects(&mut view, &old, &new);
        compare_scenes(&mut view, &old, &new);
        assert_eq!(view.scenes_added[..], [crate::views::scene(&scene(3))]);
        assert_eq!(view.scenes_removed[..], [crate::views::scene(&scene(1))]);
        assert_eq!(view.subjects_added, ["phone:+8613800000003"]);
        assert_eq!(view.subjects_removed, ["phone:+8613800000001"]);
        assert_eq!(view.subjects_kept, 1);
    }
}
