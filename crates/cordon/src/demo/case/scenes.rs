//! The joint question of the case: the calls to the victims came from under one
//! antenna, and nobody knows yet which phones were there day after day.

use std::collections::{BTreeMap, BTreeSet};

use node::api::types::{Act, AnswerView, Ask, DraftWarrant, SceneView};
use primitives::semantic::DAY_MS;
use serde_json::Value;

use super::{INBOX, LIFE_MS, Seats, decide, drafted, first_draft, issue, question_of};
use crate::{
    commands::question,
    demo::{scene::Scene, stage::Stage},
    failure::{Failure, Result},
    stop::Stop,
};

/// The template.
pub(super) const TEMPLATE: &str = "at-the-scenes";
/// Days that become scenes, at most.
const DAYS_MAX: usize = 4;
/// At how many of them a phone must have been, at least.
const LEAST: usize = 2;
/// Phones that may be opened.
const PHONES_MAX: u32 = 500;

/// The scenes that an answer to `call-contacts` shows: the antenna under which most
/// callers of the subjects were, on the days when they called.
pub(super) fn found(scene: &Scene, calls: &AnswerView) -> Vec<SceneView> {
    let subjects: BTreeSet<String> = scene
        .subjects
        .iter()
        .filter_map(|text| text.parse::<primitives::semantic::Selector>().ok())
        .map(|selector| selector.value().to_owned())
        .collect();
    let mut days: BTreeMap<i64, BTreeMap<u64, u32>> = BTreeMap::new();
    for table in &calls.tables {
        let at = |name: &str| table.columns.iter().position(|column| column == name);
        let (Some(callee), Some(cell), Some(when)) = (at("callee"), at("cell"), at("at")) else {
            continue;
        };
        for row in &table.rows {
            let called = row[callee]
                .as_str()
                .is_some_and(|phone| subjects.contains(phone));
            let (Some(cell), Some(when)) = (row[cell].as_i64(), row[when].as_u64()) else {
                continue;
            };
            if called {
                *days.entry(cell).or_default().entry(when / DAY).or_default() += 1;
            }
        }
    }
    let busiest = days
        .into_iter()
        .max_by_key(|(_, days)| days.values().sum::<u32>());
    let Some((cell, days)) = busiest else {
        return Vec::new();
    };
    let [from, to] = scene.window_ms;
    days.into_keys()
        .map(|day| SceneView {
            cell: Some(cell),
            from_ms: (day * DAY).max(from),
            to_ms: ((day + 1) * DAY).min(to),
        })
        .filter(|scene| scene.from_ms < scene.to_ms)
        .take(DAYS_MAX)
        .collect()
}

/// A day in milliseconds.
const DAY: u64 = DAY_MS.unsigned_abs();

/// Drafts, issues and asks it; gives the answer.
///
/// # Errors
/// What a node refuses or where it fails.
pub(super) fn play(
    scene: &Scene,
    seats: &Seats<'_>,
    scenes: Vec<SceneView>,
    stage: &Stage,
    stop: &Stop,
) -> Result<AnswerView> {
    let police = seats.investigator()?;
    let count = scenes.len();
    let cell = scenes.first().and_then(|scene| scene.cell).unwrap_or(0);
    stage.say(
        &format!("{count} scenes: the antenna of cell {cell} on {count} days; no subject is known"),
        &format!("现场 {count} 处：{cell} 号小区的 {count} 天；没有已知对象"),
    );
    let draft = DraftWarrant {
        reason: "the calls to the victims came from under one antenna".into(),
        templates: vec![TEMPLATE.into()],
        custodians: scene
            .custodians
            .iter()
            .map(ToString::to_string)
            .filter(|custodian| custodian.starts_with("telecom"))
            .collect(),
        subjects: Vec::new(),
        scenes,
        hops: 1,
        answer_cap: PHONES_MAX,
        runs: 1,
        life_ms: LIFE_MS,
        ..first_draft(scene, seats)
    };
    let warrant = drafted(&police.act(&Act::DraftWarrant(draft))?)?;
    issue(seats, &warrant, stage, stop)?;
    let least = i64::try_from(LEAST.min(count)).unwrap_or(1);
    let ask = Ask {
        hops: None,
        terms: BTreeMap::from([("least".to_owned(), least)]),
        ..question_of(scene, &warrant, TEMPLATE)
    };
    let asked = stop.wait("the order at the police", INBOX, || {
        match police.act(&Act::Ask(ask.clone())) {
            Err(failure) if failure.retry || failure.rule == "warrant-unknown" => Ok(None),
            other => other.map(Some),
        }
    })?;
    let id = asked.record;
    let custodians = police.question(&id)?.decisions;
    let custodians = custodians
        .keys()
        .filter_map(|name| name.parse().ok())
        .collect();
    decide(seats, TEMPLATE, &id, &custodians, None, stage, stop)?;
    let view = question::wait_for_question(&police, &id, stop, |_| ())?;
    let missing = || Failure::fault("api", "a joint question ended without its count");
    let count = view.count.ok_or_else(missing)?;
    stage.say(
        &format!(
            "three members computed over shares; first the count: {} phones",
            count.rows
        ),
        &format!("三方在份额上计算；先得数量：{} 个电话", count.rows),
    );
    if view.phase != "completed" {
        return Err(Failure::fault(
            "api",
            "the count is within the cap and nothing opened",
        ));
    }
    police.act(&Act::OpenAnswer {
        question: id.clone(),
    })?;
    let answer = police.answer(&id)?;
    let phones: Vec<&str> = answer
        .tables
        .iter()
        .flat_map(|table| &table.rows)
        .filter_map(|row| row.first().and_then(Value::as_str))
        .take(3)
        .collect();
    stage.say(
        &format!("then, within the cap, which: {} …", phones.join(", ")),
        &format!("不超上限，再打开号码：{} …", phones.join("、")),
    );
    Ok(answer)
}
