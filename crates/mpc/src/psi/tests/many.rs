//! Joint sets of many, for a holder and for a receiver without a set.

use primitives::{Digest, InstitutionId};
use rand::{RngExt, rngs::StdRng};

use super::world::{self, Honest, Wire, rng};
use crate::{
    Error, Fault, Refusal,
    psi::{
        Progress, Set, ideal,
        many::{Closer, Giver, Holder, Opener, Pivot, Place, Seat, Session, Setup},
    },
    vole,
};

pub(super) type Sets = [Vec<Vec<u8>>];

/// A setup in which holder `receiver` learns the answer, or somebody else.
pub(super) fn setup(sets: &Sets, receiver: Option<usize>, padding: usize, run: u64) -> Setup {
    let two = world::setup(world::ALL[0], 1, 1, run);
    let institution = |index: usize| InstitutionId::new(format!("holder_{index}")).unwrap();
    let holders = sets.iter().enumerate().map(|(index, set)| Holder {
        institution: institution(index),
        snapshot: Digest::of("many test", &[&[u8::try_from(index).unwrap()]]),
        items: u32::try_from(set.len() + padding).unwrap(),
    });
    Setup {
        scope: two.scope,
        step: 0,
        parts: 1,
        holders: holders.collect(),
        receiver: receiver.map_or(two.receiver, institution),
        counter: None,
        name_bytes: if receiver.is_some() { 0 } else { 20 },
    }
}

fn hash(setup: &Setup, selectors: &[Vec<u8>]) -> Set {
    let selectors = selectors.iter().map(Vec::as_slice);
    Set::new(&setup.items().all(selectors).unwrap())
}

/// What of a set and its names falls into a part.
fn within(setup: &Setup, part: u16, set: &[Vec<u8>], names: &[Vec<u8>]) -> Named {
    let items = setup.items();
    let falls = |selector| items.item(selector).unwrap().part(setup.parts) == part;
    let both = set
        .iter()
        .zip(names)
        .filter(|(selector, _)| falls(selector));
    both.map(|(selector, name)| (selector.clone(), name.clone()))
        .unzip()
}

type Named = (Vec<Vec<u8>>, Vec<Vec<u8>>);

pub(super) enum Role {
    Pivot(Box<Pivot>),
    Giver(Box<Giver>),
    Closer(Box<Closer>),
    Opener(Box<Opener>),
    /// Speaks with nobody in a part: an opener after a count, and the counter.
    Silent,
}

impl Role {
    fn pull(&mut self) -> Result<Option<(Place, Vec<u8>)>, Error> {
        match self {
            Self::Pivot(role) => role.pull(),
            Self::Giver(role) => role.pull(),
            Self::Closer(role) => role.pull(),
            Self::Opener(_) | Self::Silent => Ok(None),
        }
    }

    fn on_frame(&mut self, from: Place, frame: &[u8]) -> Result<Progress, Error> {
        match self {
            Self::Pivot(role) => role.on_frame(from, frame),
            Self::Giver(role) => role.on_frame(from, frame),
            Self::Closer(role) => role.on_frame(from, frame),
            Self::Opener(role) => role.on_frame(from, frame),
            Self::Silent => panic!("nobody speaks to it"),
        }
    }
}

/// All roles of a session, with correlations from a dealer; `names` are those that
/// pivot and closer give.
fn roles(setup: &Setup, sets: &Sets, names: &Sets, rng: &mut StdRng) -> Vec<Role> {
    roles_of(setup, 0, sets, names, rng)
}

