//! What is known of a network's logs, and the rules that every look at a node checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use primitives::{Digest, InstitutionId, NetworkId};
use proof::{Membership, Receipt, leaf_hash};

use super::super::{Bytes, Evidence, Ledger, Members};
use super::wires::Program;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) rule: &'static str,
    pub(super) detail: String,
}

/// A record that an honest node said is final.
struct Told {
    by: Program,
    index: u64,
    leaf: Digest,
}

#[derive(Default)]
struct Known {
    /// The one log's root at each size from 1, by whoever came there first.
    roots: Vec<(Program, Digest)>,
    /// The size up to which each program was looked at since it started.
    seen: BTreeMap<Program, u64>,
    told: Vec<Told>,
    accused: BTreeSet<InstitutionId>,
    broken: Option<Broken>,
}

/// What is known of a network from outside its nodes.
pub(super) struct Facts {
    network: NetworkId,
    members: Members,
    membership: Membership,
    villains: BTreeSet<InstitutionId>,
    known: Mutex<Known>,
}

impl Known {
    /// The first broken rule counts.
    fn broken(&mut self, rule: &'static str, detail: String) {
        self.broken.get_or_insert(Broken { rule, detail });
    }

    /// Holds a root against the one log's.
    fn compare(&mut self, program: Program, size: u64, root: Digest, rule: &'static str) {
        let Some(place) = size.checked_sub(1) else {
            return;
        };
        match self.roots.get(usize::try_from(place).unwrap()) {
            Some((_, known)) if *known == root => {}
            Some((by, _)) => {
                let detail = format!("{program} has another log of {size} records than {by}");
                self.broken(rule, detail);
            }
            None => {
                assert_eq!(
                    self.roots.len() as u64,
                    place,
                    "sizes are looked at in order"
                );
                self.roots.push((program, root));
            }
        }
    }
}

impl Facts {
    pub(super) fn new(
        network: NetworkId,
        members: Members,
        villains: BTreeSet<InstitutionId>,
    ) -> Self {
        Self {
            network,
            membership: members.membership(0).unwrap(),
            members,
            villains,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn broke(&self, rule: &'static str, detail: String) {
        self.known().broken(rule, detail);
    }

    pub(super) fn broken(&self) -> Option<Broken> {
        self.known().broken.clone()
    }

    /// Records told to be final, the one log's size, and villains convicted.
    pub(super) fn counts(&self) -> (usize, u64, usize) {
        let known = self.known();
        (
            known.told.len(),
            known.roots.len() as u64,
            known.accused.len(),
        )
    }

    /// An honest node has started: it holds what it told, and all of its log is compared anew.
    pub(super) fn started(&self, program: Program, ledger: &Ledger) {
        self.known().seen.remove(&program);
        self.look(program, ledger);
        let mut known = self.known();
        let own: Vec<_> = known
            .told
            .iter()
            .filter(|told| told.by == program)
            .collect();
        let lost = own
            .into_iter()
            .find(|told| ledger.find(&told.leaf) != Some(told.index))
            .map(|told| told.index);
        if let Some(index) = lost {
            known.broken("lost", format!("{program} forgot the record {index}"));
        }
    }

    /// Compares all that an honest node has come to since it was last looked at.
    pub(super) fn look(&self, program: Program, ledger: &Ledger) {
        let mut known = self.known();
        let roots: Vec<(u64, Digest)> = {
            let chain = ledger.core.chain();
            let log = chain.log();
            let seen = known.seen.insert(program, log.size()).unwrap_or_default();
            let sizes = seen + 1..=log.size();
            sizes
                .map(|size| (size, log.root_at(size).unwrap()))
                .collect()
        };
        for (size, root) in roots {
            known.compare(program, size, root, "fork");
        }
        if let Some(signed) = ledger.checkpoint() {
            let checkpoint = signed.checkpoint();
            known.compare(program, checkpoint.size(), *checkpoint.root(), "believed");
        }
        for evidence in ledger.evidence() {
            if known.accused.contains(&evidence.member) {
                continue;
            }
            let verified = Evidence::verify(&evidence.bytes, &self.network, &self.members);
            let shown = verified.is_ok_and(|verified| verified.member == evidence.member);
            if shown && self.villains.contains(&evidence.member) {
                known.accused.insert(evidence.member);
            } else {
                let detail = format!("{program} accuses {}: {}", evidence.member, evidence.kind);
                known.broken("accused", detail);
            }
        }
        if let Some(why) = ledger.status().stopped {
            known.broken("stopped", format!("the ledger of {program}: {why}"));
        }
    }

    /// An honest node said that a record is final.
    pub(super) fn told(&self, by: Program, receipt: &Receipt, record: &Bytes) {
        let origin = proof::origin(&self.network);
        let mut known = self.known();
        if let Err(error) = receipt.verify(record, &origin, &self.membership) {
            known.broken(
                "receipt",
                format!("{by} gave one that does not verify: {error}"),
            );
        }
        known.told.push(Told {
            by,
            index: receipt.index(),
            leaf: leaf_hash(record),
        });
    }

    /// Whether an honest node has all that anybody was told is final; at another place it
    /// is lost.
    pub(super) fn has_all(&self, program: Program, ledger: &Ledger) -> bool {
        let mut known = self.known();
        let size = ledger.status().size;
        if known.told.iter().any(|told| told.index >= size) {
            return false;
        }
        let told = known.told.iter();
        let lost = told
            .filter(|told| ledger.find(&told.leaf) != Some(told.index))
            .map(|told| told.index)
            .next();
        if let Some(index) = lost {
            known.broken("lost", format!("{program} has not the record {index}"));
        }
        true
    }
}
