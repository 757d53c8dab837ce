//! What is signed is what was asked: every way of preparing something else is a
//! fault, and nothing is signed.

use std::collections::BTreeSet;

use docket::{
    Duty,
    statement::{Asked, QuestionAsked, RulesChanged},
};
use node::api::types::{Ask, ChangeRules};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey, WarrantId};

use super::*;
use crate::client::{Credential, Officer};

fn client() -> Client {
    let officer = Officer {
        handle: Some("investigator-1".parse().unwrap()),
        key: SigningKey::from_seed(&[3; 32]),
    };
    let credential = Credential::Officer(officer);
    Client::new(
        "http://127.0.0.1:1",
        NetworkId(Digest([1; 32])),
        institution("police"),
        credential,
    )
}

fn institution(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

const WARRANT: WarrantId = WarrantId([5; 16]);

fn ask() -> Act {
    Act::Ask(Ask {
        warrant: WARRANT.to_string(),
        template: "identify".into(),
        hops: Some(2),
        answer_cap: Some(100),
        custodians: Some(vec!["bank_a".into()]),
        ..Ask::default()
    })
}

fn header() -> Header {
    Header {
        network: NetworkId(Digest([1; 32])),
        institution: institution("police"),
        officer: Some("investigator-1".parse().unwrap()),
        time_ms: now_ms(),
        warrant: Some(WARRANT),
        follows: vec![Digest([9; 32])],
        parts: Vec::new(),
        statement: Statement::QuestionAsked(QuestionAsked {
            warrant: Digest([9; 32]),
            template: "identify".parse().unwrap(),
            plan: Digest([8; 32]),
            custodians: vec![Asked {
                institution: institution("bank_a"),
                snapshots: Vec::new(),
            }],
            hops: 2,
            answer_cap: 100,
            joint: None,
        }),
    }
}

fn prepared(header: &Header) -> Prepared {
    let key = SigningKey::from_seed(&[3; 32]).public();
    Prepared {
        id: "1".into(),
        to_sign: hex::encode(header.to_be_signed(&key.into()).unwrap()),
        header: hex::encode(header.encode().unwrap()),
        header_json: serde_json::Value::Null,
        summary: Vec::new(),
        summary_zh: Vec::new(),
        warrant: None,
        assertion: None,
    }
}

fn compare(act: &Act, prepared: &Prepared) -> Result<Header> {
    let key = SigningKey::from_seed(&[3; 32]).public();
    client().compare(act, None, prepared, &key.into())
}

fn altered(change: impl FnOnce(&mut Header)) -> Header {
    let mut header = header();
    change(&mut header);
    header
}

fn asked(header: &mut Header) -> &mut QuestionAsked {
    match &mut header.statement {
        Statement::QuestionAsked(asked) => asked,
        _ => panic!("another statement"),
    }
}

#[test]
fn what_was_asked_is_accepted_and_anything_else_is_a_fault() {
    let same = header();
    assert_eq!(compare(&ask(), &prepared(&same)).unwrap(), same);
    let others = [
        (
            "network",
            altered(|h| h.network = NetworkId(Digest([2; 32]))),
        ),
        (
            "institution",
            altered(|h| h.institution = institution("bank_a")),
        ),
        (
            "officer",
            altered(|h| h.officer = Some("judge-1".parse().unwrap())),
        ),
        ("no officer", altered(|h| h.officer = None)),
        ("time", altered(|h| h.time_ms -= 2 * SKEW_MS_MAX)),
        ("warrant", altered(|h| h.warrant = Some(WarrantId([6; 16])))),
        (
            "template",
            altered(|h| asked(h).template = "call-contacts".parse().unwrap()),
        ),
        ("hops", altered(|h| asked(h).hops = 3)),
        ("cap", altered(|h| asked(h).answer_cap = 101)),
        (
            "custodians",
            altered(|h| asked(h).custodians[0].institution = institution("bank_b")),
        ),
        (
            "kind",
            altered(|h| h.statement = Statement::WarrantRevoked {}),
        ),
    ];
    for (what, header) in others {
        let failure = compare(&ask(), &prepared(&header)).unwrap_err();
        assert_eq!(failure.family, crate::failure::Family::Fault, "{what}");
    }
}

#[test]
fn bytes_that_are_not_the_headers_are_not_signed() {
    let same = header();
    let mut other = prepared(&same);
    let mut narrower = same.clone();
    asked(&mut narrower).hops = 1;
    other.to_sign = prepared(&narrower).to_sign;
    assert_eq!(compare(&ask(), &other).unwrap_err().rule, "prepared-act");
    let mut broken = prepared(&header());
    broken.header.push_str("00");
    assert_eq!(compare(&ask(), &broken).unwrap_err().rule, "prepared-act");
}

fn terms() -> Terms {
    Terms {
        case: Digest([0; 32]),
        templates: ["identify".parse().unwrap()].into(),
        custodians: [institution("bank_a")].into(),
        not_before_ms: 1_000,
        expires_ms: 2_000,
        subjects: 1,
        scenes: 0,
        hops: 2,
        answer_cap: 10,
        runs: 1,
    }
}

fn draft() -> DraftWarrant {
    DraftWarrant {
        case: "c".into(),
        reason: "r".into(),
        basis: "b".into(),
        authority: "court".into(),
        templates: vec!["identify".into()],
        custodians: vec!["bank_a".into()],
        subjects: vec!["phone:13812345678".into(), "phone:+86 138-1234-5678".into()],
        scenes: Vec::new(),
        window_from_ms: 0,
        window_to_ms: 1,
        hops: 2,
        answer_cap: 10,
        runs: 1,
        not_before_ms: None,
        life_ms: 1_000,
    }
}

#[test]
fn a_draft_may_not_ask_for_more_than_was_typed() {
    compare_draft(&draft(), &terms()).unwrap();
    let wider: [fn(&mut Terms); 6] = [
        |t| t.hops = 3,
        |t| t.answer_cap = 11,
        |t| t.runs = 2,
        |t| t.subjects = 2,
        |t| t.expires_ms = 3_000,
        |t| t.custodians = BTreeSet::from([institution("bank_b")]),
    ];
    for (number, widen) in wider.into_iter().enumerate() {
        let mut other = terms();
        widen(&mut other);
        assert!(compare_draft(&draft(), &other).is_err(), "{number}");
    }
}

#[test]
fn an_enrolment_gives_the_duties_that_were_named_to_the_key_that_was_named() {
    let key = SigningKey::from_seed(&[4; 32]).public();
    let act = Act::EnrolOfficer {
        officer: "judge-1".into(),
        key: key.to_string(),
        duties: vec!["judge".into()],
    };
    let enrolled = |duty, key| {
        altered(|h| {
            h.statement = Statement::OfficerEnrolled {
                officer: "judge-1".parse().unwrap(),
                key,
                duties: [duty].into(),
            };
        })
    };
    compare(&act, &prepared(&enrolled(Duty::Judge, key))).unwrap();
    assert!(compare(&act, &prepared(&enrolled(Duty::Registrar, key))).is_err());
    let other = SigningKey::from_seed(&[5; 32]).public();
    assert!(compare(&act, &prepared(&enrolled(Duty::Judge, other))).is_err());
}

#[test]
fn what_leaves_and_what_was_noticed_is_what_was_typed() {
    let question = Digest([7; 32]);
    let pass_on = Act::PassOn {
        question: question.to_string(),
        form: "csv".into(),
        reason: "for the analysts".into(),
    };
    let passed = |question, form: &str| {
        let form = form.into();
        altered(|h| h.statement = Statement::PassedOn { question, form })
    };
    compare(&pass_on, &prepared(&passed(question, "csv"))).unwrap();
    assert!(compare(&pass_on, &prepared(&passed(question, "pdf"))).is_err());
    assert!(compare(&pass_on, &prepared(&passed(Digest([6; 32]), "csv"))).is_err());
    let give = Act::GiveNotice {
        warrant: WARRANT.to_string(),
        told: 3,
        withheld: 1,
        reason: "by letter".into(),
    };
    let given = |told, withheld, warrant| {
        altered(|h| {
            h.statement = Statement::NoticeGiven { told, withheld };
            h.warrant = Some(warrant);
        })
    };
    compare(&give, &prepared(&given(3, 1, WARRANT))).unwrap();
    assert!(compare(&give, &prepared(&given(4, 1, WARRANT))).is_err());
    assert!(compare(&give, &prepared(&given(3, 0, WARRANT))).is_err());
    assert!(compare(&give, &prepared(&given(3, 1, WarrantId([6; 16])))).is_err());
}

#[test]
fn the_rules_signed_are_the_rules_typed() {
    let rule = |template: &str, answer_cap, hops, subjects| RuleView {
        name: "small".into(),
        template: template.into(),
        answer_cap,
        hops,
        subjects,
        computing: vec!["bank_b".into(), "bank_a".into()],
    };
    let act = Act::ChangeRules(ChangeRules {
        replaces: Some(Digest([7; 32]).to_string()),
        rules: vec![rule("identify", 10, 1, 5)],
        reason: "the usual questions".into(),
    });
    let changed = |replaces, rules: &[RuleView]| {
        let rules = rules.iter().map(|rule| StandingRule {
            name: rule.name.clone(),
            template: rule.template.parse().unwrap(),
            answer_cap: rule.answer_cap,
            hops: rule.hops,
            subjects: rule.subjects,
            computing: rule
                .computing
                .iter()
                .map(|id| id.parse().unwrap())
                .collect(),
        });
        let rules = rules.collect();
        let change = RulesChanged { replaces, rules };
        altered(|h| {
            h.warrant = None;
            h.statement = Statement::RulesChanged(change);
        })
    };
    let same = Some(Digest([7; 32]));
    let typed = [rule("identify", 10, 1, 5)];
    compare(&act, &prepared(&changed(same, &typed))).unwrap();
    assert!(compare(&act, &prepared(&changed(None, &typed))).is_err());
    assert!(compare(&act, &prepared(&changed(same, &[]))).is_err());
    for wider in [
        rule("call-contacts", 10, 1, 5),
        rule("identify", 11, 1, 5),
        rule("identify", 10, 2, 5),
        rule("identify", 10, 1, 6),
    ] {
        assert!(compare(&act, &prepared(&changed(same, &[wider]))).is_err());
    }
    let twice = [typed[0].clone(), rule("identify", 10, 1, 5)];
    assert!(compare(&act, &prepared(&changed(same, &twice))).is_err());
}
