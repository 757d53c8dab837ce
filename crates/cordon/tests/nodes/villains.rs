//! Captured institutions, with their real keys, against honest nodes: each is
//! refused by the rule that it breaks, or blamed on record.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use docket::{
    Record, Statement,
    body::{FaultEvidence, Order},
    statement::TableCommitment,
};
use mpc::{
    PlanKey, TableKey,
    lookup::{
        Context, Permit, Prepared,
        custodian::{Pull, Run, Session},
        requester::Target,
    },
};
use net::{Net, Replies, ServeError, ServeFuture, Service};
use node::{
    api::types::{Act, DraftWarrant, SceneView},
    config::files,
    exchange::{Call, Lookup},
    store::{Shelf, Store},
};
use primitives::{Digest, PublicKey};
use serde::{Deserialize, Serialize};

use crate::{
    tables::{ACCOUNT, FROM_MS, OTHER_PHONE, PHONE, TO_MS, resident},
    unlawful,
    villain::{Mute, Try, Villain, body, call_of, play, typed_in},
    world::{CUSTODIANS, LIMIT, World, ask, draft, id},
};

#[test]
fn a_captured_requester_opens_what_the_warrant_names_and_nothing_else() {
    let world = World::with_tables();
    let short = world.warrant(DraftWarrant {
        life_ms: 20_000,
        ..draft(&["telecom_a"], &[PHONE])
    });
    let late = world.ask(ask(&short, "identify"));
    let warrant = world.warrant(draft(&CUSTODIANS, &[PHONE, ACCOUNT]));
    let question = world.ask(ask(&warrant, "identify"));
    for custodian in ["telecom_a", "telecom_b", "bank_a"] {
        world.approve(custodian, &question);
    }
    world.delivered(&late);
    world.delivered(&question);
    world.network.stop(&id("police"));
    play(&world, "police", async |villain: Villain| {
        let late = digest(&late);
        let net = villain.own_channels().await;
        let at = |custodian, step| Try {
            villain: &villain,
            net: &net,
            question: digest(&question),
            custodian,
            step,
        };
        before_all_have_approved(&world, &villain, &at("telecom_a", 0), &question).await;
        subjects_of_its_own(&at("telecom_a", 0)).await;
        derived_selectors(&at("telecom_a", 0), &at("telecom_a", 2), &at("bank_a", 3)).await;
        another_member(&world, &villain, &at("telecom_a", 0)).await;
        after_the_end(&world, &villain, &at("telecom_a", 0), &short, late).await;
        after_the_revocation(&world, &villain, &at("telecom_a", 0), &warrant).await;
        unlawful::are_never_final(&world, &villain, &question).await;
    });
}

pub(crate) fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

/// The coordinator says that all approved; the custodian reads its own ledger.
async fn before_all_have_approved(
    world: &World,
    villain: &Villain,
    first: &Try<'_>,
    question: &str,
) {
    let subjects = phones(villain.subjects(&first.question).await);
    villain
        .until("three approvals", |state| {
            let warrants = state
                .warrants()
                .find_map(|(_, w)| w.questions.get(&first.question));
            warrants
                .filter(|question| question.decisions.len() == 3)
                .map(|_| ())
        })
        .await;
    assert_eq!(
        first.ask(subjects.clone()).await.err().unwrap(),
        "approval-missing"
    );
    let transcript = Digest([5; 32]);
    let attest = Call::Attest {
        question: first.question,
        transcript,
    };
    let attested = call_of(first.net, villain.key_of("telecom_a"), &attest).await;
    assert_eq!(attested.err().unwrap(), "approval-missing");
    world.approve("bank_b", question);
    for custodian in CUSTODIANS {
        world.bound(custodian, question);
    }
    // Now the same request is answered.
    let found = first.ask(subjects).await.unwrap();
    assert_eq!(found.outcomes.len(), 1);
    assert_eq!(found.outcomes[0].found.as_ref().unwrap().rows.len(), 1);
    let attested = call_of(first.net, villain.key_of("telecom_a"), &attest).await;
    assert_eq!(
        attested.err().unwrap(),
        "transcript",
        "it signs what it saw, and nothing else"
    );
}

/// The subjects that a step over phones begins from.
fn phones(targets: Vec<Target>) -> Vec<Target> {
    let phone: primitives::semantic::Selector = PHONE.parse().unwrap();
    targets
        .into_iter()
        .filter(|target| target.input() == phone.to_input())
        .collect()
}

