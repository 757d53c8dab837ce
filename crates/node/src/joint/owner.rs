//! An owner of a joint question's tables: selects, splits, commits, and gives each of
//! the three what it committed to.
//!
//! *Invariants*: the seed of the shares is in the private store before their digests
//! are on the ledger, and is destroyed when the question has ended; the same seed and
//! snapshots give the same shares after a restart.

use std::{collections::BTreeMap, sync::Arc};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use data::Value;
use docket::{
    Plan,
    body::Subjects,
    joint::NAME_WORDS,
    plan::{JointInput, JointPlan, Method},
    state::COMPUTING,
    statement::TableCommitment,
};
use mpc::joint::{
    key::{name_to_words, subject_key},
    risk_propagation,
    table::Schema,
};
use net::Replies;
use primitives::{Digest, PublicKey, semantic::Semantic};
use query::Word;

use super::{Running, admitted, program, sets};
use crate::{
    core::{Core, lock},
    custodian::reply_all,
    error::{Error, Result},
    store::Shelf,
};

/// Rows that one owner shares of one table, at most.
const SELECTED_ROWS_MAX: usize = 1 << 20;
/// Names of one owner's set, at most.
pub(super) const SET_ROWS_MAX: usize = 1 << 22;
/// Rows that the smallest shared table has.
const PADDED_ROWS_MIN: usize = 64;

/// A table that was split.
struct Given {
    /// Its rows with the padding.
    rows: u32,
    /// What each of the three is given: a salt, then the messages of the columns.
    parts: [Vec<u8>; COMPUTING],
}

/// The shares of this owner's tables, made once while a question runs.
#[derive(Default)]
pub(super) struct Shared(std::sync::Mutex<BTreeMap<(Digest, String), Arc<Given>>>);

/// Selects and splits this institution's tables of a joint plan, and gives what it
/// commits to, in the plan's order.
///
/// # Errors
/// A refusal where a table has too many rows or a snapshot is not here; trouble.
pub(crate) async fn commitments(
    core: &Arc<Core>,
    question: &Digest,
    plan: &Plan,
) -> Result<Vec<TableCommitment>> {
    let Some(joint) = &plan.joint else {
        return Ok(Vec::new());
    };
    let mut tables = Vec::new();
    for input in joint.inputs.iter().filter(|input| input.owner == core.me) {
        let given = made(core, question, plan, joint, input).await?;
        let shares = given.parts.iter().enumerate();
        let columns = messages_of(plan, joint, input)?;
        tables.push(TableCommitment {
            table: input.table.clone(),
            rows: given.rows,
            shares: shares
                .map(|(seat, bytes)| committed_to(question, input, seat, bytes, columns))
                .collect(),
        });
    }
    Ok(tables)
}

/// In how many messages each of the three is given a table.
fn messages_of(plan: &Plan, joint: &JointPlan, input: &JointInput) -> Result<usize> {
    match joint.method {
        Method::Shares => Ok(program::schema(plan, joint, &input.table)?.columns().len()),
        Method::Sets => Ok(1),
    }
}

/// The messages of a table's columns in what one of the three was given, and the salt
/// before them.
pub(super) fn messages(bytes: &[u8], columns: usize) -> (Digest, Vec<Vec<u8>>) {
    let (salt, rest) = bytes.split_at(SALT_BYTES.min(bytes.len()));
    let mut digest = Digest([0; SALT_BYTES]);
    if let Ok(salt) = salt.try_into() {
        digest = Digest(salt);
    }
    let column = (rest.len() / columns.max(1)).max(1);
    (digest, rest.chunks(column).map(<[u8]>::to_vec).collect())
}

/// The digest that an owner commits to of what one of the three is given.
pub(super) fn committed_to(
    question: &Digest,
    input: &JointInput,
    seat: usize,
    bytes: &[u8],
    columns: usize,
) -> Digest {
    let (salt, messages) = messages(bytes, columns);
    let seat = u8::try_from(seat).unwrap_or(u8::MAX);
    let place = (&input.owner, input.table.as_str());
    docket::joint::shares(question, place, seat, &salt, &messages)
}

/// Bytes of the salt of a commitment.
const SALT_BYTES: usize = 32;

