//! Snapshots from careless files: what is rejected, what is committed, what is found.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/common.rs"]
mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{SALT, resident, take, write};
use data::{
    Cancel, ColumnSpec, DatasetSpec, Disclosure, ErrorKind, KeySpec, RowFilter, Rule, Snapshot,
    Source, TakeOptions, Value, bucket_hash, city,
};
use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use primitives::semantic::{Period, Selector, Semantic};

const ALL: std::ops::RangeInclusive<u64> = 0..=u64::MAX;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|c| (*c).to_owned()).collect()
}

fn input_of(selector: &str) -> Vec<u8> {
    selector.parse::<Selector>().unwrap().to_input()
}

fn write_parquet(path: &std::path::Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[tokio::test]
async fn careless_subscribers_are_committed_and_bad_rows_reported() {
    let dir = tempfile::tempdir().unwrap();
    let id = resident("43132119950721583");
    let mut csv = format!(
        "\u{FEFF}phone,holder,id_number\r\n\
         008613173638269,\"Li, Wei\", {id} \r\n\
         +86 158-1291-3979,,\r\n\
         12,Nobody,{id}\r\n\
         15812913979,Two,431321199507215830\r\n\
         ,No phone,{id}\r\n\
         15812913978,too,many,fields\r\n"
    )
    .into_bytes();
    csv.extend_from_slice(b"15812913977,\xB2\xE2,\r\n");
    csv.extend_from_slice(b"15812913979,Again,\r\n");
    let path = write(dir.path(), "subscribers.csv", csv);
    let spec = city::subscribers("telecom_a", Source::file(path));

    let taken = take(&spec, &dir.path().join("s")).await.unwrap();
    let report = taken.report();
    assert_eq!(
        (report.rows, report.source_rows, report.rejected_total),
        (3, 8, 5)
    );
    let rejected: Vec<(u64, Option<&str>)> = report
        .rejected
        .iter()
        .map(|r| (r.row, r.column.as_deref()))
        .collect();
    assert_eq!(
        rejected,
        [
            (3, Some("phone")),
            (4, Some("id_number")),
            (5, Some("phone")),
            (6, None),
            (7, None)
        ]
    );
    let listed = serde_json::to_string(&report.rejected).unwrap();
    for value in ["Nobody", "15812913", "4313"] {
        assert!(!listed.contains(value), "the report names a value");
    }
    assert_eq!(taken.recompute_root().unwrap(), report.root);

    let opened = Snapshot::open(taken.folder()).unwrap();
    assert_eq!(opened.report(), report);
    let inputs: Vec<_> = opened
        .inputs("phone")
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut expected: Vec<(u64, Vec<u8>)> = ["phone:13173638269", "phone:15812913979"]
        .map(|s| (bucket_hash(&SALT, &input_of(s)), input_of(s)))
        .to_vec();
    expected.sort();
    assert_eq!(inputs, expected);
    assert_eq!(opened.key_report("phone").unwrap().entries, 3);
    assert_eq!(opened.key_report("id_number").unwrap().entries, 1);

    let rows = opened
        .rows(
            "id_number",
            &[ALL],
            &RowFilter::default(),
            &names(&["holder", "phone"]),
        )
        .await
        .unwrap();
    let rows = rows.collect().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].input, input_of(&format!("id:{id}")));
    assert!(rows[0].values == [text("Li, Wei"), text("+8613173638269")]);
    assert_eq!(
        rows[0].canonical(),
        primitives::cbor::encode(&rows[0].values).unwrap()
    );
}

