//! Figures of the warranted lookup: `mpc-bench <prepare|lookup|chain> [--json]
//! [--keys N]`.
//!
//! Why it exists: the limits that the design states are measured here, each
//! beside the bare cost of its primitives in the same run. Requester and
//! custodians run in one process and talk over loopback sockets, so CPU time and
//! memory are those of both sides together.
#![allow(clippy::unwrap_used, reason = "a bench stops where something is wrong")]

#[path = "common/measure.rs"]
mod measure;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Instant,
};

use curve25519_dalek::{RistrettoPoint, Scalar};
use mpc::{
    PlanKey, TableKey,
    limits::{ANONYMITY_DEFAULT, SELECTORS_MAX},
    lookup::{
        Context, Derivation, Label, Permit, Prepared, Scope,
        custodian::{Pull, Run, Session as Answering},
        requester::{Opened, Progress, Session as Asking, Target, parts},
    },
    oprf,
};
use primitives::{Digest, InstitutionId, NetworkId, SigningKey};
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use sha2::{Digest as _, Sha512};

use measure::{Report, cpu_s, peak_rss, reset_peak};

fn main() {
    let mut args = std::env::args().skip(1).peekable();
    let (mut what, mut json, mut keys) = (None, false, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = true,
            "--keys" => keys = args.next().and_then(|count| count.parse().ok()),
            "--bench" => {}
            name => what = Some(name.to_owned()),
        }
    }
    let print = |report: Report| report.print(json);
    match what.as_deref() {
        Some("prepare") => print(prepare(keys.unwrap_or(200_000))),
        Some("lookup") => print(lookup(keys.unwrap_or(1_000_000))),
        Some("chain") => chain(keys.unwrap_or(100_000)).into_iter().for_each(print),
        // `cargo bench` and `cargo test --benches` without a name: a short look.
        _ => print(prepare(20_000)),
    }
}

/// Peak resident memory in MiB since the last [`reset_peak`].
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn peak_mib() -> f64 {
    peak_rss() as f64 / f64::from(1 << 20)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64, f64) {
    let (wall, cpu) = (Instant::now(), cpu_s());
    let result = work();
    (result, wall.elapsed().as_secs_f64(), cpu_s() - cpu)
}

fn key_bytes(index: usize) -> Vec<u8> {
    format!("phone:+86138{index:08}").into_bytes()
}

