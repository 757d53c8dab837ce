//! Straight code on a thread of its own, which waits through the task that began it.
//!
//! Why it exists: the parties of a joint question have thousands of rounds and run as
//! straight code. What they wait for (a peer's bytes, a record, time) is the node's,
//! whose tasks run on its [`Host`]. So the thread hands its task each future that it
//! waits for, and stands still until the task has what came of it.
//!
//! *Invariants*
//! - Under virtual time nothing else happens while the thread works, and the thread
//!   works at no other time: the same seed gives the same run.
//! - Whoever drops the task ends the thread at its next wait.
//!
//! *Not here*: work that waits for nothing ([`Host::busy`]).

use std::sync::{Arc, mpsc::sync_channel};

use futures::future::BoxFuture;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use crate::{
    error::{Error, Result},
    host::Host,
};

/// A future that the thread waits for, and that tells it what came of it.
type Ask = BoxFuture<'static, ()>;

/// What the thread waits by.
#[derive(Clone)]
pub(crate) struct Aside {
    asks: UnboundedSender<Ask>,
}

impl Aside {
    /// Waits for a future, which the task drives; `None` where the task is gone.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = sync_channel(1);
        let asked = Box::pin(async move {
            // Nobody listens where the thread is gone.
            let _ = sender.send(future.await);
        });
        self.asks.send(asked).ok()?;
        receiver.recv().ok()
    }
}

/// Runs straight code that waits by an [`Aside`].
///
/// # Errors
/// The work's own; trouble where it panicked.
pub(crate) async fn aside<T: Send + 'static>(
    host: &Arc<dyn Host>,
    work: impl FnOnce(&Aside) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (asks, heard) = unbounded_channel();
    let (sender, receiver) = oneshot::channel();
    let aside = Aside { asks };
    let logs = tracing::dispatcher::get_default(Clone::clone);
    // Dropped after whoever hears it, at which it ends.
    let thread = host.thread(Box::new(move || {
        tracing::dispatcher::with_default(&logs, || {
            let _ = sender.send(work(&aside));
        });
    }));
    let heard = hear(host, heard).await;
    drop(thread);
    heard?;
    receiver
        .await
        .map_err(|_| Error::broken("panic", "the work was not finished"))?
}

/// Drives what the thread waits for, until it has ended.
async fn hear(host: &Arc<dyn Host>, mut heard: UnboundedReceiver<Ask>) -> Result<()> {
    loop {
        let next = async move {
            let ask = heard.recv().await;
            Ok((heard, ask))
        };
        let (back, ask) = host.engine(next).await?;
        heard = back;
        match ask {
            Some(ask) => ask.await,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::host::Machine;

    #[tokio::test]
    async fn a_thread_waits_for_what_its_task_drives() {
        let host = Machine::host();
        let (sender, receiver) = oneshot::channel();
        let summed = aside(&host, move |aside| {
            let first = aside.wait(async { 40 });
            let second = aside.wait(async move { receiver.await.unwrap() });
            Ok(first.zip(second).map(|(a, b): (u32, u32)| a + b))
        });
        let sent = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sender.send(2).unwrap();
        };
        let (summed, ()) = tokio::join!(summed, sent);
        assert_eq!(summed.unwrap(), Some(42));
        let refused = aside(&host, |_| Err::<(), _>(Error::refused("limit", "no")));
        assert_eq!(refused.await.unwrap_err().rule(), "limit");
    }

    #[tokio::test]
    async fn a_thread_whose_task_is_gone_ends_at_its_next_wait() {
        let host = Machine::host();
        let ended = Arc::new(AtomicBool::new(false));
        let told = ended.clone();
        let waiting = aside(&host, move |aside| {
            let waited = aside.wait(std::future::pending::<()>());
            told.store(waited.is_none(), Ordering::SeqCst);
            Ok(())
        });
        let cut = tokio::time::timeout(Duration::from_millis(50), waiting).await;
        assert!(cut.is_err());
        let began = tokio::time::Instant::now();
        while !ended.load(Ordering::SeqCst) {
            assert!(began.elapsed() < Duration::from_secs(10), "it still waits");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
