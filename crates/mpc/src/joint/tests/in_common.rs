//! Sets in common, over three threads: the count first, and what hostile peers do.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use primitives::{Digest, InstitutionId, NetworkId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    Error, ErrorKind, Fault, Refusal, Trouble,
    joint::in_common::{Counted, Held, Terms, count, entry_bytes, hold, list_bytes, open, shown},
    lookup::Scope,
    psi::{
        Item, Set,
        many::{Holder, Names, Setup},
    },
    shares::{Channel, Neighbour, memory},
    vole::Code,
};

type Sets = [Vec<Vec<u8>>; 2];

fn names(numbers: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    numbers
        .map(|number| format!("phone:{number}").into_bytes())
        .collect()
}

/// Terms under which the sets fit, with `padding` dummies in the fullest part.
fn terms(sets: &Sets, parts: u16, padding: usize, run: u64) -> Terms {
    let digest = Digest::plain(b"in common");
    let institution = |name: &str| InstitutionId::new(name).unwrap();
    let mut setup = Setup {
        scope: Scope {
            network: NetworkId(digest),
            warrant: digest,
            plan: digest,
            run: Digest::of("in common run", &[&run.to_be_bytes()]),
        },
        step: 0,
        parts,
        holders: ["telecom_a", "power_b"]
            .map(|name| Holder {
                institution: institution(name),
                snapshot: digest,
                items: 0,
            })
            .to_vec(),
        receiver: institution("police"),
        counter: Some(institution("court")),
        name_bytes: 16,
    };
    // Which part an item is in depends on the sizes, so they leave some room.
    for (holder, set) in setup.holders.iter_mut().zip(sets) {
        let even = set.len().div_ceil(usize::from(parts));
        let spread = if parts == 1 { 0 } else { 6 + even / 2 };
        holder.items = u32::try_from(even + spread + padding).unwrap();
    }
    Terms {
        setup,
        code: Code::Conservative,
    }
}

/// One part of a set, with the names by place.
fn part(terms: &Terms, set: &[Vec<u8>], part: u16) -> (Set, Names) {
    let items = terms.setup.items();
    let hashed = set.iter().map(|name| (items.item(name).unwrap(), name));
    let (within, names): (Vec<Item>, Names) = hashed
        .filter(|(item, _)| item.part(terms.setup.parts) == part)
        .map(|(item, name)| (item, name.clone()))
        .unzip();
    (Set::new(&within), names)
}

type Results = ([Result<Held, Error>; 2], Result<Counted, Error>);

fn run<C: Channel + Send>(terms: &Terms, sets: &Sets, channels: [C; 3], seed: u64) -> Results {
    let [pivot, closer, counter] = channels;
    std::thread::scope(|scope| {
        let handles = [(0, pivot), (1, closer)].map(|(seat, mut channel)| {
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed * 2 + seat as u64);
                let (mut due, mut last) = (0, 0);
                let mut give = |number: u16| {
                    assert_eq!(number, due, "each part once, in order");
                    due += 1;
                    Ok(part(terms, &sets[seat], number))
                };
                let mut progress = |permille: usize| {
                    assert!((last..=1000).contains(&permille));
                    last = permille;
                    Ok(())
                };
                hold(
                    &mut channel,
                    seat,
                    terms,
                    &mut give,
                    &mut rng,
                    &mut progress,
                )
            })
        });
        let counter = scope.spawn(move || {
            let mut channel = counter;
            count(&mut channel, terms, &mut |permille| {
                assert!(permille <= 1000);
                Ok(())
            })
        });
        let held = handles.map(|handle| handle.join().unwrap());
        (held, counter.join().unwrap())
    })
}

fn common(sets: &Sets) -> Vec<Vec<u8>> {
    let [a, b]: [BTreeSet<_>; 2] = sets.each_ref().map(|set| set.iter().cloned().collect());
    (&a & &b).into_iter().collect()
}