/// Bytes that one party is given of a table.
pub(super) fn given_bytes(schema: &Schema, rows: usize) -> usize {
    SALT_BYTES + schema.message_bytes(rows)
}

/// Destroys what this owner could make shares from.
///
/// # Errors
/// Trouble where the disk fails.
pub(crate) fn forget(core: &Core, question: &Digest) -> Result<()> {
    lock(&core.seats.shared.0).retain(|(of, _), _| of != question);
    // Looked at every few seconds, and removed once: a removal is a write to disk.
    let kept: Option<Digest> = core.store.get(Shelf::Shares, &question.0)?;
    match kept {
        Some(_) => core.store.remove(Shelf::Shares, &question.0),
        None => Ok(()),
    }
}

/// What each of the three is given of an input: from memory, or made again.
async fn made(
    core: &Arc<Core>,
    question: &Digest,
    plan: &Plan,
    joint: &JointPlan,
    input: &JointInput,
) -> Result<Arc<Given>> {
    let place = (*question, input.table.clone());
    if let Some(known) = lock(&core.seats.shared.0).get(&place) {
        return Ok(known.clone());
    }
    let seed: Digest = match core.store.get(Shelf::Shares, &question.0)? {
        Some(seed) => seed,
        None => {
            let mut seed = Digest([0; 32]);
            core.host.fill(&mut seed.0);
            core.store.put(Shelf::Shares, &question.0, &seed)?;
            seed
        }
    };
    let session = docket::joint::session(&core.network, &plan.digest()?, question);
    let (rows, words) = selected(core, plan, joint, input).await?;
    let (joint, input) = (joint.clone(), input.clone());
    let given = match joint.method {
        Method::Shares => {
            let schema = program::schema(plan, &joint, &input.table)?;
            let splitting =
                move || split(&seed, &session, (&schema, &joint, &input), &rows, &words);
            core.host.blocking(splitting).await?
        }
        Method::Sets => {
            let packing = move || packed(&seed, &session, &input, &rows);
            core.host.blocking(packing).await?
        }
    };
    let given = Arc::new(given);
    lock(&core.seats.shared.0).insert(place, given.clone());
    Ok(given)
}

/// The rows that an owner shares of an input, sorted, and how each becomes words.
async fn selected(
    core: &Core,
    plan: &Plan,
    joint: &JointPlan,
    input: &JointInput,
) -> Result<(Vec<data::Row>, Vec<Word>)> {
    let (mut rows, words) = match query::selection(plan, joint, input) {
        None => (subjects(core, plan)?, vec![Word::Key("phone", 0)]),
        Some(selection) => {
            let mut snapshots = Vec::new();
            for digest in &input.snapshots {
                snapshots.push(core.snapshot(digest)?);
            }
            let spill = core.config.file(crate::config::files::SNAPSHOTS);
            let most = match joint.method {
                Method::Shares => SELECTED_ROWS_MAX,
                Method::Sets => SET_ROWS_MAX,
            };
            let selecting = async move {
                let snapshots: Vec<&data::Snapshot> = snapshots.iter().map(AsRef::as_ref).collect();
                let cancel = data::Cancel::default();
                Ok(data::select(&snapshots, &selection.sql, most, &spill, &cancel).await?)
            };
            (core.host.engine(selecting).await?, selection.words)
        }
    };
    // The engine's order is its own; shares must come out the same after a restart.
    rows.sort_unstable();
    Ok((rows, words))
}

/// The warrant's phones, from the authority's own copy of the order's subjects.
fn subjects(core: &Core, plan: &Plan) -> Result<Vec<data::Row>> {
    let state = core.state();
    let issued = state
        .warrant(&plan.warrant)
        .and_then(|warrant| warrant.issued)
        .ok_or_else(|| Error::refused("warrant-unknown", "the warrant was not issued"))?;
    let sealed: Subjects = core.body_of(&issued)?;
    let phones = sealed
        .subjects
        .iter()
        .filter(|subject| subject.selector.semantic() == Semantic::Phone);
    Ok(phones
        .map(|subject| vec![Value::Text(subject.selector.value().to_owned())])
        .collect())
}

