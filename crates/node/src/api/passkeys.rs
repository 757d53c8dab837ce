//! Enrolment of passkeys over HTTP: invite, make, and what waits.
//!
//! *Not here*: the two words on the ledger; they are acts.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, Json, extract::State, http::HeaderMap};
use docket::{CredentialId, Duty, OfficerId};
use primitives::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    session::check_origin,
    types::ApiError,
    webauthn::{self, CreatedCredential, CreationOptions, User},
};
use crate::{
    core::Core,
    error::{Error, Result},
    passkeys::{self, Progress},
};

/// Whom to invite.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The officer's handle, a pseudonym.
    pub officer: String,
    /// The officer's duties.
    pub duties: Vec<String>,
}

/// An invitation: whoever has it makes the passkey.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// The code, for one passkey.
    pub code: String,
    /// The console's page with the code.
    pub link: String,
    /// Until when.
    pub expires_ms: u64,
}

/// An invitation's code.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code.
    pub code: String,
}

/// For whom a passkey is to be made, and how.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Begun {
    /// The institution.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// The officer's handle.
    pub officer: String,
    /// The officer's duties.
    pub duties: Vec<String>,
    /// What to call `navigator.credentials.create` with.
    #[serde(rename = "publicKey")]
    pub public_key: CreationOptions,
}

/// A passkey that a browser made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishPasskey {
    /// The invitation's code.
    pub code: String,
    /// The credential, as the browser gave it.
    pub credential: CreatedCredential,
}

/// A passkey that was made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// The registration, for a registrar's proposal.
    pub registration: String,
    /// The passkey.
    pub credential: String,
    /// Sixteen hex digits to compare with what the registrars see.
    pub fingerprint: String,
    /// `enrolled`, `proposed` (a registrar must confirm) or `waiting` (one must propose).
    pub state: String,
}

/// Passkeys on their way to an officer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasskeysView {
    /// Made here, and not proposed.
    pub waiting: Vec<WaitingView>,
    /// Proposed on the ledger, and not confirmed.
    pub proposed: Vec<NomineeView>,
}

/// A passkey that waits for a registrar's proposal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    /// The registration.
    pub registration: String,
    /// The officer's handle.
    pub officer: String,
    /// The officer's duties.
    pub duties: Vec<String>,
    /// The passkey.
    pub credential: String,
    /// Sixteen hex digits to compare with what the officer sees.
    pub fingerprint: String,
    /// The console's origin for which it was made.
    pub origin: String,
    /// Until when it waits.
    pub expires_ms: u64,
}

/// An officer who was proposed and waits for a second word.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NomineeView {
    /// The proposal's record.
    pub proposal: String,
    /// Its bytes, hex: who confirms hashes them, sees that they are `proposal`, and
    /// reads the credential out of them.
    pub proposal_bytes: String,
    /// The officer's handle.
    pub officer: String,
    /// The officer's duties.
    pub duties: Vec<String>,
    /// The credential.
    pub credential: String,
    /// Sixteen hex digits to compare with what the officer sees.
    pub fingerprint: String,
    /// `passkey` or `key`.
    pub kind: String,
    /// Who proposed; none: the node.
    pub proposed_by: Option<String>,
    /// When.
    pub time_ms: u64,
}

fn names(duties: &BTreeSet<Duty>) -> Vec<String> {
    duties.iter().map(|duty| duty.name().into()).collect()
}

fn code(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|_| Error::refused("format", "a code is 64 hex digits"))
}

/// Invites an officer to make a passkey.
#[utoipa::path(post, path = "/v1/passkeys/invite", request_body = Invite, responses((status = 200, body = InvitationView), (status = 403, body = ApiError)))]
pub(super) async fn invite(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Json(given): Json<Invite>,
) -> Result<Json<InvitationView>> {
    caller.operator_or(Duty::Registrar)?;
    let officer: OfficerId = given.officer.parse()?;
    let duties: Result<BTreeSet<Duty>, _> = given.duties.iter().map(|d| d.parse()).collect();
    let by_operator = matches!(caller, Caller::Operator);
    let (code, expires_ms) = passkeys::invite(&core, by_operator, officer, duties?)?;
    Ok(Json(InvitationView {
        link: format!("{}/#/enrol/{code}", core.console.origin),
        code: code.to_string(),
        expires_ms,
    }))
}