#[tokio::test]
async fn the_same_rows_give_the_same_root_from_csv_and_typed_parquet() {
    let dir = tempfile::tempdir().unwrap();
    let csv = write(
        dir.path(),
        "t.csv",
        "from_account;from_bank;to_account;to_bank;amount_cny;at;kind\n\
         6228 0155 6216 4110 697;BANK_A;6228041745306574293;bank_d;\"1,315.70\";2018-11-11 08:08:57+08:00;transfer\n\
         12345678;;87654321;;-5;2018-11-12T00:00:00Z;\n",
    );
    let parquet = dir.path().join("t.parquet");
    let micros = vec![1_541_894_937_000_000, 1_541_980_800_000_000];
    write_parquet(
        &parquet,
        vec![
            (
                "kind",
                Arc::new(StringArray::from(vec![Some("transfer"), None])),
            ),
            (
                "from_account",
                Arc::new(Int64Array::from(vec![
                    6_228_015_562_164_110_697,
                    12_345_678,
                ])),
            ),
            (
                "from_bank",
                Arc::new(StringArray::from(vec![Some("bank_a"), Some("")])),
            ),
            (
                "to_account",
                Arc::new(StringArray::from(vec!["6228041745306574293", "87654321"])),
            ),
            (
                "to_bank",
                Arc::new(StringArray::from(vec![Some("bank_d"), None])),
            ),
            (
                "amount_cny",
                Arc::new(
                    Decimal128Array::from(vec![131_570, -500])
                        .with_precision_and_scale(18, 2)
                        .unwrap(),
                ),
            ),
            (
                "at",
                Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")),
            ),
        ],
    );
    let first = take(
        &city::transfers("bank_a", Source::file(csv)),
        &dir.path().join("a"),
    )
    .await
    .unwrap();
    let second = take(
        &city::transfers("bank_a", Source::file(parquet)),
        &dir.path().join("b"),
    )
    .await
    .unwrap();
    assert_eq!(first.report().rejected, []);
    assert_eq!(first.report().rows, 2);
    assert_eq!(first.report().root, second.report().root);
    let daily: Vec<_> = first
        .inputs("from_account_day")
        .unwrap()
        .map(|i| i.unwrap().1)
        .collect();
    let expected: BTreeSet<Vec<u8>> = [
        "account:6228015562164110697@2018-11-11",
        "account:12345678@2018-11-12",
    ]
    .map(input_of)
    .into();
    assert_eq!(daily.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn floats_are_read_only_where_no_digit_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.parquet");
    let phones = vec![
        Some(15_812_913_979.0),
        Some(f64::NAN),
        Some(1.5),
        Some(1e11),
    ];
    let accounts = vec![Some(12_345_678.0), None, Some(87_654_321.0), Some(6.228e18)];
    write_parquet(
        &path,
        vec![
            ("phone", Arc::new(Float64Array::from(phones))),
            ("account", Arc::new(Float64Array::from(accounts))),
            (
                "kwh",
                Arc::new(Float64Array::from(vec![1.31, 0.1 + 0.2, -0.5, 1.0])),
            ),
            ("cell", Arc::new(Int32Array::from(vec![1, 2, 3, 4]))),
        ],
    );
    let spec = DatasetSpec {
        columns: vec![
            ColumnSpec::open("phone", Semantic::Phone),
            ColumnSpec::open("account", Semantic::Account),
            ColumnSpec::open("kwh", Semantic::Real),
            ColumnSpec::open("cell", Semantic::Integer),
        ],
        keys: vec![KeySpec::over("cell", &["cell"])],
        ..city::subscribers("x", Source::file(path))
    };
    let taken = take(&spec, &dir.path().join("s")).await.unwrap();
    let reasons: Vec<&str> = taken
        .report()
        .rejected
        .iter()
        .map(|r| r.reason.as_str())
        .collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    let columns = names(&["phone", "account", "kwh", "cell"]);
    let rows = taken
        .rows("cell", &[ALL], &RowFilter::default(), &columns)
        .await
        .unwrap();
    let mut rows = rows.collect().await.unwrap();
    rows.sort_by_key(|r| r.row);
    assert!(
        rows[0].values
            == [
                text("+8615812913979"),
                text("12345678"),
                Value::Int(1_310_000),
                Value::Int(1)
            ]
    );
    assert!(rows[1].values == [Value::Null, Value::Null, Value::Int(300_000), Value::Int(2)]);
}

fn calls_csv(rows: usize) -> String {
    let mut csv = String::from("caller,callee,at,duration_s,cell\n");
    for i in 0..rows {
        let (a, b) = (i * 7919 % 5000, i * 104_729 % 5000);
        csv.push_str(&format!(
            "138{a:08},139{b:08},{},{},{}\n",
            1_541_894_400 + i * 60,
            i % 3600,
            i % 30
        ));
    }
    csv
}

#[tokio::test]
async fn rows_by_bucket_equal_rows_by_scan() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "calls.csv", calls_csv(30_000));
    let taken = take(
        &city::calls("telecom_a", Source::file(path)),
        &dir.path().join("s"),
    )
    .await
    .unwrap();
    assert_eq!(taken.key_report("party").unwrap().entries, 60_000);
    let columns = names(&["caller", "callee", "at"]);
    let all = taken
        .rows("party", &[ALL], &RowFilter::default(), &columns)
        .await
        .unwrap();
    let all = all.collect().await.unwrap();
    assert_eq!(all.len(), 60_000);
    assert!(all.is_sorted_by_key(|r| (r.bucket_hash, r.input.clone(), r.row)));
    let inputs: Vec<_> = taken.inputs("party").unwrap().map(Result::unwrap).collect();
    let distinct: BTreeSet<_> = all
        .iter()
        .map(|r| (r.bucket_hash, r.input.clone()))
        .collect();
    assert_eq!(inputs, distinct.into_iter().collect::<Vec<_>>());

    // More ranges than the engine is given, so that the cover's extra rows are dropped here.
    let ranges: Vec<_> = (0..200_u64)
        .map(|i| i << 56 | 0xFF..=i << 56 | 0x7F_FFFF_FFFF_FFFF)
        .collect();
    let window_ms = 1_541_894_400_000 + 5 * 86_400_000..1_541_894_400_000 + 9 * 86_400_000;
    let filter = RowFilter {
        window_ms: Some(window_ms.clone()),
        min_amount_minor: None,
    };
    let some = taken
        .rows("party", &ranges, &filter, &columns)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let expected: Vec<_> = all
        .into_iter()
        .filter(|r| ranges.iter().any(|range| range.contains(&r.bucket_hash)))
        .filter(|r| {
            r.values[2]
                .as_int()
                .is_some_and(|at| window_ms.contains(&at))
        })
        .collect();
    assert!(!expected.is_empty());
    assert!(some == expected);
    let none = taken
        .rows("party", &[], &filter, &columns)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(none.len(), 0);
}

