//! The count first: it is the number of names that open, and the counter's view is
//! sizes and the count.

use primitives::{Digest, InstitutionId};
use rand::{Rng as _, RngExt as _, rngs::StdRng};

use super::{
    many::{self, Role, Sets, refusal, selectors, spoiled, three},
    world::{Honest, Wire, rng},
};
use crate::{
    Error, Fault, Refusal,
    psi::{
        frames::{fixed, kind, list},
        ideal,
        many::{Counted, Counter, Names, Opener, Place, Seat, Setup, Showing, lists},
    },
};

/// A setup with a counter, whose parts all have room for a whole set.
pub(super) fn setup(sets: &Sets, parts: u16, padding: usize, run: u64) -> Setup {
    Setup {
        parts,
        counter: Some(InstitutionId::new("court").unwrap()),
        ..many::setup(sets, None, padding, run)
    }
}

/// What the holders' roles end with, part after part.
type Lists = [Vec<Vec<u8>>; 2];

/// All parts' roles.
fn compute(
    setup: &Setup,
    sets: &Sets,
    names: &Sets,
    rng: &mut StdRng,
    (wire, index): (&mut dyn Wire, &mut usize),
) -> Result<Lists, Error> {
    let mut lists = [vec![], vec![]];
    for part in 0..setup.parts {
        let mut roles = many::roles_of(setup, part, sets, names, rng);
        many::drive_on(&mut roles, wire, index)?;
        let mut digests = Vec::new();
        for role in roles {
            let transcripts = match role {
                Role::Pivot(role) => {
                    let found = role.finish()?;
                    assert!(found.places.is_none());
                    lists[0].push(found.list.unwrap().to_vec());
                    found.transcripts
                }
                Role::Closer(role) => {
                    let vouched = role.finish()?;
                    lists[1].push(vouched.list.unwrap().to_vec());
                    vouched.transcripts
                }
                Role::Giver(role) => role.finish()?,
                _ => vec![],
            };
            digests.extend(transcripts.into_iter().map(|(_, digest)| digest));
        }
        // Every link has two ends, and no party but the holders any.
        digests.sort_unstable();
        let pairs = digests.as_chunks::<2>();
        assert!(pairs.0.iter().all(|[a, b]| a == b) && pairs.1.is_empty());
    }
    Ok(lists)
}

/// The lists of honest roles over an honest wire.
fn honest_lists(setup: &Setup, sets: &Sets, names: &Sets, seed: u64) -> Lists {
    compute(setup, sets, names, &mut rng(seed), (&mut Honest, &mut 0)).unwrap()
}

/// Shows the counter what is given for the lists.
fn show(
    setup: &Setup,
    lists: &Lists,
    (wire, index): (&mut dyn Wire, &mut usize),
) -> Result<(Counted, [Digest; 2]), Error> {
    let mut counter = Counter::new(setup)?;
    let mut showings = [
        Showing::new(setup, Place(0))?,
        Showing::new(setup, Place(1))?,
    ];
    let mut next = [0, 0];
    loop {
        let mut quiet = true;
        for me in [0, 1] {
            if next[me] < lists[me].len() {
                showings[me].part(&lists[me][next[me]])?;
                next[me] += 1;
                quiet = false;
            }
            let from = Place(u8::try_from(me).unwrap());
            while let Some((_, frame)) = showings[me].pull() {
                for frame in wire.carry(*index, frame) {
                    counter.on_frame(from, &frame)?;
                }
                *index += 1;
                quiet = false;
            }
            let place = setup.place(setup.counter.as_ref().unwrap()).unwrap();
            while let Some((to, frame)) = counter.pull() {
                for frame in wire.carry(*index, frame) {
                    showings[usize::from(to.0)].on_frame(place, &frame)?;
                }
                *index += 1;
                quiet = false;
            }
        }
        if quiet {
            break;
        }
    }
    let counted = counter.finish()?;
    let mut shown = Vec::new();
    for (showing, theirs) in showings.into_iter().zip(&counted.transcripts) {
        let (digest, (_, link)) = showing.finish()?;
        assert_eq!(link, theirs.1);
        shown.push(digest);
    }
    Ok((counted, [shown[0], shown[1]]))
}