/// The roles of one part.
pub(super) fn roles_of(
    setup: &Setup,
    part: u16,
    sets: &Sets,
    names: &Sets,
    rng: &mut StdRng,
) -> Vec<Role> {
    let session = setup.open(part).unwrap();
    let count = session.places().count();
    let mut asks: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut evaluates: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for function in session.functions().unwrap() {
        let (key, vector) = vole::ideal::deal(function.correlations, rng);
        asks[usize::from(function.asker.0)].push(vector);
        evaluates[usize::from(function.evaluator.0)].push(key);
    }
    let mut role = |place: Place| {
        let index = usize::from(place.0);
        let asks = std::mem::take(&mut asks[index]);
        let mut evaluates = std::mem::take(&mut evaluates[index]).into_iter();
        let parted = || within(setup, part, &sets[index], &names[index]);
        let set = || hash(setup, &parted().0);
        let named = || (set(), parted().1);
        match session.seat(place).unwrap() {
            Seat::Pivot => Role::Pivot(Box::new(match evaluates.next() {
                Some(own) => Pivot::for_opener(&session, place, named(), asks, own, rng).unwrap(),
                None => Pivot::new(&session, place, set(), asks, rng).unwrap(),
            })),
            Seat::Giver => {
                let key = evaluates.next().unwrap();
                Role::Giver(Box::new(
                    Giver::new(&session, place, set(), key, rng).unwrap(),
                ))
            }
            Seat::Closer => {
                let (key, asks) = (evaluates.next().unwrap(), asks.into_iter().next().unwrap());
                let closer = Closer::new(&session, place, named(), key, asks, rng);
                Role::Closer(Box::new(closer.unwrap()))
            }
            Seat::Opener if setup.counter.is_none() => {
                Role::Opener(Box::new(Opener::new(&session).unwrap()))
            }
            Seat::Opener | Seat::Counter => Role::Silent,
        }
    };
    session.places().map(&mut role).collect()
}

/// Runs until nobody has anything to say.
fn drive(roles: &mut [Role], wire: &mut dyn Wire) -> Result<(), Error> {
    drive_on(roles, wire, &mut 0)
}

/// The same where frames were carried before.
pub(super) fn drive_on(
    roles: &mut [Role],
    wire: &mut dyn Wire,
    index: &mut usize,
) -> Result<(), Error> {
    loop {
        let mut quiet = true;
        for me in 0..roles.len() {
            while let Some((to, frame)) = roles[me].pull()? {
                let from = Place(u8::try_from(me).unwrap());
                for frame in wire.carry(*index, frame) {
                    roles[usize::from(to.0)].on_frame(from, &frame)?;
                }
                *index += 1;
                quiet = false;
            }
        }
        if quiet {
            return Ok(());
        }
    }
}

/// The receiver's places, or the names that it was told.
type Answer = (Option<Vec<u32>>, Option<Vec<Vec<u8>>>);

/// Both ends of every link state one digest of it.
fn finish(roles: Vec<Role>) -> Result<Answer, Error> {
    let (mut places, mut names) = (None, None);
    let mut links = std::collections::BTreeMap::new();
    for (me, role) in roles.into_iter().enumerate() {
        let digests = match role {
            Role::Pivot(role) => {
                let found = role.finish()?;
                places = found.places;
                found.transcripts
            }
            Role::Giver(role) => role.finish()?,
            Role::Closer(role) => role.finish()?.transcripts,
            Role::Opener(role) => {
                let opened = role.finish()?;
                names = Some(opened.names);
                opened.transcripts
            }
            Role::Silent => panic!("an opener learns the answer"),
        };
        for (peer, digest) in digests {
            let peer = usize::from(peer.0);
            let known = links.insert((me.min(peer), me.max(peer)), digest);
            assert!(known.is_none_or(|known| known == digest));
        }
    }
    Ok((places, names))
}

/// The answer as the receiver's places, or, without a set, as the first holder's.
pub(super) fn answer(
    setup: &Setup,
    sets: &Sets,
    rng: &mut StdRng,
    wire: &mut dyn Wire,
) -> Result<Vec<u32>, Error> {
    let mut roles = roles(setup, sets, sets, rng);
    drive(&mut roles, wire)?;
    match finish(roles)? {
        (Some(places), None) => Ok(places),
        (None, Some(names)) => Ok(first_places(&sets[0], &names)),
        _ => panic!("one receiver"),
    }
}