async fn subjects_of_its_own(first: &Try<'_>) {
    let own = phones(first.villain.subjects(&first.question).await);
    let added = [own.clone(), vec![typed_in(OTHER_PHONE)]].concat();
    let refused = "protocol-selectornotpermitted";
    assert_eq!(first.ask(added).await.err().unwrap(), refused);
    assert_eq!(
        first.ask(vec![typed_in(OTHER_PHONE)]).await.err().unwrap(),
        refused
    );
    // The subject itself, blinded anew: the warrant lists another element.
    assert_eq!(
        first.ask(vec![typed_in(PHONE)]).await.err().unwrap(),
        refused
    );
    // A request of another lookup's context.
    let elsewhere = first.ask_altered(own, |request| request[2] ^= 1).await;
    assert_eq!(elsewhere.err().unwrap(), "protocol-contextmismatch");
    // A step that the plan has not, and a table that the step does not ask.
    let lookup = |step, snapshot| {
        Call::Lookup(Lookup {
            question: first.question,
            step,
            snapshot,
            part: 0,
            request: vec![0],
        })
    };
    let key = first.villain.key_of(first.custodian);
    for call in [lookup(9, Digest([0; 32])), lookup(0, Digest([0; 32]))] {
        assert_eq!(
            call_of(first.net, key, &call).await.err().unwrap(),
            "plan-mismatch"
        );
    }
}

/// Chains go on by a custodian's word alone.
async fn derived_selectors(first: &Try<'_>, second: &Try<'_>, bank: &Try<'_>) {
    let wanted = typed_in(&format!("id:{}", resident(2)));
    let typed = second.ask(vec![wanted]).await;
    assert_eq!(typed.err().unwrap(), "protocol-selectornotpermitted");
    let own = phones(first.villain.subjects(&first.question).await);
    let found = first.ask(own).await.unwrap();
    let derived = &found.outcomes[0].found.as_ref().unwrap().derived;
    let to = |step| -> Vec<Target> {
        let to = derived.iter().filter(|derived| derived.to_step() == step);
        to.map(|derived| derived.clone().into_target()).collect()
    };
    assert_eq!((to(2).len(), to(3).len()), (1, 1));
    // A voucher for another step, and one with a byte of its signature altered.
    assert_eq!(
        bank.ask(to(2)).await.err().unwrap(),
        "protocol-voucherinvalid"
    );
    let altered = second
        .ask_altered(to(2), |request| *request.last_mut().unwrap() ^= 1)
        .await;
    assert_eq!(altered.err().unwrap(), "protocol-voucherinvalid");
    // As they were made, they open the rows of that person.
    let same = second.ask(to(2)).await.unwrap();
    assert_eq!(same.outcomes[0].found.as_ref().unwrap().rows.len(), 1);
    let account = bank.ask(to(3)).await.unwrap();
    assert_eq!(account.outcomes[0].found.as_ref().unwrap().rows.len(), 1);
}

/// Another member asks with what the requester gave it.
async fn another_member(world: &World, villain: &Villain, first: &Try<'_>) {
    world.network.stop(&id("customs"));
    let (config, keys) = (world.config("customs"), world.keys("customs"));
    let net = villain
        .channels(&keys, config.listen.exchange, Arc::new(Mute))
        .await;
    let own = phones(villain.subjects(&first.question).await);
    let refused = Try {
        net: &net,
        ..*first
    }
    .ask(own)
    .await;
    assert_eq!(refused.err().unwrap(), "separation-of-duties");
    // Nor does it get a body that is sealed to others.
    let records = villain.records().await;
    let Statement::QuestionAsked(asked) = &records[&first.question].header.statement else {
        panic!("no question")
    };
    for (record, label) in [(asked.warrant, "subjects"), (asked.warrant, "order")] {
        let call = Call::Body {
            record,
            label: label.into(),
        };
        let sealed = call_of(&net, villain.key_of("procuratorate"), &call).await;
        assert_eq!(sealed.err().unwrap(), "parts");
    }
    net.stop(Duration::from_secs(1)).await;
    world.network.start(&id("customs")).unwrap();
}

