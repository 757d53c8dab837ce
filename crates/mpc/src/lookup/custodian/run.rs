//! One approved plan's run: the plan's key, what was spent, what was computed.
//!
//! Why it exists: the requests of a run share a key and a budget, and the costly
//! evaluations of buckets and derived selectors are made once for them all.
//!
//! *Invariants*
//! - A selector is spent by one request; another one that holds it is refused.
//! - What is remembered is bounded, and only saves work: making it again gives
//!   the same bytes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use curve25519_dalek::ristretto::CompressedRistretto;
use foldhash::fast::RandomState;
use primitives::{Digest, InstitutionId, SigningKey};
use rayon::prelude::*;

use super::CHUNK;
use crate::{
    Element, Error, Refusal,
    group::{SecretScalar, encode_doubled},
    limits::{EVALUATION_CACHE_MAX, VOUCHER_CACHE_MAX},
    lookup::{
        context::Scope,
        label::{Derivation, Label},
        messages::Selector,
        table::Entry,
        voucher::{Issuer, Made},
    },
    oprf::{self, PlanKey, TableKey},
};

/// One approved plan's run at one custodian: the plan's key and what was spent.
///
/// It lives from the run's first request to its end, and is shared by the
/// requests of the run. Dropping it destroys the plan's key; the node also
/// deletes the factor from its keystore.
pub struct Run {
    pub(super) scope: Scope,
    pub(super) custodian: InstitutionId,
    factor: SecretScalar,
    pub(super) key: SecretScalar,
    pub(super) public: Element,
    pub(super) table: Element,
    issuer: Issuer,
    spent: Mutex<HashMap<(u16, [u8; 32]), Digest>>,
    evaluations: Mutex<Evaluations>,
    /// By the step in which they were made.
    vouchers: Mutex<HashMap<u16, Kept>>,
}

/// `t·N` by the digest of the bucket, so that another snapshot's bucket of the
/// same number is another entry.
#[derive(Default)]
struct Evaluations {
    buckets: HashMap<Digest, Arc<Vec<[u8; 32]>>>,
    keys: usize,
}

/// The vouchers of one batch. Its own tables name the keys, so a hash that is quick and
/// seeded at random is enough.
pub(super) type Vouchers<'a> = HashMap<&'a Derivation, Arc<Made>, RandomState>;

/// The vouchers of one step that a run remembers.
type Kept = HashMap<Derivation, Arc<Made>, RandomState>;

