//! A clock for the agreement engine that stands still while there is nothing to agree on.
//!
//! The engine votes a leader down when its view lasts too long. An idle network has
//! nothing to propose, and would vote leaders down for ever: signatures, messages and
//! journal entries without end. Under this clock a view's time counts only while
//! records or a change of members wait, so timeouts can be short under load and an idle
//! network is silent.
//!
//! *Invariants*
//! - The paced time never goes backwards and never runs faster than the real clock.
//! - Everything but time is passed to the runtime unchanged.
//!
//! *Not here*: the decision what counts as work; see `work` callers.

use std::convert::Infallible;
use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ::signal::watch;
use commonware_runtime::telemetry::metrics::{Metric, Registered};
use commonware_runtime::{
    BlobVersion, Clock, Error, Handle, Metrics, Name, Spawner, Storage, Supervisor, signal,
};
use rand_core::{CryptoRng, TryCryptoRng, TryRng};

use crate::limits::LINGER;

/// The paced time, shared by all contexts of one engine.
pub(crate) struct Pace {
    state: Mutex<PaceState>,
    changed: watch::Sender<bool>,
}

struct PaceState {
    /// The paced time at `since`.
    base: SystemTime,
    /// The real time at which the clock was last started or stopped.
    since: SystemTime,
    running: bool,
    /// The real time of the last work.
    worked: SystemTime,
}

impl Pace {
    pub(crate) fn new(now: SystemTime) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(PaceState {
                base: now,
                since: now,
                running: true,
                worked: now,
            }),
            changed: watch::Sender::new(true),
        })
    }

    fn lock(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is work: the clock runs.
    pub(crate) fn work(&self, now: SystemTime) {
        let mut state = self.lock();
        state.worked = now.max(state.worked);
        if !state.running {
            state.since = now;
            state.running = true;
            drop(state);
            self.changed.send_replace(true);
        }
    }

    /// Stops the clock if there was no work for a while. Called now and then while nothing waits.
    pub(crate) fn rest(&self, now: SystemTime) {
        let mut state = self.lock();
        let idle = now.duration_since(state.worked).unwrap_or_default();
        if state.running && idle >= LINGER {
            state.base = paced(&state, now);
            state.since = now;
            state.running = false;
            drop(state);
            self.changed.send_replace(false);
        }
    }

    /// Whether the clock runs.
    pub(crate) fn running(&self) -> bool {
        self.lock().running
    }

    fn read(&self, now: SystemTime) -> SystemTime {
        paced(&self.lock(), now)
    }
}

fn paced(state: &PaceState, now: SystemTime) -> SystemTime {
    if state.running {
        state.base + now.duration_since(state.since).unwrap_or_default()
    } else {
        state.base
    }
}

/// A runtime context whose clock is paced.
pub(crate) struct Paced<E> {
    inner: E,
    clock: Arc<E>,
    pace: Arc<Pace>,
}

impl<E: Supervisor> Paced<E> {
    pub(crate) fn new(context: E, pace: Arc<Pace>) -> Self {
        let clock = Arc::new(context.child("clock"));
        Self {
            inner: context,
            clock,
            pace,
        }
    }

    fn wrap(&self, inner: E) -> Self {
        Self {
            inner,
            clock: Arc::clone(&self.clock),
            pace: Arc::clone(&self.pace),
        }
    }
}

impl<E: Supervisor> Supervisor for Paced<E> {
    fn name(&self) -> Name {
        self.inner.name()
    }

    fn child(&self, label: &'static str) -> Self {
        self.wrap(self.inner.child(label))
    }

    fn with_attribute(self, key: &'static str, value: impl std::fmt::Display) -> Self {
        let Self { inner, clock, pace } = self;
        Self {
            inner: inner.with_attribute(key, value),
            clock,
            pace,
        }
    }
}

impl<E: Spawner> Spawner for Paced<E> {
    fn shared(self, blocking: bool) -> Self {
        let Self { inner, clock, pace } = self;
        Self {
            inner: inner.shared(blocking),
            clock,
            pace,
        }
    }

    fn dedicated(self) -> Self {
        let Self { inner, clock, pace } = self;
        Self {
            inner: inner.dedicated(),
            clock,
            pace,
        }
    }