async fn after_the_end(
    world: &World,
    villain: &Villain,
    first: &Try<'_>,
    short: &str,
    late: Digest,
) {
    let approver = world.officer("telecom_a", "approver");
    world.until("the short warrant's end", || {
        let view = approver
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == short);
        Ok(view.filter(|view| view.phase == "expired"))
    });
    let lookup = Lookup {
        question: late,
        step: 0,
        snapshot: late,
        part: 0,
        request: vec![0],
    };
    let refused = call_of(
        first.net,
        villain.key_of("telecom_a"),
        &Call::Lookup(lookup),
    )
    .await;
    assert_eq!(refused.err().unwrap(), "expired");
}

async fn after_the_revocation(world: &World, villain: &Villain, first: &Try<'_>, warrant: &str) {
    let reason = "the requester's node was captured".into();
    let revoke = Act::RevokeWarrant {
        warrant: warrant.into(),
        reason,
    };
    world.act(&world.judge(), &revoke).unwrap();
    let approver = world.officer("telecom_a", "approver");
    world.until("the revocation at the custodian", || {
        let view = approver
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == warrant);
        Ok(view.filter(|view| view.phase == "revoked"))
    });
    let own = phones(villain.subjects(&first.question).await);
    assert_eq!(first.ask(own).await.err().unwrap(), "revoked");
}

/// A custodian's place on disk for a snapshot, as its node keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    folder: String,
    keys: Vec<(String, Digest)>,
}

/// Answers lookups by the book, but under another key than the one approved.
struct WrongKey {
    villain: Villain,
    other: PlanKey,
}

impl Service for WrongKey {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let Call::Lookup(lookup) = Call::decode(&request).unwrap() else {
                return Err(ServeError::refusal("mute: no answer"));
            };
            for frame in self.frames(lookup).await {
                replies.send(frame).await?;
            }
            Ok(())
        })
    }
}

impl WrongKey {
    async fn frames(&self, lookup: Lookup) -> Vec<Vec<u8>> {
        let villain = &self.villain;
        let name = villain.me().to_string();
        let (honest, snapshot) = villain.context(&lookup.question, &name, lookup.step).await;
        let kept: Kept = villain
            .store
            .get(Shelf::Snapshots, &snapshot.0)
            .unwrap()
            .unwrap();
        let folder = villain.config.file(files::SNAPSHOTS).join(kept.folder);
        // The identify template's first step is over phones.
        let (key, secret) = kept.keys.iter().find(|(key, _)| key == "phone").unwrap();
        let table_key = TableKey::from_bytes(&secret.0).unwrap();
        let table = Arc::new(Prepared::open(&folder.join(format!("prepared_{key}.oprf"))).unwrap());
        let context = Context {
            plan_key: self.other.commitment(&table_key),
            ..honest
        };
        let run = Run::open(
            context.scope,
            villain.me().clone(),
            &table_key,
            &self.other,
            villain.keys.node.clone(),
        );
        // The request says under which key it was made; it is made to say another.
        let mut request = lookup.request;
        request[2..34].copy_from_slice(context.digest().as_bytes());
        let records = villain.records().await;
        let Statement::QuestionAsked(asked) = &records[&lookup.question].header.statement else {
            panic!("no question")
        };
        let order: Order = villain.body(&records[&asked.warrant]);
        let permit = Permit {
            seeds: order
                .blinded
                .iter()
                .map(|blinded| blinded.point.0)
                .collect(),
            selectors_max: 100,
            buckets_max: 100,
            ..Permit::default()
        };
        let session = Session::new(context, Arc::new(run), table).unwrap();
        let mut answer = session.admit(&request, &permit, &mut rand::rng()).unwrap();
        let mut frames = Vec::new();
        loop {
            match answer.pull().unwrap() {
                Pull::Frame(frame) => frames.push(frame),
                Pull::Labels(inputs) => {
                    let none: Vec<_> = inputs
                        .iter()
                        .map(|_| mpc::lookup::Label::default())
                        .collect();
                    answer.supply(&none).unwrap();
                }
                Pull::Done(_) => return frames,
            }
        }
    }
}