/// Begins to make a passkey under an invitation.
#[utoipa::path(post, path = "/v1/passkeys/begin", request_body = Code, responses((status = 200, body = Begun), (status = 404, body = ApiError)))]
pub(super) async fn begin(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Json(given): Json<Code>,
) -> Result<Json<Begun>> {
    check_origin(&core, &headers)?;
    let (invitation, challenge) = passkeys::begin(&core, &code(&given.code)?)?;
    let state = core.state();
    let name = state.member(&core.me).map(|member| member.name.clone());
    let name = name.unwrap_or_else(|| core.me.to_string());
    let officer = invitation.officer.to_string();
    let parts = [&core.network.0.0[..], core.me.as_str().as_bytes()];
    let handle = Digest::of(
        "cordon/user-handle/v1",
        &[parts[0], parts[1], officer.as_bytes()],
    );
    let user = User {
        id: webauthn::encode(&handle.0),
        name: format!("{officer} · {}", core.me),
        display_name: format!("{officer} · {name}"),
    };
    Ok(Json(Begun {
        institution: core.me.to_string(),
        officer,
        duties: names(&invitation.duties),
        public_key: CreationOptions::new(&core.console, &name, user, &challenge),
        name,
    }))
}

/// Takes a passkey that was made under an invitation.
#[utoipa::path(post, path = "/v1/passkeys/finish", request_body = FinishPasskey, responses((status = 200, body = Made), (status = 403, body = ApiError), (status = 404, body = ApiError)))]
pub(super) async fn finish(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    Json(given): Json<FinishPasskey>,
) -> Result<Json<Made>> {
    check_origin(&core, &headers)?;
    let response = &given.credential.response;
    let client_data = webauthn::decode(&response.client_data_json)?;
    let attestation = webauthn::decode(&response.attestation_object)?;
    let code = code(&given.code)?;
    let made = passkeys::finish(&core, &code, &client_data, &attestation).await;
    let (registration, kept, progress) = made?;
    let credential = kept.credential.id();
    Ok(Json(Made {
        registration: registration.to_string(),
        fingerprint: credential.fingerprint(),
        credential: credential.to_string(),
        state: match progress {
            Progress::Waiting => "waiting",
            Progress::Proposed => "proposed",
            Progress::Enrolled => "enrolled",
        }
        .into(),
    }))
}

/// Passkeys that wait for a registrar's word.
#[utoipa::path(get, path = "/v1/passkeys", responses((status = 200, body = PasskeysView), (status = 403, body = ApiError)))]
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<PasskeysView>> {
    caller.operator_or(Duty::Registrar)?;
    let origin = |id: &docket::Credential| {
        let passkey = id.passkey().map(|(passkey, _)| passkey.origin.clone());
        passkey.unwrap_or_default()
    };
    let waiting = passkeys::waiting(&core)?
        .into_iter()
        .map(|(registration, kept)| {
            let id: CredentialId = kept.credential.id();
            WaitingView {
                registration: registration.to_string(),
                officer: kept.officer.to_string(),
                duties: names(&kept.duties),
                credential: id.to_string(),
                fingerprint: id.fingerprint(),
                origin: origin(&kept.credential),
                expires_ms: kept.expires_ms,
            }
        })
        .collect();
    let state = core.state();
    let now = core.now_ms();
    let proposed = state
        .nominees()
        .filter(|(_, nominee)| nominee.institution == core.me && !nominee.has_lapsed(now))
        .map(|(proposal, nominee)| {
            let id = nominee.credential.id();
            let record = core.record(proposal).ok();
            NomineeView {
                proposal: proposal.to_string(),
                proposal_bytes: record.map_or_else(String::new, |r| hex::encode(&r.record.bytes)),
                officer: nominee.officer.to_string(),
                duties: names(&nominee.duties),
                credential: id.to_string(),
                fingerprint: id.fingerprint(),
                kind: id.kind().into(),
                proposed_by: nominee.proposed_by.as_ref().map(ToString::to_string),
                time_ms: nominee.time_ms,
            }
        })
        .collect();
    Ok(Json(PasskeysView { waiting, proposed }))
}
