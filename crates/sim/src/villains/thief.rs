//! A thief of sessions: whoever copied what an officer's browser keeps (the cookie and
//! the page's token), an operator's token, or a request that an officer signed, and has
//! no officer's key.
//!
//! It drafts, asks, approves, narrows, refuses, opens, passes on and exports in the
//! officer's name; enrols officers and publishes tables; reads a case in which the
//! institution has no part; brings the session to other institutions, and comes back
//! with it after the officer has signed out, a quarter of an hour later, and after the
//! officer was retired; and with an operator's token makes officers of its own. Every attempt must be refused by name; what the officer may read
//! it reads, and then the ledger must say that this officer has read it.
//!
//! What runs is the nodes' own router: gate, sessions, guard, acts. Sockets and the
//! parsing of HTTP are not in it.

mod browser;
mod ends;
mod enrols;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use docket::{Duty, Statement, passkey::authenticator::Authenticator, state::WarrantPhase};
use node::api::types::Act;
use primitives::WarrantId;
use serde_json::{Value, json};

use self::browser::{Kept, ORIGIN, Reply, Seat, asserted, get, post, touched};
use super::{AGAIN, Attempt, TRIES_MAX, judge};
use crate::people::{Docket, Office, statement};

const ME: &str = "thief";
/// Attempts at one thing where a member may have lost what it needs.
const TRIES_AFTER_LOSS: usize = 20;

/// Two officers at browsers, a case of which one of them may know nothing, and what the
/// thief has seen of them.
pub(crate) struct Thief<'a> {
    office: &'a Office,
    investigator: Seat,
    approver: Seat,
    /// A case of the police and telecom_a alone.
    other: Docket,
    /// Assertions that the officers made for something else.
    seen: Vec<Value>,
    /// Counts acts tried.
    turn: AtomicUsize,
}

fn act(kind: &str, what: &str, id: impl ToString, more: Value) -> Value {
    let mut act = json!({ "act": kind, what: id.to_string() });
    if let (Some(act), Some(more)) = (act.as_object_mut(), more.as_object()) {
        act.extend(more.clone());
    }
    act
}

impl<'a> Thief<'a> {
    /// Watches two officers begin to work.
    pub(crate) async fn lurk(office: &'a Office) -> Option<Self> {
        let world = &office.world;
        let (police, bank) = (world.place("police"), world.place("bank_a"));
        let investigator = Seat::enrol(office, police, Duty::Investigator).await?;
        let approver = Seat::enrol(office, bank, Duty::Approver).await?;
        let draft = |case: &str| {
            let subjects = vec![world.people.bystander()];
            let mut draft = office.draft(case, subjects, crate::LIFE);
            draft.custodians = vec!["telecom_a".into()];
            draft
        };
        let warrant = office
            .warrant_as_drafted(&draft("a case of others"))
            .await?;
        let other = office.ask(warrant).await?;
        let mut seen = Vec::new();
        // The officer's own act, with a touch: its assertion is in every ledger.
        let drafted = Act::DraftWarrant(draft("the officer's own draft"));
        seen.extend(investigator.act(office, &drafted).await);
        Some(Self {
            office,
            investigator,
            approver,
            other,
            seen,
            turn: AtomicUsize::default(),
        })
    }

    /// Tries something with what a browser keeps, until its node answers.
    async fn insist(
        &self,
        seat: &Seat,
        attempt: impl AsyncFn(Kept) -> Option<Reply>,
    ) -> Option<Reply> {
        let world = &self.office.world;
        for number in 0..TRIES_MAX {
            if number > TRIES_AFTER_LOSS && world.is_restored() {
                break;
            }
            let boots = world.boots(seat.n);
            if let Some((kept, _)) = seat.open(world).await
                && let Some(reply) = attempt(kept).await
            {
                // A node that has started again has forgotten its sessions.
                let forgotten = reply.rule() == "unauthenticated" && boots != world.boots(seat.n);
                let lost = reply.rule() == "not-found" && world.is_restored();
                if !(reply.is_trouble() || forgotten || lost) {
                    return Some(reply);
                }
            }
            world.sleep(AGAIN).await;
        }
        None
    }

    fn judge(&self, what: &'static str, reply: Option<Reply>, allowed: &[&str]) {
        let attempt = reply.map(|reply| match reply.is_done() {
            true => Attempt::Done(()),
            false => Attempt::Refused(reply.rule().to_owned()),
        });
        judge(&self.office.world, (ME, what), attempt, allowed);
    }

    async fn try_get(&self, seat: &Seat, what: &'static str, target: &str, allowed: &[&str]) {
        let world = &self.office.world;
        let attempt = async |kept: Kept| get(world, seat.n, &kept, target).await;
        self.judge(what, self.insist(seat, attempt).await, allowed);
    }

