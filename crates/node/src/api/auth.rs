//! Who is asking: an officer, by a signature over the request, or the operator
//! of this machine, by a token from the data folder.
//!
//! `Authorization: Cordon-Officer key=…,time=…,nonce=…,sig=…` where `sig` is the
//! officer's Ed25519 signature, domain `cordon/request/v1`, over
//! `METHOD\nPATH?QUERY\nSHA-256(body)\ntime\nnonce\nnetwork\ninstitution`.
//! A time over two minutes from this node's clock is refused, and so is a nonce
//! that was seen within that time.
//!
//! A request without `Authorization` is by cookie: an officer's who signed in with
//! a passkey ([`super::session`]).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use docket::{CredentialId, Duty};
use primitives::{Digest, PublicKey, Signature};
use subtle::ConstantTimeEq;

use super::{
    body_bytes_max,
    events::EVENTS_PATH,
    pressure::{self, Pressure, hang_up, until_taken},
    serve::{Line, Proven},
    session::{self, OpenSession},
};
use crate::{
    acts::Actor,
    core::{Core, lock},
    error::{Error, Result},
};

/// Furthest that a request's time may be from this node's clock.
pub const TIME_SKEW_MAX_MS: u64 = 2 * 60 * 1000;
/// Nonces remembered; a node that sees more in two minutes is flooded and says so.
const NONCES_MAX: usize = 200_000;
/// The signature's domain.
pub const DOMAIN: &str = "cordon/request/v1";

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Caller {
    /// An officer of this institution.
    Officer {
        /// Key and handle.
        actor: Actor,
        /// What the officer may do.
        duties: std::collections::BTreeSet<Duty>,
    },
    /// The operator of this machine.
    Operator,
}

impl Caller {
    /// The officer.
    ///
    /// # Errors
    /// A refusal where the operator asks for what only an officer may do.
    pub fn officer(&self) -> Result<&Actor> {
        match self {
            Self::Officer { actor, .. } => Ok(actor),
            Self::Operator => Err(Error::refused(
                "duty",
                "an operator reads no case; an officer's credential is needed",
            )),
        }
    }

    /// Whose requests are counted together.
    fn name(&self) -> String {
        match self {
            Self::Officer { actor, .. } => actor.key.to_string(),
            Self::Operator => "operator".into(),
        }
    }

    /// Requires the operator, or an officer with a duty.
    ///
    /// # Errors
    /// A refusal where the officer lacks it.
    pub fn operator_or(&self, duty: Duty) -> Result<()> {
        match self {
            Self::Operator => Ok(()),
            Self::Officer { duties, .. } if duties.contains(&duty) => Ok(()),
            Self::Officer { actor, .. } => Err(Error::refused(
                "duty",
                format!("officer {} lacks the duty {duty}", actor.id),
            )),
        }
    }
}

/// The nonces of late, each with the time at which it was seen.
type Nonces = HashMap<(PublicKey, [u8; 16]), u64>;

/// What requests are checked with.
#[derive(Clone)]
pub struct Gate {
    core: Arc<Core>,
    operator: Arc<Digest>,
    nonces: Arc<Mutex<Nonces>>,
    pressure: Pressure,
}

/// What an officer's request says of its signature.
struct Signed {
    key: PublicKey,
    time_ms: u64,
    nonce: [u8; 16],
    signature: Signature,
}

/// What can be said of a request before its body has been read.
enum Shown {
    /// Who asks is known.
    Known(Caller, Option<OpenSession>),
    /// Somebody says that an officer signed it, body and all.
    Signed(Signed),
}

fn unauthenticated(detail: &str) -> Error {
    Error::refused("unauthenticated", detail)
}

/// The bytes that an officer signs for a request.
#[must_use]
pub fn message(
    method: &str,
    target: &str,
    body: &[u8],
    time_ms: u64,
    nonce: &[u8; 16],
    network: &primitives::NetworkId,
    institution: &primitives::InstitutionId,
) -> Vec<u8> {
    format!(
        "{method}\n{target}\n{}\n{time_ms}\n{}\n{network}\n{institution}",
        Digest::plain(body),
        hex::encode(nonce)
    )
    .into_bytes()
}

impl Gate {
    /// A gate with the operator's token.
    #[must_use]
    pub fn new(core: Arc<Core>, operator: Digest) -> Self {
        Self {
            core,
            operator: Arc::new(operator),
            nonces: Arc::default(),
            pressure: Pressure::default(),
        }
    }

