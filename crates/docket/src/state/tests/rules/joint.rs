//! What the rules of joint questions refuse.

use primitives::limits::TEXT_BYTES_MAX;

use super::super::world::{Phase, World, digest, id};
use crate::{
    Record, Refusal, Statement,
    state::{SCENES_MAX, TABLE_ROWS_MAX, TABLES_MAX},
    statement::{Asked, Count, Joint, TableCommitment, Terms},
};

/// The refusal of a question whose parties are changed.
fn with_parties(w: &World, change: impl FnOnce(&mut Joint)) -> Refusal {
    let mut asked = w.asked();
    change(asked.joint.as_mut().unwrap());
    w.refuse(&w.ask(asked))
}

fn owner(name: &str) -> Asked {
    Asked {
        institution: id(name),
        snapshots: Vec::new(),
    }
}

fn inputs(w: &World, who: &str, tables: Vec<TableCommitment>) -> Record {
    let statement = Statement::InputsCommitted {
        question: w.question,
        keys: w.keys(who),
        tables,
    };
    w.record(who, statement, &[w.question], &[])
}

fn with_tables(w: &World, change: impl FnOnce(&mut Vec<TableCommitment>)) -> Refusal {
    let mut tables = w.tables();
    change(&mut tables);
    w.refuse(&inputs(w, "bank_a", tables))
}

pub(super) fn joint_cases() -> Vec<Refusal> {
    let issued = World::joint_at(Phase::Issued);
    let parties: &[fn(&mut Joint)] = &[
        // Who computes.
        |joint| joint.computing.clear(),
        |joint| _ = joint.computing.pop(),
        |joint| joint.computing.push(id("court")),
        |joint| joint.computing[2] = joint.computing[0].clone(),
        |joint| joint.computing[2] = joint.computing[1].clone(),
        |joint| joint.computing[0] = id("police"),
        |joint| joint.computing[1] = id("hybrid"),
        |joint| joint.computing[2] = id("audit"),
        // Who gives a table.
        |joint| joint.owners.push(owner("court")),
        |joint| joint.owners.insert(0, owner("bank_a")),
        |joint| joint.owners.push(owner("hybrid")),
        |joint| joint.owners.push(owner("police")),
        |joint| joint.owners.insert(0, owner("police")),
    ];
    let mut out: Vec<Refusal> = parties
        .iter()
        .map(|change| with_parties(&issued, change))
        .collect();
    // With a table of its own in hand, one is none who may give it beside.
    for (place, name) in [(0, "bank_a"), (1, "hybrid")] {
        let own = Asked {
            institution: id(name),
            snapshots: vec![issued.snapshots[&id(name)]],
        };
        out.push(with_parties(&issued, |joint| {
            joint.owners.insert(place, own);
        }));
    }
    // The authority gives what stands in its order, and no snapshot.
    let snapshot = issued.snapshots[&id("bank_a")];
    out.push(with_parties(&issued, |joint| {
        joint.owners[0].snapshots.push(snapshot);
    }));
    let approved = World::joint_at(Phase::Approved);
    let tables: &[fn(&mut Vec<TableCommitment>)] = &[
        |tables| tables.clear(),
        |tables| tables[1] = tables[0].clone(),
        |tables| tables[1].table = tables[0].table.clone(),
        |tables| tables[1].rows = 0,
        |tables| tables[1].rows = TABLE_ROWS_MAX + 1,
        |tables| _ = tables[0].shares.pop(),
        |tables| tables[1].shares.push(digest("d")),
        |tables| {
            let table = tables[0].clone();
            tables.extend((0..TABLES_MAX).map(|n| TableCommitment {
                table: n.to_string(),
                ..table.clone()
            }));
            tables.truncate(TABLES_MAX + 1);
        },
    ];
    out.extend(tables.iter().map(|change| with_tables(&approved, change)));
    // Lookups share no tables.
    let lookup = World::at(Phase::Approved);
    out.push(with_tables(&lookup, |_| {}));
    out
}

/// Tables that fill what one owner may give are taken.
#[test]
fn an_owner_gives_as_many_tables_as_allowed() {
    let w = World::joint_at(Phase::Approved);
    let table = TableCommitment {
        rows: TABLE_ROWS_MAX,
        ..w.tables()[0].clone()
    };
    let tables = (0..TABLES_MAX).map(|n| TableCommitment {
        table: n.to_string(),
        ..table.clone()
    });
    w.clone().accept(&inputs(&w, "bank_a", tables.collect()));
}

