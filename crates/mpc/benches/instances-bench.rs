//! Many random instances of each protocol against its ideal twin:
//! `instances-bench [rr22|diffie-hellman|cardinality|many|circuit|shares|joint]
//! [--count N]`.
//!
//! Why it exists: the tests draw as many instances as a minute allows; here are a
//! hundred thousand, for whoever has changed a protocol. It measures nothing and
//! fails at the first difference, with the seed that shows it.
//!
//! Small sets and tables, of the shapes that break protocols: empty, one row, all
//! equal, none equal, duplicates, sizes far apart, padded. Of three parties, one
//! instance in ten runs in malicious mode, which is ten times as slow.
#![allow(clippy::unwrap_used, reason = "it stops where something is wrong")]

#[path = "instances/circuit.rs"]
mod circuit;
#[path = "instances/joint.rs"]
mod joint;
#[path = "instances/many.rs"]
mod many;

use std::{collections::BTreeSet, slice::from_ref, time::Instant};

use mpc::{
    Error,
    lookup::Scope,
    psi::{self, Item, Items, Protocol, Security, Session, Set, Setup, cardinality, rr22},
    shares::{self, Extreme, Party, Words, input, memory},
};
use primitives::{Digest, InstitutionId, NetworkId};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

const PROTOCOLS: [&str; 7] = [
    "rr22",
    "diffie-hellman",
    "cardinality",
    "many",
    "circuit",
    "shares",
    "joint",
];

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut what, mut count) = (Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--count" => count = args.next().and_then(|count| count.parse().ok()),
            "--bench" | "--json" => {}
            name if PROTOCOLS.contains(&name) => what.push(name.to_owned()),
            // A room's benches are all given the same words; others are not ours.
            word => assert!(!word.starts_with('-'), "no such option: {word}"),
        }
    }
    // `cargo bench` and `cargo test --benches` without a name: a short look.
    if what.is_empty() {
        what = PROTOCOLS.map(str::to_owned).to_vec();
        count = count.or(Some(20));
    }
    let count = count.unwrap_or(100_000);
    for name in &what {
        let start = Instant::now();
        match name.as_str() {
            "shares" => batches(count, tables),
            "joint" => batches(count, joint::questions),
            "circuit" => batches(count, circuit::instance),
            "many" => (0..count).for_each(many::instance),
            name => (0..count).for_each(|seed| sets(name, seed)),
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{name}: {count} instances equal the ideal ones, {seconds:.0} s");
    }
}

/// How many of something: mostly few.
fn size(rng: &mut StdRng, largest: usize) -> usize {
    match rng.random_range(0..8) {
        0 => 0,
        1 => 1,
        _ => rng.random_range(0..=largest),
    }
}

// Joint sets.

fn sets(name: &str, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let rng = &mut rng;
    let largest = if name == "rr22" { 40 } else { 10 };
    let [receiver, sender] = two_sets(rng, largest);
    let padded = [&receiver, &sender].map(|set| set.len() + size(rng, 12));
    let expected = intersection(&receiver, &sender);
    let protocols = match name {
        "rr22" => vec![
            Protocol::Rr22(Security::Malicious),
            Protocol::Rr22(Security::SemiHonest),
        ],
        "cardinality" => vec![Protocol::Cardinality],
        _ => vec![Protocol::DiffieHellman],
    };
    for protocol in protocols {
        let setup = setup(protocol, padded, seed);
        let session = setup.open(0, Security::SemiHonest).unwrap();
        let [mine, theirs] = [&receiver, &sender].map(|set| hash(&setup, set));
        let found = match protocol {
            Protocol::Rr22(_) => silent(session, mine, theirs, rng),
            Protocol::Cardinality => {
                let (count, found) = count_first(session, mine, theirs, rng);
                assert_eq!(count, expected.len(), "{protocol:?}, seed {seed}");
                found
            }
            _ => by_group(session, mine, theirs, rng),
        };
        assert_eq!(found, expected, "{protocol:?}, seed {seed}");
    }
}