/// A generator for what an owner gives of one table.
fn generator(seed: &Digest, session: &Digest, input: &JointInput) -> ChaCha20Rng {
    let seed = Digest::of(
        "cordon/joint-seed/v1",
        &[&seed.0, &session.0, input.table.as_bytes()],
    );
    ChaCha20Rng::from_seed(seed.0)
}

/// A set and its commitment: the first of the three stands for the set itself, which
/// nobody is given; the others are salts, of nothing.
fn packed(
    seed: &Digest,
    session: &Digest,
    input: &JointInput,
    rows: &[data::Row],
) -> Result<Given> {
    let mut rng = generator(seed, session, input);
    let mut parts: [Vec<u8>; COMPUTING] = Default::default();
    for part in &mut parts {
        part.resize(SALT_BYTES, 0);
        rng.fill_bytes(part);
    }
    parts[0].extend(sets::pack(rows)?);
    Ok(Given {
        rows: u32::try_from(padded(rows.len()))
            .map_err(|_| Error::refused("limit", "a set of too many names"))?,
        parts,
    })
}

/// Makes columns of words out of rows, pads them and splits them.
fn split(
    seed: &Digest,
    session: &Digest,
    (schema, joint, input): (&Schema, &JointPlan, &JointInput),
    rows: &[data::Row],
    words: &[Word],
) -> Result<Given> {
    let mut rng = generator(seed, session, input);
    let columns = if input.table == "ledger" {
        ledger(session, joint, rows, &mut rng)?
    } else {
        let mut columns = columns(session, input, words, rows)?;
        schema.pad(&mut columns, padded(rows.len()), &mut rng)?;
        columns
    };
    let rows = columns.first().map_or(0, Vec::len);
    let owner = input.owner.as_str();
    let messages = schema.share(session, owner, &columns, &mut rng)?;
    Ok(Given {
        rows: u32::try_from(rows)
            .map_err(|_| Error::refused("limit", "a table of too many rows"))?,
        parts: messages.map(|columns| {
            let mut salt = [0; SALT_BYTES];
            rng.fill_bytes(&mut salt);
            [&salt[..], &columns.concat()].concat()
        }),
    })
}

/// A table's size class: a power of two.
fn padded(rows: usize) -> usize {
    rows.max(PADDED_ROWS_MIN).next_power_of_two()
}

fn unfit(what: &str) -> Error {
    Error::refused("row-shape", format!("a selected row has no {what}"))
}

/// `present` and the words of each row, column by column.
fn columns(
    session: &Digest,
    input: &JointInput,
    words: &[Word],
    rows: &[data::Row],
) -> Result<Vec<Vec<u64>>> {
    let mut columns: Vec<Vec<u64>> = vec![vec![1; rows.len()]];
    for word in words {
        let count = match word {
            Word::Key(..) => 2,
            Word::Name(_) => NAME_WORDS,
            Word::Number(..) => 1,
        };
        let mut own: Vec<Vec<u64>> = vec![Vec::new(); count];
        for (number, row) in rows.iter().enumerate() {
            let next = match *word {
                Word::Key(kind, at) => key(session, kind, input, number, row.get(at)).to_vec(),
                Word::Name(at) => name(row.get(at))?,
                Word::Number(at, bits) => vec![small(row.get(at), bits)?],
            };
            for (column, word) in own.iter_mut().zip(next) {
                column.push(word);
            }
        }
        columns.extend(own);
    }
    Ok(columns)
}

fn key(
    session: &Digest,
    kind: &str,
    input: &JointInput,
    number: usize,
    value: Option<&Value>,
) -> [u64; 2] {
    match value {
        Some(Value::Text(text)) => subject_key(session, kind, text.as_bytes()),
        Some(Value::Int(whole)) => subject_key(session, kind, whole.to_string().as_bytes()),
        _ => {
            let place = format!("{}/{}/{number}", input.owner, input.table);
            subject_key(session, query::NOBODY, place.as_bytes())
        }
    }
}

fn name(value: Option<&Value>) -> Result<Vec<u64>> {
    match value {
        Some(Value::Text(text)) => Ok(name_to_words(text.as_bytes(), NAME_WORDS)?),
        _ => Err(unfit("name")),
    }
}

