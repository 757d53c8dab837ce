//! What an owner selects as words of shared rows: keys, names, numbers; a bank's ledger.

use chacha20::ChaCha20Rng;
use data::Value;
use docket::{
    joint::NAME_WORDS,
    plan::{JointInput, JointPlan},
};
use mpc::joint::{
    key::{name_to_words, subject_key},
    risk_propagation,
};
use primitives::Digest;
use query::Word;

use super::{super::program, given::padded};
use crate::error::{Error, Result};

fn unfit(what: &str) -> Error {
    Error::refused("row-shape", format!("a selected row has no {what}"))
}

/// `present` and the words of each row, column by column.
pub(super) fn columns(
    session: &Digest,
    input: &JointInput,
    words: &[Word],
    rows: &[data::Row],
) -> Result<Vec<Vec<u64>>> {
    let mut columns: Vec<Vec<u64>> = vec![vec![1; rows.len()]];
    for word in words {
        let mut own: Vec<Vec<u64>> = vec![Vec::new(); width(word)];
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
pub(super) fn ledger(
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

/// The places of rows of words by the part that they come in: all rows of a key in one.
/// Keys are hashes, so they spread evenly; `column` is where the key's first word stands.
pub(super) fn cut(columns: &[Vec<u64>], column: usize, parts: usize) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); parts];
    let keys = columns.get(column).map_or(&[][..], Vec::as_slice);
    for (place, high) in keys.iter().enumerate() {
        // The high half of a product: below `parts`, and even.
        let part = (u128::from(*high) * parts as u128) >> u64::BITS;
        if let Some(part) = usize::try_from(part).ok().and_then(|at| places.get_mut(at)) {
            part.push(place);
        }
    }
    places
}

/// The column in which a word of a row begins, after `present`.
pub(super) fn column_of(words: &[Word], word: usize) -> usize {
    1 + words.iter().take(word).map(width).sum::<usize>()
}

/// How many columns a word of a selection takes.
fn width(word: &Word) -> usize {
    match word {
        Word::Key(..) => 2,
        Word::Name(_) => NAME_WORDS,
        Word::Number(..) => 1,
    }
}