/// The first place of each of the receiver's items that the sender has.
fn intersection(receiver: &[Vec<u8>], sender: &[Vec<u8>]) -> Vec<u32> {
    let theirs: BTreeSet<&Vec<u8>> = sender.iter().collect();
    let mut seen = BTreeSet::new();
    let places = (0u32..).zip(receiver);
    let found = places.filter(|(_, item)| seen.insert(*item) && theirs.contains(item));
    found.map(|(place, _)| place).collect()
}

fn two_sets(rng: &mut StdRng, largest: usize) -> [Vec<Vec<u8>>; 2] {
    let sizes = [size(rng, largest), size(rng, largest)];
    let universe = match rng.random_range(0..4) {
        0 => 1,
        1 => sizes[0].max(1) as u64,
        2 => u64::MAX,
        _ => 2 * largest as u64,
    };
    let mut sets = sizes.map(|count| -> Vec<Vec<u8>> {
        let draw = |_| rng.random_range(0..universe).to_be_bytes().to_vec();
        (0..count).map(draw).collect()
    });
    if rng.random_range(0..6) == 0 {
        sets[1] = sets[0].iter().rev().cloned().collect();
    }
    sets
}

fn setup(protocol: Protocol, padded: [usize; 2], run: u64) -> Setup {
    let digest = Digest::of("instances", &[]);
    let [receiver_items, sender_items] = padded.map(|items| u32::try_from(items).unwrap());
    Setup {
        scope: Scope {
            network: NetworkId(digest),
            warrant: digest,
            plan: digest,
            run: Digest::of("instances run", &[&run.to_be_bytes()]),
        },
        step: 0,
        parts: 1,
        receiver: InstitutionId::new("police").unwrap(),
        sender: InstitutionId::new("telecom_a").unwrap(),
        receiver_snapshot: digest,
        sender_snapshot: digest,
        receiver_items,
        sender_items,
        protocol,
    }
}

fn hash(setup: &Setup, selectors: &[Vec<u8>]) -> Set {
    let items = Items::of(setup);
    let hashed: Vec<Item> = selectors
        .iter()
        .map(|one| items.item(one).unwrap())
        .collect();
    Set::new(&hashed)
}

/// Carries frames until neither side has anything to say.
macro_rules! drive {
    ($receiver:ident, $sender:ident, $pull_receiver:expr, $pull_sender:expr) => {
        loop {
            let mut quiet = true;
            while let Some(frame) = $pull_sender {
                $receiver.on_frame(&frame).unwrap();
                quiet = false;
            }
            while let Some(frame) = $pull_receiver {
                $sender.on_frame(&frame).unwrap();
                quiet = false;
            }
            if quiet {
                break;
            }
        }
    };
}

fn silent(session: Session, mine: Set, theirs: Set, rng: &mut StdRng) -> Vec<u32> {
    let (key, vector) = rr22::deal(&session, rng).unwrap();
    let mut receiver = rr22::Receiver::new(session.clone(), mine, vector, rng).unwrap();
    let mut sender = rr22::Sender::new(session, theirs, key, rng).unwrap();
    drive!(receiver, sender, receiver.pull().unwrap(), sender.pull());
    let (found, transcript) = receiver.finish().unwrap();
    assert_eq!(transcript, sender.finish().unwrap());
    found
}

fn by_group(session: Session, mine: Set, theirs: Set, rng: &mut StdRng) -> Vec<u32> {
    let mut receiver = psi::diffie_hellman::Receiver::new(session.clone(), mine, rng).unwrap();
    let mut sender = psi::diffie_hellman::Sender::new(session, theirs, rng).unwrap();
    drive!(receiver, sender, receiver.pull(), sender.pull());
    let (found, transcript) = receiver.finish().unwrap();
    assert_eq!(transcript, sender.finish().unwrap());
    found
}

fn count_first(session: Session, mine: Set, theirs: Set, rng: &mut StdRng) -> (usize, Vec<u32>) {
    let mut receiver = cardinality::Receiver::new(session.clone(), mine, rng).unwrap();
    let mut sender = cardinality::Sender::new(session, theirs, rng).unwrap();
    drive!(receiver, sender, receiver.pull(), sender.pull().unwrap());
    let counted = receiver.finish().unwrap();
    let (_, gate) = sender.finish().unwrap();
    let count = counted.count();
    let (ask, asked) = counted.ask().unwrap();
    let (identities, _) = gate.open(&ask, 4096).unwrap();
    (count, asked.on_frame(&identities).unwrap().0)
}

