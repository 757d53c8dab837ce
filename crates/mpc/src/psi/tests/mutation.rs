//! Every message of every protocol, changed in every way: the session is aborted
//! or its answer is right, never wrong.

use rand::{RngExt, rngs::StdRng};

use super::{cardinality, circuit, counted, diffie_hellman, many, rr22, whole, world::*};
use crate::{Error, psi::*};

/// What becomes of one frame.
#[derive(Clone, Copy, Debug)]
enum Change {
    FlipBit,
    ZeroRange,
    Truncate,
    Extend,
    Empty,
    Drop,
    Repeat,
    SwapWithNext,
    OtherKind,
    OtherVersion,
    /// The frame of the same place in a session of another run.
    Replay,
    /// Two runs of sixteen bytes change places.
    Reorder,
    IdentityElement,
    NotCanonical,
}

const CHANGES: [Change; 14] = [
    Change::FlipBit,
    Change::ZeroRange,
    Change::Truncate,
    Change::Extend,
    Change::Empty,
    Change::Drop,
    Change::Repeat,
    Change::SwapWithNext,
    Change::OtherKind,
    Change::OtherVersion,
    Change::Replay,
    Change::Reorder,
    Change::IdentityElement,
    Change::NotCanonical,
];

struct Mutator<'a> {
    target: usize,
    change: Change,
    other: &'a [Vec<u8>],
    rng: StdRng,
    frames: usize,
    held: Option<Vec<u8>>,
    changed: bool,
}

impl Wire for Mutator<'_> {
    fn carry(&mut self, index: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
        if let Some(held) = self.held.take() {
            return vec![frame, held];
        }
        // Frames of a second step have numbers of their own.
        let index = if index < 1000 {
            index
        } else {
            self.frames - 2 + index - 1000
        };
        if index != self.target {
            return vec![frame];
        }
        let arrived = self.mutate(index, frame.clone());
        self.changed = arrived != [frame];
        arrived
    }
}

impl Mutator<'_> {
    fn mutate(&mut self, index: usize, mut frame: Vec<u8>) -> Vec<Vec<u8>> {
        let length = frame.len();
        let body = 2..length;
        match self.change {
            Change::FlipBit => {
                let bit = self.rng.random_range(0..8 * length);
                frame[bit / 8] ^= 1 << (bit % 8);
            }
            Change::ZeroRange => {
                if !body.is_empty() {
                    let start = self.rng.random_range(body);
                    let end = (start + 16).min(length);
                    frame[start..end].fill(0);
                }
            }
            Change::Truncate => frame.truncate(self.rng.random_range(0..length)),
            Change::Extend => {
                let more = self.rng.random_range(1..40);
                frame.extend((0..more).map(|_| self.rng.random::<u8>()));
            }
            Change::Empty => frame.clear(),
            Change::Drop => return vec![],
            Change::Repeat => return vec![frame.clone(), frame],
            Change::SwapWithNext => {
                self.held = Some(frame);
                return vec![];
            }
            Change::OtherKind => frame[1] = self.rng.random_range(0..24),
            Change::OtherVersion => frame[0] = self.rng.random(),
            Change::Replay => frame = self.other.get(index).cloned().unwrap_or_default(),
            Change::Reorder => {
                if length > 40 {
                    let (start, end) = frame.split_at_mut(length - 16);
                    start[6..22].swap_with_slice(end);
                }
            }
            // Element lists begin after version, kind and number.
            Change::IdentityElement => {
                if length >= 38 {
                    frame[6..38].fill(0);
                }
            }
            Change::NotCanonical => {
                if length >= 38 {
                    frame[6..38].fill(0xff);
                }
            }
        }
        vec![frame]
    }
}

/// Records every frame.
struct Recorder(Vec<Vec<u8>>);

impl Wire for Recorder {
    fn carry(&mut self, _: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
        self.0.push(frame.clone());
        vec![frame]
    }
}

/// Runs `session` of the run and under the seed with a wire, and gives the answer.
type Run<'a> = &'a dyn Fn(u64, u64, &mut dyn Wire) -> Result<Vec<u32>, Error>;

fn mutate_everything(run: Run<'_>, rounds: u64, expected: &[u32]) {
    let (aborts, frames) = mutate(run, &CHANGES, rounds, expected);
    assert!(aborts > frames * 8);
}

