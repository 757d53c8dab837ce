//! Which node a command speaks to, and as whom.

use std::path::{Path, PathBuf};

use node::{
    config::{Config, files},
    keystore::OfficerKeyFile,
};
use primitives::{InstitutionId, NetworkId};

use crate::{
    client::{Client, Credential, Officer},
    failure::{Failure, Result},
    passphrase,
};

/// Options of every command that speaks to a node.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Connect {
    /// The institution's data folder: its node's address, network and name.
    #[arg(long, value_name = "DIR", env = "CORDON_HOME")]
    pub home: Option<PathBuf>,
    /// The node's address, for an officer at another machine.
    #[arg(long, value_name = "URL", requires_all = ["network_id", "institution"])]
    pub api: Option<String>,
    /// The network's id, with --api.
    #[arg(long, value_name = "HEX", requires = "api")]
    pub network_id: Option<NetworkId>,
    /// The institution's short name, with --api.
    #[arg(long, value_name = "NAME", requires = "api")]
    pub institution: Option<InstitutionId>,
    /// Act as the officer of this key file; without it, as the machine's operator.
    #[arg(long, value_name = "FILE", env = "CORDON_OFFICER")]
    pub officer: Option<PathBuf>,
    /// A file with the key file's passphrase.
    #[arg(long, value_name = "FILE", env = "CORDON_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Connect {
    /// Connects as the officer, or as the operator where none is named.
    ///
    /// # Errors
    /// A usage error where options are missing; trouble with a file.
    pub fn open(&self) -> Result<Client> {
        let (base, network, institution) = self.node()?;
        let credential = match (&self.officer, &self.home) {
            (Some(file), _) => Credential::Officer(self.officer_of(file)?),
            (None, Some(home)) if self.api.is_none() => operator(home)?,
            _ => Credential::Nobody,
        };
        Ok(Client::new(&base, network, institution, credential))
    }

    /// Connects as the machine's operator.
    ///
    /// # Errors
    /// As [`Connect::open`].
    pub fn open_as_operator(&self) -> Result<Client> {
        let home = self.own_home()?;
        let (base, network, institution) = self.node()?;
        Ok(Client::new(&base, network, institution, operator(home)?))
    }

    /// The data folder of this machine's node.
    ///
    /// # Errors
    /// A usage error where none is named.
    pub fn own_home(&self) -> Result<&Path> {
        self.home.as_deref().ok_or_else(|| {
            Failure::usage("the operator's commands need --home DIR (or CORDON_HOME)")
        })
    }

    fn officer_of(&self, file: &Path) -> Result<Officer> {
        let what = file.display().to_string();
        let passphrase = passphrase::to_open(self.passphrase_file.as_deref(), &what)?;
        let key = OfficerKeyFile::read(file, &passphrase)?;
        Ok(Officer { handle: None, key })
    }

    fn node(&self) -> Result<(String, NetworkId, InstitutionId)> {
        if let (Some(api), Some(network), Some(institution)) =
            (&self.api, self.network_id, &self.institution)
        {
            return Ok((api.clone(), network, institution.clone()));
        }
        let home = self.home.as_deref().ok_or_else(|| {
            Failure::usage("which node? give --home DIR (or CORDON_HOME), or --api URL")
        })?;
        let config = Config::read(home)?;
        let network = config.charter()?.network()?;
        let api = format!("http://{}", config.listen.api);
        Ok((api, network, config.institution))
    }
}

fn operator(home: &Path) -> Result<Credential> {
    let path = home.join(files::OPERATOR_TOKEN);
    let token = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
    Ok(Credential::Operator(token.trim().to_owned()))
}
