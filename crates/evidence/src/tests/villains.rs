//! A police node, and even a whole quorum, that signs what the law does not allow.
//! The records are on the ledger, the receipts are good, and the bundle is refused.

use docket::Statement;
use docket::body::Opened;
use docket::plan::Answer;
use primitives::Digest;

use super::world::{HOUR_MS, Options, World, id, seal};
use crate::content::Content;
use crate::{Finding, TrustAnchor, verify};

fn refused(bytes: &[u8]) -> Finding {
    match verify(bytes, &TrustAnchor::default()) {
        Ok(_) => panic!("accepted"),
        Err(refused) => refused.findings[0].clone(),
    }
}

fn check(options: &Options, rule: &str, kind: &str) {
    let mut world = World::founded();
    let played = world.play(options);
    let finding = refused(&world.forged(&played));
    assert_eq!(finding.rule, rule, "{options:?}: {finding}");
    assert!(finding.file.contains(kind), "{options:?}: {finding}");
    // Nor does an honest builder make such a bundle.
    assert!(world.bundle(&played).is_err());
}

#[test]
fn a_missing_approval() {
    let approving = vec!["telecom_b"];
    let options = Options {
        approving,
        ..Options::default()
    };
    check(&options, "approval-missing", "inputs-committed");
}

#[test]
fn an_expired_warrant() {
    let options = Options {
        life_ms: HOUR_MS,
        wait_ms: HOUR_MS,
        ..Options::default()
    };
    check(&options, "expired", "-approved");
}

#[test]
fn a_revoked_warrant() {
    let options = Options {
        revoked: true,
        ..Options::default()
    };
    check(&options, "revoked", "-approved");
}

#[test]
fn an_approval_by_the_police() {
    let options = Options {
        approver: "police/investigator-1",
        ..Options::default()
    };
    check(&options, "duty", "-approved");
}

#[test]
fn an_approval_that_no_rule_in_force_covers() {
    let options = Options {
        rule_cap: Some(29_999),
        ..Options::default()
    };
    check(&options, "standing-rule", "-approved");
}

#[test]
fn a_row_from_a_table_that_was_not_asked() {
    let options = Options {
        origin: "bank_z",
        ..Options::default()
    };
    check(&options, "answer-mismatch", "-answer");
}

#[test]
fn parts_of_a_joint_answer_where_nothing_was_shared() {
    let options = Options {
        parts: true,
        ..Options::default()
    };
    check(&options, "answer-mismatch", "-answer");
}

/// An honest case whose content the test then bends.
fn bent(bend: impl FnOnce(&mut World, &mut Content)) -> Finding {
    let mut world = World::founded();
    let played = world.play(&Options::default());
    let draft = world.draft(&played);
    let export = world.export(&played, draft.content().unwrap());
    let indices: Vec<u64> = draft.indices().chain([export.0]).collect();
    let receipts = world.receipts(indices.iter().copied());
    let records: Vec<_> = indices
        .iter()
        .map(|at| world.records[usize::try_from(*at).unwrap()].clone())
        .collect();
    let number = |digest| records.iter().position(|r| r.digest == digest).unwrap() + 1;
    let bodies = played
        .bodies
        .iter()
        .map(|(of, o)| (number(*of), o.clone()))
        .collect();
    let mut content = Content {
        charter: world.charter.clone(),
        chain: world.chain(&receipts),
        records,
        receipts,
        bodies,
        lookups: Vec::new(),
    };
    bend(&mut world, &mut content);
    refused(&seal(&content, &played))
}

#[test]
fn a_record_from_another_case() {
    let finding = bent(|world, content| {
        let draft = content
            .records
            .iter()
            .position(|r| r.kind() == "warrant-drafted")
            .unwrap();
        let mut header = content.records[draft].header.clone();
        header.warrant = Some(primitives::WarrantId([9; 16]));
        let key = primitives::SigningKey::from_seed(
            &Digest::of("test key", &[b"police/investigator-1"]).0,
        );
        header.time_ms = world.now_ms;
        // It is on the ledger, lawful and proven; it is only not of this case.
        let foreign = docket::Record::sign(&header, &key).unwrap();
        world.tree.append(proof::leaf_hash(&foreign.bytes));
        world.records.push(foreign.clone());
        content.records.push(foreign);
        let index = world.tree.size() - 1;
        let indices: Vec<u64> = content
            .receipts
            .iter()
            .map(|r| r.index())
            .chain([index])
            .collect();
        content.receipts = world.receipts(indices.into_iter());
    });
    assert_eq!(finding.rule, "same-case");
    assert!(finding.file.ends_with("-warrant-drafted.cose"), "{finding}");
}

#[test]
fn subjects_other_than_the_orders() {
    let options = Options {
        blinded: "13900000000",
        ..Options::default()
    };
    check(&options, "subjects", "-subjects");
}

/// Exports an honest case with bent bodies, to which the export commits.
fn with_bodies(bend: impl FnOnce(&mut World, &mut Vec<(Digest, Opened)>)) -> Finding {
    let mut world = World::founded();
    let mut played = world.play(&Options::default());
    bend(&mut world, &mut played.bodies);
    refused(&world.forged(&played))
}

#[test]
fn an_answer_that_was_not_disclosed() {
    let finding = with_bodies(|_, bodies| {
        let (_, opened) = bodies.last_mut().unwrap();
        let mut answer: Answer = primitives::cbor::decode(&opened.body, 1 << 20).unwrap();
        answer.tables[0].rows[0].cells[1] = docket::plan::Cell::Text("其他".into());
        *opened = Opened {
            salt: opened.salt,
            ..Opened::new(&answer).unwrap()
        };
    });
    assert_eq!(finding.rule, "parts");
    assert!(finding.file.ends_with("-answer.cbor"), "{finding}");
}

