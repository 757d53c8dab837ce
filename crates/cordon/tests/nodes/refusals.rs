//! What officers may not do: each refusal names its rule, and is a record where
//! there is a docket.
//!
//! All share one network; each has a warrant of its own.

use cordon::client::{Client, Credential, Officer};
use node::api::types::{
    Act, Ask, DraftWarrant, IssueWarrant, Membership, Prepared, Recorded, SubmitSignature,
};
use primitives::{Digest, NetworkId, SigningKey};
use serde_json::json;

use crate::{
    tables::{ACCOUNT, PHONE},
    world::{CUSTODIANS, World, ask, assert_refused, draft, id},
};

#[test]
fn what_a_warrant_does_not_allow_is_refused_by_name_and_recorded() {
    let world = World::with_tables();
    let short = a_short_warrant(&world);
    a_warrant_that_is_not_valid_yet(&world);
    a_revoked_warrant(&world);
    another_requesters_warrant(&world);
    an_altered_warrant(&world);
    another_networks_word(&world);
    a_role_that_is_not_theirs(&world);
    ones_own_request(&world);
    a_run_beyond_the_budget(&world);
    beyond_the_scope(&world);
    a_custodians_no(&world);
    strangers_and_replays(&world);
    an_expired_warrant(&world, short);
    // Nothing above has hurt the network or forked a log.
    world.same_root(&crate::world::MEMBERS.map(|(name, _)| name));
}

/// A warrant that ends while the other refusals are tried, and its question.
fn a_short_warrant(world: &World) -> (String, String) {
    const LIFE_MS: u64 = 20_000;
    let warrant = world.warrant(DraftWarrant {
        life_ms: LIFE_MS,
        ..draft(&["telecom_a"], &[PHONE])
    });
    let question = world.ask(ask(&warrant, "identify"));
    (warrant, question)
}

fn an_expired_warrant(world: &World, (warrant, question): (String, String)) {
    world.until("the warrant's end", || {
        let view = world
            .police()
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == warrant);
        Ok(view.filter(|view| view.phase == "expired"))
    });
    let again = world.police().act(&Act::Ask(ask(&warrant, "identify")));
    world.assert_denied(&warrant, "expired", again);
    let approver = world.officer("telecom_a", "approver");
    let late = world.act(&approver, &Act::Approve { question });
    world.assert_denied(&warrant, "expired", late);
}

fn a_warrant_that_is_not_valid_yet(world: &World) {
    let tomorrow = cordon::client::now_ms() + 24 * 3_600_000;
    let warrant = world.draft(DraftWarrant {
        not_before_ms: Some(tomorrow),
        ..draft(&["telecom_a"], &[PHONE])
    });
    let undecided = world.police().act(&Act::Ask(ask(&warrant, "identify")));
    world.assert_denied(&warrant, "warrant-unknown", undecided);
    world.issue(&warrant);
    let early = world.until("the warrant at the police", || {
        match world.police().act(&Act::Ask(ask(&warrant, "identify"))) {
            Err(failure) if failure.rule == "warrant-unknown" => Ok(None),
            other => Ok(Some(other)),
        }
    });
    world.assert_denied(&warrant, "not-yet-valid", early);
}

fn a_revoked_warrant(world: &World) {
    let warrant = world.warrant(draft(&["telecom_a"], &[PHONE]));
    let question = world.ask(ask(&warrant, "identify"));
    let revoke = Act::RevokeWarrant {
        warrant: warrant.clone(),
        reason: "no longer needed".into(),
    };
    world.act(&world.judge(), &revoke).unwrap();
    let police = world.police();
    world.until("the revocation at the police", || {
        let view = police
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == warrant);
        Ok(view.filter(|view| view.phase == "revoked"))
    });
    let asked = police.act(&Act::Ask(ask(&warrant, "identify")));
    world.assert_denied(&warrant, "revoked", asked);
    let approver = world.officer("telecom_a", "approver");
    world.until("the revocation at the custodian", || {
        let view = approver
            .warrants()?
            .into_iter()
            .find(|view| view.warrant == warrant);
        Ok(view.filter(|view| view.phase == "revoked"))
    });
    let approved = world.act(&approver, &Act::Approve { question });
    world.assert_denied(&warrant, "revoked", approved);
    let twice = world.judge().act(&revoke);
    world.assert_denied(&warrant, "warrant-decided", twice);
}

