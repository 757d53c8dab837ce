//! Officers who work in a browser: enrolment by two words, sign-in, acts, and every
//! way around them that we know of.
//!
//! All share one network.

use docket::passkey::authenticator::{Authenticator, FLAGS};
use evidence::{TrustAnchor, verify};
use node::api::types::Act;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    browser::{Browser, asserted, touched},
    tables::PHONE,
    world::{World, ask, assert_refused, draft, id},
};

/// An officer at a browser, with a passkey.
pub(crate) struct Seat {
    pub(crate) browser: Browser,
    authenticator: Authenticator,
}

impl Seat {
    fn act(&self, act: &Value) -> Value {
        self.browser.act(&self.authenticator, act).ok()
    }
}

fn browser(world: &World, institution: &str) -> Browser {
    Browser::at(world.config(institution).listen.api)
}

fn authenticator(browser: &Browser, name: &str) -> Authenticator {
    Authenticator::es256(name, &browser.origin)
}

/// Invites an officer by the operator's word.
fn invited(world: &World, institution: &str, handle: &str, duties: &[&str]) -> String {
    let operator = world.network.operator(&id(institution)).unwrap();
    let invite = node::api::passkeys::Invite {
        officer: handle.into(),
        duties: duties.iter().map(|duty| (*duty).into()).collect(),
    };
    let invitation = operator.invite(&invite).unwrap();
    assert!(invitation.link.ends_with(&invitation.code));
    invitation.code
}

/// An officer enrolled by the operator's invitation, where there is no registrar.
pub(crate) fn seat(world: &World, institution: &str, handle: &str, duties: &[&str]) -> Seat {
    let code = invited(world, institution, handle, duties);
    let mut browser = browser(world, institution);
    let authenticator = authenticator(&browser, handle);
    let made = browser.make(&code, &authenticator).ok();
    assert_eq!(made["state"], "enrolled", "{made}");
    let session = browser.sign_in(&authenticator);
    assert_eq!(session["officer"], handle);
    Seat {
        browser,
        authenticator,
    }
}

fn drafted() -> Value {
    serde_json::to_value(Act::DraftWarrant(draft(&["telecom_a"], &[PHONE]))).unwrap()
}

#[test]
fn officers_with_passkeys_play_a_case_and_nobody_else_does() {
    let world = World::with_tables();
    let investigator = seat(&world, "police", "web-1", &["investigator"]);
    let judge = seat(&world, "procuratorate", "web-2", &["judge"]);
    a_case_signed_with_passkeys(&world, &investigator, &judge);
    a_copied_cookie_opens_nothing_and_signs_nothing(&investigator);
    a_sign_in_is_not_replayed(&world, &investigator);
    another_sites_page_gets_nowhere(&investigator);
    an_assertion_signs_its_own_record_only(&world, &investigator);
    a_session_ends_with_its_officer(&world);
    an_invitation_makes_one_passkey(&world);
    two_registrars_make_an_officer(&world);
    world.same_root(&crate::world::MEMBERS.map(|(name, _)| name));
}

fn a_case_signed_with_passkeys(world: &World, investigator: &Seat, judge: &Seat) {
    let warrant = investigator.act(&drafted())["warrant"].clone();
    let warrant = warrant.as_str().unwrap().to_owned();
    let found = world.until("the draft", || {
        let inbox = judge.browser.get("/v1/inbox").ok();
        let drafts = inbox["drafts"].as_array().unwrap().clone();
        Ok(drafts
            .into_iter()
            .find(|draft| draft["warrant"] == *warrant))
    });
    assert_eq!(found["subjects"], 1);
    world.until("the subjects", || {
        let view = judge.browser.get(&format!("/v1/warrants/{warrant}")).ok();
        Ok((!view["subject_list"].is_null()).then_some(()))
    });
    judge.act(&json!({ "act": "issue-warrant", "warrant": warrant }));
    world.until("the warrant at the police", || {
        let view = investigator.browser.get(&format!("/v1/warrants/{warrant}"));
        Ok((view.ok()["phase"] == "issued").then_some(()))
    });
    let question = serde_json::to_value(Act::Ask(ask(&warrant, "identify"))).unwrap();
    let question = investigator.act(&question)["record"].clone();
    let question = question.as_str().unwrap().to_owned();
    world.approve("telecom_a", &question);
    world.until("the answer", || {
        let view = investigator
            .browser
            .get(&format!("/v1/questions/{question}"));
        Ok((view.ok()["phase"] == "completed").then_some(()))
    });
    investigator.act(&json!({ "act": "open-answer", "question": question }));
    let answer = format!("/v1/questions/{question}/answer");
    let answer = investigator.browser.get(&answer).ok();
    assert!(!answer["tables"][0]["rows"].as_array().unwrap().is_empty());
    investigator.act(&json!({ "act": "export-bundle", "question": question }));
    // What the browser's officers signed, the command line's officer sees, and a
    // court's program accepts.
    let docket = world.auditor().docket(&warrant).unwrap();
    let with = |kind: &str| {
        let record = docket.records.iter().find(|record| record.kind == kind);
        record.unwrap().signed_with.clone()
    };
    for kind in [
        "warrant-drafted",
        "warrant-issued",
        "question-asked",
        "bundle-exported",
    ] {
        assert_eq!(with(kind), "passkey", "{kind}");
    }
    assert_eq!(with("approved"), "key");
    let investigator = world.police();
    let bundle = investigator.bundle(&question).unwrap();
    let anchor = TrustAnchor {
        network: Some(world.network.id()),
    };
    let case = verify(&bundle, &anchor).unwrap();
    let proposed = case.timeline.iter();
    let proposed = proposed.filter(|entry| entry.statement.kind() == "officer-proposed");
    assert_eq!(proposed.count(), 2);
}

