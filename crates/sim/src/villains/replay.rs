//! A captured requester whose investigator is in league with it: they bring what one
//! lawful case has opened as the answer to another.
//!
//! The node refuses to open what was put in the answer's place. A program of the
//! villains' own can state it all the same: the ledger sees a commitment and a number,
//! and the record stands under the officer's own signature. Then no bundle of that
//! question may ever be made, and no verifier may take one: neither of what says that it
//! answers the other question, nor (in every second seed) of what was made to say that
//! it answers this one, since its rows are not those that custodians signed for this run.

use docket::{Duty, Opened, Record, Statement, plan::Answer, state::QuestionPhase};
use node::{RunResult, api::types::Act, store::Shelf};
use primitives::Digest;

use super::{AGAIN, Attempt, TRIES_MAX, judge, latecomer::insist};
use crate::{
    people::{Docket, Office, question},
    world::{lock, sub},
};

const ME: &str = "captured requester";

/// A second lawful case, for which the answer of `first` is brought.
pub(crate) async fn another_answer(office: &Office, first: Docket) -> Option<()> {
    let world = &office.world;
    let police = world.place("police");
    let subjects = world.people.selectors().into_iter().take(1).collect();
    let warrant = office
        .warrant("a second case", subjects, crate::LIFE)
        .await?;
    let second = office.ask(warrant).await?;
    office.approve(second, &[]).await?;
    if office.ended(second).await? != QuestionPhase::Completed {
        return Some(());
    }
    let store = world.members[police].store();
    let result = |of: Docket| -> Option<RunResult> {
        store.get(Shelf::Results, &of.question.0).ok().flatten()
    };
    let (theirs, own) = (result(first)?, result(second)?);
    let put = |result: &RunResult| store.put(Shelf::Results, &second.question.0, result).ok();
    put(&theirs)?;
    let open = Act::OpenAnswer {
        question: second.question.to_string(),
    };
    let tried = insist(office, police, &open).await;
    let what = "opens another case's answer";
    judge(world, (ME, what), tried, &["answer-mismatch"]);
    put(&own)?;
    let (answer, rule) = match sub(world.seed, ME, 8).0[0] & 1 {
        0 => (theirs.answer, "answer-mismatch"),
        _ => (relabelled(theirs.answer, &own.answer)?, "lookups"),
    };
    states(office, second, answer).await?;
    office.open(second).await?;
    exports(office, second, rule).await;
    Some(())
}

/// Another case's rows as this one's; where both cases found the same, one row less. None
/// where there was nothing to find.
fn relabelled(theirs: Answer, own: &Answer) -> Option<Answer> {
    let mut answer = Answer {
        question: own.question,
        ..theirs
    };
    if answer == *own {
        let mut tables = answer.tables.iter_mut();
        tables.find_map(|table| table.rows.pop())?;
    }
    Some(answer)
}

/// States another case's answer as this question's, by a program of the villains' own.
async fn states(office: &Office, second: Docket, answer: Answer) -> Option<()> {
    let world = &office.world;
    let police = world.place("police");
    let (officer, key) = world.officer(police, Duty::Investigator);
    let salt = sub(world.seed, ME, 7);
    for _ in 0..TRIES_MAX {
        let state = office.state(police)?;
        let completed = question(&state, second)?.completed?;
        let body = Opened::salted(&answer, salt).ok()?;
        let (officer, key, signed) = (officer.clone(), key.clone(), office.signed.clone());
        let rows = u32::try_from(answer.rows()).ok()?;
        let done = world.at(police, move |core| async move {
            let parts = vec![body.part(vec![core.me.clone()])];
            let statement = Statement::AnswerDisclosed {
                question: second.question,
                rows,
            };
            let follows = vec![second.question, completed];
            let mut header = core.header(Some(second.warrant), follows, parts, statement);
            header.officer = Some(officer);
            let to_sign = header.to_be_signed(&key.public().into())?;
            lock(&signed).insert(Digest::plain(&to_sign));
            core.keep(&[body])?;
            core.submit(Record::sign(&header, &key)?).await
        });
        if let Some(Ok(_)) = done.await {
            let what = "states another case's answer";
            world.report.attempt(ME, what, "under its officer's name");
            return Some(());
        }
        world.sleep(AGAIN).await;
    }
    None
}

/// Exports it: the honest opening came second, and the first is what counts.
async fn exports(office: &Office, second: Docket, rule: &'static str) {
    let world = &office.world;
    let police = world.place("police");
    let export = Act::ExportBundle {
        question: second.question.to_string(),
    };
    let stated = insist(office, police, &export).await;
    if !matches!(stated, Some(Attempt::Done(()))) {
        judge(world, (ME, "exports another case's answer"), stated, &[]);
        return;
    }
    let mut tried = None;
    for _ in 0..TRIES_MAX {
        let made = world.at(police, move |core| async move {
            node::bundle::finish(&core, second.question)
        });
        tried = match made.await {
            Some(Ok(_)) => Some(Attempt::Done(())),
            Some(Err(error)) if !error.retry() => {
                let named = error.to_string().contains(rule);
                let found = if named { rule } else { error.rule() };
                Some(Attempt::Refused(found.to_owned()))
            }
            _ => None,
        };
        if tried.is_some() {
            break;
        }
        world.sleep(AGAIN).await;
    }
    let what = "exports another case's answer";
    judge(world, (ME, what), tried, &[rule]);
}
