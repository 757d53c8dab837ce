//! Networks that lose power again and again, in the middle of writes.
//!
//! Why it exists: a killed process keeps what it gave to its disk; a machine without
//! power keeps what was synced and of the rest any bytes at all. Here all nodes lose
//! power at once at a random moment, single ones die besides, and of each write that
//! was not synced some bytes stay: a beginning, or a random choice.
//!
//! *Invariants*
//! - Whoever was acknowledged a record finds it at its place, in every node, for ever.
//! - A node always starts on what its disk kept.
//! - At the end all have one log, and it goes on.
//!
//! *Not here*: resizes that survive without a sync, disks that fail or lie.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use commonware_runtime::deterministic::{
    Context, FaultConfig, PartialWriteMode, Runner, WriteConfig,
};
use commonware_runtime::{Clock as _, Handle, Runner as _, Spawner as _, Supervisor as _};
use commonware_utils::Probability;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{Bytes, Net, Receipt, config, number};

/// Losses of power that a network lives through before it is left in peace.
const LOSSES: usize = 8;
/// Networks run with every change; a long run takes more (`CORDON_POWER_NETWORKS`, and
/// `CORDON_POWER_FIRST` for the first of them).
const NETWORKS: u64 = 1;
/// Longest between two losses.
const LIFE_MS_MAX: u64 = 4_000;
/// Longest until the next node dies alone.
const ALONE_MS_MAX: u64 = 8_000;
/// Longest that records take to be everywhere once nothing goes wrong any more.
const CALM: Duration = Duration::from_secs(60);

/// A record that somebody was told is final, and by which node.
type Known = (usize, Receipt, Bytes);

/// What outlives a loss of power outside the machines.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Known>>>);

impl Told {
    fn all(&self) -> Vec<Known> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, known: Known) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(known);
    }
}

#[derive(Debug, Default)]
struct Tally {
    deaths: usize,
    told: usize,
}

/// One stretch between two losses of power, and what is drawn for it.
struct Stretch {
    number: usize,
    count: usize,
    told: Told,
    rng: StdRng,
}

/// What becomes of writes that were not synced, drawn anew for each loss.
fn torn(rng: &mut StdRng) -> FaultConfig {
    let kept = [0, 500, 900, 990, 999, 1_000][rng.random_range(0..6usize)];
    let mode = if rng.random() {
        PartialWriteMode::Prefix
    } else {
        PartialWriteMode::Subset
    };
    FaultConfig::default().write(WriteConfig {
        failure_rate: Probability::new(0, 1).unwrap(),
        retention_rate: Probability::new(kept, 1_000).unwrap(),
        mode,
    })
}

impl Stretch {
    /// A node that must start, must still know what it told, and goes on telling.
    fn boot(&self, net: &Arc<Net>, n: usize, mut rng: StdRng) -> Handle<()> {
        let (net, told, number) = (net.clone(), self.told.clone(), self.number);
        let context = net.context.child("life").with_attribute("n", n);
        context.spawn(move |context| async move {
            let clock = context.child("clock");
            let ledger = net.open(context, n).await.unwrap();
            for (_, receipt, record) in told.all().iter().filter(|(by, ..)| *by == n) {
                let place = receipt.index();
                let known = ledger.record(place).await;
                let known = known.unwrap_or_else(|| panic!("{n} forgot the record {place}"));
                assert_eq!(known.record, record, "{n} holds another record {place}");
            }
            loop {
                clock
                    .sleep(Duration::from_millis(rng.random_range(0..400)))
                    .await;
                let text = format!("{number}/{n}/{}", rng.next_u64());
                let record = Bytes::from(text.repeat(rng.random_range(1..40)));
                if let Ok(receipt) = ledger.submit(record.clone()).await {
                    told.add((n, receipt, record));
                }
            }
        })
    }

