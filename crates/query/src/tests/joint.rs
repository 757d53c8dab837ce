//! Joint questions: who shares what, who computes, and what is refused.

use docket::{
    joint::Form,
    plan::{JointProof, Method, Parameters},
};
use primitives::semantic::Semantic::Phone;

use super::fixture::{Setting, asking, digest, id, question, scene};
use crate::{
    NOBODY, QueryRefusal, Question, Rule, Word, asked, assemble_sets, check, cut_by, explain,
    joint_of, parts, selection, templates,
};

/// Those over shares, in the order of the templates.
const JOINT: [&str; 5] = [
    "at-the-scenes",
    "sim-box",
    "called-then-paid",
    "totals",
    "risk-propagation",
];

fn with(template: &str, terms: &[(&str, i64)]) -> Question {
    Question {
        parameters: Parameters {
            joint: terms
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
            ..Parameters::default()
        },
        ..question(template)
    }
}

fn refusal(setting: &Setting, question: &Question) -> QueryRefusal {
    setting.compile(question).unwrap_err()
}

#[test]
fn each_names_who_shares_what_and_who_computes() {
    let setting = Setting::new(&[Phone]);
    let shared: [&[(&str, &str)]; 5] = [
        &[("sightings", "telecom_a"), ("sightings", "telecom_b")],
        &[
            ("sims", "telecom_a"),
            ("sims", "telecom_b"),
            ("premises", "power"),
            ("wet", "water"),
            ("residents", "police"),
        ],
        &[
            ("phones", "procuratorate"),
            ("calls", "telecom_a"),
            ("calls", "telecom_b"),
            ("transfers", "bank_a"),
            ("transfers", "bank_b"),
        ],
        &[
            ("subjects", "telecom_a"),
            ("subjects", "telecom_b"),
            ("facts", "bank_a"),
            ("facts", "bank_b"),
        ],
        &[("ledger", "bank_a"), ("ledger", "bank_b")],
    ];
    let computing = [
        ["telecom_a", "telecom_b"],
        ["power", "telecom_a"],
        ["bank_a", "telecom_a"],
        ["bank_a", "telecom_a"],
        ["bank_a", "bank_b"],
    ];
    for ((template, shared), computing) in JOINT.iter().zip(shared).zip(computing) {
        let plan = setting.compile(&question(template)).unwrap();
        let joint = plan.joint.as_ref().unwrap();
        let inputs: Vec<(&str, &str)> = joint
            .inputs
            .iter()
            .map(|input| (input.table.as_str(), input.owner.as_str()))
            .collect();
        assert_eq!(inputs, shared, "{template}");
        let [first, second] = computing;
        assert_eq!(joint.computing, [first, second, "procuratorate"].map(id));
        // Custodians of the plan are those who share, and no other.
        for custodian in &plan.custodians {
            assert!(
                inputs
                    .iter()
                    .any(|(_, owner)| *owner == custodian.institution.as_str())
            );
            assert!(custodian.tables.iter().all(|table| table.keys.is_empty()));
        }
        // Who owns besides is named with what it selects from.
        let beside = joint_of(joint, &asked(&plan));
        let expected = match *template {
            "sim-box" => vec![(id("police"), vec![digest("police.residents")])],
            "called-then-paid" => vec![(id("procuratorate"), vec![])],
            _ => vec![],
        };
        let named: Vec<_> = beside
            .owners
            .into_iter()
            .map(|owner| (owner.institution, owner.snapshots))
            .collect();
        assert_eq!(named, expected, "{template}");
        assert_eq!(check(&plan, &setting.grant(), &setting.catalogue), Ok(()));
        // Every table but the authority's has its selection, and words for each row.
        for input in &joint.inputs {
            let selected = selection(&plan, joint, input);
            assert_eq!(
                selected.is_none(),
                input.table == "phones",
                "{}",
                input.table
            );
            let words = selected.map_or(1, |selected| selected.words.len());
            assert!(words > 0);
        }
        let explained = explain(&plan);
        assert_eq!(explained.lines_en.len(), explained.lines_zh.len());
        assert!(
            explained
                .lines_en
                .join(" ")
                .contains("procuratorate compute over the shares")
        );
    }
}

