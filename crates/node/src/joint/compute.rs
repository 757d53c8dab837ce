//! One of the three: pulls its shares and its neighbours' frames, counts, waits for the
//! count's record, and makes its part of the answer.
//!
//! An attempt that a lost peer or a restart cuts is begun anew, with fresh keys; a
//! peer's fault ends the question with its bytes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use docket::{
    joint::sets::HOLDERS,
    plan::Method,
    statement::{Attestation, Count},
};
use mpc::{
    joint::deliver,
    shares::{Keys, Neighbour, Party, Security},
};
use primitives::{Digest, InstitutionId};
use tokio::sync::{Notify, mpsc::unbounded_channel};

use super::{
    ATTEMPT_DOMAIN, FRAMES_DOMAIN, PAIR_DOMAIN, Running, admitted,
    channel::{Feed, Ring, Waits, inbound},
    owner, program,
    seats::{Attempt, Counted, Given, Offered, Seat},
    sets,
    shares::{self, Parts, Pulled},
};
use crate::{
    aside::{Aside, aside},
    core::{Core, lock},
    custodian::may_come,
    error::{Error, HEARD, Kind, Result, Said},
    exchange::Call,
    host::{Host, Patience, Task},
    requester::{abort, overtaken, peer_error},
};

/// Longest that one attempt may take.
pub(super) const ATTEMPT_MAX: Duration = Duration::from_secs(3_600);
/// Pause before a neighbour is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before another attempt.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Longest that lost peers are tried again.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest that the three wait for the count's record.
const COUNT_PATIENCE: Duration = Duration::from_secs(600);
/// Two of the three contradict one another: nobody's own refusal.
const CONTRADICTION: &str = "protocol-fault";
/// Bytes of a hello: the attempt's nonce and a contribution to the pair's key.
const HELLO_BYTES: usize = 64;

