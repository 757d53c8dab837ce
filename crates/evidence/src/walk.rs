//! The walk from the founding charter to the last record.
//!
//! Replays every record through the legal order that the validators ran
//! ([`docket::State`]), keeping the validators of each time, and holds every
//! receipt against them. A record that changes the validators must have a receipt
//! by those who were in office until then; so a court that knows the network's id
//! knows, step by step, whose word counts.
//!
//! *Invariants*: a record is judged at its own time. The block's time is not in
//! the log; validators held the two within 15 minutes of each other, and a record
//! dated later than its receipt's cosignatures by more than that is refused.

use std::collections::BTreeMap;

use docket::state::{At, State, TIME_SKEW_MAX_MS};
use docket::{Charter, Record};
use primitives::{InstitutionId, PublicKey};
use proof::{
    Membership, ProofError, Receipt, Refusal, SignedCheckpoint, leaf_hash, verify_inclusion,
};

use crate::content::{CHAIN, Content, receipt_path, record_path};
use crate::finding::{Finding, Refused};

/// The validators in office at a time.
type Validators = Vec<(InstitutionId, PublicKey)>;

/// The validators from the charter's on, each set with the log index of the record
/// that put it in office.
pub(crate) type InOffice = Vec<(Option<u64>, Validators)>;

/// What the walk leads to.
pub(crate) struct Walked {
    pub(crate) state: State,
    pub(crate) validators: InOffice,
    /// Records that the newest checkpoint covers.
    pub(crate) log_size: u64,
}

/// Replays the records, each with its place in the log.
///
/// # Errors
/// Refused, naming the first record that breaks the legal order: what follows it
/// was judged by a state that never was.
pub(crate) fn replay<'a>(
    charter: &Charter,
    records: impl Iterator<Item = (u64, &'a Record)>,
) -> Result<(State, InOffice), Refused> {
    let mut state = State::genesis(charter.clone()).map_err(|refusal| {
        Finding::new("charter/genesis.cbor", refusal.rule.name(), refusal.detail)
    })?;
    let mut validators = vec![(None, of(&state))];
    for (position, (index, record)) in records.enumerate() {
        let at = At {
            height: index,
            time_ms: record.header.time_ms,
        };
        state.apply(record, at).map_err(|refusal| {
            let path = record_path(position + 1, record);
            Finding::new(path, refusal.rule.name(), refusal.detail)
        })?;
        let now = of(&state);
        if validators.last().is_none_or(|(_, before)| *before != now) {
            validators.push((Some(index), now));
        }
    }
    Ok((state, validators))
}

/// Replays the records and checks their receipts.
///
/// # Errors
/// Refused, naming each record that breaks the legal order or is not proven.
pub(crate) fn walk(content: &Content) -> Result<Walked, Refused> {
    let indices = content.receipts.iter().map(Receipt::index);
    let (state, validators) = replay(&content.charter, indices.zip(&content.records))?;
    let origin = proof::origin(&state.network());
    let proofs = Proofs {
        validators: &validators,
        origin: &origin,
    };
    let mut findings = proofs.check_receipts(content);
    if findings.is_empty() {
        findings.extend(proofs.check_chain(content).err());
    }
    Refused::unless_none(findings)?;
    let signed = content.receipts.iter().map(Receipt::signed);
    let log_size = signed.map(|signed| signed.checkpoint().size()).max();
    Ok(Walked {
        state,
        validators,
        log_size: log_size.unwrap_or_default(),
    })
}

/// The consistency proofs that a bundle with these receipts needs, as pairs of
/// sizes `(old, new)`: one a step between the receipts' checkpoints. Each is an
/// RFC 9162 path, empty where both sizes are equal.
pub fn links(receipts: &[Receipt]) -> Vec<(u64, u64)> {
    checkpoints(receipts)
        .windows(2)
        .map(|pair| (pair[0].checkpoint().size(), pair[1].checkpoint().size()))
        .collect()
}

/// The receipts' distinct checkpoints, smallest first.
fn checkpoints(receipts: &[Receipt]) -> Vec<&SignedCheckpoint> {
    let distinct: BTreeMap<_, _> = receipts
        .iter()
        .map(|r| (order(r.signed()), r.signed()))
        .collect();
    distinct.into_values().collect()
}