fn another_requesters_warrant(world: &World) {
    let warrant = world.warrant(draft(&["telecom_a"], &[PHONE]));
    let customs = world.officer("customs", "both");
    // Who asks is told nothing; the docket's overseers are told who asked.
    world.until("the denial in the docket", || {
        let asked = customs.act(&Act::Ask(ask(&warrant, "identify")));
        let failure = assert_refused("warrant-unknown", asked);
        assert_eq!(failure.record, None);
        let records = world.auditor().docket(&warrant)?.records;
        let denied = records.into_iter().find(|record| {
            let by_customs = record.kind == "denied" && record.institution == "customs";
            by_customs && record.text_en.contains("separation-of-duties")
        });
        Ok(denied)
    });
    // To those who have no part in it, the docket is not even there.
    assert_refused("warrant-unknown", customs.docket(&warrant));
}

/// Prepares an act, and submits what `forge` makes of it.
fn forged(
    client: &Client,
    key: &SigningKey,
    act: &Act,
    forge: impl FnOnce(&mut Vec<u8>, &mut SubmitSignature, &SigningKey),
) -> Result<Recorded, cordon::failure::Failure> {
    let prepared: Prepared = client.post("/v1/acts/prepare", act)?;
    let mut bytes = hex::decode(&prepared.to_sign).unwrap();
    let mut submit = SubmitSignature {
        id: prepared.id,
        signature: Some(key.sign_raw(&bytes).to_string()),
        assertion: None,
    };
    forge(&mut bytes, &mut submit, key);
    client.post("/v1/acts/submit", &submit)
}

fn an_altered_warrant(world: &World) {
    let warrant = world.draft(draft(&["telecom_a"], &[PHONE]));
    let judge = world.judge();
    world.until("the draft", || {
        let drafts = judge.inbox()?.drafts;
        Ok(drafts.into_iter().find(|draft| draft.warrant == warrant))
    });
    let issue = Act::IssueWarrant(IssueWarrant {
        warrant: warrant.clone(),
        ..IssueWarrant::default()
    });
    // The body is here before anything is forged.
    world.until("the draft's subjects", || match judge.prepare(&issue) {
        Err(failure) if failure.rule == "body-missing" => Ok(None),
        other => other.map(Some),
    });
    let key = world
        .network
        .officer_key(&id("procuratorate"), &"judge".parse().unwrap())
        .unwrap();
    // Another byte of the record than the one that was signed.
    for place in [0, 40, 200] {
        let altered = forged(&judge, &key, &issue, |bytes, submit, key| {
            let place = place.min(bytes.len() - 1);
            bytes[place] ^= 1;
            submit.signature = Some(key.sign_raw(bytes).to_string());
        });
        world.assert_denied(&warrant, "format", altered);
    }
    // Another's signature under it.
    let stranger = SigningKey::generate();
    let altered = forged(&judge, &key, &issue, |bytes, submit, _| {
        submit.signature = Some(stranger.sign_raw(bytes).to_string());
    });
    world.assert_denied(&warrant, "format", altered);
    // An id that was never prepared.
    let unknown = forged(&judge, &key, &issue, |_, submit, _| {
        submit.id = Digest([7; 32]).to_string();
    });
    assert_refused("not-found", unknown);
    // Wider than the draft.
    let wider = Act::IssueWarrant(IssueWarrant {
        warrant: warrant.clone(),
        hops: Some(4),
        ..IssueWarrant::default()
    });
    world.assert_denied(&warrant, "terms", judge.act(&wider));
    // It can still be issued as it was drafted, and then not again.
    judge.act(&issue).unwrap();
    world.assert_denied(&warrant, "warrant-decided", judge.act(&issue));
}

fn another_networks_word(world: &World) {
    let key = world
        .network
        .officer_key(&id("police"), &"investigator".parse().unwrap())
        .unwrap();
    let config = world.config("police");
    let officer = Officer { handle: None, key };
    let elsewhere = NetworkId(Digest([9; 32]));
    let client = Client::new(
        &format!("http://{}", config.listen.api),
        elsewhere,
        id("police"),
        Credential::Officer(officer),
    );
    assert_refused("unauthenticated", client.warrants());
}

