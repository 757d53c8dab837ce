//! One node's files, cut at each byte and with a bit of each byte flipped.
//!
//! Why it exists: `tests/damage.rs` damages real folders and sees the network heal them,
//! some at a time. Here every byte can have its turn: a network's node is stopped, and on
//! each damaged copy of its files it starts alone, with nobody to ask.
//!
//! *Invariants*
//! - It starts with a beginning of the network's log, or says what is wrong and does not.
//! - What it then shows (records, roots, receipts, checkpoints) is the network's.
//!
//! *Not here*: more than one damage at a time; the header of a file, which the storage
//! itself reads (`tests/damage.rs` damages those too).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use commonware_runtime::deterministic::{Context, Runner};
use commonware_runtime::{
    Blob as _, BlobVersion, Clock as _, ReadOptions, Runner as _, Storage as _, Supervisor as _,
    WriteOptions,
};
use primitives::Digest;
use proof::{Frontier, leaf_hash};

use super::{Bytes, Error, Ledger, Net, config, number, run};
use crate::disk::Disk;
use crate::error::Trouble;

/// Whose files are damaged.
const NODE: usize = 3;
const RECORDS: u64 = 12;
/// One damage of so many is tried with every change; a long run takes more of them
/// (`CORDON_DAMAGE_EVERY=1` takes all, `CORDON_DAMAGE_FIRST` the one to begin with).
const EVERY: u64 = 1_009;
/// How long a node lives on damaged files, alone.
const LIFE: Duration = Duration::from_secs(3);
/// Until a stopped node's files are its own again.
const LAST_BREATH: Duration = Duration::from_millis(3);

struct File {
    partition: String,
    name: Vec<u8>,
    versions: RangeInclusive<BlobVersion>,
    bytes: Vec<u8>,
}

/// What a network's node kept, and what is true.
struct Kept {
    files: Vec<File>,
    records: Vec<Bytes>,
    /// The roots over so many records.
    roots: Vec<Digest>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Cut,
    Flip,
}

#[derive(Clone, Copy, Debug)]
struct Damage {
    file: usize,
    place: usize,
    what: What,
}

/// What became of a node on damaged files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    /// It has the whole log.
    Whole,
    /// It has a beginning of it, and would ask the others for the rest.
    Beginning,
    /// It said that it can't start.
    Refused,
    /// The engine ended on its own files: the host says so, and the node ends.
    Panicked,
    /// It started, and then stopped with a reason.
    Stopped,
}

async fn open(context: &Context, file: &File) -> (commonware_runtime::deterministic::Blob, u64) {
    let opened = context.open_versioned(&file.partition, &file.name, file.versions.clone());
    let (blob, len, _) = opened.await.unwrap();
    (blob, len)
}

/// Runs a network until all have some records, and gives what one node keeps of them.
async fn kept(context: Context) -> Kept {
    let net = Arc::new(Net::new(context, 4));
    for n in 0..NODE {
        net.start(n).await;
    }
    let disk = Disk::default();
    let (node, running) = net.start_on(&disk, NODE).await;
    let ledger = node.ledger;
    let (mut records, mut roots) = (Vec::new(), Vec::new());
    let mut log = Frontier::new();
    roots.push(log.root());
    for n in 0..RECORDS {
        let record = Bytes::from(format!("record {n}"));
        ledger.submit(record.clone()).await.unwrap();
        log.append(leaf_hash(&record));
        roots.push(log.root());
        records.push(record);
    }
    while ledger.status().signed < RECORDS {
        net.context.sleep(LAST_BREATH).await;
    }
    running.abort();
    net.context.sleep(LAST_BREATH).await;
    let mut files = Vec::new();
    for ((partition, name), versions) in disk.files() {
        let mut file = File {
            partition,
            name,
            versions,
            bytes: Vec::new(),
        };
        let (blob, len) = open(&net.context, &file).await;
        let len = usize::try_from(len).unwrap();
        let read = blob.read_at(0, len, ReadOptions::default()).await.unwrap();
        file.bytes = read.coalesce().as_ref().to_vec();
        files.push(file);
    }
    Kept {
        files,
        records,
        roots,
    }
}

impl Kept {
    /// All damages there are, in turn: each byte of each file is cut off with what follows
    /// it, and then has a bit flipped.
    fn damage(&self, number: u64) -> Option<Damage> {
        let what = [What::Cut, What::Flip][usize::try_from(number % 2).unwrap()];
        let mut place = usize::try_from(number / 2).unwrap();
        for (n, file) in self.files.iter().enumerate() {
            if place < file.bytes.len() {
                return Some(Damage {
                    file: n,
                    place,
                    what,
                });
            }
            place -= file.bytes.len();
        }
        None
    }