pub(super) fn count_cases() -> Vec<Refusal> {
    let lookup = World::at(Phase::Inputs);
    let inputs = World::joint_at(Phase::Inputs);
    let completed = World::joint_at(Phase::Completed);
    vec![
        lookup.refuse(&lookup.count(10, 0)),
        inputs.refuse(&inputs.complete(inputs.attestations(), 0)),
        completed.refuse(&completed.disclose(9, &["police"])),
        completed.refuse(&completed.disclose(11, &["police"])),
        completed.refuse(&completed.disclose(0, &["police"])),
    ]
}

pub(super) fn count_again_cases() -> Vec<Refusal> {
    let approved = World::joint_at(Phase::Approved);
    let counted = World::joint_at(Phase::Counted);
    let completed = World::joint_at(Phase::Completed);
    let mut aborted = World::joint_at(Phase::Inputs);
    aborted.accept(&aborted.abort("court", None));
    let mut ended = World::joint_at(Phase::Inputs);
    ended.accept(&ended.count(0, 1));
    vec![
        approved.refuse(&approved.count(10, 1)),
        counted.refuse(&counted.count(10, 1)),
        counted.refuse(&counted.count(11, 0)),
        completed.refuse(&completed.count(10, 1)),
        aborted.refuse(&aborted.count(10, 1)),
        ended.refuse(&ended.count(10, 1)),
        ended.refuse(&ended.complete(ended.attestations(), 0)),
        ended.refuse(&ended.abort("police", None)),
    ]
}

pub(super) fn joint_inputs_missing_cases() -> Vec<Refusal> {
    let one = World::joint_at(Phase::InputsOfOne);
    let mut custodians = one.clone();
    custodians.accept(&custodians.inputs("bank_b"));
    let cases = [&one, &custodians];
    let mut out: Vec<Refusal> = cases.map(|w| w.refuse(&w.count(10, 1))).to_vec();
    out.extend(cases.map(|w| w.refuse(&w.complete(w.attestations(), 0))));
    out
}

pub(super) fn joint_attestation_cases() -> Vec<Refusal> {
    let w = World::joint_at(Phase::Inputs);
    let count = Count {
        rows: 10,
        withheld: 1,
    };
    let good = w.counted(count, &World::COMPUTING);
    let with = |change: &dyn Fn(&mut Vec<_>)| {
        let mut list = good.clone();
        change(&mut list);
        w.refuse(&w.count_by("police", count, list))
    };
    let said = |count| w.refuse(&w.count_by("police", count, good.clone()));
    let mut out = vec![
        with(&|list| _ = list.pop()),
        with(&|list| list.push(list[0].clone())),
        with(&|list| list.swap(0, 1)),
        with(&|list| list[2] = list[1].clone()),
        with(&|list| list[0].signature = list[1].signature),
        with(&|list| list[0].institution = id("hybrid")),
        // Well signed, and not what is recorded.
        with(&|list| list[2] = w.attestation("bank_a")),
        said(Count { rows: 9, ..count }),
        said(Count {
            withheld: 0,
            ..count
        }),
        // By others than the three, or in another order.
        w.refuse(&w.count_by("police", count, w.counted(count, &["bank_a", "bank_b"]))),
        w.refuse(&w.count_by(
            "police",
            count,
            w.counted(count, &["bank_a", "bank_b", "court"]),
        )),
        w.refuse(&w.count_by(
            "police",
            count,
            w.counted(count, &["police", "bank_b", "bank_a"]),
        )),
    ];
    // A count for another question, well signed by the three.
    let mut other = w.clone();
    other.question = digest("other");
    let elsewhere = other.counted(count, &World::COMPUTING);
    out.push(w.refuse(&w.count_by("police", count, elsewhere)));
    let counted = World::joint_at(Phase::Counted);
    let complete = |computing: &[&str]| {
        let list = computing.iter().map(|id| counted.attestation(id)).collect();
        counted.refuse(&counted.complete(list, 0))
    };
    out.extend([
        complete(&["court", "bank_b"]),
        complete(&["bank_a", "bank_b"]),
        complete(&["bank_a", "bank_b", "court"]),
        complete(&["court", "bank_b", "hybrid"]),
        // What they signed for the count says nothing of an answer.
        counted.refuse(&counted.complete(good.clone(), 0)),
    ]);
    let mut one = counted.attestations();
    one[1] = good[1].clone();
    out.push(counted.refuse(&counted.complete(one, 0)));
    out
}

