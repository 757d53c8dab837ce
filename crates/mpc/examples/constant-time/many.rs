//! Joint sets of many: correlations, keys between givers, values, names and lists are
//! secret until the protocol sends them; the items are their holder's own, as in two
//! parties' sets (`sets.rs`).

use mpc::{
    psi::{
        Item, Set,
        many::{
            Closer, Counter, Giver, Holder, Opener, Pivot, Place, Seat, Session, Setup, Showing,
            lists,
        },
    },
    vole,
};
use primitives::{Digest, InstitutionId};

use crate::{
    lookups::scope,
    mark::{Secrets, secret, sent},
};

/// What each holder has; 6, 7 and 8 are in all of them.
const HELD: [std::ops::Range<u32>; 4] = [0..9, 6..14, 4..10, 6..9];

enum Role {
    Pivot(Box<Pivot>),
    Giver(Box<Giver>),
    Closer(Box<Closer>),
    Opener(Box<Opener>),
    /// An opener after a count, and the counter.
    Silent,
}

impl Role {
    fn pull(&mut self) -> Option<(Place, Vec<u8>)> {
        match self {
            Self::Pivot(role) => role.pull().unwrap(),
            Self::Giver(role) => role.pull().unwrap(),
            Self::Closer(role) => role.pull().unwrap(),
            Self::Opener(_) | Self::Silent => None,
        }
    }

    fn on_frame(&mut self, from: Place, frame: &[u8]) {
        match self {
            Self::Pivot(role) => role.on_frame(from, frame),
            Self::Giver(role) => role.on_frame(from, frame),
            Self::Closer(role) => role.on_frame(from, frame),
            Self::Opener(role) => role.on_frame(from, frame),
            Self::Silent => panic!("nobody speaks to it"),
        }
        .unwrap();
    }
}

