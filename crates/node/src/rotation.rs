//! New keys for a node that goes on.
//!
//! Why it exists: a member changes its keys without losing what its private store
//! holds. [`prepare`] draws keys that wait beside the old ones, with a card that the
//! members vote on; once they are in office the node takes them and starts again.
//! The store's key stays: the store never leaves the machine, and what it holds
//! must stay readable.
//!
//! ```text
//! keys.sealed, card.json                    in office
//! keys.next.sealed, card.next.json          wait for the members' votes
//! ```
//! *Invariants*
//! - Keys that wait are never drawn again while their card may be under vote.
//! - Until the ledger's validators change, some blocks after the vote, the node votes
//!   with its old key: with the new one it would be no validator, and two members whose
//!   keys change at once would stop a network of four.
//! - The keys move before the card, and a node that was stopped between the two
//!   moves the card when it starts.
//!
//! *Not here*: the proposal and the votes (`membership`), which need no new rule.

use std::path::Path;

use docket::charter::Card;

use crate::{
    config::{Config, files, write_private},
    error::{Error, Result},
    keystore::{NodeKeys, Passphrase},
};

fn read_card(path: &Path) -> Result<Card> {
    let broken = |error: &dyn std::fmt::Display| {
        Error::broken("card", format!("{}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| broken(&error))?;
    let card: Card = serde_json::from_slice(&text).map_err(|error| broken(&error))?;
    card.check()?;
    Ok(card)
}

/// Draws the keys that follow the ones in office and gives their card, to be
/// proposed to the members; asked again before they are in office, it gives the
/// same card.
///
/// # Errors
/// A refusal where the passphrase is wrong; trouble with files.
pub fn prepare(config: &Config, passphrase: &Passphrase) -> Result<Card> {
    let keys = NodeKeys::read(&config.file(files::KEYS), passphrase)?;
    let (next_keys, next_card) = (config.file(files::KEYS_NEXT), config.file(files::CARD_NEXT));
    if next_keys.exists() && next_card.exists() {
        return read_card(&next_card);
    }
    let next = keys.renewed();
    let mut institution = read_card(&config.file(files::CARD))?.institution;
    institution.node_key = next.node.public();
    institution.seal_key = next.seal.public();
    let card = Card::sign(institution, &next.node)?;
    let text = serde_json::to_vec_pretty(&card).map_err(|error| Error::broken("card", error))?;
    next.write(&next_keys, passphrase)?;
    write_private(&next_card, &text)?;
    Ok(card)
}

/// Whether this node's waiting keys are in office among the validators.
pub(crate) fn due(config: &Config, validators: &[ledger::Member]) -> bool {
    let path = config.file(files::CARD_NEXT);
    if !path.exists() {
        return false;
    }
    match read_card(&path) {
        Ok(card) => validators.iter().any(|validator| {
            validator.name == config.institution && validator.key == card.institution.node_key
        }),
        Err(error) => {
            tracing::error!(%error, "the card of the waiting keys can't be read");
            false
        }
    }
}

/// Puts the waiting keys in the old ones' place.
///
/// # Errors
/// Trouble with files.
pub(crate) fn take(config: &Config) -> Result<()> {
    std::fs::rename(config.file(files::KEYS_NEXT), config.file(files::KEYS))?;
    settle(config)
}

/// Ends a [`take`] that was cut short.
///
/// # Errors
/// Trouble with files.
pub(crate) fn settle(config: &Config) -> Result<()> {
    let next_card = config.file(files::CARD_NEXT);
    if next_card.exists() && !config.file(files::KEYS_NEXT).exists() {
        std::fs::rename(next_card, config.file(files::CARD))?;
    }
    std::fs::File::open(&config.home)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use docket::{Institution, Role};

    use super::*;
    use crate::config::{Listen, Log};

    fn home(folder: PathBuf, passphrase: &Passphrase) -> (Config, NodeKeys) {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 7101));
        let config = Config {
            institution: "bank_a".parse().unwrap(),
            console: crate::config::ConsoleConfig::default(),
            listen: Listen {
                ledger: address,
                exchange: address,
                api: address,
            },
            log: Log::default(),
            home: folder,
        };
        let keys = NodeKeys::generate();
        keys.write(&config.file(files::KEYS), passphrase).unwrap();
        let institution = Institution {
            id: config.institution.clone(),
            name: "Bank A".into(),
            roles: [Role::Custodian].into(),
            node_key: keys.node.public(),
            seal_key: keys.seal.public(),
            ledger_address: address.to_string(),
            exchange_address: address.to_string(),
        };
        let card = Card::sign(institution, &keys.node).unwrap();
        let text = serde_json::to_vec(&card).unwrap();
        write_private(&config.file(files::CARD), &text).unwrap();
        (config, keys)
    }

    #[test]
    fn waiting_keys_keep_the_store_and_take_office_even_if_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let passphrase = Passphrase::new("p".into());
        let (config, old) = home(folder.path().to_path_buf(), &passphrase);
        settle(&config).unwrap();
        let card = prepare(&config, &passphrase).unwrap();
        assert_eq!(prepare(&config, &passphrase).unwrap(), card);
        assert_ne!(card.institution.node_key, old.node.public());
        assert_ne!(card.institution.seal_key, old.seal.public());
        // Still the old ones, until the members have voted.
        let read = || NodeKeys::read(&config.file(files::KEYS), &passphrase).unwrap();
        assert_eq!(read().node.public(), old.node.public());

        // Killed between the two moves.
        std::fs::rename(config.file(files::KEYS_NEXT), config.file(files::KEYS)).unwrap();
        settle(&config).unwrap();
        assert_eq!(read_card(&config.file(files::CARD)).unwrap(), card);
        assert_eq!(read().node.public(), card.institution.node_key);
        assert_eq!(read().store, old.store);
        assert!(!config.file(files::CARD_NEXT).exists());
    }

    #[test]
    fn waiting_keys_are_due_once_they_are_a_validators() {
        let folder = tempfile::tempdir().unwrap();
        let passphrase = Passphrase::new("p".into());
        let (config, old) = home(folder.path().to_path_buf(), &passphrase);
        let validator = |name: &str, key| ledger::Member {
            name: name.parse().unwrap(),
            key,
            address: config.listen.ledger,
        };
        let before = [validator("bank_a", old.node.public())];
        assert!(!due(&config, &before));
        let next = prepare(&config, &passphrase).unwrap().institution.node_key;
        // The vote may be final: until its leg ends, the old key is the one that votes.
        assert!(!due(&config, &before));
        assert!(!due(&config, &[validator("bank_b", next)]));
        assert!(due(&config, &[validator("bank_a", next)]));
        take(&config).unwrap();
        assert!(!due(&config, &[validator("bank_a", next)]));
    }

    #[test]
    fn another_passphrase_draws_no_keys() {
        let folder = tempfile::tempdir().unwrap();
        let (config, _) = home(folder.path().to_path_buf(), &Passphrase::new("p".into()));
        let refused = prepare(&config, &Passphrase::new("q".into())).unwrap_err();
        assert_eq!(refused.rule(), "passphrase");
        assert!(!config.file(files::KEYS_NEXT).exists());
    }
}
