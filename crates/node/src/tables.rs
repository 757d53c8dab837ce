//! This custodian's tables: published, snapshotted, prepared.
//!
//! *Invariants*
//! - A snapshot's lookup key is in the private store before its commitment is
//!   on the ledger, and its files are complete before that.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use docket::{
    Record, Statement,
    statement::{Column, DatasetPublished, LookupKey, SnapshotCommitted},
};
use mpc::{
    TableKey,
    lookup::{Prepared, custodian::Run},
};
use primitives::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    api::types::{JobView, Publish, Recorded, RejectedView},
    config::files,
    core::{Core, Indexed, lock},
    error::{Error, Result},
    store::Shelf,
};

mod runs;

/// Rejected rows shown with a job.
const REJECTED_SHOWN_MAX: usize = 100;

/// Opened snapshots, prepared tables and runs.
#[derive(Default)]
pub(crate) struct Tables {
    snapshots: Mutex<HashMap<Digest, Arc<data::Snapshot>>>,
    prepared: Mutex<HashMap<(Digest, String), Arc<Prepared>>>,
    runs: Mutex<HashMap<(Digest, Digest, u8), Arc<Run>>>,
}

/// A snapshot's place on disk and the secrets of its lookup keys.
#[derive(Serialize, Deserialize)]
struct Kept {
    folder: String,
    /// In the catalogue's order: the key's name and `k`.
    keys: Vec<(String, Digest)>,
}

impl From<data::DataError> for Error {
    fn from(error: data::DataError) -> Self {
        match error.kind() {
            data::ErrorKind::Refusal { rule, .. } => Self::refused(rule.name(), error.to_string()),
            data::ErrorKind::Cancelled => Self::refused("cancelled", error.to_string()),
            _ => Self::trouble("data", &error),
        }
    }
}

/// The specification of a table to publish.
///
/// # Errors
/// A refusal where it can't be guessed or is not valid.
pub fn specification(core: &Core, publish: &Publish) -> Result<data::DatasetSpec> {
    if let Some(text) = &publish.spec {
        let spec: data::DatasetSpec = toml::from_str(text)
            .map_err(|error| Error::refused("dataset-spec", error.message().to_string()))?;
        spec.validate()?;
        return Ok(spec);
    }
    let is_database = publish.source.starts_with("postgres://");
    if !is_database && !Path::new(&publish.source).is_file() {
        let detail = format!("no file {} on the node's machine", publish.source);
        return Err(Error::refused("dataset-spec", detail)
            .advise("give the path as the node sees it, and let the node read it"));
    }
    let name = format!("{}.{}", core.me, publish.dataset);
    let mut spec = if is_database {
        let table = publish.source_table.clone().ok_or_else(|| {
            Error::refused("dataset-spec", "a PostgreSQL source needs the table's name")
        })?;
        let kind = publish
            .table
            .clone()
            .unwrap_or_else(|| publish.dataset.clone());
        let source = data::Source::Postgres {
            url: data::PostgresUrl(publish.source.clone()),
            table,
            order_by: Vec::new(),
        };
        let me = core.me.as_str();
        match kind.as_str() {
            "subscribers" => data::city::subscribers(me, source),
            "accounts" => data::city::accounts(me, source),
            "calls" => data::city::calls(me, source),
            "transfers" => data::city::transfers(me, source),
            _ => {
                return Err(Error::refused(
                    "dataset-spec",
                    format!("no standard table `{kind}`; give its specification as TOML"),
                ));
            }
        }
    } else {
        data::DatasetSpec::guess(&name, &PathBuf::from(&publish.source))?
    };
    if let Some(table) = &publish.table {
        spec.kind.clone_from(table);
    }
    spec.name = name;
    spec.validate()?;
    Ok(spec)
}