/// A poisoned lock means that a panic elsewhere left a cache half filled; every
/// entry in it is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    /// Opens the run of an approved plan. `signer` is the custodian's node key.
    #[must_use]
    pub fn open(
        scope: Scope,
        custodian: InstitutionId,
        table: &TableKey,
        plan: &PlanKey,
        signer: SigningKey,
    ) -> Self {
        let key = plan.0.times(&table.0);
        Self {
            scope,
            issuer: Issuer::new(scope, custodian.clone(), &key, signer),
            custodian,
            factor: plan.0.clone(),
            public: oprf::public_of(&key),
            table: table.public(),
            key,
            spent: Mutex::default(),
            evaluations: Mutex::default(),
            vouchers: Mutex::default(),
        }
    }

    /// The commitment to the plan's key, as the approval's record has it.
    #[must_use]
    pub fn commitment(&self) -> Element {
        self.public
    }

    /// How many selectors were evaluated in `step`.
    #[must_use]
    pub fn spent(&self, step: u16) -> usize {
        lock(&self.spent)
            .keys()
            .filter(|(at, _)| *at == step)
            .count()
    }

    /// Marks selectors as evaluated that an earlier life of this custodian had
    /// evaluated for `request`.
    pub fn resume(&self, step: u16, request: Digest, elements: &[[u8; 32]]) {
        lock(&self.spent).extend(elements.iter().map(|element| ((step, *element), request)));
    }

    /// Marks selectors as evaluated, all or none; at most `limit` in a step. They may have
    /// been marked for a request with one of the digests in `alike`, of which the first is
    /// noted.
    pub(super) fn spend(
        &self,
        step: u16,
        selectors: &[Selector],
        alike: [Digest; 2],
        limit: usize,
    ) -> Result<(), Error> {
        let mut spent = lock(&self.spent);
        let before = |selector: &Selector| spent.get(&(step, selector.element));
        if selectors
            .iter()
            .any(|selector| before(selector).is_some_and(|before| !alike.contains(before)))
        {
            return Err(Refusal::SelectorSpent.into());
        }
        let fresh = selectors.iter().filter(|s| before(s).is_none()).count();
        let known = spent.keys().filter(|(at, _)| *at == step).count();
        if known + fresh > limit {
            return Err(Refusal::TooManySelectors.into());
        }
        spent.extend(
            selectors
                .iter()
                .map(|selector| ((step, selector.element), alike[0])),
        );
        Ok(())
    }

    /// `t·N` for every entry of a bucket.
    pub(super) fn evaluate(
        &self,
        bucket: Digest,
        entries: &[Entry],
    ) -> Result<Arc<Vec<[u8; 32]>>, Error> {
        if let Some(known) = lock(&self.evaluations).buckets.get(&bucket) {
            return Ok(Arc::clone(known));
        }
        let half = self.factor.half();
        let chunks: Option<Vec<Vec<[u8; 32]>>> = entries
            .par_chunks(CHUNK)
            .map(|chunk| {
                let halves: Option<Vec<_>> = chunk
                    .iter()
                    .map(|entry| {
                        let point = CompressedRistretto(entry.element).decompress()?;
                        Some(point * half.expose())
                    })
                    .collect();
                Some(encode_doubled(&halves?))
            })
            .collect();
        let chunks = chunks.ok_or_else(|| Error::damaged("an element"))?;
        let all = Arc::new(chunks.concat());
        let mut evaluations = lock(&self.evaluations);
        if evaluations.keys + all.len() <= EVALUATION_CACHE_MAX
            && evaluations
                .buckets
                .insert(bucket, Arc::clone(&all))
                .is_none()
        {
            evaluations.keys += all.len();
        }
        Ok(all)
    }

    /// Vouchers for the distinct derived selectors of a batch.
    pub(super) fn vouch<'a>(&self, step: u16, labels: &'a [Label]) -> Vouchers<'a> {
        // A label's derived selectors repeat in others of its batch, often many times.
        let distinct = || HashSet::with_hasher(RandomState::default());
        let wanted: HashSet<&Derivation, RandomState> = labels
            .par_iter()
            .fold(distinct, |mut wanted, label| {
                wanted.extend(&label.derived);
                wanted
            })
            .reduce(distinct, |mut one, other| {
                one.extend(other);
                one
            });
        let mut made = Vouchers::with_capacity_and_hasher(wanted.len(), RandomState::default());
        let mut missing: Vec<&Derivation> = Vec::new();
        let found: Vec<(&Derivation, Option<Arc<Made>>)> = {
            let mut known = lock(&self.vouchers);
            let known: &Kept = known.entry(step).or_default();
            wanted
                .into_par_iter()
                .map(|next| (next, known.get(next).cloned()))
                .collect()
        };
        for (next, voucher) in found {
            match voucher {
                Some(voucher) => drop(made.insert(next, voucher)),
                None => missing.push(next),
            }
        }
        let pairs: Vec<(u16, &[u8])> = missing
            .iter()
            .map(|next| (next.to_step, next.input.as_slice()))
            .collect();
        let fresh = self.issuer.make(step, &pairs);
        let mut known = lock(&self.vouchers);
        let before: usize = known.values().map(HashMap::len).sum();
        let known = known.entry(step).or_default();
        for (count, (next, voucher)) in missing.into_iter().zip(fresh).enumerate() {
            let voucher = Arc::new(voucher);
            if before + count < VOUCHER_CACHE_MAX {
                known.insert(next.clone(), Arc::clone(&voucher));
            }
            made.insert(next, voucher);
        }
        made
    }
}
