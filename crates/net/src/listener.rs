//! The answering side: admits members, serves one call at a time on each of
//! their connections.
//!
//! Why it exists: the listening port is where strangers arrive; this module
//! keeps them cheap.
//!
//! Upon a connection: shake hands within a time limit, hearing the claimed key
//! first; when too many handshakes are under way, the oldest gives way. Upon a
//! member: one place of its share, or goodbye. Upon a call: gather the request,
//! run the service, pass on its replies, end with an end or an error. Upon
//! silence, a cut, an unknown frame or lost membership: drop the service's
//! future and hang up.
//!
//! *Invariants*
//! - A stranger costs at most one of [`crate::Limits::half_open_max`] places for
//!   [`crate::Limits::handshake_timeout`].
//! - A request is held once, and grows only as its bytes arrive.
//! - A service never outlives its connection or its call's time.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use commonware_runtime::{Handle, Listener as _, ListenerOf, SinkOf, StreamOf};
use primitives::PublicKey;
use tokio::sync::{mpsc, oneshot};

use crate::{
    dialer::Peer,
    error::{Error, Fault, Kind, Trouble},
    frame::{Frame, Reason},
    limits::{ACCEPT_REST, IDLE_GRACE, REPLY_FRAMES},
    link::{Halves, Link, Runtime},
    service::{Replies, ServeError},
    shared::Shared,
    status::{Counted, lock},
};

/// The handshakes under way, oldest first.
#[derive(Default)]
struct HalfOpen {
    next: u64,
    evict: BTreeMap<u64, oneshot::Sender<()>>,
}

/// One handshake's place; it is free again when this is dropped.
struct Place<E: Runtime> {
    number: u64,
    half_open: Arc<Mutex<HalfOpen>>,
    shared: Arc<Shared<E>>,
}

impl<E: Runtime> Place<E> {
    /// Takes a place, and the oldest one's where none is free.
    fn take(
        half_open: &Arc<Mutex<HalfOpen>>,
        shared: &Arc<Shared<E>>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (evict, evicted) = oneshot::channel();
        let mut all = lock(half_open);
        let number = all.next;
        all.next += 1;
        all.evict.insert(number, evict);
        shared.half_open.fetch_add(1, Ordering::Relaxed);
        if all.evict.len() > shared.limits.half_open_max {
            // Dropping the sender tells the oldest.
            all.evict.pop_first();
        }
        let place = Self {
            number,
            half_open: half_open.clone(),
            shared: shared.clone(),
        };
        (place, evicted)
    }
}

