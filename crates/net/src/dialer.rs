//! The calling side: a pool of connections to each peer, one call at a time on
//! each.
//!
//! Why it exists: with one call a connection, the transport's own flow control
//! is the call's flow control, and no call can hold up another.
//!
//! Upon a call: take an idle connection, or dial one; when the connection has
//! been quiet, probe it; only then send the request. Upon a reply: hand it to
//! the reader, and read no further until it is taken. Upon the end: back to
//! the pool. Upon anything else: hang up.
//!
//! *Invariants*
//! - A request is sent at most once. What fails before it left is tried on
//!   another connection; what fails after is the caller's to judge.
//! - An answer ends with the peer's end frame or with an error, never silently.
//! - One attempt to dial a peer at a time; pauses double up to a cap.

mod connection;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use primitives::PublicKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    error::{Error, Refusal, Trouble},
    limits::{Limits, REPLY_FRAMES, SPARE_IDLE},
    link::Runtime,
    replies::{Outcome, ReplyStream},
    shared::Shared,
    status::{Stats, lock},
};

/// What a node keeps about one peer.
pub(crate) struct Peer {
    pub(crate) key: PublicKey,
    pub(crate) stats: Arc<Stats>,
    calls: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Held while dialing: one attempt at a time.
    dialing: tokio::sync::Mutex<()>,
    backoff: Mutex<Backoff>,
    /// The peer's last goodbye to an unused connection.
    declined: Mutex<Option<Error>>,
}

/// A handle on an open connection that waits for a call.
struct Connection {
    jobs: mpsc::Sender<Job>,
    /// It has not served a call yet: the peer may still decline it.
    fresh: bool,
}

/// A call on its way to a connection.
struct Job {
    connection: Connection,
    request: Bytes,
    timeout: Duration,
    /// Told when the connection is good and the request is about to leave.
    started: oneshot::Sender<()>,
    replies: mpsc::Sender<Bytes>,
    outcome: Outcome,
    permit: OwnedSemaphorePermit,
}

/// The pause before the next attempt to dial.
struct Backoff {
    pause: Duration,
    next: Option<SystemTime>,
    last: Option<Error>,
}

impl Peer {
    pub(crate) fn new(key: PublicKey, limits: &Limits) -> Self {
        Self {
            key,
            stats: Arc::default(),
            calls: Arc::new(Semaphore::new(limits.calls_per_peer_max)),
            idle: Mutex::default(),
            dialing: tokio::sync::Mutex::default(),
            backoff: Mutex::new(Backoff::new(limits)),
            declined: Mutex::default(),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        lock(&self.idle).pop()
    }

    /// Offers a connection for the next call; returns how long it may wait
    /// for one. Spares serve a burst and then go soon.
    fn put_back(&self, connection: Connection, limits: &Limits) -> Duration {
        let mut idle = lock(&self.idle);
        idle.retain(|connection| !connection.jobs.is_closed());
        idle.push(Connection {
            fresh: false,
            ..connection
        });
        if idle.len() > limits.idle_per_peer_max {
            SPARE_IDLE.min(limits.idle_timeout)
        } else {
            limits.idle_timeout
        }
    }

    /// A new connection took its first call, or was closed before it could.
    fn judge_fresh(&self, began: bool, now: SystemTime, limits: &Limits) {
        let mut backoff = lock(&self.backoff);
        if began {
            *backoff = Backoff::new(limits);
        } else {
            let declined = lock(&self.declined).take();
            let retry = Duration::ZERO;
            let closed = || Error::trouble(self.key, Trouble::HandshakeClosed { retry });
            backoff.failed(declined.unwrap_or_else(closed), now, limits);
        }
    }
}

/// Makes one call.
pub(crate) async fn call<E: Runtime>(
    shared: &Arc<Shared<E>>,
    key: PublicKey,
    request: Bytes,
    timeout: Duration,
) -> Result<ReplyStream, Error> {
    if key == shared.identity.key {
        return Err(Error::refusal(key, Refusal::Myself));
    }
    let bytes_max = shared.limits.request_bytes_max;
    if request.len() > bytes_max {
        let bytes = request.len();
        return Err(Error::refusal(
            key,
            Refusal::RequestTooLarge { bytes, bytes_max },
        ));
    }
    if shared.notice.borrow().stopping {
        return Err(Error::trouble(key, Trouble::Stopping));
    }
    let peer = shared.peer(key)?;
    let begun = shared.ctx.current();
    let deadline = shared.ctx.sleep(timeout);
    let work = async {
        let result = start(shared, &peer, request, begun, timeout).await;
        if let Err(error) = &result {
            peer.stats.failed(error, shared.ctx.current());
        }
        result
    };
    tokio::select! { biased;
        result = work => result,
        () = deadline => {
            let error = Error::trouble(key, Trouble::TimedOut);
            peer.stats.failed(&error, shared.ctx.current());
            Err(error)
        }
    }
}

async fn start<E: Runtime>(
    shared: &Arc<Shared<E>>,
    peer: &Arc<Peer>,
    request: Bytes,
    begun: SystemTime,
    timeout: Duration,
) -> Result<ReplyStream, Error> {
    // A pooled connection that proves dead is used up; a fresh one lengthens
    // the pause before the next. Either way this ends.
    loop {
        let permit = peer.calls.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::trouble(peer.key, Trouble::Stopping))?;
        let connection = match peer.take_idle() {
            Some(connection) => connection,
            None => connect(shared, peer).await?,
        };
        let fresh = connection.fresh;
        let elapsed = shared.ctx.current().duration_since(begun);
        let jobs = connection.jobs.clone();
        let (started, has_started) = oneshot::channel();
        let (replies, frames) = mpsc::channel(REPLY_FRAMES);
        let outcome = Outcome::default();
        let job = Job {
            connection,
            request: request.clone(),
            timeout: timeout.saturating_sub(elapsed.unwrap_or_default()),
            started,
            replies,
            outcome: outcome.clone(),
            permit,
        };
        let begins = jobs.try_send(job).is_ok() && has_started.await.is_ok();
        if fresh {
            peer.judge_fresh(begins, shared.ctx.current(), &shared.limits);
        }
        if begins {
            return Ok(ReplyStream::new(peer.key, frames, outcome));
        }
    }
}