fn a_copied_cookie_opens_nothing_and_signs_nothing(officer: &Seat) {
    let own = &officer.browser;
    let thief = Browser {
        page: None,
        ..own.clone()
    };
    let who = thief.get("/v1/session").ok();
    assert_eq!(who["officer"], "web-1");
    assert_eq!(who["page"], Value::Null, "no token is given twice");
    thief.get("/v1/network").ok();
    let warrants = own.get("/v1/warrants").ok();
    let warrant = warrants[0]["warrant"].as_str().unwrap();
    let question = warrants[0]["questions"][0]["question"].as_str().unwrap();
    for path in [
        "/v1/warrants".to_owned(),
        "/v1/inbox".to_owned(),
        format!("/v1/warrants/{warrant}"),
        format!("/v1/warrants/{warrant}/docket"),
        format!("/v1/questions/{question}"),
        format!("/v1/questions/{question}/answer"),
        format!("/v1/questions/{question}/bundle"),
    ] {
        thief.get(&path).refused(401, "fresh-sign-in");
    }
    thief
        .post("/v1/acts/prepare", &drafted())
        .refused(401, "fresh-sign-in");
    // With the page's token too, and without the authenticator: nothing is signed.
    let prepared = own.prepare(&drafted());
    let bare = json!({ "id": prepared["id"] });
    own.post("/v1/acts/submit", &bare).refused(422, "format");
    let mallory = Authenticator::es256("mallory", &own.origin);
    let mut pretender = Authenticator::es256("mallory", &own.origin);
    pretender.raw_id = officer.authenticator.raw_id.clone();
    let theirs = touched(&mallory, &prepared["assertion"]);
    own.submit(&prepared, theirs)
        .fails(403, "assertion", "credential");
    let theirs = touched(&pretender, &prepared["assertion"]);
    own.submit(&prepared, theirs)
        .fails(403, "assertion", "signature");
    // A guessed or another session's token is none.
    let guess = Browser {
        page: Some("00".repeat(32)),
        ..own.clone()
    };
    guess.get("/v1/inbox").refused(401, "fresh-sign-in");
    let no_cookie = Browser {
        cookie: None,
        ..own.clone()
    };
    no_cookie.get("/v1/inbox").refused(401, "unauthenticated");
}

fn a_sign_in_is_not_replayed(world: &World, officer: &Seat) {
    let fresh = || browser(world, "police");
    let finish = |browser: &Browser, id: &Value, credential: Value| {
        browser.post(
            "/v1/session/finish",
            &json!({ "id": id, "credential": credential }),
        )
    };
    let (id, options) = fresh().begin();
    let credential = touched(&officer.authenticator, &options);
    finish(&fresh(), &id, credential.clone()).ok();
    finish(&fresh(), &id, credential.clone()).refused(401, "unauthenticated");
    // Nor under another sign-in's id, nor under one that nobody began.
    let (other, options) = fresh().begin();
    finish(&fresh(), &other, credential.clone()).fails(401, "unauthenticated", "challenge");
    finish(&fresh(), &json!("00".repeat(16)), credential).refused(401, "unauthenticated");
    let bent = |change: &dyn Fn(&mut Authenticator)| {
        let mut authenticator = Authenticator::es256("web-1", &officer.browser.origin);
        change(&mut authenticator);
        touched(&authenticator, &options)
    };
    let try_it = |credential| finish(&fresh(), &other, credential);
    try_it(bent(&|a| a.origin = "http://localhost:1".into())).fails(
        401,
        "unauthenticated",
        "origin",
    );
    try_it(bent(&|a| a.rp_id = "police.example".into())).fails(401, "unauthenticated", "rp-id");
    try_it(bent(&|a| a.flags = FLAGS & !4)).fails(401, "unauthenticated", "user-verification");
    try_it(bent(&|a| a.flags = FLAGS & !1)).fails(401, "unauthenticated", "user-presence");
    let stranger = Authenticator::es256("stranger", &officer.browser.origin);
    try_it(touched(&stranger, &options)).refused(401, "unauthenticated");
    // An act's assertion is none for a sign-in.
    let prepared = officer.browser.prepare(&drafted());
    let act = touched(&officer.authenticator, &prepared["assertion"]);
    try_it(act).fails(401, "unauthenticated", "challenge");
    // What was refused used nothing up.
    try_it(bent(&|_| ())).ok();
    a_counter_does_not_go_back(officer, &fresh());
}

