//! What requests may cost: their bodies, how many are under way, and how a caller is
//! told to come again.
//!
//! *Invariants*
//! - A body that says that it is too large, or that it is encoded, is refused by its
//!   head; one that says nothing is cut at its limit.
//! - The bodies of all requests together have at most [`BODIES_KIB`] in memory, taken as
//!   bytes arrive: whoever only announces holds nothing.
//! - A caller has at most [`CALLER_REQUESTS_MAX`] requests under way (429), all callers
//!   [`REQUESTS_MAX`] (503). A request is under way until its answer has been taken.
//! - Live events count as connections only; they have a limit of their own.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue,
        header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use futures::StreamExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::body_bytes_max;
use crate::{
    core::{Core, lock},
    error::{Error, Result},
    host::{Host, Patience},
};

/// KiB that all requests' bodies may have in memory: the largest body twice.
const BODIES_KIB: usize = 128 * 1024;
/// Requests under way of one caller.
const CALLER_REQUESTS_MAX: usize = 32;
/// Requests under way of all callers.
const REQUESTS_MAX: usize = 256;
/// Longest that a request's body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the body of a request without credentials.
const OPEN_BODY_BYTES_MAX: usize = 256 * 1024;

static BODIES: Semaphore = Semaphore::const_new(BODIES_KIB);

/// Refuses by its head what can't be read anyway.
pub(super) async fn screen(request: Request, next: Next) -> Response {
    let limit = body_bytes_max(request.uri().path());
    match judge_head(request.headers(), limit) {
        Ok(()) => next.run(request).await,
        Err(error) => hang_up(error.into_response()),
    }
}

/// Says in an answer that the connection ends with it: a body that nobody reads is still
/// in its way, and a client that was not told would send its next request after it.
pub(super) fn hang_up(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

fn judge_head(headers: &HeaderMap, limit: usize) -> Result<()> {
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Error::refused(
            "content-type",
            "a request's body is taken as it is, without a content-encoding",
        ));
    }
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    Ok(())
}

fn too_large(limit: usize) -> Error {
    Error::refused("too-large", format!("a body has at most {limit} bytes"))
}

/// Reads the body of a request that needs no credentials, before its handler runs.
pub(super) async fn open_body(
    State(core): State<Arc<Core>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match read(&core.host, body, OPEN_BODY_BYTES_MAX).await {
        Ok((bytes, _held)) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Err(error) => hang_up(error.into_response()),
    }
}

/// The memory that a body takes.
pub(super) type Held = Vec<SemaphorePermit<'static>>;

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// A refusal where it is larger, cut or slow; trouble where too many bodies are in
/// memory.
pub(super) async fn read(host: &Arc<dyn Host>, body: Body, limit: usize) -> Result<(Bytes, Held)> {
    let reading = async {
        let mut frames = body.into_data_stream();
        let (mut bytes, mut held) = (BytesMut::new(), Held::new());
        while let Some(frame) = frames.next().await {
            let frame =
                frame.map_err(|_| Error::refused("body-cut", "the request's body was cut"))?;
            if bytes.len() + frame.len() > limit {
                return Err(too_large(limit));
            }
            let kib = (bytes.len() + frame.len()).div_ceil(1024) - bytes.len().div_ceil(1024);
            if kib > 0 {
                let kib = u32::try_from(kib).map_err(|_| too_large(limit))?;
                let permit = BODIES.try_acquire_many(kib);
                let permit = permit.map_err(|_| busy("too many requests' bodies are read"))?;
                match held.first_mut() {
                    Some(first) => first.merge(permit),
                    None => held.push(permit),
                }
            }
            bytes.extend_from_slice(&frame);
        }
        Ok((bytes.freeze(), held))
    };
    let patience = Patience::new(host, BODY_PATIENCE);
    patience.wait(reading).await.unwrap_or_else(|| {
        Err(Error::refused(
            "body-slow",
            "the request's body takes over a minute",
        ))
    })
}

fn busy(detail: &str) -> Error {
    Error::trouble("busy", detail)
}