pub(super) fn first_places(set: &[Vec<u8>], names: &[Vec<u8>]) -> Vec<u32> {
    let place = |name| set.iter().position(|other| other == name).unwrap();
    let mut places: Vec<u32> = names
        .iter()
        .map(|name| u32::try_from(place(name)).unwrap())
        .collect();
    places.sort_unstable();
    places
}

pub(super) fn common(sets: &Sets, receiver: Option<usize>) -> Vec<u32> {
    first_places(&sets[receiver.unwrap_or(0)], &ideal::common(sets))
}

pub(super) fn random_sets(rng: &mut StdRng, holders: usize) -> Vec<Vec<Vec<u8>>> {
    let largest = 12;
    let universe = match rng.random_range(0..4) {
        0 => 1,
        1 => u64::MAX,
        _ => largest * 3 / 2,
    };
    let mut sets: Vec<Vec<Vec<u8>>> = (0..holders)
        .map(|_| {
            let count = match rng.random_range(0..8) {
                0 => 0,
                1 => 1,
                _ => rng.random_range(0..=2 * largest),
            };
            let draw = |_| format!("p:{}", rng.random_range(0..universe)).into_bytes();
            (0..count)
                .map(draw)
                .map(|name| name[..name.len().min(20)].to_vec())
                .collect()
        })
        .collect();
    if rng.random_range(0..5) == 0 {
        sets[holders - 1] = sets[0].iter().rev().cloned().collect();
    }
    sets
}

#[test]
fn real_equals_ideal_for_two_to_ten() {
    let mut shapes = rng(41);
    for seed in 0..600 {
        let holders = 2 + usize::try_from(seed % 9).unwrap();
        let sets = random_sets(&mut shapes, holders);
        let receiver = shapes.random_range(0..=holders);
        let receiver = (receiver < holders).then_some(receiver);
        let setup = setup(&sets, receiver, shapes.random_range(0..9), seed);
        let found = answer(&setup, &sets, &mut rng(seed), &mut Honest).unwrap();
        assert_eq!(found, common(&sets, receiver), "seed {seed}");
    }
}

/// Numbers as selectors of four bytes.
pub(super) fn numbers(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|n| n.to_be_bytes().to_vec()).collect()
}

/// Numbers as selectors of a kind.
pub(super) fn selectors(kind: &str, range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|n| format!("{kind}:{n}").into_bytes()).collect()
}

#[test]
fn real_equals_ideal_over_several_frames() {
    let sets = [
        numbers(0..70_000),
        numbers(40_000..100_000),
        numbers(20_000..45_000),
    ];
    for receiver in [Some(2), None] {
        let setup = setup(&sets, receiver, 1, 1);
        let found = answer(&setup, &sets, &mut rng(1), &mut Honest).unwrap();
        assert_eq!(found.len(), 5_000);
        assert_eq!(found, common(&sets, receiver));
    }
}

pub(super) fn three() -> [Vec<Vec<u8>>; 3] {
    [0..10, 4..14, 6..16].map(|range| selectors("phone", range))
}

/// The names of [`three`], of which one holder gives one that the others do not have:
/// 13 for 7, which is in all sets.
pub(super) fn spoiled(holder: usize) -> [Vec<Vec<u8>>; 3] {
    let mut names = three();
    let place = names[holder].iter().position(|name| name == b"phone:7");
    names[holder][place.unwrap()] = b"phone:13".to_vec();
    names
}

#[test]
fn a_name_that_the_other_does_not_vouch_for_is_left_out() {
    let sets = three();
    let setup = setup(&sets, None, 2, 1);
    for liar in [0, 1] {
        let mut roles = roles(&setup, &sets, &spoiled(liar), &mut rng(1));
        drive(&mut roles, &mut Honest).unwrap();
        let (_, found) = finish(roles).unwrap();
        let expected: Vec<Vec<u8>> = ideal::common(&sets)
            .into_iter()
            .filter(|name| name != b"phone:7")
            .collect();
        assert_eq!(found.unwrap(), expected, "{liar}");
    }
}

