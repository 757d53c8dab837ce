//! Votes, keys and seats.

use std::collections::BTreeSet;

use super::world::{Phase, World, charter, digest, id, institution, key, officer};
use crate::{Change, Duty, Role, Rule, Statement, charter::Card, state::State};

fn water() -> Change {
    let card = institution("water", &[Role::Custodian]);
    Change::Admit(Card::sign(card, &key("water")).unwrap())
}

#[test]
fn a_quorum_admits_and_one_vote_less_does_not() {
    let mut w = World::new();
    let proposal = w.propose("police", water());
    for voter in ["audit", "bank_a", "bank_b", "court"] {
        w.accept(&w.vote(voter, proposal, true));
    }
    assert!(w.state.member(&id("water")).is_none());
    assert_eq!(w.state.epoch(), 0);
    w.accept(&w.vote("hybrid", proposal, true));
    assert_eq!(w.state.epoch(), 1);
    let seat = w.state.member_of_node(&key("water").public()).unwrap();
    assert_eq!(seat.id, id("water"));
    let refusal = w.refuse(&w.vote("police", proposal, true));
    assert_eq!(refusal.rule, Rule::Membership);
}

#[test]
fn enough_noes_end_a_proposal() {
    let mut w = World::new();
    let proposal = w.propose("police", water());
    w.accept(&w.vote("audit", proposal, false));
    w.accept(&w.vote("bank_a", proposal, false));
    let refusal = w.refuse(&w.vote("bank_b", proposal, true));
    assert_eq!(refusal.rule, Rule::Membership);
}

#[test]
fn a_new_key_retires_the_old_one_for_ever() {
    let mut w = World::at(Phase::Approved);
    let mut card = institution("bank_a", &[Role::Custodian]);
    card.node_key = key("bank_a2").public();
    let old = w.inputs("bank_a");
    w.carry(Change::Replace(Card::sign(card, &key("bank_a2")).unwrap()));
    assert_eq!(w.refuse(&old).rule, Rule::SignerUnknown);
    let renewed = w.altered("bank_a2", &w.inputs("bank_a"), |_| {});
    w.accept(&renewed);
    let enrol = Statement::OfficerEnrolled {
        officer: officer("ghost"),
        key: key("bank_a").public(),
        duties: BTreeSet::from([Duty::Registrar]),
    };
    let refusal = w.refuse(&w.record("police", enrol, &[], &[]));
    assert_eq!(refusal.rule, Rule::OfficerTaken);
}

#[test]
fn who_leaves_takes_its_officers_along() {
    let mut w = World::at(Phase::Asked);
    let approval = w.approve("bank_b/app", "bank_b");
    w.carry(Change::Remove(id("bank_b")));
    assert_eq!(w.refuse(&approval).rule, Rule::Duty);
    assert!(
        w.state
            .officer(&key("bank_b/app").public().into())
            .is_none()
    );
}

#[test]
fn votes_of_those_who_left_do_not_count() {
    let mut w = World::new();
    let proposal = w.propose("police", water());
    w.accept(&w.vote("court", proposal, true));
    w.carry(Change::Remove(id("court")));
    // Five members are left; the quorum is four.
    for voter in ["audit", "bank_a", "bank_b"] {
        w.accept(&w.vote(voter, proposal, true));
    }
    assert!(w.state.member(&id("water")).is_none());
    w.accept(&w.vote("hybrid", proposal, true));
    assert!(w.state.member(&id("water")).is_some());
}

#[test]
fn a_charter_is_checked_before_it_founds_anything() {
    type Break = fn(&mut crate::Charter);
    let cases: &[(Rule, Break)] = &[
        (Rule::Membership, |c| c.members.clear()),
        (Rule::Membership, |c| c.members.swap(0, 1)),
        (Rule::Membership, |c| {
            c.members[1].node_key = c.members[0].node_key
        }),
        (Rule::Membership, |c| c.members[0].roles.clear()),
        (Rule::Membership, |c| {
            c.members[0].ledger_address = "example.org:1".into()
        }),
        (Rule::Membership, |c| {
            c.members.retain(|m| !m.roles.contains(&Role::Authority))
        }),
        (Rule::Limit, |c| c.members[0].name = String::new()),
        (Rule::Limit, |c| c.limits.hops_max = 7),
        (Rule::Limit, |c| c.limits.subjects_max = 10_001),
    ];
    for (place, (rule, change)) in cases.iter().enumerate() {
        let mut broken = charter();
        change(&mut broken);
        let refusal = State::genesis(broken).expect_err("the charter is refused");
        assert_eq!(refusal.rule, *rule, "case {place}: {refusal}");
    }
    let mut other = charter();
    other.founded_ms += 1;
    assert_ne!(charter().network().unwrap(), other.network().unwrap());
    assert_ne!(charter().network().unwrap().0, digest("network"));
}

#[test]
fn each_node_accuses_a_member_once_of_each_kind() {
    let mut w = World::new();
    w.accept(&w.witness("police", "bank_a", "checkpoint"));
    w.accept(&w.witness("police", "bank_a", "notarize"));
    w.accept(&w.witness("audit", "bank_a", "checkpoint"));
    assert!(
        w.state
            .has_witnessed(&id("audit"), &id("bank_a"), "checkpoint")
    );
    w.now_ms += 1;
    let again = w.witness("police", "bank_a", "checkpoint");
    assert_eq!(w.refuse(&again).rule, Rule::Duplicate);
    let own = w.witness("bank_a", "bank_a", "checkpoint");
    assert_eq!(w.refuse(&own).rule, Rule::Separation);
    let stranger = w.witness("police", "nobody", "checkpoint");
    assert_eq!(w.refuse(&stranger).rule, Rule::Membership);
    let unknown = w.witness("police", "bank_b", "heresy");
    assert_eq!(w.refuse(&unknown).rule, Rule::Format);
    let officer = w.witness("police/inv", "bank_b", "checkpoint");
    assert_eq!(w.refuse(&officer).rule, Rule::Duty);
    let bare = w.altered(
        "police",
        &w.witness("police", "bank_b", "checkpoint"),
        |h| {
            h.parts.clear();
        },
    );
    assert_eq!(w.refuse(&bare).rule, Rule::Parts);
}
