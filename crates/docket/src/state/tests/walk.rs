//! Whole walks that are allowed.

use super::world::{Phase, World, digest, id, standing};
use crate::{
    Rule, Statement,
    state::{Decision, QuestionPhase, WarrantPhase},
};

#[test]
fn a_case_walks_from_draft_to_bundle() {
    let mut w = World::at(Phase::Disclosed);
    w.accept(&w.export("police/inv"));
    w.accept(&w.consult(w.disclosed, "aud"));
    let warrant = w.state.warrant(&w.warrant).unwrap();
    assert_eq!(warrant.phase, WarrantPhase::Issued);
    assert_eq!(warrant.spent, 1);
    // Draft, order, question, 2 approvals, 2 inputs, run, answer, bundle, reading.
    assert_eq!(warrant.records.len(), 11);
    let question = &warrant.questions[&w.question];
    assert_eq!(question.phase, QuestionPhase::Completed);
    assert_eq!(question.completed, Some(w.completed));
    assert!(question.disclosed.contains(&w.disclosed));
    assert!(question.approved_by_all());
    let decision = Decision::Approved(w.keys("bank_a"));
    assert_eq!(question.decisions[&id("bank_a")], decision);
}

#[test]
fn a_node_approves_by_a_rule_that_it_names() {
    let mut w = World::at(Phase::Asked);
    w.accept(&w.approve("bank_a", "bank_a"));
    w.accept(&w.approve("bank_b/app", "bank_b"));
    w.accept(&w.inputs("bank_b"));
    assert_eq!(w.state.warrant(&w.warrant).unwrap().spent, 1);
}

#[test]
fn a_node_approves_by_the_newest_rules_only() {
    let mut w = World::at(Phase::Asked);
    let old = w.approve("bank_a", "bank_a");
    let wider = w.change_rules("bank_a/app", vec![standing(70)]);
    w.accept(&wider);
    w.rules.insert(id("bank_a"), wider.digest);
    assert_eq!(w.refuse(&old).rule, Rule::Follows);
    w.accept(&w.approve("bank_a", "bank_a"));
    let rules = w.state.rules(&id("bank_a")).unwrap();
    assert_eq!(
        (rules.record, rules.rules[0].answer_cap),
        (wider.digest, 70)
    );
}

#[test]
fn what_was_opened_may_be_passed_on_and_notice_is_given_once_a_subject() {
    let mut w = World::at(Phase::Disclosed);
    w.accept(&w.pass_on("police/inv", "csv"));
    w.accept(&w.notice("police/inv", 6, 1));
    w.accept(&w.notice("court/judge", 5, 0));
    assert_eq!(w.state.warrant(&w.warrant).unwrap().noticed, 12);
    assert_eq!(w.refuse(&w.notice("police/inv", 1, 0)).rule, Rule::Terms);
    // Also when the warrant is over.
    let mut revoked = World::at(Phase::Disclosed);
    revoked.accept(&revoked.revoke("court/judge"));
    revoked.accept(&revoked.notice("police/inv", 12, 0));
}

#[test]
fn a_narrower_plan_is_a_new_question() {
    let mut w = World::at(Phase::ApprovedByOne);
    w.accept(&w.narrow("bank_b/app", 1, 20));
    let warrant = w.state.warrant(&w.warrant).unwrap();
    assert_eq!(
        warrant.questions[&w.question].phase,
        QuestionPhase::Declined
    );
    let mut asked = w.asked();
    asked.answer_cap = 20;
    w.question = w.accept(&w.ask(asked));
    w.accept(&w.approve("bank_a/app", "bank_a"));
}

#[test]
fn a_run_can_be_aborted_after_the_warrant_ended() {
    let mut w = World::at(Phase::InputsOfOne);
    w.accept(&w.revoke("court/judge"));
    w.accept(&w.abort("bank_b", None));
    let warrant = w.state.warrant(&w.warrant).unwrap();
    assert_eq!(warrant.questions[&w.question].phase, QuestionPhase::Aborted);
    assert_eq!(warrant.phase, WarrantPhase::Revoked);
}

#[test]
fn a_denial_needs_no_warrant() {
    let mut w = World::at(Phase::Published);
    let denied = Statement::Denied {
        rule: Rule::WarrantUnknown.name().into(),
        act: "ask".into(),
    };
    let inside = w.record("bank_a", denied, &[], &[]);
    assert_eq!(w.refuse(&inside).rule, Rule::WarrantUnknown);
    let outside = w.altered("bank_a", &inside, |h| h.warrant = None);
    w.accept(&outside);
    assert_eq!(w.refuse(&outside).rule, Rule::Duplicate);
}

#[test]
fn a_clone_goes_its_own_way() {
    let w = World::at(Phase::Approved);
    let mut fork = w.clone();
    fork.accept(&fork.inputs("bank_a"));
    assert!(fork.state != w.state);
    assert_eq!(w.state.warrant(&w.warrant).unwrap().spent, 0);
    assert!(w.state.snapshot(&digest("none")).is_none());
}
