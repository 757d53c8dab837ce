//! Files of one node's folder that are cut or have a bit flipped: it comes back with the
//! network's log or says what is wrong; it never has another log.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Net, record, try_start, until};

const LIMIT: Duration = Duration::from_secs(60);
const RECORDS: u64 = 24;
/// How long a damaged node has to come back or to say what is wrong. One that does
/// neither serves nothing wrong, and is counted.
const PATIENCE: Duration = Duration::from_secs(4);
/// Damages tried with every change; a long run takes more (`CORDON_DAMAGES`).
const TRIALS: usize = 12;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    for file in files(from) {
        let place = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&file, place).unwrap();
    }
}

/// The next of a sequence that is the same in every run.
fn next(state: &mut u64, below: usize) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    usize::try_from(*state >> 33).unwrap() % below.max(1)
}

/// Cuts the file, or flips one of its bits; says which.
fn damage(file: &Path, state: &mut u64) -> String {
    let mut bytes = fs::read(file).unwrap();
    let place = next(state, bytes.len());
    let what = if bytes.is_empty() || next(state, 2) == 0 {
        bytes.truncate(place);
        "cut"
    } else {
        bytes[place] ^= 1 << next(state, 8);
        "flipped"
    };
    fs::write(file, bytes).unwrap();
    format!("{} {what} at {place}", file.display())
}

#[derive(Debug, Default)]
struct Tally {
    whole: usize,
    refused: usize,
    stopped: usize,
    silent: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_folder_gives_the_networks_log_or_an_error() {
    let mut net = Net::new(4, 0);
    net.leg_blocks = 8;
    net.start_all(4).await;
    for n in 0..RECORDS {
        net.ledger(0)
            .submit(record(format!("one/{n}")))
            .await
            .unwrap();
    }
    let root = net.ledger(0).status().root;
    until("all to have it", LIMIT, || {
        (0..4).all(|n| net.ledger(n).status().signed == RECORDS)
    })
    .await;
    net.stop(3);
    let recipe = net.recipe(3);
    let folder = net.folder(3).to_owned();
    let kept = tempfile::tempdir().unwrap();
    let whole = kept.path().join("whole");
    fs::create_dir(&whole).unwrap();
    copy(&folder, &whole);
    let names = files(&whole);
    assert!(names.len() > 5, "{names:?}");
    let trials = std::env::var("CORDON_DAMAGES").map_or(TRIALS, |text| text.parse().unwrap());
    let (mut state, mut tally) = (1, Tally::default());
    for trial in 0..trials {
        copy(&whole, &folder);
        // Every file in turn, whatever its size.
        let name = names[trial % names.len()].strip_prefix(&whole).unwrap();
        let what = damage(&folder.join(name), &mut state);
        let host = match try_start(&recipe).await {
            Ok((host, _)) => host,
            Err(error) => {
                eprintln!("{what}: {error}");
                let said = error.to_string();
                assert!(said.starts_with("storage failed: "), "{what}: {said}");
                tally.refused += 1;
                continue;
            }
        };
        let ledger = host.ledger().clone();
        let began = Instant::now();
        loop {
            let status = ledger.status();
            assert!(status.size <= RECORDS, "{what}: records that nobody wrote");
            if status.size == RECORDS {
                assert_eq!(status.root, root, "{what}: another log");
                tally.whole += 1;
                break;
            }
            if status.stopped.is_some() {
                tally.stopped += 1;
                break;
            }
            if began.elapsed() > PATIENCE {
                eprintln!("{what}: {} of {RECORDS} records", status.size);
                tally.silent += 1;
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        host.stop();
    }
    eprintln!("{tally:?}");
    // The others went on with one log, and take a whole node back.
    copy(&whole, &folder);
    net.start(3).await;
    net.ledger(3).submit(record("after")).await.unwrap();
    // It is final at once where it was submitted; the others are a moment behind.
    until("all to have it", LIMIT, || {
        (0..4).all(|n| net.ledger(n).status().size == RECORDS + 1)
    })
    .await;
    let roots = (0..4).map(|n| net.ledger(n).status().root);
    assert_eq!(roots.collect::<BTreeSet<_>>().len(), 1);
}