fn a_counter_does_not_go_back(officer: &Seat, browser: &Browser) {
    let mut authenticator = Authenticator::es256("web-1", &officer.browser.origin);
    let mut sign_in = |counter| {
        authenticator.counter = counter;
        let (id, options) = browser.begin();
        let credential = touched(&authenticator, &options);
        browser.post(
            "/v1/session/finish",
            &json!({ "id": id, "credential": credential }),
        )
    };
    sign_in(7).ok();
    sign_in(7).refused(401, "unauthenticated");
    sign_in(0).refused(401, "unauthenticated");
    sign_in(8).ok();
}

fn another_sites_page_gets_nowhere(officer: &Seat) {
    let elsewhere = Browser {
        origin: "https://elsewhere.example".into(),
        site: "cross-site",
        ..officer.browser.clone()
    };
    elsewhere
        .post("/v1/acts/prepare", &drafted())
        .refused(403, "origin");
    elsewhere
        .post("/v1/session/begin", &json!({}))
        .refused(403, "origin");
    elsewhere
        .send(Method::DELETE, "/v1/session", &Value::Null)
        .refused(403, "origin");
    // A page of another port is of the same site, and no more let in.
    for site in ["cross-site", "same-site", "none"] {
        let other = Browser {
            page: None,
            site,
            ..officer.browser.clone()
        };
        other.get("/v1/network").refused(401, "fresh-sign-in");
    }
}

fn an_assertion_signs_its_own_record_only(world: &World, officer: &Seat) {
    let own = &officer.browser;
    let (first, second) = (own.prepare(&drafted()), own.prepare(&drafted()));
    let over_first = touched(&officer.authenticator, &first["assertion"]);
    own.submit(&second, over_first.clone())
        .fails(403, "assertion", "challenge");
    let bent = |change: &dyn Fn(&mut Authenticator)| {
        let mut authenticator = Authenticator::es256("web-1", &own.origin);
        change(&mut authenticator);
        let assertion = touched(&authenticator, &first["assertion"]);
        own.submit(&first, assertion)
    };
    bent(&|a| a.origin = "http://localhost:1".into()).fails(403, "assertion", "origin");
    bent(&|a| a.rp_id = "police.example".into()).fails(403, "assertion", "rp-id");
    bent(&|a| a.flags = FLAGS & !4).fails(403, "assertion", "user-verification");
    bent(&|a| a.flags = FLAGS & !1).fails(403, "assertion", "user-presence");
    bent(&|a| a.flags = FLAGS | 0x40).fails(403, "assertion", "form");
    let challenge = base64_of(&first["assertion"]["challenge"]);
    let created = officer
        .authenticator
        .client_data("webauthn.create", &challenge);
    let data = officer.authenticator.authenticator_data();
    let touch = officer.authenticator.sign(data, created);
    own.submit(&first, asserted(&officer.authenticator, &touch))
        .fails(403, "assertion", "type");
    // Another officer of the house does not see what waits for this one.
    let colleague = seat(world, "police", "web-3", &["investigator"]);
    let theirs = touched(&colleague.authenticator, &first["assertion"]);
    colleague
        .browser
        .submit(&first, theirs)
        .refused(404, "not-found");
    own.submit(&first, over_first.clone()).ok();
    // It is used up; the record stands in the log once.
    own.submit(&first, over_first).refused(404, "not-found");
}

fn base64_of(text: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text.as_str().unwrap())
        .unwrap()
}

fn a_session_ends_with_its_officer(world: &World) {
    let mut gone = seat(world, "police", "web-4", &["investigator"]);
    // Another tab joins the session, and both go on.
    let first_tab = gone.browser.clone();
    gone.browser.sign_in(&gone.authenticator);
    assert_eq!(first_tab.cookie, gone.browser.cookie);
    assert_ne!(first_tab.page, gone.browser.page);
    first_tab.get("/v1/inbox").ok();
    let out = seat(world, "police", "web-5", &["investigator"]);
    let ended = out
        .browser
        .send(Method::DELETE, "/v1/session", &Value::Null);
    assert!(ended.cookie.as_ref().unwrap().contains("Max-Age=0"));
    ended.ok();
    out.browser.get("/v1/inbox").refused(401, "unauthenticated");
    let key = gone.authenticator.passkey().id().to_string();
    let retire = Act::RetireOfficer { key };
    let operator = world.network.operator(&id("police")).unwrap();
    operator.enrol(&retire).unwrap();
    gone.browser
        .get("/v1/inbox")
        .refused(401, "unauthenticated");
    let (sign_in, options) = gone.browser.begin();
    let credential = touched(&gone.authenticator, &options);
    let body = json!({ "id": sign_in, "credential": credential });
    gone.browser
        .post("/v1/session/finish", &body)
        .refused(401, "unauthenticated");
}

