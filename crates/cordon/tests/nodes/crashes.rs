//! SIGKILL in the middle of every step: the case goes on, and nothing that was
//! acknowledged is lost.
//!
//! Each act is sent from a thread and the node that carries it is killed while
//! it does; then it is started again and the act is sent again, as a person
//! would. An act that had become final before the kill must not be final twice.

use std::{collections::BTreeSet, sync::Mutex, thread, time::Duration};

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
        if let Ok(recorded) = &told {
            self.acknowledge(institution, recorded);
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

    /// Every acknowledged record stands in the dockets, once, and all nodes have
    /// the same log.
    fn nothing_is_lost(&self, warrants: &BTreeSet<String>) {
        self.world.same_root(&MEMBERS.map(|(name, _)| name));
        let mut records = Vec::new();
        for warrant in warrants {
            records.extend(self.docket(warrant).records);
        }
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
    let mut warrants = BTreeSet::new();
    let (police, judge) = (chaos.world.police(), chaos.world.judge());

    // Draft: a docket may exist that nobody was told of; the officer drafts again.
    let act = Act::DraftWarrant(draft(&CUSTODIANS, &[PHONE, ACCOUNT]));
    let drafted = match chaos.struck("police", &police, &act) {
        Ok(recorded) => recorded,
        Err(_) => chaos.world.act(&police, &act).unwrap(),
    };
    let warrant = drafted.warrant.clone().unwrap();
    chaos.acknowledge("police", &drafted);
    warrants.insert(warrant.clone());

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

    // Ask, approve, bind: every node that acts is killed while it does.
    let act = Act::Ask(ask(&warrant, "identify"));
    let question = chaos.through(
        "police",
        &police,
        &act,
        of_kind("question-asked", "police"),
        &warrant,
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
            &warrant,
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

    // Before the answer is opened, while it is, and while the evidence is exported.
    chaos.kill("police");
    let open = Act::OpenAnswer {
        question: question.clone(),
    };
    chaos.through(
        "police",
        &police,
        &open,
        of_kind("answer-disclosed", "police"),
        &warrant,
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
        &warrant,
    );
    let bundle = chaos
        .world
        .until("the bundle", || match police.bundle(&question) {
            Err(failure) if failure.retry => Ok(None),
            other => other.map(Some),
        });
    let anchor = evidence::TrustAnchor {
        network: Some(chaos.world.network.id()),
    };
    evidence::verify(&bundle, &anchor).unwrap_or_else(|refused| panic!("{refused}"));

    killed_during_runs(&chaos, &warrant);
    chaos.nothing_is_lost(&warrants);
}

/// Runs in which the requester, then a custodian, is killed a moment after the
/// last approval: again and again, at other moments.
fn killed_during_runs(chaos: &Chaos, warrant: &str) {
    let world = &chaos.world;
    let police = world.police();
    for (victim, template, moment_ms) in [
        ("police", "call-contacts", 60),
        ("bank_b", "follow-the-money", 120),
    ] {
        let question = world.ask(ask(warrant, template));
        world.approve_all(&question);
        thread::sleep(Duration::from_millis(moment_ms));
        chaos.kill(victim);
        let view = world.phase(&police, &question, &["completed", "aborted"]);
        if view.phase == "aborted" {
            assert!(view.cause.is_some(), "an abort is recorded with its cause");
            continue;
        }
        let open = world
            .act(
                &police,
                &Act::OpenAnswer {
                    question: question.clone(),
                },
            )
            .unwrap();
        chaos.acknowledge("police", &open);
        assert!(
            world
                .until("the answer", || police.answer(&question).map(Some))
                .rounds
                > 0
        );
    }
}
