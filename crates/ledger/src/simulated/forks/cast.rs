//! Who is in a network, and what befalls it when: all drawn before it begins, but for
//! what the weather and the villains do in each spell.

use std::collections::BTreeMap;

use rand::{RngExt as _, rngs::StdRng, seq::SliceRandom as _};

use super::wires::{Program, Sky};

/// Spells that a network lives through before it is left in peace.
const SPELLS: std::ops::RangeInclusive<usize> = 2..=3;
const SPELL_MS: std::ops::Range<u64> = 1_200..3_200;
/// Longest that a program is down, but for a silent villain's.
const DOWN_MS_MAX: u64 = 1_500;
/// The same where it is back soon.
const BACK_SOON_MS_MAX: u64 = 100;
/// Longest until another program starts at first.
const START_MS_MAX: u64 = 100;

/// What a villain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Villain {
    Twin,
    Withholder,
    Impersonator,
    Silent,
    Forgetful,
}

impl Villain {
    pub(super) const ALL: [Self; 5] = [
        Self::Twin,
        Self::Withholder,
        Self::Impersonator,
        Self::Silent,
        Self::Forgetful,
    ];
}

/// Who is in a network.
pub(super) struct Cast {
    pub(super) members: usize,
    /// Whose each program is: the members' first ones, then the twins' second ones.
    pub(super) programs: Vec<usize>,
    pub(super) villains: BTreeMap<usize, Villain>,
    /// Whether the villains go on when the weather is over.
    pub(super) restless: bool,
}

/// What befalls a network at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// Another weather, and villains of another mind.
    Spell,
    Dies(Program),
    Starts(Program),
}

