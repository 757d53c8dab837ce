//! Where an answer comes from, by whose order, computed how, and who has seen it;
//! and the answer as a table for other programs.

use std::collections::BTreeSet;

use docket::{
    Plan, State, Statement,
    body::Order,
    plan::{Cell, Source},
    state::Question,
};
use primitives::{
    Digest, WarrantId,
    semantic::{Normal, Semantic},
};

use crate::{
    api::types::{
        AnswerTableView, AnswerView, ApprovalView, EventView, OrderView, ProvenanceView, RunView,
        SeenView, SourceView, StepProvenance,
    },
    core::{Core, Index, Indexed},
    error::{Error, Result},
    requester::RunResult,
    store::Shelf,
};

fn event(indexed: &Indexed) -> EventView {
    let header = &indexed.record.header;
    EventView {
        record: indexed.record.digest.to_string(),
        index: indexed.index,
        time_ms: indexed.time_ms,
        institution: header.institution.to_string(),
        officer: header.officer.as_ref().map(ToString::to_string),
    }
}

fn event_of(index: &Index, record: &Digest) -> Result<EventView> {
    index
        .get(record)
        .map(event)
        .ok_or_else(|| Error::refused("not-found", format!("no record {record}")))
}

/// Where a question's answer comes from.
///
/// # Errors
/// A refusal where the warrant was not issued, trouble while the plan is on its way.
pub(crate) fn provenance(
    core: &Core,
    id: &WarrantId,
    question: &Digest,
    known: &Question,
) -> Result<ProvenanceView> {
    let state = core.state();
    let warrant = state
        .warrant(id)
        .ok_or_else(|| Error::refused("warrant-unknown", format!("no warrant {id}")))?;
    let issued = warrant
        .issued
        .ok_or_else(|| Error::refused("warrant-unknown", "the warrant was not issued"))?;
    let plan: Plan = core.body_of(question)?;
    let order: Option<Order> = core.body_of(&issued).ok();
    let result: Option<RunResult> = core.store.get(Shelf::Results, &question.0)?;
    let index = core.read_index();
    let records = Records::of(&index, id, question, known);
    let evaluated = records.run.as_ref().map(|run| run.evaluated.clone());
    Ok(ProvenanceView {
        question: question.to_string(),
        warrant: id.to_string(),
        template: known.template.to_string(),
        plan: known.plan.to_string(),
        asked: event_of(&index, question)?,
        drafted: event_of(&index, &warrant.draft)?,
        order: OrderView {
            event: event_of(&index, &issued)?,
            basis: order.as_ref().map(|order| order.basis.clone()),
            window_ms: order.map(|order| [order.window.from_ms, order.window.to_ms]),
        },
        steps: steps(&plan, evaluated.as_deref().unwrap_or_default()),
        sources: sources(&state, &index, &plan),
        approvals: records.approvals,
        run: records.run.map(|run| RunView {
            bytes: result.as_ref().map(|result| result.bytes),
            rounds: result.as_ref().map(|result| result.rounds),
            ..run
        }),
        disclosed: records.disclosed,
        seen: records.seen,
        exported: records.exported,
        passed_on: records.passed_on,
    })
}

/// The records of one question in its docket.
#[derive(Default)]
struct Records {
    approvals: Vec<ApprovalView>,
    run: Option<RunView>,
    disclosed: Vec<EventView>,
    seen: Vec<SeenView>,
    exported: Vec<EventView>,
    passed_on: Vec<EventView>,
}

impl Records {
    fn of(index: &Index, id: &WarrantId, question: &Digest, known: &Question) -> Self {
        let mut found = Self::default();
        // What is read of an answer names its disclosure; of a question, itself.
        let mut subjects: BTreeSet<Digest> = known.disclosed.iter().copied().collect();
        subjects.insert(*question);
        for indexed in index.docket(id) {
            match &indexed.record.header.statement {
                Statement::Consulted {
                    subject,
                    reader,
                    what,
                } if subjects.contains(subject) => found.seen.push(SeenView {
                    event: event(indexed),
                    reader: reader.to_string(),
                    what: what.clone(),
                }),
                statement if statement.question() == Some(question) => {
                    found.take(indexed, statement);
                }
                _ => {}
            }
        }
        found
    }

