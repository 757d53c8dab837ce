//! SIGKILL in the middle of every step: the case goes on, and nothing that was
//! acknowledged is lost.
//!
//! Each act is sent from a thread and the node that carries it is killed while
//! it does; then it is started again and the act is sent again, as a person
//! would. An act that had become final before the kill must not be final twice.

use std::{sync::Mutex, thread, time::Duration};

use cordon::{
    client::Client,
    failure::{Failure, Family},
};
use node::api::types::{Act, DocketView, IssueWarrant, Recorded};

use crate::{
    tables::{ACCOUNT, PHONE},
    world::{CUSTODIANS, LIMIT, MEMBERS, World, ask, draft, id},
};

/// What clients were told is final, and how long the next kill waits.
struct Chaos {
    world: World,
    acknowledged: Mutex<Vec<(String, Recorded)>>,
    moment_ms: u64,
}

impl Chaos {
    fn new() -> Self {
        Self {
            world: World::with_tables(),
            acknowledged: Mutex::default(),
            moment_ms: 0,
        }
    }

    fn acknowledge(&self, institution: &str, recorded: &Recorded) {
        self.acknowledged
            .lock()
            .unwrap()
            .push((institution.to_owned(), recorded.clone()));
    }

    /// Sends an act and kills the node that carries it a moment later; gives
    /// what the client was told, once the node is back.
    fn struck(
        &mut self,
        institution: &str,
        client: &Client,
        act: &Act,
    ) -> Result<Recorded, Failure> {
        // From before the request arrives to after it is done, step by step.
        self.moment_ms = (self.moment_ms + 37) % 260;
        let moment = Duration::from_millis(self.moment_ms);
        let world = &self.world;
        let told = thread::scope(|scope| {
            let sent = scope.spawn(|| client.act(act));
            thread::sleep(moment);
            world.network.kill(&id(institution));
            sent.join().unwrap()
        });
        self.revive(institution);
        match &told {
            Ok(recorded) => self.acknowledge(institution, recorded),
            Err(failure) => println!("{institution} killed after {moment:?}: {}", failure.rule),
        }
        told
    }

    fn revive(&self, institution: &str) {
        self.world.network.start(&id(institution)).unwrap();
        let healthy = self
            .world
            .network
            .wait_healthy(&id(institution), LIMIT, &self.world.stop);
        healthy.unwrap_or_else(|failure| panic!("{institution}: {failure}"));
    }

    fn kill(&self, institution: &str) {
        self.world.network.kill(&id(institution));
        self.revive(institution);
    }

    /// Does an act through a kill: sends it again until it is done. `done` finds
    /// it where the first one became final without the client being told.
    fn through(
        &mut self,
        institution: &str,
        client: &Client,
        act: &Act,
        done: impl Fn(&DocketView) -> Option<String>,
        warrant: &str,
    ) -> String {
        if let Ok(recorded) = self.struck(institution, client, act) {
            return recorded.record;
        }
        if let Some(record) = done(&self.docket(warrant)) {
            return record;
        }
        match self.world.act(client, act) {
            Ok(recorded) => {
                self.acknowledge(institution, &recorded);
                recorded.record
            }
            // What the killed node had sent out became final after all.
            Err(failure) => {
                assert_eq!(failure.family, Family::Refusal, "{failure}");
                self.world
                    .until("the act in the docket", || Ok(done(&self.docket(warrant))))
            }
        }
    }

    fn docket(&self, warrant: &str) -> DocketView {
        self.world.until("the docket", || {
            match self.world.auditor().docket(warrant) {
                Err(failure) if failure.rule == "warrant-unknown" => Ok(Some(DocketView {
                    warrant: warrant.into(),
                    records: Vec::new(),
                })),
                Err(failure) if failure.retry => Ok(None),
                other => other.map(Some),
            }
        })
    }

