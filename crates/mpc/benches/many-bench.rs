//! Figures of joint sets of many: `many-bench [--log2-items N] [--holders N]
//! [--opener] [--counter] [--fast-code] [--phases] [--json]`.
//!
//! Why it exists: what each further set costs. All parties run in one process on
//! one thread, so CPU time and memory are those of all of them; with `--opener`
//! the receiver holds no set, and with `--counter` somebody counts before it learns
//! the answer. Half of the items are in all sets.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;
#[path = "common/sets.rs"]
mod sets;

use std::time::Instant;

use mpc::{
    Error,
    psi::many::{
        Closer, Counter, Giver, Holder, Opener, Pivot, Place, Seat, Setup, Showing, lists,
    },
    vole::{Code, Params},
};
use primitives::{Digest, InstitutionId};
use rand::{SeedableRng, rngs::StdRng};

use measure::{Clock, Report, as_f64, peak_rss};
use sets::{correlate, floor, hashed, ids, scope};

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut log2, mut holders, mut opener, mut counter) = (14, 3usize, false, false);
    let mut code = Code::Conservative;
    let (mut json, mut phases) = (false, false);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok());
        match arg.as_str() {
            "--log2-items" => log2 = number().unwrap_or(log2),
            "--holders" => holders = number().unwrap_or(holders),
            "--opener" => opener = true,
            "--counter" => (opener, counter) = (true, true),
            "--fast-code" => code = Code::Fast,
            "--json" => json = true,
            "--phases" => phases = true,
            "many" | "--bench" => {}
            word if word.starts_with('-') => panic!("no such option: {word}"),
            _ => return,
        }
    }
    let items = 1usize << log2;
    // Every holder has the first half of the ids, and a second half of its own.
    let all: Vec<Vec<[u8; 16]>> = (0..holders)
        .map(|index| [ids(0, items / 2), ids((index + 1) * items, items / 2)].concat())
        .collect();
    let floor = floor(all.iter().flatten());
    let institution = |index: usize| InstitutionId::new(format!("holder_{index}")).unwrap();
    let setup = Setup {
        scope: scope(),
        step: 0,
        parts: 1,
        holders: (0..holders)
            .map(|index| Holder {
                institution: institution(index),
                snapshot: Digest::of("many bench", &[]),
                items: u32::try_from(items).unwrap(),
            })
            .collect(),
        receiver: if opener {
            InstitutionId::new("police").unwrap()
        } else {
            institution(0)
        },
        counter: counter.then(|| InstitutionId::new("court").unwrap()),
        name_bytes: if opener { 16 } else { 0 },
    };
    let mut clock = Clock::default();
    let wall = Instant::now();
    let (found, bytes) = run(&setup, &all, code, &mut clock);
    assert_eq!(found, items / 2);
    if phases {
        clock.show();
    }
    let total = as_f64(items * holders);
    let answer_to = match (opener, counter) {
        (_, true) => "opener,counted",
        (true, false) => "opener",
        (false, false) => "holder",
    };
    Report::new(&format!(
        "mpc::many/log2_items={log2}/holders={holders}/receiver={answer_to}"
    ))
    .note("code", format!("\"{code:?}\""))
    .figure("cpu_s", clock.total())
    .figure("wall_s", wall.elapsed().as_secs_f64())
    .figure("bytes_per_item", as_f64(bytes) / total)
    .note("peak_rss_bytes", peak_rss())
    .figure("floor_cpu_s", floor)
    .figure("floor_ratio", clock.total() / floor)
    .print(json);
}

enum Role {
    Pivot(Box<Pivot>),
    Giver(Box<Giver>),
    Closer(Box<Closer>),
    Opener(Box<Opener>),
    /// Speaks with nobody before the count.
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

    /// The phase's name and that of what it sends.
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Pivot(_) => ["pivot: take", "pivot: send"],
            Self::Giver(_) => ["givers: take", "givers: send"],
            Self::Closer(_) => ["closer: take", "closer: send"],
            Self::Opener(_) | Self::Silent => ["opener: take", "opener: send"],
        }
    }
}

