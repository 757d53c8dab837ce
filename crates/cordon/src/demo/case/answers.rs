//! The answers of the case: written down with what was asked, and compared with
//! what was planted.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use node::api::types::AnswerView;
use primitives::semantic::{Selector, Semantic};
use serde_json::{Value, json};

use super::question_of;
use crate::{
    commands::answer,
    demo::{scene::Scene, stage::Stage},
    failure::Result,
    found,
};

/// What was asked, beside the answer: enough to ask the same in plain SQL.
pub(super) fn asked(scene: &Scene, warrant: &str, template: &str) -> Value {
    let ask = question_of(scene, warrant, template);
    let wanted = match template {
        "call-contacts" => Some(Semantic::Phone),
        "follow-the-money" => Some(Semantic::Account),
        _ => None,
    };
    let subjects: Vec<String> = scene
        .subjects
        .iter()
        .filter_map(|text| text.parse::<Selector>().ok())
        .filter(|selector| wanted.is_none_or(|wanted| selector.semantic() == wanted))
        .map(|selector| selector.to_string())
        .collect();
    json!({
        "warrant": warrant,
        "template": template,
        "subjects": subjects,
        "window_ms": scene.window_ms,
        "hops": ask.hops,
        "min_amount_minor": ask.min_amount_minor,
        "within_ms": ask.within_ms,
        "custodians": scene.custodians,
    })
}

/// Writes an answer with what was asked.
pub(super) fn write_answer(path: &Path, answer: &AnswerView, asked: &Value) -> Result<()> {
    let mut value = answer::with_graph(answer)?;
    value["asked"] = asked.clone();
    found::write_json(path, &value)
}

/// Counts what an answer holds, against what was planted where that is known.
pub(super) fn count(
    scene: &Scene,
    answer: &AnswerView,
    found: &mut BTreeMap<String, u64>,
    stage: &Stage,
) {
    let rows: usize = answer.tables.iter().map(|table| table.rows.len()).sum();
    let evaluated: u32 = answer.evaluated.iter().sum();
    found.insert(format!("{}.rows", answer.template), rows as u64);
    let kilobytes = answer.bytes / 1_000;
    stage.say(
        &format!(
            "{rows} rows; {evaluated} selectors looked up, {kilobytes} kB in {} rounds",
            answer.rounds
        ),
        &format!(
            "{rows} 行；查询 {evaluated} 个选择符，{kilobytes} kB，{} 轮",
            answer.rounds
        ),
    );
    let Some(case) = &scene.planted else { return };
    let column = |name: &str| -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for table in &answer.tables {
            let Some(place) = table.columns.iter().position(|column| column == name) else {
                continue;
            };
            values.extend(
                table
                    .rows
                    .iter()
                    .filter_map(|row| row.get(place))
                    .map(answer::cell),
            );
        }
        values
    };
    match answer.template.as_str() {
        "follow-the-money" => {
            let reached = column("to_account");
            let planted: BTreeSet<&String> =
                case.chain.iter().map(|s| &s.transfer.to_account).collect();
            let hit = planted
                .iter()
                .filter(|account| reached.contains(**account))
                .count();
            found.insert("planted-accounts".into(), planted.len() as u64);
            found.insert("planted-accounts-reached".into(), hit as u64);
            stage.say(
                &format!(
                    "{hit} of the {} accounts that the money was planted to reach",
                    planted.len()
                ),
                &format!("查到预设资金去向账户 {} 个中的 {hit} 个", planted.len()),
            );
        }
        "identify" => {
            let ids = column("id_number");
            let victims = case
                .victims
                .iter()
                .filter(|victim| ids.contains(&victim.id_number))
                .count();
            found.insert("victims-identified".into(), victims as u64);
            stage.say(
                &format!(
                    "{victims} of {} victims identified by their id numbers",
                    case.victims.len()
                ),
                &format!(
                    "{} 名被害人中有 {victims} 名经身份证号确认",
                    case.victims.len()
                ),
            );
        }
        _ => (),
    }
}