/// Hash to the group, one multiplication, batched encoding, and nothing else.
fn bare(keys: usize, secret: &Scalar) {
    let indices: Vec<usize> = (0..keys).collect();
    indices.par_chunks(256).for_each(|chunk| {
        let points: Vec<RistrettoPoint> = chunk
            .iter()
            .map(|index| {
                let first = Sha512::new()
                    .chain_update([0; 128])
                    .chain_update(key_bytes(*index))
                    .chain_update([0; 3])
                    .chain_update([0; 42])
                    .finalize();
                let second = Sha512::new()
                    .chain_update(first)
                    .chain_update([1; 43])
                    .finalize();
                RistrettoPoint::from_uniform_bytes(&second.into()) * secret
            })
            .collect();
        let encoded = RistrettoPoint::double_and_compress_batch(&points);
        assert_eq!(std::hint::black_box(encoded).len(), chunk.len());
    });
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn per_key_us(seconds: f64, keys: usize) -> f64 {
    seconds * 1e6 / keys as f64
}

fn prepare(keys: usize) -> Report {
    let mut rng = StdRng::seed_from_u64(1);
    let key = TableKey::draw(&mut rng);
    let secret = Scalar::random(&mut rng);
    // Alternate, so that a neighbour's load falls on both.
    let (mut bare_cpu, mut bare_wall, mut our_cpu, mut our_wall) = (0.0, 0.0, 0.0, 0.0);
    let rounds = 3;
    let mut table = None;
    for _ in 0..rounds {
        let ((), wall, cpu) = timed(|| bare(keys, &secret));
        bare_cpu += cpu;
        bare_wall += wall;
        let inputs = (0..keys).map(key_bytes);
        let (prepared, wall, cpu) =
            timed(|| Prepared::prepare(&key, [1; 32], ANONYMITY_DEFAULT, inputs, None).unwrap());
        our_cpu += cpu;
        our_wall += wall;
        table = Some(prepared);
    }
    let old = table.unwrap();
    let more = keys + keys / 100;
    let (_, again, _) = timed(|| {
        let inputs = (0..more).map(key_bytes);
        Prepared::prepare(&key, [1; 32], ANONYMITY_DEFAULT, inputs, Some(&old)).unwrap()
    });
    let all = keys * rounds;
    let ratio = our_cpu / bare_cpu;
    Report::new("mpc::prepare")
        .note("keys", keys)
        .note("threads", rayon::current_num_threads())
        .figure("cpu_us_per_key", per_key_us(our_cpu, all))
        .figure("bare_cpu_us_per_key", per_key_us(bare_cpu, all))
        .figure("ratio_to_bare", ratio)
        .figure("ratio_limit", 1.3)
        .note("within_limit", ratio <= 1.3)
        .figure("wall_us_per_key", per_key_us(our_wall, all))
        .figure("wall_ratio_to_bare", our_wall / bare_wall)
        .figure("anchor_us_per_key", 26.8)
        .figure("ratio_to_anchor", per_key_us(our_cpu, all) / 26.8)
        .figure("one_percent_new_wall_s", again)
}

/// Frames of at most a megabyte that wait for a custodian's socket.
const FRAMES_AHEAD: usize = 32;

/// What a custodian of the bench serves.
struct Custodian {
    name: InstitutionId,
    signer: SigningKey,
    table_key: TableKey,
    plan_key: PlanKey,
    prepared: Arc<Prepared>,
    labels: fn(&[u8]) -> Label,
}

impl Custodian {
    fn new(name: &str, keys: usize, labels: fn(&[u8]) -> Label) -> Self {
        let seed = Digest::of("bench", &[name.as_bytes()]);
        let mut rng = StdRng::from_seed(*seed.as_bytes());
        let table_key = TableKey::draw(&mut rng);
        let inputs = (0..keys).map(key_bytes);
        let prepared =
            Prepared::prepare(&table_key, [1; 32], ANONYMITY_DEFAULT, inputs, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        prepared.save(&path).unwrap();
        drop(prepared);
        Self {
            name: InstitutionId::new(name).unwrap(),
            signer: SigningKey::from_seed(seed.as_bytes()),
            table_key,
            plan_key: PlanKey::draw(&mut rng),
            prepared: Arc::new(Prepared::open(&path).unwrap()),
            labels,
        }
    }

    fn context(&self, step: u16, part: u16) -> Context {
        Context {
            scope: scope(),
            step,
            part,
            requester: InstitutionId::new("police").unwrap(),
            custodian: self.name.clone(),
            snapshot: Digest::of("bench", &[b"snapshot"]),
            table: self.prepared.params(),
            plan_key: self.plan_key.commitment(&self.table_key),
            rooted: true,
        }
    }

    fn run(&self) -> Arc<Run> {
        let signer = self.signer.clone();
        Arc::new(Run::open(
            scope(),
            self.name.clone(),
            &self.table_key,
            &self.plan_key,
            signer,
        ))
    }
}

fn scope() -> Scope {
    let digest = |name: &str| Digest::of("bench", &[name.as_bytes()]);
    Scope {
        network: NetworkId(digest("network")),
        warrant: digest("warrant"),
        plan: digest("plan"),
        run: digest("run"),
    }
}

fn send(socket: &mut TcpStream, bytes: &[u8]) {
    socket
        .write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes())
        .unwrap();
    socket.write_all(bytes).unwrap();
}

fn receive(socket: &mut TcpStream) -> Vec<u8> {
    let mut len = [0u8; 4];
    socket.read_exact(&mut len).unwrap();
    let mut bytes = vec![0; u32::from_be_bytes(len).try_into().unwrap()];
    socket.read_exact(&mut bytes).unwrap();
    bytes
}

/// One lookup over a loopback socket; gives the answer and its bytes.
fn over_loopback(
    custodian: &Custodian,
    run: &Arc<Run>,
    permit: &Permit,
    context: &Context,
    targets: Vec<Target>,
) -> (Opened, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_nodelay(true).unwrap();
            let request = receive(&mut socket);
            let session = Answering::new(
                context.clone(),
                Arc::clone(run),
                Arc::clone(&custodian.prepared),
            );
            let mut rng = StdRng::seed_from_u64(9);
            let mut answer = session.unwrap().admit(&request, permit, &mut rng).unwrap();
            // As a node's channel does, frames leave while the next ones are made.
            let (frames, leaving) = std::sync::mpsc::sync_channel::<Vec<u8>>(FRAMES_AHEAD);
            threads.spawn(move || {
                for frame in leaving {
                    send(&mut socket, &frame);
                }
            });
            loop {
                match answer.pull().unwrap() {
                    Pull::Labels(inputs) => {
                        let labels: Vec<Label> = inputs
                            .par_iter()
                            .map(|input| (custodian.labels)(input))
                            .collect();
                        answer.supply(&labels).unwrap();
                    }
                    Pull::Frame(frame) => frames.send(frame).unwrap(),
                    Pull::Done(_) => break,
                }
            }
        });
        let session = Asking::new(context.clone(), custodian.signer.public());
        let (request, mut receiver) = session.ask(targets).unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut bytes = request.len();
        send(&mut socket, &request);
        loop {
            let frame = receive(&mut socket);
            bytes += frame.len();
            if receiver.on_frame(frame).unwrap() == Progress::Complete {
                return (receiver.finish().unwrap(), bytes);
            }
        }
    })
}

fn seeds(indices: impl Iterator<Item = usize>) -> Vec<Target> {
    let mut rng = StdRng::seed_from_u64(7);
    indices
        .map(|index| {
            let input = key_bytes(index);
            let (blind, element) = oprf::blind(&input, &mut rng).unwrap();
            Target::seed(input, blind, &element).unwrap()
        })
        .collect()
}