/// The count and the answer are the ideal ones, and all that is signed fits.
fn check(terms: &Terms, sets: &Sets, (held, counted): Results) {
    let [pivot, closer] = held.map(Result::unwrap);
    let counted = counted.unwrap();
    let expected = common(sets);
    assert_eq!(counted.rows, expected.len() as u64);
    let lists = [&pivot.list, &closer.list];
    let bytes = list_bytes(terms).unwrap();
    for (seat, list) in lists.iter().enumerate() {
        assert_eq!(list.len(), bytes[seat]);
        assert_eq!(shown(terms, seat, list).unwrap(), counted.shown[seat]);
    }
    assert_eq!([pivot.shown, closer.shown], counted.shown);
    assert_ne!(pivot.shown, closer.shown);
    let opened = open(terms, &pivot.list, &closer.list).unwrap();
    let found: Vec<Vec<u8>> = opened.iter().map(|one| one.name.clone()).collect();
    assert_eq!(found, expected);
    // The entries are different ones, and each there.
    let entry = entry_bytes(terms).unwrap();
    for side in [0, 1] {
        let numbers: BTreeSet<usize> = opened.iter().map(|one| one.entries[side]).collect();
        assert_eq!(numbers.len(), expected.len());
        assert!(
            numbers
                .iter()
                .all(|at| (at + 1) * entry[side] <= bytes[side])
        );
    }
    assert_eq!(pivot.frames[Neighbour::Next as usize], closer.frames[0]);
    assert_eq!(closer.frames[Neighbour::Next as usize], counted.frames[0]);
    assert_eq!(counted.frames[Neighbour::Next as usize], pivot.frames[0]);
}

#[test]
fn the_count_and_the_answer_are_the_ideal_ones() {
    let cases: [(Sets, u16, usize); 9] = [
        ([vec![], vec![]], 1, 0),
        ([vec![], names(0..3)], 1, 2),
        ([names(0..1), names(0..1)], 1, 0),
        ([names(0..1), names(1..2)], 1, 5),
        ([names(0..40), names(0..40)], 1, 0),
        ([names(0..40), names(40..80)], 1, 3),
        ([names(7..9), names(0..900)], 1, 1),
        ([names(0..900), names(898..901)], 3, 0),
        ([names(0..120), names(60..200)], 4, 2),
    ];
    for (seed, (sets, parts, padding)) in (0..).zip(cases) {
        let terms = terms(&sets, parts, padding, seed);
        check(&terms, &sets, run(&terms, &sets, memory::channels(), seed));
    }
}

#[test]
fn repeated_items_count_once() {
    let sets = [
        [names(0..9), names(3..9)].concat(),
        [names(5..12), names(5..6)].concat(),
    ];
    let terms = terms(&sets, 2, 0, 1);
    check(&terms, &sets, run(&terms, &sets, memory::channels(), 1));
}

#[test]
fn a_channel_that_holds_few_frames_is_enough() {
    // Vectors of several frames one way, and tags.
    let sets = [names(0..140_000), names(139_990..140_020)];
    let terms = terms(&sets, 1, 0, 1);
    check(&terms, &sets, run(&terms, &sets, memory::channels(), 1));
}

/// What a seat does to one of the channel's frames that it sends.
#[derive(Clone, Copy, Debug)]
enum Deed {
    FlipBit,
    Garbage,
    Huge,
    Empty,
    Truncate,
    Lengthen,
    Repeat,
    Vanish,
}

const DEEDS: [Deed; 8] = [
    Deed::FlipBit,
    Deed::Garbage,
    Deed::Huge,
    Deed::Empty,
    Deed::Truncate,
    Deed::Lengthen,
    Deed::Repeat,
    Deed::Vanish,
];

struct Villain<'a> {
    inner: memory::MemoryChannel,
    deed: Option<(usize, Deed)>,
    sent: &'a AtomicUsize,
    largest: &'a AtomicUsize,
    rng: StdRng,
}

impl Villain<'_> {
    fn alter(&mut self, deed: Deed, mut frame: Vec<u8>) -> Result<Vec<Vec<u8>>, Trouble> {
        match deed {
            Deed::FlipBit => {
                let bit = self.rng.random_range(0..8 * frame.len());
                frame[bit / 8] ^= 1 << (bit % 8);
            }
            Deed::Garbage => self.rng.fill(&mut frame[..]),
            Deed::Huge => frame = vec![0xff; 4],
            Deed::Empty => frame = vec![0; 4],
            Deed::Truncate => drop(frame.pop()),
            Deed::Lengthen => frame.push(0),
            Deed::Repeat => return Ok(vec![frame.clone(), frame]),
            Deed::Vanish => return Err(Trouble::PeerLost),
        }
        Ok(vec![frame])
    }
}