#[test]
fn a_body_added_after_the_export() {
    let finding = bent(|_, content| {
        let (_, subjects) = content.bodies[1].clone();
        assert_eq!(subjects.label, "subjects");
        let drafted = content
            .records
            .iter()
            .position(|r| r.kind() == "warrant-drafted");
        content.bodies.insert(0, (drafted.unwrap() + 1, subjects));
    });
    assert_eq!(finding.rule, "exported");
}

#[test]
fn a_body_that_the_exporter_may_not_read() {
    let finding = with_bodies(|world, bodies| {
        let text = "for the telecom alone".into();
        let reason = Opened::new(&docket::body::Reason { text }).unwrap();
        let denied = Statement::Denied {
            rule: "scope".into(),
            act: "ask".into(),
        };
        let warrant = world.records.last().unwrap().header.warrant;
        let parts = vec![reason.part(vec![id("telecom_a")])];
        let record = world.put("telecom_a", warrant, Vec::new(), parts, denied);
        bodies.push((record, reason));
    });
    assert_eq!(finding.rule, "reader");
    assert!(finding.file.ends_with("-reason.cbor"), "{finding}");
}

#[test]
fn a_bundle_without_its_plan() {
    let finding = with_bodies(|_, bodies| bodies.retain(|(_, opened)| opened.label != "plan"));
    assert_eq!(finding.rule, "missing-file");
    assert!(finding.file.ends_with("-plan.cbor"), "{finding}");
}

#[test]
fn a_receipt_by_too_few_or_by_strangers() {
    let finding = bent(|world, content| {
        world.epochs[0].1 = vec!["police", "telecom_a", "telecom_b"];
        let indices: Vec<u64> = content.receipts.iter().map(|r| r.index()).collect();
        content.receipts = world.receipts(indices.into_iter());
    });
    assert_eq!(
        (finding.file.as_str(), finding.rule.as_str()),
        ("receipts/0001.cbor", "quorum")
    );
    let finding = bent(|world, content| {
        world.epochs[0].1 = vec!["a", "b", "c", "d", "e"];
        let indices: Vec<u64> = content.receipts.iter().map(|r| r.index()).collect();
        content.receipts = world.receipts(indices.into_iter());
    });
    assert_eq!(finding.rule, "cosigner-is-member");
}

#[test]
fn members_who_admit_themselves() {
    // The bank's admission is proven by validators of whom it is already one.
    let mut world = World::founded();
    world.admit_bank();
    let played = world.play(&Options::default());
    let handover = world.epochs[1].0;
    world.epochs[0].1 = vec!["police", "bank_a", "telecom_a", "telecom_b"];
    let finding = refused(&world.forged(&played));
    assert_eq!(finding.rule, "cosigner-is-member");
    let vote = world.records[usize::try_from(handover).unwrap() - 1].clone();
    assert!(matches!(
        vote.header.statement,
        Statement::ChangeVoted { .. }
    ));
    assert_eq!(vote.header.institution, id("telecom_a"));
}

#[test]
fn two_logs() {
    let finding = bent(|world, content| {
        // The last record's receipt is over a log that parts from the others'.
        let mut fork = World::founded();
        for record in &world.records[fork.records.len()..] {
            fork.tree.append(proof::leaf_hash(&record.bytes));
        }
        let mut leaves: Vec<Digest> = (0..fork.tree.size())
            .map(|i| fork.tree.leaf(i).unwrap())
            .collect();
        leaves[3] = Digest::plain(b"another history");
        fork.tree = leaves.into_iter().collect();
        fork.now_ms = world.now_ms;
        let last = content.receipts.pop().unwrap();
        content
            .receipts
            .extend(fork.receipts([last.index()].into_iter()));
        content.chain = vec![Vec::new()];
    });
    assert_eq!(
        (finding.file.as_str(), finding.rule.as_str()),
        ("receipts/chain.cbor", "one-log")
    );
    assert!(
        finding.detail.contains("telecom_a"),
        "the evidence names who cosigned both: {finding}"
    );
}

#[test]
fn a_date_after_the_cosignatures() {
    let finding = bent(|world, content| {
        world.now_ms -= HOUR_MS;
        let indices: Vec<u64> = content.receipts.iter().map(|r| r.index()).collect();
        content.receipts = world.receipts(indices.into_iter());
    });
    assert_eq!(finding.rule, "time-skew");
}

/// An officer who writes down a row that no custodian sent, or takes one away.
#[test]
fn rows_that_the_custodians_did_not_send() {
    for rows in [0, 2] {
        let options = Options {
            rooted: true,
            rows,
            ..Options::default()
        };
        check(&options, "lookups", "answer");
    }
}

#[test]
fn lookups_left_out_or_beside_a_plan_that_has_none() {
    let options = Options {
        rooted: true,
        ..Options::default()
    };
    let mut world = World::founded();
    let mut played = world.play(&options);
    let lookups = std::mem::take(&mut played.lookups);
    let finding = refused(&world.forged(&played));
    assert_eq!(
        (finding.rule.as_str(), finding.file.as_str()),
        ("lookups", "lookups/")
    );
    let mut world = World::founded();
    let mut played = world.play(&Options::default());
    played.lookups = lookups;
    let finding = refused(&world.forged(&played));
    assert_eq!(finding.rule, "lookups");
    assert_eq!(finding.file, "lookups/0001.cbor");
}