fn permit(warrant: &[Target]) -> Permit {
    Permit {
        seeds: warrant.iter().map(Target::element).collect(),
        selectors_max: 4 * SELECTORS_MAX,
        buckets_max: SELECTORS_MAX,
        ..Permit::default()
    }
}

fn subscriber(input: &[u8]) -> Label {
    let row = [input, &[b'x'; 80]].concat();
    Label {
        rows: vec![row; 3],
        derived: Vec::new(),
    }
}

fn lookup(keys: usize) -> Report {
    let subjects = 100;
    let custodian = Custodian::new("telecom_a", keys, subscriber);
    reset_peak();
    // Ninety that the table knows and ten that it does not.
    let targets = seeds((0..subjects).map(|i| if i < 90 { i * (keys / 90) } else { keys + i }));
    let permit = permit(&targets);
    let run = custodian.run();
    let context = custodian.context(0, 0);
    let ((opened, bytes), wall, cpu) =
        timed(|| over_loopback(&custodian, &run, &permit, &context, targets));
    let found = opened
        .outcomes
        .iter()
        .filter(|outcome| outcome.found.is_some())
        .count();
    assert_eq!(found, 90);
    Report::new("mpc::lookup")
        .note("keys", keys)
        .note("subjects", subjects)
        .note("buckets", context.table.buckets())
        .figure("wall_s", wall)
        .figure("wall_limit_s", 3.0)
        .note("within_limit", wall <= 3.0 && peak_mib() <= 1024.0)
        .figure("cpu_s", cpu)
        .note("bytes", bytes)
        .note("rounds", 1)
        .figure("peak_rss_mib", peak_mib())
        .figure("peak_rss_limit_mib", 1024.0)
}

/// Contacts of a subscriber: thirty, each a row and a selector for the next hop.
const DEGREE: usize = 30;
/// Keys of each chain table, as the label function needs them.
static CHAIN_KEYS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);

fn contacts(input: &[u8], to_step: u16) -> Label {
    let digits = std::str::from_utf8(&input[input.len() - 8..]).unwrap();
    let index: usize = digits.parse().unwrap();
    let keys = CHAIN_KEYS.load(std::sync::atomic::Ordering::Relaxed);
    let next = (0..DEGREE).map(|contact| key_bytes((index * DEGREE + contact + 1) % keys));
    Label {
        rows: vec![vec![b'x'; 48]; DEGREE],
        derived: next.map(|input| Derivation { to_step, input }).collect(),
    }
}

fn chain(keys: usize) -> Vec<Report> {
    CHAIN_KEYS.store(keys, std::sync::atomic::Ordering::Relaxed);
    let custodians = [
        Custodian::new("telecom_a", keys, |input| contacts(input, 1)),
        Custodian::new("telecom_b", keys, |input| contacts(input, 2)),
        Custodian::new("telecom_c", keys, |input| contacts(input, 3)),
        Custodian::new("telecom_d", keys, subscriber),
    ];
    reset_peak();
    let issuers: BTreeMap<_, _> = custodians
        .iter()
        .map(|c| (c.name.clone(), c.signer.public()))
        .collect();
    let mut targets = seeds(std::iter::once(keys / 2));
    let mut reports = Vec::new();
    let (mut total_wall, mut total_cpu, mut total_bytes) = (0.0, 0.0, 0);
    for (step, custodian) in (0u16..).zip(&custodians) {
        let mut permit = permit(if step == 0 { &targets } else { &[] });
        if let Some(before) = step.checked_sub(1) {
            permit.issuers = issuers.clone();
            permit.from_steps = [before].into();
        }
        let run = custodian.run();
        let asked = targets.len();
        let mut next = Vec::new();
        let (bytes, wall, cpu) = timed(|| {
            let mut bytes = 0;
            let parts = parts(&custodian.prepared.params(), std::mem::take(&mut targets));
            for (part, targets) in (0u16..).zip(parts) {
                let context = custodian.context(step, part);
                let (opened, sent) = over_loopback(custodian, &run, &permit, &context, targets);
                bytes += sent;
                let found = opened
                    .outcomes
                    .into_iter()
                    .filter_map(|outcome| outcome.found);
                next.extend(found.flat_map(|found| found.derived).map(Target::from));
            }
            bytes
        });
        if step < 3 {
            total_wall += wall;
            total_cpu += cpu;
            total_bytes += bytes;
        }
        reports.push(
            Report::new("mpc::chain/hop")
                .note("step", step)
                .note("selectors", asked)
                .note("derived", next.len())
                .figure("wall_s", wall)
                .figure("cpu_s", cpu)
                .note("bytes", bytes),
        );
        targets = next;
        if step == 2 {
            assert_eq!(targets.len(), 27_000);
        }
    }
    reports.push(
        Report::new("mpc::chain")
            .note("keys", keys)
            .note("hops", 3)
            .note("derived", 27_000)
            .figure("wall_s", total_wall)
            .figure("wall_limit_s", 20.0)
            .note("within_limit", total_wall <= 20.0)
            .figure("cpu_s", total_cpu)
            .note("bytes", total_bytes)
            .note("rounds", 3)
            .figure("peak_rss_mib", peak_mib()),
    );
    reports
}
