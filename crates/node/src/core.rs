//! A running node: the rooms that it joins, and what all of its parts share.
//!
//! *Invariants*
//! - A body is in the private store before the record that commits to it is
//!   submitted.
//! - What the ledger says is read from the ledger's state; the private store
//!   never decides whether something is allowed.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use docket::{Body, Header, Opened, Part, Record, Role, State, Statement};
use ledger::Ledger;
use net::Channels;
use primitives::{Digest, InstitutionId, NetworkId, TimeMs, WarrantId};
use signal::watch;

pub(crate) use crate::host::now_ms;
use crate::{
    config::Config,
    console::Console,
    error::{Error, Result},
    events::Hub,
    host::Host,
    jobs::Jobs,
    keystore::NodeKeys,
    log::LogFilter,
    metrics::Metrics,
    progress::Progress,
    rules::docket_state,
    run::Parts,
    sessions::Sessions,
    store::{Shelf, Store},
};

/// A record of the log, as this node remembers it.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// Its place in the log.
    pub index: u64,
    /// The time of its block.
    pub time_ms: TimeMs,
    /// The record.
    pub record: Arc<Record>,
}

/// The log, decoded and indexed by what it is about.
#[derive(Default)]
pub struct Index {
    records: Vec<Indexed>,
    by_digest: HashMap<Digest, usize>,
    by_warrant: BTreeMap<WarrantId, Vec<usize>>,
    /// Records outside any docket that have bodies.
    outside: Vec<usize>,
}

impl Index {
    /// Adds the next record.
    pub fn push(&mut self, indexed: Indexed) {
        let at = self.records.len();
        self.by_digest.insert(indexed.record.digest, at);
        if let Some(warrant) = indexed.record.header.warrant {
            self.by_warrant.entry(warrant).or_default().push(at);
        } else if !indexed.record.header.parts.is_empty() {
            self.outside.push(at);
        }
        self.records.push(indexed);
    }

    /// A record by its digest.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&Indexed> {
        self.by_digest.get(digest).map(|at| &self.records[*at])
    }

    /// The records of a docket, in order.
    pub fn docket(&self, warrant: &WarrantId) -> impl Iterator<Item = &Indexed> {
        self.by_warrant
            .get(warrant)
            .into_iter()
            .flatten()
            .map(|at| &self.records[*at])
    }

    /// Records outside any docket that have bodies, in order.
    pub fn outside(&self) -> impl DoubleEndedIterator<Item = &Indexed> {
        self.outside.iter().map(|at| &self.records[*at])
    }

    /// All records, in order.
    #[must_use]
    pub fn all(&self) -> &[Indexed] {
        &self.records
    }
}

/// What all parts of a node share.
pub struct Core {
    /// The configuration.
    pub config: Config,
    /// The institution.
    pub me: InstitutionId,
    /// The network.
    pub network: NetworkId,
    /// The keys.
    pub keys: NodeKeys,
    /// The private store.
    pub store: Store,
    /// The ledger.
    pub ledger: Ledger,
    /// The machine that the node runs on.
    pub host: Arc<dyn Host>,
    /// Where the console is.
    pub(crate) console: Console,
    /// Sessions of officers who signed in.
    pub(crate) sessions: Sessions,
    /// The channels to other nodes; set once the node serves them.
    pub net: std::sync::OnceLock<Arc<dyn Channels>>,
    /// Long work.
    pub(crate) jobs: Jobs,
    /// The log, indexed.
    pub index: RwLock<Index>,
    /// Counts up whenever a record becomes final or a body arrives.
    pub changed: watch::Sender<u64>,
    /// Tells the node to start again with the keys that the members voted for.
    pub renewed: tokio::sync::Notify,
    /// Runs under way that this node takes part in.
    pub progress: Progress,
    /// What officers are told while it happens.
    pub events: Arc<Hub>,
    /// What is counted.
    pub metrics: Metrics,
    /// The log's filter.
    pub log: LogFilter,
    /// File names of cases that this institution may read, by warrant.
    pub(crate) case_names: Mutex<HashMap<WarrantId, String>>,
    /// Questions that an officer asked to cancel.
    pub cancelled: Mutex<HashSet<Digest>>,
    /// Work that must not run twice at once, by name.
    busy: Mutex<HashSet<String>>,
    /// What it computes and shares of joint questions.
    pub(crate) seats: crate::joint::Seats,
    /// Opened snapshots and tables, and plans' runs, of this custodian.
    pub(crate) tables: crate::tables::Tables,
}

/// Ends a piece of work that must not run twice at once.
pub struct Busy {
    core: Arc<Core>,
    name: String,
}

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.core.busy).remove(&self.name);
    }
}

