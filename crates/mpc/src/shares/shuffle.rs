//! An oblivious shuffle of rows, verified.
//!
//! Why it exists: after a shuffle that no party knows, positions say nothing,
//! so flags and comparisons may be opened. Sorting and threshold opening rest
//! on it.
//!
//! *Paper*: resharing-based shuffle of Laur, Willemson and Zhang (ISC 2011) in
//! the three-party form of Asharov, Hamada, Ikarashi, Kikuchi, Nof, Pinkas,
//! Takahashi and Tomida (CCS 2022): each pair in turn permutes by an order that
//! only it knows.
//!
//! ```text
//! hop of P_i and P_{i+1}, order π from their generator, x = x_i ⊕ x_{i+1} ⊕ x_{i+2}:
//!   z_i, z_{i+2} from the generators of their holders
//!   P_i     ── π(x_i ⊕ x_{i+1}) ⊕ z_i ──▶ P_{i+1}
//!   P_{i+1} ── π(x_{i+2}) ⊕ z_{i+2}   ──▶ P_i         z_{i+1} = the sum of both
//! ```
//!
//! *Verification* (malicious mode): words are elements of GF(2^64). Before the
//! hops each row gets a tag `t = Σ_k κ_k·v_k` under shared uniform keys `κ_k`
//! that nobody ever opens, and the tag moves with the row. After the hops, with
//! public weights `r_i` from a coin, `Σ_i r_i·t_i ⊕ Σ_k κ_k·Σ_i r_i·v_{i,k}` is
//! computed and opened: it is zero.
//!
//! *Adversary*: one malicious party. Whatever it does in a hop adds an error of
//! its own choice, known to it, to rows and tags; unless all errors in rows are
//! zero, the opened value is uniform given what it saw, since the keys are: it
//! passes with probability at most 2^−63. An error in tags alone, or in the
//! check's own products, changes no row.
//!
//! *Not here*: constant time in the orders. Rows move by index, and who can time the
//! caches of one of the two parties that know an order may learn of it what that
//! party knows.
//!
//! *Leaks*: the number of rows and columns. *Cost*: 6 words a row and column
//! over all parties, 3 rounds; malicious one column and one product a row more,
//! and 7 rounds.

use super::{
    Words,
    check::{Elements, Shared},
    column::{Pair, same_rows},
    extension::{Binary, Extension},
    frame::Kind,
    party::{Expected, Outgoing, Party, Stream},
};
use crate::{Error, Fault, Refusal, limits, simd::rings};

/// The orders of the three hops, by the first of the two parties that make it;
/// empty where this party is not one of them.
pub(crate) struct Orders(pub(crate) [Vec<u32>; 3]);

