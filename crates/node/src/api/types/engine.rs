//! What the engineer who runs a node reads.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NodeStatus;

/// A node from the inside.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EngineView {
    /// Its and the network's health.
    pub status: NodeStatus,
    /// The node's clock.
    pub time_ms: u64,
    /// When it started.
    pub started_ms: u64,
    /// For how long it has run.
    pub uptime_ms: u64,
    /// What it was built as.
    pub build: BuildView,
    /// Whether this node is a validator now.
    pub validator: bool,
    /// Records under the newest checkpoint that a quorum cosigned.
    pub signed: u64,
    /// Records that wait here for agreement.
    pub waiting: u64,
    /// How long this node's own records took to become final.
    pub finality: FinalityView,
    /// What it keeps on disk.
    pub storage: Vec<StorageView>,
    /// The members, as this node sees them.
    pub members: Vec<PeerView>,
    /// Inbound connections whose handshake is under way.
    pub half_open: u64,
    /// Inbound connections that were dropped before they had a member's name.
    pub turned_away: u64,
}

/// What a node was built as.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BuildView {
    /// The software's version.
    pub version: String,
    /// `debug` or `release`.
    pub profile: String,
    /// The machine that it was built for.
    pub target: String,
    /// Files of the console inside; 0: none was built.
    pub console_files: u32,
}

/// How long records took to become final, since the node started.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FinalityView {
    /// The last one.
    pub last_ms: Option<u64>,
    /// How many.
    pub count: u64,
    /// The median of the last thousand.
    pub p50_ms: Option<u64>,
    /// The 95th percentile of the last thousand.
    pub p95_ms: Option<u64>,
    /// Of the last thousand: at most so many milliseconds, how many.
    pub buckets: Vec<[u64; 2]>,
}

/// A part of the data folder.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageView {
    /// `ledger`, `store` or `snapshots`.
    pub what: String,
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// A member, as this node sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PeerView {
    /// The member.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its node's key.
    pub node_key: String,
    /// Where its ledger listens.
    pub ledger_address: String,
    /// Where its exchange listens.
    pub exchange_address: String,
    /// Whether it votes now.
    pub validator: bool,
    /// Whether it is this node.
    pub me: bool,
    /// Whether its ledger was heard within the last seconds.
    pub heard: bool,
    /// When its ledger was last heard.
    pub heard_ms: Option<u64>,
    /// The last final height that it told.
    pub height: Option<u64>,
    /// How many heights it is behind this node.
    pub behind: Option<u64>,
    /// Whether a channel of the exchange is open.
    pub connected: bool,
    /// Connections that the peer opened.
    pub inbound: u32,
    /// Connections that this node opened.
    pub outbound: u32,
    /// Calls under way, both ways.
    pub calls: u32,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// The last error of the exchange with it.
    pub last_error: Option<ErrorView>,
}

/// An error and its time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorView {
    /// When.
    pub time_ms: u64,
    /// What.
    pub text: String,
}

/// The log's filter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// The filter in force, as `tracing` writes filters.
    pub filter: String,
    /// The configuration's, in force again after a restart.
    pub default: String,
}

/// A new filter for the log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLog {
    /// `info,node=debug` …
    pub filter: String,
}

/// Whether the node lives and serves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// It answers.
    pub live: bool,
    /// It can do what it is for: its ledger runs, hears a quorum and is not behind.
    pub ready: bool,
    /// Why not.
    pub detail: Option<String>,
}
