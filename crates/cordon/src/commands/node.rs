//! `cordon node`: an institution's node, until it is told to stop.

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
    process::Command,
    thread,
};

use ::node::{
    Ended,
    config::{Config, Log},
    log::LogFilter,
};
use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::{EnvFilter, reload::Handle};

use crate::{
    failure::{Failure, Result},
    passphrase,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon node --home /var/lib/cordon --passphrase-file /run/secrets/cordon

Reads cordon.toml in the data folder. SIGTERM and Ctrl-C drain it: what is
acknowledged is durable, runs that can't end are recorded as aborted.")]
pub(crate) struct Run {
    /// The institution's data folder.
    #[arg(long, value_name = "DIR", env = "CORDON_HOME")]
    home: PathBuf,
    /// A file with the passphrase of the node's keys.
    #[arg(long, value_name = "FILE", env = "CORDON_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
    /// Stop when standard input ends: with the program that started this one.
    #[arg(long)]
    exit_with_parent: bool,
}

/// File handles that a node asks for: connections, storage and peers each take some.
const HANDLES: u64 = 65_536;

/// Takes the file handles that the system allows. Where it allows no more, the node
/// serves fewer connections at a time.
fn raise_handles() {
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.map_or(HANDLES, |most| most.min(HANDLES));
    if limit.current.is_some_and(|now| now < allowed) {
        limit.current = Some(allowed);
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

impl Run {
    pub(crate) fn run(self) -> Result<()> {
        raise_handles();
        let config = Config::read(&self.home)?;
        let log = log(&config.log)?;
        let passphrase = passphrase::to_open(self.passphrase_file.as_deref(), "the node's keys")?;
        let (parent_ended, parent) = watch::channel(());
        let with_parent = self.exit_with_parent;
        thread::spawn(move || {
            // Without a parent the sender is held for as long as the process lives.
            if !with_parent {
                loop {
                    thread::park();
                }
            }
            at_end_of_input();
            drop(parent_ended);
        });
        match ::node::run(config, &passphrase, log, Box::pin(stop(parent)))? {
            Ended::Stopped => Ok(()),
            Ended::Renewed => Err(begin_again()),
        }
    }
}

/// Becomes the same program anew, with the keys that the members put into office: the
/// same process, and nothing of the life before holds the store or a port. A passphrase
/// that was typed is asked for again. Returns only when that failed.
fn begin_again() -> Failure {
    use std::os::unix::process::CommandExt;
    let error = match std::env::current_exe() {
        Ok(program) => Command::new(program)
            .args(std::env::args_os().skip(1))
            .exec(),
        Err(error) => error,
    };
    Failure::trouble("begin-again", error)
        .advise("start the node again: its new keys are in office")
}

/// Resolves at SIGTERM, SIGINT or the end of the parent.
async fn stop(mut parent: watch::Receiver<()>) {
    // Nothing is ever sent: the sender goes when the parent does.
    let parent = async { while parent.changed().await.is_ok() {} };
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Without handlers the system's own way of ending a process holds.
        return parent.await;
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
        () = parent => (),
    }
}

/// Whoever started this process holds the other end of standard input; when it
/// dies, however it dies, the system closes that end.
fn at_end_of_input() {
    let mut byte = [0u8; 1];
    while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) {}
}

/// Sends the log to standard error in the form that the configuration asks for,
/// and gives the way to change its filter.
fn log(settings: &Log) -> Result<LogFilter> {
    let filter = EnvFilter::try_new(&settings.level)
        .map_err(|error| Failure::refusal("config", format!("log.level: {error}")))?;
    let to_stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let (begun, filter) = match settings.format.as_str() {
        "json" => {
            let json = to_stderr.json().with_filter_reloading();
            let filter = filter_of(json.reload_handle(), &settings.level);
            (json.try_init(), filter)
        }
        "text" => {
            let text = to_stderr
                .with_ansi(std::io::stderr().is_terminal())
                .with_filter_reloading();
            let filter = filter_of(text.reload_handle(), &settings.level);
            (text.try_init(), filter)
        }
        other => {
            return Err(Failure::refusal(
                "config",
                format!("log.format: {other} is not text or json"),
            ));
        }
    };
    begun.map_err(|error| Failure::trouble("log", error))?;
    Ok(filter)
}

/// The way to change a filter while the program runs.
fn filter_of<S: 'static>(handle: Handle<EnvFilter, S>, level: &str) -> LogFilter {
    LogFilter::new(level, move |text| {
        let filter = EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        handle.reload(filter).map_err(|error| error.to_string())
    })
}
