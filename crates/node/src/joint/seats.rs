//! What this node computes now: whose frames wait, what was counted, what is ready to
//! be given to the requester.
//!
//! *Invariants*: an entry goes when its question ends; each neighbour takes the frames
//! of one attempt once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use docket::statement::Count;
use net::Replies;
use primitives::{Digest, PublicKey, Signature, cbor};
use serde::{Deserialize, Serialize};
use signal::watch;
use tokio::sync::{Notify, mpsc::UnboundedReceiver};

use super::{admitted, owner};
use crate::{
    core::{Core, lock},
    custodian::{reply, reply_all},
    error::{Error, Result},
    host::Patience,
};

/// Longest that a caller waits for what is being computed, in one call.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Joint questions that a node computes at a time.
pub(super) const SEATS_MAX: usize = 16;

/// What one of the three counted, and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    /// What it counted.
    pub(crate) count: Count,
    /// Under the count's transcript.
    pub(crate) signature: Signature,
}

/// The head of what one of the three gives of an answer; its part follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The attempt that it is of: parts of different ones do not fit together.
    pub(crate) attempt: Digest,
    /// The digest of all frames that it exchanged.
    pub(crate) frames: Digest,
    /// Under the run's transcript.
    pub(crate) signature: Signature,
    /// Bytes of the part that follows.
    pub(crate) bytes: u64,
}

/// How far a computation is.
#[derive(Clone, Default)]
pub(super) struct Stage {
    pub(super) counted: Option<Counted>,
    pub(super) given: Option<(Given, Arc<Vec<u8>>)>,
    /// Why it ended without an answer.
    pub(super) failed: Option<(String, String)>,
}

/// What an attempt has for its neighbours.
pub(super) struct Attempt {
    /// What waits for the previous and the next one.
    pub(super) frames: [Option<UnboundedReceiver<Vec<u8>>>; 2],
    /// Told where a neighbour went away with the frames half taken: they can't be given
    /// twice, so the attempt is over.
    pub(super) cut: Arc<Notify>,
    /// Whether this party has all that it wanted of its neighbours: where its frames end
    /// before, the attempt has failed, and so has theirs.
    pub(super) played: Arc<AtomicBool>,
}

/// An attempt that neighbours may join, for as long as it is under way: what they took of
/// one that is over would only end theirs.
pub(super) struct Offered(Arc<Seat>);

impl Offered {
    pub(super) fn new(seat: &Arc<Seat>, attempt: Attempt) -> Self {
        *lock(&seat.attempt) = Some(attempt);
        Self(seat.clone())
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        *lock(&self.0.attempt) = None;
    }
}

/// Tells of a cut unless all was given.
struct Giving {
    cut: Arc<Notify>,
    whole: bool,
}

impl Drop for Giving {
    fn drop(&mut self) {
        if !self.whole {
            self.cut.notify_one();
        }
    }
}

/// One computation.
pub(super) struct Seat {
    pub(super) stage: watch::Sender<Stage>,
    /// The attempt under way.
    attempt: Mutex<Option<Attempt>>,
    /// Whether a neighbour that was cut needs another attempt of a finished party.
    again: AtomicBool,
}

impl Seat {
    /// Whether there is anything left to compute here.
    pub(super) fn is_wanted(&self) -> bool {
        let again = self.again.swap(false, Ordering::Relaxed);
        let stage = self.stage.borrow();
        stage.failed.is_none() && (again || stage.given.is_none())
    }
}

/// All that this node computes and shares.
#[derive(Default)]
pub(crate) struct Seats {
    seats: Mutex<HashMap<Digest, Arc<Seat>>>,
    pub(super) shared: owner::Shared,
}

impl Seats {
    /// The seat of a question; made where there is none.
    pub(super) fn of(&self, question: &Digest) -> Result<Arc<Seat>> {
        let mut seats = lock(&self.seats);
        if seats.len() >= SEATS_MAX && !seats.contains_key(question) {
            let detail = format!("{SEATS_MAX} joint questions are being computed here");
            return Err(Error::trouble("busy", detail));
        }
        let seat = seats.entry(*question).or_insert_with(|| {
            Arc::new(Seat {
                stage: watch::Sender::new(Stage::default()),
                attempt: Mutex::default(),
                again: AtomicBool::new(false),
            })
        });
        Ok(seat.clone())
    }

