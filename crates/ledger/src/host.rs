//! A thread that runs the ledger's runtime, for programs that have a runtime of their own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use commonware_runtime::{Runner as _, tokio as runtime};
use tokio::sync::oneshot;

use crate::error::{Error, Trouble};
use crate::ledger::{Config, Ledger};
use crate::rules::Rules;

/// Threads of the ledger's runtime.
const WORKERS: usize = 2;

/// Answers everybody who waits when the runtime ends, be it by a panic.
struct Closing<'a>(&'a OnceLock<Ledger>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        if let Some(ledger) = self.0.get() {
            ledger.close();
        }
    }
}

/// A ledger on a thread of its own. Its [`Ledger`] handles work from any runtime.
pub struct Host {
    ledger: Ledger,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts the ledger over the storage folder `folder`.
    ///
    /// # Errors
    /// See [`Ledger::start`].
    pub async fn start(
        folder: &Path,
        config: Config,
        rules: Arc<dyn Rules>,
    ) -> Result<Self, Error> {
        let (started, start) = oneshot::channel();
        let (stop, stopping) = oneshot::channel::<()>();
        let thread = host(folder.to_path_buf(), config, rules, started, stopping)?;
        let ledger = match start.await {
            Ok(started) => started?,
            Err(_) => return Err(ended(thread).into()),
        };
        Ok(Self {
            ledger,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Stops the runtime and waits until its storage is closed.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's thread panicked");
        }
    }
}

/// Why a runtime ended before its ledger had started: the engine panics on files of its
/// own that are damaged.
fn ended(thread: JoinHandle<()>) -> Trouble {
    let Err(panic) = thread.join() else {
        return Trouble::Stopped;
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let said = text.unwrap_or("no reason given");
    Trouble::Storage(format!("the agreement engine did not start: {said}"))
}

/// Starts the runtime's thread. No `async fn`: the runtime and what it runs are compiled in
/// this crate, not in those that await the start.
fn host(
    folder: PathBuf,
    config: Config,
    rules: Arc<dyn Rules>,
    started: oneshot::Sender<Result<Ledger, Error>>,
    stopping: oneshot::Receiver<()>,
) -> Result<JoinHandle<()>, Error> {
    let body = move || {
        let shared = OnceLock::new();
        let _closing = Closing(&shared);
        let settings = runtime::Config::new()
            .with_worker_threads(WORKERS)
            .with_tcp_nodelay(Some(true))
            .with_storage_directory(folder);
        runtime::Runner::new(settings).start(|context| async {
            let ledger = Ledger::start(context, config, rules).await;
            if let Ok(ledger) = &ledger {
                let _ = shared.set(ledger.clone());
            }
            let runs = ledger.is_ok();
            if started.send(ledger).is_ok() && runs {
                let _ = stopping.await;
            }
        });
    };
    let thread = std::thread::Builder::new()
        .name("ledger".into())
        .spawn(body);
    thread.map_err(|error| Trouble::Storage(error.to_string()).into())
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}