impl Channel for Villain<'_> {
    fn send(&mut self, to: Neighbour, frame: Vec<u8>) -> Result<(), Trouble> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let frames = match self.deed {
            Some((at, deed)) if at == number => self.alter(deed, frame)?,
            _ => vec![frame],
        };
        frames
            .into_iter()
            .try_for_each(|frame| self.inner.send(to, frame))
    }

    fn receive(&mut self, from: Neighbour, bytes: usize) -> Result<Vec<u8>, Trouble> {
        self.largest.fetch_max(bytes, Ordering::Relaxed);
        self.inner.receive(from, bytes)
    }
}

/// A run in which one seat does its deed, the frames that it sent, and the most bytes
/// that anybody waited for.
fn act(
    terms: &Terms,
    sets: &Sets,
    villain: usize,
    deed: Option<(usize, Deed)>,
) -> (Results, usize, usize) {
    let sent = [0; 3].map(AtomicUsize::new);
    let largest = AtomicUsize::new(0);
    let mut seat = 0;
    let channels = memory::channels().map(|inner| {
        seat += 1;
        Villain {
            inner,
            deed: deed.filter(|_| seat - 1 == villain),
            sent: &sent[seat - 1],
            largest: &largest,
            rng: StdRng::seed_from_u64(5),
        }
    });
    let results = run(terms, sets, channels, 3);
    (
        results,
        sent[villain].load(Ordering::Relaxed),
        largest.load(Ordering::Relaxed),
    )
}

#[test]
fn altered_bytes_end_in_an_abort_or_the_right_count() {
    let sets = [names(0..9), names(6..20)];
    let terms = terms(&sets, 1, 1, 1);
    for villain in 0..3 {
        let (honest, frames, _) = act(&terms, &sets, villain, None);
        check(&terms, &sets, honest);
        for at in 0..frames {
            let deed = DEEDS[(at + villain) % DEEDS.len()];
            let ((held, counted), _, largest) = act(&terms, &sets, villain, Some((at, deed)));
            let case = format!("seat {villain}, frame {at}, {deed:?}");
            assert!(largest <= 1 << 20, "{case}");
            if let Ok(counted) = &counted {
                assert_eq!(counted.rows, 3, "{case}");
            }
            if let [Ok(pivot), Ok(closer)] = &held {
                let opened = open(&terms, &pivot.list, &closer.list).unwrap();
                assert_eq!(opened.len(), 3, "{case}");
            }
            let errors = held.iter().map(|held| held.as_ref().err());
            let errors: Vec<&Error> = errors.chain([counted.as_ref().err()]).flatten().collect();
            // A last frame may come twice, and nobody waits for it.
            assert!(!errors.is_empty() || matches!(deed, Deed::Repeat), "{case}");
            for error in errors {
                let known = matches!(
                    error.kind(),
                    ErrorKind::Fault { .. } | ErrorKind::Trouble(Trouble::PeerLost)
                );
                assert!(known, "{case}: {error}");
            }
        }
    }
}

#[test]
fn a_length_that_no_frame_has_is_a_fault_and_nothing_is_awaited() {
    let sets = [names(0..9), names(6..20)];
    let terms = terms(&sets, 1, 0, 1);
    // The closer's first frame's length goes to the pivot.
    for deed in [Deed::Huge, Deed::Empty, Deed::Truncate, Deed::Lengthen] {
        let ((held, _), _, largest) = act(&terms, &sets, 1, Some((0, deed)));
        let error = held.into_iter().next().unwrap().err().unwrap();
        assert_eq!(error.fault(), Some(Fault::Malformed), "{deed:?}");
        assert!(largest <= 1 << 20);
    }
}

#[test]
fn a_seat_that_never_comes_is_lost_to_the_others() {
    let sets = [names(0..9), names(6..20)];
    let terms = terms(&sets, 1, 0, 1);
    for gone in 0..3 {
        let ((held, counted), ..) = act(&terms, &sets, gone, Some((0, Deed::Vanish)));
        let lost = |error: Option<&Error>| {
            let error = error.unwrap();
            assert_eq!(*error.kind(), ErrorKind::Trouble(Trouble::PeerLost));
        };
        held.iter().for_each(|held| lost(held.as_ref().err()));
        lost(counted.as_ref().err());
    }
}

