//! Data folders and bundles of an older version, under this one.
//!
//! `crates/cordon/tests/releases` holds, for each release, the folders of a small
//! network that its own program left in the middle of a case. Every later version must
//! start on them, know what they knew, and go on; their README says how one is made.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use docket::{Duty, Role};
use evidence::TrustAnchor;
use node::api::types::{Act, DraftWarrant};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    cycles,
    tables::{self, PHONE},
    world::{LIMIT, PROGRAM, World, ask, assert_refused, draft, id},
};

/// The members of a kept network.
const MEMBERS: [(&str, &[Role]); 4] = [
    ("police", &[Role::Requester]),
    ("procuratorate", &[Role::Authority, Role::Overseer]),
    ("telecom_a", &[Role::Custodian]),
    ("bank_a", &[Role::Custodian]),
];
const CUSTODIANS: [&str; 2] = ["telecom_a", "bank_a"];
/// How long the kept case's warrant lasts: whoever opens the folders later finds it over.
const LIFE_MS: u64 = 60_000;

/// What the older version left, beside its folders.
#[derive(Serialize, Deserialize)]
struct Left {
    records: u64,
    root: String,
    /// A question whose answer was opened and whose bundle is `bundle.zip`.
    answered: String,
    rows: usize,
    /// A question that one custodian had approved.
    waiting: String,
    /// The warrant of both, and when it has run out.
    warrant: String,
    until_ms: u64,
}

fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases")
}

fn tar(folder: &Path, args: &[&str]) {
    let status = Command::new("tar").current_dir(folder).args(args).status();
    assert!(status.unwrap().success(), "tar {args:?}");
}

/// Plays half a case and packs what it left.
fn make(archive: &Path) {
    let world = World::of(&MEMBERS);
    world.enrol(vec![
        ("police", "investigator", vec![Duty::Investigator]),
        ("procuratorate", "judge", vec![Duty::Judge]),
        ("procuratorate", "auditor", vec![Duty::Auditor]),
        ("telecom_a", "approver", vec![Duty::Approver]),
        ("bank_a", "approver", vec![Duty::Approver]),
    ]);
    let all = tables::write(world.folder()).into_iter();
    let files: Vec<_> = all.filter(|(name, ..)| CUSTODIANS.contains(name)).collect();
    world.publish(&files);
    let warrant = world.warrant(DraftWarrant {
        life_ms: LIFE_MS,
        ..draft(&CUSTODIANS, &[PHONE])
    });
    let until_ms = cordon::client::now_ms() + LIFE_MS;
    let answer = world.answer(ask(&warrant, "identify"));
    let police = world.police();
    let export = Act::ExportBundle {
        question: answer.question.clone(),
    };
    police.act(&export).unwrap();
    let bundle = world.bundle(&police, &answer.question);
    let waiting = world.ask(ask(&warrant, "identify"));
    world.delivered(&waiting);
    world.approve("telecom_a", &waiting);
    let names = MEMBERS.map(|(name, _)| name);
    let root = world.same_root(&names);
    let (records, root) = root.split_once(' ').unwrap();
    let left = Left {
        records: records.parse().unwrap(),
        root: root.into(),
        rows: answer.tables.iter().map(|table| table.rows.len()).sum(),
        answered: answer.question,
        waiting,
        warrant,
        until_ms,
    };
    for name in names {
        world.network.stop(&id(name));
    }
    let folder = world.folder();
    let officers = folder.join("officers");
    world.network.write_officer_keys(&officers).unwrap();
    std::fs::write(folder.join("bundle.zip"), bundle).unwrap();
    let text = serde_json::to_string_pretty(&left).unwrap();
    std::fs::write(folder.join("left.json"), text).unwrap();
    for name in names {
        let log = folder.join("network").join(name).join("node.log");
        let _ = std::fs::remove_file(log);
    }
    let archive = archive.display().to_string();
    let what = ["network", "officers", "bundle.zip", "left.json"];
    tar(folder, &[&["-czf", &archive], &what[..]].concat());
}

