//! A browser as far as a node can see one: what it keeps, its requests, and an officer
//! beside it with an authenticator.
//!
//! *Invariants*: requests go through the node's own router; only the officer touches the
//! authenticator, and what it signs there is remembered as signed.

use docket::{
    CredentialId, Duty, State,
    passkey::authenticator::{Authenticator, Touch},
};
use node::api::{
    direct::{Answered, Asked},
    types::Act,
    webauthn,
};
use primitives::Digest;
use serde_json::{Value, json};

use super::super::{AGAIN, TRIES_MAX};
use crate::{
    people::Office,
    world::{World, lock},
};

/// Where the console is: the API's port is 80.
pub(super) const ORIGIN: &str = "http://localhost";
/// Tries until an invitation is held to have come to nothing.
const ENROLLED_WITHIN: usize = 30;

/// What a clock that stands hours off says.
const CLOCK: [&str; 3] = ["time-skew", "not-yet-valid", "expired"];

/// What a request shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// The cookie: `name=token`.
    pub(super) cookie: Option<String>,
    /// The page's token.
    pub(super) page: Option<String>,
    /// `Authorization`.
    pub(super) authorization: Option<String>,
}

impl Kept {
    /// An operator's token.
    pub(super) fn token(token: &Digest) -> Self {
        Self {
            authorization: Some(format!("Cordon-Operator {token}")),
            ..Self::default()
        }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let given = [
            ("cookie", &self.cookie),
            ("cordon-page", &self.page),
            ("authorization", &self.authorization),
        ];
        let given = given.into_iter();
        let given = given.filter_map(|(name, value)| Some((name.into(), value.clone()?)));
        let always = [
            ("sec-fetch-site", "same-origin"),
            ("origin", ORIGIN),
            ("content-type", "application/json"),
        ];
        let always = always.map(|(name, value)| (name.to_owned(), value.to_owned()));
        given.chain(always).collect()
    }
}

/// What a node said.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) bytes: Vec<u8>,
    cookie: Option<String>,
}

impl Reply {
    fn of(answered: Answered) -> Self {
        let mut headers = answered.headers.into_iter();
        Self {
            status: answered.status,
            body: serde_json::from_slice(&answered.body).unwrap_or(Value::Null),
            bytes: answered.body,
            cookie: headers
                .find(|(name, _)| name == "set-cookie")
                .map(|(_, value)| value),
        }
    }

    /// Whether the node did as it was asked.
    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The rule that said no.
    pub(super) fn rule(&self) -> &str {
        self.body["rule"].as_str().unwrap_or("none")
    }

    /// Whether nobody's word but the weather's stands in the way.
    pub(super) fn is_trouble(&self) -> bool {
        !self.is_done() && (self.body["family"] == "trouble" || CLOCK.contains(&self.rule()))
    }
}

/// One request to a member's node; nothing where the node does not answer.
pub(super) async fn send(
    world: &World,
    n: usize,
    kept: &Kept,
    (method, target): (&str, &str),
    body: &Value,
) -> Option<Reply> {
    let body = match body {
        Value::Null => Vec::new(),
        body => serde_json::to_vec(body).ok()?,
    };
    let asked = Asked {
        method: method.into(),
        target: target.into(),
        headers: kept.headers(),
        body,
    };
    world.request(n, asked).await.map(Reply::of)
}

pub(super) async fn get(world: &World, n: usize, kept: &Kept, target: &str) -> Option<Reply> {
    send(world, n, kept, ("GET", target), &Value::Null).await
}

pub(super) async fn post(
    world: &World,
    n: usize,
    kept: &Kept,
    target: &str,
    body: &Value,
) -> Option<Reply> {
    send(world, n, kept, ("POST", target), body).await
}

fn challenge(options: &Value) -> Option<Vec<u8>> {
    webauthn::decode(options["challenge"].as_str()?).ok()
}

/// An assertion as a browser writes it.
pub(super) fn asserted(raw_id: &[u8], touch: &Touch) -> Value {
    json!({
        "id": webauthn::encode(raw_id),
        "rawId": webauthn::encode(raw_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": webauthn::encode(&touch.client_data),
            "authenticatorData": webauthn::encode(&touch.authenticator_data),
            "signature": webauthn::encode(&touch.signature),
        },
    })
}

/// An authenticator's answer to options.
pub(super) fn touched(authenticator: &Authenticator, options: &Value) -> Option<Value> {
    let touch = authenticator.touch(&challenge(options)?);
    Some(asserted(&authenticator.raw_id, &touch))
}

/// An officer at a browser.
pub(super) struct Seat {
    pub(super) n: usize,
    pub(super) handle: String,
    authenticator: Authenticator,
    kept: std::sync::Mutex<Kept>,
}

impl Seat {
    /// An officer of a member, invited by its operator, with a passkey of its own.
    pub(super) async fn enrol(office: &Office, n: usize, duty: Duty) -> Option<Self> {
        let known = |state: &State, id: &CredentialId| state.officer(id).is_some();
        Self::invited(office, (n, duty, "browser"), known).await
    }

    /// The same where a registrar must confirm it: the officer is proposed.
    pub(super) async fn propose(office: &Office, n: usize, duty: Duty) -> Option<Self> {
        let known = |state: &State, id: &CredentialId| {
            let mut nominees = state.nominees();
            nominees.any(|(_, nominee)| nominee.credential.id() == *id)
        };
        Self::invited(office, (n, duty, "proposed"), known).await
    }

