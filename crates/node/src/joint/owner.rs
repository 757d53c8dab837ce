//! An owner of a joint question's tables: selects, splits, commits, and gives each of
//! the three what it committed to.
//!
//! *Invariants*: the seed of the shares is in the private store before their digests
//! are on the ledger, and is destroyed when the question has ended; the same seed and
//! snapshots give the same shares after a restart.

mod given;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use data::Value;
use docket::{
    Plan,
    body::Subjects,
    plan::{JointInput, JointPlan, Method},
    statement::TableCommitment,
};
use net::Replies;
use primitives::{Digest, PublicKey, semantic::Semantic};
use query::Word;

pub(super) use given::Shape;
use given::{Given, PART_ROWS_MAX, SALT_BYTES, commitment, ledger, packed, part_of, shared};
use words::Gathered;

use super::{Running, admitted, program, sets::Names};
use crate::{
    core::{Core, lock},
    custodian::reply_all,
    error::{Error, Result},
    store::Shelf,
};

/// The rule that refuses a table of more rows than can be shared or compared.
const TOO_MANY_ROWS: &str = "too-many-rows";
/// Rows that one owner selects of one table, at most; names of its set.
pub(super) const SELECTED_ROWS_MAX: usize = 1 << 22;

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
        let shares = given.digests.iter().enumerate();
        tables.push(TableCommitment {
            table: input.table.clone(),
            rows: given.rows,
            shares: shares
                .map(|(seat, digests)| commitment(question, input, seat, digests))
                .collect(),
        });
    }
    Ok(tables)
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
    let taken = selected(core, (plan, joint), input, &session).await?;
    let (joint, own, of) = (joint.clone(), input.clone(), *question);
    let schema = match joint.method {
        Method::Shares => Some(program::schema(plan, &joint, &input.table)?),
        Method::Sets => None,
    };
    let making = move || {
        let bound = (&of, (&seed, &session));
        match (taken, schema) {
            (Taken::Words(words), Some(schema)) => shared(bound, (schema, own), words.columns()),
            (Taken::Ledger(mut rows), Some(schema)) => {
                rows.sort_unstable();
                ledger(bound, (&schema, &joint, &own), &rows)
            }
            (Taken::Names(names), None) => packed(&of, bound.1, &own, &names.sorted()),
            _ => Err(Error::refused("plan-mismatch", "a table of another method")),
        }
    };
    let given = core.host.blocking(making).await?;
    let given = Arc::new(given);
    lock(&core.seats.shared.0).insert(place, given.clone());
    Ok(given)
}

/// What an owner's rows become while they come from the data engine. In whatever order
/// that is, shares must come out the same after a restart.
enum Taken {
    Words(Gathered),
    /// A ledger's rows belong together by account.
    Ledger(Vec<data::Row>),
    Names(Names),
}

impl Taken {
    fn add(&mut self, mut rows: Vec<data::Row>) -> Result<()> {
        match self {
            Self::Words(words) => words.add(&rows),
            Self::Names(names) => names.add(&rows),
            Self::Ledger(all) => {
                all.append(&mut rows);
                Ok(())
            }
        }
    }
}