#[tokio::test]
async fn least_amount_and_day_bind() {
    let dir = tempfile::tempdir().unwrap();
    let mut csv = String::from("from_account,from_bank,to_account,to_bank,amount_cny,at,kind\n");
    for (amount, at) in [
        ("9.99", "2018-11-11 23:59:59"),
        ("10", "2018-11-11 00:00"),
        ("11", "2018-11-12 00:00"),
    ] {
        csv.push_str(&format!(
            "62280181,bank_a,62280182,bank_b,{amount},{at},x\n"
        ));
    }
    let path = write(dir.path(), "t.csv", csv);
    let taken = take(
        &city::transfers("bank_a", Source::file(path)),
        &dir.path().join("s"),
    )
    .await
    .unwrap();
    let filter = RowFilter {
        window_ms: None,
        min_amount_minor: Some(1000),
    };
    let columns = names(&["amount_fen"]);
    let rows = taken
        .rows("from_account_day", &[ALL], &filter, &columns)
        .await
        .unwrap();
    let rows = rows.collect().await.unwrap();
    let mut found: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                Selector::from_input(&r.input).unwrap().period().unwrap(),
                r.values[0].as_int(),
            )
        })
        .collect();
    found.sort();
    let day = Period::from_day(17846);
    assert_eq!(
        found,
        [(day, Some(1000)), (day.next().unwrap(), Some(1100))]
    );
}

