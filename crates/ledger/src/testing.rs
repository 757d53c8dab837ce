//! Rules and blocks for this crate's unit tests.

use std::any::Any;
use std::net::SocketAddr;

use bytes::Bytes;
use commonware_cryptography::Digestible as _;
use primitives::{Digest, InstitutionId, SigningKey};
use proof::leaf_hash;

use crate::block::Block;
use crate::chain::{Chain, Offer};
use crate::members::{Member, Members};
use crate::rules::{BlockInfo, Refused, State};

/// Refuses a record that starts like the one before it.
#[derive(Clone)]
pub(crate) struct NoRepeat(pub(crate) Option<u8>);

impl State for NoRepeat {
    fn boxed_clone(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }

    fn apply(&mut self, record: &[u8], _at: BlockInfo) -> Result<(), Refused> {
        let first = record.first().copied();
        if first == self.0 {
            return Err(Refused::new("no-repeat", "starts like the one before"));
        }
        self.0 = first;
        Ok(())
    }

    fn members(&self) -> Members {
        members(&keys(4))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(crate) fn keys(count: u8) -> Vec<SigningKey> {
    (1..=count)
        .map(|n| SigningKey::from_seed(&[n; 32]))
        .collect()
}

pub(crate) fn members(keys: &[SigningKey]) -> Members {
    let member = |(n, key): (usize, &SigningKey)| Member {
        name: InstitutionId::new(format!("m{n}")).unwrap(),
        key: key.public(),
        address: SocketAddr::from(([127, 0, 0, 1], 9)),
    };
    Members::new(keys.iter().enumerate().map(member).collect()).unwrap()
}

pub(crate) fn offer(text: &str) -> Offer {
    let record = Bytes::copy_from_slice(text.as_bytes());
    Offer {
        leaf: leaf_hash(&record),
        record,
    }
}

pub(crate) fn chain() -> Chain {
    let genesis = Block::genesis(&Digest::default(), 32);
    let digest = genesis.digest();
    Chain::new(&genesis, digest, Box::new(NoRepeat(None)))
}
