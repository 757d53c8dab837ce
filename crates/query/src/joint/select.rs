//! What an owner selects from its own snapshots before it shares: SQL made of the
//! plan's numbers alone, and how each row becomes words.
//!
//! The query runs at its owner, over its own canonical rows, and nothing of it
//! leaves but shares. Only whole numbers of the plan are written into it.

use docket::{
    body::Scene,
    plan::{JointInput, JointPlan, Plan},
};

use primitives::semantic::DAY_MS;

use super::program::{AMOUNT_BITS, CELL_BITS, GROUP_BITS, PARTS_NAME};

/// The kind of key that stands for a person whom nobody knows: equal to no other.
pub const NOBODY: &str = "nobody";

/// How a column of a selection becomes words of a shared row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Two words: the key of a subject of this kind; of [`NOBODY`] where the column
    /// is empty.
    Key(&'static str, usize),
    /// The words of a name.
    Name(usize),
    /// One word of so many bits.
    Number(usize, u32),
}

/// What an owner selects for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The query, over views named as the tables' kinds.
    pub sql: String,
    /// The words of a row, after its `present`.
    pub words: Vec<Word>,
}

impl Selection {
    fn new(sql: String, words: &[Word]) -> Self {
        Self {
            sql,
            words: words.to_vec(),
        }
    }
}

/// The place, among a row's words, of the key by which a table is cut into parts: all
/// rows of a key come in one part. None where a table comes whole.
#[must_use]
pub fn cut_by(table: &str) -> Option<usize> {
    match table {
        "sightings" | "wet" | "residents" | "transfers" | "subjects" | "facts" => Some(0),
        "calls" => Some(1),
        _ => None,
    }
}

/// In how many parts a table of a plan comes.
#[must_use]
pub fn parts(joint: &JointPlan, table: &str) -> usize {
    let asked = joint.terms.get(PARTS_NAME).copied().unwrap_or(1);
    match cut_by(table) {
        Some(_) => usize::try_from(asked).unwrap_or(1).max(1),
        None => 1,
    }
}

/// The selection of an input; none where it is the warrant's subjects, or a table
/// that no program has.
#[must_use]
pub fn selection(plan: &Plan, joint: &JointPlan, input: &JointInput) -> Option<Selection> {
    let term = |name: &str| joint.terms.get(name).copied().unwrap_or_default();
    let (from, to) = (plan.window.from_ms, plan.window.to_ms);
    let window = format!("at >= {from} AND at < {to}");
    let scenes = any_of(&joint.scenes, at);
    Some(match input.table.as_str() {
        "sightings" => Selection::new(
            sightings(&joint.scenes),
            &[
                Word::Key("phone", 0),
                Word::Number(1, bits_of(joint.scenes.len().saturating_sub(1) as u64)),
                Word::Name(0),
            ],
        ),
        "sims" => Selection::new(
            format!(
                "SELECT c.cell AS cell FROM (SELECT caller, cell, count(*) AS made FROM calls WHERE {scenes} GROUP BY caller, cell) c \
                 JOIN subscribers s ON s.phone = c.caller \
                 WHERE s.id_number IS NULL AND c.cell >= 0 AND c.made >= {} \
                 AND c.caller NOT IN (SELECT callee FROM calls WHERE {window})",
                term("calls")
            ),
            &[Word::Number(0, CELL_BITS)],
        ),
        "premises" => Selection::new(
            format!(
                "SELECT p.premise, p.cell, p.holder_id_number FROM premises p JOIN (SELECT premise FROM readings WHERE {window} \
                 GROUP BY premise HAVING avg(kwh) > 0 AND stddev_pop(kwh) * 100 <= avg(kwh) * {}) r ON r.premise = p.premise \
                 WHERE p.cell >= 0",
                term("flat_percent")
            ),
            &[
                Word::Number(1, CELL_BITS),
                Word::Key("premise", 0),
                Word::Key("person", 2),
                Word::Name(0),
            ],
        ),
        "wet" => Selection::new(
            format!("SELECT DISTINCT premise FROM readings WHERE litres > 0 AND {window}"),
            &[Word::Key("premise", 0)],
        ),
        "residents" => Selection::new(
            "SELECT DISTINCT id_number FROM residents WHERE id_number IS NOT NULL".into(),
            &[Word::Key("person", 0)],
        ),
        "calls" => calls(plan, joint),
        "transfers" => transfers(plan, joint),
        "subjects" => Selection::new(callers(&scenes), &[Word::Key("person", 0)]),
        "callers" => Selection::new(callers(&scenes), &[Word::Name(0)]),
        "payees" => Selection::new(
            format!(
                "SELECT DISTINCT a.id_number FROM accounts a JOIN transfers t ON t.to_account = a.account \
                 WHERE a.id_number IS NOT NULL AND ({})",
                any_of(&joint.scenes, time_of)
            ),
            &[Word::Name(0)],
        ),
        "householders" => Selection::new(
            format!(
                "SELECT DISTINCT holder_id_number FROM premises WHERE holder_id_number IS NOT NULL AND ({})",
                any_of(&joint.scenes, |scene| scene
                    .cell
                    .map_or_else(|| "true".into(), |cell| format!("cell = {cell}")))
            ),
            &[Word::Name(0)],
        ),
        "facts" => facts(plan, joint, input),
        "ledger" => Selection::new(
            ledger(&window),
            &[
                Word::Key("account", 0),
                Word::Number(1, 7),
                Word::Key("account", 2),
                Word::Number(3, AMOUNT_BITS),
                Word::Name(0),
            ],
        ),
        _ => return None,
    })
}

