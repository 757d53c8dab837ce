//! The oracle: pooled SQL finds what the snapshots' keys find.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/common.rs"]
mod common;

use common::{resident, take, write};
use data::pooled::Pool;
use data::{RowFilter, Source, Value, city};

const ALL: std::ops::RangeInclusive<u64> = 0..=u64::MAX;

/// A city of two telecoms and two banks, with careless phones and a chain of money.
fn small_city(folder: &std::path::Path) -> [String; 2] {
    let ids = [resident("43132119950721583"), resident("43138119950809482")];
    for institution in [
        "telecom_a",
        "telecom_b",
        "bank_a",
        "bank_b",
        "registry",
        "power",
    ] {
        std::fs::create_dir(folder.join(institution)).unwrap();
    }
    let [first, second] = &ids;
    let subscribers = [
        format!(
            "phone,holder,id_number\n+86 158-1291-3979,Li, {first}\n008613173638269,Wang,{second} \n"
        ),
        format!(
            "phone,holder,id_number\n177 3218 7614,Li,{}\nbad,Nobody,\n",
            first.to_lowercase()
        ),
    ];
    let accounts = [
        format!(
            "account,holder,id_number,phone,opened\n6228010000000001,Li,{first},15812913979,2016-01-17\n"
        ),
        format!(
            "account,holder,id_number,phone,opened\n6228020000000002,Wang,{second},,2016-01-18\n"
        ),
    ];
    let transfer =
        "6228010000000001,bank_a,6228020000000002,bank_b,1315.70,2018-11-11T00:08:57Z,transfer";
    let header = "from_account,from_bank,to_account,to_bank,amount_cny,at,kind";
    for (i, telecom) in ["telecom_a", "telecom_b"].iter().enumerate() {
        write(&folder.join(telecom), "subscribers.csv", &subscribers[i]);
        let calls =
            "caller,callee,at,duration_s,cell\n15812913979,17732187614,2018-11-11 00:00:00,60,1\n";
        write(&folder.join(telecom), "calls.csv", calls);
    }
    for (i, bank) in ["bank_a", "bank_b"].iter().enumerate() {
        write(&folder.join(bank), "accounts.csv", &accounts[i]);
        write(
            &folder.join(bank),
            "transfers.csv",
            format!("{header}\n{transfer}\n"),
        );
    }
    write(
        &folder.join("registry"),
        "residents.csv",
        "id_number,name,address,cell\n",
    );
    ids
}

#[tokio::test]
async fn pooled_sql_sees_every_institution_in_canonical_form() {
    let dir = tempfile::tempdir().unwrap();
    let [first, _] = small_city(dir.path());
    let pool = Pool::open(dir.path()).await.unwrap();
    let sql = format!(
        "SELECT institution, phone, holder FROM subscribers WHERE id_number = '{first}' ORDER BY institution"
    );
    let text = |t: &str| Value::Text(t.to_owned());
    assert!(
        pool.sql(&sql).await.unwrap()
            == [
                vec![text("telecom_a"), text("+8615812913979"), text("Li")],
                vec![text("telecom_b"), text("+8617732187614"), text("Li")],
            ]
    );
    let count = pool
        .sql("SELECT count(*), sum(amount_fen) FROM transfers")
        .await
        .unwrap();
    assert!(count == [vec![Value::Int(2), Value::Int(2 * 131_570)]]);
    let hop = "WITH RECURSIVE reached(account, hops) AS ( \
                 SELECT '6228010000000001', 0 UNION ALL \
                 SELECT t.to_account, r.hops + 1 FROM transfers t JOIN reached r ON t.from_account = r.account \
                 WHERE r.hops < 2 AND t.institution = 'bank_a') \
               SELECT account, hops FROM reached ORDER BY hops";
    let reached = pool.sql(hop).await.unwrap();
    assert!(reached[1] == [text("6228020000000002"), Value::Int(1)]);
    assert!(pool.sql("SELECT nothing FROM transfers").await.is_err());
}

#[tokio::test]
async fn a_key_finds_what_sql_finds() {
    let dir = tempfile::tempdir().unwrap();
    small_city(dir.path());
    let pool = Pool::open(dir.path()).await.unwrap();
    let spec = city::datasets(dir.path(), "telecom_a").remove(0);
    assert!(matches!(spec.source, Source::Csv { .. }));
    let taken = take(&spec, &dir.path().join("snapshot")).await.unwrap();
    let columns = ["phone", "holder", "id_number"].map(str::to_owned);
    let rows = taken
        .rows("phone", &[ALL], &RowFilter::default(), &columns)
        .await
        .unwrap();
    let mut found: Vec<_> = rows
        .collect()
        .await
        .unwrap()
        .into_iter()
        .map(|r| r.values)
        .collect();
    found.sort();
    let sql = "SELECT phone, holder, id_number FROM subscribers WHERE institution = 'telecom_a' ORDER BY phone";
    assert!(found == pool.sql(sql).await.unwrap());
    assert_eq!(found.len(), 2);
}