#[tokio::test]
async fn refusals_name_rule_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        "r.csv",
        "premise,at,kwh,extra\nP1,2018-11-11 00:00,1.5,x\n",
    );
    let spec = city::readings("power", Source::file(path.clone()), "kwh");
    let taken = take(&spec, &dir.path().join("s")).await.unwrap();
    let rows = async |key: &str, filter: RowFilter, columns: &[&str]| {
        let error = taken
            .rows(key, &[ALL], &filter, &names(columns))
            .await
            .err()
            .expect("refused");
        (error.rule().expect("a refusal"), error.to_string())
    };
    let least = RowFilter {
        window_ms: None,
        min_amount_minor: Some(1),
    };
    let (rule, text) = rows("premise_day", RowFilter::default(), &["kwh"]).await;
    assert_eq!(rule, Rule::DisclosureOpen);
    assert!(text.contains("power.readings.kwh"), "{text}");
    assert_eq!(
        rows("premise_day", RowFilter::default(), &["extra"])
            .await
            .0,
        Rule::ColumnKnown
    );
    assert_eq!(
        rows("premise", RowFilter::default(), &[]).await.0,
        Rule::KeyKnown
    );
    assert_eq!(rows("premise_day", least, &[]).await.0, Rule::FilterColumn);
    assert_eq!(
        taken.inputs("none").err().and_then(|e| e.rule()),
        Some(Rule::KeyKnown)
    );

    let refused = async |change: &dyn Fn(&mut DatasetSpec)| {
        let mut spec = spec.clone();
        change(&mut spec);
        let error = take(&spec, &dir.path().join("t"))
            .await
            .expect_err("refused");
        error.rule().expect("a refusal")
    };
    assert_eq!(
        refused(&|s| s.name = "Power/../x.readings".into()).await,
        Rule::SpecValid
    );
    assert_eq!(
        refused(&|s| s.keys[0].name = "../x".into()).await,
        Rule::SpecValid
    );
    assert_eq!(
        refused(&|s| s.columns[0].source_name = "nothing".into()).await,
        Rule::ColumnKnown
    );
    assert_eq!(
        refused(&|s| s.keys[0].columns = names(&["kwh"])).await,
        Rule::DisclosureKey
    );
    assert_eq!(
        refused(&|s| s.time = Some("kwh".into())).await,
        Rule::ColumnKnown
    );
    assert_eq!(
        take(&spec, &dir.path().join("s"))
            .await
            .err()
            .and_then(|e| e.rule()),
        Some(Rule::SnapshotAbsent)
    );
    let options = TakeOptions {
        memory_bytes: 1,
        ..TakeOptions::new(SALT, 0)
    };
    let small = Snapshot::take(
        &spec,
        &dir.path().join("u"),
        &options,
        &mut |_| {},
        &Cancel::default(),
    )
    .await;
    assert_eq!(small.err().and_then(|e| e.rule()), Some(Rule::Limit));

    let mut hidden = spec.clone();
    hidden.columns[1].disclosure = Disclosure::Never;
    let hidden = take(&hidden, &dir.path().join("h")).await.unwrap();
    let window = RowFilter {
        window_ms: Some(0..1),
        min_amount_minor: None,
    };
    let error = hidden
        .rows("premise_day", &[ALL], &window, &[])
        .await
        .err()
        .unwrap();
    assert_eq!(error.rule(), Some(Rule::DisclosureCompare));

    let binary = dir.path().join("b.parquet");
    let raw: ArrayRef = Arc::new(datafusion::arrow::array::BinaryArray::from(vec![&b"x"[..]]));
    write_parquet(
        &binary,
        vec![
            ("premise", Arc::clone(&raw)),
            ("at", Arc::clone(&raw)),
            ("kwh", raw),
        ],
    );
    let spec = city::readings("power", Source::file(binary), "kwh");
    assert_eq!(
        take(&spec, &dir.path().join("v"))
            .await
            .err()
            .and_then(|e| e.rule()),
        Some(Rule::ColumnKind)
    );
}

