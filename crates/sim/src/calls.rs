//! A case whose question has hops: the calls of a subject, and those of whom it called.
//!
//! What one lookup finds is asked again in the next, by vouchers that the custodians
//! sign, at one telecom or from one to another. The answer must be what the plain tables
//! say: every call within the window that a subject or one of its contacts took part in.
//!
//! *Not here*: money, whose hops are the same protocol's; more than two hops.

use std::collections::BTreeSet;

use docket::plan::Cell;
use node::api::types::DraftWarrant;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    people::Office,
    villains::Villain,
    world::{World, sub},
};

/// A call: who called whom, and for how long; no two last as long.
pub(crate) type Call = (String, String, i64);

/// A call with its day in March.
pub(crate) type Dated = (Call, u32);

/// Whether a seed has such a case: half of those in which everybody is honest.
pub(crate) fn are_asked(world: &World) -> bool {
    world.villain == Villain::Nobody && sub(world.seed, "calls", 0).0[0] < 128
}

/// Everybody's calls within the data's window, each with its day in March.
fn draw(world: &World) -> Vec<Dated> {
    let mut rng = StdRng::from_seed(sub(world.seed, "calls", 1).0);
    let phones = world.people.phones();
    let count = rng.random_range(phones.len()..phones.len() * 2);
    let mut one = |number: usize| {
        let (a, b) = (
            rng.random_range(0..phones.len()),
            rng.random_range(0..phones.len()),
        );
        let seconds = 10 + i64::try_from(number).unwrap_or(0);
        let call = (phones[a].1.clone(), phones[b].1.clone(), seconds);
        (a != b).then(|| (call, rng.random_range(1..8)))
    };
    (0..count).filter_map(&mut one).collect()
}

/// The rows that a telecom has of them: calls from or to its own phones.
fn text(world: &World, calls: &[Dated], telecom: usize) -> String {
    let phones = world.people.phones();
    let its = |phone: &str| {
        phones
            .iter()
            .any(|(at, own)| *at == telecom && own == phone)
    };
    let mut text = String::from("caller,callee,at,duration_s,cell\n");
    for ((caller, callee, seconds), day) in calls {
        if its(caller) || its(callee) {
            let hour = seconds % 8;
            let row = format!("{caller},{callee},2026-03-0{day} 1{hour}:00:00,{seconds},7\n");
            text.push_str(&row);
        }
    }
    // A month before the window.
    let (one, other) = (&phones[0].1, &phones[1].1);
    text.push_str(&format!("{one},{other},2026-02-03 12:00:00,5,7\n"));
    text
}

/// What two hops from the case's subjects must find.
fn expected(world: &World, calls: &[Dated]) -> BTreeSet<Call> {
    let mut known: BTreeSet<String> = world.people.selectors().into_iter().collect();
    let selector = |phone: &str| format!("phone:+86{phone}");
    let of = |known: &BTreeSet<String>| -> Vec<Call> {
        let calls = calls.iter().map(|(call, _)| call.clone());
        let known =
            |call: &Call| known.contains(&selector(&call.0)) || known.contains(&selector(&call.1));
        calls.filter(known).collect()
    };
    for (caller, callee, _) in of(&known) {
        known.extend([selector(&caller), selector(&callee)]);
    }
    let number =
        |(caller, callee, seconds): Call| (format!("+86{caller}"), format!("+86{callee}"), seconds);
    of(&known).into_iter().map(number).collect()
}

fn found(answer: &docket::plan::Answer) -> Option<BTreeSet<Call>> {
    let mut found = BTreeSet::new();
    for table in &answer.tables {
        let place = |name: &str| table.columns.iter().position(|column| column == name);
        let (caller, callee) = (place("caller")?, place("callee")?);
        let seconds = place("duration_s")?;
        for row in &table.rows {
            match (&row.cells[caller], &row.cells[callee], &row.cells[seconds]) {
                (Cell::Text(caller), Cell::Text(callee), Cell::Int(seconds)) => {
                    found.insert((caller.clone(), callee.clone(), *seconds));
                }
                _ => return None,
            }
        }
    }
    Some(found)
}

/// Draws calls and has every telecom publish its own; the calls, and the telecoms.
pub(crate) async fn publish(office: &Office) -> Option<(Vec<Dated>, Vec<usize>)> {
    let world = &office.world;
    let calls = draw(world);
    let mut telecoms = Vec::new();
    for n in office.custodians() {
        if world.members[n].id.as_str().starts_with("telecom") {
            let path = world.house(n).join("calls.csv");
            let text = text(world, &calls, telecoms.len());
            std::fs::write(&path, text).expect("a scratch file");
            office.publish_one(n, "calls", &path).await?;
            telecoms.push(n);
        }
    }
    Some((calls, telecoms))
}

/// The case, from its question to its bundle, over calls that were published.
pub(crate) async fn case(office: &Office, calls: &[Dated], telecoms: &[usize]) -> Option<()> {
    let world = &office.world;
    let about = ("a case of calls", "call-contacts", telecoms);
    let draft = |draft: &mut DraftWarrant| {
        draft.subjects = world.people.selectors();
        draft.hops = 2;
    };
    let docket = office
        .ask_apart(about, draft, |ask| ask.hops = Some(2))
        .await?;
    let case = office
        .answered(docket, telecoms, "the run over calls")
        .await?;
    let answer = case.map(|case| found(&case.answer));
    let expected = expected(world, calls);
    if !matches!(&answer, Ok(Some(found)) if *found == expected) {
        let detail = format!("calls: found {answer:?}, the tables say {expected:?}");
        world.report.broken("wrong-answer", detail);
    }
    let text = format!("two hops over calls: {} rows", expected.len());
    world.report.note(world.now().as_millis(), &text);
    Some(())
}