/// The count, then the answer as the pivot's places, and that they fit.
pub(super) fn answer(
    setup: &Setup,
    sets: &Sets,
    rng: &mut StdRng,
    wire: &mut dyn Wire,
) -> Result<Vec<u32>, Error> {
    let mut index = 0;
    let lists = compute(setup, sets, sets, rng, (wire, &mut index))?;
    let (counted, shown) = show(setup, &lists, (wire, &mut index))?;
    let [pivot, closer] = lists.map(|parts| parts.concat());
    for (side, list) in [&pivot, &closer].into_iter().enumerate() {
        let place = Place(u8::try_from(side).unwrap());
        let due = lists::shown(setup, place, list)?;
        assert_eq!([due, due], [counted.shown[side], shown[side]]);
    }
    let opened = lists::open(setup, &pivot, &closer)?;
    assert_eq!(counted.rows, opened.len() as u64);
    let names: Names = opened.into_iter().map(|one| one.name).collect();
    assert!(names.is_sorted());
    Ok(many::first_places(&sets[0], &names))
}

#[test]
fn the_count_is_the_ideal_one_and_that_of_the_names_for_two_to_ten() {
    let mut shapes = rng(43);
    for seed in 0..400 {
        let holders = 2 + usize::try_from(seed % 9).unwrap();
        let sets = many::random_sets(&mut shapes, holders);
        let parts = if seed % 3 == 0 { 3 } else { 1 };
        let setup = setup(&sets, parts, shapes.random_range(0..9), seed);
        let found = answer(&setup, &sets, &mut rng(seed), &mut Honest).unwrap();
        assert_eq!(found, many::common(&sets, None), "seed {seed}");
    }
}

#[test]
fn the_count_is_the_ideal_one_over_several_frames() {
    let sets = [0..70_000, 40_000..100_000].map(many::numbers);
    let setup = setup(&sets, 1, 1, 1);
    let found = answer(&setup, &sets, &mut rng(1), &mut Honest).unwrap();
    assert_eq!(found.len(), 30_000);
}

/// What the counter got, frame by frame.
struct View(Vec<Vec<u8>>);

impl Wire for View {
    fn carry(&mut self, _: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
        if frame[1] != kind::READY {
            self.0.push(frame.clone());
        }
        vec![frame]
    }
}

/// The frames to the counter, and its count.
fn view(setup: &Setup, sets: &Sets, seed: u64) -> (Vec<Vec<u8>>, u64) {
    let lists = honest_lists(setup, sets, sets, seed);
    let mut view = View(vec![]);
    let (counted, _) = show(setup, &lists, (&mut view, &mut 0)).unwrap();
    (view.0, counted.rows)
}

/// The counter's view from sizes and the count alone: what it could have made up
/// without any set.
fn simulate(setup: &Setup, count: usize, rng: &mut StdRng) -> Vec<Vec<u8>> {
    let mut draw = |count: usize| -> Vec<[u8; 16]> {
        let mut tag = [0; 16];
        let mut tags = vec![];
        for _ in 0..count {
            rng.fill_bytes(&mut tag);
            tags.push(tag);
        }
        tags
    };
    let common = draw(count);
    let sides = [0, 1].map(|side: usize| {
        let total = setup.holders[side].items as usize * usize::from(setup.parts);
        let mut tags = [common.clone(), draw(total - count)].concat();
        tags.sort_unstable();
        tags
    });
    let mut frames = vec![];
    for part in 0..setup.parts {
        let agreed = fixed(kind::AGREED, &[&part.to_be_bytes()]);
        frames.extend([agreed.clone(), agreed]);
    }
    for tags in sides {
        for (nth, chunk) in tags.chunks(1 << 15).enumerate() {
            let mut frame = list(kind::SHOWN, nth << 15, 16 * chunk.len());
            chunk.iter().for_each(|tag| frame.extend_from_slice(tag));
            frames.push(frame);
        }
        frames.push(fixed(kind::END, &[&[0; 32]]));
    }
    frames
}

/// Kinds and lengths of all frames.
fn shape(frames: &[Vec<u8>]) -> Vec<(u8, usize)> {
    frames.iter().map(|frame| (frame[1], frame.len())).collect()
}

fn tags(frames: &[Vec<u8>]) -> Vec<[u8; 16]> {
    let shown = frames.iter().filter(|frame| frame[1] == kind::SHOWN);
    let tags = shown.flat_map(|frame| frame[6..].as_chunks::<16>().0.to_vec());
    tags.collect()
}

