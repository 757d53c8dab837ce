//! Deterministic noise: streams of numbers and permutations that depend on a seed and a place only.
//!
//! Every attribute of a city is drawn from a stream named by (seed, [`Tag`], index), so a person's
//! phone or a row's form is computed where it is needed and a million people need no table of
//! attributes.
//!
//! *Invariants*: the same name gives the same numbers on every machine; real arithmetic uses only
//! operations that IEEE 754 rounds exactly (add, multiply, divide, square root).
//! *Not here*: security. These streams are predictable on purpose and must never make a key.

/// What a stream is for; two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Tag {
    Cast = 1,
    IdNumber,
    Phone,
    Person,
    Account,
    Sim,
    Form,
    Invalid,
    Contact,
    Caller,
    Call,
    Transfer,
    Wage,
    Rent,
    Plot,
    Ring,
    Premise,
    Power,
    Water,
    Popular,
    Shop,
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
/// The largest multiple of its scale that [`Noise::heavy`] returns.
const HEAVY_LIMIT: f64 = 40.0;

/// One step of SplitMix64 (Steele, Lea, Flood 2014): the output function.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A stream of numbers (SplitMix64).
pub(crate) struct Noise {
    state: u64,
}

impl Noise {
    /// The stream of one purpose at one place.
    pub(crate) fn new(seed: u64, tag: Tag, index: u64) -> Self {
        let place = mix(seed ^ mix((tag as u64).wrapping_mul(GOLDEN_GAMMA)));
        Self {
            state: mix(place ^ index.wrapping_mul(GOLDEN_GAMMA)),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(wide).unwrap_or(0)
    }

    /// A number in `low..high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).unwrap_or(0);
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// A number in `[0, 1)` of 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True `n` times in a thousand.
    pub(crate) fn per_mille(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }

    /// A heavy-tailed factor of median about 1.4: Pareto with exponent 2, cut at `HEAVY_LIMIT`.
    pub(crate) fn heavy(&mut self) -> f64 {
        (1.0 / (1.0 - self.unit()).sqrt()).min(HEAVY_LIMIT)
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[index(self.below(items.len() as u64))]
    }
}

/// A permutation of `0..domain`: a Feistel network over the next even power of two, walked until
/// it falls inside the domain.
pub(crate) struct Permutation {
    keys: [u64; 4],
    half_bits: u32,
    domain: u64,
}

impl Permutation {
    pub(crate) fn new(seed: u64, tag: Tag, domain: u64) -> Self {
        assert!(domain > 0, "a permutation needs something to permute");
        let mut noise = Noise::new(seed, tag, u64::MAX);
        let bits = (64 - (domain - 1).leading_zeros()).max(2);
        Self {
            keys: std::array::from_fn(|_| noise.next()),
            half_bits: bits.div_ceil(2),
            domain,
        }
    }

    /// Where `x` goes. The walk's expected length is below 4 steps, as the network's domain is
    /// less than four times ours.
    pub(crate) fn of(&self, x: u64) -> u64 {
        debug_assert!(x < self.domain, "outside the permutation's domain");
        let mask = (1_u64 << self.half_bits) - 1;
        let mut y = x;
        loop {
            let (mut left, mut right) = (y >> self.half_bits, y & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & mask));
            }
            y = (left << self.half_bits) | right;
            if y < self.domain {
                return y;
            }
        }
    }
}

/// The whole part of a number that is not negative and below 2^53.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates and the fraction is dropped on purpose"
)]
pub(crate) fn whole(x: f64) -> u64 {
    x as u64
}

/// A place in memory as an index.
pub(crate) fn index(x: u64) -> usize {
    usize::try_from(x).expect("the city fits in memory")
}

/// A number of people, accounts or phones: all bounded by [`crate::MAX_PEOPLE`] times a few.
pub(crate) fn narrow(x: u64) -> u32 {
    u32::try_from(x).expect("counts are bounded by MAX_PEOPLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_permute() {
        for domain in [1, 2, 3, 50, 1000, 4097] {
            let permutation = Permutation::new(9, Tag::Phone, domain);
            let mut seen: Vec<u64> = (0..domain).map(|x| permutation.of(x)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..domain).collect::<Vec<_>>(), "domain {domain}");
        }
    }

    #[test]
    fn streams_are_named() {
        let first = |seed, tag, index| Noise::new(seed, tag, index).next();
        assert_eq!(first(1, Tag::Call, 2), first(1, Tag::Call, 2));
        assert_ne!(first(1, Tag::Call, 2), first(2, Tag::Call, 2));
        assert_ne!(first(1, Tag::Call, 2), first(1, Tag::Rent, 2));
        assert_ne!(first(1, Tag::Call, 2), first(1, Tag::Call, 3));
    }

    #[test]
    fn numbers_stay_in_bounds() {
        let mut noise = Noise::new(3, Tag::Person, 0);
        for _ in 0..10_000 {
            assert!(noise.below(7) < 7);
            assert!((-3..4).contains(&noise.between(-3, 4)));
            assert!((1.0..=HEAVY_LIMIT).contains(&noise.heavy()));
        }
        assert_eq!(noise.below(0), 0);
    }
}
