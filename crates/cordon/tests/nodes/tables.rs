//! A handful of people, phones, accounts, calls and transfers at two telecoms
//! and two banks: small enough to know every answer by heart.

use std::path::{Path, PathBuf};

/// The data's window: the first week of March 2026.
pub(crate) const FROM_MS: u64 = 1_772_323_200_000;
pub(crate) const TO_MS: u64 = FROM_MS + 7 * 24 * 3_600_000;

/// A subject of the cases: its phone, at telecom_a.
pub(crate) const PHONE: &str = "phone:+8613800000001";
/// The same person's account, at bank_a.
pub(crate) const ACCOUNT: &str = "account:6228010000000001";
/// Somebody whom no warrant names, at telecom_a too.
pub(crate) const OTHER_PHONE: &str = "phone:+8613800000002";

/// A resident id with its check digit, for a person's number.
pub(crate) fn resident(number: u32) -> String {
    let first_17 = format!("43132119950721{number:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let digits = first_17.bytes().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    format!(
        "{first_17}{}",
        char::from(b"10X98765432"[sum as usize % 11])
    )
}

/// Writes the custodians' tables and gives `(institution, dataset, file)`.
pub(crate) fn write(folder: &Path) -> Vec<(&'static str, &'static str, PathBuf)> {
    let [one, two, three] = [1, 2, 3].map(resident);
    let accounts = "account,holder,id_number,phone,opened";
    let calls = "caller,callee,at,duration_s,cell";
    let transfers = "from_account,from_bank,to_account,to_bank,amount_cny,at,kind";
    let across =
        "6228010000000001,bank_a,6228020000000003,bank_b,9000.00,2026-03-02T10:00:00Z,transfer";
    let between = "13800000001,13800000003,2026-03-02 09:00:00,65,7";
    let files = [
        (
            "telecom_a",
            "subscribers",
            format!(
                "phone,holder,id_number\n+86 138-0000-0001,Li,{one}\n138 0000 0002,Wang,{two}\n"
            ),
        ),
        (
            "telecom_a",
            "calls",
            format!(
                "{calls}\n{between}\n13800000002,+8613800000001,2026-03-03 12:00:00,30,8\n\
             13800000001,13800000002,2026-02-03 12:00:00,30,8\n"
            ),
        ),
        (
            "telecom_b",
            "subscribers",
            format!(
                "phone,holder,id_number\n008613800000003,Zhao,{three}\n139-0000-0001,Li,{}\n",
                one.to_lowercase()
            ),
        ),
        (
            "telecom_b",
            "calls",
            format!("{calls}\n{between}\n13800000003,13900000009,2026-03-04 18:30:00,120,9\n"),
        ),
        (
            "bank_a",
            "accounts",
            format!(
                "{accounts}\n6228010000000001,Li,{one},13800000001,2016-01-17\n\
             6228010000000002,Wang,{two},,2016-01-18\n"
            ),
        ),
        (
            "bank_a",
            "transfers",
            format!(
                "{transfers}\n{across}\n\
             6228010000000001,bank_a,6228010000000002,bank_a,10.00,2026-03-02T11:00:00Z,transfer\n"
            ),
        ),
        (
            "bank_b",
            "accounts",
            format!(
                "{accounts}\n6228020000000001,Li,{one},13900000001,2017-05-01\n\
             6228020000000003,Zhao,{three},13800000003,2018-06-02\n"
            ),
        ),
        (
            "bank_b",
            "transfers",
            format!(
                "{transfers}\n{across}\n\
             6228020000000003,bank_b,6228020000000001,bank_b,8800.00,2026-03-02T11:30:00Z,transfer\n\
             6228020000000003,bank_b,6228020000000009,bank_b,8700.00,2026-03-05T11:30:00Z,transfer\n"
            ),
        ),
    ];
    let written = files.into_iter().map(|(institution, dataset, text)| {
        let path = folder.join(format!("{institution}.{dataset}.csv"));
        std::fs::write(&path, text).unwrap();
        (institution, dataset, path)
    });
    written.collect()
}
