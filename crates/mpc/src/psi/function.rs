//! The oblivious function of RR22: one side's key, the other side's items.
//!
//! Why it exists: the joint set of two ([`super::rr22`]), that of many
//! ([`super::many`]) and the join into shares ([`super::circuit`]) all begin with
//! it. The *asker* ends with `F(y)` for its items and nothing else of `F`; the
//! *evaluator* can compute `F(x)` for whatever it likes, and learns nothing.
//!
//! Source, diagram, adversary and deviations: [`super::rr22`], of which this is
//! all but the tags.
//!
//! ```text
//! asker                         evaluator
//!            ◀── commit ──                     malicious only
//!            ── begin ──▶
//!            ── vector ──▶      z(x), as soon as a bin of the vector is here
//! z(y)       ◀── open ──                       malicious only
//! ```
//! `F(x)` is [`Oracle::tag`], or [`Oracle::words`], of `z(x)` and `x`.
//!
//! *Invariants*
//! - A function lives under a digest that no other function has: oracles and
//!   commitment absorb it.
//! - The seed of the rows is drawn after the asker's items are fixed.
//! - The evaluator's half of the offset is committed to before the asker's is
//!   seen, and opened after the whole vector is here.
//! - One bin of the store is made at a time, between two frames.
//!
//! *Not here*: transcripts; a role absorbs the frames that it sends and takes.

mod asker;
mod evaluator;
mod oracle;

pub(super) use asker::Asker;
pub(super) use evaluator::Evaluator;
pub(super) use oracle::{Oracle, Read};

use super::Security;
use crate::{Error, okvs::Params};

/// Items whose values are read and hashed together: few enough that all of theirs stays
/// near, and no memory is had and given back for it.
const AT_ONCE: usize = 512;

/// The sizes of one function.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) security: Security,
    pub(super) params: Params,
    /// Bytes of a value on the wire.
    pub(super) value_bytes: usize,
    /// Bytes of a tag.
    pub(super) tag_bytes: usize,
}

impl Shape {
    /// Values of 128 bits, tags of 16 bytes, an offset that both sides draw: what
    /// a malicious asker or evaluator asks for, of `items` items.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`](crate::Refusal) for too many items.
    pub(super) fn full(items: usize) -> Result<Self, Error> {
        Ok(Self {
            security: Security::Malicious,
            params: Params::new(items)?,
            value_bytes: 16,
            tag_bytes: 16,
        })
    }

    pub(super) fn malicious(&self) -> bool {
        self.security == Security::Malicious
    }

    /// Correlations that it uses.
    pub(super) fn columns(&self) -> usize {
        self.params.columns()
    }
}