/// Each release's folders start, hold what they held, and take up new cases on the
/// snapshots of then. `CORDON_KEEP_RELEASE=FILE` makes such folders instead.
#[test]
fn folders_and_bundles_of_every_release_serve_this_version() {
    if let Some(archive) = std::env::var_os("CORDON_KEEP_RELEASE") {
        make(Path::new(&archive));
        return;
    }
    let mut archives: Vec<PathBuf> = std::fs::read_dir(releases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "gz"))
        .collect();
    archives.sort();
    assert!(!archives.is_empty());
    for archive in archives {
        serves(&archive);
    }
}

fn serves(archive: &Path) {
    let folder = TempDir::new().unwrap();
    tar(folder.path(), &["-xzf", &archive.display().to_string()]);
    let left = std::fs::read(folder.path().join("left.json")).unwrap();
    let left: Left = serde_json::from_slice(&left).unwrap();
    let bundle = std::fs::read(folder.path().join("bundle.zip")).unwrap();
    let world = World::reopened(folder, PROGRAM.into());
    let names = MEMBERS.map(|(name, _)| name);

    // What it knew.
    let held = world.same_root(&names);
    let (records, root) = held.split_once(' ').unwrap();
    assert_eq!((records.parse(), root), (Ok(left.records), &left.root[..]));
    let anchor = TrustAnchor {
        network: Some(world.network.id()),
    };
    let case = evidence::verify(&bundle, &anchor).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(case.answer.rows(), left.rows);
    let police = world.police();
    let answer = police.answer(&left.answered).unwrap();
    let rows: usize = answer.tables.iter().map(|table| table.rows.len()).sum();
    assert_eq!(rows, left.rows);
    let again = world.bundle(&police, &left.answered);
    assert!(evidence::verify(&again, &anchor).is_ok());
    let docket = world.auditor().docket(&left.warrant).unwrap();
    assert!(docket.records.len() > 5, "{}", docket.records.len());

    // What was in progress stands where it stood, and the law goes on: the warrant of
    // then has run out.
    let waits = police.question(&left.waiting).unwrap();
    assert!(waits.decisions.len() == 2, "{:?}", waits.decisions);
    let bank = world.officer("bank_a", "approver");
    let approve = Act::Approve {
        question: left.waiting.clone(),
    };
    world.until("the end of the warrant of then", || {
        let now_ms = cordon::client::now_ms();
        Ok((now_ms > left.until_ms).then_some(()))
    });
    assert_refused("expired", bank.act(&approve));

    // New cases on the snapshots of old.
    let warrant = world.warrant(draft(&CUSTODIANS, &[PHONE]));
    let answer = world.answer(ask(&warrant, "identify"));
    let rows: usize = answer.tables.iter().map(|table| table.rows.len()).sum();
    assert_eq!(rows, left.rows);
    crate::case::evidence_holds(&world, &answer);
    for name in names {
        let waited = world.network.wait_healthy(&id(name), LIMIT, &world.stop);
        waited.unwrap_or_else(|e| panic!("{e}"));
    }
}

/// The members of a network are upgraded one after another, while records go on at the
/// others: nothing waits for the last, nothing is lost. `CORDON_OLD_PROGRAM=FILE` begins
/// with another version; else it is a restart of one after another.
#[test]
fn members_are_upgraded_one_after_another_while_records_go_on() {
    let old = std::env::var_os("CORDON_OLD_PROGRAM").map_or(PROGRAM.into(), PathBuf::from);
    let world = World::in_folder(TempDir::new().unwrap(), &MEMBERS, old);
    let enrol = |institution: &str, handle: String| {
        let enrolled = cycles::enrol(&world, institution, &handle);
        enrolled.unwrap_or_else(|e| panic!("{e}"));
    };
    let names = MEMBERS.map(|(name, _)| name);
    for (n, name) in names.iter().enumerate() {
        world.network.stop(&id(name));
        for other in names.iter().filter(|other| *other != name) {
            enrol(other, format!("while-{n}"));
        }
        let started = world.network.start_with(&id(name), Path::new(PROGRAM));
        started.unwrap();
        let waited = world.network.wait_healthy(&id(name), LIMIT, &world.stop);
        waited.unwrap_or_else(|e| panic!("{e}\n{}", world.log(name)));
        enrol(name, format!("after-{n}"));
    }
    let held = world.same_root(&names);
    assert!(held.starts_with("16 "), "{held}");
}
