//! Invented names and addresses.
//!
//! *Invariant*: a name is made of syllables that are drawn together, never taken from a list of
//! people, so a likeness to anybody is chance. Surnames are made of two syllables too.

use crate::noise::{Noise, Tag};

const HAN_FIRST: [&str; 12] = [
    "岚", "柯", "渥", "翎", "砚", "蘅", "澈", "棠", "骁", "沅", "霁", "槿",
];
const HAN_LAST: [&str; 16] = [
    "一禾", "望川", "拾月", "知微", "听澜", "牧野", "栖迟", "南枝", "星阑", "若谷", "逐光", "清越",
    "半夏", "云岫", "见山", "初九",
];
const ONSET: [&str; 14] = [
    "Vel", "Tor", "Mar", "Quin", "Bel", "Dra", "Fen", "Hol", "Kes", "Lor", "Nim", "Pra", "Ros",
    "Zan",
];
const CODA: [&str; 12] = [
    "dra", "vik", "lume", "tesk", "marn", "owin", "ilde", "uska", "arro", "enth", "obel", "ynn",
];
const STREET: [&str; 10] = [
    "Lantern", "Mulberry", "Ferry", "Kiln", "Orchard", "Weaver", "Bridge", "Granary", "Heron",
    "Quarry",
];
const KIND: [&str; 5] = ["Road", "Lane", "Street", "Alley", "Court"];

/// The name of a person: three in five Chinese, the rest in Latin letters.
pub(crate) fn person(seed: u64, person: u32) -> String {
    let mut noise = Noise::new(seed, Tag::Person, u64::from(person) << 2);
    if noise.per_mille(600) {
        format!("{}{}", noise.pick(&HAN_FIRST), noise.pick(&HAN_LAST))
    } else {
        let mut word = || format!("{}{}", noise.pick(&ONSET), noise.pick(&CODA));
        format!("{} {}", word(), word())
    }
}

/// A household's address.
pub(crate) fn address(seed: u64, household: u64) -> String {
    let mut noise = Noise::new(seed, Tag::Premise, household << 1);
    let (flat, number) = (1 + noise.below(40), 1 + noise.below(400));
    format!(
        "Flat {flat}, {number} {} {}",
        noise.pick(&STREET),
        noise.pick(&KIND)
    )
}