    /// Runs until the power goes; counts the nodes that must start again.
    async fn until_power_goes(mut self, context: Context) -> usize {
        *context.storage_fault_config().write() = torn(&mut self.rng);
        let net = Arc::new(Net::new(context, u8::try_from(self.count).unwrap()));
        let draw = |rng: &mut StdRng| StdRng::from_seed(rng.random());
        let mut nodes: Vec<Handle<()>> = Vec::new();
        for n in 0..self.count {
            let rng = draw(&mut self.rng);
            nodes.push(self.boot(&net, n, rng));
        }
        let mut left = self.rng.random_range(0..LIFE_MS_MAX);
        // Who dies alone comes back with the power: a simulated port is never free again.
        loop {
            let pause = self.rng.random_range(0..ALONE_MS_MAX).min(left);
            net.context.sleep(Duration::from_millis(pause)).await;
            left -= pause;
            if left == 0 {
                return self.count;
            }
            nodes[self.rng.random_range(0..self.count)].abort();
        }
    }

    /// Runs until all nodes have all that anybody was told, and one log.
    async fn in_calm(self, context: Context) {
        *context.storage_fault_config().write() = FaultConfig::default();
        let net = Arc::new(Net::new(context, u8::try_from(self.count).unwrap()));
        let nodes = net.start_all().await;
        let clock = net.context.child("calm");
        let record = Bytes::from_static(b"after everything");
        let last = nodes[0].ledger.submit(record.clone()).await.unwrap();
        let mut told = self.told.all();
        told.push((0, last, record));
        let began = clock.current();
        let size = told.iter().map(|(_, receipt, _)| receipt.index()).max();
        let size = size.unwrap() + 1;
        for node in &nodes {
            while node.ledger.status().size < size {
                let waited = clock.current().duration_since(began).unwrap();
                assert!(waited < CALM, "no {size} records after {waited:?}");
                clock.sleep(Duration::from_millis(100)).await;
            }
        }
        let (origin, members) = (net.origin(), net.membership());
        for (_, receipt, record) in &told {
            receipt.verify(record, &origin, &members).unwrap();
            for node in &nodes {
                let known = node.ledger.record(receipt.index()).await.unwrap();
                assert_eq!(known.record, record);
            }
        }
        for index in 0..size {
            let first = nodes[0].ledger.record(index).await.unwrap().record;
            for node in &nodes[1..] {
                let other = node.ledger.record(index).await.unwrap().record;
                assert_eq!(other, first, "two logs at {index}");
            }
        }
    }
}

/// One network's life.
fn live(seed: u64) -> Tally {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = if rng.random_range(0..4u8) == 0 { 7 } else { 4 };
    let told = Told::default();
    let mut stretch = |number| Stretch {
        number,
        count,
        told: told.clone(),
        rng: StdRng::from_seed(rng.random()),
    };
    let mut runner = Runner::new(config(seed));
    let mut deaths = 0;
    for number in 0..LOSSES {
        let stretch = stretch(number);
        let (died, disks) =
            runner.start_and_recover(move |context| stretch.until_power_goes(context));
        deaths += died;
        runner = Runner::from(disks);
    }
    let last = stretch(LOSSES);
    runner.start(move |context| last.in_calm(context));
    Tally {
        deaths,
        told: told.all().len(),
    }
}

#[test]
fn nothing_acknowledged_is_lost_with_the_power() {
    let first = number("CORDON_POWER_FIRST", 0);
    let mut all = Tally::default();
    for seed in first..first + number("CORDON_POWER_NETWORKS", NETWORKS) {
        let lived = std::panic::catch_unwind(|| live(seed));
        let lived = lived.unwrap_or_else(|panic| {
            eprintln!("the network {seed} broke a promise: CORDON_POWER_FIRST={seed}");
            std::panic::resume_unwind(panic)
        });
        all.deaths += lived.deaths;
        all.told += lived.told;
        if seed % 100 == 99 {
            println!("to {seed}: {all:?}");
        }
    }
    println!("{all:?}");
    assert!(all.deaths > 0 && all.told > 0);
}
