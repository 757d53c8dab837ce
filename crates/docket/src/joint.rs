//! What a joint question opens: a row as shared words, and as cells.
//!
//! Why it exists: the node that receives an answer and whoever checks it offline
//! must read the same rows out of the same words, and refuse the same garbage.
//! The words are those of `docs/formats/mpc-joint.md`.
//!
//! *Invariants*: what does not read is refused whole; a name stands beside a key
//! that is its own under the run's session; no word has a bit that its field has not.
//!
//! *Not here*: shares, and how words are put together from them.

use std::collections::BTreeSet;

use primitives::{
    Digest, InstitutionId, NetworkId,
    limits::{BODY_BYTES_MAX, MEMBERS_MAX, TEXT_BYTES_MAX},
};
use serde::{Deserialize, Serialize};

use crate::{
    plan::{Cell, JointPlan, Method},
    rule::{Refusal, Rule, ensure},
    state::{COMPUTING, SCENES_MAX, TABLES_MAX},
};

pub mod sets;

/// Words of a name: up to 23 bytes.
pub const NAME_WORDS: usize = 3;
/// Fields of an answer's row.
pub const FIELDS_MAX: usize = 32;
/// Texts of a list.
pub const LABELS_MAX: usize = 256;
/// Numbers that a program takes.
pub const TERMS_MAX: usize = 64;
const WORD_BYTES: usize = 8;
/// In an answer's body: what stands before a text.
const TEXT_HEAD_BYTES: usize = 3;
/// The names and lengths around a row's cells.
const ROW_HEAD_BYTES: usize = 20;
/// All but rows, parts and the columns' names.
const ANSWER_HEAD_BYTES: usize = 4_096;
/// Tables of a program, of all owners.
const INPUTS_MAX: usize = MEMBERS_MAX * TABLES_MAX;
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
    /// Whether its numbers are such that every word reads as something or nothing.
    fn is_sound(&self) -> bool {
        let wide = |bits: &u32| (1..=u64::BITS).contains(bits);
        match self {
            Self::Key { kind } => is_text(kind),
            Self::Name => true,
            Self::Number { bits } => wide(bits),
            Self::Label { bits, of } => {
                wide(bits)
                    && (1..=LABELS_MAX).contains(&of.len())
                    && of.iter().all(|text| is_text(text))
            }
            Self::Thousandths { bits, fraction } => wide(bits) && fraction <= bits,
        }
    }

    /// Most bytes of its cell in an answer's body.
    fn cell_bytes(&self) -> usize {
        match self {
            Self::Key { .. } => 0,
            Self::Name => TEXT_HEAD_BYTES + NAME_WORDS * WORD_BYTES - 1,
            Self::Number { .. } | Self::Thousandths { .. } => 1 + WORD_BYTES,
            Self::Label { of, .. } => {
                TEXT_HEAD_BYTES + of.iter().map(String::len).max().unwrap_or_default()
            }
        }
    }

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

fn is_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len())
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

/// What an owner commits to of a table's shares for one of the three: the messages
/// that this one is given, a column each, under `salt`, which it alone is given with
/// them.
///
/// Without a salt of its own each of the three could try what a table may hold: it
/// has two of three components, so that a guess of the rows gives it the third, and
/// the commitment of another would tell it whether it guessed right.
#[must_use]
pub fn shares(
    question: &Digest,
    place: (&InstitutionId, &str),
    seat: u8,
    salt: &Digest,
    columns: &[Vec<u8>],
) -> Digest {
    let columns = columns.iter().map(Vec::as_slice);
    let given: Vec<&[u8]> = std::iter::once(&salt.0[..]).chain(columns).collect();
    committed("cordon/joint-shares/v1", question, place, seat, &given)
}

/// What an owner commits to of a table that comes in parts, for one of the three: what
/// it would commit to of each ([`shares`], under a salt of its own), in their order.
#[must_use]
pub fn shares_in_parts(
    question: &Digest,
    place: (&InstitutionId, &str),
    seat: u8,
    digests: &[Digest],
) -> Digest {
    let given: Vec<&[u8]> = digests.iter().map(|digest| &digest.0[..]).collect();
    committed("cordon/joint-parts/v1", question, place, seat, &given)
}

/// A digest of what one of the three is given of an owner's table.
fn committed(
    domain: &str,
    question: &Digest,
    (owner, table): (&InstitutionId, &str),
    seat: u8,
    given: &[&[u8]],
) -> Digest {
    let place: [&[u8]; 4] = [
        &question.0,
        owner.as_str().as_bytes(),
        table.as_bytes(),
        &[seat],
    ];
    Digest::of(domain, &[&place, given].concat())
}