    /// Every acknowledged record stands in the docket, once, and all nodes have
    /// the same log.
    fn nothing_is_lost(&self, warrant: &str) {
        self.world.same_root(&MEMBERS.map(|(name, _)| name));
        let records = self.docket(warrant).records;
        for (institution, recorded) in self.acknowledged.lock().unwrap().iter() {
            let standing = records.iter().filter(|view| view.record == recorded.record);
            let standing: Vec<_> = standing.collect();
            assert_eq!(
                standing.len(),
                1,
                "{institution}: {} {}",
                recorded.kind,
                recorded.record
            );
            assert_eq!(standing[0].index, recorded.index);
        }
    }
}

/// The record of a kind by an institution in a docket.
fn of_kind(kind: &'static str, institution: &str) -> impl Fn(&DocketView) -> Option<String> {
    move |docket| {
        let mut records = docket.records.iter();
        let found = records.find(|view| view.kind == kind && view.institution == institution);
        found.map(|view| view.record.clone())
    }
}

#[test]
fn a_node_killed_in_any_step_comes_back_and_the_case_goes_on() {
    let mut chaos = Chaos::new();
    let warrant = drafted_and_issued(&mut chaos);
    let question = asked_and_run(&mut chaos, &warrant);
    opened_and_exported(&mut chaos, &warrant, &question);
    killed_during_runs(&chaos, &warrant);
    killed_and_too_late(&chaos, &warrant);
    chaos.nothing_is_lost(&warrant);
}

fn drafted_and_issued(chaos: &mut Chaos) -> String {
    let (police, judge) = (chaos.world.police(), chaos.world.judge());
    // A docket may exist that nobody was told of; the officer drafts again.
    let act = Act::DraftWarrant(draft(&CUSTODIANS, &[PHONE, ACCOUNT]));
    let drafted = match chaos.struck("police", &police, &act) {
        Ok(recorded) => recorded,
        Err(_) => chaos.world.act(&police, &act).unwrap(),
    };
    let warrant = drafted.warrant.clone().unwrap();
    chaos.acknowledge("police", &drafted);
    // Issue, with the authority's node killed.
    chaos.world.until("the draft", || {
        let drafts = judge.inbox()?.drafts;
        Ok(drafts.into_iter().find(|draft| draft.warrant == warrant))
    });
    let issue = IssueWarrant {
        warrant: warrant.clone(),
        ..IssueWarrant::default()
    };
    let act = Act::IssueWarrant(issue);
    chaos.through(
        "procuratorate",
        &judge,
        &act,
        of_kind("warrant-issued", "procuratorate"),
        &warrant,
    );
    chaos.world.until("the warrant at the police", || {
        let view = police
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == warrant);
        Ok(view.filter(|view| view.phase == "issued"))
    });
    warrant
}

/// Ask, approve, bind: every node that acts is killed while it does.
fn asked_and_run(chaos: &mut Chaos, warrant: &str) -> String {
    let police = chaos.world.police();
    let act = Act::Ask(ask(warrant, "identify"));
    let question = chaos.through(
        "police",
        &police,
        &act,
        of_kind("question-asked", "police"),
        warrant,
    );
    for custodian in CUSTODIANS {
        let approver = chaos.world.officer(custodian, "approver");
        chaos.world.until("the question at the custodian", || {
            let questions = approver.inbox()?.questions;
            Ok(questions
                .into_iter()
                .find(|view| view.question == question && !view.plan_en.is_empty()))
        });
        let act = Act::Approve {
            question: question.clone(),
        };
        chaos.through(
            custodian,
            &approver,
            &act,
            of_kind("approved", custodian),
            warrant,
        );
    }
    // The last approval sets inputs and run in motion: kill their nodes at once.
    chaos.kill("bank_a");
    chaos.kill("telecom_a");
    chaos.kill("police");
    let view = chaos
        .world
        .phase(&police, &question, &["completed", "aborted"]);
    assert_eq!(view.phase, "completed", "{:?}", view.cause);
    question
}

