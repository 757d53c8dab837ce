//! Measures the ledger on loopback: one process a validator, signed records, one JSON line.
//!
//! `ledger-bench --validators 4 --rate 200 --seconds 20` offers 200 records a second and
//! prints the time from submission to receipt; `--rate 0` offers as many as the ledger
//! takes. Every record is signed and every validator checks every signature.

use std::any::Any;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use ledger::{
    BlockInfo, Config, Host, Ledger, Member, Members, Refused, Rules, State, SubmitError,
};
use primitives::{Digest, InstitutionId, NetworkId, PublicKey, Signature, SigningKey};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

type Failure = Box<dyn std::error::Error>;

const DOMAIN: &str = "cordon/ledger-bench/v1";
/// Submissions in flight a validator when the rate is not limited.
const IN_FLIGHT: usize = 8_000;
const RECORD_BYTES: usize = 300;

/// What each child is given.
#[derive(Clone, Serialize, Deserialize)]
struct Task {
    n: usize,
    members: Members,
    seed: String,
    folder: std::path::PathBuf,
    rate: u64,
    seconds: u64,
}

/// What each child found.
#[derive(Serialize, Deserialize)]
struct Found {
    latencies_us: Vec<u32>,
    cpu_s: f64,
    idle_cpu_s: f64,
    idle_bytes_written_per_s: f64,
    start_s: f64,
    restart_s: f64,
}

#[derive(Clone)]
struct Signed {
    members: Members,
}

impl State for Signed {
    fn boxed_clone(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }

    fn apply(&mut self, _record: &[u8], _at: BlockInfo) -> Result<(), Refused> {
        Ok(())
    }

    fn members(&self) -> Members {
        self.members.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Rules for Signed {
    fn check(&self, records: &[Bytes]) -> Vec<Result<(), Refused>> {
        let all = records.iter().map(parse).collect::<Option<Vec<_>>>();
        let all = all.unwrap_or_default();
        let claims: Vec<_> = all
            .iter()
            .map(|(key, message, signature)| primitives::signature::Claim {
                key,
                message,
                signature,
            })
            .collect();
        let good = claims.len() == records.len() && primitives::signature::verify_batch(&claims);
        let verdict = |_| {
            if good {
                Ok(())
            } else {
                Err(Refused::new("signature", ""))
            }
        };
        records.iter().map(verdict).collect()
    }

    fn genesis(&self) -> Box<dyn State> {
        self.boxed_clone()
    }
}

fn parse(record: &Bytes) -> Option<(PublicKey, Vec<u8>, Signature)> {
    let (key, rest) = record.split_first_chunk::<32>()?;
    let (signature, message) = rest.split_first_chunk::<64>()?;
    let framed = primitives::signature::frame(DOMAIN, message);
    Some((PublicKey(*key), framed, Signature(*signature)))
}

fn sign(key: &SigningKey, count: u64) -> Bytes {
    let mut message = vec![0; RECORD_BYTES - 96];
    message[..8].copy_from_slice(&count.to_be_bytes());
    let mut record = BytesMut::with_capacity(RECORD_BYTES);
    record.put_slice(&key.public().0);
    record.put_slice(&key.sign(DOMAIN, &message).0);
    record.put_slice(&message);
    record.freeze()
}

fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|t| t.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// Bytes that this process had the kernel write to disk; 0 where that is not told.
fn bytes_written() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0)
}

async fn open(task: &Task) -> Result<Host, Failure> {
    let mut seed = [0; 32];
    hex::decode_to_slice(&task.seed, &mut seed)?;
    let member = &task.members.as_slice()[task.n];
    let network = NetworkId(Digest::of("ledger-bench", &[]));
    let key = SigningKey::from_seed(&seed);
    let config = Config::new(network, member.name.clone(), key, member.address);
    let rules = Arc::new(Signed {
        members: task.members.clone(),
    });
    Ok(Host::start(&task.folder, config, rules).await?)
}

