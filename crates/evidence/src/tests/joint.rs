//! Joint cases: what a lawful one shows, and what is found where rows, parts,
//! attestations, tables or parties are other than the ledger's.

use docket::Statement;
use docket::body::Scene;
use docket::plan::{Answer, AnswerTable, Cell, JointInput, JointPlan, Method, Origin, Part, Plan};
use docket::statement::Count;
use mpc::joint::deliver::{Binding, collect};
use primitives::{Digest, TemplateId, WarrantId};

use super::joint_world::{COMPUTING, Departs, attestation, founded, options, parts};
use super::world::{Options, Played, World, id, plan, resign};
use crate::archive::read;
use crate::joint::Computed;
use crate::{Case, Finding, TrustAnchor, verify};

/// One thing made different.
type Bend<T> = fn(&mut T);

fn exported() -> (World, Played, Vec<u8>) {
    let mut world = founded();
    let played = world.play_joint(&options(), &Departs::default());
    let bytes = world.bundle(&played).unwrap();
    (world, played, bytes)
}

fn check(world: &World, bytes: &[u8]) -> Case {
    let network = Some(world.charter.network().unwrap());
    verify(bytes, &TrustAnchor { network }).unwrap()
}

/// What is found where a case departs; neither does an honest builder make a bundle
/// of it.
fn found_with(options: &Options, departs: &Departs) -> Finding {
    let mut world = founded();
    let played = world.play_joint(options, departs);
    let finding = match verify(&world.forged(&played), &TrustAnchor::default()) {
        Ok(_) => panic!("accepted"),
        Err(refused) => refused.findings[0].clone(),
    };
    assert!(world.bundle(&played).is_err());
    finding
}

fn found(departs: Departs) -> Finding {
    found_with(&options(), &departs)
}

#[track_caller]
fn is(finding: &Finding, rule: &str, file: &str, detail: &str) {
    assert_eq!(finding.rule, rule, "{finding}");
    assert!(finding.file.ends_with(file), "{finding}");
    assert!(finding.detail.contains(detail), "{finding}");
}

#[test]
fn a_lawful_joint_case_verifies_and_says_what_was_shared() {
    let (world, played, bytes) = exported();
    let case = check(&world, &bytes);
    assert_eq!((case.question, case.answer.rows()), (played.question, 3));
    let run = case.joint.unwrap();
    assert_eq!((run.count.rows, run.count.withheld), (3, 4));
    let tables: Vec<_> = run
        .tables
        .iter()
        .map(|one| (one.owner.as_str(), one.table.as_str(), one.rows))
        .collect();
    assert_eq!(
        tables,
        [
            ("telecom_a", "ledger", 1 << 10),
            ("telecom_b", "ledger", 1 << 10),
            ("telecom_b", "facts", 1 << 10),
            ("procuratorate", "subjects", 1 << 9),
            ("police", "phones", 1 << 7),
        ]
    );
    // The police's own snapshot is among the sources, and its table's entry.
    let sources: Vec<_> = case
        .sources
        .iter()
        .map(|s| s.institution.as_str())
        .collect();
    assert_eq!(sources, ["telecom_a", "telecom_b", "police"]);
    let kinds = case.timeline.iter().map(|entry| entry.statement.kind());
    assert_eq!(kinds.filter(|kind| *kind == "count-opened").count(), 1);
}

