//! The stream of live events (server-sent events).
//!
//! ```text
//! GET /v1/events            Last-Event-ID: <boot>-<number>, after a cut
//!   event: hello            always first
//!   event: reset            only where something was missed: fetch everything again
//!   event: warrant …        id: <boot>-<number>
//!   : beat                  every 15 seconds
//! ```
//!
//! *Invariants*: a stream ends after a quarter of an hour, when its officer is no
//! longer enrolled with the same duties, and when the node drains; a slow reader
//! costs nothing but its own gap.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, header::CACHE_CONTROL},
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
};
use docket::{Duty, OfficerId};
use futures::stream::{self, Stream};
use signal::watch;
use tokio::time::Instant;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Caller,
    types::{ApiError, HelloEvent},
};
use crate::{
    core::Core,
    error::{Error, Result},
    events::{Held, Next},
};

/// The stream's route.
pub(super) const EVENTS_PATH: &str = "/v1/events";
/// Longest life of a stream: a session's.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// How often an idle stream shows that it lives, and its officer is looked at again.
const BEAT: Duration = Duration::from_secs(15);
/// Where a stream goes on after a cut.
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that would hold events back are asked not to.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

type Shared = Arc<Core>;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(events))
}

/// One open stream.
struct Reader {
    core: Shared,
    officer: OfficerId,
    duties: BTreeSet<Duty>,
    at: u64,
    ready: std::collections::VecDeque<Sent>,
    woken: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    until: Instant,
    /// When the officer is looked at again.
    look_again: Instant,
    _held: Held,
}

/// What happens at this institution, while it happens (server-sent events).
#[utoipa::path(get, path = "/v1/events", params(("last-event-id" = Option<String>, Header, description = "The last event that arrived before a cut")), responses((status = 200, content_type = "text/event-stream", body = String), (status = 401, body = ApiError), (status = 409, body = ApiError)))]
async fn events(
    State(core): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response> {
    let actor = caller.officer()?;
    let held = core
        .events
        .hold(&core.me, &actor.id.to_string())
        .ok_or_else(|| Error::refused("busy", "this officer has eight streams open already"))?;
    let after = headers.get(&LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let mut ready = std::collections::VecDeque::new();
    let at = match after {
        None => core.events.last(),
        Some(id) => match core.events.resume(id) {
            Some(number) => number,
            None => {
                ready.push_back(Sent::default().event("reset").data("{}"));
                core.events.last()
            }
        },
    };
    let hello = HelloEvent {
        time_ms: core.now_ms(),
        institution: core.me.to_string(),
        boot: core.events.boot().into(),
    };
    let hello = serde_json::to_string(&hello).map_err(|error| Error::broken("json", error))?;
    let id = format!("{}-{at}", core.events.boot());
    ready.push_front(Sent::default().event("hello").id(id).data(hello));
    let reader = Reader {
        officer: actor.id.clone(),
        duties: caller.duties().clone(),
        at,
        ready,
        woken: core.events.woken(),
        closing: core.events.closing(),
        until: Instant::now() + LIFE,
        look_again: Instant::now() + BEAT,
        _held: held,
        core,
    };
    let beat = KeepAlive::new().interval(BEAT).text("beat");
    let stream = Sse::new(reader.stream()).keep_alive(beat);
    let headers = [(CACHE_CONTROL, "no-store"), (BUFFERING.clone(), "no")];
    Ok((headers, stream).into_response())
}

impl Reader {
    fn stream(self) -> impl Stream<Item = std::result::Result<Sent, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let next = reader.next().await?;
            Some((Ok(next), reader))
        })
    }

    /// The next event that this officer may see; none: the stream ends.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            let now = Instant::now();
            if *self.closing.borrow() || now >= self.until {
                return None;
            }
            if now >= self.look_again {
                if !self.is_enrolled() {
                    return None;
                }
                self.look_again = now + BEAT;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.woken.mark_unchanged();
            self.look();
            if !self.ready.is_empty() {
                continue;
            }
            let patience = self.look_again.min(self.until);
            tokio::select! {
                changed = self.woken.changed() => changed.ok()?,
                changed = self.closing.changed() => changed.ok()?,
                () = tokio::time::sleep_until(patience) => {}
            }
        }
    }

    /// Takes what has happened since.
    fn look(&mut self) {
        let boot = self.core.events.boot();
        match self.core.events.after(self.at) {
            Next::Gap(last) => {
                self.at = last;
                let id = format!("{boot}-{last}");
                self.ready
                    .push_back(Sent::default().event("reset").id(id).data("{}"));
            }
            Next::Events(events) => {
                for event in events {
                    self.at = event.number;
                    let may = event.duties.is_empty()
                        || event.duties.iter().any(|duty| self.duties.contains(duty));
                    if may {
                        let id = format!("{boot}-{}", event.number);
                        let sent = Sent::default().event(event.name).id(id);
                        self.ready.push_back(sent.data(&event.data));
                    }
                }
            }
        }
    }

    /// Whether the officer still has a key here, and still these duties.
    fn is_enrolled(&self) -> bool {
        let state = self.core.state();
        state.officers().any(|(_, officer)| {
            officer.institution == self.core.me
                && officer.id == self.officer
                && officer.duties == self.duties
        })
    }
}
