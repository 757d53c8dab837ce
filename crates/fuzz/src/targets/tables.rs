//! Institutions' files: CSV, Parquet, snapshots and prepared tables.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use data::{Cancel, DatasetSpec, Snapshot, TakeOptions};
use mpc::{TableKey, lookup::Prepared};
use parquet::arrow::ArrowWriter;
use primitives::Digest;
use tempfile::TempDir;

use super::Target;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new(
            "csv",
            "a CSV file of an institution: header, guess and sample",
            csv_seeds,
            csv,
        )
        .smoke(600)
        .memory(16 << 20),
        Target::new(
            "parquet",
            "a Parquet file of an institution: header, guess and sample",
            parquet_seeds,
            parquet,
        )
        .smoke(1_000)
        .memory(64 << 20),
        Target::new(
            "csv-rows",
            "a CSV file's header and rows, in memory",
            csv_seeds,
            csv_rows,
        )
        .memory(16 << 20),
        Target::new(
            "parquet-rows",
            "a Parquet file's header and first rows, in memory",
            parquet_seeds,
            parquet_rows,
        )
        .memory(64 << 20),
        Target::new(
            "take",
            "a CSV file, guessed and taken as a snapshot",
            csv_seeds,
            take,
        )
        .smoke(12)
        .memory(256 << 20),
        Target::new(
            "snapshot",
            "a snapshot's description and files, as they lie in the data folder",
            snapshot_seeds,
            snapshot,
        )
        .smoke(150)
        .memory(64 << 20),
        Target::new(
            "prepared",
            "a prepared table of a lookup, as it lies in the data folder",
            prepared_seeds,
            prepared,
        )
        .smoke(1_000)
        .memory(8 << 20),
    ]
}

const CALLS: &str = "\u{feff}caller,callee,at,duration_s,cell\r\n\
13800000000,\"138 0000 0001\",2018-11-11 08:30:00,60,7\r\n\
+8613800000002,13800000000,2018-11-11T09:00:00+08:00,5,9\r\n\
12,too short,never,x,y\r\n";
const TRANSFERS: &str = "账号;to_account;金额;时间;note\n\
6222021234567890123;6222021234567890131;1,315.70;2018/11/11 08:30;\"a;b\"\n\
6222021234567890131;6222021234567890123;-1;20181111;\n";

fn csv_seeds() -> Vec<Vec<u8>> {
    let tabs = CALLS.replace(',', "\t");
    let quoted = "a,b\n\"x\"\"y\",\"line\nbreak\"\n";
    [CALLS, TRANSFERS, &tabs, quoted, "", "phone\n"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

/// A file with these bytes in a folder that vanishes.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join(name);
    let mut file = fs::File::create(&path).expect("a scratch file");
    file.write_all(bytes).expect("a scratch file");
    (folder, path)
}

fn guessed(path: &Path) -> Option<DatasetSpec> {
    let spec = DatasetSpec::guess("bank_a.table", path).ok()?;
    assert!(spec.validate().is_ok(), "a guess that does not validate");
    let samples = spec.sample().expect("what was guessed is sampled");
    assert_eq!(samples.len(), spec.columns.len());
    Some(spec)
}

fn csv(bytes: &[u8]) {
    let (_folder, path) = file("table.csv", bytes);
    let _ = guessed(&path);
}

fn parquet_seeds() -> Vec<Vec<u8>> {
    let columns: [(&str, ArrayRef); 3] = [
        (
            "phone",
            Arc::new(StringArray::from(vec![Some("13800000000"), None])),
        ),
        ("at", Arc::new(Int64Array::from(vec![1_541_896_259_250, 0]))),
        ("kwh", Arc::new(Float64Array::from(vec![0.25, f64::NAN]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("a batch that is written");
    writer.close().expect("a file that is closed");
    vec![bytes]
}

fn parquet(bytes: &[u8]) {
    let (_folder, path) = file("table.parquet", bytes);
    let _ = guessed(&path);
}

fn csv_rows(bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    if let Some(rows) = data::foreign::csv(bytes) {
        assert!(rows <= lines.count() + 1, "more rows than lines");
    }
}

fn parquet_rows(bytes: &[u8]) {
    let rows = data::foreign::parquet(bytes::Bytes::copy_from_slice(bytes));
    assert!(rows.is_none_or(|rows| rows <= data::limits::BATCH_ROWS));
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
});

fn taken(spec: &DatasetSpec, folder: &Path) -> Option<Snapshot> {
    let options = TakeOptions::new([7; 32], 1_700_000_000_000);
    let (mut progress, cancel) = (|_| (), Cancel::default());
    let taking = Snapshot::take(spec, folder, &options, &mut progress, &cancel);
    RUNTIME.block_on(taking).ok()
}

fn take(bytes: &[u8]) {
    let (folder, path) = file("table.csv", bytes);
    let Some(spec) = guessed(&path) else {
        return;
    };
    let target = folder.path().join("snapshot");
    match taken(&spec, &target) {
        Some(snapshot) => {
            let root = snapshot.recompute_root().ok();
            assert_eq!(root, Some(snapshot.report().root), "another root");
        }
        None => assert!(!target.exists(), "half a snapshot was left behind"),
    }
}

/// The list of a snapshot's checksums.
const SUMS: &str = "SHA256SUMS";

/// The files of a small snapshot.
static SNAPSHOT: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let (folder, path) = file("table.csv", CALLS.as_bytes());
    let spec = guessed(&path).expect("a table of calls");
    let target = folder.path().join("snapshot");
    taken(&spec, &target).expect("a snapshot");
    let mut files = Vec::new();
    for entry in fs::read_dir(&target).expect("the snapshot's folder") {
        let entry = entry.expect("a file of the snapshot");
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read(entry.path()).expect("a file")));
    }
    files.sort();
    files
});

