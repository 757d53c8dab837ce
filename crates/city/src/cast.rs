//! Who plays which part in the planted crimes.
//!
//! *Invariant*: every part is played by a different person, so that one scheme's truth never
//! depends on another's.

use crate::noise::{Noise, Permutation, Tag, narrow};

/// People per planted SIM box.
const PEOPLE_PER_BOX: u32 = 1_500;
/// The most SIM boxes of a city.
const MAX_BOXES: u32 = 24;
/// SIM cards in a box.
pub(crate) const SIMS_PER_BOX: u32 = 8;
/// Accounts that receive the victims' money.
const MULES_PER_BOX: u32 = 3;
/// Accounts that pass it on, in two layers of equal size.
const LAYERS_PER_BOX: u32 = 6;
/// Accounts where it ends.
const COLLECTORS_PER_BOX: u32 = 2;
/// The most victims of a box.
const MAX_VICTIMS: u32 = 49;
/// People per independent laundering ring, and the most of those.
const PEOPLE_PER_RING: u32 = 120;
const MAX_RINGS: u32 = 200;

/// The people around one SIM box.
pub(crate) struct Gang {
    pub(crate) mules: Vec<u32>,
    pub(crate) layer_one: Vec<u32>,
    pub(crate) layer_two: Vec<u32>,
    pub(crate) collectors: Vec<u32>,
    pub(crate) victims: Vec<u32>,
}

/// Everybody with a part.
pub(crate) struct Cast {
    pub(crate) gangs: Vec<Gang>,
    /// Laundering rings that have nothing to do with a SIM box.
    pub(crate) rings: Vec<Vec<u32>>,
    /// All of the above, sorted.
    pub(crate) everybody: Vec<u32>,
    /// Mules and collectors: they hold several phones and accounts. Sorted.
    pub(crate) well_equipped: Vec<u32>,
}

impl Cast {
    pub(crate) fn choose(seed: u64, people: u32) -> Self {
        let order = Permutation::new(seed, Tag::Cast, u64::from(people));
        let mut next = 0_u64;
        let mut draw = |count: u32| -> Vec<u32> {
            (0..count)
                .map(|_| {
                    next += 1;
                    narrow(order.of(next - 1))
                })
                .collect()
        };
        let boxes = (people / PEOPLE_PER_BOX).clamp(1, MAX_BOXES);
        let victims = (people / 30).clamp(4, MAX_VICTIMS);
        let gangs: Vec<Gang> = (0..boxes)
            .map(|_| Gang {
                mules: draw(MULES_PER_BOX),
                layer_one: draw(LAYERS_PER_BOX / 2),
                layer_two: draw(LAYERS_PER_BOX / 2),
                collectors: draw(COLLECTORS_PER_BOX),
                victims: draw(victims),
            })
            .collect();
        let rings: Vec<Vec<u32>> = (0..(people / PEOPLE_PER_RING).clamp(1, MAX_RINGS))
            .map(|ring| {
                let size = 4 + Noise::new(seed, Tag::Ring, u64::from(ring) << 8).below(6);
                draw(narrow(size))
            })
            .collect();
        let mut everybody: Vec<u32> = gangs
            .iter()
            .flat_map(|g| {
                [
                    &g.mules,
                    &g.layer_one,
                    &g.layer_two,
                    &g.collectors,
                    &g.victims,
                ]
                .into_iter()
                .flatten()
            })
            .chain(rings.iter().flatten())
            .copied()
            .collect();
        everybody.sort_unstable();
        let mut well_equipped: Vec<u32> = gangs
            .iter()
            .flat_map(|g| g.mules.iter().chain(&g.collectors))
            .copied()
            .collect();
        well_equipped.sort_unstable();
        Self {
            gangs,
            rings,
            everybody,
            well_equipped,
        }
    }

    pub(crate) fn has(&self, person: u32) -> bool {
        self.everybody.binary_search(&person).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_plays_two_parts() {
        for people in [crate::MIN_PEOPLE, 300, 4_668, 100_000] {
            let cast = Cast::choose(5, people);
            let mut unique = cast.everybody.clone();
            unique.dedup();
            assert_eq!(unique.len(), cast.everybody.len(), "{people} people");
            assert!(unique.iter().all(|&p| p < people));
        }
    }
}
