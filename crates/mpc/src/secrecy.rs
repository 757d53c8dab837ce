//! Where a secret stops being one.
//!
//! Why it exists: "constant time" is a claim about every branch and every address,
//! and claims rot. With the feature `constant-time` a harness runs this crate under
//! valgrind's memcheck with every secret marked as undefined, so that a branch or an
//! address that depends on one is reported (the method is Langley's ctgrind, 2010).
//! What a protocol publishes depends on secrets too, so the code says here, value by
//! value and with its reason, from where on one is public.
//!
//! Two words, and the difference matters:
//! - [`public`] and its kin: the protocol gives the value away, or the value is the
//!   outcome of a check, which the party says aloud by going on or by stopping.
//! - [`conceded`]: the value stays secret and the code that follows is *not* constant
//!   time in it. Each is told in its module; the check lists them all, so that none
//!   is forgotten.
//!
//! *Invariants*
//! - Without the feature every function here is the identity and costs nothing.
//! - No value changes, with the feature or without.
//!
//! *Not here*: what memcheck can't see. It knows branches and addresses, not
//! instructions whose time depends on their operands (the code divides by public
//! numbers alone), and no AVX-512: the wide twins of [`crate::simd`] are not checked
//! themselves. Most have the same shape as what is checked; those over elements of
//! the Galois ring go other ways, which say themselves what they branch on.

use subtle::Choice;

/// A value that the protocol gives away.
#[inline(always)]
pub(crate) fn public<T: Copy>(value: T, why: &'static str) -> T {
    marks::defined(value, why, false)
}

/// The same for many.
#[inline(always)]
pub(crate) fn all_public<T: Copy>(values: &mut [T], why: &'static str) {
    marks::all_defined(values, why, false);
}

/// The outcome of a check, which the party goes on by or stops.
#[inline(always)]
pub(crate) fn outcome(choice: Choice, why: &'static str) -> bool {
    Choice::from(public(choice.unwrap_u8(), why)).into()
}

/// Secrets that the code which follows is not constant time in.
#[inline(always)]
pub(crate) fn conceded<T: Copy>(values: &mut [T], why: &'static str) {
    marks::all_defined(values, why, true);
}

#[cfg(not(feature = "constant-time"))]
mod marks {
    #[inline(always)]
    pub(super) fn defined<T: Copy>(value: T, _: &'static str, _: bool) -> T {
        value
    }

    #[inline(always)]
    pub(super) fn all_defined<T: Copy>(_: &mut [T], _: &'static str, _: bool) {}
}

#[cfg(feature = "constant-time")]
mod marks {
    use std::{
        collections::BTreeMap,
        sync::{Mutex, PoisonError},
    };

    use super::Published;
    use crate::simd::request::{Request, mark};

    type Told = BTreeMap<(&'static str, bool), u64>;

    static TOLD: Mutex<Told> = Mutex::new(BTreeMap::new());

    fn tell(why: &'static str, conceded: bool, bytes: usize) {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        *told.entry((why, conceded)).or_default() += bytes as u64;
    }

    pub(super) fn defined<T: Copy>(mut value: T, why: &'static str, conceded: bool) -> T {
        mark(Request::MakeDefined, &mut value);
        tell(why, conceded, size_of::<T>());
        value
    }

    pub(super) fn all_defined<T: Copy>(values: &mut [T], why: &'static str, conceded: bool) {
        mark(Request::MakeDefined, values);
        tell(why, conceded, size_of_val(values));
    }

    pub(super) fn take() -> Vec<Published> {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *told)
            .into_iter()
            .map(|((why, conceded), bytes)| Published {
                why,
                conceded,
                bytes,
            })
            .collect()
    }
}

/// Values of one reason that stopped being secret.
#[cfg(feature = "constant-time")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Why.
    pub why: &'static str,
    /// Whether they are secret still, and the code is not constant time in them.
    pub conceded: bool,
    /// How many bytes.
    pub bytes: u64,
}

/// What stopped being secret since this was asked last.
#[cfg(feature = "constant-time")]
#[must_use]
pub fn published() -> Vec<Published> {
    marks::take()
}

/// Whether the program runs under valgrind.
#[cfg(feature = "constant-time")]
#[must_use]
pub fn watched() -> bool {
    crate::simd::request::ask(crate::simd::request::Request::Running) > 0
}

/// How often a branch or an address depended on a secret so far.
#[cfg(feature = "constant-time")]
#[must_use]
pub fn findings() -> u64 {
    crate::simd::request::ask(crate::simd::request::Request::CountErrors)
}

/// Makes the values secret: no branch and no address may depend on them.
#[cfg(feature = "constant-time")]
pub fn secret<T: Copy>(values: &mut [T]) {
    crate::simd::request::mark(crate::simd::request::Request::MakeUndefined, values);
}

/// Makes values public that a peer would see, or whose outcome is the caller's.
#[cfg(feature = "constant-time")]
pub fn sent<T: Copy>(values: &mut [T]) {
    crate::simd::request::mark(crate::simd::request::Request::MakeDefined, values);
}
