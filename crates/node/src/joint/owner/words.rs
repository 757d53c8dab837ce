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

/// Rows of a selection as words, put into their parts while they come: the rows
/// themselves, ten times as large, are never held.
pub(super) struct Gathered {
    session: Digest,
    input: JointInput,
    words: Vec<Word>,
    /// The word by whose key rows are cut into parts.
    cut: Option<usize>,
    /// For each part its rows, one after another; then those that have no key to cut by.
    /// Before a row's words stands which of its keys are empty, a bit for each word.
    parts: Vec<Vec<u64>>,
}

impl Gathered {
    /// No rows, of a table that comes in `parts`.
    pub(super) fn new(session: Digest, input: JointInput, words: Vec<Word>, parts: usize) -> Self {
        let cut = query::cut_by(&input.table).filter(|_| parts > 1);
        let buckets = if cut.is_some() { parts + 1 } else { 1 };
        Self {
            session,
            input,
            words,
            cut,
            parts: vec![Vec::new(); buckets],
        }
    }

    /// Takes the next rows, in any order.
    ///
    /// # Errors
    /// A refusal where a row is not what the words are made of.
    pub(super) fn add(&mut self, rows: &[data::Row]) -> Result<()> {
        let mut words = Vec::with_capacity(self.stride());
        for row in rows {
            words.clear();
            words.push(0);
            let mut part = 0;
            for (place, word) in self.words.iter().enumerate() {
                match *word {
                    Word::Name(at) => words.extend(name(row.get(at))?),
                    Word::Number(at, bits) => words.push(small(row.get(at), bits)?),
                    Word::Key(kind, at) => {
                        let key = key(&self.session, kind, row.get(at));
                        if key.is_none() {
                            words[0] |= 1 << place;
                        }
                        if self.cut == Some(place) {
                            let last = self.parts.len() - 1;
                            part = key.map_or(last, |[high, _]| part_of(high, last));
                        }
                        words.extend(key.unwrap_or_default());
                    }
                }
            }
            self.parts[part].extend_from_slice(&words);
        }
        Ok(())
    }

    /// `present` and the words of all rows, column by column, for each part. In whatever
    /// order they came, the same rows give the same columns.
    pub(super) fn columns(mut self) -> Vec<Vec<Vec<u64>>> {
        let stride = self.stride();
        if self.cut.is_some() {
            // Keys of nobody are equal to no other: any part will do, but all the same one
            // would not.
            let without = self.parts.pop().unwrap_or_default();
            for (row, part) in sorted(&without, stride).zip((0..self.parts.len()).cycle()) {
                self.parts[part].extend_from_slice(row);
            }
        }
        let mut number = 0;
        let mut parts = Vec::with_capacity(self.parts.len());
        for rows in std::mem::take(&mut self.parts) {
            let mut columns = vec![Vec::with_capacity(rows.len() / stride); stride];
            for row in sorted(&rows, stride) {
                let empty = row[0];
                for (column, word) in columns.iter_mut().zip(row) {
                    column.push(*word);
                }
                self.name_nobody(empty, number, &mut columns);
                number += 1;
            }
            columns[0].fill(1);
            parts.push(columns);
        }
        parts
    }

    /// Puts a key that no other has into each empty one of the last row.
    fn name_nobody(&self, empty: u64, number: usize, columns: &mut [Vec<u64>]) {
        for place in (0..self.words.len()).filter(|place| empty >> place & 1 == 1) {
            let of = format!("{}/{}/{number}/{place}", self.input.owner, self.input.table);
            let key = subject_key(&self.session, query::NOBODY, of.as_bytes());
            let first = 1 + self.words.iter().take(place).map(width).sum::<usize>();
            for (column, word) in columns[first..].iter_mut().zip(key) {
                if let Some(last) = column.last_mut() {
                    *last = word;
                }
            }
        }
    }

    /// Words of a row, and which of its keys are empty.
    fn stride(&self) -> usize {
        1 + self.words.iter().map(width).sum::<usize>()
    }
}

/// The rows of a part in their order.
fn sorted(rows: &[u64], stride: usize) -> impl Iterator<Item = &[u64]> {
    let mut rows: Vec<&[u64]> = rows.chunks_exact(stride).collect();
    rows.sort_unstable();
    rows.into_iter()
}

/// The part of a key: keys are hashes, so they spread evenly.
fn part_of(high: u64, parts: usize) -> usize {
    // The high half of a product: below `parts`, and even.
    usize::try_from((u128::from(high) * parts as u128) >> u64::BITS).unwrap_or(0)
}

fn key(session: &Digest, kind: &str, value: Option<&Value>) -> Option<[u64; 2]> {
    match value {
        Some(Value::Text(text)) => Some(subject_key(session, kind, text.as_bytes())),
        Some(Value::Int(whole)) => Some(subject_key(session, kind, whole.to_string().as_bytes())),
        _ => None,
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

/// How many columns a word of a selection takes.
fn width(word: &Word) -> usize {
    match word {
        Word::Key(..) => 2,
        Word::Name(_) => NAME_WORDS,
        Word::Number(..) => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use primitives::InstitutionId;

    use super::*;

    const WORDS: [Word; 2] = [Word::Key("phone", 0), Word::Number(1, 8)];

    fn columns(rows: &[data::Row], parts: usize) -> Vec<Vec<Vec<u64>>> {
        let input = JointInput {
            table: "sightings".into(),
            owner: InstitutionId::new("telecom_a").unwrap(),
            snapshots: Vec::new(),
        };
        let session = Digest::plain(b"session");
        let mut gathered = Gathered::new(session, input, WORDS.to_vec(), parts);
        rows.chunks(11).for_each(|rows| gathered.add(rows).unwrap());
        gathered.columns()
    }

    /// Two hundred rows, every second of a phone that nobody knows.
    fn rows() -> Vec<data::Row> {
        let phone = |n: i64| match n % 2 {
            0 => Value::Null,
            _ => Value::Text(format!("+86138{n:08}")),
        };
        (0..200)
            .map(|n| vec![phone(n), Value::Int(n % 3)])
            .collect()
    }

    #[test]
    fn in_whatever_order_rows_come_their_columns_are_the_same() {
        for parts in [1, 3] {
            let (mut there, mut back) = (rows(), rows());
            back.reverse();
            there.rotate_left(77);
            assert_eq!(columns(&there, parts), columns(&back, parts));
        }
    }

    #[test]
    fn who_has_no_key_is_nobody_else_in_any_part() {
        for parts in [1, 3] {
            let columns = columns(&rows(), parts);
            assert_eq!(columns.len(), parts);
            let mut keys = BTreeSet::new();
            for part in &columns {
                assert!(part[0].iter().all(|present| *present == 1));
                assert!((200 / parts - 20..=200 / parts + 20).contains(&part[0].len()));
                keys.extend(part[1].iter().zip(&part[2]));
            }
            assert_eq!(keys.len(), 200, "all keys differ");
            let known = subject_key(&Digest::plain(b"session"), "phone", b"+8613800000007");
            assert!(keys.contains(&(&known[0], &known[1])));
        }
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for unfit in [
            vec![Value::Null, Value::Int(256)],
            vec![Value::Null],
            vec![],
        ] {
            let input = JointInput {
                table: "sightings".into(),
                owner: InstitutionId::new("telecom_a").unwrap(),
                snapshots: Vec::new(),
            };
            let mut gathered = Gathered::new(Digest([0; 32]), input, WORDS.to_vec(), 1);
            assert_eq!(gathered.add(&[unfit]).unwrap_err().rule(), "row-shape");
        }
    }
}