impl<E: Runtime> Drop for Place<E> {
    fn drop(&mut self) {
        lock(&self.half_open).evict.remove(&self.number);
        self.shared.half_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts connections until the node stops.
pub(crate) async fn listen<E: Runtime>(
    ctx: &E,
    shared: &Arc<Shared<E>>,
    mut listener: ListenerOf<E>,
) {
    let half_open = Arc::default();
    let mut notice = shared.notice.subscribe();
    loop {
        let accepted = tokio::select! { biased;
            stopping = notice.wait_for(|notice| notice.stopping) => {
                drop(stopping);
                return;
            }
            accepted = listener.accept() => accepted,
        };
        let Ok((address, sink, stream)) = accepted else {
            // Out of descriptors or a connection that died in the queue.
            ctx.sleep(ACCEPT_REST).await;
            continue;
        };
        let (place, evicted) = Place::take(&half_open, shared);
        let shared = shared.clone();
        ctx.child("inbound").spawn(move |ctx| async move {
            let live = shared.live();
            match greet(&ctx, &shared, evicted, sink, stream).await {
                Ok((peer, halves)) => {
                    drop(place);
                    attend(ctx, &shared, peer, halves).await;
                }
                Err(why) => {
                    shared.turned_away.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%address, why, "turned away");
                }
            }
            drop(live);
        });
    }
}

/// The handshake, within its limits.
async fn greet<E: Runtime>(
    ctx: &E,
    shared: &Arc<Shared<E>>,
    evicted: oneshot::Receiver<()>,
    sink: SinkOf<E>,
    stream: StreamOf<E>,
) -> Result<(PublicKey, Halves<E>), String> {
    let admits = |claimed| claimed != shared.identity.key && shared.directory.is_member(&claimed);
    let handshake = shared
        .identity
        .listen(ctx.child("handshake"), admits, sink, stream);
    tokio::select! { biased;
        result = handshake => result.map_err(|error| error.to_string()),
        _ = evicted => Err("gave way to a newer connection".to_owned()),
        () = ctx.sleep(shared.limits.handshake_timeout) => {
            Err("the handshake took too long".to_owned())
        }
    }
}

/// The life of a member's connection.
async fn attend<E: Runtime>(ctx: E, shared: &Arc<Shared<E>>, key: PublicKey, halves: Halves<E>) {
    let Ok(peer) = shared.peer(key) else {
        return;
    };
    let counted = Counted::new(peer.stats.clone(), |stats| &stats.inbound_connections);
    let mut link = Link::new(
        ctx.child("link"),
        key,
        halves,
        peer.stats.clone(),
        shared.limits.stall_timeout,
    );
    let connections = peer.stats.inbound_connections.load(Ordering::Acquire);
    let end = if connections > shared.limits.inbound_per_peer_max {
        Err(Farewell::Say(Reason::Busy))
    } else {
        let mut attendant = Attendant {
            ctx: &ctx,
            shared,
            peer: &peer,
            link: &mut link,
        };
        attendant.run().await
    };
    if let Err(Farewell::Say(reason)) = end {
        link.close(reason).await;
    }
    drop(counted);
}

/// How a connection ends.
enum Farewell {
    /// With a goodbye.
    Say(Reason),
    /// Without: the other side is gone or takes nothing.
    Gone,
}

/// One member's connection.
struct Attendant<'a, E: Runtime> {
    ctx: &'a E,
    shared: &'a Arc<Shared<E>>,
    peer: &'a Arc<Peer>,
    link: &'a mut Link<E>,
}

