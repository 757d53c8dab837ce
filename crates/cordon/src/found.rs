//! Making an institution's data folder, and a network's charter from cards.
//!
//! *Invariants*: nothing is overwritten; what is secret is encrypted or
//! readable by its owner alone; a member takes only a charter that holds its
//! own card as it made it.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use docket::{
    Charter, Institution, Role,
    charter::{Card, CharterLimits},
};
use node::{
    config::{Config, ConsoleConfig, Listen, Log, files, write_private},
    keystore::{NodeKeys, Passphrase},
};
use primitives::{InstitutionId, NetworkId};
use serde::{Serialize, de::DeserializeOwned};

use crate::failure::{Failure, Result};

const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What an institution's data folder is made of.
#[derive(Clone, Debug)]
pub struct NewHome {
    /// The data folder.
    pub home: PathBuf,
    /// The institution's short name.
    pub institution: InstitutionId,
    /// The name that people read.
    pub name: String,
    /// What it may be in a case.
    pub roles: BTreeSet<Role>,
    /// The ledger's channel.
    pub ledger: SocketAddr,
    /// The exchange channel.
    pub exchange: SocketAddr,
    /// The HTTP API.
    pub api: SocketAddr,
    /// The log.
    pub log: Log,
}

/// Makes a data folder and returns the institution's card.
///
/// # Errors
/// A refusal where the folder already holds a configuration or the card is not
/// valid; trouble with files.
pub fn make_home(new: &NewHome, passphrase: &Passphrase) -> Result<Card> {
    let config = Config {
        institution: new.institution.clone(),
        console: ConsoleConfig::default(),
        listen: Listen {
            ledger: new.ledger,
            exchange: new.exchange,
            api: new.api,
        },
        log: new.log.clone(),
        home: new.home.clone(),
    };
    for name in [files::CONFIG, files::KEYS] {
        let path = config.file(name);
        if path.exists() {
            return Err(Failure::refusal(
                "not-empty",
                format!(
                    "{} exists already; keys are never overwritten",
                    path.display()
                ),
            ));
        }
    }
    let keys = NodeKeys::generate();
    let institution = Institution {
        id: new.institution.clone(),
        name: new.name.clone(),
        roles: new.roles.clone(),
        node_key: keys.node.public(),
        seal_key: keys.seal.public(),
        ledger_address: new.ledger.to_string(),
        exchange_address: new.exchange.to_string(),
    };
    institution.check()?;
    let card = Card::sign(institution, &keys.node)?;
    make_private_folder(&new.home)?;
    keys.write(&config.file(files::KEYS), passphrase)?;
    let token = hex::encode(primitives::random::<32>());
    write_private(&config.file(files::OPERATOR_TOKEN), token.as_bytes())?;
    write_json(&config.file(files::CARD), &card)?;
    // The configuration comes last: a folder that has one is whole.
    write_private(&config.file(files::CONFIG), config.to_toml()?.as_bytes())?;
    Ok(card)
}

fn make_private_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Failure::file(path, error))
}

/// Founds a network of these cards.
///
/// # Errors
/// A refusal where a card or the charter is not valid.
pub fn found(
    name: &str,
    founded_ms: u64,
    cards: &[Card],
    limits: CharterLimits,
) -> Result<Charter> {
    for card in cards {
        card.check()?;
    }
    let mut members: Vec<Institution> = cards.iter().map(|card| card.institution.clone()).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    let charter = Charter {
        name: name.to_owned(),
        founded_ms,
        members,
        limits,
    };
    charter.check()?;
    Ok(charter)
}

/// How an institution stands to a charter that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its card is among the founders'.
    Founder,
    /// The members must vote it in.
    Newcomer,
}

/// Puts a charter into a data folder.
///
/// # Errors
/// A refusal where the charter is not valid, holds another card for this
/// institution, or the folder already has another charter.
pub fn join(home: &Path, charter: &Charter) -> Result<(NetworkId, Standing)> {
    charter.check()?;
    let network = charter.network()?;
    let config = Config::read(home)?;
    let card: Card = read_json(&config.file(files::CARD))?;
    let own = charter
        .members
        .iter()
        .find(|member| member.id == config.institution);
    let standing = match own {
        Some(member) if *member == card.institution => Standing::Founder,
        Some(_) => {
            return Err(Failure::refusal(
                "card",
                "the charter holds another card for this institution than this folder's",
            )
            .advise("someone used an older card or another key; do not join, ask the founders"));
        }
        None => Standing::Newcomer,
    };
    let path = config.file(files::CHARTER);
    if path.exists() {
        if config.charter()? != *charter {
            return Err(Failure::refusal(
                "charter",
                "this folder belongs to another network",
            ));
        }
    } else {
        write_json(&path, charter)?;
    }
    Ok((network, standing))
}

/// Reads a JSON file.
///
/// # Errors
/// Trouble with the file, a refusal where it is not what it should be.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let meta = std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    if meta.len() > FILE_BYTES_MAX {
        return Err(Failure::refusal(
            "limit",
            format!("{} is too large", path.display()),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::refusal("format", format!("{}: {error}", path.display())))
}

/// Writes a JSON file for its owner.
///
/// # Errors
/// Trouble with the file.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|error| Failure::trouble("json", error))?;
    bytes.push(b'\n');
    write_private(path, &bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_home(folder: &Path, institution: &str, role: Role) -> NewHome {
        let port: SocketAddr = "127.0.0.1:7101".parse().unwrap();
        NewHome {
            home: folder.join(institution),
            institution: institution.parse().unwrap(),
            name: institution.into(),
            roles: [role].into(),
            ledger: port,
            exchange: port,
            api: port,
            log: Log::default(),
        }
    }

    #[test]
    fn founders_join_by_their_own_card_and_nobody_overwrites_keys() {
        let folder = tempfile::tempdir().unwrap();
        let passphrase = Passphrase::new("p".into());
        let police = new_home(folder.path(), "police", Role::Requester);
        let court = new_home(folder.path(), "court", Role::Authority);
        let bank = new_home(folder.path(), "bank_a", Role::Custodian);
        let cards = [&police, &court].map(|new| make_home(new, &passphrase).unwrap());
        make_home(&bank, &passphrase).unwrap();
        let again = make_home(&police, &passphrase).unwrap_err();
        assert_eq!(again.rule, "not-empty");

        let charter = found("city", 1, &cards, CharterLimits::default()).unwrap();
        let (network, standing) = join(&police.home, &charter).unwrap();
        assert_eq!(network, charter.network().unwrap());
        assert_eq!(standing, Standing::Founder);
        assert_eq!(join(&police.home, &charter).unwrap().1, Standing::Founder);
        assert_eq!(join(&bank.home, &charter).unwrap().1, Standing::Newcomer);

        let mut other = charter.clone();
        other.founded_ms = 2;
        assert_eq!(join(&police.home, &other).unwrap_err().rule, "charter");
        let mut forged = charter;
        forged.members[0].exchange_address = "127.0.0.1:9".into();
        assert_eq!(join(&court.home, &forged).unwrap_err().rule, "card");
    }

    #[test]
    fn a_card_that_is_not_signed_by_its_own_key_founds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let new = new_home(folder.path(), "police", Role::Requester);
        let mut card = make_home(&new, &Passphrase::new("p".into())).unwrap();
        card.institution.name = "other".into();
        let refused = found("city", 1, &[card], CharterLimits::default()).unwrap_err();
        assert_eq!(refused.rule, "membership");
    }
}
