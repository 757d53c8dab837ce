//! Plans: their steps, their digests, and that a custodian compiles the same.

use std::collections::BTreeSet;

use docket::{
    Plan,
    plan::{Derive, Leak, Parameters, Source},
};
use primitives::{
    Digest,
    semantic::Semantic::{Account, Phone, ResidentId},
};

use super::fixture::{Setting, asking, digest, id, question};
use crate::{Question, Rule, asked, check, explain, templates};

fn steps(plan: &Plan) -> Vec<(&str, &str, Vec<Source>, u8)> {
    plan.steps
        .iter()
        .map(|s| (s.table.as_str(), s.key.as_str(), s.sources.clone(), s.hop))
        .collect()
}

fn hops(hops: u8) -> Parameters {
    Parameters {
        hops: Some(hops),
        ..Parameters::default()
    }
}

#[test]
fn identify_goes_from_every_subject_to_its_id_and_on() {
    let plan = Setting::new(&[Phone, Account, ResidentId])
        .compile(&question("identify"))
        .unwrap();
    let by_id = vec![
        Source::Subjects(ResidentId),
        Source::Step(0),
        Source::Step(1),
    ];
    assert_eq!(
        steps(&plan),
        [
            ("subscribers", "phone", vec![Source::Subjects(Phone)], 1),
            ("accounts", "account", vec![Source::Subjects(Account)], 1),
            ("subscribers", "id_number", by_id.clone(), 1),
            ("accounts", "id_number", by_id, 1),
        ]
    );
    assert_eq!(plan.steps[0].columns, ["phone", "holder", "id_number"]);
    assert_eq!(
        plan.steps[1].columns,
        ["account", "holder", "id_number", "phone", "opened"]
    );
    let derive = [Derive {
        column: "id_number".into(),
        semantic: ResidentId,
        days: None,
    }];
    assert_eq!(plan.steps[0].derive, derive);
    assert!(plan.steps[2].derive.is_empty());
    // The power company has nothing to say.
    let names: Vec<&str> = plan
        .custodians
        .iter()
        .map(|c| c.institution.as_str())
        .collect();
    assert_eq!(names, ["bank_a", "bank_b", "telecom_a", "telecom_b"]);
    assert_eq!(plan.custodians[0].tables.len(), 1);
    assert_eq!(plan.custodians[0].tables[0].keys, ["account", "id_number"]);
}

#[test]
fn steps_that_nothing_leads_to_are_left_out_and_the_rest_numbered_anew() {
    let accounts = Setting::new(&[Account])
        .compile(&question("identify"))
        .unwrap();
    let from_first = vec![Source::Step(0)];
    assert_eq!(
        steps(&accounts),
        [
            ("accounts", "account", vec![Source::Subjects(Account)], 1),
            ("subscribers", "id_number", from_first.clone(), 1),
            ("accounts", "id_number", from_first, 1),
        ]
    );
    let ids = Setting::new(&[ResidentId])
        .compile(&question("identify"))
        .unwrap();
    assert_eq!(ids.steps.len(), 2);
    assert!(!ids.leaks.contains(&Leak::VoucherCount));
    // Only one telecom is asked: no step over accounts, nothing to derive for.
    let telecom = Setting::new(&[Phone, Account])
        .compile(&asking("identify", &["telecom_b"]))
        .unwrap();
    assert_eq!(
        steps(&telecom),
        [
            ("subscribers", "phone", vec![Source::Subjects(Phone)], 1),
            ("subscribers", "id_number", vec![Source::Step(0)], 1),
        ]
    );
}

#[test]
fn contacts_take_a_second_hop_only_when_asked() {
    let setting = Setting::new(&[Phone]);
    let one = setting.compile(&question("call-contacts")).unwrap();
    assert_eq!((one.hops, one.steps.len()), (1, 1));
    assert!(one.steps[0].derive.is_empty());
    let two = setting
        .compile(&Question {
            parameters: hops(2),
            ..question("call-contacts")
        })
        .unwrap();
    assert_eq!((two.hops, two.steps.len()), (2, 2));
    assert_eq!(two.steps[1].sources, [Source::Step(0)]);
    let columns: Vec<&str> = two.steps[0]
        .derive
        .iter()
        .map(|d| d.column.as_str())
        .collect();
    assert_eq!(columns, ["caller", "callee"]);
}