#[test]
fn numbers_have_defaults_and_ranges() {
    let setting = Setting::new(&[Phone]);
    let term = |question: &Question, name: &str| {
        setting.compile(question).unwrap().joint.unwrap().terms[name]
    };
    assert_eq!(term(&question("at-the-scenes"), "least"), 2);
    assert_eq!(term(&with("at-the-scenes", &[("least", 1)]), "least"), 1);
    assert_eq!(term(&question("totals"), "group_min"), 5);
    for template in templates() {
        for term in template.terms {
            for value in [term.least - 1, term.most + 1] {
                let found = refusal(&setting, &with(template.id, &[(term.name, value)]));
                assert_eq!(found.rule, Rule::ParameterUnfit, "{} {value}", term.name);
            }
        }
    }
    // At more scenes than there are nobody can have been.
    for unfit in [
        with("at-the-scenes", &[("least", 3)]),
        with("at-the-scenes", &[("most", 1)]),
        // The least group is the charter's, not the asker's.
        with("totals", &[("group_min", 1)]),
        with("identify", &[("least", 1)]),
    ] {
        assert_eq!(refusal(&setting, &unfit).rule, Rule::ParameterUnfit);
    }
    let counted = Question {
        parameters: Parameters {
            count_only: true,
            ..Parameters::default()
        },
        ..question("identify")
    };
    assert_eq!(refusal(&setting, &counted).rule, Rule::ParameterUnfit);
}

#[test]
fn large_tables_come_in_parts_and_others_whole() {
    let setting = Setting::new(&[Phone]);
    // Nothing is said of one part: the plan is that of before there were any.
    let whole = setting.compile(&question("sim-box")).unwrap();
    let said = setting.compile(&with("sim-box", &[("parts", 1)])).unwrap();
    let (whole, said) = (whole.joint.unwrap(), said.joint.unwrap());
    assert_eq!(whole, said);
    assert!(!whole.terms.contains_key("parts"));
    let plan = setting.compile(&with("sim-box", &[("parts", 3)])).unwrap();
    assert_eq!(check(&plan, &setting.grant(), &setting.catalogue), Ok(()));
    let explained = explain(&plan).lines_en.join(" ");
    assert!(explained.contains("parts = 3"), "{explained}");
    let joint = plan.joint.unwrap();
    for (table, due) in [("sims", 1), ("premises", 1), ("wet", 3), ("residents", 3)] {
        assert_eq!(parts(&joint, table), due, "{table}");
        assert_eq!(parts(&whole, table), 1, "{table}");
    }
    // A table is cut by a key, or not at all.
    for template in JOINT {
        let plan = setting.compile(&question(template)).unwrap();
        let joint = plan.joint.as_ref().unwrap();
        for input in &joint.inputs {
            let selection = selection(&plan, joint, input);
            let Some((selection, word)) = selection.zip(cut_by(&input.table)) else {
                continue;
            };
            assert!(
                matches!(selection.words[word], Word::Key(..)),
                "{}",
                input.table
            );
        }
    }
    for unfit in [
        with("risk-propagation", &[("parts", 2)]),
        with("totals", &[("parts", 65)]),
    ] {
        assert_eq!(refusal(&setting, &unfit).rule, Rule::ParameterUnfit);
    }
}

#[test]
fn amounts_of_every_size_have_a_band_of_their_own() {
    let setting = Setting::new(&[Phone]);
    let plan = setting.compile(&with("totals", &[("by", 2)])).unwrap();
    let Form::Label { of, .. } = &plan.joint.unwrap().fields[0].form else {
        panic!("groups by size have names");
    };
    // By digits of fen, of which there is at least one.
    assert_eq!(
        of[1..6],
        ["0 – 0.1", "0.1 – 1", "1 – 10", "10 – 100", "100 – 1000"]
    );
    let different: std::collections::BTreeSet<_> = of[1..].iter().collect();
    assert_eq!(different.len(), of.len() - 1);
}

#[test]
fn without_a_scene_or_a_subject_there_is_no_question() {
    let mut setting = Setting::new(&[]);
    assert_eq!(
        refusal(&setting, &question("called-then-paid")).rule,
        Rule::Seedless
    );
    setting.order.scenes.clear();
    assert_eq!(
        refusal(&setting, &question("at-the-scenes")).rule,
        Rule::OrderMismatch
    );
    setting.terms.scenes = 0;
    for template in ["at-the-scenes", "sim-box", "totals"] {
        assert_eq!(refusal(&setting, &question(template)).rule, Rule::Seedless);
    }
}

