//! What one node's API reads at rising load: `cargo xtask bench api [--seconds N] [--json]`.
//!
//! A network of four node processes with one small case; clients on threads of this
//! process read as the console does, each its next request after the last answer, twice
//! as many at each level, until twice as many clients get hardly more answers. Reads
//! that leave a record are not among them: they take as long as the ledger's finality.
//!
//! Not the network's distance nor a browser: everything is on one machine, and the
//! clients, which sign every request, share its processors with the node. So the node's
//! own processor time a request is printed too.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use cordon::{
    client::Client,
    demo::network::{MemberSpec, Network, NetworkSpec},
    stop::Stop,
};
use docket::{Duty, Role, charter::CharterLimits};
use node::{
    api::types::{Act, DraftWarrant},
    config::Log,
};
use primitives::InstitutionId;

const MEMBERS: [(&str, Role); 4] = [
    ("police", Role::Requester),
    ("procuratorate", Role::Authority),
    ("telecom_a", Role::Custodian),
    ("bank_a", Role::Custodian),
];
/// Officers who ask, so that none meets the limit of one caller.
const OFFICERS: usize = 8;
/// Most clients: a little under what all callers together may have under way.
const CLIENTS_MAX: usize = 128;
/// Gain in answers below which twice the clients are no use.
const GAIN: f64 = 1.1;
/// A tick of the processor clock in `/proc`, by convention.
const TICK_S: f64 = 0.01;

fn id(text: &str) -> InstitutionId {
    text.parse().unwrap()
}

/// What one level of load gave.
struct Level {
    clients: usize,
    latencies: Vec<Duration>,
    refused: usize,
    wall_s: f64,
    node_cpu_s: f64,
    rss_mib: u64,
}