/// Publishes a table in the catalogue.
///
/// # Errors
/// The rule that refuses it, or trouble.
pub async fn publish(core: &Arc<Core>, spec: data::DatasetSpec) -> Result<Indexed> {
    let name = |value: &str| value.to_string();
    let entry = DatasetPublished {
        dataset: spec
            .name
            .split_once('.')
            .map_or_else(|| spec.name.clone(), |(_, table)| table.into()),
        table: spec.kind.clone(),
        columns: spec
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                semantic: name(column.semantic.name()),
                disclosure: disclosure_name(column.disclosure).into(),
            })
            .collect(),
        keys: spec.keys.iter().map(|key| key.name.clone()).collect(),
    };
    let header = core.header(
        None,
        Vec::new(),
        Vec::new(),
        Statement::DatasetPublished(entry),
    );
    let record = Record::sign(&header, &core.keys.node)?;
    // First the specification: a table in the catalogue without one takes no snapshots.
    let text = toml::to_string(&spec).map_err(|error| Error::broken("dataset-spec", error))?;
    core.store.put(Shelf::Datasets, &record.digest.0, &text)?;
    core.submit(record).await
}

/// The name of a disclosure rule, as the catalogue writes it.
#[must_use]
pub(crate) fn disclosure_name(disclosure: data::Disclosure) -> &'static str {
    match disclosure {
        data::Disclosure::Open => "open",
        data::Disclosure::KeyOnly => "key_only",
        data::Disclosure::AggregateOnly => "aggregate_only",
        data::Disclosure::CompareOnly => "compare_only",
        data::Disclosure::Never => "never",
    }
}

/// The latest record that published this institution's table of a name.
fn published(core: &Core, dataset: &str) -> Result<Digest> {
    let state = core.state();
    state
        .datasets()
        .filter(|(_, known)| known.institution == core.me && known.entry.dataset == dataset)
        .filter_map(|(digest, _)| Some((core.record(digest).ok()?.index, *digest)))
        .max()
        .map(|(_, digest)| digest)
        .ok_or_else(|| {
            Error::refused("dataset-unknown", format!("no published table `{dataset}`"))
                .advise("publish it first: cordon dataset publish --help")
        })
}

/// Begins to take a snapshot; the job tells how it goes.
///
/// # Errors
/// A refusal where the table was not published.
pub fn begin_snapshot(core: &Arc<Core>, dataset: &str) -> Result<JobView> {
    let record = published(core, dataset)?;
    let text: String = core
        .store
        .get(Shelf::Datasets, &record.0)?
        .ok_or_else(|| Error::broken("dataset-spec", "the table's specification is lost"))?;
    let spec: data::DatasetSpec =
        toml::from_str(&text).map_err(|error| Error::broken("dataset-spec", error))?;
    let busy = core
        .begin(format!("snapshot {dataset}"))
        .ok_or_else(|| Error::refused("busy", format!("a snapshot of `{dataset}` is under way")))?;
    let (job, cancel) = core.jobs.begin(dataset, "reading");
    let core = core.clone();
    let view = core.jobs.view(&job);
    let host = core.host.clone();
    let task = async move {
        let _busy = busy;
        if let Err(error) = snapshot(&core, record, spec, &job, &cancel).await {
            tracing::warn!(%error, "a snapshot failed");
            core.jobs.fail(&job, &error);
        }
    };
    host.spawn("snapshot", Box::pin(task));
    view.ok_or_else(|| Error::trouble("jobs", "too many jobs"))
}