#[test]
fn scenes_stand_inside_the_window_sorted_and_once() {
    for scenes in [
        vec![scene(Some(7), 9, 11), scene(Some(9), 2, 3)],
        vec![scene(Some(7), 3, 3), scene(Some(9), 2, 3)],
        vec![scene(Some(9), 2, 3), scene(Some(7), 2, 3)],
        vec![scene(Some(7), 2, 3), scene(Some(7), 2, 3)],
    ] {
        let mut setting = Setting::new(&[]);
        setting.order.scenes = scenes;
        let found = refusal(&setting, &question("at-the-scenes"));
        assert_eq!(found.rule, Rule::OrderMismatch);
    }
}

#[test]
fn one_custodian_could_answer_alone() {
    let setting = Setting::new(&[Phone]);
    let alone = asking("at-the-scenes", &["telecom_a"]);
    assert_eq!(refusal(&setting, &alone).rule, Rule::TableMissing);
    let without = asking("sim-box", &["telecom_a", "power"]);
    assert_eq!(refusal(&setting, &without).rule, Rule::TableMissing);
    let idle = asking("at-the-scenes", &["telecom_a", "telecom_b", "bank_a"]);
    assert_eq!(refusal(&setting, &idle).rule, Rule::TableMissing);
}

#[test]
fn two_custodians_compare_a_set_each() {
    let setting = Setting::new(&[]);
    for (pair, tables) in [
        (["bank_a", "telecom_b"], ["payees", "callers"]),
        (["power", "telecom_a"], ["householders", "callers"]),
        (["telecom_a", "telecom_b"], ["callers", "callers"]),
    ] {
        let plan = setting.compile(&asking("in-common", &pair)).unwrap();
        let joint = plan.joint.as_ref().unwrap();
        assert_eq!(joint.method, Method::Sets);
        assert_eq!(joint.check(), Ok(()));
        let inputs = joint.inputs.iter();
        let inputs: Vec<_> = inputs
            .map(|input| (input.owner.as_str(), input.table.as_str()))
            .collect();
        assert_eq!(inputs, [(pair[0], tables[0]), (pair[1], tables[1])]);
        assert_eq!(joint.computing, [pair[0], pair[1], "procuratorate"].map(id));
        for input in &joint.inputs {
            let selected = selection(&plan, joint, input).unwrap();
            assert_eq!(selected.words, [Word::Name(0)], "names, and nothing else");
            assert!(selected.sql.contains("DISTINCT"));
        }
        assert!(joint_of(joint, &asked(&plan)).owners.is_empty());
        let explained = explain(&plan).lines_en.join(" ");
        assert!(explained.contains("without showing them; procuratorate counts"));
        assert!(!explained.contains("shares:"));
    }
    // All that may be asked are too many; who holds none is none; one alone is one.
    let found = refusal(&setting, &question("in-common"));
    assert_eq!(found.rule, Rule::ParameterUnfit);
    assert!(found.detail.contains("power (householders)"), "{found:?}");
    let idle = asking("in-common", &["telecom_a", "water"]);
    assert_eq!(refusal(&setting, &idle).rule, Rule::ParameterUnfit);
    let three = asking("in-common", &["bank_a", "power", "telecom_a"]);
    assert_eq!(refusal(&setting, &three).rule, Rule::ParameterUnfit);
    // Whose name opens must be open.
    let mut setting = Setting::new(&[]);
    let table = setting.table("telecom_a", "subscribers");
    let column = table.columns.iter_mut().find(|one| one.name == "id_number");
    column.unwrap().disclosure = "key_only".into();
    let closed = asking("in-common", &["bank_a", "telecom_a"]);
    assert_eq!(refusal(&setting, &closed).rule, Rule::ColumnClosed);
}

