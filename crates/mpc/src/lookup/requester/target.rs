//! What a requester asks for: subjects of the warrant, and selectors derived.
//!
//! Why it exists: a wrong blind would look like a key that the table lacks, so
//! an input becomes a target only after its blind was checked.
//!
//! *Invariants*: a [`Target`]'s element is its input under its blind.

use std::collections::HashSet;

use crate::{
    Blind, Element, Error,
    limits::SELECTORS_MAX,
    lookup::{
        context::{Context, TableParams},
        label::RawDerived,
        voucher::Voucher,
    },
    oprf,
};

/// One input that is asked for.
#[derive(Clone)]
pub struct Target {
    pub(super) input: Vec<u8>,
    pub(super) blind: Blind,
    pub(super) element: [u8; 32],
    pub(super) voucher: Option<Voucher>,
}

impl Target {
    /// A subject of the warrant, with the blind under which the authority put
    /// it on the warrant's list.
    ///
    /// # Errors
    /// [`BlindMismatch`](crate::Refusal::BlindMismatch), [`InputSize`](crate::Refusal::InputSize).
    pub fn seed(input: Vec<u8>, blind: Blind, element: &Element) -> Result<Self, Error> {
        oprf::check_blind(&input, &blind, element)?;
        Ok(Self {
            input,
            blind,
            element: element.to_bytes(),
            voucher: None,
        })
    }

    /// The same blinded selector said to be another input.
    #[cfg(test)]
    pub(crate) fn renamed(&self, input: Vec<u8>) -> Self {
        Self {
            input,
            ..self.clone()
        }
    }

    /// The input.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// The blinded selector, which the custodian sees.
    #[must_use]
    pub fn element(&self) -> [u8; 32] {
        self.element
    }
}

/// A selector that a label held, checked against its custodian's signature.
#[derive(Clone)]
pub struct Derived {
    to_step: u16,
    target: Target,
}

impl Derived {
    /// The step in which it may be asked for.
    #[must_use]
    pub fn to_step(&self) -> u16 {
        self.to_step
    }

    /// The input.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.target.input()
    }

    /// The target to ask for.
    #[must_use]
    pub fn into_target(self) -> Target {
        self.target
    }
}

impl From<Derived> for Target {
    fn from(derived: Derived) -> Self {
        derived.target
    }
}

/// Splits a step's targets into the parts that one request each can hold, so
/// that a bucket is asked for in as few parts as can be. Repeated inputs are
/// dropped: one of them suffices.
#[must_use]
pub fn parts(table: &TableParams, mut targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(target.input.clone()));
    targets.sort_by_cached_key(|target| (table.hash(&target.input), target.input.clone()));
    let mut parts = Vec::new();
    while !targets.is_empty() {
        let rest = targets.split_off(targets.len().min(SELECTORS_MAX));
        parts.push(std::mem::replace(&mut targets, rest));
    }
    parts
}

/// A derived selector whose signature and element were checked.
pub(super) fn derived(
    context: &Context,
    raw: &RawDerived,
    element: [u8; 32],
) -> Result<Derived, Error> {
    Ok(Derived {
        to_step: raw.to_step,
        target: Target {
            input: raw.input.clone(),
            blind: Blind::from_bytes(&raw.blind)?,
            element,
            voucher: Some(Voucher {
                issuer: context.custodian.clone(),
                from_step: context.step,
                signature: raw.signature,
            }),
        },
    })
}
