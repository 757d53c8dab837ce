//! Descriptions of tables: in TOML, in JSON, and guessed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/common.rs"]
mod common;

use common::{resident, take, write};
use data::{DatasetSpec, Disclosure, Source, city};
use primitives::semantic::Semantic;

#[test]
fn a_spec_survives_toml_and_json_and_refuses_unknown_fields() {
    let text = r#"
        name = "telecom_a.subscribers"
        kind = "subscribers"
        [source]
        type = "postgres"
        url = "postgres://u:p@h/d"
        table = "subs"
        [[columns]]
        name = "phone"
        source_name = "MSISDN"
        semantic = "phone"
        disclosure = "open"
        required = true
        [[keys]]
        name = "phone"
        columns = ["phone"]
    "#;
    let spec: DatasetSpec = toml::from_str(text).unwrap();
    spec.validate().unwrap();
    assert_eq!(spec.columns[0].semantic, Semantic::Phone);
    assert_eq!(spec.key_semantic("phone"), Some(Semantic::Phone));
    assert!(!format!("{spec:?}").contains("u:p"));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<DatasetSpec>(&json).unwrap(), spec);
    assert!(
        !serde_json::to_string(&spec.redacted())
            .unwrap()
            .contains("u:p")
    );
    assert!(toml::from_str::<DatasetSpec>(&text.replace("required", "requird")).is_err());
}

#[test]
fn the_citys_tables_validate() {
    let source = || Source::file("x.csv".into());
    for spec in [
        city::subscribers("telecom_a", source()),
        city::calls("telecom_b", source()),
        city::accounts("bank_a", source()),
        city::transfers("bank_d", source()),
        city::premises("power", source(), true),
        city::premises("water", source(), false),
        city::readings("power", source(), "kwh"),
    ] {
        spec.validate()
            .unwrap_or_else(|e| panic!("{}: {e}", spec.name));
    }
}

#[tokio::test]
async fn a_guess_reads_the_city_as_its_description_does() {
    let dir = tempfile::tempdir().unwrap();
    let id = resident("43132119950721583");
    let csv = format!("phone,holder,id_number\n158 1291 3979,Li,{id}\n+8613812913979,Wang,\n");
    let path = write(dir.path(), "s.csv", csv);
    let guessed = DatasetSpec::guess("telecom_a.subscribers", &path).unwrap();
    let described = city::subscribers("telecom_a", Source::file(path));
    assert_eq!(guessed.kind, "subscribers");
    assert_eq!(guessed.keys, described.keys);
    let roots = [
        take(&guessed, &dir.path().join("a"))
            .await
            .unwrap()
            .report()
            .root,
        take(&described, &dir.path().join("b"))
            .await
            .unwrap()
            .report()
            .root,
    ];
    assert_eq!(roots[0], roots[1]);
}

#[test]
fn a_guess_goes_by_values_and_discloses_nothing_it_is_unsure_of() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        "t.csv",
        "付款时间\t手机号\tref no\tzip\tn\tr\tnote\n\
         2018/11/11 08:00\t１５８１２９１３９７９\t6228018170772010000\t007\t1\t1.5\tx\n\
         2018/11/12 08:00\t15812913978\t6228018170772010001\t010\t2\t2\ty\n",
    );
    let spec = DatasetSpec::guess("x.t", &path).unwrap();
    let got: Vec<(&str, Semantic, Disclosure)> = spec
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.semantic, c.disclosure))
        .collect();
    assert_eq!(
        got,
        [
            ("c_____", Semantic::Timestamp, Disclosure::Never),
            ("phone", Semantic::Phone, Disclosure::Open),
            ("ref_no", Semantic::Account, Disclosure::Never),
            ("zip", Semantic::Text, Disclosure::Never),
            ("n", Semantic::Integer, Disclosure::Never),
            ("r", Semantic::Real, Disclosure::Never),
            ("note", Semantic::Text, Disclosure::Never),
        ]
    );
    assert_eq!(spec.time.as_deref(), Some("c_____"));
    assert!(DatasetSpec::guess("not a name", &path).is_err());
}

#[test]
fn a_guess_closes_what_does_not_fit_and_names_what_stands_twice() {
    let dir = tempfile::tempdir().unwrap();
    let csv = "caller,callee,at\nx,13800000001,y\nz,13800000002,w\n";
    let calls = DatasetSpec::guess("x.t", &write(dir.path(), "c.csv", csv)).unwrap();
    assert_eq!(calls.columns[0].disclosure, Disclosure::Never);
    assert_eq!(calls.keys, [], "no key over a closed column");

    let csv = "column_2,column_2\n1,2\n";
    let doubled = DatasetSpec::guess("x.t", &write(dir.path(), "d.csv", csv)).unwrap();
    let names: Vec<&str> = doubled.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["column_2", "column_4"]);
}

#[test]
fn a_file_of_endless_columns_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let start = std::time::Instant::now();
    for width in [257, 5_000, 1_000_000] {
        let path = write(dir.path(), "wide.csv", ",".repeat(width - 1));
        let refused = DatasetSpec::guess("x.t", &path).unwrap_err().to_string();
        assert!(refused.contains(&format!("{width} columns")), "{refused}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_damaged_parquet_file_is_trouble_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let files: [&[u8]; 4] = [
        include_bytes!("support/damaged.parquet"),
        include_bytes!("../../fuzz/corpus/parquet-rows/dictionary-of-two-thousand-million-values"),
        include_bytes!("../../fuzz/corpus/parquet-rows/page-header-with-a-list-of-truths"),
        include_bytes!("../../fuzz/corpus/parquet-rows/column-of-a-thousand-million-columns"),
    ];
    for bytes in files {
        let path = write(dir.path(), "t.parquet", bytes);
        let refused = DatasetSpec::guess("x.t", &path).unwrap_err().to_string();
        assert!(refused.contains("not a sound Parquet file"), "{refused}");
    }
}

#[test]
fn a_batch_of_long_lines_has_fewer_rows() {
    let dir = tempfile::tempdir().unwrap();
    let line = "x".repeat(1_000_000) + "\n";
    let csv = format!("note\n{}", line.repeat(24));
    let spec = DatasetSpec::guess("x.t", &write(dir.path(), "long.csv", csv)).unwrap();
    assert_eq!(spec.sample().unwrap()[0].sampled, 17, "16 MiB and a line");
}