/// A running service; it ends with its call.
struct Serving(Handle<Result<(), ServeError>>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A call whose request is whole.
struct Call {
    request: Bytes,
    timeout: Duration,
}

impl<E: Runtime> Attendant<'_, E> {
    async fn run(&mut self) -> Result<(), Farewell> {
        loop {
            let call = self.wait().await?;
            let counted = Counted::new(self.peer.stats.clone(), |stats| &stats.inbound_calls);
            self.serve(call).await?;
            drop(counted);
        }
    }

    /// Waits for a call.
    async fn wait(&mut self) -> Result<Call, Farewell> {
        let limits = &self.shared.limits;
        let mut notice = self.shared.notice.subscribe();
        let mut idle = pin!(self.ctx.sleep(limits.idle_timeout + IDLE_GRACE));
        loop {
            self.check_open()?;
            let check = self.ctx.sleep(limits.membership_check);
            tokio::select! { biased;
                frame = self.link.next() => match frame {
                    Ok(Frame::Ping) => {
                        self.send(Frame::Pong).await?;
                        idle.set(self.ctx.sleep(limits.idle_timeout + IDLE_GRACE));
                    }
                    Ok(Frame::Call { timeout_ms, request_bytes, first }) => {
                        let request = self.gather(request_bytes, first).await?;
                        let timeout = Duration::from_millis(timeout_ms.into());
                        return Ok(Call { request, timeout: timeout.min(limits.serve_timeout) });
                    }
                    Ok(Frame::Close(_)) => return Err(Farewell::Gone),
                    Ok(_) => return Err(self.broken("an idle connection takes calls and pings")),
                    Err(error) => return Err(self.lost(&error, false)),
                },
                _ = notice.changed() => {}
                () = &mut idle => return Err(Farewell::Gone),
                () = check => {}
            }
        }
    }

    /// Gathers a request from its parts.
    async fn gather(&mut self, request_bytes: u32, first: Bytes) -> Result<Bytes, Farewell> {
        let limits = &self.shared.limits;
        let length = request_bytes as usize;
        if length > limits.request_bytes_max {
            return Err(self.broken("a request is no longer than the limit"));
        }
        if first.len() > length {
            return Err(self.broken("a request is as long as it says"));
        }
        if first.len() == length {
            return Ok(first);
        }
        let mut request = BytesMut::from(first);
        while request.len() < length {
            let patience = self.ctx.sleep(limits.silence_timeout);
            let frame = tokio::select! { biased;
                frame = self.link.next() => frame,
                () = patience => Err(Error::trouble(self.peer.key, Trouble::Silent)),
            };
            match frame {
                Ok(Frame::Part(part)) if part.is_empty() => {
                    return Err(self.broken("a part has bytes"));
                }
                Ok(Frame::Part(part)) if part.len() > length - request.len() => {
                    return Err(self.broken("a request is as long as it says"));
                }
                Ok(Frame::Part(part)) => request.extend_from_slice(&part),
                Ok(_) => return Err(self.broken("a request's parts are not interrupted")),
                Err(error) => return Err(self.lost(&error, true)),
            }
        }
        Ok(request.freeze())
    }

    /// Runs the service and passes its replies on.
    async fn serve(&mut self, call: Call) -> Result<(), Farewell> {
        let limits = &self.shared.limits;
        let (frames, mut replies) = mpsc::channel(REPLY_FRAMES);
        let service = self.shared.service.clone();
        let key = self.peer.key;
        let timeout = call.timeout;
        let mut task = Serving(self.ctx.child("service").spawn(move |_| async move {
            service.serve(key, call.request, Replies { frames }).await
        }));
        let mut notice = self.shared.notice.subscribe();
        let mut deadline = pin!(self.ctx.sleep(timeout));
        let mut silence = pin!(self.ctx.sleep(limits.silence_timeout));
        let mut count = 0;
        let mut open = true;
        let result = loop {
            let check = self.ctx.sleep(limits.membership_check);
            tokio::select! { biased;
                frame = self.link.next() => {
                    silence.set(self.ctx.sleep(limits.silence_timeout));
                    match frame {
                        Ok(Frame::Ping) => self.send(Frame::Pong).await?,
                        Ok(Frame::Close(_)) => return Err(Farewell::Gone),
                        Ok(_) => return Err(self.broken("one call at a time on a connection")),
                        Err(error) => return Err(self.lost(&error, true)),
                    }
                }
                reply = replies.recv(), if open => match reply {
                    Some(reply) => {
                        count += 1;
                        self.send(Frame::Reply(reply)).await?;
                        silence.set(self.ctx.sleep(limits.silence_timeout));
                    }
                    None => open = false,
                },
                result = &mut task.0 => break result,
                () = &mut deadline => {
                    let error = ServeError::trouble("the call took longer than it may", None);
                    break Ok(Err(error));
                }
                () = &mut silence => {
                    let error = Error::trouble(key, Trouble::Silent);
                    return Err(self.lost(&error, true));
                }
                _ = notice.changed() => self.check_member()?,
                () = check => self.check_member()?,
            }
        };
        replies.close();
        while let Ok(reply) = replies.try_recv() {
            count += 1;
            self.send(Frame::Reply(reply)).await?;
        }
        self.send(match result {
            Ok(Ok(())) => Frame::End { replies: count },
            Ok(Err(error)) => error.into_frame(),
            Err(_) => ServeError::trouble("the service ended without a word", None).into_frame(),
        })
        .await
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Farewell> {
        let sent = self.link.send(frame).await;
        sent.map_err(|error| self.lost(&error, true))
    }

    fn check_open(&self) -> Result<(), Farewell> {
        if self.shared.notice.borrow().stopping {
            return Err(Farewell::Say(Reason::Stopping));
        }
        self.check_member()
    }

    fn check_member(&self) -> Result<(), Farewell> {
        self.shared.check_member(self.peer.key).map_err(|error| {
            self.peer.stats.failed(&error, self.ctx.current());
            Farewell::Say(Reason::NotAMember)
        })
    }

    /// The connection is lost; `busy` says whether in the middle of a call.
    fn lost(&self, error: &Error, busy: bool) -> Farewell {
        let fault = matches!(error.kind, Kind::Fault(_));
        if busy || fault {
            tracing::debug!(peer = ?self.peer.key, %error, "an inbound connection was lost");
            self.peer.stats.failed(error, self.ctx.current());
        }
        if fault {
            Farewell::Say(Reason::Fault)
        } else {
            Farewell::Gone
        }
    }

    fn broken(&self, rule: &'static str) -> Farewell {
        let evidence = Vec::new();
        let error = Error::fault(self.peer.key, Fault::Framing { rule, evidence });
        self.lost(&error, true)
    }
}
