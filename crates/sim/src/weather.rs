//! What goes wrong by itself: wires that are slow, cut or garbled, partitions that
//! heal, nodes that are killed and started again, clocks that stand hours off, backups
//! that are restored, disks that are full.
//!
//! *Invariants*: all of it follows from the seed; when it ends, every wire is whole
//! and every node runs;
//! a clock that went wrong is set right by the caller.

mod disks;
pub(crate) mod strikes;

use std::{sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use self::disks::BadDisk;
use crate::world::{Member, World, sub};

/// Shortest and longest time between two events.
const PAUSE_MS: std::ops::Range<u64> = 200..4_000;
/// Most writes and syncs of its private store that a doomed node makes before it dies there.
const MIDWAY_WRITES_MAX: u64 = 12;
/// Longest that a killed node stays down.
const DOWN_MS_MAX: u64 = 20_000;

/// Seeds in a hundred in which private stores are backed up and restored.
const RESTORES_OF_100: u8 = 15;
/// Longest until the backup.
const BACKUP_AFTER_MS_MAX: u64 = 30_000;

/// Seeds in a hundred in which a clock stands hours before or after the others'.
const DRIFTS_OF_100: u8 = 40;
/// By how many hours.
const DRIFT_HOURS: std::ops::RangeInclusive<i64> = 1..=72;
/// Longest that the clock is right before that.
const DRIFT_AFTER_MS_MAX: u64 = 90_000;
const HOUR_MS: i64 = 3_600_000;

/// A member's clock that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drift {
    pub(crate) member: usize,
    /// Since when.
    from: Duration,
    ahead_ms: i64,
}

impl Drift {
    /// The clock that goes wrong in a seed, among those that are not spared.
    pub(crate) fn of(seed: u64, members: usize, spared: &[usize]) -> Option<Self> {
        let mut rng = StdRng::from_seed(sub(seed, "drift", 0).0);
        let member = rng.random_range(0..members);
        let from = Duration::from_millis(rng.random_range(0..DRIFT_AFTER_MS_MAX));
        let hours = rng.random_range(DRIFT_HOURS);
        let sign = if rng.random() { HOUR_MS } else { -HOUR_MS };
        let drifts = rng.random_range(0..100) < DRIFTS_OF_100 && !spared.contains(&member);
        drifts.then_some(Self {
            member,
            from,
            ahead_ms: hours * sign,
        })
    }

    /// Sets the clock wrong when its time has come.
    pub(crate) async fn begin(self, world: &World) {
        world.sleep(self.from.saturating_sub(world.now())).await;
        let (kind, hours) = match self.ahead_ms {
            0.. => ("clock ahead", self.ahead_ms / HOUR_MS),
            _ => ("clock behind", -self.ahead_ms / HOUR_MS),
        };
        world.report.fault(kind);
        let text = format!("{kind} {} {hours} h", self.member);
        world.report.note(world.now().as_millis(), &text);
        world.members[self.member].set_ahead(self.ahead_ms);
    }

    /// Sets it right.
    pub(crate) fn mend(self, world: &World) {
        world.members[self.member].set_ahead(0);
        let text = format!("clock right {}", self.member);
        world.report.note(world.now().as_millis(), &text);
    }
}

/// A storm over a network.
pub(crate) struct Weather {
    world: Arc<World>,
    rng: StdRng,
    /// Members that are not killed: a villain has plans for them.
    spared: Vec<usize>,
    /// Nodes that are down, and until when.
    down: Vec<(Duration, usize)>,
    /// A node that dies at its next writes to its private store.
    doomed: Option<usize>,
    /// In some seeds, when every member's private store is backed up; whoever dies after
    /// that may get it back.
    backup: Option<Duration>,
    /// In some seeds, a member's disk that is bad for a while.
    bad: Option<BadDisk>,
}

impl Weather {
    pub(crate) fn new(world: Arc<World>, spared: Vec<usize>) -> Self {
        let rng = StdRng::from_seed(sub(world.seed, "weather", 0).0);
        // Drawn apart, so that other seeds do not depend on it.
        let mut losses = StdRng::from_seed(sub(world.seed, "losses", 0).0);
        let after = Duration::from_millis(losses.random_range(0..BACKUP_AFTER_MS_MAX));
        let backup = (losses.random_range(0..100) < RESTORES_OF_100).then_some(after);
        let bad = BadDisk::of(&world).filter(|bad| !spared.contains(&bad.member()));
        Self {
            world,
            rng,
            spared,
            down: Vec::new(),
            doomed: None,
            backup,
            bad,
        }
    }

    /// Blows for as long as the seed says; a calm seed has none of it.
    pub(crate) async fn blow(mut self) {
        let storm = match self.rng.random_range(0..5u8) {
            0 => Duration::ZERO,
            _ => Duration::from_millis(self.rng.random_range(10_000..120_000)),
        };
        let end = self.world.now() + storm;
        while self.world.now() < end {
            let pause = Duration::from_millis(self.rng.random_range(PAUSE_MS));
            self.pause(pause).await;
            self.back_up();
            self.disk().await;
            self.revive().await;
            self.event().await;
        }
        self.calm().await;
    }

    fn back_up(&mut self) {
        let due = self.backup.filter(|due| *due <= self.world.now());
        if due.is_none() {
            return;
        }
        self.backup = None;
        self.world.members.iter().for_each(Member::back_up);
        self.note("backup", "");
    }

