//! `cordon answer`: opening an answer and writing it down.

use std::path::PathBuf;

use ::node::{
    api::types::{Act, AnswerTableView, AnswerView},
    config::write_private,
};
use clap::Args;
use serde_json::{Value, json};

use super::{Sign, sign};
use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::{Out, write_raw},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon answer --home police --officer investigator.key \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 --csv --out answer.csv

Opening is recorded (answer-disclosed), and so is every later look.")]
pub(crate) struct Answer {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
    /// Comma-separated values, one table after the other.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write to a file that only its owner can read.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    sign: Sign,
}

impl Answer {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let client = self.connect.open()?;
        if !client.question(&self.question)?.disclosed {
            let act = Act::OpenAnswer {
                question: self.question.clone(),
            };
            sign(&client, &act, &self.sign, out)?;
        }
        let answer = client.answer(&self.question)?;
        match (&self.out, self.csv, out.is_json()) {
            (Some(path), as_csv, _) => {
                let text = if as_csv {
                    csv(&answer)
                } else {
                    pretty(&with_graph(&answer)?)?
                };
                write_private(path, text.as_bytes())?;
                out.say(
                    &format!("the answer is in {}", path.display()),
                    &format!("答案已写入 {}", path.display()),
                );
                out.value(&json!({ "question": answer.question, "out": path }))
            }
            (None, true, _) => {
                write_raw(csv(&answer).as_bytes());
                Ok(())
            }
            (None, false, true) => out.value(&with_graph(&answer)?),
            (None, false, false) => {
                show(&answer, out);
                Ok(())
            }
        }
    }
}

fn pretty(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    Ok(text.map_err(|error| Failure::trouble("json", error))? + "\n")
}

/// The text of a cell.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Shows an answer's tables to a person.
fn show(answer: &AnswerView, out: &Out) {
    for table in &answer.tables {
        out.line(format!(
            "step {}: {} ({} rows)",
            table.step,
            table.table,
            table.rows.len()
        ));
        let mut headings: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        headings.push("from");
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .zip(&table.origins)
            .map(|(row, origins)| {
                let mut cells: Vec<String> = row.iter().map(cell).collect();
                cells.push(institutions(origins).join(", "));
                cells
            })
            .collect();
        out.table(&headings, &rows);
        out.line("");
    }
}

fn institutions(origins: &[String]) -> Vec<&str> {
    origins
        .iter()
        .map(|origin| origin.split('/').next().unwrap_or(origin))
        .collect()
}

/// The answer as JSON; a chain of transfers with its graph beside the rows.
pub(crate) fn with_graph(answer: &AnswerView) -> Result<Value> {
    let mut value =
        serde_json::to_value(answer).map_err(|error| Failure::trouble("json", error))?;
    if answer.template == "follow-the-money" {
        value["graph"] = graph(&answer.tables);
    }
    Ok(value)
}

/// Accounts and the transfers between them; a transfer's hop is its step's, from 1.
fn graph(tables: &[AnswerTableView]) -> Value {
    let mut accounts = std::collections::BTreeMap::new();
    let mut transfers = Vec::new();
    for table in tables {
        let place = |name: &str| table.columns.iter().position(|column| column == name);
        let (Some(from), Some(to)) = (place("from_account"), place("to_account")) else {
            continue;
        };
        for row in &table.rows {
            let hop = u32::from(table.step) + 1;
            let (Some(a), Some(b)) = (row.get(from), row.get(to)) else {
                continue;
            };
            accounts.entry(cell(a)).or_insert(hop - 1);
            accounts.entry(cell(b)).or_insert(hop);
            let mut transfer = serde_json::Map::new();
            transfer.insert("hop".into(), hop.into());
            for (column, value) in table.columns.iter().zip(row) {
                transfer.insert(column.clone(), value.clone());
            }
            transfers.push(Value::Object(transfer));
        }
    }
    let accounts: Vec<Value> = accounts
        .into_iter()
        .map(|(account, distance)| json!({ "account": account, "distance": distance }))
        .collect();
    json!({ "accounts": accounts, "transfers": transfers })
}

/// The tables as comma-separated values (RFC 4180), an empty line between two.
fn csv(answer: &AnswerView) -> String {
    let mut text = String::new();
    for (number, table) in answer.tables.iter().enumerate() {
        if number > 0 {
            text.push_str("\r\n");
        }
        let heads = table.columns.iter().map(String::as_str).chain(["origin"]);
        push_csv_line(&mut text, heads);
        for (row, origins) in table.rows.iter().zip(&table.origins) {
            let mut cells: Vec<String> = row.iter().map(cell).collect();
            cells.push(origins.join(" "));
            push_csv_line(&mut text, cells.iter().map(String::as_str));
        }
    }
    text
}

fn push_csv_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            text.push(',');
        }
        // A spreadsheet runs a cell that begins like a formula; quoting alone
        // does not stop it.
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
            && !cell
                .trim_start_matches(['+', '-'])
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'.');
        let cell = if formula {
            format!("'{cell}")
        } else {
            cell.to_owned()
        };
        if cell.contains(['"', ',', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> AnswerView {
        let columns = ["from_account", "to_account", "kind"];
        let table = |step, rows: &[[&str; 3]]| AnswerTableView {
            step,
            table: "transfers".into(),
            columns: columns.map(str::to_owned).to_vec(),
            semantics: ["account", "account", "text"].map(str::to_owned).to_vec(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|c| json!(c)).collect())
                .collect(),
            origins: rows.iter().map(|_| vec!["bank_a/00".to_owned()]).collect(),
        };
        AnswerView {
            question: "q".into(),
            template: "follow-the-money".into(),
            tables: vec![
                table(0, &[["1", "2", "a,\"b\""]]),
                table(1, &[["2", "3", "=cmd()"]]),
            ],
            evaluated: vec![1, 1],
            bytes: 0,
            rounds: 0,
        }
    }

    #[test]
    fn csv_quotes_and_does_not_become_a_formula() {
        let text = csv(&answer());
        assert!(text.contains("1,2,\"a,\"\"b\"\"\",bank_a/00\r\n"));
        assert!(text.contains("2,3,'=cmd(),bank_a/00\r\n"));
        let mut line = String::new();
        push_csv_line(&mut line, ["+8613812345678", "-5"].into_iter());
        assert_eq!(line, "+8613812345678,-5\r\n");
    }

    #[test]
    fn a_chain_has_a_graph_with_distances() {
        let value = with_graph(&answer()).unwrap();
        let accounts = value["graph"]["accounts"].as_array().unwrap();
        let distances: Vec<_> = accounts
            .iter()
            .map(|a| a["distance"].as_u64().unwrap())
            .collect();
        assert_eq!(distances, [0, 1, 2]);
        assert_eq!(value["graph"]["transfers"][1]["hop"], 2);
    }
}