#[test]
fn the_report_of_a_joint_case_says_who_computed_and_what_is_not_proven() {
    let (_, _, bytes) = exported();
    let files = read(&bytes).unwrap();
    let report = String::from_utf8(files["report.html"].clone()).unwrap();
    for shown in [
        "风险传播",
        "Risk propagation",
        "案发时间地点",
        "The whole city",
        "4711",
        "telecom_b &amp; co",
        "联合计算",
        "Computed jointly",
        "公布计数",
        "Count opened",
        "3 / 4",
        "东&lt;城&gt;",
        "1.500",
        "0.250",
        "1048575",
        "together",
        "that what an owner shared is what its snapshot holds",
        "各机构所共享的是否与其快照一致",
        "Two of the three together",
    ] {
        assert!(report.contains(shown), "{shown}");
    }
    // No row names a snapshot, and the report does not say that one does.
    for absent in ["each row names its snapshot", ">Origin<", "<script"] {
        assert!(!report.contains(absent), "{absent}");
    }
    let answer: serde_json::Value = serde_json::from_slice(&files["answer.json"]).unwrap();
    let rows = answer["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["cells"][3], 1_500);
    assert_eq!(rows[0]["origins"], serde_json::json!([]));
}

#[test]
fn a_changed_answer_is_found() {
    let changes: &[Bend<Answer>] = &[
        |a| a.tables[0].rows[1].cells[0] = Cell::Text("6217000000000000009".into()),
        |a| a.tables[0].rows[2].cells[3] = Cell::Int(1),
        |a| a.tables[0].rows.swap(0, 1),
        |a| a.tables[0].rows[2] = a.tables[0].rows[1].clone(),
        |a| _ = a.tables[0].rows[0].cells.pop(),
        |a| a.tables[0].columns[0] = "phone".into(),
        |a| a.tables[0].table = "ledger".into(),
        |a| a.tables[0].step = 1,
        |a| {
            a.tables.push(AnswerTable {
                rows: vec![],
                ..a.tables[0].clone()
            })
        },
        |a| {
            a.tables[0].rows[0].origins = vec![Origin {
                institution: id("telecom_a"),
                snapshot: Digest::plain(b"snapshot"),
            }];
        },
        |a| a.joint = None,
        |a| _ = a.joint.as_mut().unwrap().parts.pop(),
        |a| {
            let parts = &mut a.joint.as_mut().unwrap().parts;
            parts.push(parts[0].clone());
        },
        |a| a.question = Digest::plain(b"other"),
        |a| a.template = TemplateId::new("identify").unwrap(),
    ];
    for (nth, answer) in changes.iter().enumerate() {
        let finding = found(Departs {
            answer: *answer,
            ..Departs::default()
        });
        assert_eq!(finding.rule, "answer-mismatch", "{nth}: {finding}");
        assert!(finding.file.ends_with("-answer.cbor"), "{nth}: {finding}");
    }
}

#[test]
fn rows_left_out_are_not_what_was_counted() {
    let finding = found(Departs {
        answer: |a| _ = a.tables[0].rows.pop(),
        ..Departs::default()
    });
    is(&finding, "count", "-answer-disclosed.cose", "counted");
}

#[test]
fn a_part_or_frames_that_nobody_signed_are_found_and_named() {
    let committed: [(&str, Bend<Answer>); 6] = [
        ("telecom_b", |a| joint_parts(a)[0].part[40] ^= 1),
        ("procuratorate", |a| joint_parts(a)[1].part[32] ^= 1),
        ("procuratorate", |a| joint_parts(a)[1].frames.0[31] ^= 0x80),
        ("telecom_a", |a| _ = joint_parts(a)[2].part.pop()),
        ("telecom_b", |a| joint_parts(a).swap(0, 1)),
        ("telecom_b", |a| {
            let parts = joint_parts(a);
            let half = (parts[0].part.len() - 33) / 2;
            parts[0].part[33 + half] ^= 1;
            parts[1].part[33] ^= 1;
        }),
    ];
    for (party, answer) in committed {
        let finding = found(Departs {
            answer,
            ..Departs::default()
        });
        is(&finding, "attestation", "-answer.cbor", party);
        is(
            &finding,
            "attestation",
            "-answer.cbor",
            "-run-completed.cose",
        );
    }
}

fn joint_parts(answer: &mut Answer) -> &mut Vec<Part> {
    &mut answer.joint.as_mut().unwrap().parts
}

/// What the three themselves signed must still be an answer.
#[test]
fn signed_parts_that_are_no_answer_are_found() {
    let changes: [(&str, Bend<Vec<Part>>); 7] = [
        ("telecom_b and procuratorate", |parts| {
            let half = (parts[0].part.len() - 33) / 2;
            parts[0].part[33 + half] ^= 1;
        }),
        ("telecom_a and telecom_b", |parts| parts[0].part[33] ^= 1),
        ("procuratorate", |parts| parts[1].part[0] ^= 1),
        ("procuratorate", |parts| parts[1].part[32] = 2),
        ("telecom_a", |parts| parts[2].part.push(0)),
        ("telecom_a", |parts| parts[2].part.truncate(20)),
        ("telecom_b", |parts| parts.swap(0, 1)),
    ];
    for (party, signed) in changes {
        let finding = found(Departs {
            signed,
            ..Departs::default()
        });
        is(&finding, "answer-mismatch", "-answer.cbor", party);
    }
    // A row that the parts add up to, and that is not the answer's.
    let finding = found(Departs {
        signed: |parts| {
            let half = (parts[0].part.len() - 33) / 2;
            let persons = 5 * 3 * 8;
            parts[0].part[33 + persons] ^= 1;
            parts[2].part[33 + half + persons] ^= 1;
        },
        ..Departs::default()
    });
    is(&finding, "answer-mismatch", "-answer.cbor", "add up to");
}

#[test]
fn words_that_read_as_no_row_are_found() {
    let changes: [(&str, Bend<Vec<Vec<u64>>>); 5] = [
        ("key", |words| words[0][1] ^= 1),
        ("key", |words| words[2][1] ^= 1 << 40),
        ("bit", |words| words[5][0] = 1 << 20),
        ("bit", |words| words[6][2] = 2),
        ("twice", |words| {
            for column in words {
                column[1] = column[0];
            }
        }),
    ];
    for (detail, words) in changes {
        let finding = found(Departs {
            words,
            ..Departs::default()
        });
        is(&finding, "answer-mismatch", "-answer.cbor", detail);
    }
}

#[test]
fn attestations_of_anything_else_are_found() {
    // Well signed by the three, and of another transcript.
    let finding = found(Departs {
        attested: |list| {
            let transcript = Digest::plain(b"another run");
            for one in list {
                one.transcript = transcript;
            }
        },
        ..Departs::default()
    });
    // Signatures over something else are refused on the walk.
    is(&finding, "attestation", "-run-completed.cose", "verify");
    let finding = found(Departs {
        attested: |list| list.swap(0, 2),
        ..Departs::default()
    });
    is(&finding, "attestation", "-run-completed.cose", "another");
    // The three signed frames that are not those of the parts that they gave.
    let mut world = founded();
    let mut played = world.play_joint(&options(), &Departs::default());
    let question = played.question;
    let at = world
        .records
        .iter()
        .position(|record| record.kind() == "run-completed")
        .unwrap();
    let mut fork = founded();
    for record in &world.records[fork.records.len()..at] {
        fork.now_ms = record.header.time_ms;
        fork.log(record.clone());
    }
    let other = Digest::plain(b"another run");
    let by = COMPUTING.map(|who| attestation(who, &question, other));
    let completed = Statement::RunCompleted {
        question,
        attestations: by.to_vec(),
        evaluated: Vec::new(),
    };
    let warrant = Some(played.warrant);
    let completed = fork.put("police", warrant, vec![question], Vec::new(), completed);
    let (_, answer) = played.bodies.last().cloned().unwrap();
    let statement = Statement::AnswerDisclosed { question, rows: 3 };
    let disclosed = fork.put(
        "police/investigator-1",
        warrant,
        vec![question, completed],
        vec![answer.part(vec![id("police")])],
        statement,
    );
    *played.bodies.last_mut().unwrap() = (disclosed, answer);
    let refused = verify(&fork.forged(&played), &TrustAnchor::default());
    let finding = refused.err().unwrap().findings[0].clone();
    is(&finding, "attestation", "-answer.cbor", "telecom_b");
}

#[test]
fn a_plan_of_other_parties_tables_or_scenes_is_found() {
    let changes: &[(&str, &str, Bend<JointPlan>)] = &[
        ("plan-mismatch", "compute", |p| p.computing.swap(0, 1)),
        ("plan-mismatch", "compute", |p| {
            p.computing[2] = id("police")
        }),
        ("plan-mismatch", "compute", |p| p.count_only = true),
        ("plan-mismatch", "an owner", |p| _ = p.inputs.pop()),
        ("plan-mismatch", "an owner", |p| {
            p.inputs[0].snapshots.clear()
        }),
        ("plan-mismatch", "no snapshot", |p| {
            p.inputs[2].snapshots.clear()
        }),
        ("plan-mismatch", "an owner", |p| {
            let snapshot = p.inputs[0].snapshots[0];
            p.inputs[3].snapshots.push(snapshot);
            p.inputs[3].owner = id("telecom_a");
            p.inputs[3].table = "facts".into();
        }),
        ("plan-mismatch", "not asked", |p| {
            p.inputs.push(JointInput {
                table: "facts".into(),
                owner: id("bank_a"),
                snapshots: Vec::new(),
            });
        }),
        ("snapshot-unknown", "not the snapshot's", |p| {
            p.inputs[0].snapshots = p.inputs[1].snapshots.clone();
        }),
        ("snapshot-unknown", "not on the ledger", |p| {
            p.inputs[0].snapshots.push(Digest::plain(b"nowhere"));
        }),
        ("scope", "scenes", |p| _ = p.scenes.pop()),
        ("scope", "scenes", |p| p.scenes[0].to_ms += 1),
        ("format", "key", |p| p.fields.swap(0, 1)),
        ("joint", "three", |p| {
            p.computing[1] = p.computing[0].clone()
        }),
    ];
    // A plain function can't hold which change to make.
    thread_local! {
        static NTH: std::cell::Cell<fn(&mut JointPlan)> = const { std::cell::Cell::new(|_| {}) };
    }
    for (rule, detail, change) in changes {
        NTH.set(*change);
        let finding = found(Departs {
            plan: |plan| NTH.get()(plan.joint.as_mut().unwrap()),
            ..Departs::default()
        });
        is(&finding, rule, "-plan.cbor", detail);
    }
    let finding = found(Departs {
        plan: |plan| plan.joint = None,
        ..Departs::default()
    });
    is(&finding, "plan-mismatch", "-plan.cbor", "lookups");
}

#[test]
fn a_question_of_other_parties_than_its_plan_is_found() {
    let finding = found(Departs {
        asked: |joint| _ = joint.owners.remove(0),
        ..Departs::default()
    });
    // What nobody gives a table of is not of this case.
    is(
        &finding,
        "follows",
        "-question-asked.cose",
        "not on the ledger",
    );
    let finding = found(Departs {
        asked: |joint| joint.computing.swap(1, 2),
        ..Departs::default()
    });
    is(&finding, "attestation", "-count-opened.cose", "another");
}

#[test]
fn tables_that_the_plan_has_not_are_found_and_named() {
    let changes: [fn(&str, &mut Vec<docket::statement::TableCommitment>); 3] = [
        |owner, tables| {
            if owner == "telecom_b" {
                tables.swap(0, 1);
            }
        },
        |owner, tables| {
            if owner == "telecom_b" {
                tables.pop();
            }
        },
        |owner, tables| {
            if owner == "telecom_b" {
                tables[0].table = "residents".into();
            }
        },
    ];
    for tables in changes {
        let finding = found(Departs {
            tables,
            ..Departs::default()
        });
        is(
            &finding,
            "plan-mismatch",
            "-inputs-committed.cose",
            "telecom_b",
        );
    }
}

#[test]
fn another_count_is_found_where_it_stands() {
    let changes: [Bend<Count>; 2] = [|c| c.rows = 4, |c| c.rows = 0];
    for count in changes {
        let finding = found(Departs {
            count,
            ..Departs::default()
        });
        assert!(["count", "already-decided"].contains(&finding.rule.as_str()));
    }
}

#[test]
fn scenes_other_than_the_warrants_are_found() {
    let mut said = options();
    said.scenes_said = 1;
    is(
        &found_with(&said, &Departs::default()),
        "terms",
        "-order.cbor",
        "scenes",
    );
    let mut own = options();
    own.own_scenes.pop();
    let finding = found_with(&own, &Departs::default());
    is(&finding, "subjects", "-subjects.cbor", "scenes");
    let mut twice = options();
    twice.scenes[1] = twice.scenes[0].clone();
    thread_local! {
        static SCENES: std::cell::RefCell<Vec<Scene>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    SCENES.set(twice.scenes.clone());
    let finding = found_with(
        &twice,
        &Departs {
            plan: |plan| plan.joint.as_mut().unwrap().scenes = SCENES.with_borrow(Clone::clone),
            ..Departs::default()
        },
    );
    is(&finding, "terms", "-order.cbor", "repeated");
}

#[test]
fn a_change_of_a_joint_bundle_that_the_exporter_signs_is_refused() {
    let (world, played, bytes) = exported();
    let files = read(&bytes).unwrap();
    let network = world.charter.network().unwrap();
    let joint = files.iter().filter(|(name, _)| {
        ["answer", "plan", "count-opened", "run-completed", "inputs"]
            .iter()
            .any(|part| name.contains(part))
    });
    for (name, content) in joint {
        for position in (0..content.len()).step_by(content.len().div_ceil(40)) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[position] ^= 0x01;
            let bytes = resign(&mut changed, network, &played);
            let refused = verify(&bytes, &TrustAnchor::default());
            assert!(refused.is_err(), "{name} at {position}");
        }
    }
}

/// Reads parts both ways, with a plan of this many numbers in a row.
fn both_ways(widths: &[u32], columns: &[Vec<u64>], bend: impl Fn(&mut Vec<Vec<u8>>)) {
    let session = Digest::plain(b"session");
    let question = Digest::plain(b"question");
    let mut given = parts(&session, ("police", "totals"), widths, columns);
    bend(&mut given);
    let rows = columns[0].len();
    let binding = Binding {
        session,
        receiver: "police".into(),
        answer: "totals".into(),
        rows,
        widths: widths.to_vec(),
    };
    let by_the_protocol = collect(&binding, &given.clone().try_into().unwrap());
    let joint = JointPlan {
        computing: COMPUTING.map(id).to_vec(),
        scenes: Vec::new(),
        inputs: Vec::new(),
        count_only: false,
        terms: Default::default(),
        fields: (0..)
            .zip(widths)
            .map(|(nth, bits): (u32, _)| docket::joint::Field {
                name: nth.to_string(),
                form: docket::joint::Form::Number { bits: *bits },
            })
            .collect(),
        method: Method::Shares,
    };
    let plan = Plan {
        template: TemplateId::new("totals").unwrap(),
        ..plan(WarrantId([0; 16]), [Digest::default(); 2])
    };
    let computed = Computed {
        session,
        question: &question,
        plan: &plan,
        joint: &joint,
        attestations: &[],
        completed: "",
    };
    let given: Vec<Part> = given
        .into_iter()
        .map(|part| Part {
            frames: Digest::default(),
            part,
            opened: Vec::new(),
        })
        .collect();
    let offline = computed.words(&given, rows);
    match by_the_protocol {
        Ok(words) => {
            assert_eq!(words, columns);
            assert_eq!(offline.unwrap(), words);
        }
        // A bit above its width is refused with the rows.
        Err(_) => assert!(offline.is_err_and(|_| true)),
    }
}

#[test]
fn parts_are_read_as_the_protocol_reads_them() {
    let widths = [64, 1, 20, 33];
    for rows in [1_usize, 2, 7, 64] {
        let columns: Vec<Vec<u64>> = widths
            .iter()
            .map(|width| {
                let mask = u64::MAX >> (64 - width);
                (0..rows as u64)
                    .map(|row| !(row * 0x9e37_79b9) & mask)
                    .collect()
            })
            .collect();
        both_ways(&widths, &columns, |_| {});
        let bytes = parts(&Digest::default(), ("", ""), &widths, &columns)[0].len();
        for seat in 0..3 {
            for position in [0, 31, 32, 33, bytes / 2, bytes - 1] {
                both_ways(&widths, &columns, |parts| parts[seat][position] ^= 1);
            }
            both_ways(&widths, &columns, |parts| _ = parts[seat].pop());
            both_ways(&widths, &columns, |parts| parts[seat].push(0));
            both_ways(&widths, &columns, |parts| parts[seat].truncate(10));
        }
        both_ways(&widths, &columns, |parts| parts.swap(1, 2));
    }
}
