//! The machine that a simulated node runs on: virtual time, tasks that end with the
//! node, randomness from the seed, and blocking work done on the spot.
//!
//! *Invariants*
//! - Nothing here reads the real clock or the operating system's randomness.
//! - Work that would block runs whole within one poll: no kill cuts it in two.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commonware_runtime::{Clock as _, Spawner as _, Supervisor as _, deterministic::Context};
use futures::future::BoxFuture;
use ledger::ClockSkew;
use node::host::{Host, Task};
use primitives::{Digest, TimeMs};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// The runtime that drives the data engine, one future at a time.
pub(crate) type Engine = Arc<tokio::runtime::Runtime>;

/// Makes the data engine's runtime.
pub(crate) fn engine() -> Engine {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Arc::new(built.expect("the machine can start a thread"))
}

/// One node's machine.
pub(crate) struct Machine {
    context: Context,
    began: SystemTime,
    ahead: ClockSkew,
    rng: Mutex<StdRng>,
    engine: Engine,
}

impl Machine {
    /// A machine whose tasks are `context`'s and whose clock stands `ahead`.
    pub(crate) fn host(
        context: Context,
        seed: &Digest,
        ahead: ClockSkew,
        engine: Engine,
    ) -> Arc<dyn Host> {
        Arc::new(Self {
            began: context.current(),
            context,
            ahead,
            rng: Mutex::new(StdRng::from_seed(seed.0)),
            engine,
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn ms(time: SystemTime) -> TimeMs {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Host for Machine {
    fn now_ms(&self) -> TimeMs {
        ms(self.context.current()).saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Duration {
        let now = self.context.current();
        now.duration_since(self.began).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.context.sleep(duration))
    }

    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) -> Task {
        let handle = self.context.child(name).spawn(move |_| task);
        Task::new(move || handle.abort())
    }

    fn busy(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            work();
            true
        })
    }

    fn thread(&self, work: Box<dyn FnOnce() + Send>) -> Box<dyn Send> {
        Box::new(Thread(Some(std::thread::spawn(work))))
    }

    fn drive(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let engine = self.engine.clone();
        Box::pin(async move { engine.block_on(work) })
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.fill_bytes(bytes);
    }
}

/// A thread beside: it works only while the network stands still for it, and is gone
/// before the network goes on without it.
struct Thread(Option<std::thread::JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.0.take().map(std::thread::JoinHandle::join) {
            crate::panics::beside();
        }
    }
}