/// Ones at each of the 128 places, of all tags.
fn ones(tags: &[[u8; 16]]) -> Vec<usize> {
    let bit = |tag: &[u8; 16], at: usize| usize::from(tag[at / 8] >> (at % 8) & 1);
    (0..128)
        .map(|at| tags.iter().map(|tag| bit(tag, at)).sum())
        .collect()
}

#[test]
fn the_counters_view_is_one_that_sizes_and_the_count_give() {
    // The same sizes and count; other items, and other items in common.
    let worlds = [
        [selectors("phone", 0..900), selectors("phone", 800..1500)],
        [
            selectors("card", 0..900),
            selectors("card", 200..900)
                .split_at(100)
                .0
                .iter()
                .cloned()
                .chain(selectors("other", 0..600))
                .collect(),
        ],
    ];
    let mut shapes = vec![];
    let mut seen = std::collections::BTreeSet::new();
    for (run, sets) in (0..).zip(&worlds) {
        assert_eq!(ideal::common(sets).len(), 100);
        for parts in [1, 3] {
            let setup = setup(sets, parts, 20, run);
            // Twice in one setup: tags are of the session's secrets, not of the items.
            for seed in [1, 2] {
                let (frames, count) = view(&setup, sets, seed);
                assert_eq!(count, 100);
                let simulated = simulate(&setup, 100, &mut rng(seed + 7));
                assert_eq!(shape(&frames), shape(&simulated));
                shapes.push((parts, shape(&frames)));
                let real = tags(&frames);
                let distinct: std::collections::BTreeSet<_> = real.iter().collect();
                assert_eq!(distinct.len(), real.len() - 100);
                let before = seen.len();
                seen.extend(distinct.iter().map(|tag| **tag));
                assert_eq!(seen.len(), before + distinct.len(), "a tag came twice");
                // Each bit is fair, as a simulated one is: six deviations.
                for tags in [&real, &tags(&simulated)] {
                    let bound = 6.0 * 2.0 * (tags.len() as f64 / 4.0).sqrt();
                    let fair = tags.len() as f64 / 2.0;
                    let mut ones = ones(tags).into_iter();
                    assert!(ones.all(|ones| (ones as f64 - fair).abs() < bound));
                }
                let bytes = frames.concat();
                let windows: std::collections::BTreeSet<&[u8]> = bytes.windows(8).collect();
                let items = setup.items();
                for name in sets.iter().flatten() {
                    let item = items.item(name).unwrap();
                    let parts = item.bytes().chunks(8);
                    assert!(
                        !parts
                            .chain(name.windows(8))
                            .any(|part| windows.contains(part))
                    );
                }
            }
        }
    }
    for (parts, shape) in &shapes {
        assert!(
            shapes
                .iter()
                .all(|(others, other)| others != parts || other == shape)
        );
    }
}

#[test]
fn a_holder_that_shows_other_tags_than_its_list_has_is_found() {
    let sets = three();
    for parts in [1, 2] {
        let setup = setup(&sets, parts, 2, 1);
        let lists = honest_lists(&setup, &sets, &sets, 1);
        let (honest, _) = show(&setup, &lists, (&mut Honest, &mut 0)).unwrap();
        assert_eq!(honest.rows, ideal::common(&sets).len() as u64);
        for liar in [0, 1] {
            // It hides all that is in common: it shows tags of another run.
            let mut told = lists.clone();
            told[liar] = honest_lists(&setup, &sets, &sets, 2)[liar].clone();
            let (counted, _) = show(&setup, &told, (&mut Honest, &mut 0)).unwrap();
            assert_eq!(counted.rows, 0);
            for side in [0, 1] {
                let place = Place(u8::try_from(side).unwrap());
                let due = lists::shown(&setup, place, &lists[side].concat()).unwrap();
                assert_eq!(due == counted.shown[side], side != liar);
                assert_eq!(due, honest.shown[side]);
            }
            // One bit of one entry's tag is enough.
            let mut list = lists[liar].concat();
            let entry = lists::entry_bytes(&setup).unwrap()[liar];
            let last = list.len() - entry + 15;
            list[last] ^= 1;
            let place = Place(u8::try_from(liar).unwrap());
            let due = lists::shown(&setup, place, &list).unwrap();
            assert!(due != honest.shown[liar]);
        }
        // One holder's list is not the other's, even where it would fit.
        let [pivot, closer] = honest.shown;
        assert!(pivot != closer);
    }
}