impl JointPlan {
    /// Checks the program by itself: sizes, and that its fields can be read.
    ///
    /// # Errors
    /// A refusal that names what is wrong with it.
    pub fn check(&self) -> Result<(), Refusal> {
        let computing: BTreeSet<_> = self.computing.iter().collect();
        ensure(
            self.computing.len() == COMPUTING && computing.len() == COMPUTING,
            Rule::Joint,
            || "a joint question is computed by three different members".into(),
        )?;
        let inputs: BTreeSet<_> = self.inputs.iter().map(|i| (&i.owner, &i.table)).collect();
        ensure(
            self.inputs.len() <= INPUTS_MAX
                && self.scenes.len() <= SCENES_MAX as usize
                && self.terms.len() <= TERMS_MAX
                && (1..=FIELDS_MAX).contains(&self.fields.len()),
            Rule::Limit,
            || "more tables, scenes, terms or fields than a joint question has".into(),
        )?;
        let named = self.inputs.iter().all(|input| is_text(&input.table));
        ensure(
            inputs.len() == self.inputs.len() && named,
            Rule::Joint,
            || "a table without a name, or twice of one owner".into(),
        )?;
        ensure(
            self.fields.iter().all(|field| field.form.is_sound()),
            Rule::Format,
            || "a field of no width, of more than 64 bits, or of no texts".into(),
        )?;
        let is_key = |field: &Field| matches!(field.form, Form::Key { .. });
        let led = self.fields.iter().enumerate().all(|(place, field)| {
            let next = self.fields.get(place + 1).map(|next| &next.form);
            !is_key(field) || next == Some(&Form::Name)
        });
        ensure(led, Rule::Format, || {
            "a key that no name follows would stand unchecked".into()
        })?;
        self.check_method()?;
        let columns = self.columns();
        let names: BTreeSet<_> = columns.iter().filter(|name| is_text(name)).collect();
        ensure(names.len() == columns.len(), Rule::Format, || {
            "a column without a name, or two of one name".into()
        })
    }

    /// Sets are compared between two that hold one each, and open one name a row.
    fn check_method(&self) -> Result<(), Refusal> {
        let owners = self.inputs.iter().map(|input| &input.owner);
        let sound = match self.method {
            Method::Shares => true,
            Method::Sets => {
                owners.eq(&self.computing[..sets::HOLDERS])
                    && matches!(
                        self.fields.as_slice(),
                        [Field {
                            form: Form::Name,
                            ..
                        }]
                    )
            }
        };
        ensure(sound, Rule::Joint, || {
            "sets are compared between the first two that compute, a set each, and open names"
                .into()
        })
    }

    /// Most rows of an answer whose body, with the three's parts, is no larger than a
    /// body may be.
    #[must_use]
    pub fn rows_max(&self) -> usize {
        let parts = match self.method {
            Method::Shares => COMPUTING * 2 * WORD_BYTES * self.widths().len(),
            Method::Sets => sets::HOLDERS * sets::OPENING_BYTES_MAX,
        };
        let cells: usize = self
            .fields
            .iter()
            .map(|field| field.form.cell_bytes())
            .sum();
        let names = self
            .fields
            .iter()
            .map(|field| field.name.len() + TEXT_HEAD_BYTES);
        let head = ANSWER_HEAD_BYTES + names.sum::<usize>();
        BODY_BYTES_MAX.saturating_sub(head) / (parts + cells + ROW_HEAD_BYTES)
    }

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
    /// A refusal where the program itself does not stand ([`Self::check`]), or the
    /// words are not those of its fields.
    pub fn rows(&self, session: &Digest, words: &[Vec<u64>]) -> Result<Vec<Vec<Cell>>, Refusal> {
        self.check()?;
        let count = words.first().map_or(0, Vec::len);
        let widths = self.widths();
        let shaped =
            words.len() == widths.len() && words.iter().all(|column| column.len() == count);
        ensure(shaped, Rule::Format, || {
            "other columns than the plan's".into()
        })?;
        let narrow = words.iter().zip(widths).all(|(column, width)| {
            let above = |word: &u64| word.checked_shr(width).is_some_and(|rest| rest != 0);
            !column.iter().any(above)
        });
        ensure(narrow, Rule::Format, || {
            "a word with a bit that its field has not".into()
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

#[cfg(test)]
mod tests;
