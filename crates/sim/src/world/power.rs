//! How simulated nodes end: killed, or with their machines' power.
//!
//! *Invariants*: what stays of what was not synced is drawn from the seed and the death.

use std::{sync::atomic::Ordering, time::Duration};

use ledger::Stays;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{World, lock, public_port, sub};

/// How long a killed node's tasks get to be dropped.
const LAST_BREATH: Duration = Duration::from_millis(50);

impl World {
    /// Whether a member's node has ended by itself, as it must where its disk is full.
    pub(crate) fn has_ended(&self, n: usize) -> bool {
        let core = self.core(n);
        core.is_some_and(|core| core.ledger.status().stopped.is_some() || core.store.has_failed())
    }

    /// Of what a node's ledger and private store had not synced some stays, as the seed
    /// and this death say. The store is opened on what stayed.
    async fn lose_power(&self, n: usize) {
        let (boot, member) = (self.boots(n), &self.members[n]);
        let purpose = format!("power of {}", member.id);
        let mut rng = StdRng::from_seed(sub(self.seed, &purpose, boot.into()).0);
        let stays = Stays {
            of_1000: [0, 500, 900, 990, 999, 1_000][rng.random_range(0..6usize)],
            beginning: rng.random(),
        };
        self.lose_papers(n, stays);
        let torn = member.disk.lose_power(&self.context, stays, &mut rng);
        match torn.await {
            Ok(0) => {}
            Ok(torn) => {
                self.report.fault("torn writes");
                let text = format!("{n} died over {torn} writes: {stays:?}");
                self.report.note(self.now().as_millis(), &text);
            }
            Err(error) => {
                let detail = format!("{n}: its disk can't be written: {error}");
                self.report.broken("leak", detail);
            }
        }
    }

    fn lose_papers(&self, n: usize, stays: Stays) {
        let purpose = format!("papers of {}", self.members[n].id);
        let rng = StdRng::from_seed(sub(self.seed, &purpose, self.boots(n).into()).0);
        match self.members[n].lose_papers(stays, rng) {
            Ok(lost) if lost.all() == 0 => {}
            Ok(lost) => {
                self.report.fault(if lost.torn > 0 {
                    "store torn"
                } else {
                    "store cut off"
                });
                let text = format!("{n}'s private store lost power: {lost:?}, {stays:?}");
                self.report.note(self.now().as_millis(), &text);
            }
            Err(error) => {
                let detail = format!("{n}: its private store does not open: {error}");
                self.report.broken("start", detail);
            }
        }
    }

    /// Kills a member's node at whatever await its tasks are.
    pub(crate) async fn kill(&self, n: usize) {
        let _power = self.members[n].power.lock().await;
        if self.runs(n) {
            self.members[n].papers.cut();
        }
        if self.switch_off(n).await {
            self.lose_power(n).await;
        }
    }

    /// Ends a member's node for good: it has left.
    pub(crate) async fn leave(&self, n: usize) {
        self.members[n].gone.store(true, Ordering::Relaxed);
        self.kill(n).await;
    }

    /// Whether a member has left, and its node ended for good.
    pub(crate) fn has_left(&self, n: usize) -> bool {
        self.members[n].gone.load(Ordering::Relaxed)
    }

    pub(super) async fn switch_off(&self, n: usize) -> bool {
        let running = lock(&self.members[n].slot).running.take();
        let Some(running) = running else {
            return false;
        };
        for exchange in [false, true] {
            self.wires.lead(public_port(n, exchange), None);
        }
        running.root.abort();
        self.sleep(LAST_BREATH).await;
        if running.core.strong_count() > 0 {
            let detail = format!("{} holds a node that was killed", self.members[n].id);
            self.report.broken("leak", detail);
        }
        true
    }

    /// Gives a member whose node is down its private store of before.
    pub(crate) fn restore(&self, n: usize) -> bool {
        let done = !self.runs(n) && self.members[n].restore();
        if done {
            self.restored.store(true, Ordering::Relaxed);
        }
        done
    }
}
