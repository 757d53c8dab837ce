//! `cordon demo --console`: the network with its tables, a draft that waits for
//! a judge, and a seat at the console for everybody in the case.
//!
//! Why it exists: a person who looks at the software plays the case with their
//! own choices; the console's tests play the same seats.
//!
//! *Invariants*: passkeys are made in the browser by invitations, as anywhere
//! else; nothing here holds one.

use std::{io::BufRead, thread, time::Duration};

use docket::Duty;
use node::api::passkeys::Invite;
use primitives::InstitutionId;
use serde::Serialize;
use serde_json::json;

use super::{network::Network, scene::Scene, stage::Stage};
use crate::{
    failure::{Failure, Result},
    output::Out,
    stop::Stop,
};

/// How long a node may take to be healthy after it was started again.
const HEALTHY: Duration = Duration::from_secs(60);

/// A place at the console, with the link by which its passkey is made.
#[derive(Debug, Serialize)]
pub(super) struct Seat {
    institution: String,
    name: String,
    officer: String,
    duties: Vec<String>,
    origin: String,
    link: String,
}

impl Seat {
    pub(super) fn institution_id(&self) -> Result<InstitutionId> {
        InstitutionId::new(&self.institution).map_err(Failure::usage)
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}

fn wanted(scene: &Scene) -> Result<Vec<(InstitutionId, &'static str, Vec<Duty>)>> {
    let name = |text: &str| InstitutionId::new(text).map_err(Failure::usage);
    let authority = name("procuratorate")?;
    let mut seats = vec![
        (name("police")?, "investigator", vec![Duty::Investigator]),
        (authority.clone(), "judge", vec![Duty::Judge]),
        (authority, "auditor", vec![Duty::Auditor]),
    ];
    seats.extend(scene.custodians.iter().map(|custodian| {
        let duties = vec![Duty::Approver, Duty::Steward];
        (custodian.clone(), "custodian", duties)
    }));
    Ok(seats)
}

/// Invites everybody of the case.
///
/// # Errors
/// A node's refusal or trouble.
pub(super) fn invite(scene: &Scene, network: &Network, stage: &Stage) -> Result<Vec<Seat>> {
    let mut seats = Vec::new();
    for (institution, officer, duties) in wanted(scene)? {
        let duties: Vec<String> = duties.iter().map(ToString::to_string).collect();
        let invitation = network.operator(&institution)?.invite(&Invite {
            officer: officer.into(),
            duties: duties.clone(),
        })?;
        let origin = invitation.link.split("/#").next().unwrap_or_default();
        let mut members = network.charter().members.iter();
        let member = members.find(|member| member.id == institution);
        seats.push(Seat {
            name: member.map_or_else(String::new, |member| member.name.clone()),
            institution: institution.to_string(),
            officer: officer.into(),
            duties,
            origin: origin.into(),
            link: invitation.link.clone(),
        });
    }
    stage.say(
        &format!(
            "{} seats at the console, each with its own passkey",
            seats.len()
        ),
        &format!("控制台 {} 个席位，各用自己的通行密钥", seats.len()),
    );
    Ok(seats)
}

/// Tells the seats, then holds the network until it is asked to stop.
///
/// # Errors
/// A node that can't be started again.
pub(super) fn hold(
    out: &Out,
    stage: &Stage,
    scene: &Scene,
    network: &Network,
    seats: &[Seat],
    stop: &Stop,
) -> Result<()> {
    show(stage, seats);
    stage.say(
        "a draft waits for the judge; Ctrl-C stops everything",
        "一份令状申请正等待审批官；按 Ctrl-C 停止",
    );
    out.value(&json!({
        "seats": seats,
        "network": network.id(),
        "subjects": scene.subjects,
        "window_ms": scene.window_ms,
    }))?;
    until_stopped(stage, network, stop)
}

/// The seats' links.
pub(super) fn show(stage: &Stage, seats: &[Seat]) {
    stage.plain("");
    stage.say(
        "open a seat's link in a browser, make its passkey, sign in; each role has a tour",
        "在浏览器中打开席位链接，创建通行密钥并登录；每个角色都有导览",
    );
    for seat in seats {
        let duties = seat.duties.join(", ");
        stage.plain(&format!(
            "  {:<14} {duties}\n      {}",
            seat.institution, seat.link
        ));
    }
}

/// Holds the network, and does what standard input says.
///
/// # Errors
/// A node that can't be started again.
pub(super) fn until_stopped(stage: &Stage, network: &Network, stop: &Stop) -> Result<()> {
    let lines = listen();
    while !stop.asked() {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => obey(&line, network, stage, stop)?,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            // Standard input ended: Ctrl-C is left.
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                thread::sleep(Duration::from_millis(200));
            }
        }
    }
    Ok(())
}

/// `stop NAME` and `start NAME`: to see what the console does without its node.
fn obey(line: &str, network: &Network, stage: &Stage, stop: &Stop) -> Result<()> {
    let (word, name) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let known = InstitutionId::new(name)
        .ok()
        .filter(|name| network.institutions().any(|known| known == name));
    match (word, known) {
        ("stop", Some(name)) => network.stop(&name),
        ("start", Some(name)) => {
            network.start(&name)?;
            network.wait_healthy(&name, HEALTHY, stop)?;
        }
        _ => stage.say(
            "known here: stop INSTITUTION, start INSTITUTION",
            "可用：stop 机构，start 机构",
        ),
    }
    Ok(())
}

fn listen() -> std::sync::mpsc::Receiver<String> {
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin()
            .lock()
            .lines()
            .map_while(std::result::Result::ok)
        {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
