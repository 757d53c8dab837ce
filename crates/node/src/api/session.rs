//! Signing in with a passkey, and what a request by cookie must show.
//!
//! ```text
//! POST /v1/session/begin                     ──▶ id, challenge
//! navigator.credentials.get(challenge)
//! POST /v1/session/finish {id, credential}   ──▶ cookie; page token in the answer
//! GET  /v1/…   Cookie, Cordon-Page           ──▶ what the officer may read
//! ```
//!
//! The sign-in's assertion is judged by the very code that judges records
//! (`docket::passkey`), over a challenge of this node and with a domain of its own.
//!
//! A request by cookie is let in where all of this holds:
//! 1. the cookie's session lives, and its passkey is of an officer enrolled here;
//! 2. it carries a page's token of that session; or it is a `GET` of the few paths
//!    of [`OPEN_TO_COOKIE`] that show nothing of a case, and the browser says that
//!    it comes from the same origin;
//! 3. where it is no `GET`, its `Origin` is the console's.
//!
//! *Not here*: acts. They need a fresh assertion over the record itself; see
//! `acts::submit`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use docket::{CredentialId, Duty, OfficerId, state::Officer};
use primitives::{Digest, TimeMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    types::ApiError,
    webauthn::{self, AssertedCredential, RequestOptions},
};
use crate::{
    acts::Actor,
    core::Core,
    error::{Error, Result},
    sessions::Tokens,
    store::Shelf,
    views,
};

/// The header with a page's token.
pub const PAGE_HEADER: &str = "cordon-page";
/// What a cookie may read without a page's token: nothing of a case. Paths that end
/// in `/events` are open too: a browser's event source can set no header.
pub const OPEN_TO_COOKIE: &[&str] = &[
    "/v1/session",
    "/v1/network",
    "/v1/catalogue",
    "/v1/templates",
];
const EVENTS: &str = "/events";

/// The session by which a request was let in.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// The cookie's token.
    pub(crate) cookie: Digest,
    /// When the session ends.
    pub(crate) expires_ms: TimeMs,
}

/// A sign-in that was begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Its id.
    pub id: String,
    /// What to call `navigator.credentials.get` with.
    pub public_key: RequestOptions,
}

/// A browser's answer to a sign-in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishSignIn {
    /// The sign-in's id.
    pub id: String,
    /// The credential, as the browser gave it.
    pub credential: AssertedCredential,
}

/// Who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The institution.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// The network.
    pub network: String,
    /// What the institution may be in a case.
    pub roles: Vec<String>,
    /// The officer's handle; none: the operator.
    pub officer: Option<String>,
    /// What the officer may do.
    pub duties: Vec<String>,
    /// The credential: a key, or `passkey:` and a digest.
    pub credential: Option<String>,
    /// When the session ends; none: a request that was signed by itself.
    pub expires_ms: Option<u64>,
    /// The page's token: in the answer of a sign-in only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

fn unauthenticated(detail: impl Into<String>) -> Error {
    Error::refused("unauthenticated", detail)
}

/// Lets a request in by its cookie.
pub(super) fn check(
    core: &Core,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Caller, OpenSession)> {
    let cookie = cookie(core, headers).ok_or_else(|| {
        unauthenticated("a session, an officer's signature or the operator's token is needed")
    })?;
    let session = core
        .sessions
        .find(&cookie, core.now_ms())
        .ok_or_else(|| unauthenticated("the session has ended"))?;
    if method != Method::GET && method != Method::HEAD {
        check_origin(core, headers)?;
    }
    let page = headers
        .get(PAGE_HEADER)
        .and_then(|value| value.to_str().ok()?.parse::<Digest>().ok());
    let is_page = page.is_some_and(|page| core.sessions.has_page(&cookie, &page));
    if !is_page && !may_read_without_page(method, path, headers) {
        return Err(
            Error::refused("fresh-sign-in", "the page holds no token of this session")
                .advise("sign in again with the passkey"),
        );
    }
    let state = core.state();
    let officer = state
        .officer(&session.credential)
        .filter(|officer| officer.institution == core.me)
        .ok_or_else(|| unauthenticated("the passkey is of no officer enrolled here any more"))?;
    let open = OpenSession {
        cookie,
        expires_ms: session.expires_ms,
    };
    Ok((caller(session.credential, officer), open))
}

fn caller(key: CredentialId, officer: &Officer) -> Caller {
    Caller::Officer {
        actor: Actor {
            key,
            id: officer.id.clone(),
        },
        duties: officer.duties.clone(),
    }
}

fn may_read_without_page(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let same_origin = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin");
    let open = OPEN_TO_COOKIE.contains(&path) || path.ends_with(EVENTS);
    method == Method::GET && open && same_origin
}

/// Refuses what another origin's page sends.
pub(super) fn check_origin(core: &Core, headers: &HeaderMap) -> Result<()> {
    let origin = headers
        .get(header::ORIGIN)
        .and_then(|value| value.to_str().ok());
    if origin == Some(core.console.origin.as_str()) {
        return Ok(());
    }
    Err(Error::refused(
        "origin",
        format!(
            "the request does not come from the console at {}",
            core.console.origin
        ),
    ))
}

/// The token in this node's cookie.
fn cookie(core: &Core, headers: &HeaderMap) -> Option<Digest> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, token) = pair.trim().split_once('=')?;
            (name == core.console.cookie).then(|| token.parse().ok())?
        })
}