/// Bits of a time of a plan: seconds from the window's beginning, with room for what
/// comes after a call.
#[must_use]
pub fn time_bits(plan: &Plan, joint: &JointPlan) -> u32 {
    let seconds = plan.window.to_ms.saturating_sub(plan.window.from_ms) / 1_000;
    bits_of(seconds + within_s(joint) + 1)
}

fn within_s(joint: &JointPlan) -> u64 {
    let minutes = joint.terms.get("within_minutes").copied().unwrap_or(0);
    u64::try_from(minutes).unwrap_or(0) * 60
}

/// Bits that hold numbers up to this one, and one at least.
fn bits_of(most: u64) -> u32 {
    (u64::BITS - most.leading_zeros()).max(1)
}

fn time_of(scene: &Scene) -> String {
    format!("at >= {} AND at < {}", scene.from_ms, scene.to_ms)
}

fn at(scene: &Scene) -> String {
    let time = time_of(scene);
    match scene.cell {
        Some(cell) => format!("(cell = {cell} AND {time})"),
        None => format!("({time})"),
    }
}

fn any_of(scenes: &[Scene], of: impl Fn(&Scene) -> String) -> String {
    let all: Vec<String> = scenes.iter().map(of).collect();
    if all.is_empty() {
        "false".into()
    } else {
        all.join(" OR ")
    }
}

/// The operator's own customers who called from a scene.
fn callers(scenes: &str) -> String {
    format!(
        "SELECT DISTINCT s.id_number FROM subscribers s JOIN calls c ON c.caller = s.phone \
         WHERE s.id_number IS NOT NULL AND ({scenes})"
    )
}

/// Each phone once for each scene that it called from.
fn sightings(scenes: &[Scene]) -> String {
    let each: Vec<String> = scenes
        .iter()
        .enumerate()
        .map(|(number, scene)| {
            format!(
                "SELECT DISTINCT caller AS phone, {number} AS scene FROM calls WHERE {}",
                at(scene)
            )
        })
        .collect();
    each.join(" UNION ALL ")
}