    fn spawn<F, Fut, T>(self, f: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let Self { inner, clock, pace } = self;
        inner.spawn(move |inner| f(Self { inner, clock, pace }))
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.inner.stop(value, timeout).await
    }

    fn stopped(&self) -> signal::Signal {
        self.inner.stopped()
    }
}

impl<E: Metrics> Metrics for Paced<E> {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(
        &self,
        name: N,
        help: H,
        metric: M,
    ) -> Registered<M> {
        self.inner.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.inner.encode()
    }
}

impl<E: Clock + Supervisor> governor::clock::Clock for Paced<E> {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.current()
    }
}

impl<E: Clock + Supervisor> governor::clock::ReasonablyRealtime for Paced<E> {}

impl<E: Clock + Supervisor> Clone for PacedClock<E> {
    fn clone(&self) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            pace: Arc::clone(&self.pace),
        }
    }
}

/// What a sleeping future keeps of its context.
struct PacedClock<E> {
    clock: Arc<E>,
    pace: Arc<Pace>,
}

impl<E: Clock> PacedClock<E> {
    async fn sleep_until(self, deadline: SystemTime) {
        let mut changes = self.pace.changed.subscribe();
        loop {
            let running = *changes.borrow_and_update();
            let now = self.pace.read(self.clock.current());
            let Ok(left) = deadline.duration_since(now) else {
                return;
            };
            if left.is_zero() {
                return;
            }
            if running {
                tokio::select! {
                    biased;
                    () = self.clock.sleep(left) => {}
                    _ = changes.changed() => {}
                }
            } else if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

impl<E: Clock + Supervisor> Clock for Paced<E> {
    fn current(&self) -> SystemTime {
        self.pace.read(self.clock.current())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<E> {
        self.sleep_until(self.current() + duration)
    }

    fn sleep_until(
        &self,
        deadline: SystemTime,
    ) -> impl Future<Output = ()> + Send + 'static + use<E> {
        let clock = PacedClock {
            clock: Arc::clone(&self.clock),
            pace: Arc::clone(&self.pace),
        };
        clock.sleep_until(deadline)
    }
}

impl<E: Storage> Storage for Paced<E> {
    type Blob = E::Blob;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(Self::Blob, u64, BlobVersion), Error> {
        self.inner.open_versioned(partition, name, versions).await
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        self.inner.remove(partition, name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.inner.scan(partition).await
    }
}

impl<E: CryptoRng> TryRng for Paced<E> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.inner.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.inner.next_u64())
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Infallible> {
        self.inner.fill_bytes(dest);
        Ok(())
    }
}

impl<E: CryptoRng> TryCryptoRng for Paced<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(s)
    }

    #[test]
    fn time_stands_still_without_work() {
        let pace = Pace::new(at(100));
        assert_eq!(pace.read(at(101)), at(101));
        pace.rest(at(101));
        assert!(pace.running(), "it lingers");
        pace.rest(at(110));
        assert!(!pace.running());
        assert_eq!(pace.read(at(500)), at(110));
        pace.work(at(500));
        assert_eq!(pace.read(at(503)), at(113));
        pace.rest(at(501));
        assert!(pace.running());
    }

    #[test]
    fn a_sleeper_wakes_only_when_paced_time_has_passed() {
        use commonware_runtime::{Runner as _, deterministic};
        deterministic::Runner::default().start(|context| async move {
            let start = context.current();
            let pace = Pace::new(start);
            let paced = Paced::new(context.child("paced"), Arc::clone(&pace));
            let sleeping = paced.sleep(Duration::from_secs(10));
            pace.rest(start + Duration::from_secs(4));
            let real = context.child("real");
            let woken = context.child("sleeper").spawn(move |_| async move {
                sleeping.await;
                real.current()
            });
            // Four seconds had passed when the clock stopped; it stands for a minute.
            context.sleep(Duration::from_secs(60)).await;
            pace.work(context.current());
            let woken = woken.await.unwrap();
            let slept = woken.duration_since(start).unwrap();
            assert!(slept >= Duration::from_secs(66), "{slept:?}");
            assert!(slept <= Duration::from_secs(67), "{slept:?}");
        });
    }
}
