//! The API without sockets: a request as a connection would bring it, answered by the
//! very router that serves connections.
//!
//! Why it exists: in `sim` whole nodes run on one thread without tokio, and a thief of
//! an officer's session must meet there what he meets in production: the gate, the
//! sessions, the guard and the acts.
//!
//! *Not here*: connections, heads that are too large, slow readers (`serve`); live
//! events, whose streams know tokio's clock alone.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
};
use futures::FutureExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use primitives::Digest;

use super::{auth::Gate, routes::router};
use crate::core::Core;

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = evidence::BUNDLE_BYTES_MAX;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Names and values, as far as they are text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A node's API.
#[derive(Clone)]
pub struct Direct(Router);

impl Direct {
    /// The API of a node, with its operator's token.
    #[must_use]
    pub fn new(core: Arc<Core>, operator: Digest) -> Self {
        let gate = Gate::new(core.clone(), operator);
        Self(router(core, gate))
    }

    /// Answers a request; none where it is no HTTP request or its answer breaks off.
    pub async fn answer(&self, asked: Asked) -> Option<Answered> {
        let mut request = Request::builder()
            .method(asked.method.as_str())
            .uri(asked.target);
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(asked.body)).ok()?;
        let service = TowerToHyperService::new(self.0.clone());
        let response: Response = service.call(request).map(Result::ok).await?;
        let (parts, body) = response.into_parts();
        let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        Some(Answered {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().filter_map(text).collect(),
            body: to_bytes(body, ANSWER_BYTES_MAX).await.ok()?.to_vec(),
        })
    }
}