// Three parties.

type Instance = fn(&mut Party<'_>, u64) -> Result<(), Error>;

/// Instances in sessions of fifty, one session in ten malicious.
fn batches(count: u64, instance: Instance) {
    const BATCH: u64 = 50;
    for first in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
        let security = match first / BATCH % 10 {
            0 => shares::Security::Malicious,
            _ => shares::Security::SemiHonest,
        };
        let results = memory::run(security, first, |party| {
            (first..count.min(first + BATCH)).try_for_each(|seed| instance(party, seed))
        });
        for result in results {
            result.unwrap();
        }
    }
}

fn give(party: &mut Party<'_>, seed: u64, values: &[u64], width: u32) -> Result<Words, Error> {
    let binding = input::Binding {
        session: Digest::plain(b"instances"),
        owner: "owner".to_owned(),
        column: seed.to_string(),
        rows: values.len(),
        width,
    };
    let messages = input::share(&binding, values, &mut StdRng::seed_from_u64(seed))?;
    party.receive_input(&binding, &messages[party.index()])
}

fn open_all(party: &mut Party<'_>, columns: &[Words]) -> Result<Vec<Vec<u64>>, Error> {
    columns
        .iter()
        .map(|column| party.open_words(column))
        .collect()
}

fn sorted_rows(columns: &[Vec<u64>]) -> Vec<Vec<u64>> {
    let rows = columns.first().map_or(0, Vec::len);
    let row = |at: usize| columns.iter().map(|column| column[at]).collect();
    let mut rows: Vec<Vec<u64>> = (0..rows).map(row).collect();
    rows.sort_unstable();
    rows
}

/// Products, comparisons, a sort and groups of one small table.
fn tables(party: &mut Party<'_>, seed: u64) -> Result<(), Error> {
    let mut rng = StdRng::seed_from_u64(seed);
    let rows = size(&mut rng, 24);
    let width = rng.random_range(1..=30);
    let distinct = rng.random_range(1..=1u64 << width.min(6));
    let keys: Vec<u64> = (0..rows).map(|_| rng.random_range(0..distinct)).collect();
    let amounts: Vec<u64> = (0..rows).map(|_| rng.next_u64() >> (64 - width)).collect();
    let (key, amount) = (
        give(party, 1, &keys, width)?,
        give(party, 2, &amounts, width)?,
    );
    let [x, y] = [party.words_to_arith(&key)?, party.words_to_arith(&amount)?];
    let product = party.mul(&x, &y)?;
    let less = party.less_than(&key.to_bits(), &amount.to_bits())?;
    let negative = party.less_than_arith(&x, &y)?;
    let (product, less) = (party.open(&product)?, party.open_words(&less.to_words())?);
    let negative = party.open_words(&negative.to_words())?;
    for at in 0..rows {
        let due = i64::try_from(keys[at] * amounts[at]).unwrap();
        assert_eq!(product[at], due, "seed {seed}");
        let due = u64::from(keys[at] < amounts[at]);
        assert_eq!((less[at], negative[at]), (due, due), "seed {seed}");
    }
    let (sorted, carried) = party.sort(from_ref(&key), from_ref(&amount))?;
    let got = (open_all(party, &sorted)?, open_all(party, &carried)?);
    assert_eq!(
        got,
        shares::ideal::sort(from_ref(&keys), from_ref(&amounts)),
        "seed {seed}"
    );
    let extremes = [(amount.clone(), Extreme::Least)];
    let groups = party.group_by(&[key], &[amount], &extremes)?;
    let columns = [
        groups.keys[0].clone(),
        party.to_words(&groups.count)?,
        party.to_words(&groups.sums[0])?,
        groups.extremes[0].clone(),
    ];
    let got = sorted_rows(&party.open_flagged(&groups.last, &columns, rows)?);
    let least = [(amounts.clone(), Extreme::Least)];
    let due = shares::ideal::group_by(from_ref(&keys), from_ref(&amounts), &least);
    let due = due
        .iter()
        .map(|(key, group)| vec![key[0], group.count, group.sums[0], group.extremes[0]]);
    assert_eq!(got, due.collect::<Vec<_>>(), "seed {seed}");
    Ok(())
}