    /// Judges what a request's head shows. Whether a key is an officer's is not looked
    /// at before its signature: strangers could ask who works here.
    fn shown(&self, parts: &Parts) -> Result<Shown> {
        let Some(given) = parts.headers.get(AUTHORIZATION) else {
            let path = parts.uri.path();
            let opened = session::check(&self.core, &parts.method, path, &parts.headers);
            return opened.map(|(caller, session)| Shown::Known(caller, Some(session)));
        };
        let given = given.to_str().unwrap_or_default();
        if let Some(token) = given.strip_prefix("Cordon-Operator ") {
            let token: Digest = token
                .trim()
                .parse()
                .map_err(|_| unauthenticated("a malformed token"))?;
            return if bool::from(token.0.ct_eq(&self.operator.0)) {
                Ok(Shown::Known(Caller::Operator, None))
            } else {
                Err(unauthenticated("not this node's operator token"))
            };
        }
        let fields = given.strip_prefix("Cordon-Officer ").ok_or_else(|| {
            unauthenticated("an officer's signature or the operator's token is needed")
        })?;
        let malformed = || unauthenticated("a malformed Authorization header");
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .ok_or_else(malformed)
        };
        let mut nonce = [0u8; 16];
        hex::decode_to_slice(field("nonce")?, &mut nonce).map_err(|_| malformed())?;
        let signed = Signed {
            key: field("key")?.parse().map_err(|_| malformed())?,
            time_ms: field("time")?.parse().map_err(|_| malformed())?,
            nonce,
            signature: field("sig")?.parse().map_err(|_| malformed())?,
        };
        if self.core.now_ms().abs_diff(signed.time_ms) > TIME_SKEW_MAX_MS {
            return Err(unauthenticated(
                "the request's time is over two minutes from this node's",
            ));
        }
        Ok(Shown::Signed(signed))
    }

    /// The officer who signed a request.
    fn signer(&self, signed: Signed, parts: &Parts, body: &[u8]) -> Result<Caller> {
        let core = &self.core;
        let target = parts.uri.path_and_query();
        let message = message(
            parts.method.as_str(),
            target.map_or("/", |target| target.as_str()),
            body,
            signed.time_ms,
            &signed.nonce,
            &core.network,
            &core.me,
        );
        signed
            .key
            .verify(DOMAIN, &message, &signed.signature)
            .map_err(|_| unauthenticated("the request's signature does not verify"))?;
        let state = core.state();
        let credential = CredentialId::Key(signed.key);
        let officer = state
            .officer(&credential)
            .filter(|officer| officer.institution == core.me)
            .ok_or_else(|| unauthenticated("the key is of no officer enrolled here"))?;
        self.remember(signed.key, signed.nonce, core.now_ms())?;
        Ok(Caller::Officer {
            actor: Actor {
                key: credential,
                id: officer.id.clone(),
            },
            duties: officer.duties.clone(),
        })
    }

    fn remember(&self, key: PublicKey, nonce: [u8; 16], now: u64) -> Result<()> {
        let mut nonces = lock(&self.nonces);
        if nonces.len() >= NONCES_MAX {
            nonces.retain(|_, seen| now.abs_diff(*seen) <= 2 * TIME_SKEW_MAX_MS);
            if nonces.len() >= NONCES_MAX {
                return Err(Error::trouble("busy", "too many requests"));
            }
        }
        if nonces.insert((key, nonce), now).is_some() {
            return Err(unauthenticated("the request was sent before"));
        }
        Ok(())
    }
}

/// Checks who is asking, before any handler runs.
pub async fn authenticate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    match admit(&gate, &mut parts, body).await {
        Ok((bytes, kept)) => {
            let request = Request::from_parts(parts, Body::from(bytes));
            let response = next.run(request).await;
            until_taken(response, kept)
        }
        Err(error) => {
            if error.rule() == "unauthenticated" {
                tracing::warn!(%error, path = parts.uri.path(), "an unauthenticated request");
            }
            // Whether the body was read to its end depends on what was wrong.
            match has_body {
                true => hang_up(error.into_response()),
                false => error.into_response(),
            }
        }
    }
}

/// What a request holds until it was answered.
type Kept = (pressure::Held, Option<pressure::Turn>, Option<Proven>);

/// Finds out who asks and reads the body, the cheapest first.
async fn admit(gate: &Gate, parts: &mut Parts, body: Body) -> Result<(bytes::Bytes, Kept)> {
    let limit = body_bytes_max(parts.uri.path());
    let line = parts.extensions.get::<Arc<Line>>().cloned();
    let counted = parts.uri.path() != EVENTS_PATH;
    let under_way = |caller: &Caller| {
        let turn = counted.then(|| gate.pressure.turn(&caller.name()));
        let turn = turn.transpose()?;
        Ok::<_, Error>((turn, line.as_ref().map(Line::prove)))
    };
    let (caller, session, bytes, kept) = match gate.shown(parts)? {
        Shown::Known(caller, session) => {
            let (turn, proven) = under_way(&caller)?;
            let (bytes, held) = pressure::read(&gate.core.host, body, limit).await?;
            (caller, session, bytes, (held, turn, proven))
        }
        Shown::Signed(signed) => {
            let (bytes, held) = pressure::read(&gate.core.host, body, limit).await?;
            let caller = gate.signer(signed, parts, &bytes)?;
            let (turn, proven) = under_way(&caller)?;
            (caller, None, bytes, (held, turn, proven))
        }
    };
    parts.extensions.insert(caller);
    if let Some(session) = session {
        parts.extensions.insert(session);
    }
    Ok((bytes, kept))
}