#[test]
fn names_of_sets_become_an_answer_of_one_column() {
    let setting = Setting::new(&[]);
    let proof = || JointProof { parts: Vec::new() };
    let plan = setting
        .compile(&asking("in-common", &["bank_a", "telecom_a"]))
        .unwrap();
    let names = ["110101199003070011", "11010119900307002X"].map(str::to_owned);
    let answer = assemble_sets(&plan, &digest("question"), names.to_vec(), proof()).unwrap();
    assert_eq!(answer.tables[0].columns, ["id_number"]);
    assert_eq!(answer.rows(), 2);
    let shares = setting.compile(&question("at-the-scenes")).unwrap();
    let found = assemble_sets(&shares, &digest("question"), names.to_vec(), proof());
    assert_eq!(found.unwrap_err().rule, Rule::PlanDiffers);
}

#[test]
fn disclosure_and_meaning_bind_shared_columns_too() {
    let closed = |column: &str, disclosure: &str| {
        let mut setting = Setting::new(&[Phone]);
        let table = setting.table("telecom_a", "calls");
        let found = table
            .columns
            .iter_mut()
            .find(|one| one.name == column)
            .unwrap();
        found.disclosure = disclosure.into();
        setting.compile(&question("at-the-scenes")).map(|_| ())
    };
    // What opens must be open; what is only computed with must not be closed to all.
    for (column, disclosure, may) in [
        ("caller", "open", true),
        ("caller", "key_only", false),
        ("caller", "never", false),
        ("cell", "aggregate_only", true),
        ("cell", "never", false),
    ] {
        let found = closed(column, disclosure);
        let rule = found.map_err(|refusal| refusal.rule);
        assert_eq!(
            rule,
            if may { Ok(()) } else { Err(Rule::ColumnClosed) },
            "{column}"
        );
    }
    let mut setting = Setting::new(&[Phone]);
    let table = setting.table("telecom_a", "calls");
    table
        .columns
        .iter_mut()
        .find(|one| one.name == "cell")
        .unwrap()
        .semantic = "text".into();
    assert_eq!(
        refusal(&setting, &question("at-the-scenes")).rule,
        Rule::ColumnMeaning
    );
}

#[test]
fn a_plan_with_anything_else_in_it_is_refused() {
    let setting = Setting::new(&[Phone]);
    let plan = setting.compile(&question("sim-box")).unwrap();
    type Alter = fn(&mut docket::plan::JointPlan);
    let alterations: &[(Alter, Rule)] = &[
        (|p| p.computing.swap(0, 1), Rule::PlanDiffers),
        (|p| p.computing[2] = id("police"), Rule::PlanDiffers),
        (|p| p.scenes[0].cell = None, Rule::PlanDiffers),
        (|p| p.inputs.truncate(4), Rule::PlanDiffers),
        (|p| p.inputs[0].owner = id("telecom_b"), Rule::PlanDiffers),
        (|p| p.inputs[0].snapshots[0].0[0] ^= 1, Rule::SnapshotStale),
        (|p| p.count_only = true, Rule::PlanDiffers),
        (|p| *p.terms.get_mut("sims").unwrap() = 1, Rule::PlanDiffers),
        (|p| p.fields[2].form = Form::Name, Rule::PlanDiffers),
    ];
    for (number, (alter, rule)) in alterations.iter().enumerate() {
        let mut plan = plan.clone();
        alter(plan.joint.as_mut().unwrap());
        let found = check(&plan, &setting.grant(), &setting.catalogue);
        let found = found.map_err(|refusal| refusal.rule);
        assert_eq!(found, Err(*rule), "alteration {number}");
    }
}

#[test]
fn selections_hold_the_plans_numbers_and_nothing_else() {
    let setting = Setting::new(&[Phone]);
    let plan = setting.compile(&question("at-the-scenes")).unwrap();
    let joint = plan.joint.as_ref().unwrap();
    let selected = selection(&plan, joint, &joint.inputs[0]).unwrap();
    let [first, _] = &joint.scenes[..] else {
        panic!("two scenes")
    };
    assert!(selected.sql.contains("cell = 7") && selected.sql.contains("cell = 9"));
    assert!(selected.sql.contains(&first.from_ms.to_string()));
    assert_eq!(
        selected.words,
        [Word::Key("phone", 0), Word::Number(1, 1), Word::Name(0)]
    );
    assert_ne!(NOBODY, "person");
}