/// Runs a session; how many items were found, and the bytes of all frames.
fn run(setup: &Setup, all: &[Vec<[u8; 16]>], code: Code, clock: &mut Clock) -> (usize, usize) {
    let mut rng = StdRng::seed_from_u64(1);
    let rng = &mut rng;
    let session = setup.open(0).unwrap();
    let count = session.places().count();
    let mut asks: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut evaluates: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut bytes = 0;
    for function in session.functions().unwrap() {
        let params = Params {
            len: function.correlations,
            code,
        };
        let tally = (&mut *clock, &mut bytes);
        let (key, vector) = correlate(&function.digest, params, false, tally, rng);
        asks[usize::from(function.asker.0)].push(vector);
        evaluates[usize::from(function.evaluator.0)].push(key);
    }
    let items = setup.items();
    let mut roles = Vec::new();
    for place in session.places() {
        let index = usize::from(place.0);
        let asks = std::mem::take(&mut asks[index]);
        let key = evaluates[index].pop();
        let ids = all.get(index).map_or(&[][..], Vec::as_slice);
        let set = clock.time("holders: hash", || hashed(&items, ids));
        let names = || ids.iter().map(|id| id.to_vec()).collect();
        let begun = clock.time("all: begin", || match session.seat(place).unwrap() {
            Seat::Pivot => Role::Pivot(Box::new(match key {
                None => Pivot::new(&session, place, set, asks, rng).unwrap(),
                Some(key) => {
                    Pivot::for_opener(&session, place, (set, names()), asks, key, rng).unwrap()
                }
            })),
            Seat::Giver => {
                let giver = Giver::new(&session, place, set, key.unwrap(), rng);
                Role::Giver(Box::new(giver.unwrap()))
            }
            Seat::Closer => {
                let asks = asks.into_iter().next().unwrap();
                let named = (set, names());
                let closer = Closer::new(&session, place, named, key.unwrap(), asks, rng);
                Role::Closer(Box::new(closer.unwrap()))
            }
            Seat::Opener if setup.counter.is_none() => {
                Role::Opener(Box::new(Opener::new(&session).unwrap()))
            }
            Seat::Opener | Seat::Counter => Role::Silent,
        });
        roles.push(begun);
    }
    loop {
        let mut quiet = true;
        for me in 0..roles.len() {
            let from = Place(u8::try_from(me).unwrap());
            loop {
                let name = roles[me].names()[1];
                let Some((to, frame)) = clock.time(name, || roles[me].pull().unwrap()) else {
                    break;
                };
                bytes += frame.len();
                let peer = &mut roles[usize::from(to.0)];
                clock.time(peer.names()[0], || peer.on_frame(from, &frame));
                quiet = false;
            }
        }
        if quiet {
            break;
        }
    }
    let found = finish(setup, roles, &mut bytes, clock);
    (found, bytes)
}

/// How many items all roles together have found.
fn finish(setup: &Setup, roles: Vec<Role>, bytes: &mut usize, clock: &mut Clock) -> usize {
    let (mut found, mut kept) = (None, Vec::new());
    for role in roles {
        match role {
            Role::Pivot(role) => {
                let ended = clock.time("pivot: send", || role.finish().unwrap());
                found = found.or(ended.places.map(|places| places.len()));
                kept.extend(ended.list);
            }
            Role::Opener(role) => {
                let names = clock.time("opener: take", || role.finish().unwrap().names);
                found = Some(names.len());
            }
            Role::Giver(role) => drop(role.finish().unwrap()),
            Role::Closer(role) => kept.extend(role.finish().unwrap().list),
            Role::Silent => {}
        }
    }
    if let [pivot, closer] = &kept[..] {
        found = Some(count_then_open(setup, [pivot, closer], bytes, clock));
    }
    found.unwrap()
}

/// The count, then what the opener does with the lists; their bytes are counted too.
fn count_then_open(setup: &Setup, kept: [&[u8]; 2], bytes: &mut usize, clock: &mut Clock) -> usize {
    let mut counter = Counter::new(setup).unwrap();
    let at = setup.place(setup.counter.as_ref().unwrap()).unwrap();
    let mut showings = [0, 1].map(|side: u8| Showing::new(setup, Place(side)).unwrap());
    for (showing, list) in showings.iter_mut().zip(kept) {
        clock.time("holders: show", || showing.part(list).unwrap());
    }
    while let Some(due) = counter.due() {
        let showing = &mut showings[usize::from(due.0)];
        if let Some((_, ready)) = counter.pull() {
            *bytes += ready.len();
            showing.on_frame(at, &ready).unwrap();
        }
        let (_, frame) = clock.time("holders: show", || showing.pull().unwrap());
        *bytes += frame.len();
        clock.time("counter: count", || counter.on_frame(due, &frame).unwrap());
    }
    let counted = clock.time("counter: count", || counter.finish().unwrap());
    *bytes += kept.iter().map(|list| list.len()).sum::<usize>();
    for (side, list) in (0..).zip(kept) {
        let shown = || lists::shown(setup, Place(side), list).unwrap();
        let shown = clock.time("opener: compare", shown);
        assert_eq!(shown, counted.shown[usize::from(side)]);
    }
    let open = || lists::open(setup, kept[0], kept[1]).unwrap().len();
    let opened = clock.time("opener: open", open);
    assert_eq!(opened as u64, counted.rows);
    opened
}
