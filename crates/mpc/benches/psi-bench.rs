//! Figures of joint sets: `psi-bench [psi] [--log2-items N] [--security
//! malicious|semi-honest] [--fast-code] [--phases] [--json]`.
//!
//! Why it exists: the limits that the design states are measured here, beside the
//! floor of the work: hashing both sets once, and tags of 80 bits. Both parties
//! run in one process on one thread, so CPU time and memory are those of both.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

use std::time::Instant;

use mpc::{
    lookup::Scope,
    psi::{
        Item, Items, Protocol, Security, Session, Set, Setup,
        rr22::{Receiver, Sender, correlation_bits, correlations},
    },
    vole::{self, Code, Params, ReceiverOutput, SenderOutput},
};
use primitives::{Digest, InstitutionId, NetworkId};
use rand::{SeedableRng, rngs::StdRng};
use sha2::{Digest as _, Sha256};

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut log2, mut security) = (20, Security::Malicious);
    let mut code = Code::Conservative;
    let (mut json, mut phases) = (false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--log2-items" => log2 = args.next().and_then(|n| n.parse().ok()).unwrap_or(20),
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
    let items = 1usize << log2;
    let protocol = Protocol::Rr22(security);
    let mut clock = Clock::default();
    let (mine, theirs) = (selectors(0, items), selectors(items / 2, items));
    let floor = floor(&mine, &theirs, &mut clock);
    let setup = setup(items, protocol);
    let outcome = run(&setup, code, &mine, &theirs, &mut clock);
    assert_eq!(outcome.found, items - items / 2);
    if phases {
        for (name, cpu) in &clock.phases {
            eprintln!("{name:>24} {:8.1} ms", cpu * 1e3);
        }
    }
    let all: f64 = clock.phases.iter().skip(1).map(|(_, cpu)| cpu).sum();
    let fields = [
        ("bench", format!("\"mpc::psi/log2_items={log2}\"")),
        ("protocol", format!("\"{protocol:?}\"")),
        ("code", format!("\"{code:?}\"")),
        ("cpu_s", format!("{all:.3}")),
        ("wall_s", format!("{:.3}", outcome.wall)),
        (
            "bytes_per_item",
            format!("{:.2}", outcome.bytes as f64 / items as f64),
        ),
        ("peak_rss_bytes", peak_rss().to_string()),
        ("floor_cpu_s", format!("{floor:.3}")),
        ("floor_ratio", format!("{:.2}", all / floor)),
        (
            "floor_bytes_ratio",
            format!("{:.2}", outcome.bytes as f64 / items as f64 / 10.0),
        ),
    ];
    let line = |quote: &str, colon: &str, comma: &str| -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{quote}{name}{quote}{colon}{value}"));
        fields.collect::<Vec<_>>().join(comma)
    };
    if json {
        println!("{{{}}}", line("\"", ":", ","));
    } else {
        println!("{}", line("", " = ", "\n"));
    }
}

/// CPU time of the one thread, by phase.
#[derive(Default)]
struct Clock {
    phases: Vec<(&'static str, f64)>,
}

impl Clock {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let before = thread_cpu();
        let result = work();
        let spent = thread_cpu() - before;
        match self.phases.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += spent,
            None => self.phases.push((name, spent)),
        }
        result
    }
}

/// CPU seconds of this thread, to the nanosecond that the kernel keeps.
fn thread_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e9
}

fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Distinct 128-bit ids.
fn selectors(first: usize, count: usize) -> Vec<[u8; 16]> {
    (first..first + count)
        .map(|n| {
            let mut id = [0; 16];
            id.copy_from_slice(&Sha256::digest(n.to_be_bytes())[..16]);
            id
        })
        .collect()
}

/// Hashes both sets once.
fn floor(mine: &[[u8; 16]], theirs: &[[u8; 16]], clock: &mut Clock) -> f64 {
    clock.time("floor", || {
        let mut sum = 0u8;
        for id in mine.iter().chain(theirs) {
            sum ^= Sha256::digest(id)[0];
        }
        std::hint::black_box(sum);
    });
    clock.phases[0].1
}

fn setup(items: usize, protocol: Protocol) -> Setup {
    let digest = Digest::of("psi bench", &[]);
    Setup {
        scope: Scope {
            network: NetworkId(digest),
            warrant: digest,
            plan: digest,
            run: digest,
        },
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

fn hashed(setup: &Setup, selectors: &[[u8; 16]]) -> Set {
    let items = Items::of(setup);
    let hashed: Vec<Item> = selectors.iter().map(|id| items.item(id).unwrap()).collect();
    Set::new(&hashed)
}

/// The real correlation; adds its bytes.
fn correlate(
    session: &Session,
    code: Code,
    clock: &mut Clock,
    bytes: &mut usize,
) -> (SenderOutput, ReceiverOutput) {
    let mut rng = StdRng::seed_from_u64(2);
    let rng = &mut rng;
    let params = Params {
        len: correlations(session).unwrap(),
        code,
    };
    let id = *session.digest().as_bytes();
    let narrow = correlation_bits(session).unwrap() == 64;
    let mine = "receiver: correlate";
    let theirs = "sender: correlate";
    let (receiver, offer) = clock
        .time(mine, || {
            if narrow {
                vole::Receiver::start_narrow(id, params, rng)
            } else {
                vole::Receiver::start(id, params, rng)
            }
        })
        .unwrap();
    let sender = if narrow {
        vole::Sender::new_narrow(id, params).unwrap()
    } else {
        vole::Sender::new(id, params).unwrap()
    };
    let (sender, choices) = clock.time(theirs, || sender.on_offer(&offer, rng)).unwrap();
    let (receiver, corrections) = clock
        .time(mine, || receiver.on_choices(&choices, rng))
        .unwrap();
    let (sender, challenge) = clock
        .time(theirs, || sender.on_corrections(&corrections, rng))
        .unwrap();
    let (receiver, response) = clock
        .time(mine, || receiver.on_challenge(&challenge))
        .unwrap();
    let (sender, trees) = clock
        .time(theirs, || sender.on_response(&response, rng))
        .unwrap();
    let (receiver, inquiry) = clock.time(mine, || receiver.on_trees(&trees, rng)).unwrap();
    let (key, proof) = clock.time(theirs, || sender.on_inquiry(&inquiry)).unwrap();
    let vector = clock.time(mine, || receiver.on_proof(&proof)).unwrap();
    *bytes += [
        offer,
        choices,
        corrections,
        challenge,
        response,
        trees,
        inquiry,
        proof,
    ]
    .iter()
    .map(Vec::len)
    .sum::<usize>();
    (key, vector)
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
    let (key, vector) = correlate(&session, code, clock, &mut bytes);
    let mine = clock.time("receiver: hash", || hashed(setup, mine));
    let theirs = clock.time("sender: hash", || hashed(setup, theirs));
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