/// How many requests are under way, by caller.
#[derive(Clone, Debug)]
pub(super) struct Pressure {
    callers: Arc<Mutex<HashMap<String, usize>>>,
    all: Arc<Semaphore>,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            callers: Arc::default(),
            all: Arc::new(Semaphore::new(REQUESTS_MAX)),
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Turn {
    pressure: Pressure,
    caller: String,
    _one_of_all: OwnedSemaphorePermit,
}

impl Pressure {
    /// Counts a request in until the turn is dropped.
    ///
    /// # Errors
    /// Trouble where this caller, or all together, have too many under way.
    pub(super) fn turn(&self, caller: &str) -> Result<Turn> {
        let all = self.all.clone().try_acquire_owned();
        let one_of_all = all.map_err(|_| busy("too many requests are under way"))?;
        let mut callers = lock(&self.callers);
        let under_way = callers.entry(caller.to_owned()).or_default();
        if *under_way >= CALLER_REQUESTS_MAX {
            return Err(Error::trouble(
                "too-many-requests",
                format!("this caller has {CALLER_REQUESTS_MAX} requests under way"),
            ));
        }
        *under_way += 1;
        drop(callers);
        Ok(Turn {
            pressure: self.clone(),
            caller: caller.to_owned(),
            _one_of_all: one_of_all,
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut callers = lock(&self.pressure.callers);
        if let Some(under_way) = callers.get_mut(&self.caller) {
            *under_way -= 1;
            if *under_way == 0 {
                callers.remove(&self.caller);
            }
        }
    }
}

/// Keeps something until an answer has been taken, or its reader is gone.
pub(super) fn until_taken<T: Send + Unpin + 'static>(response: Response, kept: T) -> Response {
    response.map(|body| Body::new(Keeping { body, _kept: kept }))
}

/// A body that holds what must live as long.
struct Keeping<T> {
    body: Body,
    _kept: T,
}

impl<T: Unpin> HttpBody for Keeping<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_what_is_too_large_or_encoded() {
        let head = |name, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            judge_head(&headers, 10)
        };
        head(CONTENT_LENGTH, "10").unwrap();
        head(CONTENT_ENCODING, "identity").unwrap();
        for (name, value, rule) in [
            (CONTENT_LENGTH, "11", "too-large"),
            (CONTENT_LENGTH, "9999999999999", "too-large"),
            (CONTENT_ENCODING, "gzip", "content-type"),
            (CONTENT_ENCODING, "identity, br", "content-type"),
        ] {
            assert_eq!(head(name, value).unwrap_err().rule(), rule, "{value}");
        }
    }

    #[tokio::test]
    async fn a_body_is_cut_at_its_limit_and_its_memory_is_given_back() {
        let host = crate::host::Machine::host();
        let body = Body::from(vec![7; 3_000]);
        let (bytes, held) = read(&host, body, 3_000).await.unwrap();
        assert_eq!((bytes.len(), held[0].num_permits()), (3_000, 3));
        let larger = read(&host, Body::from(vec![7; 3_001]), 3_000).await;
        assert_eq!(larger.unwrap_err().rule(), "too-large");
        drop(held);
        assert_eq!(BODIES.available_permits(), BODIES_KIB);
    }

    #[test]
    fn a_caller_waits_for_its_own_and_all_for_all() {
        let pressure = Pressure::default();
        let own: Vec<Turn> = (0..CALLER_REQUESTS_MAX)
            .map(|_| pressure.turn("a").unwrap())
            .collect();
        let refused = pressure.turn("a").unwrap_err();
        assert_eq!(
            (refused.rule(), refused.retry()),
            ("too-many-requests", true)
        );
        let others: Vec<Turn> = (CALLER_REQUESTS_MAX..REQUESTS_MAX)
            .map(|n| pressure.turn(&n.to_string()).unwrap())
            .collect();
        assert_eq!(pressure.turn("b").unwrap_err().rule(), "busy");
        drop((own, others));
        assert!(lock(&pressure.callers).is_empty());
        pressure.turn("a").unwrap();
    }
}
