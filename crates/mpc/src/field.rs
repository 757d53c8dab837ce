//! The field GF(2^128), fast and in constant time.
//!
//! Why it exists: vector oblivious evaluation ([`crate::vole`]) and the oblivious
//! key-value stores above it compute in one field, whose elements are secret.
//!
//! An element is a polynomial over GF(2) of degree below 128 modulo
//! `x^128 + x^7 + x^2 + x + 1`, the polynomial of GCM. Bit `i` of the
//! little-endian integer is the coefficient of `x^i`. GCM itself (GHASH) numbers
//! the bits of each byte the other way round: reversing the bits of every byte
//! maps its elements to these, and the products agree; the tests use that to
//! check against GCM's published values.
//!
//! *Invariants*
//! - Every bit pattern is an element, and no operation branches on or indexes by
//!   one: products use the processor's carry-less multiplication where there is
//!   one, and integer multiplications with holes between the bits elsewhere.
//! - Elements have no `Debug` outside tests and compare through [`subtle`].
//!
//! *Not here*: inversion and square roots; nobody needs them.

use std::ops::{Add, AddAssign, BitXor, BitXorAssign, Mul, MulAssign, Sub};

use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::simd;

/// An element of GF(2^128); 16 bytes on the wire.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct F128(pub(crate) u128);

impl F128 {
    /// Bytes of an encoded element.
    pub const BYTES: usize = 16;
    /// The neutral element of addition.
    pub const ZERO: Self = Self(0);
    /// The neutral element of multiplication.
    pub const ONE: Self = Self(1);

    /// The element with these coefficients, least significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// The element's coefficients, least significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// A uniformly random element.
    #[must_use]
    pub fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; 16]);
        rng.fill_bytes(&mut *bytes);
        Self::from_bytes(*bytes)
    }

    /// The coefficient of `x^index`, as a choice.
    #[must_use]
    pub(crate) fn bit(self, index: usize) -> Choice {
        Choice::from(u8::from(self.0 >> index & 1 == 1))
    }

    /// `x^index`, for `index` below 128.
    #[must_use]
    pub(crate) const fn power_of_x(index: usize) -> Self {
        Self(1 << index)
    }

    /// `x^index` times the element's every coefficient: the element if `bit` is
    /// set, zero otherwise.
    #[must_use]
    pub(crate) fn masked(self, bit: Choice) -> Self {
        Self::conditional_select(&Self::ZERO, &self, bit)
    }
}

