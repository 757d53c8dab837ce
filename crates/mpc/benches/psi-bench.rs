//! Figures of joint sets: `psi-bench [psi] [--log2-items N | --items N] [--security
//! malicious|semi-honest] [--fast-code] [--phases] [--json]`.
//!
//! Why it exists: the limits that the design states are measured here, beside the
//! floor of the work: hashing both sets once, and tags of 80 bits. Both parties
//! run in one process on one thread, so CPU time and memory are those of both.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;
#[path = "common/sets.rs"]
mod sets;

use std::time::Instant;

use mpc::{
    psi::{
        Items, Protocol, Security, Setup,
        rr22::{Receiver, Sender, correlation_bits, correlations},
    },
    vole::{Code, Params},
};
use primitives::{Digest, InstitutionId};
use rand::{SeedableRng, rngs::StdRng};

use measure::{Clock, Report, as_f64, peak_rss};
use sets::{correlate, floor, hashed, ids, scope};

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut size, mut security) = ("log2_items=20".to_owned(), Security::Malicious);
    let mut items = 1usize << 20;
    let mut code = Code::Conservative;
    let (mut json, mut phases) = (false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--log2-items" => {
                let log2: u32 = args.next().unwrap().parse().unwrap();
                (items, size) = (1 << log2, format!("log2_items={log2}"));
            }
            "--items" => {
                items = args.next().unwrap().parse().unwrap();
                size = format!("items={items}");
            }
            "--security" => match args.next().as_deref() {
                Some("semi-honest") => security = Security::SemiHonest,
                Some("malicious") => security = Security::Malicious,
                other => panic!("no such security: {other:?}"),
            },
            "--fast-code" => code = Code::Fast,
            "--json" => json = true,
            "--phases" => phases = true,
            // A room's benches are all given the same words; others are not ours.
            "psi" | "--bench" => {}
            word if word.starts_with('-') => panic!("no such option: {word}"),
            _ => return,
        }
    }
    let protocol = Protocol::Rr22(security);
    let mut clock = Clock::default();
    let (mine, theirs) = (ids(0, items), ids(items / 2, items));
    let floor = floor(mine.iter().chain(&theirs));
    let setup = setup(items, protocol);
    let outcome = run(&setup, code, &mine, &theirs, &mut clock);
    assert_eq!(outcome.found, items - items / 2);
    if phases {
        clock.show();
    }
    let each = as_f64(outcome.bytes) / as_f64(items);
    Report::new(&format!("mpc::psi/{size}"))
        .note("protocol", format!("\"{protocol:?}\""))
        .note("code", format!("\"{code:?}\""))
        .figure("cpu_s", clock.total())
        .figure("wall_s", outcome.wall)
        .figure("bytes_per_item", each)
        .note("peak_rss_bytes", peak_rss())
        .figure("floor_cpu_s", floor)
        .figure("floor_ratio", clock.total() / floor)
        .figure("floor_bytes_ratio", each / 10.0)
        .print(json);
}

fn setup(items: usize, protocol: Protocol) -> Setup {
    let digest = Digest::of("psi bench", &[]);
    Setup {
        scope: scope(),
        step: 0,
        parts: 1,
        receiver: InstitutionId::new("police").unwrap(),
        sender: InstitutionId::new("telecom_a").unwrap(),
        receiver_snapshot: digest,
        sender_snapshot: digest,
        receiver_items: u32::try_from(items).unwrap(),
        sender_items: u32::try_from(items).unwrap(),
        protocol,
    }
}

struct Outcome {
    found: usize,
    bytes: usize,
    wall: f64,
}

fn run(
    setup: &Setup,
    code: Code,
    mine: &[[u8; 16]],
    theirs: &[[u8; 16]],
    clock: &mut Clock,
) -> Outcome {
    let mut rng = StdRng::seed_from_u64(1);
    let session = setup.open(0, Security::SemiHonest).unwrap();
    let wall = Instant::now();
    let mut bytes = 0;
    let params = Params {
        len: correlations(&session).unwrap(),
        code,
    };
    let narrow = correlation_bits(&session).unwrap() == 64;
    let tally = (&mut *clock, &mut bytes);
    let (key, vector) = correlate(session.digest(), params, narrow, tally, &mut rng);
    let items = Items::of(setup);
    let mine = clock.time("receiver: hash", || hashed(&items, mine));
    let theirs = clock.time("sender: hash", || hashed(&items, theirs));
    let mut receiver = clock.time("receiver: begin", || {
        Receiver::new(session.clone(), mine, vector, &mut rng).unwrap()
    });
    let mut sender = clock.time("sender: begin", || {
        Sender::new(session, theirs, key, &mut rng).unwrap()
    });
    loop {
        let mut quiet = true;
        while let Some(frame) = clock.time("sender: send", || sender.pull()) {
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
    let found = receiver.finish().unwrap().0.len();
    sender.finish().unwrap();
    Outcome {
        found,
        bytes,
        wall: wall.elapsed().as_secs_f64(),
    }
}