/// The number of a file, and what it holds instead.
fn snapshot_seeds() -> Vec<Vec<u8>> {
    (0u8..)
        .zip(SNAPSHOT.iter())
        .map(|(number, (_, bytes))| [&[number], &bytes[..]].concat())
        .collect()
}

fn snapshot(bytes: &[u8]) {
    let Some((number, bytes)) = bytes.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let at = usize::from(*number) % SNAPSHOT.len();
    for (place, (name, original)) in SNAPSHOT.iter().enumerate() {
        let content = if place == at { bytes } else { original };
        fs::write(folder.path().join(name), content).expect("a scratch file");
    }
    // As whoever alters a file on purpose would.
    if SNAPSHOT[at].0 != SUMS {
        let mut lines = String::new();
        for (name, _) in SNAPSHOT.iter().filter(|(name, _)| name != SUMS) {
            let content = fs::read(folder.path().join(name)).expect("a scratch file");
            lines.push_str(&format!("{}  {name}\n", Digest::plain(&content)));
        }
        fs::write(folder.path().join(SUMS), lines).expect("a scratch file");
    }
    let Ok(snapshot) = Snapshot::open(folder.path()) else {
        return;
    };
    let _ = snapshot.recompute_root();
    for key in &snapshot.spec().keys {
        let _ = snapshot.inputs(&key.name).map(|mut inputs| inputs.next());
        let columns: Vec<String> = snapshot
            .spec()
            .columns
            .iter()
            .map(|c| c.name.clone())
            .collect();
        let filter = data::RowFilter::default();
        let all = [0..=u64::MAX];
        let rows = RUNTIME.block_on(async {
            let rows = snapshot.rows(&key.name, &all, &filter, &columns).await?;
            rows.collect().await
        });
        drop(rows);
    }
}

fn prepared_seeds() -> Vec<Vec<u8>> {
    use rand::{SeedableRng as _, rngs::StdRng};
    let key = TableKey::draw(&mut StdRng::seed_from_u64(1));
    let inputs = (0..40u8).map(|n| format!("phone:{n}").into_bytes());
    let prepared = Prepared::prepare(&key, [7; 32], 4, inputs, None).expect("a table");
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("table");
    prepared.save(&path).expect("a table that is saved");
    vec![fs::read(&path).expect("a table")]
}

fn prepared(bytes: &[u8]) {
    let (_folder, path) = file("table", bytes);
    if let Ok(table) = Prepared::open(&path) {
        super::lookup::ask_everything(&Arc::new(table));
    }
}