/// Opens a connection, with pauses between attempts, for as long as a call's
/// patience lasts.
async fn connect<E: Runtime>(
    shared: &Arc<Shared<E>>,
    peer: &Arc<Peer>,
) -> Result<Connection, Error> {
    let limits = &shared.limits;
    let begun = shared.ctx.current();
    let patience = shared.ctx.sleep(limits.connect_patience);
    let gate = tokio::select! { biased;
        gate = peer.dialing.lock() => gate,
        () = patience => return Err(Error::trouble(peer.key, Trouble::Busy {
            retry: limits.backoff_first,
        })),
    };
    loop {
        // A call that held the lock before may have left a connection behind.
        if let Some(connection) = peer.take_idle() {
            return Ok(connection);
        }
        let now = shared.ctx.current();
        let spent = now.duration_since(begun).unwrap_or_default();
        let (pause, last) = lock(&peer.backoff).due_in(now, limits);
        if let Some(last) = last
            && spent + pause > limits.connect_patience
        {
            return Err(with_retry(last, pause));
        }
        if !pause.is_zero() {
            shared.ctx.sleep(pause).await;
        }
        shared.check_member(peer.key)?;
        match connection::dial(shared, peer).await {
            Ok(connection) => {
                drop(gate);
                return Ok(connection);
            }
            Err(error) => {
                tracing::debug!(peer = ?peer.key, %error, "dialing failed");
                peer.stats.failed(&error, shared.ctx.current());
                let worth_repeating = error.retry().is_some();
                lock(&peer.backoff).failed(error.clone(), shared.ctx.current(), limits);
                if !worth_repeating {
                    return Err(error);
                }
            }
        }
    }
}

impl Backoff {
    fn new(limits: &Limits) -> Self {
        Self {
            pause: limits.backoff_first,
            next: None,
            last: None,
        }
    }

    /// How long to wait, and why.
    fn due_in(&self, now: SystemTime, limits: &Limits) -> (Duration, Option<Error>) {
        let pause = self.next.and_then(|next| next.duration_since(now).ok());
        // A clock that was set back must not keep a peer away.
        let pause = pause.unwrap_or_default().min(limits.backoff_cap);
        (pause, self.last.clone())
    }

    fn failed(&mut self, error: Error, now: SystemTime, limits: &Limits) {
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(limits.backoff_cap);
        self.last = Some(error);
    }
}

fn with_retry(mut error: Error, pause: Duration) -> Error {
    if let crate::Kind::Trouble(
        Trouble::Unreachable { retry, .. }
        | Trouble::HandshakeClosed { retry }
        | Trouble::HandshakeTimeout { retry }
        | Trouble::Busy { retry },
    ) = &mut error.kind
    {
        *retry = pause;
    }
    error
}