#[test]
fn a_caller_cancels() {
    let sets = [names(0..9), names(6..20)];
    let terms = terms(&sets, 1, 0, 1);
    let [mut pivot, mut closer, mut counter] = memory::channels();
    std::thread::scope(|scope| {
        let (terms, sets) = (&terms, &sets);
        let cancelled = scope.spawn(move || {
            let mut rng = StdRng::seed_from_u64(1);
            let mut give = |number| Ok(part(terms, &sets[0], number));
            let mut progress = |permille| match permille {
                500.. => Err(Refusal::Aborted.into()),
                _ => Ok(()),
            };
            let held = hold(&mut pivot, 0, terms, &mut give, &mut rng, &mut progress);
            drop(pivot);
            held.err().and_then(|error| error.refusal())
        });
        let lost = scope.spawn(move || {
            let mut rng = StdRng::seed_from_u64(2);
            let mut give = |number| Ok(part(terms, &sets[1], number));
            let held = hold(&mut closer, 1, terms, &mut give, &mut rng, &mut |_| Ok(()));
            drop(closer);
            held.err()
        });
        assert!(count(&mut counter, terms, &mut |_| Ok(())).is_err());
        assert_eq!(cancelled.join().unwrap(), Some(Refusal::Aborted));
        let error = lost.join().unwrap().unwrap();
        assert_eq!(*error.kind(), ErrorKind::Trouble(Trouble::PeerLost));
    });
}

#[test]
fn terms_and_lists_that_do_not_fit_are_refused() {
    let sets = [names(0..9), names(6..20)];
    let good = terms(&sets, 2, 0, 1);
    let refused = |change: &dyn Fn(&mut Setup)| {
        let mut terms = good.clone();
        change(&mut terms.setup);
        let error = list_bytes(&terms).err();
        error.and_then(|error| error.refusal()) == Some(Refusal::ParameterRange)
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|setup| setup.counter = None));
    assert!(refused(
        &|setup| setup.counter = Some(setup.receiver.clone())
    ));
    assert!(refused(&|setup| {
        setup.counter = Some(setup.holders[1].institution.clone());
    }));
    assert!(refused(&|setup| {
        setup.receiver = setup.holders[0].institution.clone();
        setup.name_bytes = 0;
    }));
    assert!(refused(&|setup| {
        let mut third = setup.holders[0].clone();
        third.institution = InstitutionId::new("water_c").unwrap();
        setup.holders.push(third);
    }));
    // More items over all parts than a list can number.
    assert!(refused(&|setup| {
        setup.parts = 4096;
        setup.holders[0].items = 1 << 24;
    }));
    let (held, _) = run(&good, &sets, memory::channels(), 1);
    let [pivot, closer] = held.map(Result::unwrap);
    let fault = |seat: usize, list: &[u8]| {
        let found = shown(&good, seat, list)
            .err()
            .and_then(|error| error.fault());
        let (pivot, closer): (&[u8], &[u8]) = if seat == 0 {
            (list, &closer.list)
        } else {
            (&pivot.list, list)
        };
        let opened = open(&good, pivot, closer).err();
        assert_eq!(opened.and_then(|error| error.fault()), found);
        found
    };
    let entry = entry_bytes(&good).unwrap();
    for (seat, list) in [&pivot.list, &closer.list].into_iter().enumerate() {
        assert_eq!(fault(seat, list), None);
        assert_eq!(fault(seat, &list[1..]), Some(Fault::Malformed));
        assert_eq!(fault(seat, &[]), Some(Fault::Malformed));
        let mut swapped = list.to_vec();
        let (first, rest) = swapped.split_at_mut(entry[seat]);
        first.swap_with_slice(&mut rest[..entry[seat]]);
        assert_eq!(fault(seat, &swapped), Some(Fault::TagsUnordered));
        let mut repeated = list.to_vec();
        repeated.copy_within(..entry[seat], entry[seat]);
        assert_eq!(fault(seat, &repeated), Some(Fault::TagsUnordered));
    }
    assert!(shown(&good, 2, &pivot.list).is_err());
}