/// Before the answer is opened, while it is, and while the evidence is exported.
fn opened_and_exported(chaos: &mut Chaos, warrant: &str, question: &str) {
    let police = chaos.world.police();
    let question = question.to_owned();
    chaos.kill("police");
    let open = Act::OpenAnswer {
        question: question.clone(),
    };
    chaos.through(
        "police",
        &police,
        &open,
        of_kind("answer-disclosed", "police"),
        warrant,
    );
    let answer = chaos
        .world
        .until("the answer", || police.answer(&question).map(Some));
    let rows: Vec<usize> = answer.tables.iter().map(|table| table.rows.len()).collect();
    assert_eq!(
        rows.iter().sum::<usize>(),
        4,
        "two phones and two accounts of one person: {rows:?}"
    );
    let export = Act::ExportBundle {
        question: question.clone(),
    };
    chaos.through(
        "police",
        &police,
        &export,
        of_kind("bundle-exported", "police"),
        warrant,
    );
    let bundle = chaos.world.bundle(&police, &question);
    let anchor = evidence::TrustAnchor {
        network: Some(chaos.world.network.id()),
    };
    evidence::verify(&bundle, &anchor).unwrap_or_else(|refused| panic!("{refused}"));
}

/// A run that waits for a custodian is in the middle for as long as the test
/// likes: its requester and another custodian are killed there.
fn killed_during_runs(chaos: &Chaos, warrant: &str) {
    let question = run_that_waits(chaos, warrant, "call-contacts", "telecom_b");
    for victim in ["police", "telecom_a", "procuratorate"] {
        chaos.kill(victim);
    }
    chaos.revive("telecom_b");
    let (world, police) = (&chaos.world, chaos.world.police());
    let view = world.phase(&police, &question, &["completed", "aborted"]);
    assert_eq!(
        view.phase,
        "completed",
        "{:?}\n{}",
        view.cause,
        world.log("police")
    );
    let open = world
        .act(
            &police,
            &Act::OpenAnswer {
                question: question.clone(),
            },
        )
        .unwrap();
    chaos.acknowledge("police", &open);
    let answer = world.until("the answer", || police.answer(&question).map(Some));
    let rows: usize = answer.tables.iter().map(|table| table.rows.len()).sum();
    assert_eq!(rows, 2, "one call stands at both operators, one at one");
}

/// Where the warrant ends while the requester is dead, the run is recorded as
/// aborted.
fn killed_and_too_late(chaos: &Chaos, warrant: &str) {
    let question = run_that_waits(chaos, warrant, "follow-the-money", "bank_b");
    let (world, police) = (&chaos.world, chaos.world.police());
    world.network.kill(&id("police"));
    let reason = "the case was closed".into();
    let revoke = Act::RevokeWarrant {
        warrant: warrant.into(),
        reason,
    };
    let revoked = world.act(&world.judge(), &revoke).unwrap();
    chaos.acknowledge("procuratorate", &revoked);
    chaos.revive("police");
    chaos.revive("bank_b");
    let view = world.phase(&police, &question, &["completed", "aborted"]);
    assert_eq!(
        (view.phase.as_str(), view.cause.as_deref()),
        ("aborted", Some("revoked"))
    );
    let opened = world.act(&police, &Act::OpenAnswer { question });
    world.assert_denied(warrant, "answer-unknown", opened);
}

/// A question whose run has begun and waits for `missing`, which was killed
/// after it had bound its inputs.
fn run_that_waits(chaos: &Chaos, warrant: &str, template: &str, missing: &str) -> String {
    let world = &chaos.world;
    let question = world.ask(ask(warrant, template));
    let custodians = world.delivered(&question);
    world.network.kill(&id("police"));
    for custodian in &custodians {
        world.approve(custodian, &question);
    }
    for custodian in &custodians {
        world.bound(custodian, &question);
    }
    world.network.kill(&id(missing));
    chaos.revive("police");
    let police = world.police();
    world.until("the run to wait", || {
        let doing = police.question(&question)?.doing;
        Ok(doing.filter(|doing| doing.contains(&format!("waiting for {missing}"))))
    });
    question
}
