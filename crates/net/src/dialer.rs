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

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use primitives::PublicKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    error::{Error, Fault, Refusal, Trouble},
    frame::{Family, Frame, Reason, millis},
    limits::{FRAME_BYTES_MAX, Limits, REPLY_FRAMES},
    link::{Link, Runtime},
    replies::{Outcome, ReplyStream},
    shared::Shared,
    status::{Counted, Stats, lock},
};

/// What a node keeps about one peer.
pub(crate) struct Peer {
    pub(crate) key: PublicKey,
    pub(crate) stats: Arc<Stats>,
    calls: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    dialing: tokio::sync::Mutex<Backoff>,
}

/// A handle on an open connection that waits for a call.
struct Connection {
    jobs: mpsc::Sender<Job>,
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
            dialing: tokio::sync::Mutex::new(Backoff {
                pause: limits.backoff_first,
                next: None,
                last: None,
            }),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        lock(&self.idle).pop()
    }

    fn put_back(&self, connection: Connection, idle_max: usize) {
        let mut idle = lock(&self.idle);
        idle.retain(|connection| !connection.jobs.is_closed());
        if idle.len() < idle_max {
            idle.push(connection);
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
    let mut permit = peer
        .calls
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Error::trouble(peer.key, Trouble::Stopping))?;
    // Each round uses up one connection of the pool, so this ends.
    loop {
        let connection = match peer.take_idle() {
            Some(connection) => connection,
            None => connect(shared, peer).await?,
        };
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
        permit = match jobs.try_send(job) {
            Ok(()) => match has_started.await {
                Ok(()) => return Ok(ReplyStream::new(peer.key, frames, outcome)),
                // The connection died before the request left. The permit went
                // with it; wait for it again.
                Err(_) => peer
                    .calls
                    .clone()
                    .acquire_owned()
                    .await
                    .map_err(|_| Error::trouble(peer.key, Trouble::Stopping))?,
            },
            Err(error) => error.into_inner().permit,
        };
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
    let mut backoff = tokio::select! { biased;
        backoff = peer.dialing.lock() => backoff,
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
        let pause = backoff.due_in(now, limits);
        if let Some(last) = &backoff.last
            && spent + pause > limits.connect_patience
        {
            return Err(with_retry(last.clone(), pause));
        }
        if !pause.is_zero() {
            shared.ctx.sleep(pause).await;
        }
        shared.check_member(peer.key)?;
        match dial(shared, peer).await {
            Ok(connection) => {
                *backoff = Backoff {
                    pause: limits.backoff_first,
                    next: None,
                    last: None,
                };
                return Ok(connection);
            }
            Err(error) => {
                tracing::debug!(peer = ?peer.key, %error, "dialing failed");
                peer.stats.failed(&error, shared.ctx.current());
                let worth_repeating = error.retry().is_some();
                backoff.failed(error.clone(), shared.ctx.current(), limits);
                if !worth_repeating {
                    return Err(error);
                }
            }
        }
    }
}

impl Backoff {
    fn due_in(&self, now: SystemTime, limits: &Limits) -> Duration {
        let pause = self.next.and_then(|next| next.duration_since(now).ok());
        // A clock that was set back must not keep a peer away.
        pause.unwrap_or_default().min(limits.backoff_cap)
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

/// One attempt: a task that dials, shakes hands and then waits for calls.
async fn dial<E: Runtime>(shared: &Arc<Shared<E>>, peer: &Arc<Peer>) -> Result<Connection, Error> {
    let (ready, is_ready) = oneshot::channel();
    let task_shared = shared.clone();
    let task_peer = peer.clone();
    shared.ctx.child("outbound").spawn(move |ctx| async move {
        let live = task_shared.live();
        let link = match open(&ctx, &task_shared, &task_peer).await {
            Ok(link) => link,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let stats = task_peer.stats.clone();
        let counted = Counted::new(stats, |stats| &stats.outbound_connections);
        let (jobs, waiting) = mpsc::channel(1);
        if ready.send(Ok(Connection { jobs })).is_ok() {
            run(ctx, task_shared, task_peer, link, waiting).await;
        }
        drop((counted, live));
    });
    is_ready
        .await
        .unwrap_or_else(|_| Err(Error::trouble(peer.key, Trouble::Stopping)))
}

async fn open<E: Runtime>(
    ctx: &E,
    shared: &Arc<Shared<E>>,
    peer: &Arc<Peer>,
) -> Result<Link<E>, Error> {
    let address = shared
        .directory
        .address(&peer.key)
        .ok_or_else(|| Error::trouble(peer.key, Trouble::NoAddress))?;
    let retry = Duration::ZERO;
    let attempt = async {
        let (sink, stream) = ctx.dial(address).await.map_err(|_| {
            let trouble = Trouble::Unreachable { address, retry };
            Error::trouble(peer.key, trouble)
        })?;
        shared
            .identity
            .dial(ctx.child("handshake"), peer.key, sink, stream)
            .await
    };
    let halves = tokio::select! { biased;
        halves = attempt => halves?,
        () = ctx.sleep(shared.limits.handshake_timeout) => {
            return Err(Error::trouble(peer.key, Trouble::HandshakeTimeout { retry }));
        }
    };
    Ok(Link::new(
        ctx.child("link"),
        peer.key,
        halves,
        peer.stats.clone(),
        shared.limits.stall_timeout,
    ))
}

/// The life of an outbound connection.
async fn run<E: Runtime>(
    ctx: E,
    shared: Arc<Shared<E>>,
    peer: Arc<Peer>,
    mut link: Link<E>,
    mut jobs: mpsc::Receiver<Job>,
) {
    loop {
        let Some(job) = wait(&ctx, &shared, &peer, &mut link, &mut jobs).await else {
            return;
        };
        if link.quiet() >= shared.limits.probe_after && !probe(&ctx, &shared, &mut link).await {
            return;
        }
        let Job {
            connection,
            request,
            timeout,
            started,
            replies,
            outcome,
            permit,
        } = job;
        if started.send(()).is_err() {
            // The caller left before the request did.
            drop(permit);
            peer.put_back(connection, shared.limits.idle_per_peer_max);
            continue;
        }
        let in_use = Counted::new(peer.stats.clone(), |stats| &stats.outbound_calls);
        let drive = Drive {
            ctx: &ctx,
            shared: &shared,
            peer: &peer,
            link: &mut link,
        };
        let end = drive.run(request, timeout, &replies).await;
        drop(in_use);
        let keep = match &end {
            Ok(()) => true,
            Err(Ended::Remote(_)) => true,
            Err(Ended::Lost(_) | Ended::Abandoned) => false,
        };
        if let Err(Ended::Remote(error) | Ended::Lost(error)) = &end {
            peer.stats.failed(error, ctx.current());
        }
        // Back to the pool before the caller learns of the end, so that its
        // next call finds the connection.
        drop(permit);
        if keep {
            peer.put_back(connection, shared.limits.idle_per_peer_max);
        }
        outcome.set(end.map_err(|ended| ended.into_error(peer.key)));
        drop(replies);
        if !keep {
            return;
        }
    }
}

/// Waits for a call on an idle connection; `None` when it is to be closed.
async fn wait<E: Runtime>(
    ctx: &E,
    shared: &Arc<Shared<E>>,
    peer: &Arc<Peer>,
    link: &mut Link<E>,
    jobs: &mut mpsc::Receiver<Job>,
) -> Option<Job> {
    let mut notice = shared.notice.subscribe();
    let mut idle = pin!(ctx.sleep(shared.limits.idle_timeout));
    loop {
        let check = ctx.sleep(shared.limits.membership_check);
        tokio::select! { biased;
            // Whatever comes now is a goodbye, the end or a fault.
            frame = link.next() => {
                if let Ok(frame) = frame && !matches!(frame, Frame::Close(_)) {
                    let error = out_of_order(peer.key, "an idle connection is silent");
                    peer.stats.failed(&error, ctx.current());
                }
                return None;
            }
            changed = notice.changed() => {
                if changed.is_err() || shared.closing(peer.key) {
                    return None;
                }
            }
            job = jobs.recv() => return job,
            () = &mut idle => return None,
            () = check => {
                if shared.closing(peer.key) {
                    return None;
                }
            }
        }
    }
}

async fn probe<E: Runtime>(ctx: &E, shared: &Arc<Shared<E>>, link: &mut Link<E>) -> bool {
    let patience = ctx.sleep(shared.limits.probe_timeout);
    let round = async {
        link.send(Frame::Ping).await.is_ok() && matches!(link.next().await, Ok(Frame::Pong))
    };
    tokio::select! { biased;
        alive = round => alive,
        () = patience => false,
    }
}

/// How a call ended badly.
enum Ended {
    /// By the peer's word; the connection is fine.
    Remote(Error),
    /// With the connection.
    Lost(Error),
    /// By the caller, who dropped its end.
    Abandoned,
}

impl Ended {
    fn into_error(self, peer: PublicKey) -> Error {
        match self {
            Self::Remote(error) | Self::Lost(error) => error.after_sending(),
            Self::Abandoned => Error::trouble(peer, Trouble::Cut).after_sending(),
        }
    }
}

/// One call on one connection.
struct Drive<'a, E: Runtime> {
    ctx: &'a E,
    shared: &'a Arc<Shared<E>>,
    peer: &'a Arc<Peer>,
    link: &'a mut Link<E>,
}

impl<E: Runtime> Drive<'_, E> {
    async fn run(
        mut self,
        request: Bytes,
        timeout: Duration,
        replies: &mpsc::Sender<Bytes>,
    ) -> Result<(), Ended> {
        let key = self.peer.key;
        let deadline = self.ctx.sleep(timeout);
        let conversation = async {
            self.send(request, timeout).await?;
            self.receive(replies).await
        };
        tokio::select! { biased;
            result = conversation => result,
            () = replies.closed() => Err(Ended::Abandoned),
            () = deadline => Err(Ended::Lost(Error::trouble(key, Trouble::TimedOut))),
        }
    }

    async fn send(&mut self, mut request: Bytes, timeout: Duration) -> Result<(), Ended> {
        let request_bytes = u32::try_from(request.len()).unwrap_or(u32::MAX);
        let first = request.split_to(request.len().min(FRAME_BYTES_MAX));
        let mut frame = Frame::Call {
            timeout_ms: millis(timeout),
            request_bytes,
            first,
        };
        loop {
            if let Err(error) = self.link.send(frame).await {
                // The peer may have said why before it hung up.
                return Err(match self.link.next().await {
                    Ok(Frame::Close(reason)) => Ended::Lost(self.goodbye(reason)),
                    _ => Ended::Lost(error),
                });
            }
            if request.is_empty() {
                return Ok(());
            }
            frame = Frame::Part(request.split_to(request.len().min(FRAME_BYTES_MAX)));
        }
    }

    async fn receive(&mut self, replies: &mpsc::Sender<Bytes>) -> Result<(), Ended> {
        let limits = &self.shared.limits;
        let mut notice = self.shared.notice.subscribe();
        let mut heartbeat = pin!(self.ctx.sleep(limits.heartbeat));
        let mut silence = pin!(self.ctx.sleep(limits.silence_timeout));
        let mut pending: Option<Bytes> = None;
        let mut count = 0;
        loop {
            let waiting = pending.is_none();
            tokio::select! { biased;
                room = replies.reserve(), if !waiting => {
                    let room = room.map_err(|_| Ended::Abandoned)?;
                    if let Some(reply) = pending.take() {
                        room.send(reply);
                    }
                    silence.set(self.ctx.sleep(limits.silence_timeout));
                }
                frame = self.link.next(), if waiting => {
                    silence.set(self.ctx.sleep(limits.silence_timeout));
                    match self.judge(frame.map_err(Ended::Lost)?, count)? {
                        Step::Reply(reply) => {
                            count += 1;
                            pending = Some(reply);
                        }
                        Step::Alive => {}
                        Step::End => return Ok(()),
                    }
                }
                () = &mut heartbeat => {
                    self.link.send(Frame::Ping).await.map_err(Ended::Lost)?;
                    self.shared.check_member(self.peer.key).map_err(Ended::Lost)?;
                    heartbeat.set(self.ctx.sleep(limits.heartbeat));
                }
                () = &mut silence, if waiting => {
                    return Err(Ended::Lost(Error::trouble(self.peer.key, Trouble::Silent)));
                }
                Ok(()) = notice.changed() => {
                    self.shared.check_member(self.peer.key).map_err(Ended::Lost)?;
                }
            }
        }
    }

    fn judge(&self, frame: Frame, count: u64) -> Result<Step, Ended> {
        let key = self.peer.key;
        match frame {
            Frame::Reply(reply) => Ok(Step::Reply(reply)),
            Frame::Pong => Ok(Step::Alive),
            Frame::End { replies } if replies == count => Ok(Step::End),
            Frame::End { .. } => Err(Ended::Lost(out_of_order(
                key,
                "an end counts the replies before it",
            ))),
            Frame::Failed {
                family,
                retry,
                text,
            } => Err(Ended::Remote(match family {
                Family::Refusal => Error::refusal(key, Refusal::Remote { text }),
                Family::Fault => Error::fault(key, Fault::Remote { text }),
                Family::Trouble => Error::trouble(key, Trouble::Remote { text, retry }),
            })),
            Frame::Close(reason) => Err(Ended::Lost(self.goodbye(reason))),
            Frame::Call { .. } | Frame::Part(_) | Frame::Ping => Err(Ended::Lost(out_of_order(
                key,
                "only a dialer calls and asks for life",
            ))),
        }
    }

    fn goodbye(&self, reason: Reason) -> Error {
        let key = self.peer.key;
        match reason {
            Reason::NotAMember => {
                let text = "this node is not a member in the peer's view".to_owned();
                Error::refusal(key, Refusal::Remote { text })
            }
            Reason::Busy => {
                let retry = self.shared.limits.connect_patience;
                Error::trouble(key, Trouble::Busy { retry })
            }
            Reason::Stopping => Error::trouble(key, Trouble::Stopping),
            Reason::Fault => {
                let text = "a frame of ours broke the format".to_owned();
                Error::fault(key, Fault::Remote { text })
            }
        }
    }
}

/// What a frame means to a call.
enum Step {
    Reply(Bytes),
    Alive,
    End,
}

fn out_of_order(peer: PublicKey, rule: &'static str) -> Error {
    let evidence = Vec::new();
    Error::fault(peer, Fault::Framing { rule, evidence })
}