/// Computes a question, from the start to this party's part of the answer.
///
/// # Errors
/// What ended it; a fault is recorded.
pub(crate) async fn compute(core: &Arc<Core>, question: Digest) -> Result<()> {
    let seat = core.seats.of(&question)?;
    if !seat.is_wanted() {
        return Ok(());
    }
    let patience = Patience::new(&core.host, PATIENCE);
    let mut pause = PAUSE;
    loop {
        let running = admitted(core, &question)?;
        let error = match attempted(core, &running, &seat).await {
            Ok(()) => return Ok(()),
            Err(error) if error.retry() || may_come(&error) => error,
            Err(error) => overtaken(core, &running.state, running.parties(), &error)
                .await
                .unwrap_or(error),
        };
        tracing::warn!(question = %question.short(), %error, "an attempt to compute ended");
        if (error.retry() || may_come(&error)) && patience.is_left() {
            core.host.sleep(apart(&core.host, pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
            continue;
        }
        // First on record whose fault or refusal it is: whoever hears that this party failed
        // ends the question too, and knows less.
        // Trouble that went on too long (a neighbour that is silent) is nobody's refusal.
        let refused = !matches!(error.kind, Kind::Trouble { .. }) && error.rule() != CONTRADICTION;
        let own = error.said == Said::Here && refused;
        let ended = match error.kind {
            Kind::Fault { .. } => abort(core, &question, &error).await,
            Kind::Refused { .. } if own => abort(core, &question, &error).await,
            _ => Err(error.clone()),
        };
        let reason = match own {
            true => (error.rule().to_owned(), error.to_string()),
            false => (HEARD.to_owned(), format!("{}: {error}", error.rule())),
        };
        seat.stage.send_modify(|stage| stage.failed = Some(reason));
        return ended;
    }
}

/// Half of a pause to all of it: three that begin anew in step, each as late as before,
/// would miss one another for ever.
fn apart(host: &Arc<dyn Host>, pause: Duration) -> Duration {
    let mut byte = [0];
    host.fill(&mut byte);
    pause * (256 + u32::from(byte[0])) / 512
}

/// What a party's thread needs besides its channel.
struct Work {
    core: Arc<Core>,
    running: Arc<Running>,
    index: usize,
    /// Of the first part.
    shares: Pulled,
    seat: Arc<Seat>,
    changes: signal::watch::Receiver<u64>,
}

async fn attempted(core: &Arc<Core>, running: &Running, seat: &Arc<Seat>) -> Result<()> {
    let index = running
        .seat(&core.me)
        .ok_or_else(|| Error::refused("joint", "this member does not compute the question"))?;
    running.tell(core, 0.05, "collecting shares");
    let shares = match running.joint.method {
        Method::Shares => shares::pull(core, running, (index, 0)).await?,
        // The third of them holds no set.
        Method::Sets if index == HOLDERS => BTreeMap::new(),
        Method::Sets => BTreeMap::from([(index, vec![owner::own_set(core, running).await?])]),
    };
    let (previous_out, previous_frames) = unbounded_channel();
    let (next_out, next_frames) = unbounded_channel();
    let cut = Arc::new(Notify::new());
    let played = Arc::new(AtomicBool::new(false));
    let _offered = Offered::new(
        seat,
        Attempt {
            frames: [Some(previous_frames), Some(next_frames)],
            cut: cut.clone(),
            played: played.clone(),
        },
    );
    let (previous_feed, previous_in) = inbound();
    let (next_feed, next_in) = inbound();
    let running = Arc::new(running.clone());
    let work = Work {
        core: core.clone(),
        running: running.clone(),
        index,
        shares,
        seat: seat.clone(),
        changes: core.changed.subscribe(),
    };
    let host = core.host.clone();
    let party = aside(&core.host, move |aside| {
        let waits = Waits {
            aside: aside.clone(),
            host,
        };
        let outgoing = [previous_out, next_out];
        let ring = Ring {
            // Its end is not seen before it is known what kind of end it is.
            outgoing: outgoing.clone(),
            incoming: [previous_in, next_in],
            last: Arc::new(Mutex::new(None)),
            waits,
        };
        let done = play(&work, ring);
        played.store(done.is_ok(), Ordering::Release);
        drop(outgoing);
        done
    });
    let (failing, mut failures) = unbounded_channel();
    let mut pulls = Vec::new();
    for (side, feed) in [(2, previous_feed), (1, next_feed)] {
        let peer = running.joint.computing[(index + side) % 3].clone();
        let (core, running, failing) = (core.clone(), running.clone(), failing.clone());
        let host = core.host.clone();
        let pulling = async move {
            if let Err(error) = pull_frames(&core, &running, &peer, feed).await {
                // Nobody listens where the party has ended.
                let _ = failing.send(error);
            }
        };
        pulls.push(host.spawn("frames", Box::pin(pulling)));
    }
    let ended = tokio::select! { biased;
        done = party => match done {
            // A neighbour may not have sent its last: hanging up now would cut it.
            Ok(()) => return Ok(()),
            Err(error) => error,
        },
        Some(error) = failures.recv() => error,
        () = cut.notified() => Error::trouble("attempt", "a neighbour began anew"),
    };
    pulls.into_iter().for_each(Task::abort);
    Err(ended)
}

/// Pulls a neighbour's frames until it ends.
async fn pull_frames(
    core: &Arc<Core>,
    running: &Running,
    peer: &InstitutionId,
    feed: Feed,
) -> Result<()> {
    let call = Call::Frames {
        question: running.question,
    };
    let request = bytes::Bytes::from(call.encode()?);
    let key = running.key_of(peer)?;
    let said = |error| peer_error(peer, error);
    let mut frames = loop {
        let frames = core.net()?.call(key, request.clone(), ATTEMPT_MAX).await;
        let mut frames = frames.map_err(said)?;
        match frames.next().await.map_err(said) {
            Ok(Some(first)) => {
                feed.push(first)?;
                break frames;
            }
            Ok(None) => return Err(Error::trouble("peer", "a peer closed before it began")),
            // The neighbour's node may be a moment behind.
            Err(error) if error.retry() || may_come(&error) => {
                admitted(core, &running.question)?;
                core.host.sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    };
    while let Some(frame) = frames.next().await.map_err(said)? {
        feed.push(frame)?;
    }
    Ok(())
}

/// The party's whole run, on a thread of its own.
fn play(work: &Work, mut ring: Ring) -> Result<()> {
    let last = ring.last.clone();
    let waits = ring.waits.aside.clone();
    let (attempt, keys) = greet(work, &mut ring)?;
    let done = match work.running.joint.method {
        Method::Shares => {
            let mut party = Party::new(work.index, &attempt, &keys, Security::Malicious, ring)?;
            computed(work, (&attempt, &waits), &mut party)
        }
        Method::Sets => compared(work, &attempt, &mut ring),
    };
    done.map_err(|error| work.blame(error, &last))
}

/// What a protocol step failed with.
pub(super) enum Failed {
    Protocol(mpc::Error),
    Node(Error),
}

impl From<mpc::Error> for Failed {
    fn from(error: mpc::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Node(error)
    }
}

impl Work {
    /// Whose fault it is: a malformed frame's sender. Where two contradict one another
    /// nobody can tell which of them lied, and the question ends without a name.
    fn blame(&self, failed: Failed, last: &Mutex<Option<Neighbour>>) -> Error {
        let error = match failed {
            Failed::Node(error) => return error,
            Failed::Protocol(error) => error,
        };
        let mpc::ErrorKind::Fault { fault, evidence } = error.kind() else {
            return error.into();
        };
        let from = lock(last).map(|neighbour| match neighbour {
            Neighbour::Previous => (self.index + 2) % 3,
            Neighbour::Next => (self.index + 1) % 3,
        });
        // Over shares what a check finds may be either neighbour's; a set's frames are
        // between two, and only that they were altered on the way is nobody's.
        let own = match self.running.joint.method {
            Method::Shares => *fault == mpc::Fault::Malformed,
            Method::Sets => *fault != mpc::Fault::TranscriptMismatch,
        };
        match from.filter(|_| own) {
            Some(from) => {
                let peer = &self.running.joint.computing[from];
                Error::fault(peer, error.to_string(), evidence.clone())
            }
            None => Error::refused(CONTRADICTION, error.to_string()),
        }
    }
}

/// Agrees with both neighbours on this attempt's session and on keys.
fn greet(work: &Work, ring: &mut Ring) -> Result<(Digest, Keys)> {
    let lost = |_| Error::trouble("peer", "a neighbour is gone");
    let [nonce, previous, next] = [0; 3].map(|_| {
        let mut bytes = [0u8; 32];
        work.core.host.fill(&mut bytes);
        bytes
    });
    let own = [previous, next];
    for (side, secret) in own.iter().enumerate() {
        let hello = [nonce, *secret].concat();
        ring.outgoing[side].send(hello).map_err(lost)?;
    }
    let gone = |_| Error::trouble("peer", "a neighbour is gone");
    let mut nonces = [nonce; 3];
    let mut keys = [[0; 32]; 2];
    for (side, from) in [Neighbour::Previous, Neighbour::Next]
        .into_iter()
        .enumerate()
    {
        let hello = ring.take(from, HELLO_BYTES).map_err(gone)?;
        let (theirs, secret) = hello.split_at(32);
        let at = (work.index + if side == 0 { 2 } else { 1 }) % 3;
        nonces[at].copy_from_slice(theirs);
        // The lower seat's contribution first.
        let (first, second) = if at < work.index {
            (secret, &own[side][..])
        } else {
            (&own[side][..], secret)
        };
        let session = work.running.session.0;
        keys[side] = Digest::of(PAIR_DOMAIN, &[&session, first, second]).0;
    }
    let parts = [&work.running.session.0, &nonces[0], &nonces[1], &nonces[2]];
    let session = Digest::of(ATTEMPT_DOMAIN, &parts.map(|part| &part[..]));
    // All three must mean the same attempt: one may still be in an older one.
    for outgoing in &ring.outgoing {
        outgoing.send(session.0.to_vec()).map_err(lost)?;
    }
    for from in [Neighbour::Previous, Neighbour::Next] {
        if ring.take(from, 32).map_err(gone)? != session.0 {
            return Err(Error::trouble(
                "attempt",
                "the three are not in one attempt",
            ));
        }
    }
    let [previous, next] = keys;
    Ok((session, Keys { previous, next }))
}

/// Counts, waits for the record, delivers.
fn computed(
    work: &Work,
    (attempt, waits): (&Digest, &Aside),
    party: &mut Party<'_>,
) -> std::result::Result<(), Failed> {
    let running = &work.running;
    let mut parts = Parts {
        core: &work.core,
        running,
        index: work.index,
        waits,
        first: &work.shares,
        of: program::parts(&running.joint),
    };
    let (count, found) = program::count(party, &running.plan, &running.joint, &mut parts)?;
    // The count is announced when all that led to it was verified.
    work.announce(count);
    running.tell(&work.core, 0.8, "waiting for the count's record");
    if !work.may_open(waits, count)? {
        return Ok(());
    }
    running.tell(&work.core, 0.9, "opening to the requester");
    let cap = usize::try_from(running.cap()).unwrap_or(usize::MAX);
    let columns = found.open(party, cap)?;
    let binding = binding(running, count)?;
    let part = deliver::part(party, &binding, &columns)?;
    work.deliver(attempt, &party.transcripts(), (part, Vec::new()))?;
    Ok(())
}

/// Compares this member's set with another's, or counts what two have in common;
/// waits for the count's record, and gives its list.
fn compared(work: &Work, attempt: &Digest, ring: &mut Ring) -> std::result::Result<(), Failed> {
    let running = &work.running;
    let own = work.shares.get(&work.index).and_then(|own| own.first());
    let names = own.map(Vec::as_slice);
    let mut tell = |permille: usize| {
        let done = f64::from(u32::try_from(permille.min(1_000)).unwrap_or(0)) / 1_000.0;
        running.tell(&work.core, 0.1 + 0.7 * done, "comparing sets");
    };
    let mine = (work.index, names, work.core.host.rng());
    let bound = (work.core.network, attempt);
    let compared = sets::compare(running, bound, mine, ring, &mut tell)?;
    let count = Count {
        rows: compared.rows,
        withheld: 0,
    };
    work.announce(count);
    running.tell(&work.core, 0.8, "waiting for the count's record");
    if !work.may_open(&ring.waits.aside, count)? {
        return Ok(());
    }
    work.deliver(attempt, &compared.frames, (compared.signed, compared.list))?;
    Ok(())
}

/// What the answer's parts are bound to.
pub(super) fn binding(running: &Running, count: Count) -> Result<deliver::Binding> {
    Ok(deliver::Binding {
        session: running.session,
        receiver: running.case.requester.to_string(),
        answer: running.plan.template.to_string(),
        rows: usize::try_from(count.rows).map_err(|_| Error::refused("limit", "too many rows"))?,
        widths: running.joint.widths(),
    })
}

impl Work {
    fn sign(&self, transcript: &Digest) -> primitives::Signature {
        let message = Attestation::message(&self.running.question, transcript);
        self.core.keys.node.sign(Attestation::DOMAIN, &message)
    }

    fn announce(&self, count: Count) {
        let signature = self.sign(&count.transcript(&self.running.question));
        self.seat.stage.send_modify(|stage| {
            stage.counted = Some(Counted { count, signature });
        });
    }

    /// Waits until this node's own ledger has the count; whether rows may open.
    fn may_open(&self, waits: &Aside, count: Count) -> Result<bool> {
        let (core, running) = (self.core.clone(), self.running.clone());
        let recorded = recorded(core, running, self.changes.clone(), count);
        let patience = Patience::new(&self.core.host, COUNT_PATIENCE);
        let waited = waits.wait(async move { patience.wait(recorded).await });
        match waited {
            Some(Some(recorded)) => recorded,
            Some(None) => Err(Error::broken("count", "nobody recorded the count in time")),
            None => Err(Error::trouble("stopping", "the attempt is over")),
        }
    }

    /// Signs a part of the answer, and has it ready with what stands behind it.
    fn deliver(
        &self,
        attempt: &Digest,
        frames: &[Digest],
        (part, behind): (Vec<u8>, Vec<u8>),
    ) -> Result<()> {
        let frames: Vec<&[u8]> = frames.iter().map(|one| &one.0[..]).collect();
        let frames = Digest::of(FRAMES_DOMAIN, &frames);
        let seat = u8::try_from(self.index).unwrap_or(u8::MAX);
        let transcript = docket::joint::transcript(&self.running.question, seat, &frames, &part);
        let head = Given {
            attempt: *attempt,
            frames,
            signature: self.sign(&transcript),
            bytes: (part.len() + behind.len()) as u64,
        };
        let part = Arc::new([part, behind].concat());
        self.seat
            .stage
            .send_modify(|stage| stage.given = Some((head, part)));
        self.running.tell(&self.core, 1.0, "done");
        Ok(())
    }
}

/// Resolves once this node's own ledger has the count; whether rows may open.
async fn recorded(
    core: Arc<Core>,
    running: Arc<Running>,
    mut changes: signal::watch::Receiver<u64>,
    count: Count,
) -> Result<bool> {
    loop {
        let state = core.state();
        let known = state
            .warrant(&running.warrant)
            .and_then(|warrant| warrant.questions.get(&running.question));
        let known = known.ok_or_else(|| Error::refused("question-unknown", "no such question"))?;
        if known.phase != docket::state::QuestionPhase::Running {
            return Ok(false);
        }
        if let Some(recorded) = known.count {
            if recorded != count {
                let detail = "the ledger's count is not what was computed";
                return Err(Error::refused("count", detail));
            }
            core.warrant_in_force(&state, &running.warrant)?;
            return Ok(count.rows <= running.cap());
        }
        if changes.changed().await.is_err() {
            return Err(Error::trouble("stopping", "the node is stopping"));
        }
    }
}
