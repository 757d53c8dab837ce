//! The legal order as the ledger asks for it: decodes records, checks their
//! signatures in batches, and judges them by [`docket::State`].

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use docket::{At, Institution, Record, RecordError, Refusal, Rule, Signed, State};
use ledger::{BlockInfo, Member, Members, Refused};
use primitives::Digest;

/// Records kept decoded between their check and their block.
const DECODED_MAX: usize = 32 * 1024;

/// Decoded records whose signatures were checked, by digest.
#[derive(Default)]
struct Decoded(Mutex<HashMap<Digest, Arc<Record>>>);

impl Decoded {
    fn keep(&self, record: Record) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= DECODED_MAX {
            map.clear();
        }
        map.insert(record.digest, Arc::new(record));
    }

    fn get(&self, bytes: &[u8]) -> Result<Arc<Record>, Refused> {
        let digest = Record::digest_of(bytes);
        let known = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .cloned();
        match known {
            Some(record) => Ok(record),
            None => Record::decode(bytes).map(Arc::new).map_err(format),
        }
    }
}

fn format(error: docket::RecordError) -> Refused {
    Refused::new(Rule::Format.name(), error.to_string())
}

/// The legal order of a network.
pub struct LegalOrder {
    genesis: State,
    decoded: Arc<Decoded>,
}

impl LegalOrder {
    /// The legal order that a charter founds.
    ///
    /// # Errors
    /// A refusal where the charter is not valid.
    pub fn new(charter: docket::Charter) -> Result<Self, Refusal> {
        Ok(Self {
            genesis: State::genesis(charter)?,
            decoded: Arc::default(),
        })
    }
}

impl ledger::Rules for LegalOrder {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        let mut decoded = Vec::with_capacity(records.len());
        let shapes: Vec<Result<(), Refused>> = records
            .iter()
            .map(|bytes| {
                decoded.push(Signed::decode(bytes).map_err(format)?);
                Ok(())
            })
            .collect();
        let mut verdicts = Signed::verify_all(decoded).into_iter();
        shapes
            .into_iter()
            .map(|shape| {
                shape?;
                // One verdict for each that was decoded, in their order.
                let verdict = verdicts.next().unwrap_or(Err(RecordError::Signature));
                self.decoded.keep(verdict.map_err(format)?);
                Ok(())
            })
            .collect()
    }

    fn genesis(&self) -> Box<dyn ledger::State> {
        Box::new(Judged {
            state: self.genesis.clone(),
            decoded: self.decoded.clone(),
        })
    }
}

/// The docket's state with what it needs to read records.
#[derive(Clone)]
pub(crate) struct Judged {
    state: State,
    decoded: Arc<Decoded>,
}

impl ledger::State for Judged {
    fn boxed_clone(&self) -> Box<dyn ledger::State> {
        Box::new(self.clone())
    }

    fn apply(&mut self, record: &[u8], at: BlockInfo) -> Result<(), Refused> {
        let record = self.decoded.get(record)?;
        let at = At {
            height: at.height,
            time_ms: at.time_ms,
        };
        self.state
            .apply(&record, at)
            .map_err(|refusal| Refused::new(refusal.rule.name(), refusal.detail))
    }

    fn members(&self) -> Members {
        members(self.state.members())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The ledger's view of the members. Addresses were checked with their cards.
pub(crate) fn members<'a>(institutions: impl Iterator<Item = &'a Institution>) -> Members {
    let members = institutions
        .filter_map(|institution| {
            Some(Member {
                name: institution.id.clone(),
                key: institution.node_key,
                address: institution.ledger_address.parse().ok()?,
            })
        })
        .collect();
    Members::new(members).expect("a charter's members have names, keys and addresses of their own")
}

/// The docket's state inside a ledger's.
#[must_use]
pub fn docket_state(state: &dyn ledger::State) -> Option<&State> {
    state
        .as_any()
        .downcast_ref::<Judged>()
        .map(|judged| &judged.state)
}