#[test]
fn a_spoiled_entry_is_left_out_and_the_count_says_so() {
    let sets = three();
    let setup = setup(&sets, 1, 2, 1);
    let lists = honest_lists(&setup, &sets, &spoiled(0), 1);
    let (counted, _) = show(&setup, &lists, (&mut Honest, &mut 0)).unwrap();
    let opened = lists::open(&setup, &lists[0][0], &lists[1][0]).unwrap();
    assert_eq!(counted.rows, ideal::common(&sets).len() as u64);
    assert_eq!(opened.len() as u64, counted.rows - 1);
    assert!(opened.iter().all(|one| one.name != b"phone:7"));
}

/// Changes the frames of tags.
struct Tags<'a>(&'a dyn Fn(&mut Vec<u8>));

impl Wire for Tags<'_> {
    fn carry(&mut self, _: usize, mut frame: Vec<u8>) -> Vec<Vec<u8>> {
        if frame[1] == kind::SHOWN {
            (self.0)(&mut frame);
        }
        vec![frame]
    }
}

#[test]
fn tags_that_are_altered_repeated_dropped_or_reordered_are_found() {
    let sets = three();
    let setup = setup(&sets, 1, 2, 1);
    let lists = honest_lists(&setup, &sets, &sets, 1);
    let fault = |change: &dyn Fn(&mut Vec<u8>)| {
        let shown = show(&setup, &lists, (&mut Tags(change), &mut 0));
        shown.err().and_then(|error| error.fault())
    };
    assert_eq!(fault(&|_| ()), None);
    // The last bit of the last tag: the order stays.
    assert_eq!(
        fault(&|frame| *frame.last_mut().unwrap() ^= 1),
        Some(Fault::TranscriptMismatch)
    );
    assert_eq!(
        fault(&|frame| frame.copy_within(6..22, 22)),
        Some(Fault::TagsUnordered)
    );
    assert_eq!(
        fault(&|frame| drop(frame.drain(22..38))),
        Some(Fault::Malformed)
    );
    assert_eq!(
        fault(&|frame| {
            let repeated = frame[6..22].to_vec();
            frame.extend(repeated);
        }),
        Some(Fault::Malformed)
    );
    assert_eq!(
        fault(&|frame| {
            let (first, rest) = frame[6..].split_at_mut(16);
            first.swap_with_slice(&mut rest[..16]);
        }),
        Some(Fault::TagsUnordered)
    );
    // Of another run under the same setup: its own end does not fit them.
    let other = honest_lists(&setup, &sets, &sets, 2);
    let mut other_view = View(vec![]);
    show(&setup, &other, (&mut other_view, &mut 0)).unwrap();
    let of_other = other_view.0.into_iter();
    let of_other: Vec<_> = of_other.filter(|frame| frame[1] == kind::SHOWN).collect();
    assert_eq!(
        fault(&|frame| frame.clone_from(&of_other[0])),
        Some(Fault::TranscriptMismatch)
    );
}