    async fn try_post(
        &self,
        seat: &Seat,
        what: &'static str,
        (target, body): (&str, Value),
        allowed: &[&str],
    ) {
        let world = &self.office.world;
        let attempt = async |kept: Kept| post(world, seat.n, &kept, target, &body).await;
        self.judge(what, self.insist(seat, attempt).await, allowed);
    }

    /// An act that the session may prepare: no assertion but the officer's own over this
    /// very record makes it one.
    async fn try_act(&self, seat: &Seat, what: &'static str, act: Value) {
        let world = &self.office.world;
        let (stranger, mut pretender) = (
            Authenticator::es256("a thief's", ORIGIN),
            Authenticator::es256("a thief's", ORIGIN),
        );
        pretender.raw_id = seat.raw_id();
        // Each act without a touch, and with one of the others in turn.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let others = 2 + self.seen.len();
        for way in [0, 1 + turn % others] {
            let attempt = async |kept: Kept| {
                let prepared = post(world, seat.n, &kept, "/v1/acts/prepare", &act).await?;
                if !prepared.is_done() {
                    return Some(prepared);
                }
                let options = &prepared.body["assertion"];
                let assertion = match way {
                    0 => Value::Null,
                    1 => touched(&stranger, options)?,
                    2 => touched(&pretender, options)?,
                    _ => {
                        let mut replayed = self.seen[way - 3].clone();
                        let named = asserted(&seat.raw_id(), &stranger.touch(&[]));
                        replayed["id"] = named["id"].clone();
                        replayed["rawId"] = named["rawId"].clone();
                        replayed
                    }
                };
                let id = &prepared.body["id"];
                let body = match assertion {
                    Value::Null => json!({ "id": id }),
                    assertion => json!({ "id": id, "assertion": assertion }),
                };
                post(world, seat.n, &kept, "/v1/acts/submit", &body).await
            };
            let rule = if way == 0 { "format" } else { "assertion" };
            // Officers who got no answer may have asked twice.
            self.judge(what, self.insist(seat, attempt).await, &[rule, "budget"]);
        }
    }

    /// An act that the officer has no duty for.
    async fn try_duty(&self, seat: &Seat, what: &'static str, act: Value, allowed: &[&str]) {
        self.try_post(seat, what, ("/v1/acts/prepare", act), allowed)
            .await;
    }
}

