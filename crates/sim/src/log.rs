//! What the nodes log, read for rows that nobody may see.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{tables::CANARY, wires::contains};

/// What is logged unless `RUST_LOG` says otherwise; then it is shown, too.
const LEVELS: &str = "info,node=debug,ledger=debug,net=debug";

/// The log of a run.
#[derive(Clone, Default)]
pub(crate) struct Log {
    seen: Arc<AtomicBool>,
    shown: bool,
}

impl Log {
    /// A log, and what writes into it.
    pub(crate) fn open() -> (Self, impl Subscriber + Send + Sync) {
        let asked = EnvFilter::try_from_default_env();
        let log = Self {
            shown: asked.is_ok(),
            ..Self::default()
        };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(asked.unwrap_or_else(|_| EnvFilter::new(LEVELS)))
            .with_ansi(false)
            .without_time()
            .with_writer(log.clone())
            .finish();
        (log, subscriber)
    }

    /// Whether the canary was seen in it.
    pub(crate) fn has_canary(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }
}

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if contains(line, CANARY.as_bytes()) {
            self.seen.store(true, Ordering::Relaxed);
        }
        if self.shown {
            std::io::stderr().write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_in_a_log_is_seen() {
        let (log, subscriber) = Log::open();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(row = "somebody else", "a row");
            assert!(!log.has_canary());
            tracing::info!(row = format!("{CANARY}-7"), "a row");
        });
        assert!(log.has_canary());
    }
}