impl Level {
    fn quantile_ms(&self, q: f64) -> f64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index of a few thousand"
        )]
        let place = ((self.latencies.len() - 1) as f64 * q) as usize;
        self.latencies[place].as_secs_f64() * 1e3
    }

    fn answers_a_second(&self) -> f64 {
        count(self.latencies.len()) / self.wall_s
    }

    fn line(&self) -> String {
        format!(
            "{{\"bench\": \"api\", \"clients\": {}, \"answers_per_s\": {:.0}, \"p50_ms\": {:.2}, \
             \"p99_ms\": {:.2}, \"refused\": {}, \"node_cpu_ms_per_answer\": {:.3}, \"rss_mib\": {}}}",
            self.clients,
            self.answers_a_second(),
            self.quantile_ms(0.5),
            self.quantile_ms(0.99),
            self.refused,
            self.node_cpu_s * 1e3 / count(self.latencies.len()),
            self.rss_mib,
        )
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a few thousand")]
fn count(n: usize) -> f64 {
    n as f64
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = args.iter().position(|arg| arg == "--seconds");
    let seconds = value.and_then(|at| args.get(at + 1)?.parse().ok());
    let seconds: f64 = seconds.unwrap_or(4.0);
    let json = args.iter().any(|arg| arg == "--json");
    let folder = tempfile::tempdir().unwrap();
    let network = found(&folder.path().join("network"));
    let warrant = small_case(&network);
    let paths = [
        "/v1/cases".to_owned(),
        format!("/v1/cases/{warrant}"),
        "/v1/warrants".to_owned(),
        "/v1/inbox".to_owned(),
        "/v1/network".to_owned(),
        "/v1/session".to_owned(),
    ];
    let pid = network.children().pid(&id("police")).unwrap();
    let mut best = 0.0;
    let mut clients = 1;
    let mut saturated = None;
    while clients <= CLIENTS_MAX {
        let level = load(&network, &paths, clients, seconds, pid);
        let rate = level.answers_a_second();
        if json {
            println!("{}", level.line());
        } else {
            println!(
                "{clients:>4} clients  {rate:>7.0} answers/s  p50 {:>7.2} ms  p99 {:>7.2} ms  {} refused",
                level.quantile_ms(0.5),
                level.quantile_ms(0.99),
                level.refused
            );
        }
        if rate < best * GAIN && saturated.is_none() {
            saturated = Some(clients / 2);
        }
        best = f64::max(best, rate);
        clients *= 2;
    }
    let at = saturated.map_or("null".to_owned(), |clients| clients.to_string());
    println!("{{\"bench\": \"api saturation\", \"clients\": {at}, \"answers_per_s\": {best:.0}}}");
}

fn found(dir: &std::path::Path) -> Network {
    let member = |(name, role): &(&str, Role)| MemberSpec::new(id(name), name, &[*role]);
    let network = Network::found(NetworkSpec {
        dir: dir.to_owned(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_cordon")),
        name: "Bench".into(),
        members: MEMBERS.iter().map(member).collect(),
        limits: CharterLimits::default(),
        log: Log::default(),
    })
    .unwrap();
    network.start_all().unwrap();
    let limit = Duration::from_secs(60);
    network.wait_all_healthy(limit, &Stop::quiet()).unwrap();
    network
}

/// One draft, and officers who read it.
fn small_case(network: &Network) -> String {
    for n in 0..OFFICERS {
        let handle = format!("officer-{n}").parse().unwrap();
        network
            .enrol(&id("police"), &handle, &[Duty::Investigator])
            .unwrap();
    }
    let draft = DraftWarrant {
        case: "bench".into(),
        reason: "a bench".into(),
        basis: "Criminal Procedure Law of the PRC, art. 144".into(),
        authority: "procuratorate".into(),
        templates: vec!["identify".into()],
        custodians: vec!["telecom_a".into()],
        subjects: vec!["phone:+8613800000001".into()],
        scenes: Vec::new(),
        window_from_ms: 1_772_323_200_000,
        window_to_ms: 1_772_928_000_000,
        hops: 1,
        answer_cap: 100,
        runs: 1,
        not_before_ms: None,
        life_ms: 24 * 3_600_000,
    };
    let recorded = officer(network, 0).act(&Act::DraftWarrant(draft)).unwrap();
    recorded.warrant.unwrap()
}

fn officer(network: &Network, n: usize) -> Client {
    let handle = format!("officer-{}", n % OFFICERS).parse().unwrap();
    network.officer(&id("police"), &handle).unwrap()
}

/// Clients that read for some seconds, each one request at a time.
fn load(network: &Network, paths: &[String], clients: usize, seconds: f64, pid: u32) -> Level {
    let (stop, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (cpu, begun) = (cpu_s(pid), Instant::now());
    let mut latencies: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|n| {
                let client = officer(network, n);
                let (stop, refused) = (&stop, &refused);
                scope.spawn(move || {
                    let mut taken = Vec::new();
                    for path in paths.iter().cycle().skip(n % paths.len()) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let asked = Instant::now();
                        let answer = client.fetch("GET", path, &[], &[]);
                        match answer.map(|answer| answer.status) {
                            Ok(200) => taken.push(asked.elapsed()),
                            Ok(429 | 503) => {
                                refused.fetch_add(1, Ordering::Relaxed);
                                thread::sleep(Duration::from_millis(100));
                            }
                            other => panic!("{path}: {other:?}"),
                        }
                    }
                    taken
                })
            })
            .collect();
        thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    latencies.sort();
    Level {
        clients,
        latencies,
        refused: refused.into_inner(),
        wall_s: begun.elapsed().as_secs_f64(),
        node_cpu_s: cpu_s(pid) - cpu,
        rss_mib: resident_mib(pid),
    }
}

/// Processor time that a process has taken.
fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks: f64 = fields[11..13]
        .iter()
        .map(|t| t.parse::<f64>().unwrap())
        .sum();
    ticks * TICK_S
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap();
    kib / 1024
}