impl Thief<'_> {
    /// While a question waits for its approvals.
    pub(crate) async fn before_approval(&mut self, docket: Docket) {
        self.copy_sign_ins().await;
        let question = docket.question;
        let seat = &self.approver;
        let approve = act("approve", "question", question, Value::Null);
        self.try_act(seat, "approves", approve).await;
        let narrow = json!({ "hops": 1, "answer_cap": 1, "reason": "r" });
        let narrow = act("narrow", "question", question, narrow);
        self.try_act(seat, "narrows", narrow).await;
        let refuse = act("refuse", "question", question, json!({ "reason": "r" }));
        self.try_act(seat, "refuses", refuse).await;
        self.others_case().await;
        self.operators_routes().await;
        let seat = &self.investigator;
        let draft = self
            .office
            .draft("a thief's", vec![], Duration::from_secs(3_600));
        let mut draft = serde_json::to_value(Act::DraftWarrant(draft)).unwrap_or_default();
        draft["subjects"] = json!([self.office.world.people.bystander()]);
        self.try_act(seat, "drafts", draft).await;
        let ask = |fields: Value| act("ask", "warrant", docket.warrant, fields);
        let identify = ask(json!({ "template": "identify" }));
        self.try_act(seat, "asks", identify).await;
        let wider = ask(json!({ "template": "identify", "answer_cap": 1_000_000 }));
        self.try_duty(seat, "widens a question", wider, &["cap-beyond"])
            .await;
        let undecided = |state: &docket::State| {
            let mut warrants = state.warrants();
            let found = warrants.find(|(_, known)| known.phase == WarrantPhase::Drafted);
            found.map(|(id, _)| *id)
        };
        if let Some(draft) = self.office.state(seat.n).as_ref().and_then(undecided) {
            let issue = act("issue-warrant", "warrant", draft, Value::Null);
            let rules = ["duty"];
            self.try_duty(seat, "issues a warrant", issue, &rules).await;
        }
        self.parts_of_a_session().await;
        self.operators_token(docket).await;
        self.signed_requests().await;
    }

    /// A case in which the bank has no part is answered as none.
    async fn others_case(&self) {
        let world = &self.office.world;
        let seat = &self.approver;
        let (warrant, question) = (self.other.warrant, self.other.question);
        let (no_warrant, no_question) = ("0".repeat(32), "0".repeat(64));
        let unknown = ["warrant-unknown", "question-unknown"];
        for (path, id, none) in [
            ("/v1/warrants/ID", warrant.to_string(), &no_warrant),
            ("/v1/warrants/ID/docket", warrant.to_string(), &no_warrant),
            ("/v1/cases/ID", warrant.to_string(), &no_warrant),
            ("/v1/questions/ID", question.to_string(), &no_question),
            ("/v1/questions/ID/plan", question.to_string(), &no_question),
        ] {
            let ask = async |id: &str| {
                let target = path.replace("ID", id);
                let attempt = async |kept: Kept| get(world, seat.n, &kept, &target).await;
                self.insist(seat, attempt).await
            };
            let (theirs, none_there) = (ask(&id).await, ask(none).await);
            if let (Some(theirs), Some(nothing)) = (&theirs, &none_there) {
                let said = String::from_utf8_lossy(&theirs.bytes).replace(&id, none);
                if said.as_bytes() != nothing.bytes {
                    let said: String = said.chars().take(200).collect();
                    let detail = format!("{path}: another's case is told from none: {said}");
                    world.report.broken("villainy", detail);
                }
            }
            self.judge("reads another's case", theirs, &unknown);
        }
        let approve = act("approve", "question", question, Value::Null);
        let what = "approves another's question";
        self.try_duty(seat, what, approve, &unknown).await;
        for path in ["/v1/warrants", "/v1/cases", "/v1/inbox"] {
            let attempt = async |kept: Kept| get(world, seat.n, &kept, path).await;
            let Some(reply) = self.insist(seat, attempt).await else {
                continue;
            };
            let said = String::from_utf8_lossy(&reply.bytes);
            let shows = said.contains(&warrant.to_string());
            let became = if shows { "shown" } else { "not in it" };
            world
                .report
                .attempt(ME, "looks for others' cases in lists", became);
            if shows {
                let detail = format!("{path} shows another's case");
                world.report.broken("villainy", detail);
            }
        }
    }

    /// What an operator or a registrar may, by an approver's session.
    async fn operators_routes(&self) {
        let seat = &self.approver;
        let key = self.office.world.officer(seat.n, Duty::Approver).1.public();
        let enrol = json!({ "officer": "thief", "key": key.to_string(), "duties": ["approver"] });
        let enrol = act("enrol-officer", "officer", "thief", enrol);
        for (target, body) in [
            ("/v1/officers", enrol.clone()),
            (
                "/v1/passkeys/invite",
                json!({ "officer": "thief", "duties": ["approver"] }),
            ),
            (
                "/v1/datasets",
                json!({ "dataset": "accounts", "source": "/a.csv" }),
            ),
            ("/v1/datasets/accounts/snapshot", json!({})),
            (
                "/v1/membership",
                json!({ "change": "vote", "proposal": "00", "yes": true }),
            ),
        ] {
            let what = "does what an operator does";
            self.try_post(seat, what, (target, body), &["duty"]).await;
        }
        self.try_duty(
            seat,
            "enrols an officer",
            enrol,
            &["duty", "signer-unknown"],
        )
        .await;
    }

    /// A cookie without its page, a page without its cookie, and both elsewhere.
    async fn parts_of_a_session(&self) {
        let world = &self.office.world;
        let seat = &self.investigator;
        let court = world.place("procuratorate");
        let here = seat.n;
        let part = async |what, n: usize, part: fn(&mut Kept), rule| {
            let attempt = async |mut kept: Kept| {
                part(&mut kept);
                get(world, n, &kept, "/v1/warrants").await
            };
            self.judge(what, self.insist(seat, attempt).await, &[rule]);
        };
        let guess = |kept: &mut Kept| kept.page = Some("0".repeat(64));
        part(
            "brings the cookie alone",
            here,
            |k| k.page = None,
            "fresh-sign-in",
        )
        .await;
        part("guesses the page", here, guess, "fresh-sign-in").await;
        part(
            "brings the page alone",
            here,
            |k| k.cookie = None,
            "unauthenticated",
        )
        .await;
        let renamed = |kept: &mut Kept| {
            let cookie = kept.cookie.take().unwrap_or_default();
            kept.cookie = Some(cookie.replace("police", "procuratorate"));
        };
        let what = "brings a session to another institution";
        part(what, court, |_| (), "unauthenticated").await;
        part(what, court, renamed, "unauthenticated").await;
    }

    /// An operator's token reads no case and signs nothing.
    async fn operators_token(&self, docket: Docket) {
        let world = &self.office.world;
        let seat = &self.investigator;
        let token = Kept::token(&world.operator_token(seat.n));
        let open = act("open-answer", "question", docket.question, Value::Null);
        let revoke = serde_json::to_value(Act::RevokeWarrant {
            warrant: docket.warrant.to_string(),
            reason: "r".into(),
        });
        let what = "brings an operator's token";
        for (method, target, body) in [
            (
                "GET",
                format!("/v1/warrants/{}", docket.warrant),
                Value::Null,
            ),
            (
                "GET",
                format!("/v1/questions/{}/answer", docket.question),
                Value::Null,
            ),
            (
                "GET",
                format!("/v1/questions/{}/bundle", docket.question),
                Value::Null,
            ),
            (
                "POST",
                format!("/v1/questions/{}/cancel", docket.question),
                json!({}),
            ),
            ("POST", "/v1/acts/prepare".into(), open),
            ("POST", "/v1/officers".into(), revoke.unwrap_or_default()),
        ] {
            let attempt =
                async |_| browser::send(world, seat.n, &token, (method, &target), &body).await;
            self.judge(what, self.insist(seat, attempt).await, &["duty"]);
        }
        let elsewhere = world.place("procuratorate");
        let attempt = async |_| get(world, elsewhere, &token, "/v1/jobs").await;
        let what = "brings an operator's token to another institution";
        self.judge(what, self.insist(seat, attempt).await, &["unauthenticated"]);
    }

    /// While the run has ended and nobody has opened its answer.
    pub(crate) async fn before_opening(&self, docket: Docket) {
        let question = docket.question;
        let seat = &self.investigator;
        let open = act("open-answer", "question", question, Value::Null);
        self.try_act(seat, "opens", open).await;
        let answer = format!("/v1/questions/{question}/answer");
        let what = "reads an answer that nobody opened";
        self.try_get(seat, what, &answer, &["answer-unknown"]).await;
        let bundle = format!("/v1/questions/{question}/bundle");
        let what = "takes a bundle that nobody exported";
        self.try_get(seat, what, &bundle, &["not-exported"]).await;
    }

    /// Once the answer has been opened and exported: what the officer may read is read,
    /// and recorded; what takes it out is not done.
    pub(crate) async fn after_opening(&self, docket: Docket) {
        let (warrant, question) = (docket.warrant, docket.question);
        for (path, what) in [
            (format!("/v1/warrants/{warrant}"), "subjects"),
            (format!("/v1/warrants/{warrant}/docket"), "docket"),
            (format!("/v1/questions/{question}/answer"), "answer"),
            (format!("/v1/questions/{question}/provenance"), "provenance"),
            (format!("/v1/questions/{question}/bundle"), "bundle"),
        ] {
            self.reads(warrant, &path, what).await;
        }
        let seat = &self.investigator;
        let csv = format!("/v1/questions/{question}/answer.csv");
        let pass_on = json!({ "form": "csv", "reason": "r" });
        let pass_on = act("pass-on", "question", question, pass_on);
        self.try_act(seat, "passes on", pass_on).await;
        let export = act("export-bundle", "question", question, Value::Null);
        self.try_act(seat, "exports", export).await;
        self.try_get(seat, "takes a table", &csv, &["not-passed-on"])
            .await;
    }

    /// How often the ledger says that the investigator at the browser has read something.
    fn recorded(&self, warrant: WarrantId, what: &str) -> Option<usize> {
        let seat = &self.investigator;
        let core = self.office.world.core(seat.n)?;
        let index = core.read_index();
        let of = |known: &&node::core::Indexed| {
            matches!(statement(known), Statement::Consulted { reader, what: read, .. }
                if reader.to_string() == seat.handle && read == what)
                && known.record.header.institution == core.me
        };
        Some(index.docket(&warrant).filter(of).count())
    }

    async fn reads(&self, warrant: WarrantId, path: &str, what: &'static str) {
        let world = &self.office.world;
        let seat = &self.investigator;
        let attempt = async |kept: Kept| {
            let before = self.recorded(warrant, what)?;
            let reply = get(world, seat.n, &kept, path).await?;
            if reply.is_done() && self.recorded(warrant, what)? <= before {
                let detail = format!("{path} was read, and no record says by whom");
                world.report.broken("unrecorded", detail);
            }
            Some(reply)
        };
        let became = match self.insist(seat, attempt).await {
            Some(reply) if reply.is_done() => "read, and recorded".to_owned(),
            Some(reply) => reply.rule().to_owned(),
            None => "no-answer".to_owned(),
        };
        let shown = format!("{ME}: reads in the officer's name: {what}: {became}");
        world.report.note(world.now().as_millis(), &shown);
        world
            .report
            .attempt(ME, "reads in the officer's name", &became);
        // A part of a case that was lost with a store is nobody's fault.
        if became != "read, and recorded" && became != "no-answer" && !world.is_restored() {
            let detail = format!("{path}: the officer's own session: {became}");
            world.report.broken("villainy", detail);
        }
    }
}