async fn snapshot(
    core: &Arc<Core>,
    dataset: Digest,
    spec: data::DatasetSpec,
    job: &str,
    cancel: &data::Cancel,
) -> Result<()> {
    let parent = core.config.file(files::SNAPSHOTS);
    std::fs::create_dir_all(&parent)?;
    let name = format!("{}-{}", spec.name, hex::encode(primitives::random::<8>()));
    let folder = parent.join(&name);
    let salt = bucket_salt(&core.network);
    let options = data::TakeOptions::new(salt, core.now_ms());
    let watcher = core.clone();
    let watched = job.to_string();
    let mut progress = move |progress: data::Progress| {
        let part = progress
            .of_rows
            .map_or(0.0, |of| progress.rows as f64 / of.max(1) as f64);
        watcher.jobs.update(&watched, |view| {
            view.doing = match &progress.stage {
                data::Stage::Sorting { key } => format!("sorting by {key}"),
                _ => "reading".into(),
            };
            view.rows = progress.rows;
            view.progress = part.min(1.0) * 0.5;
        });
    };
    let (place, cancel) = (folder.clone(), cancel.clone());
    let take = async move {
        Ok(data::Snapshot::take(&spec, &place, &options, &mut progress, &cancel).await?)
    };
    let taken = core.host.engine(take).await?;
    let (keys, kept) = prepare_keys(core, &taken, &folder, job).await?;
    let report = taken.report();
    let statement = SnapshotCommitted {
        dataset,
        root: report.root,
        rows: report.rows,
        rejected: report.rejected_total,
        extracted_ms: report.extracted_at_ms,
        method: report.method.clone(),
        keys,
    };
    let header = core.header(
        None,
        vec![dataset],
        Vec::new(),
        Statement::SnapshotCommitted(statement),
    );
    // The secrets are kept under the record's digest, which is known before it
    // is submitted.
    let record = docket::Record::sign(&header, &core.keys.node)?;
    let keep = Kept {
        folder: name,
        keys: kept,
    };
    core.store.put(Shelf::Snapshots, &record.digest.0, &keep)?;
    let indexed = core.submit(record).await?;
    core.jobs.update(job, |view| done(view, report, &indexed));
    Ok(())
}

fn done(view: &mut JobView, report: &data::SnapshotReport, indexed: &Indexed) {
    view.phase = "done".into();
    view.progress = 1.0;
    view.doing = "done".into();
    view.rows = report.rows;
    view.rejected_total = report.rejected_total;
    view.rejected = report
        .rejected
        .iter()
        .take(REJECTED_SHOWN_MAX)
        .map(|rejected| RejectedView {
            row: rejected.row,
            column: rejected.column.clone().unwrap_or_default(),
            reason: rejected.reason.clone(),
        })
        .collect();
    view.record = Some(recorded(indexed));
}

/// Draws a secret for every lookup key of a snapshot and prepares its table.
async fn prepare_keys(
    core: &Arc<Core>,
    taken: &data::Snapshot,
    folder: &std::path::Path,
    job: &str,
) -> Result<(Vec<LookupKey>, Vec<(String, Digest)>)> {
    let salt = bucket_salt(&core.network);
    let anonymity = core.state().charter().limits.bucket_keys_min;
    let (mut keys, mut kept) = (Vec::new(), Vec::new());
    for key in &taken.spec().keys {
        core.jobs.update(job, |view| {
            view.doing = format!("preparing the lookup key {}", key.name);
            view.progress = 0.5 + 0.5 * keys.len() as f64 / taken.spec().keys.len() as f64;
        });
        let inputs = taken.inputs(&key.name)?;
        let path = folder.join(prepared_file(&key.name));
        let host = core.host.clone();
        let prepare = move || -> Result<_> {
            let table_key = TableKey::draw(&mut host.rng());
            let inputs: Result<Vec<Vec<u8>>, data::DataError> =
                inputs.map(|entry| entry.map(|(_, input)| input)).collect();
            let prepared = Prepared::prepare(&table_key, salt, anonymity, inputs?, None)?;
            prepared.save(&path)?;
            Ok((table_key, prepared))
        };
        let (table_key, prepared) = core.host.blocking(prepare).await?;
        kept.push((key.name.clone(), Digest(*table_key.to_bytes())));
        keys.push(LookupKey {
            name: key.name.clone(),
            commitment: Digest(table_key.public().to_bytes()),
            salt: Digest(salt),
            bucket_bits: prepared.params().bucket_bits(),
            distinct: prepared.keys() as u64,
        });
    }
    Ok((keys, kept))
}

