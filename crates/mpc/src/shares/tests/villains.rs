//! A party that alters one frame: the others abort, or come to the right answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    Trouble,
    shares::{
        Channel, Neighbour,
        check::{Made, Over},
        column::Pair,
        memory::MemoryChannel,
    },
};

/// What the villain does to one of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    AddOne,
    AddHighBit,
    FlipLastBit,
    Header,
    Drop,
    Repeat,
    Truncate,
    Lengthen,
    Replay,
    Zero,
}

pub(crate) const DEEDS: [Deed; 10] = [
    Deed::AddOne,
    Deed::AddHighBit,
    Deed::FlipLastBit,
    Deed::Header,
    Deed::Drop,
    Deed::Repeat,
    Deed::Truncate,
    Deed::Lengthen,
    Deed::Replay,
    Deed::Zero,
];

const HEADER: usize = crate::shares::frame::HEADER_BYTES;

struct Villain {
    inner: MemoryChannel,
    deed: Option<(usize, Deed)>,
    sent: Arc<AtomicUsize>,
    before: Option<Vec<u8>>,
}

impl Villain {
    /// The altered frames, or none where the deed changes nothing.
    fn alter(&self, deed: Deed, frame: &[u8]) -> Vec<Vec<u8>> {
        let mut altered = frame.to_vec();
        let word = |frame: &mut Vec<u8>, add: u64| {
            let Some(bytes) = frame.get_mut(HEADER..HEADER + 8) else {
                return;
            };
            let word = u64::from_le_bytes(bytes.try_into().unwrap());
            bytes.copy_from_slice(&word.wrapping_add(add).to_le_bytes());
        };
        match deed {
            Deed::AddOne => word(&mut altered, 1),
            Deed::AddHighBit => word(&mut altered, 1 << 63),
            Deed::FlipLastBit => *altered.last_mut().unwrap() ^= 0x80,
            Deed::Header => altered[9] ^= 1,
            Deed::Drop => return vec![],
            Deed::Repeat => return vec![altered.clone(), altered],
            Deed::Truncate => drop(altered.pop()),
            Deed::Lengthen => altered.extend([0; 8]),
            Deed::Replay => altered = self.before.clone().unwrap_or_default(),
            Deed::Zero => altered[HEADER..].fill(0),
        }
        vec![altered]
    }
}

impl Channel for Villain {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Trouble> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let frames = match self.deed {
            Some((at, deed)) if at == number => self.alter(deed, &frame),
            _ => vec![frame.clone()],
        };
        self.before = Some(frame);
        // Who holds back a frame and waits is ended by the channel's own limit of
        // time; here it ends at once.
        if frames.is_empty() {
            return Err(Trouble::PeerLost);
        }
        for frame in frames {
            self.inner.send(to, frame)?;
        }
        Ok(())
    }

    fn receive(&mut self, from: Neighbour, bytes: usize) -> Result<Vec<u8>, Trouble> {
        self.inner.receive(from, bytes)
    }
}

type Opened = (Vec<u64>, Vec<i64>, Vec<Vec<u64>>);

/// Every kind of message: inputs, products of both rings, conversions, a
/// shuffle, a sort, openings.
fn program(party: &mut Party<'_>) -> Result<Opened, Error> {
    let words = give(party, "x", &[5, 1, 9, 3, 3], 8)?;
    let number = party.words_to_arith(&words)?;
    let square = party.mul(&number, &number)?;
    let flags = party.at_least(&square, 9)?;
    let (sorted, _) = party.sort(std::slice::from_ref(&words), &[])?;
    let sorted = party.open_words(&sorted[0])?;
    let total = party.open(&square.sum()?)?;
    let rows = party.open_flagged(&flags, &[words], 5)?;
    Ok((sorted, total, rows))
}