/// Calls of anybody to the operator's own customers: caller, who was called, when,
/// and the first second that is too late.
fn calls(plan: &Plan, joint: &JointPlan) -> Selection {
    let (from, to) = (plan.window.from_ms, plan.window.to_ms);
    let bits = time_bits(plan, joint);
    Selection::new(
        format!(
            "SELECT c.caller, s.id_number, (c.at - {from}) / 1000 AS t, (c.at - {from}) / 1000 + {} AS until \
             FROM calls c JOIN subscribers s ON s.phone = c.callee \
             WHERE s.id_number IS NOT NULL AND c.at >= {from} AND c.at < {to}",
            within_s(joint) + 1
        ),
        &[
            Word::Key("phone", 0),
            Word::Key("person", 1),
            Word::Number(2, bits),
            Word::Number(3, bits + 1),
        ],
    )
}

/// Transfers out of the bank's own accounts: who pays, to which account, when.
fn transfers(plan: &Plan, joint: &JointPlan) -> Selection {
    let (from, to) = (plan.window.from_ms, plan.window.to_ms);
    Selection::new(
        format!(
            "SELECT a.id_number, t.to_account, (t.at - {from}) / 1000 AS s \
             FROM transfers t JOIN accounts a ON a.account = t.from_account \
             WHERE a.id_number IS NOT NULL AND t.at >= {from} AND t.at < {to}"
        ),
        &[
            Word::Key("person", 0),
            Word::Key("account", 1),
            Word::Number(2, time_bits(plan, joint)),
            Word::Name(1),
        ],
    )
}

/// What the bank's own customers paid, each with its group.
fn facts(plan: &Plan, joint: &JointPlan, input: &JointInput) -> Selection {
    let (from, to) = (plan.window.from_ms, plan.window.to_ms);
    let group = match joint.terms.get("by") {
        Some(1) => format!("(t.at - {from}) / {DAY_MS}"),
        Some(2) => digits("t.amount_fen"),
        _ => {
            let mut owners: Vec<_> = plan.custodians.iter().map(|one| &one.institution).collect();
            owners.sort_unstable();
            let place = owners.iter().position(|owner| **owner == input.owner);
            place.unwrap_or_default().to_string()
        }
    };
    Selection::new(
        format!(
            "SELECT a.id_number, {group} AS g, t.amount_fen \
             FROM transfers t JOIN accounts a ON a.account = t.from_account \
             WHERE a.id_number IS NOT NULL AND t.at >= {from} AND t.at < {to} \
             AND t.amount_fen >= 0 AND t.amount_fen < {}",
            1u64 << AMOUNT_BITS
        ),
        &[
            Word::Key("person", 0),
            Word::Number(1, GROUP_BITS),
            Word::Number(2, AMOUNT_BITS),
        ],
    )
}

/// The bank's own accounts with what each received, one row a transfer, or one
/// without a sender: account, its score at the beginning, sender, amount.
///
/// An account begins with 100 where, within the window, it passed on nine tenths of
/// what it received and no more than it received, and with 0 otherwise.
fn ledger(window: &str) -> String {
    format!(
        "SELECT a.account, CASE WHEN i.received > 0 AND o.sent * 10 >= i.received * 9 AND o.sent <= i.received THEN 100 ELSE 0 END AS score, \
         t.from_account, t.amount_fen \
         FROM (SELECT DISTINCT account FROM accounts) a \
         LEFT JOIN (SELECT to_account, sum(amount_fen) AS received FROM transfers WHERE {window} GROUP BY to_account) i ON i.to_account = a.account \
         LEFT JOIN (SELECT from_account, sum(amount_fen) AS sent FROM transfers WHERE {window} GROUP BY from_account) o ON o.from_account = a.account \
         LEFT JOIN (SELECT to_account, from_account, amount_fen FROM transfers WHERE {window} AND amount_fen > 0) t ON t.to_account = a.account \
         ORDER BY a.account, t.from_account, t.amount_fen"
    )
}

/// The number of digits of a whole number that is not negative, in plain SQL.
fn digits(column: &str) -> String {
    let mut parts = vec!["1".to_owned()];
    let mut bound: u64 = 10;
    while bound < 1 << AMOUNT_BITS {
        parts.push(format!("CASE WHEN {column} >= {bound} THEN 1 ELSE 0 END"));
        bound *= 10;
    }
    parts.join(" + ")
}
