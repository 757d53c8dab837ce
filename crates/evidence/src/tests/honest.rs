//! Lawful cases make bundles that verify and say what happened.

use docket::{OfficerId, Statement};

use super::world::{Options, Played, World, id};
use crate::archive::read;
use crate::{Case, TrustAnchor, verify};

fn exported(options: &Options) -> (World, Played, Vec<u8>) {
    let mut world = World::founded();
    let played = world.play(options);
    let bytes = world.bundle(&played).unwrap();
    (world, played, bytes)
}

fn check(world: &World, bytes: &[u8]) -> Case {
    let network = Some(world.charter.network().unwrap());
    verify(bytes, &TrustAnchor { network }).unwrap()
}

#[test]
fn a_lawful_case_verifies_with_and_without_the_networks_id() {
    let (world, played, bytes) = exported(&Options::default());
    let case = check(&world, &bytes);
    assert_eq!(case.question, played.question);
    assert_eq!(case.warrant, played.warrant);
    assert_eq!(case.answer.rows(), 1);
    assert_eq!(case.sources.len(), 2);
    assert_eq!(
        case.timeline.last().unwrap().statement.kind(),
        "bundle-exported"
    );
    assert!(case.order.is_some() && case.subjects.is_some());
    assert!(verify(&bytes, &TrustAnchor::default()).is_ok());
}

#[test]
fn only_what_the_case_needs_is_in_it() {
    let (world, _, bytes) = exported(&Options::default());
    let case = check(&world, &bytes);
    // The steward of telecom_b was enrolled and never signed anything here.
    assert_eq!(case.timeline.len(), world.records.len() - 1);
    let enrolled = case
        .timeline
        .iter()
        .filter(|e| e.statement.kind() == "officer-enrolled");
    assert_eq!(enrolled.count(), 4);
    // The rules that approved, and those before them.
    let rules = case
        .timeline
        .iter()
        .filter(|e| e.statement.kind() == "rules-changed");
    assert_eq!(rules.count(), 2);
}

#[test]
fn who_only_read_the_docket_is_known_too() {
    let mut world = World::founded();
    let played = world.play(&Options::default());
    let consulted = Statement::Consulted {
        subject: played.question,
        reader: OfficerId(id("unused-1")),
        what: "docket".into(),
    };
    let follows = vec![played.question];
    world.put(
        "telecom_b",
        Some(played.warrant),
        follows,
        Vec::new(),
        consulted,
    );
    let bytes = world.bundle(&played).unwrap();
    let case = check(&world, &bytes);
    assert_eq!(case.timeline.len(), world.records.len());
}

#[test]
fn a_verifier_walks_through_a_change_of_members() {
    let mut world = World::founded();
    world.admit_bank();
    let played = world.play(&Options::default());
    assert_eq!(
        world.draft(&played).handovers().unwrap(),
        [world.epochs[1].0 - 1]
    );
    let bytes = world.bundle(&played).unwrap();
    let case = check(&world, &bytes);
    assert_eq!(case.changes, 1);
    assert_eq!(case.members.len(), 5);
}

#[test]
fn the_same_case_makes_the_same_bytes() {
    let mut world = World::founded();
    let played = world.play(&Options::default());
    let draft = world.draft(&played);
    let again = world.draft(&played);
    let export = world.export(&played, draft.content().unwrap());
    let receipts = world.receipts(draft.indices().chain([export.0]));
    let chain = world.chain(&receipts);
    let key =
        primitives::SigningKey::from_seed(&primitives::Digest::of("test key", &[b"police"]).0);
    let first = draft
        .finish(export.clone(), receipts.clone(), chain.clone(), &key)
        .unwrap();
    assert_eq!(again.finish(export, receipts, chain, &key).unwrap(), first);
}

#[test]
fn the_report_shows_the_case_and_runs_nothing() {
    let (_, _, bytes) = exported(&Options::default());
    let files = read(&bytes).unwrap();
    let report = String::from_utf8(files["report.html"].clone()).unwrap();
    for shown in [
        "&lt;李&gt;",
        "刑事诉讼法 &lt;第136条&gt;",
        "police &amp; co",
        "查明持有人",
        "Identify the holder",
        "+8615812913979",
        "2017-07-14 10:40:00",
        "up to 100 subjects",
    ] {
        assert!(report.contains(shown), "{shown}");
    }
    for absent in [
        "<script",
        "javascript:",
        "http://",
        "https://",
        "<李>",
        "src=",
    ] {
        assert!(!report.contains(absent), "{absent}");
    }
    let answer: serde_json::Value = serde_json::from_slice(&files["answer.json"]).unwrap();
    assert_eq!(answer["tables"][0]["rows"][0]["cells"][1], "<李>");
}

#[test]
fn a_long_answer_is_whole_in_json_and_short_in_the_report() {
    let options = Options {
        rows: 1_501,
        ..Options::default()
    };
    let (world, _, bytes) = exported(&options);
    assert_eq!(check(&world, &bytes).answer.rows(), 1_501);
    let files = read(&bytes).unwrap();
    let report = String::from_utf8(files["report.html"].clone()).unwrap();
    assert!(report.contains("501 more rows stand in answer.json."));
    assert_eq!(report.matches("+8615812913979").count(), 1_000 + 1);
    let answer: serde_json::Value = serde_json::from_slice(&files["answer.json"]).unwrap();
    assert_eq!(answer["tables"][0]["rows"].as_array().unwrap().len(), 1_501);
}

/// The bundles in the repository were made by earlier versions; only
/// `CORDON_WRITE_VECTORS=1 cargo test -p evidence yesterdays` makes the newest anew.
#[test]
fn yesterdays_bundles_verify_for_ever() {
    const NETWORK: &str = "85f807fa054d2c0c120c109017919f4fc51748444a5b243a30e5d4ebc57177e9";
    for (name, rooted) in [("bundle-1.zip", false), ("bundle-2.zip", true)] {
        let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
        let path = std::path::Path::new(vectors).join(name);
        if rooted && std::env::var_os("CORDON_WRITE_VECTORS").is_some() {
            let mut world = World::founded();
            world.admit_bank();
            let options = Options {
                rooted,
                ..Options::default()
            };
            let played = world.play(&options);
            std::fs::write(&path, world.bundle(&played).unwrap()).unwrap();
        }
        let network = Some(NETWORK.parse().unwrap());
        let bytes = std::fs::read(path).unwrap();
        let case = verify(&bytes, &TrustAnchor { network }).unwrap();
        assert_eq!((case.changes, case.answer.rows()), (1, 1));
        assert_eq!(case.lookups, rooted.then_some(2));
        let said = crate::report::report(&case).contains("opened again from what its custodian");
        assert_eq!(said, rooted);
    }
}
