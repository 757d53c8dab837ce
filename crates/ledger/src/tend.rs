//! What a node does beside agreement: heartbeats, other nodes' notices, and tending the
//! pool.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use primitives::{Digest, PublicKey};
use proof::{Cosignature, SignedCheckpoint, leaf_hash};

use crate::apply::announce;
use crate::chain::Offer;
use crate::core::{Core, Keep, Outgoing, Peer, Submission};
use crate::error::SubmitError;
use crate::limits::{FORGET_AFTER, GOSSIP_AGAIN_AFTER, HEARTBEAT, REFUSE_AFTER};
use crate::notice::{Notice, unpack};
use crate::pool::Origin;
use crate::rules::BlockInfo;
use crate::witness::{self, Contrary};

/// How often the pool is tended while records wait.
const TEND_EVERY: Duration = Duration::from_millis(250);
/// Heartbeats between two showings of the newest checkpoint.
const SHOW_EVERY: u64 = 5;
/// Old records judged at a time.
const JUDGED_MAX: usize = 1_024;

/// Sends heartbeats until the runtime stops.
pub(crate) async fn heartbeats(core: Arc<Core>) {
    for beat in 1u64.. {
        core.send(Outgoing::Notice(None, heartbeat(&core)));
        if beat.is_multiple_of(SHOW_EVERY) {
            show(&core);
        }
        (core.env.sleep)(HEARTBEAT).await;
        core.sweep();
    }
}

/// Shows everybody the newest checkpoint with a quorum, and votes that contradict what
/// became of their view. Whoever has another log or another vote sees by it who signed
/// both, however long the two could not talk.
fn show(core: &Core) {
    let latest = core.cosigner().latest().cloned();
    if let Some(signed) = latest {
        let signed = SignedCheckpoint::clone(&signed);
        core.send(Outgoing::Notice(None, Notice::Signed(signed)));
    }
    witness::hand_on(core, None);
}

fn heartbeat(core: &Core) -> Notice {
    let height = core.chain().last().header.height;
    let leg = core.legs.current();
    let cosigner = core.cosigner();
    let epoch = leg.as_ref().map_or(0, |leg| leg.epoch);
    Notice::Heartbeat {
        height,
        leg: leg.map_or(0, |leg| leg.number),
        signed: cosigner
            .latest()
            .map_or(0, |signed| signed.checkpoint().size()),
        lacks: (0..epoch).find(|epoch| cosigner.of_epoch(*epoch).is_none()),
    }
}

/// Tends the pool and the protocol's clock until the runtime stops.
pub(crate) async fn pool(core: Arc<Core>) {
    let mut wake = core.wake.subscribe();
    loop {
        let idle = core.pool().is_empty() && !changing(&core);
        let now = core.now();
        if idle {
            core.pace.rest(now);
        } else {
            core.pace.work(now);
            refuse(&core);
            resend(&core);
        }
        if idle && !core.pace.running() {
            if wake.changed().await.is_err() {
                return;
            }
        } else {
            (core.env.sleep)(TEND_EVERY).await;
        }
    }
}

/// Whether a change of members waits for the leg's end. The empty blocks that lead there
/// are work, though no record waits.
fn changing(core: &Core) -> bool {
    let leg = core.legs.current();
    leg.is_some_and(|leg| core.chain().last().state.members() != leg.members)
}

/// Drops what the final state refuses, and what a peer sent long ago.
fn refuse(core: &Core) {
    let now = core.now();
    let old = core.pool().older(REFUSE_AFTER, now);
    let tip = Arc::clone(core.chain().last());
    let at = BlockInfo {
        height: tip.header.height + 1,
        time_ms: core.now_ms().max(tip.header.time_ms),
    };
    let mut state = tip.state.boxed_clone();
    for (offer, _) in old.into_iter().take(JUDGED_MAX) {
        let Err(refused) = state.apply(&offer.record, at) else {
            continue;
        };
        // A block may have taken it meanwhile; then this state refuses what that block did.
        let current = core.chain().last().digest == tip.digest;
        if current && core.chain().find(&offer.leaf).is_none() {
            core.pool().remove(&offer.leaf);
            let _ = core.keep.send(Keep::Done(offer.leaf));
            core.fail(&offer.leaf, &SubmitError::Refused(refused));
        }
    }
    let forgotten = core.pool().older(FORGET_AFTER, now);
    let mut pool = core.pool();
    for (offer, origin) in forgotten {
        if origin != Origin::Own {
            pool.remove(&offer.leaf);
        }
    }
}

