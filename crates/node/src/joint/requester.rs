//! Who asked: takes the count from the three, has it recorded, and, where more may
//! open, puts the answer together from their parts.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use docket::{
    Statement,
    plan::{Answer, JointProof, Method, Part},
    state::COMPUTING,
    statement::{Attestation, Count},
};
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use mpc::joint::deliver;
use primitives::{Digest, InstitutionId, Signature, cbor};

use super::{
    Running, admitted,
    compute::binding,
    seats::{Counted, Given},
    sets,
};
use crate::{
    core::{Core, lock},
    custodian::may_come,
    error::{Error, Result, Said},
    exchange::Call,
    host::Patience,
    progress::PartyState,
    requester::{RunResult, peer_error},
    store::Shelf,
};

/// Longest that one call for a count or a part may take.
const CALL_MAX: Duration = Duration::from_secs(600);
/// Pause before a party is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one that has ended a question is given to say so itself, once another said
/// that somebody has.
const SAYS_WITHIN: Duration = Duration::from_secs(5);
/// How often the three are asked how far they are, and how long each may take to say.
const LOOKED_EVERY: Duration = Duration::from_secs(30);
/// Longest that the requester waits for the three, from first to last.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Bytes of a count with its signature, or of a part's head.
const HEAD_BYTES_MAX: usize = 4_096;

/// Runs a joint question whose owners have all committed their inputs.
///
/// # Errors
/// Trouble that a later try may cure; what ended the run.
pub(crate) async fn run(core: &Arc<Core>, question: &Digest) -> Result<()> {
    let running = admitted(core, question)?;
    let count = match running.known.count {
        Some(count) => count,
        None => counted(core, &running).await?,
    };
    let ends = running.joint.count_only || count.rows == 0 || count.rows > running.cap();
    if ends {
        return Ok(());
    }
    answered(core, &running, count).await
}

/// Takes the count from the three, and records it.
async fn counted(core: &Arc<Core>, running: &Running) -> Result<Count> {
    running.tell(core, 0.1, "the three are computing");
    let asked = running.joint.computing.iter();
    let counting = all(core, asked.map(|id| count_of(core, running, id)));
    let counts = watched(core, running, counting).await?;
    let count = counts[0].count;
    if counts.iter().any(|one| one.count != count) {
        let detail = "the three did not count alike, and nobody can tell which of them lied";
        return Err(Error::refused("count", detail));
    }
    let attestations = running
        .joint
        .computing
        .iter()
        .zip(counts)
        .map(|(id, counted)| Attestation {
            institution: id.clone(),
            transcript: count.transcript(&running.question),
            signature: counted.signature,
        })
        .collect();
    let statement = Statement::CountOpened {
        question: running.question,
        count,
        attestations,
    };
    state(core, running, statement).await?;
    Ok(count)
}

async fn state(core: &Arc<Core>, running: &Running, statement: Statement) -> Result<()> {
    let follows = vec![running.question];
    let header = core.header(Some(running.warrant), follows, Vec::new(), statement);
    core.state_as_node(header, &[]).await.map(|_| ())
}

/// What all of the three give, in their order. Where one only passes on that another
/// has ended it, that other one is waited for a moment, to say so itself.
async fn all<T, F>(core: &Core, three: impl Iterator<Item = F>) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    let numbered = three
        .enumerate()
        .map(|(at, one)| async move { (at, one.await) });
    let mut asked: FuturesUnordered<_> = numbered.collect();
    let mut given = Vec::new();
    let mut heard: Option<Error> = None;
    loop {
        let next = match &heard {
            None => asked.next().await,
            Some(error) => tokio::select! {
                next = asked.next() => next,
                () = core.host.sleep(SAYS_WITHIN) => return Err(error.clone()),
            },
        };
        match next {
            Some((at, Ok(one))) => given.push((at, one)),
            Some((_, Err(error))) if error.said == Said::Heard => heard = Some(error),
            Some((_, Err(error))) => return Err(error),
            None => break,
        }
    }
    if let Some(error) = heard {
        return Err(error);
    }
    given.sort_by_key(|(at, _)| *at);
    Ok(given.into_iter().map(|(_, one)| one).collect())
}