    fn take(&mut self, indexed: &Indexed, statement: &Statement) {
        match statement {
            Statement::Approved { by_rule, .. } => self.approvals.push(ApprovalView {
                institution: indexed.record.header.institution.to_string(),
                by_rule: by_rule.clone(),
                event: event(indexed),
            }),
            Statement::RunCompleted {
                attestations,
                evaluated,
                ..
            } => {
                self.run = Some(RunView {
                    event: event(indexed),
                    attestations: attestations
                        .iter()
                        .map(|attestation| attestation.institution.to_string())
                        .collect(),
                    evaluated: evaluated.clone(),
                    bytes: None,
                    rounds: None,
                });
            }
            Statement::AnswerDisclosed { .. } => self.disclosed.push(event(indexed)),
            Statement::BundleExported { .. } => self.exported.push(event(indexed)),
            Statement::PassedOn { .. } => self.passed_on.push(event(indexed)),
            _ => {}
        }
    }
}

fn steps(plan: &Plan, evaluated: &[u32]) -> Vec<StepProvenance> {
    (0u8..)
        .zip(&plan.steps)
        .map(|(number, step)| {
            let (text_en, text_zh) = query::explain_step(usize::from(number), step);
            let derived = step.sources.iter().any(|s| matches!(s, Source::Step(_)));
            let (computed_en, computed_zh) = if derived {
                (
                    "Labelled private set intersection on a verifiable oblivious function (RFC 9497); the selectors of earlier rows were vouched for by their custodians.",
                    "基于可验证不经意函数（RFC 9497）的带标签隐私求交；由前序结果派生的查询值由其数据方担保。",
                )
            } else {
                (
                    "Labelled private set intersection on a verifiable oblivious function (RFC 9497), over the subjects that the authority blinded.",
                    "基于可验证不经意函数（RFC 9497）的带标签隐私求交，对象由签发机构盲化。",
                )
            };
            StepProvenance {
                step: number,
                text_en,
                text_zh,
                computed_en: computed_en.into(),
                computed_zh: computed_zh.into(),
                evaluated: evaluated.get(usize::from(number)).copied(),
            }
        })
        .collect()
}

fn sources(state: &State, index: &Index, plan: &Plan) -> Vec<SourceView> {
    let mut all = Vec::new();
    for custodian in &plan.custodians {
        for table in &custodian.tables {
            let Some(snapshot) = state.snapshot(&table.snapshot) else {
                continue;
            };
            let statement = &snapshot.statement;
            let name = state
                .member(&custodian.institution)
                .map_or_else(|| custodian.institution.to_string(), |m| m.name.clone());
            all.push(SourceView {
                origin: format!("{}/{}", custodian.institution, table.snapshot),
                institution: custodian.institution.to_string(),
                name,
                dataset: table.dataset.clone(),
                table: table.table.clone(),
                snapshot: table.snapshot.to_string(),
                root: statement.root.to_string(),
                rows: statement.rows,
                rejected: statement.rejected,
                extracted_ms: statement.extracted_ms,
                method: statement.method.clone(),
                published: index.get(&statement.dataset).map(event),
                committed: index.get(&table.snapshot).map(event),
            });
        }
    }
    all
}

/// The semantic types of a table's columns, as the plan's snapshots were published.
#[must_use]
pub(crate) fn semantics(
    state: &State,
    plan: Option<&Plan>,
    table: &str,
    columns: &[String],
) -> Vec<String> {
    let entry = plan
        .into_iter()
        .flat_map(|plan| &plan.custodians)
        .flat_map(|custodian| &custodian.tables)
        .filter(|known| known.table == table)
        .find_map(|known| {
            let snapshot = state.snapshot(&known.snapshot)?;
            state.dataset(&snapshot.statement.dataset)
        });
    columns
        .iter()
        .map(|name| {
            let columns = entry.iter().flat_map(|dataset| &dataset.entry.columns);
            let found = columns.clone().find(|column| column.name == *name);
            found.map_or_else(|| "text".into(), |column| column.semantic.clone())
        })
        .collect()
}

