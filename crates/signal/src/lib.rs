//! A value that others watch, and that wakes them in the order in which they came.
//!
//! Why it exists: tokio's `watch` spreads its waiters over eight lists by a random
//! number of the thread's own, so that the order in which tasks wake differs from run
//! to run. A simulation must be able to repeat a run; so what nodes share by a watch
//! they share by this one, under the same names.
//!
//! *Invariants*
//! - Waiters wake first come, first served.
//! - No lock is held while anything is awaited.
//!
//! *Not here*: several senders of one value, and queues; tokio's are repeatable.

/// The watch, by tokio's names.
pub mod watch {
    use std::{
        fmt,
        ops::Deref,
        pin::pin,
        sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    };

    use tokio::sync::Notify;

    struct State<T> {
        value: T,
        version: u64,
        closed: bool,
    }

    struct Shared<T> {
        state: RwLock<State<T>>,
        changed: Notify,
    }

    impl<T> Shared<T> {
        fn read(&self) -> RwLockReadGuard<'_, State<T>> {
            self.state.read().unwrap_or_else(PoisonError::into_inner)
        }

        fn write(&self) -> RwLockWriteGuard<'_, State<T>> {
            self.state.write().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// The value's sender is gone.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Closed;

    impl fmt::Display for Closed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the watched value's sender is gone")
        }
    }

    impl std::error::Error for Closed {}

    /// A look at the value. Holding it keeps the sender waiting.
    pub struct Ref<'a, T>(RwLockReadGuard<'a, State<T>>);

    impl<T> Deref for Ref<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0.value
        }
    }

    /// Changes the value.
    pub struct Sender<T>(Arc<Shared<T>>);

    impl<T> Sender<T> {
        /// A value that nobody watches yet.
        #[must_use]
        pub fn new(value: T) -> Self {
            let state = State {
                value,
                version: 0,
                closed: false,
            };
            Self(Arc::new(Shared {
                state: RwLock::new(state),
                changed: Notify::new(),
            }))
        }

        /// Watches the value from now on.
        #[must_use]
        pub fn subscribe(&self) -> Receiver<T> {
            let seen = self.0.read().version;
            Receiver {
                shared: self.0.clone(),
                seen,
            }
        }

        /// Looks at the value.
        pub fn borrow(&self) -> Ref<'_, T> {
            Ref(self.0.read())
        }

        /// Changes the value and wakes everybody.
        pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
            self.send_if_modified(|value| {
                change(value);
                true
            });
        }

        /// Puts another value in its place, wakes everybody, and gives the old one.
        pub fn send_replace(&self, mut value: T) -> T {
            self.send_modify(|old| std::mem::swap(old, &mut value));
            value
        }

        /// Changes the value, and wakes everybody if the change says so.
        pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
            let modified = {
                let mut state = self.0.write();
                let modified = change(&mut state.value);
                state.version += u64::from(modified);
                modified
            };
            if modified {
                self.0.changed.notify_waiters();
            }
            modified
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.write().closed = true;
            self.0.changed.notify_waiters();
        }
    }

    /// Watches the value.
    pub struct Receiver<T> {
        shared: Arc<Shared<T>>,
        seen: u64,
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Self {
            Self {
                shared: self.shared.clone(),
                seen: self.seen,
            }
        }
    }

    impl<T> Receiver<T> {
        /// Looks at the value; whether it is new stays as it was.
        pub fn borrow(&self) -> Ref<'_, T> {
            Ref(self.shared.read())
        }

        /// Looks at the value, which is not new any more.
        pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
            let state = self.shared.read();
            self.seen = state.version;
            Ref(state)
        }

        /// Takes the value for seen.
        pub fn mark_unchanged(&mut self) {
            self.seen = self.shared.read().version;
        }

        /// Waits until the value is new; it is not new any more then. May be dropped
        /// and asked again.
        ///
        /// # Errors
        /// The sender is gone, and its last value was seen.
        pub async fn changed(&mut self) -> Result<(), Closed> {
            loop {
                // Enlisted before the look, so that no change falls between.
                let mut changed = pin!(self.shared.changed.notified());
                changed.as_mut().enable();
                {
                    let state = self.shared.read();
                    if state.version != self.seen {
                        self.seen = state.version;
                        return Ok(());
                    }
                    if state.closed {
                        return Err(Closed);
                    }
                }
                changed.await;
            }
        }

        /// Waits for a value that fits, and looks at what it is then, which may have
        /// changed again.
        ///
        /// # Errors
        /// The sender is gone, and its last value does not fit.
        pub async fn wait_for(
            &mut self,
            mut fits: impl FnMut(&T) -> bool,
        ) -> Result<Ref<'_, T>, Closed> {
            loop {
                let closed = {
                    let state = self.shared.read();
                    self.seen = state.version;
                    if fits(&state.value) {
                        break;
                    }
                    state.closed
                };
                if closed {
                    return Err(Closed);
                }
                let _ = self.changed().await;
            }
            Ok(Ref(self.shared.read()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        task::{Context, Poll, Wake, Waker},
    };

    use super::watch::{Closed, Sender};

    /// Writes its number down when it is woken.
    struct Numbered(usize, Arc<Mutex<Vec<usize>>>);

    impl Wake for Numbered {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    #[test]
    fn waiters_wake_in_the_order_in_which_they_came() {
        let value = Sender::new(0);
        let woken = Arc::default();
        let mut receivers: Vec<_> = (0..40).map(|_| value.subscribe()).collect();
        let mut waits: Vec<_> = receivers
            .iter_mut()
            .map(|r| Box::pin(r.changed()))
            .collect();
        for (number, wait) in waits.iter_mut().enumerate() {
            let waker = Waker::from(Arc::new(Numbered(number, Arc::clone(&woken))));
            let mut context = Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut context).is_pending());
        }
        value.send_modify(|value| *value += 1);
        assert_eq!(*woken.lock().unwrap(), (0..40).collect::<Vec<_>>());
        let mut context = Context::from_waker(Waker::noop());
        for wait in &mut waits {
            assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        }
    }

    #[tokio::test]
    async fn a_change_is_seen_once_and_the_end_is_told() {
        let value = Sender::new(1);
        let mut receiver = value.subscribe();
        assert!(!value.send_if_modified(|_| false));
        assert_eq!(value.send_replace(2), 1);
        receiver.changed().await.unwrap();
        assert_eq!(*receiver.borrow_and_update(), 2);
        let mut other = receiver.clone();
        let waits = tokio::spawn(async move { other.wait_for(|v| *v == 4).await.map(|v| *v) });
        value.send_modify(|value| *value = 3);
        receiver.mark_unchanged();
        value.send_modify(|value| *value = 4);
        assert_eq!(waits.await.unwrap(), Ok(4));
        drop(value);
        // The last change is still told.
        assert_eq!(receiver.changed().await, Ok(()));
        assert_eq!(receiver.changed().await, Err(Closed));
        assert_eq!(
            receiver.wait_for(|v| *v == 5).await.map(|v| *v),
            Err(Closed)
        );
    }
}
