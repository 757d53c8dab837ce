//! Legs: the stretches of heights that one run of the engine covers, and who votes in them.
//!
//! The engine's set of voters is fixed for a run, so the chain is cut into legs of a
//! fixed number of blocks. A change of members in the legal state takes effect with the
//! next leg; only then does the *epoch*, which receipts name, go up by one. Legs in which
//! nothing changes are all of one epoch.
//!
//! *Invariants*
//! - A leg's members follow from the state at the end of the leg before it.
//! - Epochs count changes of members, from 0 at genesis.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commonware_codec::{Copying, ReadExt as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::Epoch;
use commonware_cryptography::certificate::{Provider, Scoped};
use commonware_cryptography::ed25519;
use commonware_utils::ordered::Set;
use primitives::{InstitutionId, NetworkId, PublicKey, SigningKey};
use proof::Membership;

use crate::block::BlockDigest;
use crate::error::{Error, Refusal};
use crate::members::Members;

/// Legs whose voters are remembered behind the current one.
const LEGS_KEPT: u64 = 16;

/// One leg.
pub(crate) struct Leg {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) members: Members,
    pub(crate) membership: Arc<Membership>,
    /// The last block of the leg before, on which this one builds.
    pub(crate) floor: BlockDigest,
    scheme: Arc<Scheme>,
}

impl Leg {
    /// The voting scheme; it signs only if this node is a member.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme.as_ref().clone()
    }

    /// Who votes, to check votes by.
    pub(crate) fn voters(&self) -> &Scheme {
        &self.scheme
    }
}

/// What the engine needs to make schemes of members.
pub(crate) struct Voter {
    namespace: Vec<u8>,
    key: ed25519::PrivateKey,
    public: PublicKey,
}

impl Voter {
    pub(crate) fn new(namespace: Vec<u8>, key: &SigningKey) -> Result<Self, Error> {
        let seed = key.to_seed();
        let of_engine = ed25519::PrivateKey::read(&mut Copying(seed.as_ref()))
            .map_err(|_| Error::from(Refusal::Config("the validator key")))?;
        Ok(Self {
            namespace,
            key: of_engine,
            public: key.public(),
        })
    }

    pub(crate) fn key(&self) -> &ed25519::PrivateKey {
        &self.key
    }

    fn scheme(&self, members: &Members) -> Result<Scheme, Error> {
        let set = voters(members)?;
        let scheme = if members.by_key(&self.public).is_some() {
            Scheme::signer(&self.namespace, set.clone(), self.key.clone())
        } else {
            None
        };
        Ok(scheme.unwrap_or_else(|| Scheme::verifier(&self.namespace, set)))
    }
}

/// What votes of a network are signed under.
pub(crate) fn namespace(network: &NetworkId) -> Vec<u8> {
    format!("cordon/ledger/{network}").into_bytes()
}

fn voters(members: &Members) -> Result<Set<ed25519::PublicKey>, Error> {
    let keys = members
        .as_slice()
        .iter()
        .map(|member| engine_key(&member.key))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Set::from_iter_dedup(keys))
}

/// A scheme that checks the members' votes and signs none.
pub(crate) fn verifier(namespace: &[u8], members: &Members) -> Result<Scheme, Error> {
    Ok(Scheme::verifier(namespace, voters(members)?))
}

/// The engine's form of a key.
pub(crate) fn engine_key(key: &PublicKey) -> Result<ed25519::PublicKey, Error> {
    ed25519::PublicKey::read(&mut Copying(&key.0))
        .map_err(|_| Refusal::Members(format!("the key {key} is no Ed25519 key")).into())
}

/// The legs known, shared with the engine, which asks it for voters.
#[derive(Clone)]
pub(crate) struct Legs {
    voter: Arc<Voter>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    legs: BTreeMap<u64, Arc<Leg>>,
    /// Every epoch's members, for checkpoints of old.
    epochs: BTreeMap<u64, Arc<Membership>>,
}

impl Legs {
    /// Starts with the leg of genesis.
    pub(crate) fn new(voter: Voter, members: Members, floor: BlockDigest) -> Result<Self, Error> {
        let legs = Self {
            voter: Arc::new(voter),
            known: Arc::default(),
        };
        legs.put(0, 0, members, floor)?;
        Ok(legs)
    }

    fn put(
        &self,
        number: u64,
        epoch: u64,
        members: Members,
        floor: BlockDigest,
    ) -> Result<Arc<Leg>, Error> {
        let leg = Arc::new(Leg {
            number,
            epoch,
            membership: Arc::new(members.membership(epoch)?),
            scheme: Arc::new(self.voter.scheme(&members)?),
            members,
            floor,
        });
        let mut known = self.lock();
        known.legs.insert(number, Arc::clone(&leg));
        known.legs = known.legs.split_off(&number.saturating_sub(LEGS_KEPT));
        known.epochs.insert(epoch, Arc::clone(&leg.membership));
        Ok(leg)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The members of an epoch.
    pub(crate) fn membership(&self, epoch: u64) -> Option<Arc<Membership>> {
        self.lock().epochs.get(&epoch).cloned()
    }

    /// Whether `key` signs checkpoints as `name` in this epoch or the one before.
    pub(crate) fn signs_as(&self, key: &PublicKey, name: &InstitutionId) -> bool {
        let known = self.lock();
        known
            .epochs
            .values()
            .rev()
            .take(2)
            .any(|m| m.key(name) == Some(key))
    }

    /// The newest leg.
    pub(crate) fn current(&self) -> Option<Arc<Leg>> {
        self.lock()
            .legs
            .last_key_value()
            .map(|(_, leg)| Arc::clone(leg))
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<Leg>> {
        self.lock().legs.get(&number).cloned()
    }

    /// Ends a leg: `asked` are the members that the state at its end asks for. Members
    /// that can't be validators leave the former in office.
    pub(crate) fn turn(
        &self,
        ended: &Leg,
        asked: Members,
        floor: BlockDigest,
    ) -> Result<Arc<Leg>, Error> {
        let number = ended.number + 1;
        if asked != ended.members {
            match self.put(number, ended.epoch + 1, asked, floor) {
                Ok(leg) => return Ok(leg),
                Err(error) => tracing::error!(%error, "the members asked for can't take office"),
            }
        }
        self.put(number, ended.epoch, ended.members.clone(), floor)
    }
}

impl Provider for Legs {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, scope: Epoch) -> Option<Scoped<Scheme>> {
        let leg = self.get(scope.get())?;
        Some(Scoped::scheme(Arc::clone(&leg.scheme)))
    }
}