fn a_role_that_is_not_theirs(world: &World) {
    let warrant = world.warrant(draft(&["telecom_a", "bank_a"], &[PHONE, ACCOUNT]));
    let question = world.ask(ask(&warrant, "identify"));
    let judge = world.judge();
    let asks = world.act(&judge, &Act::Ask(ask(&warrant, "identify")));
    world.assert_denied(&warrant, "duty", asks);
    let approve = Act::Approve {
        question: question.clone(),
    };
    world.assert_denied(&warrant, "duty", world.police().act(&approve));
    let approver = world.officer("telecom_a", "approver");
    let drafts = approver.act(&Act::DraftWarrant(draft(&["bank_a"], &[PHONE])));
    assert!(
        assert_refused("duty", drafts).record.is_none(),
        "there is no docket to record it in"
    );
    let issues = IssueWarrant {
        warrant: warrant.clone(),
        ..IssueWarrant::default()
    };
    let second = world.draft(draft(&["telecom_a"], &[PHONE]));
    let issues = IssueWarrant {
        warrant: second.clone(),
        ..issues
    };
    world.assert_denied(
        &second,
        "duty",
        world.police().act(&Act::IssueWarrant(issues.clone())),
    );
    let auditor = world.auditor();
    let by_auditor = world.act(&auditor, &Act::IssueWarrant(issues));
    world.assert_denied(&second, "duty", by_auditor);
    let revoke = Act::RevokeWarrant {
        warrant: warrant.clone(),
        reason: "it is about us".into(),
    };
    world.assert_denied(&warrant, "duty", approver.act(&revoke));
    // An officer enrols nobody, an operator asks nothing, an approver opens nothing.
    let enrol = Act::EnrolOfficer {
        officer: "friend".into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["investigator".into()],
    };
    assert_refused("duty", world.police().act(&enrol));
    let operator = world.network.operator(&id("police")).unwrap();
    assert_refused("duty", operator.enrol(&Act::Ask(ask(&warrant, "identify"))));
    assert_refused("duty", operator.warrants());
    assert_refused("duty", approver.answer(&question));
    let leave = Membership::Remove {
        institution: "bank_b".into(),
    };
    assert_refused("duty", world.police().membership(&leave));
    assert_refused("duty", enrolled_beyond_its_role(world));
}

fn enrolled_beyond_its_role(world: &World) -> Result<Recorded, cordon::failure::Failure> {
    world.network.enrol(
        &id("telecom_a"),
        &"judge".parse().unwrap(),
        &[docket::Duty::Judge],
    )
}

fn ones_own_request(world: &World) {
    let customs = world.officer("customs", "both");
    let own = customs.act(&Act::DraftWarrant(draft(
        &["customs", "bank_a"],
        &[ACCOUNT],
    )));
    assert_refused("separation-of-duties", own);
    let warrant = customs
        .act(&Act::DraftWarrant(draft(&["bank_a"], &[ACCOUNT])))
        .unwrap();
    let warrant = warrant.warrant.unwrap();
    world.issue(&warrant);
    let asked = world.until("the warrant at the customs", || {
        match customs.act(&Act::Ask(ask(&warrant, "identify"))) {
            Err(failure) if matches!(failure.rule.as_str(), "warrant-unknown" | "body-missing") => {
                Ok(None)
            }
            other => other.map(Some),
        }
    });
    let approved = customs.act(&Act::Approve {
        question: asked.record,
    });
    world.assert_denied(&warrant, "separation-of-duties", approved);
}

fn a_run_beyond_the_budget(world: &World) {
    let warrant = world.warrant(DraftWarrant {
        runs: 1,
        ..draft(&["telecom_a"], &[PHONE])
    });
    let police = world.police();
    let question = world.ask(ask(&warrant, "call-contacts"));
    // One under way counts already.
    let beside = police.act(&Act::Ask(ask(&warrant, "call-contacts")));
    world.assert_denied(&warrant, "budget", beside);
    world.approve_all(&question);
    world.phase(&police, &question, &["completed"]);
    let again = police.act(&Act::Ask(ask(&warrant, "call-contacts")));
    world.assert_denied(&warrant, "budget", again);
    // Nobody opens what the run gave but its own investigators.
    let open = Act::OpenAnswer {
        question: question.clone(),
    };
    let other = world.officer("telecom_a", "approver").act(&open);
    assert!(other.is_err());
    police.act(&open).unwrap();
    let cancelled = police.cancel_question(&question);
    assert_refused("already-decided", cancelled);
}