#[test]
fn frames_out_of_their_turn_are_refused() {
    let sets = three();
    let setup = setup(&sets, 2, 2, 1);
    let lists = honest_lists(&setup, &sets, &sets, 1);
    let fault = |result: Result<_, Error>| result.err().and_then(|error| error.fault());
    let place = setup.place(setup.counter.as_ref().unwrap()).unwrap();
    let ready = fixed(kind::READY, &[]);
    let mut showing = Showing::new(&setup, Place(1)).unwrap();
    // Before all parts are done nothing is shown, whoever asks for it.
    assert_eq!(
        fault(showing.on_frame(place, &ready)),
        Some(Fault::OutOfOrder)
    );
    showing.part(&lists[1][0]).unwrap();
    assert_eq!(
        fault(showing.on_frame(place, &ready)),
        Some(Fault::OutOfOrder)
    );
    showing.part(&lists[1][1]).unwrap();
    let agreed: Vec<_> = (0..2).map(|_| showing.pull().unwrap()).collect();
    assert!(
        agreed
            .iter()
            .all(|(to, frame)| *to == place && frame[1] == kind::AGREED)
    );
    assert!(showing.pull().is_none() && !showing.done());
    assert_eq!(
        fault(showing.on_frame(Place(0), &ready)),
        Some(Fault::OutOfOrder)
    );
    assert_eq!(
        fault(showing.on_frame(place, &[1, kind::READY, 0])),
        Some(Fault::Malformed)
    );
    showing.on_frame(place, &ready).unwrap();
    let (_, tags) = showing.pull().unwrap();
    assert_eq!(
        fault(showing.on_frame(place, &ready)),
        Some(Fault::OutOfOrder)
    );

    let mut counter = Counter::new(&setup).unwrap();
    assert_eq!(counter.due(), Some(Place(0)));
    assert!(counter.pull().is_none());
    assert_eq!(
        fault(counter.on_frame(Place(1), &tags)),
        Some(Fault::OutOfOrder)
    );
    assert_eq!(
        fault(counter.on_frame(Place(1), &agreed[1].1)),
        Some(Fault::OutOfOrder)
    );
    assert_eq!(
        fault(counter.on_frame(Place(2), &agreed[0].1)),
        Some(Fault::OutOfOrder)
    );
    for (_, frame) in &agreed {
        counter.on_frame(Place(1), frame).unwrap();
    }
    // The closer is not taken before the pivot.
    assert_eq!(counter.due(), Some(Place(0)));
    assert!(counter.pull().is_none());
    assert_eq!(
        fault(counter.on_frame(Place(1), &tags)),
        Some(Fault::OutOfOrder)
    );
    let truncated = counter.finish().err().and_then(|error| error.fault());
    assert_eq!(truncated, Some(Fault::Truncated));
    let truncated = showing.finish().err().and_then(|error| error.fault());
    assert_eq!(truncated, Some(Fault::Truncated));
}

#[test]
fn setups_and_seats_that_do_not_fit_are_refused() {
    let sets = three();
    let good = setup(&sets, 2, 0, 1);
    let range = Some(Refusal::ParameterRange);
    let refused = |change: &dyn Fn(&mut Setup)| {
        let mut setup = good.clone();
        change(&mut setup);
        refusal(setup.open(0)) == range && refusal(Counter::new(&setup)) == range
    };
    assert!(!refused(&|_| ()));
    assert!(refused(
        &|setup| setup.counter = Some(setup.receiver.clone())
    ));
    assert!(refused(&|setup| {
        setup.counter = Some(setup.holders[2].institution.clone());
    }));
    assert!(refused(&|setup| {
        setup.receiver = setup.holders[2].institution.clone();
        setup.name_bytes = 0;
    }));
    assert!(refused(&|setup| {
        setup.parts = 1 << 12;
        setup.holders[1].items = 1 << 20;
    }));
    let session = good.open(0).unwrap();
    let seats: Vec<_> = session.places().map(|place| session.seat(place)).collect();
    assert_eq!(
        seats[2..],
        [Seat::Giver, Seat::Opener, Seat::Counter].map(Some)
    );
    assert_eq!(good.place(good.counter.as_ref().unwrap()), Some(Place(4)));
    assert_eq!(refusal(Opener::new(&session)), range);
    for place in [2, 3, 4, 9] {
        assert_eq!(refusal(Showing::new(&good, Place(place))), range);
        assert_eq!(refusal(lists::shown(&good, Place(place), &[])), range);
    }
    // The counter is a part of what everything is bound to.
    let mut without = good.clone();
    without.counter = None;
    let mut other = good.clone();
    other.counter = Some(InstitutionId::new("other_court").unwrap());
    let digests = [&good, &without, &other].map(Setup::digest);
    assert!(digests[0] != digests[1] && digests[0] != digests[2] && digests[1] != digests[2]);
    assert_eq!(refusal(Counter::new(&without)), range);
    assert_eq!(refusal(Showing::new(&without, Place(0))), range);
    assert_eq!(refusal(lists::list_bytes(&without)), range);
    let mut showing = Showing::new(&good, Place(0)).unwrap();
    assert_eq!(refusal(showing.part(&[0; 7])), range);
    let part = vec![0; lists::list_bytes(&good).unwrap()[0] / 2];
    showing.part(&part).unwrap();
    // All tags are the same here, and the second part is the last.
    assert!(showing.part(&part).is_err());
    assert_eq!(refusal(showing.part(&part)), range);
}
