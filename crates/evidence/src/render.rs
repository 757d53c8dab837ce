//! The files that people and programs read, written from a checked case.
//!
//! *Invariants*: a function of the case and nothing else, so that a verifier on
//! another machine, years later, writes the same bytes. Changing a word here
//! changes what yesterday's bundles are compared with, so a change comes with a
//! new bundle format (`docs/formats/bundle.md`).

use std::fmt::Write as _;

use serde::Serialize;

use crate::archive::Files;
use crate::case::Case;

/// The answer as JSON.
pub(crate) const ANSWER: &str = "answer.json";
/// The readable report.
pub(crate) const REPORT: &str = "report.html";
/// What this is and how to check it.
pub(crate) const README: &str = "README.txt";

/// All rendered files.
pub(crate) fn rendered(case: &Case) -> Files {
    Files::from([
        (ANSWER.to_owned(), answer(case).into_bytes()),
        (REPORT.to_owned(), crate::report::report(case).into_bytes()),
        (README.to_owned(), readme(case).into_bytes()),
    ])
}

/// JSON with one row a line, so that two answers can be compared by line.
fn answer(case: &Case) -> String {
    let answer = &case.answer;
    // Writing to a String can't fail.
    let mut out = String::new();
    let _ = write!(
        out,
        "{{\n \"network\": {},\n \"warrant\": {},\n \"question\": {},\n \"template\": {},\n \"tables\": [",
        json(&case.network),
        json(&case.warrant),
        json(&answer.question),
        json(&answer.template),
    );
    for (position, table) in answer.tables.iter().enumerate() {
        let _ = write!(
            out,
            "{}\n  {{\"step\": {}, \"table\": {}, \"columns\": {}, \"rows\": [",
            if position == 0 { "" } else { "," },
            table.step,
            json(&table.table),
            json(&table.columns),
        );
        for (position, row) in table.rows.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            let _ = write!(out, "{separator}\n   {}", json(row));
        }
        out.push_str("\n  ]}");
    }
    out.push_str("\n ]\n}\n");
    out
}

/// JSON text of one of the answer's parts: texts, numbers and lists always serialise.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn readme(case: &Case) -> String {
    format!(
        "Cordon 证据包 / evidence bundle\n\
         \n\
         网络 Network    {name}\n\
         {indent}{network}\n\
         令状 Warrant  {warrant}\n\
         查询 Question   {question}\n\
         \n\
         report.html    可读报告，中英文对照 / the report, in Chinese and English\n\
         answer.json    答案 / the answer\n\
         records/       账本上的签名记录 / signed records, as they stand on the ledger\n\
         receipts/      记录在账本上的证明 / proofs that they stand there\n\
         bodies/        已开启的内容及其盐值 / opened contents with their salts\n\
         charter/       网络的创始章程 / the network's founding charter\n\
         manifest.json  全部文件及其 SHA-256 / every file with its SHA-256\n\
         manifest.sig   导出机构的签名 / the exporting institution's signature\n\
         \n\
         校验（离线，无需信任导出机构）/ To check, offline and without trust in the exporter:\n\
         \n\
         {indent}cordon verify BUNDLE --network ID\n\
         \n\
         ID 是网络标识，须另向网络创始机构核实，不可取自本文件。\n\
         ID is the network's id; get it from the network's founders, not from this file.\n",
        name = case.network_name,
        network = case.network,
        warrant = case.warrant,
        question = case.question,
        indent = "               ",
    )
}