fn beyond_the_scope(world: &World) {
    let warrant = world.warrant(DraftWarrant {
        templates: vec!["call-contacts".into()],
        hops: 1,
        answer_cap: 10,
        ..draft(&["telecom_a"], &[PHONE])
    });
    let police = world.police();
    let tries: [(&str, Ask); 4] = [
        ("template-not-granted", ask(&warrant, "identify")),
        (
            "hops-beyond",
            Ask {
                hops: Some(2),
                ..ask(&warrant, "call-contacts")
            },
        ),
        (
            "cap-beyond",
            Ask {
                answer_cap: Some(11),
                ..ask(&warrant, "call-contacts")
            },
        ),
        (
            "custodian-not-named",
            Ask {
                custodians: Some(vec!["telecom_b".into()]),
                ..ask(&warrant, "call-contacts")
            },
        ),
    ];
    for (rule, ask) in tries {
        let asked = world.act(&police, &Act::Ask(ask));
        world.assert_denied(&warrant, rule, asked);
    }
    let seedless = world.warrant(draft(&["bank_a"], &[PHONE]));
    let asked = world.act(&police, &Act::Ask(ask(&seedless, "follow-the-money")));
    world.assert_denied(&seedless, "seedless", asked);
}

fn a_custodians_no(world: &World) {
    let warrant = world.warrant(draft(&CUSTODIANS, &[PHONE, ACCOUNT]));
    let question = world.ask(ask(&warrant, "identify"));
    world.approve("telecom_a", &question);
    let approver = world.officer("telecom_a", "approver");
    let twice = approver.act(&Act::Approve {
        question: question.clone(),
    });
    world.assert_denied(&warrant, "already-decided", twice);
    let refuse = Act::Refuse {
        question: question.clone(),
        reason: "the order names no account".into(),
    };
    let bank = world.officer("bank_a", "approver");
    world.until("the question at the bank", || {
        Ok(bank
            .inbox()?
            .questions
            .into_iter()
            .find(|view| view.question == question))
    });
    bank.act(&refuse).unwrap();
    let police = world.police();
    world.phase(&police, &question, &["declined"]);
    let late = world.officer("bank_b", "approver");
    world.phase(&late, &question, &["declined"]);
    let late = world.act(
        &late,
        &Act::Approve {
            question: question.clone(),
        },
    );
    world.assert_denied(&warrant, "already-decided", late);
    let open = police.act(&Act::OpenAnswer { question });
    world.assert_denied(&warrant, "answer-unknown", open);
}

fn strangers_and_replays(world: &World) {
    let nobody = world.network.nobody(&id("police")).unwrap();
    assert_refused("unauthenticated", nobody.warrants());
    let config = world.config("police");
    let base = format!("http://{}", config.listen.api);
    let with = |key, institution| {
        let credential = Credential::Officer(Officer { handle: None, key });
        Client::new(&base, world.network.id(), institution, credential)
    };
    assert_refused(
        "unauthenticated",
        with(SigningKey::generate(), id("police")).warrants(),
    );
    let judge = world
        .network
        .officer_key(&id("procuratorate"), &"judge".parse().unwrap())
        .unwrap();
    // A judge is nobody at the police's node, whatever it says of itself.
    assert_refused(
        "unauthenticated",
        with(judge.clone(), id("police")).warrants(),
    );
    assert_refused(
        "unauthenticated",
        with(judge, id("procuratorate")).warrants(),
    );
    let operator = Credential::Operator(Digest([1; 32]).to_string());
    let operator = Client::new(&base, world.network.id(), id("police"), operator);
    assert_refused(
        "unauthenticated",
        operator.get::<serde_json::Value>("/v1/proposals"),
    );
    let unknown: Result<serde_json::Value, _> = world
        .police()
        .post("/v1/acts/prepare", &json!({ "act": "pardon" }));
    assert!(unknown.is_err());
    let replayed = replay(&base, world);
    assert_eq!(
        replayed,
        [200, 401],
        "the same signed request, once and again"
    );
}

/// Sends one signed request twice, and gives both status codes.
fn replay(base: &str, world: &World) -> [u16; 2] {
    let key = world
        .network
        .officer_key(&id("police"), &"investigator".parse().unwrap())
        .unwrap();
    let (time, nonce) = (cordon::client::now_ms(), "00112233445566778899aabbccddeeff");
    let message = cordon::client::request_message(
        "GET",
        "/v1/inbox",
        b"",
        time,
        nonce,
        &world.network.id(),
        &id("police"),
    );
    let signature = key.sign("cordon/request/v1", message.as_bytes());
    let value = format!(
        "Cordon-Officer key={},time={time},nonce={nonce},sig={signature}",
        key.public()
    );
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build();
    let agent = config.new_agent();
    [(); 2].map(|()| {
        let request = agent
            .get(format!("{base}/v1/inbox"))
            .header("authorization", &value);
        request.call().unwrap().status().as_u16()
    })
}
