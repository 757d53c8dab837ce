//! Secrets: what draws them, and how many bytes were marked.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use mpc::secrecy;
use rand::{Rng as _, SeedableRng as _, TryCryptoRng, TryRng, rngs::StdRng};

static MARKED: AtomicUsize = AtomicUsize::new(0);

/// Marks values as secret.
pub(crate) fn secret<T: Copy>(values: &mut [T]) {
    MARKED.fetch_add(size_of_val(values), Ordering::Relaxed);
    secrecy::secret(values);
}

/// A secret copy.
pub(crate) fn hidden<T: Copy>(value: T) -> T {
    let mut values = [value];
    secret(&mut values);
    values[0]
}

/// A message, once it is on its way to a peer.
pub(crate) fn sent(mut message: Vec<u8>) -> Vec<u8> {
    secrecy::sent(&mut message);
    message
}

/// A value that the harness itself looks at.
pub(crate) fn shown<T: Copy>(value: T) -> T {
    let mut values = [value];
    secrecy::sent(&mut values);
    values[0]
}

/// Bytes marked since this was asked last.
pub(crate) fn take() -> usize {
    MARKED.swap(0, Ordering::Relaxed)
}

/// A generator all of whose output is secret.
pub(crate) struct Secrets(StdRng);

impl Secrets {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }
}

impl TryRng for Secrets {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(hidden(self.0.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(hidden(self.0.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        secret(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Secrets {}