/// One submission, tried again while the ledger is full or still connecting.
async fn submit(ledger: Ledger, record: Bytes) -> Option<u32> {
    let began = Instant::now();
    loop {
        match ledger.submit(record.clone()).await {
            Ok(_) => return u32::try_from(began.elapsed().as_micros()).ok(),
            Err(SubmitError::Full | SubmitError::Stalled { .. }) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => {
                eprintln!("{error}");
                return None;
            }
        }
    }
}

/// Says once a second how far the first validator is; long loads are not silent.
async fn tell(ledger: Ledger) {
    let mut before = ledger.status();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = ledger.status();
        eprintln!(
            "height {} (+{}), {} records (+{}), {} under a checkpoint, {} wait",
            now.height,
            now.height - before.height,
            now.size,
            now.size - before.size,
            now.signed,
            now.waiting,
        );
        before = now;
    }
}

async fn load(ledger: &Ledger, task: &Task, records: Vec<Bytes>) -> Vec<u32> {
    let telling = (task.n == 0).then(|| tokio::spawn(tell(ledger.clone())));
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = tokio::task::JoinSet::new();
    let began = Instant::now();
    let limit = Duration::from_secs(task.seconds);
    for (count, record) in records.into_iter().enumerate() {
        if began.elapsed() >= limit {
            break;
        }
        if task.rate > 0 {
            let due = Duration::from_secs_f64(count as f64 / task.rate as f64);
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let ledger = ledger.clone();
        tasks.spawn(async move {
            let took = submit(ledger, record).await;
            drop(permit);
            took
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done.ok().flatten());
    }
    if let Some(telling) = telling {
        telling.abort();
    }
    latencies
}

fn wait_line() {
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

async fn child(task: Task) -> Result<(), Failure> {
    let began = Instant::now();
    let host = open(&task).await?;
    let start_s = began.elapsed().as_secs_f64();
    let key = SigningKey::generate();
    let per_second = if task.rate > 0 { task.rate } else { 12_000 };
    let count = (per_second * task.seconds).min(400_000);
    let records: Vec<_> = (0..count).map(|n| sign(&key, n)).collect();
    say("ready");
    wait_line();
    let first = sign(&key, u64::MAX);
    submit(host.ledger().clone(), first).await;
    say("connected");
    wait_line();
    let before = cpu_s();
    let latencies_us = load(host.ledger(), &task, records).await;
    let cpu = cpu_s() - before;
    say("loaded");
    wait_line();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (before, written) = (cpu_s(), bytes_written());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let idle_cpu_s = (cpu_s() - before) / 10.0;
    let idle_bytes_written_per_s = (bytes_written() - written) / 10.0;
    host.stop();
    let began = Instant::now();
    let host = open(&task).await?;
    let restart_s = began.elapsed().as_secs_f64();
    let found = Found {
        latencies_us,
        cpu_s: cpu,
        idle_cpu_s,
        idle_bytes_written_per_s,
        start_s,
        restart_s,
    };
    say(&serde_json::to_string(&found)?);
    wait_line();
    host.stop();
    Ok(())
}

/// Seconds of one batched signature check of a record on one core.
fn floor_s() -> f64 {
    let key = SigningKey::generate();
    let members = Members::new(vec![Member {
        name: "floor"
            .parse()
            .unwrap_or_else(|_| unreachable!("a valid name")),
        key: key.public(),
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
    }]);
    let Ok(members) = members else {
        return f64::NAN;
    };
    let rules = Signed { members };
    let records: Vec<_> = (0..1_024).map(|n| sign(&key, n)).collect();
    let began = Instant::now();
    for _ in 0..4 {
        std::hint::black_box(rules.check(&records));
    }
    began.elapsed().as_secs_f64() / 4.0 / 1_024.0
}

struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn go(&mut self) -> Result<(), Failure> {
        writeln!(self.input)?;
        Ok(self.input.flush()?)
    }
}

fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args();
    arguments.find(|a| a == name);
    arguments
        .next()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn tasks(folder: &std::path::Path) -> Result<Vec<Task>, Failure> {
    let validators = usize::try_from(option("--validators", 4))?;
    let keys: Vec<_> = (0..validators).map(|_| SigningKey::generate()).collect();
    let mut members = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let name: InstitutionId = InstitutionId::new(format!("inst{n:02}"))?;
        members.push(Member {
            name,
            key: key.public(),
            address,
        });
    }
    let members = Members::new(members)?;
    let rate = option("--rate", 200);
    let make = |(n, key): (usize, &SigningKey)| Task {
        n,
        members: members.clone(),
        seed: hex::encode(key.to_seed().as_ref()),
        folder: folder.join(n.to_string()),
        rate: if rate == 0 {
            0
        } else {
            (rate / validators as u64).max(1)
        },
        seconds: option("--seconds", 20),
    };
    Ok(keys.iter().enumerate().map(make).collect())
}

fn parent() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let tasks = tasks(folder.path())?;
    let mut running = Vec::new();
    for task in &tasks {
        let mut child = Command::new(std::env::current_exe()?)
            .env("LEDGER_BENCH_TASK", serde_json::to_string(task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a child without pipes".into());
        };
        running.push(Running {
            child,
            input,
            output: BufReader::new(output),
        });
    }
    for step in ["ready", "connected"] {
        for one in &mut running {
            let line = one.line()?;
            if line != step {
                return Err(format!("{line} instead of {step}").into());
            }
        }
        for one in &mut running {
            one.go()?;
        }
    }
    let began = Instant::now();
    for one in &mut running {
        one.line()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    for one in &mut running {
        one.go()?;
    }
    let mut found: Vec<Found> = Vec::new();
    for one in &mut running {
        found.push(serde_json::from_str(&one.line()?)?);
    }
    for mut one in running {
        one.go()?;
        one.child.wait()?;
    }
    say(&report(&tasks, &found, seconds)?);
    Ok(())
}

fn report(tasks: &[Task], found: &[Found], seconds: f64) -> Result<String, Failure> {
    let mut latencies: Vec<u32> = found.iter().flat_map(|f| f.latencies_us.clone()).collect();
    latencies.sort_unstable();
    let at = |percent: usize| {
        let place = latencies.len() * percent / 100;
        latencies
            .get(place.min(latencies.len().saturating_sub(1)))
            .map(|us| f64::from(*us) / 1e3)
    };
    let records = latencies.len() as f64;
    let cpu: f64 = found.iter().map(|f| f.cpu_s).sum();
    let floor = floor_s();
    let nodes = tasks.len() as f64;
    let most = |of: fn(&Found) -> f64| found.iter().map(of).fold(0.0, f64::max);
    Ok(serde_json::json!({
        "bench": "ledger::submit",
        "validators": tasks.len(),
        "rate": option("--rate", 200),
        "seconds": seconds,
        "records": latencies.len(),
        "p50_ms": at(50),
        "p99_ms": at(99),
        "records_per_s": records / seconds,
        "cpu_s_per_record": cpu / records,
        "floor_s_per_record": floor * nodes,
        "floor_ratio": cpu / records / (floor * nodes),
        "idle_cpu_share_a_node": most(|f| f.idle_cpu_s),
        "idle_bytes_written_a_s_a_node": most(|f| f.idle_bytes_written_per_s),
        "start_s": most(|f| f.start_s),
        "restart_s": most(|f| f.restart_s),
    })
    .to_string())
}

fn main() -> Result<(), Failure> {
    match std::env::var("LEDGER_BENCH_TASK") {
        Ok(task) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?;
            runtime.block_on(child(serde_json::from_str(&task)?))
        }
        Err(_) => parent(),
    }
}
