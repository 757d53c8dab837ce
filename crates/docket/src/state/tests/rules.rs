//! Each rule by name: what it refuses, and that a refusal changes nothing.

use std::collections::BTreeSet;

use primitives::{NetworkId, WarrantId, cbor};

use self::cases::{
    already_decided_cases, duty_cases, expired_cases, follows_cases, key_mismatch_cases,
    limit_cases, membership_cases, parts_cases, reason, revoked_cases, scope_cases,
    separation_cases, signer_unknown_cases, standing_rule_cases, terms_cases,
};
use self::joint::{
    count_again_cases, count_cases, joint_attestation_cases, joint_cases, joint_duty_cases,
    joint_inputs_missing_cases, joint_key_cases, joint_limit_cases, joint_parts_cases,
    joint_separation_cases, joint_terms_cases,
};
use super::joint::joint_budget_cases;
use super::officers::{proposal_unknown_cases, second_word_cases};
use super::world::{DAY_MS, Phase, START_MS, World, digest, id, key, officer, snapshot};
use crate::{
    Duty, Opened, Refusal, Rule, Statement, body::Reason, state::TIME_SKEW_MAX_MS, statement::Terms,
};

mod cases;
mod joint;

/// One test a rule, and the list of the rules that are named.
macro_rules! refused_by {
    ($($name:ident: $rule:ident => $refusals:expr;)+) => {
        $(
            #[test]
            fn $name() {
                let refusals: Vec<Refusal> = $refusals;
                assert!(!refusals.is_empty());
                for (place, refusal) in refusals.iter().enumerate() {
                    assert_eq!(refusal.rule, Rule::$rule, "case {place}: {refusal}");
                }
            }
        )+
        const NAMED: &[Rule] = &[$(Rule::$rule),+];
    };
}

#[test]
fn every_rule_is_named_by_a_test() {
    let named: BTreeSet<Rule> = NAMED.iter().copied().collect();
    let all: BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    assert_eq!(named, all);
    let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len(), "names are distinct");
}

