//! The HTTP API, for this institution's own officers, operator and programs.
//!
//! OpenAPI 3.1 is generated from this code and served at `/openapi.json`.
//! Every request but health and the document itself is signed by an officer's
//! key, carries the operator's token (see [`auth`]) or is of a session that an
//! officer opened with a passkey (see [`session`]); what an officer reads of
//! a case is recorded before it is given.

mod answers;
mod assets;
pub mod auth;
mod cases;
mod custody;
pub mod direct;
mod engine;
mod events;
mod guard;
mod oversight;
pub mod passkeys;
mod pressure;
mod routes;
mod serve;
pub mod session;
mod shape;
pub mod types;
pub mod webauthn;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use crate::error::{Error, Kind};

pub use routes::router;
pub(crate) use serve::{listen, serve};

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of the body of a request to a path: a bundle may be larger than the rest.
#[must_use]
fn body_bytes_max(path: &str) -> usize {
    if path == "/v1/bundles/verify" {
        evidence::BUNDLE_BYTES_MAX
    } else {
        BODY_BYTES_MAX
    }
}

/// What the API says of an error.
#[must_use]
pub fn view_error(error: &Error) -> types::ApiError {
    let (family, detail) = match &error.kind {
        Kind::Refused { detail, .. } => ("refusal", detail.clone()),
        Kind::Fault { peer, detail, .. } => ("fault", format!("{peer}: {detail}")),
        Kind::Trouble { detail, .. } => ("trouble", detail.clone()),
    };
    types::ApiError {
        family: family.into(),
        rule: error.rule().into(),
        detail,
        advice: error.advice.clone(),
        retry: error.retry(),
        record: error.record.as_ref().map(ToString::to_string),
    }
}

fn status_of(error: &Error) -> StatusCode {
    match (&error.kind, error.rule()) {
        (Kind::Refused { .. }, "too-large") => StatusCode::PAYLOAD_TOO_LARGE,
        (Kind::Refused { .. }, "content-type") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (Kind::Refused { .. }, "body-cut") => StatusCode::BAD_REQUEST,
        (Kind::Refused { .. }, "body-slow") => StatusCode::REQUEST_TIMEOUT,
        (Kind::Trouble { .. }, "too-many-requests") => StatusCode::TOO_MANY_REQUESTS,
        (Kind::Refused { .. }, "unauthenticated" | "fresh-sign-in") => StatusCode::UNAUTHORIZED,
        (
            Kind::Refused { .. },
            "not-found" | "warrant-unknown" | "question-unknown" | "proposal-unknown",
        ) => StatusCode::NOT_FOUND,
        (Kind::Refused { .. }, "format" | "subject" | "dataset-spec" | "terms") => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        (Kind::Refused { .. }, "busy" | "stale" | "already-decided" | "warrant-decided") => {
            StatusCode::CONFLICT
        }
        (Kind::Refused { .. }, _) => StatusCode::FORBIDDEN,
        (Kind::Fault { .. }, _) => StatusCode::BAD_GATEWAY,
        (Kind::Trouble { retry: true, .. }, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Kind::Trouble { .. }, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = status_of(&self);
        let mut response = (status, Json(view_error(&self))).into_response();
        if self.retry() {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