fn one_of<T: Copy>(rng: &mut StdRng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

fn one_in(rng: &mut StdRng, count: u32) -> bool {
    rng.random_range(0..count) == 0
}

impl Cast {
    /// As many villains as a network withstands.
    pub(super) fn draw(rng: &mut StdRng) -> Self {
        let members = if one_in(rng, 10) { 7 } else { 4 };
        let mut villains = BTreeMap::new();
        while villains.len() < (members - 1) / 3 {
            // Twins are every second one: they do what the others can't.
            let kind = if rng.random() {
                Villain::Twin
            } else {
                one_of(rng, &Villain::ALL)
            };
            villains.insert(rng.random_range(0..members), kind);
        }
        Self::new(members, villains, rng.random())
    }

    /// Twins, one more than a network withstands.
    pub(super) fn too_many(rng: &mut StdRng) -> Self {
        let members = one_of(rng, &[4, 7]);
        let mut villains = BTreeMap::new();
        while villains.len() <= (members - 1) / 3 {
            villains.insert(rng.random_range(0..members), Villain::Twin);
        }
        Self::new(members, villains, true)
    }

    fn new(members: usize, villains: BTreeMap<usize, Villain>, restless: bool) -> Self {
        let twins = villains.iter().filter(|(_, kind)| **kind == Villain::Twin);
        Self {
            members,
            programs: (0..members).chain(twins.map(|(n, _)| *n)).collect(),
            villains,
            restless,
        }
    }

    pub(super) fn is_honest(&self, program: Program) -> bool {
        !self.villains.contains_key(&self.programs[program])
    }

    pub(super) fn honest(&self) -> Vec<Program> {
        let all = 0..self.members;
        all.filter(|program| self.is_honest(*program)).collect()
    }

    /// A twin's second program.
    fn second(&self, member: usize) -> Program {
        let seconds = &self.programs[self.members..];
        self.members + seconds.iter().position(|of| *of == member).unwrap()
    }

    /// What befalls whom when, in order, and when it is over.
    pub(super) fn events(&self, rng: &mut StdRng) -> (Vec<(u64, Event)>, u64) {
        let mut events = Vec::new();
        let mut end = 0;
        for _ in 0..rng.random_range(SPELLS) {
            events.push((end, Event::Spell));
            end += rng.random_range(SPELL_MS);
        }
        for (program, member) in self.programs.iter().enumerate() {
            let began = rng.random_range(0..START_MS_MAX);
            events.push((began, Event::Starts(program)));
            let silent = self.villains.get(member) == Some(&Villain::Silent);
            let deaths = match self.villains.get(member) {
                Some(Villain::Silent) => 1,
                Some(Villain::Forgetful) => rng.random_range(1..=2u8),
                Some(_) => u8::from(one_in(rng, 4)),
                None => u8::from(one_in(rng, 2)),
            };
            let mut at = began;
            for _ in 0..deaths {
                if at + 1 >= end {
                    break;
                }
                let latest = if silent { at + end / 4 } else { end };
                let dies = rng.random_range(at + 1..latest);
                // Some are back before the others go on without them.
                let down_ms = match (silent, rng.random::<bool>()) {
                    (true, _) => end / 2..end,
                    (false, true) => 0..DOWN_MS_MAX,
                    (false, false) => 0..BACK_SOON_MS_MAX,
                };
                at = (dies + 1 + rng.random_range(down_ms)).min(end);
                events.push((dies, Event::Dies(program)));
                events.push((at, Event::Starts(program)));
            }
        }
        events.sort_by_key(|(at, _)| *at);
        (events, end)
    }

    /// Changes the weather, or ends it, and the villains' minds.
    pub(super) fn spell(&self, sky: &mut Sky, stormy: bool, rng: &mut StdRng) {
        let honest = self.honest();
        // Programs need a second to meet each other; so the halves often stay.
        if sky.halves.is_empty() || rng.random() {
            sky.halves = self.halves(rng);
        }
        let halves = sky.halves.clone();
        sky.cut.clear();
        sky.posed.clear();
        sky.delay_ms_max = if stormy {
            one_of(rng, &[0, 5, 30, 150])
        } else {
            0
        };
        if stormy {
            self.weather(sky, &halves, rng);
        }
        for (member, kind) in &self.villains {
            match kind {
                Villain::Twin => self.split(*member, sky, &halves, rng),
                Villain::Withholder => {
                    for program in 0..self.programs.len() {
                        if program != *member && rng.random() {
                            sky.cut.insert((*member, program));
                        }
                    }
                }
                Villain::Impersonator if stormy => {
                    for (from, to) in pairs(&honest) {
                        if one_in(rng, 3) {
                            sky.posed.insert((from, to), *member);
                            sky.break_off(from, to);
                        }
                    }
                }
                Villain::Impersonator | Villain::Silent | Villain::Forgetful => {}
            }
        }
    }

    /// Which half of the network each member is in: of the honest as many as may be.
    fn halves(&self, rng: &mut StdRng) -> Vec<bool> {
        let mut halves: Vec<bool> = (0..self.members).map(|_| rng.random()).collect();
        let mut honest = self.honest();
        honest.shuffle(rng);
        for (place, program) in honest.iter().enumerate() {
            halves[*program] = 2 * place < honest.len();
        }
        halves
    }

    /// Wires that are cut in halves, one way, or here and there; some lose what they hold.
    fn weather(&self, sky: &mut Sky, halves: &[bool], rng: &mut StdRng) {
        let kind = rng.random_range(0..8u8);
        for (from, to) in pairs(&self.honest()) {
            let cut = match kind {
                0..4 => halves[from] != halves[to],
                4 => halves[from] && !halves[to],
                5..7 => one_in(rng, 4),
                _ => false,
            };
            if cut {
                sky.cut.insert((from, to));
            }
            if one_in(rng, 12) {
                sky.break_off(from, to);
            }
        }
    }

    /// Shares a network out among a twin's two programs.
    fn split(&self, twin: usize, sky: &mut Sky, halves: &[bool], rng: &mut StdRng) {
        let second = self.second(twin);
        let stray = one_of(rng, &[1_000, 1_000, 1_000, 4]);
        for other in (0..self.members).filter(|other| *other != twin) {
            if self.villains.get(&other) == Some(&Villain::Twin) {
                // The first programs meet each other, and so do the second.
                sky.meets.insert((second, other), self.second(other));
                continue;
            }
            let mut here = halves[other];
            if one_in(rng, stray) {
                here = !here;
            }
            sky.meets
                .insert((other, twin), if here { twin } else { second });
        }
    }
}

/// All pairs, both ways.
fn pairs(of: &[Program]) -> Vec<(Program, Program)> {
    let from = of.iter().flat_map(|a| of.iter().map(move |b| (*a, *b)));
    from.filter(|(a, b)| a != b).collect()
}