/// What the API says of a final record.
#[must_use]
pub(crate) fn recorded(indexed: &Indexed) -> Recorded {
    Recorded {
        record: indexed.record.digest.to_string(),
        kind: indexed.record.kind().into(),
        index: indexed.index,
        warrant: indexed.record.header.warrant.map(|id| id.to_string()),
    }
}

/// The salt of the bucket hash: one for the whole network. Under one salt the
/// buckets of tables of different sizes nest; under several, the buckets of one
/// subject at two custodians would intersect in a few inputs, and the anonymity
/// set would be gone.
#[must_use]
pub(crate) fn bucket_salt(network: &primitives::NetworkId) -> [u8; 32] {
    Digest::of("cordon/bucket-salt/v1", &[&network.0.0]).0
}

fn prepared_file(key: &str) -> String {
    format!("prepared_{key}.oprf")
}

impl From<mpc::Error> for Error {
    fn from(error: mpc::Error) -> Self {
        match error.kind() {
            mpc::ErrorKind::Refusal(refusal) => Self::refused(
                format!("protocol-{refusal:?}").to_lowercase(),
                error.to_string(),
            ),
            mpc::ErrorKind::Fault { .. } => Self::refused("protocol-fault", error.to_string()),
            _ => Self::trouble("protocol", &error),
        }
    }
}

impl Core {
    fn kept(&self, snapshot: &Digest) -> Result<Kept> {
        self.store
            .get(Shelf::Snapshots, &snapshot.0)?
            .ok_or_else(|| {
                Error::broken(
                    "snapshot-lost",
                    format!("the files of snapshot {} are not here", snapshot.short()),
                )
            })
    }

    /// An opened snapshot of this custodian.
    ///
    /// # Errors
    /// Trouble where its files are gone or altered.
    pub(crate) fn snapshot(&self, snapshot: &Digest) -> Result<Arc<data::Snapshot>> {
        if let Some(known) = lock(&self.tables.snapshots).get(snapshot) {
            return Ok(known.clone());
        }
        let folder = self
            .config
            .file(files::SNAPSHOTS)
            .join(self.kept(snapshot)?.folder);
        let opened = Arc::new(data::Snapshot::open(&folder)?);
        lock(&self.tables.snapshots).insert(*snapshot, opened.clone());
        Ok(opened)
    }

    /// A prepared lookup key of a snapshot of this custodian.
    ///
    /// # Errors
    /// Trouble where its file is gone or altered.
    pub(crate) fn prepared(&self, snapshot: &Digest, key: &str) -> Result<Arc<Prepared>> {
        let name = (*snapshot, key.to_string());
        if let Some(known) = lock(&self.tables.prepared).get(&name) {
            return Ok(known.clone());
        }
        let folder = self
            .config
            .file(files::SNAPSHOTS)
            .join(self.kept(snapshot)?.folder);
        let opened = Arc::new(Prepared::open(&folder.join(prepared_file(key)))?);
        lock(&self.tables.prepared).insert(name, opened.clone());
        Ok(opened)
    }

    /// Whether a snapshot of this custodian is still on disk.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub(crate) fn keeps_snapshot(&self, snapshot: &Digest) -> Result<bool> {
        let kept: Option<Kept> = self.store.get(Shelf::Snapshots, &snapshot.0)?;
        let parent = self.config.file(files::SNAPSHOTS);
        Ok(kept.is_some_and(|kept| parent.join(kept.folder).is_dir()))
    }

    fn table_key(&self, snapshot: &Digest, key: &str) -> Result<TableKey> {
        let kept = self.kept(snapshot)?;
        let secret = kept
            .keys
            .iter()
            .find(|(name, _)| name == key)
            .ok_or_else(|| Error::broken("snapshot-lost", format!("no secret for key {key}")))?;
        Ok(TableKey::from_bytes(&secret.1.0)?)
    }
}
