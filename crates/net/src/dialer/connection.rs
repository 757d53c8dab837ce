//! One outbound connection: dialing, waiting for a call, and the conversation
//! of one call.
//!
//! Why it exists: a call's reader may be slow or gone; the connection's own
//! task keeps the heartbeat and sees the end.
//!
//! *Invariants*
//! - The request goes out only after `started` was told.
//! - No reply is read while one waits for the reader.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use primitives::PublicKey;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, Job, Peer};
use crate::{
    error::{Error, Fault, Refusal, Trouble},
    frame::{Family, Frame, Reason, millis},
    limits::{BUSY_PAUSE, FRAME_BYTES_MAX},
    link::{Link, Runtime},
    shared::Shared,
    status::{Counted, lock},
};

/// One attempt: a task that dials, shakes hands and then waits for calls.
pub(super) async fn dial<E: Runtime>(
    shared: &Arc<Shared<E>>,
    peer: &Arc<Peer>,
) -> Result<Connection, Error> {
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
        let connection = Connection { jobs, fresh: true };
        if ready.send(Ok(connection)).is_ok() {
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
    let mut idle = shared.limits.idle_timeout;
    loop {
        let Some(job) = wait(&ctx, &shared, &peer, &mut link, &mut jobs, idle).await else {
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
            idle = peer.put_back(connection, &shared.limits);
            drop(permit);
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
            Err(Ended::Declined(_) | Ended::Lost(_) | Ended::Abandoned) => false,
        };
        if let Err(Ended::Remote(error) | Ended::Declined(error) | Ended::Lost(error)) = &end {
            peer.stats.failed(error, ctx.current());
        }
        // Back to the pool before another call may begin and before the caller
        // learns of the end, so that both find the connection.
        if keep {
            idle = peer.put_back(connection, &shared.limits);
        }
        drop(permit);
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
    idle: Duration,
) -> Option<Job> {
    let mut notice = shared.notice.subscribe();
    let mut idle = pin!(ctx.sleep(idle));
    loop {
        let check = ctx.sleep(shared.limits.membership_check);
        tokio::select! { biased;
            // Whatever comes now is a goodbye, the end or a fault.
            frame = link.next() => {
                let error = match frame {
                    Ok(Frame::Close(reason)) => goodbye(peer.key, reason),
                    Ok(_) => out_of_order(peer.key, "an idle connection is silent"),
                    Err(_) => return None,
                };
                peer.stats.failed(&error, ctx.current());
                *lock(&peer.declined) = Some(error);
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
    /// By the peer's goodbye before it took the call.
    Declined(Error),
    /// With the connection.
    Lost(Error),
    /// By the caller, who dropped its end.
    Abandoned,
}

impl Ended {
    fn into_error(self, peer: PublicKey) -> Error {
        match self {
            Self::Remote(error) | Self::Lost(error) => error.after_sending(),
            Self::Declined(error) => error,
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
                    Ok(Frame::Close(reason)) => parting(self.peer.key, reason),
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
            Frame::Close(reason) => Err(parting(key, reason)),
            Frame::Call { .. } | Frame::Part(_) | Frame::Ping => Err(Ended::Lost(out_of_order(
                key,
                "only a dialer calls and asks for life",
            ))),
        }
    }
}

/// A goodbye that comes during a call. A peer that is busy or stopping says so
/// only between calls, so it has not taken this one.
fn parting(peer: PublicKey, reason: Reason) -> Ended {
    let error = goodbye(peer, reason);
    match reason {
        Reason::Busy | Reason::Stopping => Ended::Declined(error),
        Reason::NotAMember | Reason::Fault => Ended::Lost(error),
    }
}

fn goodbye(peer: PublicKey, reason: Reason) -> Error {
    match reason {
        Reason::NotAMember => {
            let text = "this node is not a member in the peer's view".to_owned();
            Error::refusal(peer, Refusal::Remote { text })
        }
        Reason::Busy => {
            let retry = BUSY_PAUSE;
            Error::trouble(peer, Trouble::Busy { retry })
        }
        Reason::Stopping => Error::trouble(peer, Trouble::Stopping),
        Reason::Fault => Error::trouble(peer, Trouble::Garbled),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_arrive_as_it_was_sent_is_worth_another_try() {
        let peer = PublicKey([1; 32]);
        assert!(goodbye(peer, Reason::Fault).retry().is_some());
        assert!(goodbye(peer, Reason::NotAMember).retry().is_none());
    }
}
