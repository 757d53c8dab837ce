//! What the protocol computes, by a dealer whom everybody trusts.
//!
//! Why it exists: tests of what is built on a VOLE need one in a moment, and the
//! real protocol's results are checked against the same relation.

use rand_core::CryptoRng;

use super::{ReceiverOutput, SenderOutput};
use crate::field::{F128, mul_add_scalar};

/// Deals `n` correlations: uniformly random `Δ`, `a` and `b`, and
/// `c[i] = a[i]·Δ + b[i]`.
pub fn deal<R: CryptoRng + ?Sized>(n: usize, rng: &mut R) -> (SenderOutput, ReceiverOutput) {
    deal_of(n, u128::MAX, rng)
}

/// The same where the upper 64 bits of every `a[i]` are zero.
pub fn deal_narrow<R: CryptoRng + ?Sized>(n: usize, rng: &mut R) -> (SenderOutput, ReceiverOutput) {
    deal_of(n, u128::from(u64::MAX), rng)
}

/// Deals correlations whose `a` have the bits of `mask`.
fn deal_of<R: CryptoRng + ?Sized>(
    n: usize,
    mask: u128,
    rng: &mut R,
) -> (SenderOutput, ReceiverOutput) {
    let delta = F128::random(rng);
    let a: Vec<F128> = (0..n).map(|_| F128(F128::random(rng).0 & mask)).collect();
    let b: Vec<F128> = (0..n).map(|_| F128::random(rng)).collect();
    let mut c = b.clone();
    mul_add_scalar(&mut c, &a, delta);
    (SenderOutput { delta, b }, ReceiverOutput { a, c })
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_dealer_keeps_the_relation() {
        let mut rng = StdRng::seed_from_u64(1);
        for n in [0, 1, 2, 33] {
            let narrow = deal_narrow(n, &mut rng);
            assert!(narrow.1.a.iter().all(|a| a.to_bytes()[8..] == [0; 8]));
            for (sender, receiver) in [deal(n, &mut rng), narrow] {
                assert_eq!((sender.b.len(), receiver.a.len()), (n, n));
                for i in 0..n {
                    let expected = receiver.a[i] * sender.delta + sender.b[i];
                    assert_eq!(receiver.c[i], expected);
                }
            }
        }
    }
}