fn small(value: Option<&Value>, bits: u32) -> Result<u64> {
    match value {
        Some(Value::Int(whole)) => u64::try_from(*whole)
            .ok()
            .filter(|whole| bits >= u64::BITS || whole >> bits == 0)
            .ok_or_else(|| unfit("number in its range")),
        _ => Err(unfit("number")),
    }
}

/// A bank's ledger: rows of account, score, sender and amount, sorted by account.
fn ledger(
    session: &Digest,
    joint: &JointPlan,
    rows: &[data::Row],
    rng: &mut ChaCha20Rng,
) -> Result<Vec<Vec<u64>>> {
    let terms = program::risk_terms(joint)?;
    let account_key = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => Ok(subject_key(session, "account", text.as_bytes())),
        _ => Err(unfit("account")),
    };
    let mut accounts: Vec<(&Value, risk_propagation::Account)> = Vec::new();
    for row in rows {
        let of = row.first().ok_or_else(|| unfit("account"))?;
        if accounts.last().is_none_or(|(last, _)| *last != of) {
            let account = risk_propagation::Account {
                key: account_key(row.first())?,
                score: small(row.get(1), terms.score_bits)?,
                name: name(row.first())?,
                received: Vec::new(),
            };
            accounts.push((of, account));
        }
        if matches!(row.get(2), Some(Value::Text(_))) {
            let sent = (account_key(row.get(2))?, small(row.get(3), u64::BITS)?);
            if let Some((_, account)) = accounts.last_mut() {
                account.received.push(sent);
            }
        }
    }
    let accounts: Vec<_> = accounts.into_iter().map(|(_, account)| account).collect();
    let count: usize = accounts.iter().map(|one| one.received.len() + 1).sum();
    Ok(risk_propagation::ledger_columns(
        &terms,
        &accounts,
        padded(count),
        rng,
    )?)
}

/// Gives one of the three its shares of a table.
///
/// # Errors
/// The rule that says no; trouble.
pub(super) async fn serve(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    table: &str,
    replies: &mut Replies,
) -> Result<()> {
    let running = admitted(core, question)?;
    let seat = running
        .seat_of(peer)
        .filter(|_| running.joint.method == Method::Shares)
        .ok_or_else(|| Error::refused("joint", "only who computes is given shares"))?;
    let bytes = own(core, &running, table, seat).await?;
    reply_all(replies, &bytes).await
}

/// The names of this owner's set, if it is still the one committed to.
///
/// # Errors
/// The rule that says no; trouble.
pub(super) async fn own_set(core: &Arc<Core>, running: &Running) -> Result<Vec<u8>> {
    let mut inputs = running.joint.inputs.iter();
    let input = inputs.find(|input| input.owner == core.me);
    let input = input
        .ok_or_else(|| Error::refused("plan-mismatch", "the plan has no set of this owner"))?;
    let mut bytes = own(core, running, &input.table, 0).await?;
    Ok(bytes.split_off(SALT_BYTES.min(bytes.len())))
}

/// What one of the three is given of this owner's table, if it is still what was
/// committed to.
///
/// # Errors
/// The rule that says no; trouble.
pub(super) async fn own(
    core: &Arc<Core>,
    running: &Running,
    table: &str,
    seat: usize,
) -> Result<Vec<u8>> {
    let committed = running.committed(&core.me, table)?;
    let mut inputs = running.joint.inputs.iter();
    let input = inputs
        .find(|input| input.owner == core.me && input.table == table)
        .ok_or_else(|| Error::refused("plan-mismatch", "the plan has no such table here"))?;
    let (plan, joint) = (&running.plan, &running.joint);
    let given = made(core, &running.question, plan, joint, input).await?;
    let columns = messages_of(plan, joint, input)?;
    let digest = committed_to(&running.question, input, seat, &given.parts[seat], columns);
    if committed.shares.get(seat) != Some(&digest) {
        let detail =
            "the shares are no longer those committed to: the snapshot or its seed is lost";
        return Err(Error::refused("key-mismatch", detail));
    }
    Ok(given.parts[seat].clone())
}