/// A run in which one party does its deed to one of its frames; what each came
/// to, and how many frames the villain sent.
pub(crate) fn act<T: Send>(
    villain: usize,
    deed: Option<(usize, Deed)>,
    seed: u64,
    program: impl Fn(&mut Party<'_>) -> Result<T, Error> + Sync,
) -> ([Result<T, Error>; 3], usize) {
    let sent = Arc::new(AtomicUsize::new(0));
    let mut index = 0;
    let channels = memory::channels().map(|inner| {
        index += 1;
        let own = index - 1 == villain;
        Villain {
            inner,
            deed: deed.filter(|_| own),
            sent: if own { sent.clone() } else { Arc::default() },
            before: None,
        }
    });
    let results = memory::run_over(Security::Malicious, seed, channels, program);
    (results, sent.load(Ordering::Relaxed))
}

fn right(opened: &Opened) -> bool {
    let mut rows = opened.2.clone();
    rows[0].sort_unstable();
    opened.0 == [1, 3, 3, 5, 9] && opened.1 == [125] && rows[0] == [3, 3, 5, 9]
}

/// Every frame of every party, one deed a frame in turn, so that every kind of
/// frame meets every deed. Whoever does not abort has the right answer, and what
/// changes a frame is noticed by somebody.
#[test]
fn one_altered_frame_is_found_or_harmless() {
    for villain in 0..3 {
        let (honest, frames) = act(villain, None, 77, program);
        assert!(honest.iter().all(|result| right(result.as_ref().unwrap())));
        for number in 0..frames {
            let turn = number + villain;
            let deed = DEEDS[turn % DEEDS.len()];
            let (results, _) = act(villain, Some((number, deed)), 77, program);
            let mut aborted = 0;
            for (party, result) in results.iter().enumerate() {
                match result {
                    Ok(opened) => {
                        let said = format!("{villain} frame {number} {deed:?}: {party}");
                        assert!(right(opened), "{said} accepted {opened:?}");
                    }
                    Err(error) => {
                        let refusal = error.refusal();
                        assert!(refusal.is_none(), "{refusal:?} of an honest run");
                        aborted += 1;
                    }
                }
            }
            // A last frame twice is never read; all else is noticed.
            let harmless = deed == Deed::Repeat && number + 2 >= frames;
            assert!(aborted > 0 || harmless, "{villain} frame {number} {deed:?}");
        }
    }
}

/// The claim that a column's squares are what somebody says.
fn made<'a>(x: &'a Pair, z: &'a Pair) -> Made<'a> {
    Made { x, y: x, z }
}

/// The additive attack on a product, as a party that computes wrongly would make
/// it: frames and transcripts agree, only the word is wrong.
#[test]
fn a_party_that_computes_wrongly_is_caught() {
    for villain in 0..3 {
        for (seed, error) in [1, 2, 1 << 40, 1 << 62, 1 << 63, u64::MAX]
            .into_iter()
            .enumerate()
        {
            for count in [1, 300, 5000] {
                let results = memory::run(Security::Malicious, seed as u64, |party| {
                    let x = party.constant(3, count)?;
                    let wrong = if party.index() == villain { error } else { 0 };
                    let mut y = x.clone();
                    // Its own copy of a component: an error in its term alone.
                    y.pair.mine[count / 2] = y.pair.mine[count / 2].wrapping_add(wrong);
                    let mut factor = x.clone();
                    factor.pair.mine[count / 2] = factor.pair.mine[count / 2].wrapping_add(wrong);
                    let z = party.mul(&factor, &y)?;
                    party.pending.products = crate::shares::check::Log::default();
                    party.claim(Over::Numbers, made(&x.pair, &z.pair))?;
                    party.open(&z)
                });
                for (party, result) in results.iter().enumerate().filter(|(at, _)| *at != villain) {
                    if let Ok(opened) = result {
                        let fine = opened.iter().all(|product| *product == 9);
                        assert!(fine, "{party} accepted {error:#x} of {villain}");
                    }
                }
            }
        }
    }
}

/// The same for bits: one wrong bit among many.
#[test]
fn a_wrong_bit_is_caught() {
    for villain in 0..3 {
        // The last are so many words that they are checked where they stand.
        for (count, width) in [
            (1usize, 1),
            (64, 1),
            (20_000, 1),
            (300_000, 1),
            (1 << 19, 64),
        ] {
            let results = memory::run(Security::Malicious, count as u64, |party| {
                let x = party.public_words(&vec![1; count], width).to_bits();
                let mut z = party.and(&x, &x)?;
                let last = z.pair.mine.len() - 1;
                // The villain's term, and what its neighbour got of it.
                if party.index() == villain {
                    z.pair.mine[last] ^= 1;
                }
                if party.index() == (villain + 2) % 3 {
                    z.pair.next[last] ^= 1;
                }
                party.pending.ands = crate::shares::check::Log::default();
                party.claim(Over::Bits, made(&x.pair, &z.pair))?;
                party.open_bits(&z)
            });
            for result in results {
                let fault = result.err().and_then(|error| error.fault());
                assert!(matches!(fault, Some(Fault::ProductWrong)), "{fault:?}");
            }
        }
    }
}

/// And for numbers, at every size of the check's folds.
#[test]
fn a_wrong_product_is_caught_at_every_size() {
    // The last are so many that they are checked where they stand.
    for count in [1, 2, 3, 255, 256, 1000, 4095, 4096, 70_000, 1 << 19] {
        for error in [1, 1 << 63] {
            let results = memory::run(Security::Malicious, count as u64, |party| {
                let x = party.constant(3, count)?;
                let mut z = party.mul(&x, &x)?;
                let at = count * 2 / 3;
                z.pair.add_public(party.index(), at, error);
                party.pending.products = crate::shares::check::Log::default();
                party.claim(Over::Numbers, made(&x.pair, &z.pair))?;
                party.open(&z)
            });
            for result in results {
                let fault = result.err().and_then(|error| error.fault());
                assert!(
                    matches!(fault, Some(Fault::ProductWrong)),
                    "{count} {fault:?}"
                );
            }
        }
    }
}

/// The villain changes the first row of both its hops; so many rows that the
/// two do not fall on one row, where they would cancel.
#[test]
fn a_shuffle_that_changes_a_row_is_caught() {
    for villain in 0..3 {
        for column in 0..2 {
            let results = memory::run(Security::Malicious, 5, |party| {
                let columns = [
                    party.public_words(&(0..100).collect::<Vec<_>>(), 64),
                    party.public_words(&(100..200).collect::<Vec<_>>(), 64),
                ];
                party.corrupt_hop = (party.index() == villain).then_some(column);
                let moved = party.shuffle(&columns)?;
                party.open_words(&moved[0])
            });
            for (_, result) in results.iter().enumerate().filter(|(at, _)| *at != villain) {
                let fault = result.as_ref().err().and_then(Error::fault);
                assert!(
                    matches!(fault, Some(Fault::ShuffleWrong)),
                    "{villain} {column} {result:?}"
                );
            }
        }
    }
}

#[test]
fn an_owner_that_tells_two_stories_is_found_out() {
    for liar in 0..3 {
        let results = memory::run(Security::SemiHonest, 1, |party| {
            let binding = binding("x", 2, 8);
            let mut messages = share(&binding, &[3, 4], &mut StdRng::seed_from_u64(1))?;
            *messages[liar].last_mut().unwrap() = 0;
            messages[liar][33] ^= 1;
            party.receive_input(&binding, &messages[party.index()])?;
            // What one party found, all learn at the latest here.
            party.sync()
        });
        assert!(results.iter().all(Result::is_err));
        let faults = results
            .iter()
            .filter_map(|result| result.as_ref().err()?.fault());
        assert!(faults.clone().count() >= 1);
        assert!(
            faults
                .into_iter()
                .all(|fault| fault == Fault::ShareMismatch || fault == Fault::Malformed)
        );
    }
}

#[test]
fn an_owners_message_for_another_run_or_out_of_range_is_refused() {
    let deeds: [fn(&mut Vec<u8>); 5] = [
        |message| message[0] ^= 1,
        |message| message[32] = 3,
        |message| message.truncate(message.len() - 1),
        |message| message.push(0),
        |message| message[33 + 7] = 1,
    ];
    for deed in deeds {
        let results = memory::run(Security::SemiHonest, 1, |party| {
            let binding = binding("x", 2, 8);
            let mut messages = share(&binding, &[3, 4], &mut StdRng::seed_from_u64(1))?;
            let me = party.index();
            assert!(binding.fits(me, &messages[me])?);
            assert!(!binding.fits((me + 1) % 3, &messages[me])?);
            deed(&mut messages[me]);
            assert!(!binding.fits(me, &messages[me])?);
            party
                .receive_input(&binding, &messages[party.index()])
                .map(|_| ())
        });
        for result in results {
            assert_eq!(result.unwrap_err().fault(), Some(Fault::Malformed));
        }
    }
}

#[test]
fn after_an_abort_nothing_is_answered() {
    let results = memory::run(Security::Malicious, 1, |party| {
        let binding = binding("x", 1, 8);
        let first = party.receive_input(&binding, &[]).err().unwrap();
        assert_eq!(first.fault(), Some(Fault::Malformed));
        let number = party.constant(1, 1)?;
        Ok(party.open(&number).unwrap_err().refusal())
    });
    for result in results {
        assert_eq!(result.unwrap(), Some(Refusal::Aborted));
    }
}
