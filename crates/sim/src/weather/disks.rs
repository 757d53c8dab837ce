//! A disk that serves its node badly for a while: it takes no more, or gives nothing back.
//!
//! *Invariants*
//! - At most one member has such a disk in a run; its node may end of it, and says so.
//! - No node is started on it before it is well again.

use std::{sync::Arc, time::Duration};

use ledger::Health;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    panics,
    world::{World, sub},
};

/// Seeds in a hundred in which a disk is full for a while.
const FULL_OF_100: u8 = 40;
/// Of the others, those in which one can't be read.
const UNREADABLE_OF_100: u8 = 30;
/// Longest until then.
const AFTER_MS_MAX: u64 = 60_000;
/// Longest that it lasts.
const LASTS_MS: std::ops::Range<u64> = 1_000..30_000;
/// Most bytes for which a full disk has room still.
const ROOM_BYTES_MAX: u64 = 4 * 1024;
/// How long after it is well again a node may still end of what failed.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Pause between two looks at one that is to end.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A member's disk that is bad for a while.
pub(super) struct BadDisk {
    world: Arc<World>,
    member: usize,
    /// What it is while it is bad.
    health: Health,
    from: Duration,
    lasts: Duration,
    began: Option<Duration>,
    mended: Option<Duration>,
    /// Reads or writes that failed.
    failed: u64,
}

impl BadDisk {
    /// The seed's, if it has one.
    pub(super) fn of(world: &Arc<World>) -> Option<Self> {
        let mut rng = StdRng::from_seed(sub(world.seed, "disk", 0).0);
        let mut disk = Self {
            world: world.clone(),
            from: Duration::from_millis(rng.random_range(0..AFTER_MS_MAX)),
            member: rng.random_range(0..world.founders()),
            lasts: Duration::from_millis(rng.random_range(LASTS_MS)),
            health: Health::Room(rng.random_range(0..ROOM_BYTES_MAX)),
            began: None,
            mended: None,
            failed: 0,
        };
        if rng.random_range(0..100) < FULL_OF_100 {
            return Some(disk);
        }
        // Drawn apart, so that other seeds do not depend on it.
        let mut rng = StdRng::from_seed(sub(world.seed, "unreadable", 0).0);
        disk.health = Health::Unreadable;
        (rng.random_range(0..100) < UNREADABLE_OF_100).then_some(disk)
    }

    /// Whose it is.
    pub(super) fn member(&self) -> usize {
        self.member
    }

    /// Whether nobody can be started on it.
    pub(super) fn is_bad(&self) -> bool {
        self.began.is_some() && self.mended.is_none()
    }

    /// It is to be well again at once.
    pub(super) fn end(&mut self) {
        self.lasts = Duration::ZERO;
    }

    fn note(&self, kind: &'static str, detail: &str) {
        self.world.report.fault(kind);
        let at = self.world.now().as_millis();
        let text = format!("{kind} {}{detail}", self.member);
        self.world.report.note(at, &text);
    }

    fn begin(&mut self) {
        self.began = Some(self.world.now());
        panics::bear(true);
        let member = &self.world.members[self.member];
        member.disk.set(self.health);
        member.papers.set(self.health);
        match self.health {
            Health::Room(room) => self.note("disk full", &format!(", {room} bytes left")),
            _ => self.note("disk unreadable", ""),
        }
    }

    fn mend(&mut self) {
        let member = &self.world.members[self.member];
        member.disk.set(Health::Well);
        member.papers.set(Health::Well);
        self.failed = member.disk.failed() + member.papers.failed();
        self.mended = Some(self.world.now());
    }

    /// Does what its time has come for. Whether its node has ended of it and must be
    /// killed.
    pub(super) fn goes_on(&mut self) -> bool {
        let (now, n) = (self.world.now(), self.member);
        let Some(began) = self.began else {
            if self.from <= now && self.world.runs(n) {
                self.begin();
            }
            return false;
        };
        if self.is_bad() && began + self.lasts <= now {
            self.mend();
        }
        // A process that panics or whose ledger has stopped ends, and says so.
        if !self.world.runs(n) || (!self.world.has_ended(n) && panics::died() == 0) {
            return false;
        }
        let how = match panics::died() {
            0 => ": its ledger or its private store stopped",
            _ => ": it panicked",
        };
        self.note("ended by its disk", how);
        panics::bear(true);
        true
    }

    /// Whether all is over; what failed at the last moment may be noticed a moment later.
    pub(super) fn is_over(&self) -> bool {
        let over = |mended: Duration| mended + AFTERMATH <= self.world.now();
        self.mended.is_some_and(over)
    }

    /// No node may end of it any more.
    pub(super) fn close(self) {
        panics::bear(false);
        self.note("disk well", &format!(", {} failures", self.failed));
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }
}
