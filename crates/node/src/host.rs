//! What a node asks of the machine that it runs on: time, tasks, randomness, and
//! threads for work that keeps a core busy.
//!
//! Why it exists: the same node runs in production on tokio and in `sim` on one
//! thread under virtual time, where the same seed must give the same run. So the
//! node's own code takes clock, tasks and randomness from its host alone.
//!
//! *Invariants*
//! - A task spawned here ends with the node that it belongs to.
//! - Everything that others may see of a node's randomness (salts, blinds, keys of
//!   plans, ids of warrants, sealed bodies) is drawn from its host.
//!
//! *Not here*: the API's connections and live events, which are tokio's; the tokens of
//! sessions and invitations and the nonces of the private store, which come from the
//! operating system and are no part of what happens.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use docket::{Body, Opened};
use futures::future::BoxFuture;
use primitives::{Digest, TimeMs};
use rand::{Rng as _, TryCryptoRng, TryRng};

use crate::error::{Error, Result};

/// A machine that a node runs on.
pub trait Host: Send + Sync + 'static {
    /// Milliseconds since 1970 by the machine's clock, which may be set.
    fn now_ms(&self) -> TimeMs;

    /// How long the machine has run; never goes back.
    fn uptime(&self) -> Duration;

    /// Resolves after a while.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs a task beside the others.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) -> Task;

    /// Runs work that keeps a core busy; resolves to false where it panicked.
    fn busy(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, bool>;

    /// Runs straight code that waits by its task alone (`aside.rs`), on a thread of its
    /// own. What is given back is dropped once nobody hears the thread any more.
    fn thread(&self, work: Box<dyn FnOnce() + Send>) -> Box<dyn Send>;

    /// Drives a future of the data engine, which knows tokio alone, or of what a thread
    /// beside says next: under virtual time everything stands still for it.
    fn drive(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;

    /// Fills with randomness fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// A task that may be ended before its time.
pub struct Task(Box<dyn FnOnce() + Send>);

impl Task {
    /// A task that `end` ends.
    pub fn new(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(end))
    }

    /// Ends it at its next await.
    pub fn abort(self) {
        (self.0)();
    }
}

/// A host's randomness.
pub(crate) struct HostRng<'a>(&'a dyn Host);

impl TryRng for HostRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for HostRng<'_> {}

impl dyn Host {
    /// The host's randomness.
    pub(crate) fn rng(&self) -> HostRng<'_> {
        HostRng(self)
    }

    /// Encodes a body under a salt of its own.
    ///
    /// # Errors
    /// A refusal where the body is larger than a body may be.
    pub(crate) fn open<B: Body>(&self, body: &B) -> Result<Opened> {
        let mut salt = Digest([0; 32]);
        self.fill(&mut salt.0);
        Ok(Opened::salted(body, salt)?)
    }

    /// Runs work that keeps a core busy off the event loop.
    ///
    /// # Errors
    /// The work's own, and trouble where it panicked.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let done = self.busy(Box::new(move || {
            let _ = sender.send(work());
        }));
        let whole = done.await;
        match receiver.await {
            Ok(result) if whole => result,
            _ => Err(Error::broken("panic", "the work was not finished")),
        }
    }

    /// Waits for the data engine.
    ///
    /// # Errors
    /// The work's own, and trouble where it was dropped.
    pub(crate) async fn engine<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = async move {
            let _ = sender.send(work.await);
        };
        self.drive(Box::pin(work)).await;
        receiver
            .await
            .map_err(|_| Error::broken("panic", "the data engine did not finish"))?
    }
}

/// A stretch of time within which something is waited for.
pub(crate) struct Patience {
    host: Arc<dyn Host>,
    until: Duration,
}

impl Patience {
    /// Patience from now on.
    pub(crate) fn new(host: &Arc<dyn Host>, limit: Duration) -> Self {
        Self {
            host: host.clone(),
            until: host.uptime() + limit,
        }
    }

    /// Whether some is left.
    pub(crate) fn is_left(&self) -> bool {
        self.host.uptime() < self.until
    }

    /// Waits for something; `None` where patience ended first.
    pub(crate) async fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let left = self.until.saturating_sub(self.host.uptime());
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.host.sleep(left) => None,
        }
    }
}

/// The machine in production: tokio, the machine's clock, the operating system's
/// randomness.
pub(crate) struct Machine {
    started: Instant,
}

impl Machine {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is where the node's clock comes from"
    )]
    pub(crate) fn host() -> Arc<dyn Host> {
        Arc::new(Self {
            started: Instant::now(),
        })
    }
}

/// Milliseconds since 1970 by this machine's clock.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "a node's statements carry the time of its own clock; rooms below take it as an argument"
)]
pub(crate) fn now_ms() -> TimeMs {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

impl Host for Machine {
    fn now_ms(&self) -> TimeMs {
        now_ms()
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) -> Task {
        let handle = tokio::spawn(task);
        Task::new(move || handle.abort())
    }

    fn busy(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, bool> {
        let handle = tokio::task::spawn_blocking(work);
        Box::pin(async move { handle.await.is_ok() })
    }

    fn thread(&self, work: Box<dyn FnOnce() + Send>) -> Box<dyn Send> {
        Box::new(tokio::task::spawn_blocking(work))
    }

    fn drive(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        work
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn patience_ends_and_work_gives_what_it_made() {
        let host = Machine::host();
        let patience = Patience::new(&host, Duration::from_millis(20));
        assert!(patience.is_left());
        assert_eq!(patience.wait(async { 1 }).await, Some(1));
        let never = std::future::pending::<()>();
        assert_eq!(patience.wait(never).await, None);
        assert!(!patience.is_left());
        assert_eq!(host.blocking(|| Ok(2)).await.unwrap(), 2);
        assert_eq!(host.engine(async { Ok(3) }).await.unwrap(), 3);
        let refused = host.blocking(|| Err::<(), _>(Error::refused("rule", "no")));
        assert_eq!(refused.await.unwrap_err().rule(), "rule");
    }

    #[tokio::test]
    async fn a_task_that_is_ended_goes_no_further() {
        let host = Machine::host();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let task = host.spawn(
            "waits",
            Box::pin(async move {
                std::future::pending::<()>().await;
                let _ = sender.send(());
            }),
        );
        task.abort();
        assert!(receiver.await.is_err());
    }
}
