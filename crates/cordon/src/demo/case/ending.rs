//! How the case ends: refusals on purpose, the bundle, the docket, the check.

use std::path::Path;

use evidence::TrustAnchor;
use node::{
    api::types::{Act, Ask},
    config::write_private,
};
use serde_json::{Value, json};

use super::{Seats, question_of};
use crate::{
    commands::docket as timeline,
    demo::{network::Network, scene::Scene, stage::Stage},
    failure::{Failure, Family, Result},
};

/// Asks for what the warrant does not allow, and shows that it is refused.
pub(super) fn refusals(
    scene: &Scene,
    seats: &Seats<'_>,
    warrant: &str,
    stage: &Stage,
) -> Result<Vec<Value>> {
    let police = seats.investigator()?;
    let beyond = Ask {
        hops: Some(scene.call_hops.max(scene.money.hops) + 1),
        ..question_of(scene, warrant, "follow-the-money")
    };
    let again = question_of(scene, warrant, "identify");
    let tries = [
        (
            "one hop more than the warrant allows",
            "比令状多追踪一跳",
            Act::Ask(beyond),
        ),
        (
            "a fourth question on a warrant for three",
            "令状准予三次，第四次提问",
            Act::Ask(again),
        ),
    ];
    let mut shown = Vec::new();
    for (en, zh, act) in tries {
        let refused = match police.act(&act) {
            Err(failure) if failure.family == Family::Refusal => failure,
            Err(other) => return Err(other),
            Ok(_) => {
                return Err(Failure::fault(
                    "refusal-missing",
                    format!("{en} was not refused"),
                ));
            }
        };
        stage.say(
            &format!("{en}: refused by rule {} and recorded", refused.rule),
            &format!("{zh}：按规则 {} 拒绝，并已记录", refused.rule),
        );
        shown.push(json!({
            "tried": en, "rule": refused.rule, "detail": refused.detail, "record": refused.record,
        }));
    }
    Ok(shown)
}

pub(super) fn bundle(seats: &Seats<'_>, question: &str, path: &Path, stage: &Stage) -> Result<()> {
    let police = seats.investigator()?;
    police.act(&Act::ExportBundle {
        question: question.into(),
    })?;
    let bytes = police.bundle(question)?;
    write_private(path, &bytes)?;
    stage.say(
        &format!("{} kB: {}", bytes.len() / 1_000, path.display()),
        &format!("{} kB：{}", bytes.len() / 1_000, path.display()),
    );
    Ok(())
}

pub(super) fn docket(seats: &Seats<'_>, warrant: &str, stage: &Stage) -> Result<()> {
    let view = seats.auditor()?.docket(warrant)?;
    let count = view.records.len();
    stage.say(
        &format!("{count} signed records, each with its predecessors:"),
        &format!("{count} 条签名记录，环环相扣："),
    );
    for record in &view.records {
        timeline::show_briefly(record, stage.out());
    }
    Ok(())
}

pub(super) fn verify(network: &Network, path: &Path, stage: &Stage) -> Result<()> {
    let mut bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    let anchor = TrustAnchor {
        network: Some(network.id()),
    };
    let case =
        evidence::verify(&bytes, &anchor).map_err(|refused| Failure::fault("evidence", refused))?;
    let (rows, records) = (case.answer.rows(), case.timeline.len());
    stage.say(
        &format!(
            "it verifies: {rows} rows, {records} records with receipts, every approval in place"
        ),
        &format!("核验通过：{rows} 行、{records} 条带回执的记录，批准齐全"),
    );
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let Err(refused) = evidence::verify(&bytes, &anchor) else {
        return Err(Failure::fault("evidence", "an altered bundle verifies"));
    };
    let why = refused
        .findings
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    stage.say(
        &format!("one bit altered: it no longer does ({why})"),
        &format!("改动一个比特：核验不通过（{why}）"),
    );
    Ok(())
}