#[test]
fn a_custodian_that_answers_under_another_key_is_blamed_with_its_own_bytes() {
    let world = World::with_tables();
    let warrant = world.warrant(draft(&["telecom_a", "bank_a"], &[PHONE, ACCOUNT]));
    let question = world.ask(ask(&warrant, "identify"));
    world.held_up(&question);
    world.network.stop(&id("telecom_a"));
    let aborted = play(&world, "telecom_a", async |villain: Villain| {
        let service = WrongKey {
            villain: villain.clone(),
            other: PlanKey::draw(&mut rand::rng()),
        };
        let listen = villain.config.listen.exchange;
        let net: Net = villain
            .channels(&villain.keys, listen, Arc::new(service))
            .await;
        world.network.start(&id("police")).unwrap();
        world
            .network
            .wait_healthy(&id("police"), LIMIT, &world.stop)
            .unwrap();
        let view = world.phase(&world.police(), &question, &["aborted", "completed"]);
        assert_eq!(view.phase, "aborted", "{}", world.log("police"));
        assert_eq!(view.cause.as_deref(), Some("fault of telecom_a"));
        let aborted = villain.blamed_for(&digest(&question)).await;
        net.stop(Duration::from_secs(1)).await;
        aborted
    });
    // The evidence is what telecom_a sent, in the court's hands and the police's.
    for institution in ["procuratorate", "police"] {
        let evidence = evidence_at(&world, institution, &aborted);
        assert!(evidence.what.contains("another key"), "{}", evidence.what);
        assert_eq!(
            &evidence.bytes[..2],
            [1, 2],
            "the frame with the evaluated selectors"
        );
    }
}

/// Gives whoever asks for shares these bytes.
struct OtherShares(Bytes);

impl Service for OtherShares {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            let Call::Shares { .. } = Call::decode(&request).unwrap() else {
                let later = Some(Duration::from_secs(1));
                return Err(ServeError::trouble("busy: not now", later));
            };
            replies.send(self.0.to_vec()).await
        })
    }
}

#[test]
fn an_owner_that_gives_other_shares_than_it_committed_to_is_blamed_with_them() {
    let world = World::with_tables();
    let scene = |cell| SceneView {
        cell: Some(cell),
        from_ms: FROM_MS,
        to_ms: TO_MS,
    };
    let warrant = world.warrant(DraftWarrant {
        templates: vec!["at-the-scenes".into()],
        scenes: vec![scene(7), scene(8)],
        ..draft(&["telecom_a", "telecom_b"], &[])
    });
    let question = world.ask(ask(&warrant, "at-the-scenes"));
    world.delivered(&question);
    world.approve("telecom_b", &question);
    world.network.stop(&id("telecom_b"));
    world.approve("telecom_a", &question);
    let given = Bytes::from_static(b"not what was committed to");
    let aborted = play(&world, "telecom_b", async |villain: Villain| {
        let listen = villain.config.listen.exchange;
        let service = Arc::new(OtherShares(given.clone()));
        let net: Net = villain.channels(&villain.keys, listen, service).await;
        villain
            .until("both approvals", |state| {
                let mut warrants = state.warrants();
                warrants
                    .find_map(|(_, w)| w.questions.get(&digest(&question)))
                    .filter(|question| question.approved_by_all())
                    .map(|_| ())
            })
            .await;
        let commitment = TableCommitment {
            table: "sightings".into(),
            rows: 64,
            shares: vec![Digest([7; 32]); 3],
        };
        let committed = Statement::InputsCommitted {
            question: digest(&question),
            keys: Vec::new(),
            tables: vec![commitment],
        };
        villain.state_as_node(&digest(&question), committed).await;
        let view = world.phase(&world.police(), &question, &["aborted", "completed"]);
        assert_eq!(view.phase, "aborted", "{}", world.log("police"));
        assert_eq!(view.cause.as_deref(), Some("fault of telecom_b"));
        let aborted = villain.blamed_for(&digest(&question)).await;
        net.stop(Duration::from_secs(1)).await;
        aborted
    });
    for institution in ["procuratorate", "police"] {
        let evidence = evidence_at(&world, institution, &aborted);
        assert!(evidence.what.contains("other shares"), "{}", evidence.what);
        assert_eq!(evidence.bytes, given);
    }
}

/// What an institution's store holds of an abort's evidence; it is given time to
/// fetch it.
fn evidence_at(world: &World, institution: &str, aborted: &Record) -> FaultEvidence {
    world.until("the evidence", || {
        // Time in which the running node fetches what it may read.
        std::thread::sleep(Duration::from_secs(2));
        world.network.stop(&id(institution));
        let (config, keys) = (world.config(institution), world.keys(institution));
        let store = Store::open(&config.file(files::STORE), &keys.store).unwrap();
        let found = body(&store, aborted);
        drop(store);
        if found.is_none() {
            world.network.start(&id(institution))?;
            world
                .network
                .wait_healthy(&id(institution), LIMIT, &world.stop)?;
        }
        Ok(found)
    })
}