/// An answer as comma-separated values, UTF-8 with a byte order mark so that
/// spreadsheets read Chinese.
#[must_use]
pub(crate) fn csv(answer: &AnswerView) -> Vec<u8> {
    let mut columns: Vec<(&str, &str)> = Vec::new();
    for table in &answer.tables {
        for (name, semantic) in table.columns.iter().zip(&table.semantics) {
            if !columns.iter().any(|(known, _)| known == name) {
                columns.push((name, semantic));
            }
        }
    }
    let mut out = String::from("\u{feff}step,table");
    for (name, _) in &columns {
        out.push(',');
        out.push_str(&field(name));
    }
    out.push_str(",origins\r\n");
    for table in &answer.tables {
        for (row, origins) in table.rows.iter().zip(&table.origins) {
            out.push_str(&format!("{},{}", table.step + 1, field(&table.table)));
            for (name, _) in &columns {
                out.push(',');
                out.push_str(&cell(table, row, name));
            }
            out.push(',');
            out.push_str(&field(&origins.join(" ")));
            out.push_str("\r\n");
        }
    }
    out.into_bytes()
}

fn cell(table: &AnswerTableView, row: &[serde_json::Value], name: &str) -> String {
    let Some(place) = table.columns.iter().position(|column| column == name) else {
        return String::new();
    };
    let semantic = table.semantics.get(place).map(String::as_str);
    match row.get(place) {
        Some(serde_json::Value::String(text)) => field(text),
        Some(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(number) => field(&number_text(number, semantic)),
            None => field(&number.to_string()),
        },
        _ => String::new(),
    }
}

/// A whole number as its column means it; money stays in fen, as its column's
/// name says.
fn number_text(number: i64, semantic: Option<&str>) -> String {
    let known = [Semantic::Timestamp, Semantic::Date, Semantic::Real]
        .into_iter()
        .find(|known| Some(known.name()) == semantic);
    match known {
        Some(semantic) if semantic.check_int(number).is_ok() => semantic.text(&Normal::Int(number)),
        _ => number.to_string(),
    }
}

/// A field of RFC 4180. What a spreadsheet would run as a formula is shown as text:
/// a custodian's row must not act on the investigator's machine.
fn field(text: &str) -> String {
    let number = text
        .strip_prefix(['+', '-'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let text = if formula && !number {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A cell of an answer as JSON.
#[must_use]
pub(crate) fn json(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Int(number) => (*number).into(),
        Cell::Text(text) => text.clone().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, &str)], rows: Vec<Vec<serde_json::Value>>) -> AnswerTableView {
        AnswerTableView {
            step: 0,
            table: "transfers".into(),
            columns: columns.iter().map(|(name, _)| (*name).into()).collect(),
            semantics: columns
                .iter()
                .map(|(_, semantic)| (*semantic).into())
                .collect(),
            origins: rows.iter().map(|_| vec!["bank_a/00".into()]).collect(),
            rows,
        }
    }

    #[test]
    fn a_row_is_written_as_its_columns_mean_it() {
        let answer = AnswerView {
            question: String::new(),
            template: "follow-the-money".into(),
            tables: vec![
                table(
                    &[("amount_fen", "money"), ("at", "timestamp")],
                    vec![vec![131_570.into(), 1_764_000_000_000i64.into()]],
                ),
                table(
                    &[("at", "timestamp"), ("kind", "text")],
                    vec![vec![serde_json::Value::Null, "a \"b\", c".into()]],
                ),
            ],
            evaluated: vec![],
            bytes: 0,
            rounds: 0,
        };
        let text = String::from_utf8(csv(&answer)).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "step,table,amount_fen,at,kind,origins",
                "1,transfers,131570,2025-11-24T16:00:00.000Z,,bank_a/00",
                "1,transfers,,,\"a \"\"b\"\", c\",bank_a/00",
                ""
            ]
        );
    }

    #[test]
    fn a_cell_never_becomes_a_formula() {
        for text in [
            "=1+1",
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "\t=1",
            "＝1",
        ] {
            assert!(
                field(text).trim_start_matches('"').starts_with('\''),
                "{text}"
            );
        }
        assert_eq!(field("+8613800000000"), "+8613800000000");
        assert_eq!(field("-12"), "-12");
    }
}