/// A total order of signed checkpoints: by size, then by everything in them.
fn order(signed: &SignedCheckpoint) -> (u64, Vec<u8>) {
    let bytes = primitives::cbor::encode(signed).unwrap_or_default();
    (signed.checkpoint().size(), bytes)
}

fn of(state: &State) -> Validators {
    state
        .members()
        .map(|member| (member.id.clone(), member.node_key))
        .collect()
}

struct Proofs<'a> {
    validators: &'a [(Option<u64>, Validators)],
    origin: &'a str,
}

impl Proofs<'_> {
    fn check_receipts(&self, content: &Content) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Most receipts share one checkpoint; its signatures are checked once.
        let mut known = BTreeMap::new();
        let mut last = None;
        for (position, receipt) in content.receipts.iter().enumerate() {
            let path = receipt_path(position + 1);
            let mut complain = |rule: &str, detail: String| {
                findings.push(Finding::new(path.clone(), rule, detail));
            };
            if last >= Some(receipt.index()) {
                complain(
                    "log-order",
                    "its record is not after the one before it".into(),
                );
            }
            last = Some(receipt.index());
            let signed = receipt.signed();
            let change = self
                .validators
                .iter()
                .position(|(by, _)| *by == Some(receipt.index()));
            let in_office = match change {
                // Whoever it puts in office has no say in it.
                Some(next) => self.signed_by_any(signed, next),
                None => known
                    .entry(order(signed))
                    .or_insert_with(|| self.signed_by_any(signed, self.validators.len()))
                    .clone(),
            };
            let record = &content.records[position];
            let checkpoint = signed.checkpoint();
            let proven = in_office.and_then(|()| {
                verify_inclusion(
                    &leaf_hash(&record.bytes),
                    receipt.index(),
                    checkpoint.size(),
                    receipt.path(),
                    checkpoint.root(),
                )
            });
            if let Err(error) = proven {
                complain(rule(&error), error.to_string());
            }
            let newest_s = signed
                .cosignatures()
                .iter()
                .map(proof::Cosignature::time_s)
                .max();
            let newest_ms = newest_s.unwrap_or_default().saturating_mul(1000);
            if record.header.time_ms > newest_ms.saturating_add(TIME_SKEW_MAX_MS) {
                complain(
                    "time-skew",
                    "its record is dated after its cosignatures".into(),
                );
            }
        }
        findings
    }

    /// Checks a checkpoint against the latest validators that can have been in
    /// office for it, among the first `most` sets, then against those before them:
    /// when a change takes effect is the validators' to decide.
    fn signed_by_any(&self, signed: &SignedCheckpoint, most: usize) -> Result<(), ProofError> {
        let size = signed.checkpoint().size();
        let possible = self
            .validators
            .iter()
            .take(most)
            .take_while(|(by, _)| by.is_none_or(|index| index < size))
            .count();
        let mut first_error = None;
        for position in (0..possible).rev() {
            match self.signed_by(signed, position) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        // The charter's validators are always possible, so there was an error.
        Err(first_error.unwrap_or(ProofError::Refusal(Refusal::Root)))
    }

    fn signed_by(&self, signed: &SignedCheckpoint, position: usize) -> Result<(), ProofError> {
        // Epochs are counted by the ledger; here the records say who was in office.
        let members = self.validators[position].1.clone();
        let membership = Membership::new(signed.epoch(), members)?;
        signed.verify(self.origin, &membership)
    }

    /// Checks that all checkpoints are of one log that only grew.
    fn check_chain(&self, content: &Content) -> Result<(), Finding> {
        let signed = checkpoints(&content.receipts);
        let complain = |rule: &str, detail: String| Finding::new(CHAIN, rule, detail);
        if content.chain.len() + 1 != signed.len() {
            return Err(complain(
                "path-length",
                "a proof too many or too few".into(),
            ));
        }
        for (pair, path) in signed.windows(2).zip(&content.chain) {
            let (_, members) = &self.validators[self.validators.len() - 1];
            let extends = Membership::new(pair[1].epoch(), members.clone())
                .and_then(|membership| pair[1].extends(pair[0], path, &membership));
            extends.map_err(|error| complain(rule(&error), error.to_string()))?;
        }
        Ok(())
    }
}

fn rule(error: &ProofError) -> &'static str {
    match error {
        ProofError::Refusal(refusal) => refusal.rule(),
        _ => "one-log",
    }
}
