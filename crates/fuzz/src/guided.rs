//! The long run of one target, led by libFuzzer; `cargo xtask fuzz` builds and calls it.
//!
//! After every execution libFuzzer looks at the counters of all rooms, which takes ten
//! times as long as a small decoder. So each input that it comes up with is followed by
//! `CORDON_FUZZ_EACH` changes of our own, drawn from the input itself: what they reach
//! counts for it, and the same input always does the same. A change that breaks something
//! is kept; of the input that it was drawn from libFuzzer takes care.
#![no_main]

use std::sync::LazyLock;

use fuzz::{
    MEMORY, Memory,
    long::{begin, holds, keep, number},
    mutate,
};
use primitives::Digest;
use rand::{SeedableRng, rngs::StdRng};

#[global_allocator]
static ALLOCATOR: Memory = MEMORY;

/// Changes of our own that follow each input.
static EACH: LazyLock<u64> = LazyLock::new(|| number("CORDON_FUZZ_EACH", 0));

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    let mut held = holds(data);
    let (seeds, mut rng) = ([data.to_vec()], StdRng::from_seed(Digest::plain(data).0));
    for _ in 0..*EACH {
        if !held {
            break;
        }
        let input = mutate::changed(&seeds, &mut rng);
        held = holds(&input);
        if !held {
            keep(&input);
        }
    }
    if !held {
        // libFuzzer keeps the input of a process that aborts.
        std::process::abort();
    }
});