/// Gives the number of aborts, and of frames.
fn mutate(run: Run<'_>, changes: &[Change], rounds: u64, expected: &[u32]) -> (usize, usize) {
    let mut other = Recorder(Vec::new());
    run(99, 99, &mut other).unwrap();
    let mut honest = Recorder(Vec::new());
    assert_eq!(run(1, 1, &mut honest).unwrap(), expected);
    let mut aborts = 0;
    for target in 0..honest.0.len() {
        for change in changes.iter().copied() {
            for round in 0..rounds {
                let mut wire = Mutator {
                    target,
                    change,
                    other: &other.0,
                    rng: rng(round),
                    frames: honest.0.len(),
                    held: None,
                    changed: false,
                };
                match run(1, 1, &mut wire) {
                    Ok(answer) => {
                        assert_eq!(answer, expected, "frame {target}, {change:?}, {round}");
                        assert!(
                            !wire.changed,
                            "frame {target}, {change:?}, {round} accepted"
                        );
                    }
                    Err(error) => {
                        aborts += 1;
                        let _ = error.to_string();
                    }
                }
            }
        }
    }
    (aborts, honest.0.len())
}

fn selectors(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|n| format!("phone:{n}").into_bytes()).collect()
}

fn instance() -> Instance {
    Instance {
        receiver: selectors(0..30),
        sender: selectors(22..60),
        padded: [33, 40],
    }
}

#[test]
fn rr22_aborts_or_answers_right() {
    let instance = instance();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    for protocol in [Security::Malicious, Security::SemiHonest].map(Protocol::Rr22) {
        let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
            let setup = setup(protocol, 33, 40, run);
            let mut pair = rr22::pair(&setup, &instance, &mut rng(seed));
            drive(&mut pair, wire)?;
            pair.receiver.finish().map(|(found, _)| found)
        };
        mutate_everything(&run, 12, &expected);
    }
}

#[test]
fn parts_with_their_correlations_abort_or_answer_right() {
    let instance = instance();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    let protocol = Protocol::Rr22(Security::Malicious);
    let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
        let setup = whole::setup_of(protocol, 2, &instance, run);
        let mut pair = whole::pair(&setup, &instance, &mut rng(seed));
        drive(&mut pair, wire)?;
        pair.receiver.finish().map(|(found, _)| found)
    };
    // A part's messages have their own tests, the correlation's too; here it is what
    // goes from part to part.
    let changes = [Change::FlipBit, Change::SwapWithNext];
    let (aborts, frames) = mutate(&run, &changes, 1, &expected);
    assert!(aborts > frames);
}

#[test]
fn diffie_hellman_aborts_or_answers_right() {
    let instance = instance();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
        let setup = setup(Protocol::DiffieHellman, 33, 40, run);
        let mut pair = diffie_hellman::pair(&setup, &instance, &mut rng(seed));
        drive(&mut pair, wire)?;
        pair.receiver.finish().map(|(found, _)| found)
    };
    mutate_everything(&run, 4, &expected);
}

#[test]
fn cardinality_aborts_or_answers_right() {
    let instance = instance();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    let run = |_: u64, seed: u64, wire: &mut dyn Wire| {
        let (count, found) = cardinality::both_steps(&instance, seed, wire)?;
        assert_eq!(count, found.len());
        Ok(found)
    };
    mutate_everything(&run, 4, &expected);
}

#[test]
fn many_abort_or_answer_right() {
    let sets = [selectors(0..30), selectors(5..40), selectors(22..60)];
    for receiver in [Some(1), None] {
        let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
            let setup = many::setup(&sets, receiver, 3, run);
            many::answer(&setup, &sets, &mut rng(seed), wire)
        };
        mutate_everything(&run, 2, &many::common(&sets, receiver));
    }
}

#[test]
fn counts_abort_or_are_right() {
    let sets = [selectors(0..30), selectors(5..40), selectors(22..60)];
    for parts in [1, 2] {
        let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
            let setup = counted::setup(&sets, parts, 3, run);
            counted::answer(&setup, &sets, &mut rng(seed), wire)
        };
        // Of two parts, that both are bound together is what is new.
        let changes = if parts == 1 { &CHANGES[..] } else { &SOME };
        let (aborts, frames) = mutate(&run, changes, 1, &many::common(&sets, None));
        assert!(aborts > frames * changes.len() / 2);
    }
}

/// Changes of whole frames.
const SOME: [Change; 3] = [Change::FlipBit, Change::Drop, Change::Replay];

#[test]
fn circuit_aborts_or_answers_right() {
    let instance = instance();
    let expected = ideal::intersection(&instance.receiver, &instance.sender);
    let run = |run: u64, seed: u64, wire: &mut dyn Wire| {
        let setup = setup(Protocol::Circuit { words: 1 }, 33, 40, run);
        let payload = vec![(0..38).collect()];
        let session = setup.open(0, Security::SemiHonest).unwrap();
        let mut pair = circuit::pair(&setup, &instance, &payload, &mut rng(seed));
        drive(&mut pair, wire)?;
        let rows = circuit::in_the_clear(&session, pair)?;
        assert!(rows.iter().all(|(_, found, words)| *found || words[0] == 0));
        Ok(rows
            .iter()
            .filter(|(_, found, _)| *found)
            .map(|(place, _, _)| *place)
            .collect())
    };
    mutate_everything(&run, 4, &expected);
}