fn set_cookie(core: &Core, token: Option<&Digest>) -> Result<HeaderValue> {
    let value = token.map(ToString::to_string).unwrap_or_default();
    let secure = if core.console.is_secure() {
        "; Secure"
    } else {
        ""
    };
    let name = &core.console.cookie;
    // Gone with the browser; when the session ends, the node alone says.
    let gone = if token.is_some() { "" } else { "; Max-Age=0" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{gone}{secure}");
    HeaderValue::from_str(&text).map_err(|error| Error::broken("cookie", error))
}

fn view(
    core: &Core,
    caller: &Caller,
    expires_ms: Option<TimeMs>,
    page: Option<&Digest>,
) -> SessionView {
    let state = core.state();
    let member = state.member(&core.me);
    let (actor, duties) = match caller {
        Caller::Officer { actor, duties } => (Some(actor), Some(duties)),
        Caller::Operator => (None, None),
    };
    SessionView {
        institution: core.me.to_string(),
        name: member.map(|member| member.name.clone()).unwrap_or_default(),
        network: core.network.to_string(),
        roles: member
            .map(|member| views::role_names(&member.roles))
            .unwrap_or_default(),
        officer: actor.map(|actor| actor.id.to_string()),
        duties: duties
            .into_iter()
            .flatten()
            .map(|duty: &Duty| duty.name().into())
            .collect(),
        credential: actor.map(|actor| actor.key.to_string()),
        expires_ms,
        page: page.map(ToString::to_string),
    }
}

/// Begins to sign in with a passkey.
#[utoipa::path(post, path = "/v1/session/begin", responses((status = 200, body = SignIn), (status = 403, body = ApiError)))]
pub(super) async fn begin(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
) -> Result<Json<SignIn>> {
    check_origin(&core, &headers)?;
    let sign_in = core.sessions.begin(core.now_ms());
    Ok(Json(SignIn {
        id: hex::encode(sign_in.id),
        public_key: RequestOptions::new(&core.console.rp_id, &sign_in.challenge, None),
    }))
}

/// Signs in: a session's cookie, and the page's token in the answer.
#[utoipa::path(post, path = "/v1/session/finish", request_body = FinishSignIn, responses((status = 200, body = SessionView), (status = 401, body = ApiError), (status = 403, body = ApiError)))]
pub(super) async fn finish(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Json(given): Json<FinishSignIn>,
) -> Result<Response> {
    check_origin(&core, &headers)?;
    let joins = cookie(&core, &headers);
    let (caller, tokens) = sign_in(&core, &given, joins.as_ref())?;
    if let Some(old) = joins.filter(|old| *old != tokens.cookie) {
        core.sessions.close(&old);
    }
    let view = view(&core, &caller, Some(tokens.expires_ms), Some(&tokens.page));
    let cookie = set_cookie(&core, Some(&tokens.cookie))?;
    Ok(([(header::SET_COOKIE, cookie)], Json(view)).into_response())
}

fn sign_in(core: &Core, given: &FinishSignIn, joins: Option<&Digest>) -> Result<(Caller, Tokens)> {
    let mut id = [0; 16];
    hex::decode_to_slice(&given.id, &mut id)
        .map_err(|_| unauthenticated("a sign-in's id is 32 hex digits"))?;
    let now = core.now_ms();
    let challenge = core.sessions.pending(&id, now)?;
    let raw_id = webauthn::decode(&given.credential.raw_id)?;
    let state = core.state();
    let (credential, officer) = state
        .officers()
        .find(|(_, officer)| {
            let passkey = officer.credential.passkey();
            officer.institution == core.me && passkey.is_some_and(|(_, known)| known == raw_id)
        })
        .ok_or_else(|| unauthenticated("the passkey is of no officer enrolled here"))?;
    let (passkey, _) = officer
        .credential
        .passkey()
        .ok_or_else(|| unauthenticated("not a passkey"))?;
    let check = |error: Error| unauthenticated(error.to_string());
    let assertion = given.credential.bring(passkey).map_err(check)?;
    passkey
        .verify(&challenge, &assertion)
        .map_err(|error| unauthenticated(error.to_string()))?;
    check_counter(core, credential, &officer.id, assertion.counter())?;
    let tokens = core.sessions.open(&id, *credential, joins, now)?;
    tracing::info!(officer = %officer.id, "signed in");
    Ok((caller(*credential, officer), tokens))
}

/// WebAuthn §7.2, the last step: a counter that does not rise is a copy's.
fn check_counter(
    core: &Core,
    credential: &CredentialId,
    officer: &OfficerId,
    counter: u32,
) -> Result<()> {
    let shelf = credential.bytes();
    let before: u32 = core.store.get(Shelf::Counters, shelf)?.unwrap_or_default();
    if counter == 0 && before == 0 {
        return Ok(());
    }
    if counter <= before {
        tracing::warn!(%officer, counter, before, "an authenticator's counter went back: it may have been copied");
        return Err(unauthenticated(
            "the authenticator's counter went back: it may have been copied",
        )
        .advise("a registrar retires the passkey and enrols another"));
    }
    core.store.put(Shelf::Counters, shelf, &counter)
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/session", responses((status = 200, body = SessionView), (status = 401, body = ApiError)))]
pub(super) async fn who(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    session: Option<Extension<OpenSession>>,
) -> Json<SessionView> {
    let expires_ms = session.map(|session| session.expires_ms);
    Json(view(&core, &caller, expires_ms, None))
}

/// Signs out.
#[utoipa::path(delete, path = "/v1/session", responses((status = 204), (status = 401, body = ApiError)))]
pub(super) async fn end(
    State(core): State<Arc<Core>>,
    session: Option<Extension<OpenSession>>,
) -> Result<Response> {
    if let Some(Extension(session)) = session {
        core.sessions.close(&session.cookie);
    }
    let cookie = set_cookie(&core, None)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