    /// Forgets a computation.
    pub(crate) fn end(&self, question: &Digest) {
        lock(&self.seats).remove(question);
    }

    fn get(&self, question: &Digest) -> Result<Arc<Seat>> {
        let seat = lock(&self.seats).get(question).cloned();
        seat.ok_or_else(|| Error::trouble("not-computing", "nothing is computed here yet"))
    }
}

/// Gives a neighbour this party's frames of the attempt under way.
pub(super) async fn serve_frames(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    replies: &mut Replies,
) -> Result<()> {
    let running = admitted(core, question)?;
    let (Some(mine), Some(theirs)) = (running.seat(&core.me), running.seat_of(peer)) else {
        return Err(Error::refused("joint", "only who computes has frames"));
    };
    // Previous and next, as the neighbour sits.
    let side = match (theirs + 3 - mine) % 3 {
        2 => 0,
        1 => 1,
        _ => return Err(Error::refused("joint", "nobody sends frames to itself")),
    };
    let seat = core.seats.get(question)?;
    let taken = {
        let mut attempt = lock(&seat.attempt);
        attempt.as_mut().and_then(|attempt| {
            let frames = attempt.frames[side].take()?;
            Some((frames, attempt.cut.clone(), attempt.played.clone()))
        })
    };
    let Some((mut frames, cut, played)) = taken else {
        if seat.stage.borrow().given.is_some() {
            seat.again.store(true, Ordering::Relaxed);
            crate::journey::advance(core, running.warrant);
        }
        let detail = "no attempt waits for this peer";
        return Err(Error::trouble("not-computing", detail));
    };
    let mut giving = Giving { cut, whole: false };
    while let Some(frame) = frames.recv().await {
        reply_all(replies, &frame).await?;
    }
    giving.whole = true;
    if played.load(Ordering::Acquire) {
        return Ok(());
    }
    Err(Error::trouble("attempt", "this party begins anew"))
}

/// Waits until a stage has what `wanted` finds in it.
async fn waited<T>(core: &Core, seat: &Seat, wanted: impl Fn(&Stage) -> Option<T>) -> Result<T> {
    let mut stages = seat.stage.subscribe();
    let patience = Patience::new(&core.host, WAIT_MAX);
    let found = patience.wait(async {
        loop {
            {
                let stage = stages.borrow_and_update();
                if let Some((rule, detail)) = &stage.failed {
                    return Err(Error::refused(rule.clone(), detail.clone()));
                }
                if let Some(found) = wanted(&stage) {
                    return Ok(found);
                }
            }
            if stages.changed().await.is_err() {
                return Err(Error::trouble("not-computing", "the computation is gone"));
            }
        }
    });
    found
        .await
        .unwrap_or_else(|| Err(Error::trouble("computing", "still computing")))
}

/// The computation of a question, for its requester alone.
fn requesters(core: &Core, peer: &PublicKey, question: &Digest) -> Result<Arc<Seat>> {
    admitted(core, question)?.require_requester(peer)?;
    core.seats.get(question)
}

/// Tells the requester what was counted.
pub(super) async fn serve_count(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    replies: &mut Replies,
) -> Result<()> {
    let seat = requesters(core, peer, question)?;
    let counted = waited(core, &seat, |stage| stage.counted.clone()).await?;
    reply(replies, cbor::encode(&counted)?).await
}

/// Tells the requester how far this party is, in thousandths: what its own people see.
pub(super) async fn serve_progress(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    replies: &mut Replies,
) -> Result<()> {
    admitted(core, question)?.require_requester(peer)?;
    let done = core.progress.of(question).map_or(0.0, |run| run.done);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a thousand"
    )]
    let permille = (done.clamp(0.0, 1.0) * 1_000.0) as u16;
    reply(replies, cbor::encode(&permille)?).await
}

/// Gives the requester this party's part of the answer.
pub(super) async fn serve_part(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    replies: &mut Replies,
) -> Result<()> {
    let seat = requesters(core, peer, question)?;
    let (head, part) = waited(core, &seat, |stage| stage.given.clone()).await?;
    reply(replies, cbor::encode(&head)?).await?;
    reply_all(replies, &part).await
}
