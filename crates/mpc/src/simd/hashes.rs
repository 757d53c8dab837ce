//! SHA-256 of sixteen short messages at once.
//!
//! Why it exists: a joint set hashes every item once and every value of its function
//! once, and one message alone leaves most of a processor idle: each round waits for
//! the one before it. Side by side sixteen cost what three cost alone.
//!
//! *Source*: FIPS 180-4, §6.2.2; the schedule is made in the place of the block, sixteen
//! words at a time.
//!
//! *Invariants*: no branch and no address depends on a message. What the processor lacks
//! is done by `sha2`, which a test holds equal.

use sha2::block_api::compress256;

/// Messages that are hashed side by side.
pub(crate) const LANES: usize = 16;

/// The states after one block each, from one state that all of them begin with.
pub(crate) fn compress_each(state: &[u32; 8], blocks: &[[u8; 64]; LANES]) -> [[u32; 8]; LANES] {
    #[cfg(target_arch = "x86_64")]
    if x86::is_there() {
        // SAFETY: the instructions were found.
        return unsafe { x86::compress_each(state, blocks) };
    }
    compress_in_turn(state, blocks)
}

fn compress_in_turn(state: &[u32; 8], blocks: &[[u8; 64]; LANES]) -> [[u32; 8]; LANES] {
    let mut states = [*state; LANES];
    for (state, block) in states.iter_mut().zip(blocks) {
        compress256(state, std::slice::from_ref(block));
    }
    states
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::{
        is_x86_feature_detected,
        x86_64::{
            __m512i, _mm_set_epi8, _mm512_add_epi32, _mm512_broadcast_i32x4,
            _mm512_i32gather_epi32, _mm512_i32scatter_epi32, _mm512_mullo_epi32, _mm512_ror_epi32,
            _mm512_set_epi32, _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_srli_epi32,
            _mm512_ternarylogic_epi32,
        },
    };

    use super::LANES;

    /// The constants of the rounds (FIPS 180-4, §4.2.2).
    #[expect(clippy::unreadable_literal, reason = "as the standard prints them")]
    const ROUNDS: [[u32; 16]; 4] = [
        [
            0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
            0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
            0x9bdc06a7, 0xc19bf174,
        ],
        [
            0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc,
            0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
            0x06ca6351, 0x14292967,
        ],
        [
            0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
            0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
            0xf40e3585, 0x106aa070,
        ],
        [
            0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
            0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
            0xbef9a3f7, 0xc67178f2,
        ],
    ];

    #[inline]
    pub(super) fn is_there() -> bool {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn word(value: u32) -> __m512i {
        _mm512_set1_epi32(value.cast_signed())
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn sum(a: __m512i, b: __m512i) -> __m512i {
        _mm512_add_epi32(a, b)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn parity(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0x96>(a, b, c)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn rotated<const A: i32, const B: i32, const C: i32>(x: __m512i) -> __m512i {
        parity(
            _mm512_ror_epi32::<A>(x),
            _mm512_ror_epi32::<B>(x),
            _mm512_ror_epi32::<C>(x),
        )
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn shifted<const A: i32, const B: i32, const C: u32>(x: __m512i) -> __m512i {
        parity(
            _mm512_ror_epi32::<A>(x),
            _mm512_ror_epi32::<B>(x),
            _mm512_srli_epi32::<C>(x),
        )
    }

    /// One round; `due` is the round's word and constant.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn round(state: &mut [__m512i; 8], due: __m512i) {
        let [a, b, c, d, e, f, g, h] = *state;
        let choice = _mm512_ternarylogic_epi32::<0xca>(e, f, g);
        let first = sum(sum(h, due), sum(rotated::<6, 11, 25>(e), choice));
        let majority = _mm512_ternarylogic_epi32::<0xe8>(a, b, c);
        let second = sum(rotated::<2, 13, 22>(a), majority);
        *state = [sum(first, second), a, b, c, sum(d, first), e, f, g];
    }

    /// A word of the next sixteen in the place of one of these.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn schedule(words: &mut [__m512i; 16], at: usize) {
        let early = shifted::<7, 18, 3>(words[(at + 1) % 16]);
        let late = shifted::<17, 19, 10>(words[(at + 14) % 16]);
        words[at] = sum(sum(words[at], early), sum(words[(at + 9) % 16], late));
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn compress_each(state: &[u32; 8], blocks: &[[u8; 64]; LANES]) -> [[u32; 8]; LANES] {
        const { assert!(LANES == 16, "a lane of 32 bits for each message") };
        let order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
        let swap = _mm512_broadcast_i32x4(swap);
        let every_block = _mm512_mullo_epi32(order, word(16));
        let every_state = _mm512_mullo_epi32(order, word(8));
        let mut words = [word(0); 16];
        for (at, due) in words.iter_mut().enumerate() {
            let first = blocks.as_ptr().cast::<i32>();
            // SAFETY: word `at` of 16, of each of 16 blocks of 16 words.
            let read = unsafe { _mm512_i32gather_epi32::<4>(every_block, first.add(at)) };
            *due = _mm512_shuffle_epi8(read, swap);
        }
        let begin = state.map(|value| word(value));
        let mut now = begin;
        for (sixteen, constants) in ROUNDS.iter().enumerate() {
            for (due, constant) in words.iter().zip(constants) {
                round(&mut now, sum(*due, word(*constant)));
            }
            if sixteen < ROUNDS.len() - 1 {
                (0..16).for_each(|at| schedule(&mut words, at));
            }
        }
        let mut states = [[0; 8]; LANES];
        let first = states.as_mut_ptr().cast::<i32>();
        for (at, (begin, end)) in begin.iter().zip(now).enumerate() {
            // SAFETY: word `at` of 8, of each of 16 states of 8 words.
            unsafe { _mm512_i32scatter_epi32::<4>(first.add(at), every_state, sum(*begin, end)) };
        }
        states
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn side_by_side_is_one_after_the_other() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let state: [u32; 8] = rng.random();
            let blocks: [[u8; 64]; LANES] = std::array::from_fn(|_| rng.random());
            assert_eq!(
                compress_each(&state, &blocks),
                compress_in_turn(&state, &blocks)
            );
        }
    }
}
