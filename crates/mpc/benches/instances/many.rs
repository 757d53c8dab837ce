//! Joint sets of two to ten, for a holder or for a receiver without a set, at once
//! or after a count.

use std::collections::BTreeSet;

use mpc::{
    Error,
    lookup::Scope,
    psi::{
        Item, Set,
        many::{Closer, Counter, Giver, Holder, Opener, Pivot, Place, Seat, Setup, Showing, lists},
    },
    vole,
};
use primitives::{Digest, InstitutionId, NetworkId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

enum Role {
    Pivot(Box<Pivot>),
    Giver(Box<Giver>),
    Closer(Box<Closer>),
    Opener(Box<Opener>),
    /// Speaks with nobody before the count.
    Silent,
}

/// One random instance against the sets' intersection.
pub(crate) fn instance(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let rng = &mut rng;
    // Mostly few holders: ten take a hundred times as long as two.
    let holders = match rng.random_range(0..16) {
        0 => rng.random_range(2..=10),
        _ => rng.random_range(2..=4),
    };
    let universe = [1, 14, 14, u64::MAX][rng.random_range(0..4)];
    let sets: Vec<Vec<Vec<u8>>> = (0..holders)
        .map(|_| {
            let count = super::size(rng, 20);
            let draw = |_| rng.random_range(0..universe).to_be_bytes().to_vec();
            (0..count).map(draw).collect()
        })
        .collect();
    let receiver = rng.random_range(0..=holders);
    let receiver = (receiver < holders).then_some(receiver);
    let counts = receiver.is_none() && rng.random();
    let setup = setup(&sets, (receiver, counts), rng.random_range(0..6), seed);
    let (places, names) = run(&setup, &sets, rng);
    let all: Vec<BTreeSet<&Vec<u8>>> = sets.iter().map(|set| set.iter().collect()).collect();
    let common: Vec<Vec<u8>> = all[0]
        .iter()
        .filter(|item| all.iter().all(|set| set.contains(*item)))
        .map(|item| (*item).clone())
        .collect();
    match receiver {
        None => assert_eq!(names, Some(common), "seed {seed}"),
        Some(receiver) => {
            let first = |item| sets[receiver].iter().position(|other| other == item);
            let mut due: Vec<u32> = common
                .iter()
                .map(|item| u32::try_from(first(item).unwrap()).unwrap())
                .collect();
            due.sort_unstable();
            assert_eq!(places, Some(due), "seed {seed}");
        }
    }
}

fn setup(
    sets: &[Vec<Vec<u8>>],
    (receiver, counts): (Option<usize>, bool),
    padding: usize,
    run: u64,
) -> Setup {
    let digest = Digest::of("instances", &[]);
    let institution = |index: usize| InstitutionId::new(format!("holder_{index}")).unwrap();
    let holder = |(index, set): (usize, &Vec<Vec<u8>>)| Holder {
        institution: institution(index),
        snapshot: digest,
        items: u32::try_from(set.len() + padding).unwrap(),
    };
    Setup {
        scope: Scope {
            network: NetworkId(digest),
            warrant: digest,
            plan: digest,
            run: Digest::of("instances run", &[&run.to_be_bytes()]),
        },
        step: 0,
        parts: 1,
        holders: sets.iter().enumerate().map(holder).collect(),
        receiver: receiver.map_or(InstitutionId::new("police").unwrap(), institution),
        counter: counts.then(|| InstitutionId::new("court").unwrap()),
        name_bytes: if receiver.is_some() { 0 } else { 8 },
    }
}

type Answer = (Option<Vec<u32>>, Option<Vec<Vec<u8>>>);

fn run(setup: &Setup, sets: &[Vec<Vec<u8>>], rng: &mut StdRng) -> Answer {
    let session = setup.open(0).unwrap();
    let count = session.places().count();
    let mut asks: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut evaluates: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for function in session.functions().unwrap() {
        let (key, vector) = vole::ideal::deal(function.correlations, rng);
        asks[usize::from(function.asker.0)].push(vector);
        evaluates[usize::from(function.evaluator.0)].push(key);
    }
    let items = setup.items();
    let mut roles = Vec::new();
    for place in session.places() {
        let index = usize::from(place.0);
        let mut asks = std::mem::take(&mut asks[index]);
        let key = evaluates[index].pop();
        let names = sets.get(index).cloned().unwrap_or_default();
        let hashed: Vec<Item> = names.iter().map(|name| items.item(name).unwrap()).collect();
        let set = Set::new(&hashed);
        roles.push(match (session.seat(place).unwrap(), key) {
            (Seat::Pivot, None) => Role::Pivot(Box::new(
                Pivot::new(&session, place, set, asks, rng).unwrap(),
            )),
            (Seat::Pivot, Some(key)) => {
                let pivot = Pivot::for_opener(&session, place, (set, names), asks, key, rng);
                Role::Pivot(Box::new(pivot.unwrap()))
            }
            (Seat::Giver, Some(key)) => Role::Giver(Box::new(
                Giver::new(&session, place, set, key, rng).unwrap(),
            )),
            (Seat::Closer, Some(key)) => {
                let asks = asks.pop().unwrap();
                let named = (set, names);
                let closer = Closer::new(&session, place, named, key, asks, rng);
                Role::Closer(Box::new(closer.unwrap()))
            }
            (Seat::Opener, None) if setup.counter.is_none() => {
                Role::Opener(Box::new(Opener::new(&session).unwrap()))
            }
            _ => Role::Silent,
        });
    }
    drive(&mut roles).unwrap();
    let mut answer = (None, None);
    let mut kept = Vec::new();
    for role in roles {
        match role {
            Role::Pivot(role) => {
                let found = role.finish().unwrap();
                answer.0 = found.places;
                kept.extend(found.list);
            }
            Role::Giver(role) => drop(role.finish().unwrap()),
            Role::Closer(role) => kept.extend(role.finish().unwrap().list),
            Role::Opener(role) => answer.1 = Some(role.finish().unwrap().names),
            Role::Silent => {}
        }
    }
    if let [pivot, closer] = &kept[..] {
        answer.1 = Some(count_then_open(setup, [pivot, closer]));
    }
    answer
}

/// The count, then the names, and that they are as many.
fn count_then_open(setup: &Setup, kept: [&[u8]; 2]) -> Vec<Vec<u8>> {
    let mut counter = Counter::new(setup).unwrap();
    let at = setup.place(setup.counter.as_ref().unwrap()).unwrap();
    let mut showings = [0, 1].map(|side: u8| Showing::new(setup, Place(side)).unwrap());
    for (showing, list) in showings.iter_mut().zip(kept) {
        showing.part(list).unwrap();
    }
    while let Some(due) = counter.due() {
        let showing = &mut showings[usize::from(due.0)];
        if let Some((_, ready)) = counter.pull() {
            showing.on_frame(at, &ready).unwrap();
        }
        let (_, frame) = showing.pull().unwrap();
        counter.on_frame(due, &frame).unwrap();
    }
    let counted = counter.finish().unwrap();
    for (side, list) in (0..).zip(kept) {
        let shown = lists::shown(setup, Place(side), list).unwrap();
        assert_eq!(shown, counted.shown[usize::from(side)]);
    }
    let opened = lists::open(setup, kept[0], kept[1]).unwrap();
    assert_eq!(opened.len() as u64, counted.rows);
    opened.into_iter().map(|one| one.name).collect()
}

fn drive(roles: &mut [Role]) -> Result<(), Error> {
    loop {
        let mut quiet = true;
        for me in 0..roles.len() {
            let from = Place(u8::try_from(me).unwrap());
            loop {
                let pulled = match &mut roles[me] {
                    Role::Pivot(role) => role.pull()?,
                    Role::Giver(role) => role.pull()?,
                    Role::Closer(role) => role.pull()?,
                    Role::Opener(_) | Role::Silent => None,
                };
                let Some((to, frame)) = pulled else { break };
                match &mut roles[usize::from(to.0)] {
                    Role::Pivot(role) => role.on_frame(from, &frame)?,
                    Role::Giver(role) => role.on_frame(from, &frame)?,
                    Role::Closer(role) => role.on_frame(from, &frame)?,
                    Role::Opener(role) => role.on_frame(from, &frame)?,
                    Role::Silent => panic!("nobody speaks to it"),
                };
                quiet = false;
            }
        }
        if quiet {
            return Ok(());
        }
    }
}
