//! A node's life: open, join, serve, drain.

use std::{
    any::Any,
    future::Future,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use commonware_runtime::{Metrics as _, Runner as _, Supervisor as _, tokio as runtime};
use net::{Channels, Directory, Net, Service};
use primitives::{Digest, PublicKey};

use crate::{
    api::{self, auth::Gate},
    config::{Config, files},
    console::Console,
    core::Core,
    custodian::Desk,
    error::{DISK_ADVICE, Error, Result},
    host::{Host, Machine, Task},
    journey,
    keystore::{NodeKeys, Passphrase},
    log::LogFilter,
    room, rotation,
    rules::LegalOrder,
    store::Store,
    watch,
};

/// How long calls under way may take to end when the node drains.
const DRAIN: Duration = Duration::from_secs(5);

/// The members as the ledger has them now. Weak, as [`Desk`] is: a node holds its
/// channels, and what they hold must not keep the node.
struct Members(Weak<Core>);

impl Directory for Members {
    fn address(&self, peer: &PublicKey) -> Option<SocketAddr> {
        let core = self.0.upgrade()?;
        core.state()
            .member_of_node(peer)?
            .exchange_address
            .parse()
            .ok()
    }

    fn is_member(&self, peer: &PublicKey) -> bool {
        let core = self.0.upgrade();
        core.is_some_and(|core| core.state().member_of_node(peer).is_some())
    }
}

fn operator_token(path: &Path) -> Result<Digest> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::broken("operator-token", format!("{}: {error}", path.display())))?;
    text.trim()
        .parse()
        .map_err(|_| Error::refused("operator-token", "the token is not 64 hex digits"))
}

/// Resolves when a node is to stop.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a node ended in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// The members have put its new keys into office: start the program again.
    Renewed,
}

/// Runs a node until `stop` resolves or its keys are renewed; then it drains and
/// returns.
///
/// # Errors
/// Trouble that keeps the node from starting, that stopped its ledger, or under its
/// private store.
pub fn run(config: Config, passphrase: &Passphrase, log: LogFilter, stop: Stop) -> Result<Ended> {
    let home = config.home.clone();
    room::probe(&home)?;
    rotation::settle(&config)?;
    Console::of(&config)?;
    let keys = NodeKeys::read(&config.file(files::KEYS), passphrase)?;
    let store = Store::open(&config.file(files::STORE), &keys.store)?;
    let settings = runtime::Config::new()
        .with_storage_directory(config.file(files::LEDGER))
        .with_worker_threads(2);
    let runner = runtime::Runner::new(settings);
    let serving = || runner.start(|context| serve(context, config, (keys, store), log, stop));
    catch_unwind(AssertUnwindSafe(serving)).unwrap_or_else(|panic| Err(stopped(&*panic, &home)))
}

/// What a panic was: the agreement ends the process where its storage fails, and does not
/// always say why.
fn stopped(panic: &(dyn Any + Send), home: &Path) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or_default();
    if text.contains("io error") || room::probe(home).is_err() {
        Error::broken("storage", format!("storage failed: {text}")).advise(DISK_ADVICE)
    } else {
        Error::broken("panic", format!("a part of the node panicked: {text}")).advise(
            "start the node again; if it stops again, keep a copy of the folder and its log",
        )
    }
}

/// What a node is made of, before it joins its channels.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The keys.
    pub keys: NodeKeys,
    /// The private store.
    pub store: Store,
    /// The ledger, started with [`LegalOrder`].
    pub ledger: ledger::Ledger,
    /// The log's filter.
    pub log: LogFilter,
}

/// A node that follows its ledger and answers its peers.
pub struct Joined {
    /// What its parts share.
    pub core: Arc<Core>,
    channels: Arc<dyn Channels>,
    tasks: Vec<Task>,
}

impl Joined {
    /// Lets the calls under way end, then ends.
    pub async fn drain(self) {
        self.channels.stop(DRAIN).await;
        for task in self.tasks {
            task.abort();
        }
    }
}

