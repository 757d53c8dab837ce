//! What a joint question opens: a row as shared words, and as cells.
//!
//! Why it exists: the node that receives an answer and whoever checks it offline
//! must read the same rows out of the same words, and refuse the same garbage.
//! The words are those of `docs/formats/mpc-joint.md`.
//!
//! *Invariants*: what does not read is refused whole; a name stands beside a key
//! that is its own under the run's session.
//!
//! *Not here*: shares, and how words are put together from them.

use primitives::{Digest, NetworkId};
use serde::{Deserialize, Serialize};

use crate::{
    plan::{Cell, JointPlan},
    rule::{Refusal, Rule, ensure},
};

/// Words of a name: up to 23 bytes.
pub const NAME_WORDS: usize = 3;
/// Domain of a subject's key, as the three compute it.
const KEY_DOMAIN: &str = "cordon/mpc/joint-key/v1";

/// A field of an answer's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column's name; a key has none of its own.
    pub name: String,
    /// How its words are read.
    pub form: Form,
}

/// How the words of a field are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// Two words: the key of the name that follows, of this kind. Opens no cell.
    Key {
        /// The kind of subject.
        kind: String,
    },
    /// [`NAME_WORDS`] words: a text.
    Name,
    /// One word: a whole number.
    Number {
        /// Its bits.
        bits: u32,
    },
    /// One word: the place of a text in a list.
    Label {
        /// Its bits.
        bits: u32,
        /// The texts.
        of: Vec<String>,
    },
    /// One word: a number with bits after the point, opened in thousandths, rounded
    /// down.
    Thousandths {
        /// Its bits.
        bits: u32,
        /// Those after the point.
        fraction: u32,
    },
}

impl Form {
    fn widths(&self) -> Vec<u32> {
        match self {
            Self::Key { .. } => vec![u64::BITS; 2],
            Self::Name => vec![u64::BITS; NAME_WORDS],
            Self::Number { bits } | Self::Label { bits, .. } | Self::Thousandths { bits, .. } => {
                vec![*bits]
            }
        }
    }
}

/// What a joint run is bound to: the salt of its keys, and part of every message.
#[must_use]
pub fn session(network: &NetworkId, plan: &Digest, question: &Digest) -> Digest {
    Digest::of(
        "cordon/joint-session/v1",
        &[&network.0.0, &plan.0, &question.0],
    )
}

/// What one of the three signs at a run's end: the frames that it exchanged, and its
/// part of the answer.
#[must_use]
pub fn transcript(question: &Digest, seat: u8, frames: &Digest, part: &[u8]) -> Digest {
    Digest::of(
        "cordon/joint-transcript/v1",
        &[&question.0, &[seat], &frames.0, part],
    )
}

impl JointPlan {
    /// The columns of the answer.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let cells = self.fields.iter();
        cells
            .filter(|field| !matches!(field.form, Form::Key { .. }))
            .map(|field| field.name.clone())
            .collect()
    }

    /// Bits of each word of a row.
    #[must_use]
    pub fn widths(&self) -> Vec<u32> {
        self.fields.iter().flat_map(|f| f.form.widths()).collect()
    }

    /// Reads rows out of columns of words; sorted and distinct.
    ///
    /// # Errors
    /// A refusal where the words are not those of the fields.
    pub fn rows(&self, session: &Digest, words: &[Vec<u64>]) -> Result<Vec<Vec<Cell>>, Refusal> {
        let count = words.first().map_or(0, Vec::len);
        let shaped =
            words.len() == self.widths().len() && words.iter().all(|column| column.len() == count);
        ensure(shaped, Rule::Format, || {
            "other columns than the plan's".into()
        })?;
        let mut rows = Vec::with_capacity(count);
        for row in 0..count {
            let words: Vec<u64> = words.iter().map(|column| column[row]).collect();
            rows.push(self.row(session, &words)?);
        }
        rows.sort_unstable();
        rows.dedup();
        ensure(rows.len() == count, Rule::Format, || {
            "a row stands twice in the answer".into()
        })?;
        Ok(rows)
    }

    fn row(&self, session: &Digest, words: &[u64]) -> Result<Vec<Cell>, Refusal> {
        let garbage = || Refusal::new(Rule::Format, "a row that reads as nothing");
        let mut words = words.iter().copied();
        let mut take = |count: usize| -> Vec<u64> { words.by_ref().take(count).collect() };
        let mut cells = Vec::new();
        let mut due: Option<(&str, Vec<u64>)> = None;
        for field in &self.fields {
            match &field.form {
                Form::Key { kind } => due = Some((kind, take(2))),
                Form::Name => {
                    let name = name(&take(NAME_WORDS)).ok_or_else(garbage)?;
                    if let Some((kind, key)) = due.take() {
                        let own = subject_key(session, kind, name.as_bytes());
                        ensure(key == own, Rule::Format, || {
                            "a name that is not its key's".into()
                        })?;
                    }
                    cells.push(Cell::Text(name));
                }
                Form::Number { .. } => {
                    let number = take(1).first().copied().unwrap_or_default();
                    cells.push(Cell::Int(i64::try_from(number).map_err(|_| garbage())?));
                }
                Form::Label { of, .. } => {
                    let place = take(1).first().copied().unwrap_or_default();
                    let label = usize::try_from(place).ok().and_then(|place| of.get(place));
                    cells.push(Cell::Text(label.ok_or_else(garbage)?.clone()));
                }
                Form::Thousandths { fraction, .. } => {
                    let number = take(1).first().copied().unwrap_or_default();
                    let scaled = (u128::from(number) * 1_000) >> fraction;
                    cells.push(Cell::Int(i64::try_from(scaled).map_err(|_| garbage())?));
                }
            }
        }
        Ok(cells)
    }
}

/// A subject's key under a run's session.
fn subject_key(session: &Digest, kind: &str, subject: &[u8]) -> Vec<u64> {
    let digest = Digest::of(KEY_DOMAIN, &[&session.0, kind.as_bytes(), subject]);
    let words = digest.0.chunks_exact(8).take(2);
    words
        .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
        .collect()
}

/// The text that words hold: its length, its bytes, zeros.
fn name(words: &[u64]) -> Option<String> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (length, rest) = bytes.split_first()?;
    let (text, zeros) = rest.split_at_checked(usize::from(*length))?;
    if zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    String::from_utf8(text.to_vec()).ok()
}