impl Add for F128 {
    type Output = Self;
    #[inline]
    #[expect(clippy::suspicious_arithmetic_impl, reason = "characteristic two")]
    fn add(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl Sub for F128 {
    type Output = Self;
    #[inline]
    #[expect(clippy::suspicious_arithmetic_impl, reason = "characteristic two")]
    fn sub(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl AddAssign for F128 {
    #[inline]
    #[expect(clippy::suspicious_op_assign_impl, reason = "characteristic two")]
    fn add_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

impl BitXor for F128 {
    type Output = Self;
    #[inline]
    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl BitXorAssign for F128 {
    #[inline]
    fn bitxor_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

impl Mul for F128 {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self(simd::multiply(self.0, other.0))
    }
}

impl MulAssign for F128 {
    #[inline]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl std::iter::Sum for F128 {
    fn sum<I: Iterator<Item = Self>>(elements: I) -> Self {
        elements.fold(Self::ZERO, |sum, element| sum + element)
    }
}

impl ConditionallySelectable for F128 {
    #[inline]
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self(u128::conditional_select(&a.0, &b.0, choice))
    }
}

impl ConstantTimeEq for F128 {
    #[inline]
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for F128 {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for F128 {}

impl Zeroize for F128 {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
impl std::fmt::Debug for F128 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// `acc[i] += xs[i]`, as far as both reach.
pub fn xor_into(acc: &mut [F128], xs: &[F128]) {
    for (acc, x) in acc.iter_mut().zip(xs) {
        acc.0 ^= x.0;
    }
}

/// `acc[i] += xs[i] · scalar`, as far as both reach.
pub fn mul_add_scalar(acc: &mut [F128], xs: &[F128], scalar: F128) {
    simd::multiply_add_scalar(acc, xs, scalar);
}

/// `sum of xs[i] · ys[i]`, as far as both reach.
#[must_use]
pub fn inner_product(xs: &[F128], ys: &[F128]) -> F128 {
    simd::inner_product(xs, ys)
}

/// `sum of xs[i] · point^(len - i)`: the polynomial with these coefficients,
/// highest first and none constant, at a point.
///
/// For a uniformly random point it is a universal hash: two different vectors of
/// one length collide with probability at most `len / 2^128`.
#[must_use]
pub fn polynomial_hash(xs: &[F128], point: F128) -> F128 {
    simd::polynomial_hash(xs, point)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// Shift and add, bit by bit: the definition.
    fn by_definition(a: F128, b: F128) -> F128 {
        let (mut product, mut shifted) = (0u128, a.0);
        for bit in 0..128 {
            if b.0 >> bit & 1 == 1 {
                product ^= shifted;
            }
            let carry = shifted >> 127;
            shifted = (shifted << 1) ^ (carry * 0x87);
        }
        F128(product)
    }

    /// GCM numbers a byte's bits from the most significant.
    fn from_gcm(hex_digits: &str) -> F128 {
        let bytes: [u8; 16] = hex::decode(hex_digits).unwrap().try_into().unwrap();
        F128::from_bytes(bytes.map(u8::reverse_bits))
    }

    fn vector(len: usize, seed: u64) -> Vec<F128> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..len).map(|_| F128::random(&mut rng)).collect()
    }

    #[test]
    fn agrees_with_the_published_values_of_gcm() {
        // Test case 2 of McGrew and Viega, "The Galois/Counter Mode of Operation":
        // X_1 = C_1·H, and GHASH = (X_1 + lengths)·H.
        let h = from_gcm("66e94bd4ef8a2c3b884cfa59ca342b2e");
        let c = from_gcm("0388dace60b6a392f328c2b971b2fe78");
        let lengths = from_gcm("00000000000000000000000000000080");
        let x = c * h;
        assert_eq!(x, from_gcm("5e2ec746917062882c85b0685353deb7"));
        let ghash = (x + lengths) * h;
        assert_eq!(ghash, from_gcm("f38cbb1ad69223dcc3457ae5b6b0f885"));
        assert_eq!(polynomial_hash(&[c, lengths], h), ghash);
    }

    proptest! {
        #[test]
        fn a_product_is_its_definition_on_every_path(a: u128, b: u128) {
            let expected = by_definition(F128(a), F128(b));
            prop_assert_eq!(F128(a) * F128(b), expected);
            prop_assert_eq!(F128(simd::portable::multiply(a, b)), expected);
        }

        #[test]
        fn it_is_a_field_of_characteristic_two(a: u128, b: u128, c: u128) {
            let (a, b, c) = (F128(a), F128(b), F128(c));
            prop_assert_eq!(a * (b + c), a * b + a * c);
            prop_assert_eq!(a * (b * c), (a * b) * c);
            prop_assert_eq!(a + a, F128::ZERO);
            prop_assert_eq!(a * F128::ONE, a);
            prop_assert_eq!(F128::from_bytes(a.to_bytes()), a);
        }
    }

    #[test]
    fn extremes_multiply_as_defined() {
        for a in [0, 1, 2, 1 << 63, 1 << 64, 1 << 127, u128::MAX] {
            for b in [0, 1, 2, 1 << 63, 1 << 64, 1 << 127, u128::MAX] {
                let expected = by_definition(F128(a), F128(b));
                assert_eq!(F128(a) * F128(b), expected);
                assert_eq!(F128(simd::portable::multiply(a, b)), expected);
            }
        }
    }

    #[test]
    fn operations_on_slices_are_those_on_elements_for_every_length() {
        for len in [
            0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 129,
        ] {
            let (xs, ys) = (vector(len, 1), vector(len, 2));
            let point = vector(1, 3)[0];
            let mut sum = ys.clone();
            mul_add_scalar(&mut sum, &xs, point);
            let mut portable = ys.clone();
            simd::portable::multiply_add_scalar(&mut portable, &xs, point);
            for i in 0..len {
                assert_eq!(sum[i], ys[i] + by_definition(xs[i], point));
                assert_eq!(sum[i], portable[i]);
            }
            let product: F128 = (0..len).map(|i| by_definition(xs[i], ys[i])).sum();
            assert_eq!(inner_product(&xs, &ys), product, "{len}");
            assert_eq!(simd::portable::inner_product(&xs, &ys), product);
            let mut horner = F128::ZERO;
            for x in &xs {
                horner = by_definition(horner + *x, point);
            }
            assert_eq!(polynomial_hash(&xs, point), horner, "{len}");
            assert_eq!(simd::portable::polynomial_hash(&xs, point), horner);
            let mut both = xs.clone();
            xor_into(&mut both, &ys);
            assert!((0..len).all(|i| both[i] == xs[i] + ys[i]));
        }
    }

    #[test]
    fn a_choice_selects() {
        let (a, b) = (F128(5), F128(9));
        assert_eq!(F128::conditional_select(&a, &b, Choice::from(0)), a);
        assert_eq!(F128::conditional_select(&a, &b, Choice::from(1)), b);
        assert_eq!(a.masked(a.bit(0)), a);
        assert_eq!(a.masked(a.bit(1)), F128::ZERO);
        assert_eq!(F128::power_of_x(2) + F128::ONE, a);
    }
}
