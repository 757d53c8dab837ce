//! The node's handle on its channels.
//!
//! Why it exists: one cheap value to call peers with, to ask about and to stop.
//!
//! *Invariants*
//! - Everything that [`Net::start`] spawns ends with its root task.

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use commonware_runtime::{Handle, Listener as _, tokio as tokio_runtime};
use primitives::{NetworkId, PublicKey, SigningKey};
use tokio::sync::oneshot;

use crate::{
    dialer,
    error::{Error, Kind, Trouble},
    limits::Limits,
    link::{Identity, Runtime},
    listener,
    replies::ReplyStream,
    service::{Directory, Service},
    shared::Shared,
    status::Status,
};

/// What a node needs for its channels.
#[derive(Clone)]
pub struct Config {
    /// The node's key: the one that the ledger holds for the member.
    pub key: SigningKey,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The network; nodes of different networks do not understand each other.
    pub network: NetworkId,
    /// The limits.
    pub limits: Limits,
}

/// A node's channels. Cheap to clone; all clones are the same channels. They
/// stay open when the last clone is dropped, until [`Net::stop`] or the end of
/// the context that they were started with.
///
/// `E` is the runtime: tokio's unless it is a simulation.
pub struct Net<E: Runtime = tokio_runtime::Context> {
    shared: Arc<Shared<E>>,
    root: Arc<Handle<()>>,
    listening: SocketAddr,
}

impl<E: Runtime> Clone for Net<E> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            root: self.root.clone(),
            listening: self.listening,
        }
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node's channels on any runtime: what a node needs of [`Net`] once it is open.
pub trait Channels: Send + Sync + 'static {
    /// As [`Net::call`].
    fn call(
        &self,
        peer: PublicKey,
        request: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ReplyStream, Error>>;

    /// As [`Net::status`].
    fn status(&self) -> Status;

    /// As [`Net::membership_changed`].
    fn membership_changed(&self);

    /// As [`Net::stop`].
    fn stop(&self, grace: Duration) -> BoxFuture<'_, ()>;
}

impl<E: Runtime> Channels for Net<E> {
    fn call(
        &self,
        peer: PublicKey,
        request: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ReplyStream, Error>> {
        Box::pin(Self::call(self, peer, request, timeout))
    }

    fn status(&self) -> Status {
        Self::status(self)
    }

    fn membership_changed(&self) {
        Self::membership_changed(self);
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, ()> {
        Box::pin(Self::stop(self, grace))
    }
}

impl<E: Runtime> Net<E> {
    /// Listens, and is ready to call.
    ///
    /// # Errors
    /// [`Trouble::Listen`] where the address cannot be bound.
    pub async fn start(
        ctx: E,
        config: Config,
        directory: Arc<dyn Directory>,
        service: Arc<dyn Service>,
    ) -> Result<Self, Error> {
        let address = config.listen;
        let cannot = |_| Error::new(None, Kind::Trouble(Trouble::Listen { address }));
        let listener = ctx.bind(address).await.map_err(cannot)?;
        let listening = listener.local_addr().unwrap_or(address);
        let identity = Identity::new(&config.key, &config.network);
        let (ready, is_ready) = oneshot::channel();
        let root = ctx.spawn(move |ctx| async move {
            let shared = Arc::new(Shared::new(
                ctx.child("channels"),
                identity,
                config.limits,
                directory,
                service,
            ));
            if ready.send(shared.clone()).is_ok() {
                listener::listen(&ctx, &shared, listener).await;
                shared.drained().await;
            }
        });
        let stopped = |_| Error::new(None, Kind::Trouble(Trouble::Stopping));
        Ok(Self {
            shared: is_ready.await.map_err(stopped)?,
            root: Arc::new(root),
            listening,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// The key that peers know this node by.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.shared.identity.key
    }

    /// Calls a peer: returns when the request is on its way. `timeout` is for
    /// the whole call, to the last reply.
    ///
    /// # Errors
    /// The request did not leave ([`Error::was_sent`] is false): the peer is
    /// no member, not reachable, or an impostor. What goes wrong later comes
    /// from [`ReplyStream::next`].
    pub async fn call(
        &self,
        peer: PublicKey,
        request: impl Into<Bytes>,
        timeout: Duration,
    ) -> Result<ReplyStream, Error> {
        dialer::call(&self.shared, peer, request.into(), timeout).await
    }

    /// The state of the channels.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Says that the directory has changed: connections with those who are no
    /// longer members end now rather than at their next check.
    pub fn membership_changed(&self) {
        self.shared.prune();
        let notice = &self.shared.notice;
        notice.send_modify(|notice| notice.generation += 1);
    }

    /// Stops: listens no more, lets the calls under way end for as long as
    /// `grace`, then hangs up.
    pub async fn stop(&self, grace: Duration) {
        let notice = &self.shared.notice;
        notice.send_modify(|notice| notice.stopping = true);
        let patience = self.shared.ctx.sleep(grace);
        tokio::select! { biased;
            () = self.shared.drained() => {}
            () = patience => {}
        }
        self.root.abort();
    }
}
