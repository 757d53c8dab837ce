//! Being told to stop: SIGINT and SIGTERM as a flag that waits look at.
//!
//! *Invariants*: the second signal ends the process at once, so that nobody is
//! held by a wait that does not look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::failure::{Failure, Result};

/// Shortest time between two looks at what is waited for.
const LOOK_MS: u64 = 100;

/// Whether the user asked to stop.
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for the signals from now on.
    ///
    /// # Errors
    /// Trouble where the system does not let it.
    pub fn listen() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Failure::trouble("signals", error))?;
        }
        Ok(Self(asked))
    }

    /// A stop that nobody asks for but [`Stop::ask`].
    #[must_use]
    pub fn quiet() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Asks to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the user asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// A cancellation where the user asked.
    ///
    /// # Errors
    /// The cancellation.
    pub fn check(&self) -> Result<()> {
        if self.asked() {
            Err(Failure::cancelled("stopped by the user"))
        } else {
            Ok(())
        }
    }

    /// Looks again and again until `look` has something, at most `limit`.
    ///
    /// # Errors
    /// What `look` fails with, a cancellation, or trouble where it takes longer.
    pub fn wait<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            self.check()?;
            if let Some(found) = look()? {
                return Ok(found);
            }
            if begun.elapsed() > limit {
                return Err(Failure::trouble(
                    "timeout",
                    format!("{what}: nothing after {} s", limit.as_secs()),
                ));
            }
            thread::sleep(Duration::from_millis(LOOK_MS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_by_its_event_its_limit_or_the_user() {
        let stop = Stop::quiet();
        let mut looks = 0;
        let found = stop.wait("x", Duration::from_secs(9), || {
            looks += 1;
            Ok((looks == 2).then_some(7))
        });
        assert_eq!(found.unwrap(), 7);
        let late = stop
            .wait("x", Duration::ZERO, || Ok(None::<()>))
            .unwrap_err();
        assert_eq!(late.rule, "timeout");
        stop.ask();
        let stopped = stop
            .wait("x", Duration::from_secs(9), || Ok(None::<()>))
            .unwrap_err();
        assert_eq!(stopped.family, crate::failure::Family::Cancelled);
    }
}