/// A panic elsewhere leaves these maps whole: each change is one call.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Joins the parts.
    ///
    /// # Errors
    /// Trouble where the private store can't be read.
    pub(crate) fn new(
        host: Arc<dyn Host>,
        console: Console,
        network: NetworkId,
        parts: Parts,
    ) -> Result<Arc<Self>> {
        let Parts {
            config,
            keys,
            store,
            ledger,
            log,
        } = parts;
        let context = [&network.0.0[..], config.institution.as_str().as_bytes()];
        let sessions = Sessions::new(Digest::of("cordon/sessions/v1", &context));
        Ok(Arc::new(Self {
            host,
            console,
            sessions,
            me: config.institution.clone(),
            config,
            network,
            keys,
            store,
            ledger,
            net: std::sync::OnceLock::new(),
            jobs: Jobs::default(),
            index: RwLock::default(),
            changed: watch::Sender::new(0),
            renewed: tokio::sync::Notify::new(),
            progress: Progress::default(),
            events: Arc::default(),
            metrics: Metrics::default(),
            log,
            case_names: Mutex::default(),
            cancelled: Mutex::default(),
            busy: Mutex::default(),
            seats: crate::joint::Seats::default(),
            tables: crate::tables::Tables::default(),
        }))
    }

    /// The log as indexed now.
    pub fn read_index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The legal state after the last final record.
    #[must_use]
    pub fn state(&self) -> State {
        let state = self.ledger.state();
        docket_state(state.as_ref())
            .cloned()
            .expect("the ledger was started with this crate's rules")
    }

    /// Milliseconds since 1970 by the host's clock.
    #[must_use]
    pub fn now_ms(&self) -> TimeMs {
        self.host.now_ms()
    }

    /// Requires that a warrant is in force by the later of the host's clock and the
    /// ledger's last time: a clock that stands behind keeps no warrant in force of which
    /// the ledger shows that it is over.
    pub(crate) fn warrant_in_force(&self, state: &State, id: &WarrantId) -> Result<()> {
        let last = self.read_index().all().last().map(|known| known.time_ms);
        let now_ms = self.now_ms().max(last.unwrap_or_default());
        state.warrant_in_force(id, now_ms)?;
        Ok(())
    }

    /// The channels.
    ///
    /// # Errors
    /// Trouble before the node serves.
    pub fn net(&self) -> Result<&dyn Channels> {
        self.net
            .get()
            .map(AsRef::as_ref)
            .ok_or_else(|| Error::trouble("starting", "the node is starting"))
    }

    /// Begins work that must not run twice at once; `None` where it runs.
    pub fn begin(self: &Arc<Self>, name: String) -> Option<Busy> {
        lock(&self.busy).insert(name.clone()).then(|| Busy {
            core: self.clone(),
            name,
        })
    }

    /// Tells everyone who waits that something changed.
    pub fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Stores bodies, durably.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn keep(&self, bodies: &[Opened]) -> Result<()> {
        for body in bodies {
            self.store.put(Shelf::Bodies, &body.commitment().0, body)?;
        }
        Ok(())
    }

    /// A body that this node holds.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn opened(&self, part: &Part) -> Result<Option<Opened>> {
        self.store.get(Shelf::Bodies, &part.commitment.0)
    }

    /// Reads a body of a record, if this node holds it.
    ///
    /// # Errors
    /// A refusal where the body is not what the record commits to.
    pub fn body<B: Body>(&self, header: &Header) -> Result<Option<B>> {
        let Some(part) = header.part(B::LABEL) else {
            return Ok(None);
        };
        match self.opened(part)? {
            Some(opened) => Ok(Some(opened.read(part)?)),
            None => Ok(None),
        }
    }

    /// Reads a body of a record on the ledger, or says that it is on its way.
    ///
    /// # Errors
    /// Trouble where the record or its body is not here yet.
    pub fn body_of<B: Body>(&self, record: &Digest) -> Result<B> {
        let header = self.record(record)?.record.header.clone();
        self.body(&header)?.ok_or_else(|| {
            Error::trouble(
                "body-missing",
                format!(
                    "the body `{}` of record {} is not here yet",
                    B::LABEL,
                    record.short()
                ),
            )
            .advise("it is fetched from the institution that wrote it; try again shortly")
        })
    }

    /// A record on the ledger.
    ///
    /// # Errors
    /// A refusal where there is none; trouble where the ledger has records that the
    /// index has not taken yet, since it may be one of those.
    pub fn record(&self, digest: &Digest) -> Result<Indexed> {
        // The ledger first: what it has now, the index must have after.
        let size = self.ledger.status().size;
        let index = self.read_index();
        if let Some(indexed) = index.get(digest) {
            return Ok(indexed.clone());
        }
        if (index.all().len() as u64) < size {
            let detail = format!("record {} is being taken in", digest.short());
            return Err(Error::trouble("body-missing", detail).advise("try again shortly"));
        }
        Err(Error::refused("not-found", format!("no record {digest}")))
    }

    /// A header for a statement of this node.
    #[must_use]
    pub fn header(
        &self,
        warrant: Option<WarrantId>,
        follows: Vec<Digest>,
        parts: Vec<Part>,
        statement: Statement,
    ) -> Header {
        Header {
            network: self.network,
            institution: self.me.clone(),
            officer: None,
            time_ms: self.now_ms(),
            warrant,
            follows,
            parts,
            statement,
        }
    }

    /// Signs a statement with the node's key, keeps its bodies and waits until
    /// it is final.
    ///
    /// # Errors
    /// The rule that refuses it, or trouble.
    pub async fn state_as_node(&self, header: Header, bodies: &[Opened]) -> Result<Indexed> {
        self.keep(bodies)?;
        let record = Record::sign(&header, &self.keys.node)?;
        self.submit(record).await
    }

    /// Submits a record and waits until it is final here.
    ///
    /// # Errors
    /// The rule that refuses it, or trouble.
    pub async fn submit(&self, record: Record) -> Result<Indexed> {
        let digest = record.digest;
        let kind = record.kind();
        let began = self.host.uptime();
        let receipt = match self.ledger.submit(record.bytes.clone().into()).await {
            Ok(receipt) => receipt,
            Err(error) => {
                if let ledger::SubmitError::Refused(refused) = &error {
                    self.metrics.was_refused(refused.rule.as_ref());
                }
                return Err(error.into());
            }
        };
        let took = self.host.uptime().saturating_sub(began);
        self.metrics.became_final(kind, took);
        tracing::info!(record = %digest.short(), kind, index = receipt.index(), "final");
        let mut changed = self.changed.subscribe();
        loop {
            if let Ok(indexed) = self.record(&digest) {
                return Ok(indexed);
            }
            if changed.changed().await.is_err() {
                return Err(Error::trouble("stopping", "the node is stopping"));
            }
        }
    }

    /// The docket of a question. While records are being taken in, the legal state
    /// says: an id that nobody has is never answered otherwise than another's.
    #[must_use]
    pub fn docket_of_question(&self, question: &Digest) -> Option<WarrantId> {
        match self.record(question) {
            Ok(indexed) => indexed.record.header.warrant,
            Err(error) if error.retry() => {
                let state = self.state();
                let mut warrants = state.warrants();
                let found = warrants.find(|(_, known)| known.questions.contains_key(question));
                found.map(|(id, _)| *id)
            }
            Err(_) => None,
        }
    }

    /// Records that an act about a warrant was denied, and gives the error back
    /// with the record in it. Where even that fails, the log says so.
    pub async fn deny(&self, warrant: WarrantId, act: &str, error: Error) -> Error {
        let crate::error::Kind::Refused { rule, detail } = &error.kind else {
            return error;
        };
        let state = self.state();
        if state.warrant(&warrant).is_none() {
            tracing::warn!(act, rule, detail, "denied; no docket to record it in");
            return error;
        }
        let made = self.host.open(&docket::body::Reason {
            text: detail.clone(),
        });
        let recorded = match made {
            Ok(reason) => {
                let mut readers = self.overseers(&state);
                if !readers.contains(&self.me) {
                    readers.push(self.me.clone());
                }
                let header = self.header(
                    Some(warrant),
                    Vec::new(),
                    vec![reason.part(readers)],
                    Statement::Denied {
                        rule: rule.clone(),
                        act: act.into(),
                    },
                );
                self.state_as_node(header, &[reason]).await
            }
            Err(error) => Err(error),
        };
        match recorded {
            Ok(indexed) => Error {
                record: Some(Box::new(indexed.record.digest)),
                ..error
            },
            Err(trouble) => {
                tracing::error!(act, rule, %trouble, "a denial could not be recorded");
                error
            }
        }
    }

    /// Members that audit.
    #[must_use]
    pub fn overseers(&self, state: &State) -> Vec<InstitutionId> {
        state
            .members()
            .filter(|member| member.roles.contains(&Role::Overseer))
            .map(|member| member.id.clone())
            .collect()
    }

    /// A sorted list of readers without repeats, overseers included.
    #[must_use]
    pub fn readers<'a>(
        &self,
        state: &State,
        institutions: impl IntoIterator<Item = &'a InstitutionId>,
    ) -> Vec<InstitutionId> {
        let mut readers = self.overseers(state);
        readers.extend(institutions.into_iter().cloned());
        readers.sort_unstable();
        readers.dedup();
        readers
    }
}