#[tokio::test]
async fn a_stopped_snapshot_leaves_nothing_and_leftovers_are_cleaned() {
    let dir = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let path = write(data.path(), "calls.csv", calls_csv(20_000));
    let spec = city::calls("telecom_a", Source::file(path));
    let (options, target) = (TakeOptions::new(SALT, 0), dir.path().join("s"));
    let cancel = Cancel::default();
    let mut stop = |_| cancel.cancel();
    let error = Snapshot::take(&spec, &target, &options, &mut stop, &cancel)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), &ErrorKind::Cancelled);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(Snapshot::open(&target).is_err());

    // What a killed process leaves: a partial folder beside the whole one.
    take(&spec, &target).await.unwrap();
    let partial = dir.path().join(".partial-s-0123456789abcdef");
    std::fs::create_dir(&partial).unwrap();
    std::fs::copy(target.join("rows.parquet"), partial.join("rows.parquet")).unwrap();
    assert_eq!(Snapshot::clean(dir.path()).unwrap(), 1);
    assert!(!partial.exists());
    assert_eq!(Snapshot::open(&target).unwrap().report().rows, 20_000);
    let left: BTreeSet<_> = std::fs::read_dir(&target)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = [
        "SHA256SUMS",
        "inputs_party.parquet",
        "key_party.parquet",
        "rows.parquet",
        "snapshot.json",
    ];
    assert_eq!(left, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn damaged_files_are_trouble_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let endless = format!(
        "premise,address,holder_id_number\nP1,\"{}",
        "x".repeat(3 * 1024 * 1024)
    );
    let path = write(dir.path(), "endless.csv", endless);
    let spec = city::premises("water", Source::file(path), false);
    let error = take(&spec, &dir.path().join("s")).await.err().unwrap();
    assert!(error.to_string().contains("quote"), "{error}");
    assert!(matches!(
        error.kind(),
        ErrorKind::Trouble { retry: false, .. }
    ));

    let path = write(dir.path(), "no.parquet", "PAR1 not really PAR1");
    let spec = city::premises("water", Source::file(path), false);
    assert!(matches!(
        take(&spec, &dir.path().join("s"))
            .await
            .err()
            .unwrap()
            .kind(),
        ErrorKind::Trouble { retry: false, .. }
    ));

    let path = write(
        dir.path(),
        "p.csv",
        "premise,address,holder_id_number\nP1,a,\n",
    );
    let spec = city::premises("water", Source::file(path), false);
    let taken = take(&spec, &dir.path().join("s")).await.unwrap();
    for file in [
        "key_premise.parquet",
        "inputs_premise.parquet",
        "rows.parquet",
        "snapshot.json",
    ] {
        let path = taken.folder().join(file);
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 3, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let rows = match taken
                .rows("premise", &[ALL], &RowFilter::default(), &[])
                .await
            {
                Ok(rows) => rows.collect().await.map(|_| ()),
                Err(error) => Err(error),
            };
            let inputs = taken
                .inputs("premise")
                .and_then(|mut i| i.try_for_each(|x| x.map(|_| ())));
            let results = [rows, inputs, taken.recompute_root().map(|_| ())];
            let failed = results.iter().filter(|r| r.is_err()).count();
            let due = usize::from(file != "snapshot.json");
            assert_eq!(failed, due, "{file} cut to {cut} bytes");
            assert!(Snapshot::open(taken.folder()).is_err(), "{file} at {cut}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

/// A byte of a page that changed may read as another row; whoever opens the snapshot
/// again is told the file.
#[tokio::test]
async fn no_file_of_a_snapshot_opens_with_one_bit_flipped() {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..200).map(|n| format!("P{n},street {n},\n")).collect();
    let text = format!("premise,address,holder_id_number\n{rows}");
    let path = write(dir.path(), "p.csv", text);
    let spec = city::premises("water", Source::file(path), false);
    let taken = take(&spec, &dir.path().join("s")).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(taken.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 7);
    for path in files {
        let whole = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for at in (0..whole.len()).step_by(1 + whole.len() / 60) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            let error = Snapshot::open(taken.folder()).unwrap_err().to_string();
            let named = error.contains(name) || ["snapshot.json", "SHA256SUMS"].contains(&name);
            assert!(named, "{name} at {at}: {error}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(Snapshot::open(taken.folder()).is_err(), "{name} is gone");
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(Snapshot::open(taken.folder()).is_ok());
}

#[tokio::test]
async fn an_empty_table_has_the_empty_root() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "p.csv", "premise,address,holder_id_number\n");
    let taken = take(
        &city::premises("water", Source::file(path), false),
        &dir.path().join("s"),
    )
    .await
    .unwrap();
    assert_eq!(taken.report().root, proof::Frontier::new().root());
    assert_eq!(taken.inputs("premise").unwrap().count(), 0);
    let rows = taken
        .rows(
            "premise",
            &[ALL],
            &RowFilter::default(),
            &names(&["address"]),
        )
        .await
        .unwrap();
    assert_eq!(rows.collect().await.unwrap().len(), 0);
}

/// The label is `mpc`'s: both rooms must see the same bucket in an input.
#[test]
fn the_bucket_hash_is_pinned() {
    let digest = primitives::Digest::of("cordon/mpc/bucket/v1", &[&SALT, b"x"]);
    let first = u64::from_be_bytes(digest.as_bytes()[..8].try_into().unwrap());
    assert_eq!(bucket_hash(&SALT, b"x"), first);
}

/// This test runs itself again as a child, and kills it between its first file and
/// its last.
#[test]
fn a_killed_snapshot_is_not_there_and_the_next_one_is_whole() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(folder) = std::env::var_os("DATA_TEST_CHILD") {
        let folder = std::path::PathBuf::from(folder);
        let spec = city::calls("telecom_a", Source::file(folder.join("calls.csv")));
        runtime
            .block_on(take(&spec, &folder.join("snapshots/s")))
            .unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "calls.csv", calls_csv(100_000));
    let parent = dir.path().join("snapshots");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_snapshot_is_not_there_and_the_next_one_is_whole",
        ])
        .env("DATA_TEST_CHILD", dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let partial = || {
        std::fs::read_dir(&parent)
            .ok()?
            .next()?
            .ok()
            .map(|e| e.path())
    };
    while !partial().is_some_and(|p| p.join("rows.parquet").exists()) {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the child ended before it was killed"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let target = parent.join("s");
    assert!(Snapshot::open(&target).is_err());
    assert_eq!(Snapshot::clean(&parent).unwrap(), 1);
    let spec = city::calls("telecom_a", Source::file(path));
    let taken = runtime.block_on(take(&spec, &target)).unwrap();
    assert_eq!(taken.report().rows, 100_000);
    assert_eq!(taken.recompute_root().unwrap(), taken.report().root);
}