#[test]
fn a_store_of_another_giver_alone_opens_nothing() {
    // Two givers have all of the pivot's items; one of them programs values of a
    // session of its own, as if it held another key.
    let sets = three().map(|_| three()[0].clone());
    let setup = setup(&sets, Some(0), 0, 1);
    let mut honest = roles(&setup, &sets, &sets, &mut rng(1));
    let mut other = roles(&setup, &sets, &sets, &mut rng(2));
    // Their keys of zero differ: the second giver's role is from another session's
    // draw, but for its links, which are with the honest ones.
    honest.swap_remove(2);
    honest.push(other.swap_remove(2));
    // The dealt key is not the pivot's correlation either, so nothing may match.
    drive(&mut honest, &mut Honest).unwrap();
    let (places, _) = finish(honest).unwrap();
    assert_eq!(places.unwrap(), Vec::<u32>::new());
}

#[test]
fn a_pivot_that_asks_givers_for_different_items_learns_what_all_were_asked_for() {
    // Both givers have both items. One pivot talks to the first giver and asks for
    // both; another, in league with it, to the second giver, and asks for one.
    let both = vec![b"phone:1".to_vec(), b"phone:2".to_vec()];
    let sets = [both.clone(), both.clone(), both.clone()];
    let setup = setup(&sets, Some(0), 0, 1);
    let session = setup.open(0).unwrap();
    let mut rng = rng(1);
    let rng = &mut rng;
    let (mut keys, mut vectors) = (Vec::new(), Vec::new());
    for function in session.functions().unwrap() {
        let (key, vector) = vole::ideal::deal(function.correlations, rng);
        let copy = |vector: &vole::ReceiverOutput| vole::ReceiverOutput {
            a: vector.a.clone(),
            c: vector.c.clone(),
        };
        vectors.push([copy(&vector), vector]);
        keys.push(key);
    }
    let [second, first] = [0, 1].map(|_| {
        let mine = vectors.iter_mut().map(|pair| {
            std::mem::replace(
                &mut pair[0],
                vole::ReceiverOutput {
                    a: vec![],
                    c: vec![],
                },
            )
        });
        let mine: Vec<_> = mine.collect();
        for pair in &mut vectors {
            pair.swap(0, 1);
        }
        mine
    });
    let one = hash(&setup, &both[..1]);
    let mut pivots = [
        Pivot::new(&session, Place(0), hash(&setup, &both), first, rng).unwrap(),
        Pivot::new(&session, Place(0), one, second, rng).unwrap(),
    ];
    let mut keys = keys.into_iter();
    let mut givers = [1, 2].map(|place| {
        let set = hash(&setup, &both);
        Giver::new(&session, Place(place), set, keys.next().unwrap(), rng).unwrap()
    });
    loop {
        let mut quiet = true;
        for me in 0..2 {
            while let Some((to, frame)) = givers[me].pull().unwrap() {
                let from = Place(u8::try_from(me + 1).unwrap());
                match to.0 {
                    0 => pivots[me].on_frame(from, &frame).unwrap(),
                    other => givers[usize::from(other) - 1]
                        .on_frame(from, &frame)
                        .unwrap(),
                };
                quiet = false;
            }
            while let Some((to, frame)) = pivots[me].pull().unwrap() {
                // What the other pivot is there for stays unsent.
                if usize::from(to.0) == me + 1 {
                    givers[me].on_frame(Place(0), &frame).unwrap();
                    quiet = false;
                }
            }
        }
        if quiet {
            break;
        }
    }
    let items = [0, 1].map(|index| setup.items().item(&both[index]).unwrap());
    let sums = [0, 1].map(|pivot: usize| items.map(|item| pivots[pivot].sum(&item)));
    let zero = crate::field::F128::ZERO;
    assert!(sums[0][0].unwrap() + sums[1][0].unwrap() == zero);
    assert!(sums[1][1].is_none());
    for alone in [sums[0][0], sums[0][1], sums[1][0]] {
        assert!(alone.unwrap() != zero);
    }
}