    async fn invited(
        office: &Office,
        (n, duty, name): (usize, Duty, &str),
        known: impl Fn(&State, &CredentialId) -> bool,
    ) -> Option<Self> {
        for number in 0..TRIES_MAX {
            let handle = format!("{name}-{number}");
            if let Some(authenticator) = make(office, (n, duty, &handle), &known).await {
                return Some(Self {
                    n,
                    handle,
                    authenticator,
                    kept: std::sync::Mutex::default(),
                });
            }
            office.world.sleep(AGAIN).await;
        }
        None
    }

    /// The officer's credential.
    pub(super) fn credential(&self) -> CredentialId {
        self.authenticator.credential().id()
    }

    /// The name by which the authenticator knows the passkey: no secret.
    pub(super) fn raw_id(&self) -> Vec<u8> {
        self.authenticator.raw_id.clone()
    }

    /// Whether what the browser keeps opens a session.
    pub(super) async fn lives(&self, world: &World) -> bool {
        let kept = lock(&self.kept).clone();
        let who = get(world, self.n, &kept, "/v1/session").await;
        who.is_some_and(|who| who.is_done())
    }

    /// What the browser keeps of a session that lives: the officer signs in if need be.
    /// Every assertion that it makes for it is handed out too.
    pub(super) async fn open(&self, world: &World) -> Option<(Kept, Option<Value>)> {
        if self.lives(world).await {
            return Some((lock(&self.kept).clone(), None));
        }
        let nobody = Kept::default();
        let begun = post(world, self.n, &nobody, "/v1/session/begin", &json!({})).await?;
        let credential = touched(&self.authenticator, &begun.body["publicKey"])?;
        let finish = json!({ "id": begun.body["id"], "credential": credential });
        let done = post(world, self.n, &nobody, "/v1/session/finish", &finish).await?;
        let cookie = done.cookie.as_ref()?.split(';').next()?.to_owned();
        let kept = Kept {
            cookie: Some(cookie),
            page: Some(done.body["page"].as_str()?.to_owned()),
            authorization: None,
        };
        *lock(&self.kept) = kept.clone();
        Some((kept, Some(credential)))
    }

    /// Ends the session, as its officer.
    pub(super) async fn sign_out(&self, world: &World) -> Option<Reply> {
        let kept = lock(&self.kept).clone();
        let end = ("DELETE", "/v1/session");
        send(world, self.n, &kept, end, &Value::Null).await
    }

    /// Has the officer do an act with a touch; gives the assertion.
    pub(super) async fn act(&self, office: &Office, act: &Act) -> Option<Value> {
        let world = &office.world;
        let act = serde_json::to_value(act).ok()?;
        for _ in 0..TRIES_MAX {
            if let Some(assertion) = self.act_once(office, &act).await {
                return Some(assertion);
            }
            world.sleep(AGAIN).await;
        }
        None
    }

    async fn act_once(&self, office: &Office, act: &Value) -> Option<Value> {
        let world = &office.world;
        let (kept, _) = self.open(world).await?;
        let prepared = post(world, self.n, &kept, "/v1/acts/prepare", act).await?;
        let to_sign = hex::decode(prepared.body["to_sign"].as_str()?).ok()?;
        let assertion = touched(&self.authenticator, &prepared.body["assertion"])?;
        lock(&office.signed).insert(Digest::plain(&to_sign));
        let body = json!({ "id": prepared.body["id"], "assertion": assertion });
        let done = post(world, self.n, &kept, "/v1/acts/submit", &body).await?;
        done.is_done().then_some(assertion)
    }
}

/// Makes a passkey and waits until the ledger knows of it.
async fn make(
    office: &Office,
    (n, duty, handle): (usize, Duty, &str),
    known: impl Fn(&State, &CredentialId) -> bool,
) -> Option<Authenticator> {
    let world = &office.world;
    let operator = Kept::token(&world.operator_token(n));
    let invite = json!({ "officer": handle, "duties": [duty.name()] });
    let invited = post(world, n, &operator, "/v1/passkeys/invite", &invite).await?;
    let code = invited.body["code"].clone();
    let nobody = Kept::default();
    let begin = json!({ "code": code });
    let begun = post(world, n, &nobody, "/v1/passkeys/begin", &begin).await?;
    let name = format!("{} {n} {handle}", world.seed);
    let authenticator = Authenticator::es256(&name, ORIGIN);
    let options = &begun.body["publicKey"];
    let client = authenticator.client_data("webauthn.create", &challenge(options)?);
    let raw_id = webauthn::encode(&authenticator.raw_id);
    let finish = json!({ "code": code, "credential": {
        "id": raw_id, "rawId": raw_id, "type": "public-key",
        "response": {
            "clientDataJSON": webauthn::encode(&client),
            "attestationObject": webauthn::encode(&authenticator.attestation()),
        },
    }});
    post(world, n, &nobody, "/v1/passkeys/finish", &finish).await?;
    let credential = authenticator.credential().id();
    for _ in 0..ENROLLED_WITHIN {
        if known(&office.state(n)?, &credential) {
            return Some(authenticator);
        }
        world.sleep(AGAIN).await;
    }
    None
}
