//! A table larger than the memory for sorting: it spills, and the process stays small.
//! Alone in its program, so that the peak is this test's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/common.rs"]
mod common;

use std::io::Write as _;

use common::SALT;
use data::{Cancel, RowFilter, Snapshot, Source, Stage, TakeOptions, city};

const ROWS: usize = 300_000;
/// What the whole process may take: engine, program and 32 MiB for sorting. The table
/// is 60 MiB of entries a key before sorting.
const PEAK_KIB_MAX: u64 = 400 * 1024;

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_large_table_is_sorted_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("transfers.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(
        file,
        "from_account,from_bank,to_account,to_bank,amount_cny,at,kind"
    )
    .unwrap();
    for i in 0..ROWS {
        let (from, to) = (i * 7919 % 50_000, i * 104_729 % 50_000);
        let at = 1_541_894_400 + i;
        writeln!(
            file,
            "62280100000{from:08},bank_a,62280200000{to:08},bank_b,{i}.25,{at},transfer"
        )
        .unwrap();
    }
    drop(file);

    let options = TakeOptions {
        memory_bytes: 32 * 1024 * 1024,
        ..TakeOptions::new(SALT, 0)
    };
    let mut sorted = 0;
    let mut progress = |p: data::Progress| {
        if let (Stage::Sorting { .. }, Some(of)) = (p.stage, p.of_rows) {
            assert_eq!(of, ROWS as u64);
            sorted += 1;
        }
    };
    let spec = city::transfers("bank_a", Source::file(path));
    let folder = dir.path().join("s");
    let taken = Snapshot::take(&spec, &folder, &options, &mut progress, &Cancel::default())
        .await
        .unwrap();
    assert!(sorted > 2 * ROWS / 20_000);
    assert_eq!(taken.report().rows, ROWS as u64);
    assert_eq!(taken.key_report("from_account").unwrap().inputs, 50_000);
    assert_eq!(taken.recompute_root().unwrap(), taken.report().root);

    let inputs = taken.inputs("from_account").unwrap().map(Result::unwrap);
    let wanted: Vec<_> = inputs.step_by(500).map(|(hash, _)| hash..=hash).collect();
    let columns = ["amount_fen".to_owned()];
    let rows = taken
        .rows("from_account", &wanted, &RowFilter::default(), &columns)
        .await
        .unwrap();
    let rows = rows.collect().await.unwrap();
    assert_eq!(rows.len(), wanted.len() * ROWS / 50_000);
    let peak = peak_kib();
    assert!(peak < PEAK_KIB_MAX, "peak {peak} KiB");
}