#[test]
fn money_takes_the_warrants_hops_and_pairs_of_account_and_day() {
    let plan = Setting::new(&[Account, Phone])
        .compile(&question("follow-the-money"))
        .unwrap();
    assert_eq!(plan.hops, 3);
    assert_eq!(
        steps(&plan),
        [
            (
                "transfers",
                "from_account",
                vec![Source::Subjects(Account)],
                1
            ),
            ("transfers", "from_account_day", vec![Source::Step(0)], 2),
            ("transfers", "from_account_day", vec![Source::Step(1)], 3),
        ]
    );
    let days = plan.steps[1].derive[0].days.as_ref().unwrap();
    assert_eq!(
        (days.at_column.as_str(), days.within_ms),
        ("at", 86_400_000)
    );
    assert!(plan.steps[2].derive.is_empty());
    assert_eq!(plan.steps[2].min_amount_minor, Some(0));
    assert_eq!(plan.leaks.last(), Some(&Leak::DayGranularity));
    assert_eq!(
        plan.custodians[1].tables[0].keys,
        ["from_account", "from_account_day"]
    );
}

/// What a template compiles to is part of the format: these digests change only
/// with the template's meaning, and then its name must too. Plans of before lookups were
/// rooted (ADR 0015) keep theirs.
#[test]
fn plans_are_pinned() {
    let setting = Setting::new(&[Phone, Account, ResidentId]);
    let money = Question {
        parameters: Parameters {
            min_amount_minor: Some(500_000),
            within_ms: Some(3_600_000),
            hops: Some(2),
            ..Parameters::default()
        },
        answer_cap: Some(20),
        ..asking("follow-the-money", &["bank_b"])
    };
    let two = Question {
        parameters: hops(2),
        ..question("call-contacts")
    };
    let pinned = [
        (question("identify"), PINNED[0]),
        (question("call-contacts"), PINNED[1]),
        (two, PINNED[2]),
        (question("follow-the-money"), PINNED[3]),
        (money, PINNED[4]),
    ];
    for (number, (question, unrooted)) in pinned.iter().enumerate() {
        let mut plan = setting.compile(question).unwrap();
        assert_eq!(plan.digest().unwrap().to_string(), ROOTED[number]);
        plan.rooted = false;
        assert_eq!(plan.digest().unwrap().to_string(), *unrooted);
    }
}

const ROOTED: [&str; 5] = [
    "77ad7d334743745c5f2fe993fc5e9118755a63fea6213d6f5a64fa9fd63e8108",
    "6c412e1bb1196fbd41f9c3d559f871291a40d34f39178f16bd7528630cbdf52c",
    "cd7e3e3ebf67e00c25788a01e82a67f0a571500dbcf3ed97519cd1a9b9f4e1f8",
    "244222ccad1d0c90c7f733fe30eb8d4ac536c6c138cab0050edbe6e4d2ca64af",
    "c081cf7c0ab8ad94fc03743a459f3ff2026446b3be7a53cee8db880611ad1810",
];
const PINNED: [&str; 5] = [
    "0c6204683c4e2056fe579dcf4db2761c0577454f6a20d6ee8468031eb1781466",
    "fd9161fa8f41b32d6999bb48a3f141ee3888aa0cc63d0c7ed91dc766504617fb",
    "c4608dd68321879b74db738c360faea5314e149cb938d42fa038c2a053159b38",
    "d921fe08530c0986549bc119dcaaa38bd21ca276218c400ffe210f3131185679",
    "71487b98910ba6a2420955a4ecd7706d43ff643cda98c737b7a3a49e62d51dce",
];

#[test]
fn the_catalogues_order_does_not_matter() {
    let mut setting = Setting::new(&[Phone, Account, ResidentId]);
    let plan = setting.compile(&question("identify")).unwrap();
    setting.catalogue.tables.reverse();
    assert_eq!(setting.compile(&question("identify")).unwrap(), plan);
    let named = asking("identify", &["telecom_b", "bank_b", "telecom_a", "bank_a"]);
    assert_eq!(setting.compile(&named).unwrap(), plan);
}

#[test]
fn optional_columns_open_only_where_all_tables_open_them() {
    let mut setting = Setting::new(&[Account]);
    setting.table("bank_b", "accounts").columns[3].disclosure = "never".into();
    let plan = setting.compile(&question("identify")).unwrap();
    assert_eq!(
        plan.steps[0].columns,
        ["account", "holder", "id_number", "opened"]
    );
    // A bank that is not asked has no say.
    let plan = setting.compile(&asking("identify", &["bank_a"])).unwrap();
    assert!(plan.steps[0].columns.contains(&"phone".to_owned()));
}

#[test]
fn one_bucket_for_the_whole_table_is_always_enough() {
    let mut setting = Setting::new(&[Phone]);
    let key = &mut setting.table("telecom_a", "calls").keys[0];
    (key.bucket_bits, key.distinct) = (0, 3);
    assert!(setting.compile(&question("call-contacts")).is_ok());
}