#[test]
fn nothing_is_given_out_before_the_end() {
    let sets = three();
    for receiver in [Some(0), None] {
        let setup = setup(&sets, receiver, 2, 1);
        // The last frame of a run is cut off.
        struct Count(usize);
        impl Wire for Count {
            fn carry(&mut self, index: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
                self.0 = self.0.max(index);
                vec![frame]
            }
        }
        struct Cut(usize);
        impl Wire for Cut {
            fn carry(&mut self, index: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
                if index == self.0 { vec![] } else { vec![frame] }
            }
        }
        let mut count = Count(0);
        answer(&setup, &sets, &mut rng(1), &mut count).unwrap();
        let error = answer(&setup, &sets, &mut rng(1), &mut Cut(count.0)).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Truncated));
    }
}

#[test]
fn setups_that_do_not_fit_are_refused() {
    let sets = three();
    let good = setup(&sets, Some(0), 0, 1);
    let refused = |change: &dyn Fn(&mut Setup)| {
        let mut setup = good.clone();
        change(&mut setup);
        setup.open(0).err().and_then(|error| error.refusal()) == Some(Refusal::ParameterRange)
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|setup| setup.holders.truncate(1)));
    assert!(refused(&|setup| setup.holders[1] = setup.holders[2].clone()));
    assert!(refused(&|setup| setup.holders[1].items = u32::MAX));
    assert!(refused(&|setup| setup.name_bytes = 4));
    assert!(refused(&|setup| setup.parts = 0));
    assert!(refused(&|setup| {
        let mut more = setup.holders[0].clone();
        for index in 0..8 {
            more.institution = InstitutionId::new(format!("more_{index}")).unwrap();
            setup.holders.push(more.clone());
        }
    }));
    assert!(setup(&sets, None, 0, 1).open(0).is_ok());
    assert!(refused(
        &|setup| setup.receiver = InstitutionId::new("police").unwrap()
    ));
}

pub(super) fn refusal<T>(result: Result<T, Error>) -> Option<Refusal> {
    result.err().and_then(|error| error.refusal())
}

#[test]
fn roles_that_do_not_fit_their_seat_are_refused() {
    let sets = three();
    let mut rng = rng(1);
    let rng = &mut rng;
    let deal = |session: &Session, function: usize| {
        let functions = session.functions().unwrap();
        vole::ideal::deal(functions[function].correlations, &mut super::world::rng(2))
    };
    let setup_a = setup(&sets, Some(0), 0, 1);
    let a = setup_a.open(0).unwrap();
    let set = |setup: &Setup, index: usize| hash(setup, &sets[index]);
    assert_eq!(
        refusal(Giver::new(
            &a,
            Place(0),
            set(&setup_a, 0),
            deal(&a, 0).0,
            rng
        )),
        Some(Refusal::ParameterRange)
    );
    assert_eq!(
        refusal(Pivot::new(
            &a,
            Place(0),
            set(&setup_a, 0),
            vec![deal(&a, 0).1],
            rng
        )),
        Some(Refusal::CorrelationMismatch)
    );
    let all: Vec<Vec<u8>> = sets.concat();
    let large = hash(&setup_a, &all);
    assert_eq!(
        refusal(Giver::new(&a, Place(1), large, deal(&a, 0).0, rng)),
        Some(Refusal::SetTooLarge)
    );
    assert_eq!(refusal(Opener::new(&a)), Some(Refusal::ParameterRange));
    let setup_b = setup(&sets, None, 0, 1);
    let b = setup_b.open(0).unwrap();
    let long = vec![vec![b'x'; 21]; 10];
    let named = (set(&setup_b, 1), long);
    assert_eq!(
        refusal(Closer::new(
            &b,
            Place(1),
            named,
            deal(&b, 0).0,
            deal(&b, 2).1,
            rng
        )),
        Some(Refusal::NameSize)
    );
    assert_eq!(
        refusal(Pivot::new(&b, Place(0), set(&setup_b, 0), vec![], rng)),
        Some(Refusal::ParameterRange)
    );
    assert!(a.points_bound(Place(0)).unwrap() >= 10);
    assert!(b.points_bound(Place(3)).is_err());
}
