//! Figures of the join into shares: `cpsi-bench [--log2-items N] [--words N]
//! [--security semi-honest|malicious] [--fast-code] [--phases] [--json]`.
//!
//! Why it exists: a join that opens nothing is the dear part of most questions.
//! The two owners run on one thread, then the three parties on one each, the
//! sharing of both halves included; CPU time, bytes and memory are those of all.
//! `--security` is that of the three parties. A row is one of the receiver's items.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;
#[path = "common/sets.rs"]
mod sets;

use std::time::Instant;

use mpc::{
    psi::{
        Items, Protocol, Security, Session, Setup,
        circuit::{Half, Receiver, Rows, Sender, correlations, join, rows},
    },
    shares::{self, memory},
    vole::{Code, Params},
};
use primitives::{Digest, InstitutionId};
use rand::{SeedableRng, rngs::StdRng};

use measure::{Clock, Report, as_f64, cpu_s, peak_rss};
use sets::{correlate, floor, hashed, ids, scope};

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut log2, mut words) = (12, 1u8);
    let (mut code, mut security) = (Code::Conservative, shares::Security::SemiHonest);
    let (mut json, mut phases) = (false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--log2-items" => log2 = args.next().and_then(|n| n.parse().ok()).unwrap_or(log2),
            "--words" => words = args.next().and_then(|n| n.parse().ok()).unwrap_or(words),
            "--security" => match args.next().as_deref() {
                Some("semi-honest") => security = shares::Security::SemiHonest,
                Some("malicious") => security = shares::Security::Malicious,
                other => panic!("no such security: {other:?}"),
            },
            "--fast-code" => code = Code::Fast,
            "--json" => json = true,
            "--phases" => phases = true,
            "cpsi" | "--bench" => {}
            word if word.starts_with('-') => panic!("no such option: {word}"),
            _ => return,
        }
    }
    let items = 1usize << log2;
    let (mine, theirs) = (ids(0, items), ids(items / 2, items));
    let floor = floor(mine.iter().chain(&theirs));
    let setup = setup(items, words);
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let payload: Vec<Vec<u64>> = (0..u64::from(words))
        .map(|word| (0..items as u64).map(|row| row + word).collect())
        .collect();
    let mut clock = Clock::default();
    let wall = Instant::now();
    let (halves, mut bytes) = owners(
        &setup,
        &session,
        code,
        (&mine, &theirs, &payload),
        &mut clock,
    );
    let before = cpu_s();
    bytes += three(&session, &halves, security, items / 2);
    let parties = cpu_s() - before;
    if phases {
        clock.show();
        eprintln!("{:>24} {:8.1} ms", "three parties", parties * 1e3);
    }
    let all = clock.total() + parties;
    Report::new(&format!("mpc::cpsi/log2_items={log2}/words={words}"))
        .note("security", format!("\"{security:?}\""))
        .note("code", format!("\"{code:?}\""))
        .figure("cpu_s", all)
        .figure("wall_s", wall.elapsed().as_secs_f64())
        .figure("bytes_per_item", as_f64(bytes) / as_f64(items))
        .note("rows", rows(&session).unwrap())
        .note("peak_rss_bytes", peak_rss())
        .figure("floor_cpu_s", floor)
        .figure("floor_ratio", all / floor)
        .print(json);
}

fn setup(items: usize, words: u8) -> Setup {
    let digest = Digest::of("cpsi bench", &[]);
    Setup {
        scope: scope(),
        step: 0,
        parts: 1,
        receiver: InstitutionId::new("telecom_a").unwrap(),
        sender: InstitutionId::new("bank_a").unwrap(),
        receiver_snapshot: digest,
        sender_snapshot: digest,
        receiver_items: u32::try_from(items).unwrap(),
        sender_items: u32::try_from(items).unwrap(),
        protocol: Protocol::Circuit { words },
    }
}

type Tables<'a> = (&'a [[u8; 16]], &'a [[u8; 16]], &'a [Vec<u64>]);

/// The first half: what each owner holds in the end, and the bytes between them.
fn owners(
    setup: &Setup,
    session: &Session,
    code: Code,
    (mine, theirs, payload): Tables<'_>,
    clock: &mut Clock,
) -> ((Rows, Half), usize) {
    let mut rng = StdRng::seed_from_u64(1);
    let rng = &mut rng;
    let mut bytes = 0;
    let params = Params {
        len: correlations(session).unwrap(),
        code,
    };
    let tally = (&mut *clock, &mut bytes);
    let (key, vector) = correlate(session.digest(), params, false, tally, rng);
    let items = Items::of(setup);
    let mine = clock.time("receiver: hash", || hashed(&items, mine));
    let theirs = clock.time("sender: hash", || hashed(&items, theirs));
    let mut receiver = clock.time("receiver: begin", || {
        Receiver::new(session, mine, vector, rng).unwrap()
    });
    let mut sender = clock.time("sender: begin", || {
        Sender::new(session, theirs, payload, key, rng).unwrap()
    });
    loop {
        let mut quiet = true;
        while let Some(frame) = clock.time("sender: send", || sender.pull().unwrap()) {
            bytes += frame.len();
            clock.time("receiver: take", || receiver.on_frame(&frame).unwrap());
            quiet = false;
        }
        while let Some(frame) = clock.time("receiver: send", || receiver.pull().unwrap()) {
            bytes += frame.len();
            clock.time("sender: take", || sender.on_frame(&frame).unwrap());
            quiet = false;
        }
        if quiet {
            break;
        }
    }
    let rows = receiver.finish().unwrap();
    ((rows, sender.finish().unwrap().0), bytes)
}

/// The second half: shares, compares and counts; the bytes of it.
fn three(
    session: &Session,
    (rows, half): &(Rows, Half),
    security: shares::Security,
    due: usize,
) -> usize {
    let mut rng = StdRng::seed_from_u64(2);
    let of_three = Digest::plain(b"bench");
    let receivers = rows.half.share_as_receiver(session, &of_three, &mut rng);
    let senders = half.share_as_sender(session, &of_three, &mut rng);
    let (receivers, senders) = (receivers.unwrap(), senders.unwrap());
    let shared = receivers.iter().chain(&senders).flatten();
    let bytes: usize = shared.map(Vec::len).sum();
    let costs = memory::run(security, 1, |party| {
        let me = party.index();
        let joined = join(party, session, &of_three, &receivers[me], &senders[me])?;
        party.verify()?;
        let cost = party.cost();
        assert_eq!(party.count_flagged(&joined.found)?, due);
        Ok(usize::try_from(cost.bytes).unwrap())
    });
    bytes + costs.map(Result::unwrap).iter().sum::<usize>()
}