/// The settings of a node's ledger.
///
/// # Errors
/// A refusal where the charter is not valid.
pub fn ledger_settings(
    config: &Config,
    charter: &docket::Charter,
    keys: &NodeKeys,
) -> Result<ledger::Config> {
    let mut settings = ledger::Config::new(
        charter.network()?,
        config.institution.clone(),
        keys.node.clone(),
        config.listen.ledger,
    );
    settings.bootstrap = crate::rules::members(charter.members.iter()).into();
    Ok(settings)
}

/// Opens a node's channels and lets it follow its ledger: all of a node but its API,
/// on any machine.
///
/// # Errors
/// Trouble where the exchange's address can't be listened on.
pub async fn join<E: net::Runtime>(
    context: E,
    host: Arc<dyn Host>,
    parts: Parts,
) -> Result<Joined> {
    join_behind(context, host, parts, |desk| desk).await
}

/// [`join`] where peers reach what `before` puts in front of the node's own service.
///
/// # Errors
/// As [`join`].
pub async fn join_behind<E: net::Runtime>(
    context: E,
    host: Arc<dyn Host>,
    parts: Parts,
    before: impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> + Send,
) -> Result<Joined> {
    let snapshots = parts.config.file(files::SNAPSHOTS);
    if snapshots.exists() {
        // What a node that was killed left half done.
        data::Snapshot::clean(&snapshots)?;
    }
    let console = Console::of(&parts.config)?;
    let network = parts.config.charter()?.network()?;
    let listen = parts.config.listen.exchange;
    let core = Core::new(host, console, network, parts)?;
    let settings = net::Config {
        key: core.keys.node.clone(),
        listen,
        network,
        limits: net::Limits {
            request_bytes_max: crate::exchange::REQUEST_BYTES_MAX,
            ..net::Limits::default()
        },
    };
    let members = Arc::new(Members(Arc::downgrade(&core)));
    let desk = before(Arc::new(Desk(Arc::downgrade(&core))));
    let channels = Net::start(context, settings, members, desk)
        .await
        .map_err(|error| Error::broken("exchange-address", error))?;
    let channels: Arc<dyn Channels> = Arc::new(channels);
    let _ = core.net.set(channels.clone());
    let tasks = vec![
        core.host
            .spawn("follow", Box::pin(journey::follow(core.clone()))),
        core.host
            .spawn("watch", Box::pin(watch::changes(core.clone()))),
    ];
    Ok(Joined {
        core,
        channels,
        tasks,
    })
}

async fn serve(
    context: runtime::Context,
    config: Config,
    (keys, store): (NodeKeys, Store),
    log: LogFilter,
    stop: Stop,
) -> Result<Ended> {
    let charter = config.charter()?;
    let settings = ledger_settings(&config, &charter, &keys)?;
    let rules = Arc::new(LegalOrder::new(charter)?);
    let ledger = ledger::Ledger::start(context.child("ledger"), settings, rules).await?;
    let token = operator_token(&config.file(files::OPERATOR_TOKEN))?;
    let listen = config.listen.api;
    let parts = Parts {
        config,
        keys,
        store,
        ledger: ledger.clone(),
        log,
    };
    let joined = join(context.child("net"), Machine::host(), parts).await?;
    let core = joined.core.clone();
    let runtime = context.child("metrics");
    core.metrics.runtime(move || runtime.encode());
    let listener = api::listen(listen)
        .map_err(|error| Error::broken("api-address", format!("{listen}: {error}")))?;
    tracing::info!(institution = %core.me, network = %core.network, api = %listen, "the node serves");
    let router = api::router(core.clone(), Gate::new(core.clone(), token));
    let (drain, draining) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(api::serve(listener, router, draining));
    let ended = tokio::select! {
        () = stop => Ok(Ended::Stopped),
        () = core.renewed.notified() => Ok(Ended::Renewed),
        error = ledger.stopped() => Err(Error::from(error)),
        error = core.store.failed() => Err(error),
    };
    tracing::info!("draining");
    core.events.close();
    let _ = drain.send(());
    let _ = tokio::time::timeout(DRAIN, server).await;
    joined.drain().await;
    if matches!(ended, Ok(Ended::Renewed)) {
        rotation::take(&core.config)?;
        tracing::info!("the members have put this node's new keys into office");
    }
    ended
}