fn institution(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

/// A setup in which the first holder learns the answer, or somebody without a set.
fn setup(holder_learns: bool, counted: bool) -> Setup {
    let name = |nth: usize| format!("holder_{nth}");
    let holders = HELD.iter().enumerate().map(|(nth, _)| Holder {
        institution: institution(&name(nth)),
        snapshot: Digest::plain(b"constant time"),
        items: 12,
    });
    Setup {
        scope: scope(),
        step: 0,
        parts: 1,
        holders: holders.collect(),
        receiver: institution(if holder_learns { "holder_0" } else { "police" }),
        counter: counted.then(|| institution("court")),
        name_bytes: if holder_learns { 0 } else { 8 },
    }
}

fn name(number: u32) -> Vec<u8> {
    format!("n{number:05}").into_bytes()
}

/// Every role of a session, with secret correlations from a dealer.
fn roles(setup: &Setup, session: &Session, rng: &mut Secrets) -> Vec<Role> {
    let count = session.places().count();
    let mut asks: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut evaluates: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for function in session.functions().unwrap() {
        let (key, vector) = vole::ideal::deal(function.correlations, rng);
        asks[usize::from(function.asker.0)].push(vector);
        evaluates[usize::from(function.evaluator.0)].push(key);
    }
    let items = setup.items();
    let mut role = |place: Place| {
        let index = usize::from(place.0);
        let asks = std::mem::take(&mut asks[index]);
        let mut keys = std::mem::take(&mut evaluates[index]).into_iter();
        let held = || HELD[index].clone();
        let set = || {
            let item = |number: u32| items.item(&number.to_be_bytes()).unwrap();
            Set::new(&held().map(item).collect::<Vec<Item>>())
        };
        let names = || {
            let mut names: Vec<Vec<u8>> = held().map(name).collect();
            names.iter_mut().for_each(|name| secret(name));
            names
        };
        match session.seat(place).unwrap() {
            Seat::Pivot => Role::Pivot(Box::new(match keys.next() {
                Some(key) => {
                    let named = (set(), names());
                    Pivot::for_opener(session, place, named, asks, key, rng).unwrap()
                }
                None => Pivot::new(session, place, set(), asks, rng).unwrap(),
            })),
            Seat::Giver => {
                let giver = Giver::new(session, place, set(), keys.next().unwrap(), rng);
                Role::Giver(Box::new(giver.unwrap()))
            }
            Seat::Closer => {
                let (key, asks) = (keys.next().unwrap(), asks.into_iter().next().unwrap());
                let closer = Closer::new(session, place, (set(), names()), key, asks, rng);
                Role::Closer(Box::new(closer.unwrap()))
            }
            Seat::Opener if setup.counter.is_none() => {
                Role::Opener(Box::new(Opener::new(session).unwrap()))
            }
            Seat::Opener | Seat::Counter => Role::Silent,
        }
    };
    session.places().map(&mut role).collect()
}

/// Runs until nobody has anything to say; what is sent is no secret any more.
fn run(setup: &Setup, seed: u64) -> Vec<Role> {
    let session = setup.open(0).unwrap();
    let mut roles = roles(setup, &session, &mut Secrets::new(seed));
    let mut quiet = false;
    while !quiet {
        quiet = true;
        for (me, from) in session.places().enumerate() {
            while let Some((to, frame)) = roles[me].pull() {
                roles[usize::from(to.0)].on_frame(from, &sent(frame));
                quiet = false;
            }
        }
    }
    roles
}

/// The first holder learns the answer: a pivot and givers.
pub(crate) fn for_a_holder() {
    let mut places = None;
    for role in run(&setup(true, false), 15) {
        match role {
            Role::Pivot(role) => places = role.finish().unwrap().places,
            Role::Giver(role) => drop(role.finish().unwrap()),
            _ => panic!("neither closer nor opener"),
        }
    }
    assert_eq!(places.unwrap(), [6, 7, 8]);
}

/// A receiver without a set learns it: a closer and an opener besides.
pub(crate) fn for_an_opener() {
    let mut names = None;
    for role in run(&setup(false, false), 16) {
        match role {
            Role::Pivot(role) => drop(role.finish().unwrap()),
            Role::Giver(role) => drop(role.finish().unwrap()),
            Role::Closer(role) => drop(role.finish().unwrap()),
            Role::Opener(role) => names = Some(role.finish().unwrap().names),
            Role::Silent => panic!("all speak"),
        }
    }
    assert_eq!(names.unwrap(), [6, 7, 8].map(name));
}

/// It is counted first: the lists stay secret while the counter is shown their tags.
pub(crate) fn counted() {
    let setup = setup(false, true);
    let mut kept = [None, None];
    for role in run(&setup, 17) {
        match role {
            Role::Pivot(role) => kept[0] = role.finish().unwrap().list,
            Role::Closer(role) => kept[1] = role.finish().unwrap().list,
            Role::Giver(role) => drop(role.finish().unwrap()),
            _ => {}
        }
    }
    let kept = kept.map(Option::unwrap);
    let court = setup.place(&institution("court")).unwrap();
    let mut counter = Counter::new(&setup).unwrap();
    let mut showings = [0, 1].map(|side: u8| Showing::new(&setup, Place(side)).unwrap());
    for (showing, list) in showings.iter_mut().zip(&kept) {
        showing.part(list).unwrap();
    }
    let mut quiet = false;
    while !quiet {
        quiet = true;
        for (me, from) in [(0, Place(0)), (1, Place(1))] {
            while let Some((_, frame)) = showings[me].pull() {
                counter.on_frame(from, &sent(frame)).unwrap();
                quiet = false;
            }
            while let Some((to, frame)) = counter.pull() {
                let showing = &mut showings[usize::from(to.0)];
                showing.on_frame(court, &sent(frame)).unwrap();
                quiet = false;
            }
        }
    }
    let counted = counter.finish().unwrap();
    assert_eq!(counted.rows, 3);
    let [pivot, closer] = kept.map(|list| sent(list.to_vec()));
    let opened = lists::open(&setup, &pivot, &closer).unwrap();
    let names = opened.into_iter().map(|one| one.name);
    assert!(names.eq([6, 7, 8].map(name)));
    for (side, list) in (0..).zip([&pivot, &closer]) {
        let shown = lists::shown(&setup, Place(side), list).unwrap();
        assert!(shown == counted.shown[usize::from(side)]);
    }
}
