//! A node's configuration: `cordon.toml` in its data folder.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use primitives::InstitutionId;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The configuration, as `cordon init` writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This institution's short name.
    pub institution: InstitutionId,
    /// Where the node listens.
    pub listen: Listen,
    /// The console.
    #[serde(default)]
    pub console: ConsoleConfig,
    /// The log.
    #[serde(default)]
    pub log: Log,
    /// The data folder; set when the file is read.
    #[serde(skip)]
    pub home: PathBuf,
}

/// Where the node listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The ledger's channel; the card tells it to the other members.
    pub ledger: SocketAddr,
    /// The exchange channel; the card tells it to the other members.
    pub exchange: SocketAddr,
    /// The HTTP API, for this institution's own officers.
    pub api: SocketAddr,
}

/// The console.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Where officers' browsers reach it: `https://HOST[:PORT]`, or
    /// `http://localhost[:PORT]`. Absent: `http://localhost` at the API's port.
    /// Passkeys are bound to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// The log's form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: String,
    /// Levels, as `tracing` filters write them.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: "text".into(),
            level: "info,commonware_consensus=warn,commonware_p2p=warn,commonware_resolver=warn,commonware_runtime=warn,commonware_storage=warn".into(),
        }
    }
}

/// Names of the files in a data folder.
pub mod files {
    /// The configuration.
    pub const CONFIG: &str = "cordon.toml";
    /// The network's founding charter.
    pub const CHARTER: &str = "charter.json";
    /// The encrypted keystore.
    pub const KEYS: &str = "keys.sealed";
    /// Keys that wait for the members' votes.
    pub const KEYS_NEXT: &str = "keys.next.sealed";
    /// The card of the keys that wait.
    pub const CARD_NEXT: &str = "card.next.json";
    /// The institution's signed card.
    pub const CARD: &str = "card.json";
    /// The token of the operator on this machine.
    pub const OPERATOR_TOKEN: &str = "operator.token";
    /// The private store.
    pub const STORE: &str = "store.redb";
    /// The ledger's folder.
    pub const LEDGER: &str = "ledger";
    /// Snapshots of this institution's tables.
    pub const SNAPSHOTS: &str = "snapshots";
    /// Evidence against members that contradicted themselves, a file each.
    pub const EVIDENCE: &str = "evidence";
}

impl Config {
    /// Reads a data folder's configuration.
    ///
    /// # Errors
    /// Trouble where the file can't be read, a refusal where it does not parse.
    pub fn read(home: &Path) -> Result<Self> {
        let path = home.join(files::CONFIG);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::broken("config", format!("{}: {error}", path.display()))
                .advise("make a data folder with `cordon init --help`")
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            Error::refused("config", format!("{}: {}", path.display(), error.message()))
        })?;
        config.home = home.to_path_buf();
        Ok(config)
    }

    /// The configuration as it stands in its file.
    ///
    /// # Errors
    /// Trouble where it can't be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|error| Error::broken("config", error))
    }

    /// The path of one of the data folder's files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Reads the network's founding charter.
    ///
    /// # Errors
    /// Trouble where there is none, a refusal where it is not valid.
    pub fn charter(&self) -> Result<docket::Charter> {
        let path = self.file(files::CHARTER);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::broken("charter", format!("{}: {error}", path.display()))
                .advise("join a network with `cordon network join --help`")
        })?;
        let charter: docket::Charter = serde_json::from_str(&text)
            .map_err(|error| Error::refused("charter", error.to_string()))?;
        charter.check()?;
        Ok(charter)
    }
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// Trouble where the file system fails.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(path.file_name().unwrap_or_default());
    hidden.push(".tmp");
    let temporary = path.with_file_name(hidden);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    // A bare file name's parent is an empty path: this folder.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}
