//! The case up to where a person must choose.

use node::api::types::{Act, DraftWarrant};
use serde::Serialize;

use super::{Seats, decide, drafted, first_draft, order, put, title};
use crate::{
    commands::question,
    demo::{network::Network, scene::Scene, stage::Stage},
    failure::{Failure, Result},
    stop::Stop,
};

/// What is left to the user.
#[derive(Debug, Serialize)]
pub(crate) struct Left {
    /// The warrant in force.
    pub(crate) warrant: String,
    /// A question with an answer that nobody has opened.
    pub(crate) answered: String,
    /// A question that one custodian has not decided on.
    pub(crate) waiting: String,
    /// That custodian.
    pub(crate) undecided: String,
    /// A second draft in the same case.
    pub(crate) draft: String,
}

/// Plays the case as far as nobody's choice is taken away.
///
/// # Errors
/// What a node refuses or where it fails.
pub(crate) fn play_to_choice(
    stage: &mut Stage,
    scene: &Scene,
    network: &Network,
    stop: &Stop,
) -> Result<Left> {
    let seats = Seats::new(network)?;
    let warrant = order(stage, scene, &seats, stop)?;
    let (en, zh) = title("identify");
    let answered = stage.step("identify", en, zh, |stage| {
        let (id, asked) = put(scene, &seats, &warrant, "identify")?;
        decide(&seats, "identify", &id, &asked, None, stage, stop)?;
        question::wait_for_question(&seats.investigator()?, &id, stop, |_| ())?;
        stage.say(
            "the answer is there; opening it is left to you",
            "答案已得出；由您开启",
        );
        Ok(id)
    })?;
    let (en, zh) = title("follow-the-money");
    let (waiting, undecided) = stage.step("follow-the-money", en, zh, |stage| {
        let (id, asked) = put(scene, &seats, &warrant, "follow-the-money")?;
        let undecided = asked
            .first()
            .cloned()
            .ok_or_else(|| Failure::fault("api", "nobody was asked"))?;
        let left = Some(&undecided);
        decide(&seats, "follow-the-money", &id, &asked, left, stage, stop)?;
        stage.say(
            &format!("{undecided} has not decided; that is left to you"),
            &format!("{undecided} 尚未决定；由您决定"),
        );
        Ok((id, undecided))
    })?;
    let second = stage.step(
        "second-draft",
        "the police ask for more",
        "警方申请更多",
        |_| {
            let wider = DraftWarrant {
                reason: "the accounts found so far lead further".into(),
                runs: 6,
                subjects: scene.subjects.iter().skip(2).cloned().collect(),
                ..first_draft(scene, &seats)
            };
            drafted(&seats.investigator()?.act(&Act::DraftWarrant(wider))?)
        },
    )?;
    Ok(Left {
        warrant,
        answered,
        waiting,
        undecided: undecided.to_string(),
        draft: second,
    })
}