refused_by! {
    format: Format => vec![{
        // Canonical CBOR of another shape, under a commitment that fits.
        let opened = Opened { body: cbor::encode(&1_u8).unwrap(), ..reason() };
        opened.read::<Reason>(&opened.part(vec![id("police")])).err().unwrap()
    }];
    network: Network => vec![{
        let w = World::at(Phase::Published);
        let record = w.altered("police/inv", &w.drafted(), |h| h.network = NetworkId(digest("other")));
        w.refuse(&record)
    }];
    signer_unknown: SignerUnknown => signer_unknown_cases();
    signer_mismatch: SignerMismatch => {
        let w = World::at(Phase::Published);
        let draft = w.drafted();
        vec![
            w.refuse(&w.altered("police/inv", &draft, |h| h.officer = None)),
            w.refuse(&w.altered("police/inv", &draft, |h| h.officer = Some(officer("reg")))),
            w.refuse(&w.altered("police/inv", &draft, |h| h.institution = id("hybrid"))),
            w.refuse(&w.altered("police", &draft, |h| h.officer = Some(officer("inv")))),
            w.refuse(&w.altered("police", &draft, |h| { h.officer = None; h.institution = id("hybrid"); })),
        ]
    };
    duty: Duty => [duty_cases(), joint_duty_cases()].concat();
    time_skew: TimeSkew => {
        let w = World::at(Phase::Published);
        let at = |time_ms| w.altered("police/inv", &w.drafted(), |h| h.time_ms = time_ms);
        vec![
            w.refuse(&at(w.now_ms - TIME_SKEW_MAX_MS - 1)),
            w.refuse(&at(w.now_ms + TIME_SKEW_MAX_MS + 1)),
            w.refuse(&at(0)),
            w.refuse(&at(u64::MAX)),
        ]
    };
    duplicate: Duplicate => {
        let mut w = World::at(Phase::Asked);
        let record = w.consult(w.question, "aud");
        w.accept(&record);
        let first = w.refuse(&record);
        // Until its time alone refuses it.
        w.now_ms = record.header.time_ms + TIME_SKEW_MAX_MS;
        let other = w.consult(w.issued, "aud");
        w.accept(&other);
        w.now_ms = record.header.time_ms + TIME_SKEW_MAX_MS;
        vec![first, w.refuse(&record)]
    };
    follows: Follows => follows_cases();
    parts: Parts => [parts_cases(), joint_parts_cases()].concat();
    limit: Limit => [limit_cases(), joint_limit_cases()].concat();
    membership: Membership => membership_cases();
    officer_taken: OfficerTaken => {
        let w = World::new();
        let enrol = |handle: &str, who: &str| {
            let statement = Statement::OfficerEnrolled {
                officer: officer(handle),
                key: key(who).public(),
                duties: BTreeSet::from([Duty::Registrar]),
            };
            w.refuse(&w.record("police", statement, &[], &[]))
        };
        vec![enrol("inv", "new"), enrol("new", "police/inv"), enrol("new", "bank_a/app"), enrol("new", "court")]
    };
    second_word: SecondWord => second_word_cases();
    proposal_unknown: ProposalUnknown => proposal_unknown_cases();
    dataset_unknown: DatasetUnknown => {
        let w = World::at(Phase::Published);
        let of = |who: &str, dataset| {
            let statement = Statement::SnapshotCommitted(snapshot(dataset));
            w.refuse(&w.record(who, statement, &[dataset], &[]))
        };
        vec![of("bank_a", w.datasets[&id("bank_b")]), of("bank_a", digest("none"))]
    };
    warrant_unknown: WarrantUnknown => {
        let published = World::at(Phase::Published);
        let drafted = World::at(Phase::Drafted);
        let mut refused = World::at(Phase::Drafted);
        refused.accept(&refused.refuse_draft("court/judge"));
        let issued = World::at(Phase::Issued);
        let mut other = issued.asked();
        other.warrant = issued.draft;
        vec![
            published.refuse(&published.ask(published.asked())),
            published.refuse(&published.altered("police/inv", &published.drafted(), |h| h.warrant = None)),
            drafted.refuse(&drafted.altered("police/inv", &drafted.ask(drafted.asked()), |h| h.follows[0] = drafted.draft)),
            refused.refuse(&refused.altered("police/inv", &refused.ask(refused.asked()), |h| h.follows[0] = refused.draft)),
            drafted.refuse(&drafted.altered("police/inv", &drafted.notice("police/inv", 1, 0), |h| h.follows.clear())),
            issued.refuse(&issued.altered("police/inv", &issued.ask(issued.asked()), |h| h.warrant = Some(WarrantId([9; 16])))),
            issued.refuse(&issued.ask(other)),
        ]
    };
    warrant_decided: WarrantDecided => {
        let mut w = World::at(Phase::Issued);
        let mut out = vec![
            w.refuse(&w.issue(w.terms())),
            w.refuse(&w.refuse_draft("court/judge")),
            w.refuse(&w.altered("police/inv", &w.drafted(), |h| h.time_ms += 1)),
        ];
        w.accept(&w.revoke("court/judge"));
        out.push(w.refuse(&w.revoke("court/judge")));
        let mut refused = World::at(Phase::Drafted);
        refused.accept(&refused.refuse_draft("court/judge"));
        out.push(refused.refuse(&refused.issue(refused.terms())));
        out.push(refused.refuse(&refused.altered("court/judge", &refused.revoke("court/judge"), |h| h.follows.clear())));
        out
    };
    separation: Separation => [separation_cases(), joint_separation_cases()].concat();
    terms: Terms => [terms_cases(), joint_terms_cases()].concat();
    not_yet_valid: NotYetValid => {
        let mut w = World::at(Phase::Drafted);
        let terms = Terms { not_before_ms: START_MS + DAY_MS, ..w.terms() };
        w.issued = w.accept(&w.issue(terms));
        let early = w.refuse(&w.ask(w.asked()));
        // The block is in time and the record's own time is not.
        w.now_ms = START_MS + DAY_MS;
        let record = w.altered("police/inv", &w.ask(w.asked()), |h| h.time_ms -= 1);
        vec![early, w.refuse(&record)]
    };
    expired: Expired => expired_cases();
    revoked: Revoked => revoked_cases();
    scope: Scope => scope_cases();
    snapshot_unknown: SnapshotUnknown => {
        let w = World::at(Phase::Issued);
        let with = |snapshots: Vec<_>| {
            let mut asked = w.asked();
            asked.custodians[0].snapshots = snapshots;
            w.refuse(&w.ask(asked))
        };
        let own = w.snapshots[&id("bank_a")];
        vec![
            with(vec![]),
            with(vec![w.snapshots[&id("bank_b")]]),
            with(vec![own, own]),
            with(vec![w.issued]),
        ]
    };
    standing_rule: StandingRule => standing_rule_cases();
    budget: Budget => {
        let mut w = World::at(Phase::Asked);
        // An open question holds the one run; so does one that has run.
        let open = w.refuse(&w.ask(w.asked()));
        let mut aborted = World::at(Phase::InputsOfOne);
        aborted.accept(&aborted.abort("bank_b", None));
        let spent = aborted.refuse(&aborted.ask(aborted.asked()));
        let done = World::at(Phase::Disclosed);
        // One that was declined before any input costs nothing.
        w.accept(&w.decline("bank_a/app"));
        w.question = w.accept(&w.ask(w.asked()));
        let mut out = vec![open, spent, done.refuse(&done.ask(done.asked())), w.refuse(&w.ask(w.asked()))];
        out.extend(joint_budget_cases());
        out
    };
    question_unknown: QuestionUnknown => {
        let mut w = World::at(Phase::Issued);
        w.question = w.issued;
        vec![
            w.refuse(&w.approve("bank_a/app", "bank_a")),
            w.refuse(&w.inputs("bank_a")),
            w.refuse(&w.complete(w.attestations(), 1)),
            w.refuse(&w.abort("bank_a", None)),
        ]
    };
    plan_mismatch: PlanMismatch => {
        let w = World::at(Phase::Asked);
        let statement = |plan| Statement::Approved {
            question: w.question,
            plan,
            keys: w.keys("bank_a"),
            by_rule: None,
        };
        vec![w.refuse(&w.record("bank_a/app", statement(digest("other")), &[w.question], &[]))]
    };
    not_asked: NotAsked => {
        let mut w = World::at(Phase::Issued);
        let mut asked = w.asked();
        asked.custodians.pop();
        w.question = w.accept(&w.ask(asked));
        vec![
            w.refuse(&w.approve("bank_b/app", "bank_b")),
            w.refuse(&w.approve("hybrid/all", "hybrid")),
            w.refuse(&w.decline("bank_b")),
            w.refuse(&w.abort("bank_b", None)),
            w.refuse(&w.abort("audit", None)),
            w.refuse(&w.abort("police", Some("bank_b"))),
        ]
    };
    already_decided: AlreadyDecided => [already_decided_cases(), count_again_cases()].concat();
    approval_missing: ApprovalMissing => {
        let none = World::at(Phase::Asked);
        let one = World::at(Phase::ApprovedByOne);
        vec![
            none.refuse(&none.inputs("bank_a")),
            one.refuse(&one.inputs("bank_a")),
            one.refuse(&one.inputs("bank_b")),
            one.refuse(&one.inputs("hybrid")),
        ]
    };
    inputs_missing: InputsMissing => {
        let w = World::at(Phase::InputsOfOne);
        let mut out = vec![
            w.refuse(&w.complete(w.attestations(), 1)),
            w.refuse(&w.complete(vec![w.attestation("bank_a")], 1)),
        ];
        out.extend(joint_inputs_missing_cases());
        out
    };
    key_mismatch: KeyMismatch => [key_mismatch_cases(), joint_key_cases()].concat();
    joint: Joint => joint_cases();
    count: Count => count_cases();
    attestation: Attestation => {
        let w = World::at(Phase::Inputs);
        let good = w.attestations();
        let with = |change: &dyn Fn(&mut Vec<_>)| {
            let mut list = good.clone();
            change(&mut list);
            w.refuse(&w.complete(list, 1))
        };
        let mut out = vec![
            with(&|list| _ = list.pop()),
            with(&|list| list.swap(0, 1)),
            with(&|list| list[1] = list[0].clone()),
            with(&|list| list[0].transcript = digest("other")),
            with(&|list| list[0].signature = list[1].signature),
            with(&|list| list[0].institution = id("hybrid")),
            with(&|list| list.push(w.attestation("hybrid"))),
        ];
        out.extend(joint_attestation_cases());
        out
    };
    over_cap: OverCap => {
        let w = World::at(Phase::Completed);
        vec![w.refuse(&w.disclose(51, &["police"])), w.refuse(&w.disclose(u32::MAX, &["police"]))]
    };
    answer_unknown: AnswerUnknown => {
        let w = World::at(Phase::Inputs);
        let completed = World::at(Phase::Completed);
        vec![
            w.refuse(&w.altered("police/inv", &w.disclose(1, &["police"]), |h| _ = h.follows.pop())),
            completed.refuse(&completed.export("police/inv")),
            completed.refuse(&completed.pass_on("police/inv", "csv")),
        ]
    };
}