fn resend(core: &Core) {
    let records = core.pool().resend(GOSSIP_AGAIN_AFTER, core.now());
    if !records.is_empty() {
        core.send(Outgoing::Records(records));
    }
}

/// Takes a gossip message of records.
pub(crate) fn records(core: &Core, from: PublicKey, message: Bytes) {
    let Some(records) = unpack(message) else {
        tracing::warn!(peer = %from, "a malformed gossip message");
        return;
    };
    for record in records {
        let offer = Offer {
            leaf: leaf_hash(&record),
            record,
        };
        let submission = Submission {
            offer,
            origin: Origin::Peer(from),
            waiter: None,
        };
        if core.intake.try_send(submission).is_err() {
            // Its submitter sends it again.
            return;
        }
    }
}

/// Takes a notice. Returns a height to fetch from that peer if it is ahead.
pub(crate) fn notice(core: &Core, from: PublicKey, message: &[u8]) -> Option<u64> {
    let Some(notice) = Notice::decode(message) else {
        tracing::warn!(peer = %from, "a malformed notice");
        return None;
    };
    match notice {
        Notice::Heartbeat {
            height,
            leg,
            signed,
            lacks,
        } => {
            heard(core, from, height, leg);
            help(core, from, signed, lacks);
            let mine = core.chain().last().header.height;
            return (height > mine).then_some(height);
        }
        Notice::Cosigned {
            size,
            root,
            cosignature,
        } => {
            if core.legs.signs_as(&from, cosignature.cosigner()) {
                cosigned(core, size, root, cosignature);
            }
        }
        Notice::Contrary {
            size,
            root,
            cosignature,
        } => {
            if is_another_log(core, size, &root) {
                let word = cosignature;
                witness::contrary(core, size, Contrary { root, word });
            }
        }
        Notice::Signed(signed) => take_signed(core, signed),
        Notice::Votes(votes) => witness::handed_on(core, votes),
    }
    None
}

/// Whether this node's log has another root at this size.
fn is_another_log(core: &Core, size: u64, root: &Digest) -> bool {
    let own = core.chain().log().root_at(size);
    own.is_ok_and(|own| own != *root)
}

/// Takes a member's word over the log at a size.
fn cosigned(core: &Core, size: u64, root: Digest, word: Cosignature) {
    if is_another_log(core, size, &root) {
        witness::contrary(core, size, Contrary { root, word });
        return;
    }
    let name = word.cosigner().clone();
    if core.cosigner().add(size, root, word) {
        announce(core);
    }
    witness::compare(core, size, &name);
}

fn heard(core: &Core, from: PublicKey, height: u64, leg: u64) {
    let peer = Peer {
        heard: core.now(),
        height,
        leg,
    };
    core.peers().insert(from, peer);
}

/// Gives a peer the checkpoints that it lacks.
fn help(core: &Core, from: PublicKey, signed: u64, lacks: Option<u64>) {
    let cosigner = core.cosigner();
    let closing = lacks.and_then(|epoch| cosigner.of_epoch(epoch).cloned());
    let latest = cosigner
        .latest()
        .filter(|latest| latest.checkpoint().size() > signed)
        .cloned();
    let mine = cosigner.mine().filter(|(size, ..)| *size > signed);
    drop(cosigner);
    for signed in [closing, latest.clone()].into_iter().flatten() {
        let notice = Notice::Signed(SignedCheckpoint::clone(&signed));
        core.send(Outgoing::Notice(Some(from), notice));
    }
    if latest.is_none()
        && let Some((size, root, cosignature)) = mine
    {
        let notice = Notice::Cosigned {
            size,
            root,
            cosignature,
        };
        core.send(Outgoing::Notice(Some(from), notice));
    }
}

/// Takes a checkpoint with a quorum if it is of this log and this node knows its epoch's
/// members. Over another log it is that many words against this node's: whoever is held to
/// both contradicts itself.
fn take_signed(core: &Core, signed: SignedCheckpoint) {
    let checkpoint = signed.checkpoint();
    let (size, root) = (checkpoint.size(), *checkpoint.root());
    let Ok(own_root) = core.chain().log().root_at(size) else {
        return;
    };
    if own_root != root {
        for word in signed.cosignatures().iter().cloned() {
            witness::contrary(core, size, Contrary { root, word });
        }
        return;
    }
    let Some(membership) = core.legs.membership(signed.epoch()) else {
        return;
    };
    let origin = core.cosigner().origin().to_owned();
    if signed.verify(&origin, &membership).is_ok() && core.cosigner().accept(Arc::new(signed)) {
        announce(core);
    }
}
