//! The tables that owners share.
//!
//! Why it exists: a question needs a few columns of each owner; here is which,
//! how wide, how they are padded and shared, and how the tables of many owners
//! become one.
//!
//! *Invariants*: a table that may be padded begins with the column `present`,
//! which is 1 in rows that count. All owners of one table agree on its schema,
//! which the plan fixes.
//!
//! *Not here*: where rows come from.

use primitives::Digest;
use rand_core::CryptoRng;

use super::{Words, key::Key};
use crate::{
    Error, Refusal, limits,
    shares::{
        Party,
        input::{self, Binding},
        low_mask, same_rows,
    },
};

/// The first column of a table that may be padded.
pub(super) const PRESENT: (&str, u32) = ("present", 1);

/// The columns of a table, and how many bits a row of each has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    name: &'static str,
    columns: Vec<(String, u32)>,
}

impl Schema {
    /// A name of the table, its columns, and how many words of a name follow.
    pub(super) fn new(
        name: &'static str,
        columns: &[(&str, u32)],
        name_words: usize,
    ) -> Result<Self, Error> {
        if name_words > limits::JOINT_NAME_WORDS_MAX
            || columns
                .iter()
                .any(|(_, width)| !(1..=u64::BITS).contains(width))
        {
            return Err(Refusal::ParameterRange.into());
        }
        let own = columns
            .iter()
            .map(|(name, width)| (String::from(*name), *width));
        let last = (0..name_words).map(|nth| (format!("name {nth}"), u64::BITS));
        Ok(Self {
            name,
            columns: own.chain(last).collect(),
        })
    }

    /// What the table is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Name and width in bits of each column, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.columns
            .iter()
            .map(|(name, width)| (name.as_str(), *width))
    }

    /// Bytes of all messages of a table of so many rows for one party.
    #[must_use]
    pub fn message_bytes(&self, rows: usize) -> usize {
        self.columns.len() * input::message_bytes(rows)
    }

    /// Adds rows that do not count, up to `rows`, so that the table's size says
    /// no more than that.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] where the columns are not those of the schema,
    /// or the table can't be padded; [`Refusal::SetTooLarge`] where there are
    /// more rows already.
    pub fn pad(
        &self,
        columns: &mut [Vec<u64>],
        rows: usize,
        rng: &mut impl CryptoRng,
    ) -> Result<(), Error> {
        let have = self.rows(columns)?;
        if self.columns.first().map(|(name, _)| name.as_str()) != Some(PRESENT.0) {
            return Err(Refusal::ShapeMismatch.into());
        }
        if have > rows {
            return Err(Refusal::SetTooLarge.into());
        }
        for (nth, (column, (_, width))) in columns.iter_mut().zip(&self.columns).enumerate() {
            column.resize_with(rows, || match nth {
                0 => 0,
                _ => rng.next_u64() & low_mask(*width),
            });
        }
        Ok(())
    }

    /// Splits an owner's table, column by column, into the messages for parties
    /// 0, 1 and 2: one a column.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] where the columns are not those of the schema;
    /// as [`input::share`].
    pub fn share(
        &self,
        session: &Digest,
        owner: &str,
        columns: &[Vec<u64>],
        rng: &mut impl CryptoRng,
    ) -> Result<[Vec<Vec<u8>>; 3], Error> {
        let rows = self.rows(columns)?;
        let mut messages = [const { Vec::new() }; 3];
        for (binding, column) in self.bindings(session, owner, rows).zip(columns) {
            for (to, message) in messages
                .iter_mut()
                .zip(input::share(&binding, column, rng)?)
            {
                to.push(message);
            }
        }
        Ok(messages)
    }

    /// Whether messages are ones that an owner of so many rows may give party `to`.
    ///
    /// # Errors
    /// As [`Binding::fits`].
    pub fn fits(
        &self,
        session: &Digest,
        (owner, rows): (&str, usize),
        to: usize,
        messages: &[Vec<u8>],
    ) -> Result<bool, Error> {
        for (binding, message) in self.bindings(session, owner, rows).zip(messages) {
            if !binding.fits(to, message)? {
                return Ok(false);
            }
        }
        Ok(messages.len() == self.columns.len())
    }

    fn rows(&self, columns: &[Vec<u64>]) -> Result<usize, Error> {
        same_rows(columns.len(), self.columns.len())?;
        let rows = columns.first().map_or(0, Vec::len);
        for column in columns {
            same_rows(column.len(), rows)?;
        }
        Ok(rows)
    }

    fn bindings(
        &self,
        session: &Digest,
        owner: &str,
        rows: usize,
    ) -> impl Iterator<Item = Binding> {
        self.columns.iter().map(move |(column, width)| Binding {
            session: *session,
            owner: owner.to_owned(),
            column: format!("{}/{column}", self.name),
            rows,
            width: *width,
        })
    }
}

/// A shared table of one owner or of many.
#[derive(Clone)]
pub struct Table {
    schema: Schema,
    columns: Vec<Words>,
    /// Rows of each owner.
    parts: Vec<usize>,
}

impl Table {
    /// Takes an owner's messages for this party, one a column.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] for another number of messages; as
    /// [`Party::receive_input`].
    pub fn receive(
        party: &mut Party<'_>,
        schema: &Schema,
        session: &Digest,
        owner: &str,
        rows: usize,
        messages: &[Vec<u8>],
    ) -> Result<Self, Error> {
        same_rows(messages.len(), schema.columns.len())?;
        let mut columns = Vec::with_capacity(messages.len());
        for (binding, message) in schema.bindings(session, owner, rows).zip(messages) {
            columns.push(party.receive_input(&binding, message)?);
        }
        Ok(Self {
            schema: schema.clone(),
            columns,
            parts: vec![rows],
        })
    }

    /// This table's rows and then another owner's.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] where the schemas differ,
    /// [`Refusal::TooManyRows`] where there would be more than
    /// [`limits::SHARES_ROWS_MAX`].
    pub fn append(&self, other: &Self) -> Result<Self, Error> {
        if self.schema != other.schema {
            return Err(Refusal::ShapeMismatch.into());
        }
        if self.rows() + other.rows() > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        let pairs = self.columns.iter().zip(&other.columns);
        Ok(Self {
            schema: self.schema.clone(),
            columns: pairs.map(|(a, b)| a.append(b)).collect(),
            parts: [&self.parts[..], &other.parts].concat(),
        })
    }

    /// How many rows, of all owners together.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Words::rows)
    }

    /// Rows of each owner, in order.
    pub(super) fn parts(&self) -> &[usize] {
        &self.parts
    }

    /// Refuses a table of another schema.
    pub(super) fn is(&self, schema: &Schema) -> Result<(), Error> {
        if self.schema == *schema {
            Ok(())
        } else {
            Err(Refusal::ShapeMismatch.into())
        }
    }

    /// A column by its place, of which there are as many as the schema has.
    #[must_use]
    pub fn column(&self, at: usize) -> &Words {
        &self.columns[at]
    }

    /// The key whose two words begin at a place.
    pub(super) fn key(&self, at: usize) -> Key {
        Key {
            high: self.columns[at].clone(),
            low: self.columns[at + 1].clone(),
        }
    }

    /// All columns from a place on: the name.
    pub(super) fn from(&self, at: usize) -> &[Words] {
        &self.columns[at..]
    }
}
