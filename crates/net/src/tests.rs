//! The tests' world: a directory, a service that does what the request says,
//! and each test on two runtimes, a simulated one and real TCP.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use commonware_runtime::{Runner as _, deterministic, tokio as tokio_runtime};
use primitives::{Digest, NetworkId, PublicKey, SigningKey};

use crate::{
    Config, Directory, FRAME_BYTES_MAX, Limits, Net, Replies, Runtime, ServeError, ServeFuture,
    Service, status::lock,
};

mod calls;
mod hostile;
mod timing;

/// Longer than any test's call.
const LONG: Duration = Duration::from_secs(20);

/// What differs between the two networks. Simulated ones have no free ports to
/// draw and never free one.
pub(crate) trait Ground: Runtime {
    /// Full frames that a connection's sockets may hold.
    const SOCKET_FRAMES: usize;
    /// Whether an address is free again when its listener is gone.
    const REUSES: bool;
    fn listen() -> SocketAddr;
}

impl Ground for deterministic::Context {
    // 64 KiB.
    const SOCKET_FRAMES: usize = 0;
    const REUSES: bool = false;

    fn listen() -> SocketAddr {
        static PORT: AtomicU16 = AtomicU16::new(1024);
        let port = PORT.fetch_add(1, Ordering::Relaxed) % 20_000 + 1024;
        (Ipv4Addr::LOCALHOST, port).into()
    }
}

impl Ground for tokio_runtime::Context {
    // Linux lets a receiver's buffer grow to 32 MiB and a sender's to 4 where
    // it is so configured; at most this in any usual configuration.
    const SOCKET_FRAMES: usize = 72;
    const REUSES: bool = true;

    fn listen() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }
}

/// Runs a test on simulated time and sockets.
pub(crate) fn simulated<F>(test: impl FnOnce(deterministic::Context) -> F)
where
    F: Future<Output = ()>,
{
    deterministic::Runner::timed(Duration::from_secs(3600)).start(test);
}

/// Runs a test on real time and TCP.
pub(crate) fn tcp<F>(test: impl FnOnce(tokio_runtime::Context) -> F)
where
    F: Future<Output = ()>,
{
    let config = tokio_runtime::Config::new();
    let folder = config.storage_directory().clone();
    tokio_runtime::Runner::new(config).start(test);
    let _ = std::fs::remove_dir_all(folder);
}

/// Each test body twice.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[test]
            fn simulated() {
                crate::tests::simulated(super::bodies::$name);
            }
            #[test]
            fn tcp() {
                crate::tests::tcp(super::bodies::$name);
            }
        }
    )* };
}
pub(crate) use on_both;

/// Members and addresses that a test sets.
#[derive(Default)]
pub(crate) struct Book(Mutex<HashMap<PublicKey, Option<SocketAddr>>>);

impl Book {
    pub(crate) fn set(&self, key: PublicKey, address: Option<SocketAddr>) {
        lock(&self.0).insert(key, address);
    }

    pub(crate) fn remove(&self, key: PublicKey) {
        lock(&self.0).remove(&key);
    }
}

impl Directory for Book {
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr> {
        lock(&self.0).get(peer).copied().flatten()
    }

    fn is_member(&self, peer: &PublicKey) -> bool {
        lock(&self.0).contains_key(peer)
    }
}

/// A service that does what the request says, and counts.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) begun: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) replied: AtomicUsize,
    pub(crate) release: tokio::sync::Notify,
}

struct CountDrop<'a>(&'a AtomicUsize);

impl Drop for CountDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Desk {
    fn serve(&self, _: PublicKey, request: Bytes, mut replies: Replies) -> ServeFuture<'_> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let _guard = CountDrop(&self.dropped);
            match &request[..request.len().min(7)] {
                b"nothing" => Ok(()),
                b"refuse!" => Err(ServeError::refusal("the desk\nis closed")),
                b"faulty!" => Err(ServeError::fault("you did wrong")),
                b"trouble" => Err(ServeError::trouble("on fire", Some(Duration::from_secs(7)))),
                b"toobig!" => replies.send(vec![0; FRAME_BYTES_MAX + 1]).await,
                b"release" => {
                    replies.send(&b"waiting"[..]).await?;
                    self.release.notified().await;
                    replies.send(&b"released"[..]).await
                }
                b"numbers" => {
                    for n in 0..request[7] {
                        replies.send(vec![n; usize::from(n) * 1000]).await?;
                    }
                    Ok(())
                }
                b"forever" => loop {
                    replies.send(vec![7; FRAME_BYTES_MAX]).await?;
                    self.replied.fetch_add(1, Ordering::SeqCst);
                },
                b"halfway" => {
                    replies.send(&b"half"[..]).await?;
                    Err(ServeError::trouble("gave up halfway", None))
                }
                _ => {
                    let mut rest = request;
                    while !rest.is_empty() {
                        replies
                            .send(rest.split_to(rest.len().min(FRAME_BYTES_MAX)))
                            .await?;
                    }
                    Ok(())
                }
            }
        })
    }
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn network() -> NetworkId {
    NetworkId(Digest::of("test-network", &[b"1"]))
}

/// A node of a test.
pub(crate) struct Node<E: Runtime> {
    pub(crate) net: Net<E>,
    pub(crate) key: PublicKey,
    pub(crate) book: Arc<Book>,
    pub(crate) desk: Arc<Desk>,
}

impl<E: Ground> Node<E> {
    pub(crate) async fn start(ctx: &E, seed: u8, limits: Limits) -> Self {
        Self::start_at(ctx, seed, limits, E::listen()).await
    }

    pub(crate) async fn start_at(ctx: &E, seed: u8, limits: Limits, listen: SocketAddr) -> Self {
        let (book, desk) = (Arc::<Book>::default(), Arc::<Desk>::default());
        let config = Config {
            key: key(seed),
            listen,
            network: network(),
            limits,
        };
        let net = Net::start(ctx.child("node"), config, book.clone(), desk.clone());
        Self {
            net: net.await.unwrap(),
            key: key(seed).public(),
            book,
            desk,
        }
    }

    /// Two nodes that know each other.
    pub(crate) async fn pair(ctx: &E, limits: Limits) -> (Self, Self) {
        let a = Self::start(ctx, 1, limits.clone()).await;
        let b = Self::start(ctx, 2, limits).await;
        a.meet(&b);
        b.meet(&a);
        (a, b)
    }

    pub(crate) fn meet(&self, other: &Self) {
        self.book.set(other.key, Some(other.net.listening()));
    }

    /// Calls and reads the whole answer.
    pub(crate) async fn ask(
        &self,
        other: &Self,
        request: impl Into<Bytes>,
    ) -> Result<Bytes, crate::Error> {
        let answer = self.net.call(other.key, request, LONG).await?;
        answer.read_to_end(64 * FRAME_BYTES_MAX).await
    }
}

/// Waits until `done`, for at most ten seconds of the runtime's time.
pub(crate) async fn until<E: Runtime>(ctx: &E, what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        ctx.sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