pub(super) fn joint_key_cases() -> Vec<Refusal> {
    let asked = World::joint_at(Phase::Asked);
    let approved = World::joint_at(Phase::Approved);
    let lookup = World {
        joint: false,
        ..asked.clone()
    };
    let committed = |who: &str| {
        let statement = Statement::InputsCommitted {
            question: approved.question,
            keys: lookup.keys(who),
            tables: approved.tables(),
        };
        approved.refuse(&approved.record(who, statement, &[approved.question], &[]))
    };
    vec![
        asked.refuse(&lookup.approve("bank_a/app", "bank_a")),
        committed("bank_a"),
        committed("court"),
        // Who has no table to give.
        approved.refuse(&approved.inputs("police")),
        approved.refuse(&approved.inputs("hybrid")),
        approved.refuse(&approved.inputs("audit")),
    ]
}

/// What only some may do, with the rules of every other question.
pub(super) fn joint_duty_cases() -> Vec<Refusal> {
    let inputs = World::joint_at(Phase::Inputs);
    let count = inputs.count(10, 1);
    let approved = World::joint_at(Phase::Approved);
    vec![
        inputs.refuse(&inputs.altered("police/inv", &count, |h| {
            h.officer = Some(super::officer("inv"));
        })),
        approved.refuse(&approved.inputs("court/judge")),
    ]
}

pub(super) fn joint_separation_cases() -> Vec<Refusal> {
    let inputs = World::joint_at(Phase::Inputs);
    let count = inputs.count(10, 1);
    let by = |who: &str| inputs.refuse(&inputs.altered(who, &count, |h| h.institution = id(who)));
    vec![by("court"), by("bank_a"), by("hybrid")]
}

pub(super) fn joint_parts_cases() -> Vec<Refusal> {
    let w = World::joint_at(Phase::Issued);
    let without = |reader: &str, change: fn(&mut Joint)| {
        let mut asked = w.asked();
        change(asked.joint.as_mut().unwrap());
        let record = w.ask(asked);
        w.refuse(&w.altered("police/inv", &record, |h| {
            h.parts[0].readers.retain(|id| id.as_str() != reader);
        }))
    };
    vec![
        // It computes, and gives a table; each alone is reason to read the plan.
        without("court", |_| {}),
        without("court", |joint| joint.owners.clear()),
        without("bank_a", |_| {}),
    ]
}

/// The owner that computes nothing must be able to read the plan.
#[test]
fn an_owner_that_does_not_compute_reads_the_plan_too() {
    let mut w = World::joint_at(Phase::Drafted);
    let mut terms = w.terms();
    terms.custodians.insert(id("hybrid"));
    w.draft = {
        w.warrant = primitives::WarrantId([8; 16]);
        w.accept(&w.draft_to("police/inv", "court", terms.clone()))
    };
    w.issued = w.accept(&w.issue(terms));
    let mut asked = w.asked();
    asked.custodians.push(Asked {
        institution: id("hybrid"),
        snapshots: vec![w.snapshots[&id("hybrid")]],
    });
    asked.joint.as_mut().unwrap().computing = ["bank_a", "bank_b", "hybrid"].map(id).to_vec();
    let record = w.ask(asked);
    let blind = w.altered("police/inv", &record, |h| {
        h.parts[0].readers.retain(|reader| *reader != id("court"));
    });
    assert_eq!(w.refuse(&blind).rule, crate::Rule::Parts);
    w.accept(&record);
}

pub(super) fn joint_terms_cases() -> Vec<Refusal> {
    let published = World::joint_at(Phase::Published);
    let drafted = World::joint_at(Phase::Drafted);
    let changes: &[fn(&mut Terms)] = &[
        |t| (t.subjects, t.scenes) = (0, 0),
        |t| t.scenes = SCENES_MAX + 1,
        |t| t.scenes = u32::MAX,
        |t| (t.subjects, t.scenes) = (1_001, 1),
    ];
    let mut out: Vec<Refusal> = changes
        .iter()
        .map(|change| {
            let mut terms = published.terms();
            change(&mut terms);
            published.refuse(&published.draft_to("police/inv", "court", terms))
        })
        .collect();
    let mut wider = drafted.terms();
    wider.scenes += 1;
    out.push(drafted.refuse(&drafted.issue(wider)));
    // Scenes are nobody who could be told.
    let mut scenes = World::joint_at(Phase::Published);
    let terms = Terms {
        subjects: 0,
        ..scenes.terms()
    };
    scenes.draft = scenes.accept(&scenes.draft_to("police/inv", "court", terms.clone()));
    scenes.issued = scenes.accept(&scenes.issue(terms));
    out.push(scenes.refuse(&scenes.notice("police/inv", 1, 0)));
    out
}

pub(super) fn joint_limit_cases() -> Vec<Refusal> {
    let w = World::joint_at(Phase::Approved);
    vec![
        with_tables(&w, |tables| tables[0].table.clear()),
        with_tables(&w, |tables| {
            tables[1].table = "x".repeat(TEXT_BYTES_MAX + 1)
        }),
    ]
}