    fn name(&self, damage: Damage) -> String {
        let file = &self.files[damage.file];
        let (partition, name) = (&file.partition, file.name.escape_ascii());
        format!("{partition}/{name} {:?} at {}", damage.what, damage.place)
    }

    /// The node's files as they are, but for one damage.
    async fn write(&self, context: &Context, damage: Damage) {
        let Damage { place, what, .. } = damage;
        for (n, file) in self.files.iter().enumerate() {
            let mut bytes = file.bytes.clone();
            match what {
                _ if n != damage.file => {}
                What::Cut => bytes.truncate(place),
                // Each bit has its turn, if not at each byte.
                What::Flip => bytes[place] ^= 1 << ((place ^ (place >> 3)) % 8),
            }
            let (blob, _) = open(context, file).await;
            let written = blob.write_at(0, bytes, WriteOptions::SYNC);
            written.await.unwrap();
        }
    }

    /// How many records a node shows on damaged files; what is not the network's of it.
    async fn shown(&self, ledger: &Ledger, net: &Net) -> Result<u64, String> {
        let root = |size: u64| self.roots.get(usize::try_from(size).unwrap());
        let status = ledger.status();
        if root(status.size) != Some(&status.root) {
            return Err(format!("another log of {} records", status.size));
        }
        let (origin, members) = (net.origin(), net.membership());
        for (index, record) in (0..status.size).zip(&self.records) {
            let known = ledger.record(index).await;
            if known.is_some_and(|known| known.record != record) {
                return Err(format!("another record {index}"));
            }
            let receipt = ledger.receipt(index);
            if receipt.is_some_and(|receipt| receipt.verify(record, &origin, &members).is_err()) {
                return Err(format!("a receipt of {index} that does not verify"));
            }
        }
        let signed = ledger.checkpoint();
        let is_true = |signed: proof::SignedCheckpoint| {
            let checkpoint = signed.checkpoint();
            signed.verify(&origin, &members).is_ok()
                && root(checkpoint.size()) == Some(checkpoint.root())
        };
        match signed.is_none_or(is_true) {
            true => Ok(status.size),
            false => Err("another checkpoint".to_owned()),
        }
    }

    /// A node's life, alone, on damaged files.
    async fn live(&self, context: Context, damage: Damage) -> Result<Life, String> {
        self.write(&context, damage).await;
        let net = Net::new(context, 4);
        let node = net.context.child("node");
        let ledger = match net.open_on(&Disk::default(), node, NODE).await {
            Ok(ledger) => ledger,
            Err(Error::Trouble(Trouble::Storage(_))) => return Ok(Life::Refused),
            Err(error) => return Err(format!("a start that fails with {error}")),
        };
        self.shown(&ledger, &net).await?;
        net.context.sleep(LIFE).await;
        let size = self.shown(&ledger, &net).await?;
        Ok(match ledger.status().stopped {
            Some(_) => Life::Stopped,
            None if size == RECORDS => Life::Whole,
            None => Life::Beginning,
        })
    }
}

#[test]
fn no_damaged_byte_makes_another_log() {
    let (kept, _) = run(1, kept);
    let every = number("CORDON_DAMAGE_EVERY", EVERY);
    let mut at = number("CORDON_DAMAGE_FIRST", 0);
    let (mut lives, mut wrong) = (BTreeMap::<Life, usize>::new(), Vec::new());
    while let Some(damage) = kept.damage(at) {
        let live = || Runner::new(config(at)).start(|context| kept.live(context, damage));
        let lived = catch_unwind(AssertUnwindSafe(live)).unwrap_or(Ok(Life::Panicked));
        match lived {
            Ok(life) => *lives.entry(life).or_default() += 1,
            Err(what) => wrong.push(format!("{at}: {}: {what}", kept.name(damage))),
        }
        at += every;
    }
    let bytes: usize = kept.files.iter().map(|file| file.bytes.len()).sum();
    eprintln!("{bytes} bytes of {} files: {lives:?}", kept.files.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Damages that are felt, and such that are not.
    assert!(lives.contains_key(&Life::Whole), "{lives:?}");
    assert!(lives.len() > 1, "{lives:?}");
}