/// What an owner shares or compares of an input.
async fn selected(
    core: &Core,
    (plan, joint): (&Plan, &JointPlan),
    input: &JointInput,
    session: &Digest,
) -> Result<Taken> {
    let parts = query::parts(joint, &input.table);
    let gathered = |words| Gathered::new(*session, input.clone(), words, parts);
    let Some(selection) = query::selection(plan, joint, input) else {
        let mut words = gathered(vec![Word::Key("phone", 0)]);
        words.add(&subjects(core, plan)?)?;
        return Ok(Taken::Words(words));
    };
    let (mut taken, most) = match joint.method {
        Method::Sets => (Taken::Names(Names::default()), SELECTED_ROWS_MAX),
        Method::Shares if input.table == "ledger" => (Taken::Ledger(Vec::new()), PART_ROWS_MAX),
        Method::Shares => {
            let most = (PART_ROWS_MAX * parts).min(SELECTED_ROWS_MAX);
            (Taken::Words(gathered(selection.words)), most)
        }
    };
    let snapshots = input.snapshots.iter().map(|digest| core.snapshot(digest));
    let snapshots = snapshots.collect::<Result<Vec<_>>>()?;
    let spill = core.config.file(crate::config::files::SNAPSHOTS);
    let taking = async move {
        let snapshots: Vec<&data::Snapshot> = snapshots.iter().map(AsRef::as_ref).collect();
        let (sql, cancel) = (&selection.sql, data::Cancel::default());
        let mut rows = data::Selection::begin(&snapshots, sql, most, &spill, &cancel).await?;
        while let Some(rows) = rows.next().await? {
            taken.add(rows)?;
        }
        Ok(taken)
    };
    let taken = core.host.engine(taking).await;
    taken.map_err(|error| advised(error, joint, input))
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

/// Says what helps where a selection has too many rows.
fn advised(error: Error, joint: &JointPlan, input: &JointInput) -> Error {
    let parts = query::parts(joint, &input.table);
    if error.rule() != data::Rule::Limit.name() {
        return error;
    }
    let most = SELECTED_ROWS_MAX / PART_ROWS_MAX;
    let advice = match query::cut_by(&input.table) {
        Some(_) if parts < most => format!("ask with parts={most}, or of a shorter time"),
        _ => "ask of a shorter time".to_owned(),
    };
    Error::refused(TOO_MANY_ROWS, format!("{}: {error}; {advice}", input.table))
}

/// Gives one of the three its shares of a table.
///
/// # Errors
/// The rule that says no; trouble.
pub(super) async fn serve(
    core: &Arc<Core>,
    peer: &PublicKey,
    question: &Digest,
    (table, part): (&str, usize),
    replies: &mut Replies,
) -> Result<()> {
    let running = admitted(core, question)?;
    let seat = running
        .seat_of(peer)
        .filter(|_| running.joint.method == Method::Shares)
        .ok_or_else(|| Error::refused("joint", "only who computes is given shares"))?;
    let bytes = own(core, &running, table, (seat, part)).await?;
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
    let mut bytes = own(core, running, &input.table, (0, 0)).await?;
    Ok(bytes.split_off(SALT_BYTES.min(bytes.len())))
}

/// What one of the three is given of a part of this owner's table, if it is still what
/// was committed to.
///
/// # Errors
/// The rule that says no; trouble.
pub(super) async fn own(
    core: &Arc<Core>,
    running: &Running,
    table: &str,
    (seat, part): (usize, usize),
) -> Result<Vec<u8>> {
    let committed = running.committed(&core.me, table)?;
    let mut inputs = running.joint.inputs.iter();
    let input = inputs
        .find(|input| input.owner == core.me && input.table == table)
        .ok_or_else(|| Error::refused("plan-mismatch", "the plan has no such table here"))?;
    let (plan, joint) = (&running.plan, &running.joint);
    let given = made(core, &running.question, plan, joint, input).await?;
    let digests = &given.digests[seat];
    if part >= digests.len() {
        return Err(Error::refused(
            "plan-mismatch",
            "the table has no such part",
        ));
    }
    let digest = commitment(&running.question, input, seat, digests);
    if committed.shares.get(seat) != Some(&digest) {
        let detail =
            "the shares are no longer those committed to: the snapshot or its seed is lost";
        return Err(Error::refused("key-mismatch", detail));
    }
    let split = part_of(core, &given, part).await?;
    let mut bytes = Vec::new();
    if digests.len() > 1 {
        bytes.extend(digests.iter().flat_map(|digest| digest.0));
    }
    bytes.extend_from_slice(&split[seat]);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_selects_too_many_rows_is_told_what_helps() {
        let joint = |parts: Option<i64>, method| JointPlan {
            computing: Vec::new(),
            scenes: Vec::new(),
            inputs: Vec::new(),
            count_only: false,
            terms: parts
                .map(|parts| ("parts".into(), parts))
                .into_iter()
                .collect(),
            fields: Vec::new(),
            method,
        };
        let said = |table: &str, rule: &str, joint: &JointPlan| {
            let due = match rule {
                "data.limit" => TOO_MANY_ROWS,
                other => other,
            };
            let input = JointInput {
                table: table.into(),
                owner: primitives::InstitutionId::new("bank_a").unwrap(),
                snapshots: Vec::new(),
            };
            let many = Error::refused(rule.to_owned(), "the selection has more than 7 rows");
            let error = advised(many, joint, &input);
            assert_eq!(error.rule(), due);
            error.to_string()
        };
        let whole = joint(None, Method::Shares);
        let cut = said("transfers", "data.limit", &whole);
        assert!(
            cut.contains("transfers: ") && cut.contains("7 rows"),
            "{cut}"
        );
        assert!(cut.contains("ask with parts=4"), "{cut}");
        // Nothing more is gained by parts, or never was.
        for (table, parts) in [("transfers", Some(4)), ("ledger", None)] {
            let refused = said(table, "data.limit", &joint(parts, Method::Shares));
            assert!(refused.contains("a shorter time"), "{refused}");
            assert!(!refused.contains("parts="), "{refused}");
        }
        let other = said("transfers", "row-shape", &whole);
        assert!(!other.contains("parts="), "{other}");
        let set = said("callers", "data.limit", &joint(None, Method::Sets));
        assert!(
            set.contains("a shorter time") && !set.contains("parts="),
            "{set}"
        );
    }
}
