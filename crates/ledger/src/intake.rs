//! The way of a record into the pool: batch check, gossip, and the durable note that it was accepted.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::chain::judge;
use crate::core::{Core, Keep, Outgoing, Submission, Waiter};
use crate::error::SubmitError;
use crate::limits::CHECK_BATCH_MAX;
use crate::pool::Origin;

/// Takes submissions until the ledger stops.
pub(crate) async fn run(core: Arc<Core>, mut queue: mpsc::Receiver<Submission>) {
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        while batch.len() < CHECK_BATCH_MAX
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        take(&core, batch);
    }
}

fn take(core: &Core, batch: Vec<Submission>) {
    let batch = leave_out_known(core, batch);
    if batch.is_empty() {
        return;
    }
    let records: Vec<_> = batch.iter().map(|s| s.offer.record.clone()).collect();
    let verdicts = core.rules.check(&records);
    let mut gossip = Vec::new();
    let mut grew = false;
    for (submission, verdict) in batch.into_iter().zip(verdicts) {
        if let Err(refused) = verdict {
            answer(submission.waiter, SubmitError::Refused(refused));
            continue;
        }
        let own = submission.origin == Origin::Own;
        let record = submission.offer.record.clone();
        if admit(core, submission) {
            grew = true;
            if own {
                gossip.push(record);
            }
        }
    }
    if !gossip.is_empty() {
        core.send(Outgoing::Records(gossip));
    }
    if grew {
        core.stir();
    }
}

/// Attaches the waiters of records that are final or in the pool already.
fn leave_out_known(core: &Core, batch: Vec<Submission>) -> Vec<Submission> {
    let mut seen = HashSet::with_capacity(batch.len());
    let mut fresh = Vec::with_capacity(batch.len());
    for submission in batch {
        let leaf = submission.offer.leaf;
        if let Some(index) = core.chain().find(&leaf) {
            if let Some(waiter) = submission.waiter {
                core.wait_for_checkpoint(index, waiter);
            }
        } else if core.pool().holds(&leaf) {
            attach(core, submission);
        } else if seen.insert(leaf) || submission.waiter.is_some() {
            fresh.push(submission);
        }
    }
    fresh
}

fn attach(core: &Core, submission: Submission) {
    let now = core.now();
    core.pool()
        .insert(submission.offer.clone(), submission.origin, now);
    if let Some(waiter) = submission.waiter {
        core.wait_for(submission.offer.leaf, waiter);
        resolve_late(core, &submission.offer.leaf);
    }
}

/// Puts a checked record into the pool. Returns whether it is new there.
fn admit(core: &Core, submission: Submission) -> bool {
    let Submission {
        offer,
        origin,
        waiter,
    } = submission;
    let quiet = {
        let pool = core.pool();
        if !pool.fits(origin, offer.record.len()) {
            drop(pool);
            answer(waiter, SubmitError::Full);
            return false;
        }
        pool.is_empty()
    };
    // With nothing before it, what the final state refuses no block will hold.
    if quiet && origin == Origin::Own {
        let tip = Arc::clone(core.chain().last());
        if let Err(refused) = judge(&tip, &offer.record, core.now_ms()) {
            answer(waiter, SubmitError::Refused(refused));
            return false;
        }
    }
    let now = core.now();
    let leaf = offer.leaf;
    if let Some(waiter) = waiter {
        core.wait_for(leaf, waiter);
    }
    let kept = offer.clone();
    let new = core.pool().insert(offer, origin, now);
    if new && origin == Origin::Own {
        let _ = core.keep.send(Keep::Accepted(kept));
    }
    resolve_late(core, &leaf);
    new
}

/// The record may have become final between the look-up and the wait.
fn resolve_late(core: &Core, leaf: &primitives::Digest) {
    let index = core.chain().find(leaf);
    if let Some(index) = index {
        core.pool().remove(leaf);
        core.placed(leaf, index);
        core.release();
    }
}

fn answer(waiter: Option<Waiter>, error: SubmitError) {
    if let Some(waiter) = waiter {
        let _ = waiter.send(Err(error));
    }
}