/// Shows how far the three are, again and again, until the work has ended.
async fn watched<T>(
    core: &Core,
    running: &Running,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let looking = async {
        loop {
            core.host.sleep(LOOKED_EVERY).await;
            let three = running.joint.computing.iter();
            let far = join_all(three.map(|id| far_of(core, running, id))).await;
            // They go hand in hand; of one that is not reached nothing is known.
            if let Some(far) = far.into_iter().flatten().min() {
                let done = (f64::from(far) / 1_000.0).min(0.8);
                running.tell(core, done, "the three are computing");
            }
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = looking => Err(Error::broken("progress", "it is looked at without an end")),
    }
}

/// How far one of the three is, in thousandths; none where it does not say.
async fn far_of(core: &Core, running: &Running, id: &InstitutionId) -> Option<u16> {
    let call = Call::Progress {
        question: running.question,
    };
    let request = bytes::Bytes::from(call.encode().ok()?);
    let key = running.key_of(id).ok()?;
    let replies = core
        .net()
        .ok()?
        .call(key, request, LOOKED_EVERY)
        .await
        .ok()?;
    let bytes = replies.read_to_end(HEAD_BYTES_MAX).await.ok()?;
    cbor::decode(&bytes, HEAD_BYTES_MAX).ok()
}

async fn count_of(core: &Arc<Core>, running: &Running, id: &InstitutionId) -> Result<Counted> {
    let call = Call::Count {
        question: running.question,
    };
    let bytes = asked(core, running, id, &call, HEAD_BYTES_MAX).await?;
    let counted: Counted = cbor::decode(&bytes, HEAD_BYTES_MAX)
        .map_err(|error| Error::fault(id, format!("a count: {error}"), bytes.clone()))?;
    let transcript = counted.count.transcript(&running.question);
    verify(running, id, &transcript, &counted.signature, &bytes)?;
    shown(core, running, id, PartyState::Answered, bytes.len());
    Ok(counted)
}

fn verify(
    running: &Running,
    id: &InstitutionId,
    transcript: &Digest,
    signature: &Signature,
    bytes: &[u8],
) -> Result<()> {
    let message = Attestation::message(&running.question, transcript);
    let verified = running
        .key_of(id)?
        .verify(Attestation::DOMAIN, &message, signature);
    verified.map_err(|_| Error::fault(id, "a signature that does not verify", bytes.to_vec()))
}

fn shown(core: &Core, running: &Running, id: &InstitutionId, state: PartyState, bytes: usize) {
    core.progress.party(running.question, id, |party| {
        party.state = state;
        party.bytes += bytes as u64;
    });
}

/// Asks one of the three until it answers, as long as the run may go on.
async fn asked(
    core: &Arc<Core>,
    running: &Running,
    id: &InstitutionId,
    call: &Call,
    bytes_max: usize,
) -> Result<Vec<u8>> {
    let request = bytes::Bytes::from(call.encode()?);
    let key = running.key_of(id)?;
    let patience = Patience::new(&core.host, PATIENCE);
    let said = |error| peer_error(id, error);
    loop {
        let once = async {
            let replies = core
                .net()?
                .call(key, request.clone(), CALL_MAX)
                .await
                .map_err(said)?;
            replies.read_to_end(bytes_max).await.map_err(said)
        };
        let error = match once.await {
            Ok(bytes) => return Ok(bytes.to_vec()),
            Err(error) => error,
        };
        let waits = error.retry() || may_come(&error);
        if !waits || !patience.is_left() {
            return Err(error);
        }
        if lock(&core.cancelled).contains(&running.question) {
            return Err(Error::refused("cancelled", "an officer cancelled the run"));
        }
        core.warrant_in_force(&core.state(), &running.warrant)?;
        // The run may have been ended by one of the three.
        admitted(core, &running.question)?;
        core.progress.party(running.question, id, |party| {
            party.state = PartyState::Waiting;
            party.detail = Some(error.rule().to_owned());
        });
        core.host.sleep(PAUSE).await;
    }
}

/// Puts the answer together, and completes the run.
async fn answered(core: &Arc<Core>, running: &Running, count: Count) -> Result<()> {
    running.tell(core, 0.85, "the rows are opened");
    let (given, answer) = match running.joint.method {
        Method::Shares => added_up(core, running, count).await?,
        Method::Sets => opened(core, running, count).await?,
    };
    let bytes = given.iter().map(|one| one.part.len() + one.behind.len());
    let bytes = bytes.sum::<usize>() as u64;
    let attestations = given.into_iter().zip(&running.joint.computing);
    let attestations = attestations
        .map(|(given, institution)| Attestation {
            institution: institution.clone(),
            transcript: given.transcript,
            signature: given.head.signature,
        })
        .collect();
    let result = RunResult {
        answer,
        evaluated: Vec::new(),
        bytes,
        rounds: 1,
    };
    core.store
        .put(Shelf::Results, &running.question.0, &result)?;
    let statement = Statement::RunCompleted {
        question: running.question,
        attestations,
        evaluated: Vec::new(),
    };
    state(core, running, statement).await
}

/// The answer whose words the three's components add up to.
async fn added_up(
    core: &Arc<Core>,
    running: &Running,
    count: Count,
) -> Result<(Vec<Delivered>, Answer)> {
    let binding = binding(running, count)?;
    let given = parts_of(core, running, &[[binding.bytes(), 0]; COMPUTING]).await?;
    let mut parts: [Vec<u8>; COMPUTING] = Default::default();
    for (part, given) in parts.iter_mut().zip(&given) {
        part.clone_from(&given.part);
    }
    // Two that deliver different components contradict one another: nobody can tell
    // which of them lied.
    let words = deliver::collect(&binding, &parts)?;
    let proof = given.iter().zip(parts).map(|(given, part)| Part {
        frames: given.head.frames,
        part,
        opened: Vec::new(),
    });
    let answer = query::assemble_joint(
        &running.plan,
        &running.question,
        &running.session,
        &words,
        JointProof {
            parts: proof.collect(),
        },
    )?;
    Ok((given, answer))
}

/// The answer whose names both holders' lists open.
async fn opened(
    core: &Arc<Core>,
    running: &Running,
    count: Count,
) -> Result<(Vec<Delivered>, Answer)> {
    let given = parts_of(core, running, &sets::due(running)?).await?;
    let (opening, network) = (running.clone(), core.network);
    let (given, opened) = core
        .host
        .blocking(move || {
            let opened = sets::opened(&opening, network, count, &given)?;
            Ok((given, opened))
        })
        .await?;
    let (names, parts) = opened;
    let proof = JointProof { parts };
    let answer = query::assemble_sets(&running.plan, &running.question, names, proof)?;
    Ok((given, answer))
}

/// What each of the three gives, all of one attempt; `due` are the bytes of what each
/// signs, and of what stands behind it.
async fn parts_of(
    core: &Arc<Core>,
    running: &Running,
    due: &[[usize; 2]],
) -> Result<Vec<Delivered>> {
    let patience = Patience::new(&core.host, CALL_MAX);
    loop {
        let three = running.joint.computing.iter().zip(due).enumerate();
        let three = three.map(|(seat, (id, due))| part_of(core, running, (seat, id), *due));
        let given = all(core, three).await?;
        let attempts: BTreeSet<Digest> = given.iter().map(|one| one.head.attempt).collect();
        if attempts.len() == 1 {
            return Ok(given);
        }
        // One of them was cut and computes anew; the others will do so with it.
        if !patience.is_left() {
            let detail = "the three did not finish one attempt together";
            return Err(Error::refused("attempt", detail));
        }
        core.host.sleep(PAUSE).await;
    }
}

/// What one of the three gave.
pub(super) struct Delivered {
    pub(super) head: Given,
    /// The transcript that it signed.
    transcript: Digest,
    /// Its part of the answer, which the transcript covers.
    pub(super) part: Vec<u8>,
    /// What the part stands for, where it is too long to be signed itself.
    pub(super) behind: Vec<u8>,
}

/// One party's part, with its head and the transcript that it signed.
async fn part_of(
    core: &Arc<Core>,
    running: &Running,
    (seat, id): (usize, &InstitutionId),
    [signed, behind]: [usize; 2],
) -> Result<Delivered> {
    let call = Call::Part {
        question: running.question,
    };
    let bytes = asked(core, running, id, &call, HEAD_BYTES_MAX + signed + behind).await?;
    let malformed = |what: &str| Error::fault(id, what, bytes[..bytes.len().min(4_096)].to_vec());
    let at = bytes
        .len()
        .checked_sub(signed + behind)
        .ok_or_else(|| malformed("a part that is too short"))?;
    let (head, rest) = bytes.split_at(at);
    let (part, behind) = rest.split_at(signed);
    let head: Given =
        cbor::decode(head, HEAD_BYTES_MAX).map_err(|error| malformed(&error.to_string()))?;
    let place = u8::try_from(seat).unwrap_or(u8::MAX);
    let transcript = docket::joint::transcript(&running.question, place, &head.frames, part);
    verify(running, id, &transcript, &head.signature, &bytes[..at])?;
    shown(core, running, id, PartyState::Signed, bytes.len());
    Ok(Delivered {
        head,
        transcript,
        part: part.to_vec(),
        behind: behind.to_vec(),
    })
}
