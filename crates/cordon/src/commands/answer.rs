//! `cordon answer`: opening an answer and writing it down.

use std::path::{Path, PathBuf};

use ::node::{
    api::types::{Act, AnswerTableView, AnswerView},
    config::write_private,
};
use clap::Args;
use serde_json::{Value, json};

use super::{Sign, sign};
use crate::{
    client::Client,
    connect::Connect,
    failure::{Failure, Result},
    output::{Out, write_raw},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon answer --home police --officer investigator.key --out answer.json \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60
  cordon answer --home police --officer investigator.key --csv --out answer.csv \\
    --reason \"for the bureau's analysts\" \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60

Opening is recorded (answer-disclosed), and so is every later look. A CSV file
proves nothing by itself: that it leaves, for whom and why, is signed (passed-on).")]
pub(crate) struct Answer {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
    /// Comma-separated values, one table after the other.
    #[arg(long, conflicts_with = "json", requires = "reason")]
    csv: bool,
    /// With --csv: for whom and why; authority and overseers read it.
    #[arg(long, requires = "csv")]
    reason: Option<String>,
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
        if let Some(reason) = &self.reason {
            return self.pass_on(&client, reason, out);
        }
        let answer = client.answer(&self.question)?;
        match (&self.out, out.is_json()) {
            (Some(path), _) => {
                write_private(path, pretty(&with_graph(&answer)?)?.as_bytes())?;
                written(&answer.question, path, out)
            }
            (None, true) => out.value(&with_graph(&answer)?),
            (None, false) => {
                show(&answer, out);
                Ok(())
            }
        }
    }

    /// States that the answer leaves as CSV, and takes it.
    fn pass_on(&self, client: &Client, reason: &str, out: &Out) -> Result<()> {
        let act = Act::PassOn {
            question: self.question.clone(),
            form: "csv".into(),
            reason: reason.into(),
        };
        sign(client, &act, &self.sign, out)?;
        let file = client.answer_csv(&self.question)?;
        match &self.out {
            Some(path) => {
                write_private(path, &file)?;
                written(&self.question, path, out)
            }
            None => {
                write_raw(&file);
                Ok(())
            }
        }
    }
}

fn written(question: &str, path: &Path, out: &Out) -> Result<()> {
    out.say(
        &format!("the answer is in {}", path.display()),
        &format!("答案已写入 {}", path.display()),
    );
    out.value(&json!({ "question": question, "out": path }))
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