    /// What the bad disk of this run does, and what its node dies of.
    async fn disk(&mut self) {
        let Some(mut bad) = self.bad.take() else {
            return;
        };
        if bad.goes_on() {
            let n = bad.member();
            self.world.kill(n).await;
            self.down.push((self.world.now(), n));
        }
        match bad.is_over() {
            true => bad.close(),
            false => self.bad = Some(bad),
        }
    }

    fn note(&self, kind: &'static str, detail: &str) {
        self.world.report.fault(kind);
        let at = self.world.now().as_millis();
        self.world.report.note(at, &format!("{kind} {detail}"));
    }

    async fn event(&mut self) {
        let count = self.world.founders();
        let a = self.rng.random_range(0..count);
        let b = (a + self.rng.random_range(1..count)) % count;
        let wires = self.world.wires.clone();
        match self.rng.random_range(0..100u8) {
            0..20 => {
                wires.change(|sky| {
                    sky.cut.insert((a, b));
                });
                self.note("cut one way", &format!("{a}>{b}"));
            }
            20..35 => {
                wires.change(|sky| {
                    sky.cut.extend([(a, b), (b, a)]);
                });
                self.note("cut both ways", &format!("{a}={b}"));
            }
            35..42 => self.part(count),
            42..57 => {
                wires.change(|sky| sky.cut.clear());
                self.note("heal", "");
            }
            57..67 => {
                let ms = self.rng.random_range(0..800);
                wires.change(|sky| sky.delay_ms_max = ms);
                self.note("delay", &ms.to_string());
            }
            67..77 => {
                let (resets, flips, repeats) = match self.rng.random_range(0..3u8) {
                    0 => (self.rng.random_range(1..60), 0, 0),
                    1 => (0, self.rng.random_range(1..30), 0),
                    _ => (0, 0, self.rng.random_range(1..30)),
                };
                wires.change(|sky| {
                    (sky.resets, sky.flips, sky.repeats) = (resets, flips, repeats);
                });
                let kind = match (resets, flips) {
                    (0, 0) => "repeat",
                    (0, _) => "garble",
                    _ => "reset",
                };
                self.note(kind, "");
            }
            _ if self.world.runs(a) && !self.spared.contains(&a) && !self.doom(a) => {
                self.end(a).await;
            }
            _ => {}
        }
    }

    /// In half of the deaths a node dies at a write or a sync of its private store, once
    /// it comes to one.
    fn doom(&mut self, n: usize) -> bool {
        let boot = self.world.boots(n).into();
        let purpose = format!("midway of {}", self.world.members[n].id);
        let mut rng = StdRng::from_seed(sub(self.world.seed, &purpose, boot).0);
        // Whoever else has killed it meanwhile has taken its doom away.
        let is_doomed = |n: &usize| self.world.members[*n].papers.is_doomed();
        if self.doomed.is_some_and(|doomed| is_doomed(&doomed)) || rng.random() {
            return false;
        }
        let writes = rng.random_range(0..MIDWAY_WRITES_MAX);
        self.world.members[n].papers.doom(Some(writes));
        self.doomed = Some(n);
        true
    }

    /// Waits, but no longer than until a doomed node dies.
    async fn pause(&mut self, pause: Duration) {
        let sleep = self.world.sleep(pause);
        let Some(doomed) = self.doomed else {
            return sleep.await;
        };
        tokio::select! {
            biased;
            () = self.world.members[doomed].papers.died() => {
                self.doomed = None;
                self.end(doomed).await;
            }
            () = sleep => {}
        }
    }

    /// Kills a node, for a while.
    async fn end(&mut self, n: usize) {
        if !self.world.runs(n) {
            return;
        }
        self.note("kill", &n.to_string());
        self.world.kill(n).await;
        if self.world.restore(n) {
            self.note("restore", &n.to_string());
        }
        let down = Duration::from_millis(self.rng.random_range(0..DOWN_MS_MAX));
        self.down.push((self.world.now() + down, n));
    }

    /// Cuts the network in two.
    fn part(&mut self, count: usize) {
        let side: Vec<bool> = (0..count).map(|_| self.rng.random()).collect();
        let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
        let cut: Vec<_> = pairs.filter(|(a, b)| side[*a] != side[*b]).collect();
        self.world.wires.change(|sky| sky.cut.extend(cut));
        self.note("partition", &format!("{side:?}"));
    }

    async fn revive(&mut self) {
        let now = self.world.now();
        let bad = self.bad.as_ref().filter(|bad| bad.is_bad());
        let bad = bad.map(BadDisk::member);
        let due = |(until, n): &(Duration, usize)| *until <= now && bad != Some(*n);
        let (due, later) = self.down.drain(..).partition(due);
        self.down = later;
        for (_, n) in due {
            self.world.start(n).await;
            self.note("restart", &n.to_string());
        }
    }

    async fn calm(&mut self) {
        if let Some(doomed) = self.doomed.take()
            && self.world.members[doomed].papers.doom(None)
        {
            self.end(doomed).await;
        }
        if let Some(bad) = &mut self.bad {
            bad.end();
        }
        while self.bad.as_ref().is_some_and(BadDisk::has_begun) {
            self.disk().await;
            self.world.sleep(disks::LOOK_EVERY).await;
        }
        self.world.wires.change(|sky| {
            let ended = std::mem::take(&mut sky.ended);
            *sky = crate::wires::Sky {
                ended,
                ..Default::default()
            };
        });
        for (_, n) in std::mem::take(&mut self.down) {
            self.world.start(n).await;
        }
        let at = self.world.now().as_millis();
        self.world.report.note(at, "calm");
    }
}
