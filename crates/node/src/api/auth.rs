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
    body::{Body, to_bytes},
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::Next,
    response::{IntoResponse, Response},
};
use docket::{CredentialId, Duty};
use primitives::{Digest, PublicKey, Signature};
use subtle::ConstantTimeEq;

use super::{BODY_BYTES_MAX, body_bytes_max, session};
use crate::{
    acts::Actor,
    core::{Core, lock, now_ms},
    error::{Error, Result},
};

/// Furthest that a request's time may be from this node's clock.
pub const TIME_SKEW_MAX_MS: u64 = 2 * 60 * 1000;
/// Nonces remembered; a node that sees more in two minutes is flooded and says so.
const NONCES_MAX: usize = 200_000;
/// Longest that a request's body may take to arrive.
const BODY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// Bodies larger than most that are held at a time.
static LARGE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);
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
        }
    }

    fn check(&self, method: &str, target: &str, given: &str, body: &[u8]) -> Result<Caller> {
        if let Some(token) = given.strip_prefix("Cordon-Operator ") {
            let token: Digest = token
                .trim()
                .parse()
                .map_err(|_| unauthenticated("a malformed token"))?;
            return if bool::from(token.0.ct_eq(&self.operator.0)) {
                Ok(Caller::Operator)
            } else {
                Err(unauthenticated("not this node's operator token"))
            };
        }
        let fields = given.strip_prefix("Cordon-Officer ").ok_or_else(|| {
            unauthenticated("an officer's signature or the operator's token is needed")
        })?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .ok_or_else(|| unauthenticated("a malformed Authorization header"))
        };
        let malformed = || unauthenticated("a malformed Authorization header");
        let key: PublicKey = field("key")?.parse().map_err(|_| malformed())?;
        let time_ms: u64 = field("time")?.parse().map_err(|_| malformed())?;
        let mut nonce = [0u8; 16];
        hex::decode_to_slice(field("nonce")?, &mut nonce).map_err(|_| malformed())?;
        let signature: Signature = field("sig")?.parse().map_err(|_| malformed())?;
        let now = now_ms();
        if now.abs_diff(time_ms) > TIME_SKEW_MAX_MS {
            return Err(unauthenticated(
                "the request's time is over two minutes from this node's",
            ));
        }
        let core = &self.core;
        let signed = message(
            method,
            target,
            body,
            time_ms,
            &nonce,
            &core.network,
            &core.me,
        );
        key.verify(DOMAIN, &signed, &signature)
            .map_err(|_| unauthenticated("the request's signature does not verify"))?;
        let state = core.state();
        let credential = CredentialId::Key(key);
        let officer = state
            .officer(&credential)
            .filter(|officer| officer.institution == core.me)
            .ok_or_else(|| unauthenticated("the key is of no officer enrolled here"))?;
        self.remember(key, nonce, now)?;
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
    let limit = body_bytes_max(parts.uri.path());
    // A large body is read before its signature can be checked: one at a time.
    let _turn = match limit > BODY_BYTES_MAX {
        true => LARGE.acquire().await.ok(),
        false => None,
    };
    let read = tokio::time::timeout(BODY_PATIENCE, to_bytes(body, limit)).await;
    let Ok(Ok(bytes)) = read else {
        return Error::refused("limit", "the request's body is too large or was cut")
            .into_response();
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let checked = match parts.headers.get(AUTHORIZATION) {
        Some(given) => {
            let given = given.to_str().unwrap_or_default();
            gate.check(parts.method.as_str(), target, given, &bytes)
                .map(|caller| (caller, None))
        }
        None => session::check(&gate.core, &parts.method, parts.uri.path(), &parts.headers)
            .map(|(caller, session)| (caller, Some(session))),
    };
    match checked {
        Ok((caller, session)) => {
            parts.extensions.insert(caller);
            if let Some(session) = session {
                parts.extensions.insert(session);
            }
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Err(error) => {
            tracing::warn!(%error, target, "an unauthenticated request");
            error.into_response()
        }
    }
}