#[test]
fn a_custodian_compiles_the_same_plan() {
    let setting = Setting::new(&[Phone, Account, ResidentId]);
    for template in templates() {
        let of = match template.id {
            "in-common" => asking(template.id, &["bank_a", "telecom_b"]),
            id => question(id),
        };
        let plan = setting.compile(&of).unwrap();
        assert_eq!(check(&plan, &setting.grant(), &setting.catalogue), Ok(()));
        let asked = asked(&plan);
        assert_eq!(asked.len(), plan.custodians.len());
        let tables = plan.custodians[0].tables.iter();
        let read: Vec<_> = tables.map(|table| table.snapshot).collect();
        assert_eq!(asked[0].snapshots, read);
    }
}

#[test]
fn a_plan_with_anything_else_in_it_is_refused() {
    type Alter = fn(&mut Plan);
    let setting = Setting::new(&[Phone, Account, ResidentId]);
    let plan = setting.compile(&question("follow-the-money")).unwrap();
    let alterations: &[(Alter, Rule)] = &[
        (|p| p.warrant.0[0] ^= 1, Rule::PlanDiffers),
        (|p| p.requester = id("court"), Rule::PlanDiffers),
        (|p| p.parameters.hops = Some(2), Rule::PlanDiffers),
        (|p| p.window.to_ms += 1, Rule::PlanDiffers),
        (|p| p.hops = 2, Rule::PlanDiffers),
        (|p| p.answer_cap = 101, Rule::CapBeyond),
        (|p| p.bucket_keys = 1, Rule::PlanDiffers),
        (|p| p.selectors_max += 1, Rule::PlanDiffers),
        (|p| p.leaks.clear(), Rule::PlanDiffers),
        (|p| p.rooted = false, Rule::PlanDiffers),
        (
            |p| p.steps[0].columns.push("memo".into()),
            Rule::PlanDiffers,
        ),
        (
            |p| p.steps[1].key = "from_account".into(),
            Rule::PlanDiffers,
        ),
        (|p| p.steps[1].min_amount_minor = None, Rule::PlanDiffers),
        (
            |p| p.steps[2].sources = vec![Source::Subjects(Account)],
            Rule::PlanDiffers,
        ),
        (|p| p.steps[0].derive[0].days = None, Rule::PlanDiffers),
        (|p| _ = p.steps.pop(), Rule::PlanDiffers),
        (
            |p| p.custodians[0].tables[0].keys.clear(),
            Rule::PlanDiffers,
        ),
        (|p| _ = p.custodians[0].tables.pop(), Rule::PlanDiffers),
        (|p| p.custodians.swap(0, 1), Rule::PlanDiffers),
        (
            |p| p.custodians[0].institution = id("gas"),
            Rule::CustodianNotNamed,
        ),
        (
            |p| p.custodians[0].tables[0].snapshot = digest("old"),
            Rule::SnapshotStale,
        ),
    ];
    for (place, (alter, rule)) in alterations.iter().enumerate() {
        let mut altered = plan.clone();
        alter(&mut altered);
        let refusal = check(&altered, &setting.grant(), &setting.catalogue).unwrap_err();
        assert_eq!(refusal.rule, *rule, "case {place}: {refusal}");
    }
}

#[test]
fn a_plan_explains_itself_in_both_languages() {
    let setting = Setting::new(&[Account]);
    let question = Question {
        parameters: Parameters {
            min_amount_minor: Some(123_456),
            ..Parameters::default()
        },
        ..question("follow-the-money")
    };
    let plan = setting.compile(&question).unwrap();
    let explained = explain(&plan);
    assert_eq!(explained.lines_en.len(), explained.lines_zh.len());
    // Title, parties, 3 steps, bounds, 5 leaks, the promise.
    assert_eq!(
        explained.lines_en.len(),
        2 + plan.steps.len() + 1 + plan.leaks.len() + 1
    );
    let en = explained.lines_en.join("\n");
    for word in [
        "police",
        "bank_a, bank_b",
        "1234.56 yuan",
        "24 hours",
        "at most 100 rows",
        "256 keys",
    ] {
        assert!(en.contains(word), "{word} in {en}");
    }
    let zh = explained.lines_zh.join("\n");
    for word in ["钱去了哪里", "1234.56 元", "24 小时", "至多 100 行"] {
        assert!(zh.contains(word), "{word} in {zh}");
    }
}

#[test]
fn templates_are_distinct_and_assessed() {
    let ids: BTreeSet<&str> = templates().iter().map(|template| template.id).collect();
    assert_eq!(
        ids,
        BTreeSet::from([
            "at-the-scenes",
            "call-contacts",
            "called-then-paid",
            "follow-the-money",
            "identify",
            "in-common",
            "risk-propagation",
            "sim-box",
            "totals",
        ])
    );
    for template in templates() {
        assert!(
            template.assessment.contains("**Bounds.**"),
            "{}",
            template.id
        );
        let text = template.assessment.as_bytes();
        assert_eq!(template.impact, Digest::of("cordon/impact/v1", &[text]));
        assert!(template.joint.is_some() || !template.subjects.is_empty());
    }
}