impl Party<'_> {
    /// Moves the rows of all columns by one secret uniform order.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`], [`Refusal::TooManyRows`],
    /// [`Refusal::ParameterRange`] for more than
    /// [`limits::SHARES_COLUMNS_MAX`] columns; [`Fault::ShuffleWrong`]; a peer's
    /// other faults.
    pub fn shuffle(&mut self, columns: &[Words]) -> Result<Vec<Words>, Error> {
        Ok(self.shuffle_kept(columns)?.0)
    }

    /// The same, with the orders that this party knows of it.
    pub(crate) fn shuffle_kept(
        &mut self,
        columns: &[Words],
    ) -> Result<(Vec<Words>, Orders), Error> {
        if columns.len() > limits::SHARES_COLUMNS_MAX {
            return Err(Refusal::ParameterRange.into());
        }
        let rows = columns.first().map_or(0, Words::rows);
        for column in columns {
            same_rows(column.rows(), rows)?;
        }
        if rows > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        let mut moved: Vec<Pair> = columns.iter().map(|column| column.pair.clone()).collect();
        let keys = if self.malicious() && rows > 0 {
            let keys = self.draw_keys(columns.len());
            let tags = self.tags(&moved, &keys)?;
            moved.push(tags);
            Some(keys)
        } else {
            None
        };
        let orders = self.draw_orders(rows);
        self.hops(&mut moved, rows, &orders)?;
        if let Some(keys) = keys {
            let tags = moved.pop().unwrap_or_default();
            self.check_tags(&moved, &tags, &keys)?;
        }
        let widths = columns.iter().map(Words::width);
        let words = moved.into_iter().zip(widths);
        let words = words.map(|(pair, width)| Words { pair, width }).collect();
        Ok((words, orders))
    }

    /// Draws the order of each hop at the two parties that make it.
    pub(crate) fn draw_orders(&mut self, rows: usize) -> Orders {
        Orders([0, 1, 2].map(|first| match (self.index + 3 - first) % 3 {
            0 => self.with_next.permutation(rows),
            1 => self.with_previous.permutation(rows),
            _ => Vec::new(),
        }))
    }

    /// Moves XOR-shared columns of equal length through the three hops.
    fn hops(&mut self, columns: &mut [Pair], rows: usize, orders: &Orders) -> Result<(), Error> {
        for (first, order) in orders.0.iter().enumerate() {
            self.hop(columns, rows, first, order)?;
        }
        Ok(())
    }

    /// One hop: parties `first` and `first + 1` permute.
    fn hop(
        &mut self,
        columns: &mut [Pair],
        rows: usize,
        first: usize,
        order: &[u32],
    ) -> Result<(), Error> {
        let words = rows * columns.len();
        let role = (self.index + 3 - first) % 3;
        if role == 2 {
            // Component i + 2 is mine, component i the next party's and mine.
            let (mine, next) = (self.with_previous.words(words), self.with_next.words(words));
            self.exchange(Kind::Hop, &Outgoing::default(), Expected::default())?;
            replace(columns, mine, next, rows);
            return Ok(());
        }
        // Role 0 shares component i + 1 with its next party, role 1 with its
        // previous one; the order came from that pair, the mask from the other.
        let mask = match role {
            0 => self.with_previous.words(words),
            _ => self.with_next.words(words),
        };
        let mut half = mask.clone();
        for (column, half) in columns.iter().zip(half.chunks_mut(rows.max(1))) {
            for (to, from) in half.iter_mut().zip(order) {
                let from = *from as usize;
                *to ^= match role {
                    0 => column.mine[from] ^ column.next[from],
                    _ => column.next[from],
                };
            }
        }
        #[cfg(test)]
        if let Some(column) = self.corrupt_hop {
            half[column * rows] ^= 1 << 63;
        }
        let (mut outgoing, mut expected) = (Outgoing::default(), Expected::default());
        if role == 0 {
            (outgoing.next, expected.next) = (Some(&half[..]), Some(words));
        } else {
            (outgoing.previous, expected.previous) = (Some(&half[..]), Some(words));
        }
        let incoming = self.exchange(Kind::Hop, &outgoing, expected)?;
        let other = if role == 0 {
            incoming.next
        } else {
            incoming.previous
        };
        let joint: Vec<u64> = half.iter().zip(other).map(|(a, b)| a ^ b).collect();
        match role {
            0 => replace(columns, mask, joint, rows),
            _ => replace(columns, joint, mask, rows),
        }
        Ok(())
    }

    /// Uniform keys that nobody knows.
    fn draw_keys(&mut self, count: usize) -> Elements<u64> {
        Elements {
            mine: self.with_previous.words(count),
            next: self.with_next.words(count),
        }
    }

    /// `Σ_k κ_k·v_k` for each row, one word a party and row.
    fn tags(&mut self, columns: &[Pair], keys: &Elements<u64>) -> Result<Pair, Error> {
        let rows = columns.first().map_or(0, Pair::len);
        let mut terms = self.with_previous.words(rows);
        for (term, mask) in terms.iter_mut().zip(self.with_next.words(rows)) {
            *term ^= mask;
        }
        for (column, (mine, next)) in columns.iter().zip(keys.mine.iter().zip(&keys.next)) {
            rings::add_scaled(&mut terms, &column.mine, mine ^ next);
            rings::add_scaled(&mut terms, &column.next, *mine);
        }
        self.reshare(terms)
    }

    fn check_tags(
        &mut self,
        columns: &[Pair],
        tags: &Pair,
        keys: &Elements<u64>,
    ) -> Result<(), Error> {
        let weights = Stream::from_coin(&self.coin()?).words(tags.len());
        // This party's terms of Σ_k κ_k·(Σ_i r_i·v_{i,k}).
        let mut terms = 0;
        for (column, (mine, next)) in columns.iter().zip(keys.mine.iter().zip(&keys.next)) {
            let sum = Shared {
                mine: rings::dot(&weights, &column.mine),
                next: rings::dot(&weights, &column.next),
            };
            terms ^= Binary::mul(&sum.mine, &(mine ^ next)) ^ Binary::mul(&sum.next, mine);
        }
        let made = self.reshare_elements::<Binary>(vec![terms])?;
        let difference = Shared {
            mine: made.mine[0] ^ rings::dot(&weights, &tags.mine),
            next: made.next[0] ^ rings::dot(&weights, &tags.next),
        };
        if self.open_element::<Binary>(&difference)? != 0 {
            return self.fail(Error::faulty(Fault::ShuffleWrong, &[]));
        }
        Ok(())
    }
}

/// Puts new components in the place of old ones, column after column.
fn replace(columns: &mut [Pair], mut mine: Vec<u64>, mut next: Vec<u64>, rows: usize) {
    for (at, column) in columns.iter_mut().enumerate() {
        let range = at * rows..(at + 1) * rows;
        column.mine.copy_from_slice(&mine[range.clone()]);
        column.next.copy_from_slice(&next[range]);
    }
    super::lanes::wipe(&mut mine);
    super::lanes::wipe(&mut next);
}