fn an_invitation_makes_one_passkey(world: &World) {
    let code = invited(world, "police", "web-6", &["investigator"]);
    let browser = browser(world, "police");
    let mut hasty = authenticator(&browser, "web-6");
    hasty.flags = FLAGS & !4;
    browser
        .make(&code, &hasty)
        .fails(403, "assertion", "user-verification");
    hasty.flags = FLAGS;
    hasty.origin = "http://localhost:1".into();
    browser
        .make(&code, &hasty)
        .fails(403, "assertion", "origin");
    let made = authenticator(&browser, "web-6");
    browser.make(&code, &made).ok();
    let again = browser.post("/v1/passkeys/begin", &json!({ "code": code }));
    again.refused(404, "not-found");
    let guess = json!({ "code": "00".repeat(32) });
    browser
        .post("/v1/passkeys/begin", &guess)
        .refused(404, "not-found");
    let operator = world.network.operator(&id("police")).unwrap();
    let taken = operator.invite(&node::api::passkeys::Invite {
        officer: "web-6".into(),
        duties: vec!["investigator".into()],
    });
    assert_refused("officer-taken", taken);
}

fn two_registrars_make_an_officer(world: &World) {
    let house = "bank_a";
    let first = seat(world, house, "reg-1", &["registrar"]);
    // One registrar: the node proposes what its operator invited, the registrar
    // confirms.
    let code = invited(world, house, "reg-2", &["registrar"]);
    let browser = browser(world, house);
    let second = authenticator(&browser, "reg-2");
    let made = browser.make(&code, &second).ok();
    assert_eq!(made["state"], "proposed", "{made}");
    let listed = first.browser.get("/v1/passkeys").ok();
    let proposed = &listed["proposed"][0];
    assert_eq!(proposed["fingerprint"], made["fingerprint"]);
    let confirm = json!({ "act": "confirm-officer", "proposal": proposed["proposal"] });
    first.act(&confirm);
    let mut browser = browser.clone();
    browser.sign_in(&second);
    let second = Seat {
        browser,
        authenticator: second,
    };
    // Two: one invites and proposes, the other confirms; nobody does both.
    let invite = json!({ "officer": "app-9", "duties": ["approver"] });
    let invitation = first.browser.post("/v1/passkeys/invite", &invite).ok();
    let newcomer = Browser {
        cookie: None,
        page: None,
        ..first.browser.clone()
    };
    let approver = authenticator(&newcomer, "app-9");
    let made = newcomer.make(invitation["code"].as_str().unwrap(), &approver);
    let made = made.ok();
    assert_eq!(made["state"], "waiting", "{made}");
    let propose = json!({ "act": "propose-officer", "registration": made["registration"] });
    let proposal = first.act(&propose)["record"].clone();
    let confirm = json!({ "act": "confirm-officer", "proposal": proposal });
    first
        .browser
        .post("/v1/acts/prepare", &confirm)
        .refused(403, "second-word");
    let operator = world.network.operator(&id(house)).unwrap();
    let alone = operator.enrol(&Act::ConfirmOfficer {
        proposal: proposal.as_str().unwrap().into(),
    });
    assert_refused("second-word", alone);
    let enrol = world.network.enrol(
        &id(house),
        &"alone".parse().unwrap(),
        &[docket::Duty::Approver],
    );
    assert_refused("second-word", enrol);
    second.act(&confirm);
    let mut newcomer = newcomer.clone();
    let session = newcomer.sign_in(&approver);
    assert_eq!(session["duties"], json!(["approver"]));
    // An approver invites nobody.
    newcomer
        .post("/v1/passkeys/invite", &invite)
        .refused(403, "duty");
    let members = world
        .network
        .operator(&id(house))
        .unwrap()
        .members()
        .unwrap();
    let bank = members.iter().find(|m| m.institution == house).unwrap();
    let kinds = bank
        .officers
        .iter()
        .map(|o| (o.officer.as_str(), o.kind.as_str()));
    assert!(kinds.clone().any(|known| known == ("app-9", "passkey")));
    assert!(kinds.clone().any(|known| known == ("approver", "key")));
}
